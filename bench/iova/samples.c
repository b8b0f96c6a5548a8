/* SPDX-License-Identifier: MIT */
/* Percentiles are of the nearest rank: each is the time of a call that took place. */
#include "samples.h"

#include <stdlib.h>
#include <string.h>

#include "../bench.h"

#define REP_MAX 99

void samples_init(struct samples *samples, size_t cap)
{
	samples->ticks = malloc(cap * sizeof(*samples->ticks));
	bench_require(samples->ticks);
	/* Touched now, so that no page fault is timed. */
	memset(samples->ticks, 1, cap * sizeof(*samples->ticks));
	samples->cap = cap;
	samples->cnt = 0;
}

void samples_fini(struct samples *samples)
{
	free(samples->ticks);
}

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double rank_ns(const struct samples *samples, const struct timer *timer, double part)
{
	const size_t rank = (size_t)(part * (double)(samples->cnt - 1));
	const uint32_t ticks = samples->ticks[rank];

	return ticks < timer->own ? 0 : (ticks - timer->own) * timer->tick_ns;
}

struct summary samples_sum_up(struct samples *samples, const struct timer *timer)
{
	static const double parts[] = { 0.5, 0.9, 0.99, 0.999, 1.0 };
	struct summary summary;
	double sum = 0;

	bench_require(samples->cnt);
	qsort(samples->ticks, samples->cnt, sizeof(*samples->ticks), ascending);
	for (size_t i = 0; i < SUMMARY_MEAN; i++)
		summary.ns[i] = rank_ns(samples, timer, parts[i]);
	for (size_t i = 0; i < samples->cnt; i++)
		sum += samples->ticks[i];
	sum = (sum / (double)samples->cnt - timer->own_mean) * timer->tick_ns;
	summary.ns[SUMMARY_MEAN] = sum > 0 ? sum : 0;
	samples->cnt = 0;
	return summary;
}

static int ascending_ns(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct summary summary_median(const struct summary *summaries, size_t cnt)
{
	struct summary median;
	double ns[REP_MAX];

	bench_require(cnt > 0 && cnt <= REP_MAX);
	for (size_t i = 0; i < SUMMARY_CNT; i++) {
		for (size_t j = 0; j < cnt; j++)
			ns[j] = summaries[j].ns[i];
		qsort(ns, cnt, sizeof(*ns), ascending_ns);
		median.ns[i] = ns[cnt / 2];
	}
	return median;
}
