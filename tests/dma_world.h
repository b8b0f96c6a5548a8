/* SPDX-License-Identifier: MIT */
/*
 * What tests of the mapping layer share: a few pages of memory whose bytes count, a pool and peers in
 * it, a backend that is a table of granules, and a device that reads and writes through all that.
 *
 * The backend objects to what is mapped before it was flushed, and to what is free before that.
 */
#ifndef PHYR_TEST_DMA_WORLD_H
#define PHYR_TEST_DMA_WORLD_H

#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyr/dma_link.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
#define K4 PAGE
#define RW PHYR_PERM_READ_WRITE
/* Memory: low, the pool, low, four BARs that touch, high. */
#define MEMORY UINT64_C(0x200000)
#define POOL UINT64_C(0x40000)
#define POOL_LEN UINT64_C(0x20000)
#define NEAR_BAR UINT64_C(0x80000) /* by bus address */
#define OWN_BAR UINT64_C(0x90000)
#define BRIDGE_BAR UINT64_C(0xa0000)
#define FAR_BAR UINT64_C(0xb0000) /* unreachable */
#define BAR_LEN UINT64_C(0x10000)
#define LOW_LAST UINT64_C(0xfffff)
#define HIGH UINT64_C(0x100000)
/* Bus address of a peer, less its physical one. */
#define BUS UINT64_C(0x7f000000)
/* Fills the pool, and is nowhere else. */
#define OLD 0xee
/* I/O addresses. */
#define BASE UINT64_C(0x10000000)
#define GRANULES 1024

enum granule_state {
	GRANULE_FREE,
	GRANULE_HIDDEN, /* mapped, not synced */
	GRANULE_MAPPED,
	GRANULE_STALE, /* unmapped, not flushed */
};

struct granule {
	uint64_t pa;
	enum granule_state state;
	enum phyr_perm perm;
	enum phyr_kind kind;
};

struct world {
	struct test_mem host;
	struct test_mem list_host;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *cache;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_bounce *pool;
	struct phyr_p2p *p2p;
	uint32_t providers[4]; /* near, own, bridge, far */
	uint32_t node;
	struct phyr_dma_params params;
	struct phyr_dma *dma;
	struct phyr_list list;
	/* The backend. */
	unsigned int lg2; /* of its granule; 0: there is none */
	struct granule granules[GRANULES];
	uint64_t map_cnt, sync_cnt, flush_cnt, flush_all_cnt;
	uint64_t fail_at; /* the call of map or sync_map, from 0, that fails */
	uint64_t call_cnt;
	int fail_err;
	int unmap_err;	   /* of the next unmap */
	uint64_t leak_cnt; /* bytes of what slots held before, that were mapped */
	unsigned char bytes[MEMORY];
	unsigned char shadow[MEMORY];
};

static inline struct phyr_window aperture(const struct world *w)
{
	struct phyr_window window = { { BASE }, { BASE + ((uint64_t)GRANULES << w->lg2) - 1 } };

	return window;
}

static inline void fake_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	const struct world *w = ctx;

	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = phyr_bits_size(w->lg2),
					      .iova = aperture(w),
					      .pa_last.addr = MEMORY - 1 };
}

/* The granules of a range, all mapped or none. */
static inline int fake_find(struct world *w, struct phyr_iova_range range, bool mapped,
			    struct granule **ret_first)
{
	uint64_t first = (range.iova.addr - BASE) >> w->lg2, cnt = range.len >> w->lg2;

	assert_true(range.len && phyr_bits_aligned(range.iova.addr | range.len, w->lg2));
	if (range.iova.addr < BASE || first >= GRANULES || cnt > GRANULES - first)
		return PHYR_E_RANGE;
	*ret_first = &w->granules[first];
	for (uint64_t i = first; i < first + cnt; i++) {
		enum granule_state state = w->granules[i].state;

		assert_true(mapped || state != GRANULE_STALE);
		if ((state == GRANULE_HIDDEN || state == GRANULE_MAPPED) != mapped)
			return mapped ? PHYR_E_NOENT : PHYR_E_EXISTS;
	}
	return PHYR_OK;
}

static inline int fake_call(struct world *w)
{
	return w->call_cnt++ == w->fail_at ? w->fail_err : PHYR_OK;
}

static inline void count_leaks(struct world *w, const struct phyr_range *run)
{
	for (uint64_t i = run->pa.addr; i < run->pa.addr + run->len; i++)
		w->leak_cnt += w->bytes[i] == OLD;
}

static inline int fake_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct world *w = ctx;
	struct phyr_iova_range range = { map->iova, 0 };
	struct granule *at;
	int err = fake_call(w);

	w->map_cnt++;
	assert_true(map->run_cnt > 0);
	for (size_t i = 0; i < map->run_cnt; i++) {
		uint64_t pa = map->runs[i].pa.addr, len = map->runs[i].len;

		assert_true(len && phyr_bits_aligned(pa | len, w->lg2));
		if (pa >= MEMORY || len > MEMORY - pa)
			return PHYR_E_RANGE;
		count_leaks(w, &map->runs[i]);
		range.len += len;
	}
	err = err ? err : fake_find(w, range, false, &at);
	for (size_t i = 0; err == PHYR_OK && i < map->run_cnt; i++) {
		for (uint64_t done = 0; done < map->runs[i].len; done += phyr_bits_size(w->lg2))
			*at++ = (struct granule){ map->runs[i].pa.addr + done, GRANULE_HIDDEN,
						  map->perm, map->kind };
	}
	return err;
}

static inline int fake_sync(void *ctx, struct phyr_iova_range range)
{
	struct world *w = ctx;
	struct granule *at;
	int err = fake_call(w);

	w->sync_cnt++;
	err = err ? err : fake_find(w, range, true, &at);
	for (uint64_t i = 0; err == PHYR_OK && i < range.len >> w->lg2; i++)
		at[i].state = GRANULE_MAPPED;
	return err;
}

static inline int fake_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *w = ctx;
	int err = w->unmap_err;
	struct granule *at;

	err = err ? err : fake_find(w, range, true, &at);
	if (err != PHYR_OK)
		return err;
	for (uint64_t i = 0; i < range.len >> w->lg2; i++)
		at[i].state = GRANULE_STALE;
	phyr_gather_add(gather, range);
	gather->freed = w;
	return PHYR_OK;
}

/* The space still holds what is flushed only now. */
static inline void fake_flush_granules(struct world *w, uint64_t first, uint64_t last)
{
	struct phyr_iova_range live;

	for (uint64_t i = 0; i < GRANULES; i++) {
		uint64_t iova = BASE + (i << w->lg2);

		if (w->granules[i].state != GRANULE_STALE || iova < first || iova > last)
			continue;
		w->granules[i].state = GRANULE_FREE;
		assert_true(phyr_iova_next(w->space, phyr_iova_at(iova), &live));
		assert_true(live.iova.addr <= iova);
	}
}

static inline void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;

	assert_false(gather->empty);
	fake_flush_granules(w, gather->first, gather->last);
	w->flush_cnt++;
	phyr_gather_init(gather);
}

static inline void fake_flush_all(void *ctx)
{
	struct world *w = ctx;

	fake_flush_granules(w, 0, UINT64_MAX);
	w->flush_all_cnt++;
}

static inline void fake_release(void *ctx, struct phyr_gather *gather)
{
	assert_true(gather->freed == ctx);
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops fake_ops = {
	.caps = fake_caps,
	.map = fake_map,
	.sync_map = fake_sync,
	.unmap = fake_unmap,
	.flush = fake_flush,
	.flush_all = fake_flush_all,
	.release = fake_release,
};

/* What a pool copies, and zeroes. */
static inline void copy_bytes(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct world *w = ctx;

	/* Slots are filled where no translation leads that was not invalidated. */
	for (size_t i = 0; phyr_bounce_holds(w->pool, to) && i < GRANULES; i++)
		assert_true(w->granules[i].state != GRANULE_STALE ||
			    to.addr - w->granules[i].pa >= phyr_bits_size(w->lg2));
	assert_true(len && to.addr + len <= MEMORY && from.addr + len <= MEMORY);
	memcpy(w->bytes + to.addr, w->bytes + from.addr, (size_t)len);
}

static inline void zero_bytes(void *ctx, struct phyr_range range)
{
	struct world *w = ctx;

	assert_true(phyr_bounce_holds(w->pool, range.pa));
	memset(w->bytes + range.pa.addr, 0, (size_t)range.len);
}

static inline uint32_t add_node(struct world *w, uint32_t parent)
{
	struct phyr_p2p_node node = { parent, PHYR_P2P_FORWARD_NOTHING, 0 };
	uint32_t id;

	if (parent == 0)
		node.forward = PHYR_P2P_FORWARD_ACROSS;
	assert_int_equal(phyr_p2p_add_node(w->p2p, &node, &id), PHYR_OK);
	return id;
}

static inline void add_bar(struct world *w, size_t which, uint32_t owner)
{
	struct phyr_p2p_bar bar = { { { NEAR_BAR + which * BAR_LEN }, BAR_LEN }, BUS, owner };

	assert_int_equal(phyr_p2p_register(w->p2p, &bar, &w->providers[which]), PHYR_OK);
}

/* Own and near below a switch; another host bridge; and one that forwards nothing. */
static inline void add_peers(struct world *w)
{
	struct phyr_p2p_node deaf = { 0 };
	uint32_t above, far;

	assert_int_equal(phyr_p2p_create(&w->host.mem, &w->p2p), PHYR_OK);
	above = add_node(w, add_node(w, 0));
	w->node = add_node(w, above);
	assert_int_equal(phyr_p2p_add_node(w->p2p, &deaf, &far), PHYR_OK);
	add_bar(w, 0, add_node(w, above));
	add_bar(w, 1, w->node);
	add_bar(w, 2, add_node(w, add_node(w, 0)));
	add_bar(w, 3, add_node(w, far));
}

static inline void add_pool(struct world *w, uint64_t len)
{
	struct phyr_bounce_params params = { .mem = &w->host.mem,
					     .pool = { { POOL }, len },
					     .copy = copy_bytes,
					     .zero = zero_bytes,
					     .ctx = w };

	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	w->params.bounce = w->pool;
}

/* A world without a handle: with granules of 2^lg2 bytes, or with 0 no IOMMU. */
static inline void world_open(struct world *w, unsigned int lg2)
{
	struct phyr_iova_params space = { .mem = &w->host.mem, .granule_lg2 = lg2 };
	uint64_t random = 1;

	memset(w, 0, sizeof(*w));
	w->lg2 = lg2;
	w->fail_at = UINT64_MAX;
	test_mem_init(&w->host);
	test_mem_init(&w->list_host);
	phyr_list_init(&w->list, &w->list_host.mem);
	for (size_t i = 0; i < MEMORY; i++)
		w->bytes[i] = (unsigned char)(test_random(&random) % OLD);
	memset(w->bytes + POOL, OLD, POOL_LEN);
	memcpy(w->shadow, w->bytes, MEMORY);
	add_peers(w);
	w->params.mem = &w->host.mem;
	w->params.p2p = w->p2p;
	w->params.node = w->node;
	if (lg2 == 0)
		return;
	space.window = aperture(w);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->params.iommu = (struct phyr_iommu){ &fake_ops, w };
	w->params.space = w->space;
}

/* Lazily from here on: a ring of so many slots. */
static inline void add_ring(struct world *w, unsigned int slot_cnt)
{
	struct phyr_flush_params params = { .mem = &w->host.mem,
					    .iommu = w->params.iommu,
					    .space = w->space,
					    .slot_cnt = slot_cnt };

	assert_int_equal(phyr_flush_domain_create(&params, &w->domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->ring), PHYR_OK);
	w->params.ring = w->ring;
}

static inline void make_dma(struct world *w)
{
	assert_int_equal(phyr_dma_create(&w->params, &w->dma), PHYR_OK);
}

static inline struct phyr_dma_stats stats_of(const struct world *w)
{
	struct phyr_dma_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_dma_stats(w->dma, &stats);
	return stats;
}

static inline uint64_t live_cnt(const struct world *w)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(w->space, &stats);
	return stats.live_cnt;
}

static inline size_t slots_used(const struct world *w)
{
	struct phyr_bounce_stats stats = { 0 };

	if (w->pool)
		phyr_bounce_stats(w->pool, &stats);
	return stats.used_cnt;
}

static inline size_t count_granules(const struct world *w, enum granule_state state)
{
	size_t cnt = 0;

	for (size_t i = 0; i < GRANULES; i++)
		cnt += w->granules[i].state == state;
	return cnt;
}

/* Nothing is mapped, in slots, or counted as such. */
static inline void expect_idle(const struct world *w)
{
	struct phyr_dma_stats stats = stats_of(w);
	const char *reason = NULL;

	assert_int_equal(count_granules(w, GRANULE_HIDDEN), 0);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 0);
	assert_int_equal(slots_used(w), 0);
	assert_int_equal(stats.map_cnt, stats.unmap_cnt);
	assert_int_equal(stats.mapped_len, 0);
	assert_int_equal(stats.reserved_len, 0);
	assert_int_equal(stats.list_len, 0);
	assert_int_equal(stats.bounced_len, 0);
	if (w->pool && !phyr_bounce_validate(w->pool, &reason))
		fail_msg("%s", reason);
	if (!phyr_p2p_validate(w->p2p, &reason))
		fail_msg("%s", reason);
}

static inline void world_close(struct world *w)
{
	if (w->dma)
		expect_idle(w);
	phyr_dma_destroy(w->dma);
	phyr_flush_ring_destroy(w->ring);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_cache_destroy(w->cache);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	if (w->space)
		assert_int_equal(live_cnt(w), 0);
	phyr_iova_destroy(w->space);
	phyr_bounce_destroy(w->pool);
	phyr_p2p_destroy(w->p2p);
	assert_int_equal(w->host.live_cnt, 0);
	phyr_list_fini(&w->list);
	assert_int_equal(w->list_host.live_cnt, 0);
}

static struct world the_world;

static inline int after_case(void **state)
{
	(void)state;
	world_close(&the_world);
	memset(&the_world, 0, sizeof(the_world));
	return 0;
}

/* One line for main(). */
#define CASE(name) cmocka_unit_test_teardown(name, after_case)

/* The world of a case, without a handle. */
static inline struct world *world_of(unsigned int lg2)
{
	world_open(&the_world, lg2);
	return &the_world;
}

#endif
