/* SPDX-License-Identifier: MIT */
/*
 * The walker on Arm stage-1 tables, and what both stages share: granules, wide addresses, blocks,
 * contiguous groups.
 */
#include "walker_world.h"

#define S1 PHYRSIM_FORMAT_ARM_S1
#define S2 PHYRSIM_FORMAT_ARM_S2
#define WIDE PHYRSIM_FEATURE_WIDE
#define CONTIGUOUS PHYRSIM_FEATURE_CONTIGUOUS

static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, arm_root(S1, 12, 48, 4, 0), UINT64_C(0x008080808abc));
	*entry(*state, 0) = 0x12345f47;
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

static void four_kib_granules_translate_as_the_worked_entries_say(void **state)
{
	struct world *w = *state;

	expect_leaf(w, 0, 0x12345f47, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, 0);
	expect_leaf(w, 0, 0x12345e43, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_UNCACHED);
	*entry(w, 0) = 0x12345fc7;
	expect_leaf(w, 0, 0x12345fc7, RO, 0x12345abc);
	expect_leaf(w, 0, UINT64_C(0x0060000012345e4b), RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_MMIO | PHYRSIM_ATTR_NOEXEC);
	expect_leaf(w, 0, UINT64_C(0x0060000012345f47), RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_NOEXEC);
	expect_leaf(w, 0, UINT64_C(0x0008000012345f47), RW, 0x12345abc);
	expect_leaf(w, 1, 0x40200f45, RW, 0x40208abc);
	expect_leaf(w, 2, UINT64_C(0x880000f45), RW, UINT64_C(0x880808abc));
}

/* A leaf of every granule and width: where it leads. */
static void other_granules_translate_as_the_worked_entries_say(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt, features, level;
		uint64_t word, pa;
	} leaves[] = {
		{ 14, 47, 3, 0, 0, 0x12344f47, 0x12344000 },
		{ 14, 47, 3, 0, 1, 0x42000f45, 0x42000000 },
		{ 16, 48, 3, 0, 0, 0x12340f47, 0x12340000 },
		{ 16, 48, 3, 0, 1, 0x60000f45, 0x60000000 },
		{ 16, 52, 3, WIDE, 0, UINT64_C(0x12345678ff47), UINT64_C(0xf123456780000) },
		{ 16, 52, 3, WIDE, 2, UINT64_C(0xcf45), UINT64_C(0xc000000000000) },
		{ 12, 52, 5, WIDE, 0, UINT64_C(0x3123456789f47), UINT64_C(0xf123456789000) },
		{ 12, 52, 5, WIDE, 3, UINT64_C(0x3000000000f45), UINT64_C(0xf000000000000) },
		{ 14, 52, 4, WIDE, 2, UINT64_C(0x3001000000f45), UINT64_C(0xf001000000000) },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(leaves); i++) {
		open_world(&w,
			   arm_root(S1, leaves[i].granule_lg2, leaves[i].bits, leaves[i].level_cnt,
				    leaves[i].features),
			   0xabc);
		expect_leaf(&w, leaves[i].level, leaves[i].word, RW, leaves[i].pa + 0xabc);
		close_world(&w);
	}
}

/* Of three kinds of root, the levels that have blocks. */
static void blocks_are_only_where_granule_and_width_have_them(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt, features, blocks; /* bit = level */
	} roots[] = {
		{ 12, 48, 4, 0, 6 },	{ 12, 52, 5, WIDE, 14 }, { 14, 47, 3, 0, 2 },
		{ 14, 52, 4, WIDE, 6 }, { 16, 48, 3, 0, 2 },	 { 16, 52, 3, WIDE, 6 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(roots) * 2; i++) {
		open_world(&w,
			   arm_root(i % 2 ? S2 : S1, roots[i / 2].granule_lg2, roots[i / 2].bits,
				    roots[i / 2].level_cnt, roots[i / 2].features),
			   0xabc);
		for (unsigned int level = 0; level < roots[i / 2].level_cnt; level++) {
			uint64_t good = *entry(&w, level);

			*entry(&w, level) = 0x4c5 | BIT(47);
			if ((roots[i / 2].blocks >> level & 1) != 0)
				expect_pa(&w, RO, BIT(47) + 0xabc);
			else
				expect_fault(&w, RO, PHYRSIM_FAULT_RESERVED, level);
			*entry(&w, level) = good;
		}
		close_world(&w);
	}
}

static void res0_bits_of_an_address_are_reserved(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt, features;
		uint64_t reserved;
	} roots[] = {
		{ 12, 48, 4, 0, BITS(49, 48) },
		{ 14, 47, 3, 0, BITS(49, 48) | BITS(13, 12) },
		{ 16, 48, 3, 0, BITS(49, 48) | BITS(15, 12) },
		{ 12, 52, 5, WIDE, 0 },
		{ 14, 52, 4, WIDE, BITS(13, 12) },
		{ 16, 52, 3, WIDE, BITS(49, 48) },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(roots); i++) {
		open_world(&w,
			   arm_root(S1, roots[i].granule_lg2, roots[i].bits, roots[i].level_cnt,
				    roots[i].features),
			   0xabc);
		*entry(&w, 0) = 0x12340c47;
		expect_each_bit(&w, 0, roots[i].reserved, PHYRSIM_FAULT_RESERVED);
		for (unsigned int level = 1; level < roots[i].level_cnt; level++)
			expect_each_bit(&w, level, roots[i].reserved | BIT(50),
					PHYRSIM_FAULT_RESERVED);
		close_world(&w);
	}
}

static void a_block_is_aligned_and_an_address_within_the_width(void **state)
{
	struct world *w = *state;

	*entry(w, 1) = 0x40200f45;
	expect_each_bit(w, 1, BITS(20, 12), PHYRSIM_FAULT_ALIGN);
	*entry(w, 2) = UINT64_C(0x880000f45);
	expect_each_bit(w, 2, BITS(29, 12), PHYRSIM_FAULT_ALIGN);
	w->root.pa_bits = 46;
	expect_each_bit(w, 2, BITS(47, 46), PHYRSIM_FAULT_SIZE);
}

static void a_root_is_the_lower_or_the_upper_half(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, arm_root(S1, 12, 39, 3, PHYRSIM_FEATURE_UPPER), ~UINT64_C(0x7fff000543));
	expect_leaf(&w, 0, 0x12345f47, RW, 0x12345abc);
	w.iova &= BIT(39) - 1;
	expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, 2);
	w.root.features = 0;
	expect_pa(&w, RO, 0x12345abc);
	w.iova = ~UINT64_C(0x7fff000543);
	expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, 2);
	close_world(&w);
}

static void ap_decides_for_users_and_the_privileged(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x12345f07; /* AP = 00 */
	expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	w->flags = PHYRSIM_WALK_PRIVILEGED;
	expect_pa(w, RW, 0x12345abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_PRIVILEGED);
	*entry(w, 0) = 0x12345f87; /* AP = 10 */
	expect_pa(w, RO, 0x12345abc);
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	w->flags = 0;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	*entry(w, 0) = 0x12345fc7; /* AP = 11 */
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
}

static void xn_decides_for_users_and_the_privileged(void **state)
{
	struct world *w = *state;
	const unsigned int user = PHYRSIM_WALK_EXECUTE, other = user | PHYRSIM_WALK_PRIVILEGED;

	for (unsigned int xn = 0; xn < 4; xn++) {
		*entry(w, 0) = 0x12345fc7 | (uint64_t)xn << 53;
		w->flags = user;
		assert_int_equal(walk_at(w, w->iova, RO), xn & 2 ? PHYR_E_FAULT : PHYR_OK);
		w->flags = other;
		assert_int_equal(walk_at(w, w->iova, RO), xn & 1 ? PHYR_E_FAULT : PHYR_OK);
	}
	/* What users may write, the privileged never execute. */
	*entry(w, 0) = 0x12345f47;
	expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	w->flags = user;
	expect_pa(w, RO, 0x12345abc);
}

static void pointers_take_rights_away(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 1; level < 4; level++) {
		uint64_t good = *entry(w, level);

		*entry(w, level) = good | BIT(61);
		w->flags = 0;
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
		w->flags = PHYRSIM_WALK_PRIVILEGED;
		expect_pa(w, RW, 0x12345abc);
		*entry(w, level) = good | BIT(62);
		expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
		expect_pa(w, RO, 0x12345abc);
		*entry(w, level) = good | BIT(60);
		w->flags = PHYRSIM_WALK_EXECUTE;
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
		*entry(w, level) = good | BIT(59);
		expect_pa(w, RO, 0x12345abc);
		*entry(w, level) = good;
	}
}

static void the_access_flag_is_wanted_or_set(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x12345b47;
	expect_fault(w, RO, PHYRSIM_FAULT_ACCESSED, 0);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_int_equal(*entry(w, 0), 0x12345f47);
	expect_pa(w, RW, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 0);
}

static void a_clean_leaf_becomes_writable_where_dirty_is_managed(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = UINT64_C(0x0008000012345fc7);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	w->root.features = PHYRSIM_FEATURE_DIRTY;
	expect_pa(w, RO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 0);
	assert_int_equal(w->walk.perm, RW);
	assert_false(w->walk.dirty);
	expect_pa(w, WO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), UINT64_C(0x0008000012345f47));
	*entry(w, 0) = UINT64_C(0x0008000012345fc7);
	w->flags = 0;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	w->flags = PHYRSIM_WALK_PEEK;
	expect_pa(w, WO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 0);
	assert_false(w->walk.dirty);
	assert_int_equal(*entry(w, 0), UINT64_C(0x0008000012345fc7));
}

/* Items of a contiguous group, each with its own address. */
static void fill_group(struct world *w, unsigned int level, uint64_t word, uint64_t cnt)
{
	for (uint64_t i = 0; i < cnt; i++)
		entry(w, level)[i] = word + (i << item_lg2(&w->root, level));
}

static void contiguous_groups_are_as_large_as_the_granule_says(void **state)
{
	static const struct {
		unsigned int granule_lg2, bits, level_cnt, level;
		uint64_t first, last;
		unsigned int lg2;
	} groups[] = {
		{ 12, 48, 4, 0, 0x40210f47, 0x4021ff47, 16 },
		{ 12, 48, 4, 1, 0x42000f45, 0x43e00f45, 25 },
		{ 12, 48, 4, 2, UINT64_C(0x800000f45), UINT64_C(0xbc0000f45), 34 },
		{ 14, 47, 3, 0, 0x40200f47, 0x403fcf47, 21 },
		{ 14, 47, 3, 1, 0x40000f45, 0x7e000f45, 30 },
		{ 16, 48, 3, 0, 0x40200f47, 0x403f0f47, 21 },
		{ 16, 48, 3, 1, UINT64_C(0x400000f45), UINT64_C(0x7e0000f45), 34 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < CNT(groups); i++) {
		unsigned int item =
			groups[i].granule_lg2 + (groups[i].granule_lg2 - 3) * groups[i].level;

		open_world(&w,
			   arm_root(S1, groups[i].granule_lg2, groups[i].bits, groups[i].level_cnt,
				    CONTIGUOUS),
			   0);
		fill_group(&w, groups[i].level, groups[i].first | BIT(52),
			   BIT(groups[i].lg2 - item));
		w.iova = BIT(groups[i].lg2) - 1;
		assert_int_equal(*entry(&w, groups[i].level), groups[i].last | BIT(52));
		w.flags = PHYRSIM_WALK_AUDIT;
		expect_pa(&w, RW, (groups[i].first & ~UINT64_C(0xfff)) + w.iova);
		assert_int_equal(w.walk.leaf_lg2, groups[i].lg2);
		w.root.features = 0;
		expect_pa(&w, RW, (groups[i].first & ~UINT64_C(0xfff)) + w.iova);
		assert_int_equal(w.walk.leaf_lg2, item);
		close_world(&w);
	}
}

static void an_audit_finds_items_of_a_group_that_differ(void **state)
{
	struct world *w = *state;
	uint64_t differ = BITS(54, 50) | BITS(47, 12) | BITS(9, 0) | BIT(11);

	w->iova = 0xabc;
	w->root.features = CONTIGUOUS;
	make_chain(w);
	for (; differ != 0; differ &= differ - 1) {
		fill_group(w, 0, UINT64_C(0x0010000040210f47), 16);
		entry(w, 0)[5] ^= differ & (~differ + 1);
		w->flags = 0;
		expect_pa(w, RW, 0x40210abc);
		w->flags = PHYRSIM_WALK_AUDIT;
		expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
	}
	fill_group(w, 0, UINT64_C(0x0010000040210f47), 16);
	entry(w, 0)[5] ^= BITS(63, 55) | BIT(10);
	expect_pa(w, RW, 0x40210abc);
	/* The whole group lies at no multiple of its size. */
	fill_group(w, 0, UINT64_C(0x0010000040211f47), 16);
	expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
}

static void a_group_that_is_larger_than_its_table_is_no_group(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, arm_root(S1, 12, 32, 3, CONTIGUOUS), 0xabc);
	expect_leaf(&w, 2, UINT64_C(0x0010000880000f45), RW, UINT64_C(0x880000abc));
	w.flags = PHYRSIM_WALK_AUDIT;
	expect_fault(&w, RW, PHYRSIM_FAULT_GROUP, 2);
	close_world(&w);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(four_kib_granules_translate_as_the_worked_entries_say),
		cmocka_unit_test(other_granules_translate_as_the_worked_entries_say),
		cmocka_unit_test(blocks_are_only_where_granule_and_width_have_them),
		cmocka_unit_test(res0_bits_of_an_address_are_reserved),
		CASE(a_block_is_aligned_and_an_address_within_the_width),
		cmocka_unit_test(a_root_is_the_lower_or_the_upper_half),
		CASE(ap_decides_for_users_and_the_privileged),
		CASE(xn_decides_for_users_and_the_privileged),
		CASE(pointers_take_rights_away),
		CASE(the_access_flag_is_wanted_or_set),
		CASE(a_clean_leaf_becomes_writable_where_dirty_is_managed),
		cmocka_unit_test(contiguous_groups_are_as_large_as_the_granule_says),
		CASE(an_audit_finds_items_of_a_group_that_differ),
		cmocka_unit_test(a_group_that_is_larger_than_its_table_is_no_group),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
