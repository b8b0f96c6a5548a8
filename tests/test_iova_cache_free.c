/* SPDX-License-Identifier: MIT */
/*
 * Giving back through caches of I/O addresses: to the cache a range came from, to another, to the
 * space; wrongly, in every way and on every path; draining and destroying with ranges out.
 *
 * Not here: where ranges lie and what passes through (test_iova_cache.c); random operations
 * (prop_iova_cache.c); threads (stress_iova.c).
 */
#include "iova_cache_world.h"

/** Frees that a cache notes before it passes them on. */
#define NOTES 64

/** A space, and two caches of the same window. */
struct pair {
	struct fixture *f;
	struct phyr_iova_cache *own;
	struct phyr_iova_cache *other;
};

static struct pair open_pair(void **state)
{
	struct pair pair;

	pair.f = open_space(state, 0, (UINT64_C(1) << 40) - 1);
	pair.own = open_cache(pair.f, NULL);
	pair.other = open_cache(pair.f, NULL);
	return pair;
}

static void close_pair(struct pair pair)
{
	close_cache(pair.f, pair.own);
	close_cache(pair.f, pair.other);
	assert_int_equal(stats_of(pair.f).cached_len, 0);
}

/* Takes, so that a neighbour above and below may be free or not, and says what was taken. */
static struct phyr_iova_range take_range(struct phyr_iova_cache *cache, uint64_t page_cnt)
{
	return pages_at(cache_take(cache, page_cnt), page_cnt);
}

/* A wrong free that another cache notices when it passes it on, and nobody else is harmed. */
static void refuse_when_drained(struct pair pair, struct phyr_iova_range range, int err)
{
	uint64_t before = told_by(pair.other).refused_cnt;
	struct phyr_iova_stats space_before = stats_of(pair.f);
	uint64_t held_len = told_by(pair.own).held_len;

	assert_int_equal(phyr_iova_cache_free(pair.other, range), PHYR_OK);
	assert_int_equal(told_by(pair.other).refused_cnt, before);
	assert_int_equal(phyr_iova_cache_drain(pair.other), err);
	assert_int_equal(told_by(pair.other).refused_cnt, before + 1);
	assert_int_equal(told_by(pair.own).held_len, held_len);
	expect_unchanged(pair.f, &space_before);
	expect_cache_sound(pair.f, pair.own);
	expect_cache_sound(pair.f, pair.other);
}

/* Right frees. */

static void a_range_given_back_to_its_cache_is_kept(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 2);
	struct phyr_iova_stats before = stats_of(pair.f);
	uint64_t held_len = told_by(pair.own).held_len;

	assert_int_equal(phyr_iova_cache_free(pair.own, range), PHYR_OK);
	assert_int_equal(told_by(pair.own).held_len, held_len + range.len);
	assert_int_equal(told_by(pair.own).own_cnt, 1);
	assert_int_equal(told_by(pair.own).foreign_cnt, 0);
	expect_unchanged(pair.f, &before);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void a_range_given_back_to_the_space_is_its_caches_again(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 2);
	struct phyr_iova_stats before = stats_of(pair.f);
	uint64_t held_len = told_by(pair.own).held_len;

	assert_int_equal(phyr_iova_free(pair.f->space, range), PHYR_OK);
	assert_int_equal(told_by(pair.own).held_len, held_len + range.len);
	assert_int_equal(stats_of(pair.f).live_len, before.live_len);
	assert_int_equal(stats_of(pair.f).cached_len, before.cached_len);
	expect_cache_sound(pair.f, pair.own);
	for (uint64_t left = told_by(pair.own).held_len; left > 0; left -= range.len)
		cache_take(pair.own, 2);
	assert_int_equal(told_by(pair.own).held_len, 0);
	assert_int_equal(told_by(pair.own).strip_cnt, 1);
	assert_int_equal(stats_of(pair.f).cached_len, before.cached_len);
	close_pair(pair);
}

static void a_range_given_to_another_cache_is_passed_on(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 2);
	uint64_t held_len = told_by(pair.own).held_len;

	assert_int_equal(phyr_iova_cache_free(pair.other, range), PHYR_OK);
	drain(pair.other);
	assert_int_equal(told_by(pair.other).own_cnt, 0);
	assert_int_equal(told_by(pair.other).foreign_cnt, 1);
	assert_int_equal(told_by(pair.own).held_len, held_len + range.len);
	assert_int_equal(told_by(pair.own).own_cnt, 0);
	expect_cache_sound(pair.f, pair.own);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void sixty_four_noted_frees_are_passed_on_without_a_drain(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range ranges[NOTES];

	for (size_t i = 0; i < NOTES; i++)
		ranges[i] = take_range(pair.own, 1 + i % 5);
	for (size_t i = 0; i < NOTES; i++)
		assert_int_equal(phyr_iova_cache_free(pair.other, ranges[i]), PHYR_OK);
	assert_int_equal(told_by(pair.other).foreign_cnt, NOTES);
	assert_int_equal(told_by(pair.own).held_len, stats_of(pair.f).cached_len);
	for (size_t i = 0; i < NOTES; i++)
		refuse_free(pair.f, ranges[i].iova.addr, ranges[i].len, PHYR_E_NOENT);
	drain(pair.other);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void ranges_of_the_space_itself_may_be_given_to_a_cache(void **state)
{
	struct pair pair = open_pair(state);

	reserve(pair.f, P(7), 3);
	cache_give(pair.own, P(7), 3);
	cache_give(pair.own, take(pair.f, 1000, NULL), 1000);
	cache_give(pair.own, cache_take(pair.other, 1000), 1000);
	cache_give(pair.own, cache_take(pair.own, 1000), 1000);
	drain(pair.own);
	assert_int_equal(told_by(pair.own).foreign_cnt, 4);
	assert_int_equal(told_by(pair.own).own_cnt, 0);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
	close_pair(pair);
}

static void giving_back_and_draining_need_no_memory(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range ranges[150];
	size_t calls;

	for (size_t i = 0; i < CNT(ranges); i++)
		ranges[i] = take_range(i % 2 ? pair.own : pair.other, 1 + i % 70);
	calls = pair.f->mem.alloc_cnt;
	pair.f->mem.fail_at = calls;
	pair.f->mem.sticky = true;
	for (size_t i = 0; i < CNT(ranges); i++) {
		if (i % 5 == 4)
			assert_int_equal(phyr_iova_free(pair.f->space, ranges[i]), PHYR_OK);
		else
			assert_int_equal(
				phyr_iova_cache_free(i % 3 ? pair.own : pair.other, ranges[i]),
				PHYR_OK);
	}
	drain(pair.own);
	drain(pair.other);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
	assert_int_equal(holes_of(pair.f), 1);
	close_pair(pair);
	assert_int_equal(pair.f->mem.alloc_cnt, calls);
}

/* Wrong frees, noticed at once. */

/* What is wrong with a range, whoever is told to take it back. */
static const struct {
	int64_t addr; /* [bytes] added to the address */
	int64_t len;  /* [bytes] added to the length */
	int err;
} wrong[] = {
	{ 0, -1, PHYR_E_PARTIAL },
	{ 0, 1, PHYR_E_PARTIAL },
	{ 0, -(int64_t)PAGE, PHYR_E_PARTIAL },
	{ 0, (int64_t)PAGE, PHYR_E_PARTIAL },
	{ 0, 4 * (int64_t)PAGE, PHYR_E_PARTIAL },
	{ 0, -4 * (int64_t)PAGE, PHYR_E_PARTIAL }, /* no length at all */
	{ 0, -4 * (int64_t)PAGE - 1, PHYR_E_PARTIAL },
	{ 1, 0, PHYR_E_NOENT },
	{ (int64_t)PAGE / 2, 0, PHYR_E_NOENT },
	{ (int64_t)PAGE, 0, PHYR_E_NOENT },
	{ (int64_t)PAGE, -(int64_t)PAGE, PHYR_E_NOENT },
	{ 2 * (int64_t)PAGE, -2 * (int64_t)PAGE, PHYR_E_NOENT },
	{ 4 * (int64_t)PAGE - 1, 1 - 4 * (int64_t)PAGE, PHYR_E_NOENT },
};

static struct phyr_iova_range made_wrong(struct phyr_iova_range range, size_t how)
{
	range.iova.addr += (uint64_t)wrong[how].addr;
	range.len += (uint64_t)wrong[how].len;
	return range;
}

static void a_cache_notices_wrong_frees_of_its_own_at_once(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range below = take_range(pair.own, 4);
	struct phyr_iova_range range = take_range(pair.own, 4);
	struct phyr_iova_range above = take_range(pair.own, 4);

	for (size_t i = 0; i < CNT(wrong); i++)
		cache_refuse_free(pair.f, pair.own, made_wrong(range, i), wrong[i].err);
	assert_int_equal(phyr_iova_cache_free(pair.own, range), PHYR_OK);
	cache_refuse_free(pair.f, pair.own, range, PHYR_E_NOENT);
	assert_int_equal(phyr_iova_cache_free(pair.own, below), PHYR_OK);
	assert_int_equal(phyr_iova_cache_free(pair.own, above), PHYR_OK);
	cache_refuse_free(pair.f, pair.own, below, PHYR_E_NOENT);
	cache_refuse_free(pair.f, pair.own, above, PHYR_E_NOENT);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void a_space_notices_wrong_frees_of_what_caches_have_at_once(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 4);
	uint64_t held_len = told_by(pair.own).held_len;

	for (size_t i = 0; i < CNT(wrong); i++) {
		struct phyr_iova_range bad = made_wrong(range, i);

		refuse_free(pair.f, bad.iova.addr, bad.len, wrong[i].err);
	}
	assert_int_equal(told_by(pair.own).held_len, held_len);
	assert_int_equal(phyr_iova_free(pair.f->space, range), PHYR_OK);
	refuse_free(pair.f, range.iova.addr, range.len, PHYR_E_NOENT);
	cache_refuse_free(pair.f, pair.own, range, PHYR_E_NOENT);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void what_was_never_handed_out_is_not_taken_back(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range out = take_range(pair.own, 1);
	struct phyr_iova_range range;
	uint64_t from = 0;
	uint64_t cnt = 0;

	while (phyr_iova_next(pair.f->space, phyr_iova_at(from), &range)) {
		from = range.iova.addr + range.len;
		if (range.iova.addr == out.iova.addr)
			continue;
		cache_refuse_free(pair.f, pair.own, range, PHYR_E_NOENT);
		refuse_free(pair.f, range.iova.addr, range.len, PHYR_E_NOENT);
		cnt++;
	}
	assert_int_equal(P(cnt), told_by(pair.own).held_len);
	cache_give(pair.own, out.iova.addr, 1);
	close_pair(pair);
}

static void a_strip_is_not_a_range(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range strip = { { 0 }, 0 };
	struct phyr_iova_range first;
	uint64_t cnt;

	cache_take(pair.own, 1);
	cnt = told_by(pair.own).held_len / PAGE;
	for (uint64_t i = 0; i < cnt; i++) /* all of it is handed out */
		cache_take(pair.own, 1);
	assert_true(phyr_iova_next(pair.f->space, phyr_iova_at(0), &first));
	strip.iova = first.iova;
	strip.len = stats_of(pair.f).cached_len;
	cache_refuse_free(pair.f, pair.own, strip, PHYR_E_PARTIAL);
	refuse_free(pair.f, strip.iova.addr, strip.len, PHYR_E_PARTIAL);
	refuse_when_drained(pair, strip, PHYR_E_PARTIAL);
	close_pair(pair);
}

/* Wrong frees, noticed later. */

static void another_cache_notices_wrong_frees_when_it_is_drained(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 4);

	for (size_t i = 0; i < CNT(wrong); i++)
		refuse_when_drained(pair, made_wrong(range, i), wrong[i].err);
	reserve(pair.f, P(100), 4);
	for (size_t i = 0; i < CNT(wrong); i++)
		refuse_when_drained(pair, made_wrong(pages_at(P(100), 4), i), wrong[i].err);
	refuse_when_drained(pair, pages_at(P(200), 4), PHYR_E_NOENT);
	refuse_when_drained(pair, pages_at(UINT64_C(1) << 50, 1), PHYR_E_NOENT);
	refuse_when_drained(pair, pages_at(TOP, 2), PHYR_E_NOENT);
	assert_int_equal(phyr_iova_cache_free(pair.other, range), PHYR_OK);
	drain(pair.other);
	refuse_when_drained(pair, range, PHYR_E_NOENT);
	close_pair(pair);
}

static void of_two_frees_through_different_caches_one_counts(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range first = take_range(pair.own, 1);
	struct phyr_iova_range second = take_range(pair.own, 1);
	struct phyr_iova_range third = take_range(pair.own, 1);

	/* To the other and then to its own; to its own and then to the other; twice to the other. */
	assert_int_equal(phyr_iova_cache_free(pair.other, first), PHYR_OK);
	assert_int_equal(phyr_iova_cache_free(pair.own, first), PHYR_OK);
	assert_int_equal(phyr_iova_cache_drain(pair.other), PHYR_E_NOENT);
	assert_int_equal(phyr_iova_cache_free(pair.own, second), PHYR_OK);
	refuse_when_drained(pair, second, PHYR_E_NOENT);
	assert_int_equal(phyr_iova_cache_free(pair.other, third), PHYR_OK);
	assert_int_equal(phyr_iova_cache_free(pair.other, third), PHYR_OK);
	assert_int_equal(phyr_iova_cache_drain(pair.other), PHYR_E_NOENT);
	assert_int_equal(told_by(pair.other).refused_cnt, 3);
	assert_int_equal(told_by(pair.own).held_len, stats_of(pair.f).cached_len);
	drain(pair.own);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
	close_pair(pair);
}

static void a_wrong_free_keeps_no_other_from_being_done(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range good[2] = { take_range(pair.own, 3), take_range(pair.own, 3) };

	reserve(pair.f, P(100), 4);
	cache_give(pair.other, P(100), 2);
	assert_int_equal(phyr_iova_cache_free(pair.other, good[0]), PHYR_OK);
	cache_give(pair.other, P(101), 3);
	assert_int_equal(phyr_iova_cache_free(pair.other, good[1]), PHYR_OK);
	assert_int_equal(phyr_iova_cache_drain(pair.other), PHYR_E_PARTIAL); /* the first of two */
	assert_int_equal(told_by(pair.other).refused_cnt, 2);
	assert_int_equal(told_by(pair.own).held_len, stats_of(pair.f).cached_len);
	drain(pair.other);
	give_back(pair.f, P(100), 4);
	close_pair(pair);
}

static void a_batch_with_a_wrong_free_is_done_but_for_that(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range ranges[NOTES];

	for (size_t i = 0; i < NOTES; i++)
		ranges[i] = take_range(pair.own, 1);
	for (size_t i = 0; i < NOTES - 1; i++)
		assert_int_equal(phyr_iova_cache_free(pair.other, ranges[i]), PHYR_OK);
	assert_int_equal(told_by(pair.other).refused_cnt, 0);
	assert_int_equal(phyr_iova_cache_free(pair.other, ranges[5]), PHYR_OK);
	assert_int_equal(told_by(pair.other).refused_cnt, 1);
	assert_int_equal(stats_of(pair.f).cached_len - told_by(pair.own).held_len, PAGE);
	assert_int_equal(phyr_iova_cache_free(pair.own, ranges[NOTES - 1]), PHYR_OK);
	drain(pair.other);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

/* Draining. */

static void what_is_handed_out_stays_live_when_its_cache_is_drained(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range ranges[4];

	for (size_t i = 0; i < CNT(ranges); i++)
		ranges[i] = take_range(pair.own, 4);
	drain(pair.own);
	assert_int_equal(stats_of(pair.f).cached_len, 0);
	assert_int_equal(stats_of(pair.f).live_cnt, 4);
	assert_int_equal(stats_of(pair.f).live_len, P(16));
	expect_cache_sound(pair.f, pair.own);
	for (size_t i = 0; i < CNT(wrong); i++) {
		struct phyr_iova_range bad = made_wrong(ranges[0], i);
		uint64_t page = bad.iova.addr;

		/* A neighbour may have become the range that starts there. */
		if (page < ranges[0].iova.addr + P(4))
			refuse_free(pair.f, page, bad.len, wrong[i].err);
	}
	assert_int_equal(phyr_iova_free(pair.f->space, ranges[0]), PHYR_OK);
	assert_int_equal(phyr_iova_cache_free(pair.other, ranges[1]), PHYR_OK);
	assert_int_equal(phyr_iova_cache_free(pair.own, ranges[2]), PHYR_OK);
	drain(pair.own);
	drain(pair.other);
	assert_int_equal(stats_of(pair.f).live_len, P(4));
	refuse_when_drained(pair, ranges[1], PHYR_E_NOENT);
	assert_int_equal(phyr_iova_free(pair.f->space, ranges[3]), PHYR_OK);
	close_pair(pair);
}

static void a_drained_cache_goes_on(void **state)
{
	struct pair pair = open_pair(state);

	for (unsigned int i = 0; i < 50; i++) {
		uint64_t page_cnt = 1 + i % 7;
		uint64_t iova = cache_take(pair.own, page_cnt);

		if (i % 2)
			cache_give(pair.own, iova, page_cnt);
		drain(pair.own);
		drain(pair.own);
		if (i % 2 == 0)
			cache_give(pair.own, iova, page_cnt);
	}
	drain(pair.own);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
	assert_int_equal(holes_of(pair.f), 1);
	assert_int_equal(told_by(pair.own).foreign_cnt, 25);
	close_pair(pair);
}

/* Destroying. */

static void a_destroyed_cache_leaves_its_ranges_live(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range ranges[] = { take_range(pair.own, 1), take_range(pair.own, 9),
					    take_range(pair.own, 100), take_range(pair.own, 1) };

	assert_int_equal(phyr_iova_cache_free(pair.other, ranges[0]), PHYR_OK);
	close_cache(pair.f, pair.own);
	assert_int_equal(stats_of(pair.f).cached_len, 0);
	assert_int_equal(stats_of(pair.f).live_len, P(111));
	drain(pair.other); /* what it noted had a cache then, and has none now */
	assert_int_equal(stats_of(pair.f).live_len, P(110));
	assert_int_equal(phyr_iova_cache_free(pair.other, ranges[1]), PHYR_OK);
	assert_int_equal(phyr_iova_free(pair.f->space, ranges[2]), PHYR_OK);
	assert_int_equal(phyr_iova_free(pair.f->space, ranges[3]), PHYR_OK);
	close_cache(pair.f, pair.other); /* passes on what it has noted */
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
	assert_int_equal(holes_of(pair.f), 1);
}

static void a_wrong_free_that_a_destroyed_cache_had_noted_harms_nobody(void **state)
{
	struct pair pair = open_pair(state);
	struct phyr_iova_range range = take_range(pair.own, 2);

	cache_give(pair.other, range.iova.addr, 1);
	cache_give(pair.other, P(5), 1);
	close_cache(pair.f, pair.other);
	expect_only_cache(pair.f, pair.own);
	assert_int_equal(phyr_iova_cache_free(pair.own, range), PHYR_OK);
	close_cache(pair.f, pair.own);
	assert_int_equal(stats_of(pair.f).live_cnt, 0);
}

static void a_space_may_end_with_ranges_of_former_caches_out(void **state)
{
	struct pair pair = open_pair(state);

	for (uint64_t page_cnt = 1; page_cnt < 70; page_cnt++)
		cache_take(pair.own, page_cnt);
	close_pair(pair);
	assert_int_equal(stats_of(pair.f).live_cnt, 69);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_range_given_back_to_its_cache_is_kept),
		CASE(a_range_given_back_to_the_space_is_its_caches_again),
		CASE(a_range_given_to_another_cache_is_passed_on),
		CASE(sixty_four_noted_frees_are_passed_on_without_a_drain),
		CASE(ranges_of_the_space_itself_may_be_given_to_a_cache),
		CASE(giving_back_and_draining_need_no_memory),
		CASE(a_cache_notices_wrong_frees_of_its_own_at_once),
		CASE(a_space_notices_wrong_frees_of_what_caches_have_at_once),
		CASE(what_was_never_handed_out_is_not_taken_back),
		CASE(a_strip_is_not_a_range),
		CASE(another_cache_notices_wrong_frees_when_it_is_drained),
		CASE(of_two_frees_through_different_caches_one_counts),
		CASE(a_wrong_free_keeps_no_other_from_being_done),
		CASE(a_batch_with_a_wrong_free_is_done_but_for_that),
		CASE(what_is_handed_out_stays_live_when_its_cache_is_drained),
		CASE(a_drained_cache_goes_on),
		CASE(a_destroyed_cache_leaves_its_ranges_live),
		CASE(a_wrong_free_that_a_destroyed_cache_had_noted_harms_nobody),
		CASE(a_space_may_end_with_ranges_of_former_caches_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
