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

/* What a neighbour's caches held under its first page only was there for no other page of it. */
static void b10_a_large_page_is_found_and_dropped_by_every_page_of_it(void **state)
{
	struct world *w = *state;
	struct phyrsim_root root = root_of(w);

	assert_int_equal(map(w, AT + M2, M2, M2), PHYR_OK); /* the tables stay */
	for (uint64_t at = 0; at < M2; at += 37 * K4) {
		struct phyrsim_command page = command(AT + at, K4, true);
		struct phyr_iova_range range = { { AT + at }, K4 };
		struct phyrsim_stale_report report;

		assert_int_equal(map(w, AT, M2, M2), PHYR_OK);
		assert_int_equal(unmap(w, AT, M2), PHYR_OK);
		assert_int_equal(phyrsim_stale_check_range(w->stale, &root, range, &report),
				 PHYR_E_FAULT);
		assert_int_equal(report.lg2, 21);
		phyrsim_stale_apply(w->stale, &page);
		assert_int_equal(check(w).cnt, 0);
		flush(w);
	}
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

static void a_command_for_the_domain_spares_pointers_without_walk(void **state)
{
	struct phyrsim_command leaves = { PHYR_FLUSH_DOMAIN, { { 0 }, 0 }, false, 0 };
	struct phyrsim_command none = command(AT, 0, true);
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	phyrsim_stale_apply(w->stale, &none);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 1 + 3);
	phyrsim_stale_apply(w->stale, &leaves);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 3);
}

/* Few places are looked up, many are not: against a bitmap. */
static void commands_of_any_length_drop_what_they_reach_and_nothing_else(void **state)
{
	static const uint64_t lens[] = { K4, 5 * K4, 64 * K4, M2, G1 };
	struct world *w = *state;
	bool cached[1024];
	uint64_t random = 7, cnt;

	assert_int_equal(map(w, AT, 0x7000, CNT(cached) * K4), PHYR_OK);
	for (size_t round = 0; round < 200; round++) {
		uint64_t page = test_random(&random) % CNT(cached);
		struct phyrsim_command some =
			command(AT + page * K4, lens[test_random(&random) % CNT(lens)], false);

		if (round % 20 == 0) {
			touch(w, AT, sizeof(cached) * K4);
			memset(cached, true, sizeof(cached));
		}
		phyrsim_stale_apply(w->stale, &some);
		cnt = 0;
		for (size_t i = 0; i < CNT(cached); i++) {
			cached[i] &= i < page || i - page >= some.range.len / K4;
			cnt += cached[i];
		}
		assert_int_equal(phyrsim_stale_cnt(w->stale), cnt + 4);
	}
}

/* Of two that begin at one address the smaller is told, and the lower before the higher. */
static void the_report_is_of_the_lowest_address(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT + M2, 0x7000, K4), PHYR_OK);
	assert_int_equal(map(w, AT, 0x9000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + M2, K4), PHYR_OK);
	assert_int_equal(check(w).cnt, 2);
	assert_int_equal(check(w).iova.addr, AT + M2);
	assert_int_equal(check(w).lg2, 12);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_GONE);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	assert_int_equal(check(w).cnt, 2 + 2 + 2);
	assert_int_equal(check(w).iova.addr, 0); /* 512 GiB */
	assert_int_equal(check(w).lg2, 39);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_TABLE_GONE);
}

static void a_check_of_a_range_sees_what_overlaps_it(void **state)
{
	struct phyr_iova_range page = { { AT + K4 }, K4 }, rest = { { AT + 2 * K4 }, G1 - 2 * K4 },
			       none = { { AT }, 0 }, wraps = { { 2 * K4 }, 0 - K4 };
	struct phyrsim_stale_report report = { .cnt = 77 };
	struct world *w = *state;
	struct phyrsim_root root = root_of(w);

	assert_int_equal(map(w, AT, 0x7000, 4 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + K4, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, none, &report), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check_range(NULL, &root, page, &report), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check_range(w->stale, NULL, page, &report), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, page, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, wraps, &report), PHYR_E_RANGE);
	assert_int_equal(report.cnt, 77);
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, rest, &report), PHYR_OK);
	assert_int_equal(report.cnt, 0);
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, page, &report), PHYR_E_FAULT);
	assert_int_equal(report.cnt, 1);
	root.level_cnt = 9;
	assert_int_equal(phyrsim_stale_check_range(w->stale, &root, page, &report), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check(w->stale, &root, &report), PHYR_E_INVAL);
}

/* Held back it is memory still, stale or not; freed without its flush it is not. */
static void a_freed_table_that_is_cached_is_told_at_any_time(void **state)
{
	struct phyrsim_stale_report report = { .cnt = 77 };
	struct world *w = *state;

	assert_int_equal(phyrsim_stale_check_freed(NULL, &report), PHYR_E_INVAL);
	assert_int_equal(phyrsim_stale_check_freed(w->stale, NULL), PHYR_E_INVAL);
	assert_int_equal(report.cnt, 77);
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(map(w, AT + M2, M2, M2), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_check_freed(w->stale, &report), PHYR_OK);
	assert_int_equal(report.cnt, 0);
	assert_int_equal(check(w).cnt, 2);
	w->backend.ops->release(w->backend.ctx, &w->gather);
	assert_int_equal(phyrsim_stale_check_freed(w->stale, &report), PHYR_E_FAULT);
	assert_int_equal(report.cnt, 1);
	assert_int_equal(report.cause, PHYRSIM_STALE_TABLE_GONE);
	assert_int_equal(report.iova.addr, AT);
	assert_int_equal(report.lg2, 21);
}

/* Hardware in caching mode, below a driver that knows it or not. */
static void open_caching(struct world *w, bool known)
{
	static const struct config config = { VTD, 4, 0, 0, 0 };
	struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_VTD,
					      .caching_mode = known };

	world_open_as(w, &config, &inval, true);
}

static void in_caching_mode_what_is_absent_is_noted(void **state)
{
	struct phyrsim_command page = command(AT + 2 * K4, K4, false);
	struct phyrsim_command beside = command(AT + M2, M2, false);
	struct world w;

	(void)state;
	open_caching(&w, true);
	touch(&w, AT, 4 * K4);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 1); /* an item of the top */
	assert_int_equal(map(&w, AT + K4, 0x7000, K4), PHYR_OK);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 3 + 1);
	touch(&w, AT, 2 * M2);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 3 + 512 + 1);
	phyrsim_stale_apply(w.stale, &page);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 3 + 511 + 1);
	phyrsim_stale_apply(w.stale, &beside);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 3 + 511 + 1);
	beside.walk = true;
	phyrsim_stale_apply(w.stale, &beside);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 1 + 511);
	world_close(&w);
}

static void in_caching_mode_maps_need_their_flush(void **state)
{
	(void)state;
	for (unsigned int known = 0; known < 2; known++) {
		struct world w;

		open_caching(&w, known != 0);
		assert_int_equal(map(&w, AT, 0x7000, K4), PHYR_OK);
		touch(&w, AT, 2 * M2);
		assert_int_equal(map(&w, AT + K4, 0x9000, K4), PHYR_OK);
		assert_int_equal(check(&w).cnt, known ? 0 : 1);
		assert_int_equal(map(&w, AT + M2, 0x9000, K4), PHYR_OK);
		assert_int_equal(check(&w).cnt, known ? 0 : 2);
		if (!known) {
			assert_int_equal(check(&w).cause, PHYRSIM_STALE_ABSENCE);
			assert_int_equal(check(&w).iova.addr, AT + K4);
			assert_int_equal(check(&w).pa.addr, 0);
			assert_int_equal(check(&w).lg2, 12);
		}
		world_close(&w);
	}
}

static void an_absence_is_not_stale_when_its_table_goes_too(void **state)
{
	struct world w;

	(void)state;
	open_caching(&w, true);
	assert_int_equal(map(&w, AT, 0x7000, K4), PHYR_OK);
	touch(&w, AT, M2);
	assert_int_equal(unmap(&w, AT, K4), PHYR_OK);
	flush(&w);
	assert_int_equal(phyrsim_stale_cnt(w.stale), 511);
	assert_int_equal(check(&w).cnt, 0);
	world_close(&w);
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
		CASE(b10_a_large_page_is_found_and_dropped_by_every_page_of_it),
		CASE(on_amd_a_window_drops_what_lies_in_it_whole),
		CASE(on_arm_a_hint_spares_leaves_of_other_levels),
		CASE(a_command_for_the_domain_spares_pointers_without_walk),
		CASE(commands_of_any_length_drop_what_they_reach_and_nothing_else),
		CASE(the_report_is_of_the_lowest_address),
		CASE(a_check_of_a_range_sees_what_overlaps_it),
		CASE(a_freed_table_that_is_cached_is_told_at_any_time),
		CASE(in_caching_mode_what_is_absent_is_noted),
		CASE(in_caching_mode_maps_need_their_flush),
		CASE(an_absence_is_not_stale_when_its_table_goes_too),
		CASE(every_cause_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
