/* SPDX-License-Identifier: MIT */
/* The shadow of the caches: what it notes, what commands drop, what it complains of. */
#include "stale_world.h"

#define AT UINT64_C(0x40000000)

static int setup(void **state)
{
	struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_VTD };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_open(w, &inval);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	free(*state);
	return 0;
}

static struct phyrsim_command command(uint64_t first, uint64_t len, bool walk)
{
	struct phyrsim_command range = { PHYR_FLUSH_RANGE, { { first }, len }, walk, 0 };

	return range;
}

static void wrong_arguments_are_refused(void **state)
{
	struct phyrsim_stale_params params = { 0 };
	struct phyr_iova_range range = { { 0 }, K4 }, none = { { 0 }, 0 },
			       wraps = { { 2 * K4 }, 0 - K4 };
	struct phyrsim_stale_report report;
	struct phyrsim_stale *stale;
	struct world *w = *state;
	struct phyrsim_root root = root_of(w);

	assert_int_equal(phyrsim_stale_create(NULL, &stale), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_create(&params, &stale), PHYR_E_INVAL);
	params.mem = &w->host.mem;
	params.frames = w->mem;
	params.personality = (enum phyrsim_personality)PHYRSIM_PERSONALITY_CNT;
	assert_int_equal(phyrsim_stale_create(&params, &stale), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_note(NULL, &root, range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_note(w->stale, NULL, range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_note(w->stale, &root, none), PHYR_OK);
	assert_int_equal(phyrsim_stale_note(w->stale, &root, wraps), PHYR_E_RANGE);
	assert_int_equal(phyrsim_stale_check(w->stale, &root, NULL), PHYR_E_INVAL);
	root.level_cnt = 9;
	assert_int_equal(phyrsim_stale_note(w->stale, &root, range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check(w->stale, &root, &report), PHYR_OK); /* empty */
}

/* Three pages below three tables, two large ones below one more pointer shared with them. */
static void every_leaf_and_every_pointer_on_its_way_is_noted(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, 3 * K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 3 + 3);
	assert_int_equal(map(w, AT + M2, M2, 2 * M2), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 3 + 3 + 2);
	assert_int_equal(check(w).cnt, 0);
}

static void where_nothing_is_mapped_pointers_alone_are_noted(void **state)
{
	struct phyr_iova_range everything = { { 0 }, UINT64_C(1) << 48 };
	struct world *w = *state;
	struct phyrsim_root root = root_of(w);

	assert_int_equal(phyrsim_stale_note(w->stale, &root, everything), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 0);
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_note(w->stale, &root, everything), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 1 + 3);
}

static void what_was_removed_is_stale_until_it_is_flushed(void **state)
{
	struct world *w = *state;
	struct phyrsim_stale_report report;

	assert_int_equal(map(w, AT, 0x7000, 3 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + K4, K4), PHYR_OK);
	report = check(w);
	assert_int_equal(report.cnt, 1);
	assert_int_equal(report.cause, PHYRSIM_STALE_LEAF_GONE);
	assert_int_equal(report.iova.addr, AT + K4);
	assert_int_equal(report.lg2, 12);
	assert_int_equal(report.pa.addr, 0x8000);
	flush(w);
	assert_int_equal(check(w).cnt, 0);
}

static void a_translation_to_elsewhere_is_stale(void **state)
{
	struct world *w = *state;

	w->spoil = SPOIL_SKIP;
	assert_int_equal(map(w, AT, 0x7000, 2 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	flush(w);
	assert_int_equal(map(w, AT, 0x9000, K4), PHYR_OK);
	assert_int_equal(check(w).cnt, 1);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
	assert_int_equal(check(w).pa.addr, 0x7000);
}

static void a_pointer_to_a_removed_table_is_stale(void **state)
{
	struct world *w = *state;

	w->spoil = SPOIL_WALK;
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(map(w, AT + M2, M2, M2), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	flush(w);
	assert_int_equal(check(w).cnt, 1);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_TABLE_GONE);
	assert_int_equal(check(w).iova.addr, AT);
	assert_int_equal(check(w).lg2, 21);
}

static void a_pointer_to_a_replaced_table_is_stale(void **state)
{
	struct world *w = *state;

	w->spoil = SPOIL_WALK;
	assert_int_equal(map(w, AT + M2, M2, M2), PHYR_OK);
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	flush(w);
	assert_int_equal(map(w, 2 * AT, 0x7000, K4), PHYR_OK); /* takes the freed frame */
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(check(w).cnt, 1);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_TABLE_CHANGED);
}

static void a_command_drops_what_it_overlaps(void **state)
{
	struct world *w = *state;
	struct phyrsim_command apart = command(AT + 2 * M2, M2, true);
	struct phyrsim_command page = command(AT + 5 * K4, K4, false);
	struct phyrsim_command all = { PHYR_FLUSH_DOMAIN, { { 0 }, 0 }, true, 0 };

	assert_int_equal(map(w, AT, M2, 2 * M2), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 2 + 2);
	phyrsim_stale_apply(w->stale, &page);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 1 + 2);
	phyrsim_stale_apply(w->stale, &apart);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 1);
	phyrsim_stale_apply(w->stale, &all);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 0);
}

static void on_amd_a_window_drops_what_lies_in_it_whole(void **state)
{
	struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_AMD };
	struct phyrsim_command page = command(AT + 5 * K4, K4, false);
	struct phyrsim_command large = command(AT, M2, false);
	struct world w;

	(void)state;
	world_open(&w, &inval);
	assert_int_equal(map(&w, AT, M2, M2), PHYR_OK);
	phyrsim_stale_apply(w.stale, &page);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 1 + 2);
	phyrsim_stale_apply(w.stale, &large);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 2);
	world_close(&w);
}

static void on_arm_a_hint_spares_leaves_of_other_levels(void **state)
{
	struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_ARM };
	struct phyrsim_command hinted = command(AT, 2 * M2, false);
	struct world w;

	(void)state;
	hinted.leaf_lg2 = 12;
	world_open(&w, &inval);
	assert_int_equal(map(&w, AT, M2, M2), PHYR_OK);
	assert_int_equal(map(&w, AT + M2, 0x7000, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 2 + 3);
	phyrsim_stale_apply(w.stale, &hinted);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 1 + 3);
	world_close(&w);
}

static void noting_survives_failed_allocations(void **state)
{
	struct phyr_iova_range range = { { AT }, 512 * K4 };
	struct world *w = *state;
	struct phyrsim_root root;
	int err = PHYR_E_NOMEM;

	assert_int_equal(map(w, 2 * AT, M2, M2), PHYR_OK);
	assert_int_equal(map(w, AT, 0x7000, 512 * K4), PHYR_OK);
	root = root_of(w);
	for (size_t n = 0; err == PHYR_E_NOMEM; n++) {
		struct phyrsim_command all = { PHYR_FLUSH_DOMAIN, { { 0 }, 0 }, true, 0 };
		struct phyrsim_stale_params params = { &w->host.mem, w->mem, PHYRSIM_INVAL_VTD,
						       false };

		phyrsim_stale_destroy(w->stale);
		w->host.fail_at = SIZE_MAX;
		assert_int_equal(phyrsim_stale_create(&params, &w->stale), PHYR_OK);
		phyrsim_stale_apply(w->stale, &all);
		w->host.fail_at = w->host.alloc_cnt + n;
		err = phyrsim_stale_note(w->stale, &root, range);
		assert_int_equal(check(w).cnt, 0);
	}
	assert_int_equal(err, PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 512 + 3);
}

static void every_cause_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < PHYRSIM_STALE_CAUSE_CNT; i++)
		assert_string_not_equal(phyrsim_stale_cause_name((enum phyrsim_stale_cause)i), "?");
	assert_string_equal(
		phyrsim_stale_cause_name((enum phyrsim_stale_cause)PHYRSIM_STALE_CAUSE_CNT), "?");
	phyrsim_stale_destroy(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(wrong_arguments_are_refused),
		CASE(every_leaf_and_every_pointer_on_its_way_is_noted),
		CASE(where_nothing_is_mapped_pointers_alone_are_noted),
		CASE(what_was_removed_is_stale_until_it_is_flushed),
		CASE(a_translation_to_elsewhere_is_stale),
		CASE(a_pointer_to_a_removed_table_is_stale),
		CASE(a_pointer_to_a_replaced_table_is_stale),
		CASE(a_command_drops_what_it_overlaps),
		CASE(on_amd_a_window_drops_what_lies_in_it_whole),
		CASE(on_arm_a_hint_spares_leaves_of_other_levels),
		CASE(noting_survives_failed_allocations),
		CASE(every_cause_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
