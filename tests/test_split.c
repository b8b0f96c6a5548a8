/* SPDX-License-Identifier: MIT */
/*
 * Cutting runs into blocks: the published vectors through every door that can say them, each
 * documented error, empty lists, and both ends of the address space.
 *
 * Not here: pages of a single size (test_best_size.c), random worlds (prop_split.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "split_world.h"

/** First byte of the highest huge page. */
#define TOP_2M (UINT64_MAX - 2 * M + 1)
/** First byte of the upper half. */
#define HALF (UINT64_C(1) << 63)
/** The page sizes of x86. */
#define HUGE (4 * K | 2 * M | G)
/** Every power of two from 4 KiB up. */
#define ALL (UINT64_MAX - 4 * K + 1)

static const phyr_sizes only_4k = { 4 * K };
static const phyr_sizes only_2m = { 2 * M };
static const phyr_sizes only_8k = { 8 * K };
static const phyr_sizes x86 = { HUGE };
static const phyr_sizes all_sizes = { ALL };
static const phyr_sizes no_size = { 0 };

static struct phyr_range range_at(uint64_t pa, uint64_t len)
{
	struct phyr_range range = { { pa }, len };

	return range;
}

static void expect_counts(const struct phyr_block_counts *got, const struct phyr_block_counts *want)
{
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		if (got->cnt[lg2] != want->cnt[lg2])
			fail_msg("2^%u: %llu blocks instead of %llu", lg2,
				 (unsigned long long)got->cnt[lg2],
				 (unsigned long long)want->cnt[lg2]);
	}
}

/* Sums what is left of a cut, and checks that blocks are aligned and follow one another. */
static void expect_rest(struct phyr_split *split, phyr_pa pa, phyr_iova iova,
			const struct phyr_block_counts *want)
{
	struct phyr_block_counts sum = { { 0 } };
	struct phyr_blocks blocks;

	while (phyr_split_next(split, &blocks)) {
		assert_int_equal(blocks.pa.addr, pa.addr);
		assert_int_equal(blocks.iova.addr, iova.addr);
		assert_true(phyr_bits_aligned(pa.addr | iova.addr, blocks.lg2));
		assert_true(blocks.cnt > 0);
		sum.cnt[blocks.lg2] += blocks.cnt;
		pa.addr += blocks.cnt << blocks.lg2;
		iova.addr += blocks.cnt << blocks.lg2;
	}
	expect_counts(&sum, want);
}

/* One aligned range at an I/O address: in closed form, as a list, and counted as a list. */
static void expect_at(struct phyr_range range, uint64_t iova, phyr_sizes sizes,
		      const struct phyr_block_counts *want)
{
	struct phyr_block_counts closed = { { 0 } };
	struct phyr_block_counts listed;
	struct phyr_split split;
	struct phyr_list list;

	assert_int_equal(phyr_split_count_range(range, phyr_iova_at(iova), sizes, &closed),
			 PHYR_OK);
	expect_counts(&closed, want);
	list_of(&list, &range, 1);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(iova), sizes, &split), PHYR_OK);
	expect_rest(&split, range.pa, phyr_iova_at(iova), want);
	assert_int_equal(phyr_split_count(&list, phyr_iova_at(iova), sizes, &listed), PHYR_OK);
	expect_counts(&listed, want);
}

static void expect_block(struct phyr_split *split, uint64_t pa, unsigned int lg2)
{
	struct phyr_blocks blocks;

	assert_true(phyr_split_next(split, &blocks));
	assert_int_equal(blocks.pa.addr, pa);
	assert_int_equal(blocks.iova.addr, pa);
	assert_int_equal(blocks.lg2, lg2);
	assert_int_equal(blocks.cnt, 1);
}

/* A range and how it is cut; iova equal to pa is cut by physical addresses alone as well. */
struct vector {
	const char *name;
	uint64_t pa;
	uint64_t len;
	uint64_t iova;
	uint64_t sizes;
	struct phyr_block_counts want;
};

/* clang-format off */
static struct vector vectors[] = {
	{ "S1: a megabyte page fits before the huge one", 0x1000, 0x3ff000, 0x1000, 4 * K | M | 2 * M,
	  { { [12] = 255, [20] = 1, [21] = 1 } } },
	{ "S2: without it 511 pages lead to the huge one", 0x1000, 0x3ff000, 0x1000, 4 * K | 2 * M,
	  { { [12] = 511, [21] = 1 } } },
	{ "S4: three pages are a block of two and one", 0, 0x3000, 0, ALL,
	  { { [12] = 1, [13] = 1 } } },
	{ "S6: larger native pages take the only size", 0x10000, 0x20000, 0x10000, 4 * K,
	  { { [12] = 32 } } },
	{ "S7: a gigabyte page that does not fit", 0x200000, 0x40000000, 0x200000, HUGE,
	  { { [21] = 512 } } },
	{ "S9: the larger block starts at 2 GiB", 0x7ffff000, 0x3000, 0x7ffff000, ALL,
	  { { [12] = 1, [13] = 1 } } },
	{ "S11: a set without 4K", 0x10000, 0x1f0000, 0x10000, 64 * K | 2 * M, { { [16] = 31 } } },
	{ "G1: an aligned huge page", 0, 2 * M, 0, HUGE, { { [21] = 1 } } },
	{ "G2: equal addresses reach the huge page", 0x1000, 0x3ff000, 0x1000, HUGE,
	  { { [12] = 511, [21] = 1 } } },
	{ "G2: so do equal phases", 0x1000, 0x3ff000, 0x7f0000001000, HUGE,
	  { { [12] = 511, [21] = 1 } } },
	{ "G3: a huge page that lacks one page", 0x1000, 0x3fe000, 0x1000, HUGE,
	  { { [12] = 1022 } } },
	{ "G4: different phases take small pages", 0x1000, 4 * M, 0x200000, HUGE,
	  { { [12] = 1024 } } },
	{ "G5: both addresses on gigabytes", 0x140000000, 2 * G, 0x80000000, HUGE,
	  { { [30] = 2 } } },
	{ "X1: the wrong phase takes 1024 leaves", 0x40001000, 4 * M, 0x600000, HUGE,
	  { { [12] = 1024 } } },
	{ "X1: the right phase takes 513", 0x40001000, 4 * M, 0x601000, HUGE,
	  { { [12] = 512, [21] = 1 } } },
	{ "the highest huge page", TOP_2M, 2 * M, TOP_2M, HUGE, { { [21] = 1 } } },
	{ "the highest huge page of I/O addresses", 0, 2 * M, TOP_2M, HUGE, { { [21] = 1 } } },
	{ "the upper half is one block", HALF, HALF, HALF, UINT64_MAX, { { [63] = 1 } } },
	{ "all pages but the highest", 0, TOP, 0, 4 * K, { { [12] = (UINT64_C(1) << 52) - 1 } } },
};
/* clang-format on */

/** How many vectors there are. */
#define VECTOR_CNT (sizeof(vectors) / sizeof(vectors[0]))

static void cut_as_wanted(void **state)
{
	const struct vector *vector = *state;
	struct phyr_range range = range_at(vector->pa, vector->len);
	phyr_sizes sizes = { vector->sizes };
	struct phyr_split split;
	struct phyr_list list;

	expect_at(range, vector->iova, sizes, &vector->want);
	if (vector->iova != vector->pa)
		return;
	list_of(&list, &range, 1);
	assert_int_equal(phyr_split_begin_physical(&list, sizes, &split), PHYR_OK);
	expect_rest(&split, range.pa, phyr_iova_at(vector->iova), &vector->want);
}

/* What the vectors say beyond counts. */

static void s4_and_s9_the_larger_block_lies_where_it_is_aligned(void **state)
{
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0, 0x3000);
	assert_int_equal(phyr_split_begin_physical(&list, all_sizes, &split), PHYR_OK);
	expect_block(&split, 0, 13);
	expect_block(&split, 0x2000, 12);
	list_of_one(&list, 0x7ffff000, 0x3000);
	assert_int_equal(phyr_split_begin_physical(&list, all_sizes, &split), PHYR_OK);
	expect_block(&split, 0x7ffff000, 12);
	expect_block(&split, 0x80000000, 13);
}

static void s13_a_range_off_the_granule_is_refused_and_a_list_rounded_out(void **state)
{
	struct phyr_block_counts counts = { { 0 } };
	struct phyr_block_counts want = { { [12] = 2 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	assert_int_equal(phyr_split_count_range(range_at(0x1800, 0x1000), phyr_iova_at(0x1800),
						all_sizes, &counts),
			 PHYR_E_ALIGN);
	list_of_one(&list, 0x1800, 0x1000);
	assert_int_equal(phyr_split_begin_physical(&list, all_sizes, &split), PHYR_OK);
	expect_rest(&split, phyr_pa_at(0x1000), phyr_iova_at(0x1000), &want);
}

static void s14_nothing_is_cut_into_no_blocks(void **state)
{
	struct phyr_block_counts want = { { 0 } };
	struct phyr_block_counts counts = { { 0 } };

	(void)state;
	assert_int_equal(phyr_split_count_range(range_at(0, 0), phyr_iova_at(0), x86, &counts),
			 PHYR_OK);
	assert_int_equal(
		phyr_split_count_range(range_at(TOP, 0), phyr_iova_at(0x1000), x86, &counts),
		PHYR_OK);
	expect_counts(&counts, &want);
}

/* The ends of the address space. */

static void all_but_the_highest_page_is_one_block_of_each_size(void **state)
{
	struct phyr_block_counts want = { { 0 } };

	(void)state;
	for (unsigned int lg2 = 12; lg2 < 64; lg2++)
		want.cnt[lg2] = 1;
	expect_at(range_at(0, TOP), 0, all_sizes, &want);
}

static void the_last_byte_is_rounded_out_to_the_last_page(void **state)
{
	struct phyr_block_counts want = { { [12] = 1 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, UINT64_MAX, 1);
	assert_int_equal(phyr_split_begin_physical(&list, x86, &split), PHYR_OK);
	expect_rest(&split, phyr_pa_at(TOP), phyr_iova_at(TOP), &want);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(UINT64_MAX), x86, &split), PHYR_OK);
	expect_rest(&split, phyr_pa_at(TOP), phyr_iova_at(TOP), &want);
}

/* Lists. */

static void both_ends_of_a_list_are_rounded_out_to_the_smallest_size(void **state)
{
	struct phyr_range runs[] = { { { 0x3800 }, 0x800 }, { { 0x8000 }, 1 } };
	struct phyr_block_counts want = { { [12] = 2 } };
	struct phyr_block_counts counts;
	struct phyr_blocks blocks;
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0x10800), x86, &split), PHYR_OK);
	assert_true(phyr_split_next(&split, &blocks));
	assert_int_equal(blocks.pa.addr, 0x3000);
	assert_int_equal(blocks.iova.addr, 0x10000);
	assert_true(phyr_split_next(&split, &blocks));
	assert_int_equal(blocks.pa.addr, 0x8000);
	assert_int_equal(blocks.iova.addr, 0x11000);
	assert_false(phyr_split_next(&split, &blocks));
	assert_int_equal(phyr_split_count(&list, phyr_iova_at(0x10800), x86, &counts), PHYR_OK);
	expect_counts(&counts, &want);
}

static void a_page_inside_a_huge_page_is_rounded_out_to_it(void **state)
{
	struct phyr_block_counts want = { { [21] = 1 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 2 * M + 0x1000, 0x1000);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0x1000), only_2m, &split), PHYR_OK);
	expect_rest(&split, phyr_pa_at(2 * M), phyr_iova_at(0), &want);
}

static void an_empty_list_has_no_blocks(void **state)
{
	struct phyr_block_counts none = { { 0 } };
	struct phyr_block_counts counts = { { 7, 7 } };
	struct phyr_blocks blocks;
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, NULL, 0);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0x1000), x86, &split), PHYR_OK);
	assert_false(phyr_split_next(&split, &blocks));
	assert_int_equal(phyr_split_begin_physical(&list, x86, &split), PHYR_OK);
	assert_false(phyr_split_next(&split, &blocks));
	assert_int_equal(phyr_split_count(&list, phyr_iova_at(0), x86, &counts), PHYR_OK);
	expect_counts(&counts, &none);
}

static void the_end_of_a_cut_stays_the_end_and_writes_nothing(void **state)
{
	struct phyr_blocks blocks = { { 1 }, { 2 }, 3, 4 };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x5000, 0x1000);
	assert_int_equal(phyr_split_begin_physical(&list, only_4k, &split), PHYR_OK);
	expect_block(&split, 0x5000, 12);
	assert_false(phyr_split_next(&split, &blocks));
	assert_false(phyr_split_next(&split, &blocks));
	assert_int_equal(blocks.pa.addr, 1);
	assert_int_equal(blocks.iova.addr, 2);
	assert_int_equal(blocks.cnt, 3);
	assert_int_equal(blocks.lg2, 4);
}

/* Errors. */

static void counting_a_range_adds_to_what_is_there(void **state)
{
	struct phyr_block_counts counts = { { [12] = 5, [21] = 1, [63] = 9 } };
	struct phyr_block_counts want = { { [12] = 6, [21] = 2, [63] = 9 } };

	(void)state;
	assert_int_equal(phyr_split_count_range(range_at(0x200000, 0x201000),
						phyr_iova_at(0x200000), x86, &counts),
			 PHYR_OK);
	expect_counts(&counts, &want);
}

static void refuse_range(struct phyr_range range, uint64_t iova, phyr_sizes sizes, int err)
{
	struct phyr_block_counts counts = { { [0] = 3, [12] = 5 } };
	struct phyr_block_counts want = counts;

	assert_int_equal(phyr_split_count_range(range, phyr_iova_at(iova), sizes, &counts), err);
	expect_counts(&counts, &want);
}

static void a_range_that_cannot_be_cut_counts_nothing(void **state)
{
	(void)state;
	refuse_range(range_at(0, 0x1000), 0, no_size, PHYR_E_INVAL);
	assert_int_equal(
		phyr_split_count_range(range_at(0, 0x1000), phyr_iova_at(0), only_4k, NULL),
		PHYR_E_INVAL);
	refuse_range(range_at(TOP, 0x2000), 0, only_4k, PHYR_E_RANGE);
	refuse_range(range_at(0, 0x2000), TOP, only_4k, PHYR_E_RANGE);
	refuse_range(range_at(0x1800, 0x1000), 0x1000, only_4k, PHYR_E_ALIGN);
	refuse_range(range_at(0x1000, 0x1000), 0x1001, only_4k, PHYR_E_ALIGN);
	refuse_range(range_at(0x1000, 0xfff), 0x1000, only_4k, PHYR_E_ALIGN);
	refuse_range(range_at(2 * M, 0x1000), 2 * M, only_2m, PHYR_E_ALIGN);
}

/* The same refusal from every door that takes a list, and nothing written. */
static void refuse_list(const struct phyr_list *list, uint64_t iova, phyr_sizes sizes, int err)
{
	struct phyr_block_counts counts;
	struct phyr_block_counts counts_before;
	struct phyr_split split;
	struct phyr_split split_before;

	memset(&counts, 0x3c, sizeof(counts));
	memset(&split, 0x3c, sizeof(split));
	memcpy(&counts_before, &counts, sizeof(counts));
	memcpy(&split_before, &split, sizeof(split));
	assert_int_equal(phyr_split_begin(list, phyr_iova_at(iova), sizes, &split), err);
	assert_int_equal(phyr_split_count(list, phyr_iova_at(iova), sizes, &counts), err);
	assert_memory_equal(&split, &split_before, sizeof(split));
	assert_memory_equal(&counts, &counts_before, sizeof(counts));
}

static void a_list_that_cannot_be_cut_starts_nothing(void **state)
{
	struct phyr_range joint[] = { { { 0x1000 }, 0x1000 }, { { 0x8000 }, 0x2000 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, joint, 2);
	refuse_list(&list, 0x1000, no_size, PHYR_E_INVAL);
	refuse_list(NULL, 0x1000, only_4k, PHYR_E_INVAL);
	refuse_list(&list, UINT64_MAX - 0x1fff, only_4k, PHYR_E_RANGE);
	refuse_list(&list, 0x1800, only_4k, PHYR_E_ALIGN);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0), only_4k, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_split_count(&list, phyr_iova_at(0), only_4k, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_split_begin_physical(&list, only_4k, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_split_begin_physical(&list, no_size, &split), PHYR_E_INVAL);
	assert_int_equal(phyr_split_begin_physical(NULL, only_4k, &split), PHYR_E_INVAL);
}

static void a_run_that_is_rounded_out_to_everything_is_refused(void **state)
{
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x800, TOP);
	refuse_list(&list, 0x800, only_4k, PHYR_E_RANGE);
	assert_int_equal(phyr_split_begin_physical(&list, only_4k, &split), PHYR_E_RANGE);
}

static void a_joint_off_the_smallest_size_is_refused(void **state)
{
	/* The first run ends on 8K, the second does not begin on one; then the other way round. */
	struct phyr_range begins[] = { { { 0x0 }, 0x2000 }, { { 0x9000 }, 0x1000 } };
	struct phyr_range ends[] = { { { 0x0 }, 0x1000 }, { { 0x8000 }, 0x2000 } };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	list_of(&list, begins, 2);
	refuse_list(&list, 0, only_8k, PHYR_E_ALIGN);
	assert_int_equal(phyr_split_begin_physical(&list, only_8k, &split), PHYR_E_ALIGN);
	list_of(&list, ends, 2);
	refuse_list(&list, 0, only_8k, PHYR_E_ALIGN);
	assert_int_equal(phyr_split_begin_physical(&list, only_8k, &split), PHYR_E_ALIGN);
	assert_int_equal(phyr_split_begin_physical(&list, only_4k, &split), PHYR_OK);
}

int main(void)
{
	struct CMUnitTest cuts[VECTOR_CNT] = { { 0 } };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s4_and_s9_the_larger_block_lies_where_it_is_aligned),
		cmocka_unit_test(s13_a_range_off_the_granule_is_refused_and_a_list_rounded_out),
		cmocka_unit_test(s14_nothing_is_cut_into_no_blocks),
		cmocka_unit_test(all_but_the_highest_page_is_one_block_of_each_size),
		cmocka_unit_test(the_last_byte_is_rounded_out_to_the_last_page),
		cmocka_unit_test(both_ends_of_a_list_are_rounded_out_to_the_smallest_size),
		cmocka_unit_test(a_page_inside_a_huge_page_is_rounded_out_to_it),
		cmocka_unit_test(an_empty_list_has_no_blocks),
		cmocka_unit_test(the_end_of_a_cut_stays_the_end_and_writes_nothing),
		cmocka_unit_test(counting_a_range_adds_to_what_is_there),
		cmocka_unit_test(a_range_that_cannot_be_cut_counts_nothing),
		cmocka_unit_test(a_list_that_cannot_be_cut_starts_nothing),
		cmocka_unit_test(a_run_that_is_rounded_out_to_everything_is_refused),
		cmocka_unit_test(a_joint_off_the_smallest_size_is_refused),
	};

	int failed;

	for (size_t i = 0; i < VECTOR_CNT; i++) {
		cuts[i].name = vectors[i].name;
		cuts[i].test_func = cut_as_wanted;
		cuts[i].initial_state = &vectors[i];
	}
	failed = cmocka_run_group_tests(cuts, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
