/* SPDX-License-Identifier: MIT */
/*
 * Where a list should go: the placement must be one that the allocator accepts, and what it
 * promises in leaves and entries must be what a cut at such an address counts.
 *
 * Not here: allocation (test_iova.c), cutting (test_split.c, test_best_size.c).
 */
#include "place_world.h"

/* Leaves: the physical key. */

static void the_phase_of_the_memory_halves_the_leaves(void **state)
{
	struct phyr_place_request request = request_for(none, 0);
	struct phyr_place_result result = place_one(x1, &request);

	(void)state;
	assert_int_equal(result.chosen.cost.leaf_cnt, 513);
	assert_int_equal(result.chosen.cost.entry_cnt, 0);
	assert_int_equal(result.key, PHYR_KEY_PHYSICAL);
	assert_false(result.conflict);
	assert_int_equal(result.chosen.reserve_len, 4 * M);
	assert_int_equal(result.chosen.head_len, 0);
	assert_true(result.chosen.placement.phase_lg2 >= 21);
	assert_int_equal(result.chosen.placement.phase & (2 * M - 1), 0x1000);
}

static void alignment_to_the_size_does_not(void **state)
{
	struct phyr_range pages = { { 0x5000 }, 33 * 4 * K };
	struct phyr_place_request request = request_for(none, 0);
	struct phyr_place_result result;

	(void)state;
	request.policy = PHYR_PLACE_SIZE_ALIGNED;
	result = place_one(x1, &request);
	assert_int_equal(result.chosen.cost.leaf_cnt, 1024);
	assert_int_equal(result.key, PHYR_KEY_NONE);
	assert_int_equal(result.chosen.placement.phase, 0);
	assert_int_equal(result.chosen.placement.phase_lg2, 22);
	assert_int_equal(result.chosen.reserve_len, 4 * M);
	result = place_one(pages, &request);
	assert_int_equal(result.chosen.placement.phase, 0);
	assert_int_equal(result.chosen.placement.phase_lg2, 18);
	assert_int_equal(result.chosen.reserve_len, 33 * 4 * K);
}

static void the_largest_block_decides_the_phase(void **state)
{
	struct phyr_range runs[] = { { { 0x5000 }, 4 * K }, { { 0x40000000 }, 4 * M } };
	struct phyr_place_request request = request_for(none, 0);
	struct phyr_place_result result;
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	result = place(&list, &request);
	assert_int_equal(result.chosen.cost.leaf_cnt, 3);
	assert_int_equal(result.chosen.placement.phase & (2 * M - 1), 0x1ff000);
	request.policy = PHYR_PLACE_SIZE_ALIGNED;
	assert_int_equal(place(&list, &request).chosen.cost.leaf_cnt, 1025);
}

static void both_ends_are_rounded_out_to_the_smallest_leaf(void **state)
{
	static const struct {
		struct phyr_range range;
		uint64_t leaf_sizes, head_len, reserve_len, leaf_cnt;
	} want[] = {
		{ { { 0x40001800 }, 4 * M }, 4 * K | 2 * M, 0x800, 4 * M + 4 * K, 514 },
		{ { { 0x40000600 }, 2 * M - 0x600 }, 4 * K | 2 * M, 0x600, 2 * M, 1 },
		{ { { 0x13000 }, 0x5000 }, 64 * K | 512 * M, 0x3000, 64 * K, 1 },
		{ { { 0x1801 }, 7 }, 4 * K | 2 * M, 0x801, 4 * K, 1 },
	};
	struct phyr_place_request request = request_for(none, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct phyr_place_result result;

		request.leaf_sizes.mask = want[i].leaf_sizes;
		request.policy = PHYR_PLACE_PHASE;
		result = place_one(want[i].range, &request);
		assert_int_equal(result.chosen.cost.leaf_cnt, want[i].leaf_cnt);
		request.policy = PHYR_PLACE_SIZE_ALIGNED;
		assert_int_equal(result.chosen.head_len, want[i].head_len);
		result = place_one(want[i].range, &request);
		assert_int_equal(result.chosen.head_len, want[i].head_len);
		assert_int_equal(result.chosen.reserve_len, want[i].reserve_len);
	}
}

/* Device entries: the address by which the device names the region. */

static void a_hundred_megabytes_take_25_entries_of_one_size_or_three_mixed(void **state)
{
	const uint64_t addresses[] = { 0, U, U + 128 * M };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct phyr_place_request request = request_for(nic, addresses[i]);
		struct phyr_place_result result = place_one(big, &request);

		assert_int_equal(result.chosen.cost.entry_cnt, 25);
		assert_int_equal(result.chosen.cost.leaf_cnt, 50);
		assert_int_equal(result.key, PHYR_KEY_BOTH);
		assert_false(result.conflict);
		request.device_mixed = true;
		result = place_one(big, &request);
		assert_int_equal(result.chosen.cost.entry_cnt, 3);
		assert_int_equal(result.chosen.cost.leaf_cnt, 50);
	}
}

static void of_keys_that_disagree_the_one_with_fewer_entries_wins(void **state)
{
	struct phyr_place_request request = request_for(nic, U);
	struct phyr_place_result result = place_one(x1, &request);

	(void)state;
	assert_true(result.conflict);
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	assert_int_equal(result.chosen.cost.entry_cnt, 1);
	assert_int_equal(result.chosen.cost.leaf_cnt, 1024);
	assert_int_equal(result.chosen.placement.phase & (4 * M - 1), 0);
	request.device_mixed = true;
	result = place_one(x1, &request);
	assert_true(result.conflict);
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	assert_int_equal(result.chosen.cost.entry_cnt, 1);
}

static void equal_entries_leave_the_choice_to_the_leaves(void **state)
{
	phyr_sizes small = { 4 * K };
	struct phyr_place_request request = request_for(small, U);
	struct phyr_place_result result = place_one(x1, &request);

	(void)state;
	assert_int_equal(result.chosen.cost.entry_cnt, 1024);
	assert_int_equal(result.chosen.cost.leaf_cnt, 513);
}

static void a_promise_does_not_count_on_luck(void **state)
{
	/* The second run is one leaf at a multiple of 8M, but the device asks for 2M alone. */
	struct phyr_range runs[] = { { { 0x40100000 }, 16 * M }, { { 0x80000000 }, 8 * M } };
	phyr_sizes device = { 4 * K | 2 * M };
	struct phyr_place_request request = request_for(device, U);
	struct phyr_place_result result;
	struct phyr_list list;

	(void)state;
	request.leaf_sizes.mask = 4 * K | 2 * M | 8 * M;
	list_of(&list, runs, 2);
	result = place(&list, &request);
	assert_int_equal(result.key, PHYR_KEY_DEVICE);
	assert_int_equal(result.chosen.cost.entry_cnt, 12);
	assert_int_equal(result.chosen.cost.leaf_cnt,
			 4096 + (result.chosen.placement.phase_lg2 < 23 ? 4 : 1));
}

static void a_device_that_takes_the_io_address_has_no_conflict(void **state)
{
	struct phyr_place_request request = request_for(nic, 0x5000);
	struct phyr_place_result result;

	(void)state;
	request.name = PHYR_NAME_IOVA;
	result = place_one(big, &request);
	assert_false(result.conflict);
	assert_int_equal(result.chosen.cost.leaf_cnt, 50);
	assert_int_equal(result.chosen.cost.entry_cnt, 25);
	request.device_sizes = none;
	result = place_one(x1, &request);
	assert_false(result.conflict);
	assert_int_equal(result.chosen.cost.leaf_cnt, 513);
}

/* Random lists. */

static void list_of_random(struct phyr_list *list, uint64_t *random)
{
	struct phyr_range runs[3];
	size_t run_cnt = (size_t)(1 + test_random(random) % 3);

	for (size_t i = 0; i < run_cnt; i++) {
		unsigned int lg2 = 12 + (unsigned int)(test_random(random) % 20);

		runs[i].pa.addr = phyr_bits_down(test_random(random) >> 30, lg2);
		runs[i].len = 1 + test_random(random) % 40;
		runs[i].len <<= 12 + test_random(random) % 14;
	}
	runs[0].pa.addr += test_random(random) % 2 * 0x600;
	runs[0].len -= runs[0].pa.addr & 0xfff;
	runs[run_cnt - 1].len -= test_random(random) % 2 * 0x300;
	list_of(list, runs, run_cnt);
}

/* Named by an address that agrees with the memory in its page, and often further. */
static struct phyr_place_request request_of_random(const struct phyr_list *list, uint64_t *random)
{
	static const uint64_t leaves[] = { 4 * K | 2 * M | G, 4 * K | 64 * K | 2 * M,
					   2 * G - 4 * K };
	static const uint64_t entries[] = { 4 * G - 4 * K, 4 * K | 64 * K | 2 * M, 0 };
	phyr_sizes device = { entries[test_random(random) % 3] };
	struct phyr_place_request request = request_for(device, U);
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	request.address += stats.phase &
			   phyr_bits_mask(12 + (unsigned int)(test_random(random) % 24));
	request.leaf_sizes.mask = leaves[test_random(random) % 3];
	request.device_mixed = test_random(random) % 2;
	if (test_random(random) % 4 == 0)
		request.policy = PHYR_PLACE_SIZE_ALIGNED;
	if (test_random(random) % 4 == 0)
		request.name = PHYR_NAME_IOVA;
	return request;
}

/* With byte 0 at an address that equals the key in 40 bits: nothing is aligned better. */
static struct cost cost_with_key(const struct phyr_list *list,
				 const struct phyr_place_request *request, uint64_t key)
{
	return cost_at(list, request, UINT64_C(1) << 45 | (key & phyr_bits_mask(40)));
}

static void promises_are_kept_and_no_key_would_have_been_better(void **state)
{
	uint64_t random = test_number("PHYR_SEED", 1) | 1;
	uint64_t cnt = test_number("PHYR_ITER", 2000);

	(void)state;
	for (uint64_t i = 0; i < cnt; i++) {
		struct phyr_place_request request;
		struct phyr_place_result result;
		struct phyr_list_stats stats;
		struct phyr_list list;

		list_of_random(&list, &random);
		request = request_of_random(&list, &random);
		result = place(&list, &request);
		phyr_list_stats(&list, &stats);
		if (request.policy != PHYR_PLACE_PHASE)
			continue;
		if (!request.device_sizes.mask)
			assert_true(result.chosen.cost.leaf_cnt <=
				    cost_with_key(&list, &request, stats.phase).leaves);
		else if (request.name == PHYR_NAME_ADDRESS)
			assert_int_equal(result.chosen.cost.entry_cnt,
					 cost_with_key(&list, &request, request.address).entries);
		else
			assert_int_equal(
				result.chosen.cost.entry_cnt,
				cost_with_key(&list, &request, result.chosen.head_len).entries);
	}
}

/* Errors. */

static void refuse(const struct phyr_list *list, const struct phyr_place_request *request, int err)
{
	struct phyr_place_result result;
	struct phyr_place_result before;

	memset(&result, 0x3c, sizeof(result));
	memcpy(&before, &result, sizeof(result));
	assert_int_equal(phyr_place_plan(list, request, &result), err);
	assert_memory_equal(&result, &before, sizeof(result));
}

static void a_request_must_make_sense(void **state)
{
	struct phyr_place_request good = request_for(nic, U);
	struct phyr_place_request request = good;
	struct phyr_list empty;
	struct phyr_list list;

	(void)state;
	list_of(&empty, NULL, 0);
	list_of(&list, &x1, 1);
	refuse(NULL, &good, PHYR_E_INVAL);
	refuse(&list, NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_place_plan(&list, &good, NULL), PHYR_E_INVAL);
	refuse(&empty, &good, PHYR_E_INVAL);
	request.leaf_sizes = none;
	refuse(&list, &request, PHYR_E_INVAL);
	request = good;
	request.policy = (enum phyr_place_policy)4;
	refuse(&list, &request, PHYR_E_INVAL);
	request = good;
	request.name = (enum phyr_name)2;
	refuse(&list, &request, PHYR_E_INVAL);
}

static void what_cannot_be_placed_is_refused(void **state)
{
	struct phyr_range runs[] = { { { 0x10000 }, 4 * K }, { { 0x20000 }, 4 * K } };
	struct phyr_range whole = { { 0x800 }, TOP };
	struct phyr_place_request joint = request_for(none, 0);
	struct phyr_place_request wraps = request_for(nic, TOP);
	struct phyr_place_request small = request_for(none, 0);
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	joint.leaf_sizes.mask = 64 * K;
	refuse(&list, &joint, PHYR_E_ALIGN);
	refuse(&list, &wraps, PHYR_E_RANGE);
	small.window.last.addr = small.window.first.addr + 8 * K - 2;
	small.policy = PHYR_PLACE_SIZE_ALIGNED;
	refuse(&list, &small, PHYR_E_LIMIT);
	small.policy = PHYR_PLACE_PHASE;
	refuse(&list, &small, PHYR_E_LIMIT);
	small.window.last.addr++;
	assert_int_equal(place(&list, &small).chosen.reserve_len, 8 * K);
	list_of(&list, &whole, 1);
	refuse(&list, &joint, PHYR_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_phase_of_the_memory_halves_the_leaves),
		cmocka_unit_test(alignment_to_the_size_does_not),
		cmocka_unit_test(the_largest_block_decides_the_phase),
		cmocka_unit_test(both_ends_are_rounded_out_to_the_smallest_leaf),
		cmocka_unit_test(a_hundred_megabytes_take_25_entries_of_one_size_or_three_mixed),
		cmocka_unit_test(of_keys_that_disagree_the_one_with_fewer_entries_wins),
		cmocka_unit_test(equal_entries_leave_the_choice_to_the_leaves),
		cmocka_unit_test(a_promise_does_not_count_on_luck),
		cmocka_unit_test(a_device_that_takes_the_io_address_has_no_conflict),
		cmocka_unit_test(promises_are_kept_and_no_key_would_have_been_better),
		cmocka_unit_test(a_request_must_make_sense),
		cmocka_unit_test(what_cannot_be_placed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
