/* SPDX-License-Identifier: MIT */
/*
 * Unmapping across holes: leaf by leaf, for who clears a range of which he does not know what is
 * mapped.
 *
 * Not here: unmapping a range that is mapped whole (ops.h), which is faster and finds mistakes.
 */
#include "guard.h"
#include "table.h"

/* Does a leaf reach out of the span at one of its ends? */
static bool cuts_leaf(const struct phyrsim_pagetable *table, struct phyrsim_span span)
{
	const uint64_t ends[] = { span.first, span.last };

	for (unsigned int i = 0; i < 2; i++) {
		struct phyrsim_span end = { ends[i], ends[i] };
		struct phyrsim_leaf leaf;

		if (table->ops->calls.next(table, end, &leaf) != PHYR_OK)
			continue;
		if (leaf.iova.addr < span.first ||
		    leaf.iova.addr + phyr_bits_mask(leaf.lg2) > span.last)
			return true;
	}
	return false;
}

/* Leaf by leaf; what was removed, len 0 if nothing was. It is known that none is cut. */
static struct phyr_iova_range remove_leaves(struct phyrsim_pagetable *table,
					    struct phyr_iova_range range, struct phyrsim_span span,
					    struct phyr_gather *gather)
{
	struct phyr_iova_range removed = { range.iova, 0 };
	struct phyrsim_span rest = span;
	struct phyrsim_leaf leaf;

	while (table->ops->calls.next(table, rest, &leaf) == PHYR_OK) {
		struct phyrsim_span own = { leaf.iova.addr, 0 };

		own.last = own.first + phyr_bits_mask(leaf.lg2);
		/* It is there and whole, so this cannot fail. */
		(void)table->ops->calls.unmap(table, own, gather);
		if (removed.len == 0)
			removed.iova.addr = range.iova.addr + (own.first - span.first);
		removed.len = range.iova.addr + (own.last - span.first) - removed.iova.addr + 1;
		if (own.last == span.last)
			break;
		rest.first = own.last + 1;
	}
	return removed;
}

int phyrsim_pagetable_unmap_sparse(struct phyrsim_pagetable *table, struct phyr_iova_range range,
				   struct phyr_gather *gather)
{
	struct phyr_iova_range removed = { { 0 }, 0 };
	struct phyrsim_flight flight;
	struct phyrsim_span span;
	int err = PHYR_OK;

	if (!table || !gather || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(range.iova.addr | range.len, table->geometry.granule_lg2))
		return PHYR_E_ALIGN;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return PHYR_E_RANGE;
	phyrsim_enter(table, span, true, &flight);
	if (cuts_leaf(table, span))
		err = PHYR_E_PARTIAL;
	else
		removed = remove_leaves(table, range, span, gather);
	phyrsim_leave(table, &flight);
	phyr_gather_add(gather, removed);
	return err;
}
