/* SPDX-License-Identifier: MIT */
/*
 * The operations on whole lists when the allocator refuses: every allocation of each failing in
 * turn, once and from then on, leaves the list as it was and the call can be repeated; what was
 * preloaded is there for them; truncate and trim do without. Not here: single appends (oom_list.c),
 * what the operations do (test_list_edit.c, test_convert.c).
 */
#include <phyr/base.h>
#include <phyr/convert.h>
#include <phyr/list.h>

#include "list_world.h"

/* Runs that a bulk call adds: several slabs of each. */
#define BULK_CNT 1200

/* What the bulk calls are given. */
struct input {
	struct owned other;
	uint64_t pages[BULK_CNT];
	struct phyr_range ranges[BULK_CNT];
	struct phyr_row rows[BULK_CNT];
	struct phyr_vec vecs[BULK_CNT];
};

static struct input input;
static unsigned char process_memory[BULK_CNT];

/* Nobody can tell the two lists apart, but by where their words are. */
static void assert_same_and_sound(const struct owned *a, const struct owned *b)
{
	assert_sound(a);
	assert_sound(b);
	assert_same(&a->list, &b->list);
}

static void begin_alike(struct owned *o, struct owned *same, uint64_t piece_cnt)
{
	owned_init(o);
	owned_init(same);
	build_pieces(&o->list, 0, piece_cnt);
	build_pieces(&same->list, 0, piece_cnt);
}

/* Whatever happened to one of the lists, both go on alike. */
static void end_alike(struct owned *o, struct owned *same, uint64_t i, uint64_t end)
{
	build_pieces(&o->list, i, end);
	build_pieces(&same->list, i, end);
	assert_same_and_sound(o, same);
	owned_fini(o);
	owned_fini(same);
}

static int setup(void **state)
{
	(void)state;
	owned_init(&input.other);
	build_pieces(&input.other.list, 0, BULK_CNT);
	for (uint64_t i = 0; i < BULK_CNT; i++) {
		input.pages[i] = 2 * i;
		input.ranges[i] = (struct phyr_range){ { i * GIB + 1 }, PIB + 1 };
		input.rows[i] = (struct phyr_row){ { i * GIB + 1 }, (uint32_t)(i + 1) };
		input.vecs[i] = (struct phyr_vec){ &process_memory[i], 1 };
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	owned_fini(&input.other);
	return 0;
}

static int translate(void *ctx, const void *base, uint64_t len, struct phyr_range *ret_range)
{
	(void)ctx;
	ret_range->pa.addr = (uint64_t)((const unsigned char *)base - process_memory) * GIB;
	ret_range->len = len;
	return PHYR_OK;
}

static int call_pages(struct phyr_list *list, size_t cnt)
{
	return phyr_list_append_pages(list, input.pages, cnt, bar);
}

/* All of the other list, however many it says. */
static int call_concat(struct phyr_list *list, size_t cnt)
{
	(void)cnt;
	return phyr_list_concat(list, &input.other.list);
}

static int call_ranges(struct phyr_list *list, size_t cnt)
{
	return phyr_convert_ranges(list, input.ranges, cnt, bar);
}

static int call_rows(struct phyr_list *list, size_t cnt)
{
	return phyr_convert_rows(list, input.rows, cnt, ram);
}

static int call_vecs(struct phyr_list *list, size_t cnt)
{
	return phyr_convert_vecs(list, input.vecs, cnt, ram, translate, NULL);
}

typedef int bulk_call(struct phyr_list *list, size_t cnt);

static bulk_call *const calls[] = { call_pages, call_concat, call_ranges, call_rows, call_vecs };
static const uint64_t lead_cnts[] = { 0, 1, 2, 4, 6, 8, 400, 450, 700 };

/* The call failed for memory: nothing has changed, it fails again, and works when there is some. */
static void recover(struct owned *o, const struct owned *same, bulk_call *call, size_t live_len)
{
	assert_same_and_sound(o, same);
	assert_int_equal(o->mem.live_len, live_len);
	if (o->mem.sticky) {
		assert_int_equal(call(&o->list, BULK_CNT), PHYR_E_NOMEM);
		assert_same_and_sound(o, same);
		phyr_list_trim(&o->list);
		assert_same_and_sound(o, same);
		assert_true(o->mem.live_len <= live_len);
	}
	fail_no_more(o);
	assert_int_equal(call(&o->list, BULK_CNT), PHYR_OK);
}

/* False when the call has not so many allocations. */
static bool fails_and_recovers(bulk_call *call, uint64_t lead_cnt, size_t fail_at, bool sticky)
{
	struct owned o;
	struct owned same;
	size_t live_len;
	bool failed;
	int err;

	begin_alike(&o, &same, lead_cnt);
	live_len = o.mem.live_len;
	fail_from(&o, fail_at, sticky);
	err = call(&o.list, BULK_CNT);
	failed = o.mem.failed;
	assert_int_equal(err, failed ? PHYR_E_NOMEM : PHYR_OK);
	if (failed)
		recover(&o, &same, call, live_len);
	fail_no_more(&o);
	assert_int_equal(call(&same.list, BULK_CNT), PHYR_OK);
	assert_same_and_sound(&o, &same);
	end_alike(&o, &same, lead_cnt, lead_cnt + 50);
	return failed;
}

static void a_bulk_call_that_fails_has_done_nothing_and_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(calls) * CNT(lead_cnts) * 2; i++) {
		bulk_call *call = calls[i / 2 / CNT(lead_cnts)];
		size_t fail_at = 0;

		while (fails_and_recovers(call, lead_cnts[i / 2 % CNT(lead_cnts)], fail_at, i % 2))
			fail_at++;
		assert_true(fail_at >= 2);
	}
}

static void a_clone_that_fails_is_empty_and_can_be_repeated(void **state)
{
	struct owned copy;
	size_t fail_at;
	int err;

	(void)state;
	for (unsigned int sticky = 0; sticky < 2; sticky++) {
		for (fail_at = 0, err = PHYR_E_NOMEM; err; fail_at++) {
			test_mem_init(&copy.mem);
			memset(&copy.list, 0xa5, sizeof(copy.list));
			fail_from(&copy, fail_at, sticky);
			err = phyr_list_clone(&input.other.list, &copy.mem.mem, &copy.list);
			if (err) {
				assert_true(copy.mem.failed);
				assert_int_equal(err, PHYR_E_NOMEM);
				assert_int_equal(phyr_list_len(&copy.list), 0);
				assert_int_equal(stats_of(&copy.list).run_cnt, 0);
				assert_sound(&copy);
				fail_no_more(&copy);
				assert_int_equal(phyr_list_concat(&copy.list, &input.other.list),
						 PHYR_OK);
			}
			assert_same_and_sound(&copy, &input.other);
			owned_fini(&copy);
		}
		assert_true(fail_at >= 3);
	}
}

static bool preload_fails_and_recovers(uint64_t lead_cnt, size_t fail_at, bool sticky)
{
	struct owned o;
	struct owned same;
	bool failed;
	int err;

	begin_alike(&o, &same, lead_cnt);
	fail_from(&o, fail_at, sticky);
	err = phyr_list_preload(&o.list, 400);
	failed = o.mem.failed;
	assert_int_equal(err, failed ? PHYR_E_NOMEM : PHYR_OK);
	assert_same_and_sound(&o, &same);
	fail_no_more(&o);
	assert_int_equal(phyr_list_preload(&o.list, 400), PHYR_OK);
	/* What was got the first time is there. */
	assert_true(!failed || o.mem.alloc_cnt <= 400 / 72 + 1 - fail_at);
	fail_from(&o, 0, true);
	end_alike(&o, &same, lead_cnt, lead_cnt + 400);
	return failed;
}

static void a_preload_that_fails_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(lead_cnts) * 2; i++) {
		size_t fail_at = 0;

		while (preload_fails_and_recovers(lead_cnts[i / 2], fail_at, i % 2))
			fail_at++;
		assert_true(fail_at >= 4);
	}
}

static void the_bulk_calls_take_what_was_preloaded(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < CNT(lead_cnts) * CNT(calls); i++) {
		bulk_call *call = calls[i % CNT(calls)];
		struct owned o;

		owned_init(&o);
		build_pieces(&o.list, 0, lead_cnts[i / CNT(calls)]);
		assert_int_equal(phyr_list_preload(&o.list, BULK_CNT), PHYR_OK);
		fail_from(&o, 0, true);
		assert_int_equal(call(&o.list, BULK_CNT), PHYR_OK);
		assert_int_equal(o.mem.alloc_cnt, 0);
		assert_sound(&o);
		owned_fini(&o);
	}
}

/* After a preload, a bulk call that is refused and a cut, all of the preload is still there. */
static void what_is_undone_does_not_use_up_a_preload(void **state)
{
	const uint64_t cnt = 300;

	(void)state;
	for (uint64_t lead_cnt = 380; lead_cnt < 460; lead_cnt++) {
		struct phyr_range good = input.ranges[cnt - 1];
		struct owned o;
		uint64_t len;

		owned_init(&o);
		build_pieces(&o.list, 0, lead_cnt);
		len = phyr_list_len(&o.list);
		assert_int_equal(phyr_list_preload(&o.list, cnt), PHYR_OK);
		fail_from(&o, 0, true);
		input.ranges[cnt - 1].pa.addr = UINT64_MAX;
		assert_int_equal(call_ranges(&o.list, cnt), PHYR_E_RANGE);
		input.ranges[cnt - 1] = good;
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(phyr_list_len(&o.list), len);
			for (uint64_t i = 0; i < cnt; i++) {
				struct phyr_range worst = { { i * GIB + 1 }, 4 * PIB + 1 };

				assert_int_equal(
					phyr_list_append(&o.list, worst, i % 2 ? bar : ram),
					PHYR_OK);
			}
			phyr_list_truncate(&o.list, len);
		}
		assert_int_equal(o.mem.alloc_cnt, 0);
		owned_fini(&o);
	}
}

/* The first bytes of the same list. */
static void build(struct phyr_list *list, uint64_t len)
{
	for (uint64_t i = 0; phyr_list_len(list) < len; i++) {
		struct phyr_range range = piece(i);
		uint64_t left = len - phyr_list_len(list);

		if (i == BULK_CNT)
			return;
		if (range.len > left)
			range.len = left;
		assert_int_equal(phyr_list_append(list, range, piece_tag(i)), PHYR_OK);
	}
}

/* Cuts a list of so many pieces; it must be one that was never longer, then and later. */
static void cut(uint64_t piece_cnt, uint64_t len)
{
	struct owned o;
	struct owned same;

	owned_init(&o);
	owned_init(&same);
	build_pieces(&o.list, 0, piece_cnt);
	fail_from(&o, 0, true);
	phyr_list_truncate(&o.list, len);
	build(&same.list, len);
	assert_same_and_sound(&o, &same);
	phyr_list_trim(&o.list);
	assert_same_and_sound(&o, &same);
	fail_no_more(&o);
	end_alike(&o, &same, piece_cnt, piece_cnt + 9);
}

static void a_truncated_list_is_one_that_was_never_longer(void **state)
{
	uint64_t offset = 0;

	(void)state;
	for (uint64_t i = 0; i < 45; i++) {
		const uint64_t len = piece(i).len;
		const uint64_t head = (PAGE - piece(i).pa.addr % PAGE) % PAGE;
		const uint64_t kept[] = {
			0, 1, head - 1, head, head + 1, PAGE, len / 2, head + PAGE, len - 1, len,
		};

		for (size_t k = 0; k < CNT(kept); k++) {
			if (kept[k] > len)
				continue;
			cut(i + 1, offset + kept[k]);
			cut(46, offset + kept[k]);
		}
		offset += len;
	}
}

static void a_list_can_be_truncated_in_every_slab(void **state)
{
	uint64_t offset = 0;

	(void)state;
	for (uint64_t i = 0; i < BULK_CNT; i++) {
		const uint64_t len = piece(i).len;

		if (i % 16 == 0 || i % 300 > 285)
			cut(BULK_CNT, offset + i % 3 * (len / 2));
		offset += len;
	}
	cut(BULK_CNT, offset);
	cut(BULK_CNT, UINT64_MAX);
}

static void what_was_cut_off_can_be_appended_again(void **state)
{
	const uint64_t len = 3 * PAGE + 99;
	struct owned o;
	struct owned same;

	(void)state;
	for (uint64_t kept = 1; kept < len; kept++) {
		owned_init(&o);
		owned_init(&same);
		append(&o.list, 0x7000, PAGE);
		append(&o.list, 0x1800, len);
		append(&o.list, 0x9000, PAGE);
		append(&same.list, 0x7000, PAGE);
		append(&same.list, 0x1800, len);
		phyr_list_set_va(&o.list, 0x1234);
		phyr_list_truncate(&o.list, PAGE + kept);
		append(&o.list, 0x1800 + kept, len - kept);
		assert_same_and_sound(&o, &same);
		assert_int_equal(phyr_list_va(&o.list), 0x1234);
		owned_fini(&o);
		owned_fini(&same);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_bulk_call_that_fails_has_done_nothing_and_can_be_repeated),
		CASE(a_clone_that_fails_is_empty_and_can_be_repeated),
		CASE(a_preload_that_fails_can_be_repeated),
		CASE(the_bulk_calls_take_what_was_preloaded),
		CASE(what_is_undone_does_not_use_up_a_preload),
		CASE(a_truncated_list_is_one_that_was_never_longer),
		CASE(a_list_can_be_truncated_in_every_slab),
		CASE(what_was_cut_off_can_be_appended_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
