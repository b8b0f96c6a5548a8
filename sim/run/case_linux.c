/* SPDX-License-Identifier: MIT */
/*
 * What Linux needs for the memory of a case: mapped as its calls map it, checked to the byte, unmapped, as
 * often as ours; and counted by what was done.
 *
 * By rule, not by mapping: what there is without an IOMMU, where nothing is mapped; and that what is copied
 * goes entry by entry (dma_map_sg() of an untrusted device), where the memory itself is mapped instead of
 * its copy. sim/linux has no model of the slots.
 */

#include "case_linux.h"

#include <phyr/bits.h>
#include <phyrsim/linux_link.h>
#include <phyrsim/linux_sg.h>

/* The longest segment that drivers ask for; and the longest that can be copied. */
#define SEGMENT_LONG (UINT64_C(2) << 30)
#define SEGMENT_BOUNCED (UINT64_C(256) << 10)
/* sizeof(dma_addr_t), sizeof(struct dma_iova_state). */
#define ADDRESS_LEN 8
#define STATE_LEN 16

static const struct phyrsim_linux_sg_limits limits = { PHYR_PAGE_LG2, SEGMENT_LONG, UINT64_MAX,
						       PHYRSIM_LINUX_AS_IS };

/* A scatterlist being mapped, again and again. */
struct linux_job {
	struct linux_world world;
	struct phyrsim_linux_sg *sg;
	size_t cnt;
	uint64_t len; /* of all */
	struct phyr_iova_range reserved;
	bool checked; /* that it is mapped as it should be, in the first round */
	struct phyrsim_case_linux *cost;
	struct report *report;
};

/* How it is mapped and unmapped, each in a round. */
struct linux_way {
	int (*map)(struct linux_job *job);
	int (*unmap)(struct linux_job *job);
};

static bool is_bus(const struct phyrsim_linux_sg *entry)
{
	return entry->type == PHYR_P2P_BUS;
}

static void type_peers(struct phyrsim_linux_sg *sg, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (sg[i].mem.pa.addr < BAR_FIRST)
			continue;
		sg[i].type = PHYR_P2P_BUS;
		sg[i].bus_offset = BAR_BUS - BAR_FIRST;
	}
}

static struct phyr_range pages_of(struct phyr_range memory)
{
	uint64_t mask = phyr_bits_mask(PHYR_PAGE_LG2);
	uint64_t first = memory.pa.addr & ~mask;
	struct phyr_range pages = { phyr_pa_at(first), 0 };

	pages.len = ((memory.pa.addr + (memory.len - 1)) | mask) - first + 1;
	return pages;
}

/* Hardware finds memory at an I/O address, to its last byte; later rounds do the same again. */
static int check_memory(struct linux_job *job, struct phyr_range memory, uint64_t iova)
{
	struct phyrsim_walk walk;
	uint64_t done = job->checked ? memory.len : 0;

	while (done < memory.len) {
		uint64_t at = iova + done;

		if (phyrsim_check_walk(&job->world.machine, at, &walk) ||
		    walk.pa.addr != memory.pa.addr + done)
			return phyrsim_check_failed(job->report, done);
		done += phyr_bits_size(walk.leaf_lg2) - (at & phyr_bits_mask(walk.leaf_lg2));
	}
	return PHYR_OK;
}

/* One call for what follows on in memory, as iommu_map_sg(): bus addresses are passed over. */
static int map_runs(struct linux_job *job)
{
	struct phyr_range run = { { 0 }, 0 };
	uint64_t iova = job->reserved.iova.addr;
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < job->cnt; i++) {
		struct phyr_range pages = pages_of(job->sg[i].mem);

		if (is_bus(&job->sg[i]))
			continue;
		if (run.len && run.pa.addr + run.len == pages.pa.addr) {
			run.len += pages.len;
			continue;
		}
		if (run.len)
			err = phyrsim_linux_world_map(&job->world, phyr_iova_at(iova), run);
		iova += run.len;
		run = pages;
	}
	if (!err && run.len)
		err = phyrsim_linux_world_map(&job->world, phyr_iova_at(iova), run);
	return err;
}

/*
 * The ranges that the device was given are the entries, one behind the other; of a bus address only the
 * start is looked at, as its length may be that of another entry.
 */
static int check_ranges(struct linux_job *job)
{
	uint64_t iova = job->reserved.iova.addr, done = 0;
	size_t range = 0;

	for (size_t i = 0; i < job->cnt; i++) {
		const struct phyrsim_linux_sg *entry = &job->sg[i];
		const struct phyr_iova_range *given = &job->sg[range].dma;
		uint64_t at = iova + (entry->mem.pa.addr & phyr_bits_mask(PHYR_PAGE_LG2));

		if (is_bus(entry)) {
			at = entry->mem.pa.addr + entry->bus_offset;
		} else {
			if (check_memory(job, entry->mem, at))
				return PHYR_E_FAULT;
			iova += pages_of(entry->mem).len;
		}
		if (at != given->iova.addr + done)
			return phyrsim_check_failed(job->report, 0);
		done += entry->mem.len;
		if (is_bus(entry) || done == given->len) {
			range++;
			done = 0;
		}
	}
	return range == job->cost->entry_cnt && done == 0 ? PHYR_OK :
							    phyrsim_check_failed(job->report, 0);
}

/* dma_map_sg(): one reservation for the list, whose entries are joined where they can be. */
static int map_whole(struct linux_job *job)
{
	struct phyrsim_case_linux *cost = job->cost;
	struct phyrsim_linux_sg_plan plan;
	int err = phyrsim_linux_sg_plan(&limits, job->sg, job->cnt, &plan);

	if (!err)
		err = phyrsim_linux_world_take(&job->world, plan.iova_len, &job->reserved);
	if (!err)
		err = map_runs(job);
	if (err)
		return err;
	cost->entry_cnt = phyrsim_linux_sg_finish(&limits, job->sg, job->cnt, job->reserved.iova);
	cost->told_len = 0;
	for (size_t i = 0; i < cost->entry_cnt; i++)
		cost->told_len += job->sg[i].dma.len;
	return check_ranges(job);
}

static int unmap_whole(struct linux_job *job)
{
	return phyrsim_linux_world_unmap(&job->world, job->reserved);
}

/* dma_map_page(), entry by entry; what is reached by bus address is not mapped. */
static int map_each(struct linux_job *job)
{
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < job->cnt; i++) {
		struct phyrsim_linux_sg *entry = &job->sg[i];
		struct phyr_range pages = pages_of(entry->mem);

		if (is_bus(entry))
			continue;
		err = phyrsim_linux_world_take(&job->world, pages.len, &entry->dma);
		if (!err)
			err = phyrsim_linux_world_map(&job->world, entry->dma.iova, pages);
		if (!err)
			err = check_memory(job, pages, entry->dma.iova.addr);
	}
	return err;
}

static int unmap_each(struct linux_job *job)
{
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < job->cnt; i++) {
		if (!is_bus(&job->sg[i]))
			err = phyrsim_linux_world_unmap(&job->world, job->sg[i].dma);
	}
	return err;
}

/* All rounds on a machine of their own; what they needed is in the world, until it is closed. */
static int run_rounds(struct linux_job *job, struct linux_way way)
{
	int err = PHYR_OK;

	for (int i = 0; !err && i < PHYRSIM_CASE_ROUNDS; i++) {
		err = way.map(job);
		if (!err)
			err = way.unmap(job);
		job->checked = true;
	}
	job->checked = false;
	phyrsim_linux_world_tick(&job->world);
	return err;
}

static int fill(struct linux_job *job, const struct phyrsim_case_params *params,
		const struct phyr_list *list, uint64_t segment_max)
{
	const struct phyr_mem *mem = params->mem;

	job->len = phyr_list_len(list);
	job->cnt = (size_t)phyrsim_linux_scatterlist(list, segment_max).entry_cnt;
	job->sg = mem->alloc(mem->ctx, job->cnt * sizeof(*job->sg));
	if (!job->sg)
		return PHYR_E_NOMEM;
	(void)phyrsim_linux_sg_fill(list, segment_max, job->sg);
	type_peers(job->sg, job->cnt);
	return phyrsim_linux_world_init(&job->world, params);
}

static void drop(struct linux_job *job, const struct phyr_mem *mem)
{
	if (job->sg)
		mem->free(mem->ctx, job->sg, job->cnt * sizeof(*job->sg));
	phyrsim_linux_world_fini(&job->world);
}

/* dma_iova_link(), entry by entry, into one state. Whether that can be is not an error. */
static int link_all(struct linux_job *job, const struct phyrsim_linux_state *state)
{
	uint64_t offset = 0;
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < job->cnt; i++) {
		struct phyr_range memory = job->sg[i].mem;
		struct phyrsim_linux_link link;

		if (!is_bus(&job->sg[i])) {
			err = phyrsim_linux_two_step_link(state, memory, offset, &link);
			if (!err)
				err = phyrsim_linux_world_map(
					&job->world, link.iova.iova,
					(struct phyr_range){ link.pa, link.iova.len });
			if (!err)
				err = check_memory(job, memory, state->iova.addr + offset);
		}
		offset += memory.len;
	}
	return err;
}

/* The first segment says where in its page byte 0 is. */
static int try_two_steps(struct linux_job *job)
{
	const struct phyrsim_linux_two_step two_step = { job->world.iova, &job->world.device, 0,
							 PHYRSIM_LINUX_AS_IS };
	struct phyr_range first = { job->sg->mem.pa, job->len };
	struct phyrsim_linux_state state;
	int err = phyrsim_linux_two_step_alloc(&two_step, first, &state);

	if (err)
		return err;
	err = link_all(job, &state);
	job->cost->state_len = err ? 0 : STATE_LEN;
	return err == PHYR_E_IO || err == PHYR_E_ALIGN ? PHYR_OK : err;
}

/* What is copied goes entry by entry; all else as a whole. */
static int count_list(const struct phyrsim_case_params *params, const struct phyr_list *list,
		      struct linux_job *job)
{
	bool bounced = phyrsim_case_is_bounced(params);
	struct linux_way way = { bounced ? map_each : map_whole,
				 bounced ? unmap_each : unmap_whole };
	int err = fill(job, params, list, bounced ? SEGMENT_BOUNCED : SEGMENT_LONG);

	if (!err)
		err = run_rounds(job, way);
	job->cost->call_cnt = job->world.call_cnt / PHYRSIM_CASE_ROUNDS;
	if (!err) {
		job->cost->flush_cnt = phyrsim_linux_world_flushes(&job->world);
		err = try_two_steps(job);
	}
	return err;
}

static int count_pages(const struct phyrsim_case_params *params, const struct phyr_list *list,
		       struct linux_job *job)
{
	const struct linux_way way = { map_each, unmap_each };
	int err = fill(job, params, list, PHYR_PAGE_SIZE);

	if (!err)
		err = run_rounds(job, way);
	if (!err)
		job->cost->page_flush_cnt = phyrsim_linux_world_flushes(&job->world);
	return err;
}

/* What the descriptions take; and of ranges, as if each entry were one. */
static void describe(const struct phyrsim_case_params *params, const struct phyr_list *list,
		     struct phyrsim_case_linux *cost)
{
	struct phyrsim_linux_cost sg = phyrsim_linux_scatterlist(
		list, phyrsim_case_is_bounced(params) ? SEGMENT_BOUNCED : SEGMENT_LONG);

	*cost = (struct phyrsim_case_linux){ .sg_cnt = sg.entry_cnt, .sg_len = sg.len };
	cost->entry_cnt = sg.entry_cnt;
	cost->told_len = phyr_list_len(list);
	cost->page_cnt = phyrsim_linux_scatterlist(list, PHYR_PAGE_SIZE).entry_cnt;
	cost->page_len = cost->page_cnt * ADDRESS_LEN;
}

int phyrsim_case_linux(const struct phyrsim_case_params *params, const struct phyr_list *list,
		       struct report *report, struct phyrsim_case_linux *ret_cost)
{
	static int (*const counts[])(const struct phyrsim_case_params *, const struct phyr_list *,
				     struct linux_job *) = { count_list, count_pages };
	struct phyrsim_case_linux cost;
	int err = PHYR_OK;

	describe(params, list, &cost);
	for (size_t i = 0; !err && i < 2 && params->flushing != PHYRSIM_FLUSHING_NONE; i++) {
		struct linux_job job = { .cost = &cost, .report = report };

		err = counts[i](params, list, &job);
		drop(&job, params->mem);
	}
	if (!err)
		*ret_cost = cost;
	return err;
}
