/* SPDX-License-Identifier: MIT */
/*
 * The set of what may be cached: an array, and a hash over it so that nothing is held twice.
 *
 * Not here: what goes in or out (stale.c).
 */
#include "shadow.h"

#include <string.h>

#define ROOM_MIN 64
#define NOWHERE SIZE_MAX

static bool equal(const struct phyrsim_cached *a, const struct phyrsim_cached *b)
{
	return a->first == b->first && a->pa == b->pa && a->lg2 == b->lg2 && a->perm == b->perm &&
	       a->table == b->table;
}

static size_t bucket_of(const struct phyrsim_stale *stale, const struct phyrsim_cached *cached)
{
	uint64_t hash =
		(cached->first ^ cached->pa << 20 ^ cached->lg2) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (stale->room - 1);
}

static void chain(struct phyrsim_stale *stale, size_t i)
{
	size_t bucket = bucket_of(stale, &stale->links[i].cached);

	stale->links[i].next = stale->heads[bucket];
	stale->heads[bucket] = i;
}

static void chain_all(struct phyrsim_stale *stale)
{
	for (size_t i = 0; i < stale->room; i++)
		stale->heads[i] = NOWHERE;
	for (size_t i = 0; i < stale->cnt; i++)
		chain(stale, i);
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
	if (stale->cnt)
		memcpy(larger.links, stale->links, stale->cnt * sizeof(*larger.links));
	release(stale);
	*stale = larger;
	chain_all(stale);
	return PHYR_OK;
}

static bool holds(const struct phyrsim_stale *stale, const struct phyrsim_cached *cached)
{
	size_t i = stale->room ? stale->heads[bucket_of(stale, cached)] : NOWHERE;

	while (i != NOWHERE && !equal(&stale->links[i].cached, cached))
		i = stale->links[i].next;
	return i != NOWHERE;
}

int phyrsim_shadow_add(struct phyrsim_stale *stale, const struct phyrsim_cached *cached)
{
	if (holds(stale, cached))
		return PHYR_OK;
	if (stale->cnt == stale->room && grow(stale) != PHYR_OK)
		return PHYR_E_NOMEM;
	stale->links[stale->cnt].cached = *cached;
	chain(stale, stale->cnt++);
	return PHYR_OK;
}

void phyrsim_shadow_filter(struct phyrsim_stale *stale,
			   bool (*keep)(const struct phyrsim_stale *stale,
					const struct phyrsim_cached *cached, const void *ctx),
			   const void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < stale->cnt; i++) {
		if (keep(stale, &stale->links[i].cached, ctx))
			stale->links[kept++] = stale->links[i];
	}
	if (kept == stale->cnt)
		return;
	stale->cnt = kept;
	chain_all(stale);
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
