/* SPDX-License-Identifier: MIT */
/*
 * Page tables of every format: making and dropping them, and checking arguments.
 *
 * A call is checked here, once and whole, and goes to its format through one indirect call.
 *
 * Not here: the bits (one file a format), walking and filling (ops.h), the nodes (node.c).
 */
#include "table.h"

#include <string.h>

#include "guard.h"
#include "pair.h"

#define PA_BITS_MIN 45 /* a pointer must be able to name PHYRSIM_MEM_BASE */
#define ATTRS_ALL \
	(PHYRSIM_ATTR_UNCACHED | PHYRSIM_ATTR_MMIO | PHYRSIM_ATTR_NOEXEC | PHYRSIM_ATTR_PRIVILEGED)

static const struct phyrsim_format_ops *const formats[PHYRSIM_FORMAT_CNT] = {
	[PHYRSIM_FORMAT_VTD_SS] = &phyrsim_format_vtd_ss,
	[PHYRSIM_FORMAT_AMD_V1] = &phyrsim_format_amd_v1,
	[PHYRSIM_FORMAT_X86_FS] = &phyrsim_format_x86_fs,
	[PHYRSIM_FORMAT_ARM_S1] = &phyrsim_format_arm_s1,
	[PHYRSIM_FORMAT_ARM_S2] = &phyrsim_format_arm_s2,
	[PHYRSIM_FORMAT_RISCV_S1] = &phyrsim_format_riscv_s1,
	[PHYRSIM_FORMAT_RISCV_S2] = &phyrsim_format_riscv_s2,
};

/* Puts the tables right below a node onto a list. */
static void push_children(const struct phyrsim_node *node, struct phyrsim_node **list)
{
	for (unsigned int i = 0; node->level > 0 && i < node->item_cnt; i++) {
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
		phyrsim_node_drop(table, node);
	}
	for (unsigned int i = 0; i < PHYRSIM_BUCKET_CNT; i++) {
		while ((node = table->held[i]) != NULL)
			phyrsim_node_unhold(table, node);
	}
	phyrsim_nodes_free(table);
	phyrsim_guard_destroy(table->mem, table->guard);
	table->mem->free(table->mem->ctx, table, sizeof(*table));
}

/* The measures that the parameters ask for; false when some of them are not offered. */
static bool measure(const struct phyrsim_pagetable_params *params,
		    struct phyrsim_geometry *ret_geometry)
{
	const struct phyrsim_format_ops *ops;

	if (!params->mem || !params->frames)
		return false;
	if ((unsigned int)params->format >= PHYRSIM_FORMAT_CNT)
		return false;
	ops = formats[params->format];
	if ((params->features & ~ops->features) != 0)
		return false;
	return ops->measure(ops, params, ret_geometry) && ret_geometry->pa_bits >= PA_BITS_MIN;
}

static void table_init(struct phyrsim_pagetable *table,
		       const struct phyrsim_pagetable_params *params,
		       const struct phyrsim_geometry *geometry)
{
	memset(table, 0, sizeof(*table));
	table->mem = params->mem;
	table->frames = params->frames;
	table->ops = formats[params->format];
	table->calls = params->shared ? &phyrsim_guarded_calls : &table->ops->calls;
	table->format = params->format;
	table->features = params->features;
	table->breaker = params->breaker;
	table->geometry = *geometry;
	table->pa_last = phyr_bits_mask(geometry->pa_bits);
}

int phyrsim_pagetable_create(const struct phyrsim_pagetable_params *params,
			     struct phyrsim_pagetable **ret_table)
{
	struct phyrsim_geometry geometry = { 0 };
	struct phyrsim_pagetable *table;

	if (!params || !ret_table || !measure(params, &geometry))
		return PHYR_E_INVAL;
	table = params->mem->alloc(params->mem->ctx, sizeof(*table));
	if (!table)
		return PHYR_E_NOMEM;
	table_init(table, params, &geometry);
	if (params->shared)
		table->guard = phyrsim_guard_create(params->mem);
	if ((params->shared && !table->guard) || !phyrsim_top_create(table)) {
		phyrsim_guard_destroy(params->mem, table->guard);
		phyrsim_nodes_free(table);
		params->mem->free(params->mem->ctx, table, sizeof(*table));
		return PHYR_E_NOMEM;
	}
	*ret_table = table;
	return PHYR_OK;
}

void phyrsim_pagetable_root(const struct phyrsim_pagetable *table, struct phyrsim_root *ret_root)
{
	struct phyrsim_flight flight;

	phyrsim_enter(table, phyrsim_span_none(), false, &flight);
	ret_root->format = table->format;
	ret_root->table = table->top->pa;
	ret_root->level_cnt = table->geometry.level_cnt;
	ret_root->pa_bits = table->geometry.pa_bits;
	ret_root->granule_lg2 = table->geometry.granule_lg2;
	ret_root->iova_bits = table->geometry.iova_bits;
	ret_root->features = table->features;
	phyrsim_leave(table, &flight);
}

void phyrsim_pagetable_stats(const struct phyrsim_pagetable *table,
			     struct phyrsim_pagetable_stats *ret_stats)
{
	struct phyrsim_flight flight;

	phyrsim_enter(table, phyrsim_span_none(), false, &flight);
	*ret_stats = table->stats;
	phyrsim_leave(table, &flight);
}

/* What is to be mapped: its length, or what is wrong with it. */
struct checked {
	uint64_t len;
	int err;
};

/* The usual array: single granules, each of which items can name. */
static bool all_granules(const struct phyrsim_pagetable *table, const struct phyr_range *runs,
			 size_t run_cnt, uint64_t *ret_len)
{
	uint64_t granule = phyr_bits_size(table->geometry.granule_lg2);
	phyrsim_pair any;

	if (runs->len != granule || __builtin_mul_overflow(granule, run_cnt, ret_len))
		return false;
	any = phyrsim_pair_differences(runs, run_cnt, (phyrsim_pair){ 0, granule });
	/* The last address is all ones: if one is larger, they are together. */
	return any[1] == 0 && any[0] <= table->pa_last && (any[0] & (granule - 1)) == 0;
}

static inline bool reaches_beyond(const struct phyrsim_pagetable *table, struct phyr_range run)
{
	return run.pa.addr > table->pa_last || run.len - 1 > table->pa_last - run.pa.addr;
}

/* Checks all runs before it answers, so that the answer does not depend on their order. */
static struct checked check_array(const struct phyrsim_pagetable *table,
				  const struct phyr_range *runs, size_t run_cnt)
{
	struct checked checked = { 0, PHYR_OK };
	uint64_t bits = 0;
	bool zero = false;
	bool beyond = false;

	if (all_granules(table, runs, run_cnt, &checked.len))
		return checked;
	checked.len = 0;
	for (size_t i = 0; i < run_cnt; i++) {
		bits |= runs[i].pa.addr | runs[i].len;
		zero |= runs[i].len == 0;
		beyond |= reaches_beyond(table, runs[i]);
		beyond |= __builtin_add_overflow(checked.len, runs[i].len, &checked.len);
	}
	if (zero)
		checked.err = PHYR_E_INVAL;
	else if (!phyr_bits_aligned(bits, table->geometry.granule_lg2))
		checked.err = PHYR_E_ALIGN;
	else if (beyond)
		checked.err = PHYR_E_RANGE;
	return checked;
}

static inline struct checked check_run(const struct phyrsim_pagetable *table,
				       const struct phyr_range *run)
{
	struct checked checked = { run->len, PHYR_OK };

	if (run->len == 0)
		checked.err = PHYR_E_INVAL;
	else if (!phyr_bits_aligned(run->pa.addr | run->len, table->geometry.granule_lg2))
		checked.err = PHYR_E_ALIGN;
	else if (reaches_beyond(table, *run))
		checked.err = PHYR_E_RANGE;
	return checked;
}

static inline bool is_use(struct phyrsim_use use)
{
	return use.perm >= PHYR_PERM_READ && use.perm <= PHYR_PERM_READ_WRITE &&
	       use.attrs <= ATTRS_ALL;
}

/* Where memory that was checked is to lie. */
static inline int place(const struct phyrsim_pagetable *table, phyr_iova iova,
			struct checked checked, struct phyrsim_span *ret_span)
{
	struct phyr_iova_range range = { iova, checked.len };

	if (checked.err == PHYR_E_INVAL)
		return checked.err;
	if (!phyr_bits_aligned(iova.addr, table->geometry.granule_lg2))
		return PHYR_E_ALIGN;
	if (checked.err != PHYR_OK)
		return checked.err;
	return phyrsim_span_of(&table->geometry, range, ret_span) ? PHYR_OK : PHYR_E_RANGE;
}

static inline int map_checked(struct phyrsim_pagetable *table, phyr_iova iova,
			      const struct phyr_range *runs, size_t run_cnt, struct phyrsim_use use,
			      struct checked checked)
{
	struct phyrsim_span span;
	int err = place(table, iova, checked, &span);

	if (err)
		return err;
	return table->calls->map(table, span, runs, run_cnt, use);
}

/* Apart from phyrsim_pagetable_map(), which is to stay small for a single run. */
static PHYRSIM_NOINLINE int map_array(struct phyrsim_pagetable *table, phyr_iova iova,
				      const struct phyr_range *runs, size_t run_cnt,
				      struct phyrsim_use use)
{
	struct checked checked = check_array(table, runs, run_cnt);

	return map_checked(table, iova, runs, run_cnt, use, checked);
}

int phyrsim_pagetable_map(struct phyrsim_pagetable *table, phyr_iova iova,
			  const struct phyr_range *runs, size_t run_cnt, enum phyr_perm perm,
			  unsigned int attrs)
{
	const struct phyrsim_use use = { perm, attrs };

	if (!table || !runs || run_cnt == 0 || !is_use(use))
		return PHYR_E_INVAL;
	if (run_cnt > 1)
		return map_array(table, iova, runs, run_cnt, use);
	return map_checked(table, iova, runs, 1, use, check_run(table, runs));
}

/* The bits in which any of the words differs from a page at 0. */
static uint64_t page_differences(const uint64_t *words, size_t word_cnt)
{
	const phyrsim_pair page = { PHYR_CHUNK_PAGE, PHYR_CHUNK_PAGE };
	phyrsim_pair any = phyrsim_pair_differences(words, word_cnt / 2, page);

	if (word_cnt % 2 != 0)
		any[0] |= words[word_cnt - 1] ^ PHYR_CHUNK_PAGE;
	return any[0] | any[1];
}

/* All words are looked at before there is an answer. */
static struct checked check_pages(const struct phyrsim_pagetable *table, const uint64_t *words,
				  size_t word_cnt)
{
	struct checked checked = { 0, PHYR_OK };
	uint64_t any = page_differences(words, word_cnt);

	if (any & PHYR_CHUNK_PAGE_MASK)
		checked.err = PHYR_E_INVAL;
	else if (table->geometry.granule_lg2 > PHYR_PAGE_LG2)
		checked.err = PHYR_E_ALIGN;
	/* The last address is all ones: if one is larger, they are together. */
	else if (phyr_chunk_page(any).addr > table->pa_last ||
		 __builtin_mul_overflow(PHYR_PAGE_SIZE, word_cnt, &checked.len))
		checked.err = PHYR_E_RANGE;
	return checked;
}

int phyrsim_pagetable_map_pages(struct phyrsim_pagetable *table, phyr_iova iova,
				const uint64_t *words, size_t word_cnt, enum phyr_perm perm,
				unsigned int attrs)
{
	const struct phyrsim_use use = { perm, attrs };
	struct phyrsim_span span;
	struct checked checked;
	int err;

	if (!table || !words || word_cnt == 0 || !is_use(use))
		return PHYR_E_INVAL;
	checked = check_pages(table, words, word_cnt);
	err = place(table, iova, checked, &span);
	if (err)
		return err;
	return table->calls->map_pages(table, span, words, use);
}

int phyrsim_pagetable_unmap(struct phyrsim_pagetable *table, struct phyr_iova_range range,
			    struct phyr_gather *gather)
{
	struct phyrsim_span span;
	int err;

	if (!table || !gather || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(range.iova.addr | range.len, table->geometry.granule_lg2))
		return PHYR_E_ALIGN;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return PHYR_E_RANGE;
	err = table->calls->unmap(table, span, gather);
	if (err == PHYR_OK)
		phyr_gather_add(gather, range);
	return err;
}

int phyrsim_pagetable_protect(struct phyrsim_pagetable *table, struct phyr_iova_range range,
			      enum phyr_perm perm, unsigned int attrs, struct phyr_gather *gather)
{
	const struct phyrsim_use use = { perm, attrs };
	struct phyrsim_span span;
	int err;

	if (!table || !gather || range.len == 0 || !is_use(use))
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(range.iova.addr | range.len, table->geometry.granule_lg2))
		return PHYR_E_ALIGN;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return PHYR_E_RANGE;
	err = table->calls->protect(table, span, use, gather);
	if (err == PHYR_OK)
		phyr_gather_add(gather, range);
	return err;
}

static void unhold_all(struct phyrsim_pagetable *table, struct phyrsim_node *list)
{
	while (list) {
		struct phyrsim_node *next = list->next;

		phyrsim_node_unhold(table, list);
		list = next;
	}
}

static inline void release(struct phyrsim_pagetable *table, struct phyrsim_node *freed)
{
	struct phyrsim_node *retired = table->retired;

	table->retired = NULL;
	unhold_all(table, freed);
	unhold_all(table, retired);
}

/* Apart: what is not shared stays small. */
static PHYRSIM_NOINLINE void release_guarded(struct phyrsim_pagetable *table,
					     struct phyrsim_node *freed)
{
	struct phyrsim_flight flight;

	phyrsim_enter(table, phyrsim_span_none(), true, &flight);
	release(table, freed);
	phyrsim_leave(table, &flight);
}

void phyrsim_pagetable_release(struct phyrsim_pagetable *table, struct phyr_gather *gather)
{
	struct phyrsim_node *freed = gather->freed;

	gather->freed = NULL;
	if (table->guard)
		release_guarded(table, freed);
	else
		release(table, freed);
}
