/* SPDX-License-Identifier: MIT */
/*
 * The providers in the order of their addresses: a sorted array of first bytes, searched in steps
 * that do not depend on what is found. Why no tree: docs/design/10-peers.md.
 *
 * Not here: ids and what belongs to them (provider.c).
 */
#include <string.h>

#include <phyr/bits.h>

#include "p2p.h"

/* How many providers begin at or below an address. */
static size_t begun(const struct phyr_p2p *p2p, uint64_t at)
{
	const uint64_t *from = p2p_firsts(p2p);
	size_t cnt = p2p->place_cnt;

	if (!cnt)
		return 0;
	/* The last one that has begun is behind `from`, or there is none and it stays in front. */
	while (cnt > 1) {
		size_t half = cnt / 2;

		from += from[half] <= at ? half : 0;
		cnt -= half;
	}
	return (size_t)(from - p2p_firsts(p2p)) + (*from <= at);
}

struct stretch phyr_p2p_stretch(const struct phyr_p2p *p2p, uint64_t at)
{
	struct stretch stretch = { 0, UINT64_MAX, 0 };
	size_t cnt = begun(p2p, at);

	if (cnt) {
		const struct place *place = &p2p_places(p2p)[cnt - 1];

		if (at <= place->last) {
			stretch.first = p2p_firsts(p2p)[cnt - 1];
			stretch.last = place->last;
			stretch.id = place->id;
			return stretch;
		}
		stretch.first = place->last + 1;
	}
	if (cnt < p2p->place_cnt)
		stretch.last = p2p_firsts(p2p)[cnt] - 1;
	return stretch;
}

void phyr_p2p_order_add(struct phyr_p2p *p2p, uint64_t first, struct place place)
{
	uint64_t *firsts = p2p_firsts(p2p);
	struct place *places = p2p_places(p2p);
	size_t at = begun(p2p, first), behind = p2p->place_cnt - at;

	memmove(firsts + at + 1, firsts + at, behind * sizeof(*firsts));
	memmove(places + at + 1, places + at, behind * sizeof(*places));
	firsts[at] = first;
	places[at] = place;
	p2p->place_cnt++;
}

void phyr_p2p_order_remove(struct phyr_p2p *p2p, uint64_t first)
{
	uint64_t *firsts = p2p_firsts(p2p);
	struct place *places = p2p_places(p2p);
	size_t end = begun(p2p, first), behind = p2p->place_cnt - end;

	memmove(firsts + end - 1, firsts + end, behind * sizeof(*firsts));
	memmove(places + end - 1, places + end, behind * sizeof(*places));
	p2p->place_cnt--;
}
