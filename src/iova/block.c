/* SPDX-License-Identifier: MIT */
/*
 * Free blocks: powers of two, aligned to themselves, inside a window.
 *
 * A kid whose order suffices has one, so the way down never turns back, but for the one or two
 * ways along the ends of the window.
 */

#include "tree.h"

/* One search. */
struct search {
	struct span window; /* granules from the start of the tree */
	unsigned int order;
	enum which which;
};

/* Of the 64 units from base on, those that lie whole in a window. */
static uint64_t units_in(struct span window, uint64_t base, unsigned int lg2)
{
	uint64_t first = 0, end = 64;

	if (window.last < base)
		return 0;
	if (window.first > base)
		first = (window.first - base + phyr_bits_mask(lg2)) >> lg2;
	if (window.last - base < (UINT64_C(64) << lg2) - 1)
		end = (window.last - base + 1) >> lg2;
	return first < end ? bits_between((unsigned int)first, (unsigned int)end - 1) : 0;
}

/*
 * A group of 2^order ones, by its first bit. The tightest is part of the smallest maximal group,
 * whose order is told.
 */
static bool pick(uint64_t ones, unsigned int order, enum which which, unsigned int *ret_first,
		 unsigned int *ret_order)
{
	uint64_t groups = phyr_fold(ones, order), alone;
	unsigned int maximal = order;

	if (!groups)
		return false;
	for (alone = groups; which == TIGHTEST; alone = groups, maximal++) {
		uint64_t larger = phyr_fold_step(groups, maximal);

		if (!larger)
			break;
		alone = groups & ~phyr_fold_halves(larger, maximal + 1);
		if (alone)
			break;
		groups = larger;
	}
	*ret_order = maximal;
	*ret_first = which == LOWEST ? phyr_bits_ctz(alone) : phyr_bits_log2(alone);
	*ret_first += (1U << maximal) - (1U << order);
	return true;
}

/* Takes out the first of some bits in the order of a search; false when there is none. */
static bool pop_bit(uint64_t *bits, enum which which, unsigned int *ret_bit)
{
	if (!*bits)
		return false;
	*ret_bit = which == LOWEST ? phyr_bits_ctz(*bits) : phyr_bits_log2(*bits);
	*bits &= ~bit_of(*ret_bit);
	return true;
}

/* A group of free units inside one word; the tightest is not in a word that is free whole. */
static bool in_words(const struct part *part, unsigned int level, const struct search *search,
		     uint64_t base, uint64_t *ret)
{
	unsigned int lg2 = unit_lg2(level), least = PART_LG2, i;
	uint64_t words = part->blocks >> (search->order - lg2) * 8 & 0xff;

	while (pop_bit(&words, search->which, &i)) {
		uint64_t word_base = base + ((uint64_t)i * 64 << lg2);
		uint64_t free = ~part->words[i].taken & units_in(search->window, word_base, lg2);
		unsigned int first, order;

		if (!pick(free, search->order - lg2, search->which, &first, &order) ||
		    order >= least)
			continue;
		least = order;
		*ret = word_base + ((uint64_t)first << lg2);
		if (search->which != TIGHTEST)
			break;
	}
	return least < PART_LG2;
}

/* A group of free words, or of units of a free word. */
static bool in_free_words(const struct part *part, unsigned int level, const struct search *search,
			  uint64_t base, uint64_t *ret)
{
	unsigned int lg2 = unit_lg2(level) + 6, first, order;
	uint64_t whole = part->blocks >> 48 & units_in(search->window, base, lg2);

	if (!pick(whole, search->order > lg2 ? search->order - lg2 : 0, search->which, &first,
		  &order))
		return false;
	*ret = base + ((uint64_t)first << lg2);
	if (search->order < lg2)
		*ret += phyr_bits_size(lg2) - phyr_bits_size(search->order);
	return true;
}

static bool in_free_word(const struct part *part, unsigned int level, uint64_t granule)
{
	return part->words[unit_of(level, granule) / 64].taken == 0;
}

/* A group of free units. */
static bool in_units(const struct part *part, unsigned int level, const struct search *search,
		     uint64_t base, uint64_t *ret)
{
	bool within;

	if (search->order > unit_lg2(level + 1))
		return false;
	if (search->order >= unit_lg2(level) + 6)
		return in_free_words(part, level, search, base, ret);
	within = in_words(part, level, search, base, ret);
	/* A word that is free whole is the last choice, and there may be a tighter group of them. */
	if (within && search->which == TIGHTEST && in_free_word(part, level, *ret))
		(void)in_free_words(part, level, search, base, ret);
	return within;
}

/* The units of a part from base on that a window reaches, in part or whole; it reaches some. */
static struct span units_touching(struct span window, uint64_t base, unsigned int lg2)
{
	struct span units = { 0, (window.last - base) >> lg2 };

	if (window.first > base)
		units.first = (window.first - base) >> lg2;
	if (units.last > UNIT_CNT - 1)
		units.last = UNIT_CNT - 1;
	return units;
}

/* A block where everything is free. */
static bool in_free(const struct search *search, struct span free, uint64_t *ret)
{
	uint64_t mask = phyr_bits_mask(search->order);

	if (free.first < search->window.first)
		free.first = search->window.first;
	if (free.last > search->window.last)
		free.last = search->window.last;
	free.first = (free.first + mask) & ~mask;
	if (free.first > free.last || free.last - free.first < mask)
		return false;
	*ret = search->which == LOWEST ? free.first : ((free.last + 1) & ~mask) - (mask + 1);
	return true;
}

static bool find_in(const struct part *part, unsigned int level, const struct search *search,
		    uint64_t base, uint64_t *ret);

static bool in_unit(const struct node *node, unsigned int level, const struct search *search,
		    uint64_t base, unsigned int unit, uint64_t *ret)
{
	struct span all = { base + ((uint64_t)unit << unit_lg2(level)), 0 };
	const struct part *kid;

	all.last = all.first | phyr_bits_mask(unit_lg2(level));
	if (all.first > search->window.last || all.last < search->window.first)
		return false;
	if (!is_taken(&node->part, unit))
		return in_free(search, all, ret);
	kid = node->part.kid_cnt ? kid_at(node, unit) : NULL;
	return kid && has_block(node, unit, search->order) &&
	       find_in(kid, level - 1, search, all.first, ret);
}

/* A block that is so much larger was never broken: the highest is as good, and keeps all together. */
static bool is_tight(uint64_t order, const struct search *search)
{
	return order <= search->order + PART_LG2;
}

/* The kid whose largest block is the smallest that suffices; the highest that the window holds. */
static bool in_tightest_kid(const struct node *node, unsigned int level,
			    const struct search *search, uint64_t base, uint64_t *ret)
{
	unsigned int lg2 = unit_lg2(level), word, bit;

	for (unsigned int k = search->order; k < lg2 && is_tight(k, search); k++) {
		uint64_t words = node->words_with[k];

		while (pop_bit(&words, HIGHEST, &word)) {
			uint64_t set = node->with[k][word] & ~node->with[k + 1][word];

			set &= units_in(search->window, base + ((uint64_t)word * 64 << lg2), lg2);
			if (pop_bit(&set, HIGHEST, &bit))
				return in_unit(node, level, search, base, word * 64 + bit, ret);
		}
	}
	return false;
}

/* A free unit that breaks the least; the block is at its top. */
static bool in_tightest_unit(const struct node *node, unsigned int level,
			     const struct search *search, uint64_t base, uint64_t *ret)
{
	struct search unit = { search->window, unit_lg2(level), TIGHTEST };

	if (!is_tight(unit.order, search) || !in_units(&node->part, level, &unit, base, ret))
		return false;
	*ret += phyr_bits_size(unit.order) - phyr_bits_size(search->order);
	return true;
}

/* The words of units that are free or have such a block, and those units of one. */
static uint64_t words_with(const struct node *node, unsigned int order)
{
	uint64_t words = node->part.blocks & 0xff;

	return node->part.kid_cnt ? words | node->words_with[order] : words;
}

static uint64_t units_with(const struct node *node, unsigned int word, unsigned int order)
{
	uint64_t units = ~node->part.words[word].taken;

	return node->part.kid_cnt ? units | node->with[order][word] : units;
}

/* The highest or lowest unit that holds one, those that the window cuts included. */
static bool in_first(const struct node *node, unsigned int level, const struct search *search,
		     uint64_t base, uint64_t *ret)
{
	struct span units = units_touching(search->window, base, unit_lg2(level));
	unsigned int word, bit;
	uint64_t words;

	/* A limit often leaves one. */
	if (units.first == units.last)
		return in_unit(node, level, search, base, (unsigned int)units.first, ret);
	words = words_with(node, search->order) &
		bits_between((unsigned int)units.first / 64, (unsigned int)units.last / 64);
	while (pop_bit(&words, search->which, &word)) {
		uint64_t set = units_with(node, word, search->order) & bits_in(units, word);

		while (pop_bit(&set, search->which, &bit))
			if (in_unit(node, level, search, base, word * 64 + bit, ret))
				return true;
	}
	return false;
}

static bool find_in(const struct part *part, unsigned int level, const struct search *search,
		    uint64_t base, uint64_t *ret)
{
	const struct node *node = node_at(part);

	if (search->order >= unit_lg2(level))
		return in_units(part, level, search, base, ret);
	return (search->which == TIGHTEST &&
		((node->part.kid_cnt && in_tightest_kid(node, level, search, base, ret)) ||
		 in_tightest_unit(node, level, search, base, ret))) ||
	       in_first(node, level, search, base, ret);
}

bool phyr_tree_block(const struct tree *tree, struct span window, unsigned int order,
		     enum which which, uint64_t *ret_first)
{
	const struct search search = { window, order, which };

	return tree->root->part.sum.order > order &&
	       find_in(&tree->root->part, tree->level, &search, 0, ret_first);
}

/*
 * The highest of all, which most requests ask for: as above, without what only a window needs.
 */

/* In a part that has one of units. */
static uint64_t highest_in_units(const struct part *part, unsigned int level, unsigned int order)
{
	const struct search search = { { 0, part_len(level) - 1 }, order, HIGHEST };
	unsigned int lg2 = unit_lg2(level), word;
	uint64_t first;

	if (order >= lg2 + 6) {
		(void)in_free_words(part, level, &search, 0, &first);
		return first;
	}
	word = phyr_bits_log2(part->blocks >> (order - lg2) * 8 & 0xff);
	first = word * 64 + phyr_bits_log2(phyr_fold(~part->words[word].taken, order - lg2));
	return first << lg2;
}

/* Is the highest where the last way led? Nothing that this looks at waits for anything else. */
static bool is_on_way(const struct tree *tree, unsigned int order)
{
	const struct path *way = &tree->path;
	unsigned int level = way->level;

	if (!way->part || order < unit_lg2(level) || order >= unit_lg2(level + 1) ||
	    way->part->sum.order <= order)
		return false;
	while (++level <= tree->level) {
		const struct node *node = way->nodes[level];
		unsigned int unit = unit_of(level, way->span.first), word = unit / 64;

		if (words_with(node, order) >> word > 1 ||
		    units_with(node, word, order) >> (unit & 63) > 1)
			return false;
	}
	return true;
}

bool phyr_tree_highest_block(const struct tree *tree, unsigned int order, uint64_t *ret_first)
{
	const struct part *part = &tree->root->part;
	unsigned int level = tree->level;
	uint64_t base = 0;

	if (part->sum.order <= order)
		return false;
	if (is_on_way(tree, order)) {
		level = tree->path.level;
		part = tree->path.part;
		base = tree->path.number << unit_lg2(level + 1);
	}
	for (; order < unit_lg2(level); level--) {
		const struct node *node = node_at(part);
		unsigned int word = phyr_bits_log2(words_with(node, order));
		unsigned int unit = word * 64 + phyr_bits_log2(units_with(node, word, order));

		base += (uint64_t)unit << unit_lg2(level);
		if (!is_taken(part, unit)) {
			*ret_first = base + phyr_bits_size(unit_lg2(level)) - phyr_bits_size(order);
			return true;
		}
		part = node->children[unit].kid;
	}
	*ret_first = base + highest_in_units(part, level, order);
	return true;
}
