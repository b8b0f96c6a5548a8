/* SPDX-License-Identifier: MIT */
/*
 * Sizes that are not aligned to themselves in memory.
 *
 * Under an I/O address, which is aligned to the size all the same, this only decides which sizes a
 * run can have. Without one, a size may start in the middle of another, and the next point where a
 * larger one can start has to be looked for size by size.
 */
#ifndef PHYR_SPLIT_LOOSE_H
#define PHYR_SPLIT_LOOSE_H

#include <phyr/split.h>

/* Is no alignment larger than its size? */
bool phyr_loose_valid(const struct phyr_split_sizes *sizes);

/* The sizes of a set whose alignment is at most 2^lg2 bytes. */
phyr_sizes phyr_loose_sizes(phyr_sizes sizes, const uint8_t *align_lg2, unsigned int lg2);

/* The first blocks of a range by its physical addresses; the smallest size fits everywhere. */
struct phyr_blocks phyr_loose_blocks(struct phyr_range range, phyr_sizes sizes,
				     const uint8_t *align_lg2);

#endif
