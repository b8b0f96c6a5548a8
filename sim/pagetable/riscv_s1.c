/* SPDX-License-Identifier: MIT */
/*
 * RISC-V first-stage tables: Sv39, Sv48 and Sv57, 3 to 5 levels of 512 items, I/O addresses
 * sign-extended.
 *
 * Not here: the items (riscv.h).
 */
#include "riscv.h"

static inline uint64_t format_prot(const struct phyrsim_pagetable *table, enum phyr_perm perm,
				   unsigned int attrs)
{
	uint64_t prot = riscv_prot(table, perm, attrs);

	return attrs & PHYRSIM_ATTR_PRIVILEGED ? prot & ~USER : prot;
}

#include "ops.h"
#include "read.h"
#include "split.h"

const struct phyrsim_format_ops phyrsim_format_riscv_s1 = {
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_PBMT,
	.level_cnt_min = 3,
	.level_cnt_max = 5,
	.level_cnt = 4,
	.pa_bits_max = 56,
	.sign = true,
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
