/* SPDX-License-Identifier: MIT */
/*
 * Threads that map lists and link pieces, each with a handle of its own: one address space, one pool
 * and one flush domain, strictly and lazily, with caches and without; one lets time pass. No address
 * is mapped before it was flushed, every device finds its bytes, and in the end nothing is left.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of mappings of a
 * thread. Under the thread sanitizer, which finds what a wrong result does not show: stress_flush.c
 * says how.
 */
#include <pthread.h>
#include <sched.h>

#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyr/dma_link.h>

#include "stress.h"

#define MAPPERS 4
#define PAGE PHYR_PAGE_SIZE
#define BASE UINT64_C(0x10000000)
#define GRANULES 256
/* Physical memory: a part for each thread, and the pool. */
#define PART UINT64_C(0x20000)
#define POOL (MAPPERS * PART)
#define POOL_LEN UINT64_C(0x10000)
#define MEMORY (POOL + POOL_LEN)

enum granule_state { GRANULE_FREE, GRANULE_MAPPED, GRANULE_STALE };

struct granule {
	uint64_t pa;
	enum granule_state state;
};

struct world {
	struct stress stress;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	struct phyr_bounce *pool;
	uint64_t iter;
	pthread_mutex_t lock; /* of granules */
	struct granule granules[GRANULES];
	unsigned char bytes[MEMORY]; /* each has one user at a time */
	atomic_size_t left;	     /* threads that map */
	atomic_size_t mapped_cnt;
};

struct actor {
	struct world *w;
	struct phyr_dma *dma;
	struct phyr_flush_ring *ring;
	struct phyr_iova_cache *cache;
	uint64_t memory; /* where its part begins */
	uint64_t random;
};

/* The backend, one call at a time. */

static void caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	(void)ctx;
	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = PAGE,
					      .iova = { { BASE }, { BASE + GRANULES * PAGE - 1 } },
					      .pa_last.addr = MEMORY - 1 };
}

static int map(void *ctx, const struct phyr_iommu_map *map)
{
	struct world *w = ctx;
	struct granule *at = &w->granules[(map->iova.addr - BASE) / PAGE];

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < map->run_cnt; i++) {
		for (uint64_t done = 0; done < map->runs[i].len; done += PAGE, at++) {
			note(&w->stress, at->state == GRANULE_FREE,
			     "an address is mapped too early");
			*at = (struct granule){ map->runs[i].pa.addr + done, GRANULE_MAPPED };
		}
	}
	pthread_mutex_unlock(&w->lock);
	return PHYR_OK;
}

static int sync_map(void *ctx, struct phyr_iova_range range)
{
	(void)ctx;
	(void)range;
	return PHYR_OK;
}

static int unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->lock);
	for (uint64_t i = 0; i < range.len / PAGE; i++) {
		struct granule *at = &w->granules[(range.iova.addr - BASE) / PAGE + i];

		note(&w->stress, at->state == GRANULE_MAPPED, "what is unmapped was not mapped");
		at->state = GRANULE_STALE;
	}
	pthread_mutex_unlock(&w->lock);
	phyr_gather_add(gather, range);
	return PHYR_OK;
}

static void invalidate(struct world *w, uint64_t first, uint64_t last)
{
	pthread_mutex_lock(&w->lock);
	for (uint64_t i = first; i <= last; i++) {
		if (w->granules[i].state == GRANULE_STALE)
			w->granules[i].state = GRANULE_FREE;
	}
	pthread_mutex_unlock(&w->lock);
}

static void flush(void *ctx, struct phyr_gather *gather)
{
	invalidate(ctx, (gather->first - BASE) / PAGE, (gather->last - BASE) / PAGE);
	phyr_gather_init(gather);
}

static void flush_all(void *ctx)
{
	invalidate(ctx, 0, GRANULES - 1);
}

static void release(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops ops = {
	.caps = caps,
	.map = map,
	.sync_map = sync_map,
	.unmap = unmap,
	.flush = flush,
	.flush_all = flush_all,
	.release = release,
};

static void copy(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct world *w = ctx;

	memcpy(w->bytes + to.addr, w->bytes + from.addr, (size_t)len);
}

/* A device. */

static unsigned char *device_byte(struct world *w, uint64_t iova)
{
	uint64_t i = (iova - BASE) / PAGE;
	uint64_t pa = 0;

	pthread_mutex_lock(&w->lock);
	note(&w->stress, i < GRANULES && w->granules[i].state == GRANULE_MAPPED, "a device faults");
	if (i < GRANULES)
		pa = w->granules[i].pa + iova % PAGE;
	pthread_mutex_unlock(&w->lock);
	return &w->bytes[pa];
}

/* It finds what the CPU has written, and writes another byte. */
static void use_byte(struct actor *a, uint64_t iova, uint64_t pa, unsigned char byte)
{
	unsigned char *seen = device_byte(a->w, iova);

	note(&a->w->stress, *seen == byte, "a device finds another byte");
	note(&a->w->stress,
	     seen == &a->w->bytes[pa] ||
		     phyr_bounce_holds(a->w->pool, phyr_pa_at((uint64_t)(seen - a->w->bytes))),
	     "a device finds another's memory");
	*seen = (unsigned char)(byte + 1);
}

static void expect_byte(struct actor *a, uint64_t pa, unsigned char byte)
{
	note(&a->w->stress, a->w->bytes[pa] == (unsigned char)(byte + 1),
	     "a byte does not come back");
}

/* What there is no room for now, there is later. */
static bool mapped(struct actor *a, int err)
{
	note(&a->w->stress, err == PHYR_OK || err == PHYR_E_NOSPACE,
	     "a mapping fails for another reason");
	if (err)
		phyr_flush_all(a->w->domain);
	else
		atomic_fetch_add(&a->w->mapped_cnt, 1);
	return !err;
}

static void map_list(struct actor *a, unsigned char byte)
{
	uint64_t cnt = 1 + test_random(&a->random) % 6;
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_list_cursor list;
	struct phyr_dma_cursor dma;
	struct phyr_iova_range seen = { { 0 }, 0 };
	struct phyr_dma_map map;
	struct phyr_list runs;
	struct phyr_run run;

	phyr_list_init(&runs, &a->w->stress.mem);
	for (uint64_t i = 0; i < cnt; i++) {
		struct phyr_range range = { { a->memory + i * 4 * PAGE }, PAGE };

		if (test_random(&a->random) % 4 == 0)
			range = (struct phyr_range){ { range.pa.addr + 0x123 }, 0x456 };
		a->w->bytes[range.pa.addr] = byte;
		note(&a->w->stress, phyr_list_append(&runs, range, ram) == PHYR_OK, "no list");
	}
	if (mapped(a, phyr_dma_map(a->dma, &runs, PHYR_PERM_READ_WRITE, NULL, &map))) {
		phyr_dma_begin(&map, &dma);
		phyr_list_begin(&runs, &list);
		while (phyr_list_next(&list, &run)) {
			if (seen.len == 0)
				(void)phyr_dma_next(&dma, &seen);
			use_byte(a, seen.iova.addr, run.range.pa.addr, byte);
			seen.iova.addr += run.range.len;
			seen.len -= run.range.len;
		}
		note(&a->w->stress, phyr_dma_unmap(a->dma, &map) == PHYR_OK, "an unmap fails");
		phyr_list_begin(&runs, &list);
		while (phyr_list_next(&list, &run))
			expect_byte(a, run.range.pa.addr, byte);
	}
	phyr_list_fini(&runs);
}

static void link_pieces(struct actor *a, unsigned char byte)
{
	struct phyr_range run = { { a->memory + 0x18800 }, 0x2900 };
	struct phyr_dma_piece piece = { &run, 1,   { PHYR_KIND_SYSTEM, 0 }, PHYR_PERM_READ_WRITE,
					NULL, NULL };
	struct phyr_dma_want want = { .len = run.len, .phase = run.pa.addr };
	struct phyr_dma_state state;
	bool linked;

	a->w->bytes[run.pa.addr] = byte;
	if (!mapped(a, phyr_dma_reserve(a->dma, &want, &state)))
		return;
	linked = mapped(a, phyr_dma_link(a->dma, &state, 0, &piece));
	if (linked) {
		note(&a->w->stress, phyr_dma_sync(a->dma, &state, 0, run.len) == PHYR_OK,
		     "a sync fails");
		use_byte(a, phyr_dma_state_iova(&state).addr, run.pa.addr, byte);
	}
	note(&a->w->stress,
	     phyr_dma_destroy_state(a->dma, &state, linked ? run.len : 0, PHYR_PERM_READ_WRITE) ==
		     PHYR_OK,
	     "a destroy fails");
	if (linked)
		expect_byte(a, run.pa.addr, byte);
}

static void *mapper(void *arg)
{
	struct actor *a = arg;

	for (uint64_t i = 0; i < a->w->iter; i++) {
		if (test_random(&a->random) % 4)
			map_list(a, (unsigned char)i);
		else
			link_pieces(a, (unsigned char)i);
		if (a->cache && i % 64 == 0)
			note(&a->w->stress, phyr_iova_cache_drain(a->cache) == PHYR_OK,
			     "a drain fails");
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
		note(&a->w->stress, phyr_bounce_validate(a->w->pool, NULL), "the pool is damaged");
		sched_yield();
	}
	return NULL;
}

static void world_begin(struct world *w)
{
	struct phyr_iova_params space = { .mem = &w->stress.mem };
	struct phyr_flush_params params = { .mem = &w->stress.mem };
	struct phyr_bounce_params pool = { .mem = &w->stress.mem };

	memset(w, 0, sizeof(*w));
	stress_begin(&w->stress);
	w->iter = test_number("PHYR_ITER", 5000);
	assert_int_equal(pthread_mutex_init(&w->lock, NULL), 0);
	space.window.first.addr = BASE;
	space.window.last.addr = BASE + GRANULES * PAGE - 1;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	params.iommu = (struct phyr_iommu){ &ops, w };
	params.space = w->space;
	params.slot_cnt = 16;
	params.timeout = 50;
	assert_int_equal(phyr_flush_domain_create(&params, &w->domain), PHYR_OK);
	pool.pool = (struct phyr_range){ { POOL }, POOL_LEN };
	pool.copy = copy;
	pool.ctx = w;
	assert_int_equal(phyr_bounce_create(&pool, &w->pool), PHYR_OK);
	atomic_store(&w->left, MAPPERS);
}

/* Strict or lazy, with a cache or not, trusted or not: a thread of each. */
static void actor_begin(struct actor *a, struct world *w, unsigned int i)
{
	struct phyr_dma_params params = {
		.mem = &w->stress.mem, .iommu = { &ops, w }, .space = w->space, .bounce = w->pool
	};

	memset(a, 0, sizeof(*a));
	a->w = w;
	a->memory = i * PART;
	a->random = test_number("PHYR_SEED", 1) * (i + 1) | 1;
	if (i == MAPPERS)
		return;
	if (i % 2)
		assert_int_equal(phyr_flush_ring_create(w->domain, &a->ring), PHYR_OK);
	if (i / 2)
		assert_int_equal(phyr_iova_cache_create(w->space, NULL, &a->cache), PHYR_OK);
	params.ring = a->ring;
	params.cache = a->cache;
	params.traits = i == 1 || i == 2 ? PHYR_DMA_UNTRUSTED : 0;
	assert_int_equal(phyr_dma_create(&params, &a->dma), PHYR_OK);
}

static void expect_nothing_left(struct world *w)
{
	struct phyr_bounce_stats slots;
	struct phyr_iova_stats space;

	stress_expect(&w->stress);
	assert_true(atomic_load(&w->mapped_cnt) > w->iter);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_stats(w->space, &space);
	phyr_bounce_stats(w->pool, &slots);
	assert_true(space.live_cnt == 0 && slots.used_cnt == 0);
	for (size_t i = 0; i < GRANULES; i++)
		assert_int_equal(w->granules[i].state, GRANULE_FREE);
	phyr_iova_destroy(w->space);
	phyr_bounce_destroy(w->pool);
	pthread_mutex_destroy(&w->lock);
	assert_int_equal(atomic_load(&w->stress.live_cnt), 0);
}

static void threads_share_space_pool_and_flushes(void **state)
{
	struct actor actors[MAPPERS + 1];
	pthread_t threads[CNT(actors)];
	static struct world w;

	(void)state;
	world_begin(&w);
	for (unsigned int i = 0; i < CNT(actors); i++)
		actor_begin(&actors[i], &w, i);
	for (unsigned int i = 0; i < CNT(actors); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < MAPPERS ? mapper : clock_hand, &actors[i]),
				 0);
	for (unsigned int i = 0; i < CNT(actors); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned int i = 0; i < CNT(actors); i++) {
		phyr_dma_destroy(actors[i].dma);
		phyr_flush_ring_destroy(actors[i].ring);
		phyr_iova_cache_destroy(actors[i].cache);
	}
	expect_nothing_left(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_space_pool_and_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
