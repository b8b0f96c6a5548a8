/* SPDX-License-Identifier: MIT */
/*
 * What was freed and not given back to the tree: two magazines a bin on each CPU, and depots.
 *
 * A spare magazine is what keeps a CPU that frees and allocates around a full magazine from going
 * to the depot each time. Depots grow without bound; time alone makes them shorter (the worker), and
 * a search that finds no room empties everything.
 *
 * Not here: the search (place.c).
 */
#include "iova.h"

static struct phyrsim_linux_magazine *new_magazine(struct phyrsim_linux_iova *iova)
{
	struct phyrsim_linux_magazine *magazine;

	magazine = iova->mem->alloc(iova->mem->ctx, sizeof(*magazine));
	if (!magazine)
		return NULL;
	magazine->next = NULL;
	magazine->cnt = 0;
	iova->stats.magazine_cnt++;
	return magazine;
}

static void free_magazine(struct phyrsim_linux_iova *iova, struct phyrsim_linux_magazine *magazine)
{
	if (!magazine)
		return;
	iova->mem->free(iova->mem->ctx, magazine, sizeof(*magazine));
	iova->stats.magazine_cnt--;
}

static void empty(struct phyrsim_linux_iova *iova, struct phyrsim_linux_magazine *magazine)
{
	for (unsigned int i = 0; i < magazine->cnt; i++)
		phyrsim_linux_displace(iova, magazine->nodes[i]);
	magazine->cnt = 0;
}

static void swap(struct phyrsim_linux_iova *iova, struct phyrsim_linux_cache *cache)
{
	struct phyrsim_linux_magazine *loaded = cache->loaded;

	cache->loaded = cache->spare;
	cache->spare = loaded;
	iova->stats.swap_cnt++;
}

static void depot_push(struct phyrsim_linux_iova *iova, unsigned int bin,
		       struct phyrsim_linux_magazine *magazine)
{
	struct phyrsim_linux_depot *depot = &iova->depots[bin];

	magazine->next = depot->top;
	depot->top = magazine;
	depot->cnt++;
}

static struct phyrsim_linux_magazine *depot_pop(struct phyrsim_linux_iova *iova, unsigned int bin)
{
	struct phyrsim_linux_depot *depot = &iova->depots[bin];
	struct phyrsim_linux_magazine *magazine = depot->top;

	if (!magazine)
		return NULL;
	depot->top = magazine->next;
	depot->cnt--;
	return magazine;
}

bool phyrsim_linux_caches_init(struct phyrsim_linux_iova *iova)
{
	for (size_t i = 0; i < (size_t)iova->cpu_cnt * PHYRSIM_LINUX_BIN_CNT; i++) {
		iova->caches[i].loaded = new_magazine(iova);
		iova->caches[i].spare = new_magazine(iova);
		if (!iova->caches[i].loaded || !iova->caches[i].spare)
			return false;
	}
	return true;
}

void phyrsim_linux_caches_fini(struct phyrsim_linux_iova *iova)
{
	for (size_t i = 0; i < (size_t)iova->cpu_cnt * PHYRSIM_LINUX_BIN_CNT; i++) {
		free_magazine(iova, iova->caches[i].loaded);
		free_magazine(iova, iova->caches[i].spare);
	}
	for (unsigned int bin = 0; bin < PHYRSIM_LINUX_BIN_CNT; bin++)
		while (iova->depots[bin].top)
			free_magazine(iova, depot_pop(iova, bin));
}

/* Sees to it that the loaded magazine has something; false when nothing is near. */
static bool load(struct phyrsim_linux_iova *iova, struct phyrsim_linux_cache *cache,
		 unsigned int bin)
{
	struct phyrsim_linux_magazine *full;

	if (cache->loaded->cnt)
		return true;
	if (cache->spare->cnt) {
		swap(iova, cache);
		return true;
	}
	full = depot_pop(iova, bin);
	if (!full)
		return false;
	free_magazine(iova, cache->loaded);
	cache->loaded = full;
	iova->stats.depot_pop_cnt++;
	return true;
}

/* Takes the topmost range that begins low enough; the gap is filled from the top. */
static struct phyrsim_linux_node *take(struct phyrsim_linux_magazine *magazine,
				       struct phyrsim_linux_want want)
{
	for (unsigned int i = magazine->cnt; want.page_cnt <= want.end && i-- > 0;) {
		struct phyrsim_linux_node *node = magazine->nodes[i];

		if (node->first <= want.end - want.page_cnt) {
			magazine->nodes[i] = magazine->nodes[--magazine->cnt];
			return node;
		}
	}
	return NULL;
}

struct phyrsim_linux_node *phyrsim_linux_cache_get(struct phyrsim_linux_iova *iova,
						   unsigned int cpu, struct phyrsim_linux_want want)
{
	unsigned int bin = phyrsim_linux_bin(want.page_cnt);
	struct phyrsim_linux_cache *cache;
	struct phyrsim_linux_node *node = NULL;

	if (bin == PHYRSIM_LINUX_NO_BIN)
		return NULL;
	cache = phyrsim_linux_cache(iova, cpu, bin);
	if (load(iova, cache, bin)) {
		node = take(cache->loaded, want);
		iova->stats.limit_miss_cnt += !node;
	}
	if (!node) {
		iova->stats.miss_cnt++;
		return NULL;
	}
	iova->stats.hit_cnt++;
	phyrsim_linux_hand_over(iova, node, PHYRSIM_LINUX_LIVE);
	return node;
}

/* Sees to it that the loaded magazine has room; false without memory. */
static bool unload(struct phyrsim_linux_iova *iova, struct phyrsim_linux_cache *cache,
		   unsigned int bin)
{
	struct phyrsim_linux_magazine *fresh;

	if (cache->loaded->cnt < PHYRSIM_LINUX_MAGAZINE_CNT)
		return true;
	if (cache->spare->cnt < PHYRSIM_LINUX_MAGAZINE_CNT) {
		swap(iova, cache);
		return true;
	}
	fresh = new_magazine(iova);
	if (!fresh)
		return false;
	depot_push(iova, bin, cache->loaded);
	cache->loaded = fresh;
	iova->stats.depot_push_cnt++;
	return true;
}

bool phyrsim_linux_cache_put(struct phyrsim_linux_iova *iova, struct phyrsim_linux_cache *cache,
			     struct phyrsim_linux_node *node, unsigned int bin)
{
	if (!unload(iova, cache, bin))
		return false;
	cache->loaded->nodes[cache->loaded->cnt++] = node;
	phyrsim_linux_hand_over(iova, node, PHYRSIM_LINUX_CACHED);
	return true;
}

void phyrsim_linux_caches_flush(struct phyrsim_linux_iova *iova)
{
	struct phyrsim_linux_magazine *magazine;

	for (size_t i = 0; i < (size_t)iova->cpu_cnt * PHYRSIM_LINUX_BIN_CNT; i++) {
		empty(iova, iova->caches[i].loaded);
		empty(iova, iova->caches[i].spare);
	}
	for (unsigned int bin = 0; bin < PHYRSIM_LINUX_BIN_CNT; bin++) {
		while ((magazine = depot_pop(iova, bin))) {
			empty(iova, magazine);
			free_magazine(iova, magazine);
		}
	}
	iova->stats.flush_cnt++;
}

void phyrsim_linux_iova_tick(struct phyrsim_linux_iova *iova)
{
	for (unsigned int bin = 0; bin < PHYRSIM_LINUX_BIN_CNT; bin++) {
		struct phyrsim_linux_magazine *magazine;

		if (iova->depots[bin].cnt <= iova->cpu_cnt)
			continue;
		magazine = depot_pop(iova, bin);
		empty(iova, magazine);
		free_magazine(iova, magazine);
		iova->stats.depot_trim_cnt++;
	}
}
