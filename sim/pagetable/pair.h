/* SPDX-License-Identifier: MIT */
/*
 * Two words at once, as the smallest vector registers take them: for loops that compilers leave waiting
 * for one sum after the other. Where there are no such registers, compilers take two of the others.
 */
#ifndef PHYRSIM_PAGETABLE_PAIR_H
#define PHYRSIM_PAGETABLE_PAIR_H

#include <phyr/base.h>

typedef uint64_t phyrsim_pair __attribute__((vector_size(16)));

/* Two words of memory, which may be anywhere that words are and part of anything that consists of such. */
typedef uint64_t phyrsim_pair_at __attribute__((vector_size(16), aligned(8), may_alias));

/* How many pairs a loop works on at once: as many as hide what an addition takes. */
#define PHYRSIM_PAIR_CNT 4

/* The bits in which any of the pairs in memory differs from one. */
static inline phyrsim_pair phyrsim_pair_differences(const void *memory, size_t cnt,
						    phyrsim_pair from)
{
	const phyrsim_pair_at *pairs = memory;
	phyrsim_pair bits[PHYRSIM_PAIR_CNT] = { { 0 } };
	size_t i = 0;

	for (; cnt - i >= PHYRSIM_PAIR_CNT; i += PHYRSIM_PAIR_CNT) {
		for (size_t k = 0; k < PHYRSIM_PAIR_CNT; k++)
			bits[k] |= pairs[i + k] ^ from;
	}
	for (; i < cnt; i++)
		bits[0] |= pairs[i] ^ from;
	for (size_t k = 1; k < PHYRSIM_PAIR_CNT; k++)
		bits[0] |= bits[k];
	return bits[0];
}

#endif
