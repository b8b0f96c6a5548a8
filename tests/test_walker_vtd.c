/* SPDX-License-Identifier: MIT */
/*
 * The walker on VT-d second-stage tables.
 */
#include "walker_world.h"

/* Its nine-bit indices are all different: 1, 2, 4, 8, 16 from the top of five levels down. */
#define IOVA UINT64_C(0x0001010101010abc)
#define POINTER_BITS UINT64_C(3)

static void open_levels(struct world *w, unsigned int level_cnt)
{
	open_world(w, root_of(PHYRSIM_FORMAT_VTD_SS, level_cnt, 0),
		   IOVA & (BIT(12 + 9 * level_cnt) - 1));
	*entry(w, 0) = 0x12345003;
}

/* Most cases walk five levels, because only those have every kind of entry. */
static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_levels(*state, 5);
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

static void expect_good(struct world *w, uint64_t leaf, unsigned int level, uint64_t pa)
{
	expect_leaf(w, level, leaf, (enum phyr_perm)(leaf & 3), pa);
}

static void a_four_kib_leaf_translates_as_the_worked_entries_say(void **state)
{
	expect_good(*state, 0x12345003, 0, 0x12345abc);
	expect_good(*state, 0x12345001, 0, 0x12345abc);
	expect_good(*state, 0x12345002, 0, 0x12345abc);
	expect_good(*state, UINT64_C(0x000ffffffffff003), 0, UINT64_C(0x000ffffffffffabc));
	expect_good(*state, 0x00000003, 0, 0x00000abc);
}

static void a_two_mib_leaf_adds_the_low_21_bits(void **state)
{
	expect_good(*state, 0x40200083, 1, 0x40210abc);
	expect_good(*state, UINT64_C(0x000fffffffe00083), 1, UINT64_C(0x000fffffffe10abc));
}

static void a_one_gib_leaf_adds_the_low_30_bits(void **state)
{
	expect_good(*state, UINT64_C(0x880000083), 2, UINT64_C(0x881010abc));
	expect_good(*state, UINT64_C(0x000fffffc0000081), 2, UINT64_C(0x000fffffc1010abc));
}

static void one_entry_is_read_at_each_level(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		open_levels(&w, level_cnt);
		expect_good(&w, 0x12345003, 0, 0x12345abc);
		expect_good(&w, 0x40200083, 1, 0x40210abc);
		expect_good(&w, UINT64_C(0x880000083), 2, UINT64_C(0x881010abc));
		close_world(&w);
	}
}

static void nine_bits_of_the_address_choose_the_entry_of_each_level(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		for (unsigned int bit = 12 + 9 * level; bit < 21 + 9 * level; bit++) {
			assert_int_equal(walk_at(w, w->iova ^ BIT(bit), PHYR_PERM_READ),
					 PHYR_E_FAULT);
			assert_int_equal(w->walk.fault, PHYRSIM_FAULT_NOT_PRESENT);
			assert_int_equal(w->walk.level, level);
			assert_int_equal(w->walk.read_cnt, 5 - level);
			assert_int_equal(w->walk.entry, 0);
		}
	}
}

static void the_first_and_last_entry_of_a_table_are_reached(void **state)
{
	struct world *w = *state;
	uint64_t *frame = word_at(w->mem, w->tables[0]);
	uint64_t first = w->iova & ~UINT64_C(0x1fffff);

	frame[0] = 0x7000003;
	frame[511] = 0x8000003;
	assert_int_equal(walk_at(w, first, PHYR_PERM_READ), PHYR_OK);
	assert_int_equal(w->walk.pa.addr, 0x7000000);
	assert_int_equal(walk_at(w, first + 0x1fffff, PHYR_PERM_READ), PHYR_OK);
	assert_int_equal(w->walk.pa.addr, 0x8000fff);
}

static void the_whole_width_is_translated_and_nothing_beyond_it(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		uint64_t beyond = BIT(12 + 9 * level_cnt);

		open_levels(&w, level_cnt);
		assert_int_equal(walk_at(&w, beyond - 1, PHYR_PERM_READ), PHYR_E_FAULT);
		assert_int_equal(w.walk.fault, PHYRSIM_FAULT_NOT_PRESENT);
		w.iova |= beyond;
		expect_fault(&w, PHYR_PERM_READ, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		assert_int_equal(w.walk.read_cnt, 0);
		w.iova = UINT64_MAX;
		expect_fault(&w, PHYR_PERM_READ, PHYRSIM_FAULT_WIDTH, level_cnt - 1);
		close_world(&w);
	}
}

static void an_entry_without_permission_is_not_present_whatever_else_it_says(void **state)
{
	static const uint64_t absent[] = { 0, 0x12345000, 0x12345004, 0x12345800, ~UINT64_C(3) };
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		uint64_t good = *entry(w, level);

		for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
			*entry(w, level) = absent[i];
			expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_NOT_PRESENT, level);
			assert_int_equal(w->walk.entry, absent[i]);
			assert_int_equal(w->walk.read_cnt, 5 - level);
			assert_int_equal(w->walk.perm, 0);
		}
		*entry(w, level) = good;
	}
}

static void each_reserved_bit_of_a_pointer_faults(void **state)
{
	for (unsigned int level = 1; level < 5; level++)
		expect_each_bit(*state, level, BIT(11) | BIT(62), PHYRSIM_FAULT_RESERVED);
}

static void there_are_no_leaves_above_one_gib(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 3; level < 5; level++) {
		expect_each_bit(w, level, BIT(7), PHYRSIM_FAULT_RESERVED);
		*entry(w, level) = BIT(12 + 9 * level) | 0x83; /* as aligned as a leaf would be */
		expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_RESERVED, level);
	}
}

static void each_ignored_bit_of_a_pointer_changes_nothing(void **state)
{
	uint64_t ignored = BITS(6, 2) | BITS(10, 8) | BITS(61, 52) | BIT(63);
	struct world *w = *state;

	for (unsigned int level = 1; level < 5; level++)
		expect_each_bit(w, level, ignored, PHYRSIM_FAULT_NONE);
	*entry(w, 4) |= ignored;
	*entry(w, 1) |= ignored;
	expect_good(w, 0x12345003, 0, 0x12345abc);
}

static void each_reserved_bit_of_a_leaf_faults(void **state)
{
	struct world *w = *state;

	expect_each_bit(w, 0, BIT(11) | BIT(62), PHYRSIM_FAULT_RESERVED);
	*entry(w, 1) = 0x40200083;
	expect_each_bit(w, 1, BIT(11) | BIT(62), PHYRSIM_FAULT_RESERVED);
	*entry(w, 2) = UINT64_C(0x880000083);
	expect_each_bit(w, 2, BIT(11) | BIT(62), PHYRSIM_FAULT_RESERVED);
}

static void each_ignored_bit_of_a_leaf_changes_nothing(void **state)
{
	uint64_t ignored = BITS(6, 2) | BITS(10, 8) | BITS(61, 52) | BIT(63);
	struct world *w = *state;

	expect_good(w, 0x12345003 | ignored | BIT(7), 0, 0x12345abc);
	expect_each_bit(w, 0, ignored | BIT(7), PHYRSIM_FAULT_NONE);
	expect_good(w, 0x40200083 | ignored, 1, 0x40210abc);
	expect_each_bit(w, 1, ignored, PHYRSIM_FAULT_NONE);
	expect_good(w, UINT64_C(0x880000083) | ignored, 2, UINT64_C(0x881010abc));
	expect_each_bit(w, 2, ignored, PHYRSIM_FAULT_NONE);
}

static void a_large_leaf_that_is_not_aligned_to_its_size_faults(void **state)
{
	struct world *w = *state;

	*entry(w, 1) = 0x40200083;
	expect_each_bit(w, 1, BITS(20, 12), PHYRSIM_FAULT_ALIGN);
	*entry(w, 2) = UINT64_C(0x880000083);
	expect_each_bit(w, 2, BITS(29, 12), PHYRSIM_FAULT_ALIGN);
}

static void address_bits_beyond_the_host_width_fault(void **state)
{
	struct world *w = *state;

	w->root.pa_bits = 46;
	for (unsigned int level = 0; level < 5; level++)
		expect_each_bit(w, level, BITS(51, 46), PHYRSIM_FAULT_SIZE);
	expect_good(w, UINT64_C(0x00003ffffffff003), 0, UINT64_C(0x00003ffffffffabc));
	expect_good(w, UINT64_C(0x00003fffffe00083), 1, UINT64_C(0x00003fffffe10abc));
	expect_each_bit(w, 1, BITS(51, 46), PHYRSIM_FAULT_SIZE);
}

static void a_read_only_entry_anywhere_on_the_path_forbids_writing(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		*entry(w, level) ^= PHYR_PERM_WRITE;
		assert_int_equal(walk_at(w, w->iova, PHYR_PERM_READ), PHYR_OK);
		assert_int_equal(w->walk.perm, PHYR_PERM_READ);
		expect_fault(w, PHYR_PERM_WRITE, PHYRSIM_FAULT_WRITE, 0);
		assert_int_equal(w->walk.perm, PHYR_PERM_READ);
		expect_fault(w, PHYR_PERM_READ_WRITE, PHYRSIM_FAULT_WRITE, 0);
		*entry(w, level) ^= PHYR_PERM_WRITE;
	}
}

static void a_write_only_entry_anywhere_on_the_path_forbids_reading(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 0; level < 5; level++) {
		*entry(w, level) ^= PHYR_PERM_READ;
		assert_int_equal(walk_at(w, w->iova, PHYR_PERM_WRITE), PHYR_OK);
		assert_int_equal(w->walk.perm, PHYR_PERM_WRITE);
		expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_READ, 0);
		expect_fault(w, PHYR_PERM_READ_WRITE, PHYRSIM_FAULT_READ, 0);
		*entry(w, level) ^= PHYR_PERM_READ;
	}
}

static void entries_that_share_no_permission_allow_nothing(void **state)
{
	struct world *w = *state;

	*entry(w, 3) ^= PHYR_PERM_WRITE;
	*entry(w, 1) = 0x40200082;
	expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_READ, 1);
	assert_int_equal(w->walk.perm, 0);
	expect_fault(w, PHYR_PERM_WRITE, PHYRSIM_FAULT_WRITE, 1);
	assert_int_equal(w->walk.perm, 0);
}

static void a_reserved_bit_is_found_before_a_missing_permission(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x12345801;
	expect_fault(w, PHYR_PERM_WRITE, PHYRSIM_FAULT_RESERVED, 0);
	*entry(w, 4) ^= PHYR_PERM_WRITE;
	expect_fault(w, PHYR_PERM_WRITE, PHYRSIM_FAULT_RESERVED, 0);
	*entry(w, 0) = 0;
	expect_fault(w, PHYR_PERM_WRITE, PHYRSIM_FAULT_NOT_PRESENT, 0);
}

static void a_table_that_points_to_itself_ends_the_walk_after_all_levels(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		uint64_t *top;

		open_levels(&w, level_cnt);
		top = phyrsim_mem_frame(w.mem, w.root.table);
		for (size_t i = 0; i < 512; i++)
			top[i] = w.root.table.addr | POINTER_BITS;
		assert_int_equal(walk_at(&w, w.iova, PHYR_PERM_READ), PHYR_OK);
		assert_int_equal(w.walk.pa.addr, w.root.table.addr | 0xabc);
		assert_int_equal(w.walk.read_cnt, level_cnt);
		assert_int_equal(w.walk.level, 0);
		close_world(&w);
	}
}

static void a_table_where_there_is_no_memory_faults(void **state)
{
	struct world *w = *state;

	for (unsigned int level = 1; level < 5; level++) {
		uint64_t good = *entry(w, level);

		*entry(w, level) = UINT64_C(0x7ffffffff000) | POINTER_BITS;
		expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_MEMORY, level - 1);
		assert_int_equal(w->walk.read_cnt, 5 - level);
		assert_int_equal(w->walk.entry, *entry(w, level));
		*entry(w, level) = POINTER_BITS;
		expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_MEMORY, level - 1);
		*entry(w, level) = good;
	}
	w->root.table = phyr_pa_at(0);
	expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_MEMORY, 4);
	assert_int_equal(w->walk.read_cnt, 0);
}

static void a_freed_table_is_no_memory(void **state)
{
	struct world *w = *state;

	phyrsim_mem_free(w->mem, phyr_pa_at(w->tables[1]));
	expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_MEMORY, 1);
}

static void the_memory_behind_a_leaf_is_not_looked_at(void **state)
{
	struct world *w = *state;
	uint64_t before[512];

	/* The 2 MiB leaf holds the tables themselves: they are its data, not its entries. */
	*entry(w, 1) = PHYRSIM_MEM_BASE | 0x83;
	memcpy(before, word_at(w->mem, w->tables[0]), sizeof(before));
	expect_good(w, PHYRSIM_MEM_BASE | 0x83, 1, PHYRSIM_MEM_BASE + 0x10abc);
	assert_memory_equal(word_at(w->mem, w->tables[0]), before, sizeof(before));
}

static void snoop_is_reserved_only_in_pointers_when_there_is_snoop_control(void **state)
{
	struct world *w = *state;

	w->root.features = PHYRSIM_FEATURE_COHERENT | PHYRSIM_FEATURE_WRITE_READS;
	expect_good(w, 0x12345803, 0, 0x12345abc);
	for (unsigned int level = 1; level < 5; level++)
		expect_each_bit(w, level, BIT(11), PHYRSIM_FAULT_RESERVED);
	expect_good(w, 0x40200883, 1, 0x40210abc);
}

static void a_use_sets_accessed_on_the_whole_path_and_dirty_in_the_leaf(void **state)
{
	struct world *w = *state;

	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 5);
	assert_false(w->walk.dirty);
	assert_int_equal(*entry(w, 0), 0x12345103);
	assert_int_equal(*entry(w, 4), w->tables[3] | 0x103);
	expect_pa(w, WO, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), 0x12345303);
	expect_pa(w, RW, 0x12345abc);
	assert_int_equal(w->walk.update_cnt, 0);
}

static void an_audit_wants_absent_entries_to_be_zero(void **state)
{
	struct world *w = *state;

	w->flags = PHYRSIM_WALK_AUDIT;
	expect_good(w, 0x12345003, 0, 0x12345abc);
	*entry(w, 0) = 0x12345000;
	expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 0);
	*entry(w, 0) = 0;
	expect_fault(w, RO, PHYRSIM_FAULT_NOT_PRESENT, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_four_kib_leaf_translates_as_the_worked_entries_say),
		CASE(a_two_mib_leaf_adds_the_low_21_bits),
		CASE(a_one_gib_leaf_adds_the_low_30_bits),
		cmocka_unit_test(one_entry_is_read_at_each_level),
		CASE(nine_bits_of_the_address_choose_the_entry_of_each_level),
		CASE(the_first_and_last_entry_of_a_table_are_reached),
		cmocka_unit_test(the_whole_width_is_translated_and_nothing_beyond_it),
		CASE(an_entry_without_permission_is_not_present_whatever_else_it_says),
		CASE(each_reserved_bit_of_a_pointer_faults),
		CASE(there_are_no_leaves_above_one_gib),
		CASE(each_ignored_bit_of_a_pointer_changes_nothing),
		CASE(each_reserved_bit_of_a_leaf_faults),
		CASE(each_ignored_bit_of_a_leaf_changes_nothing),
		CASE(a_large_leaf_that_is_not_aligned_to_its_size_faults),
		CASE(address_bits_beyond_the_host_width_fault),
		CASE(a_read_only_entry_anywhere_on_the_path_forbids_writing),
		CASE(a_write_only_entry_anywhere_on_the_path_forbids_reading),
		CASE(entries_that_share_no_permission_allow_nothing),
		CASE(a_reserved_bit_is_found_before_a_missing_permission),
		cmocka_unit_test(a_table_that_points_to_itself_ends_the_walk_after_all_levels),
		CASE(a_table_where_there_is_no_memory_faults),
		CASE(a_freed_table_is_no_memory),
		CASE(the_memory_behind_a_leaf_is_not_looked_at),
		CASE(snoop_is_reserved_only_in_pointers_when_there_is_snoop_control),
		CASE(a_use_sets_accessed_on_the_whole_path_and_dirty_in_the_leaf),
		CASE(an_audit_wants_absent_entries_to_be_zero),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
