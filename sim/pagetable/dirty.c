/* SPDX-License-Identifier: MIT */
/*
 * Dirty marks, read and cleared over a range, and set for one address.
 *
 * Not here: which bits they are (the formats) and what follows from them (marks.h).
 */
#include <phyrsim/pagetable_dirty.h>

#include "guard.h"
#include "table.h"

/* What is to be read, and what has been cleared so far. */
struct scan {
	struct phyrsim_span span;
	const struct phyrsim_dirty_bitmap *bitmap;
	bool clear;
	struct phyrsim_span cleared; /* meaningless unless there are sizes */
	phyr_sizes sizes;
};

static void set_bits(uint64_t *words, uint64_t first, uint64_t last)
{
	for (uint64_t w = first / 64; w <= last / 64; w++) {
		uint64_t bits = UINT64_MAX;

		if (w == first / 64)
			bits <<= first % 64;
		if (w == last / 64)
			bits &= UINT64_MAX >> (63 - last % 64);
		words[w] |= bits;
	}
}

/* Notes a dirty leaf as far as it lies in the range; only one that lies in it whole is cleared. */
static void note_leaf(struct phyrsim_pagetable *table, struct scan *scan,
		      const struct phyrsim_leaf *leaf)
{
	unsigned int page_lg2 = scan->bitmap->page_lg2;
	struct phyrsim_span own = { leaf->iova.addr, leaf->iova.addr + phyr_bits_mask(leaf->lg2) };
	uint64_t first = own.first < scan->span.first ? scan->span.first : own.first;
	uint64_t last = own.last > scan->span.last ? scan->span.last : own.last;

	set_bits(scan->bitmap->words, (first - scan->span.first) >> page_lg2,
		 (last - scan->span.first) >> page_lg2);
	if (!scan->clear || !phyrsim_within(own, scan->span))
		return;
	table->ops->clean(table, leaf);
	if (scan->sizes.mask == 0)
		scan->cleared.first = own.first;
	scan->cleared.last = own.last;
	scan->sizes.mask |= phyr_bits_size(leaf->lg2);
}

static void scan_leaves(struct phyrsim_pagetable *table, struct scan *scan)
{
	struct phyrsim_span rest = scan->span;
	struct phyrsim_leaf leaf;

	while (table->ops->next_dirty(table, rest, &leaf) == PHYR_OK) {
		uint64_t last = leaf.iova.addr + phyr_bits_mask(leaf.lg2);

		note_leaf(table, scan, &leaf);
		if (last >= scan->span.last)
			break;
		rest.first = last + 1;
	}
}

/* Is there something to read into, with a bit for every page? */
static bool bitmap_holds(const struct phyrsim_dirty_bitmap *bitmap, uint64_t len)
{
	return bitmap && bitmap->words && bitmap->page_lg2 < 64 &&
	       bitmap->page_cnt >= len >> bitmap->page_lg2;
}

int phyrsim_pagetable_read_dirty(struct phyrsim_pagetable *table, struct phyr_iova_range range,
				 unsigned int flags, const struct phyrsim_dirty_bitmap *bitmap,
				 struct phyr_gather *gather)
{
	struct scan scan = { .bitmap = bitmap, .clear = !(flags & PHYRSIM_DIRTY_NO_CLEAR) };
	struct phyr_iova_range cleared = { { 0 }, 0 };
	struct phyrsim_flight flight;

	if (!table || range.len == 0 || flags > PHYRSIM_DIRTY_NO_CLEAR)
		return PHYR_E_INVAL;
	if (!bitmap_holds(bitmap, range.len) || (scan.clear && !gather))
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(range.iova.addr | range.len, bitmap->page_lg2))
		return PHYR_E_ALIGN;
	if (!phyrsim_span_of(&table->geometry, range, &scan.span))
		return PHYR_E_RANGE;
	if (table->ops->dirty_feature & ~table->features)
		return PHYR_E_UNSUPPORTED;
	phyrsim_enter(table, scan.span, scan.clear, &flight);
	scan_leaves(table, &scan);
	phyrsim_leave(table, &flight);
	if (scan.sizes.mask == 0)
		return PHYR_OK;
	cleared.iova.addr = range.iova.addr + (scan.cleared.first - scan.span.first);
	cleared.len = scan.cleared.last - scan.cleared.first + 1;
	phyr_gather_add(gather, cleared);
	phyr_gather_add_leaves(gather, scan.sizes);
	return PHYR_OK;
}

int phyrsim_pagetable_mark(struct phyrsim_pagetable *table, phyr_iova iova, bool write)
{
	struct phyr_iova_range range = { iova, 1 };
	struct phyrsim_span span;

	if (!table)
		return PHYR_E_INVAL;
	if (!phyrsim_span_of(&table->geometry, range, &span))
		return PHYR_E_RANGE;
	return table->calls->mark(table, span.first, write);
}
