/* SPDX-License-Identifier: MIT */
/*
 * What caches of I/O addresses save: pairs by the owner, frees by another thread, and two threads
 * at once; beside the space itself. Figures are medians of the repetitions.
 *
 * usage: iova_cache [--quick] [--pairs=N] [--reps=N]
 */
#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>

#include "iova/options.h"
#include "iova/pairs.h"
#include "iova/relay.h"

#define REP_MAX 99
#define THREAD_MAX 2
#define KIND_CNT 3

struct options {
	size_t pair_cnt;
	size_t rep_cnt;
};

static const uint64_t page_cnts[] = { 1, 3, 4, 8, 64 };
static struct pairs_order orders[2];

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t cnt)
{
	qsort(values, cnt, sizeof(*values), ascending);
	return values[cnt / 2];
}

static struct phyr_iova_space *space_create(void)
{
	struct phyr_iova_params params = { .mem = phyr_heap_mem() };
	struct phyr_iova_space *space;
	int err;

	params.window.last = phyr_iova_at((UINT64_C(1) << 48) - 1);
	err = phyr_iova_create(&params, &space);
	bench_require(err == PHYR_OK);
	return space;
}

/* Every range came back, and nothing broke on the way. */
static void space_destroy(struct phyr_iova_space *space)
{
	struct phyr_iova_stats stats;

	bench_require(phyr_iova_validate(space, NULL));
	phyr_iova_stats(space, &stats);
	bench_require(!stats.live_cnt);
	phyr_iova_destroy(space);
}

static struct phyr_iova_cache *cache_create(struct phyr_iova_space *space)
{
	struct phyr_iova_cache *cache;
	const int err = phyr_iova_cache_create(space, NULL, &cache);

	bench_require(err == PHYR_OK);
	return cache;
}

/* The three orders in which pairs come: hot, oldest first, at random. */
static double cache_pairs(struct phyr_iova_cache *cache, size_t kind, uint64_t len, size_t cnt)
{
	if (!kind)
		return pairs_hot(cache, pairs_cache_alloc, pairs_cache_free, len, cnt);
	return pairs_ring(cache, pairs_cache_alloc, pairs_cache_free, len, &orders[kind - 1], cnt);
}

static double space_pairs(struct phyr_iova_space *space, size_t kind, uint64_t len, size_t cnt)
{
	if (!kind)
		return pairs_hot(space, pairs_space_alloc, pairs_space_free, len, cnt);
	return pairs_ring(space, pairs_space_alloc, pairs_space_free, len, &orders[kind - 1], cnt);
}

static void print_pairs(const struct options *options, uint64_t page_cnt)
{
	const uint64_t len = page_cnt * PHYR_PAGE_SIZE;
	struct phyr_iova_space *space = space_create();
	struct phyr_iova_cache *cache = cache_create(space);
	double cached[REP_MAX], uncached[REP_MAX];

	printf("%5llu", (unsigned long long)page_cnt);
	for (size_t kind = 0; kind < KIND_CNT; kind++) {
		for (size_t i = 0; i < options->rep_cnt; i++) {
			cached[i] = cache_pairs(cache, kind, len, options->pair_cnt);
			uncached[i] = space_pairs(space, kind, len, options->pair_cnt / 8);
		}
		printf(" %9.2f %9.2f", median(cached, options->rep_cnt),
		       median(uncached, options->rep_cnt));
	}
	printf("\n");
	phyr_iova_cache_destroy(cache);
	space_destroy(space);
}

static void print_relay(const struct options *options, uint64_t page_cnt, size_t batch_cnt)
{
	const struct relay_load load = { page_cnt * PHYR_PAGE_SIZE, batch_cnt,
					 options->pair_cnt / 8 / batch_cnt + 2 };
	struct phyr_iova_space *space = space_create();
	double allocs[REP_MAX], frees[REP_MAX], both[REP_MAX];

	for (size_t i = 0; i < options->rep_cnt; i++) {
		const struct relay_times times = relay(space, load);

		allocs[i] = times.alloc_ns;
		frees[i] = times.free_ns;
		both[i] = times.both_ns;
	}
	printf("%5llu %9zu %9.2f %9.2f %9.2f\n", (unsigned long long)page_cnt, batch_cnt,
	       median(allocs, options->rep_cnt), median(frees, options->rep_cnt),
	       median(both, options->rep_cnt));
	space_destroy(space);
}

/* Threads that each work on a ring of their own. */
struct worker {
	pthread_t thread;
	struct phyr_iova_space *space;
	size_t pair_cnt;
	bool cached;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct phyr_iova_cache *cache;

	if (!worker->cached) {
		space_pairs(worker->space, 1, PHYR_PAGE_SIZE, worker->pair_cnt);
		return NULL;
	}
	cache = cache_create(worker->space);
	cache_pairs(cache, 1, PHYR_PAGE_SIZE, worker->pair_cnt);
	phyr_iova_cache_destroy(cache);
	return NULL;
}

/* [pairs a microsecond] All threads together. */
static double throughput(size_t thread_cnt, size_t pair_cnt, bool cached)
{
	struct phyr_iova_space *space = space_create();
	struct worker workers[THREAD_MAX];
	const double start_ns = timer_now_ns();
	double ns;

	for (size_t i = 0; i < thread_cnt; i++) {
		int err;

		workers[i] = (struct worker){ .space = space, .pair_cnt = pair_cnt };
		workers[i].cached = cached;
		err = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		bench_require(!err);
	}
	for (size_t i = 0; i < thread_cnt; i++)
		pthread_join(workers[i].thread, NULL);
	ns = timer_now_ns() - start_ns;
	space_destroy(space);
	return (double)(thread_cnt * pair_cnt) / ns * 1000;
}

static void print_throughput(const struct options *options, size_t thread_cnt)
{
	double cached[REP_MAX], uncached[REP_MAX];

	for (size_t i = 0; i < options->rep_cnt; i++) {
		cached[i] = throughput(thread_cnt, options->pair_cnt, true);
		uncached[i] = throughput(thread_cnt, options->pair_cnt / 8, false);
	}
	printf("%7zu %9.1f %9.1f\n", thread_cnt, median(cached, options->rep_cnt),
	       median(uncached, options->rep_cnt));
}

static void print_all(const struct options *options)
{
	printf("[ns] a pair by the owner; of %d, the oldest or any goes when one comes\n"
	       "%5s %19s %19s %19s\n%5s",
	       PAIRS_DEPTH, "", "hot", "ring, oldest", "ring, any", "pages");
	for (size_t kind = 0; kind < KIND_CNT; kind++)
		printf(" %9s %9s", "cache", "space");
	printf("\n");
	for (size_t i = 0; i < sizeof(page_cnts) / sizeof(*page_cnts); i++)
		print_pairs(options, page_cnts[i]);
	printf("\n[ns] a call: one thread allocates a batch, another frees it: in turn, and at "
	       "once\n%5s %9s %9s %9s %9s\n",
	       "pages", "batch", "alloc", "free", "pair");
	for (size_t i = 0; i < sizeof(page_cnts) / sizeof(*page_cnts); i++)
		for (size_t cnt = 1024; cnt <= RELAY_BATCH_MAX; cnt *= 64)
			print_relay(options, page_cnts[i], cnt);
	printf("\n[pairs/us] pages, each thread with its ring, all together\n%7s %9s %9s\n",
	       "threads", "cache", "space");
	for (size_t i = 1; i <= THREAD_MAX; i++)
		print_throughput(options, i);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "quick", no_argument, NULL, 'q' },
					       { "pairs", required_argument, NULL, 'p' },
					       { "reps", required_argument, NULL, 'r' },
					       { 0 } };
	struct options options = { .pair_cnt = 20000000, .rep_cnt = 5 };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'q')
			options = (struct options){ .pair_cnt = 20000, .rep_cnt = 1 };
		else if (c == 'p')
			options.pair_cnt = (size_t)options_number("iova_cache", optarg);
		else if (c == 'r')
			options.rep_cnt = (size_t)options_number("iova_cache", optarg);
		else
			return 2;
	}
	if (options.rep_cnt > REP_MAX)
		options.rep_cnt = REP_MAX;
	pairs_in_order(&orders[0]);
	pairs_at_random(&orders[1]);
	print_all(&options);
	return 0;
}
