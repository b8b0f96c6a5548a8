/* SPDX-License-Identifier: MIT */
/*
 * Recordings without the places: what stays, what moves, and where to; at length against every pair
 * of runs.
 */
#define _XOPEN_SOURCE 700

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "../src/recording/recording.h"
#include "recording_world.h"
#include "test.h"

#define GIB (UINT64_C(1) << 30)
#define MAX_RUNS 400

/* The address of run n of a buffer. */
static uint64_t address(const struct fixture *f, size_t buffer, size_t n)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(&phyr_recording_buffer(f->recording, buffer)->list, &cursor);
	do
		assert_true(phyr_list_next(&cursor, &run));
	while (n--);
	return run.range.pa.addr;
}

static struct phyr_list *add_buffer(struct fixture *f)
{
	struct phyr_recording_buffer *buffer;

	assert_int_equal(phyr_recording_add(f->recording, "a buffer", &buffer), PHYR_OK);
	return &buffer->list;
}

static void add_run(struct phyr_list *list, uint64_t addr, uint64_t len)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range range = { { addr }, len };

	assert_int_equal(phyr_list_append(list, range, tag), PHYR_OK);
}

static void anonymise(struct fixture *f)
{
	assert_int_equal(phyr_recording_anonymise(f->recording), PHYR_OK);
}

static void a_missing_argument_is_refused(void **state)
{
	(void)state;
	assert_int_equal(phyr_recording_anonymise(NULL), PHYR_E_INVAL);
}

static void an_empty_recording_and_an_empty_buffer_stay_empty(void **state)
{
	struct fixture *f = *state;

	anonymise(f);
	assert_int_equal(phyr_recording_cnt(f->recording), 0);
	phyr_list_set_va(add_buffer(f), 5 * GIB + 7);
	anonymise(f);
	assert_int_equal(phyr_recording_cnt(f->recording), 1);
	assert_int_equal(phyr_list_len(&phyr_recording_buffer(f->recording, 0)->list), 0);
	assert_int_equal(phyr_list_va(&phyr_recording_buffer(f->recording, 0)->list), 7);
}

static void the_worked_example_of_the_specification_moves_so(void **state)
{
	static const struct phyr_run ring_runs[] = {
		{ { { 0x108981e00 }, 0x1200 }, { PHYR_KIND_SYSTEM, 0 }, 0 },
		{ { { 0x1afe00000 }, 0x200000 }, { PHYR_KIND_SYSTEM, 0 }, 0x1200 },
	};
	static const struct phyr_run bar_runs[] = {
		{ { { 0x220000000 }, 0x10000 }, { PHYR_KIND_P2P, 3 }, 0 },
		{ { { 0x280000000 }, 0x1000 }, { PHYR_KIND_ENCRYPTED, 0 }, 0x10000 },
	};
	struct fixture *f = *state;
	const struct phyr_recording_buffer *buffer;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	anonymise(f);
	buffer = phyr_recording_buffer(f->recording, 0);
	assert_string_equal(buffer->title, "receive ring");
	assert_int_equal(phyr_list_va(&buffer->list), 0xe00);
	assert_runs(&buffer->list, ring_runs, 2);
	buffer = phyr_recording_buffer(f->recording, 1);
	assert_string_equal(buffer->title, "peer BAR");
	assert_int_equal(phyr_list_va(&buffer->list), 0);
	assert_runs(&buffer->list, bar_runs, 2);
}

static void what_a_run_spans_stays_in_one_piece(void **state)
{
	struct fixture *f = *state;
	struct phyr_list *list = add_buffer(f);

	add_run(list, 77 * GIB + 5, 1);		   /* the second frame of the next run's */
	add_run(list, 77 * GIB - 1, 2 * GIB);	   /* of frames 76 to 78 */
	add_run(list, 79 * GIB - 4096, 4097);	   /* so 79 moves with them */
	add_run(list, 80 * GIB, 4096);		   /* which touches, but no run joins it */
	add_run(add_buffer(f), 76 * GIB, 4 * GIB); /* the same memory again */
	anonymise(f);
	assert_int_equal(address(f, 0, 0), 5 * GIB + 5);
	assert_int_equal(address(f, 0, 1), 5 * GIB - 1);
	assert_int_equal(address(f, 0, 2), 7 * GIB - 4096);
	assert_int_equal(address(f, 0, 3), 9 * GIB);
	assert_int_equal(address(f, 1, 0), 4 * GIB);
}

static void a_second_time_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_bytes once = { .mem = &f->mem.mem };
	struct phyr_recording_bytes twice = { .mem = &f->mem.mem };

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	anonymise(f);
	assert_int_equal(phyr_recording_print(f->recording, &once), PHYR_OK);
	anonymise(f);
	assert_int_equal(phyr_recording_print(f->recording, &twice), PHYR_OK);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.bytes, twice.bytes, once.len);
	phyr_recording_bytes_fini(&once);
	phyr_recording_bytes_fini(&twice);
}

static void memory_that_fills_half_the_space_has_no_place_and_stays(void **state)
{
	struct fixture *f = *state;

	add_run(add_buffer(f), 0, UINT64_MAX - 4 * GIB + 1);
	anonymise(f); /* ends with the last byte of all */
	assert_int_equal(address(f, 0, 0), 4 * GIB);
	add_run(add_buffer(f), 0, 4096);
	add_run(add_buffer(f), 4 * GIB - 4096, 4096);
	assert_int_equal(phyr_recording_anonymise(f->recording), PHYR_E_RANGE);
	assert_int_equal(phyr_recording_cnt(f->recording), 3);
	assert_int_equal(address(f, 1, 0), 0);
	add_run(add_buffer(f), 4 * GIB - 1, 2);
	assert_int_equal(phyr_recording_anonymise(f->recording), PHYR_E_RANGE);
}

static void one_run_of_the_whole_space_has_no_place(void **state)
{
	struct fixture *f = *state;

	add_run(add_buffer(f), 0, UINT64_MAX - 4095);
	assert_int_equal(phyr_recording_anonymise(f->recording), PHYR_E_RANGE);
	assert_int_equal(address(f, 0, 0), 0);
}

static size_t collect(const struct fixture *f, struct phyr_run runs[MAX_RUNS])
{
	size_t cnt = 0;

	for (size_t i = 0; i < phyr_recording_cnt(f->recording); i++) {
		struct phyr_list_cursor cursor;

		phyr_list_begin(&phyr_recording_buffer(f->recording, i)->list, &cursor);
		while (phyr_list_next(&cursor, &runs[cnt]))
			cnt++;
	}
	return cnt;
}

/* Do two runs share a byte, or does one begin where the other ends? */
static bool touch(const struct phyr_run *a, const struct phyr_run *b)
{
	return a->range.pa.addr <= b->range.pa.addr + b->range.len &&
	       b->range.pa.addr <= a->range.pa.addr + a->range.len;
}

static bool share_frame(const struct phyr_run *a, const struct phyr_run *b)
{
	return a->range.pa.addr / GIB <= (b->range.pa.addr + b->range.len - 1) / GIB &&
	       b->range.pa.addr / GIB <= (a->range.pa.addr + a->range.len - 1) / GIB;
}

static void assert_pair(const struct phyr_run old[2], const struct phyr_run new[2])
{
	uint64_t distance = old[1].range.pa.addr - old[0].range.pa.addr;

	if (share_frame(&old[0], &old[1]))
		assert_int_equal(new[1].range.pa.addr - new[0].range.pa.addr, distance);
	else
		assert_false(share_frame(&new[0], &new[1]));
	if (!touch(&old[0], &old[1]))
		assert_false(touch(&new[0], &new[1]));
}

static void assert_all_pairs(const struct phyr_run *old, const struct phyr_run *new, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		assert_int_equal(new[i].range.len, old[i].range.len);
		assert_int_equal(new[i].offset, old[i].offset);
		assert_int_equal(new[i].range.pa.addr % GIB, old[i].range.pa.addr % GIB);
		assert_true(new[i].range.pa.addr >= 4 * GIB);
		assert_true(phyr_tag_equal(new[i].tag, old[i].tag));
		for (size_t j = 0; j < i; j++)
			assert_pair((struct phyr_run[]){ old[i], old[j] },
				    (struct phyr_run[]){ new[i], new[j] });
	}
}

/* Sparse worlds have many clusters, dense ones long chains of runs that have frames in common. */
static void fill_randomly(struct fixture *f, uint64_t *random, uint64_t frame_cnt)
{
	for (size_t i = 0; i < 4; i++) {
		struct phyr_list *list = add_buffer(f);

		for (size_t n = 0; n < MAX_RUNS / 4; n++) {
			uint64_t len = test_random(random) >> (test_random(random) % 24 + 31);
			uint64_t addr = test_random(random) % (frame_cnt * GIB);

			add_run(list, addr, len + 1);
		}
	}
}

static void any_two_runs_are_to_each_other_as_before(void **state)
{
	static struct phyr_run old[MAX_RUNS + 1], new[MAX_RUNS + 1];
	struct fixture *f = *state;
	uint64_t random = test_number("PHYR_SEED", 1);
	uint64_t iter_cnt = test_number("PHYR_ITER", 20);

	for (uint64_t i = 0; i < iter_cnt; i++) {
		size_t cnt;

		fill_randomly(f, &random, UINT64_C(8) << i % 12);
		cnt = collect(f, old);
		anonymise(f);
		assert_int_equal(collect(f, new), cnt);
		assert_all_pairs(old, new, cnt);
		phyr_recording_truncate(f->recording, 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_missing_argument_is_refused),
		CASE(an_empty_recording_and_an_empty_buffer_stay_empty),
		CASE(the_worked_example_of_the_specification_moves_so),
		CASE(what_a_run_spans_stays_in_one_piece),
		CASE(a_second_time_changes_nothing),
		CASE(memory_that_fills_half_the_space_has_no_place_and_stays),
		CASE(one_run_of_the_whole_space_has_no_place),
		CASE(any_two_runs_are_to_each_other_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
