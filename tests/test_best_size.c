/* SPDX-License-Identifier: MIT */
/*
 * One page size for a whole region: the published vectors with pages that may cover more than the
 * region and without, the bugs that others had here, and the pages themselves.
 *
 * Not here: mixed sizes (test_split.c), random worlds (prop_split.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "test.h"

#define K UINT64_C(1024)
#define M (K * K)
#define G (K * M)
/** A process's address, as the vectors have it. */
#define U UINT64_C(0x7f0000000000)
/** First byte of the highest page. */
#define TOP (UINT64_MAX - PHYR_PAGE_SIZE + 1)
/** All sizes 2^12 … 2^31. */
#define F (4 * G - 4 * K)
/** The sizes of x86. */
#define B (4 * K | 2 * M | G)
/** Most ranges that a region here has. */
#define RANGES_MAX 5

/* What a device is told of: memory, and the address by which it names byte 0. */
struct region {
	struct phyr_range ranges[RANGES_MAX];
	uint64_t address;
};

/* At most four runs: the words in the head suffice and nothing has to be freed. */
static void list_of(struct phyr_list *list, const struct region *region)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

	phyr_list_init(list, NULL);
	for (size_t i = 0; i < RANGES_MAX && region->ranges[i].len; i++)
		assert_int_equal(phyr_list_append(list, region->ranges[i], ram), PHYR_OK);
}

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

	list_of(&list, region);
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

static void b17_a_zero_based_region_takes_one_page(void **state)
{
	const struct region region = { { { { 0xf8000000 }, 100 * M } }, 0 };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 128 * M, 1);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * M, 25);
}

static void b19_an_offset_in_the_page_that_disagrees_fits_no_size(void **state)
{
	const struct region region = { { { { 0x100000800 }, 0x2000 } }, 0 };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&region, F, PHYR_COVER_FORBID, 0, 0);
}

static void b21_device_addresses_that_wrap_fit_no_size(void **state)
{
	const struct region region = { { { { 0x1000 }, 0x2000 } }, TOP };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&region, F, PHYR_COVER_FORBID, 0, 0);
}

static void c11_the_page_that_holds_both_ends_is_found(void **state)
{
	const struct region region = { { { { 61440 }, 90112 - 61440 } }, 61440 };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 128 * K, 1);
	expect_best(&region, 32 * K, PHYR_COVER_ALLOW, 32 * K, 2);
	expect_best(&region, 32 * K | 64 * K, PHYR_COVER_ALLOW, 32 * K, 2);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 7);
}

/* Bugs that others had. */

static void an_interior_length_says_nothing_where_its_end_is_odd(void **state)
{
	/* Both runs are 2 MiB long, but they meet one page behind a multiple of it. */
	const struct region region = { { { { 0x40001000 }, 2 * M }, { { 0x80001000 }, 2 * M } },
				       0x1000 };

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 4 * K, 1024);
}

static void the_end_of_a_run_limits_as_its_start_does(void **state)
{
	const struct region region = {
		{ { { 0x40000000 }, 2 * M + 8 * K }, { { 0x80002000 }, 2 * M - 8 * K } }, 0
	};

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 8 * K, 512);
}

static void the_outer_ends_do_not_limit_pages_that_may_cover(void **state)
{
	const struct region region = {
		{ { { 0x401ff000 }, 4 * K }, { { 0x80000000 }, 2 * M }, { { 0x60000000 }, 4 * K } },
		U + 0x1ff000
	};

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 2 * M, 3);
	expect_best(&region, F, PHYR_COVER_FORBID, 4 * K, 514);
}

static void the_lists_own_name_does_not_count_only_the_devices(void **state)
{
	phyr_sizes sizes = { F };
	struct phyr_list list;

	(void)state;
	list_of(&list, &b1);
	phyr_list_set_va(&list, U + 0x1000);
	assert_int_equal(phyr_split_best_size(&list, U, sizes, PHYR_COVER_FORBID), 4 * M);
}

static void memory_need_not_ascend(void **state)
{
	const struct region region = {
		{ { { TOP - 2 * M + 4 * K }, 2 * M }, { { 2 * M }, 2 * M }, { { 0 }, 2 * M } },
		UINT64_MAX - 6 * M + 1
	};

	(void)state;
	expect_best(&region, F, PHYR_COVER_ALLOW, 2 * M, 3);
	expect_best(&region, F, PHYR_COVER_FORBID, 2 * M, 3);
}

static void sizes_below_a_page_emit_nothing_in_front_of_the_region(void **state)
{
	const struct region region = { { { { 0x10600 }, 0x400 } }, 0x600 };

	(void)state;
	expect_best(&region, 512, PHYR_COVER_FORBID, 512, 2);
}

static void a_small_page_of_a_larger_native_one_starts_at_the_offset(void **state)
{
	const struct region region = { { { { 0x13000 }, 0x5000 } }, 0x3000 };

	(void)state;
	expect_best(&region, 4 * K, PHYR_COVER_FORBID, 4 * K, 5);
}

static void what_cannot_have_a_size_has_none(void **state)
{
	const struct region nothing = { { { { 0 }, 0 } }, 0 };
	phyr_sizes sizes = { F };

	(void)state;
	expect_best(&nothing, F, PHYR_COVER_ALLOW, 0, 0);
	expect_best(&b1, 0, PHYR_COVER_ALLOW, 0, 0);
	assert_int_equal(phyr_split_best_size(NULL, 0, sizes, PHYR_COVER_ALLOW), 0);
}

static void the_last_page_of_both_address_spaces_fits(void **state)
{
	const struct region page = { { { { TOP }, 4 * K } }, TOP };
	const struct region half = { { { { UINT64_C(1) << 63 }, UINT64_C(1) << 63 } },
				     UINT64_C(1) << 63 };

	(void)state;
	expect_best(&page, F, PHYR_COVER_FORBID, 4 * K, 1);
	expect_best(&page, UINT64_MAX, PHYR_COVER_ALLOW, 4 * K, 1);
	expect_best(&half, UINT64_MAX, PHYR_COVER_FORBID, UINT64_C(1) << 63, 1);
}

/* The pages: I1 … I5. */

static void expect_pages(struct phyr_pages *pages, uint64_t pa, uint64_t address, uint64_t cnt)
{
	struct phyr_blocks blocks;

	assert_true(phyr_split_pages_next(pages, &blocks));
	assert_int_equal(blocks.pa.addr, pa);
	assert_int_equal(blocks.iova.addr, address);
	assert_int_equal(blocks.cnt, cnt);
}

static void i1_ranges_that_follow_on_share_pages(void **state)
{
	const struct region region = { { { { 0x10000 }, 0x3000 }, { { 0x13000 }, 0x5000 } }, 0 };
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	struct phyr_list list;

	(void)state;
	list_of(&list, &region);
	assert_int_equal(phyr_split_pages_begin(&list, 0x40000, 14, &pages), PHYR_OK);
	expect_pages(&pages, 0x10000, 0x40000, 2);
	assert_false(phyr_split_pages_next(&pages, &blocks));
}

static void i2_the_outer_pages_may_reach_beyond_the_list(void **state)
{
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	const struct region region = { { { { 0x12345000 }, 4 * M } }, 0 };
	struct phyr_list list;

	(void)state;
	list_of(&list, &region);
	assert_int_equal(phyr_split_pages_begin(&list, 0x7f0000145000, 21, &pages), PHYR_OK);
	expect_pages(&pages, 0x12200000, 0x7f0000000000, 3);
	assert_false(phyr_split_pages_next(&pages, &blocks));
}

static void pages_of_eight_gigabytes_keep_their_addresses(void **state)
{
	const struct region region = { { { { 9 * G }, 15 * G }, { { 64 * G }, 8 * G } }, 25 * G };
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	struct phyr_list list;

	(void)state;
	expect_best(&region, 8 * G | 4 * K, PHYR_COVER_ALLOW, 8 * G, 3);
	list_of(&list, &region);
	assert_int_equal(phyr_split_pages_begin(&list, 25 * G, 33, &pages), PHYR_OK);
	expect_pages(&pages, 8 * G, 24 * G, 2);
	expect_pages(&pages, 64 * G, 40 * G, 1);
	assert_false(phyr_split_pages_next(&pages, &blocks));
}

static void an_empty_list_has_no_pages(void **state)
{
	struct phyr_blocks blocks = { { 1 }, { 2 }, 3, 4 };
	struct phyr_pages pages;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_split_pages_begin(&list, UINT64_MAX, 63, &pages), PHYR_OK);
	assert_false(phyr_split_pages_next(&pages, &blocks));
	assert_int_equal(blocks.pa.addr, 1);
	assert_int_equal(blocks.iova.addr, 2);
	assert_int_equal(blocks.cnt, 3);
	assert_int_equal(blocks.lg2, 4);
}

static void refuse_pages(const struct phyr_list *list, uint64_t address, unsigned int lg2, int err)
{
	struct phyr_pages pages;
	struct phyr_pages before;

	memset(&pages, 0x3c, sizeof(pages));
	memcpy(&before, &pages, sizeof(pages));
	assert_int_equal(phyr_split_pages_begin(list, address, lg2, &pages), err);
	assert_memory_equal(&pages, &before, sizeof(pages));
}

static void i4_a_page_that_would_lose_the_second_run_is_refused(void **state)
{
	const struct region region = { { { { 0x10000 }, 0x1000 }, { { 0x90000 }, 0x1000 } }, 0 };
	struct phyr_list list;

	(void)state;
	list_of(&list, &region);
	refuse_pages(&list, 0, 13, PHYR_E_ALIGN);
}

static void i5_a_page_with_a_joint_inside_is_refused(void **state)
{
	const struct region region = { { { { 0x100000 }, 0x1800 }, { { 0x200000 }, 0x1000 } }, 0 };
	struct phyr_list list;

	(void)state;
	list_of(&list, &region);
	refuse_pages(&list, 0, 12, PHYR_E_ALIGN);
}

static void pages_of_wrong_arguments_are_refused(void **state)
{
	const struct region region = { { { { 0x10000 }, 0x2000 } }, 0 };
	struct phyr_list list;

	(void)state;
	list_of(&list, &region);
	refuse_pages(NULL, 0, 12, PHYR_E_INVAL);
	refuse_pages(&list, 0, 64, PHYR_E_INVAL);
	assert_int_equal(phyr_split_pages_begin(&list, 0, 12, NULL), PHYR_E_INVAL);
	refuse_pages(&list, TOP, 12, PHYR_E_RANGE);
	refuse_pages(&list, 0x800, 12, PHYR_E_ALIGN);
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
		cmocka_unit_test(b17_a_zero_based_region_takes_one_page),
		cmocka_unit_test(b19_an_offset_in_the_page_that_disagrees_fits_no_size),
		cmocka_unit_test(b21_device_addresses_that_wrap_fit_no_size),
		cmocka_unit_test(c11_the_page_that_holds_both_ends_is_found),
		cmocka_unit_test(an_interior_length_says_nothing_where_its_end_is_odd),
		cmocka_unit_test(the_end_of_a_run_limits_as_its_start_does),
		cmocka_unit_test(the_outer_ends_do_not_limit_pages_that_may_cover),
		cmocka_unit_test(the_lists_own_name_does_not_count_only_the_devices),
		cmocka_unit_test(memory_need_not_ascend),
		cmocka_unit_test(sizes_below_a_page_emit_nothing_in_front_of_the_region),
		cmocka_unit_test(a_small_page_of_a_larger_native_one_starts_at_the_offset),
		cmocka_unit_test(what_cannot_have_a_size_has_none),
		cmocka_unit_test(the_last_page_of_both_address_spaces_fits),
		cmocka_unit_test(i1_ranges_that_follow_on_share_pages),
		cmocka_unit_test(i2_the_outer_pages_may_reach_beyond_the_list),
		cmocka_unit_test(pages_of_eight_gigabytes_keep_their_addresses),
		cmocka_unit_test(an_empty_list_has_no_pages),
		cmocka_unit_test(i4_a_page_that_would_lose_the_second_run_is_refused),
		cmocka_unit_test(i5_a_page_with_a_joint_inside_is_refused),
		cmocka_unit_test(pages_of_wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
