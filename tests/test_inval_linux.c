/* SPDX-License-Identifier: MIT */
/*
 * VT-d as Linux 6.12 drives it: the windows, in order, that a real kernel was seen to send for its
 * unmaps (VFIO on QEMU's VT-d, cases c03, c09, c10 and c13 of the recorded traces).
 */
#include "inval_world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	start(w, PHYRSIM_INVAL_VTD_LINUX);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* As the kernel frees tables: those whose whole span is in the range. */
static void unmap_tables(struct world *w, uint64_t first, uint64_t last, uint64_t tables_first,
			 uint64_t tables_last)
{
	struct phyr_gather gather = removed(first, last, K4);

	with_tables(&gather, tables_first, tables_last);
	phyrsim_inval_add(&w->inval, &gather, &w->gather);
}

static void a_dma_unmap_is_one_window_with_the_hint(void **state)
{
	struct world *w = *state;

	strict(w, 0xfffbe000, 0xfffbefff);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0xfffbe000, K4, false);
	strict(w, 0xfff98000, 0xfff9cfff); /* 20K: mask 3 */
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0xfff98000, 8 * K4, false);
}

static void neighbours_of_one_length_are_one_window(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 512; i++)
		unmap(w, 0x10000000 + i * K4, 0x10000fff + i * K4);
	assert_int_equal(w->cnt, 0);
	flush(w);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0x10000000, M2, false);
}

static void unmaps_of_the_caller_that_are_apart_flush_apart(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 512; i++)
		unmap(w, 0x10000000 + 2 * i * K4, 0x10000fff + 2 * i * K4);
	flush(w);
	assert_int_equal(w->cnt, 512);
	assert_int_equal(w->inval.stats.wait_cnt, 512);
	assert_int_equal(w->inval.stats.invalidated_len, w->inval.stats.removed_len);
}

/* 16M at 4K behind a multiple of 2M: [… 2M) with IH=0, then 14M and 4K with IH=1. */
static void an_unmap_is_cut_where_a_larger_page_takes_over(void **state)
{
	struct world *w = *state;

	unmap_tables(w, 0x100001000, 0x101000fff, 0x100200000, 0x100ffffff);
	assert_int_equal(w->cnt, 2);
	flush(w);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[0], 0x100000000, M2, true);
	assert_range(&w->commands[1], 0x100000000, 0x1000000, false);
	assert_range(&w->commands[2], 0x101000000, K4, false);
	assert_int_equal(w->inval.stats.walk_cnt, 1);
}

/* Sent in order, tables would go with their own window, the second one. */
static void in_order_tables_go_with_their_own_window(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX,
					       .ordered = true };
	struct world *w = *state;

	start_with(w, &params);
	unmap_tables(w, 0x100001000, 0x101000fff, 0x100200000, 0x100ffffff);
	flush(w);
	assert_int_equal(w->cnt, 3);
	assert_range(&w->commands[0], 0x100000000, M2, false);
	assert_range(&w->commands[1], 0x100000000, 0x1000000, true);
	assert_range(&w->commands[2], 0x101000000, K4, false);
}

static void misaligned_unmaps_behind_one_another_flush_three_times_each(void **state)
{
	static const uint64_t windows[][3] = {
		/* first, length, walk */
		{ 0x10000000, 2 * M2, false }, { 0x10200000, M2, true }, { 0x10400000, M2, false },
		{ 0x10600000, K4, false },     { 0x10600000, M2, true }, { 0x10800000, M2, false },
		{ 0x10a00000, K4, false },     { 0x10a00000, M2, true }, { 0x10c00000, M2, false },
		{ 0x10e00000, K4, false },
	};
	struct world *w = *state;

	unmap(w, 0x10001000, 0x10200fff); /* 2M does not fit behind the next multiple of 2M */
	unmap_tables(w, 0x10201000, 0x10600fff, 0x10400000, 0x105fffff);
	unmap_tables(w, 0x10601000, 0x10a00fff, 0x10800000, 0x109fffff);
	unmap_tables(w, 0x10a01000, 0x10e00fff, 0x10c00000, 0x10dfffff);
	flush(w);
	assert_int_equal(w->cnt, CNT(windows));
	for (size_t i = 0; i < CNT(windows); i++)
		assert_range(&w->commands[i], windows[i][0], windows[i][1], windows[i][2]);
}

static void a_gigabyte_is_a_mask_of_18_or_the_domain(void **state)
{
	struct world *w = *state;

	strict(w, 0x100000000, 0x13fffffff);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0x100000000, G1, false);
	strict(w, 0x100200000, 0x1401fffff);
	assert_all(w);
}

static void the_sizes_of_the_table_decide_the_cut(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX,
					       .sizes = { K4 } };
	struct world *w = *state;

	start_with(w, &params);
	unmap(w, 0x100001000, 0x101000fff);
	flush(w);
	assert_int_equal(w->cnt, 1);
	assert_range(&w->commands[0], 0x100000000, 0x2000000, false);
}

static void what_was_freed_waits_for_the_last_flush(void **state)
{
	struct world *w = *state;
	int chain;

	unmap(w, 0, K4 - 1);
	w->gather.freed = &chain;
	unmap(w, 8 * K4, 9 * K4 - 1);
	assert_int_equal(w->cnt, 1);
	assert_ptr_equal(w->gather.freed, &chain);
	assert_int_equal(w->gather.first, 8 * K4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_dma_unmap_is_one_window_with_the_hint),
		CASE(neighbours_of_one_length_are_one_window),
		CASE(unmaps_of_the_caller_that_are_apart_flush_apart),
		CASE(an_unmap_is_cut_where_a_larger_page_takes_over),
		CASE(in_order_tables_go_with_their_own_window),
		CASE(misaligned_unmaps_behind_one_another_flush_three_times_each),
		CASE(a_gigabyte_is_a_mask_of_18_or_the_domain),
		CASE(the_sizes_of_the_table_decide_the_cut),
		CASE(what_was_freed_waits_for_the_last_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
