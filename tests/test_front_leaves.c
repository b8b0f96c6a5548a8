/* SPDX-License-Identifier: MIT */
/*
 * Windows over the leaves of real tables: replaced by other memory and by peers, kept where a leaf reaches
 * beyond, and let go when the backend has cut it. Hardware finds each page where it is, and nothing stale.
 *
 * Not here: windows over granules (test_front_pages.c), random calls (prop_front.c).
 */
#include <phyr/front_pages.h>
#include <phyrsim/walker.h>

#include "front_peers.h"
#include "stale_world.h"

/* Two leaves of 2 MiB, and a page on either side. */
#define LEAF 512u
#define PAGES (2 * LEAF + 2)
#define RW PHYR_PERM_READ_WRITE
#define NOTHING UINT64_MAX

struct fixture {
	struct world w;
	struct peers peers;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_front_pages *pages;
};

/* Page 1 of the window, and memory, begin a leaf. */
static void open_window(struct fixture *f, const struct config *config,
			enum phyrsim_personality personality)
{
	struct phyrsim_inval_params inval = { .personality = personality };
	struct phyr_iova_params space = { .mem = &f->w.host.mem };
	struct phyr_dma_params dma = { .mem = &f->w.host.mem };
	struct phyr_placement place = phyr_placement_any();
	struct phyr_front_pages_params params = { .page_cnt = PAGES,
						  .page_lg2 = 12,
						  .placement = &place };

	world_open_as(&f->w, config, &inval, false);
	peers_open(&f->peers, &f->w.host.mem);
	space.window = f->w.caps.iova;
	assert_int_equal(phyr_iova_create(&space, &f->space), PHYR_OK);
	dma.iommu = f->w.backend;
	dma.space = f->space;
	dma.p2p = f->peers.p2p;
	dma.node = f->peers.client;
	assert_int_equal(phyr_dma_create(&dma, &f->dma), PHYR_OK);
	place.phase_lg2 = 21;
	place.phase = M2 - K4;
	params.dma = f->dma;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_OK);
}

static void close_window(struct fixture *f)
{
	assert_true(phyr_front_pages_validate(f->pages, NULL));
	phyr_front_pages_destroy(f->pages);
	phyr_dma_destroy(f->dma);
	phyr_iova_destroy(f->space);
	phyr_p2p_destroy(f->peers.p2p);
	world_close(&f->w);
}

static uint64_t iova_of(const struct fixture *f, uint64_t page)
{
	return phyr_front_pages_window(f->pages).iova.addr + page * K4;
}

static int put(struct fixture *f, uint64_t first, uint64_t pa, uint64_t cnt, enum phyr_kind kind)
{
	struct phyr_range range = { { pa }, cnt * K4 };
	struct phyr_front_pages_run run = { first, &range, 1, { kind, 0 }, RW };
	int err = phyr_front_pages_replace(f->pages, &run, NULL);

	if (!err && phyr_front_pages_at(f->pages, first) == PHYR_FRONT_PAGE_LINKED)
		touch(&f->w, iova_of(f, first), cnt * K4);
	assert_int_equal(check(&f->w).cnt, 0);
	return err;
}

static int take(struct fixture *f, uint64_t first, uint64_t cnt)
{
	struct phyr_front_pages_part part = { first, cnt };
	int err = phyr_front_pages_unmap(f->pages, part);

	assert_int_equal(check(&f->w).cnt, 0);
	return err;
}

/* What hardware finds at pages: memory from an address on, or nothing. */
static void expect_pages(struct fixture *f, uint64_t first, uint64_t cnt, uint64_t pa)
{
	struct phyrsim_root root = root_of(&f->w);

	for (uint64_t i = first; i < first + cnt; i++) {
		struct phyrsim_access access = { .iova = { iova_of(f, i) }, .perm = RW };
		struct phyrsim_walk walk;
		int err = phyrsim_walk(f->w.mem, &root, &access, &walk);

		assert_int_equal(err, pa == NOTHING ? PHYR_E_FAULT : PHYR_OK);
		if (pa != NOTHING)
			assert_int_equal(walk.pa.addr, pa + (i - first) * K4);
	}
}

static uint64_t large_cnt(const struct fixture *f)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(f->w.iommu, &stats);
	return stats.table.leaves.cnt[21];
}

/* What the window's user does about a leaf that reaches beyond: it is cut at both ends of a part. */
static void cut(struct fixture *f, uint64_t first, uint64_t cnt)
{
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	assert_int_equal(phyrsim_iommu_split(f->w.iommu, phyr_iova_at(iova_of(f, first)), &gather),
			 PHYR_OK);
	assert_int_equal(
		phyrsim_iommu_split(f->w.iommu, phyr_iova_at(iova_of(f, first + cnt)), &gather),
		PHYR_OK);
	f->w.backend.ops->flush(f->w.backend.ctx, &gather);
	assert_int_equal(check(&f->w).cnt, 0);
}

static const struct {
	struct config config;
	enum phyrsim_personality personality;
} formats[] = {
	{ { VTD, 0, 0, 0, 0 }, PHYRSIM_INVAL_VTD },
	{ { AMD, 3, 0, 0, 0 }, PHYRSIM_INVAL_AMD },
	{ { X86, 4, 0, 0, 0 }, PHYRSIM_INVAL_VTD },
	{ { ARM1, 0, 12, 48, 0 }, PHYRSIM_INVAL_ARM },
	{ { ARM1, 0, 12, 48, CONT }, PHYRSIM_INVAL_ARM },
	{ { RV1, 4, 0, 0, 0 }, PHYRSIM_INVAL_RISCV },
};

static void each_format(void (*run)(struct fixture *f))
{
	static struct fixture f;

	for (size_t i = 0; i < CNT(formats); i++) {
		memset(&f, 0, sizeof(f));
		open_window(&f, &formats[i].config, formats[i].personality);
		run(&f);
		close_window(&f);
	}
}

/* Memory, a peer through the bridge, a peer by bus address, memory: each behind the same pages. */
static void replace_whole(struct fixture *f)
{
	assert_int_equal(put(f, 0, 8 * M2 - K4, PAGES, PHYR_KIND_SYSTEM), PHYR_OK);
	assert_int_equal(large_cnt(f), 2);
	expect_pages(f, 0, PAGES, 8 * M2 - K4);
	assert_int_equal(put(f, 1, BRIDGE_PA, 2 * LEAF, PHYR_KIND_P2P), PHYR_OK);
	assert_int_equal(large_cnt(f), 2);
	expect_pages(f, 0, 1, 8 * M2 - K4);
	expect_pages(f, 1, 2 * LEAF, BRIDGE_PA);
	assert_int_equal(put(f, 1, BUS_PA, LEAF, PHYR_KIND_P2P), PHYR_OK);
	expect_pages(f, 1, LEAF, NOTHING);
	expect_pages(f, 1 + LEAF, LEAF, BRIDGE_PA + M2);
	assert_int_equal(put(f, 1, 16 * M2, LEAF, PHYR_KIND_SYSTEM), PHYR_OK);
	expect_pages(f, 1, LEAF, 16 * M2);
	assert_int_equal(phyr_p2p_remove(f->peers.p2p, f->peers.bridge), PHYR_OK);
	assert_int_equal(check(&f->w).cnt, 0);
	expect_pages(f, 1 + LEAF, LEAF, NOTHING);
	expect_pages(f, 1 + 2 * LEAF, 1, 8 * M2 + 2 * M2);
	assert_int_equal(take(f, 0, PAGES), PHYR_OK);
}

static void whole_leaves_are_replaced_by_memory_and_peers(void **state)
{
	(void)state;
	each_format(replace_whole);
}

/* Nothing of the leaf changes; what lies beside it in the part goes all the same. */
static void refuse_parts(struct fixture *f)
{
	assert_int_equal(put(f, 0, 8 * M2 - K4, PAGES, PHYR_KIND_SYSTEM), PHYR_OK);
	assert_int_equal(take(f, 0, 1), PHYR_OK);
	assert_int_equal(take(f, 7, 1), PHYR_E_PARTIAL);
	assert_int_equal(put(f, 7, BRIDGE_PA, 1, PHYR_KIND_P2P), PHYR_E_PARTIAL);
	assert_int_equal(put(f, LEAF, 16 * M2, 2, PHYR_KIND_SYSTEM), PHYR_E_PARTIAL);
	expect_pages(f, 1, 2 * LEAF + 1, 8 * M2);
	assert_int_equal(put(f, 0, 16 * M2, 1, PHYR_KIND_SYSTEM), PHYR_OK);
	expect_pages(f, 0, 1, 16 * M2);
	assert_int_equal(large_cnt(f), 2);
}

static void parts_of_leaves_are_refused_and_left_as_they_were(void **state)
{
	(void)state;
	each_format(refuse_parts);
}

static void cut_and_go(struct fixture *f)
{
	assert_int_equal(put(f, 1, 8 * M2, 2 * LEAF, PHYR_KIND_SYSTEM), PHYR_OK);
	cut(f, 7, 1);
	assert_int_equal(large_cnt(f), 1);
	assert_int_equal(take(f, 7, 1), PHYR_OK);
	expect_pages(f, 1, 6, 8 * M2);
	expect_pages(f, 7, 1, NOTHING);
	expect_pages(f, 8, 2 * LEAF - 7, 8 * M2 + 7 * K4);
	/* Across both leaves, by a peer; the cuts before are there already. */
	cut(f, 8, LEAF);
	assert_int_equal(put(f, 8, BRIDGE_PA, LEAF, PHYR_KIND_P2P), PHYR_OK);
	expect_pages(f, 8, LEAF, BRIDGE_PA);
	expect_pages(f, 8 + LEAF, LEAF - 7, 8 * M2 + (LEAF + 7) * K4);
	assert_int_equal(phyr_p2p_remove(f->peers.p2p, f->peers.bridge), PHYR_OK);
	assert_int_equal(check(&f->w).cnt, 0);
	expect_pages(f, 8, LEAF, NOTHING);
	assert_int_equal(take(f, 0, PAGES), PHYR_OK);
}

static void what_the_backend_has_cut_goes_alone(void **state)
{
	(void)state;
	each_format(cut_and_go);
}

static void wrong_cuts_are_refused(void **state)
{
	static struct fixture f;
	struct phyr_gather gather;

	(void)state;
	open_window(&f, &formats[0].config, formats[0].personality);
	phyr_gather_init(&gather);
	assert_int_equal(phyrsim_iommu_split(NULL, phyr_iova_at(0), &gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_split(f.w.iommu, phyr_iova_at(0), NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_split(f.w.iommu, phyr_iova_at(1), &gather), PHYR_E_ALIGN);
	assert_true(gather.empty);
	assert_int_equal(put(&f, 1, 8 * M2, LEAF, PHYR_KIND_SYSTEM), PHYR_OK);
	f.w.host.fail_at = f.w.host.alloc_cnt;
	assert_int_equal(phyrsim_iommu_split(f.w.iommu, phyr_iova_at(iova_of(&f, 7)), &gather),
			 PHYR_E_NOMEM);
	f.w.host.fail_at = SIZE_MAX;
	assert_true(gather.empty);
	assert_int_equal(take(&f, 7, 1), PHYR_E_PARTIAL);
	close_window(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_leaves_are_replaced_by_memory_and_peers),
		cmocka_unit_test(parts_of_leaves_are_refused_and_left_as_they_were),
		cmocka_unit_test(what_the_backend_has_cut_goes_alone),
		cmocka_unit_test(wrong_cuts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
