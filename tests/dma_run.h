/* SPDX-License-Identifier: MIT */
/*
 * What the property test of the mapping layer works on: handles over a simulated IOMMU of any format,
 * memory whose bytes count, and hardware that caches all that it is shown.
 */
#ifndef PHYR_TEST_DMA_RUN_H
#define PHYR_TEST_DMA_RUN_H

#include <phyr/dma.h>
#include <phyr/dma_link.h>
#include <phyrsim/walker.h>

#include "stale_run.h"

/* Physical memory: for each place a part, the pool, two BARs of which each place has a part. */
#define DATA (UINT64_C(1) << 33)
#define PLACE_CNT 8
#define PLACE_LEN UINT64_C(0x40000)
#define POOL_AT (PLACE_CNT * PLACE_LEN)
#define POOL_LEN UINT64_C(0x100000)
#define BRIDGE_AT (POOL_AT + POOL_LEN)
#define BUS_AT (BRIDGE_AT + BAR_LEN)
#define BAR_LEN (PLACE_CNT * BAR_PART)
#define BAR_PART UINT64_C(0x10000)
#define DATA_LEN (BUS_AT + BAR_LEN)
/* Bus address of a peer, less its physical one. */
#define BUS_OFFSET (UINT64_C(1) << 40)
#define SPACE_LEN UINT64_C(0x2000000)
#define HELD_CNT 6
#define RUN_MAX 6

enum policy { POLICY_STRICT, POLICY_BATCH, POLICY_LAZY, POLICY_CNT };

/* A list in memory of its own, and what became of it. */
struct place {
	struct phyr_list list;
	struct phyr_dma_map map; /* form NONE: not mapped */
	size_t dma;
	bool revoked;
};

/* Two steps, likewise. */
struct stage {
	struct phyr_dma_state state; /* zero: none */
	uint64_t pa;
	uint64_t linked_len;
	size_t dma;
};

struct dma_run {
	struct world world;
	struct test_mem host;
	const struct config *config;
	enum policy policy;
	uint64_t random;
	uint64_t granule;
	struct phyr_iova_space *space;
	struct phyr_window window;
	struct phyr_iova_cache *cache;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_flush_batch batch;
	struct phyr_iova_range held[HELD_CNT];
	struct phyr_bounce *pool;
	struct phyr_p2p *p2p;
	uint32_t node, bridge_owner, bus_owner, bridge, bus;
	struct phyr_dma *dma[2]; /* trusted, and not */
	struct place places[PLACE_CNT];
	struct stage stage; /* in the memory of the last place, which has no list */
	uint64_t now;
	uint64_t mapped_cnt, refused_cnt, linked_cnt, revoked_cnt;
	unsigned char bytes[DATA_LEN];
	unsigned char shadow[DATA_LEN];
};

static inline uint64_t upto(struct dma_run *r, uint64_t end)
{
	return test_random(&r->random) % end;
}

static inline unsigned char *byte_at(struct dma_run *r, uint64_t pa)
{
	assert_true(pa >= DATA && pa - DATA < DATA_LEN);
	return &r->bytes[pa - DATA];
}

static inline void copy_data(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct dma_run *r = ctx;

	(void)byte_at(r, to.addr + len - 1);
	(void)byte_at(r, from.addr + len - 1);
	memcpy(byte_at(r, to.addr), byte_at(r, from.addr), (size_t)len);
}

static inline void zero_data(void *ctx, struct phyr_range range)
{
	memset(byte_at(ctx, range.pa.addr), 0, (size_t)range.len);
}

static inline uint32_t add_node(struct dma_run *r, uint32_t parent)
{
	struct phyr_p2p_node node = { .parent = parent };
	uint32_t id;

	if (!parent)
		node.forward = PHYR_P2P_FORWARD_ACROSS;
	assert_int_equal(phyr_p2p_add_node(r->p2p, &node, &id), PHYR_OK);
	return id;
}

static inline uint32_t add_bar(struct dma_run *r, uint64_t at, uint32_t owner)
{
	struct phyr_p2p_bar bar = { { { DATA + at }, BAR_LEN }, BUS_OFFSET, owner };
	uint32_t id;

	assert_int_equal(phyr_p2p_register(r->p2p, &bar, &id), PHYR_OK);
	return id;
}

static inline void open_peers(struct dma_run *r)
{
	uint32_t above;

	assert_int_equal(phyr_p2p_create(&r->host.mem, &r->p2p), PHYR_OK);
	above = add_node(r, add_node(r, 0));
	r->node = add_node(r, above);
	r->bus_owner = add_node(r, above);
	r->bridge_owner = add_node(r, add_node(r, 0));
	r->bus = add_bar(r, BUS_AT, r->bus_owner);
	r->bridge = add_bar(r, BRIDGE_AT, r->bridge_owner);
}

static inline void open_space(struct dma_run *r)
{
	struct phyr_iova_params params = { .mem = &r->host.mem };
	uint64_t first = r->world.caps.iova.first.addr + SPACE_LEN;

	params.granule_lg2 = granule_lg2(&r->world);
	r->window.first.addr = first;
	r->window.last.addr = first + SPACE_LEN - 1;
	params.window = r->window;
	assert_int_equal(phyr_iova_create(&params, &r->space), PHYR_OK);
	if (upto(r, 2))
		assert_int_equal(phyr_iova_cache_create(r->space, NULL, &r->cache), PHYR_OK);
}

static inline void open_policy(struct dma_run *r)
{
	struct phyr_flush_target target = { r->world.backend, r->space, r->cache };
	struct phyr_flush_params params = { .mem = &r->host.mem,
					    .iommu = r->world.backend,
					    .space = r->space,
					    .slot_cnt = 8,
					    .timeout = 5 };

	phyr_flush_batch_init(&r->batch, &target, r->held, HELD_CNT);
	if (r->policy != POLICY_LAZY)
		return;
	assert_int_equal(phyr_flush_domain_create(&params, &r->domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(r->domain, &r->ring), PHYR_OK);
}

static inline void open_handles(struct dma_run *r)
{
	struct phyr_dma_params params = { .mem = &r->host.mem,
					  .iommu = r->world.backend,
					  .space = r->space,
					  .cache = r->cache,
					  .ring = r->ring,
					  .p2p = r->p2p,
					  .node = r->node,
					  .bounce = r->pool };

	assert_int_equal(phyr_dma_create(&params, &r->dma[0]), PHYR_OK);
	params.traits = PHYR_DMA_UNTRUSTED | PHYR_DMA_DECRYPT;
	params.keep_lg2 = 12;
	assert_int_equal(phyr_dma_create(&params, &r->dma[1]), PHYR_OK);
	for (size_t i = 0; r->policy == POLICY_BATCH && i < 2; i++)
		phyr_dma_set_batch(r->dma[i], &r->batch);
}

static inline void run_of_open(struct dma_run *r, const struct config *config,
			       const struct phyrsim_inval_params *inval, enum policy policy,
			       uint64_t seed)
{
	struct phyr_bounce_params pool = { .mem = &r->host.mem,
					   .pool = { { DATA + POOL_AT }, POOL_LEN },
					   .copy = copy_data,
					   .zero = zero_data,
					   .ctx = r };

	memset(r, 0, sizeof(*r));
	world_open_as(&r->world, config, inval, false);
	test_mem_init(&r->host);
	r->config = config;
	r->policy = policy;
	r->random = seed;
	r->granule = phyr_bits_size(granule_lg2(&r->world));
	for (size_t i = 0; i < DATA_LEN; i++)
		r->bytes[i] = (unsigned char)(test_random(&r->random) >> 32);
	memcpy(r->shadow, r->bytes, DATA_LEN);
	open_peers(r);
	open_space(r);
	open_policy(r);
	assert_int_equal(phyr_bounce_create(&pool, &r->pool), PHYR_OK);
	open_handles(r);
	for (size_t i = 0; i < PLACE_CNT; i++)
		phyr_list_init(&r->places[i].list, &r->host.mem);
}

static inline void expect_data(const struct dma_run *r)
{
	assert_memory_equal(r->bytes, r->shadow, POOL_AT);
	assert_memory_equal(r->bytes + BRIDGE_AT, r->shadow + BRIDGE_AT, 2 * BAR_LEN);
}

/* With everything unmapped and flushed, nothing is left anywhere. */
static inline void run_of_close(struct dma_run *r)
{
	struct phyr_bounce_stats slots;
	struct phyr_iova_stats space;
	struct phyrsim_iommu_stats iommu;

	for (size_t i = 0; i < 2; i++)
		phyr_dma_destroy(r->dma[i]);
	phyr_flush_batch_end(&r->batch);
	assert_int_equal(r->batch.stats.refused_cnt, 0);
	phyr_flush_ring_destroy(r->ring);
	phyr_flush_domain_destroy(r->domain);
	phyr_iova_cache_destroy(r->cache);
	phyr_iova_stats(r->space, &space);
	phyr_bounce_stats(r->pool, &slots);
	phyrsim_iommu_stats(r->world.iommu, &iommu);
	assert_true(space.live_cnt == 0 && space.refused_cnt == 0 && slots.used_cnt == 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(iommu.table.leaves.cnt[i], 0);
	assert_true(phyr_p2p_validate(r->p2p, NULL) && phyr_bounce_validate(r->pool, NULL));
	assert_true(phyr_iova_validate(r->space, NULL));
	assert_int_equal(check(&r->world).cnt, 0);
	phyr_iova_destroy(r->space);
	phyr_bounce_destroy(r->pool);
	phyr_p2p_destroy(r->p2p);
	for (size_t i = 0; i < PLACE_CNT; i++)
		phyr_list_fini(&r->places[i].list);
	assert_int_equal(r->host.live_cnt, 0);
	world_close(&r->world);
}

#endif
