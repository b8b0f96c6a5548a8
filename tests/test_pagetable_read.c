/* SPDX-License-Identifier: MIT */
/*
 * Reading leaves back and changing their permissions: what each call answers. What it does in every
 * configuration is the business of prop_pagetable_formats.c.
 */
#include "pagetable_formats.h"

#define MIB2 UINT64_C(0x200000)
#define END (UINT64_C(1) << 48)

static int setup(void **state)
{
	static const struct config intel = { VTD, 4, 0, 0, 0 };

	(void)state;
	open_config(&intel);
	assert_int_equal(map(MIB2, MIB2, MIB2 + KIB4), PHYR_OK);
	assert_int_equal(map(END - KIB4, 0x5000, KIB4), PHYR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_config();
	return 0;
}

static int protect(uint64_t iova, uint64_t len, unsigned int perm)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_protect(w.table, range, (enum phyr_perm)perm, 0, &w.gather);
}

static int next(uint64_t iova, uint64_t len, struct phyrsim_leaf *ret_leaf)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_next(w.table, range, ret_leaf);
}

static void the_first_leaf_of_a_range_may_begin_before_it(void **state)
{
	struct phyrsim_leaf leaf;

	(void)state;
	assert_int_equal(next(0, END, &leaf), PHYR_OK);
	assert_int_equal(leaf.iova.addr, MIB2);
	assert_int_equal(leaf.lg2, 21);
	assert_int_equal(leaf.entry, 0x200083);
	assert_int_equal(next(2 * MIB2 - 1, 2, &leaf), PHYR_OK);
	assert_int_equal(leaf.iova.addr, MIB2);
	assert_int_equal(next(2 * MIB2, END - 2 * MIB2, &leaf), PHYR_OK);
	assert_int_equal(leaf.lg2, 12);
	assert_int_equal(next(2 * MIB2 + KIB4, END - 2 * MIB2 - KIB4, &leaf), PHYR_OK);
	assert_int_equal(leaf.iova.addr, END - KIB4);
	assert_int_equal(slot(leaf.entry_pa.addr & ~UINT64_C(0xfff), leaf.entry_pa.addr / 8 % 512),
			 leaf.entry);
}

static void what_cannot_be_read_writes_nothing(void **state)
{
	struct phyrsim_leaf leaf = { .lg2 = 7 };
	struct phyr_iova_range page = { { MIB2 }, KIB4 };
	phyr_pa pa = { 7 };

	(void)state;
	assert_int_equal(phyrsim_pagetable_next(NULL, page, &leaf), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_next(w.table, page, NULL), PHYR_E_INVAL);
	assert_int_equal(next(MIB2, 0, &leaf), PHYR_E_INVAL);
	assert_int_equal(next(END, 1, &leaf), PHYR_E_RANGE);
	assert_int_equal(next(END - 1, 2, &leaf), PHYR_E_RANGE);
	assert_int_equal(next(UINT64_MAX, 2, &leaf), PHYR_E_RANGE);
	assert_int_equal(next(0, MIB2, &leaf), PHYR_E_NOENT);
	assert_int_equal(phyrsim_pagetable_translate(NULL, page.iova, &pa, &leaf), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_translate(w.table, page.iova, NULL, &leaf),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(END), &pa, &leaf),
			 PHYR_E_RANGE);
	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(0), &pa, &leaf),
			 PHYR_E_NOENT);
	assert_int_equal(pa.addr, 7);
	assert_int_equal(leaf.lg2, 7);
}

/* Hardware may have marked any item of a leaf: AMD's 1 MiB has 256 of them. */
static void a_leaf_is_dirty_when_one_of_its_items_is(void **state)
{
	static const struct config amd = { AMD, 3, 0, 0, COHERENT };
	struct phyrsim_leaf leaf;

	(void)state;
	close_config();
	open_config(&amd);
	assert_int_equal(map(MIB2, 0, MIB2 / 2), PHYR_OK);
	assert_int_equal(next(MIB2 + 5 * KIB4, 1, &leaf), PHYR_OK);
	assert_false(leaf.dirty);
	phyrsim_mem_frame(w.mem, leaf.entry_pa)[200] |= 1u << 6;
	assert_int_equal(next(MIB2 + 5 * KIB4, 1, &leaf), PHYR_OK);
	assert_true(leaf.dirty);
}

static void permissions_change_and_the_leaf_stays(void **state)
{
	(void)state;
	assert_int_equal(protect(MIB2, MIB2 + KIB4, RO), PHYR_OK);
	assert_int_equal(find(MIB2).item, 0x200081);
	assert_int_equal(find(2 * MIB2).item, 0x400001);
	assert_int_equal(w.gather.first, MIB2);
	assert_int_equal(w.gather.last, 2 * MIB2 + 0xfff);
	assert_int_equal(w.gather.leaves.mask, MIB2 | KIB4);
	assert_false(w.gather.tables_removed);
	assert_int_equal(stats().leaves.cnt[21], 1);
}

static void a_refused_change_of_permissions_changes_nothing(void **state)
{
	struct phyr_iova_range page = { { 2 * MIB2 }, KIB4 };

	(void)state;
	assert_int_equal(phyrsim_pagetable_protect(NULL, page, RO, 0, &w.gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_protect(w.table, page, RO, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_protect(w.table, page, RO, 16, &w.gather), PHYR_E_INVAL);
	assert_int_equal(protect(2 * MIB2, 0, RO), PHYR_E_INVAL);
	assert_int_equal(protect(2 * MIB2, KIB4, 0), PHYR_E_INVAL);
	assert_int_equal(protect(2 * MIB2, KIB4, 4), PHYR_E_INVAL);
	assert_int_equal(protect(2 * MIB2 + 1, KIB4, RO), PHYR_E_ALIGN);
	assert_int_equal(protect(2 * MIB2, KIB4 - 1, RO), PHYR_E_ALIGN);
	assert_int_equal(protect(END - KIB4, 2 * KIB4, RO), PHYR_E_RANGE);
	assert_int_equal(protect(2 * MIB2, 2 * KIB4, RO), PHYR_E_NOENT);
	assert_int_equal(protect(MIB2 + KIB4, MIB2, RO), PHYR_E_PARTIAL);
	assert_int_equal(find(MIB2).item, 0x200083);
	assert_int_equal(find(2 * MIB2).item, 0x400003);
	assert_true(w.gather.empty);
}

static int sparse(uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_unmap_sparse(w.table, range, &w.gather);
}

static void a_sparse_unmap_crosses_holes_and_gathers_what_it_removed(void **state)
{
	(void)state;
	assert_int_equal(sparse(MIB2, 0), PHYR_E_INVAL);
	assert_int_equal(sparse(MIB2 + 1, KIB4), PHYR_E_ALIGN);
	assert_int_equal(sparse(END - KIB4, 2 * KIB4), PHYR_E_RANGE);
	assert_int_equal(sparse(0, MIB2 + KIB4), PHYR_E_PARTIAL);
	assert_int_equal(sparse(MIB2 + KIB4, MIB2), PHYR_E_PARTIAL);
	assert_int_equal(sparse(0, MIB2), PHYR_OK);
	assert_true(w.gather.empty);
	assert_int_equal(sparse(0, END), PHYR_OK);
	assert_int_equal(w.gather.first, MIB2);
	assert_int_equal(w.gather.last, END - 1);
	assert_int_equal(w.gather.unmap_cnt, 1);
	assert_true(w.gather.tables_removed);
	assert_int_equal(stats().table_cnt, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(the_first_leaf_of_a_range_may_begin_before_it),
		CASE(what_cannot_be_read_writes_nothing),
		CASE(a_leaf_is_dirty_when_one_of_its_items_is),
		CASE(permissions_change_and_the_leaf_stays),
		CASE(a_refused_change_of_permissions_changes_nothing),
		CASE(a_sparse_unmap_crosses_holes_and_gathers_what_it_removed),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
