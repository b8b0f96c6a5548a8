/* SPDX-License-Identifier: MIT */
/* Summing up nodes that have kids. */

#include "tree.h"

/* The free granules just above the highest taken one below a unit. */
static uint64_t free_below(const struct node *node, unsigned int level, unsigned int unit)
{
	unsigned int lower = unit ? phyr_part_down(&node->part, unit - 1, true) : UNIT_CNT;
	const struct part *kid;

	if (lower == UNIT_CNT)
		return (uint64_t)unit << unit_lg2(level);
	kid = kid_at(node, lower);
	return ((uint64_t)(unit - 1 - lower) << unit_lg2(level)) + (kid ? kid->sum.suf : 0);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t largest_of_8(const uint64_t *n)
{
	/* A packed space has few holes. */
	if (!((n[0] | n[1]) | (n[2] | n[3]) | (n[4] | n[5]) | (n[6] | n[7])))
		return 0;
	return larger(larger(larger(n[0], n[1]), larger(n[2], n[3])),
		      larger(larger(n[4], n[5]), larger(n[6], n[7])));
}

/* Stores one of eight numbers, of which the largest was `top`, and tells the largest now. */
static uint64_t put(uint64_t *numbers, unsigned int i, uint64_t number, uint64_t top)
{
	uint64_t others;

	if (number > numbers[i]) {
		numbers[i] = number;
		return larger(number, top);
	}
	/* The others do not wait for the number, which takes longest to know. */
	numbers[i] = 0;
	others = largest_of_8(numbers + i / 8 * 8);
	numbers[i] = number;
	return larger(number, others);
}

/* Of the kids' blocks, when none is larger than `most` says. */
static uint64_t largest_order(const struct node *node, uint64_t most)
{
	while (most && !node->words_with[most - 1])
		most--;
	return most;
}

/* Of what is taken: the hole below it, or the longest in it; and on up, as in a tournament. */
static void refresh_best(struct node *node, unsigned int unit)
{
	const struct part *kid = kid_at(node, unit);
	uint64_t best = node->children[unit].below;

	if (kid && kid->sum.best > best)
		best = kid->sum.best;
	if (best == node->best[unit])
		return;
	best = put(node->best, unit, best, node->tops[unit / 8]);
	if (best == node->tops[unit / 8])
		return;
	best = put(node->tops, unit / 8, best, node->most[unit / 64]);
	if (best == node->most[unit / 64])
		return;
	node->part.sum.best = put(node->most, unit / 64, best, node->part.sum.best);
}

/* Orders of a kid are 1 + log2 of its largest block, and 0 of one without any. */
static void set_order(struct node *node, unsigned int unit, uint64_t before, uint64_t order)
{
	unsigned int word = unit / 64;
	uint8_t bit = (uint8_t)(1U << word);

	for (uint64_t k = before; k < order; k++) {
		node->with[k][word] |= bit_of(unit);
		node->words_with[k] |= bit;
	}
	for (uint64_t k = order; k < before; k++) {
		node->with[k][word] &= ~bit_of(unit);
		if (!node->with[k][word])
			node->words_with[k] &= (uint8_t)~bit;
	}
}

static void refresh_order(struct node *node, unsigned int unit)
{
	const struct part *kid = kid_at(node, unit);
	unsigned int before = 0;

	while (has_block(node, unit, before))
		before++;
	set_order(node, unit, before, kid ? kid->sum.order : 0);
}

static void refresh_unit(struct node *node, unsigned int level, unsigned int unit)
{
	const struct part *kid = kid_at(node, unit);
	struct child *child = &node->children[unit];

	child->below = 0;
	if (is_taken(&node->part, unit))
		child->below = free_below(node, level, unit) + (kid ? kid->sum.pre : 0);
	refresh_best(node, unit);
	refresh_order(node, unit);
}

/* What the lowest and the highest taken unit leave free at the ends. */
static void refresh_ends(struct node *node, unsigned int level)
{
	unsigned int low = phyr_part_up(&node->part, 0, true);
	unsigned int high = phyr_part_down(&node->part, UNIT_CNT - 1, true);
	const struct part *low_kid = kid_at(node, low), *high_kid = kid_at(node, high);

	node->part.sum.pre = ((uint64_t)low << unit_lg2(level)) + (low_kid ? low_kid->sum.pre : 0);
	node->part.sum.suf = ((uint64_t)(UNIT_CNT - 1 - high) << unit_lg2(level)) +
			     (high_kid ? high_kid->sum.suf : 0);
}

/*
 * The lowest of some units, and what is taken above them, whose hole begins where they end. Of the
 * others nothing is known: they are free, or taken whole above one that is.
 */
static void refresh_units(struct node *node, unsigned int level, struct span units)
{
	unsigned int above = phyr_part_up(&node->part, (unsigned int)units.last + 1, true);

	refresh_unit(node, level, (unsigned int)units.first);
	if (above < UNIT_CNT)
		refresh_unit(node, level, above);
}

static bool refresh_sum(struct node *node, unsigned int level, const struct sum *before)
{
	unsigned int order = phyr_part_order(&node->part);

	node->part.sum.order = order ? order + unit_lg2(level) :
				       largest_order(node, unit_lg2(level));
	refresh_ends(node, level);
	return sum_changed(before, &node->part.sum);
}

bool phyr_node_refresh(struct node *node, unsigned int level, struct span units)
{
	struct sum before = node->part.sum;

	refresh_units(node, level, units);
	return refresh_sum(node, level, &before);
}

/* The units of a word that are kids, or may have a hole below: not above one that is taken whole. */
static uint64_t units_known(const struct node *node, unsigned int word)
{
	uint64_t taken = node->part.words[word].taken, kids = node->kids[word];

	return taken & ~((taken & ~kids) << 1 & ~kids);
}

bool phyr_node_first_kid(struct node *node, unsigned int level)
{
	struct sum before = node->part.sum;

	node->part.sum.best = 0;
	for (unsigned int i = 0; i < WORD_CNT; i++)
		for (uint64_t set = units_known(node, i); set; set &= set - 1)
			refresh_unit(node, level, i * 64 + phyr_bits_ctz(set));
	return refresh_sum(node, level, &before);
}

static void forget_hole(struct node *node, unsigned int unit)
{
	node->children[unit].below = 0;
	node->best[unit] = 0;
	node->tops[unit / 8] = 0;
	node->most[unit / 64] = 0;
}

bool phyr_node_last_kid(struct node *node, unsigned int level, unsigned int unit)
{
	struct sum before = node->part.sum;

	forget_hole(node, unit);
	refresh_order(node, unit);
	for (unsigned int i = 0; i < WORD_CNT; i++)
		for (uint64_t set = units_known(node, i); set; set &= set - 1)
			forget_hole(node, i * 64 + phyr_bits_ctz(set));
	phyr_part_sum(&node->part, level, &node->part.sum);
	return sum_changed(&before, &node->part.sum);
}

/* What is free at a kid's ends belongs to its neighbours too, or to the node's own ends. */
static void adjust_ends(struct node *node, unsigned int unit, const struct sum *before)
{
	const struct sum *kid = &node->children[unit].kid->sum;
	unsigned int above;

	if (kid->pre != before->pre) {
		node->children[unit].below += kid->pre - before->pre;
		if (unit == 0 || phyr_part_down(&node->part, unit - 1, true) == UNIT_CNT)
			node->part.sum.pre += kid->pre - before->pre;
	}
	if (kid->suf == before->suf)
		return;
	above = phyr_part_up(&node->part, unit + 1, true);
	if (above == UNIT_CNT) {
		node->part.sum.suf += kid->suf - before->suf;
		return;
	}
	node->children[above].below += kid->suf - before->suf;
	refresh_best(node, above);
}

bool phyr_node_adjust(struct node *node, unsigned int level, unsigned int unit,
		      const struct sum *before)
{
	const struct sum *kid = &node->children[unit].kid->sum;
	struct sum own = node->part.sum;

	if (kid->pre != before->pre || kid->suf != before->suf)
		adjust_ends(node, unit, before);
	refresh_best(node, unit);
	if (kid->order != before->order) {
		set_order(node, unit, before->order, kid->order);
		/* A free unit is larger than any block in a kid. */
		if (own.order <= unit_lg2(level))
			node->part.sum.order = largest_order(node, larger(own.order, kid->order));
	}
	return sum_changed(&own, &node->part.sum);
}
