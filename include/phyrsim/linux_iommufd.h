/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief iommufd: where it puts memory that names no I/O address, what it unmaps, what pinning costs.
 *
 * Not here: page tables; addresses that the caller chose.
 */
#ifndef PHYRSIM_LINUX_IOMMUFD_H
#define PHYRSIM_LINUX_IOMMUFD_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyrsim/linux.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An address space: what is allowed, and what is taken. */
struct phyrsim_linux_iommufd {
	const struct phyr_window
		*allowed;		 /**< ascending, apart; NULL: all but the first and the last
						page */
	size_t allowed_cnt;		 /**< not looked at when allowed is NULL */
	const struct phyr_window *taken; /**< ascending, apart: areas, reserved windows */
	size_t taken_cnt;		 /**< how many */
	unsigned int align_lg2;		 /**< [log2 bytes, 12 … 30] of every area */
	bool huge_pages;		 /**< the kernel has transparent huge pages */
	unsigned int quirks;		 /**< of enum phyrsim_linux_quirk: ALIGN_ONLY */
};

/** Memory that wants to be mapped. */
struct phyrsim_linux_iommufd_memory {
	uint64_t addr; /**< [process address, or offset in a file] of the first byte */
	uint64_t len;  /**< [bytes] */
};

/**
 * @brief Chooses an address: the lowest that fits.
 *
 * With ALIGN_ONLY as Linux: aligned to the length, to the memory's address and to 2 MiB, whichever is
 * least. Without: congruent to the memory's address modulo the length rounded up to 2^n, 2 MiB at most,
 * so that what are huge pages stay huge.
 *
 * @param[in]  space    what is free
 * @param[in]  memory   what is to be mapped
 * @param[out] ret_iova written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing; the length is 0 or no multiple of the alignment; or
 *                        the memory's address is less aligned than that (−EINVAL)
 * @return PHYR_E_RANGE   2^63 − 1 bytes or more (−EOVERFLOW)
 * @return PHYR_E_NOSPACE no place (−ENOSPC)
 * @complexity O(allowed + taken)
 * @threads any number of readers
 * @source Linux drivers/iommu/iommufd/io_pagetable.c: iopt_alloc_iova
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_iommufd_place(const struct phyrsim_linux_iommufd *space,
			    const struct phyrsim_linux_iommufd_memory *memory, phyr_iova *ret_iova);

/**
 * @brief How much an unmap of a window removes: whole areas, or nothing.
 *
 * @param[in]  space   its taken windows are areas, and nothing else
 * @param[in]  window  0 … 2^64 − 1 means everything
 * @param[out] ret_len [bytes] written only on PHYR_OK
 * @return PHYR_OK      also when everything is nothing
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_NOENT no area lies in the window, or one lies partly in it (−ENOENT)
 * @complexity O(taken)
 * @threads any number of readers
 * @source Linux drivers/iommu/iommufd/io_pagetable.c: iopt_unmap_iova
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iommufd_unmap(const struct phyrsim_linux_iommufd *space,
							struct phyr_window window,
							uint64_t *ret_len);

/** What pinning and mapping memory costs. */
struct phyrsim_linux_iommufd_cost {
	uint64_t pin_cnt;   /**< calls of pin_user_pages: 8192 pages each at most */
	uint64_t batch_cnt; /**< batches: 5461 runs each at most */
	uint64_t call_cnt;  /**< iommu_map() calls of one domain: one a run and batch */
};

/**
 * @brief What mapping a list costs.
 *
 * @param[in]  list     joints on pages
 * @param[out] ret_cost written only on PHYR_OK; all 0 for an empty list
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_ALIGN a joint is inside a page
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux drivers/iommu/iommufd/pages.c: pfn_reader, batch_add_pfn
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iommufd_cost(const struct phyr_list *list,
						       struct phyrsim_linux_iommufd_cost *ret_cost);

#ifdef __cplusplus
}
#endif

#endif
