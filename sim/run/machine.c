/* SPDX-License-Identifier: MIT */
/* The simulated machine of one mapping: memory for tables, an IOMMU, I/O addresses. */

#include <string.h>

#include "run.h"

void phyrsim_machine_fini(struct machine *machine)
{
	phyr_iova_destroy(machine->space);
	phyrsim_iommu_destroy(machine->iommu);
	phyrsim_mem_destroy(machine->frames);
}

int phyrsim_machine_init(struct machine *machine, const struct phyr_mem *mem)
{
	struct phyr_iova_params space = { .mem = mem };
	struct phyrsim_iommu_params params = { .table.mem = mem };
	int err;

	memset(machine, 0, sizeof(*machine));
	machine->mem = mem;
	machine->window.first = phyr_iova_at(FIRST_IOVA);
	machine->window.last = phyr_iova_at(LAST_IOVA);
	space.window = machine->window;
	err = phyrsim_mem_create(mem, &machine->frames);
	if (!err) {
		params.table.frames = machine->frames;
		params.table.format = PHYRSIM_FORMAT_VTD_SS;
		err = phyrsim_iommu_create(&params, &machine->iommu);
	}
	if (!err)
		err = phyr_iova_create(&space, &machine->space);
	if (err) {
		phyrsim_machine_fini(machine);
		memset(machine, 0, sizeof(*machine));
	}
	return err;
}
