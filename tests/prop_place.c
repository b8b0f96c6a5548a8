/* SPDX-License-Identifier: MIT */
/*
 * Placement with real sizes: against every phase there is of a leaf, against mere alignment, and
 * against what is counted at addresses that an allocator found.
 *
 * Not here: every congruence with every cost, in a small world (prop_place_min.c).
 */

#include <phyr/iova.h>
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

	assert_int_equal(phyr_place_plan(list, request, &result), PHYR_OK);
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
		assert_int_equal(place(&list, &request).chosen.cost.leaf_cnt, best);
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
		assert_true(a.chosen.cost.entry_cnt - 1 <= b.chosen.cost.entry_cnt - 1);
		assert_true(a.chosen.cost.entry_cnt != b.chosen.cost.entry_cnt ||
			    a.chosen.cost.leaf_cnt <= b.chosen.cost.leaf_cnt);
	}
}

/* A request of any kind. */
static struct phyr_place_request random_request(const struct phyr_list *list, uint64_t *random)
{
	static const uint64_t devices[] = { 0, 0xfffff000, 1 << 12, 1 << 12 | 1 << 16 | 1 << 21 };
	struct phyr_place_request request =
		request_for((enum phyr_place_policy)((test_random(random) >> 20) % 4),
			    devices[test_random(random) % 4]);
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	request.address = (test_random(random) >> 30) << 12;
	if (test_random(random) % 2)
		request.address = phyr_bits_down(request.address, 24);
	if (test_random(random) % 4 == 0)
		request.address = (UINT64_C(1) << 45) + stats.phase % (UINT64_C(1) << 30);
	request.name = (enum phyr_name)(test_random(random) % 2);
	request.device_mixed = test_random(random) % 2;
	request.cover = (enum phyr_cover)(test_random(random) % 2);
	request.window.first = phyr_iova_at(PHYR_PAGE_SIZE);
	if (test_random(random) % 3 == 0)
		request.boundary_lg2 = (uint8_t)(26 + test_random(random) % 6);
	if (test_random(random) % 2)
		request.weights = (struct phyr_place_weights){ test_random(random) % 50,
							       test_random(random) % 9,
							       test_random(random) % 3,
							       test_random(random) % 3 };
	return request;
}

/* Every page of the device's, as the device would be told: inside of what was reserved? */
static void expect_pages_inside(const struct phyr_list *bus, uint64_t address, unsigned int lg2,
				struct phyr_iova_range reserved)
{
	struct phyr_blocks blocks;
	struct phyr_pages pages;

	assert_int_equal(phyr_split_pages_begin(bus, address, lg2, &pages), PHYR_OK);
	while (phyr_split_pages_next(&pages, &blocks)) {
		assert_true(blocks.pa.addr >= reserved.iova.addr);
		assert_true(blocks.pa.addr - reserved.iova.addr + (blocks.cnt << lg2) <=
			    reserved.len);
	}
}

static void expect_entries_kept(const struct phyr_list *list,
				const struct phyr_place_request *request,
				const struct phyr_place_choice *choice,
				struct phyr_iova_range reserved)
{
	uint64_t iova = reserved.iova.addr + choice->head_len, cnt = 0;
	uint64_t address = request->name == PHYR_NAME_IOVA ? iova : request->address;
	struct phyr_range range = { { iova }, phyr_list_len(list) };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_block_counts counts;
	struct phyr_list bus;

	phyr_list_init(&bus, NULL);
	assert_int_equal(phyr_list_append(&bus, range, tag), PHYR_OK);
	if (request->device_mixed) {
		assert_int_equal(phyr_split_count(&bus, phyr_iova_at(address),
						  request->device_sizes, &counts),
				 PHYR_OK);
		for (unsigned int lg2 = 0; lg2 < 64; lg2++)
			cnt += counts.cnt[lg2];
		assert_true(cnt <= choice->cost.entry_cnt);
		return;
	}
	assert_int_equal(phyr_bits_blocks(address, address + range.len - 1,
					  phyr_bits_log2(choice->page_len)),
			 choice->cost.entry_cnt);
	expect_pages_inside(&bus, address, phyr_bits_log2(choice->page_len), reserved);
}

/* What a placement costs at an address that satisfies it. */
static void expect_kept(const struct phyr_list *list, const struct phyr_place_request *request,
			const struct phyr_place_choice *choice, struct phyr_iova_range reserved)
{
	uint64_t first = reserved.iova.addr + choice->lead_len;
	uint64_t map_len = phyr_list_len(list) + choice->head_len - choice->lead_len;
	uint64_t last = first + ((map_len + 0xfff) & ~UINT64_C(0xfff)) - 1, window = PHYR_PAGE_SIZE;

	while (first / window != last / window)
		window *= 2;
	assert_true(window / PHYR_PAGE_SIZE <= choice->cost.flush_cnt);
	assert_true(leaves_at(list, reserved.iova.addr + choice->head_len) <=
		    choice->cost.leaf_cnt);
	assert_true(last < reserved.iova.addr + reserved.len);
	assert_true(choice->cost.pitch_len >= reserved.len);
	if (choice->cost.entry_cnt)
		expect_entries_kept(list, request, choice, reserved);
}

/* One of many in a space that fills up: what is found there costs no more than was promised. */
static void place_in(struct phyr_iova_space *space, uint64_t *random)
{
	struct phyr_place_request request;
	struct phyr_place_result result;
	struct phyr_iova_range range;
	struct phyr_list list;
	int err;

	random_list(&list, random);
	request = random_request(&list, random);
	err = phyr_place_plan(&list, &request, &result);
	if (err == PHYR_E_LIMIT)
		return;
	assert_int_equal(err, PHYR_OK);
	err = phyr_iova_alloc(space, result.chosen.reserve_len, &result.chosen.placement, &range);
	assert_int_equal(err, PHYR_OK);
	expect_kept(&list, &request, &result.chosen, range);
	if (test_random(random) % 3 == 0)
		assert_int_equal(phyr_iova_free(space, range), PHYR_OK);
}

static void promises_hold_and_pages_stay_inside_wherever_it_lands(void **state)
{
	uint64_t random = test_number("PHYR_SEED", 5) | 1;
	struct phyr_iova_params params = { .window = { { PHYR_PAGE_SIZE },
						       { (UINT64_C(1) << 48) - 1 } } };
	struct phyr_iova_space *space;
	struct test_mem mem;

	(void)state;
	test_mem_init(&mem);
	params.mem = &mem.mem;
	assert_int_equal(phyr_iova_create(&params, &space), PHYR_OK);
	for (uint64_t i = test_number("PHYR_ITER", 1000); i-- > 0;)
		place_in(space, &random);
	phyr_iova_destroy(space);
	assert_int_equal(mem.live_cnt, 0);
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
	assert_int_equal(place(&list, &request).chosen.cost.leaf_cnt, 1024 + 50);
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
		gap = (result.chosen.placement.phase - 0x7000) &
		      phyr_bits_mask(result.chosen.placement.phase_lg2);
		assert_true(gap <= more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_phase_at_all_takes_fewer_leaves),
		cmocka_unit_test(phase_is_never_dearer_than_mere_alignment),
		cmocka_unit_test(promises_hold_and_pages_stay_inside_wherever_it_lands),
		cmocka_unit_test(the_phase_that_most_huge_pages_share_wins),
		cmocka_unit_test(a_narrow_window_gets_a_phase_that_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
