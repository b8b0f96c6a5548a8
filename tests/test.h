/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What every test needs: CMocka with its headers in order, a counting allocator, a
 *        reproducible random source.
 */
#ifndef PHYR_TEST_H
#define PHYR_TEST_H

/* CMocka needs these before it, in this order. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <phyr/base.h>

/** How many elements an array has. */
#define CNT(array) (sizeof(array) / sizeof((array)[0]))

/** An allocator that counts, and fails when told to. */
struct test_mem {
	struct phyr_mem mem; /**< the hooks to hand out; ctx is this structure */
	size_t live_len;     /**< [bytes] not freed yet */
	size_t live_cnt;     /**< allocations not freed yet */
	size_t alloc_cnt;    /**< allocations asked for, the failed ones included */
	size_t fail_at;	     /**< the alloc_cnt-th call (from 0) fails; SIZE_MAX = never */
	bool sticky;	     /**< every later one fails too */
	bool failed;	     /**< a failure was injected */
};

static inline void *test_mem_alloc(void *ctx, size_t size)
{
	struct test_mem *t = ctx;
	size_t call = t->alloc_cnt++;
	void *ptr;

	if (call == t->fail_at || (t->sticky && call > t->fail_at)) {
		t->failed = true;
		return NULL;
	}
	ptr = malloc(size);
	assert_non_null(ptr);
	memset(ptr, 0xa5, size); /* nobody may rely on zeroed memory */
	t->live_len += size;
	t->live_cnt++;
	return ptr;
}

static inline void test_mem_free(void *ctx, void *ptr, size_t size)
{
	struct test_mem *t = ctx;

	assert_non_null(ptr);
	assert_true(t->live_cnt > 0 && t->live_len >= size);
	t->live_len -= size;
	t->live_cnt--;
	memset(ptr, 0x5a, size); /* a wrong size or a use after free is seen by the sanitizers */
	free(ptr);
}

/** Starts an allocator that never fails; set fail_at (and alloc_cnt = 0) to make it. */
static inline void test_mem_init(struct test_mem *t)
{
	memset(t, 0, sizeof(*t));
	t->mem.alloc = test_mem_alloc;
	t->mem.free = test_mem_free;
	t->mem.ctx = t;
	t->fail_at = SIZE_MAX;
}

/** xorshift64*: the same numbers on every platform. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/** A number from the environment, for seeds and iteration counts of property tests. */
static inline uint64_t test_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

#endif
