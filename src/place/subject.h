/* SPDX-License-Identifier: MIT */
/* What is to be placed, and what its own memory asks of an address. */
#ifndef PHYR_PLACE_SUBJECT_H
#define PHYR_PLACE_SUBJECT_H

#include <phyr/bits.h>
#include <phyr/place.h>

/* Phases that are followed up: a list rarely has more that matter. */
#define PHASE_CNT 8

/* The reservation r satisfies r ≡ phase (mod 2^lg2). */
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
	uint64_t head_len;
	uint64_t reserve_len;
};

/* Phases that many of a list's blocks share, by the bytes that would gain from them. */
struct phases {
	struct congruence key[PHASE_CNT];
	uint64_t weight[PHASE_CNT];
};

/* The phases that let the runs' largest blocks become the largest leaves. */
void phyr_place_phases(const struct subject *subject, struct phases *ret_phases);

#endif
