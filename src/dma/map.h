/* SPDX-License-Identifier: MIT */
/* A list mapped after its plan. */
#ifndef PHYR_DMA_MAP_H
#define PHYR_DMA_MAP_H

#include "fill.h"

struct request {
	struct phyr_list *list;
	enum phyr_perm perm;
	const struct phyr_placement *placement;
};

/* Takes what the plan says, and maps: all of it or nothing. */
int phyr_map_as_planned(struct phyr_dma *dma, const struct request *request,
			const struct plan *plan, struct phyr_dma_map *ret_map);

/* Copies all of it into one run of slots, and maps that, if need be. */
int phyr_map_in_slots(struct phyr_dma *dma, const struct request *request,
		      struct phyr_dma_map *ret_map);

/* Counts a mapping that was made. */
void phyr_map_count(struct phyr_dma *dma, const struct plan *plan);

/* Is there something to map, and for whom? */
bool phyr_map_is_request(const struct phyr_dma *dma, const struct request *request);

#endif
