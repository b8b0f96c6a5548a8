/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What waits for an invalidation: I/O addresses and table pages that were unmapped.
 *
 * Nothing here removes translations: the caller unmaps through the backend, which fills a gather,
 * and says here what may be used again once that is invalidated. Three ways:
 *
 * - *strict*: phyr_flush_now() invalidates the gather and gives the addresses back at once;
 * - *batched*: a struct phyr_flush_batch of the caller's, one invalidation at its end;
 * - *lazy*: a ring of slots; one invalidation of the whole domain when the ring is full or the
 *   time is up.
 *
 * **The rule of the rings.** A domain counts the flushes that began. A slot keeps that count as it
 * was when the slot was filled, and may be emptied once a flush has ended that began later. Deferring
 * empties what may go, and if the ring is still full, flushes the domain and empties all of it. A ring
 * of n slots holds n − 1. So n unmaps in a row cost ⌊(n − 1) / 255⌋ flushes of 256 slots.
 *
 * **Where addresses go.** The slot does not remember a cache: addresses go to the cache that the
 * call names which empties the slot, as any cache of a space takes any of its ranges, or to the
 * space. So a cache may be destroyed while addresses that came from it wait, and a timer in another
 * thread never touches a cache.
 *
 * **Threads.** Calls on a domain and its rings are safe from any thread. Locks are held for bounded
 * work, never while the backend, the space or the hooks run. A ring for each thread (a CPU in Linux)
 * keeps threads out of each other's way.
 *
 * Not here: when to choose which way; address space that the caller manages (a range that its owner
 * may use again at once must not be unmapped lazily).
 */
#ifndef PHYR_FLUSH_H
#define PHYR_FLUSH_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyr/iova.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where it is invalidated, and where addresses go back to. */
struct phyr_flush_target {
	struct phyr_iommu iommu;       /**< the backend; its ops are not NULL */
	struct phyr_iova_space *space; /**< of the addresses; NULL if none are ever given back */
	struct phyr_iova_cache *cache; /**< of this space and the calling thread; NULL: the space */
};

/**
 * @brief Strict: invalidates a gather, frees what it holds back, and gives the addresses back.
 *
 * @param[in]     target   see there
 * @param[in]     reserved [iova] as it was allocated; len 0: no address to give back
 * @param[in,out] gather   what the backend's unmap filled; empty afterwards
 * @return PHYR_OK
 * @return PHYR_E_NOENT, PHYR_E_PARTIAL the addresses were not allocated so: the answer of
 *         phyr_iova_free() or phyr_iova_cache_free(). All else is done
 * @complexity one invalidation
 * @threads the owner of the cache
 */
PHYR_API PHYR_NODISCARD int phyr_flush_now(const struct phyr_flush_target *target,
					   struct phyr_iova_range reserved,
					   struct phyr_gather *gather);

/** What a batch has done. */
struct phyr_flush_batch_stats {
	uint64_t add_cnt;      /**< calls of phyr_flush_batch_add() */
	uint64_t flush_cnt;    /**< invalidations, */
	uint64_t early_cnt;    /**< of them because the storage was full */
	uint64_t refused_cnt;  /**< addresses that their space or cache did not take back */
	uint64_t held_len;     /**< [bytes] of I/O addresses that wait */
	uint64_t held_len_max; /**< [bytes] most that ever waited */
};

/**
 * @brief A batch of unmaps; the caller's, started by phyr_flush_batch_init().
 *
 * The backend unmaps straight into `gather`: only it can chain table pages.
 */
struct phyr_flush_batch {
	struct phyr_gather gather;	     /**< to be handed to the backend's unmap */
	struct phyr_flush_batch_stats stats; /**< to be read */
	struct phyr_flush_target target;     /**< constant */
	struct phyr_iova_range *held;	     /**< private: what waits */
	size_t held_cnt;		     /**< private: of it, in use */
	size_t held_max;		     /**< constant: ranges that `held` has room for */
};

/**
 * @brief Starts an empty batch.
 *
 * @param[out] batch    the caller's
 * @param[in]  target   copied
 * @param[in]  held     room for addresses that wait; must outlive the batch; NULL if held_max is 0
 * @param[in]  held_max how many; 0: every add invalidates, as strict
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_flush_batch_init(struct phyr_flush_batch *batch,
				    const struct phyr_flush_target *target,
				    struct phyr_iova_range *held, size_t held_max);

/**
 * @brief Holds the addresses of what was unmapped into the batch's gather; needs no memory.
 *
 * When there is no room, the batch is invalidated early, with these addresses, and is empty.
 *
 * @param[in,out] batch    the backend has unmapped into its gather
 * @param[in]     reserved [iova] as it was allocated; len 0: no address to hold
 * @complexity O(1); when there is no room, as phyr_flush_batch_end()
 * @threads caller serialises calls on one batch; the owner of the cache
 */
PHYR_API void phyr_flush_batch_add(struct phyr_flush_batch *batch, struct phyr_iova_range reserved);

/**
 * @brief Invalidates what the batch gathered, if anything, and gives all of its addresses back.
 *
 * The batch is empty then, and can be used again.
 *
 * @param[in,out] batch initialised
 * @complexity one invalidation, and a free for each range held
 * @threads caller serialises calls on one batch; the owner of the cache
 */
PHYR_API void phyr_flush_batch_end(struct phyr_flush_batch *batch);

/** What the threads that unmap lazily share: backend, space, counts of flushes, rings; opaque. */
struct phyr_flush_domain;

/** A queue of unmaps that wait for a flush of the domain; opaque. */
struct phyr_flush_ring;

/** How to make a domain. */
struct phyr_flush_params {
	const struct phyr_mem *mem;    /**< required; must outlive the domain */
	struct phyr_iommu iommu;       /**< the backend; it must have flush_all and release */
	struct phyr_iova_space *space; /**< of the addresses; NULL if none are ever given back */
	unsigned int slot_cnt; /**< [power of two, 2 … 2^24] of a ring, one of which stays empty;
				    0 = 256, or 32,768 if single */
	bool single;	  /**< one ring for everybody: each phyr_flush_ring_create() gives it */
	uint64_t timeout; /**< from the first defer to a flush, in the unit of phyr_flush_tick();
			       0 = 10,000, or 1,000,000 if single: in µs, what Linux has */
};

/** What a domain can tell. */
struct phyr_flush_stats {
	uint64_t flush_cnt;   /**< flushes of the domain that began */
	uint64_t full_cnt;    /**< of them because a ring was full */
	uint64_t timer_cnt;   /**< of them because the time was up */
	uint64_t refused_cnt; /**< addresses that their space or cache did not take back */
	uint64_t window_max;  /**< [unit of time] longest from a defer to the end of its flush, by
				   the times that phyr_flush_tick() was told */
	size_t ring_cnt;      /**< rings there are now */
	size_t metadata_len;  /**< [bytes] allocated through the hooks */
};

/** What a ring can tell: defer_cnt = reap_cnt + held_cnt. */
struct phyr_flush_ring_stats {
	uint64_t defer_cnt;    /**< unmaps that were deferred */
	uint64_t full_cnt;     /**< flushes because it was full */
	uint64_t reap_cnt;     /**< slots that were emptied */
	uint64_t held_len;     /**< [bytes] of I/O addresses that wait */
	uint64_t held_len_max; /**< [bytes] most that ever waited */
	size_t held_cnt;       /**< slots in use */
	size_t held_cnt_max;   /**< most that ever were */
	size_t tables_cnt;     /**< of those in use now, that hold table pages back */
};

/**
 * @brief Makes a domain without rings, whose clock shows 0.
 *
 * @param[in]  params     see there
 * @param[out] ret_domain the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument, the hooks or the backend is missing, or slot_cnt is not
 *                            what it may be
 * @return PHYR_E_UNSUPPORTED the backend has no flush_all or no release: nothing can be deferred
 * @return PHYR_E_NOMEM       the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_flush_domain_create(const struct phyr_flush_params *params,
						     struct phyr_flush_domain **ret_domain);

/**
 * @brief Frees a domain.
 *
 * @param[in] domain NULL is allowed; its rings must have been destroyed
 * @complexity O(1)
 * @threads no other call on the domain may be running
 */
PHYR_API void phyr_flush_domain_destroy(struct phyr_flush_domain *domain);

/**
 * @brief Makes a ring, or in a domain with a single one, gives that and counts its users.
 *
 * @param[in,out] domain   must outlive the ring
 * @param[out]    ret_ring the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_flush_ring_create(struct phyr_flush_domain *domain,
						   struct phyr_flush_ring **ret_ring);

/**
 * @brief Frees a ring, after a flush if anything waits in it; needs no memory.
 *
 * Its addresses go to the space. A single ring stays until its last user destroys it.
 *
 * @param[in] ring NULL is allowed
 * @complexity O(slots in use)
 * @threads nobody else may be using the ring (a single one: this user's calls have ended); others
 *          may be calling the domain
 */
PHYR_API void phyr_flush_ring_destroy(struct phyr_flush_ring *ring);

/**
 * @brief Lazy: holds addresses and table pages until a flush of the domain that begins later ends.
 *
 * Needs no memory. First empties what may go; if the ring is full then, flushes the domain. Starts
 * the timer if it does not run.
 *
 * @param[in,out] ring     the ring
 * @param[in]     reserved [iova] as it was allocated; len 0: no address to give back
 * @param[in,out] cache    of the space, the calling thread's: takes addresses whose time has come;
 *                         NULL: the space does
 * @param[in,out] gather   what the backend's unmap filled; empty afterwards
 * @complexity O(1) on average, and one flush in as many calls as the ring has slots, at most
 * @threads any; the owner of the cache
 * @source Linux drivers/iommu/dma-iommu.c: 256 slots of 40 bytes, 10 ms. There a full ring can stay
 *         full when flushes overlap, as they are counted when they end; here the count that a flush
 *         began with says what it covers
 */
PHYR_API void phyr_flush_defer(struct phyr_flush_ring *ring, struct phyr_iova_range reserved,
			       struct phyr_iova_cache *cache, struct phyr_gather *gather);

/**
 * @brief Tells a domain the time; if the timer's has come, flushes it and empties all rings.
 *
 * The timer is started by the first defer after it last ran, at the time told last. So who ticks
 * rarely waits longer. Addresses go to the space.
 *
 * @param[in,out] domain the domain
 * @param[in]     now    [the caller's unit] less than before: as before, time never goes back
 * @complexity O(1); when the time has come, one flush and O(rings + slots in use)
 * @threads any
 */
PHYR_API void phyr_flush_tick(struct phyr_flush_domain *domain, uint64_t now);

/**
 * @brief Flushes a domain now, and empties all rings of what was deferred before; stops the timer.
 *
 * For who found no space. Addresses go to the space.
 *
 * @param[in,out] domain the domain
 * @complexity one flush, O(rings + slots in use)
 * @threads any
 */
PHYR_API void phyr_flush_all(struct phyr_flush_domain *domain);

/**
 * @brief As phyr_flush_all(), for who knows a ring of the domain only.
 *
 * @param[in,out] ring one of the domain's
 * @complexity one flush, O(rings + slots in use)
 * @threads any
 */
PHYR_API void phyr_flush_ring_empty(struct phyr_flush_ring *ring);

/**
 * @brief What a domain knows of itself.
 *
 * @param[in]  domain    the domain
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_flush_stats(struct phyr_flush_domain *domain,
			       struct phyr_flush_stats *ret_stats);

/**
 * @brief What a ring knows of itself.
 *
 * @param[in]  ring      the ring
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_flush_ring_stats(struct phyr_flush_ring *ring,
				    struct phyr_flush_ring_stats *ret_stats);

/**
 * @brief Audits a domain: what waits in its rings is in order and adds up.
 *
 * @param[in]  domain     the domain
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(rings + slots in use)
 * @threads any; holds the locks for all of it
 */
PHYR_API bool phyr_flush_validate(struct phyr_flush_domain *domain, const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
