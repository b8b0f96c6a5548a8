/* SPDX-License-Identifier: MIT */
/*
 * What a congruence costs, in closed form, and which of two costs is less.
 *
 * Nothing is known of an address above the modulus, so only what holds for every such address is
 * counted: sizes up to the modulus, and an invalidation window only where the mapping cannot cross
 * a multiple of it.
 */

#include <string.h>

#include "subject.h"

/* A region of a device: how it is named, and its pages. */
struct region {
	uint64_t address; /* device address of byte 0 */
	uint64_t entry_cnt;
	uint64_t
		lead_len; /* [bytes] that pages cover before the first granule and behind the last */
	uint64_t tail_len;
};

static uint64_t count_entries(const struct subject *subject, const struct phyr_list *list,
			      uint64_t address, unsigned int page_lg2)
{
	const struct phyr_place_request *request = subject->request;
	phyr_sizes sizes = phyr_sizes_upto(request->device_sizes, page_lg2);
	struct phyr_block_counts counts;
	uint64_t cnt = 0;

	if (!request->device_mixed)
		return phyr_bits_blocks(address, address + (subject->stats.len - 1), page_lg2);
	if (phyr_split_count(list, phyr_iova_at(address), sizes, &counts))
		return 0;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		cnt += counts.cnt[lg2];
	return cnt;
}

/* The region's pages when byte 0 is at this I/O address; no entries when none fits. */
static struct region region_at(const struct subject *subject, uint64_t iova, unsigned int page_lg2)
{
	const struct phyr_place_request *request = subject->request;
	struct phyr_range bus = { phyr_pa_at(iova), subject->stats.len };
	struct region region = { iova, 0, 0, 0 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	uint64_t before, behind, unused;
	phyr_sizes outer;
	struct phyr_list list;

	if (request->name == PHYR_NAME_ADDRESS)
		region.address = request->address;
	/* Mixed sizes reach as far as the smallest does. */
	outer.mask = phyr_bits_size(
		request->device_mixed ? phyr_sizes_min_lg2(request->device_sizes) : page_lg2);
	phyr_list_init(&list, NULL);
	if (phyr_list_append(&list, bus, tag) ||
	    !phyr_split_best_size(&list, region.address, outer, request->cover))
		return region;
	region.entry_cnt = count_entries(subject, &list, region.address, page_lg2);
	before = region.address & (outer.mask - 1);
	behind = ~(region.address + (subject->stats.len - 1)) & (outer.mask - 1);
	unused = subject->map_len - subject->head_len - subject->stats.len;
	region.lead_len = before > subject->head_len ? before - subject->head_len : 0;
	region.tail_len = behind > unused ? behind - unused : 0;
	return region;
}

/* The lowest address from x on that has the phase; false when there is none. */
static bool phase_up(const struct phyr_placement *place, uint64_t x, uint64_t *ret_addr)
{
	uint64_t gap = (place->phase - x) & phyr_bits_mask(place->phase_lg2);

	return !__builtin_add_overflow(x, gap, ret_addr);
}

static bool crosses(const struct phyr_placement *place, uint64_t first, uint64_t last)
{
	return place->boundary_lg2 && first >> place->boundary_lg2 != last >> place->boundary_lg2;
}

/* Could it be had if nothing were taken? Beyond the first boundary there is no more to learn. */
static bool reachable(const struct phyr_place_choice *choice)
{
	const struct phyr_placement *place = &choice->placement;
	uint64_t first, last;

	if (!phase_up(place, place->window.first.addr, &first) ||
	    !phyr_bits_last(first, choice->reserve_len, &last))
		return false;
	if (crosses(place, first, last) &&
	    (!phyr_bits_up(first + 1, place->boundary_lg2, &first) ||
	     !phase_up(place, first, &first) || !phyr_bits_last(first, choice->reserve_len, &last)))
		return false;
	return last <= place->window.last.addr && !crosses(place, first, last);
}

/* The log2 of the smallest aligned power of two that holds both bytes. */
static unsigned int hull_lg2(uint64_t first, uint64_t last)
{
	return first == last ? 0 : phyr_bits_log2(first ^ last) + 1;
}

unsigned int phyr_place_span_lg2(const struct subject *subject, uint64_t phase)
{
	uint64_t last;

	return phyr_bits_last(phase, subject->map_len, &last) ? hull_lg2(phase, last) : 64;
}

static uint64_t flush_cnt(const struct subject *subject, struct congruence at)
{
	const struct phyr_place_request *request = subject->request;
	unsigned int lg2 = phyr_place_span_lg2(subject, at.phase);
	unsigned int most = hull_lg2(request->window.first.addr, request->window.last.addr);

	if (request->boundary_lg2 && request->boundary_lg2 < most)
		most = request->boundary_lg2;
	if (lg2 > at.lg2 || lg2 > most)
		lg2 = most;
	return lg2 < PHYR_PAGE_LG2 ? 1 : phyr_bits_size(lg2 - PHYR_PAGE_LG2);
}

bool phyr_place_cost(const struct subject *subject, struct congruence at, unsigned int page_lg2,
		     struct phyr_place_choice *choice)
{
	const struct phyr_place_request *request = subject->request;
	struct region region = { 0, 0, 0, 0 };

	if (page_lg2 != NO_PAGE)
		region = region_at(subject, at.phase + subject->head_len, page_lg2);
	memset(choice, 0, sizeof(*choice));
	if (__builtin_add_overflow(subject->map_len, region.lead_len, &choice->reserve_len) ||
	    __builtin_add_overflow(choice->reserve_len, region.tail_len, &choice->reserve_len))
		return false;
	choice->lead_len = region.lead_len;
	choice->map_len = subject->map_len;
	choice->head_len = region.lead_len + subject->head_len;
	choice->placement = phyr_placement_any();
	choice->placement.window = request->window;
	choice->placement.boundary_lg2 = request->boundary_lg2;
	choice->placement.phase = at.phase - region.lead_len;
	choice->placement.phase_lg2 = (uint8_t)at.lg2;
	if (region.entry_cnt && !request->device_mixed)
		choice->page_len = phyr_bits_size(page_lg2);
	choice->cost.entry_cnt = region.entry_cnt;
	choice->cost.flush_cnt = flush_cnt(subject, at);
	if (!phyr_bits_up(choice->reserve_len, at.lg2, &choice->cost.pitch_len))
		choice->cost.pitch_len = UINT64_MAX;
	return reachable(choice);
}

/* No entries are more than any: the device cannot, or has no table wherever the list goes. */
static bool one_by_one(const uint64_t *a, const uint64_t *b, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

static uint64_t times(uint64_t weight, uint64_t cnt)
{
	uint64_t product;

	return __builtin_mul_overflow(weight, cnt, &product) ? UINT64_MAX : product;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t weigh(const struct phyr_place_weights *weights, const struct phyr_place_cost *cost)
{
	uint64_t sum =
		plus(times(weights->entry, cost->entry_cnt), times(weights->leaf, cost->leaf_cnt));

	sum = plus(sum, times(weights->flush, cost->flush_cnt));
	return plus(sum, times(weights->pitch, cost->pitch_len >> PHYR_PAGE_LG2));
}

bool phyr_place_weighs_less(const struct phyr_place_weights *weights,
			    const struct phyr_place_cost *a, const struct phyr_place_cost *b)
{
	const uint64_t left[] = { !a->entry_cnt, weigh(weights, a), a->entry_cnt,
				  a->leaf_cnt,	 a->flush_cnt,	    a->pitch_len };
	const uint64_t right[] = { !b->entry_cnt, weigh(weights, b), b->entry_cnt,
				   b->leaf_cnt,	  b->flush_cnt,	     b->pitch_len };

	return one_by_one(left, right, 6);
}

bool phyr_place_has_fewer_leaves(const struct phyr_place_cost *a, const struct phyr_place_cost *b)
{
	const uint64_t left[] = { a->leaf_cnt, a->entry_cnt - 1, a->flush_cnt, a->pitch_len };
	const uint64_t right[] = { b->leaf_cnt, b->entry_cnt - 1, b->flush_cnt, b->pitch_len };

	return one_by_one(left, right, 4);
}
