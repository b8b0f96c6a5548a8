/* SPDX-License-Identifier: MIT */
/* Linux with an IOMMU of its own: addresses from its allocator, calls of the backend, its two ways to flush. */
#ifndef PHYRSIM_RUN_CASE_LINUX_H
#define PHYRSIM_RUN_CASE_LINUX_H

#include <phyrsim/linux_iova.h>

#include "cases.h"

/* Slots of a flush queue of Linux; one stays empty. */
#define QUEUE_SLOTS 256

struct linux_world {
	struct machine machine;
	struct phyrsim_linux_iova *iova;
	struct phyrsim_linux_iova_device device;
	struct phyr_flush_domain *domain; /* NULL: strict */
	struct phyr_flush_ring *ring;
	struct phyr_iova_range held[QUEUE_SLOTS]; /* until they are flushed */
	size_t held_cnt;
	uint64_t flush_cnt; /* of the domain, when addresses were given back last */
	uint64_t call_cnt;
};

int phyrsim_linux_world_init(struct linux_world *world, const struct phyrsim_case_params *params);
/* Also of one that is all zero, or whose init failed; what is mapped goes with it. */
void phyrsim_linux_world_fini(struct linux_world *world);

/* Takes I/O addresses for whole pages. */
int phyrsim_linux_world_take(struct linux_world *world, uint64_t len,
			     struct phyr_iova_range *ret_reserved);
/* One iommu_map(). */
int phyrsim_linux_world_map(struct linux_world *world, phyr_iova iova, struct phyr_range pages);
/* Removes what is mapped of a range, flushes it or queues it, and gives it back, then or later. */
int phyrsim_linux_world_unmap(struct linux_world *world, struct phyr_iova_range reserved);
/* The time of the queue is up. */
void phyrsim_linux_world_tick(struct linux_world *world);
/* Invalidations so far. */
uint64_t phyrsim_linux_world_flushes(const struct linux_world *world);

#endif
