/* SPDX-License-Identifier: MIT */
/*
 * Arm VMSAv8-64 stage 2 tables, whose top is up to 16 tables behind one another.
 *
 * Not here: what both stages share (arm.h).
 */
#include "arm.h"

#define TYPE_SHIFT 2		/* 5:2 MemAttr, normal memory by its outer and inner cacheability */
#define TYPE_DEVICE UINT64_C(1) /* Device-nGnRE */
#define TYPE_UNCACHED UINT64_C(5) /* normal, non-cacheable */
#define TYPE_FORCED UINT64_C(6)	  /* with FWB: write-back, whatever stage 1 says */
#define TYPE_CACHED UINT64_C(15)  /* normal, write-back */
#define PERM_SHIFT 6		  /* 6 S2AP read, 7 S2AP write */

/* Cached memory, as it is mapped most. */
#define CACHED (VALID | ACCESSED | SHARE_INNER | TYPE_CACHED << TYPE_SHIFT)
static_assert(PHYR_PERM_READ == 1 && PHYR_PERM_WRITE == 2, "permissions are neighbouring bits");
static_assert((0x12345000 | CACHED | PAGE | UINT64_C(3) << PERM_SHIFT) == 0x123457ff, "RW");
static_assert((0x12345000 | CACHED | PAGE | UINT64_C(1) << PERM_SHIFT) == 0x1234577f, "R");
static_assert((0x12345000 | CACHED | PAGE | UINT64_C(2) << PERM_SHIFT) == 0x123457bf, "W");
static_assert((0x40200000 | CACHED | UINT64_C(3) << PERM_SHIFT) == 0x402007fd, "2M");

#define FORMAT_DIRTY (UINT64_C(2) << PERM_SHIFT)
#define FORMAT_CLEAN 0

static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	bool forced = table->features & PHYRSIM_FEATURE_FWB;
	uint64_t type = forced ? TYPE_FORCED : TYPE_CACHED;

	if (attrs & PHYRSIM_ATTR_MMIO)
		type = TYPE_DEVICE;
	else if (attrs & PHYRSIM_ATTR_UNCACHED)
		type = TYPE_UNCACHED;
	return arm_prot(table, perm, attrs) | type << TYPE_SHIFT | (uint64_t)perm << PERM_SHIFT;
}

static inline void format_read(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int lg2, struct phyrsim_leaf *ret_leaf)
{
	uint64_t type = item >> TYPE_SHIFT & 15;

	(void)lg2;
	ret_leaf->pa = arm_pa(&table->geometry.place, item);
	if (item & DIRTY_MODIFIER)
		item |= FORMAT_DIRTY;
	ret_leaf->perm = (enum phyr_perm)(item >> PERM_SHIFT & 3);
	if (type == TYPE_DEVICE)
		ret_leaf->attrs |= PHYRSIM_ATTR_MMIO;
	if (type == TYPE_UNCACHED)
		ret_leaf->attrs |= PHYRSIM_ATTR_UNCACHED;
	if (item & EXECUTE_NEVER)
		ret_leaf->attrs |= PHYRSIM_ATTR_NOEXEC;
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_arm_s2 = {
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_WIDE | PHYRSIM_FEATURE_FWB |
		    PHYRSIM_FEATURE_DIRTY | PHYRSIM_FEATURE_BBM2,
	.dirty_feature = PHYRSIM_FEATURE_DIRTY,
	.root_lg2 = 4,
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
