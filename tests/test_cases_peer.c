/* SPDX-License-Identifier: MIT */
/*
 * A page of a peer inside a large region: what it costs the rest, in calls, runs, lookups, ranges, and
 * in the entries of a device's own table.
 */
#include <phyrsim/mtt.h>

#include "../src/dma/handle.h"
#include "cases_world.h"

/* Every power of two from 4 KiB to 2 GiB. */
#define DEVICE_SIZES UINT64_C(0xfffff000)
/* A name for a region: a multiple of every size. */
#define NAME UINT64_C(0x7f0000000000)

/* Runs of one length, no neighbours, and between their halves memory of the peer. */
static void fill(struct cases_world *w, uint64_t cnt, uint64_t len, struct phyr_range peer)
{
	for (uint64_t i = 0; i < cnt; i++) {
		if (i == cnt / 2)
			append_tagged(&w->list, peer.pa.addr, peer.len, peer_tag);
		append(&w->list, MEMORY + 2 * i * len, len);
	}
}

static struct phyr_dma_map map_at_phase(struct cases_world *w, uint8_t lg2)
{
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_dma_map map;

	placement.phase_lg2 = lg2;
	assert_int_equal(phyr_dma_map(w->dma, &w->list, PHYR_PERM_READ_WRITE, &placement, &map),
			 PHYR_OK);
	return map;
}

static void unmap(struct cases_world *w, struct phyr_dma_map *map)
{
	assert_int_equal(phyr_dma_unmap(w->dma, map), PHYR_OK);
}

static size_t ranges(const struct phyr_dma_map *map, struct phyr_iova_range *range, size_t max)
{
	struct phyr_dma_cursor cursor;
	size_t cnt = 0;

	phyr_dma_begin(map, &cursor);
	while (cnt < max && phyr_dma_next(&cursor, &range[cnt]))
		cnt++;
	return cnt;
}

static uint64_t lookup_cnt(const struct cases_world *w)
{
	struct phyr_p2p_stats stats;

	phyr_p2p_client_stats(w->dma->peers, &stats);
	return stats.lookup_cnt;
}

static const struct phyr_range one_page = { { BAR + 0x10000 }, 0x1000 };

static void one_page_in_4_gib_does_not_make_the_rest_page_by_page(void **state)
{
	struct cases_world *w = *state;
	struct phyr_iova_range range[4];
	struct phyr_dma_stats stats;
	struct phyr_dma_map map;

	fill(w, 2048, MIB(2), one_page);
	map = map_at_phase(w, 21);
	stats = dma_stats(w);
	/* 2048 runs of 2M, 512 in a call; 1,048,576 pages of 4K they are not. */
	assert_int_equal(stats.run_cnt, 2048);
	assert_int_equal(stats.call_cnt, 4);
	assert_int_equal(stats.sync_cnt, 1);
	assert_int_equal(leaf_cnt(w, 21), 2048);
	assert_int_equal(leaf_cnt(w, 12), 0);
	/* Planned once and filled once: the peer's page alone is looked up. */
	assert_int_equal(lookup_cnt(w), 2);
	assert_int_equal(stats.reserved_len, GIB(4));
	assert_int_equal(stats.bus_len, 0x1000);
	assert_int_equal(ranges(&map, range, 4), 3);
	assert_int_equal(range[0].iova.addr, map.reserved.iova.addr);
	assert_int_equal(range[0].len, GIB(2));
	assert_int_equal(range[1].iova.addr, BUS + 0x10000);
	assert_int_equal(range[1].len, 0x1000);
	assert_int_equal(range[2].iova.addr, map.reserved.iova.addr + GIB(2));
	assert_int_equal(range[2].len, GIB(2));
	unmap(w, &map);
	assert_int_equal(dma_stats(w).flush_cnt, 1);
}

static void without_it_there_are_as_many_calls(void **state)
{
	struct cases_world *w = *state;
	struct phyr_dma_map map;

	for (uint64_t i = 0; i < 2048; i++)
		append(&w->list, MEMORY + MIB(4) * i, MIB(2));
	map = map_at_phase(w, 21);
	assert_int_equal(dma_stats(w).call_cnt, 4);
	assert_int_equal(lookup_cnt(w), 0);
	unmap(w, &map);
}

static void through_the_bridge_it_is_one_range_and_shifts_what_is_behind(void **state)
{
	struct cases_world *w = *state;
	struct phyr_iova_range range[2];
	struct phyr_dma_map map;

	redirect(w);
	fill(w, 64, MIB(2), one_page);
	map = map_at_phase(w, 21);
	assert_int_equal(map.form, PHYR_DMA_RANGE);
	assert_int_equal(ranges(&map, range, 2), 1);
	assert_int_equal(range[0].len, MIB(128) + 0x1000);
	/* One call of 32 runs, one of the peer's, which is another kind, one of 32. */
	assert_int_equal(dma_stats(w).call_cnt, 3);
	assert_int_equal(dma_stats(w).run_cnt, 65);
	assert_int_equal(dma_stats(w).bridge_len, 0x1000);
	/* What is behind it has no phase any more: 32 × 512 and the page itself. */
	assert_int_equal(leaf_cnt(w, 21), 32);
	assert_int_equal(leaf_cnt(w, 12), 32 * 512 + 1);
	unmap(w, &map);
}

static struct phyrsim_mtt_cost register_map(struct cases_world *w, const struct phyr_dma_map *map,
					    bool mixed, enum phyr_cover cover)
{
	struct phyrsim_mtt_params params = { &w->mem.mem, { DEVICE_SIZES }, mixed, cover };
	struct phyrsim_mtt_region *region;
	struct phyrsim_mtt_cost cost;

	assert_int_equal(phyrsim_mtt_register(&params, map, NAME, &region), PHYR_OK);
	phyrsim_mtt_cost(region, &cost);
	phyrsim_mtt_drop(region);
	return cost;
}

static void a_4k_page_between_two_8m_leaves_a_single_size_of_4k(void **state)
{
	struct cases_world *w = *state;
	struct phyrsim_mtt_cost cost;
	struct phyr_dma_map map;

	fill(w, 2, MIB(8), one_page);
	map = map_at_phase(w, 23);
	/* A joint lies 8M + 4K behind the name: (16M + 4K) / 4K. */
	cost = register_map(w, &map, false, PHYR_COVER_FORBID);
	assert_int_equal(cost.page_len, 0x1000);
	assert_int_equal(cost.entry_cnt, 4097);
	assert_int_equal(cost.len, 32776);
	/* 1 × 8M; 1 × 4K; behind it name and address differ by 4K: 2048 × 4K. */
	cost = register_map(w, &map, true, PHYR_COVER_FORBID);
	assert_int_equal(cost.pages.cnt[23], 1);
	assert_int_equal(cost.pages.cnt[12], 2049);
	assert_int_equal(cost.entry_cnt, 2050);
	unmap(w, &map);
}

static void through_the_bridge_the_single_size_is_free_to_cover(void **state)
{
	struct cases_world *w = *state;
	struct phyrsim_mtt_cost cost;
	struct phyr_dma_map map;

	redirect(w);
	fill(w, 2, MIB(8), one_page);
	map = map_at_phase(w, 25);
	cost = register_map(w, &map, false, PHYR_COVER_FORBID);
	assert_int_equal(cost.page_len, 0x1000);
	assert_int_equal(cost.entry_cnt, 4097);
	cost = register_map(w, &map, false, PHYR_COVER_ALLOW);
	assert_int_equal(cost.page_len, MIB(32));
	assert_int_equal(cost.entry_cnt, 1);
	/* 16M and 4K. */
	cost = register_map(w, &map, true, PHYR_COVER_FORBID);
	assert_int_equal(cost.entry_cnt, 2);
	unmap(w, &map);
}

static void two_mib_of_a_peer_keep_pages_of_2m(void **state)
{
	const struct phyr_range two_mib = { { BAR + MIB(2) }, MIB(2) };
	struct cases_world *w = *state;
	struct phyrsim_mtt_cost cost;
	struct phyr_dma_map map;

	fill(w, 2, MIB(8), two_mib);
	map = map_at_phase(w, 23);
	/* 4 + 1 + 4. */
	cost = register_map(w, &map, false, PHYR_COVER_FORBID);
	assert_int_equal(cost.page_len, MIB(2));
	assert_int_equal(cost.entry_cnt, 9);
	/* 8M, 2M, and behind it name and address differ by 2M: 4 × 2M. */
	cost = register_map(w, &map, true, PHYR_COVER_FORBID);
	assert_int_equal(cost.entry_cnt, 6);
	unmap(w, &map);
}

static void a_device_that_takes_one_peer_or_memory_refuses_the_mix(void **state)
{
	struct cases_world *w = *state;
	struct phyr_dma_params params = { .mem = &w->mem.mem,
					  .iommu = phyrsim_iommu_backend(w->iommu),
					  .space = w->space,
					  .p2p = w->p2p,
					  .node = w->device,
					  .traits = PHYR_DMA_ONE_PEER };
	struct phyr_dma_map map;
	struct phyr_dma *dma;

	fill(w, 2, MIB(2), one_page);
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_OK);
	assert_int_equal(phyr_dma_map(dma, &w->list, PHYR_PERM_READ, NULL, &map), PHYR_E_KIND);
	phyr_dma_destroy(dma);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		CASE(one_page_in_4_gib_does_not_make_the_rest_page_by_page),
		CASE(without_it_there_are_as_many_calls),
		CASE(through_the_bridge_it_is_one_range_and_shifts_what_is_behind),
		CASE(a_4k_page_between_two_8m_leaves_a_single_size_of_4k),
		CASE(through_the_bridge_the_single_size_is_free_to_cover),
		CASE(two_mib_of_a_peer_keep_pages_of_2m),
		CASE(a_device_that_takes_one_peer_or_memory_refuses_the_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
