/* SPDX-License-Identifier: MIT */
/*
 * The free and taken granules of a space: a radix tree over bits, shaped like a page table.
 *
 * A part of level n has 512 units of 512^n granules. A unit is free, or taken: whole, by one range
 * (then a second bit says whether the range ends in it), or it is a kid, a part of the level below.
 * Kids are neither wholly free nor wholly taken by one range. Level 0, the leaves, has no kids. Nor
 * has a part above it until it needs one: then it becomes a node, which is much larger, and stays
 * one until it is empty.
 *
 * A hole is summed up at the taken unit just above it: `best` of a part is the longest hole that
 * ends below something taken in that part. Free granules at its very top, `suf`, are left to
 * whatever is above. So every hole is counted once, wherever it crosses.
 *
 * Everything is in granules from address 0, in units where it says so; nothing here locks.
 */
#ifndef PHYR_IOVA_TREE_H
#define PHYR_IOVA_TREE_H

#include <phyr/bits.h>

#include "../base/check.h"
#include "fold.h"
#include "lanes.h"

#define PART_LG2 9
#define UNIT_CNT 512U
#define WORD_CNT 8U
/* 2^54 granules are more than 64 bits of address. */
#define LEVEL_MAX 5
/* A kid's blocks are smaller than it, and there is none of the last order. */
#define ORDER_CNT(level) (PART_LG2 * (level) + 1)

/* What is known of a part without looking into it. */
struct sum {
	uint64_t pre;	/* free granules below its lowest taken one */
	uint64_t suf;	/* free granules above its highest taken one */
	uint64_t best;	/* the longest hole below a taken granule in it; `pre` is one of them */
	uint64_t order; /* 1 + log2 of its largest free aligned power of two; 0: nothing is free */
};

/* The bits of 64 units; what is known of them lies in the part. */
struct word {
	uint64_t taken;
	uint64_t ends; /* a range ends with this unit, which is no kid */
};

struct strip;

struct part {
	struct sum sum;
	union {
		struct strip *strips; /* of a leaf: those of caches that lie here */
		struct {	      /* of all others */
			uint32_t kid_cnt;
			bool is_node;
		};
	};
	struct lanes holes; /* of each word: the longest hole below a taken unit of it */
	uint64_t blocks;    /* bit 8 k + i: word i has a free aligned 2^k of units */
	struct word words[WORD_CNT];
};

struct child {
	struct part *kid; /* where the node's `kids` say so */
	uint64_t below;	  /* of what is taken: the hole that ends in it, below */
};

/*
 * A part with room for kids. Without any it is known by its bits alone: then all from `most` on is
 * 0, but for pointers, and spares are so. What is looked through for many units lies side by side.
 */
struct node {
	struct part part;
	uint64_t kids[WORD_CNT];
	uint64_t most[WORD_CNT];     /* the largest `best` of 64 units */
	uint64_t tops[UNIT_CNT / 8]; /* … and of 8 */
	uint64_t best[UNIT_CNT]; /* the hole that ends in the unit, below, or the longest in it */
	struct child children[UNIT_CNT];
	/* By orders: in which words there are kids with a free aligned 2^k, and those kids. */
	uint8_t words_with[ORDER_CNT(LEVEL_MAX)];
	uint64_t with[][WORD_CNT];
};

/* First and last granule or unit, both included. */
struct span {
	uint64_t first;
	uint64_t last;
};

/* The way to a part. */
struct path {
	struct part *part; /* NULL: none is known */
	unsigned int level;
	uint64_t number;		   /* of the part among those of its level */
	struct span span;		   /* for which it was looked for */
	struct node *nodes[LEVEL_MAX + 2]; /* above it, by levels */
};

/* What a tree is made of. */
enum kind { PART, NODE, KIND_CNT };

/* So many of each. */
struct need {
	size_t cnt[KIND_CNT];
};

/* Empty ones, so that taking need not call hooks. The first word links them. */
struct spares {
	void *first;
	size_t cnt;
};

struct tree {
	struct node *root;
	unsigned int level; /* of the root, at least 1 */
	struct path path;   /* the last way that was taken, a hint */
	struct spares spares[KIND_CNT];
};

/* [log2 granules] of a unit. */
static inline unsigned int unit_lg2(unsigned int level)
{
	return PART_LG2 * level;
}

static inline uint64_t part_len(unsigned int level)
{
	return phyr_bits_size(unit_lg2(level + 1));
}

/* The unit of a part that holds a granule, counted from anywhere that the part is aligned to. */
static inline unsigned int unit_of(unsigned int level, uint64_t granule)
{
	return (unsigned int)(granule >> unit_lg2(level)) & (UNIT_CNT - 1);
}

/* Those of one part that a span touches. */
static inline struct span units_of(unsigned int level, struct span span)
{
	return (struct span){ unit_of(level, span.first), unit_of(level, span.last) };
}

/* Does a span cut units of a level, so that their part has to be a node? */
static inline bool cuts_units(unsigned int level, struct span span)
{
	return ((span.first | (span.last + 1)) & phyr_bits_mask(unit_lg2(level))) != 0;
}

static inline uint64_t bit_of(unsigned int i)
{
	return UINT64_C(1) << (i & 63);
}

/* The bits first … last of a word. */
static inline uint64_t bits_between(unsigned int first, unsigned int last)
{
	return (UINT64_MAX << first) & (UINT64_MAX >> (63 - last));
}

/* Of word i, the bits of the units first … last; some are in it. */
static inline uint64_t bits_in(struct span units, uint64_t i)
{
	return bits_between(units.first / 64 == i ? units.first & 63 : 0,
			    units.last / 64 == i ? units.last & 63 : 63);
}

static inline bool is_taken(const struct part *part, uint64_t unit)
{
	return part->words[unit / 64].taken & bit_of((unsigned int)unit);
}

static inline bool is_end(const struct part *part, uint64_t unit)
{
	return part->words[unit / 64].ends & bit_of((unsigned int)unit);
}

static inline struct node *node_of(struct part *part)
{
	return (struct node *)(void *)part;
}

static inline const struct node *node_at(const struct part *part)
{
	return (const struct node *)(const void *)part;
}

static inline bool is_kid(const struct node *node, unsigned int unit)
{
	return node->kids[unit / 64] & bit_of(unit);
}

/* Is there a free aligned 2^order in a unit of a node with kids, and is it one of them? */
static inline bool has_block(const struct node *node, unsigned int unit, unsigned int order)
{
	return node->with[order][unit / 64] & bit_of(unit);
}

/* NULL when the unit is no kid. */
static inline struct part *kid_at(const struct node *node, unsigned int unit)
{
	return is_kid(node, unit) ? node->children[unit].kid : NULL;
}

static inline bool has_kids(const struct part *part, unsigned int level)
{
	return level && part->kid_cnt;
}

/* Leaves are no nodes. */
static inline enum kind kind_of(const struct part *part, unsigned int level)
{
	return level && part->is_node ? NODE : PART;
}

/* [bytes] Nodes are as long as the root needs, so that all are alike. */
static inline size_t len_of(const struct tree *tree, enum kind kind)
{
	return kind == PART ? sizeof(struct part) :
			      offsetof(struct node, with) +
				      ORDER_CNT(tree->level) * sizeof(((struct node *)0)->with[0]);
}

static inline uint64_t tree_last(const struct tree *tree)
{
	return part_len(tree->level) - 1;
}

static inline bool sum_changed(const struct sum *a, const struct sum *b)
{
	return ((a->pre ^ b->pre) | (a->suf ^ b->suf) | (a->best ^ b->best) |
		(a->order ^ b->order)) != 0;
}

/* part.c: bits, and what is summed up from them alone: leaves and nodes without kids. */

/* The nearest unit from one on, that included, that is or is not taken; UNIT_CNT: none. */
unsigned int phyr_part_up(const struct part *part, unsigned int from, bool taken);
unsigned int phyr_part_down(const struct part *part, unsigned int from, bool taken);
/* The lowest unit from which on all are free, up to one that is not asked. */
unsigned int phyr_part_free_from(const struct part *part, unsigned int unit);
/* Does a range end with the last of some units, and none with another? */
bool phyr_part_ends_with(const struct part *part, struct span units);
/* Sums up a part in which all is free, and whose bits are 0. */
void phyr_part_init(struct part *part, unsigned int level);
/* Sets bits that are clear, and sums up their words; clears bits that are set. */
void phyr_part_mark(struct part *part, struct span units, bool ends);
void phyr_part_clear(struct part *part, struct span units);
/* 1 + log2 of the largest free aligned power of two, in units. */
unsigned int phyr_part_order(const struct part *part);
void phyr_part_sum(const struct part *part, unsigned int level, struct sum *ret_sum);
/* Marks units and brings the sum up to date; a range ends with the last of them, or goes on. */
void phyr_part_take(struct part *part, unsigned int level, struct span units, bool ends);
/* The opposite. */
void phyr_part_give(struct part *part, unsigned int level, struct span units);

/* node.c: summing up nodes that have kids. */

/* After a unit of a node with kids came or went, or some of one range. False: the sum is as it was. */
bool phyr_node_refresh(struct node *node, unsigned int level, struct span units);
/* After the sum of a kid changed. */
bool phyr_node_adjust(struct node *node, unsigned int level, unsigned int unit,
		      const struct sum *before);
/* After a node got its first kid: of its children nothing was known. */
bool phyr_node_first_kid(struct node *node, unsigned int level);
/* After it lost its last one, a unit that is free now: nothing is known of its children. */
bool phyr_node_last_kid(struct node *node, unsigned int level, unsigned int unit);

/* mark.c: taking and giving back. */

/* Keeps an empty part or node for later. */
void phyr_tree_spare(struct tree *tree, void *empty, enum kind kind);
/* What taking a free range may need; false: nothing, and nothing is written. */
bool phyr_tree_need(struct tree *tree, struct span span, struct need *ret_need);
/* Takes free granules as one range; spares suffice. */
void phyr_tree_take(struct tree *tree, struct span span);
/* Takes free granules of one leaf as ranges of cnt granules each. */
void phyr_tree_take_tiles(struct tree *tree, struct span span, uint64_t cnt);
/* Gives whole ranges back: one, or several neighbours in one leaf. */
void phyr_tree_give(struct tree *tree, struct span span);

/* Looks for the way to the lowest part that holds all of a span, as far as it lies in the tree. */
void phyr_tree_descend(struct tree *tree, struct span span);

/* The way. Often it is the leaf of the call before, and always the part of the step before. */
static inline const struct path *phyr_tree_way(struct tree *tree, struct span span)
{
	const struct path *path = &tree->path;
	bool same = path->level == 0 ?
			    path->number == span.first >> PART_LG2 &&
				    path->number == span.last >> PART_LG2 :
			    path->span.first == span.first && path->span.last == span.last;

	if (!path->part || !same)
		phyr_tree_descend(tree, span);
	return path;
}

/* The leaf that holds a granule, NULL if there is none. */
struct part *phyr_tree_leaf(struct tree *tree, uint64_t granule);

/* walk.c: from a granule to others. False when there is none. */

/* Is it exactly one range? PHYR_OK, PHYR_E_NOENT or PHYR_E_PARTIAL. */
int phyr_tree_check(struct tree *tree, struct span span);
/* The nearest from one on, that included. */
bool phyr_tree_next_taken(const struct tree *tree, uint64_t from, uint64_t *ret_granule);
bool phyr_tree_prev_taken(const struct tree *tree, uint64_t from, uint64_t *ret_granule);
bool phyr_tree_next_free(const struct tree *tree, uint64_t from, uint64_t *ret_granule);
/* Where the range that takes a granule ends, and where it starts. */
uint64_t phyr_tree_end(const struct tree *tree, uint64_t granule);
uint64_t phyr_tree_start(const struct tree *tree, uint64_t granule);
/* The maximal free range around a granule; false when it is taken. */
bool phyr_tree_hole(const struct tree *tree, uint64_t granule, struct span *ret_hole);

/* Which of several places. */
enum which { HIGHEST, LOWEST, TIGHTEST };

/* A hole that is looked for. */
struct want_hole {
	uint64_t cnt; /* granules at least */
	enum which which;
};

/*
 * hole.c: in a part without kids; find.c: in the tree. So many granules at the top of the highest
 * such hole, at the bottom of the lowest, or at the top of a tight one. Holes lie between the
 * bounds, which are taken granules or ends of what is searched; those above everything that is
 * taken are not seen.
 */
bool phyr_part_find(const struct part *part, unsigned int level, struct span bounds,
		    const struct want_hole *want, uint64_t *ret);
/* The highest of all in a part without kids; there is one. */
uint64_t phyr_part_highest(const struct part *part, unsigned int level, uint64_t cnt);
bool phyr_tree_find(const struct tree *tree, struct span bounds, const struct want_hole *want,
		    uint64_t *ret_first);

/* block.c: a free block of 2^order granules, aligned to itself, inside a window. */
bool phyr_tree_block(const struct tree *tree, struct span window, unsigned int order,
		     enum which which, uint64_t *ret_first);
/* The highest in all of the tree. */
bool phyr_tree_highest_block(const struct tree *tree, unsigned int order, uint64_t *ret_first);

#endif
