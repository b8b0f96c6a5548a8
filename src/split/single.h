/* SPDX-License-Identifier: MIT */
/*
 * What stands in the way of a page size, collected over a list.
 *
 * phase: the bits in which an address and its device address differ. joint: the bits of every
 * device address at which a true joint is, or (when nothing may be covered) the region ends. A
 * size fits when no bit of joint is below it, and none of phase below its alignment.
 */
#ifndef PHYR_SPLIT_SINGLE_H
#define PHYR_SPLIT_SINGLE_H

#include <phyr/split.h>

struct phyr_limits {
	uint64_t phase;
	uint64_t joint;
	uint64_t pa_first; /* of the list */
	uint64_t pa_last;
};

/* The limits of a list, but for those of the region's own ends. */
struct phyr_limits phyr_limits_of(const struct phyr_list *list, uint64_t address);

/* The bits of a region's own ends, rounded out to pages. */
uint64_t phyr_limits_ends(uint64_t first, uint64_t last);

/* Does a run go on where the one before it ended? A run that ends at 2^64 precedes none. */
static inline bool phyr_goes_on(uint64_t end, struct phyr_range range)
{
	return end == range.pa.addr && end != 0;
}

#endif
