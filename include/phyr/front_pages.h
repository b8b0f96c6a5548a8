/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A window of pages, mapped and unmapped one by one or many at a time: for drivers that
 *        mirror a process's memory (HMM, RDMA's on-demand paging, GPU user pointers).
 *
 * The window is reserved once, so the I/O address of a page is known by its index and nothing is kept
 * for it but a bit: 16 KiB for the 131,072 pages of 512 MiB. Each call makes what it linked visible
 * by one sync, and invalidates what it unlinked by one flush, however many pages and holes there are.
 *
 * **Peers.** A page may be a peer's memory, beside others that are not. Through a host bridge it is
 * linked like memory. Reached by bus address its place in the window stays empty, and a bit says so:
 * phyr_front_pages_addr() tells the bus address to who still knows where the memory is. When a
 * provider is removed, all its pages are unmapped and flushed before the registry goes on.
 *
 * **Leaves.** What one call maps may get leaves of the page table that are larger than a page, where
 * memory allows it. No call here cuts a leaf: its pages can only be unmapped together, unless the
 * backend, by a call of its own, has cut it before (phyrsim_iommu_split()). A window whose pages come
 * and go alone is made with `single`: each page is linked by a call of its own.
 *
 * Not here: devices without an IOMMU, where an I/O address is a physical one plus an offset.
 */
#ifndef PHYR_FRONT_PAGES_H
#define PHYR_FRONT_PAGES_H

#include <phyr/base.h>
#include <phyr/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A window of pages; opaque. */
struct phyr_front_pages;

/** How to make one. */
struct phyr_front_pages_params {
	struct phyr_dma *dma; /**< required, with an IOMMU; must outlive the window */
	uint64_t page_cnt;    /**< 1 or more; with page_lg2 at most PHYR_DMA_STATE_MAX bytes */
	uint8_t page_lg2;     /**< [log2 bytes] of a page: the granule or more */
	bool single;	      /**< any page can be unmapped alone; a link a page */
	/** where page 0 is; its phase is a multiple of the granule; NULL, or a phase_lg2 of 0: at a
	 *  multiple of a page */
	const struct phyr_placement *placement;
};

/** Some pages of a window. */
struct phyr_front_pages_part {
	uint64_t first; /**< index of the first page */
	uint64_t cnt;	/**< 1 or more */
};

/** Memory for pages behind one another. */
struct phyr_front_pages_run {
	uint64_t first;			 /**< index of the first page */
	const struct phyr_range *ranges; /**< whole pages each, on granules */
	size_t range_cnt;		 /**< 1 or more */
	struct phyr_tag tag; /**< of all; the provider is not looked at: it is looked up, and there
				  may be several */
	enum phyr_perm perm; /**< what the device may do */
};

/** What is at a page. */
enum phyr_front_page {
	PHYR_FRONT_PAGE_NONE = 0,   /**< nothing */
	PHYR_FRONT_PAGE_LINKED = 1, /**< memory, or a peer through a host bridge */
	PHYR_FRONT_PAGE_BUS = 2,    /**< a peer by bus address: the window is empty here */
};

/** What a window holds, and what it took. */
struct phyr_front_pages_stats {
	uint64_t linked_cnt; /**< pages linked now */
	uint64_t bus_cnt;    /**< pages reached by bus address now */
	uint64_t link_cnt;   /**< calls of phyr_dma_link() */
	uint64_t sync_cnt;   /**< calls of phyr_dma_sync() */
	uint64_t flush_cnt;  /**< flushes */
	uint64_t hit_cnt;    /**< pages that were to be mapped and were already */
	uint64_t state_len;  /**< [bytes] allocated now */
};

/**
 * @brief Makes a window in which nothing is mapped, and reserves its I/O addresses.
 *
 * @param[in]  params    see there
 * @param[out] ret_pages the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, page_cnt is 0, the phase is inside a granule, or
 *                            its log2 above 63
 * @return PHYR_E_ALIGN       a page is smaller than the granule
 * @return PHYR_E_RANGE       longer than PHYR_DMA_STATE_MAX
 * @return PHYR_E_UNSUPPORTED there is no IOMMU
 * @return PHYR_E_NOSPACE     no free range fits
 * @return PHYR_E_LIMIT       it can never fit
 * @return PHYR_E_NOMEM       nothing is left allocated or reserved
 * @complexity O(page_cnt / 64), to clear the bits
 * @threads caller serialises calls on one handle
 */
PHYR_API PHYR_NODISCARD int phyr_front_pages_create(const struct phyr_front_pages_params *params,
						    struct phyr_front_pages **ret_pages);

/**
 * @brief Unmaps what is mapped, with one flush, gives the window back and frees all.
 *
 * @param[in] pages NULL is allowed
 * @complexity O(page_cnt / 64 + stretches) without the backend's work
 * @threads as phyr_front_pages_map()
 */
PHYR_API void phyr_front_pages_destroy(struct phyr_front_pages *pages);

/**
 * @brief Maps pages; all that are not mapped already, or none.
 *
 * Pages that are mapped are counted and left alone, whatever memory they have: phyr_front_pages_replace()
 * is for other memory. One link for each stretch of pages, one sync.
 *
 * @param[in,out] pages the window
 * @param[in]     run   see there
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing or unknown, or a length is 0
 * @return PHYR_E_ALIGN       a range is not whole pages, or starts inside a granule
 * @return PHYR_E_RANGE       beyond the last page, or an address does not fit the table
 * @return PHYR_E_KIND        encrypted memory
 * @return PHYR_E_UNREACHABLE a peer that the device cannot reach
 * @return PHYR_E_PARTIAL     a peer's range that is in two providers, or only partly in one
 * @return PHYR_E_NOENT       a peer's range that is in no provider's BAR
 * @return PHYR_E_LIMIT       a bus address that the device cannot send
 * @return PHYR_E_NOMEM       the page table, or the pages of another provider, need memory
 * @return what the backend's sync_map says
 * @complexity O(pages / 64 + ranges + stretches) without the backend's work
 * @threads caller serialises calls on one window and on its handle
 * @source Linux hmm_dma_map_pfn(), which links and syncs page by page (defect D14)
 */
PHYR_API PHYR_NODISCARD int phyr_front_pages_map(struct phyr_front_pages *pages,
						 const struct phyr_front_pages_run *run);

/**
 * @brief Unmaps what is mapped of some pages; there may be holes. One flush; needs no memory.
 *
 * @param[in,out] pages the window
 * @param[in]     part  see there
 * @return PHYR_OK        nothing of it is mapped; invalidated
 * @return PHYR_E_INVAL   an argument is missing, or cnt is 0
 * @return PHYR_E_RANGE   beyond the last page
 * @return PHYR_E_PARTIAL a stretch of pages ends inside a leaf: all of this stretch is left mapped, all
 *                        others of the part are unmapped and invalidated
 * @complexity O(pages / 64 + stretches) without the backend's work
 * @threads as phyr_front_pages_map()
 * @source Linux hmm_dma_unmap_pfn(), which flushes page by page
 */
PHYR_API PHYR_NODISCARD int phyr_front_pages_unmap(struct phyr_front_pages *pages,
						   struct phyr_front_pages_part part);

/**
 * @brief Puts other memory behind pages: what was there is invalidated before the new one stands.
 *
 * Ranges whose memory stays the same are not touched, and counted as mapped already. Pages that were
 * not mapped are mapped. One flush, one sync.
 *
 * @param[in,out] pages the window
 * @param[in]     run   the new memory
 * @param[in]     old   range by range, as long as that of `run`, where the memory was; NULL: elsewhere
 * @return as phyr_front_pages_map(), and all pages of ranges that differ are unmapped, if it is not
 *         PHYR_E_INVAL, _ALIGN or _RANGE for the pages, with nothing changed; and
 * @return PHYR_E_INVAL   old ranges have other lengths; nothing changed
 * @return PHYR_E_PARTIAL as phyr_front_pages_unmap(), for pages of ranges that differ; nothing is mapped
 * @complexity as phyr_front_pages_unmap() and phyr_front_pages_map()
 * @threads as phyr_front_pages_map()
 */
PHYR_API PHYR_NODISCARD int phyr_front_pages_replace(struct phyr_front_pages *pages,
						     const struct phyr_front_pages_run *run,
						     const struct phyr_range *old);

/**
 * @brief The I/O addresses of the window.
 *
 * @param[in] pages the window
 * @return first byte of page 0, bytes of all pages
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API struct phyr_iova_range phyr_front_pages_window(const struct phyr_front_pages *pages);

/**
 * @brief What is at a page.
 *
 * @param[in] pages the window
 * @param[in] index of the page; one behind the last has nothing
 * @return see there
 * @complexity O(1); O(providers) where some are reached by bus address
 * @threads any number of readers
 */
PHYR_API enum phyr_front_page phyr_front_pages_at(const struct phyr_front_pages *pages,
						  uint64_t index);

/**
 * @brief The address by which the device reaches a page.
 *
 * @param[in]  pages    the window
 * @param[in]  index    of the page
 * @param[in]  pa       where its memory is; looked at for PHYR_FRONT_PAGE_BUS alone
 * @param[out] ret_iova of its first byte; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL ret_iova is NULL, or the memory is not of the page's provider
 * @return PHYR_E_NOENT the page is not mapped
 * @return as phyr_dma_peer(), for PHYR_FRONT_PAGE_BUS
 * @complexity as phyr_front_pages_at(); for PHYR_FRONT_PAGE_BUS, also phyr_dma_peer()
 * @threads as phyr_front_pages_map()
 */
PHYR_API PHYR_NODISCARD int phyr_front_pages_addr(const struct phyr_front_pages *pages,
						  uint64_t index, phyr_pa pa, phyr_iova *ret_iova);

/**
 * @brief What a window holds, and what it took.
 *
 * @param[in]  pages     the window
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one window
 */
PHYR_API void phyr_front_pages_stats(const struct phyr_front_pages *pages,
				     struct phyr_front_pages_stats *ret_stats);

/**
 * @brief Do the bits of a window agree with each other and with its counts?
 *
 * @param[in]  pages      the window; NULL is invalid
 * @param[out] ret_reason why not, a constant string; written only when false; may be NULL
 * @return true when they do
 * @complexity O(page_cnt × providers)
 * @threads caller serialises calls on one window
 */
PHYR_API bool phyr_front_pages_validate(const struct phyr_front_pages *pages,
					const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
