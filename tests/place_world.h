/* SPDX-License-Identifier: MIT */
/* Requests for placements, and what every plan must keep: it can be allocated, and costs no more. */
#ifndef PHYR_TEST_PLACE_WORLD_H
#define PHYR_TEST_PLACE_WORLD_H

#include <phyr/bits.h>
#include <phyr/iova.h>
#include <phyr/list.h>
#include <phyr/place.h>
#include <phyr/split.h>

#include "split_world.h"

static const phyr_sizes vtd = { 4 * K | 2 * M | G };
static const phyr_sizes nic = { 4 * G - 4 * K };
static const phyr_sizes none = { 0 };

static const struct phyr_range x1 = { { 0x40001000 }, 4 * M };
static const struct phyr_range big = { { 0x100000000 }, 100 * M };

/* A device with a table, told an address; anywhere in 48 bits. */
static inline struct phyr_place_request request_for(phyr_sizes device_sizes, uint64_t address)
{
	struct phyr_place_request request = {
		.policy = PHYR_PLACE_PHASE,
		.name = PHYR_NAME_ADDRESS,
		.address = address,
		.leaf_sizes = vtd,
		.device_sizes = device_sizes,
		.window = { { 0x1000 }, { (UINT64_C(1) << 48) - 1 } },
	};

	return request;
}

static inline uint64_t sum(const struct phyr_block_counts *counts)
{
	uint64_t cnt = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		cnt += counts->cnt[lg2];
	return cnt;
}

/* Entries of a device that names byte 0 so, when byte 0 has this I/O address. */
static inline uint64_t entries_at(const struct phyr_place_request *request,
				  struct phyr_iova_range range)
{
	uint64_t name = request->name == PHYR_NAME_IOVA ? range.iova.addr : request->address;
	struct phyr_range bus = { { range.iova.addr }, range.len };
	struct phyr_block_counts counts;
	struct phyr_list list;
	uint64_t size;

	if (!request->device_sizes.mask)
		return 0;
	list_of(&list, &bus, 1);
	if (request->device_mixed) {
		assert_int_equal(
			phyr_split_count(&list, phyr_iova_at(name), request->device_sizes, &counts),
			PHYR_OK);
		return sum(&counts);
	}
	size = phyr_split_best_size(&list, name, request->device_sizes, request->cover);
	assert_int_not_equal(size, 0);
	return phyr_bits_blocks(name, name + range.len - 1, phyr_bits_log2(size));
}

struct cost {
	uint64_t entries;
	uint64_t leaves;
};

/* What a list takes with byte 0 at an I/O address, where it must be mappable. */
static inline struct cost cost_at(const struct phyr_list *list,
				  const struct phyr_place_request *request, uint64_t iova)
{
	struct phyr_iova_range bytes = { { iova }, phyr_list_len(list) };
	struct phyr_block_counts leaves;
	struct cost cost;

	assert_int_equal(phyr_split_count(list, bytes.iova, request->leaf_sizes, &leaves), PHYR_OK);
	cost.leaves = sum(&leaves);
	cost.entries = entries_at(request, bytes);
	return cost;
}

/*
 * No address that satisfies the placement is dearer than promised; and the promise is no higher
 * than without any agreement of addresses beyond the phase.
 */
static inline void expect_kept(const struct phyr_list *list,
			       const struct phyr_place_request *request,
			       const struct phyr_place_result *result)
{
	unsigned int lg2 = phyr_sizes_min_lg2(request->leaf_sizes);
	struct phyr_place_request capped = *request, told = *request;
	struct cost cost;

	/* Where no page fits there is nothing to keep. Other sizes could cover what is not reserved. */
	if (result->chosen.cost.entry_cnt == 0)
		told.device_sizes = capped.device_sizes = none;
	else if (request->cover == PHYR_COVER_ALLOW && !request->device_mixed)
		told.device_sizes.mask = capped.device_sizes.mask = result->chosen.page_len;
	lg2 = result->chosen.placement.phase_lg2 > lg2 ? result->chosen.placement.phase_lg2 : lg2;
	for (uint64_t i = 1; i < 16 && i << lg2 < UINT64_C(1) << 47; i++) {
		uint64_t first = result->chosen.placement.phase + (i << lg2);

		cost = cost_at(list, &told, first + result->chosen.head_len);
		assert_true(cost.leaves <= result->chosen.cost.leaf_cnt);
		assert_true(cost.entries <= result->chosen.cost.entry_cnt);
	}
	capped.leaf_sizes.mask &= phyr_sizes_between(0, lg2).mask;
	capped.device_sizes.mask &= phyr_sizes_between(0, lg2).mask;
	cost = cost_at(list, &capped, result->chosen.placement.phase + result->chosen.head_len);
	assert_true(result->chosen.cost.leaf_cnt <= cost.leaves);
	assert_true(result->chosen.cost.entry_cnt <= cost.entries);
}

/* An empty space of 4 KiB granules has such a place, in the window. */
static inline void expect_allocates(const struct phyr_place_request *request,
				    const struct phyr_place_result *result)
{
	struct test_mem mem;
	struct phyr_iova_params params = { .mem = &mem.mem, .window = { { 0 }, { UINT64_MAX } } };
	struct phyr_iova_space *space;
	struct phyr_iova_range range;

	test_mem_init(&mem);
	assert_int_equal(phyr_iova_create(&params, &space), PHYR_OK);
	assert_int_equal(phyr_iova_alloc(space, result->chosen.reserve_len,
					 &result->chosen.placement, &range),
			 PHYR_OK);
	phyr_iova_destroy(space);
	assert_int_equal(range.len, result->chosen.reserve_len);
	assert_true(range.iova.addr >= request->window.first.addr);
	assert_true(range.iova.addr + range.len - 1 <= request->window.last.addr);
}

static inline struct phyr_place_result place(const struct phyr_list *list,
					     const struct phyr_place_request *request)
{
	struct phyr_place_result result;

	memset(&result, 0xa5, sizeof(result));
	assert_int_equal(phyr_place_plan(list, request, &result), PHYR_OK);
	expect_allocates(request, &result);
	expect_kept(list, request, &result);
	return result;
}

static inline struct phyr_place_result place_one(struct phyr_range range,
						 const struct phyr_place_request *request)
{
	struct phyr_list list;

	list_of(&list, &range, 1);
	return place(&list, request);
}

#endif
