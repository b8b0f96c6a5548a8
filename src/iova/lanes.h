/* SPDX-License-Identifier: MIT */
/*
 * Eight small numbers in one or two words, looked at all at once: as bytes, below 2^7, or in lanes of
 * 16 bits, below 2^15. The top bit of each takes what is borrowed from it.
 */
#ifndef PHYR_IOVA_LANES_H
#define PHYR_IOVA_LANES_H

#include <string.h>

#include <phyr/bits.h>

#define BYTE_TOPS UINT64_C(0x8080808080808080)
#define LANE_ONES UINT64_C(0x0001000100010001)
#define LANE_TOPS (LANE_ONES << 15)

/* Number i is in word i mod 2, so that one bit a byte can tell of each, in their order. */
struct lanes {
	uint64_t words[2];
};

/* The top bits of numbers where a is at least b. */
static inline uint64_t tops_at_least(uint64_t a, uint64_t b, uint64_t tops)
{
	return ((a | tops) - b) & tops;
}

/* The larger ones; top: which bit of a number is its top one. */
static inline uint64_t tops_larger(uint64_t a, uint64_t b, uint64_t tops, unsigned int top)
{
	uint64_t at_least = tops_at_least(b, a, tops);

	/* All bits but the top ones, which are 0. */
	return a ^ ((a ^ b) & (at_least - (at_least >> top)));
}

static inline uint64_t bytes_get(uint64_t bytes, unsigned int i)
{
	return bytes >> i * 8 & 0xff;
}

static inline void bytes_set(uint64_t *bytes, unsigned int i, uint64_t number)
{
	*bytes = (*bytes & ~(UINT64_C(0xff) << i * 8)) | number << i * 8;
}

/* Bit i is set where number i is at least that. */
static inline uint64_t bytes_reach(uint64_t bytes, uint64_t least)
{
	uint64_t ones = tops_at_least(bytes, least * (BYTE_TOPS >> 7), BYTE_TOPS) >> 7;

	/* Each of them comes into the top byte once, and no two to one place. */
	return ones * UINT64_C(0x0102040810204080) >> 56;
}

/* Eight of an array, the first of them as number 0. */
static inline uint64_t bytes_load(const uint8_t *array)
{
	uint64_t bytes;

	memcpy(&bytes, array, sizeof(bytes));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bytes : __builtin_bswap64(bytes);
}

static inline uint64_t bytes_max(uint64_t bytes)
{
	for (unsigned int shift = 32; shift >= 8; shift /= 2)
		bytes = tops_larger(bytes, bytes >> shift, BYTE_TOPS, 7);
	return bytes & 0xff;
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
	uint64_t max = tops_larger(lanes->words[0], lanes->words[1], LANE_TOPS, 15);

	max = tops_larger(max, max >> 32, LANE_TOPS, 15);
	max = tops_larger(max, max >> 16, LANE_TOPS, 15);
	return max & 0xffff;
}

/* Bit 8 i + 7 is set where number i is at least that. */
static inline uint64_t lanes_reach(const struct lanes *lanes, uint64_t least)
{
	uint64_t all = least * LANE_ONES;

	return tops_at_least(lanes->words[1], all, LANE_TOPS) |
	       tops_at_least(lanes->words[0], all, LANE_TOPS) >> 8;
}

#endif
