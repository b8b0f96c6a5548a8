/* SPDX-License-Identifier: MIT */
/*
 * RISC-V: a command with an address (AV=1) drops the leaf of that address and no table pointers, so
 * Linux names single pages below 2 MiB, and else everything. With the extensions for non-leaf
 * entries (NL) and for ranges (S) a naturally aligned power of two is one command, pointers and all.
 */
#include "personality.h"

#define SINGLE_LG2_MAX 21

static void riscv_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	struct phyrsim_stretch range = phyrsim_inval_stretch(inval, gather);
	struct phyrsim_stretch page = range;

	if (gather->tables_removed || range.last - range.first >= phyr_bits_mask(SINGLE_LG2_MAX)) {
		phyrsim_inval_send_all(inval);
		return;
	}
	do {
		page.last = page.first + phyr_bits_mask(PHYR_PAGE_LG2);
		phyrsim_inval_send_range(inval, page, false);
		page.first = page.last + 1;
	} while (page.last < range.last);
}

static void nl_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	phyrsim_inval_send_tiles(inval, phyrsim_inval_stretch(inval, gather),
				 gather->tables_removed);
}

const struct phyrsim_inval_ops phyrsim_inval_riscv = { riscv_flush, NULL, NULL };
const struct phyrsim_inval_ops phyrsim_inval_riscv_nl = { nl_flush, NULL, NULL };
