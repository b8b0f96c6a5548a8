/* SPDX-License-Identifier: MIT */
/*
 * Whatever can fail while a list is mapped fails in turn: each allocation, once and for good, each
 * call of the backend. Nothing stays mapped or reserved then, and the next attempt succeeds.
 * Unmapping never asks for memory.
 *
 * Not here: what a mapping is (test_dma.c).
 */
#include <phyr/dma.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
/** First I/O address of the backend and of the space. */
#define BASE UINT64_C(0x100000)
/** Pages of both. */
#define PAGES 4096
/** Runs of a list that no backend is given in one call. */
#define MANY 2000
/** Mappings that live at once. */
#define MAPS 100

/* The backend knows which pages are mapped, and answers as it is told. */
struct world {
	struct test_mem list_mem;
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_dma_map maps[MAPS];
	bool mapped[PAGES];
	uint64_t mapped_cnt;	/* of pages */
	uint64_t unflushed_cnt; /* unmaps that no flush followed */
	uint64_t map_cnt;	/* calls since the last order to fail */
	uint64_t fail_at;	/* the map that answers map_err */
	int map_err;
	int sync_err;
	int unmap_err;
};

static void fake_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	(void)ctx;
	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = PAGE,
					      .iova = { { BASE }, { BASE + PAGES * PAGE - 1 } },
					      .pa_last.addr = UINT64_MAX };
}

/* Changes a range from all unmapped to all mapped, or back. */
static int fake_set(struct world *world, struct phyr_iova_range range, bool mapped)
{
	uint64_t first = (range.iova.addr - BASE) / PAGE;
	uint64_t cnt = range.len / PAGE;

	assert_true(first < PAGES && cnt <= PAGES - first);
	for (uint64_t i = first; i < first + cnt; i++) {
		if (world->mapped[i] == mapped)
			return mapped ? PHYR_E_EXISTS : PHYR_E_NOENT;
	}
	memset(world->mapped + first, mapped, (size_t)cnt);
	world->mapped_cnt += mapped ? cnt : 0 - cnt;
	return PHYR_OK;
}

static int fake_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct world *world = ctx;
	struct phyr_iova_range range = { map->iova, 0 };

	if (world->map_cnt++ == world->fail_at)
		return world->map_err;
	for (size_t i = 0; i < map->run_cnt; i++)
		range.len += map->runs[i].len;
	return fake_set(world, range, true);
}

static int fake_sync(void *ctx, struct phyr_iova_range range)
{
	struct world *world = ctx;

	(void)range;
	return world->sync_err;
}

static int fake_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *world = ctx;
	int err = world->unmap_err;

	if (err == PHYR_OK)
		err = fake_set(world, range, false);
	if (err == PHYR_OK) {
		phyr_gather_add(gather, range);
		world->unflushed_cnt++;
	}
	return err;
}

static void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct world *world = ctx;

	world->unflushed_cnt = 0;
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops fake_ops = {
	.caps = fake_caps,
	.map = fake_map,
	.sync_map = fake_sync,
	.unmap = fake_unmap,
	.flush = fake_flush,
};

static uint64_t reserved_cnt(const struct world *world)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(world->space, &stats);
	return stats.live_cnt;
}

/* A space and a list of single pages. */
static void world_begin(struct world *world, uint64_t run_cnt)
{
	struct phyr_iova_params params = { .mem = &world->mem.mem };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

	memset(world, 0, sizeof(*world));
	world->fail_at = UINT64_MAX;
	test_mem_init(&world->mem);
	test_mem_init(&world->list_mem);
	phyr_list_init(&world->list, &world->list_mem.mem);
	for (uint64_t i = 0; i < run_cnt; i++) {
		struct phyr_range page = { { i * 2 * PAGE }, PAGE };

		assert_int_equal(phyr_list_append(&world->list, page, ram), PHYR_OK);
	}
	params.window.first.addr = BASE;
	params.window.last.addr = BASE + PAGES * PAGE - 1;
	assert_int_equal(phyr_iova_create(&params, &world->space), PHYR_OK);
}

/* A handle, at the second attempt if there is no memory for the first. */
static void world_create(struct world *world)
{
	struct phyr_dma_params params = { .mem = &world->mem.mem,
					  .iommu = { &fake_ops, world },
					  .space = world->space };
	size_t live = world->mem.live_cnt;
	int err = phyr_dma_create(&params, &world->dma);

	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(world->mem.failed);
		assert_null(world->dma);
		assert_int_equal(world->mem.live_cnt, live);
		world->mem.fail_at = SIZE_MAX;
		err = phyr_dma_create(&params, &world->dma);
	}
	assert_int_equal(err, PHYR_OK);
}

static void world_end(struct world *world)
{
	assert_int_equal(world->mapped_cnt, 0);
	assert_int_equal(world->unflushed_cnt, 0);
	assert_int_equal(reserved_cnt(world), 0);
	assert_true(phyr_iova_validate(world->space, NULL));
	phyr_dma_destroy(world->dma);
	phyr_iova_destroy(world->space);
	phyr_list_fini(&world->list);
	assert_int_equal(world->mem.live_cnt, 0);
	assert_int_equal(world->list_mem.live_cnt, 0);
}

/* Maps; a failure leaves pages, addresses and the result as they were. */
static int map_or_nothing(struct world *world, struct phyr_dma_map *ret_map)
{
	uint64_t mapped = world->mapped_cnt;
	uint64_t reserved = reserved_cnt(world);
	int err;

	*ret_map = (struct phyr_dma_map){ .form = PHYR_DMA_NONE, .reserved.len = 77 };
	err = phyr_dma_map(world->dma, &world->list, PHYR_PERM_READ, NULL, ret_map);
	if (err == PHYR_OK)
		return err;
	assert_true(ret_map->form == PHYR_DMA_NONE && ret_map->reserved.len == 77);
	assert_int_equal(world->mapped_cnt, mapped);
	assert_int_equal(world->unflushed_cnt, 0);
	assert_int_equal(reserved_cnt(world), reserved);
	assert_true(phyr_iova_validate(world->space, NULL));
	return err;
}

/* Allocations that fail. */

static void map_at_the_second_attempt(struct world *world, struct phyr_dma_map *map)
{
	int err = map_or_nothing(world, map);

	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(world->mem.failed);
		world->mem.fail_at = SIZE_MAX;
		err = map_or_nothing(world, map);
	}
	assert_int_equal(err, PHYR_OK);
}

/* No allocation succeeds any more, and none is asked for. */
static void unmap_without_memory(struct world *world)
{
	size_t calls = world->mem.alloc_cnt;

	world->mem.fail_at = 0;
	world->mem.sticky = true;
	for (size_t i = 0; i < MAPS; i++)
		assert_int_equal(phyr_dma_unmap(world->dma, &world->maps[i * 7 % MAPS]), PHYR_OK);
	assert_int_equal(world->mem.alloc_cnt, calls);
}

static void fail_each_allocation(bool sticky)
{
	struct world world;
	bool failed = true;

	for (size_t fail_at = 0; failed; fail_at++) {
		world_begin(&world, 20);
		world.mem.fail_at = world.mem.alloc_cnt + fail_at;
		world.mem.sticky = sticky;
		world_create(&world);
		for (size_t i = 0; i < MAPS; i++)
			map_at_the_second_attempt(&world, &world.maps[i]);
		assert_int_equal(world.mapped_cnt, MAPS * 20);
		failed = world.mem.failed;
		assert_true(failed || fail_at > 0);
		unmap_without_memory(&world);
		world_end(&world);
	}
}

static void one_failed_allocation_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_allocation(false);
}

static void memory_that_stays_away_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_allocation(true);
}

static void without_an_iommu_memory_is_for_the_handle_alone(void **state)
{
	struct world world;
	struct phyr_dma_params params = { .mem = &world.mem.mem };
	struct phyr_dma_map map;

	(void)state;
	world_begin(&world, 20);
	assert_int_equal(phyr_dma_create(&params, &world.dma), PHYR_OK);
	world.mem.fail_at = 0;
	world.mem.sticky = true;
	world.mem.alloc_cnt = 0;
	assert_int_equal(map_or_nothing(&world, &map), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(world.dma, &map), PHYR_OK);
	assert_int_equal(world.mem.alloc_cnt, 0);
	world_end(&world);
}

/* Calls of the backend that fail. */

static void each_failing_map_is_undone(void **state)
{
	struct phyr_dma_map map;
	struct world world;
	int err = PHYR_E_NOMEM;

	(void)state;
	world_begin(&world, MANY);
	world_create(&world);
	world.map_err = PHYR_E_NOMEM;
	for (world.fail_at = 0; err != PHYR_OK; world.fail_at++) {
		world.map_cnt = 0;
		err = map_or_nothing(&world, &map);
		assert_true(err == PHYR_OK || err == PHYR_E_NOMEM);
	}
	assert_int_equal(world.fail_at, world.map_cnt + 1);
	assert_int_equal(phyr_dma_unmap(world.dma, &map), PHYR_OK);
	world_end(&world);
}

static void a_mapping_in_the_way_is_left_alone(void **state)
{
	struct phyr_iova_range at = { { BASE }, MANY * PAGE };
	struct phyr_dma_map map = { .reserved.len = 77 };
	struct world world;

	(void)state;
	world_begin(&world, MANY);
	world_create(&world);
	world.mapped[MANY - 2] = true;
	assert_int_equal(phyr_dma_map_at(world.dma, &world.list, PHYR_PERM_READ, at, &map),
			 PHYR_E_EXISTS);
	assert_int_equal(map.reserved.len, 77);
	assert_true(world.mapped[MANY - 2]);
	assert_int_equal(world.mapped_cnt, 0);
	world_end(&world);
}

static void a_failing_sync_is_undone(void **state)
{
	struct phyr_dma_map map;
	struct world world;

	(void)state;
	world_begin(&world, MANY);
	world_create(&world);
	world.sync_err = PHYR_E_NOMEM;
	assert_int_equal(map_or_nothing(&world, &map), PHYR_E_NOMEM);
	world.sync_err = PHYR_OK;
	assert_int_equal(map_or_nothing(&world, &map), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(world.dma, &map), PHYR_OK);
	world_end(&world);
}

static void an_unmap_that_would_split_a_leaf_changes_nothing(void **state)
{
	struct phyr_dma_map before;
	struct phyr_dma_map map;
	struct world world;

	(void)state;
	world_begin(&world, 3);
	world_create(&world);
	assert_int_equal(map_or_nothing(&world, &map), PHYR_OK);
	before = map;
	world.unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(phyr_dma_unmap(world.dma, &map), PHYR_E_PARTIAL);
	assert_int_equal(map.form, PHYR_DMA_RANGE);
	assert_int_equal(map.range.iova.addr, before.range.iova.addr);
	assert_int_equal(world.mapped_cnt, 3);
	assert_int_equal(reserved_cnt(&world), 1);
	world.unmap_err = PHYR_OK;
	assert_int_equal(phyr_dma_unmap(world.dma, &map), PHYR_OK);
	world_end(&world);
}

static void a_handle_needs_hooks_and_an_iommu_needs_a_space(void **state)
{
	struct test_mem mem;
	struct phyr_mem deaf = { NULL, test_mem_free, &mem };
	struct phyr_mem leaky = { test_mem_alloc, NULL, &mem };
	struct phyr_dma_params params = { 0 };
	struct phyr_dma *dma = NULL;

	(void)state;
	test_mem_init(&mem);
	assert_int_equal(phyr_dma_create(NULL, &dma), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_E_INVAL);
	params.mem = &deaf;
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_E_INVAL);
	params.mem = &leaky;
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_E_INVAL);
	params.mem = &mem.mem;
	assert_int_equal(phyr_dma_create(&params, NULL), PHYR_E_INVAL);
	params.iommu.ops = &fake_ops;
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_E_INVAL);
	assert_null(dma);
	assert_int_equal(mem.live_cnt, 0);
	phyr_dma_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failed_allocation_leaves_nothing_behind),
		cmocka_unit_test(memory_that_stays_away_leaves_nothing_behind),
		cmocka_unit_test(without_an_iommu_memory_is_for_the_handle_alone),
		cmocka_unit_test(each_failing_map_is_undone),
		cmocka_unit_test(a_mapping_in_the_way_is_left_alone),
		cmocka_unit_test(a_failing_sync_is_undone),
		cmocka_unit_test(an_unmap_that_would_split_a_leaf_changes_nothing),
		cmocka_unit_test(a_handle_needs_hooks_and_an_iommu_needs_a_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
