/* SPDX-License-Identifier: MIT */
/*
 * Threads that mark the same entries at once, some by reading and some by writing: no mark is lost.
 * Threads that map and unmap pages of their own, neighbours in the same tables, which come and go: every
 * page leads where its thread put it, and in the end nothing is left. Threads that split leaves of their
 * own.
 *
 * Under the thread sanitizer: meson setup build-tsan -Db_sanitize=thread.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "pagetable_formats.h"

#define MIB2 UINT64_C(0x200000)
#define PAGE_CNT 4096u
#define THREAD_CNT 3
#define ROUNDS 40

static atomic_uint waiting; /* threads that have not started */

/* Each thread writes a third of the pages and reads the others, in the same order. */
static void *mark_all(void *arg)
{
	unsigned int thread = *(const unsigned int *)arg;
	uintptr_t failed = 0;

	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		;
	for (unsigned int i = 0; i < PAGE_CNT; i++)
		failed |= phyrsim_pagetable_mark(w.table, phyr_iova_at(i * KIB4),
						 i % THREAD_CNT == thread) != PHYR_OK;
	return failed ? arg : NULL;
}

static void run_round(void)
{
	unsigned int numbers[THREAD_CNT] = { 0, 1, 2 };
	pthread_t threads[THREAD_CNT];

	atomic_store(&waiting, THREAD_CNT);
	for (unsigned int i = 0; i < THREAD_CNT; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mark_all, &numbers[i]), 0);
	for (unsigned int i = 0; i < THREAD_CNT; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void marks_of_threads_are_never_lost(void **state)
{
	static const struct config intel = { VTD, 4, 0, 0, 0 };

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		open_config(&intel);
		assert_int_equal(map(0, KIB4, PAGE_CNT * KIB4), PHYR_OK);
		run_round();
		for (uint64_t i = 0; i < PAGE_CNT; i++)
			assert_int_equal(find(i * KIB4).item & 0xfff, 0x303);
		close_config();
	}
}

/* A thread's pages: every third of the first tables, and then of one far away. */
struct owner {
	struct phyrsim_pagetable *table;
	unsigned int number;
	bool failed;
};

static uint64_t page_of(const struct owner *owner, unsigned int i)
{
	uint64_t page = (uint64_t)i * THREAD_CNT + owner->number;

	return (page + (i % 7 == 0 ? UINT64_C(1) << 24 : 0)) * KIB4;
}

static bool is_there(const struct owner *owner, unsigned int i)
{
	phyr_pa pa = { 0 };

	return phyrsim_pagetable_translate(owner->table, phyr_iova_at(page_of(owner, i) + 5), &pa,
					   NULL) == PHYR_OK &&
	       pa.addr == page_of(owner, i) + 5;
}

static void *map_and_unmap(void *arg)
{
	struct owner *owner = arg;

	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		;
	for (unsigned int round = 0; round < 4; round++) {
		struct phyr_gather gather;

		phyr_gather_init(&gather);
		for (unsigned int i = 0; i < 600; i++) {
			struct phyr_range run = { { page_of(owner, i) }, KIB4 };

			owner->failed |= phyrsim_pagetable_map(owner->table,
							       phyr_iova_at(run.pa.addr), &run, 1,
							       RW, 0) != PHYR_OK;
			owner->failed |= !is_there(owner, i);
		}
		for (unsigned int i = 0; i < 600; i++) {
			struct phyr_iova_range range = { { page_of(owner, i) }, KIB4 };

			owner->failed |= phyrsim_pagetable_unmap(owner->table, range, &gather) !=
					 PHYR_OK;
		}
		phyrsim_pagetable_release(owner->table, &gather);
	}
	return NULL;
}

/* A large leaf of its own, cut with tables made before; what is left over goes back. */
static void *map_and_split(void *arg)
{
	struct owner *owner = arg;
	const struct phyr_range run = { { 0 }, MIB2 };
	const uint64_t first = owner->number * (UINT64_C(1) << 30);
	const struct phyr_iova_range range = { { first }, MIB2 };

	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		;
	for (unsigned int round = 0; round < 1000; round++) {
		struct phyrsim_pagetable_preload preload;
		struct phyr_gather gather;
		int err;

		phyr_gather_init(&gather);
		phyrsim_pagetable_preload_init(&preload);
		err = phyrsim_pagetable_map(owner->table, range.iova, &run, 1, RW, 0);
		err |= phyrsim_pagetable_preload_fill(owner->table, &preload);
		err |= phyrsim_pagetable_split(owner->table, phyr_iova_at(first + KIB4), &preload,
					       &gather);
		err |= phyrsim_pagetable_unmap(owner->table, range, &gather);
		phyrsim_pagetable_release(owner->table, &gather);
		phyrsim_pagetable_preload_fini(owner->table, &preload);
		owner->failed |= err != PHYR_OK;
	}
	return NULL;
}

static void share(const struct config *config, void *(*work)(void *owner))
{
	struct owner owners[THREAD_CNT];
	pthread_t threads[THREAD_CNT];
	struct phyrsim_pagetable_params params;
	struct phyrsim_pagetable_stats stats;
	struct phyrsim_pagetable *table;
	struct phyrsim_mem *mem;
	struct test_mem host;

	test_mem_init(&host);
	assert_int_equal(phyrsim_mem_create(&host.mem, &mem), PHYR_OK);
	params = config_params(config, &host.mem, mem);
	params.shared = true;
	assert_int_equal(phyrsim_pagetable_create(&params, &table), PHYR_OK);
	atomic_store(&waiting, THREAD_CNT);
	for (unsigned int i = 0; i < THREAD_CNT; i++) {
		owners[i] = (struct owner){ table, i, false };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &owners[i]), 0);
	}
	for (unsigned int i = 0; i < THREAD_CNT; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(owners[i].failed);
	}
	assert_true(phyrsim_pagetable_validate(table, NULL));
	phyrsim_pagetable_stats(table, &stats);
	assert_int_equal(stats.leaves.cnt[12], 0);
	phyrsim_pagetable_destroy(table);
	phyrsim_mem_destroy(mem);
	assert_int_equal(host.live_cnt, 0);
}

static const struct config shared[] = {
	{ VTD, 4, 0, 0, 0 },	   { AMD, 3, 0, 0, 0 },		  { X86, 4, 0, 0, 0 },
	{ ARM1, 0, 12, 48, CONT }, { RV1, 4, 0, 0, CONT | PBMT },
};

static void threads_share_tables_above_ranges_of_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(shared); i++)
		share(&shared[i], map_and_unmap);
}

/* Preloads take frames and give them back, which are the table's. */
static void threads_split_leaves_of_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(shared); i++)
		share(&shared[i], map_and_split);
}

/* The hook of a table calls it again, as another thread could at that moment. */
static struct phyrsim_pagetable *called_again;

static void *overlapping_alloc(void *ctx, size_t size)
{
	struct phyrsim_pagetable *table = called_again;
	struct phyrsim_leaf leaf;
	struct phyr_iova_range range = { { 0 }, KIB4 };

	called_again = NULL;
	if (table)
		_exit(phyrsim_pagetable_next(table, range, &leaf) == PHYR_OK);
	return test_mem_alloc(ctx, size);
}

static void overlapping_calls_stop_checked_builds(void **state)
{
	static const struct config intel = { VTD, 4, 0, 0, 0 };
	struct phyrsim_pagetable_params params;
	struct phyr_range run = { { 0 }, KIB4 };
	struct test_mem host;
	struct phyr_mem mem;
	struct phyrsim_mem *frames;
	int status;
	pid_t child;

	(void)state;
	if (PHYR_CHECKS == 0) {
		print_message("this build checks nothing\n");
		skip();
	}
	test_mem_init(&host);
	mem = (struct phyr_mem){ overlapping_alloc, test_mem_free, &host };
	assert_int_equal(phyrsim_mem_create(&mem, &frames), PHYR_OK);
	params = config_params(&intel, &mem, frames);
	params.shared = true;
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		struct phyrsim_pagetable *table;

		(void)signal(SIGILL, SIG_DFL); /* CMocka goes on after it */
		if (phyrsim_pagetable_create(&params, &table))
			_exit(2);
		called_again = table;
		_exit(phyrsim_pagetable_map(table, phyr_iova_at(0), &run, 1, RW, 0) ? 3 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* Stopped, and not gone on in whatever way. */
	assert_true(WIFSIGNALED(status));
	phyrsim_mem_destroy(frames);
	assert_int_equal(host.live_cnt, 0);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(marks_of_threads_are_never_lost),
		cmocka_unit_test(threads_share_tables_above_ranges_of_their_own),
		cmocka_unit_test(threads_split_leaves_of_their_own),
		cmocka_unit_test(overlapping_calls_stop_checked_builds),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
