/* SPDX-License-Identifier: MIT */
/* What is asked for: how long, where, and in which order ranges come and go. */
#ifndef SHAPE_H
#define SHAPE_H

#include <phyr/iova.h>

enum sizes {
	SIZES_PAGE,   /* one page */
	SIZES_TO_64,  /* 1 … 64 pages, each as often as any other */
	SIZES_POWERS, /* 1, 2, 4 … 64 pages, likewise */
	SIZES_PRIMES, /* 3, 5, 7, 11 … 61 pages, likewise: no power of two among them */
	SIZES_2M,     /* 512 pages */
	SIZES_TO_1G   /* 1 … 2^18 pages, likewise */
};

enum key {
	KEY_NONE,    /* anywhere */
	KEY_ALIGNED, /* at multiples of 2^phase_lg2 */
	KEY_PHASE,   /* at a random phase, modulo 2^phase_lg2 */
	KEY_SIZE     /* at multiples of the length, rounded up to a power of two: as Linux asks */
};

struct shape {
	const char *name;
	enum sizes sizes;
	enum key key;
	uint8_t phase_lg2;
	uint8_t limit_lg2; /* below 2^this; 0 = anywhere */
	enum phyr_fit fit;
	/*
	 * So many go before as many come; 0 is 1. With 1 a request may find what the free just
	 * before has brought into the processor's caches.
	 */
	size_t batch;
	bool sparse;	 /* begins with random holes, one for each range */
	size_t live_max; /* there is no room for more; 0 = for any number */
};

struct request {
	uint64_t len; /* [bytes] */
	struct phyr_placement placement;
};

void shape_request(const struct shape *shape, uint64_t *random, struct request *ret_request);
const char *shape_fit_name(enum phyr_fit fit);

#endif
