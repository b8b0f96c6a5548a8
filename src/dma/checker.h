/* SPDX-License-Identifier: MIT */
/* What a checker remembers. */
#ifndef PHYR_DMA_CHECKER_H
#define PHYR_DMA_CHECKER_H

#include "../base/lock.h"
#include "check.h"

#define BUCKET_CNT 256

/* Of a granule of a state: permissions, and */
#define GRANULE_SYNCED 4u

/* A mapping, or a state if it has granules. */
struct record {
	struct record *next; /* of its bucket */
	uint64_t key;
	struct phyr_dma_map map;     /* of a state: reserved, and range is the state's own */
	struct phyr_list pages;	     /* of a mapping: its memory */
	uint64_t cpu_first, cpu_len; /* [bytes of the list] the CPU's: at least this */
	uint64_t granule_cnt;
	unsigned int granule_lg2;
	uint8_t granules[]; /* 0: not linked */
};

struct phyr_dma_checker {
	struct phyr_dma_checker_params params;
	struct phyr_lock lock; /* of all that follows */
	struct phyr_dma_checker_stats stats;
	struct record *buckets[BUCKET_CNT];
};

static inline struct record **bucket_of(struct phyr_dma_checker *checker, uint64_t key)
{
	return &checker->buckets[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

/* Counts and tells; the lock is held. */
void phyr_checker_complain(struct phyr_dma_checker *checker, enum phyr_dma_mistake mistake,
			   struct phyr_iova_range range);
/* A new record, or NULL and one more is lost. */
struct record *phyr_checker_add(struct phyr_dma_checker *checker, uint64_t key,
				uint64_t granule_cnt);
/* Frees the record that a link of a bucket leads to. */
void phyr_checker_drop(struct phyr_dma_checker *checker, struct record **link);

#endif
