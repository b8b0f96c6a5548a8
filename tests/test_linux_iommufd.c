/* SPDX-License-Identifier: MIT */
/* iommufd: the vectors U1 to U10, the place that its successor would choose, and what is refused. */
#include <phyrsim/linux_iommufd.h>

#include "linux_world.h"

/* A process's address that is a multiple of every page size. */
#define U UINT64_C(0x7f0000000000)

static const struct phyrsim_linux_iommufd empty = {
	.align_lg2 = 12,
	.huge_pages = true,
	.quirks = PHYRSIM_LINUX_AS_IS,
};
/* What U1 left behind: 4 MiB at 2 MiB. */
static const struct phyr_window area = { { 0x200000 }, { 0x5fffff } };

static struct phyrsim_linux_iommufd with_area(unsigned int quirks)
{
	struct phyrsim_linux_iommufd space = empty;

	space.taken = &area;
	space.taken_cnt = 1;
	space.quirks = quirks;
	return space;
}

static uint64_t place(struct phyrsim_linux_iommufd space, uint64_t addr, uint64_t len)
{
	struct phyrsim_linux_iommufd_memory memory = { addr, len };
	phyr_iova iova = { 1 };

	assert_int_equal(phyrsim_linux_iommufd_place(&space, &memory, &iova), PHYR_OK);
	return iova.addr;
}

static int refuse(struct phyrsim_linux_iommufd space, uint64_t addr, uint64_t len)
{
	struct phyrsim_linux_iommufd_memory memory = { addr, len };
	phyr_iova iova = { 1 };
	int err = phyrsim_linux_iommufd_place(&space, &memory, &iova);

	assert_int_equal(iova.addr, 1);
	return err;
}

static void u1_a_huge_page_begins_on_one(void **state)
{
	(void)state;
	assert_int_equal(place(empty, U + 0x200000, MIB(4)), 0x200000);
}

static void u2_memory_from_within_a_huge_page_loses_its_phase(void **state)
{
	(void)state;
	assert_int_equal(place(with_area(PHYRSIM_LINUX_AS_IS), U + 0x201000, MIB(4)), 0x600000);
}

static void u2_without_the_quirk_keeps_it(void **state)
{
	(void)state;
	/* Behind the area, and 0x1000 modulo 2 MiB, as the memory is. */
	assert_int_equal(place(with_area(0), U + 0x201000, MIB(4)), 0x601000);
	/* Where the address is aligned both are the same. */
	assert_int_equal(place(with_area(0), U + 0x200000, MIB(4)), 0x600000);
}

static void u4_less_aligned_than_a_page_is_refused(void **state)
{
	struct phyrsim_linux_iommufd space = empty;

	(void)state;
	assert_int_equal(refuse(space, U + 0x1234, 0x1000), PHYR_E_INVAL);
	space.quirks = 0;
	assert_int_equal(refuse(space, U + 0x1234, 0x1000), PHYR_E_INVAL);
}

static void u5_no_address_is_aligned_to_the_length_and_2m_at_most(void **state)
{
	(void)state;
	assert_int_equal(place(empty, 0, 0x300000), 0x200000);
	assert_int_equal(place(empty, 0, 0x8000), 0x8000);
}

static void u6_without_huge_pages_nothing_is_aligned(void **state)
{
	struct phyrsim_linux_iommufd space = empty;

	(void)state;
	space.huge_pages = false;
	assert_int_equal(place(space, U, GIB(1)), 0x1000);
}

static void u7_whole_areas_are_unmapped_or_nothing(void **state)
{
	struct phyrsim_linux_iommufd space = with_area(PHYRSIM_LINUX_AS_IS);
	struct phyr_window half = { { 0x200000 }, { 0x3fffff } };
	struct phyr_window nothing = { { 0x1000 }, { 0x1fffff } };
	struct phyr_window more = { { 0x1000 }, { 0x6fffff } };
	struct phyr_window all = { { 0 }, { UINT64_MAX } };
	uint64_t len = 1;

	(void)state;
	assert_int_equal(phyrsim_linux_iommufd_unmap(&space, half, &len), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iommufd_unmap(&space, nothing, &len), PHYR_E_NOENT);
	assert_int_equal(len, 1);
	assert_int_equal(phyrsim_linux_iommufd_unmap(&space, more, &len), PHYR_OK);
	assert_int_equal(len, MIB(4));
	assert_int_equal(phyrsim_linux_iommufd_unmap(&empty, all, &len), PHYR_OK);
	assert_int_equal(len, 0);
	assert_int_equal(phyrsim_linux_iommufd_unmap(NULL, all, &len), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iommufd_unmap(&empty, all, NULL), PHYR_E_INVAL);
}

static void u10_a_contiguous_gib_is_pinned_32_times_and_mapped_once(void **state)
{
	struct phyrsim_linux_iommufd_cost cost;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, GIB(4), GIB(1));
	assert_int_equal(phyrsim_linux_iommufd_cost(&list, &cost), PHYR_OK);
	assert_int_equal(cost.pin_cnt, 32); /* 262,144 pages / 8192 */
	assert_int_equal(cost.batch_cnt, 1);
	assert_int_equal(cost.call_cnt, 1);
}

static void scattered_pages_are_a_call_each_and_a_batch_in_5461(void **state)
{
	struct phyrsim_linux_iommufd_cost cost;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	list_open(&list, &mem);
	for (uint64_t i = 0; i < 5462; i++)
		append(&list, GIB(4) + i * 0x2000, 0x1000);
	assert_int_equal(phyrsim_linux_iommufd_cost(&list, &cost), PHYR_OK);
	assert_int_equal(cost.pin_cnt, 1);
	assert_int_equal(cost.batch_cnt, 2);
	assert_int_equal(cost.call_cnt, 5462);
	append(&list, GIB(8) + 1, 0x1000);
	assert_int_equal(phyrsim_linux_iommufd_cost(&list, &cost), PHYR_E_ALIGN);
	assert_int_equal(phyrsim_linux_iommufd_cost(NULL, &cost), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iommufd_cost(&list, NULL), PHYR_E_INVAL);
	list_close(&list, &mem);
}

static void the_first_hole_that_is_long_enough_is_taken(void **state)
{
	const struct phyr_window taken[] = { { { 0x2000 }, { 0x2fff } },
					     { { 0x5000 }, { 0x8fff } } };
	struct phyrsim_linux_iommufd space = empty;

	(void)state;
	space.taken = taken;
	space.taken_cnt = 2;
	assert_int_equal(place(space, U + 0x1000, 0x1000), 0x1000);
	assert_int_equal(place(space, U + 0x1000, 0x2000), 0x3000);
	assert_int_equal(place(space, U + 0x1000, 0x3000), 0x9000);
	assert_int_equal(place(space, U + 0x2000, 0x4000), 0xa000);
}

static void only_allowed_windows_are_used(void **state)
{
	const struct phyr_window allowed[] = { { { 0x10000 }, { 0x11fff } },
					       { { 0x20000 }, { 0x23fff } } };
	const struct phyr_window taken = { { 0x11000 }, { 0x20fff } };
	struct phyrsim_linux_iommufd space = empty;

	(void)state;
	space.allowed = allowed;
	space.allowed_cnt = 2;
	assert_int_equal(place(space, U + 0x1000, 0x1000), 0x10000);
	assert_int_equal(place(space, U + 0x1000, 0x3000), 0x20000);
	assert_int_equal(refuse(space, U + 0x1000, 0x5000), PHYR_E_NOSPACE);
	/* A window that is taken reaches over what is not allowed. */
	space.taken = &taken;
	space.taken_cnt = 1;
	assert_int_equal(place(space, U + 0x1000, 0x1000), 0x10000);
	assert_int_equal(place(space, U + 0x1000, 0x2000), 0x21000);
	assert_int_equal(refuse(space, U + 0x1000, 0x4000), PHYR_E_NOSPACE);
	space.allowed_cnt = 0;
	assert_int_equal(refuse(space, U, 0x1000), PHYR_E_NOSPACE);
}

static void lengths_are_whole_and_below_half_of_everything(void **state)
{
	struct phyrsim_linux_iommufd space = empty;
	struct phyrsim_linux_iommufd_memory memory = { U, 0x1000 };
	phyr_iova iova;

	(void)state;
	assert_int_equal(refuse(space, U, 0), PHYR_E_INVAL);
	assert_int_equal(refuse(space, U, 0x1800), PHYR_E_INVAL);
	assert_int_equal(refuse(space, U, UINT64_MAX / 2), PHYR_E_RANGE);
	assert_int_equal(phyrsim_linux_iommufd_place(NULL, &memory, &iova), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iommufd_place(&space, NULL, &iova), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iommufd_place(&space, &memory, NULL), PHYR_E_INVAL);
	space.taken_cnt = 1;
	assert_int_equal(refuse(space, U, 0x1000), PHYR_E_INVAL);
	space = empty;
	space.align_lg2 = 16;
	assert_int_equal(refuse(space, U + 0x1000, 0x10000), PHYR_E_INVAL);
	assert_int_equal(place(space, U + 0x10000, 0x10000), 0x10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u1_a_huge_page_begins_on_one),
		cmocka_unit_test(u2_memory_from_within_a_huge_page_loses_its_phase),
		cmocka_unit_test(u2_without_the_quirk_keeps_it),
		cmocka_unit_test(u4_less_aligned_than_a_page_is_refused),
		cmocka_unit_test(u5_no_address_is_aligned_to_the_length_and_2m_at_most),
		cmocka_unit_test(u6_without_huge_pages_nothing_is_aligned),
		cmocka_unit_test(u7_whole_areas_are_unmapped_or_nothing),
		cmocka_unit_test(u10_a_contiguous_gib_is_pinned_32_times_and_mapped_once),
		cmocka_unit_test(scattered_pages_are_a_call_each_and_a_batch_in_5461),
		cmocka_unit_test(the_first_hole_that_is_long_enough_is_taken),
		cmocka_unit_test(only_allowed_windows_are_used),
		cmocka_unit_test(lengths_are_whole_and_below_half_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
