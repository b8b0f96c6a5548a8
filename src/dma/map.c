/* SPDX-License-Identifier: MIT */
/*
 * The doors for lists: map, and map at a range of the caller's. What the caller keeps of a mapping.
 *
 * Not here: what becomes of which memory (piece.c), which form that is (plan.c).
 */

#include "map.h"

#include <string.h>

#include "check.h"

bool phyr_map_is_request(const struct phyr_dma *dma, const struct request *request)
{
	return dma && request->list && known_perm(request->perm) &&
	       phyr_list_len(request->list) != 0;
}

static bool is_one_slot(const struct phyr_dma *dma, const struct plan *plan)
{
	return plan->whole && plan->slot_cnt == 1 && !dma->params.iommu.ops;
}

/* Is there a pass over pieces to make when it is filled? */
static bool is_in_pieces(const struct plan *plan)
{
	return plan->form == PHYR_DMA_LIST || plan->slot_cnt || plan->user_cnt;
}

/* Without an IOMMU, and with one slot: the range is all that is kept. */
static int map_one_slot(struct phyr_dma *dma, const struct request *request,
			struct phyr_dma_map *map)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	struct slot slot = { .offset = 0 };
	struct phyr_bounce_part all = { 0, map->range.len };
	phyr_pa pa;
	int err;

	phyr_list_begin(request->list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	err = phyr_slot_take(dma, run.range, 0, &slot, &pa);
	if (err)
		return err;
	map->range.iova = phyr_iova_at(pa.addr + dma->params.bus_offset);
	if (!reaches(dma, map->range.iova.addr, map->range.len)) {
		phyr_slots_give(dma, (struct slots){ &slot, 1 });
		return PHYR_E_LIMIT;
	}
	phyr_slots_copy(dma, (struct slots){ &slot, 1 }, all, true);
	return PHYR_OK;
}

/* Fills the reservation, if there is one, and says where byte 0 is. */
static int fill(struct fill *fill, struct phyr_dma_map *map)
{
	int err;

	if (!is_in_pieces(fill->plan)) {
		err = map->reserved.len ? phyr_fill_plain(fill) : PHYR_OK;
		fill->iova = map->reserved.iova.addr + fill->plan->head_len;
	} else {
		err = phyr_fill_pieces(fill);
	}
	if (!err && map->form == PHYR_DMA_RANGE)
		map->range.iova = phyr_iova_at(fill->iova);
	return err;
}

/* With a record, where the plan needs one. */
static int map_pieces(struct phyr_dma *dma, const struct request *request, const struct plan *plan,
		      struct phyr_dma_map *map)
{
	struct fill job = { dma, request->list, request->perm, plan, map->reserved, NULL, 0 };
	int err;

	if (is_in_pieces(plan)) {
		job.extra = phyr_extra_create(dma, plan);
		if (!job.extra)
			return PHYR_E_NOMEM;
	}
	err = fill(&job, map);
	if (err) {
		phyr_extra_destroy(job.extra);
		return err;
	}
	map->extra = job.extra;
	if (map->extra) {
		phyr_extra_count(map->extra);
		map->extra->map = *map;
	}
	return PHYR_OK;
}

void phyr_map_count(struct phyr_dma *dma, const struct plan *plan)
{
	dma->stats.map_cnt++;
	dma->stats.mapped_len += plan->len;
	dma->stats.bus_len += plan->bus_len;
	dma->stats.bridge_len += plan->peer_len - plan->bus_len;
	phyr_dma_maintain(dma, plan->len - plan->peer_len);
}

static struct phyr_dma_map map_begin(const struct request *request, const struct plan *plan)
{
	struct phyr_dma_map map;

	memset(&map, 0, sizeof(map));
	map.form = plan->form;
	map.perm = request->perm;
	map.range.len = plan->len;
	map.bounced = plan->slot_cnt > 0;
	if (map.form == PHYR_DMA_BORROWED) {
		map.list = request->list;
		map.offset = plan->offset;
	}
	return map;
}

int phyr_map_as_planned(struct phyr_dma *dma, const struct request *request,
			const struct plan *plan, struct phyr_dma_map *ret_map)
{
	struct phyr_dma_map map = map_begin(request, plan);
	int err = PHYR_OK;

	if (plan->reserved_len) {
		err = phyr_dma_take(dma, plan->reserved_len, request->placement, &map.reserved);
		map.own = true;
	}
	if (err)
		return err;
	err = is_one_slot(dma, plan) ? map_one_slot(dma, request, &map) :
				       map_pieces(dma, request, plan, &map);
	if (err) {
		phyr_dma_give(dma, map.reserved);
		return err;
	}
	if (map.list)
		phyr_list_borrow(map.list);
	phyr_map_count(dma, plan);
	if (dma->params.checker)
		phyr_checker_mapped(dma, &map, request->list);
	*ret_map = map;
	return PHYR_OK;
}

int phyr_dma_map(struct phyr_dma *dma, struct phyr_list *list, enum phyr_perm perm,
		 const struct phyr_placement *placement, struct phyr_dma_map *ret_map)
{
	struct request request = { list, perm, placement };
	struct plan plan;
	int err;

	if (!phyr_map_is_request(dma, &request) || !ret_map)
		return PHYR_E_INVAL;
	err = phyr_plan_make(dma, list, false, &plan);
	if (err)
		return err;
	return phyr_map_as_planned(dma, &request, &plan, ret_map);
}

int phyr_dma_map_at(struct phyr_dma *dma, struct phyr_list *list, enum phyr_perm perm,
		    struct phyr_iova_range reserved, struct phyr_dma_map *ret_map)
{
	struct request request = { list, perm, NULL };
	struct phyr_dma_map map;
	struct plan plan;
	int err;

	if (!phyr_map_is_request(dma, &request) || !ret_map)
		return PHYR_E_INVAL;
	if (!dma->params.iommu.ops)
		return PHYR_E_UNSUPPORTED;
	err = phyr_plan_make(dma, list, false, &plan);
	if (err)
		return err;
	if (plan.why.obstacle == PHYR_DMA_JOINT ||
	    !phyr_bits_aligned(reserved.iova.addr | reserved.len, dma->granule_lg2))
		return PHYR_E_ALIGN;
	if (plan.why.obstacle || plan.slot_cnt || plan.bus_len)
		return PHYR_E_KIND;
	if (reserved.len != plan.reserved_len)
		return PHYR_E_INVAL;
	if (!reaches(dma, reserved.iova.addr, reserved.len))
		return PHYR_E_RANGE;
	map = map_begin(&request, &plan);
	map.reserved = reserved;
	err = map_pieces(dma, &request, &plan, &map);
	if (err)
		return err;
	dma->stats.reserved_len += reserved.len;
	phyr_map_count(dma, &plan);
	if (dma->params.checker)
		phyr_checker_mapped(dma, &map, list);
	*ret_map = map;
	return PHYR_OK;
}
