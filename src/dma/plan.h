/* SPDX-License-Identifier: MIT */
/* What a mapping of a list will be, and will need, before any of it is taken. */
#ifndef PHYR_DMA_PLAN_H
#define PHYR_DMA_PLAN_H

#include "piece.h"

struct plan {
	enum phyr_dma_form form;
	uint64_t len;		 /* of the list */
	uint64_t reserved_len;	 /* of I/O address space */
	uint64_t head_len;	 /* from there to byte 0, where there is no pass over pieces */
	uint64_t offset;	 /* BORROWED: what is added to every address */
	uint64_t peer_len;	 /* of peers, */
	uint64_t bus_len;	 /* and of them, by bus address */
	size_t slot_cnt;	 /* bounced pieces */
	size_t user_cnt;	 /* at most as many providers */
	bool whole;		 /* one piece is all */
	struct phyr_dma_why why; /* what is in the way of one range, if something is */
};

/*
 * PHYR_OK, or why the list cannot be mapped; then `why` says where. It is filled in for a list that
 * is to be linear, and wherever the pieces were looked at.
 */
int phyr_plan_make(struct phyr_dma *dma, const struct phyr_list *list, bool linear,
		   struct plan *ret_plan);

#endif
