/* SPDX-License-Identifier: MIT */
/* Tables that are worth looking at, and their images. */
#ifndef PHYR_DUMP_WORLD_H
#define PHYR_DUMP_WORLD_H

#include <phyrsim/pagetable_dirty.h>

#include "dump_sink.h"
#include "pagetable_formats.h"

static inline struct sunk image_of(struct phyrsim_mem *mem, const struct phyrsim_root *root)
{
	struct sunk sunk;

	sunk_init(&sunk);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, mem, root, &sunk.sink), PHYR_OK);
	return sunk;
}

/* Runs of all lengths at both ends and in the middle of the window, with every permission. */
static inline void map_at_random(uint64_t *random, unsigned int cnt)
{
	uint64_t first = w.caps.iova.first.addr, last = w.caps.iova.last.addr;

	for (unsigned int i = 0; i < cnt; i++) {
		unsigned int lg2 = 12 + (unsigned int)(test_random(random) % 24);
		uint64_t len = test_random(random) % phyr_bits_size(lg2) + granule();
		uint64_t iova = test_random(random) % phyr_bits_size(34);
		uint64_t pa = test_random(random) & w.caps.pa_last.addr >> 1;

		iova = i % 3 == 0 ? first + iova : i % 3 == 1 ? last - iova : last / 2 + iova;
		len = phyr_bits_down(len, phyr_sizes_min_lg2(w.caps.sizes));
		iova = phyr_bits_down(iova, phyr_sizes_min_lg2(w.caps.sizes));
		pa = phyr_bits_down(pa, lg2) | (iova & phyr_bits_mask(lg2));
		/* What overlaps, or is beyond the window, is refused. */
		(void)map_attrs(iova, pa, len, 1 + (unsigned int)(test_random(random) % 3),
				(unsigned int)(test_random(random) % 16));
	}
}

/* A leaf loses its dirty mark, as if what was written had been saved. */
static inline void clean(const struct phyrsim_leaf *leaf)
{
	const struct phyr_iova_range range = { leaf->iova, phyr_bits_size(leaf->lg2) };
	uint64_t bit = 0;
	const struct phyrsim_dirty_bitmap bitmap = { &bit, 1, leaf->lg2 };
	int err = phyrsim_pagetable_read_dirty(w.table, range, 0, &bitmap, &w.gather);

	/* Of Arm without DBM nothing is ever clean. */
	assert_true(err == PHYR_OK || err == PHYR_E_UNSUPPORTED);
}

/* About half of all leaves. */
static inline void clean_at_random(uint64_t *random)
{
	uint64_t last = w.caps.iova.last.addr;
	struct phyr_iova_range rest = { w.caps.iova.first, last - w.caps.iova.first.addr };
	struct phyrsim_leaf leaf;

	while (rest.len > 0 && phyrsim_pagetable_next(w.table, rest, &leaf) == PHYR_OK) {
		uint64_t leaf_last = leaf.iova.addr | phyr_bits_mask(leaf.lg2);

		if (test_random(random) % 2 == 0)
			clean(&leaf);
		rest.iova.addr = leaf_last + 1;
		rest.len = leaf_last < last ? last - leaf_last : 0;
	}
}

#endif
