/* SPDX-License-Identifier: MIT */
/*
 * Threads that unmap lazily, each through a ring of its own, through one that they share, or through
 * rings that come and go; one lets time pass, and one flushes. Flushes take their time and overlap.
 * No address is taken again before a flush has ended that began after its unmap, no table page is
 * released before that or twice, and in the end nothing is left.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of unmaps of a
 * thread. Under the thread sanitizer, which finds what a wrong result does not show:
 *
 *	CC=clang meson setup build-tsan --buildtype=debugoptimized -Db_sanitize=thread \
 *	    -Db_lundef=false -Dfuzz=off && meson test -C build-tsan --suite stress
 *
 * Not here: how many flushes there are (test_flush.c, prop_flush.c).
 */
#include <pthread.h>
#include <sched.h>

#include <phyr/flush.h>

#include "stress.h"

#define UNMAPPERS 4
#define SLOTS 16
/* Pages of the space: few enough for no space to be left at times. */
#define PAGES 256
#define PAGE PHYR_PAGE_SIZE

/* A page, as the backend knows it. */
struct page {
	atomic_uint_fast64_t unmapped; /* event; 0: mapped, or never used */
	atomic_uint_fast64_t tables;   /* 1: held back since that event */
};

struct world {
	struct stress stress;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	uint64_t unmaps; /* of each thread */
	struct page pages[PAGES];
	atomic_uint_fast64_t events;
	atomic_uint_fast64_t covered; /* when the last of the flushes that ended began */
	atomic_uint_fast64_t tables;
	atomic_uint_fast64_t unmapped_cnt;
	atomic_size_t left; /* threads that unmap */
};

struct actor {
	struct world *w;
	struct phyr_flush_ring *ring;
	struct phyr_iova_cache *cache; /* NULL: none */
	bool flits;		       /* its ring comes and goes */
	uint64_t random;
};

static void flush_all(void *ctx)
{
	struct world *w = ctx;
	uint_fast64_t event = atomic_fetch_add(&w->events, 1) + 1;
	uint_fast64_t covered;

	for (uint_fast64_t i = event % 4; i > 0; i--)
		sched_yield();
	covered = atomic_load(&w->covered);
	while (event > covered && !atomic_compare_exchange_weak(&w->covered, &covered, event))
		continue;
}

/* A chain is a page of the test's own. */
static void release(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;
	struct page *page = gather->freed;

	note(&w->stress, atomic_load(&page->unmapped) < atomic_load(&w->covered),
	     "table pages are released early");
	note(&w->stress, atomic_exchange(&page->tables, 0) == 1, "table pages are released twice");
	atomic_fetch_sub(&w->tables, 1);
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops ops = {
	.flush_all = flush_all,
	.release = release,
};

static bool take(struct actor *a, struct phyr_iova_range *ret_range)
{
	struct world *w = a->w;
	struct page *page;
	int err;

	if (a->cache)
		err = phyr_iova_cache_alloc(a->cache, PAGE, ret_range);
	else
		err = phyr_iova_alloc(w->space, PAGE, NULL, ret_range);
	if (err != PHYR_OK) {
		note(&w->stress, err == PHYR_E_NOSPACE,
		     "a request fails for want of something else");
		return false;
	}
	page = &w->pages[ret_range->iova.addr / PAGE];
	note(&w->stress, atomic_load(&page->tables) == 0,
	     "an address is taken before its tables went");
	note(&w->stress, atomic_load(&page->unmapped) <= atomic_load(&w->covered),
	     "an address is taken too early");
	return true;
}

static void unmap(struct actor *a, struct phyr_iova_range range)
{
	struct world *w = a->w;
	struct page *page = &w->pages[range.iova.addr / PAGE];
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	phyr_gather_add(&gather, range);
	if (test_random(&a->random) % 2) {
		atomic_store(&page->tables, 1);
		atomic_fetch_add(&w->tables, 1);
		gather.freed = page;
	}
	atomic_store(&page->unmapped, atomic_fetch_add(&w->events, 1) + 1);
	phyr_flush_defer(a->ring, range, a->cache, &gather);
	atomic_fetch_add(&w->unmapped_cnt, 1);
	note(&w->stress, gather.empty && !gather.freed, "the gather is not emptied");
}

static void open_ring(struct actor *a)
{
	note(&a->w->stress, phyr_flush_ring_create(a->w->domain, &a->ring) == PHYR_OK,
	     "a ring cannot be made");
}

static void *unmapper(void *arg)
{
	struct actor *a = arg;
	struct phyr_iova_range range;

	for (uint64_t i = 1; i <= a->w->unmaps; i++) {
		if (take(a, &range))
			unmap(a, range);
		else
			phyr_flush_all(a->w->domain);
		if (a->flits && i % 100 == 0) {
			phyr_flush_ring_destroy(a->ring);
			open_ring(a);
		}
	}
	atomic_fetch_sub(&a->w->left, 1);
	return NULL;
}

static void *clock_hand(void *arg)
{
	struct actor *a = arg;
	uint64_t now = 0;

	while (atomic_load(&a->w->left)) {
		phyr_flush_tick(a->w->domain, now += test_random(&a->random) % 8);
		sched_yield();
	}
	return NULL;
}

static void *flusher(void *arg)
{
	struct actor *a = arg;
	struct phyr_flush_stats stats;

	while (atomic_load(&a->w->left)) {
		if (test_random(&a->random) % 4 == 0)
			phyr_flush_all(a->w->domain);
		note(&a->w->stress, phyr_flush_validate(a->w->domain, NULL),
		     "the domain is damaged");
		phyr_flush_stats(a->w->domain, &stats);
		note(&a->w->stress, stats.refused_cnt == 0, "an address is not taken back");
		for (int i = 0; i < 8; i++)
			sched_yield();
	}
	return NULL;
}

static void world_begin(struct world *w, bool single)
{
	struct phyr_iova_params space = { 0 };
	struct phyr_flush_params params = { 0 };

	memset(w, 0, sizeof(*w));
	stress_begin(&w->stress);
	w->unmaps = test_number("PHYR_ITER", 20000);
	space.mem = &w->stress.mem;
	space.window.last.addr = PAGES * PAGE - 1;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	params.mem = &w->stress.mem;
	params.iommu.ops = &ops;
	params.iommu.ctx = w;
	params.space = w->space;
	params.slot_cnt = SLOTS;
	params.single = single;
	params.timeout = 50;
	assert_int_equal(phyr_flush_domain_create(&params, &w->domain), PHYR_OK);
	atomic_store(&w->left, UNMAPPERS);
}

static void run(struct world *w)
{
	struct actor actors[UNMAPPERS + 2];
	pthread_t threads[CNT(actors)];

	memset(actors, 0, sizeof(actors));
	for (unsigned int i = 0; i < CNT(actors); i++) {
		struct actor *a = &actors[i];
		void *(*act)(void *) = i < UNMAPPERS  ? unmapper :
				       i == UNMAPPERS ? clock_hand :
							flusher;

		a->w = w;
		a->flits = i == 0;
		a->random = test_number("PHYR_SEED", 1) * (i + 1) | 1;
		if (i < UNMAPPERS)
			open_ring(a);
		if (i < UNMAPPERS / 2)
			assert_int_equal(phyr_iova_cache_create(w->space, NULL, &a->cache),
					 PHYR_OK);
		assert_int_equal(pthread_create(&threads[i], NULL, act, a), 0);
	}
	for (unsigned int i = 0; i < CNT(actors); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned int i = 0; i < CNT(actors); i++) {
		phyr_flush_ring_destroy(actors[i].ring);
		phyr_iova_cache_destroy(actors[i].cache);
	}
}

static void expect_nothing_left(struct world *w)
{
	struct phyr_iova_stats stats;

	stress_expect(&w->stress);
	assert_true(atomic_load(&w->unmapped_cnt) > w->unmaps);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_stats(w->space, &stats);
	assert_int_equal(stats.live_cnt, 0);
	assert_int_equal(atomic_load(&w->tables), 0);
	phyr_iova_destroy(w->space);
	assert_int_equal(atomic_load(&w->stress.live_cnt), 0);
}

static void rings_of_threads_wait_for_flushes_that_overlap(void **state)
{
	static struct world w;

	(void)state;
	world_begin(&w, false);
	run(&w);
	expect_nothing_left(&w);
}

static void a_ring_that_threads_share_does_too(void **state)
{
	static struct world w;

	(void)state;
	world_begin(&w, true);
	run(&w);
	expect_nothing_left(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_of_threads_wait_for_flushes_that_overlap),
		cmocka_unit_test(a_ring_that_threads_share_does_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
