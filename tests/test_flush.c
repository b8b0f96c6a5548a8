/* SPDX-License-Identifier: MIT */
/*
 * The lazy rings: how many flushes bursts cost, when what waits is given back, and to whom.
 *
 * Not here: the timer and the clock (test_flush_timer.c), batches (test_flush_batch.c).
 */
#include "flush_world.h"

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_begin(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	free(*state);
	return 0;
}

static struct world *opened(void **state, unsigned int slot_cnt)
{
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);

	params.slot_cnt = slot_cnt;
	world_open(w, &params);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->other), PHYR_OK);
	return w;
}

static void a_burst_costs_as_many_flushes_as_in_linux(void **state)
{
	static const size_t bursts[][2] = {
		{ 255, 0 }, { 256, 1 }, { 511, 2 }, { 1000, 3 }, { 100000, 392 }
	};
	struct world *w = opened(state, 0);
	uint64_t before = 0;

	for (size_t i = 0; i < CNT(bursts); i++) {
		defer_many(w, bursts[i][0]);
		assert_int_equal(w->flush_all_cnt - before, bursts[i][1]);
		assert_int_equal(told_by(w->ring).held_cnt, (bursts[i][0] - 1) % 255 + 1);
		phyr_flush_all(w->domain);
		before = w->flush_all_cnt;
	}
	assert_int_equal(stats_of(w).full_cnt, 0 + 1 + 2 + 3 + 392);
	assert_int_equal(stats_of(w).flush_cnt, 0 + 1 + 2 + 3 + 392 + CNT(bursts));
	assert_int_equal(stats_of(w).timer_cnt, 0);
	assert_int_equal(w->flush_cnt, 0);
}

static void a_single_queue_is_one_for_all_its_users(void **state)
{
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);

	params.single = true;
	world_open(w, &params);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->other), PHYR_OK);
	assert_ptr_equal(w->ring, w->other);
	assert_int_equal(stats_of(w).ring_cnt, 1);
	defer_many(w, 100000);
	assert_int_equal(w->flush_all_cnt, 3);
	assert_int_equal(told_by(w->ring).held_cnt_max, 32767);
	phyr_flush_ring_destroy(w->other);
	w->other = NULL;
	assert_int_equal(w->flush_all_cnt, 3);
	assert_int_equal(told_by(w->ring).held_cnt, 100000 - 3 * 32767);
	phyr_flush_tick(w->domain, 999999);
	assert_int_equal(w->flush_all_cnt, 3);
	phyr_flush_tick(w->domain, 1000000);
	assert_int_equal(w->flush_all_cnt, 4);
}

static void a_single_queue_is_made_anew_when_its_last_user_has_gone(void **state)
{
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);

	params.single = true;
	params.slot_cnt = 4;
	world_open(w, &params);
	phyr_flush_ring_destroy(w->ring);
	assert_int_equal(stats_of(w).ring_cnt, 0);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->ring), PHYR_OK);
	assert_int_equal(stats_of(w).ring_cnt, 1);
	defer_many(w, 4);
	assert_int_equal(w->flush_all_cnt, 1);
}

static void addresses_are_live_until_a_flush_has_ended(void **state)
{
	struct world *w = opened(state, 4);
	struct phyr_iova_range ranges[4];

	for (size_t i = 0; i < 3; i++) {
		ranges[i] = defer_to(w, w->ring, 0);
		for (size_t j = 0; j <= i; j++)
			assert_true(is_live(w, ranges[j]));
	}
	assert_int_equal(w->flush_all_cnt, 0);
	ranges[3] = defer_to(w, w->ring, 0);
	assert_int_equal(w->flush_all_cnt, 1);
	for (size_t i = 0; i < 3; i++)
		assert_false(is_live(w, ranges[i]));
	assert_true(is_live(w, ranges[3]));
}

static void a_flush_for_one_ring_serves_the_others(void **state)
{
	struct world *w = opened(state, 4);
	struct phyr_iova_range range = defer_to(w, w->other, 0);

	defer_many(w, 4);
	assert_int_equal(w->flush_all_cnt, 1);
	/* It waits until its ring is looked at. */
	assert_true(is_live(w, range));
	(void)defer_to(w, w->other, 0);
	assert_int_equal(w->flush_all_cnt, 1);
	assert_false(is_live(w, range));
}

static struct phyr_iova_range late;

static void defer_inside(struct world *w)
{
	late = defer_to(w, w->other, 0);
}

static void a_flush_that_had_begun_does_not_free_what_is_deferred_then(void **state)
{
	struct world *w = opened(state, 4);

	w->inside = defer_inside;
	phyr_flush_all(w->domain);
	assert_true(is_live(w, late));
	assert_int_equal(told_by(w->other).held_cnt, 1);
	(void)defer_to(w, w->other, 0);
	assert_true(is_live(w, late));
	phyr_flush_all(w->domain);
	assert_false(is_live(w, late));
}

static void fill_other(struct world *w)
{
	/* Its own flush begins and ends while the outer one is at work. */
	for (size_t i = 0; i < 4; i++)
		(void)defer_to(w, w->other, 0);
	assert_int_equal(told_by(w->other).full_cnt, 1);
	assert_int_equal(told_by(w->other).held_cnt, 1);
}

static void a_full_ring_is_emptied_by_its_own_flush_while_others_are_at_work(void **state)
{
	struct world *w = opened(state, 4);

	(void)defer_to(w, w->ring, 0);
	w->inside = fill_other;
	phyr_flush_all(w->domain);
	assert_int_equal(w->flush_all_cnt, 2);
	/* What was deferred after the later flush began is covered by none. */
	assert_int_equal(told_by(w->other).held_cnt, 1);
	assert_int_equal(told_by(w->ring).held_cnt, 0);
	expect_sound(w);
}

static void table_pages_go_with_their_slot(void **state)
{
	struct world *w = opened(state, 4);

	(void)defer_to(w, w->ring, 2);
	(void)defer_to(w, w->ring, 0);
	(void)defer_to(w, w->ring, 5);
	assert_int_equal(w->tables, 7);
	assert_int_equal(told_by(w->ring).tables_cnt, 2);
	(void)defer_to(w, w->ring, 1);
	assert_int_equal(w->tables, 1);
	/* What has none asks nothing of the backend. */
	assert_int_equal(w->release_cnt, 2);
	assert_int_equal(told_by(w->ring).tables_cnt, 1);
}

static void a_range_of_no_length_gives_no_address_back(void **state)
{
	struct world *w = opened(state, 4);
	struct phyr_iova_range none = { { 0x1000 }, 0 };
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	unmap(w, (struct phyr_iova_range){ { 0x1000 }, PAGE }, 3, &gather);
	phyr_flush_defer(w->ring, none, NULL, &gather);
	assert_int_equal(told_by(w->ring).held_cnt, 1);
	assert_int_equal(told_by(w->ring).held_len, 0);
	phyr_flush_all(w->domain);
	assert_int_equal(w->tables, 0);
	assert_int_equal(stats_of(w).refused_cnt, 0);
}

static void addresses_go_to_the_cache_that_the_call_names(void **state)
{
	struct world *w = opened(state, 4);
	struct phyr_iova_cache_stats stats;
	struct phyr_iova_cache *cache;
	struct phyr_iova_range range;
	struct phyr_gather gather;

	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &cache), PHYR_OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(phyr_iova_cache_alloc(cache, PAGE, &range), PHYR_OK);
		phyr_gather_init(&gather);
		unmap(w, range, 0, &gather);
		phyr_flush_defer(w->ring, range, cache, &gather);
		phyr_iova_cache_stats(cache, &stats);
		assert_int_equal(stats.own_cnt, i == 3 ? 3 : 0);
	}
	/* A flush from elsewhere asks the space alone. */
	phyr_flush_all(w->domain);
	phyr_iova_cache_stats(cache, &stats);
	assert_int_equal(stats.own_cnt, 3);
	assert_int_equal(stats_of(w).refused_cnt, 0);
	phyr_iova_cache_destroy(cache);
	assert_int_equal(live_cnt(w), 0);
}

static void destroying_a_ring_flushes_what_waits_in_it(void **state)
{
	struct world *w = opened(state, 256);
	struct phyr_iova_range range = defer_to(w, w->other, 0);

	phyr_flush_ring_destroy(w->ring);
	assert_int_equal(w->flush_all_cnt, 0);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->ring), PHYR_OK);
	defer_many(w, 200);
	phyr_flush_ring_destroy(w->ring);
	w->ring = NULL;
	assert_int_equal(w->flush_all_cnt, 1);
	assert_int_equal(live_cnt(w), 1);
	assert_true(is_live(w, range));
	assert_int_equal(stats_of(w).full_cnt, 0);
	phyr_flush_ring_destroy(NULL);
	phyr_flush_domain_destroy(NULL);
}

static void all_rings_are_emptied_however_many_there_are(void **state)
{
	struct world *w = opened(state, 256);
	struct phyr_flush_ring *rings[5];

	for (size_t r = 0; r < CNT(rings); r++) {
		assert_int_equal(phyr_flush_ring_create(w->domain, &rings[r]), PHYR_OK);
		for (size_t i = 0; i < 60 * r; i++)
			(void)defer_to(w, rings[r], i % 2);
	}
	assert_int_equal(live_cnt(w), 600);
	phyr_flush_all(w->domain);
	assert_int_equal(w->flush_all_cnt, 1);
	assert_int_equal(live_cnt(w), 0);
	assert_int_equal(w->tables, 0);
	/* In another order than they were made. */
	for (size_t r = 0; r < CNT(rings); r++)
		phyr_flush_ring_destroy(rings[r * 2 % CNT(rings)]);
	assert_int_equal(w->flush_all_cnt, 1);
	assert_int_equal(stats_of(w).ring_cnt, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(a_burst_costs_as_many_flushes_as_in_linux),
	CASE(a_single_queue_is_one_for_all_its_users),
	CASE(a_single_queue_is_made_anew_when_its_last_user_has_gone),
	CASE(addresses_are_live_until_a_flush_has_ended),
	CASE(a_flush_for_one_ring_serves_the_others),
	CASE(a_flush_that_had_begun_does_not_free_what_is_deferred_then),
	CASE(a_full_ring_is_emptied_by_its_own_flush_while_others_are_at_work),
	CASE(table_pages_go_with_their_slot),
	CASE(a_range_of_no_length_gives_no_address_back),
	CASE(addresses_go_to_the_cache_that_the_call_names),
	CASE(destroying_a_ring_flushes_what_waits_in_it),
	CASE(all_rings_are_emptied_however_many_there_are),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
