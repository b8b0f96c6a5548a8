/* SPDX-License-Identifier: MIT */
/*
 * The page table and the bookkeeping that all formats share.
 *
 * A frame holds nothing but what its format defines. What the writer wants to know beyond that
 * (which items are live, where the tables below are) stands in one node for each table, in host
 * memory. For a node that is part of the table:
 *
 *	live bit i is set	 <=>  item i is not zero
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
#define PHYRSIM_INDEX_LG2 9
#define PHYRSIM_ITEM_CNT 512u /* items in a frame */
#define PHYRSIM_LIVE_CNT (PHYRSIM_ITEM_CNT / 64)
#define PHYRSIM_BUCKET_CNT 64u

/* I/O addresses, both ends included. */
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
	struct phyrsim_node *next;   /* in the one list that it is on: fresh, or a gather's */
	struct phyrsim_node *origin; /* whose frame it took over, until it is linked; or NULL */
	struct phyrsim_node *bucket_next;
	struct phyrsim_node **bucket_link; /* what points at it while it is held back */
	phyr_pa pa;
	unsigned int level;
	bool vacant; /* held back, all items zero: the frame may go back into its place */
	uint64_t live[PHYRSIM_LIVE_CNT]; /* [bit i = item i] */
	struct phyrsim_node *child[];	 /* above level 0: PHYRSIM_ITEM_CNT, NULL = no table */
};

/* A format: entered once per call, never once per item. Arguments are checked already. */
struct phyrsim_format_ops {
	unsigned int level_cnt_min;
	unsigned int level_cnt_max;
	unsigned int level_cnt; /* unless asked otherwise */
	phyr_sizes sizes;
	int (*map)(struct phyrsim_pagetable *table, struct phyrsim_span span,
		   const struct phyr_range *runs, size_t run_cnt, enum phyr_perm perm);
	int (*unmap)(struct phyrsim_pagetable *table, struct phyrsim_span span,
		     struct phyr_gather *gather);
};

extern const struct phyrsim_format_ops phyrsim_format_vtd_ss;

struct phyrsim_pagetable {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	const struct phyrsim_format_ops *ops;
	enum phyrsim_format format;
	unsigned int level_cnt;
	unsigned int pa_bits;
	uint64_t iova_last;
	uint64_t pa_last;
	struct phyrsim_node *top;
	struct phyrsim_node *near; /* the table of level 0 that was used last; NULL = none */
	struct phyrsim_pagetable_stats stats;
	struct phyrsim_node *held[PHYRSIM_BUCKET_CNT]; /* held back, by span */
};

/*
 * Makes the table of one level less under a parent, for the place of an address. It is known to
 * its parent, but hardware does not see it yet. NULL: no memory.
 */
struct phyrsim_node *phyrsim_node_create(struct phyrsim_pagetable *table,
					 struct phyrsim_node *parent, uint64_t at);

/* Takes back phyrsim_node_create() for a node that hardware never saw. */
void phyrsim_node_cancel(struct phyrsim_pagetable *table, struct phyrsim_node *node);

/*
 * Holds back an unlinked table. Vacant: all its items are zero, and it translates addresses that
 * are not being removed.
 */
void phyrsim_node_hold(struct phyrsim_pagetable *table, struct phyrsim_node *node, bool vacant);

/* [log2 bytes] what one item of a level translates */
static inline unsigned int phyrsim_item_lg2(unsigned int level)
{
	return PHYR_PAGE_LG2 + PHYRSIM_INDEX_LG2 * level;
}

/* The level whose leaves have a size. */
static inline unsigned int phyrsim_level_of(unsigned int lg2)
{
	return (lg2 - PHYR_PAGE_LG2) / PHYRSIM_INDEX_LG2;
}

static inline unsigned int phyrsim_index(uint64_t at, unsigned int level)
{
	return (unsigned int)(at >> phyrsim_item_lg2(level)) % PHYRSIM_ITEM_CNT;
}

static inline bool phyrsim_within(struct phyrsim_span inner, struct phyrsim_span outer)
{
	return inner.first >= outer.first && inner.last <= outer.last;
}

/* What item i of a table translates. */
static inline struct phyrsim_span phyrsim_item_span(const struct phyrsim_node *node, unsigned int i)
{
	unsigned int lg2 = phyrsim_item_lg2(node->level);
	struct phyrsim_span span;

	span.first = node->span.first + ((uint64_t)i << lg2);
	span.last = span.first + phyr_bits_mask(lg2);
	return span;
}

/* The items of a table that translate a span, which begins in the table and may leave it. */
static inline struct phyrsim_items phyrsim_items_of(const struct phyrsim_node *node,
						    struct phyrsim_span span)
{
	struct phyrsim_items in;

	in.first = phyrsim_index(span.first, node->level);
	in.last = span.last >= node->span.last ? PHYRSIM_ITEM_CNT - 1 :
						 phyrsim_index(span.last, node->level);
	return in;
}

/* The lowest table on the path to an address. */
static inline struct phyrsim_node *phyrsim_lowest(const struct phyrsim_pagetable *table,
						  uint64_t at)
{
	struct phyrsim_node *node = table->near;
	struct phyrsim_node *child;

	if (node && at >= node->span.first && at <= node->span.last)
		return node;
	for (node = table->top; node->level > 0; node = child) {
		child = node->child[phyrsim_index(at, node->level)];
		if (!child)
			break;
	}
	return node;
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
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++) {
		if (~node->live[w] & phyrsim_live_mask(in, w))
			return false;
	}
	return true;
}

static inline void phyrsim_live_set(struct phyrsim_node *node, struct phyrsim_items in)
{
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++)
		node->live[w] |= phyrsim_live_mask(in, w);
}

static inline void phyrsim_live_clear(struct phyrsim_node *node, struct phyrsim_items in)
{
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++)
		node->live[w] &= ~phyrsim_live_mask(in, w);
}

/* The first live item among some, or PHYRSIM_ITEM_CNT. */
static inline unsigned int phyrsim_live_next(const struct phyrsim_node *node,
					     struct phyrsim_items in)
{
	for (unsigned int w = in.first / 64; w <= in.last / 64; w++) {
		uint64_t live = node->live[w] & phyrsim_live_mask(in, w);

		if (live)
			return w * 64 + phyr_bits_ctz(live);
	}
	return PHYRSIM_ITEM_CNT;
}

static inline bool phyrsim_live_none(const struct phyrsim_node *node)
{
	struct phyrsim_items all = { 0, PHYRSIM_ITEM_CNT - 1 };

	return !phyrsim_live_any(node, all);
}

#endif
