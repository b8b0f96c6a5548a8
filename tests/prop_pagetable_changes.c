/* SPDX-License-Identifier: MIT */
/*
 * Random splits, marks and reads of dirty marks, between maps, unmaps and changes of permissions, in
 * every configuration against a flat model (pagetable_steps.h). Marks are set in turn by the
 * table's own call and by the walker. Allocations fail at random, and with tables made in advance
 * that does not matter.
 *
 * PHYR_SEED and PHYR_ITER (calls for each configuration) repeat or lengthen a run.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "pagetable_steps.h"

static struct phyrsim_pagetable_preload preload;

static void check_gather(const struct phyr_gather *gather, struct part part, uint64_t sizes)
{
	struct phyr_iova_range range = part_range(&model, part);

	assert_false(gather->empty || gather->tables_removed);
	assert_int_equal(gather->first, range.iova.addr);
	assert_int_equal(gather->last - gather->first, range.len - 1);
	assert_int_equal(gather->leaves.mask, sizes);
	assert_null(gather->freed);
}

/* Splits with tables made in advance, which need no memory, or without. */
static int try_split(phyr_iova at, struct phyr_gather *gather)
{
	bool filled = below(2) == 0;
	int result;

	if (filled)
		assert_int_equal(phyrsim_pagetable_preload_fill(w.table, &preload), PHYR_OK);
	w.host.alloc_cnt = 0;
	w.host.sticky = filled;
	w.host.fail_at = filled || below(8) == 0 ? 0 : SIZE_MAX;
	result = phyrsim_pagetable_split(w.table, at, &preload, gather);
	w.host.fail_at = SIZE_MAX;
	w.host.sticky = false;
	if (filled || result != PHYR_E_NOMEM)
		assert_int_equal(result, PHYR_OK);
	return result;
}

static void step_split(void)
{
	struct part at = random_part(), leaf = model_leaf(&model, at);
	uint64_t size = phyr_bits_size(part_cell(&model, at)->lg2);
	bool cut = model_is_cut(&model, at);
	struct phyr_gather gather;

	at.cnt = 1;
	phyr_gather_init(&gather);
	if (try_split(phyr_iova_at(part_iova(&model, at)), &gather) == PHYR_OK && cut) {
		model_split(&model, at);
		check_gather(&gather, leaf, size);
		check_part(leaf);
	} else {
		assert_true(gather.empty && gather.leaves.mask == 0);
	}
	check_part(at);
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

static void step_mark(void)
{
	struct part one = random_part();
	uint64_t iova = part_iova(&model, one) + below((unsigned int)granule());
	bool write = below(2) == 0;
	int expected = model_mark_answer(&model, one, write);

	one.cnt = 1;
	if (below(2) == 0)
		assert_int_equal(phyrsim_pagetable_mark(w.table, phyr_iova_at(iova), write),
				 expected);
	else
		assert_int_equal(walk_once(iova, write), expected);
	if (expected == PHYR_OK)
		model_mark(&model, one, write);
	check_part(one);
}

/* A bit for every page with dirty bytes, by looking at all of them. */
static void check_bits(struct part part, unsigned int page_lg2, const uint64_t *bits)
{
	uint64_t len = part_range(&model, part).len;

	for (uint64_t page = 0; page << page_lg2 < len; page++) {
		bool set_before = page % 5 == 4;

		assert_int_equal(
			bits[page / 64] >> page % 64 & 1,
			set_before || model_page_dirty(&model, part, page << page_lg2, page_lg2));
	}
}

static void step_dirty(void)
{
	static uint64_t bits[SPOT_LEN_MAX * 4 / 64];
	struct part part = random_part(), cleaned = { 0 };
	unsigned int page_lg2 = model.granule_lg2 - 2 + below(6), flags = below(2);
	struct phyrsim_dirty_bitmap bitmap = { bits, SPOT_LEN_MAX * 4, page_lg2 };
	struct phyr_gather gather;
	uint64_t sizes = 0;

	part.at &= ~7u;
	part.cnt = (part.cnt + 7) & ~7u;
	phyr_gather_init(&gather);
	memset(bits, 0, sizeof(bits));
	for (unsigned int page = 4; page < SPOT_LEN_MAX * 4; page += 5)
		bits[page / 64] |= UINT64_C(1) << page % 64;
	assert_int_equal(phyrsim_pagetable_read_dirty(w.table, part_range(&model, part), flags,
						      &bitmap, &gather),
			 config_tracks(model.config) ? PHYR_OK : PHYR_E_UNSUPPORTED);
	check_bits(part, page_lg2, bits);
	if (!(flags & PHYRSIM_DIRTY_NO_CLEAR))
		sizes = model_clean(&model, part, &cleaned);
	if (sizes)
		check_gather(&gather, cleaned, sizes);
	else
		assert_true(gather.empty);
	check_part(part);
}

static void run_config(const struct config *config, uint64_t iter)
{
	open_config(config);
	model_init(&model, config, &w.caps, SPOT_LEN_MAX);
	phyrsim_pagetable_preload_init(&preload);
	for (uint64_t i = 0; i < iter; i++) {
		if (below(2) == 0)
			step_map();
		if (below(3) == 0)
			step_unmap();
		step_split();
		step_mark();
		step_dirty();
		if (below(4) == 0)
			step_protect();
		if (below(16) == 0) {
			phyrsim_pagetable_preload_fini(w.table, &preload);
			release();
		}
		check_valid();
	}
	phyrsim_pagetable_preload_fini(w.table, &preload);
	finish();
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
