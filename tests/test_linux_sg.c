/* SPDX-License-Identifier: MIT */
/*
 * dma_map_sg() entry by entry: the vectors M1 to M8, then every rule beside a hand-made example. Not
 * here: quirks (test_linux_quirks).
 */
#include <phyrsim/linux_sg.h>

#include "linux_world.h"

/* Where the I/O addresses of the vectors begin. */
#define BASE UINT64_C(0xfff00000)
/* Far from each other: no two pages are neighbours. */
#define PA(i) (UINT64_C(0x100000000) + (uint64_t)(i)*0x10000)

static const struct phyrsim_linux_sg_limits usual = { 12, 0x10000, UINT64_MAX, 0 };

static struct phyrsim_linux_sg entry(uint64_t pa, uint64_t len)
{
	struct phyrsim_linux_sg sg = { .mem = { { pa }, len } };

	return sg;
}

static void fill(struct phyrsim_linux_sg *sg, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		sg[i] = entry(PA(i), 0x1000);
}

static struct phyrsim_linux_sg_plan plan(const struct phyrsim_linux_sg_limits *limits,
					 struct phyrsim_linux_sg *sg, size_t cnt)
{
	struct phyrsim_linux_sg_plan plan;

	assert_int_equal(phyrsim_linux_sg_plan(limits, sg, cnt, &plan), PHYR_OK);
	return plan;
}

static void expect(const struct phyrsim_linux_sg *sg, uint64_t iova, uint64_t len)
{
	assert_int_equal(sg->dma.iova.addr, iova);
	assert_int_equal(sg->dma.len, len);
}

static void m1_four_pages_come_out_as_one_range(void **state)
{
	struct phyrsim_linux_sg sg[4];

	(void)state;
	fill(sg, 4);
	assert_int_equal(plan(&usual, sg, 4).iova_len, 0x4000);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 4, phyr_iova_at(BASE)), 1);
	expect(&sg[0], BASE, 0x4000);
	expect(&sg[1], 0, 0);
}

static void m2_32_pages_come_out_as_two_ranges_of_64k(void **state)
{
	struct phyrsim_linux_sg sg[32];

	(void)state;
	fill(sg, 32);
	assert_int_equal(plan(&usual, sg, 32).iova_len, 0x20000);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 32, phyr_iova_at(BASE)), 2);
	expect(&sg[0], BASE, 0x10000);
	expect(&sg[1], BASE + 0x10000, 0x10000);
}

static void m4_an_offset_begins_a_range_of_its_own(void **state)
{
	struct phyrsim_linux_sg sg[] = { entry(PA(0), 0x1000), entry(PA(1) + 0x100, 0x700) };

	(void)state;
	assert_int_equal(plan(&usual, sg, 2).iova_len, 0x2000);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 2, phyr_iova_at(BASE)), 2);
	expect(&sg[0], BASE, 0x1000);
	expect(&sg[1], BASE + 0x1100, 0x700);
}

static void m6_no_range_is_longer_than_a_segment(void **state)
{
	struct phyrsim_linux_sg_limits limits = usual;
	struct phyrsim_linux_sg sg[4];

	(void)state;
	limits.segment_max = 0x2000;
	fill(sg, 4);
	assert_int_equal(plan(&limits, sg, 4).iova_len, 0x4000);
	assert_int_equal(phyrsim_linux_sg_finish(&limits, sg, 4, phyr_iova_at(BASE)), 2);
	expect(&sg[0], BASE, 0x2000);
	expect(&sg[1], BASE + 0x2000, 0x2000);
}

static void m8_a_peer_out_of_reach_refuses_the_list_and_leaves_it(void **state)
{
	struct phyrsim_linux_sg sg[] = { entry(PA(0) + 0x10, 0x1000), entry(PA(1), 0x1000) };
	struct phyrsim_linux_sg_plan untouched = { 1, 2, 3, 4 };
	struct phyrsim_linux_sg before[2];

	(void)state;
	sg[1].type = PHYR_P2P_UNSUPPORTED;
	memcpy(before, sg, sizeof(sg));
	assert_int_equal(phyrsim_linux_sg_plan(&usual, sg, 2, &untouched), PHYR_E_UNREACHABLE);
	assert_memory_equal(sg, before, sizeof(sg));
	assert_int_equal(untouched.bus_cnt, 4);
}

static void an_entry_short_of_its_granule_closes_the_range(void **state)
{
	struct phyrsim_linux_sg sg[] = { entry(PA(0) + 0x800, 0x700), entry(PA(1), 0x1000),
					 entry(PA(2), 0x1000) };

	(void)state;
	/* The first ends at 0xf00 of its page, so the second, at offset 0, begins anew. */
	assert_int_equal(plan(&usual, sg, 3).iova_len, 0x3000);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 3, phyr_iova_at(BASE)), 2);
	expect(&sg[0], BASE + 0x800, 0x700);
	expect(&sg[1], BASE + 0x1000, 0x2000);
}

static void no_range_crosses_a_boundary_and_what_is_padded_is_counted(void **state)
{
	/* Boundary 16K: three pages, then two that would lie at 12K … 20K are moved to 16K. */
	struct phyrsim_linux_sg_limits limits = { 12, 0x10000, 0x3fff, 0 };
	struct phyrsim_linux_sg sg[] = { entry(PA(0), 0x3000), entry(PA(1), 0x2000) };
	struct phyrsim_linux_sg_plan got;

	(void)state;
	got = plan(&limits, sg, 2);
	assert_int_equal(got.pad_len, 0x1000);
	assert_int_equal(got.iova_len, 0x6000);
	assert_int_equal(phyrsim_linux_sg_finish(&limits, sg, 2, phyr_iova_at(BASE)), 2);
	expect(&sg[0], BASE, 0x3000);
	expect(&sg[1], BASE + 0x4000, 0x2000);
}

static void neighbours_that_meet_on_a_boundary_stay_two_ranges(void **state)
{
	struct phyrsim_linux_sg_limits limits = { 12, 0x10000, 0x1fff, 0 };
	struct phyrsim_linux_sg sg[4];

	(void)state;
	fill(sg, 4);
	assert_int_equal(plan(&limits, sg, 4).pad_len, 0);
	assert_int_equal(phyrsim_linux_sg_finish(&limits, sg, 4, phyr_iova_at(BASE)), 2);
	expect(&sg[1], BASE + 0x2000, 0x2000);
}

static void a_bus_address_is_alone_and_takes_no_io_addresses(void **state)
{
	struct phyrsim_linux_sg sg[3];
	struct phyrsim_linux_sg_plan got;

	(void)state;
	fill(sg, 3);
	/* P10: BAR 0x200000000000 on the bus at 0x80000000, its second page. */
	sg[1].mem.pa.addr = UINT64_C(0x200000001000);
	sg[1].type = PHYR_P2P_BUS;
	sg[1].bus_offset = UINT64_C(0x80000000) - UINT64_C(0x200000000000);
	got = plan(&usual, sg, 3);
	assert_int_equal(got.iova_len, 0x2000);
	assert_int_equal(got.bus_cnt, 1);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 3, phyr_iova_at(BASE)), 3);
	expect(&sg[0], BASE, 0x1000);
	expect(&sg[1], 0x80001000, 0x1000);
	assert_true(sg[1].bus);
	expect(&sg[2], BASE + 0x1000, 0x1000);
}

static void what_goes_through_the_bridge_is_mapped_like_memory(void **state)
{
	struct phyrsim_linux_sg sg[3];

	(void)state;
	fill(sg, 3);
	sg[1].type = PHYR_P2P_BRIDGE;
	assert_int_equal(plan(&usual, sg, 3).iova_len, 0x3000);
	assert_int_equal(phyrsim_linux_sg_finish(&usual, sg, 3, phyr_iova_at(BASE)), 1);
}

static void a_list_of_bus_addresses_asks_for_nothing(void **state)
{
	struct phyrsim_linux_sg sg[2];
	struct phyrsim_linux_sg_plan got;

	(void)state;
	fill(sg, 2);
	sg[0].type = sg[1].type = PHYR_P2P_OWN;
	got = plan(&usual, sg, 2);
	assert_int_equal(got.iova_len, 0);
	assert_int_equal(got.call_cnt, 0);
}

static void neighbours_in_memory_are_one_call_even_across_a_bus_address(void **state)
{
	struct phyrsim_linux_sg sg[] = { entry(PA(0), 0x1000), entry(PA(9), 0x1000),
					 entry(PA(0) + 0x1000, 0x1000), entry(PA(5), 0x1000) };

	(void)state;
	assert_int_equal(plan(&usual, sg, 4).call_cnt, 4);
	sg[1].type = PHYR_P2P_BUS;
	assert_int_equal(plan(&usual, sg, 4).call_cnt, 2);
}

static void filling_cuts_runs_as_counting_says(void **state)
{
	struct phyrsim_linux_sg sg[40];
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x100000200, MIB(2));
	/* L1: 512 pages in segments of 64K are 32; an offset of 0x200 makes it 513 pages, so 33. */
	assert_int_equal(phyrsim_linux_sg_fill(&list, KIB(64), sg), 33);
	assert_int_equal(sg[0].mem.len, 0xfe00);
	assert_int_equal(sg[1].mem.pa.addr, 0x100010000);
	assert_int_equal(sg[32].mem.len, 0x200);
	assert_int_equal(sg[32].type, PHYR_P2P_NONE);
	/* L1 itself, and with segments of 2G. */
	list_of_one(&list, 0x100000000, MIB(2));
	assert_int_equal(phyrsim_linux_sg_fill(&list, KIB(64), sg), 32);
	assert_int_equal(phyrsim_linux_sg_fill(&list, GIB(2), sg), 1);
	assert_int_equal(phyrsim_linux_sg_fill(&list, 0x1800, sg), 0);
}

static int refuse(struct phyrsim_linux_sg_limits limits, struct phyrsim_linux_sg sg)
{
	struct phyrsim_linux_sg_plan plan;

	return phyrsim_linux_sg_plan(&limits, &sg, 1, &plan);
}

static void what_is_no_scatterlist_is_refused(void **state)
{
	struct phyrsim_linux_sg_limits limits = usual;
	struct phyrsim_linux_sg sg = entry(PA(0), 0x1000);
	struct phyrsim_linux_sg_plan got;

	(void)state;
	assert_int_equal(phyrsim_linux_sg_plan(NULL, &sg, 1, &got), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_sg_plan(&usual, NULL, 1, &got), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_sg_plan(&usual, &sg, 0, &got), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_sg_plan(&usual, &sg, 1, NULL), PHYR_E_INVAL);
	assert_int_equal(refuse(usual, entry(PA(0), 0)), PHYR_E_INVAL);
	assert_int_equal(refuse(usual, entry(UINT64_MAX - 1, 3)), PHYR_E_RANGE);
	assert_int_equal(refuse(usual, entry(1, UINT64_MAX - 1)), PHYR_E_RANGE);
	limits.granule_lg2 = 11;
	assert_int_equal(refuse(limits, sg), PHYR_E_INVAL);
	limits.granule_lg2 = 31;
	assert_int_equal(refuse(limits, sg), PHYR_E_INVAL);
	limits = usual;
	limits.boundary_mask = 0x3ffe;
	assert_int_equal(refuse(limits, sg), PHYR_E_INVAL);
}

static void lengths_that_add_up_to_more_than_there_is_are_refused(void **state)
{
	struct phyrsim_linux_sg sg[] = { entry(0, UINT64_C(1) << 63), entry(0, UINT64_C(1) << 63) };
	struct phyrsim_linux_sg_plan got;

	(void)state;
	assert_int_equal(phyrsim_linux_sg_plan(&usual, sg, 2, &got), PHYR_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m1_four_pages_come_out_as_one_range),
		cmocka_unit_test(m2_32_pages_come_out_as_two_ranges_of_64k),
		cmocka_unit_test(m4_an_offset_begins_a_range_of_its_own),
		cmocka_unit_test(m6_no_range_is_longer_than_a_segment),
		cmocka_unit_test(m8_a_peer_out_of_reach_refuses_the_list_and_leaves_it),
		cmocka_unit_test(an_entry_short_of_its_granule_closes_the_range),
		cmocka_unit_test(no_range_crosses_a_boundary_and_what_is_padded_is_counted),
		cmocka_unit_test(neighbours_that_meet_on_a_boundary_stay_two_ranges),
		cmocka_unit_test(a_bus_address_is_alone_and_takes_no_io_addresses),
		cmocka_unit_test(what_goes_through_the_bridge_is_mapped_like_memory),
		cmocka_unit_test(a_list_of_bus_addresses_asks_for_nothing),
		cmocka_unit_test(neighbours_in_memory_are_one_call_even_across_a_bus_address),
		cmocka_unit_test(filling_cuts_runs_as_counting_says),
		cmocka_unit_test(what_is_no_scatterlist_is_refused),
		cmocka_unit_test(lengths_that_add_up_to_more_than_there_is_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
