/* SPDX-License-Identifier: MIT */
/*
 * Linux's allocator of I/O addresses: the worked examples of its rules (by their names, A…), its
 * known weaknesses, and what each layer counts.
 *
 * Not here: wrong calls and memory that runs out (oom_linux_iova), random calls (prop_linux_iova),
 * a real kernel (test_linux_iova_traces).
 */
#include "linux_iova_world.h"

static void a1_a2_single_pages_come_from_the_top_of_4_gib_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 1), 0xfffff);
	assert_int_equal(take(f, 1), 0xffffe);
	assert_int_equal(stats_of(f).visit_cnt[0], 2);
	assert_int_equal(stats_of(f).tree_alloc_cnt, 2);
}

static void a3_a4_three_pages_take_four_and_the_hole_above_stays(void **state)
{
	struct fixture *f = *state;

	take(f, 1);
	take(f, 1);
	assert_int_equal(take(f, 3), 0xffff8);
	assert_int_equal(take(f, 1), 0xffff7);
	assert_int_equal(stats_of(f).rounded_len, BYTES(1));
	assert_int_equal(stats_of(f).live_len, BYTES(7));
}

static void a5_33_pages_take_33_and_begin_on_64(void **state)
{
	struct fixture *f = *state;

	take(f, 1);
	take(f, 1);
	take(f, 3);
	take(f, 1);
	assert_int_equal(take(f, 33), 0xfffc0);
	assert_int_equal(stats_of(f).live_len, BYTES(7 + 33));
	assert_int_equal(take(f, 1), 0xfffbf); /* 0xfffe1 … 0xffff6 are not seen again */
}

static void a6_what_was_freed_last_is_given_first(void **state)
{
	struct fixture *f = *state;

	take(f, 1);
	take(f, 1);
	give(f, 0xfffff, 1);
	give(f, 0xffffe, 1);
	assert_int_equal(take(f, 1), 0xffffe);
	assert_int_equal(take(f, 1), 0xfffff);
	assert_int_equal(stats_of(f).hit_cnt, 2);
	assert_int_equal(stats_of(f).cached_len, 0);
}

/* As A9 leaves it: four pages are free below, and no room for eight. */
static void fill_to_four(struct fixture *f)
{
	open_from(f, 0xffff0, 4);
	assert_int_equal(take(f, 8), 0xffff8);
	assert_int_equal(take(f, 4), 0xffff4);
}

static void a9_a10_eight_pages_fail_after_two_passes(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_iova_stats stats;

	fill_to_four(f);
	assert_refused(f, below(8, LOW_TOP), PHYR_E_NOSPACE);
	stats = stats_of(f);
	assert_int_equal(stats.second_pass_cnt, 1);
	assert_int_equal(stats.refusal_cnt, 1);
	assert_int_equal(stats.reject_cnt, 0);
	assert_true(stats.visit_cnt[1] > 0);
	assert_int_equal(take(f, 4), 0xffff0);
}

static void a11_as_long_or_longer_is_rejected_without_a_search(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_iova_stats before, after;

	fill_to_four(f);
	assert_refused(f, below(8, LOW_TOP), PHYR_E_NOSPACE);
	before = stats_of(f);
	assert_refused(f, below(16, LOW_TOP), PHYR_E_NOSPACE);
	assert_refused(f, below(8, LOW_TOP), PHYR_E_NOSPACE);
	after = stats_of(f);
	assert_int_equal(after.reject_cnt - before.reject_cnt, 2);
	assert_memory_equal(before.visit_cnt, after.visit_cnt, sizeof(before.visit_cnt));
}

static void a13_any_free_below_4_gib_forgets_the_refusal(void **state)
{
	struct fixture *f = *state;

	fill_to_four(f);
	assert_refused(f, below(8, LOW_TOP), PHYR_E_NOSPACE);
	give(f, 0xffff4, 4); /* into a magazine: the tree knows nothing of it */
	assert_refused(f, below(8, LOW_TOP), PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).reject_cnt, 1);
	assert_int_equal(take(f, 4), 0xffff4);
	give_to_tree(f, 0xffff4);
	assert_int_equal(take(f, 8), 0xffff0);
	assert_int_equal(stats_of(f).reject_cnt, 1);
}

static void a16_lengths_below_32_pages_are_rounded_up_to_a_power_of_two(void **state)
{
	const uint64_t lens[] = { 17, 31, 32, 33 };
	const uint64_t taken[] = { 32, 32, 32, 33 };
	const uint64_t firsts[] = { 0xfffe0, 0xfffc0, 0xfffa0, 0xfff40 };
	struct fixture *f = *state;

	for (size_t i = 0; i < CNT(lens); i++) {
		uint64_t before = stats_of(f).live_len;

		assert_int_equal(take(f, lens[i]), firsts[i]);
		assert_int_equal(stats_of(f).live_len - before, BYTES(taken[i]));
	}
	assert_int_equal(stats_of(f).rounded_len, BYTES(15 + 1));
}

static void only_below_32_pages_is_more_reserved_than_asked(void **state)
{
	static const uint64_t page_cnts[][2] = {
		{ 1, 1 },   { 2, 2 },	{ 3, 4 },   { 5, 8 },	{ 9, 16 },  { 17, 32 },
		{ 31, 32 }, { 32, 32 }, { 33, 33 }, { 63, 63 }, { 64, 64 }, { 25600, 25600 },
	};
	struct phyrsim_linux_iova_request request = below(1, LOW_TOP);
	struct fixture *f = *state;
	struct phyr_iova_range range;

	for (size_t i = 0; i < CNT(page_cnts); i++) {
		request.len =
			BYTES(page_cnts[i][0] - 1) + 1; /* a byte on the last page is enough */
		assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
		assert_int_equal(range.len, BYTES(page_cnts[i][1]));
		assert_true(phyr_bits_aligned(range.iova.addr,
					      12 + phyr_bits_log2_up(page_cnts[i][0])));
	}
}

static void a18_a_magazine_whose_pages_are_too_high_is_a_miss(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_iova_stats stats;

	take(f, 1);
	give(f, take(f, 1), 1);
	assert_int_equal(take_below(f, 1, 0x7ffff), 0x7ffff);
	stats = stats_of(f);
	assert_int_equal(stats.hit_cnt, 0);
	assert_int_equal(stats.miss_cnt, 3);
	assert_int_equal(stats.limit_miss_cnt, 1);
	assert_int_equal(stats.cached_len, BYTES(1));
}

/* Takes single pages, and frees them, all on one CPU. */
static void fill_magazines(struct fixture *f, unsigned int magazine_cnt)
{
	unsigned int cnt = magazine_cnt * PHYRSIM_LINUX_MAGAZINE_CNT;

	for (unsigned int i = 0; i < cnt; i++)
		assert_int_equal(take(f, 1), LOW_TOP - i);
	for (unsigned int i = 0; i < cnt; i++)
		give(f, LOW_TOP - i, 1);
}

static void a19_the_worker_trims_a_depot_to_a_magazine_a_cpu(void **state)
{
	struct fixture *f = *state;

	fill_magazines(f, 12);
	assert_int_equal(stats_of(f).depot_push_cnt, 10);
	for (uint64_t left = 10; left > 4; left--) {
		assert_int_equal(stats_of(f).depot_magazine_cnt, left);
		phyrsim_linux_iova_tick(f->iova);
		assert_valid(f);
	}
	phyrsim_linux_iova_tick(f->iova);
	assert_int_equal(stats_of(f).depot_magazine_cnt, 4);
	assert_int_equal(stats_of(f).depot_trim_cnt, 6);
	assert_int_equal(stats_of(f).tree_free_cnt, 6 * PHYRSIM_LINUX_MAGAZINE_CNT);
}

static void a_spare_magazine_spares_the_depot(void **state)
{
	struct fixture *f = *state;
	uint64_t other;

	fill_magazines(f, 1);
	other = take_on(f, 1, 1); /* not one of those that CPU 0 holds */
	assert_int_equal(other, LOW_TOP - PHYRSIM_LINUX_MAGAZINE_CNT);
	give(f, other, 1);
	assert_int_equal(stats_of(f).swap_cnt, 1);
	assert_int_equal(take(f, 1), other);
	assert_int_equal(take(f, 1), other + 1); /* from the full one, loaded again */
	assert_int_equal(stats_of(f).swap_cnt, 2);
	assert_int_equal(stats_of(f).depot_push_cnt, 0);
}

static void a_full_magazine_of_the_depot_goes_to_any_cpu(void **state)
{
	struct fixture *f = *state;
	uint64_t magazine_cnt = stats_of(f).magazine_cnt;

	fill_magazines(f, 3);
	assert_int_equal(stats_of(f).depot_push_cnt, 1);
	assert_int_equal(stats_of(f).magazine_cnt, magazine_cnt + 1);
	/* What is pushed when the third begins is the second, whose last is on top. */
	assert_int_equal(take_on(f, 3, 1), LOW_TOP - (2 * PHYRSIM_LINUX_MAGAZINE_CNT - 1));
	assert_int_equal(stats_of(f).depot_pop_cnt, 1);
	assert_int_equal(stats_of(f).magazine_cnt, magazine_cnt);
}

static void each_gap_that_is_too_short_is_walked_over(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_iova_stats before;

	for (unsigned int i = 0; i < 64; i++)
		take(f, 1);
	for (unsigned int i = 0; i < 64; i += 2)
		give_to_tree(f, LOW_TOP - i);
	before = stats_of(f);
	assert_int_equal(take(f, 2), LOW_TOP - 65);
	/* The anchor, and the 32 that are left. */
	assert_int_equal(stats_of(f).visit_cnt[0] - before.visit_cnt[0], 33);
	assert_int_equal(stats_of(f).visit_max_cnt, 33);
	assert_int_equal(stats_of(f).second_pass_cnt, 0);
	assert_int_equal(stats_of(f).node_cnt, 33);
	assert_int_equal(stats_of(f).node_peak_cnt, 64);
}

static void a_hole_above_the_cursor_waits_for_a_second_pass(void **state)
{
	struct fixture *f = *state;

	open_from(f, 0xffff0, 1);
	take(f, 1);
	take(f, 1);
	assert_int_equal(take(f, 4), 0xffff8);
	for (uint64_t pfn = 0xffff7; pfn >= 0xffff0; pfn--)
		assert_int_equal(take(f, 1), pfn);
	assert_int_equal(stats_of(f).second_pass_cnt, 0);
	assert_int_equal(take(f, 1), 0xffffd);
	assert_int_equal(stats_of(f).second_pass_cnt, 1);
	/* Anchor, 0xfffff, 0xffffe: the gap is below the third. */
	assert_int_equal(stats_of(f).visit_cnt[1], 3);
}

static void a_lower_limit_moves_the_cursor_for_all(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 1), 0xfffff);
	assert_int_equal(take_below(f, 1, 0x7ffff), 0x7ffff);
	assert_int_equal(take(f, 1), 0x7fffe);
	give_to_tree(f, 0x7fffe); /* the cursor goes to the node above */
	give_to_tree(f, 0x7ffff);
	assert_int_equal(take(f, 1), 0xffffe);
}

static void above_4_gib_is_another_cursor(void **state)
{
	struct fixture *f = *state;

	take(f, 1);
	assert_int_equal(take_below(f, 1, 0xfffffffff), 0xfffffffff);
	assert_int_equal(take(f, 1), 0xffffe);
	assert_int_equal(take_below(f, 1, 0xfffffffff), 0xffffffffe);
	give_to_tree(f, 0xffffffffe);
	assert_int_equal(take_below(f, 1, 0xfffffffff), 0xffffffffe);
}

static void a_refusal_above_4_gib_is_remembered_below(void **state)
{
	struct fixture *f = *state;

	open_from(f, 0xfffff, 1);
	take_below(f, 1, 0x100000);
	assert_int_equal(take_below(f, 1, 0x100000), 0xfffff);
	assert_refused(f, below(1, 0x100000), PHYR_E_NOSPACE);
	assert_refused(f, below(1, LOW_TOP), PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).reject_cnt, 1);
}

static void a_refusal_under_a_low_limit_shuts_all_below_4_gib(void **state)
{
	struct fixture *f = *state;

	take_below(f, 1, 1);
	assert_refused(f, below(1, 1), PHYR_E_NOSPACE);
	assert_refused(f, below(1, LOW_TOP), PHYR_E_NOSPACE); /* where all is free */
	give_to_tree(f, 1);
	assert_int_equal(take(f, 1), 0xfffff);
}

static void without_room_all_caches_are_emptied_if_asked_for(void **state)
{
	struct phyrsim_linux_iova_request request = below(4, LOW_TOP);
	struct fixture *f = *state;
	struct phyr_iova_range range;

	open_from(f, 0xffff0, 2);
	for (unsigned int i = 0; i < 16; i++)
		take(f, 1);
	for (unsigned int i = 0; i < 16; i++)
		give_on(f, i % 2, 0xffff0 + i, 1);
	assert_refused(f, request, PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).cached_len, BYTES(16));
	request.flush = true;
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, 0xffffc000);
	assert_int_equal(range.len, BYTES(4));
	assert_int_equal(stats_of(f).flush_cnt, 1);
	assert_int_equal(stats_of(f).cached_len, 0);
}

static void what_is_freed_as_shorter_serves_as_shorter(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 4), 0xffffc);
	give(f, 0xffffc, 1);
	assert_int_equal(stats_of(f).cached_len, BYTES(4));
	assert_int_equal(take(f, 4), 0xffff8);
	assert_int_equal(take(f, 1), 0xffffc);
	assert_int_equal(stats_of(f).live_len, BYTES(8));
	give(f, 0xffffc, 1);
}

static void more_than_32_pages_are_never_cached(void **state)
{
	struct fixture *f = *state;

	take(f, 33);
	give(f, 0xfffc0, 33);
	assert_int_equal(stats_of(f).node_cnt, 0);
	assert_int_equal(take(f, 32), 0xfffe0);
	give(f, 0xfffe0, 32);
	assert_int_equal(stats_of(f).cached_len, BYTES(32));
	assert_int_equal(stats_of(f).miss_cnt, 1); /* 33 pages are not asked for there */
}

/* Takes a page for a device; returns its number. */
static uint64_t take_for(struct fixture *f, struct phyrsim_linux_iova_device *device)
{
	struct phyr_iova_range range;

	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, device, 0, 1, &range), PHYR_OK);
	assert_int_equal(range.len, PHYR_PAGE_SIZE);
	return range.iova.addr >> PHYR_PAGE_LG2;
}

static void a_device_tries_below_4_gib_until_that_fails_once(void **state)
{
	struct phyrsim_linux_iova_device device = { last_of(0xfffffffff), true };
	struct phyrsim_linux_iova_device other = device;
	struct fixture *f = *state;

	open_from(f, 0xfffff, 1);
	assert_int_equal(take_for(f, &device), 0xfffff);
	assert_true(device.low_first);
	assert_int_equal(take_for(f, &device), 0xfffffffff);
	assert_false(device.low_first);
	give_to_tree(f, 0xfffff);
	assert_int_equal(take_for(f, &device), 0xffffffffe);
	assert_int_equal(take_for(f, &other), 0xfffff); /* another device, another flag */
	assert_int_equal(stats_of(f).low_failed_cnt, 1);
	assert_int_equal(stats_of(f).flush_cnt, 0);
}

static void a_device_of_32_bits_has_nothing_else_to_try(void **state)
{
	struct phyrsim_linux_iova_device device = { last_of(LOW_TOP), true };
	struct fixture *f = *state;
	struct phyr_iova_range range = { { 5 }, 7 };

	open_from(f, 0xfffff, 1);
	assert_int_equal(take_for(f, &device), 0xfffff);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 0, 1, &range), PHYR_E_NOSPACE);
	assert_int_equal(range.iova.addr, 5);
	assert_true(device.low_first);
	assert_int_equal(stats_of(f).flush_cnt, 1); /* in vain */
}

static void the_aperture_limits_what_a_device_gets(void **state)
{
	struct phyrsim_linux_iova_device device = { last_of(0xfffffffff), false };
	struct fixture *f = *state;
	struct phyrsim_linux_iova_params params = { .mem = &f->t.mem };

	phyrsim_linux_iova_destroy(f->iova);
	params.aperture.last = last_of(0x7ffffff);
	assert_int_equal(phyrsim_linux_iova_create(&params, &f->iova), PHYR_OK);
	assert_int_equal(take_for(f, &device), 0x7ffffff);
	device.last = last_of(0x3ffffff);
	assert_int_equal(take_for(f, &device), 0x3ffffff);
}

static void granules_of_16_kib_are_pages(void **state)
{
	struct phyrsim_linux_iova_request request = { .len = 1, .last = last_of(LOW_TOP) };
	struct fixture *f = *state;
	const struct phyrsim_linux_iova_params params = { .mem = &f->t.mem, .granule_lg2 = 14 };
	struct phyr_iova_range range;

	phyrsim_linux_iova_destroy(f->iova);
	assert_int_equal(phyrsim_linux_iova_create(&params, &f->iova), PHYR_OK);
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, 0xffffc000);
	assert_int_equal(range.len, 0x4000);
}

static void windows_of_a_bridge_are_stepped_over(void **state)
{
	struct fixture *f = *state;
	const struct phyr_iova_range bridge = { { 0xc0000000 }, 0xfec00000 - 0xc0000000 };
	const struct phyr_iova_range interrupts = { { 0xfee00000 }, 0x100000 };

	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, bridge), PHYR_OK);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, interrupts), PHYR_OK);
	assert_int_equal(take(f, 0x1000), 0xff000);
	assert_int_equal(take(f, 0x100), 0xfef00);
	assert_int_equal(take(f, 0x100), 0xfed00);
	assert_int_equal(take(f, 0x100), 0xfec00);
	assert_int_equal(take(f, 1), 0xbffff); /* the page below the bridge */
	assert_int_equal(stats_of(f).node_cnt, 7);
}

static void reserved_ranges_may_overlap(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff8, 1)), PHYR_OK);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffffc, 2)), PHYR_OK);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffffc, 1)), PHYR_OK);
	assert_int_equal(stats_of(f).node_cnt, 2);
	/* The two below grow down, and one is new. */
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff0, 16)), PHYR_OK);
	assert_int_equal(stats_of(f).node_cnt, 3);
	assert_valid(f);
	assert_int_equal(take(f, 1), 0xfffef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a1_a2_single_pages_come_from_the_top_of_4_gib_down),
		CASE(a3_a4_three_pages_take_four_and_the_hole_above_stays),
		CASE(a5_33_pages_take_33_and_begin_on_64),
		CASE(a6_what_was_freed_last_is_given_first),
		CASE(a9_a10_eight_pages_fail_after_two_passes),
		CASE(a11_as_long_or_longer_is_rejected_without_a_search),
		CASE(a13_any_free_below_4_gib_forgets_the_refusal),
		CASE(a16_lengths_below_32_pages_are_rounded_up_to_a_power_of_two),
		CASE(only_below_32_pages_is_more_reserved_than_asked),
		CASE(a18_a_magazine_whose_pages_are_too_high_is_a_miss),
		CASE(a19_the_worker_trims_a_depot_to_a_magazine_a_cpu),
		CASE(a_spare_magazine_spares_the_depot),
		CASE(a_full_magazine_of_the_depot_goes_to_any_cpu),
		CASE(each_gap_that_is_too_short_is_walked_over),
		CASE(a_hole_above_the_cursor_waits_for_a_second_pass),
		CASE(a_lower_limit_moves_the_cursor_for_all),
		CASE(above_4_gib_is_another_cursor),
		CASE(a_refusal_above_4_gib_is_remembered_below),
		CASE(a_refusal_under_a_low_limit_shuts_all_below_4_gib),
		CASE(without_room_all_caches_are_emptied_if_asked_for),
		CASE(what_is_freed_as_shorter_serves_as_shorter),
		CASE(more_than_32_pages_are_never_cached),
		CASE(a_device_tries_below_4_gib_until_that_fails_once),
		CASE(a_device_of_32_bits_has_nothing_else_to_try),
		CASE(the_aperture_limits_what_a_device_gets),
		CASE(granules_of_16_kib_are_pages),
		CASE(windows_of_a_bridge_are_stepped_over),
		CASE(reserved_ranges_may_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
