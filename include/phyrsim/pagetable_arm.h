/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What registers of Arm hardware say about a page table.
 *
 * Not here: the registers' other fields, of which a table does not care; TTBR, which is the root's
 * address.
 */
#ifndef PHYRSIM_PAGETABLE_ARM_H
#define PHYRSIM_PAGETABLE_ARM_H

#include <phyr/base.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Memory types by index: 0 non-cacheable, 1 write-back, 2 Device-nGnRE, 3 outer write-back. */
#define PHYRSIM_ARM_MAIR UINT64_C(0xf404ff44)
/** As Linux's io-pgtable-arm writes it: it shifts a signed int, whose sign fills types 4 to 7. */
#define PHYRSIM_ARM_MAIR_LINUX UINT64_C(0xfffffffff404ff44)

/** Fields of MAIR and TCR (stage 1) or of VTCR (stage 2), each as a number of its own. */
struct phyrsim_arm_regs {
	uint64_t mair;	  /**< stage 1: PHYRSIM_ARM_MAIR; stage 2: 0, it has none */
	unsigned int tsz; /**< T0SZ; T1SZ of an upper half */
	unsigned int tg;  /**< TG0; TG1, which has other codes, of an upper half */
	unsigned int ps;  /**< IPS or PS: the output width, 32 to 52 bits as 0 to 6 */
	unsigned int sl0; /**< stage 2: where walks start; 0 in stage 1 */
	unsigned int sl2; /**< stage 2: 1 for a start one level above the usual ones */
	unsigned int ds;  /**< 1: 52 bits with granules of 4K and 16K (LPA2) */
};

/**
 * @brief The register fields for a table of Arm stage 1 or 2.
 *
 * @param[in]  root     of phyrsim_pagetable_root()
 * @param[out] ret_regs written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is NULL, or the root's granule, levels or widths are no
 *                            Arm table's
 * @return PHYR_E_UNSUPPORTED the root is of another format
 * @complexity O(1)
 * @threads any
 * @source Arm ARM (DDI 0487), TCR_EL1, VTCR_EL2 and MAIR_EL1
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_arm_regs(const struct phyrsim_root *root,
						       struct phyrsim_arm_regs *ret_regs);

#ifdef __cplusplus
}
#endif

#endif
