/* SPDX-License-Identifier: MIT */
/*
 * The greedy cut into mixed sizes, a few blocks of one size at a time.
 *
 * Within a run the two addresses differ by a constant, so only sizes that divide the difference
 * can ever be used, and the cut climbs through them towards the middle of the run and down again.
 * Each step takes all neighbouring blocks of its size, so counting needs no pass over blocks.
 *
 * Not here: cuts into pages of one size (single.c).
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/split.h>

/* The first blocks of a range that is not empty and aligned to the smallest size. */
static struct phyr_blocks first_blocks(struct phyr_range range, phyr_iova iova, phyr_sizes sizes)
{
	/* The sizes that both addresses can be aligned to together. */
	phyr_sizes common = phyr_sizes_upto(sizes, phyr_bits_ctz(range.pa.addr ^ iova.addr));
	unsigned int align_lg2 = phyr_bits_ctz(range.pa.addr);
	unsigned int len_lg2 = phyr_bits_log2(range.len);
	struct phyr_blocks blocks = { range.pa, iova, 0, 0 };
	phyr_sizes larger;
	uint64_t len = range.len;

	blocks.lg2 = phyr_sizes_best_lg2(common, align_lg2 < len_lg2 ? align_lg2 : len_lg2);
	larger.mask = common.mask & ~phyr_bits_mask(blocks.lg2) & ~phyr_bits_size(blocks.lg2);
	if (larger.mask) {
		unsigned int lg2 = phyr_sizes_min_lg2(larger);
		uint64_t gap = -range.pa.addr & phyr_bits_mask(lg2);

		/* Stop where the next larger size can start, if one fits there. */
		if (gap && len > gap && len - gap >= phyr_bits_size(lg2))
			len = gap;
	}
	blocks.cnt = len >> blocks.lg2;
	return blocks;
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
	while (range.len) {
		struct phyr_blocks blocks = first_blocks(range, iova, sizes);

		counts->cnt[blocks.lg2] += blocks.cnt;
		advance(&range, &iova, &blocks);
	}
	return PHYR_OK;
}

/* Starts a cut of a list that was found to be cuttable. */
static void start(const struct phyr_list *list, phyr_sizes sizes, struct phyr_split *split)
{
	memset(split, 0, sizeof(*split));
	phyr_list_begin(list, &split->cursor);
	split->sizes = sizes;
	split->list_len = phyr_list_len(list);
}

static bool joints_fit(const struct phyr_list *list, phyr_sizes sizes)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	return phyr_bits_aligned(stats.joint_mask, phyr_sizes_min_lg2(sizes));
}

int phyr_split_begin(const struct phyr_list *list, phyr_iova iova, phyr_sizes sizes,
		     struct phyr_split *split)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	unsigned int lg2;
	uint64_t last;

	if (!list || sizes.mask == 0 || !split)
		return PHYR_E_INVAL;
	lg2 = phyr_sizes_min_lg2(sizes);
	phyr_list_begin(list, &cursor);
	if (phyr_list_next(&cursor, &run)) {
		if (!phyr_bits_last(iova.addr, phyr_list_len(list), &last) ||
		    (phyr_bits_down(iova.addr, lg2) == 0 &&
		     (last | phyr_bits_mask(lg2)) == UINT64_MAX))
			return PHYR_E_RANGE;
		/* Joints on granules and one agreement at the start make all the others agree. */
		if (!joints_fit(list, sizes) ||
		    !phyr_bits_aligned(run.range.pa.addr ^ iova.addr, lg2))
			return PHYR_E_ALIGN;
	}
	start(list, sizes, split);
	split->iova = phyr_iova_at(phyr_bits_down(iova.addr, lg2));
	return PHYR_OK;
}

/* A run with the list's two ends rounded out; false when it would be 2^64 bytes long. */
static bool round_out(const struct phyr_run *run, uint64_t list_len, unsigned int lg2,
		      struct phyr_range *ret_range)
{
	uint64_t head_len = run->range.pa.addr & phyr_bits_mask(lg2);
	uint64_t len;

	if (__builtin_add_overflow(run->range.len, head_len, &len))
		return false;
	if (run->offset + run->range.len == list_len && !phyr_bits_up(len, lg2, &len))
		return false;
	*ret_range = (struct phyr_range){ phyr_pa_at(run->range.pa.addr - head_len), len };
	return true;
}

int phyr_split_begin_physical(const struct phyr_list *list, phyr_sizes sizes,
			      struct phyr_split *split)
{
	struct phyr_list_cursor ends[2];
	struct phyr_range range;
	struct phyr_run run;

	if (!list || sizes.mask == 0 || !split)
		return PHYR_E_INVAL;
	if (!joints_fit(list, sizes))
		return PHYR_E_ALIGN;
	phyr_list_begin(list, &ends[0]);
	ends[1] = ends[0];
	if (phyr_list_len(list) && phyr_list_seek(list, phyr_list_len(list) - 1, &ends[1]))
		return PHYR_E_RANGE;
	for (int i = 0; i < 2; i++)
		if (phyr_list_next(&ends[i], &run) &&
		    !round_out(&run, phyr_list_len(list), phyr_sizes_min_lg2(sizes), &range))
			return PHYR_E_RANGE;
	start(list, sizes, split);
	split->physical = true;
	return PHYR_OK;
}

/* Fetches the next run. */
static bool next_run(struct phyr_split *split)
{
	unsigned int lg2 = phyr_sizes_min_lg2(split->sizes);
	struct phyr_run run;

	if (!phyr_list_next(&split->cursor, &run) ||
	    !round_out(&run, split->list_len, lg2, &split->run))
		return false;
	if (split->physical)
		split->iova = phyr_iova_at(split->run.pa.addr);
	return true;
}

bool phyr_split_next(struct phyr_split *split, struct phyr_blocks *ret_blocks)
{
	if (split->run.len == 0 && !next_run(split))
		return false;
	*ret_blocks = first_blocks(split->run, split->iova, split->sizes);
	advance(&split->run, &split->iova, ret_blocks);
	return true;
}

int phyr_split_count(const struct phyr_list *list, phyr_iova iova, phyr_sizes sizes,
		     struct phyr_block_counts *ret_counts)
{
	struct phyr_block_counts counts;
	struct phyr_blocks blocks;
	struct phyr_split split;
	int err;

	if (!ret_counts)
		return PHYR_E_INVAL;
	err = phyr_split_begin(list, iova, sizes, &split);
	if (err)
		return err;
	memset(&counts, 0, sizeof(counts));
	while (phyr_split_next(&split, &blocks))
		counts.cnt[blocks.lg2] += blocks.cnt;
	*ret_counts = counts;
	return PHYR_OK;
}
