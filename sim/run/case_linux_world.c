/* SPDX-License-Identifier: MIT */
/*
 * The machine that Linux maps the memory of a case on.
 *
 * Its flush queue is a ring (flush.h), which goes by the same rule; that gives no addresses back to
 * Linux's allocator, so they are kept here, until the ring has flushed.
 */

#include <string.h>

#include "case_linux.h"

/* Of the queue, in µs. */
#define TIMEOUT 10000

static int init_ring(struct linux_world *world, const struct phyr_mem *mem)
{
	struct phyr_flush_params flush = { .mem = mem,
					   .iommu = phyrsim_iommu_backend(world->machine.iommu),
					   .slot_cnt = QUEUE_SLOTS,
					   .timeout = TIMEOUT };
	int err = phyr_flush_domain_create(&flush, &world->domain);

	return err ? err : phyr_flush_ring_create(world->domain, &world->ring);
}

int phyrsim_linux_world_init(struct linux_world *world, const struct phyrsim_case_params *params)
{
	struct phyrsim_linux_iova_params iova = { .mem = params->mem };
	int err;

	memset(world, 0, sizeof(*world));
	world->device.last = phyr_iova_at(LAST_IOVA);
	world->device.low_first = true;
	err = phyrsim_machine_init(&world->machine, params->mem);
	iova.aperture = world->machine.window;
	if (!err)
		err = phyrsim_linux_iova_create(&iova, &world->iova);
	if (!err && params->flushing == PHYRSIM_FLUSHING_LAZY)
		err = init_ring(world, params->mem);
	return err;
}

void phyrsim_linux_world_fini(struct linux_world *world)
{
	phyr_flush_ring_destroy(world->ring);
	phyr_flush_domain_destroy(world->domain);
	phyrsim_linux_iova_destroy(world->iova);
	phyrsim_machine_fini(&world->machine);
}

int phyrsim_linux_world_take(struct linux_world *world, uint64_t len,
			     struct phyr_iova_range *ret_reserved)
{
	return phyrsim_linux_iova_alloc(world->iova, &world->device, 0, len, ret_reserved);
}

int phyrsim_linux_world_map(struct linux_world *world, phyr_iova iova, struct phyr_range pages)
{
	struct phyr_iommu backend = phyrsim_iommu_backend(world->machine.iommu);
	struct phyr_iommu_map map = { .iova = iova,
				      .runs = &pages,
				      .run_cnt = 1,
				      .perm = PHYR_PERM_READ_WRITE,
				      .source = { .fd = -1 } };

	world->call_cnt++;
	return backend.ops->map(backend.ctx, &map);
}

static int give(struct linux_world *world, struct phyr_iova_range reserved)
{
	return phyrsim_linux_iova_free_fast(world->iova, 0, reserved);
}

/* What the domain has flushed since; all but the last, which came after that. */
static int give_flushed(struct linux_world *world, size_t keep_cnt)
{
	struct phyr_flush_stats stats;
	int err = PHYR_OK;

	phyr_flush_stats(world->domain, &stats);
	if (stats.flush_cnt == world->flush_cnt)
		return PHYR_OK;
	world->flush_cnt = stats.flush_cnt;
	for (size_t i = 0; !err && i < world->held_cnt - keep_cnt; i++)
		err = give(world, world->held[i]);
	world->held[0] = world->held[world->held_cnt - 1];
	world->held_cnt = keep_cnt;
	return err;
}

static int queue(struct linux_world *world, struct phyr_iova_range reserved,
		 struct phyr_gather *gather)
{
	struct phyr_iova_range none = { { 0 }, 0 };

	phyr_flush_defer(world->ring, none, NULL, gather);
	world->held[world->held_cnt++] = reserved;
	return give_flushed(world, 1);
}

int phyrsim_linux_world_unmap(struct linux_world *world, struct phyr_iova_range reserved)
{
	struct phyr_iommu backend = phyrsim_iommu_backend(world->machine.iommu);
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	gather.queued = world->ring;
	err = phyrsim_iommu_unmap_sparse(world->machine.iommu, reserved, &gather);
	if (err)
		return err;
	if (world->ring)
		return queue(world, reserved, &gather);
	backend.ops->flush(backend.ctx, &gather);
	return give(world, reserved);
}

void phyrsim_linux_world_tick(struct linux_world *world)
{
	if (!world->domain || world->held_cnt == 0)
		return;
	phyr_flush_tick(world->domain, TIMEOUT);
	(void)give_flushed(world, 0);
}

uint64_t phyrsim_linux_world_flushes(const struct linux_world *world)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(world->machine.iommu, &stats);
	return stats.flush_cnt[PHYR_FLUSH_RANGE] + stats.flush_cnt[PHYR_FLUSH_DOMAIN];
}
