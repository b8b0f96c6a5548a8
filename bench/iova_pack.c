/* SPDX-License-Identifier: MIT */
/*
 * How densely live ranges lie after a long time of coming and going: the span from the end of the
 * space that is filled to the last live byte, next to the live bytes. Where nothing is aligned
 * top_down is exact first fit from the top, and first_up from the bottom.
 *
 * usage: iova_pack [--quick] [--ops=N] [--live=N]
 *        iova_pack --soak=N [--live=N] [--shape=NAME] [--fit=NAME]
 *
 * An operation is an allocation or a free. A soak prints its line after each tenth of them: what
 * would drift, drifts down the page.
 */
#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "iova/crowd.h"
#include "iova/options.h"

#define MIB ((double)(1 << 20))

struct options {
	uint64_t op_cnt;
	size_t live_cnt;
	unsigned int line_cnt; /* lines for each shape and fit */
	const char *shape;     /* NULL: all */
	const char *fit;       /* NULL: all */
};

static const struct {
	const char *name;
	enum sizes sizes;
} kinds[] = {
	{ "powers", SIZES_POWERS },
	{ "mixed", SIZES_TO_64 },
};

static const enum phyr_fit fits[] = { PHYR_FIT_PACKED, PHYR_FIT_TOP_DOWN, PHYR_FIT_FIRST_UP };

static void print_head(void)
{
	printf("%-7s %-9s %13s %8s %9s %9s %9s %7s %7s %7s %7s\n", "shape", "fit", "ops", "live",
	       "MiB", "peak MiB", "span MiB", "span", "/peak", "B/range", "ns/op");
}

static void print_line(const struct crowd *crowd, uint64_t op_cnt, double ns)
{
	const double span = (double)crowd_span(crowd);
	const double len = (double)crowd->len, len_max = (double)crowd->len_max;

	printf("%-7s %-9s %13llu %8zu %9.1f %9.1f %9.1f %7.4f %7.4f %7.2f %7.1f\n",
	       crowd->shape->name, shape_fit_name(crowd->shape->fit), (unsigned long long)op_cnt,
	       crowd->cnt, len / MIB, len_max / MIB, span / MIB, span / len, span / len_max,
	       (double)crowd_metadata_len() / (double)crowd->cnt, ns);
	fflush(stdout);
}

static void measure(const struct options *options, const struct shape *shape)
{
	const uint64_t part = options->op_cnt / options->line_cnt;
	struct crowd crowd;

	crowd_init(&crowd, &crowd_phyr_door, crowd_space_create(), shape, options->live_cnt);
	crowd_fill(&crowd, options->live_cnt);
	for (unsigned int i = 1; i <= options->line_cnt; i++) {
		const double start_ns = timer_now_ns();

		crowd_churn(&crowd, part / 2);
		print_line(&crowd, i * part, (timer_now_ns() - start_ns) / (double)part);
	}
	crowd_check(&crowd);
	phyr_iova_destroy(crowd.space);
	crowd_fini(&crowd);
}

static void measure_all(const struct options *options)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		for (size_t j = 0; j < sizeof(fits) / sizeof(*fits); j++) {
			const struct shape shape = { .name = kinds[i].name,
						     .sizes = kinds[i].sizes,
						     .fit = fits[j] };

			if (options->shape && strcmp(options->shape, shape.name) != 0)
				continue;
			if (options->fit && strcmp(options->fit, shape_fit_name(shape.fit)) != 0)
				continue;
			measure(options, &shape);
		}
	}
}

static bool take_option(int c, const char *value, struct options *options)
{
	switch (c) {
	case 'q':
		options->op_cnt = 20000;
		options->live_cnt = 2000;
		return true;
	case 'S':
		options->line_cnt = 10;
		options->fit = shape_fit_name(PHYR_FIT_PACKED);
		options->op_cnt = options_number("iova_pack", value);
		return true;
	case 'o':
		options->op_cnt = options_number("iova_pack", value);
		return true;
	case 'l':
		options->live_cnt = (size_t)options_number("iova_pack", value);
		return true;
	case 's':
		options->shape = value;
		return true;
	case 'f':
		options->fit = value;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "ops", required_argument, NULL, 'o' },
		{ "live", required_argument, NULL, 'l' },
		{ "soak", required_argument, NULL, 'S' },
		{ "shape", required_argument, NULL, 's' },
		{ "fit", required_argument, NULL, 'f' },
		{ 0 },
	};
	struct options options = { .op_cnt = 10000000, .live_cnt = 200000, .line_cnt = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take_option(c, optarg, &options))
			return 2;
	print_head();
	measure_all(&options);
	return 0;
}
