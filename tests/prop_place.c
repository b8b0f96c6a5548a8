/* SPDX-License-Identifier: MIT */
/*
 * Placement against brute force: every phase there is, on small random lists; and against what
 * mere alignment would give.
 */

#include <phyr/place.h>
#include <phyr/split.h>

#include "test.h"

#define LEAF (UINT64_C(1) << 21)
#define RUNS_MAX 6

static const phyr_sizes vtd = { 1 << 12 | 1 << 21 };

static void random_list(struct phyr_list *list, uint64_t *random)
{
	size_t run_cnt = (size_t)(1 + test_random(random) % RUNS_MAX);
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	phyr_list_init(list, NULL);
	for (size_t i = 0; i < run_cnt; i++) {
		struct phyr_range range = { { (test_random(random) >> 40) << 21 }, 0 };

		/* Phases that repeat, so that some are shared. */
		range.pa.addr += (test_random(random) % 3) << 12;
		range.len = (1 + (test_random(random) >> 32) % 1500) << 12;
		if (test_random(random) % 2)
			range.len = (1 + test_random(random) % 3) << 21;
		assert_int_equal(phyr_list_append(list, range, tag), PHYR_OK);
	}
}

static uint64_t leaves_at(const struct phyr_list *list, uint64_t iova)
{
	struct phyr_block_counts counts;

	assert_int_equal(phyr_split_count(list, phyr_iova_at(iova), vtd, &counts), PHYR_OK);
	return counts.cnt[12] + counts.cnt[21];
}

static struct phyr_place_request request_for(enum phyr_place_policy policy, uint64_t device_sizes)
{
	struct phyr_place_request request = { .policy = policy };

	request.leaf_sizes = vtd;
	request.device_sizes.mask = device_sizes;
	request.window.last = phyr_iova_at((UINT64_C(1) << 48) - 1);
	return request;
}

static struct phyr_place_result place(const struct phyr_list *list,
				      const struct phyr_place_request *request)
{
	struct phyr_place_result result;

	assert_int_equal(phyr_place(list, request, &result), PHYR_OK);
	return result;
}

static void no_phase_at_all_takes_fewer_leaves(void **state)
{
	uint64_t random = test_number("PHYR_SEED", 7) | 1;

	(void)state;
	for (uint64_t i = test_number("PHYR_ITER", 300); i-- > 0;) {
		struct phyr_place_request request = request_for(PHYR_PLACE_PHASE, 0);
		uint64_t best = UINT64_MAX;
		struct phyr_list list;

		random_list(&list, &random);
		for (uint64_t phase = 0; phase < LEAF; phase += PHYR_PAGE_SIZE) {
			uint64_t cnt = leaves_at(&list, (UINT64_C(1) << 40) + phase);

			best = cnt < best ? cnt : best;
		}
		assert_int_equal(place(&list, &request).leaf_cnt, best);
	}
}

static void phase_is_never_dearer_than_mere_alignment(void **state)
{
	static const uint64_t devices[] = { 0, 0xfffff000, 1 << 12, 1 << 12 | 1 << 16 | 1 << 21 };
	uint64_t random = test_number("PHYR_SEED", 11) | 1;

	(void)state;
	for (uint64_t i = test_number("PHYR_ITER", 3000); i-- > 0;) {
		uint64_t sizes = devices[test_random(&random) % 4];
		struct phyr_place_request phase = request_for(PHYR_PLACE_PHASE, sizes);
		struct phyr_place_request aligned = request_for(PHYR_PLACE_SIZE_ALIGNED, sizes);
		struct phyr_place_result a, b;
		struct phyr_list list;

		random_list(&list, &random);
		phase.address = aligned.address = (test_random(&random) >> 30) << 12;
		phase.device_mixed = aligned.device_mixed = test_random(&random) % 2;
		phase.name = aligned.name = (enum phyr_name)(test_random(&random) % 2);
		a = place(&list, &phase);
		b = place(&list, &aligned);
		/* No entries at all means that the device has no table, or none fits. */
		assert_true(a.entry_cnt - 1 <= b.entry_cnt - 1);
		assert_true(a.entry_cnt != b.entry_cnt || a.leaf_cnt <= b.leaf_cnt);
	}
}

static void the_phase_that_most_huge_pages_share_wins(void **state)
{
	struct phyr_place_request request = request_for(PHYR_PLACE_PHASE, 1 << 12);
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range odd = { { 0x100003000 }, 2 * LEAF };
	struct phyr_list list;
	struct test_mem mem;

	(void)state;
	test_mem_init(&mem);
	phyr_list_init(&list, &mem.mem);
	assert_int_equal(phyr_list_append(&list, odd, tag), PHYR_OK);
	for (uint64_t i = 0; i < 50; i++) {
		struct phyr_range huge = { { (1000 + 2 * i) * LEAF }, LEAF };

		assert_int_equal(phyr_list_append(&list, huge, tag), PHYR_OK);
	}
	assert_int_equal(place(&list, &request).leaf_cnt, 1024 + 50);
	phyr_list_fini(&list);
}

static void a_narrow_window_gets_a_phase_that_it_holds(void **state)
{
	struct phyr_place_request request = request_for(PHYR_PLACE_PHASE, 0xfffff000);
	struct phyr_range range = { { 0x40001000 }, 2 * LEAF };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_place_result result;
	struct phyr_list list;
	uint64_t gap;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, range, tag), PHYR_OK);
	request.window.first = phyr_iova_at(0x7000);
	for (uint64_t more = 0; more < 4 * LEAF; more += 0x5000) {
		request.window.last = phyr_iova_at(0x7000 + range.len + more - 1);
		result = place(&list, &request);
		gap = (result.placement.phase - 0x7000) &
		      phyr_bits_mask(result.placement.phase_lg2);
		assert_true(gap <= more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_phase_at_all_takes_fewer_leaves),
		cmocka_unit_test(phase_is_never_dearer_than_mere_alignment),
		cmocka_unit_test(the_phase_that_most_huge_pages_share_wins),
		cmocka_unit_test(a_narrow_window_gets_a_phase_that_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
