/* SPDX-License-Identifier: MIT */
/*
 * Is the greedy cut the fewest blocks? All small worlds, against a minimum that is found by dynamic
 * programming over every way to cut.
 *
 * It is whenever blocks nest: natural alignment, and any alignment under an I/O address, where
 * blocks stay aligned to their size and an alignment only decides which sizes a run can have. It
 * is also for physical addresses alone while no size is aligned more strictly than a smaller one
 * that is not aligned to itself; otherwise taking the small one early can spoil the large one, and
 * the greedy cut is one of several.
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "test.h"

/** Sizes here are 2^0 … 2^3 bytes; the smallest is always supported. */
#define SIZES 4
/** Longest range. [bytes] */
#define LEN_MAX 26
/** Starts 0 … STARTS − 1 are tried for both addresses. */
#define STARTS 16

struct world {
	struct phyr_split_sizes sizes;
	struct phyr_range range;
	phyr_iova iova;
	bool physical;
};

static bool may_lie(const struct world *world, uint64_t offset, unsigned int lg2)
{
	return phyr_bits_aligned(world->range.pa.addr + offset, world->sizes.align_lg2[lg2]) &&
	       (world->physical || phyr_bits_aligned(world->iova.addr + offset, lg2));
}

static uint64_t minimum(const struct world *world)
{
	uint64_t least[LEN_MAX + 1] = { 0 };

	for (uint64_t end = 1; end <= world->range.len; end++) {
		least[end] = UINT64_MAX;
		for (unsigned int lg2 = 0; lg2 < SIZES; lg2++) {
			uint64_t size = phyr_bits_size(lg2);

			if (!(world->sizes.sizes.mask & size) || size > end ||
			    !may_lie(world, end - size, lg2) || least[end - size] == UINT64_MAX)
				continue;
			if (least[end - size] + 1 < least[end])
				least[end] = least[end - size] + 1;
		}
	}
	return least[world->range.len];
}

/* At each point the largest size that may lie there and fits. */
static uint64_t greedy(const struct world *world)
{
	uint64_t cnt = 0;

	for (uint64_t at = 0; at < world->range.len; cnt++) {
		unsigned int lg2 = SIZES - 1;

		while (!(world->sizes.sizes.mask >> lg2 & 1) || !may_lie(world, at, lg2) ||
		       world->range.len - at < phyr_bits_size(lg2))
			lg2--;
		at += phyr_bits_size(lg2);
	}
	return cnt;
}

static uint64_t cut(const struct world *world)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_block_counts counts = { { 0 } };
	struct phyr_blocks blocks;
	struct phyr_split split;
	struct phyr_list list;
	uint64_t cnt = 0, sum = 0;
	int err;

	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, world->range, ram), PHYR_OK);
	err = world->physical ? phyr_split_begin_physical_aligned(&list, &world->sizes, &split) :
				phyr_split_begin_aligned(&list, world->iova, &world->sizes, &split);
	assert_int_equal(err, PHYR_OK);
	while (phyr_split_next(&split, &blocks)) {
		for (uint64_t i = 0; i < blocks.cnt; i++)
			assert_true(may_lie(
				world, blocks.pa.addr - world->range.pa.addr + (i << blocks.lg2),
				blocks.lg2));
		cnt += blocks.cnt;
	}
	if (world->physical)
		assert_int_equal(phyr_split_begin_physical_aligned(&list, &world->sizes, &split),
				 PHYR_OK);
	else
		assert_int_equal(
			phyr_split_begin_aligned(&list, world->iova, &world->sizes, &split),
			PHYR_OK);
	phyr_split_count_rest(&split, &counts);
	for (unsigned int lg2 = 0; lg2 < SIZES; lg2++)
		sum += counts.cnt[lg2];
	assert_int_equal(sum, cnt);
	return cnt;
}

/* The number-th table of alignments; false when there are no more. */
static bool set_alignments(struct world *world, unsigned int number)
{
	for (unsigned int lg2 = 1; lg2 < SIZES; lg2++) {
		world->sizes.align_lg2[lg2] = (uint8_t)(lg2 - number % (lg2 + 1));
		number /= lg2 + 1;
	}
	return number == 0;
}

static void for_each_range(struct world *world, void (*check)(const struct world *))
{
	uint64_t iovas = world->physical ? 1 : STARTS;

	for (uint64_t pa = 0; pa < STARTS; pa++) {
		for (uint64_t iova = 0; iova < iovas; iova++) {
			world->iova.addr = STARTS + iova;
			world->range.pa.addr = STARTS + pa;
			/* Lengths that matter: every one would take ten times as long. */
			for (world->range.len = 1; world->range.len <= LEN_MAX;
			     world->range.len += 1 + world->range.len / 8)
				check(world);
		}
	}
}

static void for_each_world(bool physical, bool natural, void (*check)(const struct world *))
{
	struct world world = { .physical = physical };

	for (unsigned int number = 0; set_alignments(&world, number); number++) {
		if (natural && number)
			return;
		for (uint64_t mask = 1; mask < 1 << SIZES; mask += 2) {
			world.sizes.sizes.mask = mask;
			for_each_range(&world, check);
		}
	}
}

static void is_the_minimum(const struct world *world)
{
	assert_int_equal(cut(world), minimum(world));
}

static void is_greedy_and_the_minimum_where_it_is_said(const struct world *world)
{
	uint64_t mask = world->sizes.sizes.mask;
	bool nests = true;
	uint64_t cnt = cut(world);

	assert_int_equal(cnt, greedy(world));
	assert_true(cnt >= minimum(world));
	for (unsigned int small = 0; small < SIZES; small++)
		for (unsigned int large = small + 1; large < SIZES; large++)
			if (mask >> small & mask >> large & 1 &&
			    world->sizes.align_lg2[small] < small &&
			    world->sizes.align_lg2[large] > world->sizes.align_lg2[small])
				nests = false;
	if (nests)
		assert_int_equal(cnt, minimum(world));
}

static void natural_alignment_gives_the_fewest_blocks(void **state)
{
	(void)state;
	for_each_world(false, true, is_the_minimum);
	for_each_world(true, true, is_the_minimum);
}

static void under_an_io_address_any_alignment_gives_the_fewest_blocks(void **state)
{
	(void)state;
	for_each_world(false, false, is_the_minimum);
}

static void by_memory_alone_nesting_alignments_give_the_fewest_blocks(void **state)
{
	(void)state;
	for_each_world(true, false, is_greedy_and_the_minimum_where_it_is_said);
}

static void a_loose_small_size_can_spoil_a_strict_large_one(void **state)
{
	/* Bytes 3 … 7: greedy takes 2 + 2 + 1, but 1 + 4 is possible. */
	const struct world world = {
		.sizes = { .sizes = { 1 | 2 | 4 }, .align_lg2 = { 0, 0, 2 } },
		.range = { { 3 }, 5 },
		.physical = true,
	};

	(void)state;
	assert_int_equal(cut(&world), 3);
	assert_int_equal(minimum(&world), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(natural_alignment_gives_the_fewest_blocks),
		cmocka_unit_test(under_an_io_address_any_alignment_gives_the_fewest_blocks),
		cmocka_unit_test(by_memory_alone_nesting_alignments_give_the_fewest_blocks),
		cmocka_unit_test(a_loose_small_size_can_spoil_a_strict_large_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
