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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_gather_holds_nothing),
		cmocka_unit_test(nothing_removed_at_0_does_not_become_everything),
		cmocka_unit_test(a_gather_is_one_range_whatever_the_order),
		cmocka_unit_test(the_top_byte_can_be_gathered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
