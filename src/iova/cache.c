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
static inline bool pop(struct phyr_iova_cache *cache, struct strip *strip, uint64_t *ret_first)
{
	for (unsigned int word = 0; word < SLOT_WORDS; word++) {
		uintptr_t free = atom_load(&strip->free[word]);
		uintptr_t left = free & (free - 1);
		unsigned int slot = phyr_bits_ctz(free);

		/* Hardly ever; apart, so that all else hangs on one word only. */
		if (free & atom_load(&strip->away[word])) {
			slot = phyr_bits_ctz(free & ~atom_load(&strip->away[word]));
			left = slot < SLOT_BITS ? free & ~((uintptr_t)1 << slot) : free;
		}
		if (left == free)
			continue;
		atom_store(&strip->free[word], left);
		if (--strip->free_cnt == 0)
			phyr_cache_close(cache, strip);
		cache->last = strip;
		slot += word * (unsigned int)SLOT_BITS;
		*ret_first = strip->first + (uint64_t)slot * strip->cnt;
		return true;
	}
	return false;
}

static struct phyr_iova_range range_of(const struct phyr_iova_cache *cache, uint64_t first,
				       uint64_t cnt)
{
	return space_range(cache->space, (struct span){ first, first + (cnt - 1) });
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

static bool pop_open(struct phyr_iova_cache *cache, uint64_t cnt, uint64_t *ret_first)
{
	return cache->open[cnt] && pop(cache, cache->open[cnt], ret_first);
}

static SLOW int alloc_slowly(struct phyr_iova_cache *cache, uint64_t len, uint64_t cnt,
			     struct phyr_iova_range *ret_range)
{
	bool tiles = cnt && cnt <= SLOT_CNT && cache->cacheable & bit_of((unsigned int)cnt - 1);
	uint64_t first;

	if (tiles)
		phyr_cache_collect(cache);
	if (tiles && pop_open(cache, cnt, &first)) {
		cache->stats.hit_cnt++;
	} else {
		cache->stats.miss_cnt++;
		if (!tiles || phyr_cache_refill(cache, (unsigned int)cnt) ||
		    !pop_open(cache, cnt, &first))
			return pass_on(cache, len, ret_range);
	}
	*ret_range = range_of(cache, first, cnt);
	return PHYR_OK;
}

int phyr_iova_cache_alloc(struct phyr_iova_cache *cache, uint64_t len,
			  struct phyr_iova_range *ret_range)
{
	uint64_t cnt, first;

	if (!cache || !ret_range || len == 0)
		return PHYR_E_INVAL;
	cnt = ((len - 1) >> cache->space->granule_lg2) + 1;
	if (cnt > SLOT_CNT || !pop_open(cache, cnt, &first))
		return alloc_slowly(cache, len, cnt, ret_range);
	*ret_range = range_of(cache, first, cnt);
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

static int free_own(struct phyr_iova_cache *cache, struct strip *strip,
		    struct phyr_iova_range range)
{
	unsigned int slot;
	uintptr_t bit, free, away;

	if (!strip_slot(strip, range.iova.addr >> cache->space->granule_lg2, &slot))
		return refuse(cache, PHYR_E_NOENT);
	bit = (uintptr_t)1 << slot % SLOT_BITS;
	free = atom_load(&strip->free[slot / SLOT_BITS]);
	away = atom_load(&strip->away[slot / SLOT_BITS]);
	if ((free | away) & bit)
		return refuse(cache, PHYR_E_NOENT);
	if (range.len != (uint64_t)strip->cnt << cache->space->granule_lg2)
		return refuse(cache, PHYR_E_PARTIAL);
	atom_store(&strip->free[slot / SLOT_BITS], free | bit);
	cache->last = strip;
	cache->stats.own_cnt++;
	if (++strip->free_cnt == 1)
		phyr_cache_open(cache, strip);
	/* It is free whole, and not the last that has room. */
	if (strip->free_cnt == strip->slots && (strip->next || strip->prev))
		(void)phyr_cache_retire(cache, strip);
	return PHYR_OK;
}

int phyr_iova_cache_free(struct phyr_iova_cache *cache, struct phyr_iova_range range)
{
	struct strip *strip;
	uint64_t granule;

	if (!cache)
		return PHYR_E_INVAL;
	granule = range.iova.addr >> cache->space->granule_lg2;
	strip = cache->last;
	if (!strip || granule - strip->first >= strip->len) {
		strip = phyr_table_find(&cache->table, granule / 64);
		if (!strip || granule - strip->first >= strip->len)
			return free_foreign(cache, range);
	}
	if (!phyr_bits_aligned(range.iova.addr, cache->space->granule_lg2))
		return refuse(cache, PHYR_E_NOENT);
	return free_own(cache, strip, range);
}
