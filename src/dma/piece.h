/* SPDX-License-Identifier: MIT */
/*
 * A list cut into pieces that are treated alike: mapped, bounced, or reached as they are.
 *
 * The one place that knows what becomes of which memory for which device.
 */
#ifndef PHYR_DMA_PIECE_H
#define PHYR_DMA_PIECE_H

#include "handle.h"

enum treatment {
	PIECE_MAP,    /* by the IOMMU */
	PIECE_BOUNCE, /* copied to slots; these are mapped, if there is an IOMMU */
	PIECE_AS_IS,  /* past the IOMMU, or there is none: its address is known */
};

struct piece {
	struct phyr_range range; /* len 0: there is none left */
	uint64_t offset;	 /* [bytes] in the list */
	enum phyr_kind kind;
	uint32_t provider; /* 0: memory */
	enum treatment treatment;
	uint64_t iova; /* AS_IS: of its first byte */
	bool bus;      /* AS_IS: by bus address */
};

/* Where the cutting stands. */
struct walk {
	struct phyr_dma *dma;
	struct phyr_list_cursor cursor;
	struct phyr_run rest; /* of the current run */
};

void phyr_walk_begin(struct walk *walk, struct phyr_dma *dma, const struct phyr_list *list);
/* The next piece; or why its memory cannot be treated in any way (range and kind are filled in). */
int phyr_walk_next(struct walk *walk, struct piece *piece);

/* How a range of a peer is reached; the range is cut at the border of its provider. */
int phyr_piece_of_peer(struct phyr_dma *dma, struct piece *piece);

/* [bytes] what a mapped or bounced piece takes of the reservation: whole granules. */
static inline uint64_t piece_extent(const struct phyr_dma *dma, const struct piece *piece)
{
	uint64_t mask = granule_mask(dma);

	return ((piece->range.pa.addr & mask) + piece->range.len + mask) & ~mask;
}

#endif
