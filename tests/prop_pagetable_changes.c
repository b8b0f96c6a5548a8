/* SPDX-License-Identifier: MIT */
/*
 * Random splits, marks and reads of dirty marks, between maps, unmaps and changes of permissions, in
 * every configuration against a flat model (pagetable_spots.h). Marks are set in turn by the
 * table's own call and by the walker. Allocations fail at random, and with tables made in advance
 * that does not matter.
 *
 * PHYR_SEED and PHYR_ITER (calls for each configuration) repeat or lengthen a run.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "pagetable_spots.h"

static struct phyrsim_pagetable_preload preload;

/* The granules of the leaf that one granule belongs to; of a hole, the granule. */
static struct part leaf_of(struct part one)
{
	unsigned int lg2 = spots[one.spot].words[one.at] & 0xff;
	uint64_t skipped;

	one.cnt = 1;
	if (lg2 == 0)
		return one;
	skipped = iova_of(one) & phyr_bits_mask(lg2);
	one.at -= (unsigned int)(skipped >> granule_lg2());
	one.cnt = 1u << (lg2 - granule_lg2());
	return one;
}

/* Two parts of a leaf take its place. */
static void model_split(struct part at)
{
	uint64_t word = spots[at.spot].words[at.at], flags = word & (DIRTY_BIT | 0x300);
	struct part left = leaf_of(at), right = at;
	uint64_t pa = phyr_bits_down(word, 12);

	leaves.cnt[word & 0xff]--;
	right.cnt = left.at + left.cnt - at.at;
	left.cnt -= right.cnt;
	model_fill(left, pa - ((uint64_t)left.cnt << granule_lg2()), flags);
	model_fill(right, pa, flags);
}

static void check_gather(const struct phyr_gather *gather, struct part part, uint64_t sizes)
{
	assert_false(gather->empty || gather->tables_removed);
	assert_int_equal(gather->first, iova_of(part));
	assert_int_equal(gather->last - gather->first, ((uint64_t)part.cnt << granule_lg2()) - 1);
	assert_int_equal(gather->leaves.mask, sizes);
	assert_null(gather->freed);
}

static void step_split(void)
{
	struct part at = random_part(), leaf = leaf_of(at);
	uint64_t word = spots[at.spot].words[at.at];
	bool cut = is_cut(at), filled = below(2) == 0;
	struct phyr_gather gather;
	int result;

	at.cnt = 1;
	phyr_gather_init(&gather);
	if (filled)
		assert_int_equal(phyrsim_pagetable_preload_fill(w.table, &preload), PHYR_OK);
	w.host.alloc_cnt = 0;
	w.host.sticky = filled;
	w.host.fail_at = filled || below(8) == 0 ? 0 : SIZE_MAX;
	result = phyrsim_pagetable_split(w.table, phyr_iova_at(iova_of(at)), &preload, &gather);
	w.host.fail_at = SIZE_MAX;
	w.host.sticky = false;
	if (filled || result != PHYR_E_NOMEM)
		assert_int_equal(result, PHYR_OK);
	if (result == PHYR_OK && cut) {
		model_split(at);
		check_gather(&gather, leaf, phyr_bits_size(word & 0xff));
		check_part(leaf);
	} else {
		assert_true(gather.empty && gather.leaves.mask == 0);
	}
	check_part(at);
}

static void set_dirty(struct part leaf, bool dirty)
{
	for (unsigned int i = 0; i < leaf.cnt; i++) {
		uint64_t *word = &spots[leaf.spot].words[leaf.at + i];

		*word = dirty ? *word | DIRTY_BIT : *word & ~DIRTY_BIT;
	}
}

/* Hardware's way of doing it. */
static int walk_once(uint64_t iova, bool write)
{
	struct phyrsim_root root = root_now();
	struct phyrsim_access access = { { iova }, write ? WO : RO, PHYRSIM_WALK_UPDATE };
	struct phyrsim_walk walk;
	int err;

	access.flags |= PHYRSIM_WALK_PRIVILEGED;
	err = phyrsim_walk(w.mem, &root, &access, &walk);
	if (err == PHYR_OK || walk.fault == PHYRSIM_FAULT_READ || walk.fault == PHYRSIM_FAULT_WRITE)
		return err;
	return PHYR_E_NOENT;
}

static void step_mark(const struct config *config)
{
	struct part one = random_part();
	uint64_t word = spots[one.spot].words[one.at];
	uint64_t iova = iova_of(one) + below((unsigned int)granule());
	bool write = below(2) == 0, allowed = (word >> 8 & 3) & (write ? WO : RO);
	int expected = word == 0 ? PHYR_E_NOENT : allowed ? PHYR_OK : PHYR_E_FAULT;

	one.cnt = 1;
	if (below(2) == 0)
		assert_int_equal(phyrsim_pagetable_mark(w.table, phyr_iova_at(iova), write),
				 expected);
	else
		assert_int_equal(walk_once(iova, write), expected);
	if (expected == PHYR_OK && write && tracks(config))
		set_dirty(leaf_of(one), true);
	check_part(one);
}

/* A bit for every page with dirty bytes, by looking at all of them. */
static void check_bits(struct part part, unsigned int page_lg2, const uint64_t *bits)
{
	uint64_t len = (uint64_t)part.cnt << granule_lg2();

	for (uint64_t page = 0; page << page_lg2 < len; page++) {
		uint64_t first = page << page_lg2 >> granule_lg2();
		uint64_t last = ((page + 1) << page_lg2) - 1;
		bool dirty = page % 5 == 4; /* set before */

		for (uint64_t i = first; i <= last >> granule_lg2(); i++)
			dirty |= (spots[part.spot].words[part.at + i] & DIRTY_BIT) != 0;
		assert_int_equal(bits[page / 64] >> page % 64 & 1, dirty);
	}
}

/* Cleans the leaves that lie in a part whole; says from where to where, and their sizes. */
static uint64_t model_clean(struct part part, struct part *ret_cleaned)
{
	uint64_t sizes = 0;

	for (unsigned int i = 0; i < part.cnt; i++) {
		struct part one = { part.spot, part.at + i, 1 };
		struct part leaf = leaf_of(one);
		uint64_t word = spots[one.spot].words[one.at];

		if (!(word & DIRTY_BIT) || leaf.at < part.at ||
		    leaf.at + leaf.cnt > part.at + part.cnt)
			continue;
		set_dirty(leaf, false);
		if (sizes == 0)
			*ret_cleaned = leaf;
		ret_cleaned->cnt = leaf.at + leaf.cnt - ret_cleaned->at;
		sizes |= phyr_bits_size(word & 0xff);
	}
	return sizes;
}

static void step_dirty(const struct config *config)
{
	static uint64_t bits[SPOT_LEN * 4 / 64];
	struct part part = random_part(), cleaned = { 0 };
	unsigned int page_lg2 = granule_lg2() - 2 + below(6), flags = below(2);
	struct phyr_iova_range range;
	struct phyrsim_dirty_bitmap bitmap = { bits, SPOT_LEN * 4, page_lg2 };
	struct phyr_gather gather;
	uint64_t sizes = 0;

	part.at &= ~7u;
	part.cnt = (part.cnt + 7) & ~7u;
	range.iova.addr = iova_of(part);
	range.len = (uint64_t)part.cnt << granule_lg2();
	phyr_gather_init(&gather);
	memset(bits, 0, sizeof(bits));
	for (unsigned int page = 4; page < SPOT_LEN * 4; page += 5)
		bits[page / 64] |= UINT64_C(1) << page % 64;
	assert_int_equal(phyrsim_pagetable_read_dirty(w.table, range, flags, &bitmap, &gather),
			 tracks(config) ? PHYR_OK : PHYR_E_UNSUPPORTED);
	check_bits(part, page_lg2, bits);
	if (!(flags & PHYRSIM_DIRTY_NO_CLEAR))
		sizes = model_clean(part, &cleaned);
	if (sizes)
		check_gather(&gather, cleaned, sizes);
	else
		assert_true(gather.empty);
	check_part(part);
}

static void run_config(const struct config *config, uint64_t iter)
{
	open_config(config);
	open_spots();
	phyrsim_pagetable_preload_init(&preload);
	for (uint64_t i = 0; i < iter; i++) {
		if (below(2) == 0)
			step_map(config);
		if (below(3) == 0)
			step_unmap();
		step_split();
		step_mark(config);
		step_dirty(config);
		if (below(4) == 0)
			step_protect(config);
		if (below(16) == 0) {
			phyrsim_pagetable_preload_fini(w.table, &preload);
			release();
		}
	}
	check_all();
	clear_all();
	check_all();
	phyrsim_pagetable_preload_fini(w.table, &preload);
	release();
	assert_int_equal(stats().table_cnt, 1);
	close_config();
}

static void every_configuration_changes_as_the_model(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 600);

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	for (size_t i = 0; i < CNT(configs); i++)
		run_config(&configs[i], iter);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_configuration_changes_as_the_model),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
