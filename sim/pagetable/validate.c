/* SPDX-License-Identifier: MIT */
/*
 * Whether everything that the writer knows twice agrees: nodes with the items in their frames, the
 * tree with itself, the statistics with a recount, and what is held back with what it says of itself.
 *
 * Nodes come first and are believed in nothing that was not checked before: levels go down by one
 * and spans get smaller, so a spoiled tree is looked at in bounded time.
 *
 * Not here: what hardware makes of the items (the walker); the rules (table.h).
 */
#include "table.h"

/* Bits that hardware sets by itself: accessed and dirty. */
static const uint64_t marks[PHYRSIM_FORMAT_CNT] = {
	[PHYRSIM_FORMAT_VTD_SS] = 0x300,  [PHYRSIM_FORMAT_AMD_V1] = 0x60,
	[PHYRSIM_FORMAT_X86_FS] = 0x60,	  [PHYRSIM_FORMAT_ARM_S1] = 0x400,
	[PHYRSIM_FORMAT_ARM_S2] = 0x400,  [PHYRSIM_FORMAT_RISCV_S1] = 0xc0,
	[PHYRSIM_FORMAT_RISCV_S2] = 0xc0,
};

/* Arm: where the one is set, the other is a mark too; else it is a permission. */
#define ARM_DIRTY_MODIFIER (UINT64_C(1) << 51)
#define ARM_PERMISSION UINT64_C(0x80)

/* What an audit has seen. */
struct audit {
	const struct phyrsim_pagetable *table;
	struct phyr_block_counts leaves;
	uint64_t table_cnt;
	bool near; /* the table that look-ups start from is one of the tree's, above level 0 */
};

static bool is_arm(const struct phyrsim_pagetable *table)
{
	return table->format == PHYRSIM_FORMAT_ARM_S1 || table->format == PHYRSIM_FORMAT_ARM_S2;
}

static bool is_live(const struct phyrsim_node *node, unsigned int i)
{
	return (node->live[i / 64] >> i % 64 & 1) != 0;
}

/* Are two items the same but for what hardware marks? */
static bool same_item(const struct phyrsim_pagetable *table, uint64_t a, uint64_t b)
{
	uint64_t free = marks[table->format];

	if (is_arm(table) && (a & b & ARM_DIRTY_MODIFIER))
		free |= ARM_PERMISSION;
	return ((a ^ b) & ~free) == 0;
}

/* Does an item look like one that points to a table, wherever that is? */
static bool looks_like_pointer(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int level)
{
	uint64_t none = table->ops->pointer(table, phyr_pa_at(0), level);
	uint64_t address = none ^ table->ops->pointer(table, phyr_pa_at(table->pa_last), level);

	return same_item(table, item & ~address, none);
}

/* The live bits: one for each item that is not zero, and their number. */
static const char *live_flaw(const struct phyrsim_node *node)
{
	unsigned int cnt = 0;

	for (unsigned int i = 0; i < node->item_cnt; i++) {
		if (is_live(node, i) != (node->items[i] != 0))
			return "a live bit and its item do not agree";
		cnt += is_live(node, i);
	}
	return cnt == node->live_cnt ? NULL : "the number of live items is wrong";
}

/* What a node says of itself, its frame included. */
static const char *node_flaw(struct audit *audit, const struct phyrsim_node *node)
{
	const struct phyrsim_pagetable *table = audit->table;
	uint64_t covered = ((uint64_t)node->item_cnt << node->item_lg2) - 1;

	audit->table_cnt++;
	audit->near |= node == table->near && node->level > 0;
	if (node->item_lg2 != phyrsim_item_lg2(table->geometry.granule_lg2, node->level))
		return "a table's items have another size than its level";
	if (node->span.last - node->span.first != covered)
		return "a table translates more or less than its items";
	if (!node->items || node->items != phyrsim_mem_frame(table->frames, node->pa))
		return "a table is not in the frame that it names";
	if (node->pa.addr > table->pa_last)
		return "a table is beyond the width of addresses";
	return live_flaw(node);
}

/* One item of a group. Arm: each has its own address; else they are all alike. */
static bool belongs(const struct phyrsim_pagetable *table, const struct phyrsim_node *node,
		    unsigned int first, unsigned int i)
{
	uint64_t expected = node->items[first];

	if (is_arm(table))
		expected += (uint64_t)(i - first) << node->item_lg2;
	if (node->level > 0 && node->child[i])
		return false;
	return is_live(node, i) && same_item(table, node->items[i], expected);
}

/* The leaf that begins with an item; in *ret_cnt of how many items it is. */
static const char *leaf_flaw(struct audit *audit, const struct phyrsim_node *node, unsigned int i,
			     unsigned int *ret_cnt)
{
	const struct phyrsim_pagetable *table = audit->table;
	struct phyrsim_span at = phyrsim_item_span(node, i);
	unsigned int lg2 = table->ops->leaf_lg2(table, node->items[i], node->level);
	struct phyrsim_leaf leaf;

	if (lg2 >= 64 || !(table->geometry.sizes.mask >> lg2 & 1) ||
	    phyrsim_level_of(table->geometry.granule_lg2, lg2) != node->level)
		return "a leaf has a size that its level has not";
	*ret_cnt = 1u << (lg2 - node->item_lg2);
	if (!phyr_bits_aligned(at.first, lg2) || *ret_cnt > node->item_cnt - i)
		return "a contiguous group does not begin where it must";
	for (unsigned int j = i; j < i + *ret_cnt; j++) {
		if (!belongs(table, node, i, j))
			return "a contiguous group is not whole";
	}
	at.last = at.first;
	if (table->ops->calls.next(table, at, &leaf) != PHYR_OK || leaf.iova.addr != at.first)
		return "a leaf is not found at its address";
	if (!phyr_bits_aligned(leaf.pa.addr, lg2) || leaf.pa.addr > table->pa_last)
		return "a leaf leads where none of its size may lie";
	audit->leaves.cnt[lg2]++;
	return NULL;
}

/* A table below, as its parent sees it. */
static const char *child_flaw(const struct phyrsim_pagetable *table,
			      const struct phyrsim_node *parent, unsigned int i)
{
	const struct phyrsim_node *child = parent->child[i];
	struct phyrsim_span span = phyrsim_item_span(parent, i);

	if (child->parent != parent || child->level + 1 != parent->level)
		return "a table does not know the one above it";
	if (child->span.first != span.first || child->span.last != span.last)
		return "a table does not translate what its item does";
	if (!same_item(table, parent->items[i],
		       table->ops->pointer(table, child->pa, parent->level)))
		return "an item does not point to the table that is known there";
	return NULL;
}

/* Every node from one down, itself first: what is wrong with the nodes, leaves left out. */
static const char *nodes_flaw(struct audit *audit, const struct phyrsim_node *node)
{
	const char *flaw = node_flaw(audit, node);

	for (unsigned int i = 0; !flaw && node->level > 0 && i < node->item_cnt; i++) {
		if (!node->child[i])
			continue;
		flaw = child_flaw(audit->table, node, i);
		if (!flaw)
			flaw = nodes_flaw(audit, node->child[i]);
		if (!flaw && phyrsim_live_none(node->child[i]))
			flaw = "an empty table has stayed";
	}
	return flaw;
}

/* Every leaf from a node down. */
static const char *leaves_flaw(struct audit *audit, const struct phyrsim_node *node)
{
	const char *flaw = NULL;
	unsigned int cnt;

	for (unsigned int i = 0; !flaw && i < node->item_cnt; i += cnt) {
		cnt = 1;
		if (node->level > 0 && node->child[i])
			flaw = leaves_flaw(audit, node->child[i]);
		else if (node->level > 0 && is_live(node, i) &&
			 looks_like_pointer(audit->table, node->items[i], node->level))
			flaw = "an item points to a table that nobody knows";
		else if (is_live(node, i))
			flaw = leaf_flaw(audit, node, i, &cnt);
	}
	return flaw;
}

static const char *top_flaw(const struct phyrsim_pagetable *table)
{
	const struct phyrsim_node *top = table->top;

	if (top->parent || top->level + 1 != table->geometry.level_cnt || top->span.first != 0)
		return "the top is not where it must be";
	if (top->span.last != phyrsim_mask(table->geometry.iova_bits))
		return "the top does not translate the width of addresses";
	return NULL;
}

static const char *stats_flaw(const struct audit *audit)
{
	const struct phyrsim_pagetable_stats *stats = &audit->table->stats;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		if (stats->leaves.cnt[lg2] != audit->leaves.cnt[lg2])
			return "leaves are counted wrongly";
	}
	if (stats->table_cnt != audit->table_cnt || stats->table_max < stats->table_cnt)
		return "tables are counted wrongly";
	return NULL;
}

/* A table that is held back: empty and with a frame if it may go back, in the list of its place. */
static const char *held_flaw(const struct phyrsim_pagetable *table, unsigned int bucket,
			     const struct phyrsim_node *node)
{
	unsigned int index_lg2 = table->geometry.granule_lg2 - PHYRSIM_ITEM_LEN_LG2;

	if ((node->span.first >> (node->item_lg2 + index_lg2)) % PHYRSIM_BUCKET_CNT != bucket)
		return "a table is held back at another's place";
	if (node->items && node->items != phyrsim_mem_frame(table->frames, node->pa))
		return "a table that is held back is not in the frame that it names";
	if (node->vacant && !node->items)
		return "a table is to go back into its place, but its frame is gone";
	for (unsigned int i = 0; node->vacant && i < node->item_cnt; i++) {
		if (node->items[i] != 0)
			return "a table that may go back into its place is not empty";
	}
	return NULL;
}

static const char *held_lists_flaw(const struct phyrsim_pagetable *table)
{
	const char *flaw = NULL;

	for (unsigned int i = 0; !flaw && i < PHYRSIM_BUCKET_CNT; i++) {
		struct phyrsim_node *const *link = &table->held[i];

		for (; !flaw && *link; link = &(*link)->bucket_next) {
			flaw = held_flaw(table, i, *link);
			if (!flaw && (*link)->bucket_link != link)
				flaw = "a list of tables that are held back is broken";
		}
	}
	return flaw;
}

/* Tops that are waiting to be freed are held back like all that is. */
static const char *retired_flaw(const struct phyrsim_pagetable *table)
{
	for (const struct phyrsim_node *node = table->retired; node; node = node->next) {
		if (node->parent || node->level >= table->top->level || !node->bucket_link ||
		    *node->bucket_link != node)
			return "a top that has been replaced is not held back";
	}
	return NULL;
}

static const char *find_flaw(const struct phyrsim_pagetable *table)
{
	struct audit audit = { .table = table };
	const char *flaw = top_flaw(table);

	if (!flaw)
		flaw = nodes_flaw(&audit, table->top);
	if (!flaw && !audit.near)
		flaw = "the table that look-ups start from is not one of the tree";
	if (!flaw)
		flaw = leaves_flaw(&audit, table->top);
	if (!flaw)
		flaw = stats_flaw(&audit);
	if (!flaw)
		flaw = held_lists_flaw(table);
	return flaw ? flaw : retired_flaw(table);
}

bool phyrsim_pagetable_validate(const struct phyrsim_pagetable *table, const char **ret_reason)
{
	const char *flaw = find_flaw(table);

	if (flaw && ret_reason)
		*ret_reason = flaw;
	return !flaw;
}
