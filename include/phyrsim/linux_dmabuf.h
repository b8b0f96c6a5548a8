/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Linux's way from an array of phys_vec (BARs) to a scatterlist of I/O addresses, for dma-buf.
 *
 * With I/O addresses the whole is one range, linked vec by vec, and cut into entries afterwards.
 * Without (bus addresses) every vec is cut by itself.
 */
#ifndef PHYRSIM_LINUX_DMABUF_H
#define PHYRSIM_LINUX_DMABUF_H

#include <phyr/base.h>
#include <phyrsim/linux.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An array of phys_vec, and how it is reached. */
struct phyrsim_linux_dmabuf {
	const struct phyr_range *vecs; /**< whole pages each, none empty */
	size_t vec_cnt;		       /**< 1 or more */
	bool mapped;		       /**< through an IOMMU; else by bus address */
	phyr_iova base;		       /**< mapped: the first of the I/O addresses; whole pages */
	uint64_t bus_offset;	       /**< else: bus address − physical, mod 2^64 */
	unsigned int quirks; /**< of enum phyrsim_linux_quirk: LINK_AT_ZERO, LENGTH_32, ODD_SPLIT */
};

/** What becomes of it. */
struct phyrsim_linux_dmabuf_result {
	size_t entry_cnt;    /**< entries of the scatterlist */
	uint64_t len;	     /**< [bytes] in the vecs */
	uint64_t told_len;   /**< [bytes] in the entries: less when a length was cut to 32 bits */
	uint64_t wrong_len;  /**< [bytes] in entries that name other bytes than theirs */
	size_t ragged_cnt;   /**< entries that begin inside of a page */
	uint64_t link_cnt;   /**< links of the IOMMU */
	uint64_t linked_len; /**< [bytes] of I/O addresses that lead somewhere */
};

/**
 * @brief Makes the entries.
 *
 * @param[in]  dmabuf     what
 * @param[out] entries    what the importer gets; written as far as there is room, also on an error
 * @param[in]  entry_max  room in it; 0: only counted, entries may be NULL
 * @param[out] ret_result written only on PHYR_OK; its entry_cnt may be above entry_max
 * @return PHYR_OK
 * @return PHYR_E_INVAL  an argument is missing, or there are no vecs, or an empty one
 * @return PHYR_E_ALIGN  a vec or the base is not in whole pages
 * @return PHYR_E_RANGE  a vec, or the sum, wraps
 * @return PHYR_E_EXISTS LINK_AT_ZERO: the second vec is linked where the first one is
 * @complexity O(vecs + entries)
 * @threads any
 * @source Linux drivers/dma-buf/dma-buf-mapping.c
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_dmabuf_entries(const struct phyrsim_linux_dmabuf *dmabuf,
			     struct phyr_iova_range *entries, size_t entry_max,
			     struct phyrsim_linux_dmabuf_result *ret_result);

#ifdef __cplusplus
}
#endif

#endif
