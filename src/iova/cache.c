/* SPDX-License-Identifier: MIT */
/* Caches: what their owners do without the space. */

#include "cache.h"

/* Kept out of the common path, which then needs hardly a register. */
#define SLOW __attribute__((noinline))

#include <string.h>

/* Which lengths tile a strip so that every range of it satisfies the placement. */
static uint64_t cacheable(const struct want *want)
{
	uint64_t set = 0;

	for (unsigned int cnt = 1; cnt <= PHYR_IOVA_CACHE_MAX; cnt++) {
		bool power = (cnt & (cnt - 1)) == 0;
		bool aligned = want->phase == 0 && phyr_bits_aligned(cnt, want->align_lg2);
		bool inside = !want->bounded ||
			      (power && phyr_bits_log2(cnt) <= want->boundary_lg2);

		if (aligned && inside)
			set |= bit_of(cnt - 1);
	}
	return set;
}

int phyr_iova_cache_create(struct phyr_iova_space *space, const struct phyr_placement *placement,
			   struct phyr_iova_cache **ret_cache)
{
	struct phyr_iova_cache *cache;
	struct want want;
	int err;

	if (!space || !ret_cache)
		return PHYR_E_INVAL;
	err = phyr_want_init(space, 1, placement, &want);
	if (err)
		return err;
	cache = space->mem->alloc(space->mem->ctx, sizeof(*cache));
	if (!cache)
		return PHYR_E_NOMEM;
	memset(cache, 0, sizeof(*cache));
	cache->space = space;
	cache->placement = placement ? *placement : phyr_placement_any();
	cache->want = want;
	cache->cacheable = cacheable(&want);
	cache->near = UINT64_MAX;
	cache->stats.metadata_len = sizeof(*cache);
	*ret_cache = cache;
	return PHYR_OK;
}

/*
 * Takes a free range of a strip. One that somebody else gives back at the same time, wrongly, is not
 * touched until it has been collected; false when there is no other.
 */
static inline bool pop(struct phyr_iova_cache *cache, struct strip *strip,
		       struct phyr_iova_range *ret_range)
{
	uint64_t free = strip_bits(strip->free);
	uint64_t whole = free & ~strip_bits(strip->away);
	unsigned int slot;

	if (!whole)
		return false;
	slot = phyr_bits_ctz(whole);
	strip_store(strip->free, slot, free ^ (whole & (0 - whole)));
	cache->last = strip;
	ret_range->iova.addr = strip->addr + slot * strip->range_len;
	ret_range->len = strip->range_len;
	return true;
}

/* Asks the space itself; when it has no room, once more with this cache empty. */
static int pass_on(struct phyr_iova_cache *cache, uint64_t len, struct phyr_iova_range *ret_range)
{
	int err = phyr_iova_alloc(cache->space, len, &cache->placement, ret_range);

	if (err != PHYR_E_NOSPACE || (!cache->all && !cache->foreign_cnt))
		return err;
	/* Wrong frees that come to light now are counted; the request is another matter. */
	(void)phyr_cache_drain(cache);
	return phyr_iova_alloc(cache->space, len, &cache->placement, ret_range);
}

/* Takes a range of any strip in a list, and those out that have none. */
static bool pop_any(struct phyr_iova_cache *cache, uint64_t cnt, struct phyr_iova_range *ret_range)
{
	while (cache->open[cnt]) {
		if (pop(cache, cache->open[cnt], ret_range))
			return true;
		phyr_cache_close(cache, cache->open[cnt]);
	}
	return false;
}

static SLOW int alloc_slowly(struct phyr_iova_cache *cache, uint64_t len, uint64_t cnt,
			     struct phyr_iova_range *ret_range)
{
	bool tiles = cnt && cnt <= SLOT_CNT && cache->cacheable & bit_of((unsigned int)cnt - 1);
	bool hit = tiles && pop_any(cache, cnt, ret_range);

	if (tiles && !hit) {
		phyr_cache_collect(cache);
		hit = pop_any(cache, cnt, ret_range);
	}
	if (hit) {
		cache->stats.hit_cnt++;
		return PHYR_OK;
	}
	cache->stats.miss_cnt++;
	if (!tiles || phyr_cache_refill(cache, (unsigned int)cnt) ||
	    !pop_any(cache, cnt, ret_range))
		return pass_on(cache, len, ret_range);
	return PHYR_OK;
}

int phyr_iova_cache_alloc(struct phyr_iova_cache *cache, uint64_t len,
			  struct phyr_iova_range *ret_range)
{
	uint64_t cnt;

	if (!cache || !ret_range || len == 0)
		return PHYR_E_INVAL;
	cnt = ((len - 1) >> cache->space->granule_lg2) + 1;
	if (cnt > SLOT_CNT || !cache->open[cnt] || !pop(cache, cache->open[cnt], ret_range))
		return alloc_slowly(cache, len, cnt, ret_range);
	cache->stats.hit_cnt++;
	return PHYR_OK;
}

static SLOW int free_foreign(struct phyr_iova_cache *cache, struct phyr_iova_range range)
{
	cache->foreign[cache->foreign_cnt++] = range;
	cache->stats.foreign_cnt++;
	/* What is wrong with others is counted, but this range may be right. */
	if (cache->foreign_cnt == FOREIGN_CNT)
		(void)phyr_cache_flush(cache);
	return PHYR_OK;
}

static SLOW int refuse(struct phyr_iova_cache *cache, int err)
{
	cache->stats.refused_cnt++;
	return err;
}

/* Is a strip in the list, other than this, with free ranges? */
static bool has_mate(const struct strip *strip)
{
	return strip->next || (strip->prev && strip_bits(strip->prev->free));
}

/* Puts a strip where it belongs that has got a free range. */
static SLOW int settle(struct phyr_iova_cache *cache, struct strip *strip)
{
	if (!strip->open)
		phyr_cache_open(cache, strip);
	if (strip_bits(strip->free) == strip->all && has_mate(strip))
		(void)phyr_cache_retire(cache, strip);
	return PHYR_OK;
}

static inline int free_own(struct phyr_iova_cache *cache, struct strip *strip,
			   struct phyr_iova_range range)
{
	unsigned int slot;
	uint64_t bit, free;

	if (!strip_slot(strip, range.iova.addr, &slot))
		return refuse(cache, PHYR_E_NOENT);
	bit = bit_of(slot);
	free = strip_bits(strip->free);
	if ((free | strip_bits(strip->away)) & bit)
		return refuse(cache, PHYR_E_NOENT);
	if (range.len != strip->range_len)
		return refuse(cache, PHYR_E_PARTIAL);
	free |= bit;
	strip_store(strip->free, slot, free);
	cache->stats.own_cnt++;
	if (!strip->open || (free == strip->all && (strip->next || strip->prev)))
		return settle(cache, strip);
	return PHYR_OK;
}

static SLOW int free_elsewhere(struct phyr_iova_cache *cache, struct phyr_iova_range range)
{
	uint64_t granule = range.iova.addr >> cache->space->granule_lg2;
	struct strip *strip = phyr_table_find(&cache->table, granule / 64);

	if (!strip || granule - strip->first >= strip->len)
		return free_foreign(cache, range);
	cache->last = strip;
	return free_own(cache, strip, range);
}

int phyr_iova_cache_free(struct phyr_iova_cache *cache, struct phyr_iova_range range)
{
	struct strip *strip;

	if (!cache)
		return PHYR_E_INVAL;
	strip = cache->last;
	if (!strip || range.iova.addr - strip->addr >= strip->addr_len)
		return free_elsewhere(cache, range);
	return free_own(cache, strip, range);
}
