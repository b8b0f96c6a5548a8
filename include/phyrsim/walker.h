/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A hardware table walker, written from the specifications.
 *
 * It reads simulated physical memory as the hardware would and shares no code with the writer of
 * the tables, so that each checks the other. It writes only accessed and dirty marks, and those only
 * when asked to.
 *
 * The hardware that it stands for: Arm without PAN, HPD, FEAT_XNX and a top byte that is ignored,
 * with MAIR as Linux sets it; RISC-V with SUM and Svadu, without Svrsw60t59b; x86 with WP and
 * execute-disable, without SMEP and SMAP; VT-d without second-stage execution and device TLBs. Bits
 * that a specification reserves fault, RES0 bits of Arm included.
 */
#ifndef PHYRSIM_WALKER_H
#define PHYRSIM_WALKER_H

#include <phyr/base.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a walk ended without a translation. Values are pinned. */
enum phyrsim_fault {
	PHYRSIM_FAULT_NONE = 0,	 /**< there is a translation */
	PHYRSIM_FAULT_WIDTH = 1, /**< the I/O address is wider than the table, not canonical */
	PHYRSIM_FAULT_NOT_PRESENT = 2, /**< an entry on the path is not valid */
	PHYRSIM_FAULT_READ = 3,	       /**< read, and some entry on the path forbids it */
	PHYRSIM_FAULT_WRITE = 4,       /**< write, and some entry on the path forbids it */
	PHYRSIM_FAULT_RESERVED = 5,    /**< a reserved bit or value */
	PHYRSIM_FAULT_MEMORY = 6,      /**< a table is at an address where there is no memory */
	PHYRSIM_FAULT_ALIGN = 7,       /**< a large leaf whose address is no multiple of its size */
	PHYRSIM_FAULT_GROUP = 8,       /**< audit: items of a contiguous group do not agree */
	PHYRSIM_FAULT_ACCESSED = 9, /**< accessed or dirty is clear, and hardware does not set it */
	PHYRSIM_FAULT_PRIVILEGE = 10, /**< a user access to privileged memory, or execution */
	PHYRSIM_FAULT_SIZE = 11,      /**< the output address is wider than the width */
	PHYRSIM_FAULT_LEVEL = 12,     /**< a pointer where only leaves may be, or too deep */
};
/** How many there are. */
#define PHYRSIM_FAULT_CNT 13

/** How to walk; a set of bits. */
enum phyrsim_walk_flag {
	PHYRSIM_WALK_AUDIT = 1,	 /**< look at what hardware would not: whole contiguous groups */
	PHYRSIM_WALK_UPDATE = 2, /**< set accessed, and dirty on writes, as hardware that may; else
				      formats that need them set fault (RISC-V, Arm: AF) */
	PHYRSIM_WALK_PRIVILEGED = 4, /**< a privileged access */
	PHYRSIM_WALK_EXECUTE = 8,    /**< an instruction fetch; access must be READ */
	PHYRSIM_WALK_PEEK = 16,	     /**< what PHYRSIM_WALK_UPDATE would find, but nothing is set;
				      not both */
};

/** What a walk found. */
struct phyrsim_walk {
	enum phyrsim_fault fault; /**< PHYRSIM_FAULT_NONE: the rest is a translation */
	bool second;		  /**< nested: the fault is of the second stage */
	phyr_pa pa;		  /**< where the byte is */
	enum phyr_perm perm;	  /**< what every entry on the path allows, to a user or, with
					 PHYRSIM_WALK_PRIVILEGED, to the privileged; 0 = nothing */
	unsigned int attrs;	  /**< of enum phyrsim_attr: of the leaf, of both leaves */
	unsigned int leaf_lg2;	  /**< [log2 bytes] size of the leaf, contiguous groups included */
	unsigned int level;	  /**< where the walk ended; 0 = table of smallest leaves */
	unsigned int read_cnt;	  /**< entries read as hardware does, of both stages */
	unsigned int update_cnt;  /**< entries written: accessed or dirty set */
	bool dirty;		  /**< the leaf is marked dirty now; nested: the second stage's */
	uint64_t entry;		  /**< the last entry read, before it was marked */
	phyr_pa entry_pa;	  /**< and where it is */
};

/** One access to translate. */
struct phyrsim_access {
	phyr_iova iova;	     /**< any address */
	enum phyr_perm perm; /**< PHYR_PERM_READ, PHYR_PERM_WRITE or both */
	unsigned int flags;  /**< of enum phyrsim_walk_flag */
};

/**
 * @brief Translates one I/O address for one access.
 *
 * In hardware mode (no PHYRSIM_WALK_AUDIT) only the slots are read that hardware would read. An
 * audit looks at whole contiguous groups as well, and wants absent VT-d entries to be zero.
 *
 * Second stages know no privilege: PHYRSIM_WALK_PRIVILEGED changes nothing there.
 *
 * @param[in,out] mem      where tables are; written only with PHYRSIM_WALK_UPDATE
 * @param[in]     root     what hardware was told
 * @param[in]     access   see there
 * @param[out]    ret_walk written on PHYR_OK and PHYR_E_FAULT
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, the permission is 0 or unknown, flags are unknown or
 *                      exclude each other, or root names no known format, level count, granule,
 *                      width or feature, or a table that is not aligned to its size
 * @return PHYR_E_FAULT no translation: ret_walk->fault says why
 * @complexity O(levels), O(group) with PHYRSIM_WALK_AUDIT
 * @threads any number of readers; with PHYRSIM_WALK_UPDATE the caller serialises
 * @source Intel VT-d, AMD IOMMU, Arm VMSAv8-64 and RISC-V privileged specifications
 */
PHYR_API PHYR_NODISCARD int phyrsim_walk(struct phyrsim_mem *mem, const struct phyrsim_root *root,
					 const struct phyrsim_access *access,
					 struct phyrsim_walk *ret_walk);

/**
 * @brief Translates through two stages: every table address of the first, and its result, through
 *        the second.
 *
 * With n levels read in the first stage, m in the second for each of them and m_f for the result,
 * n(m + 1) + m_f entries are read. Where an entry of the first stage is to be marked, the memory that
 * it lies in is written, which the second stage must allow.
 *
 * @param[in,out] mem      where the tables of both stages are
 * @param[in]     first    a first-stage root; its table address is one of the second stage
 * @param[in]     second   a second-stage root
 * @param[in]     access   see there
 * @param[out]    ret_walk written on PHYR_OK and PHYR_E_FAULT; leaf_lg2 is the smaller of both
 * @return as phyrsim_walk(); PHYR_E_INVAL also when first is no first stage or second no second
 * @complexity O(levels × levels)
 * @threads as phyrsim_walk()
 */
PHYR_API PHYR_NODISCARD int phyrsim_walk_nested(struct phyrsim_mem *mem,
						const struct phyrsim_root *first,
						const struct phyrsim_root *second,
						const struct phyrsim_access *access,
						struct phyrsim_walk *ret_walk);

/** The most pointers on the way of an address: the most levels less one. */
#define PHYRSIM_POINTER_MAX 5

/** An item that leads to a table. */
struct phyrsim_pointer {
	phyr_iova first;    /**< of the addresses that the item is read for */
	unsigned int lg2;   /**< [log2 bytes] how many these are */
	unsigned int level; /**< of the table */
	phyr_pa table;	    /**< where it leads */
};

/** The way of an address through the tables. What is the leaf's is undefined after a fault. */
struct phyrsim_path {
	enum phyrsim_fault fault; /**< PHYRSIM_FAULT_NONE: it ends in a leaf */
	unsigned int pointer_cnt; /**< pointers that were followed */
	struct phyrsim_pointer pointers[PHYRSIM_POINTER_MAX]; /**< from the top down */
	unsigned int level; /**< where the way ends; 0 = table of smallest leaves */
	phyr_iova first;    /**< of the addresses that the last item is read for */
	phyr_iova last;	    /**< the last of these; PHYRSIM_FAULT_WIDTH: of those that the tables do
			      not know */
	phyr_pa pa;	    /**< where first leads */
	unsigned int leaf_lg2;	   /**< [log2 bytes] size of the leaf, contiguous groups included */
	enum phyr_perm perm;	   /**< what every item allows to a user */
	enum phyr_perm privileged; /**< and to the privileged */
	unsigned int attrs;	   /**< of enum phyrsim_attr */
};

/**
 * @brief Follows the tables for an address, whoever accesses it and how: what caches may remember.
 *
 * Permissions are reported and none is needed. Accessed marks are, where hardware sets none: without
 * it would cache nothing.
 *
 * @param[in]  mem      where tables are
 * @param[in]  root     what hardware was told
 * @param[in]  iova     any address
 * @param[out] ret_path written on PHYR_OK and PHYR_E_FAULT
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or root is none, as in phyrsim_walk()
 * @return PHYR_E_FAULT there is no leaf: ret_path->fault says why
 * @complexity O(levels)
 * @threads any number of readers
 * @source as phyrsim_walk()
 */
PHYR_API PHYR_NODISCARD int phyrsim_walk_path(struct phyrsim_mem *mem,
					      const struct phyrsim_root *root, phyr_iova iova,
					      struct phyrsim_path *ret_path);

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
