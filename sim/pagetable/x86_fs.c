/* SPDX-License-Identifier: MIT */
/*
 * x86-64 first-stage tables (VT-d first stage, AMD "version 2"), 4 or 5 levels of 512 items.
 *
 * The numbers in comments are bits of an item, as in the tables of paging-structure entries of the
 * Intel SDM, volume 3A, chapter "Paging".
 *
 * Not here: memory types (PWT 3, PCD 4, PAT) and global (8), which stay 0; protection keys (62:59).
 */
#include <assert.h>

#include "table.h"

#define PRESENT UINT64_C(1)		  /* 0 P, which allows reading too */
#define WRITE (UINT64_C(1) << 1)	  /* 1 R/W */
#define USER (UINT64_C(1) << 2)		  /* 2 U/S: for all accesses */
#define ACCESSED (UINT64_C(1) << 5)	  /* 5 A: set already, so hardware need not */
#define DIRTY (UINT64_C(1) << 6)	  /* 6 D, of leaves, likewise where they may be written */
#define LARGE (UINT64_C(1) << 7)	  /* 7 PS: a leaf above level 0 */
#define EXECUTE_NEVER (UINT64_C(1) << 63) /* 63 XD */
/* 51:12 output address, or the address of the next table. */
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)

/* 4K at level 0, 2M at level 1 and 1G at level 2; the levels above have no leaves. */
#define SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

#define SHAPE(level) ((level) > 0 ? LARGE : 0)
#define PROT(perm, attrs)                                                              \
	(PRESENT | ACCESSED | ((perm)&PHYR_PERM_WRITE ? WRITE | DIRTY : UINT64_C(0)) | \
	 ((attrs)&PHYRSIM_ATTR_PRIVILEGED ? UINT64_C(0) : USER) |                      \
	 ((attrs)&PHYRSIM_ATTR_NOEXEC ? EXECUTE_NEVER : UINT64_C(0)))
/* Permissions are those that all items on the path give, so a pointer gives all. */
#define POINTER(pa) (((pa)&ADDRESS_MASK) | PRESENT | WRITE | USER | ACCESSED)

#define LEAF(pa, level, perm) ((pa) | SHAPE(level) | PROT(perm, 0))
static_assert(LEAF(0x12345000, 0, PHYR_PERM_READ_WRITE) == 0x12345067, "4K, read and write");
static_assert(LEAF(0x12345000, 0, PHYR_PERM_READ) == 0x12345025, "4K, read");
static_assert(LEAF(0x40200000, 1, PHYR_PERM_READ_WRITE) == 0x402000e7, "2M, read and write");
static_assert(LEAF(0x880000000, 2, PHYR_PERM_READ) == 0x8800000a5, "1G, read");
static_assert(POINTER(0x100000003000) == 0x100000003027, "pointer");

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

static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	(void)table;
	return PROT(perm, attrs);
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
	/* Bit 12 of a large leaf is PAT, and no address bit is below its size. */
	ret_leaf->pa = phyr_pa_at(phyr_bits_down(item & ADDRESS_MASK, lg2));
	ret_leaf->perm = item & WRITE ? PHYR_PERM_READ_WRITE : PHYR_PERM_READ;
	if (!(item & USER))
		ret_leaf->attrs |= PHYRSIM_ATTR_PRIVILEGED;
	if (item & EXECUTE_NEVER)
		ret_leaf->attrs |= PHYRSIM_ATTR_NOEXEC;
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_x86_fs = {
	.features = PHYRSIM_FEATURE_UNSIGNED,
	.level_cnt_min = 4,
	.level_cnt_max = 5,
	.level_cnt = 4,
	.pa_bits_max = 52,
	.sign = true,
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
