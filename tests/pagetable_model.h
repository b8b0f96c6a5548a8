/* SPDX-License-Identifier: MIT */
/*
 * A flat model of a page table: for every granule of a few stretches of I/O addresses, where it
 * leads, what it allows, how large its leaf is and whether that is dirty. Slow and obvious; it knows
 * no tables.
 */
#ifndef PHYR_PAGETABLE_MODEL_H
#define PHYR_PAGETABLE_MODEL_H

#include <string.h>

#include <phyr/bits.h>
#include <phyr/iommu.h>

#include "pagetable_configs.h"

#define SPOT_MAX 4
#define SPOT_LEN_MAX 2048

/* A granule; nothing is mapped where perm is 0. */
struct cell {
	uint64_t pa;
	uint8_t perm, attrs, lg2;
	bool dirty;
};

struct model {
	const struct config *config;
	phyr_sizes sizes;
	unsigned int granule_lg2;
	unsigned int spot_cnt;
	unsigned int spot_len;	   /* [granules] */
	uint64_t firsts[SPOT_MAX]; /* [iova] in order */
	struct cell cells[SPOT_MAX][SPOT_LEN_MAX];
	struct phyr_block_counts leaves;
};

/* Granules of a spot. */
struct part {
	unsigned int spot, at, cnt;
};

static inline uint64_t part_iova(const struct model *m, struct part part)
{
	return m->firsts[part.spot] + ((uint64_t)part.at << m->granule_lg2);
}

static inline struct phyr_iova_range part_range(const struct model *m, struct part part)
{
	struct phyr_iova_range range = { { part_iova(m, part) },
					 (uint64_t)part.cnt << m->granule_lg2 };

	return range;
}

static inline struct cell *part_cell(struct model *m, struct part part)
{
	return &m->cells[part.spot][part.at];
}

/*
 * Empty. The first granules of the window, the last, those on both sides of its middle, and, where
 * there is another half, the first of that.
 */
static inline void model_init(struct model *m, const struct config *config,
			      const struct phyr_iommu_caps *caps, unsigned int spot_len)
{
	uint64_t first = caps->iova.first.addr, last = caps->iova.last.addr;
	unsigned int granule_lg2 = phyr_sizes_min_lg2(caps->sizes);
	uint64_t len = (uint64_t)spot_len << granule_lg2;

	memset(m, 0, sizeof(*m));
	m->config = config;
	m->sizes = caps->sizes;
	m->granule_lg2 = granule_lg2;
	m->spot_len = spot_len;
	m->spot_cnt = config_signed(config) ? 4 : 3;
	m->firsts[0] = first;
	m->firsts[1] = first + (last - first) / 2 + 1 - len / 2;
	m->firsts[2] = last - (len - 1);
	m->firsts[3] = ~last;
}

static inline unsigned int model_mapped_cnt(struct model *m, struct part part)
{
	unsigned int cnt = 0;

	for (unsigned int i = 0; i < part.cnt; i++)
		cnt += part_cell(m, part)[i].perm != 0;
	return cnt;
}

/* Does a leaf reach from one side of the front of a granule to the other? */
static inline bool model_is_cut(struct model *m, struct part part)
{
	const struct cell *cell = part_cell(m, part);

	return part.at < m->spot_len && cell->perm != 0 &&
	       !phyr_bits_aligned(part_iova(m, part), cell->lg2);
}

/* Does a leaf reach out of a part? */
static inline bool model_reaches_out(struct model *m, struct part part)
{
	struct part behind = { part.spot, part.at + part.cnt, 1 };

	return model_is_cut(m, part) || (behind.at < m->spot_len && model_is_cut(m, behind));
}

/* What a call that wants a part mapped and whole answers; a hole comes before a leaf that is cut. */
static inline int model_whole_answer(struct model *m, struct part part)
{
	if (model_mapped_cnt(m, part) < part.cnt)
		return PHYR_E_NOENT;
	return model_reaches_out(m, part) ? PHYR_E_PARTIAL : PHYR_OK;
}

/* The largest leaf at this point, by trying each. */
static inline unsigned int model_best_lg2(const struct model *m, uint64_t bits, uint64_t len)
{
	unsigned int lg2 = 51;

	while (!(m->sizes.mask >> lg2 & 1) || !phyr_bits_aligned(bits, lg2) ||
	       len < phyr_bits_size(lg2))
		lg2--;
	return lg2;
}

/* The granules of a spot that a range has bytes in; false when there are none. */
static inline bool model_clip(const struct model *m, unsigned int spot,
			      struct phyr_iova_range range, struct part *ret_part)
{
	struct part whole = { spot, 0, m->spot_len };
	uint64_t first = m->firsts[spot], last = first + (part_range(m, whole).len - 1);
	uint64_t range_last = range.iova.addr + (range.len - 1);

	if (range.iova.addr > last || range_last < first)
		return false;
	if (range.iova.addr > first)
		first = range.iova.addr;
	if (range_last < last)
		last = range_last;
	ret_part->spot = spot;
	ret_part->at = (unsigned int)((first - m->firsts[spot]) >> m->granule_lg2);
	ret_part->cnt =
		(unsigned int)((last - m->firsts[spot]) >> m->granule_lg2) - ret_part->at + 1;
	return true;
}

/* Tables that the leaves need in a table of so many levels, the top included. */
static inline uint64_t model_table_cnt(const struct model *m, unsigned int level_cnt)
{
	unsigned int index_lg2 = m->granule_lg2 - 3;
	uint64_t cnt = 1;

	for (unsigned int level = 0; level + 1 < level_cnt; level++) {
		unsigned int lg2 = m->granule_lg2 + index_lg2 * (level + 1);
		uint64_t block = UINT64_MAX; /* the last that has a table of the level */

		for (unsigned int i = 0; i < m->spot_cnt * m->spot_len; i++) {
			struct part part = { i / m->spot_len, i % m->spot_len, 1 };
			const struct cell *cell = &m->cells[part.spot][part.at];

			if (cell->perm == 0 || part_iova(m, part) >> lg2 == block ||
			    (cell->lg2 - m->granule_lg2) / index_lg2 > level)
				continue;
			block = part_iova(m, part) >> lg2;
			cnt++;
		}
	}
	return cnt;
}

/* A new leaf's granule with permissions and attributes, as far as the format can say them. */
static inline struct cell model_cell(const struct model *m, unsigned int perm, unsigned int attrs)
{
	struct cell cell = { .perm = (uint8_t)perm_of(m->config, perm),
			     .attrs = (uint8_t)attrs_of(m->config, attrs) };

	cell.dirty = (cell.perm & WO) && config_starts_dirty(m->config);
	return cell;
}

/* Leaves for one run, all else alike; nothing of the part is mapped. */
static inline void model_fill(struct model *m, struct part part, uint64_t pa, struct cell like)
{
	struct phyr_iova_range range = part_range(m, part);
	struct cell *cell = part_cell(m, part);

	like.pa = pa;
	while (range.len > 0) {
		unsigned int lg2 = model_best_lg2(m, range.iova.addr | like.pa, range.len);

		m->leaves.cnt[lg2]++;
		like.lg2 = (uint8_t)lg2;
		range.iova.addr += phyr_bits_size(lg2);
		range.len -= phyr_bits_size(lg2);
		for (uint64_t i = phyr_bits_size(lg2 - m->granule_lg2); i > 0; i--) {
			*cell++ = like;
			like.pa += phyr_bits_size(m->granule_lg2);
		}
	}
}

/* One run; nothing of the part is mapped. */
static inline void model_map(struct model *m, struct part part, uint64_t pa, unsigned int perm,
			     unsigned int attrs)
{
	model_fill(m, part, pa, model_cell(m, perm, attrs));
}

/* No leaf reaches out of the part; there may be holes in it. */
static inline void model_unmap(struct model *m, struct part part)
{
	for (; part.cnt > 0; part.at++, part.cnt--) {
		struct cell *cell = part_cell(m, part);

		if (cell->perm != 0 && !model_is_cut(m, part))
			m->leaves.cnt[cell->lg2]--;
		cell->perm = 0;
	}
}

/* As model_unmap(), and there are no holes. */
static inline void model_protect(struct model *m, struct part part, unsigned int perm,
				 unsigned int attrs)
{
	struct cell like = model_cell(m, perm, attrs);

	for (unsigned int i = 0; i < part.cnt; i++) {
		struct cell *cell = &part_cell(m, part)[i];

		like.pa = cell->pa;
		like.lg2 = cell->lg2;
		*cell = like;
	}
}

/* The granules of the leaf that one granule belongs to; of a hole, the granule. */
static inline struct part model_leaf(struct model *m, struct part one)
{
	const struct cell *cell = part_cell(m, one);
	uint64_t skipped;

	one.cnt = 1;
	if (cell->perm == 0)
		return one;
	skipped = part_iova(m, one) & phyr_bits_mask(cell->lg2);
	one.at -= (unsigned int)(skipped >> m->granule_lg2);
	one.cnt = 1u << (cell->lg2 - m->granule_lg2);
	return one;
}

/* Where a leaf lies across the front of a granule, its two parts take its place. */
static inline void model_split(struct model *m, struct part at)
{
	struct cell like = *part_cell(m, at);
	struct part left = model_leaf(m, at), right = at;

	if (!model_is_cut(m, at))
		return;
	m->leaves.cnt[like.lg2]--;
	right.cnt = left.at + left.cnt - at.at;
	left.cnt -= right.cnt;
	model_fill(m, left, like.pa - part_range(m, left).len, like);
	model_fill(m, right, like.pa, like);
}

/* What marking a granule answers. */
static inline int model_mark_answer(struct model *m, struct part one, bool write)
{
	const struct cell *cell = part_cell(m, one);

	if (cell->perm == 0)
		return PHYR_E_NOENT;
	return cell->perm & (write ? WO : RO) ? PHYR_OK : PHYR_E_FAULT;
}

static inline void model_set_dirty(struct model *m, struct part leaf, bool dirty)
{
	for (unsigned int i = 0; i < leaf.cnt; i++)
		part_cell(m, leaf)[i].dirty = dirty;
}

/* A granule is accessed, as it allows. */
static inline void model_mark(struct model *m, struct part one, bool write)
{
	if (write && config_tracks(m->config))
		model_set_dirty(m, model_leaf(m, one), true);
}

/* Has a page dirty bytes? It begins so many bytes behind the front of a part. */
static inline bool model_page_dirty(struct model *m, struct part part, uint64_t first,
				    unsigned int page_lg2)
{
	uint64_t last = (first + phyr_bits_mask(page_lg2)) >> m->granule_lg2;
	bool dirty = false;

	for (uint64_t i = first >> m->granule_lg2; i <= last; i++) {
		const struct cell *cell = &part_cell(m, part)[i];

		dirty |= cell->perm != 0 && cell->dirty;
	}
	return dirty;
}

/* Cleans the leaves that lie in a part whole; says from where to where, and their sizes. */
static inline uint64_t model_clean(struct model *m, struct part part, struct part *ret_cleaned)
{
	uint64_t sizes = 0;

	for (unsigned int i = 0; i < part.cnt; i++) {
		struct part one = { part.spot, part.at + i, 1 };
		struct part leaf = model_leaf(m, one);
		const struct cell *cell = part_cell(m, one);

		if (cell->perm == 0 || !cell->dirty || leaf.at < part.at ||
		    leaf.at + leaf.cnt > part.at + part.cnt)
			continue;
		model_set_dirty(m, leaf, false);
		if (sizes == 0)
			*ret_cleaned = leaf;
		ret_cleaned->cnt = leaf.at + leaf.cnt - ret_cleaned->at;
		sizes |= phyr_bits_size(cell->lg2);
	}
	return sizes;
}

/*
 * What hardware that sets no marks allows for sure: a clean leaf may lack the permission, or the mark,
 * and so may an item of a group of which another was marked.
 */
static inline unsigned int model_sure_perm(const struct model *m, const struct cell *cell)
{
	bool needs_mark = m->config->format == RV1 || m->config->format == RV2 ||
			  (m->config->features & PHYRSIM_FEATURE_DIRTY);
	bool group = (cell->lg2 - m->granule_lg2) % (m->granule_lg2 - 3) != 0;

	return needs_mark && (group || !cell->dirty) ? cell->perm & ~(unsigned int)WO : cell->perm;
}

#endif
