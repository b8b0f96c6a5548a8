/* SPDX-License-Identifier: MIT */
/*
 * seal.h sentence by sentence, and the sizes that the format was chosen for. Not here: single bytes
 * (test_seal_format.c), random lists and damage (prop_seal.c).
 */
#include <stdio.h>

#include <phyr/heap.h>
#include <phyr/recording.h>
#include <phyr/seal.h>

#include "seal_world.h"
#include "test.h"

static void missing_arguments_are_refused(void **state)
{
	struct world *w = *state;
	struct phyr_seal seal;
	size_t len = 5;

	assert_int_equal(phyr_seal_size(NULL, &len), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_size(&w->list, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_write(NULL, w->bytes, 99, &seal), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_write(&w->list, NULL, 99, &seal), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_write(&w->list, w->bytes, 99, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_attach(NULL, 99, &seal, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_attach(w->bytes, 99, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_open(NULL, &w->list), PHYR_E_INVAL);
	assert_int_equal(phyr_seal_open(&seal, NULL), PHYR_E_INVAL);
	assert_int_equal(len, 5);
}

static void an_empty_list_is_a_header(void **state)
{
	struct world *w = *state;
	struct phyr_seal_cursor cursor;
	struct phyr_run run;
	size_t len;

	assert_int_equal(phyr_seal_size(&w->list, &len), PHYR_OK);
	assert_int_equal(len, FIXED_LEN);
	assert_int_equal(seal(w), FIXED_LEN);
	assert_int_equal(phyr_seal_len(&w->seal), 0);
	phyr_seal_begin(&w->seal, &cursor);
	assert_false(phyr_seal_next(&cursor, &run));
	assert_int_equal(phyr_seal_seek(&w->seal, 0, &cursor), PHYR_E_RANGE);
}

static void a_buffer_that_is_too_small_is_a_limit(void **state)
{
	struct world *w = *state;
	struct phyr_seal untouched = { .len = 77 };
	size_t len;

	fill(w, 300);
	assert_int_equal(phyr_seal_size(&w->list, &len), PHYR_OK);
	assert_int_equal(phyr_seal_write(&w->list, w->bytes, len - 1, &untouched), PHYR_E_LIMIT);
	assert_int_equal(untouched.len, 77);
	assert_int_equal(phyr_seal_write(&w->list, w->bytes, len, &w->seal), PHYR_OK);
	assert_int_equal(phyr_seal_bytes(&w->seal), len);
}

static void a_seal_knows_length_and_va(void **state)
{
	struct world *w = *state;

	fill(w, 130);
	phyr_list_set_va(&w->list, UINT64_MAX - 5);
	(void)seal(w);
	assert_int_equal(phyr_seal_len(&w->seal), 130 * PAGE);
	assert_int_equal(phyr_seal_va(&w->seal), UINT64_MAX - 5);
}

static void a_seal_may_lie_anywhere_with_bytes_behind_it(void **state)
{
	struct world *w = *state;
	unsigned char moved[BYTES_MAX];
	size_t len;

	fill(w, 300);
	len = seal(w);
	for (size_t i = 0; i < 9; i++) {
		struct phyr_seal there;

		memset(moved, 0xff, sizeof(moved));
		memcpy(moved + i, w->bytes, len);
		assert_int_equal(phyr_seal_attach(moved + i, sizeof(moved) - i, &there, NULL),
				 PHYR_OK);
		assert_int_equal(phyr_seal_bytes(&there), len);
	}
}

static void every_byte_is_found(void **state)
{
	struct world *w = *state;
	struct phyr_seal_cursor cursor;
	struct phyr_run run;

	fill(w, 300);
	(void)seal(w);
	for (uint64_t i = 0; i < 300; i++) {
		assert_int_equal(phyr_seal_seek(&w->seal, i * PAGE + i, &cursor), PHYR_OK);
		assert_true(phyr_seal_next(&cursor, &run));
		assert_int_equal(run.offset, i * PAGE);
		assert_int_equal(run.range.pa.addr, (i * 7919 % 10007 + 5) * 2 * PAGE);
		assert_int_equal(run.tag.kind, i < 100 ? PHYR_KIND_SYSTEM : PHYR_KIND_P2P);
	}
	assert_int_equal(phyr_seal_seek(&w->seal, 300 * PAGE, &cursor), PHYR_E_RANGE);
}

static void an_opened_list_is_the_one_that_was_sealed(void **state)
{
	struct world *w = *state;
	struct phyr_list list;

	fill(w, 300);
	phyr_list_set_va(&w->list, 0x1234);
	(void)seal(w);
	phyr_list_init(&list, &w->mem.mem);
	assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_OK);
	assert_true(phyr_list_equal(&list, &w->list));
	assert_int_equal(phyr_list_va(&list), 0x1234);
	assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_E_INVAL);
	phyr_list_fini(&list);
}

static void opening_into_a_borrowed_list_is_refused(void **state)
{
	struct world *w = *state;
	struct phyr_list list;

	(void)seal(w);
	phyr_list_init(&list, &w->mem.mem);
	phyr_list_borrow(&list);
	assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_E_BUSY);
	phyr_list_release(&list);
	assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_OK);
	phyr_list_fini(&list);
}

static void a_list_is_empty_when_opening_ran_out_of_memory(void **state)
{
	struct world *w = *state;
	struct phyr_list list;

	fill(w, 1500);
	(void)seal(w);
	phyr_list_init(&list, &w->mem.mem);
	phyr_list_set_va(&list, 9);
	for (w->mem.fail_at = 0; w->mem.fail_at < 3; w->mem.fail_at++) {
		w->mem.alloc_cnt = 0;
		phyr_list_fini(&list);
		phyr_list_set_va(&list, 9);
		assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_E_NOMEM);
		assert_int_equal(phyr_list_len(&list), 0);
		assert_int_equal(phyr_list_va(&list), 9);
		assert_true(phyr_list_validate(&list, NULL));
	}
	w->mem.fail_at = SIZE_MAX;
	assert_int_equal(phyr_seal_open(&w->seal, &list), PHYR_OK);
	assert_true(phyr_list_equal(&list, &w->list));
	phyr_list_fini(&list);
}

static size_t varint_len(uint64_t value)
{
	return value < 128 ? 1 : 1 + varint_len(value >> 7);
}

/* [bytes] of LEB128: distance from the end of the run before, and pages. */
static size_t varints_len(const struct phyr_list *list)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t end = 0;
	size_t len = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t step = (run.range.pa.addr - end) / PAGE;

		if (run.range.pa.addr < end)
			step = (end - run.range.pa.addr) / PAGE - 1;
		len += varint_len(2 * step) + varint_len(run.range.len / PAGE);
		end = run.range.pa.addr + run.range.len;
	}
	return len;
}

static void check_size(const struct phyr_list *list)
{
	struct phyr_list_stats stats;
	size_t len;

	phyr_list_stats(list, &stats);
	assert_int_equal(phyr_seal_size(list, &len), PHYR_OK);
	assert_true(len - FIXED_LEN <= stats.words_len + stats.tags_len);
	if (stats.run_cnt > 1000)
		assert_true(10 * len <= 6 * varints_len(list));
}

/* Nearly all single pages, in far jumps: what a code by the byte is worst at among short ones. */
static void one_recording_jumps_far_between_single_pages(void **state)
{
	struct phyr_recording *recording;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t end = 0, single_cnt = 0, cnt = 0, sum = 0;

	(void)state;
	assert_int_equal(phyr_recording_create(phyr_heap_mem(), &recording), PHYR_OK);
	assert_int_equal(phyr_recording_load(recording,
					     PHYR_SOURCE_ROOT "/sim/recordings/base-scattered.phyr",
					     NULL),
			 PHYR_OK);
	phyr_list_begin(&phyr_recording_buffer(recording, 0)->list, &cursor);
	for (; phyr_list_next(&cursor, &run); cnt++) {
		uint64_t pa = run.range.pa.addr;

		sum += cnt == 0 ? 0 : (pa > end ? pa - end : end - pa) / PAGE;
		single_cnt += run.range.len == PAGE;
		end = pa + run.range.len;
	}
	assert_true(single_cnt * 10 >= cnt * 9);
	assert_true(sum / (cnt - 1) >= UINT64_C(1) << 16);
	phyr_recording_destroy(recording);
}

static void recordings_take_six_tenths_of_a_bytewise_code(void **state)
{
	static const char *const names[] = { "base-fragmented.txt", "base-scattered.phyr",
					     "base-fresh.txt", "thp.txt" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct phyr_recording *recording;
		char path[512];

		snprintf(path, sizeof(path), "%s/sim/recordings/%s", PHYR_SOURCE_ROOT, names[i]);
		assert_int_equal(phyr_recording_create(phyr_heap_mem(), &recording), PHYR_OK);
		assert_int_equal(phyr_recording_load(recording, path, NULL), PHYR_OK);
		for (size_t j = 0; j < phyr_recording_cnt(recording); j++)
			check_size(&phyr_recording_buffer(recording, j)->list);
		phyr_recording_destroy(recording);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(missing_arguments_are_refused),
		CASE(an_empty_list_is_a_header),
		CASE(a_buffer_that_is_too_small_is_a_limit),
		CASE(a_seal_knows_length_and_va),
		CASE(a_seal_may_lie_anywhere_with_bytes_behind_it),
		CASE(every_byte_is_found),
		CASE(an_opened_list_is_the_one_that_was_sealed),
		CASE(opening_into_a_borrowed_list_is_refused),
		CASE(a_list_is_empty_when_opening_ran_out_of_memory),
		CASE(one_recording_jumps_far_between_single_pages),
		CASE(recordings_take_six_tenths_of_a_bytewise_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
