/* SPDX-License-Identifier: MIT */
/* The gather: what was removed and not invalidated yet, as one range. */

#include <phyr/bits.h>
#include <phyr/iommu.h>

void phyr_gather_init(struct phyr_gather *gather)
{
	gather->first = 0;
	gather->last = 0;
	gather->removed_len = 0;
	gather->tables_first = 0;
	gather->tables_last = 0;
	gather->leaves.mask = 0;
	gather->freed = NULL;
	gather->unmap_cnt = 0;
	gather->empty = true;
	gather->tables_removed = false;
	gather->queued = false;
}

static void add_span(struct phyr_gather *gather, uint64_t first, uint64_t last, uint64_t len)
{
	if (gather->empty || first < gather->first)
		gather->first = first;
	if (gather->empty || last > gather->last)
		gather->last = last;
	/* One range may be removed, mapped and removed again without end. */
	if (__builtin_add_overflow(gather->removed_len, len, &gather->removed_len))
		gather->removed_len = UINT64_MAX;
	gather->empty = false;
}

void phyr_gather_add(struct phyr_gather *gather, struct phyr_iova_range range)
{
	uint64_t first = range.iova.addr;
	uint64_t last;

	/* An explicit empty state: a zero-length range at 0 must not become everything. */
	if (!phyr_bits_last(first, range.len, &last))
		return;
	add_span(gather, first, last, range.len);
	gather->unmap_cnt++;
}

void phyr_gather_add_leaves(struct phyr_gather *gather, phyr_sizes sizes)
{
	gather->leaves.mask |= sizes.mask;
}

void phyr_gather_add_table(struct phyr_gather *gather, struct phyr_window span)
{
	if (!gather->tables_removed || span.first.addr < gather->tables_first)
		gather->tables_first = span.first.addr;
	if (!gather->tables_removed || span.last.addr > gather->tables_last)
		gather->tables_last = span.last.addr;
	gather->tables_removed = true;
}

void phyr_gather_join(struct phyr_gather *gather, const struct phyr_gather *more)
{
	struct phyr_window tables = { { more->tables_first }, { more->tables_last } };

	if (more->tables_removed)
		phyr_gather_add_table(gather, tables);
	phyr_gather_add_leaves(gather, more->leaves);
	if (more->empty)
		return;
	add_span(gather, more->first, more->last, more->removed_len);
	gather->unmap_cnt += more->unmap_cnt;
}
