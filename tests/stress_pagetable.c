/* SPDX-License-Identifier: MIT */
/*
 * Threads that mark the same entries at once, some by reading and some by writing: no mark is lost.
 *
 * Under the thread sanitizer: meson setup build-tsan -Db_sanitize=thread.
 */
#include <pthread.h>
#include <stdatomic.h>

#include <phyrsim/pagetable_dirty.h>

#include "pagetable_formats.h"

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

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(marks_of_threads_are_never_lost),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
