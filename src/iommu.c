/* SPDX-License-Identifier: MIT */
/* The gather: what was removed and not invalidated yet, as one range. */

#include <phyr/bits.h>
#include <phyr/iommu.h>

void phyr_gather_init(struct phyr_gather *gather)
{
	gather->first = 0;
	gather->last = 0;
	gather->freed = NULL;
	gather->unmap_cnt = 0;
	gather->empty = true;
	gather->tables_removed = false;
}

void phyr_gather_add(struct phyr_gather *gather, struct phyr_iova_range range)
{
	uint64_t first = range.iova.addr;
	uint64_t last;

	/* An explicit empty state: a zero-length range at 0 must not become everything. */
	if (!phyr_bits_last(first, range.len, &last))
		return;
	if (gather->empty || first < gather->first)
		gather->first = first;
	if (gather->empty || last > gather->last)
		gather->last = last;
	gather->empty = false;
	gather->unmap_cnt++;
}
