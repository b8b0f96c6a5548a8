/* SPDX-License-Identifier: MIT */
/*
 * The walker through two stages: how many entries are read and marked, whose fault it is, and what
 * both stages together allow.
 *
 * The guest's tables and memory lie at guest addresses from GUEST on, which a second stage maps.
 */
#include "walker_world.h"

#define GUEST UINT64_C(0x40000000)     /* guest address of the first guest table */
#define DATA UINT64_C(0x80000000)      /* guest address of the memory that leaves lead to */
#define HOST_DATA UINT64_C(0xc0000000) /* where that is */
#define IOVA UINT64_C(0x0000008080854abc)

/* What differs between the pairs of formats. */
struct kind {
	enum phyrsim_format first, second;
	uint64_t first_leaf, second_leaf; /* without the address */
	uint64_t first_large, second_large;
};

static const struct kind riscv = {
	PHYRSIM_FORMAT_RISCV_S1, PHYRSIM_FORMAT_RISCV_S2, 0xd7, 0xd7, 0xd7, 0xd7,
};
static const struct kind intel = {
	PHYRSIM_FORMAT_X86_FS, PHYRSIM_FORMAT_VTD_SS, 0x67, 0x3, 0xe7, 0x83,
};

/* A first stage of some levels in guest memory, which a second stage maps page by page. */
struct nested {
	struct world host; /* the second stage; its chain is that of GUEST */
	struct phyrsim_root first;
	struct phyrsim_walk walk;
	const struct kind *kind;
	uint64_t tables[LEVEL_MAX]; /* of the first stage, where they really are */
	uint64_t iova;
	unsigned int flags;
	unsigned int first_level, second_level; /* of the leaves */
};

static uint64_t address_bits(enum phyrsim_format format, uint64_t pa)
{
	return format >= PHYRSIM_FORMAT_RISCV_S1 ? pa >> 2 : pa;
}

/* The second stage's table of a level for a guest address; missing ones are made. */
static uint64_t host_table(struct nested *n, uint64_t guest, unsigned int level)
{
	struct phyrsim_root *root = &n->host.root;
	uint64_t table = root->table.addr;

	for (unsigned int at = root->level_cnt - 1; at > level; at--) {
		uint64_t *slot = word_at(n->host.mem, slot_of(root, table, at, guest));

		if (*slot == 0)
			*slot = pointer(root->format, make_table(n->host.mem, 4096), at);
		table = (root->format >= PHYRSIM_FORMAT_RISCV_S1 ? *slot << 2 : *slot) &
			BITS(51, 12);
	}
	return table;
}

static uint64_t *host_slot(struct nested *n, uint64_t guest, unsigned int level)
{
	uint64_t table = host_table(n, guest, level);

	return word_at(n->host.mem, slot_of(&n->host.root, table, level, guest));
}

/* Maps a guest page, or the 2 MiB around it, to where its content is. */
static void host_map(struct nested *n, uint64_t guest, uint64_t pa)
{
	uint64_t leaf = n->second_level ? n->kind->second_large : n->kind->second_leaf;
	uint64_t mask = BITS(11 + 9 * n->second_level, 0);

	*host_slot(n, guest, n->second_level) = leaf | address_bits(n->kind->second, pa & ~mask);
}

static uint64_t *guest_slot(struct nested *n, unsigned int level)
{
	return word_at(n->host.mem, slot_of(&n->first, n->tables[level], level, n->iova));
}

/*
 * The guest's tables: real ones, at guest addresses that agree with theirs in the low 21 bits, and
 * 2 MiB apart, so that none shares a leaf of the second stage with another.
 */
static void make_guest(struct nested *n)
{
	unsigned int top = n->first.level_cnt - 1;

	for (unsigned int level = 0; level <= top; level++) {
		uint64_t pa = make_table(n->host.mem, 4096), guest;

		guest = GUEST + level * BIT(21) + (pa & BITS(20, 0));
		n->tables[level] = pa;
		host_map(n, guest, pa);
		if (level == top)
			n->first.table = phyr_pa_at(guest);
		else
			*word_at(n->host.mem, pa) = guest; /* kept for the level above */
	}
	for (unsigned int level = top; level > 0; level--) {
		uint64_t guest = *word_at(n->host.mem, n->tables[level - 1]);

		*word_at(n->host.mem, n->tables[level - 1]) = 0;
		*guest_slot(n, level) = pointer(n->kind->first, guest, level);
	}
	*guest_slot(n, n->first_level) =
		(n->first_level ? n->kind->first_large : n->kind->first_leaf) |
		address_bits(n->kind->first, DATA);
	host_map(n, DATA + (n->iova & BITS(11 + 9 * n->first_level, 0)),
		 HOST_DATA + (n->iova & BITS(11 + 9 * n->first_level, 0)));
}

static void open_nested(struct nested *n, const struct kind *kind, unsigned int first_cnt,
			unsigned int second_cnt, unsigned int large)
{
	struct world *w = &n->host;

	memset(n, 0, sizeof(*n));
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	n->kind = kind;
	n->first = root_of(kind->first, first_cnt, 0);
	w->root = root_of(kind->second, second_cnt, 0);
	w->root.table = phyr_pa_at(make_table(w->mem, table_len(&w->root, second_cnt - 1)));
	n->iova = IOVA & BITS(10 + 9 * first_cnt, 0);
	n->first_level = large & 1;
	n->second_level = large >> 1;
	make_guest(n);
}

static void close_nested(struct nested *n)
{
	close_world(&n->host);
}

static int walk(struct nested *n, enum phyr_perm perm)
{
	struct phyrsim_access access = { phyr_iova_at(n->iova), perm, n->flags };

	return phyrsim_walk_nested(n->host.mem, &n->first, &n->host.root, &access, &n->walk);
}

static void expect_translation(struct nested *n, enum phyr_perm perm)
{
	uint64_t offset = n->iova & BITS(11 + 9 * n->first_level, 0);

	assert_int_equal(walk(n, perm), PHYR_OK);
	assert_int_equal(n->walk.pa.addr, HOST_DATA + offset);
	assert_false(n->walk.second);
}

static void expect_nested_fault(struct nested *n, enum phyr_perm perm, enum phyrsim_fault fault,
				bool second, unsigned int level)
{
	assert_int_equal(walk(n, perm), PHYR_E_FAULT);
	assert_int_equal(n->walk.fault, fault);
	assert_int_equal(n->walk.second, second);
	assert_int_equal(n->walk.level, level);
}

/* n(m + 1) + m_f entries, for 3 … 5 levels in each stage and leaves of 4 KiB or 2 MiB in either. */
static void each_table_of_the_first_stage_costs_a_walk_of_the_second(void **state)
{
	struct nested n;

	(void)state;
	for (unsigned int i = 0; i < 36; i++) {
		unsigned int first = 3 + i % 3, second = 3 + i / 3 % 3, large = i / 9;
		unsigned int steps = first - (large & 1), below = second - (large >> 1);

		open_nested(&n, &riscv, first, second, large);
		expect_translation(&n, RW);
		assert_int_equal(n.walk.read_cnt, steps * (below + 1) + below);
		assert_int_equal(n.walk.leaf_lg2, large == 3 ? 21 : 12);
		assert_int_equal(n.walk.perm, RW);
		n.flags = PHYRSIM_WALK_AUDIT;
		expect_translation(&n, RW);
		assert_int_equal(n.walk.read_cnt, steps * (below + 1) + below);
		close_nested(&n);
	}
}

static void the_counts_do_not_depend_on_the_format(void **state)
{
	struct nested n;

	(void)state;
	for (unsigned int first = 4; first <= 5; first++) {
		for (unsigned int second = 3; second <= 5; second++) {
			open_nested(&n, &intel, first, second, 0);
			expect_translation(&n, RW);
			assert_int_equal(n.walk.read_cnt, first * (second + 1) + second);
			close_nested(&n);
		}
	}
}

/* 4x4 levels, and the second stage's leaf is large for the data alone: one entry less. */
static void a_large_leaf_for_the_data_alone_saves_one_entry(void **state)
{
	struct nested n;

	(void)state;
	open_nested(&n, &riscv, 4, 4, 0);
	n.second_level = 1;
	host_map(&n, DATA, HOST_DATA);
	expect_translation(&n, RO);
	assert_int_equal(n.walk.read_cnt, 23);
	close_nested(&n);
}

/* Clears accessed and dirty in all leaves. */
static void make_clean(struct nested *n)
{
	uint64_t data = DATA + (n->iova & BITS(11 + 9 * n->first_level, 0));

	for (unsigned int level = 0; level < n->first.level_cnt; level++)
		*host_slot(n, GUEST + level * BIT(21) + (n->tables[level] & BITS(20, 0)),
			   n->second_level) &= ~BITS(7, 6);
	*host_slot(n, data, n->second_level) &= ~BITS(7, 6);
	*guest_slot(n, n->first_level) &= ~BITS(7, 6);
}

/* One for each table of the first stage, one for its leaf, one for the memory: n + 2. */
static void a_cold_walk_marks_each_leaf_once(void **state)
{
	struct nested n;

	(void)state;
	for (unsigned int first = 3; first <= 5; first++) {
		for (unsigned int second = 3; second <= 5; second++) {
			open_nested(&n, &riscv, first, second, 0);
			make_clean(&n);
			n.flags = PHYRSIM_WALK_UPDATE;
			expect_translation(&n, RW);
			assert_int_equal(n.walk.update_cnt, first + 2);
			assert_true(n.walk.dirty);
			expect_translation(&n, RW);
			assert_int_equal(n.walk.update_cnt, 0);
			close_nested(&n);
		}
	}
}

/* Tables above the first stage's leaf were read; that of the leaf was written. */
static void a_mark_in_the_first_stage_writes_the_memory_of_its_table(void **state)
{
	struct nested n;

	(void)state;
	open_nested(&n, &riscv, 3, 3, 0);
	make_clean(&n);
	n.flags = PHYRSIM_WALK_UPDATE;
	expect_translation(&n, RO);
	assert_int_equal(n.walk.update_cnt, 5);
	assert_int_equal(*guest_slot(&n, 0) & BITS(7, 6), BIT(6));
	for (unsigned int level = 0; level < 3; level++) {
		uint64_t guest = GUEST + level * BIT(21) + (n.tables[level] & BITS(20, 0));

		assert_int_equal(*host_slot(&n, guest, 0) & BITS(7, 6),
				 level == 0 ? BITS(7, 6) : BIT(6));
	}
	close_nested(&n);
}

static void marks_in_memory_that_may_not_be_written_fault(void **state)
{
	struct nested n;
	uint64_t *slot;

	(void)state;
	open_nested(&n, &riscv, 3, 3, 0);
	slot = host_slot(&n, GUEST + (n.tables[0] & BITS(20, 0)), 0);
	*slot &= ~BIT(2);
	n.flags = PHYRSIM_WALK_UPDATE;
	expect_translation(&n, RO);
	*guest_slot(&n, 0) &= ~BIT(7);
	expect_translation(&n, RO);
	assert_int_equal(walk(&n, RW), PHYR_E_FAULT);
	assert_int_equal(n.walk.fault, PHYRSIM_FAULT_WRITE);
	assert_true(n.walk.second);
	assert_int_equal(*guest_slot(&n, 0) & BIT(7), 0);
	n.flags = PHYRSIM_WALK_PEEK;
	assert_int_equal(walk(&n, RW), PHYR_E_FAULT);
	assert_int_equal(n.walk.fault, PHYRSIM_FAULT_WRITE);
	close_nested(&n);
}

static void without_updates_clean_leaves_fault_in_their_stage(void **state)
{
	struct nested n;

	(void)state;
	open_nested(&n, &riscv, 3, 3, 0);
	*guest_slot(&n, 0) &= ~BIT(6);
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_ACCESSED, false, 0);
	*guest_slot(&n, 0) |= BIT(6);
	*host_slot(&n, GUEST + (n.tables[1] & BITS(20, 0)) + BIT(21), 0) &= ~BIT(6);
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_ACCESSED, true, 0);
	close_nested(&n);
}

static void a_fault_is_of_the_stage_that_makes_it(void **state)
{
	struct nested n;

	(void)state;
	open_nested(&n, &intel, 4, 4, 0);
	*guest_slot(&n, 0) ^= BIT(1);
	expect_nested_fault(&n, RW, PHYRSIM_FAULT_WRITE, false, 0);
	*guest_slot(&n, 0) ^= BIT(1);
	*host_slot(&n, DATA + (n.iova & 0xfff), 0) ^= BIT(1);
	expect_nested_fault(&n, RW, PHYRSIM_FAULT_WRITE, true, 0);
	assert_int_equal(n.walk.perm, RO);
	*host_slot(&n, DATA + (n.iova & 0xfff), 0) = 0;
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_NOT_PRESENT, true, 0);
	*guest_slot(&n, 2) = 0;
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_NOT_PRESENT, false, 2);
	*guest_slot(&n, 3) = pointer(PHYRSIM_FORMAT_X86_FS, BIT(50), 3);
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_WIDTH, true, 3);
	n.iova = BIT(47);
	expect_nested_fault(&n, RO, PHYRSIM_FAULT_WIDTH, false, 3);
	close_nested(&n);
}

static void pairs_that_are_no_first_and_second_stage_are_refused(void **state)
{
	struct phyrsim_access access = { phyr_iova_at(0), RO, 0 };
	struct phyrsim_walk found;
	struct nested n;

	(void)state;
	open_nested(&n, &riscv, 3, 3, 0);
	assert_int_equal(phyrsim_walk_nested(n.host.mem, &n.first, &n.first, &access, &found),
			 PHYR_E_INVAL);
	assert_int_equal(
		phyrsim_walk_nested(n.host.mem, &n.host.root, &n.host.root, &access, &found),
		PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_nested(NULL, &n.first, &n.host.root, &access, &found),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_nested(n.host.mem, NULL, &n.host.root, &access, &found),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_nested(n.host.mem, &n.first, NULL, &access, &found),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_nested(n.host.mem, &n.first, &n.host.root, NULL, &found),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_walk_nested(n.host.mem, &n.first, &n.host.root, &access, NULL),
			 PHYR_E_INVAL);
	close_nested(&n);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(each_table_of_the_first_stage_costs_a_walk_of_the_second),
		cmocka_unit_test(the_counts_do_not_depend_on_the_format),
		cmocka_unit_test(a_large_leaf_for_the_data_alone_saves_one_entry),
		cmocka_unit_test(a_cold_walk_marks_each_leaf_once),
		cmocka_unit_test(a_mark_in_the_first_stage_writes_the_memory_of_its_table),
		cmocka_unit_test(marks_in_memory_that_may_not_be_written_fault),
		cmocka_unit_test(without_updates_clean_leaves_fault_in_their_stage),
		cmocka_unit_test(a_fault_is_of_the_stage_that_makes_it),
		cmocka_unit_test(pairs_that_are_no_first_and_second_stage_are_refused),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
