/* SPDX-License-Identifier: MIT */
/*
 * Bounced pieces: between a mapping, which knows offsets in a list, and the pool, which knows keys.
 *
 * Not here: what is bounced (piece.c).
 */

#include "slots.h"

static struct phyr_bounce_key key_of(const struct phyr_dma *dma, uint64_t iova)
{
	struct phyr_bounce_key key = { dma->params.iommu.ctx, phyr_iova_at(iova) };

	return key;
}

int phyr_slot_take(struct phyr_dma *dma, struct phyr_range orig, uint64_t iova,
		   struct slot *ret_slot, phyr_pa *ret_pa)
{
	struct phyr_bounce_request request = {
		.orig = orig,
		.key = key_of(dma, iova),
		.by_pa = !dma->params.iommu.ops,
		.zero_pad = has_trait(dma, PHYR_DMA_UNTRUSTED),
		.keep_lg2 = dma->params.keep_lg2,
		.align_lg2 = (uint8_t)dma->granule_lg2,
	};
	int err;

	if (request.keep_lg2 < request.align_lg2)
		request.keep_lg2 = request.align_lg2;
	err = phyr_bounce_take(dma->params.bounce, &request, ret_pa);
	if (err)
		return err;
	ret_slot->len = orig.len;
	ret_slot->key = request.by_pa ? ret_pa->addr : iova;
	dma->stats.bounced_len += orig.len;
	return PHYR_OK;
}

/* Run by run. */
static void copy_scattered(struct phyr_dma *dma, const struct slot *slot,
			   struct phyr_bounce_part part, bool to_slot)
{
	struct phyr_bounce_key key = key_of(dma, slot->key);
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	if (phyr_list_slice(slot->scattered, part.offset, part.len, &cursor))
		PHYR_ASSERT(false);
	while (phyr_list_next(&cursor, &run)) {
		if (phyr_bounce_copy_run(dma->params.bounce, key, run.offset, run.range, to_slot))
			PHYR_ASSERT(false);
	}
}

static void copy(struct phyr_dma *dma, const struct slot *slot, struct phyr_bounce_part part,
		 bool to_slot)
{
	struct phyr_bounce_key key = key_of(dma, slot->key);
	int err = to_slot ? phyr_bounce_copy_to(dma->params.bounce, key, part) :
			    phyr_bounce_copy_from(dma->params.bounce, key, part);

	if (err)
		PHYR_ASSERT(false);
}

void phyr_slots_copy(struct phyr_dma *dma, struct slots slots, struct phyr_bounce_part part,
		     bool to_slots)
{
	for (size_t i = 0; i < slots.cnt; i++) {
		const struct slot *slot = &slots.slot[i];
		uint64_t first = slot->offset > part.offset ? slot->offset : part.offset;
		uint64_t last = slot->offset + (slot->len - 1);
		struct phyr_bounce_part own;

		if (part.offset + (part.len - 1) < last)
			last = part.offset + (part.len - 1);
		if (first > last)
			continue;
		own.offset = first - slot->offset;
		own.len = last - first + 1;
		if (slot->scattered)
			copy_scattered(dma, slot, own, to_slots);
		else
			copy(dma, slot, own, to_slots);
	}
}

void phyr_slots_give(struct phyr_dma *dma, struct slots slots)
{
	for (size_t i = 0; i < slots.cnt; i++) {
		dma->stats.bounced_len -= slots.slot[i].len;
		if (phyr_bounce_give(dma->params.bounce, key_of(dma, slots.slot[i].key)))
			PHYR_ASSERT(false);
	}
}
