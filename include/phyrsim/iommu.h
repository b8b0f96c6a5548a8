/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A simulated IOMMU: a page table and its invalidations, behind the backend contract.
 */
#ifndef PHYRSIM_IOMMU_H
#define PHYRSIM_IOMMU_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyrsim/inval.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/pagetable_dirty.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A simulated IOMMU with one domain; opaque. */
struct phyrsim_iommu;

/** How to make one. */
struct phyrsim_iommu_params {
	struct phyrsim_pagetable_params table; /**< its page table, and its memory; the breaker is
						    the IOMMU's own */
	struct phyrsim_inval_params inval;     /**< its invalidations; all zero: one command a
						    flush; no granule or sizes: the table's */
	struct phyrsim_command_sink sink;      /**< who else sees commands; all zero: nobody */
	bool shared; /**< several threads use it: a lock serialises calls. It is held while the
			  hooks, the frames and the sink are called: they may not call back, and
			  nobody else may use the frames meanwhile */
};

/** What it counted and holds. */
struct phyrsim_iommu_stats {
	uint64_t flush_cnt[PHYR_FLUSH_CNT];   /**< commands by kind; WALK: those with walk */
	struct phyrsim_inval_stats inval;     /**< commands in detail */
	uint64_t map_cnt;		      /**< calls of map that succeeded */
	uint64_t unmap_cnt;		      /**< calls of unmap that succeeded */
	struct phyrsim_pagetable_stats table; /**< the page table now */
};

/**
 * @brief Makes an IOMMU with an empty table.
 *
 * @param[in]  params    see there; copied
 * @param[out] ret_iommu the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, or its table or its invalidations are not offered
 * @return PHYR_E_NOMEM nothing is left allocated
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_iommu_create(const struct phyrsim_iommu_params *params,
						 struct phyrsim_iommu **ret_iommu);

/**
 * @brief Frees an IOMMU and its tables.
 *
 * @param[in] iommu NULL is allowed
 * @complexity O(tables)
 * @threads no other call on it may be running
 */
PHYR_API void phyrsim_iommu_destroy(struct phyrsim_iommu *iommu);

/**
 * @brief The IOMMU as a backend for the mapping layer.
 *
 * A flush sends the commands of the personality. So may an unmap, where the personality's driver
 * flushes what was gathered before; the gather then holds what is left.
 *
 * @param[in] iommu must outlive the use of the backend
 * @return functions and context
 * @complexity O(1)
 * @threads caller serialises the backend's calls; any if it is shared
 */
PHYR_API struct phyr_iommu phyrsim_iommu_backend(struct phyrsim_iommu *iommu);

/**
 * @brief Removes every translation of a range in which there may be holes.
 *
 * It gathers as the backend's unmap does.
 *
 * @param[in,out] iommu  the IOMMU
 * @param[in]     range  granule-aligned
 * @param[in,out] gather what was removed is added
 * @return as phyrsim_pagetable_unmap_sparse()
 * @complexity O(leaves × levels)
 * @threads caller serialises calls on one IOMMU; any if it is shared
 */
PHYR_API PHYR_NODISCARD int phyrsim_iommu_unmap_sparse(struct phyrsim_iommu *iommu,
						       struct phyr_iova_range range,
						       struct phyr_gather *gather);

/**
 * @brief Changes what the device may do with mapped memory.
 *
 * It gathers as the backend's unmap does: until the flush the device may go by the old permissions.
 *
 * @param[in,out] iommu  the IOMMU
 * @param[in]     range  granule-aligned
 * @param[in]     perm   what the device may do from now on
 * @param[in]     attrs  of enum phyrsim_attr, from now on
 * @param[in,out] gather the range is added
 * @return as phyrsim_pagetable_protect()
 * @complexity O(leaves)
 * @threads caller serialises calls on one IOMMU; any if it is shared
 */
PHYR_API PHYR_NODISCARD int phyrsim_iommu_protect(struct phyrsim_iommu *iommu,
						  struct phyr_iova_range range, enum phyr_perm perm,
						  unsigned int attrs, struct phyr_gather *gather);

/**
 * @brief Cuts the leaf that lies across an I/O address, so that what is on either side can be unmapped
 * alone.
 *
 * For what an unmap, an unlink or a window of pages refuses as PHYR_E_PARTIAL: an unmap cuts nothing on its
 * own, as that may need memory. It gathers as the backend's unmap does; the flush may come at any time before
 * the next unmap there. Where Arm has to break the leaf, it is invalidated before anything stands in its
 * place, by commands of its own.
 *
 * @param[in,out] iommu  the IOMMU
 * @param[in]     at     granule-aligned
 * @param[in,out] gather the old leaf is added, unless it is invalidated already
 * @return as phyrsim_pagetable_split(), without tables made in advance
 * @complexity O(levels × items of a table)
 * @threads caller serialises calls on one IOMMU; any if it is shared
 */
PHYR_API PHYR_NODISCARD int phyrsim_iommu_split(struct phyrsim_iommu *iommu, phyr_iova at,
						struct phyr_gather *gather);

/**
 * @brief Adds the dirty pages of a range to a bitmap, and clears their marks.
 *
 * It gathers as the backend's unmap does: until the flush hardware may write without a mark.
 *
 * @param[in,out] iommu  the IOMMU
 * @param[in]     range  a multiple of pages
 * @param[in]     flags  of enum phyrsim_dirty_flag
 * @param[in,out] bitmap has a bit for each page of the range
 * @param[in,out] gather what was cleared is added
 * @return as phyrsim_pagetable_read_dirty()
 * @complexity O(leaves × levels + pages / 64)
 * @threads caller serialises calls on one IOMMU; any if it is shared
 */
PHYR_API PHYR_NODISCARD int phyrsim_iommu_read_dirty(struct phyrsim_iommu *iommu,
						     struct phyr_iova_range range,
						     unsigned int flags,
						     const struct phyrsim_dirty_bitmap *bitmap,
						     struct phyr_gather *gather);

/**
 * @brief What the hardware needs to walk its table.
 *
 * @param[in]  iommu    the IOMMU
 * @param[out] ret_root written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyrsim_iommu_root(const struct phyrsim_iommu *iommu, struct phyrsim_root *ret_root);

/**
 * @brief What it counted.
 *
 * @param[in]  iommu     the IOMMU
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one IOMMU; any if it is shared
 */
PHYR_API void phyrsim_iommu_stats(const struct phyrsim_iommu *iommu,
				  struct phyrsim_iommu_stats *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
