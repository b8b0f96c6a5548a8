/* SPDX-License-Identifier: MIT */
/*
 * What unmapping costs, counted by the simulated IOMMU below the mapping layer: F1 … F10 of the
 * numbers that Linux's rules give.
 *
 * Not here: the same by a real kernel's traces (test_dma_traces.c); what commands a gather becomes
 * (test_inval.c).
 */
#include <phyr/bits.h>
#include <phyr/dma.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define CMD_MAX 8

enum policy {
	STRICT,
	LAZY,	/* a ring of 256 slots */
	SINGLE, /* one of 32,768 for everybody */
};

static struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_dma *dma;
	struct phyr_list list;
	struct phyr_dma_map map;
	struct phyrsim_command commands[CMD_MAX]; /* the first */
	size_t command_cnt;
} w;

static void send(void *ctx, const struct phyrsim_command *command)
{
	(void)ctx;
	if (w.command_cnt < CMD_MAX)
		w.commands[w.command_cnt] = *command;
	w.command_cnt++;
}

static void open_iommu(enum phyrsim_personality personality)
{
	struct phyrsim_iommu_params params = { .sink = { send, NULL } };
	struct phyr_iova_params space = { .window.last.addr = UINT32_MAX };

	memset(&w, 0, sizeof(w));
	test_mem_init(&w.host);
	assert_int_equal(phyrsim_mem_create(&w.host.mem, &w.mem), PHYR_OK);
	params.table.mem = &w.host.mem;
	params.table.frames = w.mem;
	if (personality == PHYRSIM_INVAL_ARM)
		params.table.format = PHYRSIM_FORMAT_ARM_S2;
	params.inval.personality = personality;
	assert_int_equal(phyrsim_iommu_create(&params, &w.iommu), PHYR_OK);
	space.mem = &w.host.mem;
	assert_int_equal(phyr_iova_create(&space, &w.space), PHYR_OK);
}

static void open_as(enum phyrsim_personality personality, enum policy policy)
{
	struct phyr_flush_params lazy = { .single = policy == SINGLE };
	struct phyr_dma_params params = { 0 };

	open_iommu(personality);
	params.mem = lazy.mem = &w.host.mem;
	params.iommu = lazy.iommu = phyrsim_iommu_backend(w.iommu);
	params.space = lazy.space = w.space;
	if (policy != STRICT) {
		assert_int_equal(phyr_flush_domain_create(&lazy, &w.domain), PHYR_OK);
		assert_int_equal(phyr_flush_ring_create(w.domain, &w.ring), PHYR_OK);
	}
	params.ring = w.ring;
	assert_int_equal(phyr_dma_create(&params, &w.dma), PHYR_OK);
	phyr_list_init(&w.list, &w.host.mem);
}

static void close_all(void)
{
	phyr_list_fini(&w.list);
	phyr_dma_destroy(w.dma);
	phyr_flush_ring_destroy(w.ring);
	phyr_flush_domain_destroy(w.domain);
	phyr_iova_destroy(w.space);
	phyrsim_iommu_destroy(w.iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 0);
	phyrsim_mem_destroy(w.mem);
	assert_int_equal(w.host.live_cnt, 0);
}

static struct phyrsim_inval_stats told(void)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(w.iommu, &stats);
	return stats.inval;
}

static void append(uint64_t pa, uint64_t len)
{
	struct phyr_range run = { { pa }, len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	assert_int_equal(phyr_list_append(&w.list, run, tag), PHYR_OK);
}

static void map_anywhere(void)
{
	assert_int_equal(phyr_dma_map(w.dma, &w.list, PHYR_PERM_READ_WRITE, NULL, &w.map), PHYR_OK);
}

static void unmap(void)
{
	assert_int_equal(phyr_dma_unmap(w.dma, &w.map), PHYR_OK);
}

/* Maps at an address, and unmaps: what that costs is what is sent. */
static void unmap_at(uint64_t iova, uint64_t pa, uint64_t len)
{
	struct phyr_placement place = phyr_placement_any();

	place.window.first.addr = iova;
	place.window.last.addr = iova + (len - 1);
	append(pa, len);
	assert_int_equal(phyr_dma_map(w.dma, &w.list, PHYR_PERM_READ_WRITE, &place, &w.map),
			 PHYR_OK);
	assert_int_equal(w.map.range.iova.addr, iova);
	assert_int_equal(w.command_cnt, 0);
	unmap();
}

static void burst(size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		map_anywhere();
		unmap();
	}
}

static void assert_window(size_t i, uint64_t first, uint64_t len)
{
	assert_true(i < w.command_cnt);
	assert_int_equal(w.commands[i].kind, PHYR_FLUSH_RANGE);
	assert_int_equal(w.commands[i].range.iova.addr, first);
	assert_int_equal(w.commands[i].range.len, len);
}

static void f1_a_lazy_burst_flushes_the_domain_once_in_255(void **state)
{
	static const size_t bursts[][2] = {
		{ 255, 0 }, { 256, 1 }, { 511, 2 }, { 1000, 3 }, { 100000, 392 }
	};

	(void)state;
	for (size_t i = 0; i < CNT(bursts); i++) {
		open_as(PHYRSIM_INVAL_VTD_LINUX, LAZY);
		append(K4, K4);
		burst(bursts[i][0]);
		assert_int_equal(told().domain_cnt, bursts[i][1]);
		phyr_flush_tick(w.domain, 9999);
		assert_int_equal(told().domain_cnt, bursts[i][1]);
		phyr_flush_tick(w.domain, 10000); /* and once by the timer */
		assert_int_equal(told().domain_cnt, bursts[i][1] + 1);
		assert_int_equal(told().range_cnt, 0);
		close_all();
	}
}

static void f2_a_strict_burst_costs_a_window_each(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_VTD_LINUX, STRICT);
	append(K4, K4);
	burst(1000);
	assert_int_equal(told().range_cnt, 1000);
	assert_int_equal(told().domain_cnt, 0);
	close_all();
}

static void f3_a_single_queue_flushes_once_in_32767(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_VTD_LINUX, SINGLE);
	append(K4, K4);
	burst(100000);
	assert_int_equal(told().domain_cnt, 3);
	assert_int_equal(told().range_cnt, 0);
	close_all();
}

/* Linux 6.12's VT-d driver alone cuts such a range, by 2 MiB, and flushes twice. */
static void f4_a_list_of_1000_entries_is_one_flush_or_one_slot(void **state)
{
	(void)state;
	for (unsigned int lazy = 0; lazy < 2; lazy++) {
		open_as(PHYRSIM_INVAL_VTD, lazy ? LAZY : STRICT);
		for (uint64_t i = 1; i <= 1000; i++)
			append(2 * i * K4, K4);
		burst(1);
		assert_int_equal(w.command_cnt, lazy ? 0 : 1);
		if (lazy) {
			struct phyr_flush_ring_stats stats;

			phyr_flush_ring_stats(w.ring, &stats);
			assert_int_equal(stats.held_cnt, 1);
		}
		close_all();
	}
}

static void f5_a_window_begins_where_its_size_says(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_VTD, STRICT);
	unmap_at(0x3000, M2 + 0x3000, 4 * K4);
	assert_int_equal(w.command_cnt, 1);
	assert_window(0, 0, 8 * K4);
	close_all();
}

static void f7_five_pages_are_a_window_of_eight(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_VTD, STRICT);
	unmap_at(0xffff8000, M2, 5 * K4);
	assert_int_equal(w.command_cnt, 1);
	assert_window(0, 0xffff8000, 8 * K4);
	close_all();
}

static void f9_exact_windows_are_as_many_as_it_takes(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_AMD_EXACT, STRICT);
	unmap_at(0x3000, M2 + 0x3000, 4 * K4);
	assert_int_equal(w.command_cnt, 3);
	assert_window(0, 0x3000, K4);
	assert_window(1, 0x4000, 2 * K4);
	assert_window(2, 0x6000, K4);
	close_all();
}

static void f10_leaves_of_two_sizes_are_flushed_apart(void **state)
{
	(void)state;
	open_as(PHYRSIM_INVAL_ARM, STRICT);
	unmap_at(K4, 4 * M2 + K4, 511 * K4 + M2);
	assert_int_equal(told().wait_cnt, 2);
	close_all();
}

/* Where a strict unmapping is flushed in pieces, a lazy one still waits for the domain's flush. */
static void a_lazy_unmap_sends_nothing_whoever_drives(void **state)
{
	static const enum phyrsim_personality personalities[] = { PHYRSIM_INVAL_VTD_LINUX,
								  PHYRSIM_INVAL_AMD_EXACT,
								  PHYRSIM_INVAL_ARM };

	(void)state;
	for (size_t i = 0; i < CNT(personalities); i++) {
		open_as(personalities[i], LAZY);
		unmap_at(K4, 4 * M2 + K4, 511 * K4 + M2);
		assert_int_equal(w.command_cnt, 0);
		phyr_flush_all(w.domain);
		assert_int_equal(w.command_cnt, 1);
		assert_int_equal(w.commands[0].kind, PHYR_FLUSH_DOMAIN);
		assert_true(w.commands[0].walk);
		close_all();
	}
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(f1_a_lazy_burst_flushes_the_domain_once_in_255),
		CASE(f2_a_strict_burst_costs_a_window_each),
		CASE(f3_a_single_queue_flushes_once_in_32767),
		CASE(f4_a_list_of_1000_entries_is_one_flush_or_one_slot),
		CASE(f5_a_window_begins_where_its_size_says),
		CASE(f7_five_pages_are_a_window_of_eight),
		CASE(f9_exact_windows_are_as_many_as_it_takes),
		CASE(f10_leaves_of_two_sizes_are_flushed_apart),
		CASE(a_lazy_unmap_sends_nothing_whoever_drives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
