/* SPDX-License-Identifier: MIT */
/*
 * Aligned groups of ones in a word: after n steps, bit i stands for the 2^n bits from i on, and is
 * set when all of them were; i is a multiple of 2^n.
 */
#ifndef PHYR_IOVA_FOLD_H
#define PHYR_IOVA_FOLD_H

#include <phyr/bits.h>

/* From groups of 2^step bits to groups of twice as many, 0 ≤ step ≤ 6: there is no larger one. */
static inline uint64_t phyr_fold_step(uint64_t groups, unsigned int step)
{
	static const uint64_t starts[7] = {
		UINT64_C(0x5555555555555555),
		UINT64_C(0x1111111111111111),
		UINT64_C(0x0101010101010101),
		UINT64_C(0x0001000100010001),
		UINT64_C(0x0000000100000001),
		UINT64_C(0x0000000000000001),
		0,
	};

	return step < 6 ? groups & groups >> (1U << step) & starts[step] : 0;
}

/* The groups of 2^order bits that are all set. */
static inline uint64_t phyr_fold(uint64_t bits, unsigned int order)
{
	for (unsigned int step = 0; step < order; step++)
		bits = phyr_fold_step(bits, step);
	return bits;
}

/* Both halves of every group of 2^order bits, 1 ≤ order ≤ 6. */
static inline uint64_t phyr_fold_halves(uint64_t groups, unsigned int order)
{
	return groups | groups << (1U << (order - 1));
}

/* log2 of the largest group that is all set; bits is not 0. */
static inline unsigned int phyr_fold_order(uint64_t bits)
{
	unsigned int order = 0;

	for (bits = phyr_fold_step(bits, 0); bits; bits = phyr_fold_step(bits, order))
		order++;
	return order;
}

#endif
