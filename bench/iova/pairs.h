/* SPDX-License-Identifier: MIT */
/*
 * Pairs of an allocation and a free, a few nanoseconds each: too short to be timed alone, so the
 * time of many is divided. Inlined with the functions that are timed, so that they are called as a
 * program calls them.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <phyr/iova.h>

#include "../bench.h"
#include "timer.h"

/* Ranges that are out at a time, as requests on a ring. */
#define PAIRS_DEPTH 256

typedef int pairs_alloc_fn(void *from, uint64_t len, struct phyr_iova_range *ret_range);
typedef int pairs_free_fn(void *from, struct phyr_iova_range range);

#define PAIRS_INLINE static inline __attribute__((always_inline))

/* What comes goes at once. [ns] a pair. */
PAIRS_INLINE double pairs_hot(void *from, pairs_alloc_fn *alloc, pairs_free_fn *give, uint64_t len,
			      size_t cnt)
{
	const double start_ns = timer_now_ns();
	int err = 0;

	for (size_t i = 0; i < cnt; i++) {
		struct phyr_iova_range range = { 0 };

		err |= alloc(from, len, &range);
		err |= give(from, range);
	}
	bench_require(!err);
	return (timer_now_ns() - start_ns) / (double)cnt;
}

/* The slots of a ring in the order in which they come and go; 65,536 and over again. */
struct pairs_order {
	uint8_t slots[1 << 16];
};

/* The oldest goes. */
static inline void pairs_in_order(struct pairs_order *order)
{
	for (size_t i = 0; i < sizeof(order->slots); i++)
		order->slots[i] = (uint8_t)i;
}

/* Any of them goes. */
static inline void pairs_at_random(struct pairs_order *order)
{
	uint64_t random = 1;

	for (size_t i = 0; i < sizeof(order->slots); i++)
		order->slots[i] = (uint8_t)bench_random(&random);
}

/* PAIRS_DEPTH are out; one goes, one comes. [ns] a pair. */
PAIRS_INLINE double pairs_ring(void *from, pairs_alloc_fn *alloc, pairs_free_fn *give, uint64_t len,
			       const struct pairs_order *order, size_t cnt)
{
	struct phyr_iova_range ring[PAIRS_DEPTH];
	double start_ns, ns;
	int err = 0;

	for (size_t i = 0; i < PAIRS_DEPTH; i++)
		err |= alloc(from, len, &ring[i]);
	start_ns = timer_now_ns();
	for (size_t i = 0; i < cnt; i++) {
		struct phyr_iova_range *range = &ring[order->slots[i % sizeof(order->slots)]];

		err |= give(from, *range);
		err |= alloc(from, len, range);
	}
	ns = timer_now_ns() - start_ns;
	for (size_t i = 0; i < PAIRS_DEPTH; i++)
		err |= give(from, ring[i]);
	bench_require(!err);
	return ns / (double)cnt;
}

/* The library's cache, and the space itself, in the form that the loops call. */
PAIRS_INLINE int pairs_cache_alloc(void *from, uint64_t len, struct phyr_iova_range *ret_range)
{
	return phyr_iova_cache_alloc(from, len, ret_range);
}

PAIRS_INLINE int pairs_cache_free(void *from, struct phyr_iova_range range)
{
	return phyr_iova_cache_free(from, range);
}

PAIRS_INLINE int pairs_space_alloc(void *from, uint64_t len, struct phyr_iova_range *ret_range)
{
	return phyr_iova_alloc(from, len, NULL, ret_range);
}

PAIRS_INLINE int pairs_space_free(void *from, struct phyr_iova_range range)
{
	return phyr_iova_free(from, range);
}

#endif
