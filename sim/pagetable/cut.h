/* SPDX-License-Identifier: MIT */
/*
 * The cut of an array of runs or pages into leaves: greedy, which for powers of two gives the fewest, and
 * in pieces of neighbouring leaves of one size in one table, as they are written.
 *
 * Not here: what a leaf looks like; whether its place is free.
 */
#ifndef PHYRSIM_PAGETABLE_CUT_H
#define PHYRSIM_PAGETABLE_CUT_H

#include <phyr/chunk.h>

#include "table.h"

/* Neighbouring leaves of one size in one table. */
struct piece {
	uint64_t at;
	const uint64_t *words;	       /* one for each leaf, which is a page; NULL = */
	const struct phyr_range *runs; /* one for each leaf, a granule long; NULL = one behind */
	uint64_t pa;		       /* another, from here */
	uint64_t len;
	unsigned int lg2; /* of each */
	unsigned int level;
};

/* The items that it takes in its table. */
static inline struct phyrsim_items piece_items(const struct phyrsim_node *node,
					       const struct piece *piece)
{
	unsigned int first = phyrsim_index(node, piece->at);
	struct phyrsim_items in = { first,
				    first + (unsigned int)(piece->len >> node->item_lg2) - 1 };

	return in;
}

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

static inline struct phyrsim_span cut_span(const struct phyrsim_leaf *leaf)
{
	struct phyrsim_span span = { leaf->iova.addr, leaf->iova.addr + phyr_bits_mask(leaf->lg2) };

	return span;
}

/* Where the cut of an array of runs stands. */
struct cut {
	const uint64_t *words;	      /* the next; NULL: runs */
	const struct phyr_range *run; /* the next */
	const struct phyr_range *end;
	phyr_sizes sizes;
	uint64_t last; /* table offset, of all runs */
	uint64_t at;
	uint64_t pa;
	uint64_t left; /* [bytes] of the current run, of all words */
};

static inline struct cut cut_begin(const struct phyrsim_pagetable *table, struct phyrsim_span span,
				   const struct phyr_range *runs, size_t run_cnt)
{
	struct cut cut = { NULL, runs, runs + run_cnt, table->geometry.sizes, span.last, span.first,
			   0,	 0 };

	return cut;
}

static inline struct cut cut_begin_pages(struct phyrsim_span span, const uint64_t *words)
{
	struct cut cut = {
		.words = words,
		.last = span.last,
		.at = span.first,
		.left = span.last - span.first + 1,
	};

	return cut;
}

/* [bytes] from the next leaf to the end of its table of level 0. */
static inline uint64_t cut_rest(const struct cut *cut, unsigned int granule_lg2)
{
	return (~cut->at & phyr_bits_mask(phyrsim_item_lg2(granule_lg2, 1))) + 1;
}

/* Does anything follow? */
static inline bool cut_more(const struct cut *cut)
{
	return cut->at <= cut->last;
}

/* All words that one table takes. */
static inline bool cut_pages(struct cut *cut, unsigned int granule_lg2, struct piece *ret_piece)
{
	uint64_t rest = cut_rest(cut, granule_lg2), len = cut->left < rest ? cut->left : rest;

	if (len == 0)
		return false;
	*ret_piece = (struct piece){
		.at = cut->at, .words = cut->words, .len = len, .lg2 = granule_lg2
	};
	cut->words += len >> granule_lg2;
	cut->at += len;
	cut->left -= len;
	return true;
}

/* How many of the next runs, at most cnt, are a granule long. */
static inline size_t cut_granules(const struct cut *cut, size_t cnt, unsigned int granule_lg2)
{
	size_t rest = (size_t)(cut->end - cut->run);
	size_t i = 0;

	if (cnt > rest)
		cnt = rest;
	/* No run is shorter, so when there is one for each granule all are. */
	if ((cut->last - cut->at) >> granule_lg2 < rest)
		return cnt;
	while (i < cnt && cut->run[i].len == phyr_bits_size(granule_lg2))
		i++;
	return i;
}

/* Scattered granules are the common case, and need no thought: all that one table takes. */
static inline void cut_scattered(struct cut *cut, unsigned int granule_lg2, struct piece *ret_piece)
{
	size_t cnt;

	cut->run--; /* back to the current one */
	cnt = cut_granules(cut, (size_t)(cut_rest(cut, granule_lg2) >> granule_lg2), granule_lg2);
	ret_piece->runs = cut->run;
	ret_piece->len = (uint64_t)cnt << granule_lg2;
	ret_piece->lg2 = granule_lg2;
	ret_piece->level = 0;
	cut->run += cnt;
	cut->at += ret_piece->len;
	cut->left = 0;
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
	uint64_t edge;

	if (cut->words)
		return cut_pages(cut, granule_lg2, ret_piece);
	if (cut->left == 0) {
		if (cut->run == cut->end)
			return false;
		cut->pa = cut->run->pa.addr;
		cut->left = cut->run->len;
		cut->run++;
	}
	ret_piece->at = cut->at;
	ret_piece->pa = cut->pa;
	ret_piece->words = NULL;
	ret_piece->runs = NULL;
	if (cut->left == phyr_bits_size(granule_lg2) && cut->run[-1].len == cut->left) {
		cut_scattered(cut, granule_lg2, ret_piece);
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
