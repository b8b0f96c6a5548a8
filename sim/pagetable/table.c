/* SPDX-License-Identifier: MIT */
/*
 * Page tables of every format: making and dropping them, checking arguments, keeping the nodes.
 *
 * A call is checked here, once and whole, and goes to its format through one indirect call.
 *
 * Not here: the bits (one file a format), walking and filling (ops.h).
 */
#include "table.h"

#include <string.h>

#define PA_BITS_MIN 45 /* a pointer must be able to name PHYRSIM_MEM_BASE */
#define PA_BITS_MAX 52

static const struct phyrsim_format_ops *const formats[] = {
	[PHYRSIM_FORMAT_VTD_SS] = &phyrsim_format_vtd_ss,
};

static size_t node_len(unsigned int level)
{
	size_t child_cnt = level > 0 ? PHYRSIM_ITEM_CNT : 0;

	return sizeof(struct phyrsim_node) + child_cnt * sizeof(struct phyrsim_node *);
}

static struct phyrsim_node *node_alloc(const struct phyr_mem *mem, unsigned int level)
{
	struct phyrsim_node *node = mem->alloc(mem->ctx, node_len(level));

	if (!node)
		return NULL;
	memset(node, 0, node_len(level));
	node->level = level;
	return node;
}

static void node_free(const struct phyr_mem *mem, struct phyrsim_node *node)
{
	mem->free(mem->ctx, node, node_len(node->level));
}

static struct phyrsim_node **bucket_of(struct phyrsim_pagetable *table,
				       const struct phyrsim_node *node)
{
	uint64_t place = node->span.first >> phyrsim_item_lg2(node->level + 1);

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

/* A new frame that a pointer can name; nothing points to the top. */
static bool frame_take_new(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	if (phyrsim_mem_alloc(table->frames, &node->pa) != PHYR_OK)
		return false;
	if (node->parent && node->pa.addr > table->pa_last) {
		phyrsim_mem_free(table->frames, node->pa);
		return false;
	}
	node->items = phyrsim_mem_frame(table->frames, node->pa);
	return true;
}

static void frame_move(struct phyrsim_node *to, struct phyrsim_node *from)
{
	to->pa = from->pa;
	to->items = from->items;
	from->items = NULL;
}

static bool frame_take(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node *held = vacant_find(table, node);

	if (!held)
		return frame_take_new(table, node);
	frame_move(node, held);
	held->vacant = false;
	node->origin = held;
	return true;
}

struct phyrsim_node *phyrsim_node_create(struct phyrsim_pagetable *table,
					 struct phyrsim_node *parent, uint64_t at)
{
	unsigned int i = phyrsim_index(at, parent->level);
	struct phyrsim_node *node = node_alloc(table->mem, parent->level - 1);

	if (!node)
		return NULL;
	node->parent = parent;
	node->span = phyrsim_item_span(parent, i);
	if (!frame_take(table, node)) {
		node_free(table->mem, node);
		return NULL;
	}
	parent->child[i] = node;
	return node;
}

void phyrsim_node_cancel(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node *parent = node->parent;

	parent->child[phyrsim_index(node->span.first, parent->level)] = NULL;
	if (node->origin) {
		frame_move(node->origin, node);
		node->origin->vacant = true;
	} else {
		phyrsim_mem_free(table->frames, node->pa);
	}
	node_free(table->mem, node);
}

void phyrsim_node_hold(struct phyrsim_pagetable *table, struct phyrsim_node *node, bool vacant)
{
	if (table->near == node)
		table->near = NULL;
	node->vacant = vacant;
	bucket_add(table, node);
	table->stats.table_cnt--;
}

/* Frees a node that is in no bucket, and its frame if it still has one. */
static void node_drop(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	if (node->items)
		phyrsim_mem_free(table->frames, node->pa);
	node_free(table->mem, node);
}

/* Puts the tables right below a node onto a list. */
static void push_children(const struct phyrsim_node *node, struct phyrsim_node **list)
{
	for (unsigned int i = 0; node->level > 0 && i < PHYRSIM_ITEM_CNT; i++) {
		if (node->child[i]) {
			node->child[i]->next = *list;
			*list = node->child[i];
		}
	}
}

void phyrsim_pagetable_destroy(struct phyrsim_pagetable *table)
{
	struct phyrsim_node *list;
	struct phyrsim_node *node;

	if (!table)
		return;
	list = table->top;
	while ((node = list) != NULL) {
		list = node->next;
		push_children(node, &list);
		node_drop(table, node);
	}
	for (unsigned int i = 0; i < PHYRSIM_BUCKET_CNT; i++) {
		while ((node = table->held[i]) != NULL) {
			bucket_remove(node);
			node_drop(table, node);
		}
	}
	table->mem->free(table->mem->ctx, table, sizeof(*table));
}

/* Fills in what the parameters leave open; PHYR_OK when all of them are offered. */
static int params_check(struct phyrsim_pagetable_params *params)
{
	const struct phyrsim_format_ops *ops;

	if (!params->mem || !params->frames)
		return PHYR_E_INVAL;
	if ((unsigned int)params->format >= sizeof(formats) / sizeof(formats[0]))
		return PHYR_E_INVAL;
	ops = formats[params->format];
	if (params->level_cnt == 0)
		params->level_cnt = ops->level_cnt;
	if (params->pa_bits == 0)
		params->pa_bits = PA_BITS_MAX;
	if (params->level_cnt < ops->level_cnt_min || params->level_cnt > ops->level_cnt_max)
		return PHYR_E_INVAL;
	if (params->pa_bits < PA_BITS_MIN || params->pa_bits > PA_BITS_MAX)
		return PHYR_E_INVAL;
	return PHYR_OK;
}

static bool top_create(struct phyrsim_pagetable *table)
{
	struct phyrsim_node *top = node_alloc(table->mem, table->level_cnt - 1);

	if (!top)
		return false;
	top->span.last = table->iova_last;
	if (!frame_take_new(table, top)) {
		node_free(table->mem, top);
		return false;
	}
	table->top = top;
	table->stats.table_cnt = 1;
	table->stats.table_max = 1;
	return true;
}

static void table_init(struct phyrsim_pagetable *table,
		       const struct phyrsim_pagetable_params *params)
{
	memset(table, 0, sizeof(*table));
	table->mem = params->mem;
	table->frames = params->frames;
	table->ops = formats[params->format];
	table->format = params->format;
	table->level_cnt = params->level_cnt;
	table->pa_bits = params->pa_bits;
	table->iova_last = phyr_bits_mask(phyrsim_item_lg2(params->level_cnt));
	table->pa_last = phyr_bits_mask(params->pa_bits);
}

int phyrsim_pagetable_create(const struct phyrsim_pagetable_params *params,
			     struct phyrsim_pagetable **ret_table)
{
	struct phyrsim_pagetable_params all;
	struct phyrsim_pagetable *table;

	if (!params || !ret_table)
		return PHYR_E_INVAL;
	all = *params;
	if (params_check(&all) != PHYR_OK)
		return PHYR_E_INVAL;
	table = all.mem->alloc(all.mem->ctx, sizeof(*table));
	if (!table)
		return PHYR_E_NOMEM;
	table_init(table, &all);
	if (!top_create(table)) {
		all.mem->free(all.mem->ctx, table, sizeof(*table));
		return PHYR_E_NOMEM;
	}
	*ret_table = table;
	return PHYR_OK;
}

void phyrsim_pagetable_caps(const struct phyrsim_pagetable *table, struct phyr_iommu_caps *ret_caps)
{
	ret_caps->sizes = table->ops->sizes;
	ret_caps->iova.first = phyr_iova_at(0);
	ret_caps->iova.last = phyr_iova_at(table->iova_last);
	ret_caps->pa_last = phyr_pa_at(table->pa_last);
	ret_caps->mapping_cnt_max = 0;
}

void phyrsim_pagetable_root(const struct phyrsim_pagetable *table, struct phyrsim_root *ret_root)
{
	ret_root->format = table->format;
	ret_root->table = table->top->pa;
	ret_root->level_cnt = table->level_cnt;
	ret_root->pa_bits = table->pa_bits;
	ret_root->granule_lg2 = PHYR_PAGE_LG2;
	ret_root->iova_bits = phyrsim_item_lg2(table->level_cnt);
	ret_root->features = 0;
}

void phyrsim_pagetable_stats(const struct phyrsim_pagetable *table,
			     struct phyrsim_pagetable_stats *ret_stats)
{
	*ret_stats = table->stats;
}

/* Checks all runs before it answers, so that the answer does not depend on their order. */
static int runs_check(const struct phyr_range *runs, size_t run_cnt, uint64_t pa_last,
		      uint64_t *ret_len)
{
	uint64_t end = pa_last + 1;
	uint64_t bits = 0;
	uint64_t len = 0;
	bool zero = false;
	bool beyond = false;

	for (size_t i = 0; i < run_cnt; i++) {
		uint64_t pa = runs[i].pa.addr;

		bits |= pa | runs[i].len;
		zero |= runs[i].len == 0;
		beyond |= pa > pa_last || runs[i].len > end - pa;
		beyond |= __builtin_add_overflow(len, runs[i].len, &len);
	}
	if (zero)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(bits, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	*ret_len = len;
	return beyond ? PHYR_E_RANGE : PHYR_OK;
}

int phyrsim_pagetable_map(struct phyrsim_pagetable *table, phyr_iova iova,
			  const struct phyr_range *runs, size_t run_cnt, enum phyr_perm perm)
{
	struct phyrsim_span span = { iova.addr, 0 };
	uint64_t len = 0;
	int err;

	if (!table || !runs || run_cnt == 0)
		return PHYR_E_INVAL;
	if (perm < PHYR_PERM_READ || perm > PHYR_PERM_READ_WRITE)
		return PHYR_E_INVAL;
	err = runs_check(runs, run_cnt, table->pa_last, &len);
	if (err == PHYR_E_INVAL)
		return err;
	if (!phyr_bits_aligned(iova.addr, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	if (err != PHYR_OK)
		return err;
	if (!phyr_bits_last(iova.addr, len, &span.last) || span.last > table->iova_last)
		return PHYR_E_RANGE;
	return table->ops->map(table, span, runs, run_cnt, perm);
}

int phyrsim_pagetable_unmap(struct phyrsim_pagetable *table, struct phyr_iova_range range,
			    struct phyr_gather *gather)
{
	struct phyrsim_span span = { range.iova.addr, 0 };

	if (!table || !gather || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(range.iova.addr | range.len, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	if (!phyr_bits_last(range.iova.addr, range.len, &span.last))
		return PHYR_E_RANGE;
	if (span.last > table->iova_last)
		return PHYR_E_RANGE;
	return table->ops->unmap(table, span, gather);
}

void phyrsim_pagetable_release(struct phyrsim_pagetable *table, struct phyr_gather *gather)
{
	struct phyrsim_node *node = gather->freed;

	gather->freed = NULL;
	while (node) {
		struct phyrsim_node *next = node->next;

		bucket_remove(node);
		node_drop(table, node);
		node = next;
	}
}
