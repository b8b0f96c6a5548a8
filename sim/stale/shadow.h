/* SPDX-License-Identifier: MIT */
/* What may be cached: a set of translations, pointers and absences, found by their addresses. */
#ifndef PHYRSIM_STALE_SHADOW_H
#define PHYRSIM_STALE_SHADOW_H

#include <phyr/bits.h>
#include <phyrsim/stale.h>

#define PHYRSIM_NOWHERE SIZE_MAX

enum phyrsim_cached_kind {
	PHYRSIM_CACHED_LEAF,	/* a translation */
	PHYRSIM_CACHED_TABLE,	/* a pointer to a table */
	PHYRSIM_CACHED_ABSENCE, /* an item that is not present */
};

/* Two of one address and size differ in where they lead. Equal ones are held once. */
struct phyrsim_cached {
	uint64_t first; /* [iova] a multiple of its size */
	uint64_t pa;	/* where it leads; an absence nowhere: 0 */
	uint8_t lg2;	/* [log2 bytes] what it, or its table, translates */
	uint8_t kind;
	uint8_t level;	   /* of the leaf, of the table, of the absent item */
	uint8_t above_lg2; /* leaf: [log2 bytes] what items translate one level up; else 0 */
	uint8_t leaf_lg2;  /* leaf: [log2 bytes] of which it may be a part; else 0 */
	uint8_t perm;	   /* leaf: for users */
	uint8_t privileged;
	uint8_t attrs;
};

struct phyrsim_link {
	struct phyrsim_cached cached;
	size_t next; /* in its bucket, or of those not in use */
	bool used;
};

/*
 * links[0 … top − 1] are in use, each in the bucket of its address and size, or free, chained by
 * `free`. There are as many buckets as there is room, a power of two.
 */
struct phyrsim_stale {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	enum phyrsim_personality personality;
	bool caching_mode;
	struct phyrsim_link *links;
	size_t *heads;
	size_t room;
	size_t top;
	size_t free;
	size_t cnt;
	size_t size_cnt[64]; /* by lg2: how many of cnt */
};

/* Addresses, both ends included. */
struct phyrsim_reach {
	uint64_t first;
	uint64_t last;
};

/* What of the set overlaps a reach, one by one. */
struct phyrsim_cursor {
	struct phyrsim_reach reach;
	bool all;	  /* every link is looked at, where that is less than every place */
	unsigned int lg2; /* else: the size that is looked for, */
	uint64_t place;	  /* and where, */
	uint64_t more;	  /* and at how many places of this size after it */
	size_t next;	  /* the link that is looked at next */
};

/* Adds what is not there yet; PHYR_OK, _NOMEM (nothing changed). */
int phyrsim_shadow_add(struct phyrsim_stale *stale, const struct phyrsim_cached *cached);

/* What phyrsim_shadow_next() answered last may be dropped before it goes on. */
void phyrsim_shadow_drop(struct phyrsim_stale *stale, size_t i);

void phyrsim_shadow_find(const struct phyrsim_stale *stale, struct phyrsim_reach reach,
			 struct phyrsim_cursor *ret_cursor);

/* The next link, or PHYRSIM_NOWHERE. */
size_t phyrsim_shadow_next(const struct phyrsim_stale *stale, struct phyrsim_cursor *cursor);

bool phyrsim_cached_equal(const struct phyrsim_cached *a, const struct phyrsim_cached *b);

static inline uint64_t phyrsim_cached_last(const struct phyrsim_cached *cached)
{
	return cached->first + phyr_bits_mask(cached->lg2);
}

#endif
