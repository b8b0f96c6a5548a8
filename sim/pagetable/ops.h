/* SPDX-License-Identifier: MIT */
/*
 * Mapping and unmapping, as a template: a format defines its bits and then includes this file.
 *
 *	format_sizes()			the sizes of leaves
 *	format_leaf(pa, lg2, perm)	the first item of a leaf of a size
 *	format_row(item, lg2, j)	item j of a row of neighbouring leaves of a size, the first
 *					of whose items is given
 *	format_leaf_lg2(item, level)	[log2 bytes] the size of a leaf
 *	format_pointer(pa, level)	an item of a level that points to a table
 *
 * All are static, inline and branch little; nothing is called through a pointer here. An empty
 * item is zero. Leaves of a level are as large as its items, or several neighbouring items large.
 *
 * map: look (nothing may be mapped), make the missing tables, fill, and only then link the new
 * tables. All that can fail comes before the first store, so there is no store to be undone and
 * hardware cannot have seen anything of a map that failed.
 *
 * unmap: look (everything must be mapped, whole), then clear. Tables that the range covers whole
 * are not cleared item by item: their pointer goes, and they with all that is below them.
 *
 * Both go forward table by table, and from the top only when they come to another table.
 */
#include "store.h"
#include "table.h"

/* Neighbouring leaves of one size in one table. */
struct piece {
	uint64_t at;
	uint64_t pa;
	uint64_t len;
	unsigned int lg2; /* of each */
	unsigned int level;
};

/* Where the cut of an array of runs stands. */
struct cut {
	const struct phyr_range *run; /* the next */
	const struct phyr_range *end;
	uint64_t at;
	uint64_t pa;
	uint64_t left; /* [bytes] of the current run */
};

static inline struct cut cut_begin(uint64_t at, const struct phyr_range *runs, size_t run_cnt)
{
	struct cut cut = { runs, runs + run_cnt, at, 0, 0 };

	return cut;
}

/*
 * How far leaves of a size go on: to the end of the table, or to where a larger size takes over,
 * which it only does when both addresses agree modulo that size.
 */
static inline unsigned int cut_reach_lg2(const struct cut *cut, unsigned int lg2)
{
	unsigned int reach = phyrsim_item_lg2(phyrsim_level_of(lg2) + 1);
	unsigned int larger = phyr_bits_ctz(format_sizes().mask & ~phyr_bits_mask(lg2 + 1));

	if (larger < reach && phyr_bits_aligned(cut->at ^ cut->pa, larger))
		return larger;
	return reach;
}

static inline bool cut_next(struct cut *cut, struct piece *ret_piece)
{
	uint64_t edge;

	if (cut->left == 0) {
		if (cut->run == cut->end)
			return false;
		cut->pa = cut->run->pa.addr;
		cut->left = cut->run->len;
		cut->run++;
	}
	ret_piece->at = cut->at;
	ret_piece->pa = cut->pa;
	/* Scattered pages are the common case, and need no thought. */
	if (cut->left == PHYR_PAGE_SIZE) {
		ret_piece->len = PHYR_PAGE_SIZE;
		ret_piece->lg2 = PHYR_PAGE_LG2;
		ret_piece->level = 0;
		cut->at += PHYR_PAGE_SIZE;
		cut->left = 0;
		return true;
	}
	edge = phyr_bits_size(phyr_bits_log2(cut->left));
	ret_piece->lg2 =
		phyr_sizes_best_lg2(format_sizes(), phyr_bits_ctz(cut->at | cut->pa | edge));
	ret_piece->level = phyrsim_level_of(ret_piece->lg2);
	edge = phyr_bits_size(cut_reach_lg2(cut, ret_piece->lg2));
	edge -= cut->at & (edge - 1);
	ret_piece->len = phyr_bits_down(cut->left < edge ? cut->left : edge, ret_piece->lg2);
	cut->at += ret_piece->len;
	cut->pa += ret_piece->len;
	cut->left -= ret_piece->len;
	return true;
}

/* Does the span lie in one table of level 0 that exists? */
static bool in_one_table(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	const struct phyrsim_node *node = phyrsim_lowest(table, span.first);

	return node->level == 0 && span.last <= node->span.last;
}

/* Is there a leaf anywhere in the span? Absent tables are passed over whole. */
static bool look_any(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	for (;;) {
		const struct phyrsim_node *node = phyrsim_lowest(table, span.first);
		unsigned int i = phyrsim_live_next(node, phyrsim_items_of(node, span));

		if (i == PHYRSIM_ITEM_CNT) {
			if (node->span.last >= span.last)
				return false;
			span.first = node->span.last + 1;
			continue;
		}
		/* No table is empty, but the leaves of this one may lie behind the span. */
		if (node->level == 0 || !node->child[i] ||
		    phyrsim_within(node->child[i]->span, span))
			return true;
		span.first = node->child[i]->span.first;
	}
}

/* The table of a level for an address; made, with those above it, where it is missing. */
static struct phyrsim_node *node_make(struct phyrsim_pagetable *table, const struct piece *piece,
				      struct phyrsim_node **fresh)
{
	struct phyrsim_node *node = phyrsim_lowest(table, piece->at);

	while (node->level > piece->level) {
		node = phyrsim_node_create(table, node, piece->at);
		if (!node)
			return NULL;
		node->next = *fresh;
		*fresh = node;
	}
	return node;
}

/* Makes all tables that the runs need; the new ones are put on a list, lower ones first. */
static int make_tables(struct phyrsim_pagetable *table, struct cut cut,
		       struct phyrsim_node **ret_fresh)
{
	struct phyrsim_span made = { UINT64_MAX, 0 };
	struct piece piece;

	while (cut_next(&cut, &piece)) {
		struct phyrsim_node *node;

		if (piece.at >= made.first && piece.at <= made.last)
			continue;
		node = node_make(table, &piece, ret_fresh);
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

/* Shows new tables to hardware, from below: the last store shows all of a subtree at once. */
static void link_tables(struct phyrsim_pagetable *table, struct phyrsim_node *fresh)
{
	for (; fresh; fresh = fresh->next) {
		struct phyrsim_node *parent = fresh->parent;
		unsigned int i = phyrsim_index(fresh->span.first, parent->level);
		struct phyrsim_items in = { i, i };

		phyrsim_store(parent->pa, parent->items, i,
			      format_pointer(fresh->pa, parent->level));
		phyrsim_live_set(parent, in);
		table->stats.table_cnt++;
	}
	if (table->stats.table_cnt > table->stats.table_max)
		table->stats.table_max = table->stats.table_cnt;
}

static inline void fill_piece(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			      const struct piece *piece, enum phyr_perm perm)
{
	uint64_t item = format_leaf(phyr_pa_at(piece->pa), piece->lg2, perm);
	unsigned int first = phyrsim_index(piece->at, piece->level);
	size_t cnt = (size_t)(piece->len >> phyrsim_item_lg2(piece->level));
	struct phyrsim_items in = { first, first + (unsigned int)cnt - 1 };

	for (size_t j = 0; j < cnt; j++)
		phyrsim_store(node->pa, node->items, first + j, format_row(item, piece->lg2, j));
	phyrsim_live_set(node, in);
	table->stats.leaves.cnt[piece->lg2] += piece->len >> piece->lg2;
}

/* Writes all leaves; every table is there. */
static void fill(struct phyrsim_pagetable *table, struct cut cut, enum phyr_perm perm)
{
	struct piece piece;

	while (cut_next(&cut, &piece)) {
		struct phyrsim_node *node = phyrsim_lowest(table, piece.at);

		if (node->level == 0)
			table->near = node;
		fill_piece(table, node, &piece, perm);
	}
}

/* Maps one granule for which there is a table. */
static inline int map_one(struct phyrsim_pagetable *table, struct phyrsim_node *node, uint64_t at,
			  phyr_pa pa, enum phyr_perm perm)
{
	unsigned int i = phyrsim_index(at, 0);
	uint64_t bit = UINT64_C(1) << (i % 64);

	if (node->live[i / 64] & bit)
		return PHYR_E_EXISTS;
	phyrsim_store(node->pa, node->items, i, format_leaf(pa, PHYR_PAGE_LG2, perm));
	node->live[i / 64] |= bit;
	table->stats.leaves.cnt[PHYR_PAGE_LG2]++;
	return PHYR_OK;
}

/* Apart from format_map(), which is to stay small. */
static PHYRSIM_NOINLINE int map_runs(struct phyrsim_pagetable *table, struct phyrsim_span span,
				     struct cut cut, enum phyr_perm perm)
{
	struct phyrsim_node *fresh = NULL;

	if (look_any(table, span))
		return PHYR_E_EXISTS;
	if (!in_one_table(table, span) && make_tables(table, cut, &fresh) != PHYR_OK) {
		cancel_tables(table, fresh);
		return PHYR_E_NOMEM;
	}
	fill(table, cut, perm);
	link_tables(table, fresh);
	return PHYR_OK;
}

static int format_map(struct phyrsim_pagetable *table, struct phyrsim_span span,
		      const struct phyr_range *runs, size_t run_cnt, enum phyr_perm perm)
{
	struct phyrsim_node *node = phyrsim_lowest(table, span.first);

	if (node->level > 0 || span.last - span.first >= PHYR_PAGE_SIZE)
		return map_runs(table, span, cut_begin(span.first, runs, run_cnt), perm);
	table->near = node;
	return map_one(table, node, span.first, runs->pa, perm);
}

/* Does the leaf that item i belongs to reach out of the span? */
static inline bool reaches_out(const struct phyrsim_node *node, unsigned int i,
			       struct phyrsim_span span)
{
	unsigned int lg2 = format_leaf_lg2(node->items[i], node->level);
	struct phyrsim_span leaf;

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
	struct phyrsim_span rest = span;
	bool out = false;

	for (;;) {
		const struct phyrsim_node *node = phyrsim_lowest(table, rest.first);
		struct phyrsim_items in = phyrsim_items_of(node, rest);
		uint64_t last;

		if (!phyrsim_live_all(node, in))
			return PHYR_E_NOENT;
		in.last = last_leaf(node, in);
		out |= reaches_out(node, in.first, span) || reaches_out(node, in.last, span);
		last = phyrsim_item_span(node, in.last).last;
		if (last >= span.last)
			return out ? PHYR_E_PARTIAL : PHYR_OK;
		rest.first = last + 1;
	}
}

/* Takes neighbouring leaves out of the count; the gather is told their sizes. */
static void uncount(struct phyrsim_pagetable *table, const struct phyrsim_node *node,
		    struct phyrsim_items in, struct phyr_gather *gather)
{
	unsigned int item_lg2 = phyrsim_item_lg2(node->level);
	phyr_sizes sizes = { 0 };

	for (size_t i = in.first, end = (size_t)in.last + 1; i < end;) {
		unsigned int lg2 = format_leaf_lg2(node->items[i], node->level);

		table->stats.leaves.cnt[lg2]--;
		sizes.mask |= phyr_bits_size(lg2);
		i += (size_t)1 << (lg2 - item_lg2);
	}
	phyr_gather_add_leaves(gather, sizes);
}

/* Removes neighbouring leaves. */
static void clear_leaves(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			 struct phyrsim_items in, struct phyr_gather *gather)
{
	uncount(table, node, in, gather);
	for (size_t i = in.first, end = (size_t)in.last + 1; i < end; i++)
		phyrsim_store(node->pa, node->items, i, 0);
	phyrsim_live_clear(node, in);
}

/* Removes a pointer. Hardware that has not cached it sees none of the subtree from here on. */
static void unlink_table(struct phyrsim_node *node)
{
	struct phyrsim_node *parent = node->parent;
	unsigned int i = phyrsim_index(node->span.first, parent->level);
	struct phyrsim_items in = { i, i };

	phyrsim_store(parent->pa, parent->items, i, 0);
	phyrsim_live_clear(parent, in);
	parent->child[i] = NULL;
}

/* Uncounts the leaves of a full table; the tables below it go to the end of the list. */
static struct phyrsim_node *scatter(struct phyrsim_pagetable *table, struct phyrsim_node *node,
				    struct phyrsim_node *tail, struct phyr_gather *gather)
{
	struct phyrsim_items in = { 0, PHYRSIM_ITEM_CNT - 1 };

	while (in.first < PHYRSIM_ITEM_CNT) {
		if (node->level > 0 && node->child[in.first]) {
			tail->next = node->child[in.first];
			tail = tail->next;
			in.last = in.first;
		} else {
			in.last = PHYRSIM_ITEM_CNT - 1;
			in.last = last_leaf(node, in);
			uncount(table, node, in, gather);
		}
		in.first = in.last + 1;
	}
	return tail;
}

static void tell_table(const struct phyrsim_node *node, struct phyr_gather *gather)
{
	struct phyr_window span = { { node->span.first }, { node->span.last } };

	phyr_gather_add_table(gather, span);
}

/* Removes a table that the span covers whole, with everything below it. */
static void remove_subtree(struct phyrsim_pagetable *table, struct phyrsim_node *head,
			   struct phyr_gather *gather)
{
	struct phyrsim_node *tail = head;

	unlink_table(head);
	for (struct phyrsim_node *node = head;; node = node->next) {
		tail = scatter(table, node, tail, gather);
		phyrsim_node_hold(table, node, false);
		if (node == tail)
			break;
	}
	tail->next = gather->freed;
	gather->freed = head;
	tell_table(head, gather);
}

/* Removes a table that has become empty, and those above it that become so by that. */
static void remove_empty(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			 struct phyr_gather *gather)
{
	while (node->parent && phyrsim_live_none(node)) {
		unlink_table(node);
		phyrsim_node_hold(table, node, true);
		node->next = gather->freed;
		gather->freed = node;
		tell_table(node, gather);
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
	struct phyrsim_span rest = span;
	uint64_t last;

	do {
		struct phyrsim_node *node = lowest_kept(table, rest.first, span);
		struct phyrsim_items in = phyrsim_items_of(node, rest);

		if (node->level > 0 && node->child[in.first]) {
			in.last = in.first;
			remove_subtree(table, node->child[in.first], gather);
		} else {
			in.last = last_leaf(node, in);
			clear_leaves(table, node, in, gather);
		}
		last = phyrsim_item_span(node, in.last).last;
		rest.first = last + 1;
		remove_empty(table, node, gather);
	} while (last < span.last);
}

/* Unmaps what lies in one table of level 0 and is not all of it. */
static int unmap_near(struct phyrsim_pagetable *table, struct phyrsim_node *node,
		      struct phyrsim_span span, struct phyr_gather *gather)
{
	struct phyrsim_items in = phyrsim_items_of(node, span);

	if (!phyrsim_live_all(node, in))
		return PHYR_E_NOENT;
	if (reaches_out(node, in.first, span) || reaches_out(node, in.last, span))
		return PHYR_E_PARTIAL;
	table->near = node;
	clear_leaves(table, node, in, gather);
	remove_empty(table, node, gather);
	return PHYR_OK;
}

static int unmap_far(struct phyrsim_pagetable *table, struct phyrsim_span span,
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
	struct phyr_iova_range range = { phyr_iova_at(span.first), span.last - span.first + 1 };
	struct phyrsim_node *node = phyrsim_lowest(table, span.first);
	int err;

	if (node->level == 0 && span.last <= node->span.last && !phyrsim_within(node->span, span))
		err = unmap_near(table, node, span, gather);
	else
		err = unmap_far(table, span, gather);
	if (err == PHYR_OK)
		phyr_gather_add(gather, range);
	return err;
}
