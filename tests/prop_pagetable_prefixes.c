/* SPDX-License-Identifier: MIT */
/*
 * Hardware may look at tables in the middle of a call. Random calls in every configuration, and
 * after every prefix of their stores the walker sees at each address the old or the new translation
 * (pagetable_stores.h); a call that fails stores nothing into memory that stays.
 *
 * Half of a contiguous group may be seen: hardware goes by one of its items, and that is old or new.
 * Arm wants some changes of it in two calls (break before make), as phyrsim_pagetable_protect()
 * says; a split breaks leaves itself, and hardware sees nothing of them for a moment. An audit, which
 * looks at whole groups, finds the halves, and none where there are no groups.
 *
 * Not here: what walk caches still lead to (the stale tests).
 *
 * PHYR_SEED and PHYR_ITER (calls for each configuration) repeat or lengthen a run.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "pagetable_stores.h"

#define LIVE_MAX 64
#define ANCHOR_CNT 4
#define DIRTY_MAX 4096

static struct phyr_iova_range
	live[LIVE_MAX]; /* mapped, as far as nothing else was unmapped there */
static size_t live_cnt;
static uint64_t anchors[ANCHOR_CNT];
static uint64_t random_state;
static uint64_t split_cnt; /* leaves that were split */

static unsigned int below(uint64_t end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

/* The window's first and last byte, its middle, and the first byte of another half if there is. */
static void set_anchors(const struct config *config)
{
	uint64_t first = w.caps.iova.first.addr, last = w.caps.iova.last.addr;

	anchors[0] = first;
	anchors[1] = last;
	anchors[2] = first + (last - first) / 2 + 1;
	anchors[3] = config_signed(config) ? ~last : anchors[2];
	live_cnt = 0;
}

/* One of the sizes, the smaller ones more often. */
static unsigned int random_lg2(void)
{
	uint64_t mask = w.caps.sizes.mask;
	unsigned int lg2 = phyr_bits_ctz(mask);

	while ((mask &= mask - 1) != 0 && below(3) != 0)
		lg2 = phyr_bits_ctz(mask);
	return lg2;
}

/* [bytes] what a table of level 0 translates */
static uint64_t table_len(void)
{
	return granule() * (granule() / 8);
}

/* A few leaves of a size near an anchor, with a few granules on both sides, or all of a table. */
static struct phyr_iova_range random_range(void)
{
	unsigned int lg2 = below(8) ? random_lg2() : phyr_bits_log2(table_len());
	uint64_t head = below(4), tail = below(4), size = phyr_bits_size(lg2);
	struct phyr_iova_range range;

	range.iova.addr = phyr_bits_down(anchors[below(ANCHOR_CNT)], lg2);
	range.iova.addr += below(8) * size - 4 * size - head * granule();
	range.len = (below(4) * size) + (head + tail) * granule();
	if (range.len == 0)
		range.len = granule();
	return range;
}

static struct phyr_iova_range live_or_random(void)
{
	struct phyr_iova_range range;
	uint64_t cnt, cut;

	if (live_cnt == 0 || below(8) == 0)
		return random_range();
	range = live[below(live_cnt)];
	cnt = range.len / granule();
	if (cnt > 1 && below(4) == 0) {
		cut = 1 + below(cnt - 1);
		range.iova.addr += cut * granule();
		range.len -= cut * granule();
	}
	return range;
}

/* Both ends and their neighbours, what lies inside, the ends of what is mapped elsewhere. */
static void set_watches(struct phyr_iova_range range)
{
	uint64_t cnt = range.len / granule();
	uint64_t first = range.iova.addr, last = first + (range.len - granule());
	uint64_t inside = phyr_bits_down(last, random_lg2());

	call.store_cnt = 0;
	call.watch_cnt = 0;
	watch(first - granule());
	watch(first);
	watch(last);
	watch(last + granule());
	watch(inside);
	watch(inside - granule());
	for (unsigned int i = 0; i < 24; i++)
		watch(first + (cnt < 24 ? i % cnt : (uint64_t)below(cnt)) * granule());
	for (size_t i = 0; i < 4 && live_cnt > 0; i++) {
		const struct phyr_iova_range *other = &live[below(live_cnt)];

		watch(other->iova.addr);
		watch(other->iova.addr + (other->len - 1));
	}
}

/* The call about a range is over, with this answer. Outside of the range nothing changes. */
static void check_call(const struct phyrsim_root *before, struct phyr_iova_range range, int result)
{
	if (result != PHYR_OK) {
		assert_int_equal(take_back(), 0);
		return;
	}
	look_new(before);
	assert_int_equal(replay(before), 0);
	for (size_t i = 0; i < call.watch_cnt; i++)
		if (call.watches[i].iova - range.iova.addr >= range.len)
			assert_int_equal(call.watches[i].changed, 0);
}

static int map_random(struct phyr_iova_range range)
{
	unsigned int lg2 = random_lg2(), perm = 1 + below(3), attrs = below(16);
	uint64_t pa = test_random(&random_state) & (w.caps.pa_last.addr >> 1);

	/* Out of phase with memory each granule is a store. */
	if (range.len > table_len() + 8 * granule() || below(4) != 0)
		lg2 = phyr_bits_log2(w.caps.sizes.mask);
	pa = phyr_bits_down(pa, lg2) | (range.iova.addr & phyr_bits_mask(lg2));
	return map_attrs(range.iova.addr, pa, range.len, perm, attrs);
}

static void step_map(void)
{
	struct phyr_iova_range range = random_range();
	struct phyrsim_root before = root_now(), after;
	int result;

	set_watches(range);
	w.host.alloc_cnt = 0;
	w.host.fail_at = below(8) == 0 ? below(6) : SIZE_MAX;
	result = map_random(range);
	w.host.fail_at = SIZE_MAX;
	check_call(&before, range, result);
	if (result != PHYR_OK)
		return;
	after = root_now();
	assert_true(look(&after, range.iova.addr, PHYRSIM_WALK_AUDIT).there);
	assert_true(look(&after, range.iova.addr + (range.len - 1), PHYRSIM_WALK_AUDIT).there);
	live[live_cnt < LIVE_MAX ? live_cnt++ : below(LIVE_MAX)] = range;
}

static void step_other(void)
{
	struct phyr_iova_range range = live_or_random();
	struct phyrsim_root before = root_now();
	unsigned int which = below(8), perm = 1 + below(3), attrs = below(16);
	int result;

	set_watches(range);
	if (which < 4)
		result = phyrsim_pagetable_protect(w.table, range, (enum phyr_perm)perm, attrs,
						   &w.gather);
	else if (which < 7)
		result = phyrsim_pagetable_unmap(w.table, range, &w.gather);
	else
		result = phyrsim_pagetable_unmap_sparse(w.table, range, &w.gather);
	check_call(&before, range, result);
	if (result == PHYR_OK && which >= 4)
		assert_false(look(&before, range.iova.addr, 0).there);
	if (below(16) == 0)
		phyrsim_pagetable_release(w.table, &w.gather);
}

/* The leaf that lies across a place, or the granule behind it. */
static struct phyr_iova_range leaf_across(phyr_iova at)
{
	struct phyr_iova_range range = { at, granule() };
	struct phyrsim_leaf leaf;

	if (phyrsim_pagetable_next(w.table, range, &leaf) == PHYR_OK) {
		range.iova = leaf.iova;
		range.len = phyr_bits_size(leaf.lg2);
	}
	return range;
}

/* Does each address lead where it did? */
static void check_same_memory(void)
{
	for (size_t i = 0; i < call.watch_cnt; i++) {
		const struct view *old = &call.watches[i].old, *new = &call.watches[i].new;

		assert_true(old->there == new->there && old->pa == new->pa);
		assert_int_equal(old->attrs, new->attrs);
	}
}

/* Anywhere in what is mapped, so mostly in the middle of a leaf; now and then without memory. */
static void step_split(const struct config *config)
{
	struct phyr_iova_range range = live_or_random();
	struct phyrsim_root before = root_now();
	phyr_iova at = range.iova;
	int result;

	at.addr += below(range.len / granule()) * granule();
	range = leaf_across(at);
	set_watches(range);
	watch(at.addr);
	watch(at.addr - 1);
	w.host.alloc_cnt = 0;
	w.host.fail_at = below(8) == 0 ? below(3) : SIZE_MAX;
	call.breaks = config->format == ARM1 || config->format == ARM2;
	result = phyrsim_pagetable_split(w.table, at, NULL, &w.gather);
	w.host.fail_at = SIZE_MAX;
	check_call(&before, range, result);
	call.breaks = false;
	split_cnt += call.store_cnt != 0;
	if (result != PHYR_OK)
		return;
	check_same_memory();
	for (size_t i = 0; i < call.watch_cnt; i++)
		assert_int_equal(call.watches[i].old.perm, call.watches[i].new.perm);
}

/* Of as many granules as there are bits for. */
static void step_dirty(void)
{
	static uint64_t bits[DIRTY_MAX / 64];
	struct phyrsim_dirty_bitmap bitmap = { bits, DIRTY_MAX, 0 };
	struct phyr_iova_range range = live_or_random();
	struct phyrsim_root before = root_now();
	int result;

	bitmap.page_lg2 = phyr_bits_log2(granule());
	if (range.len > DIRTY_MAX * granule())
		range.len = DIRTY_MAX * granule();
	set_watches(range);
	result = phyrsim_pagetable_read_dirty(w.table, range, 0, &bitmap, &w.gather);
	check_call(&before, range, result);
	if (result == PHYR_OK)
		check_same_memory();
}

/* Where nothing else says what it allows, a mark may allow more: to all of the leaf. */
static void step_mark(void)
{
	struct phyr_iova_range range = live_or_random();
	struct phyrsim_root before = root_now();
	phyr_iova at = range.iova;
	int result;

	at.addr += below(range.len);
	range = leaf_across(at);
	set_watches(range);
	watch(at.addr);
	result = phyrsim_pagetable_mark(w.table, at, below(2) == 0);
	check_call(&before, range, result);
	if (result == PHYR_OK)
		check_same_memory();
}

static void step_any(const struct config *config)
{
	unsigned int which = below(16);

	if (which < 7)
		step_map();
	else if (which < 12)
		step_other();
	else if (which < 14)
		step_split(config);
	else if (which < 15)
		step_dirty();
	else
		step_mark();
}

static bool has_groups(const struct config *config)
{
	return config->format == AMD || (config->features & CONT);
}

static void every_prefix_of_the_stores_shows_old_or_new(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 150);
	uint64_t half_cnt = 0;

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	call.seen_cnt = 0;
	call.absent_cnt = 0;
	split_cnt = 0;
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		set_anchors(&configs[i]);
		call.half_cnt = 0;
		for (uint64_t j = 0; j < iter; j++)
			step_any(&configs[i]);
		assert_true(call.half_cnt == 0 || has_groups(&configs[i]));
		half_cnt += call.half_cnt;
		close_config();
	}
	print_message("%llu looks, %llu at half a group, %llu at a broken leaf, %llu splits\n",
		      (unsigned long long)call.seen_cnt, (unsigned long long)half_cnt,
		      (unsigned long long)call.absent_cnt, (unsigned long long)split_cnt);
	assert_true(call.absent_cnt > 0 && split_cnt > 0);
}

/* From the last granule of one table of level 0 over all of the next into a third. */
static void map_three_tables(const struct phyrsim_root *before)
{
	struct phyr_iova_range range = { { w.caps.iova.first.addr + table_len() - granule() },
					 table_len() + 2 * granule() };

	call.store_cnt = 0;
	call.watch_cnt = 0;
	watch(range.iova.addr);
	watch(range.iova.addr + granule());
	watch(range.iova.addr + 2 * granule());
	watch(range.iova.addr + (range.len - granule()));
	/* Out of phase, so that every granule is a leaf. */
	assert_int_equal(map(range.iova.addr, 2 * granule(), range.len), PHYR_OK);
	assert_true(call.store_cnt >= range.len / granule() + 3);
	look_new(before);
	assert_int_equal(replay(before), 0);
}

static void swap(struct store *a, struct store *b)
{
	struct store c = *a;

	*a = *b;
	*b = c;
}

/* A check that cannot fail proves nothing: tables that are linked before they are filled are seen. */
static void stores_in_reverse_order_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_root before;

		open_config(&configs[i]);
		before = root_now();
		map_three_tables(&before);
		for (size_t j = 0; j < call.store_cnt / 2; j++)
			swap(&call.stores[j], &call.stores[call.store_cnt - 1 - j]);
		assert_int_not_equal(replay(&before), 0);
		close_config();
	}
}

/* So is one leaf that comes behind the links, and one that first leads elsewhere. */
static void one_store_that_comes_late_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_root before;
		struct store first;

		open_config(&configs[i]);
		before = root_now();
		map_three_tables(&before);
		first = call.stores[1];
		call.stores[1] = call.stores[0]; /* which is alone in its table */
		call.stores[call.store_cnt++] = first;
		assert_int_not_equal(replay(&before), 0);
		close_config();
	}
}

static void one_value_that_does_not_stay_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_root before;
		struct phyr_iova_range range;

		open_config(&configs[i]);
		range.iova = w.caps.iova.first;
		range.len = granule();
		assert_int_equal(map(range.iova.addr, 0, range.len), PHYR_OK);
		assert_int_equal(map(range.iova.addr + granule(), granule(), range.len), PHYR_OK);
		before = root_now();
		set_watches(range);
		assert_int_equal(phyrsim_pagetable_protect(w.table, range, RO, 0, &w.gather),
				 PHYR_OK);
		assert_int_equal(call.store_cnt, 1);
		look_new(&before);
		assert_int_equal(replay(&before), 0);
		call.stores[1] = call.stores[0];
		call.stores[0].after = 0;
		call.store_cnt = 2;
		assert_int_not_equal(replay(&before), 0);
		close_config();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_prefix_of_the_stores_shows_old_or_new),
		cmocka_unit_test(stores_in_reverse_order_are_refused),
		cmocka_unit_test(one_store_that_comes_late_is_refused),
		cmocka_unit_test(one_value_that_does_not_stay_is_refused),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
