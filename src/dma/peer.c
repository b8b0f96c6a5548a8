/* SPDX-License-Identifier: MIT */
/* How one range of a peer's memory is reached: for those who go page by page. */

#include <phyr/dma_link.h>

#include "piece.h"

int phyr_dma_peer(struct phyr_dma *dma, struct phyr_range range, struct phyr_dma_reach *ret_reach)
{
	struct phyr_dma_reach reach = { PHYR_P2P_NONE, 0, { 0 } };
	struct piece piece = { .range = range, .kind = PHYR_KIND_P2P };
	int err;

	if (!dma || !ret_reach || range.len == 0)
		return PHYR_E_INVAL;
	if (!dma->peers)
		return PHYR_E_UNREACHABLE;
	err = phyr_p2p_find(dma->peers, range, &reach.provider);
	if (err)
		return err;
	err = phyr_piece_of_peer(dma, &piece);
	/* What cannot be guarded can still be reached; whoever maps it will see. */
	if (err && err != PHYR_E_KIND)
		return err;
	reach.type = phyr_p2p_type(dma->peers, reach.provider);
	if (piece.bus)
		reach.iova = phyr_iova_at(piece.iova);
	*ret_reach = reach;
	return PHYR_OK;
}
