/* SPDX-License-Identifier: MIT */
/*
 * The walker on x86-64 first-stage tables: worked entries, canonical addresses, privilege and
 * execution, marks.
 */
#include "walker_world.h"

/* Its indices are 1, 2, 4, 8, 16 from the top of five levels down. */
#define IOVA UINT64_C(0x0001010101010abc)

static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, root_of(PHYRSIM_FORMAT_X86_FS, 5, 0), IOVA);
	*entry(*state, 0) = 0x12345067;
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
	expect_leaf(*state, 0, 0x12345067, RW, 0x12345abc);
	expect_leaf(*state, 0, 0x12345025, RO, 0x12345abc);
	expect_leaf(*state, 1, 0x402000e7, RW, 0x40210abc);
	expect_leaf(*state, 2, UINT64_C(0x8800000a5), RO, UINT64_C(0x881010abc));
}

static void addresses_are_canonical(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 4; level_cnt <= 5; level_cnt++) {
		unsigned int bits = 12 + 9 * level_cnt;

		open_world(&w, root_of(PHYRSIM_FORMAT_X86_FS, level_cnt, 0), ~BITS(30, 0));
		expect_leaf(&w, 2, UINT64_C(0x8800000e7), RW,
			    UINT64_C(0x880000000) + (w.iova & BITS(29, 0)));
		w.iova = BIT(bits - 1);
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		w.iova = UINT64_MAX << bits;
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		w.iova = UINT64_MAX << (bits - 1);
		expect_fault(&w, RO, PHYRSIM_FAULT_NOT_PRESENT, level_cnt - 1);
		w.iova = BIT(bits - 1) - 1;
		expect_fault(&w, RO, PHYRSIM_FAULT_NOT_PRESENT, level_cnt - 1);
		close_world(&w);
	}
}

static void unsigned_addresses_have_one_bit_less(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 4; level_cnt <= 5; level_cnt++) {
		unsigned int bits = 11 + 9 * level_cnt;

		open_world(&w, root_of(PHYRSIM_FORMAT_X86_FS, level_cnt, PHYRSIM_FEATURE_UNSIGNED),
			   BIT(bits) - 1);
		expect_leaf(&w, 0, 0x12345067, RW, 0x12345fff);
		w.iova = BIT(bits);
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		w.iova = UINT64_MAX;
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		close_world(&w);
	}
}

static void an_entry_without_present_says_nothing_else(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		uint64_t good = *entry(w, level);

		*entry(w, level) = ~UINT64_C(1);
		expect_fault(w, RO, PHYRSIM_FAULT_NOT_PRESENT, level);
		*entry(w, level) = good;
	}
}

static void there_are_no_leaves_above_one_gib(void **state)
{
	expect_each_bit(*state, 3, BIT(7), PHYRSIM_FAULT_RESERVED);
	expect_each_bit(*state, 4, BIT(7), PHYRSIM_FAULT_RESERVED);
}

static void a_large_leaf_that_is_not_aligned_faults_but_for_its_pat(void **state)
{
	struct world *w = *state;

	*entry(w, 1) = 0x402000e7;
	expect_each_bit(w, 1, BITS(20, 13), PHYRSIM_FAULT_ALIGN);
	*entry(w, 1) |= BIT(12);
	expect_pa(w, RW, 0x40210abc);
	*entry(w, 2) = UINT64_C(0x8800000e7);
	expect_each_bit(w, 2, BITS(29, 13), PHYRSIM_FAULT_ALIGN);
	*entry(w, 2) |= BIT(12);
	expect_pa(w, RW, UINT64_C(0x881010abc));
}

static void an_address_beyond_the_width_faults(void **state)
{
	struct world *w = *state;

	w->root.pa_bits = 46;
	for (unsigned int level = 0; level < 5; level++)
		expect_each_bit(w, level, BITS(51, 46), PHYRSIM_FAULT_SIZE);
}

static void writing_needs_permission_on_the_whole_path(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		*entry(w, level) ^= BIT(1);
		expect_pa(w, RO, 0x12345abc);
		assert_int_equal(w->walk.perm, RO);
		expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
		w->flags = PHYRSIM_WALK_PRIVILEGED;
		expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
		w->flags = 0;
		*entry(w, level) ^= BIT(1);
	}
}

static void a_privileged_entry_anywhere_keeps_users_out(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		*entry(w, level) ^= BIT(2);
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
		assert_int_equal(w->walk.perm, 0);
		w->flags = PHYRSIM_WALK_PRIVILEGED;
		expect_pa(w, RW, 0x12345abc);
		assert_int_equal(w->walk.perm, RW);
		assert_int_equal(w->walk.attrs, level == 0 ? PHYRSIM_ATTR_PRIVILEGED : 0);
		w->flags = 0;
		*entry(w, level) ^= BIT(2);
	}
}

static void execute_disable_anywhere_forbids_fetches(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		w->flags = PHYRSIM_WALK_EXECUTE;
		expect_pa(w, RO, 0x12345abc);
		*entry(w, level) ^= BIT(63);
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
		w->flags |= PHYRSIM_WALK_PRIVILEGED;
		expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
		w->flags = 0;
		expect_pa(w, RW, 0x12345abc);
		assert_int_equal(w->walk.attrs, level == 0 ? PHYRSIM_ATTR_NOEXEC : 0);
		*entry(w, level) ^= BIT(63);
	}
}

static void a_use_marks_the_whole_path_and_a_write_the_leaf(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++)
		*entry(w, level) &= ~BITS(6, 5);
	expect_pa(w, WO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 0);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 5);
	assert_int_equal(*entry(w, 0), 0x12345027);
	assert_int_equal(*entry(w, 1), w->tables[0] | 0x27);
	expect_pa(w, RW, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), 0x12345067);
}

static void a_refused_access_does_not_mark_the_leaf(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x12345005;
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	assert_int_equal(*entry(w, 0), 0x12345005);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(leaves_translate_as_the_worked_entries_say),
		cmocka_unit_test(addresses_are_canonical),
		cmocka_unit_test(unsigned_addresses_have_one_bit_less),
		CASE(an_entry_without_present_says_nothing_else),
		CASE(there_are_no_leaves_above_one_gib),
		CASE(a_large_leaf_that_is_not_aligned_faults_but_for_its_pat),
		CASE(an_address_beyond_the_width_faults),
		CASE(writing_needs_permission_on_the_whole_path),
		CASE(a_privileged_entry_anywhere_keeps_users_out),
		CASE(execute_disable_anywhere_forbids_fetches),
		CASE(a_use_marks_the_whole_path_and_a_write_the_leaf),
		CASE(a_refused_access_does_not_mark_the_leaf),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
