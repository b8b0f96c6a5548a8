/* SPDX-License-Identifier: MIT */
/*
 * The handle, and one mapping being made.
 *
 * Invariant: mapped_len and reserved_len are the sums over all maps that were handed out and not
 * taken back. Whatever fails, nothing of the call stays mapped or reserved.
 */
#ifndef PHYR_DMA_JOB_H
#define PHYR_DMA_JOB_H

#include <phyr/bits.h>
#include <phyr/dma.h>

struct phyr_dma {
	const struct phyr_mem *mem;
	struct phyr_iommu iommu;
	struct phyr_iova_space *space;
	struct phyr_iommu_caps caps;
	struct phyr_dma_stats stats;
};

/* What one mapping is made of. */
struct job {
	struct phyr_list *list;
	struct phyr_list_cursor cursor;
	enum phyr_perm perm;
	enum phyr_kind kind;
	uint64_t head_len; /* from the reservation to byte 0 of the list */
	struct phyr_iova_range reserved;
};

/* Can the list be one range? Fills in all of the job but the address. */
int phyr_job_prepare(const struct phyr_dma *dma, struct job *job);
/* Maps all runs of a job at its reservation, or nothing. */
int phyr_job_map(struct phyr_dma *dma, struct job *job);
/* Unmaps a range and invalidates it; PHYR_OK, or what the backend said, with nothing changed. */
int phyr_dma_unmap_range(struct phyr_dma *dma, struct phyr_iova_range range);

#endif
