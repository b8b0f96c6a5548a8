/* SPDX-License-Identifier: MIT */
/*
 * The keys of a list, and the leaves it takes when an address follows one.
 *
 * Its memory has a phase for each run, of which those with the most bytes are found in one pass and
 * constant memory (the Space-Saving algorithm). A second pass counts leaves for all keys at once: a
 * run's depend only on how many low bits of the address agree with its own phase.
 */

#include <string.h>

#include "../base/check.h"
#include "subject.h"

/* A run, its outer granules whole. */
struct piece {
	struct phyr_range range;
	uint64_t phase;		/* of the first granule of the list, if it followed this run */
	unsigned int block_lg2; /* largest leaf in it; not above 63 */
};

static struct piece piece_of(const struct subject *subject, const struct phyr_run *run)
{
	uint64_t first = phyr_bits_down(run->range.pa.addr, subject->granule_lg2), block;
	uint64_t last = (run->range.pa.addr + (run->range.len - 1)) |
			phyr_bits_mask(subject->granule_lg2);
	struct piece piece = { { { first }, last - first + 1 }, 0, 0 };

	piece.phase = run->range.pa.addr - run->offset - subject->head_len;
	piece.block_lg2 = phyr_sizes_best_lg2(subject->request->leaf_sizes,
					      phyr_bits_largest(first, last, &block));
	return piece;
}

/* Counts a phase; when there are too many, the lightest makes room and leaves its weight behind. */
static void add_phase(struct keys *keys, struct congruence key, uint64_t weight)
{
	size_t lightest = KEY_MEMORY;

	for (size_t i = KEY_MEMORY; i < KEY_CNT; i++) {
		if (keys->key[i].lg2 == key.lg2 && keys->key[i].phase == key.phase) {
			keys->weight[i] += weight;
			return;
		}
		if (keys->weight[i] < keys->weight[lightest])
			lightest = i;
	}
	keys->key[lightest] = key;
	keys->weight[lightest] += weight;
}

static void find_phases(const struct subject *subject, struct keys *keys)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(subject->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		struct piece piece = piece_of(subject, &run);
		struct congruence key = { piece.phase & phyr_bits_mask(piece.block_lg2),
					  piece.block_lg2 };

		if (piece.block_lg2 > subject->granule_lg2)
			add_phase(keys, key, piece.range.len);
	}
}

/* Leaves of a run alone, for each largest size up to its own. */
static void count_piece(const struct subject *subject, const struct piece *piece,
			uint64_t ret_cnt[64])
{
	phyr_sizes sizes = phyr_sizes_upto(subject->request->leaf_sizes, piece->block_lg2);

	for (uint64_t left = sizes.mask; left; left &= left - 1) {
		unsigned int lg2 = phyr_bits_ctz(left);
		struct phyr_block_counts counts = { { 0 } };
		int err = phyr_split_count_range(piece->range, phyr_iova_at(piece->range.pa.addr),
						 phyr_sizes_upto(sizes, lg2), &counts);

		/* Granules from first to last: there is nothing to refuse. */
		PHYR_ASSERT(!err);
		ret_cnt[lg2] = 0;
		for (unsigned int i = subject->granule_lg2; i <= lg2; i++)
			ret_cnt[lg2] += counts.cnt[i];
	}
}

/* Adds a run to the leaves of every key. */
static void add_piece(const struct subject *subject, const struct piece *piece,
		      const uint64_t cnt[64], struct keys *keys)
{
	phyr_sizes sizes = subject->request->leaf_sizes;

	for (size_t i = 0; i < KEY_CNT; i++) {
		struct congruence key = keys->key[i];
		unsigned int agree_lg2 = phyr_bits_ctz(piece->phase ^ key.phase);
		unsigned int top_lg2;

		if (key.lg2 == 0)
			continue;
		if (agree_lg2 > piece->block_lg2)
			agree_lg2 = piece->block_lg2;
		top_lg2 = phyr_sizes_best_lg2(sizes, agree_lg2);
		for (uint64_t left = phyr_sizes_upto(sizes, key.lg2).mask; left; left &= left - 1) {
			unsigned int lg2 = phyr_bits_ctz(left);

			keys->leaf_cnt[i][lg2] += cnt[lg2 < top_lg2 ? lg2 : top_lg2];
		}
	}
}

void phyr_place_keys(const struct subject *subject, struct keys *ret_keys)
{
	const struct phyr_place_request *request = subject->request;
	uint64_t device = request->address - subject->head_len, cnt[64];
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	memset(ret_keys, 0, sizeof(*ret_keys));
	ret_keys->key[KEY_ALIGNED].lg2 = 63;
	/* A free name is an aligned address. One that differs inside a granule cannot be met. */
	if (request->device_sizes.mask && request->name == PHYR_NAME_ADDRESS &&
	    phyr_bits_aligned(device, subject->granule_lg2)) {
		ret_keys->key[KEY_DEVICE].phase = device & phyr_bits_mask(63);
		ret_keys->key[KEY_DEVICE].lg2 = 63;
	}
	find_phases(subject, ret_keys);
	phyr_list_begin(subject->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		struct piece piece = piece_of(subject, &run);

		count_piece(subject, &piece, cnt);
		add_piece(subject, &piece, cnt, ret_keys);
	}
}
