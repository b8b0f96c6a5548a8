/* SPDX-License-Identifier: MIT */
/*
 * A lock for bounded work: waiting for it is spinning.
 *
 * All-zero is free. Never held while hooks or a backend run, so a holder is soon done. Not here: an
 * order of locks; who takes two says which comes first.
 *
 * A test defines PHYR_STEP, to be told of the word before each atomic operation and to run another
 * thread there.
 */
#ifndef PHYR_BASE_LOCK_H
#define PHYR_BASE_LOCK_H

#include <phyr/base.h>

#ifndef PHYR_STEP
#define PHYR_STEP(word) ((void)0)
#endif

/*
 * Most pauses between two looks, a power of two. Who waits lets the holder come and go a few times
 * more: all that the lock is for would have to move from one CPU to the other each time.
 */
#define PHYR_LOCK_PAUSES 128U

struct phyr_lock {
	uintptr_t word; /* 1: taken */
};

static inline void phyr_lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline void phyr_lock_take(struct phyr_lock *lock)
{
	unsigned int pauses = 1;

	PHYR_STEP(&lock->word);
	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE)) {
		/* Read until it looks free: an exchange would take the line from the holder. */
		do {
			for (unsigned int i = 0; i < pauses; i++)
				phyr_lock_pause();
			pauses = pauses < PHYR_LOCK_PAUSES ? pauses * 2 : pauses;
			PHYR_STEP(&lock->word);
		} while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED));
		PHYR_STEP(&lock->word);
	}
}

static inline void phyr_lock_give(struct phyr_lock *lock)
{
	PHYR_STEP(&lock->word);
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif
