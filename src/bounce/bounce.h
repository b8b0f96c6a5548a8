/* SPDX-License-Identifier: MIT */
/*
 * A pool: a bitmap of slots in use, what is known of each run at its first slot, and chains of runs
 * by the hash of their keys. One allocation holds it all.
 */
#ifndef PHYR_BOUNCE_BOUNCE_H
#define PHYR_BOUNCE_BOUNCE_H

#include <phyr/bits.h>
#include <phyr/bounce.h>

#include "../base/lock.h"

/* The end of a chain. */
#define NO_RUN UINT32_MAX

/* Of the first slot of a run in use; of others it means nothing. */
struct run {
	struct phyr_bounce_key key;
	struct phyr_range orig;
	uint64_t pa;   /* of the request's first byte in the pool */
	uint32_t cnt;  /* slots */
	uint32_t next; /* of the chain */
};

struct phyr_bounce {
	struct phyr_bounce_params params; /* with defaults filled in; constant */
	uint32_t slot_cnt;
	unsigned int head_lg2; /* log2 of the number of chains */
	struct phyr_lock lock;
	/* Under the lock. */
	uint32_t from; /* where the search begins: behind the last run */
	struct phyr_bounce_stats stats;
	uint64_t *taken; /* a bit a slot */
	uint32_t *heads;
	struct run runs[];
};

/* A checked request: which runs of slots are right for it. */
struct want {
	uint64_t cnt;	 /* slots */
	uint64_t first;	 /* lowest slot that it may start at; */
	uint64_t mask;	 /* and every so many from there, less one */
	uint64_t offset; /* [bytes] of the request in its run */
};

/* search.c: under the lock */

/* The first place behind the last run, round the pool; false: there is none. */
bool phyr_bounce_search(const struct phyr_bounce *pool, const struct want *want, uint32_t *ret_at);
/* Marks slots as taken, or as free. */
void phyr_bounce_mark(struct phyr_bounce *pool, uint32_t at, uint32_t cnt, bool taken);
bool phyr_bounce_is_taken(const struct phyr_bounce *pool, uint32_t at);

/* keys.c: under the lock */

/* The link that names the run of a key, or the end of its chain. */
uint32_t *phyr_bounce_link(struct phyr_bounce *pool, struct phyr_bounce_key key);

#endif
