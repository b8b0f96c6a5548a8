/* SPDX-License-Identifier: MIT */
/** @file @brief Two devices, with an IOMMU each or without, and one checker that watches both. */
#ifndef PHYR_DMA_CHECK_WORLD_H
#define PHYR_DMA_CHECK_WORLD_H

#include <phyr/dma_check.h>
#include <phyr/dma_link.h>
#include <phyrsim/iommu.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define RW PHYR_PERM_READ_WRITE
#define RO PHYR_PERM_READ
#define MISTAKE(name) PHYR_DMA_MISTAKE_##name

/** What is behind a device. */
struct behind {
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
};

struct world {
	struct test_mem host;
	struct test_mem checks; /**< the checker's */
	struct phyrsim_mem *frames;
	struct behind behind[2];
	struct phyr_dma_checker *checker;
	struct phyr_dma *dma, *other; /**< of the two devices */
	struct phyr_list list;
	struct phyr_dma_complaint last;
	uint64_t told_cnt;
	void (*then)(struct world *w); /**< called by the report, may be NULL */
};

static inline void hear(void *ctx, const struct phyr_dma_complaint *complaint)
{
	struct world *w = ctx;

	w->last = *complaint;
	w->told_cnt++;
	if (w->then)
		w->then(w);
}

static inline void make_iommu(struct world *w, struct behind *behind)
{
	struct phyrsim_iommu_params iommu = { .table.mem = &w->host.mem,
					      .table.frames = w->frames };
	struct phyr_iova_params space = { .mem = &w->host.mem,
					  .window = { { K4 }, { (UINT64_C(1) << 32) - 1 } } };

	assert_int_equal(phyrsim_iommu_create(&iommu, &behind->iommu), PHYR_OK);
	assert_int_equal(phyr_iova_create(&space, &behind->space), PHYR_OK);
}

/** A handle of a device; space NULL: no IOMMU. */
static inline struct phyr_dma *make_handle(struct world *w, const struct behind *behind)
{
	struct phyr_dma_params params = { .mem = &w->host.mem, .checker = w->checker };
	struct phyr_dma *dma;

	params.space = behind->space;
	if (behind->space)
		params.iommu = phyrsim_iommu_backend(behind->iommu);
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_OK);
	return dma;
}

static inline struct world *make(bool iommu)
{
	static struct world world;
	struct world *w = &world;
	struct phyr_dma_checker_params checker = { &w->checks.mem, hear, w };
	struct phyr_range range = { { 0x40000000 }, 4 * K4 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	memset(w, 0, sizeof(*w));
	test_mem_init(&w->host);
	test_mem_init(&w->checks);
	assert_int_equal(phyr_dma_checker_create(&checker, &w->checker), PHYR_OK);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->frames), PHYR_OK);
	for (size_t i = 0; iommu && i < CNT(w->behind); i++)
		make_iommu(w, &w->behind[i]);
	w->dma = make_handle(w, &w->behind[0]);
	w->other = make_handle(w, &w->behind[1]);
	phyr_list_init(&w->list, &w->host.mem);
	assert_int_equal(phyr_list_append(&w->list, range, tag), PHYR_OK);
	return w;
}

/** So many mistakes of a kind by now. */
static inline void expect(struct world *w, enum phyr_dma_mistake mistake, uint64_t cnt)
{
	struct phyr_dma_checker_stats stats;

	phyr_dma_checker_stats(w->checker, &stats);
	assert_int_equal(stats.mistake_cnt[mistake], cnt);
}

/** Nothing is remembered any more; all mistakes were told. */
static inline void end_world(struct world *w)
{
	struct phyr_dma_checker_stats stats;
	uint64_t told_cnt = 0;

	phyr_dma_destroy(w->dma);
	phyr_dma_destroy(w->other);
	phyr_dma_checker_destroy(w->checker, &stats);
	assert_true(stats.live_cnt == 0 && stats.lost_live_cnt == 0);
	assert_int_equal(stats.mistake_cnt[MISTAKE(LEAKED)], 0);
	for (int i = 0; i < PHYR_DMA_MISTAKE_CNT; i++)
		told_cnt += stats.mistake_cnt[i];
	assert_int_equal(w->told_cnt, told_cnt);
	phyr_list_fini(&w->list);
	for (size_t i = 0; i < CNT(w->behind); i++) {
		phyr_iova_destroy(w->behind[i].space);
		phyrsim_iommu_destroy(w->behind[i].iommu);
	}
	phyrsim_mem_destroy(w->frames);
	assert_int_equal(w->host.live_cnt, 0);
	assert_int_equal(w->checks.live_cnt, 0);
}

/** The same; so many mistakes of this kind, and none of another. */
static inline void end(struct world *w, enum phyr_dma_mistake mistake, uint64_t cnt)
{
	expect(w, mistake, cnt);
	assert_int_equal(w->told_cnt, cnt);
	assert_true(cnt == 0 || w->last.mistake == mistake);
	end_world(w);
}

static inline struct phyr_dma_map map(struct world *w, enum phyr_perm perm)
{
	struct phyr_dma_map map;

	assert_int_equal(phyr_dma_map(w->dma, &w->list, perm, NULL, &map), PHYR_OK);
	return map;
}

static inline void unmap(struct world *w, struct phyr_dma_map *map)
{
	assert_int_equal(phyr_dma_unmap(w->dma, map), PHYR_OK);
}

static inline struct phyr_dma_state reserve_on(struct phyr_dma *dma)
{
	struct phyr_dma_want want = { .len = 4 * K4 };
	struct phyr_dma_state state;

	assert_int_equal(phyr_dma_reserve(dma, &want, &state), PHYR_OK);
	return state;
}

static inline struct phyr_dma_state reserve(struct world *w)
{
	return reserve_on(w->dma);
}

/** Links memory at 0x50000000 + offset. */
static inline void link(struct world *w, struct phyr_dma_state *state, uint64_t offset,
			uint64_t len, enum phyr_perm perm)
{
	struct phyr_range run = { { 0x50000000 + offset }, len };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_SYSTEM, 0 }, perm, NULL, NULL };

	assert_int_equal(phyr_dma_link(w->dma, state, offset, &piece), PHYR_OK);
}

static inline int device(struct world *w, uint64_t iova, uint64_t len, enum phyr_perm perm)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyr_dma_check_device(w->dma, range, perm);
}

static inline int cpu(struct world *w, uint64_t pa, uint64_t len, bool write)
{
	struct phyr_range range = { { pa }, len };

	return phyr_dma_check_cpu(w->checker, range, write);
}

#endif
