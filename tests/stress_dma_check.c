/* SPDX-License-Identifier: MIT */
/*
 * Threads on two IOMMUs, with a handle each and one checker: addresses go from hand to hand as fast as
 * they can, what is right is never complained of, each mistake is told once, and who hears of it asks and
 * maps. Some memory of the checker's fails.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of mappings of a thread.
 * Under the thread sanitizer, which finds what a wrong result does not show: stress_flush.c says how.
 */
#include <pthread.h>

#include <phyr/dma_check.h>
#include <phyr/dma_link.h>

#include "stress.h"

#define IOMMUS 2
#define THREADS 4
#define PAGE PHYR_PAGE_SIZE
#define BASE UINT64_C(0x10000000)
/* Few enough to be handed on at once. */
#define GRANULES 16
#define RW PHYR_PERM_READ_WRITE

struct world {
	struct stress stress;
	struct phyr_mem failing; /* the checker's */
	struct phyr_iova_space *spaces[IOMMUS];
	struct phyr_dma_checker *checker;
	uint64_t iter;
	atomic_uint alloc_cnt;		/* of the checker's */
	atomic_uint_least64_t told_cnt; /* mistakes */
	atomic_uint_least64_t made_cnt; /* on purpose */
};

struct actor {
	struct world *w;
	struct phyr_dma *dma;
	struct phyr_list list;
	uint64_t memory;
	uint64_t random;
};

/* Not the first, which is the checker itself. */
static void *fail_some(void *ctx, size_t size)
{
	struct world *w = ctx;

	return atomic_fetch_add(&w->alloc_cnt, 1) % 64 == 63 ? NULL :
							       stress_alloc(&w->stress, size);
}

static void free_any(void *ctx, void *ptr, size_t size)
{
	struct world *w = ctx;

	stress_free(&w->stress, ptr, size);
}

/* A backend that takes everything. */

static void caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	(void)ctx;
	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = PAGE,
					      .iova = { { BASE }, { BASE + GRANULES * PAGE - 1 } },
					      .pa_last.addr = UINT64_MAX };
}

static int map(void *ctx, const struct phyr_iommu_map *map)
{
	(void)ctx;
	(void)map;
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
	(void)ctx;
	phyr_gather_add(gather, range);
	return PHYR_OK;
}

static void flush(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops ops = { .caps = caps,
					   .map = map,
					   .sync_map = sync_map,
					   .unmap = unmap,
					   .flush = flush };

/* A handle of its own, so that it is nobody's in this call. */
static void hear(void *ctx, const struct phyr_dma_complaint *complaint)
{
	struct phyr_dma_checker_stats stats;
	struct phyr_dma_params params = { 0 };
	struct world *w = ctx;
	struct phyr_dma_map value;
	struct phyr_list list;
	struct phyr_dma *dma;
	struct phyr_range range = { { UINT64_C(0x7000000000) }, PAGE };

	atomic_fetch_add(&w->told_cnt, 1);
	phyr_dma_checker_stats(w->checker, &stats);
	note(&w->stress, stats.mistake_cnt[complaint->mistake] > 0, "what is told is not counted");
	params.mem = &w->stress.mem;
	params.checker = w->checker;
	phyr_list_init(&list, &w->stress.mem);
	note(&w->stress,
	     phyr_list_append(&list, range, (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }) == PHYR_OK,
	     "no list");
	note(&w->stress, phyr_dma_create(&params, &dma) == PHYR_OK, "no handle");
	note(&w->stress, phyr_dma_map(dma, &list, PHYR_PERM_READ, NULL, &value) == PHYR_OK,
	     "no mapping");
	note(&w->stress, phyr_dma_unmap(dma, &value) == PHYR_OK,
	     "a mapping of the report's is refused");
	phyr_dma_destroy(dma);
	phyr_list_fini(&list);
}

static void made(struct actor *a, bool told)
{
	note(&a->w->stress, told, "a mistake is not told");
	atomic_fetch_add(&a->w->made_cnt, 1);
}

/* What is not remembered is not told of. */
static void map_list(struct actor *a)
{
	struct phyr_range memory = { { a->memory }, PAGE };
	struct phyr_dma_map value, copy;
	enum phyr_perm perm = test_random(&a->random) % 2 ? RW : PHYR_PERM_READ;
	int err = phyr_dma_map(a->dma, &a->list, perm, NULL, &value);

	if (err) {
		note(&a->w->stress, err == PHYR_E_NOSPACE, "a map fails");
		return;
	}
	copy = value;
	note(&a->w->stress, phyr_dma_check_device(a->dma, value.range, perm) == PHYR_OK,
	     "the device is kept out of what is its own");
	note(&a->w->stress, phyr_dma_sync_for_cpu(a->dma, &value, 0, PAGE) == PHYR_OK,
	     "a sync fails");
	note(&a->w->stress, phyr_dma_check_cpu(a->w->checker, memory, true) == PHYR_OK,
	     "the CPU is kept out of what is its own");
	if (test_random(&a->random) % 8 == 0) {
		copy.perm = perm == RW ? PHYR_PERM_READ : RW;
		err = phyr_dma_unmap(a->dma, &copy);
		if (err == PHYR_OK) /* it was lost: the copy was as good */
			return;
		made(a, err == PHYR_E_INVAL);
	}
	note(&a->w->stress, phyr_dma_unmap(a->dma, &value) == PHYR_OK, "an unmap is refused");
	note(&a->w->stress, phyr_dma_check_cpu(a->w->checker, memory, true) == PHYR_OK,
	     "the CPU is kept out of what was unmapped");
}

static void link_pieces(struct actor *a)
{
	struct phyr_range run = { { a->memory }, 2 * PAGE };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	struct phyr_dma_want want = { .len = run.len };
	struct phyr_dma_state state;
	struct phyr_iova_range range;
	int err = phyr_dma_reserve(a->dma, &want, &state);

	if (err) {
		note(&a->w->stress, err == PHYR_E_NOSPACE, "a reservation fails");
		return;
	}
	range = phyr_dma_state_reserved(a->dma, &state);
	note(&a->w->stress, phyr_dma_link(a->dma, &state, 0, &piece) == PHYR_OK, "a link fails");
	note(&a->w->stress, phyr_dma_sync(a->dma, &state, 0, run.len) == PHYR_OK, "a sync fails");
	note(&a->w->stress, phyr_dma_check_device(a->dma, range, RW) == PHYR_OK,
	     "the device is kept out of what is linked");
	if (test_random(&a->random) % 8 == 0) {
		err = phyr_dma_destroy_state(a->dma, &state, run.len, PHYR_PERM_READ);
		if (err == PHYR_OK)
			return;
		made(a, err == PHYR_E_INVAL);
	}
	note(&a->w->stress, phyr_dma_destroy_state(a->dma, &state, run.len, RW) == PHYR_OK,
	     "a destroy is refused");
	note(&a->w->stress, phyr_dma_check_cpu(a->w->checker, run, true) == PHYR_OK,
	     "the CPU is kept out of what was unlinked");
}

static void *mapper(void *arg)
{
	struct actor *a = arg;

	for (uint64_t i = 0; i < a->w->iter; i++) {
		if (test_random(&a->random) % 2)
			map_list(a);
		else
			link_pieces(a);
	}
	return NULL;
}

static void world_begin(struct world *w)
{
	struct phyr_iova_params space = { .mem = &w->stress.mem };
	struct phyr_dma_checker_params checker = { &w->failing, hear, w };

	memset(w, 0, sizeof(*w));
	stress_begin(&w->stress);
	w->failing = (struct phyr_mem){ fail_some, free_any, w };
	w->iter = test_number("PHYR_ITER", 5000);
	space.window.first.addr = BASE;
	space.window.last.addr = BASE + GRANULES * PAGE - 1;
	for (size_t i = 0; i < IOMMUS; i++)
		assert_int_equal(phyr_iova_create(&space, &w->spaces[i]), PHYR_OK);
	assert_int_equal(phyr_dma_checker_create(&checker, &w->checker), PHYR_OK);
}

static void actor_begin(struct actor *a, struct world *w, unsigned int i)
{
	struct phyr_dma_params params = { .mem = &w->stress.mem, .checker = w->checker };
	struct phyr_range range;

	a->w = w;
	a->memory = (1 + i) * UINT64_C(0x1000000);
	a->random = test_number("PHYR_SEED", 1) * (i + 1) | 1;
	params.space = w->spaces[i % IOMMUS];
	params.iommu = (struct phyr_iommu){ &ops, params.space };
	assert_int_equal(phyr_dma_create(&params, &a->dma), PHYR_OK);
	phyr_list_init(&a->list, &w->stress.mem);
	range = (struct phyr_range){ { a->memory }, PAGE };
	assert_int_equal(
		phyr_list_append(&a->list, range, (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }),
		PHYR_OK);
}

static void expect_all_told(struct world *w)
{
	struct phyr_dma_checker_stats stats;
	uint64_t cnt = 0;

	stress_expect(&w->stress);
	phyr_dma_checker_destroy(w->checker, &stats);
	for (int i = 0; i < PHYR_DMA_MISTAKE_CNT; i++)
		cnt += stats.mistake_cnt[i];
	assert_int_equal(cnt, atomic_load(&w->told_cnt));
	assert_int_equal(cnt, atomic_load(&w->made_cnt));
	assert_true(cnt > 0 && stats.lost_cnt > 0);
	assert_true(stats.live_cnt == 0 && stats.lost_live_cnt == 0);
}

static void threads_share_a_checker(void **state)
{
	struct actor actors[THREADS];
	pthread_t threads[THREADS];
	static struct world w;

	(void)state;
	world_begin(&w);
	for (unsigned int i = 0; i < THREADS; i++)
		actor_begin(&actors[i], &w, i);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mapper, &actors[i]), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		phyr_dma_destroy(actors[i].dma);
		phyr_list_fini(&actors[i].list);
	}
	expect_all_told(&w);
	for (size_t i = 0; i < IOMMUS; i++)
		phyr_iova_destroy(w.spaces[i]);
	assert_int_equal(atomic_load(&w.stress.live_cnt), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_a_checker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
