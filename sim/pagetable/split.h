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
 *
 * Hardware goes on marking. Whatever takes the place of an item is swapped in, and says what the item
 * was at the last moment; marks that came after the look go to all pieces in the end.
 */
#include "cut.h"
#include "store.h"
#include "table.h"

/* What all new leaves have from the old one: as accessed and dirty as any of its items. */
static uint64_t kept_of(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
			struct phyrsim_items group)
{
	uint64_t item = __atomic_load_n(&node->items[group.first], __ATOMIC_RELAXED);

	for (size_t i = group.first; i <= group.last; i++)
		item = join_marks(item, __atomic_load_n(&node->items[i], __ATOMIC_RELAXED));
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

/* Writes the pieces that are in tables below the leaf's own. */
static void fill_below(struct phyrsim_pagetable *table, struct cut cut,
		       const struct phyrsim_node *owner, uint64_t prot)
{
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		if (piece.level < owner->level)
			fill_piece(table, phyrsim_lowest(table, piece.at), &piece, prot);
	}
}

/* Writes an item over one of the leaf's, if that is not absent already, with all its marks. */
static void replace_item(const struct phyrsim_pagetable *table, struct phyrsim_node *node, size_t i,
			 uint64_t value, uint64_t *kept)
{
	uint64_t old = phyrsim_swap(node->pa, node->items, i, value);

	if (old)
		*kept = join_marks(*kept, format_kept(table, old));
}

/*
 * Makes a leaf absent, and has caches forget it, before items of other sizes stand where it was.
 * True: nothing of it is cached any more.
 */
static bool break_leaf(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
		       struct phyrsim_node *node, struct phyrsim_items group, uint64_t *kept)
{
	struct phyr_gather gather;

	if (!FORMAT_BREAKS || (table->features & PHYRSIM_FEATURE_BBM2))
		return false;
	for (size_t i = group.first; i <= group.last; i++)
		replace_item(table, node, i, 0, kept);
	table->stats.broken_cnt++;
	if (!table->breaker.flush)
		return false;
	phyr_gather_init(&gather);
	phyrsim_gather_leaf(table, leaf, &gather);
	table->breaker.flush(table->breaker.ctx, &gather);
	return true;
}

/* Writes the pieces that are in the leaf's own table. */
static void replace_items(struct phyrsim_pagetable *table, struct cut cut,
			  struct phyrsim_node *owner, uint64_t *kept)
{
	const struct phyrsim_place *place = &table->geometry.place;
	const uint64_t prot = *kept;
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		uint64_t shape = format_shape(table, piece.lg2, piece.level);
		struct phyrsim_items in;
		uint64_t pa = piece.pa;

		if (piece.level < owner->level)
			continue;
		in = piece_items(owner, &piece);
		for (size_t i = in.first; i <= in.last;
		     i++, pa += phyr_bits_size(owner->item_lg2)) {
			uint64_t own = FORMAT_REPEATS ? phyr_bits_down(pa, piece.lg2) : pa;

			replace_item(table, owner, i,
				     prot | shape | format_oa(place, phyr_pa_at(own)), kept);
		}
		count_piece(table, owner, &piece);
	}
}

/* Writes pointers to the new tables, which are complete. */
static void replace_by_tables(struct phyrsim_pagetable *table, struct phyrsim_node *fresh,
			      uint64_t *kept)
{
	for (; fresh; fresh = fresh->next) {
		struct phyrsim_node *owner = fresh->parent;
		unsigned int i = phyrsim_index(owner, fresh->span.first);

		replace_item(table, owner, i, format_pointer(table, fresh->pa, owner->level), kept);
		count_table(table, owner, i);
	}
}

/* Gives all pieces the marks that came late. */
static void spread_marks(const struct phyrsim_pagetable *table, struct cut cut, uint64_t kept)
{
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		struct phyrsim_node *node = phyrsim_lowest(table, piece.at);
		struct phyrsim_items in = piece_items(node, &piece);

		for (size_t i = in.first; i <= in.last; i++) {
			uint64_t item = __atomic_load_n(&node->items[i], __ATOMIC_RELAXED);
			uint64_t rest = item ^ format_kept(table, item);

			while (!phyrsim_exchange(node->pa, node->items, i, &item,
						 join_marks(item, rest | kept)))
				;
		}
	}
}

static bool format_split(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
			 uint64_t at, struct phyrsim_node **tables)
{
	const struct cut_parts parts = cut_parts(leaf, at);
	struct cut cut = cut_begin(table, cut_span(leaf), parts.runs, 2);
	struct phyrsim_node *node = phyrsim_lowest(table, leaf->iova.addr);
	unsigned int first = phyrsim_index(node, leaf->iova.addr);
	struct phyrsim_items group = { first, first + (1u << (leaf->lg2 - node->item_lg2)) - 1 };
	struct phyrsim_node *fresh[2] = { NULL, NULL };
	uint64_t prot = kept_of(table, node, group);
	uint64_t kept = prot;
	bool flushed;

	hang_tables(table, cut, tables, node, fresh);
	fill_below(table, cut, node, prot);
	link_tables(table, fresh[0]);
	phyrsim_live_clear(node, group);
	table->stats.leaves.cnt[leaf->lg2]--;
	flushed = break_leaf(table, leaf, node, group, &kept);
	replace_items(table, cut, node, &kept);
	replace_by_tables(table, fresh[1], &kept);
	if (kept != prot)
		spread_marks(table, cut, kept);
	return flushed;
}
