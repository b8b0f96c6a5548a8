/* SPDX-License-Identifier: MIT */
/*
 * Pools of slots: how a request is found again, what is copied, and what is refused.
 *
 * Not here: where a request lies (test_bounce.c).
 */
#include "bounce_world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	test_mem_init(&w->host);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	phyr_bounce_destroy(w->pool);
	assert_int_equal(w->host.live_cnt, 0);
	free(w);
	return 0;
}

static void a_key_finds_its_request_until_it_is_given_back(void **state)
{
	struct world *w = world_open(state, 64);
	struct phyr_bounce_slot slot = { { 7 }, { { 7 }, 7 } };
	uint64_t pas[64];

	for (uint64_t i = 0; i < 64; i++) {
		struct phyr_bounce_request request = request_of(i * K4, i + 1);

		pas[i] = take(w, &request);
	}
	for (uint64_t i = 0; i < 64; i++) {
		assert_true(phyr_bounce_find(w->pool, key_of(i * K4), &slot));
		assert_int_equal(slot.pa.addr, pas[i]);
		assert_int_equal(slot.orig.pa.addr, i * K4);
		assert_int_equal(slot.orig.len, i + 1);
	}
	/* In another order. */
	for (uint64_t i = 0; i < 64; i++) {
		struct phyr_bounce_key key = key_of(i * 29 % 64 * K4);

		assert_true(phyr_bounce_find(w->pool, key, NULL));
		give(w, key.iova.addr);
		slot.orig.len = 99;
		assert_false(phyr_bounce_find(w->pool, key, &slot));
		assert_int_equal(slot.orig.len, 99);
		assert_int_equal(phyr_bounce_give(w->pool, key), PHYR_E_NOENT);
	}
	assert_int_equal(stats_of(w).used_cnt, 0);
	assert_int_equal(stats_of(w).live_cnt, 0);
	assert_int_equal(stats_of(w).noent_cnt, 64);
}

static void an_address_of_another_owner_is_another_key(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(K4, 1);
	struct phyr_bounce_slot first, second;

	take(w, &request);
	request.key.owner = w;
	take(w, &request);
	assert_true(phyr_bounce_find(w->pool, key_of(K4), &first));
	assert_true(phyr_bounce_find(w->pool, request.key, &second));
	assert_int_not_equal(first.pa.addr, second.pa.addr);
	give(w, K4);
	assert_true(phyr_bounce_find(w->pool, request.key, &second));
	request.key.owner = &request;
	assert_int_equal(phyr_bounce_give(w->pool, request.key), PHYR_E_NOENT);
}

static void a_key_in_use_is_refused(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(K4, 1);
	uint64_t pa;

	take(w, &request);
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_EXISTS);
	assert_int_equal(stats_of(w).exists_cnt, 1);
	assert_int_equal(stats_of(w).used_cnt, 1);
	give(w, K4);
	take(w, &request);
}

static void without_an_iommu_the_key_is_the_slots_own_address(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(0x1234, 0x10);
	struct phyr_bounce_slot slot;
	uint64_t first, second;

	request.keep_lg2 = 12;
	request.by_pa = true;
	first = take(w, &request);
	second = take(w, &request);
	assert_int_not_equal(first, second);
	assert_true(phyr_bounce_find(w->pool, key_of(second), &slot));
	assert_int_equal(slot.pa.addr, second);
	assert_false(phyr_bounce_find(w->pool, key_of(0x1234), NULL));
	give(w, second);
	give(w, first);
}

static void bytes_are_copied_there_and_back(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(0x1234, 0x1000);
	struct phyr_bounce_part whole = { 0, 0x1000 };
	struct phyr_bounce_part part = { 0x10, 0x20 };
	uint64_t pa;

	for (size_t i = 0; i < 0x1000; i++)
		w->bytes[0x1234 + i] = (unsigned char)(i * 7);
	request.keep_lg2 = 12;
	pa = take(w, &request);
	assert_int_equal(phyr_bounce_copy_to(w->pool, request.key, whole), PHYR_OK);
	assert_memory_equal(w->bytes + pa, w->bytes + 0x1234, 0x1000);
	memset(w->bytes + pa, 0xee, 0x1000);
	assert_int_equal(phyr_bounce_copy_from(w->pool, request.key, part), PHYR_OK);
	assert_int_equal(w->bytes[0x1234 + 0xf], 0xf * 7);
	assert_int_equal(w->bytes[0x1234 + 0x10], 0xee);
	assert_int_equal(w->bytes[0x1234 + 0x2f], 0xee);
	assert_int_equal(w->bytes[0x1234 + 0x30], (unsigned char)(0x30 * 7));
	assert_int_equal(stats_of(w).to_len, 0x1000);
	assert_int_equal(stats_of(w).from_len, 0x20);
	assert_int_equal(w->copy_cnt, 2);
}

static void a_part_lies_in_its_request(void **state)
{
	static const struct phyr_bounce_part wrong[] = {
		{ 0, 0x101 }, { 0x101, 0 }, { 0x100, 1 }, { 1, UINT64_MAX }, { UINT64_MAX, 1 }
	};
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(0x40, 0x100);
	struct phyr_bounce_part none = { 0x100, 0 };
	struct phyr_bounce_part last = { 0xff, 1 };

	take(w, &request);
	for (size_t i = 0; i < CNT(wrong); i++) {
		assert_int_equal(phyr_bounce_copy_to(w->pool, request.key, wrong[i]), PHYR_E_RANGE);
		assert_int_equal(phyr_bounce_copy_from(w->pool, request.key, wrong[i]),
				 PHYR_E_RANGE);
	}
	assert_int_equal(phyr_bounce_copy_to(w->pool, request.key, none), PHYR_OK);
	assert_int_equal(phyr_bounce_copy_from(w->pool, request.key, none), PHYR_OK);
	assert_int_equal(w->copy_cnt, 0);
	assert_int_equal(phyr_bounce_copy_from(w->pool, request.key, last), PHYR_OK);
	assert_int_equal(w->copy_cnt, 1);
	assert_int_equal(phyr_bounce_copy_to(w->pool, key_of(1), last), PHYR_E_NOENT);
	assert_int_equal(phyr_bounce_copy_from(w->pool, key_of(1), last), PHYR_E_NOENT);
	assert_int_equal(stats_of(w).to_len, 0);
	assert_int_equal(stats_of(w).from_len, 1);
	assert_int_equal(stats_of(w).noent_cnt, 2);
}

static void without_hooks_bytes_are_only_counted(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = params_of(w, 8);
	struct phyr_bounce_request request = request_of(0x40, 0x100);
	struct phyr_bounce_part whole = { 0, 0x100 };

	params.copy = NULL;
	params.zero = NULL;
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	request.zero_pad = true;
	take(w, &request);
	assert_int_equal(phyr_bounce_copy_to(w->pool, request.key, whole), PHYR_OK);
	assert_int_equal(phyr_bounce_copy_from(w->pool, request.key, whole), PHYR_OK);
	assert_int_equal(stats_of(w).to_len, 0x100);
	assert_int_equal(stats_of(w).from_len, 0x100);
	assert_int_equal(stats_of(w).zero_len, SLOT - 0x100);
}

static void a_wrong_request_is_refused(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request good = request_of(0x40, 0x100);
	struct phyr_bounce_request bad = good;
	phyr_pa pa;
	uint64_t none;

	assert_int_equal(phyr_bounce_take(NULL, &good, &pa), PHYR_E_INVAL);
	assert_int_equal(phyr_bounce_take(w->pool, NULL, &pa), PHYR_E_INVAL);
	assert_int_equal(phyr_bounce_take(w->pool, &good, NULL), PHYR_E_INVAL);
	bad.orig.len = 0;
	assert_int_equal(try_take(w, &bad, &none), PHYR_E_INVAL);
	bad = good;
	bad.keep_lg2 = 64;
	assert_int_equal(try_take(w, &bad, &none), PHYR_E_INVAL);
	bad = good;
	bad.align_lg2 = 64;
	assert_int_equal(try_take(w, &bad, &none), PHYR_E_INVAL);
	bad = request_of(UINT64_MAX, 2);
	assert_int_equal(try_take(w, &bad, &none), PHYR_E_RANGE);
	/* The last byte there is. */
	bad.orig.len = 1;
	take(w, &bad);
	assert_int_equal(stats_of(w).take_cnt, 1);
	assert_int_equal(stats_of(w).limit_cnt, 0);
}

static void expect_refused(const struct phyr_bounce_params *params, int want)
{
	struct phyr_bounce *pool = NULL;

	assert_int_equal(phyr_bounce_create(params, &pool), want);
	assert_null(pool);
}

static void a_wrong_pool_is_refused(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = params_of(w, 8);

	expect_refused(NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_bounce_create(&params, NULL), PHYR_E_INVAL);
	params.mem = NULL;
	expect_refused(&params, PHYR_E_INVAL);
	params = params_of(w, 0);
	expect_refused(&params, PHYR_E_INVAL);
	params = params_of(w, 8);
	params.slot_lg2 = 7;
	expect_refused(&params, PHYR_E_INVAL);
	params.slot_lg2 = 31;
	expect_refused(&params, PHYR_E_INVAL);
	params.slot_lg2 = 0;
	params.pool.pa.addr += SLOT / 2;
	expect_refused(&params, PHYR_E_ALIGN);
	params = params_of(w, 8);
	params.pool.len -= 1;
	expect_refused(&params, PHYR_E_ALIGN);
	params.pool.pa.addr = UINT64_MAX - SLOT + 1;
	params.pool.len = 2 * SLOT;
	expect_refused(&params, PHYR_E_RANGE);
	params = params_of(w, UINT64_C(1) << 31);
	expect_refused(&params, PHYR_E_LIMIT);
	assert_int_equal(w->host.alloc_cnt, 0);
	phyr_bounce_destroy(NULL);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = params_of(w, 8);

	w->host.fail_at = 0;
	expect_refused(&params, PHYR_E_NOMEM);
	assert_int_equal(w->host.live_cnt, 0);
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	assert_int_equal(w->host.alloc_cnt, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(a_key_finds_its_request_until_it_is_given_back),
	CASE(an_address_of_another_owner_is_another_key),
	CASE(a_key_in_use_is_refused),
	CASE(without_an_iommu_the_key_is_the_slots_own_address),
	CASE(bytes_are_copied_there_and_back),
	CASE(a_part_lies_in_its_request),
	CASE(without_hooks_bytes_are_only_counted),
	CASE(a_wrong_request_is_refused),
	CASE(a_wrong_pool_is_refused),
	CASE(a_failed_allocation_leaves_nothing),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
