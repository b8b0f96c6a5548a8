/* SPDX-License-Identifier: MIT */
/*
 * Links of peers end with their providers; what is unlinked later goes around the holes.
 *
 * A state has no room to say where its holes are, so the ties say it, which the caller keeps until then.
 * They are searched for states alone that ever had one.
 *
 * Not here: who is attached to which provider, before the link (link.c).
 */

#include "tie.h"

#include "check.h"
#include "state.h"

static uint64_t last_of(struct phyr_iova_range range)
{
	return range.iova.addr + (range.len - 1);
}

static bool overlap(struct phyr_iova_range a, struct phyr_iova_range b)
{
	return a.len && b.len && a.iova.addr <= last_of(b) && b.iova.addr <= last_of(a);
}

static bool is_inside(struct phyr_iova_range part, struct phyr_iova_range range)
{
	return range.len && part.iova.addr >= range.iova.addr && last_of(part) <= last_of(range);
}

/* [bytes] of the state in some of its granules, of which each has one at least */
static uint64_t bytes_in(const struct phyr_dma_state *state, struct phyr_iova_range granules)
{
	uint64_t last = state->addr + (phyr_dma_state_len(state) - 1);
	uint64_t first = state->addr > granules.iova.addr ? state->addr : granules.iova.addr;

	return (last < last_of(granules) ? last : last_of(granules)) - first + 1;
}

bool phyr_tie_fits(const struct phyr_dma *dma, const struct phyr_dma_tie *tie,
		   const struct phyr_dma_state *state, struct phyr_iova_range granules)
{
	if (!tie->dma)
		return !tie->user.provider;
	return tie->dma == dma && !tie->removed && tie->state.addr == state->addr &&
	       tie->linked.iova.addr + tie->linked.len == granules.iova.addr;
}

void phyr_tie_add(struct phyr_dma *dma, struct phyr_dma_tie *tie, struct phyr_dma_state *state,
		  struct phyr_iova_range granules)
{
	state->size |= STATE_STRICT;
	if (tie->dma) {
		tie->linked.len += granules.len;
		return;
	}
	tie->dma = dma;
	tie->state = *state;
	tie->linked = granules;
	tie->removed = false;
	tie->next = dma->ties;
	dma->ties = tie;
}

void phyr_tie_revoke(struct phyr_p2p_user *user)
{
	struct phyr_dma_tie *tie = (struct phyr_dma_tie *)(void *)user;
	struct phyr_iova_range none = { { 0 }, 0 };

	if (phyr_dma_remove_now(tie->dma, tie->linked, none))
		return; /* still attached: the registry says that it is busy */
	phyr_p2p_detach(user);
	if (tie->dma->params.checker)
		phyr_checker_unlinked(tie->dma, &tie->state, tie->linked);
	tie->dma->stats.mapped_len -= bytes_in(&tie->state, tie->linked);
	tie->removed = true;
	if (tie->gone)
		tie->gone(tie);
}

void phyr_tie_drop(struct phyr_dma *dma, struct phyr_iova_range range)
{
	struct phyr_dma_tie **link = &dma->ties;

	while (*link) {
		struct phyr_dma_tie *tie = *link;

		if (!is_inside(tie->linked, range)) {
			link = &tie->next;
			continue;
		}
		*link = tie->next;
		phyr_p2p_detach(&tie->user);
		tie->dma = NULL;
	}
}

bool phyr_tie_beyond(const struct phyr_dma *dma, struct phyr_iova_range reserved,
		     struct phyr_iova_range granules)
{
	const struct phyr_dma_tie *tie = dma->ties;

	while (tie && (tie->removed || !is_inside(tie->linked, reserved) ||
		       overlap(tie->linked, granules)))
		tie = tie->next;
	return tie;
}

bool phyr_tie_is_hole(const struct phyr_dma *dma, struct phyr_iova_range granules)
{
	const struct phyr_dma_tie *tie = dma->ties;

	while (tie && !(tie->removed && overlap(tie->linked, granules)))
		tie = tie->next;
	return tie;
}

/* Is one cut by an end of a range? [bytes] of those in it, and the first hole in it. */
static bool survey(const struct phyr_dma *dma, struct phyr_iova_range range, uint64_t *ret_peer_len,
		   struct phyr_dma_tie **ret_hole)
{
	*ret_peer_len = 0;
	*ret_hole = NULL;
	for (struct phyr_dma_tie *tie = dma->ties; tie; tie = tie->next) {
		if (!overlap(tie->linked, range))
			continue;
		if (!is_inside(tie->linked, range))
			return false;
		if (!tie->removed)
			*ret_peer_len += bytes_in(&tie->state, tie->linked);
		else if (!*ret_hole || tie->linked.iova.addr < (*ret_hole)->linked.iova.addr)
			*ret_hole = tie;
	}
	return true;
}

/* What is mapped between two holes, if anything. */
static int remove_between(struct phyr_dma *dma, const struct phyr_dma_state *state,
			  struct phyr_iova_range range)
{
	struct phyr_iova_range none = { { 0 }, 0 };
	struct phyr_dma_tie *hole;
	uint64_t len, peer_len;
	int err;

	if (range.len == 0)
		return PHYR_OK;
	err = phyr_dma_remove_now(dma, range, none);
	if (err)
		return err;
	len = bytes_in(state, range);
	(void)survey(dma, range, &peer_len, &hole);
	dma->stats.mapped_len -= len;
	phyr_dma_maintain(dma, len - peer_len); /* peers are not in caches */
	phyr_tie_drop(dma, range);
	return PHYR_OK;
}

int phyr_tie_remove(struct phyr_dma *dma, const struct phyr_dma_state *state,
		    struct phyr_iova_range granules)
{
	struct phyr_iova_range rest = granules;
	struct phyr_dma_tie *hole;
	uint64_t peer_len;
	int err;

	if (!survey(dma, rest, &peer_len, &hole))
		return PHYR_E_PARTIAL;
	while (hole) {
		struct phyr_iova_range before = { rest.iova,
						  hole->linked.iova.addr - rest.iova.addr };

		err = remove_between(dma, state, before);
		if (err)
			return err;
		/* What was before it is a part of it, if the rest fails. */
		hole->linked.iova = rest.iova;
		hole->linked.len += before.len;
		rest.iova.addr += hole->linked.len;
		rest.len -= hole->linked.len;
		(void)survey(dma, rest, &peer_len, &hole);
	}
	err = remove_between(dma, state, rest);
	if (!err)
		phyr_tie_drop(dma, granules);
	return err;
}
