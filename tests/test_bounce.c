/* SPDX-License-Identifier: MIT */
/*
 * Pools of slots: which address a request gets, which run, when there is none.
 *
 * Not here: keys, copies and what is refused (test_bounce_keys.c).
 */
#include "../src/bounce/bounce.h"
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

/* Linux's figures: 64 MiB, 2 KiB slots, 128 of them in a request. */
static void the_sizes_are_those_of_linux_unless_said(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = { .mem = &w->host.mem,
					     .pool = { { 0x8000000 }, UINT64_C(64) << 20 } };
	struct phyr_bounce_request request = request_of(0x1000, UINT64_C(256) << 10);
	uint64_t pa;

	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	assert_int_equal(stats_of(w).slot_cnt, 32768);
	assert_true(stats_of(w).metadata_len <= 32768 * 53);
	for (uint64_t i = 0; i < 256; i++) {
		request.key = key_of(i);
		assert_int_equal(take(w, &request), 0x8000000 + i * 0x40000);
	}
	request.key = key_of(1 << 20);
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_NOSPACE);
	request.orig.len++;
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	assert_int_equal(stats_of(w).used_cnt, 32768);
}

/* What Linux does with a page's worth of an untrusted device's bytes across two pages. */
static void an_unaligned_page_is_a_head_and_a_tail(void **state)
{
	struct world *w = world_open(state, 16);
	struct phyr_bounce_request head = request_of(0x800, 0x800);
	struct phyr_bounce_request tail = request_of(0x1000, 0x800);
	uint64_t head_pa, tail_pa;

	memset(w->bytes, 0xff, sizeof(w->bytes));
	head.keep_lg2 = head.align_lg2 = tail.keep_lg2 = tail.align_lg2 = 12;
	head.zero_pad = tail.zero_pad = true;
	head_pa = take(w, &head);
	tail_pa = take(w, &tail);
	assert_int_equal(head_pa % K4, 0x800);
	assert_int_equal(tail_pa % K4, 0);
	/* Two granules, four slots. */
	assert_int_not_equal(head_pa / K4, tail_pa / K4);
	assert_int_equal(stats_of(w).used_cnt, 4);
	assert_int_equal(stats_of(w).zero_len, 2 * 0x800);
	assert_int_equal(w->zero_cnt, 2);
	assert_int_equal(w->bytes[head_pa - 1], 0);
	assert_int_equal(w->bytes[head_pa - 0x800], 0);
	assert_int_equal(w->bytes[head_pa], 0xff);
	assert_int_equal(w->bytes[tail_pa + 0x7ff], 0xff);
	assert_int_equal(w->bytes[tail_pa + 0x800], 0);
	assert_int_equal(w->bytes[tail_pa + 0xfff], 0);
}

static void padding_is_left_as_it_is_unless_asked_for(void **state)
{
	struct world *w = world_open(state, 16);
	struct phyr_bounce_request request = request_of(0x910, 1);
	uint64_t pa;

	memset(w->bytes, 0xff, sizeof(w->bytes));
	request.keep_lg2 = 12;
	take(w, &request);
	assert_int_equal(w->zero_cnt, 0);
	assert_int_equal(stats_of(w).zero_len, 0);
	request.key = key_of(2);
	request.zero_pad = true;
	pa = take(w, &request);
	assert_int_equal(stats_of(w).zero_len, SLOT - 1);
	assert_int_equal(w->zero_cnt, 2);
	assert_int_equal(w->bytes[pa], 0xff);
}

static void low_bits_of_the_original_address_are_kept(void **state)
{
	struct world *w = world_open(state, 128);

	for (uint8_t keep = 0; keep <= 15; keep++) {
		for (uint8_t align = 0; align <= 15; align++) {
			struct phyr_bounce_request request = request_of(0x6d2b7, 0x123);
			uint64_t unit = phyr_bits_size(align > 11 ? align : 11);
			uint64_t pa;

			request.keep_lg2 = keep;
			request.align_lg2 = align;
			pa = take(w, &request);
			assert_int_equal((pa ^ 0x6d2b7) & phyr_bits_mask(keep), 0);
			/* It begins in the first unit of its run, and no unit is empty. */
			assert_int_equal(stats_of(w).used_cnt * SLOT % unit, 0);
			assert_true(stats_of(w).used_cnt * SLOT <= unit * 2);
			give(w, 0x6d2b7);
		}
	}
}

static void both_ends_of_a_run_are_aligned(void **state)
{
	struct world *w = world_open(state, 64);
	struct phyr_bounce_request request = request_of(0x20, 0x10);
	uint64_t first, second;

	request.align_lg2 = 13;
	first = take(w, &request);
	request.key = key_of(1);
	second = take(w, &request);
	assert_int_equal(first, POOL);
	assert_int_equal(second, POOL + 0x2000);
	assert_int_equal(stats_of(w).used_cnt, 8);
	/* A byte more than a unit takes two. */
	request = request_of(0x1fff, 0x2001);
	request.align_lg2 = 13;
	take(w, &request);
	assert_int_equal(stats_of(w).used_cnt, 16);
	request = request_of(0x1fff, 2);
	request.key = key_of(2);
	request.align_lg2 = request.keep_lg2 = 13;
	take(w, &request);
	assert_int_equal(stats_of(w).used_cnt, 24);
}

static void the_next_place_is_behind_the_last_and_round_the_pool(void **state)
{
	struct world *w = world_open(state, 8);

	assert_int_equal(take_slots(w, 1, 3), POOL);
	assert_int_equal(take_slots(w, 2, 2), POOL + 3 * SLOT);
	give(w, 1);
	assert_int_equal(take_slots(w, 3, 2), POOL + 5 * SLOT);
	assert_int_equal(take_slots(w, 4, 2), POOL);
	assert_int_equal(take_slots(w, 5, 1), POOL + 2 * SLOT);
	give(w, 2);
	assert_int_equal(take_slots(w, 6, 1), POOL + 3 * SLOT);
	assert_int_equal(take_slots(w, 7, 1), POOL + 4 * SLOT);
	assert_int_equal(take_slots(w, 8, 1), POOL + 7 * SLOT);
	give(w, 7);
	/* A run across where the search began. */
	give(w, 8);
	give(w, 3);
	assert_int_equal(take_slots(w, 9, 4), POOL + 4 * SLOT);
}

static void no_space_is_said_when_no_run_is_free(void **state)
{
	struct world *w = world_open(state, 200);
	struct phyr_bounce_request pair = request_of(0, 2 * SLOT);
	uint64_t pa;

	for (uint64_t i = 0; i < 200; i++)
		take_slots(w, i, 1);
	for (uint64_t i = 0; i < 200; i += 2)
		give(w, i);
	pair.key = key_of(1000);
	assert_int_equal(try_take(w, &pair, &pa), PHYR_E_NOSPACE);
	give(w, 131);
	/* Three are free, two from an even place and two from an odd one. */
	pair.align_lg2 = 12;
	assert_int_equal(take(w, &pair), POOL + 130 * SLOT);
	give(w, 1000);
	pair.align_lg2 = 0;
	pair.keep_lg2 = 12;
	pair.orig.pa.addr = 0x800;
	assert_int_equal(take(w, &pair), POOL + 131 * SLOT);
	assert_int_equal(stats_of(w).nospace_cnt, 1);
}

static void runs_may_be_longer_than_a_word_of_the_bitmap(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = params_of(w, 500);

	params.pool.len = 500 * SLOT;
	params.slot_cnt_max = 400;
	params.copy = NULL;
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	take_slots(w, 1, 1);
	assert_int_equal(take_slots(w, 2, 128), POOL + SLOT);
	assert_int_equal(take_slots(w, 3, 300), POOL + 129 * SLOT);
	give(w, 2);
	assert_int_equal(take_slots(w, 4, 71), POOL + 429 * SLOT);
	assert_int_equal(take_slots(w, 5, 127), POOL + SLOT);
	give(w, 3);
	assert_int_equal(take_slots(w, 6, 301), POOL + 128 * SLOT);
	assert_int_equal(stats_of(w).used_cnt, 500);
}

static void a_long_run_may_start_behind_a_taken_slot(void **state)
{
	struct world *w = world_open(state, 199);

	take_slots(w, 1, 70);
	take_slots(w, 2, 1);
	assert_int_equal(take_slots(w, 3, 128), POOL + 71 * SLOT);
	give(w, 1);
	give(w, 3);
	assert_int_equal(take_slots(w, 4, 128), POOL + 71 * SLOT);
}

static void what_can_never_fit_is_a_limit(void **state)
{
	struct world *w = world_open(state, 8);
	struct phyr_bounce_request request = request_of(0, 9 * SLOT);
	uint64_t pa;

	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	/* The pool has no byte of these low bits. */
	request = request_of(0x12345000, 1);
	request.keep_lg2 = 32;
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	request = request_of(0, 1);
	request.align_lg2 = 30;
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	request.align_lg2 = 0;
	request.keep_lg2 = 63;
	request.orig.pa.addr = POOL + 7 * SLOT + 5;
	assert_int_equal(take(w, &request), POOL + 7 * SLOT + 5);
	request = request_of(1, UINT64_MAX - 1);
	request.keep_lg2 = 12;
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	request = request_of(0x800, UINT64_MAX - 0x801);
	assert_int_equal(try_take(w, &request, &pa), PHYR_E_LIMIT);
	assert_int_equal(stats_of(w).limit_cnt, 5);
}

static void a_pool_may_end_at_the_top(void **state)
{
	struct world *w = *state;
	struct phyr_bounce_params params = { .mem = &w->host.mem,
					     .pool = { { UINT64_MAX - 4 * K4 + 1 }, 4 * K4 },
					     .slot_lg2 = 12 };
	struct phyr_bounce_request request = request_of(0x7777, K4);

	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	request.keep_lg2 = 12;
	request.zero_pad = true;
	assert_int_equal(take(w, &request), UINT64_MAX - 4 * K4 + 1 + 0x777);
	request.key = key_of(1);
	assert_int_equal(take(w, &request), UINT64_MAX - 2 * K4 + 1 + 0x777);
	assert_true(phyr_bounce_holds(w->pool, phyr_pa_at(UINT64_MAX)));
	assert_true(phyr_bounce_holds(w->pool, phyr_pa_at(UINT64_MAX - 4 * K4 + 1)));
	assert_false(phyr_bounce_holds(w->pool, phyr_pa_at(UINT64_MAX - 4 * K4)));
	assert_false(phyr_bounce_holds(w->pool, phyr_pa_at(0)));
}

static void a_pool_tells_what_it_has_done(void **state)
{
	struct world *w = world_open(state, 64);

	take_slots(w, 1, 10);
	take_slots(w, 2, 20);
	give(w, 1);
	take_slots(w, 3, 5);
	assert_int_equal(stats_of(w).slot_cnt, 64);
	assert_int_equal(stats_of(w).used_cnt, 25);
	assert_int_equal(stats_of(w).used_cnt_max, 30);
	assert_int_equal(stats_of(w).live_cnt, 2);
	assert_int_equal(stats_of(w).take_cnt, 3);
	assert_int_equal(stats_of(w).metadata_len, w->host.live_len);
}

static void expect_damage(const struct world *w, const char *want)
{
	const char *reason = NULL;

	assert_false(phyr_bounce_validate(w->pool, &reason));
	assert_string_equal(reason, want);
	assert_false(phyr_bounce_validate(w->pool, NULL));
}

static void an_audit_finds_damage(void **state)
{
	struct world *w = world_open(state, 8);
	struct run *run;
	uint32_t *link;

	take_slots(w, 1, 2);
	take_slots(w, 2, 2);
	run = &w->pool->runs[2];
	link = phyr_bounce_link(w->pool, key_of(2));
	run->cnt = 3;
	expect_damage(w, "a run is not as its request is");
	run->cnt = 2;
	run->pa += 1;
	expect_damage(w, "a run is not as its request is");
	run->pa -= 1;
	/* Another key, of another chain. */
	do {
		run->key.iova.addr += K4;
	} while (*phyr_bounce_link(w->pool, run->key) == 2);
	expect_damage(w, "a key does not find its run");
	run->key = key_of(2);
	phyr_bounce_mark(w->pool, 7, 1, true);
	expect_damage(w, "slots in use do not add up");
	phyr_bounce_mark(w->pool, 7, 1, false);
	run->next = 2;
	expect_damage(w, "a chain leads out of the pool, or round");
	run->next = NO_RUN;
	*link = 8;
	expect_damage(w, "a chain leads out of the pool, or round");
	*link = 2;
	expect_sound(w);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(the_sizes_are_those_of_linux_unless_said),
	CASE(an_unaligned_page_is_a_head_and_a_tail),
	CASE(padding_is_left_as_it_is_unless_asked_for),
	CASE(low_bits_of_the_original_address_are_kept),
	CASE(both_ends_of_a_run_are_aligned),
	CASE(the_next_place_is_behind_the_last_and_round_the_pool),
	CASE(no_space_is_said_when_no_run_is_free),
	CASE(runs_may_be_longer_than_a_word_of_the_bitmap),
	CASE(a_long_run_may_start_behind_a_taken_slot),
	CASE(what_can_never_fit_is_a_limit),
	CASE(a_pool_may_end_at_the_top),
	CASE(a_pool_tells_what_it_has_done),
	CASE(an_audit_finds_damage),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
