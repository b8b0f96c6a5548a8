/* SPDX-License-Identifier: MIT */
/* The gather: one range, explicitly empty until something was removed. */

#include <phyr/iommu.h>

#include "test.h"

static void add(struct phyr_gather *gather, uint64_t first, uint64_t len)
{
	struct phyr_iova_range range = { { first }, len };

	phyr_gather_add(gather, range);
}

static void a_new_gather_holds_nothing(void **state)
{
	struct phyr_gather gather;

	(void)state;
	memset(&gather, 0xa5, sizeof(gather));
	phyr_gather_init(&gather);
	assert_true(gather.empty);
	assert_null(gather.freed);
	assert_int_equal(gather.unmap_cnt, 0);
	assert_false(gather.tables_removed);
	assert_false(gather.queued);
	assert_int_equal(gather.removed_len, 0);
	assert_int_equal(gather.leaves.mask, 0);
}

static void nothing_removed_at_0_does_not_become_everything(void **state)
{
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	add(&gather, 0, 0);
	assert_true(gather.empty);
	assert_int_equal(gather.unmap_cnt, 0);
}

static void a_gather_is_one_range_whatever_the_order(void **state)
{
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	add(&gather, 0x8000, 0x1000);
	add(&gather, 0x2000, 0x1000);
	add(&gather, 0x4000, 0x1000);
	assert_false(gather.empty);
	assert_int_equal(gather.first, 0x2000);
	assert_int_equal(gather.last, 0x8fff);
	assert_int_equal(gather.unmap_cnt, 3);
}

static void the_top_byte_can_be_gathered(void **state)
{
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	add(&gather, UINT64_MAX - 0xfff, 0x1000);
	assert_int_equal(gather.last, UINT64_MAX);
	add(&gather, 0, 0x1000);
	assert_int_equal(gather.first, 0);
	assert_int_equal(gather.last, UINT64_MAX);
}

static void what_was_removed_is_counted_without_the_gaps(void **state)
{
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	add(&gather, 0x8000, 0x1000);
	add(&gather, 0x2000, 0x3000);
	assert_int_equal(gather.removed_len, 0x4000);
	add(&gather, 0, UINT64_MAX);
	assert_int_equal(gather.removed_len, UINT64_MAX);
	add(&gather, 0, 0x1000);
	assert_int_equal(gather.removed_len, UINT64_MAX);
}

static void the_sizes_of_leaves_are_a_set(void **state)
{
	phyr_sizes small = { 0x1000 }, large = { 0x200000 }, none = { 0 };
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	assert_int_equal(gather.leaves.mask, 0);
	phyr_gather_add_leaves(&gather, small);
	phyr_gather_add_leaves(&gather, none);
	phyr_gather_add_leaves(&gather, small);
	assert_int_equal(gather.leaves.mask, 0x1000);
	phyr_gather_add_leaves(&gather, large);
	assert_int_equal(gather.leaves.mask, 0x201000);
	assert_true(gather.empty);
}

static void removed_tables_are_one_window(void **state)
{
	struct phyr_window high = { { UINT64_MAX - 0x1fffff }, { UINT64_MAX } };
	struct phyr_window low = { { 0x200000 }, { 0x3fffff } };
	struct phyr_gather gather;

	(void)state;
	phyr_gather_init(&gather);
	phyr_gather_add_table(&gather, high);
	assert_true(gather.tables_removed);
	assert_int_equal(gather.tables_first, UINT64_MAX - 0x1fffff);
	assert_int_equal(gather.tables_last, UINT64_MAX);
	phyr_gather_add_table(&gather, low);
	assert_int_equal(gather.tables_first, 0x200000);
	assert_int_equal(gather.tables_last, UINT64_MAX);
}

static void joining_is_adding_what_the_other_holds(void **state)
{
	struct phyr_window span = { { 0x200000 }, { 0x3fffff } };
	struct phyr_gather gather, more;
	phyr_sizes sizes = { 0x1000 };

	(void)state;
	phyr_gather_init(&gather);
	phyr_gather_init(&more);
	add(&gather, 0x8000, 0x1000);
	add(&more, 0x200000, 0x1000);
	add(&more, 0x202000, 0x1000);
	phyr_gather_add_leaves(&more, sizes);
	phyr_gather_add_table(&more, span);
	gather.freed = &span;
	more.freed = &sizes;
	phyr_gather_join(&gather, &more);
	assert_int_equal(gather.first, 0x8000);
	assert_int_equal(gather.last, 0x202fff);
	assert_int_equal(gather.removed_len, 0x3000);
	assert_int_equal(gather.unmap_cnt, 3);
	assert_int_equal(gather.leaves.mask, 0x1000);
	assert_true(gather.tables_removed && gather.tables_first == 0x200000);
	assert_ptr_equal(gather.freed, &span);
}

static void joining_an_empty_gather_changes_nothing(void **state)
{
	struct phyr_gather gather, more;

	(void)state;
	phyr_gather_init(&gather);
	phyr_gather_init(&more);
	phyr_gather_join(&gather, &more);
	assert_true(gather.empty && !gather.tables_removed);
	assert_int_equal(gather.unmap_cnt, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_gather_holds_nothing),
		cmocka_unit_test(nothing_removed_at_0_does_not_become_everything),
		cmocka_unit_test(a_gather_is_one_range_whatever_the_order),
		cmocka_unit_test(the_top_byte_can_be_gathered),
		cmocka_unit_test(what_was_removed_is_counted_without_the_gaps),
		cmocka_unit_test(the_sizes_of_leaves_are_a_set),
		cmocka_unit_test(removed_tables_are_one_window),
		cmocka_unit_test(joining_is_adding_what_the_other_holds),
		cmocka_unit_test(joining_an_empty_gather_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
