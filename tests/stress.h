/* SPDX-License-Identifier: MIT */
/** @file @brief What threads at work share: an allocator that counts, and the first thing found wrong. */
#ifndef PHYR_TEST_STRESS_H
#define PHYR_TEST_STRESS_H

#include <stdatomic.h>

#include "test.h"

struct stress {
	struct phyr_mem mem; /**< the hooks to hand out; ctx is this structure */
	atomic_size_t live_cnt;
	_Atomic(const char *) wrong; /**< the first thing that does not hold */
};

/** Only main() asserts. */
static inline void note(struct stress *s, bool holds, const char *what)
{
	const char *none = NULL;

	if (!holds)
		(void)atomic_compare_exchange_strong(&s->wrong, &none, what);
}

static inline void *stress_alloc(void *ctx, size_t size)
{
	struct stress *s = ctx;

	atomic_fetch_add(&s->live_cnt, 1);
	return malloc(size);
}

static inline void stress_free(void *ctx, void *ptr, size_t size)
{
	struct stress *s = ctx;

	(void)size;
	atomic_fetch_sub(&s->live_cnt, 1);
	free(ptr);
}

static inline void stress_begin(struct stress *s)
{
	memset(s, 0, sizeof(*s));
	s->mem = (struct phyr_mem){ stress_alloc, stress_free, s };
}

/** Stops at what was noted. */
static inline void stress_expect(struct stress *s)
{
	if (atomic_load(&s->wrong))
		fail_msg("%s", atomic_load(&s->wrong));
}

#endif
