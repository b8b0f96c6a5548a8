/* SPDX-License-Identifier: MIT */
/*
 * Threads that map and unmap over one simulated IOMMU, each through a handle and a cache of its own;
 * some lazily, through a ring each. What is left mapped in the end is in the table as it should be,
 * the counts add up, and without the mappings nothing is left.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of mappings of a
 * thread. Under the thread sanitizer, which finds what a wrong result does not show:
 *
 *	CC=clang meson setup build-tsan --buildtype=debugoptimized -Db_sanitize=thread \
 *	    -Db_lundef=false -Dfuzz=off && meson test -C build-tsan --suite stress
 *
 * Not here: what a mapping or a flush does (test_dma.c, test_flush_sim.c).
 */
#include <pthread.h>
#include <stdatomic.h>

#include <phyr/dma.h>
#include <phyr/heap.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#include "test.h"

#define MAPPERS 4
/** Mappings that a thread keeps at a time. */
#define KEPT 8
#define PAGE PHYR_PAGE_SIZE
#define M2 UINT64_C(0x200000)
#define SLOTS 16

struct world {
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	uint64_t command_cnt; /* counted by the sink, under the lock of the IOMMU */
	uint64_t maps;	      /* of each thread */
	_Atomic(const char *) wrong;
};

struct mapper {
	struct world *w;
	struct phyr_dma *dma;
	struct phyr_iova_cache *cache;
	struct phyr_flush_ring *ring; /* NULL: strict */
	struct phyr_list lists[KEPT];
	struct phyr_dma_map maps[KEPT];
	uint64_t random;
};

static void note(struct world *w, bool holds, const char *what)
{
	const char *none = NULL;

	if (!holds)
		(void)atomic_compare_exchange_strong(&w->wrong, &none, what);
}

static void count_command(void *ctx, const struct phyrsim_command *command)
{
	struct world *w = ctx;

	(void)command;
	w->command_cnt++;
}

static void world_begin(struct world *w)
{
	struct phyrsim_iommu_params iommu = { 0 };
	struct phyr_iova_params space = { 0 };
	struct phyr_flush_params domain = { 0 };

	memset(w, 0, sizeof(*w));
	w->maps = test_number("PHYR_ITER", 20000);
	assert_int_equal(phyrsim_mem_create(phyr_heap_mem(), &w->mem), PHYR_OK);
	iommu.table.mem = phyr_heap_mem();
	iommu.table.frames = w->mem;
	iommu.inval.personality = PHYRSIM_INVAL_VTD_LINUX;
	iommu.inval.ordered = true;
	iommu.sink.send = count_command;
	iommu.sink.ctx = w;
	iommu.shared = true;
	assert_int_equal(phyrsim_iommu_create(&iommu, &w->iommu), PHYR_OK);
	space.mem = phyr_heap_mem();
	space.window.last.addr = UINT32_MAX;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	domain.mem = phyr_heap_mem();
	domain.iommu = phyrsim_iommu_backend(w->iommu);
	domain.space = w->space;
	domain.slot_cnt = SLOTS;
	assert_int_equal(phyr_flush_domain_create(&domain, &w->domain), PHYR_OK);
}

/* Every other thread is lazy. */
static void mapper_begin(struct mapper *m, struct world *w, unsigned int number)
{
	struct phyr_dma_params params = { 0 };

	memset(m, 0, sizeof(*m));
	m->w = w;
	m->random = test_number("PHYR_SEED", 1) * (number + 1) | 1;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &m->cache), PHYR_OK);
	if (number % 2)
		assert_int_equal(phyr_flush_ring_create(w->domain, &m->ring), PHYR_OK);
	params.mem = phyr_heap_mem();
	params.iommu = phyrsim_iommu_backend(w->iommu);
	params.space = w->space;
	params.cache = m->cache;
	params.ring = m->ring;
	assert_int_equal(phyr_dma_create(&params, &m->dma), PHYR_OK);
	for (unsigned int i = 0; i < KEPT; i++)
		phyr_list_init(&m->lists[i], phyr_heap_mem());
}

/* One in eight has a table of its own, which goes with it. */
static int map(struct mapper *m, unsigned int at)
{
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	bool large = test_random(&m->random) % 8 == 0;
	struct phyr_range run;

	run.pa.addr = (test_random(&m->random) % 4096 * 2 + 1) * PAGE;
	run.len = large ? M2 : PAGE * (1 + test_random(&m->random) % 8);
	placement.phase_lg2 = 21;
	phyr_list_truncate(&m->lists[at], 0);
	if (phyr_list_append(&m->lists[at], run, tag) != PHYR_OK)
		return PHYR_E_NOMEM;
	return phyr_dma_map(m->dma, &m->lists[at], PHYR_PERM_READ_WRITE, large ? &placement : NULL,
			    &m->maps[at]);
}

static void *mapper(void *arg)
{
	struct mapper *m = arg;

	for (uint64_t i = 0; i < m->w->maps; i++) {
		unsigned int at = (unsigned int)(test_random(&m->random) % KEPT);

		if (m->maps[at].form != PHYR_DMA_NONE)
			note(m->w, phyr_dma_unmap(m->dma, &m->maps[at]) == PHYR_OK,
			     "a mapping cannot be unmapped");
		note(m->w, map(m, at) == PHYR_OK, "a list cannot be mapped");
	}
	return NULL;
}

static void *onlooker(void *arg)
{
	struct phyrsim_iommu_stats stats;
	struct phyrsim_root root, first;
	struct world *w = arg;

	phyrsim_iommu_root(w->iommu, &first);
	for (uint64_t i = 0; i < w->maps; i++) {
		phyrsim_iommu_stats(w->iommu, &stats);
		phyrsim_iommu_root(w->iommu, &root);
		note(w, stats.map_cnt >= stats.unmap_cnt, "more is unmapped than was mapped");
		note(w, root.table.addr == first.table.addr, "the top table moves");
	}
	return NULL;
}

static uint64_t translated(struct world *w, uint64_t iova)
{
	struct phyrsim_access access = { phyr_iova_at(iova), PHYR_PERM_WRITE, 0 };
	struct phyrsim_root root;
	struct phyrsim_walk walk;

	phyrsim_iommu_root(w->iommu, &root);
	assert_int_equal(phyrsim_walk(w->mem, &root, &access, &walk), PHYR_OK);
	assert_int_equal(walk.fault, PHYRSIM_FAULT_NONE);
	return walk.pa.addr;
}

/* What a thread has left mapped leads where it should. */
static void mapper_check(struct mapper *m)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	for (unsigned int i = 0; i < KEPT; i++) {
		uint64_t iova = m->maps[i].range.iova.addr;

		if (m->maps[i].form == PHYR_DMA_NONE)
			continue;
		assert_int_equal(m->maps[i].form, PHYR_DMA_RANGE);
		phyr_list_begin(&m->lists[i], &cursor);
		assert_true(phyr_list_next(&cursor, &run));
		assert_int_equal(translated(m->w, iova), run.range.pa.addr);
		assert_int_equal(translated(m->w, iova + (run.range.len - 1)),
				 run.range.pa.addr + (run.range.len - 1));
	}
}

static uint64_t mapper_end(struct mapper *m)
{
	struct phyr_dma_stats stats;

	for (unsigned int i = 0; i < KEPT; i++) {
		if (m->maps[i].form != PHYR_DMA_NONE)
			assert_int_equal(phyr_dma_unmap(m->dma, &m->maps[i]), PHYR_OK);
		phyr_list_fini(&m->lists[i]);
	}
	phyr_dma_stats(m->dma, &stats);
	assert_int_equal(stats.unmap_cnt, m->w->maps);
	assert_int_equal(stats.mapped_len, 0);
	assert_int_equal(m->ring ? stats.defer_cnt : stats.flush_cnt, m->w->maps);
	phyr_dma_destroy(m->dma);
	phyr_flush_ring_destroy(m->ring);
	phyr_iova_cache_destroy(m->cache);
	return m->ring ? 0 : stats.flush_cnt;
}

/* Each strict unmap, and each flush of the domain, is a command. */
static void world_end(struct world *w, uint64_t strict_cnt)
{
	struct phyr_flush_stats flushes;
	struct phyrsim_iommu_stats stats;
	struct phyr_iova_stats space;

	if (atomic_load(&w->wrong))
		fail_msg("%s", atomic_load(&w->wrong));
	phyr_flush_stats(w->domain, &flushes);
	phyrsim_iommu_stats(w->iommu, &stats);
	assert_int_equal(stats.map_cnt, MAPPERS * w->maps);
	assert_int_equal(stats.unmap_cnt, MAPPERS * w->maps);
	assert_int_equal(stats.inval.range_cnt, strict_cnt);
	assert_int_equal(stats.inval.domain_cnt, flushes.flush_cnt);
	assert_int_equal(stats.inval.command_cnt, w->command_cnt);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_stats(w->space, &space);
	assert_int_equal(space.live_cnt, 0);
	phyr_iova_destroy(w->space);
	phyrsim_iommu_destroy(w->iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	phyrsim_mem_destroy(w->mem);
}

static void threads_map_and_unmap_over_one_iommu(void **state)
{
	static struct mapper mappers[MAPPERS];
	static struct world w;
	pthread_t threads[MAPPERS + 1];
	uint64_t strict_cnt = 0;

	(void)state;
	world_begin(&w);
	for (unsigned int i = 0; i < MAPPERS; i++)
		mapper_begin(&mappers[i], &w, i);
	for (unsigned int i = 0; i < MAPPERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mapper, &mappers[i]), 0);
	assert_int_equal(pthread_create(&threads[MAPPERS], NULL, onlooker, &w), 0);
	for (unsigned int i = 0; i < CNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned int i = 0; i < MAPPERS; i++)
		mapper_check(&mappers[i]);
	for (unsigned int i = 0; i < MAPPERS; i++)
		strict_cnt += mapper_end(&mappers[i]);
	world_end(&w, strict_cnt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_map_and_unmap_over_one_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
