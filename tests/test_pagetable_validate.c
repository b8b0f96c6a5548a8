/* SPDX-License-Identifier: MIT */
/*
 * The audit of a table: tables of every configuration pass it whatever was done to them, and each
 * thing that can be wrong is found, by the sentence that says what it is.
 */
#include "../sim/pagetable/table.h"
#include "pagetable_formats.h"

static const struct config vtd = { VTD, 4, 0, 0, 0 };
static const struct config amd = { AMD, 3, 0, 0, COHERENT };
static const struct config arm = { ARM1, 0, 12, 48, CONT };
static const struct config riscv = { RV1, 4, 0, 0, CONT };

static void expect_sound(void)
{
	const char *reason = NULL;

	if (!phyrsim_pagetable_validate(w.table, &reason))
		print_message("%s\n", reason);
	assert_null(reason);
}

static void expect_flaw(const char *sentence)
{
	const char *reason = "none";

	assert_false(phyrsim_pagetable_validate(w.table, &reason));
	assert_string_equal(reason, sentence);
	assert_false(phyrsim_pagetable_validate(w.table, NULL));
}

/* Two leaves of a granule and one of 2 MiB, with 64 KiB where there are groups. */
static void open_mapped(const struct config *config)
{
	open_config(config);
	assert_int_equal(map(0x1000, 0x5000, 0x2000), PHYR_OK);
	assert_int_equal(map(0x10000, 0x30000, 0x10000), PHYR_OK);
	assert_int_equal(map(0x200000, 0x600000, 0x200000), PHYR_OK);
	expect_sound();
}

/* A table on the path of address 0. */
static struct phyrsim_node *node_at(unsigned int level)
{
	struct phyrsim_node *node = w.table->top;

	while (node->level > level)
		node = node->child[0];
	return node;
}

/* Is found while a value is in the place of another. */
#define EXPECT_FLAW(place, value, sentence)       \
	do {                                      \
		__typeof__(place) *at = &(place); \
		__typeof__(place) good = *at;     \
		*at = (value);                    \
		expect_flaw(sentence);            \
		*at = good;                       \
	} while (0)

/* Unless a leaf reaches out of it. */
static void clear(struct phyr_iova_range range)
{
	int result = phyrsim_pagetable_unmap_sparse(w.table, range, &w.gather);

	assert_true(result == PHYR_OK || result == PHYR_E_PARTIAL);
}

static void every_configuration_is_sound_whatever_is_done(void **state)
{
	uint64_t random = test_number("PHYR_SEED", 1);

	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		expect_sound();
		for (unsigned int call = 0; call < 400; call++) {
			uint64_t at = test_random(&random) % 0x4000 * granule();
			uint64_t len = (1 + test_random(&random) % 600) * granule();
			struct phyr_iova_range range = { { w.caps.iova.first.addr + at }, len };

			if (test_random(&random) % 3 != 0)
				(void)map(range.iova.addr, at + (test_random(&random) & 0x40000000),
					  len);
			else
				clear(range);
			if (call % 16 == 0)
				phyrsim_pagetable_release(w.table, &w.gather);
			if (call % 8 == 0)
				expect_sound();
		}
		close_config();
	}
}

static void marks_of_hardware_are_sound(void **state)
{
	static const struct {
		const struct config *config;
		uint64_t marks;
	} cases[] = { { &vtd, 0x300 }, { &amd, 0x60 }, { &arm, 0x400 }, { &riscv, 0xc0 } };

	(void)state;
	for (size_t i = 0; i < CNT(cases); i++) {
		open_mapped(cases[i].config);
		node_at(0)->items[0x11] ^= cases[i].marks;
		node_at(0)->items[2] ^= cases[i].marks;
		expect_sound();
		close_config();
	}
}

static void live_marks_and_counts_are_compared_with_items(void **state)
{
	(void)state;
	open_mapped(&vtd);
	EXPECT_FLAW(node_at(0)->live[0], node_at(0)->live[0] ^ 1,
		    "a live bit and its item do not agree");
	EXPECT_FLAW(node_at(0)->items[1], 0, "a live bit and its item do not agree");
	EXPECT_FLAW(node_at(0)->items[9], 3, "a live bit and its item do not agree");
	EXPECT_FLAW(node_at(0)->live_cnt, 1, "the number of live items is wrong");
	expect_sound();
	close_config();
}

static void tables_are_compared_with_their_frames_and_places(void **state)
{
	uint64_t other[512] = { 0 };

	(void)state;
	open_mapped(&vtd);
	EXPECT_FLAW(node_at(0)->items, other, "a table is not in the frame that it names");
	EXPECT_FLAW(node_at(0)->items, NULL, "a table is not in the frame that it names");
	EXPECT_FLAW(node_at(0)->item_lg2, 13, "a table's items have another size than its level");
	EXPECT_FLAW(node_at(0)->parent, w.table->top, "a table does not know the one above it");
	EXPECT_FLAW(node_at(0)->level, 1, "a table does not know the one above it");
	EXPECT_FLAW(node_at(0)->span.first, 0x1000,
		    "a table does not translate what its item does");
	EXPECT_FLAW(w.table->pa_last, PHYRSIM_MEM_BASE - 1,
		    "a table is beyond the width of addresses");
	EXPECT_FLAW(w.table->top->level, 2, "the top is not where it must be");
	EXPECT_FLAW(w.table->top->span.last, 0xfff,
		    "the top does not translate the width of addresses");
	EXPECT_FLAW(w.table->near, node_at(0),
		    "the table that look-ups start from is not one of the tree");

	expect_sound();
	close_config();
}

static void a_table_that_is_too_wide_for_its_items_is_found(void **state)
{
	(void)state;
	open_mapped(&vtd);
	w.table->geometry.iova_bits = 49;
	EXPECT_FLAW(w.table->top->span.last, (UINT64_C(1) << 49) - 1,
		    "a table translates more or less than its items");
	w.table->geometry.iova_bits = 48;
	expect_sound();
	close_config();
}

static void pointers_are_compared_with_the_tables_below(void **state)
{
	struct phyrsim_node *middle;

	(void)state;
	open_mapped(&vtd);
	middle = node_at(1);
	EXPECT_FLAW(middle->items[0], middle->items[0] ^ 0x1000,
		    "an item does not point to the table that is known there");
	EXPECT_FLAW(middle->items[0], middle->items[0] | 0x800,
		    "an item does not point to the table that is known there");
	EXPECT_FLAW(middle->items[1], UINT64_C(0x100000009003),
		    "an item points to a table that nobody knows");
	expect_sound();
	close_config();
}

static void an_empty_table_that_stays_is_found(void **state)
{
	struct phyrsim_node *node;

	(void)state;
	open_config(&vtd);
	assert_int_equal(map(0x1000, 0x5000, 0x1000), PHYR_OK);
	node = node_at(0);
	EXPECT_FLAW(node->items[1], (node->live[0] = 0, node->live_cnt = 0, UINT64_C(0)),
		    "an empty table has stayed");
	node->live[0] = 2;
	node->live_cnt = 1;
	expect_sound();
	close_config();
}

static void groups_are_whole(void **state)
{
	const struct config *const grouped[] = { &amd, &arm, &riscv };

	(void)state;
	for (size_t i = 0; i < CNT(grouped); i++) {
		struct phyrsim_node *node;

		open_mapped(grouped[i]);
		node = node_at(0);
		EXPECT_FLAW(node->items[0x13], node->items[1], "a contiguous group is not whole");
		EXPECT_FLAW(node->items[0x1f], node->items[0x1f] ^ UINT64_C(0x20000),
			    "a contiguous group is not whole");
		EXPECT_FLAW(node->items[2], node->items[0x10],
			    "a contiguous group does not begin where it must");
		expect_sound();
		close_config();
	}
}

/* Arm tells clean and dirty by a permission: where hardware marks nothing, it is one and no mark. */
static void items_of_a_group_allow_the_same_unless_hardware_marks_them(void **state)
{
	static const struct config dirty = { ARM1, 0, 12, 48, CONT | PHYRSIM_FEATURE_DIRTY };
	const uint64_t read_only = 0x80;
	uint64_t *items;

	(void)state;
	open_mapped(&arm);
	items = node_at(0)->items;
	EXPECT_FLAW(items[0x13], items[0x13] ^ read_only, "a contiguous group is not whole");
	close_config();
	open_mapped(&dirty);
	items = node_at(0)->items;
	items[0x13] ^= read_only;
	expect_sound();
	items[0x13] ^= UINT64_C(1) << 51; /* and without DBM it is none either */
	expect_flaw("a contiguous group is not whole");
	items[0x13] ^= UINT64_C(1) << 51 | read_only;
	close_config();
}

static void leaves_have_sizes_of_their_level_and_lie_well(void **state)
{
	struct phyrsim_node *node;

	(void)state;
	open_mapped(&amd);
	node = node_at(0);
	EXPECT_FLAW(node->items[1], UINT64_C(0x7000000012fffe01) | 0xff000,
		    "a leaf has a size that its level has not");
	EXPECT_FLAW(node->items[1], UINT64_C(0x700ffffffffffe01),
		    "a leaf has a size that its level has not");
	close_config();
	open_mapped(&vtd);
	EXPECT_FLAW(node_at(1)->items[1], UINT64_C(0x601083),
		    "a leaf leads where none of its size may lie");
	expect_sound();
	close_config();
}

static void statistics_are_counted_again(void **state)
{
	(void)state;
	open_mapped(&vtd);
	EXPECT_FLAW(w.table->stats.leaves.cnt[12], 19, "leaves are counted wrongly");
	EXPECT_FLAW(w.table->stats.leaves.cnt[30], 1, "leaves are counted wrongly");
	EXPECT_FLAW(w.table->stats.table_cnt, 3, "tables are counted wrongly");
	EXPECT_FLAW(w.table->stats.table_max, 3, "tables are counted wrongly");
	expect_sound();
	close_config();
}

/* The table of two leaves is held back, empty; the next one, of one leaf, is not. */
static struct phyrsim_node *open_held(void)
{
	open_mapped(&vtd);
	assert_int_equal(map(0x400000, 0x5000, 0x1000), PHYR_OK);
	assert_int_equal(unmap(0x400000, 0x1000), PHYR_OK);
	expect_sound();
	assert_non_null(w.gather.freed);
	return w.gather.freed;
}

static void what_is_held_back_is_looked_at(void **state)
{
	struct phyrsim_node *held = open_held();
	struct phyrsim_node *other = NULL;
	uint64_t words[512] = { 0 };

	(void)state;
	assert_true(held->vacant);
	EXPECT_FLAW(held->items[7], 1, "a table that may go back into its place is not empty");
	EXPECT_FLAW(held->items, NULL,
		    "a table is to go back into its place, but its frame is gone");
	EXPECT_FLAW(held->items, words,
		    "a table that is held back is not in the frame that it names");
	EXPECT_FLAW(held->span.first, 0x600000, "a table is held back at another's place");
	EXPECT_FLAW(held->bucket_link, &other, "a list of tables that are held back is broken");
	expect_sound();
	close_config();
}

static void replaced_tops_are_held_back(void **state)
{
	(void)state;
	open_config(&amd);
	assert_int_equal(map(UINT64_C(1) << 39, 0x5000, 0x1000), PHYR_OK);
	expect_sound();
	assert_non_null(w.table->retired);
	EXPECT_FLAW(w.table->retired->bucket_link, NULL,
		    "a list of tables that are held back is broken");
	EXPECT_FLAW(w.table->retired, w.table->top,
		    "a top that has been replaced is not held back");
	expect_sound();
	close_config();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_configuration_is_sound_whatever_is_done),
		cmocka_unit_test(marks_of_hardware_are_sound),
		cmocka_unit_test(live_marks_and_counts_are_compared_with_items),
		cmocka_unit_test(tables_are_compared_with_their_frames_and_places),
		cmocka_unit_test(a_table_that_is_too_wide_for_its_items_is_found),
		cmocka_unit_test(pointers_are_compared_with_the_tables_below),
		cmocka_unit_test(an_empty_table_that_stays_is_found),
		cmocka_unit_test(groups_are_whole),
		cmocka_unit_test(items_of_a_group_allow_the_same_unless_hardware_marks_them),
		cmocka_unit_test(leaves_have_sizes_of_their_level_and_lie_well),
		cmocka_unit_test(statistics_are_counted_again),
		cmocka_unit_test(what_is_held_back_is_looked_at),
		cmocka_unit_test(replaced_tops_are_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
