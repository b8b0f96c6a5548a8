/* SPDX-License-Identifier: MIT */
/* Times of single calls, and the few figures that they are summed up in. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "timer.h"

struct samples {
	uint32_t *ticks;
	size_t cnt;
	size_t cap;
};

enum {
	SUMMARY_P50,
	SUMMARY_P90,
	SUMMARY_P99,
	SUMMARY_P999,
	SUMMARY_MAX,
	SUMMARY_MEAN,
	SUMMARY_CNT
};

/* [ns] The timer's own cost is subtracted: its median from percentiles, its mean from the mean. */
struct summary {
	double ns[SUMMARY_CNT];
};

void samples_init(struct samples *samples, size_t cap);
void samples_fini(struct samples *samples);

/* Sums up and empties. */
struct summary samples_sum_up(struct samples *samples, const struct timer *timer);

/* The median of each figure. */
struct summary summary_median(const struct summary *summaries, size_t cnt);

static inline void samples_add(struct samples *samples, uint32_t ticks)
{
	if (samples->cnt < samples->cap)
		samples->ticks[samples->cnt++] = ticks;
}

#endif
