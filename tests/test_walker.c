/* SPDX-License-Identifier: MIT */
/*
 * The hardware walker, on tables that are written here word by word, because tables that the
 * page-table writer made would let both be wrong in the same way. Every address is translated
 * through a chain of one table a level; a case then spoils one entry of it.
 *
 * Not here: tables of the page-table writer (test_pagetable.c, prop_pagetable.c).
 */
#include <phyr/bits.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#include "test.h"

/* Its nine-bit indices are all different: 1, 2, 4, 8, 16 from the top of five levels down. */
#define IOVA UINT64_C(0x0001010101010abc)
#define POINTER_BITS UINT64_C(3)
#define BIT(n) (UINT64_C(1) << (n))
#define BITS(hi, lo) ((UINT64_MAX >> (63 - (hi))) & ~(BIT(lo) - 1))

/* Chains of tables for one address, and what the last walk found. */
struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_root root;
	struct phyrsim_walk walk;
	uint64_t iova;
	phyr_pa tables[5]; /* by level */
};

/* The entry of the chain at a level. */
static uint64_t *entry(struct world *w, unsigned int level)
{
	return phyrsim_mem_frame(w->mem, w->tables[level]) + ((w->iova >> (12 + 9 * level)) & 511);
}

static void open_world(struct world *w, unsigned int level_cnt)
{
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	for (unsigned int level = 0; level < level_cnt; level++)
		assert_int_equal(phyrsim_mem_alloc(w->mem, &w->tables[level]), PHYR_OK);
	w->iova = IOVA & (BIT(12 + 9 * level_cnt) - 1);
	for (unsigned int level = 1; level < level_cnt; level++)
		*entry(w, level) = w->tables[level - 1].addr | POINTER_BITS;
	*entry(w, 0) = 0x12345003;
	w->root.format = PHYRSIM_FORMAT_VTD_SS;
	w->root.table = w->tables[level_cnt - 1];
	w->root.level_cnt = level_cnt;
	w->root.pa_bits = 52;
	memset(&w->walk, 0xa5, sizeof(w->walk));
}

static void close_world(struct world *w)
{
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
}

/* Most cases walk five levels, because only those have every kind of entry. */
static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, 5);
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

static int walk_at(struct world *w, uint64_t iova, enum phyr_perm access)
{
	const struct phyrsim_access at = { phyr_iova_at(iova), access, 0 };

	return phyrsim_walk(w->mem, &w->root, &at, &w->walk);
}

static void expect_leaf(struct world *w, uint64_t leaf, unsigned int level, uint64_t pa)
{
	*entry(w, level) = leaf;
	assert_int_equal(walk_at(w, w->iova, (enum phyr_perm)(leaf & 3)), PHYR_OK);
	assert_int_equal(w->walk.fault, PHYRSIM_FAULT_NONE);
	assert_int_equal(w->walk.pa.addr, pa);
	assert_int_equal(w->walk.perm, leaf & 3);
	assert_int_equal(w->walk.leaf_lg2, 12 + 9 * level);
	assert_int_equal(w->walk.level, level);
	assert_int_equal(w->walk.read_cnt, w->root.level_cnt - level);
	assert_int_equal(w->walk.entry, leaf);
}

static void expect_fault(struct world *w, enum phyr_perm access, enum phyrsim_fault fault,
			 unsigned int level)
{
	assert_int_equal(walk_at(w, w->iova, access), PHYR_E_FAULT);
	assert_int_equal(w->walk.fault, fault);
	assert_int_equal(w->walk.level, level);
}

/* Every single bit of the set, put into an otherwise good entry, has this result. */
static void expect_each_bit(struct world *w, unsigned int level, uint64_t bits,
			    enum phyrsim_fault fault)
{
	uint64_t good = *entry(w, level);

	for (; bits != 0; bits &= bits - 1) {
		*entry(w, level) = good ^ (bits & (~bits + 1));
		assert_int_equal(walk_at(w, w->iova, PHYR_PERM_READ_WRITE),
				 fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT);
		assert_int_equal(w->walk.fault, fault);
		if (fault != PHYRSIM_FAULT_NONE)
			assert_int_equal(w->walk.level, level);
	}
	*entry(w, level) = good;
}

static void a_four_kib_leaf_translates_as_the_worked_entries_say(void **state)
{
	expect_leaf(*state, 0x12345003, 0, 0x12345abc);
	expect_leaf(*state, 0x12345001, 0, 0x12345abc);
	expect_leaf(*state, 0x12345002, 0, 0x12345abc);
	expect_leaf(*state, UINT64_C(0x000ffffffffff003), 0, UINT64_C(0x000ffffffffffabc));
	expect_leaf(*state, 0x00000003, 0, 0x00000abc);
}

static void a_two_mib_leaf_adds_the_low_21_bits(void **state)
{
	expect_leaf(*state, 0x40200083, 1, 0x40210abc);
	expect_leaf(*state, UINT64_C(0x000fffffffe00083), 1, UINT64_C(0x000fffffffe10abc));
}

static void a_one_gib_leaf_adds_the_low_30_bits(void **state)
{
	expect_leaf(*state, UINT64_C(0x880000083), 2, UINT64_C(0x881010abc));
	expect_leaf(*state, UINT64_C(0x000fffffc0000081), 2, UINT64_C(0x000fffffc1010abc));
}

static void one_entry_is_read_at_each_level(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		open_world(&w, level_cnt);
		expect_leaf(&w, 0x12345003, 0, 0x12345abc);
		expect_leaf(&w, 0x40200083, 1, 0x40210abc);
		expect_leaf(&w, UINT64_C(0x880000083), 2, UINT64_C(0x881010abc));
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
	uint64_t *frame = phyrsim_mem_frame(w->mem, w->tables[0]);
	uint64_t first = phyr_bits_down(w->iova, 21);

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

		open_world(&w, level_cnt);
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
	expect_leaf(w, 0x12345003, 0, 0x12345abc);
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

	expect_leaf(w, 0x12345003 | ignored | BIT(7), 0, 0x12345abc);
	expect_each_bit(w, 0, ignored | BIT(7), PHYRSIM_FAULT_NONE);
	expect_leaf(w, 0x40200083 | ignored, 1, 0x40210abc);
	expect_each_bit(w, 1, ignored, PHYRSIM_FAULT_NONE);
	expect_leaf(w, UINT64_C(0x880000083) | ignored, 2, UINT64_C(0x881010abc));
	expect_each_bit(w, 2, ignored, PHYRSIM_FAULT_NONE);
}

static void a_large_leaf_that_is_not_aligned_to_its_size_faults(void **state)
{
	struct world *w = *state;

	*entry(w, 1) = 0x40200083;
	expect_each_bit(w, 1, BITS(20, 12), PHYRSIM_FAULT_RESERVED);
	*entry(w, 2) = UINT64_C(0x880000083);
	expect_each_bit(w, 2, BITS(29, 12), PHYRSIM_FAULT_RESERVED);
}

static void address_bits_beyond_the_host_width_are_reserved(void **state)
{
	struct world *w = *state;

	w->root.pa_bits = 46;
	for (unsigned int level = 0; level < 5; level++)
		expect_each_bit(w, level, BITS(51, 46), PHYRSIM_FAULT_RESERVED);
	expect_leaf(w, UINT64_C(0x00003ffffffff003), 0, UINT64_C(0x00003ffffffffabc));
	expect_leaf(w, UINT64_C(0x00003fffffe00083), 1, UINT64_C(0x00003fffffe10abc));
	expect_each_bit(w, 1, BITS(51, 46), PHYRSIM_FAULT_RESERVED);
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

		open_world(&w, level_cnt);
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

	phyrsim_mem_free(w->mem, w->tables[1]);
	expect_fault(w, PHYR_PERM_READ, PHYRSIM_FAULT_MEMORY, 1);
}

static void the_memory_behind_a_leaf_is_not_looked_at(void **state)
{
	struct world *w = *state;
	uint64_t before[512];

	/* The 2 MiB leaf holds the tables themselves: they are its data, not its entries. */
	*entry(w, 1) = PHYRSIM_MEM_BASE | 0x83;
	memcpy(before, phyrsim_mem_frame(w->mem, w->tables[0]), sizeof(before));
	expect_leaf(w, PHYRSIM_MEM_BASE | 0x83, 1, PHYRSIM_MEM_BASE + 0x10abc);
	assert_memory_equal(phyrsim_mem_frame(w->mem, w->tables[0]), before, sizeof(before));
}

static void wrong_arguments_are_refused_and_the_result_is_not_written(void **state)
{
	struct world *w = *state;
	struct phyrsim_walk was = w->walk;
	const struct phyrsim_access at = { phyr_iova_at(w->iova), PHYR_PERM_READ, 0 };
	struct phyrsim_root odd = w->root;

	assert_int_equal(phyrsim_walk(NULL, &odd, &at, &w->walk), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk(w->mem, NULL, &at, &w->walk), PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk(w->mem, &odd, &at, NULL), PHYR_E_INVAL);
	assert_int_equal(walk_at(w, w->iova, (enum phyr_perm)0), PHYR_E_INVAL);
	assert_int_equal(walk_at(w, w->iova, (enum phyr_perm)4), PHYR_E_INVAL);
	assert_int_equal(walk_at(w, w->iova, (enum phyr_perm)7), PHYR_E_INVAL);
	for (unsigned int level_cnt = 0; level_cnt <= 6; level_cnt += level_cnt == 2 ? 4 : 1) {
		w->root.level_cnt = level_cnt;
		assert_int_equal(walk_at(w, w->iova, PHYR_PERM_READ), PHYR_E_INVAL);
	}
	w->root.level_cnt = 5;
	w->root.format = (enum phyrsim_format)1;
	assert_int_equal(walk_at(w, w->iova, PHYR_PERM_READ), PHYR_E_INVAL);
	assert_memory_equal(&w->walk, &was, sizeof(was));
}

static void every_fault_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(phyrsim_fault_name(PHYRSIM_FAULT_NOT_PRESENT), "not present");
	assert_string_equal(phyrsim_fault_name((enum phyrsim_fault)7), "?");
	assert_string_equal(phyrsim_fault_name((enum phyrsim_fault)99), "?");
	for (int a = PHYRSIM_FAULT_NONE; a <= PHYRSIM_FAULT_MEMORY; a++) {
		const char *name = phyrsim_fault_name((enum phyrsim_fault)a);

		assert_string_not_equal(name, "?");
		for (int b = PHYRSIM_FAULT_NONE; b < a; b++)
			assert_string_not_equal(name, phyrsim_fault_name((enum phyrsim_fault)b));
	}
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
		CASE(address_bits_beyond_the_host_width_are_reserved),
		CASE(a_read_only_entry_anywhere_on_the_path_forbids_writing),
		CASE(a_write_only_entry_anywhere_on_the_path_forbids_reading),
		CASE(entries_that_share_no_permission_allow_nothing),
		CASE(a_reserved_bit_is_found_before_a_missing_permission),
		cmocka_unit_test(a_table_that_points_to_itself_ends_the_walk_after_all_levels),
		CASE(a_table_where_there_is_no_memory_faults),
		CASE(a_freed_table_is_no_memory),
		CASE(the_memory_behind_a_leaf_is_not_looked_at),
		CASE(wrong_arguments_are_refused_and_the_result_is_not_written),
		cmocka_unit_test(every_fault_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
