/* SPDX-License-Identifier: MIT */
/*
 * Memory of peers: past the IOMMU, through it, or not at all; what is beside it in a list; and what
 * becomes of a mapping whose peer is removed.
 *
 * Not here: peers that are linked (test_dma_link_peers.c).
 */
#include <phyr/dma_check.h>

#include "dma_device.h"

static struct world *peers_of(unsigned int lg2)
{
	struct world *w = world_of(lg2);

	make_dma(w);
	return w;
}

/* Case 3. */

static void memory_peer_memory_is_three_ranges_of_one_reservation(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map map;

	(void)state;
	add(w, 0x1000, 0x2000);
	add_peer(w, NEAR_BAR + 0x1000, 0x3000);
	add(w, 0x8000, 0x2000);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_LIST);
	assert_int_equal(device_reads(w, &map, &w->list), 3);
	assert_int_equal(map.reserved.len, 0x4000);
	assert_int_equal(live_cnt(w), 1);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 4);
	assert_int_equal(stats_of(w).bus_len, 0x3000);
	assert_int_equal(stats_of(w).bridge_len, 0);
	unmap(w, &map);
	assert_true(w->flush_cnt == 1 && w->sync_cnt == 1);
	(void)round_trip(w, PHYR_DMA_LIST);
}

static void through_the_bridge_a_peer_is_mapped_with_the_rest(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map map;
	size_t peers = 0;

	(void)state;
	add(w, 0x1000, 0x2000);
	add_peer(w, BRIDGE_BAR + 0x1000, 0x3000);
	add(w, 0x8000, 0x2000);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_RANGE);
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	for (size_t i = 0; i < GRANULES; i++)
		peers += w->granules[i].state && w->granules[i].kind == PHYR_KIND_P2P;
	assert_int_equal(peers, 3);
	assert_int_equal(stats_of(w).bridge_len, 0x3000);
	assert_int_equal(stats_of(w).bus_len, 0);
	unmap(w, &map);
	assert_true(w->flush_cnt == 1 && w->sync_cnt == 1);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

static void a_peer_alone_takes_no_addresses(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_peer(w, NEAR_BAR + 0x123, 0x3001);
	map = map_list(w);
	assert_int_equal(map.reserved.len, 0);
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	assert_int_equal(live_cnt(w), 0);
	unmap(w, &map);
	assert_true(w->map_cnt == 0 && w->flush_cnt == 0 && w->sync_cnt == 0);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, OWN_BAR, 0x10);
	map = map_list(w);
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	unmap(w, &map);
}

static void a_run_is_cut_where_its_provider_ends(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_peer(w, NEAR_BAR + 0xf000, 0x2000 + BAR_LEN);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_LIST);
	(void)device_reads(w, &map, &w->list);
	assert_int_equal(map.reserved.len, 0x1000);
	assert_int_equal(stats_of(w).bus_len, 0x1000 + BAR_LEN);
	assert_int_equal(stats_of(w).bridge_len, 0x1000);
	unmap(w, &map);
}

/* Of two devices, or of one: neighbours on the bus are two targets. */
static void bars_that_touch_are_two_ranges(void **state)
{
	struct world *w = peers_of(12);

	(void)state;
	add_peer(w, OWN_BAR - 0x1000, 0x2000);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 2);
}

/* For each provider one record is kept, however often it comes. */
static void a_provider_that_alternates_with_memory_is_kept_once(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map map;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		add(w, HIGH + i * 0x1000, 0x1000);
		add_peer(w, BRIDGE_BAR + i % 16 * 0x1000, 0x1000);
	}
	map = map_list(w);
	assert_true(stats_of(w).list_len < 1000);
	unmap(w, &map);
}

static void providers_named_in_the_list_are_taken_or_looked_up(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_tag near = { PHYR_KIND_P2P, w->providers[0] };

	(void)state;
	add_tagged(w, NEAR_BAR + 0x3000, 0x1000, near);
	add_peer(w, NEAR_BAR + 0x6000, 0x1000);
	add(w, 0x3000, 0x1000);
	assert_true(round_trip(w, PHYR_DMA_LIST) >= 3);
}

static void unreachable_peers_refuse_the_whole_list(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_tag unknown = { PHYR_KIND_P2P, 999 };

	(void)state;
	add(w, 0x1000, 0x1000);
	add_peer(w, NEAR_BAR, 0x1000);
	add_peer(w, FAR_BAR, 0x1000);
	refuse(w, PHYR_E_UNREACHABLE);
	phyr_list_truncate(&w->list, 0x2000);
	add_peer(w, HIGH, 0x1000);
	refuse(w, PHYR_E_NOENT);
	phyr_list_truncate(&w->list, 0x2000);
	add_peer(w, FAR_BAR + BAR_LEN - 0x1000, 0x2000);
	refuse(w, PHYR_E_UNREACHABLE);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR - 0x1000, 0x2000);
	refuse(w, PHYR_E_NOENT);
	phyr_list_truncate(&w->list, 0);
	add_tagged(w, NEAR_BAR, 0x1000, unknown);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

static void a_handle_without_peers_or_device_reaches_none(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	w->params.node = 0;
	make_dma(w);
	add_peer(w, NEAR_BAR, 0x1000);
	refuse(w, PHYR_E_UNREACHABLE);
	phyr_dma_destroy(w->dma);
	w->params.p2p = NULL;
	make_dma(w);
	refuse(w, PHYR_E_UNREACHABLE);
}

static void peers_are_reached_without_an_iommu_too(void **state)
{
	struct world *w = peers_of(0);
	struct phyr_dma_map map;

	(void)state;
	add(w, 0x1000, 0x2000);
	add_peer(w, NEAR_BAR + 0x1000, 0x3000);
	add_peer(w, BRIDGE_BAR, 0x10);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_LIST);
	assert_int_equal(device_reads(w, &map, &w->list), 3);
	assert_true(stats_of(w).bus_len == 0x3000 && stats_of(w).bridge_len == 0x10);
	unmap(w, &map);
	(void)round_trip(w, PHYR_DMA_LIST);
}

static void a_peer_is_never_bounced(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED | PHYR_DMA_DECRYPT;
	make_dma(w);
	add_peer(w, BRIDGE_BAR + 0x800, 0x1000);
	refuse(w, PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	/* Past the IOMMU no granule is mapped. */
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR + 0x800, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

static void an_address_that_the_device_cannot_send_is_a_limit(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	w->params.address_last = BUS + NEAR_BAR + 0x1fff;
	make_dma(w);
	add_peer(w, NEAR_BAR + 0x1000, 0x1001);
	refuse(w, PHYR_E_LIMIT);
	phyr_list_truncate(&w->list, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

static void without_an_iommu_a_bridged_peer_out_of_reach_is_no_bounce(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = BRIDGE_BAR + 0xfff;
	make_dma(w);
	add_peer(w, BRIDGE_BAR + 0x800, 0x1000);
	add(w, 0x1000, 0x1000);
	/* Either says it: it is a peer that would have to be bounced. */
	refuse(w, PHYR_E_LIMIT);
}

/* One peer or none. */

static void for_a_device_of_one_peer_a_mix_is_an_error(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	w->params.traits = PHYR_DMA_ONE_PEER;
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add(w, 0x8000, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	add_peer(w, NEAR_BAR, 0x1000);
	refuse(w, PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR, 0x1000);
	add_peer(w, NEAR_BAR + 0x3000, 0x1000);
	(void)round_trip(w, PHYR_DMA_LIST);
	add_peer(w, OWN_BAR, 0x1000);
	refuse(w, PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR + 0xf000, 0x2000);
	refuse(w, PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	add(w, 0x1000, 0x1000);
	refuse(w, PHYR_E_KIND);
}

/* Removal. */

static void remove_provider(struct world *w, size_t which)
{
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[which]), PHYR_OK);
}

/* The device reaches none of it when remove returns; unmap only ends the mapping. */
static void expect_revoked(struct world *w, struct phyr_dma_map *map)
{
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range range;

	assert_int_equal(count_granules(w, GRANULE_MAPPED), 0);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	phyr_dma_begin(map, &cursor);
	assert_false(phyr_dma_next(&cursor, &range));
	assert_int_equal(stats_of(w).unmap_cnt, stats_of(w).map_cnt);
	assert_int_equal(stats_of(w).mapped_len, 0);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, map, 0, 1), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_sync_for_device(w->dma, map, 0, 1), PHYR_E_NOENT);
	unmap(w, map);
	expect_idle(w);
	expect_bytes(w);
}

static void a_removed_peer_takes_its_mappings_away(void **state)
{
	static const uint64_t lists[][4] = {
		{ NEAR_BAR, 0, 0, 0 },
		{ 0x1000, NEAR_BAR, 0x8000, 0 },
		{ BRIDGE_BAR, 0, 0, 2 },
		{ 0x1000, BRIDGE_BAR, 0x8000, 2 },
		{ NEAR_BAR, BRIDGE_BAR, 0x8000, 2 },
		{ NEAR_BAR, BRIDGE_BAR, 0x8000, 0 },
		{ NEAR_BAR, NEAR_BAR + 0x8000, OWN_BAR, 0 },
		{ OWN_BAR, 0x1000, OWN_BAR + 0x8000, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * CNT(lists); i++) {
		const uint64_t *list = lists[i / 2];
		struct world *w = peers_of(i % 2 ? 12 : 0);
		struct phyr_dma_map map;

		for (size_t j = 0; j < 3 && list[j]; j++) {
			if (list[j] >= NEAR_BAR)
				add_peer(w, list[j], 0x1000);
			else
				add(w, list[j], 0x1000);
		}
		map = map_list(w);
		(void)device_reads(w, &map, &w->list);
		remove_provider(w, list[3]);
		expect_revoked(w, &map);
		world_close(w);
	}
	(void)world_of(12);
}

static void what_was_bounced_beside_a_removed_peer_is_copied_back(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = BUS + LOW_LAST;
	w->params.traits = PHYR_DMA_DECRYPT;
	make_dma(w);
	add_encrypted(w, HIGH, 0x1800);
	add_peer(w, NEAR_BAR, 0x1000);
	map = map_list(w);
	device_writes(w, &map, &w->list);
	remove_provider(w, 0);
	expect_revoked(w, &map);
}

static void other_mappings_stay_and_a_moved_value_works(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map maps[3], moved;

	(void)state;
	add_peer(w, NEAR_BAR, 0x1000);
	add(w, 0x1000, 0x1000);
	maps[0] = map_list(w);
	maps[1] = map_list(w);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	maps[2] = map_list(w);
	moved = maps[0];
	memset(&maps[0], 0x5a, sizeof(maps[0]));
	remove_provider(w, 0);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 1);
	(void)device_reads(w, &maps[2], &w->list);
	unmap(w, &moved);
	unmap(w, &maps[1]);
	unmap(w, &maps[2]);
	assert_int_equal(stats_of(w).unmap_cnt, 3);
}

static void a_ring_holds_nothing_of_a_removed_peer_back(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	add_peer(w, BRIDGE_BAR, 0x1000);
	map = map_list(w);
	remove_provider(w, 2);
	expect_revoked(w, &map);
}

/* What was unmapped before the removal, and not flushed yet: afterwards the device reaches none. */
static void a_borrowed_list_is_let_go_when_a_peer_is_removed(void **state)
{
	struct phyr_range more = { { 0x9000 }, 1 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct world *w = peers_of(0);
	struct phyr_dma_map map;

	(void)state;
	add_peer(w, BRIDGE_BAR, 0x1000);
	map = map_list(w);
	(void)device_reads(w, &map, &w->list);
	remove_provider(w, 2);
	unmap(w, &map);
	assert_int_equal(phyr_list_append(&w->list, more, ram), PHYR_OK);
}

/* The list was let go: it may be another by the time the mapping is ended. */
static void a_checker_knows_what_a_removed_peer_took_along(void **state)
{
	(void)state;
	for (unsigned int lg2 = 0; lg2 <= 12; lg2 += 12) {
		struct world *w = world_of(lg2);
		struct phyr_dma_checker_params params = { .mem = &w->host.mem };
		struct phyr_range memory = { { 0x1000 }, 0x1000 };
		struct phyr_dma_checker_stats stats;
		struct phyr_iova_range first;
		struct phyr_dma_cursor cursor;
		struct phyr_dma_map map;

		assert_int_equal(phyr_dma_checker_create(&params, &w->params.checker), PHYR_OK);
		make_dma(w);
		add(w, 0x1000, 0x1000);
		add_peer(w, BRIDGE_BAR, 0x1000);
		map = map_list(w);
		phyr_dma_begin(&map, &cursor);
		assert_true(phyr_dma_next(&cursor, &first));
		assert_int_equal(phyr_dma_check_device(w->dma, first, RW), PHYR_OK);
		remove_provider(w, 2);
		assert_int_equal(phyr_dma_check_device(w->dma, first, RW), PHYR_E_NOENT);
		assert_int_equal(phyr_dma_check_cpu(w->params.checker, memory, true), PHYR_OK);
		phyr_list_truncate(&w->list, 0);
		unmap(w, &map);
		phyr_dma_destroy(w->dma);
		w->dma = NULL;
		phyr_dma_checker_destroy(w->params.checker, &stats);
		assert_int_equal(stats.live_cnt, 0);
		assert_int_equal(stats.mistake_cnt[PHYR_DMA_MISTAKE_LIST], 0);
		world_close(w);
	}
	(void)world_of(12);
}

static void a_changed_topology_does_not_disturb_unmap(void **state)
{
	struct world *w = peers_of(12);
	struct phyr_dma_map maps[2];

	(void)state;
	add(w, 0x1000, 0x1000);
	add_peer(w, NEAR_BAR, 0x1000);
	maps[0] = map_list(w);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	maps[1] = map_list(w);
	assert_int_equal(phyr_p2p_set_acs(w->p2p, w->node, PHYR_P2P_ACS_RR), PHYR_OK);
	unmap(w, &maps[0]);
	unmap(w, &maps[1]);
	expect_idle(w);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(memory_peer_memory_is_three_ranges_of_one_reservation),
		CASE(through_the_bridge_a_peer_is_mapped_with_the_rest),
		CASE(a_peer_alone_takes_no_addresses),
		CASE(a_run_is_cut_where_its_provider_ends),
		CASE(bars_that_touch_are_two_ranges),
		CASE(a_provider_that_alternates_with_memory_is_kept_once),
		CASE(providers_named_in_the_list_are_taken_or_looked_up),
		CASE(unreachable_peers_refuse_the_whole_list),
		CASE(a_handle_without_peers_or_device_reaches_none),
		CASE(peers_are_reached_without_an_iommu_too),
		CASE(a_peer_is_never_bounced),
		CASE(an_address_that_the_device_cannot_send_is_a_limit),
		CASE(without_an_iommu_a_bridged_peer_out_of_reach_is_no_bounce),
		CASE(for_a_device_of_one_peer_a_mix_is_an_error),
		CASE(a_removed_peer_takes_its_mappings_away),
		CASE(what_was_bounced_beside_a_removed_peer_is_copied_back),
		CASE(other_mappings_stay_and_a_moved_value_works),
		CASE(a_ring_holds_nothing_of_a_removed_peer_back),
		CASE(a_borrowed_list_is_let_go_when_a_peer_is_removed),
		CASE(a_checker_knows_what_a_removed_peer_took_along),
		CASE(a_changed_topology_does_not_disturb_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
