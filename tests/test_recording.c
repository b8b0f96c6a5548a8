/* SPDX-License-Identifier: MIT */
/*
 * Recordings: buffers in memory, the text as docs/recording-format.md has it (one line of the table
 * for each rule that a text can break), and files: replaced whole or left alone.
 *
 * Not here: memory that runs out (oom_recording.c), arbitrary bytes (fuzz/).
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <phyr/recording.h>

#include "test.h"

#define HEAD "phyr-recording 1\n"
#define OPEN HEAD "buffer a\nruns 1\n"
#define RUN "0x1000 0x1000 system\n"
#define SMALL OPEN RUN "end\n"
#define X10 "xxxxxxxxxx"
#define X90 X10 X10 X10 X10 X10 X10 X10 X10 X10

/* clang-format off: a line here is a thought, not a line of the text. */
static const char example[] =
	"# two buffers of one process\nphyr-recording 1\n\n"
	"buffer receive ring\nva 0x7f1200000e00\nruns 3\n"
	"0x108981e00 0x200 system\n0x108982000 0x1000 system\n0x2fe00000 0x200000 system\nend\n"
	"\nbuffer peer BAR\nruns 2\n0xe0000000 0x10000 p2p 3\n0x180000000 4096 encrypted\nend\n";
/* As it is written: without comments, runs joined, numbers in one form. */
static const char example_saved[] = HEAD
	"buffer receive ring\nva 0x7f1200000e00\nruns 2\n"
	"0x108981e00 0x1200 system\n0x2fe00000 0x200000 system\nend\n"
	"buffer peer BAR\nruns 2\n0xe0000000 0x10000 p2p 3\n0x180000000 0x1000 encrypted\nend\n";
/* clang-format on */

/* An empty recording, and a directory for files; what is left in either is a failure. */
struct fixture {
	struct test_mem mem;
	struct phyr_recording *recording;
	char dir[32];
	char path[64];
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	assert_int_equal(phyr_recording_create(&f->mem.mem, &f->recording), PHYR_OK);
	strcpy(f->dir, "/tmp/phyr-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/recording", f->dir);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	phyr_recording_destroy(f->recording);
	assert_int_equal(f->mem.live_cnt, 0);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* no temporary file stayed behind */
	free(f);
	return 0;
}

/* Parses a copy that ends where the text ends, so that a sanitizer sees a byte read beyond. */
static int parse(struct fixture *f, const char *text, size_t len,
		 struct phyr_recording_error *ret_error)
{
	char *copy = malloc(len + !len);
	int err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = phyr_recording_parse(f->recording, copy, len, ret_error);
	free(copy);
	return err;
}

static int parse_string(struct fixture *f, const char *text)
{
	return parse(f, text, strlen(text), NULL);
}

struct fault {
	const char *text;
	uint64_t line;
	const char *reason;
};

/* Checks the code, the line and how the reason begins. */
static void assert_refused(struct fixture *f, int code, const struct fault *fault)
{
	struct phyr_recording_error error = { 0, NULL, 7 };

	assert_int_equal(parse(f, fault->text, strlen(fault->text), &error), code);
	assert_int_equal(error.line, fault->line);
	assert_memory_equal(error.reason, fault->reason, strlen(fault->reason));
	assert_int_equal(error.os_errno, 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
	char got[1024];
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(got, 1, sizeof(got) - 1, file);
	got[len] = '\0';
	(void)fclose(file);
	assert_string_equal(got, text);
}

static void assert_runs(const struct phyr_list *list, const struct phyr_run *want, size_t cnt)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(list, &cursor);
	for (size_t i = 0; i < cnt; i++) {
		assert_true(phyr_list_next(&cursor, &run));
		assert_memory_equal(&run, &want[i], sizeof(run)); /* it has no padding */
	}
	assert_false(phyr_list_next(&cursor, &run));
}

static void assert_example(const struct phyr_recording *recording, size_t first)
{
	static const struct phyr_run ring_runs[] = {
		{ { { 0x108981e00 }, 0x1200 }, { PHYR_KIND_SYSTEM, 0 }, 0 },
		{ { { 0x2fe00000 }, 0x200000 }, { PHYR_KIND_SYSTEM, 0 }, 0x1200 },
	};
	static const struct phyr_run bar_runs[] = {
		{ { { 0xe0000000 }, 0x10000 }, { PHYR_KIND_P2P, 3 }, 0 },
		{ { { 0x180000000 }, 0x1000 }, { PHYR_KIND_ENCRYPTED, 0 }, 0x10000 },
	};
	const struct phyr_recording_buffer *ring = phyr_recording_buffer(recording, first);
	const struct phyr_recording_buffer *bar = phyr_recording_buffer(recording, first + 1);

	assert_string_equal(ring->title, "receive ring");
	assert_int_equal(phyr_list_va(&ring->list), 0x7f1200000e00);
	assert_runs(&ring->list, ring_runs, 2);
	assert_string_equal(bar->title, "peer BAR");
	assert_int_equal(phyr_list_va(&bar->list), 0);
	assert_runs(&bar->list, bar_runs, 2);
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
	assert_int_equal(phyr_recording_save(none, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_save(f->recording, NULL, NULL), PHYR_E_INVAL);
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
	struct phyr_recording_error error = { 7, "untouched", 7 };

	assert_int_equal(parse(f, example, sizeof(example) - 1, &error), PHYR_OK);
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

	assert_int_equal(parse_string(f, example), PHYR_OK);
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

static void a_saved_file_is_in_canonical_form_private_and_loads_the_same(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error;
	struct stat stat_buf;

	assert_int_equal(parse_string(f, example), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->path, &error), PHYR_OK);
	assert_file(f->path, example_saved);
	assert_int_equal(stat(f->path, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0600);
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_OK);
	assert_int_equal(phyr_recording_cnt(f->recording), 4);
	assert_example(f->recording, 2);
}

static void saving_replaces_the_file_behind_a_name(void **state)
{
	struct fixture *f = *state;
	struct stat link_stat;
	char old[64], alias[64];

	(void)snprintf(old, sizeof(old), "%s/old", f->dir);
	(void)snprintf(alias, sizeof(alias), "%s/alias", f->dir);
	write_file(f->path, "old");
	assert_int_equal(link(f->path, old), 0);
	assert_int_equal(symlink("recording", alias), 0);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, alias, NULL), PHYR_OK);
	assert_file(f->path, SMALL);
	assert_file(old, "old"); /* what had the file open keeps it whole */
	assert_int_equal(lstat(alias, &link_stat), 0);
	assert_true(S_ISLNK(link_stat.st_mode));
	assert_int_equal(unlink(alias) | unlink(old), 0);
}

static void a_save_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, NULL, 0 };
	struct rlimit unlimited, limit;

	write_file(f->path, "old");
	assert_int_equal(parse_string(f, example), PHYR_OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	limit.rlim_cur = 16;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(phyr_recording_save(f->recording, f->path, &error), PHYR_E_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	assert_int_equal(error.os_errno, EFBIG);
	assert_string_equal(error.reason, "cannot be written");
	assert_file(f->path, "old");
}

static void a_fifo_is_written_and_not_replaced(void **state)
{
	struct fixture *f = *state;
	char got[sizeof(SMALL)] = "";
	int fd;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	fd = open(f->path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->path, NULL), PHYR_OK);
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(SMALL) - 1);
	assert_string_equal(got, SMALL);
	assert_int_equal(close(fd), 0);
}

static void what_cannot_be_opened_read_or_written_is_named_by_its_errno(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, NULL, 0 };
	char inside[128];

	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, ENOENT);
	assert_string_equal(error.reason, "cannot be opened");
	assert_int_equal(phyr_recording_load(f->recording, f->dir, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, EISDIR);
	assert_int_equal(error.line, 0);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->dir, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, EISDIR);
	(void)snprintf(inside, sizeof(inside), "%s/none", f->path);
	assert_int_equal(phyr_recording_save(f->recording, inside, NULL), PHYR_E_IO);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(phyr_recording_save(f->recording, "/dev/full", &error), PHYR_E_IO);
		assert_int_equal(error.os_errno, ENOSPC);
	}
}

static void a_damaged_or_endless_file_is_refused(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error;

	write_file(f->path, OPEN RUN);
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_FORMAT);
	assert_int_equal(error.line, 5);
	write_file(f->path, "phyr-recording 3\n");
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_VERSION);
	write_file(f->path, "");
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_FORMAT);
	assert_int_equal(error.line, 1);
	assert_int_equal(phyr_recording_load(f->recording, "/dev/zero", &error), PHYR_E_FORMAT);
	assert_int_equal(phyr_recording_cnt(f->recording), 0);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_buffer *buffer;

	assert_int_equal(phyr_recording_save(f->recording, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	strcpy(phyr_recording_buffer(f->recording, 0)->title, "a\nend");
	assert_int_equal(phyr_recording_save(f->recording, f->path, NULL), PHYR_E_INVAL);
	strcpy(phyr_recording_buffer(f->recording, 0)->title, "b");
	assert_int_equal(phyr_recording_add(f->recording, "empty", &buffer), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(access(f->path, F_OK), -1);
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
		CASE(a_saved_file_is_in_canonical_form_private_and_loads_the_same),
		CASE(saving_replaces_the_file_behind_a_name),
		CASE(a_save_that_fails_leaves_the_old_file_and_nothing_else),
		CASE(a_fifo_is_written_and_not_replaced),
		CASE(what_cannot_be_opened_read_or_written_is_named_by_its_errno),
		CASE(a_damaged_or_endless_file_is_refused),
		CASE(what_could_not_be_read_again_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
