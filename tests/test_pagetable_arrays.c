/* SPDX-License-Identifier: MIT */
/*
 * Arrays of runs: single pages, which go a table at a time, alone and between longer runs; what is
 * refused in them; and tables that come again, whose old items nobody has zeroed.
 */
#include "pagetable_world.h"

#define AT (GIB1 - 3 * KIB4)
#define RUN_CNT 1100

static struct phyr_range runs[RUN_CNT];

/* Pages anywhere; `lens` of them, in turn, are the lengths. */
static uint64_t make_runs(uint64_t seed, const uint64_t *lens, size_t len_cnt)
{
	uint64_t page_cnt = 0;

	for (size_t i = 0; i < RUN_CNT; i++) {
		uint64_t cnt = lens[test_random(&seed) % len_cnt];

		runs[i].pa = phyr_pa_at((1 + test_random(&seed) % 0xffffff) * KIB4);
		runs[i].len = cnt * KIB4;
		page_cnt += cnt;
	}
	return page_cnt;
}

static int map_runs(uint64_t iova)
{
	return phyrsim_pagetable_map(w.table, phyr_iova_at(iova), runs, RUN_CNT, RW, 0);
}

static void expect_runs(uint64_t iova)
{
	for (size_t i = 0; i < RUN_CNT; i++)
		for (uint64_t at = 0; at < runs[i].len; at += KIB4, iova += KIB4)
			assert_int_equal(pa_of(iova), runs[i].pa.addr + at);
}

static void single_pages_are_mapped_across_tables_in_their_order(void **state)
{
	static const uint64_t lens[] = { 1 };

	(void)state;
	assert_int_equal(make_runs(1, lens, 1), RUN_CNT);
	assert_int_equal(map_runs(AT), PHYR_OK);
	expect_runs(AT);
	expect_leaves(RUN_CNT, 0, 0);
	assert_int_equal(pa_of(AT - KIB4), HOLE);
	assert_int_equal(pa_of(AT + RUN_CNT * KIB4), HOLE);
	assert_int_equal(unmap(AT, RUN_CNT * KIB4), PHYR_OK);
	expect_leaves(0, 0, 0);
}

static void single_pages_between_longer_runs_are_mapped_in_their_order(void **state)
{
	static const uint64_t lens[] = { 1, 1, 1, 2, 1, 3, 1, 513 };

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t at = AT - seed * KIB4;
		uint64_t page_cnt = make_runs(seed, lens, sizeof(lens) / sizeof(lens[0]));

		assert_int_equal(map_runs(at), PHYR_OK);
		expect_runs(at);
		assert_int_equal(unmap(at, page_cnt * KIB4), PHYR_OK);
		expect_leaves(0, 0, 0);
	}
}

static void refuse_runs(int err)
{
	uint64_t before = checksum();

	assert_int_equal(map_runs(AT), err);
	assert_int_equal(checksum(), before);
}

static void one_wrong_run_among_single_pages_refuses_them_all(void **state)
{
	static const uint64_t lens[] = { 1 };
	struct phyr_range *last = &runs[RUN_CNT - 1];

	(void)state;
	make_runs(2, lens, 1);
	last->pa.addr++;
	refuse_runs(PHYR_E_ALIGN);
	last->pa.addr = UINT64_C(1) << 52;
	refuse_runs(PHYR_E_RANGE);
	last->pa.addr = 0;
	last->len = 1;
	refuse_runs(PHYR_E_ALIGN);
	last->len = 0;
	refuse_runs(PHYR_E_INVAL);
	last->len = KIB4;
	assert_int_equal(map(AT + (RUN_CNT - 1) * KIB4, 0, KIB4, RW), PHYR_OK);
	refuse_runs(PHYR_E_EXISTS);
}

/* How many items of the lowest table for an address are not zero. */
static unsigned int item_cnt(uint64_t iova)
{
	const uint64_t *frame =
		phyrsim_mem_frame(w.mem, phyr_pa_at(raw_entry(iova, 1) & ~UINT64_C(0xfff)));
	unsigned int cnt = 0;

	for (size_t i = 0; i < 512; i++)
		cnt += frame[i] != 0;
	return cnt;
}

static void a_table_that_comes_again_has_new_leaves_alone(void **state)
{
	(void)state;
	/* Out of phase, so there are 512 leaves; all of a table goes with its items as they are. */
	assert_int_equal(map(MIB2, KIB4, MIB2, RW), PHYR_OK);
	assert_int_equal(unmap(MIB2, MIB2), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(map(2 * MIB2, 0, KIB4, RW), PHYR_OK);
	assert_int_equal(item_cnt(2 * MIB2), 1);
	/* One that was emptied item by item. */
	assert_int_equal(unmap(2 * MIB2, KIB4), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(map(3 * MIB2 + KIB4, 0, 2 * KIB4, RW), PHYR_OK);
	assert_int_equal(item_cnt(3 * MIB2), 2);
	assert_int_equal(map(4 * MIB2, KIB4, MIB2, RW), PHYR_OK);
	assert_int_equal(item_cnt(4 * MIB2), 512);
}

static void a_large_leaf_alone_is_mapped_and_unmapped_whole(void **state)
{
	(void)state;
	assert_int_equal(map(GIB1 + 5 * MIB2, MIB2, MIB2, RW), PHYR_OK);
	assert_int_equal(map(GIB1, MIB2, MIB2, RW), PHYR_OK);
	expect_leaves(0, 2, 0);
	refuse_map(GIB1, 0, MIB2, RW, PHYR_E_EXISTS);
	assert_int_equal(unmap(GIB1 + MIB2, MIB2), PHYR_E_NOENT);
	assert_int_equal(unmap(GIB1, KIB4), PHYR_E_PARTIAL);
	assert_int_equal(unmap(GIB1, MIB2), PHYR_OK);
	assert_int_equal(pa_of(GIB1), HOLE);
	expect_leaves(0, 1, 0);
	/* Out of phase it is 512 small ones. */
	assert_int_equal(map(GIB1, KIB4, MIB2, RW), PHYR_OK);
	expect_leaves(512, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(single_pages_are_mapped_across_tables_in_their_order),
		CASE(single_pages_between_longer_runs_are_mapped_in_their_order),
		CASE(one_wrong_run_among_single_pages_refuses_them_all),
		CASE(a_table_that_comes_again_has_new_leaves_alone),
		CASE(a_large_leaf_alone_is_mapped_and_unmapped_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
