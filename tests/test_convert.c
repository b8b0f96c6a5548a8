/* SPDX-License-Identifier: MIT */
/*
 * Lists from and to ranges, rows, process memory and page numbers: each sentence of convert.h on
 * small inputs worked by hand, and round trips. Not here: imports that run out of memory
 * (oom_list_edit.c).
 */
#include <phyr/base.h>
#include <phyr/convert.h>
#include <phyr/list.h>

#include "test.h"

#define CNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE UINT64_C(4096)
#define GIB (UINT64_C(1) << 30)
#define PIB (UINT64_C(1) << 50)
#define TOTAL_MAX (UINT64_MAX - 4095)
#define POISON UINT64_C(0xa5a5a5a5a5a5a5a5)

static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
static const struct phyr_tag bar = { PHYR_KIND_P2P, 7 };
static const struct phyr_tag unknown = { (enum phyr_kind)PHYR_KIND_CNT, 0 };

/* The list under test, and one to compare it with. */
struct fixture {
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_list same;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0xa5, sizeof(fixture));
	test_mem_init(&fixture.mem);
	phyr_list_init(&fixture.list, &fixture.mem.mem);
	phyr_list_init(&fixture.same, &fixture.mem.mem);
	*state = &fixture;
	return 0;
}

static void start_again(struct fixture *f)
{
	phyr_list_fini(&f->list);
	phyr_list_fini(&f->same);
	assert_int_equal(f->mem.live_len, 0);
}

static int teardown(void **state)
{
	start_again(*state);
	return 0;
}

static void append(struct phyr_list *list, uint64_t addr, uint64_t len, struct phyr_tag tag)
{
	struct phyr_range range = { { addr }, len };

	assert_int_equal(phyr_list_append(list, range, tag), PHYR_OK);
}

static void assert_same(const struct fixture *f)
{
	struct phyr_list_stats stats[2];

	assert_true(phyr_list_validate(&f->list, NULL));
	assert_true(phyr_list_equal(&f->list, &f->same));
	phyr_list_stats(&f->list, &stats[0]);
	phyr_list_stats(&f->same, &stats[1]);
	assert_int_equal(stats[0].run_cnt, stats[1].run_cnt);
	assert_int_equal(stats[0].joint_mask, stats[1].joint_mask);
	assert_int_equal(stats[0].phase, stats[1].phase);
	assert_int_equal(stats[0].words_len, stats[1].words_len);
	assert_int_equal(stats[0].tags_len, stats[1].tags_len);
	assert_int_equal(stats[0].kind_mask, stats[1].kind_mask);
	assert_int_equal(stats[0].shortest_len, stats[1].shortest_len);
}

/* Gives both lists a few runs; the open one ends at 0x5000. */
static void lead(struct fixture *f, unsigned int run_cnt)
{
	for (unsigned int i = run_cnt; i-- > 0;) {
		append(&f->list, 0x3800 + i * GIB, 0x1800, ram);
		append(&f->same, 0x3800 + i * GIB, 0x1800, ram);
	}
}

/* Process memory of 0x5000 bytes from base on; its pages lie apart but for the middle ones. */
struct process {
	unsigned char *base;
	uint64_t last_offset; /* what was asked for last, and how much */
	uint64_t last_len;
	size_t call_cnt;
	size_t fail_at; /* call that does as `wrong` says */
	struct phyr_range wrong;
	int err;
};

static unsigned char process_memory[5 * 4096];

static struct process a_process(void)
{
	struct process process = { .base = process_memory, .fail_at = SIZE_MAX };

	return process;
}

static int translate(void *ctx, const void *base, uint64_t len, struct phyr_range *ret_range)
{
	static const uint64_t pages[] = { 0x70000, 0x10000, 0x11000, 0x12000, 0x40000 };
	struct process *p = ctx;
	uint64_t offset = (uint64_t)((const unsigned char *)base - p->base);
	uint64_t end;

	assert_true(len > 0 && offset + len <= sizeof(process_memory));
	p->last_offset = offset;
	p->last_len = len;
	if (p->call_cnt++ == p->fail_at) {
		*ret_range = p->wrong;
		if (p->wrong.len == UINT64_MAX)
			ret_range->len = len + 1;
		return p->err;
	}
	end = offset / PAGE == 4 || offset / PAGE == 0 ? offset / PAGE * PAGE + PAGE : 4 * PAGE;
	ret_range->pa.addr = pages[offset / PAGE] + offset % PAGE;
	ret_range->len = end - offset < len ? end - offset : len;
	return PHYR_OK;
}

static void an_array_of_ranges_is_appended_in_order(void **state)
{
	static const struct phyr_range ranges[] = {
		{ { 0x5000 }, 0x1000 },	     { { 0x6000 }, 1 }, { { 0x6001 }, 0xfff },
		{ { UINT64_MAX }, 0 },	     { { 0x7000 }, 7 }, { { 0x7000 }, 7 },
		{ { UINT64_MAX - 6 }, 7 },   { { 0 }, 0 },	{ { 0 }, 5 * PIB + 1 },
		{ { 5 * PIB + 1 }, 0x1000 },
	};
	struct fixture *f = *state;

	for (unsigned int k = 0; k < 12; k++) {
		struct phyr_tag tag = k % 2 ? bar : ram;

		lead(f, k / 2);
		assert_int_equal(phyr_convert_ranges(&f->list, ranges, CNT(ranges), tag), PHYR_OK);
		append(&f->same, 0x5000, 0x2007, tag);
		append(&f->same, 0x7000, 7, tag);
		append(&f->same, UINT64_MAX - 6, 7, tag);
		append(&f->same, 0, 5 * PIB + 0x1001, tag);
		assert_same(f);
		start_again(f);
	}
	assert_int_equal(phyr_convert_ranges(&f->list, NULL, 0, ram), PHYR_OK);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges + 3, 1, ram), PHYR_OK);
	assert_same(f);
}

static void an_array_of_rows_is_appended_in_order(void **state)
{
	static const struct phyr_row rows[] = {
		{ { 0x5000 }, 0x1000 }, { { 0x6000 }, UINT32_MAX }, { { 0x100005fff }, UINT32_MAX },
		{ { UINT64_MAX }, 0 },	{ { 0x9000 }, 1 },	    { { UINT64_MAX }, 1 },
	};
	struct fixture *f = *state;

	for (unsigned int k = 0; k < 12; k++) {
		struct phyr_tag tag = k % 2 ? bar : ram;

		lead(f, k / 2);
		assert_int_equal(phyr_convert_rows(&f->list, rows, CNT(rows), tag), PHYR_OK);
		append(&f->same, 0x5000, 0x1000 + 2 * (uint64_t)UINT32_MAX, tag);
		append(&f->same, 0x9000, 1, tag);
		append(&f->same, UINT64_MAX, 1, tag);
		assert_same(f);
		start_again(f);
	}
	assert_int_equal(phyr_convert_rows(&f->list, NULL, 0, ram), PHYR_OK);
	assert_same(f);
}

static void process_memory_is_translated_piece_by_piece(void **state)
{
	const struct phyr_vec vecs[] = {
		{ NULL, 0 },
		{ process_memory + 10, 0x4ff0 },
		{ process_memory + 0x4ffa, 6 },
		{ process_memory + 0x1001, 1 },
	};
	struct process p = a_process();
	struct fixture *f = *state;

	assert_int_equal(phyr_convert_vecs(&f->list, vecs, CNT(vecs), bar, translate, &p), PHYR_OK);
	append(&f->same, 0x7000a, 0xff6, bar);
	append(&f->same, 0x10000, 0x3000, bar);
	append(&f->same, 0x40000, 0x1000, bar);
	append(&f->same, 0x10001, 1, bar);
	assert_same(f);
	assert_int_equal(p.call_cnt, 5);
	assert_int_equal(p.last_offset, 0x1001);
	assert_int_equal(p.last_len, 1);
	assert_int_equal(phyr_convert_vecs(&f->list, NULL, 0, bar, translate, &p), PHYR_OK);
	assert_int_equal(phyr_convert_vecs(&f->list, vecs, 1, bar, translate, &p), PHYR_OK);
	assert_int_equal(p.call_cnt, 5);
	assert_same(f);
}

static void a_translation_that_fails_changes_nothing(void **state)
{
	static const struct {
		struct phyr_range wrong;
		int err;
		int expected;
	} wrongs[] = {
		{ { { 0x8000 }, 1 }, PHYR_E_FAULT, PHYR_E_FAULT },
		{ { { 0x8000 }, 1 }, -12345, -12345 },
		{ { { 0x8000 }, 0 }, PHYR_OK, PHYR_E_INVAL },
		{ { { 0x8000 }, UINT64_MAX }, PHYR_OK, PHYR_E_INVAL }, /* one too many */
		{ { { UINT64_MAX }, 2 }, PHYR_OK, PHYR_E_RANGE },
	};
	const struct phyr_vec vecs[] = { { process_memory, 0x3000 },
					 { process_memory + 0x2000, 0x3000 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < CNT(wrongs) * 4 * 6; i++) {
		struct process p = a_process();

		p.wrong = wrongs[i / 24].wrong;
		p.err = wrongs[i / 24].err;
		p.fail_at = i % 4;
		lead(f, (unsigned int)(i / 4 % 6));
		assert_int_equal(phyr_convert_vecs(&f->list, vecs, 2, ram, translate, &p),
				 wrongs[i / 24].expected);
		assert_int_equal(p.call_cnt, i % 4 + 1);
		assert_same(f);
		start_again(f);
	}
}

static void wrong_arguments_of_imports_are_refused(void **state)
{
	static const struct phyr_range range = { { 0x5000 }, 0x1000 };
	static const struct phyr_row row = { { 0x5000 }, 0x1000 };
	const struct phyr_vec vec = { process_memory, 1 };
	struct process p = a_process();
	struct fixture *f = *state;
	struct phyr_list *l = &f->list;

	lead(f, 3);
	assert_int_equal(phyr_convert_ranges(NULL, &range, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_ranges(l, NULL, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_ranges(l, &range, 1, unknown), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_rows(NULL, &row, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_rows(l, NULL, 1, ram), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_rows(l, &row, 1, unknown), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_vecs(NULL, &vec, 1, ram, translate, &p), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_vecs(l, NULL, 1, ram, translate, &p), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_vecs(l, &vec, 1, unknown, translate, &p), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_vecs(l, &vec, 1, ram, NULL, &p), PHYR_E_INVAL);
	phyr_list_borrow(l);
	assert_int_equal(phyr_convert_ranges(l, &range, 1, ram), PHYR_E_BUSY);
	assert_int_equal(phyr_convert_rows(l, &row, 1, ram), PHYR_E_BUSY);
	assert_int_equal(phyr_convert_vecs(l, &vec, 1, ram, translate, &p), PHYR_E_BUSY);
	phyr_list_release(l);
	assert_same(f);
}

static void a_wrong_range_anywhere_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct phyr_range ranges[600];
	struct phyr_row rows[600];

	for (size_t at = 0; at < 600; at += 1 + at / 20) {
		for (size_t i = 0; i < 600; i++) {
			/* The first continues what is there. */
			ranges[i] = (struct phyr_range){ { 0x5000 + i * 0x1801 }, 0x1801 - i % 2 };
			rows[i] = (struct phyr_row){ ranges[i].pa, 0x1801 - i % 2 };
		}
		ranges[at] = (struct phyr_range){ { UINT64_MAX }, 2 };
		rows[at] = (struct phyr_row){ { UINT64_MAX }, 2 };
		for (unsigned int k = 0; k < 4; k++) {
			struct phyr_tag tag = k % 2 ? bar : ram;

			lead(f, k * k);
			assert_int_equal(phyr_convert_ranges(&f->list, ranges, 600, tag),
					 PHYR_E_RANGE);
			assert_same(f);
			assert_int_equal(phyr_convert_rows(&f->list, rows, 600, tag), PHYR_E_RANGE);
			assert_same(f);
			/* Nothing of it is left between what comes next and what was. */
			append(&f->list, 0x5000, 0x1000, tag);
			append(&f->same, 0x5000, 0x1000, tag);
			assert_same(f);
			start_again(f);
		}
	}
}

static void a_total_that_is_too_large_changes_nothing(void **state)
{
	static const struct phyr_range ranges[] = { { { 9 }, 1 }, { { 0 }, TOTAL_MAX - 1 } };
	static const struct phyr_row rows[] = { { { 9 }, 3 }, { { 11 }, 3 } };
	struct fixture *f = *state;

	append(&f->list, 1, 1, ram);
	append(&f->same, 1, 1, ram);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges, 2, ram), PHYR_E_RANGE);
	assert_same(f);
	append(&f->list, 0, TOTAL_MAX - 6, ram);
	append(&f->same, 0, TOTAL_MAX - 6, ram);
	assert_int_equal(phyr_convert_rows(&f->list, rows, 2, ram), PHYR_E_RANGE);
	assert_same(f);
	phyr_list_truncate(&f->list, TOTAL_MAX - 6);
	assert_int_equal(phyr_convert_rows(&f->list, rows, 2, ram), PHYR_OK);
	assert_int_equal(phyr_list_len(&f->list), TOTAL_MAX);
	phyr_list_fini(&f->list);
	phyr_list_fini(&f->same);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges, 2, ram), PHYR_OK);
}

static void a_list_is_written_as_ranges(void **state)
{
	struct phyr_range out[5];
	struct fixture *f = *state;
	uint64_t cnt = POISON;

	assert_int_equal(phyr_convert_to_ranges(&f->list, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	lead(f, 3);
	append(&f->list, 0x5000, 5 * PIB + 1, bar);
	for (size_t cap = 0; cap <= CNT(out); cap++) {
		memset(out, 0xa5, sizeof(out));
		cnt = POISON;
		assert_int_equal(phyr_convert_to_ranges(&f->list, cap ? out : NULL, cap, &cnt),
				 cap < 4 ? PHYR_E_LIMIT : PHYR_OK);
		assert_int_equal(cnt, 4);
		for (size_t i = 0; i < 3; i++) {
			uint64_t addr = 0x3800 + (2 - i) * GIB;

			assert_int_equal(out[i].pa.addr, i < cap ? addr : POISON);
			assert_int_equal(out[i].len, i < cap ? 0x1800 : POISON);
		}
		assert_int_equal(out[3].pa.addr, cap > 3 ? 0x5000 : POISON);
		assert_int_equal(out[3].len, cap > 3 ? 5 * PIB + 1 : POISON);
		assert_int_equal(out[4].len, POISON);
	}
	assert_int_equal(phyr_convert_to_ranges(NULL, out, 5, &cnt), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_ranges(&f->list, out, 5, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_ranges(&f->list, NULL, 1, &cnt), PHYR_E_INVAL);
}

static void rows_are_cut_to_the_longest_segment(void **state)
{
	static const uint32_t segments[] = { 1, 2, 0x17ff, 0x1800, 0x1801, 0x3000, UINT32_MAX };
	struct phyr_row out[64];
	struct fixture *f = *state;

	lead(f, 2);
	for (size_t i = 0; i < CNT(segments) * 65; i++) {
		uint64_t seg = segments[i / 65];
		uint64_t rows = (0x1800 + seg - 1) / seg; /* of each of the two runs */
		uint64_t cap = i % 65;
		uint64_t cnt = POISON;

		memset(out, 0xa5, sizeof(out));
		assert_int_equal(phyr_convert_to_rows(&f->list, (uint32_t)seg, out, cap, &cnt),
				 cap < 2 * rows ? PHYR_E_LIMIT : PHYR_OK);
		assert_int_equal(cnt, 2 * rows);
		for (uint64_t k = 0; k < 64; k++) {
			uint64_t done = k % rows * seg;
			uint64_t addr = 0x3800 + (k < rows ? GIB : 0) + done;
			uint64_t left = 0x1800 - done;
			bool used = k < cap && k < cnt;

			assert_int_equal(out[k].pa.addr, used ? addr : POISON);
			assert_int_equal(out[k].len, !used	? (uint32_t)POISON :
						     left < seg ? left :
								  seg);
		}
	}
}

static void rows_of_a_huge_list_are_counted_without_a_walk(void **state)
{
	struct phyr_row out[3];
	struct fixture *f = *state;
	uint64_t cnt = POISON;

	assert_int_equal(phyr_convert_to_rows(&f->list, 1, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	append(&f->list, 4096, TOTAL_MAX - 4097, ram);
	append(&f->list, 0, 4097, ram);
	assert_int_equal(phyr_convert_to_rows(&f->list, 1, out, 3, &cnt), PHYR_E_LIMIT);
	assert_int_equal(cnt, TOTAL_MAX);
	assert_int_equal(out[2].pa.addr, 4098);
	assert_int_equal(out[2].len, 1);
	assert_int_equal(phyr_convert_to_rows(&f->list, UINT32_MAX, NULL, 0, &cnt), PHYR_E_LIMIT);
	assert_int_equal(cnt, (TOTAL_MAX - 4097) / UINT32_MAX + 2);
	cnt = POISON;
	assert_int_equal(phyr_convert_to_rows(&f->list, 0, out, 3, &cnt), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_rows(NULL, 1, out, 3, &cnt), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_rows(&f->list, 1, NULL, 3, &cnt), PHYR_E_INVAL);
	assert_int_equal(cnt, POISON);
	assert_int_equal(phyr_convert_to_rows(&f->list, 1, out, 3, NULL), PHYR_E_INVAL);
}

static void outer_pages_count_whole_among_page_numbers(void **state)
{
	static const uint64_t expected[] = { 1, 2, 8, 0x20, 0x21 };
	uint64_t out[6];
	struct fixture *f = *state;

	append(&f->list, 0x1fff, 0x1001, ram);
	append(&f->list, 0x8000, 0x1000, bar);
	append(&f->list, 0x20000, 0x1001, ram);
	for (size_t cap = 0; cap <= CNT(out); cap++) {
		uint64_t cnt = POISON;

		memset(out, 0xa5, sizeof(out));
		assert_int_equal(phyr_convert_to_pages(&f->list, cap ? out : NULL, cap, &cnt),
				 cap < 5 ? PHYR_E_LIMIT : PHYR_OK);
		assert_int_equal(cnt, 5);
		for (size_t i = 0; i < CNT(out); i++)
			assert_int_equal(out[i], i < cap && i < 5 ? expected[i] : POISON);
	}
	start_again(f);
	append(&f->list, 0x1802, 1, ram); /* the first page and the last are the same */
	assert_int_equal(phyr_convert_to_pages(&f->list, out, 6, &(uint64_t){ 0 }), PHYR_OK);
	assert_int_equal(out[0], 1);
}

static void joints_inside_pages_have_no_page_numbers(void **state)
{
	struct fixture *f = *state;
	uint64_t out[8];
	uint64_t cnt = POISON;

	memset(out, 0xa5, sizeof(out));
	append(&f->list, 0x1000, 0x2000, ram);
	append(&f->list, 0x9000, 0x0fff, ram);
	append(&f->list, 0x8000, 0x1000, ram);
	assert_int_equal(phyr_convert_to_pages(&f->list, out, 8, &cnt), PHYR_E_ALIGN);
	assert_int_equal(phyr_convert_to_pages(NULL, out, 8, &cnt), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_pages(&f->same, NULL, 8, &cnt), PHYR_E_INVAL);
	assert_int_equal(cnt, POISON);
	for (size_t i = 0; i < CNT(out); i++)
		assert_int_equal(out[i], POISON);
	assert_int_equal(phyr_convert_to_pages(&f->same, out, 8, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_pages(&f->same, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	append(&f->same, 0xfff, TOTAL_MAX, ram); /* every page of the space but the last byte's */
	assert_int_equal(phyr_convert_to_pages(&f->same, out, 1, &cnt), PHYR_E_LIMIT);
	assert_int_equal(cnt, UINT64_C(1) << 52);
}

static void what_was_exported_can_be_imported_again(void **state)
{
	static struct phyr_range ranges[1500];
	static struct phyr_row rows[5000];
	static uint64_t pages[5000];
	struct fixture *f = *state;
	uint64_t cnt;

	for (uint64_t i = 0; i < 1500; i++)
		append(&f->same, i * 16 * PAGE, (i % 5 ? 1 : 7) * PAGE, bar);
	assert_int_equal(phyr_convert_to_ranges(&f->same, ranges, CNT(ranges), &cnt), PHYR_OK);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges, cnt, bar), PHYR_OK);
	assert_same(f);
	phyr_list_fini(&f->list);
	assert_int_equal(phyr_convert_to_rows(&f->same, 0x1801, rows, CNT(rows), &cnt), PHYR_OK);
	assert_int_equal(phyr_convert_rows(&f->list, rows, cnt, bar), PHYR_OK);
	assert_same(f);
	phyr_list_fini(&f->list);
	assert_int_equal(phyr_convert_to_pages(&f->same, pages, CNT(pages), &cnt), PHYR_OK);
	assert_int_equal(phyr_list_append_pages(&f->list, pages, cnt, bar), PHYR_OK);
	assert_same(f);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_array_of_ranges_is_appended_in_order),
		CASE(an_array_of_rows_is_appended_in_order),
		CASE(process_memory_is_translated_piece_by_piece),
		CASE(a_translation_that_fails_changes_nothing),
		CASE(wrong_arguments_of_imports_are_refused),
		CASE(a_wrong_range_anywhere_changes_nothing),
		CASE(a_total_that_is_too_large_changes_nothing),
		CASE(a_list_is_written_as_ranges),
		CASE(rows_are_cut_to_the_longest_segment),
		CASE(rows_of_a_huge_list_are_counted_without_a_walk),
		CASE(outer_pages_count_whole_among_page_numbers),
		CASE(joints_inside_pages_have_no_page_numbers),
		CASE(what_was_exported_can_be_imported_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
