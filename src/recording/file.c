/* SPDX-License-Identifier: MIT */
/*
 * Recordings from and to files of a POSIX system.
 *
 * A file is written to a temporary one beside it and renamed, so that a reader sees the old or the
 * new recording and a full disk costs nothing. What is not a regular file (a terminal, a pipe) can
 * not be replaced and is written as it is.
 *
 * Helpers answer an errno, 0 for success. Not here: what is in the files (parse.c, print.c,
 * attach.c, pack.c).
 */
#define _FILE_OFFSET_BITS 64
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <phyr/recording.h>

#include "recording.h"

/* Bytes read at once. */
#define READ_LEN 65536
/* The longest text: some twenty million runs. More is for binary files, or has no end. */
#define TEXT_LEN_MAX ((size_t)512 << 20)
/* Its length does not depend on the target's name, which may be as long as names can be. */
#define TEMP_NAME ".phyr-XXXXXX"

static int failed(struct phyr_recording_error *ret_error, const char *reason, int os_errno)
{
	if (ret_error)
		*ret_error =
			(struct phyr_recording_error){ .reason = reason, .os_errno = os_errno };
	return PHYR_E_IO;
}

static int open_file(const char *path, int flags, int *ret_fd)
{
	do
		*ret_fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
	while (*ret_fd < 0 && errno == EINTR);
	return *ret_fd < 0 ? errno : 0;
}

/* Appends the next bytes of a file; *ret_len is 0 at its end. */
static int read_some(int fd, struct phyr_recording_bytes *bytes, size_t *ret_len)
{
	ssize_t got;

	do
		got = read(fd, bytes->bytes + bytes->len, READ_LEN);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	bytes->len += (size_t)got;
	*ret_len = (size_t)got;
	return 0;
}

/*
 * Can more bytes, behind these and the last ones read, be part of a recording? Not after a zero
 * byte in a text, nor beyond the length of a binary one: /dev/zero has no end.
 */
static bool goes_on(const struct phyr_recording_bytes *bytes, size_t last_len)
{
	if (bytes->len > TEXT_LEN_MAX && !phyr_recording_is_binary(bytes->bytes, bytes->len))
		return false;
	/* What has no line end for so long has none of a recording's lines. */
	if (!memchr(bytes->bytes, '\n', bytes->len) && bytes->len >= READ_LEN &&
	    !phyr_recording_is_binary(bytes->bytes, bytes->len))
		return false;
	if (phyr_recording_is_binary(bytes->bytes, bytes->len))
		return phyr_recording_goes_on(bytes->bytes, bytes->len);
	return !memchr(bytes->bytes + bytes->len - last_len, '\0', last_len);
}

static int read_all(int fd, struct phyr_recording_bytes *bytes,
		    struct phyr_recording_error *ret_error)
{
	size_t len = 0;
	int err;

	do {
		int os_errno;

		err = phyr_recording_bytes_reserve(bytes, READ_LEN);
		if (err)
			return err;
		os_errno = read_some(fd, bytes, &len);
		if (os_errno)
			return failed(ret_error, "cannot be read", os_errno);
	} while (len && goes_on(bytes, len));
	return PHYR_OK;
}

static int take(struct phyr_recording *recording, const struct phyr_recording_bytes *bytes,
		struct phyr_recording_error *ret_error)
{
	if (phyr_recording_is_binary(bytes->bytes, bytes->len))
		return phyr_recording_unpack(recording, bytes->bytes, bytes->len, ret_error);
	if (bytes->len > TEXT_LEN_MAX) {
		(void)failed(ret_error, "text is longer than 512 MiB", 0);
		return PHYR_E_FORMAT;
	}
	return phyr_recording_parse(recording, (const char *)bytes->bytes, bytes->len, ret_error);
}

int phyr_recording_load(struct phyr_recording *recording, const char *path,
			struct phyr_recording_error *ret_error)
{
	struct phyr_recording_bytes bytes = { 0 };
	int os_errno;
	int err;
	int fd;

	if (!recording || !path)
		return PHYR_E_INVAL;
	os_errno = open_file(path, O_RDONLY, &fd);
	if (os_errno)
		return failed(ret_error, "cannot be opened", os_errno);
	bytes.mem = recording->mem;
	err = read_all(fd, &bytes, ret_error);
	(void)close(fd);
	if (!err)
		err = take(recording, &bytes, ret_error);
	phyr_recording_bytes_fini(&bytes);
	return err;
}

static int write_all(int fd, const struct phyr_recording_bytes *bytes)
{
	size_t done = 0;

	while (done < bytes->len) {
		ssize_t put = write(fd, bytes->bytes + done, bytes->len - done);

		if (put < 0 && errno != EINTR)
			return errno;
		done += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int write_in_place(const char *path, const struct phyr_recording_bytes *bytes)
{
	int os_errno;
	int fd;

	os_errno = open_file(path, O_WRONLY | O_TRUNC, &fd);
	if (os_errno)
		return os_errno;
	os_errno = write_all(fd, bytes);
	if (close(fd) && !os_errno)
		os_errno = errno;
	return os_errno;
}

/* Writes and closes. */
static int fill_temp(int fd, const struct phyr_recording_bytes *bytes)
{
	int os_errno = 0;

	if (fcntl(fd, F_SETFD, FD_CLOEXEC))
		os_errno = errno;
	if (!os_errno)
		os_errno = write_all(fd, bytes);
	if (!os_errno && fsync(fd))
		os_errno = errno;
	if (close(fd) && !os_errno)
		os_errno = errno;
	return os_errno;
}

static int replace_file(const char *path, const struct phyr_recording_bytes *bytes)
{
	const char *slash = strrchr(path, '/');
	size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;
	char temp[PATH_MAX];
	int os_errno;
	int fd;

	if (dir_len + sizeof(TEMP_NAME) > sizeof(temp))
		return ENAMETOOLONG;
	memcpy(temp, path, dir_len);
	memcpy(temp + dir_len, TEMP_NAME, sizeof(TEMP_NAME));
	fd = mkstemp(temp); /* of mode 0600 */
	if (fd < 0)
		return errno;
	os_errno = fill_temp(fd, bytes);
	if (!os_errno && rename(temp, path))
		os_errno = errno;
	if (os_errno)
		(void)unlink(temp);
	return os_errno;
}

/*
 * The regular file that a symbolic link stands for. The names in /dev/fd and /dev/stdout may stand
 * for a file that has lost its name, or whose name means another file here; that is none.
 */
static bool resolve(const char *path, const struct stat *target, char real[PATH_MAX])
{
	struct stat named;

	return S_ISREG(target->st_mode) && realpath(path, real) && !lstat(real, &named) &&
	       named.st_dev == target->st_dev && named.st_ino == target->st_ino;
}

static int write_file(const char *path, const struct phyr_recording_bytes *bytes)
{
	char real[PATH_MAX];
	struct stat target;

	if (lstat(path, &target))
		return errno == ENOENT ? replace_file(path, bytes) : errno;
	if (S_ISREG(target.st_mode))
		return replace_file(path, bytes);
	if (S_ISLNK(target.st_mode) && !stat(path, &target) && resolve(path, &target, real))
		return replace_file(real, bytes);
	return write_in_place(path, bytes);
}

/* Can this be written so that it can be read? Titles are the caller's to overwrite. */
static bool complete(const struct phyr_recording *recording)
{
	for (size_t i = 0; i < recording->cnt; i++) {
		const struct phyr_recording_buffer *buffer = recording->buffers[i];

		if (phyr_list_len(&buffer->list) == 0 || !phyr_recording_title_valid(buffer->title))
			return false;
	}
	return recording->cnt > 0;
}

int phyr_recording_save(const struct phyr_recording *recording, const char *path,
			enum phyr_recording_format format, struct phyr_recording_error *ret_error)
{
	struct phyr_recording_bytes bytes = { 0 };
	int os_errno = 0;
	int err = PHYR_E_INVAL;

	if (!recording || !path || !complete(recording))
		return PHYR_E_INVAL;
	bytes.mem = recording->mem;
	if (format == PHYR_RECORDING_TEXT)
		err = phyr_recording_print(recording, &bytes);
	else if (format == PHYR_RECORDING_BINARY)
		err = phyr_recording_pack(recording, &bytes);
	if (!err)
		os_errno = write_file(path, &bytes);
	phyr_recording_bytes_fini(&bytes);
	return os_errno ? failed(ret_error, "cannot be written", os_errno) : err;
}
