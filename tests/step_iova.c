/* SPDX-License-Identifier: MIT */
/*
 * Caches of I/O addresses in every order of steps with few preemptions: owners that take, give
 * back, drain and destroy, while others give ranges of theirs back, once or, wrongly, twice.
 *
 * Not here: many threads for long (stress_iova.c); what a cache does alone (test_iova_cache.c).
 */
#include "step_iova.h"

/* In a space of 64 granules a cache has one strip: of two ranges of 32. */

static void an_owner_and_another_give_back_ranges_of_one_strip(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 64,
		.before = "A+0:32 A+1:32",
		.acts = { "A-0 A+2:32 A+3:32", "S-1" },
	};

	(void)state;
	explore(&scenario);
}

static void what_others_give_back_is_collected_while_they_do(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 64,
		.before = "A+0:32 A+1:32",
		.acts = { "A+2:32 A+3:32", "S-0 S-1" },
	};

	(void)state;
	explore(&scenario);
}

/* 192 granules are two strips, of four ranges of 32 and of two. */
static void strips_are_collected_while_they_are_queued_again(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 3,
		.granules = 192,
		.before = "A+0:32 A+1:32 A+2:32 A+3:32 A+4:32 A+5:32",
		.acts = { "A+6:32 A+7:32", "S-0 S-4 S-1" },
	};

	(void)state;
	explore(&scenario);
}

static void a_cache_is_drained_while_others_give_back(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 64,
		.before = "A+0:32 A+1:32",
		.acts = { "A-0 A~ A+2:32", "B<1 B+3:32" },
	};

	(void)state;
	explore(&scenario);
}

static void a_cache_is_destroyed_while_others_give_back(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 64,
		.before = "A+0:21 A+1:21 A+2:21",
		.acts = { "A-0 A!", "S-1 B<2 S+3:64" },
	};

	(void)state;
	explore(&scenario);
}

/* The strip of ranges 4 and 5 is free whole, and not the last that has room. */
static void a_strip_is_retired_while_another_wrongly_gives_back(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 192,
		.wrong = true,
		.before = "A+0:32 A+1:32 A+2:32 A+3:32 A+4:32 A+5:32 A-0 A-4",
		.acts = { "A-5 A+6:32 A+7:32", "S-5" },
	};

	(void)state;
	explore(&scenario);
}

static void two_give_back_ranges_of_one_strip_to_its_owner(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 2,
		.granules = 64,
		.before = "A+0:32 A+1:32",
		.acts = { "A+2:32 A+3:32", "S-0", "B<1" },
	};

	(void)state;
	explore(&scenario);
}

static void two_caches_drain_what_is_the_others(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 192,
		.before = "A+0:64 A+1:64 B+2:64",
		.acts = { "A-2 A~ A-0", "B-1 B~" },
	};

	(void)state;
	explore(&scenario);
}

static void an_owner_and_another_give_back_the_same_range(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 4,
		.granules = 64,
		.wrong = true,
		.before = "A+0:32 A+1:32",
		.acts = { "A-0 A+2:32 A+3:32", "S-0" },
	};

	(void)state;
	explore(&scenario);
}

static void three_give_back_the_same_range(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 2,
		.granules = 64,
		.wrong = true,
		.before = "A+0:32 A+1:32",
		.acts = { "A-0 A+2:32 A+3:32", "S-0", "B<0" },
	};

	(void)state;
	explore(&scenario);
}

/* Between taking a strip and making its ranges free to the cache. */
static void a_range_is_wrongly_given_back_to_a_strip_that_is_new(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 5,
		.granules = 64,
		.wrong = true,
		.before = "S+0:32 S-0",
		.acts = { "A+1:32 A+2:32 A+3:32", "S-0" },
	};

	(void)state;
	explore(&scenario);
}

static void two_take_from_the_space_and_give_back(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 5,
		.granules = 1024,
		.before = "",
		.acts = { "S+0:600 S-0 S+1:1", "S+2:300 S-2 S+3:3" },
	};

	(void)state;
	explore(&scenario);
}

static void three_take_from_the_space(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 3,
		.granules = 1024,
		.before = "",
		.acts = { "S+0:600 S-0", "S+2:300", "S+4:1" },
	};

	(void)state;
	explore(&scenario);
}

static void two_caches_get_strips_at_once(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 3,
		.granules = 1024,
		.before = "",
		.acts = { "A+0:64 A-0 A+1:48", "B+2:64 B+3:48 B-2" },
	};

	(void)state;
	explore(&scenario);
}

static void what_a_cache_drains_is_room_for_another(void **state)
{
	const struct scenario scenario = {
		.name = __func__,
		.preemptions_max = 3,
		.granules = 64,
		.before = "A+0:32 A+1:32",
		.acts = { "A-0 A+2:64 A~", "B+3:32 B<1 B+4:64" },
	};

	(void)state;
	explore(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_and_another_give_back_ranges_of_one_strip),
		cmocka_unit_test(what_others_give_back_is_collected_while_they_do),
		cmocka_unit_test(strips_are_collected_while_they_are_queued_again),
		cmocka_unit_test(a_cache_is_drained_while_others_give_back),
		cmocka_unit_test(a_cache_is_destroyed_while_others_give_back),
		cmocka_unit_test(a_strip_is_retired_while_another_wrongly_gives_back),
		cmocka_unit_test(two_give_back_ranges_of_one_strip_to_its_owner),
		cmocka_unit_test(two_caches_drain_what_is_the_others),
		cmocka_unit_test(an_owner_and_another_give_back_the_same_range),
		cmocka_unit_test(three_give_back_the_same_range),
		cmocka_unit_test(a_range_is_wrongly_given_back_to_a_strip_that_is_new),
		cmocka_unit_test(two_take_from_the_space_and_give_back),
		cmocka_unit_test(three_take_from_the_space),
		cmocka_unit_test(two_caches_get_strips_at_once),
		cmocka_unit_test(what_a_cache_drains_is_room_for_another),
	};

#ifdef __SANITIZE_THREAD__
	/* It follows threads, and none of these. */
	return 77;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
