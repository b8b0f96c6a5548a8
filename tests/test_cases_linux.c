/* SPDX-License-Identifier: MIT */
/*
 * What Linux needs in the six cases, as it was counted by mapping, next to the rules by which it can be
 * computed: every case, mix and flushing that there is.
 *
 * Not here: our side of the same rows (test_cases.c).
 */
#include <phyrsim/run_cases.h>

#include "test.h"

#define MIB(n) ((uint64_t)(n) << 20)
/* Of a flush queue: 256 slots, one of which stays empty. */
#define QUEUE_CNT 255

static struct phyrsim_case_row rows[PHYRSIM_CASES_MAX];

static bool is_bounced(const struct phyrsim_case_row *row)
{
	return row->which == PHYRSIM_CASE_BOUNCE_ONE || row->which == PHYRSIM_CASE_BOUNCE_MANY;
}

/* Invalidations of so many unmaps in a row, and of the timer behind them. */
static uint64_t flushes_of(const struct phyrsim_case_row *row, uint64_t unmap_cnt)
{
	if (row->flushing == PHYRSIM_FLUSHING_NONE)
		return 0;
	return row->flushing == PHYRSIM_FLUSHING_LAZY ? (unmap_cnt - 1) / QUEUE_CNT + 1 : unmap_cnt;
}

/* No run is a neighbour of another, so nothing but the IOMMU joins them. */
static uint64_t entries_of(const struct phyrsim_case_row *row)
{
	switch (row->which) {
	case PHYRSIM_CASE_ALIGNED:
		return 1;
	case PHYRSIM_CASE_PEER: /* pages before it, it, and pages behind, if there are any */
		return row->linux_cost.sg_cnt < 3 ? row->linux_cost.sg_cnt : 3;
	default:
		return row->linux_cost.sg_cnt;
	}
}

static void compare(const struct phyrsim_case_row *row)
{
	const struct phyrsim_case_linux *cost = &row->linux_cost;
	bool mapped = row->flushing != PHYRSIM_FLUSHING_NONE;
	uint64_t peer_cnt = row->which == PHYRSIM_CASE_PEER;
	bool whole = mapped && !is_bounced(row);

	assert_int_equal(cost->entry_cnt, entries_of(row));
	assert_int_equal(cost->call_cnt, mapped ? cost->sg_cnt - peer_cnt : 0);
	assert_int_equal(cost->flush_cnt,
			 flushes_of(row, PHYRSIM_CASE_ROUNDS * (whole ? 1 : cost->sg_cnt)));
	assert_int_equal(cost->page_flush_cnt,
			 flushes_of(row, PHYRSIM_CASE_ROUNDS * (cost->page_cnt - peer_cnt)));
	if (row->which != PHYRSIM_CASE_PEER)
		assert_int_equal(cost->told_len, row->len);
	/* In two steps: no joint inside a page. One run has none. */
	assert_int_equal(cost->state_len,
			 mapped && (row->which == PHYRSIM_CASE_ALIGNED ||
				    row->which == PHYRSIM_CASE_PEER || row->run_cnt == 1) ?
				 16 :
				 0);
}

static void compare_all(uint64_t len, size_t want_cnt)
{
	struct phyrsim_run_error error;
	struct test_mem mem;
	size_t cnt = 0;

	test_mem_init(&mem);
	assert_int_equal(phyrsim_run_cases(&mem.mem, len, rows, &cnt, &error), PHYR_OK);
	assert_int_equal(mem.live_cnt, 0);
	assert_int_equal(cnt, want_cnt);
	for (size_t i = 0; i < cnt; i++)
		compare(&rows[i]);
}

static void what_was_mapped_costs_what_the_rules_say(void **state)
{
	(void)state;
	compare_all(0x1000, 18);
	compare_all(0x5000, 18);
	compare_all(MIB(1) + 0x3000, 18);
	compare_all(MIB(4), 3 * 18);
}

/* 2 MiB of pages: more than a queue holds in one round, and in all of them. */
static void queues_fill_where_the_rule_says(void **state)
{
	static const uint64_t page_cnts[] = { 31, 32, 254, 255, 256, 510, 511 };

	(void)state;
	for (size_t i = 0; i < CNT(page_cnts); i++) {
		struct test_mem mem;
		struct phyrsim_case_params params = { &mem.mem, PHYRSIM_CASE_ALIGNED,
						      PHYRSIM_MIX_4K, PHYRSIM_FLUSHING_LAZY,
						      page_cnts[i] * PHYR_PAGE_SIZE };

		test_mem_init(&mem);
		assert_int_equal(phyrsim_run_case(&params, rows, NULL), PHYR_OK);
		assert_int_equal(rows->linux_cost.page_flush_cnt,
				 (PHYRSIM_CASE_ROUNDS * page_cnts[i] - 1) / QUEUE_CNT + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_mapped_costs_what_the_rules_say),
		cmocka_unit_test(queues_fill_where_the_rule_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
