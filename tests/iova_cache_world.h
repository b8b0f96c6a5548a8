/* SPDX-License-Identifier: MIT */
/* One-line calls on caches of I/O addresses, for the unit tests; next to iova_world.h. */
#ifndef PHYR_TEST_IOVA_CACHE_WORLD_H
#define PHYR_TEST_IOVA_CACHE_WORLD_H

#include "iova_world.h"

static inline struct phyr_iova_cache *open_cache(struct fixture *f,
						 const struct phyr_placement *placement)
{
	struct phyr_iova_cache *cache = NULL;

	assert_int_equal(phyr_iova_cache_create(f->space, placement, &cache), PHYR_OK);
	assert_non_null(cache);
	return cache;
}

static inline struct phyr_iova_cache_stats told_by(struct phyr_iova_cache *cache)
{
	struct phyr_iova_cache_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_iova_cache_stats(cache, &stats);
	return stats;
}

/** The cache audits itself, and the space knows what it holds. */
static inline void expect_cache_sound(const struct fixture *f, struct phyr_iova_cache *cache)
{
	const char *reason = "untouched";

	if (!phyr_iova_cache_validate(cache, &reason))
		fail_msg("%s", reason);
	assert_string_equal(reason, "untouched");
	assert_true(told_by(cache).held_len <= stats_of(f).cached_len);
	expect_sound(f);
}

/** The only cache of its space; whose memory is the space's and its own. */
static inline void expect_only_cache(const struct fixture *f, struct phyr_iova_cache *cache)
{
	expect_cache_sound(f, cache);
	assert_int_equal(stats_of(f).metadata_len + told_by(cache).metadata_len, f->mem.live_len);
}

static inline void close_cache(const struct fixture *f, struct phyr_iova_cache *cache)
{
	expect_cache_sound(f, cache);
	phyr_iova_cache_destroy(cache);
}

/** Takes pages and says where. */
static inline uint64_t cache_take(struct phyr_iova_cache *cache, uint64_t page_cnt)
{
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_cache_alloc(cache, page_cnt * PAGE, &range), PHYR_OK);
	assert_int_equal(range.len, page_cnt * PAGE);
	return range.iova.addr;
}

static inline void cache_refuse(struct phyr_iova_cache *cache, uint64_t len, int err)
{
	struct phyr_iova_range range = { { 0x123 }, 0x456 };

	assert_int_equal(phyr_iova_cache_alloc(cache, len, &range), err);
	assert_int_equal(range.iova.addr, 0x123);
	assert_int_equal(range.len, 0x456);
	assert_true(phyr_iova_cache_validate(cache, NULL));
}

static inline void cache_give(struct phyr_iova_cache *cache, uint64_t iova, uint64_t page_cnt)
{
	assert_int_equal(phyr_iova_cache_free(cache, pages_at(iova, page_cnt)), PHYR_OK);
}

static inline void drain(struct phyr_iova_cache *cache)
{
	assert_int_equal(phyr_iova_cache_drain(cache), PHYR_OK);
	assert_int_equal(told_by(cache).held_len, 0);
	assert_int_equal(told_by(cache).strip_cnt, 0);
}

/** A wrong free that is noticed at once, and changes nothing. */
static inline void cache_refuse_free(const struct fixture *f, struct phyr_iova_cache *cache,
				     struct phyr_iova_range range, int err)
{
	struct phyr_iova_cache_stats before = told_by(cache);
	struct phyr_iova_stats space_before = stats_of(f);

	assert_int_equal(phyr_iova_cache_free(cache, range), err);
	assert_int_equal(told_by(cache).refused_cnt - before.refused_cnt, 1);
	assert_int_equal(told_by(cache).held_len, before.held_len);
	assert_int_equal(told_by(cache).own_cnt, before.own_cnt);
	expect_unchanged(f, &space_before);
	expect_cache_sound(f, cache);
}

/** The definition of a placement in base.h. */
static inline void expect_placed(const struct phyr_placement *p, uint64_t iova, uint64_t page_cnt)
{
	uint64_t last = iova + (page_cnt * PAGE - 1);

	assert_true(iova >= p->window.first.addr && last <= p->window.last.addr);
	assert_true(phyr_bits_aligned(iova - p->phase, p->phase_lg2));
	if (p->boundary_lg2)
		assert_int_equal(iova >> p->boundary_lg2, last >> p->boundary_lg2);
}

#endif
