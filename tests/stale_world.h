/* SPDX-License-Identifier: MIT */
/*
 * A simulated IOMMU of any format whose commands go to the shadow of its caches, or are spoiled on
 * the way.
 */
#ifndef PHYR_TEST_STALE_WORLD_H
#define PHYR_TEST_STALE_WORLD_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/stale.h>

#include "pagetable_configs.h"
#include "test.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define G1 UINT64_C(0x40000000)

/* What happens to commands on their way. */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_SKIP,  /* one of eight is lost, the first among them */
	SPOIL_WALK,  /* pointers to tables are spared */
	SPOIL_SHIFT, /* ranges are off by their length */
	SPOIL_HALF,  /* ranges of more than a granule lose their second half */
	SPOIL_HINT,  /* the level hint is that of a larger leaf */
};

struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyrsim_stale *stale;
	struct phyr_iommu backend;
	struct phyr_iommu_caps caps;
	struct phyr_gather gather;
	enum spoil spoil;
	unsigned int send_cnt;
};

/* [log2 bytes] of the smallest leaf */
static inline unsigned int granule_lg2(const struct world *w)
{
	return phyr_sizes_min_lg2(w->caps.sizes);
}

static inline void send(void *ctx, const struct phyrsim_command *command)
{
	struct phyrsim_command spoiled = *command;
	struct world *w = ctx;
	unsigned int lg2 = granule_lg2(w);

	if (w->spoil == SPOIL_SKIP && w->send_cnt++ % 8 == 0)
		return;
	if (w->spoil == SPOIL_WALK)
		spoiled.walk = false;
	if (w->spoil == SPOIL_SHIFT)
		spoiled.range.iova.addr += spoiled.range.len;
	if (w->spoil == SPOIL_HALF && spoiled.range.len > phyr_bits_size(lg2))
		spoiled.range.len = phyr_bits_down(spoiled.range.len / 2, lg2);
	if (w->spoil == SPOIL_HINT)
		spoiled.leaf_lg2 = (spoiled.leaf_lg2 ? spoiled.leaf_lg2 : lg2) + lg2 - 3;
	phyrsim_stale_apply(w->stale, &spoiled);
}

/* The shadow may know of caching mode what the driver does not. */
static inline void world_open_as(struct world *w, const struct config *config,
				 const struct phyrsim_inval_params *inval, bool caching_mode)
{
	struct phyrsim_iommu_params params = { .inval = *inval, .sink = { send, w } };
	struct phyrsim_stale_params shadow = { 0 };

	memset(w, 0, sizeof(*w));
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	params.table = config_params(config, &w->host.mem, w->mem);
	assert_int_equal(phyrsim_iommu_create(&params, &w->iommu), PHYR_OK);
	shadow.mem = &w->host.mem;
	shadow.frames = w->mem;
	shadow.personality = inval->personality;
	shadow.caching_mode = caching_mode;
	assert_int_equal(phyrsim_stale_create(&shadow, &w->stale), PHYR_OK);
	w->backend = phyrsim_iommu_backend(w->iommu);
	w->backend.ops->caps(w->backend.ctx, &w->caps);
	phyr_gather_init(&w->gather);
}

/* VT-d's second stage of four levels. */
static inline void world_open(struct world *w, const struct phyrsim_inval_params *inval)
{
	static const struct config config = { VTD, 0, 0, 0, 0 };

	world_open_as(w, &config, inval, inval->caching_mode);
}

static inline void world_close(struct world *w)
{
	phyrsim_stale_destroy(w->stale);
	phyrsim_iommu_destroy(w->iommu);
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
}

static inline struct phyrsim_root root_of(const struct world *w)
{
	struct phyrsim_root root;

	phyrsim_iommu_root(w->iommu, &root);
	return root;
}

/* Hardware translates every address of a range. */
static inline void touch(struct world *w, uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { phyr_iova_at(iova), len };
	struct phyrsim_root root = root_of(w);

	assert_int_equal(phyrsim_stale_note(w->stale, &root, range), PHYR_OK);
}

/* Maps, shows, and lets hardware cache all of it. */
static inline int map_perm(struct world *w, uint64_t iova, uint64_t pa, uint64_t len,
			   enum phyr_perm perm)
{
	struct phyr_range run = { phyr_pa_at(pa), len };
	struct phyr_iommu_map map = {
		.iova = { iova }, .runs = &run, .run_cnt = 1, .perm = perm, .source.fd = -1
	};
	struct phyr_iova_range range = { phyr_iova_at(iova), len };
	int err = w->backend.ops->map(w->backend.ctx, &map);

	if (err != PHYR_OK)
		return err;
	assert_int_equal(w->backend.ops->sync_map(w->backend.ctx, range), PHYR_OK);
	touch(w, iova, len);
	return PHYR_OK;
}

static inline int map(struct world *w, uint64_t iova, uint64_t pa, uint64_t len)
{
	return map_perm(w, iova, pa, len, PHYR_PERM_READ_WRITE);
}

static inline int unmap(struct world *w, uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { phyr_iova_at(iova), len };

	return w->backend.ops->unmap(w->backend.ctx, range, &w->gather);
}

static inline void flush(struct world *w)
{
	w->backend.ops->flush(w->backend.ctx, &w->gather);
}

static inline struct phyrsim_stale_report check(const struct world *w)
{
	struct phyrsim_stale_report report = { 0 };
	struct phyrsim_root root = root_of(w);
	int err = phyrsim_stale_check(w->stale, &root, &report);

	assert_int_equal(err, report.cnt ? PHYR_E_FAULT : PHYR_OK);
	return report;
}

#endif
