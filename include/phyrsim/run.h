/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief One run: a buffer in, every cost of describing, mapping and translating it out.
 */
#ifndef PHYRSIM_RUN_H
#define PHYRSIM_RUN_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyr/split.h>
#include <phyrsim/linux.h>
#include <phyrsim/mtt.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the buffer gets its I/O addresses. */
enum phyrsim_strategy {
	PHYRSIM_BY_PAGE = 0, /**< one mapping call a page, as in a loop of dma_map_page() */
	PHYRSIM_LINUX = 1,   /**< one range, top-down, size-aligned, no phase: dma_map_sg() */
	PHYRSIM_PHASE = 2,   /**< one range whose phase matches: this library */
};

/** By what the device names byte 0 of the region. */
enum phyrsim_naming {
	PHYRSIM_NAME_VA = 0,   /**< the process's address, as ibv_reg_mr() does */
	PHYRSIM_NAME_ZERO = 1, /**< zero, plus the offset in the first page */
	PHYRSIM_NAME_IOVA = 2, /**< its I/O address */
};
/** How many namings there are. */
#define PHYRSIM_NAMING_CNT 3

/** Largest buffer that is mapped page by page leaf for leaf. [bytes] */
#define PHYRSIM_BY_PAGE_MAX (UINT64_C(16) << 30)
/** Most leaves or device entries that a run simulates: 256 GiB in 4 KiB pages. */
#define PHYRSIM_LEAVES_MAX (UINT64_C(1) << 26)

/** What describing a buffer costs. */
struct phyrsim_describe {
	uint64_t page_cnt;		      /**< 4 KiB pages touched */
	struct phyr_list_stats list;	      /**< the chunk list itself */
	struct phyrsim_linux_cost sg_default; /**< scatterlist, segments up to 64 KiB */
	struct phyrsim_linux_cost sg_long;    /**< scatterlist, segments up to 2 GiB */
	struct phyrsim_linux_cost bio_vec;    /**< bio_vec */
	struct phyrsim_linux_cost phys_vec;   /**< phys_vec */
};

/** What mapping a buffer costs. */
struct phyrsim_mapping {
	enum phyrsim_strategy strategy;	 /**< how it was placed */
	enum phyrsim_naming naming;	 /**< for which name (PHYRSIM_PHASE only) */
	bool for_mixed;			 /**< for a device that takes mixed sizes (ditto) */
	uint64_t reserved_len;		 /**< [bytes] of I/O address space */
	struct phyr_block_counts leaves; /**< page-table leaves by size */
	uint64_t table_len;		 /**< [bytes] of page tables, the top one included */
	uint64_t call_cnt;		 /**< mapping calls of the backend */
	uint64_t flush_cnt;		 /**< IOTLB flushes at unmap */
	uint64_t checked_cnt;		 /**< leaves compared by the walker, all right */
	bool counted;			 /**< in closed form, nothing was mapped */
};

/** What translating in the device costs; entry_cnt 0 = no page size of the device fits. */
struct phyrsim_translation {
	enum phyrsim_strategy strategy; /**< how it was placed */
	enum phyrsim_naming naming;	/**< how it is named */
	bool for_mixed;			/**< placed for a device that takes mixed sizes */
	struct phyrsim_mtt_cost single; /**< one page size, none beyond the region */
	struct phyrsim_mtt_cost cover;	/**< one page size that may reach beyond, as in Linux */
	struct phyrsim_mtt_cost mixed;	/**< several sizes, none beyond the region */
};

/** Most rows of mappings: by page, Linux, and phase for each name, single and mixed. */
#define PHYRSIM_MAPPING_MAX (2 + 2 * PHYRSIM_NAMING_CNT)
/** Most rows of translations: scattered pages have no I/O address to be named by. */
#define PHYRSIM_TRANSLATION_MAX (4 * PHYRSIM_NAMING_CNT - 1)

/**
 * Everything about one buffer.
 *
 * Phase has a row for each name as a device with one page size wants it placed, and another for
 * a device with mixed sizes where that is elsewhere.
 */
struct phyrsim_result {
	struct phyrsim_describe describe; /**< describe */
	int map_err;			  /**< PHYR_OK, or why it cannot be mapped: no rows */
	const char *map_step;		  /**< what was being done then, a constant phrase */
	struct phyrsim_mapping mapping[PHYRSIM_MAPPING_MAX];		 /**< map */
	size_t mapping_cnt;						 /**< rows of it */
	struct phyrsim_translation translation[PHYRSIM_TRANSLATION_MAX]; /**< translate */
	size_t translation_cnt;						 /**< rows of it */
};

/** What a run is made with. */
struct phyrsim_run_params {
	const struct phyr_mem *mem; /**< for everything; required */
	phyr_sizes device_sizes;    /**< of the device's table; empty: 4 KiB to 2 GiB, as mlx5 */
	uint64_t by_page_max;	    /**< [bytes] 0 = #PHYRSIM_BY_PAGE_MAX */
};

/** Where a run went wrong. */
struct phyrsim_run_error {
	const char *step;   /**< what was being done, a constant phrase */
	uint64_t offset;    /**< [bytes] of the address that was translated wrongly, if one was */
	bool mistranslated; /**< the walker's answer was not the list's */
};

/**
 * @brief Describes a list, maps it in every way, checks, translates and unmaps it.
 *
 * The IOMMU is a VT-d second-stage table of 4 levels; no device page reaches beyond the region.
 * The walker checks every leaf of every mapping, and so
 * every byte, and that the addresses beside it fault; a sample goes through the device's table too.
 *
 * @param[in]     params     see there
 * @param[in,out] list       not empty, one kind, joints on pages; borrowed during the call
 * @param[out]    ret_result written only on PHYR_OK
 * @param[out]    ret_error  written on every other result; may be NULL
 * What cannot be mapped at all is described all the same: map_err then says PHYR_E_KIND (several
 * kinds of memory), PHYR_E_ALIGN (an interior joint is inside a page), PHYR_E_RANGE (an address is
 * beyond the table's width, or its va wraps) or PHYR_E_LIMIT (more than the I/O address space
 * holds, or more than #PHYRSIM_LEAVES_MAX leaves or entries).
 *
 * Above by_page_max bytes the row that maps page by page is counted in closed form.
 *
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing or the list is empty
 * @return PHYR_E_FAULT the walker disagrees: a defect, ret_error says where
 * @return PHYR_E_NOMEM out of memory
 * @complexity O(pages)
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyrsim_run(const struct phyrsim_run_params *params,
					struct phyr_list *list, struct phyrsim_result *ret_result,
					struct phyrsim_run_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
