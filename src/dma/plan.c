/* SPDX-License-Identifier: MIT */
/*
 * The plan of a mapping: form, lengths and counts, from what the list knows of itself where that is
 * enough, else from a pass over its pieces.
 */

#include "plan.h"

#include <string.h>

/* What the pass carries from piece to piece. */
struct pass {
	struct plan *plan;
	struct phyr_dma *dma;
	uint64_t next; /* AS_IS: address behind the last piece; else the place in the reservation */
	uint64_t end_pa; /* of the last piece */
	enum treatment last;
	uint32_t provider;
	uint32_t peer; /* the last provider that was none of 0 */
	bool first;
	bool uniform; /* one offset from physical to I/O address */
};

static void obstruct(struct plan *plan, enum phyr_dma_obstacle obstacle, const struct piece *piece)
{
	if (plan->why.obstacle)
		return;
	plan->why.obstacle = obstacle;
	plan->why.offset = piece->offset;
	plan->why.tag.kind = piece->kind;
	plan->why.tag.provider = piece->provider;
	plan->why.len = piece->range.len;
}

static void obstruct_joint(struct pass *pass, const struct piece *piece)
{
	obstruct(pass->plan, PHYR_DMA_JOINT, piece);
	if (pass->plan->why.obstacle == PHYR_DMA_JOINT && pass->plan->why.offset == piece->offset)
		pass->plan->why.joint_mask = pass->end_pa | piece->range.pa.addr;
}

/* Mapped or bounced behind an IOMMU: granules of the reservation. */
static int place(struct pass *pass, const struct piece *piece)
{
	uint64_t mask = granule_mask(pass->dma);
	uint64_t inside = piece->range.pa.addr & mask;
	uint64_t extent;

	if (__builtin_add_overflow(piece->range.len, inside + mask, &extent))
		return PHYR_E_RANGE;
	extent &= ~mask;
	if (!pass->first && pass->last != PIECE_AS_IS &&
	    (inside || pass->next != pass->plan->reserved_len))
		obstruct_joint(pass, piece);
	pass->next = pass->plan->reserved_len + inside + piece->range.len;
	if (__builtin_add_overflow(pass->plan->reserved_len, extent, &pass->plan->reserved_len))
		return PHYR_E_RANGE;
	return PHYR_OK;
}

/* Past an IOMMU there are peers only. */
static void obstruct_as_is(struct pass *pass, const struct piece *piece)
{
	if (pass->dma->params.iommu.ops)
		obstruct(pass->plan, PHYR_DMA_PEER, piece);
	else
		obstruct_joint(pass, piece);
}

/*
 * Reached as it is: one range with the piece before if it is of the same and follows on. Behind the last
 * address of all, nothing does.
 */
static void put_as_is(struct pass *pass, const struct piece *piece)
{
	uint64_t offset = piece->iova - piece->range.pa.addr;

	if (pass->first)
		pass->plan->offset = offset;
	else if (pass->last == PIECE_AS_IS && (pass->next == 0 || pass->next != piece->iova ||
					       pass->provider != piece->provider))
		obstruct_as_is(pass, piece);
	pass->uniform = pass->uniform && offset == pass->plan->offset;
	pass->next = piece->iova + piece->range.len;
	if (piece->bus)
		pass->plan->bus_len += piece->range.len;
}

static void count_peer(struct pass *pass, const struct piece *piece)
{
	if (!piece->provider)
		return;
	pass->plan->peer_len += piece->range.len;
	if (piece->provider != pass->peer)
		pass->plan->user_cnt++;
	pass->peer = piece->provider;
}

/* Pieces of the two sides of an IOMMU are never one range; nor are slots without one. */
static void compare(struct pass *pass, const struct piece *piece)
{
	bool apart = (piece->treatment == PIECE_AS_IS) != (pass->last == PIECE_AS_IS);

	if (pass->first)
		return;
	if (pass->dma->params.iommu.ops) {
		if (apart)
			obstruct(pass->plan, PHYR_DMA_PEER, piece);
	} else if (apart || piece->treatment == PIECE_BOUNCE) {
		obstruct_joint(pass, piece);
	}
}

static int add(struct pass *pass, const struct piece *piece)
{
	bool mapped = piece->treatment != PIECE_AS_IS && pass->dma->params.iommu.ops;
	int err = PHYR_OK;

	if (has_trait(pass->dma, PHYR_DMA_ONE_PEER) && !pass->first &&
	    piece->provider != pass->provider)
		return PHYR_E_KIND;
	compare(pass, piece);
	count_peer(pass, piece);
	if (mapped)
		err = place(pass, piece);
	else if (piece->treatment == PIECE_AS_IS)
		put_as_is(pass, piece);
	if (piece->treatment == PIECE_BOUNCE && pass->plan->slot_cnt++ == pass->dma->slot_max)
		err = PHYR_E_LIMIT;
	pass->plan->whole = pass->first;
	pass->first = false;
	pass->last = piece->treatment;
	pass->provider = piece->provider;
	pass->end_pa = piece->range.pa.addr + piece->range.len;
	return err;
}

static enum phyr_dma_obstacle obstacle_of(int err)
{
	switch (err) {
	case PHYR_E_KIND:
		return PHYR_DMA_KIND;
	case PHYR_E_LIMIT:
	case PHYR_E_RANGE:
		return PHYR_DMA_LIMIT;
	default:
		return PHYR_DMA_PEER;
	}
}

static int look_at_pieces(struct pass *pass, const struct phyr_list *list)
{
	struct walk walk;
	struct piece piece;
	int err;

	phyr_walk_begin(&walk, pass->dma, list);
	do {
		err = phyr_walk_next(&walk, &piece);
		if (!err && piece.range.len)
			err = add(pass, &piece);
	} while (!err && piece.range.len);
	if (err) {
		pass->plan->why.obstacle = PHYR_DMA_FREE;
		obstruct(pass->plan, obstacle_of(err), &piece);
	}
	return err;
}

static enum phyr_dma_form form_of(const struct pass *pass)
{
	if (!pass->dma->params.iommu.ops && pass->plan->slot_cnt == 0 && pass->uniform)
		return PHYR_DMA_BORROWED;
	return pass->plan->why.obstacle ? PHYR_DMA_LIST : PHYR_DMA_RANGE;
}

static uint64_t first_addr(const struct phyr_list *list)
{
	struct phyr_run run = { .offset = 0 };
	struct phyr_list_cursor cursor;

	phyr_list_begin(list, &cursor);
	(void)phyr_list_next(&cursor, &run);
	return run.range.pa.addr;
}

/* Ordinary memory that needs nothing but an offset, or one range of granules. */
static bool is_plain(const struct phyr_dma *dma, const struct phyr_list *list,
		     const struct phyr_list_stats *stats)
{
	uint64_t joints = stats->joint_mask;

	if (stats->kind_mask != 1u << PHYR_KIND_SYSTEM)
		return false;
	if (!dma->params.iommu.ops)
		return dma->params.bus_offset == 0 && dma->window.last.addr == UINT64_MAX;
	if (has_trait(dma, PHYR_DMA_UNTRUSTED))
		joints |= first_addr(list) | stats->len;
	return phyr_bits_aligned(joints, dma->granule_lg2);
}

static int plan_plain(const struct phyr_dma *dma, const struct phyr_list *list, struct plan *plan)
{
	uint64_t inside, len;

	plan->offset = dma->params.bus_offset;
	plan->form = PHYR_DMA_BORROWED;
	if (!dma->params.iommu.ops)
		return PHYR_OK;
	inside = first_addr(list) & granule_mask(dma);
	plan->form = PHYR_DMA_RANGE;
	plan->head_len = inside;
	if (__builtin_add_overflow(plan->len, inside, &len) ||
	    !phyr_bits_up(len, dma->granule_lg2, &plan->reserved_len)) {
		plan->why.obstacle = PHYR_DMA_LIMIT;
		return PHYR_E_RANGE;
	}
	return PHYR_OK;
}

int phyr_plan_make(struct phyr_dma *dma, const struct phyr_list *list, bool linear,
		   struct plan *ret_plan)
{
	struct pass pass = { .plan = ret_plan, .dma = dma, .first = true, .uniform = true };
	struct phyr_list_stats stats;
	int err;

	memset(ret_plan, 0, sizeof(*ret_plan));
	phyr_list_stats(list, &stats);
	ret_plan->len = stats.len;
	if ((dma->params.iommu.ops || !linear) && is_plain(dma, list, &stats))
		return plan_plain(dma, list, ret_plan);
	err = look_at_pieces(&pass, list);
	ret_plan->form = form_of(&pass);
	return err;
}
