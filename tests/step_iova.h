/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Threads that take and give back I/O addresses through caches, in every order of steps with
 *        few preemptions, and what must hold whatever they do.
 *
 * At every step no granule has two holders, and none that is held is free to its cache. In the end,
 * all given back and all caches drained, the space is empty, every wrong free has been counted as
 * refused, once, and no memory is left.
 *
 * A range that two give back at once is handed out once more, or twice when one of the frees came
 * so late that it may be meant for the new holder: that nobody can tell from a right one.
 *
 * This has the code under test in it: none of its other parts takes such steps.
 */
#ifndef PHYR_STEP_IOVA_H
#define PHYR_STEP_IOVA_H

#include "step.h"

#define PHYR_STEP(word) step_at(word)

#include "../src/iova/audit.c"
#include "../src/iova/cache.c"
#include "../src/iova/lock.c"
#include "../src/iova/refill.c"
#include "../src/iova/strip.c"

#define GRANULES 1024
#define CACHES 2
#define RANGES 8

/*
 * What threads do is said in words: who, a cache, A or B, or the space, S; and then
 *
 *	+2:32	takes 32 granules, from now on range 2
 *	-2	is given range 2 back
 *	<2	is given it back, and drained
 *	~	is drained
 *	!	is destroyed
 *
 * Nothing is done with a range that could not be taken.
 */
struct scenario {
	const char *name;
	unsigned int preemptions_max;
	uint64_t granules;  /* of the space */
	bool wrong;	    /* ranges are given back twice */
	const char *before; /* alone */
	const char *acts[STEP_THREADS];
};

/* A free that has begun; `counted` when the range was held then and is not since. */
struct giving {
	struct phyr_iova_range range;
	bool active;
	bool counted;
	bool meets;	     /* another free of the range, or it may be right */
	bool baseless;	     /* it was accepted, and nobody is known to have held the range */
	uint64_t doubled_at; /* it was accepted at this step, and another as well */
};

/* MAYBE: handed out, and a wrong free was accepted since or just before. */
enum holding { FREED, MAYBE, HELD };

static struct {
	const struct scenario *scenario;
	struct phyr_mem mem;
	size_t mem_cnt;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *caches[CACHES];
	struct phyr_iova_range ranges[RANGES]; /* no length: not taken */
	enum holding holding[GRANULES];
	struct giving givings[STEP_THREADS + 1]; /* the last is who is alone */
	uint64_t allocs, frees;
	uint64_t refused;
} world;

static void *count_alloc(void *ctx, size_t size)
{
	void *ptr = malloc(size);

	(void)ctx;
	step_note(ptr, "the machine has no memory");
	memset(ptr, 0xa5, size);
	world.mem_cnt++;
	return ptr;
}

static void count_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	memset(ptr, 0x5a, size);
	world.mem_cnt--;
	free(ptr);
}

static bool same(struct phyr_iova_range a, struct phyr_iova_range b)
{
	return a.iova.addr == b.iova.addr && a.len == b.len;
}

/* The least that is known of its granules: no range lies over part of another. */
static enum holding holding_of(struct phyr_iova_range range)
{
	uint64_t first = range.iova.addr / PHYR_PAGE_SIZE;
	enum holding least = HELD, most = FREED;

	step_note(first + range.len / PHYR_PAGE_SIZE <= world.scenario->granules,
		  "a range lies outside the space");
	for (uint64_t i = 0; i < range.len / PHYR_PAGE_SIZE; i++) {
		enum holding holding = world.holding[first + i];

		least = holding < least ? holding : least;
		most = holding > most ? holding : most;
	}
	step_note(least == most, "a range lies over part of another");
	return least;
}

static void hold(struct phyr_iova_range range, enum holding holding)
{
	uint64_t first = range.iova.addr / PHYR_PAGE_SIZE;

	for (uint64_t i = 0; i < range.len / PHYR_PAGE_SIZE; i++)
		world.holding[first + i] = holding;
}

/* Another free of the same range that has begun, counted or not; NULL if there is none. */
static struct giving *other_giving(const struct giving *giving, struct phyr_iova_range range,
				   bool counted)
{
	for (unsigned int i = 0; i < CNT(world.givings); i++) {
		struct giving *other = &world.givings[i];

		if (other != giving && other->active && other->counted == counted &&
		    same(other->range, range))
			return other;
	}
	return NULL;
}

/* A request that began at a step hands out a range. */
static void took(struct phyr_iova_range range, uint64_t began_at)
{
	struct giving *giving = other_giving(NULL, range, false);
	enum holding holding = HELD;

	world.allocs++;
	/* It was given back by a free that is under way, or by none. */
	if (holding_of(range) == HELD) {
		step_note(giving, "a range has two holders");
		giving->counted = true;
	}
	for (unsigned int i = 0; i < CNT(world.givings); i++) {
		giving = &world.givings[i];
		if (giving->doubled_at <= began_at || !same(giving->range, range))
			continue;
		giving->baseless = false;
		holding = MAYBE;
	}
	hold(range, holding);
}

static void begin_giving(struct giving *giving, struct phyr_iova_range range)
{
	giving->meets = holding_of(range) == MAYBE;
	for (unsigned int i = 0; i < CNT(world.givings); i++)
		if (world.givings[i].active && same(world.givings[i].range, range))
			giving->meets = world.givings[i].meets = true;
	world.frees++;
	giving->range = range;
	giving->active = true;
	giving->counted = holding_of(range) == HELD;
	giving->baseless = false;
	giving->doubled_at = 0;
	hold(range, FREED);
}

/* Which of several frees was the right one is known when they are back, if at all. */
static void end_giving(struct giving *giving, int err)
{
	bool counted = giving->counted;
	struct giving *other = other_giving(giving, giving->range, err == PHYR_OK);

	giving->active = false;
	step_note(err == PHYR_OK || err == PHYR_E_NOENT, "a free fails for another reason");
	step_note(err == PHYR_OK || world.scenario->wrong, "a right free is refused");
	if (err != PHYR_OK && counted) {
		step_note(other, "all frees of a range are refused");
		other->counted = true;
	} else if (err == PHYR_OK && !counted && holding_of(giving->range) != FREED) {
		hold(giving->range, MAYBE);
	} else if (err == PHYR_OK && !counted && other) {
		other->counted = false;
	} else if (err == PHYR_OK && !counted) {
		giving->baseless = !giving->meets;
		giving->doubled_at = stepper.steps;
	}
}

static void give(unsigned int thread, struct phyr_iova_cache *cache, unsigned int number,
		 bool drains)
{
	struct phyr_iova_range range = world.ranges[number];
	struct giving *giving = &world.givings[thread];
	int err;

	if (range.len == 0)
		return;
	/* Who is right forgets it. */
	if (!world.scenario->wrong)
		world.ranges[number].len = 0;
	begin_giving(giving, range);
	if (cache)
		err = phyr_iova_cache_free(cache, range);
	else
		err = phyr_iova_free(world.space, range);
	if (drains && !err) {
		err = phyr_iova_cache_drain(cache);
		/* The space has counted it as well. */
		world.refused -= err != PHYR_OK;
	}
	end_giving(giving, err);
}

static void take(struct phyr_iova_cache *cache, unsigned int number, uint64_t granules)
{
	uint64_t len = granules * PHYR_PAGE_SIZE;
	struct phyr_iova_range range = { 0 };
	uint64_t began_at = stepper.steps;
	int err;

	if (cache)
		err = phyr_iova_cache_alloc(cache, len, &range);
	else
		err = phyr_iova_alloc(world.space, len, NULL, &range);
	step_note(err == PHYR_OK || err == PHYR_E_NOSPACE, "a request fails for another reason");
	if (!err) {
		step_note(range.len == len, "a range has another length");
		took(range, began_at);
	}
	world.ranges[number] = range;
}

static void destroy(unsigned int cache)
{
	struct phyr_iova_cache_stats stats;

	if (!world.caches[cache])
		return;
	phyr_iova_cache_stats(world.caches[cache], &stats);
	world.refused += stats.refused_cnt;
	phyr_iova_cache_destroy(world.caches[cache]);
	world.caches[cache] = NULL;
}

static void do_acts(unsigned int thread, const char *acts)
{
	while (*acts) {
		unsigned int c = (unsigned int)(*acts++ - 'A');
		struct phyr_iova_cache *cache = c < CACHES ? world.caches[c] : NULL;
		char verb = *acts++;
		unsigned int number = 0;

		if (*acts >= '0' && *acts < '0' + RANGES)
			number = (unsigned int)(*acts++ - '0');
		if (verb == '+') {
			char *rest;
			uint64_t granules = strtoull(acts + 1, &rest, 10);

			acts = rest;
			take(cache, number, granules);
		} else if (verb == '-' || verb == '<') {
			give(thread, cache, number, verb == '<');
		} else if (verb == '~') {
			step_note(phyr_iova_cache_drain(cache) == PHYR_OK, "a free is refused");
		} else {
			destroy(c);
		}
		acts += *acts == ' ';
	}
}

static void act(unsigned int thread)
{
	do_acts(thread, world.scenario->acts[thread]);
}

/* No range that is held, and that nobody is giving back, is free to a cache. */
static void look_at(const struct phyr_iova_cache *cache, struct phyr_iova_range range)
{
	uint64_t granule = range.iova.addr / PHYR_PAGE_SIZE;
	unsigned int slot;

	for (const struct strip *strip = cache->all; strip; strip = strip->all_next) {
		uintptr_t bits;

		if (granule - strip->first >= strip->len)
			continue;
		step_note(strip_slot(strip, range.iova.addr, &slot),
			  "a range is none of its strip");
		bits = strip->free[slot / SLOT_BITS] | strip->away[slot / SLOT_BITS];
		step_note(!(bits >> slot % SLOT_BITS & 1), "a range is held and free");
	}
}

static void look(void)
{
	for (unsigned int i = 0; i < RANGES; i++) {
		struct phyr_iova_range range = world.ranges[i];

		if (range.len == 0 || world.holding[range.iova.addr / PHYR_PAGE_SIZE] != HELD ||
		    other_giving(NULL, range, false) || other_giving(NULL, range, true))
			continue;
		for (unsigned int c = 0; c < CACHES; c++)
			if (world.caches[c])
				look_at(world.caches[c], range);
	}
}

static void begin(const struct scenario *scenario)
{
	struct phyr_iova_params params = { 0 };

	memset(&world, 0, sizeof(world));
	world.scenario = scenario;
	world.mem = (struct phyr_mem){ .alloc = count_alloc, .free = count_free };
	params.mem = &world.mem;
	params.window.last.addr = scenario->granules * PHYR_PAGE_SIZE - 1;
	stepper.running = stepper.cnt = 0;
	assert_int_equal(phyr_iova_create(&params, &world.space), PHYR_OK);
	for (unsigned int c = 0; c < CACHES; c++)
		assert_int_equal(phyr_iova_cache_create(world.space, NULL, &world.caches[c]),
				 PHYR_OK);
	do_acts(STEP_THREADS, scenario->before);
}

static void give_all_back(void)
{
	for (unsigned int i = 0; i < RANGES; i++) {
		struct phyr_iova_range range = world.ranges[i];
		enum holding holding = range.len ? holding_of(range) : FREED;
		int err;

		if (holding == FREED)
			continue;
		world.frees++;
		hold(range, FREED);
		err = phyr_iova_free(world.space, range);
		step_note(err == PHYR_OK || holding == MAYBE, "a range that is held is not live");
	}
}

static void close_caches(void)
{
	const char *reason = NULL;

	for (unsigned int c = 0; c < CACHES; c++) {
		struct phyr_iova_cache *cache = world.caches[c];
		bool valid;

		/* What was wrongly given back by two at once is free twice until then. */
		if (cache)
			phyr_cache_collect(cache);
		valid = !cache || phyr_iova_cache_validate(cache, &reason);
		step_note(valid, reason);
		step_note(!cache || phyr_iova_cache_drain(cache) == PHYR_OK, "a free is refused");
		step_note(!cache || !cache->all, "a strip is not drained");
		destroy(c);
	}
}

static void end(void)
{
	const char *reason = NULL;
	struct phyr_iova_stats stats;
	bool valid;

	for (unsigned int i = 0; i < CNT(world.givings); i++)
		step_note(!world.givings[i].baseless, "a free of what nobody holds is accepted");
	give_all_back();
	close_caches();
	valid = phyr_iova_validate(world.space, &reason);
	step_note(valid, reason);
	phyr_iova_stats(world.space, &stats);
	step_note(stats.live_cnt == 0 && stats.live_len == 0, "a range is lost");
	step_note(stats.cached_len == 0, "a strip is lost");
	step_note(world.refused + stats.refused_cnt == world.frees - world.allocs,
		  "wrong frees are miscounted");
	phyr_iova_destroy(world.space);
	step_note(world.mem_cnt == 0, "memory is lost");
}

static void explore(const struct scenario *scenario)
{
	unsigned int threads = 0;

	while (threads < STEP_THREADS && scenario->acts[threads])
		threads++;
	step_begin(scenario->name, scenario->preemptions_max, look);
	do {
		begin(scenario);
		step_run(threads, act, &world.space->lock.word);
		if (!stepper.wrong)
			end();
		if (stepper.wrong)
			fail_msg("%s", stepper.wrong);
	} while (step_next());
	print_message("%llu schedules\n", (unsigned long long)stepper.runs);
}

#endif
