/* SPDX-License-Identifier: MIT */
/*
 * RISC-V second-stage tables: Sv39x4, Sv48x4 and Sv57x4. As the first stage, but for a root of
 * 16 KiB, which takes two more bits of the I/O address, and no sign.
 *
 * Not here: the items (riscv.h).
 */
#include "riscv.h"

/* Every access is a user's here: U is always 1. */
static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	return riscv_prot(table, perm, attrs);
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_riscv_s2 = {
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_PBMT,
	.level_cnt_min = 3,
	.level_cnt_max = 5,
	.level_cnt = 4,
	.pa_bits_max = 56,
	.root_lg2 = 2,
	.sizes = { SIZES },
	.measure = riscv_measure,
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
