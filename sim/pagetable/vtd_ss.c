/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d second-stage tables, 3 to 5 levels of 512 items.
 *
 * The numbers in comments are bits of an item, as in the tables of second-stage paging entries of
 * the VT-d specification (chapter "Translation Structure Formats").
 *
 * Not here: force-snoop (11), memory types (6:3) and execute (2), which stay 0; accessed (8) and
 * dirty (9), which only hardware sets.
 */
#include <assert.h>

#include "table.h"

/* 0 read, 1 write: an item is present when one of them is set; they are the permissions too. */
#define PERM_MASK UINT64_C(3)
/* 7 page size: a leaf above level 0. */
#define LARGE (UINT64_C(1) << 7)
/* 51:12 (up to the host address width) output address, or the address of the next table. */
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)

/* 4K at level 0, 2M at level 1 and 1G at level 2; the levels above have no leaves. */
#define SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

#define LEAF(pa, lg2, perm) \
	(((pa)&ADDRESS_MASK) | ((lg2) > 12 ? LARGE : 0) | ((uint64_t)(perm)&PERM_MASK))
/* Permissions are those that all items on the path give, so a pointer gives both. */
#define POINTER(pa) (((pa)&ADDRESS_MASK) | PERM_MASK)

static_assert(PHYR_PERM_READ == 1 && PHYR_PERM_WRITE == 2, "permissions are bits 0 and 1");
static_assert(LEAF(0x12345000, 12, PHYR_PERM_READ_WRITE) == 0x12345003, "4K, read and write");
static_assert(LEAF(0x12345000, 12, PHYR_PERM_READ) == 0x12345001, "4K, read");
static_assert(LEAF(0x12345000, 12, PHYR_PERM_WRITE) == 0x12345002, "4K, write");
static_assert(LEAF(0x40200000, 21, PHYR_PERM_READ_WRITE) == 0x40200083, "2M");
static_assert(LEAF(0x880000000, 30, PHYR_PERM_READ_WRITE) == 0x880000083, "1G");
static_assert(LEAF(0xffffffffff000, 12, PHYR_PERM_READ_WRITE) == 0x000ffffffffff003, "last 4K");
static_assert(POINTER(0x100000003000) == 0x100000003003, "pointer");

static inline phyr_sizes format_sizes(void)
{
	phyr_sizes sizes = { SIZES };

	return sizes;
}

static inline uint64_t format_leaf(phyr_pa pa, unsigned int lg2, enum phyr_perm perm)
{
	return LEAF(pa.addr, lg2, perm);
}

/* One item a leaf. */
static inline uint64_t format_row(uint64_t item, unsigned int lg2, uint64_t j)
{
	return item + j * phyr_bits_size(lg2);
}

static inline unsigned int format_leaf_lg2(uint64_t item, unsigned int level)
{
	(void)item;
	return phyrsim_item_lg2(level);
}

static inline uint64_t format_pointer(phyr_pa pa, unsigned int level)
{
	(void)level;
	return POINTER(pa.addr);
}

#include "ops.h"

const struct phyrsim_format_ops phyrsim_format_vtd_ss = {
	.level_cnt_min = 3,
	.level_cnt_max = 5,
	.level_cnt = 4,
	.sizes = { SIZES },
	.map = format_map,
	.unmap = format_unmap,
};
