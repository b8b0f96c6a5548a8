/* SPDX-License-Identifier: MIT */
/*
 * What it costs to let an unmap wait: in a ring, in a batch, or not at all, with pages of a thread's
 * cache of I/O addresses, over a backend that does nothing. Its invalidations are counted: a
 * thousandth of their real cost would hide all else.
 */
#include <stddef.h>

#include <phyr/flush.h>
#include <phyr/heap.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
/* Unmaps of a pass. */
#define UNMAPS 10000
#define BATCH 64

static uint64_t flush_cnt;

static void flush(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
	flush_cnt++;
	phyr_gather_init(gather);
}

static void flush_all(void *ctx)
{
	(void)ctx;
	flush_cnt++;
}

static const struct phyr_iommu_ops ops = {
	.flush = flush,
	.flush_all = flush_all,
	.release = flush,
};

struct world {
	struct phyr_iova_space *space;
	struct phyr_iova_cache *cache;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_flush_target target;
};

static void world_begin(struct world *w)
{
	struct phyr_iova_params space = { .mem = phyr_heap_mem() };
	struct phyr_flush_params params = { .mem = phyr_heap_mem(), .iommu = { &ops, NULL } };

	space.window.last.addr = (UINT64_C(1) << 39) - 1;
	bench_require(phyr_iova_create(&space, &w->space) == PHYR_OK);
	bench_require(phyr_iova_cache_create(w->space, NULL, &w->cache) == PHYR_OK);
	params.space = w->space;
	bench_require(phyr_flush_domain_create(&params, &w->domain) == PHYR_OK);
	bench_require(phyr_flush_ring_create(w->domain, &w->ring) == PHYR_OK);
	w->target.iommu = params.iommu;
	w->target.space = w->space;
	w->target.cache = w->cache;
	flush_cnt = 0;
}

static void world_end(struct world *w)
{
	struct phyr_iova_stats stats;

	phyr_flush_ring_destroy(w->ring);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_cache_destroy(w->cache);
	phyr_iova_stats(w->space, &stats);
	bench_require(stats.live_cnt == 0);
	phyr_iova_destroy(w->space);
}

/* Takes a page and unmaps it. */
static struct phyr_iova_range unmap(struct world *w, struct phyr_gather *gather)
{
	struct phyr_iova_range range = { { 0 }, 0 };

	bench_require(phyr_iova_cache_alloc(w->cache, PAGE, &range) == PHYR_OK);
	phyr_gather_add(gather, range);
	return range;
}

static void strict(struct bench *b, const void *arg)
{
	struct phyr_gather gather;
	struct world w;
	int err = 0;

	(void)arg;
	world_begin(&w);
	phyr_gather_init(&gather);
	while (bench_running(b)) {
		for (size_t i = 0; i < UNMAPS; i++)
			err |= phyr_flush_now(&w.target, unmap(&w, &gather), &gather);
	}
	bench_require(!err && flush_cnt % UNMAPS == 0);
	world_end(&w);
	bench_items(b, UNMAPS);
}

static void lazy(struct bench *b, const void *arg)
{
	struct phyr_flush_ring_stats stats;
	struct phyr_gather gather;
	struct world w;

	(void)arg;
	world_begin(&w);
	phyr_gather_init(&gather);
	while (bench_running(b)) {
		for (size_t i = 0; i < UNMAPS; i++)
			phyr_flush_defer(w.ring, unmap(&w, &gather), w.cache, &gather);
	}
	phyr_flush_ring_stats(w.ring, &stats);
	bench_require(flush_cnt == (stats.defer_cnt - 1) / 255);
	world_end(&w);
	bench_items(b, UNMAPS);
}

static void batched(struct bench *b, const void *arg)
{
	struct phyr_iova_range held[BATCH];
	struct phyr_flush_batch batch;
	struct world w;

	(void)arg;
	world_begin(&w);
	phyr_flush_batch_init(&batch, &w.target, held, BATCH);
	while (bench_running(b)) {
		for (size_t i = 0; i < UNMAPS; i++)
			phyr_flush_batch_add(&batch, unmap(&w, &batch.gather));
	}
	phyr_flush_batch_end(&batch);
	bench_require(batch.stats.refused_cnt == 0 && batch.stats.early_cnt > 0);
	world_end(&w);
	bench_items(b, UNMAPS);
}

/* The queue alone: nothing to take or to give back. */
static void queue(struct bench *b, const void *arg)
{
	const struct phyr_iova_range none = { { 0 }, 0 };
	struct phyr_gather gather;
	struct world w;

	(void)arg;
	world_begin(&w);
	phyr_gather_init(&gather);
	while (bench_running(b)) {
		for (size_t i = 0; i < UNMAPS; i++)
			phyr_flush_defer(w.ring, none, NULL, &gather);
	}
	bench_require(flush_cnt > 0);
	world_end(&w);
	bench_items(b, UNMAPS);
}

int main(int argc, char **argv)
{
	bench_add("flush/strict/page", strict, NULL);
	bench_add("flush/batched/page", batched, NULL);
	bench_add("flush/lazy/page", lazy, NULL);
	bench_add("flush/lazy/no_address", queue, NULL);
	return bench_main(argc, argv);
}
