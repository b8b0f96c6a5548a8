/* SPDX-License-Identifier: MIT */
/*
 * What hardware may see while a leaf is split: before every store that it can see it walks to the
 * old and to the new pieces, and finds the same memory, or on Arm for a moment nothing.
 */
#include <phyrsim/pagetable_split.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define PROBE_CNT 12

void phyrsim_pagetable_record(phyr_pa item, uint64_t value);

/* What is being watched. */
static struct {
	bool on;
	uint64_t first, probes[PROBE_CNT]; /* a leaf of memory from 0 on, and bytes of it */
	uint64_t items_first, items_last;  /* [pa] of the leaf's own items */
	unsigned int private_cnt, zero_cnt, own_cnt;
	unsigned int absent_cnt; /* times that hardware would have faulted */
	uint64_t last_item;	 /* [pa] of the last item that became something else */
	bool backwards;
} watch;

static void probe_all(void)
{
	struct phyrsim_root root = root_now();

	for (unsigned int i = 0; i < PROBE_CNT; i++) {
		struct phyrsim_access access = { { watch.first + watch.probes[i] }, RW, 0 };
		struct phyrsim_walk walk;

		if (phyrsim_walk(w.mem, &root, &access, &walk) == PHYR_OK) {
			assert_int_equal(walk.pa.addr, watch.probes[i]);
			continue;
		}
		assert_int_equal(walk.fault, PHYRSIM_FAULT_NOT_PRESENT);
		watch.absent_cnt++;
	}
}

void phyrsim_pagetable_record(phyr_pa item, uint64_t value)
{
	bool own = item.addr >= watch.items_first && item.addr <= watch.items_last;

	if (!watch.on)
		return;
	/* What hardware does not see yet is written in long rows: a look now and then is enough. */
	if (own || watch.private_cnt % 64 == 0)
		probe_all();
	if (!own) {
		watch.private_cnt++;
		assert_int_equal(watch.own_cnt + watch.zero_cnt, 0);
	} else if (value == 0) {
		watch.zero_cnt++;
	} else {
		watch.backwards |= watch.own_cnt > 0 && item.addr <= watch.last_item;
		watch.own_cnt++;
		watch.last_item = item.addr;
	}
}

/* Maps a leaf alone and watches it being cut. */
static void watch_split(uint64_t first, unsigned int lg2, uint64_t at)
{
	uint64_t len = phyr_bits_size(lg2);
	struct phyrsim_leaf leaf;
	unsigned int item;
	phyr_pa pa;

	memset(&watch, 0, sizeof(watch));
	assert_int_equal(map(first, 0, len), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(first), &pa, &leaf), 0);
	item = item_lg2(&(struct phyrsim_root){ .granule_lg2 = phyr_sizes_min_lg2(w.caps.sizes) },
			leaf.level);
	watch.first = first;
	watch.items_first = leaf.entry_pa.addr;
	watch.items_last = leaf.entry_pa.addr + ((len >> item) - 1) * 8;
	for (unsigned int i = 0; i < PROBE_CNT - 3; i++)
		watch.probes[i] = len / (PROBE_CNT - 3) * i;
	watch.probes[PROBE_CNT - 3] = at - 1;
	watch.probes[PROBE_CNT - 2] = at;
	watch.probes[PROBE_CNT - 1] = len - 1;
	watch.on = true;
	assert_int_equal(
		phyrsim_pagetable_split(w.table, phyr_iova_at(first + at), NULL, &w.gather),
		PHYR_OK);
	probe_all();
	watch.on = false;
	assert_int_equal(unmap(first, len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
	/* Every item of the leaf became something else, once. */
	assert_int_equal(watch.own_cnt, len >> item);
}

static void check_order(const struct config *config, unsigned int lg2, uint64_t at)
{
	bool breaks = (config->format == ARM1 || config->format == ARM2) &&
		      !(config->features & PHYRSIM_FEATURE_BBM2);

	watch_split(w.caps.iova.first.addr + phyr_bits_size(lg2), lg2, at);
	assert_int_equal(watch.zero_cnt, breaks ? watch.own_cnt : 0);
	assert_int_equal(watch.absent_cnt > 0, breaks);
}

static void check_config(const struct config *config)
{
	open_config(config);
	for (unsigned int lg2 = 13; lg2 < 64; lg2++) {
		uint64_t len = phyr_bits_size(lg2);

		if (!(w.caps.sizes.mask & len) || len == granule())
			continue;
		check_order(config, lg2, granule());
		check_order(config, lg2, len / 2);
		check_order(config, lg2,
			    phyr_bits_down(len / 3 * 2, phyr_sizes_min_lg2(w.caps.sizes)));
	}
	close_config();
}

static void every_prefix_of_a_split_translates_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++)
		check_config(&configs[i]);
}

static void arm_that_need_not_break_never_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct config config = configs[i];

		config.features |= PHYRSIM_FEATURE_BBM2;
		if (config.format == ARM1 || config.format == ARM2)
			check_config(&config);
	}
}

static void one_store_shows_what_replaces_one_item(void **state)
{
	static const struct config intel = { VTD, 4, 0, 0, 0 };

	(void)state;
	open_config(&intel);
	watch_split(UINT64_C(0x40000000), 30, UINT64_C(0x203000));
	assert_int_equal(watch.own_cnt, 1);
	assert_int_equal(watch.private_cnt, 512 + 512);
	close_config();
}

static void items_of_a_group_go_up_and_a_pointer_comes_last(void **state)
{
	static const struct config amd = { AMD, 3, 0, 0, COHERENT };

	(void)state;
	open_config(&amd);
	watch_split(0, 20, 0x5000);
	assert_false(watch.backwards);
	assert_int_equal(watch.own_cnt, 256);
	watch_split(0, 24, 0x403000);
	assert_true(watch.backwards);
	assert_int_equal(watch.last_item, watch.items_first + 2 * 8);
	close_config();
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_prefix_of_a_split_translates_as_before),
		cmocka_unit_test(arm_that_need_not_break_never_faults),
		cmocka_unit_test(one_store_shows_what_replaces_one_item),
		cmocka_unit_test(items_of_a_group_go_up_and_a_pointer_comes_last),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
