/* SPDX-License-Identifier: MIT */
/*
 * What both stages of VMSAv8-64 share: the kinds of descriptor, where they keep the address, which
 * levels have blocks and how large contiguous groups are. Level n of the specification is our 3 - n.
 *
 * What the specification calls RES0 is reserved here, although Arm hardware may ignore it: software
 * must write zero, and the walker is to find where it does not.
 */
#ifndef PHYRSIM_WALKER_ARM_H
#define PHYRSIM_WALKER_ARM_H

#include "format.h"

/* Bits of a descriptor in both stages. */
#define ARM_VALID BIT(0)
#define ARM_TABLE BIT(1) /* a table, or at level 0 a page; clear it is a block */
#define ARM_AF BIT(10)
#define ARM_DBM BIT(51)
#define ARM_CONTIGUOUS BIT(52)

/*
 * Reads the address and decides between pointer and leaf, size and group included; then the stage
 * adds what may be done.
 */
enum phyrsim_fault phyrsim_walker_arm_decode(const struct phyrsim_stage *stage, uint64_t word,
					     unsigned int level, struct phyrsim_entry *entry);

/* Are granule, levels and widths a combination that one or 2^concat_lg2 top tables can have? */
bool phyrsim_walker_arm_knows(const struct phyrsim_root *root, unsigned int concat_lg2);

/* May the hardware mark this leaf dirty? It is clean when it may, and cannot be written yet. */
static inline bool phyrsim_walker_arm_dbm(const struct phyrsim_stage *stage, uint64_t word)
{
	return (stage->root->features & PHYRSIM_FEATURE_DIRTY) != 0 && (word & ARM_DBM) != 0;
}

#endif
