/* SPDX-License-Identifier: MIT */
/*
 * The six cases of a mapping: which form each takes, what the device reaches through it, and what it
 * costs to keep.
 *
 * Not here: peers (test_dma_peers.c), one range or nothing (test_dma_linear.c).
 */
#include "dma_device.h"

#define FAR_LOW UINT64_C(0xe0000)

/* Case 1. */

static void without_an_iommu_a_list_is_borrowed_and_offset(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;
	size_t calls;

	(void)state;
	w->params.bus_offset = 0x40000000 - 0x1000;
	make_dma(w);
	add(w, 0x1801, 7);
	add(w, 0x5003, 0x100);
	calls = w->host.alloc_cnt;
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_BORROWED);
	assert_ptr_equal(map.list, &w->list);
	assert_int_equal(map.offset, w->params.bus_offset);
	assert_int_equal(map.reserved.len, 0);
	assert_null(map.extra);
	assert_false(map.own || map.bounced);
	assert_int_equal(device_reads(w, &map, &w->list), 2);
	unmap(w, &map);
	assert_int_equal(w->host.alloc_cnt, calls);
	assert_int_equal(round_trip(w, PHYR_DMA_BORROWED), 2);
}

static void an_offset_may_be_negative(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range range;
	struct phyr_dma_map map;

	(void)state;
	w->params.bus_offset = 0 - UINT64_C(0x1000);
	make_dma(w);
	add(w, 0x3000, 0x1000);
	map = map_list(w);
	phyr_dma_begin(&map, &cursor);
	assert_true(phyr_dma_next(&cursor, &range));
	assert_int_equal(range.iova.addr, 0x2000);
	assert_int_equal(range.len, 0x1000);
	unmap(w, &map);
}

/* The device has fewer address bits, and its addresses would wrap: both are beyond its reach. */
static void what_the_offset_moves_out_of_reach_is_bounced(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.bus_offset = 0 - UINT64_C(0x3000);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, 0x2000, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	phyr_list_truncate(&w->list, 0);
	add(w, 0x3000, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_BORROWED), 1);
	phyr_list_truncate(&w->list, 0);
	add(w, 0x2fff, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	phyr_list_truncate(&w->list, 0);
	add(w, HIGH + 0x2000, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_BORROWED), 1);
	phyr_list_truncate(&w->list, 0);
	add(w, HIGH + 0x2000, 0x1001);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
}

/* No device reaches both ends of the address space by one range. */
static void what_the_offset_wraps_is_not_borrowed(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	w->params.bus_offset = 0 - UINT64_C(0x3000);
	make_dma(w);
	add(w, 0x2000, 0x2000);
	refuse(w, PHYR_E_KIND);
	phyr_dma_destroy(w->dma);
	add_pool(w, POOL_LEN);
	make_dma(w);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	phyr_list_truncate(&w->list, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_BORROWED), 1);
}

/* Case 2. */

static void joints_on_granules_make_one_range(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;
	size_t calls;

	(void)state;
	make_dma(w);
	add(w, 0x9800, 0x1800);
	add(w, 0x5000, 0x1000);
	add(w, 0x1000, 1);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	calls = w->host.live_cnt;
	map = map_perm(w, PHYR_PERM_READ);
	assert_int_equal(w->host.live_cnt, calls);
	assert_null(map.extra);
	assert_null(map.list);
	assert_true(map.own);
	assert_int_equal(map.reserved.len, 4 * K4);
	assert_int_equal(map.range.iova.addr, map.reserved.iova.addr + 0x800);
	assert_int_equal(stats_of(w).mapped_len, 0x2801);
	assert_int_equal(stats_of(w).reserved_len, 4 * K4);
	unmap(w, &map);
	assert_true(w->sync_cnt == 2 && w->flush_cnt == 2);
}

/* Case 6: granules of 16K, joints on 4K. */
static void a_joint_inside_a_granule_makes_a_list(void **state)
{
	struct world *w = world_of(14);
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add(w, 0x8800, 0x10);
	add(w, 0x10000, 0x10000);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 3);
	assert_true(w->sync_cnt == 1 && w->flush_cnt == 1);
	map = map_list(w);
	assert_null(map.list);
	assert_non_null(map.extra);
	assert_int_equal(map.reserved.len, 0x4000 + 0x4000 + 0x10000);
	assert_int_equal(live_cnt(w), 1);
	assert_true(stats_of(w).list_len > 0);
	/* It is needed no more. */
	phyr_list_truncate(&w->list, 0);
	unmap(w, &map);
}

static void many_ragged_pieces_need_one_reservation_one_sync_one_flush(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	make_dma(w);
	for (uint64_t i = 0; i < 200; i++)
		add(w, (i % 2 ? 0x10000 : HIGH) + i * 0xb00, 0x30 + i);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 200);
	assert_true(w->sync_cnt == 1 && w->flush_cnt == 1);
	assert_true(w->map_cnt <= 200 / 16);
	assert_int_equal(stats_of(w).call_cnt, w->map_cnt);
	assert_int_equal(stats_of(w).run_cnt, 200);
}

/* Cases 4 and 5. */

static void what_a_device_cannot_reach_is_bounced_as_one_range(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH + 0x123, 0x2345);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	map = map_list(w);
	assert_true(map.bounced);
	assert_int_equal(map.reserved.len, 0);
	assert_int_equal(stats_of(w).bounced_len, 0x2345);
	unmap(w, &map);
}

static void several_runs_are_bounced_one_by_one_as_a_list(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH + 0x123, 0x2345);
	add(w, 0x1000, 0x1000);
	add(w, HIGH + 0x9000, 0x10);
	add(w, LOW_LAST - 0xfff, 0x1001);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 4);
	map = map_list(w);
	assert_true(map.bounced);
	assert_int_equal(stats_of(w).bounced_len, 0x2345 + 0x10 + 0x1001);
	unmap(w, &map);
}

static void a_pool_that_is_missing_full_or_too_small_is_told(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;

	(void)state;
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH, 0x3000);
	refuse(w, PHYR_E_KIND);
	phyr_dma_destroy(w->dma);
	add_pool(w, 0x4000);
	make_dma(w);
	map = map_list(w);
	refuse(w, PHYR_E_NOSPACE);
	unmap(w, &map);
	add(w, HIGH + 0x8000, 0x3000);
	refuse(w, PHYR_E_NOSPACE);
}

static void encrypted_memory_is_refused_or_bounced(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	add_pool(w, POOL_LEN);
	make_dma(w);
	add_encrypted(w, 0x3800, 0x1000);
	add(w, 0x5000, 0x1000);
	refuse(w, PHYR_E_KIND);
	phyr_dma_destroy(w->dma);
	w->params.traits = PHYR_DMA_DECRYPT;
	make_dma(w);
	(void)round_trip(w, PHYR_DMA_LIST);
	phyr_dma_destroy(w->dma);
	phyr_bounce_destroy(w->pool);
	w->pool = w->params.bounce = NULL;
	make_dma(w);
	refuse(w, PHYR_E_KIND);
}

static void encrypted_memory_alone_is_one_range(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_DECRYPT;
	make_dma(w);
	add_encrypted(w, 0x3800, 0x1000);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	map = map_list(w);
	assert_int_equal(stats_of(w).bounced_len, 0x1000);
	assert_int_equal(map.reserved.len, 0x2000);
	/* Slots are ordinary memory. */
	for (size_t i = 0; i < GRANULES; i++)
		assert_int_equal(w->granules[i].kind, PHYR_KIND_SYSTEM);
	unmap(w, &map);
}

static void what_a_device_may_not_write_is_not_copied_back(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;
	struct phyr_bounce_stats stats;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH, 0x1000);
	map = map_perm(w, PHYR_PERM_READ);
	unmap(w, &map);
	phyr_bounce_stats(w->pool, &stats);
	assert_true(stats.to_len == 0x1000 && stats.from_len == 0);
	map = map_perm(w, PHYR_PERM_WRITE);
	device_writes(w, &map, &w->list);
	unmap(w, &map);
	phyr_bounce_stats(w->pool, &stats);
	/* Filled all the same: what the device does not write comes back as it was. */
	assert_true(stats.to_len == 0x2000 && stats.from_len == 0x1000);
	expect_bytes(w);
}

static void low_bits_of_an_address_are_kept(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	w->params.keep_lg2 = 12;
	make_dma(w);
	add(w, HIGH + 0x9abc, 0x100);
	map = map_list(w);
	assert_int_equal(map.range.iova.addr & 0xfff, 0xabc);
	unmap(w, &map);
	(void)round_trip(w, PHYR_DMA_RANGE);
}

/* Handles. */

static void a_handle_needs_what_it_needs(void **state)
{
	struct world *w = world_of(12);
	const struct phyr_dma_params good = w->params;
	struct phyr_dma_params bad[8] = { good, good, good, good, good, good, good, good };
	struct phyr_dma *dma = NULL;

	(void)state;
	bad[0].mem = NULL;
	bad[1].traits = 16;
	bad[2].space = NULL;
	bad[3].bus_offset = 1;
	w->lg2 = 0;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	bad[4].iommu.ops = NULL;
	bad[4].cache = w->cache;
	w->lg2 = 12;
	add_ring(w, 4);
	bad[5].iommu.ops = NULL;
	bad[5].ring = w->ring;
	bad[6].keep_lg2 = 64;
	bad[7].node = 1; /* a host bridge */
	for (size_t i = 0; i < CNT(bad); i++)
		assert_int_equal(phyr_dma_create(&bad[i], &dma), PHYR_E_INVAL);
	bad[7].node = 999;
	assert_int_equal(phyr_dma_create(&bad[7], &dma), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_create(NULL, &dma), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_create(&good, NULL), PHYR_E_INVAL);
	assert_null(dma);
	phyr_dma_destroy(NULL);
	phyr_dma_begin(&(struct phyr_dma_map){ 0 }, &(struct phyr_dma_cursor){ 0 });
}

/* Batches. */

static struct phyr_dma_batch *begin(struct world *w)
{
	struct phyr_dma_batch *batch;

	assert_int_equal(phyr_dma_batch_begin(w->dma, &batch), PHYR_OK);
	return batch;
}

static void add_to(struct phyr_dma_batch *batch, struct world *w, uint64_t pa, uint64_t len)
{
	struct phyr_range range = { { pa }, len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	assert_int_equal(phyr_dma_batch_add(batch, range, tag), PHYR_OK);
	add(w, pa, len);
}

/* Ends a batch of what is in the world's list too. */
static void end_as(struct world *w, struct phyr_dma_batch *batch, enum phyr_dma_form form)
{
	struct phyr_dma_map map;

	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, &map), PHYR_OK);
	assert_int_equal(map.form, form);
	device_reads(w, &map, &w->list);
	device_writes(w, &map, &w->list);
	unmap(w, &map);
	expect_bytes(w);
}

static void a_batch_is_mapped_as_a_list_is(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_batch *batch;

	(void)state;
	make_dma(w);
	batch = begin(w);
	add_to(batch, w, 0x1000, 0x1000);
	add_to(batch, w, 0x2000, 0x1000);
	add_to(batch, w, 0x8000, 0x10);
	end_as(w, batch, PHYR_DMA_RANGE);
	assert_true(stats_of(w).run_cnt == 2 && w->sync_cnt == 1);
	phyr_list_truncate(&w->list, 0);
	batch = begin(w);
	add_to(batch, w, 0x1000, 0x10);
	add_to(batch, w, 0x8000, 0x10);
	end_as(w, batch, PHYR_DMA_LIST);
}

static void a_batch_keeps_its_pieces_where_they_are_needed(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_batch *batch;
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	batch = begin(w);
	for (uint64_t i = 0; i < 300; i++)
		add_to(batch, w, i * 0x321, 0x10);
	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, &map), PHYR_OK);
	assert_int_equal(map.form, PHYR_DMA_BORROWED);
	assert_int_equal(device_reads(w, &map, &w->list), 300);
	assert_true(stats_of(w).list_len > 0);
	unmap(w, &map);
	phyr_list_truncate(&w->list, 0);
	batch = begin(w);
	for (uint64_t i = 0; i < 10; i++)
		add_to(batch, w, HIGH + i * 0x321, 0x10);
	end_as(w, batch, PHYR_DMA_LIST);
}

static void a_batch_goes_on_after_a_failure_or_is_cancelled(void **state)
{
	struct phyr_range none = { { 0x1000 }, 0 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_dma_map map = { .form = PHYR_DMA_RANGE };
	struct world *w = world_of(12);
	struct phyr_dma_batch *batch;

	(void)state;
	make_dma(w);
	assert_int_equal(phyr_dma_batch_begin(NULL, &batch), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_batch_begin(w->dma, NULL), PHYR_E_INVAL);
	batch = begin(w);
	assert_int_equal(phyr_dma_batch_end(NULL, RW, NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_batch_add(NULL, none, tag), PHYR_E_INVAL);
	assert_int_not_equal(phyr_dma_batch_add(batch, none, tag), PHYR_OK);
	add_to(batch, w, 0x1000, 0x1000);
	w->fail_at = 0;
	w->fail_err = PHYR_E_NOMEM;
	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, &map), PHYR_E_NOMEM);
	assert_int_equal(map.form, PHYR_DMA_RANGE);
	assert_int_equal(phyr_dma_batch_end(batch, (enum phyr_perm)0, NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, NULL), PHYR_E_INVAL);
	add_to(batch, w, FAR_LOW, 0x1000);
	end_as(w, batch, PHYR_DMA_RANGE);
	batch = begin(w);
	add_to(batch, w, 0x1000, 0x1000);
	phyr_dma_batch_cancel(batch);
	phyr_dma_batch_cancel(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(without_an_iommu_a_list_is_borrowed_and_offset),
		CASE(an_offset_may_be_negative),
		CASE(what_the_offset_moves_out_of_reach_is_bounced),
		CASE(what_the_offset_wraps_is_not_borrowed),
		CASE(joints_on_granules_make_one_range),
		CASE(a_joint_inside_a_granule_makes_a_list),
		CASE(many_ragged_pieces_need_one_reservation_one_sync_one_flush),
		CASE(what_a_device_cannot_reach_is_bounced_as_one_range),
		CASE(several_runs_are_bounced_one_by_one_as_a_list),
		CASE(a_pool_that_is_missing_full_or_too_small_is_told),
		CASE(encrypted_memory_is_refused_or_bounced),
		CASE(encrypted_memory_alone_is_one_range),
		CASE(what_a_device_may_not_write_is_not_copied_back),
		CASE(low_bits_of_an_address_are_kept),
		CASE(a_handle_needs_what_it_needs),
		CASE(a_batch_is_mapped_as_a_list_is),
		CASE(a_batch_keeps_its_pieces_where_they_are_needed),
		CASE(a_batch_goes_on_after_a_failure_or_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
