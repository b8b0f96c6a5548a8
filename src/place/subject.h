/* SPDX-License-Identifier: MIT */
/* What is to be placed, and what its own memory asks of an address. */
#ifndef PHYR_PLACE_SUBJECT_H
#define PHYR_PLACE_SUBJECT_H

#include <phyr/bits.h>
#include <phyr/place.h>

/* Phases of the memory that are followed up: a list rarely has more that matter. */
#define PHASE_CNT 8
/* With those of alignment and of the device in front. */
#define KEY_ALIGNED 0
#define KEY_DEVICE 1
#define KEY_MEMORY 2
#define KEY_CNT (KEY_MEMORY + PHASE_CNT)

/* Instead of a page's log2: the device has none. */
#define NO_PAGE 64

/* The first mapped granule m satisfies m ≡ phase (mod 2^lg2). */
struct congruence {
	uint64_t phase;
	unsigned int lg2;
};

/* What is to be placed, measured once. */
struct subject {
	const struct phyr_list *list;
	const struct phyr_place_request *request;
	struct phyr_list_stats stats;
	unsigned int granule_lg2;
	uint64_t head_len; /* from the first granule to byte 0 */
	uint64_t map_len;  /* the list in granules */
};

/* The addresses to be congruent to, and what following them saves. */
struct keys {
	struct congruence key[KEY_CNT]; /* lg2 0: there is none */
	uint64_t weight[KEY_CNT];	/* bytes that would gain */
	/* Leaves when the low n bits follow the key, for each leaf size 2^n up to the key's. */
	uint64_t leaf_cnt[KEY_CNT][64];
};

/* Finds the keys and counts their leaves: two passes over the list. */
void phyr_place_keys(const struct subject *subject, struct keys *ret_keys);

/*
 * What a congruence costs, leaves aside, when the device's pages have 2^page_lg2 bytes, or up to
 * that when mixed. False when no such address can be had.
 */
bool phyr_place_cost(const struct subject *subject, struct congruence at, unsigned int page_lg2,
		     struct phyr_place_choice *choice);

/* The log2 of the smallest aligned power of two that holds the mapping at this very address. */
unsigned int phyr_place_span_lg2(const struct subject *subject, uint64_t phase);

/* Is the choice cheaper, by the weights or one by one? */
bool phyr_place_weighs_less(const struct phyr_place_weights *weights,
			    const struct phyr_place_cost *a, const struct phyr_place_cost *b);
bool phyr_place_has_fewer_leaves(const struct phyr_place_cost *a, const struct phyr_place_cost *b);

#endif
