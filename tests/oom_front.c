/* SPDX-License-Identifier: MIT */
/*
 * Whatever can fail in a front end fails in turn: each allocation, once and for good; each map of
 * the backend; its sync; the address space. What was there before is there afterwards, the books
 * agree, and the next attempt succeeds. Unmapping never asks for memory.
 */
#include <phyr/front_bvec.h>
#include <phyr/front_pages.h>

#include "front_world.h"

#define PAGES 512
#define SEGMENTS 100

/* One thing that can fail, and how to take it back; each is tried in every way to fail. */
struct attempt {
	int (*make)(struct attempt *attempt);
	void (*end)(struct attempt *attempt);
	struct world *w;
	struct phyr_front_pages *pages;
	struct phyr_front_queue queue;
	struct phyr_front_bvec_device device;
	struct phyr_front_segment segments[SEGMENTS];
	struct phyr_front_input input;
	struct phyr_front_request request;
	struct phyr_front_bvec bvec;
};

/* What must not change when an attempt fails. */
struct books {
	struct phyr_dma_stats dma;
	uint64_t mapped, reserved;
};

static struct books books_of(const struct world *w)
{
	struct books books = { .mapped = mapped_cnt(w), .reserved = reserved_cnt(w) };

	phyr_dma_stats(w->dma, &books.dma);
	return books;
}

static void expect_unchanged(const struct attempt *attempt, const struct books *before)
{
	struct books now = books_of(attempt->w);
	const char *reason = NULL;

	assert_int_equal(now.mapped, before->mapped);
	assert_int_equal(now.reserved, before->reserved);
	assert_int_equal(now.dma.mapped_len, before->dma.mapped_len);
	assert_int_equal(now.dma.reserved_len, before->dma.reserved_len);
	assert_int_equal(now.dma.list_len, before->dma.list_len);
	assert_int_equal(attempt->w->unflushed_cnt, 0);
	assert_true(phyr_p2p_validate(attempt->w->peers.p2p, NULL));
	assert_int_equal(attempt->queue.stats.kept_len, 0);
	if (attempt->pages && !phyr_front_pages_validate(attempt->pages, &reason))
		fail_msg("%s", reason);
}

/* Pages. */

static int make_window(struct attempt *attempt)
{
	struct phyr_front_pages_params params = { attempt->w->dma, PAGES, 12, false, NULL };

	return phyr_front_pages_create(&params, &attempt->pages);
}

static void end_window(struct attempt *attempt)
{
	phyr_front_pages_destroy(attempt->pages);
	attempt->pages = NULL;
}

static int map_part(struct attempt *attempt, uint64_t first, const struct phyr_range *ranges,
		    size_t cnt, enum phyr_kind kind)
{
	struct phyr_front_pages_run run = { first, ranges, cnt, { kind, 0 }, PHYR_PERM_READ };

	return phyr_front_pages_map(attempt->pages, &run);
}

static int make_pages(struct attempt *attempt)
{
	struct phyr_range ranges[SEGMENTS];

	for (uint64_t i = 0; i < SEGMENTS; i++)
		ranges[i] = (struct phyr_range){ { 2 * i * K4 }, K4 };
	return map_part(attempt, 0, ranges, SEGMENTS, PHYR_KIND_SYSTEM);
}

static void end_pages(struct attempt *attempt)
{
	struct phyr_front_pages_part part = { 0, 300 };

	assert_int_equal(phyr_front_pages_unmap(attempt->pages, part), PHYR_OK);
}

static int make_peers(struct attempt *attempt)
{
	const struct phyr_range ranges[] = { { { BUS_PA }, K4 },
					     { { BRIDGE_PA }, 2 * K4 },
					     { { BUS2_PA }, K4 },
					     { { BUS_PA + K4 }, 2 * K4 },
					     { { BRIDGE_PA }, 100 * K4 } };

	return map_part(attempt, 40, ranges, CNT(ranges), PHYR_KIND_P2P);
}

/* Requests. */

static int make_request(struct attempt *attempt)
{
	return phyr_front_request_map(&attempt->queue, &attempt->input, PHYR_PERM_READ_WRITE,
				      &attempt->request);
}

static void end_request(struct attempt *attempt)
{
	assert_int_equal(phyr_front_request_unmap(&attempt->queue, &attempt->request), PHYR_OK);
}

static int make_bvec(struct attempt *attempt)
{
	struct phyr_front_bvec_transfer transfer = { attempt->input, PHYR_PERM_READ, false, 0 };

	return phyr_front_bvec_map(&attempt->device, &transfer, &attempt->bvec);
}

static void end_bvec(struct attempt *attempt)
{
	assert_int_equal(phyr_front_bvec_unmap(&attempt->device, &attempt->bvec), PHYR_OK);
}

static void fill(struct attempt *attempt, uint64_t base, uint64_t len, enum phyr_kind kind)
{
	attempt->input = (struct phyr_front_input){ attempt->segments, SEGMENTS };
	for (uint64_t i = 0; i < SEGMENTS; i++)
		attempt->segments[i] =
			(struct phyr_front_segment){ { { base + 2 * i * K4 }, len }, { kind, 0 } };
}

/* Ways to fail. */

/* Fails once; then nothing is different, and it succeeds. False: it did not fail. */
static bool fail_once(struct attempt *attempt)
{
	struct books before = books_of(attempt->w);
	int err = attempt->make(attempt);
	bool failed = err != PHYR_OK;

	if (failed) {
		assert_int_equal(err, PHYR_E_NOMEM);
		expect_unchanged(attempt, &before);
		attempt->w->t.fail_at = SIZE_MAX;
		attempt->w->t.sticky = false;
		attempt->w->fail_at = UINT64_MAX;
		attempt->w->sync_err = PHYR_OK;
		assert_int_equal(attempt->make(attempt), PHYR_OK);
	}
	return failed;
}

/* Ended without memory, nothing is different either. */
static void end_without_memory(struct attempt *attempt, const struct books *before)
{
	struct test_mem *t = &attempt->w->t;
	size_t calls = t->alloc_cnt;

	t->fail_at = calls;
	t->sticky = true;
	attempt->end(attempt);
	assert_int_equal(t->alloc_cnt, calls);
	expect_unchanged(attempt, before);
	t->fail_at = SIZE_MAX;
	t->sticky = false;
}

static void fail_allocations(struct attempt *attempt, bool sticky)
{
	struct books before = books_of(attempt->w);
	bool failed = true;

	for (size_t n = 0; failed; n++) {
		attempt->w->t.fail_at = attempt->w->t.alloc_cnt + n;
		attempt->w->t.sticky = sticky;
		failed = fail_once(attempt);
		end_without_memory(attempt, &before);
	}
}

static void fail_maps(struct attempt *attempt)
{
	struct books before = books_of(attempt->w);
	bool failed = true;

	for (uint64_t n = 0; failed; n++) {
		attempt->w->fail_at = attempt->w->map_cnt + n;
		failed = fail_once(attempt);
		end_without_memory(attempt, &before);
	}
	attempt->w->fail_at = UINT64_MAX;
	attempt->w->sync_err = PHYR_E_NOMEM;
	(void)fail_once(attempt);
	attempt->w->sync_err = PHYR_OK;
	end_without_memory(attempt, &before);
}

static void fail_everything(struct attempt *attempt)
{
	fail_allocations(attempt, false);
	fail_allocations(attempt, true);
	fail_maps(attempt);
}

static struct attempt *begin(struct world *w)
{
	static const struct phyr_segment_limits none;
	static const struct phyr_front_bvec_limits limits = { .sge_cnt_max = 1, .mr_page_max = 1 };
	static struct attempt attempt;

	memset(&attempt, 0, sizeof(attempt));
	world_open(w, true);
	attempt.w = w;
	assert_int_equal(phyr_front_queue_init(&attempt.queue, w->dma, &none), PHYR_OK);
	assert_int_equal(phyr_front_bvec_init(&attempt.device, w->dma, &limits), PHYR_OK);
	return &attempt;
}

static struct world world;

static void a_window_is_made_or_nothing_is_left(void **state)
{
	struct attempt *attempt = begin(&world);

	(void)state;
	attempt->make = make_window;
	attempt->end = end_window;
	fail_allocations(attempt, false);
	fail_allocations(attempt, true);
	world_close(&world);
}

static void pages_are_all_mapped_or_none(void **state)
{
	struct attempt *attempt = begin(&world);
	const struct phyr_range kept = { { 0x700000 }, 3 * K4 };

	(void)state;
	assert_int_equal(make_window(attempt), PHYR_OK);
	assert_int_equal(map_part(attempt, 310, &kept, 1, PHYR_KIND_SYSTEM), PHYR_OK);
	attempt->make = make_pages;
	attempt->end = end_pages;
	fail_everything(attempt);
	attempt->make = make_peers;
	fail_everything(attempt);
	end_window(attempt);
	world_close(&world);
}

/* Pages that were mapped before stay, in the midst of those that failed. */
static void pages_mapped_before_survive_a_failure(void **state)
{
	struct phyr_front_pages_stats stats;
	struct attempt *attempt = begin(&world);
	const struct phyr_range kept = { { 0x700000 }, 3 * K4 };

	(void)state;
	assert_int_equal(make_window(attempt), PHYR_OK);
	assert_int_equal(map_part(attempt, 50, &kept, 1, PHYR_KIND_SYSTEM), PHYR_OK);
	for (uint64_t n = 0; n < 3; n++) {
		world.fail_at = world.map_cnt + n;
		assert_int_equal(make_pages(attempt), PHYR_E_NOMEM);
		assert_int_equal(mapped_cnt(&world), 3);
		phyr_front_pages_stats(attempt->pages, &stats);
		assert_int_equal(stats.flush_cnt, world.flush_cnt);
		assert_int_equal(phyr_front_pages_at(attempt->pages, 51), PHYR_FRONT_PAGE_LINKED);
		assert_int_equal(phyr_front_pages_at(attempt->pages, 53), PHYR_FRONT_PAGE_NONE);
		assert_true(phyr_front_pages_validate(attempt->pages, NULL));
	}
	world.fail_at = UINT64_MAX;
	assert_int_equal(make_pages(attempt), PHYR_OK);
	end_window(attempt);
	world_close(&world);
}

static void requests_are_mapped_or_nothing_is_left(void **state)
{
	static const struct {
		uint64_t base, len;
		enum phyr_kind kind;
	} rows[] = {
		{ 0x100000, K4, PHYR_KIND_SYSTEM },  { 0x100000, 0x200, PHYR_KIND_SYSTEM },
		{ BUS_PA, 0x200, PHYR_KIND_P2P },    { BRIDGE_PA, K4, PHYR_KIND_P2P },
		{ BRIDGE_PA, 0x200, PHYR_KIND_P2P },
	};
	struct attempt *attempt = begin(&world);

	(void)state;
	attempt->make = make_request;
	attempt->end = end_request;
	for (size_t i = 0; i < CNT(rows); i++) {
		fill(attempt, rows[i].base, rows[i].len, rows[i].kind);
		fail_everything(attempt);
	}
	world_close(&world);
}

static void transfers_are_mapped_or_nothing_is_left(void **state)
{
	struct attempt *attempt = begin(&world);

	(void)state;
	attempt->make = make_bvec;
	attempt->end = end_bvec;
	fill(attempt, 0x100000, K4, PHYR_KIND_SYSTEM);
	fail_everything(attempt);
	fill(attempt, 0x100000, 0x200, PHYR_KIND_SYSTEM);
	fail_everything(attempt);
	world_close(&world);
}

/* What is full is full for windows and for requests; it is not taken for a limit. */
static void a_full_space_is_told(void **state)
{
	struct attempt *attempt = begin(&world);
	struct phyr_dma_want want = { .len = (GRANULES - 16) * K4 };
	struct phyr_dma_state taken;
	struct books before;

	(void)state;
	assert_int_equal(phyr_dma_reserve(world.dma, &want, &taken), PHYR_OK);
	before = books_of(&world);
	assert_int_equal(make_window(attempt), PHYR_E_NOSPACE);
	assert_null(attempt->pages);
	fill(attempt, 0x100000, K4, PHYR_KIND_SYSTEM);
	assert_int_equal(make_request(attempt), PHYR_E_NOSPACE);
	assert_int_equal(make_bvec(attempt), PHYR_E_NOSPACE);
	fill(attempt, 0x100000, 0x200, PHYR_KIND_SYSTEM);
	assert_int_equal(make_request(attempt), PHYR_E_NOSPACE);
	fill(attempt, BRIDGE_PA, K4, PHYR_KIND_P2P);
	assert_int_equal(make_request(attempt), PHYR_E_NOSPACE);
	expect_unchanged(attempt, &before);
	assert_int_equal(phyr_dma_free(world.dma, &taken), PHYR_OK);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_made_or_nothing_is_left),
		cmocka_unit_test(pages_are_all_mapped_or_none),
		cmocka_unit_test(pages_mapped_before_survive_a_failure),
		cmocka_unit_test(requests_are_mapped_or_nothing_is_left),
		cmocka_unit_test(transfers_are_mapped_or_nothing_is_left),
		cmocka_unit_test(a_full_space_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
