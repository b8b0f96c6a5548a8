/* SPDX-License-Identifier: MIT */
/*
 * Choosing alignment and phase for a list.
 *
 * An address agrees with each key in some low bits. Let K be the key that it agrees with furthest,
 * in n bits: then the address that has the low n bits of K and zeros above agrees with every key
 * at least as far, and is a smaller number modulo each power of two, so that it crosses no multiple
 * that the other does not. It is enough to try these, for the n at which something changes: the
 * sizes of leaves and of device pages. So the answer is the cheapest there is, whatever the
 * weights, and never dearer than mere alignment, which is among them.
 *
 * Mixed sizes under a free name are the exception: their entries depend on all bits of the address.
 */

#include <string.h>

#include "subject.h"

/* What has been found so far; costs without leaves: nothing. */
struct search {
	const struct subject *subject;
	unsigned int lg2_max; /* of the modulus */
	struct phyr_place_choice chosen;
	struct phyr_place_choice device_first;
	struct phyr_place_choice memory_first;
};

static const struct phyr_place_weights none = { 0, 0, 0, 0 };

static void offer(struct search *search, const struct phyr_place_choice *choice)
{
	const struct phyr_place_weights *weights = &search->subject->request->weights;
	const struct phyr_place_cost *cost = &choice->cost;
	bool first = search->chosen.cost.leaf_cnt == 0;

	if (first || phyr_place_weighs_less(weights, cost, &search->chosen.cost))
		search->chosen = *choice;
	if (first || phyr_place_weighs_less(&none, cost, &search->device_first.cost))
		search->device_first = *choice;
	if (first || phyr_place_has_fewer_leaves(cost, &search->memory_first.cost))
		search->memory_first = *choice;
}

/* A congruence as it is, and with a modulus that keeps the window of an invalidation small. */
static void try_moduli(struct search *search, struct congruence at, uint64_t leaf_cnt,
		       unsigned int page_lg2)
{
	unsigned int span_lg2 = phyr_place_span_lg2(search->subject, at.phase);
	struct phyr_place_choice choice;

	if (at.lg2 > search->lg2_max)
		return;
	if (phyr_place_cost(search->subject, at, page_lg2, &choice)) {
		choice.cost.leaf_cnt = leaf_cnt;
		offer(search, &choice);
	}
	if (span_lg2 <= at.lg2 || span_lg2 > search->lg2_max)
		return;
	at.lg2 = span_lg2;
	if (phyr_place_cost(search->subject, at, page_lg2, &choice)) {
		choice.cost.leaf_cnt = leaf_cnt;
		offer(search, &choice);
	}
}

/*
 * A congruence with each page size of the device. A free name takes its alignment from here: with
 * mixed sizes from where the larger ones begin, be that the first granule or a later one.
 */
static void try_pages(struct search *search, struct congruence at, uint64_t leaf_cnt)
{
	const struct phyr_place_request *request = search->subject->request;
	unsigned int known_lg2 = phyr_sizes_best_lg2(request->device_sizes, at.lg2);
	uint64_t left = request->device_sizes.mask;

	try_moduli(search, at, leaf_cnt, NO_PAGE);
	/* Mixed sizes come with all smaller ones. */
	if (request->device_mixed && known_lg2 < 64)
		left &= ~phyr_bits_mask(known_lg2);
	for (; left; left &= left - 1) {
		unsigned int lg2 = phyr_bits_ctz(left);
		struct congruence finer = at;

		if (lg2 > at.lg2 && request->name == PHYR_NAME_ADDRESS)
			return;
		if (lg2 > at.lg2)
			finer.lg2 = lg2;
		try_moduli(search, finer, leaf_cnt, lg2);
		if (lg2 > at.lg2 && at.phase && request->device_mixed) {
			finer.phase += phyr_bits_size(lg2) - phyr_bits_size(at.lg2);
			try_moduli(search, finer, leaf_cnt, lg2);
		}
	}
}

/* Every key, followed as far as each size. */
static void try_keys(struct search *search, const struct keys *keys)
{
	const struct phyr_place_request *request = search->subject->request;

	for (size_t i = 0; i < KEY_CNT; i++) {
		struct congruence key = keys->key[i];
		uint64_t left = request->leaf_sizes.mask;

		if (i == KEY_DEVICE)
			left |= request->device_sizes.mask;
		left = phyr_sizes_upto((phyr_sizes){ left }, key.lg2).mask;
		for (; left; left &= left - 1) {
			unsigned int lg2 = phyr_bits_ctz(left);
			struct congruence at = { key.phase & phyr_bits_mask(lg2), lg2 };
			unsigned int leaf_lg2 = phyr_sizes_best_lg2(request->leaf_sizes, lg2);

			if (lg2 >= search->subject->granule_lg2)
				try_pages(search, at, keys->leaf_cnt[i][leaf_lg2]);
		}
	}
}

/* Alignment alone. */
static void try_aligned(struct search *search, const struct keys *keys, unsigned int lg2)
{
	phyr_sizes leaf_sizes = search->subject->request->leaf_sizes;
	struct congruence at = { 0, lg2 };

	if (lg2 > 63)
		return;
	search->lg2_max = lg2;
	try_pages(search, at, keys->leaf_cnt[KEY_ALIGNED][phyr_sizes_best_lg2(leaf_sizes, lg2)]);
}

static int check_request(const struct phyr_place_request *request)
{
	if ((unsigned int)request->policy > PHYR_PLACE_PACKED ||
	    (unsigned int)request->name > PHYR_NAME_IOVA ||
	    (unsigned int)request->cover > PHYR_COVER_ALLOW || request->leaf_sizes.mask == 0 ||
	    request->boundary_lg2 > 63 || request->first_fit_lg2 > 63)
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
	    !phyr_bits_up(len, subject->granule_lg2, &subject->map_len))
		return PHYR_E_RANGE;
	if (request->name == PHYR_NAME_ADDRESS && request->device_sizes.mask &&
	    !phyr_bits_last(request->address, subject->stats.len, &last))
		return PHYR_E_RANGE;
	return PHYR_OK;
}

/* The alignment of iommufd: of the process address, up to the length and to a huge page. */
static unsigned int first_fit_lg2(const struct subject *subject)
{
	unsigned int most = subject->request->first_fit_lg2 ? subject->request->first_fit_lg2 : 21;
	unsigned int lg2 = phyr_bits_log2_up(subject->map_len);
	unsigned int address_lg2 =
		phyr_bits_ctz(phyr_bits_down(phyr_list_va(subject->list), PHYR_PAGE_LG2));

	lg2 = lg2 < most ? lg2 : most;
	return lg2 < address_lg2 ? lg2 : address_lg2;
}

/* The policies that only align. */
static int choose_fixed(const struct subject *subject, const struct keys *keys,
			struct phyr_place_result *result)
{
	struct search search = { .subject = subject };
	unsigned int lg2 = subject->granule_lg2;

	if (subject->request->policy == PHYR_PLACE_FIRST_FIT_UP)
		lg2 = first_fit_lg2(subject);
	if (lg2 < subject->granule_lg2)
		return PHYR_E_ALIGN;
	try_aligned(&search, keys, lg2);
	result->chosen = search.chosen;
	result->chosen.placement.fit =
		subject->request->policy == PHYR_PLACE_PACKED ? PHYR_FIT_PACKED : PHYR_FIT_FIRST_UP;
	return PHYR_OK;
}

static void compare(struct phyr_place_result *result)
{
	const struct phyr_place_choice *device = &result->device_first;
	const struct phyr_place_choice *memory = &result->memory_first;
	const struct phyr_place_cost *cost = &result->chosen.cost;
	unsigned int key = PHYR_KEY_NONE;

	if (cost->leaf_cnt == memory->cost.leaf_cnt)
		key |= PHYR_KEY_PHYSICAL;
	if (cost->entry_cnt && cost->entry_cnt == device->cost.entry_cnt)
		key |= PHYR_KEY_DEVICE;
	result->key = (enum phyr_place_key)key;
	result->conflict = memory->cost.leaf_cnt < device->cost.leaf_cnt;
	if (result->conflict)
		result->conflict_bit =
			(uint8_t)phyr_bits_ctz((device->placement.phase + device->head_len) ^
					       (memory->placement.phase + memory->head_len));
}

static int plan(const struct subject *subject, struct phyr_place_result *result)
{
	struct search search = { .subject = subject, .lg2_max = 63 };
	struct search aligned = { .subject = subject };
	enum phyr_place_policy policy = subject->request->policy;
	struct keys keys;
	int err = PHYR_OK;

	phyr_place_keys(subject, &keys);
	try_keys(&search, &keys);
	try_aligned(&aligned, &keys, phyr_bits_log2_up(subject->map_len));
	result->chosen = policy == PHYR_PLACE_PHASE ? search.chosen : aligned.chosen;
	result->aligned = aligned.chosen;
	result->device_first = search.device_first;
	result->memory_first = search.memory_first;
	if (policy == PHYR_PLACE_FIRST_FIT_UP || policy == PHYR_PLACE_PACKED)
		err = choose_fixed(subject, &keys, result);
	if (!err && result->chosen.cost.leaf_cnt == 0)
		err = PHYR_E_LIMIT;
	return err;
}

int phyr_place_plan(const struct phyr_list *list, const struct phyr_place_request *request,
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
	err = plan(&subject, &result);
	if (err)
		return err;
	compare(&result);
	*ret_result = result;
	return PHYR_OK;
}
