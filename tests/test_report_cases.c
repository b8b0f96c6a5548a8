/* SPDX-License-Identifier: MIT */
/* Reports of the six cases: text that lines up, JSON that a program can read, streams that fail. */

#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <stdio.h>

#include <phyrsim/report.h>

#include "test.h"

struct fixture {
	struct phyrsim_case_row rows[PHYRSIM_CASES_MAX];
	size_t cnt;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct test_mem mem;

	assert_non_null(f);
	test_mem_init(&mem);
	assert_int_equal(phyrsim_run_cases(&mem.mem, UINT64_C(2) << 20, f->rows, &f->cnt, NULL),
			 PHYR_OK);
	assert_int_equal(mem.live_cnt, 0);
	assert_int_equal(f->cnt, 36);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static char *report(const struct phyrsim_case_row *rows, size_t cnt,
		    enum phyrsim_report_format format)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	assert_non_null(stream);
	assert_int_equal(phyrsim_report_cases(stream, format, rows, cnt), PHYR_OK);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void text_has_two_tables_a_mix(void **state)
{
	struct fixture *f = *state;
	char *text = report(f->rows, f->cnt, PHYRSIM_REPORT_TEXT);

	assert_non_null(strstr(text, "\npages of 4K: 2M in 512 runs\n"));
	assert_non_null(strstr(text, "\npages of 2M: 2M in 1 run\n"));
	assert_null(strstr(text, "pages of 1G"));
	assert_non_null(strstr(text, "  2 aligned, lazy "));
	assert_null(strstr(text, " \n"));
	free(text);
}

static void rows_of_one_mix_are_never_more_than_a_table_holds(void **state)
{
	static struct phyrsim_case_row rows[PHYRSIM_CASES_MAX];
	char *text;

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		rows[i].mix = PHYRSIM_MIX_CNT; /* which is none */
	text = report(rows, CNT(rows), PHYRSIM_REPORT_TEXT);
	assert_non_null(strstr(text, "pages of ?: 0 bytes"));
	free(text);
}

static json_int_t number(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void json_holds_every_row_under_stable_keys(void **state)
{
	struct fixture *f = *state;
	char *text = report(f->rows, f->cnt, PHYRSIM_REPORT_JSON);
	json_t *root = json_loads(text, 0, NULL);
	json_t *row;
	size_t i;

	assert_non_null(root);
	assert_int_equal(number(root, "format"), 1);
	assert_int_equal(number(root, "rounds"), 8);
	json_array_foreach(json_object_get(root, "cases"), i, row)
	{
		const struct phyrsim_case_row *expected = &f->rows[i];

		assert_int_equal(number(row, "case"), expected->which);
		assert_int_equal(number(row, "entries"), expected->entry_cnt);
		assert_int_equal(number(row, "to_unmap_bytes"), expected->need_len);
		assert_int_equal(number(json_object_get(row, "flushes"), "domain"),
				 expected->flush_cnt[PHYR_FLUSH_DOMAIN]);
		assert_int_equal(number(json_object_get(row, "linux"), "sg_bytes"),
				 expected->linux_cost.sg_len);
	}
	assert_int_equal(i, f->cnt);
	json_decref(root);
	free(text);
}

static void nothing_is_a_headline_or_an_empty_array(void **state)
{
	char *text = report(NULL, 0, PHYRSIM_REPORT_TEXT);
	json_t *root;

	(void)state;
	assert_null(strstr(text, "pages"));
	free(text);
	text = report(NULL, 0, PHYRSIM_REPORT_JSON);
	root = json_loads(text, 0, NULL);
	assert_true(json_is_array(json_object_get(root, "cases")));
	json_decref(root);
	free(text);
}

static void a_stream_that_cannot_be_written_is_an_error(void **state)
{
	struct fixture *f = *state;
	FILE *stream = fopen("/dev/null", "r");

	assert_non_null(stream);
	assert_int_equal(phyrsim_report_cases(stream, PHYRSIM_REPORT_TEXT, f->rows, 1), PHYR_E_IO);
	assert_int_equal(phyrsim_report_cases(stream, PHYRSIM_REPORT_JSON, f->rows, 1), PHYR_E_IO);
	assert_int_equal(fclose(stream), 0);
}

static void wrong_arguments_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(phyrsim_report_cases(NULL, PHYRSIM_REPORT_TEXT, f->rows, 1), PHYR_E_INVAL);
	assert_int_equal(phyrsim_report_cases(stdout, PHYRSIM_REPORT_TEXT, NULL, 1), PHYR_E_INVAL);
	assert_int_equal(
		phyrsim_report_cases(stdout, PHYRSIM_REPORT_TEXT, f->rows, PHYRSIM_CASES_MAX + 1),
		PHYR_E_INVAL);
	assert_int_equal(phyrsim_report_cases(stdout, (enum phyrsim_report_format)2, f->rows, 1),
			 PHYR_E_INVAL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(text_has_two_tables_a_mix),
		CASE(rows_of_one_mix_are_never_more_than_a_table_holds),
		CASE(json_holds_every_row_under_stable_keys),
		CASE(nothing_is_a_headline_or_an_empty_array),
		CASE(a_stream_that_cannot_be_written_is_an_error),
		CASE(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
