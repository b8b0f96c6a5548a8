/* SPDX-License-Identifier: MIT */
/*
 * The set of what may be cached: an array, and a hash over it by address and size.
 *
 * Everything in it is naturally aligned, so what overlaps a reach has one of a few sizes and, for
 * each of them, one of the places that the reach touches. Where these are more than there are links,
 * the links are looked at instead.
 *
 * Not here: what goes in or out (stale.c).
 */
#include "shadow.h"

#include <string.h>

#define ROOM_MIN 64
#define LG2_CNT 64

bool phyrsim_cached_equal(const struct phyrsim_cached *a, const struct phyrsim_cached *b)
{
	return a->first == b->first && a->pa == b->pa && a->lg2 == b->lg2 && a->kind == b->kind &&
	       a->level == b->level && a->above_lg2 == b->above_lg2 && a->leaf_lg2 == b->leaf_lg2 &&
	       a->perm == b->perm && a->privileged == b->privileged && a->attrs == b->attrs;
}

static size_t bucket_of(const struct phyrsim_stale *stale, uint64_t first, unsigned int lg2)
{
	uint64_t hash = (first + lg2) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (stale->room - 1);
}

static void chain(struct phyrsim_stale *stale, size_t i)
{
	const struct phyrsim_cached *cached = &stale->links[i].cached;
	size_t bucket = bucket_of(stale, cached->first, cached->lg2);

	stale->links[i].next = stale->heads[bucket];
	stale->heads[bucket] = i;
}

static void release(struct phyrsim_stale *stale)
{
	if (stale->links)
		stale->mem->free(stale->mem->ctx, stale->links,
				 stale->room * sizeof(*stale->links));
	if (stale->heads)
		stale->mem->free(stale->mem->ctx, stale->heads,
				 stale->room * sizeof(*stale->heads));
}

/* Twice the room, when every link is in use. */
static int grow(struct phyrsim_stale *stale)
{
	struct phyrsim_stale larger = *stale;

	larger.room = stale->room ? 2 * stale->room : ROOM_MIN;
	larger.links = stale->mem->alloc(stale->mem->ctx, larger.room * sizeof(*larger.links));
	larger.heads = stale->mem->alloc(stale->mem->ctx, larger.room * sizeof(*larger.heads));
	if (!larger.links || !larger.heads) {
		release(&larger);
		return PHYR_E_NOMEM;
	}
	for (size_t i = 0; i < larger.room; i++)
		larger.heads[i] = PHYRSIM_NOWHERE;
	for (size_t i = 0; i < stale->top; i++) {
		larger.links[i] = stale->links[i];
		chain(&larger, i);
	}
	release(stale);
	*stale = larger;
	return PHYR_OK;
}

static bool holds(const struct phyrsim_stale *stale, const struct phyrsim_cached *cached)
{
	size_t i = PHYRSIM_NOWHERE;

	if (stale->room)
		i = stale->heads[bucket_of(stale, cached->first, cached->lg2)];
	while (i != PHYRSIM_NOWHERE && !phyrsim_cached_equal(&stale->links[i].cached, cached))
		i = stale->links[i].next;
	return i != PHYRSIM_NOWHERE;
}

int phyrsim_shadow_add(struct phyrsim_stale *stale, const struct phyrsim_cached *cached)
{
	size_t i = stale->free;

	if (holds(stale, cached))
		return PHYR_OK;
	if (i == PHYRSIM_NOWHERE && stale->top == stale->room && grow(stale) != PHYR_OK)
		return PHYR_E_NOMEM;
	if (i == PHYRSIM_NOWHERE)
		i = stale->top++;
	else
		stale->free = stale->links[i].next;
	stale->links[i].cached = *cached;
	stale->links[i].used = true;
	chain(stale, i);
	stale->cnt++;
	stale->size_cnt[cached->lg2]++;
	return PHYR_OK;
}

void phyrsim_shadow_drop(struct phyrsim_stale *stale, size_t i)
{
	struct phyrsim_link *link = &stale->links[i];
	size_t *at = &stale->heads[bucket_of(stale, link->cached.first, link->cached.lg2)];

	while (*at != i)
		at = &stale->links[*at].next;
	*at = link->next;
	link->used = false;
	link->next = stale->free;
	stale->free = i;
	stale->size_cnt[link->cached.lg2]--;
	if (--stale->cnt == 0) {
		stale->top = 0;
		stale->free = PHYRSIM_NOWHERE;
	}
}

/* At how many places may something of a size be that overlaps a reach? Less one. */
static uint64_t places(struct phyrsim_reach reach, unsigned int lg2)
{
	return (reach.last >> lg2) - (reach.first >> lg2);
}

/* The chain of a place. */
static void go_to(const struct phyrsim_stale *stale, struct phyrsim_cursor *cursor)
{
	cursor->next = stale->heads[bucket_of(stale, cursor->place, cursor->lg2)];
}

/* The first place of the next size that there is, from one on. */
static void go_to_size(const struct phyrsim_stale *stale, struct phyrsim_cursor *cursor,
		       unsigned int lg2)
{
	while (lg2 < LG2_CNT && stale->size_cnt[lg2] == 0)
		lg2++;
	cursor->lg2 = lg2;
	if (lg2 == LG2_CNT)
		return;
	cursor->place = phyr_bits_down(cursor->reach.first, lg2);
	cursor->more = places(cursor->reach, lg2);
	go_to(stale, cursor);
}

void phyrsim_shadow_find(const struct phyrsim_stale *stale, struct phyrsim_reach reach,
			 struct phyrsim_cursor *ret_cursor)
{
	struct phyrsim_cursor cursor = { .reach = reach };
	uint64_t left = stale->top;

	for (unsigned int lg2 = 0; lg2 < LG2_CNT && !cursor.all; lg2++) {
		uint64_t cnt = stale->size_cnt[lg2] ? places(reach, lg2) : 0;

		cursor.all = cnt > left;
		left -= cursor.all ? 0 : cnt;
	}
	if (!cursor.all)
		go_to_size(stale, &cursor, 0);
	*ret_cursor = cursor;
}

static size_t next_of_all(const struct phyrsim_stale *stale, struct phyrsim_cursor *cursor)
{
	while (cursor->next < stale->top) {
		const struct phyrsim_link *link = &stale->links[cursor->next++];

		if (link->used && link->cached.first <= cursor->reach.last &&
		    phyrsim_cached_last(&link->cached) >= cursor->reach.first)
			return cursor->next - 1;
	}
	return PHYRSIM_NOWHERE;
}

size_t phyrsim_shadow_next(const struct phyrsim_stale *stale, struct phyrsim_cursor *cursor)
{
	if (cursor->all)
		return next_of_all(stale, cursor);
	while (cursor->lg2 < LG2_CNT) {
		while (cursor->next != PHYRSIM_NOWHERE) {
			size_t i = cursor->next;
			const struct phyrsim_cached *cached = &stale->links[i].cached;

			cursor->next = stale->links[i].next;
			if (cached->first == cursor->place && cached->lg2 == cursor->lg2)
				return i;
		}
		if (cursor->more == 0) {
			go_to_size(stale, cursor, cursor->lg2 + 1);
			continue;
		}
		cursor->more--;
		cursor->place += phyr_bits_size(cursor->lg2);
		go_to(stale, cursor);
	}
	return PHYRSIM_NOWHERE;
}

int phyrsim_stale_create(const struct phyrsim_stale_params *params,
			 struct phyrsim_stale **ret_stale)
{
	struct phyrsim_stale *stale;

	if (!params || !params->mem || !params->frames || !ret_stale)
		return PHYR_E_INVAL;
	if ((unsigned int)params->personality >= PHYRSIM_PERSONALITY_CNT)
		return PHYR_E_INVAL;
	stale = params->mem->alloc(params->mem->ctx, sizeof(*stale));
	if (!stale)
		return PHYR_E_NOMEM;
	memset(stale, 0, sizeof(*stale));
	stale->mem = params->mem;
	stale->frames = params->frames;
	stale->personality = params->personality;
	stale->caching_mode = params->caching_mode;
	stale->free = PHYRSIM_NOWHERE;
	*ret_stale = stale;
	return PHYR_OK;
}

void phyrsim_stale_destroy(struct phyrsim_stale *stale)
{
	if (!stale)
		return;
	release(stale);
	stale->mem->free(stale->mem->ctx, stale, sizeof(*stale));
}

uint64_t phyrsim_stale_cnt(const struct phyrsim_stale *stale)
{
	return stale->cnt;
}
