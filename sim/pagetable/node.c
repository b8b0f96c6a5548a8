/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a page table: making and dropping them with their frames, holding back what caches
 * may still lead to, and tops, of which a table that grows has several in its life.
 *
 * Not here: items (ops.h); what may be called when (table.c).
 */
#include <string.h>

#include "table.h"

static size_t child_cnt(unsigned int level, unsigned int item_cnt)
{
	return level > 0 ? item_cnt : 0;
}

static size_t node_len(unsigned int level, unsigned int item_cnt)
{
	size_t live_cnt = ((size_t)item_cnt + 63) / 64;

	return sizeof(struct phyrsim_node) + live_cnt * sizeof(uint64_t) +
	       child_cnt(level, item_cnt) * sizeof(struct phyrsim_node *);
}

/* Nodes that are not in use, for tables of this size; NULL: it is a top's own. */
static struct phyrsim_node **spares_of(struct phyrsim_pagetable *table, unsigned int level,
				       unsigned int item_cnt)
{
	unsigned int index_lg2 = table->geometry.granule_lg2 - PHYRSIM_ITEM_LEN_LG2;

	return item_cnt == 1u << index_lg2 ? &table->spares[level] : NULL;
}

static struct phyrsim_node *node_take(struct phyrsim_pagetable *table, unsigned int level,
				      unsigned int item_cnt)
{
	struct phyrsim_node **spares = spares_of(table, level, item_cnt);
	struct phyrsim_node *node = spares ? *spares : NULL;

	if (!node)
		return table->mem->alloc(table->mem->ctx, node_len(level, item_cnt));
	*spares = node->next;
	return node;
}

static struct phyrsim_node *node_alloc(struct phyrsim_pagetable *table, unsigned int level,
				       unsigned int index_lg2)
{
	unsigned int granule_lg2 = table->geometry.granule_lg2;
	unsigned int item_cnt = 1u << index_lg2;
	struct phyrsim_node *node = node_take(table, level, item_cnt);

	if (!node)
		return NULL;
	memset(node, 0, node_len(level, item_cnt));
	node->level = level;
	node->item_lg2 = phyrsim_item_lg2(granule_lg2, level);
	node->item_cnt = item_cnt;
	node->frame_lg2 = index_lg2 + PHYRSIM_ITEM_LEN_LG2;
	if (node->frame_lg2 < PHYR_PAGE_LG2)
		node->frame_lg2 = PHYR_PAGE_LG2;
	/* Tables have an even number of items, so this is aligned where pointers are short too. */
	node->live = (uint64_t *)(void *)(node->child + child_cnt(level, item_cnt));
	return node;
}

/* Like frames, nodes are kept for the next: a table may come and go with every call. */
static void node_free(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node **spares = spares_of(table, node->level, node->item_cnt);

	if (!spares) {
		table->mem->free(table->mem->ctx, node, node_len(node->level, node->item_cnt));
		return;
	}
	node->next = *spares;
	*spares = node;
}

void phyrsim_nodes_free(struct phyrsim_pagetable *table)
{
	for (unsigned int level = 0; level < PHYRSIM_LEVEL_CNT; level++) {
		while (table->spares[level]) {
			struct phyrsim_node *node = table->spares[level];

			table->spares[level] = node->next;
			table->mem->free(table->mem->ctx, node, node_len(level, node->item_cnt));
		}
	}
}

static struct phyrsim_node **bucket_of(struct phyrsim_pagetable *table,
				       const struct phyrsim_node *node)
{
	unsigned int index_lg2 = table->geometry.granule_lg2 - PHYRSIM_ITEM_LEN_LG2;
	uint64_t place = node->span.first >> (node->item_lg2 + index_lg2);

	return &table->held[place % PHYRSIM_BUCKET_CNT];
}

static void bucket_add(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node **head = bucket_of(table, node);

	node->bucket_next = *head;
	node->bucket_link = head;
	if (*head)
		(*head)->bucket_link = &node->bucket_next;
	*head = node;
}

static void bucket_remove(struct phyrsim_node *node)
{
	*node->bucket_link = node->bucket_next;
	if (node->bucket_next)
		node->bucket_next->bucket_link = node->bucket_link;
}

/* The vacant table that stood where a node is to stand. */
static struct phyrsim_node *vacant_find(struct phyrsim_pagetable *table,
					const struct phyrsim_node *node)
{
	struct phyrsim_node *held = *bucket_of(table, node);

	while (held && !(held->vacant && held->level == node->level &&
			 held->span.first == node->span.first))
		held = held->bucket_next;
	return held;
}

/* A new frame that a pointer can name; zeroed where not all of it is about to be written. */
static bool frame_take_new(struct phyrsim_pagetable *table, struct phyrsim_node *node,
			   bool write_all)
{
	struct phyrsim_block block;

	if (phyrsim_mem_take_block(table->frames, node->frame_lg2, &block) != PHYR_OK)
		return false;
	if (!block.zeroed && !write_all)
		memset(block.words, 0, (size_t)1 << node->frame_lg2);
	node->pa = block.pa;
	node->items = block.words;
	if (node->pa.addr > table->pa_last) {
		phyrsim_mem_free_block(table->frames, node->pa, node->frame_lg2);
		return false;
	}
	return true;
}

static void frame_move(struct phyrsim_node *to, struct phyrsim_node *from)
{
	to->pa = from->pa;
	to->items = from->items;
	from->items = NULL;
}

static bool frame_take(struct phyrsim_pagetable *table, struct phyrsim_node *node, bool write_all)
{
	struct phyrsim_node *held = vacant_find(table, node);

	if (!held)
		return frame_take_new(table, node, write_all);
	frame_move(node, held);
	held->vacant = false;
	node->origin = held;
	return true;
}

struct phyrsim_node *phyrsim_node_reserve(struct phyrsim_pagetable *table, unsigned int level)
{
	struct phyrsim_node *node =
		node_alloc(table, level, table->geometry.granule_lg2 - PHYRSIM_ITEM_LEN_LG2);

	if (node && !frame_take_new(table, node, false)) {
		node_free(table, node);
		return NULL;
	}
	return node;
}

void phyrsim_node_place(struct phyrsim_node *node, struct phyrsim_node *parent, uint64_t at)
{
	unsigned int i = phyrsim_index(parent, at);

	node->parent = parent;
	node->span = phyrsim_item_span(parent, i);
	parent->child[i] = node;
}

struct phyrsim_node *phyrsim_node_create(struct phyrsim_pagetable *table,
					 struct phyrsim_node *parent, uint64_t at, bool write_all)
{
	unsigned int index_lg2 = table->geometry.granule_lg2 - PHYRSIM_ITEM_LEN_LG2;
	struct phyrsim_node *node = node_alloc(table, parent->level - 1, index_lg2);

	if (!node)
		return NULL;
	phyrsim_node_place(node, parent, at);
	if (!frame_take(table, node, write_all)) {
		parent->child[phyrsim_index(parent, at)] = NULL;
		node_free(table, node);
		return NULL;
	}
	return node;
}

void phyrsim_node_cancel(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node *parent = node->parent;

	parent->child[phyrsim_index(parent, node->span.first)] = NULL;
	if (node->origin) {
		frame_move(node->origin, node);
		node->origin->vacant = true;
	} else {
		phyrsim_mem_free_block(table->frames, node->pa, node->frame_lg2);
	}
	node_free(table, node);
}

void phyrsim_node_hold(struct phyrsim_pagetable *table, struct phyrsim_node *node, bool vacant)
{
	node->vacant = vacant;
	bucket_add(table, node);
	table->stats.table_cnt--;
}

void phyrsim_node_drop(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	if (node->items && node->vacant)
		phyrsim_mem_free_zeroed(table->frames, node->pa, node->frame_lg2);
	else if (node->items)
		phyrsim_mem_free_block(table->frames, node->pa, node->frame_lg2);
	node_free(table, node);
}

void phyrsim_node_unhold(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	bucket_remove(node);
	phyrsim_node_drop(table, node);
}

/* A top that nothing knows of yet. */
static struct phyrsim_node *top_make(struct phyrsim_pagetable *table, unsigned int level)
{
	unsigned int granule_lg2 = table->geometry.granule_lg2;
	unsigned int item_lg2 = phyrsim_item_lg2(granule_lg2, level);
	unsigned int bits = table->ops->grows ? granule_lg2 - PHYRSIM_ITEM_LEN_LG2 :
						table->geometry.iova_bits - item_lg2;
	struct phyrsim_node *top;

	/* The sixth level of a growing table has only what is left of 64 bits. */
	if (bits > 64 - item_lg2)
		bits = 64 - item_lg2;
	top = node_alloc(table, level, bits);
	if (!top)
		return NULL;
	top->span.last = phyrsim_mask(item_lg2 + bits);
	if (!frame_take_new(table, top, false)) {
		node_free(table, top);
		return NULL;
	}
	return top;
}

static void count_tables(struct phyrsim_pagetable *table)
{
	if (table->stats.table_cnt > table->stats.table_max)
		table->stats.table_max = table->stats.table_cnt;
}

bool phyrsim_top_create(struct phyrsim_pagetable *table)
{
	table->top = top_make(table, table->geometry.level_cnt - 1);
	table->near = table->top;
	table->stats.table_cnt = 1;
	count_tables(table);
	return table->top != NULL;
}

static void top_set(struct phyrsim_pagetable *table, struct phyrsim_node *top)
{
	table->top = top;
	table->near = top;
	table->geometry.level_cnt = top->level + 1;
	table->geometry.iova_bits = phyr_bits_log2(top->span.last) + 1;
}

bool phyrsim_top_push(struct phyrsim_pagetable *table)
{
	struct phyrsim_node *top = top_make(table, table->geometry.level_cnt);

	if (!top)
		return false;
	top->next = table->top;
	top_set(table, top);
	return true;
}

void phyrsim_top_pop(struct phyrsim_pagetable *table, unsigned int level_cnt)
{
	while (table->geometry.level_cnt > level_cnt) {
		struct phyrsim_node *top = table->top;

		top_set(table, top->next);
		table->top->parent = NULL;
		phyrsim_node_drop(table, top);
	}
}

void phyrsim_top_keep(struct phyrsim_pagetable *table)
{
	struct phyrsim_node *below = table->top->next;

	table->top->next = NULL;
	while (below) {
		struct phyrsim_node *rest = below->next;

		table->stats.table_cnt++; /* the one above it */
		below->next = NULL;
		if (!below->parent) {
			phyrsim_node_hold(table, below, true);
			below->next = table->retired;
			table->retired = below;
		}
		below = rest;
	}
	count_tables(table);
}
