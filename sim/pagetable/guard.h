/* SPDX-License-Identifier: MIT */
/*
 * One call at a time on a table that threads share. In checked builds also: who is in a call, with which
 * range; two that overlap, one of which writes, stop the program, as their outcome would be chance.
 *
 * A table that is not shared has no guard. Its calls go straight to the format; what calls enter here
 * are longer ones.
 */
#ifndef PHYRSIM_PAGETABLE_GUARD_H
#define PHYRSIM_PAGETABLE_GUARD_H

#include "table.h"

/* A call that has begun. */
struct phyrsim_flight {
	struct phyrsim_span span;
	bool writes;
	unsigned int at; /* its place among those that are noted */
};

/* Those of any format, each in a guard. */
extern const struct phyrsim_calls phyrsim_guarded_calls;

struct phyrsim_guard *phyrsim_guard_create(const struct phyr_mem *mem);
void phyrsim_guard_destroy(const struct phyr_mem *mem, struct phyrsim_guard *guard);
void phyrsim_guard_enter(struct phyrsim_guard *guard, struct phyrsim_flight *flight);
void phyrsim_guard_leave(struct phyrsim_guard *guard, const struct phyrsim_flight *flight);

/* No addresses: for calls that are about the table as a whole, and change no translation. */
static inline struct phyrsim_span phyrsim_span_none(void)
{
	struct phyrsim_span none = { 1, 0 };

	return none;
}

static inline void phyrsim_enter(const struct phyrsim_pagetable *table, struct phyrsim_span span,
				 bool writes, struct phyrsim_flight *flight)
{
	if (!table->guard)
		return;
	flight->span = span;
	flight->writes = writes;
	phyrsim_guard_enter(table->guard, flight);
}

static inline void phyrsim_leave(const struct phyrsim_pagetable *table,
				 const struct phyrsim_flight *flight)
{
	if (table->guard)
		phyrsim_guard_leave(table->guard, flight);
}

#endif
