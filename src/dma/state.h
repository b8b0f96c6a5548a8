/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the two-step calls share.
 *
 * Only the first and the last granule of a state can be bounced: the contract lets nothing else be
 * inside a granule. So the state says with one bit whether there may be slots, and the pool, asked
 * for these two I/O addresses, which. The same bit says whether there may be ties, and the handle which.
 */
#ifndef PHYR_DMA_STATE_H
#define PHYR_DMA_STATE_H

#include <phyr/dma_link.h>

#include "slots.h"

#define STATE_COVER_SHIFT 57
#define STATE_COVER_MASK 63u
#define STATE_STRICT (UINT64_C(1) << 63)

/* A part of the state: PHYR_OK, _INVAL or _RANGE. */
int phyr_state_check(const struct phyr_dma *dma, const struct phyr_dma_state *state,
		     uint64_t offset, uint64_t len);
/* Unlinks a part; ends a state of which the first bytes are linked. Both calls were checked. */
int phyr_state_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
		      const struct phyr_dma_part *part);
int phyr_state_end(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t linked_len,
		   enum phyr_perm perm);
/* The granules of a part. */
struct phyr_iova_range phyr_state_granules(const struct phyr_dma *dma,
					   const struct phyr_dma_state *state, uint64_t offset,
					   uint64_t len);
/* Are there slots in the outer granules of a part? */
bool phyr_state_has_slots(const struct phyr_dma *dma, struct phyr_iova_range granules);
/* Gives them back; copied first if the device may have written (perm 0: it has not). */
void phyr_state_give_slots(struct phyr_dma *dma, struct phyr_iova_range granules,
			   enum phyr_perm perm);

#endif
