/* SPDX-License-Identifier: MIT */
/*
 * The simulated IOMMU: one page table behind the backend contract, and the commands by which a
 * driver has its caches invalidated.
 *
 * Not here: caches; nothing is kept that an invalidation would have to remove.
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/inval.h>
#include <phyrsim/iommu.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "../src/base/lock.h"

struct phyrsim_iommu {
	const struct phyr_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyrsim_inval inval;
	uint64_t map_cnt;
	uint64_t unmap_cnt;
	struct phyr_lock *lock; /* NULL: one thread at a time, by the caller's care; else */
	struct phyr_lock own_lock;
};

/*
 * One lock for everything. Unlike the others of its kind it is held while hooks and the sink run,
 * which therefore may not call back.
 */
static void enter(const struct phyrsim_iommu *iommu)
{
	if (iommu->lock)
		phyr_lock_take(iommu->lock);
}

static void leave(const struct phyrsim_iommu *iommu)
{
	if (iommu->lock)
		phyr_lock_give(iommu->lock);
}

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

static unsigned int attrs_of(const struct phyr_iommu_map *map)
{
	return map->kind == PHYR_KIND_P2P ? PHYRSIM_ATTR_MMIO : 0;
}

static int iommu_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct phyrsim_iommu *iommu = ctx;
	int err;

	err = phyrsim_pagetable_map(iommu->table, map->iova, map->runs, map->run_cnt, map->perm,
				    attrs_of(map));
	iommu->map_cnt += err == PHYR_OK;
	return err == PHYR_E_ALIGN && pa_missing(map) ? PHYR_E_UNSUPPORTED : err;
}

static int iommu_map_pages(void *ctx, const struct phyr_iommu_map *map)
{
	struct phyrsim_iommu *iommu = ctx;
	int err;

	err = phyrsim_pagetable_map_pages(iommu->table, map->iova, map->words, map->run_cnt,
					  map->perm, attrs_of(map));
	iommu->map_cnt += err == PHYR_OK;
	return err;
}

static int iommu_sync_map(void *ctx, struct phyr_iova_range range)
{
	struct phyrsim_iommu *iommu = ctx;

	phyrsim_inval_map(&iommu->inval, range);
	return PHYR_OK;
}

/*
 * Where what is removed or changed is gathered: apart, where the driver may want to flush what was
 * gathered before. The chain of held back tables is one, and waits for the last flush.
 */
static struct phyr_gather *begin(const struct phyrsim_iommu *iommu, struct phyr_gather *gather,
				 struct phyr_gather *apart)
{
	if (phyrsim_inval_grows(&iommu->inval, gather))
		return gather;
	phyr_gather_init(apart);
	apart->freed = gather->freed;
	return apart;
}

static void end(struct phyrsim_iommu *iommu, const struct phyr_gather *target,
		struct phyr_gather *gather)
{
	if (target == gather)
		return;
	gather->freed = target->freed;
	phyrsim_inval_add(&iommu->inval, target, gather);
}

/* phyrsim_pagetable_unmap() or phyrsim_pagetable_unmap_sparse() */
typedef int remover(struct phyrsim_pagetable *table, struct phyr_iova_range range,
		    struct phyr_gather *gather);

static int remove_with(struct phyrsim_iommu *iommu, remover *remove, struct phyr_iova_range range,
		       struct phyr_gather *gather)
{
	struct phyr_gather *target, apart;
	int err;

	target = begin(iommu, gather, &apart);
	err = remove(iommu->table, range, target);
	if (err == PHYR_OK) {
		end(iommu, target, gather);
		iommu->unmap_cnt++;
	}
	return err;
}

static int iommu_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	return gather ? remove_with(ctx, phyrsim_pagetable_unmap, range, gather) : PHYR_E_INVAL;
}

int phyrsim_iommu_unmap_sparse(struct phyrsim_iommu *iommu, struct phyr_iova_range range,
			       struct phyr_gather *gather)
{
	int err;

	if (!iommu || !gather)
		return PHYR_E_INVAL;
	enter(iommu);
	err = remove_with(iommu, phyrsim_pagetable_unmap_sparse, range, gather);
	leave(iommu);
	return err;
}

/* Ends a call that changed leaves, or was refused. */
static int leave_with(struct phyrsim_iommu *iommu, const struct phyr_gather *target,
		      struct phyr_gather *gather, int err)
{
	if (err == PHYR_OK)
		end(iommu, target, gather);
	leave(iommu);
	return err;
}

int phyrsim_iommu_protect(struct phyrsim_iommu *iommu, struct phyr_iova_range range,
			  enum phyr_perm perm, unsigned int attrs, struct phyr_gather *gather)
{
	struct phyr_gather *target, apart;
	int err;

	if (!iommu || !gather)
		return PHYR_E_INVAL;
	enter(iommu);
	target = begin(iommu, gather, &apart);
	err = phyrsim_pagetable_protect(iommu->table, range, perm, attrs, target);
	return leave_with(iommu, target, gather, err);
}

int phyrsim_iommu_split(struct phyrsim_iommu *iommu, phyr_iova at, struct phyr_gather *gather)
{
	struct phyr_gather *target, apart;
	int err;

	if (!iommu || !gather)
		return PHYR_E_INVAL;
	enter(iommu);
	target = begin(iommu, gather, &apart);
	err = phyrsim_pagetable_split(iommu->table, at, NULL, target);
	return leave_with(iommu, target, gather, err);
}

int phyrsim_iommu_read_dirty(struct phyrsim_iommu *iommu, struct phyr_iova_range range,
			     unsigned int flags, const struct phyrsim_dirty_bitmap *bitmap,
			     struct phyr_gather *gather)
{
	struct phyr_gather *target, apart;
	int err;

	if (!iommu || !gather)
		return PHYR_E_INVAL;
	enter(iommu);
	target = begin(iommu, gather, &apart);
	err = phyrsim_pagetable_read_dirty(iommu->table, range, flags, bitmap, target);
	return leave_with(iommu, target, gather, err);
}

static void iommu_release(void *ctx, struct phyr_gather *gather)
{
	struct phyrsim_iommu *iommu = ctx;

	phyrsim_pagetable_release(iommu->table, gather);
	phyr_gather_init(gather);
}

static void iommu_flush(void *ctx, struct phyr_gather *gather)
{
	struct phyrsim_iommu *iommu = ctx;

	if (gather->empty)
		return;
	phyrsim_inval_flush(&iommu->inval, gather);
	iommu_release(iommu, gather);
}

static void iommu_flush_all(void *ctx)
{
	struct phyrsim_iommu *iommu = ctx;

	phyrsim_inval_flush_all(&iommu->inval);
}

static const struct phyr_iommu_ops iommu_ops = {
	.caps = iommu_caps,
	.map = iommu_map,
	.map_pages = iommu_map_pages,
	.sync_map = iommu_sync_map,
	.unmap = iommu_unmap,
	.flush = iommu_flush,
	.flush_all = iommu_flush_all,
	.release = iommu_release,
};

/* What threads share has calls of its own, so that nothing else pays for a look at the lock. */

static int shared_map(void *ctx, const struct phyr_iommu_map *map)
{
	int err;

	enter(ctx);
	err = iommu_map(ctx, map);
	leave(ctx);
	return err;
}

static int shared_map_pages(void *ctx, const struct phyr_iommu_map *map)
{
	int err;

	enter(ctx);
	err = iommu_map_pages(ctx, map);
	leave(ctx);
	return err;
}

static int shared_sync_map(void *ctx, struct phyr_iova_range range)
{
	int err;

	enter(ctx);
	err = iommu_sync_map(ctx, range);
	leave(ctx);
	return err;
}

static int shared_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	int err;

	enter(ctx);
	err = iommu_unmap(ctx, range, gather);
	leave(ctx);
	return err;
}

static void shared_flush(void *ctx, struct phyr_gather *gather)
{
	enter(ctx);
	iommu_flush(ctx, gather);
	leave(ctx);
}

static void shared_flush_all(void *ctx)
{
	enter(ctx);
	iommu_flush_all(ctx);
	leave(ctx);
}

static void shared_release(void *ctx, struct phyr_gather *gather)
{
	enter(ctx);
	iommu_release(ctx, gather);
	leave(ctx);
}

static const struct phyr_iommu_ops shared_ops = {
	.caps = iommu_caps,
	.map = shared_map,
	.map_pages = shared_map_pages,
	.sync_map = shared_sync_map,
	.unmap = shared_unmap,
	.flush = shared_flush,
	.flush_all = shared_flush_all,
	.release = shared_release,
};

/* What the table breaks is invalidated before it makes anything in its place. */
static void flush_broken(void *ctx, const struct phyr_gather *gather)
{
	struct phyrsim_iommu *iommu = ctx;

	phyrsim_inval_flush(&iommu->inval, gather);
}

/* Drivers cut by what the table has, unless asked otherwise. */
static int start_inval(struct phyrsim_iommu *iommu, const struct phyrsim_iommu_params *params)
{
	struct phyrsim_inval_params inval = params->inval;
	struct phyr_iommu_caps caps;

	phyrsim_pagetable_caps(iommu->table, &caps);
	if (inval.granule_lg2 == 0)
		inval.granule_lg2 = phyr_sizes_min_lg2(caps.sizes);
	if (inval.sizes.mask == 0)
		inval.sizes = caps.sizes;
	return phyrsim_inval_init(&inval, &params->sink, &iommu->inval);
}

int phyrsim_iommu_create(const struct phyrsim_iommu_params *params,
			 struct phyrsim_iommu **ret_iommu)
{
	const struct phyr_mem *mem = params ? params->table.mem : NULL;
	struct phyrsim_pagetable_params table;
	struct phyrsim_iommu *iommu;
	int err;

	if (!mem || !ret_iommu)
		return PHYR_E_INVAL;
	iommu = mem->alloc(mem->ctx, sizeof(*iommu));
	if (!iommu)
		return PHYR_E_NOMEM;
	memset(iommu, 0, sizeof(*iommu));
	iommu->mem = mem;
	iommu->lock = params->shared ? &iommu->own_lock : NULL;
	table = params->table;
	table.breaker = (struct phyrsim_pagetable_breaker){ flush_broken, iommu };
	err = phyrsim_pagetable_create(&table, &iommu->table);
	if (err == PHYR_OK)
		err = start_inval(iommu, params);
	if (err != PHYR_OK) {
		phyrsim_iommu_destroy(iommu);
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
	struct phyr_iommu backend = { iommu->lock ? &shared_ops : &iommu_ops, iommu };

	return backend;
}

void phyrsim_iommu_root(const struct phyrsim_iommu *iommu, struct phyrsim_root *ret_root)
{
	enter(iommu);
	phyrsim_pagetable_root(iommu->table, ret_root);
	leave(iommu);
}

void phyrsim_iommu_stats(const struct phyrsim_iommu *iommu, struct phyrsim_iommu_stats *ret_stats)
{
	memset(ret_stats, 0, sizeof(*ret_stats));
	enter(iommu);
	ret_stats->inval = iommu->inval.stats;
	ret_stats->map_cnt = iommu->map_cnt;
	ret_stats->unmap_cnt = iommu->unmap_cnt;
	phyrsim_pagetable_stats(iommu->table, &ret_stats->table);
	leave(iommu);
	ret_stats->flush_cnt[PHYR_FLUSH_RANGE] = ret_stats->inval.range_cnt;
	ret_stats->flush_cnt[PHYR_FLUSH_DOMAIN] = ret_stats->inval.domain_cnt;
	ret_stats->flush_cnt[PHYR_FLUSH_WALK] = ret_stats->inval.walk_cnt;
}
