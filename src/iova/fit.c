/* SPDX-License-Identifier: MIT */
/*
 * Where a request fits in a hole: congruence, boundary, window, from the top or from the bottom.
 *
 * Everything is exact and takes constant time: at most one step over a boundary decides.
 */

#include "space.h"

/* The lowest address ≥ x that is congruent to the phase; false when there is none. */
static bool phase_up(const struct phyr_placement *place, uint64_t x, uint64_t *ret_addr)
{
	uint64_t gap = (place->phase - x) & phyr_bits_mask(place->phase_lg2);

	return !__builtin_add_overflow(x, gap, ret_addr);
}

/* The highest address ≤ x that is congruent to the phase; false when there is none. */
static bool phase_down(const struct phyr_placement *place, uint64_t x, uint64_t *ret_addr)
{
	uint64_t gap = (x - place->phase) & phyr_bits_mask(place->phase_lg2);

	return !__builtin_sub_overflow(x, gap, ret_addr);
}

/* Does the range cross a multiple of the boundary? */
static bool crosses(const struct want *want, uint64_t first)
{
	unsigned int lg2 = want->place.boundary_lg2;

	return lg2 && first >> lg2 != (first + (want->len - 1)) >> lg2;
}

/* Every other candidate that crosses crosses the same boundary, so one step beyond it decides. */
static bool fit_up(const struct want *want, struct hole hole, uint64_t *ret_first)
{
	uint64_t room = hole.last - hole.first;
	uint64_t first;

	if (room < want->len - 1 || !phase_up(&want->place, hole.first, &first))
		return false;
	if (crosses(want, first) && (!phyr_bits_up(first + 1, want->place.boundary_lg2, &first) ||
				     !phase_up(&want->place, first, &first)))
		return false;
	if (first > hole.last || hole.last - first < want->len - 1 || crosses(want, first))
		return false;
	*ret_first = first;
	return true;
}

static bool fit_down(const struct want *want, struct hole hole, uint64_t *ret_first)
{
	unsigned int lg2 = want->place.boundary_lg2;
	uint64_t first;

	if (hole.last - hole.first < want->len - 1 ||
	    !phase_down(&want->place, hole.last - (want->len - 1), &first))
		return false;
	if (first >= hole.first && crosses(want, first)) {
		/* The last byte goes just below the boundary that the range would cross. */
		uint64_t end = phyr_bits_down(first + (want->len - 1), lg2);

		if (end < want->len || !phase_down(&want->place, end - want->len, &first))
			return false;
	}
	if (first < hole.first || crosses(want, first))
		return false;
	*ret_first = first;
	return true;
}

bool phyr_want_fit(const struct want *want, struct hole hole, uint64_t *ret_first)
{
	if (hole.first < want->first)
		hole.first = want->first;
	if (hole.last > want->last)
		hole.last = want->last;
	if (hole.first > hole.last)
		return false;
	return want->place.bottom_up ? fit_up(want, hole, ret_first) :
				       fit_down(want, hole, ret_first);
}

int phyr_want_init(const struct phyr_iova_space *space, uint64_t len,
		   const struct phyr_placement *placement, struct want *want)
{
	want->place = placement ? *placement : phyr_placement_any();
	if (len == 0 || want->place.phase_lg2 > 63 || want->place.boundary_lg2 > 63 ||
	    want->place.phase > phyr_bits_mask(want->place.phase_lg2))
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(want->place.phase, space->granule_lg2))
		return PHYR_E_ALIGN;
	if (want->place.phase_lg2 < space->granule_lg2)
		want->place.phase_lg2 = (uint8_t)space->granule_lg2;
	if (!phyr_bits_up(len, space->granule_lg2, &want->len))
		return PHYR_E_LIMIT;
	want->first = want->place.window.first.addr;
	want->last = want->place.window.last.addr;
	return PHYR_OK;
}
