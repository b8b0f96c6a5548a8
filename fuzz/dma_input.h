/* SPDX-License-Identifier: MIT */
/*
 * A backend of a few granules, memory whose bytes count, and handles that bytes drive; for fuzz_dma.c.
 */
#ifndef PHYR_FUZZ_DMA_INPUT_H
#define PHYR_FUZZ_DMA_INPUT_H

#include <stdlib.h>
#include <string.h>

#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyr/dma_link.h>

#define PAGE PHYR_PAGE_SIZE
#define BASE UINT64_C(0x40000000)
#define GRANULES 64
/* Memory, the pool in its middle; what is above it is a BAR, reached through the bridge. */
#define MEMORY UINT64_C(0x40000)
#define POOL UINT64_C(0x20000)
#define POOL_LEN UINT64_C(0x8000)
#define BAR UINT64_C(0x30000)

enum granule_state { GRANULE_FREE, GRANULE_MAPPED, GRANULE_STALE };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *next;
	const uint8_t *end;
};

struct world {
	struct phyr_mem mem;
	size_t live_cnt;
	size_t grant_cnt; /* so many calls get memory */
	size_t call_cnt;  /* so many calls of the backend work */
	struct phyr_iova_space *space;
	struct phyr_bounce *pool;
	struct phyr_p2p *p2p;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_dma *dma;
	uint32_t owner, provider;
	enum granule_state states[GRANULES];
	uint64_t pa[GRANULES];
	unsigned char bytes[MEMORY];
};

static inline void require(bool holds)
{
	if (!holds)
		abort();
}

/** What is missing at the end of the input is zero. */
static inline uint64_t take(struct input *in, unsigned int byte_cnt)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < byte_cnt && in->next < in->end; i++)
		number |= (uint64_t)*in->next++ << 8 * i;
	return number;
}

static inline void *memory_alloc(void *ctx, size_t size)
{
	struct world *w = ctx;

	if (w->grant_cnt == 0)
		return NULL;
	w->grant_cnt--;
	w->live_cnt++;
	return malloc(size);
}

static inline void memory_free(void *ctx, void *ptr, size_t size)
{
	struct world *w = ctx;

	(void)size;
	require(ptr && w->live_cnt > 0);
	w->live_cnt--;
	free(ptr);
}

static inline void backend_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	(void)ctx;
	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = PAGE,
					      .iova = { { BASE }, { BASE + GRANULES * PAGE - 1 } },
					      .pa_last.addr = MEMORY - 1 };
}

/* The granules of a range, which are all in this state. */
static inline uint64_t backend_find(const struct world *w, struct phyr_iova_range range,
				    enum granule_state state)
{
	uint64_t first = (range.iova.addr - BASE) / PAGE;

	require(range.len && phyr_bits_aligned(range.iova.addr | range.len, PHYR_PAGE_LG2));
	require(first < GRANULES && range.len / PAGE <= GRANULES - first);
	for (uint64_t i = first; i < first + range.len / PAGE; i++) {
		if (w->states[i] != state)
			return GRANULES;
	}
	return first;
}

static inline int backend_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct world *w = ctx;
	struct phyr_iova_range range = { map->iova, 0 };
	uint64_t at;

	for (size_t i = 0; i < map->run_cnt; i++) {
		require(phyr_bits_aligned(map->runs[i].pa.addr | map->runs[i].len, PHYR_PAGE_LG2));
		if (map->runs[i].pa.addr >= MEMORY || map->runs[i].len > MEMORY)
			return PHYR_E_RANGE;
		range.len += map->runs[i].len;
	}
	if (w->call_cnt == 0)
		return PHYR_E_NOMEM;
	w->call_cnt--;
	at = backend_find(w, range, GRANULE_FREE);
	if (at == GRANULES)
		return PHYR_E_EXISTS;
	for (size_t i = 0; i < map->run_cnt; i++) {
		for (uint64_t done = 0; done < map->runs[i].len; done += PAGE, at++) {
			w->states[at] = GRANULE_MAPPED;
			w->pa[at] = map->runs[i].pa.addr + done;
		}
	}
	return PHYR_OK;
}

static inline int backend_sync(void *ctx, struct phyr_iova_range range)
{
	const struct world *w = ctx;

	return backend_find(w, range, GRANULE_MAPPED) == GRANULES ? PHYR_E_NOENT : PHYR_OK;
}

static inline int backend_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *w = ctx;
	uint64_t at = backend_find(w, range, GRANULE_MAPPED);

	if (at == GRANULES)
		return PHYR_E_NOENT;
	for (uint64_t i = 0; i < range.len / PAGE; i++)
		w->states[at + i] = GRANULE_STALE;
	phyr_gather_add(gather, range);
	return PHYR_OK;
}

static inline void backend_flush_all(void *ctx)
{
	struct world *w = ctx;

	for (size_t i = 0; i < GRANULES; i++)
		w->states[i] = w->states[i] == GRANULE_STALE ? GRANULE_FREE : w->states[i];
}

static inline void backend_release(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
	phyr_gather_init(gather);
}

static inline void backend_flush(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;

	for (uint64_t i = gather->first; i < gather->last; i += PAGE) {
		enum granule_state *state = &w->states[(i - BASE) / PAGE];

		*state = *state == GRANULE_STALE ? GRANULE_FREE : *state;
	}
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops backend_ops = {
	.caps = backend_caps,
	.map = backend_map,
	.sync_map = backend_sync,
	.unmap = backend_unmap,
	.flush = backend_flush,
	.flush_all = backend_flush_all,
	.release = backend_release,
};

static inline void copy_bytes(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct world *w = ctx;

	if (to.addr >= MEMORY || from.addr >= MEMORY)
		return; /* it is far away */
	require(len <= MEMORY - to.addr && len <= MEMORY - from.addr);
	memcpy(w->bytes + to.addr, w->bytes + from.addr, (size_t)len);
}

static inline void add_bar(struct world *w)
{
	struct phyr_p2p_bar bar = { { { BAR }, MEMORY - BAR }, 0, w->owner };

	require(phyr_p2p_register(w->p2p, &bar, &w->provider) == PHYR_OK);
}

/* A device and a peer under two host bridges. */
static inline uint32_t open_peers(struct world *w)
{
	struct phyr_p2p_node node = { 0, PHYR_P2P_FORWARD_ACROSS, 0 };
	uint32_t ids[4];

	require(phyr_p2p_create(&w->mem, &w->p2p) == PHYR_OK);
	for (int i = 0; i < 4; i++) {
		node.parent = i % 2 ? ids[i - 1] : 0;
		node.forward = i % 2 ? PHYR_P2P_FORWARD_NOTHING : PHYR_P2P_FORWARD_ACROSS;
		require(phyr_p2p_add_node(w->p2p, &node, &ids[i]) == PHYR_OK);
	}
	w->owner = ids[3];
	add_bar(w);
	return ids[1];
}

/* Bits of the first byte: 0 an IOMMU, 1 a ring, 2 a narrow device, 3 a pool; 7:4 the traits. */
static inline void world_open(struct world *w, unsigned int how)
{
	struct phyr_iova_params space = { .mem = &w->mem };
	struct phyr_bounce_params pool = {
		.mem = &w->mem, .pool = { { POOL }, POOL_LEN }, .copy = copy_bytes, .ctx = w
	};
	struct phyr_dma_params params = { .mem = &w->mem, .traits = how >> 4 };
	struct phyr_flush_params flush = { .mem = &w->mem, .slot_cnt = 4 };

	memset(w, 0, sizeof(*w));
	w->mem = (struct phyr_mem){ memory_alloc, memory_free, w };
	w->grant_cnt = SIZE_MAX;
	w->call_cnt = SIZE_MAX;
	for (size_t i = 0; i < MEMORY; i++)
		w->bytes[i] = (unsigned char)(i * 7 + i / 251);
	params.node = open_peers(w);
	params.p2p = w->p2p;
	space.window = (struct phyr_window){ { BASE }, { BASE + GRANULES * PAGE - 1 } };
	require(phyr_iova_create(&space, &w->space) == PHYR_OK);
	require(phyr_bounce_create(&pool, &w->pool) == PHYR_OK);
	flush.space = w->space;
	flush.iommu = (struct phyr_iommu){ &backend_ops, w };
	require(phyr_flush_domain_create(&flush, &w->domain) == PHYR_OK);
	require(phyr_flush_ring_create(w->domain, &w->ring) == PHYR_OK);
	if (how & 1) {
		params.iommu = flush.iommu;
		params.space = w->space;
		params.ring = how & 2 ? w->ring : NULL;
		params.address_last = how & 4 ? BASE + GRANULES / 2 * PAGE - 1 : 0;
	} else if (how & 4) {
		params.address_last = POOL + POOL_LEN - 1;
	}
	params.bounce = how & 8 ? w->pool : NULL;
	require(phyr_dma_create(&params, &w->dma) == PHYR_OK);
}

static inline void world_close(struct world *w)
{
	struct phyr_bounce_stats slots;
	struct phyr_iova_stats space;
	struct phyr_dma_stats stats;

	phyr_dma_stats(w->dma, &stats);
	require(stats.map_cnt == stats.unmap_cnt && !stats.mapped_len && !stats.reserved_len);
	require(!stats.list_len && !stats.bounced_len);
	phyr_dma_destroy(w->dma);
	phyr_flush_ring_destroy(w->ring);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_stats(w->space, &space);
	phyr_bounce_stats(w->pool, &slots);
	require(space.live_cnt == 0 && slots.used_cnt == 0);
	for (size_t i = 0; i < GRANULES; i++)
		require(w->states[i] == GRANULE_FREE);
	require(phyr_p2p_validate(w->p2p, NULL));
	phyr_iova_destroy(w->space);
	phyr_bounce_destroy(w->pool);
	phyr_p2p_destroy(w->p2p);
	require(w->live_cnt == 0);
}

#endif
