/* SPDX-License-Identifier: MIT */
/*
 * A window of pages inside.
 *
 * Invariants: mapped is the union of what is linked and of the peers' pages that are not; each peer
 * is attached to its provider and has a page, but while a call is at work. No page is two peers'.
 */
#ifndef PHYR_FRONT_PAGES_PRIVATE_H
#define PHYR_FRONT_PAGES_PRIVATE_H

#include <phyr/front_pages.h>

#include "bitmap.h"
#include "sweep.h"

/* Pages of a provider, reached in one way. */
struct peer {
	struct phyr_p2p_user user; /* the first member: it is what the registry hands back */
	struct phyr_front_pages *pages;
	struct peer *next;
	uint64_t cnt; /* of bits that are set */
	bool bus;     /* by bus address: not linked */
	uint64_t bits[];
};

struct phyr_front_pages {
	struct phyr_dma *dma;
	const struct phyr_mem *mem;
	struct phyr_p2p *p2p;
	struct phyr_dma_state state;
	struct peer *peers;
	uint64_t page_cnt;
	unsigned int page_lg2;
	unsigned int granule_lg2;
	bool single;
	struct phyr_front_pages_stats stats;
	uint64_t mapped[];
};

/* Pages [first, end). */
struct pages_span {
	uint64_t first;
	uint64_t end;
};

/* The peer record of a provider: the one there is, or a new one. */
int phyr_pages_peer(struct phyr_front_pages *pages, uint32_t provider, bool bus,
		    struct peer **ret_peer);
/* Detaches and frees the peers that have no pages. */
void phyr_pages_drop_peers(struct phyr_front_pages *pages);
/* Says that pages are mapped. */
void phyr_pages_set(struct phyr_front_pages *pages, struct peer *peer, struct pages_span span);
/* Unlinks what is linked of pages, says that it is not mapped, and forgets what is not linked. */
int phyr_pages_take(struct phyr_front_pages *pages, struct sweep *sweep, struct pages_span span);

/* [bytes] of a set of pages */
static inline size_t pages_bits_len(const struct phyr_front_pages *pages)
{
	return bitmap_words(pages->page_cnt) * sizeof(uint64_t);
}

#endif
