/* SPDX-License-Identifier: MIT */
/*
 * Real memory through /proc/PID/pagemap, which a process without CAP_SYS_ADMIN can read too,
 * seeing every frame number as 0. The map is opened once for both readings: what it shows depends
 * on who opened it, and it stays that of the process that had the id then.
 *
 * Not here: what entries mean (pagemap.c), holding pages (hold_linux.c).
 */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <phyr/bits.h>
#include <phyr/pin.h>

#include "pagemap.h"
#include "pin.h"

/* Entries in one read: 8 KiB of stack; more is not faster. */
#define BATCH_CNT 1024

/* A range of a process, on its way to a list. */
struct pinning {
	const struct phyr_pin_params *params;
	struct phyr_list *list;
	uint64_t list_len; /* [bytes] in the list before */
	struct phyr_pagemap range;
	int fd; /* of the page map */
	struct phyr_pin_result result;
	struct phyr_pin_error error;
};

static int refused(struct pinning *pinning, const char *step, int os_errno)
{
	pinning->error.step = step;
	pinning->error.os_errno = os_errno;
	return os_errno == EACCES || os_errno == EPERM ? PHYR_E_PERM : PHYR_E_IO;
}

static int open_map(struct pinning *pinning)
{
	char path[32] = "/proc/self/pagemap";

	if (pinning->params->pid)
		(void)snprintf(path, sizeof(path), "/proc/%lu/pagemap",
			       (unsigned long)pinning->params->pid);
	do
		pinning->fd = open(path, O_RDONLY | O_CLOEXEC);
	while (pinning->fd < 0 && errno == EINTR);
	if (pinning->fd >= 0)
		return PHYR_OK;
	return refused(pinning, "opening the page map",
		       errno == ENOENT && pinning->params->pid ? ESRCH : errno);
}

/* Reads the entries of the next pages; *ret_cnt is 0 at the end of the range. Where no process
 * memory can be, and when the process has ended, there is nothing to read: no page. */
static int read_batch(struct pinning *pinning, const struct phyr_pagemap *at, uint64_t *entries,
		      size_t *ret_cnt)
{
	bool done = at->va - 1 == at->last; /* a range is never 2^64 bytes long */
	uint64_t left = done ? 0 : phyr_bits_blocks(at->va, at->last, at->page_lg2);
	size_t cnt = left < BATCH_CNT ? (size_t)left : BATCH_CNT;
	ssize_t got;

	do
		got = pread(pinning->fd, entries, cnt * sizeof(*entries),
			    (off_t)((at->va >> at->page_lg2) * sizeof(*entries)));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return refused(pinning, "reading the page map", errno);
	if (got == 0)
		memset(entries, 0, cnt * sizeof(*entries));
	*ret_cnt = got == 0 ? cnt : (size_t)got / sizeof(*entries);
	return PHYR_OK;
}

static int take(struct pinning *pinning)
{
	struct phyr_pagemap_take take = { .at = pinning->range, .list = pinning->list };
	uint64_t entries[BATCH_CNT];
	size_t cnt;
	int err = read_batch(pinning, &take.at, entries, &cnt);

	while (!err && cnt > 0) {
		err = phyr_pagemap_take(&take, entries, cnt);
		if (err == PHYR_E_NOENT)
			pinning->error.va = take.at.va;
		if (err == PHYR_E_PERM)
			pinning->error.step = "frame numbers";
		if (!err)
			err = read_batch(pinning, &take.at, entries, &cnt);
	}
	return err ? err : phyr_pagemap_take_end(&take);
}

static int compare(struct pinning *pinning)
{
	struct phyr_pagemap_compare compare = { .at = pinning->range };
	uint64_t entries[BATCH_CNT];
	size_t cnt;
	int err = phyr_pagemap_compare_begin(&compare, pinning->list, pinning->list_len,
					     &pinning->result);

	if (!err)
		err = read_batch(pinning, &compare.at, entries, &cnt);
	while (!err && cnt > 0) {
		phyr_pagemap_compare(&compare, entries, cnt);
		err = read_batch(pinning, &compare.at, entries, &cnt);
	}
	return err;
}

static int read_twice(struct pinning *pinning)
{
	struct phyr_list_mark before;
	int err = open_map(pinning);

	if (err)
		return err;
	phyr_list_mark(pinning->list, &before);
	err = take(pinning);
	if (!err)
		err = compare(pinning);
	(void)close(pinning->fd);
	/* A borrowed list has not grown, and may not be touched. */
	if (err && phyr_list_len(pinning->list) > pinning->list_len)
		phyr_list_rollback(pinning->list, &before);
	return err;
}

static int hold_and_read(struct pinning *pinning, struct phyr_pin **ret_pin)
{
	bool hold = pinning->params->state != PHYR_PIN_SNAPSHOT;
	struct phyr_pin *pin = NULL;
	int err = PHYR_OK;

	if (hold && pinning->params->pid) {
		pinning->error.step = "holding another process's memory";
		return PHYR_E_UNSUPPORTED;
	}
	if (hold)
		err = phyr_pin_hold(pinning->params, &pin, &pinning->error);
	if (!err)
		err = read_twice(pinning);
	if (err)
		phyr_pin_release(pin);
	else if (ret_pin)
		*ret_pin = pin;
	return err;
}

static bool has_detail(int err)
{
	return err == PHYR_E_NOENT || err == PHYR_E_IO || err == PHYR_E_PERM ||
	       err == PHYR_E_LIMIT || err == PHYR_E_UNSUPPORTED;
}

int phyr_pin(const struct phyr_pin_params *params, struct phyr_list *list,
	     struct phyr_pin **ret_pin, struct phyr_pin_result *ret_result,
	     struct phyr_pin_error *ret_error)
{
	struct pinning pinning = { .params = params, .list = list };
	int err = phyr_pin_check(params, list, ret_pin);

	if (err)
		return err;
	pinning.list_len = phyr_list_len(list);
	pinning.range.va = params->va;
	pinning.range.last = params->va + params->len - 1;
	pinning.range.page_lg2 = phyr_bits_log2((uint64_t)sysconf(_SC_PAGESIZE));
	pinning.result.state = params->state;
	err = hold_and_read(&pinning, ret_pin);
	if (err) {
		if (ret_error && has_detail(err))
			*ret_error = pinning.error;
		return err;
	}
	if (pinning.list_len == 0)
		phyr_list_set_va(list, params->va);
	if (ret_result)
		*ret_result = pinning.result;
	return PHYR_OK;
}
