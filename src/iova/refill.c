/* SPDX-License-Identifier: MIT */
/* Caches: getting strips from the space, and giving them back. */

#include <string.h>

#include "cache.h"

void phyr_cache_open(struct phyr_iova_cache *cache, struct strip *strip)
{
	struct strip *first = cache->open[strip->cnt];

	if (first && !strip_bits(first->free))
		phyr_cache_close(cache, first);
	strip->prev = NULL;
	strip->next = cache->open[strip->cnt];
	if (strip->next)
		strip->next->prev = strip;
	cache->open[strip->cnt] = strip;
	strip->open = true;
}

void phyr_cache_close(struct phyr_iova_cache *cache, struct strip *strip)
{
	if (strip->next)
		strip->next->prev = strip->prev;
	if (strip->prev)
		strip->prev->next = strip->next;
	else
		cache->open[strip->cnt] = strip->next;
	strip->next = strip->prev = NULL;
	strip->open = false;
}

/* Where a strip can be: near the last one, or wherever the placement says. */
static bool find_words(const struct phyr_iova_cache *cache, unsigned int order, uint64_t *ret_first)
{
	const struct phyr_iova_space *space = cache->space;
	struct want near = cache->want;

	if (cache->near != UINT64_MAX) {
		near.window.first = phyr_bits_down(cache->near, PART_LG2);
		near.window.last = cache->near | (UNIT_CNT - 1);
		if (near.window.first < cache->want.window.first)
			near.window.first = cache->want.window.first;
		if (near.window.last > cache->want.window.last)
			near.window.last = cache->want.window.last;
		if (near.window.first <= near.window.last &&
		    phyr_space_block(space, &near, order, ret_first))
			return true;
	}
	return phyr_space_block(space, &cache->want, order, ret_first);
}

static void attach(struct phyr_iova_space *space, struct strip *strip)
{
	struct span span = { strip->first, strip->first + strip->len - 1 };
	unsigned int lg2 = space->granule_lg2;
	struct part *leaf;

	strip->addr = strip->first << lg2;
	strip->addr_len = strip->len << lg2;
	strip->range_len = (uint32_t)strip->cnt << lg2;
	strip->inverse = (uint32_t)((UINT64_C(1) << 32) / strip->range_len + 1);
	strip->all = UINT64_MAX >> (SLOT_CNT - strip->slots);
	/* Before others can find it: they must not take its ranges for handed out. */
	for (unsigned int i = 0; i < SLOT_WORDS; i++)
		atom_store(&strip->free[i], (uintptr_t)(strip->all >> i * SLOT_BITS % 64));
	phyr_tree_take_tiles(&space->tree, span, strip->cnt);
	phyr_space_count(space, strip->len, strip->slots);
	space->cached += strip->len;
	leaf = phyr_tree_leaf(&space->tree, strip->first);
	strip->leaf_next = leaf->strips;
	leaf->strips = strip;
}

/* One try, from the most ranges down to what a word holds. As many codes as try_alloc(). */
static int try_attach(struct phyr_iova_cache *cache, struct strip *strip, struct need *ret_need)
{
	struct phyr_iova_space *space = cache->space;
	unsigned int most = UNIT_CNT / strip->cnt < SLOT_CNT ? UNIT_CNT / strip->cnt : SLOT_CNT;
	unsigned int order = phyr_bits_log2_up((uint64_t)most * strip->cnt);
	int err = PHYR_E_NOSPACE;

	phyr_space_lock(space);
	for (order = order < 6 ? 6 : order; order >= 6 && err == PHYR_E_NOSPACE; order--) {
		unsigned int fit = (1U << order) / strip->cnt;
		struct span span;

		if (!find_words(cache, order, &strip->first))
			continue;
		strip->slots = (uint16_t)(fit < most ? fit : most);
		strip->len = (uint32_t)strip->slots * strip->cnt;
		span = (struct span){ strip->first, strip->first + strip->len - 1 };
		/* A leaf that a strip takes whole must exist, to hold the ends. */
		err = phyr_spares_suffice(space, (struct span){ span.first, span.first },
					  ret_need) ?
			      PHYR_OK :
			      PHYR_E_BUSY;
		if (!err)
			attach(space, strip);
	}
	phyr_space_unlock(space);
	return err;
}

static void adopt(struct phyr_iova_cache *cache, struct strip *strip)
{
	for (uint64_t word = strip->first / 64; word <= (strip->first + strip->len - 1) / 64;
	     word++)
		phyr_table_insert(&cache->table, word, strip);
	strip->all_next = cache->all;
	if (cache->all)
		cache->all->all_prev = strip;
	cache->all = strip;
	cache->near = strip->first;
	cache->stats.strip_cnt++;
	cache->stats.metadata_len += sizeof(*strip);
	phyr_cache_open(cache, strip);
}

int phyr_cache_refill(struct phyr_iova_cache *cache, unsigned int cnt)
{
	const struct phyr_mem *mem = cache->space->mem;
	struct need need;
	struct strip *strip;
	int err;

	if (!phyr_table_reserve(cache, WORD_CNT))
		return PHYR_E_NOMEM;
	strip = mem->alloc(mem->ctx, sizeof(*strip));
	if (!strip)
		return PHYR_E_NOMEM;
	memset(strip, 0, sizeof(*strip));
	strip->cache = cache;
	strip->cnt = (uint16_t)cnt;
	while ((err = try_attach(cache, strip, &need)) == PHYR_E_BUSY) {
		err = phyr_spares_grow(cache->space, &need);
		if (err)
			break;
	}
	if (err) {
		mem->free(mem->ctx, strip, sizeof(*strip));
		return err;
	}
	adopt(cache, strip);
	return PHYR_OK;
}

/* What others gave back of one strip. */
static void collect_strip(struct phyr_iova_cache *cache, struct strip *strip)
{
	/* Before the bits: who sets one later queues the strip again. */
	(void)atom_swap(&strip->queued, 0);
	for (unsigned int i = 0; i < SLOT_WORDS; i++) {
		uintptr_t away = atom_swap(&strip->away[i], 0);
		uintptr_t free = atom_load(&strip->free[i]);

		/* Given back here and elsewhere at the same time: once too often. */
		cache->stats.refused_cnt += (uint64_t)__builtin_popcountll(away & free);
		atom_store(&strip->free[i], free | away);
	}
	if (!strip->open && strip_bits(strip->free))
		phyr_cache_open(cache, strip);
}

void phyr_cache_collect(struct phyr_iova_cache *cache)
{
	struct strip *strip;

	if (!atom_load(&cache->away))
		return;
	strip = (struct strip *)atom_swap(&cache->away, 0);
	while (strip) {
		struct strip *next = strip->away_next;

		collect_strip(cache, strip);
		strip = next;
	}
}

/* Gives runs of neighbouring free ranges back at once. */
static void give_free(struct phyr_iova_space *space, const struct strip *strip, uint64_t free)
{
	while (free) {
		unsigned int first = phyr_bits_ctz(free);
		uint64_t taken = ~(free >> first);
		unsigned int cnt = phyr_bits_ctz(taken);
		struct span span = { strip->first + (uint64_t)first * strip->cnt, 0 };

		span.last = span.first + (uint64_t)cnt * strip->cnt - 1;
		phyr_tree_give(&space->tree, span);
		space->live -= (uint64_t)cnt * strip->cnt;
		space->live_cnt -= cnt;
		free &= first + cnt < 64 ? UINT64_MAX << (first + cnt) : 0;
	}
}

static void detach(struct phyr_iova_space *space, struct strip *strip)
{
	struct part *leaf = phyr_tree_leaf(&space->tree, strip->first);
	struct strip **link = &leaf->strips;

	while (*link != strip)
		link = &(*link)->leaf_next;
	*link = strip->leaf_next;
	space->cached -= strip->len;
	give_free(space, strip, strip_bits(strip->free));
}

static void forget(struct phyr_iova_cache *cache, struct strip *strip)
{
	const struct phyr_mem *mem = cache->space->mem;

	for (uint64_t word = strip->first / 64; word <= (strip->first + strip->len - 1) / 64;
	     word++)
		phyr_table_remove(&cache->table, word);
	if (strip->open)
		phyr_cache_close(cache, strip);
	if (strip->all_next)
		strip->all_next->all_prev = strip->all_prev;
	if (strip->all_prev)
		strip->all_prev->all_next = strip->all_next;
	else
		cache->all = strip->all_next;
	if (cache->last == strip)
		cache->last = NULL;
	cache->stats.strip_cnt--;
	cache->stats.metadata_len -= sizeof(*strip);
	mem->free(mem->ctx, strip, sizeof(*strip));
}

bool phyr_cache_retire(struct phyr_iova_cache *cache, struct strip *strip)
{
	struct phyr_iova_space *space = cache->space;

	phyr_space_lock(space);
	if (atom_load(&strip->queued)) {
		phyr_space_unlock(space);
		return false;
	}
	detach(space, strip);
	phyr_spares_unlock(space);
	forget(cache, strip);
	return true;
}

int phyr_cache_flush(struct phyr_iova_cache *cache)
{
	struct phyr_iova_space *space = cache->space;
	int first_err = PHYR_OK;

	phyr_space_lock(space);
	for (size_t i = 0; i < cache->foreign_cnt; i++) {
		int err = phyr_space_free(space, cache->foreign[i]);

		cache->stats.refused_cnt += err != PHYR_OK;
		first_err = first_err ? first_err : err;
	}
	phyr_spares_unlock(space);
	cache->foreign_cnt = 0;
	return first_err;
}

int phyr_cache_drain(struct phyr_iova_cache *cache)
{
	int err = phyr_cache_flush(cache);

	while (cache->all) {
		phyr_cache_collect(cache);
		(void)phyr_cache_retire(cache, cache->all);
	}
	return err;
}

int phyr_iova_cache_drain(struct phyr_iova_cache *cache)
{
	return cache ? phyr_cache_drain(cache) : PHYR_E_INVAL;
}

void phyr_iova_cache_destroy(struct phyr_iova_cache *cache)
{
	const struct phyr_mem *mem;

	if (!cache)
		return;
	(void)phyr_cache_drain(cache);
	mem = cache->space->mem;
	if (cache->table.cap)
		mem->free(mem->ctx, cache->table.entries,
			  cache->table.cap * sizeof(*cache->table.entries));
	mem->free(mem->ctx, cache, sizeof(*cache));
}
