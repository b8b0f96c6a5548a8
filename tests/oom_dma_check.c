/* SPDX-License-Identifier: MIT */
/*
 * A checker whose memory fails, each allocation in turn and from then on: all calls work as ever, nothing
 * right is complained of, what was lost is counted, and once as much has ended all is noticed again.
 */
#include "dma_check_world.h"

/* Two lists, of which one needs a slab, and a state: everything a checker remembers. */
static void use_everything(struct world *w, struct phyr_list *large)
{
	struct phyr_dma_map first = map(w, RW), second;
	struct phyr_dma_state s = reserve(w);
	struct phyr_dma_part part = { K4, K4, RW };

	assert_int_equal(phyr_dma_map(w->other, large, RO, NULL, &second), PHYR_OK);
	link(w, &s, 0, 2 * K4, RW);
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, 2 * K4), PHYR_OK);
	assert_int_equal(device(w, s.addr, 2 * K4, RW), PHYR_OK);
	assert_int_equal(device(w, first.range.iova.addr, K4, RW), PHYR_OK);
	assert_int_equal(phyr_dma_check_device(w->other, second.range, RO), PHYR_OK);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &first, 0, K4), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000, K4, true), PHYR_OK);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, K4, RW), PHYR_OK);
	unmap(w, &first);
	assert_int_equal(phyr_dma_unmap(w->other, &second), PHYR_OK);
}

static void make_large(struct world *w, struct phyr_list *large)
{
	phyr_list_init(large, &w->host.mem);
	for (uint64_t i = 0; i < 1000; i++) {
		struct phyr_range range = { { 0x80000000 + 3 * i * K4 }, K4 };

		assert_int_equal(
			phyr_list_append(large, range, (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }),
			PHYR_OK);
	}
}

/* Returns whether an allocation failed. */
static bool run(size_t fail_at, bool sticky)
{
	struct world *w = make(true);
	struct phyr_dma_checker_stats stats;
	struct phyr_dma_map value, copy;
	struct phyr_list large;
	bool failed;

	make_large(w, &large);
	w->checks.alloc_cnt = 0;
	w->checks.fail_at = fail_at;
	w->checks.sticky = sticky;
	use_everything(w, &large);
	failed = w->checks.failed;
	phyr_dma_checker_stats(w->checker, &stats);
	assert_true(failed == (stats.lost_cnt > 0));
	assert_true(stats.lost_live_cnt == 0 && stats.live_cnt == 0 && w->told_cnt == 0);
	w->checks.fail_at = SIZE_MAX;
	w->checks.sticky = false;
	value = map(w, RW);
	copy = value;
	unmap(w, &value);
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
	phyr_list_fini(&large);
	end(w, MISTAKE(UNKNOWN), 1);
	return failed;
}

static void each_allocation_fails_in_turn(void **state)
{
	size_t n = 0;

	(void)state;
	while (run(n, false))
		n++;
	assert_true(n > 3); /* two mappings, slabs, a state */
}

static void memory_stays_away(void **state)
{
	size_t n = 0;

	(void)state;
	while (run(n, true))
		n++;
	assert_true(n > 3);
}

/* Loses a mapping or a state, and remembers the next. */
static void lose_next(struct world *w)
{
	w->checks.fail_at = w->checks.alloc_cnt;
}

static void others_are_checked_while_one_is_lost(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map lost, value, copy;
	struct phyr_dma_checker_stats stats;

	(void)state;
	lose_next(w);
	lost = map(w, RW);
	value = map(w, RW);
	copy = value;
	phyr_dma_checker_stats(w->checker, &stats);
	assert_true(stats.lost_cnt == 1 && stats.lost_live_cnt == 1 && stats.live_cnt == 1);
	unmap(w, &value);
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
	assert_int_equal(device(w, lost.range.iova.addr, K4, RW), PHYR_OK);
	copy = lost;
	unmap(w, &lost);
	expect(w, MISTAKE(DEVICE), 0);
	assert_int_equal(device(w, copy.range.iova.addr, K4, RW), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
	expect(w, MISTAKE(UNKNOWN), 2);
	expect(w, MISTAKE(DEVICE), 1);
	end_world(w);
}

static void a_lost_state_works_and_ends_once(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_part part = { 0, K4, RW };
	struct phyr_dma_state s, copy;

	(void)state;
	lose_next(w);
	s = reserve(w);
	copy = s;
	link(w, &s, 0, K4, RW);
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, K4), PHYR_OK);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &copy), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_unlink(w->dma, &copy, &part), PHYR_E_NOENT);
	end(w, MISTAKE(UNKNOWN), 2);
}

/* What could not be ended is lost as before. */
static void a_lost_state_that_does_not_end_stays_lost(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_checker_stats stats;
	struct phyr_dma_state s;

	(void)state;
	lose_next(w);
	s = reserve(w);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, K4, RW), PHYR_E_NOENT);
	phyr_dma_checker_stats(w->checker, &stats);
	assert_true(stats.lost_cnt == 1 && stats.lost_live_cnt == 1);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	end(w, MISTAKE(LEAKED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_in_turn),
		cmocka_unit_test(memory_stays_away),
		cmocka_unit_test(others_are_checked_while_one_is_lost),
		cmocka_unit_test(a_lost_state_works_and_ends_once),
		cmocka_unit_test(a_lost_state_that_does_not_end_stays_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
