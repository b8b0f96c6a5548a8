/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Cutting large leaves of a page table in two, so that a part of them can be unmapped.
 *
 * Split at both ends of a range, then unmap it: PHYR_E_PARTIAL cannot come any more. With tables
 * made in advance, none of it needs memory.
 *
 * Not here: joining leaves again.
 */
#ifndef PHYRSIM_PAGETABLE_SPLIT_H
#define PHYRSIM_PAGETABLE_SPLIT_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How many levels of tables a split may have to make: leaves are at five levels at most. */
#define PHYRSIM_PAGETABLE_PRELOAD_LEVELS 4

/**
 * @brief Tables made in advance for one split; the caller's storage, started by
 *        phyrsim_pagetable_preload_init().
 *
 * For any split of a table that is one table for each level below its largest leaves: VT-d and x86
 * two, RISC-V as many as the table has levels, less one, Arm one to four. AMD, which has no leaves of
 * 512 GiB, where larger ones are possible: a second table of 1 GiB leaves, which makes five in all.
 */
struct phyrsim_pagetable_preload {
	/** Private: by level, chains of tables that are not linked. */
	struct phyrsim_node *tables[PHYRSIM_PAGETABLE_PRELOAD_LEVELS];
};

/**
 * @brief Starts a preload that holds no tables.
 *
 * @param[out] preload the caller's storage
 * @complexity O(1)
 * @threads caller serialises calls on one preload
 */
PHYR_API void phyrsim_pagetable_preload_init(struct phyrsim_pagetable_preload *preload);

/**
 * @brief Makes the tables that a preload lacks for one split, whatever that will be.
 *
 * A split uses up what it takes; so fill it again before the next.
 *
 * @param[in,out] table   the table it is for, and no other
 * @param[in,out] preload initialised
 * @return PHYR_OK        the next split with it needs no memory
 * @return PHYR_E_INVAL   an argument is NULL
 * @return PHYR_E_NOMEM   the preload holds what it did
 * @complexity O(levels)
 * @threads caller serialises calls on one table
 */
PHYR_API PHYR_NODISCARD int
phyrsim_pagetable_preload_fill(struct phyrsim_pagetable *table,
			       struct phyrsim_pagetable_preload *preload);

/**
 * @brief Frees the tables that a preload still has; it is empty then.
 *
 * @param[in,out] table   the table it was filled for; call it before that is destroyed
 * @param[in,out] preload initialised; NULL is allowed
 * @complexity O(levels)
 * @threads caller serialises calls on one table
 */
PHYR_API void phyrsim_pagetable_preload_fini(struct phyrsim_pagetable *table,
					     struct phyrsim_pagetable_preload *preload);

/**
 * @brief Cuts the leaf that lies across an I/O address into smaller leaves, so that none does.
 *
 * A leaf, or contiguous group, with the address strictly inside becomes the leaves of the greedy
 * cuts (split.h) of its two parts. Where they lead, what they allow, attributes, bits for software
 * and marks stay; each is as accessed and as dirty as the whole was. Hardware may mark the leaf until
 * its last item is replaced: what takes an item's place is exchanged for it in one step, and marks
 * that this brings to light are set in all pieces before the call returns. Where no leaf lies across
 * the address, or nothing at all, nothing changes.
 *
 * New tables are complete before hardware can see them. A leaf of one item is replaced by one store.
 * Those of a group are rewritten one by one, in ascending order, and items that become pointers
 * come last: hardware goes by the one item that it reads, old or new, and finds the same memory
 * either way. It may keep using the old size until that is invalidated.
 *
 * Arm does not allow sizes to change in place: all items of the leaf become zero before the first
 * new one is written (break before make), and a device that accesses it in between faults. That
 * leaf is counted as broken. Between the two it is handed to the table's breaker, who invalidates it:
 * its driver has to. Where there is none, nothing is sent. With PHYRSIM_FEATURE_BBM2 nothing is broken.
 *
 * @param[in,out] table   the table
 * @param[in]     at      granule-aligned; the end of the width is allowed, as it cuts nothing
 * @param[in,out] preload tables to take before any are made; NULL = none
 * @param[in,out] gather  the old leaf is added with its size, unless a breaker got it; it is not held
 *                        back, so the invalidation may come at any time before the next unmap there
 * @return PHYR_OK        no leaf lies across the address
 * @return PHYR_E_INVAL   table or gather is NULL
 * @return PHYR_E_ALIGN   the address is no multiple of the granule
 * @return PHYR_E_RANGE   neither the address nor the byte before it is within the width
 * @return PHYR_E_NOMEM   nothing changed, the preload included; never with a filled one
 * @complexity O(levels × items of a table)
 * @threads caller serialises calls on one table; hardware may mark meanwhile
 * @source the unmerged cut_mapping of Linux's generic_pt, which leaves groups and Arm out
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_split(struct phyrsim_pagetable *table, phyr_iova at,
						    struct phyrsim_pagetable_preload *preload,
						    struct phyr_gather *gather);

#ifdef __cplusplus
}
#endif

#endif
