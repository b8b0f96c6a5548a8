/* SPDX-License-Identifier: MIT */
/*
 * Mapping and unmapping a single item in a table that is there: a part of the template in ops.h,
 * which says what a format defines. It is what drivers do most, so it is written out.
 */
#include "store.h"
#include "table.h"

/* Is the span what one item translates? Spans begin and end at granules. */
static inline bool is_item(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
			   struct phyrsim_span span)
{
	if (node->level == 0)
		return (span.last - span.first) >> format_granule_lg2(table) == 0;
	return span.last - span.first == phyr_bits_mask(node->item_lg2) &&
	       phyr_bits_aligned(span.first, node->item_lg2);
}

/* Is there a leaf for it? */
static inline bool is_leaf(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
			   phyr_pa pa)
{
	return phyr_bits_aligned(pa.addr, node->item_lg2) &&
	       (table->geometry.sizes.mask & phyr_bits_size(node->item_lg2));
}

/* The size and the level of a leaf that is an item, which are constant where they are known. */
struct rank {
	unsigned int lg2;
	unsigned int level;
};

static inline int map_item(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			   struct rank rank, uint64_t at, uint64_t leaf)
{
	unsigned int i = (unsigned int)((at - node->span.first) >> rank.lg2);
	uint64_t bit = UINT64_C(1) << (i % 64);

	if (node->live[i / 64] & bit)
		return PHYR_E_EXISTS;
	leaf |= format_shape(table, rank.lg2, rank.level);
	phyrsim_store(node->pa, node->items, i, leaf);
	node->live[i / 64] |= bit;
	node->live_cnt++;
	table->stats.leaves.cnt[rank.lg2]++;
	return PHYR_OK;
}

/* Maps one leaf above level 0, in a table that is there. */
static int map_large(struct phyrsim_pagetable *table, struct phyrsim_node *node, uint64_t at,
		     phyr_pa pa, uint64_t prot)
{
	const struct rank rank = { node->item_lg2, node->level };

	phyrsim_near_set(table, node);
	return map_item(table, node, rank, at, prot | format_oa(&table->geometry.place, pa));
}

/* The table may be empty then. */
static inline int clear_item(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			     uint64_t at, struct phyr_gather *gather)
{
	unsigned int i = phyrsim_index(node, at);
	uint64_t bit = UINT64_C(1) << (i % 64);
	phyr_sizes sizes = { phyr_bits_size(node->item_lg2) };

	if (!(node->live[i / 64] & bit))
		return PHYR_E_NOENT;
	if (FORMAT_GROUPS && format_leaf_lg2(table, node->items[i], node->level) != node->item_lg2)
		return PHYR_E_PARTIAL;
	phyrsim_store(node->pa, node->items, i, 0);
	node->live[i / 64] &= ~bit;
	node->live_cnt--;
	table->stats.leaves.cnt[node->item_lg2]--;
	phyr_gather_add_leaves(gather, sizes);
	return PHYR_OK;
}
