/* SPDX-License-Identifier: MIT */
/*
 * Taking and giving back ranges of granules, and what that does to every level.
 *
 * The way leads down to the lowest part that holds the whole range, there to at most two kids a
 * level, and up again until nothing changes.
 */

#include <string.h>

#include "tree.h"

/* How a span, counted from a node's first granule, meets the node's units. */
struct cut {
	unsigned int first; /* units that it touches */
	unsigned int last;
	bool low;	   /* it leaves out the start of the first */
	bool high;	   /* it leaves out the end of the last */
	bool any;	   /* it covers some whole */
	struct span whole; /* those */
};

static struct cut cut_span(unsigned int level, struct span span)
{
	unsigned int lg2 = unit_lg2(level);
	uint64_t mask = phyr_bits_mask(lg2);
	struct cut cut = {
		.first = (unsigned int)(span.first >> lg2),
		.last = (unsigned int)(span.last >> lg2),
		.low = span.first & mask,
		.high = (span.last & mask) != mask,
	};

	cut.any = cut.first + cut.low + cut.high <= cut.last;
	cut.whole = (struct span){ cut.first + cut.low, cut.last - cut.high };
	return cut;
}

/* The part of a span in a unit, from the unit's first granule on. */
static struct span in_unit(unsigned int level, struct span span, unsigned int unit)
{
	uint64_t mask = phyr_bits_mask(unit_lg2(level));
	struct span inside = { 0, mask };

	if (unit == (unsigned int)(span.first >> unit_lg2(level)))
		inside.first = span.first & mask;
	if (unit == (unsigned int)(span.last >> unit_lg2(level)))
		inside.last = span.last & mask;
	return inside;
}

static void *pop_spare(struct tree *tree, enum kind kind)
{
	struct spares *spares = &tree->spares[kind];
	void *spare = spares->first;

	PHYR_ASSERT(spare);
	tree->path.part = NULL;
	memcpy(&spares->first, spare, sizeof(spares->first));
	spares->cnt--;
	return spare;
}

void phyr_tree_spare(struct tree *tree, void *empty, enum kind kind)
{
	struct spares *spares = &tree->spares[kind];

	tree->path.part = NULL;
	memcpy(empty, &spares->first, sizeof(spares->first));
	spares->first = empty;
	spares->cnt++;
}

/* A node that is all that a part was, so far without kids. */
static struct part *widen(struct tree *tree, const struct part *part)
{
	struct node *node = pop_spare(tree, NODE);

	node->part = *part;
	node->part.is_node = true;
	memset(node->kids, 0, sizeof(node->kids));
	return &node->part;
}

/* In which all is free; a node if a span that is to be taken in it cuts its units. */
static struct part *new_part(struct tree *tree, unsigned int level, struct span span)
{
	bool is_node = cuts_units(level, span);
	struct part *part = pop_spare(tree, is_node ? NODE : PART);

	/* Of a spare node all else is 0. */
	memset(part, 0, is_node ? offsetof(struct node, most) : sizeof(*part));
	if (is_node)
		part->is_node = true;
	phyr_part_init(part, level);
	return part;
}

/* Makes a node of a kid that needs to be one. */
static struct part *fit_kid(struct tree *tree, struct node *node, unsigned int level,
			    unsigned int unit, struct span span)
{
	struct part *kid = node->children[unit].kid;

	if (cuts_units(level - 1, span) && !kid->is_node) {
		node->children[unit].kid = widen(tree, kid);
		phyr_tree_spare(tree, kid, PART);
	}
	return node->children[unit].kid;
}

static bool is_empty(const struct part *part, unsigned int level)
{
	return part->sum.pre == part_len(level);
}

static bool remove_kid(struct tree *tree, struct node *node, unsigned int level, unsigned int unit)
{
	struct part *kid = node->children[unit].kid;

	node->kids[unit / 64] &= ~bit_of(unit);
	node->part.kid_cnt--;
	phyr_part_clear(&node->part, (struct span){ unit, unit });
	phyr_tree_spare(tree, kid, kind_of(kid, level - 1));
	return node->part.kid_cnt == 0 ?
		       phyr_node_last_kid(node, level, unit) :
		       phyr_node_refresh(node, level, (struct span){ unit, unit });
}

static bool take(struct tree *tree, struct part *part, unsigned int level, struct span span,
		 bool ends);

/* In a unit that is free so far. */
static bool take_in_new(struct tree *tree, struct node *node, unsigned int level, struct span span,
			unsigned int unit, bool ends)
{
	struct span inside = in_unit(level, span, unit);
	struct part *kid = new_part(tree, level - 1, inside);

	node->children[unit].kid = kid;
	node->kids[unit / 64] |= bit_of(unit);
	node->part.kid_cnt++;
	phyr_part_mark(&node->part, (struct span){ unit, unit }, false);
	(void)take(tree, kid, level - 1, inside, ends);
	return node->part.kid_cnt == 1 ?
		       phyr_node_first_kid(node, level) :
		       phyr_node_refresh(node, level, (struct span){ unit, unit });
}

static bool take_in_unit(struct tree *tree, struct node *node, unsigned int level, struct span span,
			 unsigned int unit, bool ends)
{
	struct span inside = in_unit(level, span, unit);
	struct part *kid;
	struct sum before;

	if (!is_kid(node, unit))
		return take_in_new(tree, node, level, span, unit, ends);
	kid = fit_kid(tree, node, level, unit, inside);
	before = kid->sum;
	return take(tree, kid, level - 1, inside, ends) &&
	       phyr_node_adjust(node, level, unit, &before);
}

static bool take_whole(struct node *node, unsigned int level, struct span units, bool ends)
{
	struct sum before = node->part.sum;

	if (!node->part.kid_cnt) {
		phyr_part_take(&node->part, level, units, ends);
		return sum_changed(&before, &node->part.sum);
	}
	phyr_part_mark(&node->part, units, ends);
	return phyr_node_refresh(node, level, units);
}

/* Returns whether the sum changed, and so those above may. */
static bool take(struct tree *tree, struct part *part, unsigned int level, struct span span,
		 bool ends)
{
	struct sum before = part->sum;
	bool changed = false;
	struct cut cut;

	if (level == 0) {
		phyr_part_take(part, 0, span, ends);
		return sum_changed(&before, &part->sum);
	}
	cut = cut_span(level, span);
	if (cut.any)
		changed = take_whole(node_of(part), level, cut.whole,
				     ends && cut.whole.last == cut.last);
	if (cut.low || (cut.high && cut.first == cut.last))
		changed |= take_in_unit(tree, node_of(part), level, span, cut.first,
					ends && cut.first == cut.last);
	if (cut.high && cut.first != cut.last)
		changed |= take_in_unit(tree, node_of(part), level, span, cut.last, ends);
	return changed;
}

static bool give(struct tree *tree, struct part *part, unsigned int level, struct span span);

static bool give_in_unit(struct tree *tree, struct node *node, unsigned int level, struct span span,
			 unsigned int unit)
{
	struct part *kid = node->children[unit].kid;
	struct sum before = kid->sum;
	bool changed = give(tree, kid, level - 1, in_unit(level, span, unit));

	if (is_empty(kid, level - 1))
		return remove_kid(tree, node, level, unit);
	return changed && phyr_node_adjust(node, level, unit, &before);
}

static bool give_whole(struct node *node, unsigned int level, struct span units)
{
	struct sum before = node->part.sum;

	if (!node->part.kid_cnt) {
		phyr_part_give(&node->part, level, units);
		return sum_changed(&before, &node->part.sum);
	}
	phyr_part_clear(&node->part, units);
	return phyr_node_refresh(node, level, units);
}

static bool give(struct tree *tree, struct part *part, unsigned int level, struct span span)
{
	struct sum before = part->sum;
	bool changed = false;
	struct cut cut;

	if (level == 0) {
		phyr_part_give(part, 0, span);
		return sum_changed(&before, &part->sum);
	}
	cut = cut_span(level, span);
	if (cut.any)
		changed = give_whole(node_of(part), level, cut.whole);
	if (cut.low || (cut.high && cut.first == cut.last))
		changed |= give_in_unit(tree, node_of(part), level, span, cut.first);
	if (cut.high && cut.first != cut.last)
		changed |= give_in_unit(tree, node_of(part), level, span, cut.last);
	return changed;
}

/* Leaves, and what is known of them, do not fit into caches: all that is needed comes at once. */
static void fetch(const struct path *path, uint64_t granule)
{
	const struct node *node = path->nodes[1];

	__builtin_prefetch(path->part);
	__builtin_prefetch(&path->part->blocks);
	__builtin_prefetch(&path->part->words[unit_of(0, granule) / 64]);
	__builtin_prefetch(&node->best[unit_of(1, granule)]);
}

/* Goes down as far as one kid holds all of a span that is not the whole kid. */
void phyr_tree_descend(struct tree *tree, struct span span)
{
	struct part *part = &tree->root->part;
	unsigned int level = tree->level, lg2 = unit_lg2(level);
	uint64_t differs = span.first ^ span.last;

	for (; level > 0 && !(differs >> lg2); level--, lg2 -= PART_LG2) {
		struct node *node = node_of(part);
		unsigned int unit = (unsigned int)(span.first >> lg2) & (UNIT_CNT - 1);

		if (!part->is_node || !is_kid(node, unit))
			break;
		tree->path.nodes[level] = node;
		part = node->children[unit].kid;
	}
	tree->path.part = part;
	tree->path.level = level;
	tree->path.number = span.first >> (lg2 + PART_LG2);
	tree->path.span = span;
	if (level == 0)
		fetch(&tree->path, span.first);
}

struct part *phyr_tree_leaf(struct tree *tree, uint64_t granule)
{
	const struct path *path = phyr_tree_way(tree, (struct span){ granule, granule });

	return path->level == 0 ? path->part : NULL;
}

static struct span in_part(unsigned int level, struct span span)
{
	uint64_t mask = part_len(level) - 1;

	return (struct span){ span.first & mask, span.last & mask };
}

/* Is it enough to mark units, because there are no kids, nor will be? */
static bool is_flat(const struct part *part, unsigned int level, struct span span)
{
	return !has_kids(part, level) && !cuts_units(level, span);
}

/* From a part whose sum was another up until nothing changes. */
static void climb(struct tree *tree, const struct part *part, struct sum before, uint64_t granule)
{
	for (unsigned int level = tree->path.level + 1; level <= tree->level; level++) {
		struct node *node = tree->path.nodes[level];
		unsigned int unit = unit_of(level, granule);
		struct sum own = node->part.sum;
		bool changed = is_empty(part, level - 1) ?
				       remove_kid(tree, node, level, unit) :
				       phyr_node_adjust(node, level, unit, &before);

		if (!changed)
			break;
		before = own;
		part = &node->part;
	}
}

void phyr_tree_take(struct tree *tree, struct span span)
{
	const struct path *path = phyr_tree_way(tree, span);
	unsigned int level = path->level;
	struct span inside = in_part(level, span);
	struct part *part = path->part;
	struct sum before = part->sum;

	if (is_flat(part, level, inside)) {
		phyr_part_take(part, level, units_of(level, span), true);
	} else {
		if (level < tree->level)
			part = fit_kid(tree, path->nodes[level + 1], level + 1,
				       unit_of(level + 1, span.first), inside);
		(void)take(tree, part, level, inside, true);
	}
	if (sum_changed(&before, &part->sum))
		climb(tree, part, before, span.first);
}

void phyr_tree_give(struct tree *tree, struct span span)
{
	const struct path *path = phyr_tree_way(tree, span);
	unsigned int level = path->level;
	struct span inside = in_part(level, span);
	struct part *part = path->part;
	struct sum before = part->sum;

	/* What is given may be spared on the way, and the path be none: it is not looked at again. */
	if (is_flat(part, level, inside))
		phyr_part_give(part, level, units_of(level, span));
	else
		(void)give(tree, part, level, inside);
	if (sum_changed(&before, &part->sum))
		climb(tree, part, before, span.first);
}

void phyr_tree_take_tiles(struct tree *tree, struct span span, uint64_t cnt)
{
	struct span first = { span.first, span.first + cnt - 1 };
	struct part *leaf;

	/* The first brings the leaf into being, where all might have become a bit above. */
	phyr_tree_take(tree, first);
	if (first.last < span.last)
		phyr_tree_take(tree, (struct span){ first.last + 1, span.last });
	leaf = phyr_tree_leaf(tree, span.first);
	for (uint64_t end = first.last; end <= span.last; end += cnt)
		leaf->words[(end & (UNIT_CNT - 1)) / 64].ends |= bit_of((unsigned int)end);
}

/* What the way down to one end of a span lacks. */
static void need_at(const struct part *part, unsigned int level, struct span span, uint64_t granule,
		    struct need *need)
{
	for (;; level--) {
		uint64_t mask = phyr_bits_mask(unit_lg2(level));
		struct span unit = { granule & ~mask, granule | mask };
		bool whole = span.first <= unit.first && span.last >= unit.last;
		/* What holds the whole span is counted at its first end. */
		bool shared = (span.first ^ span.last) >> unit_lg2(level + 1) == 0;

		if (!shared || granule == span.first) {
			bool cut = shared ? cuts_units(level, span) : !whole;

			need->cnt[NODE] += cut && !(part && part->is_node);
			need->cnt[PART] += !cut && !part;
		}
		if (whole)
			return;
		part = part && part->is_node ? kid_at(node_at(part), unit_of(level, granule)) :
					       NULL;
	}
}

bool phyr_tree_need(struct tree *tree, struct span span, struct need *ret_need)
{
	const struct path *path = phyr_tree_way(tree, span);

	if (is_flat(path->part, path->level, in_part(path->level, span)))
		return false;
	*ret_need = (struct need){ 0 };
	need_at(path->part, path->level, span, span.first, ret_need);
	if (span.first >> PART_LG2 != span.last >> PART_LG2)
		need_at(path->part, path->level, span, span.last, ret_need);
	return true;
}
