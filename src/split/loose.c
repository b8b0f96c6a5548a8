/* SPDX-License-Identifier: MIT */
/* Sizes that are not aligned to themselves in memory; see loose.h. */

#include "loose.h"

#include <phyr/bits.h>
#include <phyr/split.h>

bool phyr_loose_valid(const struct phyr_split_sizes *sizes)
{
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (sizes->sizes.mask >> lg2 & 1 && sizes->align_lg2[lg2] > lg2)
			return false;
	return true;
}

phyr_sizes phyr_loose_sizes(phyr_sizes sizes, const uint8_t *align_lg2, unsigned int lg2)
{
	phyr_sizes kept = { 0 };

	for (uint64_t mask = sizes.mask; mask; mask &= mask - 1) {
		unsigned int size_lg2 = phyr_bits_ctz(mask);

		if (align_lg2[size_lg2] <= lg2)
			kept.mask |= phyr_bits_size(size_lg2);
	}
	return kept;
}

/* The sizes that are larger than a block and not longer than a range. */
static phyr_sizes larger_sizes(phyr_sizes sizes, unsigned int lg2, uint64_t len)
{
	sizes = phyr_sizes_upto(sizes, phyr_bits_log2(len));
	sizes.mask &= ~(phyr_bits_mask(lg2) | phyr_bits_size(lg2));
	return sizes;
}

/* How much of a range there is until a larger size can start where one of 2^lg2 bytes would. */
static uint64_t until_larger(struct phyr_range range, unsigned int lg2, phyr_sizes larger,
			     const uint8_t *align_lg2)
{
	uint64_t len = range.len;

	for (uint64_t mask = larger.mask; mask; mask &= mask - 1) {
		unsigned int larger_lg2 = phyr_bits_ctz(mask);
		uint64_t gap = -range.pa.addr & phyr_bits_mask(align_lg2[larger_lg2]);

		if (gap && gap < len && phyr_bits_aligned(gap, lg2) &&
		    range.len - gap >= phyr_bits_size(larger_lg2))
			len = gap;
	}
	return len;
}

struct phyr_blocks phyr_loose_blocks(struct phyr_range range, phyr_sizes sizes,
				     const uint8_t *align_lg2)
{
	struct phyr_blocks blocks = { range.pa, phyr_iova_at(range.pa.addr), 0, 0 };
	phyr_sizes now = phyr_loose_sizes(phyr_sizes_upto(sizes, phyr_bits_log2(range.len)),
					  align_lg2, phyr_bits_ctz(range.pa.addr));
	phyr_sizes larger;

	blocks.lg2 = phyr_sizes_best_lg2(now, 63);
	larger = larger_sizes(sizes, blocks.lg2, range.len);
	blocks.cnt = until_larger(range, blocks.lg2, larger, align_lg2) >> blocks.lg2;
	return blocks;
}
