/* SPDX-License-Identifier: MIT */
/* Runs by their keys: chains through the runs themselves, so nothing is ever allocated. */

#include "bounce.h"

static bool same(struct phyr_bounce_key a, struct phyr_bounce_key b)
{
	return a.owner == b.owner && a.iova.addr == b.iova.addr;
}

/* The high bits of a product: addresses differ in bits 12 and above. */
static size_t hash(const struct phyr_bounce *pool, struct phyr_bounce_key key)
{
	uint64_t mixed = key.iova.addr ^ (uintptr_t)key.owner * UINT64_C(0xbf58476d1ce4e5b9);

	mixed *= UINT64_C(0x9e3779b97f4a7c15);
	return pool->head_lg2 ? (size_t)(mixed >> (64 - pool->head_lg2)) : 0;
}

uint32_t *phyr_bounce_link(struct phyr_bounce *pool, struct phyr_bounce_key key)
{
	uint32_t *link = &pool->heads[hash(pool, key)];

	while (*link != NO_RUN && !same(pool->runs[*link].key, key))
		link = &pool->runs[*link].next;
	return link;
}
