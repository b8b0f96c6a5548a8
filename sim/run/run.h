/* SPDX-License-Identifier: MIT */
/* What the steps of a run share: the simulated machine of one mapping. */
#ifndef PHYRSIM_RUN_PRIVATE_H
#define PHYRSIM_RUN_PRIVATE_H

#include <phyr/dma.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/run.h>

/* A machine with nothing mapped: every mapping gets one of its own. */
struct machine {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_window window;
};

/* The error of a run; step is said before each step, the rest by the checks. */
struct report {
	struct phyrsim_run_error error;
	uint64_t checked_cnt;
};

/*
 * Compares the tables with the list, leaf by leaf: byte n of bus must lead to byte n of list, and
 * the addresses below and above all of bus must fault.
 */
int phyrsim_check_mapping(const struct machine *machine, const struct phyr_list *list,
			  const struct phyr_list *bus, struct report *report);

/* Compares a sample of device addresses, through the device's table, with the list. */
int phyrsim_check_region(const struct machine *machine, const struct phyr_list *list,
			 const struct phyrsim_mtt_region *region, uint64_t address,
			 struct report *report);

#endif
