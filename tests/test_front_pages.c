/* SPDX-License-Identifier: MIT */
/*
 * Windows of pages: what one call maps, unmaps, replaces, and what that costs.
 *
 * Not here: leaves of real tables (test_front_sim.c), failing memory (oom_front.c).
 */
#include <phyr/front_pages.h>

#include "front_world.h"

#define PAGES 1024

struct fixture {
	struct world w;
	struct phyr_front_pages *pages;
};

static struct fixture *open_pages(void **state, bool single)
{
	struct phyr_front_pages_params params = { .page_cnt = PAGES,
						  .page_lg2 = 12,
						  .single = single };
	struct fixture *f = *state;

	world_open(&f->w, true);
	params.dma = f->w.dma;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_OK);
	return f;
}

static int before_case(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	*state = &f;
	return 0;
}

static int after_case(void **state)
{
	struct fixture *f = *state;
	const char *reason = NULL;

	if (!f->w.dma)
		return 0;
	if (f->pages && !phyr_front_pages_validate(f->pages, &reason))
		fail_msg("%s", reason);
	phyr_front_pages_destroy(f->pages);
	world_close(&f->w);
	return 0;
}

static struct phyr_front_pages_run run_of(uint64_t first, const struct phyr_range *ranges,
					  size_t cnt, enum phyr_kind kind)
{
	struct phyr_front_pages_run run = { first, ranges, cnt, { kind, 0 }, PHYR_PERM_READ_WRITE };

	return run;
}

static int try_map(struct fixture *f, uint64_t first, uint64_t pa, uint64_t cnt,
		   enum phyr_kind kind)
{
	struct phyr_range range = { { pa }, cnt * K4 };
	struct phyr_front_pages_run run = run_of(first, &range, 1, kind);

	return phyr_front_pages_map(f->pages, &run);
}

static void map(struct fixture *f, uint64_t first, uint64_t pa, uint64_t cnt)
{
	assert_int_equal(try_map(f, first, pa, cnt, PHYR_KIND_SYSTEM), PHYR_OK);
}

static void map_peer(struct fixture *f, uint64_t first, uint64_t pa, uint64_t cnt)
{
	assert_int_equal(try_map(f, first, pa, cnt, PHYR_KIND_P2P), PHYR_OK);
}

static int unmap(struct fixture *f, uint64_t first, uint64_t cnt)
{
	struct phyr_front_pages_part part = { first, cnt };

	return phyr_front_pages_unmap(f->pages, part);
}

static struct phyr_front_pages_stats stats_of(const struct fixture *f)
{
	struct phyr_front_pages_stats stats;

	phyr_front_pages_stats(f->pages, &stats);
	return stats;
}

static uint64_t addr(const struct fixture *f, uint64_t index, uint64_t pa)
{
	phyr_iova iova = { 0 };

	assert_int_equal(phyr_front_pages_addr(f->pages, index, phyr_pa_at(pa), &iova), PHYR_OK);
	return iova.addr;
}

static void a_call_is_one_link_and_one_sync(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_range ranges[32];
	struct phyr_front_pages_run run = run_of(10, ranges, 32, PHYR_KIND_SYSTEM);
	uint64_t first = phyr_front_pages_window(f->pages).iova.addr + 10 * K4;

	for (uint64_t i = 0; i < 32; i++)
		ranges[i] = (struct phyr_range){ { (3 * i + 7) * K4 }, K4 };
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_OK);
	assert_int_equal(f->w.map_cnt, 1);
	assert_int_equal(f->w.sync_cnt, 1);
	assert_int_equal(stats_of(f).link_cnt, 1);
	assert_int_equal(stats_of(f).sync_cnt, 1);
	assert_int_equal(stats_of(f).linked_cnt, 32);
	for (uint64_t i = 0; i < 32; i++) {
		assert_int_equal(addr(f, 10 + i, 0), first + i * K4);
		assert_int_equal(behind(&f->w, first + i * K4), ranges[i].pa.addr);
	}
	assert_int_equal(f->w.hidden_cnt, 0);
}

/* 1 MiB in 4K pages: page by page 256 syncs and flushes (D14), by ranges one of each. */
static void a_mebibyte_takes_one_sync_and_one_flush_and_page_by_page_256(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_range ranges[256];
	struct phyr_front_pages_run run = run_of(512, ranges, 256, PHYR_KIND_SYSTEM);

	for (uint64_t i = 0; i < 256; i++) {
		ranges[i] = (struct phyr_range){ { 2 * i * K4 }, K4 };
		map(f, i, ranges[i].pa.addr, 1);
	}
	assert_int_equal(f->w.sync_cnt, 256);
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_OK);
	assert_int_equal(f->w.sync_cnt, 257);
	for (uint64_t i = 0; i < 256; i++)
		assert_int_equal(unmap(f, i, 1), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 256);
	assert_int_equal(unmap(f, 512, 256), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 257);
	assert_int_equal(stats_of(f).flush_cnt, 257);
	assert_int_equal(stats_of(f).sync_cnt, 257);
}

static void what_is_mapped_already_is_counted_and_left_alone(void **state)
{
	struct fixture *f = open_pages(state, false);
	uint64_t window = phyr_front_pages_window(f->pages).iova.addr;

	map(f, 4, 40 * K4, 2);
	map(f, 8, 80 * K4, 1);
	map(f, 4, 40 * K4, 2);
	assert_int_equal(f->w.sync_cnt, 2);
	assert_int_equal(stats_of(f).hit_cnt, 2);
	map(f, 0, 100 * K4, 16);
	assert_int_equal(stats_of(f).hit_cnt, 5);
	assert_int_equal(stats_of(f).linked_cnt, 16);
	assert_int_equal(stats_of(f).link_cnt, 2 + 3);
	assert_int_equal(f->w.sync_cnt, 3);
	assert_int_equal(behind(&f->w, window + 5 * K4), 41 * K4);
	assert_int_equal(behind(&f->w, window + 6 * K4), 106 * K4);
	assert_int_equal(behind(&f->w, window + 8 * K4), 80 * K4);
	assert_int_equal(behind(&f->w, window + 15 * K4), 115 * K4);
}

static void unmapping_across_holes_is_one_flush(void **state)
{
	struct fixture *f = open_pages(state, false);

	for (uint64_t i = 0; i < PAGES; i += 2)
		map(f, i, i * K4, 1);
	assert_int_equal(unmap(f, 100, PAGES - 200), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(stats_of(f).linked_cnt, 100);
	assert_int_equal(phyr_front_pages_at(f->pages, 98), PHYR_FRONT_PAGE_LINKED);
	assert_int_equal(phyr_front_pages_at(f->pages, 100), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(unmap(f, 100, PAGES - 200), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	phyr_front_pages_destroy(f->pages);
	f->pages = NULL;
	assert_int_equal(f->w.flush_cnt, 2);
}

static void a_stretch_that_ends_in_a_leaf_is_left_and_the_others_go(void **state)
{
	struct fixture *f = open_pages(state, false);

	for (uint64_t i = 0; i < 9; i += 2)
		map(f, i, i * K4, 1);
	f->w.unmap_err = PHYR_E_PARTIAL;
	f->w.unmap_at = phyr_front_pages_window(f->pages).iova.addr + 4 * K4;
	assert_int_equal(unmap(f, 0, 9), PHYR_E_PARTIAL);
	assert_int_equal(f->w.flush_cnt, 1);
	for (uint64_t i = 0; i < 9; i++)
		assert_int_equal(phyr_front_pages_at(f->pages, i),
				 i == 4 ? PHYR_FRONT_PAGE_LINKED : PHYR_FRONT_PAGE_NONE);
	f->w.unmap_err = PHYR_OK;
}

static void single_pages_are_linked_one_by_one_and_shown_at_once(void **state)
{
	struct fixture *f = open_pages(state, true);

	map(f, 0, 0x100000, 64);
	assert_int_equal(f->w.map_cnt, 64);
	assert_int_equal(f->w.sync_cnt, 1);
	assert_int_equal(unmap(f, 3, 1), PHYR_OK);
	assert_int_equal(stats_of(f).linked_cnt, 63);
}

static void replacing_flushes_once_syncs_once_and_keeps_what_is_the_same(void **state)
{
	struct fixture *f = open_pages(state, false);
	uint64_t window = phyr_front_pages_window(f->pages).iova.addr;
	struct phyr_range old[] = { { { 0x100000 }, K4 },
				    { { 0x101000 }, K4 },
				    { { 0x102000 }, K4 } };
	struct phyr_range new[] = { { { 0x900000 }, K4 },
				    { { 0x101000 }, K4 },
				    { { 0x902000 }, K4 } };
	struct phyr_front_pages_run run = run_of(7, new, 3, PHYR_KIND_SYSTEM);

	map(f, 7, 0x100000, 1);
	map(f, 8, 0x101000, 1);
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, old), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(f->w.sync_cnt, 3);
	assert_int_equal(stats_of(f).hit_cnt, 1);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(behind(&f->w, window + (7 + i) * K4), new[i].pa.addr);
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, new), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(f->w.sync_cnt, 3);
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, NULL), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 2);
	assert_int_equal(stats_of(f).flush_cnt, 2);
	old[1].len = 2 * K4;
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, old), PHYR_E_INVAL);
	assert_int_equal(stats_of(f).linked_cnt, 3);
}

static void a_replacement_that_fails_leaves_what_is_the_same(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_range old[] = { { { 0x100000 }, K4 }, { { 0x101000 }, K4 } };
	struct phyr_range new[] = { { { 0x900000 }, K4 }, { { 0x101000 }, K4 } };
	struct phyr_front_pages_run run = run_of(0, new, 2, PHYR_KIND_SYSTEM);

	map(f, 0, 0x100000, 2);
	f->w.fail_at = f->w.map_cnt;
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, old), PHYR_E_NOMEM);
	assert_int_equal(phyr_front_pages_at(f->pages, 0), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(phyr_front_pages_at(f->pages, 1), PHYR_FRONT_PAGE_LINKED);
	assert_int_equal(f->w.unflushed_cnt, 0);
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, old), PHYR_OK);
}

static void peers_and_memory_mix_page_by_page(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_range peers[] = { { { BUS_PA + K4 }, K4 },
				      { { BRIDGE_PA }, 2 * K4 },
				      { { BUS2_PA }, K4 } };
	struct phyr_front_pages_run run = run_of(1, peers, 3, PHYR_KIND_P2P);
	uint64_t window = phyr_front_pages_window(f->pages).iova.addr;
	phyr_iova iova = { 77 };

	map(f, 0, 0x5000, 1);
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_OK);
	map(f, 5, 0x6000, 1);
	assert_int_equal(phyr_front_pages_at(f->pages, 1), PHYR_FRONT_PAGE_BUS);
	assert_int_equal(phyr_front_pages_at(f->pages, 2), PHYR_FRONT_PAGE_LINKED);
	/* P10: the bus address; the window is empty there. */
	assert_int_equal(addr(f, 1, BUS_PA + K4), 0x80001000);
	assert_true(f->w.pa[(window - BASE) / K4 + 1] == NOTHING);
	assert_int_equal(addr(f, 3, 0), window + 3 * K4);
	assert_int_equal(behind(&f->w, window + 3 * K4), BRIDGE_PA + K4);
	assert_true(f->w.mmio[(window - BASE) / K4 + 3] && !f->w.mmio[(window - BASE) / K4]);
	assert_int_equal(addr(f, 4, BUS2_PA), BUS2_PA);
	assert_int_equal(stats_of(f).bus_cnt, 2);
	assert_int_equal(stats_of(f).linked_cnt, 4);
	assert_int_equal(phyr_front_pages_addr(f->pages, 4, phyr_pa_at(BUS_PA), &iova),
			 PHYR_E_INVAL);
	assert_int_equal(phyr_front_pages_addr(f->pages, 4, phyr_pa_at(0x5000), &iova),
			 PHYR_E_NOENT);
	assert_int_equal(iova.addr, 77);
	map_peer(f, 1, BUS_PA + K4, 1);
	assert_int_equal(stats_of(f).hit_cnt, 1);
	assert_int_equal(unmap(f, 0, 6), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
}

static void bus_pages_alone_take_no_flush_and_no_sync(void **state)
{
	struct fixture *f = open_pages(state, false);
	uint64_t before = stats_of(f).state_len;

	map_peer(f, 3, BUS_PA, 5);
	assert_int_equal(f->w.map_cnt + f->w.sync_cnt, 0);
	assert_true(stats_of(f).state_len > before);
	assert_int_equal(unmap(f, 0, PAGES), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 0);
	assert_int_equal(stats_of(f).state_len, before);
}

static void a_removed_provider_leaves_the_others(void **state)
{
	struct fixture *f = open_pages(state, false);

	map(f, 0, 0x5000, 1);
	map_peer(f, 1, BRIDGE_PA, 2);
	map_peer(f, 4, BUS_PA, 2);
	map_peer(f, 7, BRIDGE_PA + 8 * K4, 1);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(f->w.unflushed_cnt, 0);
	assert_int_equal(mapped_cnt(&f->w), 1);
	assert_int_equal(phyr_front_pages_at(f->pages, 7), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(phyr_front_pages_at(f->pages, 4), PHYR_FRONT_PAGE_BUS);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bus), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(stats_of(f).flush_cnt, 1);
	assert_int_equal(stats_of(f).bus_cnt, 0);
	assert_int_equal(stats_of(f).linked_cnt, 1);
	assert_int_equal(try_map(f, 1, BRIDGE_PA, 1, PHYR_KIND_P2P), PHYR_E_NOENT);
}

static void a_provider_that_cannot_be_unmapped_stays(void **state)
{
	struct fixture *f = open_pages(state, false);

	map_peer(f, 1, BRIDGE_PA, 2);
	f->w.unmap_err = PHYR_E_PARTIAL;
	f->w.unmap_at = phyr_front_pages_window(f->pages).iova.addr + K4;
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_E_BUSY);
	assert_int_equal(phyr_front_pages_at(f->pages, 2), PHYR_FRONT_PAGE_LINKED);
	f->w.unmap_err = PHYR_OK;
}

static void pages_are_flushed_at_once_beside_a_batch_of_the_users(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_flush_target target = { { &fake_ops, &f->w }, f->w.space, NULL };
	struct phyr_flush_batch batch;

	phyr_flush_batch_init(&batch, &target, NULL, 0);
	assert_null(phyr_dma_set_batch(f->w.dma, &batch));
	map(f, 1, 0x1000, 4);
	assert_int_equal(unmap(f, 2, 1), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(batch.stats.add_cnt, 0);
	assert_ptr_equal(phyr_dma_set_batch(f->w.dma, NULL), &batch);
}

static void wrong_runs_change_nothing(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_range range = { { 0x1000 }, K4 };
	struct phyr_front_pages_run run = run_of(0, &range, 1, PHYR_KIND_SYSTEM);

	assert_int_equal(phyr_front_pages_map(NULL, &run), PHYR_E_INVAL);
	assert_int_equal(phyr_front_pages_map(f->pages, NULL), PHYR_E_INVAL);
	run.ranges = NULL;
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_E_INVAL);
	run = run_of(0, &range, 0, PHYR_KIND_SYSTEM);
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_E_INVAL);
	run = run_of(0, &range, 1, PHYR_KIND_CNT);
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_E_INVAL);
	run = run_of(0, &range, 1, PHYR_KIND_SYSTEM);
	run.perm = (enum phyr_perm)0;
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_E_INVAL);
	assert_int_equal(try_map(f, 0, 0x1000, 0, PHYR_KIND_SYSTEM), PHYR_E_INVAL);
	assert_int_equal(try_map(f, 0, 0x1800, 1, PHYR_KIND_SYSTEM), PHYR_E_ALIGN);
	assert_int_equal(try_map(f, PAGES, 0x1000, 1, PHYR_KIND_SYSTEM), PHYR_E_RANGE);
	assert_int_equal(try_map(f, PAGES - 1, 0x1000, 2, PHYR_KIND_SYSTEM), PHYR_E_RANGE);
	assert_int_equal(try_map(f, 0, 0 - K4, 2, PHYR_KIND_SYSTEM), PHYR_E_RANGE);
	assert_int_equal(try_map(f, 0, 0x1000, 1, PHYR_KIND_ENCRYPTED), PHYR_E_KIND);
	assert_int_equal(try_map(f, 0, FAR_PA, 1, PHYR_KIND_P2P), PHYR_E_UNREACHABLE);
	assert_int_equal(try_map(f, 0, 0x1000, 1, PHYR_KIND_P2P), PHYR_E_NOENT);
	assert_int_equal(try_map(f, 0, BUS_PA - K4, 2, PHYR_KIND_P2P), PHYR_E_PARTIAL);
	range.len = K4 / 2;
	run.perm = PHYR_PERM_READ;
	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_E_ALIGN);
	assert_int_equal(stats_of(f).linked_cnt + stats_of(f).bus_cnt + stats_of(f).sync_cnt, 0);
}

static void wrong_parts_and_pages_are_refused(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_front_pages_part part = { 0, 1 };
	struct phyr_front_pages_run run = { 0 };
	phyr_iova iova = { 77 };

	assert_int_equal(phyr_front_pages_unmap(NULL, part), PHYR_E_INVAL);
	assert_int_equal(unmap(f, 0, 0), PHYR_E_INVAL);
	assert_int_equal(unmap(f, PAGES, 1), PHYR_E_RANGE);
	assert_int_equal(unmap(f, 1, UINT64_MAX), PHYR_E_RANGE);
	assert_int_equal(phyr_front_pages_replace(f->pages, &run, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_front_pages_addr(f->pages, 0, phyr_pa_at(0), NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_front_pages_addr(f->pages, 0, phyr_pa_at(0), &iova), PHYR_E_NOENT);
	assert_int_equal(phyr_front_pages_addr(f->pages, PAGES, phyr_pa_at(0), &iova),
			 PHYR_E_NOENT);
	assert_int_equal(phyr_front_pages_at(f->pages, UINT64_MAX), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(iova.addr, 77);
	assert_false(phyr_front_pages_validate(NULL, NULL));
}

static void wrong_windows_are_refused(void **state)
{
	struct fixture *f = *state;
	struct phyr_placement place = phyr_placement_any();
	struct phyr_front_pages_params params = { .page_cnt = 1, .page_lg2 = 12 };

	world_open(&f->w, true);
	assert_int_equal(phyr_front_pages_create(NULL, &f->pages), PHYR_E_INVAL);
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_INVAL);
	params.dma = f->w.dma;
	assert_int_equal(phyr_front_pages_create(&params, NULL), PHYR_E_INVAL);
	params.page_cnt = 0;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_INVAL);
	params.page_cnt = UINT64_MAX;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_RANGE);
	params.page_lg2 = 57;
	params.page_cnt = 1;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_RANGE);
	params.page_lg2 = 11;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_ALIGN);
	params.page_lg2 = 12;
	place.phase = 0x800;
	params.placement = &place;
	for (unsigned int lg2 = 21; lg2 < 256; lg2 += 43) {
		place.phase_lg2 = (uint8_t)lg2;
		assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_INVAL);
	}
	assert_null(f->pages);
	phyr_front_pages_destroy(NULL);
}

static void a_window_lies_where_it_is_asked_to(void **state)
{
	struct fixture *f = *state;
	struct phyr_placement place = phyr_placement_any();
	struct phyr_front_pages_params params = { .page_cnt = 3, .page_lg2 = 16 };

	world_open(&f->w, true);
	params.dma = f->w.dma;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_OK);
	assert_int_equal(phyr_front_pages_window(f->pages).iova.addr % 0x10000, 0);
	assert_int_equal(phyr_front_pages_window(f->pages).len, 0x30000);
	phyr_front_pages_destroy(f->pages);
	place.phase = 0x5000;
	place.phase_lg2 = 21;
	params.placement = &place;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_OK);
	assert_int_equal(phyr_front_pages_window(f->pages).iova.addr % 0x200000, 0x5000);
}

static void without_an_iommu_there_is_no_window(void **state)
{
	struct fixture *f = *state;
	struct phyr_front_pages_params params = { .page_cnt = 1, .page_lg2 = 12 };

	world_open(&f->w, false);
	params.dma = f->w.dma;
	assert_int_equal(phyr_front_pages_create(&params, &f->pages), PHYR_E_UNSUPPORTED);
	assert_null(f->pages);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_call_is_one_link_and_one_sync),
		CASE(a_mebibyte_takes_one_sync_and_one_flush_and_page_by_page_256),
		CASE(what_is_mapped_already_is_counted_and_left_alone),
		CASE(unmapping_across_holes_is_one_flush),
		CASE(a_stretch_that_ends_in_a_leaf_is_left_and_the_others_go),
		CASE(single_pages_are_linked_one_by_one_and_shown_at_once),
		CASE(replacing_flushes_once_syncs_once_and_keeps_what_is_the_same),
		CASE(a_replacement_that_fails_leaves_what_is_the_same),
		CASE(peers_and_memory_mix_page_by_page),
		CASE(bus_pages_alone_take_no_flush_and_no_sync),
		CASE(a_removed_provider_leaves_the_others),
		CASE(a_provider_that_cannot_be_unmapped_stays),
		CASE(pages_are_flushed_at_once_beside_a_batch_of_the_users),
		CASE(wrong_runs_change_nothing),
		CASE(wrong_parts_and_pages_are_refused),
		CASE(wrong_windows_are_refused),
		CASE(a_window_lies_where_it_is_asked_to),
		CASE(without_an_iommu_there_is_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
