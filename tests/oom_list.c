/* SPDX-License-Identifier: MIT */
/*
 * What a list asks its allocator for, and what is left of it when the allocator refuses: an append
 * that fails for memory must leave the list as if it had never been called. Not here: what the
 * runs are (test_list.c, prop_list.c).
 */
#include <phyr/base.h>
#include <phyr/list.h>

#include "list_world.h"

#define SLAB_LEN 4096
#define STEP_CNT 2500

/* The same runs and figures, storage included. */
static void assert_identical(const struct phyr_list *a, const struct phyr_list *b)
{
	struct phyr_list_cursor at[2];
	struct phyr_run run[2];

	assert_true(phyr_list_validate(a, NULL));
	assert_same_figures(a, b);
	assert_int_equal(stats_of(a).storage_len, stats_of(b).storage_len);
	phyr_list_begin(a, &at[0]);
	phyr_list_begin(b, &at[1]);
	while (phyr_list_next(&at[0], &run[0])) {
		assert_true(phyr_list_next(&at[1], &run[1]));
		assert_int_equal(run[0].range.pa.addr, run[1].range.pa.addr);
		assert_int_equal(run[0].range.len, run[1].range.len);
		assert_int_equal(run[0].offset, run[1].offset);
		assert_int_equal(run[0].tag.kind, run[1].tag.kind);
		assert_int_equal(run[0].tag.provider, run[1].tag.provider);
	}
	assert_false(phyr_list_next(&at[1], &run[1]));
}

/* Step i of a list that has every form of chunk, tags, and pieces stored in parts. */
static int step(struct phyr_list *list, uint64_t i)
{
	struct phyr_tag tag = i % 5 == 4 ? bar : ram;

	if (i % 97 == 50)
		return add(list, i * GIB + 1, 4 * PIB + 1, tag);
	if (i % 7 == 3)
		return add(list, i * GIB + 512, 1024, tag);
	if (i % 11 == 7)
		return add(list, i * GIB + PAGE, 4097 * PAGE, tag);
	return add(list, i * GIB, PAGE, tag);
}

static void build(struct owned *o, uint64_t step_cnt)
{
	owned_init(o);
	for (uint64_t i = 0; i < step_cnt; i++)
		assert_int_equal(step(&o->list, i), PHYR_OK);
}

/* Step i has just failed for memory: nothing has changed, and it works once there is some. */
static void recover(struct owned *o, uint64_t i)
{
	struct owned same;

	build(&same, i);
	assert_identical(&o->list, &same.list);
	if (o->mem.sticky) {
		assert_int_equal(step(&o->list, i), PHYR_E_NOMEM);
		assert_identical(&o->list, &same.list);
		o->mem.fail_at = SIZE_MAX;
		o->mem.sticky = false;
	}
	assert_int_equal(step(&o->list, i), PHYR_OK);
	owned_fini(&same);
}

/* Builds the list with one allocation failing; false when it has not that many. */
static bool build_with_failure(size_t fail_at, bool sticky)
{
	struct owned o;
	struct owned whole;
	bool recovered = false;

	owned_init(&o);
	o.mem.fail_at = fail_at;
	o.mem.sticky = sticky;
	for (uint64_t i = 0; i < STEP_CNT; i++) {
		int err = step(&o.list, i);

		if (!o.mem.failed || recovered) {
			assert_int_equal(err, PHYR_OK);
			continue;
		}
		assert_int_equal(err, PHYR_E_NOMEM);
		recover(&o, i);
		recovered = true;
	}
	build(&whole, STEP_CNT);
	assert_identical(&o.list, &whole.list);
	owned_fini(&whole);
	owned_fini(&o);
	return recovered;
}

static void an_append_that_fails_once_can_be_repeated(void **state)
{
	size_t fail_at = 0;

	(void)state;
	while (build_with_failure(fail_at, false))
		fail_at++;
	assert_true(fail_at >= 4);
}

static void an_append_that_keeps_failing_leaves_the_list_alone(void **state)
{
	size_t fail_at = 0;

	(void)state;
	while (build_with_failure(fail_at, true))
		fail_at++;
	assert_true(fail_at >= 4);
}

/* Runs that take one word, two, and parts; the next append has to store them. */
static const struct phyr_range shapes[] = {
	{ { 8 * GIB }, PAGE },	      { { 8 * GIB + PAGE }, 4097 * PAGE },
	{ { 8 * GIB + 512 }, 1024 },  { { 8 * GIB + 1 }, 4 * PIB + 1 },
	{ { 8 * GIB }, 4 * PIB + 1 },
};

static void lead_and_shape(struct owned *o, uint64_t lead_cnt, size_t shape, struct phyr_tag tag)
{
	owned_init(o);
	for (uint64_t i = 0; i < lead_cnt; i++)
		append(&o->list, i * 2 * PAGE, PAGE);
	assert_int_equal(phyr_list_append(&o->list, shapes[shape], tag), PHYR_OK);
}

static void fail_behind(uint64_t lead_cnt, size_t shape, struct phyr_tag tag)
{
	struct owned o;
	struct owned same;
	int err;

	lead_and_shape(&o, lead_cnt, shape, tag);
	lead_and_shape(&same, lead_cnt, shape, tag);
	o.mem.fail_at = o.mem.alloc_cnt;
	o.mem.sticky = true;
	err = add(&o.list, 0, PAGE, ram);
	assert_int_equal(err, o.mem.failed ? PHYR_E_NOMEM : PHYR_OK);
	o.mem.fail_at = SIZE_MAX;
	o.mem.sticky = false;
	if (err) {
		assert_identical(&o.list, &same.list);
		append(&o.list, 0, PAGE);
	}
	append(&same.list, 0, PAGE);
	assert_identical(&o.list, &same.list);
	owned_fini(&same);
	owned_fini(&o);
}

static void no_run_is_stored_by_half_however_full_the_storage_is(void **state)
{
	(void)state;
	for (size_t shape = 0; shape < CNT(shapes); shape++) {
		/* The head has six words, a slab some five hundred. */
		for (uint64_t lead_cnt = 0; lead_cnt < 10; lead_cnt++) {
			fail_behind(lead_cnt, shape, ram);
			fail_behind(lead_cnt, shape, bar);
		}
		for (uint64_t lead_cnt = 480; lead_cnt < 530; lead_cnt++) {
			fail_behind(lead_cnt, shape, ram);
			fail_behind(lead_cnt, shape, bar);
		}
	}
}

static void a_neighbour_needs_no_memory(void **state)
{
	struct owned o;

	(void)state;
	build(&o, 1000);
	fail_from(&o, 0, true);
	for (uint64_t i = 1; i < 5000; i++)
		assert_int_equal(add(&o.list, 999 * GIB + i * PAGE, PAGE, bar), PHYR_OK);
	assert_int_equal(o.mem.alloc_cnt, 0);
	assert_int_equal(stats_of(&o.list).run_cnt, 1000);
	assert_true(phyr_list_validate(&o.list, NULL));
	owned_fini(&o);
}

static void up_to_four_runs_of_any_form_allocate_nothing(void **state)
{
	struct owned o;

	(void)state;
	owned_init(&o);
	for (uint64_t i = 0; i < 4; i++)
		append(&o.list, i * GIB + PAGE, 2049 * PAGE);
	assert_int_equal(o.mem.alloc_cnt, 0);
	assert_int_equal(stats_of(&o.list).words_len, 4 * 16);
	append(&o.list, 4 * GIB, PAGE);
	assert_int_equal(o.mem.alloc_cnt, 1);
	assert_int_equal(stats_of(&o.list).storage_len, SLAB_LEN);
	assert_int_equal(o.mem.live_len, SLAB_LEN);
	owned_fini(&o);
}

static void without_an_allocator_the_head_is_all_there_is(void **state)
{
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	for (uint64_t i = 0; i < PHYR_LIST_WORDS + 1; i++)
		append(&list, i * 2 * PAGE, PAGE);
	assert_int_equal(add(&list, MIB, PAGE, ram), PHYR_E_NOMEM);
	assert_int_equal(phyr_list_len(&list), 7 * PAGE);
	assert_true(phyr_list_validate(&list, NULL));
	append(&list, (2 * PHYR_LIST_WORDS + 1) * PAGE, PAGE); /* a neighbour */
	assert_int_equal(stats_of(&list).run_cnt, PHYR_LIST_WORDS + 1);
	assert_true(phyr_list_validate(&list, NULL));
	phyr_list_fini(&list);
}

/* Memory in runs of one size that never touch, and the bytes of words it takes. */
static void known_shapes_of_memory_cost_what_is_promised(void **state)
{
	static const struct {
		uint64_t run_len;
		uint64_t run_cnt;
		size_t words_len;
	} known[] = {
		{ GIB, 1, 8 },			   /* a 1 GiB huge page */
		{ GIB, 100, 800 },		   /* 100 GiB of such */
		{ 2 * MIB, 51200, 400 * 1024 },	   /* 100 GiB of 2 MiB pages */
		{ PAGE, 262144, 2 * 1024 * 1024 }, /* 1 GiB of scattered 4 KiB pages */
	};

	(void)state;
	for (size_t i = 0; i < CNT(known); i++) {
		struct phyr_list_stats stats;
		struct owned o;

		owned_init(&o);
		for (uint64_t k = 0; k < known[i].run_cnt; k++)
			append(&o.list, 2 * k * known[i].run_len, known[i].run_len);
		stats = stats_of(&o.list);
		assert_int_equal(stats.words_len, known[i].words_len);
		assert_int_equal(stats.storage_len, o.mem.live_len);
		assert_int_equal(stats.storage_len, o.mem.live_cnt * SLAB_LEN);
		assert_true(stats.storage_len <= stats.words_len + stats.words_len / 32 + SLAB_LEN);
		assert_true(phyr_list_validate(&o.list, NULL));
		owned_fini(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_append_that_fails_once_can_be_repeated),
		cmocka_unit_test(an_append_that_keeps_failing_leaves_the_list_alone),
		cmocka_unit_test(no_run_is_stored_by_half_however_full_the_storage_is),
		cmocka_unit_test(a_neighbour_needs_no_memory),
		cmocka_unit_test(up_to_four_runs_of_any_form_allocate_nothing),
		cmocka_unit_test(without_an_allocator_the_head_is_all_there_is),
		cmocka_unit_test(known_shapes_of_memory_cost_what_is_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
