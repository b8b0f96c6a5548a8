/* SPDX-License-Identifier: MIT */
/* Repetitions, their medians, and how they are printed. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench.h"

#define LINE_LEN 64

void calls_print_head(const struct calls_options *options)
{
	const struct timer *timer = &options->timer;

	printf("[ns] a call, medians of %zu repetitions of %zu calls; the timer's %.1f ns are "
	       "subtracted, its steps are %.1f ns\n",
	       options->rep_cnt, options->call_cnt, timer->own * timer->tick_ns, timer->step_ns);
	printf("%8s %-13s %-9s %-6s %7s %7s %7s %7s %9s %9s\n", "live", "shape", "fit", "call",
	       "p50", "p90", "p99", "p99.9", "max", "mean");
}

void calls_print(const struct calls_state *state, const char *call, struct summary summary)
{
	const double *ns = summary.ns;

	printf("%8zu %-13s %-9s %-6s %7.0f %7.0f %7.0f %7.0f %9.0f %9.1f\n", state->live_cnt,
	       state->name, shape_fit_name(state->fit), call, ns[SUMMARY_P50], ns[SUMMARY_P90],
	       ns[SUMMARY_P99], ns[SUMMARY_P999], ns[SUMMARY_MAX], ns[SUMMARY_MEAN]);
	fflush(stdout);
}

void calls_time(const struct calls_options *options, const struct calls_state *state,
		struct crowd *crowd)
{
	struct summary alloc_reps[CALLS_REP_MAX], free_reps[CALLS_REP_MAX];
	struct samples allocs, frees;

	samples_init(&allocs, options->call_cnt);
	samples_init(&frees, options->call_cnt);
	for (size_t i = 0; i < options->rep_cnt; i++) {
		crowd_time(crowd, &allocs, &frees);
		alloc_reps[i] = samples_sum_up(&allocs, &options->timer);
		free_reps[i] = samples_sum_up(&frees, &options->timer);
	}
	calls_print(state, "alloc", summary_median(alloc_reps, options->rep_cnt));
	calls_print(state, "free", summary_median(free_reps, options->rep_cnt));
	samples_fini(&allocs);
	samples_fini(&frees);
}

static void time_lines(char *lines, size_t line_cnt, struct samples *samples)
{
	uint64_t random = 1;
	char lock = 0;

	while (samples->cnt < samples->cap) {
		char *line = &lines[bench_random(&random) % line_cnt * LINE_LEN];
		const uint64_t start = timer_ticks();

		while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
			;
		__atomic_store_n(line, (char)(__atomic_load_n(line, __ATOMIC_RELAXED) + 1),
				 __ATOMIC_RELAXED);
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
		samples_add(samples, timer_since(start));
	}
}

void calls_line(const struct calls_options *options, const struct calls_state *state, size_t len)
{
	const size_t line_cnt = len / LINE_LEN + 1;
	struct summary reps[CALLS_REP_MAX];
	char *lines = malloc(line_cnt * LINE_LEN);
	struct samples samples;

	bench_require(lines);
	memset(lines, 0, line_cnt * LINE_LEN);
	samples_init(&samples, options->call_cnt);
	for (size_t i = 0; i < options->rep_cnt; i++) {
		time_lines(lines, line_cnt, &samples);
		reps[i] = samples_sum_up(&samples, &options->timer);
	}
	calls_print(state, "line", summary_median(reps, options->rep_cnt));
	samples_fini(&samples);
	free(lines);
}
