/* SPDX-License-Identifier: MIT */
/*
 * Reading, clearing and setting marks: what each call answers, which bits each format uses, and that
 * the table's own marks are those of the walker, bit for bit.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define U(n) UINT64_C(n)
#define MIB2 U(0x200000)
#define END (U(1) << 48)
#define NO_CLEAR PHYRSIM_DIRTY_NO_CLEAR
#define DBM PHYRSIM_FEATURE_DIRTY

static const struct config intel = { VTD, 4, 0, 0, 0 };

/* Dirty pages of the last range that was read, and room for them. */
static uint64_t bits[32];
static struct phyrsim_dirty_bitmap bitmap;

static int setup(void **state)
{
	(void)state;
	open_config(&intel);
	assert_int_equal(map(MIB2, MIB2, MIB2 + 2 * KIB4), PHYR_OK);
	memset(bits, 0, sizeof(bits));
	bitmap = (struct phyrsim_dirty_bitmap){ bits, 2048, 12 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_config();
	return 0;
}

static int read_dirty(uint64_t iova, uint64_t len, unsigned int flags)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_read_dirty(w.table, range, flags, &bitmap, &w.gather);
}

static int mark(uint64_t iova, bool write)
{
	return phyrsim_pagetable_mark(w.table, phyr_iova_at(iova), write);
}

static void a_refused_read_changes_nothing(void **state)
{
	struct phyr_iova_range range = { { MIB2 }, MIB2 };
	struct phyrsim_dirty_bitmap bad[] = { { NULL, 512, 12 },
					      { bits, 511, 12 },
					      { bits, 1, 64 } };

	(void)state;
	assert_int_equal(mark(MIB2, true), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_read_dirty(NULL, range, 0, &bitmap, &w.gather),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_read_dirty(w.table, range, 0, NULL, &w.gather),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_read_dirty(w.table, range, 0, &bitmap, NULL),
			 PHYR_E_INVAL);
	for (size_t i = 0; i < CNT(bad); i++)
		assert_int_equal(
			phyrsim_pagetable_read_dirty(w.table, range, 0, &bad[i], &w.gather),
			PHYR_E_INVAL);
	assert_int_equal(read_dirty(MIB2, 0, 0), PHYR_E_INVAL);
	assert_int_equal(read_dirty(MIB2, MIB2, 2), PHYR_E_INVAL);
	assert_int_equal(read_dirty(MIB2 + 1, KIB4, 0), PHYR_E_ALIGN);
	assert_int_equal(read_dirty(MIB2, KIB4 - 1, 0), PHYR_E_ALIGN);
	assert_int_equal(read_dirty(END - KIB4, 2 * KIB4, 0), PHYR_E_RANGE);
	assert_int_equal(read_dirty(U(0) - KIB4, 2 * KIB4, 0), PHYR_E_RANGE);
	assert_int_equal(find(MIB2).item, 0x200383);
	assert_int_equal(bits[0], 0);
	assert_true(w.gather.empty);
}

static void arm_has_dirty_marks_with_dbm_alone(void **state)
{
	struct config arm = { ARM2, 0, 12, 48, 0 };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		close_config();
		open_config(&arm);
		assert_int_equal(map(MIB2, 0, KIB4), PHYR_OK);
		assert_int_equal(mark(MIB2, true), PHYR_OK);
		assert_int_equal(read_dirty(MIB2, KIB4, 0), i == 0 ? PHYR_E_UNSUPPORTED : PHYR_OK);
		assert_int_equal(bits[0], i);
		assert_int_equal(w.gather.empty, i == 0);
		arm.features |= DBM;
	}
}

static void a_dirty_leaf_is_all_its_pages_and_bits_are_only_added(void **state)
{
	(void)state;
	bits[0] = 1;
	assert_int_equal(read_dirty(MIB2, MIB2 + 2 * KIB4, 0), PHYR_OK);
	assert_int_equal(bits[0], 1);
	assert_true(w.gather.empty);
	assert_int_equal(mark(2 * MIB2 + 1, true), PHYR_OK);
	assert_int_equal(mark(2 * MIB2 + KIB4, false), PHYR_OK);
	assert_int_equal(read_dirty(2 * MIB2 - KIB4, 3 * KIB4, NO_CLEAR), PHYR_OK);
	assert_int_equal(bits[0], 3);
	assert_true(w.gather.empty);
	assert_int_equal(mark(MIB2 + 7, true), PHYR_OK);
	assert_int_equal(read_dirty(MIB2, MIB2 + 2 * KIB4, 0), PHYR_OK);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(bits[i], UINT64_MAX);
	assert_int_equal(bits[8], 1);
	assert_int_equal(find(MIB2).item, 0x200183);
	assert_int_equal(find(2 * MIB2).item, 0x400103);
}

static void what_was_cleared_is_gathered_with_its_sizes(void **state)
{
	(void)state;
	assert_int_equal(mark(MIB2, true), PHYR_OK);
	assert_int_equal(mark(2 * MIB2, true), PHYR_OK);
	assert_int_equal(read_dirty(0, 4 * MIB2, 0), PHYR_OK);
	assert_int_equal(w.gather.first, MIB2);
	assert_int_equal(w.gather.last, 2 * MIB2 + KIB4 - 1);
	assert_int_equal(w.gather.leaves.mask, MIB2 | KIB4);
	assert_int_equal(w.gather.unmap_cnt, 1);
	assert_false(w.gather.tables_removed);
	phyr_gather_init(&w.gather);
	assert_int_equal(read_dirty(0, 4 * MIB2, 0), PHYR_OK);
	assert_true(w.gather.empty);
}

static void a_leaf_that_reaches_out_is_clipped_and_stays_dirty(void **state)
{
	(void)state;
	assert_int_equal(mark(MIB2, true), PHYR_OK);
	assert_int_equal(read_dirty(2 * MIB2 - 2 * KIB4, 4 * KIB4, 0), PHYR_OK);
	assert_int_equal(bits[0], 3);
	assert_int_equal(read_dirty(0, MIB2 + 2 * KIB4, 0), PHYR_OK);
	assert_int_equal(bits[8], 3);
	assert_int_equal(find(MIB2).item, 0x200383);
	assert_true(w.gather.empty);
	assert_int_equal(read_dirty(MIB2, MIB2, 0), PHYR_OK);
	assert_int_equal(find(MIB2).item, 0x200183);
}

static void pages_may_be_larger_or_smaller_than_leaves(void **state)
{
	(void)state;
	assert_int_equal(mark(2 * MIB2 + KIB4, true), PHYR_OK);
	bitmap.page_lg2 = 21;
	assert_int_equal(read_dirty(MIB2, 2 * MIB2, NO_CLEAR), PHYR_OK);
	assert_int_equal(bits[0], 2);
	bits[0] = 0;
	bitmap.page_lg2 = 10;
	assert_int_equal(read_dirty(2 * MIB2 + KIB4 - 0x400, 4 * 0x400, NO_CLEAR), PHYR_OK);
	assert_int_equal(bits[0], 0xe);
	bits[0] = 0;
	bitmap.page_lg2 = 0;
	assert_int_equal(read_dirty(2 * MIB2 + KIB4 - 3, 5, 0), PHYR_OK);
	assert_int_equal(bits[0], 0x18);
	assert_int_equal(find(2 * MIB2 + KIB4).item, 0x401303);
}

/* A leaf as it is mapped, clean, and after a write. */
struct worked {
	struct config config;
	unsigned int lg2;
	uint64_t mapped, clean, written;
};

static void marks_are_the_bits_of_the_format(void **state)
{
	static const struct worked rows[] = {
		{ { VTD, 4, 0, 0, 0 }, 21, 0x200083, 0x200083, 0x200383 },
		{ { AMD, 3, 0, 0, 0 },
		  12,
		  U(0x6000000000200001),
		  U(0x6000000000200001),
		  U(0x6000000000200061) },
		{ { X86, 4, 0, 0, 0 }, 21, 0x2000e7, 0x2000a7, 0x2000e7 },
		{ { RV1, 3, 0, 0, 0 }, 21, 0x800df, 0x8005f, 0x800df },
		{ { ARM1, 0, 12, 48, DBM },
		  12,
		  U(0x0008000000200f47),
		  U(0x0008000000200fc7),
		  U(0x0008000000200f47) },
		{ { ARM2, 0, 12, 48, DBM },
		  21,
		  U(0x00080000002007fd),
		  U(0x000800000020077d),
		  U(0x00080000002007fd) },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		close_config();
		open_config(&rows[i].config);
		assert_int_equal(map(MIB2, MIB2, phyr_bits_size(rows[i].lg2)), PHYR_OK);
		assert_int_equal(find(MIB2).item, rows[i].mapped);
		assert_int_equal(read_dirty(MIB2, MIB2, 0), PHYR_OK);
		assert_int_equal(find(MIB2).item, rows[i].clean);
		assert_int_equal(mark(MIB2 + 5, true), PHYR_OK);
		assert_int_equal(find(MIB2).item, rows[i].written);
	}
}

static void the_item_that_is_used_is_marked_and_every_item_cleaned(void **state)
{
	static const struct config amd = { AMD, 3, 0, 0, 0 };

	(void)state;
	close_config();
	open_config(&amd);
	assert_int_equal(map(0x10000, 0x10000, 0x10000), PHYR_OK);
	assert_int_equal(mark(0x13000, true), PHYR_OK);
	assert_int_equal(mark(0x15000, true), PHYR_OK);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(find(0x10000 + i * KIB4).item & 0x60, i == 3 || i == 5 ? 0x60 : 0);
	assert_int_equal(read_dirty(0x10000, 0x10000, 0), PHYR_OK);
	assert_int_equal(bits[0], 0xffff);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(find(0x10000 + i * KIB4).item & 0x40, 0);
}

static void an_access_that_is_not_allowed_marks_nothing(void **state)
{
	(void)state;
	assert_int_equal(phyrsim_pagetable_mark(NULL, phyr_iova_at(MIB2), true), PHYR_E_INVAL);
	assert_int_equal(mark(END, true), PHYR_E_RANGE);
	assert_int_equal(mark(0, false), PHYR_E_NOENT);
	assert_int_equal(map_attrs(0, 0, KIB4, RO, 0), PHYR_OK);
	assert_int_equal(map_attrs(KIB4, 0, KIB4, WO, 0), PHYR_OK);
	assert_int_equal(mark(0, true), PHYR_E_FAULT);
	assert_int_equal(mark(KIB4, false), PHYR_E_FAULT);
	assert_int_equal(find(0).item, 1);
	assert_int_equal(find(KIB4).item, 2);
}

/* Every word of memory, as one number. */
static uint64_t digest(void)
{
	uint64_t sum = 0;

	for (uint64_t pa = PHYRSIM_MEM_BASE; pa < PHYRSIM_MEM_BASE + 128 * KIB4; pa += KIB4) {
		const uint64_t *words = phyrsim_mem_frame(w.mem, phyr_pa_at(pa));

		for (uint64_t i = 0; words && i < 512; i++)
			sum = (sum ^ words[i]) * UINT64_C(0x100000001b3);
	}
	return sum;
}

static int walk(uint64_t iova, bool write)
{
	struct phyrsim_root root = root_now();
	struct phyrsim_access access = { { iova }, write ? WO : RO, PHYRSIM_WALK_UPDATE };
	struct phyrsim_walk found;

	return phyrsim_walk(w.mem, &root, &access, &found);
}

/* The same table twice; clean, and then read and written at a few places in one of two ways. */
static uint64_t digest_after(const struct config *config, int (*access)(uint64_t iova, bool write))
{
	uint64_t sum, first, len;

	open_config(config);
	len = 40 * granule();
	first = w.caps.iova.first.addr + 32 * granule();
	assert_int_equal(map_attrs(first, 0, len, RO, 0), PHYR_OK);
	assert_int_equal(map(first + len, 0, len), PHYR_OK);
	bitmap.page_lg2 = phyr_sizes_min_lg2(w.caps.sizes);
	(void)read_dirty(first, 2 * len, 0);
	for (uint64_t at = 0; at < len; at += 3 * granule()) {
		assert_int_equal(access(first + at, false), PHYR_OK);
		assert_int_equal(access(first + at, true), PHYR_E_FAULT);
		assert_int_equal(access(first + len + at, at % 2 == 0), PHYR_OK);
	}
	sum = digest();
	close_config();
	return sum;
}

static void marks_are_those_of_the_walker_in_every_configuration(void **state)
{
	(void)state;
	close_config();
	for (size_t i = 0; i < CNT(configs); i++)
		assert_int_equal(digest_after(&configs[i], mark), digest_after(&configs[i], walk));
	open_config(&intel);
}

static void a_change_of_permissions_forgets_what_was_written(void **state)
{
	struct phyr_iova_range range = { { MIB2 }, MIB2 };

	(void)state;
	assert_int_equal(mark(MIB2, true), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_protect(w.table, range, RW, 0, &w.gather), PHYR_OK);
	assert_int_equal(read_dirty(MIB2, MIB2, 0), PHYR_OK);
	assert_int_equal(bits[0], 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_refused_read_changes_nothing),
		CASE(arm_has_dirty_marks_with_dbm_alone),
		CASE(a_dirty_leaf_is_all_its_pages_and_bits_are_only_added),
		CASE(what_was_cleared_is_gathered_with_its_sizes),
		CASE(a_leaf_that_reaches_out_is_clipped_and_stays_dirty),
		CASE(pages_may_be_larger_or_smaller_than_leaves),
		CASE(marks_are_the_bits_of_the_format),
		CASE(the_item_that_is_used_is_marked_and_every_item_cleaned),
		CASE(an_access_that_is_not_allowed_marks_nothing),
		CASE(marks_are_those_of_the_walker_in_every_configuration),
		CASE(a_change_of_permissions_forgets_what_was_written),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
