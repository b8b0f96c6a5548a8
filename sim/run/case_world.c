/* SPDX-License-Identifier: MIT */
/* A device, and what is between it and the memory: an IOMMU, a peer, slots to copy through. */

#include <string.h>

#include <phyr/bits.h>

#include "cases.h"

/* Slots of 2 KiB, 256 KiB in a request, as in Linux; a MiB for what is rounded out. */
#define POOL_SPARE (UINT64_C(1) << 20)
#define POOL_SLOT_LG2 11
/* The ring's timer, in µs. */
#define TIMEOUT 10000

static bool in_pool(const struct case_world *world, phyr_pa pa)
{
	return pa.addr >= world->pool_range.pa.addr &&
	       pa.addr - world->pool_range.pa.addr < world->pool_range.len;
}

/* Copying is only noted: to the slots, which memory; from there, whether it is the same. */
static void copy(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct case_world *world = ctx;
	struct shadow *shadow = &world->shadow;
	bool filling = in_pool(world, to);
	uint64_t slot = (filling ? to.addr : from.addr) - world->pool_range.pa.addr;
	uint64_t pa = filling ? from.addr : to.addr;
	size_t cnt = (size_t)(len >> SHADOW_LG2);

	if (!phyr_bits_aligned(slot | pa | len, SHADOW_LG2)) {
		shadow->wrong = true;
		return;
	}
	shadow->live_cnt = filling ? shadow->live_cnt + cnt : shadow->live_cnt - cnt;
	for (size_t i = 0; i < cnt; i++) {
		uint64_t *known = &shadow->pa[(slot >> SHADOW_LG2) + i];
		uint64_t there = pa + (i << SHADOW_LG2);

		if (*known != (filling ? 0 : there))
			shadow->wrong = true;
		*known = filling ? there : 0;
	}
}

static int init_pool(struct case_world *world, const struct phyrsim_case_params *params)
{
	struct phyr_bounce_params pool = { .mem = params->mem, .copy = copy, .ctx = world };
	size_t len;

	if (!phyrsim_case_is_bounced(params))
		return PHYR_OK;
	world->pool_range.pa = phyr_pa_at(POOL_FIRST);
	world->pool_range.len = params->len + POOL_SPARE;
	pool.pool = world->pool_range;
	if (params->which == PHYRSIM_CASE_BOUNCE_ONE)
		pool.slot_cnt_max = (uint32_t)(pool.pool.len >> POOL_SLOT_LG2);
	world->shadow.cnt = (size_t)(pool.pool.len >> SHADOW_LG2);
	len = world->shadow.cnt * sizeof(uint64_t);
	world->shadow.pa = params->mem->alloc(params->mem->ctx, len);
	if (!world->shadow.pa)
		return PHYR_E_NOMEM;
	memset(world->shadow.pa, 0, len);
	return phyr_bounce_create(&pool, &world->pool);
}

/* The device and a peer with a BAR, below one port that redirects nothing. */
static int init_peer(struct case_world *world, const struct phyrsim_case_params *params)
{
	struct phyr_p2p_node node = { .parent = 0 };
	struct phyr_p2p_bar bar = { { { BAR_FIRST }, BAR_LEN }, BAR_BUS - BAR_FIRST, 0 };
	uint32_t provider;
	int err;

	if (params->which != PHYRSIM_CASE_PEER)
		return PHYR_OK;
	err = phyr_p2p_create(params->mem, &world->p2p);
	if (!err)
		err = phyr_p2p_add_node(world->p2p, &node, &node.parent);
	if (!err)
		err = phyr_p2p_add_node(world->p2p, &node, &node.parent);
	if (!err)
		err = phyr_p2p_add_node(world->p2p, &node, &bar.owner);
	if (!err)
		err = phyr_p2p_add_node(world->p2p, &node, &world->device);
	return err ? err : phyr_p2p_register(world->p2p, &bar, &provider);
}

static int init_ring(struct case_world *world, const struct phyrsim_case_params *params)
{
	struct phyr_flush_params flush = { .mem = params->mem, .timeout = TIMEOUT };
	int err;

	if (params->flushing != PHYRSIM_FLUSHING_LAZY)
		return PHYR_OK;
	flush.iommu = phyrsim_iommu_backend(world->machine.iommu);
	flush.space = world->machine.space;
	err = phyr_flush_domain_create(&flush, &world->domain);
	return err ? err : phyr_flush_ring_create(world->domain, &world->ring);
}

static void init_batch(struct case_world *world, const struct phyrsim_case_params *params)
{
	struct phyr_flush_target target = { phyrsim_iommu_backend(world->machine.iommu),
					    world->machine.space, NULL };

	if (params->flushing != PHYRSIM_FLUSHING_BATCHED)
		return;
	phyr_flush_batch_init(&world->batch, &target, world->held, PHYRSIM_CASE_ROUNDS);
	phyr_dma_set_batch(world->dma, &world->batch);
}

static int init_dma(struct case_world *world, const struct phyrsim_case_params *params)
{
	struct phyr_dma_params dma = { .mem = params->mem,
				       .ring = world->ring,
				       .p2p = world->p2p,
				       .node = world->device,
				       .bounce = world->pool };
	int err;

	if (params->flushing != PHYRSIM_FLUSHING_NONE) {
		dma.iommu = phyrsim_iommu_backend(world->machine.iommu);
		dma.space = world->machine.space;
	}
	if (phyrsim_case_is_bounced(params) && dma.iommu.ops)
		dma.traits = PHYR_DMA_UNTRUSTED;
	else if (phyrsim_case_is_bounced(params))
		dma.address_last = DEVICE_LAST;
	err = phyr_dma_create(&dma, &world->dma);
	if (!err)
		init_batch(world, params);
	return err;
}

int phyrsim_case_world_init(struct case_world *world, const struct phyrsim_case_params *params)
{
	int err;

	memset(world, 0, sizeof(*world));
	err = phyrsim_machine_init(&world->machine, params->mem);
	world->machine.mem = params->mem;
	if (!err)
		err = init_pool(world, params);
	if (!err)
		err = init_peer(world, params);
	if (!err)
		err = init_ring(world, params);
	return err ? err : init_dma(world, params);
}

void phyrsim_case_world_fini(struct case_world *world)
{
	const struct phyr_mem *mem = world->machine.mem;

	phyr_dma_destroy(world->dma);
	phyr_flush_ring_destroy(world->ring);
	phyr_flush_domain_destroy(world->domain);
	phyr_p2p_destroy(world->p2p);
	phyr_bounce_destroy(world->pool);
	if (world->shadow.pa)
		mem->free(mem->ctx, world->shadow.pa, world->shadow.cnt * sizeof(uint64_t));
	phyrsim_machine_fini(&world->machine);
}

void phyrsim_case_world_flush(struct case_world *world, enum phyrsim_flushing flushing)
{
	if (flushing == PHYRSIM_FLUSHING_LAZY)
		phyr_flush_tick(world->domain, TIMEOUT);
	if (flushing == PHYRSIM_FLUSHING_BATCHED)
		phyr_flush_batch_end(&world->batch);
}

bool phyrsim_case_world_is_new(const struct case_world *world)
{
	struct phyr_bounce_stats pool = { .used_cnt = 0 };
	struct phyrsim_iommu_stats iommu;
	struct phyr_iova_stats space;
	struct phyr_dma_stats dma;

	phyrsim_iommu_stats(world->machine.iommu, &iommu);
	phyr_iova_stats(world->machine.space, &space);
	phyr_dma_stats(world->dma, &dma);
	if (world->pool)
		phyr_bounce_stats(world->pool, &pool);
	return iommu.table.table_cnt == 1 && space.live_len == 0 && pool.used_cnt == 0 &&
	       !world->shadow.wrong && world->shadow.live_cnt == 0 && dma.mapped_len == 0 &&
	       dma.reserved_len == 0 && dma.list_len == 0 && dma.bounced_len == 0;
}
