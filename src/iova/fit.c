/* SPDX-License-Identifier: MIT */
/*
 * Where a request fits in a hole: congruence, boundary, window, from the top or from the bottom.
 *
 * Everything is exact and takes constant time: at most one step over a boundary decides. Granules
 * are numbers of 52 bits, so sums of two cannot wrap.
 */

#include "space.h"

/* Does a range from here cross a multiple of the boundary? */
static bool crosses(const struct want *want, uint64_t first)
{
	unsigned int lg2 = want->boundary_lg2;

	return want->bounded && first >> lg2 != (first + (want->cnt - 1)) >> lg2;
}

/* The lowest granule ≥ x that is congruent to the phase. */
static uint64_t phase_up(const struct want *want, uint64_t x)
{
	return x + ((want->phase - x) & phyr_bits_mask(want->align_lg2));
}

/* The highest granule ≤ x that is congruent to the phase; false when there is none. */
static bool phase_down(const struct want *want, uint64_t x, uint64_t *ret)
{
	return !__builtin_sub_overflow(x, (x - want->phase) & phyr_bits_mask(want->align_lg2), ret);
}

/* Every other candidate that crosses crosses the same boundary, so one step beyond it decides. */
static bool fit_up(const struct want *want, struct span hole, uint64_t *ret_first)
{
	uint64_t first = phase_up(want, hole.first);

	if (crosses(want, first))
		first = phase_up(want, ((first >> want->boundary_lg2) + 1) << want->boundary_lg2);
	if (first > hole.last || hole.last - first < want->cnt - 1 || crosses(want, first))
		return false;
	*ret_first = first;
	return true;
}

static bool fit_down(const struct want *want, struct span hole, uint64_t *ret_first)
{
	uint64_t first;

	if (!phase_down(want, hole.last - (want->cnt - 1), &first))
		return false;
	if (first >= hole.first && crosses(want, first)) {
		/* The last granule goes just below the boundary that the range would cross. */
		uint64_t end = phyr_bits_down(first + (want->cnt - 1), want->boundary_lg2);

		if (end < want->cnt || !phase_down(want, end - want->cnt, &first))
			return false;
	}
	if (first < hole.first || crosses(want, first))
		return false;
	*ret_first = first;
	return true;
}

bool phyr_want_fit(const struct want *want, struct span hole, uint64_t *ret_first)
{
	if (hole.first < want->window.first)
		hole.first = want->window.first;
	if (hole.last > want->window.last)
		hole.last = want->window.last;
	if (hole.first > hole.last || hole.last - hole.first < want->cnt - 1)
		return false;
	return want->fit == PHYR_FIT_BOTTOM_UP || want->fit == PHYR_FIT_FIRST_UP ?
		       fit_up(want, hole, ret_first) :
		       fit_down(want, hole, ret_first);
}

unsigned int phyr_want_block(const struct want *want)
{
	unsigned int lg2 = phyr_bits_log2_up(want->phase + want->cnt);

	return lg2 > want->align_lg2 ? lg2 : want->align_lg2;
}

/* The whole granules of a window, inside that of the space; empty is first > last. */
static struct span window_in(const struct phyr_iova_space *space, struct phyr_window window)
{
	uint64_t lg2 = space->granule_lg2, mask = phyr_bits_mask((unsigned int)lg2);
	uint64_t first = (window.first.addr >> lg2) + ((window.first.addr & mask) != 0);
	uint64_t end = (window.last.addr >> lg2) + ((window.last.addr & mask) == mask);
	struct span span = space->window;

	if (end == 0)
		return (struct span){ 1, 0 };
	if (first > span.first)
		span.first = first;
	if (end - 1 < span.last)
		span.last = end - 1;
	return span;
}

int phyr_want_init(const struct phyr_iova_space *space, uint64_t len,
		   const struct phyr_placement *placement, struct want *want)
{
	const struct phyr_placement *place = placement;
	unsigned int lg2 = space->granule_lg2;
	struct phyr_placement any;

	if (!place) {
		any = phyr_placement_any();
		place = &any;
	}
	/* Both are below 64 when none of their higher bits is set. */
	if (len == 0 || (place->phase_lg2 | place->boundary_lg2) > 63 ||
	    place->phase > phyr_bits_mask(place->phase_lg2) ||
	    (unsigned int)place->fit > PHYR_FIT_FIRST_UP)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(place->phase, lg2))
		return PHYR_E_ALIGN;
	if (!phyr_bits_up(len, lg2, &len) || (place->boundary_lg2 && place->boundary_lg2 < lg2))
		return PHYR_E_LIMIT;
	want->cnt = len >> lg2;
	want->window = window_in(space, place->window);
	want->phase = place->phase >> lg2;
	want->align_lg2 = place->phase_lg2 > lg2 ? place->phase_lg2 - lg2 : 0;
	want->bounded = place->boundary_lg2;
	want->boundary_lg2 = place->boundary_lg2 ? place->boundary_lg2 - lg2 : 0;
	want->anywhere = !want->align_lg2 && !want->bounded;
	want->fit = place->fit;
	return PHYR_OK;
}
