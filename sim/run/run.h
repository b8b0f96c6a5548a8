/* SPDX-License-Identifier: MIT */
/* What the steps of a run share: the simulated machine of one mapping. */
#ifndef PHYRSIM_RUN_PRIVATE_H
#define PHYRSIM_RUN_PRIVATE_H

#include <phyr/dma.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/run.h>
#include <phyrsim/walker.h>

/* The lowest page is never handed out, as in Linux; 48 bits are a four-level table. */
#define FIRST_IOVA PHYR_PAGE_SIZE
#define LAST_IOVA ((UINT64_C(1) << 48) - 1)
/* A machine with nothing mapped: every mapping gets one of its own. */
struct machine {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_window window;
};

/* A machine with nothing mapped; and its end, also of one that is all zero. */
int phyrsim_machine_init(struct machine *machine, const struct phyr_mem *mem);
void phyrsim_machine_fini(struct machine *machine);

/* The error of a run; step is said before each step, the rest by the checks. */
struct report {
	struct phyrsim_run_error error;
	uint64_t checked_cnt;
};

/* The run so far. */
struct context {
	const struct phyr_mem *mem;
	phyr_sizes device_sizes;
	uint64_t by_page_max;
	struct phyr_list *list;
	struct phyrsim_result result;
	struct report report;
};

/* By which address a device names byte 0, which has this I/O address. */
uint64_t phyrsim_name_of(const struct phyr_list *list, enum phyrsim_naming naming, uint64_t iova);

/* A new row of the result. */
struct phyrsim_mapping *phyrsim_add_mapping(struct context *context,
					    enum phyrsim_strategy strategy);
struct phyrsim_translation *phyrsim_add_translation(struct context *context,
						    const struct phyrsim_mapping *mapping,
						    enum phyrsim_naming naming);

/* Registers mapped memory under a name in every way that a device may have; adds the row. */
int phyrsim_translate(struct context *context, const struct machine *machine,
		      const struct phyr_list *bus, const struct phyrsim_mapping *mapping,
		      enum phyrsim_naming naming);

/* Maps in one way on a machine of its own, adds the rows, unmaps; all is as new afterwards. */
int phyrsim_run_strategy(struct context *context, enum phyrsim_strategy strategy,
			 enum phyrsim_naming naming, bool mixed);

/* Adds the rows of a buffer that is mapped page by page, without mapping it. */
void phyrsim_count_by_page(struct context *context);

/* Notes that a byte is translated wrongly; PHYR_E_FAULT. */
int phyrsim_check_failed(struct report *report, uint64_t offset);
/* Where hardware finds an I/O address; PHYR_E_FAULT: nowhere. */
int phyrsim_check_walk(const struct machine *machine, uint64_t iova, struct phyrsim_walk *ret_walk);
/* What is just below and above a range of I/O addresses, in pages, must fault. */
int phyrsim_check_outside(const struct machine *machine, uint64_t first, uint64_t last,
			  struct report *report);

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
