/* SPDX-License-Identifier: MIT */
/*
 * What the page-table writer refuses, and that "nothing changed" is then true: a checksum over
 * every table that can be reached.
 *
 * Not here: what it writes (test_pagetable.c); random sequences (prop_pagetable.c).
 */
#include "pagetable_world.h"

static void wrong_parameters_make_nothing(void **state)
{
	const struct phyr_mem *host = &w.host.mem;
	const struct phyrsim_pagetable_params bad[] = {
		{ .frames = w.mem, .format = PHYRSIM_FORMAT_VTD_SS, .level_cnt = 4 },
		{ .mem = host, .format = PHYRSIM_FORMAT_VTD_SS, .level_cnt = 4 },
		{ .mem = host,
		  .frames = w.mem,
		  .format = (enum phyrsim_format)PHYRSIM_FORMAT_CNT,
		  .level_cnt = 4 },
		{ .mem = host, .frames = w.mem, .format = PHYRSIM_FORMAT_VTD_SS, .level_cnt = 2 },
		{ .mem = host, .frames = w.mem, .format = PHYRSIM_FORMAT_VTD_SS, .level_cnt = 6 },
		{ .mem = host,
		  .frames = w.mem,
		  .format = PHYRSIM_FORMAT_VTD_SS,
		  .level_cnt = 4,
		  .pa_bits = 44 },
		{ .mem = host,
		  .frames = w.mem,
		  .format = PHYRSIM_FORMAT_VTD_SS,
		  .level_cnt = 4,
		  .pa_bits = 53 },
	};
	const struct phyrsim_pagetable_params good = { .mem = host, .frames = w.mem };
	struct phyrsim_pagetable *table = w.table;

	(void)state;
	for (size_t i = 0; i < CNT(bad); i++)
		assert_int_equal(phyrsim_pagetable_create(&bad[i], &table), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_create(NULL, &table), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_create(&good, NULL), PHYR_E_INVAL);
	assert_ptr_equal(table, w.table);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	phyrsim_pagetable_destroy(NULL);
}

static void creating_without_memory_leaves_nothing_allocated(void **state)
{
	struct phyrsim_pagetable_params params = { .mem = &w.host.mem, .frames = w.mem };
	struct phyrsim_pagetable *table = w.table;
	size_t live_cnt = w.host.live_cnt;

	(void)state;
	w.host.alloc_cnt = w.host.fail_at = 0;
	while (phyrsim_pagetable_create(&params, &table) == PHYR_E_NOMEM) {
		assert_ptr_equal(table, w.table);
		assert_int_equal(w.host.live_cnt, live_cnt);
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
		w.host.alloc_cnt = 0;
		w.host.fail_at++;
	}
	assert_true(w.host.fail_at > 0 && table != w.table);
	phyrsim_pagetable_destroy(table);
}

static void a_map_that_is_called_wrongly_changes_nothing(void **state)
{
	struct phyr_range run = { { 0x5000 }, KIB4 };
	phyr_iova iova = phyr_iova_at(MIB2);

	(void)state;
	assert_int_equal(phyrsim_pagetable_map(NULL, iova, &run, 1, RW, 0), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map(w.table, iova, NULL, 1, RW, 0), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map(w.table, iova, &run, 0, RW, 0), PHYR_E_INVAL);
	refuse_map(MIB2, 0x5000, KIB4, 0, PHYR_E_INVAL);
	refuse_map(MIB2, 0x5000, KIB4, 4, PHYR_E_INVAL);
	refuse_map(MIB2, 0x5000, KIB4, 7, PHYR_E_INVAL);
	refuse_map(MIB2, 0x5000, 0, RW, PHYR_E_INVAL);
	for (uint64_t bit = 1; bit < KIB4; bit <<= 1) {
		refuse_map(MIB2 + bit, 0x5000, KIB4, RW, PHYR_E_ALIGN);
		refuse_map(MIB2, 0x5000 + bit, KIB4, RW, PHYR_E_ALIGN);
		refuse_map(MIB2, 0, MIB2 + bit, RW, PHYR_E_ALIGN);
	}
}

static void a_map_beyond_a_width_changes_nothing(void **state)
{
	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		uint64_t end = phyr_bits_size(12 + 9 * level_cnt);
		uint64_t pa_end = phyr_bits_size(47 + level_cnt);

		reopen_table(level_cnt, 47 + level_cnt);
		refuse_map(end, 0x5000, KIB4, RW, PHYR_E_RANGE);
		refuse_map(end - KIB4, 0x5000, 2 * KIB4, RW, PHYR_E_RANGE);
		refuse_map(end - MIB2, 0, MIB2 + KIB4, RW, PHYR_E_RANGE);
		refuse_map(TOP, 0x5000, KIB4, RW, PHYR_E_RANGE);
		refuse_map(TOP, 0x5000, 2 * KIB4, RW, PHYR_E_RANGE);
		refuse_map(MIB2, 0x5000, TOP, RW, PHYR_E_RANGE);
		refuse_map(GIB1, pa_end, KIB4, RW, PHYR_E_RANGE);
		refuse_map(GIB1, pa_end - KIB4, 2 * KIB4, RW, PHYR_E_RANGE);
		refuse_map(GIB1, pa_end - GIB1, GIB1 + KIB4, RW, PHYR_E_RANGE);
		refuse_map(GIB1, TOP, 2 * KIB4, RW, PHYR_E_RANGE);
		assert_int_equal(map(end - GIB1, pa_end - GIB1, GIB1, RW), PHYR_OK);
		assert_int_equal(pa_of(end - 1), pa_end - 1);
	}
}

static void an_array_with_one_bad_run_maps_none(void **state)
{
	static const struct phyr_range bad[] = {
		{ { 0x6000 }, 0 },
		{ { 0x6800 }, KIB4 },
		{ { 0xffffffffff000 }, 2 * KIB4 },
		{ { 0 }, TOP - GIB1 + KIB4 },
		{ { 0x6000 }, KIB4 },
	};
	static const int results[] = { PHYR_E_INVAL, PHYR_E_ALIGN, PHYR_E_RANGE, PHYR_E_RANGE,
				       PHYR_E_EXISTS };
	struct phyr_range runs[3] = { { { GIB1 }, GIB1 }, { { 0x5000 }, KIB4 } };
	phyr_iova iova = phyr_iova_at(GIB1);

	(void)state;
	assert_int_equal(map(2 * GIB1 + KIB4, 0x1000, KIB4, RW), PHYR_OK);
	for (size_t i = 0; i < CNT(bad); i++) {
		uint64_t before = checksum();

		runs[2] = bad[i];
		assert_int_equal(phyrsim_pagetable_map(w.table, iova, runs, 3, RW, 0), results[i]);
		assert_int_equal(checksum(), before);
	}
}

static void overlaps_holes_and_parts_of_leaves_change_nothing(void **state)
{
	(void)state;
	refuse_unmap(0, phyr_bits_size(48), PHYR_E_NOENT);
	for (unsigned int lg2 = 12; lg2 <= 30; lg2 += 9) {
		uint64_t size = phyr_bits_size(lg2), first = 5 * GIB1 * lg2, end = first + size;

		assert_int_equal(map(first, 0, size, PHYR_PERM_READ), PHYR_OK);
		refuse_map(first, 0, size, PHYR_PERM_READ, PHYR_E_EXISTS);
		refuse_map(end - KIB4, 0, 2 * KIB4, RW, PHYR_E_EXISTS);
		refuse_map(first - KIB4, 0, 2 * KIB4, RW, PHYR_E_EXISTS);
		refuse_map(first - MIB2, 0, 2 * MIB2, RW, PHYR_E_EXISTS);
		refuse_map(first - 2 * GIB1, 0, 4 * GIB1, RW, PHYR_E_EXISTS);
		refuse_unmap(first - KIB4, size + KIB4, PHYR_E_NOENT);
		refuse_unmap(first, size + KIB4, PHYR_E_NOENT);
		assert_int_equal(map(end + size, 0, size, RW), PHYR_OK);
		refuse_unmap(first, 3 * size, PHYR_E_NOENT);
		if (size == KIB4)
			continue;
		assert_int_equal(map(first - KIB4, 0, KIB4, RW), PHYR_OK);
		refuse_unmap(first + MIB2 / 2, KIB4, PHYR_E_PARTIAL);
		refuse_unmap(first + KIB4, size - KIB4, PHYR_E_PARTIAL);
		refuse_unmap(first - KIB4, size, PHYR_E_PARTIAL);
	}
}

static void a_map_without_memory_is_unwound_and_unmap_needs_none(void **state)
{
	uint64_t iova = 5 * GIB1 - 2 * MIB2 - KIB4, len = GIB1 + 4 * MIB2 + 2 * KIB4;
	uint64_t before = checksum();

	(void)state;
	w.host.sticky = true;
	w.host.alloc_cnt = w.host.fail_at = 0;
	while (map(iova, iova, len, RW) == PHYR_E_NOMEM) {
		assert_int_equal(checksum(), before);
		w.host.alloc_cnt = 0;
		w.host.fail_at++;
	}
	assert_true(w.host.fail_at > 0);
	expect_leaves(2, 4, 1);
	w.host.alloc_cnt = w.host.fail_at = 0;
	assert_int_equal(unmap(iova, len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(w.host.alloc_cnt, 0);
	expect_leaves(0, 0, 0);
}

static void an_unmap_that_is_called_wrongly_changes_nothing(void **state)
{
	struct phyr_iova_range range = { { 0 }, KIB4 };
	uint64_t end = phyr_bits_size(48);

	(void)state;
	assert_int_equal(map(0, 0x5000, 2 * KIB4, RW), PHYR_OK);
	assert_int_equal(map(end - KIB4, 0x5000, KIB4, RW), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_unmap(NULL, range, &w.gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_unmap(w.table, range, NULL), PHYR_E_INVAL);
	refuse_unmap(0, 0, PHYR_E_INVAL);
	for (uint64_t bit = 1; bit < KIB4; bit <<= 1) {
		refuse_unmap(bit, KIB4, PHYR_E_ALIGN);
		refuse_unmap(0, KIB4 + bit, PHYR_E_ALIGN);
	}
	refuse_unmap(end, KIB4, PHYR_E_RANGE);
	refuse_unmap(end - KIB4, 2 * KIB4, PHYR_E_RANGE);
	refuse_unmap(KIB4, TOP, PHYR_E_RANGE);
	refuse_unmap(TOP, 2 * KIB4, PHYR_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(wrong_parameters_make_nothing),
		CASE(creating_without_memory_leaves_nothing_allocated),
		CASE(a_map_that_is_called_wrongly_changes_nothing),
		CASE(a_map_beyond_a_width_changes_nothing),
		CASE(an_array_with_one_bad_run_maps_none),
		CASE(overlaps_holes_and_parts_of_leaves_change_nothing),
		CASE(a_map_without_memory_is_unwound_and_unmap_needs_none),
		CASE(an_unmap_that_is_called_wrongly_changes_nothing),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
