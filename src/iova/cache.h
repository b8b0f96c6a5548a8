/* SPDX-License-Identifier: MIT */
/*
 * Slabs: up to 64 ranges of one length side by side in one leaf, lent to a cache.
 *
 * A range of a slab is free in the cache (`free`), handed out, or handed out and given back by
 * somebody else (`away`), until the cache collects it. Only the cache's owner writes `free`; only
 * holders of the space's lock set bits of `away`, and put the slab on the cache's stack of slabs to
 * collect from. So the owner alone needs no lock, and no range is ever in two hands.
 *
 * To the space the ranges of a slab are live ranges like others. A slab leaves the cache by giving
 * back those that are free; the others stay what they are.
 */
#ifndef PHYR_IOVA_CACHE_H
#define PHYR_IOVA_CACHE_H

#include "atomic.h"
#include "space.h"

#define SLOT_CNT 64
/* Atomics are as wide as a pointer. */
#define SLOT_BITS (8 * sizeof(uintptr_t))
#define SLOT_WORDS (SLOT_CNT / SLOT_BITS)

struct slab {
	uint64_t first; /* granule */
	uint32_t len;	/* granules in use: cnt × slots */
	uint16_t cnt;	/* granules of a range, 1 … 64 */
	uint16_t slots;
	uint32_t inverse;  /* n × inverse >> 16 is n / cnt for n < 512 */
	uint16_t free_cnt; /* bits of `free`, for the owner */
	bool open;	   /* in the cache's list of slabs with free ranges */
	struct phyr_iova_cache *cache;
	struct slab *next, *prev;	  /* that list */
	struct slab *all_next, *all_prev; /* all slabs of the cache */
	struct slab *leaf_next;		  /* all slabs of the leaf, under the lock */
	struct slab *away_next;		  /* the stack */
	uintptr_t queued;		  /* on the stack */
	uintptr_t free[SLOT_WORDS];
	uintptr_t away[SLOT_WORDS];
};

/* Slabs by the words of 64 granules that they lie in: no two share one. */
struct slab_table {
	struct slab_entry {
		uint64_t word;
		struct slab *slab; /* NULL: empty */
	} * entries;
	size_t cap; /* a power of two, or 0 */
	size_t cnt;
};

/* Words of atomic bits as one number. */
static inline uint64_t slab_bits(const uintptr_t *words)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < SLOT_WORDS; i++)
		bits |= (uint64_t)atom_load(&words[i]) << i * SLOT_BITS % 64;
	return bits;
}

/* The bits of all ranges of a slab. */
static inline uint64_t slab_all(const struct slab *slab)
{
	return UINT64_MAX >> (SLOT_CNT - slab->slots);
}

/* A range's place in its slab; false when no range starts there. */
static inline bool slab_slot(const struct slab *slab, uint64_t granule, unsigned int *ret_slot)
{
	uint32_t offset = (uint32_t)(granule - slab->first);
	uint32_t slot = offset * slab->inverse >> 16;

	*ret_slot = slot;
	return slot * slab->cnt == offset;
}

#define FOREIGN_CNT 64

struct phyr_iova_cache {
	struct phyr_iova_space *space;
	struct slab *last;		 /* the slab of the last call */
	struct slab *open[SLOT_CNT + 1]; /* by granules of a range */
	uint64_t cacheable;		 /* bit n − 1: n granules tile a slab */
	uintptr_t away;			 /* top of the stack of slabs, struct slab * */
	struct phyr_iova_range foreign[FOREIGN_CNT];
	size_t foreign_cnt;
	struct phyr_placement placement;
	struct want want; /* of one granule, for slabs */
	uint64_t near;	  /* a granule of the last slab's leaf */
	struct slab *all;
	struct slab_table table;
	struct phyr_iova_cache_stats stats;
};

/* slab.c: what others than the owner may do, under the lock. */

/* The slab that holds a granule, NULL if none does. */
struct slab *phyr_slab_at(const struct leaf *leaf, uint64_t granule);
/* Takes a range back for the owner: PHYR_OK, PHYR_E_NOENT or PHYR_E_PARTIAL. */
int phyr_slab_return(struct slab *slab, struct span span);

/* refill.c: what the owner needs the space for. */

/* Opens a slab for ranges of so many granules; PHYR_E_NOSPACE, PHYR_E_NOMEM: there is none. */
int phyr_cache_refill(struct phyr_iova_cache *cache, unsigned int cnt);
/* Makes what others gave back free. */
void phyr_cache_collect(struct phyr_iova_cache *cache);
/* Gives a slab's free ranges back and forgets it; false when others are at it just now. */
bool phyr_cache_retire(struct phyr_iova_cache *cache, struct slab *slab);
/* Passes foreign ranges on; the first error, all the rest is done. */
int phyr_cache_flush(struct phyr_iova_cache *cache);
/* Gives back all that the cache holds; the first error of what was passed on. */
int phyr_cache_drain(struct phyr_iova_cache *cache);
void phyr_cache_open(struct phyr_iova_cache *cache, struct slab *slab);
void phyr_cache_close(struct phyr_iova_cache *cache, struct slab *slab);

/* table.c */

/* Room for so many more entries; false leaves everything as it was. */
bool phyr_table_reserve(struct phyr_iova_cache *cache, size_t cnt);
void phyr_table_insert(struct slab_table *table, uint64_t word, struct slab *slab);
void phyr_table_remove(struct slab_table *table, uint64_t word);
struct slab *phyr_table_find(const struct slab_table *table, uint64_t word);

#endif
