/* SPDX-License-Identifier: MIT */
/*
 * Lists from and to ranges, rows, process memory and page numbers: each sentence of convert.h on
 * small inputs worked by hand, and round trips. Not here: imports that run out of memory
 * (oom_list_edit.c).
 */
#include <phyr/base.h>
#include <phyr/convert.h>
#include <phyr/list.h>

#include "list_world.h"

#define POISON UINT64_C(0xa5a5a5a5a5a5a5a5)

static const struct phyr_tag peer = { PHYR_KIND_P2P, 7 };

/* Gives both lists a few runs; the open one ends at 0x5000. */
static void lead(struct twins *f, unsigned int run_cnt)
{
	for (unsigned int i = run_cnt; i-- > 0;) {
		append(&f->list, 0x3800 + i * GIB, 0x1800);
		append(&f->same, 0x3800 + i * GIB, 0x1800);
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
	struct twins *f = *state;

	for (unsigned int k = 0; k < 12; k++) {
		struct phyr_tag tag = k % 2 ? peer : ram;

		lead(f, k / 2);
		assert_int_equal(phyr_convert_ranges(&f->list, ranges, CNT(ranges), tag), PHYR_OK);
		append_tagged(&f->same, 0x5000, 0x2007, tag);
		append_tagged(&f->same, 0x7000, 7, tag);
		append_tagged(&f->same, UINT64_MAX - 6, 7, tag);
		append_tagged(&f->same, 0, 5 * PIB + 0x1001, tag);
		assert_same(&f->list, &f->same);
		start_again(f);
	}
	assert_int_equal(phyr_convert_ranges(&f->list, NULL, 0, ram), PHYR_OK);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges + 3, 1, ram), PHYR_OK);
	assert_same(&f->list, &f->same);
}

static void an_array_of_rows_is_appended_in_order(void **state)
{
	static const struct phyr_row rows[] = {
		{ { 0x5000 }, 0x1000 }, { { 0x6000 }, UINT32_MAX }, { { 0x100005fff }, UINT32_MAX },
		{ { UINT64_MAX }, 0 },	{ { 0x9000 }, 1 },	    { { UINT64_MAX }, 1 },
	};
	struct twins *f = *state;

	for (unsigned int k = 0; k < 12; k++) {
		struct phyr_tag tag = k % 2 ? peer : ram;

		lead(f, k / 2);
		assert_int_equal(phyr_convert_rows(&f->list, rows, CNT(rows), tag), PHYR_OK);
		append_tagged(&f->same, 0x5000, 0x1000 + 2 * (uint64_t)UINT32_MAX, tag);
		append_tagged(&f->same, 0x9000, 1, tag);
		append_tagged(&f->same, UINT64_MAX, 1, tag);
		assert_same(&f->list, &f->same);
		start_again(f);
	}
	assert_int_equal(phyr_convert_rows(&f->list, NULL, 0, ram), PHYR_OK);
	assert_same(&f->list, &f->same);
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
	struct twins *f = *state;

	assert_int_equal(phyr_convert_vecs(&f->list, vecs, CNT(vecs), peer, translate, &p),
			 PHYR_OK);
	append_tagged(&f->same, 0x7000a, 0xff6, peer);
	append_tagged(&f->same, 0x10000, 0x3000, peer);
	append_tagged(&f->same, 0x40000, 0x1000, peer);
	append_tagged(&f->same, 0x10001, 1, peer);
	assert_same(&f->list, &f->same);
	assert_int_equal(p.call_cnt, 5);
	assert_int_equal(p.last_offset, 0x1001);
	assert_int_equal(p.last_len, 1);
	assert_int_equal(phyr_convert_vecs(&f->list, NULL, 0, peer, translate, &p), PHYR_OK);
	assert_int_equal(phyr_convert_vecs(&f->list, vecs, 1, peer, translate, &p), PHYR_OK);
	assert_int_equal(p.call_cnt, 5);
	assert_same(&f->list, &f->same);
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
	struct twins *f = *state;

	for (size_t i = 0; i < CNT(wrongs) * 4 * 6; i++) {
		struct process p = a_process();

		p.wrong = wrongs[i / 24].wrong;
		p.err = wrongs[i / 24].err;
		p.fail_at = i % 4;
		lead(f, (unsigned int)(i / 4 % 6));
		assert_int_equal(phyr_convert_vecs(&f->list, vecs, 2, ram, translate, &p),
				 wrongs[i / 24].expected);
		assert_int_equal(p.call_cnt, i % 4 + 1);
		assert_same(&f->list, &f->same);
		start_again(f);
	}
}

static void wrong_arguments_of_imports_are_refused(void **state)
{
	static const struct phyr_range range = { { 0x5000 }, 0x1000 };
	static const struct phyr_row row = { { 0x5000 }, 0x1000 };
	const struct phyr_vec vec = { process_memory, 1 };
	struct process p = a_process();
	struct twins *f = *state;
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
	assert_same(&f->list, &f->same);
}

static void a_wrong_range_anywhere_changes_nothing(void **state)
{
	struct twins *f = *state;
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
			struct phyr_tag tag = k % 2 ? peer : ram;

			lead(f, k * k);
			assert_int_equal(phyr_convert_ranges(&f->list, ranges, 600, tag),
					 PHYR_E_RANGE);
			assert_same(&f->list, &f->same);
			assert_int_equal(phyr_convert_rows(&f->list, rows, 600, tag), PHYR_E_RANGE);
			assert_same(&f->list, &f->same);
			/* Nothing of it is left between what comes next and what was. */
			append_tagged(&f->list, 0x5000, 0x1000, tag);
			append_tagged(&f->same, 0x5000, 0x1000, tag);
			assert_same(&f->list, &f->same);
			start_again(f);
		}
	}
}

static void a_total_that_is_too_large_changes_nothing(void **state)
{
	static const struct phyr_range ranges[] = { { { 9 }, 1 }, { { 0 }, TOTAL_MAX - 1 } };
	static const struct phyr_row rows[] = { { { 9 }, 3 }, { { 11 }, 3 } };
	struct twins *f = *state;

	append(&f->list, 1, 1);
	append(&f->same, 1, 1);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges, 2, ram), PHYR_E_RANGE);
	assert_same(&f->list, &f->same);
	append(&f->list, 0, TOTAL_MAX - 6);
	append(&f->same, 0, TOTAL_MAX - 6);
	assert_int_equal(phyr_convert_rows(&f->list, rows, 2, ram), PHYR_E_RANGE);
	assert_same(&f->list, &f->same);
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
	struct twins *f = *state;
	uint64_t cnt = POISON;

	assert_int_equal(phyr_convert_to_ranges(&f->list, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	lead(f, 3);
	append_tagged(&f->list, 0x5000, 5 * PIB + 1, peer);
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
	struct twins *f = *state;

	lead(f, 2);
	for (size_t i = 0; i < CNT(segments) * 65; i++) {
		uint64_t seg = segments[i / 65];
		uint64_t rows = (0x1800 + seg - 1) / seg; /* of each of the two runs */
		size_t cap = i % 65;
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
	struct twins *f = *state;
	uint64_t cnt = POISON;

	assert_int_equal(phyr_convert_to_rows(&f->list, 1, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	append(&f->list, 4096, TOTAL_MAX - 4097);
	append(&f->list, 0, 4097);
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
	struct twins *f = *state;

	append(&f->list, 0x1fff, 0x1001);
	append_tagged(&f->list, 0x8000, 0x1000, peer);
	append(&f->list, 0x20000, 0x1001);
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
	append(&f->list, 0x1802, 1); /* the first page and the last are the same */
	assert_int_equal(phyr_convert_to_pages(&f->list, out, 6, &(uint64_t){ 0 }), PHYR_OK);
	assert_int_equal(out[0], 1);
}

static void joints_inside_pages_have_no_page_numbers(void **state)
{
	struct twins *f = *state;
	uint64_t out[8];
	uint64_t cnt = POISON;

	memset(out, 0xa5, sizeof(out));
	append(&f->list, 0x1000, 0x2000);
	append(&f->list, 0x9000, 0x0fff);
	append(&f->list, 0x8000, 0x1000);
	assert_int_equal(phyr_convert_to_pages(&f->list, out, 8, &cnt), PHYR_E_ALIGN);
	assert_int_equal(phyr_convert_to_pages(NULL, out, 8, &cnt), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_pages(&f->same, NULL, 8, &cnt), PHYR_E_INVAL);
	assert_int_equal(cnt, POISON);
	for (size_t i = 0; i < CNT(out); i++)
		assert_int_equal(out[i], POISON);
	assert_int_equal(phyr_convert_to_pages(&f->same, out, 8, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_convert_to_pages(&f->same, NULL, 0, &cnt), PHYR_OK);
	assert_int_equal(cnt, 0);
	append(&f->same, 0xfff, TOTAL_MAX); /* every page of the space but the last byte's */
	assert_int_equal(phyr_convert_to_pages(&f->same, out, 1, &cnt), PHYR_E_LIMIT);
	assert_int_equal(cnt, UINT64_C(1) << 52);
}

static void what_was_exported_can_be_imported_again(void **state)
{
	static struct phyr_range ranges[1500];
	static struct phyr_row rows[5000];
	static uint64_t pages[5000];
	struct twins *f = *state;
	uint64_t cnt;

	for (uint64_t i = 0; i < 1500; i++)
		append_tagged(&f->same, i * 16 * PAGE, (i % 5 ? 1 : 7) * PAGE, peer);
	assert_int_equal(phyr_convert_to_ranges(&f->same, ranges, CNT(ranges), &cnt), PHYR_OK);
	assert_int_equal(phyr_convert_ranges(&f->list, ranges, (size_t)cnt, peer), PHYR_OK);
	assert_same(&f->list, &f->same);
	phyr_list_fini(&f->list);
	assert_int_equal(phyr_convert_to_rows(&f->same, 0x1801, rows, CNT(rows), &cnt), PHYR_OK);
	assert_int_equal(phyr_convert_rows(&f->list, rows, (size_t)cnt, peer), PHYR_OK);
	assert_same(&f->list, &f->same);
	phyr_list_fini(&f->list);
	assert_int_equal(phyr_convert_to_pages(&f->same, pages, CNT(pages), &cnt), PHYR_OK);
	assert_int_equal(phyr_list_append_pages(&f->list, pages, (size_t)cnt, peer), PHYR_OK);
	assert_same(&f->list, &f->same);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, twins_setup, twins_teardown)

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
