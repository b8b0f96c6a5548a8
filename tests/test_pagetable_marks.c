/* SPDX-License-Identifier: MIT */
/*
 * Hardware marks what it accesses while a leaf is being split or cleaned, before any of the stores:
 * no mark is lost. It is the walker that marks, which shares no code with the writer.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define PLACE_CNT 5

void phyrsim_pagetable_record(phyr_pa item, uint64_t value);

/* When and where there is an access. */
static struct {
	unsigned int store_cnt; /* so far */
	unsigned int before;	/* before which store, from 1; 0 = never */
	uint64_t iova;
	bool write;
	bool done; /* and it was allowed */
} device;

void phyrsim_pagetable_record(phyr_pa item, uint64_t value)
{
	struct phyrsim_access access = { { device.iova }, RO, PHYRSIM_WALK_UPDATE };
	struct phyrsim_root root;
	struct phyrsim_walk walk;

	(void)item;
	(void)value;
	if (++device.store_cnt != device.before)
		return;
	access.perm = device.write ? WO : RO;
	root = root_now();
	device.done = phyrsim_walk(w.mem, &root, &access, &walk) == PHYR_OK;
}

static int read_dirty(uint64_t first, uint64_t len)
{
	uint64_t words[1] = { 0 };
	struct phyrsim_dirty_bitmap bitmap = { words, 64, phyr_bits_log2(len) };
	struct phyr_iova_range range = { { first }, len };

	return phyrsim_pagetable_read_dirty(w.table, range, 0, &bitmap, &w.gather);
}

static struct phyrsim_leaf leaf_at(uint64_t iova)
{
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(iova), &pa, &leaf), 0);
	return leaf;
}

/* The bit that says that an item was accessed, where a map does not set it. */
static uint64_t accessed_bit(void)
{
	enum phyrsim_format format = root_now().format;

	return format == VTD ? 0x100 : format == AMD ? 0x20 : 0;
}

/* Splits a clean leaf that is alone, with an access before one of the stores. */
static void split_with(uint64_t first, unsigned int lg2, uint64_t at, unsigned int before)
{
	uint64_t len = phyr_bits_size(lg2), marks = accessed_bit();

	device.before = 0;
	assert_int_equal(map(first, 0, len), PHYR_OK);
	assert_int_equal(read_dirty(first, len), PHYR_OK);
	assert_false(leaf_at(first).dirty);
	device.before = before;
	device.store_cnt = 0;
	device.done = false;
	assert_int_equal(
		phyrsim_pagetable_split(w.table, phyr_iova_at(first + at), NULL, &w.gather),
		PHYR_OK);
	device.before = 0;
	assert_int_equal(leaf_at(device.iova).dirty, device.done && device.write);
	if (device.done)
		assert_int_equal(find(device.iova).item & marks, marks);
	else
		assert_false(leaf_at(first).dirty);
	assert_true(phyrsim_pagetable_validate(w.table, NULL));
	assert_int_equal(unmap(first, len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	phyr_gather_init(&w.gather);
}

/* Before each of the last stores, and before a few of the many that hardware does not see. */
static void check_moments(uint64_t first, unsigned int lg2, uint64_t at, uint64_t place)
{
	unsigned int store_cnt, late_cnt = 0;

	device.iova = first + place;
	split_with(first, lg2, at, 0);
	store_cnt = device.store_cnt;
	for (unsigned int before = 1; before <= store_cnt; before++) {
		unsigned int rest = store_cnt - before;

		if (rest >= 20 && before % 509 != 1)
			continue;
		device.write = before % 4 != 0;
		split_with(first, lg2, at, before);
		late_cnt += device.done;
	}
	assert_true(late_cnt > 0);
}

static void check_cut(unsigned int lg2, uint64_t at)
{
	uint64_t len = phyr_bits_size(lg2);
	uint64_t places[PLACE_CNT] = { 0, at - 1, at, len / 2 + 1, len - 1 };

	for (size_t i = 0; i < PLACE_CNT; i++)
		check_moments(w.caps.iova.first.addr + len, lg2, at, places[i]);
}

static void check_config(const struct config *config)
{
	open_config(config);
	for (unsigned int lg2 = 13; lg2 < 34; lg2++) {
		if (!(w.caps.sizes.mask >> lg2 & 1) || phyr_bits_size(lg2) == granule())
			continue;
		check_cut(lg2, granule());
		check_cut(lg2, phyr_bits_size(lg2) - granule());
	}
	close_config();
}

static void a_mark_before_any_store_of_a_split_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++)
		if (config_tracks(&configs[i]))
			check_config(&configs[i]);
}

static void a_mark_stays_where_arm_splits_in_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct config config = configs[i];

		config.features |= PHYRSIM_FEATURE_BBM2;
		if (config_tracks(&config) && (config.format == ARM1 || config.format == ARM2))
			check_config(&config);
	}
}

/* Of a group, nobody knows which bytes they were: they are marks of all pieces. */
static void a_mark_of_a_group_becomes_one_of_every_piece(void **state)
{
	static const struct config amd = { AMD, 3, 0, 0, COHERENT };

	(void)state;
	open_config(&amd);
	assert_int_equal(map(0x10000, 0, 0x10000), PHYR_OK);
	device.store_cnt = 0;
	device.before = 8; /* seven of sixteen items are replaced */
	device.iova = 0x1f000;
	device.write = true;
	assert_int_equal(phyrsim_pagetable_split(w.table, phyr_iova_at(0x18000), NULL, &w.gather),
			 PHYR_OK);
	device.before = 0;
	assert_true(device.done);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(find(0x10000 + i * KIB4).item & 0x60, 0x60);
	close_config();
}

/* What was accessed between the look at an item and its cleaning is still accessed behind it. */
static void a_mark_before_a_cleaning_stays(void **state)
{
	static const struct config intel = { VTD, 4, 0, 0, 0 };

	(void)state;
	open_config(&intel);
	assert_int_equal(map(0, 0, KIB4), PHYR_OK);
	/* Dirty, but not accessed. */
	phyrsim_mem_frame(w.mem, leaf_at(0).entry_pa)[0] |= 0x200;
	device.store_cnt = 0;
	device.before = 1;
	device.iova = 0;
	device.write = false;
	assert_int_equal(read_dirty(0, KIB4), PHYR_OK);
	device.before = 0;
	assert_true(device.done);
	assert_false(leaf_at(0).dirty);
	assert_int_equal(find(0).item & 0x300, 0x100);
	close_config();
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_mark_before_any_store_of_a_split_stays),
		cmocka_unit_test(a_mark_stays_where_arm_splits_in_place),
		cmocka_unit_test(a_mark_of_a_group_becomes_one_of_every_piece),
		cmocka_unit_test(a_mark_before_a_cleaning_stays),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
