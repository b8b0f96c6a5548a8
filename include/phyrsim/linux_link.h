/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Linux's dma_iova_*: what is reserved, what a link maps, what is given back.
 *
 * Not here: page tables and syncs (phyr/dma_link.h is this library's own, and does map), bouncing.
 */
#ifndef PHYRSIM_LINUX_LINK_H
#define PHYRSIM_LINUX_LINK_H

#include <phyr/base.h>
#include <phyrsim/linux.h>
#include <phyrsim/linux_iova.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where I/O addresses come from and go to; granules of 4 KiB. */
struct phyrsim_linux_two_step {
	struct phyrsim_linux_iova *iova;	  /**< NULL: no IOMMU, nothing is ever reserved */
	struct phyrsim_linux_iova_device *device; /**< what it reaches; changed as by each call */
	unsigned int cpu;			  /**< that reserves and gives back */
	unsigned int quirks;			  /**< of enum phyrsim_linux_quirk: FREE_MAPPED */
};

/** struct dma_iova_state: all-zero is none. */
struct phyrsim_linux_state {
	phyr_iova iova; /**< of byte 0, its place in its granule included */
	uint64_t len;	/**< [bytes] that were asked for */
};

/** What a link maps, in whole granules. */
struct phyrsim_linux_link {
	struct phyr_iova_range iova; /**< the I/O addresses */
	phyr_pa pa;		     /**< of their first byte */
};

/**
 * @brief Reserves: dma_iova_try_alloc().
 *
 * @param[in,out] two_step  where from
 * @param[in]     first     len [bytes]; of the address only its place in its granule counts
 * @param[out]    ret_state all zero unless PHYR_OK
 * @return PHYR_OK: true. For all others Linux says false, and no more
 * @return PHYR_E_INVAL       an argument is missing, or the length is 0
 * @return PHYR_E_RANGE       the length has bit 63
 * @return PHYR_E_UNSUPPORTED there is no IOMMU
 * @return as phyrsim_linux_iova_alloc()
 * @complexity as phyrsim_linux_iova_alloc()
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/dma-iommu.c: dma_iova_try_alloc
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_two_step_alloc(const struct phyrsim_linux_two_step *two_step, struct phyr_range first,
			     struct phyrsim_linux_state *ret_state);

/**
 * @brief What dma_iova_link() would map.
 *
 * As there, a link that ends short of a granule is not noticed; the next one is, when the place of
 * its memory in its granule is not that of its I/O address: that is the page table's error.
 *
 * @param[in]  state    reserved
 * @param[in]  memory   len 1 or more
 * @param[in]  offset   [bytes] from byte 0
 * @param[out] ret_link written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, nothing is reserved, or the length is 0
 * @return PHYR_E_RANGE beyond the end of the state, or the memory wraps
 * @return PHYR_E_IO    memory from within a granule that is not at offset 0: −EIO
 * @return PHYR_E_ALIGN the I/O address is from within a granule: −EINVAL or −ENXIO of the page table
 * @complexity O(1)
 * @threads any number of readers
 * @source Linux drivers/iommu/dma-iommu.c: dma_iova_link
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_two_step_link(const struct phyrsim_linux_state *state,
							struct phyr_range memory, uint64_t offset,
							struct phyrsim_linux_link *ret_link);

/**
 * @brief Gives the addresses back: dma_iova_destroy() of the first mapped_len bytes.
 *
 * As it should be: all that was allocated, whatever was mapped. With FREE_MAPPED as if only that had
 * been allocated: when it is short enough for a cache, the range serves as a shorter one from then on,
 * and its rest as nothing until it leaves the cache: it is stranded.
 *
 * @param[in,out] two_step         where to
 * @param[in,out] state            reserved; none on PHYR_OK
 * @param[in]     mapped_len       [bytes] from byte 0; 0: dma_iova_free(), of all
 * @param[out]    ret_stranded_len [bytes] of I/O addresses; written only on PHYR_OK; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, or nothing is reserved
 * @return PHYR_E_RANGE more than was asked for
 * @return PHYR_E_NOENT the addresses are not allocated (any more)
 * @complexity as phyrsim_linux_iova_free_fast()
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/dma-iommu.c: dma_iova_destroy
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_two_step_destroy(const struct phyrsim_linux_two_step *two_step,
			       struct phyrsim_linux_state *state, uint64_t mapped_len,
			       uint64_t *ret_stranded_len);

#ifdef __cplusplus
}
#endif

#endif
