/* SPDX-License-Identifier: MIT */
/*
 * The end of a mapping: unmapped, invalidated, copied back, given back, in this order.
 *
 * What was bounced is flushed at once, whatever the policy: its slots are somebody else's next. So are
 * peers that the IOMMU maps: once they are detached, they may be removed.
 */

#include "unmap.h"

#include <string.h>

#include "check.h"

struct slot phyr_mapping_slot(const struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	struct slot slot = { .len = map->range.len,
			     .key = map->range.iova.addr - dma->params.bus_offset };

	return slot;
}

/* Slots are known by I/O addresses: those of what was bounced are not given back yet. */
static int end_range(struct phyr_dma *dma, const struct phyr_dma_map *map, bool now)
{
	struct phyr_iova_range none = { { 0 }, 0 };

	if (map->reserved.len == 0)
		return PHYR_OK;
	if (!dma->params.iommu.ops)
		return PHYR_E_NOENT;
	if (map->bounced || !map->own)
		return phyr_dma_remove_now(dma, map->reserved, none);
	return now ? phyr_dma_remove_now(dma, map->reserved, map->reserved) :
		     phyr_dma_remove(dma, map->reserved, map->reserved);
}

static void end_slots(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	struct slot one = phyr_mapping_slot(dma, map);
	struct slots slots = { &one, 1 };
	struct phyr_bounce_part all = { 0, map->range.len };

	if (!map->bounced)
		return;
	if (map->extra)
		slots = map->extra->slots;
	if (map->perm & PHYR_PERM_WRITE)
		phyr_slots_copy(dma, slots, all, false);
	phyr_slots_give(dma, slots);
	if (map->extra)
		map->extra->slots.cnt = 0;
	if (map->own)
		phyr_dma_give(dma, map->reserved);
}

/* Ends all but the record. */
static int end(struct phyr_dma *dma, const struct phyr_dma_map *map, bool now)
{
	int err = PHYR_OK;

	if (map->form != PHYR_DMA_BORROWED)
		err = end_range(dma, map, now);
	if (err)
		return err;
	end_slots(dma, map);
	if (map->list && !phyr_list_release(map->list))
		return PHYR_E_NOENT;
	if (!map->own)
		dma->stats.reserved_len -= map->reserved.len;
	phyr_dma_maintain(dma, map->range.len - (map->extra ? map->extra->peer_len : 0));
	dma->stats.unmap_cnt++;
	dma->stats.mapped_len -= map->range.len;
	return PHYR_OK;
}

void phyr_mapping_revoke(struct phyr_p2p_user *user)
{
	struct phyr_dma_extra *extra = ((struct user *)(void *)user)->extra;
	bool checked = extra->dma->params.checker;

	if (checked)
		phyr_checker_revoke(extra->dma, &extra->map, true);
	if (end(extra->dma, &extra->map, true)) {
		/* still attached: the registry says that it is busy */
		if (checked)
			phyr_checker_revoke(extra->dma, &extra->map, false);
		return;
	}
	phyr_extra_release(extra);
	phyr_list_truncate(&extra->own, 0);
	extra->revoked = true;
}

/* Of one caller, so that the end of a mapping is part of it. */
__attribute__((noinline)) int phyr_mapping_unmap(struct phyr_dma *dma, struct phyr_dma_map *map)
{
	int err = PHYR_OK;

	if (!map->extra || !map->extra->revoked)
		err = end(dma, map, map->extra && map->extra->bridged);
	if (err)
		return err;
	phyr_extra_destroy(map->extra);
	memset(map, 0, sizeof(*map));
	return PHYR_OK;
}

int phyr_dma_unmap(struct phyr_dma *dma, struct phyr_dma_map *map)
{
	if (!dma || !map)
		return PHYR_E_INVAL;
	if (map->form == PHYR_DMA_NONE)
		return PHYR_E_NOENT;
	return dma->params.checker ? phyr_checker_unmap(dma, map) : phyr_mapping_unmap(dma, map);
}
