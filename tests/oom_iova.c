/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of an I/O address space fails in turn, once and for good: the answer is "no
 * memory", nothing has changed, and with memory again everything goes on as if nothing had been.
 *
 * Not here: what a request means (test_iova.c).
 */
#include <phyr/iova.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
/** Requests of a run; enough for a space to need memory again and again. */
#define OPS 600

struct run {
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct phyr_iova_range ranges[OPS]; /* len 0: given back */
};

static void forget_failures(struct run *run)
{
	run->mem.fail_at = SIZE_MAX;
	run->mem.sticky = false;
}

static struct phyr_iova_stats stats_of(const struct run *run)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(run->space, &stats);
	return stats;
}

static void create(struct run *run)
{
	struct phyr_iova_params params = { &run->mem.mem, { { 0 }, { UINT64_MAX } }, 0 };
	int err = phyr_iova_create(&params, &run->space);

	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(run->mem.failed);
		assert_int_equal(run->mem.live_cnt, 0);
		forget_failures(run);
		err = phyr_iova_create(&params, &run->space);
	}
	assert_int_equal(err, PHYR_OK);
}

/* Every fifth range is reserved far below the others, so that holes stay apart. */
static int request(struct run *run, size_t op, struct phyr_iova_range *ret_range)
{
	struct phyr_iova_range fixed = { { (op + 1) * 3 * PAGE }, PAGE };
	int err;

	if (op % 5)
		return phyr_iova_alloc(run->space, (op % 4 + 1) * PAGE, NULL, ret_range);
	err = phyr_iova_reserve(run->space, fixed);
	if (err == PHYR_OK)
		*ret_range = fixed;
	return err;
}

static void request_until_it_works(struct run *run, size_t op)
{
	struct phyr_iova_range range = { { 1 }, 2 };
	struct phyr_iova_stats before = stats_of(run);
	int err = request(run, op, &range);

	if (err != PHYR_OK) {
		struct phyr_iova_stats after = stats_of(run);

		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(run->mem.failed);
		assert_int_equal(range.iova.addr, 1);
		assert_int_equal(range.len, 2);
		assert_int_equal(after.live_len, before.live_len);
		assert_int_equal(after.live_cnt, before.live_cnt);
		assert_int_equal(after.hole_cnt, before.hole_cnt);
		assert_int_equal(after.largest_len, before.largest_len);
		assert_true(phyr_iova_validate(run->space, NULL));
		forget_failures(run);
		err = request(run, op, &range);
	}
	assert_int_equal(err, PHYR_OK);
	run->ranges[op] = range;
}

static void give_back(struct run *run, size_t op)
{
	size_t calls = run->mem.alloc_cnt;

	if (!run->ranges[op].len)
		return;
	assert_int_equal(phyr_iova_free(run->space, run->ranges[op]), PHYR_OK);
	assert_int_equal(run->mem.alloc_cnt, calls);
	run->ranges[op].len = 0;
}

/* Takes and gives back in an order that leaves many holes. */
static void play(struct run *run)
{
	create(run);
	for (size_t op = 0; op < OPS; op++) {
		request_until_it_works(run, op);
		if (op % 3 == 2)
			give_back(run, op - 1);
	}
	assert_true(phyr_iova_validate(run->space, NULL));
}

/* No allocation succeeds any more, and none is needed. */
static void end(struct run *run)
{
	run->mem.fail_at = 0;
	run->mem.sticky = true;
	for (size_t op = 0; op < OPS; op++)
		give_back(run, op * 7 % OPS);
	assert_true(phyr_iova_validate(run->space, NULL));
	assert_int_equal(stats_of(run).hole_cnt, 1);
	phyr_iova_destroy(run->space);
	assert_int_equal(run->mem.live_cnt, 0);
}

static void begin(struct run *run, size_t fail_at, bool sticky)
{
	memset(run, 0, sizeof(*run));
	test_mem_init(&run->mem);
	run->mem.fail_at = fail_at;
	run->mem.sticky = sticky;
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
		failed = run.mem.failed;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failed_allocation_changes_nothing),
		cmocka_unit_test(memory_that_stays_away_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
