/* SPDX-License-Identifier: MIT */
/*
 * What the doors tell a checker, and hand over to it: each has one branch for that, and the checker calls
 * what is behind the door.
 */
#ifndef PHYR_DMA_CHECK_PRIVATE_H
#define PHYR_DMA_CHECK_PRIVATE_H

#include <phyr/dma_check.h>
#include <phyr/dma_link.h>

#include "handle.h"

/* With a checker. Instead of phyr_mapping_unmap(), phyr_state_unlink(), phyr_state_end(). */
int phyr_checker_unmap(struct phyr_dma *dma, struct phyr_dma_map *map);
int phyr_checker_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
			const struct phyr_dma_part *part);
int phyr_checker_end_state(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t linked_len,
			   enum phyr_perm perm);

/*
 * With a checker. A list was mapped: the value gets its number. It keeps more than it did. A peer is about
 * to be removed, or was not after all. A part went to the CPU, or back.
 */
void phyr_checker_mapped(struct phyr_dma *dma, struct phyr_dma_map *map,
			 const struct phyr_list *list);
void phyr_checker_kept(struct phyr_dma *dma, const struct phyr_dma_map *map);
void phyr_checker_revoke(struct phyr_dma *dma, const struct phyr_dma_map *map, bool revoked);
void phyr_checker_owner(struct phyr_dma *dma, const struct phyr_dma_map *map,
			struct phyr_bounce_part part, bool cpu);

/*
 * With a checker. A range was reserved; memory was linked; granules were made visible; a provider that was
 * removed took its own with it.
 */
void phyr_checker_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state);
void phyr_checker_linked(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t offset,
			 const struct phyr_dma_piece *piece);
void phyr_checker_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules);
void phyr_checker_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			   struct phyr_iova_range granules);

#endif
