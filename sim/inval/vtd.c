/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d: a page-selective command reaches 2^AM pages, naturally aligned. The invalidation hint
 * (IH) spares cached table pointers. Above the largest AM only the whole domain can be named.
 */
#include "personality.h"

void phyrsim_inval_send_psi(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk)
{
	unsigned int lg2 = phyrsim_inval_window_lg2(inval, range);

	if (lg2 - PHYR_PAGE_LG2 > inval->params.mask_max)
		phyrsim_inval_send_all(inval);
	else
		phyrsim_inval_send_range(inval, phyrsim_inval_window(range, lg2), walk);
}

static void vtd_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	phyrsim_inval_send_psi(inval, phyrsim_inval_stretch(inval, gather), gather->tables_removed);
}

/*
 * Linux 6.12 remembers the length of the piece it gathered first where its core expects the size of
 * a page. So pieces join only while they are of one length; that length is the mean.
 */
static bool linux_joins(const struct phyr_gather *gather, const struct phyr_gather *piece)
{
	return !phyrsim_inval_apart(gather, piece) &&
	       gather->removed_len / gather->unmap_cnt == piece->removed_len;
}

static phyr_sizes linux_cuts(const struct phyrsim_inval *inval, const struct phyr_gather *removed)
{
	(void)removed;
	return inval->params.sizes;
}

const struct phyrsim_inval_ops phyrsim_inval_vtd = { vtd_flush, NULL, NULL };
const struct phyrsim_inval_ops phyrsim_inval_vtd_linux = { vtd_flush, linux_joins, linux_cuts };
