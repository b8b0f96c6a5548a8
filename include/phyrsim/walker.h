/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A hardware table walker, written from the specifications.
 *
 * It reads simulated physical memory as the hardware would and shares no code with the writer of
 * the tables, so that each checks the other. It only reads.
 */
#ifndef PHYRSIM_WALKER_H
#define PHYRSIM_WALKER_H

#include <phyr/base.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a walk ended without a translation. */
enum phyrsim_fault {
	PHYRSIM_FAULT_NONE = 0,	       /**< there is a translation */
	PHYRSIM_FAULT_WIDTH = 1,       /**< the I/O address is wider than the table */
	PHYRSIM_FAULT_NOT_PRESENT = 2, /**< an entry on the path gives no permission at all */
	PHYRSIM_FAULT_READ = 3,	       /**< read, and some entry on the path forbids it */
	PHYRSIM_FAULT_WRITE = 4,       /**< write, and some entry on the path forbids it */
	PHYRSIM_FAULT_RESERVED = 5,    /**< a reserved bit is set */
	PHYRSIM_FAULT_MEMORY = 6,      /**< a table is at an address where there is no memory */
};

/** What a walk found. */
struct phyrsim_walk {
	enum phyrsim_fault fault; /**< PHYRSIM_FAULT_NONE: the rest is a translation */
	phyr_pa pa;		  /**< where the byte is */
	enum phyr_perm perm;	  /**< what every entry on the path allows; 0 = nothing */
	unsigned int leaf_lg2;	  /**< [log2 bytes] size of the leaf */
	unsigned int level;	  /**< where the walk ended; 0 = table of smallest leaves */
	unsigned int read_cnt;	  /**< entries read */
	uint64_t entry;		  /**< the last entry read */
};

/**
 * @brief Translates one I/O address for one access.
 *
 * @param[in]  mem      where tables are
 * @param[in]  root     what hardware was told
 * @param[in]  iova     any address
 * @param[in]  access   PHYR_PERM_READ, PHYR_PERM_WRITE or both
 * @param[out] ret_walk written on PHYR_OK and PHYR_E_FAULT
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, access is 0 or unknown, or root names no known format
 *                      or level count
 * @return PHYR_E_FAULT no translation: ret_walk->fault says why
 * @complexity O(levels)
 * @threads any number of readers
 * @source Intel VT-d specification, second-stage paging entries
 */
PHYR_API PHYR_NODISCARD int phyrsim_walk(const struct phyrsim_mem *mem,
					 const struct phyrsim_root *root, phyr_iova iova,
					 enum phyr_perm access, struct phyrsim_walk *ret_walk);

/**
 * @brief The name of a fault, "not present".
 *
 * @param[in] fault one of enum phyrsim_fault
 * @return a constant string; "?" for any other value
 * @complexity O(1)
 * @threads any
 */
PHYR_API const char *phyrsim_fault_name(enum phyrsim_fault fault);

#ifdef __cplusplus
}
#endif

#endif
