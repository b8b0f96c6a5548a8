/* SPDX-License-Identifier: MIT */
/*
 * The guard of a shared table: a lock, and in checked builds the calls in flight.
 *
 * One lock, and not one for each table page: no table is left empty here, so unlinking contends with
 * linking at every level, and a call is short. Calls are noted before they wait for it, so that an
 * overlap is seen whoever comes first.
 */
#include "guard.h"

#include <string.h>

#include "../../src/base/check.h"
#include "../../src/base/lock.h"

/* More calls at once are not looked at. */
#define FLIGHT_CNT 16

struct phyrsim_guard {
	struct phyr_lock lock;	/* of the table */
	struct phyr_lock noted; /* of what follows; taken alone, for a few steps */
	struct phyrsim_flight flights[FLIGHT_CNT];
	bool used[FLIGHT_CNT];
};

struct phyrsim_guard *phyrsim_guard_create(const struct phyr_mem *mem)
{
	struct phyrsim_guard *guard = mem->alloc(mem->ctx, sizeof(*guard));

	if (guard)
		memset(guard, 0, sizeof(*guard));
	return guard;
}

void phyrsim_guard_destroy(const struct phyr_mem *mem, struct phyrsim_guard *guard)
{
	if (guard)
		mem->free(mem->ctx, guard, sizeof(*guard));
}

/* Calls without addresses overlap with none, though their ends lie inside of a call at 0. */
static bool clash(const struct phyrsim_flight *a, const struct phyrsim_flight *b)
{
	if (a->span.first > a->span.last || b->span.first > b->span.last)
		return false;
	return (a->writes || b->writes) && a->span.first <= b->span.last &&
	       b->span.first <= a->span.last;
}

static void note(struct phyrsim_guard *guard, struct phyrsim_flight *flight)
{
	flight->at = FLIGHT_CNT;
	phyr_lock_take(&guard->noted);
	for (unsigned int i = 0; i < FLIGHT_CNT; i++) {
		if (!guard->used[i])
			flight->at = i;
		else
			PHYR_ASSERT(!clash(&guard->flights[i], flight));
	}
	if (flight->at < FLIGHT_CNT) {
		guard->flights[flight->at] = *flight;
		guard->used[flight->at] = true;
	}
	phyr_lock_give(&guard->noted);
}

static void forget(struct phyrsim_guard *guard, const struct phyrsim_flight *flight)
{
	phyr_lock_take(&guard->noted);
	if (flight->at < FLIGHT_CNT)
		guard->used[flight->at] = false;
	phyr_lock_give(&guard->noted);
}

void phyrsim_guard_enter(struct phyrsim_guard *guard, struct phyrsim_flight *flight)
{
	if (PHYR_CHECKS >= 1)
		note(guard, flight);
	phyr_lock_take(&guard->lock);
}

void phyrsim_guard_leave(struct phyrsim_guard *guard, const struct phyrsim_flight *flight)
{
	phyr_lock_give(&guard->lock);
	if (PHYR_CHECKS >= 1)
		forget(guard, flight);
}

static int guarded_map(struct phyrsim_pagetable *table, struct phyrsim_span span,
		       const struct phyr_range *runs, size_t run_cnt, struct phyrsim_use use)
{
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, true, &flight);
	err = table->ops->calls.map(table, span, runs, run_cnt, use);
	phyrsim_leave(table, &flight);
	return err;
}

static int guarded_map_pages(struct phyrsim_pagetable *table, struct phyrsim_span span,
			     const uint64_t *words, struct phyrsim_use use)
{
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, true, &flight);
	err = table->ops->calls.map_pages(table, span, words, use);
	phyrsim_leave(table, &flight);
	return err;
}

static int guarded_unmap(struct phyrsim_pagetable *table, struct phyrsim_span span,
			 struct phyr_gather *gather)
{
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, true, &flight);
	err = table->ops->calls.unmap(table, span, gather);
	phyrsim_leave(table, &flight);
	return err;
}

static int guarded_protect(struct phyrsim_pagetable *table, struct phyrsim_span span,
			   struct phyrsim_use use, struct phyr_gather *gather)
{
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, true, &flight);
	err = table->ops->calls.protect(table, span, use, gather);
	phyrsim_leave(table, &flight);
	return err;
}

static int guarded_next(const struct phyrsim_pagetable *table, struct phyrsim_span span,
			struct phyrsim_leaf *ret_leaf)
{
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, false, &flight);
	err = table->ops->calls.next(table, span, ret_leaf);
	phyrsim_leave(table, &flight);
	return err;
}

static int guarded_mark(struct phyrsim_pagetable *table, uint64_t at, bool write)
{
	struct phyrsim_span span = { at, at };
	struct phyrsim_flight flight;
	int err;

	phyrsim_enter(table, span, false, &flight);
	err = table->ops->calls.mark(table, at, write);
	phyrsim_leave(table, &flight);
	return err;
}

const struct phyrsim_calls phyrsim_guarded_calls = {
	.map = guarded_map,
	.map_pages = guarded_map_pages,
	.unmap = guarded_unmap,
	.protect = guarded_protect,
	.next = guarded_next,
	.mark = guarded_mark,
};
