/* SPDX-License-Identifier: MIT */
/*
 * What the steps of a case share: memory that is made up, and what is between it and the device.
 *
 * Physical addresses: slots from 4 GiB on, memory from 64 GiB on, where a device of 36 bits does not
 * reach, the peer's BAR far above. Nothing is ever stored there.
 */
#ifndef PHYRSIM_RUN_CASES_PRIVATE_H
#define PHYRSIM_RUN_CASES_PRIVATE_H

#include <phyr/bounce.h>
#include <phyr/flush.h>
#include <phyr/p2p.h>
#include <phyrsim/run_cases.h>

#include "run.h"

#define POOL_FIRST (UINT64_C(4) << 30)
#define MEMORY_FIRST (UINT64_C(64) << 30)
#define DEVICE_LAST (MEMORY_FIRST - 1)
#define BAR_FIRST (UINT64_C(1) << 44)
#define BAR_LEN (UINT64_C(1) << 20)
#define BAR_BUS UINT64_C(0xd0000000)
/* Where in its page a run begins that is not aligned. [bytes] */
#define LATE_LEN UINT64_C(512)
/* How finely it is known what is in the slots. */
#define SHADOW_LG2 9

/* What was copied to the slots: which memory is at each 512 bytes of the pool. */
struct shadow {
	uint64_t *pa; /* 0: nothing */
	size_t cnt;
	size_t live_cnt; /* of them that were not copied back */
	bool wrong;	 /* copied over something, back to other memory, or not in steps of 512 */
};

/* A device with all that a case needs. */
struct case_world {
	struct machine machine;
	struct phyr_p2p *p2p;
	uint32_t device; /* [node] */
	struct phyr_bounce *pool;
	struct phyr_range pool_range;
	struct shadow shadow;
	struct phyr_flush_domain *domain;
	struct phyr_flush_ring *ring;
	struct phyr_flush_batch batch;
	struct phyr_iova_range held[PHYRSIM_CASE_ROUNDS];
	struct phyr_dma *dma;
};

/* log2 of the largest page of a mix. */
unsigned int phyrsim_mix_lg2(enum phyrsim_mix mix);
/* [bytes] of which a mix is whole multiples. */
uint64_t phyrsim_mix_unit(enum phyrsim_mix mix);
/* Is the memory copied to slots? */
static inline bool phyrsim_case_is_bounced(const struct phyrsim_case_params *params)
{
	return params->which == PHYRSIM_CASE_BOUNCE_ONE ||
	       params->which == PHYRSIM_CASE_BOUNCE_MANY;
}

/* Does every run begin inside its page? */
bool phyrsim_case_is_late(const struct phyrsim_case_params *params);
/* Fills an empty list with the memory of a case. */
int phyrsim_case_memory(const struct phyrsim_case_params *params, struct phyr_list *list);

int phyrsim_case_world_init(struct case_world *world, const struct phyrsim_case_params *params);
/* Also of one that is all zero, or whose init failed. */
void phyrsim_case_world_fini(struct case_world *world);
/* Invalidates what waits: the batch ends, or the time is up. */
void phyrsim_case_world_flush(struct case_world *world, enum phyrsim_flushing flushing);
/* Is nothing mapped, reserved, in slots or waiting, and was all copied where it belongs? */
bool phyrsim_case_world_is_new(const struct case_world *world);

/* Does the device reach the list's bytes, and nothing beside them? */
int phyrsim_case_check(const struct case_world *world, const struct phyr_list *list,
		       const struct phyr_dma_map *map, struct report *report);

/* What Linux needs for the memory of a case. */
int phyrsim_case_linux(const struct phyrsim_case_params *params, const struct phyr_list *list,
		       struct report *report, struct phyrsim_case_linux *ret_cost);

#endif
