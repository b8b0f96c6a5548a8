/* SPDX-License-Identifier: MIT */
/*
 * Cutting for hardware that takes pages at other memory addresses: which sizes a run can have, how
 * ends are rounded out, what is refused; tags; counting the rest of a cut.
 *
 * Not here: natural alignment (test_split.c), whether it is the fewest (prop_split_min.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "split_world.h"

/* 4K and 2M, the latter at any page. */
static struct phyr_split_sizes loose_2m(void)
{
	struct phyr_split_sizes sizes = phyr_split_sizes_natural((phyr_sizes){ 4 * K | 2 * M });

	sizes.align_lg2[21] = 12;
	return sizes;
}

/* 64K at any page, and nothing smaller. */
static struct phyr_split_sizes loose_64k(void)
{
	struct phyr_split_sizes sizes = phyr_split_sizes_natural((phyr_sizes){ 64 * K });

	sizes.align_lg2[16] = 12;
	return sizes;
}

static void expect_blocks(struct phyr_split *split, uint64_t pa, uint64_t iova, unsigned int lg2,
			  uint64_t cnt)
{
	struct phyr_blocks blocks;

	assert_true(phyr_split_next(split, &blocks));
	assert_int_equal(blocks.pa.addr, pa);
	assert_int_equal(blocks.iova.addr, iova);
	assert_int_equal(blocks.lg2, lg2);
	assert_int_equal(blocks.cnt, cnt);
}

static void expect_end(struct phyr_split *split)
{
	struct phyr_blocks blocks;

	assert_false(phyr_split_next(split, &blocks));
}

static void a_huge_page_at_an_odd_address_needs_only_its_io_address_aligned(void **state)
{
	const struct phyr_split_sizes sizes = loose_2m();
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x40001000, 4 * M + 4 * K);
	assert_int_equal(
		phyr_split_begin_aligned(&list, phyr_iova_at(2 * M - 4 * K), &sizes, &split),
		PHYR_OK);
	expect_blocks(&split, 0x40001000, 2 * M - 4 * K, 12, 1);
	expect_blocks(&split, 0x40002000, 2 * M, 21, 2);
	expect_end(&split);
}

static void natural_sizes_cut_as_the_simple_call_does(void **state)
{
	const struct phyr_split_sizes natural =
		phyr_split_sizes_natural((phyr_sizes){ 4 * K | 2 * M });
	struct phyr_block_counts counts = { { 0 } }, simple;
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x40001800, 4 * M + 4 * K);
	assert_int_equal(phyr_split_begin_aligned(&list, phyr_iova_at(0x1800), &natural, &split),
			 PHYR_OK);
	phyr_split_count_rest(&split, &counts);
	assert_int_equal(phyr_split_count(&list, phyr_iova_at(0x1800), natural.sizes, &simple),
			 PHYR_OK);
	assert_memory_equal(&counts, &simple, sizeof(counts));
}

static void by_memory_alone_a_loose_size_starts_anywhere(void **state)
{
	const struct phyr_split_sizes sizes = loose_2m();
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x40001000, 4 * M + 4 * K);
	assert_int_equal(phyr_split_begin_physical_aligned(&list, &sizes, &split), PHYR_OK);
	expect_blocks(&split, 0x40001000, 0x40001000, 21, 2);
	expect_blocks(&split, 0x40401000, 0x40401000, 12, 1);
	expect_end(&split);
}

static void ends_are_rounded_out_by_io_addresses(void **state)
{
	const struct phyr_split_sizes sizes = loose_64k();
	const struct phyr_range runs[] = { { { 0x45000 }, 0xf000 }, { { 0x91000 }, 0x10001 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	assert_int_equal(phyr_split_begin_aligned(&list, phyr_iova_at(0x1000), &sizes, &split),
			 PHYR_OK);
	expect_blocks(&split, 0x44000, 0, 16, 1);
	expect_blocks(&split, 0x91000, 0x10000, 16, 2);
	expect_end(&split);
}

static void counting_goes_on_in_the_middle_of_a_run(void **state)
{
	const phyr_sizes sizes = { 4 * K | 2 * M };
	struct phyr_block_counts counts = { { [12] = 1 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 2 * M - 4 * K, 2 * M + 8 * K);
	assert_int_equal(phyr_split_begin_physical(&list, sizes, &split), PHYR_OK);
	expect_blocks(&split, 2 * M - 4 * K, 2 * M - 4 * K, 12, 1);
	phyr_split_count_rest(&split, &counts);
	assert_int_equal(counts.cnt[12], 2);
	assert_int_equal(counts.cnt[21], 1);
	expect_end(&split);
}

static void a_block_never_crosses_a_change_of_tag(void **state)
{
	const struct phyr_range a = { { 0 }, M }, b = { { M }, M };
	const struct phyr_tag peer = { PHYR_KIND_P2P, 1 };
	const phyr_sizes sizes = { 4 * K | 2 * M }, only_2m = { 2 * M };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, a, ram), PHYR_OK);
	assert_int_equal(phyr_list_append(&list, b, peer), PHYR_OK);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0), sizes, &split), PHYR_OK);
	expect_blocks(&split, 0, 0, 12, 256);
	expect_blocks(&split, M, M, 12, 256);
	expect_end(&split);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0), only_2m, &split), PHYR_E_ALIGN);
	assert_int_equal(phyr_split_begin_physical(&list, only_2m, &split), PHYR_E_ALIGN);
}

/* Errors. */

static void refuse(const struct phyr_list *list, uint64_t iova,
		   const struct phyr_split_sizes *sizes, int err)
{
	struct phyr_split split, before;

	memset(&split, 0x3c, sizeof(split));
	memcpy(&before, &split, sizeof(split));
	assert_int_equal(phyr_split_begin_aligned(list, phyr_iova_at(iova), sizes, &split), err);
	assert_memory_equal(&split, &before, sizeof(split));
}

static void refuse_physical(const struct phyr_list *list, const struct phyr_split_sizes *sizes,
			    int err)
{
	struct phyr_split split, before;

	memset(&split, 0x3c, sizeof(split));
	memcpy(&before, &split, sizeof(split));
	assert_int_equal(phyr_split_begin_physical_aligned(list, sizes, &split), err);
	assert_memory_equal(&split, &before, sizeof(split));
}

static void sizes_that_make_no_sense_are_refused(void **state)
{
	const struct phyr_split_sizes good = loose_2m(), small = loose_64k();
	struct phyr_split_sizes empty = good, strict = good;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0, 4 * M);
	empty.sizes.mask = 0;
	strict.align_lg2[21] = 22;
	refuse(&list, 0, &empty, PHYR_E_INVAL);
	refuse(&list, 0, &strict, PHYR_E_INVAL);
	refuse(&list, 0, NULL, PHYR_E_INVAL);
	refuse(NULL, 0, &good, PHYR_E_INVAL);
	assert_int_equal(phyr_split_begin_aligned(&list, phyr_iova_at(0), &good, NULL),
			 PHYR_E_INVAL);
	refuse_physical(&list, &empty, PHYR_E_INVAL);
	refuse_physical(&list, &strict, PHYR_E_INVAL);
	refuse_physical(&list, &small, PHYR_E_INVAL);
	refuse_physical(&list, NULL, PHYR_E_INVAL);
	refuse_physical(NULL, &good, PHYR_E_INVAL);
	assert_int_equal(phyr_split_begin_physical_aligned(&list, &good, NULL), PHYR_E_INVAL);
}

static void lists_that_do_not_fit_are_refused(void **state)
{
	const struct phyr_range joint[] = { { { 0x45000 }, 0xe000 }, { { 0x91000 }, 0x10000 } };
	const struct phyr_split_sizes sizes = loose_64k(), good = loose_2m();
	struct phyr_list list;

	(void)state;
	list_of(&list, joint, 2);
	refuse(&list, 0x1000, &sizes, PHYR_E_ALIGN); /* the joint is at 0xf000 */
	refuse(&list, 0x2800, &sizes, PHYR_E_ALIGN); /* half a page out of phase */
	refuse(&list, TOP, &sizes, PHYR_E_RANGE);
	list_of_one(&list, 0x1000, 0x1000);
	refuse(&list, 0x2000, &sizes, PHYR_E_RANGE); /* memory below 0 */
	list_of_one(&list, TOP, 0x1000);
	refuse(&list, 0, &sizes, PHYR_E_RANGE); /* memory beyond 2^64 */
	list_of_one(&list, 0x800, TOP);
	refuse_physical(&list, &good, PHYR_E_RANGE);
	list_of(&list, joint, 1);
	assert_int_equal(phyr_list_append(&list, (struct phyr_range){ { 0x800 }, 8 }, ram),
			 PHYR_OK);
	refuse_physical(&list, &good, PHYR_E_ALIGN);
}

static void an_empty_list_is_cut_into_nothing(void **state)
{
	const struct phyr_split_sizes sizes = loose_2m();
	struct phyr_block_counts counts = { { 0 } }, none = { { 0 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, NULL, 0);
	assert_int_equal(phyr_split_begin_aligned(&list, phyr_iova_at(77), &sizes, &split),
			 PHYR_OK);
	expect_end(&split);
	assert_int_equal(phyr_split_begin_physical_aligned(&list, &sizes, &split), PHYR_OK);
	phyr_split_count_rest(&split, &counts);
	assert_memory_equal(&counts, &none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_huge_page_at_an_odd_address_needs_only_its_io_address_aligned),
		cmocka_unit_test(natural_sizes_cut_as_the_simple_call_does),
		cmocka_unit_test(by_memory_alone_a_loose_size_starts_anywhere),
		cmocka_unit_test(ends_are_rounded_out_by_io_addresses),
		cmocka_unit_test(counting_goes_on_in_the_middle_of_a_run),
		cmocka_unit_test(a_block_never_crosses_a_change_of_tag),
		cmocka_unit_test(sizes_that_make_no_sense_are_refused),
		cmocka_unit_test(lists_that_do_not_fit_are_refused),
		cmocka_unit_test(an_empty_list_is_cut_into_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
