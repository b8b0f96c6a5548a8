/* SPDX-License-Identifier: MIT */
/*
 * Ties: links of peers that the handle knows of, so that they end with their providers.
 *
 * Invariant: the ties of a handle are those that are of something; their granules never overlap. One that
 * is not removed is attached, and all of its granules are mapped; one that is removed is a hole.
 */
#ifndef PHYR_DMA_TIE_H
#define PHYR_DMA_TIE_H

#include <phyr/dma_link.h>

#include "handle.h"

/* May it be of these granules: is it of nothing, or of what is right before? */
bool phyr_tie_fits(const struct phyr_dma *dma, const struct phyr_dma_tie *tie,
		   const struct phyr_dma_state *state, struct phyr_iova_range granules);
/* It is of these, too. */
void phyr_tie_add(struct phyr_dma *dma, struct phyr_dma_tie *tie, struct phyr_dma_state *state,
		  struct phyr_iova_range granules);
/* What the registry calls when a provider goes. */
void phyr_tie_revoke(struct phyr_p2p_user *user);

/* Unmaps a part of a state around its holes, a flush for each stretch; counts, and lets go of its ties. */
int phyr_tie_remove(struct phyr_dma *dma, const struct phyr_dma_state *state,
		    struct phyr_iova_range granules);
/* Is some of a range a hole? */
bool phyr_tie_is_hole(const struct phyr_dma *dma, struct phyr_iova_range granules);
/* Is there one that is no hole, in a reservation and not in its first granules? */
bool phyr_tie_beyond(const struct phyr_dma *dma, struct phyr_iova_range reserved,
		     struct phyr_iova_range granules);
/* Lets go of those in a range in which nothing is mapped. */
void phyr_tie_drop(struct phyr_dma *dma, struct phyr_iova_range range);

#endif
