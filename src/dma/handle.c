/* SPDX-License-Identifier: MIT */
/*
 * The handle, and where its I/O addresses come from and go to: cache or space, now or later.
 *
 * Not here: what is mapped at them.
 */

#include "handle.h"

#include <string.h>

#define KNOWN_TRAITS \
	(PHYR_DMA_NONCOHERENT | PHYR_DMA_UNTRUSTED | PHYR_DMA_ONE_PEER | PHYR_DMA_DECRYPT)

static bool usable(const struct phyr_dma_params *params)
{
	if (!params || !params->mem || !params->mem->alloc || !params->mem->free ||
	    params->keep_lg2 > 63 || params->traits & ~(unsigned int)KNOWN_TRAITS)
		return false;
	if (params->iommu.ops)
		return params->space && params->bus_offset == 0;
	return !params->cache && !params->ring;
}

/* What the IOMMU and the device's own width leave. False: the IOMMU maps nothing. */
static bool take_caps(struct phyr_dma *dma)
{
	struct phyr_iommu_caps caps;

	dma->window = phyr_placement_any().window;
	if (dma->params.iommu.ops) {
		dma->params.iommu.ops->caps(dma->params.iommu.ctx, &caps);
		if (caps.sizes.mask == 0)
			return false;
		dma->granule_lg2 = phyr_sizes_min_lg2(caps.sizes);
		dma->window = caps.iova;
	}
	if (dma->params.address_last && dma->params.address_last < dma->window.last.addr)
		dma->window.last.addr = dma->params.address_last;
	return true;
}

static size_t count_slots(struct phyr_bounce *pool)
{
	struct phyr_bounce_stats stats = { .slot_cnt = 0 };

	if (pool)
		phyr_bounce_stats(pool, &stats);
	return stats.slot_cnt;
}

int phyr_dma_create(const struct phyr_dma_params *params, struct phyr_dma **ret_dma)
{
	struct phyr_dma *dma;
	int err = PHYR_E_INVAL;

	if (!usable(params) || !ret_dma)
		return PHYR_E_INVAL;
	dma = params->mem->alloc(params->mem->ctx, sizeof(*dma));
	if (!dma)
		return PHYR_E_NOMEM;
	memset(dma, 0, sizeof(*dma));
	dma->params = *params;
	dma->slot_max = count_slots(params->bounce);
	if (take_caps(dma))
		err = params->p2p ? phyr_p2p_client_create(params->mem, params->p2p, params->node,
							   &dma->peers) :
				    PHYR_OK;
	if (err) {
		phyr_dma_destroy(dma);
		return err;
	}
	*ret_dma = dma;
	return PHYR_OK;
}

void phyr_dma_destroy(struct phyr_dma *dma)
{
	if (!dma)
		return;
	PHYR_ASSERT(dma->stats.mapped_len == 0 && dma->stats.reserved_len == 0);
	phyr_p2p_client_destroy(dma->peers);
	dma->params.mem->free(dma->params.mem->ctx, dma, sizeof(*dma));
}

void phyr_dma_params(const struct phyr_dma *dma, struct phyr_dma_params *ret_params)
{
	*ret_params = dma->params;
}

struct phyr_flush_batch *phyr_dma_set_batch(struct phyr_dma *dma, struct phyr_flush_batch *batch)
{
	struct phyr_flush_batch *before = dma->batch;

	dma->batch = batch;
	return before;
}

void phyr_dma_stats(const struct phyr_dma *dma, struct phyr_dma_stats *ret_stats)
{
	*ret_stats = dma->stats;
}

static void give(struct phyr_dma *dma, struct phyr_iova_range reserved)
{
	bool cached = dma->params.cache && reserved.len >> dma->granule_lg2 <= PHYR_IOVA_CACHE_MAX;
	int err = cached ? phyr_iova_cache_free(dma->params.cache, reserved) :
			   phyr_iova_free(dma->params.space, reserved);

	if (err)
		PHYR_ASSERT(false);
}

/* A cache has one placement; what it hands out suits this device if it is reached. */
static int take_cached(struct phyr_dma *dma, uint64_t len, struct phyr_iova_range *ret_reserved)
{
	int err = phyr_iova_cache_alloc(dma->params.cache, len, ret_reserved);

	if (err)
		return err;
	if (reaches(dma, ret_reserved->iova.addr, ret_reserved->len) &&
	    phyr_bits_aligned(ret_reserved->iova.addr, dma->granule_lg2))
		return PHYR_OK;
	give(dma, *ret_reserved);
	return PHYR_E_LIMIT;
}

/* What waits for a flush, and what the cache holds, goes back to the space. */
static void collect(struct phyr_dma *dma)
{
	if (dma->params.ring)
		phyr_flush_ring_empty(dma->params.ring);
	if (dma->params.cache && phyr_iova_cache_drain(dma->params.cache))
		PHYR_ASSERT(false);
}

/* From the space itself; from all that is not in use, if need be. */
static int take_placed(struct phyr_dma *dma, uint64_t len, const struct phyr_placement *placement,
		       struct phyr_iova_range *ret_reserved)
{
	struct phyr_placement place = placement ? *placement : phyr_placement_any();
	int err;

	if (place.phase & granule_mask(dma))
		return PHYR_E_ALIGN;
	if (place.window.first.addr < dma->window.first.addr)
		place.window.first = dma->window.first;
	if (place.window.last.addr > dma->window.last.addr)
		place.window.last = dma->window.last;
	/* The space may hand out finer granules than the IOMMU maps. */
	if (place.phase_lg2 < dma->granule_lg2)
		place.phase_lg2 = (uint8_t)dma->granule_lg2;
	err = phyr_iova_alloc(dma->params.space, len, &place, ret_reserved);
	if (err != PHYR_E_NOSPACE || (!dma->params.cache && !dma->params.ring))
		return err;
	collect(dma);
	return phyr_iova_alloc(dma->params.space, len, &place, ret_reserved);
}

int phyr_dma_take(struct phyr_dma *dma, uint64_t len, const struct phyr_placement *placement,
		  struct phyr_iova_range *ret_reserved)
{
	int err = PHYR_E_LIMIT;

	if (!placement && dma->params.cache)
		err = take_cached(dma, len, ret_reserved);
	/* The cache asked the space too: for its own placement, and without what waits. */
	if (err == PHYR_E_LIMIT || err == PHYR_E_NOSPACE)
		err = take_placed(dma, len, placement, ret_reserved);
	if (err)
		return err;
	if (ret_reserved->len != len) { /* the space's granule is larger than the IOMMU's */
		give(dma, *ret_reserved);
		return PHYR_E_INVAL;
	}
	dma->stats.reserved_len += len;
	return PHYR_OK;
}

void phyr_dma_give(struct phyr_dma *dma, struct phyr_iova_range reserved)
{
	if (reserved.len == 0)
		return;
	dma->stats.reserved_len -= reserved.len;
	give(dma, reserved);
}

int phyr_dma_remove_now(struct phyr_dma *dma, struct phyr_iova_range range,
			struct phyr_iova_range reserved)
{
	const struct phyr_iommu *iommu = &dma->params.iommu;
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	err = iommu->ops->unmap(iommu->ctx, range, &gather);
	if (err)
		return err;
	iommu->ops->flush(iommu->ctx, &gather);
	dma->stats.flush_cnt++;
	phyr_dma_give(dma, reserved);
	return PHYR_OK;
}

/* Only the backend chains table pages, so it unmaps into the gather that is to wait. */
static int remove_into_batch(struct phyr_dma *dma, struct phyr_iova_range range,
			     struct phyr_iova_range reserved)
{
	int err = dma->params.iommu.ops->unmap(dma->params.iommu.ctx, range, &dma->batch->gather);

	if (!err)
		phyr_flush_batch_add(dma->batch, reserved);
	return err;
}

static int remove_into_ring(struct phyr_dma *dma, struct phyr_iova_range range,
			    struct phyr_iova_range reserved)
{
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	gather.queued = true;
	err = dma->params.iommu.ops->unmap(dma->params.iommu.ctx, range, &gather);
	if (!err)
		phyr_flush_defer(dma->params.ring, reserved, dma->params.cache, &gather);
	return err;
}

int phyr_dma_remove(struct phyr_dma *dma, struct phyr_iova_range range,
		    struct phyr_iova_range reserved)
{
	int err;

	if (!dma->batch && !dma->params.ring)
		return phyr_dma_remove_now(dma, range, reserved);
	err = dma->batch ? remove_into_batch(dma, range, reserved) :
			   remove_into_ring(dma, range, reserved);
	if (err)
		return err;
	dma->stats.defer_cnt++;
	dma->stats.reserved_len -= reserved.len;
	return PHYR_OK;
}

void phyr_dma_maintain(struct phyr_dma *dma, uint64_t len)
{
	if (has_trait(dma, PHYR_DMA_NONCOHERENT))
		dma->stats.maintained_len += len;
}
