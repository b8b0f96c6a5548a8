/* SPDX-License-Identifier: MIT */
/*
 * What one allocation and one free of I/O address space take, without a cache, with many ranges
 * live: each call is timed alone, so that its percentiles can be told. Then what is kept of them.
 *
 * usage: iova_calls [--quick] [--calls=N] [--reps=N] [--shape=NAME] [LIVE…]
 */
#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "iova/calls.h"
#include "iova/options.h"

#define LIVE_MAX 8

/* A state; only what is in it is timed, so each has a space of its own. */
static const struct shape shapes[] = {
	{ .name = "pages" },
	{ .name = "pages/4096", .batch = 4096 },
	{ .name = "pages/sparse", .batch = 4096, .sparse = true },
	{ .name = "mixed", .sizes = SIZES_TO_64 },
	{ .name = "mixed/4096", .sizes = SIZES_TO_64, .batch = 4096 },
	{ .name = "2M", .sizes = SIZES_2M, .key = KEY_ALIGNED, .phase_lg2 = 21 },
	{ .name = "primes", .sizes = SIZES_PRIMES },
	{ .name = "powers", .sizes = SIZES_POWERS, .key = KEY_SIZE },
	{ .name = "size_aligned", .sizes = SIZES_TO_64, .key = KEY_SIZE },
	{ .name = "large", .sizes = SIZES_TO_1G, .live_max = 20000 },
	{ .name = "phase_64K", .sizes = SIZES_TO_64, .key = KEY_PHASE, .phase_lg2 = 16 },
	{ .name = "pages", .fit = PHYR_FIT_PACKED },
	{ .name = "mixed", .sizes = SIZES_TO_64, .fit = PHYR_FIT_PACKED },
	{ .name = "2M",
	  .sizes = SIZES_2M,
	  .key = KEY_ALIGNED,
	  .phase_lg2 = 21,
	  .fit = PHYR_FIT_PACKED },
	{ .name = "primes", .sizes = SIZES_PRIMES, .fit = PHYR_FIT_PACKED },
};

#define SHAPE_CNT (sizeof(shapes) / sizeof(*shapes))

/* What is kept of live ranges: a line of the second table. */
struct cost {
	struct calls_state state;
	double page_cnt;
	double metadata_len;
	double tried_cnt; /* an allocation */
	double span;	  /* a live byte */
};

static struct cost costs[LIVE_MAX * SHAPE_CNT];
static size_t cost_cnt;

static uint64_t tried_cnt(struct phyr_iova_space *space)
{
	struct phyr_iova_stats stats = { 0 };

	phyr_iova_stats(space, &stats);
	return stats.search_cnt;
}

static void settle(struct crowd *crowd, size_t live_cnt)
{
	crowd_fill(crowd, crowd->shape->sparse ? 2 * live_cnt : live_cnt);
	crowd_thin(crowd, live_cnt);
	/* What is timed is a crowd that has been replaced, not one that has just come. */
	if (!crowd->shape->sparse)
		crowd_churn(crowd, live_cnt);
}

static void measure(const struct calls_options *options, const struct shape *shape, size_t live_cnt)
{
	const struct calls_state state = { shape->name, shape->fit, live_cnt };
	struct cost *cost = &costs[cost_cnt++];
	struct crowd crowd;
	uint64_t before;

	crowd_init(&crowd, &crowd_phyr_door, crowd_space_create(), shape, 2 * live_cnt);
	settle(&crowd, live_cnt);
	before = tried_cnt(crowd.space);
	calls_time(options, &state, &crowd);
	crowd_check(&crowd);
	cost->state = state;
	cost->page_cnt = (double)(crowd.len / PHYR_PAGE_SIZE);
	cost->metadata_len = (double)crowd_metadata_len();
	cost->tried_cnt = (double)(tried_cnt(crowd.space) - before) /
			  (double)(options->rep_cnt * options->call_cnt);
	cost->span = (double)crowd_span(&crowd) / (double)crowd.len;
	phyr_iova_destroy(crowd.space);
	crowd_fini(&crowd);
	calls_line(options, &state, (size_t)cost->metadata_len);
}

static void print_costs(void)
{
	printf("\nper range: pages; per page and per range: bytes of metadata; per allocation: "
	       "holes tried one by one; per live byte: bytes from the end of the space\n");
	printf("%8s %-13s %-9s %8s %8s %8s %8s %8s\n", "live", "shape", "fit", "pages", "B/page",
	       "B/range", "tried", "span");
	for (size_t i = 0; i < cost_cnt; i++) {
		const struct cost *cost = &costs[i];
		const double live_cnt = (double)cost->state.live_cnt;

		printf("%8zu %-13s %-9s %8.2f %8.3f %8.3f %8.3f %8.3f\n", cost->state.live_cnt,
		       cost->state.name, shape_fit_name(cost->state.fit), cost->page_cnt / live_cnt,
		       cost->metadata_len / cost->page_cnt, cost->metadata_len / live_cnt,
		       cost->tried_cnt, cost->span);
	}
}

/* Whether there was anything to measure. */
static bool measure_all(const struct calls_options *options, const char *only, size_t live_cnt)
{
	const bool limit = !only || !strcmp(only, "limit");
	const size_t before = cost_cnt;

	for (size_t i = 0; i < SHAPE_CNT; i++) {
		if (shapes[i].live_max && live_cnt > shapes[i].live_max)
			continue;
		if (!only || !strcmp(only, shapes[i].name))
			measure(options, &shapes[i], live_cnt);
	}
	if (limit)
		calls_limit(options, live_cnt);
	return limit || cost_cnt > before;
}

static const char *parse(int argc, char **argv, struct calls_options *options, bool *ret_quick)
{
	static const struct option longs[] = { { "quick", no_argument, NULL, 'q' },
					       { "calls", required_argument, NULL, 'c' },
					       { "reps", required_argument, NULL, 'r' },
					       { "shape", required_argument, NULL, 's' },
					       { 0 } };
	const char *only = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'q')
			*ret_quick = true;
		else if (c == 'c')
			options->call_cnt = (size_t)options_number("iova_calls", optarg);
		else if (c == 'r')
			options->rep_cnt = (size_t)options_number("iova_calls", optarg);
		else if (c == 's')
			only = optarg;
		else
			exit(2);
	}
	if (*ret_quick) {
		options->call_cnt = 5000;
		options->rep_cnt = 1;
		options->limit_lg2 = 24;
	}
	if (options->rep_cnt > CALLS_REP_MAX)
		options->rep_cnt = CALLS_REP_MAX;
	return only;
}

int main(int argc, char **argv)
{
	struct calls_options options = { .call_cnt = 400000, .rep_cnt = 3, .limit_lg2 = 32 };
	size_t live_cnts[LIVE_MAX] = { 1000000, 4000000 };
	size_t live_cnt_cnt = 2;
	bool quick = false;
	const char *only = parse(argc, argv, &options, &quick);

	if (quick) {
		live_cnts[0] = 5000;
		live_cnt_cnt = 1;
	}
	if (optind < argc)
		live_cnt_cnt = 0;
	for (int i = optind; i < argc && live_cnt_cnt < LIVE_MAX; i++)
		live_cnts[live_cnt_cnt++] = (size_t)options_number("iova_calls", argv[i]);
	timer_init(&options.timer);
	calls_print_head(&options);
	for (size_t i = 0; i < live_cnt_cnt; i++) {
		if (!measure_all(&options, only, live_cnts[i])) {
			fprintf(stderr, "iova_calls: no shape %s for %zu live\n", only,
				live_cnts[i]);
			return 2;
		}
	}
	if (cost_cnt)
		print_costs();
	return 0;
}
