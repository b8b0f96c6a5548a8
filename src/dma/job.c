/* SPDX-License-Identifier: MIT */
/* One list at one reservation: its runs go to the backend in batches, all of them or none. */

#include "job.h"

#include "../base/check.h"

/* Runs handed to the backend at a time: enough to make its walk one walk. */
#define BATCH_RUNS 64

int phyr_job_prepare(const struct phyr_dma *dma, struct job *job)
{
	unsigned int granule_lg2 = phyr_sizes_min_lg2(dma->caps.sizes);
	struct phyr_list_stats stats;
	struct phyr_run run;
	uint64_t len;

	phyr_list_stats(job->list, &stats);
	if (!phyr_bits_aligned(stats.joint_mask, granule_lg2))
		return PHYR_E_ALIGN;
	if (stats.kind_mask & (stats.kind_mask - 1))
		return PHYR_E_KIND;
	job->kind = (enum phyr_kind)phyr_bits_ctz(stats.kind_mask);
	phyr_list_begin(job->list, &job->cursor);
	if (!phyr_list_next(&job->cursor, &run))
		return PHYR_E_INVAL;
	phyr_list_begin(job->list, &job->cursor);
	job->head_len = run.range.pa.addr & phyr_bits_mask(granule_lg2);
	if (__builtin_add_overflow(stats.len, job->head_len, &len) ||
	    !phyr_bits_up(len, granule_lg2, &job->reserved.len))
		return PHYR_E_RANGE;
	return PHYR_OK;
}

/* The next runs of a list, its two ends rounded out to granules. */
static size_t next_batch(struct job *job, struct phyr_range runs[BATCH_RUNS], uint64_t done)
{
	uint64_t end = job->head_len + phyr_list_len(job->list);
	struct phyr_run run;
	size_t cnt = 0;

	while (cnt < BATCH_RUNS && phyr_list_next(&job->cursor, &run)) {
		runs[cnt] = run.range;
		if (run.offset == 0) {
			runs[cnt].pa.addr -= job->head_len;
			runs[cnt].len += job->head_len;
		}
		done += runs[cnt].len;
		if (done == end)
			runs[cnt].len += job->reserved.len - end;
		cnt++;
	}
	return cnt;
}

static struct phyr_iommu_map request(const struct job *job, const struct phyr_range *runs,
				     size_t run_cnt, uint64_t done)
{
	struct phyr_iommu_map map = { phyr_iova_at(job->reserved.iova.addr + done),
				      runs,
				      run_cnt,
				      job->perm,
				      job->kind,
				      { phyr_list_va(job->list) - job->head_len + done, -1, 0 } };

	return map;
}

int phyr_job_map(struct phyr_dma *dma, struct job *job)
{
	const struct phyr_iommu_ops *ops = dma->iommu.ops;
	struct phyr_range runs[BATCH_RUNS];
	struct phyr_iova_range done = { job->reserved.iova, 0 };
	size_t cnt;
	int err = PHYR_OK;

	while (!err && (cnt = next_batch(job, runs, done.len)) != 0) {
		struct phyr_iommu_map map = request(job, runs, cnt, done.len);

		err = ops->map(dma->iommu.ctx, &map);
		for (size_t i = 0; !err && i < cnt; i++)
			done.len += runs[i].len;
		dma->stats.call_cnt++;
		dma->stats.run_cnt += cnt;
	}
	if (!err) {
		dma->stats.sync_cnt++;
		err = ops->sync_map(dma->iommu.ctx, job->reserved);
	}
	if (err && done.len && phyr_dma_unmap_range(dma, done))
		PHYR_ASSERT(false);
	return err;
}

int phyr_dma_unmap_range(struct phyr_dma *dma, struct phyr_iova_range range)
{
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	err = dma->iommu.ops->unmap(dma->iommu.ctx, range, &gather);
	if (err)
		return err;
	dma->iommu.ops->flush(dma->iommu.ctx, &gather);
	dma->stats.flush_cnt++;
	return PHYR_OK;
}
