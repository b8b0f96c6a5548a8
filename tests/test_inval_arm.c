/* SPDX-License-Identifier: MIT */
/* Arm's commands: how lengths are cut so that NUM and SCALE can say them, level hints, syncs. */
#include "inval_world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	start(w, PHYRSIM_INVAL_ARM);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void a_length_is_cut_into_five_bits_at_a_time(void **state)
{
	struct world *w = *state;

	strict(w, 0x1000, 511 * K4 + 0xfff);
	assert_int_equal(w->cnt, 2);
	assert_range(&w->commands[0], 0x1000, 31 * K4, false);
	assert_range(&w->commands[1], 32 * K4, 15 * 32 * K4, false);
	strict(w, 0, M2 - 1);
	assert_int_equal(w->cnt, 1);
	strict(w, 0, 33 * K4 - 1);
	assert_int_equal(w->cnt, 2);
	assert_range(&w->commands[0], 0, K4, false);
	assert_range(&w->commands[1], K4, 32 * K4, false);
}

static void what_cannot_be_scaled_is_everything(void **state)
{
	struct world *w = *state;

	strict(w, 0, phyr_bits_mask(47));
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0, phyr_bits_size(47), false);
	strict(w, 0, phyr_bits_mask(48));
	assert_all(w);
}

static void leaves_of_one_level_are_hinted(void **state)
{
	static const uint64_t rows[][2] = {
		/* leaves, hint */
		{ K4, 12 },
		{ M2, 21 },
		{ G1, 30 },
		{ K4 | 0x10000, 12 },
		{ M2 | 0x2000000, 21 },
		{ K4 | M2, 0 },
		{ 0, 0 },
		{ UINT64_C(1) << 39, 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < CNT(rows); i++) {
		struct phyr_gather gather = removed(0, 2 * G1 - 1, rows[i][0]);

		w->cnt = 0;
		phyrsim_inval_flush(&w->inval, &gather);
		assert_int_equal(w->commands[0].leaf_lg2, rows[i][1]);
		with_tables(&gather, 0, M2 - 1);
		phyrsim_inval_flush(&w->inval, &gather);
		assert_int_equal(w->commands[1].leaf_lg2, 0);
		assert_true(w->commands[1].walk);
	}
}

static void the_reserved_hint_of_16k_is_not_given(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_ARM,
					       .granule_lg2 = 14 };
	struct phyr_gather level1 = removed(0, phyr_bits_mask(36), phyr_bits_size(36));
	struct phyr_gather level2 = removed(0, phyr_bits_mask(36), phyr_bits_size(25));
	struct world *w = *state;

	start_with(w, &params);
	phyrsim_inval_flush(&w->inval, &level1);
	phyrsim_inval_flush(&w->inval, &level2);
	assert_int_equal(w->commands[0].leaf_lg2, 0);
	assert_int_equal(w->commands[1].leaf_lg2, 25);
}

static void a_single_granule_without_a_hint_becomes_two(void **state)
{
	struct phyr_gather low = removed(0x3000, 0x3fff, 0);
	struct phyr_gather top = removed(UINT64_MAX - (K4 - 1), UINT64_MAX, 0);
	struct phyr_gather odd = removed(0, 33 * K4 - 1, 0);
	struct world *w = *state;

	phyrsim_inval_flush(&w->inval, &low);
	phyrsim_inval_flush(&w->inval, &top);
	assert_int_equal(w->cnt, 2);
	assert_range(&w->commands[0], 0x3000, 2 * K4, false);
	assert_range(&w->commands[1], 0 - 2 * K4, 2 * K4, false);
	phyrsim_inval_flush(&w->inval, &odd);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[2], 0, 34 * K4, false);
}

/* Vector F10. */
static void another_size_of_leaves_is_another_sync(void **state)
{
	struct phyr_gather gather = removed(M2 + K4, 3 * M2 - 1, K4 | M2);
	struct world *w = *state;

	phyrsim_inval_add(&w->inval, &gather, &w->gather);
	flush(w);
	assert_int_equal(w->inval.stats.wait_cnt, 2);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[0], M2 + K4, 31 * K4, false);
	assert_range(&w->commands[1], M2 + 32 * K4, 15 * 32 * K4, false);
	assert_range(&w->commands[2], 2 * M2, M2, false);
}

static void unmaps_of_one_size_are_one_sync_until_a_gap(void **state)
{
	struct world *w = *state;

	unmap(w, 0, K4 - 1);
	unmap(w, K4, 3 * K4 - 1);
	assert_int_equal(w->cnt, 0);
	unmap(w, 8 * K4, 9 * K4 - 1);
	assert_int_equal(w->inval.stats.wait_cnt, 1);
	flush(w);
	assert_int_equal(w->inval.stats.wait_cnt, 2);
}

static void without_ranges_each_leaf_is_a_command(void **state)
{
	struct phyr_gather large = removed(0, 4 * M2 - 1, M2);
	struct world *w = *state;

	start(w, PHYRSIM_INVAL_ARM_SINGLE);
	phyrsim_inval_flush(&w->inval, &large);
	assert_int_equal(w->cnt, 4);
	assert_range(&w->commands[3], 3 * M2, M2, false);
	strict(w, K4, 512 * K4 - 1);
	assert_int_equal(w->cnt, 511);
	assert_range(&w->commands[510], 511 * K4, K4, false);
	strict(w, 0, 512 * K4 - 1);
	assert_all(w);
}

static void a_group_of_contiguous_leaves_is_named_leaf_by_leaf(void **state)
{
	struct phyr_gather group = removed(0x10000, 0x1ffff, 0x10000);
	struct world *w = *state;

	start(w, PHYRSIM_INVAL_ARM_SINGLE);
	phyrsim_inval_flush(&w->inval, &group);
	assert_int_equal(w->cnt, 16);
}

static void larger_granules_have_other_thresholds(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_ARM_SINGLE,
					       .granule_lg2 = 14 };
	struct phyr_gather below = removed(0, 2047 * 4 * K4 - 1, 4 * K4);
	struct world *w = *state;

	start_with(w, &params);
	phyrsim_inval_flush(&w->inval, &below);
	assert_int_equal(w->inval.stats.command_cnt, 2047);
	assert_int_equal(w->inval.stats.domain_cnt, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_length_is_cut_into_five_bits_at_a_time),
		CASE(what_cannot_be_scaled_is_everything),
		CASE(leaves_of_one_level_are_hinted),
		CASE(the_reserved_hint_of_16k_is_not_given),
		CASE(a_single_granule_without_a_hint_becomes_two),
		CASE(another_size_of_leaves_is_another_sync),
		CASE(unmaps_of_one_size_are_one_sync_until_a_gap),
		CASE(without_ranges_each_leaf_is_a_command),
		CASE(a_group_of_contiguous_leaves_is_named_leaf_by_leaf),
		CASE(larger_granules_have_other_thresholds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
