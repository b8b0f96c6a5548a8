/* SPDX-License-Identifier: MIT */
/*
 * Any list put into its reservation: pieces are mapped in batches of one kind, bounced, or noted with
 * the address that they have; all or none.
 */

#include <string.h>

#include "fill.h"

#define BATCH_RUNS 512

/* Runs that wait for the backend. */
struct batch {
	struct fill *fill;
	struct phyr_range runs[BATCH_RUNS];
	size_t run_cnt;
	enum phyr_kind kind;
	uint64_t va;	   /* of the first */
	uint64_t done_len; /* of the reservation, mapped */
	uint64_t len;	   /* of the runs */
};

static int batch_end(struct batch *batch)
{
	const struct fill *fill = batch->fill;
	struct phyr_iommu_map map = {
		.iova = phyr_iova_at(fill->reserved.iova.addr + batch->done_len),
		.runs = batch->runs,
		.run_cnt = batch->run_cnt,
		.perm = fill->perm,
		.kind = batch->kind,
		.source = { batch->va, -1, 0 },
	};
	int err;

	if (batch->run_cnt == 0)
		return PHYR_OK;
	err = phyr_fill_call(fill->dma, &map);
	if (err)
		return err;
	batch->done_len += batch->len;
	batch->len = 0;
	batch->run_cnt = 0;
	return PHYR_OK;
}

/* A run of granules behind the others; they are all of one kind. */
static int batch_add(struct batch *batch, const struct piece *piece, struct phyr_range run)
{
	int err = PHYR_OK;

	if (batch->run_cnt == BATCH_RUNS || (batch->run_cnt && batch->kind != piece->kind))
		err = batch_end(batch);
	if (err)
		return err;
	if (batch->run_cnt == 0) {
		batch->kind = piece->kind;
		batch->va = phyr_list_va(batch->fill->list) + piece->offset -
			    (piece->range.pa.addr & granule_mask(batch->fill->dma));
	}
	batch->runs[batch->run_cnt++] = run;
	batch->len += run.len;
	return PHYR_OK;
}

/* Bounced, and a granule or more of the reservation, or none without an IOMMU. */
static int bounce(struct batch *batch, struct piece *piece, uint64_t iova)
{
	const struct fill *fill = batch->fill;
	struct phyr_bounce_part all = { piece->offset, piece->range.len };
	uint64_t extent = piece_extent(fill->dma, piece);
	struct phyr_range run;
	struct slots *slots = &fill->extra->slots;
	struct slot *slot = &slots->slot[slots->cnt];
	phyr_pa pa;
	int err = phyr_slot_take(fill->dma, piece->range, iova, slot, &pa);

	if (err)
		return err;
	slot->offset = piece->offset;
	slots->cnt++;
	/* Whatever the direction: what the device leaves unwritten is copied back as it was. */
	phyr_slots_copy(fill->dma, (struct slots){ slot, 1 }, all, true);
	if (!fill->dma->params.iommu.ops) {
		piece->iova = pa.addr + fill->dma->params.bus_offset;
		return reaches(fill->dma, piece->iova, piece->range.len) ? PHYR_OK : PHYR_E_LIMIT;
	}
	piece->kind = PHYR_KIND_SYSTEM; /* whatever it is a copy of */
	run.pa = phyr_pa_at(pa.addr & ~granule_mask(fill->dma));
	run.len = extent;
	return batch_add(batch, piece, run);
}

static int add_mapped(struct batch *batch, const struct piece *piece)
{
	struct phyr_range run = { phyr_pa_at(piece->range.pa.addr &
					     ~granule_mask(batch->fill->dma)),
				  piece_extent(batch->fill->dma, piece) };

	return batch_add(batch, piece, run);
}

/* One piece; its I/O address is known afterwards. */
static int fill_piece(struct batch *batch, struct piece *piece)
{
	const struct fill *fill = batch->fill;
	uint64_t iova = fill->reserved.iova.addr + batch->done_len + batch->len;
	int err;

	if (piece->treatment == PIECE_AS_IS)
		return PHYR_OK;
	if (piece->treatment == PIECE_BOUNCE)
		err = bounce(batch, piece, iova);
	else
		err = add_mapped(batch, piece);
	if (fill->dma->params.iommu.ops)
		piece->iova = iova + (piece->range.pa.addr & granule_mask(fill->dma));
	return err;
}

/* The list of I/O addresses joins what follows on; not across the border of a peer. */
static int note(struct fill *fill, const struct piece *piece)
{
	struct phyr_range range = { phyr_pa_at(piece->iova), piece->range.len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	int err = PHYR_OK;

	if (piece->bus)
		tag = (struct phyr_tag){ PHYR_KIND_P2P, piece->provider };
	if (piece->offset == 0)
		fill->iova = piece->iova;
	if (piece->provider)
		err = phyr_extra_use(fill->extra, piece->provider);
	if (!err && fill->plan->form == PHYR_DMA_LIST)
		err = phyr_list_append(&fill->extra->own, range, tag);
	return err;
}

static int fill_all(struct batch *batch)
{
	struct fill *fill = batch->fill;
	struct walk walk;
	struct piece piece;
	int err;

	phyr_walk_begin(&walk, fill->dma, fill->list);
	do {
		err = phyr_walk_next(&walk, &piece);
		if (!err && piece.range.len)
			err = fill_piece(batch, &piece);
		if (!err && piece.range.len)
			err = note(fill, &piece);
	} while (!err && piece.range.len);
	if (!err)
		err = batch_end(batch);
	if (!err && fill->reserved.len)
		err = phyr_fill_sync(fill->dma, fill->reserved);
	return err;
}

int phyr_fill_pieces(struct fill *fill)
{
	struct batch batch;
	struct phyr_iova_range done;
	int err;

	memset(&batch, 0, sizeof(batch));
	batch.fill = fill;
	err = fill_all(&batch);
	done.iova = fill->reserved.iova;
	done.len = batch.done_len;
	if (err && done.len &&
	    phyr_dma_remove_now(fill->dma, done, (struct phyr_iova_range){ { 0 }, 0 }))
		PHYR_ASSERT(false);
	return err;
}
