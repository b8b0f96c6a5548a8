/* SPDX-License-Identifier: MIT */
/*
 * The walker on RISC-V tables: the vectors that were run through the reference model of the
 * specification (Sv48, no update of marks), with their results, and what they leave out.
 */
#include "walker_world.h"

#define NAPOT UINT64_C(0x80000000200860d7)
#define S1 PHYRSIM_FORMAT_RISCV_S1
#define S2 PHYRSIM_FORMAT_RISCV_S2

static int setup(void **state)
{
	*state = test_malloc(sizeof(struct world));
	open_world(*state, root_of(S1, 4, PHYRSIM_FEATURE_CONTIGUOUS), 0x1abc);
	*entry(*state, 0) = 0x200804d7;
	return 0;
}

static int teardown(void **state)
{
	close_world(*state);
	test_free(*state);
	return 0;
}

/* A vector: a leaf at a level, an address, an access, and where it leads or why not. */
struct vector {
	unsigned int level;
	uint64_t iova;
	uint64_t word;
	enum phyr_perm perm;
	enum phyrsim_fault fault;
	uint64_t pa;
};

static void expect_vector(const struct vector *vector, unsigned int features)
{
	struct world w;

	open_world(&w, root_of(S1, 4, features), vector->iova);
	*entry(&w, vector->level) = vector->word;
	if (vector->fault == PHYRSIM_FAULT_NONE)
		expect_pa(&w, vector->perm, vector->pa);
	else
		expect_fault(&w, vector->perm, vector->fault, vector->level);
	close_world(&w);
}

static void the_vectors_that_translate_do(void **state)
{
	static const struct vector vectors[] = {
		{ 0, 0x1123, 0x200804d7, WO, 0, 0x80201123 },
		{ 0, 0x1123, 0x20080453, RO, 0, 0x80201123 },
		{ 1, 0x2abcde, 0x200800d7, WO, 0, 0x802abcde },
		{ 0, 0x10000, NAPOT, WO, 0, 0x80210000 },
		{ 0, 0x1f123, NAPOT, WO, 0, 0x8021f123 },
		{ 0, 0x1123, 0x20080457, RO, 0, 0x80201123 }, /* D = 0 on a read */
		{ 2, 0x1123, 0x200000d7, WO, 0, 0x80001123 },
		{ 3, 0x1123, UINT64_C(0x20000000d7), WO, 0, UINT64_C(0x8000001123) },
		{ 0, 0x1123, UINT64_C(0x003ffffffffffcd7), WO, 0, UINT64_C(0xfffffffffff123) },
	};

	(void)state;
	for (size_t i = 0; i < CNT(vectors); i++)
		expect_vector(&vectors[i], PHYRSIM_FEATURE_CONTIGUOUS);
}

static void the_vectors_that_fault_do(void **state)
{
	static const struct vector vectors[] = {
		{ 0, 0x1123, 0x20080453, WO, PHYRSIM_FAULT_WRITE, 0 },
		{ 0, 0x10000, UINT64_C(0x80000000200840d7), WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x10000, UINT64_C(0x80000000200864d7), WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x10000, UINT64_C(0x80000000200850d7), WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 1, 0x1123, BIT(63) | 0x200800d7, WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 1, 0x1123, 0x200804d7, WO, PHYRSIM_FAULT_ALIGN, 0 },
		{ 0, 0x1123, 0x200804d5, WO, PHYRSIM_FAULT_RESERVED, 0 }, /* W without R */
		{ 0, 0x1123, 0x200804d6, WO, PHYRSIM_FAULT_NOT_PRESENT, 0 },
		{ 0, 0x1123, 0x20080401, WO, PHYRSIM_FAULT_LEVEL, 0 },
		{ 0, 0x1123, BIT(54) | 0x200804d7, WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x1123, BIT(59) | 0x200804d7, WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x1123, BIT(61) | 0x200804d7, WO, PHYRSIM_FAULT_RESERVED, 0 }, /* no Svpbmt */
		{ 0, 0x1123, BIT(62) | 0x200804d7, WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x1123, BITS(62, 61) | 0x200804d7, WO, PHYRSIM_FAULT_RESERVED, 0 },
		{ 0, 0x1123, 0x200804c7, WO, PHYRSIM_FAULT_PRIVILEGE, 0 }, /* U = 0 */
		{ 0, 0x1123, 0x20080497, WO, PHYRSIM_FAULT_ACCESSED, 0 },  /* A = 0 */
		{ 0, 0x1123, 0x20080457, WO, PHYRSIM_FAULT_ACCESSED, 0 },  /* D = 0 */
	};

	(void)state;
	for (size_t i = 0; i < CNT(vectors); i++)
		expect_vector(&vectors[i], PHYRSIM_FEATURE_CONTIGUOUS);
}

static void napot_is_reserved_without_svnapot(void **state)
{
	static const struct vector vector = { 0, 0x10000, NAPOT, WO, PHYRSIM_FAULT_RESERVED, 0 };

	(void)state;
	expect_vector(&vector, 0);
}

static void first_stage_addresses_are_canonical(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int n = 3; n <= 5; n++) {
		unsigned int bits = 12 + 9 * n;

		open_world(&w, root_of(S1, n, 0), ~UINT64_C(0xfff));
		expect_leaf(&w, 0, 0x200804d7, RW, 0x80201000);
		w.iova = BIT(bits - 1) | 0x1000;
		expect_fault(&w, WO, PHYRSIM_FAULT_WIDTH, n - 1);
		w.iova = ~BIT(bits - 1);
		expect_fault(&w, WO, PHYRSIM_FAULT_WIDTH, n - 1);
		close_world(&w);
	}
}

static void second_stage_addresses_have_two_bits_more(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int n = 3; n <= 5; n++) {
		unsigned int bits = 14 + 9 * n;

		/* The last slot of a root of 16 KiB. */
		open_world(&w, root_of(S2, n, 0), BIT(bits) - 1);
		expect_leaf(&w, 0, 0x200804d7, RW, 0x80201fff);
		assert_ptr_equal(entry(&w, n - 1), word_at(w.mem, w.root.table.addr + 16384 - 8));
		w.iova = BIT(bits);
		expect_fault(&w, RO, PHYRSIM_FAULT_WIDTH, n - 1);
		w.root.table.addr += 4096;
		assert_int_equal(walk_at(&w, 0, RO), PHYR_E_INVAL);
		close_world(&w);
	}
}

static void each_reserved_bit_of_an_entry_faults(void **state)
{
	struct world *w = *state;

	expect_each_bit(w, 0, BITS(63, 54), PHYRSIM_FAULT_RESERVED);
	for (unsigned int level = 1; level < 4; level++)
		expect_each_bit(w, level, BITS(63, 54) | BITS(7, 6) | BIT(4),
				PHYRSIM_FAULT_RESERVED);
}

static void an_address_beyond_the_width_faults(void **state)
{
	struct world *w = *state;

	w->root.pa_bits = 46;
	for (unsigned int level = 0; level < 4; level++)
		expect_each_bit(w, level, BITS(53, 44), PHYRSIM_FAULT_SIZE);
}

static void a_superpage_is_aligned_at_every_level(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, root_of(S1, 5, 0), 0x1abc);
	for (unsigned int level = 1; level < 5; level++) {
		*entry(&w, level) = BIT(46) | 0xd7;
		expect_pa(&w, RW, BIT(48) | 0x1abc);
		expect_each_bit(&w, level, BITS(9 + 9 * level, 10), PHYRSIM_FAULT_ALIGN);
		*entry(&w, level) = pointer(S1, w.tables[level - 1], level);
	}
	close_world(&w);
}

static void memory_types_are_told_with_svpbmt(void **state)
{
	struct world *w = *state;

	w->root.features |= PHYRSIM_FEATURE_PBMT;
	expect_leaf(w, 0, 0x200804d7, RW, 0x80201abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_NOEXEC);
	expect_leaf(w, 0, 0x200804df | BIT(61), RW, 0x80201abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_UNCACHED);
	expect_leaf(w, 0, 0x200804d7 | BIT(62), RW, 0x80201abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_MMIO | PHYRSIM_ATTR_NOEXEC);
	*entry(w, 0) = 0x200804d7 | BITS(62, 61);
	expect_fault(w, RO, PHYRSIM_FAULT_RESERVED, 0);
}

static void privilege_decides_who_may_do_what(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x200804df; /* for users: the privileged may not execute it */
	w->flags = PHYRSIM_WALK_EXECUTE;
	expect_pa(w, RO, 0x80201abc);
	w->flags = PHYRSIM_WALK_EXECUTE | PHYRSIM_WALK_PRIVILEGED;
	expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	w->flags = PHYRSIM_WALK_PRIVILEGED;
	expect_pa(w, RW, 0x80201abc);
	*entry(w, 0) = 0x200804cf; /* for the privileged alone */
	expect_pa(w, RW, 0x80201abc);
	assert_int_equal(w->walk.attrs, PHYRSIM_ATTR_PRIVILEGED);
	w->flags = PHYRSIM_WALK_EXECUTE | PHYRSIM_WALK_PRIVILEGED;
	expect_pa(w, RO, 0x80201abc);
	w->flags = PHYRSIM_WALK_EXECUTE;
	expect_fault(w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	*entry(w, 0) = 0x200804d9; /* execute alone */
	expect_pa(w, RO, 0x80201abc);
	w->flags = 0;
	expect_fault(w, RO, PHYRSIM_FAULT_READ, 0);
}

static void the_second_stage_takes_every_access_as_a_users(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, root_of(S2, 3, 0), 0x1abc);
	*entry(&w, 0) = 0x200804c7;
	expect_fault(&w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	w.flags = PHYRSIM_WALK_PRIVILEGED;
	expect_fault(&w, RO, PHYRSIM_FAULT_PRIVILEGE, 0);
	*entry(&w, 0) = 0x200804df;
	w.flags = PHYRSIM_WALK_PRIVILEGED | PHYRSIM_WALK_EXECUTE;
	expect_pa(&w, RO, 0x80201abc);
	close_world(&w);
}

static void hardware_that_may_sets_the_marks(void **state)
{
	struct world *w = *state;

	*entry(w, 0) = 0x20080417;
	w->flags = PHYRSIM_WALK_PEEK;
	expect_pa(w, WO, 0x80201abc);
	assert_int_equal(w->walk.update_cnt, 0);
	assert_int_equal(*entry(w, 0), 0x20080417);
	w->flags = PHYRSIM_WALK_UPDATE;
	expect_pa(w, RO, 0x80201abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_false(w->walk.dirty);
	assert_int_equal(*entry(w, 0), 0x20080457);
	expect_pa(w, WO, 0x80201abc);
	assert_int_equal(w->walk.update_cnt, 1);
	assert_true(w->walk.dirty);
	assert_int_equal(*entry(w, 0), 0x200804d7);
	*entry(w, 0) = 0x20080413;
	expect_fault(w, WO, PHYRSIM_FAULT_WRITE, 0);
	assert_int_equal(*entry(w, 0), 0x20080413);
}

static void an_audit_wants_sixteen_equal_items_of_a_napot_leaf(void **state)
{
	struct world *w = *state;
	uint64_t *items = entry(w, 0);

	w->iova = 0x1f123;
	items += 15;
	for (unsigned int i = 0; i < 16; i++)
		items[i] = NAPOT;
	w->flags = PHYRSIM_WALK_AUDIT;
	expect_pa(w, RW, 0x8021f123);
	assert_int_equal(w->walk.leaf_lg2, 16);
	assert_int_equal(w->walk.read_cnt, 4);
	for (unsigned int i = 0; i < 15; i++) {
		items[i] = 0;
		expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
		items[i] = NAPOT ^ BIT(14);
		expect_fault(w, RW, PHYRSIM_FAULT_GROUP, 0);
		w->flags = 0;
		expect_pa(w, RW, 0x8021f123);
		w->flags = PHYRSIM_WALK_AUDIT;
		items[i] = NAPOT ^ BITS(9, 6); /* marks and bits for software */
		expect_pa(w, RW, 0x8021f123);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(the_vectors_that_translate_do),
		cmocka_unit_test(the_vectors_that_fault_do),
		cmocka_unit_test(napot_is_reserved_without_svnapot),
		cmocka_unit_test(first_stage_addresses_are_canonical),
		cmocka_unit_test(second_stage_addresses_have_two_bits_more),
		CASE(each_reserved_bit_of_an_entry_faults),
		CASE(an_address_beyond_the_width_faults),
		cmocka_unit_test(a_superpage_is_aligned_at_every_level),
		CASE(memory_types_are_told_with_svpbmt),
		CASE(privilege_decides_who_may_do_what),
		cmocka_unit_test(the_second_stage_takes_every_access_as_a_users),
		CASE(hardware_that_may_sets_the_marks),
		CASE(an_audit_wants_sixteen_equal_items_of_a_napot_leaf),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
