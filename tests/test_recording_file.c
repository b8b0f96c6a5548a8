/* SPDX-License-Identifier: MIT */
/*
 * Recordings in files of either form: replaced whole or left alone, told apart by their first
 * bytes, refused when damaged or without end.
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

#include "recording_world.h"
#include "test.h"

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

static int save_text(const struct fixture *f, const char *path,
		     struct phyr_recording_error *ret_error)
{
	return phyr_recording_save(f->recording, path, PHYR_RECORDING_TEXT, ret_error);
}

static int save_binary(const struct fixture *f, const char *path)
{
	return phyr_recording_save(f->recording, path, PHYR_RECORDING_BINARY, NULL);
}

static void assert_mode_0600(const char *path)
{
	struct stat stat_buf;

	assert_int_equal(stat(path, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0600);
}

static void a_saved_file_is_in_canonical_form_private_and_loads_the_same(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	assert_int_equal(save_text(f, f->path, &error), PHYR_OK);
	assert_file(f->path, EXAMPLE_SAVED);
	assert_mode_0600(f->path);
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_OK);
	assert_int_equal(phyr_recording_cnt(f->recording), 4);
	assert_example(f->recording, 2);
}

static void a_binary_file_is_private_and_loads_the_same(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	write_file(f->path, "old");
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(save_binary(f, f->path), PHYR_OK);
	assert_mode_0600(f->path);
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_OK);
	assert_int_equal(phyr_recording_cnt(f->recording), 4);
	assert_example(f->recording, 2);
}

static void what_went_through_a_binary_file_is_the_same_text(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording *text = f->recording;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	assert_int_equal(save_binary(f, f->path), PHYR_OK);
	assert_int_equal(phyr_recording_create(&f->mem.mem, &f->recording), PHYR_OK);
	assert_int_equal(phyr_recording_load(f->recording, f->path, NULL), PHYR_OK);
	assert_int_equal(save_text(f, f->path, NULL), PHYR_OK);
	assert_file(f->path, EXAMPLE_SAVED);
	phyr_recording_destroy(text);
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
	assert_int_equal(save_text(f, alias, NULL), PHYR_OK);
	assert_file(f->path, SMALL);
	assert_file(old, "old"); /* what had the file open keeps it whole */
	assert_int_equal(lstat(alias, &link_stat), 0);
	assert_true(S_ISLNK(link_stat.st_mode));
	assert_int_equal(unlink(alias) | unlink(old), 0);
}

static void a_save_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, NULL, 0, 7 };
	struct rlimit unlimited, limit;

	write_file(f->path, "old");
	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	limit.rlim_cur = 16;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(save_text(f, f->path, &error), PHYR_E_IO);
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
	assert_int_equal(save_text(f, f->path, NULL), PHYR_OK);
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(SMALL) - 1);
	assert_string_equal(got, SMALL);
	assert_int_equal(close(fd), 0);
}

static void what_cannot_be_opened_read_or_written_is_named_by_its_errno(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, NULL, 0, 7 };
	char inside[128];

	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, ENOENT);
	assert_string_equal(error.reason, "cannot be opened");
	assert_int_equal(phyr_recording_load(f->recording, f->dir, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, EISDIR);
	assert_int_equal(error.line, 0);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	assert_int_equal(save_text(f, f->dir, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, EISDIR);
	(void)snprintf(inside, sizeof(inside), "%s/none", f->path);
	assert_int_equal(save_text(f, inside, NULL), PHYR_E_IO);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(save_text(f, "/dev/full", &error), PHYR_E_IO);
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

static void a_damaged_binary_file_is_refused_whole_and_by_its_offset(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error = { 7, NULL, 7, 0 };

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	assert_int_equal(save_binary(f, f->path), PHYR_OK);
	assert_int_equal(truncate(f->path, 100), 0);
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_FORMAT);
	assert_int_equal(error.line, 0);
	assert_int_equal(error.offset, 100);
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(phyr_recording_cnt(f->recording), 2);
}

static void an_endless_binary_file_is_not_read_for_ever(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_error error;
	size_t alloc_cnt;

	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	assert_int_equal(save_binary(f, f->path), PHYR_OK);
	assert_int_equal(truncate(f->path, 1 << 30), 0); /* a hole, which takes no space */
	alloc_cnt = f->mem.alloc_cnt;
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_FORMAT);
	assert_int_equal(f->mem.alloc_cnt, alloc_cnt + 1);
	assert_string_equal(error.reason, "more bytes than the head says");
	write_file(f->path, "\x89PHYR and something else, longer than a head");
	assert_int_equal(phyr_recording_load(f->recording, f->path, &error), PHYR_E_FORMAT);
	assert_int_equal(error.offset, 5);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_buffer *buffer;

	assert_int_equal(save_text(f, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	strcpy(phyr_recording_buffer(f->recording, 0)->title, "a\nend");
	assert_int_equal(save_text(f, f->path, NULL), PHYR_E_INVAL);
	strcpy(phyr_recording_buffer(f->recording, 0)->title, "b");
	assert_int_equal(phyr_recording_add(f->recording, "empty", &buffer), PHYR_OK);
	assert_int_equal(save_text(f, f->path, NULL), PHYR_E_INVAL);
	assert_int_equal(save_binary(f, f->path), PHYR_E_INVAL);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void a_format_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	enum phyr_recording_format none = (enum phyr_recording_format)2;

	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->path, none, NULL), PHYR_E_INVAL);
	assert_int_equal(access(f->path, F_OK), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_saved_file_is_in_canonical_form_private_and_loads_the_same),
		CASE(a_binary_file_is_private_and_loads_the_same),
		CASE(what_went_through_a_binary_file_is_the_same_text),
		CASE(saving_replaces_the_file_behind_a_name),
		CASE(a_save_that_fails_leaves_the_old_file_and_nothing_else),
		CASE(a_fifo_is_written_and_not_replaced),
		CASE(what_cannot_be_opened_read_or_written_is_named_by_its_errno),
		CASE(a_damaged_or_endless_file_is_refused),
		CASE(a_damaged_binary_file_is_refused_whole_and_by_its_offset),
		CASE(an_endless_binary_file_is_not_read_for_ever),
		CASE(what_could_not_be_read_again_is_not_written),
		CASE(a_format_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
