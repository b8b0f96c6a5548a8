/* SPDX-License-Identifier: MIT */
/* What tests of pools share: a pool over bytes of the test's own, and one-line calls. */
#ifndef PHYR_TEST_BOUNCE_WORLD_H
#define PHYR_TEST_BOUNCE_WORLD_H

#include <phyr/bits.h>
#include <phyr/bounce.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define SLOT UINT64_C(0x800)
/* Memory that is copied from and to lies below the pool. */
#define POOL UINT64_C(0x40000)

struct world {
	struct test_mem host;
	struct phyr_bounce *pool;
	unsigned char bytes[2 * POOL];
	uint64_t copy_cnt;
	uint64_t zero_cnt;
};

static inline void copy_bytes(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	struct world *w = ctx;

	assert_true(len > 0);
	assert_true(to.addr + len <= sizeof(w->bytes) && from.addr + len <= sizeof(w->bytes));
	assert_true(to.addr >= from.addr + len || from.addr >= to.addr + len);
	memcpy(w->bytes + to.addr, w->bytes + from.addr, (size_t)len);
	w->copy_cnt++;
}

static inline void zero_bytes(void *ctx, struct phyr_range range)
{
	struct world *w = ctx;

	assert_true(range.len > 0 && phyr_bounce_holds(w->pool, range.pa));
	assert_true(range.pa.addr + range.len <= sizeof(w->bytes));
	memset(w->bytes + range.pa.addr, 0, (size_t)range.len);
	w->zero_cnt++;
}

static inline struct phyr_bounce_params params_of(struct world *w, uint64_t slot_cnt)
{
	struct phyr_bounce_params params = { .mem = &w->host.mem,
					     .pool = { { POOL }, slot_cnt * SLOT },
					     .copy = copy_bytes,
					     .zero = zero_bytes,
					     .ctx = w };

	return params;
}

static inline struct world *world_open(void **state, uint64_t slot_cnt)
{
	struct world *w = *state;
	struct phyr_bounce_params params = params_of(w, slot_cnt);

	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	return w;
}

static inline void expect_sound(const struct world *w)
{
	const char *reason = NULL;

	if (!phyr_bounce_validate(w->pool, &reason))
		fail_msg("%s", reason);
}

static inline struct phyr_bounce_key key_of(uint64_t iova)
{
	struct phyr_bounce_key key = { NULL, { iova } };

	return key;
}

/** A request for some memory under the key of the same number. */
static inline struct phyr_bounce_request request_of(uint64_t pa, uint64_t len)
{
	struct phyr_bounce_request request = {
		{ { pa }, len }, { NULL, { pa } }, false, false, 0, 0
	};

	return request;
}

static inline int try_take(struct world *w, const struct phyr_bounce_request *request,
			   uint64_t *ret_pa)
{
	size_t calls = w->host.alloc_cnt;
	phyr_pa pa = { 1 };
	int err = phyr_bounce_take(w->pool, request, &pa);

	if (err != PHYR_OK)
		assert_int_equal(pa.addr, 1);
	*ret_pa = pa.addr;
	assert_int_equal(w->host.alloc_cnt, calls);
	expect_sound(w);
	return err;
}

static inline uint64_t take(struct world *w, const struct phyr_bounce_request *request)
{
	uint64_t pa;

	assert_int_equal(try_take(w, request, &pa), PHYR_OK);
	assert_true(phyr_bounce_holds(w->pool, phyr_pa_at(pa)));
	assert_true(phyr_bounce_holds(w->pool, phyr_pa_at(pa + request->orig.len - 1)));
	return pa;
}

/** Takes whole slots under a key. */
static inline uint64_t take_slots(struct world *w, uint64_t key, uint64_t slot_cnt)
{
	struct phyr_bounce_request request = request_of(0, slot_cnt * SLOT);

	request.key = key_of(key);
	return take(w, &request);
}

static inline void give(struct world *w, uint64_t key)
{
	assert_int_equal(phyr_bounce_give(w->pool, key_of(key)), PHYR_OK);
	expect_sound(w);
}

static inline struct phyr_bounce_stats stats_of(const struct world *w)
{
	struct phyr_bounce_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_bounce_stats(w->pool, &stats);
	return stats;
}

#endif
