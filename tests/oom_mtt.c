/* SPDX-License-Identifier: MIT */
/*
 * Registering a region when memory runs out: each allocation fails in turn, once and for good;
 * nothing is written, nothing leaks, and the same call succeeds afterwards.
 */
#include <phyr/list.h>
#include <phyrsim/mtt.h>

#include "test.h"

static struct phyr_range range_at(uint64_t pa, uint64_t len)
{
	struct phyr_range range = { phyr_pa_at(pa), len };

	return range;
}

static void fill(struct phyr_list *list, const struct phyr_mem *mem)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

	phyr_list_init(list, mem);
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(phyr_list_append(list, range_at(i << 22, 3 << 12), ram), PHYR_OK);
}

/* Registers until nothing fails any more. */
static void each_allocation_fails(const struct phyr_list *list, bool mixed, bool sticky)
{
	struct phyrsim_mtt_region *region = NULL;
	struct phyrsim_mtt_params params = { 0 };
	struct test_mem t;
	int err;

	test_mem_init(&t);
	t.sticky = sticky;
	params.mem = &t.mem;
	params.sizes.mask = UINT64_C(1) << 12 | UINT64_C(1) << 21;
	params.mixed = mixed;
	for (t.fail_at = 0;; t.fail_at++) {
		t.alloc_cnt = 0;
		t.failed = false;
		err = phyrsim_mtt_register_list(&params, list, 1 << 21, &region);
		if (!t.failed)
			break;
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_null(region);
		assert_int_equal(t.live_cnt, 0);
	}
	assert_int_equal(err, PHYR_OK);
	assert_true(t.fail_at > 0);
	phyrsim_mtt_drop(region);
	assert_int_equal(t.live_cnt, 0);
}

static void registering_survives_every_failed_allocation(void **state)
{
	struct phyr_list list;
	struct test_mem t;

	(void)state;
	test_mem_init(&t);
	fill(&list, &t.mem);
	for (int way = 0; way < 4; way++)
		each_allocation_fails(&list, way & 1, way & 2);
	phyr_list_fini(&list);
	assert_int_equal(t.live_cnt, 0);
}

static void a_table_larger_than_any_host_is_no_memory(void **state)
{
	struct phyrsim_mtt_region *region = NULL;
	struct phyrsim_mtt_params params = { 0 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_list list;
	struct test_mem t;

	(void)state;
	test_mem_init(&t);
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, range_at(0, UINT64_C(1) << 63), ram), PHYR_OK);
	params.mem = &t.mem;
	params.sizes.mask = 1; /* a page a byte */
	for (int mixed = 0; mixed < 2; mixed++) {
		params.mixed = mixed;
		assert_int_equal(phyrsim_mtt_register_list(&params, &list, 0, &region),
				 PHYR_E_NOMEM);
		assert_null(region);
	}
	assert_int_equal(t.alloc_cnt, 0);
	phyr_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registering_survives_every_failed_allocation),
		cmocka_unit_test(a_table_larger_than_any_host_is_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
