/* SPDX-License-Identifier: MIT */
/* Tables that are worth looking at, and their images. */
#ifndef PHYR_DUMP_WORLD_H
#define PHYR_DUMP_WORLD_H

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

#endif
