/* SPDX-License-Identifier: MIT */
/*
 * What the doors tell a checker, and ask it before they do anything. Without one all of it is a branch.
 */
#ifndef PHYR_DMA_CHECK_PRIVATE_H
#define PHYR_DMA_CHECK_PRIVATE_H

#include <phyr/dma_check.h>
#include <phyr/dma_link.h>

#include "handle.h"

/*
 * With a checker. A list was mapped; may this value be unmapped, and it was; a part of it went to the CPU,
 * or back. A range was reserved; may it be given back, with the first bytes linked, and it was. Granules of
 * a state were linked, made visible, may be unlinked, were unlinked.
 */
void phyr_checker_mapped(struct phyr_dma *dma, const struct phyr_dma_map *map,
			 const struct phyr_list *list);
int phyr_checker_unmap(struct phyr_dma *dma, const struct phyr_dma_map *map);
void phyr_checker_unmapped(struct phyr_dma *dma, const struct phyr_dma_map *map);
void phyr_checker_owner(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
			uint64_t len, bool cpu);
void phyr_checker_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state);
int phyr_checker_free(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t linked_len,
		      enum phyr_perm perm);
void phyr_checker_freed(struct phyr_dma *dma, uint64_t addr);
void phyr_checker_linked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules, enum phyr_perm perm);
void phyr_checker_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules);
int phyr_checker_unlink(struct phyr_dma *dma, const struct phyr_dma_state *state,
			struct phyr_iova_range granules, enum phyr_perm perm);
void phyr_checker_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			   struct phyr_iova_range granules);

/* The same, where there may be none. */

static inline void phyr_check_mapped(struct phyr_dma *dma, const struct phyr_dma_map *map,
				     const struct phyr_list *list)
{
	if (dma->params.checker)
		phyr_checker_mapped(dma, map, list);
}

static inline int phyr_check_unmap(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	return dma->params.checker ? phyr_checker_unmap(dma, map) : PHYR_OK;
}

static inline void phyr_check_unmapped(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	if (dma->params.checker)
		phyr_checker_unmapped(dma, map);
}

static inline void phyr_check_owner(struct phyr_dma *dma, const struct phyr_dma_map *map,
				    uint64_t offset, uint64_t len, bool cpu)
{
	if (dma->params.checker)
		phyr_checker_owner(dma, map, offset, len, cpu);
}

static inline void phyr_check_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state)
{
	if (dma->params.checker)
		phyr_checker_reserved(dma, state);
}

static inline int phyr_check_free(struct phyr_dma *dma, const struct phyr_dma_state *state,
				  uint64_t linked_len, enum phyr_perm perm)
{
	return dma->params.checker ? phyr_checker_free(dma, state, linked_len, perm) : PHYR_OK;
}

static inline void phyr_check_freed(struct phyr_dma *dma, uint64_t addr)
{
	if (dma->params.checker)
		phyr_checker_freed(dma, addr);
}

static inline void phyr_check_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
				     struct phyr_iova_range granules)
{
	if (dma->params.checker)
		phyr_checker_synced(dma, state, granules);
}

static inline int phyr_check_unlink(struct phyr_dma *dma, const struct phyr_dma_state *state,
				    struct phyr_iova_range granules, enum phyr_perm perm)
{
	return dma->params.checker ? phyr_checker_unlink(dma, state, granules, perm) : PHYR_OK;
}

static inline void phyr_check_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
				       struct phyr_iova_range granules)
{
	if (dma->params.checker)
		phyr_checker_unlinked(dma, state, granules);
}

#endif
