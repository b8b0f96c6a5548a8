/* SPDX-License-Identifier: MIT */
/*
 * Caches of I/O addresses: making them, where their ranges lie, which requests pass through, and
 * that nothing they hold is missing when it is needed.
 *
 * Not here: giving back, draining, destroying (test_iova_cache_free.c); random operations
 * (prop_iova_cache.c); threads (stress_iova.c).
 */
#include "iova_cache_world.h"

/** A neighbourhood: what one page-table page maps. [pages] */
#define NEAR 512
/** Roomy enough for nothing to be in the way. */
#define ROOM (UINT64_C(1) << 40)

/* Making a cache. */

static void refuse_cache(struct fixture *f, const struct phyr_placement *placement, int err)
{
	struct phyr_iova_cache *cache = NULL;

	assert_int_equal(phyr_iova_cache_create(f->space, placement, &cache), err);
	assert_null(cache);
}

static void a_cache_needs_a_space_and_memory(void **state)
{
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_iova_cache *cache = NULL;
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_cache_create(NULL, NULL, &cache), PHYR_E_INVAL);
	assert_int_equal(phyr_iova_cache_create(f->space, NULL, NULL), PHYR_E_INVAL);
	f->mem.fail_at = f->mem.alloc_cnt;
	refuse_cache(f, NULL, PHYR_E_NOMEM);
	f->mem.fail_at = SIZE_MAX;
	cache = open_cache(f, NULL);
	assert_int_equal(phyr_iova_cache_alloc(NULL, PAGE, &range), PHYR_E_INVAL);
	assert_int_equal(phyr_iova_cache_alloc(cache, PAGE, NULL), PHYR_E_INVAL);
	cache_refuse(cache, 0, PHYR_E_INVAL);
	assert_int_equal(phyr_iova_cache_free(NULL, pages_at(0, 1)), PHYR_E_INVAL);
	assert_int_equal(phyr_iova_cache_drain(NULL), PHYR_E_INVAL);
	phyr_iova_cache_destroy(NULL);
	close_cache(f, cache);
}

static void a_cache_refuses_the_placements_that_a_space_refuses(void **state)
{
	static const struct {
		uint64_t phase;
		uint8_t phase_lg2;
		uint8_t boundary_lg2;
		int err;
	} wrong[] = {
		{ 0x2000, 13, 0, PHYR_E_INVAL }, { 0x1000, 0, 0, PHYR_E_INVAL },
		{ 0, 64, 0, PHYR_E_INVAL },	 { 0, 0, 64, PHYR_E_INVAL },
		{ 0x1800, 13, 0, PHYR_E_ALIGN }, { 1, 1, 0, PHYR_E_ALIGN },
		{ 0, 0, 11, PHYR_E_LIMIT },
	};
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_placement odd = phyr_placement_any();

	odd.fit = (enum phyr_fit)(PHYR_FIT_FIRST_UP + 1);
	refuse_cache(f, &odd, PHYR_E_INVAL);
	odd.fit = PHYR_FIT_TOP_DOWN;
	for (size_t i = 0; i < CNT(wrong); i++) {
		odd.phase = wrong[i].phase;
		odd.phase_lg2 = wrong[i].phase_lg2;
		odd.boundary_lg2 = wrong[i].boundary_lg2;
		refuse_cache(f, &odd, wrong[i].err);
	}
}

static void a_new_cache_is_empty(void **state)
{
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);
	struct phyr_iova_cache_stats told = told_by(cache);

	assert_int_equal(told.hit_cnt + told.miss_cnt, 0);
	assert_int_equal(told.own_cnt + told.foreign_cnt + told.refused_cnt, 0);
	assert_int_equal(told.held_len, 0);
	assert_int_equal(told.strip_cnt, 0);
	assert_int_equal(stats_of(f).live_cnt, 0);
	assert_int_equal(stats_of(f).cached_len, 0);
	expect_only_cache(f, cache);
	drain(cache);
	close_cache(f, cache);
}

/* Where ranges lie. */

/* As many ranges as a strip has, at most; each is written down in a table of its neighbourhood. */
static void expect_neighbours(struct phyr_iova_cache *cache, uint64_t page_cnt)
{
	uint64_t cnt = NEAR / page_cnt < 64 ? NEAR / page_cnt : 64;
	bool taken[NEAR] = { false };
	uint64_t near = 0;

	for (uint64_t i = 0; i < cnt; i++) {
		uint64_t page = cache_take(cache, page_cnt) / PAGE;

		if (i == 0)
			near = page / NEAR;
		assert_int_equal(page / NEAR, near);
		assert_int_equal((page + page_cnt - 1) / NEAR, near);
		if ((page_cnt & (page_cnt - 1)) == 0)
			assert_int_equal(page % page_cnt, 0);
		for (uint64_t k = 0; k < page_cnt; k++) {
			assert_false(taken[page % NEAR + k]);
			taken[page % NEAR + k] = true;
		}
	}
}

static void ranges_of_one_length_lie_in_one_neighbourhood(void **state)
{
	static const enum phyr_fit fits[] = { PHYR_FIT_TOP_DOWN, PHYR_FIT_BOTTOM_UP,
					      PHYR_FIT_PACKED, PHYR_FIT_FIRST_UP };
	struct fixture *f = open_space(state, 0, ROOM - 1);

	for (size_t i = 0; i < CNT(fits); i++) {
		struct phyr_placement placement = anywhere(fits[i]);
		struct phyr_iova_cache *cache = open_cache(f, &placement);

		for (uint64_t page_cnt = 1; page_cnt <= PHYR_IOVA_CACHE_MAX; page_cnt++)
			expect_neighbours(cache, page_cnt);
		assert_true(told_by(cache).hit_cnt > told_by(cache).miss_cnt);
		close_cache(f, cache);
	}
}

static void a_hit_does_not_touch_the_space(void **state)
{
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);
	uint64_t iova = cache_take(cache, 3);
	struct phyr_iova_stats before = stats_of(f);
	size_t calls = f->mem.alloc_cnt;

	assert_int_equal(told_by(cache).hit_cnt, 0);
	assert_int_equal(told_by(cache).miss_cnt, 1);
	for (unsigned int i = 0; i < 200; i++) {
		cache_give(cache, iova, 3);
		iova = cache_take(cache, 3);
	}
	assert_int_equal(told_by(cache).hit_cnt, 200);
	assert_int_equal(told_by(cache).miss_cnt, 1);
	assert_int_equal(told_by(cache).own_cnt, 200);
	assert_int_equal(f->mem.alloc_cnt, calls);
	expect_unchanged(f, &before);
	cache_give(cache, iova, 3);
	close_cache(f, cache);
}

static void lengths_are_rounded_up_to_the_granule(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(0, ROOM - 1),
					   .granule_lg2 = 16 };
	struct phyr_iova_cache *cache;
	struct phyr_iova_range range;

	f->window = params.window;
	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	cache = open_cache(f, NULL);
	assert_int_equal(phyr_iova_cache_alloc(cache, 1, &range), PHYR_OK);
	assert_int_equal(range.len, 0x10000);
	assert_int_equal(phyr_iova_cache_alloc(cache, 0x10001, &range), PHYR_OK);
	assert_int_equal(range.len, 0x20000);
	assert_int_equal(range.iova.addr % 0x20000, 0);
	assert_int_equal(phyr_iova_cache_alloc(cache, 0x3ffff1, &range), PHYR_OK);
	assert_int_equal(range.len, 0x400000);
	assert_int_equal(range.iova.addr % 0x400000, 0);
	cache_refuse(cache, UINT64_MAX, PHYR_E_LIMIT);
	cache_refuse(cache, ROOM + 1, PHYR_E_LIMIT);
	close_cache(f, cache);
}

/* Some of every length, given back and taken again. */
static void use_placed(void **state, const struct phyr_placement *p, uint64_t longest)
{
	struct fixture *f = open_space(state, PAGE, ROOM - 1);
	struct phyr_iova_cache *cache = open_cache(f, p);

	for (uint64_t i = 0; i < 300; i++) {
		uint64_t page_cnt = i % longest + 1;
		uint64_t iova = cache_take(cache, page_cnt);

		expect_placed(p, iova, page_cnt);
		if (i % 8)
			cache_give(cache, iova, page_cnt);
	}
	close_cache(f, cache);
	phyr_iova_destroy(f->space);
	f->space = NULL;
}

static void the_placement_holds_for_every_range(void **state)
{
	static const struct {
		unsigned int lg2, phase, boundary_lg2, longest;
	} cases[] = {
		{ 0, 0, 0, 70 }, { 1, 1, 0, 70 },  { 2, 0, 0, 70 },   { 2, 3, 0, 70 },
		{ 4, 5, 0, 70 }, { 11, 0, 0, 70 }, { 11, 77, 0, 70 }, { 0, 0, 4, 16 },
		{ 0, 0, 1, 2 },	 { 0, 0, 9, 70 },  { 3, 0, 5, 32 },   { 3, 2, 5, 30 },
		{ 6, 3, 4, 13 }, { 2, 2, 2, 2 },   { 0, 0, 12, 70 },  { 5, 0, 5, 32 },
	};

	for (size_t i = 0; i < CNT(cases) * 4; i++) {
		size_t k = i / 4;
		struct phyr_placement p =
			aligned((enum phyr_fit)(i % 4), cases[k].lg2, cases[k].phase);

		if (cases[k].boundary_lg2)
			p.boundary_lg2 = (uint8_t)(PHYR_PAGE_LG2 + cases[k].boundary_lg2);
		p.window = window(0x12345678, 0x30000123);
		use_placed(state, &p, cases[k].longest);
	}
}

static void what_a_strip_holds_is_told_range_by_range(void **state)
{
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);
	struct phyr_iova_range range;
	uint64_t from = 0;
	uint64_t len = 0;
	bool found = false;
	uint64_t iova = cache_take(cache, 5);

	while (phyr_iova_next(f->space, phyr_iova_at(from), &range)) {
		assert_int_equal(range.len, P(5));
		found = found || range.iova.addr == iova;
		len += range.len;
		from = range.iova.addr + range.len;
	}
	assert_true(found);
	assert_int_equal(len, stats_of(f).cached_len);
	assert_int_equal(len, stats_of(f).live_len);
	assert_int_equal(len, told_by(cache).held_len + P(5));
	assert_int_equal(told_by(cache).strip_cnt, 1);
	expect_only_cache(f, cache);
	close_cache(f, cache);
}

/* What passes through. */

/* Through to the space, or from a strip. */
static void expect_passed(struct fixture *f, const struct phyr_placement *p, uint64_t page_cnt,
			  bool passed)
{
	struct phyr_iova_cache *cache = open_cache(f, p);
	uint64_t iova = cache_take(cache, page_cnt);

	expect_placed(p, iova, page_cnt);
	assert_int_equal(told_by(cache).miss_cnt, 1);
	assert_int_equal(stats_of(f).cached_len == 0, passed);
	assert_int_equal(told_by(cache).strip_cnt == 0, passed);
	if (passed)
		assert_int_equal(stats_of(f).live_len, P(page_cnt));
	cache_give(cache, iova, page_cnt);
	close_cache(f, cache);
	assert_int_equal(stats_of(f).live_cnt, 0);
}

static void ranges_longer_than_64_granules_pass_through(void **state)
{
	struct phyr_placement any = phyr_placement_any();
	struct fixture *f = open_space(state, 0, ROOM - 1);

	expect_passed(f, &any, 63, false);
	expect_passed(f, &any, PHYR_IOVA_CACHE_MAX, false);
	expect_passed(f, &any, PHYR_IOVA_CACHE_MAX + 1, true);
	expect_passed(f, &any, 512, true);
	expect_passed(f, &any, 1 << 20, true);
}

static void lengths_that_do_not_tile_a_strip_pass_through(void **state)
{
	struct phyr_placement four = aligned(PHYR_FIT_TOP_DOWN, 2, 0);
	struct phyr_placement phased = aligned(PHYR_FIT_TOP_DOWN, 2, 1);
	struct phyr_placement inside = bounded(PHYR_FIT_TOP_DOWN, 3);
	struct fixture *f = open_space(state, 0, ROOM - 1);

	expect_passed(f, &four, 1, true);
	expect_passed(f, &four, 3, true);
	expect_passed(f, &four, 4, false);
	expect_passed(f, &four, 6, true);
	expect_passed(f, &four, 12, false);
	expect_passed(f, &phased, 4, true);
	four.phase_lg2 = PHYR_PAGE_LG2 + 7;
	expect_passed(f, &four, 64, true);
	expect_passed(f, &inside, 1, false);
	expect_passed(f, &inside, 3, true);
	expect_passed(f, &inside, 4, false);
	expect_passed(f, &inside, 6, true);
	expect_passed(f, &inside, 8, false);
}

static void a_limit_is_a_limit_in_a_cache_too(void **state)
{
	struct phyr_placement outside = between(ROOM, UINT64_MAX);
	struct phyr_placement inside = bounded(PHYR_FIT_TOP_DOWN, 3);
	struct fixture *f = open_space(state, 0, ROOM - 1);
	struct phyr_iova_cache *cache = open_cache(f, &outside);
	struct phyr_iova_cache *small = open_cache(f, &inside);

	cache_refuse(cache, PAGE, PHYR_E_LIMIT);
	cache_refuse(cache, P(100), PHYR_E_LIMIT);
	cache_refuse(small, P(9), PHYR_E_LIMIT);
	cache_refuse(small, P(16), PHYR_E_LIMIT);
	cache_take(small, 8);
	assert_int_equal(told_by(cache).strip_cnt, 0);
	assert_int_equal(told_by(small).strip_cnt, 1);
	close_cache(f, cache);
	close_cache(f, small);
}

/* Nothing is lost. */

/* Takes ranges until there is no space. */
static uint64_t exhaust(struct phyr_iova_cache *cache, uint64_t page_cnt)
{
	struct phyr_iova_range range;
	uint64_t cnt = 0;
	int err;

	for (;;) {
		err = phyr_iova_cache_alloc(cache, page_cnt * PAGE, &range);
		if (err)
			break;
		cnt++;
	}
	assert_int_equal(err, PHYR_E_NOSPACE);
	return cnt;
}

static void a_cache_hands_out_the_last_range_that_fits(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 5, 63, 64, 65, 100, 511, 512, 513, 700 };

	for (size_t i = 0; i < CNT(sizes) * 4; i++) {
		uint64_t size = sizes[i / 4];
		struct fixture *f = open_space(state, TOP - P(size - 1), UINT64_MAX);
		struct phyr_placement p = anywhere((enum phyr_fit)(i % 4));
		struct phyr_iova_cache *cache = open_cache(f, &p);

		assert_int_equal(exhaust(cache, 1), size);
		assert_int_equal(told_by(cache).strip_cnt, 0);
		assert_int_equal(stats_of(f).live_len, P(size));
		assert_int_equal(holes_of(f), 0);
		close_cache(f, cache);
		phyr_iova_destroy(f->space);
		f->space = NULL;
	}
}

static void ranges_come_one_by_one_where_no_strip_fits(void **state)
{
	struct fixture *f = open_space(state, P(16), P(216) - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);

	for (uint64_t page = 16; page < 216; page += 4)
		reserve(f, P(page), 1);
	assert_int_equal(exhaust(cache, 3), 50);
	assert_int_equal(holes_of(f), 0);
	close_cache(f, cache);
}

static void strips_of_one_range_go_back_like_others(void **state)
{
	struct fixture *f = open_space(state, 0, P(1024) - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);
	uint64_t ranges[8];

	/* Of every 128 pages 64 are free: one range of 40. */
	for (uint64_t page = 0; page < 1024; page += 128)
		reserve(f, P(page), 64);
	for (size_t i = 0; i < CNT(ranges); i++)
		ranges[i] = cache_take(cache, 40);
	assert_int_equal(told_by(cache).strip_cnt, CNT(ranges));
	/* All but one that has room. */
	for (size_t i = 0; i < CNT(ranges); i++) {
		cache_give(cache, ranges[i], 40);
		assert_int_equal(told_by(cache).strip_cnt, CNT(ranges) - i);
	}
	assert_int_equal(told_by(cache).held_len, P(40));
	close_cache(f, cache);
}

static void a_request_may_have_what_its_own_cache_holds(void **state)
{
	struct fixture *f = open_space(state, P(64), P(128) - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);

	for (uint64_t page_cnt = 1; page_cnt <= 64; page_cnt++) {
		cache_give(cache, cache_take(cache, page_cnt), page_cnt);
		/* Whatever strips were taken, all pages are there for a request of all. */
		assert_int_equal(cache_take(cache, 64), P(64));
		cache_refuse(cache, PAGE, PHYR_E_NOSPACE);
		cache_give(cache, P(64), 64);
	}
	close_cache(f, cache);
}

static void frees_that_were_noted_are_passed_on_before_no_space_is_said(void **state)
{
	struct fixture *f = open_space(state, P(64), P(128) - 1);
	struct phyr_iova_cache *cache = open_cache(f, NULL);

	for (uint64_t page = 64; page < 128; page += 8)
		reserve(f, P(page), 8);
	cache_refuse(cache, PAGE, PHYR_E_NOSPACE);
	cache_give(cache, P(80), 8);
	cache_give(cache, P(72), 8);
	assert_int_equal(cache_take(cache, 16), P(72));
	cache_refuse(cache, PAGE, PHYR_E_NOSPACE);
	assert_int_equal(told_by(cache).foreign_cnt, 2);
	close_cache(f, cache);
}

static void what_others_hold_is_not_free_until_they_are_drained(void **state)
{
	struct fixture *f = open_space(state, P(64), P(128) - 1);
	struct phyr_iova_cache *holder = open_cache(f, NULL);
	struct phyr_iova_cache *other = open_cache(f, NULL);

	cache_give(holder, cache_take(holder, 1), 1);
	assert_true(told_by(holder).held_len > 0);
	refuse(f, P(64), NULL, PHYR_E_NOSPACE);
	cache_refuse(other, P(64), PHYR_E_NOSPACE);
	refuse_reserve(f, P(64), P(64), PHYR_E_EXISTS);
	drain(holder);
	cache_take(other, 64);
	close_cache(f, holder);
	close_cache(f, other);
}

static void caches_with_different_windows_do_not_hinder_each_other(void **state)
{
	struct phyr_placement low = between(0, P(1024) - 1);
	struct phyr_placement high = between(P(1024), P(2048) - 1);
	struct fixture *f = open_space(state, 0, P(2048) - 1);
	struct phyr_iova_cache *lower = open_cache(f, &low);
	struct phyr_iova_cache *upper = open_cache(f, &high);
	uint64_t hits;

	cache_take(upper, 1);
	assert_int_equal(exhaust(lower, 1), 1024);
	hits = told_by(upper).hit_cnt;
	for (unsigned int i = 0; i < 10; i++) {
		cache_refuse(lower, PAGE, PHYR_E_NOSPACE);
		expect_placed(&high, cache_take(upper, 1), 1);
	}
	assert_int_equal(told_by(upper).hit_cnt, hits + 10);
	assert_int_equal(exhaust(upper, 1), 1024 - 11);
	assert_int_equal(holes_of(f), 0);
	close_cache(f, lower);
	close_cache(f, upper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_cache_needs_a_space_and_memory),
		CASE(a_cache_refuses_the_placements_that_a_space_refuses),
		CASE(a_new_cache_is_empty),
		CASE(ranges_of_one_length_lie_in_one_neighbourhood),
		CASE(a_hit_does_not_touch_the_space),
		CASE(lengths_are_rounded_up_to_the_granule),
		CASE(the_placement_holds_for_every_range),
		CASE(what_a_strip_holds_is_told_range_by_range),
		CASE(ranges_longer_than_64_granules_pass_through),
		CASE(lengths_that_do_not_tile_a_strip_pass_through),
		CASE(a_limit_is_a_limit_in_a_cache_too),
		CASE(a_cache_hands_out_the_last_range_that_fits),
		CASE(ranges_come_one_by_one_where_no_strip_fits),
		CASE(strips_of_one_range_go_back_like_others),
		CASE(a_request_may_have_what_its_own_cache_holds),
		CASE(frees_that_were_noted_are_passed_on_before_no_space_is_said),
		CASE(what_others_hold_is_not_free_until_they_are_drained),
		CASE(caches_with_different_windows_do_not_hinder_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
