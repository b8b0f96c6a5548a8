/* SPDX-License-Identifier: MIT */
/*
 * Reading leaves back and changing them in place, as a template behind ops.h: a format also defines
 *
 *	format_read(table, item, lg2, ret_leaf)	what the first item of a leaf of a size says
 *
 * This is the writer's own view, by its nodes. What hardware makes of the items is the walker's.
 */
#include "marks.h"
#include "table.h"

/* Hardware may mark any item of a leaf. */
static bool leaf_dirty(const struct phyrsim_node *node, unsigned int first, unsigned int lg2)
{
	size_t cnt = (size_t)1 << (lg2 - node->item_lg2);
	bool dirty = false;

	for (size_t j = 0; j < cnt; j++)
		dirty |= format_dirty(node->items[first + j]);
	return dirty;
}

/* The leaf that item i belongs to. */
static void read_leaf(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
		      unsigned int i, struct phyrsim_leaf *ret_leaf)
{
	unsigned int lg2 = format_leaf_lg2(table, node->items[i], node->level);
	uint64_t at = phyr_bits_down(phyrsim_item_span(node, i).first, lg2);
	unsigned int first = phyrsim_index(node, at);
	struct phyrsim_leaf leaf = { .iova = phyr_iova_at(at), .lg2 = lg2, .level = node->level };

	leaf.entry = node->items[first];
	leaf.entry_pa = phyr_pa_at(node->pa.addr + first * sizeof(leaf.entry));
	leaf.dirty = leaf_dirty(node, first, lg2);
	format_read(table, leaf.entry, lg2, &leaf);
	*ret_leaf = leaf;
}

/* Gives every leaf of a span other permissions and attributes, each by stores of whole items. */
static int format_protect(struct phyrsim_pagetable *table, struct phyrsim_span span,
			  struct phyrsim_use use, struct phyr_gather *gather)
{
	uint64_t prot = format_prot(table, use.perm, use.attrs);
	phyr_sizes sizes = { 0 };
	uint64_t last;
	int err = PHYR_E_NOENT;

	if (span.last <= table->top->span.last)
		err = look_all(table, span);
	if (err != PHYR_OK)
		return err;
	do {
		struct phyrsim_node *node = phyrsim_lowest(table, span.first);
		struct phyrsim_leaf leaf;
		struct piece piece = { .runs = NULL };

		read_leaf(table, node, phyrsim_index(node, span.first), &leaf);
		piece.at = leaf.iova.addr;
		piece.pa = leaf.pa.addr;
		piece.len = phyr_bits_size(leaf.lg2);
		piece.lg2 = leaf.lg2;
		piece.level = leaf.level;
		write_piece(table, node, &piece, prot);
		sizes.mask |= piece.len;
		last = piece.at + (piece.len - 1);
		span.first = last + 1;
	} while (last < span.last);
	phyr_gather_add_leaves(gather, sizes);
	return PHYR_OK;
}

/* The items of the leaf that item i belongs to; where none is, the item. */
static struct phyrsim_items group_of(const struct phyrsim_pagetable *table,
				     const struct phyrsim_node *node, unsigned int i)
{
	struct phyrsim_items in = { i, i };
	unsigned int others;

	if (node->level > 0 && node->child[i])
		return in;
	others = (1u << (format_leaf_lg2(table, node->items[i], node->level) - node->item_lg2)) - 1;
	in.first &= ~others;
	in.last |= others;
	return in;
}

/* The first item of dirty leaves, or that points to a table, or item_cnt. */
static unsigned int dirty_next(const struct phyrsim_pagetable *table,
			       const struct phyrsim_node *node, struct phyrsim_items in)
{
	/* What is dirty about a leaf that reaches out may be an item outside. */
	in.first = group_of(table, node, in.first).first;
	in.last = group_of(table, node, in.last).last;
	for (size_t i = in.first; i <= in.last; i++) {
		if (format_dirty(node->items[i]) || (node->level > 0 && node->child[i]))
			return (unsigned int)i;
	}
	return node->item_cnt;
}

/* The first leaf in a span, of all or of those that are dirty. */
static inline int next_leaf(const struct phyrsim_pagetable *table, struct phyrsim_span span,
			    bool dirty, struct phyrsim_leaf *ret_leaf)
{
	while (span.first <= table->top->span.last) {
		const struct phyrsim_node *node = phyrsim_lowest(table, span.first);
		struct phyrsim_items in = phyrsim_items_of(node, span);
		unsigned int i = dirty ? dirty_next(table, node, in) : phyrsim_live_next(node, in);

		if (i < node->item_cnt && (node->level == 0 || !node->child[i])) {
			read_leaf(table, node, i, ret_leaf);
			return PHYR_OK;
		}
		if (i < node->item_cnt) {
			span.first = node->child[i]->span.first;
			continue;
		}
		if (node->span.last >= span.last)
			break;
		span.first = node->span.last + 1;
	}
	return PHYR_E_NOENT;
}

static int format_next(const struct phyrsim_pagetable *table, struct phyrsim_span span,
		       struct phyrsim_leaf *ret_leaf)
{
	return next_leaf(table, span, false, ret_leaf);
}

static int format_next_dirty(const struct phyrsim_pagetable *table, struct phyrsim_span span,
			     struct phyrsim_leaf *ret_leaf)
{
	return next_leaf(table, span, true, ret_leaf);
}
