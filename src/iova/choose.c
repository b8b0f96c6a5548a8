/* SPDX-License-Identifier: MIT */
/*
 * Which place a request gets: the rule at the top of phyr/iova.h.
 *
 * Blocks and long holes are found in O(levels). Only where there is neither, and the request is
 * no block itself, holes are tried one by one, so that "no space" is exact.
 */

#include "space.h"

/* The bounds of a search must be taken granules, or ends of the tree. Outside the window all is. */
static uint64_t tree_upto(const struct phyr_iova_space *space, uint64_t last)
{
	return last == space->window.last ? tree_last(&space->tree) : last;
}

static bool is_long(struct span hole, uint64_t cnt)
{
	return hole.first <= hole.last && hole.last - hole.first >= cnt - 1;
}

/* A hole that a bound cuts, as far as it is in the window. */
static bool cut_hole(const struct phyr_iova_space *space, struct span window, uint64_t granule,
		     struct span *ret_hole)
{
	if (!phyr_tree_hole(&space->tree, granule, ret_hole))
		return false;
	if (ret_hole->first < window.first)
		ret_hole->first = window.first;
	if (ret_hole->last > window.last)
		ret_hole->last = window.last;
	return true;
}

static bool hole_down(const struct phyr_iova_space *space, struct span window, uint64_t cnt,
		      uint64_t *ret_first)
{
	uint64_t upto = tree_upto(space, window.last);
	struct span hole;

	/* A hole that ends at the window's end has something taken above it, or is the top. */
	if ((window.last != space->window.last || space->tree.root->part.sum.suf) &&
	    cut_hole(space, window, window.last, &hole)) {
		*ret_first = hole.last - (cnt - 1);
		if (is_long(hole, cnt))
			return true;
		if (hole.first == window.first)
			return false;
		upto = hole.first - 1;
	}
	return phyr_tree_find(&space->tree, (struct span){ 0, upto },
			      &(struct want_hole){ cnt, HIGHEST }, ret_first) &&
	       *ret_first >= window.first;
}

static bool hole_up(const struct phyr_iova_space *space, struct span window, uint64_t cnt,
		    uint64_t *ret_first)
{
	uint64_t from = window.first;
	struct span hole;

	if (cut_hole(space, window, from, &hole)) {
		*ret_first = hole.first;
		if (is_long(hole, cnt))
			return true;
		if (hole.last == window.last)
			return false;
		from = hole.last + 1;
	}
	if (phyr_tree_find(&space->tree, (struct span){ from, tree_last(&space->tree) },
			   &(struct want_hole){ cnt, LOWEST }, ret_first))
		return window.last - *ret_first >= cnt - 1 && *ret_first <= window.last;
	/* Free granules at the very top are below nothing. */
	*ret_first = tree_last(&space->tree) - space->tree.root->part.sum.suf + 1;
	return *ret_first > from && *ret_first <= window.last &&
	       window.last - *ret_first >= cnt - 1;
}

/* Holes that the window cuts come last: they are the larger ones, as a rule. */
static bool hole_tight(const struct phyr_iova_space *space, struct span window, uint64_t cnt,
		       uint64_t *ret_first)
{
	struct span bounds = window, low, high;
	bool has_low = false, has_high;

	if (window.first == space->window.first)
		bounds.first = 0;
	else if ((has_low = cut_hole(space, window, window.first, &low)))
		bounds.first = low.last + 1;
	if ((has_high = cut_hole(space, window, window.last, &high)))
		bounds.last = high.first - 1;
	else
		bounds.last = tree_upto(space, window.last);
	if ((!has_high || high.first > bounds.first) && bounds.first <= bounds.last &&
	    phyr_tree_find(&space->tree, bounds, &(struct want_hole){ cnt, TIGHTEST }, ret_first))
		return true;
	if (has_low && is_long(low, cnt))
		*ret_first = low.last - (cnt - 1);
	else if (has_high && is_long(high, cnt))
		*ret_first = high.last - (cnt - 1);
	else
		return false;
	return true;
}

static bool find_hole(const struct phyr_iova_space *space, const struct want *want, uint64_t cnt,
		      uint64_t *ret_first)
{
	switch (want->fit) {
	case PHYR_FIT_TOP_DOWN:
		return hole_down(space, want->window, cnt, ret_first);
	case PHYR_FIT_PACKED:
		return hole_tight(space, want->window, cnt, ret_first);
	case PHYR_FIT_BOTTOM_UP:
	case PHYR_FIT_FIRST_UP:
		break;
	}
	return hole_up(space, want->window, cnt, ret_first);
}

/* A hole that is long enough for any phase. */
static bool in_long_hole(const struct phyr_iova_space *space, const struct want *want,
			 uint64_t *ret_first)
{
	uint64_t cnt = want->cnt + phyr_bits_mask(want->align_lg2);
	struct span part;

	if (want->bounded || !find_hole(space, want, cnt, &part.first))
		return false;
	part.last = part.first + (cnt - 1);
	return phyr_want_fit(want, part, ret_first);
}

/* A range as long as its modulus fits where a block is, and nowhere else; so does one granule. */
static bool is_block(const struct want *want)
{
	return want->phase == 0 && want->cnt == phyr_bits_size(want->align_lg2);
}

bool phyr_space_block(const struct phyr_iova_space *space, const struct want *want,
		      unsigned int order, uint64_t *ret_first)
{
	static const enum which which[] = { HIGHEST, LOWEST, TIGHTEST, LOWEST };

	/* The highest of all is below the window's start, or it is the highest there. */
	if (want->fit == PHYR_FIT_TOP_DOWN && want->window.last == space->window.last)
		return phyr_tree_highest_block(&space->tree, order, ret_first) &&
		       *ret_first >= want->window.first;
	return phyr_tree_block(&space->tree, want->window, order, which[want->fit], ret_first);
}

static bool in_block(const struct phyr_iova_space *space, const struct want *want,
		     uint64_t *ret_first)
{
	unsigned int order = phyr_want_block(want);
	struct span block;

	if (!phyr_space_block(space, want, order, &block.first))
		return false;
	if (!want->bounded && is_block(want)) {
		*ret_first = block.first;
		return true;
	}
	block.last = block.first + phyr_bits_mask(order);
	return phyr_want_fit(want, block, ret_first);
}

/* All holes that are long enough for some phase, one by one. */
static bool in_any_hole(const struct phyr_iova_space *space, struct want *want, uint64_t *ret_first)
{
	bool up = want->fit == PHYR_FIT_BOTTOM_UP || want->fit == PHYR_FIT_FIRST_UP;
	struct span rest = want->window, hole;
	uint64_t first;

	while (up ? hole_up(space, rest, want->cnt, &first) :
		    hole_down(space, rest, want->cnt, &first)) {
		want->tried++;
		if (!phyr_tree_hole(&space->tree, first, &hole))
			return false;
		if (phyr_want_fit(want, hole, ret_first))
			return true;
		if (up ? hole.last >= rest.last : hole.first <= rest.first)
			return false;
		rest.first = up ? hole.last + 1 : rest.first;
		rest.last = up ? rest.last : hole.first - 1;
	}
	return false;
}

/*
 * Where a look at one hole is enough. A request longer than its modulus wastes less in a long hole
 * than in a block, and PACKED keeps powers of two together.
 */
static bool find_surely(const struct phyr_iova_space *space, const struct want *want,
			uint64_t *ret_first)
{
	bool power = (want->cnt & (want->cnt - 1)) == 0, block = is_block(want), hole_first;

	if (want->fit == PHYR_FIT_FIRST_UP)
		return false;
	if (want->anywhere && !block && !(want->fit == PHYR_FIT_PACKED && power))
		return find_hole(space, want, want->cnt, ret_first);
	hole_first = !want->anywhere && want->cnt > phyr_bits_size(want->align_lg2);
	if (hole_first && in_long_hole(space, want, ret_first))
		return true;
	return in_block(space, want, ret_first) ||
	       (!block && !hole_first && in_long_hole(space, want, ret_first));
}

int phyr_space_choose(const struct phyr_iova_space *space, struct want *want, uint64_t *ret_first)
{
	struct span whole = { 0, tree_last(&space->tree) };

	want->tried = 0;
	if (want->window.first > want->window.last)
		return PHYR_E_LIMIT;
	if (find_surely(space, want, ret_first))
		return PHYR_OK;
	/* Where nothing is aligned, a hole that is not long is none. */
	if (want->fit != PHYR_FIT_FIRST_UP && want->anywhere)
		return is_long(want->window, want->cnt) ? PHYR_E_NOSPACE : PHYR_E_LIMIT;
	if (!phyr_want_fit(want, whole, ret_first))
		return PHYR_E_LIMIT;
	if (want->fit != PHYR_FIT_FIRST_UP && is_block(want))
		return PHYR_E_NOSPACE;
	return in_any_hole(space, want, ret_first) ? PHYR_OK : PHYR_E_NOSPACE;
}
