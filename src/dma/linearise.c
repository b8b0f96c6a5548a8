/* SPDX-License-Identifier: MIT */
/*
 * A list copied into one run of slots, for consumers that can take nothing but one range.
 *
 * The list is borrowed: what the device writes is copied back to it.
 */

#include <string.h>

#include "check.h"
#include "map.h"

static int check(const struct phyr_dma *dma, const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	if (!dma->params.bounce || stats.kind_mask & 1u << PHYR_KIND_P2P ||
	    (stats.kind_mask & 1u << PHYR_KIND_ENCRYPTED && !has_trait(dma, PHYR_DMA_DECRYPT)))
		return PHYR_E_KIND;
	return stats.len > phyr_bounce_len_max(dma->params.bounce) ? PHYR_E_LIMIT : PHYR_OK;
}

static struct phyr_range first_run(const struct phyr_list *list)
{
	struct phyr_run run = { .offset = 0 };
	struct phyr_list_cursor cursor;

	phyr_list_begin(list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	return run.range;
}

/* The run of slots, in granules, at its reservation. */
static int map_slots(struct phyr_dma *dma, const struct request *request, phyr_pa pa,
		     struct phyr_iova_range reserved)
{
	struct phyr_range run = { phyr_pa_at(pa.addr & ~granule_mask(dma)), reserved.len };
	struct phyr_iommu_map map = { .iova = reserved.iova,
				      .runs = &run,
				      .run_cnt = 1,
				      .perm = request->perm,
				      .source = { phyr_list_va(request->list), -1, 0 } };
	struct phyr_iova_range none = { { 0 }, 0 };
	int err = phyr_fill_call(dma, &map);

	if (err)
		return err;
	err = phyr_fill_sync(dma, reserved);
	if (err && phyr_dma_remove_now(dma, reserved, none))
		PHYR_ASSERT(false);
	return err;
}

/* Takes the slots, and maps them; the record has them even if that fails. */
static int fill(struct phyr_dma *dma, const struct request *request, struct phyr_dma_map *map)
{
	struct phyr_range like = first_run(request->list);
	struct slots *slots = &map->extra->slots;
	struct phyr_bounce_part all = { 0, map->range.len };
	phyr_pa pa;
	int err;

	/* Only the low bits of the address and the length count. */
	like.pa.addr &= phyr_bits_mask(dma->params.keep_lg2) | granule_mask(dma);
	like.len = map->range.len;
	err = phyr_slot_take(dma, like, map->reserved.iova.addr, slots->slot, &pa);
	if (err)
		return err;
	slots->slot->scattered = request->list;
	slots->cnt = 1;
	phyr_slots_copy(dma, *slots, all, true);
	if (dma->params.iommu.ops) {
		map->range.iova =
			phyr_iova_at(map->reserved.iova.addr + (pa.addr & granule_mask(dma)));
		return map_slots(dma, request, pa, map->reserved);
	}
	map->range.iova = phyr_iova_at(pa.addr + dma->params.bus_offset);
	return reaches(dma, map->range.iova.addr, map->range.len) ? PHYR_OK : PHYR_E_LIMIT;
}

int phyr_map_in_slots(struct phyr_dma *dma, const struct request *request,
		      struct phyr_dma_map *ret_map)
{
	struct plan plan = { .len = phyr_list_len(request->list), .slot_cnt = 1 };
	uint64_t mask = granule_mask(dma);
	uint64_t inside = first_run(request->list).pa.addr & mask;
	struct phyr_dma_map map;
	int err = check(dma, request->list);

	if (err)
		return err;
	memset(&map, 0, sizeof(map));
	map.form = PHYR_DMA_RANGE;
	map.perm = request->perm;
	map.range.len = plan.len;
	map.bounced = true;
	map.list = request->list;
	map.own = dma->params.iommu.ops;
	if (map.own) {
		plan.reserved_len = (plan.len + inside + mask) & ~mask;
		err = phyr_dma_take(dma, plan.reserved_len, request->placement, &map.reserved);
	}
	if (err)
		return err;
	map.extra = phyr_extra_create(dma, &plan);
	err = map.extra ? fill(dma, request, &map) : PHYR_E_NOMEM;
	if (err) {
		phyr_extra_destroy(map.extra);
		phyr_dma_give(dma, map.reserved);
		return err;
	}
	phyr_extra_count(map.extra);
	map.extra->map = map;
	phyr_list_borrow(map.list);
	phyr_map_count(dma, &plan);
	if (dma->params.checker)
		phyr_checker_mapped(dma, &map, request->list);
	*ret_map = map;
	return PHYR_OK;
}
