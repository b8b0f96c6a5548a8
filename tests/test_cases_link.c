/* SPDX-License-Identifier: MIT */
/*
 * The figures that two steps were made for: syncs and flushes of a MiB page by page and in two steps,
 * state beside scatterlists, and a peer's page inside.
 */
#include <phyr/dma_link.h>
#include <phyrsim/linux.h>

#include "cases_world.h"

#define PAGES 256

/* Pages that are no neighbours. */
static struct phyr_range page(uint64_t i)
{
	struct phyr_range range = { { MEMORY + i * 0x2000 }, PHYR_PAGE_SIZE };

	return range;
}

static void a_mib_page_by_page_is_256_syncs_and_256_flushes(void **state)
{
	static struct phyr_dma_map map[PAGES];
	struct cases_world *w = *state;
	struct phyr_dma_stats stats;

	for (uint64_t i = 0; i < PAGES; i++) {
		struct phyr_range range = page(i);
		struct phyr_list list;

		list_of(&list, &range, 1);
		assert_int_equal(phyr_dma_map(w->dma, &list, PHYR_PERM_READ_WRITE, NULL, &map[i]),
				 PHYR_OK);
	}
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(phyr_dma_unmap(w->dma, &map[i]), PHYR_OK);
	stats = dma_stats(w);
	assert_int_equal(stats.sync_cnt, 256);
	assert_int_equal(stats.call_cnt, 256);
	assert_int_equal(stats.flush_cnt, 256);
}

static void link_page(struct cases_world *w, struct phyr_dma_state *kept, uint64_t offset,
		      struct phyr_range range)
{
	struct phyr_dma_piece piece = { &range, 1, ram, PHYR_PERM_READ_WRITE, NULL, NULL };

	assert_int_equal(phyr_dma_link(w->dma, kept, offset, &piece), PHYR_OK);
}

static void a_mib_in_two_steps_is_one_sync_and_one_flush(void **state)
{
	struct cases_world *w = *state;
	struct phyr_dma_want want = { .len = MIB(1) };
	struct phyr_dma_state kept;
	struct phyr_dma_stats stats;

	assert_int_equal(phyr_dma_reserve(w->dma, &want, &kept), PHYR_OK);
	for (uint64_t i = 0; i < PAGES; i++)
		link_page(w, &kept, i * PHYR_PAGE_SIZE, page(i));
	assert_int_equal(phyr_dma_sync(w->dma, &kept, 0, MIB(1)), PHYR_OK);
	assert_int_equal(leaf_cnt(w, 12), 256);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &kept, MIB(1), PHYR_PERM_READ_WRITE),
			 PHYR_OK);
	stats = dma_stats(w);
	assert_int_equal(stats.link_cnt, 256);
	assert_int_equal(stats.sync_cnt, 1);
	assert_int_equal(stats.flush_cnt, 1);
}

static void a_mib_as_a_list_is_one_sync_and_one_call(void **state)
{
	struct cases_world *w = *state;
	struct phyr_dma_stats stats;
	struct phyr_dma_map map;

	for (uint64_t i = 0; i < PAGES; i++)
		append(&w->list, page(i).pa.addr, PHYR_PAGE_SIZE);
	assert_int_equal(phyr_dma_map(w->dma, &w->list, PHYR_PERM_READ_WRITE, NULL, &map), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(w->dma, &map), PHYR_OK);
	stats = dma_stats(w);
	assert_int_equal(stats.sync_cnt, 1);
	assert_int_equal(stats.call_cnt, 1);
	assert_int_equal(stats.flush_cnt, 1);
}

static void a_request_of_n_segments_keeps_16_bytes_and_not_32_n(void **state)
{
	static const uint64_t segment_cnt[] = { 1, 2, 31, 128 };
	struct cases_world *w = *state;

	assert_int_equal(sizeof(struct phyr_dma_state), 16);
	for (size_t n = 0; n < CNT(segment_cnt); n++) {
		struct phyr_dma_want want = { .len = segment_cnt[n] * PHYR_PAGE_SIZE };
		struct phyr_dma_state kept;
		size_t live_len;

		phyr_list_truncate(&w->list, 0);
		for (uint64_t i = 0; i < segment_cnt[n]; i++)
			append(&w->list, page(i).pa.addr, PHYR_PAGE_SIZE);
		assert_int_equal(phyrsim_linux_scatterlist(&w->list, 65536).len,
				 32 * segment_cnt[n]);
		assert_int_equal(phyr_dma_reserve(w->dma, &want, &kept), PHYR_OK);
		link_page(w, &kept, 0, page(0)); /* the first one makes the tables */
		live_len = w->mem.live_len;
		for (uint64_t i = 1; i < segment_cnt[n]; i++)
			link_page(w, &kept, i * PHYR_PAGE_SIZE, page(i));
		assert_true(w->mem.live_len <= live_len + 2 * PHYR_PAGE_SIZE);
		assert_int_equal(dma_stats(w).list_len, 0);
		assert_int_equal(
			phyr_dma_destroy_state(w->dma, &kept, want.len, PHYR_PERM_READ_WRITE),
			PHYR_OK);
	}
}

static void half_of_it_taken_down_gives_all_of_it_back(void **state)
{
	struct cases_world *w = *state;
	struct phyr_dma_want want = { .len = MIB(1) };
	struct phyr_dma_state kept;

	/* D4 as it should be: nothing is stranded, as the end of each case verifies. */
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &kept), PHYR_OK);
	link_page(w, &kept, 0, page(0));
	assert_int_equal(phyr_dma_destroy_state(w->dma, &kept, 0x1000, PHYR_PERM_READ_WRITE),
			 PHYR_OK);
	assert_int_equal(dma_stats(w).reserved_len, 0);
}

static void local_peer_local_is_one_reservation_and_three_addresses(void **state)
{
	struct cases_world *w = *state;
	struct phyr_range local = { { MEMORY }, MIB(2) }, remote = { { BAR + 0x10000 }, 0x1000 };
	struct phyr_dma_want want = { .len = MIB(4) };
	struct phyr_dma_reach reach;
	struct phyr_dma_state kept;
	struct phyr_dma_part all = { 0, MIB(4), PHYR_PERM_READ_WRITE };

	want.phase_lg2 = 21;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &kept), PHYR_OK);
	link_page(w, &kept, 0, local);
	assert_int_equal(phyr_dma_peer(w->dma, remote, &reach), PHYR_OK);
	assert_int_equal(reach.type, PHYR_P2P_BUS);
	assert_int_equal(reach.iova.addr, BUS + 0x10000);
	local.pa.addr = MEMORY + MIB(4);
	link_page(w, &kept, MIB(2), local);
	assert_int_equal(phyr_dma_sync(w->dma, &kept, 0, MIB(4)), PHYR_OK);
	assert_int_equal(leaf_cnt(w, 21), 2);
	assert_int_equal(dma_stats(w).sync_cnt, 1);
	assert_int_equal(phyr_dma_unlink(w->dma, &kept, &all), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &kept), PHYR_OK);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_mib_page_by_page_is_256_syncs_and_256_flushes),
		CASE(a_mib_in_two_steps_is_one_sync_and_one_flush),
		CASE(a_mib_as_a_list_is_one_sync_and_one_call),
		CASE(a_request_of_n_segments_keeps_16_bytes_and_not_32_n),
		CASE(half_of_it_taken_down_gives_all_of_it_back),
		CASE(local_peer_local_is_one_reservation_and_three_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
