/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d second-stage tables, 3 to 5 levels of 512 items.
 *
 * The numbers in comments are bits of an item, as in the tables of second-stage paging entries of
 * the VT-d specification (chapter "Translation Structure Formats").
 *
 * Not here: memory types (6:3) and execute (2), which stay 0.
 */
#include <assert.h>

#include "table.h"

/* 0 read, 1 write: an item is present when one of them is set; they are the permissions too. */
#define PERM_MASK UINT64_C(3)
/* 7 page size: a leaf above level 0. */
#define LARGE (UINT64_C(1) << 7)
#define ACCESSED (UINT64_C(1) << 8) /* 8 A, of pointers too, set by hardware alone */
#define DIRTY (UINT64_C(1) << 9)    /* 9 D, likewise, of leaves */
#define SNOOP (UINT64_C(1) << 11)   /* 11 SNP: accesses snoop; reserved in pointers */
/* 51:12 (up to the host address width) output address, or the address of the next table. */
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)

/* 4K at level 0, 2M at level 1 and 1G at level 2; the levels above have no leaves. */
#define SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

#define SHAPE(level) ((level) > 0 ? LARGE : 0)
/* Permissions are those that all items on the path give, so a pointer gives both. */
#define POINTER(pa) (((pa)&ADDRESS_MASK) | PERM_MASK)

#define LEAF(pa, level, perm) (((pa)&ADDRESS_MASK) | SHAPE(level) | (uint64_t)(perm))
static_assert(PHYR_PERM_READ == 1 && PHYR_PERM_WRITE == 2, "permissions are bits 0 and 1");
static_assert(LEAF(0x12345000, 0, PHYR_PERM_READ_WRITE) == 0x12345003, "4K, read and write");
static_assert(LEAF(0x12345000, 0, PHYR_PERM_READ) == 0x12345001, "4K, read");
static_assert(LEAF(0x12345000, 0, PHYR_PERM_WRITE) == 0x12345002, "4K, write");
static_assert(LEAF(0x40200000, 1, PHYR_PERM_READ_WRITE) == 0x40200083, "2M");
static_assert(LEAF(0x880000000, 2, PHYR_PERM_READ_WRITE) == 0x880000083, "1G");
static_assert(LEAF(0xffffffffff000, 0, PHYR_PERM_READ_WRITE) == 0x000ffffffffff003, "last 4K");
static_assert(POINTER(0x100000003000) == 0x100000003003, "pointer");

#define FORMAT_GROUPS 0
#define FORMAT_REPEATS 0
#define FORMAT_GROWS 0
#define FORMAT_BREAKS 0

#define FORMAT_ACCESSED ACCESSED
#define FORMAT_POINTER_ACCESSED ACCESSED
#define FORMAT_MARKABLE 0
#define FORMAT_DIRTY DIRTY
#define FORMAT_CLEAN 0

static inline unsigned int format_granule_lg2(const struct phyrsim_pagetable *table)
{
	(void)table;
	return PHYR_PAGE_LG2;
}

/* Hardware may have trouble with leaves that can only be written; so Linux lets those be read. */
static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	uint64_t prot = (uint64_t)perm;

	(void)attrs;
	if (table->features & PHYRSIM_FEATURE_WRITE_READS)
		prot |= prot >> 1;
	if (table->features & PHYRSIM_FEATURE_COHERENT)
		prot |= SNOOP;
	return prot;
}

static inline uint64_t format_shape(const struct phyrsim_pagetable *table, unsigned int lg2,
				    unsigned int level)
{
	(void)table;
	(void)lg2;
	return SHAPE(level);
}

static inline uint64_t format_oa(const struct phyrsim_place *place, phyr_pa pa)
{
	(void)place;
	return pa.addr & ADDRESS_MASK;
}

static inline unsigned int format_leaf_lg2(const struct phyrsim_pagetable *table, uint64_t item,
					   unsigned int level)
{
	(void)item;
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
	return item & ~(ADDRESS_MASK | LARGE);
}

static inline void format_read(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int lg2, struct phyrsim_leaf *ret_leaf)
{
	(void)table;
	(void)lg2;
	ret_leaf->pa = phyr_pa_at(item & ADDRESS_MASK);
	ret_leaf->perm = (enum phyr_perm)(item & PERM_MASK);
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_vtd_ss = {
	.features = PHYRSIM_FEATURE_COHERENT | PHYRSIM_FEATURE_WRITE_READS,
	.level_cnt_min = 3,
	.level_cnt_max = 5,
	.level_cnt = 4,
	.pa_bits_max = 52,
	.sizes = { SIZES },
	.measure = phyrsim_measure_levels,
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
