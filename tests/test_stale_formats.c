/* SPDX-License-Identifier: MIT */
/*
 * The shadow of the caches in what formats and hardware differ: leaves of several items, hints,
 * widths, halves, tops that grow; and in every configuration what is the same in all.
 */
#include "stale_world.h"

/* A world of one format. */
static struct world *open_one(const struct config *config, enum phyrsim_personality personality)
{
	struct phyrsim_inval_params params = { .personality = personality };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_open_as(w, config, &params, false);
	return w;
}

static void shut(struct world *w)
{
	world_close(w);
	free(w);
}

static struct phyrsim_command command(uint64_t first, uint64_t len, bool walk, unsigned int hint)
{
	struct phyrsim_command range = { PHYR_FLUSH_RANGE, { { first }, len }, walk, hint };

	return range;
}

/* How much a command leaves. */
static uint64_t left(struct world *w, uint64_t first, uint64_t len, bool walk, unsigned int hint)
{
	struct phyrsim_command range = command(first, len, walk, hint);

	phyrsim_stale_apply(w->stale, &range);
	return phyrsim_stale_cnt(w->stale);
}

static uint64_t granule(const struct world *w)
{
	return phyr_bits_size(granule_lg2(w));
}

/* [log2 bytes] what an item of a level translates */
static unsigned int item_lg2(const struct world *w, unsigned int level)
{
	return granule_lg2(w) + (granule_lg2(w) - 3) * level;
}

static void every_leaf_and_every_pointer_is_noted_in_every_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		struct world *w = open_one(&configs[i], PHYRSIM_INVAL_GENERIC);
		uint64_t first = w->caps.iova.first.addr;
		unsigned int pointer_cnt;

		assert_int_equal(map(w, first, granule(w), granule(w)), PHYR_OK);
		pointer_cnt = root_of(w).level_cnt - 1;
		assert_int_equal(phyrsim_stale_cnt(w->stale), 1 + pointer_cnt);
		assert_int_equal(check(w).cnt, 0);
		assert_int_equal(left(w, first, granule(w), false, 0), pointer_cnt);
		/* Beside the lowest table, whose pointer stays. */
		assert_int_equal(left(w, first + phyr_bits_size(item_lg2(w, 1)), 1, true, 0), 1);
		shut(w);
	}
}

/* Reused before its flush: what the address led to is still cached. */
static void an_address_that_leads_elsewhere_before_its_flush_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		struct world *w = open_one(&configs[i], PHYRSIM_INVAL_GENERIC);
		uint64_t at = w->caps.iova.last.addr - (4 * granule(w) - 1), pa = 8 * granule(w);

		assert_int_equal(map(w, at, pa, granule(w)), PHYR_OK);
		assert_int_equal(unmap(w, at, granule(w)), PHYR_OK);
		assert_int_equal(map(w, at, pa, granule(w)), PHYR_OK);
		assert_int_equal(check(w).cnt, 0); /* to the same memory */
		assert_int_equal(unmap(w, at, granule(w)), PHYR_OK);
		assert_int_equal(map(w, at, 2 * pa, granule(w)), PHYR_OK);
		assert_int_equal(check(w).cnt, 1);
		assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
		assert_int_equal(check(w).iova.addr, at);
		assert_int_equal(check(w).pa.addr, pa);
		assert_int_equal(check(w).lg2, granule_lg2(w));
		flush(w);
		assert_int_equal(check(w).cnt, 0);
		shut(w);
	}
}

static void other_permissions_and_types_of_memory_are_stale(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		struct world *w = open_one(&configs[i], PHYRSIM_INVAL_GENERIC);
		struct phyr_iova_range range = { { w->caps.iova.first.addr }, granule(w) };
		bool types = attrs_of(&configs[i], PHYRSIM_ATTR_MMIO) != 0;

		assert_int_equal(map(w, range.iova.addr, granule(w), 2 * granule(w)), PHYR_OK);
		assert_int_equal(phyrsim_iommu_protect(w->iommu, range, RO, 0, &w->gather),
				 PHYR_OK);
		assert_int_equal(check(w).cnt, 1);
		assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
		flush(w);
		assert_int_equal(check(w).cnt, 0);
		touch(w, range.iova.addr, range.len);
		assert_int_equal(
			phyrsim_iommu_protect(w->iommu, range, RO, PHYRSIM_ATTR_MMIO, &w->gather),
			PHYR_OK);
		assert_int_equal(check(w).cnt, types);
		shut(w);
	}
}

/* 64K of 16 items: each must be reached, or all of it by one window. */
static void a_leaf_of_several_items_is_cached_in_the_form_that_is_harder_to_drop(void **state)
{
	static const struct {
		struct config config;
		enum phyrsim_personality personality;
		uint64_t cached_cnt, left_cnt; /* after a command for one item */
	} rows[] = {
		{ { ARM1, 0, 12, 48, CONT }, PHYRSIM_INVAL_ARM, 16, 15 },
		{ { ARM2, 0, 12, 48, CONT }, PHYRSIM_INVAL_ARM_SINGLE, 16, 15 },
		{ { RV1, 4, 0, 0, CONT }, PHYRSIM_INVAL_RISCV, 16, 15 },
		{ { AMD, 4, 0, 0, 0 }, PHYRSIM_INVAL_GENERIC, 16, 15 },
		{ { AMD, 4, 0, 0, 0 }, PHYRSIM_INVAL_AMD, 1, 1 },
		{ { ARM1, 0, 12, 48, 0 }, PHYRSIM_INVAL_ARM, 16, 15 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		struct world *w = open_one(&rows[i].config, rows[i].personality);

		assert_int_equal(map(w, 0x10000, 0x30000, 0x10000), PHYR_OK);
		assert_int_equal(phyrsim_stale_cnt(w->stale), rows[i].cached_cnt + 3);
		assert_int_equal(left(w, 0x13000, K4, false, 0), rows[i].left_cnt + 3);
		assert_int_equal(left(w, 0x10000, 0x10000, false, 0), 3);
		shut(w);
	}
}

/* The same memory in leaves of another size. */
static void another_size_of_the_leaf_is_stale(void **state)
{
	static const struct config config = { ARM1, 0, 12, 48, CONT };
	struct world *w = open_one(&config, PHYRSIM_INVAL_ARM);

	(void)state;
	assert_int_equal(map(w, 0x10000, 0x30000, 0x10000), PHYR_OK);
	assert_int_equal(unmap(w, 0x10000, 0x10000), PHYR_OK);
	assert_int_equal(map(w, 0x10000, 0x30000, 0x8000), PHYR_OK);
	assert_int_equal(map(w, 0x18000, 0x38000, 0x8000), PHYR_OK);
	assert_int_equal(check(w).cnt, 16);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
	assert_int_equal(check(w).pa.addr, 0x30000);
	shut(w);
}

/* A group of level 0, a block, and the pointers on their ways, by all hints there are. */
static void a_hint_means_leaves_of_its_level_and_what_leads_to_them(void **state)
{
	static const struct config rows[] = { { ARM1, 0, 12, 48, CONT },
					      { ARM2, 0, 14, 48, CONT },
					      { ARM1, 0, 16, 48, CONT } };

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		for (unsigned int hint = 0; hint < 2; hint++) {
			struct world *w = open_one(&rows[i], PHYRSIM_INVAL_ARM);
			uint64_t block = phyr_bits_size(item_lg2(w, 1));
			uint64_t reach = 2 * block, group = phyr_bits_size(granule_lg2(w) + 4);
			unsigned int pointer_cnt = root_of(w).level_cnt - 1;

			assert_int_equal(map(w, 0, block, block), PHYR_OK);
			assert_int_equal(map(w, block, 3 * group, granule(w)), PHYR_OK);
			assert_int_equal(phyrsim_stale_cnt(w->stale), 2 + pointer_cnt);
			/* A contiguous size is a hint of its item's level. */
			assert_int_equal(left(w, 0, reach, false, granule_lg2(w) + hint * 4),
					 1 + pointer_cnt);
			assert_int_equal(left(w, 0, reach, true, item_lg2(w, 2)),
					 1 + pointer_cnt - (pointer_cnt > 2));
			/* The pointer to the table of level 0 leads to no block. */
			assert_int_equal(left(w, 0, reach, true, item_lg2(w, 1)), 1);
			assert_int_equal(left(w, 0, reach, true, granule_lg2(w)), 0);
			shut(w);
		}
	}
}

/* All of the addresses at once: what lies between the halves takes no time. */
static void both_halves_are_noted(void **state)
{
	static const struct config rows[] = { { X86, 5, 0, 0, 0 }, { RV1, 3, 0, 0, CONT } };

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		struct world *w = open_one(&rows[i], PHYRSIM_INVAL_GENERIC);
		uint64_t lower = w->caps.iova.last.addr - (K4 - 1), upper = 0 - K4;
		struct phyrsim_root root;

		assert_int_equal(map(w, lower, 0x7000, K4), PHYR_OK);
		assert_int_equal(map(w, upper, 0x9000, K4), PHYR_OK);
		root = root_of(w);
		assert_int_equal(left(w, 0, UINT64_MAX, true, 0), 0);
		touch(w, 0, UINT64_MAX);
		assert_int_equal(phyrsim_stale_cnt(w->stale), 2 * root.level_cnt);
		assert_int_equal(unmap(w, upper, K4), PHYR_OK);
		assert_int_equal(check(w).cnt, root.level_cnt);
		assert_int_equal(check(w).cause, PHYRSIM_STALE_TABLE_GONE);
		assert_int_equal(check(w).iova.addr,
				 0 - phyr_bits_size(item_lg2(w, root.level_cnt - 1)));
		flush(w);
		assert_int_equal(check(w).cnt, 0);
		assert_int_equal(phyrsim_stale_cnt(w->stale), root.level_cnt);
		shut(w);
	}
}

/* Above the top another top: what was cached leads where it did. */
static void a_top_that_grows_leaves_nothing_stale(void **state)
{
	static const struct config config = { AMD, 3, 0, 0, 0 };
	struct world *w = open_one(&config, PHYRSIM_INVAL_AMD);

	(void)state;
	assert_int_equal(map(w, 0x7000, 0x7000, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 1 + 2);
	assert_int_equal(map(w, UINT64_C(1) << 63, 0x9000, K4), PHYR_OK);
	assert_int_equal(root_of(w).level_cnt, 6);
	assert_int_equal(check(w).cnt, 0);
	touch(w, 0, 0x10000);
	assert_int_equal(phyrsim_stale_cnt(w->stale), (1 + 5) + (1 + 5));
	assert_int_equal(unmap(w, 0x7000, K4), PHYR_OK);
	assert_int_equal(check(w).cnt, 1 + 5);
	flush(w);
	assert_int_equal(check(w).cnt, 0);
	shut(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_and_every_pointer_is_noted_in_every_format),
		cmocka_unit_test(an_address_that_leads_elsewhere_before_its_flush_is_told),
		cmocka_unit_test(other_permissions_and_types_of_memory_are_stale),
		cmocka_unit_test(
			a_leaf_of_several_items_is_cached_in_the_form_that_is_harder_to_drop),
		cmocka_unit_test(another_size_of_the_leaf_is_stale),
		cmocka_unit_test(a_hint_means_leaves_of_its_level_and_what_leads_to_them),
		cmocka_unit_test(both_halves_are_noted),
		cmocka_unit_test(a_top_that_grows_leaves_nothing_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
