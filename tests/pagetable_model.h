/* SPDX-License-Identifier: MIT */
/*
 * A flat model of a page table: for every granule of a few stretches of I/O addresses, where it
 * leads, what it allows and how large its leaf is. Slow and obvious; it knows no tables.
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

/* One run; nothing of the part is mapped. */
static inline void model_map(struct model *m, struct part part, uint64_t pa, unsigned int perm,
			     unsigned int attrs)
{
	struct phyr_iova_range range = part_range(m, part);
	struct cell *cell = part_cell(m, part);

	while (range.len > 0) {
		unsigned int lg2 = model_best_lg2(m, range.iova.addr | pa, range.len);

		m->leaves.cnt[lg2]++;
		range.iova.addr += phyr_bits_size(lg2);
		range.len -= phyr_bits_size(lg2);
		for (uint64_t i = phyr_bits_size(lg2 - m->granule_lg2); i > 0; i--) {
			cell->pa = pa;
			cell->perm = (uint8_t)perm_of(m->config, perm);
			cell->attrs = (uint8_t)attrs_of(m->config, attrs);
			cell->lg2 = (uint8_t)lg2;
			cell++;
			pa += phyr_bits_size(m->granule_lg2);
		}
	}
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
	for (unsigned int i = 0; i < part.cnt; i++) {
		part_cell(m, part)[i].perm = (uint8_t)perm_of(m->config, perm);
		part_cell(m, part)[i].attrs = (uint8_t)attrs_of(m->config, attrs);
	}
}

#endif
