/* SPDX-License-Identifier: MIT */
/* What all front ends ask of a handle. */
#ifndef PHYR_FRONT_H
#define PHYR_FRONT_H

#include <phyr/bits.h>
#include <phyr/dma.h>

/* Runs handed to a link at a time. */
#define FRONT_RUNS 32

/* [log2 bytes] of the IOMMU's granule; 0 without one */
static inline unsigned int phyr_front_granule_lg2(const struct phyr_dma_params *params)
{
	struct phyr_iommu_caps caps;

	if (!params->iommu.ops)
		return 0;
	params->iommu.ops->caps(params->iommu.ctx, &caps);
	return phyr_sizes_min_lg2(caps.sizes);
}

#endif
