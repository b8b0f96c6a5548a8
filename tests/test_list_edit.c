/* SPDX-License-Identifier: MIT */
/*
 * Whole pages by the array, concat, clone, equal and slice. Whatever the way it was made, a list
 * must not be told from one that was appended piece by piece. Not here: all operations in random
 * sequences, and words (prop_list_edit.c); truncate, and allocations that fail (oom_list_edit.c);
 * where the storage comes from (test_list_storage.c).
 */
#include <phyr/base.h>
#include <phyr/list.h>

#include "list_world.h"

#define PAGES_MAX 1300
#define PATTERN_CNT 7

/* The page numbers that a list gets, and the source of the random ones. */
static uint64_t array[PAGES_MAX];
static uint64_t random_state;

static int setup(void **state)
{
	memset(array, 0xa5, sizeof(array));
	random_state = 1;
	return twins_setup(state);
}

static void append_pages(struct twins *f, size_t first, size_t end)
{
	assert_int_equal(phyr_list_append_pages(&f->list, array + first, end - first, ram),
			 PHYR_OK);
}

/* Page i behind page `before` in one of the kinds of arrays that programs have. */
static uint64_t next_page(unsigned int pattern, uint64_t before)
{
	switch (pattern) {
	case 0: /* one run, up to the last page and on from 0 */
		return (before + 1) & PAGE_MAX;
	case 1: /* nothing joins */
		return test_random(&random_state) >> 12;
	case 2: /* downwards */
		return (before - 1) & PAGE_MAX;
	case 3: /* the same one */
		return before;
	case 4: /* every other one */
		return (before + 2) & PAGE_MAX;
	case 5: /* short runs and single pages */
		return test_random(&random_state) % 4 ? (before + 1) & PAGE_MAX :
							test_random(&random_state) >> 40;
	default: /* aligned blocks of 16 */
		return before % 16 != 15 ? before + 1 : test_random(&random_state) >> 40 << 4;
	}
}

static void fill_pages(unsigned int pattern)
{
	array[0] = pattern ? test_random(&random_state) >> 40 : PAGE_MAX - 700;
	for (size_t i = 1; i < PAGES_MAX; i++)
		array[i] = next_page(pattern, array[i - 1]);
}

/* The list gets the pages in two arrays, the other list gets them one by one. */
static void by_the_array(struct twins *f, uint64_t lead_cnt, size_t page_cnt, size_t cut)
{
	build_pieces(&f->list, 0, lead_cnt);
	build_pieces(&f->same, 0, lead_cnt);
	append_pages(f, 0, cut);
	append_pages(f, cut, page_cnt);
	for (size_t i = 0; i < page_cnt; i++)
		append(&f->same, array[i] * PAGE, PAGE);
	assert_same(&f->list, &f->same);
	assert_true(stats_of(&f->list).storage_len <= stats_of(&f->same).storage_len + 4096);
	start_again(f);
}

static void pages_by_the_array_are_the_same_as_one_by_one(void **state)
{
	static const size_t cnts[] = { 0, 1, 2, 3, 7, 8, 9, 31, 64, 513, PAGES_MAX };
	struct twins *f = *state;

	for (unsigned int pattern = 0; pattern < PATTERN_CNT * 4; pattern++) {
		fill_pages(pattern % PATTERN_CNT);
		for (size_t i = 0; i < CNT(cnts); i++) {
			by_the_array(f, i, cnts[i], 0);
			by_the_array(f, test_random(&random_state) % 530, cnts[i],
				     (size_t)(test_random(&random_state) % (cnts[i] + 1)));
		}
	}
}

static void a_break_in_an_array_is_seen_wherever_it_is(void **state)
{
	struct twins *f = *state;

	for (size_t page_cnt = 2; page_cnt <= 80; page_cnt++) {
		for (size_t at = 1; at < page_cnt; at++) {
			for (size_t i = 0; i < page_cnt; i++)
				array[i] = 77 + i + (i < at ? 0 : 1);
			append_pages(f, 0, page_cnt);
			append(&f->same, 77 * PAGE, at * PAGE);
			append(&f->same, (78 + at) * PAGE, (page_cnt - at) * PAGE);
			assert_same(&f->list, &f->same);
			start_again(f);
		}
	}
}

static void a_very_long_contiguous_array_is_one_run(void **state)
{
	const size_t page_cnt = 3000001;
	struct twins *f = *state;
	uint64_t *pages = malloc(page_cnt * sizeof(*pages));

	assert_non_null(pages);
	for (size_t i = 0; i < page_cnt; i++)
		pages[i] = 0x12345 + i;
	assert_int_equal(phyr_list_append_pages(&f->list, pages, page_cnt, bar), PHYR_OK);
	assert_int_equal(phyr_list_append_pages(&f->list, pages, page_cnt, bar), PHYR_OK);
	free(pages);
	assert_int_equal(f->mem.alloc_cnt, 0);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(add(&f->same, 0x12345000, page_cnt * PAGE, bar), PHYR_OK);
	assert_same(&f->list, &f->same);
}

static void pages_join_the_open_run_only_where_it_ends_with_a_page(void **state)
{
	static const uint64_t ends[] = { 0x5000, 0x4fff, 0x5001, 0x4000, 0x6000 };
	static const uint64_t pages[] = { 5, 6 };
	struct twins *f = *state;

	for (size_t i = 0; i < CNT(ends); i++) {
		append(&f->list, 0x1800, ends[i] - 0x1800);
		assert_int_equal(phyr_list_append_pages(&f->list, pages, 2, ram), PHYR_OK);
		append(&f->same, 0x1800, ends[i] - 0x1800);
		append(&f->same, 0x5000, 0x2000);
		assert_same(&f->list, &f->same);
		assert_int_equal(stats_of(&f->list).run_cnt, i == 0 ? 1 : 2);
		assert_int_equal(phyr_list_append_pages(&f->list, pages, 2, bar), PHYR_OK);
		assert_int_equal(stats_of(&f->list).run_cnt, i == 0 ? 2 : 3);
		start_again(f);
	}
}

static void a_wrong_page_number_anywhere_changes_nothing(void **state)
{
	static const uint64_t wrong[] = { PAGE_MAX + 1, UINT64_C(1) << 63, UINT64_MAX };
	struct twins *f = *state;

	for (unsigned int pattern = 0; pattern < PATTERN_CNT; pattern++) {
		build_pieces(&f->list, 0, pattern * 3);
		build_pieces(&f->same, 0, pattern * 3);
		fill_pages(pattern);
		array[0] = piece(pattern * 3).pa.addr / PAGE + 1;
		for (size_t i = 0; i < PAGES_MAX; i += 1 + i / 40) {
			uint64_t good = array[i];

			array[i] = wrong[i % CNT(wrong)];
			assert_int_equal(phyr_list_append_pages(&f->list, array, PAGES_MAX, ram),
					 PHYR_E_RANGE);
			array[i] = good;
			assert_same(&f->list, &f->same);
		}
		start_again(f);
	}
	for (size_t i = 0; i < 40; i++)
		array[i] = PAGE_MAX - 38 + i; /* contiguous to beyond the end */
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(phyr_list_append_pages(&f->list, array + i, 40 - i, ram),
				 PHYR_E_RANGE);
	assert_same(&f->list, &f->same);
}

static void wrong_arguments_of_whole_lists_are_refused(void **state)
{
	static const uint64_t page = 9;
	struct twins *f = *state;
	struct phyr_list other;

	phyr_list_init(&other, NULL);
	append(&f->list, 0x1000, 0x1000);
	append(&f->same, 0x1000, 0x1000);
	assert_int_equal(phyr_list_append_pages(NULL, &page, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_list_append_pages(&f->list, NULL, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_list_append_pages(&f->list, &page, 1, unknown), PHYR_E_INVAL);
	assert_int_equal(phyr_list_append_pages(&f->list, NULL, 0, ram), PHYR_OK);
	assert_int_equal(phyr_list_concat(NULL, &other), PHYR_E_INVAL);
	assert_int_equal(phyr_list_concat(&f->list, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_list_concat(&f->list, &f->list), PHYR_E_INVAL);
	assert_int_equal(phyr_list_clone(&f->list, &f->mem.mem, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_list_clone(&f->list, &f->mem.mem, &f->list), PHYR_E_INVAL);
	assert_same(&f->list, &f->same);
	phyr_list_borrow(&f->list);
	append(&other, 0x9000, 0x1000);
	assert_int_equal(phyr_list_append_pages(&f->list, &page, 1, ram), PHYR_E_BUSY);
	assert_int_equal(phyr_list_concat(&f->list, &other), PHYR_E_BUSY);
	assert_int_equal(phyr_list_concat(&other, &f->list), PHYR_OK); /* only read */
	phyr_list_release(&f->list);
	assert_same(&f->list, &f->same);
	phyr_list_fini(&other);
}

static void a_total_that_is_too_large_changes_nothing(void **state)
{
	static const uint64_t pages[] = { 8, 3, 4 };
	struct twins *f = *state;
	struct phyr_list other;

	phyr_list_init(&other, NULL);
	for (size_t i = 0; i < CNT(pages); i++)
		append(&other, pages[i] * PAGE, PAGE);
	append(&f->list, PAGE, TOTAL_MAX - 2 * PAGE - 1);
	append(&f->same, PAGE, TOTAL_MAX - 2 * PAGE - 1);
	assert_int_equal(phyr_list_append_pages(&f->list, pages, 3, ram), PHYR_E_RANGE);
	assert_int_equal(phyr_list_concat(&f->list, &other), PHYR_E_RANGE);
	assert_same(&f->list, &f->same);
	phyr_list_truncate(&f->list, TOTAL_MAX - 3 * PAGE);
	phyr_list_truncate(&f->same, TOTAL_MAX - 3 * PAGE);
	assert_int_equal(phyr_list_append_pages(&f->list, pages, 3, ram), PHYR_OK);
	assert_int_equal(phyr_list_concat(&f->same, &other), PHYR_OK);
	assert_same(&f->list, &f->same);
	assert_int_equal(phyr_list_len(&f->list), TOTAL_MAX);
	phyr_list_fini(&other);
}

static void concat_is_the_same_as_appending_every_run(void **state)
{
	static const uint64_t cnts[] = { 0, 1, 2, 4, 6, 7, 40, 500, 530, 1100 };
	struct twins *f = *state;

	for (size_t i = 0; i < CNT(cnts) * CNT(cnts); i++) {
		uint64_t middle = cnts[i / CNT(cnts)];
		uint64_t end = middle + cnts[i % CNT(cnts)];
		struct phyr_list other;

		phyr_list_init(&other, &f->mem.mem);
		phyr_list_set_va(&f->list, 0x1234);
		phyr_list_set_va(&other, 0x5678);
		build_pieces(&f->list, 0, middle);
		build_pieces(&other, middle, end);
		build_pieces(&f->same, 0, end);
		assert_int_equal(phyr_list_concat(&f->list, &other), PHYR_OK);
		assert_same(&f->list, &f->same);
		assert_int_equal(phyr_list_va(&f->list), 0x1234);
		phyr_list_fini(&f->same);
		build_pieces(&f->same, middle, end);
		assert_same(&other, &f->same);
		phyr_list_fini(&other);
		start_again(f);
	}
}

static void a_clone_is_equal_and_goes_its_own_way(void **state)
{
	struct twins *f = *state;
	struct phyr_list copy;

	for (uint64_t cnt = 0; cnt < 1200; cnt += 1 + cnt / 3) {
		build_pieces(&f->list, 0, cnt);
		build_pieces(&f->same, 0, cnt);
		phyr_list_set_va(&f->list, UINT64_C(0x7f0000001234) + cnt);
		phyr_list_borrow(&f->list); /* the copy is free */
		memset(&copy, 0xa5, sizeof(copy));
		assert_int_equal(phyr_list_clone(&f->list, &f->mem.mem, &copy), PHYR_OK);
		phyr_list_release(&f->list);
		assert_same(&copy, &f->list);
		assert_int_equal(phyr_list_va(&copy), UINT64_C(0x7f0000001234) + cnt);
		build_pieces(&copy, cnt, cnt + 5);
		assert_same(&f->list, &f->same);
		phyr_list_fini(&f->list);
		build_pieces(&f->same, cnt, cnt + 5);
		assert_same(&copy, &f->same);
		phyr_list_fini(&copy);
		start_again(f);
	}
}

static void a_clone_that_fails_is_an_empty_list(void **state)
{
	struct twins *f = *state;
	struct phyr_list copy;

	build_pieces(&f->list, 0, 3);
	memset(&copy, 0xa5, sizeof(copy));
	assert_int_equal(phyr_list_clone(NULL, &f->mem.mem, &copy), PHYR_E_INVAL);
	assert_same(&copy, &f->same);
	memset(&copy, 0xa5, sizeof(copy));
	assert_int_equal(phyr_list_clone(&f->list, NULL, &copy), PHYR_OK); /* fits the head */
	assert_same(&copy, &f->list);
	build_pieces(&f->list, 3, 40);
	memset(&copy, 0xa5, sizeof(copy));
	assert_int_equal(phyr_list_clone(&f->list, NULL, &copy), PHYR_E_NOMEM);
	assert_same(&copy, &f->same);
	append(&copy, 0x1000, 0x1000);
	append(&f->same, 0x1000, 0x1000);
	assert_same(&copy, &f->same);
	phyr_list_fini(&copy);
}

static void lists_are_equal_when_every_byte_and_tag_is(void **state)
{
	static const struct {
		struct phyr_range runs[3];
		struct phyr_tag tag; /* of the second run */
	} lists[] = {
		{ { { { 0x1000 }, 0x1000 }, { { 0x8000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0x1000 }, 0x1000 }, { { 0x8000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 9 } },
		{ { { { 0x1001 }, 0x0fff }, { { 0x8000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0x1001 }, 0x0fff }, { { 0x8000 }, 0x0fff } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0x1002 }, 0x0ffe }, { { 0x8000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0x8000 }, 0x1000 }, { { 0x1000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0x1000 }, 0x1000 } }, { PHYR_KIND_SYSTEM, 0 } },
		{ { { { 0 }, 0 } }, { PHYR_KIND_SYSTEM, 0 } },
	};
	struct twins *f = *state;

	for (size_t i = 0; i < CNT(lists) * CNT(lists); i++) {
		size_t of[] = { i / CNT(lists), i % CNT(lists) };
		struct phyr_list *made[] = { &f->list, &f->same };

		for (size_t k = 0; k < 4; k++) {
			struct phyr_range run = lists[of[k % 2]].runs[k / 2];
			struct phyr_tag tag = k / 2 ? lists[of[k % 2]].tag : ram;

			if (run.len)
				assert_int_equal(phyr_list_append(made[k % 2], run, tag), PHYR_OK);
		}
		phyr_list_set_va(&f->list, i);
		assert_int_equal(phyr_list_equal(&f->list, &f->same), of[0] == of[1]);
		start_again(f);
	}
}

static void every_slice_is_just_its_bytes(void **state)
{
	static const uint64_t addrs[] = { 4094, 4095, 4096, 9, 12288, 12289, 7, 8, 9, 9, 10, 0 };
	struct twins *f = *state;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	for (size_t i = 0; i < CNT(addrs); i++)
		append(&f->list, addrs[i], 1);
	for (size_t i = 0; i < (CNT(addrs) + 1) * (CNT(addrs) + 1); i++) {
		uint64_t at = i / (CNT(addrs) + 1);
		uint64_t end = at + i % (CNT(addrs) + 1);

		if (end > CNT(addrs))
			continue;
		assert_int_equal(phyr_list_slice(&f->list, at, end - at, &cursor), PHYR_OK);
		while (phyr_list_next(&cursor, &run)) {
			assert_int_equal(run.offset, at);
			for (uint64_t k = 0; k < run.range.len; k++)
				assert_int_equal(run.range.pa.addr + k, addrs[at++]);
			assert_true(at == end || addrs[at] != addrs[at - 1] + 1);
		}
		assert_int_equal(at, end);
	}
}

static void a_slice_needs_all_of_its_bytes(void **state)
{
	static const uint64_t slices[][2] = {
		{ 0, 0x2001 },	       { 0x1fff, 2 },	  { 0x2000, 1 },     { 0x2001, 1 },
		{ 1, UINT64_MAX - 1 }, { 1, UINT64_MAX }, { UINT64_MAX, 1 }, { UINT64_MAX, 2 },
	};
	struct twins *f = *state;
	struct phyr_list_cursor cursor;
	struct phyr_list_cursor before;

	memset(&cursor, 0xa5, sizeof(cursor));
	memset(&before, 0xa5, sizeof(before));
	assert_int_equal(phyr_list_slice(&f->list, 0, 1, &cursor), PHYR_E_RANGE);
	append(&f->list, 0x1000, 0x2000);
	for (size_t i = 0; i < CNT(slices); i++)
		assert_int_equal(phyr_list_slice(&f->list, slices[i][0], slices[i][1], &cursor),
				 PHYR_E_RANGE);
	assert_memory_equal(&cursor, &before, sizeof(cursor));
	assert_int_equal(phyr_list_slice(&f->list, 0x2000, 0, &cursor), PHYR_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, twins_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pages_by_the_array_are_the_same_as_one_by_one),
		CASE(a_break_in_an_array_is_seen_wherever_it_is),
		CASE(a_very_long_contiguous_array_is_one_run),
		CASE(pages_join_the_open_run_only_where_it_ends_with_a_page),
		CASE(a_wrong_page_number_anywhere_changes_nothing),
		CASE(wrong_arguments_of_whole_lists_are_refused),
		CASE(a_total_that_is_too_large_changes_nothing),
		CASE(concat_is_the_same_as_appending_every_run),
		CASE(a_clone_is_equal_and_goes_its_own_way),
		CASE(a_clone_that_fails_is_an_empty_list),
		CASE(lists_are_equal_when_every_byte_and_tag_is),
		CASE(every_slice_is_just_its_bytes),
		CASE(a_slice_needs_all_of_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
