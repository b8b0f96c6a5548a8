/* SPDX-License-Identifier: MIT */
/* Every allocation of a run failing in turn, once and from then on. */

#include <phyrsim/run.h>

#include "test.h"

static void fill(struct phyr_list *list, const struct phyr_mem *mem)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	phyr_list_init(list, mem);
	for (uint64_t i = 0; i < 40; i++) {
		struct phyr_range range = { { 0x100000000 + i * 0x3000 }, 0x1000 };

		assert_int_equal(phyr_list_append(list, range, tag), PHYR_OK);
	}
}

static void run_until_all_succeed(bool sticky)
{
	struct test_mem list_mem, mem;
	struct phyr_list list;
	bool failed = true;
	int err;

	test_mem_init(&list_mem);
	fill(&list, &list_mem.mem);
	for (size_t at = 0; failed; at++) {
		struct phyrsim_run_params params = { &mem.mem, { 0 }, 0 };
		struct phyrsim_run_error error = { NULL, 0, false };
		struct phyrsim_result result;

		test_mem_init(&mem);
		mem.fail_at = at;
		mem.sticky = sticky;
		err = phyrsim_run(&params, &list, &result, &error);
		failed = mem.failed;
		/* Linux tries once more for an I/O address, so that a single failure may pass. */
		assert_true(err == PHYR_OK ? !(failed && sticky) : failed && err == PHYR_E_NOMEM);
		assert_int_equal(mem.live_cnt, 0);
		assert_true(err == PHYR_OK || error.step);
		assert_true(phyr_list_validate(&list, NULL));
	}
	phyr_list_fini(&list);
	assert_int_equal(list_mem.live_cnt, 0);
}

static void a_run_without_memory_once_leaves_nothing_behind(void **state)
{
	(void)state;
	run_until_all_succeed(false);
}

static void a_run_without_memory_from_then_on_leaves_nothing_behind(void **state)
{
	(void)state;
	run_until_all_succeed(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_without_memory_once_leaves_nothing_behind),
		cmocka_unit_test(a_run_without_memory_from_then_on_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
