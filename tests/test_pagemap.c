/* SPDX-License-Identifier: MIT */
/*
 * What page-map entries mean, without a page map: arrays of entries become lists, and later arrays
 * say what has moved. No privilege and no real memory is involved.
 */
#include <phyr/bits.h>

#include "../src/pin/pagemap.h"
#include "test.h"

#define THERE PHYR_PAGEMAP_PRESENT
/* Bits that say other things about a page: soft-dirty, file-mapped. */
#define OTHER_BITS ((UINT64_C(1) << 55) | (UINT64_C(1) << 61))

static struct phyr_pagemap range(uint64_t va, uint64_t len, unsigned int page_lg2)
{
	return (struct phyr_pagemap){ va, va + len - 1, page_lg2 };
}

/* Takes all entries of a range into a list, so many at a time. */
static int take(struct phyr_list *list, struct phyr_pagemap at, const uint64_t *entries, size_t cnt,
		size_t batch)
{
	struct phyr_pagemap_take take = { .at = at, .list = list };
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < cnt; i += batch)
		err = phyr_pagemap_take(&take, entries + i, cnt - i < batch ? cnt - i : batch);
	return err ? err : phyr_pagemap_take_end(&take);
}

static struct phyr_pin_result compare(const struct phyr_list *list, uint64_t offset,
				      struct phyr_pagemap at, const uint64_t *entries, size_t cnt)
{
	struct phyr_pagemap_compare compare = { .at = at };
	struct phyr_pin_result result = { PHYR_PIN_LOCKED, 7, 7, 7 };

	assert_int_equal(phyr_pagemap_compare_begin(&compare, list, offset, &result), PHYR_OK);
	phyr_pagemap_compare(&compare, entries, cnt / 2);
	phyr_pagemap_compare(&compare, entries + cnt / 2, cnt - cnt / 2);
	assert_int_equal(result.page_cnt, cnt);
	assert_int_equal(result.state, PHYR_PIN_LOCKED);
	return result;
}

static void assert_run(struct phyr_list_cursor *cursor, uint64_t pa, uint64_t len)
{
	struct phyr_run run;

	assert_true(phyr_list_next(cursor, &run));
	assert_int_equal(run.range.pa.addr, pa);
	assert_int_equal(run.range.len, len);
	assert_int_equal(run.tag.kind, PHYR_KIND_SYSTEM);
	assert_int_equal(run.tag.provider, 0);
}

static void neighbours_join_whatever_the_batches(void **state)
{
	const uint64_t entries[] = { THERE | 5, THERE | 6 | OTHER_BITS, THERE | 7, THERE | 3,
				     THERE | 4 };
	struct phyr_list_cursor cursor;
	struct phyr_list list;
	struct phyr_run run;

	(void)state;
	for (size_t batch = 1; batch <= CNT(entries); batch++) {
		phyr_list_init(&list, NULL);
		assert_int_equal(take(&list, range(0x1000, 0x5000, 12), entries, 5, batch),
				 PHYR_OK);
		assert_true(phyr_list_validate(&list, NULL));
		phyr_list_begin(&list, &cursor);
		assert_run(&cursor, 0x5000, 0x3000);
		assert_run(&cursor, 0x3000, 0x2000);
		assert_false(phyr_list_next(&cursor, &run));
	}
}

static void both_ends_are_kept_to_the_byte_for_every_page_size(void **state)
{
	const uint64_t entries[] = { THERE | 9, THERE | 4 };

	(void)state;
	for (unsigned int lg2 = 12; lg2 <= 16; lg2 += 2) {
		uint64_t page = phyr_bits_size(lg2);
		struct phyr_list_cursor cursor;
		struct phyr_list list;

		phyr_list_init(&list, NULL);
		assert_int_equal(take(&list, range(8 * page - 3, 10, lg2), entries, 2, 2), PHYR_OK);
		phyr_list_begin(&list, &cursor);
		assert_run(&cursor, 10 * page - 3, 3);
		assert_run(&cursor, 4 * page, 7);
		assert_int_equal(phyr_list_len(&list), 10);
	}
}

static void the_highest_page_of_the_address_space_is_a_page(void **state)
{
	const uint64_t entries[] = { THERE | 1, THERE | 2 };
	struct phyr_pagemap at = { UINT64_MAX - 0x1fff, UINT64_MAX, 12 };
	struct phyr_pin_result result;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(take(&list, at, entries, 2, 1), PHYR_OK);
	assert_int_equal(phyr_list_len(&list), 0x2000);
	result = compare(&list, 0, at, entries, 2);
	assert_int_equal(result.moved_cnt, 0);
}

static void the_first_page_that_is_missing_is_named(void **state)
{
	uint64_t entries[] = { THERE | 1, THERE | 2, THERE | 3, THERE | 4 };

	(void)state;
	for (size_t missing = 4; missing-- > 0;) {
		struct phyr_pagemap_take take = { .at = range(0x7123, 0x3000, 12) };
		struct phyr_list list;

		entries[missing] = 0x1234; /* a swap slot is no frame */
		phyr_list_init(&list, NULL);
		take.list = &list;
		assert_int_equal(phyr_pagemap_take(&take, entries, 4), PHYR_E_NOENT);
		assert_int_equal(take.at.va, 0x7000 + missing * 0x1000);
	}
}

static void frames_that_are_all_zero_are_hidden_ones(void **state)
{
	const uint64_t hidden[] = { THERE, THERE | OTHER_BITS };
	const uint64_t zero_first[] = { THERE, THERE | 1 };
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(take(&list, range(0, 0x2000, 12), hidden, 2, 2), PHYR_E_PERM);
	assert_int_equal(phyr_list_len(&list), 0);
	assert_int_equal(take(&list, range(0, 0x2000, 12), zero_first, 2, 2), PHYR_OK);
	assert_int_equal(phyr_list_len(&list), 0x2000);
}

static void a_list_that_cannot_grow_says_so(void **state)
{
	uint64_t entries[32];
	struct phyr_list list;

	(void)state;
	for (uint64_t i = 0; i < CNT(entries); i++)
		entries[i] = THERE | (2 * i + 2);
	phyr_list_init(&list, NULL);
	assert_int_equal(take(&list, range(0, 0x20000, 12), entries, 32, 32), PHYR_E_NOMEM);
	phyr_list_fini(&list);
	phyr_list_borrow(&list);
	assert_int_equal(take(&list, range(0, 0x20000, 12), entries, 32, 32), PHYR_E_BUSY);
	phyr_list_release(&list);
}

static void moved_pages_are_counted_and_the_first_is_named(void **state)
{
	const uint64_t before[] = { THERE | 5, THERE | 6, THERE | 7, THERE | 3 };
	const uint64_t swapped_out[] = { THERE | 5, THERE | 6, THERE | 7, 3 };
	const uint64_t exchanged[] = { THERE | 5, THERE | 7, THERE | 6, THERE | 3 | OTHER_BITS };
	const uint64_t gone[] = { 0, 0, 0, 0 };
	const struct phyr_pagemap at = range(0x7f0000000fff, 0x2002, 12);
	struct phyr_pin_result result;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(take(&list, at, before, 4, 4), PHYR_OK);
	result = compare(&list, 0, at, before, 4);
	assert_int_equal(result.moved_cnt, 0);
	assert_int_equal(result.moved_va, 0);
	result = compare(&list, 0, at, swapped_out, 4);
	assert_int_equal(result.moved_cnt, 1);
	assert_int_equal(result.moved_va, 0x7f0000003000);
	result = compare(&list, 0, at, exchanged, 4);
	assert_int_equal(result.moved_cnt, 2);
	assert_int_equal(result.moved_va, 0x7f0000001000);
	result = compare(&list, 0, at, gone, 4);
	assert_int_equal(result.moved_cnt, 4);
	assert_int_equal(result.moved_va, 0x7f0000000000);
}

static void what_the_list_had_before_is_not_compared(void **state)
{
	const uint64_t entries[] = { THERE | 5, THERE | 6 };
	const uint64_t moved[] = { THERE | 5, THERE | 9 };
	const struct phyr_pagemap at = range(0x1000, 0x2000, 12);
	struct phyr_range joined = { { 0x4800 }, 0x800 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_pin_result result;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, joined, ram), PHYR_OK);
	assert_int_equal(take(&list, at, entries, 2, 2), PHYR_OK);
	result = compare(&list, 0x800, at, entries, 2);
	assert_int_equal(result.moved_cnt, 0);
	result = compare(&list, 0x800, at, moved, 2);
	assert_int_equal(result.moved_cnt, 1);
	assert_int_equal(result.moved_va, 0x2000);
}

static void there_is_nothing_to_compare_behind_the_end_of_a_list(void **state)
{
	struct phyr_pagemap_compare compare = { .at = range(0, 0x1000, 12) };
	struct phyr_pin_result result;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_pagemap_compare_begin(&compare, &list, 0, &result), PHYR_E_RANGE);
}

/* As an application sees it: each page where the list says, or not. */
static void a_comparison_agrees_with_looking_at_every_page(void **state)
{
	uint64_t before[200], after[200], random = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct phyr_pagemap at = range(test_random(&random) >> 20, 199 * 4096 + 1, 12);
		struct phyr_pin_result result;
		struct test_mem mem;
		struct phyr_list list;
		uint64_t moved_cnt = 0;

		at.last = phyr_bits_down(at.va, 12) + sizeof(before) / 8 * 4096 - 1;
		for (size_t i = 0; i < CNT(before); i++) {
			before[i] = THERE | (test_random(&random) % 4 + i);
			after[i] = THERE | (test_random(&random) % 4 + i);
			moved_cnt += before[i] != after[i];
		}
		test_mem_init(&mem);
		phyr_list_init(&list, &mem.mem);
		assert_int_equal(take(&list, at, before, 200, 33), PHYR_OK);
		result = compare(&list, 0, at, after, 200);
		assert_int_equal(result.moved_cnt, moved_cnt);
		phyr_list_fini(&list);
		assert_int_equal(mem.live_cnt, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_join_whatever_the_batches),
		cmocka_unit_test(both_ends_are_kept_to_the_byte_for_every_page_size),
		cmocka_unit_test(the_highest_page_of_the_address_space_is_a_page),
		cmocka_unit_test(the_first_page_that_is_missing_is_named),
		cmocka_unit_test(frames_that_are_all_zero_are_hidden_ones),
		cmocka_unit_test(a_list_that_cannot_grow_says_so),
		cmocka_unit_test(moved_pages_are_counted_and_the_first_is_named),
		cmocka_unit_test(what_the_list_had_before_is_not_compared),
		cmocka_unit_test(there_is_nothing_to_compare_behind_the_end_of_a_list),
		cmocka_unit_test(a_comparison_agrees_with_looking_at_every_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
