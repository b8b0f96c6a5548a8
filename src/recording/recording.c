/* SPDX-License-Identifier: MIT */
/*
 * A recording in memory: titled lists in the order in which they were added. Each buffer is an
 * allocation of its own, because a list may not move while the table of buffers grows.
 *
 * Not here: the forms it has in files (parse.c, print.c, attach.c, pack.c), files (file.c).
 */
#include "recording.h"

#include <string.h>

#include <phyr/recording.h>

/* The first table of buffers; it doubles from there. */
#define CAP_FIRST 8
/* The first allocation of bytes that grow. [bytes] */
#define BYTES_FIRST 4096

int phyr_recording_create(const struct phyr_mem *mem, struct phyr_recording **ret_recording)
{
	struct phyr_recording *recording;

	if (!mem || !ret_recording)
		return PHYR_E_INVAL;
	recording = mem->alloc(mem->ctx, sizeof(*recording));
	if (!recording)
		return PHYR_E_NOMEM;
	memset(recording, 0, sizeof(*recording));
	recording->mem = mem;
	*ret_recording = recording;
	return PHYR_OK;
}

static void free_table(const struct phyr_recording *recording)
{
	const struct phyr_mem *mem = recording->mem;

	if (recording->cap)
		mem->free(mem->ctx, recording->buffers,
			  recording->cap * sizeof(*recording->buffers));
}

void phyr_recording_destroy(struct phyr_recording *recording)
{
	const struct phyr_mem *mem;

	if (!recording)
		return;
	mem = recording->mem;
	phyr_recording_truncate(recording, 0);
	free_table(recording);
	mem->free(mem->ctx, recording, sizeof(*recording));
}

void phyr_recording_truncate(struct phyr_recording *recording, size_t cnt)
{
	const struct phyr_mem *mem = recording->mem;

	while (recording->cnt > cnt) {
		struct phyr_recording_buffer *buffer = recording->buffers[--recording->cnt];

		phyr_list_fini(&buffer->list);
		mem->free(mem->ctx, buffer, sizeof(*buffer));
	}
}

static bool printable(char c)
{
	return c >= ' ' && c <= '~';
}

bool phyr_recording_title_valid(const char *title)
{
	size_t len = 0;

	while (len < PHYR_RECORDING_TITLE_LEN && printable(title[len]))
		len++;
	return len > 0 && len < PHYR_RECORDING_TITLE_LEN && title[len] == '\0' && title[0] != ' ' &&
	       title[len - 1] != ' ';
}

static int grow_table(struct phyr_recording *recording)
{
	size_t cap = recording->cap ? 2 * recording->cap : CAP_FIRST;
	struct phyr_recording_buffer **table;

	table = recording->mem->alloc(recording->mem->ctx, cap * sizeof(*table));
	if (!table)
		return PHYR_E_NOMEM;
	if (recording->cnt)
		memcpy(table, recording->buffers, recording->cnt * sizeof(*table));
	free_table(recording);
	recording->buffers = table;
	recording->cap = cap;
	return PHYR_OK;
}

int phyr_recording_add(struct phyr_recording *recording, const char *title,
		       struct phyr_recording_buffer **ret_buffer)
{
	struct phyr_recording_buffer *buffer;
	int err;

	if (!recording || !title || !ret_buffer || !phyr_recording_title_valid(title))
		return PHYR_E_INVAL;
	if (recording->cnt == recording->cap) {
		err = grow_table(recording);
		if (err)
			return err;
	}
	buffer = recording->mem->alloc(recording->mem->ctx, sizeof(*buffer));
	if (!buffer)
		return PHYR_E_NOMEM;
	memset(buffer->title, 0, sizeof(buffer->title));
	memcpy(buffer->title, title, strlen(title));
	phyr_list_init(&buffer->list, recording->mem);
	recording->buffers[recording->cnt++] = buffer;
	*ret_buffer = buffer;
	return PHYR_OK;
}

size_t phyr_recording_cnt(const struct phyr_recording *recording)
{
	return recording->cnt;
}

struct phyr_recording_buffer *phyr_recording_buffer(const struct phyr_recording *recording,
						    size_t index)
{
	return index < recording->cnt ? recording->buffers[index] : NULL;
}

int phyr_recording_bytes_reserve(struct phyr_recording_bytes *bytes, size_t more)
{
	size_t cap = bytes->cap ? bytes->cap : BYTES_FIRST;
	unsigned char *grown;

	if (more <= bytes->cap - bytes->len)
		return PHYR_OK;
	while (cap - bytes->len < more) {
		if (cap > SIZE_MAX / 2)
			return PHYR_E_NOMEM;
		cap *= 2;
	}
	grown = bytes->mem->alloc(bytes->mem->ctx, cap);
	if (!grown)
		return PHYR_E_NOMEM;
	if (bytes->len)
		memcpy(grown, bytes->bytes, bytes->len);
	if (bytes->cap)
		bytes->mem->free(bytes->mem->ctx, bytes->bytes, bytes->cap);
	bytes->bytes = grown;
	bytes->cap = cap;
	return PHYR_OK;
}

void phyr_recording_bytes_fini(struct phyr_recording_bytes *bytes)
{
	if (bytes->cap)
		bytes->mem->free(bytes->mem->ctx, bytes->bytes, bytes->cap);
	bytes->bytes = NULL;
	bytes->len = 0;
	bytes->cap = 0;
}
