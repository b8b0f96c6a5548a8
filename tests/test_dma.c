/* SPDX-License-Identifier: MIT */
/*
 * Mapping lists over a backend that is a table of granules and checks every call. Not here: peers,
 * bounces, two steps (test_dma_*.c), what fails (oom_dma*.c), real page tables (prop_dma.c).
 */
#include <phyr/bits.h>
#include <phyr/dma.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
/** First I/O address of the backend and of the space. */
#define BASE UINT64_C(0x10000000)
#define GRANULES 4096 /* of both */
/** What an empty granule holds. */
#define NOTHING UINT64_MAX
/** Highest physical address that the backend takes. */
#define PA_LAST UINT64_C(0xffffffffff)
/** Runs of a list that no backend is given in one call. */
#define MANY 2000

struct fixture {
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_list list;
	/* The backend. */
	unsigned int lg2;	   /* of its granule */
	uint64_t pa[GRANULES];	   /* behind each granule, or NOTHING */
	struct phyr_iommu_map map; /* the last request; its runs are gone */
	uint64_t map_cnt, sync_cnt, flush_cnt;
	uint64_t unflushed_cnt; /* unmaps that no flush followed */
	uint64_t live_at_flush; /* ranges that the last flush found taken */
};

static uint64_t live_cnt(const struct fixture *f)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(f->space, &stats);
	return stats.live_cnt;
}

static struct phyr_window aperture(unsigned int lg2)
{
	struct phyr_window window = { { BASE }, { BASE + ((uint64_t)GRANULES << lg2) - 1 } };

	return window;
}

static void fake_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	unsigned int lg2 = ((struct fixture *)ctx)->lg2;

	*ret_caps = (struct phyr_iommu_caps){ .sizes.mask = phyr_bits_size(lg2),
					      .iova = aperture(lg2),
					      .pa_last.addr = PA_LAST };
}

/* Finds a range in the table; all of it must be mapped, or none. */
static int fake_find(const struct fixture *f, struct phyr_iova_range range, bool mapped,
		     uint64_t *ret_first)
{
	uint64_t cnt = range.len >> f->lg2;

	assert_true(range.len && phyr_bits_aligned(range.iova.addr | range.len, f->lg2));
	*ret_first = (range.iova.addr - BASE) >> f->lg2;
	if (range.iova.addr < BASE || *ret_first >= GRANULES || cnt > GRANULES - *ret_first)
		return PHYR_E_RANGE;
	for (uint64_t i = *ret_first; i < *ret_first + cnt; i++) {
		if ((f->pa[i] != NOTHING) != mapped)
			return mapped ? PHYR_E_NOENT : PHYR_E_EXISTS;
	}
	return PHYR_OK;
}

static int fake_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct fixture *f = ctx;
	struct phyr_iova_range range = { map->iova, 0 };
	uint64_t at;
	int err;

	f->map_cnt++;
	f->map = *map;
	for (size_t i = 0; i < map->run_cnt; i++) {
		if (map->runs[i].pa.addr > PA_LAST)
			return PHYR_E_RANGE;
		range.len += map->runs[i].len;
	}
	err = fake_find(f, range, false, &at);
	for (size_t i = 0; err == PHYR_OK && i < map->run_cnt; i++) {
		uint64_t pa = map->runs[i].pa.addr;
		uint64_t end = pa + map->runs[i].len;

		assert_true(pa < end && phyr_bits_aligned(pa | end, f->lg2));
		for (; pa < end; pa += phyr_bits_size(f->lg2))
			f->pa[at++] = pa;
	}
	return err;
}

static int fake_sync(void *ctx, struct phyr_iova_range range)
{
	struct fixture *f = ctx;
	uint64_t first;

	f->sync_cnt++;
	return fake_find(f, range, true, &first);
}

static int fake_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct fixture *f = ctx;
	uint64_t first;
	int err = fake_find(f, range, true, &first);

	if (err != PHYR_OK)
		return err;
	memset(f->pa + first, 0xff, (size_t)(range.len >> f->lg2) * sizeof(f->pa[0]));
	phyr_gather_add(gather, range);
	f->unflushed_cnt++;
	return PHYR_OK;
}

static void fake_flush(void *ctx, struct phyr_gather *gather)
{
	struct fixture *f = ctx;

	f->live_at_flush = live_cnt(f);
	f->unflushed_cnt = 0;
	f->flush_cnt++;
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops fake_ops = {
	.caps = fake_caps,
	.map = fake_map,
	.sync_map = fake_sync,
	.unmap = fake_unmap,
	.flush = fake_flush,
};

static int before_case(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	memset(f.pa, 0xff, sizeof(f.pa));
	test_mem_init(&f.mem);
	phyr_list_init(&f.list, &f.mem.mem);
	*state = &f;
	return 0;
}

/* A handle with an IOMMU of granules of 2^lg2 bytes; with 0 one without. */
static struct fixture *open_dma(void **state, unsigned int lg2)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = { .mem = &f->mem.mem };

	if (lg2) {
		struct phyr_iova_params space = { &f->mem.mem, aperture(lg2), lg2, NULL, 0 };

		assert_int_equal(phyr_iova_create(&space, &f->space), PHYR_OK);
		params.iommu.ops = &fake_ops;
		params.iommu.ctx = f;
		params.space = f->space;
	}
	f->lg2 = lg2;
	assert_int_equal(phyr_dma_create(&params, &f->dma), PHYR_OK);
	return f;
}

/* Nothing is mapped, reserved or waits for a flush. */
static void expect_nothing(const struct fixture *f)
{
	for (size_t i = 0; i < GRANULES; i++)
		assert_true(f->pa[i] == NOTHING);
	assert_int_equal(f->unflushed_cnt, 0);
	assert_int_equal(live_cnt(f), 0);
	assert_true(phyr_iova_validate(f->space, NULL));
}

/* Whatever a case did, it ends with nothing. */
static int after_case(void **state)
{
	struct fixture *f = *state;

	if (f->space)
		expect_nothing(f);
	phyr_dma_destroy(f->dma);
	phyr_iova_destroy(f->space);
	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	return 0;
}

static void add_kind(struct fixture *f, uint64_t pa, uint64_t len, enum phyr_kind kind)
{
	struct phyr_range range = { { pa }, len };
	struct phyr_tag tag = { kind, 0 };

	assert_int_equal(phyr_list_append(&f->list, range, tag), PHYR_OK);
}

static void add(struct fixture *f, uint64_t pa, uint64_t len)
{
	add_kind(f, pa, len, PHYR_KIND_SYSTEM);
}

static struct phyr_dma_map map_list(struct fixture *f)
{
	struct phyr_dma_map map;

	assert_int_equal(phyr_dma_map(f->dma, &f->list, PHYR_PERM_READ_WRITE, NULL, &map), PHYR_OK);
	return map;
}

static void unmap(struct fixture *f, struct phyr_dma_map *map)
{
	assert_int_equal(phyr_dma_unmap(f->dma, map), PHYR_OK);
	assert_int_equal(map->form, PHYR_DMA_NONE);
}

/* What cannot be mapped writes nothing. */
static void refuse(struct fixture *f, enum phyr_perm perm, const struct phyr_placement *placement,
		   int err)
{
	struct phyr_dma_map map = { .form = PHYR_DMA_RANGE, .reserved.len = 77 };

	assert_int_equal(phyr_dma_map(f->dma, &f->list, perm, placement, &map), err);
	assert_true(map.form == PHYR_DMA_RANGE && map.reserved.len == 77);
}

static void refuse_at(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_dma_map map = { .form = PHYR_DMA_RANGE, .reserved.len = 77 };
	struct phyr_iova_range at = { { iova }, len };

	assert_int_equal(phyr_dma_map_at(f->dma, &f->list, PHYR_PERM_READ, at, &map), err);
	assert_true(map.form == PHYR_DMA_RANGE && map.reserved.len == 77);
}

/* The granules behind every byte of the list, in order, and no granule else. */
static void expect_translated(const struct fixture *f, const struct phyr_dma_map *map)
{
	uint64_t at = (map->reserved.iova.addr - BASE) >> f->lg2;
	uint64_t end = at + (map->reserved.len >> f->lg2);
	uint64_t head = map->range.iova.addr - map->reserved.iova.addr;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	assert_int_equal(map->form, PHYR_DMA_RANGE);
	assert_int_equal(map->range.len, phyr_list_len(&f->list));
	phyr_list_begin(&f->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t pa = phyr_bits_down(run.range.pa.addr, f->lg2);

		if (run.offset == 0)
			assert_int_equal(head, run.range.pa.addr - pa);
		for (; pa < run.range.pa.addr + run.range.len; pa += phyr_bits_size(f->lg2))
			assert_int_equal(f->pa[at++], pa);
	}
	assert_int_equal(at, end);
}

/* A cursor returns these ranges and then nothing, which it does not write. */
static void expect_seen(const struct phyr_dma_map *map, const struct phyr_iova_range *want,
			size_t want_cnt)
{
	struct phyr_iova_range range;
	struct phyr_dma_cursor cursor;

	phyr_dma_begin(map, &cursor);
	for (size_t i = 0; i < want_cnt; i++) {
		assert_true(phyr_dma_next(&cursor, &range));
		assert_int_equal(range.iova.addr, want[i].iova.addr);
		assert_int_equal(range.len, want[i].len);
	}
	range.len = 77;
	assert_false(phyr_dma_next(&cursor, &range));
	assert_int_equal(range.len, 77);
}

static void without_an_iommu_the_list_itself_is_the_mapping(void **state)
{
	struct fixture *f = open_dma(state, 0);
	struct phyr_range more = { { 0x9000 }, 1 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_placement nowhere = { 0 };
	struct phyr_dma_map map;
	size_t calls;

	add(f, 0x1801, 7);
	add(f, 0x5003, 0x100);
	calls = f->mem.alloc_cnt;
	assert_int_equal(phyr_dma_map(f->dma, &f->list, PHYR_PERM_READ, &nowhere, &map), PHYR_OK);
	assert_int_equal(map.form, PHYR_DMA_BORROWED);
	assert_ptr_equal(map.list, &f->list);
	assert_int_equal(phyr_list_append(&f->list, more, ram), PHYR_E_BUSY);
	unmap(f, &map);
	assert_int_equal(f->mem.alloc_cnt, calls);
	assert_int_equal(phyr_dma_unmap(f->dma, &map), PHYR_E_NOENT);
	assert_int_equal(phyr_list_append(&f->list, more, ram), PHYR_OK);
	refuse_at(f, BASE, PAGE, PHYR_E_UNSUPPORTED);
}

static void a_borrowed_list_is_seen_and_counted_as_it_is(void **state)
{
	struct fixture *f = open_dma(state, 0);
	struct phyr_iova_range runs[] = { { { 0x8000 }, 0x2000 }, { { 0x5003 }, 0x100 } };
	struct phyr_dma_stats stats;
	struct phyr_dma_map map;

	add(f, 0x8000, 0x2000);
	add(f, 0x5003, 0x100);
	map = map_list(f);
	expect_seen(&map, runs, 2);
	phyr_dma_stats(f->dma, &stats);
	assert_int_equal(stats.map_cnt, 1);
	assert_true(stats.mapped_len == 0x2100 && stats.reserved_len == 0);
	assert_int_equal(stats.call_cnt + stats.run_cnt + stats.sync_cnt + stats.flush_cnt, 0);
	unmap(f, &map);
	expect_seen(&map, NULL, 0);
}

static void a_list_is_one_range_whose_ends_are_rounded_out_to_granules(void **state)
{
	struct fixture *f = open_dma(state, 16);
	struct phyr_dma_map map;

	add(f, 0x98000, 0x18000);
	add(f, 0x50000, 0x10000);
	add(f, 0x200000, 0x8001);
	map = map_list(f);
	expect_translated(f, &map);
	assert_int_equal(map.reserved.len, 0x40000);
	assert_int_equal(map.range.len, 0x30001);
	assert_true(map.own);
	expect_seen(&map, &map.range, 1);
	unmap(f, &map);
}

static void many_runs_take_few_calls_and_all_is_counted(void **state)
{
	struct fixture *f = open_dma(state, 12);
	struct phyr_dma_stats stats;
	struct phyr_dma_map kept;
	struct phyr_dma_map map;

	for (uint64_t i = 0; i < MANY; i++)
		add(f, i * 2 * PAGE + (i ? 0 : 0x800), i ? PAGE : 0x800);
	kept = map_list(f);
	map = map_list(f);
	expect_translated(f, &kept);
	expect_translated(f, &map);
	unmap(f, &map);
	assert_true(f->map_cnt <= MANY / 4);
	phyr_dma_stats(f->dma, &stats);
	assert_true(stats.map_cnt == 2 && stats.unmap_cnt == 1);
	assert_int_equal(stats.call_cnt, f->map_cnt);
	assert_int_equal(stats.run_cnt, 2 * MANY);
	assert_true(stats.sync_cnt == 2 && f->sync_cnt == 2);
	assert_true(stats.flush_cnt == 1 && f->flush_cnt == 1);
	assert_int_equal(stats.mapped_len, MANY * PAGE - 0x800);
	assert_int_equal(stats.reserved_len, MANY * PAGE);
	unmap(f, &kept);
}

static void a_request_reaches_the_space_and_the_backend(void **state)
{
	struct fixture *f = open_dma(state, 12);
	struct phyr_placement placement = phyr_placement_any();
	struct phyr_dma_map map;

	placement.phase_lg2 = 15;
	placement.phase = 0x5000;
	add(f, 0x40005000, 3 * PAGE);
	phyr_list_set_va(&f->list, 0x7f0000123000);
	assert_int_equal(phyr_dma_map(f->dma, &f->list, PHYR_PERM_WRITE, &placement, &map),
			 PHYR_OK);
	expect_translated(f, &map);
	assert_int_equal(map.range.iova.addr, BASE + GRANULES * PAGE - 0x3000);
	assert_int_equal(f->map.iova.addr, map.range.iova.addr);
	assert_int_equal(f->map.perm, PHYR_PERM_WRITE);
	assert_int_equal(f->map.kind, PHYR_KIND_SYSTEM);
	assert_int_equal(f->map.source.va, 0x7f0000123000);
	assert_int_equal(f->map.source.fd, -1);
	unmap(f, &map);
}

static void what_was_unmapped_is_flushed_freed_and_gone(void **state)
{
	struct fixture *f = open_dma(state, 12);
	struct phyr_dma_map map;
	struct phyr_dma_map copy;

	add(f, 0x9000, PAGE);
	map = map_list(f);
	copy = map;
	assert_int_equal(phyr_dma_unmap(NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_unmap(f->dma, NULL), PHYR_E_INVAL);
	unmap(f, &map);
	assert_int_equal(f->flush_cnt, 1);
	assert_int_equal(f->live_at_flush, 1);
	assert_int_equal(phyr_dma_unmap(f->dma, &map), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_unmap(f->dma, &copy), PHYR_E_NOENT);
	expect_nothing(f);
}

static void a_request_must_make_sense_and_find_room(void **state)
{
	struct fixture *f = open_dma(state, 12);
	struct phyr_iova_range all = { { BASE }, GRANULES * PAGE };
	struct phyr_iova_range at = { { BASE }, 2 * PAGE };
	struct phyr_placement below = phyr_placement_any();
	struct phyr_dma_map map;

	refuse(f, PHYR_PERM_READ, NULL, PHYR_E_INVAL);
	refuse_at(f, BASE, PAGE, PHYR_E_INVAL);
	add(f, 0x9800, PAGE);
	refuse(f, (enum phyr_perm)0, NULL, PHYR_E_INVAL);
	refuse(f, (enum phyr_perm)4, NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map(f->dma, NULL, PHYR_PERM_READ, NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map(NULL, &f->list, PHYR_PERM_READ, NULL, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map(f->dma, &f->list, PHYR_PERM_READ, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_at(NULL, &f->list, PHYR_PERM_READ, at, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_at(f->dma, NULL, PHYR_PERM_READ, at, &map), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_at(f->dma, &f->list, PHYR_PERM_READ, at, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_at(f->dma, &f->list, (enum phyr_perm)4, at, &map),
			 PHYR_E_INVAL);
	refuse_at(f, BASE, PAGE, PHYR_E_INVAL);
	refuse_at(f, BASE, 3 * PAGE, PHYR_E_INVAL);
	refuse_at(f, BASE + 0x800, 2 * PAGE, PHYR_E_ALIGN);
	refuse_at(f, BASE - PAGE, 2 * PAGE, PHYR_E_RANGE);
	refuse_at(f, UINT64_MAX - PAGE + 1, 2 * PAGE, PHYR_E_RANGE);
	assert_int_equal(phyr_iova_reserve(f->space, all), PHYR_OK);
	refuse(f, PHYR_PERM_READ, NULL, PHYR_E_NOSPACE);
	below.window.last.addr = BASE - 1;
	refuse(f, PHYR_PERM_READ, &below, PHYR_E_LIMIT);
	assert_int_equal(phyr_iova_free(f->space, all), PHYR_OK);
}

static void memory_that_no_range_can_hold_is_refused(void **state)
{
	struct fixture *f = open_dma(state, 16);

	add(f, 0x10000, 0x10000);
	add_kind(f, 0x50000, 0x10000, PHYR_KIND_P2P);
	refuse(f, PHYR_PERM_READ, NULL, PHYR_E_UNREACHABLE);
	refuse_at(f, BASE, 0x20000, PHYR_E_UNREACHABLE);
	phyr_list_fini(&f->list);
	add_kind(f, 0x50000, 0x10000, PHYR_KIND_ENCRYPTED);
	refuse(f, PHYR_PERM_READ, NULL, PHYR_E_KIND);
	refuse_at(f, BASE, 0x10000, PHYR_E_KIND);
	phyr_list_fini(&f->list);
	add(f, 0x10000, PAGE);
	add(f, 0x50000, PAGE);
	refuse_at(f, BASE, 0x20000, PHYR_E_ALIGN);
	phyr_list_fini(&f->list);
	for (uint64_t i = 0; i < 200; i++)
		add(f, i * 0x20000, 0x10000);
	add(f, PA_LAST + 1, PAGE);
	refuse(f, PHYR_PERM_READ, NULL, PHYR_E_RANGE);
	refuse_at(f, BASE, 201 * 0x10000, PHYR_E_RANGE);
}

/** Each case has a handle of its own, and ends with nothing mapped. */
#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(without_an_iommu_the_list_itself_is_the_mapping),
		CASE(a_borrowed_list_is_seen_and_counted_as_it_is),
		CASE(a_list_is_one_range_whose_ends_are_rounded_out_to_granules),
		CASE(many_runs_take_few_calls_and_all_is_counted),
		CASE(a_request_reaches_the_space_and_the_backend),
		CASE(what_was_unmapped_is_flushed_freed_and_gone),
		CASE(a_request_must_make_sense_and_find_room),
		CASE(memory_that_no_range_can_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
