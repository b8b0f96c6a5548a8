/* SPDX-License-Identifier: MIT */
/*
 * Two steps, the second half: a part taken away, the range given back.
 *
 * What was bounced is flushed at once, whatever the policy: its slots are somebody else's next. So are
 * peers with ties: once these are gone, the provider may be.
 */

#include <string.h>

#include "check.h"
#include "state.h"
#include "tie.h"

/* Copies the slot at an I/O address back, if there is one and the device may have written; gives it. */
static void end_slot(struct phyr_dma *dma, uint64_t iova, enum phyr_perm perm)
{
	struct phyr_bounce_key key = { dma->params.iommu.ctx, phyr_iova_at(iova) };
	struct phyr_bounce_slot found;
	struct slot slot = { .key = iova };
	struct slots slots = { &slot, 1 };
	struct phyr_bounce_part all;

	if (!phyr_bounce_find(dma->params.bounce, key, &found))
		return;
	slot.len = found.orig.len;
	all = (struct phyr_bounce_part){ 0, slot.len };
	if (perm & PHYR_PERM_WRITE)
		phyr_slots_copy(dma, slots, all, false);
	phyr_slots_give(dma, slots);
}

bool phyr_state_has_slots(const struct phyr_dma *dma, struct phyr_iova_range granules)
{
	uint64_t last = granules.iova.addr + (granules.len - 1);
	struct phyr_bounce_key first_key = { dma->params.iommu.ctx, granules.iova };
	struct phyr_bounce_key last_key = { dma->params.iommu.ctx,
					    phyr_iova_at(last & ~granule_mask(dma)) };

	return dma->params.bounce && (phyr_bounce_find(dma->params.bounce, first_key, NULL) ||
				      phyr_bounce_find(dma->params.bounce, last_key, NULL));
}

void phyr_state_give_slots(struct phyr_dma *dma, struct phyr_iova_range granules,
			   enum phyr_perm perm)
{
	uint64_t last = granules.iova.addr + (granules.len - 1);

	if (!dma->params.bounce)
		return;
	end_slot(dma, granules.iova.addr, perm);
	end_slot(dma, last & ~granule_mask(dma), perm);
}

static bool is_inside_granule(const struct phyr_dma *dma, const struct phyr_dma_state *state,
			      const struct phyr_dma_part *part)
{
	uint64_t first = state->addr + part->offset;
	uint64_t end = first + part->len;

	return (part->offset && (first & granule_mask(dma))) ||
	       (part->offset + part->len < phyr_dma_state_len(state) && (end & granule_mask(dma)));
}

static void count(struct phyr_dma *dma, uint64_t len)
{
	dma->stats.mapped_len -= len;
	phyr_dma_maintain(dma, len);
}

/* At once, past what removed providers left; then slots are given back. */
static int remove_strictly(struct phyr_dma *dma, const struct phyr_dma_state *state,
			   struct phyr_iova_range granules, enum phyr_perm perm)
{
	int err = phyr_tie_remove(dma, state, granules);

	if (!err)
		phyr_state_give_slots(dma, granules, perm);
	return err;
}

int phyr_state_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
		      const struct phyr_dma_part *part)
{
	struct phyr_iova_range granules = phyr_state_granules(dma, state, part->offset, part->len);
	bool strict = state->size & STATE_STRICT;
	struct phyr_iova_range none = { { 0 }, 0 };
	int err;

	if (strict)
		err = remove_strictly(dma, state, granules, part->perm);
	else
		err = dma->batch ? phyr_dma_remove(dma, granules, none) :
				   phyr_dma_remove_now(dma, granules, none);
	if (err)
		return err;
	dma->stats.unlink_cnt++;
	if (!strict)
		count(dma, part->len);
	return PHYR_OK;
}

int phyr_dma_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
		    const struct phyr_dma_part *part)
{
	int err;

	if (!part || (part->perm && !known_perm(part->perm)))
		return PHYR_E_INVAL;
	err = phyr_state_check(dma, state, part->offset, part->len);
	if (err)
		return err;
	if (is_inside_granule(dma, state, part))
		return PHYR_E_ALIGN;
	return dma->params.checker ? phyr_checker_unlink(dma, state, part) :
				     phyr_state_unlink(dma, state, part);
}

/* Is a peer linked, behind the first granules? */
static bool is_tied(const struct phyr_dma *dma, const struct phyr_dma_state *state,
		    struct phyr_iova_range granules)
{
	return state->size & STATE_STRICT &&
	       phyr_tie_beyond(dma, phyr_dma_state_reserved(dma, state), granules);
}

/* Slots and ties are known by I/O addresses: these are given back last. */
static int end_strictly(struct phyr_dma *dma, const struct phyr_dma_state *state,
			struct phyr_iova_range granules, enum phyr_perm perm)
{
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	int err = granules.len ? remove_strictly(dma, state, granules, perm) : PHYR_OK;

	if (err)
		return err;
	phyr_tie_drop(dma, reserved);
	phyr_dma_give(dma, reserved);
	return PHYR_OK;
}

/* What is linked, and the whole reservation with it. */
static int remove_all(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t linked_len,
		      enum phyr_perm perm)
{
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	struct phyr_iova_range granules = { { 0 }, 0 };
	int err;

	if (linked_len)
		granules = phyr_state_granules(dma, state, 0, linked_len);
	if (is_tied(dma, state, granules))
		return PHYR_E_BUSY;
	if (state->size & STATE_STRICT)
		return end_strictly(dma, state, granules, perm);
	if (linked_len == 0) {
		phyr_dma_give(dma, reserved);
		return PHYR_OK;
	}
	err = phyr_dma_remove(dma, granules, reserved);
	if (!err)
		count(dma, linked_len);
	return err;
}

int phyr_state_end(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t linked_len,
		   enum phyr_perm perm)
{
	int err = remove_all(dma, state, linked_len, perm);

	if (!err)
		memset(state, 0, sizeof(*state));
	return err;
}

int phyr_dma_destroy_state(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t linked_len,
			   enum phyr_perm perm)
{
	const struct phyr_dma_part linked = { 0, linked_len, perm };

	if (!dma || !state || !known_perm(perm))
		return PHYR_E_INVAL;
	if (phyr_dma_state_len(state) == 0)
		return PHYR_E_NOENT;
	if (linked_len > phyr_dma_state_len(state))
		return PHYR_E_RANGE;
	if (linked_len && is_inside_granule(dma, state, &linked))
		return PHYR_E_ALIGN;
	return dma->params.checker ? phyr_checker_end_state(dma, state, linked_len, perm) :
				     phyr_state_end(dma, state, linked_len, perm);
}

int phyr_dma_free(struct phyr_dma *dma, struct phyr_dma_state *state)
{
	return phyr_dma_destroy_state(dma, state, 0, PHYR_PERM_READ);
}
