/* SPDX-License-Identifier: MIT */
/*
 * The items of Arm VMSAv8-64 tables, as far as both stages share them, with granules of 4K, 16K
 * and 64K.
 *
 * The numbers in comments are bits of an item, as in the Arm ARM (DDI 0487), section "VMSAv8-64
 * translation table format descriptors". Arm counts levels from the top: its level 3 is 0 here.
 *
 * Not here: hierarchical permissions in pointers, which stay 0; what sizes there are
 * (arm_geometry.c).
 */
#ifndef PHYRSIM_PAGETABLE_ARM_H
#define PHYRSIM_PAGETABLE_ARM_H

#include <assert.h>

#include "table.h"

#define VALID UINT64_C(1)	    /* 0 */
#define PAGE (UINT64_C(1) << 1)	    /* 1: a leaf of level 0, or a pointer; a block has 0 */
#define SHARE_OUTER UINT64_C(0x200) /* 9:8 SH, where they are no address bits */
#define SHARE_INNER UINT64_C(0x300)
#define ACCESSED (UINT64_C(1) << 10)	   /* 10 AF: set already, as hardware may fault instead */
#define DIRTY_MODIFIER (UINT64_C(1) << 51) /* 51 DBM: clean and dirty are told by permission */
/*
 * 52 contiguous: neighbouring items, each with its own address, are one leaf in caches.
 */
#define CONTIGUOUS (UINT64_C(1) << 52)
/* 54:53: neither privileged nor other instruction fetches, in both stages. */
#define EXECUTE_NEVER (UINT64_C(3) << 53)

#define POINTER_BITS (VALID | PAGE)

/* [log2 items] of a contiguous group, by granule and level. */
static inline unsigned int arm_group_lg2(unsigned int granule_lg2, unsigned int level)
{
	if (granule_lg2 == 12)
		return 4;
	if (granule_lg2 == 14)
		return level == 0 ? 7 : 5;
	return 5;
}

/* As phyrsim_format_ops has it, for both stages. */
bool phyrsim_arm_measure(const struct phyrsim_format_ops *ops,
			 const struct phyrsim_pagetable_params *params,
			 struct phyrsim_geometry *ret_geometry);

#define FORMAT_GROUPS 1
#define FORMAT_REPEATS 0
#define FORMAT_GROWS 0
#define FORMAT_BREAKS 1

/* Which of DIRTY and CLEAN a stage has is its own; the items of a group may differ in it. */
#define FORMAT_ACCESSED ACCESSED
#define FORMAT_POINTER_ACCESSED 0
#define FORMAT_MARKABLE DIRTY_MODIFIER

static inline unsigned int format_granule_lg2(const struct phyrsim_pagetable *table)
{
	return table->geometry.granule_lg2;
}

static inline uint64_t format_shape(const struct phyrsim_pagetable *table, unsigned int lg2,
				    unsigned int level)
{
	uint64_t shape = level == 0 ? VALID | PAGE : VALID;

	if (lg2 > phyrsim_item_lg2(format_granule_lg2(table), level))
		shape |= CONTIGUOUS;
	return shape;
}

static inline uint64_t format_oa(const struct phyrsim_place *place, phyr_pa pa)
{
	uint64_t oa = pa.addr & place->mask;

	/* A loop is compiled twice: most tables have nothing to shift. */
	if (place->high_mask)
		oa |= pa.addr >> place->shift & place->high_mask;
	return oa;
}

static inline unsigned int format_leaf_lg2(const struct phyrsim_pagetable *table, uint64_t item,
					   unsigned int level)
{
	unsigned int granule_lg2 = format_granule_lg2(table);
	unsigned int lg2 = phyrsim_item_lg2(granule_lg2, level);

	return item & CONTIGUOUS ? lg2 + arm_group_lg2(granule_lg2, level) : lg2;
}

static inline uint64_t format_pointer(const struct phyrsim_pagetable *table, phyr_pa pa,
				      unsigned int level)
{
	(void)level;
	return POINTER_BITS | format_oa(&table->geometry.place, pa);
}

static inline phyr_pa arm_pa(const struct phyrsim_place *place, uint64_t item)
{
	return phyr_pa_at((item & place->mask) | (item & place->high_mask) << place->shift);
}

static inline uint64_t format_kept(const struct phyrsim_pagetable *table, uint64_t item)
{
	const struct phyrsim_place *place = &table->geometry.place;

	return item & ~(place->mask | place->high_mask | VALID | PAGE | CONTIGUOUS);
}

/* What both stages say alike. Where 9:8 are address bits, shareability is the whole table's. */
static inline uint64_t arm_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				unsigned int attrs)
{
	bool cached = !(attrs & (PHYRSIM_ATTR_UNCACHED | PHYRSIM_ATTR_MMIO));
	uint64_t prot = (cached ? SHARE_INNER : SHARE_OUTER) & ~table->geometry.place.high_mask;

	prot |= ACCESSED;
	if (attrs & PHYRSIM_ATTR_NOEXEC)
		prot |= EXECUTE_NEVER;
	if ((table->features & PHYRSIM_FEATURE_DIRTY) && (perm & PHYR_PERM_WRITE))
		prot |= DIRTY_MODIFIER;
	return prot;
}

#endif
