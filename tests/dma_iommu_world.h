/* SPDX-License-Identifier: MIT */
/*
 * What a recorded trace of DMA calls is replayed on: the mapping layer over the simulated IOMMU, and
 * what is counted and checked meanwhile.
 */
#ifndef PHYR_DMA_IOMMU_WORLD_H
#define PHYR_DMA_IOMMU_WORLD_H

#include <phyr/dma_link.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/stale.h>

#include "dma_pages.h"

/* How it is mapped. */
enum dma_way {
	DMA_LIST, /* a list, with a place for one range only */
	DMA_AT,	  /* a list, at addresses that the caller took; strict only */
	DMA_LINK, /* in two steps, run by run */
};

#define DMA_TABLE_CNT 512 /* pages of a table */

/* What is replayed, and how. */
struct dma_plan {
	const char *name;
	const char *device;  /* NULL: all */
	unsigned int domain; /* of that device */
	enum dma_way way;
	bool lazy;
	bool caching_mode;
	bool unrecorded; /* that of caching mode: the trace has no flushes of mappings */
	bool keep;	 /* tables that are left empty */
	bool deaf;	 /* the checks are not told of commands */
};

struct dma_held {
	struct phyr_list list;
	struct phyr_dma_map map;
	struct phyr_dma_state state;
	struct phyr_iova_range reserved;
	uint64_t len; /* 0: nothing */
	unsigned int cpu;
};

struct dma_replay {
	const struct dma_plan *plan;
	struct dma_trace trace;
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyrsim_stale *stale;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain; /* NULL: strict */
	struct phyr_flush_ring *rings[DMA_CPU_CNT];
	struct phyr_dma *dmas[DMA_CPU_CNT];
	struct dma_held **held; /* by the first page */
	bool live[DMA_PAGE_CNT];
	uint64_t kept[DMA_PAGE_CNT / DMA_TABLE_CNT]; /* [iova] of each table; 0: none */
	struct dma_pages ours, theirs;
	struct phyrsim_command last;		/* of ours */
	uint64_t sent_cnt, matched_cnt;		/* commands of ours, of the trace */
	uint64_t map_cnt, unmap_cnt, known_cnt; /* known: mapped before the trace begins */
	uint64_t run_cnt;
	uint64_t map_side_cnt; /* of the commands */
	uint64_t walk_cnt;     /* of the windows, with IH=0 where IH=1 was recorded */
	uint64_t full_cnt, timer_cnt;
	uint64_t again_cnt;		/* mappings with pages that were mapped before, */
	uint64_t early_cnt;		/* of them where the oracle found something stale */
	uint64_t ring_cnt[DMA_CPU_CNT]; /* unmappings that wait */
	uint64_t flushed_unmap_cnt;	/* unmappings up to the last flush */
	uint64_t burst_max;		/* most unmappings between two flushes */
	void (*watch)(struct dma_replay *r, const struct dma_op *op); /* after each; or NULL */
	void *watcher;
};

static inline void dma_send(void *ctx, const struct phyrsim_command *command)
{
	struct dma_replay *r = ctx;

	r->last = *command;
	r->sent_cnt++;
	if (r->plan->deaf)
		return;
	phyrsim_stale_apply(r->stale, command);
	dma_pages_flush(&r->ours, command->range);
}

static inline struct phyrsim_root dma_root(const struct dma_replay *r)
{
	struct phyrsim_root root;

	phyrsim_iommu_root(r->iommu, &root);
	return root;
}

static inline void dma_open_iommu(struct dma_replay *r)
{
	struct phyrsim_iommu_params iommu = { .sink = { dma_send, r } };
	struct phyrsim_stale_params stale = { .personality = PHYRSIM_INVAL_VTD_LINUX };
	struct phyr_iova_params space = { .window.last.addr = UINT32_MAX };

	test_mem_init(&r->host);
	assert_int_equal(phyrsim_mem_create(&r->host.mem, &r->mem), PHYR_OK);
	iommu.table.mem = &r->host.mem;
	iommu.table.frames = r->mem;
	iommu.inval.personality = PHYRSIM_INVAL_VTD_LINUX;
	iommu.inval.caching_mode = r->plan->caching_mode;
	assert_int_equal(phyrsim_iommu_create(&iommu, &r->iommu), PHYR_OK);
	stale.mem = &r->host.mem;
	stale.frames = r->mem;
	stale.caching_mode = r->plan->caching_mode;
	assert_int_equal(phyrsim_stale_create(&stale, &r->stale), PHYR_OK);
	space.mem = &r->host.mem;
	assert_int_equal(phyr_iova_create(&space, &r->space), PHYR_OK);
}

static inline void dma_open_handles(struct dma_replay *r)
{
	struct phyr_flush_params lazy = { .timeout = 1 };
	struct phyr_dma_params params = { .space = r->space };

	params.mem = lazy.mem = &r->host.mem;
	params.iommu = lazy.iommu = phyrsim_iommu_backend(r->iommu);
	lazy.space = r->space;
	if (r->plan->lazy)
		assert_int_equal(phyr_flush_domain_create(&lazy, &r->domain), PHYR_OK);
	for (unsigned int i = 0; i < DMA_CPU_CNT; i++) {
		if (r->domain)
			assert_int_equal(phyr_flush_ring_create(r->domain, &r->rings[i]), PHYR_OK);
		params.ring = r->rings[i];
		assert_int_equal(phyr_dma_create(&params, &r->dmas[i]), PHYR_OK);
	}
}

static inline struct dma_held **dma_held_at(struct dma_replay *r, uint64_t iova)
{
	return &r->held[iova >> PHYR_PAGE_LG2];
}

static inline void dma_end(struct dma_replay *r, struct dma_held **at)
{
	struct dma_held *held = *at;
	struct phyr_dma *dma = r->dmas[held->cpu];

	if (r->plan->way == DMA_LINK)
		assert_int_equal(
			phyr_dma_destroy_state(dma, &held->state, held->len, PHYR_PERM_READ_WRITE),
			PHYR_OK);
	else
		assert_int_equal(phyr_dma_unmap(dma, &held->map), PHYR_OK);
	if (r->plan->way == DMA_AT)
		assert_int_equal(phyr_iova_free(r->space, held->reserved), PHYR_OK);
	phyr_list_fini(&held->list);
	free(held);
	*at = NULL;
}

static inline void dma_replay_end(struct dma_replay *r)
{
	for (size_t i = 0; i < DMA_PAGE_CNT; i++) {
		if (r->held[i])
			dma_end(r, &r->held[i]);
	}
	free(r->held);
	for (unsigned int i = 0; i < DMA_CPU_CNT; i++) {
		phyr_dma_destroy(r->dmas[i]);
		phyr_flush_ring_destroy(r->rings[i]);
	}
	phyr_flush_domain_destroy(r->domain);
	phyr_iova_destroy(r->space);
	phyrsim_stale_destroy(r->stale);
	phyrsim_iommu_destroy(r->iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(r->mem), 0);
	phyrsim_mem_destroy(r->mem);
	assert_int_equal(r->host.live_cnt, 0);
	dma_drop(&r->trace);
}

#endif
