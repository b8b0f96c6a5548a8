/* SPDX-License-Identifier: MIT */
/*
 * A space: the tree of its granules, a lock, and what it counts.
 *
 * What lies outside the window is taken when the space is made, so that only limits of requests
 * need a look. Ranges in strips of caches are ranges like others to the tree.
 */
#ifndef PHYR_IOVA_SPACE_H
#define PHYR_IOVA_SPACE_H

#include <phyr/iova.h>

#include "../base/lock.h"
#include "tree.h"

struct phyr_iova_space {
	const struct phyr_mem *mem;
	unsigned int granule_lg2;
	struct span window;
	struct phyr_lock lock;
	struct tree tree;
	size_t outside_cnt; /* ranges that stand for what is outside the window */
	uint64_t live_cnt;
	uint64_t live; /* granules, 2^52 at most */
	uint64_t cached;
	struct phyr_iova_stats stats; /* what is counted only upwards */
};

/* A checked request, in granules. */
struct want {
	uint64_t cnt;
	struct span window;
	uint64_t phase;
	unsigned int align_lg2;
	unsigned int boundary_lg2;
	bool bounded;  /* there is a boundary */
	bool anywhere; /* neither is there, nor is a phase asked for */
	enum phyr_fit fit;
	uint64_t tried; /* holes that choosing looked at one by one */
};

/* lock.c: held for bounded work, never while hooks run. */
void phyr_space_lock(struct phyr_iova_space *space);
void phyr_space_unlock(struct phyr_iova_space *space);

/* spares.c: parts and nodes for what a range needs. */

/* Are there spares for taking a free range? If not, says how many are missing. */
bool phyr_spares_suffice(struct phyr_iova_space *space, struct span span, struct need *ret_need);
/* Gets more from the hooks; not under the lock. */
int phyr_spares_grow(struct phyr_iova_space *space, const struct need *need);
/* Unlocks, and lets hooks have what is more than enough. */
void phyr_spares_unlock(struct phyr_iova_space *space);
void phyr_spares_free(struct phyr_iova_space *space);

/* fit.c: where a request fits in a hole. */

/* Checks a request; the result codes are those of phyr_iova_alloc(). */
int phyr_want_init(const struct phyr_iova_space *space, uint64_t len,
		   const struct phyr_placement *placement, struct want *want);
/* The best place in a hole, which is cut to the request's window. */
bool phyr_want_fit(const struct want *want, struct span hole, uint64_t *ret_first);
/* log2 of the block that surely holds the request wherever it lies. */
unsigned int phyr_want_block(const struct want *want);

/* choose.c: which place. PHYR_OK, PHYR_E_NOSPACE or PHYR_E_LIMIT; under the lock. */
int phyr_space_choose(const struct phyr_iova_space *space, struct want *want, uint64_t *ret_first);

/* The free block of 2^order granules in a request's window that its fit prefers. */
bool phyr_space_block(const struct phyr_iova_space *space, const struct want *want,
		      unsigned int order, uint64_t *ret_first);

/* iova.c: under the lock. */

/* Counts what has been taken. */
void phyr_space_count(struct phyr_iova_space *space, uint64_t granules, uint64_t ranges);
/* What phyr_iova_free() does with a range. */
int phyr_space_free(struct phyr_iova_space *space, struct phyr_iova_range range);

static inline struct phyr_iova_range space_range(const struct phyr_iova_space *space,
						 struct span span)
{
	struct phyr_iova_range range;

	range.iova.addr = span.first << space->granule_lg2;
	range.len = (span.last - span.first + 1) << space->granule_lg2;
	return range;
}

#endif
