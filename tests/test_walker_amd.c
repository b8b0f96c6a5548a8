/* SPDX-License-Identifier: MIT */
/*
 * The walker on AMD host tables: worked entries, sizes that the address tells, pointers that skip
 * levels, permissions along the path, groups of equal items.
 */
#include "walker_world.h"

/* Its indices are 1, 1, 2, 4, 8, 16 from the top of six levels down. */
#define IOVA UINT64_C(0x0201010101010abc)

static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, root_of(PHYRSIM_FORMAT_AMD_V1, 6, 0), IOVA);
	*entry(*state, 0) = UINT64_C(0x7000000012345001);
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

/* One value in all items of the group that holds the address. */
static void fill_group(struct world *w, unsigned int level, uint64_t word, unsigned int lg2)
{
	uint64_t cnt = BIT(lg2 - item_lg2(&w->root, level));
	uint64_t *item = entry(w, level);

	item -= (w->iova >> item_lg2(&w->root, level)) % cnt;
	for (uint64_t i = 0; i < cnt; i++)
		item[i] = word;
}

static void expect_size(struct world *w, unsigned int level, uint64_t word, unsigned int lg2,
			uint64_t pa)
{
	uint64_t good = *entry(w, level);

	fill_group(w, level, word, lg2);
	for (w->flags = 0; w->flags <= PHYRSIM_WALK_AUDIT; w->flags++) {
		expect_pa(w, RW, pa | (w->iova & (BIT(lg2) - 1)));
		assert_int_equal(w->walk.leaf_lg2, lg2);
		assert_int_equal(w->walk.read_cnt, 6 - level);
	}
	w->flags = 0;
	fill_group(w, level, 0, lg2);
	*entry(w, level) = good;
}

static void a_four_kib_leaf_translates_as_the_worked_entries_say(void **state)
{
	expect_leaf(*state, 0, UINT64_C(0x7000000012345001), RW, 0x12345abc);
	expect_leaf(*state, 0, UINT64_C(0x3000000012345001), RO, 0x12345abc);
	expect_leaf(*state, 0, UINT64_C(0x5000000012345001), WO, 0x12345abc);
	expect_leaf(*state, 0, UINT64_C(0x6000000012345001), RW, 0x12345abc);
}

static void worked_entries_tell_their_size(void **state)
{
	static const struct {
		unsigned int level, lg2;
		uint64_t word, pa;
	} leaves[] = {
		{ 0, 13, UINT64_C(0x7000000880000e01), UINT64_C(0x880000000) },
		{ 0, 14, UINT64_C(0x7000000880001e01), UINT64_C(0x880000000) },
		{ 0, 15, UINT64_C(0x7000000880003e01), UINT64_C(0x880000000) },
		{ 0, 16, UINT64_C(0x7000000880007e01), UINT64_C(0x880000000) },
		{ 0, 17, UINT64_C(0x700000088000fe01), UINT64_C(0x880000000) },
		{ 0, 18, UINT64_C(0x700000088001fe01), UINT64_C(0x880000000) },
		{ 0, 19, UINT64_C(0x700000088003fe01), UINT64_C(0x880000000) },
		{ 0, 20, UINT64_C(0x700000088007fe01), UINT64_C(0x880000000) },
		{ 1, 21, UINT64_C(0x7000000880000001), UINT64_C(0x880000000) },
		{ 1, 22, UINT64_C(0x70000008801ffe01), UINT64_C(0x880000000) },
		{ 1, 23, UINT64_C(0x70000008803ffe01), UINT64_C(0x880000000) },
		{ 1, 29, UINT64_C(0x700000088ffffe01), UINT64_C(0x880000000) },
		{ 2, 30, UINT64_C(0x7000008000000001), BIT(39) },
		{ 2, 38, UINT64_C(0x7000009ffffffe01), BIT(39) },
		{ 3, 39, UINT64_C(0x7000008000000001), BIT(39) },
		{ 3, 40, UINT64_C(0x7000017ffffffe01), BIT(40) },
		{ 4, 48, UINT64_C(0x7001000000000001), BIT(48) },
		{ 4, 51, UINT64_C(0x700bfffffffffe01), BIT(51) },
	};

	for (size_t i = 0; i < CNT(leaves); i++)
		expect_size(*state, leaves[i].level, leaves[i].word, leaves[i].lg2, leaves[i].pa);
}

/* Sizes of a level lie above its item and below the next level's. */
static void a_size_that_is_not_of_the_level_is_reserved(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		for (unsigned int lg2 = 13; lg2 <= 52; lg2++) {
			unsigned int item = 12 + 9 * level;
			uint64_t ones = BIT(lg2 - 1) - 4096;

			if (lg2 > item && lg2 < item + 9 && lg2 < 52)
				continue;
			*entry(w, level) = UINT64_C(0x7000000000000e01) | ones;
			expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, level);
		}
		*entry(w, level) = UINT64_C(0x7000000000000e01) | BITS(51, 12);
		expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, level);
		if (level > 0)
			*entry(w, level) = pointer(w->root.format, w->tables[level - 1], level);
	}
}

static void the_top_of_six_levels_has_no_leaves(void **state)
{
	struct world *w = *state;

	*entry(w, 5) = UINT64_C(0x7000000000000001);
	expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 5);
	*entry(w, 5) = UINT64_C(0x700ffffffffffe01);
	expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 5);
}

static void a_pointer_may_skip_levels_whose_index_is_zero(void **state)
{
	struct world *w = *state;

	for (unsigned int below = 0; below < 4; below++) {
		for (unsigned int level = below + 2; level < 6; level++) {
			uint64_t *item = entry(w, level), good = *item;
			uint64_t skipped = BITS(11 + 9 * level, 21 + 9 * below), iova = w->iova;

			*item = pointer(w->root.format, w->tables[below], below + 1);
			expect_fault(w, RO, PHYRSIM_FAULT_WIDTH, level);
			w->iova &= ~skipped;
			expect_pa(w, RO, 0x12345abc);
			assert_int_equal(w->walk.read_cnt, 6 - level + below + 1);
			w->iova = iova;
			*item = good;
		}
	}
}

static void a_pointer_to_its_own_level_or_above_faults(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 6; level++) {
		uint64_t good = *entry(w, level);

		for (unsigned int next = level + 1; next < 7; next++) {
			*entry(w, level) = pointer(w->root.format, w->tables[0], next);
			expect_fault(w, RO, PHYRSIM_FAULT_LEVEL, level);
		}
		*entry(w, level) = good;
	}
}

static void each_reserved_bit_faults(void **state)
{
	for (unsigned int level = 0; level < 6; level++)
		expect_each_bit(*state, level, BITS(58, 52), PHYRSIM_FAULT_RESERVED);
}

static void a_leaf_that_is_not_aligned_to_its_size_faults(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 1; level < 5; level++) {
		*entry(w, level) = UINT64_C(0x7001000000000001);
		expect_each_bit(w, level, BITS(11 + 9 * level, 12), PHYRSIM_FAULT_ALIGN);
		*entry(w, level) = pointer(w->root.format, w->tables[level - 1], level);
	}
}

static void an_address_beyond_the_width_faults(void **state)
{
	struct world *w = *state;

	w->root.pa_bits = 47;
	for (unsigned int level = 0; level < 6; level++)
		expect_each_bit(w, level, BITS(51, 47), PHYRSIM_FAULT_SIZE);
}

static void permissions_are_anded_down_the_path(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 6; level++) {
		*entry(w, level) ^= BIT(62);
		expect_pa(w, RO, 0x12345abc);
		assert_int_equal(w->walk.perm, RO);
		expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
		*entry(w, level) ^= BITS(62, 61);
		expect_pa(w, WO, 0x12345abc);
		expect_fault(w, RO, PHYRSIM_FAULT_READ, 0);
		*entry(w, level) ^= BIT(61);
	}
	expect_pa(w, RW, 0x12345abc);
}

static void an_audit_finds_items_of_a_group_that_differ(void **state)
{
	struct world *w = *state;
	uint64_t word = UINT64_C(0x7000000880007e01);
	uint64_t *item = entry(w, 0);

	for (uint64_t bits = BITS(62, 52) | BITS(51, 9) | 1; bits != 0; bits &= bits - 1) {
		uint64_t bit = bits & (~bits + 1);

		fill_group(w, 0, word, 16);
		item[1] ^= bit;
		w->flags = 0;
		expect_pa(w, RW, UINT64_C(0x880000abc));
		w->flags = PHYRSIM_WALK_AUDIT;
		expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
	}
	fill_group(w, 0, word, 16);
	item[1] ^= BITS(8, 1) | BIT(63);
	expect_pa(w, RW, UINT64_C(0x880000abc));
	assert_true(w->walk.dirty);
}

static void hardware_marks_the_item_that_it_uses(void **state)
{
	struct world *w = *state;
	uint64_t word = UINT64_C(0x7000000880007e01);

	fill_group(w, 0, word, 16);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, UINT64_C(0x880000abc));
	assert_int_equal(w->walk.update_cnt, 1);
	assert_int_equal(*entry(w, 0), word | BIT(5));
	expect_pa(w, WO, UINT64_C(0x880000abc));
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), word | BITS(6, 5));
	assert_int_equal(entry(w, 0)[1], word);
	expect_pa(w, WO, UINT64_C(0x880000abc));
	assert_int_equal(w->walk.update_cnt, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_four_kib_leaf_translates_as_the_worked_entries_say),
		CASE(worked_entries_tell_their_size),
		CASE(a_size_that_is_not_of_the_level_is_reserved),
		CASE(the_top_of_six_levels_has_no_leaves),
		CASE(a_pointer_may_skip_levels_whose_index_is_zero),
		CASE(a_pointer_to_its_own_level_or_above_faults),
		CASE(each_reserved_bit_faults),
		CASE(a_leaf_that_is_not_aligned_to_its_size_faults),
		CASE(an_address_beyond_the_width_faults),
		CASE(permissions_are_anded_down_the_path),
		CASE(an_audit_finds_items_of_a_group_that_differ),
		CASE(hardware_marks_the_item_that_it_uses),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
