/* SPDX-License-Identifier: MIT */
/*
 * What a mapping keeps beside its value, where it must: an own list, slots, the use of providers.
 *
 * Invariant: the slots are taken from the pool, the users up to user_cnt are attached.
 */
#ifndef PHYR_DMA_EXTRA_H
#define PHYR_DMA_EXTRA_H

#include "plan.h"
#include "slots.h"

struct user {
	struct phyr_p2p_user user; /* the first member: it is what the registry hands back */
	struct phyr_dma_extra *extra;
};

struct phyr_dma_extra {
	struct phyr_dma *dma;
	struct phyr_list own;	      /* LIST: of I/O addresses */
	struct phyr_dma_batch *batch; /* whose list the mapping borrows; or NULL */
	struct phyr_dma_map map;      /* as it was handed out: for a peer that is removed */
	struct slots slots;
	struct user *users;
	size_t user_cnt;
	size_t storage_len; /* [bytes] of this and the arrays */
	uint64_t kept_len;  /* [bytes] that are counted for it */
	uint64_t peer_len;  /* [bytes] of the list that are peers */
	bool bridged;	    /* some of these are mapped */
	bool revoked;	    /* a peer was removed: nothing is mapped any more */
};

/* With room for what the plan says. NULL without memory. */
struct phyr_dma_extra *phyr_extra_create(struct phyr_dma *dma, const struct plan *plan);
/* Gives back what it has taken, too. NULL is allowed. */
void phyr_extra_destroy(struct phyr_dma_extra *extra);
/* Gives slots back and detaches users; the record stays. */
void phyr_extra_release(struct phyr_dma_extra *extra);
/* Counts what is kept, when nothing is added any more. */
void phyr_extra_count(struct phyr_dma_extra *extra);
/* Says that the mapping uses a provider, once for each. */
int phyr_extra_use(struct phyr_dma_extra *extra, uint32_t provider);

#endif
