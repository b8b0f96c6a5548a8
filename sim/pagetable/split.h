/* SPDX-License-Identifier: MIT */
/*
 * Cutting a leaf in two, as a template behind read.h: a format also defines
 *
 *	FORMAT_BREAKS			must items be zero before they change their size?
 *	format_kept(table, item)	the bits that permissions, attributes and marks are
 *
 * The leaf leaves the books, and the pieces that take its place are written as a map would write
 * them, those first that are in tables which hardware does not see. See pagetable_split.h for what
 * it may see of the rest.
 */
#include "cut.h"
#include "store.h"
#include "table.h"

/* What all new leaves have from the old one: as accessed and dirty as any of its items. */
static uint64_t kept_of(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
			struct phyrsim_items group)
{
	uint64_t item = node->items[group.first];

	for (size_t i = group.first; i <= group.last; i++)
		item = join_marks(item, node->items[i]);
	return format_kept(table, item);
}

/*
 * Gives tables their places for the pieces below the leaf's level. Those whose pointers take the
 * place of its items are kept apart. On both lists lower tables come first.
 */
static void hang_tables(const struct phyrsim_pagetable *table, struct cut cut,
			struct phyrsim_node **tables, struct phyrsim_node *owner,
			struct phyrsim_node *ret_lists[2])
{
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		struct phyrsim_node *node = phyrsim_lowest(table, piece.at);

		while (node->level > piece.level) {
			struct phyrsim_node **list = &ret_lists[node == owner];
			struct phyrsim_node *below = tables[node->level - 1];

			tables[node->level - 1] = below->next;
			phyrsim_node_place(below, node, piece.at);
			below->next = *list;
			*list = below;
			node = below;
		}
	}
}

/* Writes the pieces that are in the leaf's own table, or those that are not. */
static void fill_pieces(struct phyrsim_pagetable *table, struct cut cut,
			const struct phyrsim_node *owner, bool own, uint64_t prot)
{
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		if ((piece.level == owner->level) == own)
			fill_piece(table, phyrsim_lowest(table, piece.at), &piece, prot);
	}
}

/* Makes a leaf absent before items of other sizes stand where it was. */
static void break_leaf(struct phyrsim_pagetable *table, struct phyrsim_node *node,
		       struct phyrsim_items group)
{
	if (!FORMAT_BREAKS || (table->features & PHYRSIM_FEATURE_BBM2))
		return;
	for (size_t i = group.first; i <= group.last; i++)
		phyrsim_store(node->pa, node->items, i, 0);
	table->stats.broken_cnt++;
}

static void format_split(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
			 uint64_t at, struct phyrsim_node **tables)
{
	const struct cut_parts parts = cut_parts(leaf, at);
	struct cut cut = cut_begin(table, cut_span(leaf), parts.runs, 2);
	struct phyrsim_node *node = phyrsim_lowest(table, leaf->iova.addr);
	unsigned int first = phyrsim_index(node, leaf->iova.addr);
	struct phyrsim_items group = { first, first + (1u << (leaf->lg2 - node->item_lg2)) - 1 };
	struct phyrsim_node *fresh[2] = { NULL, NULL };
	uint64_t prot = kept_of(table, node, group);

	hang_tables(table, cut, tables, node, fresh);
	fill_pieces(table, cut, node, false, prot);
	link_tables(table, fresh[0]);
	phyrsim_live_clear(node, group);
	table->stats.leaves.cnt[leaf->lg2]--;
	break_leaf(table, node, group);
	fill_pieces(table, cut, node, true, prot);
	link_tables(table, fresh[1]);
}
