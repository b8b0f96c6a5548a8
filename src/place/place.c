/* SPDX-License-Identifier: MIT */
/*
 * Choosing alignment and phase for a list.
 *
 * All keys are congruences for the first byte of the reservation. Congruences modulo powers of two
 * either contain one another or contradict. The device has one; the memory has as many as there
 * are phases among its runs, of which the heaviest few are followed up. Every sensible combination
 * is costed in closed form and the cheapest is taken, so the answer is never worse than mere
 * alignment.
 */

#include <string.h>

#include <phyr/split.h>

#include "subject.h"

static int check_request(const struct phyr_place_request *request)
{
	if ((unsigned int)request->policy > PHYR_PLACE_SIZE_ALIGNED ||
	    (unsigned int)request->name > PHYR_NAME_IOVA || request->leaf_sizes.mask == 0)
		return PHYR_E_INVAL;
	return PHYR_OK;
}

/* Measures the list in granules. */
static int measure(struct subject *subject)
{
	const struct phyr_place_request *request = subject->request;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t len, last;

	phyr_list_stats(subject->list, &subject->stats);
	phyr_list_begin(subject->list, &cursor);
	if (!phyr_list_next(&cursor, &run))
		return PHYR_E_INVAL;
	subject->granule_lg2 = phyr_sizes_min_lg2(request->leaf_sizes);
	if (!phyr_bits_aligned(subject->stats.joint_mask, subject->granule_lg2))
		return PHYR_E_ALIGN;
	subject->head_len = run.range.pa.addr & phyr_bits_mask(subject->granule_lg2);
	if (__builtin_add_overflow(subject->stats.len, subject->head_len, &len) ||
	    !phyr_bits_up(len, subject->granule_lg2, &subject->reserve_len))
		return PHYR_E_RANGE;
	if (request->name == PHYR_NAME_ADDRESS && request->device_sizes.mask &&
	    !phyr_bits_last(request->address, subject->stats.len, &last))
		return PHYR_E_RANGE;
	if (request->window.first.addr > request->window.last.addr ||
	    request->window.last.addr - request->window.first.addr < subject->reserve_len - 1)
		return PHYR_E_LIMIT;
	return PHYR_OK;
}

/*
 * The congruence that lets the device's own addresses have the largest pages. False when no
 * granule-aligned reservation can agree with the device's address at all.
 */
static bool device_key(const struct subject *subject, struct congruence *ret_key)
{
	const struct phyr_place_request *request = subject->request;
	struct congruence key = { 0, 0 };
	uint64_t block;
	unsigned int lg2;

	if (request->device_sizes.mask && request->name == PHYR_NAME_ADDRESS) {
		uint64_t first = request->address - subject->head_len;
		uint64_t last = first + (subject->reserve_len - 1);

		if (!phyr_bits_aligned(first, subject->granule_lg2))
			return false;
		if (last < first)
			last = UINT64_MAX;
		lg2 = phyr_sizes_best_lg2(request->device_sizes,
					  phyr_bits_largest(first, last, &block));
		key.lg2 = lg2 > 63 ? 0 : lg2;
		key.phase = first & phyr_bits_mask(key.lg2);
	} else if (request->device_sizes.mask) {
		lg2 = phyr_sizes_best_lg2(request->device_sizes,
					  phyr_bits_log2(subject->reserve_len));
		key.lg2 = lg2 > 63 ? 0 : lg2;
	}
	*ret_key = key;
	return true;
}

static uint64_t sum(const struct phyr_block_counts *counts)
{
	uint64_t cnt = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		cnt += counts->cnt[lg2];
	return cnt;
}

/* How many entries the device needs for a region at an I/O address; 0 = it cannot. */
static uint64_t entries(const struct subject *subject, phyr_iova iova, unsigned int lg2)
{
	const struct phyr_place_request *request = subject->request;
	bool named = request->name == PHYR_NAME_ADDRESS;
	uint64_t address = named ? request->address : iova.addr;
	struct phyr_range bus = { phyr_pa_at(iova.addr), subject->stats.len };
	phyr_sizes sizes = phyr_sizes_upto(request->device_sizes, lg2);
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_block_counts counts;
	struct phyr_list region;
	uint64_t size;

	phyr_list_init(&region, NULL);
	if (sizes.mask == 0 || phyr_list_append(&region, bus, tag))
		return 0;
	if (request->device_mixed)
		return phyr_split_count(&region, phyr_iova_at(address), sizes, &counts) ?
			       0 :
			       sum(&counts);
	size = phyr_split_best_size(&region, address, sizes, PHYR_COVER_FORBID);
	return size ? phyr_bits_blocks(address, address + (bus.len - 1), phyr_bits_log2(size)) : 0;
}

static uint64_t leaves(const struct subject *subject, phyr_iova iova, unsigned int lg2)
{
	phyr_sizes sizes = phyr_sizes_upto(subject->request->leaf_sizes, lg2);
	struct phyr_block_counts counts;

	return phyr_split_count(subject->list, iova, sizes, &counts) ? 0 : sum(&counts);
}

/* Is there an address in the window that has the congruence, and room behind it? */
static bool reachable(const struct subject *subject, struct congruence key)
{
	const struct phyr_window *window = &subject->request->window;
	uint64_t gap = (key.phase - window->first.addr) & phyr_bits_mask(key.lg2);
	uint64_t at;

	return !__builtin_add_overflow(window->first.addr, gap, &at) && at <= window->last.addr &&
	       window->last.addr - at >= subject->reserve_len - 1;
}

/*
 * What a congruence costs at most: nothing is known of an address above the modulus, so larger
 * sizes cannot be promised. A window too narrow for the modulus gets a smaller one.
 */
static void cost(const struct subject *subject, struct congruence key,
		 struct phyr_place_result *result)
{
	unsigned int lg2 = key.lg2 > subject->granule_lg2 ? key.lg2 : subject->granule_lg2;
	phyr_iova iova;

	key.lg2 = lg2;
	while (key.lg2 > subject->granule_lg2 && !reachable(subject, key)) {
		key.lg2--;
		key.phase &= phyr_bits_mask(key.lg2);
	}
	lg2 = key.lg2;
	iova = phyr_iova_at(key.phase + subject->head_len);

	result->placement.phase = key.phase;
	result->placement.phase_lg2 = (uint8_t)lg2;
	result->leaf_cnt = leaves(subject, iova, lg2);
	result->entry_cnt = entries(subject, iova, lg2);
}

/* Fewer entries win, then fewer leaves; 0 entries means that the device cannot. */
static bool cheaper(const struct phyr_place_result *a, const struct phyr_place_result *b)
{
	if (a->entry_cnt != b->entry_cnt)
		return a->entry_cnt - 1 < b->entry_cnt - 1;
	return a->leaf_cnt < b->leaf_cnt;
}

/* The finer of two congruences that do not contradict; false when they do. */
static bool merge(struct congruence a, struct congruence b, struct congruence *ret_both)
{
	unsigned int common_lg2 = a.lg2 < b.lg2 ? a.lg2 : b.lg2;

	*ret_both = a.lg2 > b.lg2 ? a : b;
	return phyr_bits_aligned(a.phase ^ b.phase, common_lg2);
}

/* Takes a candidate if it is cheaper than what there is. */
static void offer(const struct subject *subject, struct congruence key, enum phyr_place_key name,
		  struct phyr_place_result *best)
{
	struct phyr_place_result other = *best;

	other.key = name;
	cost(subject, key, &other);
	if (best->leaf_cnt == 0 || cheaper(&other, best))
		*best = other;
}

/* The phase with the fewest leaves, whatever the device says; none at all is one of them. */
static struct congruence best_phase(const struct subject *subject, const struct phases *phases)
{
	struct congruence best = { 0, 0 };
	struct phyr_place_result result;
	uint64_t leaf_cnt;

	memset(&result, 0, sizeof(result));
	cost(subject, best, &result);
	leaf_cnt = result.leaf_cnt;
	for (size_t i = 0; i < PHASE_CNT; i++) {
		if (phases->weight[i] == 0)
			continue;
		cost(subject, phases->key[i], &result);
		if (result.leaf_cnt < leaf_cnt) {
			leaf_cnt = result.leaf_cnt;
			best = phases->key[i];
		}
	}
	return best;
}

/* Above the device's pages its address says nothing; following it there costs nothing. */
static struct congruence extend(const struct subject *subject, struct congruence device,
				unsigned int lg2)
{
	if (device.lg2 < lg2 && subject->request->name == PHYR_NAME_ADDRESS)
		device.phase = (subject->request->address - subject->head_len) &
			       phyr_bits_mask(lg2);
	if (device.lg2 < lg2)
		device.lg2 = lg2;
	return device;
}

/* Everything that agrees with the device, then the memory alone, then mere alignment. */
static void match_keys(const struct subject *subject, struct congruence aligned,
		       struct phyr_place_result *result)
{
	struct congruence physical, device = { 0, 0 }, both;
	bool has_device = device_key(subject, &device);
	struct phases phases;

	phyr_place_phases(subject, &phases);
	physical = best_phase(subject, &phases);
	result->conflict = !has_device || !merge(device, physical, &both);
	if (!result->conflict)
		offer(subject, both, device.lg2 ? PHYR_KEY_BOTH : PHYR_KEY_PHYSICAL, result);
	for (size_t i = 0; has_device && i < PHASE_CNT; i++)
		if (phases.weight[i] && merge(device, phases.key[i], &both))
			offer(subject, both, PHYR_KEY_DEVICE, result);
	if (has_device)
		offer(subject, extend(subject, device, physical.lg2), PHYR_KEY_DEVICE, result);
	/* A free name takes the memory's phase into its low bits and is aligned above. */
	if (subject->request->name == PHYR_NAME_IOVA && physical.lg2 < device.lg2)
		physical.lg2 = device.lg2;
	offer(subject, physical, PHYR_KEY_PHYSICAL, result);
	if (aligned.lg2 < 64)
		offer(subject, aligned, PHYR_KEY_NONE, result);
}

int phyr_place(const struct phyr_list *list, const struct phyr_place_request *request,
	       struct phyr_place_result *ret_result)
{
	struct congruence aligned = { 0, 0 };
	struct phyr_place_result result;
	struct subject subject;
	int err;

	if (!list || !request || !ret_result)
		return PHYR_E_INVAL;
	subject.list = list;
	subject.request = request;
	err = check_request(request);
	if (!err)
		err = measure(&subject);
	if (err)
		return err;
	memset(&result, 0, sizeof(result));
	result.placement = phyr_placement_any();
	result.placement.window = request->window;
	result.reserve_len = subject.reserve_len;
	result.head_len = subject.head_len;
	/* The kernel's way: aligned to the power of two at or above the length. */
	aligned.lg2 = phyr_bits_log2_up(subject.reserve_len);
	if (request->policy == PHYR_PLACE_PHASE)
		match_keys(&subject, aligned, &result);
	else if (aligned.lg2 < 64)
		offer(&subject, aligned, PHYR_KEY_NONE, &result);
	else
		return PHYR_E_LIMIT;
	*ret_result = result;
	return PHYR_OK;
}
