/* SPDX-License-Identifier: MIT */
/*
 * Arm SMMUv3: a range command reaches (NUM + 1) × 2^SCALE granules, NUM of 5 bits. Linux takes up to
 * 5 bits of the length at a time, from its lowest set bit. Hardware without range commands gets one
 * for each leaf, or one for everything when that would be as many as a table has entries.
 *
 * TTL says at which level the leaves are; where tables went, or leaves of several levels, it is left
 * out. All of NUM, SCALE and TTL zero is reserved, so then a single granule is reached as two.
 */
#include "personality.h"

#define NUM_LG2 5
#define SCALE_MAX 31
#define LAST_LEVEL 3 /* as Arm counts */

/* 0 = leaves of the smallest size */
static unsigned int level_of(const struct phyrsim_inval *inval, unsigned int lg2)
{
	return (lg2 - inval->params.granule_lg2) / (inval->params.granule_lg2 - 3);
}

/* The leaf whose level is said, or 0. */
static unsigned int hint(const struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	uint64_t mask = gather->leaves.mask;
	unsigned int level;

	if (mask == 0 || gather->tables_removed)
		return 0;
	level = level_of(inval, phyr_bits_ctz(mask));
	if (level >= LAST_LEVEL || level_of(inval, phyr_bits_log2(mask)) != level)
		return 0;
	/* Reserved: with granules of 16 KiB there are no leaves at level 1. */
	if (inval->params.granule_lg2 == 14 && level == LAST_LEVEL - 1)
		return 0;
	return phyr_bits_ctz(mask);
}

static void send(struct phyrsim_inval *inval, struct phyr_iova_range range, unsigned int leaf_lg2,
		 bool walk)
{
	struct phyrsim_command command = { PHYR_FLUSH_RANGE, range, walk, leaf_lg2 };

	phyrsim_inval_send(inval, &command);
}

/* One granule more, where there is one. */
static uint64_t widen(struct phyrsim_stretch *range, unsigned int granule_lg2)
{
	if (range->last == UINT64_MAX)
		range->first -= phyr_bits_size(granule_lg2);
	else
		range->last += phyr_bits_size(granule_lg2);
	return phyr_bits_blocks(range->first, range->last, granule_lg2);
}

static void arm_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	struct phyrsim_stretch range = phyrsim_inval_stretch(inval, gather);
	unsigned int granule_lg2 = inval->params.granule_lg2;
	unsigned int leaf_lg2 = hint(inval, gather);
	uint64_t cnt = phyr_bits_blocks(range.first, range.last, granule_lg2);
	struct phyr_iova_range part;

	if (cnt >> (SCALE_MAX + NUM_LG2) != 0) {
		phyrsim_inval_send_all(inval);
		return;
	}
	if (leaf_lg2 == 0 && (cnt & phyr_bits_mask(NUM_LG2)) == 1)
		cnt = widen(&range, granule_lg2);
	part.iova = phyr_iova_at(range.first);
	while (cnt != 0) {
		unsigned int low = phyr_bits_ctz(cnt);
		unsigned int scale = low < SCALE_MAX ? low : SCALE_MAX;
		uint64_t num = (cnt >> scale & phyr_bits_mask(NUM_LG2)) << scale;

		part.len = num << granule_lg2;
		send(inval, part, leaf_lg2, gather->tables_removed);
		part.iova.addr += part.len;
		cnt -= num;
	}
}

/* [log2 bytes] every removed leaf is a multiple, and not one of a contiguous group is left out */
static unsigned int step_of(const struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	unsigned int granule_lg2 = inval->params.granule_lg2;

	if (gather->leaves.mask == 0)
		return granule_lg2;
	return granule_lg2 +
	       (granule_lg2 - 3) * level_of(inval, phyr_bits_ctz(gather->leaves.mask));
}

static void single_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	struct phyrsim_stretch range = phyrsim_inval_stretch(inval, gather);
	unsigned int step_lg2 = step_of(inval, gather);
	uint64_t cnt = phyr_bits_blocks(range.first, range.last, step_lg2);
	struct phyr_iova_range part;

	if (cnt >> (inval->params.granule_lg2 - 3) != 0) {
		phyrsim_inval_send_all(inval);
		return;
	}
	part.iova = phyr_iova_at(phyr_bits_down(range.first, step_lg2));
	part.len = phyr_bits_size(step_lg2);
	for (; cnt != 0; cnt--) {
		send(inval, part, hint(inval, gather), gather->tables_removed);
		part.iova.addr += part.len;
	}
}

/* Linux gathers leaves one by one, so what is gathered is of one size. */
static bool arm_joins(const struct phyr_gather *gather, const struct phyr_gather *piece)
{
	uint64_t mask = gather->leaves.mask;

	return !phyrsim_inval_apart(gather, piece) && mask == piece->leaves.mask &&
	       (mask & (mask - 1)) == 0;
}

static phyr_sizes arm_cuts(const struct phyrsim_inval *inval, const struct phyr_gather *removed)
{
	phyr_sizes sizes = removed->leaves;

	(void)inval;
	if ((sizes.mask & (sizes.mask - 1)) == 0)
		sizes.mask = 0;
	return sizes;
}

const struct phyrsim_inval_ops phyrsim_inval_arm = { arm_flush, arm_joins, arm_cuts };
const struct phyrsim_inval_ops phyrsim_inval_arm_single = { single_flush, arm_joins, arm_cuts };
