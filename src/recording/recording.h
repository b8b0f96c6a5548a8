/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a recording share: its buffers, bytes that grow, numbers in files.
 *
 * recording.c holds buffers and anonymise.c moves them. The text is read by parse.c, with text.c
 * for its lines and fields, and written by print.c; the binary form is read by attach.c and written
 * by pack.c, with crc.c for its checksum. file.c moves both from and to files.
 */
#ifndef PHYR_RECORDING_RECORDING_H
#define PHYR_RECORDING_RECORDING_H

#include <phyr/recording.h>

/* The version that is written, and the latest that is read, of the text and of the binary form. */
#define PHYR_RECORDING_VERSION 1

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
struct phyr_recording_bytes {
	const struct phyr_mem *mem;
	unsigned char *bytes;
	size_t len; /* bytes that mean something */
	size_t cap; /* bytes allocated; bytes is NULL while 0 */
};

/* Makes room for more bytes behind len, or answers PHYR_E_NOMEM and changes nothing. */
PHYR_NODISCARD int phyr_recording_bytes_reserve(struct phyr_recording_bytes *bytes, size_t more);

/* Frees the bytes. */
void phyr_recording_bytes_fini(struct phyr_recording_bytes *bytes);

/*
 * Append all buffers, in version 1 of the text or of the binary form. PHYR_OK or PHYR_E_NOMEM. A
 * recording whose buffers have valid titles and are not empty can be read again.
 */
PHYR_NODISCARD int phyr_recording_print(const struct phyr_recording *recording,
					struct phyr_recording_bytes *text);
PHYR_NODISCARD int phyr_recording_pack(const struct phyr_recording *recording,
				       struct phyr_recording_bytes *image);

/* Adds the buffers of a binary recording; as phyr_recording_parse() does with those of a text. */
PHYR_NODISCARD int phyr_recording_unpack(struct phyr_recording *recording, const void *bytes,
					 size_t len, struct phyr_recording_error *ret_error);

/* Do these bytes begin a binary recording, be it a damaged one? No text begins like it. */
bool phyr_recording_is_binary(const void *bytes, size_t len);

/*
 * May a binary recording be longer than these, its first bytes? What has no end (a device, a pipe)
 * need not be read for ever.
 */
bool phyr_recording_goes_on(const unsigned char *bytes, size_t len);

/* The binary form, as docs/recording-format.md has it. [bytes] */
#define PHYR_RECORDING_MAGIC "\x89PHYR\r\n\x1a"
#define PHYR_RECORDING_MAGIC_LEN 8
#define PHYR_RECORDING_ALIGN_LG2 3 /* of sealed lists and of the whole. [log2 bytes] */

/* Fields of the head. */
enum {
	PHYR_RECORDING_VERSION_AT = 8,
	PHYR_RECORDING_FLAGS_AT = 10,
	PHYR_RECORDING_CRC_AT = 12,
	PHYR_RECORDING_LEN_AT = 16,
	PHYR_RECORDING_CNT_AT = 24,
	PHYR_RECORDING_HEAD_LEN = 32,
};

/* Fields of an entry; entries follow the head. */
enum {
	PHYR_RECORDING_SEAL_AT = 0,
	PHYR_RECORDING_SEAL_LEN_AT = 8,
	PHYR_RECORDING_TITLE_AT = 16,
	PHYR_RECORDING_ENTRY_LEN = 16 + PHYR_RECORDING_TITLE_LEN,
};

/* The checksum of a binary recording, whatever its own field holds; len is at least a head. */
uint32_t phyr_recording_crc(const unsigned char *bytes, size_t len);

/* A little-endian number of 2, 4 or 8 bytes. */
static inline uint64_t phyr_recording_get(const unsigned char *at, unsigned int len)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < len; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static inline void phyr_recording_put(unsigned char *at, unsigned int len, uint64_t value)
{
	for (unsigned int i = 0; i < len; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

#endif
