/* SPDX-License-Identifier: MIT */
/*
 * Why pages are not larger: each kind of obstacle, where it is and what it would save; the cases in
 * which nothing is in the way; the sentences.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>

#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>
#include <phyrsim/report.h>

#include "split_world.h"

static const struct region aligned = { { { { 0x100000000 }, 100 * M } }, U };
static const struct region one_page_off = { { { { 0x100000000 }, 100 * M } }, U + 0x1000 };
/* Two huge pages, and a gap that starts one page early. */
static const struct region early_joint = {
	{ { { 0x40000000 }, 2 * M - 4 * K }, { { 0x80000000 }, 4 * K }, { { 0x60000000 }, 2 * M } },
	U
};

static struct phyr_explanation explain(const struct region *region, uint64_t sizes,
				       enum phyr_cover cover)
{
	phyr_sizes set = { sizes };
	struct phyr_explanation why;
	struct phyr_list list;

	memset(&why, 0x3c, sizeof(why));
	list_of_region(&list, region);
	assert_int_equal(phyr_split_explain(&list, region->address, set, cover, &why), PHYR_OK);
	assert_int_equal(why.page_len, phyr_split_best_size(&list, region->address, set, cover));
	return why;
}

static void expect_nothing(const struct phyr_explanation *why, enum phyr_obstacle obstacle)
{
	assert_int_equal(why->obstacle, obstacle);
	assert_int_equal(why->larger_len | why->larger_cnt | why->bits | why->offset, 0);
	assert_int_equal(why->address | why->obstacle_cnt | why->other_address, 0);
	assert_int_equal(why->run.range.len, 0);
	assert_false(why->renaming_helps);
}

static void nothing_is_in_the_way_of_the_largest_size(void **state)
{
	struct phyr_explanation why = explain(&aligned, 4 * K | 2 * M, PHYR_COVER_FORBID);

	(void)state;
	expect_nothing(&why, PHYR_OBSTACLE_LARGEST);
	assert_int_equal(why.page_len, 2 * M);
	assert_int_equal(why.page_cnt, 50);
}

static void nothing_is_in_the_way_when_no_size_takes_fewer_pages(void **state)
{
	struct phyr_explanation why = explain(&aligned, F, PHYR_COVER_ALLOW);

	(void)state;
	expect_nothing(&why, PHYR_OBSTACLE_FEWEST);
	assert_int_equal(why.page_len, 128 * M);
	assert_int_equal(why.page_cnt, 1);
}

static void another_phase_is_named_with_its_bits_and_the_address_that_would_do(void **state)
{
	struct phyr_explanation why = explain(&one_page_off, B, PHYR_COVER_ALLOW);

	(void)state;
	assert_int_equal(why.page_len, 4 * K);
	assert_int_equal(why.page_cnt, 25600);
	assert_int_equal(why.larger_len, 2 * M);
	assert_int_equal(why.larger_cnt, 51);
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_PHASE);
	assert_int_equal(why.bits, 0x1000);
	assert_int_equal(why.offset, 0);
	assert_int_equal(why.address, U + 0x1000);
	assert_int_equal(why.run.range.pa.addr, 0x100000000);
	assert_int_equal(why.obstacle_cnt, 1);
	assert_true(why.renaming_helps);
	assert_int_equal(why.other_address, 0);
}

static void the_first_joint_inside_of_a_larger_page_is_named(void **state)
{
	struct phyr_explanation why = explain(&early_joint, B, PHYR_COVER_FORBID);

	(void)state;
	assert_int_equal(why.page_len, 4 * K);
	assert_int_equal(why.larger_len, 2 * M);
	assert_int_equal(why.larger_cnt, 2);
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_JOINT);
	assert_int_equal(why.bits, 0x1ff000);
	assert_int_equal(why.offset, 0x1ff000);
	assert_int_equal(why.address, U + 0x1ff000);
	assert_int_equal(why.run.range.pa.addr, 0x80000000);
	assert_int_equal(why.obstacle_cnt, 1);
	assert_false(why.renaming_helps);
}

static void a_later_run_of_another_phase_is_named(void **state)
{
	const struct region region = {
		{ { { 0x40000000 }, 2 * M }, { { 0x80003000 }, 2 * M }, { { 0x90005000 }, 2 * M } },
		U
	};
	struct phyr_explanation why = explain(&region, B, PHYR_COVER_FORBID);

	(void)state;
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_PHASE);
	assert_int_equal(why.bits, 0x3000);
	assert_int_equal(why.offset, 2 * M);
	assert_int_equal(why.run.range.pa.addr, 0x80003000);
	assert_int_equal(why.run.offset, 2 * M);
	assert_int_equal(why.obstacle_cnt, 2);
	assert_false(why.renaming_helps);
}

static void the_ends_are_named_when_nothing_may_be_covered(void **state)
{
	const struct region start = { { { { 0x1ff800 }, 0x800 + 4 * M } }, U + 0x1ff800 };
	struct phyr_explanation why = explain(&start, B, PHYR_COVER_FORBID);

	(void)state;
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_START);
	assert_int_equal(why.address, U + 0x1ff000);
	assert_int_equal(why.bits, 0x1ff000);
	assert_int_equal(why.offset, 0);
	assert_int_equal(why.larger_cnt, 3);
	assert_int_equal(why.obstacle_cnt, 1);
	why = explain(&aligned, B, PHYR_COVER_FORBID);
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_END);
	assert_int_equal(why.larger_len, G);
	assert_int_equal(why.address, U + 100 * M);
	assert_int_equal(why.bits, 100 * M);
	assert_int_equal(why.offset, 100 * M);
	assert_int_equal(why.run.range.pa.addr, 0x100000000);
}

static void sizes_that_save_nothing_are_passed_over(void **state)
{
	/* Two pages of 32K or 64K; one of 128K, which would begin below. */
	const struct region region = { { { { 61440 }, 32 * K } }, 61440 };
	struct phyr_explanation why = explain(&region, 32 * K | 64 * K | 128 * K, PHYR_COVER_ALLOW);

	(void)state;
	assert_int_equal(why.page_len, 128 * K);
	why = explain(&region, 4 * K | 32 * K | 64 * K | 128 * K, PHYR_COVER_FORBID);
	assert_int_equal(why.page_len, 4 * K);
	assert_int_equal(why.larger_len, 32 * K);
	assert_int_equal(why.larger_cnt, 2);
}

static void when_no_size_fits_the_smallest_is_explained(void **state)
{
	struct phyr_explanation why = explain(&one_page_off, 2 * M | G, PHYR_COVER_ALLOW);

	(void)state;
	assert_int_equal(why.page_len | why.page_cnt, 0);
	assert_int_equal(why.larger_len, 2 * M);
	assert_int_equal(why.obstacle, PHYR_OBSTACLE_PHASE);
	assert_true(why.renaming_helps);
}

static void what_cannot_be_explained_is_refused(void **state)
{
	const phyr_sizes sizes = { F }, none = { 0 };
	struct phyr_explanation why, before;
	struct phyr_list list;

	(void)state;
	memset(&why, 0x3c, sizeof(why));
	memcpy(&before, &why, sizeof(why));
	list_of_region(&list, &aligned);
	assert_int_equal(phyr_split_explain(&list, TOP, sizes, PHYR_COVER_ALLOW, &why),
			 PHYR_E_RANGE);
	assert_int_equal(phyr_split_explain(&list, U, none, PHYR_COVER_ALLOW, &why), PHYR_E_INVAL);
	assert_int_equal(phyr_split_explain(NULL, U, sizes, PHYR_COVER_ALLOW, &why), PHYR_E_INVAL);
	assert_int_equal(phyr_split_explain(&list, U, sizes, PHYR_COVER_ALLOW, NULL), PHYR_E_INVAL);
	phyr_list_fini(&list);
	assert_int_equal(phyr_split_explain(&list, U, sizes, PHYR_COVER_ALLOW, &why), PHYR_E_INVAL);
	assert_memory_equal(&why, &before, sizeof(why));
}

/* Sentences. */

static void expect_text(const struct phyr_explanation *why, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	assert_non_null(stream);
	assert_int_equal(phyrsim_explain_text(stream, why), PHYR_OK);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, want);
	free(text);
}

static void the_sentences_say_what_the_numbers_do(void **state)
{
	struct phyr_explanation why = explain(&one_page_off, B, PHYR_COVER_ALLOW);

	(void)state;
	expect_text(&why, "page size 4K: 25600 entries\n"
			  "2M would take 51, 25549 fewer; one place is in the way:\n"
			  "  the run of 100M at pa 0x100000000 is named 0x7f0000001000 (byte 0x0): "
			  "the two differ in bits 0x1000\n"
			  "it would fit at a device address of 0x0 modulo 2M\n");
	why = explain(&early_joint, B, PHYR_COVER_FORBID);
	expect_text(&why, "page size 4K: 1024 entries\n"
			  "2M would take 2, 1022 fewer; one place is in the way:\n"
			  "  the run of 4K at pa 0x80000000 starts inside of a page: "
			  "0x7f00001ff000 (byte 0x1ff000) has bits 0x1ff000\n");
	why = explain(&aligned, B, PHYR_COVER_FORBID);
	expect_text(&why, "page size 2M: 50 entries\n"
			  "1G would take 1, 49 fewer; one place is in the way:\n"
			  "  the page would end beyond the region: its end 0x7f0006400000 has bits "
			  "0x6400000\n");
	why = explain(&one_page_off, 2 * M, PHYR_COVER_FORBID);
	expect_text(&why, "no page size fits\n"
			  "2M would take 51; 3 places are in the way, the first of them:\n"
			  "  the run of 100M at pa 0x100000000 is named 0x7f0000001000 (byte 0x0): "
			  "the two differ in bits 0x1000\n"
			  "it would fit at a device address of 0x0 modulo 2M\n");
}

static void nothing_in_the_way_is_said_too(void **state)
{
	struct phyr_explanation why = explain(&aligned, 2 * M, PHYR_COVER_FORBID);

	(void)state;
	expect_text(&why, "page size 2M: 50 entries\n"
			  "nothing stands in the way: it is the largest that is supported\n");
	why = explain(&aligned, F, PHYR_COVER_ALLOW);
	expect_text(&why, "page size 128M: 1 entry\n"
			  "nothing stands in the way: fewer are not possible\n");
}

static void a_stream_that_fails_is_an_error(void **state)
{
	struct phyr_explanation why = explain(&aligned, 2 * M, PHYR_COVER_FORBID);
	FILE *stream = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(phyrsim_explain_text(NULL, &why), PHYR_E_INVAL);
	if (!stream)
		skip();
	assert_int_equal(setvbuf(stream, NULL, _IONBF, 0), 0);
	assert_int_equal(phyrsim_explain_text(stream, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_explain_text(stream, &why), PHYR_E_IO);
	assert_int_equal(fclose(stream), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_in_the_way_of_the_largest_size),
		cmocka_unit_test(nothing_is_in_the_way_when_no_size_takes_fewer_pages),
		cmocka_unit_test(
			another_phase_is_named_with_its_bits_and_the_address_that_would_do),
		cmocka_unit_test(the_first_joint_inside_of_a_larger_page_is_named),
		cmocka_unit_test(a_later_run_of_another_phase_is_named),
		cmocka_unit_test(the_ends_are_named_when_nothing_may_be_covered),
		cmocka_unit_test(sizes_that_save_nothing_are_passed_over),
		cmocka_unit_test(when_no_size_fits_the_smallest_is_explained),
		cmocka_unit_test(what_cannot_be_explained_is_refused),
		cmocka_unit_test(the_sentences_say_what_the_numbers_do),
		cmocka_unit_test(nothing_in_the_way_is_said_too),
		cmocka_unit_test(a_stream_that_fails_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
