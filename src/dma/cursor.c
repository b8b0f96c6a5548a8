/* SPDX-License-Identifier: MIT */
/* Reading a mapping: its I/O addresses, range by range. */

#include <string.h>

#include "extra.h"

void phyr_dma_begin(const struct phyr_dma_map *map, struct phyr_dma_cursor *cursor)
{
	memset(cursor, 0, sizeof(*cursor));
	if (map->extra && map->extra->revoked)
		return;
	cursor->list = map->form == PHYR_DMA_BORROWED || map->form == PHYR_DMA_LIST;
	cursor->offset = map->offset;
	if (cursor->list)
		phyr_list_begin(map->list ? map->list : &map->extra->own, &cursor->cursor);
	else if (map->form == PHYR_DMA_RANGE)
		cursor->range = map->range;
}

bool phyr_dma_next(struct phyr_dma_cursor *cursor, struct phyr_iova_range *ret_range)
{
	struct phyr_run run;

	if (cursor->list) {
		if (!phyr_list_next(&cursor->cursor, &run))
			return false;
		ret_range->iova = phyr_iova_at(run.range.pa.addr + cursor->offset);
		ret_range->len = run.range.len;
		return true;
	}
	if (cursor->range.len == 0)
		return false;
	*ret_range = cursor->range;
	cursor->range.len = 0;
	return true;
}
