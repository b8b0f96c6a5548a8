/* SPDX-License-Identifier: MIT */
/*
 * A list and a naive model of it, an array of runs, go through the same operations and must agree
 * on every run, every figure and every error after each. PHYR_SEED and PHYR_ITER choose the
 * sequences; sequence i of seed s is sequence 0 of seed s + i. Not here: sentences of list.h one by
 * one (test_list.c).
 */
#include <phyr/base.h>
#include <phyr/list.h>

#include "list_world.h"

#define RUN_MAX 2048

struct model {
	struct phyr_run runs[RUN_MAX];
	size_t run_cnt;
	uint64_t len;
};

struct world {
	struct test_mem mem;
	struct phyr_list list;
	struct model model;
	uint64_t seed;	/* of the sequence that runs */
	uint64_t state; /* of the random source */
	uint64_t step;
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	list_open(&world.list, &world.mem);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	list_close(&w->list, &w->mem);
	return 0;
}

/* A sequence that ran to its end clears the step. */
static int teardown_random(void **state)
{
	const struct world *w = *state;

	if (w->step)
		print_error("failed at step %llu; again with PHYR_SEED=%llu PHYR_ITER=1\n",
			    (unsigned long long)w->step, (unsigned long long)w->seed);
	return teardown(state);
}

static bool same_tag(struct phyr_tag a, struct phyr_tag b)
{
	return a.kind == b.kind && a.provider == b.provider;
}

static uint64_t last_of(const struct phyr_run *run)
{
	return run->range.pa.addr + (run->range.len - 1);
}

static bool model_joins(const struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	const struct phyr_run *end;

	if (m->run_cnt == 0)
		return false;
	end = &m->runs[m->run_cnt - 1];
	return same_tag(end->tag, tag) && range.pa.addr != 0 && last_of(end) == range.pa.addr - 1;
}

static int model_append(struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	if (range.len == 0)
		return PHYR_E_INVAL;
	if (range.len - 1 > UINT64_MAX - range.pa.addr || range.len > TOTAL_MAX - m->len)
		return PHYR_E_RANGE;
	if (model_joins(m, range, tag)) {
		m->runs[m->run_cnt - 1].range.len += range.len;
	} else {
		const struct phyr_run run = { range, tag, m->len };

		assert_true(m->run_cnt < RUN_MAX);
		m->runs[m->run_cnt++] = run;
	}
	m->len += range.len;
	return PHYR_OK;
}

/* [bytes] of the words of whole pages. */
static size_t page_words(uint64_t page, uint64_t page_cnt)
{
	while (page % 2 == 0 && page_cnt % 2 == 0) {
		page /= 2;
		page_cnt /= 2;
	}
	return page_cnt <= 2047 ? 8 : 16;
}

/* [bytes] of the words of any piece inside a list. */
static size_t piece_words(uint64_t addr, uint64_t len)
{
	uint64_t head = (PAGE - addr % PAGE) % PAGE;
	size_t words_len = 0;

	if (len <= 4 * PIB)
		return 16;
	words_len += head ? 16 : 0;
	words_len += (len - head) % PAGE ? 16 : 0;
	return words_len + page_words((addr + head) / PAGE, (len - head) / PAGE);
}

/* The first and the last page of a list are stored whole, whatever part of them is used. */
static size_t run_words(const struct model *m, size_t i)
{
	uint64_t addr = m->runs[i].range.pa.addr;
	uint64_t last = last_of(&m->runs[i]);
	uint64_t first = i == 0 ? addr / PAGE * PAGE : addr;

	if (i + 1 == m->run_cnt)
		last = last / PAGE * PAGE + (PAGE - 1);
	if (first == 0 && last == UINT64_MAX) /* 2^52 pages, one more than a chunk counts */
		return piece_words(addr, m->runs[i].range.len);
	if (first % PAGE == 0 && last % PAGE == PAGE - 1)
		return page_words(first / PAGE, last / PAGE - first / PAGE + 1);
	return piece_words(addr, m->runs[i].range.len);
}

static bool holds_block(uint64_t first, uint64_t last, unsigned int lg2)
{
	uint64_t size = UINT64_C(1) << lg2;
	uint64_t gap = (size - first % size) % size;

	return gap <= last - first && last - first - gap >= size - 1;
}

/* The first and the last page of a list count whole here too. */
static void count_blocks(const struct model *m, size_t i, struct phyr_list_stats *stats)
{
	const struct phyr_run *run = &m->runs[i];
	uint64_t first = i == 0 ? run->range.pa.addr / PAGE * PAGE : run->range.pa.addr;
	uint64_t last = last_of(run);

	if (i + 1 == m->run_cnt)
		last = last / PAGE * PAGE + (PAGE - 1);
	while (stats->block_lg2 < 63 && holds_block(first, last, stats->block_lg2 + 1)) {
		stats->block_lg2++;
		stats->phase = run->range.pa.addr - run->offset;
	}
}

static struct phyr_list_stats model_stats(const struct model *m)
{
	struct phyr_list_stats stats = { 0 };

	stats.len = m->len;
	stats.run_cnt = m->run_cnt;
	stats.phase = m->run_cnt ? m->runs[0].range.pa.addr : 0; /* at least a byte */
	for (size_t i = 0; i < m->run_cnt; i++) {
		const struct phyr_run *run = &m->runs[i];

		if (i == 0 || run->range.len < stats.shortest_len)
			stats.shortest_len = run->range.len;
		if (run->range.len > stats.longest_len)
			stats.longest_len = run->range.len;
		if (i > 0) {
			stats.joint_mask |= (last_of(run - 1) + 1) | run->range.pa.addr;
			stats.tags_len += same_tag(run->tag, run[-1].tag) ? 0 : 8;
		}
		stats.kind_mask |= 1U << run->tag.kind;
		stats.words_len += run_words(m, i);
		count_blocks(m, i, &stats);
	}
	stats.granular = stats.joint_mask % PAGE != 0;
	return stats;
}

static void compare_stats(const struct world *w)
{
	const struct phyr_list_stats expected = model_stats(&w->model);
	struct phyr_list_stats stats;

	phyr_list_stats(&w->list, &stats);
	assert_int_equal(stats.len, expected.len);
	assert_int_equal(stats.run_cnt, expected.run_cnt);
	assert_int_equal(stats.shortest_len, expected.shortest_len);
	assert_int_equal(stats.longest_len, expected.longest_len);
	assert_int_equal(stats.joint_mask, expected.joint_mask);
	assert_int_equal(stats.block_lg2, expected.block_lg2);
	assert_int_equal(stats.phase, expected.phase);
	assert_int_equal(stats.kind_mask, expected.kind_mask);
	assert_int_equal(stats.words_len, expected.words_len);
	assert_int_equal(stats.tags_len, expected.tags_len);
	assert_int_equal(stats.storage_len, w->mem.live_len);
	assert_int_equal(stats.granular, expected.granular);
}

static void compare_run(const struct phyr_run *run, const struct phyr_run *expected)
{
	assert_int_equal(run->range.pa.addr, expected->range.pa.addr);
	assert_int_equal(run->range.len, expected->range.len);
	assert_int_equal(run->offset, expected->offset);
	assert_int_equal(run->tag.kind, expected->tag.kind);
	assert_int_equal(run->tag.provider, expected->tag.provider);
}

/* A cursor must return the runs from the i-th on, at most max of them. */
static void compare_from(const struct world *w, struct phyr_list_cursor *cursor, size_t i,
			 size_t max)
{
	struct phyr_run run;

	for (; i < w->model.run_cnt && max; i++, max--) {
		assert_true(phyr_list_next(cursor, &run));
		compare_run(&run, &w->model.runs[i]);
	}
	if (i == w->model.run_cnt)
		assert_false(phyr_list_next(cursor, &run));
}

static void compare_seek(const struct world *w, uint64_t offset)
{
	struct phyr_list_cursor cursor;
	size_t i = w->model.run_cnt;

	if (offset >= w->model.len) {
		assert_int_equal(phyr_list_seek(&w->list, offset, &cursor), PHYR_E_RANGE);
		return;
	}
	while (w->model.runs[i - 1].offset > offset)
		i--;
	assert_int_equal(phyr_list_seek(&w->list, offset, &cursor), PHYR_OK);
	compare_from(w, &cursor, i - 1, 40);
}

static void compare(struct world *w)
{
	const struct phyr_run *run;
	struct phyr_list_cursor cursor;
	const char *reason = "none";

	assert_true(phyr_list_validate(&w->list, &reason));
	assert_int_equal(phyr_list_len(&w->list), w->model.len);
	compare_stats(w);
	phyr_list_begin(&w->list, &cursor);
	compare_from(w, &cursor, 0, RUN_MAX);
	compare_seek(w, w->model.len);
	if (w->model.len == 0)
		return;
	run = w->model.runs + test_random(&w->state) % w->model.run_cnt;
	compare_seek(w, run->offset);
	compare_seek(w, run->offset + (run->range.len - 1));
	compare_seek(w, run->offset + test_random(&w->state) % run->range.len);
	compare_seek(w, test_random(&w->state) % w->model.len);
	compare_seek(w, w->model.len - 1);
}

/* Appends to both; the allocator may have been told to fail. */
static void append_to_both(struct world *w, struct phyr_range range, struct phyr_tag tag)
{
	bool joins = model_joins(&w->model, range, tag);
	int err;

	w->mem.alloc_cnt = 0;
	w->mem.failed = false;
	err = phyr_list_append(&w->list, range, tag);
	assert_true(w->mem.alloc_cnt <= (joins ? 0 : 1));
	if (w->mem.failed)
		assert_int_equal(err, PHYR_E_NOMEM);
	else
		assert_int_equal(err, model_append(&w->model, range, tag));
}

static void clear_both(struct world *w)
{
	list_close(&w->list, &w->mem);
	w->model.run_cnt = 0;
	w->model.len = 0;
}

static struct phyr_range range_of(uint64_t addr, uint64_t len)
{
	struct phyr_range range = { { addr }, len };

	return range;
}

/* Behind the last run, or where the space ends and must not continue at 0. */
static struct phyr_range random_neighbour(struct world *w)
{
	uint64_t len = 1 + test_random(&w->state) % 3 * (PAGE / 2 - 1);
	uint64_t end = w->model.run_cnt ? last_of(&w->model.runs[w->model.run_cnt - 1]) + 1 : 0;

	return range_of(end, test_random(&w->state) % 2 ? len : PAGE - end % PAGE);
}

static struct phyr_range random_range(struct world *w)
{
	uint64_t any = test_random(&w->state) >> test_random(&w->state) % 52;
	uint64_t small = 1 + test_random(&w->state) % 4;
	unsigned int lg2 = 12 + (unsigned int)(test_random(&w->state) % 20);

	switch (test_random(&w->state) % 16) {
	case 0: /* bytes */
		return range_of(any, small * 1023 - 1022);
	case 1: /* up to the end of the space */
		return range_of(UINT64_C(0) - small * PAGE, small * PAGE);
	case 2: /* longer than a chunk of bytes can be */
		return range_of(any >> 4, 4 * PIB + (any >> 8));
	case 3: /* many blocks of one order */
		return range_of(any >> lg2 << lg2, (any % 4100) << lg2);
	case 4:
	case 5: /* close to what was there before */
		return range_of(small * PAGE, (1 + any % 4) * PAGE);
	case 6:
	case 7:
	case 8:
		return random_neighbour(w);
	default:
		return range_of(any >> 12 << 12, small * PAGE);
	}
}

static struct phyr_tag random_tag(struct world *w)
{
	struct phyr_tag tag = { (enum phyr_kind)(test_random(&w->state) % PHYR_KIND_CNT),
				(uint32_t)(test_random(&w->state) % 2) };

	if (w->model.run_cnt && test_random(&w->state) % 4)
		return w->model.runs[w->model.run_cnt - 1].tag;
	return tag;
}

static void random_step(struct world *w)
{
	struct phyr_range range = random_range(w);
	struct phyr_tag tag = random_tag(w);

	switch (test_random(&w->state) % 16) {
	case 0:
		phyr_list_borrow(&w->list);
		if (range.len)
			assert_int_equal(phyr_list_append(&w->list, range_of(0, 1), tag),
					 PHYR_E_BUSY);
		phyr_list_release(&w->list);
		break;
	case 1:
	case 2:
		w->mem.fail_at = 0;
		append_to_both(w, range, tag);
		w->mem.fail_at = SIZE_MAX;
		break;
	default:
		append_to_both(w, range, tag);
	}
	if (test_random(&w->state) % 512 == 0)
		clear_both(w);
	compare(w);
}

static void random_lists_agree_with_the_model(void **state)
{
	struct world *w = *state;
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t iter_cnt = test_number("PHYR_ITER", 64);

	for (uint64_t i = 0; i < iter_cnt; i++) {
		uint64_t step_cnt;

		w->seed = seed + i;
		w->state = (w->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		step_cnt = test_random(&w->state) % 16 ? 60 : 1800;
		clear_both(w);
		for (w->step = 1; w->step <= step_cnt; w->step++)
			random_step(w);
	}
	w->step = 0;
}

/* Runs of about 4 PiB and more, with the bytes of their words worked by hand. */
static const struct {
	struct phyr_range range;
	size_t words_len;
} long_pieces[] = {
	{ { { 1 }, 4 * PIB }, 16 },		/* the longest that needs no parts */
	{ { { 1 }, 4 * PIB + 1 }, 48 },		/* head, pages, tail */
	{ { { 0x800 }, 4 * PIB + 0x800 }, 32 }, /* head, pages */
	{ { { 0 }, 8 * PIB + 1 }, 24 },		/* aligned pages, tail */
	{ { { 0x1fff }, TOTAL_MAX / 2 }, 48 },
	{ { { UINT64_MAX - 8 * PIB }, 8 * PIB + 1 }, 24 }, /* ends at 2^64, and 0 follows */
	{ { { 0 }, 5 * PIB + 1 }, 24 },
	{ { { 5 * PIB + 2 }, 5 * PIB }, 48 }, /* a byte further */
};

static void long_pieces_stay_apart_and_whole(void **state)
{
	static const struct phyr_tag tags[] = { { PHYR_KIND_SYSTEM, 0 }, { PHYR_KIND_P2P, 3 } };
	struct world *w = *state;

	w->state = 1;
	for (size_t i = 0; i < CNT(long_pieces) * 4; i++) {
		const struct phyr_range piece = long_pieces[i / 4].range;

		assert_int_equal(piece_words(piece.pa.addr, piece.len),
				 long_pieces[i / 4].words_len);
		append_to_both(w, piece, tags[i % 2]);
		compare(w);
		append_to_both(w, random_neighbour(w), tags[i / 2 % 2]);
		compare(w);
	}
}

static void outer_pages_do_not_count_whole_where_that_fills_the_space(void **state)
{
	struct world *w = *state;

	w->state = 1;
	for (uint64_t addr = 0; addr <= PAGE; addr += PAGE / 2) {
		clear_both(w);
		append_to_both(w, range_of(addr, TOTAL_MAX), ram);
		compare(w);
	}
	clear_both(w);
	append_to_both(w, range_of(1, TOTAL_MAX), ram);
	compare(w);
	assert_int_equal(model_stats(&w->model).words_len, 48); /* head, pages, tail */
}

static void a_long_piece_is_found_wherever_its_parts_lie(void **state)
{
	struct world *w = *state;

	w->state = 1;
	for (uint64_t lead_cnt = 0; lead_cnt < 1100; lead_cnt++) {
		const struct phyr_run *run = &w->model.runs[lead_cnt];

		clear_both(w);
		for (uint64_t i = 0; i < lead_cnt; i++)
			append_to_both(w, range_of(i * 2 * PAGE, PAGE), ram);
		append_to_both(w, range_of(3 * PIB + 1, 5 * PIB), ram);
		append_to_both(w, range_of(PAGE, PAGE), ram);
		compare(w);
		compare_seek(w, run->offset);
		compare_seek(w, run->offset + 0xffe);
		compare_seek(w, run->offset + 0xfff);
		compare_seek(w, run->offset + PIB);
		compare_seek(w, run->offset + 5 * PIB - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_lists_agree_with_the_model, setup,
						teardown_random),
		cmocka_unit_test_setup_teardown(long_pieces_stay_apart_and_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
			outer_pages_do_not_count_whole_where_that_fills_the_space, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_piece_is_found_wherever_its_parts_lie, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
