/* SPDX-License-Identifier: MIT */
/* Caches: getting slabs from the space, and giving them back. */

#include <string.h>

#include "cache.h"

void phyr_cache_open(struct phyr_iova_cache *cache, struct slab *slab)
{
	slab->prev = NULL;
	slab->next = cache->open[slab->cnt];
	if (slab->next)
		slab->next->prev = slab;
	cache->open[slab->cnt] = slab;
	slab->open = true;
}

void phyr_cache_close(struct phyr_iova_cache *cache, struct slab *slab)
{
	if (slab->next)
		slab->next->prev = slab->prev;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		cache->open[slab->cnt] = slab->next;
	slab->next = slab->prev = NULL;
	slab->open = false;
}

/* Where a slab can be: near the last one, or wherever the placement says. */
static bool find_words(const struct phyr_iova_cache *cache, unsigned int order, uint64_t *ret_first)
{
	static const enum which which[] = { HIGHEST, LOWEST, TIGHTEST, LOWEST };
	const struct tree *tree = &cache->space->tree;
	const struct want *want = &cache->want;
	struct span near = { phyr_bits_down(cache->near, PART_LG2), cache->near | (UNIT_CNT - 1) };

	if (cache->near != UINT64_MAX) {
		if (near.first < want->window.first)
			near.first = want->window.first;
		if (near.last > want->window.last)
			near.last = want->window.last;
		if (near.first <= near.last &&
		    phyr_tree_block(tree, near, order, which[want->fit], ret_first))
			return true;
	}
	return phyr_tree_block(tree, want->window, order, which[want->fit], ret_first);
}

static void attach(struct phyr_iova_space *space, struct slab *slab)
{
	struct span span = { slab->first, slab->first + slab->len - 1 };
	uint64_t free = slab_all(slab);
	struct leaf *leaf;

	/* Before others can find it: they must not take its ranges for handed out. */
	for (unsigned int i = 0; i < SLOT_WORDS; i++)
		atom_store(&slab->free[i], (uintptr_t)(free >> i * SLOT_BITS % 64));
	phyr_tree_take_tiles(&space->tree, span, slab->cnt);
	phyr_space_count(space, slab->len, slab->slots);
	space->cached += slab->len;
	leaf = phyr_tree_leaf(&space->tree, slab->first);
	slab->leaf_next = leaf->slabs;
	leaf->slabs = slab;
}

/* One try, from the most ranges down to what a word holds. As many codes as try_alloc(). */
static int try_attach(struct phyr_iova_cache *cache, struct slab *slab, size_t *ret_leaves,
		      size_t *ret_nodes)
{
	struct phyr_iova_space *space = cache->space;
	unsigned int most = UNIT_CNT / slab->cnt < SLOT_CNT ? UNIT_CNT / slab->cnt : SLOT_CNT;
	unsigned int order = phyr_bits_log2_up((uint64_t)most * slab->cnt);
	int err = PHYR_E_NOSPACE;

	phyr_space_lock(space);
	for (order = order < 6 ? 6 : order; order >= 6 && err == PHYR_E_NOSPACE; order--) {
		unsigned int fit = (1U << order) / slab->cnt;
		struct span span;

		if (!find_words(cache, order, &slab->first))
			continue;
		slab->slots = (uint16_t)(fit < most ? fit : most);
		slab->len = (uint32_t)slab->slots * slab->cnt;
		span = (struct span){ slab->first, slab->first + slab->len - 1 };
		/* A leaf that a slab takes whole must exist, to hold the ends. */
		err = phyr_spares_suffice(space, (struct span){ span.first, span.first },
					  ret_leaves, ret_nodes) ?
			      PHYR_OK :
			      PHYR_E_BUSY;
		if (!err)
			attach(space, slab);
	}
	phyr_space_unlock(space);
	return err;
}

static void adopt(struct phyr_iova_cache *cache, struct slab *slab)
{
	for (uint64_t word = slab->first / 64; word <= (slab->first + slab->len - 1) / 64; word++)
		phyr_table_insert(&cache->table, word, slab);
	slab->free_cnt = slab->slots;
	slab->all_next = cache->all;
	if (cache->all)
		cache->all->all_prev = slab;
	cache->all = slab;
	cache->near = slab->first;
	cache->stats.slab_cnt++;
	cache->stats.metadata_len += sizeof(*slab);
	phyr_cache_open(cache, slab);
}

int phyr_cache_refill(struct phyr_iova_cache *cache, unsigned int cnt)
{
	const struct phyr_mem *mem = cache->space->mem;
	size_t leaves, nodes;
	struct slab *slab;
	int err;

	if (!phyr_table_reserve(cache, WORD_CNT))
		return PHYR_E_NOMEM;
	slab = mem->alloc(mem->ctx, sizeof(*slab));
	if (!slab)
		return PHYR_E_NOMEM;
	memset(slab, 0, sizeof(*slab));
	slab->cache = cache;
	slab->cnt = (uint16_t)cnt;
	slab->inverse = 65536 / cnt + 1;
	while ((err = try_attach(cache, slab, &leaves, &nodes)) == PHYR_E_BUSY) {
		err = phyr_spares_grow(cache->space, leaves, nodes);
		if (err)
			break;
	}
	if (err) {
		mem->free(mem->ctx, slab, sizeof(*slab));
		return err;
	}
	adopt(cache, slab);
	return PHYR_OK;
}

/* What others gave back of one slab. */
static void collect_slab(struct phyr_iova_cache *cache, struct slab *slab)
{
	/* Before the bits: who sets one later queues the slab again. */
	(void)atom_swap(&slab->queued, 0);
	for (unsigned int i = 0; i < SLOT_WORDS; i++) {
		uintptr_t away = atom_swap(&slab->away[i], 0);
		uintptr_t free = atom_load(&slab->free[i]);

		/* Given back here and elsewhere at the same time: once too often. */
		cache->stats.refused_cnt += (uint64_t)__builtin_popcountll(away & free);
		atom_store(&slab->free[i], free | away);
		slab->free_cnt += (uint16_t)__builtin_popcountll(away & ~free);
	}
	if (slab->free_cnt && !slab->open)
		phyr_cache_open(cache, slab);
}

void phyr_cache_collect(struct phyr_iova_cache *cache)
{
	struct slab *slab;

	if (!atom_load(&cache->away))
		return;
	slab = (struct slab *)atom_swap(&cache->away, 0);
	while (slab) {
		struct slab *next = slab->away_next;

		collect_slab(cache, slab);
		slab = next;
	}
}

/* Gives runs of neighbouring free ranges back at once. */
static void give_free(struct phyr_iova_space *space, const struct slab *slab, uint64_t free)
{
	while (free) {
		unsigned int first = phyr_bits_ctz(free);
		uint64_t taken = ~(free >> first);
		unsigned int cnt = phyr_bits_ctz(taken);
		struct span span = { slab->first + (uint64_t)first * slab->cnt, 0 };

		span.last = span.first + (uint64_t)cnt * slab->cnt - 1;
		phyr_tree_give(&space->tree, span);
		space->live -= (uint64_t)cnt * slab->cnt;
		space->live_cnt -= cnt;
		free &= first + cnt < 64 ? UINT64_MAX << (first + cnt) : 0;
	}
}

static void detach(struct phyr_iova_space *space, struct slab *slab)
{
	struct leaf *leaf = phyr_tree_leaf(&space->tree, slab->first);
	struct slab **link = &leaf->slabs;

	while (*link != slab)
		link = &(*link)->leaf_next;
	*link = slab->leaf_next;
	space->cached -= slab->len;
	give_free(space, slab, slab_bits(slab->free));
}

static void forget(struct phyr_iova_cache *cache, struct slab *slab)
{
	const struct phyr_mem *mem = cache->space->mem;

	for (uint64_t word = slab->first / 64; word <= (slab->first + slab->len - 1) / 64; word++)
		phyr_table_remove(&cache->table, word);
	if (slab->open)
		phyr_cache_close(cache, slab);
	if (slab->all_next)
		slab->all_next->all_prev = slab->all_prev;
	if (slab->all_prev)
		slab->all_prev->all_next = slab->all_next;
	else
		cache->all = slab->all_next;
	if (cache->last == slab)
		cache->last = NULL;
	cache->stats.slab_cnt--;
	cache->stats.metadata_len -= sizeof(*slab);
	mem->free(mem->ctx, slab, sizeof(*slab));
}

bool phyr_cache_retire(struct phyr_iova_cache *cache, struct slab *slab)
{
	struct phyr_iova_space *space = cache->space;

	phyr_space_lock(space);
	if (atom_load(&slab->queued)) {
		phyr_space_unlock(space);
		return false;
	}
	detach(space, slab);
	phyr_spares_unlock(space);
	forget(cache, slab);
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
