/* SPDX-License-Identifier: MIT */
/* Taking and giving back: what that does to holes and live ranges. */

#include "../base/check.h"
#include "space.h"

/* Finds a hole and an address in it. */
static int find(const struct phyr_iova_space *space, const struct want *want, size_t *ret_hole,
		uint64_t *ret_first)
{
	struct hole whole = { space->window.first.addr, space->window.last.addr };

	for (size_t n = 0; n < space->hole_cnt; n++) {
		size_t i = want->place.bottom_up ? n : space->hole_cnt - 1 - n;

		if (phyr_want_fit(want, space->holes[i], ret_first)) {
			*ret_hole = i;
			return PHYR_OK;
		}
	}
	return phyr_want_fit(want, whole, ret_first) ? PHYR_E_NOSPACE : PHYR_E_LIMIT;
}

/* Cuts a range out of the hole that holds it; there is room for everything. */
static void take(struct phyr_iova_space *space, size_t i, struct phyr_iova_range range)
{
	struct hole *hole = &space->holes[i];
	uint64_t first = range.iova.addr;
	uint64_t last = first + (range.len - 1);
	struct hole above = { last + 1, hole->last };
	bool has_above = last < hole->last;

	if (first > hole->first) {
		hole->last = first - 1;
		if (has_above)
			phyr_space_insert_hole(space, i + 1, above);
	} else if (has_above) {
		*hole = above;
	} else {
		phyr_space_remove_hole(space, i);
	}
	phyr_live_insert(&space->live, range);
	space->live_len += range.len;
	space->alloc_cnt++;
	if (space->live.cnt > space->live_max)
		space->live_max = space->live.cnt;
	PHYR_ASSERT(space->hole_cnt <= space->hole_cap);
}

int phyr_iova_alloc(struct phyr_iova_space *space, uint64_t len,
		    const struct phyr_placement *placement, struct phyr_iova_range *ret_range)
{
	struct phyr_iova_range range;
	struct want want;
	size_t hole = 0;
	int err;

	if (!space || !ret_range)
		return PHYR_E_INVAL;
	err = phyr_want_init(space, len, placement, &want);
	if (!err)
		err = find(space, &want, &hole, &range.iova.addr);
	space->nospace_cnt += err == PHYR_E_NOSPACE;
	space->limit_cnt += err == PHYR_E_LIMIT;
	if (!err)
		err = phyr_space_make_room(space);
	if (err)
		return err;
	range.len = want.len;
	take(space, hole, range);
	*ret_range = range;
	return PHYR_OK;
}

int phyr_iova_reserve(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	uint64_t last;
	size_t i;
	int err;

	if (!space || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(range.iova.addr, range.len, &last) ||
	    range.iova.addr < space->window.first.addr || last > space->window.last.addr)
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(range.iova.addr | range.len, space->granule_lg2))
		return PHYR_E_ALIGN;
	i = phyr_space_hole_at(space, range.iova.addr);
	if (i == space->hole_cnt || space->holes[i].first > range.iova.addr ||
	    space->holes[i].last < last)
		return PHYR_E_EXISTS;
	err = phyr_space_make_room(space);
	if (err)
		return err;
	take(space, i, range);
	return PHYR_OK;
}

int phyr_iova_free(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	struct phyr_iova_range *slot;
	uint64_t first = range.iova.addr;
	bool joins_below, joins_above;
	uint64_t last;
	size_t i;

	if (!space)
		return PHYR_E_INVAL;
	slot = phyr_live_find(&space->live, first);
	if (!slot)
		return PHYR_E_NOENT;
	if (slot->len != range.len)
		return PHYR_E_PARTIAL;
	last = first + (range.len - 1);
	phyr_live_remove(&space->live, slot);
	space->live_len -= range.len;
	i = phyr_space_hole_at(space, first);
	joins_above = i < space->hole_cnt && space->holes[i].first == last + 1;
	joins_below = i > 0 && space->holes[i - 1].last == first - 1;
	if (joins_above)
		space->holes[i].first = first;
	if (joins_below)
		space->holes[i - 1].last = joins_above ? space->holes[i].last : last;
	if (joins_below && joins_above)
		phyr_space_remove_hole(space, i);
	else if (!joins_below && !joins_above)
		phyr_space_insert_hole(space, i, (struct hole){ first, last });
	return PHYR_OK;
}
