/* SPDX-License-Identifier: MIT */
/*
 * Splitting leaves: finding the one that is to be cut, and the tables for its pieces. All that can
 * fail is here, before anything changes.
 *
 * A place for a new table may have one that is held back, if I/O addresses are mapped again before
 * they are invalidated. It is not taken back: a leaf lies there, which the caches that lead to the
 * old table did not see before the split either.
 *
 * Not here: the cut itself (split.h).
 */
#include <phyrsim/pagetable_split.h>

#include "cut.h"
#include "guard.h"
#include "table.h"

#define LEVEL_CNT PHYRSIM_PAGETABLE_PRELOAD_LEVELS

void phyrsim_pagetable_preload_init(struct phyrsim_pagetable_preload *preload)
{
	*preload = (struct phyrsim_pagetable_preload){ { NULL } };
}

/* Within a guard. */
static void drop_tables(struct phyrsim_pagetable *table, struct phyrsim_pagetable_preload *preload)
{
	for (unsigned int level = 0; level < LEVEL_CNT; level++) {
		while (preload->tables[level]) {
			struct phyrsim_node *node = preload->tables[level];

			preload->tables[level] = node->next;
			phyrsim_node_drop(table, node);
		}
	}
}

void phyrsim_pagetable_preload_fini(struct phyrsim_pagetable *table,
				    struct phyrsim_pagetable_preload *preload)
{
	struct phyrsim_flight flight;

	if (!preload)
		return;
	phyrsim_enter(table, phyrsim_span_none(), true, &flight);
	drop_tables(table, preload);
	phyrsim_leave(table, &flight);
}

/* How many tables of a level a split may need at most. */
static unsigned int table_cnt_max(const struct phyrsim_geometry *geometry, unsigned int level)
{
	unsigned int largest_lg2 = phyr_bits_log2(geometry->sizes.mask);
	unsigned int item_lg2 = phyrsim_item_lg2(geometry->granule_lg2, level + 1);

	if (level >= phyrsim_level_of(geometry->granule_lg2, largest_lg2))
		return 0;
	/* Where no leaf is as large as an item above, a piece of that size takes a table too. */
	return phyr_bits_size(item_lg2) & geometry->sizes.mask ? 1 : 2;
}

/* How many tables of each level the pieces of a leaf need. */
static void count_tables(const struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
			 uint64_t at, unsigned int ret_cnt[LEVEL_CNT])
{
	unsigned int granule_lg2 = table->geometry.granule_lg2;
	const struct cut_parts parts = cut_parts(leaf, at);
	struct cut cut = cut_begin(table, cut_span(leaf), parts.runs, 2);
	uint64_t place[LEVEL_CNT] = { 0 }; /* of the last table of a level */
	struct piece piece;

	while (cut_next(&cut, granule_lg2, &piece)) {
		for (unsigned int level = piece.level; level < leaf->level; level++) {
			uint64_t own = piece.at >> phyrsim_item_lg2(granule_lg2, level + 1);

			ret_cnt[level] += ret_cnt[level] == 0 || own != place[level];
			place[level] = own;
		}
	}
}

/* Makes tables until there are so many of each level, or leaves everything as it was. */
static int make_up_to(struct phyrsim_pagetable *table, struct phyrsim_pagetable_preload *preload,
		      const unsigned int cnt[LEVEL_CNT])
{
	struct phyrsim_pagetable_preload more;

	phyrsim_pagetable_preload_init(&more);
	for (unsigned int level = 0; level < LEVEL_CNT; level++) {
		struct phyrsim_node *have = preload->tables[level];

		for (unsigned int i = 0; i < cnt[level]; i++) {
			struct phyrsim_node *node = NULL;

			if (have) {
				have = have->next;
				continue;
			}
			node = phyrsim_node_reserve(table, level);
			if (!node) {
				drop_tables(table, &more);
				return PHYR_E_NOMEM;
			}
			node->next = more.tables[level];
			more.tables[level] = node;
		}
	}
	for (unsigned int level = 0; level < LEVEL_CNT; level++) {
		struct phyrsim_node **end = &more.tables[level];

		while (*end)
			end = &(*end)->next;
		*end = preload->tables[level];
		preload->tables[level] = more.tables[level];
	}
	return PHYR_OK;
}

int phyrsim_pagetable_preload_fill(struct phyrsim_pagetable *table,
				   struct phyrsim_pagetable_preload *preload)
{
	unsigned int cnt[LEVEL_CNT];
	struct phyrsim_flight flight;
	int err;

	if (!table || !preload)
		return PHYR_E_INVAL;
	for (unsigned int level = 0; level < LEVEL_CNT; level++)
		cnt[level] = table_cnt_max(&table->geometry, level);
	phyrsim_enter(table, phyrsim_span_none(), false, &flight);
	err = make_up_to(table, preload, cnt);
	phyrsim_leave(table, &flight);
	return err;
}

/* Is there an end of the addresses here, but no address? */
static bool is_end(const struct phyrsim_pagetable *table, phyr_iova at)
{
	struct phyr_iova_range before = { { at.addr - 1 }, 1 };
	struct phyrsim_span span;

	return phyrsim_span_of(&table->geometry, before, &span);
}

void phyrsim_gather_leaf(const struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
			 struct phyr_gather *gather)
{
	struct phyr_iova_range range = { phyr_iova_at(phyrsim_iova_of(&table->geometry,
								      leaf->iova.addr)),
					 phyr_bits_size(leaf->lg2) };

	phyr_gather_add(gather, range);
	phyr_gather_add_leaves(gather, (phyr_sizes){ range.len });
}

static int split_leaf(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf, uint64_t at,
		      struct phyrsim_pagetable_preload *preload, bool *ret_flushed)
{
	unsigned int cnt[LEVEL_CNT] = { 0 };
	struct phyrsim_pagetable_preload own;
	int err;

	phyrsim_pagetable_preload_init(&own);
	if (!preload)
		preload = &own;
	count_tables(table, leaf, at, cnt);
	err = make_up_to(table, preload, cnt);
	if (err == PHYR_OK)
		*ret_flushed = table->ops->split(table, leaf, at, preload->tables);
	return err;
}

/* Cuts the leaf that a place is inside of, if there is one; gathers what may be cached of it. */
static int split_at(struct phyrsim_pagetable *table, struct phyrsim_span span,
		    struct phyrsim_pagetable_preload *preload, struct phyr_gather *gather)
{
	struct phyrsim_span both = { span.first ? span.first - 1 : 0, span.first };
	struct phyrsim_flight flight;
	struct phyrsim_leaf leaf;
	bool flushed = true;
	int err = PHYR_OK;

	phyrsim_enter(table, both, true, &flight);
	if (table->ops->calls.next(table, span, &leaf) == PHYR_OK && leaf.iova.addr != span.first)
		err = split_leaf(table, &leaf, span.first, preload, &flushed);
	phyrsim_leave(table, &flight);
	if (err == PHYR_OK && !flushed)
		phyrsim_gather_leaf(table, &leaf, gather);
	return err;
}

int phyrsim_pagetable_split(struct phyrsim_pagetable *table, phyr_iova at,
			    struct phyrsim_pagetable_preload *preload, struct phyr_gather *gather)
{
	struct phyr_iova_range range = { at, 1 };
	struct phyrsim_span span;

	if (!table || !gather)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(at.addr, table->geometry.granule_lg2))
		return PHYR_E_ALIGN;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return is_end(table, at) ? PHYR_OK : PHYR_E_RANGE;
	return split_at(table, span, preload, gather);
}
