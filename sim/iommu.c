/* SPDX-License-Identifier: MIT */
/*
 * The simulated IOMMU: one page table behind the backend contract, and a count of what it is told
 * to invalidate.
 *
 * Not here: caches; nothing is kept that an invalidation would have to remove.
 */
#include <string.h>

#include <phyr/iommu.h>
#include <phyrsim/iommu.h>

struct phyrsim_iommu {
	const struct phyr_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyrsim_iommu_stats stats; /* without the table's */
};

static void iommu_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	const struct phyrsim_iommu *iommu = ctx;

	phyrsim_pagetable_caps(iommu->table, ret_caps);
}

/* The table needs physical addresses; this says so more plainly than a broken alignment. */
static bool pa_missing(const struct phyr_iommu_map *map)
{
	for (size_t i = 0; i < map->run_cnt; i++) {
		if (map->runs[i].pa.addr == PHYR_PA_UNKNOWN)
			return true;
	}
	return false;
}

static int iommu_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct phyrsim_iommu *iommu = ctx;
	int err =
		phyrsim_pagetable_map(iommu->table, map->iova, map->runs, map->run_cnt, map->perm);

	if (err == PHYR_E_ALIGN && pa_missing(map))
		return PHYR_E_UNSUPPORTED;
	if (err == PHYR_OK)
		iommu->stats.map_cnt++;
	return err;
}

/* What was not present is not cached: new translations need no invalidation. */
static int iommu_sync_map(void *ctx, struct phyr_iova_range range)
{
	(void)ctx;
	(void)range;
	return PHYR_OK;
}

static int iommu_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct phyrsim_iommu *iommu = ctx;
	int err = phyrsim_pagetable_unmap(iommu->table, range, gather);

	if (err == PHYR_OK)
		iommu->stats.unmap_cnt++;
	return err;
}

static void iommu_flush(void *ctx, struct phyr_gather *gather)
{
	struct phyrsim_iommu *iommu = ctx;

	if (gather->empty)
		return;
	iommu->stats.flush_cnt[PHYR_FLUSH_RANGE]++;
	if (gather->tables_removed)
		iommu->stats.flush_cnt[PHYR_FLUSH_WALK]++;
	phyrsim_pagetable_release(iommu->table, gather);
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops iommu_ops = {
	.caps = iommu_caps,
	.map = iommu_map,
	.sync_map = iommu_sync_map,
	.unmap = iommu_unmap,
	.flush = iommu_flush,
};

int phyrsim_iommu_create(const struct phyrsim_pagetable_params *params,
			 struct phyrsim_iommu **ret_iommu)
{
	struct phyrsim_iommu *iommu;
	int err;

	if (!params || !params->mem || !ret_iommu)
		return PHYR_E_INVAL;
	iommu = params->mem->alloc(params->mem->ctx, sizeof(*iommu));
	if (!iommu)
		return PHYR_E_NOMEM;
	memset(iommu, 0, sizeof(*iommu));
	iommu->mem = params->mem;
	err = phyrsim_pagetable_create(params, &iommu->table);
	if (err != PHYR_OK) {
		params->mem->free(params->mem->ctx, iommu, sizeof(*iommu));
		return err;
	}
	*ret_iommu = iommu;
	return PHYR_OK;
}

void phyrsim_iommu_destroy(struct phyrsim_iommu *iommu)
{
	if (!iommu)
		return;
	phyrsim_pagetable_destroy(iommu->table);
	iommu->mem->free(iommu->mem->ctx, iommu, sizeof(*iommu));
}

struct phyr_iommu phyrsim_iommu_backend(struct phyrsim_iommu *iommu)
{
	struct phyr_iommu backend = { &iommu_ops, iommu };

	return backend;
}

void phyrsim_iommu_root(const struct phyrsim_iommu *iommu, struct phyrsim_root *ret_root)
{
	phyrsim_pagetable_root(iommu->table, ret_root);
}

void phyrsim_iommu_stats(const struct phyrsim_iommu *iommu, struct phyrsim_iommu_stats *ret_stats)
{
	*ret_stats = iommu->stats;
	phyrsim_pagetable_stats(iommu->table, &ret_stats->table);
}
