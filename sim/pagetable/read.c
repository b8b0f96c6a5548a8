/* SPDX-License-Identifier: MIT */
/*
 * What a table says about addresses, as its writer knows it.
 *
 * Not here: items (read.h and the formats); hardware's view (the walker).
 */
#include "table.h"

int phyrsim_pagetable_next(const struct phyrsim_pagetable *table, struct phyr_iova_range range,
			   struct phyrsim_leaf *ret_leaf)
{
	struct phyrsim_span span;
	int err;

	if (!table || !ret_leaf || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return PHYR_E_RANGE;
	err = table->calls->next(table, span, ret_leaf);
	/* Offsets and I/O addresses differ by a constant in a range. */
	if (err == PHYR_OK)
		ret_leaf->iova.addr += range.iova.addr - span.first;
	return err;
}

int phyrsim_pagetable_translate(const struct phyrsim_pagetable *table, phyr_iova iova,
				phyr_pa *ret_pa, struct phyrsim_leaf *ret_leaf)
{
	struct phyr_iova_range range = { iova, 1 };
	struct phyrsim_leaf leaf;
	int err;

	if (!ret_pa)
		return PHYR_E_INVAL;
	err = phyrsim_pagetable_next(table, range, &leaf);
	if (err != PHYR_OK)
		return err;
	ret_pa->addr = leaf.pa.addr + (iova.addr - leaf.iova.addr);
	if (ret_leaf)
		*ret_leaf = leaf;
	return PHYR_OK;
}
