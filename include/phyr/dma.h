/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Mapping lists for a device and taking the mappings away again.
 *
 * A handle belongs to one thread and one device: it names the IOMMU (or none), the I/O address
 * space, and keeps that thread's counters. Several handles may share both.
 *
 * The result of a mapping is a small value. Without an IOMMU it is the caller's own list, seen as
 * I/O addresses, nothing copied; with one it is a single range.
 */
#ifndef PHYR_DMA_H
#define PHYR_DMA_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyr/iova.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A thread's handle on a device's address space; opaque. */
struct phyr_dma;

/** How to make a handle. */
struct phyr_dma_params {
	const struct phyr_mem *mem;    /**< required; must outlive the handle */
	struct phyr_iommu iommu;       /**< ops NULL: no IOMMU */
	struct phyr_iova_space *space; /**< required with an IOMMU; ditto */
};

/** What became of a list. */
enum phyr_dma_form {
	PHYR_DMA_NONE = 0,     /**< not mapped */
	PHYR_DMA_BORROWED = 1, /**< the caller's list itself: I/O addresses are physical ones */
	PHYR_DMA_RANGE = 2,    /**< one range of I/O addresses */
};

/** A mapping; a value that the caller keeps and hands back. Members may be read, not written. */
struct phyr_dma_map {
	enum phyr_dma_form form;	 /**< which of the others count */
	struct phyr_iova_range range;	 /**< PHYR_DMA_RANGE: exactly the list's bytes */
	struct phyr_iova_range reserved; /**< what was taken from the space, in granules */
	struct phyr_list *list;		 /**< PHYR_DMA_BORROWED: the caller's list */
	bool own;			 /**< the reservation ends with the mapping */
};

/** What a handle counted. */
struct phyr_dma_stats {
	uint64_t map_cnt;      /**< lists mapped */
	uint64_t unmap_cnt;    /**< lists unmapped */
	uint64_t call_cnt;     /**< calls of the backend's map */
	uint64_t run_cnt;      /**< runs handed to it */
	uint64_t sync_cnt;     /**< calls of the backend's sync_map */
	uint64_t flush_cnt;    /**< calls of the backend's flush */
	uint64_t mapped_len;   /**< [bytes] of lists now mapped */
	uint64_t reserved_len; /**< [bytes] of I/O address space now reserved for them */
};

/**
 * @brief Makes a handle.
 *
 * @param[in]  params  see there
 * @param[out] ret_dma the handle; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing, or an IOMMU comes without a space or
 *                      says that it maps no page size
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_dma_create(const struct phyr_dma_params *params,
					    struct phyr_dma **ret_dma);

/**
 * @brief Frees a handle; its mappings must be gone, which checked builds verify.
 *
 * @param[in] dma NULL is allowed
 * @complexity O(1)
 * @threads no other call on the handle may be running
 */
PHYR_API void phyr_dma_destroy(struct phyr_dma *dma);

/**
 * @brief Maps a list: the caller's own list without an IOMMU, one range with one.
 *
 * While a list is borrowed it may be neither changed nor freed.
 *
 * @param[in,out] dma       the handle
 * @param[in,out] list      not empty; its interior joints on granules when there is an IOMMU
 * @param[in]     perm      what the device may do
 * @param[in]     placement where; NULL is anywhere. Ignored without an IOMMU
 * @param[out]    ret_map   written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing, the list is empty, or perm 0 or unknown
 * @return PHYR_E_ALIGN   an interior joint is inside a granule: no single range can hold it
 * @return PHYR_E_KIND    the list holds several kinds of memory, and there is an IOMMU
 * @return PHYR_E_NOSPACE no free range fits the placement
 * @return PHYR_E_LIMIT   the placement can never be met
 * @return PHYR_E_RANGE   a physical address does not fit the table
 * @return PHYR_E_NOMEM   nothing is mapped, nothing reserved
 * @complexity O(runs) without the backend's work; O(1) without an IOMMU, and no allocation
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
 * @param[in,out] list     as phyr_dma_map()
 * @param[in]     perm     what the device may do
 * @param[in]     reserved granule-aligned, exactly as long as the list rounded out to granules
 * @param[out]    ret_map  written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, the list is empty, perm 0 or unknown, or the
 *                            reservation has another length
 * @return PHYR_E_UNSUPPORTED there is no IOMMU
 * @return PHYR_E_ALIGN       an interior joint or the reservation is not on granules
 * @return PHYR_E_KIND        the list holds several kinds of memory
 * @return PHYR_E_RANGE       an address does not fit the table
 * @return PHYR_E_EXISTS      some of the range is mapped
 * @return PHYR_E_NOMEM       nothing is mapped
 * @complexity O(runs) without the backend's work
 * @threads caller serialises calls on one handle and on one list
 */
PHYR_API PHYR_NODISCARD int phyr_dma_map_at(struct phyr_dma *dma, struct phyr_list *list,
					    enum phyr_perm perm, struct phyr_iova_range reserved,
					    struct phyr_dma_map *ret_map);

/**
 * @brief Takes a mapping away; invalidated when the call returns. Needs no memory.
 *
 * One call is one flush, however many runs the list has.
 *
 * @param[in,out] dma the handle that mapped it
 * @param[in,out] map becomes PHYR_DMA_NONE on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing
 * @return PHYR_E_NOENT   not mapped (any more); nothing changed
 * @return PHYR_E_PARTIAL the backend holds a leaf that reaches beyond the mapping; nothing changed
 * @complexity O(1) without the backend's work
 * @threads caller serialises calls on one handle and on one list
 */
PHYR_API PHYR_NODISCARD int phyr_dma_unmap(struct phyr_dma *dma, struct phyr_dma_map *map);

/**
 * @brief What the handle counted since it was made.
 *
 * @param[in]  dma       the handle
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one handle
 */
PHYR_API void phyr_dma_stats(const struct phyr_dma *dma, struct phyr_dma_stats *ret_stats);

/** A place in a mapping. All members are private. */
struct phyr_dma_cursor {
	struct phyr_list_cursor cursor; /**< private */
	struct phyr_iova_range range;	/**< private: what is left of a single range */
	bool borrowed;			/**< private */
};

/**
 * @brief Starts at the first range of I/O addresses of a mapping.
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
