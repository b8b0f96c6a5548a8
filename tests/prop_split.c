/* SPDX-License-Identifier: MIT */
/*
 * Random small worlds: what is cut in closed form equals what a loop over the definition cuts.
 *
 * A world is a few runs in units of 2^unit_lg2 bytes, so that the same few hundred steps cover
 * bytes as well as gigabytes. PHYR_SEED and PHYR_ITER choose which worlds and how many.
 * Not here: vectors and errors (test_split.c, test_best_size.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/split.h>

#include "test.h"

/** Most runs of a world. */
#define RUNS_MAX 6
/** Memory of a world, in units. */
#define UNITS 256

struct world {
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_range runs[RUNS_MAX];
	size_t run_cnt;
	uint64_t seed; /* of this world, for messages */
	uint64_t random;
	uint64_t address; /* of byte 0: an I/O address, or a device's */
	phyr_sizes sizes;
	unsigned int unit_lg2;
};

static void world_check(const struct world *world, bool holds, const char *what)
{
	if (!holds)
		fail_msg("PHYR_SEED=%llu PHYR_ITER=1: %s", (unsigned long long)world->seed, what);
}

static uint64_t world_random(struct world *world, uint64_t below)
{
	return test_random(&world->random) % below;
}

/* Runs that follow on become one, as in the list. */
static void world_append(struct world *world, uint64_t pa, uint64_t len)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range range = { { pa }, len };
	struct phyr_range *last = world->runs + world->run_cnt - 1;

	assert_int_equal(phyr_list_append(&world->list, range, ram), PHYR_OK);
	if (world->run_cnt && last->pa.addr + last->len == pa)
		last->len += len;
	else
		world->runs[world->run_cnt++] = range;
}

/* A multiple of a random power of two units, so that large blocks occur. */
static uint64_t world_units(struct world *world, uint64_t below)
{
	uint64_t units = world_random(world, below);

	return phyr_bits_down(units, (unsigned int)world_random(world, 6));
}

static void world_fill(struct world *world)
{
	uint64_t want = 1 + world_random(world, RUNS_MAX);
	uint64_t head = world->unit_lg2 ? world_random(world, 4) * 24 : 0;
	uint64_t tail = world->unit_lg2 ? world_random(world, 4) * 40 : 0;

	for (uint64_t i = 0; i < want; i++) {
		uint64_t pa = world_units(world, UNITS) << world->unit_lg2;
		uint64_t len = (1 + world_units(world, UNITS / 4)) << world->unit_lg2;

		if (i == 0 && head < len) {
			pa += head;
			len -= head;
		}
		if (i == want - 1 && tail < len)
			len -= tail;
		world_append(world, pa, len);
	}
}

/* An address that often agrees with the memory in many of its low bits. */
static void world_name(struct world *world)
{
	unsigned int lg2 = world->unit_lg2 + (unsigned int)world_random(world, 9);
	uint64_t low = world->runs[0].pa.addr & phyr_bits_mask(lg2);

	world->address = (world_random(world, 64) << lg2) + low;
	if (world_random(world, 16) == 0)
		world->address += world_random(world, 3);
}

static void world_begin(struct world *world, uint64_t seed, unsigned int unit_lg2)
{
	unsigned int smallest;

	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	world->unit_lg2 = unit_lg2;
	test_mem_init(&world->mem);
	phyr_list_init(&world->list, &world->mem.mem);
	world_fill(world);
	world_name(world);
	smallest = unit_lg2 + (unsigned int)world_random(world, 4);
	if (world_random(world, 2))
		smallest = unit_lg2;
	world->sizes.mask = (test_random(&world->random) << smallest | phyr_bits_size(smallest)) &
			    phyr_bits_mask(unit_lg2 + 12);
}

static void world_end(struct world *world)
{
	phyr_list_fini(&world->list);
	world_check(world, world->mem.live_cnt == 0, "the list leaves memory behind");
}

/* Where the definition says that a cut is; what it cuts next is found by trying every size. */
struct oracle {
	const struct world *world;
	size_t run;
	struct phyr_range left; /* of the run, rounded out */
	uint64_t iova;
	bool physical;
};

static void oracle_enter(struct oracle *oracle)
{
	const struct world *world = oracle->world;
	unsigned int lg2 = phyr_bits_ctz(world->sizes.mask);
	uint64_t end;

	if (oracle->run == world->run_cnt)
		return;
	oracle->left = world->runs[oracle->run];
	end = oracle->left.pa.addr + oracle->left.len;
	oracle->left.pa.addr = phyr_bits_down(oracle->left.pa.addr, lg2);
	assert_true(phyr_bits_up(end, lg2, &end));
	oracle->left.len = end - oracle->left.pa.addr;
	if (oracle->physical)
		oracle->iova = oracle->left.pa.addr;
}

static void oracle_begin(struct oracle *oracle, const struct world *world, bool physical)
{
	oracle->world = world;
	oracle->run = 0;
	oracle->iova = phyr_bits_down(world->address, phyr_bits_ctz(world->sizes.mask));
	oracle->physical = physical;
	oracle_enter(oracle);
}

static bool oracle_next(struct oracle *oracle, struct phyr_blocks *ret_block)
{
	unsigned int lg2 = 63;

	if (oracle->run == oracle->world->run_cnt)
		return false;
	while (!(oracle->world->sizes.mask >> lg2 & 1) ||
	       !phyr_bits_aligned(oracle->left.pa.addr | oracle->iova, lg2) ||
	       oracle->left.len < phyr_bits_size(lg2))
		lg2--;
	ret_block->pa = oracle->left.pa;
	ret_block->iova.addr = oracle->iova;
	ret_block->lg2 = lg2;
	ret_block->cnt = 1;
	oracle->left.pa.addr += phyr_bits_size(lg2);
	oracle->left.len -= phyr_bits_size(lg2);
	oracle->iova += phyr_bits_size(lg2);
	if (!oracle->left.len) {
		oracle->run++;
		oracle_enter(oracle);
	}
	return true;
}

/* Do all joints, in memory, lie on multiples of 2^lg2? */
static bool joints_on(const struct world *world, unsigned int lg2)
{
	uint64_t joints = 0;

	for (size_t i = 1; i < world->run_cnt; i++)
		joints |= (world->runs[i - 1].pa.addr + world->runs[i - 1].len) |
			  world->runs[i].pa.addr;
	return phyr_bits_aligned(joints, lg2);
}

static bool agrees(const struct world *world, unsigned int lg2)
{
	return phyr_bits_aligned(world->runs[0].pa.addr - world->address, lg2);
}

/* Every block that a cut returns is the one that the oracle says; sums them up. */
static void expect_cut(struct world *world, struct phyr_split *split, bool physical,
		       struct phyr_block_counts *sum)
{
	uint64_t calls_max = 2 * world->run_cnt * (uint64_t)__builtin_popcountll(world->sizes.mask);
	struct phyr_blocks blocks;
	struct phyr_blocks one;
	struct oracle oracle;
	uint64_t calls = 0;

	oracle_begin(&oracle, world, physical);
	for (; phyr_split_next(split, &blocks); calls++) {
		sum->cnt[blocks.lg2] += blocks.cnt;
		world_check(world, blocks.cnt > 0, "no block is no answer");
		for (; blocks.cnt; blocks.cnt--) {
			world_check(world, oracle_next(&oracle, &one), "a block too many");
			world_check(world, one.lg2 == blocks.lg2, "not the greedy size");
			world_check(world, one.pa.addr == blocks.pa.addr, "wrong pa");
			world_check(world, one.iova.addr == blocks.iova.addr, "wrong iova");
			blocks.pa.addr += phyr_bits_size(blocks.lg2);
			blocks.iova.addr += phyr_bits_size(blocks.lg2);
		}
	}
	world_check(world, !oracle_next(&oracle, &one), "blocks are missing");
	world_check(world, calls <= calls_max, "more than 2 x sizes calls a run");
}

static void cut_by_physical_address(struct world *world)
{
	unsigned int smallest = phyr_bits_ctz(world->sizes.mask);
	int want = joints_on(world, smallest) ? PHYR_OK : PHYR_E_ALIGN;
	struct phyr_block_counts sum = { { 0 } };
	struct phyr_split split;

	world_check(world, phyr_split_begin_physical(&world->list, world->sizes, &split) == want,
		    "begin_physical refuses or accepts wrongly");
	if (want == PHYR_OK)
		expect_cut(world, &split, true, &sum);
}

static void cut_by_both_addresses(struct world *world)
{
	unsigned int smallest = phyr_bits_ctz(world->sizes.mask);
	bool fits = joints_on(world, smallest) && agrees(world, smallest);
	int want = fits ? PHYR_OK : PHYR_E_ALIGN;
	phyr_iova iova = { world->address };
	struct phyr_block_counts counts;
	struct phyr_block_counts sum = { { 0 } };
	struct phyr_split split;

	world_check(world, phyr_split_begin(&world->list, iova, world->sizes, &split) == want,
		    "begin refuses or accepts wrongly");
	world_check(world, phyr_split_count(&world->list, iova, world->sizes, &counts) == want,
		    "count refuses or accepts wrongly");
	if (want != PHYR_OK)
		return;
	expect_cut(world, &split, false, &sum);
	world_check(world, memcmp(&counts, &sum, sizeof(sum)) == 0, "count is not the sum");
}

/* The closed form for each run alone, at the address that it has in the list. */
static void count_each_run(struct world *world)
{
	unsigned int smallest = phyr_bits_ctz(world->sizes.mask);
	struct phyr_block_counts closed = { { 0 } };
	struct phyr_block_counts sum = { { 0 } };
	struct phyr_blocks one;
	struct oracle oracle;

	if (!joints_on(world, smallest) || !agrees(world, smallest))
		return;
	oracle_begin(&oracle, world, false);
	for (size_t i = 0; i < world->run_cnt; i++) {
		phyr_iova iova = { oracle.iova };
		int err = phyr_split_count_range(oracle.left, iova, world->sizes, &closed);

		world_check(world, err == PHYR_OK, "count_range refuses");
		while (oracle.run == i && oracle_next(&oracle, &one))
			sum.cnt[one.lg2]++;
	}
	world_check(world, memcmp(&closed, &sum, sizeof(sum)) == 0, "not the closed form");
}

/* One size. */

/* The definition in split.h, word for word. */
static bool size_fits(const struct world *world, unsigned int lg2, enum phyr_cover cover)
{
	uint64_t address = world->address;
	uint64_t end;

	for (size_t i = 0; i < world->run_cnt; i++) {
		if (!phyr_bits_aligned(world->runs[i].pa.addr - address, lg2))
			return false;
		if (i && !phyr_bits_aligned(address, lg2))
			return false;
		address += world->runs[i].len;
	}
	assert_true(phyr_bits_up(address, PHYR_PAGE_LG2, &end));
	return cover == PHYR_COVER_ALLOW ||
	       phyr_bits_aligned(phyr_bits_down(world->address, PHYR_PAGE_LG2) | end, lg2);
}

static void choose_a_size(struct world *world, enum phyr_cover cover)
{
	uint64_t last = world->address + phyr_list_len(&world->list) - 1;
	uint64_t fewest = UINT64_MAX;
	uint64_t best = 0;
	uint64_t got;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		if (!(world->sizes.mask >> lg2 & 1) || !size_fits(world, lg2, cover) ||
		    phyr_bits_blocks(world->address, last, lg2) >= fewest)
			continue;
		fewest = phyr_bits_blocks(world->address, last, lg2);
		best = phyr_bits_size(lg2);
	}
	got = phyr_split_best_size(&world->list, world->address, world->sizes, cover);
	world_check(world, got == best, "not the best size");
}

/* The groups of pages follow one another in the device, and none is without bytes of its run. */
static size_t collect_pages(struct world *world, struct phyr_pages *pages, unsigned int lg2,
			    struct phyr_blocks got[RUNS_MAX])
{
	uint64_t address = world->address;
	struct phyr_blocks beyond;
	size_t cnt = 0;

	while (cnt < world->run_cnt && phyr_split_pages_next(pages, &got[cnt])) {
		uint64_t last = address + world->runs[cnt].len - 1;

		world_check(world, got[cnt].lg2 == lg2, "another size");
		world_check(world, got[cnt].iova.addr == phyr_bits_down(address, lg2),
			    "not the device's page");
		world_check(world, got[cnt].cnt == phyr_bits_blocks(address, last, lg2),
			    "too few or too many pages");
		address = last + 1;
		cnt++;
	}
	world_check(world, !phyr_split_pages_next(pages, &beyond), "more groups than runs");
	return cnt;
}

/* First, last and some other byte of each run are where the page that holds them says. */
static void expect_bytes(struct world *world, const struct phyr_blocks *pages)
{
	uint64_t address = world->address;

	for (size_t i = 0; i < world->run_cnt; i++) {
		uint64_t len = world->runs[i].len;
		uint64_t offsets[] = { 0, len - 1, world_random(world, len) };

		for (size_t j = 0; j < 3; j++) {
			uint64_t in_pages = address + offsets[j] - pages[i].iova.addr;

			world_check(world,
				    pages[i].pa.addr + in_pages ==
					    world->runs[i].pa.addr + offsets[j],
				    "a byte is elsewhere than the list says");
		}
		address += len;
	}
}

static void cut_into_pages(struct world *world)
{
	unsigned int lg2 = world->unit_lg2 + (unsigned int)world_random(world, 10);
	struct phyr_blocks got[RUNS_MAX];
	struct phyr_pages pages;
	int want = size_fits(world, lg2, PHYR_COVER_ALLOW) ? PHYR_OK : PHYR_E_ALIGN;
	int err = phyr_split_pages_begin(&world->list, world->address, lg2, &pages);

	world_check(world, err == want, "pages are refused or accepted wrongly");
	if (err != PHYR_OK)
		return;
	world_check(world, collect_pages(world, &pages, lg2, got) == world->run_cnt,
		    "a run has no pages");
	expect_bytes(world, got);
}

static void for_each_world(unsigned int unit_lg2, void (*property)(struct world *))
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t cnt = test_number("PHYR_ITER", 4000);
	struct world world;

	for (uint64_t i = 0; i < cnt; i++) {
		world_begin(&world, seed + i, unit_lg2);
		property(&world);
		world_end(&world);
	}
}

static void mixed_properties(struct world *world)
{
	cut_by_physical_address(world);
	cut_by_both_addresses(world);
	count_each_run(world);
}

static void single_properties(struct world *world)
{
	choose_a_size(world, PHYR_COVER_FORBID);
	choose_a_size(world, PHYR_COVER_ALLOW);
	cut_into_pages(world);
}

static void bytes_are_cut_as_the_definition_says(void **state)
{
	(void)state;
	for_each_world(0, mixed_properties);
	for_each_world(0, cut_into_pages);
}

static void pages_are_cut_as_the_definition_says(void **state)
{
	(void)state;
	for_each_world(12, mixed_properties);
	for_each_world(12, single_properties);
}

static void gigabytes_are_cut_as_the_definition_says(void **state)
{
	(void)state;
	for_each_world(30, mixed_properties);
	for_each_world(30, single_properties);
}

static void terabytes_are_cut_as_the_definition_says(void **state)
{
	(void)state;
	for_each_world(46, mixed_properties);
	for_each_world(46, single_properties);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_cut_as_the_definition_says),
		cmocka_unit_test(pages_are_cut_as_the_definition_says),
		cmocka_unit_test(gigabytes_are_cut_as_the_definition_says),
		cmocka_unit_test(terabytes_are_cut_as_the_definition_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
