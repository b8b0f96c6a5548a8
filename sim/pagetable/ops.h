/* SPDX-License-Identifier: MIT */
/*
 * Mapping and unmapping, as a template: a format defines its bits and then includes this file.
 *
 *	FORMAT_GROUPS			are there leaves of several items?
 *	FORMAT_REPEATS			do the items of such a leaf all have one value?
 *	FORMAT_GROWS			can a top be put above the top?
 *	format_granule_lg2(table)	[log2 bytes] of the smallest leaf
 *	format_prot(table, perm, attrs)	the bits that permissions and attributes are, of every leaf
 *	format_shape(table, lg2, level)	the bits that say how large a leaf is
 *	format_oa(place, pa)		the bits that an output address is
 *	format_leaf_lg2(table, item, level)	[log2 bytes] the size of a leaf
 *	format_pointer(table, pa, level)	an item of a level that points to a table
 *
 * All are static, inline and branch little; nothing is called through a pointer here. What is
 * constant in a format is folded, what depends on the table is read from it. An empty item is zero.
 * Leaves of a level are as large as its items, or several neighbouring items large.
 *
 * map: look (nothing may be mapped), make the missing tables, fill, and only then link the new
 * tables. All that can fail comes before the first store, so there is no store to be undone and
 * hardware cannot have seen anything of a map that failed.
 *
 * unmap: look (everything must be mapped, whole), then clear. Tables that the range covers whole
 * are not cleared item by item: their pointer goes, and they with all that is below them.
 *
 * Both go forward table by table, and up to a common table when they come to another one. A single
 * item of a table that is there needs nothing of all that: item.h.
 */
#include "count.h"
#include "cut.h"
#include "item.h"
#include "table.h"
#include "write.h"

/* Does the span lie in one table of level 0 that exists? */
static bool in_one_table(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	const struct phyrsim_node *node = phyrsim_lowest(table, span.first);

	return node->level == 0 && span.last <= node->span.last;
}

/* Is there a leaf anywhere in the span? Absent tables are passed over whole. */
static bool look_any(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	uint64_t at = span.first;

	for (;;) {
		const struct phyrsim_node *node = phyrsim_lowest(table, at);
		struct phyrsim_span rest = { at, span.last };
		unsigned int i = phyrsim_live_next(node, phyrsim_items_of(node, rest));

		if (i == node->item_cnt) {
			if (node->span.last >= span.last)
				return false;
			at = node->span.last + 1;
			continue;
		}
		/* No table is empty, but the leaves of this one may lie behind the span. */
		if (node->level == 0 || !node->child[i] ||
		    phyrsim_within(node->child[i]->span, span))
			return true;
		at = node->child[i]->span.first;
	}
}

/*
 * The table of a level for an address; made, with those above it, where it is missing. What lies
 * whole in the span that is to be mapped has all its items written: leaves, and pointers to others.
 */
static struct phyrsim_node *node_make(struct phyrsim_pagetable *table, const struct piece *piece,
				      struct phyrsim_span span, struct phyrsim_node **fresh)
{
	struct phyrsim_node *node = phyrsim_lowest(table, piece->at);

	while (node->level > piece->level) {
		bool all = phyrsim_within(phyrsim_item_span(node, phyrsim_index(node, piece->at)),
					  span);

		node = phyrsim_node_create(table, node, piece->at, all);
		if (!node)
			return NULL;
		node->next = *fresh;
		*fresh = node;
	}
	return node;
}

/* Makes all tables that the runs need; the new ones are put on a list, lower ones first. */
static int make_tables(struct phyrsim_pagetable *table, struct phyrsim_span span, struct cut cut,
		       struct phyrsim_node **ret_fresh)
{
	struct phyrsim_span made = { UINT64_MAX, 0 };
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		struct phyrsim_node *node;

		if (piece.at >= made.first && piece.at <= made.last)
			continue;
		node = node_make(table, &piece, span, ret_fresh);
		if (!node)
			return PHYR_E_NOMEM;
		if (piece.level == 0)
			made = node->span;
	}
	return PHYR_OK;
}

static void cancel_tables(struct phyrsim_pagetable *table, struct phyrsim_node *fresh)
{
	while (fresh) {
		struct phyrsim_node *next = fresh->next;

		phyrsim_node_cancel(table, fresh);
		fresh = next;
	}
}

/* Enters a new table into the books, to which an item points now. */
static void count_table(struct phyrsim_pagetable *table, struct phyrsim_node *parent,
			unsigned int i)
{
	struct phyrsim_items in = { i, i };

	phyrsim_live_set(parent, in);
	table->stats.table_cnt++;
	if (table->stats.table_cnt > table->stats.table_max)
		table->stats.table_max = table->stats.table_cnt;
}

/* Shows new tables to hardware, from below: the last store shows all of a subtree at once. */
static void link_tables(struct phyrsim_pagetable *table, struct phyrsim_node *fresh)
{
	for (; fresh; fresh = fresh->next) {
		struct phyrsim_node *parent = fresh->parent;
		unsigned int i = phyrsim_index(parent, fresh->span.first);

		phyrsim_store(parent->pa, parent->items, i,
			      format_pointer(table, fresh->pa, parent->level));
		count_table(table, parent, i);
	}
}

/* Enters the leaves of a piece into the books. */
static inline void count_piece(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			       const struct piece *piece)
{
	phyrsim_live_set(node, piece_items(node, piece));
	table->stats.leaves.cnt[piece->lg2] += piece->len >> piece->lg2;
}

static inline void fill_piece(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			      const struct piece *piece, uint64_t prot)
{
	write_piece(table, node, piece, prot);
	count_piece(table, node, piece);
}

/* Writes all leaves; every table is there. */
static void fill(struct phyrsim_pagetable *table, struct cut cut, uint64_t prot)
{
	struct piece piece;

	while (cut_next(&cut, format_granule_lg2(table), &piece)) {
		struct phyrsim_node *node = phyrsim_lowest(table, piece.at);

		phyrsim_near_set(table, node);
		if (cut_more(&cut))
			prefetch_next(node, &piece);
		fill_piece(table, node, &piece, prot);
	}
}

static int map_cut(struct phyrsim_pagetable *table, struct phyrsim_span span, struct cut cut,
		   uint64_t prot)
{
	struct phyrsim_node *fresh = NULL;

	if (look_any(table, span))
		return PHYR_E_EXISTS;
	if (!in_one_table(table, span) && make_tables(table, span, cut, &fresh) != PHYR_OK) {
		cancel_tables(table, fresh);
		return PHYR_E_NOMEM;
	}
	fill(table, cut, prot);
	link_tables(table, fresh);
	return PHYR_OK;
}

#if FORMAT_GROWS
/* Tops until one covers the last offset; one that is empty is not linked below the next. */
static bool grow(struct phyrsim_pagetable *table, uint64_t last)
{
	while (table->top->span.last < last) {
		struct phyrsim_node *below = table->top;
		struct phyrsim_items in = { 0, 0 };

		if (!phyrsim_top_push(table))
			return false;
		if (phyrsim_live_none(below))
			continue;
		below->parent = table->top;
		table->top->child[0] = below;
		phyrsim_store(table->top->pa, table->top->items, 0,
			      format_pointer(table, below->pa, table->top->level));
		phyrsim_live_set(table->top, in);
	}
	return true;
}

/* Maps what the top does not cover. Hardware that has not been told of the new top sees nothing. */
static int map_beyond(struct phyrsim_pagetable *table, struct phyrsim_span span, struct cut cut,
		      uint64_t prot)
{
	unsigned int level_cnt = table->geometry.level_cnt;
	int err = PHYR_E_NOMEM;

	if (grow(table, span.last))
		err = map_cut(table, span, cut, prot);
	if (err == PHYR_OK)
		phyrsim_top_keep(table);
	else
		phyrsim_top_pop(table, level_cnt);
	return err;
}
#endif

/* Whatever a cut has. */
static PHYRSIM_NOINLINE int map_any(struct phyrsim_pagetable *table, struct phyrsim_span span,
				    struct cut cut, uint64_t prot)
{
#if FORMAT_GROWS
	if (span.last > table->top->span.last)
		return map_beyond(table, span, cut, prot);
#endif
	return map_cut(table, span, cut, prot);
}

/* Apart from format_map(), which is to stay small. */
static PHYRSIM_NOINLINE int map_runs(struct phyrsim_pagetable *table, struct phyrsim_span span,
				     const struct phyr_range *runs, size_t run_cnt, uint64_t prot)
{
	struct phyrsim_node *node = phyrsim_lowest(table, span.first);

	if (run_cnt == 1 && is_item(table, node, span) && is_leaf(table, node, runs->pa))
		return map_large(table, node, span.first, runs->pa, prot);
	return map_any(table, span, cut_begin(table, span, runs, run_cnt), prot);
}

static int format_map(struct phyrsim_pagetable *table, struct phyrsim_span span,
		      const struct phyr_range *runs, size_t run_cnt, struct phyrsim_use use)
{
	const struct rank granule = { format_granule_lg2(table), 0 };
	uint64_t prot = format_prot(table, use.perm, use.attrs);
	struct phyrsim_node *node;

#if FORMAT_GROWS
	if (span.last > table->top->span.last)
		return map_any(table, span, cut_begin(table, span, runs, run_cnt), prot);
#endif
	node = phyrsim_lowest(table, span.first);
	if (node->level > 0 || !is_item(table, node, span))
		return map_runs(table, span, runs, run_cnt, prot);
	phyrsim_near_set(table, node);
	return map_item(table, node, granule, span.first,
			prot | format_oa(&table->geometry.place, runs->pa));
}

static int format_map_pages(struct phyrsim_pagetable *table, struct phyrsim_span span,
			    const uint64_t *words, struct phyrsim_use use)
{
	return map_any(table, span, cut_begin_pages(span, words),
		       format_prot(table, use.perm, use.attrs));
}

/* Does the leaf that item i belongs to reach out of the span? */
static inline bool reaches_out(const struct phyrsim_pagetable *table,
			       const struct phyrsim_node *node, unsigned int i,
			       struct phyrsim_span span)
{
	unsigned int lg2;
	struct phyrsim_span leaf;

	/* Spans begin and end at granules. */
	if (node->level == 0 && (!FORMAT_GROUPS || !node->grouped))
		return false;
	lg2 = format_leaf_lg2(table, node->items[i], node->level);
	leaf.first = phyr_bits_down(phyrsim_item_span(node, i).first, lg2);
	leaf.last = leaf.first + phyr_bits_mask(lg2);
	return !phyrsim_within(leaf, span);
}

/* The last of some items before the first that is a pointer. */
static inline unsigned int last_leaf(const struct phyrsim_node *node, struct phyrsim_items in)
{
	if (node->level == 0)
		return in.last;
	while (in.first < in.last && !node->child[in.first + 1])
		in.first++;
	return in.first;
}

/* May the span be removed? A hole anywhere comes before a leaf that reaches out. */
static int look_all(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	uint64_t at = span.first;
	bool out = false;

	for (;;) {
		const struct phyrsim_node *node = phyrsim_lowest(table, at);
		struct phyrsim_span rest = { at, span.last };
		struct phyrsim_items in = phyrsim_items_of(node, rest);
		uint64_t last;

		if (!phyrsim_live_all(node, in))
			return PHYR_E_NOENT;
		in.last = last_leaf(node, in);
		out |= reaches_out(table, node, in.first, span) ||
		       reaches_out(table, node, in.last, span);
		last = phyrsim_item_span(node, in.last).last;
		if (last >= span.last)
			return out ? PHYR_E_PARTIAL : PHYR_OK;
		at = last + 1;
	}
}

/* Removes neighbouring leaves. */
static inline void clear_leaves(struct phyrsim_pagetable *table, struct phyrsim_node *node,
				struct phyrsim_items in, struct phyr_gather *gather)
{
	uncount(table, node, in, gather);
	for (size_t i = in.first, end = (size_t)in.last + 1; i < end; i++)
		phyrsim_store(node->pa, node->items, i, 0);
	phyrsim_live_clear(node, in);
}

/* Removes a pointer. Hardware that has not cached it sees none of the subtree from here on. */
static void unlink_table(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node *parent = node->parent;
	unsigned int i = phyrsim_index(parent, node->span.first);
	struct phyrsim_items in = { i, i };

	phyrsim_store(parent->pa, parent->items, i, 0);
	phyrsim_live_clear(parent, in);
	parent->child[i] = NULL;
	table->near = parent;
}

/* Uncounts the leaves of a full table; the tables below it go to the end of the list. */
static struct phyrsim_node *scatter(struct phyrsim_pagetable *table, struct phyrsim_node *node,
				    struct phyrsim_node *tail, struct phyr_gather *gather)
{
	struct phyrsim_items in = { 0, node->item_cnt - 1 };

	while (in.first < node->item_cnt) {
		if (node->level > 0 && node->child[in.first]) {
			tail->next = node->child[in.first];
			tail = tail->next;
			in.last = in.first;
		} else {
			in.last = node->item_cnt - 1;
			in.last = last_leaf(node, in);
			uncount(table, node, in, gather);
		}
		in.first = in.last + 1;
	}
	return tail;
}

static void tell_table(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
		       struct phyr_gather *gather)
{
	uint64_t first = phyrsim_iova_of(&table->geometry, node->span.first);
	struct phyr_window span = { { first }, { first + (node->span.last - node->span.first) } };

	phyr_gather_add_table(gather, span);
}

/* Removes a table that the span covers whole, with everything below it. */
static void remove_subtree(struct phyrsim_pagetable *table, struct phyrsim_node *head,
			   struct phyr_gather *gather)
{
	struct phyrsim_node *tail = head;

	unlink_table(table, head);
	for (struct phyrsim_node *node = head;; node = node->next) {
		tail = scatter(table, node, tail, gather);
		phyrsim_node_hold(table, node, false);
		if (node == tail)
			break;
	}
	tail->next = gather->freed;
	gather->freed = head;
	tell_table(table, head, gather);
}

/* Removes a table that has become empty, and those above it that become so by that. */
static PHYRSIM_NOINLINE void remove_empty(struct phyrsim_pagetable *table,
					  struct phyrsim_node *node, struct phyr_gather *gather)
{
	while (node->parent && phyrsim_live_none(node)) {
		unlink_table(table, node);
		phyrsim_node_hold(table, node, true);
		node->next = gather->freed;
		gather->freed = node;
		tell_table(table, node, gather);
		node = node->parent;
	}
}

/* The lowest table for an address that stays when the span is removed, if it has other leaves. */
static struct phyrsim_node *lowest_kept(const struct phyrsim_pagetable *table, uint64_t at,
					struct phyrsim_span span)
{
	struct phyrsim_node *node = phyrsim_lowest(table, at);

	while (node->parent && phyrsim_within(node->span, span))
		node = node->parent;
	return node;
}

/* Removes everything in the span; look_all() has said that it may. */
static void clear(struct phyrsim_pagetable *table, struct phyrsim_span span,
		  struct phyr_gather *gather)
{
	uint64_t at = span.first;
	uint64_t last;

	do {
		struct phyrsim_node *node = lowest_kept(table, at, span);
		struct phyrsim_span rest = { at, span.last };
		struct phyrsim_items in = phyrsim_items_of(node, rest);

		if (node->level > 0 && node->child[in.first]) {
			in.last = in.first;
			remove_subtree(table, node->child[in.first], gather);
		} else {
			in.last = last_leaf(node, in);
			clear_leaves(table, node, in, gather);
		}
		last = phyrsim_item_span(node, in.last).last;
		at = last + 1;
		remove_empty(table, node, gather);
	} while (last < span.last);
}

/* Unmaps what lies in one table of level 0 and is not all of it. */
static PHYRSIM_NOINLINE int unmap_near(struct phyrsim_pagetable *table, struct phyrsim_node *node,
				       struct phyrsim_span span, struct phyr_gather *gather)
{
	struct phyrsim_items in = phyrsim_items_of(node, span);

	if (!phyrsim_live_all(node, in))
		return PHYR_E_NOENT;
	if (reaches_out(table, node, in.first, span) || reaches_out(table, node, in.last, span))
		return PHYR_E_PARTIAL;
	phyrsim_near_set(table, node);
	clear_leaves(table, node, in, gather);
	remove_empty(table, node, gather);
	return PHYR_OK;
}

static PHYRSIM_NOINLINE int unmap_far(struct phyrsim_pagetable *table, struct phyrsim_span span,
				      struct phyr_gather *gather)
{
	int err = look_all(table, span);

	if (err == PHYR_OK)
		clear(table, span, gather);
	return err;
}

static int format_unmap(struct phyrsim_pagetable *table, struct phyrsim_span span,
			struct phyr_gather *gather)
{
	struct phyrsim_node *node;
	int err;

#if FORMAT_GROWS
	if (span.last > table->top->span.last)
		return PHYR_E_NOENT;
#endif
	node = phyrsim_lowest(table, span.first);
	if (is_item(table, node, span)) {
		phyrsim_near_set(table, node);
		err = clear_item(table, node, span.first, gather);
		if (err == PHYR_OK && phyrsim_live_none(node))
			remove_empty(table, node, gather);
		return err;
	}
	if (node->level == 0 && span.last <= node->span.last && !phyrsim_within(node->span, span))
		return unmap_near(table, node, span, gather);
	return unmap_far(table, span, gather);
}
