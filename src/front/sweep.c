/* SPDX-License-Identifier: MIT */
/* Unlinks that share one flush: a batch of the caller's, set for as long as they take. */

#include "sweep.h"

void phyr_sweep_begin(struct sweep *sweep, struct phyr_dma *dma)
{
	struct phyr_dma_params params;
	struct phyr_flush_target target;

	phyr_dma_params(dma, &params);
	target = (struct phyr_flush_target){ params.iommu, params.space, params.cache };
	phyr_flush_batch_init(&sweep->batch, &target, NULL, 0);
	sweep->dma = dma;
	sweep->before = phyr_dma_set_batch(dma, &sweep->batch);
}

int phyr_sweep_unlink(struct sweep *sweep, struct phyr_dma_state *state, uint64_t offset,
		      uint64_t len)
{
	struct phyr_dma_part part = { .offset = offset, .len = len };

	return phyr_dma_unlink(sweep->dma, state, &part);
}

uint64_t phyr_sweep_end(struct sweep *sweep)
{
	phyr_flush_batch_end(&sweep->batch);
	(void)phyr_dma_set_batch(sweep->dma, sweep->before);
	return sweep->batch.stats.flush_cnt;
}
