/* SPDX-License-Identifier: MIT */
/*
 * One page size for a whole region: the published vectors with pages that may cover more than the
 * region and without, the eleven bugs that others had here, alignments of their own, limited start
 * offsets.
 *
 * Not here: mixed sizes (test_split.c), the pages themselves (test_fill.c), what is said about the
 * choice (test_explain.c), random worlds (prop_split.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "split_world.h"

static uint64_t page_cnt(const struct phyr_list *list, uint64_t address, uint64_t size)
{
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	uint64_t cnt = 0;

	assert_int_equal(phyr_split_pages_begin(list, address, phyr_bits_log2(size), &pages),
			 PHYR_OK);
	while (phyr_split_pages_next(&pages, &blocks)) {
		assert_int_equal(blocks.lg2, phyr_bits_log2(size));
		cnt += blocks.cnt;
	}
	return cnt;
}

/* The best size and how many pages it takes; both 0 when none fits. */
static void expect_best(const struct region *region, uint64_t sizes, enum phyr_cover cover,
			uint64_t want_size, uint64_t want_cnt)
{
	phyr_sizes set = { sizes };
	struct phyr_list list;
	uint64_t size;

	list_of_region(&list, region);
	size = phyr_split_best_size(&list, region->address, set, cover);
	assert_int_equal(size, want_size);
	if (size)
		assert_int_equal(page_cnt(&list, region->address, size), want_cnt);
}

static const struct region b1 = { { { { 0x100000000 }, 4 * M } }, U };
static const struct region b3 = { { { { 0x100001000 }, 4 * M } }, U };
static const struct region b14 = { { { { 0x100000000 }, 100 * M } }, U };
static const struct region bar = { { { { 0x34401400000 }, 0xfffff000 },
				     { { 0x345013ff000 }, 0xfffff000 },
				     { { 0x346013fe000 }, 0xfffff000 },
				     { { 0x347013fd000 }, 0xfffff000 },
				     { { 0x348013fc000 }, 0x4000 } },
				   0 };

/* The published vectors. */

static void b1_an_aligned_region_is_one_page_of_its_length(void **state)
{
	(void)state;
	expect_best(&b1, F, PHYR_COVER_ALLOW, 4 * M, 1);
	expect_best(&b1, F, PHYR_COVER_FORBID, 4 * M, 1);
}

static void b2_a_gigabyte_page_covers_the_region_only_when_allowed(void **state)
{
	(void)state;
	expect_best(&b1, B, PHYR_COVER_ALLOW, G, 1);
	expect_best(&b1, B, PHYR_COVER_FORBID, 2 * M, 2);
}

static void b3_different_phases_take_small_pages(void **state)
{
	(void)state;
	expect_best(&b3, F, PHYR_COVER_ALLOW, 4 * K, 1024);
	expect_best(&b3, F, PHYR_COVER_FORBID, 4 * K, 1024);
}

static void b4_an_equal_phase_is_one_page_only_when_it_may_cover(void **state)
{
	const struct region region = { { { { 0x100001000 }, 0x3ff000 } }, U + 0x1000 };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 4 * M, 1);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 1023);
}

static void b7_a_joint_limits_the_size(void **state)
{
	const struct region region = { { { { 0x100000000 }, 2 * M }, { { 0x300000000 }, 2 * M } },
				       U };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 2 * M, 2);
	expect_best(&region, F, PHYR_COVER_FORBID, 2 * M, 2);
}

static void b10_a_device_without_small_pages_takes_no_odd_region(void **state)
{
	(void)state;
	expect_best(&b3, 2 * M, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&b3, 2 * M, PHYR_COVER_FORBID, 0, 0);
}

static void b11_two_small_sizes_give_the_larger(void **state)
{
	const struct region region = { { { { 0x10000 }, 64 * K } }, 0x20000 };

	(void)state;
	expect_best(&region, 4 * K | 64 * K, PHYR_COVER_ALLOW, 64 * K, 1);
}

static void b12_ranges_that_follow_on_do_not_limit_the_size(void **state)
{
	(void)state;
	expect_best(&bar, F, PHYR_COVER_ALLOW, 4 * M, 4096);
	expect_best(&bar, F, PHYR_COVER_FORBID, 4 * M, 4096);
}

static void c10_an_address_equal_to_the_bus_address_leaves_the_largest_size(void **state)
{
	struct region region = bar;

	(void)state;
	region.address = 0x34401400000;
	expect_best(&region, F, PHYR_COVER_ALLOW, 2 * G, 9);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * M, 4096);
}

static void b14_one_page_may_cover_a_hundred_megabytes(void **state)
{
	(void)state;
	expect_best(&b14, F, PHYR_COVER_ALLOW, 128 * M, 1);
	expect_best(&b14, F, PHYR_COVER_FORBID, 4 * M, 25);
	expect_best(&b14, 128 * M, PHYR_COVER_FORBID, 0, 0);
}

static void b15_an_address_one_page_off_takes_25600_pages(void **state)
{
	struct region region = b14;

	(void)state;
	region.address = U + 0x1000;
	expect_best(&region, F, PHYR_COVER_ALLOW, 4 * K, 25600);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 25600);
}

/*
 * The eleven bugs that ib_umem_find_best_pgsz() and its relatives had, one after the other. Three are
 * together B13 in a list of defects of neighbouring projects: 3 (a page spans ranges), 1 (blocks are
 * counted from the wrong address), 6 (sizes of 4 GiB and more).
 */

static uint64_t best_at(const struct region *region, uint64_t sizes, enum phyr_cover cover)
{
	phyr_sizes set = { sizes };
	struct phyr_list list;

	list_of_region(&list, region);
	return phyr_split_best_size(&list, region->address, set, cover);
}

static void bug_01_the_iova_counts_and_not_the_va(void **state)
{
	phyr_sizes sizes = { F };
	struct phyr_list list;

	(void)state;
	list_of_region(&list, &b1);
	phyr_list_set_va(&list, U + 0x1000);
	assert_int_equal(phyr_split_best_size(&list, U, sizes, PHYR_COVER_FORBID), 4 * M);
	phyr_list_set_va(&list, U);
	assert_int_equal(phyr_split_best_size(&list, U + 0x1000, sizes, PHYR_COVER_ALLOW), 4 * K);
}

static void bug_02_c11_the_cap_is_the_bits_that_change_and_not_the_length(void **state)
{
	const struct region region = { { { { 61440 }, 90112 - 61440 } }, 61440 };

	(void)state;
	/* The length rounds up to 32K, of which two are needed. */
	expect_best(&region, F, PHYR_COVER_ALLOW, 128 * K, 1);
	expect_best(&region, 32 * K, PHYR_COVER_ALLOW, 32 * K, 2);
	expect_best(&region, 32 * K | 64 * K, PHYR_COVER_ALLOW, 32 * K, 2);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 7);
}

static void bug_03_only_true_discontinuities_count(void **state)
{
	struct phyr_tag tag = { PHYR_KIND_P2P, 0 };
	phyr_sizes sizes = { F };
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	expect_best(&bar, F, PHYR_COVER_ALLOW, 4 * M, 4096);
	/* The same, where not even the list can join: every range has a provider of its own. */
	list_open(&list, &mem);
	for (size_t i = 0; i < RANGES_MAX; i++, tag.provider++)
		assert_int_equal(phyr_list_append(&list, bar.ranges[i], tag), PHYR_OK);
	assert_int_equal(phyr_split_best_size(&list, 0, sizes, PHYR_COVER_ALLOW), 4 * M);
	assert_int_equal(page_cnt(&list, 0, 4 * M), 4096);
	phyr_list_fini(&list);
}

static void bug_03_the_end_of_the_space_goes_on_nowhere(void **state)
{
	const struct region region = { { { { TOP }, 4 * K }, { { 0 }, 8 * K } }, 0x1000 };

	(void)state;
	expect_best(&region, 4 * K | 8 * K, PHYR_COVER_ALLOW, 8 * K, 2);
	expect_best(&region, 16 * K, PHYR_COVER_ALLOW, 0, 0);
}

static void bug_04_the_ends_of_interior_runs_limit_the_size(void **state)
{
	/* Both runs are 2 MiB long, but they meet one page behind a multiple of it. */
	const struct region odd = { { { { 0x40001000 }, 2 * M }, { { 0x80001000 }, 2 * M } },
				    0x1000 };
	const struct region end = {
		{ { { 0x40000000 }, 2 * M + 8 * K }, { { 0x80002000 }, 2 * M - 8 * K } }, 0
	};

	(void)state;
	expect_best(&odd, F, PHYR_COVER_ALLOW, 4 * K, 1024);
	expect_best(&end, F, PHYR_COVER_ALLOW, 8 * K, 512);
}

static void bug_04_the_outer_ends_do_not_when_pages_may_cover(void **state)
{
	const struct region region = {
		{ { { 0x401ff000 }, 4 * K }, { { 0x80000000 }, 2 * M }, { { 0x60000000 }, 4 * K } },
		U + 0x1ff000
	};

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 2 * M, 3);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 514);
}

static void bug_05_b21_device_addresses_that_wrap_have_no_size(void **state)
{
	const struct region region = { { { { 0x1000 }, 0x2000 } }, TOP };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&region, F, PHYR_COVER_FORBID, 0, 0);
}

static void bug_05_memory_at_both_ends_of_the_space_has_one(void **state)
{
	const struct region page = { { { { TOP }, 4 * K } }, TOP };
	const struct region half = { { { { UINT64_C(1) << 63 }, UINT64_C(1) << 63 } },
				     UINT64_C(1) << 63 };
	const struct region descending = {
		{ { { TOP - 2 * M + 4 * K }, 2 * M }, { { 2 * M }, 2 * M }, { { 0 }, 2 * M } },
		UINT64_MAX - 6 * M + 1
	};

	(void)state;
	expect_best(&page, F, PHYR_COVER_FORBID, 4 * K, 1);
	expect_best(&page, UINT64_MAX, PHYR_COVER_ALLOW, 4 * K, 1);
	expect_best(&half, UINT64_MAX, PHYR_COVER_FORBID, UINT64_C(1) << 63, 1);
	expect_best(&descending, F, PHYR_COVER_ALLOW, 2 * M, 3);
	expect_best(&descending, F, PHYR_COVER_FORBID, 2 * M, 3);
}

static void bug_06_pages_of_4_gib_and_more_are_chosen_and_counted(void **state)
{
	const struct region region = { { { { 9 * G }, 15 * G }, { { 64 * G }, 8 * G } }, 25 * G };

	(void)state;
	expect_best(&region, 8 * G | 4 * K, PHYR_COVER_ALLOW, 8 * G, 3);
	expect_best(&region, 4 * G | 4 * K, PHYR_COVER_ALLOW, 4 * G, 6);
	expect_best(&region, 16 * G | 4 * K, PHYR_COVER_ALLOW, 4 * K, 23 * G / (4 * K));
}

static void bug_07_device_pages_smaller_than_the_hosts_start_at_the_offset(void **state)
{
	/* 4K pages of a 64K host page, and 512-byte pages of a 4K one. */
	const struct region of_64k = { { { { 0x13000 }, 0x5000 } }, 0x3000 };
	const struct region of_4k = { { { { 0x10600 }, 0x400 } }, 0x600 };

	(void)state;
	expect_best(&of_64k, 4 * K, PHYR_COVER_FORBID, 4 * K, 5);
	expect_best(&of_4k, 512, PHYR_COVER_FORBID, 512, 2);
}

/* The size and the offset for a field; both 0 when none fits. */
static void expect_offset(const struct region *region, struct phyr_start_field field,
			  uint64_t want_size, uint64_t want_offset)
{
	phyr_sizes sizes = { F };
	struct phyr_list list;
	uint64_t offset = 77;
	uint64_t size;

	list_of_region(&list, region);
	size = phyr_split_best_offset(&list, field, sizes, PHYR_COVER_ALLOW, &offset);
	assert_int_equal(size, want_size);
	assert_int_equal(offset, size ? want_offset : 77);
	if (size)
		assert_true(page_cnt(&list, offset, size) > 0);
	assert_int_equal(phyr_split_best_offset(&list, field, sizes, PHYR_COVER_ALLOW, NULL), size);
}

static void bug_08_a_limited_start_offset_limits_the_size(void **state)
{
	/* 2 MiB that start 68 KiB behind a multiple of 2 MiB. */
	const struct region region = { { { { 0x40011000 }, 2 * M } }, 0 };
	const struct phyr_start_field any = { 64, 0, false };
	const struct phyr_start_field below_64k = { 4, 12, false };
	const struct phyr_start_field in_64ths = { 6, 6, true };

	(void)state;
	expect_offset(&region, any, 4 * M, 0x11000);
	/* In units of 4K below 64K: a page of 64K begins at 0x10000, the next larger one earlier. */
	expect_offset(&region, below_64k, 64 * K, 0x1000);
	/* 0x11000 is a multiple of a 64th of 256K, and of no 64th of more. */
	expect_offset(&region, in_64ths, 256 * K, 0x11000);
}

static void bug_08_a_queue_without_offset_starts_a_page(void **state)
{
	const struct phyr_start_field none = { 0, 0, false };
	const struct region aligned = { { { { 0x40000000 }, 6 * M } }, 0 };
	const struct region odd = { { { { 0x40011000 }, 2 * M } }, 0 };
	const struct region inside = { { { { 0x40011800 }, 2 * M } }, 0 };
	phyr_sizes sizes = { F };
	struct phyr_list list;

	(void)state;
	expect_offset(&aligned, none, 8 * M, 0);
	list_of_region(&list, &aligned);
	assert_int_equal(phyr_split_best_offset(&list, none, sizes, PHYR_COVER_FORBID, NULL),
			 2 * M);
	expect_offset(&odd, none, 4 * K, 0);
	expect_offset(&inside, none, 0, 0);
}

static void bug_09_b17_b19_a_zero_based_region_is_named_by_zero(void **state)
{
	const struct region page_aligned = { { { { 0xf8000000 }, 100 * M } }, 0 };
	const struct region offset_lost = { { { { 0x100000800 }, 0x2000 } }, 0 };
	const struct region offset_kept = { { { { 0x100000800 }, 0x2000 } }, 0x800 };

	(void)state;
	expect_best(&page_aligned, F, PHYR_COVER_ALLOW, 128 * M, 1);
	expect_best(&page_aligned, F, PHYR_COVER_FORBID, 4 * M, 25);
	expect_best(&offset_lost, F, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&offset_kept, F, PHYR_COVER_ALLOW, 16 * K, 1);
}

static void bug_10_covering_pages_are_a_policy(void **state)
{
	(void)state;
	assert_int_equal(best_at(&b14, F, PHYR_COVER_ALLOW), 128 * M);
	assert_int_equal(best_at(&b14, F, PHYR_COVER_FORBID), 4 * M);
	assert_int_equal(best_at(&b14, 128 * M, PHYR_COVER_FORBID), 0);
}

static void bug_11_when_nothing_fits_the_size_is_0(void **state)
{
	const struct region nothing = { { { { 0 }, 0 } }, 0 };
	const struct phyr_start_field any = { 64, 0, false };
	phyr_sizes sizes = { F };

	(void)state;
	assert_int_equal(best_at(&b3, 2 * M, PHYR_COVER_ALLOW), 0);
	assert_int_equal(best_at(&nothing, F, PHYR_COVER_ALLOW), 0);
	assert_int_equal(best_at(&b1, 0, PHYR_COVER_ALLOW), 0);
	assert_int_equal(phyr_split_best_size(NULL, 0, sizes, PHYR_COVER_ALLOW), 0);
	expect_offset(&nothing, any, 0, 0);
	assert_int_equal(phyr_split_best_offset(NULL, any, sizes, PHYR_COVER_ALLOW, NULL), 0);
}

/* Hardware that takes pages at other addresses of memory. */

static void expect_aligned(const struct region *region, const struct phyr_split_sizes *sizes,
			   enum phyr_cover cover, uint64_t want_size)
{
	struct phyr_list list;

	list_of_region(&list, region);
	assert_int_equal(phyr_split_best_size_aligned(&list, region->address, sizes, cover),
			 want_size);
}

static void an_alignment_of_4k_leaves_the_phase_out_of_it(void **state)
{
	struct phyr_split_sizes sizes = phyr_split_sizes_natural((phyr_sizes){ B });

	(void)state;
	expect_aligned(&b3, &sizes, PHYR_COVER_FORBID, 4 * K);
	sizes.align_lg2[21] = 12;
	expect_aligned(&b3, &sizes, PHYR_COVER_FORBID, 2 * M);
	sizes.align_lg2[21] = 13;
	expect_aligned(&b3, &sizes, PHYR_COVER_FORBID, 4 * K);
	sizes.align_lg2[12] = 13;
	expect_aligned(&b3, &sizes, PHYR_COVER_FORBID, 0);
	assert_int_equal(phyr_split_best_size_aligned(NULL, 0, &sizes, PHYR_COVER_ALLOW), 0);
	expect_aligned(&b3, NULL, PHYR_COVER_ALLOW, 0);
}

static void a_joint_limits_the_size_however_pages_are_aligned(void **state)
{
	const struct region region = { { { { 0x40001000 }, 2 * M }, { { 0x80003000 }, 2 * M } },
				       2 * M };
	struct phyr_split_sizes sizes = phyr_split_sizes_natural((phyr_sizes){ F });

	(void)state;
	for (unsigned int lg2 = 12; lg2 < 64; lg2++)
		sizes.align_lg2[lg2] = 12;
	expect_aligned(&region, &sizes, PHYR_COVER_ALLOW, 2 * M);
}

static void a_covering_page_stays_in_memory_that_exists(void **state)
{
	/* 2M pages would begin 1M below the first byte of memory, or end beyond the last. */
	const struct region low = { { { { 0 }, M } }, U + M };
	const struct region high = { { { { UINT64_MAX - M + 1 }, M } }, U };
	struct phyr_split_sizes sizes = phyr_split_sizes_natural((phyr_sizes){ B });

	(void)state;
	sizes.align_lg2[21] = 12;
	sizes.align_lg2[30] = 20;
	expect_aligned(&low, &sizes, PHYR_COVER_ALLOW, 4 * K);
	expect_aligned(&high, &sizes, PHYR_COVER_ALLOW, 4 * K);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b1_an_aligned_region_is_one_page_of_its_length),
		cmocka_unit_test(b2_a_gigabyte_page_covers_the_region_only_when_allowed),
		cmocka_unit_test(b3_different_phases_take_small_pages),
		cmocka_unit_test(b4_an_equal_phase_is_one_page_only_when_it_may_cover),
		cmocka_unit_test(b7_a_joint_limits_the_size),
		cmocka_unit_test(b10_a_device_without_small_pages_takes_no_odd_region),
		cmocka_unit_test(b11_two_small_sizes_give_the_larger),
		cmocka_unit_test(b12_ranges_that_follow_on_do_not_limit_the_size),
		cmocka_unit_test(c10_an_address_equal_to_the_bus_address_leaves_the_largest_size),
		cmocka_unit_test(b14_one_page_may_cover_a_hundred_megabytes),
		cmocka_unit_test(b15_an_address_one_page_off_takes_25600_pages),
		cmocka_unit_test(bug_01_the_iova_counts_and_not_the_va),
		cmocka_unit_test(bug_02_c11_the_cap_is_the_bits_that_change_and_not_the_length),
		cmocka_unit_test(bug_03_only_true_discontinuities_count),
		cmocka_unit_test(bug_03_the_end_of_the_space_goes_on_nowhere),
		cmocka_unit_test(bug_04_the_ends_of_interior_runs_limit_the_size),
		cmocka_unit_test(bug_04_the_outer_ends_do_not_when_pages_may_cover),
		cmocka_unit_test(bug_05_b21_device_addresses_that_wrap_have_no_size),
		cmocka_unit_test(bug_05_memory_at_both_ends_of_the_space_has_one),
		cmocka_unit_test(bug_06_pages_of_4_gib_and_more_are_chosen_and_counted),
		cmocka_unit_test(bug_07_device_pages_smaller_than_the_hosts_start_at_the_offset),
		cmocka_unit_test(bug_08_a_limited_start_offset_limits_the_size),
		cmocka_unit_test(bug_08_a_queue_without_offset_starts_a_page),
		cmocka_unit_test(bug_09_b17_b19_a_zero_based_region_is_named_by_zero),
		cmocka_unit_test(bug_10_covering_pages_are_a_policy),
		cmocka_unit_test(bug_11_when_nothing_fits_the_size_is_0),
		cmocka_unit_test(an_alignment_of_4k_leaves_the_phase_out_of_it),
		cmocka_unit_test(a_joint_limits_the_size_however_pages_are_aligned),
		cmocka_unit_test(a_covering_page_stays_in_memory_that_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
