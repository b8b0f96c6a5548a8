/* SPDX-License-Identifier: MIT */
/*
 * One run over one buffer: describe it, map it in every way, translate it under every name.
 *
 * Every mapping gets a machine of its own, so that no row depends on the ones before.
 */

#include "run.h"

#include <string.h>

#include <phyr/bits.h>
#include <phyr/place.h>
#include <phyrsim/linux.h>

/* The lowest page is never handed out, as in Linux; 48 bits are a four-level table. */
#define FIRST_IOVA PHYR_PAGE_SIZE
#define LAST_IOVA ((UINT64_C(1) << 48) - 1)
/* What mlx5 offers: every power of two from 4 KiB to 2 GiB. */
#define DEVICE_MIN_LG2 12
#define DEVICE_MAX_LG2 31
/* The longest entry that RDMA drivers ask a scatterlist for. */
#define SG_LONG (UINT64_C(2) << 30)

/* The run so far. */
struct context {
	const struct phyr_mem *mem;
	phyr_sizes device_sizes;
	struct phyr_list *list;
	struct phyrsim_result result;
	struct report report;
};

static void machine_fini(struct machine *machine)
{
	phyr_iova_destroy(machine->space);
	phyrsim_iommu_destroy(machine->iommu);
	phyrsim_mem_destroy(machine->frames);
}

static int machine_init(struct machine *machine, const struct phyr_mem *mem)
{
	struct phyr_iova_params space = { .mem = mem };
	struct phyrsim_pagetable_params table = { .mem = mem, .format = PHYRSIM_FORMAT_VTD_SS };
	int err;

	memset(machine, 0, sizeof(*machine));
	machine->mem = mem;
	machine->window.first = phyr_iova_at(FIRST_IOVA);
	machine->window.last = phyr_iova_at(LAST_IOVA);
	space.window = machine->window;
	err = phyrsim_mem_create(mem, &machine->frames);
	if (!err) {
		table.frames = machine->frames;
		err = phyrsim_iommu_create(&table, &machine->iommu);
	}
	if (!err)
		err = phyr_iova_create(&space, &machine->space);
	if (err)
		machine_fini(machine);
	return err;
}

static void describe(const struct phyr_list *list, struct phyrsim_describe *describe)
{
	phyr_list_stats(list, &describe->list);
	describe->sg_default = phyrsim_linux_scatterlist(list, PHYRSIM_LINUX_SEGMENT_DEFAULT);
	describe->sg_long = phyrsim_linux_scatterlist(list, SG_LONG);
	describe->bio_vec = phyrsim_linux_bio_vec(list);
	describe->phys_vec = phyrsim_linux_phys_vec(list);
	/* One page an entry is the shortest that a scatterlist is cut. */
	describe->page_cnt = phyrsim_linux_scatterlist(list, PHYR_PAGE_SIZE).entry_cnt;
}

/* By which address a device names byte 0. */
static uint64_t name_of(const struct phyr_list *list, enum phyrsim_naming naming, uint64_t iova)
{
	switch (naming) {
	case PHYRSIM_NAME_VA:
		return phyr_list_va(list);
	case PHYRSIM_NAME_ZERO:
		return iova & phyr_bits_mask(PHYR_PAGE_LG2);
	case PHYRSIM_NAME_IOVA:
		break;
	}
	return iova;
}

static int register_region(struct context *context, const struct machine *machine,
			   const struct phyr_list *bus, uint64_t address, bool mixed,
			   struct phyrsim_mtt_cost *ret_cost)
{
	struct phyrsim_mtt_params params = { .mem = context->mem, .mixed = mixed };
	struct phyrsim_mtt_region *region;
	int err;

	params.sizes = context->device_sizes;
	err = phyrsim_mtt_register_list(&params, bus, address, &region);
	if (err == PHYR_E_LIMIT)
		return PHYR_OK; /* no page size fits: the row stays empty */
	if (err)
		return err;
	phyrsim_mtt_cost(region, ret_cost);
	err = phyrsim_check_region(machine, context->list, region, address, &context->report);
	phyrsim_mtt_drop(region);
	return err;
}

static struct phyrsim_mapping *add_mapping(struct context *context, enum phyrsim_strategy strategy)
{
	struct phyrsim_result *result = &context->result;
	struct phyrsim_mapping *row = &result->mapping[result->mapping_cnt++];

	row->strategy = strategy;
	return row;
}

/* Registers mapped memory under a name, with one page size and with several. */
static int translate(struct context *context, const struct machine *machine,
		     const struct phyr_list *bus, const struct phyrsim_mapping *mapping,
		     enum phyrsim_naming naming)
{
	struct phyrsim_result *result = &context->result;
	struct phyrsim_translation *row = &result->translation[result->translation_cnt++];
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	uint64_t address;
	int err;

	context->report.error.step = "registering with the device";
	phyr_list_begin(bus, &cursor);
	(void)phyr_list_next(&cursor, &run);
	address = name_of(context->list, naming, run.range.pa.addr);
	row->strategy = mapping->strategy;
	row->for_mixed = mapping->for_mixed;
	row->naming = naming;
	err = register_region(context, machine, bus, address, false, &row->single);
	return err ? err : register_region(context, machine, bus, address, true, &row->mixed);
}

/* What the tables hold while a mapping is live. */
static void note_tables(const struct machine *machine, struct phyrsim_mapping *row)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(machine->iommu, &stats);
	row->leaves = stats.table.leaves;
	row->table_len = stats.table.table_cnt * PHYR_PAGE_SIZE;
}

static uint64_t count_flushes(const struct machine *machine)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(machine->iommu, &stats);
	return stats.flush_cnt[PHYR_FLUSH_RANGE] + stats.flush_cnt[PHYR_FLUSH_DOMAIN];
}

/* Checks a mapping and starts its row. */
static int check(struct context *context, const struct machine *machine,
		 const struct phyr_list *bus, struct phyrsim_mapping *row)
{
	context->report.error.step = "checking the page table";
	context->report.checked_cnt = 0;
	note_tables(machine, row);
	if (phyrsim_check_mapping(machine, context->list, bus, &context->report))
		return PHYR_E_FAULT;
	row->checked_cnt = context->report.checked_cnt;
	return PHYR_OK;
}

/* Maps as Linux does, and registers under every name that the mapping has. */
static int run_linux(struct context *context, const struct machine *machine,
		     enum phyrsim_strategy strategy)
{
	struct phyrsim_mapping *row = add_mapping(context, strategy);
	enum phyrsim_linux_way way = strategy == PHYRSIM_LINUX ? PHYRSIM_LINUX_SG :
								 PHYRSIM_LINUX_PAGES;
	int name_cnt = strategy == PHYRSIM_LINUX ? PHYRSIM_NAMING_CNT : PHYRSIM_NAME_IOVA;
	struct phyrsim_linux_map_stats stats;
	struct phyrsim_linux_map *map;
	const struct phyr_list *bus;
	int err;

	context->report.error.step = "mapping as Linux does";
	err = phyrsim_linux_map(context->mem, phyrsim_iommu_backend(machine->iommu), machine->space,
				machine->window, context->list, way, &map);
	if (err)
		return err;
	bus = phyrsim_linux_map_list(map);
	err = check(context, machine, bus, row);
	for (int name = 0; !err && name < name_cnt; name++)
		err = translate(context, machine, bus, row, (enum phyrsim_naming)name);
	phyrsim_linux_unmap(map, &stats);
	row->reserved_len = stats.reserved_len;
	row->call_cnt = stats.call_cnt;
	row->flush_cnt = count_flushes(machine);
	return err;
}

/* Where the list should go for a name and a device. */
static int place(const struct context *context, const struct machine *machine,
		 enum phyrsim_naming naming, bool mixed, struct phyr_place_result *ret_place)
{
	struct phyr_place_request request = { .policy = PHYR_PLACE_PHASE };
	struct phyr_iommu backend = phyrsim_iommu_backend(machine->iommu);
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	struct phyr_iommu_caps caps;

	backend.ops->caps(backend.ctx, &caps);
	phyr_list_begin(context->list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	request.name = naming == PHYRSIM_NAME_IOVA ? PHYR_NAME_IOVA : PHYR_NAME_ADDRESS;
	request.address = name_of(context->list, naming, run.range.pa.addr);
	request.leaf_sizes = caps.sizes;
	request.device_sizes = context->device_sizes;
	request.device_mixed = mixed;
	request.window = machine->window;
	return phyr_place(context->list, &request, ret_place);
}

/* Checks and registers a mapping in one range, through a list of that range. */
static int use_range(struct context *context, const struct machine *machine,
		     const struct phyr_dma_map *map, struct phyrsim_mapping *row)
{
	struct phyr_range range = { phyr_pa_at(map->range.iova.addr), map->range.len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_list bus;
	int err;

	phyr_list_init(&bus, NULL);
	err = phyr_list_append(&bus, range, tag);
	if (!err)
		err = check(context, machine, &bus, row);
	if (!err)
		err = translate(context, machine, &bus, row, row->naming);
	row->reserved_len = map->reserved.len;
	return err;
}

static int map_phase(struct context *context, const struct machine *machine,
		     const struct phyr_placement *placement, struct phyrsim_mapping *row)
{
	struct phyr_dma_params params = { context->mem, phyrsim_iommu_backend(machine->iommu),
					  machine->space };
	struct phyr_dma_stats stats;
	struct phyr_dma_map map;
	struct phyr_dma *dma;
	int unmap_err, err;

	err = phyr_dma_create(&params, &dma);
	if (err)
		return err;
	err = phyr_dma_map(dma, context->list, PHYR_PERM_READ_WRITE, placement, &map);
	if (!err) {
		err = use_range(context, machine, &map, row);
		unmap_err = phyr_dma_unmap(dma, &map);
		err = err ? err : unmap_err;
	}
	phyr_dma_stats(dma, &stats);
	row->call_cnt = stats.call_cnt;
	row->flush_cnt = count_flushes(machine);
	phyr_dma_destroy(dma);
	return err;
}

/*
 * Maps where the phase matches the name, and registers under it. For a device with mixed sizes
 * only where that is another place than for a device with one.
 */
static int run_phase(struct context *context, const struct machine *machine,
		     enum phyrsim_naming naming, bool mixed)
{
	struct phyr_place_result single_place, where;
	struct phyrsim_mapping *row;
	int err;

	context->report.error.step = "mapping with a matched phase";
	err = place(context, machine, naming, false, &single_place);
	if (!err)
		err = place(context, machine, naming, mixed, &where);
	if (err || (mixed && where.placement.phase == single_place.placement.phase &&
		    where.placement.phase_lg2 == single_place.placement.phase_lg2))
		return err;
	row = add_mapping(context, PHYRSIM_PHASE);
	row->naming = naming;
	row->for_mixed = mixed;
	return map_phase(context, machine, &where.placement, row);
}

/* One strategy on a machine of its own, which must be as new afterwards. */
static int run_strategy(struct context *context, enum phyrsim_strategy strategy,
			enum phyrsim_naming naming, bool mixed)
{
	struct phyrsim_iommu_stats stats;
	struct machine machine;
	int err = machine_init(&machine, context->mem);

	if (err)
		return err;
	err = strategy == PHYRSIM_PHASE ? run_phase(context, &machine, naming, mixed) :
					  run_linux(context, &machine, strategy);
	phyrsim_iommu_stats(machine.iommu, &stats);
	if (!err && stats.table.table_cnt != 1) {
		context->report.error.step = "unmapping";
		err = PHYR_E_FAULT;
	}
	machine_fini(&machine);
	return err;
}

static int run_all(struct context *context)
{
	int err;

	context->report.error.step = "describing";
	if (phyr_list_len(context->list) == 0)
		return PHYR_E_INVAL;
	describe(context->list, &context->result.describe);
	err = run_strategy(context, PHYRSIM_BY_PAGE, PHYRSIM_NAME_VA, false);
	if (!err)
		err = run_strategy(context, PHYRSIM_LINUX, PHYRSIM_NAME_VA, false);
	for (int i = 0; !err && i < 2 * PHYRSIM_NAMING_CNT; i++)
		err = run_strategy(context, PHYRSIM_PHASE, (enum phyrsim_naming)(i / 2), i % 2);
	return err;
}

int phyrsim_run(const struct phyrsim_run_params *params, struct phyr_list *list,
		struct phyrsim_result *ret_result, struct phyrsim_run_error *ret_error)
{
	struct context context;
	int err = PHYR_E_INVAL;

	memset(&context, 0, sizeof(context));
	context.report.error.step = "checking arguments";
	context.list = list;
	if (params && params->mem && list && ret_result) {
		context.mem = params->mem;
		context.device_sizes = params->device_sizes.mask ?
					       params->device_sizes :
					       phyr_sizes_between(DEVICE_MIN_LG2, DEVICE_MAX_LG2);
		err = run_all(&context);
	}
	if (!err)
		*ret_result = context.result;
	else if (ret_error)
		*ret_error = context.report.error;
	return err;
}
