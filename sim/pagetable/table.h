/* SPDX-License-Identifier: MIT */
/*
 * The page table and the bookkeeping that all formats share.
 *
 * A frame holds nothing but what its format defines. What the writer wants to know beyond that
 * (which items are live, where the tables below are) stands in one node for each table, in host
 * memory. For a node that is part of the table:
 *
 *	live bit i is set	 <=>  item i is not zero
 *	live_cnt		 ==   how many live bits are set
 *	child[i] is not NULL	  =>  item i points to the frame of child[i]
 *	no live bit is set	  =>  the node is the top
 *
 * The last line says that there are no empty tables: removing the last item of a table unlinks the
 * table. A large leaf therefore never has to take the place of a pointer, which would need an
 * invalidation in the middle of a map.
 *
 * An unlinked table is held back on a gather until caches are invalidated. Walk caches may still
 * lead to it, and for I/O addresses beside those that were removed too. If one of those is mapped
 * before the invalidation, a new table would be out of a device's sight; so the frame that is held
 * back goes back into its place instead (phyrsim_node_create()).
 *
 * Not here: the bits (one file a format), the algorithms (ops.h).
 */
#ifndef PHYRSIM_PAGETABLE_TABLE_H
#define PHYRSIM_PAGETABLE_TABLE_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#define PHYRSIM_NOINLINE __attribute__((noinline))
#define PHYRSIM_ITEM_LEN_LG2 3 /* every format has items of eight bytes */
#define PHYRSIM_BUCKET_CNT 64u
#define PHYRSIM_LEVEL_CNT 6 /* AMD */

/*
 * Table offsets, both ends included: I/O addresses without what does not select items (a sign, the
 * ones of an upper half). They begin at 0 and are as aligned as the I/O addresses.
 */
struct phyrsim_span {
	uint64_t first;
	uint64_t last;
};

/* Neighbouring items of one table, both ends included. */
struct phyrsim_items {
	unsigned int first;
	unsigned int last;
};

/* One table, or what remains of it while it is held back. */
struct phyrsim_node {
	uint64_t *items;	     /* the frame; NULL when another node has taken it over */
	struct phyrsim_span span;    /* what it translates */
	struct phyrsim_node *parent; /* NULL in the top */
	uint64_t *live;		     /* [bit i = item i]; behind the children, in the same memory */
	unsigned int live_cnt;	     /* bits set in live */
	unsigned int level;
	unsigned int item_lg2; /* [log2 bytes] what one item translates */
	unsigned int item_cnt; /* 512, 2048 or 8192; in a top, any power of two from 2 */
	/* What is above, each call on an item needs. */
	bool grouped; /* it may have had leaves of several items since it was made */
	bool vacant;  /* held back, all items zero: the frame may go back into its place */
	unsigned int frame_lg2; /* [log2 bytes] of memory that it takes */
	phyr_pa pa;
	struct phyrsim_node *next;   /* in the one list that it is on: fresh, or a gather's */
	struct phyrsim_node *origin; /* whose frame it took over, until it is linked; or NULL */
	struct phyrsim_node *bucket_next;
	struct phyrsim_node **bucket_link; /* what points at it while it is held back */
	struct phyrsim_node *child[];	   /* above level 0: item_cnt, NULL = no table */
};

/* Where an item has the bits of an output address, if that depends on the table: Arm. */
struct phyrsim_place {
	uint64_t mask;	    /* [bits of both] at the same place in both */
	uint64_t high_mask; /* [bits of the item] those that are not */
	unsigned int shift; /* [bits] by which these are lower in the item */
};

/* The measures of a table; all but level_cnt and iova_bits stay as they are made. */
struct phyrsim_geometry {
	unsigned int
		granule_lg2; /* [log2 bytes] of the smallest leaf, and of all tables but tops */
	unsigned int level_cnt;
	unsigned int iova_bits; /* the sign bit included */
	unsigned int pa_bits;
	phyr_sizes sizes;
	uint64_t at_last; /* the last table offset, of the largest top there may be */
	/* Added to an I/O address it gives 0 … at_last, and in order, for all that are valid. */
	uint64_t bias;
	struct phyrsim_place place;
};

/* What memory is mapped for; one register when it is passed. */
struct phyrsim_use {
	enum phyr_perm perm;
	unsigned int attrs;
};

/*
 * What one call of the interface comes to, its arguments checked: a format's own functions, or of a
 * table that threads share those that guard them. Who does not share a table pays nothing for it.
 */
struct phyrsim_calls {
	int (*map)(struct phyrsim_pagetable *table, struct phyrsim_span span,
		   const struct phyr_range *runs, size_t run_cnt, struct phyrsim_use use);
	/* One word of a list for each granule, which is a page. */
	int (*map_pages)(struct phyrsim_pagetable *table, struct phyrsim_span span,
			 const uint64_t *words, struct phyrsim_use use);
	int (*unmap)(struct phyrsim_pagetable *table, struct phyrsim_span span,
		     struct phyr_gather *gather);
	int (*protect)(struct phyrsim_pagetable *table, struct phyrsim_span span,
		       struct phyrsim_use use, struct phyr_gather *gather);
	/* The first leaf in a span; its iova is a table offset. */
	int (*next)(const struct phyrsim_pagetable *table, struct phyrsim_span span,
		    struct phyrsim_leaf *ret_leaf);
	int (*mark)(struct phyrsim_pagetable *table, uint64_t at, bool write);
};

/* A format: entered once per call, never once per item. */
struct phyrsim_format_ops {
	unsigned int features; /* those that it knows */
	unsigned int level_cnt_min;
	unsigned int level_cnt_max;
	unsigned int level_cnt;	  /* unless asked otherwise */
	unsigned int pa_bits_max; /* and unless asked otherwise */
	unsigned int root_lg2; /* the top has that many times more items than other tables [log2] */
	bool sign;	       /* I/O addresses are sign-extended */
	bool grows;	       /* maps beyond the top put another one above it */
	unsigned int dirty_feature; /* without it there are no dirty marks; 0: there always are */
	phyr_sizes sizes;
	/* False: not offered. Parameters have no unknown feature. */
	bool (*measure)(const struct phyrsim_format_ops *ops,
			const struct phyrsim_pagetable_params *params,
			struct phyrsim_geometry *ret_geometry);
	struct phyrsim_calls calls;
	/* The first that is dirty. */
	int (*next_dirty)(const struct phyrsim_pagetable *table, struct phyrsim_span span,
			  struct phyrsim_leaf *ret_leaf);
	/*
	 * Cuts a leaf, as `next` has it, at a place inside it. The tables are by level, chained, as
	 * many as needed (split.c). True: on the way it was absent and invalidated.
	 */
	bool (*split)(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf, uint64_t at,
		      struct phyrsim_node **tables);
	/* Takes the dirty marks of a leaf, as `next` has it. */
	void (*clean)(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf);
	/* An item of a level that points to a table, and the size of a leaf: for the audit. */
	uint64_t (*pointer)(const struct phyrsim_pagetable *table, phyr_pa pa, unsigned int level);
	unsigned int (*leaf_lg2)(const struct phyrsim_pagetable *table, uint64_t item,
				 unsigned int level);
};

extern const struct phyrsim_format_ops phyrsim_format_amd_v1;
extern const struct phyrsim_format_ops phyrsim_format_arm_s1;
extern const struct phyrsim_format_ops phyrsim_format_arm_s2;
extern const struct phyrsim_format_ops phyrsim_format_riscv_s1;
extern const struct phyrsim_format_ops phyrsim_format_riscv_s2;
extern const struct phyrsim_format_ops phyrsim_format_vtd_ss;
extern const struct phyrsim_format_ops phyrsim_format_x86_fs;

struct phyrsim_guard;

struct phyrsim_pagetable {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	const struct phyrsim_format_ops *ops;
	const struct phyrsim_calls *calls; /* those of ops, or those that guard them */
	enum phyrsim_format format;
	unsigned int features;
	struct phyrsim_geometry geometry;
	uint64_t pa_last;
	struct phyrsim_node *top;
	struct phyrsim_node *near;    /* above level 0: where the last call was, or above that */
	struct phyrsim_node *retired; /* tops that were empty when another came above them */
	struct phyrsim_guard *guard;  /* NULL: not shared */
	struct phyrsim_pagetable_breaker breaker;
	struct phyrsim_pagetable_stats stats;
	struct phyrsim_node *held[PHYRSIM_BUCKET_CNT];	/* held back, by span */
	struct phyrsim_node *spares[PHYRSIM_LEVEL_CNT]; /* nodes that are not in use */
};

/*
 * Makes the table of one level less under a parent, for the place of an address. It is known to
 * its parent, but hardware does not see it yet. Its items are zero; who is going to write them all
 * says so, and they may be anything. NULL: no memory.
 */
struct phyrsim_node *phyrsim_node_create(struct phyrsim_pagetable *table,
					 struct phyrsim_node *parent, uint64_t at, bool write_all);

/* Takes back phyrsim_node_create() for a node that hardware never saw. */
void phyrsim_node_cancel(struct phyrsim_pagetable *table, struct phyrsim_node *node);

/*
 * Holds back an unlinked table. Vacant: all its items are zero, and it translates addresses that
 * are not being removed.
 */
void phyrsim_node_hold(struct phyrsim_pagetable *table, struct phyrsim_node *node, bool vacant);

/* Frees a node that is in no bucket, and its frame if it still has one. */
void phyrsim_node_drop(struct phyrsim_pagetable *table, struct phyrsim_node *node);

/* Frees the memory of nodes that are not in use. */
void phyrsim_nodes_free(struct phyrsim_pagetable *table);

/* Frees a node that is held back. */
void phyrsim_node_unhold(struct phyrsim_pagetable *table, struct phyrsim_node *node);

/* A table of a level that is linked to nothing, with a frame of its own. NULL: no memory. */
struct phyrsim_node *phyrsim_node_reserve(struct phyrsim_pagetable *table, unsigned int level);

/* Gives a table of phyrsim_node_reserve() its place; hardware does not see it yet. */
void phyrsim_node_place(struct phyrsim_node *node, struct phyrsim_node *parent, uint64_t at);

/* Adds a leaf, as `next` has it, to a gather. */
void phyrsim_gather_leaf(const struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf,
			 struct phyr_gather *gather);

/* Makes the first top, by the geometry. False: no memory. */
bool phyrsim_top_create(struct phyrsim_pagetable *table);

/*
 * Puts a top of one level more above the top, which is not linked to it yet and which it remembers
 * as its `next`. False: no memory.
 */
bool phyrsim_top_push(struct phyrsim_pagetable *table);

/* Takes back phyrsim_top_push() down to a number of levels. */
void phyrsim_top_pop(struct phyrsim_pagetable *table, unsigned int level_cnt);

/* Makes phyrsim_top_push() final: tops that are not linked are held back until a release. */
void phyrsim_top_keep(struct phyrsim_pagetable *table);

/* The measures of a table with 9 bits a level; as `measure` of a format. */
bool phyrsim_measure_levels(const struct phyrsim_format_ops *ops,
			    const struct phyrsim_pagetable_params *params,
			    struct phyrsim_geometry *ret_geometry);

/* 2^lg2 − 1; for lg2 beyond 63 all ones. */
static inline uint64_t phyrsim_mask(unsigned int lg2)
{
	return lg2 < 64 ? phyr_bits_mask(lg2) : UINT64_MAX;
}

/* [log2 bytes] what one item of a level translates */
static inline unsigned int phyrsim_item_lg2(unsigned int granule_lg2, unsigned int level)
{
	return granule_lg2 + (granule_lg2 - PHYRSIM_ITEM_LEN_LG2) * level;
}

/* The level whose leaves have a size, contiguous ones included. */
static inline unsigned int phyrsim_level_of(unsigned int granule_lg2, unsigned int lg2)
{
	return (lg2 - granule_lg2) / (granule_lg2 - PHYRSIM_ITEM_LEN_LG2);
}

/* The item of a table for an offset inside it. */
static inline unsigned int phyrsim_index(const struct phyrsim_node *node, uint64_t at)
{
	return (unsigned int)((at - node->span.first) >> node->item_lg2);
}

static inline bool phyrsim_within(struct phyrsim_span inner, struct phyrsim_span outer)
{
	return inner.first >= outer.first && inner.last <= outer.last;
}

/* The table offsets of a range of I/O addresses; false when some of it is not translatable. */
static inline bool phyrsim_span_of(const struct phyrsim_geometry *geometry,
				   struct phyr_iova_range range, struct phyrsim_span *ret_span)
{
	uint64_t at = range.iova.addr + geometry->bias;
	uint64_t last;

	/* The bias keeps neighbours together, so a range that wraps is one that its ends show. */
	if (!phyr_bits_last(range.iova.addr, range.len, &last))
		return false;
	last += geometry->bias;
	if (at > last || last > geometry->at_last)
		return false;
	ret_span->first = range.iova.addr & geometry->at_last;
	ret_span->last = ret_span->first + (range.len - 1);
	return true;
}

/* The I/O address of a table offset. */
static inline uint64_t phyrsim_iova_of(const struct phyrsim_geometry *geometry, uint64_t at)
{
	return ((at + geometry->bias) & geometry->at_last) - geometry->bias;
}

/* What item i of a table translates. */
static inline struct phyrsim_span phyrsim_item_span(const struct phyrsim_node *node, unsigned int i)
{
	struct phyrsim_span span;

	span.first = node->span.first + ((uint64_t)i << node->item_lg2);
	span.last = span.first + phyr_bits_mask(node->item_lg2);
	return span;
}

/* The items of a table that translate a span, which begins in the table and may leave it. */
static inline struct phyrsim_items phyrsim_items_of(const struct phyrsim_node *node,
						    struct phyrsim_span span)
{
	struct phyrsim_items in;

	in.first = phyrsim_index(node, span.first);
	in.last = span.last >= node->span.last ? node->item_cnt - 1 :
						 phyrsim_index(node, span.last);
	return in;
}

/* The lowest table on the path to an offset, which the top covers: up from the last, then down. */
static inline struct phyrsim_node *phyrsim_lowest(const struct phyrsim_pagetable *table,
						  uint64_t at)
{
	struct phyrsim_node *node = table->near;
	struct phyrsim_node *child;

	while (at < node->span.first || at > node->span.last)
		node = node->parent;
	for (; node->level > 0; node = child) {
		child = node->child[phyrsim_index(node, at)];
		if (!child)
			break;
	}
	return node;
}

/*
 * Remembers where a call was. Nothing is stored that is there already: else the next call could not
 * begin before this one has read the node.
 */
static inline void phyrsim_near_set(struct phyrsim_pagetable *table, struct phyrsim_node *node)
{
	struct phyrsim_node *near = node->level > 0 ? node : node->parent;

	if (table->near != near)
		table->near = near;
}

/* Those of the items that word w of the live bits knows about. */
static inline uint64_t phyrsim_live_mask(struct phyrsim_items in, unsigned int w)
{
	uint64_t mask = UINT64_MAX;

	if (w == in.first / 64)
		mask <<= in.first % 64;
	if (w == in.last / 64)
		mask &= UINT64_MAX >> (63 - in.last % 64);
	return mask;
}

static inline bool phyrsim_live_any(const struct phyrsim_node *node, struct phyrsim_items in)
{
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++) {
		if (node->live[w] & phyrsim_live_mask(in, w))
			return true;
	}
	return false;
}

static inline bool phyrsim_live_all(const struct phyrsim_node *node, struct phyrsim_items in)
{
	if (node->live_cnt == node->item_cnt)
		return true;
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++) {
		if (~node->live[w] & phyrsim_live_mask(in, w))
			return false;
	}
	return true;
}

/* None of them is live. */
static inline void phyrsim_live_set(struct phyrsim_node *node, struct phyrsim_items in)
{
	unsigned int w = in.first / 64, last = in.last / 64;

	node->live[w] |= phyrsim_live_mask(in, w);
	while (++w < last)
		node->live[w] = UINT64_MAX;
	if (w == last)
		node->live[w] |= phyrsim_live_mask(in, w);
	node->live_cnt += in.last - in.first + 1;
}

/* All of them are live. */
static inline void phyrsim_live_clear(struct phyrsim_node *node, struct phyrsim_items in)
{
	unsigned int w = in.first / 64, last = in.last / 64;

	node->live[w] &= ~phyrsim_live_mask(in, w);
	while (++w < last)
		node->live[w] = 0;
	if (w == last)
		node->live[w] &= ~phyrsim_live_mask(in, w);
	node->live_cnt -= in.last - in.first + 1;
}

/* The first live item among some, or item_cnt. */
static inline unsigned int phyrsim_live_next(const struct phyrsim_node *node,
					     struct phyrsim_items in)
{
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++) {
		uint64_t live = node->live[w] & phyrsim_live_mask(in, w);

		if (live)
			return w * 64 + phyr_bits_ctz(live);
	}
	return node->item_cnt;
}

static inline bool phyrsim_live_none(const struct phyrsim_node *node)
{
	return node->live_cnt == 0;
}

#endif
