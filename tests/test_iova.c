/* SPDX-License-Identifier: MIT */
/*
 * The life of an I/O address space: making it, reserving and giving back; every code of the header's
 * comments, and the ends of the 64-bit space.
 *
 * Not here: where ranges go (test_iova_places.c), what a space says of itself (test_iova_tells.c),
 * caches (test_iova_cache.c), random operations (prop_iova.c), failing memory (oom_iova.c).
 */
#include "iova_world.h"

/* Making a space. */

static void refuse_space(const struct phyr_iova_params *params, int err)
{
	struct phyr_iova_space *space = NULL;

	assert_int_equal(phyr_iova_create(params, &space), err);
	assert_null(space);
}

static void a_space_needs_hooks_and_a_granule(void **state)
{
	struct fixture *f = *state;
	struct phyr_mem deaf = { NULL, test_mem_free, f };
	struct phyr_mem leaky = { test_mem_alloc, NULL, f };
	struct phyr_iova_params params = { .window = window(0, 0xffff) };

	refuse_space(NULL, PHYR_E_INVAL);
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &deaf;
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &leaky;
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &f->mem.mem;
	assert_int_equal(phyr_iova_create(&params, NULL), PHYR_E_INVAL);
	params.granule_lg2 = 11;
	refuse_space(&params, PHYR_E_INVAL);
	params.granule_lg2 = 17;
	refuse_space(&params, PHYR_E_INVAL);
	assert_int_equal(f->mem.live_cnt, 0);
}

static void a_window_ends_behind_its_beginning_and_on_granules(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem };

	params.window = window(0x3000, 0x1fff);
	refuse_space(&params, PHYR_E_RANGE);
	params.window = window(0x1800, 0xffff);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x1000, 0x10000);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x1000, 0xfffe);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0, UINT64_MAX - 1);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x1000, 0x1ffff);
	params.granule_lg2 = 16;
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x10000, 0x1ffff);
	f->mem.fail_at = f->mem.alloc_cnt;
	refuse_space(&params, PHYR_E_NOMEM);
}

static void nothing_is_destroyed_without_a_space(void **state)
{
	(void)state;
	phyr_iova_destroy(NULL);
}

static void a_space_of_one_page_is_a_space(void **state)
{
	static const uint64_t pages[] = { 0, 0x1000, 0x7fffffff000, TOP };
	struct fixture *f;

	for (size_t i = 0; i < CNT(pages); i++) {
		f = open_space(state, pages[i], pages[i] + (PAGE - 1));
		assert_int_equal(take(f, 1, NULL), pages[i]);
		refuse(f, 1, NULL, PHYR_E_NOSPACE);
		refuse(f, PAGE + 1, NULL, PHYR_E_LIMIT);
		give_back(f, pages[i], 1);
		assert_int_equal(holes_of(f), 1);
		phyr_iova_destroy(f->space);
		f->space = NULL;
	}
}

static void lengths_are_rounded_up_to_the_granule(void **state)
{
	struct fixture *f = *state;

	for (unsigned int lg2 = 12; lg2 <= 16; lg2++) {
		uint64_t granule = phyr_bits_size(lg2);
		struct phyr_iova_params params = { .mem = &f->mem.mem,
						   .window = window(0, 0xfffff),
						   .granule_lg2 = lg2 };
		struct phyr_iova_range range;

		assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
		assert_int_equal(phyr_iova_alloc(f->space, 1, NULL, &range), PHYR_OK);
		assert_int_equal(range.iova.addr, 0x100000 - granule);
		assert_int_equal(range.len, granule);
		assert_int_equal(phyr_iova_alloc(f->space, granule - 1, NULL, &range), PHYR_OK);
		assert_int_equal(range.iova.addr, 0x100000 - 2 * granule);
		assert_int_equal(phyr_iova_alloc(f->space, granule + 1, NULL, &range), PHYR_OK);
		assert_int_equal(range.iova.addr, 0x100000 - 4 * granule);
		assert_int_equal(range.len, 2 * granule);
		phyr_iova_destroy(f->space);
		f->space = NULL;
	}
}

/* Ranges that are taken from the start. */

static void refuse_reserved(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_iova_range reserved[] = { pages_at(P(20), 2), { { iova }, len } };
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(P(16), P(32) - 1),
					   .reserved = reserved,
					   .reserved_cnt = 2 };

	refuse_space(&params, err);
	assert_int_equal(f->mem.live_cnt, 0);
}

static void what_cannot_be_reserved_from_the_start_makes_no_space(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(P(16), P(32) - 1),
					   .reserved_cnt = 1 };

	refuse_space(&params, PHYR_E_INVAL);
	refuse_reserved(f, P(24), 0, PHYR_E_INVAL);
	refuse_reserved(f, P(15), PAGE, PHYR_E_RANGE);
	refuse_reserved(f, P(15), P(2), PHYR_E_RANGE);
	refuse_reserved(f, P(31), P(2), PHYR_E_RANGE);
	refuse_reserved(f, P(32), PAGE, PHYR_E_RANGE);
	refuse_reserved(f, P(16), 0 - P(16), PHYR_E_RANGE);
	refuse_reserved(f, P(16), 0 - P(15), PHYR_E_RANGE); /* wraps */
	refuse_reserved(f, P(24) + 1, PAGE, PHYR_E_ALIGN);
	refuse_reserved(f, P(24), PAGE - 1, PHYR_E_ALIGN);
	refuse_reserved(f, P(20), P(2), PHYR_E_EXISTS);
	refuse_reserved(f, P(21), P(2), PHYR_E_EXISTS);
	refuse_reserved(f, P(19), P(2), PHYR_E_EXISTS);
	refuse_reserved(f, P(16), P(16), PHYR_E_EXISTS);
}

static void ranges_reserved_from_the_start_are_live(void **state)
{
	/* Neither in order nor apart. */
	static const struct phyr_iova_range reserved[] = {
		{ { P(30) }, P(2) }, { { P(16) }, P(1) }, { { P(22) }, P(3) }, { { P(20) }, P(2) }
	};
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(P(16), P(32) - 1),
					   .reserved = reserved,
					   .reserved_cnt = CNT(reserved) };

	f->window = params.window;
	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	assert_int_equal(stats_of(f).live_cnt, 4);
	assert_int_equal(stats_of(f).live_len, P(8));
	assert_int_equal(stats_of(f).alloc_cnt, 4);
	assert_int_equal(holes_of(f), 2);
	refuse_free(f, P(20), P(5), PHYR_E_PARTIAL);
	refuse_reserve(f, P(31), PAGE, PHYR_E_EXISTS);
	assert_int_equal(take(f, 5, NULL), P(25));
	give_back(f, P(22), 3);
	assert_int_equal(take(f, 2, NULL), P(23));
}

static void what_is_reserved_is_not_looked_at_when_there_is_none(void **state)
{
	static const struct phyr_iova_range wrong = { { 1 }, 0 };
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(0, PAGE - 1),
					   .reserved = &wrong };

	f->window = params.window;
	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	assert_int_equal(stats_of(f).live_cnt, 0);
}

/* The whole 64-bit space. */

static void the_highest_and_the_lowest_page_are_usable(void **state)
{
	struct phyr_placement up = anywhere(PHYR_FIT_BOTTOM_UP);
	struct fixture *f = open_space(state, 0, UINT64_MAX);

	assert_int_equal(stats_of(f).largest_len, UINT64_MAX);
	assert_int_equal(holes_of(f), 1);
	assert_int_equal(take(f, 1, NULL), TOP);
	assert_int_equal(take(f, 1, &up), 0);
	assert_int_equal(stats_of(f).largest_len, TOP - PAGE);
	expect_sound(f);
	refuse_reserve(f, TOP, PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, TOP, 2 * PAGE, PHYR_E_RANGE);
	refuse_free(f, TOP, 2 * PAGE, PHYR_E_PARTIAL);
	give_back(f, TOP, 1);
	give_back(f, 0, 1);
	reserve(f, TOP, 1);
	give_back(f, TOP, 1);
	assert_int_equal(stats_of(f).largest_len, UINT64_MAX);
	assert_int_equal(holes_of(f), 1);
}

static void all_but_one_page_can_be_taken_at_once(void **state)
{
	struct phyr_iova_range range;
	struct fixture *f = open_space(state, 0, UINT64_MAX);

	assert_int_equal(phyr_iova_alloc(f->space, TOP, NULL, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, PAGE);
	assert_int_equal(range.len, TOP);
	assert_int_equal(stats_of(f).live_len, TOP);
	assert_int_equal(holes_of(f), 1);
	refuse(f, 2 * PAGE, NULL, PHYR_E_NOSPACE);
	assert_int_equal(phyr_iova_free(f->space, range), PHYR_OK);
	refuse(f, TOP + 1, NULL, PHYR_E_LIMIT);
	refuse(f, UINT64_MAX, NULL, PHYR_E_LIMIT);
	assert_int_equal(stats_of(f).live_cnt, 0);
}

static void half_the_space_can_be_aligned_to_itself(void **state)
{
	struct phyr_placement half = aligned(PHYR_FIT_TOP_DOWN, 51, 0);
	uint64_t len = UINT64_C(1) << 63;
	struct fixture *f = open_space(state, 0, UINT64_MAX);

	assert_int_equal(take(f, len / PAGE, &half), len);
	refuse(f, len + 1, &half, PHYR_E_NOSPACE);
	assert_int_equal(take(f, len / PAGE, &half), 0);
	assert_int_equal(holes_of(f), 0);
	assert_false(
		phyr_iova_next_hole(f->space, phyr_iova_at(0), &(struct phyr_iova_range){ 0 }));
	refuse(f, 1, NULL, PHYR_E_NOSPACE);
	half.phase = PAGE;
	give_back(f, 0, len / PAGE);
	assert_int_equal(take(f, 1, &half), PAGE);
	refuse(f, PAGE, &half, PHYR_E_NOSPACE);
}

static void a_length_that_rounds_up_to_2_64_is_a_limit(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem,
					   .window = window(0, UINT64_MAX),
					   .granule_lg2 = 16 };

	f->window = params.window;
	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	refuse(f, TOP - 0xf000 + 1, NULL, PHYR_E_LIMIT);
	refuse(f, UINT64_MAX, NULL, PHYR_E_LIMIT);
	assert_int_equal(take(f, (TOP - 0xf000) / PAGE, NULL), 0x10000);
}

/* Requests that are wrong in themselves. */

static void a_request_must_make_sense(void **state)
{
	static const struct {
		uint64_t phase;
		uint8_t phase_lg2;
		uint8_t boundary_lg2;
		int err;
	} wrong[] = {
		{ 0x2000, 13, 0, PHYR_E_INVAL },     { 0x1000, 0, 0, PHYR_E_INVAL },
		{ 0, 64, 0, PHYR_E_INVAL },	     { 0, 0, 64, PHYR_E_INVAL },
		{ 0, 255, 0, PHYR_E_INVAL },	     { 0, 0, 255, PHYR_E_INVAL },
		{ UINT64_MAX, 63, 0, PHYR_E_INVAL }, { 1, 0, 0, PHYR_E_INVAL },
		{ 0x1800, 13, 0, PHYR_E_ALIGN },     { 1, 1, 0, PHYR_E_ALIGN },
	};
	struct phyr_placement odd = phyr_placement_any();
	struct phyr_iova_range range;
	struct fixture *f = open_space(state, 0, 0xfffff);

	refuse(f, 0, NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_iova_alloc(f->space, PAGE, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_iova_alloc(NULL, PAGE, NULL, &range), PHYR_E_INVAL);
	odd.fit = (enum phyr_fit)(PHYR_FIT_FIRST_UP + 1);
	refuse(f, PAGE, &odd, PHYR_E_INVAL);
	odd.fit = PHYR_FIT_PACKED;
	for (size_t i = 0; i < CNT(wrong); i++) {
		odd.phase = wrong[i].phase;
		odd.phase_lg2 = wrong[i].phase_lg2;
		odd.boundary_lg2 = wrong[i].boundary_lg2;
		refuse(f, PAGE, &odd, wrong[i].err);
	}
}

/* Reserving. */

static void a_reserved_range_is_taken_and_can_be_given_back(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	reserve(f, 0xf000, 1);
	reserve(f, 0x1000, 1);
	reserve(f, 0x8000, 2);
	assert_int_equal(holes_of(f), 2);
	assert_int_equal(stats_of(f).live_cnt, 3);
	assert_int_equal(take(f, 6, NULL), 0x2000);
	refuse_reserve(f, 0x9000, PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, 0x9000, 2 * PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, 0xa000, 6 * PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, 0x1000, 15 * PAGE, PHYR_E_EXISTS);
	give_back(f, 0x8000, 2);
	assert_int_equal(take(f, 7, NULL), 0x8000);
}

static void what_cannot_be_reserved_changes_nothing(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	assert_int_equal(phyr_iova_reserve(NULL, pages_at(0x1000, 1)), PHYR_E_INVAL);
	refuse_reserve(f, 0x1000, 0, PHYR_E_INVAL);
	refuse_reserve(f, 0, PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0, 2 * PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0xf000, 2 * PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0x10000, PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0x2000, TOP, PHYR_E_RANGE);
	refuse_reserve(f, TOP, 2 * PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0x2800, PAGE, PHYR_E_ALIGN);
	refuse_reserve(f, 0x2000, PAGE + 0x800, PHYR_E_ALIGN);
	refuse_reserve(f, 0x2000, 1, PHYR_E_ALIGN);
}

static void a_vast_range_is_reserved_and_given_back_whole(void **state)
{
	struct fixture *f = open_space(state, 0, UINT64_MAX);
	uint64_t cnt = TOP / PAGE - 1;

	reserve(f, PAGE, cnt);
	assert_int_equal(stats_of(f).live_len, P(cnt));
	assert_int_equal(holes_of(f), 2);
	assert_int_equal(stats_of(f).largest_len, PAGE);
	refuse_free(f, PAGE, P(cnt) - PAGE, PHYR_E_PARTIAL);
	refuse_free(f, 2 * PAGE, P(cnt) - PAGE, PHYR_E_NOENT);
	refuse(f, 2 * PAGE, NULL, PHYR_E_NOSPACE);
	give_back(f, PAGE, cnt);
	assert_int_equal(stats_of(f).largest_len, UINT64_MAX);
}

/* Giving back. */

static void only_whole_live_ranges_are_given_back(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	reserve(f, 0x4000, 4);
	reserve(f, 0x8000, 2);
	assert_int_equal(phyr_iova_free(NULL, pages_at(0x4000, 4)), PHYR_E_INVAL);
	refuse_free(f, 0x4000, 2 * PAGE, PHYR_E_PARTIAL);
	refuse_free(f, 0x4000, 4 * PAGE - 1, PHYR_E_PARTIAL);
	refuse_free(f, 0x4000, 4 * PAGE + 1, PHYR_E_PARTIAL);
	refuse_free(f, 0x4000, 6 * PAGE, PHYR_E_PARTIAL); /* and its neighbour */
	refuse_free(f, 0x4000, 0, PHYR_E_PARTIAL);
	refuse_free(f, 0x4000, UINT64_MAX, PHYR_E_PARTIAL);
	refuse_free(f, 0x5000, 3 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x7000, PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x3000, 5 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x4001, 4 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x4800, 4 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0xa000, PAGE, PHYR_E_NOENT);
	give_back(f, 0x4000, 4);
	refuse_free(f, 0x4000, 4 * PAGE, PHYR_E_NOENT);
	give_back(f, 0x8000, 2);
	assert_int_equal(holes_of(f), 1);
}

/* 512 pages are one unit of a node, if one range takes them. */
static void whole_units_are_given_back_as_whole_ranges(void **state)
{
	struct fixture *f = open_space(state, 0, P(1 << 20) - 1);

	reserve(f, P(512), 512);
	reserve(f, P(1024 + 256), 256 + 512); /* half a unit, and one */
	reserve(f, P(2048), 1024);
	refuse_free(f, P(1024), P(1024), PHYR_E_NOENT); /* begins with what is free */
	refuse_free(f, P(512), P(1024), PHYR_E_PARTIAL);
	refuse_free(f, P(1536), P(512), PHYR_E_NOENT);
	refuse_free(f, P(2048), P(512), PHYR_E_PARTIAL);
	refuse_free(f, P(2560), P(512), PHYR_E_NOENT);
	refuse_free(f, P(2048), P(2048), PHYR_E_PARTIAL);
	refuse_free(f, P(3072), P(512), PHYR_E_NOENT);
	/* A kid in the middle, and the same range again after its leaf has come and gone. */
	reserve(f, P(4096 + 512), 512);
	give_back(f, P(4096 + 512), 512);
	reserve(f, P(4096 + 512 + 7), 1);
	refuse_free(f, P(4096 + 512), P(512), PHYR_E_NOENT);
	give_back(f, P(4096 + 512 + 7), 1);
	reserve(f, P(4096 + 512), 512);
	give_back(f, P(4096 + 512), 512);
	give_back(f, P(2048), 1024);
	give_back(f, P(1024 + 256), 256 + 512);
	give_back(f, P(512), 512);
	assert_int_equal(holes_of(f), 1);
}

static void nothing_outside_the_window_is_live(void **state)
{
	static const uint64_t outside[] = { 0,	     0x1000,	 P(16) - PAGE,	    P(32),
					    P(1024), P(1 << 20), UINT64_C(1) << 63, TOP };
	struct fixture *f = open_space(state, P(16), P(32) - 1);

	reserve(f, P(16), 16);
	for (size_t i = 0; i < CNT(outside); i++) {
		refuse_free(f, outside[i], PAGE, PHYR_E_NOENT);
		refuse_free(f, outside[i], 0, PHYR_E_NOENT);
		refuse_free(f, outside[i], UINT64_MAX, PHYR_E_NOENT);
	}
}

static void neighbours_stay_two_ranges(void **state)
{
	struct fixture *f = open_space(state, 0, P(2048) - 1);

	/* Up to, from, and across the edges of a node of the lowest level. */
	reserve(f, P(500), 12);
	reserve(f, P(512), 512);
	reserve(f, P(1024), 3);
	refuse_free(f, P(500), P(524), PHYR_E_PARTIAL);
	refuse_free(f, P(512), P(515), PHYR_E_PARTIAL);
	assert_int_equal(holes_of(f), 2);
	give_back(f, P(512), 512);
	refuse_free(f, P(512), P(512), PHYR_E_NOENT);
	reserve(f, P(512), 256);
	reserve(f, P(768), 256);
	refuse_free(f, P(512), P(512), PHYR_E_PARTIAL);
	give_back(f, P(500), 12);
	give_back(f, P(768), 256);
	give_back(f, P(1024), 3);
	give_back(f, P(512), 256);
	assert_int_equal(stats_of(f).largest_len, P(2048));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_space_needs_hooks_and_a_granule),
		CASE(a_window_ends_behind_its_beginning_and_on_granules),
		CASE(nothing_is_destroyed_without_a_space),
		CASE(a_space_of_one_page_is_a_space),
		CASE(lengths_are_rounded_up_to_the_granule),
		CASE(what_cannot_be_reserved_from_the_start_makes_no_space),
		CASE(ranges_reserved_from_the_start_are_live),
		CASE(what_is_reserved_is_not_looked_at_when_there_is_none),
		CASE(the_highest_and_the_lowest_page_are_usable),
		CASE(all_but_one_page_can_be_taken_at_once),
		CASE(half_the_space_can_be_aligned_to_itself),
		CASE(a_length_that_rounds_up_to_2_64_is_a_limit),
		CASE(a_request_must_make_sense),
		CASE(a_reserved_range_is_taken_and_can_be_given_back),
		CASE(what_cannot_be_reserved_changes_nothing),
		CASE(a_vast_range_is_reserved_and_given_back_whole),
		CASE(only_whole_live_ranges_are_given_back),
		CASE(whole_units_are_given_back_as_whole_ranges),
		CASE(nothing_outside_the_window_is_live),
		CASE(neighbours_stay_two_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
