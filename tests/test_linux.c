/* SPDX-License-Identifier: MIT */
/*
 * What Linux does: what its descriptions cost, which calls its mappings make. Not here: what is
 * refused or fails half way (oom_linux), which I/O addresses it chooses (test_linux_iova).
 */
#include <phyr/bits.h>
#include <phyrsim/linux.h>

#include "linux_world.h"

#define PAGES(n) ((uint64_t)(n) << PHYR_PAGE_LG2)
#define SLOT_CNT 4096

/* An IOMMU: what is mapped at I/O pages, by their low bits. */
struct fake {
	uint64_t pas[SLOT_CNT];	    /* 0 = not mapped */
	struct phyr_iommu_map last; /* call of map */
	size_t live_cnt, map_cnt, sync_cnt, flush_cnt;
	uint64_t synced_len; /* of all calls */
	const struct phyrsim_linux_iova *iova;
};

struct fixture {
	struct test_mem t;
	struct fake fake;
	struct phyrsim_linux_target target;
	struct phyrsim_linux_iova_device device;
	struct phyr_list list;
	struct phyrsim_linux_map *map;
};

static uint64_t *slot(struct fake *fake, uint64_t iova)
{
	return &fake->pas[(iova >> PHYR_PAGE_LG2) % SLOT_CNT];
}

static int fake_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct fake *fake = ctx;

	assert_int_equal(map->run_cnt, 1);
	assert_true(phyr_bits_aligned(map->iova.addr | map->runs->pa.addr | map->runs->len, 12));
	for (uint64_t at = 0; at < map->runs->len; at += PHYR_PAGE_SIZE) {
		assert_int_equal(*slot(fake, map->iova.addr + at), 0);
		*slot(fake, map->iova.addr + at) = map->runs->pa.addr + at;
		fake->live_cnt++;
	}
	fake->last = *map;
	fake->map_cnt++;
	return PHYR_OK;
}

static int fake_sync(void *ctx, struct phyr_iova_range range)
{
	struct fake *fake = ctx;

	fake->synced_len += range.len;
	fake->sync_cnt++;
	return PHYR_OK;
}

static int fake_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct fake *fake = ctx;

	assert_true(gather->empty);
	for (uint64_t at = 0; at < range.len; at += PHYR_PAGE_SIZE) {
		assert_int_not_equal(*slot(fake, range.iova.addr + at), 0);
		*slot(fake, range.iova.addr + at) = 0;
		fake->live_cnt--;
	}
	phyr_gather_add(gather, range);
	return PHYR_OK;
}

static void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct fake *fake = ctx;
	uint64_t unmapped_len = gather->last - gather->first + 1;

	assert_false(gather->empty);
	/* Nobody may get the addresses before the flush is over. */
	assert_true(iova_live_len(fake->iova) >= PAGES(fake->live_cnt) + unmapped_len);
	fake->flush_cnt++;
}

static const struct phyr_iommu_ops fake_ops = {
	.map = fake_map,
	.sync_map = fake_sync,
	.unmap = fake_unmap,
	.flush = fake_flush,
};

static void open_iova(struct fixture *f, uint64_t first, uint64_t last)
{
	struct phyr_window window = { phyr_iova_at(first), phyr_iova_at(last) };

	renew_iova(&f->t.mem, window, &f->target.iova, &f->device);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->t);
	f->target.iommu.ops = &fake_ops;
	f->target.iommu.ctx = &f->fake;
	f->target.device = &f->device;
	phyr_list_init(&f->list, &f->t.mem);
	open_iova(f, 0x1000, GIB(4) - 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	phyrsim_linux_unmap(f->map, NULL); /* may be NULL */
	phyrsim_linux_iova_destroy(f->target.iova);
	phyr_list_fini(&f->list);
	assert_int_equal(f->t.live_cnt, 0);
	free(f);
	return 0;
}

/* Single pages that never touch. */
static void append_scattered(struct fixture *f, uint64_t page_cnt)
{
	for (uint64_t i = 0; i < page_cnt; i++)
		append(&f->list, GIB(4) + 2 * i * PHYR_PAGE_SIZE, PHYR_PAGE_SIZE);
}

static void neighbouring_pages_join_up_to_the_longest_segment(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_cost cost;

	append(&f->list, MIB(2), MIB(2));
	cost = phyrsim_linux_scatterlist(&f->list, PHYRSIM_LINUX_SEGMENT_DEFAULT);
	assert_int_equal(cost.entry_cnt, 32);
	assert_int_equal(cost.len, 32 * PHYRSIM_LINUX_SG_LEN);
	assert_int_equal(phyrsim_linux_scatterlist(&f->list, GIB(2)).entry_cnt, 1);
	assert_int_equal(phyrsim_linux_scatterlist(&f->list, KIB(4)).entry_cnt, 512);
	assert_int_equal(phyrsim_linux_scatterlist(&f->list, GIB(4) - KIB(4)).entry_cnt, 1);
}

/* What the kernel's loop over the pages counts. */
static uint64_t segments_page_by_page(const struct phyr_list *list, uint64_t segment_max)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t cnt = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t first = run.range.pa.addr & ~PAGE_MASK;
		uint64_t last = run.range.pa.addr + run.range.len - 1;

		for (uint64_t at = 0; first + at <= last; at += PHYR_PAGE_SIZE)
			cnt += at % segment_max == 0;
	}
	return cnt;
}

static void segments_are_those_of_a_loop_over_the_pages(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	struct fixture *f = *state;

	append(&f->list, GIB(1) + 0x800, KIB(64)); /* 17 pages: the cut is 64 KiB behind the page */
	assert_int_equal(phyrsim_linux_scatterlist(&f->list, KIB(64)).entry_cnt, 2);
	append(&f->list, GIB(2), 1);
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t segment_max = (1 + test_random(&seed) % 40) * PHYR_PAGE_SIZE;

		append(&f->list, GIB(4) + i * MIB(1) + test_random(&seed) % KIB(8),
		       1 + test_random(&seed) % KIB(500));
		assert_int_equal(phyrsim_linux_scatterlist(&f->list, segment_max).entry_cnt,
				 segments_page_by_page(&f->list, segment_max));
	}
}

static void a_piece_that_links_to_the_next_holds_127_entries(void **state)
{
	struct fixture *f = *state;

	for (uint64_t cnt = 1; cnt <= 600; cnt++) {
		struct phyrsim_linux_cost cost;
		uint64_t left = cnt, len = 0;

		append(&f->list, GIB(4) + 2 * cnt * PHYR_PAGE_SIZE, PHYR_PAGE_SIZE);
		for (; left > 128; left -= 127)
			len += 4096;
		cost = phyrsim_linux_scatterlist(&f->list, PHYRSIM_LINUX_SEGMENT_DEFAULT);
		assert_int_equal(cost.entry_cnt, cnt);
		assert_int_equal(cost.len, len + 32 * left);
	}
}

static void a_gib_of_scattered_pages_costs_the_published_bytes(void **state)
{
	struct fixture *f = *state;
	struct phyr_list_stats stats;

	append_scattered(f, 262144);
	phyr_list_stats(&f->list, &stats);
	assert_int_equal(stats.words_len, 2097152);
	assert_int_equal(phyrsim_linux_phys_vec(&f->list).len, 4194304);
	assert_int_equal(phyrsim_linux_bio_vec(&f->list).len, 4194304);
	/* 2064 pieces of 127 entries and 16 more: 32.25 bytes a page. */
	assert_int_equal(phyrsim_linux_scatterlist(&f->list, KIB(64)).len, 2064 * 4096 + 16 * 32);
}

static void a_bio_vec_is_shorter_than_4_gib_and_a_phys_vec_any_run(void **state)
{
	static const uint64_t costs[][2] = { { 1, 1 },
					     { GIB(4) - KIB(4), 1 },
					     { GIB(4) - KIB(4) + 1, 2 },
					     { GIB(4), 2 },
					     { GIB(8) - KIB(8), 2 },
					     { GIB(8), 3 },
					     { UINT64_C(1) << 63, 0x80000801 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		append(&f->list, MIB(1), costs[i][0]);
		assert_int_equal(phyrsim_linux_bio_vec(&f->list).entry_cnt, costs[i][1]);
		assert_int_equal(phyrsim_linux_bio_vec(&f->list).len, costs[i][1] * 16);
		assert_int_equal(phyrsim_linux_phys_vec(&f->list).entry_cnt, 1);
		assert_int_equal(phyrsim_linux_phys_vec(&f->list).len, 16);
		phyr_list_fini(&f->list);
	}
}

static void nothing_and_impossible_segments_cost_nothing(void **state)
{
	static const uint64_t bad[] = { 0, 1, 4095, 4097, GIB(4) - 1, GIB(4), UINT64_MAX };
	struct fixture *f = *state;

	assert_int_equal(phyrsim_linux_scatterlist(&f->list, KIB(4)).len, 0);
	assert_int_equal(phyrsim_linux_bio_vec(&f->list).len, 0);
	assert_int_equal(phyrsim_linux_phys_vec(&f->list).len, 0);
	append(&f->list, MIB(1), MIB(1));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(phyrsim_linux_scatterlist(&f->list, bad[i]).entry_cnt, 0);
		assert_int_equal(phyrsim_linux_scatterlist(&f->list, bad[i]).len, 0);
	}
}

static void map(struct fixture *f, enum phyrsim_linux_way way)
{
	f->fake = (struct fake){ .iova = f->target.iova };
	assert_int_equal(phyrsim_linux_map(&f->t.mem, &f->target, &f->list, way, &f->map), PHYR_OK);
}

/* Unmaps; asserts that nothing is left, and what mapping and unmapping took. */
static void assert_took(struct fixture *f, uint64_t reserved_len, uint64_t call_cnt,
			uint64_t part_cnt)
{
	struct phyrsim_linux_map_stats stats;

	assert_int_equal(iova_live_len(f->target.iova), reserved_len);
	phyrsim_linux_unmap(f->map, &stats);
	f->map = NULL;
	assert_int_equal(f->fake.live_cnt, 0);
	assert_int_equal(iova_live_len(f->target.iova), 0);
	assert_int_equal(f->fake.map_cnt, call_cnt);
	assert_int_equal(f->fake.sync_cnt, part_cnt);
	assert_int_equal(f->fake.flush_cnt, part_cnt);
	assert_int_equal(stats.reserved_len, reserved_len);
	assert_int_equal(stats.call_cnt, call_cnt);
	assert_int_equal(stats.alloc_cnt, part_cnt);
	assert_int_equal(stats.flush_cnt, part_cnt);
}

/* The bytes of the list, in their order, are reached at the addresses of the mapping. */
static void assert_reaches_the_list(struct fixture *f)
{
	const struct phyr_list *named = phyrsim_linux_map_list(f->map);
	struct phyr_list_cursor cursor, named_cursor;
	struct phyr_run run, name = { 0 };
	struct fake *fake = &f->fake;
	uint64_t bus;

	assert_int_equal(phyr_list_len(named), phyr_list_len(&f->list));
	phyr_list_begin(&f->list, &cursor);
	phyr_list_begin(named, &named_cursor);
	while (phyr_list_next(&cursor, &run)) {
		/* A step of a page and a byte meets every page, at every offset. */
		for (uint64_t at = 0; at < run.range.len; at += PHYR_PAGE_SIZE + 1) {
			while (run.offset + at >= name.offset + name.range.len)
				assert_true(phyr_list_next(&named_cursor, &name));
			bus = name.range.pa.addr + (run.offset + at - name.offset);
			assert_int_equal(*slot(fake, bus) + (bus & PAGE_MASK),
					 run.range.pa.addr + at);
		}
	}
}

static void append_three_runs(struct fixture *f)
{
	append(&f->list, GIB(4) + 0xe00, 0x1200); /* two pages */
	append(&f->list, GIB(5), KIB(40));
	append(&f->list, GIB(6), KIB(16) + 1); /* five pages */
}

static void one_call_takes_one_range_and_maps_run_by_run(void **state)
{
	struct fixture *f = *state;

	append_three_runs(f);
	map(f, PHYRSIM_LINUX_SG);
	assert_reaches_the_list(f);
	assert_int_equal(f->fake.synced_len, PAGES(17));
	assert_took(f, PAGES(32), 3, 1);
}

static void a_call_a_page_takes_and_flushes_page_by_page(void **state)
{
	struct fixture *f = *state;

	append_three_runs(f);
	map(f, PHYRSIM_LINUX_PAGES);
	assert_reaches_the_list(f);
	assert_int_equal(f->fake.synced_len, PAGES(17));
	assert_took(f, PAGES(17), 17, 17);
}

static void pages_whose_addresses_touch_are_unmapped_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct phyr_list_stats named;

	open_iova(f, 0xfffff000, GIB(4) + PAGE_MASK); /* below 4 GiB first, and then above */
	append(&f->list, GIB(4), KIB(8));
	map(f, PHYRSIM_LINUX_PAGES);
	phyr_list_stats(phyrsim_linux_map_list(f->map), &named);
	assert_int_equal(named.run_cnt, 1);
	assert_took(f, KIB(8), 2, 2);
}

static void every_byte_of_a_long_list_is_reached(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(3) + 0x123, MIB(1) - 0x123);
	append_scattered(f, 600);
	map(f, PHYRSIM_LINUX_SG);
	assert_reaches_the_list(f);
	assert_took(f, PAGES(856), 601, 1);
	map(f, PHYRSIM_LINUX_PAGES);
	assert_reaches_the_list(f);
	assert_took(f, PAGES(856), 856, 856);
}

static void addresses_are_aligned_but_not_in_phase_with_memory(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(1) + KIB(4), MIB(4));
	map(f, PHYRSIM_LINUX_SG);
	assert_true(phyr_bits_aligned(f->fake.last.iova.addr, 22));
}

static void the_backend_learns_kind_and_source(void **state)
{
	struct phyr_range bar = { { GIB(5) + 0x10 }, KIB(8) };
	struct phyr_tag p2p = { PHYR_KIND_P2P, 3 };
	struct fixture *f = *state;

	assert_int_equal(phyr_list_append(&f->list, bar, p2p), PHYR_OK);
	phyr_list_set_va(&f->list, 0x7f0000001010);
	map(f, PHYRSIM_LINUX_PAGES);
	assert_int_equal(f->fake.last.perm, PHYR_PERM_READ_WRITE);
	assert_int_equal(f->fake.last.kind, PHYR_KIND_P2P);
	assert_int_equal(f->fake.last.source.va, 0x7f0000003000);
	assert_int_equal(f->fake.last.source.fd, -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(neighbouring_pages_join_up_to_the_longest_segment),
		CASE(segments_are_those_of_a_loop_over_the_pages),
		CASE(a_piece_that_links_to_the_next_holds_127_entries),
		CASE(a_gib_of_scattered_pages_costs_the_published_bytes),
		CASE(a_bio_vec_is_shorter_than_4_gib_and_a_phys_vec_any_run),
		CASE(nothing_and_impossible_segments_cost_nothing),
		CASE(one_call_takes_one_range_and_maps_run_by_run),
		CASE(a_call_a_page_takes_and_flushes_page_by_page),
		CASE(pages_whose_addresses_touch_are_unmapped_one_by_one),
		CASE(every_byte_of_a_long_list_is_reached),
		CASE(addresses_are_aligned_but_not_in_phase_with_memory),
		CASE(the_backend_learns_kind_and_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
