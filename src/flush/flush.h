/* SPDX-License-Identifier: MIT */
/*
 * A domain and its rings.
 *
 * Flushes are numbered: `began` is how many there were, so the next one has that number. A slot that
 * was filled when `began` was c is covered by flush c and by those after it. When flush c has ended,
 * slots of c and less may go: `covered` is c + 1, or more. Numbers wrap; they are compared by their
 * difference, which is small, or makes a slot wait longer.
 *
 * Two locks: the domain's before a ring's. Nobody holds one while the backend, the space or the
 * hooks run: what may go is taken out first, and released then.
 */
#ifndef PHYR_FLUSH_FLUSH_H
#define PHYR_FLUSH_FLUSH_H

#include <phyr/flush.h>

#include "../base/lock.h"

struct slot {
	struct phyr_iova_range range; /* len 0: none */
	void *freed;		      /* the backend's chain of table pages */
	uintptr_t began;	      /* flushes that had begun when it was filled */
};

/* Slots that are taken out at a time. */
#define TAKEN_MAX 64

struct taken {
	size_t cnt;
	struct slot slots[TAKEN_MAX];
};

struct phyr_flush_domain {
	const struct phyr_mem *mem; /* constant, as all of params is */
	struct phyr_iommu iommu;
	struct phyr_iova_space *space;
	size_t slot_cnt;
	uint64_t timeout;
	bool single;
	struct phyr_lock lock;
	/* Written under the lock, read by everybody. */
	uintptr_t began;
	uintptr_t covered;
	uintptr_t noted; /* something waits for the next flush, and the timer runs */
	/* Under the lock. */
	bool timer_runs;
	uint64_t now;
	uint64_t due;	/* when the timer runs */
	uint64_t since; /* first defer since the last flush began; when noted */
	struct phyr_flush_ring *rings;
	struct phyr_flush_stats stats;
};

struct phyr_flush_ring {
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *next, *prev; /* all rings; under the domain's lock, as is */
	size_t user_cnt;
	struct phyr_lock lock;
	/* Under the lock. Slots head … tail − 1 are in use, modulo their number. */
	size_t head, tail;
	struct phyr_flush_ring_stats stats;
	struct slot slots[];
};

/* May a slot that was filled at this count go, once so much is covered? */
static inline bool slot_may_go(uintptr_t began, uintptr_t covered)
{
	return (intptr_t)(covered - began) > 0;
}

/* domain.c */

/* Flushes because a ring was full, or goes. What is covered then. */
uintptr_t phyr_domain_flush(struct phyr_flush_domain *domain, bool full);
/* Says that a slot was filled, so that the timer runs. */
void phyr_domain_note(struct phyr_flush_domain *domain, uintptr_t began);
/* How many flushes began; what the caller removed before is seen by all that begin later. */
uintptr_t phyr_domain_began(const struct phyr_flush_domain *domain);
uintptr_t phyr_domain_covered(const struct phyr_flush_domain *domain);
/* Frees what slots held; addresses go to the cache, NULL: to the space. */
void phyr_domain_release(struct phyr_flush_domain *domain, const struct taken *taken,
			 struct phyr_iova_cache *cache);

/* ring.c */

/* Adds to `taken` what may go, as far as there is room. */
void phyr_ring_take(struct phyr_flush_ring *ring, uintptr_t covered, struct taken *taken);
/* Is a ring as it should be? Under the domain's lock. */
bool phyr_ring_validate(struct phyr_flush_ring *ring, const char **reason);

/* batch.c */

/* Gives addresses back. */
int phyr_flush_give(const struct phyr_flush_target *target, struct phyr_iova_range range);

#endif
