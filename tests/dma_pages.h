/* SPDX-License-Identifier: MIT */
/*
 * Which pages of I/O addresses wait for a flush: is one mapped again before that?
 *
 * It knows of nothing but the order of mappings, unmappings and commands, whoever gives them.
 */
#ifndef PHYR_TEST_DMA_PAGES_H
#define PHYR_TEST_DMA_PAGES_H

#include "dma_trace.h"

struct dma_pages {
	uint64_t unmapped[DMA_PAGE_CNT]; /* event; 0: mapped, or never unmapped */
	uint64_t flushed[DMA_PAGE_CNT];	 /* event of the last flush of this page */
	uint64_t all_flushed;		 /* of the last flush of all */
	uint64_t event;
	uint64_t again_cnt; /* pages mapped again, */
	uint64_t early_cnt; /* of them before their flush */
};

static inline void dma_pages_map(struct dma_pages *pages, struct phyr_iova_range range)
{
	struct phyr_iova_range all = dma_pages(range);

	for (uint64_t i = all.iova.addr >> PHYR_PAGE_LG2; i <= dma_last(all) >> PHYR_PAGE_LG2;
	     i++) {
		uint64_t flushed = pages->flushed[i];

		if (flushed < pages->all_flushed)
			flushed = pages->all_flushed;
		pages->again_cnt += pages->unmapped[i] != 0;
		pages->early_cnt += pages->unmapped[i] > flushed;
		pages->unmapped[i] = 0;
	}
}

static inline void dma_pages_unmap(struct dma_pages *pages, struct phyr_iova_range range)
{
	pages->event++;
	for (uint64_t i = range.iova.addr >> PHYR_PAGE_LG2; i <= dma_last(range) >> PHYR_PAGE_LG2;
	     i++)
		pages->unmapped[i] = pages->event;
}

/* A range of no length is everything. */
static inline void dma_pages_flush(struct dma_pages *pages, struct phyr_iova_range range)
{
	pages->event++;
	if (range.len == 0) {
		pages->all_flushed = pages->event;
		return;
	}
	for (uint64_t i = range.iova.addr >> PHYR_PAGE_LG2; i <= dma_last(range) >> PHYR_PAGE_LG2;
	     i++)
		pages->flushed[i] = pages->event;
}

#endif
