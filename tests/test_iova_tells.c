/* SPDX-License-Identifier: MIT */
/*
 * What an I/O address space says of itself: which ranges are live, which holes there are, and its
 * statistics.
 *
 * Not here: where ranges go (test_iova_places.c), what is refused (test_iova.c).
 */
#include "iova_world.h"

/* Walking over a space. */

static void expect_next(const struct fixture *f, uint64_t from, uint64_t page, uint64_t page_cnt)
{
	struct phyr_iova_range range;

	assert_true(phyr_iova_next(f->space, phyr_iova_at(from), &range));
	assert_int_equal(range.iova.addr, P(page));
	assert_int_equal(range.len, P(page_cnt));
}

static void expect_hole(const struct fixture *f, uint64_t from, uint64_t page, uint64_t page_cnt)
{
	struct phyr_iova_range range;

	assert_true(phyr_iova_next_hole(f->space, phyr_iova_at(from), &range));
	assert_int_equal(range.iova.addr, P(page));
	assert_int_equal(range.len, P(page_cnt));
}

static void the_next_range_is_the_first_that_ends_there_or_above(void **state)
{
	struct phyr_iova_range range = { { 1 }, 2 };
	struct fixture *f = open_space(state, P(16), P(32) - 1);

	reserve(f, P(18), 2);
	reserve(f, P(20), 1);
	reserve(f, P(25), 3);
	expect_next(f, 0, 18, 2);
	expect_next(f, P(18), 18, 2);
	expect_next(f, P(20) - 1, 18, 2);
	expect_next(f, P(20), 20, 1);
	expect_next(f, P(21) - 1, 20, 1);
	expect_next(f, P(21), 25, 3);
	expect_next(f, P(28) - 1, 25, 3);
	assert_false(phyr_iova_next(f->space, phyr_iova_at(P(28)), &range));
	assert_false(phyr_iova_next(f->space, phyr_iova_at(UINT64_MAX), &range));
	assert_false(phyr_iova_next(NULL, phyr_iova_at(0), &range));
	assert_int_equal(range.iova.addr, 1);
	assert_int_equal(range.len, 2);
	assert_false(phyr_iova_next(f->space, phyr_iova_at(0), NULL));
}

static void the_next_hole_is_the_first_that_ends_there_or_above(void **state)
{
	struct phyr_iova_range range = { { 1 }, 2 };
	struct fixture *f = open_space(state, P(16), P(32) - 1);

	reserve(f, P(18), 2);
	reserve(f, P(20), 1);
	reserve(f, P(25), 7);
	expect_hole(f, 0, 16, 2);
	expect_hole(f, P(18) - 1, 16, 2);
	expect_hole(f, P(18), 21, 4);
	expect_hole(f, P(22) + 5, 21, 4);
	expect_hole(f, P(25) - 1, 21, 4);
	assert_false(phyr_iova_next_hole(f->space, phyr_iova_at(P(25)), &range));
	assert_false(phyr_iova_next_hole(f->space, phyr_iova_at(UINT64_MAX), &range));
	assert_false(phyr_iova_next_hole(NULL, phyr_iova_at(0), &range));
	assert_int_equal(range.iova.addr, 1);
	assert_int_equal(range.len, 2);
	assert_false(phyr_iova_next_hole(f->space, phyr_iova_at(0), NULL));
	give_back(f, P(20), 1);
	expect_hole(f, P(24), 20, 5);
}

static void the_loop_of_the_header_visits_every_range_once(void **state)
{
	static const uint64_t pages[] = { 0, 1, 511, 512, 1 << 15, (1 << 21) - 1, 1 << 30 };
	struct fixture *f = open_space(state, 0, UINT64_MAX);
	struct phyr_iova_range range;
	uint64_t from = 0;
	size_t cnt = 0;

	reserve(f, TOP, 1); /* where the loop ends by the overflow */
	for (size_t i = CNT(pages); i-- > 0;)
		reserve(f, P(pages[i]), 1);
	while (phyr_iova_next(f->space, phyr_iova_at(from), &range)) {
		assert_int_equal(range.iova.addr, cnt < CNT(pages) ? P(pages[cnt]) : TOP);
		assert_int_equal(range.len, PAGE);
		cnt++;
		if (__builtin_add_overflow(range.iova.addr, range.len, &from))
			break;
	}
	assert_int_equal(cnt, CNT(pages) + 1);
}

static void a_hole_is_told_whole_however_large(void **state)
{
	struct fixture *f = open_space(state, 0, UINT64_MAX);
	struct phyr_iova_range range;

	assert_true(phyr_iova_next_hole(f->space, phyr_iova_at(UINT64_MAX), &range));
	assert_int_equal(range.iova.addr, 0);
	assert_int_equal(range.len, UINT64_MAX);
	assert_false(phyr_iova_next(f->space, phyr_iova_at(0), &range));
	reserve(f, UINT64_C(1) << 63, 1);
	expect_hole(f, 12345, 0, UINT64_C(1) << 51);
	expect_hole(f, UINT64_MAX, (UINT64_C(1) << 51) + 1, (UINT64_C(1) << 51) - 1);
	reserve(f, 0, 1);
	expect_hole(f, 0, 1, (UINT64_C(1) << 51) - 1);
	assert_int_equal(stats_of(f).largest_len, UINT64_C(0x7ffffffffffff000));
}

static void the_largest_hole_is_as_long_as_it_is(void **state)
{
	/* Holes that lie across the edges of nodes of every size. */
	static const uint64_t edges[] = { 512,
					  1 << 15,
					  1 << 21,
					  1 << 27,
					  UINT64_C(1) << 33,
					  UINT64_C(1) << 39,
					  UINT64_C(1) << 45,
					  UINT64_C(1) << 51 };
	uint64_t all = TOP / PAGE;

	for (size_t i = 0; i < CNT(edges); i++) {
		struct fixture *f = open_space(state, 0, UINT64_MAX);

		reserve(f, 0, edges[i] - 7);
		reserve(f, P(edges[i] + 6), all - (edges[i] + 6) + 1);
		assert_int_equal(stats_of(f).largest_len, P(13));
		expect_hole(f, 0, edges[i] - 7, 13);
		expect_sound(f);
		refuse(f, P(14), NULL, PHYR_E_NOSPACE);
		assert_int_equal(take(f, 13, NULL), P(edges[i] - 7));
		assert_int_equal(stats_of(f).largest_len, 0);
		assert_int_equal(holes_of(f), 0);
		give_back(f, P(edges[i] - 7), 13);
		assert_int_equal(stats_of(f).largest_len, P(13));
		phyr_iova_destroy(f->space);
		f->space = NULL;
	}
}

/* Statistics. */

static void statistics_count_what_happened(void **state)
{
	struct phyr_iova_stats stats;
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	take(f, 4, NULL);
	take(f, 1, NULL);
	take(f, 2, NULL);
	give_back(f, 0xb000, 1);
	refuse(f, 12 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 16 * PAGE, NULL, PHYR_E_LIMIT);
	refuse_reserve(f, 0xf000, PAGE, PHYR_E_EXISTS);
	refuse_free(f, 0xb000, PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x9000, PAGE, PHYR_E_PARTIAL);
	reserve(f, 0x1000, 1);
	stats = stats_of(f);
	assert_int_equal(stats.live_len, 7 * PAGE);
	assert_int_equal(stats.live_cnt, 3);
	assert_int_equal(stats.live_len_max, 7 * PAGE);
	assert_int_equal(stats.live_cnt_max, 3);
	assert_int_equal(holes_of(f), 2);
	assert_int_equal(stats.largest_len, 7 * PAGE);
	assert_int_equal(stats.alloc_cnt, 4);
	assert_int_equal(stats.nospace_cnt, 1);
	assert_int_equal(stats.limit_cnt, 1);
	assert_int_equal(stats.exists_cnt, 1);
	assert_int_equal(stats.refused_cnt, 2);
	assert_int_equal(stats.search_cnt, 0);
	assert_int_equal(stats.cached_len, 0);
	assert_int_equal(stats.metadata_len, f->mem.live_len);
}

static void the_most_ever_live_is_remembered(void **state)
{
	struct fixture *f = open_space(state, 0, P(64) - 1);

	reserve(f, P(10), 30);
	reserve(f, P(50), 1);
	give_back(f, P(10), 30);
	reserve(f, P(20), 2);
	reserve(f, P(24), 2);
	assert_int_equal(stats_of(f).live_len, P(5));
	assert_int_equal(stats_of(f).live_len_max, P(31));
	assert_int_equal(stats_of(f).live_cnt, 3);
	assert_int_equal(stats_of(f).live_cnt_max, 3);
}

static void a_new_space_has_done_nothing(void **state)
{
	struct fixture *f = open_space(state, P(16), P(32) - 1);
	struct phyr_iova_stats stats = stats_of(f);

	assert_int_equal(stats.live_len, 0);
	assert_int_equal(stats.live_cnt_max, 0);
	assert_int_equal(stats.alloc_cnt, 0);
	assert_int_equal(stats.largest_len, P(16));
	assert_int_equal(stats.metadata_len, f->mem.live_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_next_range_is_the_first_that_ends_there_or_above),
		CASE(the_next_hole_is_the_first_that_ends_there_or_above),
		CASE(the_loop_of_the_header_visits_every_range_once),
		CASE(a_hole_is_told_whole_however_large),
		CASE(the_largest_hole_is_as_long_as_it_is),
		CASE(statistics_count_what_happened),
		CASE(the_most_ever_live_is_remembered),
		CASE(a_new_space_has_done_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
