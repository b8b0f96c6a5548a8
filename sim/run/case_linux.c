/* SPDX-License-Identifier: MIT */
/* What Linux needs for the memory of a case, by its rules: sim/linux says what each of them costs. */

#include <phyrsim/linux_sg.h>

#include "cases.h"

/* The longest segment that drivers ask for; and the longest that can be copied. */
#define SEGMENT_LONG (UINT64_C(2) << 30)
#define SEGMENT_BOUNCED (UINT64_C(256) << 10)
/* sizeof(dma_addr_t), sizeof(struct dma_iova_state), what a flush queue holds. */
#define ADDRESS_LEN 8
#define STATE_LEN 16
#define QUEUE_CNT 255

/* Invalidations of so many unmaps in a row, and of the timer behind them. */
static uint64_t count_flushes(enum phyrsim_flushing flushing, uint64_t unmap_cnt)
{
	switch (flushing) {
	case PHYRSIM_FLUSHING_STRICT:
	case PHYRSIM_FLUSHING_BATCHED:
		return unmap_cnt;
	case PHYRSIM_FLUSHING_LAZY:
		return (unmap_cnt - 1) / QUEUE_CNT + 1;
	case PHYRSIM_FLUSHING_NONE:
		break;
	}
	return 0;
}

static void type_peers(struct phyrsim_linux_sg *sg, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (sg[i].mem.pa.addr < BAR_FIRST)
			continue;
		sg[i].type = PHYR_P2P_BUS;
		sg[i].bus_offset = BAR_BUS - BAR_FIRST;
	}
}

/* One reservation for the list, whose entries are joined where they can be. */
static int map_whole(const struct phyrsim_case_params *params, const struct phyr_list *list,
		     struct phyrsim_case_linux *cost)
{
	const struct phyrsim_linux_sg_limits limits = { PHYR_PAGE_LG2, SEGMENT_LONG, UINT64_MAX,
							PHYRSIM_LINUX_AS_IS };
	const struct phyr_mem *mem = params->mem;
	size_t cnt = (size_t)cost->sg_cnt;
	struct phyrsim_linux_sg *sg = mem->alloc(mem->ctx, cnt * sizeof(*sg));
	struct phyrsim_linux_sg_plan plan;
	int err;

	if (!sg)
		return PHYR_E_NOMEM;
	cnt = phyrsim_linux_sg_fill(list, SEGMENT_LONG, sg);
	type_peers(sg, cnt);
	err = phyrsim_linux_sg_plan(&limits, sg, cnt, &plan);
	if (!err) {
		cost->entry_cnt =
			phyrsim_linux_sg_finish(&limits, sg, cnt, phyr_iova_at(PHYR_PAGE_SIZE));
		cost->told_len = 0;
		for (size_t i = 0; i < cost->entry_cnt; i++)
			cost->told_len += sg[i].dma.len;
		cost->call_cnt = plan.call_cnt;
		cost->flush_cnt = count_flushes(params->flushing, PHYRSIM_CASE_ROUNDS);
	}
	mem->free(mem->ctx, sg, (size_t)cost->sg_cnt * sizeof(*sg));
	return err;
}

int phyrsim_case_linux(const struct phyrsim_case_params *params, const struct phyr_list *list,
		       struct phyrsim_case_linux *ret_cost)
{
	struct phyrsim_case_linux cost = { .sg_cnt = 0 };
	struct phyrsim_linux_cost sg;
	int err = PHYR_OK;

	sg = phyrsim_linux_scatterlist(list, phyrsim_case_is_bounced(params) ? SEGMENT_BOUNCED :
									       SEGMENT_LONG);
	cost.told_len = phyr_list_len(list);
	cost.sg_cnt = sg.entry_cnt;
	cost.sg_len = sg.len;
	cost.page_cnt = phyrsim_linux_scatterlist(list, PHYR_PAGE_SIZE).entry_cnt;
	cost.page_len = cost.page_cnt * ADDRESS_LEN;
	cost.page_flush_cnt = count_flushes(params->flushing, PHYRSIM_CASE_ROUNDS * cost.page_cnt);
	if (params->which == PHYRSIM_CASE_ALIGNED || params->which == PHYRSIM_CASE_PEER)
		cost.state_len = STATE_LEN;
	if (params->flushing != PHYRSIM_FLUSHING_NONE && !phyrsim_case_is_bounced(params)) {
		err = map_whole(params, list, &cost);
	} else {
		/* Each by itself. */
		cost.entry_cnt = cost.sg_cnt;
		cost.call_cnt = params->flushing == PHYRSIM_FLUSHING_NONE ? 0 : cost.sg_cnt;
		cost.flush_cnt = count_flushes(params->flushing, PHYRSIM_CASE_ROUNDS * cost.sg_cnt);
	}
	if (!err)
		*ret_cost = cost;
	return err;
}
