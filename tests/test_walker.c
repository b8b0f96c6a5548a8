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
	access.flags = PHYRSIM_WALK_PEEK << 1;
	assert_int_equal(phyrsim_walk(w.mem, &w.root, &access, &walk), PHYR_E_INVAL);
	access.flags = PHYRSIM_WALK_UPDATE | PHYRSIM_WALK_PEEK;
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

static struct phyrsim_path path_at(struct world *w, uint64_t iova)
{
	struct phyrsim_path path;
	int err = phyrsim_walk_path(w->mem, &w->root, phyr_iova_at(iova), &path);

	assert_int_equal(err, path.fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT);
	return path;
}

/* The pointers of the chain down to a level, and the last item read, which is of that level. */
static void expect_way(const struct world *w, const struct phyrsim_path *path, unsigned int level)
{
	uint64_t len = BIT(item_lg2(&w->root, level));

	assert_int_equal(path->pointer_cnt, w->root.level_cnt - 1 - level);
	for (unsigned int i = 0; i < path->pointer_cnt; i++) {
		const struct phyrsim_pointer *at = &path->pointers[i];

		assert_int_equal(at->level, w->root.level_cnt - 2 - i);
		assert_int_equal(at->lg2, item_lg2(&w->root, at->level + 1));
		assert_int_equal(at->first.addr, w->iova & ~(BIT(at->lg2) - 1));
		assert_int_equal(at->table.addr, w->tables[at->level]);
	}
	assert_int_equal(path->level, level);
	assert_int_equal(path->first.addr, w->iova & ~(len - 1));
	assert_int_equal(path->last.addr, w->iova | (len - 1));
}

static void the_way_of_an_address_is_every_pointer_and_the_leaf(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		struct phyrsim_path path;

		open_world(&w, roots[i], IOVA % (roots[i].level_cnt == 1 ? BIT(21) : BIT(40)));
		*entry(&w, 0) = leaf(roots[i].format);
		path = path_at(&w, w.iova);
		assert_int_equal(path.fault, PHYRSIM_FAULT_NONE);
		expect_way(&w, &path, 0);
		assert_int_equal(path.pa.addr, 0x12340000);
		assert_int_equal(path.leaf_lg2, roots[i].granule_lg2);
		assert_int_equal(path.perm, RW);
		close_world(&w);
	}
}

static void a_way_without_a_leaf_ends_where_nothing_is_present(void **state)
{
	struct phyrsim_root roots[64];
	size_t cnt = all_roots(roots);
	struct world w;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		open_world(&w, roots[i], IOVA % (roots[i].level_cnt == 1 ? BIT(21) : BIT(40)));
		for (unsigned int level = 0; level < roots[i].level_cnt; level++) {
			struct phyrsim_path path;

			*entry(&w, level) = 0;
			path = path_at(&w, w.iova);
			assert_int_equal(path.fault, PHYRSIM_FAULT_NOT_PRESENT);
			expect_way(&w, &path, level);
		}
		close_world(&w);
	}
}

static void addresses_that_tables_do_not_know_are_told_at_once(void **state)
{
	static const struct {
		enum phyrsim_format format;
		unsigned int features;
		uint64_t iova, last;
	} rows[] = {
		{ PHYRSIM_FORMAT_VTD_SS, 0, BIT(48), UINT64_MAX },
		{ PHYRSIM_FORMAT_X86_FS, 0, BIT(47), 0 - BIT(47) - 1 },
		{ PHYRSIM_FORMAT_X86_FS, PHYRSIM_FEATURE_UNSIGNED, BIT(47), UINT64_MAX },
		{ PHYRSIM_FORMAT_RISCV_S1, 0, BIT(48), 0 - BIT(47) - 1 },
		{ PHYRSIM_FORMAT_ARM_S1, PHYRSIM_FEATURE_UPPER, 0, 0 - BIT(48) - 1 },
		{ PHYRSIM_FORMAT_ARM_S2, 0, 0 - BIT(12), UINT64_MAX },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		struct phyrsim_root root = root_of(rows[i].format, 4, rows[i].features);
		struct phyrsim_path path;

		if (root.format == PHYRSIM_FORMAT_ARM_S1 || root.format == PHYRSIM_FORMAT_ARM_S2)
			root = arm_root(root.format, 12, 48, 4, rows[i].features);
		open_world(&w, root, 0);
		path = path_at(&w, rows[i].iova);
		assert_int_equal(path.fault, PHYRSIM_FAULT_WIDTH);
		assert_int_equal(path.pointer_cnt, 0);
		assert_int_equal(path.last.addr, rows[i].last);
		close_world(&w);
	}
}

/* Item 5 of 16 leads to its own part of the memory: written there, or by its address. */
static void a_way_tells_where_the_item_leads_and_how_large_the_leaf_is(void **state)
{
	static const struct {
		enum phyrsim_format format;
		uint64_t word;
	} rows[] = {
		{ PHYRSIM_FORMAT_ARM_S1, BIT(52) | 0x12345c47 },
		{ PHYRSIM_FORMAT_ARM_S2, BIT(52) | 0x123454ff },
		{ PHYRSIM_FORMAT_AMD_V1, UINT64_C(0x7000000012347e01) },
		{ PHYRSIM_FORMAT_RISCV_S1, BIT(63) | 0x48d20d7 },
		{ PHYRSIM_FORMAT_RISCV_S2, BIT(63) | 0x48d20d7 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		struct phyrsim_root root = root_of(rows[i].format, 4, PHYRSIM_FEATURE_CONTIGUOUS);
		struct phyrsim_path path;

		if (root.format == PHYRSIM_FORMAT_AMD_V1)
			root.features = 0;
		if (root.format == PHYRSIM_FORMAT_ARM_S1 || root.format == PHYRSIM_FORMAT_ARM_S2)
			root = arm_root(root.format, 12, 48, 4, root.features);
		open_world(&w, root, 0x5abc);
		*entry(&w, 0) = rows[i].word;
		path = path_at(&w, w.iova);
		assert_int_equal(path.fault, PHYRSIM_FAULT_NONE);
		expect_way(&w, &path, 0);
		assert_int_equal(path.pa.addr, 0x12345000);
		assert_int_equal(path.leaf_lg2, 16);
		close_world(&w);
	}
}

/* For the privileged alone; for writes alone; a leaf that no access has marked. */
static void a_way_needs_no_permission_but_accessed_marks(void **state)
{
	struct phyrsim_path path;
	struct world w;

	(void)state;
	open_world(&w, root_of(PHYRSIM_FORMAT_X86_FS, 4, 0), IOVA);
	*entry(&w, 0) = BIT(63) | 0x12340063;
	path = path_at(&w, w.iova);
	assert_int_equal(path.fault, PHYRSIM_FAULT_NONE);
	assert_int_equal(path.perm, 0);
	assert_int_equal(path.privileged, RW);
	assert_int_equal(path.attrs, PHYRSIM_ATTR_NOEXEC | PHYRSIM_ATTR_PRIVILEGED);
	close_world(&w);
	open_world(&w, root_of(PHYRSIM_FORMAT_VTD_SS, 4, 0), IOVA);
	*entry(&w, 0) = 0x12340002;
	assert_int_equal(path_at(&w, w.iova).perm, WO);
	close_world(&w);
	open_world(&w, root_of(PHYRSIM_FORMAT_RISCV_S1, 4, 0), IOVA);
	*entry(&w, 0) = 0x48d0097;
	assert_int_equal(path_at(&w, w.iova).fault, PHYRSIM_FAULT_ACCESSED);
	close_world(&w);
}

static void a_way_needs_a_root_that_can_be_walked(void **state)
{
	struct phyrsim_path path = { .pointer_cnt = 77 };
	phyr_iova zero = phyr_iova_at(0);
	struct world w;

	(void)state;
	open_world(&w, root_of(PHYRSIM_FORMAT_VTD_SS, 4, 0), 0);
	assert_int_equal(phyrsim_walk_path(NULL, &w.root, zero, &path), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_path(w.mem, NULL, zero, &path), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_path(w.mem, &w.root, zero, NULL), PHYR_E_INVAL);
	w.root.level_cnt = 9;
	assert_int_equal(phyrsim_walk_path(w.mem, &w.root, zero, &path), PHYR_E_INVAL);
	assert_int_equal(path.pointer_cnt, 77);
	close_world(&w);
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
		cmocka_unit_test(the_way_of_an_address_is_every_pointer_and_the_leaf),
		cmocka_unit_test(a_way_without_a_leaf_ends_where_nothing_is_present),
		cmocka_unit_test(addresses_that_tables_do_not_know_are_told_at_once),
		cmocka_unit_test(a_way_tells_where_the_item_leads_and_how_large_the_leaf_is),
		cmocka_unit_test(a_way_needs_no_permission_but_accessed_marks),
		cmocka_unit_test(a_way_needs_a_root_that_can_be_walked),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
