/* SPDX-License-Identifier: MIT */
/*
 * Threads that take I/O addresses and threads that give them back: some take through caches of
 * their own, which they now and then destroy with ranges out; others give back through other caches
 * or to the space, and now and then wrongly; one looks on. No granule is ever out twice, and in the
 * end, all caches drained, the space is empty.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of requests of a
 * thread. Under the thread sanitizer, which finds what a wrong result does not show:
 *
 *	CC=clang meson setup build-tsan --buildtype=debugoptimized -Db_sanitize=thread \
 *	    -Db_lundef=false -Dfuzz=off && meson test -C build-tsan --suite stress
 *
 * Not here: which address is handed out (test_iova_cache.c, prop_iova.c).
 */
#include <pthread.h>
#include <sched.h>

#include <phyr/iova.h>

#include "stress.h"

#define TAKERS 3
#define GIVERS 2
/** Granules of the space: few enough for no space to be left at times. */
#define GRANULES 16384
/** Ranges on their way from takers to givers. */
#define QUEUE_MAX 512

struct queue {
	pthread_mutex_t mutex;
	struct phyr_iova_range ranges[QUEUE_MAX];
	size_t cnt;
	bool closed; /* nothing is added any more */
};

struct world {
	struct stress stress;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *caches[TAKERS + GIVERS];
	struct queue queue;
	uint64_t requests;	      /* of each taker */
	atomic_uchar owned[GRANULES]; /* 1: out */
	atomic_uint_fast64_t taken_cnt;
	atomic_uint_fast64_t wrong_cnt;	  /* wrong frees */
	atomic_uint_fast64_t refused_cnt; /* and those that were refused, in caches destroyed */
};

struct actor {
	struct world *w;
	unsigned int cache;
	uint64_t random;
};

/* Marks a range as out or in; whatever it was before was the opposite. */
static void mark(struct world *w, struct phyr_iova_range range, bool out)
{
	uint64_t first = range.iova.addr / PHYR_PAGE_SIZE;
	uint64_t cnt = range.len / PHYR_PAGE_SIZE;

	note(&w->stress, first + cnt <= GRANULES, "a range outside the space");
	for (uint64_t i = first; i < first + cnt && i < GRANULES; i++)
		note(&w->stress, atomic_exchange(&w->owned[i], out) != out,
		     out ? "a granule is out twice" : "a granule that is not out");
}

static bool push(struct queue *queue, struct phyr_iova_range range)
{
	bool room;

	pthread_mutex_lock(&queue->mutex);
	room = queue->cnt < QUEUE_MAX;
	if (room)
		queue->ranges[queue->cnt++] = range;
	pthread_mutex_unlock(&queue->mutex);
	return room;
}

/* False when there is nothing now; ret_end when there will never be. */
static bool pop(struct queue *queue, struct phyr_iova_range *ret_range, bool *ret_end)
{
	bool found;

	pthread_mutex_lock(&queue->mutex);
	found = queue->cnt > 0;
	if (found)
		*ret_range = queue->ranges[--queue->cnt];
	*ret_end = !found && queue->closed;
	pthread_mutex_unlock(&queue->mutex);
	return found;
}

/* Each placement is another one: below, above, anywhere and aligned. */
static void open_cache(struct world *w, unsigned int cache)
{
	struct phyr_placement placement = phyr_placement_any();

	if (cache == 0)
		placement.window.last.addr = GRANULES / 2 * PHYR_PAGE_SIZE - 1;
	if (cache == 1)
		placement.phase_lg2 = PHYR_PAGE_LG2 + 1;
	note(&w->stress, phyr_iova_cache_create(w->space, &placement, &w->caches[cache]) == PHYR_OK,
	     "a cache cannot be made");
}

static void close_cache(struct world *w, unsigned int cache)
{
	struct phyr_iova_cache_stats stats;

	note(&w->stress, phyr_iova_cache_validate(w->caches[cache], NULL), "a cache is damaged");
	/* What is wrong among the last notes is counted by nobody when it is destroyed. */
	(void)!phyr_iova_cache_drain(w->caches[cache]);
	phyr_iova_cache_stats(w->caches[cache], &stats);
	atomic_fetch_add(&w->refused_cnt, stats.refused_cnt);
	phyr_iova_cache_destroy(w->caches[cache]);
}

/* No length of part of a granule can ever be right: noted or refused, it is counted. */
static void give_wrongly(struct actor *a, struct phyr_iova_range range)
{
	struct world *w = a->w;
	int err;

	range.len -= 1 + test_random(&a->random) % (PHYR_PAGE_SIZE - 1);
	atomic_fetch_add(&w->wrong_cnt, 1);
	if (test_random(&a->random) % 2) {
		err = phyr_iova_cache_free(w->caches[a->cache], range);
		note(&w->stress, err == PHYR_OK || err == PHYR_E_PARTIAL,
		     "a wrong free through a cache");
		return;
	}
	err = phyr_iova_free(w->space, range);
	atomic_fetch_add(&w->refused_cnt, 1);
	note(&w->stress, err == PHYR_E_PARTIAL, "a wrong free of a space");
}

static void give(struct actor *a, struct phyr_iova_range range)
{
	struct world *w = a->w;
	int err;

	if (test_random(&a->random) % 64 == 0)
		give_wrongly(a, range);
	mark(w, range, false);
	if (test_random(&a->random) % 8)
		err = phyr_iova_cache_free(w->caches[a->cache], range);
	else
		err = phyr_iova_free(w->space, range);
	note(&w->stress, err == PHYR_OK, "a right free is refused");
}

static void take(struct actor *a)
{
	static const uint64_t limits[] = { 1, 1, 4, 16, 80 };
	struct world *w = a->w;
	uint64_t limit = limits[test_random(&a->random) % CNT(limits)];
	uint64_t len = (1 + test_random(&a->random) % limit) * PHYR_PAGE_SIZE;
	struct phyr_iova_range range;
	int err;

	if (test_random(&a->random) % 16)
		err = phyr_iova_cache_alloc(w->caches[a->cache], len, &range);
	else
		err = phyr_iova_alloc(w->space, len, NULL, &range);
	if (err != PHYR_OK) {
		note(&w->stress, err == PHYR_E_NOSPACE,
		     "a request fails for want of something else");
		sched_yield();
		return;
	}
	note(&w->stress, range.len == len, "another length");
	atomic_fetch_add(&w->taken_cnt, 1);
	mark(w, range, true);
	if (!push(&w->queue, range))
		give(a, range);
}

static void *taker(void *arg)
{
	struct actor *a = arg;

	for (uint64_t i = 1; i <= a->w->requests; i++) {
		take(a);
		if (i % 1000 == 0) {
			close_cache(a->w, a->cache);
			open_cache(a->w, a->cache);
		}
	}
	return NULL;
}

static void *giver(void *arg)
{
	struct actor *a = arg;
	struct phyr_iova_range range;
	bool end = false;

	while (!end) {
		if (pop(&a->w->queue, &range, &end))
			give(a, range);
		else
			sched_yield();
		/* As when a ring rests: the takers need what has been noted. */
		if (test_random(&a->random) % 512 == 0)
			(void)!phyr_iova_cache_drain(a->w->caches[a->cache]);
	}
	return NULL;
}

static bool is_closed(struct queue *queue)
{
	bool closed;

	pthread_mutex_lock(&queue->mutex);
	closed = queue->closed;
	pthread_mutex_unlock(&queue->mutex);
	return closed;
}

/* What is told while others are at work is of some moment, but never nonsense. */
static void *watcher(void *arg)
{
	struct actor *a = arg;
	struct world *w = a->w;
	struct phyr_iova_stats stats;
	struct phyr_iova_range range;

	while (!is_closed(&w->queue)) {
		uint64_t from = test_random(&a->random) % (GRANULES * PHYR_PAGE_SIZE);

		phyr_iova_stats(w->space, &stats);
		note(&w->stress, stats.live_len + stats.largest_len <= GRANULES * PHYR_PAGE_SIZE,
		     "more is live and free than there is");
		if (phyr_iova_next(w->space, phyr_iova_at(from), &range))
			note(&w->stress, range.len && range.iova.addr + (range.len - 1) >= from,
			     "a live range that ends below");
		if (phyr_iova_next_hole(w->space, phyr_iova_at(from), &range))
			note(&w->stress, range.len && range.iova.addr + (range.len - 1) >= from,
			     "a hole that ends below");
		note(&w->stress, phyr_iova_validate(w->space, NULL), "the space is damaged");
		sched_yield();
	}
	return NULL;
}

static void world_begin(struct world *w)
{
	struct phyr_iova_params params = { 0 };

	stress_begin(&w->stress);
	w->requests = test_number("PHYR_ITER", 30000);
	params.mem = &w->stress.mem;
	params.window.last.addr = GRANULES * PHYR_PAGE_SIZE - 1;
	assert_int_equal(phyr_iova_create(&params, &w->space), PHYR_OK);
	assert_int_equal(pthread_mutex_init(&w->queue.mutex, NULL), 0);
	for (unsigned int c = 0; c < TAKERS + GIVERS; c++)
		open_cache(w, c);
}

/* The last actor has no cache: it looks on. */
static void run(struct world *w)
{
	struct actor actors[TAKERS + GIVERS + 1];
	pthread_t threads[CNT(actors)];

	for (unsigned int i = 0; i < CNT(actors); i++) {
		void *(*act)(void *) = i < TAKERS ? taker : i < TAKERS + GIVERS ? giver : watcher;

		actors[i].w = w;
		actors[i].cache = i;
		actors[i].random = test_number("PHYR_SEED", 1) * (i + 1) | 1;
		assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
	}
	for (unsigned int i = 0; i < TAKERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_mutex_lock(&w->queue.mutex);
	w->queue.closed = true;
	pthread_mutex_unlock(&w->queue.mutex);
	for (unsigned int i = TAKERS; i < CNT(actors); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void expect_empty(struct world *w)
{
	const char *reason = NULL;
	struct phyr_iova_stats stats;
	struct phyr_iova_range range;

	if (!phyr_iova_validate(w->space, &reason))
		fail_msg("%s", reason);
	phyr_iova_stats(w->space, &stats);
	assert_int_equal(stats.live_len, 0);
	assert_int_equal(stats.live_cnt, 0);
	assert_int_equal(stats.cached_len, 0);
	assert_int_equal(stats.largest_len, GRANULES * PHYR_PAGE_SIZE);
	assert_false(phyr_iova_next(w->space, phyr_iova_at(0), &range));
	for (size_t i = 0; i < GRANULES; i++)
		assert_int_equal(atomic_load(&w->owned[i]), 0);
}

static void what_threads_take_is_theirs_alone_and_comes_back(void **state)
{
	static struct world w;

	(void)state;
	world_begin(&w);
	run(&w);
	for (unsigned int c = 0; c < TAKERS + GIVERS; c++)
		close_cache(&w, c);
	stress_expect(&w.stress);
	assert_true(atomic_load(&w.taken_cnt) > w.requests);
	assert_int_equal(atomic_load(&w.refused_cnt), atomic_load(&w.wrong_cnt));
	expect_empty(&w);
	phyr_iova_destroy(w.space);
	assert_int_equal(atomic_load(&w.stress.live_cnt), 0);
	assert_int_equal(pthread_mutex_destroy(&w.queue.mutex), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_threads_take_is_theirs_alone_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
