/* SPDX-License-Identifier: MIT */
/*
 * Two steps, the first half: a range reserved, memory linked into it, made visible.
 *
 * Not here: taking it away (unlink.c).
 */

#include <string.h>

#include "check.h"
#include "fill.h"
#include "state.h"
#include "tie.h"

/* Runs handed on at a time where the outer ones have to be rounded. */
#define BATCH_RUNS 32

/* Both ends rounded out to a power of two, of granules at least. */
static struct phyr_iova_range round_out(uint64_t addr, uint64_t len, unsigned int lg2)
{
	uint64_t mask = phyr_bits_mask(lg2);
	struct phyr_iova_range range;

	range.iova = phyr_iova_at(addr & ~mask);
	range.len = ((addr + (len - 1)) | mask) - range.iova.addr + 1;
	return range;
}

static unsigned int cover_lg2(const struct phyr_dma *dma, const struct phyr_dma_state *state)
{
	unsigned int lg2 = (unsigned int)(state->size >> STATE_COVER_SHIFT) & STATE_COVER_MASK;

	return lg2 > dma->granule_lg2 ? lg2 : dma->granule_lg2;
}

struct phyr_iova_range phyr_dma_state_reserved(const struct phyr_dma *dma,
					       const struct phyr_dma_state *state)
{
	struct phyr_iova_range none = { { 0 }, 0 };
	uint64_t len = phyr_dma_state_len(state);

	return len ? round_out(state->addr, len, cover_lg2(dma, state)) : none;
}

struct phyr_iova_range phyr_state_granules(const struct phyr_dma *dma,
					   const struct phyr_dma_state *state, uint64_t offset,
					   uint64_t len)
{
	return round_out(state->addr + offset, len, dma->granule_lg2);
}

/* The placement of the whole reservation, and where in it byte 0 is to be. */
static int placement_of(const struct phyr_dma *dma, const struct phyr_dma_want *want,
			struct phyr_placement *place, uint64_t *ret_lead, uint64_t *ret_len)
{
	unsigned int lg2 = want->cover_lg2 > dma->granule_lg2 ? want->cover_lg2 : dma->granule_lg2;
	unsigned int lead_lg2 = want->phase_lg2 > dma->granule_lg2 ? want->phase_lg2 :
								     dma->granule_lg2;
	uint64_t mask = phyr_bits_mask(lg2);

	*place = want->placement ? *want->placement : phyr_placement_any();
	place->phase_lg2 = want->phase_lg2 > lg2 ? want->phase_lg2 : (uint8_t)lg2;
	place->phase = want->phase & phyr_bits_mask(place->phase_lg2) & ~mask;
	if (want->phase_lg2 < lg2)
		place->phase = 0;
	*ret_lead = want->phase & mask & phyr_bits_mask(lead_lg2);
	if (__builtin_add_overflow(want->len, *ret_lead + mask, ret_len))
		return PHYR_E_RANGE;
	*ret_len &= ~mask;
	return PHYR_OK;
}

/* Nothing but granules anywhere: what a cache has. */
static bool is_anywhere(const struct phyr_dma *dma, const struct phyr_dma_want *want)
{
	return !want->placement && want->phase_lg2 <= dma->granule_lg2 &&
	       want->cover_lg2 <= dma->granule_lg2;
}

/* In whole granules; where they are from is left to the handle. */
static int take_anywhere(struct phyr_dma *dma, const struct phyr_dma_want *want, uint64_t *ret_lead,
			 struct phyr_iova_range *ret_reserved)
{
	uint64_t mask = granule_mask(dma);

	*ret_lead = want->phase & mask;
	return phyr_dma_take(dma, (want->len + *ret_lead + mask) & ~mask, NULL, ret_reserved);
}

static int take_placed(struct phyr_dma *dma, const struct phyr_dma_want *want, uint64_t *ret_lead,
		       struct phyr_iova_range *ret_reserved)
{
	struct phyr_placement place;
	uint64_t len;
	int err = placement_of(dma, want, &place, ret_lead, &len);

	return err ? err : phyr_dma_take(dma, len, &place, ret_reserved);
}

int phyr_dma_reserve(struct phyr_dma *dma, const struct phyr_dma_want *want,
		     struct phyr_dma_state *ret_state)
{
	struct phyr_iova_range reserved;
	uint64_t lead;
	int err;

	if (!dma || !want || !ret_state || want->len == 0 || want->phase_lg2 > 63 ||
	    want->cover_lg2 > 63)
		return PHYR_E_INVAL;
	if (!dma->params.iommu.ops)
		return PHYR_E_UNSUPPORTED;
	if (want->len > PHYR_DMA_STATE_MAX)
		return PHYR_E_RANGE;
	err = is_anywhere(dma, want) ? take_anywhere(dma, want, &lead, &reserved) :
				       take_placed(dma, want, &lead, &reserved);
	if (err)
		return err;
	ret_state->addr = reserved.iova.addr + lead;
	ret_state->size = want->len | (uint64_t)want->cover_lg2 << STATE_COVER_SHIFT;
	if (dma->params.checker)
		phyr_checker_reserved(dma, ret_state);
	return PHYR_OK;
}

int phyr_state_check(const struct phyr_dma *dma, const struct phyr_dma_state *state,
		     uint64_t offset, uint64_t len)
{
	uint64_t whole;

	if (!dma || !state || len == 0)
		return PHYR_E_INVAL;
	whole = phyr_dma_state_len(state);
	if (whole == 0)
		return PHYR_E_INVAL;
	return offset < whole && len <= whole - offset ? PHYR_OK : PHYR_E_RANGE;
}

/* Runs as a whole: their length, and whether only the ends of the state are inside granules. */
static int check_runs(const struct phyr_dma *dma, const struct phyr_dma_state *state,
		      uint64_t offset, const struct phyr_dma_piece *piece, uint64_t *ret_len)
{
	uint64_t mask = granule_mask(dma);
	uint64_t at = state->addr + offset;
	uint64_t joints = 0;
	uint64_t len = 0;
	int err;

	for (size_t i = 0; i < piece->run_cnt; i++) {
		const struct phyr_range *run = &piece->runs[i];

		if (run->len == 0)
			return PHYR_E_INVAL;
		if (__builtin_add_overflow(len, run->len, &len))
			return PHYR_E_RANGE;
		joints |= i > 0 ? run->pa.addr : 0;
		joints |= i + 1 < piece->run_cnt ? run->pa.addr + run->len : 0;
	}
	err = phyr_state_check(dma, state, offset, len);
	if (err)
		return err;
	if (offset)
		joints |= at;
	if (offset + len < phyr_dma_state_len(state))
		joints |= at + len;
	if ((joints | (at ^ piece->runs->pa.addr)) & mask)
		return PHYR_E_ALIGN;
	*ret_len = len;
	return PHYR_OK;
}

/* Runs of which the first and the last may end inside granules, handed on rounded out. */
static int map_runs(struct phyr_dma *dma, const struct phyr_dma_piece *piece, uint64_t iova,
		    uint64_t *ret_done)
{
	uint64_t mask = granule_mask(dma);
	struct phyr_range runs[BATCH_RUNS];
	struct phyr_iommu_map map = {
		.runs = runs, .perm = piece->perm, .kind = piece->tag.kind, .source = { .fd = -1 }
	};
	int err = PHYR_OK;

	*ret_done = 0;
	for (size_t i = 0; !err && i < piece->run_cnt; i += map.run_cnt) {
		uint64_t len = 0;

		map.run_cnt = piece->run_cnt - i < BATCH_RUNS ? piece->run_cnt - i : BATCH_RUNS;
		for (size_t j = 0; j < map.run_cnt; j++) {
			uint64_t pa = piece->runs[i + j].pa.addr;

			runs[j].pa = phyr_pa_at(pa & ~mask);
			runs[j].len = (piece->runs[i + j].len + (pa & mask) + mask) & ~mask;
			len += runs[j].len;
		}
		map.iova = phyr_iova_at((iova & ~mask) + *ret_done);
		err = phyr_fill_call(dma, &map);
		*ret_done += err ? 0 : len;
	}
	return err;
}

/* The next part of a run that is bounced, or mapped as it is. */
static bool cut_ragged(const struct phyr_dma *dma, struct phyr_range *part)
{
	uint64_t mask = granule_mask(dma);
	uint64_t inside = part->pa.addr & mask;

	if (inside == 0 && part->len > mask) {
		part->len &= ~mask;
		return false;
	}
	if (part->len > mask + 1 - inside)
		part->len = mask + 1 - inside;
	return true;
}

/* A part of a run, its granules at an I/O address; in slots if it is ragged. */
static int map_part(struct phyr_dma *dma, const struct phyr_dma_piece *piece,
		    struct phyr_range part, bool ragged, uint64_t iova)
{
	struct phyr_bounce_part all = { 0, part.len };
	struct phyr_dma_piece one = *piece;
	struct slot slot = { .offset = 0 };
	uint64_t done;
	int err;

	one.runs = &part;
	one.run_cnt = 1;
	if (!ragged)
		return map_runs(dma, &one, iova, &done);
	if (!dma->params.bounce)
		return PHYR_E_KIND;
	err = phyr_slot_take(dma, part, iova, &slot, &part.pa);
	if (err)
		return err;
	phyr_slots_copy(dma, (struct slots){ &slot, 1 }, all, true);
	err = map_runs(dma, &one, iova, &done);
	if (err)
		phyr_slots_give(dma, (struct slots){ &slot, 1 });
	return err;
}

/* For a device that may not see what shares a granule: part by part. */
static int map_guarded(struct phyr_dma *dma, const struct phyr_dma_piece *piece, uint64_t iova,
		       uint64_t *ret_done)
{
	uint64_t mask = granule_mask(dma);

	*ret_done = 0;
	for (size_t i = 0; i < piece->run_cnt; i++) {
		struct phyr_range rest = piece->runs[i];

		while (rest.len) {
			struct phyr_range part = rest;
			bool ragged = cut_ragged(dma, &part);
			int err = map_part(dma, piece, part, ragged, (iova & ~mask) + *ret_done);

			if (err)
				return err;
			*ret_done += ((part.pa.addr & mask) + part.len + mask) & ~mask;
			rest.pa.addr += part.len;
			rest.len -= part.len;
		}
	}
	return PHYR_OK;
}

/* All runs are one provider's, and it is reached through the host bridge. */
static int check_peer(struct phyr_dma *dma, const struct phyr_dma_piece *piece,
		      uint32_t *ret_provider)
{
	uint32_t provider = piece->tag.provider;

	for (size_t i = 0; i < piece->run_cnt; i++) {
		struct phyr_dma_reach reach;
		int err = phyr_dma_peer(dma, piece->runs[i], &reach);

		if (err) /* it may be past the IOMMU, and out of reach there */
			return err == PHYR_E_LIMIT ? PHYR_E_KIND : err;
		if (provider && provider != reach.provider)
			return PHYR_E_INVAL;
		provider = reach.provider;
		if (reach.type != PHYR_P2P_BRIDGE ||
		    (has_trait(dma, PHYR_DMA_UNTRUSTED) &&
		     ((piece->runs[i].pa.addr | piece->runs[i].len) & granule_mask(dma))))
			return PHYR_E_KIND;
	}
	*ret_provider = provider;
	return PHYR_OK;
}

/* The caller's user, or that of the tie. */
static struct phyr_p2p_user *user_of(const struct phyr_dma_piece *piece)
{
	return piece->tie ? &piece->tie->user : piece->user;
}

static int use_peer(struct phyr_dma *dma, const struct phyr_dma_piece *piece, bool *ret_attached)
{
	struct phyr_p2p_user *user = user_of(piece);
	uint32_t provider;
	int err = check_peer(dma, piece, &provider);

	if (err)
		return err;
	if (user->provider)
		return user->provider == provider ? PHYR_OK : PHYR_E_INVAL;
	if (piece->tie)
		user->revoke = phyr_tie_revoke;
	err = phyr_p2p_attach(dma->params.p2p, provider, user);
	*ret_attached = !err;
	return err;
}

/* Runs that begin and end with granules, as they are. */
static int map_whole(struct phyr_dma *dma, const struct phyr_dma_piece *piece, uint64_t iova)
{
	struct phyr_iommu_map map = {
		.iova = { iova },
		.runs = piece->runs,
		.run_cnt = piece->run_cnt,
		.perm = piece->perm,
		.kind = piece->tag.kind,
		.source = { .fd = -1 },
	};

	return phyr_fill_call(dma, &map);
}

/* Runs of which some end inside granules. */
static int link_ragged(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t offset,
		       const struct phyr_dma_piece *piece)
{
	bool guarded = has_trait(dma, PHYR_DMA_UNTRUSTED);
	uint64_t iova = state->addr + offset;
	struct phyr_iova_range done = { phyr_iova_at(iova & ~granule_mask(dma)), 0 };
	struct phyr_iova_range none = { { 0 }, 0 };
	int err = guarded ? map_guarded(dma, piece, iova, &done.len) :
			    map_runs(dma, piece, iova, &done.len);

	if (err && done.len) {
		if (phyr_dma_remove_now(dma, done, none))
			PHYR_ASSERT(false);
		phyr_state_give_slots(dma, done, 0);
	}
	if (!err && guarded && phyr_state_has_slots(dma, done))
		state->size |= STATE_STRICT;
	return err;
}

static int link_runs(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t offset,
		     uint64_t len, const struct phyr_dma_piece *piece)
{
	uint64_t iova = state->addr + offset;

	if ((state->size & STATE_STRICT) &&
	    phyr_tie_is_hole(dma, phyr_state_granules(dma, state, offset, len)))
		return PHYR_E_EXISTS;
	/* Where runs join there are ends of granules: check_runs(). */
	if (!((iova | (iova + len)) & granule_mask(dma)))
		return map_whole(dma, piece, iova);
	return link_ragged(dma, state, offset, piece);
}

static bool is_piece(const struct phyr_dma_piece *piece)
{
	return piece && piece->runs && piece->run_cnt && known_perm(piece->perm) &&
	       (unsigned int)piece->tag.kind < PHYR_KIND_CNT &&
	       (piece->tag.kind == PHYR_KIND_P2P) == (user_of(piece) != NULL) &&
	       !(piece->user && piece->tie);
}

/* What is linked is known to a checker, a tie and the counters. */
static void note(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t offset, uint64_t len,
		 const struct phyr_dma_piece *piece)
{
	if (dma->params.checker)
		phyr_checker_linked(dma, state, offset, piece);
	if (piece->tie)
		phyr_tie_add(dma, piece->tie, state, phyr_state_granules(dma, state, offset, len));
	dma->stats.link_cnt++;
	dma->stats.mapped_len += len;
	if (piece->tag.kind == PHYR_KIND_P2P)
		dma->stats.bridge_len += len;
	else
		phyr_dma_maintain(dma, len);
}

int phyr_dma_link(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t offset,
		  const struct phyr_dma_piece *piece)
{
	bool attached = false;
	uint64_t len;
	int err;

	if (!dma || !state || !is_piece(piece))
		return PHYR_E_INVAL;
	err = check_runs(dma, state, offset, piece, &len);
	if (err)
		return err;
	if (piece->tag.kind == PHYR_KIND_ENCRYPTED)
		return PHYR_E_KIND;
	if (piece->tie &&
	    !phyr_tie_fits(dma, piece->tie, state, phyr_state_granules(dma, state, offset, len)))
		return PHYR_E_INVAL;
	if (piece->tag.kind == PHYR_KIND_P2P)
		err = use_peer(dma, piece, &attached);
	if (!err)
		err = link_runs(dma, state, offset, len, piece);
	if (err && attached)
		phyr_p2p_detach(user_of(piece));
	if (!err)
		note(dma, state, offset, len, piece);
	return err;
}

int phyr_dma_sync(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t offset,
		  uint64_t len)
{
	int err = phyr_state_check(dma, state, offset, len);
	struct phyr_iova_range granules;

	if (err)
		return err;
	granules = phyr_state_granules(dma, state, offset, len);
	err = phyr_fill_sync(dma, granules);
	if (!err && dma->params.checker)
		phyr_checker_synced(dma, state, granules);
	return err;
}
