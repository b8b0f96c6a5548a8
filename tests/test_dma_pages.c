/* SPDX-License-Identifier: MIT */
/*
 * Lists of many pages: a backend that takes them as the list has them, and one that takes runs only,
 * get what leads every byte to where it lies; in pages or in runs, whichever is fewer to read.
 */
#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
#define RW PHYR_PERM_READ_WRITE

static struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyr_iommu_ops ops; /* the simulator's, but for the calls that are counted */
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_list list;
	uint64_t random;
	uint64_t page_cnt, run_cnt; /* handed to the backend */
	uint64_t call_cnt;
	uint64_t fail_at; /* the call that fails */
} w;

static const struct phyr_iommu_ops *inner;

static int count_call(const struct phyr_iommu_map *map, uint64_t *cnt)
{
	*cnt += map->run_cnt;
	return w.call_cnt++ == w.fail_at ? PHYR_E_NOMEM : PHYR_OK;
}

static int counted_map(void *ctx, const struct phyr_iommu_map *map)
{
	int err = count_call(map, &w.run_cnt);

	return err ? err : inner->map(ctx, map);
}

static int counted_map_pages(void *ctx, const struct phyr_iommu_map *map)
{
	int err = count_call(map, &w.page_cnt);

	return err ? err : inner->map_pages(ctx, map);
}

static void open_all(bool takes_pages, unsigned int granule_lg2)
{
	struct phyrsim_iommu_params iommu = { 0 };
	struct phyr_iova_params space = { .window.last.addr = UINT32_MAX,
					  .granule_lg2 = granule_lg2 };
	struct phyr_dma_params params = { 0 };

	memset(&w, 0, sizeof(w));
	test_mem_init(&w.host);
	assert_int_equal(phyrsim_mem_create(&w.host.mem, &w.mem), PHYR_OK);
	iommu.table.mem = space.mem = params.mem = &w.host.mem;
	iommu.table.frames = w.mem;
	iommu.table.format = PHYRSIM_FORMAT_ARM_S1;
	iommu.table.granule_lg2 = granule_lg2;
	assert_int_equal(phyrsim_iommu_create(&iommu, &w.iommu), PHYR_OK);
	assert_int_equal(phyr_iova_create(&space, &w.space), PHYR_OK);
	params.iommu = phyrsim_iommu_backend(w.iommu);
	inner = params.iommu.ops;
	w.ops = *inner;
	w.ops.map = counted_map;
	w.ops.map_pages = takes_pages ? counted_map_pages : NULL;
	params.iommu.ops = &w.ops;
	params.space = w.space;
	assert_int_equal(phyr_dma_create(&params, &w.dma), PHYR_OK);
	phyr_list_init(&w.list, &w.host.mem);
	w.fail_at = UINT64_MAX;
	w.random = 1;
}

static void close_all(void)
{
	phyr_list_fini(&w.list);
	phyr_dma_destroy(w.dma);
	phyr_iova_destroy(w.space);
	phyrsim_iommu_destroy(w.iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 0);
	phyrsim_mem_destroy(w.mem);
	assert_int_equal(w.host.live_cnt, 0);
}

static void append(uint64_t pa, uint64_t len)
{
	struct phyr_range run = { { pa }, len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	assert_int_equal(phyr_list_append(&w.list, run, tag), PHYR_OK);
}

/* Pages that are no neighbours. */
static void append_pages(size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		uint64_t at = test_random(&w.random) % (UINT64_C(1) << 32);

		append((2 * at + i % 2) * PAGE, PAGE);
	}
}

/* Where hardware comes to, for every byte that begins a run or a page of it. */
static void expect_list(uint64_t iova)
{
	struct phyr_list_cursor cursor;
	struct phyrsim_root root;
	struct phyr_run run;

	phyrsim_iommu_root(w.iommu, &root);
	phyr_list_begin(&w.list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		for (uint64_t at = 0; at < run.range.len; at += PAGE) {
			struct phyrsim_access access = { { iova + run.offset + at }, RW, 0 };
			struct phyrsim_walk walk;

			assert_int_equal(phyrsim_walk(w.mem, &root, &access, &walk), PHYR_OK);
			assert_int_equal(walk.pa.addr, run.range.pa.addr + at);
		}
	}
}

static void expect_mapped(void)
{
	struct phyr_placement place = phyr_placement_any();
	struct phyr_dma_map map;

	/* Anywhere in a table. */
	place.window.last.addr -= 77 * 16 * PAGE;
	assert_int_equal(phyr_dma_map(w.dma, &w.list, RW, &place, &map), PHYR_OK);
	expect_list(map.range.iova.addr);
	assert_int_equal(phyr_dma_unmap(w.dma, &map), PHYR_OK);
}

static void pages_are_handed_over_as_they_are(void **state)
{
	(void)state;
	open_all(true, 12);
	append_pages(3000);
	expect_mapped();
	/* But for few at the end of a table or of a slab of the list. */
	assert_int_equal(w.page_cnt + w.run_cnt, 3000);
	assert_true(w.run_cnt < 100);
	assert_true(w.call_cnt < 20);
	close_all();
}

static void a_backend_that_takes_runs_gets_runs(void **state)
{
	(void)state;
	open_all(false, 12);
	append_pages(3000);
	expect_mapped();
	assert_int_equal(w.page_cnt, 0);
	assert_int_equal(w.run_cnt, 3000);
	close_all();
}

static void a_granule_larger_than_a_page_takes_runs(void **state)
{
	(void)state;
	open_all(true, 16);
	for (size_t i = 0; i < 100; i++)
		append(i * 3 * 16 * PAGE, 16 * PAGE);
	expect_mapped();
	assert_int_equal(w.page_cnt, 0);
	assert_int_equal(w.run_cnt, 100);
	close_all();
}

/* Few pages between longer runs are runs as well; many are pages again. */
static void pages_and_longer_runs_follow_one_another(void **state)
{
	(void)state;
	for (unsigned int takes = 0; takes < 2; takes++) {
		for (size_t cnt = 1; cnt < 600; cnt += 37) {
			open_all(takes, 12);
			append(0x123000800, 0x800); /* not where a page begins */
			for (size_t i = 0; i < 5; i++) {
				append_pages(cnt);
				append((i + 1) << 40, (i + 2) * PAGE);
				append_pages(5);
				append((i + 1) << 41, 512 * PAGE);
			}
			append_pages(cnt);
			append(0x123457000, 0x234);
			expect_mapped();
			assert_int_equal(w.page_cnt + w.run_cnt, 6 * cnt + 5 * 7 + 2);
			assert_true(takes || w.page_cnt == 0);
			assert_true(!takes || cnt < 560 || w.page_cnt > 0);
			close_all();
		}
	}
}

/* Whichever call fails, nothing stays mapped, and the next try succeeds. */
static void a_call_that_fails_takes_back_the_others(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 8; n++) {
		struct phyrsim_iommu_stats stats;
		struct phyr_dma_map map;

		open_all(true, 12);
		append_pages(1000);
		append(UINT64_C(1) << 40, 3 * PAGE);
		append_pages(1000);
		w.fail_at = n;
		if (phyr_dma_map(w.dma, &w.list, RW, NULL, &map) == PHYR_OK)
			assert_int_equal(phyr_dma_unmap(w.dma, &map), PHYR_OK);
		else
			assert_int_equal(w.call_cnt, n + 1);
		phyrsim_iommu_stats(w.iommu, &stats);
		for (unsigned int lg2 = 0; lg2 < 64; lg2++)
			assert_int_equal(stats.table.leaves.cnt[lg2], 0);
		w.fail_at = UINT64_MAX;
		expect_mapped();
		close_all();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(pages_are_handed_over_as_they_are),
		cmocka_unit_test(a_backend_that_takes_runs_gets_runs),
		cmocka_unit_test(a_granule_larger_than_a_page_takes_runs),
		cmocka_unit_test(pages_and_longer_runs_follow_one_another),
		cmocka_unit_test(a_call_that_fails_takes_back_the_others),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
