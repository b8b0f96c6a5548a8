/* SPDX-License-Identifier: MIT */
/*
 * A spin lock, a pointer wide: for work that is bounded and short. Zero is free.
 *
 * Taking it acquires, giving it back releases. Who waits only reads, so that the holder keeps its
 * cache line.
 */
#ifndef PHYR_BASE_LOCK_H
#define PHYR_BASE_LOCK_H

#include <phyr/base.h>

struct phyr_lock {
	uintptr_t word;
};

static inline void phyr_lock_take(struct phyr_lock *lock)
{
	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED))
			;
}

static inline void phyr_lock_give(struct phyr_lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif
