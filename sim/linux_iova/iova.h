/* SPDX-License-Identifier: MIT */
/*
 * The allocator and what its parts do for each other. All numbers of pages are granules.
 *
 *	a node is CACHED	<=>  it is in exactly one magazine
 *	a spare magazine	is empty or full
 *	a magazine of a depot	is full
 *	low_cursor, cursor	are nodes of the tree, or the anchor
 */
#ifndef PHYRSIM_LINUX_IOVA_IOVA_H
#define PHYRSIM_LINUX_IOVA_IOVA_H

#include <phyr/bits.h>
#include <phyrsim/linux_iova.h>

#include "tree.h"

#define PHYRSIM_LINUX_NO_BIN PHYRSIM_LINUX_BIN_CNT

/* Ranges of one bin; the last is the one freed last. */
struct phyrsim_linux_magazine {
	struct phyrsim_linux_magazine *next; /* in a depot */
	unsigned int cnt;
	struct phyrsim_linux_node *nodes[PHYRSIM_LINUX_MAGAZINE_CNT];
};

/* What a CPU has of one bin. */
struct phyrsim_linux_cache {
	struct phyrsim_linux_magazine *loaded;
	struct phyrsim_linux_magazine *spare;
};

/* What all CPUs share of one bin: full magazines, the one that came last on top. */
struct phyrsim_linux_depot {
	struct phyrsim_linux_magazine *top;
	uint64_t cnt;
};

struct phyrsim_linux_iova {
	const struct phyr_mem *mem;
	unsigned int granule_lg2;
	unsigned int cpu_cnt;
	uint64_t start_pfn;	/* lowest that is given */
	uint64_t low_end;	/* [pfn] 4 GiB */
	uint64_t aperture_last; /* [bytes] */
	uint64_t refused_cnt;	/* below low_end, requests of so many pages or more are refused */
	struct phyrsim_linux_tree tree;
	struct phyrsim_linux_node *low_cursor;
	struct phyrsim_linux_node *cursor;
	struct phyrsim_linux_depot depots[PHYRSIM_LINUX_BIN_CNT];
	struct phyrsim_linux_iova_stats stats; /* but for what the tree and the depots count */
	struct phyrsim_linux_cache caches[];   /* PHYRSIM_LINUX_BIN_CNT a CPU */
};

/* What a search is for: pages that end below `end`. */
struct phyrsim_linux_want {
	uint64_t page_cnt; /* 1 … */
	uint64_t end;	   /* [pfn] 1 … */
};

/* The bin of so many pages; PHYRSIM_LINUX_NO_BIN when ranges so long are not cached. */
static inline unsigned int phyrsim_linux_bin(uint64_t page_cnt)
{
	unsigned int lg2 = phyr_bits_log2_up(page_cnt);

	return lg2 < PHYRSIM_LINUX_BIN_CNT ? lg2 : PHYRSIM_LINUX_NO_BIN;
}

static inline struct phyrsim_linux_cache *phyrsim_linux_cache(struct phyrsim_linux_iova *iova,
							      unsigned int cpu, unsigned int bin)
{
	return &iova->caches[(size_t)cpu * PHYRSIM_LINUX_BIN_CNT + bin];
}

/* place.c: a live node by a search through the tree; as phyrsim_linux_iova_alloc_tree(). */
int phyrsim_linux_place(struct phyrsim_linux_iova *iova, struct phyrsim_linux_want want,
			struct phyrsim_linux_node **ret_node);
/* place.c: takes a live or cached node out of the tree and frees it. */
void phyrsim_linux_displace(struct phyrsim_linux_iova *iova, struct phyrsim_linux_node *node);
/* place.c: another owner, and the lengths that go with it. */
void phyrsim_linux_hand_over(struct phyrsim_linux_iova *iova, struct phyrsim_linux_node *node,
			     enum phyrsim_linux_owner owner);

/* cache.c: the first magazines of all CPUs; false without memory, with some of them made. */
bool phyrsim_linux_caches_init(struct phyrsim_linux_iova *iova);
/* cache.c: frees all magazines, whatever is in them. */
void phyrsim_linux_caches_fini(struct phyrsim_linux_iova *iova);
/* cache.c: a node for pages of a bin, live now; NULL when the magazine has none. */
struct phyrsim_linux_node *phyrsim_linux_cache_get(struct phyrsim_linux_iova *iova,
						   unsigned int cpu,
						   struct phyrsim_linux_want want);
/* cache.c: puts a live node away; false when there is no memory for one more magazine. */
bool phyrsim_linux_cache_put(struct phyrsim_linux_iova *iova, struct phyrsim_linux_cache *cache,
			     struct phyrsim_linux_node *node, unsigned int bin);
/* cache.c: empties everything into the tree. */
void phyrsim_linux_caches_flush(struct phyrsim_linux_iova *iova);

#endif
