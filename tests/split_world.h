/* SPDX-License-Identifier: MIT */
/* Sizes, addresses and regions as the tests of splitting, segments and placement name them. */
#ifndef PHYR_TEST_SPLIT_WORLD_H
#define PHYR_TEST_SPLIT_WORLD_H

#include "lists.h"

#define K UINT64_C(1024)
#define M (K * K)
#define G (K * M)
/* A process's address, as the vectors have it. */
#define U UINT64_C(0x7f0000000000)
/* First byte of the highest page. */
#define TOP (UINT64_MAX - PHYR_PAGE_SIZE + 1)
/* All sizes 2^12 … 2^31. */
#define F (4 * G - 4 * K)
/* The sizes of x86. */
#define B (4 * K | 2 * M | G)
/* Most ranges that a region has. */
#define RANGES_MAX 5

/* What a device is told of: memory, and the address by which it names byte 0. */
struct region {
	struct phyr_range ranges[RANGES_MAX];
	uint64_t address;
};

static inline void list_of_region(struct phyr_list *list, const struct region *region)
{
	size_t run_cnt = 0;

	while (run_cnt < RANGES_MAX && region->ranges[run_cnt].len)
		run_cnt++;
	list_of(list, region->ranges, run_cnt);
}

#endif
