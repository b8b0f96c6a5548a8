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
	struct phyr_iova_range range; /**< what it reaches; meaningless for DOMAIN */
	bool walk;		      /**< cached pointers to tables go too (IH=0, PDE=1, Leaf=0) */
};

/** What a personality is made with. */
struct phyrsim_inval_params {
	enum phyrsim_personality personality; /**< which */
	unsigned int granule_lg2;	      /**< [log2 bytes] 0 = 12 */
	unsigned int mask_max;		      /**< VT-d: largest AM, above it DOMAIN; 0 = 18 */
	bool caching_mode; /**< VT-d: what is not present is cached: maps flush */
};

/** What was sent, added up. */
struct phyrsim_inval_stats {
	uint64_t command_cnt; /**< commands, completion waits not counted */
	uint64_t range_cnt;   /**< of them PHYR_FLUSH_RANGE */
	uint64_t domain_cnt;  /**< of them PHYR_FLUSH_DOMAIN */
	uint64_t walk_cnt;    /**< of them with walk */
	uint64_t wait_cnt;    /**< completion waits: one a flush */
	uint64_t removed_len; /**< [bytes] that were removed */
	uint64_t
		invalidated_len; /**< [bytes] that range commands reached, overlaps counted twice */
};

#ifdef __cplusplus
}
#endif

#endif
