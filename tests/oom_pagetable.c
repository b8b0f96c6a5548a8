/* SPDX-License-Identifier: MIT */
/*
 * Page tables when memory runs out: each allocation fails in turn, once and for good. Nothing of a
 * failed call is left, what was mapped before stays, and the same call succeeds afterwards. Of tables
 * that threads share too.
 */
#include <phyr/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/pagetable_split.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define G1 UINT64_C(0x40000000)
#define AT UINT64_C(0x8000000000)

/* From the end of one table, over large leaves, into tables at three levels. */
static const struct phyr_range runs[] = {
	{ { 0x7000 }, 3 * K4 },
	{ { M2 }, M2 },
	{ { 0x1000 }, M2 + K4 },
	{ { UINT64_C(1) << 30 }, 5 * K4 },
};
#define RUN_CNT (sizeof(runs) / sizeof(runs[0]))
#define FIRST (AT - 3 * K4)
#define LEN (3 * K4 + M2 + M2 + K4 + 5 * K4)

struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyr_gather gather;
};

static bool shared; /* are the tables for several threads? */

static struct phyrsim_pagetable_params params_of(struct world *w)
{
	struct phyrsim_pagetable_params params = { 0 };

	params.mem = &w->host.mem;
	params.frames = w->mem;
	params.shared = shared;
	return params;
}

static void open_memory(struct world *w, bool sticky)
{
	test_mem_init(&w->host);
	w->host.sticky = sticky;
	phyr_gather_init(&w->gather);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
}

static void open_table(struct world *w, bool sticky)
{
	struct phyrsim_pagetable_params params;

	open_memory(w, sticky);
	params = params_of(w);
	assert_int_equal(phyrsim_pagetable_create(&params, &w->table), PHYR_OK);
}

static void close_all(struct world *w)
{
	phyrsim_pagetable_destroy(w->table);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
	assert_int_equal(w->host.live_len, 0);
}

/* The n-th allocation from here on fails, and with `sticky` all that follow. */
static void fail_from(struct world *w, size_t n)
{
	w->host.alloc_cnt = 0;
	w->host.failed = false;
	w->host.fail_at = n;
}

static void stop_failing(struct world *w)
{
	w->host.fail_at = SIZE_MAX;
	w->host.sticky = false;
}

static int map_page(struct world *w, uint64_t iova)
{
	struct phyr_range run = { phyr_pa_at(0x5000), K4 };

	return phyrsim_pagetable_map(w->table, phyr_iova_at(iova), &run, 1, PHYR_PERM_READ, 0);
}

static int map_all(struct world *w)
{
	return phyrsim_pagetable_map(w->table, phyr_iova_at(FIRST), runs, RUN_CNT, PHYR_PERM_READ,
				     0);
}

static int unmap(struct world *w, uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { phyr_iova_at(iova), len };

	return phyrsim_pagetable_unmap(w->table, range, &w->gather);
}

static struct phyrsim_pagetable_stats stats(const struct world *w)
{
	struct phyrsim_pagetable_stats now;

	phyrsim_pagetable_stats(w->table, &now);
	return now;
}

static void assert_stats(const struct world *w, const struct phyrsim_pagetable_stats *expected)
{
	struct phyrsim_pagetable_stats now = stats(w);

	assert_memory_equal(&now, expected, sizeof(now));
	assert_true(phyrsim_pagetable_validate(w->table, NULL));
}

/* A sum over every word of a small memory, which any store changes. */
static uint64_t digest(const struct world *w)
{
	uint64_t sum = 0;

	for (uint64_t pa = PHYRSIM_MEM_BASE; pa < PHYRSIM_MEM_BASE + 64 * K4; pa += K4) {
		const uint64_t *words = phyrsim_mem_frame(w->mem, phyr_pa_at(pa));

		for (uint64_t i = 0; words && i < 512; i++)
			sum += words[i] * (2 * (pa + i) + 1);
	}
	return sum;
}

/* One failing create; false when nothing failed any more. */
static bool create_fails(size_t n, bool sticky)
{
	struct phyrsim_pagetable_params params;
	struct world w;
	size_t live_cnt;
	int err;

	open_memory(&w, sticky);
	params = params_of(&w);
	w.table = NULL;
	live_cnt = w.host.live_cnt;
	fail_from(&w, n);
	err = phyrsim_pagetable_create(&params, &w.table);
	assert_int_equal(err, w.host.failed ? PHYR_E_NOMEM : PHYR_OK);
	if (w.host.failed) {
		assert_null(w.table);
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 0);
		assert_int_equal(w.host.live_cnt, live_cnt);
	}
	stop_failing(&w);
	if (err != PHYR_OK)
		assert_int_equal(phyrsim_pagetable_create(&params, &w.table), PHYR_OK);
	close_all(&w);
	return err != PHYR_OK;
}

/* One failing map into a table that holds what `prepare` maps; false when nothing failed. */
static bool map_fails(void (*prepare)(struct world *w), size_t n, bool sticky)
{
	struct phyrsim_pagetable_stats before;
	struct world w;
	uint64_t frame_cnt, sum;
	bool failed;
	int err;

	open_table(&w, sticky);
	prepare(&w);
	before = stats(&w);
	frame_cnt = phyrsim_mem_frame_cnt(w.mem);
	sum = digest(&w);
	fail_from(&w, n);
	err = map_all(&w);
	failed = w.host.failed;
	assert_int_equal(err, failed ? PHYR_E_NOMEM : PHYR_OK);
	stop_failing(&w);
	if (failed) {
		assert_stats(&w, &before);
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), frame_cnt);
		assert_int_equal(digest(&w), sum);
		assert_int_equal(map_all(&w), PHYR_OK);
	}
	/* Whatever was held back has its place again. */
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats(&w).table_cnt);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats(&w).table_cnt);
	assert_int_equal(unmap(&w, FIRST, LEN), PHYR_OK);
	close_all(&w);
	return failed;
}

static void prepare_nothing(struct world *w)
{
	(void)w;
}

/* Some of the tables are there. */
static void prepare_neighbours(struct world *w)
{
	assert_int_equal(map_page(w, AT - M2), PHYR_OK);
	assert_int_equal(map_page(w, AT + 8 * M2), PHYR_OK);
}

/* Some of the tables are held back and go back into their places. */
static void prepare_held_back(struct world *w)
{
	prepare_neighbours(w);
	assert_int_equal(map_page(w, AT + 3 * M2 - K4), PHYR_OK);
	assert_int_equal(unmap(w, AT - M2, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + 3 * M2 - K4, K4), PHYR_OK);
}

static void creating_survives_every_failed_allocation(void **state)
{
	(void)state;
	for (int sticky = 0; sticky <= 1; sticky++) {
		size_t n = 0;

		while (create_fails(n, sticky))
			n++;
		assert_true(n > 2);
	}
}

static void every_allocation_of_map_fails(void (*prepare)(struct world *w), size_t least)
{
	for (int sticky = 0; sticky <= 1; sticky++) {
		size_t n = 0;

		while (map_fails(prepare, n, sticky))
			n++;
		assert_true(n >= least);
	}
}

static void mapping_into_an_empty_table_survives_every_failed_allocation(void **state)
{
	(void)state;
	every_allocation_of_map_fails(prepare_nothing, 14);
}

static void mapping_beside_other_leaves_survives_every_failed_allocation(void **state)
{
	(void)state;
	every_allocation_of_map_fails(prepare_neighbours, 4);
}

static void mapping_where_tables_are_held_back_survives_every_failed_allocation(void **state)
{
	(void)state;
	every_allocation_of_map_fails(prepare_held_back, 4);
}

/* A leaf of 1 GiB, which needs two tables to be cut. */
static void open_leaf(struct world *w, bool sticky)
{
	struct phyr_range run = { phyr_pa_at(G1), G1 };

	open_table(w, sticky);
	assert_int_equal(
		phyrsim_pagetable_map(w->table, phyr_iova_at(AT), &run, 1, PHYR_PERM_READ, 0),
		PHYR_OK);
}

static int split(struct world *w, struct phyrsim_pagetable_preload *preload)
{
	return phyrsim_pagetable_split(w->table, phyr_iova_at(AT + M2 + K4), preload, &w->gather);
}

/* A split of 2 MiB takes the low table of a preload, and leaves the other. */
static void use_up_low(struct world *w, struct phyrsim_pagetable_preload *preload)
{
	struct phyr_range run = { phyr_pa_at(G1), M2 };

	assert_int_equal(phyrsim_pagetable_preload_fill(w->table, preload), PHYR_OK);
	assert_int_equal(
		phyrsim_pagetable_map(w->table, phyr_iova_at(AT - M2), &run, 1, PHYR_PERM_READ, 0),
		PHYR_OK);
	assert_int_equal(
		phyrsim_pagetable_split(w->table, phyr_iova_at(AT - K4), preload, &w->gather),
		PHYR_OK);
	assert_null(preload->tables[0]);
	assert_non_null(preload->tables[1]);
	phyr_gather_init(&w->gather);
}

/* One failing split, with or without a preload that lacks a table; false when nothing failed. */
static bool split_fails(bool preloaded, size_t n, bool sticky)
{
	struct phyrsim_pagetable_preload preload, had;
	struct phyrsim_pagetable_stats before;
	uint64_t frame_cnt, sum;
	struct world w;
	bool failed;
	int err;

	open_leaf(&w, sticky);
	phyrsim_pagetable_preload_init(&preload);
	if (preloaded)
		use_up_low(&w, &preload);
	had = preload;
	before = stats(&w);
	frame_cnt = phyrsim_mem_frame_cnt(w.mem);
	sum = digest(&w);
	fail_from(&w, n);
	err = split(&w, &preload);
	failed = w.host.failed;
	assert_int_equal(err, failed ? PHYR_E_NOMEM : PHYR_OK);
	stop_failing(&w);
	if (failed) {
		assert_stats(&w, &before);
		assert_memory_equal(&preload, &had, sizeof(had));
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), frame_cnt);
		assert_int_equal(digest(&w), sum);
		assert_true(w.gather.empty);
		assert_int_equal(split(&w, &preload), PHYR_OK);
	}
	phyrsim_pagetable_preload_fini(w.table, &preload);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats(&w).table_cnt);
	close_all(&w);
	return failed;
}

static void splitting_survives_every_failed_allocation(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		size_t n = 0;

		while (split_fails(i & 2, n, i & 1))
			n++;
		assert_true(n >= (i & 2 ? 1u : 2u));
	}
}

static void filling_a_preload_survives_every_failed_allocation(void **state)
{
	struct phyrsim_pagetable_preload preload, had;
	struct world w;
	size_t n = 0;
	int err;

	(void)state;
	open_leaf(&w, true);
	phyrsim_pagetable_preload_init(&preload);
	do {
		had = preload;
		fail_from(&w, n++);
		err = phyrsim_pagetable_preload_fill(w.table, &preload);
		if (err == PHYR_OK)
			continue;
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_memory_equal(&preload, &had, sizeof(had));
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats(&w).table_cnt);
	} while (err != PHYR_OK);
	assert_true(n > 2);
	/* What it holds is enough, with nothing left to be had; only its two tables come and go. */
	fail_from(&w, 0);
	assert_int_equal(split(&w, &preload), PHYR_OK);
	assert_int_equal(w.host.alloc_cnt, 0);
	assert_int_equal(unmap(&w, AT, M2 + K4), PHYR_OK);
	assert_int_equal(unmap(&w, AT + M2 + K4, G1 - M2 - K4), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	stop_failing(&w);
	phyrsim_pagetable_preload_fini(w.table, &preload);
	close_all(&w);
}

static void unmapping_and_releasing_need_no_memory(void **state)
{
	struct world w;

	(void)state;
	open_table(&w, true);
	assert_int_equal(map_all(&w), PHYR_OK);
	fail_from(&w, 0);
	assert_int_equal(unmap(&w, FIRST, K4), PHYR_OK);
	assert_int_equal(unmap(&w, AT + M2, M2), PHYR_OK);
	assert_int_equal(unmap(&w, FIRST + K4, 2 * K4 + M2), PHYR_OK);
	assert_int_equal(unmap(&w, AT + 2 * M2, 6 * K4), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(w.host.alloc_cnt, 0);
	assert_int_equal(stats(&w).table_cnt, 1);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	stop_failing(&w);
	close_all(&w);
}

static void misuse_is_found_before_memory_is_asked_for(void **state)
{
	struct world w;

	(void)state;
	open_table(&w, true);
	assert_int_equal(map_page(&w, AT + M2), PHYR_OK);
	fail_from(&w, 0);
	assert_int_equal(map_all(&w), PHYR_E_EXISTS);
	assert_int_equal(map_page(&w, UINT64_C(1) << 48), PHYR_E_RANGE);
	assert_int_equal(w.host.alloc_cnt, 0);
	stop_failing(&w);
	close_all(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creating_survives_every_failed_allocation),
		cmocka_unit_test(mapping_into_an_empty_table_survives_every_failed_allocation),
		cmocka_unit_test(mapping_beside_other_leaves_survives_every_failed_allocation),
		cmocka_unit_test(
			mapping_where_tables_are_held_back_survives_every_failed_allocation),
		cmocka_unit_test(splitting_survives_every_failed_allocation),
		cmocka_unit_test(filling_a_preload_survives_every_failed_allocation),
		cmocka_unit_test(unmapping_and_releasing_need_no_memory),
		cmocka_unit_test(misuse_is_found_before_memory_is_asked_for),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* A lock that a failure leaves behind would stop the next call. */
	shared = true;
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
