/* SPDX-License-Identifier: MIT */
/* What a space knows of itself, and whether that holds. */

#include <string.h>

#include "space.h"

void phyr_iova_stats(const struct phyr_iova_space *space, struct phyr_iova_stats *ret_stats)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < space->hole_cnt; i++) {
		uint64_t less_one = space->holes[i].last - space->holes[i].first;

		/* 2^64 bytes are told as 2^64 − 1. */
		if (less_one >= largest)
			largest = less_one + (less_one != UINT64_MAX);
	}
	memset(ret_stats, 0, sizeof(*ret_stats));
	ret_stats->live_len = space->live_len;
	ret_stats->live_cnt = space->live.cnt;
	ret_stats->live_max = space->live_max;
	ret_stats->hole_cnt = space->hole_cnt;
	ret_stats->largest_len = largest;
	ret_stats->alloc_cnt = space->alloc_cnt;
	ret_stats->nospace_cnt = space->nospace_cnt;
	ret_stats->limit_cnt = space->limit_cnt;
	ret_stats->metadata_len = sizeof(*space) + space->hole_cap * sizeof(struct hole) +
				  space->live.cap * sizeof(struct phyr_iova_range);
}

/* Sums up the holes, in granules, so that the whole 64-bit space can be summed. */
static const char *check_holes(const struct phyr_iova_space *space, uint64_t *ret_granules)
{
	uint64_t first_allowed = space->window.first.addr;

	*ret_granules = 0;
	for (size_t i = 0; i < space->hole_cnt; i++) {
		const struct hole *hole = &space->holes[i];

		if (hole->first > hole->last || hole->first < first_allowed ||
		    hole->last > space->window.last.addr)
			return "hole out of order or outside the window";
		if (!phyr_bits_aligned(hole->first, space->granule_lg2) ||
		    !phyr_bits_aligned(hole->last + 1, space->granule_lg2))
			return "hole is not on granules";
		if (i && hole->first == first_allowed)
			return "neighbouring holes are not joined";
		*ret_granules += ((hole->last - hole->first) >> space->granule_lg2) + 1;
		first_allowed = hole->last + 1;
	}
	return NULL;
}

static bool touches_hole(const struct phyr_iova_space *space, struct phyr_iova_range range)
{
	uint64_t last = range.iova.addr + (range.len - 1);
	size_t i = phyr_space_hole_at(space, range.iova.addr);

	return i < space->hole_cnt && space->holes[i].first <= last;
}

static const char *check_live(const struct phyr_iova_space *space, uint64_t *ret_granules)
{
	size_t cnt = 0;

	*ret_granules = 0;
	for (size_t i = 0; i < space->live.cap; i++) {
		struct phyr_iova_range range = space->live.slots[i];

		if (range.len == 0)
			continue;
		if (touches_hole(space, range))
			return "live range is free as well";
		if (!phyr_live_find(&space->live, range.iova.addr))
			return "live range cannot be found";
		*ret_granules += range.len >> space->granule_lg2;
		cnt++;
	}
	return cnt == space->live.cnt ? NULL : "live ranges are miscounted";
}

static const char *check(const struct phyr_iova_space *space)
{
	uint64_t window_len = space->window.last.addr - space->window.first.addr;
	uint64_t holes, live;
	const char *reason = check_holes(space, &holes);

	if (!reason)
		reason = check_live(space, &live);
	if (reason)
		return reason;
	if (live != space->live_len >> space->granule_lg2)
		return "live bytes are miscounted";
	if (holes + live != (window_len >> space->granule_lg2) + 1)
		return "holes and live ranges are not the window";
	if (space->hole_cap < space->live.cnt + 1)
		return "no room for the holes that frees may open";
	return NULL;
}

bool phyr_iova_validate(const struct phyr_iova_space *space, const char **ret_reason)
{
	const char *reason = check(space);

	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
