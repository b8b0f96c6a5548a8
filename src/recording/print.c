/* SPDX-License-Identifier: MIT */
/*
 * The text of a recording, written in the one way that docs/recording-format.md calls a writer's.
 *
 * Not here: files (file.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <phyr/recording.h>

#include "recording.h"
#include "text.h"

/* Longer than any line that is written. [bytes] */
#define PRINT_LEN 160

/* Adds a line whose snprintf() result is given. */
static int put(struct phyr_recording_bytes *text, const char *line, int len)
{
	int err = phyr_recording_bytes_reserve(text, (size_t)len);

	if (err)
		return err;
	memcpy(text->bytes + text->len, line, (size_t)len);
	text->len += (size_t)len;
	return PHYR_OK;
}

static int print_head(struct phyr_recording_bytes *text, const struct phyr_recording_buffer *buffer)
{
	uint64_t va = phyr_list_va(&buffer->list);
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	char line[PRINT_LEN];
	uint64_t cnt = 0;
	int err;

	err = put(text, line, snprintf(line, sizeof(line), "buffer %s\n", buffer->title));
	if (!err && va)
		err = put(text, line, snprintf(line, sizeof(line), "va 0x%" PRIx64 "\n", va));
	/* What the cursor returns is what is written, so that is what is counted. */
	phyr_list_begin(&buffer->list, &cursor);
	while (phyr_list_next(&cursor, &run))
		cnt++;
	return err ? err : put(text, line, snprintf(line, sizeof(line), "runs %" PRIu64 "\n", cnt));
}

static int print_run(struct phyr_recording_bytes *text, const struct phyr_run *run)
{
	char provider[16] = "";
	char line[PRINT_LEN];
	int len;

	if (run->tag.provider)
		(void)snprintf(provider, sizeof(provider), " %" PRIu32, run->tag.provider);
	len = snprintf(line, sizeof(line), "0x%" PRIx64 " 0x%" PRIx64 " %s%s\n", run->range.pa.addr,
		       run->range.len, phyr_text_kind_name(run->tag.kind), provider);
	return put(text, line, len);
}

static int print_buffer(struct phyr_recording_bytes *text,
			const struct phyr_recording_buffer *buffer)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	int err;

	err = print_head(text, buffer);
	phyr_list_begin(&buffer->list, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = print_run(text, &run);
	return err ? err : put(text, "end\n", 4);
}

int phyr_recording_print(const struct phyr_recording *recording, struct phyr_recording_bytes *text)
{
	char line[PRINT_LEN];
	int err;

	err = put(text, line,
		  snprintf(line, sizeof(line), "%s %d\n", PHYR_RECORDING_WORD,
			   PHYR_RECORDING_VERSION));
	for (size_t i = 0; !err && i < recording->cnt; i++)
		err = print_buffer(text, recording->buffers[i]);
	return err;
}
