/* SPDX-License-Identifier: MIT */
/*
 * The phases of a list's memory: one for each run, of which those with the most bytes are found in
 * one pass and constant memory (the Space-Saving algorithm).
 */

#include <string.h>

#include "subject.h"

/* Counts a phase; when there are too many, the lightest makes room and leaves its weight behind. */
static void add_phase(struct phases *phases, struct congruence key, uint64_t weight)
{
	size_t lightest = 0;

	for (size_t i = 0; i < PHASE_CNT; i++) {
		if (phases->weight[i] && phases->key[i].lg2 == key.lg2 &&
		    phases->key[i].phase == key.phase) {
			phases->weight[i] += weight;
			return;
		}
		if (phases->weight[i] < phases->weight[lightest])
			lightest = i;
	}
	phases->key[lightest] = key;
	phases->weight[lightest] += weight;
}

void phyr_place_phases(const struct subject *subject, struct phases *ret_phases)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	memset(ret_phases, 0, sizeof(*ret_phases));
	phyr_list_begin(subject->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t first = run.range.pa.addr, last = first + (run.range.len - 1), block;
		struct congruence key;
		unsigned int lg2;

		if (run.offset == 0)
			first -= subject->head_len;
		if (run.offset + run.range.len == subject->stats.len)
			last |= phyr_bits_mask(subject->granule_lg2);
		lg2 = phyr_sizes_best_lg2(subject->request->leaf_sizes,
					  phyr_bits_largest(first, last, &block));
		if (lg2 > 63 || lg2 <= subject->granule_lg2)
			continue;
		key.lg2 = lg2;
		key.phase = (run.range.pa.addr - run.offset - subject->head_len) &
			    phyr_bits_mask(lg2);
		add_phase(ret_phases, key, run.range.len);
	}
}
