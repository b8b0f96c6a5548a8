/* SPDX-License-Identifier: MIT */
/*
 * Strips: up to 64 ranges of one length side by side in one leaf, lent to a cache.
 *
 * A range of a strip is free in the cache (`free`), handed out, or handed out and given back by
 * somebody else (`away`), until the cache collects it. Only the cache's owner writes `free`; only
 * holders of the space's lock set bits of `away`, and put the strip on the cache's stack of strips to
 * collect from. So the owner alone needs no lock, and no range is ever in two hands.
 *
 * To the space the ranges of a strip are live ranges like others. A strip leaves the cache by giving
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

struct strip {
	/* What the owner's calls touch, in bytes, for they know no granules: one line of a cache. */
	uint64_t addr;
	uint32_t addr_len;  /* of all ranges, at most 2^25 */
	uint32_t range_len; /* of a range */
	uint32_t inverse;   /* n × inverse >> 32 is n / range_len for its multiples in the strip */
	bool open;	    /* in the cache's list */
	uintptr_t free[SLOT_WORDS];
	uintptr_t away[SLOT_WORDS];
	uint64_t all; /* `free` when all are */
	struct strip *next, *prev;
	/* What the space is told, in granules. */
	uint64_t first;
	uint32_t len; /* cnt × slots */
	uint16_t cnt; /* of a range, 1 … 64 */
	uint16_t slots;
	struct phyr_iova_cache *cache;
	struct strip *all_next, *all_prev; /* all strips of the cache */
	struct strip *leaf_next;	   /* all strips of the leaf, under the lock */
	struct strip *away_next;	   /* the stack */
	uintptr_t queued;		   /* on the stack */
};

/* Strips by the words of 64 granules that they lie in: no two share one. */
struct strip_table {
	struct strip_entry {
		uint64_t word;
		struct strip *strip; /* NULL: empty */
	} * entries;
	size_t cap; /* a power of two, or 0 */
	size_t cnt;
};

/* Words of atomic bits as one number. */
static inline uint64_t strip_bits(const uintptr_t *words)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < SLOT_WORDS; i++)
		bits |= (uint64_t)atom_load(&words[i]) << i * SLOT_BITS % 64;
	return bits;
}

/* Which of the words has the bit of a slot: at a place that is known where there is one only. */
static inline unsigned int strip_word(unsigned int slot)
{
	return slot / SLOT_BITS % SLOT_WORDS;
}

/* Stores the word of all bits in which that of a slot is. */
static inline void strip_store(uintptr_t *words, unsigned int slot, uint64_t bits)
{
	unsigned int word = strip_word(slot);

	atom_store(&words[word], (uintptr_t)(bits >> word * SLOT_BITS % 64));
}

/* A range's place in the strip that its address is in; false when no range starts there. */
static inline bool strip_slot(const struct strip *strip, uint64_t addr, unsigned int *ret_slot)
{
	uint32_t offset = (uint32_t)(addr - strip->addr);
	uint32_t slot = (uint32_t)((uint64_t)offset * strip->inverse >> 32);

	*ret_slot = slot;
	return slot * strip->range_len == offset;
}

#define FOREIGN_CNT 64

struct phyr_iova_cache {
	struct phyr_iova_space *space;
	struct strip *last;		  /* the strip of the last call */
	struct strip *open[SLOT_CNT + 1]; /* lists by granules of a range */
	uint64_t cacheable;		  /* bit n − 1: n granules tile a strip */
	uintptr_t away;			  /* top of the stack of strips, struct strip * */
	struct phyr_iova_range foreign[FOREIGN_CNT];
	size_t foreign_cnt;
	struct phyr_placement placement;
	struct want want; /* of one granule, for strips */
	uint64_t near;	  /* a granule of the last strip's leaf */
	struct strip *all;
	struct strip_table table;
	struct phyr_iova_cache_stats stats;
};

/* strip.c: what others than the owner may do, under the lock. */

/* The strip that holds a granule, NULL if none does. */
struct strip *phyr_strip_at(const struct part *leaf, uint64_t granule);
/* Takes a range back for the owner: PHYR_OK, PHYR_E_NOENT or PHYR_E_PARTIAL. */
int phyr_strip_return(struct strip *strip, struct span span);

/* refill.c: what the owner needs the space for. */

/* Opens a strip for ranges of so many granules; PHYR_E_NOSPACE, PHYR_E_NOMEM: there is none. */
int phyr_cache_refill(struct phyr_iova_cache *cache, unsigned int cnt);
/* Makes what others gave back free. */
void phyr_cache_collect(struct phyr_iova_cache *cache);
/* Gives a strip's free ranges back and forgets it; false when others are at it just now. */
bool phyr_cache_retire(struct phyr_iova_cache *cache, struct strip *strip);
/* Passes foreign ranges on; the first error, all the rest is done. */
int phyr_cache_flush(struct phyr_iova_cache *cache);
/* Gives back all that the cache holds; the first error of what was passed on. */
int phyr_cache_drain(struct phyr_iova_cache *cache);
/*
 * Puts a strip first in the list of those with free ranges. The first may have none any more: most
 * often one is given back to it before the next is taken, and it need not leave and come again.
 */
void phyr_cache_open(struct phyr_iova_cache *cache, struct strip *strip);
void phyr_cache_close(struct phyr_iova_cache *cache, struct strip *strip);

/* table.c */

/* Room for so many more entries; false leaves everything as it was. */
bool phyr_table_reserve(struct phyr_iova_cache *cache, size_t cnt);
void phyr_table_insert(struct strip_table *table, uint64_t word, struct strip *strip);
void phyr_table_remove(struct strip_table *table, uint64_t word);
struct strip *phyr_table_find(const struct strip_table *table, uint64_t word);

#endif
