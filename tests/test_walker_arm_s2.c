/* SPDX-License-Identifier: MIT */
/*
 * The walker on Arm stage-2 tables: permissions, memory types, tables side by side at the top.
 *
 * Not here: what stage 1 has as well (test_walker_arm.c).
 */
#include "walker_world.h"

#define S2 PHYRSIM_FORMAT_ARM_S2

static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, arm_root(S2, 12, 40, 3, 0), UINT64_C(0xff80808abc));
	*entry(*state, 0) = 0x123457ff;
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

static void leaves_translate_as_the_worked_entries_say(void **state)
{
	struct world *w = *state;

	expect_leaf(w, 0, 0x123457ff, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, 0);
	expect_leaf(w, 0, 0x1234577f, RO, 0x12345abc);
	expect_leaf(w, 0, 0x123457bf, WO, 0x12345abc);
	expect_leaf(w, 0, 0x123456d7, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_UNCACHED);
	expect_leaf(w, 0, UINT64_C(0x00600000123456c7), RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_MMIO | PHYRSIM_ATTR_NOEXEC);
	expect_leaf(w, 1, 0x402007fd, RW, 0x40208abc);
	expect_leaf(w, 2, UINT64_C(0x8800007fd), RW, UINT64_C(0x880808abc));
}

static void forced_write_back_has_types_of_its_own(void **state)
{
	struct world *w = *state;

	/* MemAttr 0110 is reserved in neither: write-through outside, write-back with S2FWB. */
	w->root.features = PHYRSIM_FEATURE_FWB;
	expect_leaf(w, 0, 0x123457db, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, 0);
	expect_leaf(w, 0, 0x123456d7, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_UNCACHED);
	expect_leaf(w, 0, 0x123456c7, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_MMIO);
	*entry(w, 0) = 0x123457ff;
	expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 0);
}

static void reserved_memory_types_fault(void **state)
{
	struct world *w = *state;

	for (unsigned int type = 0; type < 16; type++) {
		*entry(w, 0) = 0x123457c3 | type << 2;
		w->root.features = 0;
		if (type >= 4 && type % 4 == 0)
			expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 0);
		else
			expect_pa(w, RW, 0x12345abc);
		w->root.features = PHYRSIM_FEATURE_FWB;
		if (type >= 8 || type == 4)
			expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 0);
		else
			expect_pa(w, RW, 0x12345abc);
	}
}

/* The sizes of top tables that Linux makes. */
static void tables_side_by_side_are_one_table(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt;
		uint64_t len;
	} roots[] = {
		{ 12, 40, 3, 8192 },   { 12, 42, 3, 32768 }, { 14, 48, 3, 32768 },
		{ 14, 40, 2, 262144 }, { 16, 48, 3, 512 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(roots); i++) {
		uint64_t iova = BIT(roots[i].bits) - 1;
		unsigned int top = roots[i].level_cnt - 1;

		open_world(&w,
			   arm_root(S2, roots[i].granule_lg2, roots[i].bits, roots[i].level_cnt, 0),
			   iova);
		assert_int_equal(table_len(&w.root, top), roots[i].len);
		assert_ptr_equal(entry(&w, top),
				 word_at(w.mem, w.root.table.addr + roots[i].len - 8));
		expect_leaf(&w, 0, 0x123407ff, RW,
			    0x12340000 + (iova & (BIT(roots[i].granule_lg2) - 1)));
		close_world(&w);
	}
}

static void start_levels_that_cannot_be_told_are_refused(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt, features;
	} roots[] = {
		{ 12, 44, 3, 0 },		      /* 32 tables side by side */
		{ 14, 48, 4, 0 },		      /* level 0 with 16K, no LPA2 */
		{ 12, 48, 5, PHYRSIM_FEATURE_WIDE },  /* nothing left for the top */
		{ 12, 49, 4, 0 },		      /* wider than 48 bits */
		{ 12, 24, 2, 0 },		      /* narrower than 25 */
		{ 16, 48, 4, 0 },		      /* four levels of 64K */
		{ 12, 40, 3, PHYRSIM_FEATURE_UPPER }, /* stage 1 alone has halves */
	};
	struct world *w = *state;

	for (size_t i = 0; i < CNT(roots); i++) {
		w->root = arm_root(S2, roots[i].granule_lg2, roots[i].bits, roots[i].level_cnt,
				   roots[i].features);
		assert_int_equal(walk_at(w, 0, RO), PHYR_E_INVAL);
	}
}

static void bit_54_alone_forbids_execution(void **state)
{
	struct world *w = *state;

	for (unsigned int privileged = 0; privileged < 2; privileged++) {
		w->flags = PHYRSIM_WALK_EXECUTE | (privileged ? PHYRSIM_WALK_PRIVILEGED : 0);
		*entry(w, 0) = 0x123457ff | BIT(53);
		expect_pa(w, RO, 0x12345abc);
		*entry(w, 0) = 0x123457ff | BIT(54);
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	}
}

static void pointers_hold_no_attributes(void **state)
{
	for (unsigned int level = 1; level < 3; level++)
		expect_each_bit(*state, level, BITS(63, 51) | BITS(11, 2), PHYRSIM_FAULT_NONE);
}

static void marks_are_wanted_or_set(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x123453ff;
	expect_fault(w, RO, PHYRSIM_FAULT_ACCESSED, 0);
	*entry(w, 0) = UINT64_C(0x000800001234537f); /* DBM, neither accessed nor dirty */
	w->root.features = PHYRSIM_FEATURE_DIRTY;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, 0x12345abc);
	assert_int_equal(*entry(w, 0), UINT64_C(0x000800001234577f));
	expect_pa(w, WO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), UINT64_C(0x00080000123457ff));
}

static void items_of_a_group_may_differ_in_marks_alone(void **state)
{
	struct world *w = *state;
	uint64_t word = UINT64_C(0x00180000402107ff);

	w->root.features = PHYRSIM_FEATURE_DIRTY | PHYRSIM_FEATURE_CONTIGUOUS;
	w->iova = 0xabc;
	make_chain(w);
	for (uint64_t i = 0; i < 16; i++)
		entry(w, 0)[i] = word + (i << 12);
	w->flags = PHYRSIM_WALK_AUDIT;
	entry(w, 0)[3] ^= BIT(7) | BIT(10);
	expect_pa(w, RW, 0x40210abc);
	assert_int_equal(w->walk.leaf_lg2, 16);
	entry(w, 0)[3] ^= BIT(6);
	expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(leaves_translate_as_the_worked_entries_say),
		CASE(forced_write_back_has_types_of_its_own),
		CASE(reserved_memory_types_fault),
		cmocka_unit_test(tables_side_by_side_are_one_table),
		CASE(start_levels_that_cannot_be_told_are_refused),
		CASE(bit_54_alone_forbids_execution),
		CASE(pointers_hold_no_attributes),
		CASE(marks_are_wanted_or_set),
		CASE(items_of_a_group_may_differ_in_marks_alone),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
