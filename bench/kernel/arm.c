/* SPDX-License-Identifier: MIT */
/*
 * Linux's page tables for Arm and this library's, in one process, with the same format (stage 1,
 * 64 bits, granule of 4K) and the same calls. Both must write the same leaves.
 *
 * usage: arm_kernel [--quick]
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../pagetable_world.h"
#include "linux_arm.h"

#define LARGE_CNT 131072
#define REP_CNT 31
#define BLOCK_NS 2e6 /* a repetition of one side */

/* One implementation; the pages of a call begin at BASE + page. */
struct side {
	int (*map)(uint64_t page, const struct phyr_range *runs, size_t run_cnt);
	int (*unmap)(uint64_t page, uint64_t page_cnt);
	uint64_t (*entry)(uint64_t page);
};

/* One call, or single pages in an order, and what stays mapped so that its table stays. */
struct shape {
	const char *name;
	const struct phyr_range *runs;
	size_t run_cnt;
	uint64_t page;
	uint64_t page_cnt;
	uint64_t stake;
	const uint32_t *order; /* NULL = one call */
};

static struct world ours;
static struct linux_arm *theirs;
static struct phyr_range pages[LARGE_CNT];
static uint32_t in_order[SINGLE_CNT], scattered[SCATTERED_CNT];
static int rep_cnt = REP_CNT;

/* The process's own time: what others do to the machine is not in it. */
static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct phyr_iova_range range_of(uint64_t page, uint64_t page_cnt)
{
	return (struct phyr_iova_range){ iova_of(page), page_cnt * PAGE };
}

static int our_map(uint64_t page, const struct phyr_range *runs, size_t run_cnt)
{
	return map(&ours, page, runs, run_cnt);
}

static int our_unmap(uint64_t page, uint64_t page_cnt)
{
	return unmap(&ours, page, page_cnt);
}

static uint64_t our_entry(uint64_t page)
{
	struct phyrsim_leaf leaf;

	bench_require(phyrsim_pagetable_next(ours.table, range_of(page, 1), &leaf) == PHYR_OK);
	return leaf.entry;
}

static int their_map(uint64_t page, const struct phyr_range *runs, size_t run_cnt)
{
	return linux_arm_map(theirs, iova_of(page), runs, run_cnt);
}

static int their_unmap(uint64_t page, uint64_t page_cnt)
{
	return linux_arm_unmap(theirs, range_of(page, page_cnt));
}

static int their_unmap_pages(uint64_t page, uint64_t page_cnt)
{
	return linux_arm_unmap_pages(theirs, range_of(page, page_cnt));
}

static uint64_t their_entry(uint64_t page)
{
	return linux_arm_entry(theirs, iova_of(page));
}

static const struct side our_side = { our_map, our_unmap, our_entry };
static const struct side their_side = { their_map, their_unmap, their_entry };
static const struct side their_side_by_page = { their_map, their_unmap_pages, their_entry };

static void make_inputs(void)
{
	uint64_t random = 1;

	order_pages(in_order, SINGLE_CNT);
	order_pages(scattered, SCATTERED_CNT);
	shuffle_pages(scattered, SCATTERED_CNT, &random);
	scatter_pages(pages, LARGE_CNT, &random);
}

static int map_shape(const struct side *side, const struct shape *shape)
{
	int err = 0;

	if (!shape->order)
		return side->map(shape->page, shape->runs, shape->run_cnt);
	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= side->map(shape->order[i], &pages[i], 1);
	return err;
}

static int unmap_shape(const struct side *side, const struct shape *shape)
{
	int err = 0;

	if (!shape->order)
		return side->unmap(shape->page, shape->page_cnt);
	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= side->unmap(shape->order[i], 1);
	return err;
}

/* Long shapes: both halves are timed apart, in ns of all of it. */
static void time_halves(const struct side *side, const struct shape *shape, double ret_ns[2])
{
	const double start = cpu_ns();
	double middle;

	bench_require(map_shape(side, shape) == 0);
	middle = cpu_ns();
	bench_require(unmap_shape(side, shape) == 0);
	ret_ns[0] = middle - start;
	ret_ns[1] = cpu_ns() - middle;
}

/* Short shapes: as many pairs as fill the time of a repetition. */
static double time_pairs(const struct side *side, const struct shape *shape)
{
	const double start = cpu_ns();
	uint64_t cnt = 0;
	double now;

	do {
		for (int i = 0; i < 256; i++)
			bench_require((side->map(shape->page, shape->runs, shape->run_cnt) |
				       side->unmap(shape->page, shape->page_cnt)) == 0);
		cnt += 256;
		now = cpu_ns();
	} while (now - start < BLOCK_NS);
	return (now - start) / (double)cnt;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *ns)
{
	qsort(ns, (size_t)rep_cnt, sizeof(*ns), ascending);
	return ns[rep_cnt / 2];
}

/* What stays while a shape is measured: a page in every table of the order, or the one stake. */
static void stakes(const struct shape *shape, bool mapped)
{
	const struct side *const sides[] = { &our_side, &their_side };
	const uint64_t step = shape->order ? PAGES_2M : PAGES_1G;

	for (unsigned int i = 0; i < 2; i++) {
		for (uint64_t at = shape->stake; at < PAGES_1G; at += step)
			bench_require((mapped ? sides[i]->map(at, pages, 1) :
						sides[i]->unmap(at, 1)) == PHYR_OK);
	}
}

/* Both sides have written the same. */
static void check(const struct shape *shape)
{
	const uint64_t cnt = shape->order ? SINGLE_CNT : shape->page_cnt;

	bench_require((map_shape(&our_side, shape) | map_shape(&their_side, shape)) == 0);
	for (uint64_t i = 0; i < cnt; i++) {
		const uint64_t page = shape->order ? shape->order[i] : shape->page + i;

		bench_require(our_entry(page) == their_entry(page));
	}
	bench_require((unmap_shape(&our_side, shape) | unmap_shape(&their_side, shape)) == 0);
}

static void print_row(const char *name, const char *what, double linux_ns, double ns)
{
	printf("%-28s %-14s %10.2f %10.2f %8.1f\n", name, what, linux_ns, ns, linux_ns / ns);
	fflush(stdout);
}

static void contest_pairs(const struct shape *shape, bool by_page)
{
	const struct side *side = by_page ? &their_side_by_page : &their_side;
	double linux_ns[REP_CNT], ns[REP_CNT];

	stakes(shape, true);
	check(shape);
	for (int i = 0; i < rep_cnt; i++) {
		linux_ns[i] = time_pairs(side, shape);
		ns[i] = time_pairs(&our_side, shape);
	}
	stakes(shape, false);
	print_row(shape->name, by_page ? "pair, by page" : "pair", median(linux_ns), median(ns));
}

static void contest_halves(const struct shape *shape)
{
	const double item_cnt = shape->order ? SINGLE_CNT : (double)shape->page_cnt;
	double linux_ns[2][REP_CNT], ns[2][REP_CNT];

	stakes(shape, true);
	check(shape);
	for (int i = 0; i < rep_cnt; i++) {
		double both[2];

		time_halves(&their_side, shape, both);
		linux_ns[0][i] = both[0];
		linux_ns[1][i] = both[1];
		time_halves(&our_side, shape, both);
		ns[0][i] = both[0];
		ns[1][i] = both[1];
	}
	stakes(shape, false);
	for (unsigned int half = 0; half < 2; half++)
		print_row(shape->name, half == 0 ? "map, a page" : "unmap, a page",
			  median(linux_ns[half]) / item_cnt, median(ns[half]) / item_cnt);
}

int main(int argc, char **argv)
{
	static const struct phyr_range off = { { (UINT64_C(1) << 32) + PAGE }, PAGES_2M * PAGE };
	static const struct phyr_range whole = { { UINT64_C(1) << 32 }, PAGES_2M * PAGE };
	static const struct phyr_range few = { { (UINT64_C(1) << 32) + PAGE }, 256 * PAGE };
	static const struct phyr_range large = { { (UINT64_C(1) << 32) + PAGE }, LARGE_CNT * PAGE };
	static const struct shape long_shapes[] = {
		{ "4K in order", NULL, 0, 0, 0, PAGES_2M - 1, in_order },
		{ "4K at random", NULL, 0, 0, 0, PAGES_2M - 1, scattered },
		{ "512M, one run, 4K off", &large, 1, 0, LARGE_CNT, PAGES_1G - 1, NULL },
		{ "512M, scattered pages", pages, LARGE_CNT, 0, LARGE_CNT, PAGES_1G - 1, NULL },
	};
	static const struct shape short_shapes[] = {
		{ "4K", pages, 1, 0, 1, PAGES_2M - 1, NULL },
		{ "256 x 4K, one run", &few, 1, 0, 256, PAGES_2M - 1, NULL },
		{ "256 x 4K, scattered", pages, 256, 0, 256, PAGES_2M - 1, NULL },
		{ "2M, aligned", &whole, 1, 0, PAGES_2M, PAGES_1G - 1, NULL },
		{ "2M at 4K, memory at 4K", &off, 1, 1, PAGES_2M, PAGES_1G - 1, NULL },
		{ "2M at 0, memory at 4K", &off, 1, 0, PAGES_2M, PAGES_1G - 1, NULL },
	};
	const size_t long_cnt = sizeof(long_shapes) / sizeof(long_shapes[0]);
	const size_t short_cnt = sizeof(short_shapes) / sizeof(short_shapes[0]);

	if (argc > 1 && strcmp(argv[1], "--quick") == 0)
		rep_cnt = 1;
	make_inputs();
	world_init(&ours, PHYRSIM_FORMAT_ARM_S1, phyr_heap_mem());
	theirs = linux_arm_create();
	printf("[ns], medians of %d repetitions\n%-28s %-14s %10s %10s %8s\n", rep_cnt, "shape",
	       "what", "Linux", "libphyr", "ratio");
	for (size_t i = 0; i < long_cnt; i++)
		contest_halves(&long_shapes[i]);
	for (size_t i = 0; i < short_cnt; i++)
		contest_pairs(&short_shapes[i], false);
	contest_pairs(&short_shapes[short_cnt - 1], true);
	world_fini(&ours);
	return 0;
}
