/* SPDX-License-Identifier: MIT */
/* The end of a mapping, wherever it comes from. */
#ifndef PHYR_DMA_UNMAP_H
#define PHYR_DMA_UNMAP_H

#include "extra.h"

/* What the registry calls when a provider goes: the mapping ends, its record stays. */
void phyr_mapping_revoke(struct phyr_p2p_user *user);

/* Takes it away; there is no checker, or it has nothing against it. */
int phyr_mapping_unmap(struct phyr_dma *dma, struct phyr_dma_map *map);

/* The one slot of a mapping that keeps no record of it. */
struct slot phyr_mapping_slot(const struct phyr_dma *dma, const struct phyr_dma_map *map);

#endif
