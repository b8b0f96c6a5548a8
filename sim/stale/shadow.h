/* SPDX-License-Identifier: MIT */
/* What may be cached: a set of translations and pointers. */
#ifndef PHYRSIM_STALE_SHADOW_H
#define PHYRSIM_STALE_SHADOW_H

#include <phyr/bits.h>
#include <phyrsim/stale.h>

/* A translation, or a pointer to a table. Two of one address differ in where they lead. */
struct phyrsim_cached {
	uint64_t first; /* [iova] a multiple of its size */
	uint64_t pa;
	uint8_t lg2; /* [log2 bytes] what it, or its table, translates */
	uint8_t perm;
	bool table;
};

struct phyrsim_link {
	struct phyrsim_cached cached;
	size_t next; /* in its bucket; SIZE_MAX = last */
};

/*
 * links[0 … cnt − 1] are in use, each in the bucket that its hash says, which heads and next chain.
 * There are as many buckets as there is room, a power of two.
 */
struct phyrsim_stale {
	const struct phyr_mem *mem;
	struct phyrsim_mem *frames;
	enum phyrsim_personality personality;
	struct phyrsim_link *links;
	size_t *heads;
	size_t cnt;
	size_t room;
};

/* Adds what is not there yet; PHYR_OK, _NOMEM (nothing changed). */
int phyrsim_shadow_add(struct phyrsim_stale *stale, const struct phyrsim_cached *cached);

/* Keeps only what has `keep` say so. */
void phyrsim_shadow_filter(struct phyrsim_stale *stale,
			   bool (*keep)(const struct phyrsim_stale *stale,
					const struct phyrsim_cached *cached, const void *ctx),
			   const void *ctx);

static inline uint64_t phyrsim_cached_last(const struct phyrsim_cached *cached)
{
	return cached->first + phyr_bits_mask(cached->lg2);
}

#endif
