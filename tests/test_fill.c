/* SPDX-License-Identifier: MIT */
/*
 * Pages of one size and the arrays that devices want of them: the published vectors of the block
 * iterator, joints that are none, moving to a page, filling in pieces, byte orders, refusals.
 *
 * Not here: which size (test_best_size.c), random worlds (prop_split.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "split_world.h"

/** Most words that an array here has. */
#define WORDS_MAX 64

static const struct phyr_word_format plain = { 0, PHYR_ENDIAN_HOST };

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
	list_of_region(&list, &region);
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
	list_of_region(&list, &region);
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
	list_of_region(&list, &region);
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

static void refuse_region(const struct region *region, unsigned int lg2, int err)
{
	struct phyr_list list;

	list_of_region(&list, region);
	refuse_pages(&list, region->address, lg2, err);
}

static void i4_a_page_that_would_lose_the_second_run_is_refused(void **state)
{
	const struct region region = { { { { 0x10000 }, 0x1000 }, { { 0x90000 }, 0x1000 } }, 0 };

	(void)state;
	refuse_region(&region, 13, PHYR_E_ALIGN);
}

static void i5_a_page_with_a_joint_inside_is_refused(void **state)
{
	const struct region region = { { { { 0x100000 }, 0x1800 }, { { 0x200000 }, 0x1000 } }, 0 };

	(void)state;
	refuse_region(&region, 12, PHYR_E_ALIGN);
}

static void pages_of_wrong_arguments_are_refused(void **state)
{
	const struct region region = { { { { 0x10000 }, 0x2000 } }, 0 };
	struct phyr_list list;

	(void)state;
	list_of_region(&list, &region);
	refuse_pages(NULL, 0, 12, PHYR_E_INVAL);
	refuse_pages(&list, 0, 64, PHYR_E_INVAL);
	assert_int_equal(phyr_split_pages_begin(&list, 0, 12, NULL), PHYR_E_INVAL);
	refuse_pages(&list, TOP, 12, PHYR_E_RANGE);
	refuse_pages(&list, 0x800, 12, PHYR_E_ALIGN);
}

static void pages_of_wrong_alignments_are_refused(void **state)
{
	const struct region region = { { { { 0x1000 }, 0x2000 } }, 0 };
	const struct region high = { { { { TOP }, 0x1000 } }, 0 };
	struct phyr_pages pages;
	struct phyr_list list;

	(void)state;
	list_of_region(&list, &region);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 14, &pages), PHYR_E_INVAL);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 13, &pages), PHYR_E_ALIGN);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 12, &pages), PHYR_OK);
	/* The first page would begin at -4K, the last end at 2^64 + 4K. */
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0x2000, 14, 12, &pages),
			 PHYR_E_RANGE);
	list_of_region(&list, &high);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 12, &pages), PHYR_E_RANGE);
}

static void an_aligned_page_begins_where_its_memory_does(void **state)
{
	const struct region region = { { { { 0x5000 }, 0x4000 }, { { 0x13000 }, 0x1000 } }, 0 };
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	struct phyr_list list;
	uint64_t words[3];

	(void)state;
	list_of_region(&list, &region);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 12, &pages), PHYR_OK);
	expect_pages(&pages, 0x5000, 0, 2);
	expect_pages(&pages, 0x13000, 0x4000, 1);
	assert_false(phyr_split_pages_next(&pages, &blocks));
	assert_int_equal(phyr_split_pages_seek(&pages, 0), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, plain, words, 3), 3);
	assert_int_equal(words[1], 0x7000);
	assert_int_equal(words[2], 0x13000);
}

/* Tags. */

static void tagged(struct phyr_list *list, struct test_mem *mem, const struct phyr_range *ranges,
		   size_t cnt)
{
	struct phyr_tag tag = { PHYR_KIND_P2P, 0 };

	list_open(list, mem);
	for (; tag.provider < cnt; tag.provider++)
		assert_int_equal(phyr_list_append(list, ranges[tag.provider], tag), PHYR_OK);
}

static void a_page_may_hold_the_end_of_one_tag_and_the_start_of_another(void **state)
{
	const struct phyr_range ranges[] = { { { 0x10000 }, 0x3000 },
					     { { 0x13000 }, 0x800 },
					     { { 0x13800 }, 0x5800 } };
	struct phyr_blocks blocks;
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;
	uint64_t words[4];

	(void)state;
	tagged(&list, &mem, ranges, 3);
	assert_int_equal(phyr_split_pages_begin(&list, 0, 14, &pages), PHYR_OK);
	assert_int_equal(phyr_split_pages_cnt(&pages), 3);
	expect_pages(&pages, 0x10000, 0, 1);
	expect_pages(&pages, 0x14000, 0x4000, 2);
	assert_false(phyr_split_pages_next(&pages, &blocks));
	assert_int_equal(phyr_split_pages_seek(&pages, 0), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, plain, words, 4), 3);
	assert_int_equal(words[0], 0x10000);
	assert_int_equal(words[1], 0x14000);
	assert_int_equal(words[2], 0x18000);
	phyr_list_fini(&list);
}

static void a_joint_at_the_end_of_the_space_is_true(void **state)
{
	const struct phyr_range ranges[] = { { { TOP }, 0x1000 }, { { 0 }, 0x1000 } };
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	tagged(&list, &mem, ranges, 2);
	assert_int_equal(phyr_split_pages_begin(&list, 0x1000, 13, &pages), PHYR_OK);
	expect_pages(&pages, TOP - 0x1000, 0, 1);
	expect_pages(&pages, 0, 0x2000, 1);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0, 13, 12, &pages), PHYR_E_ALIGN);
	phyr_list_fini(&list);
}

static void a_run_of_a_pages_length_may_lie_across_two_aligned_pages(void **state)
{
	const struct phyr_range ranges[] = { { { 0x2000 }, 0x2000 }, { { 0x4000 }, 0x1000 } };
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;
	uint64_t words[3];

	(void)state;
	tagged(&list, &mem, ranges, 2);
	assert_int_equal(phyr_split_pages_begin_aligned(&list, 0x1000, 13, 12, &pages), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, plain, words, 3), 2);
	assert_int_equal(words[0], 0x1000);
	assert_int_equal(words[1], 0x3000);
	phyr_list_fini(&list);
}

/* Filling. */

/* Runs of 1, 5, 1, 1 and 3 pages; the first begins, the last ends inside of a page. */
static const struct region mixed_runs = { { { { 0x20800 }, 0x800 },
					    { { 0x80000 }, 0x5000 },
					    { { 0x30000 }, 0x1000 },
					    { { 0x12000 }, 0x1000 },
					    { { 0x55000 }, 0x2100 } },
					  0x7800 };
static const uint64_t mixed_words[] = { 0x20000, 0x80000, 0x81000, 0x82000, 0x83000, 0x84000,
					0x30000, 0x12000, 0x55000, 0x56000, 0x57000 };
/** How many pages these are. */
#define MIXED_CNT (sizeof(mixed_words) / sizeof(*mixed_words))

static void begin_mixed(struct phyr_list *list, struct test_mem *mem, struct phyr_pages *pages)
{
	list_open(list, mem);
	for (size_t i = 0; i < RANGES_MAX; i++)
		assert_int_equal(phyr_list_append(list, mixed_runs.ranges[i], ram), PHYR_OK);
	assert_int_equal(phyr_split_pages_begin(list, mixed_runs.address, 12, pages), PHYR_OK);
}

static void pieces_of_any_size_fill_the_same_array(void **state)
{
	uint64_t words[WORDS_MAX];
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	begin_mixed(&list, &mem, &pages);
	assert_int_equal(phyr_split_pages_cnt(&pages), MIXED_CNT);
	for (size_t piece = 1; piece <= MIXED_CNT + 1; piece++) {
		size_t done = 0;
		size_t cnt;

		assert_int_equal(phyr_split_pages_seek(&pages, 0), PHYR_OK);
		while ((cnt = phyr_split_fill(&pages, plain, words + done, piece)) == piece)
			done += cnt;
		assert_int_equal(done + cnt, MIXED_CNT);
		assert_memory_equal(words, mixed_words, sizeof(mixed_words));
	}
	phyr_list_fini(&list);
}

static void filling_starts_at_any_page_and_writes_no_word_too_many(void **state)
{
	uint64_t words[WORDS_MAX];
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	begin_mixed(&list, &mem, &pages);
	for (size_t first = 0; first < MIXED_CNT; first++) {
		memset(words, 0x3c, sizeof(words));
		assert_int_equal(phyr_split_pages_seek(&pages, first), PHYR_OK);
		assert_int_equal(phyr_split_fill(&pages, plain, words, WORDS_MAX),
				 MIXED_CNT - first);
		assert_memory_equal(words, mixed_words + first,
				    (MIXED_CNT - first) * sizeof(*words));
		assert_int_equal(words[MIXED_CNT - first], UINT64_C(0x3c3c3c3c3c3c3c3c));
	}
	phyr_list_fini(&list);
}

static void a_page_that_is_not_there_is_refused_and_moves_nothing(void **state)
{
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;
	uint64_t word;

	(void)state;
	begin_mixed(&list, &mem, &pages);
	assert_int_equal(phyr_split_pages_seek(&pages, 3), PHYR_OK);
	assert_int_equal(phyr_split_pages_seek(&pages, MIXED_CNT), PHYR_E_RANGE);
	assert_int_equal(phyr_split_pages_seek(&pages, UINT64_MAX), PHYR_E_RANGE);
	assert_int_equal(phyr_split_fill(&pages, plain, &word, 1), 1);
	assert_int_equal(word, mixed_words[3]);
	phyr_list_fini(&list);
	assert_int_equal(phyr_split_pages_begin(&list, 0, 12, &pages), PHYR_OK);
	assert_int_equal(phyr_split_pages_cnt(&pages), 0);
	assert_int_equal(phyr_split_pages_seek(&pages, 0), PHYR_E_RANGE);
	assert_int_equal(phyr_split_fill(&pages, plain, &word, 1), 0);
}

static void what_filling_left_of_a_run_comes_next(void **state)
{
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;
	uint64_t words[3];

	(void)state;
	begin_mixed(&list, &mem, &pages);
	assert_int_equal(phyr_split_fill(&pages, plain, words, 3), 3);
	expect_pages(&pages, 0x82000, 0x9000 + 0x1000, 3);
	assert_int_equal(phyr_split_fill(&pages, plain, words, 1), 1);
	assert_int_equal(words[0], 0x30000);
	expect_pages(&pages, 0x12000, 0xe000, 1);
	phyr_list_fini(&list);
}

static void flags_and_byte_orders_are_those_of_the_device(void **state)
{
	const struct phyr_word_format little = { UINT64_C(1) << 63 | 3, PHYR_ENDIAN_LITTLE };
	const struct phyr_word_format big = { UINT64_C(1) << 63 | 3, PHYR_ENDIAN_BIG };
	static const unsigned char bytes[] = { 0x80, 0, 0, 0, 0, 2, 0, 3 };
	unsigned char words[8][8];
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	begin_mixed(&list, &mem, &pages);
	assert_int_equal(phyr_split_fill(&pages, big, (uint64_t *)(void *)words, 8), 8);
	assert_memory_equal(words[0], bytes, 8);
	assert_int_equal(words[7][6], 0x20);
	assert_int_equal(phyr_split_pages_seek(&pages, 0), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, little, (uint64_t *)(void *)words, 8), 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(words[0][i], bytes[7 - i]);
	phyr_list_fini(&list);
}

/* Single pages of 64K, and of other sizes among them, lie in words of their own. */
static void single_pages_of_any_size_fill_alike(void **state)
{
	uint64_t words[WORDS_MAX];
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	list_open(&list, &mem);
	for (uint64_t i = 0; i < WORDS_MAX / 4; i++) {
		struct phyr_range one = { { (4 * i + 1) * M }, 64 * K };
		struct phyr_range three = { { (4 * i + 3) * M }, 192 * K };

		assert_int_equal(phyr_list_append(&list, one, ram), PHYR_OK);
		assert_int_equal(phyr_list_append(&list, three, ram), PHYR_OK);
	}
	assert_int_equal(phyr_split_pages_begin(&list, 0, 16, &pages), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, plain, words, WORDS_MAX), WORDS_MAX);
	for (uint64_t i = 0; i < WORDS_MAX; i++) {
		uint64_t in_three = i % 4 ? 2 * M + (i % 4 - 1) * 64 * K : 0;

		assert_int_equal(words[i], (i / 4 * 4 + 1) * M + in_three);
	}
	phyr_list_fini(&list);
}

static void blocks_are_filled_in_pieces_too(void **state)
{
	struct phyr_blocks blocks = { { 0x200000 }, { 0x600000 }, 3, 21 };
	const struct phyr_word_format flags = { 5, PHYR_ENDIAN_HOST };
	uint64_t words[3];

	(void)state;
	assert_int_equal(phyr_split_fill_blocks(&blocks, flags, words, 2), 2);
	assert_int_equal(blocks.pa.addr, 0x600000);
	assert_int_equal(blocks.iova.addr, 0xa00000);
	assert_int_equal(blocks.cnt, 1);
	assert_int_equal(phyr_split_fill_blocks(&blocks, flags, words + 2, 2), 1);
	assert_int_equal(words[0], 0x200005);
	assert_int_equal(words[1], 0x400005);
	assert_int_equal(words[2], 0x600005);
	assert_int_equal(phyr_split_fill_blocks(&blocks, flags, words, 2), 0);
}

/* Words of blocks that are larger than the page must not be taken for pages. */
static void blocks_of_two_pages_fill_two_words_each(void **state)
{
	const struct phyr_word_format host = { .flags = 5 };
	struct phyr_pages pages;
	struct phyr_list list;
	struct test_mem mem;
	uint64_t words[40];

	(void)state;
	test_mem_init(&mem);
	phyr_list_init(&list, &mem.mem);
	for (uint64_t i = 0; i < 20; i++)
		append(&list, (100 + 4 * i) << 12, 0x2000);
	assert_int_equal(phyr_split_pages_begin(&list, 0, 12, &pages), PHYR_OK);
	assert_int_equal(phyr_split_fill(&pages, host, words, 40), 40);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(words[i], (100 + 4 * (i / 2) + i % 2) << 12 | 5);
	phyr_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_two_pages_fill_two_words_each),
		cmocka_unit_test(i1_ranges_that_follow_on_share_pages),
		cmocka_unit_test(i2_the_outer_pages_may_reach_beyond_the_list),
		cmocka_unit_test(pages_of_eight_gigabytes_keep_their_addresses),
		cmocka_unit_test(an_empty_list_has_no_pages),
		cmocka_unit_test(i4_a_page_that_would_lose_the_second_run_is_refused),
		cmocka_unit_test(i5_a_page_with_a_joint_inside_is_refused),
		cmocka_unit_test(pages_of_wrong_arguments_are_refused),
		cmocka_unit_test(pages_of_wrong_alignments_are_refused),
		cmocka_unit_test(an_aligned_page_begins_where_its_memory_does),
		cmocka_unit_test(a_page_may_hold_the_end_of_one_tag_and_the_start_of_another),
		cmocka_unit_test(a_joint_at_the_end_of_the_space_is_true),
		cmocka_unit_test(a_run_of_a_pages_length_may_lie_across_two_aligned_pages),
		cmocka_unit_test(pieces_of_any_size_fill_the_same_array),
		cmocka_unit_test(filling_starts_at_any_page_and_writes_no_word_too_many),
		cmocka_unit_test(a_page_that_is_not_there_is_refused_and_moves_nothing),
		cmocka_unit_test(what_filling_left_of_a_run_comes_next),
		cmocka_unit_test(flags_and_byte_orders_are_those_of_the_device),
		cmocka_unit_test(single_pages_of_any_size_fill_alike),
		cmocka_unit_test(blocks_are_filled_in_pieces_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
