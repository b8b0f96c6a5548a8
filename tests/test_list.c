/* SPDX-License-Identifier: MIT */
/*
 * Each sentence of list.h on small lists worked by hand. Every case ends with an audit of its list.
 * Not here: random and very long lists (prop_list.c), the bytes of storage and what happens without
 * (oom_list.c).
 */
#include <phyr/base.h>
#include <phyr/list.h>

#include "list_world.h"

static void assert_valid(const struct phyr_list *list)
{
	const char *reason = "untouched";

	assert_true(phyr_list_validate(list, &reason));
	assert_string_equal(reason, "untouched");
}

static int teardown(void **state)
{
	struct owned *f = *state;

	assert_valid(&f->list);
	owned_fini(f);
	return 0;
}

static void assert_next(struct phyr_list_cursor *cursor, uint64_t addr, uint64_t len,
			uint64_t offset)
{
	struct phyr_run run;

	assert_true(phyr_list_next(cursor, &run));
	assert_int_equal(run.range.pa.addr, addr);
	assert_int_equal(run.range.len, len);
	assert_int_equal(run.offset, offset);
}

static void assert_end(struct phyr_list_cursor *cursor)
{
	struct phyr_run run;
	struct phyr_run before;

	memset(&run, 0xa5, sizeof(run));
	memset(&before, 0xa5, sizeof(before));
	assert_false(phyr_list_next(cursor, &run));
	assert_false(phyr_list_next(cursor, &run));
	assert_memory_equal(&run, &before, sizeof(run));
}

/* The runs, in order, of a list without tags. */
static void assert_runs(const struct phyr_list *list, const struct phyr_range *runs, size_t run_cnt)
{
	struct phyr_list_cursor cursor;
	uint64_t offset = 0;

	phyr_list_begin(list, &cursor);
	for (size_t i = 0; i < run_cnt; i++) {
		assert_next(&cursor, runs[i].pa.addr, runs[i].len, offset);
		offset += runs[i].len;
	}
	assert_end(&cursor);
	assert_int_equal(phyr_list_len(list), offset);
	assert_int_equal(stats_of(list).run_cnt, run_cnt);
}

/* None of the runs joins another. */
static void append_all(struct phyr_list *list, const struct phyr_range *runs, size_t run_cnt)
{
	for (size_t i = 0; i < run_cnt; i++)
		append(list, runs[i].pa.addr, runs[i].len);
	assert_runs(list, runs, run_cnt);
}

static void assert_all_zero(const struct phyr_list *list)
{
	struct phyr_list_stats stats = stats_of(list);

	assert_runs(list, NULL, 0);
	assert_int_equal(stats.len, 0);
	assert_int_equal(stats.shortest_len, 0);
	assert_int_equal(stats.longest_len, 0);
	assert_int_equal(stats.joint_mask, 0);
	assert_int_equal(stats.block_lg2, 0);
	assert_int_equal(stats.kind_mask, 0);
	assert_int_equal(stats.words_len, 0);
	assert_int_equal(stats.tags_len, 0);
	assert_int_equal(stats.storage_len, 0);
	assert_false(stats.granular);
}

static void an_empty_list_has_no_runs_and_no_size(void **state)
{
	struct owned *f = *state;

	assert_all_zero(&f->list);
	assert_int_equal(phyr_list_va(&f->list), 0);
	assert_int_equal(f->mem.alloc_cnt, 0);
}

static void the_address_that_names_byte_0_is_any_number(void **state)
{
	struct owned *f = *state;

	phyr_list_set_va(&f->list, UINT64_C(0x7f0000001234));
	append(&f->list, 0x1000, 0x1000);
	assert_int_equal(phyr_list_va(&f->list), UINT64_C(0x7f0000001234));
	phyr_list_set_va(&f->list, UINT64_MAX);
	assert_int_equal(phyr_list_va(&f->list), UINT64_MAX);
}

static void appending_a_neighbour_joins_the_open_run(void **state)
{
	static const struct phyr_range joined[] = { { { 0x1800 }, 0x2803 } };
	struct owned *f = *state;

	append(&f->list, 0x1800, 0x800);
	append(&f->list, 0x2000, 0x1001);
	append(&f->list, 0x3001, 2);
	append(&f->list, 0x3003, 0x1000);
	assert_runs(&f->list, joined, CNT(joined));
	assert_false(stats_of(&f->list).granular);
	assert_int_equal(stats_of(&f->list).joint_mask, 0);
}

static void only_what_follows_on_joins(void **state)
{
	static const struct phyr_range runs[] = {
		{ { 0x5000 }, 0x1000 }, { { 0x4000 }, 0x1000 }, /* below, not behind */
		{ { 0x4fff }, 0x1000 },				/* overlaps by a byte */
		{ { 0x6000 }, 0x1000 },				/* a byte too far */
		{ { 0x6000 }, 0x1000 },				/* the same again */
	};
	struct owned *f = *state;

	append_all(&f->list, runs, CNT(runs));
}

static void address_0_does_not_follow_the_end_of_the_space(void **state)
{
	static const struct phyr_range runs[] = {
		{ { UINT64_MAX - 4095 }, 4096 },
		{ { 0 }, 4096 },
		{ { 0x10000 }, 4096 },
	};
	struct owned *f = *state;

	append_all(&f->list, runs, CNT(runs));
	/* The end of the first run is 2^64, of which no bit is left. */
	assert_int_equal(stats_of(&f->list).joint_mask, 0x11000);
}

static void memory_of_different_tags_never_joins(void **state)
{
	static const struct phyr_tag tags[] = {
		{ PHYR_KIND_SYSTEM, 0 }, { PHYR_KIND_P2P, 0 },	     { PHYR_KIND_P2P, UINT32_MAX },
		{ PHYR_KIND_P2P, 1 },	 { PHYR_KIND_ENCRYPTED, 1 }, { PHYR_KIND_SYSTEM, 1 },
		{ PHYR_KIND_SYSTEM, 0 },
	};
	struct owned *f = *state;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	for (uint64_t i = 0; i < CNT(tags); i++) {
		assert_int_equal(add(&f->list, i * 0x2000, 0x1000, tags[i]), PHYR_OK);
		assert_int_equal(add(&f->list, i * 0x2000 + 0x1000, 0x1000, tags[i]), PHYR_OK);
	}
	phyr_list_begin(&f->list, &cursor);
	for (uint64_t i = 0; i < CNT(tags); i++) {
		assert_true(phyr_list_next(&cursor, &run));
		assert_int_equal(run.range.pa.addr, i * 0x2000);
		assert_int_equal(run.range.len, 0x2000);
		assert_int_equal(run.tag.kind, tags[i].kind);
		assert_int_equal(run.tag.provider, tags[i].provider);
	}
	assert_end(&cursor);
	assert_int_equal(stats_of(&f->list).kind_mask, 7);
	assert_int_equal(stats_of(&f->list).tags_len, 6 * 8);
	/* Equal neighbouring addresses are a joint too. */
	assert_int_equal(stats_of(&f->list).joint_mask, 0xe000);
}

static void eight_1_gib_pages_cost_8_bytes_at_every_step(void **state)
{
	static const struct phyr_range run[] = { { { 3 * GIB }, 8 * GIB } };
	struct owned *f = *state;

	for (uint64_t page = 3; page <= 10; page++) {
		append(&f->list, page * GIB, GIB);
		assert_int_equal(stats_of(&f->list).words_len, 8);
		assert_int_equal(stats_of(&f->list).run_cnt, 1);
	}
	assert_runs(&f->list, run, 1);
	assert_int_equal(f->mem.alloc_cnt, 0);
	append(&f->list, 0, 4096); /* closes it */
	assert_int_equal(stats_of(&f->list).words_len, 16);
}

static void wrong_arguments_are_refused_and_change_nothing(void **state)
{
	static const struct phyr_range run[] = { { { 0x1000 }, 0x1000 } };
	struct owned *f = *state;

	append(&f->list, 0x1000, 0x1000);
	assert_int_equal(add(NULL, 0x2000, 0x1000, ram), PHYR_E_INVAL);
	assert_int_equal(add(&f->list, 0x2000, 0, ram), PHYR_E_INVAL);
	assert_int_equal(add(&f->list, 0x2000, 0x1000, unknown), PHYR_E_INVAL);
	assert_int_equal(add(&f->list, UINT64_MAX, 2, ram), PHYR_E_RANGE);
	assert_int_equal(add(&f->list, 1, UINT64_MAX, ram), PHYR_E_RANGE); /* the total */
	assert_int_equal(add(&f->list, 2, UINT64_MAX, ram), PHYR_E_RANGE);
	assert_runs(&f->list, run, CNT(run));
	append(&f->list, UINT64_MAX, 1);
}

static void a_list_holds_2_to_the_64_less_4096_bytes_and_no_more(void **state)
{
	static const struct phyr_range runs[] = { { { 4096 }, TOTAL_MAX } };
	struct owned *f = *state;

	assert_int_equal(add(&f->list, 0, TOTAL_MAX + 1, ram), PHYR_E_RANGE);
	assert_int_equal(add(&f->list, 0, UINT64_MAX, ram), PHYR_E_RANGE);
	append(&f->list, 4096, TOTAL_MAX - 4096);
	assert_int_equal(add(&f->list, 0, 4097, bar), PHYR_E_RANGE);
	append(&f->list, UINT64_MAX - 4095, 4096);
	assert_int_equal(add(&f->list, 0, 1, ram), PHYR_E_RANGE);
	assert_runs(&f->list, runs, CNT(runs));
	assert_int_equal(stats_of(&f->list).words_len, 16);
	assert_int_equal(stats_of(&f->list).block_lg2, 63);
}

static void the_ends_of_a_list_may_lie_inside_a_page(void **state)
{
	struct owned *f = *state;
	struct phyr_list_stats stats;

	append(&f->list, 0x1800, 0x800);
	append(&f->list, 0x8000, 0x1000);
	append(&f->list, 0x20000, 0x123);
	stats = stats_of(&f->list);
	assert_int_equal(stats.joint_mask, 0x2000 | 0x8000 | 0x9000 | 0x20000);
	assert_false(stats.granular);
	assert_int_equal(stats.shortest_len, 0x123);
	assert_int_equal(stats.longest_len, 0x1000);
	assert_int_equal(stats.words_len, 3 * 8); /* the outer pages count whole */
}

static void a_joint_inside_a_page_makes_a_list_granular(void **state)
{
	struct owned *f = *state;

	append(&f->list, 0x1000, 0x1200);
	assert_false(stats_of(&f->list).granular);
	append(&f->list, 0x8000, 0x1000); /* the end of the run before */
	assert_true(stats_of(&f->list).granular);
	assert_int_equal(stats_of(&f->list).joint_mask, 0x2200 | 0x8000);
	phyr_list_fini(&f->list);
	append(&f->list, 0x1000, 0x1000);
	assert_false(stats_of(&f->list).granular);
	append(&f->list, 0x8010, 0x10); /* the start of the run behind */
	assert_true(stats_of(&f->list).granular);
	append(&f->list, 0x9000, 0x1000);
	assert_int_equal(stats_of(&f->list).joint_mask, 0x2000 | 0x8010 | 0x8020 | 0x9000);
}

static void the_phase_is_that_of_the_first_of_the_largest_blocks(void **state)
{
	struct owned *f = *state;

	append(&f->list, 0x1001, 1); /* its page counts whole */
	assert_int_equal(stats_of(&f->list).block_lg2, 12);
	assert_int_equal(stats_of(&f->list).phase, 0x1001);
	append(&f->list, 2 * MIB - 0x1000, 2 * MIB); /* holds 2M … 3M at most */
	assert_int_equal(stats_of(&f->list).block_lg2, 20);
	assert_int_equal(stats_of(&f->list).phase, 2 * MIB - 0x1000 - 1);
	append(&f->list, MIB, MIB); /* as large, but later */
	assert_int_equal(stats_of(&f->list).block_lg2, 20);
	assert_int_equal(stats_of(&f->list).phase, 2 * MIB - 0x1000 - 1);
	append(&f->list, 0, 2 * MIB); /* below its offset: the phase is negative */
	assert_int_equal(stats_of(&f->list).block_lg2, 21);
	assert_int_equal(stats_of(&f->list).phase, UINT64_C(0) - (3 * MIB + 1));
	append(&f->list, 2 * MIB, 6 * MIB); /* the open run grows a larger block */
	assert_int_equal(stats_of(&f->list).block_lg2, 23);
}

static void a_cursor_is_a_bookmark(void **state)
{
	static const struct phyr_range runs[] = {
		{ { 0x1000 }, 0x1000 },
		{ { 0x5000 }, 0x2000 },
		{ { 0x3000 }, 0x1000 },
	};
	struct owned *f = *state;
	struct phyr_list_cursor cursor;
	struct phyr_list_cursor bookmark;

	append_all(&f->list, runs, CNT(runs));
	phyr_list_begin(&f->list, &cursor);
	assert_next(&cursor, 0x1000, 0x1000, 0);
	bookmark = cursor;
	for (int twice = 0; twice < 2; twice++) {
		assert_next(&cursor, 0x5000, 0x2000, 0x1000);
		assert_next(&cursor, 0x3000, 0x1000, 0x3000);
		assert_end(&cursor);
		cursor = bookmark;
	}
}

static void assert_seek(const struct phyr_list *list, uint64_t to, struct phyr_range run,
			uint64_t offset)
{
	struct phyr_list_cursor cursor;

	assert_int_equal(phyr_list_seek(list, to, &cursor), PHYR_OK);
	assert_next(&cursor, run.pa.addr, run.len, offset);
}

static void seek_finds_the_run_of_every_byte_across_slabs(void **state)
{
	struct owned *f = *state;
	const uint64_t run_cnt = 20000;

	for (uint64_t i = 0; i < run_cnt; i++)
		append(&f->list, i * 0x3000, 0x2000);
	assert_true(f->mem.live_cnt >= 30);
	for (uint64_t i = 0; i < run_cnt; i += 7) {
		const struct phyr_range run = { { i * 0x3000 }, 0x2000 };

		assert_seek(&f->list, i * 0x2000, run, i * 0x2000);
		assert_seek(&f->list, i * 0x2000 + 0x1000, run, i * 0x2000);
		assert_seek(&f->list, i * 0x2000 + 0x1fff, run, i * 0x2000);
	}
}

static void a_byte_that_is_not_there_cannot_be_sought(void **state)
{
	struct owned *f = *state;
	struct phyr_list_cursor cursor;
	struct phyr_list_cursor before;

	memset(&cursor, 0xa5, sizeof(cursor));
	memset(&before, 0xa5, sizeof(before));
	assert_int_equal(phyr_list_seek(&f->list, 0, &cursor), PHYR_E_RANGE);
	append(&f->list, 0x1000, 0x1000);
	append(&f->list, 0x8000, 0x10);
	assert_int_equal(phyr_list_seek(&f->list, 0x1010, &cursor), PHYR_E_RANGE);
	assert_int_equal(phyr_list_seek(&f->list, UINT64_MAX, &cursor), PHYR_E_RANGE);
	assert_memory_equal(&cursor, &before, sizeof(cursor));
	assert_int_equal(phyr_list_seek(&f->list, 0x100f, &cursor), PHYR_OK);
}

static void a_borrowed_list_takes_nothing_until_all_is_released(void **state)
{
	static const struct phyr_range runs[] = { { { 0x1000 }, 0x1000 }, { { 0x8000 }, 0x1000 } };
	struct owned *f = *state;

	append(&f->list, 0x1000, 0x1000);
	phyr_list_borrow(&f->list);
	phyr_list_borrow(&f->list);
	assert_int_equal(add(&f->list, 0x8000, 0x1000, ram), PHYR_E_BUSY);
	phyr_list_release(&f->list);
	assert_int_equal(add(&f->list, 0x2000, 0x1000, ram), PHYR_E_BUSY); /* a neighbour */
	assert_runs(&f->list, runs, 1);
	phyr_list_release(&f->list);
	append(&f->list, 0x8000, 0x1000);
	assert_runs(&f->list, runs, 2);
}

static void a_freed_list_is_empty_and_works_again(void **state)
{
	static const struct phyr_range again[] = { { { 0x7000 }, 0x1000 } };
	struct owned *f = *state;

	for (uint64_t i = 0; i < 1200; i++)
		assert_int_equal(add(&f->list, i * 0x1001, 0x1000, bar), PHYR_OK);
	assert_int_equal(stats_of(&f->list).tags_len, 0); /* one tag, in the head */
	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_len, 0);
	assert_all_zero(&f->list);
	append(&f->list, 0x7000, 0x1000);
	assert_runs(&f->list, again, 1);
	assert_int_equal(stats_of(&f->list).tags_len, 0);
}

static void assert_seen(struct phyr_list *list, void *where, const void *damage, size_t size)
{
	const char *reason = NULL;
	uint64_t good;

	memcpy(&good, where, size);
	memcpy(where, damage, size);
	assert_false(phyr_list_validate(list, &reason));
	assert_non_null(reason);
	assert_false(phyr_list_validate(list, NULL));
	memcpy(where, &good, size);
	assert_valid(list);
}

static void the_audit_sees_damage(void **state)
{
	static const uint64_t chunks[] = {
		0, UINT64_MAX, 0x0040000000000004, /* not canonical */
		0x0020000000000006,		   /* a neighbour of the next */
	};
	struct owned *f = *state;
	struct phyr_list *l = &f->list;
	uint64_t *const numbers[] = {
		&l->open.len,		&l->stats.len,	       &l->stats.run_cnt,
		&l->stats.shortest_len, &l->stats.longest_len, &l->stats.joint_mask,
		&l->stats.phase,
	};
	size_t *const sizes[] = { &l->stats.words_len, &l->stats.tags_len, &l->stats.storage_len };

	append(l, 0x1000, 0x1000); /* the shortest */
	append(l, 0x4000, 0x4000); /* the longest, and the largest block */
	append(l, 0x10000, 0x2000);
	for (size_t i = 0; i < CNT(chunks); i++)
		assert_seen(l, &l->words[0], &chunks[i], sizeof(chunks[i]));
	for (size_t i = 0; i < CNT(numbers); i++)
		assert_seen(l, numbers[i], &(uint64_t){ *numbers[i] + 0x1000 }, sizeof(uint64_t));
	for (size_t i = 0; i < CNT(sizes); i++)
		assert_seen(l, sizes[i], &(size_t){ *sizes[i] + 8 }, sizeof(size_t));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, owned_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_list_has_no_runs_and_no_size),
		CASE(the_address_that_names_byte_0_is_any_number),
		CASE(appending_a_neighbour_joins_the_open_run),
		CASE(only_what_follows_on_joins),
		CASE(address_0_does_not_follow_the_end_of_the_space),
		CASE(memory_of_different_tags_never_joins),
		CASE(eight_1_gib_pages_cost_8_bytes_at_every_step),
		CASE(wrong_arguments_are_refused_and_change_nothing),
		CASE(a_list_holds_2_to_the_64_less_4096_bytes_and_no_more),
		CASE(the_ends_of_a_list_may_lie_inside_a_page),
		CASE(a_joint_inside_a_page_makes_a_list_granular),
		CASE(the_phase_is_that_of_the_first_of_the_largest_blocks),
		CASE(a_cursor_is_a_bookmark),
		CASE(seek_finds_the_run_of_every_byte_across_slabs),
		CASE(a_byte_that_is_not_there_cannot_be_sought),
		CASE(a_borrowed_list_takes_nothing_until_all_is_released),
		CASE(a_freed_list_is_empty_and_works_again),
		CASE(the_audit_sees_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
