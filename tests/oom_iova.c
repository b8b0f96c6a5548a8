/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of an I/O address space and of its caches fails in turn, once and for good: the
 * answer is "no memory", nothing has changed, and with memory again everything goes on as if
 * nothing had been. Giving back and draining ask for none.
 *
 * Ranges lie all over the 64-bit space, so that the tree grows everywhere. Not here: what a request
 * means (test_iova.c, test_iova_cache.c).
 */
#include "iova_cache_world.h"

/** Requests of a run; enough for a space to need memory again and again. */
#define OPS 150
/** Ranges that are reserved from the start. */
#define RESERVED 12
/** Where the window of the second cache begins. */
#define LOW P(1 << 20)

struct run {
	struct fixture f;
	struct phyr_iova_cache *caches[2];
	struct phyr_iova_range reserved[RESERVED];
	struct phyr_iova_range ranges[OPS]; /* len 0: given back */
};

static void forget_failures(struct run *run)
{
	run->f.mem.fail_at = SIZE_MAX;
	run->f.mem.sticky = false;
}

/* A page anywhere, the same in every run. */
static uint64_t far_page(uint64_t number)
{
	return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) >> PHYR_PAGE_LG2;
}

static void begin(struct run *run, size_t fail_at, bool sticky)
{
	memset(run, 0, sizeof(*run));
	test_mem_init(&run->f.mem);
	run->f.mem.fail_at = fail_at;
	run->f.mem.sticky = sticky;
	for (size_t i = 0; i < RESERVED; i++)
		run->reserved[i] = pages_at(P(far_page(OPS + i)), 1 + (i % 3) * 5000);
}

static void create(struct run *run)
{
	struct phyr_iova_params params = { .mem = &run->f.mem.mem,
					   .window = window(0, UINT64_MAX),
					   .reserved = run->reserved,
					   .reserved_cnt = RESERVED };
	int err = phyr_iova_create(&params, &run->f.space);

	run->f.window = params.window;
	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(run->f.mem.failed);
		assert_null(run->f.space);
		assert_int_equal(run->f.mem.live_cnt, 0);
		forget_failures(run);
		err = phyr_iova_create(&params, &run->f.space);
	}
	assert_int_equal(err, PHYR_OK);
	assert_int_equal(stats_of(&run->f).live_cnt, RESERVED);
}

/* Single pages far apart, ranges over many nodes, aligned ones, and what lies side by side. */
static int request(struct run *run, size_t op, struct phyr_iova_range *ret_range)
{
	struct phyr_iova_range fixed = pages_at(P(far_page(op)), op % 2 ? 1 : 1 + (op * op << 9));
	struct phyr_placement huge = aligned((enum phyr_fit)(op % 4), 9 + (unsigned int)op % 13, 3);
	int err;

	if (op % 5 == 1)
		return phyr_iova_alloc(run->f.space, P(op % 4 + 1), NULL, ret_range);
	if (op % 5 == 2)
		return phyr_iova_alloc(run->f.space, P(op % 700 + 1), &huge, ret_range);
	err = phyr_iova_reserve(run->f.space, fixed);
	if (err == PHYR_OK)
		*ret_range = fixed;
	return err;
}

static void request_until_it_works(struct run *run, size_t op)
{
	struct phyr_iova_range range = { { 1 }, 2 };
	struct phyr_iova_stats before = stats_of(&run->f);
	int err = request(run, op, &range);

	if (err != PHYR_OK) {
		struct phyr_iova_stats after = stats_of(&run->f);

		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(run->f.mem.failed);
		assert_int_equal(range.iova.addr, 1);
		assert_int_equal(range.len, 2);
		assert_int_equal(after.live_len, before.live_len);
		assert_int_equal(after.live_cnt, before.live_cnt);
		assert_int_equal(after.largest_len, before.largest_len);
		assert_int_equal(after.alloc_cnt, before.alloc_cnt);
		assert_int_equal(after.metadata_len, run->f.mem.live_len);
		expect_sound(&run->f);
		forget_failures(run);
		err = request(run, op, &range);
	}
	assert_int_equal(err, PHYR_OK);
	run->ranges[op] = range;
}

/* Without memory: through the space, and where there are caches through them. */
static void give_back_range(struct run *run, size_t op)
{
	size_t calls = run->f.mem.alloc_cnt;
	struct phyr_iova_cache *cache = run->caches[op % 2];

	if (!run->ranges[op].len)
		return;
	if (cache && op % 3)
		assert_int_equal(phyr_iova_cache_free(cache, run->ranges[op]), PHYR_OK);
	else
		assert_int_equal(phyr_iova_free(run->f.space, run->ranges[op]), PHYR_OK);
	assert_int_equal(run->f.mem.alloc_cnt, calls);
	run->ranges[op].len = 0;
}

/* Takes and gives back in an order that leaves many holes. */
static void play(struct run *run)
{
	create(run);
	for (size_t op = 0; op < OPS; op++) {
		request_until_it_works(run, op);
		if (op % 3 == 2)
			give_back_range(run, op - 1);
	}
	expect_sound(&run->f);
}

/* No allocation succeeds any more, and none is needed. */
static void end(struct run *run)
{
	run->f.mem.fail_at = 0;
	run->f.mem.sticky = true;
	for (size_t op = 0; op < OPS; op++)
		give_back_range(run, op * 7 % OPS);
	for (size_t i = 0; i < CNT(run->caches); i++) {
		if (run->caches[i])
			drain(run->caches[i]);
		phyr_iova_cache_destroy(run->caches[i]);
	}
	for (size_t i = 0; i < RESERVED; i++)
		assert_int_equal(phyr_iova_free(run->f.space, run->reserved[i]), PHYR_OK);
	expect_sound(&run->f);
	assert_int_equal(stats_of(&run->f).live_cnt, 0);
	assert_int_equal(stats_of(&run->f).largest_len, UINT64_MAX);
	phyr_iova_destroy(run->f.space);
	assert_int_equal(run->f.mem.live_cnt, 0);
}

static void fail_each_allocation(bool sticky)
{
	struct phyr_iova_range want[OPS];
	struct run run;
	bool failed = true;

	begin(&run, SIZE_MAX, false);
	play(&run);
	memcpy(want, run.ranges, sizeof(want));
	end(&run);
	for (size_t fail_at = 0; failed; fail_at++) {
		begin(&run, fail_at, sticky);
		play(&run);
		failed = run.f.mem.failed;
		assert_true(failed || fail_at > 0);
		assert_memory_equal(run.ranges, want, sizeof(want));
		end(&run);
	}
}

static void one_failed_allocation_changes_nothing(void **state)
{
	(void)state;
	fail_each_allocation(false);
}

static void memory_that_stays_away_changes_nothing(void **state)
{
	(void)state;
	fail_each_allocation(true);
}

/* Caches. */

static void create_caches(struct run *run)
{
	struct phyr_placement low = between(LOW, UINT64_MAX);

	low.fit = PHYR_FIT_BOTTOM_UP;
	for (size_t i = 0; i < CNT(run->caches); i++) {
		const struct phyr_placement *placement = i ? &low : NULL;
		int err = phyr_iova_cache_create(run->f.space, placement, &run->caches[i]);

		if (err != PHYR_OK) {
			assert_int_equal(err, PHYR_E_NOMEM);
			assert_true(run->f.mem.failed);
			assert_null(run->caches[i]);
			forget_failures(run);
			run->caches[i] = open_cache(&run->f, placement);
		}
	}
}

/* Without memory it may pass a request through, or say so; then nothing has changed. */
static void cache_request_until_it_works(struct run *run, size_t op)
{
	struct phyr_iova_cache *cache = run->caches[op / 2 % 2];
	uint64_t len = P(1 + op * op % 70);
	struct phyr_iova_range range = { { 1 }, 2 };
	struct phyr_iova_stats before = stats_of(&run->f);
	struct phyr_iova_cache_stats told = told_by(cache);
	int err = phyr_iova_cache_alloc(cache, len, &range);

	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(run->f.mem.failed);
		assert_int_equal(range.iova.addr, 1);
		assert_int_equal(range.len, 2);
		assert_int_equal(stats_of(&run->f).live_len, before.live_len);
		assert_int_equal(stats_of(&run->f).live_cnt, before.live_cnt);
		assert_int_equal(stats_of(&run->f).cached_len, before.cached_len);
		assert_int_equal(told_by(cache).held_len, told.held_len);
		assert_int_equal(told_by(cache).strip_cnt, told.strip_cnt);
		expect_cache_sound(&run->f, cache);
		forget_failures(run);
		err = phyr_iova_cache_alloc(cache, len, &range);
	}
	assert_int_equal(err, PHYR_OK);
	assert_int_equal(range.len, len);
	run->ranges[op] = range;
}

static void expect_apart(const struct run *run, size_t op)
{
	for (size_t i = 0; i < op; i++) {
		if (run->ranges[i].len == 0)
			continue;
		assert_true(run->ranges[op].iova.addr - run->ranges[i].iova.addr >=
			    run->ranges[i].len);
		assert_true(run->ranges[i].iova.addr - run->ranges[op].iova.addr >=
			    run->ranges[op].len);
	}
}

static void play_caches(struct run *run)
{
	create(run);
	create_caches(run);
	for (size_t op = 0; op < OPS; op++) {
		cache_request_until_it_works(run, op);
		expect_apart(run, op);
		if (op % 3 == 2)
			give_back_range(run, op - 1);
		if (op % 50 == 49)
			drain(run->caches[op / 50 % 2]);
	}
	for (size_t i = 0; i < CNT(run->caches); i++)
		expect_cache_sound(&run->f, run->caches[i]);
}

static void fail_each_allocation_of_caches(bool sticky)
{
	struct run run;
	bool failed = true;

	for (size_t fail_at = 0; failed; fail_at++) {
		begin(&run, fail_at, sticky);
		play_caches(&run);
		failed = run.f.mem.failed;
		assert_true(failed || fail_at > 0);
		end(&run);
	}
}

static void one_failed_allocation_of_a_cache_changes_nothing(void **state)
{
	(void)state;
	fail_each_allocation_of_caches(false);
}

static void memory_that_stays_away_from_a_cache_changes_nothing(void **state)
{
	(void)state;
	fail_each_allocation_of_caches(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failed_allocation_changes_nothing),
		cmocka_unit_test(memory_that_stays_away_changes_nothing),
		cmocka_unit_test(one_failed_allocation_of_a_cache_changes_nothing),
		cmocka_unit_test(memory_that_stays_away_from_a_cache_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
