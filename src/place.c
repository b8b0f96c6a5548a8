/* SPDX-License-Identifier: MIT */
/*
 * Choosing alignment and phase for a list.
 *
 * Both keys are congruences for the first byte of the reservation. Congruences modulo powers of
 * two either contain one another or contradict: contained, the finer one serves both; in
 * contradiction, both are costed and the cheaper one is taken.
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/place.h>
#include <phyr/split.h>

/* The reservation r satisfies r ≡ phase (mod 2^lg2). */
struct congruence {
	uint64_t phase;
	unsigned int lg2;
};

/* What is to be placed, measured once. */
struct subject {
	const struct phyr_list *list;
	const struct phyr_place_request *request;
	struct phyr_list_stats stats;
	unsigned int granule_lg2;
	uint64_t head_len;
	uint64_t reserve_len;
};

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

/* The congruence that lets the list's largest block become the largest leaf. */
static struct congruence physical_key(const struct subject *subject)
{
	struct congruence key = { 0, 0 };
	unsigned int lg2 =
		phyr_sizes_best_lg2(subject->request->leaf_sizes, subject->stats.block_lg2);

	if (lg2 > 63)
		return key;
	key.lg2 = lg2;
	key.phase = (subject->stats.phase - subject->head_len) & phyr_bits_mask(lg2);
	return key;
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

/*
 * What a congruence costs at most: nothing is known of an address above the modulus, so larger
 * sizes cannot be promised.
 */
static void cost(const struct subject *subject, struct congruence key,
		 struct phyr_place_result *result)
{
	unsigned int lg2 = key.lg2 > subject->granule_lg2 ? key.lg2 : subject->granule_lg2;
	phyr_iova iova = phyr_iova_at(key.phase + subject->head_len);

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

/* A free name takes the memory's phase into its low bits, and is as aligned as it can be above. */
static void match_free_name(const struct subject *subject, struct congruence physical,
			    struct congruence device, struct phyr_place_result *result)
{
	struct phyr_place_result other = *result;

	result->conflict = !phyr_bits_aligned(physical.phase, device.lg2);
	result->key = device.lg2 && !result->conflict ? PHYR_KEY_BOTH : PHYR_KEY_PHYSICAL;
	other.key = PHYR_KEY_DEVICE;
	other.conflict = result->conflict;
	cost(subject, device, &other);
	if (physical.lg2 < device.lg2)
		physical.lg2 = device.lg2;
	cost(subject, physical, result);
	if (result->conflict && cheaper(&other, result))
		*result = other;
}

static void match_given_name(const struct subject *subject, struct congruence physical,
			     struct congruence device, struct phyr_place_result *result)
{
	unsigned int common_lg2 = device.lg2 < physical.lg2 ? device.lg2 : physical.lg2;
	struct phyr_place_result other = *result;

	if (phyr_bits_aligned(device.phase ^ physical.phase, common_lg2)) {
		result->key = device.lg2 ? PHYR_KEY_BOTH : PHYR_KEY_PHYSICAL;
		cost(subject, device.lg2 > physical.lg2 ? device : physical, result);
		return;
	}
	result->key = PHYR_KEY_PHYSICAL;
	result->conflict = true;
	cost(subject, physical, result);
	/* Above the device's pages its address says nothing; following it there costs nothing. */
	if (device.lg2 < physical.lg2) {
		device.lg2 = physical.lg2;
		device.phase = (subject->request->address - subject->head_len) &
			       phyr_bits_mask(device.lg2);
	}
	other.key = PHYR_KEY_DEVICE;
	other.conflict = true;
	cost(subject, device, &other);
	if (cheaper(&other, result))
		*result = other;
}

static void match_keys(const struct subject *subject, struct phyr_place_result *result)
{
	struct congruence physical = physical_key(subject);
	struct congruence device;

	if (!device_key(subject, &device)) {
		result->key = PHYR_KEY_PHYSICAL;
		result->conflict = true;
		cost(subject, physical, result);
	} else if (subject->request->name == PHYR_NAME_IOVA) {
		match_free_name(subject, physical, device, result);
	} else {
		match_given_name(subject, physical, device, result);
	}
}

/* The kernel's way: aligned to the power of two at or above the length. */
static int align_to_size(const struct subject *subject, struct phyr_place_result *result)
{
	struct congruence none = { 0, phyr_bits_log2_up(subject->reserve_len) };

	if (none.lg2 > 63)
		return PHYR_E_LIMIT;
	result->key = PHYR_KEY_NONE;
	cost(subject, none, result);
	return PHYR_OK;
}

int phyr_place(const struct phyr_list *list, const struct phyr_place_request *request,
	       struct phyr_place_result *ret_result)
{
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
	if (request->policy == PHYR_PLACE_PHASE)
		match_keys(&subject, &result);
	else
		err = align_to_size(&subject, &result);
	if (!err)
		*ret_result = result;
	return err;
}
