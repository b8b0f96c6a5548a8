/* SPDX-License-Identifier: MIT */
/*
 * Why a page size is what it is: the first thing that is in the way of the next larger size that
 * would take fewer pages, and how many such things there are.
 *
 * The rules are those of single.c, applied one run at a time. Not here: sentences.
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/split.h>

#include "single.h"

/* A region, and what is asked of it. */
struct question {
	const struct phyr_list *list;
	phyr_sizes sizes;
	uint64_t first; /* device addresses */
	uint64_t last;
	enum phyr_cover cover;
};

/* The smallest larger size that would take fewer pages; the smallest of all when none fits. */
static void find_larger(const struct question *q, struct phyr_explanation *ret)
{
	phyr_sizes larger = q->sizes;

	if (ret->page_len)
		larger.mask &= ~(ret->page_len | (ret->page_len - 1));
	if (larger.mask == 0)
		return;
	ret->obstacle = PHYR_OBSTACLE_FEWEST;
	for (uint64_t mask = larger.mask; mask && !ret->larger_len; mask &= mask - 1) {
		unsigned int lg2 = phyr_bits_ctz(mask);
		uint64_t cnt = phyr_bits_blocks(q->first, q->last, lg2);

		if (ret->page_len && cnt >= ret->page_cnt)
			continue;
		ret->larger_len = phyr_bits_size(lg2);
		ret->larger_cnt = cnt;
	}
}

/* Notes that bits of an address are in the way somewhere; the first place stays. */
static void note(struct phyr_explanation *ret, enum phyr_obstacle obstacle, uint64_t address,
		 uint64_t bits, const struct phyr_run *run)
{
	bits &= ret->larger_len - 1;
	if (bits == 0 || ret->obstacle_cnt++)
		return;
	ret->obstacle = obstacle;
	ret->bits = bits;
	ret->address = address;
	ret->offset = run->offset;
	ret->run = *run;
	if (obstacle == PHYR_OBSTACLE_END)
		ret->offset += run->range.len;
}

static void note_joint(struct phyr_explanation *ret, uint64_t at, const struct phyr_run *run)
{
	if (at & (ret->larger_len - 1))
		note(ret, PHYR_OBSTACLE_JOINT, at, at, run);
	else
		note(ret, PHYR_OBSTACLE_PHASE, at, at ^ run->range.pa.addr, run);
}

static void find_obstacles(const struct question *q, struct phyr_explanation *ret)
{
	bool forbid = q->cover == PHYR_COVER_FORBID;
	uint64_t start = phyr_bits_down(q->first, PHYR_PAGE_LG2);
	uint64_t end = (q->last | phyr_bits_mask(PHYR_PAGE_LG2)) + 1;
	struct phyr_list_cursor cursor;
	struct phyr_run run, last = { { { 0 }, 0 }, { PHYR_KIND_SYSTEM, 0 }, 0 };

	phyr_list_begin(q->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t at = q->first + run.offset;

		if (run.offset == 0) {
			note(ret, PHYR_OBSTACLE_PHASE, at, at ^ run.range.pa.addr, &run);
			note(ret, PHYR_OBSTACLE_START, start, forbid ? start : 0, &run);
		} else if (!phyr_goes_on(last.range.pa.addr + last.range.len, run.range)) {
			note_joint(ret, at, &run);
		}
		last = run;
	}
	note(ret, PHYR_OBSTACLE_END, end, forbid ? end : 0, &last);
}

/* Would the larger size fit if the device's address had the phase of the memory? */
static void try_another_address(const struct question *q, struct phyr_explanation *ret)
{
	uint64_t mask = ret->larger_len - 1;
	struct phyr_limits limits;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t pa;

	phyr_list_begin(q->list, &cursor);
	if (!phyr_list_next(&cursor, &run))
		return;
	pa = run.range.pa.addr;
	limits = phyr_limits_of(q->list, pa);
	if (q->cover == PHYR_COVER_FORBID)
		limits.joint |= phyr_limits_ends(pa, pa + (q->last - q->first));
	if ((limits.phase | limits.joint) & mask)
		return;
	ret->renaming_helps = true;
	ret->other_address = pa & mask;
}

int phyr_split_explain(const struct phyr_list *list, uint64_t address, phyr_sizes sizes,
		       enum phyr_cover cover, struct phyr_explanation *ret_explanation)
{
	struct question q = { list, sizes, address, 0, cover };
	struct phyr_explanation ret;

	if (!list || sizes.mask == 0 || !ret_explanation || phyr_list_len(list) == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(address, phyr_list_len(list), &q.last))
		return PHYR_E_RANGE;
	memset(&ret, 0, sizeof(ret));
	ret.page_len = phyr_split_best_size(list, address, sizes, cover);
	if (ret.page_len)
		ret.page_cnt = phyr_bits_blocks(address, q.last, phyr_bits_log2(ret.page_len));
	find_larger(&q, &ret);
	if (ret.larger_len) {
		find_obstacles(&q, &ret);
		try_another_address(&q, &ret);
	}
	*ret_explanation = ret;
	return PHYR_OK;
}
