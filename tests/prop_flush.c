/* SPDX-License-Identifier: MIT */
/*
 * Random unmaps, ticks, flushes and allocations on a few rings, also while a flush is at work, next
 * to a model of events: no address is free, and no table page released, before a flush has ended
 * that began after its unmap; rings hold exactly what Linux's rule leaves in them, flushes are as
 * many, and the timer runs when something waits.
 *
 * The model knows unmaps and flushes by their place in the order of events. A backend that loses
 * flushes shows that it notices. PHYR_SEED and PHYR_ITER repeat and lengthen a run.
 */
#include <phyr/flush.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
#define RINGS 3
#define SLOTS 8
/* Flushes in one another. */
#define DEPTH 3
/* Pages of the space; few, so that what is given back is soon taken again. */
#define PAGES 128
/* Operations of a run, what happens inside of flushes not counted. */
#define OPS 2000

/* Something deferred, by its page. */
struct wait {
	uint64_t unmapped; /* when; 0: it does not wait */
	uint64_t flushes;  /* flushes that had begun */
	uintptr_t tables;
	unsigned int ring;
};

struct model {
	uint64_t events;
	uint64_t began;	     /* flushes */
	uint64_t began_last; /* event at which the latest of the flushes that ended began */
	uint64_t covered;    /* waits of fewer flushes may go */
	uint64_t now, due;
	bool timer;
	struct wait waits[PAGES];
};

struct world {
	struct test_mem host;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *rings[RINGS];
	struct model model;
	uint64_t random;
	uint64_t tables; /* held back */
	unsigned int depth;
	unsigned int busy;  /* rings that a call is at work on */
	uint64_t lose_from; /* from this flush on, none reaches the hardware */
	const char *wrong;
};

static void operate(struct world *w);
static void look(struct world *w);

static void note(struct world *w, bool holds, const char *what)
{
	if (!holds && !w->wrong)
		w->wrong = what;
}

static uint64_t pick(struct world *w, uint64_t cnt)
{
	return test_random(&w->random) % cnt;
}

/* Others may be at work between the beginning and the end of a flush. */
static void flush_all(void *ctx)
{
	struct world *w = ctx;
	struct model *m = &w->model;
	uint64_t number = m->began++;
	uint64_t event = ++m->events;

	look(w);
	w->depth++;
	while (w->depth < DEPTH && pick(w, 3))
		operate(w);
	w->depth--;
	look(w);
	if (number >= w->lose_from)
		return;
	if (event > m->began_last)
		m->began_last = event;
	if (number + 1 > m->covered)
		m->covered = number + 1;
}

static void flush(void *ctx, struct phyr_gather *gather)
{
	(void)ctx;
	(void)gather;
	fail_msg("a gather is flushed");
}

/* A chain is the number of the page, plus one: nothing is released twice, or too early. */
static void release(void *ctx, struct phyr_gather *gather)
{
	struct world *w = ctx;
	struct wait *wait = &w->model.waits[(uintptr_t)gather->freed - 1];

	note(w, wait->tables == 1, "table pages are released twice");
	note(w, wait->unmapped < w->model.began_last, "table pages are released early");
	wait->tables = 0;
	w->tables--;
	phyr_gather_init(gather);
}

static const struct phyr_iommu_ops ops = {
	.flush = flush,
	.flush_all = flush_all,
	.release = release,
};

static struct phyr_iova_range page_at(uint64_t page)
{
	struct phyr_iova_range range = { { page * PAGE }, PAGE };

	return range;
}

static bool is_live(const struct world *w, uint64_t page)
{
	struct phyr_iova_range next;

	return phyr_iova_next(w->space, page_at(page).iova, &next) && next.iova.addr == page * PAGE;
}

/* What has gone from the space may have gone; the waits that are left are those of the rings. */
static void look(struct world *w)
{
	struct model *m = &w->model;

	for (uint64_t page = 0; page < PAGES; page++) {
		struct wait *wait = &m->waits[page];

		if (!wait->unmapped || is_live(w, page))
			continue;
		note(w, wait->unmapped < m->began_last, "an address is free early");
		note(w, wait->tables == 0, "an address is free before its table pages");
		wait->unmapped = 0;
	}
}

static uint64_t waiting(const struct world *w, unsigned int ring, uint64_t flushes)
{
	uint64_t cnt = 0;

	for (uint64_t page = 0; page < PAGES; page++) {
		const struct wait *wait = &w->model.waits[page];

		cnt += wait->unmapped && wait->ring == ring && wait->flushes >= flushes;
	}
	return cnt;
}

/* Linux's rule, when nothing is at work in another: only what is covered goes, and all of it. */
static void expect_rings(struct world *w, unsigned int ring)
{
	struct phyr_flush_ring_stats stats;

	look(w);
	for (unsigned int r = 0; r < RINGS; r++) {
		phyr_flush_ring_stats(w->rings[r], &stats);
		note(w, stats.held_cnt == waiting(w, r, 0), "a ring holds something else");
		note(w, stats.held_cnt < SLOTS, "a ring holds too much");
	}
	if (ring < RINGS)
		note(w, waiting(w, ring, 0) == waiting(w, ring, w->model.covered),
		     "a ring holds what may go");
}

static void start_timer(struct model *m)
{
	if (m->timer)
		return;
	m->timer = true;
	m->due = m->now + 100;
}

static void defer(struct world *w, unsigned int ring)
{
	struct model *m = &w->model;
	struct phyr_iova_range range;
	struct phyr_gather gather;
	struct wait *wait;
	uint64_t page, expected;

	look(w);
	if (phyr_iova_alloc(w->space, PAGE, NULL, &range) != PHYR_OK)
		return;
	page = range.iova.addr / PAGE;
	wait = &m->waits[page];
	note(w, wait->unmapped == 0, "an address is taken again that waits");
	phyr_gather_init(&gather);
	phyr_gather_add(&gather, range);
	wait->tables = pick(w, 2);
	w->tables += wait->tables;
	gather.freed = wait->tables ? (void *)(uintptr_t)(page + 1) : NULL;
	expected = m->began + (waiting(w, ring, m->covered) == SLOTS - 1);
	w->busy |= 1u << ring;
	/* It waits from before the call on, for who is at work in it; but in no ring. */
	wait->ring = RINGS;
	wait->flushes = UINT64_MAX;
	wait->unmapped = ++m->events;
	phyr_flush_defer(w->rings[ring], range, NULL, &gather);
	wait->ring = ring;
	wait->flushes = m->began;
	w->busy &= ~(1u << ring);
	start_timer(m);
	note(w, gather.empty && !gather.freed, "the gather is not emptied");
	note(w, m->began >= expected, "no flush for a full ring");
	if (w->depth == 0)
		expect_rings(w, ring);
}

static void tick(struct world *w)
{
	struct model *m = &w->model;
	uint64_t began = m->began;
	bool due;

	m->now += pick(w, 40);
	due = m->timer && m->now >= m->due;
	m->timer = m->timer && !due;
	phyr_flush_tick(w->domain, m->now);
	note(w, due == (m->began > began), "the timer flushes when it should not, or not");
	if (w->depth || !due)
		return;
	for (unsigned int r = 0; r < RINGS; r++)
		expect_rings(w, r);
}

static void all(struct world *w)
{
	struct model *m = &w->model;

	m->timer = false;
	phyr_flush_all(w->domain);
	if (w->depth)
		return;
	for (unsigned int r = 0; r < RINGS; r++)
		expect_rings(w, r);
}

/* What is taken does not wait. */
static void take(struct world *w)
{
	struct phyr_iova_range range;

	look(w);
	if (phyr_iova_alloc(w->space, PAGE, NULL, &range) != PHYR_OK)
		return;
	note(w, !w->model.waits[range.iova.addr / PAGE].unmapped, "what waits is taken");
	assert_int_equal(phyr_iova_free(w->space, range), PHYR_OK);
}

static void make_anew(struct world *w, unsigned int ring)
{
	w->busy |= 1u << ring;
	phyr_flush_ring_destroy(w->rings[ring]);
	w->busy &= ~(1u << ring);
	look(w);
	note(w, waiting(w, ring, 0) == 0, "a ring is gone and something waits in it");
	assert_int_equal(phyr_flush_ring_create(w->domain, &w->rings[ring]), PHYR_OK);
}

static void operate(struct world *w)
{
	unsigned int ring = (unsigned int)pick(w, RINGS);
	uint64_t op = pick(w, 64);

	if (op == 0)
		all(w);
	else if (op < 8)
		tick(w);
	else if (op < 16)
		take(w);
	else if (w->busy & 1u << ring)
		return;
	else if (op == 16 && w->depth == 0)
		make_anew(w, ring);
	else
		defer(w, ring);
}

static void world_begin(struct world *w, uint64_t seed)
{
	struct phyr_iova_params space = { 0 };
	struct phyr_flush_params params = { 0 };

	memset(w, 0, sizeof(*w));
	w->random = seed;
	test_mem_init(&w->host);
	space.mem = &w->host.mem;
	space.window.last.addr = PAGES * PAGE - 1;
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	params.mem = &w->host.mem;
	params.iommu.ops = &ops;
	params.iommu.ctx = w;
	params.space = w->space;
	params.slot_cnt = SLOTS;
	params.timeout = 100;
	assert_int_equal(phyr_flush_domain_create(&params, &w->domain), PHYR_OK);
	for (unsigned int r = 0; r < RINGS; r++)
		assert_int_equal(phyr_flush_ring_create(w->domain, &w->rings[r]), PHYR_OK);
}

static void world_end(struct world *w)
{
	struct phyr_iova_stats stats;

	w->depth = DEPTH;
	for (unsigned int r = 0; r < RINGS; r++)
		phyr_flush_ring_destroy(w->rings[r]);
	phyr_flush_domain_destroy(w->domain);
	phyr_iova_stats(w->space, &stats);
	note(w, stats.live_cnt == 0, "addresses are left");
	note(w, w->tables == 0, "table pages are left");
	phyr_iova_destroy(w->space);
	assert_int_equal(w->host.live_cnt, 0);
}

/* What is wrong, NULL if nothing is. */
static const char *run(uint64_t seed, uint64_t lose_from)
{
	struct world w;
	const char *reason;

	world_begin(&w, seed);
	w.lose_from = lose_from;
	for (uint64_t i = 0; i < OPS && !w.wrong; i++) {
		operate(&w);
		reason = "";
		if (!phyr_flush_validate(w.domain, &reason))
			note(&w, false, reason);
	}
	world_end(&w);
	return w.wrong;
}

static void nothing_is_used_again_before_a_later_flush_has_ended(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t iterations = test_number("PHYR_ITER", 60);

	(void)state;
	for (uint64_t i = 0; i < iterations; i++) {
		const char *wrong = run(seed + i, UINT64_MAX);

		if (wrong)
			fail_msg("PHYR_SEED=%llu: %s", (unsigned long long)(seed + i), wrong);
	}
}

static void a_backend_that_loses_flushes_is_noticed(void **state)
{
	(void)state;
	for (uint64_t lose_from = 0; lose_from < 20; lose_from++)
		assert_non_null(run(lose_from + 1, lose_from));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_used_again_before_a_later_flush_has_ended),
		cmocka_unit_test(a_backend_that_loses_flushes_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
