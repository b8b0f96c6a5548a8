/* SPDX-License-Identifier: MIT */
/*
 * Where an I/O address space puts ranges: which of several places, which holes are tried one by
 * one, and what is refused for now and what for ever.
 *
 * Not here: wrong arguments, reserving, giving back, iteration (test_iova.c); random requests
 * (prop_iova.c).
 */
#include "iova_world.h"

/* Pages 16 … 31: small enough for each page to be named. */
static struct fixture *open_sixteen(void **state)
{
	return open_space(state, P(16), P(32) - 1);
}

static void reserve_pages(struct fixture *f, const unsigned int *pages, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		reserve(f, P(pages[i]), 1);
}

/* Takes, says which page, and gives back; so many holes were tried. */
static uint64_t try_page(struct fixture *f, uint64_t page_cnt, const struct phyr_placement *p,
			 uint64_t tried)
{
	uint64_t before = stats_of(f).search_cnt;
	uint64_t iova = take(f, page_cnt, p);

	assert_int_equal(stats_of(f).search_cnt - before, tried);
	give_back(f, iova, page_cnt);
	return iova / PAGE;
}

static void refuse_after(struct fixture *f, uint64_t page_cnt, const struct phyr_placement *p,
			 uint64_t tried)
{
	uint64_t before = stats_of(f).search_cnt;

	refuse(f, page_cnt * PAGE, p, PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).search_cnt - before, tried);
}

/* Nothing is aligned: the highest or the lowest fit of all. */

static void top_down_takes_the_highest_place_and_uses_holes(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	assert_int_equal(take(f, 1, NULL), 0xfffff000);
	assert_int_equal(take(f, 1, NULL), 0xffffe000);
	assert_int_equal(take(f, 3, NULL), 0xffffb000);
	assert_int_equal(take(f, 33, NULL), 0xfffda000);
	give_back(f, 0xffffe000, 1);
	assert_int_equal(take(f, 1, NULL), 0xffffe000);
	give_back(f, 0xffffb000, 3);
	assert_int_equal(take(f, 2, NULL), 0xffffc000);
	assert_int_equal(take(f, 1, NULL), 0xffffb000);
	assert_int_equal(stats_of(f).search_cnt, 0);
}

static void bottom_up_takes_the_lowest_place(void **state)
{
	struct phyr_placement up = anywhere(PHYR_FIT_BOTTOM_UP);
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	assert_int_equal(take(f, 2, &up), 0x1000);
	assert_int_equal(take(f, 1, &up), 0x3000);
	give_back(f, 0x1000, 2);
	assert_int_equal(take(f, 3, &up), 0x4000);
	assert_int_equal(take(f, 1, &up), 0x1000);
	assert_int_equal(stats_of(f).search_cnt, 0);
}

static void three_pages_take_three_and_the_fourth_stays_usable(void **state)
{
	struct fixture *f = open_space(state, 0x10000, 0x13fff);

	assert_int_equal(take(f, 3, NULL), 0x11000);
	assert_int_equal(stats_of(f).live_len, 3 * PAGE);
	assert_int_equal(take(f, 1, NULL), 0x10000);
	assert_int_equal(holes_of(f), 0);
	assert_int_equal(stats_of(f).largest_len, 0);
	refuse(f, 1, NULL, PHYR_E_NOSPACE);
}

static void every_length_takes_its_pages_and_no_more(void **state)
{
	/* Around powers of two, the reach of a node of the lowest level, and two of them. */
	static const uint64_t cnts[] = { 1,    2,    3,	   4,	 5,    7,    8,	  9,   15,
					 16,   17,   63,   64,	 65,   127,  128, 129, 511,
					 512,  513,  767,  1023, 600,  700,  800, 900, 500,
					 1024, 1025, 1535, 1537, 4097, 32769 };
	uint64_t next = UINT64_C(1) << 40;
	struct fixture *f = open_space(state, 0, next - 1);

	for (size_t i = 0; i < CNT(cnts); i++) {
		next -= P(cnts[i]);
		assert_int_equal(take(f, cnts[i], NULL), next);
	}
	assert_int_equal(holes_of(f), 1);
	assert_int_equal(stats_of(f).largest_len, next);
	assert_int_equal(stats_of(f).live_cnt, CNT(cnts));
}

/* Something is aligned: blocks, then long holes, then one hole after another. */

static void aligned_ranges_go_to_the_highest_or_lowest_block(void **state)
{
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 6, 0);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 6, 0);
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	assert_int_equal(take(f, 8, NULL), 0xffff8000);
	/* 33 pages would fit at 0xfffc0000, but the 64 from there are not free as a block. */
	assert_int_equal(take(f, 33, &down), 0xfff80000);
	assert_int_equal(take(f, 64, &down), 0xfff40000);
	assert_int_equal(take(f, 33, &up), 0x40000);
	assert_int_equal(take(f, 31, NULL), 0xfffd9000);
	assert_int_equal(stats_of(f).search_cnt, 0);
}

static void a_phase_counts_towards_the_length_of_a_block(void **state)
{
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 2, 1);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 2, 1);
	struct fixture *f = open_sixteen(state);

	/* 1 + 3 fills a block of 4, 1 + 4 needs one of 8, which has a fit at 1 and none at 5. */
	assert_int_equal(try_page(f, 3, &down, 0), 29);
	assert_int_equal(try_page(f, 4, &down, 0), 25);
	assert_int_equal(try_page(f, 3, &up, 0), 17);
	assert_int_equal(try_page(f, 4, &up, 0), 17);
	reserve(f, P(31), 1);
	assert_int_equal(try_page(f, 3, &down, 0), 25);
	assert_int_equal(try_page(f, 4, &down, 0), 17);
	reserve(f, P(16), 1);
	assert_int_equal(try_page(f, 3, &up, 0), 21);
}

static void of_the_fits_in_a_block_the_outermost_is_taken(void **state)
{
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 1, 0);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 1, 0);
	struct fixture *f = open_sixteen(state);

	/* 5 pages take a block of 8 and fit it at 0 and at 2. */
	assert_int_equal(try_page(f, 5, &down, 0), 26);
	assert_int_equal(try_page(f, 5, &up, 0), 16);
	up.phase = down.phase = PAGE;
	assert_int_equal(try_page(f, 5, &down, 0), 27);
	assert_int_equal(try_page(f, 5, &up, 0), 17);
}

static void without_a_block_the_outermost_long_hole_is_taken(void **state)
{
	static const unsigned int taken[] = { 16, 23, 24, 31 };
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 2, 0);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 2, 0);
	struct fixture *f = open_sixteen(state);

	/* The holes 17 … 22 and 25 … 30 have 3 + 4 − 1 pages and no aligned four. */
	reserve_pages(f, taken, CNT(taken));
	assert_int_equal(try_page(f, 3, &down, 0), 28);
	assert_int_equal(try_page(f, 3, &up, 0), 20);
	assert_int_equal(try_page(f, 2, &up, 0), 20);
	up.phase = down.phase = P(3);
	assert_int_equal(try_page(f, 3, &down, 0), 27);
	assert_int_equal(try_page(f, 3, &up, 0), 19);
}

/* A range as long as its modulus is a block or nowhere: there is nothing to try. */
static void without_a_block_none_is_looked_for(void **state)
{
	static const unsigned int taken[] = { 16, 23, 24, 31 };
	struct phyr_placement p = aligned(PHYR_FIT_TOP_DOWN, 2, 0);
	struct fixture *f = open_sixteen(state);

	reserve_pages(f, taken, CNT(taken));
	for (p.fit = PHYR_FIT_TOP_DOWN; p.fit < PHYR_FIT_FIRST_UP; p.fit++)
		refuse_after(f, 4, &p, 0);
	refuse_after(f, 4, &p, 2);
	p.fit = PHYR_FIT_TOP_DOWN;
	p.phase = P(1);
	assert_int_equal(try_page(f, 4, &p, 1), 25);
	p.boundary_lg2 = 14;
	refuse(f, P(4), &p, PHYR_E_LIMIT);
	p.phase = 0;
	refuse_after(f, 4, &p, 0);
}

static void a_block_goes_before_a_hole_that_lies_farther_out(void **state)
{
	static const unsigned int taken[] = { 31, 24, 23, 16 };
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 2, 0);
	struct fixture *f = open_sixteen(state);

	reserve_pages(f, taken, 2); /* a long hole of 25 … 30, and the block of 20 … 23 */
	assert_int_equal(try_page(f, 3, &down, 0), 20);
	assert_int_equal(try_page(f, 4, &down, 0), 20);
	assert_int_equal(try_page(f, 2, &down, 0), 20);
	down.fit = PHYR_FIT_BOTTOM_UP;
	assert_int_equal(try_page(f, 3, &down, 0), 16);
}

static void short_holes_are_tried_one_by_one(void **state)
{
	static const unsigned int taken[] = { 16, 20, 26, 31 };
	struct phyr_placement down = aligned(PHYR_FIT_TOP_DOWN, 2, 0);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 2, 0);
	struct fixture *f = open_sixteen(state);

	/* The holes 17 … 19, 21 … 25 and 27 … 30; three pages fit at 28 alone. */
	reserve_pages(f, taken, CNT(taken));
	assert_int_equal(try_page(f, 3, &down, 1), 28);
	assert_int_equal(try_page(f, 3, &up, 3), 28);
	up.fit = PHYR_FIT_FIRST_UP;
	assert_int_equal(try_page(f, 3, &up, 3), 28);
	reserve(f, P(30), 1);
	refuse_after(f, 3, &down, 3);
	refuse_after(f, 4, &up, 1);
	assert_int_equal(try_page(f, 2, &down, 0), 24); /* 21 … 25 is a long hole for two pages */
}

static void a_range_outside_the_window_is_no_hole_to_try(void **state)
{
	static const unsigned int taken[] = { 16, 20, 26, 31 };
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 2, 0);
	struct fixture *f = open_sixteen(state);

	reserve_pages(f, taken, CNT(taken));
	up.window = window(P(18), UINT64_MAX); /* leaves two pages of the first hole */
	assert_int_equal(try_page(f, 3, &up, 2), 28);
	up.window = window(P(18), P(30) - 1); /* and two of 28 … 30 */
	refuse_after(f, 3, &up, 2);
	up.window.first = phyr_iova_at(P(26));
	assert_int_equal(try_page(f, 2, &up, 1), 28);
}

static void first_up_takes_the_lowest_fit_whatever_the_blocks(void **state)
{
	struct phyr_placement first = aligned(PHYR_FIT_FIRST_UP, 2, 1);
	struct phyr_placement up = aligned(PHYR_FIT_BOTTOM_UP, 2, 1);
	struct fixture *f = open_sixteen(state);

	reserve(f, P(16), 1);
	assert_int_equal(try_page(f, 3, &up, 0), 21);
	assert_int_equal(try_page(f, 3, &first, 1), 17);
	reserve(f, P(18), 1);
	assert_int_equal(try_page(f, 1, &first, 1), 17);
	assert_int_equal(try_page(f, 3, &first, 1), 21);
	first.phase_lg2 = 0;
	first.phase = 0;
	assert_int_equal(try_page(f, 2, &first, 1), 19);
	assert_int_equal(try_page(f, 1, &first, 1), 17);
}

static void packed_leaves_large_holes_alone(void **state)
{
	struct phyr_placement packed = anywhere(PHYR_FIT_PACKED);
	struct fixture *f = open_space(state, 0, P(3 * 512) - 1);

	/* The middle 512 pages have a hole of 4 pages and one of 3; the others are free. */
	reserve(f, P(512), 100);
	reserve(f, P(616), 100);
	reserve(f, P(719), 305);
	assert_int_equal(take(f, 4, &packed), P(612));
	assert_int_equal(take(f, 3, &packed), P(716));
	assert_int_equal(holes_of(f), 2);
	assert_int_equal(stats_of(f).largest_len, P(512));
	packed.phase_lg2 = PHYR_PAGE_LG2 + 2;
	give_back(f, P(612), 4);
	assert_int_equal(take(f, 2, &packed), P(612));
}

static void packed_aligns_powers_of_two_to_themselves(void **state)
{
	struct phyr_placement packed = anywhere(PHYR_FIT_PACKED);
	struct fixture *f = open_space(state, P(3), P(2003) - 1);

	for (uint64_t cnt = 1; cnt <= 256; cnt *= 2)
		assert_int_equal(take(f, cnt, &packed) % P(cnt), 0);
}

static void packed_uses_any_hole_before_it_says_no(void **state)
{
	static const unsigned int taken[] = { 16, 21, 26, 31 };
	struct phyr_placement packed = anywhere(PHYR_FIT_PACKED);
	struct fixture *f = open_sixteen(state);

	reserve_pages(f, taken, CNT(taken)); /* 17 … 20, 22 … 25, 27 … 30: no aligned four */
	for (unsigned int i = 0; i < 3; i++)
		take(f, 4, &packed);
	refuse(f, PAGE, &packed, PHYR_E_NOSPACE);
	assert_int_equal(holes_of(f), 0);
}

/* A boundary. */

static void a_boundary_is_never_crossed(void **state)
{
	struct phyr_placement inside = bounded(PHYR_FIT_TOP_DOWN, 4);
	struct fixture *f = open_space(state, 0, 0x3ffff);

	reserve(f, 0x3e000, 2);
	assert_int_equal(take(f, 15, &inside), 0x21000);
	assert_int_equal(take(f, 16, &inside), 0x10000);
	assert_int_equal(take(f, 14, &inside), 0x2000); /* the last block; 0x30000 is none */
	assert_int_equal(take(f, 14, &inside), 0x30000);
	refuse(f, P(16), &inside, PHYR_E_NOSPACE);
	refuse(f, P(17), &inside, PHYR_E_LIMIT);
}

static void a_hole_across_a_boundary_is_two(void **state)
{
	static const unsigned int taken[] = { 16, 17, 22, 23, 24, 25, 29, 30, 31 };
	struct phyr_placement down = bounded(PHYR_FIT_TOP_DOWN, 2);
	struct phyr_placement up = bounded(PHYR_FIT_BOTTOM_UP, 2);
	struct fixture *f = open_sixteen(state);

	/* 18 … 21 lies two and two around page 20, 26 … 28 two and one around page 28. */
	reserve_pages(f, taken, CNT(taken));
	refuse_after(f, 3, &down, 2);
	refuse_after(f, 3, &up, 2);
	assert_int_equal(try_page(f, 2, &down, 0), 26);
	assert_int_equal(try_page(f, 2, &up, 0), 18);
	assert_int_equal(try_page(f, 4, NULL, 0), 18);
	give_back(f, P(29), 1); /* 26 … 29 */
	give_back(f, P(17), 1); /* 17 … 21 */
	assert_int_equal(try_page(f, 3, &down, 2), 17);
	assert_int_equal(try_page(f, 3, &up, 1), 17);
}

static void a_boundary_and_a_phase_hold_together(void **state)
{
	struct phyr_placement both = aligned(PHYR_FIT_TOP_DOWN, 3, 4);
	struct fixture *f = open_sixteen(state);

	both.boundary_lg2 = PHYR_PAGE_LG2 + 2;
	assert_int_equal(try_page(f, 4, &both, 0), 28);
	refuse(f, P(5), &both, PHYR_E_LIMIT);
	reserve(f, P(31), 1);
	assert_int_equal(try_page(f, 4, &both, 0), 20);
	both.phase = P(6); /* two pages up to the boundary */
	refuse(f, P(3), &both, PHYR_E_LIMIT);
	assert_int_equal(try_page(f, 2, &both, 0), 22);
	reserve(f, P(16), 1);
	assert_int_equal(try_page(f, 1, &both, 1), 30);
}

static void a_boundary_of_a_page_lets_single_pages_through(void **state)
{
	struct phyr_placement inside = bounded(PHYR_FIT_TOP_DOWN, 0);
	struct fixture *f = open_sixteen(state);

	assert_int_equal(take(f, 1, &inside), P(31));
	refuse(f, P(2), &inside, PHYR_E_LIMIT);
	inside.boundary_lg2--;
	refuse(f, PAGE, &inside, PHYR_E_LIMIT);
	inside.boundary_lg2 = 1;
	refuse(f, 1, &inside, PHYR_E_LIMIT);
	inside.boundary_lg2 = 63;
	assert_int_equal(take(f, 8, &inside), P(16));
}

/* Windows: what cannot be met now, and what never. */

static void no_space_now_is_not_a_limit_for_ever(void **state)
{
	struct fixture *f = open_space(state, 0xffff0000, 0xffffffff);

	assert_int_equal(take(f, 8, NULL), 0xffff8000);
	assert_int_equal(take(f, 4, NULL), 0xffff4000);
	refuse(f, 8 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 16 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 16 * PAGE + 1, NULL, PHYR_E_LIMIT);
	refuse(f, 17 * PAGE, NULL, PHYR_E_LIMIT);
	assert_int_equal(take(f, 4, NULL), 0xffff0000);
	refuse(f, PAGE, NULL, PHYR_E_NOSPACE);
}

static void a_limit_is_the_highest_byte_used(void **state)
{
	struct phyr_placement low = between(0, 0x7fffffff);
	struct phyr_placement zero = { 0 };
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	assert_int_equal(take(f, 1, NULL), 0xfffff000);
	assert_int_equal(take(f, 2, &low), 0x7fffe000);
	low.window = window(0x7fffd000, 0x7fffffff);
	assert_int_equal(take(f, 1, &low), 0x7fffd000);
	refuse(f, PAGE, &low, PHYR_E_NOSPACE);
	refuse(f, 4 * PAGE, &low, PHYR_E_LIMIT);
	low.window = window(UINT64_C(1) << 32, UINT64_MAX);
	refuse(f, PAGE, &low, PHYR_E_LIMIT);
	low.window = window(0x8000, 0x7fff);
	refuse(f, PAGE, &low, PHYR_E_LIMIT);
	low.window = window(UINT64_MAX, 0);
	refuse(f, PAGE, &low, PHYR_E_LIMIT);
	refuse(f, PAGE, &zero, PHYR_E_LIMIT);
}

static void a_window_is_cut_to_whole_granules(void **state)
{
	struct phyr_placement odd = between(0x9001, 0xbffe);
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	refuse(f, 2 * PAGE, &odd, PHYR_E_LIMIT);
	assert_int_equal(take(f, 1, &odd), 0xa000);
	odd.window = window(0x9000, 0x9ffe);
	refuse(f, 1, &odd, PHYR_E_LIMIT);
	odd.window = window(0x9000, 0x9fff);
	assert_int_equal(take(f, 1, &odd), 0x9000);
	odd.window = window(0x8fff, 0x9fff);
	refuse(f, 1, &odd, PHYR_E_NOSPACE);
	odd.window = window(0x9001, 0x9fff);
	refuse(f, 1, &odd, PHYR_E_LIMIT);
}

static void a_phase_that_the_window_does_not_hold_is_a_limit(void **state)
{
	struct phyr_placement huge = aligned(PHYR_FIT_TOP_DOWN, 9, 511);
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	huge.window = window(0x200000, 0x3fefff);
	refuse(f, PAGE, &huge, PHYR_E_LIMIT);
	huge.window.last.addr = 0x3fffff;
	assert_int_equal(take(f, 1, &huge), 0x3ff000);
	refuse(f, PAGE, &huge, PHYR_E_NOSPACE);
	refuse(f, 2 * PAGE, &huge, PHYR_E_LIMIT);
	huge = phyr_placement_any();
	huge.phase_lg2 = 63;
	refuse(f, PAGE, &huge, PHYR_E_LIMIT); /* 0 is not in the space */
	huge.phase = 0x1000;
	assert_int_equal(take(f, 1, &huge), 0x1000);
	refuse(f, PAGE, &huge, PHYR_E_NOSPACE);
}

static void a_low_window_is_found_beside_a_vast_hole(void **state)
{
	struct phyr_placement low = between(0, 0xffffffff);
	struct fixture *f = open_space(state, 0, UINT64_MAX);
	uint64_t cnt = 0x100000;

	low.fit = PHYR_FIT_PACKED;
	reserve(f, 0, cnt - 3);
	assert_int_equal(take(f, 2, &low) >> 32, 0);
	assert_int_equal(take(f, 1, &low) >> 32, 0);
	refuse(f, PAGE, &low, PHYR_E_NOSPACE);
	refuse(f, P(cnt), &low, PHYR_E_NOSPACE);
	refuse(f, P(cnt + 1), &low, PHYR_E_LIMIT);
	assert_int_equal(take(f, 1, NULL), TOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(top_down_takes_the_highest_place_and_uses_holes),
		CASE(bottom_up_takes_the_lowest_place),
		CASE(three_pages_take_three_and_the_fourth_stays_usable),
		CASE(every_length_takes_its_pages_and_no_more),
		CASE(aligned_ranges_go_to_the_highest_or_lowest_block),
		CASE(a_phase_counts_towards_the_length_of_a_block),
		CASE(of_the_fits_in_a_block_the_outermost_is_taken),
		CASE(without_a_block_the_outermost_long_hole_is_taken),
		CASE(without_a_block_none_is_looked_for),
		CASE(a_block_goes_before_a_hole_that_lies_farther_out),
		CASE(short_holes_are_tried_one_by_one),
		CASE(a_range_outside_the_window_is_no_hole_to_try),
		CASE(first_up_takes_the_lowest_fit_whatever_the_blocks),
		CASE(packed_leaves_large_holes_alone),
		CASE(packed_aligns_powers_of_two_to_themselves),
		CASE(packed_uses_any_hole_before_it_says_no),
		CASE(a_boundary_is_never_crossed),
		CASE(a_hole_across_a_boundary_is_two),
		CASE(a_boundary_and_a_phase_hold_together),
		CASE(a_boundary_of_a_page_lets_single_pages_through),
		CASE(no_space_now_is_not_a_limit_for_ever),
		CASE(a_limit_is_the_highest_byte_used),
		CASE(a_window_is_cut_to_whole_granules),
		CASE(a_phase_that_the_window_does_not_hold_is_a_limit),
		CASE(a_low_window_is_found_beside_a_vast_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
