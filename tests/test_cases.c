/* SPDX-License-Identifier: MIT */
/*
 * The six cases as a table whose numbers were computed by hand: 8 rounds, calls of up to 512 runs,
 * late runs of 512 bytes less. Not here:
 * many sizes of memory around one peer (test_cases_peer), piece by piece (test_cases_link).
 */
#include <phyrsim/run_cases.h>

#include "linux_world.h"

#define NONE PHYRSIM_FLUSHING_NONE
#define STRICT PHYRSIM_FLUSHING_STRICT
#define BATCHED PHYRSIM_FLUSHING_BATCHED
#define LAZY PHYRSIM_FLUSHING_LAZY

static struct phyrsim_case_row run(int which, enum phyrsim_mix mix, int flushing, uint64_t len)
{
	struct phyrsim_case_params params = { NULL, (enum phyrsim_case)which, mix,
					      (enum phyrsim_flushing)flushing, len };
	struct phyrsim_run_error error = { NULL, 0, false };
	struct phyrsim_case_row row;
	struct test_mem mem;

	test_mem_init(&mem);
	params.mem = &mem.mem;
	assert_int_equal(phyrsim_run_case(&params, &row, &error), PHYR_OK);
	assert_int_equal(mem.live_cnt, 0);
	assert_int_equal(row.which, which);
	assert_int_equal(row.mix, mix);
	assert_int_equal(row.flushing, flushing);
	return row;
}

/* What does not depend on when it is flushed. */
struct expected {
	int which, flushing;
	uint64_t len, run_cnt, entry_cnt, call_cnt, mapped_run_cnt, sync_cnt, leaf_cnt;
	uint64_t reserved_len, bounced_len;
};

static void expect(const struct expected *expected, enum phyrsim_mix mix, uint64_t size)
{
	struct phyrsim_case_row row = run(expected->which, mix, expected->flushing, size);

	assert_int_equal(row.len, expected->len);
	assert_int_equal(row.run_cnt, expected->run_cnt);
	assert_int_equal(row.entry_cnt, expected->entry_cnt);
	assert_int_equal(row.call_cnt, expected->call_cnt);
	assert_int_equal(row.mapped_run_cnt, expected->mapped_run_cnt);
	assert_int_equal(row.sync_cnt, expected->sync_cnt);
	assert_int_equal(row.leaf_cnt, expected->leaf_cnt);
	assert_int_equal(row.reserved_len, expected->reserved_len);
	assert_int_equal(row.bounced_len, expected->bounced_len);
	assert_true(row.checked_cnt >= PHYRSIM_CASE_ROUNDS * row.entry_cnt);
}

static void a_mib_of_scattered_4k(void **state)
{
	/* Late: 256 × 3584 = 0xe0000. In one slot run from byte 512 on: 0xe0200, 225 granules. */
	const struct expected rows[] = {
		{ 1, NONE, MIB(1), 256, 256, 0, 0, 0, 0, 0, 0 },
		{ 2, STRICT, MIB(1), 256, 1, 1, 256, 1, 256, MIB(1), 0 },
		/* 256 runs and the peer's, which is not mapped. */
		{ 3, STRICT, MIB(1) + 0x1000, 257, 3, 1, 256, 1, 256, MIB(1), 0 },
		{ 4, NONE, MIB(1), 256, 1, 0, 0, 0, 0, 0, MIB(1) },
		{ 4, STRICT, 0xe0000, 256, 1, 1, 1, 1, 225, 0xe1000, 0xe0000 },
		/* In an empty pool slots are neighbours. */
		{ 5, NONE, MIB(1), 256, 1, 0, 0, 0, 0, 0, MIB(1) },
		{ 5, STRICT, 0xe0000, 256, 256, 1, 256, 1, 256, MIB(1), 0xe0000 },
		{ 6, STRICT, 0xe0000, 256, 256, 1, 256, 1, 256, MIB(1), 0 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		expect(&rows[i], PHYRSIM_MIX_4K, MIB(1));
}

static void four_mib_of_2m(void **state)
{
	/*
	 * Late: 2 × (2M − 512). In one slot run from byte 512 on they end 512 short of 4 MiB: 1024
	 * granules, two leaves of 2M. Bounced one by one: 3584 bytes each, up to the second granule; the
	 * other 511 follow on as they are, and are leaves of 4K.
	 */
	const struct expected rows[] = {
		{ 1, NONE, MIB(4), 2, 2, 0, 0, 0, 0, 0, 0 },
		{ 2, STRICT, MIB(4), 2, 1, 1, 2, 1, 2, MIB(4), 0 },
		{ 3, STRICT, MIB(4) + 0x1000, 3, 3, 1, 2, 1, 2, MIB(4), 0 },
		{ 4, NONE, MIB(4), 2, 1, 0, 0, 0, 0, 0, MIB(4) },
		{ 4, STRICT, MIB(4) - 1024, 2, 1, 1, 1, 1, 2, MIB(4), MIB(4) - 1024 },
		{ 5, NONE, MIB(4), 2, 1, 0, 0, 0, 0, 0, MIB(4) },
		{ 5, STRICT, MIB(4) - 1024, 2, 2, 1, 4, 1, 1024, MIB(4), 7168 },
		{ 6, STRICT, MIB(4) - 1024, 2, 2, 1, 2, 1, 2, MIB(4), 0 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		expect(&rows[i], PHYRSIM_MIX_2M, MIB(4));
}

static void four_mib_of_2m_and_4k(void **state)
{
	/* 1 × 2M and 512 × 4K. 513 runs are 2 calls of at most 512. Late: 513 × 512 less. */
	const uint64_t late = MIB(4) - UINT64_C(513) * 512;
	const struct expected rows[] = {
		{ 1, NONE, MIB(4), 513, 513, 0, 0, 0, 0, 0, 0 },
		{ 2, STRICT, MIB(4), 513, 1, 2, 513, 1, 513, MIB(4), 0 },
		{ 3, STRICT, MIB(4) + 0x1000, 514, 3, 2, 513, 1, 513, MIB(4), 0 },
		{ 4, NONE, MIB(4), 513, 1, 0, 0, 0, 0, 0, MIB(4) },
		/* The head of the large one, the rest of it, and 512 small ones whole. */
		{ 5, STRICT, late, 513, 513, 2, 514, 1, 1024, MIB(4), UINT64_C(513) * 3584 },
		{ 6, STRICT, late, 513, 513, 2, 513, 1, 513, MIB(4), 0 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		expect(&rows[i], PHYRSIM_MIX_MIXED, MIB(4));
}

static void a_gib_in_one_page(void **state)
{
	const struct expected rows[] = {
		{ 1, NONE, GIB(1), 1, 1, 0, 0, 0, 0, 0, 0 },
		{ 2, STRICT, GIB(1), 1, 1, 1, 1, 1, 1, GIB(1), 0 },
		{ 3, STRICT, GIB(1) + 0x1000, 2, 2, 1, 1, 1, 1, GIB(1), 0 },
		{ 6, STRICT, GIB(1) - 512, 1, 1, 1, 1, 1, 1, GIB(1), 0 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		expect(&rows[i], PHYRSIM_MIX_1G, GIB(1));
}

static void expect_flushes(const struct phyrsim_case_row *row, uint64_t range_cnt,
			   uint64_t domain_cnt, uint64_t held_len)
{
	assert_int_equal(row->flush_cnt[PHYR_FLUSH_RANGE], range_cnt);
	assert_int_equal(row->flush_cnt[PHYR_FLUSH_DOMAIN], domain_cnt);
	assert_int_equal(row->flush_cnt[PHYR_FLUSH_DEVICE], 0);
	assert_int_equal(row->held_len, held_len);
}

static void eight_unmaps_are_eight_flushes_or_one(void **state)
{
	static const int mapped[] = { 2, 3, 6 };
	struct phyrsim_case_row row;

	(void)state;
	for (size_t i = 0; i < CNT(mapped); i++) {
		row = run(mapped[i], PHYRSIM_MIX_4K, STRICT, MIB(1));
		expect_flushes(&row, 8, 0, 0);
		row = run(mapped[i], PHYRSIM_MIX_4K, BATCHED, MIB(1));
		expect_flushes(&row, 1, 0, 8 * MIB(1));
		/* The timer's; a ring of 255 does not fill. */
		row = run(mapped[i], PHYRSIM_MIX_4K, LAZY, MIB(1));
		expect_flushes(&row, 0, 1, 8 * MIB(1));
	}
}

static void what_was_copied_is_flushed_at_once_whatever_the_policy(void **state)
{
	struct phyrsim_case_row row;

	(void)state;
	for (int which = 4; which <= 5; which++) {
		for (int flushing = STRICT; flushing <= LAZY; flushing++) {
			row = run(which, PHYRSIM_MIX_4K, flushing, MIB(1));
			expect_flushes(&row, 8, 0, 0);
		}
		row = run(which, PHYRSIM_MIX_4K, NONE, MIB(1));
		expect_flushes(&row, 0, 0, 0);
	}
}

static void only_many_bounced_ranges_need_all_addresses_to_unmap(void **state)
{
	static const int which[] = { 2, 3, 4, 6 };
	struct phyrsim_case_row row;

	(void)state;
	row = run(1, PHYRSIM_MIX_4K, NONE, MIB(1));
	assert_int_equal(row.need_len, 0);
	assert_int_equal(row.keep_len, 0);
	for (size_t i = 0; i < CNT(which); i++)
		assert_int_equal(run(which[i], PHYRSIM_MIX_4K, STRICT, MIB(1)).need_len, 16);
	/* Aligned, nothing is kept beside the range. */
	assert_int_equal(run(2, PHYRSIM_MIX_4K, STRICT, MIB(1)).keep_len, 0);
	row = run(5, PHYRSIM_MIX_4K, NONE, MIB(1));
	assert_int_equal(row.need_len, row.keep_len);
	/* An offset, a length and a key for each of 256. */
	assert_true(row.need_len >= 256 * 24);
}

static void what_one_page_of_a_peer_keeps_does_not_grow_with_the_list(void **state)
{
	struct phyrsim_case_row small = run(3, PHYRSIM_MIX_4K, STRICT, 0x2000);
	struct phyrsim_case_row large = run(3, PHYRSIM_MIX_4K, STRICT, MIB(1));

	(void)state;
	assert_int_equal(small.keep_len, large.keep_len);
	assert_true(small.keep_len < 1024);
}

static void linux_keeps_an_entry_a_run(void **state)
{
	struct phyrsim_case_linux cost;

	(void)state;
	cost = run(2, PHYRSIM_MIX_4K, STRICT, MIB(1)).linux_cost;
	assert_int_equal(cost.sg_cnt, 256);
	/* Two pieces of 127 and a link, then two entries: 2 × 4096 + 2 × 32. */
	assert_int_equal(cost.sg_len, 8256);
	assert_int_equal(cost.entry_cnt, 1);
	assert_int_equal(cost.call_cnt, 256);
	assert_int_equal(cost.flush_cnt, 8);
	assert_int_equal(cost.state_len, 16);
	/* Page by page: 256 syncs and 2 KiB; 8 × 256 flushes. */
	assert_int_equal(cost.page_cnt, 256);
	assert_int_equal(cost.page_len, 2048);
	assert_int_equal(cost.page_flush_cnt, 2048);
	cost = run(2, PHYRSIM_MIX_4K, LAZY, MIB(1)).linux_cost;
	assert_int_equal(cost.flush_cnt, 1);
	/* ⌊2047 / 255⌋ because the queue is full, and the timer's. */
	assert_int_equal(cost.page_flush_cnt, 9);
}

static void linux_maps_what_it_copies_entry_by_entry(void **state)
{
	struct phyrsim_case_linux cost;

	(void)state;
	cost = run(3, PHYRSIM_MIX_4K, STRICT, MIB(1)).linux_cost;
	assert_int_equal(cost.sg_cnt, 257);
	assert_int_equal(cost.entry_cnt, 3);
	assert_int_equal(cost.call_cnt, 256);
	/* 2M in pieces of 256K: eight each; a flush each, in eight rounds. */
	cost = run(5, PHYRSIM_MIX_2M, STRICT, MIB(4)).linux_cost;
	assert_int_equal(cost.sg_cnt, 16);
	assert_int_equal(cost.entry_cnt, 16);
	assert_int_equal(cost.call_cnt, 16);
	assert_int_equal(cost.flush_cnt, 128);
	assert_int_equal(cost.state_len, 0);
	cost = run(6, PHYRSIM_MIX_4K, STRICT, MIB(1)).linux_cost;
	assert_int_equal(cost.entry_cnt, 256);
	assert_int_equal(cost.flush_cnt, 8);
	assert_int_equal(cost.state_len, 0);
	cost = run(1, PHYRSIM_MIX_4K, NONE, MIB(1)).linux_cost;
	assert_int_equal(cost.entry_cnt, 256);
	assert_int_equal(cost.call_cnt, 0);
	assert_int_equal(cost.page_flush_cnt, 0);
}

static void d3_linux_tells_the_device_of_2m_where_a_peer_has_4k(void **state)
{
	struct phyrsim_case_row row = run(3, PHYRSIM_MIX_2M, STRICT, MIB(4));

	(void)state;
	assert_int_equal(row.len, MIB(4) + 0x1000);
	/* 2M, 2M for the peer's page, 2M. */
	assert_int_equal(row.linux_cost.told_len, MIB(6));
	/* With a first entry of 4K nobody notices. */
	row = run(3, PHYRSIM_MIX_4K, STRICT, MIB(1));
	assert_int_equal(row.linux_cost.told_len, MIB(1) + 0x1000);
	row = run(6, PHYRSIM_MIX_2M, STRICT, MIB(4));
	assert_int_equal(row.linux_cost.told_len, row.len);
	row = run(5, PHYRSIM_MIX_2M, STRICT, MIB(4));
	assert_int_equal(row.linux_cost.told_len, row.len);
}

static int refuse(int which, int mix, int flushing, uint64_t len)
{
	struct phyrsim_case_params params = { NULL, (enum phyrsim_case)which, (enum phyrsim_mix)mix,
					      (enum phyrsim_flushing)flushing, len };
	struct phyrsim_run_error error = { NULL, 1, true };
	struct phyrsim_case_row row;
	struct test_mem mem;
	int err;

	test_mem_init(&mem);
	params.mem = &mem.mem;
	err = phyrsim_run_case(&params, &row, &error);
	assert_int_equal(mem.alloc_cnt, 0);
	assert_string_equal(error.step, "checking arguments");
	assert_false(error.mistranslated);
	return err;
}

static void what_is_no_case_is_refused(void **state)
{
	struct phyrsim_case_params params = { NULL, PHYRSIM_CASE_DIRECT, PHYRSIM_MIX_4K,
					      PHYRSIM_FLUSHING_NONE, 0x1000 };
	struct phyrsim_case_row row;
	struct test_mem mem;

	(void)state;
	assert_int_equal(refuse(0, 0, NONE, 0x1000), PHYR_E_INVAL);
	assert_int_equal(refuse(7, 0, NONE, 0x1000), PHYR_E_INVAL);
	assert_int_equal(refuse(1, 4, NONE, 0x1000), PHYR_E_INVAL);
	assert_int_equal(refuse(2, 0, 4, 0x1000), PHYR_E_INVAL);
	assert_int_equal(refuse(1, 0, NONE, 0), PHYR_E_INVAL);
	assert_int_equal(refuse(1, 0, STRICT, 0x1000), PHYR_E_UNSUPPORTED);
	assert_int_equal(refuse(2, 0, NONE, 0x1000), PHYR_E_UNSUPPORTED);
	assert_int_equal(refuse(1, 0, NONE, 0x1800), PHYR_E_ALIGN);
	assert_int_equal(refuse(1, PHYRSIM_MIX_2M, NONE, MIB(1)), PHYR_E_ALIGN);
	assert_int_equal(refuse(1, PHYRSIM_MIX_MIXED, NONE, MIB(2)), PHYR_E_ALIGN);
	assert_int_equal(refuse(1, 0, NONE, GIB(4) + 0x1000), PHYR_E_LIMIT);
	assert_int_equal(phyrsim_run_case(NULL, &row, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_run_case(&params, &row, NULL), PHYR_E_INVAL);
	test_mem_init(&mem);
	params.mem = &mem.mem;
	assert_int_equal(phyrsim_run_case(&params, NULL, NULL), PHYR_E_INVAL);
}

static void all_cases_of_a_size_come_by_mix_case_and_flushing(void **state)
{
	static struct phyrsim_case_row rows[PHYRSIM_CASES_MAX];
	struct phyrsim_run_error error = { NULL, 0, false };
	struct test_mem mem;
	size_t cnt = 7;

	(void)state;
	test_mem_init(&mem);
	assert_int_equal(phyrsim_run_cases(&mem.mem, 0x3000, rows, &cnt, NULL), PHYR_OK);
	assert_int_equal(cnt, 18);
	assert_int_equal(phyrsim_run_cases(&mem.mem, MIB(4), rows, &cnt, NULL), PHYR_OK);
	assert_int_equal(cnt, 54);
	for (size_t i = 0; i + 1 < cnt; i++) {
		int here = (int)rows[i].mix * 100 + (int)rows[i].which * 10 + (int)rows[i].flushing;
		int next = (int)rows[i + 1].mix * 100 + (int)rows[i + 1].which * 10 +
			   (int)rows[i + 1].flushing;

		assert_true(here < next);
	}
	cnt = 7;
	assert_int_equal(phyrsim_run_cases(&mem.mem, 0x1001, rows, &cnt, &error), PHYR_E_ALIGN);
	assert_int_equal(cnt, 7);
	assert_string_equal(error.step, "checking arguments");
	assert_int_equal(phyrsim_run_cases(NULL, MIB(4), rows, &cnt, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_run_cases(&mem.mem, MIB(4), NULL, &cnt, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_run_cases(&mem.mem, MIB(4), rows, NULL, &error), PHYR_E_INVAL);
	assert_int_equal(mem.live_cnt, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mib_of_scattered_4k),
		cmocka_unit_test(four_mib_of_2m),
		cmocka_unit_test(four_mib_of_2m_and_4k),
		cmocka_unit_test(a_gib_in_one_page),
		cmocka_unit_test(eight_unmaps_are_eight_flushes_or_one),
		cmocka_unit_test(what_was_copied_is_flushed_at_once_whatever_the_policy),
		cmocka_unit_test(only_many_bounced_ranges_need_all_addresses_to_unmap),
		cmocka_unit_test(what_one_page_of_a_peer_keeps_does_not_grow_with_the_list),
		cmocka_unit_test(linux_keeps_an_entry_a_run),
		cmocka_unit_test(linux_maps_what_it_copies_entry_by_entry),
		cmocka_unit_test(d3_linux_tells_the_device_of_2m_where_a_peer_has_4k),
		cmocka_unit_test(what_is_no_case_is_refused),
		cmocka_unit_test(all_cases_of_a_size_come_by_mix_case_and_flushing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
