/* SPDX-License-Identifier: MIT */
/*
 * Mapping over a simulated IOMMU, strict: one page in two steps, also with the lock of an IOMMU that
 * threads share, in one call, and a gibibyte of scattered base pages next to the page table alone,
 * given the same runs as an array.
 *
 * A stake, one page that stays mapped, keeps the lowest table, as other I/O does.
 */
#include <stdlib.h>

#include <phyr/dma_link.h>
#include <phyr/heap.h>
#include <phyrsim/iommu.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
#define PAGES_1G 262144
#define TIMES 256

struct world {
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *cache;
	struct phyr_dma *dma;
	struct phyr_dma_state stake;
};

static struct phyr_range pages[PAGES_1G];

static struct phyr_dma_piece piece_of(const struct phyr_range *run)
{
	struct phyr_dma_piece piece = { .runs = run, .run_cnt = 1, .perm = PHYR_PERM_READ_WRITE };

	return piece;
}

static void world_init(struct world *w, bool shared)
{
	struct phyrsim_iommu_params iommu = { .table.mem = phyr_heap_mem(), .shared = shared };
	struct phyr_iova_params space = { .mem = phyr_heap_mem(),
					  .window = { { PAGE }, { (UINT64_C(1) << 48) - 1 } } };
	struct phyr_dma_params params = { .mem = phyr_heap_mem() };
	struct phyr_dma_want want = { .len = PAGE };
	struct phyr_dma_piece piece = piece_of(&pages[0]);

	bench_require(phyrsim_mem_create(phyr_heap_mem(), &w->frames) == PHYR_OK);
	iommu.table.frames = w->frames;
	bench_require(phyrsim_iommu_create(&iommu, &w->iommu) == PHYR_OK);
	bench_require(phyr_iova_create(&space, &w->space) == PHYR_OK);
	bench_require(phyr_iova_cache_create(w->space, NULL, &w->cache) == PHYR_OK);
	params.iommu = phyrsim_iommu_backend(w->iommu);
	params.space = w->space;
	params.cache = w->cache;
	bench_require(phyr_dma_create(&params, &w->dma) == PHYR_OK);
	bench_require(phyr_dma_reserve(w->dma, &want, &w->stake) == PHYR_OK);
	bench_require(phyr_dma_link(w->dma, &w->stake, 0, &piece) == PHYR_OK);
}

static void world_fini(struct world *w)
{
	bench_require(phyr_dma_destroy_state(w->dma, &w->stake, PAGE, PHYR_PERM_READ_WRITE) ==
		      PHYR_OK);
	phyr_dma_destroy(w->dma);
	phyr_iova_cache_destroy(w->cache);
	phyr_iova_destroy(w->space);
	phyrsim_iommu_destroy(w->iommu);
	phyrsim_mem_destroy(w->frames);
}

static int two_steps(struct phyr_dma *dma, const struct phyr_range *run)
{
	const struct phyr_dma_want want = { .len = PAGE };
	const struct phyr_dma_piece piece = piece_of(run);
	struct phyr_dma_state state;
	int err = phyr_dma_reserve(dma, &want, &state);

	if (!err)
		err = phyr_dma_link(dma, &state, 0, &piece);
	if (!err)
		err = phyr_dma_sync(dma, &state, 0, PAGE);
	return err ? err : phyr_dma_destroy_state(dma, &state, PAGE, PHYR_PERM_READ_WRITE);
}

static void two_step_page(struct bench *b, const void *arg)
{
	const bool *shared = arg;
	struct world w;
	int err = 0;

	world_init(&w, *shared);
	while (bench_running(b)) {
		for (size_t i = 0; i < TIMES; i++)
			err |= two_steps(w.dma, &pages[i]);
	}
	bench_require(!err);
	bench_items(b, TIMES);
	world_fini(&w);
}

static void map_page(struct bench *b, const void *arg)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_dma_map map;
	struct phyr_list list;
	struct world w;
	int err;

	(void)arg;
	world_init(&w, false);
	phyr_list_init(&list, NULL);
	err = phyr_list_append(&list, pages[1], tag);
	while (bench_running(b)) {
		for (size_t i = 0; i < TIMES; i++) {
			err |= phyr_dma_map(w.dma, &list, PHYR_PERM_READ_WRITE, NULL, &map);
			err |= phyr_dma_unmap(w.dma, &map);
		}
	}
	bench_require(!err);
	bench_items(b, TIMES);
	world_fini(&w);
}

static void map_list(struct bench *b, const void *arg)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_dma_map map;
	struct phyr_list list;
	struct world w;
	int err = 0;

	(void)arg;
	world_init(&w, false);
	phyr_list_init(&list, phyr_heap_mem());
	for (size_t i = 0; i < PAGES_1G; i++)
		err |= phyr_list_append(&list, pages[i], tag);
	while (bench_running(b)) {
		err |= phyr_dma_map(w.dma, &list, PHYR_PERM_READ_WRITE, NULL, &map);
		bench_pause(b);
		err |= phyr_dma_unmap(w.dma, &map);
		bench_resume(b);
	}
	bench_require(!err);
	bench_items(b, PAGES_1G);
	phyr_list_fini(&list);
	world_fini(&w);
}

static void map_array(struct bench *b, const void *arg)
{
	struct phyr_iommu_map map = { .runs = pages,
				      .run_cnt = PAGES_1G,
				      .perm = PHYR_PERM_READ_WRITE,
				      .source = { .fd = -1 } };
	struct phyr_iova_range range;
	struct phyr_gather gather;
	struct phyr_iommu backend;
	struct world w;
	int err = 0;

	(void)arg;
	world_init(&w, false);
	backend = phyrsim_iommu_backend(w.iommu);
	/* Where the list would be: the same tables. */
	err = phyr_iova_alloc(w.space, PAGES_1G * PAGE, NULL, &range);
	map.iova = range.iova;
	while (bench_running(b)) {
		err |= backend.ops->map(backend.ctx, &map);
		bench_pause(b);
		phyr_gather_init(&gather);
		err |= backend.ops->unmap(backend.ctx, range, &gather);
		backend.ops->flush(backend.ctx, &gather);
		bench_resume(b);
	}
	bench_require(!err);
	bench_items(b, PAGES_1G);
	world_fini(&w);
}

int main(int argc, char **argv)
{
	static const bool own = false, shared = true;
	uint64_t random = 1;

	for (size_t i = 0; i < PAGES_1G; i++) {
		pages[i].pa = phyr_pa_at(bench_random(&random) >> 24 << PHYR_PAGE_LG2);
		pages[i].len = PAGE;
	}
	bench_add("dma/two_step/page", two_step_page, &own);
	bench_add("dma/two_step/page_shared", two_step_page, &shared);
	bench_add("dma/map/page", map_page, NULL);
	bench_add("dma/map/list_1G", map_list, NULL);
	bench_add("dma/map/array_1G", map_array, NULL);
	return bench_main(argc, argv);
}
