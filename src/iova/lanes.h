/* SPDX-License-Identifier: MIT */
/*
 * Eight small numbers in two words, in lanes of 16 bits, below 2^15, looked at all at once. The top
 * bit of each takes what is borrowed from it.
 */
#ifndef PHYR_IOVA_LANES_H
#define PHYR_IOVA_LANES_H

#include <phyr/bits.h>

#define LANE_ONES UINT64_C(0x0001000100010001)
#define LANE_TOPS (LANE_ONES << 15)

/* Number i is in word i mod 2, so that one bit a byte can tell of each, in their order. */
struct lanes {
	uint64_t words[2];
};

/* The top bits of the lanes where a is at least b. */
static inline uint64_t lane_tops_at_least(uint64_t a, uint64_t b)
{
	return ((a | LANE_TOPS) - b) & LANE_TOPS;
}

/* The larger ones. */
static inline uint64_t lanes_larger(uint64_t a, uint64_t b)
{
	uint64_t at_least = lane_tops_at_least(b, a);

	/* All bits but the top ones, which are 0. */
	return a ^ ((a ^ b) & (at_least - (at_least >> 15)));
}

static inline uint64_t lanes_get(const struct lanes *lanes, unsigned int i)
{
	return lanes->words[i & 1] >> i / 2 * 16 & 0xffff;
}

static inline void lanes_set(struct lanes *lanes, unsigned int i, uint64_t number)
{
	uint64_t *word = &lanes->words[i & 1];
	unsigned int shift = i / 2 * 16;

	*word = (*word & ~(UINT64_C(0xffff) << shift)) | number << shift;
}

static inline uint64_t lanes_max(const struct lanes *lanes)
{
	uint64_t max = lanes_larger(lanes->words[0], lanes->words[1]);

	max = lanes_larger(max, max >> 32);
	max = lanes_larger(max, max >> 16);
	return max & 0xffff;
}

/* Bit 8 i + 7 is set where number i is at least that. */
static inline uint64_t lanes_reach(const struct lanes *lanes, uint64_t least)
{
	uint64_t all = least * LANE_ONES;

	return lane_tops_at_least(lanes->words[1], all) |
	       lane_tops_at_least(lanes->words[0], all) >> 8;
}

#endif
