/* SPDX-License-Identifier: MIT */
/*
 * What Arm tables measure: levels by granule and width of I/O addresses, sizes of leaves, and where
 * wide addresses stand in items.
 *
 * As in the Arm ARM (DDI 0487), sections "Translation granule" and "Concatenated translation
 * tables". Arm counts levels from the top: its level 3 is 0 here.
 */
#include "arm.h"

#define IOVA_BITS_MIN 32
#define BITS_MAX 48
#define BITS_MAX_WIDE 52 /* FEAT_LPA2 with 4K and 16K, FEAT_LPA and FEAT_LVA with 64K */
/* The largest top: 16 tables of 16K. Larger ones would spare a level of two items at most. */
#define TOP_LG2_MAX 18

/* The highest level with blocks; one more where addresses are wide. */
static unsigned int block_level_max(unsigned int granule_lg2, bool wide)
{
	unsigned int level = granule_lg2 == 12 ? 2 : 1;

	return wide ? level + 1 : level;
}

/* Is there a contiguous group at a level with blocks? Not of 64G blocks. */
static bool has_group(unsigned int granule_lg2, unsigned int level)
{
	return granule_lg2 != 14 || level < 2;
}

static phyr_sizes arm_sizes(const struct phyrsim_geometry *geometry, unsigned int features)
{
	unsigned int granule_lg2 = geometry->granule_lg2;
	unsigned int max = block_level_max(granule_lg2, features & PHYRSIM_FEATURE_WIDE);
	phyr_sizes sizes = { 0 };

	for (unsigned int level = 0; level <= max && level < geometry->level_cnt; level++) {
		unsigned int lg2 = phyrsim_item_lg2(granule_lg2, level);

		sizes.mask |= phyr_bits_size(lg2);
		if ((features & PHYRSIM_FEATURE_CONTIGUOUS) && has_group(granule_lg2, level))
			sizes.mask |= phyr_bits_size(lg2 + arm_group_lg2(granule_lg2, level));
	}
	sizes = phyr_sizes_upto(sizes, geometry->iova_bits);
	return phyr_sizes_upto(sizes, geometry->pa_bits);
}

/* Levels that the width needs; with concatenation a small top goes into the level below it. */
static unsigned int arm_levels(const struct phyrsim_geometry *geometry, unsigned int root_lg2)
{
	unsigned int index_lg2 = geometry->granule_lg2 - PHYRSIM_ITEM_LEN_LG2;
	unsigned int bits = geometry->iova_bits - geometry->granule_lg2;
	unsigned int cnt = (bits + index_lg2 - 1) / index_lg2;
	unsigned int top = bits - (cnt - 1) * index_lg2;

	return top <= root_lg2 && geometry->granule_lg2 + top <= TOP_LG2_MAX ? cnt - 1 : cnt;
}

static void place_address(struct phyrsim_geometry *geometry, bool wide)
{
	unsigned int granule_lg2 = geometry->granule_lg2;

	geometry->place.mask = phyr_bits_mask(BITS_MAX) & ~phyr_bits_mask(granule_lg2);
	if (!wide)
		return;
	if (granule_lg2 == 16) {
		/* LPA: 51:48 of the address are 15:12 of the item. */
		geometry->place.high_mask = UINT64_C(0xf000);
		geometry->place.shift = 36;
	} else {
		/* LPA2: 49:48 at their place, 51:50 are 9:8 of the item. */
		geometry->place.mask = phyr_bits_mask(50) & ~phyr_bits_mask(granule_lg2);
		geometry->place.high_mask = UINT64_C(0x300);
		geometry->place.shift = 42;
	}
}

/* Widths and granule; what is left open gets its default. */
static bool arm_widths(const struct phyrsim_pagetable_params *params,
		       struct phyrsim_geometry *geometry)
{
	unsigned int max = params->features & PHYRSIM_FEATURE_WIDE ? BITS_MAX_WIDE : BITS_MAX;

	geometry->granule_lg2 = params->granule_lg2 ? params->granule_lg2 : 12;
	geometry->iova_bits = params->iova_bits ? params->iova_bits : BITS_MAX;
	geometry->pa_bits = params->pa_bits ? params->pa_bits : max;
	return (geometry->granule_lg2 == 12 || geometry->granule_lg2 == 14 ||
		geometry->granule_lg2 == 16) &&
	       geometry->iova_bits >= IOVA_BITS_MIN && geometry->iova_bits <= max &&
	       geometry->pa_bits <= max;
}

bool phyrsim_arm_measure(const struct phyrsim_format_ops *ops,
			 const struct phyrsim_pagetable_params *params,
			 struct phyrsim_geometry *ret_geometry)
{
	struct phyrsim_geometry made = { 0 };

	if (!arm_widths(params, &made))
		return false;
	made.level_cnt = arm_levels(&made, ops->root_lg2);
	if (params->level_cnt != 0 && params->level_cnt != made.level_cnt)
		return false;
	made.sizes = arm_sizes(&made, params->features);
	place_address(&made, params->features & PHYRSIM_FEATURE_WIDE);
	made.at_last = phyr_bits_mask(made.iova_bits);
	if (params->features & PHYRSIM_FEATURE_UPPER)
		made.bias = phyr_bits_size(made.iova_bits);
	*ret_geometry = made;
	return true;
}
