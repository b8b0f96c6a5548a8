/* SPDX-License-Identifier: MIT */
/*
 * Pages taken out of a window: stretch by stretch, with one flush.
 *
 * The bits change when a stretch is unlinked; peers are let go after the flush, when no device can
 * reach them any more.
 */

#include "pages.h"

/* Takes pages from a peer. How many were its own. */
static uint64_t take_from_peer(struct peer *peer, struct pages_span span)
{
	uint64_t cnt = 0;

	for (uint64_t i = bitmap_find(peer->bits, span.first, span.end, true); i < span.end;
	     i = bitmap_find(peer->bits, i, span.end, true)) {
		uint64_t end = bitmap_find(peer->bits, i, span.end, false);

		bitmap_put(peer->bits, i, end, false);
		if (peer->bus)
			bitmap_put(peer->pages->mapped, i, end, false);
		cnt += end - i;
		i = end;
	}
	peer->cnt -= cnt;
	return cnt;
}

static void take_bus(struct phyr_front_pages *pages, struct pages_span span)
{
	for (struct peer *peer = pages->peers; peer; peer = peer->next)
		pages->stats.bus_cnt -= peer->bus ? take_from_peer(peer, span) : 0;
}

/* All of it is linked. */
static int take_linked(struct phyr_front_pages *pages, struct sweep *sweep, struct pages_span span)
{
	uint64_t cnt = span.end - span.first;
	int err = phyr_sweep_unlink(sweep, &pages->state, span.first << pages->page_lg2,
				    cnt << pages->page_lg2);

	if (err)
		return err;
	bitmap_put(pages->mapped, span.first, span.end, false);
	for (struct peer *peer = pages->peers; peer; peer = peer->next) {
		if (!peer->bus)
			(void)take_from_peer(peer, span);
	}
	pages->stats.linked_cnt -= cnt;
	return PHYR_OK;
}

int phyr_pages_take(struct phyr_front_pages *pages, struct sweep *sweep, struct pages_span span)
{
	struct pages_span part = span;
	int err = PHYR_OK;

	take_bus(pages, span);
	part.first = bitmap_find(pages->mapped, span.first, span.end, true);
	while (part.first < span.end) {
		int failed;

		part.end = bitmap_find(pages->mapped, part.first, span.end, false);
		failed = take_linked(pages, sweep, part);
		err = err ? err : failed;
		part.first = bitmap_find(pages->mapped, part.end, span.end, true);
	}
	return err;
}

int phyr_front_pages_unmap(struct phyr_front_pages *pages, struct phyr_front_pages_part part)
{
	struct sweep sweep;
	int err;

	if (!pages || part.cnt == 0)
		return PHYR_E_INVAL;
	if (part.first >= pages->page_cnt || part.cnt > pages->page_cnt - part.first)
		return PHYR_E_RANGE;
	phyr_sweep_begin(&sweep, pages->dma);
	err = phyr_pages_take(pages, &sweep,
			      (struct pages_span){ part.first, part.first + part.cnt });
	pages->stats.flush_cnt += phyr_sweep_end(&sweep);
	phyr_pages_drop_peers(pages);
	return err;
}
