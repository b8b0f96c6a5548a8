/* SPDX-License-Identifier: MIT */
/*
 * Requests of segments: which form they take, what the device gets, what is kept.
 *
 * Not here: peers (test_front_request_peers.c), failing memory and backends (oom_front.c).
 */
#include "front_request_world.h"

/* C16: 16 bytes of state for any number of segments. */
static void a_request_without_gaps_is_one_range_and_one_sync(void **state)
{
	struct fixture *f = open_queue(state, true);
	size_t calls;

	add(f, 0x12e00, 0x200);
	for (uint64_t i = 1; i < 40; i++)
		add(f, 0x100000 + 2 * i * K4, K4);
	add(f, 0x800000, 0x600);
	calls = f->w.t.alloc_cnt;
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	assert_int_equal(f->request.segment_cnt, 1);
	assert_true(f->request.coalesced && !f->request.gap);
	assert_null(f->request.record);
	assert_int_equal(sizeof(f->request.state), 16);
	expect_translated(f);
	assert_int_equal(f->w.sync_cnt, 1);
	assert_int_equal(f->w.hidden_cnt, 0);
	assert_int_equal(f->queue.stats.coalesced_cnt, 1);
	assert_int_equal(f->queue.stats.in_cnt, 41);
	assert_int_equal(f->queue.stats.out_cnt, 1);
	unmap(f);
	assert_int_equal(f->w.flush_cnt, 1);
	/* What the address space takes at its first use is not the request's. */
	calls = f->w.t.alloc_cnt;
	map(f);
	unmap(f);
	assert_int_equal(f->w.t.alloc_cnt, calls);
}

static void a_gap_below_the_granule_makes_a_list_in_one_reservation(void **state)
{
	struct fixture *f = open_queue(state, true);

	add(f, 0x10000, K4);
	add(f, 0x20200, 0x600);
	add(f, 0x30000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	assert_int_equal(f->request.segment_cnt, 3);
	assert_true(f->request.gap && !f->request.coalesced);
	assert_int_equal(f->queue.stats.gap_cnt, 1);
	assert_int_equal(reserved_cnt(&f->w), 1);
	assert_int_equal(f->w.sync_cnt, 1);
	expect_translated(f);
	unmap(f);
	assert_int_equal(f->w.flush_cnt, 1);
}

static void outer_ends_are_no_gaps_and_one_segment_has_none(void **state)
{
	struct fixture *f = open_queue(state, true);

	add(f, 0x10200, 0x400);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	assert_false(f->request.coalesced);
	expect_translated(f);
	unmap(f);
	add(f, 0x20000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	unmap(f);
	f->segments[0].range.len = 0xe00;
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	unmap(f);
	f->segments[1].range = (struct phyr_range){ { 0x20200 }, 0x200 };
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	unmap(f);
}

static void neighbours_are_merged_wherever_they_meet(void **state)
{
	struct fixture *f = open_queue(state, true);

	add(f, 0x10200, 0x200);
	add(f, 0x10400, 0x200);
	add(f, 0x10600, 0x2a00);
	add(f, 0x50000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	assert_int_equal(f->queue.stats.merge_cnt, 2);
	assert_int_equal(f->w.run_cnt, 2);
	expect_translated(f);
	unmap(f);
}

static void without_an_iommu_nothing_is_kept_or_allocated(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = world_begin(&f->w, false);
	const struct phyr_iova_range want[] = { { { 0x100000020200 }, 0x600 },
						{ { 0x100000010000 }, 0x2000 } };
	size_t calls;

	params.bus_offset = UINT64_C(0x100000000000);
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add(f, 0x20200, 0x600);
	add(f, 0x10000, K4);
	add(f, 0x11000, K4);
	calls = f->w.t.alloc_cnt;
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_SEGMENTS);
	assert_false(f->request.gap);
	expect(f, want, 2);
	unmap(f);
	assert_int_equal(f->w.t.alloc_cnt, calls);
}

static void limits_cut_as_few_segments_as_they_allow(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .len_max = 0x3000, .boundary_lg2 = 16 };
	const struct phyr_iova_range want[] = { { { 0xe000 }, 0x2000 },
						{ { 0x10000 }, 0x3000 },
						{ { 0x13000 }, 0x1000 },
						{ { 0x30000 }, 0x1000 } };

	world_open(&f->w, false);
	start(f, &limits);
	add(f, 0xe000, 0x1800);
	add(f, 0xf800, 0x4800);
	add(f, 0x30000, K4);
	map(f);
	expect(f, want, 4);
	unmap(f);
}

/* L1: 512 pages behind one another, 64 KiB and 2 GiB a segment. */
static void pages_in_a_row_are_32_segments_of_64_kib(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .len_max = 0x10000 };

	world_open(&f->w, false);
	for (uint64_t i = 0; i < 64; i++)
		add(f, 0x200000 + i * 8 * K4, 8 * K4);
	start(f, &limits);
	map(f);
	assert_int_equal(f->request.segment_cnt, 32);
	unmap(f);
	limits.len_max = UINT64_C(1) << 31;
	start(f, &limits);
	map(f);
	assert_int_equal(f->request.segment_cnt, 1);
	unmap(f);
}

static void what_is_counted_is_what_the_device_gets(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .cnt_max = 1 };

	world_open(&f->w, true);
	start(f, &limits);
	for (uint64_t i = 1; i < 40; i++)
		add(f, 2 * i * K4, K4);
	map(f);
	assert_int_equal(f->request.segment_cnt, 1);
	unmap(f);
	f->segments[1].range.len = 0x200;
	refuse(f, PHYR_E_LIMIT);
	/* The joint before the gap is on a granule: it is none in I/O addresses. */
	limits.cnt_max = 2;
	start(f, &limits);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	unmap(f);
}

static void one_range_keeps_to_the_limits_too(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .len_max = 0x4000, .cnt_max = 2 };

	world_open(&f->w, true);
	start(f, &limits);
	for (uint64_t i = 0; i < 8; i++)
		add(f, 2 * i * K4, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	assert_int_equal(f->request.segment_cnt, 2);
	expect_translated(f);
	unmap(f);
	add(f, 0x100000, K4);
	refuse(f, PHYR_E_LIMIT);
}

static void alignment_and_gaps_of_the_device_are_held_to(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .align_lg2 = 9, .gap_lg2 = 12 };

	world_open(&f->w, false);
	start(f, &limits);
	add(f, 0x1200, 0xe00);
	add(f, 0x5000, 0x200);
	map(f);
	unmap(f);
	add(f, 0x6000, K4);
	refuse(f, PHYR_E_ALIGN);
	f->input.cnt = 1;
	f->segments[0].range.len = 0x201;
	refuse(f, PHYR_E_ALIGN);
}

static void what_a_device_cannot_reach_needs_a_pool(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = world_begin(&f->w, false);

	params.address_last = 0xffffffff;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add(f, 0xfffff000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_SEGMENTS);
	unmap(f);
	add(f, 0x100000000, K4);
	refuse(f, PHYR_E_KIND);
}

static void caches_that_are_to_be_maintained_are_counted(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = world_begin(&f->w, false);
	const struct phyr_iova_range want = { { 0x1000 }, K4 };
	struct phyr_dma_stats stats;

	params.traits = PHYR_DMA_NONCOHERENT;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add(f, 0x1000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	assert_false(f->request.gap);
	expect(f, &want, 1);
	unmap(f);
	phyr_dma_stats(f->w.dma, &stats);
	assert_int_equal(stats.maintained_len, 2 * K4);
}

/* What an untrusted device would see beside the request is bounced; the middle is not. */
static void ends_of_an_untrusted_devices_range_are_bounced(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = world_begin(&f->w, true);
	struct phyr_bounce_params pool = { .mem = &f->w.t.mem,
					   .pool = { { 0x40000000 }, 0x40000 },
					   .slot_lg2 = 12 };
	struct phyr_bounce_stats stats;

	assert_int_equal(phyr_bounce_create(&pool, &params.bounce), PHYR_OK);
	params.traits = PHYR_DMA_UNTRUSTED;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add(f, 0x10200, 0xe00);
	add(f, 0x20000, K4);
	add(f, 0x30000, 0x300);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	assert_int_equal(f->request.segment_cnt, 1);
	phyr_bounce_stats(params.bounce, &stats);
	assert_int_equal(stats.live_cnt, 2);
	unmap(f);
	phyr_bounce_stats(params.bounce, &stats);
	assert_int_equal(stats.live_cnt, 0);
	phyr_bounce_destroy(params.bounce);
}

static void wrong_requests_are_refused(void **state)
{
	struct fixture *f = open_queue(state, true);
	struct phyr_front_input none = { NULL, 1 };
	struct phyr_front_request r;

	refuse(f, PHYR_E_INVAL);
	add(f, 0x1000, 0);
	refuse(f, PHYR_E_INVAL);
	f->segments[0].range.len = K4;
	f->segments[0].tag.kind = PHYR_KIND_CNT;
	refuse(f, PHYR_E_INVAL);
	f->segments[0].tag.kind = PHYR_KIND_SYSTEM;
	assert_int_equal(phyr_front_request_map(NULL, &f->input, PHYR_PERM_READ, &r), PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_map(&f->queue, NULL, PHYR_PERM_READ, &r), PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_map(&f->queue, &none, PHYR_PERM_READ, &r),
			 PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_map(&f->queue, &f->input, (enum phyr_perm)4, &r),
			 PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_map(&f->queue, &f->input, PHYR_PERM_READ, NULL),
			 PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_unmap(NULL, &r), PHYR_E_INVAL);
	assert_int_equal(phyr_front_request_unmap(&f->queue, NULL), PHYR_E_INVAL);
	f->segments[0].range.pa.addr = 0 - K4;
	f->segments[0].range.len = 2 * K4;
	refuse(f, PHYR_E_RANGE);
	f->segments[0].range.pa.addr = 0;
	f->segments[0].range.len = PHYR_DMA_STATE_MAX;
	add(f, 0x1000, K4);
	refuse(f, PHYR_E_RANGE);
	f->segments[0].range.len = GRANULES * K4;
	refuse(f, PHYR_E_LIMIT);
}

static void wrong_queues_are_refused(void **state)
{
	struct fixture *f = *state;
	struct phyr_segment_limits limits = { .boundary_lg2 = 64 };
	struct phyr_front_queue *queue = &f->queue;

	world_open(&f->w, true);
	assert_int_equal(phyr_front_queue_init(NULL, f->w.dma, &no_limits), PHYR_E_INVAL);
	assert_int_equal(phyr_front_queue_init(queue, NULL, &no_limits), PHYR_E_INVAL);
	assert_int_equal(phyr_front_queue_init(queue, f->w.dma, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_front_queue_init(queue, f->w.dma, &limits), PHYR_E_INVAL);
	limits = (struct phyr_segment_limits){ .align_lg2 = 9, .len_max = 511 };
	assert_int_equal(phyr_front_queue_init(queue, f->w.dma, &limits), PHYR_E_INVAL);
	limits = (struct phyr_segment_limits){ .align_lg2 = 9, .boundary_lg2 = 8 };
	assert_int_equal(phyr_front_queue_init(queue, f->w.dma, &limits), PHYR_E_INVAL);
	start(f, &no_limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_without_gaps_is_one_range_and_one_sync),
		CASE(a_gap_below_the_granule_makes_a_list_in_one_reservation),
		CASE(outer_ends_are_no_gaps_and_one_segment_has_none),
		CASE(neighbours_are_merged_wherever_they_meet),
		CASE(without_an_iommu_nothing_is_kept_or_allocated),
		CASE(limits_cut_as_few_segments_as_they_allow),
		CASE(pages_in_a_row_are_32_segments_of_64_kib),
		CASE(what_is_counted_is_what_the_device_gets),
		CASE(one_range_keeps_to_the_limits_too),
		CASE(alignment_and_gaps_of_the_device_are_held_to),
		CASE(what_a_device_cannot_reach_needs_a_pool),
		CASE(caches_that_are_to_be_maintained_are_counted),
		CASE(ends_of_an_untrusted_devices_range_are_bounced),
		CASE(wrong_requests_are_refused),
		CASE(wrong_queues_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
