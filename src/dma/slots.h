/* SPDX-License-Identifier: MIT */
/* Bounced pieces of a mapping: taken, copied, given back. */
#ifndef PHYR_DMA_SLOTS_H
#define PHYR_DMA_SLOTS_H

#include "handle.h"

/* A bounced piece. */
struct slot {
	uint64_t offset; /* [bytes] in the list */
	uint64_t len;
	uint64_t key; /* by which the pool knows it: its I/O address, or without an IOMMU its own */
	const struct phyr_list *scattered; /* all of what it is a copy of; NULL: one range */
};

struct slots {
	struct slot *slot;
	size_t cnt;
};

/* Takes slots for memory at an I/O address (not looked at without an IOMMU). */
int phyr_slot_take(struct phyr_dma *dma, struct phyr_range orig, uint64_t iova,
		   struct slot *ret_slot, phyr_pa *ret_pa);
/* Copies what lies in a part of the list. */
void phyr_slots_copy(struct phyr_dma *dma, struct slots slots, struct phyr_bounce_part part,
		     bool to_slots);
void phyr_slots_give(struct phyr_dma *dma, struct slots slots);

#endif
