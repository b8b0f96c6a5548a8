/* SPDX-License-Identifier: MIT */
/*
 * AMD host tables ("version 1"): 3 to 6 levels of 512 items, the sixth of 128.
 *
 * The numbers in comments are bits of an item, as in the AMD I/O Virtualization Technology
 * specification, section "I/O Page Tables for Host Translations".
 *
 * Not here: U (59), for device caches; memory encryption.
 */
#include <assert.h>

#include "table.h"

#define PRESENT UINT64_C(1) /* 0 PR */
/* 11:9 NextLevel: 0 a leaf as large as the item, 7 a leaf whose address says how large. */
#define NEXT_LEVEL_SHIFT 9
#define NEXT_LEVEL_MASK (UINT64_C(7) << NEXT_LEVEL_SHIFT)
/* 51:12 output address, or the address of the next table. */
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)
#define FORCE_COHERENT (UINT64_C(1) << 60) /* 60 FC: accesses snoop */
#define ACCESSED (UINT64_C(1) << 5)	   /* 5 A, as D set by hardware alone */
#define DIRTY (UINT64_C(1) << 6)	   /* 6 D, in any item of a leaf */
#define PERM_SHIFT 61			   /* 61 IR, 62 IW */

/*
 * Every power of two from 4K to 2^51, which is up to half of the table of its level; not 512G, for
 * a defect of hardware that Linux keeps clear of. Above level 4 there are no leaves.
 */
#define SIZES (ADDRESS_MASK & ~(UINT64_C(1) << 39))

/*
 * A size that is not the item's: the address bits below it are ones, but for the highest of them,
 * whose zero ends the ones. So 8K has none. All items of the leaf have the same value.
 */
#define CODE(lg2) (NEXT_LEVEL_MASK | (((UINT64_C(1) << ((lg2)-1)) - 1) & ADDRESS_MASK))
#define SHAPE(lg2, level) ((lg2) == 12 + 9 * (level) ? 0 : CODE(lg2))
#define PROT(perm, coherent) \
	(PRESENT | (uint64_t)(perm) << PERM_SHIFT | ((coherent) ? FORCE_COHERENT : 0))
/* Permissions are those that all items on the path give, so a pointer gives both. */
#define POINTER(pa, level) \
	(((pa)&ADDRESS_MASK) | PROT(3, false) | (uint64_t)(level) << NEXT_LEVEL_SHIFT)

#define LEAF(pa, lg2, level, perm) ((pa) | PROT(perm, true) | SHAPE(lg2, level))
static_assert(PHYR_PERM_READ == 1 && PHYR_PERM_WRITE == 2, "permissions are neighbouring bits");
static_assert(LEAF(0x12345000, 12, 0, 3) == 0x7000000012345001, "4K, read and write");
static_assert(LEAF(0x12345000, 12, 0, 1) == 0x3000000012345001, "4K, read");
static_assert(LEAF(0x12345000, 12, 0, 2) == 0x5000000012345001, "4K, write");
static_assert(LEAF(0x880000000, 13, 0, 3) == 0x7000000880000e01, "8K");
static_assert(LEAF(0x880000000, 20, 0, 3) == 0x700000088007fe01, "1M");
static_assert(LEAF(0x880000000, 21, 1, 3) == 0x7000000880000001, "2M");
static_assert(LEAF(0x880000000, 29, 1, 3) == 0x700000088ffffe01, "512M");
static_assert(LEAF(UINT64_C(1) << 51, 51, 4, 3) == 0x700bfffffffffe01, "2^51");
static_assert(POINTER(0x100000003000, 1) == 0x6000100000003201, "pointer at level 1");
static_assert(POINTER(0x100000006000, 3) == 0x6000100000006601, "pointer at level 3");
static_assert(POINTER(0x100000004000, 2) == 0x6000100000004401, "pointer at level 2");

#define FORMAT_GROUPS 1
#define FORMAT_REPEATS 1
#define FORMAT_GROWS 1
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

static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	(void)attrs;
	return PROT(perm, table->features & PHYRSIM_FEATURE_COHERENT);
}

static inline uint64_t format_shape(const struct phyrsim_pagetable *table, unsigned int lg2,
				    unsigned int level)
{
	(void)table;
	return SHAPE(lg2, level);
}

static inline uint64_t format_oa(const struct phyrsim_place *place, phyr_pa pa)
{
	(void)place;
	return pa.addr & ADDRESS_MASK;
}

static inline unsigned int format_leaf_lg2(const struct phyrsim_pagetable *table, uint64_t item,
					   unsigned int level)
{
	uint64_t zeros = ~item & ADDRESS_MASK;

	if ((item & NEXT_LEVEL_MASK) == 0)
		return phyrsim_item_lg2(format_granule_lg2(table), level);
	return phyr_bits_ctz(zeros) + 1;
}

static inline uint64_t format_pointer(const struct phyrsim_pagetable *table, phyr_pa pa,
				      unsigned int level)
{
	(void)table;
	return POINTER(pa.addr, level);
}

static inline uint64_t format_kept(const struct phyrsim_pagetable *table, uint64_t item)
{
	(void)table;
	return item & ~(ADDRESS_MASK | NEXT_LEVEL_MASK);
}

static inline void format_read(const struct phyrsim_pagetable *table, uint64_t item,
			       unsigned int lg2, struct phyrsim_leaf *ret_leaf)
{
	(void)table;
	ret_leaf->pa = phyr_pa_at(phyr_bits_down(item & ADDRESS_MASK, lg2));
	ret_leaf->perm = (enum phyr_perm)(item >> PERM_SHIFT & 3);
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_amd_v1 = {
	.features = PHYRSIM_FEATURE_COHERENT,
	.level_cnt_min = 3,
	.level_cnt_max = 6,
	.level_cnt = 3,
	.pa_bits_max = 52,
	.grows = true,
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
