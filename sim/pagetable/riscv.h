/* SPDX-License-Identifier: MIT */
/*
 * The items of RISC-V tables, which both stages share.
 *
 * The numbers in comments are bits of an item, as in the RISC-V privileged specification, sections
 * "Sv39" to "Sv57", and the extensions Svnapot and Svpbmt.
 *
 * Not here: the software bits (9:8), global (5).
 */
#ifndef PHYRSIM_PAGETABLE_RISCV_H
#define PHYRSIM_PAGETABLE_RISCV_H

#include <assert.h>

#include "table.h"

#define VALID UINT64_C(1)	    /* 0 V; a pointer has nothing else but its address */
#define READ (UINT64_C(1) << 1)	    /* 1 R */
#define WRITE (UINT64_C(1) << 2)    /* 2 W; without R it is reserved */
#define EXECUTE (UINT64_C(1) << 3)  /* 3 X */
#define USER (UINT64_C(1) << 4)	    /* 4 U: for user accesses; the second stage knows no other */
#define ACCESSED (UINT64_C(1) << 6) /* 6 A: set already, as hardware may fault instead */
#define DIRTY (UINT64_C(1) << 7)    /* 7 D: likewise, where it may be written */
/* 53:10 number of the output page, or of the next table. */
#define ADDRESS_SHIFT 2 /* from bit 12 to bit 10 */
#define ADDRESS_MASK UINT64_C(0x003ffffffffffc00)
#define PBMT_SHIFT 61 /* 62:61 memory type, with Svpbmt: 1 not cacheable, 2 device */
/* 63 N: 16 items are one leaf, and the low four bits of their page number say so by 1000. */
#define NAPOT (UINT64_C(1) << 63)
#define NAPOT_CODE (UINT64_C(8) << 10)
#define NAPOT_LG2 16

/* Leaves at every level: 4K, 2M, 1G, 512G and 256T; 64K is taken out without Svnapot. */
#define SIZES                                                                                   \
	(UINT64_C(1) << 12 | UINT64_C(1) << NAPOT_LG2 | UINT64_C(1) << 21 | UINT64_C(1) << 30 | \
	 UINT64_C(1) << 39 | UINT64_C(1) << 48)

#define ADDRESS(pa) ((pa) >> ADDRESS_SHIFT & ADDRESS_MASK)
#define SHAPE(lg2) ((lg2) == NAPOT_LG2 ? NAPOT | NAPOT_CODE : 0)
#define POINTER(pa) (ADDRESS(pa) | VALID)
#define PROT(perm, attrs)                                                                          \
	(VALID | READ | USER | ACCESSED | ((perm)&PHYR_PERM_WRITE ? WRITE | DIRTY : UINT64_C(0)) | \
	 ((attrs)&PHYRSIM_ATTR_NOEXEC ? UINT64_C(0) : EXECUTE))

#define LEAF(pa, lg2, perm, attrs) (ADDRESS(pa) | SHAPE(lg2) | PROT(perm, attrs))
static_assert(LEAF(0x80201000, 12, 3, PHYRSIM_ATTR_NOEXEC) == 0x200804d7, "4K, RW");
static_assert(LEAF(0x80201000, 12, 1, PHYRSIM_ATTR_NOEXEC) == 0x20080453, "4K, R");
static_assert(LEAF(0x80201000, 12, 3, 0) == 0x200804df, "4K, RWX");
static_assert(LEAF(0x80201000, 12, 1, 0) == 0x2008045b, "4K, RX");
static_assert(LEAF(0x80210000, 16, 3, PHYRSIM_ATTR_NOEXEC) == 0x80000000200860d7, "64K");
static_assert(LEAF(0x8000000000, 39, 3, PHYRSIM_ATTR_NOEXEC) == 0x20000000d7, "512G");
static_assert(LEAF(0xfffffffffff000, 12, 3, PHYRSIM_ATTR_NOEXEC) == 0x003ffffffffffcd7, "last");
static_assert(POINTER(0x100000012000) == 0x0000040000004801, "pointer");

#define FORMAT_GROUPS 1
#define FORMAT_REPEATS 1
#define FORMAT_GROWS 0
#define FORMAT_BREAKS 0

#define FORMAT_ACCESSED ACCESSED
#define FORMAT_POINTER_ACCESSED 0
#define FORMAT_MARKABLE 0
#define FORMAT_DIRTY DIRTY
#define FORMAT_CLEAN 0

static inline unsigned int format_granule_lg2(const struct phyrsim_pagetable *table)
{
	(void)table;
	return PHYR_PAGE_LG2;
}

/* A device is more than not cacheable, so it wins. */
static inline uint64_t riscv_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				  unsigned int attrs)
{
	uint64_t type = attrs & PHYRSIM_ATTR_UNCACHED ? 1 : 0;

	if (attrs & PHYRSIM_ATTR_MMIO)
		type = 2;
	if (!(table->features & PHYRSIM_FEATURE_PBMT))
		type = 0;
	return PROT(perm, attrs) | type << PBMT_SHIFT;
}

static inline uint64_t format_shape(const struct phyrsim_pagetable *table, unsigned int lg2,
				    unsigned int level)
{
	(void)table;
	(void)level;
	return SHAPE(lg2);
}

static inline uint64_t format_oa(const struct phyrsim_place *place, phyr_pa pa)
{
	(void)place;
	return ADDRESS(pa.addr);
}

static inline unsigned int format_leaf_lg2(const struct phyrsim_pagetable *table, uint64_t item,
					   unsigned int level)
{
	if (item & NAPOT)
		return NAPOT_LG2;
	return phyrsim_item_lg2(format_granule_lg2(table), level);
}

static inline uint64_t format_pointer(const struct phyrsim_pagetable *table, phyr_pa pa,
				      unsigned int level)
{
	(void)table;
	(void)level;
	return POINTER(pa.addr);
}

static inline uint64_t format_kept(const struct phyrsim_pagetable *table, uint64_t item)
{
	(void)table;
	return item & ~(ADDRESS_MASK | NAPOT);
}

/* The page number of a 64K leaf ends in its code, which is below the size. */
static inline void format_read(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int lg2, struct phyrsim_leaf *ret_leaf)
{
	uint64_t type = item >> PBMT_SHIFT & 3;

	(void)table;
	ret_leaf->pa = phyr_pa_at(phyr_bits_down((item & ADDRESS_MASK) << ADDRESS_SHIFT, lg2));
	ret_leaf->perm = item & WRITE ? PHYR_PERM_READ_WRITE : PHYR_PERM_READ;
	if (type != 0)
		ret_leaf->attrs |= type == 1 ? PHYRSIM_ATTR_UNCACHED : PHYRSIM_ATTR_MMIO;
	if (!(item & EXECUTE))
		ret_leaf->attrs |= PHYRSIM_ATTR_NOEXEC;
	if (!(item & USER))
		ret_leaf->attrs |= PHYRSIM_ATTR_PRIVILEGED;
}

static inline bool riscv_measure(const struct phyrsim_format_ops *ops,
				 const struct phyrsim_pagetable_params *params,
				 struct phyrsim_geometry *ret_geometry)
{
	if (!phyrsim_measure_levels(ops, params, ret_geometry))
		return false;
	if (!(params->features & PHYRSIM_FEATURE_CONTIGUOUS))
		ret_geometry->sizes.mask &= ~phyr_bits_size(NAPOT_LG2);
	return true;
}

#endif
