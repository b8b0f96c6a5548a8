/* SPDX-License-Identifier: MIT */
/*
 * Pages of one size: which size is best.
 *
 * Not here: the cut into pages (pages.c), what to say about the choice (explain.c).
 */

#include "single.h"

#include <phyr/bits.h>
#include <phyr/split.h>

#include "loose.h"

struct phyr_limits phyr_limits_of(const struct phyr_list *list, uint64_t address)
{
	struct phyr_limits limits = { 0, 0, 0, 0 };
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t end = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t at = address + run.offset;

		limits.phase |= at ^ run.range.pa.addr;
		if (run.offset == 0)
			limits.pa_first = run.range.pa.addr;
		else if (!phyr_goes_on(end, run.range))
			limits.joint |= at;
		end = run.range.pa.addr + run.range.len;
	}
	limits.pa_last = end - 1;
	return limits;
}

uint64_t phyr_limits_ends(uint64_t first, uint64_t last)
{
	return phyr_bits_down(first, PHYR_PAGE_LG2) | ((last | phyr_bits_mask(PHYR_PAGE_LG2)) + 1);
}

/* The smallest size that needs as few pages as the largest does; 0 for no sizes. */
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
	struct phyr_limits limits;
	uint64_t last;

	if (!list || !phyr_bits_last(address, phyr_list_len(list), &last))
		return 0;
	limits = phyr_limits_of(list, address);
	if (cover == PHYR_COVER_FORBID)
		limits.joint |= phyr_limits_ends(address, last);
	sizes = phyr_sizes_upto(sizes, phyr_bits_ctz(limits.phase | limits.joint));
	return fewest_pages(sizes, address, last);
}

/* The sizes whose outer pages lie in memory that exists. */
static phyr_sizes existing(phyr_sizes sizes, const struct phyr_limits *limits, uint64_t first,
			   uint64_t last)
{
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		uint64_t mask = phyr_bits_mask(lg2);

		if ((first & mask) > limits->pa_first || (~last & mask) > ~limits->pa_last)
			sizes.mask &= ~phyr_bits_size(lg2);
	}
	return sizes;
}

uint64_t phyr_split_best_size_aligned(const struct phyr_list *list, uint64_t address,
				      const struct phyr_split_sizes *sizes, enum phyr_cover cover)
{
	struct phyr_limits limits;
	phyr_sizes fit;
	uint64_t last;

	if (!list || !sizes || !phyr_bits_last(address, phyr_list_len(list), &last) ||
	    !phyr_loose_valid(sizes))
		return 0;
	limits = phyr_limits_of(list, address);
	if (cover == PHYR_COVER_FORBID)
		limits.joint |= phyr_limits_ends(address, last);
	fit = phyr_sizes_upto(sizes->sizes, phyr_bits_ctz(limits.joint));
	fit = phyr_loose_sizes(fit, sizes->align_lg2, phyr_bits_ctz(limits.phase));
	return fewest_pages(existing(fit, &limits, address, last), address, last);
}

/* The offsets in a page that a field can say, as the bits that may be set. */
static uint64_t field_mask(struct phyr_start_field field, unsigned int page_lg2)
{
	unsigned int unit_lg2 = field.unit_lg2;
	uint64_t mask = field.bits ? UINT64_MAX >> (64 - field.bits) : 0;

	if (field.scaled)
		unit_lg2 = page_lg2 > unit_lg2 ? page_lg2 - unit_lg2 : 0;
	return mask << unit_lg2;
}

static phyr_sizes sayable(phyr_sizes sizes, struct phyr_start_field field, uint64_t pa)
{
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (pa & phyr_bits_mask(lg2) & ~field_mask(field, lg2))
			sizes.mask &= ~phyr_bits_size(lg2);
	return sizes;
}

uint64_t phyr_split_best_offset(const struct phyr_list *list, struct phyr_start_field field,
				phyr_sizes sizes, enum phyr_cover cover, uint64_t *ret_offset)
{
	struct phyr_list_cursor cursor;
	struct phyr_limits limits;
	struct phyr_run run;
	uint64_t size, first, last;

	if (!list || field.bits > 64 || field.unit_lg2 > 63)
		return 0;
	phyr_list_begin(list, &cursor);
	if (sizes.mask == 0 || !phyr_list_next(&cursor, &run))
		return 0;
	/* Bits above the largest size say nothing; without them nothing wraps needlessly. */
	first = run.range.pa.addr & phyr_bits_mask(phyr_sizes_best_lg2(sizes, 63));
	if (!phyr_bits_last(first, phyr_list_len(list), &last))
		return 0;
	limits = phyr_limits_of(list, run.range.pa.addr);
	if (cover == PHYR_COVER_FORBID)
		limits.joint |= phyr_limits_ends(first, last);
	sizes = phyr_sizes_upto(sizes, phyr_bits_ctz(limits.phase | limits.joint));
	size = fewest_pages(sayable(sizes, field, first), first, last);
	if (size && ret_offset)
		*ret_offset = first & (size - 1);
	return size;
}
