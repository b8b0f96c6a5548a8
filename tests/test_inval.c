/* SPDX-License-Identifier: MIT */
/* What each personality sends for a gather: windows, cuts, single pages, everything. */
#include "inval_world.h"

static struct world *world(void **state)
{
	return *state;
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void what_is_not_offered_is_refused(void **state)
{
	static const struct phyrsim_inval_params wrong[] = {
		{ .personality = (enum phyrsim_personality)PHYRSIM_PERSONALITY_CNT },
		{ .personality = PHYRSIM_INVAL_VTD, .mask_max = 52 },
		{ .personality = PHYRSIM_INVAL_AMD, .mask_max = 18 },
		{ .personality = PHYRSIM_INVAL_ARM, .caching_mode = true },
		{ .personality = PHYRSIM_INVAL_VTD, .ordered = true },
		{ .personality = PHYRSIM_INVAL_VTD, .granule_lg2 = 14 },
		{ .personality = PHYRSIM_INVAL_ARM, .granule_lg2 = 13 },
		{ .personality = PHYRSIM_INVAL_ARM, .granule_lg2 = 64 },
		{ .personality = PHYRSIM_INVAL_VTD_LINUX, .sizes = { 0x800 } },
	};
	struct phyrsim_inval_params params = { 0 };
	struct phyrsim_inval inval;

	(void)state;
	for (size_t i = 0; i < CNT(wrong); i++)
		assert_int_equal(phyrsim_inval_init(&wrong[i], NULL, &inval), PHYR_E_INVAL);
	assert_int_equal(phyrsim_inval_init(NULL, NULL, &inval), PHYR_E_INVAL);
	assert_int_equal(phyrsim_inval_init(&params, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_inval_init(&params, NULL, &inval), PHYR_OK);
	assert_int_equal(inval.params.granule_lg2, 12);
}

static void nobody_needs_to_listen(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD };
	struct phyr_gather gather = removed(0x3000, 0x6fff, K4);
	struct phyrsim_inval inval;

	(void)state;
	assert_int_equal(phyrsim_inval_init(&params, NULL, &inval), PHYR_OK);
	phyrsim_inval_flush(&inval, &gather);
	assert_int_equal(inval.stats.command_cnt, 1);
	assert_int_equal(inval.stats.range_cnt, 1);
	assert_int_equal(inval.stats.wait_cnt, 1);
	assert_int_equal(inval.stats.removed_len, 4 * K4);
	assert_int_equal(inval.stats.invalidated_len, 8 * K4);
}

static void an_empty_gather_sends_nothing(void **state)
{
	struct world *w = world(state);

	for (int p = 0; p < PHYRSIM_PERSONALITY_CNT; p++) {
		struct phyr_gather none;

		start(w, (enum phyrsim_personality)p);
		phyr_gather_init(&none);
		phyrsim_inval_add(&w->inval, &none, &w->gather);
		flush(w);
		assert_int_equal(w->cnt, 0);
		assert_int_equal(w->inval.stats.wait_cnt, 0);
	}
}

static void generic_hardware_is_told_the_range(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_GENERIC);
	unmap(w, 0x3000, 0x3fff);
	unmap(w, 0x6000, 0x6fff);
	with_tables(&w->gather, 0, M2 - 1);
	flush(w);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0x3000, 4 * K4, true);
	assert_int_equal(w->inval.stats.removed_len, 2 * K4);
	assert_int_equal(w->inval.stats.walk_cnt, 1);
}

/* The vectors F5 and F7, and masks that a real kernel has sent. */
static void vtd_takes_the_smallest_aligned_window(void **state)
{
	static const uint64_t rows[][4] = {
		/* first, last, window, order */
		{ 0x3000, 0x6fff, 0x0, 3 },
		{ 0xffff8000, 0xffffcfff, 0xffff8000, 3 },
		{ 0xfffbe000, 0xfffbefff, 0xfffbe000, 0 },
		{ 0xfffa0000, 0xfffbffff, 0xfffa0000, 5 },
		{ 0x10001000, 0x10200fff, 0x10000000, 10 },
		{ 0x10201000, 0x103fffff, 0x10200000, 9 },
		{ 0x100200000, 0x100ffffff, 0x100000000, 12 },
		{ 0x0ffff000, 0x10000fff, 0x0, 17 },
	};
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_VTD);
	for (size_t i = 0; i < CNT(rows); i++) {
		strict(w, rows[i][0], rows[i][1]);
		assert_int_equal(w->cnt, 1);
		assert_range(&w->commands[0], rows[i][2], K4 << rows[i][3], false);
	}
}

static void vtd_names_the_domain_above_its_largest_mask(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD, .mask_max = 9 };
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_VTD);
	strict(w, 4 * G1, 5 * G1 - 1);
	assert_range(&w->commands[0], 4 * G1, G1, false);
	strict(w, 4 * G1 + M2, 5 * G1 + M2 - 1); /* mask 19 */
	assert_all(w);
	assert_int_equal(w->inval.stats.domain_cnt, 1);
	start_with(w, &params);
	strict(w, 0, M2 - 1);
	assert_range(&w->commands[0], 0, M2, false);
	strict(w, 0, 2 * M2 - 1);
	assert_all(w);
}

static void vtd_spares_table_pointers_unless_tables_went(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_VTD);
	unmap(w, 0, K4 - 1);
	with_tables(&w->gather, 0, M2 - 1);
	flush(w);
	assert_range(&w->commands[0], 0, K4, true);
	strict(w, 0, K4 - 1);
	assert_range(&w->commands[0], 0, K4, false);
}

static void only_caching_mode_flushes_maps(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX,
					       .caching_mode = true };
	struct phyr_iova_range range = { { 0x3000 }, 4 * K4 };
	struct phyr_iova_range none = { { 0x3000 }, 0 };
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_VTD_LINUX);
	phyrsim_inval_map(&w->inval, range);
	assert_int_equal(w->cnt, 0);
	start_with(w, &params);
	phyrsim_inval_map(&w->inval, none);
	assert_int_equal(w->cnt, 0);
	phyrsim_inval_map(&w->inval, range);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0, 8 * K4, true);
	assert_int_equal(w->inval.stats.wait_cnt, 1);
}

static void amd_takes_one_window_and_drops_pointers(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_AMD);
	strict(w, 0x3000, 0x6fff);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0, 8 * K4, true);
	strict(w, 0, phyr_bits_mask(51));
	assert_range(&w->commands[0], 0, phyr_bits_size(51), true);
	strict(w, 0, phyr_bits_mask(52));
	assert_all(w);
}

/* Vector F9. */
static void amd_exact_cuts_into_aligned_pieces(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_AMD_EXACT);
	strict(w, 0x3000, 0x6fff);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[0], 0x3000, K4, true);
	assert_range(&w->commands[1], 0x4000, 2 * K4, true);
	assert_range(&w->commands[2], 0x6000, K4, true);
	assert_int_equal(w->inval.stats.invalidated_len, w->inval.stats.removed_len);
	assert_int_equal(w->inval.stats.wait_cnt, 1);
}

static void amd_exact_flushes_before_a_gap(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_AMD_EXACT);
	unmap(w, 0x3000, 0x3fff);
	unmap(w, 0x4000, 0x4fff);
	unmap(w, 0x2000, 0x2fff);
	assert_int_equal(w->cnt, 0);
	unmap(w, 0x6000, 0x6fff);
	assert_int_equal(w->cnt, 2);
	flush(w);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[0], 0x2000, 2 * K4, true);
	assert_range(&w->commands[1], 0x4000, K4, true);
	assert_range(&w->commands[2], 0x6000, K4, true);
	assert_int_equal(w->inval.stats.wait_cnt, 2);
}

static void riscv_names_pages_below_2m(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_RISCV);
	strict(w, 0x3000, M2 + 0x1fff);
	assert_int_equal(w->cnt, 511);
	assert_range(&w->commands[0], 0x3000, K4, false);
	assert_range(&w->commands[510], M2 + 0x1000, K4, false);
	strict(w, 0x3000, M2 + 0x2fff);
	assert_all(w);
}

static void riscv_names_everything_when_tables_went(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_RISCV);
	unmap(w, 0, K4 - 1);
	with_tables(&w->gather, 0, M2 - 1);
	flush(w);
	assert_all(w);
}

static void riscv_with_extensions_cuts_into_aligned_pieces(void **state)
{
	struct world *w = world(state);

	start(w, PHYRSIM_INVAL_RISCV_NL);
	unmap(w, 0x3000, 0x6fff);
	with_tables(&w->gather, 0, M2 - 1);
	flush(w);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[1], 0x4000, 2 * K4, true);
	strict(w, 0, G1 - 1);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0, G1, false);
}

/* Nobody may take the length of the whole space, which is 0, for nothing. */
static void the_whole_space_is_everything(void **state)
{
	struct world *w = world(state);

	for (int p = 0; p < PHYRSIM_PERSONALITY_CNT; p++) {
		struct phyr_gather gather = removed(0, K4 - 1, K4);
		struct phyr_gather top = removed(UINT64_MAX - (K4 - 1), UINT64_MAX, K4);

		start(w, (enum phyrsim_personality)p);
		phyr_gather_join(&gather, &top);
		phyrsim_inval_flush(&w->inval, &gather);
		assert_all(w);
	}
}

static void everything_is_one_command_and_a_wait(void **state)
{
	struct world *w = world(state);

	for (int p = 0; p < PHYRSIM_PERSONALITY_CNT; p++) {
		start(w, (enum phyrsim_personality)p);
		phyrsim_inval_flush_all(&w->inval);
		assert_all(w);
		assert_int_equal(w->inval.stats.domain_cnt, 1);
		assert_int_equal(w->inval.stats.walk_cnt, 1);
		assert_int_equal(w->inval.stats.wait_cnt, 1);
		assert_int_equal(w->inval.stats.removed_len, 0);
	}
}

static void what_is_queued_only_grows(void **state)
{
	struct world *w = world(state);

	for (int p = 0; p < PHYRSIM_PERSONALITY_CNT; p++) {
		struct phyr_gather mixed = removed(M2 + K4, 3 * M2 - 1, K4 | M2);
		struct phyr_gather apart = removed(8 * M2, 9 * M2 - 1, M2);

		start(w, (enum phyrsim_personality)p);
		w->gather.queued = true;
		phyrsim_inval_add(&w->inval, &mixed, &w->gather);
		phyrsim_inval_add(&w->inval, &apart, &w->gather);
		assert_int_equal(w->cnt, 0);
		assert_int_equal(w->gather.first, M2 + K4);
		assert_int_equal(w->gather.last, 9 * M2 - 1);
		assert_int_equal(w->gather.unmap_cnt, 2);
		assert_true(w->gather.queued);
	}
}

/* Who cuts unmaps, and who flushes before a gap, has to be asked. */
static void a_gather_grows_by_itself_unless_its_driver_has_a_say(void **state)
{
	struct world *w = world(state);

	for (int p = 0; p < PHYRSIM_PERSONALITY_CNT; p++) {
		struct phyr_gather some = removed(M2, 2 * M2 - 1, M2);
		bool cuts = p == PHYRSIM_INVAL_VTD_LINUX || p == PHYRSIM_INVAL_ARM ||
			    p == PHYRSIM_INVAL_ARM_SINGLE;

		start(w, (enum phyrsim_personality)p);
		assert_int_equal(phyrsim_inval_grows(&w->inval, &w->gather), !cuts);
		assert_int_equal(phyrsim_inval_grows(&w->inval, &some),
				 !cuts && p != PHYRSIM_INVAL_AMD_EXACT);
		some.queued = true;
		assert_true(phyrsim_inval_grows(&w->inval, &some));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_not_offered_is_refused),
		CASE(nobody_needs_to_listen),
		CASE(an_empty_gather_sends_nothing),
		CASE(generic_hardware_is_told_the_range),
		CASE(vtd_takes_the_smallest_aligned_window),
		CASE(vtd_names_the_domain_above_its_largest_mask),
		CASE(vtd_spares_table_pointers_unless_tables_went),
		CASE(only_caching_mode_flushes_maps),
		CASE(amd_takes_one_window_and_drops_pointers),
		CASE(amd_exact_cuts_into_aligned_pieces),
		CASE(amd_exact_flushes_before_a_gap),
		CASE(riscv_names_pages_below_2m),
		CASE(riscv_names_everything_when_tables_went),
		CASE(riscv_with_extensions_cuts_into_aligned_pieces),
		CASE(the_whole_space_is_everything),
		CASE(everything_is_one_command_and_a_wait),
		CASE(what_is_queued_only_grows),
		CASE(a_gather_grows_by_itself_unless_its_driver_has_a_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
