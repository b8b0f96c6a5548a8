/* SPDX-License-Identifier: MIT */
/*
 * Front ends over a simulated IOMMU, strict: a mebibyte of scattered pages page by page and by the
 * range; 64 scattered pages as a request, next to a list built, mapped and unmapped; and without an
 * IOMMU.
 */
#include <phyr/front_pages.h>
#include <phyr/front_request.h>
#include <phyr/heap.h>
#include <phyrsim/iommu.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
#define PAGES 256
#define SEGMENTS 64

struct world {
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_front_pages *pages; /* keeps the tables, as other I/O does */
	struct phyr_front_queue queue;
};

static struct phyr_range pages[PAGES];
static struct phyr_front_segment segments[SEGMENTS];
static const struct phyr_front_input input = { segments, SEGMENTS };

static void start(struct world *w, const struct phyr_dma_params *params)
{
	static const struct phyr_segment_limits limits;

	bench_require(phyr_dma_create(params, &w->dma) == PHYR_OK);
	bench_require(phyr_front_queue_init(&w->queue, w->dma, &limits) == PHYR_OK);
}

static void map_pages(struct world *w, uint64_t first, size_t cnt)
{
	struct phyr_front_pages_run run = {
		first, &pages[first], cnt, { 0 }, PHYR_PERM_READ_WRITE
	};

	bench_require(phyr_front_pages_map(w->pages, &run) == PHYR_OK);
}

static void unmap_pages(struct world *w, uint64_t first, uint64_t cnt)
{
	struct phyr_front_pages_part part = { first, cnt };

	bench_require(phyr_front_pages_unmap(w->pages, part) == PHYR_OK);
}

static void world_init(struct world *w)
{
	struct phyrsim_iommu_params iommu = { .table.mem = phyr_heap_mem() };
	struct phyr_iova_params space = { .mem = phyr_heap_mem(),
					  .window = { { PAGE }, { UINT32_MAX } } };
	struct phyr_dma_params params = { .mem = phyr_heap_mem() };
	struct phyr_front_pages_params window = { .page_cnt = PAGES, .page_lg2 = 12 };

	bench_require(phyrsim_mem_create(phyr_heap_mem(), &w->frames) == PHYR_OK);
	iommu.table.frames = w->frames;
	bench_require(phyrsim_iommu_create(&iommu, &w->iommu) == PHYR_OK);
	bench_require(phyr_iova_create(&space, &w->space) == PHYR_OK);
	params.iommu = phyrsim_iommu_backend(w->iommu);
	params.space = w->space;
	start(w, &params);
	window.dma = w->dma;
	bench_require(phyr_front_pages_create(&window, &w->pages) == PHYR_OK);
	map_pages(w, 0, 1);
}

static void world_fini(struct world *w)
{
	phyr_front_pages_destroy(w->pages);
	phyr_dma_destroy(w->dma);
	phyr_iova_destroy(w->space);
	phyrsim_iommu_destroy(w->iommu);
	phyrsim_mem_destroy(w->frames);
}

/* Flushes and syncs of a pass of n, counted once more outside of the clock. */
static void tell(struct bench *b, struct world *w, void (*pass)(struct world *))
{
	struct phyr_front_pages_stats before, after;

	phyr_front_pages_stats(w->pages, &before);
	pass(w);
	phyr_front_pages_stats(w->pages, &after);
	bench_counter(b, "syncs", (double)(after.sync_cnt - before.sync_cnt));
	bench_counter(b, "flushes", (double)(after.flush_cnt - before.flush_cnt));
}

static void page_by_page(struct world *w)
{
	for (uint64_t i = 1; i < PAGES; i++)
		map_pages(w, i, 1);
	for (uint64_t i = 1; i < PAGES; i++)
		unmap_pages(w, i, 1);
}

static void by_the_range(struct world *w)
{
	map_pages(w, 1, PAGES - 1);
	unmap_pages(w, 1, PAGES - 1);
}

static void run_pages(struct bench *b, void (*pass)(struct world *))
{
	struct world w;

	world_init(&w);
	while (bench_running(b))
		pass(&w);
	tell(b, &w, pass);
	bench_items(b, PAGES - 1);
	world_fini(&w);
}

static void pages_single(struct bench *b, const void *arg)
{
	(void)arg;
	run_pages(b, page_by_page);
}

static void pages_range(struct bench *b, const void *arg)
{
	(void)arg;
	run_pages(b, by_the_range);
}

/* Maps, reads what the device gets, unmaps. */
static uint64_t one_request(struct world *w)
{
	struct phyr_front_request request;
	struct phyr_front_cursor cursor;
	struct phyr_iova_range segment;
	uint64_t sum = 0;

	bench_require(phyr_front_request_map(&w->queue, &input, PHYR_PERM_READ_WRITE, &request) ==
		      PHYR_OK);
	phyr_front_request_begin(&w->queue, &request, &input, &cursor);
	while (phyr_front_request_next(&cursor, &segment))
		sum += segment.iova.addr + segment.len;
	bench_require(phyr_front_request_unmap(&w->queue, &request) == PHYR_OK);
	return sum;
}

static void request_range(struct bench *b, const void *arg)
{
	struct world w;

	(void)arg;
	world_init(&w);
	while (bench_running(b))
		bench_use(one_request(&w));
	bench_require(w.queue.stats.out_cnt == w.queue.stats.request_cnt);
	bench_items(b, SEGMENTS);
	world_fini(&w);
}

static void request_direct(struct bench *b, const void *arg)
{
	struct phyr_dma_params params = { .mem = phyr_heap_mem() };
	struct world w;

	(void)arg;
	start(&w, &params);
	while (bench_running(b))
		bench_use(one_request(&w));
	bench_require(w.queue.stats.out_cnt == SEGMENTS * w.queue.stats.request_cnt);
	bench_items(b, SEGMENTS);
	phyr_dma_destroy(w.dma);
}

/* The same 64 pages as a list that is built for it. */
static void one_list(struct world *w)
{
	struct phyr_dma_map map;
	struct phyr_list list;
	int err = 0;

	phyr_list_init(&list, phyr_heap_mem());
	for (size_t i = 0; i < SEGMENTS; i++)
		err |= phyr_list_append(&list, segments[i].range, segments[i].tag);
	err |= phyr_dma_map(w->dma, &list, PHYR_PERM_READ_WRITE, NULL, &map);
	bench_use(map.range.iova.addr);
	err |= phyr_dma_unmap(w->dma, &map);
	phyr_list_fini(&list);
	bench_require(!err);
}

static void request_list(struct bench *b, const void *arg)
{
	struct world w;

	(void)arg;
	world_init(&w);
	while (bench_running(b))
		one_list(&w);
	bench_items(b, SEGMENTS);
	world_fini(&w);
}

int main(int argc, char **argv)
{
	uint64_t random = 1;

	for (size_t i = 0; i < PAGES; i++) {
		pages[i].pa = phyr_pa_at(bench_random(&random) >> 24 << PHYR_PAGE_LG2);
		pages[i].len = PAGE;
	}
	for (size_t i = 0; i < SEGMENTS; i++)
		segments[i].range = pages[i];
	bench_add("front/pages/single_1M", pages_single, NULL);
	bench_add("front/pages/range_1M", pages_range, NULL);
	bench_add("front/request/range_64", request_range, NULL);
	bench_add("front/request/list_64", request_list, NULL);
	bench_add("front/request/direct_64", request_direct, NULL);
	return bench_main(argc, argv);
}
