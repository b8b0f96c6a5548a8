/* SPDX-License-Identifier: MIT */
/* The doors: map, map at, unmap; what the caller keeps of a mapping. */

#include <string.h>

#include "../base/check.h"
#include "job.h"

int phyr_dma_create(const struct phyr_dma_params *params, struct phyr_dma **ret_dma)
{
	struct phyr_dma *dma;

	if (!params || !params->mem || !params->mem->alloc || !params->mem->free || !ret_dma ||
	    (params->iommu.ops && !params->space))
		return PHYR_E_INVAL;
	dma = params->mem->alloc(params->mem->ctx, sizeof(*dma));
	if (!dma)
		return PHYR_E_NOMEM;
	memset(dma, 0, sizeof(*dma));
	dma->mem = params->mem;
	dma->iommu = params->iommu;
	dma->space = params->space;
	if (dma->iommu.ops)
		dma->iommu.ops->caps(dma->iommu.ctx, &dma->caps);
	if (dma->iommu.ops && dma->caps.sizes.mask == 0) {
		phyr_dma_destroy(dma);
		return PHYR_E_INVAL;
	}
	*ret_dma = dma;
	return PHYR_OK;
}

void phyr_dma_destroy(struct phyr_dma *dma)
{
	if (!dma)
		return;
	PHYR_ASSERT(dma->stats.mapped_len == 0);
	dma->mem->free(dma->mem->ctx, dma, sizeof(*dma));
}

void phyr_dma_stats(const struct phyr_dma *dma, struct phyr_dma_stats *ret_stats)
{
	*ret_stats = dma->stats;
}

static bool known_perm(enum phyr_perm perm)
{
	return perm == PHYR_PERM_READ || perm == PHYR_PERM_WRITE || perm == PHYR_PERM_READ_WRITE;
}

/* What the caller keeps of a mapping in one range. */
static struct phyr_dma_map range_map(struct phyr_dma *dma, const struct job *job, bool own)
{
	struct phyr_dma_map map;

	memset(&map, 0, sizeof(map));
	map.form = PHYR_DMA_RANGE;
	map.range.iova = phyr_iova_at(job->reserved.iova.addr + job->head_len);
	map.range.len = phyr_list_len(job->list);
	map.reserved = job->reserved;
	map.own = own;
	dma->stats.reserved_len += job->reserved.len;
	return map;
}

static int reserve_and_map(struct phyr_dma *dma, struct job *job,
			   const struct phyr_placement *placement, struct phyr_dma_map *map)
{
	struct phyr_placement place = placement ? *placement : phyr_placement_any();
	unsigned int granule_lg2 = phyr_sizes_min_lg2(dma->caps.sizes);
	int err = phyr_job_prepare(dma, job);

	if (err)
		return err;
	if (place.window.first.addr < dma->caps.iova.first.addr)
		place.window.first = dma->caps.iova.first;
	if (place.window.last.addr > dma->caps.iova.last.addr)
		place.window.last = dma->caps.iova.last;
	/* The space may hand out finer granules than the IOMMU maps. */
	if (place.phase_lg2 < granule_lg2)
		place.phase_lg2 = (uint8_t)granule_lg2;
	err = phyr_iova_alloc(dma->space, job->reserved.len, &place, &job->reserved);
	if (err)
		return err;
	err = phyr_job_map(dma, job);
	if (!err)
		*map = range_map(dma, job, true);
	else if (phyr_iova_free(dma->space, job->reserved))
		PHYR_ASSERT(false);
	return err;
}

static void count_map(struct phyr_dma *dma, const struct phyr_list *list)
{
	dma->stats.map_cnt++;
	dma->stats.mapped_len += phyr_list_len(list);
}

int phyr_dma_map(struct phyr_dma *dma, struct phyr_list *list, enum phyr_perm perm,
		 const struct phyr_placement *placement, struct phyr_dma_map *ret_map)
{
	struct job job = { .list = list, .perm = perm };
	struct phyr_dma_map map;
	int err;

	if (!dma || !list || !ret_map || !known_perm(perm) || phyr_list_len(list) == 0)
		return PHYR_E_INVAL;
	if (dma->iommu.ops) {
		err = reserve_and_map(dma, &job, placement, &map);
		if (err)
			return err;
	} else {
		memset(&map, 0, sizeof(map));
		map.form = PHYR_DMA_BORROWED;
		map.list = list;
		map.range.len = phyr_list_len(list);
		phyr_list_borrow(list);
	}
	count_map(dma, list);
	*ret_map = map;
	return PHYR_OK;
}

int phyr_dma_map_at(struct phyr_dma *dma, struct phyr_list *list, enum phyr_perm perm,
		    struct phyr_iova_range reserved, struct phyr_dma_map *ret_map)
{
	struct job job = { .list = list, .perm = perm };
	int err;

	if (!dma || !list || !ret_map || !known_perm(perm) || phyr_list_len(list) == 0)
		return PHYR_E_INVAL;
	if (!dma->iommu.ops)
		return PHYR_E_UNSUPPORTED;
	err = phyr_job_prepare(dma, &job);
	if (err)
		return err;
	if (!phyr_bits_aligned(reserved.iova.addr | reserved.len,
			       phyr_sizes_min_lg2(dma->caps.sizes)))
		return PHYR_E_ALIGN;
	if (reserved.len != job.reserved.len)
		return PHYR_E_INVAL;
	job.reserved = reserved;
	err = phyr_job_map(dma, &job);
	if (err)
		return err;
	count_map(dma, list);
	*ret_map = range_map(dma, &job, false);
	return PHYR_OK;
}

/* The range of a mapping is gone from the backend when this answers PHYR_OK. */
static int unmap_range(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	int err = dma->iommu.ops ? phyr_dma_unmap_range(dma, map->reserved) : PHYR_E_NOENT;

	if (err)
		return err;
	if (map->own && phyr_iova_free(dma->space, map->reserved))
		PHYR_ASSERT(false);
	dma->stats.reserved_len -= map->reserved.len;
	return PHYR_OK;
}

int phyr_dma_unmap(struct phyr_dma *dma, struct phyr_dma_map *map)
{
	int err;

	if (!dma || !map)
		return PHYR_E_INVAL;
	switch (map->form) {
	case PHYR_DMA_BORROWED:
		if (!phyr_list_release(map->list))
			return PHYR_E_NOENT;
		break;
	case PHYR_DMA_RANGE:
		err = unmap_range(dma, map);
		if (err)
			return err;
		break;
	default:
		return PHYR_E_NOENT;
	}
	dma->stats.unmap_cnt++;
	dma->stats.mapped_len -= map->range.len;
	memset(map, 0, sizeof(*map));
	return PHYR_OK;
}
