/* SPDX-License-Identifier: MIT */
/*
 * The greedy cut into mixed sizes, a few blocks of one size at a time.
 *
 * Within a run the two addresses differ by a constant, so only sizes whose alignment divides the
 * difference can ever be used, and the cut climbs through them towards the middle of the run and
 * down again. Each step takes all neighbouring blocks of its size, so counting needs no pass over
 * blocks.
 *
 * Not here: how a cut of a list is started (begin.c), alignments of their own (loose.h), cuts into
 * pages of one size (single.c).
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/split.h>

#include "loose.h"

/* The first blocks of a range that is not empty and aligned to the smallest size. */
static struct phyr_blocks first_blocks(struct phyr_range range, phyr_iova iova, phyr_sizes usable)
{
	unsigned int align_lg2 = phyr_bits_ctz(iova.addr);
	unsigned int len_lg2 = phyr_bits_log2(range.len);
	struct phyr_blocks blocks = { range.pa, iova, 0, 0 };
	phyr_sizes larger;
	uint64_t len = range.len;

	blocks.lg2 = phyr_sizes_best_lg2(usable, align_lg2 < len_lg2 ? align_lg2 : len_lg2);
	larger.mask = usable.mask & ~phyr_bits_mask(blocks.lg2) & ~phyr_bits_size(blocks.lg2);
	if (larger.mask) {
		unsigned int lg2 = phyr_sizes_min_lg2(larger);
		uint64_t gap = -iova.addr & phyr_bits_mask(lg2);

		/* Stop where the next larger size can start, if one fits there. */
		if (gap && len > gap && len - gap >= phyr_bits_size(lg2))
			len = gap;
	}
	blocks.cnt = len >> blocks.lg2;
	return blocks;
}

/* The sizes that two addresses can be aligned to together. */
static phyr_sizes usable_sizes(phyr_sizes sizes, const uint8_t *align_lg2, uint64_t difference)
{
	if (align_lg2)
		return phyr_loose_sizes(sizes, align_lg2, phyr_bits_ctz(difference));
	sizes.mask &= difference ^ (difference - 1); /* the bits up to its lowest */
	return sizes;
}

static void advance(struct phyr_range *range, phyr_iova *iova, const struct phyr_blocks *blocks)
{
	uint64_t len = blocks->cnt << blocks->lg2;

	range->pa.addr += len;
	range->len -= len;
	iova->addr += len;
}

int phyr_split_count_range(struct phyr_range range, phyr_iova iova, phyr_sizes sizes,
			   struct phyr_block_counts *counts)
{
	uint64_t last;

	if (sizes.mask == 0 || !counts)
		return PHYR_E_INVAL;
	if (range.len == 0)
		return PHYR_OK;
	if (!phyr_bits_last(range.pa.addr, range.len, &last) ||
	    !phyr_bits_last(iova.addr, range.len, &last))
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(range.pa.addr | iova.addr | range.len, phyr_sizes_min_lg2(sizes)))
		return PHYR_E_ALIGN;
	sizes = usable_sizes(sizes, NULL, range.pa.addr ^ iova.addr);
	while (range.len) {
		struct phyr_blocks blocks = first_blocks(range, iova, sizes);

		counts->cnt[blocks.lg2] += blocks.cnt;
		advance(&range, &iova, &blocks);
	}
	return PHYR_OK;
}

/* What a cut is like for all runs: a copy that the compiler knows to be constant. */
struct frame {
	phyr_sizes sizes;
	const uint8_t *align_lg2;
	uint64_t first;	   /* I/O address of byte 0 */
	uint64_t list_len; /* [bytes] */
	uint64_t granule_mask;
	bool physical;
};

static struct frame frame_of(const struct phyr_split *split)
{
	struct frame frame = { split->sizes,
			       split->align_lg2,
			       split->first.addr,
			       split->list_len,
			       phyr_bits_mask(phyr_sizes_min_lg2(split->sizes)),
			       split->physical };

	return frame;
}

/* A run, the list's two ends rounded out, and the sizes that it can have. */
struct piece {
	struct phyr_range range;
	phyr_iova iova;
	phyr_sizes usable;
};

/* The next run; begin.c found that its rounding wraps nowhere. */
static inline bool next_piece(const struct frame *frame, struct phyr_list_cursor *cursor,
			      struct piece *ret_piece)
{
	struct phyr_run run;
	uint64_t head_len, at;

	if (!phyr_list_next(cursor, &run))
		return false;
	at = frame->physical ? run.range.pa.addr : frame->first + run.offset;
	head_len = at & frame->granule_mask;
	ret_piece->usable = frame->physical ? frame->sizes :
					      usable_sizes(frame->sizes, frame->align_lg2,
							   run.range.pa.addr ^ at);
	ret_piece->iova = phyr_iova_at(at - head_len);
	ret_piece->range.pa = phyr_pa_at(run.range.pa.addr - head_len);
	ret_piece->range.len = run.range.len + head_len;
	if (run.offset + run.range.len == frame->list_len)
		ret_piece->range.len += -ret_piece->range.len & frame->granule_mask;
	return true;
}

static void enter(struct phyr_split *split, const struct piece *piece)
{
	split->run = piece->range;
	split->iova = piece->iova;
	split->usable = piece->usable;
}

static bool next_run(struct phyr_split *split)
{
	struct frame frame = frame_of(split);
	struct piece piece;

	if (!next_piece(&frame, &split->cursor, &piece))
		return false;
	enter(split, &piece);
	return true;
}

bool phyr_split_next(struct phyr_split *split, struct phyr_blocks *ret_blocks)
{
	if (split->run.len == 0 && !next_run(split))
		return false;
	if (split->physical && split->align_lg2)
		*ret_blocks = phyr_loose_blocks(split->run, split->sizes, split->align_lg2);
	else
		*ret_blocks = first_blocks(split->run, split->iova, split->usable);
	advance(&split->run, &split->iova, ret_blocks);
	return true;
}

/* Counts what is left of the current run. */
static void count_run(struct phyr_split *split, struct phyr_block_counts *counts)
{
	struct phyr_blocks blocks;

	while (split->run.len && phyr_split_next(split, &blocks))
		counts->cnt[blocks.lg2] += blocks.cnt;
}

/*
 * Most runs have the same sizes to choose from as the one before, and are filled by the largest of
 * them from the start on; no bit has to be searched for then.
 */
void phyr_split_count_rest(struct phyr_split *split, struct phyr_block_counts *counts)
{
	const struct frame frame = frame_of(split);
	struct phyr_list_cursor cursor = split->cursor;
	phyr_sizes same = split->sizes;
	unsigned int lg2 = phyr_sizes_best_lg2(same, 63);
	uint64_t cnt = 0;
	struct piece piece;

	count_run(split, counts);
	while (next_piece(&frame, &cursor, &piece)) {
		if (piece.usable.mask != same.mask) {
			counts->cnt[lg2] += cnt;
			cnt = 0;
			same = piece.usable;
			lg2 = phyr_sizes_best_lg2(same, 63);
		}
		if (phyr_bits_aligned(piece.iova.addr | piece.range.len, lg2)) {
			cnt += piece.range.len >> lg2;
		} else {
			enter(split, &piece);
			count_run(split, counts);
		}
	}
	counts->cnt[lg2] += cnt;
	split->cursor = cursor;
}

int phyr_split_count(const struct phyr_list *list, phyr_iova iova, phyr_sizes sizes,
		     struct phyr_block_counts *ret_counts)
{
	struct phyr_split split;
	int err;

	if (!ret_counts)
		return PHYR_E_INVAL;
	err = phyr_split_begin(list, iova, sizes, &split);
	if (err)
		return err;
	memset(ret_counts, 0, sizeof(*ret_counts));
	phyr_split_count_rest(&split, ret_counts);
	return PHYR_OK;
}
