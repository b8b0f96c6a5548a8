/* SPDX-License-Identifier: MIT */
/*
 * What the doors tell a checker, and ask it before they do anything. Without one all of it is a branch.
 */
#ifndef PHYR_DMA_CHECK_PRIVATE_H
#define PHYR_DMA_CHECK_PRIVATE_H

#include <phyr/dma_check.h>
#include <phyr/dma_link.h>

#include "handle.h"

/* A list was mapped; and may this value be unmapped? If it was, it is forgotten. */
void phyr_check_mapped(struct phyr_dma *dma, const struct phyr_dma_map *map,
		       const struct phyr_list *list);
int phyr_check_unmap(struct phyr_dma *dma, const struct phyr_dma_map *map);
void phyr_check_unmapped(struct phyr_dma *dma, const struct phyr_dma_map *map);
/* A part went to the CPU, or back. */
void phyr_check_owner(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
		      uint64_t len, bool cpu);

/* A range was reserved; is it one; it is given back. */
void phyr_check_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state);
int phyr_check_free(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t linked_len,
		    enum phyr_perm perm);
void phyr_check_freed(struct phyr_dma *dma, uint64_t addr);
/* Granules of a state were linked, made visible, may be unlinked, were unlinked. */
void phyr_check_linked(struct phyr_dma *dma, const struct phyr_dma_state *state,
		       struct phyr_iova_range granules, enum phyr_perm perm);
void phyr_check_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
		       struct phyr_iova_range granules);
int phyr_check_unlink(struct phyr_dma *dma, const struct phyr_dma_state *state,
		      struct phyr_iova_range granules, enum phyr_perm perm);
void phyr_check_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules);

#endif
