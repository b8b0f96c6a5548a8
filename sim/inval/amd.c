/* SPDX-License-Identifier: MIT */
/*
 * AMD: a command reaches a naturally aligned power of two, up to 2^51 bytes, or everything. It drops
 * only translations that lie in it whole, which every leaf of the removed range does, because a
 * naturally aligned block of the range lies in one tile of it. Linux drops table pointers always
 * (PDE=1).
 *
 * Below a hypervisor that shadows the tables, what is reached beyond the removed range is dear, so
 * there Linux cuts exactly and gathers no gaps.
 */
#include "personality.h"

#define WINDOW_LG2_MAX 51

static void amd_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	struct phyrsim_stretch range = phyrsim_inval_stretch(inval, gather);
	unsigned int lg2 = phyrsim_inval_window_lg2(inval, range);

	if (lg2 > WINDOW_LG2_MAX)
		phyrsim_inval_send_all(inval);
	else
		phyrsim_inval_send_range(inval, phyrsim_inval_window(range, lg2), true);
}

static void exact_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	struct phyrsim_stretch range = phyrsim_inval_stretch(inval, gather);
	uint64_t block;

	if (phyr_bits_largest(range.first, range.last, &block) > WINDOW_LG2_MAX)
		phyrsim_inval_send_all(inval);
	else
		phyrsim_inval_send_tiles(inval, range, true);
}

static bool exact_joins(const struct phyr_gather *gather, const struct phyr_gather *piece)
{
	return !phyrsim_inval_apart(gather, piece);
}

const struct phyrsim_inval_ops phyrsim_inval_amd = { amd_flush, NULL, NULL };
const struct phyrsim_inval_ops phyrsim_inval_amd_exact = { exact_flush, exact_joins, NULL };
