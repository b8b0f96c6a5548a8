/* SPDX-License-Identifier: MIT */
/*
 * The memory of a case: pages that lie in an order which is always the same, none next to the one
 * before it.
 */

#include <phyr/bits.h>

#include "cases.h"

/* Odd, so that multiplying by it puts the numbers 0 … 2^n − 1 into another order. */
#define SCATTER UINT64_C(0x9e3779b1)
#define SMALL_CNT 512

struct build {
	struct phyr_list *list;
	unsigned int order_lg2; /* numbers of pages are below 2^order_lg2 */
	uint64_t late_len;
	uint64_t page_cnt, page_max;
	bool peer;
};

unsigned int phyrsim_mix_lg2(enum phyrsim_mix mix)
{
	static const unsigned char lg2[PHYRSIM_MIX_CNT] = { 12, 21, 30, 21 };

	return lg2[mix];
}

uint64_t phyrsim_mix_unit(enum phyrsim_mix mix)
{
	return mix == PHYRSIM_MIX_MIXED ? UINT64_C(4) << 20 : phyr_bits_size(phyrsim_mix_lg2(mix));
}

bool phyrsim_case_is_late(const struct phyrsim_case_params *params)
{
	return params->which == PHYRSIM_CASE_UNALIGNED ||
	       (phyrsim_case_is_bounced(params) && params->flushing != PHYRSIM_FLUSHING_NONE);
}

/* A page of the peer, the 17th of its BAR, behind the first half. */
static int add_peer(struct build *build)
{
	struct phyr_range range = { phyr_pa_at(BAR_FIRST + 16 * PHYR_PAGE_SIZE), PHYR_PAGE_SIZE };
	struct phyr_tag tag = { PHYR_KIND_P2P, 0 };

	if (!build->peer || build->page_cnt != (build->page_max + 1) / 2)
		return PHYR_OK;
	return phyr_list_append(build->list, range, tag);
}

/* Of twice the size of a page, the lower half is one and the upper half is nobody's. */
static int add_page(struct build *build, uint64_t first, uint64_t number, unsigned int lg2)
{
	uint64_t place = (number * SCATTER) & phyr_bits_mask(build->order_lg2);
	struct phyr_range range = { phyr_pa_at(first + (place << (lg2 + 1)) + build->late_len),
				    phyr_bits_size(lg2) - build->late_len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	int err = phyr_list_append(build->list, range, tag);

	build->page_cnt++;
	return err ? err : add_peer(build);
}

/* Large pages lie above the small ones. */
static int add_mixed(struct build *build, uint64_t unit_cnt)
{
	uint64_t above = MEMORY_FIRST + (PHYR_PAGE_SIZE << (build->order_lg2 + 1));
	uint64_t small = 0;
	int err = PHYR_OK;

	above = (above + phyr_bits_mask(22)) & ~phyr_bits_mask(22);
	for (uint64_t i = 0; !err && i < unit_cnt; i++) {
		err = add_page(build, above, i, 21);
		for (unsigned int n = 0; !err && n < SMALL_CNT; n++)
			err = add_page(build, MEMORY_FIRST, small++, PHYR_PAGE_LG2);
	}
	return err;
}

int phyrsim_case_memory(const struct phyrsim_case_params *params, struct phyr_list *list)
{
	uint64_t unit_cnt = params->len / phyrsim_mix_unit(params->mix);
	struct build build = { .list = list, .page_max = unit_cnt };
	int err = PHYR_OK;

	build.late_len = phyrsim_case_is_late(params) ? LATE_LEN : 0;
	build.peer = params->which == PHYRSIM_CASE_PEER;
	if (params->mix == PHYRSIM_MIX_MIXED)
		build.page_max *= SMALL_CNT + 1;
	build.order_lg2 = phyr_bits_log2_up(build.page_max);
	if (params->mix == PHYRSIM_MIX_MIXED)
		return add_mixed(&build, unit_cnt);
	for (uint64_t i = 0; !err && i < unit_cnt; i++)
		err = add_page(&build, MEMORY_FIRST, i, phyrsim_mix_lg2(params->mix));
	return err;
}
