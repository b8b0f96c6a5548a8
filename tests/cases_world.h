/* SPDX-License-Identifier: MIT */
/*
 * A device behind a simulated IOMMU, and a peer whose BAR it reaches past it or through the host
 * bridge: what tests of whole mappings share.
 */
#ifndef PHYR_TEST_CASES_WORLD_H
#define PHYR_TEST_CASES_WORLD_H

#include <phyr/dma.h>
#include <phyr/p2p.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>

#include "linux_world.h"

#define BAR UINT64_C(0x100000000000)
#define BUS UINT64_C(0xd0000000)
#define BAR_LEN MIB(16)
#define MEMORY GIB(64)

static const struct phyr_tag peer_tag = { PHYR_KIND_P2P, 0 };

struct cases_world {
	struct test_mem mem;
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_p2p *p2p;
	uint32_t port; /* above both functions */
	uint32_t device;
	struct phyr_dma *dma;
	struct phyr_list list;
};

static inline uint32_t add_node(struct phyr_p2p *p2p, uint32_t parent)
{
	struct phyr_p2p_node node = { parent, PHYR_P2P_FORWARD_NOTHING, 0 };
	uint32_t id;

	if (parent == 0)
		node.forward = PHYR_P2P_FORWARD_WITHIN;
	assert_int_equal(phyr_p2p_add_node(p2p, &node, &id), PHYR_OK);
	return id;
}

static inline void open_peers(struct cases_world *w)
{
	struct phyr_p2p_bar bar = { { { BAR }, BAR_LEN }, BUS - BAR, 0 };
	uint32_t provider;

	assert_int_equal(phyr_p2p_create(&w->mem.mem, &w->p2p), PHYR_OK);
	w->port = add_node(w->p2p, add_node(w->p2p, 0));
	bar.owner = add_node(w->p2p, w->port);
	w->device = add_node(w->p2p, w->port);
	assert_int_equal(phyr_p2p_register(w->p2p, &bar, &provider), PHYR_OK);
}

static inline int world_setup(void **state)
{
	struct cases_world *w = calloc(1, sizeof(*w));
	struct phyrsim_iommu_params iommu = { .table.format = PHYRSIM_FORMAT_VTD_SS };
	struct phyr_iova_params space = { .window = { { 0x1000 }, { (UINT64_C(1) << 48) - 1 } } };
	struct phyr_dma_params dma = { .traits = 0 };

	assert_non_null(w);
	test_mem_init(&w->mem);
	assert_int_equal(phyrsim_mem_create(&w->mem.mem, &w->frames), PHYR_OK);
	iommu.table.mem = dma.mem = space.mem = &w->mem.mem;
	iommu.table.frames = w->frames;
	assert_int_equal(phyrsim_iommu_create(&iommu, &w->iommu), PHYR_OK);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	open_peers(w);
	dma.iommu = phyrsim_iommu_backend(w->iommu);
	dma.space = w->space;
	dma.p2p = w->p2p;
	dma.node = w->device;
	assert_int_equal(phyr_dma_create(&dma, &w->dma), PHYR_OK);
	phyr_list_init(&w->list, &w->mem.mem);
	*state = w;
	return 0;
}

/* Whatever a case did, it ends with nothing. */
static inline int world_teardown(void **state)
{
	struct cases_world *w = *state;
	struct phyrsim_iommu_stats iommu;
	struct phyr_iova_stats space;

	phyrsim_iommu_stats(w->iommu, &iommu);
	phyr_iova_stats(w->space, &space);
	assert_int_equal(iommu.table.table_cnt, 1);
	assert_int_equal(space.live_len, 0);
	phyr_list_fini(&w->list);
	phyr_dma_destroy(w->dma);
	phyr_p2p_destroy(w->p2p);
	phyr_iova_destroy(w->space);
	phyrsim_iommu_destroy(w->iommu);
	phyrsim_mem_destroy(w->frames);
	assert_int_equal(w->mem.live_cnt, 0);
	free(w);
	return 0;
}

/* From now on the port redirects: the peer is behind the host bridge. */
static inline void redirect(struct cases_world *w)
{
	assert_int_equal(phyr_p2p_set_acs(w->p2p, w->port, PHYR_P2P_ACS_RR), PHYR_OK);
}

static inline struct phyr_dma_stats dma_stats(const struct cases_world *w)
{
	struct phyr_dma_stats stats;

	phyr_dma_stats(w->dma, &stats);
	return stats;
}

static inline uint64_t leaf_cnt(const struct cases_world *w, unsigned int lg2)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(w->iommu, &stats);
	return stats.table.leaves.cnt[lg2];
}

#endif
