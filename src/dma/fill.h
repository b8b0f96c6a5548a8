/* SPDX-License-Identifier: MIT */
/* Memory put into a reservation, all of it or nothing. */
#ifndef PHYR_DMA_FILL_H
#define PHYR_DMA_FILL_H

#include "extra.h"

/* What is being mapped, and where. */
struct fill {
	struct phyr_dma *dma;
	const struct phyr_list *list;
	enum phyr_perm perm;
	const struct plan *plan;
	struct phyr_iova_range reserved; /* len 0 without an IOMMU */
	struct phyr_dma_extra *extra;	 /* NULL if the plan needs none */
	uint64_t iova;			 /* by pieces: of byte 0, afterwards */
};

/* A plain list: runs of granules behind one another. */
int phyr_fill_plain(const struct fill *fill);
/* Any list, piece by piece. */
int phyr_fill_pieces(struct fill *fill);

/* Hands runs to the backend, and counts. */
int phyr_fill_call(struct phyr_dma *dma, const struct phyr_iommu_map *map);
/* Makes a range visible, and counts. */
int phyr_fill_sync(struct phyr_dma *dma, struct phyr_iova_range mapped);

#endif
