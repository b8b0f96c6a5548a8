/* SPDX-License-Identifier: MIT */
/* Does hardware see what was asked for? The walker's answers against the list itself. */

#include <phyr/bits.h>

#include "run.h"

/* Addresses of a region that go through the device's table as well. */
#define SAMPLE_CNT 512

int phyrsim_check_failed(struct report *report, uint64_t offset)
{
	report->error.mistranslated = true;
	report->error.offset = offset;
	return PHYR_E_FAULT;
}

int phyrsim_check_walk(const struct machine *machine, uint64_t iova, struct phyrsim_walk *ret_walk)
{
	struct phyrsim_access access = { phyr_iova_at(iova), PHYR_PERM_READ_WRITE, 0 };
	struct phyrsim_root root;

	phyrsim_iommu_root(machine->iommu, &root);
	return phyrsim_walk(machine->frames, &root, &access, ret_walk);
}

/* One range of I/O addresses that should lead to one range of memory, leaf by leaf. */
static int check_range(const struct machine *machine, struct phyr_range pa, uint64_t iova,
		       uint64_t offset, struct report *report)
{
	while (pa.len) {
		struct phyrsim_walk found;
		uint64_t rest;

		if (phyrsim_check_walk(machine, iova, &found) || found.pa.addr != pa.pa.addr)
			return phyrsim_check_failed(report, offset);
		rest = phyr_bits_size(found.leaf_lg2) - (iova & phyr_bits_mask(found.leaf_lg2));
		if (rest > pa.len)
			rest = pa.len;
		pa.pa.addr += rest;
		pa.len -= rest;
		iova += rest;
		offset += rest;
		report->checked_cnt++;
	}
	return PHYR_OK;
}

int phyrsim_check_outside(const struct machine *machine, uint64_t first, uint64_t last,
			  struct report *report)
{
	struct phyrsim_walk found;

	first = phyr_bits_down(first, PHYR_PAGE_LG2);
	last |= phyr_bits_mask(PHYR_PAGE_LG2);
	if (first && phyrsim_check_walk(machine, first - 1, &found) != PHYR_E_FAULT)
		return phyrsim_check_failed(report, 0);
	if (last != UINT64_MAX && phyrsim_check_walk(machine, last + 1, &found) != PHYR_E_FAULT)
		return phyrsim_check_failed(report, 0);
	return PHYR_OK;
}

int phyrsim_check_mapping(const struct machine *machine, const struct phyr_list *list,
			  const struct phyr_list *bus, struct report *report)
{
	struct phyr_list_cursor list_cursor, bus_cursor;
	uint64_t first = UINT64_MAX, last = 0, offset = 0;
	struct phyr_run memory = { .offset = 0 }, run;
	int err = PHYR_OK;

	phyr_list_begin(list, &list_cursor);
	phyr_list_begin(bus, &bus_cursor);
	while (!err && phyr_list_next(&bus_cursor, &run)) {
		uint64_t run_last = run.range.pa.addr + (run.range.len - 1);

		first = run.range.pa.addr < first ? run.range.pa.addr : first;
		last = run_last > last ? run_last : last;
		while (!err && run.range.len) {
			struct phyr_range part;

			if (memory.range.len == 0 && !phyr_list_next(&list_cursor, &memory))
				return phyrsim_check_failed(report, offset);
			part = memory.range;
			if (part.len > run.range.len)
				part.len = run.range.len;
			err = check_range(machine, part, run.range.pa.addr, offset, report);
			run.range.pa.addr += part.len;
			run.range.len -= part.len;
			memory.range.pa.addr += part.len;
			memory.range.len -= part.len;
			offset += part.len;
		}
	}
	if (!err && offset != phyr_list_len(list))
		err = phyrsim_check_failed(report, offset);
	return err ? err : phyrsim_check_outside(machine, first, last, report);
}

/* The physical address of a byte, from the list alone. */
static uint64_t pa_of(const struct phyr_list *list, uint64_t offset)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };

	if (phyr_list_seek(list, offset, &cursor) || !phyr_list_next(&cursor, &run))
		return UINT64_MAX;
	return run.range.pa.addr + (offset - run.offset);
}

int phyrsim_check_region(const struct machine *machine, const struct phyr_list *list,
			 const struct phyrsim_mtt_region *region, uint64_t address,
			 struct report *report)
{
	uint64_t len = phyr_list_len(list);
	struct phyrsim_walk found;
	phyr_iova iova;

	for (uint64_t n = 0; n <= SAMPLE_CNT; n++) {
		/* The first byte, the last, and evenly what is between, at odd places in pages. */
		uint64_t offset = n == SAMPLE_CNT ? len - 1 : len / SAMPLE_CNT * n;

		if (phyrsim_mtt_translate(region, address + offset, &iova) ||
		    phyrsim_check_walk(machine, iova.addr, &found) ||
		    found.pa.addr != pa_of(list, offset))
			return phyrsim_check_failed(report, offset);
	}
	if (phyrsim_mtt_translate(region, address - 1, &iova) != PHYR_E_FAULT ||
	    phyrsim_mtt_translate(region, address + len, &iova) != PHYR_E_FAULT)
		return phyrsim_check_failed(report, len);
	return PHYR_OK;
}
