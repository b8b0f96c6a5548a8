/* SPDX-License-Identifier: MIT */
/*
 * The page-table writer, judged by what stands in simulated memory: cases read raw words from the
 * top table down.
 *
 * Not here: refused calls (test_pagetable_errors.c); random sequences (prop_pagetable.c); the
 * walker (test_walker.c).
 */
#include "pagetable_world.h"

static void the_geometry_is_what_was_asked_for(void **state)
{
	struct phyr_iommu_caps caps;

	(void)state;
	assert_int_equal(w.root.level_cnt, 4); /* the defaults */
	assert_int_equal(w.root.pa_bits, 52);
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		reopen_table(level_cnt, 47 + level_cnt);
		assert_int_equal(w.root.format, PHYRSIM_FORMAT_VTD_SS);
		assert_int_equal(w.root.level_cnt, level_cnt);
		assert_int_equal(w.root.pa_bits, 47 + level_cnt);
		phyrsim_pagetable_caps(w.table, &caps);
		assert_int_equal(caps.sizes.mask, KIB4 | MIB2 | GIB1);
		assert_int_equal(caps.iova.first.addr, 0);
		assert_int_equal(caps.iova.last.addr, phyr_bits_mask(12 + 9 * level_cnt));
		assert_int_equal(caps.pa_last.addr, phyr_bits_mask(47 + level_cnt));
		assert_int_equal(caps.mapping_cnt_max, 0);
	}
}

static void a_new_table_is_the_top_alone_and_a_page_adds_one_a_level(void **state)
{
	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		uint64_t end = phyr_bits_size(12 + 9 * level_cnt);

		reopen_table(level_cnt, 52);
		for (uint64_t at = 0; at < end; at += end >> 9)
			assert_int_equal(raw_entry(at, level_cnt - 1), 0);
		expect_leaves(0, 0, 0);
		assert_int_equal(stats().table_cnt, 1);
		assert_int_equal(stats().table_max, 1);
		assert_int_equal(map(end - KIB4, 0x12345000, KIB4, RW), PHYR_OK);
		assert_int_equal(raw_entry(end - KIB4, 0), 0x12345003);
		assert_int_equal(stats().table_cnt, level_cnt);
		assert_int_equal(map(0, 0, GIB1, RW), PHYR_OK);
		assert_int_equal(raw_entry(0, 2), 0x83);
		assert_int_equal(stats().table_cnt, level_cnt + (level_cnt - 3));
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats().table_cnt);
	}
}

static void leaves_are_the_worked_entries_bit_for_bit(void **state)
{
	static const struct {
		uint64_t pa, entry;
		unsigned int perm, level;
	} worked[] = {
		{ 0x12345000, 0x12345003, RW, 0 },
		{ 0x12345000, 0x12345001, PHYR_PERM_READ, 0 },
		{ 0x12345000, 0x12345002, PHYR_PERM_WRITE, 0 },
		{ UINT64_C(0xffffffffff000), UINT64_C(0xffffffffff003), RW, 0 },
		{ 0, 1, PHYR_PERM_READ, 0 },
		{ 0x40200000, 0x40200083, RW, 1 },
		{ 0x40200000, 0x40200081, PHYR_PERM_READ, 1 },
		{ 0x40200000, 0x40200082, PHYR_PERM_WRITE, 1 },
		{ UINT64_C(0x880000000), UINT64_C(0x880000083), RW, 2 },
		{ UINT64_C(0x880000000), UINT64_C(0x880000081), PHYR_PERM_READ, 2 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(worked); i++) {
		uint64_t len = phyr_bits_size(12 + 9 * worked[i].level);
		uint64_t iova = i * GIB1 + i * (len % GIB1);

		assert_int_equal(map(iova, worked[i].pa, len, worked[i].perm), PHYR_OK);
		assert_int_equal(raw_entry(iova, worked[i].level), worked[i].entry);
	}
	expect_leaves(5, 3, 2);
}

/* The last two are ranges that a kernel once mapped or freed wrongly. */
static void the_leaves_are_those_of_the_greedy_cut(void **state)
{
	static const uint64_t cuts[][6] = {
		/* iova, pa, len; leaves of 4 KiB, 2 MiB, 1 GiB */
		{ 0, 0, MIB2, 0, 1, 0 },
		{ 0x1000, 0x1000, 0x3ff000, 511, 1, 0 },
		{ 0x1000, 0x1000, 0x3fe000, 1022, 0, 0 },
		{ MIB2, 0x1000, 2 * MIB2, 1024, 0, 0 },
		{ 0x80000000, 0x140000000, 2 * GIB1, 0, 0, 2 },
		{ 0x600000, 0x40001000, 2 * MIB2, 1024, 0, 0 },
		{ 0x601000, 0x40001000, 2 * MIB2, 512, 1, 0 },
		{ 0x3fe400000, 0x3fe400000, 0xc2200000, 0, 17, 3 },
		{ 0xfef80000, 0x208b95d000, 0x20000, 32, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(cuts); i++) {
		uint64_t iova = cuts[i][0], pa = cuts[i][1], len = cuts[i][2];

		assert_int_equal(map(iova, pa, len, RW), PHYR_OK);
		expect_leaves(cuts[i][3], cuts[i][4], cuts[i][5]);
		assert_int_equal(pa_of(iova), pa);
		assert_int_equal(pa_of(iova + len - 1), pa + len - 1);
		assert_int_equal(pa_of(iova + len), HOLE);
		assert_int_equal(unmap(iova, len), PHYR_OK);
		assert_int_equal(pa_of(iova), HOLE);
		assert_int_equal(pa_of(iova + len - 1), HOLE);
		expect_leaves(0, 0, 0);
	}
}

static void every_run_of_an_array_is_cut_for_itself(void **state)
{
	/* The first two touch, but only together would they make a 2 MiB leaf. */
	static const struct phyr_range runs[] = {
		{ { 0x80000000 }, MIB2 / 2 }, { { 0x80100000 }, MIB2 / 2 },
		{ { 0x40000000 }, MIB2 },     { { 0x1000 }, KIB4 },
		{ { 0x1000 }, KIB4 },
	};
	phyr_iova iova = phyr_iova_at(GIB1);

	(void)state;
	assert_int_equal(phyrsim_pagetable_map(w.table, iova, runs, CNT(runs), RW, 0), PHYR_OK);
	expect_leaves(514, 1, 0);
	assert_int_equal(pa_of(GIB1 + MIB2 / 2), 0x80100000);
	assert_int_equal(raw_entry(GIB1 + MIB2, 1), 0x40000083);
	assert_int_equal(pa_of(GIB1 + 2 * MIB2), 0x1000);
	assert_int_equal(pa_of(GIB1 + 2 * MIB2 + KIB4), 0x1000);
	assert_int_equal(pa_of(GIB1 + 2 * MIB2 + 2 * KIB4), HOLE);
}

static void large_leaves_replace_empty_tables_and_keep_their_neighbours(void **state)
{
	uint64_t first = UINT64_C(0x3fe400000), len = UINT64_C(0xc2200000);

	(void)state;
	assert_int_equal(map(first - KIB4, 0x7000, KIB4, RW), PHYR_OK);
	assert_int_equal(map(first + len, 0x8000, KIB4, RW), PHYR_OK);
	for (uint64_t at = first; at < first + len; at += 16 * MIB2) {
		assert_int_equal(map(at, 0x9000, KIB4, RW), PHYR_OK);
		assert_int_equal(unmap(at, KIB4), PHYR_OK);
	}
	assert_int_equal(w.gather.unmap_cnt, 98);
	assert_int_equal(map(first, first, len, RW), PHYR_OK);
	expect_leaves(2, 17, 3);
	assert_int_equal(unmap(first, len), PHYR_OK);
	assert_int_equal(w.gather.first, first);
	assert_int_equal(w.gather.last, first + len - 1);
	assert_int_equal(pa_of(first - KIB4), 0x7000);
	assert_int_equal(pa_of(first + len), 0x8000);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), stats().table_cnt);
}

static void the_data_under_a_large_leaf_is_never_taken_for_a_table(void **state)
{
	uint64_t before[512], *data;
	phyr_pa pa;

	(void)state;
	assert_int_equal(phyrsim_mem_alloc(w.mem, &pa), PHYR_OK);
	data = phyrsim_mem_frame(w.mem, pa);
	for (size_t i = 0; i < 512; i++)
		before[i] = data[i] = 0x12345003 + i * KIB4;
	assert_int_equal(map(MIB2, phyr_bits_down(pa.addr, 21), MIB2, RW), PHYR_OK);
	refuse_unmap(MIB2, KIB4, PHYR_E_PARTIAL);
	refuse_map(MIB2 + KIB4, 0, KIB4, RW, PHYR_E_EXISTS);
	assert_int_equal(unmap(MIB2, MIB2), PHYR_OK);
	assert_memory_equal(data, before, sizeof(before));
	phyrsim_mem_free(w.mem, pa);
}

static void covered_tables_are_held_back_until_they_are_released(void **state)
{
	uint64_t mapped_cnt = 4 + 513 + 1;
	phyr_pa held;

	(void)state;
	assert_int_equal(map(3 * GIB1, 0x1000, KIB4, RW), PHYR_OK); /* keeps what is above */
	assert_int_equal(map(GIB1, 0x1000, GIB1, RW), PHYR_OK);
	assert_int_equal(map(3 * GIB1 + MIB2, 0x1000, MIB2, RW), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), mapped_cnt);
	held = phyr_pa_at(raw_entry(GIB1, 2) & ~UINT64_C(3));
	assert_int_equal(unmap(GIB1, GIB1), PHYR_OK);
	assert_int_equal(unmap(3 * GIB1 + MIB2, MIB2), PHYR_OK);
	assert_int_equal(raw_entry(GIB1, 2), 0);
	assert_int_equal(raw_entry(3 * GIB1 + MIB2, 1), 0);
	assert_true(w.gather.tables_removed && w.gather.freed);
	assert_non_null(phyrsim_mem_frame(w.mem, held));
	/* What walk caches may still point to does not become another table. */
	assert_int_equal(map(5 * GIB1, 0x1000, KIB4, RW), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), mapped_cnt + 2);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_null(w.gather.freed);
	assert_null(phyrsim_mem_frame(w.mem, held));
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 4 + 2);
	assert_int_equal(stats().table_cnt, 4 + 2);
	assert_in_range(stats().table_max, mapped_cnt, mapped_cnt + 2);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 4 + 2);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(the_geometry_is_what_was_asked_for),
		CASE(a_new_table_is_the_top_alone_and_a_page_adds_one_a_level),
		CASE(leaves_are_the_worked_entries_bit_for_bit),
		CASE(the_leaves_are_those_of_the_greedy_cut),
		CASE(every_run_of_an_array_is_cut_for_itself),
		CASE(large_leaves_replace_empty_tables_and_keep_their_neighbours),
		CASE(the_data_under_a_large_leaf_is_never_taken_for_a_table),
		CASE(covered_tables_are_held_back_until_they_are_released),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
