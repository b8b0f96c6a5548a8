/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Slots of memory to copy through, for devices that cannot reach the memory itself.
 *
 * A pool is one physical range, cut into slots. A request takes a run of slots side by side, and is
 * found again by a key: whose I/O addresses, and which one. What is in the slots is copied by the
 * caller's hook, or only counted.
 *
 * **Which bytes.** The slot's address keeps as many low bits of the original address as the request
 * says, as devices may rely on them (NVMe: 12). The run is rounded out at both ends to the alignment
 * of the request: where an IOMMU maps whole granules, no granule has bytes of two requests. What is
 * in the run and not in the request is *padding*, which is zeroed for devices that are not trusted.
 *
 * **Which place.** The first fit behind the run that was taken last (next fit), round the pool, as a
 * bitmap says: so slots that were just given back rest. Unlike in Linux there are no segments that
 * a run may not cross, and no areas by CPU.
 *
 * **Memory.** All of it is got when the pool is made, 52 bytes a slot; nothing later.
 *
 * **Threads.** All calls on a pool are safe from any thread; they hold a spin lock for the search,
 * O(slots / 64) at worst, never while hooks run. The caller does not give back a run that is being copied.
 *
 * Not here: which memory may be bounced (never a peer's BAR), and when it is copied.
 */
#ifndef PHYR_BOUNCE_H
#define PHYR_BOUNCE_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A pool of slots; opaque. */
struct phyr_bounce;

/** How to make a pool. */
struct phyr_bounce_params {
	const struct phyr_mem *mem; /**< required; must outlive the pool */
	struct phyr_range pool; /**< physical memory, in whole slots; align it as requests are */
	unsigned int slot_lg2;	/**< [log2 bytes, 8 … 30] of a slot; 0 = 11, 2 KiB */
	uint32_t slot_cnt_max;	/**< slots of a request; 0 = 128: 256 KiB of 2 KiB slots */
	/** Copies; ranges never overlap. NULL: bytes are only counted. */
	void (*copy)(void *ctx, phyr_pa to, phyr_pa from, uint64_t len);
	/** Zeroes padding. NULL: bytes are only counted. */
	void (*zero)(void *ctx, struct phyr_range range);
	void *ctx; /**< passed to both, may be NULL */
};

/** By what a run is found again. */
struct phyr_bounce_key {
	const void *owner; /**< whose I/O addresses: a domain, a device; only compared */
	phyr_iova iova;	   /**< which one of them */
};

/** What is to be bounced. */
struct phyr_bounce_request {
	struct phyr_range orig;	    /**< the memory itself, anywhere; len not 0 */
	struct phyr_bounce_key key; /**< none that is in use */
	bool by_pa;	  /**< the key's iova is the slot's own address, as without an IOMMU */
	bool zero_pad;	  /**< zero what is in the run beside the slot's bytes */
	uint8_t keep_lg2; /**< [0 … 63] low bits of the original address that the slot's has too */
	uint8_t align_lg2; /**< [log2 bytes, 0 … 63] of both ends of the run, at least a slot */
};

/** A request that was granted. */
struct phyr_bounce_slot {
	phyr_pa pa;		/**< where its first byte is in the pool */
	struct phyr_range orig; /**< the memory itself */
};

/** Some bytes of a request. */
struct phyr_bounce_part {
	uint64_t offset; /**< [bytes] of the first, from the start of the request */
	uint64_t len;	 /**< [bytes] offset + len ≤ the request's; 0 copies nothing */
};

/** What a pool can tell. */
struct phyr_bounce_stats {
	size_t slot_cnt;      /**< slots of the pool */
	size_t used_cnt;      /**< of them in use now */
	size_t used_cnt_max;  /**< most that ever were */
	size_t live_cnt;      /**< requests that are granted now */
	uint64_t take_cnt;    /**< requests that were granted */
	uint64_t to_len;      /**< [bytes] copied to slots */
	uint64_t from_len;    /**< [bytes] copied from slots */
	uint64_t zero_len;    /**< [bytes] of padding zeroed */
	uint64_t nospace_cnt; /**< requests refused with PHYR_E_NOSPACE */
	uint64_t limit_cnt;   /**< requests refused with PHYR_E_LIMIT */
	uint64_t exists_cnt;  /**< requests refused with PHYR_E_EXISTS */
	uint64_t noent_cnt;   /**< keys that named nothing, when given back or copied */
	size_t metadata_len;  /**< [bytes] allocated through the hooks */
};

/**
 * @brief Makes a pool in which every slot is free.
 *
 * @param[in]  params   see there
 * @param[out] ret_pool the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing, the pool has no length, or slot_lg2 is
 *                      not what it may be
 * @return PHYR_E_RANGE the pool wraps
 * @return PHYR_E_ALIGN the pool does not begin and end on slots
 * @return PHYR_E_LIMIT 2^31 slots or more, or more than the host can have in memory
 * @return PHYR_E_NOMEM the hook returned NULL; nothing is left allocated
 * @complexity O(slots)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_create(const struct phyr_bounce_params *params,
					       struct phyr_bounce **ret_pool);

/**
 * @brief Frees a pool and forgets every request in it.
 *
 * @param[in] pool NULL is allowed
 * @complexity O(1)
 * @threads no other call on the pool may be running
 */
PHYR_API void phyr_bounce_destroy(struct phyr_bounce *pool);

/**
 * @brief Takes a run of slots for a request. Copies nothing; zeroes padding if asked to.
 *
 * "No space" is exact: no run of free slots fits.
 *
 * @param[in,out] pool    the pool
 * @param[in]     request see there
 * @param[out]    ret_pa  of the first byte of the request in the pool; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing, orig has no length, or a log2 is above 63
 * @return PHYR_E_RANGE   orig wraps
 * @return PHYR_E_LIMIT   takes more slots than a request may, or would not fit if all were free
 * @return PHYR_E_EXISTS  the key is in use
 * @return PHYR_E_NOSPACE no run fits now
 * @complexity O(1) while there is room behind the run taken last; O(slots / 64) at worst
 * @threads any
 * @source Linux kernel/dma/swiotlb.c: min_align_mask is keep_lg2, alloc_align_mask is align_lg2
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_take(struct phyr_bounce *pool,
					     const struct phyr_bounce_request *request,
					     phyr_pa *ret_pa);

/**
 * @brief What was granted under a key.
 *
 * @param[in]  pool     the pool
 * @param[in]  key      as in the request, or the slot's address if by_pa
 * @param[out] ret_slot written only when true is returned; NULL is allowed
 * @return false when there is nothing under this key
 * @complexity O(1) on average
 * @threads any
 */
PHYR_API bool phyr_bounce_find(struct phyr_bounce *pool, struct phyr_bounce_key key,
			       struct phyr_bounce_slot *ret_slot);

/**
 * @brief Gives a run back; needs no memory, copies nothing.
 *
 * @param[in,out] pool the pool
 * @param[in]     key  as in the request, or the slot's address if by_pa
 * @return PHYR_OK
 * @return PHYR_E_NOENT there is nothing under this key, or not any more
 * @complexity O(1) on average
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_give(struct phyr_bounce *pool, struct phyr_bounce_key key);

/**
 * @brief Copies from the memory itself to the slots, before the device reads.
 *
 * @param[in,out] pool the pool
 * @param[in]     key  as in the request, or the slot's address if by_pa
 * @param[in]     part of the request
 * @return PHYR_OK
 * @return PHYR_E_NOENT there is nothing under this key
 * @return PHYR_E_RANGE the part reaches beyond the request; nothing was copied
 * @complexity O(len)
 * @threads any; the run is not given back meanwhile
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_copy_to(struct phyr_bounce *pool,
						struct phyr_bounce_key key,
						struct phyr_bounce_part part);

/**
 * @brief Copies from the slots to the memory itself, after the device has written.
 *
 * @param[in,out] pool the pool
 * @param[in]     key  as in the request, or the slot's address if by_pa
 * @param[in]     part of the request
 * @return PHYR_OK
 * @return PHYR_E_NOENT there is nothing under this key
 * @return PHYR_E_RANGE the part reaches beyond the request; nothing was copied
 * @complexity O(len)
 * @threads any; the run is not given back meanwhile
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_copy_from(struct phyr_bounce *pool,
						  struct phyr_bounce_key key,
						  struct phyr_bounce_part part);

/**
 * @brief Copies between the slots and any memory: for requests whose bytes are scattered.
 *
 * Of such a request's orig only the low bits of the address and the length count.
 *
 * @param[in,out] pool     the pool
 * @param[in]     key      as in the request, or the slot's address if by_pa
 * @param[in]     offset   [bytes] in the request
 * @param[in]     memory   what lies there of it; len 0 copies nothing
 * @param[in]     to_slots the direction
 * @return PHYR_OK
 * @return PHYR_E_NOENT there is nothing under this key
 * @return PHYR_E_RANGE reaches beyond the request, or the memory wraps; nothing was copied
 * @complexity O(len)
 * @threads any; the run is not given back meanwhile
 */
PHYR_API PHYR_NODISCARD int phyr_bounce_copy_run(struct phyr_bounce *pool,
						 struct phyr_bounce_key key, uint64_t offset,
						 struct phyr_range memory, bool to_slots);

/**
 * @brief The longest request that can ever be granted.
 *
 * @param[in] pool the pool
 * @return [bytes] of one that begins on a slot and keeps no more than the slot's own bits
 * @complexity O(1)
 * @threads any
 */
PHYR_API uint64_t phyr_bounce_len_max(const struct phyr_bounce *pool);

/**
 * @brief Is an address in the pool, in use or not?
 *
 * @param[in] pool the pool
 * @param[in] pa   any address
 * @return true when it is
 * @complexity O(1)
 * @threads any
 */
PHYR_API bool phyr_bounce_holds(const struct phyr_bounce *pool, phyr_pa pa);

/**
 * @brief What a pool knows of itself.
 *
 * @param[in]  pool      the pool
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_bounce_stats(struct phyr_bounce *pool, struct phyr_bounce_stats *ret_stats);

/**
 * @brief Audits a pool: each slot in use belongs to one request, which its key finds.
 *
 * @param[in]  pool       the pool
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(slots)
 * @threads any; holds the lock for all of it
 */
PHYR_API bool phyr_bounce_validate(struct phyr_bounce *pool, const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
