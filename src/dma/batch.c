/* SPDX-License-Identifier: MIT */
/*
 * Pieces that are met one by one, kept in a list until they are all known.
 *
 * The list is freed when the mapping does not need it, and else with the mapping.
 */

#include <string.h>

#include "check.h"
#include "map.h"

struct phyr_dma_batch {
	struct phyr_dma *dma;
	struct phyr_list list;
};

int phyr_dma_batch_begin(struct phyr_dma *dma, struct phyr_dma_batch **ret_batch)
{
	struct phyr_dma_batch *batch;

	if (!dma || !ret_batch)
		return PHYR_E_INVAL;
	batch = dma->params.mem->alloc(dma->params.mem->ctx, sizeof(*batch));
	if (!batch)
		return PHYR_E_NOMEM;
	batch->dma = dma;
	phyr_list_init(&batch->list, dma->params.mem);
	*ret_batch = batch;
	return PHYR_OK;
}

int phyr_dma_batch_add(struct phyr_dma_batch *batch, struct phyr_range range, struct phyr_tag tag)
{
	return batch ? phyr_list_append(&batch->list, range, tag) : PHYR_E_INVAL;
}

void phyr_dma_batch_cancel(struct phyr_dma_batch *batch)
{
	const struct phyr_mem *mem;

	if (!batch)
		return;
	mem = batch->dma->params.mem;
	phyr_list_fini(&batch->list);
	mem->free(mem->ctx, batch, sizeof(*batch));
}

/* A record for the sake of the list that is borrowed, where there is none. */
static int keep(struct phyr_dma_batch *batch, struct phyr_dma_map *map)
{
	const struct plan plan = { .peer_len = 0 };
	struct phyr_list_stats stats;

	if (!map->extra) {
		map->extra = phyr_extra_create(batch->dma, &plan);
		if (!map->extra)
			return PHYR_E_NOMEM;
		phyr_extra_count(map->extra);
		map->extra->map = *map;
	}
	phyr_list_stats(&batch->list, &stats);
	map->extra->batch = batch;
	map->extra->kept_len += sizeof(*batch) + stats.storage_len;
	batch->dma->stats.list_len += sizeof(*batch) + stats.storage_len;
	if (batch->dma->params.checker)
		phyr_checker_kept(batch->dma, map);
	return PHYR_OK;
}

int phyr_dma_batch_end(struct phyr_dma_batch *batch, enum phyr_perm perm,
		       const struct phyr_placement *placement, struct phyr_dma_map *ret_map)
{
	struct phyr_dma_map map;
	int err;

	if (!batch || !ret_map)
		return PHYR_E_INVAL;
	err = phyr_dma_map(batch->dma, &batch->list, perm, placement, &map);
	if (err)
		return err;
	if (map.form != PHYR_DMA_BORROWED) {
		phyr_dma_batch_cancel(batch);
	} else {
		err = keep(batch, &map);
		if (err) {
			if (phyr_dma_unmap(batch->dma, &map))
				PHYR_ASSERT(false);
			return err;
		}
	}
	*ret_map = map;
	return PHYR_OK;
}
