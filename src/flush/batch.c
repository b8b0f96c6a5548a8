/* SPDX-License-Identifier: MIT */
/* What needs no queue: one unmap that is invalidated at once, and batches of them. */

#include <string.h>

#include "flush.h"

int phyr_flush_give(const struct phyr_flush_target *target, struct phyr_iova_range range)
{
	if (range.len == 0)
		return PHYR_OK;
	if (target->cache)
		return phyr_iova_cache_free(target->cache, range);
	return phyr_iova_free(target->space, range);
}

int phyr_flush_now(const struct phyr_flush_target *target, struct phyr_iova_range reserved,
		   struct phyr_gather *gather)
{
	target->iommu.ops->flush(target->iommu.ctx, gather);
	return phyr_flush_give(target, reserved);
}

void phyr_flush_batch_init(struct phyr_flush_batch *batch, const struct phyr_flush_target *target,
			   struct phyr_iova_range *held, size_t held_max)
{
	memset(batch, 0, sizeof(*batch));
	phyr_gather_init(&batch->gather);
	batch->target = *target;
	batch->held = held;
	batch->held_max = held_max;
}

/* Only what is removed has to be invalidated; a batch may hold addresses of mappings that failed. */
void phyr_flush_batch_end(struct phyr_flush_batch *batch)
{
	struct phyr_flush_batch_stats *stats = &batch->stats;

	if (!batch->gather.empty) {
		batch->target.iommu.ops->flush(batch->target.iommu.ctx, &batch->gather);
		stats->flush_cnt++;
	}
	for (size_t i = 0; i < batch->held_cnt; i++)
		stats->refused_cnt += phyr_flush_give(&batch->target, batch->held[i]) != PHYR_OK;
	batch->held_cnt = 0;
	stats->held_len = 0;
}

void phyr_flush_batch_add(struct phyr_flush_batch *batch, struct phyr_iova_range reserved)
{
	struct phyr_flush_batch_stats *stats = &batch->stats;

	stats->add_cnt++;
	if (reserved.len == 0)
		return;
	stats->held_len += reserved.len;
	if (stats->held_len > stats->held_len_max)
		stats->held_len_max = stats->held_len;
	if (batch->held_cnt < batch->held_max) {
		batch->held[batch->held_cnt++] = reserved;
		return;
	}
	stats->early_cnt++;
	phyr_flush_batch_end(batch);
	stats->refused_cnt += phyr_flush_give(&batch->target, reserved) != PHYR_OK;
}
