/* SPDX-License-Identifier: MIT */
/*
 * A device with peers for the tests of front ends, over a backend that is a table of granules. The
 * backend checks every call, counts, and fails when told to.
 */
#ifndef PHYR_TEST_FRONT_WORLD_H
#define PHYR_TEST_FRONT_WORLD_H

#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyr/dma_link.h>

#include "front_peers.h"

#define K4 UINT64_C(0x1000)
/** First I/O address of the backend and of the space. */
#define BASE UINT64_C(0x10000000)
/** Granules of both. */
#define GRANULES 8192
/** What an empty granule holds. */
#define NOTHING UINT64_MAX

struct world {
	struct test_mem t;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct peers peers;
	/* The backend. */
	uint64_t pa[GRANULES]; /* behind each granule, or NOTHING */
	bool mmio[GRANULES];
	uint64_t map_cnt, run_cnt, sync_cnt, unmap_cnt, flush_cnt;
	uint64_t unflushed_cnt; /* unmaps that no flush followed */
	uint64_t hidden_cnt;	/* maps that no sync followed */
	uint64_t fail_at;	/* the map that answers NOMEM */
	int sync_err;
	int unmap_err; /* for what begins at unmap_at */
	uint64_t unmap_at;
};

static inline struct phyr_window aperture(void)
{
	struct phyr_window window = { { BASE }, { BASE + GRANULES * K4 - 1 } };

	return window;
}

static inline void fake_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	(void)ctx;
	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = K4,
					      .iova = aperture(),
					      .pa_last.addr = (UINT64_C(1) << 52) - 1 };
}

/* The first granule of a range; all must be mapped, or none. */
static inline int fake_find(const struct world *w, struct phyr_iova_range range, bool mapped,
			    uint64_t *ret_first)
{
	uint64_t cnt = range.len / K4;

	assert_true(range.len && phyr_bits_aligned(range.iova.addr | range.len, 12));
	assert_true(range.iova.addr >= BASE);
	*ret_first = (range.iova.addr - BASE) / K4;
	assert_true(*ret_first < GRANULES && cnt <= GRANULES - *ret_first);
	for (uint64_t i = *ret_first; i < *ret_first + cnt; i++) {
		if ((w->pa[i] != NOTHING) != mapped)
			return mapped ? PHYR_E_NOENT : PHYR_E_EXISTS;
	}
	return PHYR_OK;
}

static inline int fake_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct phyr_iova_range range = { map->iova, 0 };
	struct world *w = ctx;
	uint64_t at;
	int err;

	/* What waits for its flush may not be mapped again. */
	assert_int_equal(w->unflushed_cnt, 0);
	if (w->map_cnt++ == w->fail_at)
		return PHYR_E_NOMEM;
	w->run_cnt += map->run_cnt;
	for (size_t i = 0; i < map->run_cnt; i++)
		range.len += map->runs[i].len;
	err = fake_find(w, range, false, &at);
	for (size_t i = 0; err == PHYR_OK && i < map->run_cnt; i++) {
		for (uint64_t done = 0; done < map->runs[i].len; done += K4, at++) {
			w->pa[at] = map->runs[i].pa.addr + done;
			w->mmio[at] = map->kind == PHYR_KIND_P2P;
		}
	}
	w->hidden_cnt += err == PHYR_OK;
	return err;
}

static inline int fake_sync(void *ctx, struct phyr_iova_range range)
{
	struct world *w = ctx;

	(void)range;
	w->sync_cnt++;
	if (w->sync_err)
		return w->sync_err;
	w->hidden_cnt = 0;
	return PHYR_OK;
}

static inline int fake_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *w = ctx;
	uint64_t first;
	int err = fake_find(w, range, true, &first);

	if (w->unmap_err && range.iova.addr == w->unmap_at)
		return w->unmap_err;
	if (err != PHYR_OK)
		return err;
	memset(w->pa + first, 0xff, (size_t)(range.len / K4) * sizeof(w->pa[0]));
	phyr_gather_add(gather, range);
	w->unmap_cnt++;
	w->unflushed_cnt++;
	return PHYR_OK;
}

static inline void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;

	w->unflushed_cnt = 0;
	w->hidden_cnt = 0;
	w->flush_cnt++;
	phyr_gather_init(gather);
}

static inline void fake_flush_all(void *ctx)
{
	((struct world *)ctx)->unflushed_cnt = 0;
}

static inline void fake_release(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
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

/* What the handle is made of; params may be changed before world_open_as(). */
static inline struct phyr_dma_params world_begin(struct world *w, bool iommu)
{
	struct phyr_iova_params space = { .mem = &w->t.mem, .window = aperture() };
	struct phyr_dma_params params = { .mem = &w->t.mem };

	memset(w, 0, sizeof(*w));
	memset(w->pa, 0xff, sizeof(w->pa));
	test_mem_init(&w->t);
	w->fail_at = UINT64_MAX;
	peers_open(&w->peers, &w->t.mem);
	params.node = w->peers.client;
	params.p2p = w->peers.p2p;
	if (!iommu)
		return params;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	params.iommu = (struct phyr_iommu){ &fake_ops, w };
	params.space = w->space;
	return params;
}

static inline void world_open_as(struct world *w, const struct phyr_dma_params *params)
{
	assert_int_equal(phyr_dma_create(params, &w->dma), PHYR_OK);
}

static inline void world_open(struct world *w, bool iommu)
{
	struct phyr_dma_params params = world_begin(w, iommu);

	world_open_as(w, &params);
}

static inline uint64_t mapped_cnt(const struct world *w)
{
	uint64_t cnt = 0;

	for (size_t i = 0; i < GRANULES; i++)
		cnt += w->pa[i] != NOTHING;
	return cnt;
}

static inline uint64_t reserved_cnt(const struct world *w)
{
	struct phyr_iova_stats stats;

	if (!w->space)
		return 0;
	phyr_iova_stats(w->space, &stats);
	return stats.live_cnt;
}

/* Nothing is mapped, reserved, attached, waiting or allocated any more. */
static inline void world_close(struct world *w)
{
	struct phyr_dma_stats stats;

	phyr_dma_stats(w->dma, &stats);
	assert_int_equal(stats.mapped_len, 0);
	assert_int_equal(stats.reserved_len, 0);
	assert_int_equal(stats.list_len, 0);
	assert_int_equal(mapped_cnt(w), 0);
	assert_int_equal(reserved_cnt(w), 0);
	assert_int_equal(w->unflushed_cnt, 0);
	assert_true(phyr_p2p_validate(w->peers.p2p, NULL));
	phyr_dma_destroy(w->dma);
	phyr_iova_destroy(w->space);
	phyr_p2p_destroy(w->peers.p2p);
	assert_int_equal(w->t.live_cnt, 0);
}

/* The physical address behind an I/O address, through the backend's table. */
static inline uint64_t behind(const struct world *w, uint64_t iova)
{
	uint64_t at = (iova - BASE) / K4;

	assert_true(iova >= BASE && at < GRANULES && w->pa[at] != NOTHING);
	return w->pa[at] + iova % K4;
}

#endif
