/* SPDX-License-Identifier: MIT */
/* From a granule to the next one that is taken, free, or the start or end of a range. */

#include "tree.h"

/* A granule of a part: its unit, and the rest. */
struct at {
	unsigned int unit;
	uint64_t base;	 /* first granule of the unit */
	uint64_t inside; /* from there on */
};

static struct at at_granule(unsigned int level, uint64_t granule)
{
	uint64_t mask = phyr_bits_mask(unit_lg2(level));
	struct at at = { (unsigned int)(granule >> unit_lg2(level)), granule & ~mask,
			 granule & mask };

	return at;
}

static uint64_t unit_first(unsigned int level, unsigned int unit)
{
	return (uint64_t)unit << unit_lg2(level);
}

static uint64_t unit_last(unsigned int level, unsigned int unit)
{
	return unit_first(level, unit) | phyr_bits_mask(unit_lg2(level));
}

/* The kid that a unit of a part is, NULL if it is none. */
static const struct part *kid_in(const struct part *part, unsigned int level, unsigned int unit)
{
	return has_kids(part, level) ? kid_at(node_at(part), unit) : NULL;
}

static bool next_taken(const struct part *part, unsigned int level, uint64_t from, uint64_t *ret)
{
	struct at at = at_granule(level, from);
	const struct part *kid = kid_in(part, level, at.unit);
	unsigned int unit = at.unit;

	if (kid) {
		if (next_taken(kid, level - 1, at.inside, ret)) {
			*ret += at.base;
			return true;
		}
		unit++;
	} else if (is_taken(part, unit)) {
		*ret = from;
		return true;
	}
	unit = phyr_part_up(part, unit, true);
	if (unit == UNIT_CNT)
		return false;
	kid = kid_in(part, level, unit);
	*ret = unit_first(level, unit) + (kid ? kid->sum.pre : 0);
	return true;
}

bool phyr_tree_next_taken(const struct tree *tree, uint64_t from, uint64_t *ret_granule)
{
	return next_taken(&tree->root->part, tree->level, from, ret_granule);
}

static bool prev_taken(const struct part *part, unsigned int level, uint64_t from, uint64_t *ret)
{
	struct at at = at_granule(level, from);
	const struct part *kid = kid_in(part, level, at.unit);
	unsigned int unit = UNIT_CNT;

	if (kid && prev_taken(kid, level - 1, at.inside, ret)) {
		*ret += at.base;
		return true;
	}
	if (!kid && is_taken(part, at.unit)) {
		*ret = from;
		return true;
	}
	if (at.unit)
		unit = phyr_part_down(part, at.unit - 1, true);
	if (unit == UNIT_CNT)
		return false;
	kid = kid_in(part, level, unit);
	*ret = unit_last(level, unit) - (kid ? kid->sum.suf : 0);
	return true;
}

bool phyr_tree_prev_taken(const struct tree *tree, uint64_t from, uint64_t *ret_granule)
{
	return prev_taken(&tree->root->part, tree->level, from, ret_granule);
}

/* What a walk stops at: units of some kinds. */
enum stop { STOP_FREE = 1, STOP_END = 2 };

/* The units of a word that a walk stops at, kids among them: they are to be looked into. */
static uint64_t stops(const struct part *part, unsigned int level, unsigned int word,
		      enum stop stop)
{
	uint64_t set = has_kids(part, level) ? node_at(part)->kids[word] : 0;

	if (stop & STOP_FREE)
		set |= ~part->words[word].taken;
	if (stop & STOP_END)
		set |= part->words[word].ends;
	return set;
}

static bool stop_up(const struct part *part, unsigned int level, uint64_t from, enum stop stop,
		    uint64_t *ret)
{
	struct at at = at_granule(level, from);
	uint64_t mask = UINT64_MAX << (at.unit & 63);

	for (unsigned int word = at.unit / 64; word < WORD_CNT; word++, mask = UINT64_MAX) {
		for (uint64_t set = stops(part, level, word, stop) & mask; set; set &= set - 1) {
			unsigned int unit = word * 64 + phyr_bits_ctz(set);
			const struct part *kid = kid_in(part, level, unit);

			*ret = unit == at.unit ? at.inside : 0;
			/* There may be many that are full. */
			if (kid && stop == STOP_FREE && !has_block(node_at(part), unit, 0))
				continue;
			if (kid && !stop_up(kid, level - 1, *ret, stop, ret))
				continue;
			/* A range that takes a unit ends with its last granule. */
			*ret += unit_first(level, unit);
			if (!kid && is_taken(part, unit))
				*ret = unit_last(level, unit);
			return true;
		}
	}
	return false;
}

bool phyr_tree_next_free(const struct tree *tree, uint64_t from, uint64_t *ret_granule)
{
	return stop_up(&tree->root->part, tree->level, from, STOP_FREE, ret_granule);
}

uint64_t phyr_tree_end(const struct tree *tree, uint64_t granule)
{
	uint64_t end = granule;

	(void)stop_up(&tree->root->part, tree->level, granule, STOP_END, &end);
	return end;
}

/* The highest granule ≤ from that is free or the end of a range. */
static bool break_down(const struct part *part, unsigned int level, uint64_t from, uint64_t *ret)
{
	struct at at = at_granule(level, from);
	uint64_t mask = bits_between(0, at.unit & 63);

	for (unsigned int word = at.unit / 64 + 1; word-- > 0; mask = UINT64_MAX) {
		uint64_t set = stops(part, level, word, STOP_FREE | STOP_END) & mask;

		for (; set; set &= ~bit_of(phyr_bits_log2(set))) {
			unsigned int unit = word * 64 + phyr_bits_log2(set);
			const struct part *kid = kid_in(part, level, unit);
			uint64_t last = phyr_bits_mask(unit_lg2(level));

			*ret = unit == at.unit ? at.inside : last;
			/* A range that takes the unit does not end before its last granule. */
			if (!kid && is_taken(part, unit) && *ret != last)
				continue;
			if (kid && !break_down(kid, level - 1, *ret, ret))
				continue;
			*ret += unit_first(level, unit);
			return true;
		}
	}
	return false;
}

uint64_t phyr_tree_start(const struct tree *tree, uint64_t granule)
{
	uint64_t before;

	if (granule == 0 || !break_down(&tree->root->part, tree->level, granule - 1, &before))
		return 0;
	return before + 1;
}

enum state { FREE, TAKEN, ENDS };

static enum state state_of(const struct tree *tree, uint64_t granule)
{
	const struct part *part, *kid = &tree->root->part;
	unsigned int level = tree->level + 1, unit;
	uint64_t mask;

	do {
		part = kid;
		unit = unit_of(--level, granule);
		kid = kid_in(part, level, unit);
	} while (kid);
	mask = phyr_bits_mask(unit_lg2(level));
	if (!is_taken(part, unit))
		return FREE;
	return is_end(part, unit) && (granule & mask) == mask ? ENDS : TAKEN;
}

bool phyr_tree_hole(const struct tree *tree, uint64_t granule, struct span *ret_hole)
{
	struct span hole = { 0, tree_last(tree) };
	uint64_t taken;

	if (state_of(tree, granule) != FREE)
		return false;
	if (phyr_tree_next_taken(tree, granule, &taken))
		hole.last = taken - 1;
	if (granule && phyr_tree_prev_taken(tree, granule, &taken))
		hole.first = taken + 1;
	*ret_hole = hole;
	return true;
}

/* Does a range start at a granule? */
static bool starts(const struct tree *tree, uint64_t granule)
{
	return state_of(tree, granule) != FREE &&
	       (granule == 0 || state_of(tree, granule - 1) != TAKEN);
}

/* Is one of some units a kid? */
static bool has_kid(const struct part *part, unsigned int level, struct span units)
{
	uint64_t kids = 0;

	for (uint64_t i = units.first / 64; has_kids(part, level) && i <= units.last / 64; i++)
		kids |= node_at(part)->kids[i] & bits_in(units, i);
	return kids;
}

/* Is it one range of whole units of a part, and nothing below is to be looked at? Most are. */
static bool is_plain(const struct path *way, struct span span)
{
	const struct part *part = way->part;
	struct span units = units_of(way->level, span);
	unsigned int before;

	if (cuts_units(way->level, span) || units.first == 0 || span.first > span.last ||
	    way->number != span.last >> unit_lg2(way->level + 1))
		return false;
	before = (unsigned int)units.first - 1;
	return is_taken(part, units.first) && (!is_taken(part, before) || is_end(part, before)) &&
	       phyr_part_ends_with(part, units) && !has_kid(part, way->level, units);
}

int phyr_tree_check(struct tree *tree, struct span span)
{
	if (is_plain(phyr_tree_way(tree, span), span))
		return PHYR_OK;
	if (!starts(tree, span.first))
		return PHYR_E_NOENT;
	return phyr_tree_end(tree, span.first) == span.last ? PHYR_OK : PHYR_E_PARTIAL;
}
