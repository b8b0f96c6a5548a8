/* SPDX-License-Identifier: MIT */
/*
 * Placement against brute force, in a small world: every congruence there is, with every page size
 * of the device, counted page by page. None is cheaper by the weights than what was chosen.
 *
 * Not here: real sizes and allocated addresses (prop_place.c).
 */

#include <phyr/bits.h>
#include <phyr/place.h>
#include <phyr/split.h>

#include "lists.h"

#define GRANULE_LG2 12
/* No size, no mapping and no congruence that helps is larger. */
#define WORLD_LG2 20
#define RUNS_MAX 5
#define NO_PAGE 64

/* One case. */
struct world {
	struct phyr_list list;
	struct phyr_place_request request;
	uint64_t head_len; /* [bytes] from the first granule to byte 0 */
	uint64_t len;	   /* [bytes] of the list */
	uint64_t map_len;  /* [bytes] of its granules */
};

/* The cheapest of all, in three orders. */
struct best {
	struct phyr_place_cost weighed;
	struct phyr_place_cost device_first;
	struct phyr_place_cost memory_first;
};

static uint64_t pick(uint64_t *random, uint64_t cnt)
{
	return (test_random(random) >> 20) % cnt;
}

/* Pages that often share a phase, sometimes with a hole in the first and the last. */
static void make_list(struct world *world, uint64_t *random)
{
	size_t run_cnt = 1 + (size_t)pick(random, RUNS_MAX);
	uint64_t skip = pick(random, 3) ? 0 : 0x600;
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	phyr_list_init(&world->list, NULL);
	for (size_t i = 0; i < run_cnt; i++) {
		struct phyr_range range = { { (pick(random, 1 << 16) + 1) << 21 }, 0 };

		range.pa.addr += pick(random, 3) << (12 + pick(random, 4));
		range.len = (1 + pick(random, 12)) << (pick(random, 3) ? 12 : 14);
		if (i == 0) {
			range.pa.addr += skip;
			range.len -= skip;
		}
		if (i == run_cnt - 1)
			range.len -= pick(random, 3) ? 0 : 0x300;
		assert_int_equal(phyr_list_append(&world->list, range, tag), PHYR_OK);
	}
	world->head_len = skip;
	world->len = phyr_list_len(&world->list);
	world->map_len = (skip + world->len + 0xfff) & ~UINT64_C(0xfff);
}

static void make_weights(struct phyr_place_weights *weights, uint64_t *random)
{
	uint64_t *weight[] = { &weights->entry, &weights->leaf, &weights->flush, &weights->pitch };

	if (pick(random, 2) == 0)
		return;
	for (size_t i = 0; i < 4; i++)
		*weight[i] = pick(random, 3) ? pick(random, 5) : pick(random, 40);
	if (pick(random, 20) == 0)
		weights->entry = UINT64_MAX / 3;
}

static void make_world(struct world *world, uint64_t *random)
{
	static const uint64_t leaves[] = { 0x11000, 0x1000, 0x15000, 0x41000, 0x7f000 };
	static const uint64_t pages[] = { 0x7f000, 0, 0x1000, 0x11000, 0x7e000, 0x10000 };
	struct phyr_place_request *request = &world->request;

	make_list(world, random);
	memset(request, 0, sizeof(*request));
	request->name = (enum phyr_name)pick(random, 2);
	request->leaf_sizes.mask = leaves[pick(random, CNT(leaves))];
	request->device_sizes.mask = pages[pick(random, CNT(pages))];
	request->device_mixed = pick(random, 2);
	request->cover = (enum phyr_cover)pick(random, 2);
	request->address = (pick(random, 1 << 9) << 12) + (pick(random, 9) ? world->head_len : 8);
	if (pick(random, 2))
		request->address = phyr_bits_down(request->address, 16) + world->head_len;
	request->window.last = phyr_iova_at((UINT64_C(1) << 40) - 1);
	request->boundary_lg2 = (uint8_t)(pick(random, 3) ? 0 : 18 + pick(random, 4));
	make_weights(&request->weights, random);
}

/* Greedy, one page at a time. */
static uint64_t count_mixed(uint64_t first, uint64_t end, uint64_t sizes)
{
	uint64_t cnt = 0;

	for (; first < end; cnt++) {
		unsigned int lg2 = WORLD_LG2;

		while (!(sizes >> lg2 & 1) || !phyr_bits_aligned(first, lg2) ||
		       end - first < phyr_bits_size(lg2))
			lg2--;
		first += phyr_bits_size(lg2);
	}
	return cnt;
}

/*
 * Device entries at a congruence, with pages of at most 2^page_lg2; 0 when they do not fit. What
 * they cover around the mapping is added to *reserve_len.
 */
static uint64_t entries_at(const struct world *world, uint64_t at, unsigned int page_lg2,
			   uint64_t *lead_len, uint64_t *reserve_len)
{
	const struct phyr_place_request *request = &world->request;
	uint64_t iova = at + world->head_len, sizes = request->device_sizes.mask;
	uint64_t address = request->name == PHYR_NAME_IOVA ? iova : request->address;
	unsigned int outer_lg2 = request->device_mixed ? phyr_bits_ctz(sizes) : page_lg2;
	uint64_t outer = phyr_bits_size(outer_lg2);
	uint64_t first = phyr_bits_down(address, outer_lg2);
	uint64_t end = phyr_bits_down(address + world->len + outer - 1, outer_lg2);
	uint64_t before = address - first, behind = end - address;

	sizes &= 2 * phyr_bits_size(page_lg2) - 1;
	for (uint64_t size = 1; size <= phyr_bits_size(WORLD_LG2); size *= 2)
		if ((address ^ iova) % size)
			sizes &= ~size;
	if (!(sizes & (request->device_mixed ? outer : phyr_bits_size(page_lg2))))
		return 0;
	if (request->cover == PHYR_COVER_FORBID &&
	    (before > (address & 0xfff) || end - 0xfff > address + world->len))
		return 0;
	*lead_len = before > world->head_len ? before - world->head_len : 0;
	*reserve_len += *lead_len;
	if (behind > world->map_len - world->head_len)
		*reserve_len += behind - (world->map_len - world->head_len);
	return request->device_mixed ? count_mixed(first, end, sizes) : (end - first) / outer;
}

static unsigned int window_lg2(uint64_t first, uint64_t last)
{
	unsigned int lg2 = GRANULE_LG2;

	while (lg2 < 64 && first >> lg2 != last >> lg2)
		lg2++;
	return lg2;
}

/* The smallest window that an invalidation needs if nothing is known above the modulus. */
static uint64_t flush_at(const struct world *world, uint64_t at, unsigned int lg2)
{
	unsigned int most = world->request.boundary_lg2 ? world->request.boundary_lg2 : 40;
	unsigned int window = window_lg2(at, at + world->map_len - 1);

	return phyr_bits_size((window > lg2 || window > most ? most : window) - PHYR_PAGE_LG2);
}

/* The costs of a congruence and a page size; false where the boundary forbids it. */
static bool cost_at(const struct world *world, uint64_t at, unsigned int lg2, unsigned int page_lg2,
		    struct phyr_place_cost *cost)
{
	const struct phyr_place_request *request = &world->request;
	phyr_sizes leaf_sizes = phyr_sizes_upto(request->leaf_sizes, lg2);
	uint64_t lead_len = 0, reserve_len = world->map_len, above = UINT64_C(1) << 39;
	struct phyr_block_counts counts;

	memset(cost, 0, sizeof(*cost));
	if (page_lg2 != NO_PAGE)
		cost->entry_cnt = entries_at(world, at, page_lg2, &lead_len, &reserve_len);
	if (request->boundary_lg2 &&
	    at - lead_len + reserve_len > phyr_bits_size(request->boundary_lg2))
		return false;
	assert_int_equal(phyr_split_count(&world->list, phyr_iova_at(above + at + world->head_len),
					  leaf_sizes, &counts),
			 PHYR_OK);
	for (unsigned int i = 0; i < 64; i++)
		cost->leaf_cnt += counts.cnt[i];
	cost->flush_cnt = flush_at(world, at, lg2);
	cost->pitch_len = phyr_bits_down(reserve_len + phyr_bits_mask(lg2), lg2);
	return true;
}

/* Small numbers, but for one weight that makes everything saturate. */
static uint64_t weigh(const struct phyr_place_weights *weights, const struct phyr_place_cost *cost)
{
	uint64_t sum;

	if (__builtin_mul_overflow(weights->entry, cost->entry_cnt, &sum) ||
	    __builtin_add_overflow(sum,
				   weights->leaf * cost->leaf_cnt +
					   weights->flush * cost->flush_cnt +
					   weights->pitch * (cost->pitch_len / PHYR_PAGE_SIZE),
				   &sum))
		return UINT64_MAX;
	return sum;
}

static bool less(const uint64_t *a, const uint64_t *b, size_t cnt)
{
	while (cnt > 1 && *a == *b)
		a++, b++, cnt--;
	return *a < *b;
}

static bool lighter(const struct phyr_place_weights *weights, const struct phyr_place_cost *a,
		    const struct phyr_place_cost *b)
{
	const uint64_t left[] = { a->entry_cnt == 0, weigh(weights, a), a->entry_cnt,
				  a->leaf_cnt,	     a->flush_cnt,	a->pitch_len };
	const uint64_t right[] = { b->entry_cnt == 0, weigh(weights, b), b->entry_cnt,
				   b->leaf_cnt,	      b->flush_cnt,	 b->pitch_len };

	return less(left, right, 6);
}

static bool leafless(const struct phyr_place_cost *a, const struct phyr_place_cost *b)
{
	const uint64_t left[] = { a->leaf_cnt, a->entry_cnt - 1 };
	const uint64_t right[] = { b->leaf_cnt, b->entry_cnt - 1 };

	return less(left, right, 2);
}

static void try_one(const struct world *world, uint64_t at, unsigned int lg2, unsigned int page_lg2,
		    struct best *best)
{
	static const struct phyr_place_weights none;
	struct phyr_place_cost cost;

	if (!cost_at(world, at, lg2, page_lg2, &cost))
		return;
	if (best->weighed.leaf_cnt == 0)
		*best = (struct best){ cost, cost, cost };
	if (lighter(&world->request.weights, &cost, &best->weighed))
		best->weighed = cost;
	if (lighter(&none, &cost, &best->device_first))
		best->device_first = cost;
	if (leafless(&cost, &best->memory_first))
		best->memory_first = cost;
}

static void try_all(const struct world *world, struct best *best)
{
	uint64_t step = phyr_bits_size(GRANULE_LG2);

	memset(best, 0, sizeof(*best));
	for (unsigned int lg2 = GRANULE_LG2; lg2 <= WORLD_LG2; lg2++) {
		for (uint64_t at = 0; at < phyr_bits_size(lg2); at += step) {
			try_one(world, at, lg2, NO_PAGE, best);
			for (unsigned int page = GRANULE_LG2; page <= lg2; page++)
				if (world->request.device_sizes.mask >> page & 1)
					try_one(world, at, lg2, page, best);
		}
	}
}

static void expect_equal(const struct phyr_place_cost *a, const struct phyr_place_cost *b)
{
	assert_int_equal(a->entry_cnt, b->entry_cnt);
	assert_int_equal(a->leaf_cnt, b->leaf_cnt);
	assert_int_equal(a->flush_cnt, b->flush_cnt);
	assert_int_equal(a->pitch_len, b->pitch_len);
}

/*
 * Mixed sizes under a free name are looked at in part; without covering and boundary the entries
 * and then the leaves are the fewest all the same. The promise holds, and nothing beats it here.
 */
static void expect_promise(const struct world *world, const struct phyr_place_result *result,
			   const struct best *best)
{
	const struct phyr_place_choice *chosen = &result->chosen;
	struct phyr_place_cost cost;

	assert_true(cost_at(world, chosen->placement.phase + chosen->lead_len,
			    chosen->placement.phase_lg2, chosen->placement.phase_lg2, &cost));
	assert_true(cost.entry_cnt <= chosen->cost.entry_cnt || !chosen->cost.entry_cnt);
	assert_true(cost.leaf_cnt <= chosen->cost.leaf_cnt);
	assert_int_equal(cost.flush_cnt, chosen->cost.flush_cnt);
	assert_int_equal(cost.pitch_len, chosen->cost.pitch_len);
	assert_false(lighter(&world->request.weights, &chosen->cost, &best->weighed));
	if (world->request.cover == PHYR_COVER_FORBID && !world->request.boundary_lg2) {
		const struct phyr_place_cost *fewest = &result->device_first.cost;

		assert_int_equal(fewest->entry_cnt, best->device_first.entry_cnt);
		assert_int_equal(fewest->leaf_cnt, best->device_first.leaf_cnt);
	}
}

/* Costs are as counted, and none is lower; conflicts are where no place has both minima. */
static void expect_cheapest(const struct phyr_place_result *result, const struct best *best)
{
	bool conflict = best->memory_first.leaf_cnt < best->device_first.leaf_cnt;

	expect_equal(&result->chosen.cost, &best->weighed);
	expect_equal(&result->device_first.cost, &best->device_first);
	assert_int_equal(result->memory_first.cost.leaf_cnt, best->memory_first.leaf_cnt);
	assert_int_equal(result->memory_first.cost.entry_cnt, best->memory_first.entry_cnt);
	assert_int_equal(result->conflict, conflict);
}

static void check_one(const struct world *world, const struct best *best)
{
	const struct phyr_place_request *request = &world->request;
	struct phyr_place_result result;
	int err = phyr_place_plan(&world->list, request, &result);

	if (best->weighed.leaf_cnt == 0) {
		assert_int_equal(err, PHYR_E_LIMIT);
		return;
	}
	assert_int_equal(err, PHYR_OK);
	if (request->name == PHYR_NAME_IOVA && request->device_mixed && request->device_sizes.mask)
		expect_promise(world, &result, best);
	else
		expect_cheapest(&result, best);
	if (result.aligned.cost.leaf_cnt)
		assert_false(lighter(&request->weights, &result.aligned.cost, &result.chosen.cost));
}

static void no_congruence_is_cheaper(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 3);
	uint64_t random = seed | 1;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint64_t i = test_number("PHYR_ITER", 1500); i-- > 0;) {
		struct world world;
		struct best best;

		make_world(&world, &random);
		try_all(&world, &best);
		check_one(&world, &best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_congruence_is_cheaper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
