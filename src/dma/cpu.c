/* SPDX-License-Identifier: MIT */
/* A part of a mapping given to the CPU, and back to the device. */

#include "check.h"
#include "unmap.h"

static int check(const struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
		 uint64_t len)
{
	if (!dma || !map || len == 0)
		return PHYR_E_INVAL;
	if (map->form == PHYR_DMA_NONE || (map->extra && map->extra->revoked))
		return PHYR_E_NOENT;
	if (offset >= map->range.len || len > map->range.len - offset)
		return PHYR_E_RANGE;
	return PHYR_OK;
}

static void copy(struct phyr_dma *dma, const struct phyr_dma_map *map, struct phyr_bounce_part part,
		 bool to_slots)
{
	struct slot one = phyr_mapping_slot(dma, map);
	struct slots slots = { &one, 1 };

	if (!map->bounced)
		return;
	if (map->extra)
		slots = map->extra->slots;
	phyr_slots_copy(dma, slots, part, to_slots);
}

/* Peers are not in caches. Where they are mixed with memory, it is not known who has which byte. */
static void maintain(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t len)
{
	if (!map->extra || map->extra->peer_len != map->range.len)
		phyr_dma_maintain(dma, len);
}

int phyr_dma_sync_for_cpu(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
			  uint64_t len)
{
	int err = check(dma, map, offset, len);

	if (err)
		return err;
	if (map->perm & PHYR_PERM_WRITE)
		copy(dma, map, (struct phyr_bounce_part){ offset, len }, false);
	maintain(dma, map, len);
	if (dma->params.checker)
		phyr_checker_owner(dma, map, (struct phyr_bounce_part){ offset, len }, true);
	return PHYR_OK;
}

int phyr_dma_sync_for_device(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
			     uint64_t len)
{
	int err = check(dma, map, offset, len);

	if (err)
		return err;
	copy(dma, map, (struct phyr_bounce_part){ offset, len }, true);
	maintain(dma, map, len);
	if (dma->params.checker)
		phyr_checker_owner(dma, map, (struct phyr_bounce_part){ offset, len }, false);
	return PHYR_OK;
}
