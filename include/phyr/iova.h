/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The allocator of I/O address space: size, alignment, phase, limits, boundary.
 *
 * A space hands out ranges of granules. It knows nothing of memory, page tables or devices: where
 * a range should lie is said by a placement (base.h), and place.h finds good ones. Ranges occupy
 * exactly their granules; nothing is rounded to powers of two.
 *
 * **Which place.** A *fit* is a free place that satisfies the placement. With the request's length
 * n, its modulus a = 2^phase_lg2 (at least the granule) and phase p, a place can be told to have a
 * fit without looking inside it when it is
 * - a *block*: free, aligned to and as long as the smallest power of two ≥ max(a, p + n); or
 * - a *long hole*: a maximal free range with at least n + a − granule bytes inside the window, when
 *   no boundary was given.
 *
 * With TOP_DOWN (BOTTOM_UP) a request longer than its modulus gets the highest (lowest) fit of the
 * highest (lowest) long hole, or if there is none, of the highest (lowest) block. A request that is
 * not looks for the block first. So where nothing is aligned, and there is no boundary, it gets the
 * highest (lowest) fit of all. PACKED looks in the same order, but for a block first where the
 * length is a power of two and nothing else is asked, and at each level of its tree in the part
 * whose largest is the smallest sufficient one; of blocks more than 512 times as long it takes the
 * highest.
 *
 * Only if there is neither block nor long hole, all holes of at least n bytes are tried one by one
 * in the order of the direction (PACKED: from the top). They are counted in
 * phyr_iova_stats::search_cnt, the one that fits included. None is tried where n is a and p is 0:
 * every fit is a block then. FIRST_UP tries in this way from the start. So every answer, also *no
 * space*, is exact. Blocks and holes are what lies inside the window; "no boundary" is
 * boundary_lg2 0.
 *
 * **Cost.** O(levels) for everything but that search; a level is nine bits of the granule's number,
 * as in a page table: 4 levels for 48 bits of address, 6 for 64. The search takes O(levels) for
 * each hole of n … n + a − 2 granules, or of n at least when a boundary is given.
 *
 * **Caches.** A cache belongs to one thread or ring and hands out ranges of up to 64 granules
 * without touching the space: it takes *strips*, up to 64 ranges of one length side by side in one
 * 512-granule neighbourhood (2 MiB of 4 KiB granules, which one page-table page maps). To the space
 * everything in a strip is live. A range may be freed to any cache of its space, or to the space:
 * a cache keeps what is its own, and passes the rest on in batches. A range that is freed twice
 * and was handed out again in between is freed under its new owner: nobody can tell.
 *
 * **Threads.** All calls on a space are safe from any thread; they hold a spin lock for O(levels)
 * (the search above: for all of it), never while the hooks run. A cache has one user at a time.
 */
#ifndef PHYR_IOVA_H
#define PHYR_IOVA_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An I/O address space; opaque. */
struct phyr_iova_space;

/** How to make a space; all-zero is not usable: mem is required. */
struct phyr_iova_params {
	const struct phyr_mem *mem; /**< required; must outlive the space */
	struct phyr_window window;  /**< every address ever handed out, granule-aligned */
	unsigned int granule_lg2;   /**< [log2 bytes, 12 … 16] 0 = 12 */
	const struct phyr_iova_range *reserved; /**< taken from the start, as by reserve() */
	size_t reserved_cnt;			/**< how many; 0: reserved is not looked at */
};

/** What a space can tell. What caches hold counts as live. */
struct phyr_iova_stats {
	uint64_t live_len; /**< [bytes] handed out; 2^64 − 1 stands for 2^64, here and below */
	uint64_t live_cnt; /**< ranges handed out */
	uint64_t live_len_max; /**< [bytes] most ever handed out at once */
	uint64_t live_cnt_max; /**< most ranges ever live at once */
	uint64_t largest_len;  /**< [bytes] largest hole */
	uint64_t alloc_cnt;    /**< allocations and reservations that succeeded */
	uint64_t nospace_cnt;  /**< requests refused with PHYR_E_NOSPACE */
	uint64_t limit_cnt;    /**< requests refused with PHYR_E_LIMIT */
	uint64_t exists_cnt;   /**< reservations refused with PHYR_E_EXISTS */
	uint64_t refused_cnt;  /**< wrong frees: PHYR_E_NOENT, PHYR_E_PARTIAL */
	uint64_t search_cnt;   /**< holes that were tried one by one */
	uint64_t cached_len;   /**< [bytes] in strips of caches, free or handed out */
	size_t metadata_len;   /**< [bytes] allocated through the hooks, caches not counted */
};

/**
 * @brief Makes a space in which everything but the reserved ranges is free.
 *
 * @param[in]  params    see there
 * @param[out] ret_space the space; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing, granule_lg2 outside 12 … 16, or a
 *                      reserved range has no length
 * @return PHYR_E_RANGE window.first is above window.last, or a reserved range is outside it
 * @return PHYR_E_ALIGN the window or a reserved range does not begin and end on granules
 * @return PHYR_E_EXISTS two reserved ranges overlap
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(levels × reserved ranges)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_create(const struct phyr_iova_params *params,
					     struct phyr_iova_space **ret_space);

/**
 * @brief Frees a space and forgets every range in it.
 *
 * @param[in] space NULL is allowed; its caches must have been destroyed
 * @complexity O(metadata)
 * @threads no other call on the space may be running
 */
PHYR_API void phyr_iova_destroy(struct phyr_iova_space *space);

/**
 * @brief Takes a free range that satisfies a placement.
 *
 * Which one, if there are several, is said at the top of this file. "No space" is exact: it is
 * said only when no free range fits. What caches hold is not free: their owners can drain them.
 *
 * @param[in,out] space     the space
 * @param[in]     len       [bytes] 1 … 2^64 − granule; rounded up to granules
 * @param[in]     placement where; NULL is phyr_placement_any(). Its window is cut to the space's
 *                          and to whole granules
 * @param[out]    ret_range granule-aligned; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   len is 0, an argument is missing, phase ≥ 2^phase_lg2, a log2 above 63, or
 *                        fit is no known value
 * @return PHYR_E_ALIGN   the phase is no multiple of the granule
 * @return PHYR_E_LIMIT   could not be met if the whole space were free, or len rounds up to 2^64
 * @return PHYR_E_NOSPACE no hole fits now
 * @return PHYR_E_NOMEM   the hook returned NULL; nothing changed
 * @complexity O(levels), see the top of this file
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_alloc(struct phyr_iova_space *space, uint64_t len,
					    const struct phyr_placement *placement,
					    struct phyr_iova_range *ret_range);

/**
 * @brief Takes exactly this range.
 *
 * @param[in,out] space the space
 * @param[in]     range iova and len multiples of the granule, len not 0, inside the window
 * @return PHYR_OK
 * @return PHYR_E_INVAL  space is NULL or len is 0
 * @return PHYR_E_RANGE  wraps, or reaches outside the window
 * @return PHYR_E_ALIGN  not granule-aligned
 * @return PHYR_E_EXISTS some of it is taken; phyr_iova_next() says by what
 * @return PHYR_E_NOMEM  the hook returned NULL; nothing changed
 * @complexity O(levels)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_reserve(struct phyr_iova_space *space,
					      struct phyr_iova_range range);

/**
 * @brief Gives back a whole range; needs no memory.
 *
 * A range that came from a cache is given back to that cache.
 *
 * @param[in,out] space the space
 * @param[in]     range exactly as it was returned or reserved
 * @return PHYR_OK
 * @return PHYR_E_INVAL   space is NULL
 * @return PHYR_E_NOENT   no live range starts there, or a cache holds it as free; nothing changed
 * @return PHYR_E_PARTIAL a live range starts there but has another length; nothing changed
 * @complexity O(levels)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_free(struct phyr_iova_space *space,
					   struct phyr_iova_range range);

/**
 * @brief The first live range that ends at or above an address.
 *
 *	uint64_t from = 0;
 *	while (phyr_iova_next(space, phyr_iova_at(from), &range)) {
 *		...
 *		if (__builtin_add_overflow(range.iova.addr, range.len, &from))
 *			break;
 *	}
 *
 * What lies between two ranges is a hole. Ranges in strips of caches are told one by one, whether
 * they are handed out or not.
 *
 * @param[in]  space     the space
 * @param[in]  from      any address
 * @param[out] ret_range written only when true is returned
 * @return false when nothing is live there or above, or an argument is NULL
 * @complexity O(levels)
 * @threads any
 */
PHYR_API bool phyr_iova_next(struct phyr_iova_space *space, phyr_iova from,
			     struct phyr_iova_range *ret_range);

/**
 * @brief The first hole that ends at or above an address: a maximal free range.
 *
 * @param[in]  space     the space
 * @param[in]  from      any address
 * @param[out] ret_range the whole hole; written only when true is returned; len 2^64 − 1 stands
 *                       for 2^64
 * @return false when nothing is free there or above, or an argument is NULL
 * @complexity O(levels)
 * @threads any
 */
PHYR_API bool phyr_iova_next_hole(struct phyr_iova_space *space, phyr_iova from,
				  struct phyr_iova_range *ret_range);

/**
 * @brief What the space knows of itself.
 *
 * @param[in]  space     the space
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_iova_stats(struct phyr_iova_space *space, struct phyr_iova_stats *ret_stats);

/**
 * @brief Audits a space: every level sums up the one below, live ranges and bytes add up.
 *
 * @param[in]  space      the space
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(metadata)
 * @threads any; holds the lock for all of it
 */
PHYR_API bool phyr_iova_validate(struct phyr_iova_space *space, const char **ret_reason);

/** A cache of ranges; opaque. Belongs to one thread or ring. */
struct phyr_iova_cache;

/** Most granules of a range that caches keep; longer ones pass through to the space. */
#define PHYR_IOVA_CACHE_MAX 64

/** What a cache can tell. */
struct phyr_iova_cache_stats {
	uint64_t hit_cnt;     /**< allocations answered without the space */
	uint64_t miss_cnt;    /**< allocations that needed it: refills and uncacheable requests */
	uint64_t own_cnt;     /**< frees of ranges that are in strips of this cache */
	uint64_t foreign_cnt; /**< frees that were passed on */
	uint64_t refused_cnt; /**< wrong frees, noticed at once or when they were passed on */
	uint64_t held_len;    /**< [bytes] free in strips: nobody else can have them */
	size_t strip_cnt;     /**< strips */
	size_t metadata_len;  /**< [bytes] allocated through the hooks */
};

/**
 * @brief Makes an empty cache.
 *
 * @param[in,out] space     must outlive the cache
 * @param[in]     placement what every range of this cache satisfies; NULL is phyr_placement_any().
 *                          Another limit needs another cache: they never hinder one another
 * @param[out]    ret_cache the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL, PHYR_E_ALIGN an argument is missing, or the placement is refused by
 *                      phyr_iova_alloc()
 * @return PHYR_E_LIMIT the boundary is less than a granule
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_cache_create(struct phyr_iova_space *space,
						   const struct phyr_placement *placement,
						   struct phyr_iova_cache **ret_cache);

/**
 * @brief Drains and frees a cache; ranges that are handed out stay live.
 *
 * @param[in] cache NULL is allowed
 * @complexity as phyr_iova_cache_drain()
 * @threads nobody else may be using this cache; others may be freeing its ranges
 */
PHYR_API void phyr_iova_cache_destroy(struct phyr_iova_cache *cache);

/**
 * @brief Takes a range that satisfies the cache's placement.
 *
 * Lengths of up to #PHYR_IOVA_CACHE_MAX granules that tile a strip under this placement come from
 * strips: all lengths when nothing is aligned, multiples of the modulus when something is and the
 * phase is 0, and with a boundary powers of two up to it. Powers of two are aligned to themselves.
 * Everything else is passed on to phyr_iova_alloc(). When that finds no space, this cache is drained
 * and it is asked once more.
 *
 * @param[in,out] cache     the cache
 * @param[in]     len       [bytes] 1 … 2^64 − granule; rounded up to granules
 * @param[out]    ret_range granule-aligned; written only on PHYR_OK
 * @return as phyr_iova_alloc(); PHYR_E_NOSPACE when nothing fits even with this cache empty:
 *         draining others may help
 * @complexity O(1); one time in up to 64, O(levels)
 * @threads the owner of the cache
 */
PHYR_API PHYR_NODISCARD int phyr_iova_cache_alloc(struct phyr_iova_cache *cache, uint64_t len,
						  struct phyr_iova_range *ret_range);

/**
 * @brief Gives back a whole range of this cache's space; needs no memory.
 *
 * A range of one of this cache's strips is checked and kept. Any other is noted, and passed on with
 * 63 others or when the cache is drained: a wrong one is noticed and refused then.
 *
 * @param[in,out] cache the cache
 * @param[in]     range exactly as it was returned or reserved, by whatever call of the same space
 * @return PHYR_OK
 * @return PHYR_E_INVAL   cache is NULL
 * @return PHYR_E_NOENT   in one of its strips, but not handed out, or no range starts there
 * @return PHYR_E_PARTIAL in one of its strips, but of another length
 * @complexity O(1) on average; one time in up to 64, O(64 × levels)
 * @threads the owner of the cache
 */
PHYR_API PHYR_NODISCARD int phyr_iova_cache_free(struct phyr_iova_cache *cache,
						 struct phyr_iova_range range);

/**
 * @brief Gives everything that a cache holds back to its space; needs no memory.
 *
 * To be called by the owner, when another thread's request found no space, or when a ring rests.
 * Ranges that are handed out become live ranges of the space itself.
 *
 * @param[in,out] cache the cache
 * @return PHYR_OK
 * @return PHYR_E_NOENT, PHYR_E_PARTIAL a free that had been noted was wrong (the first such); it
 *         is counted as refused and all else is done
 * @return PHYR_E_INVAL cache is NULL
 * @complexity O(strips × 64 × levels)
 * @threads the owner of the cache
 */
PHYR_API PHYR_NODISCARD int phyr_iova_cache_drain(struct phyr_iova_cache *cache);

/**
 * @brief What a cache knows of itself.
 *
 * @param[in]  cache     the cache
 * @param[out] ret_stats written whole
 * @complexity O(strips)
 * @threads the owner of the cache
 */
PHYR_API void phyr_iova_cache_stats(struct phyr_iova_cache *cache,
				    struct phyr_iova_cache_stats *ret_stats);

/**
 * @brief Audits a cache: its strips lie in the space as they should, and every one can be found.
 *
 * @param[in]  cache      the cache
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(strips × levels)
 * @threads the owner of the cache
 */
PHYR_API bool phyr_iova_cache_validate(struct phyr_iova_cache *cache, const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
