/* SPDX-License-Identifier: MIT */
/*
 * A domain: flushes and their numbers, the timer, and what happens to slots that are taken out.
 *
 * Not here: slots (ring.c).
 */
#include <string.h>

#include "../base/check.h"
#include "flush.h"

#define SLOTS_MAX (1u << 24)

static uintptr_t load(const uintptr_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uintptr_t *word, uintptr_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

int phyr_flush_domain_create(const struct phyr_flush_params *params,
			     struct phyr_flush_domain **ret_domain)
{
	struct phyr_flush_domain *domain;
	size_t slot_cnt;

	if (!params || !ret_domain || !params->mem || !params->iommu.ops)
		return PHYR_E_INVAL;
	slot_cnt = params->slot_cnt ? params->slot_cnt : params->single ? 32768 : 256;
	if (slot_cnt < 2 || slot_cnt > SLOTS_MAX || (slot_cnt & (slot_cnt - 1)))
		return PHYR_E_INVAL;
	if (!params->iommu.ops->flush_all || !params->iommu.ops->release)
		return PHYR_E_UNSUPPORTED;
	domain = params->mem->alloc(params->mem->ctx, sizeof(*domain));
	if (!domain)
		return PHYR_E_NOMEM;
	memset(domain, 0, sizeof(*domain));
	domain->mem = params->mem;
	domain->iommu = params->iommu;
	domain->space = params->space;
	domain->slot_cnt = slot_cnt;
	domain->timeout = params->timeout ? params->timeout : params->single ? 1000000 : 10000;
	domain->single = params->single;
	domain->stats.metadata_len = sizeof(*domain);
	*ret_domain = domain;
	return PHYR_OK;
}

void phyr_flush_domain_destroy(struct phyr_flush_domain *domain)
{
	if (!domain)
		return;
	PHYR_ASSERT(!domain->rings);
	domain->mem->free(domain->mem->ctx, domain, sizeof(*domain));
}

/* A flush at work. */
struct flush {
	uintptr_t number;
	bool awaited; /* something was deferred since the one before began: */
	uint64_t since;
};

/* Under the lock. What was noted is seen to be gone by who sees the new number. */
static struct flush begin(struct phyr_flush_domain *domain)
{
	struct flush flush = { load(&domain->began), load(&domain->noted), domain->since };

	domain->stats.flush_cnt++;
	store(&domain->noted, 0);
	store(&domain->began, flush.number + 1);
	return flush;
}

/* What is covered then. Flushes may overlap: one that began earlier may end later, and covers less. */
static uintptr_t finish(struct phyr_flush_domain *domain, struct flush flush)
{
	struct phyr_flush_stats *stats = &domain->stats;
	uintptr_t covered;

	/* With the one in phyr_domain_began(): one of the two sees what the other wrote. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	domain->iommu.ops->flush_all(domain->iommu.ctx);
	phyr_lock_take(&domain->lock);
	if (!slot_may_go(flush.number, load(&domain->covered)))
		store(&domain->covered, flush.number + 1);
	if (flush.awaited && domain->now - flush.since > stats->window_max)
		stats->window_max = domain->now - flush.since;
	covered = load(&domain->covered);
	phyr_lock_give(&domain->lock);
	return covered;
}

uintptr_t phyr_domain_flush(struct phyr_flush_domain *domain, bool full)
{
	struct flush flush;

	phyr_lock_take(&domain->lock);
	domain->stats.full_cnt += full;
	flush = begin(domain);
	phyr_lock_give(&domain->lock);
	return finish(domain, flush);
}

uintptr_t phyr_domain_began(const struct phyr_flush_domain *domain)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load(&domain->began);
}

uintptr_t phyr_domain_covered(const struct phyr_flush_domain *domain)
{
	return load(&domain->covered);
}

/*
 * Whoever finds a note does nothing: a timer that has run since has taken the note away, and comes
 * to the ring later. A slot that a flush at work covers starts the timer all the same.
 */
void phyr_domain_note(struct phyr_flush_domain *domain, uintptr_t began)
{
	if (load(&domain->noted))
		return;
	phyr_lock_take(&domain->lock);
	if (began == load(&domain->began) && !load(&domain->noted)) {
		domain->since = domain->now;
		store(&domain->noted, 1);
	}
	if (!domain->timer_runs) {
		domain->timer_runs = true;
		if (__builtin_add_overflow(domain->now, domain->timeout, &domain->due))
			domain->due = UINT64_MAX;
	}
	phyr_lock_give(&domain->lock);
}

void phyr_domain_release(struct phyr_flush_domain *domain, const struct taken *taken,
			 struct phyr_iova_cache *cache)
{
	const struct phyr_flush_target target = { domain->iommu, domain->space, cache };
	uint64_t refused_cnt = 0;

	for (size_t i = 0; i < taken->cnt; i++) {
		const struct slot *slot = &taken->slots[i];

		if (slot->freed) {
			struct phyr_gather gather;

			phyr_gather_init(&gather);
			gather.freed = slot->freed;
			domain->iommu.ops->release(domain->iommu.ctx, &gather);
		}
		refused_cnt += phyr_flush_give(&target, slot->range) != PHYR_OK;
	}
	if (!refused_cnt)
		return;
	phyr_lock_take(&domain->lock);
	domain->stats.refused_cnt += refused_cnt;
	phyr_lock_give(&domain->lock);
}

/* Empties all rings of what is covered. Between two turns rings may come and go. */
static void reap(struct phyr_flush_domain *domain, uintptr_t covered)
{
	struct taken taken;

	do {
		taken.cnt = 0;
		phyr_lock_take(&domain->lock);
		for (struct phyr_flush_ring *ring = domain->rings; ring; ring = ring->next)
			phyr_ring_take(ring, covered, &taken);
		phyr_lock_give(&domain->lock);
		phyr_domain_release(domain, &taken, NULL);
	} while (taken.cnt == TAKEN_MAX);
}

void phyr_flush_tick(struct phyr_flush_domain *domain, uint64_t now)
{
	struct flush flush;
	bool due;

	phyr_lock_take(&domain->lock);
	if (now > domain->now)
		domain->now = now;
	due = domain->timer_runs && domain->now >= domain->due;
	if (due) {
		domain->timer_runs = false;
		domain->stats.timer_cnt++;
		flush = begin(domain);
	}
	phyr_lock_give(&domain->lock);
	if (due)
		reap(domain, finish(domain, flush));
}

void phyr_flush_all(struct phyr_flush_domain *domain)
{
	struct flush flush;

	phyr_lock_take(&domain->lock);
	domain->timer_runs = false;
	flush = begin(domain);
	phyr_lock_give(&domain->lock);
	reap(domain, finish(domain, flush));
}

void phyr_flush_ring_empty(struct phyr_flush_ring *ring)
{
	phyr_flush_all(ring->domain);
}

void phyr_flush_stats(struct phyr_flush_domain *domain, struct phyr_flush_stats *ret_stats)
{
	phyr_lock_take(&domain->lock);
	*ret_stats = domain->stats;
	phyr_lock_give(&domain->lock);
}

static bool validate(struct phyr_flush_domain *domain, const char **reason)
{
	size_t ring_cnt = 0;

	*reason = "more is covered than flushes began";
	if (slot_may_go(load(&domain->began), load(&domain->covered)))
		return false;
	*reason = "something is noted, and the timer does not run";
	if (load(&domain->noted) && !domain->timer_runs)
		return false;
	for (struct phyr_flush_ring *ring = domain->rings; ring; ring = ring->next, ring_cnt++) {
		if (!phyr_ring_validate(ring, reason))
			return false;
	}
	*reason = "rings do not add up";
	return ring_cnt == domain->stats.ring_cnt && (!domain->single || ring_cnt <= 1);
}

bool phyr_flush_validate(struct phyr_flush_domain *domain, const char **ret_reason)
{
	const char *reason;
	bool holds;

	phyr_lock_take(&domain->lock);
	holds = validate(domain, &reason);
	phyr_lock_give(&domain->lock);
	if (!holds && ret_reason)
		*ret_reason = reason;
	return holds;
}
