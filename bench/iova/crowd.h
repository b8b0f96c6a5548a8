/* SPDX-License-Identifier: MIT */
/*
 * Many live ranges, of which random ones go while others come: the state that an allocator is in
 * for most of its life. Everything is drawn from one seed.
 */
#ifndef CROWD_H
#define CROWD_H

#include "samples.h"
#include "shape.h"

/* An allocator. The types are the library's own, so that its functions stand here themselves. */
struct door {
	int (*alloc)(struct phyr_iova_space *space, uint64_t len,
		     const struct phyr_placement *placement, struct phyr_iova_range *ret_range);
	int (*free)(struct phyr_iova_space *space, struct phyr_iova_range range);
};

extern const struct door crowd_phyr_door;

struct crowd {
	const struct door *door;
	struct phyr_iova_space *space;
	const struct shape *shape;
	struct phyr_iova_range *ranges; /* in no order */
	size_t cnt;
	size_t cap;
	uint64_t len;	  /* [bytes] all of them together */
	uint64_t len_max; /* [bytes] the most there ever was */
	uint64_t random;
};

/* The space of all these programs: 48 bits without the lowest page. */
#define CROWD_FIRST PHYR_PAGE_SIZE
#define CROWD_LAST ((UINT64_C(1) << 48) - 1)

/* A space whose memory is counted; one at a time. */
struct phyr_iova_space *crowd_space_create(void);
size_t crowd_metadata_len(void);

/* Comes with no ranges and room for cap. */
void crowd_init(struct crowd *crowd, const struct door *door, struct phyr_iova_space *space,
		const struct shape *shape, size_t cap);
void crowd_fini(struct crowd *crowd);

/* Ranges come until there are cnt. */
void crowd_fill(struct crowd *crowd, size_t cnt);

/* The range in this place of the array goes. */
void crowd_remove(struct crowd *crowd, size_t i);

/* Random ranges go until there are cnt. */
void crowd_thin(struct crowd *crowd, size_t cnt);

/* So often: a random one goes, another comes. */
void crowd_churn(struct crowd *crowd, uint64_t step_cnt);

/* The same with a clock, in batches of the shape, until the samples are full. */
void crowd_time(struct crowd *crowd, struct samples *allocs, struct samples *frees);

/* [bytes] From the end of the space that is filled to the last live byte as seen from there. */
uint64_t crowd_span(const struct crowd *crowd);

/* Ends the program if library and crowd differ in what is live. */
void crowd_check(const struct crowd *crowd);

#endif
