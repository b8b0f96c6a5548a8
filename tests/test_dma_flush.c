/* SPDX-License-Identifier: MIT */
/*
 * When what was unmapped is invalidated and its addresses are free: at once, at the end of a batch,
 * or when a ring says so; and where addresses come from.
 */
#include "dma_device.h"

static void strictly_one_unmap_is_one_flush(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	for (uint64_t i = 0; i < 100; i++)
		add(w, HIGH + i * 0x2000, 0x1000);
	for (int i = 0; i < 5; i++) {
		map = map_list(w);
		unmap(w, &map);
		assert_int_equal(count_granules(w, GRANULE_STALE), 0);
		assert_int_equal(live_cnt(w), 0);
	}
	assert_true(w->flush_cnt == 5 && stats_of(w).flush_cnt == 5);
	assert_int_equal(stats_of(w).defer_cnt, 0);
}

/* Vectors F1, shortened to a ring of 8 slots. */
static void a_ring_flushes_when_it_is_full_or_told_the_time(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add(w, 0x8000, 0x1000);
	for (uint64_t i = 1; i <= 50; i++) {
		map = map_list(w);
		device_writes(w, &map, &w->list);
		unmap(w, &map);
		assert_int_equal(w->flush_all_cnt, (i - 1) / 7);
	}
	assert_true(w->flush_cnt == 0 && stats_of(w).flush_cnt == 0);
	assert_int_equal(stats_of(w).defer_cnt, 50);
	map = map_list(w);
	unmap(w, &map);
	assert_int_equal(count_granules(w, GRANULE_STALE), 2);
	phyr_flush_tick(w->domain, 1000000);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	assert_int_equal(live_cnt(w), 0);
	expect_bytes(w);
}

static void slots_of_the_pool_are_free_while_addresses_wait(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	add_ring(w, 64);
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add(w, 0x1100, 0x10);
	for (int i = 0; i < 3; i++)
		(void)round_trip(w, PHYR_DMA_RANGE);
	phyr_flush_all(w->domain);
}

/* A space of which most waits in a ring. */
static void what_waits_is_flushed_when_there_is_no_space(void **state)
{
	struct world *w = world_of(12);
	struct phyr_flush_stats stats;
	struct phyr_dma_map map;

	(void)state;
	add_ring(w, 64);
	make_dma(w);
	for (uint64_t i = 0; i < 2; i++)
		add(w, HIGH, 0x100000);
	for (int i = 0; i < 2; i++) {
		map = map_list(w);
		unmap(w, &map);
	}
	phyr_flush_stats(w->domain, &stats);
	assert_int_equal(stats.flush_cnt, 0);
	(void)round_trip(w, PHYR_DMA_RANGE);
	phyr_flush_stats(w->domain, &stats);
	assert_int_equal(stats.flush_cnt, 1);
	phyr_flush_all(w->domain);
}

static void until_a_batch_ends_addresses_are_held(void **state)
{
	struct phyr_iova_range held[8];
	struct phyr_flush_batch batch;
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };
	struct phyr_dma_map map;

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	phyr_flush_batch_init(&batch, &target, held, CNT(held));
	phyr_dma_set_batch(w->dma, &batch);
	add(w, 0x1800, 0x1000);
	for (uint64_t i = 1; i <= 5; i++) {
		map = map_list(w);
		unmap(w, &map);
		assert_int_equal(count_granules(w, GRANULE_STALE), 2 * i);
	}
	assert_int_equal(stats_of(w).defer_cnt, 5);
	assert_true(w->flush_cnt == 0 && live_cnt(w) == 5);
	phyr_flush_batch_end(&batch);
	assert_true(w->flush_cnt == 1 && live_cnt(w) == 0);
	for (int i = 0; i < 9; i++) {
		map = map_list(w);
		unmap(w, &map);
	}
	phyr_dma_set_batch(w->dma, NULL);
	map = map_list(w);
	unmap(w, &map);
	assert_int_equal(stats_of(w).defer_cnt, 15);
	phyr_flush_batch_end(&batch);
	assert_int_equal(batch.stats.refused_cnt, 0);
	phyr_flush_all(w->domain);
}

static void a_batch_without_room_is_strict(void **state)
{
	struct phyr_flush_batch batch;
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };

	(void)state;
	make_dma(w);
	phyr_flush_batch_init(&batch, &target, NULL, 0);
	phyr_dma_set_batch(w->dma, &batch);
	add(w, 0x1800, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	assert_true(w->flush_cnt == 1 && live_cnt(w) == 0);
	phyr_flush_batch_end(&batch);
}

static void what_cannot_be_unmapped_is_as_it_was(void **state)
{
	struct phyr_iova_range held[8];
	struct phyr_flush_batch batch;
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	phyr_flush_batch_init(&batch, &target, held, CNT(held));
	add(w, 0x1800, 0x1000);
	add(w, 0x8100, 0x1000);
	map = map_list(w);
	for (int i = 0; i < 2; i++) {
		w->unmap_err = PHYR_E_PARTIAL;
		assert_int_equal(phyr_dma_unmap(w->dma, &map), PHYR_E_PARTIAL);
		w->unmap_err = PHYR_OK;
		assert_int_equal(map.form, PHYR_DMA_LIST);
		device_writes(w, &map, &w->list);
		expect_bytes(w);
		phyr_dma_set_batch(w->dma, &batch);
	}
	unmap(w, &map);
	phyr_dma_set_batch(w->dma, NULL);
	phyr_flush_batch_end(&batch);
}

/* Bounced memory is not copied back by an unmap that changes nothing, and then is. */
static void bounced_memory_stays_in_its_slots_if_unmap_fails(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add(w, 0x1800, 0x1000);
	map = map_list(w);
	w->unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(phyr_dma_unmap(w->dma, &map), PHYR_E_PARTIAL);
	w->unmap_err = PHYR_OK;
	assert_int_equal(stats_of(w).bounced_len, 0x1000);
	device_writes(w, &map, &w->list);
	unmap(w, &map);
	expect_bytes(w);
}

/* Addresses. */

static void a_cache_is_used_where_no_placement_is_given(void **state)
{
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_iova_cache_stats stats;
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	w->params.cache = w->cache;
	make_dma(w);
	add(w, 0x1800, 0x1000);
	for (int i = 0; i < 10; i++)
		(void)round_trip(w, PHYR_DMA_RANGE);
	phyr_iova_cache_stats(w->cache, &stats);
	assert_int_equal(stats.hit_cnt + stats.miss_cnt, 10);
	placement.phase_lg2 = 16;
	placement.phase = 0x3000;
	assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map), PHYR_OK);
	assert_int_equal(map.reserved.iova.addr & 0xffff, 0x3000);
	unmap(w, &map);
	placement.phase = 0x800;
	assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map), PHYR_E_ALIGN);
	placement.phase = 0x10000;
	assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map), PHYR_E_INVAL);
	phyr_iova_cache_stats(w->cache, &stats);
	assert_int_equal(stats.hit_cnt + stats.miss_cnt, 10);
	assert_int_equal(phyr_iova_cache_drain(w->cache), PHYR_OK);
}

/* Half of the space is beyond the device's reach. */
static void no_address_is_beyond_the_devices_reach(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map maps[GRANULES / 2];

	(void)state;
	w->params.address_last = BASE + GRANULES / 2 * K4 - 1;
	make_dma(w);
	add(w, 0x1800, 0x10);
	for (size_t i = 0; i < GRANULES / 2; i++) {
		maps[i] = map_list(w);
		(void)device_reads(w, &maps[i], &w->list);
	}
	refuse(w, PHYR_E_NOSPACE);
	for (size_t i = 0; i < GRANULES / 2; i++)
		unmap(w, &maps[i]);
	phyr_dma_destroy(w->dma);
	w->params.address_last = BASE - 1;
	make_dma(w);
	refuse(w, PHYR_E_LIMIT);
	phyr_dma_destroy(w->dma);
	w->params.address_last = BASE + 0x17ff;
	make_dma(w);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

static void a_cache_knows_nothing_of_the_devices_reach(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	w->params.cache = w->cache;
	make_dma(w);
	add(w, 0x1800, 0x10);
	(void)round_trip(w, PHYR_DMA_RANGE);
	phyr_dma_destroy(w->dma);
	w->params.address_last = BASE + 0x7fff;
	make_dma(w);
	(void)round_trip(w, PHYR_DMA_RANGE);
	for (uint64_t i = 0; i < 8; i++)
		add(w, HIGH + i * 0x2000, 0x10);
	assert_int_equal(phyr_iova_cache_drain(w->cache), PHYR_OK);
	refuse(w, PHYR_E_LIMIT);
}

/* A cache for narrow devices serves them. */
static void a_cache_of_narrow_addresses_serves_narrow_devices(void **state)
{
	struct phyr_placement low = phyr_placement_any();
	struct phyr_iova_cache_stats stats;
	struct world *w = world_of(12);

	(void)state;
	low.window.last.addr = BASE + 0x7ffff;
	assert_int_equal(phyr_iova_cache_create(w->space, &low, &w->cache), PHYR_OK);
	w->params.cache = w->cache;
	w->params.address_last = BASE + 0x7ffff;
	make_dma(w);
	add(w, 0x1800, 0x10);
	for (int i = 0; i < 10; i++)
		(void)round_trip(w, PHYR_DMA_RANGE);
	phyr_iova_cache_stats(w->cache, &stats);
	assert_true(stats.hit_cnt >= 9);
}

/* The backend's granule is four of the space's. */
static void granules_of_the_backend_may_be_larger(void **state)
{
	struct world *w = world_of(14);
	struct phyr_iova_params space = { .mem = &w->host.mem, .window = aperture(w) };
	struct phyr_placement between = phyr_placement_any();
	struct phyr_iova_range odd;

	(void)state;
	phyr_iova_destroy(w->space);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->params.space = w->space;
	between.phase_lg2 = 14;
	between.phase = K4;
	assert_int_equal(phyr_iova_alloc(w->space, K4, NULL, &odd), PHYR_OK);
	for (int i = 0; i < 2; i++) {
		make_dma(w);
		phyr_list_truncate(&w->list, 0);
		add(w, 0x1800, 0x10);
		(void)round_trip(w, PHYR_DMA_RANGE);
		add(w, 0x8000, 0x10);
		(void)round_trip(w, PHYR_DMA_LIST);
		phyr_dma_destroy(w->dma);
		w->dma = NULL;
		if (i == 0)
			assert_int_equal(phyr_iova_cache_create(w->space, &between, &w->cache),
					 PHYR_OK);
		w->params.cache = w->cache;
	}
	assert_int_equal(phyr_iova_free(w->space, odd), PHYR_OK);
}

/* The space's granule is four of the backend's: what it gives is more than is mapped. */
static void granules_of_the_space_may_not_be_larger(void **state)
{
	struct phyr_dma_want want = { .len = K4 };
	struct world *w = world_of(12);
	struct phyr_iova_params space = { .mem = &w->host.mem,
					  .window = aperture(w),
					  .granule_lg2 = 14 };
	struct phyr_dma_state s;

	(void)state;
	phyr_iova_destroy(w->space);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->params.space = w->space;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	for (int i = 0; i < 2; i++) {
		make_dma(w);
		add(w, 0x1800, 0x10);
		refuse(w, PHYR_E_INVAL);
		assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_E_INVAL);
		phyr_dma_destroy(w->dma);
		w->dma = NULL;
		w->params.cache = w->cache;
	}
}

/* A phase of the space's granules that is none of the backend's. */
static void a_phase_is_of_the_backends_granules(void **state)
{
	struct phyr_placement placement = phyr_placement_any();
	struct world *w = world_of(14);
	struct phyr_iova_params space = { .mem = &w->host.mem, .window = aperture(w) };
	struct phyr_dma_map map;

	(void)state;
	phyr_iova_destroy(w->space);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->params.space = w->space;
	make_dma(w);
	add(w, 0x1800, 0x10);
	for (placement.phase_lg2 = 13; placement.phase_lg2 < 20; placement.phase_lg2++) {
		placement.phase = 0x1000;
		assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map),
				 PHYR_E_ALIGN);
		placement.phase = placement.phase_lg2 > 14 ? 0x4000 : 0;
		assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map), PHYR_OK);
		unmap(w, &map);
	}
}

/* What is given to the cache after a placed mapping does not use the space up. */
static void what_a_cache_notes_is_found_again(void **state)
{
	struct phyr_placement placement = phyr_placement_any();
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	w->params.cache = w->cache;
	make_dma(w);
	add(w, HIGH, 60 * K4);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, &placement, &map), PHYR_OK);
		unmap(w, &map);
	}
}

/* A backend that flushes in the middle of unmaps does not when a flush of everything follows. */
static int queued_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct world *w = ctx;

	assert_int_equal(gather->queued, w->ring != NULL);
	return fake_unmap(ctx, range, gather);
}

static void the_backend_is_told_that_a_flush_follows(void **state)
{
	struct phyr_iommu_ops ops = fake_ops;

	(void)state;
	ops.unmap = queued_unmap;
	for (int i = 0; i < 2; i++) {
		struct world *w = world_of(12);

		w->params.iommu.ops = &ops;
		if (i)
			add_ring(w, 4);
		make_dma(w);
		add(w, 0x1000, 0x1000);
		(void)round_trip(w, PHYR_DMA_RANGE);
		if (i)
			phyr_flush_all(w->domain);
		else
			world_close(w);
	}
}

/* Detached by the unmap, the peer may be removed: nothing of it may wait for a flush. */
static void what_maps_peers_never_waits(void **state)
{
	struct phyr_iova_range held[8];
	struct phyr_flush_batch batch;
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add_peer(w, BRIDGE_BAR, 0x1000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	phyr_flush_batch_init(&batch, &target, held, CNT(held));
	phyr_dma_set_batch(w->dma, &batch);
	(void)round_trip(w, PHYR_DMA_RANGE);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	phyr_flush_batch_end(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(strictly_one_unmap_is_one_flush),
		CASE(a_ring_flushes_when_it_is_full_or_told_the_time),
		CASE(slots_of_the_pool_are_free_while_addresses_wait),
		CASE(what_waits_is_flushed_when_there_is_no_space),
		CASE(until_a_batch_ends_addresses_are_held),
		CASE(a_batch_without_room_is_strict),
		CASE(what_cannot_be_unmapped_is_as_it_was),
		CASE(bounced_memory_stays_in_its_slots_if_unmap_fails),
		CASE(a_cache_is_used_where_no_placement_is_given),
		CASE(no_address_is_beyond_the_devices_reach),
		CASE(a_cache_knows_nothing_of_the_devices_reach),
		CASE(a_cache_of_narrow_addresses_serves_narrow_devices),
		CASE(granules_of_the_backend_may_be_larger),
		CASE(granules_of_the_space_may_not_be_larger),
		CASE(a_phase_is_of_the_backends_granules),
		CASE(what_a_cache_notes_is_found_again),
		CASE(the_backend_is_told_that_a_flush_follows),
		CASE(what_maps_peers_never_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
