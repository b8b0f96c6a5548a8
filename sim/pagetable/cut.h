/* SPDX-License-Identifier: MIT */
/*
 * The cut of an array of runs into leaves: greedy, which for powers of two gives the fewest, and
 * in pieces of neighbouring leaves of one size in one table, as they are written.
 *
 * Not here: what a leaf looks like; whether its place is free.
 */
#ifndef PHYRSIM_PAGETABLE_CUT_H
#define PHYRSIM_PAGETABLE_CUT_H

#include "table.h"

/* Neighbouring leaves of one size in one table. */
struct piece {
	uint64_t at;
	uint64_t pa;
	uint64_t len;
	unsigned int lg2; /* of each */
	unsigned int level;
};

/* What a leaf becomes that is cut at a place inside it. */
struct cut_parts {
	struct phyr_range runs[2];
};

static inline struct cut_parts cut_parts(const struct phyrsim_leaf *leaf, uint64_t at)
{
	uint64_t len = at - leaf->iova.addr;
	struct cut_parts parts = { { { leaf->pa, len },
				     { phyr_pa_at(leaf->pa.addr + len),
				       phyr_bits_size(leaf->lg2) - len } } };

	return parts;
}

/* Where the cut of an array of runs stands. */
struct cut {
	const struct phyr_range *run; /* the next */
	const struct phyr_range *end;
	phyr_sizes sizes;
	uint64_t at;
	uint64_t pa;
	uint64_t left; /* [bytes] of the current run */
};

static inline struct cut cut_begin(const struct phyrsim_pagetable *table, uint64_t at,
				   const struct phyr_range *runs, size_t run_cnt)
{
	struct cut cut = { runs, runs + run_cnt, table->geometry.sizes, at, 0, 0 };

	return cut;
}

/*
 * How far leaves of a size go on: to the end of the table, or to where a larger size takes over,
 * which it only does when both addresses agree modulo that size.
 */
static inline unsigned int cut_reach_lg2(const struct cut *cut, const struct piece *piece,
					 unsigned int granule_lg2)
{
	unsigned int reach = phyrsim_item_lg2(granule_lg2, piece->level + 1);
	unsigned int larger = phyr_bits_ctz(cut->sizes.mask & ~phyr_bits_mask(piece->lg2 + 1));

	if (larger < reach && phyr_bits_aligned(cut->at ^ cut->pa, larger))
		return larger;
	return reach;
}

static inline bool cut_next(struct cut *cut, unsigned int granule_lg2, struct piece *ret_piece)
{
	uint64_t granule = phyr_bits_size(granule_lg2);
	uint64_t edge;

	if (cut->left == 0) {
		if (cut->run == cut->end)
			return false;
		cut->pa = cut->run->pa.addr;
		cut->left = cut->run->len;
		cut->run++;
	}
	ret_piece->at = cut->at;
	ret_piece->pa = cut->pa;
	/* Scattered granules are the common case, and need no thought. */
	if (cut->left == granule) {
		ret_piece->len = granule;
		ret_piece->lg2 = granule_lg2;
		ret_piece->level = 0;
		cut->at += granule;
		cut->left = 0;
		return true;
	}
	edge = phyr_bits_size(phyr_bits_log2(cut->left));
	ret_piece->lg2 = phyr_sizes_best_lg2(cut->sizes, phyr_bits_ctz(cut->at | cut->pa | edge));
	ret_piece->level = phyrsim_level_of(granule_lg2, ret_piece->lg2);
	edge = phyr_bits_size(cut_reach_lg2(cut, ret_piece, granule_lg2));
	edge -= cut->at & (edge - 1);
	ret_piece->len = phyr_bits_down(cut->left < edge ? cut->left : edge, ret_piece->lg2);
	cut->at += ret_piece->len;
	cut->pa += ret_piece->len;
	cut->left -= ret_piece->len;
	return true;
}

#endif
