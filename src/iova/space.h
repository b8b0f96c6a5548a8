/* SPDX-License-Identifier: MIT */
/*
 * An I/O address space as two plain structures: the free ranges, sorted, and the live ones, hashed.
 *
 * Invariant: holes are granule-aligned, inside the window, sorted, and no two touch; live ranges
 * and holes together are exactly the window. Room for one more hole than a free could ever need
 * is made when a range is taken, so giving back needs no memory.
 */
#ifndef PHYR_IOVA_SPACE_H
#define PHYR_IOVA_SPACE_H

#include <phyr/bits.h>
#include <phyr/iova.h>

/* A free range; both ends included, so that the last byte of the space can be named. */
struct hole {
	uint64_t first;
	uint64_t last;
};

/* Live ranges by their first byte: open addressing, linear probing. */
struct live_table {
	struct phyr_iova_range *slots; /* len 0 = empty */
	size_t cap;		       /* a power of two, or 0 */
	size_t cnt;
};

struct phyr_iova_space {
	const struct phyr_mem *mem;
	struct phyr_window window;
	unsigned int granule_lg2;
	struct hole *holes;
	size_t hole_cnt;
	size_t hole_cap;
	struct live_table live;
	uint64_t live_len;
	uint64_t live_max;
	uint64_t alloc_cnt;
	uint64_t nospace_cnt;
	uint64_t limit_cnt;
};

/* A checked request, in whole granules. */
struct want {
	uint64_t len;
	uint64_t first; /* window, both ends included */
	uint64_t last;
	struct phyr_placement place;
};

/* Checks a request; the result codes are those of phyr_iova_alloc(). */
int phyr_want_init(const struct phyr_iova_space *space, uint64_t len,
		   const struct phyr_placement *placement, struct want *want);
/* The best address in a hole, cut to the request's window. */
bool phyr_want_fit(const struct want *want, struct hole hole, uint64_t *ret_first);

/* Room for one more live range and for the hole that freeing any live range may open. */
int phyr_space_make_room(struct phyr_iova_space *space);
/* The first hole that ends at or above an address; hole_cnt if none does. */
size_t phyr_space_hole_at(const struct phyr_iova_space *space, uint64_t addr);
void phyr_space_insert_hole(struct phyr_iova_space *space, size_t i, struct hole hole);
void phyr_space_remove_hole(struct phyr_iova_space *space, size_t i);

/* Makes room for one more live range; PHYR_E_NOMEM leaves the table as it was. */
int phyr_live_reserve(struct live_table *table, const struct phyr_mem *mem);
void phyr_live_insert(struct live_table *table, struct phyr_iova_range range);
/* The slot of the range that starts here, NULL if none does. */
struct phyr_iova_range *phyr_live_find(const struct live_table *table, uint64_t first);
void phyr_live_remove(struct live_table *table, struct phyr_iova_range *slot);
void phyr_live_fini(struct live_table *table, const struct phyr_mem *mem);

#endif
