/* SPDX-License-Identifier: MIT */
/*
 * Random calls on a window of pages and on requests, over simulated IOMMUs: after each, hardware
 * reaches every page and every byte of a request as a model says, nothing else of the window, and
 * has nothing cached that is no longer so.
 */
#include <stdio.h>

#include <phyr/front_pages.h>
#include <phyr/front_request.h>
#include <phyrsim/walker.h>

#include "front_peers.h"
#include "stale_world.h"

#define PAGES 700
#define REQUESTS 4
#define SEGMENTS 12

/* A page of the window as it should be. */
struct page {
	uint64_t pa;
	uint32_t provider; /* 0: memory */
	enum phyr_front_page at;
};

struct request {
	struct phyr_front_segment segments[SEGMENTS];
	struct phyr_front_input input;
	struct phyr_front_request request;
	uint32_t provider; /* 0: memory, or removed */
};

struct state {
	struct world w;
	struct peers peers;
	struct phyr_iova_space *space;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring; /* NULL: strict */
	struct phyr_dma *dma;
	struct phyr_front_pages *pages;
	struct phyr_front_queue queue;
	struct page model[PAGES];
	struct request requests[REQUESTS];
	uint64_t page; /* [bytes] */
	uint64_t hit_cnt;
	uint64_t random;
	bool single;
};

static uint64_t seed, iter;

static uint64_t below(struct state *s, uint64_t end)
{
	return test_random(&s->random) % end;
}

static void open_dma(struct state *s, bool lazy)
{
	struct phyr_flush_params flush = { .mem = &s->w.host.mem, .iommu = s->w.backend };
	struct phyr_iova_params space = { .mem = &s->w.host.mem };
	struct phyr_dma_params params = { .mem = &s->w.host.mem, .iommu = s->w.backend };

	space.granule_lg2 = granule_lg2(&s->w);
	space.window.first.addr = s->page;
	space.window.last.addr = UINT64_C(0x3fffffff);
	assert_int_equal(phyr_iova_create(&space, &s->space), PHYR_OK);
	flush.space = s->space;
	assert_int_equal(phyr_flush_domain_create(&flush, &s->domain), PHYR_OK);
	if (lazy)
		assert_int_equal(phyr_flush_ring_create(s->domain, &s->ring), PHYR_OK);
	peers_open(&s->peers, &s->w.host.mem);
	params.space = s->space;
	params.ring = s->ring;
	params.p2p = s->peers.p2p;
	params.node = s->peers.client;
	assert_int_equal(phyr_dma_create(&params, &s->dma), PHYR_OK);
}

static void state_open(struct state *s, const struct config *config,
		       enum phyrsim_personality personality, unsigned int variant)
{
	struct phyrsim_inval_params inval = { .personality = personality };
	struct phyr_front_pages_params params = { .page_cnt = PAGES };
	struct phyr_segment_limits limits = { .len_max = 0x5000, .boundary_lg2 = 16 };

	memset(s, 0, sizeof(*s));
	inval.ordered = personality == PHYRSIM_INVAL_VTD_LINUX;
	world_open_as(&s->w, config, &inval, false);
	s->random = seed * 64 + variant + 1;
	s->page = UINT64_C(1) << granule_lg2(&s->w);
	s->single = variant & 1;
	open_dma(s, variant & 2);
	params.dma = s->dma;
	params.page_lg2 = (uint8_t)granule_lg2(&s->w);
	params.single = s->single;
	assert_int_equal(phyr_front_pages_create(&params, &s->pages), PHYR_OK);
	assert_int_equal(phyr_front_queue_init(&s->queue, s->dma, &limits), PHYR_OK);
}

/* Where hardware finds an I/O address; NOWHERE if it does not. */
#define NOWHERE UINT64_MAX

static uint64_t walk(const struct state *s, uint64_t iova)
{
	struct phyrsim_access access = { { iova }, PHYR_PERM_READ_WRITE, 0 };
	struct phyrsim_root root = root_of(&s->w);
	struct phyrsim_walk walk;
	int err = phyrsim_walk(s->w.mem, &root, &access, &walk);

	assert_true(err == PHYR_OK || err == PHYR_E_FAULT);
	return err ? NOWHERE : walk.pa.addr;
}

/* Does a lazily unmapped request hold tables back? Pointers to them may still be cached. */
static bool tables_wait(const struct state *s)
{
	struct phyr_flush_ring_stats stats = { 0 };

	if (s->ring)
		phyr_flush_ring_stats(s->ring, &stats);
	return stats.tables_cnt > 0;
}

static void expect_fresh(const struct state *s)
{
	struct phyrsim_stale_report report = { 0 };
	struct phyrsim_root root = root_of(&s->w);
	struct phyr_iova_range window = phyr_front_pages_window(s->pages);
	int err;

	assert_int_equal(phyrsim_stale_check_freed(s->w.stale, &report), PHYR_OK);
	if (s->ring)
		err = phyrsim_stale_check_range(s->w.stale, &root, window, &report);
	else
		err = phyrsim_stale_check(s->w.stale, &root, &report);
	if (err && !(report.cause == PHYRSIM_STALE_TABLE_GONE && tables_wait(s)))
		fail_msg("%s at %llx", phyrsim_stale_cause_name(report.cause),
			 (unsigned long long)report.iova.addr);
}

static void expect_page(const struct state *s, uint64_t i)
{
	uint64_t place = phyr_front_pages_window(s->pages).iova.addr + i * s->page;
	const struct page *page = &s->model[i];
	phyr_iova iova = { 0 };
	int err = phyr_front_pages_addr(s->pages, i, phyr_pa_at(page->pa), &iova);

	assert_int_equal(phyr_front_pages_at(s->pages, i), page->at);
	assert_int_equal(err, page->at ? PHYR_OK : PHYR_E_NOENT);
	assert_true(walk(s, place) == (page->at == PHYR_FRONT_PAGE_LINKED ? page->pa : NOWHERE));
	if (page->at == PHYR_FRONT_PAGE_LINKED)
		assert_int_equal(iova.addr, place);
	if (page->at == PHYR_FRONT_PAGE_BUS)
		assert_int_equal(iova.addr,
				 page->pa + (page->provider == s->peers.bus ? BUS_OFFSET : 0));
}

static void expect_pages(const struct state *s)
{
	uint64_t cnt[3] = { 0, 0, 0 };
	struct phyr_front_pages_stats stats;
	const char *reason = NULL;

	for (uint64_t i = 0; i < PAGES; i++) {
		expect_page(s, i);
		cnt[s->model[i].at]++;
	}
	phyr_front_pages_stats(s->pages, &stats);
	assert_int_equal(stats.linked_cnt, cnt[PHYR_FRONT_PAGE_LINKED]);
	assert_int_equal(stats.bus_cnt, cnt[PHYR_FRONT_PAGE_BUS]);
	assert_int_equal(stats.hit_cnt, s->hit_cnt);
	if (!phyr_front_pages_validate(s->pages, &reason))
		fail_msg("%s", reason);
}

/* Memory for pages: any, or a BAR's. */
static void random_range(struct state *s, enum phyr_kind kind, struct phyr_range *range)
{
	static const uint64_t bars[] = { BUS_PA, BUS2_PA, BRIDGE_PA };
	uint64_t base = below(s, 4) ? below(s, 64) * M2 : below(s, 0x10000) * s->page;

	range->len = (1 + below(s, below(s, 8) ? 6 : 200)) * s->page;
	if (kind == PHYR_KIND_P2P) {
		base = bars[below(s, 3)] + below(s, 4) * s->page;
		range->len = (1 + below(s, 6)) * s->page;
	}
	range->pa.addr = base;
}

/* Ranges for the pages from `first` on; no more than there are pages. */
static size_t random_ranges(struct state *s, uint64_t first, enum phyr_kind kind,
			    struct phyr_range ranges[SEGMENTS])
{
	uint64_t left = (PAGES - first) * s->page;
	size_t most = 1 + (size_t)below(s, SEGMENTS);
	size_t cnt = 0;

	while (cnt < most && left) {
		random_range(s, kind, &ranges[cnt]);
		if (ranges[cnt].len > left)
			ranges[cnt].len = left;
		left -= ranges[cnt++].len;
	}
	return cnt;
}

static uint32_t provider_at(const struct state *s, uint64_t pa)
{
	if (pa - BRIDGE_PA < BAR_LEN)
		return s->peers.bridge;
	if (pa - BUS2_PA < BAR_LEN)
		return s->peers.bus2;
	return pa - BUS_PA < BAR_LEN ? s->peers.bus : 0;
}

static void model_map(struct state *s, const struct phyr_front_pages_run *run)
{
	uint64_t i = run->first;

	for (size_t r = 0; r < run->range_cnt; r++) {
		for (uint64_t done = 0; done < run->ranges[r].len; done += s->page, i++) {
			struct page *page = &s->model[i];
			uint64_t pa = run->ranges[r].pa.addr + done;
			uint32_t provider = provider_at(s, pa);

			if (page->at) {
				s->hit_cnt++;
				continue;
			}
			*page = (struct page){ pa, provider, PHYR_FRONT_PAGE_LINKED };
			if (provider && provider != s->peers.bridge)
				page->at = PHYR_FRONT_PAGE_BUS;
		}
	}
}

/* Leaves may span pages: what an unmap could not do is seen in the window. */
static void model_unmap(struct state *s, struct phyr_front_pages_part part, int err)
{
	bool left = false;

	for (uint64_t i = part.first; i < part.first + part.cnt; i++) {
		if (err && phyr_front_pages_at(s->pages, i))
			left = true;
		else
			s->model[i] = (struct page){ 0, 0, PHYR_FRONT_PAGE_NONE };
	}
	assert_true(err == PHYR_OK || (err == PHYR_E_PARTIAL && left && !s->single));
}

static struct phyr_front_pages_run random_run(struct state *s, struct phyr_range ranges[SEGMENTS])
{
	struct phyr_front_pages_run run = { 0 };

	run.first = below(s, PAGES);
	run.ranges = ranges;
	run.tag.kind = below(s, 3) ? PHYR_KIND_SYSTEM : PHYR_KIND_P2P;
	run.range_cnt = random_ranges(s, run.first, run.tag.kind, ranges);
	run.perm = PHYR_PERM_READ_WRITE;
	return run;
}

static void do_map(struct state *s)
{
	struct phyr_range ranges[SEGMENTS];
	struct phyr_front_pages_run run = random_run(s, ranges);

	assert_int_equal(phyr_front_pages_map(s->pages, &run), PHYR_OK);
	model_map(s, &run);
}

static void do_unmap(struct state *s)
{
	struct phyr_front_pages_part part = { below(s, PAGES), 0 };

	part.cnt = 1 + below(s, below(s, 3) ? PAGES - part.first : 1);
	model_unmap(s, part, phyr_front_pages_unmap(s->pages, part));
}

/* Where the memory of a range is said to have been: where its first page is, or elsewhere. */
static void do_replace(struct state *s)
{
	struct phyr_range ranges[SEGMENTS], old[SEGMENTS];
	struct phyr_front_pages_run run = random_run(s, ranges);
	uint64_t first = run.first;
	int err;

	for (size_t r = 0; r < run.range_cnt; r++) {
		old[r] = ranges[r];
		old[r].pa.addr += below(s, 2) * 8 * M2;
	}
	err = phyr_front_pages_replace(s->pages, &run, old);
	for (size_t r = 0; r < run.range_cnt; r++) {
		struct phyr_front_pages_part part = { first, ranges[r].len / s->page };
		bool left = false;

		first += part.cnt;
		for (uint64_t i = part.first; err && i < first; i++)
			left = left || phyr_front_pages_at(s->pages, i);
		if (old[r].pa.addr != ranges[r].pa.addr)
			model_unmap(s, part, left ? err : PHYR_OK);
	}
	if (!err)
		model_map(s, &run);
}

static void do_request(struct state *s)
{
	struct request *r = &s->requests[below(s, REQUESTS)];
	enum phyr_kind kind = below(s, 3) ? PHYR_KIND_SYSTEM : PHYR_KIND_P2P;
	uint64_t unit = below(s, 3) ? s->page : 0x200;
	uint64_t base = below(s, 2) ? BRIDGE_PA : BUS_PA;

	if (r->request.form) {
		assert_int_equal(phyr_front_request_unmap(&s->queue, &r->request), PHYR_OK);
		return;
	}
	r->provider = kind == PHYR_KIND_P2P ? provider_at(s, base) : 0;
	r->input = (struct phyr_front_input){ r->segments, 1 + (size_t)below(s, SEGMENTS) };
	for (size_t i = 0; i < r->input.cnt; i++) {
		uint64_t pa = (r->provider ? base : 0) + below(s, 40) * unit;

		r->segments[i] = (struct phyr_front_segment){ { { pa }, (1 + below(s, 9)) * unit },
							      { kind, 0 } };
	}
	assert_int_equal(
		phyr_front_request_map(&s->queue, &r->input, PHYR_PERM_READ_WRITE, &r->request),
		PHYR_OK);
}

/* A request's bytes, in steps of 512, where hardware finds them. */
static void expect_request(const struct state *s, const struct request *r)
{
	struct phyr_iova_range segment;
	struct phyr_front_cursor cursor;
	uint64_t done = 0, in = 0;

	phyr_front_request_begin(&s->queue, &r->request, &r->input, &cursor);
	while (phyr_front_request_next(&cursor, &segment)) {
		assert_true(segment.len <= 0x5000);
		assert_int_equal(segment.iova.addr >> 16,
				 (segment.iova.addr + segment.len - 1) >> 16);
		for (uint64_t at = 0; at < segment.len; at += 0x200, done += 0x200) {
			uint64_t iova = segment.iova.addr + at;

			if (done == r->segments[in].range.len) {
				done = 0;
				in++;
			}
			if (r->request.form == PHYR_FRONT_SEGMENTS)
				iova -= BUS_OFFSET;
			else
				iova = walk(s, iova);
			assert_int_equal(iova, r->segments[in].range.pa.addr + done);
		}
	}
	assert_true(in == r->input.cnt - 1 && done == r->segments[in].range.len);
}

static void expect_requests(const struct state *s)
{
	struct phyr_front_cursor cursor;
	struct phyr_iova_range segment;

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &s->requests[i];

		if (r->request.form == PHYR_FRONT_NONE)
			continue;
		if (r->segments[0].tag.kind != PHYR_KIND_P2P || r->provider) {
			expect_request(s, r);
			continue;
		}
		phyr_front_request_begin(&s->queue, &r->request, &r->input, &cursor);
		assert_false(phyr_front_request_next(&cursor, &segment));
	}
}

/* Hardware may have read all that is mapped. */
static void touch_all(struct state *s)
{
	struct phyr_iova_range window = phyr_front_pages_window(s->pages);

	touch(&s->w, window.iova.addr, window.len);
	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &s->requests[i];
		struct phyr_front_cursor cursor;
		struct phyr_iova_range segment;

		if (r->request.form == PHYR_FRONT_NONE || r->request.form == PHYR_FRONT_SEGMENTS)
			continue;
		phyr_front_request_begin(&s->queue, &r->request, &r->input, &cursor);
		while (phyr_front_request_next(&cursor, &segment))
			touch(&s->w, segment.iova.addr, segment.len);
	}
}

/* A BAR goes, and comes back under another id. What was mapped of it is gone and flushed. */
static void do_remove(struct state *s)
{
	bool bridge = below(s, 2);
	uint32_t *provider = bridge ? &s->peers.bridge : &s->peers.bus;

	assert_int_equal(phyr_p2p_remove(s->peers.p2p, *provider), PHYR_OK);
	for (uint64_t i = 0; i < PAGES; i++) {
		if (s->model[i].provider == *provider)
			s->model[i] = (struct page){ 0, 0, PHYR_FRONT_PAGE_NONE };
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		if (s->requests[i].provider == *provider)
			s->requests[i].provider = 0;
	}
	*provider = bridge ? bar(s->peers.p2p, s->peers.bridge_node, BRIDGE_PA, 0) :
			     bar(s->peers.p2p, s->peers.bus_node, BUS_PA, BUS_OFFSET);
}

static void (*const operations[])(struct state *) = {
	do_map,	    do_map,	do_map,	    do_unmap,	do_unmap,  do_replace,
	do_replace, do_request, do_request, do_request, do_remove,
};

static void state_close(struct state *s)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		if (s->requests[i].request.form)
			assert_int_equal(
				phyr_front_request_unmap(&s->queue, &s->requests[i].request),
				PHYR_OK);
	}
	phyr_front_pages_destroy(s->pages);
	phyr_flush_ring_destroy(s->ring);
	phyr_flush_domain_destroy(s->domain);
	phyr_dma_destroy(s->dma);
	phyr_iova_destroy(s->space);
	phyr_p2p_destroy(s->peers.p2p);
	assert_int_equal(check(&s->w).cnt, 0);
	world_close(&s->w);
}

static void run(const struct config *config, enum phyrsim_personality personality)
{
	static struct state s;

	for (unsigned int variant = 0; variant < 4; variant++) {
		state_open(&s, config, personality, variant);
		for (uint64_t i = 0; i < iter; i++) {
			if (below(&s, 4) == 0)
				phyr_flush_all(s.domain);
			operations[below(&s, CNT(operations))](&s);
			expect_fresh(&s);
			touch_all(&s);
			expect_pages(&s);
			expect_requests(&s);
		}
		state_close(&s);
	}
}

static void under_vt_d_all_is_as_it_should_be(void **state)
{
	static const struct config config = { VTD, 4, 0, 0, COHERENT };

	(void)state;
	run(&config, PHYRSIM_INVAL_VTD);
	run(&config, PHYRSIM_INVAL_VTD_LINUX);
}

static void under_amd_all_is_as_it_should_be(void **state)
{
	static const struct config config = { AMD, 4, 0, 0, 0 };

	(void)state;
	run(&config, PHYRSIM_INVAL_AMD);
	run(&config, PHYRSIM_INVAL_AMD_EXACT);
}

static void under_arm_all_is_as_it_should_be(void **state)
{
	static const struct config small = { ARM1, 0, 12, 48, CONT };
	static const struct config large = { ARM1, 0, 14, 48, CONT };

	(void)state;
	run(&small, PHYRSIM_INVAL_ARM);
	run(&large, PHYRSIM_INVAL_ARM_SINGLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_vt_d_all_is_as_it_should_be),
		cmocka_unit_test(under_amd_all_is_as_it_should_be),
		cmocka_unit_test(under_arm_all_is_as_it_should_be),
	};

	seed = test_number("PHYR_SEED", 1);
	iter = test_number("PHYR_ITER", 100);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
