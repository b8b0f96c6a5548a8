/* SPDX-License-Identifier: MIT */
/*
 * What becomes of which memory for which device; and where a run has to be cut for that.
 *
 * Not here: I/O addresses, slots: nothing is taken.
 */

#include "piece.h"

#include <string.h>

void phyr_walk_begin(struct walk *walk, struct phyr_dma *dma, const struct phyr_list *list)
{
	memset(walk, 0, sizeof(*walk));
	walk->dma = dma;
	phyr_list_begin(list, &walk->cursor);
}

/*
 * A run of slots begins with what is before the piece in its first slot or granule; the next piece
 * begins on both, as the longest run is a multiple of both.
 */
static int bounce(const struct phyr_dma *dma, struct piece *piece)
{
	uint64_t keep = phyr_bits_mask(dma->params.keep_lg2) | granule_mask(dma);
	uint64_t most, before;

	if (!dma->params.bounce)
		return PHYR_E_KIND;
	most = phyr_bounce_len_max(dma->params.bounce) & ~granule_mask(dma);
	if (most == 0)
		return PHYR_E_LIMIT;
	before = piece->range.pa.addr & keep & phyr_bits_mask(phyr_bits_ctz(most));
	if (piece->range.len > most - before)
		piece->range.len = most - before;
	piece->treatment = PIECE_BOUNCE;
	return PHYR_OK;
}

/* An untrusted device must not see what shares a granule with an end of a run. */
static int cut_untrusted(const struct phyr_dma *dma, struct piece *piece)
{
	uint64_t mask = granule_mask(dma);
	uint64_t inside = piece->range.pa.addr & mask;

	if (inside || piece->range.len <= mask) {
		if (piece->range.len > mask + 1 - inside)
			piece->range.len = mask + 1 - inside;
		return bounce(dma, piece);
	}
	piece->range.len &= ~mask;
	return PHYR_OK;
}

/* Is there other memory in a granule at an end? */
static bool is_ragged(const struct phyr_dma *dma, const struct phyr_range *range)
{
	return (range->pa.addr | range->len) & granule_mask(dma);
}

static int treat_memory(const struct phyr_dma *dma, struct piece *piece)
{
	if (piece->kind == PHYR_KIND_ENCRYPTED)
		return has_trait(dma, PHYR_DMA_DECRYPT) ? bounce(dma, piece) : PHYR_E_KIND;
	if (dma->params.iommu.ops) {
		piece->treatment = PIECE_MAP;
		if (has_trait(dma, PHYR_DMA_UNTRUSTED) && is_ragged(dma, &piece->range))
			return cut_untrusted(dma, piece);
		return PHYR_OK;
	}
	piece->iova = piece->range.pa.addr + dma->params.bus_offset;
	piece->treatment = PIECE_AS_IS;
	return reaches(dma, piece->iova, piece->range.len) ? PHYR_OK : bounce(dma, piece);
}

/* Through the host bridge: mapped like memory, or by the address that the CPU uses. */
static int treat_bridge(const struct phyr_dma *dma, struct piece *piece)
{
	if (dma->params.iommu.ops) {
		piece->treatment = PIECE_MAP;
		if (has_trait(dma, PHYR_DMA_UNTRUSTED) && is_ragged(dma, &piece->range))
			return PHYR_E_KIND;
		return PHYR_OK;
	}
	piece->iova = piece->range.pa.addr + dma->params.bus_offset;
	piece->treatment = PIECE_AS_IS;
	return reaches(dma, piece->iova, piece->range.len) ? PHYR_OK : PHYR_E_LIMIT;
}

static int treat_bus(const struct phyr_dma *dma, struct piece *piece)
{
	phyr_iova bus;
	int err = phyr_p2p_bus(dma->peers, piece->provider, piece->range.pa, &bus);

	if (err)
		return err;
	piece->iova = bus.addr;
	piece->treatment = PIECE_AS_IS;
	piece->bus = true;
	/* The IOMMU's own width is no limit for what goes past it. */
	if (dma->params.address_last &&
	    (piece->iova > dma->params.address_last ||
	     piece->range.len - 1 > dma->params.address_last - piece->iova))
		return PHYR_E_LIMIT;
	return PHYR_OK;
}

int phyr_piece_of_peer(struct phyr_dma *dma, struct piece *piece)
{
	int err;

	if (!dma->peers)
		return PHYR_E_UNREACHABLE;
	err = phyr_p2p_split(dma->peers, piece->range, &piece->range, &piece->provider);
	if (err)
		return err;
	switch (phyr_p2p_type(dma->peers, piece->provider)) {
	case PHYR_P2P_BUS:
	case PHYR_P2P_OWN:
		return treat_bus(dma, piece);
	case PHYR_P2P_BRIDGE:
		return treat_bridge(dma, piece);
	case PHYR_P2P_NONE:
		return PHYR_E_NOENT;
	default:
		return PHYR_E_UNREACHABLE;
	}
}

int phyr_walk_next(struct walk *walk, struct piece *piece)
{
	struct phyr_run *rest = &walk->rest;
	int err;

	memset(piece, 0, sizeof(*piece));
	if (rest->range.len == 0 && !phyr_list_next(&walk->cursor, rest))
		return PHYR_OK;
	piece->range = rest->range;
	piece->offset = rest->offset;
	piece->kind = rest->tag.kind;
	err = piece->kind == PHYR_KIND_P2P ? phyr_piece_of_peer(walk->dma, piece) :
					     treat_memory(walk->dma, piece);
	rest->range.pa.addr += piece->range.len;
	rest->range.len -= piece->range.len;
	rest->offset += piece->range.len;
	return err;
}
