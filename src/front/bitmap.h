/* SPDX-License-Identifier: MIT */
/* Sets of page indices, a bit each; bits behind the last page are clear. */
#ifndef PHYR_FRONT_BITMAP_H
#define PHYR_FRONT_BITMAP_H

#include <phyr/bits.h>

static inline size_t bitmap_words(uint64_t bit_cnt)
{
	return (size_t)((bit_cnt + 63) / 64);
}

static inline bool bitmap_has(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* The bits of [first, end) that are in the word of first. */
static inline uint64_t bitmap_mask(uint64_t first, uint64_t end)
{
	uint64_t mask = ~UINT64_C(0) << first % 64;

	return end / 64 == first / 64 ? mask & phyr_bits_mask(end % 64) : mask;
}

/* Sets or clears [first, end). */
static inline void bitmap_put(uint64_t *bits, uint64_t first, uint64_t end, bool value)
{
	for (uint64_t i = first; i < end; i = (i / 64 + 1) * 64) {
		uint64_t mask = bitmap_mask(i, end);

		bits[i / 64] = value ? bits[i / 64] | mask : bits[i / 64] & ~mask;
	}
}

/* The first of [first, end) that is set, or that is clear; else end. */
static inline uint64_t bitmap_find(const uint64_t *bits, uint64_t first, uint64_t end, bool value)
{
	for (uint64_t i = first; i < end; i = (i / 64 + 1) * 64) {
		uint64_t word = (value ? bits[i / 64] : ~bits[i / 64]) & bitmap_mask(i, end);

		if (word)
			return i / 64 * 64 + phyr_bits_ctz(word);
	}
	return end;
}

#endif
