/* SPDX-License-Identifier: MIT */
/* The atomic operations of caches, as wide as a pointer. */
#ifndef PHYR_IOVA_ATOMIC_H
#define PHYR_IOVA_ATOMIC_H

#include "../base/lock.h"

static inline uintptr_t atom_load(const uintptr_t *word)
{
	PHYR_STEP(word);
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void atom_store(uintptr_t *word, uintptr_t value)
{
	PHYR_STEP(word);
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uintptr_t atom_swap(uintptr_t *word, uintptr_t value)
{
	PHYR_STEP(word);
	return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}

static inline uintptr_t atom_or(uintptr_t *word, uintptr_t bits)
{
	PHYR_STEP(word);
	return __atomic_fetch_or(word, bits, __ATOMIC_ACQ_REL);
}

/* Stores a value where there is another; tells what is there if it is not that one. */
static inline bool atom_swap_if(uintptr_t *word, uintptr_t *expected, uintptr_t value)
{
	PHYR_STEP(word);
	return __atomic_compare_exchange_n(word, expected, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

#endif
