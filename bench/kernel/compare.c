/* SPDX-License-Identifier: MIT */
/*
 * Linux's allocator of I/O addresses and this one, in one process, with the same requests in the
 * same order: random ranges of 1 … 64 pages come and go, then pairs that caches answer.
 *
 * usage: iova_kernel [LIVE…]
 */
#include <stdio.h>
#include <stdlib.h>

#include "../iova/options.h"
#include "../iova/pairs.h"
#include "linux_iova.h"

#define REP_CNT 3
#define CALL_CNT_MIN 5000
#define CALL_CNT_MAX 200000
/* Linux's calls take longer the more ranges are live: their product is what is limited. */
#define CALL_CNT_BY_LIVE 500000000
#define PAIR_CNT 10000000

/* One allocator, in a state. */
struct side {
	const struct door *door;
	struct phyr_iova_space *space;
	struct summary allocs;
	struct summary frees;
};

static struct timer timer;
static struct pairs_order orders[2];

/* A cache as a door: the type of the space is borrowed. */
static int cached_alloc(struct phyr_iova_space *cache, uint64_t len,
			const struct phyr_placement *placement, struct phyr_iova_range *ret_range)
{
	(void)placement;
	return pairs_cache_alloc(cache, len, ret_range);
}

static int cached_free(struct phyr_iova_space *cache, struct phyr_iova_range range)
{
	return pairs_cache_free(cache, range);
}

static const struct door cached_door = { cached_alloc, cached_free };

static struct phyr_iova_cache *cache_create(struct phyr_iova_space *space)
{
	struct phyr_iova_cache *cache;
	const int err = phyr_iova_cache_create(space, NULL, &cache);

	bench_require(err == PHYR_OK);
	return cache;
}

static size_t call_cnt_for(size_t live_cnt)
{
	const size_t cnt = CALL_CNT_BY_LIVE / live_cnt;

	if (cnt > CALL_CNT_MAX)
		return CALL_CNT_MAX;
	return cnt < CALL_CNT_MIN ? CALL_CNT_MIN : cnt;
}

static void measure(struct side *side, const struct shape *shape, size_t live_cnt)
{
	struct summary alloc_reps[REP_CNT], free_reps[REP_CNT];
	struct samples allocs, frees;
	struct crowd crowd;

	samples_init(&allocs, call_cnt_for(live_cnt));
	samples_init(&frees, call_cnt_for(live_cnt));
	crowd_init(&crowd, side->door, side->space, shape, live_cnt);
	crowd_fill(&crowd, live_cnt);
	crowd_churn(&crowd, live_cnt);
	for (size_t i = 0; i < REP_CNT; i++) {
		crowd_time(&crowd, &allocs, &frees);
		alloc_reps[i] = samples_sum_up(&allocs, &timer);
		free_reps[i] = samples_sum_up(&frees, &timer);
	}
	side->allocs = summary_median(alloc_reps, REP_CNT);
	side->frees = summary_median(free_reps, REP_CNT);
	/* Nothing stays for the next, but the spaces: Linux's cannot be asked what is live. */
	crowd_thin(&crowd, 0);
	crowd_fini(&crowd);
	samples_fini(&allocs);
	samples_fini(&frees);
}

/* Returns the mean of a pair. */
static double print_side(const struct side *side)
{
	const double pair_ns = side->allocs.ns[SUMMARY_MEAN] + side->frees.ns[SUMMARY_MEAN];

	printf(" %9.0f %10.0f %7.0f %10.1f", side->allocs.ns[SUMMARY_P50],
	       side->allocs.ns[SUMMARY_P999], side->frees.ns[SUMMARY_P50], pair_ns);
	return pair_ns;
}

static void print_sides(const char *name, size_t live_cnt, const struct side *theirs,
			const struct side *ours)
{
	double ratio;

	printf("%8zu %-12s", live_cnt, name);
	ratio = print_side(theirs);
	ratio /= print_side(ours);
	printf(" %8.1f\n", ratio);
	fflush(stdout);
}

static void contest(const struct door *linux_side, const struct shape *shape, bool cached,
		    size_t live_cnt)
{
	struct phyr_iova_space *space = crowd_space_create();
	struct phyr_iova_cache *cache = cached ? cache_create(space) : NULL;
	struct side theirs = { .door = linux_side, .space = linux_space_create() };
	struct side ours = { .door = &crowd_phyr_door, .space = space };

	if (cached)
		ours = (struct side){ .door = &cached_door, .space = (void *)cache };
	measure(&theirs, shape, live_cnt);
	measure(&ours, shape, live_cnt);
	print_sides(shape->name, live_cnt, &theirs, &ours);
	phyr_iova_cache_destroy(cache);
	phyr_iova_destroy(space);
}

static void contests(size_t live_cnt)
{
	static const struct shape any = { .name = "any page", .sizes = SIZES_TO_64 };
	static const struct shape size_aligned = { .name = "size-aligned",
						   .sizes = SIZES_TO_64,
						   .key = KEY_SIZE };
	static const struct shape fast = { .name = "cached", .sizes = SIZES_TO_64 };

	contest(&linux_door, &any, false, live_cnt);
	contest(&linux_size_aligned_door, &size_aligned, false, live_cnt);
	contest(&linux_fast_door, &fast, true, live_cnt);
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

/* The best of the repetitions: so short a loop has nothing but disturbances to vary with. */
static void contest_pairs(const char *name, const struct pairs_order *order, uint64_t page_cnt)
{
	const uint64_t len = page_cnt * PHYR_PAGE_SIZE;
	struct phyr_iova_space *space = crowd_space_create(), *theirs = linux_space_create();
	struct phyr_iova_cache *cache = cache_create(space);
	double linux_ns = 1e9, ns = 1e9;

	for (size_t i = 0; i < REP_CNT; i++) {
		if (order) {
			linux_ns =
				least(linux_ns, pairs_ring(theirs, linux_fast_alloc,
							   linux_fast_free, len, order, PAIR_CNT));
			ns = least(ns, pairs_ring(cache, pairs_cache_alloc, pairs_cache_free, len,
						  order, PAIR_CNT));
		} else {
			linux_ns = least(linux_ns, pairs_hot(theirs, linux_fast_alloc,
							     linux_fast_free, len, PAIR_CNT));
			ns = least(ns, pairs_hot(cache, pairs_cache_alloc, pairs_cache_free, len,
						 PAIR_CNT));
		}
	}
	printf("%5llu %-13s %10.2f %10.2f %9.1f\n", (unsigned long long)page_cnt, name, linux_ns,
	       ns, linux_ns / ns);
	phyr_iova_cache_destroy(cache);
	phyr_iova_destroy(space);
}

static void print_head(void)
{
	printf("[ns] a call, 1 … 64 pages; pair and ratio: means; the timer's steps are %.1f ns\n"
	       "%8s %-12s %-39s %-39s\n%8s %-12s",
	       timer.step_ns, "", "", " Linux", " libphyr", "live", "request");
	for (size_t i = 0; i < 2; i++)
		printf(" %9s %10s %7s %10s", "alloc p50", "p99.9", "free", "pair");
	printf(" %8s\n", "ratio");
}

int main(int argc, char **argv)
{
	static const size_t live_cnts[] = { 1000, 10000, 100000 };
	static const uint64_t page_cnts[] = { 1, 8, 32 };

	timer_init(&timer);
	pairs_in_order(&orders[0]);
	pairs_at_random(&orders[1]);
	print_head();
	for (int i = 1; i < argc; i++)
		contests((size_t)options_number("iova_kernel", argv[i]));
	for (size_t i = 0; argc < 2 && i < sizeof(live_cnts) / sizeof(*live_cnts); i++)
		contests(live_cnts[i]);
	printf("\n[ns] a pair that a cache answers; of %d, the oldest or any goes when one comes\n"
	       "%5s %-13s %10s %10s %9s\n",
	       PAIRS_DEPTH, "pages", "order", "Linux", "libphyr", "ratio");
	for (size_t i = 0; i < sizeof(page_cnts) / sizeof(*page_cnts); i++) {
		contest_pairs("hot", NULL, page_cnts[i]);
		contest_pairs("ring, oldest", &orders[0], page_cnts[i]);
		contest_pairs("ring, any", &orders[1], page_cnts[i]);
	}
	return 0;
}
