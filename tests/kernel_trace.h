/* SPDX-License-Identifier: MIT */
/*
 * The recorded events of a real kernel's VFIO domain (tests/traces/vfio_aw39__*): the text, and one
 * event after another.
 *
 * The cuts have kept of each line what begins with the event's name, and of the 512 pairs of case
 * c11 the first 128; their heads say so. With PHYR_TRACES=DIRECTORY whole files of the same names
 * are read from there: everything must still hold, and counts that are not those of the cuts are
 * printed in place of being compared.
 *
 * Case c09 (64 MiB of single pages) is in neither.
 */
#ifndef PHYR_TEST_KERNEL_TRACE_H
#define PHYR_TEST_KERNEL_TRACE_H

#include <inttypes.h>
#include <stdio.h>

#include <phyr/bits.h>
#include <phyrsim/trace.h>

#include "test.h"

#define KERNEL_TRACE "vfio_aw39__v_cases_without_c09"

struct kernel_text {
	char *at;
	size_t len;
};

static inline bool kernel_cut(void)
{
	return getenv("PHYR_TRACES") == NULL;
}

static inline struct kernel_text kernel_read(const char *name)
{
	const char *dir = kernel_cut() ? PHYR_SOURCE_ROOT "/tests/traces" : getenv("PHYR_TRACES");
	struct kernel_text text = { NULL, 0 };
	char path[4096];
	FILE *file;
	long len;

	assert_true(snprintf(path, sizeof(path), "%s/%s.txt", dir, name) < (int)sizeof(path));
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	len = ftell(file);
	assert_true(len > 0);
	rewind(file);
	text.len = (size_t)len;
	text.at = malloc(text.len + 1);
	assert_non_null(text.at);
	assert_int_equal(fread(text.at, 1, text.len, file), text.len);
	text.at[text.len] = 0; /* dumps are read as strings */
	fclose(file);
	return text;
}

static inline void kernel_drop(struct kernel_text *text)
{
	free(text->at);
	text->at = NULL;
}

/* The next event; false at the end. No line of these traces is malformed. */
static inline bool kernel_next(struct phyrsim_trace *trace, struct phyrsim_trace_event *event)
{
	int err = phyrsim_trace_next(trace, event, NULL);

	if (err != PHYR_E_NOENT)
		assert_int_equal(err, PHYR_OK);
	return err == PHYR_OK;
}

static inline bool kernel_marks(const struct phyrsim_trace_event *event, const char *words)
{
	return event->kind == PHYRSIM_TRACE_MARK && phyrsim_trace_begins(event->args, words);
}

/* Compares a count of a cut; of a whole trace it is printed. */
static inline void kernel_count(const char *what, uint64_t got, uint64_t want)
{
	if (kernel_cut())
		assert_int_equal(got, want);
	else
		print_message("%s: %" PRIu64 "\n", what, got);
}

#endif
