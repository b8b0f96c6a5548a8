/* SPDX-License-Identifier: MIT */
/*
 * What tests of the flush module share: a space, a backend that only counts, with table pages that
 * are counters, and a hook that runs inside of its flushes, as another thread would.
 */
#ifndef PHYR_TEST_FLUSH_WORLD_H
#define PHYR_TEST_FLUSH_WORLD_H

#include <phyr/flush.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE

struct world {
	struct test_mem host;
	struct phyr_iova_space *space;
	struct phyr_iommu_ops ops;
	uint64_t flush_cnt;	/* of gathers */
	uint64_t flush_all_cnt; /* of the domain, ended */
	uint64_t release_cnt;
	uint64_t tables; /* held back in gathers and by the module */
	void (*inside)(struct world *w);
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_flush_ring *other;
};

/* A chain of table pages is their number. */
static inline void fake_free(struct world *w, struct phyr_gather *gather)
{
	assert_true((uintptr_t)gather->freed <= w->tables);
	w->tables -= (uintptr_t)gather->freed;
	phyr_gather_init(gather);
}

static inline void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;

	w->flush_cnt++;
	fake_free(w, gather);
}

static inline void fake_flush_all(void *ctx)
{
	struct world *w = ctx;
	void (*inside)(struct world *) = w->inside;

	w->inside = NULL;
	if (inside)
		inside(w);
	w->flush_all_cnt++;
}

static inline void fake_release(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;

	assert_non_null(gather->freed);
	w->release_cnt++;
	fake_free(w, gather);
}

static inline struct phyr_iommu backend(struct world *w)
{
	struct phyr_iommu iommu = { &w->ops, w };

	return iommu;
}

static inline struct phyr_flush_params params_of(struct world *w)
{
	struct phyr_flush_params params = { .mem = &w->host.mem,
					    .iommu = backend(w),
					    .space = w->space };

	return params;
}

static inline void world_begin(struct world *w)
{
	struct phyr_iova_params params = { .mem = &w->host.mem };

	memset(w, 0, sizeof(*w));
	test_mem_init(&w->host);
	w->ops.flush = fake_flush;
	w->ops.flush_all = fake_flush_all;
	w->ops.release = fake_release;
	params.mem = &w->host.mem;
	params.window.last.addr = (UINT64_C(1) << 40) - 1;
	assert_int_equal(phyr_iova_create(&params, &w->space), PHYR_OK);
}

/* A domain of the world's with one ring. */
static inline void world_open(struct world *w, const struct phyr_flush_params *params)
{
	assert_int_equal(phyr_flush_domain_create(params, &w->domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->ring), PHYR_OK);
}

static inline struct phyr_flush_stats stats_of(const struct world *w)
{
	struct phyr_flush_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_flush_stats(w->domain, &stats);
	return stats;
}

static inline struct phyr_flush_ring_stats told_by(struct phyr_flush_ring *ring)
{
	struct phyr_flush_ring_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_flush_ring_stats(ring, &stats);
	return stats;
}

static inline uint64_t live_cnt(const struct world *w)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(w->space, &stats);
	return stats.live_cnt;
}

static inline void expect_sound(const struct world *w)
{
	const char *reason = NULL;

	if (!phyr_flush_validate(w->domain, &reason))
		fail_msg("%s", reason);
}

/* Everything is given back when rings and domain go, and that needs no memory. */
static inline void world_end(struct world *w)
{
	size_t calls = w->host.alloc_cnt;

	if (w->domain)
		expect_sound(w);
	phyr_flush_ring_destroy(w->other);
	phyr_flush_ring_destroy(w->ring);
	if (w->domain)
		assert_int_equal(stats_of(w).ring_cnt, 0);
	phyr_flush_domain_destroy(w->domain);
	assert_int_equal(w->host.alloc_cnt, calls);
	assert_int_equal(live_cnt(w), 0);
	assert_int_equal(w->tables, 0);
	phyr_iova_destroy(w->space);
	assert_int_equal(w->host.live_cnt, 0);
}

static inline struct phyr_iova_range take(struct world *w, uint64_t len)
{
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_alloc(w->space, len, NULL, &range), PHYR_OK);
	return range;
}

/* What a backend's unmap of a range does, if it removes so many tables. */
static inline void unmap(struct world *w, struct phyr_iova_range range, uintptr_t tables,
			 struct phyr_gather *gather)
{
	phyr_gather_add(gather, range);
	gather->freed = (void *)((uintptr_t)gather->freed + tables);
	w->tables += tables;
}

/* Allocates a page, unmaps it and defers it. */
static inline struct phyr_iova_range defer_to(struct world *w, struct phyr_flush_ring *ring,
					      uintptr_t tables)
{
	struct phyr_iova_range range = take(w, PAGE);
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	unmap(w, range, tables, &gather);
	phyr_flush_defer(ring, range, NULL, &gather);
	assert_true(gather.empty && !gather.freed);
	return range;
}

static inline void defer_many(struct world *w, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		(void)defer_to(w, w->ring, 0);
}

static inline bool is_live(const struct world *w, struct phyr_iova_range range)
{
	struct phyr_iova_range next;

	return phyr_iova_next(w->space, range.iova, &next) && next.iova.addr == range.iova.addr;
}

#endif
