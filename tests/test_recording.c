/* SPDX-License-Identifier: MIT */
/*
 * Recordings: buffers in memory, and the text as docs/recording-format.md has it: one line of the
 * table for each rule that a text can break.
 *
 * Not here: the binary form (test_recording_binary.c), files (test_recording_file.c), memory that
 * runs out (oom_recording.c), arbitrary bytes (fuzz/).
 */
#define _XOPEN_SOURCE 700

#include <phyr/recording.h>

#include "recording_world.h"
#include "test.h"

#define X10 "xxxxxxxxxx"
#define X90 X10 X10 X10 X10 X10 X10 X10 X10 X10

struct fault {
	const char *text;
	uint64_t line;
	const char *reason;
};

/* Checks the code, the line and how the reason begins. */
static void assert_refused(struct fixture *f, int code, const struct fault *fault)
{
	struct phyr_recording_error error = { 0, NULL, 7, 7 };

	assert_int_equal(parse(f, fault->text, strlen(fault->text), &error), code);
	assert_int_equal(error.line, fault->line);
	assert_memory_equal(error.reason, fault->reason, strlen(fault->reason));
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(error.offset, 0);
}

static void a_missing_argument_is_refused(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording *none = NULL;
	struct phyr_recording_buffer *buffer = NULL;

	phyr_recording_destroy(none);
	assert_int_equal(phyr_recording_create(NULL, &none), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_create(&f->mem.mem, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_add(none, "a", &buffer), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_add(f->recording, NULL, &buffer), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_add(f->recording, "a", NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_parse(none, SMALL, sizeof(SMALL), NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_parse(f->recording, NULL, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_load(none, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_load(f->recording, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_save(none, f->path, PHYR_RECORDING_TEXT, NULL),
			 PHYR_E_INVAL);
	assert_int_equal(phyr_recording_save(f->recording, NULL, PHYR_RECORDING_TEXT, NULL),
			 PHYR_E_INVAL);
	assert_null(none);
	assert_null(buffer);
}

static void a_buffer_stays_where_it_is_as_more_are_added(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_buffer *buffers[100];

	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(phyr_recording_add(f->recording, "a title", &buffers[i]), PHYR_OK);
		assert_int_equal(phyr_recording_cnt(f->recording), i + 1);
		assert_null(phyr_recording_buffer(f->recording, i + 1));
	}
	for (size_t i = 0; i < 100; i++)
		assert_ptr_equal(phyr_recording_buffer(f->recording, i), buffers[i]);
}

static void a_title_is_1_to_95_printable_characters_without_outer_spaces(void **state)
{
	static const char *const good[] = { "a", "#", "a b", "end", "~!", X90 "12345" };
	static const char *const bad[] = { "",	   " ",	   " a",       "a ",	    "a\n",
					   "a\tb", "\x7f", "\xc3\xa4", X90 "123456" };
	struct fixture *f = *state;
	struct phyr_recording_buffer *buffer;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(phyr_recording_add(f->recording, good[i], &buffer), PHYR_OK);
		assert_string_equal(buffer->title, good[i]);
	}
	buffer = NULL;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(phyr_recording_add(f->recording, bad[i], &buffer), PHYR_E_INVAL);
	assert_null(buffer);
	assert_int_equal(phyr_recording_cnt(f->recording), sizeof(good) / sizeof(*good));
}

static void the_worked_example_of_the_specification_is_read(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, "untouched", 7, 7 };

	assert_int_equal(parse(f, EXAMPLE, sizeof(EXAMPLE) - 1, &error), PHYR_OK);
	assert_example(f->recording, 0);
	assert_string_equal(error.reason, "untouched");
}

static void what_the_grammar_leaves_open_is_read(void **state)
{
	static const char *const texts[] = {
		"\n#\n# \t\xc3\xa4\n" SMALL "\n# behind",
		OPEN RUN "end",
		OPEN "# between\n\n4096 4096 system 0\nend\n",
		OPEN "0x0000000000000000001000 0x1000 system 0x0\nend\n",
		"phyr-recording 0x1\nbuffer a\nva 0xABCDEF\nruns 0x1\n" RUN "end\n",
		HEAD "buffer a\nruns 2\n0x1000 0xfff system\n0x1fff 0x1 system\nend\n",
	};
	static const struct phyr_run page = { { { 0x1000 }, 0x1000 }, { PHYR_KIND_SYSTEM, 0 }, 0 };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse_string(f, texts[i]), PHYR_OK);
		assert_runs(&phyr_recording_buffer(f->recording, i)->list, &page, 1);
	}
}

static void a_line_has_up_to_1024_bytes(void **state)
{
	struct fixture *f = *state;
	char text[1100];
	struct fault fault = { text, 1, "the line is too long" };

	memset(text, '#', sizeof(text));
	strcpy(text + 1024, "\n" SMALL);
	assert_int_equal(parse_string(f, text), PHYR_OK);
	text[1024] = '#';
	strcpy(text + 1025, "\n" SMALL);
	assert_refused(f, PHYR_E_FORMAT, &fault);
}

static const struct fault faults[] = {
	{ "", 1, "not a recording" },
	{ "phyr-recording 0\n", 1, "there is no version 0" },
	{ "phyr-recording 1 1\n", 1, "more on the line" },
	{ "phyr-recording 1\r\n", 1, "a carriage return" },
	{ "\xef\xbb\xbf" SMALL, 1, "a character that is not" },
	{ "# \x1b\n" SMALL, 1, "a character that is not" },
	{ HEAD, 2, "no buffer follows" },
	{ HEAD "buffer\nruns 1\n", 2, "a title that is empty" },
	{ HEAD "buffer  a\nruns 1\n", 2, "a title that is empty or has a space" },
	{ HEAD "buffer " X90 "123456\n", 2, "the title is too long" },
	{ HEAD "buffer a\n", 3, "the text ends inside" },
	{ HEAD "buffer a\nva 0x1000\nva 0x1000\nruns 1\n", 4, "`runs` expected" },
	{ HEAD "buffer a\nruns 0\nend\n", 3, "a buffer without runs" },
	{ HEAD "buffer a\nruns 2\n" RUN "end\n", 5, "fewer runs than announced" },
	{ HEAD "buffer a\nruns 2\n" RUN "buffer b\n", 5, "fewer runs than announced" },
	{ HEAD "buffer a\nruns 18446744073709551615\n" RUN, 5, "the text ends inside" },
	{ OPEN RUN RUN "end\n", 5, "`end` expected" },
	{ OPEN RUN "buffer b\nruns 1\n" RUN "end\nend\n", 5, "`end` expected" },
	{ SMALL "end\n", 6, "`buffer` expected" },
	{ OPEN "0x1000 0x1000\n", 4, "a field is missing" },
	{ OPEN "0x1000 0x1000 system 1 1\n", 4, "more on the line" },
	{ OPEN "0x1000  0x1000 system\n", 4, "a number without digits" },
	{ OPEN "0x1000 0x1000 system \n", 4, "a number without digits" },
	{ OPEN "0x1000\t0x1000 system\n", 4, "a character that is not" },
	{ OPEN "0x 0x1000 system\n", 4, "a number without digits" },
	{ OPEN "010 0x1000 system\n", 4, "a decimal number with a leading zero" },
	{ OPEN "12ab 0x1000 system\n", 4, "not a number" },
	{ OPEN "18446744073709551616 1 system\n", 4, "a number that is too large" },
	{ OPEN "1 1 p2p 4294967296\n", 4, "a number that is too large" },
	{ OPEN "0x1000 0 system\n", 4, "a run of no bytes" },
	{ OPEN "0xfffffffffffff000 0x1001 system\n", 4, "a run that wraps around" },
	{ OPEN "0 0xfffffffffffff001 system\n", 4, "more bytes than a list" },
	{ OPEN "0x1000 0x1000 ram\n", 4, "an unknown kind" },
};

static void every_fault_is_refused_whole_with_its_line_and_reason(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		assert_refused(f, PHYR_E_FORMAT, &faults[i]);
		assert_int_equal(phyr_recording_cnt(f->recording), 2);
	}
	assert_example(f->recording, 0);
}

static void a_zero_byte_is_refused_even_in_a_comment(void **state)
{
	struct phyr_recording_error error;

	assert_int_equal(parse(*state, SMALL "# \0", sizeof(SMALL "# \0"), &error), PHYR_E_FORMAT);
	assert_int_equal(error.line, 6);
}

static void a_text_cut_anywhere_holds_whole_buffers_or_is_refused(void **state)
{
	static const char example[] = EXAMPLE;
	struct fixture *f = *state;
	const size_t first_end = (size_t)(strstr(example, "end\n") - example) + 3;

	for (size_t cut = 0; cut < sizeof(example); cut++) {
		size_t before = phyr_recording_cnt(f->recording);
		size_t want = cut >= sizeof(example) - 2 ? 2 :
							   cut >= first_end && cut <= first_end + 2;

		assert_int_equal(parse(f, example, cut, NULL), want ? PHYR_OK : PHYR_E_FORMAT);
		assert_int_equal(phyr_recording_cnt(f->recording), before + want);
	}
}

static void a_later_version_is_told_apart_from_damage(void **state)
{
	static const struct fault later[] = {
		{ "phyr-recording 2\n\x01", 1, "a recording of a later version" },
		{ "# c\nphyr-recording 18446744073709551615 x", 2, "a recording of a later" },
	};

	assert_refused(*state, PHYR_E_VERSION, &later[0]);
	assert_refused(*state, PHYR_E_VERSION, &later[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_missing_argument_is_refused),
		CASE(a_buffer_stays_where_it_is_as_more_are_added),
		CASE(a_title_is_1_to_95_printable_characters_without_outer_spaces),
		CASE(the_worked_example_of_the_specification_is_read),
		CASE(what_the_grammar_leaves_open_is_read),
		CASE(a_line_has_up_to_1024_bytes),
		CASE(every_fault_is_refused_whole_with_its_line_and_reason),
		CASE(a_zero_byte_is_refused_even_in_a_comment),
		CASE(a_text_cut_anywhere_holds_whole_buffers_or_is_refused),
		CASE(a_later_version_is_told_apart_from_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
