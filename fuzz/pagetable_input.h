/* SPDX-License-Identifier: MIT */
/*
 * A page table of any configuration that bytes drive, the flat model of it, what of a call's
 * arguments makes it fail, and whether table and model are the same; for fuzz_pagetable.c.
 */
#ifndef PHYR_FUZZ_PAGETABLE_INPUT_H
#define PHYR_FUZZ_PAGETABLE_INPUT_H

#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>
#include <phyrsim/walker.h>

#include "../tests/pagetable_model.h"
#include "input.h"

#define SPOT_LEN 640 /* [granules]; more than a leaf of 2 MiB has */

/* Everything that a call is told. */
struct call {
	struct phyr_iova_range range;
	phyr_pa pas[2];		  /* of the first part and the rest */
	unsigned int cut;	  /* [granules] of the first part; 0: there is no rest */
	unsigned int perm, attrs; /* not always valid */
};

struct world {
	struct memory memory;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyr_iommu_caps caps;
	struct phyr_gather gather;
	struct phyrsim_pagetable_preload preload;
	struct model model;
};

/* Answers that are right, as a set. */
#define ANSWER(err) (UINT64_C(1) << -(err))

static inline uint64_t granule_mask(const struct world *w)
{
	return phyr_bits_mask(w->model.granule_lg2);
}

static inline void world_begin(struct world *w, struct input *in)
{
	const struct config *config = &configs[take(in, 1) % CONFIG_CNT];
	struct phyrsim_pagetable_params params;

	memory_init(&w->memory);
	phyr_gather_init(&w->gather);
	phyrsim_pagetable_preload_init(&w->preload);
	require(phyrsim_mem_create(&w->memory.mem, &w->mem) == PHYR_OK);
	params = config_params(config, &w->memory.mem, w->mem);
	require(phyrsim_pagetable_create(&params, &w->table) == PHYR_OK);
	phyrsim_pagetable_caps(w->table, &w->caps);
	model_init(&w->model, config, &w->caps, SPOT_LEN);
}

/* Everything goes, and with it every table but the top. */
static inline void world_end(struct world *w)
{
	struct phyrsim_pagetable_stats stats;

	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++) {
		struct part whole = { spot, 0, SPOT_LEN };

		require(phyrsim_pagetable_unmap_sparse(w->table, part_range(&w->model, whole),
						       &w->gather) == PHYR_OK);
	}
	phyrsim_pagetable_release(w->table, &w->gather);
	phyrsim_pagetable_stats(w->table, &stats);
	require(stats.table_cnt == 1);
	phyrsim_pagetable_preload_fini(w->table, &w->preload);
	phyrsim_pagetable_destroy(w->table);
	require(phyrsim_mem_frame_cnt(w->mem) == 0);
	phyrsim_mem_destroy(w->mem);
	require(w->memory.live_cnt == 0);
}

/* Five bytes: granules of a spot, of a part of it all. */
static inline struct phyr_iova_range take_part(const struct world *w, struct input *in)
{
	unsigned int how = (unsigned int)take(in, 1);
	struct part part = { how % w->model.spot_cnt, (unsigned int)take(in, 2) % SPOT_LEN, 1 };

	if (how & 0x80)
		part.at &= ~15u;
	part.cnt += (unsigned int)take(in, 2) % (SPOT_LEN - part.at);
	return part_range(&w->model, part);
}

/* Nine bytes: a phase with the I/O address, and where. */
static inline phyr_pa take_pa(const struct world *w, struct input *in, uint64_t iova)
{
	unsigned int lg2 = w->model.granule_lg2 + (unsigned int)take(in, 1) % 16;
	uint64_t pa = take(in, 8);

	/* Twice as much as there is. */
	if (w->caps.pa_last.addr < UINT64_MAX / 2)
		pa &= w->caps.pa_last.addr * 2 + 1;
	return phyr_pa_at(phyr_bits_down(pa, lg2) | (iova & phyr_bits_mask(lg2)));
}

/* A part, or, when the operation has the bit, any range: of one in four, granule-aligned. */
static inline struct call take_call(const struct world *w, struct input *in, unsigned int op)
{
	struct call call = { 0 };
	unsigned int use = (unsigned int)take(in, 1);

	if (op & 0x08) {
		call.range.iova.addr = take(in, 8);
		call.range.len = take(in, 8);
	} else {
		call.range = take_part(w, in);
	}
	if (op & 0x10) {
		call.range.iova.addr &= ~granule_mask(w);
		call.range.len &= ~granule_mask(w);
	}
	call.perm = use & 3;
	call.attrs = use >> 3 & 15;
	if (use & 0x80) {
		call.perm = use & 7;
		call.attrs = use >> 3 & 31;
	}
	return call;
}

/* Is every byte of a range translatable, by the window and what lies across from it? */
static inline bool is_translatable(const struct world *w, struct phyr_iova_range range)
{
	uint64_t first = w->caps.iova.first.addr, last = w->caps.iova.last.addr;
	uint64_t range_last = range.iova.addr + (range.len - 1);

	if (range_last < range.iova.addr)
		return false;
	return (range.iova.addr >= first && range_last <= last) ||
	       (config_signed(w->model.config) && range.iova.addr >= ~last);
}

/* Why a call about a range is refused, whatever is mapped; 0: it is not. */
static inline uint64_t range_answers(const struct world *w, struct phyr_iova_range range)
{
	uint64_t answers = 0;

	if (range.len == 0)
		answers |= ANSWER(PHYR_E_INVAL);
	else if (!is_translatable(w, range))
		answers |= ANSWER(PHYR_E_RANGE);
	if ((range.iova.addr | range.len) & granule_mask(w))
		answers |= ANSWER(PHYR_E_ALIGN);
	return answers;
}

static inline uint64_t use_answers(const struct call *call)
{
	bool known = call->perm >= RO && call->perm <= RW && call->attrs <= ATTRS_ALL;

	return known ? 0 : ANSWER(PHYR_E_INVAL);
}

static inline uint64_t run_answers(const struct world *w, struct phyr_range run)
{
	uint64_t last = run.pa.addr + (run.len - 1), answers = 0;

	if (run.len == 0)
		return ANSWER(PHYR_E_INVAL);
	if (last < run.pa.addr || last > w->caps.pa_last.addr)
		answers |= ANSWER(PHYR_E_RANGE);
	if ((run.pa.addr | run.len) & granule_mask(w))
		answers |= ANSWER(PHYR_E_ALIGN);
	return answers;
}

/* Where an address cuts. */
static inline uint64_t cut_answers(const struct world *w, phyr_iova at)
{
	struct phyr_iova_range here = { at, 1 }, before = { { at.addr - 1 }, 1 };
	uint64_t answers = 0;

	if (at.addr & granule_mask(w))
		answers |= ANSWER(PHYR_E_ALIGN);
	if (!is_translatable(w, here) && !is_translatable(w, before))
		answers |= ANSWER(PHYR_E_RANGE);
	return answers;
}

static inline uint64_t dirty_answers(const struct world *w, struct phyr_iova_range range,
				     unsigned int flags, const struct phyrsim_dirty_bitmap *bitmap)
{
	uint64_t answers = range_answers(w, range) & ~ANSWER(PHYR_E_ALIGN);

	if (flags > PHYRSIM_DIRTY_NO_CLEAR || bitmap->page_lg2 >= 64)
		return answers | ANSWER(PHYR_E_INVAL);
	if (range.len >> bitmap->page_lg2 > bitmap->page_cnt)
		answers |= ANSWER(PHYR_E_INVAL);
	if ((range.iova.addr | range.len) & phyr_bits_mask(bitmap->page_lg2))
		answers |= ANSWER(PHYR_E_ALIGN);
	if (answers == 0 && !config_tracks(w->model.config))
		answers = ANSWER(PHYR_E_UNSUPPORTED);
	return answers;
}

/* The granule that has a byte; false when no spot has it, and then it is not mapped. */
static inline bool find_part(const struct world *w, phyr_iova at, struct part *ret_part)
{
	struct phyr_iova_range byte = { at, 1 };

	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++)
		if (model_clip(&w->model, spot, byte, ret_part))
			return true;
	return false;
}

/* Has a page, of any size, dirty bytes? */
static inline bool is_dirty(struct world *w, struct phyr_iova_range page)
{
	struct part part;
	bool dirty = false;

	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++) {
		if (!model_clip(&w->model, spot, page, &part))
			continue;
		for (; part.cnt > 0; part.at++, part.cnt--) {
			const struct cell *cell = part_cell(&w->model, part);

			dirty |= cell->perm != 0 && cell->dirty;
		}
	}
	return dirty;
}

/* What of a valid range the model knows: how much is mapped, and whether a leaf reaches out. */
struct known {
	uint64_t cnt;	     /* granules that spots have */
	uint64_t mapped_cnt; /* of these */
	bool reaches_out;
};

static inline struct known look_up(struct world *w, struct phyr_iova_range range)
{
	struct known known = { 0 };
	struct part part;

	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++) {
		if (!model_clip(&w->model, spot, range, &part))
			continue;
		known.cnt += part.cnt;
		known.mapped_cnt += model_mapped_cnt(&w->model, part);
		known.reaches_out |= model_reaches_out(&w->model, part);
	}
	return known;
}

/* What a call about a valid range answers that wants all of it mapped. */
static inline uint64_t whole_answers(struct world *w, struct phyr_iova_range range)
{
	struct known known = look_up(w, range);

	if (known.mapped_cnt < range.len >> w->model.granule_lg2)
		return ANSWER(PHYR_E_NOENT);
	return known.reaches_out ? ANSWER(PHYR_E_PARTIAL) : ANSWER(PHYR_OK);
}

/* What mapping a valid range answers; 0: what would be mapped elsewhere the model cannot tell. */
static inline uint64_t map_answers(struct world *w, struct phyr_iova_range range)
{
	struct known known = look_up(w, range);

	if (known.cnt < range.len >> w->model.granule_lg2)
		return 0;
	return known.mapped_cnt ? ANSWER(PHYR_E_EXISTS) : ANSWER(PHYR_OK);
}

/* The first granule of a range that is mapped, NULL if there is none. */
static inline const struct cell *first_cell(struct world *w, struct phyr_iova_range range,
					    uint64_t *ret_iova)
{
	struct part part;

	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++) {
		if (!model_clip(&w->model, spot, range, &part))
			continue;
		for (; part.cnt > 0; part.at++, part.cnt--) {
			*ret_iova = part_iova(&w->model, part);
			if (part_cell(&w->model, part)->perm)
				return part_cell(&w->model, part);
		}
	}
	return NULL;
}

static inline void require_leaf(const struct cell *cell, uint64_t iova,
				const struct phyrsim_leaf *leaf)
{
	uint64_t offset = iova & phyr_bits_mask(cell->lg2);

	require(leaf->iova.addr == iova - offset && leaf->pa.addr == cell->pa - offset);
	require(leaf->lg2 == cell->lg2);
	require((unsigned int)leaf->perm == cell->perm && leaf->attrs == cell->attrs);
	require(leaf->dirty == cell->dirty);
}

/* Of what was split or cleaned: a range, the sizes of its leaves, and nothing that is held back. */
static inline void require_gather(const struct phyr_gather *gather, struct phyr_iova_range range,
				  uint64_t sizes)
{
	require(gather->empty == (sizes == 0) && gather->leaves.mask == sizes);
	require(!gather->tables_removed && gather->freed == NULL);
	if (sizes == 0)
		return;
	require(gather->first == range.iova.addr);
	require(gather->last == range.iova.addr + (range.len - 1));
}

/* Hardware finds a granule that is mapped; without the mark it may refuse to write. */
static inline void require_walk(struct world *w, const struct cell *cell,
				struct phyrsim_access access)
{
	unsigned int sure = model_sure_perm(&w->model, cell);
	struct phyrsim_root root;
	struct phyrsim_walk walk;

	access.perm = (enum phyr_perm)(sure ? sure : WO);
	phyrsim_pagetable_root(w->table, &root);
	if (phyrsim_walk(w->mem, &root, &access, &walk) != PHYR_OK) {
		require(sure == 0 && walk.fault == PHYRSIM_FAULT_WRITE);
		return;
	}
	require(walk.pa.addr == cell->pa + (access.iova.addr & granule_mask(w)));
	require((walk.perm & access.perm) == (unsigned int)access.perm);
	require((walk.perm & ~(unsigned int)cell->perm) == 0);
	require(walk.attrs == cell->attrs && walk.leaf_lg2 == cell->lg2);
	require(!(access.flags & PHYRSIM_WALK_AUDIT) || walk.dirty == cell->dirty);
}

static inline void require_absence(const struct world *w, struct phyrsim_access access)
{
	struct phyrsim_root root;
	struct phyrsim_walk walk;

	phyrsim_pagetable_root(w->table, &root);
	require(phyrsim_walk(w->mem, &root, &access, &walk) == PHYR_E_FAULT);
}

/* The writer and hardware say of a byte of a granule what the model says. */
static inline void require_granule(struct world *w, struct part part, unsigned int offset)
{
	const struct cell *cell = part_cell(&w->model, part);
	struct phyrsim_access access = { { part_iova(&w->model, part) + offset },
					 RO,
					 PHYRSIM_WALK_PRIVILEGED };
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	/* An audit looks at all of a group: once is enough. */
	if (cell->perm == 0 || !model_is_cut(&w->model, part))
		access.flags |= PHYRSIM_WALK_AUDIT;
	require(phyrsim_pagetable_translate(w->table, access.iova, &pa, &leaf) ==
		(cell->perm ? PHYR_OK : PHYR_E_NOENT));
	if (cell->perm == 0) {
		require_absence(w, access);
		return;
	}
	require(pa.addr == cell->pa + offset);
	require_leaf(cell, access.iova.addr - offset, &leaf);
	require_walk(w, cell, access);
}

static inline void require_same(struct world *w)
{
	struct phyrsim_pagetable_stats stats;
	struct phyrsim_root root;

	phyrsim_pagetable_root(w->table, &root);
	phyrsim_pagetable_stats(w->table, &stats);
	require(memcmp(&stats.leaves, &w->model.leaves, sizeof(stats.leaves)) == 0);
	require(stats.table_cnt == model_table_cnt(&w->model, root.level_cnt));
	require(phyrsim_pagetable_validate(w->table, NULL));
	for (unsigned int i = 0; i < w->model.spot_cnt * SPOT_LEN; i++)
		require_granule(w, (struct part){ i / SPOT_LEN, i % SPOT_LEN, 1 }, i % 4096);
}

#endif
