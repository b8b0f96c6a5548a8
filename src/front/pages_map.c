/* SPDX-License-Identifier: MIT */
/*
 * Pages put into a window: the ranges of a call are cut where pages are mapped already and where
 * providers change, and what lies between is linked.
 *
 * The bits are set when all of it is linked and visible. Until then they say what was there before,
 * so that a second walk finds the same stretches, to undo them or to set their bits, and nothing has
 * to be remembered.
 */

#include <string.h>

#include "front.h"
#include "pages.h"

/* Pages behind one another that are reached alike. */
struct stretch {
	struct pages_span span;
	struct phyr_range runs[FRONT_RUNS];
	size_t run_cnt;
	uint32_t provider; /* 0: memory */
	bool bus;
};

/* Where a walk over a call's ranges stands. */
struct walk {
	struct phyr_front_pages *pages;
	const struct phyr_front_pages_run *run;
	size_t at;	/* range */
	uint64_t done;	/* [bytes] of it */
	uint64_t index; /* page */
};

/* The next pages of one range, as many as are mapped alike. */
static struct phyr_range look(const struct walk *walk, bool *ret_mapped)
{
	const struct phyr_front_pages *pages = walk->pages;
	struct phyr_range range = walk->run->ranges[walk->at];
	uint64_t end;

	range.pa.addr += walk->done;
	range.len -= walk->done;
	end = walk->index + (range.len >> pages->page_lg2);
	*ret_mapped = bitmap_has(pages->mapped, walk->index);
	end = bitmap_find(pages->mapped, walk->index, end, !*ret_mapped);
	if (pages->single && !*ret_mapped)
		end = walk->index + 1;
	range.len = (end - walk->index) << pages->page_lg2;
	return range;
}

static void step(struct walk *walk, uint64_t len)
{
	walk->index += len >> walk->pages->page_lg2;
	walk->done += len;
	if (walk->done < walk->run->ranges[walk->at].len)
		return;
	walk->done = 0;
	walk->at++;
}

static int classify(const struct walk *walk, struct phyr_range range, uint32_t *ret_provider,
		    bool *ret_bus)
{
	struct phyr_dma_reach reach = { PHYR_P2P_NONE, 0, { 0 } };
	int err = PHYR_OK;

	if (walk->run->tag.kind == PHYR_KIND_P2P)
		err = phyr_dma_peer(walk->pages->dma, range, &reach);
	*ret_provider = reach.provider;
	*ret_bus = reach.type == PHYR_P2P_BUS || reach.type == PHYR_P2P_OWN;
	return err;
}

/* Adds a range to a stretch. False: it belongs to the next one. */
static bool join(struct stretch *stretch, struct phyr_range range, uint32_t provider, bool bus)
{
	if (stretch->run_cnt && (stretch->provider != provider || stretch->bus != bus))
		return false;
	stretch->provider = provider;
	stretch->bus = bus;
	stretch->runs[stretch->run_cnt++] = range;
	return true;
}

/* The next stretch of pages that are not mapped; run_cnt 0: there is none. */
static int next_stretch(struct walk *walk, struct stretch *stretch)
{
	size_t most = walk->pages->single ? 1 : FRONT_RUNS;

	stretch->run_cnt = 0;
	while (walk->at < walk->run->range_cnt && stretch->run_cnt < most) {
		uint32_t provider;
		bool mapped, bus;
		struct phyr_range range = look(walk, &mapped);
		int err;

		if (mapped && stretch->run_cnt)
			break;
		if (!mapped) {
			err = classify(walk, range, &provider, &bus);
			if (err)
				return err;
			if (stretch->run_cnt == 0)
				stretch->span.first = walk->index;
			if (!join(stretch, range, provider, bus))
				break;
		}
		step(walk, range.len);
		stretch->span.end = walk->index;
	}
	return PHYR_OK;
}

static int put(struct walk *walk, const struct stretch *stretch)
{
	struct phyr_front_pages *pages = walk->pages;
	struct phyr_dma_piece piece = { .runs = stretch->runs,
					.run_cnt = stretch->run_cnt,
					.tag = { walk->run->tag.kind, stretch->provider },
					.perm = walk->run->perm };
	struct peer *peer;
	int err;

	if (stretch->provider) {
		err = phyr_pages_peer(pages, stretch->provider, stretch->bus, &peer);
		if (err || stretch->bus)
			return err;
		piece.user = &peer->user;
	}
	pages->stats.link_cnt++;
	return phyr_dma_link(pages->dma, &pages->state, stretch->span.first << pages->page_lg2,
			     &piece);
}

/* One sync from the first page that was linked to the last. */
static int show(struct phyr_front_pages *pages, struct pages_span linked)
{
	if (linked.first == linked.end)
		return PHYR_OK;
	pages->stats.sync_cnt++;
	return phyr_dma_sync(pages->dma, &pages->state, linked.first << pages->page_lg2,
			     (linked.end - linked.first) << pages->page_lg2);
}

/* Links all; on failure, ret_end is the page up to which it did. */
static int link_all(struct walk walk, uint64_t *ret_end)
{
	struct pages_span linked = { 0, 0 };
	struct stretch stretch;
	int err;

	do {
		*ret_end = walk.index;
		err = next_stretch(&walk, &stretch);
		if (!err && stretch.run_cnt)
			err = put(&walk, &stretch);
		if (err)
			return err;
		if (stretch.run_cnt && !stretch.bus) {
			if (linked.first == linked.end)
				linked.first = stretch.span.first;
			linked.end = stretch.span.end;
		}
	} while (stretch.run_cnt);
	return show(walk.pages, linked);
}

/* What was linked before the failure, taken away with one flush. */
static void undo(struct walk walk, uint64_t end)
{
	struct phyr_front_pages *pages = walk.pages;
	struct stretch stretch;
	struct sweep sweep;

	phyr_sweep_begin(&sweep, pages->dma);
	while (walk.index < end && !next_stretch(&walk, &stretch) && stretch.run_cnt) {
		uint64_t cnt = stretch.span.end - stretch.span.first;

		if (!stretch.bus)
			(void)phyr_sweep_unlink(&sweep, &pages->state,
						stretch.span.first << pages->page_lg2,
						cnt << pages->page_lg2);
	}
	pages->stats.flush_cnt += phyr_sweep_end(&sweep);
	phyr_pages_drop_peers(pages);
}

static void set_bits(struct phyr_front_pages *pages, const struct stretch *stretch)
{
	struct pages_span span = stretch->span;
	uint64_t cnt = span.end - span.first;
	struct peer *peer;

	bitmap_put(pages->mapped, span.first, span.end, true);
	pages->stats.bus_cnt += stretch->bus ? cnt : 0;
	pages->stats.linked_cnt += stretch->bus ? 0 : cnt;
	if (stretch->provider && !phyr_pages_peer(pages, stretch->provider, stretch->bus, &peer)) {
		bitmap_put(peer->bits, span.first, span.end, true);
		peer->cnt += cnt;
	}
}

static void commit(struct walk walk)
{
	uint64_t before = walk.index;
	struct stretch stretch;
	uint64_t cnt = 0;

	while (!next_stretch(&walk, &stretch) && stretch.run_cnt) {
		set_bits(walk.pages, &stretch);
		cnt += stretch.span.end - stretch.span.first;
	}
	walk.pages->stats.hit_cnt += walk.index - before - cnt;
}

/* Whole pages, and not more than there are. */
static int check(const struct phyr_front_pages *pages, const struct phyr_front_pages_run *run)
{
	uint64_t left;

	if (!pages || !run || !run->ranges || run->range_cnt == 0 ||
	    (unsigned int)run->tag.kind >= PHYR_KIND_CNT || run->perm < PHYR_PERM_READ ||
	    run->perm > PHYR_PERM_READ_WRITE)
		return PHYR_E_INVAL;
	if (run->first >= pages->page_cnt)
		return PHYR_E_RANGE;
	left = (pages->page_cnt - run->first) << pages->page_lg2;
	for (size_t i = 0; i < run->range_cnt; i++) {
		uint64_t len = run->ranges[i].len;
		uint64_t last;

		if (len == 0)
			return PHYR_E_INVAL;
		if (!phyr_bits_aligned(len, pages->page_lg2) ||
		    !phyr_bits_aligned(run->ranges[i].pa.addr, pages->granule_lg2))
			return PHYR_E_ALIGN;
		if (len > left || !phyr_bits_last(run->ranges[i].pa.addr, len, &last))
			return PHYR_E_RANGE;
		left -= len;
	}
	return run->tag.kind == PHYR_KIND_ENCRYPTED ? PHYR_E_KIND : PHYR_OK;
}

int phyr_front_pages_map(struct phyr_front_pages *pages, const struct phyr_front_pages_run *run)
{
	struct walk walk = { .pages = pages, .run = run };
	int err = check(pages, run);
	uint64_t end;

	if (err)
		return err;
	walk.index = run->first;
	err = link_all(walk, &end);
	if (err)
		undo(walk, end);
	else
		commit(walk);
	return err;
}

/* Ranges that pair by pair are as long. */
static bool same_lengths(const struct phyr_front_pages_run *run, const struct phyr_range *old)
{
	for (size_t i = 0; old && i < run->range_cnt; i++) {
		if (old[i].len != run->ranges[i].len)
			return false;
	}
	return true;
}

int phyr_front_pages_replace(struct phyr_front_pages *pages, const struct phyr_front_pages_run *run,
			     const struct phyr_range *old)
{
	int err = check(pages, run);
	struct pages_span span;
	struct sweep sweep;

	if (err)
		return err;
	if (!same_lengths(run, old))
		return PHYR_E_INVAL;
	phyr_sweep_begin(&sweep, pages->dma);
	span.end = run->first;
	for (size_t i = 0; i < run->range_cnt; i++) {
		int failed = PHYR_OK;

		span.first = span.end;
		span.end += run->ranges[i].len >> pages->page_lg2;
		if (!old || old[i].pa.addr != run->ranges[i].pa.addr)
			failed = phyr_pages_take(pages, &sweep, span);
		err = err ? err : failed;
	}
	pages->stats.flush_cnt += phyr_sweep_end(&sweep);
	phyr_pages_drop_peers(pages);
	return err ? err : phyr_front_pages_map(pages, run);
}
