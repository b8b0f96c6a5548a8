/* SPDX-License-Identifier: MIT */
/*
 * Defects that page tables of neighbouring projects had, by the numbers of a list of them, and two
 * that Linux's generic page tables have, in every configuration that can be tried.
 *
 * Not here: B10, which is about caches (test_stale.c); B13, best page sizes (test_best_size.c).
 */
#include <phyr/split.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define U UINT64_C
#define MIB2 U(0x200000)
#define GIB1 (U(1) << 30)

static enum phyrsim_fault fault_at(uint64_t iova)
{
	struct phyrsim_root root = root_now();
	struct phyrsim_access access = { { iova }, RO, PHYRSIM_WALK_AUDIT };
	struct phyrsim_walk walk;
	int err = phyrsim_walk(w.mem, &root, &access, &walk);

	assert_true(err == PHYR_OK || err == PHYR_E_FAULT);
	return walk.fault;
}

/* libvfio-user #463: a guest maps [0xc4000, 0xe0000), then [0xc4000, 0xe8000). In granules. */
static void b9_an_overlapping_region_is_refused_and_what_was_there_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t base;

		open_config(&configs[i]);
		base = w.caps.iova.first.addr;
		assert_int_equal(map(base + 0xc4 * granule(), 0, 0x1c * granule()), PHYR_OK);
		assert_int_equal(map(base + 0xc4 * granule(), 0, 0x24 * granule()), PHYR_E_EXISTS);
		assert_int_equal(map(base + 0xb0 * granule(), 0, 0x15 * granule()), PHYR_E_EXISTS);
		assert_int_equal(fault_at(base + 0xe0 * granule()), PHYRSIM_FAULT_NOT_PRESENT);
		assert_int_equal(fault_at(base + 0xc3 * granule()), PHYRSIM_FAULT_NOT_PRESENT);
		assert_int_equal(find(base + 0xdf * granule()).pa, 0x1b * granule());
		assert_int_equal(unmap(base + 0xc4 * granule(), 0x1c * granule()), PHYR_OK);
		close_config();
	}
}

/* libvfio-user #558: the second of several runs cannot be mapped, and the first one stayed. */
static void b9_of_runs_that_fail_none_is_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyr_range runs[3] = { 0 };
		phyr_iova iova;

		open_config(&configs[i]);
		iova = w.caps.iova.first;
		for (unsigned int j = 0; j < 3; j++)
			runs[j].len = 8 * granule();
		assert_int_equal(map(iova.addr + 20 * granule(), 0, granule()), PHYR_OK);
		assert_int_equal(phyrsim_pagetable_map(w.table, iova, runs, 3, RW, 0),
				 PHYR_E_EXISTS);
		runs[2].pa.addr = w.caps.pa_last.addr + 1 - granule();
		assert_int_equal(phyrsim_pagetable_map(w.table, iova, runs, 3, RW, 0),
				 PHYR_E_RANGE);
		assert_int_equal(leaf_cnt(), 1);
		assert_int_equal(fault_at(iova.addr), PHYRSIM_FAULT_NOT_PRESENT);
		close_config();
	}
}

/* Does a table cut [0x3fe400000, 0x4c0600000) into leaves of 2M and 1G? */
static bool has_2m_and_1g(void)
{
	phyr_sizes between = phyr_sizes_between(21, 30);

	return (w.caps.sizes.mask & between.mask) == (MIB2 | GIB1) &&
	       phyr_sizes_min_lg2(w.caps.sizes) == 12;
}

/* Linux VT-d, 2025: unmapping [0x3fe400000, 0x4c0600000) freed tables of its neighbours. */
static void b11_20_leaves_go_with_their_own_two_tables(void **state)
{
	const uint64_t first = U(0x3fe400000), len = U(0xc2200000);
	unsigned int tried = 0;

	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t base, before;

		open_config(&configs[i]);
		base = w.caps.iova.first.addr;
		if (has_2m_and_1g() && w.caps.iova.last.addr - base > first + len) {
			tried++;
			/* One page keeps all tables above those of level 1. */
			assert_int_equal(map(base, 0, KIB4), PHYR_OK);
			before = stats().table_cnt;
			assert_int_equal(map(base + first, first, len), PHYR_OK);
			assert_int_equal(stats().leaves.cnt[21], 17);
			assert_int_equal(stats().leaves.cnt[30], 3);
			assert_int_equal(leaf_cnt(), 1 + 20);
			assert_int_equal(stats().table_cnt, before + 2);
			assert_int_equal(unmap(base + first, len), PHYR_OK);
			assert_int_equal(stats().table_cnt, before);
			/* Beside neighbours no table goes. */
			assert_int_equal(map(base + first - KIB4, 0x7000, KIB4), PHYR_OK);
			assert_int_equal(map(base + first + len, 0x8000, KIB4), PHYR_OK);
			before = stats().table_cnt;
			assert_int_equal(map(base + first, first, len), PHYR_OK);
			assert_int_equal(unmap(base + first, len), PHYR_OK);
			assert_int_equal(stats().table_cnt, before);
			assert_int_equal(find(base + first - 1).pa, 0x7fff);
			assert_int_equal(find(base + first + len).pa, 0x8000);
		}
		close_config();
	}
	assert_in_range(tried, 10, CNT(configs));
}

/* Linux AMD v1: addresses that differ in bit 12 never take a larger leaf, whatever the length. */
static void b12_addresses_out_of_phase_are_32_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t base;
		int wanted;

		open_config(&configs[i]);
		base = w.caps.iova.first.addr;
		wanted = granule() == KIB4 ? PHYR_OK : PHYR_E_ALIGN;
		assert_int_equal(map(base + 0xfef80000, U(0x208b95d000), 0x20000), wanted);
		assert_int_equal(stats().leaves.cnt[12], wanted == PHYR_OK ? 32 : 0);
		assert_int_equal(leaf_cnt(), wanted == PHYR_OK ? 32 : 0);
		if (wanted == PHYR_OK)
			assert_int_equal(find(base + 0xfef9ffff).pa, U(0x208b97cfff));
		close_config();
	}
}

/* NV-Kernels #112: a shift by the lowest of no page sizes. */
static void b16_without_page_sizes_there_is_an_error_and_no_table(void **state)
{
	struct phyr_range run = { { 0x1000 }, 0x1000 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	const phyr_sizes none = { 0 };
	struct phyr_split split;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, run, tag), PHYR_OK);
	assert_int_equal(phyr_split_begin(&list, phyr_iova_at(0), none, &split), PHYR_E_INVAL);
	assert_int_equal(phyr_split_best_size(&list, 0, none, PHYR_COVER_ALLOW), 0);
	phyr_list_fini(&list);
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_pagetable_params params;
		struct phyrsim_pagetable *table;

		open_config(&configs[i]);
		params = config_params(&configs[i], &w.host.mem, w.mem);
		/* An output address narrower than a granule, or than a pointer to a table. */
		for (params.pa_bits = 1; params.pa_bits < 45; params.pa_bits++)
			assert_int_equal(phyrsim_pagetable_create(&params, &table), PHYR_E_INVAL);
		params.pa_bits = 45;
		assert_int_equal(phyrsim_pagetable_create(&params, &table), PHYR_OK);
		phyrsim_pagetable_destroy(table);
		close_config();
	}
}

/* tjeznach/linux #1: above bit 38, 47 or 56 an address is not zero-extended, and no bit is lost. */
static void b17_addresses_are_sign_extended_at_the_top_bit(void **state)
{
	unsigned int tried = 0;

	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t end, upper;

		open_config(&configs[i]);
		if (config_signed(&configs[i])) {
			tried++;
			end = phyr_bits_size(root_now().iova_bits - 1);
			upper = 0 - end;
			assert_int_equal(map(end - KIB4, 0x5000, KIB4), PHYR_OK);
			assert_int_equal(map(end, 0x6000, KIB4), PHYR_E_RANGE);
			assert_int_equal(map(upper, 0x6000, KIB4), PHYR_OK);
			assert_int_equal(fault_at(end - 1), PHYRSIM_FAULT_NONE);
			assert_int_equal(fault_at(upper), PHYRSIM_FAULT_NONE);
			assert_int_equal(fault_at(end), PHYRSIM_FAULT_WIDTH);
			assert_int_equal(fault_at(upper - 1), PHYRSIM_FAULT_WIDTH);
			assert_int_equal(find(upper).pa, 0x6000);
			assert_int_equal(unmap(end, KIB4), PHYR_E_RANGE);
			assert_int_equal(unmap(upper, KIB4), PHYR_OK);
			assert_int_equal(unmap(end - KIB4, KIB4), PHYR_OK);
		}
		close_config();
	}
	assert_int_equal(tried, 5);
}

/* Linux checks the first byte alone, and the second page then leads to physical address 0. */
static void linux_the_last_byte_is_within_the_output_width(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t base, end;

		open_config(&configs[i]);
		base = w.caps.iova.first.addr;
		end = w.caps.pa_last.addr + 1;
		for (uint64_t cnt = 1; cnt <= 1024; cnt *= 2) {
			uint64_t pa = end - cnt * granule();

			assert_int_equal(map(base, pa, (cnt + 1) * granule()), PHYR_E_RANGE);
			assert_int_equal(map(base, pa, 2 * cnt * granule()), PHYR_E_RANGE);
			assert_int_equal(leaf_cnt(), 0);
			assert_int_equal(map(base, pa, cnt * granule()), PHYR_OK);
			assert_int_equal(find(base + cnt * granule() - 1).pa, end - 1);
			assert_int_equal(unmap(base, cnt * granule()), PHYR_OK);
		}
		close_config();
	}
}

/* Linux recurses on what is left of a length that is no multiple of a page. */
static void linux_a_length_is_a_multiple_of_the_granule(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyr_iova_range range;

		open_config(&configs[i]);
		range.iova = w.caps.iova.first;
		assert_int_equal(map(range.iova.addr, 0, 64 * granule()), PHYR_OK);
		for (uint64_t bit = 1; bit < granule(); bit *= 2) {
			range.len = 64 * granule() - bit;
			assert_int_equal(map(range.iova.addr + 64 * granule(), 0, range.len),
					 PHYR_E_ALIGN);
			assert_int_equal(map(range.iova.addr + 64 * granule(), 0, bit),
					 PHYR_E_ALIGN);
			assert_int_equal(unmap(range.iova.addr, range.len), PHYR_E_ALIGN);
			assert_int_equal(phyrsim_pagetable_unmap_sparse(w.table, range, &w.gather),
					 PHYR_E_ALIGN);
			assert_int_equal(
				phyrsim_pagetable_protect(w.table, range, RO, 0, &w.gather),
				PHYR_E_ALIGN);
		}
		assert_int_equal(find(range.iova.addr + 64 * granule() - 1).pa, 64 * granule() - 1);
		assert_int_equal(fault_at(range.iova.addr + 64 * granule()),
				 PHYRSIM_FAULT_NOT_PRESENT);
		close_config();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(b9_an_overlapping_region_is_refused_and_what_was_there_stays),
		cmocka_unit_test(b9_of_runs_that_fail_none_is_left),
		cmocka_unit_test(b11_20_leaves_go_with_their_own_two_tables),
		cmocka_unit_test(b12_addresses_out_of_phase_are_32_pages),
		cmocka_unit_test(b16_without_page_sizes_there_is_an_error_and_no_table),
		cmocka_unit_test(b17_addresses_are_sign_extended_at_the_top_bit),
		cmocka_unit_test(linux_the_last_byte_is_within_the_output_width),
		cmocka_unit_test(linux_a_length_is_a_multiple_of_the_granule),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
