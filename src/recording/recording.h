/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a recording share: its buffers, and a text that grows.
 *
 * recording.c holds buffers, text.c turns them into text and back, file.c moves text from and to
 * files.
 */
#ifndef PHYR_RECORDING_RECORDING_H
#define PHYR_RECORDING_RECORDING_H

#include <phyr/recording.h>

/* The version of the text that is written, and the latest that is read. */
#define PHYR_RECORDING_VERSION 1
/* Longest line of the text, without its line feed. [bytes] */
#define PHYR_RECORDING_LINE_LEN 1024

/* Invariant: cnt <= cap; buffers[0 ... cnt - 1] are allocations of their own, the rest is unset. */
struct phyr_recording {
	const struct phyr_mem *mem;
	struct phyr_recording_buffer **buffers;
	size_t cnt;
	size_t cap;
};

/* Removes the buffers behind the first cnt. */
void phyr_recording_truncate(struct phyr_recording *recording, size_t cnt);

/* Is this a title? Looks at no more than its first PHYR_RECORDING_TITLE_LEN bytes. */
bool phyr_recording_title_valid(const char *title);

/* Bytes that grow; start with mem set and the rest 0. Invariant: len <= cap. */
struct phyr_recording_text {
	const struct phyr_mem *mem;
	char *text;
	size_t len; /* bytes that mean something */
	size_t cap; /* bytes allocated; text is NULL while 0 */
};

/* Makes room for more bytes behind len, or answers PHYR_E_NOMEM and changes nothing. */
PHYR_NODISCARD int phyr_recording_text_reserve(struct phyr_recording_text *text, size_t more);

/* Frees the bytes. */
void phyr_recording_text_fini(struct phyr_recording_text *text);

/*
 * Appends all buffers, in version 1, to a text. PHYR_OK or PHYR_E_NOMEM. A recording whose buffers
 * have valid titles and are not empty can be parsed again.
 */
PHYR_NODISCARD int phyr_recording_print(const struct phyr_recording *recording,
					struct phyr_recording_text *text);

#endif
