/* SPDX-License-Identifier: MIT */
/* Reports: text that lines up, JSON that a program can read, streams that fail. */

#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <stdio.h>

#include <phyrsim/report.h>

#include "test.h"

struct fixture {
	struct test_mem mem;
	struct phyrsim_result result;
	struct phyrsim_report_item item;
};

static int setup(void **state)
{
	struct phyr_range range = { { 0x100000000 }, UINT64_C(100) << 20 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct phyrsim_run_params params;
	struct phyr_list list;

	assert_non_null(f);
	test_mem_init(&f->mem);
	params = (struct phyrsim_run_params){ &f->mem.mem, { 0 }, 0 };
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, range, tag), PHYR_OK);
	assert_int_equal(phyrsim_run(&params, &list, &f->result, NULL), PHYR_OK);
	phyr_list_fini(&list);
	f->item.title = "a \"title\"";
	f->item.source = "a test";
	f->item.result = &f->result;
	f->item.provide_s = -1;
	f->item.run_s = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static char *report(const struct phyrsim_report_item *items, size_t cnt,
		    enum phyrsim_report_format format)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	assert_non_null(stream);
	assert_int_equal(phyrsim_report(stream, format, items, cnt), PHYR_OK);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void text_names_the_input_and_the_seeds_numbers(void **state)
{
	struct fixture *f = *state;
	char *text = report(&f->item, 1, PHYRSIM_REPORT_TEXT);

	assert_non_null(strstr(text, "a \"title\": 100M, 25600 pages in 1 run (a test)\n"));
	assert_non_null(strstr(text, "1x4M 1x32M 1x64M\n"));
	assert_non_null(strstr(text, "204800"));
	assert_null(strstr(text, " \n"));
	assert_null(strstr(text, "took"));
	free(text);
}

static void text_tells_times_only_when_there_are_some(void **state)
{
	struct fixture *f = *state;
	char *text;

	f->item.provide_s = 1.25;
	f->item.run_s = 0.5;
	text = report(&f->item, 1, PHYRSIM_REPORT_TEXT);
	assert_non_null(strstr(text, "1.250 s"));
	assert_non_null(strstr(text, "0.500 s"));
	free(text);
}

static void json_holds_every_row_under_stable_keys(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_report_item items[2] = { f->item, f->item };
	char *text = report(items, 2, PHYRSIM_REPORT_JSON);
	json_t *root = json_loads(text, 0, NULL);
	json_t *buffer, *row;
	size_t i;

	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "format")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "buffers")), 2);
	buffer = json_array_get(json_object_get(root, "buffers"), 1);
	assert_string_equal(json_string_value(json_object_get(buffer, "title")), "a \"title\"");
	assert_null(json_object_get(buffer, "run_seconds"));
	assert_int_equal(json_array_size(json_object_get(buffer, "map")), f->result.mapping_cnt);
	json_array_foreach(json_object_get(buffer, "translate"), i, row)
	{
		const struct phyrsim_translation *expected = &f->result.translation[i];
		json_t *single = json_object_get(row, "single");

		assert_int_equal(json_integer_value(json_object_get(single, "entries")),
				 expected->single.entry_cnt);
		assert_int_equal(json_integer_value(json_object_get(single, "octword_bytes")),
				 expected->single.octword_len);
	}
	assert_int_equal(i, f->result.translation_cnt);
	json_decref(root);
	free(text);
}

static void json_of_nothing_is_an_empty_array(void **state)
{
	char *text = report(NULL, 0, PHYRSIM_REPORT_JSON);
	json_t *root = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(root);
	assert_true(json_is_array(json_object_get(root, "buffers")));
	json_decref(root);
	free(text);
}

static void a_stream_that_cannot_be_written_is_an_error(void **state)
{
	struct fixture *f = *state;
	FILE *stream = fopen("/dev/null", "r");

	assert_non_null(stream);
	assert_int_equal(phyrsim_report(stream, PHYRSIM_REPORT_TEXT, &f->item, 1), PHYR_E_IO);
	assert_int_equal(phyrsim_report(stream, PHYRSIM_REPORT_JSON, &f->item, 1), PHYR_E_IO);
	assert_int_equal(fclose(stream), 0);
}

static void wrong_arguments_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(phyrsim_report(NULL, PHYRSIM_REPORT_TEXT, &f->item, 1), PHYR_E_INVAL);
	assert_int_equal(phyrsim_report(stdout, PHYRSIM_REPORT_TEXT, NULL, 1), PHYR_E_INVAL);
	assert_int_equal(phyrsim_report(stdout, (enum phyrsim_report_format)2, &f->item, 1),
			 PHYR_E_INVAL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(text_names_the_input_and_the_seeds_numbers),
		CASE(text_tells_times_only_when_there_are_some),
		CASE(json_holds_every_row_under_stable_keys),
		CASE(json_of_nothing_is_an_empty_array),
		CASE(a_stream_that_cannot_be_written_is_an_error),
		CASE(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
