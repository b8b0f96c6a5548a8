/* SPDX-License-Identifier: MIT */
/*
 * Arm VMSAv8-64 stage 1 tables: one half of the I/O addresses, the lower (TTBR0) or, with
 * PHYRSIM_FEATURE_UPPER, the upper (TTBR1).
 *
 * Memory types are indices into MAIR, which the user of the table sets as Linux does: 0 normal
 * non-cacheable (0x44), 1 normal write-back (0xff), 2 Device-nGnRE (0x04).
 *
 * Not here: what both stages share (arm.h).
 */
#include "arm.h"

#define ATTR_INDEX_SHIFT 2 /* 4:2 AttrIndx */
#define INDEX_UNCACHED UINT64_C(0)
#define INDEX_CACHED UINT64_C(1)
#define INDEX_DEVICE UINT64_C(2)
#define UNPRIVILEGED (UINT64_C(1) << 6) /* 6 AP[1] */
#define READ_ONLY (UINT64_C(1) << 7)	/* 7 AP[2] */
#define NOT_GLOBAL (UINT64_C(1) << 11)	/* 11 nG */

/* Cached memory, as it is mapped most. */
#define CACHED (VALID | ACCESSED | NOT_GLOBAL | SHARE_INNER | INDEX_CACHED << ATTR_INDEX_SHIFT)
static_assert((0x12345000 | CACHED | UNPRIVILEGED | PAGE) == 0x12345f47, "4K");
static_assert((0x12345000 | CACHED | UNPRIVILEGED | PAGE | READ_ONLY) == 0x12345fc7, "read-only");
static_assert((0x12345000 | CACHED | PAGE) == 0x12345f07, "privileged");
static_assert((0x40200000 | CACHED | UNPRIVILEGED) == 0x40200f45, "2M");
static_assert((0x40210000 | CACHED | UNPRIVILEGED | PAGE | CONTIGUOUS) == 0x0010000040210f47,
	      "64K");

#define FORMAT_DIRTY 0
#define FORMAT_CLEAN READ_ONLY

/* Reading cannot be forbidden. */
static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	uint64_t prot = arm_prot(table, perm, attrs) | NOT_GLOBAL;
	uint64_t index = attrs & PHYRSIM_ATTR_UNCACHED ? INDEX_UNCACHED : INDEX_CACHED;

	if (attrs & PHYRSIM_ATTR_MMIO)
		index = INDEX_DEVICE;
	if (!(perm & PHYR_PERM_WRITE))
		prot |= READ_ONLY;
	if (!(attrs & PHYRSIM_ATTR_PRIVILEGED))
		prot |= UNPRIVILEGED;
	return prot | index << ATTR_INDEX_SHIFT;
}

static inline void format_read(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int lg2, struct phyrsim_leaf *ret_leaf)
{
	uint64_t index = item >> ATTR_INDEX_SHIFT & 7;

	(void)lg2;
	ret_leaf->pa = arm_pa(&table->geometry.place, item);
	ret_leaf->perm = PHYR_PERM_READ;
	if (!(item & READ_ONLY) || (item & DIRTY_MODIFIER))
		ret_leaf->perm = PHYR_PERM_READ_WRITE;
	if (index != INDEX_CACHED)
		ret_leaf->attrs |= index == INDEX_DEVICE ? PHYRSIM_ATTR_MMIO :
							   PHYRSIM_ATTR_UNCACHED;
	if (item & EXECUTE_NEVER)
		ret_leaf->attrs |= PHYRSIM_ATTR_NOEXEC;
	if (!(item & UNPRIVILEGED))
		ret_leaf->attrs |= PHYRSIM_ATTR_PRIVILEGED;
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_arm_s1 = {
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_WIDE | PHYRSIM_FEATURE_UPPER |
		    PHYRSIM_FEATURE_DIRTY | PHYRSIM_FEATURE_BBM2,
	.dirty_feature = PHYRSIM_FEATURE_DIRTY,
	.measure = phyrsim_arm_measure,
	.calls.map = format_map,
	.calls.map_pages = format_map_pages,
	.calls.unmap = format_unmap,
	.calls.next = format_next,
	.next_dirty = format_next_dirty,
	.pointer = format_pointer,
	.leaf_lg2 = format_leaf_lg2,
	.calls.protect = format_protect,
	.split = format_split,
	.clean = format_clean,
	.calls.mark = format_mark,
};
