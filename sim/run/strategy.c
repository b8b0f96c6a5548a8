/* SPDX-License-Identifier: MIT */
/*
 * The ways of mapping a buffer: as Linux does, and with a matched phase.
 *
 * Every mapping gets a machine of its own, so that no row depends on the ones before.
 */

#include <phyr/place.h>
#include <phyrsim/linux.h>

#include "run.h"

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

/* Registers a mapping under every name that it has, and takes it down. */
static int use_linux(struct context *context, const struct machine *machine,
		     struct phyrsim_linux_map *map, struct phyrsim_mapping *row)
{
	const struct phyr_list *bus = phyrsim_linux_map_list(map);
	int name_cnt = row->strategy == PHYRSIM_LINUX ? PHYRSIM_NAMING_CNT : PHYRSIM_NAME_IOVA;
	struct phyrsim_linux_map_stats stats;
	int err = check(context, machine, bus, row);

	for (int name = 0; !err && name < name_cnt; name++)
		err = phyrsim_translate(context, machine, bus, row, (enum phyrsim_naming)name);
	phyrsim_linux_unmap(map, &stats);
	row->reserved_len = stats.reserved_len;
	row->call_cnt = stats.call_cnt;
	row->flush_cnt = count_flushes(machine);
	return err;
}

/* Maps as Linux does, for a PCI device that has not used anything yet. */
static int run_linux(struct context *context, const struct machine *machine,
		     enum phyrsim_strategy strategy)
{
	struct phyrsim_mapping *row = phyrsim_add_mapping(context, strategy);
	enum phyrsim_linux_way way = strategy == PHYRSIM_LINUX ? PHYRSIM_LINUX_SG :
								 PHYRSIM_LINUX_PAGES;
	struct phyrsim_linux_iova_params params = { .mem = context->mem,
						    .aperture = machine->window };
	struct phyrsim_linux_iova_device device = { machine->window.last, true };
	struct phyrsim_linux_target target = { .iommu = phyrsim_iommu_backend(machine->iommu),
					       .device = &device };
	struct phyrsim_linux_map *map;
	int err;

	context->report.error.step = "mapping as Linux does";
	err = phyrsim_linux_iova_create(&params, &target.iova);
	if (err)
		return err;
	err = phyrsim_linux_map(context->mem, &target, context->list, way, &map);
	if (!err)
		err = use_linux(context, machine, map, row);
	phyrsim_linux_iova_destroy(target.iova);
	return err;
}

/* Where the list should go for a name and a device. */
static int place(const struct context *context, const struct machine *machine,
		 enum phyrsim_naming naming, bool mixed, struct phyr_placement *ret_placement)
{
	struct phyr_place_request request = { .policy = PHYR_PLACE_PHASE };
	struct phyr_iommu backend = phyrsim_iommu_backend(machine->iommu);
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	struct phyr_place_result result;
	struct phyr_iommu_caps caps;
	int err;

	backend.ops->caps(backend.ctx, &caps);
	phyr_list_begin(context->list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	request.name = naming == PHYRSIM_NAME_IOVA ? PHYR_NAME_IOVA : PHYR_NAME_ADDRESS;
	request.address = phyrsim_name_of(context->list, naming, run.range.pa.addr);
	request.leaf_sizes = caps.sizes;
	request.device_sizes = context->device_sizes;
	request.device_mixed = mixed;
	request.window = machine->window;
	err = phyr_place_plan(context->list, &request, &result);
	if (!err)
		*ret_placement = result.chosen.placement;
	return err;
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
		err = phyrsim_translate(context, machine, &bus, row, row->naming);
	row->reserved_len = map->reserved.len;
	return err;
}

static int map_phase(struct context *context, const struct machine *machine,
		     const struct phyr_placement *placement, struct phyrsim_mapping *row)
{
	struct phyr_dma_params params = { .mem = context->mem,
					  .iommu = phyrsim_iommu_backend(machine->iommu),
					  .space = machine->space };
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
	struct phyr_placement single, where;
	struct phyrsim_mapping *row;
	int err;

	context->report.error.step = "mapping with a matched phase";
	err = place(context, machine, naming, false, &single);
	if (!err)
		err = place(context, machine, naming, mixed, &where);
	if (err || (mixed && where.phase == single.phase && where.phase_lg2 == single.phase_lg2))
		return err;
	row = phyrsim_add_mapping(context, PHYRSIM_PHASE);
	row->naming = naming;
	row->for_mixed = mixed;
	return map_phase(context, machine, &where, row);
}

/* One strategy on a machine of its own, which must be as new afterwards. */
int phyrsim_run_strategy(struct context *context, enum phyrsim_strategy strategy,
			 enum phyrsim_naming naming, bool mixed)
{
	struct phyrsim_iommu_stats stats;
	struct machine machine;
	int err = phyrsim_machine_init(&machine, context->mem);

	if (err)
		return err;
	err = strategy == PHYRSIM_PHASE ? run_phase(context, &machine, naming, mixed) :
					  run_linux(context, &machine, strategy);
	phyrsim_iommu_stats(machine.iommu, &stats);
	if (!err && stats.table.table_cnt != 1) {
		context->report.error.step = "unmapping";
		err = PHYR_E_FAULT;
	}
	phyrsim_machine_fini(&machine);
	return err;
}
