/* SPDX-License-Identifier: MIT */
/* Every allocation of every case failing in turn, once and from then on. */

#include <phyrsim/run_cases.h>

#include "test.h"

static void run_until_all_succeed(struct phyrsim_case_params params, bool sticky)
{
	bool failed = true;

	for (size_t at = 0; failed; at++) {
		struct phyrsim_run_error error = { NULL, 0, false };
		struct phyrsim_case_row row;
		struct test_mem mem;
		int err;

		test_mem_init(&mem);
		mem.fail_at = at;
		mem.sticky = sticky;
		params.mem = &mem.mem;
		err = phyrsim_run_case(&params, &row, &error);
		failed = mem.failed;
		/* Linux's allocator of I/O addresses tries again, which succeeds if it fails once. */
		if (sticky || params.flushing == PHYRSIM_FLUSHING_NONE || err)
			assert_int_equal(err, failed ? PHYR_E_NOMEM : PHYR_OK);
		assert_int_equal(mem.live_cnt, 0);
		assert_true(err == PHYR_OK || error.step);
	}
}

static void run_all(bool sticky)
{
	for (int which = PHYRSIM_CASE_DIRECT; which <= PHYRSIM_CASE_UNALIGNED; which++) {
		for (int flushing = 0; flushing < PHYRSIM_FLUSHING_CNT; flushing++) {
			struct phyrsim_case_params params = { NULL, (enum phyrsim_case)which,
							      PHYRSIM_MIX_4K,
							      (enum phyrsim_flushing)flushing,
							      16 * PHYR_PAGE_SIZE };
			bool mapped = which == 2 || which == 3 || which == 6;

			if (which == 1 ? flushing > 0 : mapped && flushing == 0)
				continue;
			run_until_all_succeed(params, sticky);
		}
	}
}

static void a_case_without_memory_once_leaves_nothing_behind(void **state)
{
	(void)state;
	run_all(false);
}

static void a_case_without_memory_from_then_on_leaves_nothing_behind(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_case_without_memory_once_leaves_nothing_behind),
		cmocka_unit_test(a_case_without_memory_from_then_on_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
