/* SPDX-License-Identifier: MIT */
/*
 * What describing memory may cost at most, in bytes, on the recordings that ship with the project
 * and on generated memory; and that the forms it is compared with (bench/words) are what they say.
 */
#include <stdio.h>

#include <phyr/recording.h>
#include <phyrsim/linux.h>

#include "../bench/words/words.h"
#include "test.h"

#define SLAB_LEN 4096

static const char *const recordings[] = { "base-fragmented", "base-fresh", "thp" };

typedef void check_fn(struct phyr_list *list);

static void check_recorded(const char *name, const struct phyr_mem *mem, check_fn *check)
{
	struct phyr_recording *recording;
	char path[256];

	snprintf(path, sizeof(path), "%s/sim/recordings/%s.txt", PHYR_SOURCE_ROOT, name);
	assert_int_equal(phyr_recording_create(mem, &recording), PHYR_OK);
	assert_int_equal(phyr_recording_load(recording, path, NULL), PHYR_OK);
	assert_true(phyr_recording_cnt(recording) > 0);
	for (size_t i = 0; i < phyr_recording_cnt(recording); i++)
		check(&phyr_recording_buffer(recording, i)->list);
	phyr_recording_destroy(recording);
}

static void check_generated(const struct words_input *input, const struct phyr_mem *mem,
			    check_fn *check)
{
	struct phyr_list list;

	phyr_list_init(&list, mem);
	assert_int_equal(input->make(&list), PHYR_OK);
	check(&list);
	phyr_list_fini(&list);
}

static void for_every_memory(check_fn *check)
{
	struct test_mem mem;

	test_mem_init(&mem);
	for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++)
		check_recorded(recordings[i], &mem.mem, check);
	for (size_t i = 0; i < WORDS_INPUT_CNT; i++)
		check_generated(&words_inputs[i], &mem.mem, check);
	assert_int_equal(mem.live_len, 0);
}

static struct phyr_list_stats stats_of(const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	return stats;
}

static void expect_at_most_address_and_length(struct phyr_list *list)
{
	struct phyr_list_stats stats = stats_of(list);

	assert_true(stats.words_len <= 16 * stats.run_cnt);
	assert_true(stats.words_len <= phyrsim_linux_phys_vec(list).len);
	assert_int_equal(stats.tags_len, 0);
}

static void no_memory_takes_more_than_address_and_length(void **state)
{
	(void)state;
	for_every_memory(expect_at_most_address_and_length);
}

/* n pages at page p: does n / 2^ctz(p | n) fit the repeat count? */
static bool fits_eight_bytes(struct phyr_range run)
{
	uint64_t page = run.pa.addr / PHYR_PAGE_SIZE;
	uint64_t page_cnt = run.len / PHYR_PAGE_SIZE;

	if (run.pa.addr % PHYR_PAGE_SIZE || run.len % PHYR_PAGE_SIZE)
		return false;
	while ((page | page_cnt) % 2 == 0) {
		page /= 2;
		page_cnt /= 2;
	}
	return page_cnt <= 2047;
}

/* The runs for which it does, as a list of their own; and how many bytes all of them should take. */
static size_t pick(const struct phyr_list *list, struct phyr_list *ret_picked)
{
	const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	size_t len = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		len += fits_eight_bytes(run.range) ? 8 : 16;
		if (fits_eight_bytes(run.range))
			assert_int_equal(phyr_list_append(ret_picked, run.range, ram), PHYR_OK);
	}
	return len;
}

static void expect_half_and_a_quarter(struct phyr_list *list)
{
	struct phyrsim_linux_cost linux_cost;
	struct phyr_list_stats stats;
	struct phyr_list picked;
	struct test_mem mem;
	size_t len;

	test_mem_init(&mem);
	phyr_list_init(&picked, &mem.mem);
	len = pick(list, &picked);
	stats = stats_of(list);
	/* The outer pages of a list count whole, which may bring a run under the condition. */
	assert_in_range(stats.words_len, stats.granular ? len - 16 : len, len);
	stats = stats_of(&picked);
	assert_true(stats.run_cnt > 0);
	assert_int_equal(stats.words_len, 8 * stats.run_cnt);
	assert_true(2 * stats.words_len <= phyrsim_linux_phys_vec(&picked).len);
	linux_cost = phyrsim_linux_scatterlist(&picked, PHYRSIM_LINUX_SEGMENT_DEFAULT);
	assert_true(4 * stats.words_len <= PHYRSIM_LINUX_SG_LEN * linux_cost.entry_cnt);
	phyr_list_fini(&picked);
}

static void where_eight_bytes_suffice_they_are_half_an_address_and_length(void **state)
{
	(void)state;
	for_every_memory(expect_half_and_a_quarter);
}

/* Storage may be what is in it, so many more in a hundred, and so many bytes. */
static void expect_storage(const struct phyr_list *list, uint64_t percent, uint64_t more_len)
{
	struct phyr_list_stats stats = stats_of(list);
	uint64_t content_len = stats.words_len + stats.tags_len;

	assert_true(100 * stats.storage_len <= (100 + percent) * content_len + 100 * more_len);
}

static void expect_two_percent_and_a_slab(struct phyr_list *list)
{
	expect_storage(list, 2, SLAB_LEN);
}

static void slabs_take_two_percent_beside_the_last_one(void **state)
{
	(void)state;
	for_every_memory(expect_two_percent_and_a_slab);
}

static void expect_three_percent(struct phyr_list *list)
{
	phyr_list_trim(list);
	assert_true(phyr_list_validate(list, NULL));
	if (stats_of(list).run_cnt >= 1000)
		expect_storage(list, 3, 0);
}

static void after_trimming_slabs_take_three_percent_from_a_thousand_runs(void **state)
{
	(void)state;
	for_every_memory(expect_three_percent);
}

/* Runs of one word and of two, tagged and not, so that slabs end everywhere. */
static void add_mixed(struct phyr_list *list, uint64_t *random, uint64_t run_cnt)
{
	for (uint64_t i = 0; i < run_cnt; i++) {
		const struct phyr_range run = { { test_random(random) >> 24 << 12 },
						(1 + test_random(random) % 4096) << 12 };
		const struct phyr_tag tag = { PHYR_KIND_P2P, (uint32_t)test_random(random) % 2 };

		assert_int_equal(phyr_list_append(list, run, tag), PHYR_OK);
	}
}

static void three_percent_hold_for_every_length_from_a_thousand_runs(void **state)
{
	uint64_t random = 1;
	struct test_mem mem;

	(void)state;
	test_mem_init(&mem);
	for (uint64_t run_cnt = 1000; run_cnt < 1600; run_cnt += 7) {
		struct phyr_list list;

		phyr_list_init(&list, &mem.mem);
		add_mixed(&list, &random, run_cnt);
		assert_true(stats_of(&list).run_cnt >= 1000);
		expect_two_percent_and_a_slab(&list);
		expect_three_percent(&list);
		phyr_list_fini(&list);
	}
}

static void tags_are_counted_apart_from_runs(void **state)
{
	const struct phyr_tag bars[] = { { PHYR_KIND_P2P, 1 }, { PHYR_KIND_P2P, 2 } };
	struct phyr_list_stats stats;
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	test_mem_init(&mem);
	phyr_list_init(&list, &mem.mem);
	/* Neighbours all of them: what keeps them apart is the tag alone. */
	for (uint64_t i = 0; i < 5000; i++) {
		const struct phyr_range page = { { i << 12 }, PHYR_PAGE_SIZE };

		assert_int_equal(phyr_list_append(&list, page, bars[i % 2]), PHYR_OK);
	}
	stats = stats_of(&list);
	assert_int_equal(stats.run_cnt, 5000);
	assert_int_equal(stats.words_len, 8 * 5000);
	assert_int_equal(stats.tags_len, 8 * 4999);
	phyr_list_fini(&list);
}

static void expect_read_back(struct phyr_list *list)
{
	struct words_cost cost;

	for (size_t i = 0; i < WORDS_FORM_CNT; i++)
		assert_int_not_equal(words_measure(words_forms[i], list, &cost), WORDS_WRONG);
}

static void every_form_compared_with_is_read_back_as_written(void **state)
{
	(void)state;
	for_every_memory(expect_read_back);
}

static void expect_linux_and_the_list(struct phyr_list *list)
{
	struct phyrsim_linux_cost linux_cost =
		phyrsim_linux_scatterlist(list, PHYRSIM_LINUX_SEGMENT_DEFAULT);
	struct phyr_list_stats stats = stats_of(list);
	struct words_cost cost;

	assert_int_equal(words_measure(&words_sg32, list, &cost), WORDS_OK);
	assert_int_equal(cost.run_cnt, stats.run_cnt);
	assert_int_equal(cost.entry_cnt, linux_cost.entry_cnt);
	assert_int_equal(cost.stored_len, linux_cost.len);
	assert_int_equal(words_measure(&words_phyr, list, &cost), WORDS_OK);
	assert_true(stats.granular ? cost.len >= stats.words_len : cost.len == stats.words_len);
}

static void the_scatterlist_and_our_own_words_cost_what_they_really_cost(void **state)
{
	(void)state;
	for_every_memory(expect_linux_and_the_list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_takes_more_than_address_and_length),
		cmocka_unit_test(where_eight_bytes_suffice_they_are_half_an_address_and_length),
		cmocka_unit_test(slabs_take_two_percent_beside_the_last_one),
		cmocka_unit_test(after_trimming_slabs_take_three_percent_from_a_thousand_runs),
		cmocka_unit_test(three_percent_hold_for_every_length_from_a_thousand_runs),
		cmocka_unit_test(tags_are_counted_apart_from_runs),
		cmocka_unit_test(every_form_compared_with_is_read_back_as_written),
		cmocka_unit_test(the_scatterlist_and_our_own_words_cost_what_they_really_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
