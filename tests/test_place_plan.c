/* SPDX-License-Identifier: MIT */
/*
 * What a plan weighs and tells: covering, windows, weights, conflicts, and the policies of others.
 *
 * Not here: which phase a list gets (test_place.c), all congruences (prop_place_min.c).
 */
#include "place_world.h"

static const struct phyr_range late = { { 0x100001000 }, 0x3ff000 };

static phyr_sizes upto(uint64_t largest)
{
	phyr_sizes sizes = { 2 * largest - 4 * K };

	return sizes;
}

static struct phyr_place_request covering(phyr_sizes device_sizes, uint64_t address)
{
	struct phyr_place_request request = request_for(device_sizes, address);

	request.cover = PHYR_COVER_ALLOW;
	return request;
}

static void expect_region(const struct phyr_place_choice *choice, uint64_t page_len, uint64_t cnt,
			  uint64_t reserve_len)
{
	assert_int_equal(choice->page_len, page_len);
	assert_int_equal(choice->cost.entry_cnt, cnt);
	assert_int_equal(choice->reserve_len, reserve_len);
}

/* Covering. */

static void a_hundred_megabytes_without_covering_take_25_pages_of_4M(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	expect_region(&result.chosen, 4 * M, 25, 100 * M);
	assert_int_equal(result.chosen.lead_len, 0);
	assert_int_equal(result.chosen.map_len, 100 * M);
}

static void a_hundred_megabytes_take_two_covering_pages_of_64M(void **state)
{
	struct phyr_place_request request = covering(upto(64 * M), U);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	expect_region(&result.chosen, 64 * M, 2, 128 * M);
	assert_int_equal(result.chosen.map_len, 100 * M);
	assert_int_equal(result.chosen.placement.phase & (64 * M - 1), 0);
	assert_true(result.chosen.placement.phase_lg2 >= 26);
	assert_int_equal(result.chosen.cost.leaf_cnt, 50);
}

static void or_one_of_128M(void **state)
{
	struct phyr_place_request request = covering(nic, U);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
	assert_int_equal(result.chosen.placement.phase & (128 * M - 1), 0);
	assert_true(result.chosen.placement.phase_lg2 >= 27);
	request.name = PHYR_NAME_IOVA;
	result = place_one(big, &request);
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
}

static void what_pages_cover_in_front_is_reserved_too(void **state)
{
	struct phyr_place_request request = covering(nic, U + 4 * M);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
	assert_int_equal(result.chosen.lead_len, 4 * M);
	assert_int_equal(result.chosen.head_len, 4 * M);
	request.address = U + 4 * M + 0x600;
	result = place_one((struct phyr_range){ { 0x100000600 }, 100 * M - 0x600 }, &request);
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
	assert_int_equal(result.chosen.lead_len, 4 * M);
	assert_int_equal(result.chosen.map_len, 100 * M);
	assert_int_equal(result.chosen.head_len, 4 * M + 0x600);
}

static void nothing_is_covered_that_the_window_does_not_hold(void **state)
{
	struct phyr_place_request request = covering(nic, U);
	struct phyr_place_result result;

	(void)state;
	request.window = (struct phyr_window){ { 128 * M }, { 238 * M - 1 } };
	result = place_one(big, &request);
	expect_region(&result.chosen, 8 * M, 13, 104 * M);
	request.window.last.addr = 228 * M - 1;
	result = place_one(big, &request);
	expect_region(&result.chosen, 4 * M, 25, 100 * M);
	request.window.last.addr = 256 * M - 1;
	result = place_one(big, &request);
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
}

static void pages_of_mixed_sizes_cover_only_with_the_smallest(void **state)
{
	struct phyr_place_request request = covering(nic, U);
	struct phyr_range pages = { { 0x40000000 }, 68 * K };
	phyr_sizes coarse = { 64 * K | 2 * M };
	struct phyr_place_result result;

	(void)state;
	request.device_mixed = true;
	result = place_one(big, &request);
	expect_region(&result.chosen, 0, 3, 100 * M);
	request.device_sizes = coarse;
	result = place_one(pages, &request);
	expect_region(&result.chosen, 0, 2, 128 * K);
	request.cover = PHYR_COVER_FORBID;
	result = place_one(pages, &request);
	expect_region(&result.chosen, 0, 0, 68 * K);
}

/* Vectors of best page sizes: B2, B4, B14, B15, B17. */

static void vectors_of_page_sizes_hold_with_and_without_covering(void **state)
{
	static const struct {
		struct phyr_range range;
		uint64_t address, sizes, page_len, cnt, cover_len, cover_cnt;
	} want[] = {
		{ { { 0x100000000 }, 4 * M }, U, B, 2 * M, 2, G, 1 },
		{ { { 0x100001000 }, 0x3ff000 }, U + 0x1000, F, 4 * K, 1023, 4 * M, 1 },
		{ { { 0x100000000 }, 100 * M }, U, F, 4 * M, 25, 128 * M, 1 },
		{ { { 0xf8000000 }, 100 * M }, 0, F, 4 * M, 25, 128 * M, 1 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(want); i++) {
		struct phyr_place_request request =
			request_for((phyr_sizes){ want[i].sizes }, want[i].address);
		struct phyr_place_result result = place_one(want[i].range, &request);

		assert_int_equal(result.chosen.page_len, want[i].page_len);
		assert_int_equal(result.chosen.cost.entry_cnt, want[i].cnt);
		request.cover = PHYR_COVER_ALLOW;
		result = place_one(want[i].range, &request);
		expect_region(&result.chosen, want[i].cover_len, want[i].cover_cnt,
			      want[i].cover_len);
	}
}

static void a_name_one_page_off_costs_25600_entries_or_25600_leaves(void **state)
{
	struct phyr_place_request request = covering(nic, U + 0x1000);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	assert_true(result.conflict);
	assert_int_equal(result.conflict_bit, 12);
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	expect_region(&result.device_first, 128 * M, 1, 128 * M);
	assert_int_equal(result.device_first.cost.leaf_cnt, 25600);
	expect_region(&result.memory_first, 4 * K, 25600, 100 * M);
	assert_int_equal(result.memory_first.cost.leaf_cnt, 50);
	expect_region(&result.aligned, 4 * K, 25600, 100 * M);
}

/* Conflicts and gains. */

static void a_conflict_tells_what_each_key_would_cost(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result = place_one(x1, &request);

	(void)state;
	assert_true(result.conflict);
	assert_int_equal(result.conflict_bit, 12);
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	assert_int_equal(result.device_first.cost.entry_cnt, 1);
	assert_int_equal(result.device_first.cost.leaf_cnt, 1024);
	assert_int_equal(result.memory_first.cost.entry_cnt, 1024);
	assert_int_equal(result.memory_first.cost.leaf_cnt, 513);
	assert_int_equal(result.memory_first.placement.phase & (2 * M - 1), 0x1000);
}

static void what_is_gained_shows_against_mere_alignment(void **state)
{
	struct phyr_place_request request = request_for(nic, U + 0x1000);
	struct phyr_place_result result = place_one(x1, &request);

	(void)state;
	assert_false(result.conflict);
	assert_int_equal(result.key, PHYR_KEY_BOTH);
	assert_int_equal(result.chosen.cost.leaf_cnt, 513);
	assert_int_equal(result.aligned.cost.leaf_cnt, 1024);
	assert_int_equal(result.aligned.cost.entry_cnt, 1024);
	assert_int_equal(result.aligned.placement.phase_lg2, 22);
	request.policy = PHYR_PLACE_SIZE_ALIGNED;
	result = place_one(x1, &request);
	/* The device's name begins inside of larger pages, so that small ones are all it can have. */
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	assert_int_equal(result.chosen.cost.leaf_cnt, 1024);
}

static void a_choice_that_cannot_be_had_is_zero(void **state)
{
	struct phyr_place_request request = request_for(none, 0);
	static const struct phyr_place_choice zero;
	struct phyr_place_result result;

	(void)state;
	request.window = (struct phyr_window){ { 0x1000 }, { 100 * M + 0xfff } };
	result = place_one(big, &request);
	assert_memory_equal(&result.aligned, &zero, sizeof(zero));
	assert_int_equal(result.chosen.reserve_len, 100 * M);
}

static void a_device_that_no_page_fits_is_placed_all_the_same(void **state)
{
	struct phyr_place_request request = request_for(nic, U + 0x800);
	struct phyr_place_result result;

	(void)state;
	result = place_one((struct phyr_range){ { 0x40000000 }, 4 * M }, &request);
	expect_region(&result.chosen, 0, 0, 4 * M);
	assert_int_equal(result.chosen.cost.leaf_cnt, 2);
	assert_int_equal(result.key, PHYR_KEY_PHYSICAL);
}

/* Windows of invalidations, limits, weights. */

static void an_invalidation_reaches_the_smallest_window_by_default(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result = place_one(big, &request);

	(void)state;
	assert_int_equal(result.chosen.cost.flush_cnt, 128 * M / (4 * K));
	assert_int_equal(result.chosen.placement.phase_lg2, 27);
	assert_int_equal(result.chosen.cost.pitch_len, 128 * M);
	result = place_one(late, &request);
	assert_int_equal(result.chosen.cost.flush_cnt, 4 * M / (4 * K));
}

static void space_can_weigh_more_than_the_window(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result;

	(void)state;
	request.weights = (struct phyr_place_weights){ UINT64_C(1) << 40, UINT64_C(1) << 20, 0, 1 };
	result = place_one(big, &request);
	assert_int_equal(result.chosen.cost.entry_cnt, 25);
	assert_int_equal(result.chosen.cost.leaf_cnt, 50);
	assert_int_equal(result.chosen.cost.pitch_len, 100 * M);
	assert_int_equal(result.chosen.placement.phase_lg2, 22);
	assert_int_equal(result.chosen.cost.flush_cnt, UINT64_C(1) << 36);
	request.boundary_lg2 = 32;
	result = place_one(big, &request);
	assert_int_equal(result.chosen.placement.boundary_lg2, 32);
	assert_int_equal(result.chosen.cost.flush_cnt, UINT64_C(1) << 20);
}

static void each_weight_alone_gets_its_minimum(void **state)
{
	struct phyr_place_request request = covering(nic, U + 4 * M);
	struct phyr_place_result result;

	(void)state;
	request.weights = (struct phyr_place_weights){ .entry = 1 };
	assert_int_equal(place_one(x1, &request).chosen.cost.entry_cnt, 1);
	request.weights = (struct phyr_place_weights){ .leaf = 1 };
	assert_int_equal(place_one(x1, &request).chosen.cost.leaf_cnt, 513);
	request.weights = (struct phyr_place_weights){ .flush = 1 };
	assert_int_equal(place_one(x1, &request).chosen.cost.flush_cnt, 1024);
	request.weights = (struct phyr_place_weights){ .pitch = 1 };
	result = place_one(x1, &request);
	assert_int_equal(result.chosen.cost.pitch_len, 4 * M);
	assert_int_equal(result.chosen.cost.entry_cnt, 1);
}

static void sums_that_do_not_fit_are_all_the_same(void **state)
{
	struct phyr_place_request request = request_for(nic, U);

	(void)state;
	request.weights.leaf = UINT64_MAX;
	request.weights.entry = UINT64_MAX;
	assert_int_equal(place_one(x1, &request).chosen.cost.entry_cnt, 1);
}

static void a_boundary_is_kept_or_refused(void **state)
{
	struct phyr_place_request request = covering(nic, U);
	struct phyr_place_result result;
	struct phyr_list list;

	(void)state;
	list_of(&list, &big, 1);
	request.boundary_lg2 = 27;
	result = place(&list, &request);
	expect_region(&result.chosen, 128 * M, 1, 128 * M);
	assert_int_equal(result.chosen.cost.flush_cnt, 128 * M / (4 * K));
	request.boundary_lg2 = 26;
	assert_int_equal(phyr_place_plan(&list, &request, &result), PHYR_E_LIMIT);
}

/* The policies of others. */

/* Where iommufd's rule puts it in a space where this much is taken. */
static uint64_t first_fit(uint64_t va, uint64_t len, struct phyr_iova_range taken, uint8_t most_lg2)
{
	struct test_mem mem;
	struct phyr_iova_params params = { .mem = &mem.mem };
	struct phyr_place_request request = request_for(none, 0);
	struct phyr_iova_space *space;
	struct phyr_place_result result;
	struct phyr_iova_range range;
	struct phyr_list list;

	test_mem_init(&mem);
	params.window = (struct phyr_window){ { 4 * K }, { TOP - 1 } };
	list_of_one(&list, 0x40000000, len);
	phyr_list_set_va(&list, va);
	request.policy = PHYR_PLACE_FIRST_FIT_UP;
	request.window = params.window;
	request.first_fit_lg2 = most_lg2;
	assert_int_equal(phyr_iova_create(&params, &space), PHYR_OK);
	if (taken.len)
		assert_int_equal(phyr_iova_reserve(space, taken), PHYR_OK);
	result = place(&list, &request);
	assert_int_equal(result.chosen.placement.fit, PHYR_FIT_FIRST_UP);
	assert_int_equal(
		phyr_iova_alloc(space, result.chosen.reserve_len, &result.chosen.placement, &range),
		PHYR_OK);
	phyr_iova_destroy(space);
	return range.iova.addr;
}

/* U1, U2, U5, U6. */
static void first_fit_up_goes_where_iommufd_goes(void **state)
{
	struct phyr_iova_range nothing = { { 0 }, 0 }, some = { { 0x200000 }, 0x400000 };

	(void)state;
	assert_int_equal(first_fit(U + 0x200000, 4 * M, nothing, 0), 0x200000);
	assert_int_equal(first_fit(U + 0x201000, 4 * M, some, 0), 0x600000);
	assert_int_equal(first_fit(0, 0x300000, nothing, 0), 0x200000);
	assert_int_equal(first_fit(U, G, nothing, 12), 0x1000);
}

static void first_fit_up_keeps_the_offset_and_nothing_of_the_phase(void **state)
{
	struct phyr_place_request request = request_for(none, 0);
	struct phyr_place_result result;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x40001600, 4 * M - 0x600);
	phyr_list_set_va(&list, U + 0x201600);
	request.policy = PHYR_PLACE_FIRST_FIT_UP;
	result = place(&list, &request);
	assert_int_equal(result.chosen.head_len, 0x600);
	assert_int_equal(result.chosen.placement.phase_lg2, 12);
	assert_int_equal(result.chosen.cost.leaf_cnt, 1024);
	assert_int_equal(result.memory_first.cost.leaf_cnt, 513);
	request.leaf_sizes.mask = 64 * K | 2 * M;
	assert_int_equal(phyr_place_plan(&list, &request, &result), PHYR_E_ALIGN);
}

static void packed_asks_for_nothing_but_a_tight_hole(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result;

	(void)state;
	request.policy = PHYR_PLACE_PACKED;
	result = place_one(big, &request);
	assert_int_equal(result.chosen.placement.fit, PHYR_FIT_PACKED);
	assert_int_equal(result.chosen.placement.phase, 0);
	assert_int_equal(result.chosen.placement.phase_lg2, 12);
	expect_region(&result.chosen, 4 * K, 25600, 100 * M);
	assert_int_equal(result.chosen.cost.leaf_cnt, 25600);
	assert_int_equal(result.chosen.cost.pitch_len, 100 * M);
	assert_int_equal(result.key, PHYR_KEY_NONE);
}

static void values_that_are_not_known_are_refused(void **state)
{
	struct phyr_place_request good = request_for(nic, U), request = good;
	struct phyr_place_result result;
	struct phyr_list list;

	(void)state;
	list_of(&list, &big, 1);
	request.cover = (enum phyr_cover)2;
	assert_int_equal(phyr_place_plan(&list, &request, &result), PHYR_E_INVAL);
	request = good;
	request.boundary_lg2 = 64;
	assert_int_equal(phyr_place_plan(&list, &request, &result), PHYR_E_INVAL);
	request = good;
	request.first_fit_lg2 = 64;
	assert_int_equal(phyr_place_plan(&list, &request, &result), PHYR_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_megabytes_without_covering_take_25_pages_of_4M),
		cmocka_unit_test(a_hundred_megabytes_take_two_covering_pages_of_64M),
		cmocka_unit_test(or_one_of_128M),
		cmocka_unit_test(what_pages_cover_in_front_is_reserved_too),
		cmocka_unit_test(nothing_is_covered_that_the_window_does_not_hold),
		cmocka_unit_test(pages_of_mixed_sizes_cover_only_with_the_smallest),
		cmocka_unit_test(vectors_of_page_sizes_hold_with_and_without_covering),
		cmocka_unit_test(a_name_one_page_off_costs_25600_entries_or_25600_leaves),
		cmocka_unit_test(a_conflict_tells_what_each_key_would_cost),
		cmocka_unit_test(what_is_gained_shows_against_mere_alignment),
		cmocka_unit_test(a_choice_that_cannot_be_had_is_zero),
		cmocka_unit_test(a_device_that_no_page_fits_is_placed_all_the_same),
		cmocka_unit_test(an_invalidation_reaches_the_smallest_window_by_default),
		cmocka_unit_test(space_can_weigh_more_than_the_window),
		cmocka_unit_test(each_weight_alone_gets_its_minimum),
		cmocka_unit_test(sums_that_do_not_fit_are_all_the_same),
		cmocka_unit_test(a_boundary_is_kept_or_refused),
		cmocka_unit_test(first_fit_up_goes_where_iommufd_goes),
		cmocka_unit_test(first_fit_up_keeps_the_offset_and_nothing_of_the_phase),
		cmocka_unit_test(packed_asks_for_nothing_but_a_tight_hole),
		cmocka_unit_test(values_that_are_not_known_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
