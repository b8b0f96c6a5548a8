/* SPDX-License-Identifier: MIT */
/*
 * Pages of one size: which size is best, and the cut into it.
 *
 * What stands in the way of a page size is collected in one word: the bits in which an address
 * and its device address differ, and the bits of every device address at which a run ends or (when
 * nothing may be covered) the region does. A size fits when none of these bits is below it.
 */

#include <phyr/bits.h>
#include <phyr/split.h>

/* The bits that limit the page size, but for those of the region's own ends. */
static uint64_t limits(const struct phyr_list *list, uint64_t address)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t mask = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t at = address + run.offset;

		mask |= at ^ run.range.pa.addr;
		mask |= run.offset ? at : 0;
	}
	return mask;
}

/* The smallest size that needs as few pages as the largest does. */
static uint64_t fewest_pages(phyr_sizes sizes, uint64_t first, uint64_t last)
{
	unsigned int best = phyr_sizes_best_lg2(sizes, 63);
	uint64_t cnt;

	if (best > 63)
		return 0;
	cnt = phyr_bits_blocks(first, last, best);
	for (unsigned int lg2 = best; lg2-- > 0;)
		if (sizes.mask >> lg2 & 1 && phyr_bits_blocks(first, last, lg2) == cnt)
			best = lg2;
	return phyr_bits_size(best);
}

uint64_t phyr_split_best_size(const struct phyr_list *list, uint64_t address, phyr_sizes sizes,
			      enum phyr_cover cover)
{
	uint64_t mask, last;

	if (!list || !phyr_bits_last(address, phyr_list_len(list), &last))
		return 0;
	mask = limits(list, address);
	if (cover == PHYR_COVER_FORBID)
		mask |= phyr_bits_down(address, PHYR_PAGE_LG2) |
			((last | phyr_bits_mask(PHYR_PAGE_LG2)) + 1);
	return fewest_pages(phyr_sizes_upto(sizes, phyr_bits_ctz(mask)), address, last);
}

int phyr_split_pages_begin(const struct phyr_list *list, uint64_t address, unsigned int lg2,
			   struct phyr_pages *pages)
{
	uint64_t last;

	if (!list || !pages || lg2 > 63)
		return PHYR_E_INVAL;
	if (phyr_list_len(list)) {
		if (!phyr_bits_last(address, phyr_list_len(list), &last))
			return PHYR_E_RANGE;
		if (!phyr_bits_aligned(limits(list, address), lg2))
			return PHYR_E_ALIGN;
	}
	phyr_list_begin(list, &pages->cursor);
	pages->address = address;
	pages->lg2 = lg2;
	return PHYR_OK;
}

bool phyr_split_pages_next(struct phyr_pages *pages, struct phyr_blocks *ret_blocks)
{
	struct phyr_run run;
	uint64_t first;

	if (!phyr_list_next(&pages->cursor, &run))
		return false;
	first = pages->address + run.offset;
	ret_blocks->pa = phyr_pa_at(phyr_bits_down(run.range.pa.addr, pages->lg2));
	ret_blocks->iova = phyr_iova_at(phyr_bits_down(first, pages->lg2));
	ret_blocks->cnt = phyr_bits_blocks(first, first + (run.range.len - 1), pages->lg2);
	ret_blocks->lg2 = pages->lg2;
	return true;
}
