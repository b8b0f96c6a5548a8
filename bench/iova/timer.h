/* SPDX-License-Identifier: MIT */
/*
 * A timer for single calls: on x86-64 the time-stamp counter between two fences, so that a call is
 * timed from the retirement of all before it to its own. It costs as much as a short call, so its
 * own cost is measured first and subtracted. Elsewhere it is the system's clock.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

struct timer {
	double tick_ns;	 /* [ns] */
	double step_ns;	 /* [ns] the smallest difference seen: what a percentile is rounded to */
	double own_mean; /* [ticks] what timing nothing takes */
	uint32_t own;	 /* [ticks] median of the same */
};

/* Takes a tenth of a second. */
void timer_init(struct timer *timer);

/* The system's clock, for long stretches. */
double timer_now_ns(void);

static inline uint64_t timer_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#else
	return (uint64_t)timer_now_ns();
#endif
}

/* Ticks since a start; what does not fit is a second or more. */
static inline uint32_t timer_since(uint64_t start)
{
	const uint64_t ticks = timer_ticks() - start;

	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

#endif
