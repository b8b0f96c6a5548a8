/* SPDX-License-Identifier: MIT */
/*
 * Linear or fail: one range, or why not.
 *
 * Copying everything into one run of slots is for who asks for it, and is one piece of memory that
 * happens to be scattered: it is never a peer's.
 */

#include "map.h"

static int error_of(const struct phyr_dma_why *why)
{
	return why->obstacle == PHYR_DMA_JOINT ? PHYR_E_ALIGN : PHYR_E_KIND;
}

/* Why what was planned, or all of it in slots, could not be taken. */
static void tell(uint64_t len, int err, struct phyr_dma_why *why)
{
	struct phyr_dma_why taken = { .len = len };

	if (err == PHYR_E_NOSPACE)
		taken.obstacle = PHYR_DMA_SPACE;
	else if (err == PHYR_E_LIMIT || err == PHYR_E_RANGE)
		taken.obstacle = PHYR_DMA_LIMIT;
	else if (err)
		return;
	*why = taken;
}

/* There is no other way, or not even this one: then the first obstacle stands. */
static int copy(struct phyr_dma *dma, const struct request *request, int err,
		struct phyr_dma_map *ret_map, struct phyr_dma_why *why)
{
	int second = phyr_map_in_slots(dma, request, ret_map);

	if (second == PHYR_E_KIND)
		return err;
	tell(phyr_list_len(request->list), second, why);
	return second;
}

/* Without an IOMMU a list of one run is a range, without being borrowed. */
static void unborrow(struct plan *plan, const struct phyr_list *list)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };

	if (plan->form != PHYR_DMA_BORROWED || plan->why.obstacle)
		return;
	phyr_list_begin(list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	plan->form = PHYR_DMA_RANGE;
	plan->head_len = run.range.pa.addr + plan->offset;
}

int phyr_dma_map_linear(struct phyr_dma *dma, const struct phyr_dma_linear *linear,
			struct phyr_dma_map *ret_map, struct phyr_dma_why *ret_why)
{
	struct request request = { NULL, PHYR_PERM_READ, NULL };
	struct phyr_dma_why why;
	struct plan plan;
	int err;

	if (linear) {
		request.list = linear->list;
		request.perm = linear->perm;
		request.placement = linear->placement;
	}
	if (!phyr_map_is_request(dma, &request) || !ret_map)
		return PHYR_E_INVAL;
	err = phyr_plan_make(dma, request.list, true, &plan);
	unborrow(&plan, request.list);
	if (!err && plan.form != PHYR_DMA_RANGE)
		err = error_of(&plan.why);
	why = plan.why;
	if (err && linear->bounce) {
		err = copy(dma, &request, err, ret_map, &why);
	} else if (!err) {
		err = phyr_map_as_planned(dma, &request, &plan, ret_map);
		tell(plan.reserved_len ? plan.reserved_len : plan.len, err, &why);
	}
	if (ret_why)
		*ret_why = why;
	return err;
}
