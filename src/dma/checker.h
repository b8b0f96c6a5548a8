/* SPDX-License-Identifier: MIT */
/*
 * What a checker remembers.
 *
 * Neither hooks nor reports run under its lock: records are made before it is taken and freed after,
 * complaints are told after. Who ends something takes its record out first, and puts it back if that
 * fails: once the addresses are given back, another thread may get them.
 */
#ifndef PHYR_DMA_CHECKER_H
#define PHYR_DMA_CHECKER_H

#include "../base/lock.h"
#include "check.h"
#include "stretches.h"

#define BUCKET_CNT 256

/* Of a granule of a state: where it lies, permissions, and */
#define GRANULE_SYNCED 4u
#define GRANULE_PERM 3u

#define NO_MISTAKE PHYR_DMA_MISTAKE_CNT

/* Whose I/O addresses: those of an IOMMU, or without one of a handle. */
struct owner {
	const void *ops, *ctx;
};

/* A mapping, or a state if it has granules. */
struct record {
	struct record *next;	    /* of its bucket */
	const struct phyr_dma *dma; /* the handle that made it: only compared */
	struct owner owner;
	uint64_t key;		 /* of a mapping its serial number; of a state its address */
	struct phyr_dma_map map; /* of a state: reserved, and range is the state's own */
	struct phyr_list pages;	 /* of a mapping: its memory */
	struct stretches cpu;	 /* [bytes of the list] the CPU's */
	bool revoked;		 /* a peer was removed: nothing is mapped any more */
	unsigned int granule_lg2;
	uint64_t granule_cnt;
	uint64_t granules[]; /* 0: not linked */
};

struct bucket {
	struct record *first;
	uint64_t lost_cnt; /* of its keys, for which there was no record */
};

struct phyr_dma_checker {
	struct phyr_dma_checker_params params;
	struct phyr_lock lock; /* of all that follows, and of records that are in */
	struct phyr_dma_checker_stats stats;
	uint32_t serial; /* of the last mapping */
	struct bucket buckets[BUCKET_CNT];
};

static inline struct owner owner_of(const struct phyr_dma *dma)
{
	struct owner owner = { dma->params.iommu.ops, dma->params.iommu.ctx };

	if (!owner.ops)
		owner.ctx = dma;
	return owner;
}

static inline bool is_owner(const struct record *record, const struct phyr_dma *dma)
{
	struct owner owner = owner_of(dma);

	return record->owner.ops == owner.ops && record->owner.ctx == owner.ctx;
}

static inline bool is_state(const struct record *record)
{
	return record->granule_cnt != 0;
}

/* A record of a handle's, not in yet; NULL without memory. */
struct record *phyr_record_create(const struct phyr_dma *dma, uint64_t granule_cnt);
/* NULL is allowed. */
void phyr_record_destroy(struct phyr_dma_checker *checker, struct record *record);

/* Under the lock. Puts a record in; NULL: one of that key is lost. */
void phyr_checker_put(struct phyr_dma_checker *checker, uint64_t key, struct record *record);
/* The link that leads to a record of the same owner; NULL: there is none. */
struct record **phyr_checker_find(const struct phyr_dma *dma, uint64_t key, bool state);
/* Takes what it leads to out again; NULL: one that was lost. */
struct record *phyr_checker_take(struct phyr_dma_checker *checker, uint64_t key,
				 struct record **link);
/* May it be one of those that were lost? If not, nobody knows it. */
enum phyr_dma_mistake phyr_checker_unknown(const struct phyr_dma_checker *checker, uint64_t key);

/* The lock is not held. What was taken out has ended, or is put back. */
void phyr_checker_ended(struct phyr_dma_checker *checker, uint64_t key, struct record *record,
			int err);
/* Counts and tells. */
void phyr_checker_complain(struct phyr_dma_checker *checker, enum phyr_dma_mistake mistake,
			   struct phyr_iova_range range);
/* Does so if there is a mistake, and says how the call is to be answered. */
int phyr_checker_refuse(struct phyr_dma_checker *checker, enum phyr_dma_mistake mistake,
			struct phyr_iova_range range);

#endif
