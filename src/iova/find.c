/* SPDX-License-Identifier: MIT */
/*
 * Holes of at least so many granules in the tree: the highest, the lowest, a tight one.
 *
 * A unit whose `best` suffices has one, so the way down never turns back, but for the one or two
 * ways along the bounds.
 */

#include "tree.h"

/* The first granule behind the hole that ends in a unit and began below it. */
static uint64_t crossing_end(const struct node *node, unsigned int level, unsigned int unit)
{
	const struct part *kid = kid_at(node, unit);

	return ((uint64_t)unit << unit_lg2(level)) + (kid ? kid->sum.pre : 0);
}

static bool has_hole(const struct part *kid, uint64_t cnt)
{
	return kid && kid->sum.best >= cnt;
}

/* A search that is known to succeed, in a part that lies between the bounds whole. */
static void find_in(const struct part *part, unsigned int level, const struct want_hole *want,
		    uint64_t *ret);

static void find_in_kid(const struct node *node, unsigned int level, unsigned int unit,
			const struct want_hole *want, uint64_t *ret)
{
	find_in(node->children[unit].kid, level - 1, want, ret);
	*ret += (uint64_t)unit << unit_lg2(level);
}

/* The highest of the units ≤ from with a hole; UNIT_CNT when there is none. */
static unsigned int next_down(const struct node *node, unsigned int from, uint64_t cnt)
{
	for (unsigned int unit = from + 1; unit;) {
		if ((unit & 63) == 0 && node->most[unit / 64 - 1] < cnt)
			unit -= 64;
		else if ((unit & 7) == 0 && node->tops[unit / 8 - 1] < cnt)
			unit -= 8;
		else if (node->best[--unit] >= cnt)
			return unit;
	}
	return UNIT_CNT;
}

/* The lowest of the units ≥ from with a hole; UNIT_CNT when there is none. */
static unsigned int next_up(const struct node *node, unsigned int from, uint64_t cnt)
{
	for (unsigned int unit = from; unit < UNIT_CNT;) {
		if ((unit & 63) == 0 && node->most[unit / 64] < cnt)
			unit += 64;
		else if ((unit & 7) == 0 && node->tops[unit / 8] < cnt)
			unit += 8;
		else if (node->best[unit++] >= cnt)
			return unit - 1;
	}
	return UNIT_CNT;
}

/* The highest place in some units; there may be none. */
static bool down_from(const struct node *node, unsigned int level, struct span units,
		      const struct want_hole *want, uint64_t *ret)
{
	unsigned int unit = next_down(node, (unsigned int)units.last, want->cnt);

	if (unit == UNIT_CNT || unit < units.first)
		return false;
	if (has_hole(kid_at(node, unit), want->cnt))
		find_in_kid(node, level, unit, want, ret);
	else
		*ret = crossing_end(node, level, unit) - want->cnt;
	return true;
}

/* The lowest place in some units. */
static bool up_from(const struct node *node, unsigned int level, struct span units,
		    const struct want_hole *want, uint64_t *ret)
{
	unsigned int unit = next_up(node, (unsigned int)units.first, want->cnt);

	if (unit > units.last)
		return false;
	if (node->children[unit].below >= want->cnt)
		*ret = crossing_end(node, level, unit) - node->children[unit].below;
	else
		find_in_kid(node, level, unit, want, ret);
	return true;
}

/* The unit whose longest hole is the shortest that suffices; the highest of several. */
static bool tight_unit(const struct node *node, struct span units, uint64_t cnt,
		       unsigned int *ret_unit)
{
	uint64_t least = UINT64_MAX;

	/* From the top, so that the first that fits exactly is it. */
	for (unsigned int end = (unsigned int)units.last + 1; least > cnt && end;) {
		unsigned int unit = next_down(node, end - 1, cnt);

		if (unit == UNIT_CNT || unit < units.first)
			break;
		if (node->best[unit] < least) {
			least = node->best[unit];
			*ret_unit = unit;
		}
		end = unit;
	}
	return least != UINT64_MAX;
}

static bool tight_from(const struct node *node, unsigned int level, struct span units,
		       const struct want_hole *want, uint64_t *ret)
{
	const struct part *kid;
	unsigned int unit;
	uint64_t below;

	if (!tight_unit(node, units, want->cnt, &unit))
		return false;
	kid = kid_at(node, unit);
	below = node->children[unit].below;
	/* The hole below it may be the tighter one. */
	if (has_hole(kid, want->cnt) && (below < want->cnt || below > kid->sum.best))
		find_in_kid(node, level, unit, want, ret);
	else
		*ret = crossing_end(node, level, unit) - want->cnt;
	return true;
}

static bool from_units(const struct node *node, unsigned int level, struct span units,
		       const struct want_hole *want, uint64_t *ret)
{
	switch (want->which) {
	case HIGHEST:
		return down_from(node, level, units, want, ret);
	case LOWEST:
		return up_from(node, level, units, want, ret);
	case TIGHTEST:
		break;
	}
	return tight_from(node, level, units, want, ret);
}

/* The highest of eight numbers that suffices; one does. Branches would be guessed wrongly. */
static unsigned int highest_of_8(const uint64_t *numbers, uint64_t least)
{
	uint64_t suffice = 0;

	/* The top of a space is where most is looked for. */
	if (numbers[7] >= least)
		return 7;
	for (unsigned int i = 0; i < 8; i++)
		suffice |= (uint64_t)(numbers[i] >= least) << i;
	return phyr_bits_log2(suffice);
}

/* The highest unit with a hole; there is one. */
static unsigned int highest(const struct node *node, uint64_t cnt)
{
	unsigned int word = highest_of_8(node->most, cnt);
	unsigned int eight = word * 8 + highest_of_8(node->tops + word * 8, cnt);

	return eight * 8 + highest_of_8(node->best + eight * 8, cnt);
}

/* The most common search, without the detours of the others. */
static uint64_t find_highest(const struct part *part, unsigned int level, uint64_t cnt)
{
	uint64_t base = 0;

	for (unsigned int lg2 = unit_lg2(level); has_kids(part, level); level--, lg2 -= PART_LG2) {
		const struct node *node = node_at(part);
		unsigned int unit = highest(node, cnt);

		if (!has_hole(kid_at(node, unit), cnt))
			return base + crossing_end(node, level, unit) - cnt;
		base += (uint64_t)unit << lg2;
		part = node->children[unit].kid;
	}
	return base + phyr_part_highest(part, level, cnt);
}

static void find_in(const struct part *part, unsigned int level, const struct want_hole *want,
		    uint64_t *ret)
{
	struct span all = { 0, part_len(level) - 1 }, units = { 0, UNIT_CNT - 1 };

	if (want->which == HIGHEST)
		*ret = find_highest(part, level, want->cnt);
	else if (has_kids(part, level))
		(void)from_units(node_at(part), level, units, want, ret);
	else
		(void)phyr_part_find(part, level, all, want, ret);
}

static bool find_between(const struct part *part, unsigned int level, struct span bounds,
			 const struct want_hole *want, uint64_t *ret);

/* In the kid that a bound cuts. */
static bool in_cut_kid(const struct node *node, unsigned int level, struct span bounds,
		       unsigned int unit, const struct want_hole *want, uint64_t *ret)
{
	uint64_t first = (uint64_t)unit << unit_lg2(level);
	struct span inside = { 0, phyr_bits_mask(unit_lg2(level)) };
	const struct part *kid = kid_at(node, unit);

	if (bounds.first > first)
		inside.first = bounds.first - first;
	if (bounds.last - first < inside.last)
		inside.last = bounds.last - first;
	if (!has_hole(kid, want->cnt) || !find_between(kid, level - 1, inside, want, ret))
		return false;
	*ret += first;
	return true;
}

/* In the unit that the upper bound cuts, or just below it. */
static bool at_upper(const struct node *node, unsigned int level, struct span bounds,
		     const struct want_hole *want, uint64_t *ret)
{
	unsigned int high = (unsigned int)(bounds.last >> unit_lg2(level));

	if (in_cut_kid(node, level, bounds, high, want, ret))
		return true;
	if (node->children[high].below < want->cnt)
		return false;
	*ret = crossing_end(node, level, high) - want->cnt;
	return true;
}

/*
 * The units between the bounds are searched as such, those that a bound cuts apart. What is looked
 * for from the top has no lower bound, and what is looked for from the bottom no upper one.
 */
static bool in_node(const struct node *node, unsigned int level, struct span bounds,
		    const struct want_hole *want, uint64_t *ret)
{
	uint64_t mask = phyr_bits_mask(unit_lg2(level));
	bool cut_low = bounds.first != 0, cut_high = (bounds.last & mask) != mask;
	struct span units = { bounds.first >> unit_lg2(level), bounds.last >> unit_lg2(level) };
	unsigned int low = (unsigned int)units.first;

	if (units.first == units.last && cut_low)
		return in_cut_kid(node, level, bounds, low, want, ret);
	if (want->which == HIGHEST && cut_high && at_upper(node, level, bounds, want, ret))
		return true;
	if (want->which == LOWEST && cut_low && in_cut_kid(node, level, bounds, low, want, ret))
		return true;
	if (units.first + cut_low + cut_high <= units.last &&
	    from_units(node, level, (struct span){ low + cut_low, units.last - cut_high }, want,
		       ret))
		return true;
	if (want->which != TIGHTEST)
		return false;
	return (cut_high && at_upper(node, level, bounds, want, ret)) ||
	       (cut_low && in_cut_kid(node, level, bounds, low, want, ret));
}

static bool find_between(const struct part *part, unsigned int level, struct span bounds,
			 const struct want_hole *want, uint64_t *ret)
{
	return has_kids(part, level) ? in_node(node_at(part), level, bounds, want, ret) :
				       phyr_part_find(part, level, bounds, want, ret);
}

bool phyr_tree_find(const struct tree *tree, struct span bounds, const struct want_hole *want,
		    uint64_t *ret_first)
{
	const struct part *root = &tree->root->part;

	if (root->sum.best < want->cnt)
		return false;
	if (bounds.first || bounds.last != tree_last(tree))
		return find_between(root, tree->level, bounds, want, ret_first);
	find_in(root, tree->level, want, ret_first);
	return true;
}
