/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Mapping lists for a device and taking the mappings away again.
 *
 * A handle belongs to one thread and one device: it names the IOMMU (or none), the I/O address
 * space, what else the device needs, and keeps that thread's counters. Handles may share all of it.
 *
 * The result of a mapping is a small value. Without an IOMMU it is the caller's own list, seen as
 * I/O addresses, nothing copied. With one it is a single range, where all joints are on granules
 * and no peer is reached past the IOMMU; else a list of I/O addresses, in one reservation:
 *
 * | case | result | needed to unmap |
 * |---|---|---|
 * | 1 no IOMMU | the list itself, plus an offset | nothing |
 * | 2 IOMMU, joints on granules | one range | the range |
 * | 3 ditto, some of it a peer by bus address | list; all of it: one range | the range |
 * | 4 bounced, one run | one range | the range |
 * | 5 bounced, many runs | list | the list |
 * | 6 IOMMU, a joint inside a granule | list | the range |
 *
 * **Kinds.** Ordinary memory is mapped, or bounced where the device cannot reach it. A peer's BAR
 * (#PHYR_KIND_P2P) is never bounced and never cacheable: it is mapped where its type is BRIDGE, and
 * reached by its bus address, past the IOMMU, where it is BUS or OWN (p2p.h). Encrypted memory is
 * bounced if the device says so, else refused. Two-step mappings are in link.h.
 *
 * **When I/O addresses are free again.** Strict: unmapped, invalidated and freed when the call
 * returns. With a ring, lazily (flush.h). While a batch is set, when the batch ends. What was bounced,
 * and mappings of peers through the host bridge, are always unmapped strictly: slots and peers have a life
 * of their own.
 */
#ifndef PHYR_DMA_H
#define PHYR_DMA_H

#include <phyr/base.h>
#include <phyr/bounce.h>
#include <phyr/flush.h>
#include <phyr/iommu.h>
#include <phyr/iova.h>
#include <phyr/list.h>
#include <phyr/p2p.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A thread's handle on a device's address space; opaque. */
struct phyr_dma;

struct phyr_dma_checker;

/** What is special about a device; a set of bits. */
enum phyr_dma_trait {
	PHYR_DMA_NONCOHERENT = 1, /**< does not see CPU caches: their maintenance is counted */
	/** may see only what is mapped: what shares a granule with an end of it is bounced */
	PHYR_DMA_UNTRUSTED = 2,
	PHYR_DMA_ONE_PEER = 4, /**< a list is memory, or all of one peer; a mix is an error */
	PHYR_DMA_DECRYPT = 8,  /**< encrypted memory is bounced, not refused */
};

/** How to make a handle. All but mem may be zero. */
struct phyr_dma_params {
	const struct phyr_mem *mem;    /**< required; must outlive the handle, as all here */
	struct phyr_iommu iommu;       /**< ops NULL: no IOMMU */
	struct phyr_iova_space *space; /**< required with an IOMMU; its granule is not larger */
	struct phyr_iova_cache *cache; /**< this thread's, of that space; NULL: none. Used where no
					      placement is given */
	struct phyr_flush_ring *ring;  /**< this thread's: unmap lazily; NULL: strictly */
	struct phyr_p2p *p2p;	       /**< the machine's peers; NULL: they are unreachable */
	uint32_t node;		       /**< [id] the device, of p2p; 0: no PCI device */
	struct phyr_bounce *bounce;    /**< NULL: what must be bounced is PHYR_E_KIND */
	uint64_t bus_offset;	       /**< [bytes] no IOMMU: I/O address − physical, mod 2^64 */
	uint64_t address_last;	       /**< [iova] highest that the device can send; 0 = all */
	uint8_t keep_lg2; /**< [0 … 63] low bits of an address that a bounced one keeps */
	struct phyr_dma_checker *checker; /**< finds mistakes (dma_check.h); NULL: nobody looks */
	unsigned int traits;		  /**< of enum phyr_dma_trait */
};

/** What became of a list. */
enum phyr_dma_form {
	PHYR_DMA_NONE = 0,     /**< not mapped */
	PHYR_DMA_BORROWED = 1, /**< the caller's list: I/O addresses are physical ones + offset */
	PHYR_DMA_RANGE = 2,    /**< one range of I/O addresses */
	PHYR_DMA_LIST = 3,     /**< a list of I/O addresses, the mapping's own */
};

struct phyr_dma_extra;

/** A mapping; a value that the caller keeps and hands back. Members may be read, not written. */
struct phyr_dma_map {
	enum phyr_dma_form form;      /**< which of the others count */
	enum phyr_perm perm;	      /**< what the device may do */
	struct phyr_iova_range range; /**< PHYR_DMA_RANGE: exactly the list's bytes; else len */
	struct phyr_iova_range
		reserved;	      /**< what is taken from the space, in granules; len 0: none */
	struct phyr_list *list;	      /**< the caller's, borrowed; NULL: not needed */
	uint64_t offset;	      /**< PHYR_DMA_BORROWED: I/O address − physical, mod 2^64 */
	struct phyr_dma_extra *extra; /**< private: the own list, peers; NULL for most */
	bool own;		      /**< the reservation ends with the mapping */
	bool bounced;		      /**< some of it is in bounce slots */
	uint32_t serial;	      /**< private: its number with a checker; else 0 */
};

/** What a handle counted. */
struct phyr_dma_stats {
	uint64_t map_cnt;	 /**< lists mapped */
	uint64_t unmap_cnt;	 /**< lists unmapped, by the caller or because a peer was removed */
	uint64_t call_cnt;	 /**< calls of the backend's map */
	uint64_t run_cnt;	 /**< runs handed to it */
	uint64_t sync_cnt;	 /**< calls of the backend's sync_map */
	uint64_t flush_cnt;	 /**< strict flushes: calls of the backend's flush */
	uint64_t defer_cnt;	 /**< unmaps that a ring or a batch took over */
	uint64_t link_cnt;	 /**< two-step: links */
	uint64_t unlink_cnt;	 /**< two-step: unlinks, destroys not counted */
	uint64_t mapped_len;	 /**< [bytes] of lists and links now mapped */
	uint64_t reserved_len;	 /**< [bytes] of I/O address space now reserved */
	uint64_t list_len;	 /**< [bytes] that mappings now keep in own lists and for peers */
	uint64_t bounced_len;	 /**< [bytes] now in bounce slots, counted as mapped */
	uint64_t maintained_len; /**< [bytes] of CPU cache maintenance for non-coherent devices */
	uint64_t bus_len;	 /**< [bytes] of peers mapped by bus address, ever */
	uint64_t bridge_len;	 /**< [bytes] of peers mapped through a host bridge, ever */
};

/**
 * @brief Makes a handle.
 *
 * @param[in]  params  see there
 * @param[out] ret_dma the handle; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing, a trait is unknown, keep_lg2 is above
 *                      63, an IOMMU comes without a space, with a bus offset, or says that it maps
 *                      no page size; a cache or ring comes without an IOMMU; or the node is a host
 *                      bridge
 * @return PHYR_E_NOENT there is no such node
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_dma_create(const struct phyr_dma_params *params,
					    struct phyr_dma **ret_dma);

/**
 * @brief What a handle was made with: for those who build on it.
 *
 * @param[in]  dma        the handle
 * @param[out] ret_params written whole
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_dma_params(const struct phyr_dma *dma, struct phyr_dma_params *ret_params);

/**
 * @brief Frees a handle; its mappings must be gone, which checked builds verify.
 *
 * @param[in] dma NULL is allowed
 * @complexity O(1)
 * @threads no other call on the handle may be running
 */
PHYR_API void phyr_dma_destroy(struct phyr_dma *dma);

/**
 * @brief Maps a list, in whichever form is cheapest (the table at the top).
 *
 * While a list is borrowed it may be neither changed nor freed. What is bounced is copied to its slots
 * before the device sees them, also if it may only write: what it does not write is then copied back
 * as it was. All of it is mapped, or nothing.
 *
 * @param[in,out] dma       the handle
 * @param[in,out] list      not empty
 * @param[in]     perm      what the device may do
 * @param[in]     placement where; NULL is anywhere. Ignored without an IOMMU
 * @param[out]    ret_map   written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, the list is empty, perm 0 or unknown, or the
 *                            placement refused by phyr_iova_alloc(); or the space's granule is
 *                            larger than the IOMMU's
 * @return PHYR_E_ALIGN       the placement's phase is no multiple of the granule
 * @return PHYR_E_KIND        it would have to be bounced, and is a peer, or there is no pool;
 *                            encrypted memory without PHYR_DMA_DECRYPT; or a mix for a device with
 *                            PHYR_DMA_ONE_PEER
 * @return PHYR_E_UNREACHABLE some of it is a peer that the device cannot reach
 * @return PHYR_E_NOENT       some of it is called a peer's and is in no provider's BAR
 * @return PHYR_E_NOSPACE     no free range fits the placement, not even after what waits in the ring's
 *                            domain and what the handle's cache holds was collected; or the bounce
 *                            pool is full
 * @return PHYR_E_LIMIT       the placement can never be met, the pool could not hold it if it were
 *                            empty, or the device cannot send the address of a peer or of the pool
 * @return PHYR_E_RANGE       a physical address does not fit the table
 * @return PHYR_E_NOMEM       nothing is mapped, nothing reserved
 * @complexity O(runs) without the backend's work; case 1: no allocation, and O(1) if the device
 *             reaches all addresses and there is no offset
 * @threads caller serialises calls on one handle and on one list
 */
PHYR_API PHYR_NODISCARD int phyr_dma_map(struct phyr_dma *dma, struct phyr_list *list,
					 enum phyr_perm perm,
					 const struct phyr_placement *placement,
					 struct phyr_dma_map *ret_map);

/**
 * @brief Maps a list at I/O addresses that the caller reserved, and keeps.
 *
 * @param[in,out] dma      a handle with an IOMMU
 * @param[in,out] list     not empty, its joints on granules
 * @param[in]     perm     what the device may do
 * @param[in]     reserved granule-aligned, exactly as long as the list rounded out to granules
 * @param[out]    ret_map  PHYR_DMA_RANGE; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       as phyr_dma_map(), or the reservation has another length
 * @return PHYR_E_UNSUPPORTED there is no IOMMU
 * @return PHYR_E_ALIGN       an interior joint or the reservation is not on granules
 * @return PHYR_E_KIND        some of it would have to be bounced, or is a peer past the IOMMU
 * @return PHYR_E_UNREACHABLE as phyr_dma_map()
 * @return PHYR_E_NOENT       as phyr_dma_map()
 * @return PHYR_E_RANGE       an address does not fit the table, or the device cannot send it
 * @return PHYR_E_EXISTS      some of the range is mapped
 * @return PHYR_E_NOMEM       nothing is mapped
 * @complexity O(runs) without the backend's work
 * @threads caller serialises calls on one handle and on one list
 */
PHYR_API PHYR_NODISCARD int phyr_dma_map_at(struct phyr_dma *dma, struct phyr_list *list,
					    enum phyr_perm perm, struct phyr_iova_range reserved,
					    struct phyr_dma_map *ret_map);

/** Why a list cannot be one range. Values are pinned. */
enum phyr_dma_obstacle {
	PHYR_DMA_FREE = 0,  /**< nothing is in the way */
	PHYR_DMA_JOINT = 1, /**< a joint inside a granule, or without an IOMMU any joint */
	PHYR_DMA_PEER = 2,  /**< a peer that is reached past the IOMMU, beside anything else; or
				 that is not reached at all */
	PHYR_DMA_KIND = 3,  /**< memory that must be bounced, and cannot be */
	PHYR_DMA_SPACE = 4, /**< no free range of I/O addresses, or of bounce slots */
	PHYR_DMA_LIMIT = 5, /**< never: the placement, the device's addresses, the longest bounce */
};

/** What is in the way of one range. */
struct phyr_dma_why {
	enum phyr_dma_obstacle obstacle; /**< which */
	uint64_t offset;     /**< [bytes] in the list: of the joint, or of what is in the way */
	uint64_t joint_mask; /**< JOINT: OR of both addresses; its lowest bits are too low */
	struct phyr_tag tag; /**< PEER, KIND: of the memory there */
	uint64_t len;	     /**< SPACE, LIMIT: [bytes] that were asked for */
};

/** What is to become one range. */
struct phyr_dma_linear {
	struct phyr_list *list;			/**< as for phyr_dma_map() */
	enum phyr_perm perm;			/**< what the device may do */
	const struct phyr_placement *placement; /**< where; NULL is anywhere */
	bool bounce; /**< copy it into one run of bounce slots if there is no other way, and if its
			  kind allows that; the list is borrowed then */
};

/**
 * @brief Maps a list as one range or not at all: for consumers that can take nothing else.
 *
 * @param[in,out] dma     the handle
 * @param[in]     linear  see there
 * @param[out]    ret_map PHYR_DMA_RANGE; written only on PHYR_OK
 * @param[out]    ret_why what is in the way, PHYR_DMA_FREE if nothing is; written unless an
 *                        argument is wrong; may be NULL
 * @return as phyr_dma_map(), and
 * @return PHYR_E_ALIGN PHYR_DMA_JOINT
 * @return PHYR_E_KIND  PHYR_DMA_PEER, PHYR_DMA_KIND
 * @complexity as phyr_dma_map()
 * @threads as phyr_dma_map()
 */
PHYR_API PHYR_NODISCARD int phyr_dma_map_linear(struct phyr_dma *dma,
						const struct phyr_dma_linear *linear,
						struct phyr_dma_map *ret_map,
						struct phyr_dma_why *ret_why);

/**
 * @brief Takes a mapping away; needs no memory.
 *
 * One call is one flush, however many runs the list has: done when it returns, or left to the ring
 * or the batch. Slots that the device may have written are copied back first.
 *
 * A mapping of a peer that has been removed is gone already: this only ends it.
 *
 * @param[in,out] dma the handle that mapped it
 * @param[in,out] map becomes PHYR_DMA_NONE on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing
 * @return PHYR_E_NOENT   not mapped (any more); nothing changed. A copy of a value that was unmapped is
 *                        noticed by a checker alone
 * @return PHYR_E_INVAL   with a checker: the value is not as it was handed out; nothing changed
 * @return PHYR_E_PARTIAL the backend holds a leaf that reaches beyond the mapping; nothing changed
 * @complexity O(1) without the backend's work; O(runs) when some of it was bounced
 * @threads caller serialises calls on one handle and on one list
 */
PHYR_API PHYR_NODISCARD int phyr_dma_unmap(struct phyr_dma *dma, struct phyr_dma_map *map);

/**
 * @brief From now on unmaps and unlinks go to a batch, whatever the handle's policy; NULL: no more.
 *
 * The caller ends the batch (phyr_flush_batch_end()): until then what was unmapped may still be
 * reached by the device, and its addresses are not free.
 *
 * @param[in,out] dma   a handle with an IOMMU
 * @param[in]     batch of the same IOMMU and space; must outlive its being set
 * @return the batch that was set before; NULL for none
 * @complexity O(1)
 * @threads caller serialises calls on one handle
 */
PHYR_API struct phyr_flush_batch *phyr_dma_set_batch(struct phyr_dma *dma,
						     struct phyr_flush_batch *batch);

/**
 * @brief Gives the CPU a part of a mapping: what the device wrote can be read.
 *
 * Bounce slots are copied back if the device may write; for a non-coherent device the bytes are
 * counted as maintained, unless all of the mapping is peers'. Memory that is never given to the CPU may not be touched while mapped.
 *
 * @param[in,out] dma    the handle that mapped it
 * @param[in]     map    mapped
 * @param[in]     offset [bytes] in the list
 * @param[in]     len    [bytes] 1 or more
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing or len is 0
 * @return PHYR_E_RANGE beyond the list's end
 * @return PHYR_E_NOENT not mapped
 * @complexity O(1); O(runs) when some of it was bounced
 * @threads caller serialises calls on one handle
 */
PHYR_API PHYR_NODISCARD int phyr_dma_sync_for_cpu(struct phyr_dma *dma,
						  const struct phyr_dma_map *map, uint64_t offset,
						  uint64_t len);

/**
 * @brief Gives the device a part of a mapping back: what the CPU wrote can be read.
 *
 * Bounce slots are filled again, whatever the device may do.
 *
 * @param[in,out] dma    the handle that mapped it
 * @param[in]     map    mapped
 * @param[in]     offset [bytes] in the list
 * @param[in]     len    [bytes] 1 or more
 * @return as phyr_dma_sync_for_cpu()
 * @complexity as phyr_dma_sync_for_cpu()
 * @threads as phyr_dma_sync_for_cpu()
 */
PHYR_API PHYR_NODISCARD int phyr_dma_sync_for_device(struct phyr_dma *dma,
						     const struct phyr_dma_map *map,
						     uint64_t offset, uint64_t len);

/**
 * @brief What the handle counted since it was made.
 *
 * @param[in]  dma       the handle
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one handle
 */
PHYR_API void phyr_dma_stats(const struct phyr_dma *dma, struct phyr_dma_stats *ret_stats);

/** A list that is being put together to be mapped; opaque. */
struct phyr_dma_batch;

/**
 * @brief Starts a mapping of pieces that are met one by one; their number need not be known.
 *
 * @param[in,out] dma       the handle
 * @param[out]    ret_batch to be ended or cancelled; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_NOMEM nothing is left allocated
 * @complexity O(1)
 * @threads caller serialises calls on one handle
 */
PHYR_API PHYR_NODISCARD int phyr_dma_batch_begin(struct phyr_dma *dma,
						 struct phyr_dma_batch **ret_batch);

/**
 * @brief Adds a piece behind the others; joins the last one where it follows on in memory.
 *
 * @param[in,out] batch begun
 * @param[in]     range [bytes] len 1 or more
 * @param[in]     tag   what it is
 * @return as phyr_list_append(); the batch is as it was if it is not PHYR_OK
 * @complexity O(1)
 * @threads caller serialises calls on one batch
 */
PHYR_API PHYR_NODISCARD int phyr_dma_batch_add(struct phyr_dma_batch *batch,
					       struct phyr_range range, struct phyr_tag tag);

/**
 * @brief Maps all pieces as phyr_dma_map() maps a list: one reservation, one sync.
 *
 * The mapping keeps what it needs of the pieces: nothing, where it is one range.
 *
 * @param[in,out] batch     its use ends on PHYR_OK; else it may be added to, ended or cancelled
 * @param[in]     perm      what the device may do
 * @param[in]     placement where; NULL is anywhere
 * @param[out]    ret_map   written only on PHYR_OK
 * @return as phyr_dma_map()
 * @complexity as phyr_dma_map()
 * @threads caller serialises calls on the handle
 */
PHYR_API PHYR_NODISCARD int phyr_dma_batch_end(struct phyr_dma_batch *batch, enum phyr_perm perm,
					       const struct phyr_placement *placement,
					       struct phyr_dma_map *ret_map);

/**
 * @brief Drops the pieces; nothing is mapped.
 *
 * @param[in] batch NULL is allowed
 * @complexity O(slabs)
 * @threads caller serialises calls on the handle
 */
PHYR_API void phyr_dma_batch_cancel(struct phyr_dma_batch *batch);

/** A place in a mapping. All members are private. */
struct phyr_dma_cursor {
	struct phyr_list_cursor cursor; /**< private */
	struct phyr_iova_range range;	/**< private: what is left of a single range */
	uint64_t offset;		/**< private: added to addresses of the list */
	bool list;			/**< private: there is a list */
};

/**
 * @brief Starts at the first range of I/O addresses of a mapping.
 *
 * A mapping of which a peer was removed has none left.
 *
 * @param[in]  map    any form; must stay mapped while the cursor is used
 * @param[out] cursor the caller's storage
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_dma_begin(const struct phyr_dma_map *map, struct phyr_dma_cursor *cursor);

/**
 * @brief Returns the next range of I/O addresses, in the order of the list's bytes.
 *
 * @param[in,out] cursor    started
 * @param[out]    ret_range written only when true is returned
 * @return true when there was one, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API bool phyr_dma_next(struct phyr_dma_cursor *cursor, struct phyr_iova_range *ret_range);

#ifdef __cplusplus
}
#endif

#endif
