/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a mapping are the CPU's: stretches, byte by byte, in bounded memory.
 *
 * Invariant: sorted, disjoint, at most STRETCH_MAX between calls. A stretch that is not sure came of
 * two that had to be joined for want of room: its bytes may be anybody's.
 */
#ifndef PHYR_DMA_STRETCHES_H
#define PHYR_DMA_STRETCHES_H

#include <phyr/base.h>

#define STRETCH_MAX 32u

struct stretch {
	uint64_t first, last;
	bool sure;
};

/* All-zero: all of it is the device's. */
struct stretches {
	unsigned int cnt;
	struct stretch at[STRETCH_MAX + 2]; /* a change makes two more at most */
};

/* Gives bytes to the CPU, or to the device. */
void phyr_stretches_set(struct stretches *stretches, uint64_t first, uint64_t last, bool cpu);
/* May all of these bytes be the CPU's? */
bool phyr_stretches_may_hold(const struct stretches *stretches, uint64_t first, uint64_t last);
/* Is one of these bytes surely the CPU's? */
bool phyr_stretches_touch(const struct stretches *stretches, uint64_t first, uint64_t last);

#endif
