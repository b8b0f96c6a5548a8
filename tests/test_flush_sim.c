/* SPDX-License-Identifier: MIT */
/*
 * Strict, batched and lazy unmaps over the simulated IOMMU: which commands they cost, and that frames
 * of tables stay as they were until no hardware can have pointers to them.
 */
#include <phyr/flush.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
#define M2 UINT64_C(0x200000)

struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_flush_target target;
	uint64_t walks; /* commands that dropped pointers to tables */
};

static void sink(void *ctx, const struct phyrsim_command *command)
{
	struct world *w = ctx;

	w->walks += command->walk;
}

static int setup(void **state)
{
	struct phyr_iova_params space = { 0 };
	struct phyrsim_iommu_params params = { 0 };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	params.table.mem = &w->host.mem;
	params.table.frames = w->mem;
	params.inval.personality = PHYRSIM_INVAL_VTD;
	params.sink.send = sink;
	params.sink.ctx = w;
	assert_int_equal(phyrsim_iommu_create(&params, &w->iommu), PHYR_OK);
	space.mem = &w->host.mem;
	space.window.last.addr = UINT32_MAX;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->target.iommu = phyrsim_iommu_backend(w->iommu);
	w->target.space = w->space;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct phyr_iova_stats stats;

	phyr_iova_stats(w->space, &stats);
	assert_int_equal(stats.live_cnt, 0);
	phyr_iova_destroy(w->space);
	phyrsim_iommu_destroy(w->iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
	free(w);
	return 0;
}

static struct phyrsim_iommu_stats stats_of(const struct world *w)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(w->iommu, &stats);
	return stats;
}

/* Maps len bytes, aligned to 2 MiB, in pages of 4 KiB. */
static struct phyr_iova_range map(struct world *w, uint64_t len)
{
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_iommu_map map = { .run_cnt = 1, .perm = PHYR_PERM_READ_WRITE, .source.fd = -1 };
	struct phyr_range run = { { M2 + PAGE }, len };
	struct phyr_iova_range range;

	placement.phase_lg2 = 21;
	assert_int_equal(phyr_iova_alloc(w->space, len, &placement, &range), PHYR_OK);
	map.iova = range.iova;
	map.runs = &run;
	assert_int_equal(w->target.iommu.ops->map(w->target.iommu.ctx, &map), PHYR_OK);
	return range;
}

static void unmap(struct world *w, struct phyr_iova_range range, struct phyr_gather *gather)
{
	assert_int_equal(w->target.iommu.ops->unmap(w->target.iommu.ctx, range, gather), PHYR_OK);
}

static void strict_is_a_range_each_and_a_batch_is_one(void **state)
{
	struct world *w = *state;
	struct phyr_iova_range held[8];
	struct phyr_flush_batch batch;
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	for (size_t i = 0; i < 8; i++) {
		struct phyr_iova_range range = map(w, PAGE);

		unmap(w, range, &gather);
		assert_int_equal(phyr_flush_now(&w->target, range, &gather), PHYR_OK);
	}
	assert_int_equal(stats_of(w).flush_cnt[PHYR_FLUSH_RANGE], 8);
	phyr_flush_batch_init(&batch, &w->target, held, CNT(held));
	for (size_t i = 0; i < 8; i++)
		held[i] = map(w, M2);
	for (size_t i = 0; i < 8; i++) {
		struct phyr_iova_range range = held[i];

		unmap(w, range, &batch.gather);
		phyr_flush_batch_add(&batch, range);
	}
	assert_int_equal(stats_of(w).flush_cnt[PHYR_FLUSH_RANGE], 8);
	phyr_flush_batch_end(&batch);
	assert_int_equal(stats_of(w).flush_cnt[PHYR_FLUSH_RANGE], 9);
	assert_int_equal(stats_of(w).flush_cnt[PHYR_FLUSH_DOMAIN], 0);
}

static void lazy_is_the_domain_with_its_pointers_and_tables_stay_until_then(void **state)
{
	struct world *w = *state;
	struct phyr_flush_params params = {
		.mem = &w->host.mem, .iommu = w->target.iommu, .space = w->space, .slot_cnt = 16
	};
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_gather gather;
	size_t frames;

	assert_int_equal(phyr_flush_domain_create(&params, &domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(domain, &ring), PHYR_OK);
	phyr_gather_init(&gather);
	for (size_t i = 0; i < 15; i++) {
		struct phyr_iova_range range = map(w, M2);

		frames = phyrsim_mem_frame_cnt(w->mem);
		unmap(w, range, &gather);
		assert_non_null(gather.freed);
		phyr_flush_defer(ring, range, NULL, &gather);
		assert_int_equal(phyrsim_mem_frame_cnt(w->mem), frames);
	}
	assert_int_equal(stats_of(w).inval.command_cnt, 0);
	phyr_flush_tick(domain, 10000);
	assert_int_equal(stats_of(w).inval.command_cnt, 1);
	assert_int_equal(stats_of(w).flush_cnt[PHYR_FLUSH_DOMAIN], 1);
	assert_int_equal(stats_of(w).inval.wait_cnt, 1);
	assert_int_equal(w->walks, 1);
	/* The root is left. */
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
	phyr_flush_ring_destroy(ring);
	phyr_flush_domain_destroy(domain);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(strict_is_a_range_each_and_a_batch_is_one),
	CASE(lazy_is_the_domain_with_its_pointers_and_tables_stay_until_then),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
