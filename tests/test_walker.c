/* SPDX-License-Identifier: MIT */
/*
 * The walker, in what is the same for all formats: which roots and accesses it takes, that each
 * level is read once, and that hostile tables end in a fault.
 *
 * Tables are written word by word in all these tests, because tables that the page-table writer
 * made would let both be wrong in the same way.
 */
#include "walker_world.h"

/* Every format with all of its level counts, and for Arm every granule. */
static size_t all_roots(struct phyrsim_root roots[64])
{
	static const struct {
		unsigned int granule_lg2, iova_bits, level_cnt, features;
	} arm[] = {
		{ 12, 48, 4, 0 }, { 12, 39, 3, 0 }, { 12, 25, 2, 0 }, { 12, 52, 5, 4 },
		{ 14, 36, 2, 0 }, { 14, 47, 3, 0 }, { 14, 52, 4, 4 }, { 16, 42, 2, 0 },
		{ 16, 48, 3, 0 }, { 16, 52, 3, 4 },
	};
	static const unsigned int levels[][2] = {
		{ 3, 5 }, { 1, 6 }, { 4, 5 }, { 3, 5 }, { 3, 5 }
	};
	static const enum phyrsim_format formats[] = {
		PHYRSIM_FORMAT_VTD_SS,	 PHYRSIM_FORMAT_AMD_V1,	  PHYRSIM_FORMAT_X86_FS,
		PHYRSIM_FORMAT_RISCV_S1, PHYRSIM_FORMAT_RISCV_S2,
	};
	size_t cnt = 0;

	for (size_t i = 0; i < CNT(formats); i++)
		for (unsigned int n = levels[i][0]; n <= levels[i][1]; n++)
			roots[cnt++] = root_of(formats[i], n, 0);
	for (size_t i = 0; i < CNT(arm); i++) {
		roots[cnt++] = arm_root(PHYRSIM_FORMAT_ARM_S1, arm[i].granule_lg2, arm[i].iova_bits,
					arm[i].level_cnt, arm[i].features);
		roots[cnt] = roots[cnt - 1];
		roots[cnt++].format = PHYRSIM_FORMAT_ARM_S2;
	}
	return cnt;
}

/* A leaf of level 0 at 0x12340000 that may be read and written; no SH, which LPA2 has not. */
static uint64_t leaf(enum phyrsim_format format)
{
	static const uint64_t leaves[PHYRSIM_FORMAT_CNT] = {
		0x12340003, UINT64_C(0x7000000012340001),
		0x12340067, 0x12340c47,
		0x123404ff, 0x48d00d7,
		0x48d00d7,
	};

	return leaves[format];
}

/* An address that all roots reach: its low bits differ in every level. */
#define IOVA UINT64_C(0x1234abc)

static void one_entry_is_read_at_each_level_of_every_root(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		uint64_t offset = IOVA & (BIT(roots[i].granule_lg2) - 1);

		open_world(&w, roots[i], IOVA % (roots[i].level_cnt == 1 ? BIT(21) : BIT(40)));
		expect_leaf(&w, 0, leaf(roots[i].format), RW, 0x12340000 + offset);
		w.flags = PHYRSIM_WALK_AUDIT;
		expect_leaf(&w, 0, leaf(roots[i].format), RW, 0x12340000 + offset);
		close_world(&w);
	}
}

static void an_empty_table_translates_nothing_at_any_level(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		open_world(&w, roots[i], 0);
		for (unsigned int level = 0; level < roots[i].level_cnt; level++) {
			*entry(&w, level) = 0;
			expect_fault(&w, RO, PHYRSIM_FAULT_NOT_PRESENT, level);
			assert_int_equal(w.walk.perm, 0);
			assert_int_equal(w.walk.leaf_lg2, 0);
			assert_int_equal(w.walk.pa.addr, 0);
		}
		close_world(&w);
	}
}

/* Each level in turn points to itself, and then back to the top. */
static void a_loop_at_any_level_ends_the_walk(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		for (unsigned int level = 0; level < roots[i].level_cnt; level++) {
			open_world(&w, roots[i], 0);
			*entry(&w, level) = pointer(roots[i].format, w.tables[level], level);
			if (walk_at(&w, 0, RO) != PHYR_OK)
				assert_int_not_equal(w.walk.fault, PHYRSIM_FAULT_NONE);
			assert_in_range(w.walk.read_cnt, roots[i].level_cnt - level,
					roots[i].level_cnt);
			close_world(&w);
		}
	}
}

static void a_table_where_there_is_no_memory_faults_in_every_format(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		open_world(&w, roots[i], 0);
		for (unsigned int level = 1; level < roots[i].level_cnt; level++) {
			*entry(&w, level) = pointer(roots[i].format, BIT(40), level);
			expect_fault(&w, RO, PHYRSIM_FAULT_MEMORY, level - 1);
			assert_int_equal(w.walk.entry, *entry(&w, level));
		}
		w.root.table = phyr_pa_at(0);
		expect_fault(&w, RO, PHYRSIM_FAULT_MEMORY, roots[i].level_cnt - 1);
		assert_int_equal(w.walk.read_cnt, 0);
		close_world(&w);
	}
}

static void an_address_beyond_the_width_faults_without_a_read(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		if (roots[i].iova_bits == 64)
			continue;
		open_world(&w, roots[i], BIT(roots[i].iova_bits));
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, roots[i].level_cnt - 1);
		assert_int_equal(w.walk.read_cnt, 0);
		close_world(&w);
	}
}

static void expect_refused(struct world *w, struct phyrsim_root root)
{
	struct phyrsim_access access = { phyr_iova_at(0), RO, 0 };
	struct phyrsim_walk was = w->walk;

	assert_int_equal(phyrsim_walk(w->mem, &root, &access, &w->walk), PHYR_E_INVAL);
	assert_memory_equal(&w->walk, &was, sizeof(was));
}

static void a_root_that_hardware_could_not_be_given_is_refused(void **state)
{
	struct phyrsim_root roots[64], root;
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		open_world(&w, roots[i], 0);
		for (unsigned int n = 0; n < 8; n++) {
			root = w.root;
			root.level_cnt = n == roots[i].level_cnt ? 0 : n;
			/* Arm's level counts go with any width that their tables can have. */
			if (roots[i].format < PHYRSIM_FORMAT_ARM_S1 || n == 0 || n > 5)
				expect_refused(&w, root);
		}
		root = w.root;
		root.pa_bits = roots[i].pa_bits + (roots[i].pa_bits == 48 ? 1 : 5);
		expect_refused(&w, root);
		root = w.root;
		root.iova_bits = 65;
		expect_refused(&w, root);
		root = w.root;
		root.granule_lg2 = 13;
		expect_refused(&w, root);
		root = w.root;
		root.features = 1u << 12;
		expect_refused(&w, root);
		root = w.root;
		root.table.addr += 32;
		expect_refused(&w, root);
		root = w.root;
		root.format = PHYRSIM_FORMAT_CNT;
		expect_refused(&w, root);
		close_world(&w);
	}
}

static void wrong_arguments_are_refused_and_the_result_is_not_written(void **state)
{
	struct phyrsim_access access = { phyr_iova_at(0), RO, 0 };
	struct phyrsim_walk walk, was;
	struct world w;

	(void)state;
	open_world(&w, root_of(PHYRSIM_FORMAT_VTD_SS, 4, 0), 0);
	memset(&walk, 0x5a, sizeof(walk));
	was = walk;
	assert_int_equal(phyrsim_walk(NULL, &w.root, &access, &walk), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk(w.mem, NULL, &access, &walk), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk(w.mem, &w.root, NULL, &walk), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, NULL), PHYR_E_INVAL);
	access.perm = (enum phyr_perm)0;
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, &walk), PHYR_E_INVAL);
	access.perm = (enum phyr_perm)5;
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, &walk), PHYR_E_INVAL);
	access.perm = RW;
	access.flags = PHYRSIM_WALK_EXECUTE;
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, &walk), PHYR_E_INVAL);
	access.perm = RO;
	access.flags = PHYRSIM_WALK_EXECUTE << 1;
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, &walk), PHYR_E_INVAL);
	assert_memory_equal(&walk, &was, sizeof(was));
	close_world(&w);
}

static void every_fault_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(phyrsim_fault_name(PHYRSIM_FAULT_NOT_PRESENT), "not present");
	assert_string_equal(phyrsim_fault_name((enum phyrsim_fault)PHYRSIM_FAULT_CNT), "?");
	assert_string_equal(phyrsim_fault_name((enum phyrsim_fault)99), "?");
	for (int a = PHYRSIM_FAULT_NONE; a < PHYRSIM_FAULT_CNT; a++) {
		const char *name = phyrsim_fault_name((enum phyrsim_fault)a);

		assert_string_not_equal(name, "?");
		for (int b = PHYRSIM_FAULT_NONE; b < a; b++)
			assert_string_not_equal(name, phyrsim_fault_name((enum phyrsim_fault)b));
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(one_entry_is_read_at_each_level_of_every_root),
		cmocka_unit_test(an_empty_table_translates_nothing_at_any_level),
		cmocka_unit_test(a_loop_at_any_level_ends_the_walk),
		cmocka_unit_test(a_table_where_there_is_no_memory_faults_in_every_format),
		cmocka_unit_test(an_address_beyond_the_width_faults_without_a_read),
		cmocka_unit_test(a_root_that_hardware_could_not_be_given_is_refused),
		cmocka_unit_test(wrong_arguments_are_refused_and_the_result_is_not_written),
		cmocka_unit_test(every_fault_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
