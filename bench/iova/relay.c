/* SPDX-License-Identifier: MIT */
/*
 * Ranges change hands in batches, so that what is timed is the allocator, not a queue. A batch is
 * copied before the clock starts: what the other thread wrote is then in this one's cache.
 */
#define _POSIX_C_SOURCE 200809L

#include "relay.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "../bench.h"
#include "timer.h"

struct relay {
	struct phyr_iova_space *space;
	struct relay_load load;
	bool both; /* the batch of this round and the one before are worked on at once */
	struct phyr_iova_range batches[2][RELAY_BATCH_MAX];
	struct phyr_iova_range copy[RELAY_BATCH_MAX];
	/* Batches so far. Threads that wait spin: waking one takes longer than a small batch. */
	alignas(64) atomic_size_t made;
	alignas(64) atomic_size_t copied;
	alignas(64) atomic_size_t gone;
	double alloc_ns;
	double free_ns;
};

static struct relay the_relay;

static void wait_for(atomic_size_t *batch_cnt, size_t least)
{
	while (atomic_load_explicit(batch_cnt, memory_order_acquire) < least)
		sched_yield();
}

static void count(atomic_size_t *batch_cnt)
{
	atomic_fetch_add_explicit(batch_cnt, 1, memory_order_release);
}

static double take_batch(struct phyr_iova_cache *cache, struct relay_load load,
			 struct phyr_iova_range *batch)
{
	const double start_ns = timer_now_ns();
	int err = 0;

	for (size_t i = 0; i < load.batch_cnt; i++)
		err |= phyr_iova_cache_alloc(cache, load.len, &batch[i]);
	bench_require(!err);
	return timer_now_ns() - start_ns;
}

static double give_batch(struct phyr_iova_cache *cache, struct relay_load load,
			 const struct phyr_iova_range *batch)
{
	const double start_ns = timer_now_ns();
	int err = 0;

	for (size_t i = 0; i < load.batch_cnt; i++)
		err |= phyr_iova_cache_free(cache, batch[i]);
	err |= phyr_iova_cache_drain(cache);
	bench_require(!err);
	return timer_now_ns() - start_ns;
}

static struct phyr_iova_cache *cache_create(struct phyr_iova_space *space)
{
	struct phyr_iova_cache *cache;
	const int err = phyr_iova_cache_create(space, NULL, &cache);

	bench_require(err == PHYR_OK);
	return cache;
}

static void *give_all(void *arg)
{
	struct relay *relay = arg;
	struct phyr_iova_cache *cache = cache_create(relay->space);

	for (size_t round = 0; round < relay->load.round_cnt; round++) {
		double ns;

		wait_for(&relay->made, round + 1);
		memcpy(relay->copy, relay->batches[round % 2],
		       relay->load.batch_cnt * sizeof(*relay->copy));
		count(&relay->copied);
		ns = give_batch(cache, relay->load, relay->copy);
		relay->free_ns += round ? ns : 0;
		count(&relay->gone);
	}
	phyr_iova_cache_destroy(cache);
	return NULL;
}

static void take_all(struct relay *relay)
{
	struct phyr_iova_cache *cache = cache_create(relay->space);

	for (size_t round = 0; round < relay->load.round_cnt; round++) {
		double ns;

		/* Of two batches one may still lie there. */
		if (relay->both && round >= 2)
			wait_for(&relay->copied, round - 1);
		if (!relay->both)
			wait_for(&relay->gone, round);
		ns = take_batch(cache, relay->load, relay->batches[round % 2]);
		relay->alloc_ns += round ? ns : 0;
		count(&relay->made);
	}
	phyr_iova_cache_destroy(cache);
}

/* Returns what all of it took. */
static double run(struct relay *relay, bool both)
{
	const double start_ns = timer_now_ns();
	pthread_t thread;
	int err;

	relay->both = both;
	relay->alloc_ns = relay->free_ns = 0;
	relay->made = relay->copied = relay->gone = 0;
	err = pthread_create(&thread, NULL, give_all, relay);
	bench_require(!err);
	take_all(relay);
	pthread_join(thread, NULL);
	return timer_now_ns() - start_ns;
}

struct relay_times relay(struct phyr_iova_space *space, struct relay_load load)
{
	const double call_cnt = (double)(load.round_cnt - 1) * (double)load.batch_cnt;
	struct relay *relay = &the_relay;
	struct relay_times times;

	bench_require(load.round_cnt > 1 && load.batch_cnt <= RELAY_BATCH_MAX);
	relay->space = space;
	relay->load = load;
	run(relay, false);
	times.alloc_ns = relay->alloc_ns / call_cnt;
	times.free_ns = relay->free_ns / call_cnt;
	times.both_ns = run(relay, true) / ((double)load.round_cnt * (double)load.batch_cnt);
	return times;
}
