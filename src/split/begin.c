/* SPDX-License-Identifier: MIT */
/*
 * Starting the cut of a list into mixed sizes: everything that can be wrong is found here.
 *
 * Not here: the cut itself (blocks.c).
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/split.h>

#include "loose.h"

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

/* Are the I/O addresses of a list that is not empty, rounded out, fewer than 2^64? */
static bool iova_fits(const struct phyr_list *list, phyr_iova iova, unsigned int lg2)
{
	uint64_t last;

	return phyr_bits_last(iova.addr, phyr_list_len(list), &last) &&
	       (phyr_bits_down(iova.addr, lg2) || (last | phyr_bits_mask(lg2)) != UINT64_MAX);
}

int phyr_split_begin(const struct phyr_list *list, phyr_iova iova, phyr_sizes sizes,
		     struct phyr_split *split)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	unsigned int lg2;

	if (!list || sizes.mask == 0 || !split)
		return PHYR_E_INVAL;
	lg2 = phyr_sizes_min_lg2(sizes);
	phyr_list_begin(list, &cursor);
	if (phyr_list_next(&cursor, &run)) {
		if (!iova_fits(list, iova, lg2))
			return PHYR_E_RANGE;
		/* Joints on granules and one agreement at the start make all the others agree. */
		if (!joints_fit(list, sizes) ||
		    !phyr_bits_aligned(run.range.pa.addr ^ iova.addr, lg2))
			return PHYR_E_ALIGN;
	}
	start(list, sizes, split);
	split->first = iova;
	return PHYR_OK;
}

/* Would a run be 2^64 bytes long, the list's two ends rounded out? */
static bool is_everything(const struct phyr_run *run, uint64_t list_len, unsigned int lg2)
{
	uint64_t head_len = run->range.pa.addr & phyr_bits_mask(lg2);
	uint64_t len;

	return __builtin_add_overflow(run->range.len, head_len, &len) ||
	       (run->offset + run->range.len == list_len && !phyr_bits_up(len, lg2, &len));
}

int phyr_split_begin_physical(const struct phyr_list *list, phyr_sizes sizes,
			      struct phyr_split *split)
{
	struct phyr_list_cursor ends[2];
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
		    is_everything(&run, phyr_list_len(list), phyr_sizes_min_lg2(sizes)))
			return PHYR_E_RANGE;
	start(list, sizes, split);
	split->physical = true;
	return PHYR_OK;
}

/* Does the memory of a run still exist when it is rounded out as its I/O addresses are? */
static bool memory_fits(const struct phyr_run *run, uint64_t at, bool last, unsigned int lg2)
{
	uint64_t head_len = at & phyr_bits_mask(lg2);
	uint64_t tail_len = last ? -(at + run->range.len) & phyr_bits_mask(lg2) : 0;
	uint64_t end;

	return run->range.pa.addr >= head_len &&
	       !__builtin_add_overflow(run->range.pa.addr + (run->range.len - 1), tail_len, &end);
}

static int check_run(const struct phyr_run *run, uint64_t at, bool last,
		     const struct phyr_split_sizes *sizes)
{
	unsigned int lg2 = phyr_sizes_min_lg2(sizes->sizes);

	if (run->offset && !phyr_bits_aligned(at, lg2))
		return PHYR_E_ALIGN;
	if (!phyr_bits_aligned(run->range.pa.addr ^ at, sizes->align_lg2[lg2]))
		return PHYR_E_ALIGN;
	return memory_fits(run, at, last, lg2) ? PHYR_OK : PHYR_E_RANGE;
}

int phyr_split_begin_aligned(const struct phyr_list *list, phyr_iova iova,
			     const struct phyr_split_sizes *sizes, struct phyr_split *split)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	int err = PHYR_OK;

	if (!list || !sizes || sizes->sizes.mask == 0 || !split || !phyr_loose_valid(sizes))
		return PHYR_E_INVAL;
	if (phyr_list_len(list) && !iova_fits(list, iova, phyr_sizes_min_lg2(sizes->sizes)))
		return PHYR_E_RANGE;
	phyr_list_begin(list, &cursor);
	while (!err && phyr_list_next(&cursor, &run)) {
		bool last = run.offset + run.range.len == phyr_list_len(list);

		err = check_run(&run, iova.addr + run.offset, last, sizes);
	}
	if (err)
		return err;
	start(list, sizes->sizes, split);
	split->first = iova;
	split->align_lg2 = sizes->align_lg2;
	return PHYR_OK;
}

int phyr_split_begin_physical_aligned(const struct phyr_list *list,
				      const struct phyr_split_sizes *sizes,
				      struct phyr_split *split)
{
	unsigned int lg2;
	int err;

	if (!sizes || sizes->sizes.mask == 0 || !phyr_loose_valid(sizes))
		return PHYR_E_INVAL;
	lg2 = phyr_sizes_min_lg2(sizes->sizes);
	if (sizes->align_lg2[lg2] != lg2)
		return PHYR_E_INVAL;
	err = phyr_split_begin_physical(list, sizes->sizes, split);
	if (err)
		return err;
	split->align_lg2 = sizes->align_lg2;
	return PHYR_OK;
}
