/* SPDX-License-Identifier: MIT */
/*
 * Regions of a device's translation table: one I/O address for each page of the region.
 *
 * With a single size the index of an entry is arithmetic. With mixed sizes the device addresses of
 * the entries stand behind them, for a binary search; a device finds the entry by other means, so
 * they are host memory and no cost. Pages of a mixed region never reach beyond it.
 *
 * Not here: which page size is best and how a list is cut (split.h).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyrsim/mtt.h>

/* What a table is like, known before there is memory for it. */
struct mtt_shape {
	uint64_t first; /* device addresses of the region, to the byte */
	uint64_t last;
	unsigned int lg2; /* of the single size */
	bool mixed;
	struct phyrsim_mtt_cost cost;
};

/* A shape and the cut that fills it. */
struct mtt_plan {
	struct mtt_shape shape;
	struct phyr_pages pages; /* single size */
	struct phyr_split split; /* mixed sizes */
};

struct phyrsim_mtt_region {
	const struct phyr_mem *mem;
	size_t alloc_len; /* of this structure and its arrays */
	struct mtt_shape shape;
	const uint64_t *starts; /* mixed sizes: device address of each entry, ascending */
	uint64_t entries[];	/* I/O addresses; the pages touch, in device addresses */
};

static int plan_single(struct mtt_plan *plan, const struct phyrsim_mtt_params *params,
		       const struct phyr_list *list)
{
	struct mtt_shape *shape = &plan->shape;
	uint64_t size = phyr_split_best_size(list, shape->first, params->sizes, params->cover);

	if (size == 0)
		return PHYR_E_LIMIT;
	shape->lg2 = phyr_bits_log2(size);
	shape->cost.page_len = size;
	shape->cost.pages.cnt[shape->lg2] = phyr_bits_blocks(shape->first, shape->last, shape->lg2);
	return phyr_split_pages_begin(list, shape->first, shape->lg2, &plan->pages);
}

/* The cut rounds both ends out to the smallest size: may it, if nothing but pages is exposed? */
static bool ends_fit(const struct mtt_shape *shape, unsigned int min_lg2)
{
	uint64_t first = phyr_bits_down(shape->first, PHYR_PAGE_LG2);
	uint64_t last = shape->last | phyr_bits_mask(PHYR_PAGE_LG2);

	return phyr_bits_aligned(first, min_lg2) && phyr_bits_aligned(~last, min_lg2);
}

static int plan_mixed(struct mtt_plan *plan, const struct phyrsim_mtt_params *params,
		      const struct phyr_list *list)
{
	struct mtt_shape *shape = &plan->shape;
	phyr_iova first = phyr_iova_at(shape->first);
	int err;

	shape->mixed = true;
	if (!ends_fit(shape, phyr_sizes_min_lg2(params->sizes)))
		return PHYR_E_LIMIT;
	err = phyr_split_count(list, first, params->sizes, &shape->cost.pages);
	if (err)
		return err;
	return phyr_split_begin(list, first, params->sizes, &plan->split);
}

static int plan_make(struct mtt_plan *plan, const struct phyrsim_mtt_params *params,
		     const struct phyr_list *list, uint64_t address)
{
	struct phyrsim_mtt_cost *cost = &plan->shape.cost;
	int err;

	*plan = (struct mtt_plan){ 0 };
	plan->shape.first = address;
	if (!phyr_bits_last(address, phyr_list_len(list), &plan->shape.last))
		return PHYR_E_RANGE;
	err = params->mixed ? plan_mixed(plan, params, list) : plan_single(plan, params, list);
	if (err)
		return err == PHYR_E_ALIGN ? PHYR_E_LIMIT : err;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		cost->entry_cnt += cost->pages.cnt[lg2];
	return PHYR_OK;
}

/* What a region takes on the host, or false when that is no size. */
static bool host_len(const struct mtt_shape *shape, size_t *ret_len)
{
	size_t entry_len = sizeof(uint64_t) * (shape->mixed ? 2 : 1);
	size_t len;

	return !__builtin_mul_overflow(shape->cost.entry_cnt, entry_len, &len) &&
	       !__builtin_add_overflow(len, sizeof(struct phyrsim_mtt_region), ret_len);
}

/* Nothing wraps here: the host had the memory for as many. */
static void cost_lengths(struct phyrsim_mtt_cost *cost)
{
	uint64_t len = cost->entry_cnt * PHYRSIM_MTT_ENTRY_LEN;
	uint64_t rest = len % PHYRSIM_MTT_OCTWORD_LEN;

	cost->len = len;
	cost->octword_len = rest ? len - rest + PHYRSIM_MTT_OCTWORD_LEN : len;
}

static void fill_mixed(struct phyr_split *split, uint64_t *entries, uint64_t *starts, size_t cnt)
{
	const struct phyr_word_format plain = { 0, PHYR_ENDIAN_HOST };
	struct phyr_blocks blocks, names;
	size_t at = 0;

	while (phyr_split_next(split, &blocks)) {
		names = blocks;
		names.pa.addr = blocks.iova.addr;
		(void)phyr_split_fill_blocks(&names, plain, starts + at, cnt - at);
		at += phyr_split_fill_blocks(&blocks, plain, entries + at, cnt - at);
	}
}

static void fill(struct phyrsim_mtt_region *region, struct mtt_plan *plan, uint64_t *starts)
{
	const struct phyr_word_format plain = { 0, PHYR_ENDIAN_HOST };
	size_t cnt = (size_t)plan->shape.cost.entry_cnt;

	if (plan->shape.mixed)
		fill_mixed(&plan->split, region->entries, starts, cnt);
	else
		(void)phyr_split_fill(&plan->pages, plain, region->entries, cnt);
}

static int region_create(const struct phyr_mem *mem, struct mtt_plan *plan,
			 struct phyrsim_mtt_region **ret_region)
{
	struct phyrsim_mtt_region *region;
	uint64_t *starts = NULL;
	size_t alloc_len;

	if (!host_len(&plan->shape, &alloc_len))
		return PHYR_E_NOMEM;
	region = mem->alloc(mem->ctx, alloc_len);
	if (!region)
		return PHYR_E_NOMEM;
	if (plan->shape.mixed)
		starts = region->entries + plan->shape.cost.entry_cnt;
	region->mem = mem;
	region->alloc_len = alloc_len;
	region->shape = plan->shape;
	region->starts = starts;
	cost_lengths(&region->shape.cost);
	fill(region, plan, starts);
	*ret_region = region;
	return PHYR_OK;
}

int phyrsim_mtt_register_list(const struct phyrsim_mtt_params *params, const struct phyr_list *list,
			      uint64_t address, struct phyrsim_mtt_region **ret_region)
{
	struct mtt_plan plan;
	int err;

	if (!params || !params->mem || !params->mem->alloc || !params->mem->free)
		return PHYR_E_INVAL;
	if (!params->sizes.mask || !list || !ret_region || phyr_list_len(list) == 0)
		return PHYR_E_INVAL;
	err = plan_make(&plan, params, list, address);
	if (err)
		return err;
	return region_create(params->mem, &plan, ret_region);
}

/* The I/O addresses of a mapping; one range lies open in the head, so that it needs no memory. */
static int list_of(const struct phyr_dma_map *map, struct phyr_list *list)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range range;
	int err = PHYR_OK;

	phyr_dma_begin(map, &cursor);
	while (!err && phyr_dma_next(&cursor, &range)) {
		struct phyr_range bus = { phyr_pa_at(range.iova.addr), range.len };

		err = phyr_list_append(list, bus, tag);
	}
	return err;
}

int phyrsim_mtt_register(const struct phyrsim_mtt_params *params, const struct phyr_dma_map *map,
			 uint64_t address, struct phyrsim_mtt_region **ret_region)
{
	struct phyr_list list;
	int err;

	if (!params || !params->mem || !map || map->form == PHYR_DMA_NONE)
		return PHYR_E_INVAL;
	if (map->form == PHYR_DMA_BORROWED && map->offset == 0)
		return phyrsim_mtt_register_list(params, map->list, address, ret_region);
	phyr_list_init(&list, params->mem);
	err = list_of(map, &list);
	if (!err)
		err = phyrsim_mtt_register_list(params, &list, address, ret_region);
	phyr_list_fini(&list);
	return err;
}

void phyrsim_mtt_drop(struct phyrsim_mtt_region *region)
{
	if (region)
		region->mem->free(region->mem->ctx, region, region->alloc_len);
}

void phyrsim_mtt_cost(const struct phyrsim_mtt_region *region, struct phyrsim_mtt_cost *ret_cost)
{
	*ret_cost = region->shape.cost;
}

/* The last entry that starts at or below an address of the region. */
static size_t find_start(const struct phyrsim_mtt_region *region, uint64_t address)
{
	size_t low = 0;
	size_t high = (size_t)region->shape.cost.entry_cnt;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (region->starts[mid] <= address)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int phyrsim_mtt_translate(const struct phyrsim_mtt_region *region, uint64_t address,
			  phyr_iova *ret_iova)
{
	const struct mtt_shape *shape = &region->shape;
	uint64_t offset;
	size_t at;

	if (address < shape->first || address > shape->last)
		return PHYR_E_FAULT;
	if (shape->mixed) {
		at = find_start(region, address);
		offset = address - region->starts[at];
	} else {
		at = (size_t)((address >> shape->lg2) - (shape->first >> shape->lg2));
		offset = address & phyr_bits_mask(shape->lg2);
	}
	*ret_iova = phyr_iova_at(region->entries[at] + offset);
	return PHYR_OK;
}
