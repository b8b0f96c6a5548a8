/* SPDX-License-Identifier: MIT */
/* What the timer is made of, measured on the machine that it runs on. */
#define _POSIX_C_SOURCE 200809L

#include "timer.h"

#include <stdlib.h>
#include <time.h>

#define EMPTY_CNT 100001

double timer_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double tick_ns(void)
{
	const double start_ns = timer_now_ns();
	const uint64_t start = timer_ticks();
	double ns;

	do
		ns = timer_now_ns() - start_ns;
	while (ns < 1e8);
	return ns / (double)(timer_ticks() - start);
}

void timer_init(struct timer *timer)
{
	static uint32_t empty[EMPTY_CNT];
	uint32_t step = UINT32_MAX;
	double sum = 0;

	for (size_t i = 0; i < EMPTY_CNT; i++) {
		const uint64_t start = timer_ticks();

		empty[i] = timer_since(start);
	}
	qsort(empty, EMPTY_CNT, sizeof(*empty), ascending);
	for (size_t i = 1; i < EMPTY_CNT; i++)
		if (empty[i] != empty[i - 1] && empty[i] - empty[i - 1] < step)
			step = empty[i] - empty[i - 1];
	/* Without the last hundredth: interruptions, which hit calls by chance. */
	for (size_t i = 0; i < EMPTY_CNT / 100 * 99; i++)
		sum += empty[i];
	timer->tick_ns = tick_ns();
	timer->step_ns = step * timer->tick_ns;
	timer->own = empty[EMPTY_CNT / 2];
	timer->own_mean = sum / (EMPTY_CNT / 100 * 99);
}
