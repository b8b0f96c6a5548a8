/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Invalidation personalities: what an IOMMU is told when a gather is flushed.
 *
 * A gather says what was removed; each kind of hardware, and each driver, makes other commands of
 * it: a window that is a power of two, exact pieces, single pages, everything. What is invalidated
 * beyond what was removed costs refills; what is missed is a defect.
 *
 * Not here: the caches that commands act on (iotlb.h), tables.
 */
#ifndef PHYRSIM_INVAL_H
#define PHYRSIM_INVAL_H

#include <phyr/base.h>
#include <phyr/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whose hardware, driven how. Values are pinned. */
enum phyrsim_personality {
	PHYRSIM_INVAL_GENERIC = 0,    /**< exact: one command a gather, nothing beyond it */
	PHYRSIM_INVAL_VTD = 1,	      /**< VT-d: the smallest aligned window of 2^AM pages, IH */
	PHYRSIM_INVAL_VTD_LINUX = 2,  /**< VT-d as Linux 6.12 drives it, with its quirks */
	PHYRSIM_INVAL_AMD = 3,	      /**< AMD: one window, power of two */
	PHYRSIM_INVAL_AMD_EXACT = 4,  /**< AMD: as many windows as cover exactly (NO_GAPS) */
	PHYRSIM_INVAL_ARM = 5,	      /**< Arm: range commands with level hints */
	PHYRSIM_INVAL_ARM_SINGLE = 6, /**< Arm without range commands: a command a granule */
	PHYRSIM_INVAL_RISCV = 7,      /**< RISC-V: leaf-only, a command a page; else everything */
	PHYRSIM_INVAL_RISCV_NL = 8,   /**< RISC-V with the non-leaf and range extensions */
};
/** How many there are. */
#define PHYRSIM_PERSONALITY_CNT 9

/** One command to the hardware. */
struct phyrsim_command {
	enum phyr_flush kind;	      /**< RANGE or DOMAIN; WALK and DEVICE never come alone */
	struct phyr_iova_range range; /**< what it reaches; len 0 for DOMAIN */
	bool walk;		      /**< cached pointers to tables go too (IH=0, PDE=1, Leaf=0) */
	unsigned int leaf_lg2; /**< [log2 bytes] Arm: only leaves of this one's level; 0 = all */
};

/** Where commands go; called in the order in which the hardware gets them. */
struct phyrsim_command_sink {
	/** Takes one command, which is gone afterwards; NULL: nobody listens. */
	void (*send)(void *ctx, const struct phyrsim_command *command);
	/** Passed to it, may be NULL. */
	void *ctx;
};

/** What a personality is made with. */
struct phyrsim_inval_params {
	enum phyrsim_personality personality; /**< which */
	unsigned int granule_lg2;	      /**< [log2 bytes] 0 = 12; Arm, generic: 14, 16 too */
	unsigned int mask_max; /**< VT-d: largest AM, 0 … 51, above it DOMAIN; 0 = 18; else 0 */
	phyr_sizes sizes;      /**< Linux: sizes of leaves that unmaps are cut into; empty: those of
				    the lowest three levels */
	bool caching_mode;     /**< VT-d: what is not present is cached: maps flush */
	bool ordered;	       /**< Linux's VT-d: no table is freed by the flush of the range before
				    its own, as 6.12 does it; see phyrsim_inval_add() */
};

/** What was sent, added up. No count wraps in practice; lengths stop at 2^64 − 1. */
struct phyrsim_inval_stats {
	uint64_t command_cnt;	  /**< commands, completion waits not counted */
	uint64_t range_cnt;	  /**< of them PHYR_FLUSH_RANGE */
	uint64_t domain_cnt;	  /**< of them PHYR_FLUSH_DOMAIN */
	uint64_t walk_cnt;	  /**< of them with walk */
	uint64_t wait_cnt;	  /**< completion waits: one a flush */
	uint64_t removed_len;	  /**< [bytes] removed, of the gathers that were flushed */
	uint64_t invalidated_len; /**< [bytes] that range commands reached; overlaps count twice */
};

/** A personality at work; the caller's, started by phyrsim_inval_init(). */
struct phyrsim_inval {
	struct phyrsim_inval_params params; /**< with defaults filled in; constant */
	struct phyrsim_command_sink sink;   /**< constant */
	struct phyrsim_inval_stats stats;   /**< to be read */
};

/**
 * @brief Starts a personality with all counts zero.
 *
 * @param[in]  params    see there; all zero is generic
 * @param[in]  sink      copied; NULL: commands are only counted
 * @param[out] ret_inval written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL params or ret_inval is NULL, the personality is unknown or has no such
 *                      granule, mask or caching mode, or a size is smaller than the granule
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_inval_init(const struct phyrsim_inval_params *params,
					       const struct phyrsim_command_sink *sink,
					       struct phyrsim_inval *ret_inval);

/**
 * @brief Would adding to a gather only make it grow, as phyr_gather_add() does?
 *
 * Then what is removed may go into the gather itself, and phyrsim_inval_add() is not needed.
 *
 * @param[in] inval  initialised
 * @param[in] gather initialised
 * @return true when the personality's driver neither cuts an unmap nor flushes this gather before it
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API bool phyrsim_inval_grows(const struct phyrsim_inval *inval,
				  const struct phyr_gather *gather);

/**
 * @brief Adds what one unmap removed to a gather, as the personality's driver does.
 *
 * Most drivers let a gather grow. AMD's exact one flushes first what is gathered when there is a
 * gap. Linux's Arm driver does so also when the size of the leaves changes. Linux's VT-d driver
 * cuts an unmap by its I/O addresses alone and flushes whenever the next piece has another length,
 * or does not follow on the last. In 6.12 that flush also frees the tables of the piece that is not
 * gathered yet, whose own flush then leaves pointers to them cached: a defect, which is modelled
 * unless params.ordered is set.
 *
 * What waits in gather->freed stays there: it may be freed after the next phyrsim_inval_flush(). A
 * gather that is queued only grows, and phyrsim_inval_flush_all() follows.
 *
 * @param[in,out] inval   initialised; counts what is sent
 * @param[in]     removed by one unmap: one range; empty adds nothing
 * @param[in,out] gather  initialised; another one
 * @complexity O(commands)
 * @threads caller serialises calls on one personality
 * @source Linux 6.12 intel/iommu.c, iommu.c, io-pgtable-arm.c; recorded traces agree window by window
 */
PHYR_API void phyrsim_inval_add(struct phyrsim_inval *inval, const struct phyr_gather *removed,
				struct phyr_gather *gather);

/**
 * @brief Sends the commands for a gather, and a wait. The gather stays as it is.
 *
 * The commands reach everything that was removed. At most one is sent for AMD and VT-d, 2 × 52 for
 * exact cuts, 8 for Arm's ranges, a granule's worth of entries for single pages.
 *
 * @param[in,out] inval  initialised; counts what is sent
 * @param[in]     gather what was removed; empty: nothing is sent
 * @complexity O(commands)
 * @threads caller serialises calls on one personality
 * @source Intel VT-d 6.5.2, AMD IOMMU 2.4.3, Arm SMMUv3 4.4, RISC-V IOMMU (IOTINVAL)
 */
PHYR_API void phyrsim_inval_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather);

/**
 * @brief Sends what drops everything of the domain, pointers to tables too, and a wait.
 *
 * One command covers what any number of gathers hold. It tells nothing of the bytes removed, so
 * stats.removed_len does not grow.
 *
 * @param[in,out] inval initialised; counts what is sent
 * @complexity O(1)
 * @threads caller serialises calls on one personality
 * @source Linux 6.12: the drivers' flush_iotlb_all, which the lazy queue calls
 */
PHYR_API void phyrsim_inval_flush_all(struct phyrsim_inval *inval);

/**
 * @brief Sends what makes new translations visible: nothing, unless in caching mode.
 *
 * @param[in,out] inval initialised; counts what is sent
 * @param[in]     range [iova] what was mapped; len 0 sends nothing
 * @complexity O(1)
 * @threads caller serialises calls on one personality
 * @source Linux 6.12: one flush with IH=0 a map
 */
PHYR_API void phyrsim_inval_map(struct phyrsim_inval *inval, struct phyr_iova_range range);

#ifdef __cplusplus
}
#endif

#endif
