/* SPDX-License-Identifier: MIT */
/*
 * How drivers gather: what they cut an unmap into, and what they flush before they go on.
 *
 * Linux's core cuts an unmap into calls of its driver by I/O address alone: it knows the sizes of
 * pages, not the leaves. A call is for pages of one size, and ends where a larger one takes over.
 */
#include "personality.h"

bool phyrsim_inval_apart(const struct phyr_gather *gather, const struct phyr_gather *piece)
{
	if (piece->first > gather->last)
		return piece->first - gather->last > 1;
	return piece->last < gather->first && gather->first - piece->last > 1;
}

/* The last byte of the first piece of a range. */
static uint64_t piece_last(struct phyrsim_stretch range, phyr_sizes sizes)
{
	uint64_t len = range.last - range.first + 1;
	uint64_t way, next;
	unsigned int lg2, next_lg2;

	if (len == 0 || sizes.mask == 0)
		return range.last;
	lg2 = phyr_bits_log2(len);
	if (phyr_bits_ctz(range.first) < lg2)
		lg2 = phyr_bits_ctz(range.first);
	lg2 = phyr_sizes_best_lg2(sizes, lg2);
	if (lg2 == 64)
		return range.last;
	/* It takes over only if a page of it fits; the next smaller one otherwise goes on. */
	next_lg2 = phyr_bits_ctz(sizes.mask & ~(phyr_bits_size(lg2) | phyr_bits_mask(lg2)));
	if (next_lg2 < 64) {
		next = phyr_bits_size(next_lg2);
		way = next - (range.first & (next - 1));
		if (len >= next && len - next >= way)
			return range.first + way - 1;
	}
	return range.first + phyr_bits_down(len, lg2) - 1;
}

/* What of an unmap lies in a piece of it. */
static struct phyr_gather cut_out(const struct phyr_gather *removed, struct phyrsim_stretch piece)
{
	struct phyr_gather part = *removed;

	part.freed = NULL;
	if (piece.first == removed->first && piece.last == removed->last)
		return part;
	part.first = piece.first;
	part.last = piece.last;
	part.removed_len = piece.last - piece.first + 1;
	part.unmap_cnt = 1;
	part.tables_removed = removed->tables_removed && removed->tables_first <= piece.last &&
			      removed->tables_last >= piece.first;
	return part;
}

/* Flushes what is gathered; what was freed goes on waiting. */
static void flush_early(struct phyrsim_inval *inval, struct phyr_gather *gather,
			struct phyr_gather *part)
{
	void *freed = gather->freed;

	/* The tables of the next piece are on Linux 6.12's list already, and go with this flush. */
	if (inval->params.personality == PHYRSIM_INVAL_VTD_LINUX && !inval->params.ordered &&
	    part->tables_removed) {
		gather->tables_removed = true;
		part->tables_removed = false;
	}
	phyrsim_inval_flush(inval, gather);
	phyr_gather_init(gather);
	gather->freed = freed;
}

bool phyrsim_inval_grows(const struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	const struct phyrsim_inval_ops *ops = phyrsim_inval_ops_of(inval);

	return gather->queued || (!ops->cuts && (!ops->joins || gather->empty));
}

void phyrsim_inval_add(struct phyrsim_inval *inval, const struct phyr_gather *removed,
		       struct phyr_gather *gather)
{
	const struct phyrsim_inval_ops *ops = phyrsim_inval_ops_of(inval);
	phyr_sizes sizes = { 0 };
	struct phyrsim_stretch rest = { removed->first, removed->last };
	struct phyrsim_stretch piece = rest;

	if (removed->empty)
		return;
	if (gather->queued) {
		phyr_gather_join(gather, removed);
		return;
	}
	if (ops->cuts)
		sizes = ops->cuts(inval, removed);
	do {
		struct phyr_gather part;

		piece.first = rest.first;
		piece.last = piece_last(rest, sizes);
		part = cut_out(removed, piece);
		if (ops->joins && !gather->empty && !ops->joins(gather, &part))
			flush_early(inval, gather, &part);
		phyr_gather_join(gather, &part);
		rest.first = piece.last + 1;
	} while (piece.last < rest.last);
}
