/* SPDX-License-Identifier: MIT */
/* A ring: slots that are filled at the tail and emptied at the head. */

#include <string.h>

#include "flush.h"

static size_t ring_len(const struct phyr_flush_domain *domain)
{
	return sizeof(struct phyr_flush_ring) + domain->slot_cnt * sizeof(struct slot);
}

static void ring_free(struct phyr_flush_domain *domain, struct phyr_flush_ring *ring)
{
	domain->mem->free(domain->mem->ctx, ring, ring_len(domain));
}

/* Under the domain's lock: the ring that all share, with one more user; NULL: there is none. */
static struct phyr_flush_ring *join(struct phyr_flush_domain *domain)
{
	struct phyr_flush_ring *ring = domain->single ? domain->rings : NULL;

	if (ring)
		ring->user_cnt++;
	return ring;
}

/* Under the domain's lock. */
static void link_ring(struct phyr_flush_domain *domain, struct phyr_flush_ring *ring)
{
	ring->next = domain->rings;
	if (ring->next)
		ring->next->prev = ring;
	domain->rings = ring;
	domain->stats.ring_cnt++;
	domain->stats.metadata_len += ring_len(domain);
}

/* Under the domain's lock. */
static void unlink_ring(struct phyr_flush_domain *domain, struct phyr_flush_ring *ring)
{
	if (ring->next)
		ring->next->prev = ring->prev;
	if (ring->prev)
		ring->prev->next = ring->next;
	else
		domain->rings = ring->next;
	domain->stats.ring_cnt--;
	domain->stats.metadata_len -= ring_len(domain);
}

int phyr_flush_ring_create(struct phyr_flush_domain *domain, struct phyr_flush_ring **ret_ring)
{
	struct phyr_flush_ring *ring, *shared;

	if (!domain || !ret_ring)
		return PHYR_E_INVAL;
	phyr_lock_take(&domain->lock);
	shared = join(domain);
	phyr_lock_give(&domain->lock);
	if (shared) {
		*ret_ring = shared;
		return PHYR_OK;
	}
	ring = domain->mem->alloc(domain->mem->ctx, ring_len(domain));
	if (!ring)
		return PHYR_E_NOMEM;
	memset(ring, 0, sizeof(*ring));
	ring->domain = domain;
	ring->user_cnt = 1;
	phyr_lock_take(&domain->lock);
	/* Another thread may have been faster. */
	shared = join(domain);
	if (!shared)
		link_ring(domain, ring);
	phyr_lock_give(&domain->lock);
	if (shared)
		ring_free(domain, ring);
	*ret_ring = shared ? shared : ring;
	return PHYR_OK;
}

void phyr_flush_ring_destroy(struct phyr_flush_ring *ring)
{
	struct phyr_flush_domain *domain;
	struct taken taken;
	uintptr_t covered;
	bool last;

	if (!ring)
		return;
	domain = ring->domain;
	phyr_lock_take(&domain->lock);
	last = --ring->user_cnt == 0;
	if (last)
		unlink_ring(domain, ring);
	phyr_lock_give(&domain->lock);
	if (!last)
		return;
	/* From here on it is this thread's alone. */
	covered = ring->head != ring->tail ? phyr_domain_flush(domain, false) : 0;
	while (ring->head != ring->tail) {
		taken.cnt = 0;
		phyr_ring_take(ring, covered, &taken);
		phyr_domain_release(domain, &taken, NULL);
	}
	ring_free(domain, ring);
}

static struct slot *slot_at(struct phyr_flush_ring *ring, size_t at)
{
	return &ring->slots[at & (ring->domain->slot_cnt - 1)];
}

/* Under the ring's lock. */
static void take(struct phyr_flush_ring *ring, uintptr_t covered, struct taken *taken)
{
	struct phyr_flush_ring_stats *stats = &ring->stats;

	while (ring->head != ring->tail && taken->cnt < TAKEN_MAX) {
		const struct slot *slot = slot_at(ring, ring->head);

		if (!slot_may_go(slot->began, covered))
			break;
		stats->reap_cnt++;
		stats->held_len -= slot->range.len;
		stats->tables_cnt -= slot->freed != NULL;
		taken->slots[taken->cnt++] = *slot;
		ring->head++;
	}
}

void phyr_ring_take(struct phyr_flush_ring *ring, uintptr_t covered, struct taken *taken)
{
	phyr_lock_take(&ring->lock);
	take(ring, covered, taken);
	phyr_lock_give(&ring->lock);
}

/* Under the ring's lock. */
static void fill(struct phyr_flush_ring *ring, const struct slot *slot)
{
	struct phyr_flush_ring_stats *stats = &ring->stats;

	*slot_at(ring, ring->tail++) = *slot;
	stats->defer_cnt++;
	stats->held_len += slot->range.len;
	stats->tables_cnt += slot->freed != NULL;
	if (stats->held_len > stats->held_len_max)
		stats->held_len_max = stats->held_len;
	if (ring->tail - ring->head > stats->held_cnt_max)
		stats->held_cnt_max = ring->tail - ring->head;
}

/*
 * Takes out what may go; when that is all of it, fills a slot. False, and nothing taken: it is full
 * of what may not go yet.
 */
static bool turn(struct phyr_flush_ring *ring, struct slot *slot, struct taken *taken)
{
	bool filled;

	taken->cnt = 0;
	phyr_lock_take(&ring->lock);
	take(ring, phyr_domain_covered(ring->domain), taken);
	filled = taken->cnt < TAKEN_MAX && ring->tail - ring->head < ring->domain->slot_cnt - 1;
	if (filled) {
		slot->began = phyr_domain_began(ring->domain);
		fill(ring, slot);
	}
	ring->stats.full_cnt += !filled && taken->cnt == 0;
	phyr_lock_give(&ring->lock);
	return filled;
}

void phyr_flush_defer(struct phyr_flush_ring *ring, struct phyr_iova_range reserved,
		      struct phyr_iova_cache *cache, struct phyr_gather *gather)
{
	struct slot slot = { reserved, gather->freed, 0 };
	struct taken taken;
	bool filled;

	phyr_gather_init(gather);
	do {
		filled = turn(ring, &slot, &taken);
		if (taken.cnt)
			phyr_domain_release(ring->domain, &taken, cache);
		else if (!filled)
			(void)phyr_domain_flush(ring->domain, true);
	} while (!filled);
	phyr_domain_note(ring->domain, slot.began);
}

void phyr_flush_ring_stats(struct phyr_flush_ring *ring, struct phyr_flush_ring_stats *ret_stats)
{
	phyr_lock_take(&ring->lock);
	*ret_stats = ring->stats;
	ret_stats->held_cnt = ring->tail - ring->head;
	phyr_lock_give(&ring->lock);
}

static bool validate(struct phyr_flush_ring *ring, const char **reason)
{
	const struct phyr_flush_ring_stats *stats = &ring->stats;
	size_t held_cnt = ring->tail - ring->head;
	uintptr_t began = phyr_domain_began(ring->domain);
	uint64_t held_len = 0;
	size_t tables_cnt = 0;

	*reason = "more slots are in use than a ring has";
	if (held_cnt >= ring->domain->slot_cnt || held_cnt > stats->held_cnt_max)
		return false;
	*reason = "a slot is not in order";
	for (size_t at = ring->tail; at != ring->head; at--) {
		const struct slot *slot = slot_at(ring, at - 1);

		if (slot_may_go(began, slot->began))
			return false;
		began = slot->began;
		held_len += slot->range.len;
		tables_cnt += slot->freed != NULL;
	}
	*reason = "what a ring holds does not add up";
	return held_len == stats->held_len && held_len <= stats->held_len_max &&
	       tables_cnt == stats->tables_cnt && stats->defer_cnt == stats->reap_cnt + held_cnt;
}

bool phyr_ring_validate(struct phyr_flush_ring *ring, const char **reason)
{
	bool holds;

	phyr_lock_take(&ring->lock);
	holds = validate(ring, reason);
	phyr_lock_give(&ring->lock);
	return holds;
}
