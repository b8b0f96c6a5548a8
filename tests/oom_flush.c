/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of domains and rings fails in turn, once and for good: the answer is "no memory",
 * nothing is left allocated, and with memory again everything goes on. Deferring, flushing and
 * destroying ask for none.
 */
#include "flush_world.h"

/* False when the call failed for want of memory, and left nothing. */
static bool may_fail(struct world *w, int err, const void *made, size_t live)
{
	if (err == PHYR_OK)
		return true;
	assert_int_equal(err, PHYR_E_NOMEM);
	assert_true(w->host.failed);
	assert_null(made);
	assert_int_equal(w->host.live_cnt, live);
	w->host.fail_at = SIZE_MAX;
	w->host.sticky = false;
	return false;
}

static void create(struct world *w, const struct phyr_flush_params *params)
{
	size_t live = w->host.live_cnt;
	struct phyr_flush_ring **rings[] = { &w->ring, &w->other };

	if (!may_fail(w, phyr_flush_domain_create(params, &w->domain), w->domain, live))
		assert_int_equal(phyr_flush_domain_create(params, &w->domain), PHYR_OK);
	for (size_t i = 0; i < CNT(rings); i++) {
		live = w->host.live_cnt;
		if (!may_fail(w, phyr_flush_ring_create(w->domain, rings[i]), *rings[i], live))
			assert_int_equal(phyr_flush_ring_create(w->domain, rings[i]), PHYR_OK);
		expect_sound(w);
	}
}

/* From here on no allocation succeeds, and none is asked for. */
static void use(struct world *w)
{
	struct phyr_iova_range ranges[20];
	struct phyr_gather gather;
	size_t calls;

	for (size_t i = 0; i < CNT(ranges); i++)
		ranges[i] = take(w, PAGE);
	calls = w->host.alloc_cnt;
	w->host.fail_at = 0;
	w->host.sticky = true;
	phyr_gather_init(&gather);
	for (size_t i = 0; i < CNT(ranges); i++) {
		unmap(w, ranges[i], i % 2, &gather);
		phyr_flush_defer(i % 3 ? w->ring : w->other, ranges[i], NULL, &gather);
		if (i == 12)
			phyr_flush_tick(w->domain, 20000);
		if (i == 16)
			phyr_flush_all(w->domain);
	}
	assert_int_equal(w->host.alloc_cnt, calls);
}

static bool run(size_t fail_at, bool sticky, bool single)
{
	struct phyr_flush_params params;
	struct world w;
	bool failed;

	world_begin(&w);
	params = params_of(&w);
	params.single = single;
	params.slot_cnt = 4;
	w.host.alloc_cnt = 0;
	w.host.fail_at = fail_at;
	w.host.sticky = sticky;
	create(&w, &params);
	failed = w.host.failed;
	w.host.fail_at = SIZE_MAX;
	w.host.sticky = false;
	use(&w);
	world_end(&w);
	return failed;
}

static void each_failed_allocation_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int mode = 0; mode < 4; mode++) {
		size_t fail_at = 0;

		while (run(fail_at, mode & 1, mode & 2))
			fail_at++;
		/* A domain and its rings, each in one piece. */
		assert_int_equal(fail_at, mode & 2 ? 2 : 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failed_allocation_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
