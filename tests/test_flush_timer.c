/* SPDX-License-Identifier: MIT */
/*
 * The timer of a domain, what domains and rings tell of themselves, and what making them refuses.
 *
 * Not here: what a flush frees (test_flush.c).
 */
#include "../src/flush/flush.h"
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

static struct world *opened(void **state, unsigned int slot_cnt, uint64_t timeout)
{
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);

	params.slot_cnt = slot_cnt;
	params.timeout = timeout;
	world_open(w, &params);
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->other), PHYR_OK);
	return w;
}

static void the_timer_flushes_when_its_time_has_come_and_empties_all_rings(void **state)
{
	struct world *w = opened(state, 0, 0);

	phyr_flush_tick(w->domain, 500);
	(void)defer_to(w, w->ring, 1);
	phyr_flush_tick(w->domain, 600);
	(void)defer_to(w, w->other, 1);
	phyr_flush_tick(w->domain, 10499);
	assert_int_equal(w->flush_all_cnt, 0);
	assert_int_equal(live_cnt(w), 2);
	phyr_flush_tick(w->domain, 10500);
	assert_int_equal(w->flush_all_cnt, 1);
	assert_int_equal(live_cnt(w), 0);
	assert_int_equal(w->tables, 0);
	assert_int_equal(stats_of(w).timer_cnt, 1);
}

static void without_a_defer_the_timer_does_not_run(void **state)
{
	struct world *w = opened(state, 0, 10);

	for (uint64_t now = 0; now < 100; now += 10)
		phyr_flush_tick(w->domain, now);
	assert_int_equal(w->flush_all_cnt, 0);
	(void)defer_to(w, w->ring, 0);
	for (uint64_t now = 100; now < 200; now += 10)
		phyr_flush_tick(w->domain, now);
	assert_int_equal(w->flush_all_cnt, 1);
}

static void the_first_defer_after_it_ran_starts_it_again(void **state)
{
	struct world *w = opened(state, 0, 10);

	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, 10);
	phyr_flush_tick(w->domain, 15);
	(void)defer_to(w, w->other, 0);
	phyr_flush_tick(w->domain, 20);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, 24);
	assert_int_equal(w->flush_all_cnt, 1);
	phyr_flush_tick(w->domain, 25);
	assert_int_equal(w->flush_all_cnt, 2);
	assert_int_equal(live_cnt(w), 0);
}

static void a_full_ring_does_not_stop_it_and_flushing_all_does(void **state)
{
	struct world *w = opened(state, 4, 10);

	defer_many(w, 4);
	assert_int_equal(w->flush_all_cnt, 1);
	phyr_flush_tick(w->domain, 10);
	assert_int_equal(w->flush_all_cnt, 2);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_all(w->domain);
	assert_int_equal(w->flush_all_cnt, 3);
	phyr_flush_tick(w->domain, 20);
	assert_int_equal(w->flush_all_cnt, 3);
	assert_int_equal(stats_of(w).timer_cnt, 1);
	assert_int_equal(stats_of(w).full_cnt, 1);
	assert_int_equal(stats_of(w).flush_cnt, 3);
}

static void defer_inside(struct world *w)
{
	(void)defer_to(w, w->other, 0);
}

static void what_is_deferred_during_a_flush_starts_it(void **state)
{
	struct world *w = opened(state, 0, 10);

	w->inside = defer_inside;
	phyr_flush_all(w->domain);
	phyr_flush_tick(w->domain, 9);
	assert_int_equal(live_cnt(w), 1);
	phyr_flush_tick(w->domain, 10);
	assert_int_equal(live_cnt(w), 0);
	(void)defer_to(w, w->ring, 0);
	w->inside = defer_inside;
	phyr_flush_tick(w->domain, 20);
	assert_int_equal(live_cnt(w), 1);
	phyr_flush_tick(w->domain, 30);
	assert_int_equal(live_cnt(w), 0);
	assert_int_equal(stats_of(w).timer_cnt, 3);
}

static void time_never_goes_back_and_ends_at_the_end(void **state)
{
	struct world *w = opened(state, 0, 10);

	phyr_flush_tick(w->domain, 100);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, 50);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, 60);
	assert_int_equal(w->flush_all_cnt, 0);
	phyr_flush_tick(w->domain, 110);
	assert_int_equal(w->flush_all_cnt, 1);
	phyr_flush_tick(w->domain, UINT64_MAX - 5);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, UINT64_MAX - 1);
	assert_int_equal(w->flush_all_cnt, 1);
	phyr_flush_tick(w->domain, UINT64_MAX);
	assert_int_equal(w->flush_all_cnt, 2);
}

static void the_longest_window_is_measured_by_the_times_told(void **state)
{
	struct world *w = opened(state, 4, 1000);

	phyr_flush_tick(w->domain, 100);
	(void)defer_to(w, w->ring, 0);
	phyr_flush_tick(w->domain, 130);
	(void)defer_to(w, w->other, 0);
	phyr_flush_tick(w->domain, 150);
	phyr_flush_all(w->domain);
	assert_int_equal(stats_of(w).window_max, 50);
	/* Nothing waited: it is no window. */
	phyr_flush_tick(w->domain, 900);
	phyr_flush_all(w->domain);
	assert_int_equal(stats_of(w).window_max, 50);
	(void)defer_to(w, w->other, 0);
	phyr_flush_tick(w->domain, 920);
	defer_many(w, 4);
	assert_int_equal(stats_of(w).window_max, 50);
	/* The one that is left waits from 920 on. */
	phyr_flush_tick(w->domain, 1899);
	assert_int_equal(w->flush_all_cnt, 3);
	phyr_flush_tick(w->domain, 1925);
	assert_int_equal(w->flush_all_cnt, 4);
	assert_int_equal(stats_of(w).window_max, 1005);
}

static void a_ring_tells_what_it_holds(void **state)
{
	struct world *w = opened(state, 4, 0);
	struct phyr_flush_ring_stats stats;

	for (uint64_t i = 1; i <= 5; i++) {
		struct phyr_iova_range range = take(w, i * PAGE);
		struct phyr_gather gather;

		phyr_gather_init(&gather);
		unmap(w, range, i % 2, &gather);
		phyr_flush_defer(w->ring, range, NULL, &gather);
	}
	stats = told_by(w->ring);
	assert_int_equal(stats.defer_cnt, 5);
	assert_int_equal(stats.full_cnt, 1);
	assert_int_equal(stats.reap_cnt, 3);
	assert_int_equal(stats.held_len, 9 * PAGE);
	assert_int_equal(stats.held_len_max, 9 * PAGE);
	assert_int_equal(stats.held_cnt, 2);
	assert_int_equal(stats.held_cnt_max, 3);
	assert_int_equal(stats.tables_cnt, 1);
}

/* A slot is smaller than Linux's of 40 bytes. */
static void a_domain_tells_what_it_takes(void **state)
{
	struct world *w = opened(state, 0, 0);

	assert_int_equal(stats_of(w).ring_cnt, 2);
	assert_int_equal(stats_of(w).metadata_len,
			 sizeof(struct phyr_flush_domain) +
				 2 * (sizeof(struct phyr_flush_ring) + 256 * sizeof(struct slot)));
	if (sizeof(void *) == 8)
		assert_int_equal(sizeof(struct slot), 32);
}

static void addresses_that_are_not_taken_back_are_counted(void **state)
{
	struct world *w = opened(state, 0, 0);
	struct phyr_iova_range range = defer_to(w, w->ring, 0);
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	phyr_flush_defer(w->ring, range, NULL, &gather);
	phyr_flush_defer(w->ring, range, NULL, &gather);
	phyr_flush_all(w->domain);
	assert_int_equal(stats_of(w).refused_cnt, 2);
	assert_int_equal(told_by(w->ring).held_cnt, 0);
}

static void without_a_space_no_address_is_taken_back(void **state)
{
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);
	struct phyr_iova_range range = { { PAGE }, PAGE };
	struct phyr_gather gather;

	params.space = NULL;
	world_open(w, &params);
	phyr_gather_init(&gather);
	unmap(w, range, 1, &gather);
	phyr_flush_defer(w->ring, (struct phyr_iova_range){ { 0 }, 0 }, NULL, &gather);
	phyr_flush_all(w->domain);
	assert_int_equal(stats_of(w).refused_cnt, 0);
	phyr_flush_defer(w->ring, range, NULL, &gather);
	phyr_flush_all(w->domain);
	assert_int_equal(stats_of(w).refused_cnt, 1);
}

static void expect_refused(const struct phyr_flush_params *params, int want)
{
	struct phyr_flush_domain *domain = NULL;

	assert_int_equal(phyr_flush_domain_create(params, &domain), want);
	assert_null(domain);
}

static void making_a_domain_refuses_what_is_wrong(void **state)
{
	static const unsigned int wrong[] = { 1, 3, 255, 257, 1u << 25, UINT32_MAX };
	struct world *w = *state;
	struct phyr_flush_params params = params_of(w);

	expect_refused(NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_flush_domain_create(&params, NULL), PHYR_E_INVAL);
	for (size_t i = 0; i < CNT(wrong); i++) {
		params.slot_cnt = wrong[i];
		expect_refused(&params, PHYR_E_INVAL);
	}
	params.slot_cnt = 2;
	params.mem = NULL;
	expect_refused(&params, PHYR_E_INVAL);
	params.mem = &w->host.mem;
	params.iommu.ops = NULL;
	expect_refused(&params, PHYR_E_INVAL);
	params = params_of(w);
	w->ops.flush_all = NULL;
	expect_refused(&params, PHYR_E_UNSUPPORTED);
	w->ops.flush_all = fake_flush_all;
	w->ops.release = NULL;
	expect_refused(&params, PHYR_E_UNSUPPORTED);
	w->ops.release = fake_release;
	params.slot_cnt = 1u << 24;
	assert_int_equal(phyr_flush_domain_create(&params, &w->domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(NULL, &w->ring), PHYR_E_INVAL);
	assert_int_equal(phyr_flush_ring_create(w->domain, NULL), PHYR_E_INVAL);
	assert_null(w->ring);
}

static void a_ring_of_two_slots_holds_one(void **state)
{
	struct world *w = opened(state, 2, 0);

	defer_many(w, 10);
	assert_int_equal(w->flush_all_cnt, 9);
	assert_int_equal(live_cnt(w), 1);
}

static void expect_damage(const struct world *w, const char *want)
{
	const char *reason = NULL;

	assert_false(phyr_flush_validate(w->domain, &reason));
	assert_string_equal(reason, want);
	assert_false(phyr_flush_validate(w->domain, NULL));
}

static void an_audit_finds_damage(void **state)
{
	struct world *w = opened(state, 4, 0);
	struct slot *slot = &w->ring->slots[0];

	(void)defer_to(w, w->ring, 0);
	expect_sound(w);
	slot->began++;
	expect_damage(w, "a slot is not in order");
	slot->began--;
	slot->range.len += PAGE;
	expect_damage(w, "what a ring holds does not add up");
	slot->range.len -= PAGE;
	w->ring->tail += 3;
	expect_damage(w, "more slots are in use than a ring has");
	w->ring->tail -= 3;
	w->domain->timer_runs = false;
	expect_damage(w, "something is noted, and the timer does not run");
	w->domain->timer_runs = true;
	w->domain->covered++;
	expect_damage(w, "more is covered than flushes began");
	w->domain->covered--;
	w->domain->stats.ring_cnt++;
	expect_damage(w, "rings do not add up");
	w->domain->stats.ring_cnt--;
}

/* As on a host of 32 bits after some weeks. */
static void numbers_of_flushes_may_wrap(void **state)
{
	struct world *w = opened(state, 4, 0);
	uint64_t before;

	w->domain->began = w->domain->covered = UINTPTR_MAX - 1;
	for (size_t i = 0; i < 5; i++) {
		before = w->flush_all_cnt;
		defer_many(w, 3);
		assert_int_equal(w->flush_all_cnt - before, i > 0);
		expect_sound(w);
	}
	assert_int_equal(w->domain->began, 2);
	phyr_flush_all(w->domain);
	assert_int_equal(live_cnt(w), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(the_timer_flushes_when_its_time_has_come_and_empties_all_rings),
	CASE(without_a_defer_the_timer_does_not_run),
	CASE(the_first_defer_after_it_ran_starts_it_again),
	CASE(a_full_ring_does_not_stop_it_and_flushing_all_does),
	CASE(what_is_deferred_during_a_flush_starts_it),
	CASE(time_never_goes_back_and_ends_at_the_end),
	CASE(the_longest_window_is_measured_by_the_times_told),
	CASE(a_ring_tells_what_it_holds),
	CASE(a_domain_tells_what_it_takes),
	CASE(addresses_that_are_not_taken_back_are_counted),
	CASE(without_a_space_no_address_is_taken_back),
	CASE(making_a_domain_refuses_what_is_wrong),
	CASE(a_ring_of_two_slots_holds_one),
	CASE(an_audit_finds_damage),
	CASE(numbers_of_flushes_may_wrap),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
