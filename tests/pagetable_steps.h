/* SPDX-License-Identifier: MIT */
/*
 * Random calls on a table of any configuration (pagetable_formats.h), done to its flat model
 * (pagetable_model.h) too, and the checks that both are the same: read back by a reader that shares
 * nothing with the writer, and walked as hardware walks them. Allocations fail at random.
 */
#ifndef PHYR_PAGETABLE_STEPS_H
#define PHYR_PAGETABLE_STEPS_H

#include <phyrsim/walker.h>

#include "pagetable_formats.h"
#include "pagetable_model.h"

static struct model model;
static uint64_t random_state;

static inline unsigned int below(unsigned int end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

static inline struct part random_part(void)
{
	static const unsigned int scales[] = { 2, 20, 300, SPOT_LEN_MAX };
	struct part part = { 0 };

	part.spot = below(model.spot_cnt);
	part.at = below(model.spot_len);
	if (below(2) == 0)
		part.at &= ~15u;
	part.cnt = 1 + below(scales[below(4)]);
	if (part.cnt > 16 && below(2) == 0)
		part.cnt &= ~15u;
	if (part.cnt > model.spot_len - part.at)
		part.cnt = model.spot_len - part.at;
	return part;
}

/* All that the writer knows twice agrees. */
static inline void check_valid(void)
{
	const char *reason = "";

	if (!phyrsim_pagetable_validate(w.table, &reason))
		fail_msg("%s", reason);
}

/* The walker agrees: where the granule is, how large its leaf, what it allows; or that it is not. */
static inline void check_walk(uint64_t iova, const struct cell *cell)
{
	struct phyrsim_root root = root_now();
	unsigned int sure = model_sure_perm(&model, cell);
	struct phyrsim_access access = { { iova }, RO, PHYRSIM_WALK_AUDIT };
	struct phyrsim_walk walk;
	int err;

	/* Memory for the privileged alone is not for others. */
	access.flags |= PHYRSIM_WALK_PRIVILEGED;
	if (cell->perm)
		access.perm = (enum phyr_perm)(sure ? sure : WO);
	err = phyrsim_walk(w.mem, &root, &access, &walk);
	if (cell->perm == 0) {
		assert_int_equal(err, PHYR_E_FAULT);
		/* A top that has not grown so far does not translate the address at all. */
		assert_true(walk.fault == PHYRSIM_FAULT_NOT_PRESENT ||
			    (root.format == AMD && walk.fault == PHYRSIM_FAULT_WIDTH));
		return;
	}
	/* What may be written alone may lack the mark, and then that is what hardware says. */
	if (err != PHYR_OK && sure == 0 && walk.fault == PHYRSIM_FAULT_WRITE)
		return;
	assert_int_equal(err, PHYR_OK);
	assert_int_equal(walk.pa.addr, cell->pa);
	assert_int_equal(walk.leaf_lg2, cell->lg2);
	assert_int_equal(walk.perm & access.perm, access.perm);
	assert_int_equal(walk.perm & ~(unsigned int)cell->perm, 0);
	assert_int_equal(walk.attrs, cell->attrs);
	assert_int_equal(walk.dirty, cell->dirty);
}

static inline void check_granule(struct part part)
{
	const struct cell *cell = part_cell(&model, part);
	phyr_iova iova = phyr_iova_at(part_iova(&model, part));
	struct found found = find(iova.addr);
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	assert_int_equal(phyrsim_pagetable_translate(w.table, iova, &pa, &leaf),
			 cell->perm ? PHYR_OK : PHYR_E_NOENT);
	assert_int_equal(found.said.present && found.said.leaf, cell->perm != 0);
	check_walk(iova.addr, cell);
	if (cell->perm == 0)
		return;
	assert_int_equal(found.pa, cell->pa);
	assert_int_equal(found.said.lg2, cell->lg2);
	assert_int_equal(found.said.perm, cell->perm);
	assert_int_equal(pa.addr, cell->pa);
	assert_int_equal(leaf.lg2, cell->lg2);
	assert_int_equal(leaf.perm, cell->perm);
	assert_int_equal(leaf.attrs, cell->attrs);
	assert_int_equal(leaf.dirty, cell->dirty);
	assert_int_equal(leaf.level, found.level);
	assert_int_equal(leaf.iova.addr, phyr_bits_down(iova.addr, leaf.lg2));
}

/* Leaf by leaf, a spot is as long as the model has it. */
static inline void check_leaves(struct part whole)
{
	struct phyr_iova_range rest = part_range(&model, whole);
	struct phyrsim_leaf leaf;
	uint64_t len = 0;

	while (rest.len > 0 && phyrsim_pagetable_next(w.table, rest, &leaf) == PHYR_OK) {
		uint64_t end = leaf.iova.addr + phyr_bits_size(leaf.lg2) - rest.iova.addr;

		assert_true(leaf.iova.addr >= rest.iova.addr);
		len += phyr_bits_size(leaf.lg2);
		rest.iova.addr += end;
		rest.len -= end;
	}
	assert_int_equal(len, (uint64_t)model_mapped_cnt(&model, whole) << model.granule_lg2);
}

static inline void check_all(void)
{
	struct phyrsim_pagetable_stats now = stats();

	assert_memory_equal(&now.leaves, &model.leaves, sizeof(model.leaves));
	check_valid();
	assert_int_equal(now.table_cnt, model_table_cnt(&model, root_now().level_cnt));
	for (unsigned int spot = 0; spot < model.spot_cnt; spot++) {
		check_leaves((struct part){ spot, 0, model.spot_len });
		for (unsigned int at = 0; at < model.spot_len; at++)
			check_granule((struct part){ spot, at, 1 });
	}
}

static inline void check_part(struct part part)
{
	check_granule((struct part){ part.spot, part.at, 1 });
	check_granule((struct part){ part.spot, part.at + part.cnt - 1, 1 });
	if (part.at > 0)
		check_granule((struct part){ part.spot, part.at - 1, 1 });
	if (part.at + part.cnt < model.spot_len)
		check_granule((struct part){ part.spot, part.at + part.cnt, 1 });
	for (unsigned int i = 0; i < 4; i++)
		check_granule((struct part){ part.spot, part.at + below(part.cnt), 1 });
}

static inline void step_map(void)
{
	struct part part = random_part();
	struct phyr_iova_range range = part_range(&model, part);
	unsigned int perm = 1 + below(3), attrs = below(16);
	unsigned int phase_lg2 = model.granule_lg2 + below(10);
	uint64_t pa = test_random(&random_state) & (w.caps.pa_last.addr >> 1);
	int result;

	pa = phyr_bits_down(pa, phase_lg2) | (range.iova.addr & phyr_bits_mask(phase_lg2));
	if (below(8) == 0) {
		w.host.alloc_cnt = 0;
		w.host.fail_at = below(3);
	}
	result = map_attrs(range.iova.addr, pa, range.len, perm, attrs);
	w.host.fail_at = SIZE_MAX;
	if (model_mapped_cnt(&model, part) > 0)
		assert_int_equal(result, PHYR_E_EXISTS);
	else if (result != PHYR_E_NOMEM)
		assert_int_equal(result, PHYR_OK);
	if (result == PHYR_OK)
		model_map(&model, part, pa, perm, attrs);
	check_part(part);
}

/* Removes a part, unless there is a hole in it or a leaf reaches out of it. */
static inline void unmap_part(struct part part)
{
	int answer = model_whole_answer(&model, part);

	assert_int_equal(phyrsim_pagetable_unmap(w.table, part_range(&model, part), &w.gather),
			 answer);
	if (answer == PHYR_OK)
		model_unmap(&model, part);
	check_part(part);
}

/* Whatever is there goes, unless a leaf reaches out. */
static inline void step_sparse(void)
{
	struct part part = random_part();
	int answer = model_reaches_out(&model, part) ? PHYR_E_PARTIAL : PHYR_OK;

	assert_int_equal(
		phyrsim_pagetable_unmap_sparse(w.table, part_range(&model, part), &w.gather),
		answer);
	if (answer == PHYR_OK)
		model_unmap(&model, part);
	check_part(part);
}

/* Mostly what is mapped around a granule, whole. */
static inline void step_unmap(void)
{
	struct part part = random_part();
	const struct cell *cells = model.cells[part.spot];

	if (below(4) != 0 && cells[part.at].perm != 0) {
		while (model_is_cut(&model, part))
			part.at--;
		for (part.cnt = 1; part.at + part.cnt < model.spot_len; part.cnt++) {
			struct part behind = { part.spot, part.at + part.cnt, 1 };

			if (cells[behind.at].perm == 0 ||
			    (below(64) == 0 && !model_is_cut(&model, behind)))
				break;
		}
	}
	unmap_part(part);
}

static inline void step_protect(void)
{
	struct part part = random_part();
	unsigned int perm = 1 + below(3), attrs = below(16);
	int answer = model_whole_answer(&model, part);

	assert_int_equal(phyrsim_pagetable_protect(w.table, part_range(&model, part),
						   (enum phyr_perm)perm, attrs, &w.gather),
			 answer);
	if (answer == PHYR_OK)
		model_protect(&model, part, perm, attrs);
	check_part(part);
}

static inline void clear_all(void)
{
	for (unsigned int spot = 0; spot < model.spot_cnt; spot++) {
		struct part part = { spot, 0, 1 };

		for (; part.at < model.spot_len; part.at += part.cnt) {
			part.cnt = 1;
			if (part_cell(&model, part)->perm == 0)
				continue;
			while (part.at + part.cnt < model.spot_len &&
			       model.cells[spot][part.at + part.cnt].perm != 0)
				part.cnt++;
			unmap_part(part);
		}
	}
}

static inline void release(void)
{
	struct phyrsim_root root = root_now();
	unsigned int table_lg2 = root.granule_lg2 - 12;
	uint64_t top_cnt, frame_cnt;

	phyrsim_pagetable_release(w.table, &w.gather);
	phyr_gather_init(&w.gather);
	check_valid();
	/* All tables but the top are as large as a granule. */
	frame_cnt = phyrsim_mem_frame_cnt(w.mem);
	top_cnt = frame_cnt - ((stats().table_cnt - 1) << table_lg2);
	assert_in_range(top_cnt, 1, 64);
}

/* Everything goes, and nothing but the top is left. */
static inline void finish(void)
{
	check_all();
	clear_all();
	check_all();
	release();
	assert_int_equal(stats().table_cnt, 1);
	close_config();
}

#endif
