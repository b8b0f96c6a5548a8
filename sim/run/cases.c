/* SPDX-License-Identifier: MIT */
/* One case: mapped, checked, counted and unmapped, eight times over, on a machine of its own. */

#include "cases.h"

#include <string.h>

/* A range: address and length. */
#define RANGE_LEN 16

struct job {
	const struct phyrsim_case_params *params;
	struct case_world world;
	struct phyr_list list;
	struct report report;
	struct phyrsim_case_row row;
};

static bool comes_with(enum phyrsim_case which, enum phyrsim_flushing flushing)
{
	switch (which) {
	case PHYRSIM_CASE_DIRECT:
		return flushing == PHYRSIM_FLUSHING_NONE;
	case PHYRSIM_CASE_ALIGNED:
	case PHYRSIM_CASE_PEER:
	case PHYRSIM_CASE_UNALIGNED:
		return flushing != PHYRSIM_FLUSHING_NONE;
	case PHYRSIM_CASE_BOUNCE_ONE:
	case PHYRSIM_CASE_BOUNCE_MANY:
		break;
	}
	return true;
}

static int check_params(const struct phyrsim_case_params *params)
{
	if (!params || !params->mem || !params->mem->alloc || !params->mem->free ||
	    params->len == 0 || params->which < PHYRSIM_CASE_DIRECT ||
	    params->which > PHYRSIM_CASE_UNALIGNED || params->mix > PHYRSIM_MIX_MIXED ||
	    params->flushing > PHYRSIM_FLUSHING_LAZY)
		return PHYR_E_INVAL;
	if (!comes_with(params->which, params->flushing))
		return PHYR_E_UNSUPPORTED;
	if (params->len % phyrsim_mix_unit(params->mix))
		return PHYR_E_ALIGN;
	return params->len > PHYRSIM_CASE_LEN_MAX ? PHYR_E_LIMIT : PHYR_OK;
}

/* Where the largest pages stay whole. */
static int map_list(struct job *job, struct phyr_dma_map *ret_map)
{
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_dma_linear linear = { &job->list, PHYR_PERM_READ_WRITE, &placement, true };

	placement.phase_lg2 = (uint8_t)phyrsim_mix_lg2(job->params->mix);
	if (job->params->which == PHYRSIM_CASE_BOUNCE_ONE)
		return phyr_dma_map_linear(job->world.dma, &linear, ret_map, NULL);
	return phyr_dma_map(job->world.dma, &job->list, PHYR_PERM_READ_WRITE, &placement, ret_map);
}

/* Without what the mapping could not be taken away again: nothing, the range, or every address. */
static uint64_t count_need(const struct phyr_dma_map *map, uint64_t keep_len)
{
	if (map->form == PHYR_DMA_BORROWED)
		return 0;
	return map->form == PHYR_DMA_LIST && map->bounced ? keep_len : RANGE_LEN;
}

/* What the first mapping holds while it is there. */
static void count_map(struct job *job, const struct phyr_dma_map *map)
{
	struct phyrsim_case_row *row = &job->row;
	struct phyrsim_iommu_stats iommu;
	struct phyr_iova_range range;
	struct phyr_dma_cursor cursor;
	struct phyr_dma_stats dma;

	phyr_dma_stats(job->world.dma, &dma);
	phyrsim_iommu_stats(job->world.machine.iommu, &iommu);
	phyr_dma_begin(map, &cursor);
	while (phyr_dma_next(&cursor, &range))
		row->entry_cnt++;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		row->leaf_cnt += iommu.table.leaves.cnt[lg2];
	row->keep_len = dma.list_len;
	row->need_len = count_need(map, dma.list_len);
	row->reserved_len = map->reserved.len;
	row->bounced_len = dma.bounced_len;
}

static bool is_gone(const struct job *job, struct phyr_iova_range reserved)
{
	struct phyrsim_walk walk;

	return reserved.len == 0 ||
	       phyrsim_check_walk(&job->world.machine, reserved.iova.addr, &walk) == PHYR_E_FAULT;
}

static int run_round(struct job *job)
{
	struct phyr_iova_range reserved;
	struct phyr_dma_map map;
	int unmap_err, err;

	job->report.error.step = "mapping";
	err = map_list(job, &map);
	if (err)
		return err;
	reserved = map.reserved;
	job->report.error.step = "checking what the device reaches";
	err = phyrsim_case_check(&job->world, &job->list, &map, &job->report);
	if (!err && job->row.entry_cnt == 0)
		count_map(job, &map);
	unmap_err = phyr_dma_unmap(job->world.dma, &map);
	if (err)
		return err;
	job->report.error.step = "unmapping";
	return unmap_err || !is_gone(job, reserved) ? PHYR_E_FAULT : PHYR_OK;
}

/* What all rounds did, when nothing waits any more. */
static void count_rounds(struct job *job)
{
	struct phyr_flush_ring_stats ring = { .held_len_max = 0 };
	struct phyrsim_case_row *row = &job->row;
	struct phyrsim_iommu_stats iommu;
	struct phyr_dma_stats dma;

	phyr_dma_stats(job->world.dma, &dma);
	phyrsim_iommu_stats(job->world.machine.iommu, &iommu);
	if (job->world.ring)
		phyr_flush_ring_stats(job->world.ring, &ring);
	row->call_cnt = dma.call_cnt / PHYRSIM_CASE_ROUNDS;
	row->mapped_run_cnt = dma.run_cnt / PHYRSIM_CASE_ROUNDS;
	row->sync_cnt = dma.sync_cnt / PHYRSIM_CASE_ROUNDS;
	memcpy(row->flush_cnt, iommu.flush_cnt, sizeof(row->flush_cnt));
	row->held_len = ring.held_len_max + job->world.batch.stats.held_len_max;
	row->checked_cnt = job->report.checked_cnt;
}

static int run_rounds(struct job *job)
{
	int err = PHYR_OK;

	for (int i = 0; !err && i < PHYRSIM_CASE_ROUNDS; i++)
		err = run_round(job);
	phyrsim_case_world_flush(&job->world, job->params->flushing);
	if (err)
		return err;
	count_rounds(job);
	return phyrsim_case_world_is_new(&job->world) ? PHYR_OK : PHYR_E_FAULT;
}

static int run_job(struct job *job)
{
	struct phyr_list_stats stats;
	int err;

	job->report.error.step = "making up the memory";
	err = phyrsim_case_memory(job->params, &job->list);
	job->report.error.step = err ? job->report.error.step : "mapping as Linux does";
	if (!err)
		err = phyrsim_case_linux(job->params, &job->list, &job->report,
					 &job->row.linux_cost);
	if (err)
		return err;
	phyr_list_stats(&job->list, &stats);
	job->row.which = job->params->which;
	job->row.mix = job->params->mix;
	job->row.flushing = job->params->flushing;
	job->row.len = stats.len;
	job->row.run_cnt = stats.run_cnt;
	job->report.error.step = "making the machine";
	err = phyrsim_case_world_init(&job->world, job->params);
	if (!err)
		err = run_rounds(job);
	phyrsim_case_world_fini(&job->world);
	return err;
}

int phyrsim_run_case(const struct phyrsim_case_params *params, struct phyrsim_case_row *ret_row,
		     struct phyrsim_run_error *ret_error)
{
	struct job job;
	int err = check_params(params);

	memset(&job, 0, sizeof(job));
	job.params = params;
	job.report.error.step = "checking arguments";
	if (!err && !ret_row)
		err = PHYR_E_INVAL;
	if (!err) {
		phyr_list_init(&job.list, params->mem);
		err = run_job(&job);
		phyr_list_fini(&job.list);
	}
	if (!err)
		*ret_row = job.row;
	else if (ret_error)
		*ret_error = job.report.error;
	return err;
}

/* All that a mix comes with, behind the rows that are there. */
static int run_mix(struct phyrsim_case_params *params, struct phyrsim_case_row *rows, size_t *cnt,
		   struct phyrsim_run_error *ret_error)
{
	for (int which = PHYRSIM_CASE_DIRECT; which <= PHYRSIM_CASE_UNALIGNED; which++) {
		for (int flushing = 0; flushing < PHYRSIM_FLUSHING_CNT; flushing++) {
			int err;

			params->which = (enum phyrsim_case)which;
			params->flushing = (enum phyrsim_flushing)flushing;
			if (!comes_with(params->which, params->flushing))
				continue;
			err = phyrsim_run_case(params, &rows[*cnt], ret_error);
			if (err)
				return err;
			(*cnt)++;
		}
	}
	return PHYR_OK;
}

int phyrsim_run_cases(const struct phyr_mem *mem, uint64_t len, struct phyrsim_case_row *ret_rows,
		      size_t *ret_cnt, struct phyrsim_run_error *ret_error)
{
	struct phyrsim_case_params params = { .mem = mem, .len = len };
	size_t cnt = 0;
	int err = ret_rows && ret_cnt ? PHYR_OK : PHYR_E_INVAL;

	if (err && ret_error)
		*ret_error = (struct phyrsim_run_error){ "checking arguments", 0, false };
	for (int mix = 0; !err && mix < PHYRSIM_MIX_CNT; mix++) {
		params.mix = (enum phyrsim_mix)mix;
		/* The first of them says what is wrong with a length that no mix has. */
		if (mix == PHYRSIM_MIX_4K || len % phyrsim_mix_unit(params.mix) == 0)
			err = run_mix(&params, ret_rows, &cnt, ret_error);
	}
	if (!err)
		*ret_cnt = cnt;
	return err;
}
