/* SPDX-License-Identifier: MIT */
/*
 * What a table measures: levels, widths and sizes of leaves.
 *
 * Not here: the measures of Arm (arm_geometry.c), which has three granules and tops of any size.
 */
#include "table.h"

/* No leaf is larger than the addresses on either of its sides, or as large as all of a table. */
static phyr_sizes sizes_upto(phyr_sizes sizes, const struct phyrsim_geometry *geometry)
{
	unsigned int whole_lg2 = phyrsim_item_lg2(geometry->granule_lg2, geometry->level_cnt);

	sizes = phyr_sizes_upto(sizes, whole_lg2 - 1);
	return phyr_sizes_upto(phyr_sizes_upto(sizes, geometry->iova_bits), geometry->pa_bits);
}

bool phyrsim_measure_levels(const struct phyrsim_format_ops *ops,
			    const struct phyrsim_pagetable_params *params,
			    struct phyrsim_geometry *ret_geometry)
{
	bool sign = ops->sign && !(params->features & PHYRSIM_FEATURE_UNSIGNED);
	struct phyrsim_geometry made = { .granule_lg2 = PHYR_PAGE_LG2 };

	if (params->granule_lg2 != 0 && params->granule_lg2 != PHYR_PAGE_LG2)
		return false;
	if (params->iova_bits != 0)
		return false;
	made.level_cnt = params->level_cnt ? params->level_cnt : ops->level_cnt;
	if (made.level_cnt < ops->level_cnt_min || made.level_cnt > ops->level_cnt_max)
		return false;
	made.pa_bits = params->pa_bits ? params->pa_bits : ops->pa_bits_max;
	if (made.pa_bits > ops->pa_bits_max)
		return false;
	made.iova_bits = phyrsim_item_lg2(PHYR_PAGE_LG2, made.level_cnt) + ops->root_lg2;
	if (made.iova_bits > 64)
		made.iova_bits = 64;
	/* Without the sign there is only the lower half. */
	if (params->features & PHYRSIM_FEATURE_UNSIGNED)
		made.iova_bits--;
	made.sizes = sizes_upto(ops->sizes, &made);
	made.at_last = phyrsim_mask(made.iova_bits);
	if (sign)
		made.bias = phyr_bits_size(made.iova_bits - 1);
	if (ops->grows) {
		made.at_last = UINT64_MAX;
		made.sizes = phyr_sizes_upto(ops->sizes, made.pa_bits);
	}
	*ret_geometry = made;
	return true;
}

void phyrsim_pagetable_caps(const struct phyrsim_pagetable *table, struct phyr_iommu_caps *ret_caps)
{
	const struct phyrsim_geometry *geometry = &table->geometry;
	bool sign = geometry->bias != 0 && geometry->bias < geometry->at_last;
	/* All ones above the width, or of two halves the lower: a window has no hole. */
	uint64_t first = sign ? 0 : 0 - geometry->bias;
	uint64_t last = sign ? geometry->bias - 1 : first + geometry->at_last;

	ret_caps->sizes = geometry->sizes;
	ret_caps->iova.first = phyr_iova_at(first);
	ret_caps->iova.last = phyr_iova_at(last);
	ret_caps->pa_last = phyr_pa_at(table->pa_last);
	ret_caps->mapping_cnt_max = 0;
}
