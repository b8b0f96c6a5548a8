/* SPDX-License-Identifier: MIT */
/*
 * The atomic operations of spaces and caches, as wide as a pointer.
 *
 * A test defines PHYR_STEP, to be told of the word before each of them and to run another thread
 * there.
 */
#ifndef PHYR_IOVA_ATOMIC_H
#define PHYR_IOVA_ATOMIC_H

#include <phyr/base.h>

#ifndef PHYR_STEP
#define PHYR_STEP(word) ((void)0)
#endif

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

/* What was stored before this is seen by who acquires the value. */
static inline void atom_release(uintptr_t *word, uintptr_t value)
{
	PHYR_STEP(word);
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
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
