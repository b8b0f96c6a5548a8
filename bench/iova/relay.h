/* SPDX-License-Identifier: MIT */
/* One thread allocates, another frees: each through its own cache of one space. */
#ifndef RELAY_H
#define RELAY_H

#include <phyr/iova.h>

/* [ns] a call or a pair, over all rounds but the first. */
struct relay_times {
	double alloc_ns; /* the first thread's, while the second waits */
	double free_ns;	 /* the second's, with what passes them on, while the first waits */
	double both_ns;	 /* a pair, while both work */
};

#define RELAY_BATCH_MAX 65536

/* How much is passed on: rounds of batches of ranges of one length. */
struct relay_load {
	uint64_t len;
	size_t batch_cnt; /* 1 … RELAY_BATCH_MAX */
	size_t round_cnt; /* above 1 */
};

struct relay_times relay(struct phyr_iova_space *space, struct relay_load load);

#endif
