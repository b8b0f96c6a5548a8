/* SPDX-License-Identifier: MIT */
/*
 * Binary recordings, read where they lie; docs/recording-format.md is their specification.
 *
 * The bytes may be anybody's. Each number is compared with the length in hand before anything is
 * looked at by it, and the checksum is believed to tell damage, not good will: what it passes is
 * checked all the same. Only the one form that pack.c writes is accepted.
 *
 * Not here: what is inside a sealed list (the seal module), files (file.c).
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "recording.h"

#define ALIGN_MASK ((UINT64_C(1) << PHYR_RECORDING_ALIGN_LG2) - 1)
/* The shortest recording: a buffer whose sealed list takes as little as can be. */
#define LEN_MIN \
	(PHYR_RECORDING_HEAD_LEN + PHYR_RECORDING_ENTRY_LEN + (1 << PHYR_RECORDING_ALIGN_LG2))

/* What is checked, and what is wrong with it once something answered an error. */
struct checked {
	const unsigned char *bytes;
	uint64_t len;
	uint64_t buffer_cnt;
	struct phyr_recording_error error;
};

static int wrong(struct checked *checked, uint64_t offset, const char *reason)
{
	checked->error = (struct phyr_recording_error){ .reason = reason, .offset = offset };
	return PHYR_E_FORMAT;
}

static uint64_t number(const struct checked *checked, uint64_t at, unsigned int len)
{
	return phyr_recording_get(checked->bytes + at, len);
}

bool phyr_recording_is_binary(const void *bytes, size_t len)
{
	return len > 0 && memcmp(bytes, PHYR_RECORDING_MAGIC, 1) == 0;
}

bool phyr_recording_goes_on(const unsigned char *bytes, size_t len)
{
	if (len < PHYR_RECORDING_HEAD_LEN)
		return true;
	return memcmp(bytes, PHYR_RECORDING_MAGIC, PHYR_RECORDING_MAGIC_LEN) == 0 &&
	       phyr_recording_get(bytes + PHYR_RECORDING_VERSION_AT, 2) == PHYR_RECORDING_VERSION &&
	       phyr_recording_get(bytes + PHYR_RECORDING_LEN_AT, 8) >= len;
}

static int check_magic(struct checked *checked)
{
	for (uint64_t i = 0; i < PHYR_RECORDING_MAGIC_LEN && i < checked->len; i++)
		if (checked->bytes[i] != (unsigned char)PHYR_RECORDING_MAGIC[i])
			return wrong(checked, i,
				     i ? "damaged in its first bytes, as by a transfer as text" :
					 "not a binary recording");
	return PHYR_OK;
}

/* What is behind the number of a later version is that version's. */
static int check_version(struct checked *checked)
{
	uint64_t version;

	if (checked->len < PHYR_RECORDING_FLAGS_AT)
		return wrong(checked, checked->len, "cut short inside the head");
	version = number(checked, PHYR_RECORDING_VERSION_AT, 2);
	if (version == 0)
		return wrong(checked, PHYR_RECORDING_VERSION_AT, "there is no version 0");
	if (version > PHYR_RECORDING_VERSION) {
		(void)wrong(checked, PHYR_RECORDING_VERSION_AT, "a recording of a later version");
		return PHYR_E_VERSION;
	}
	return PHYR_OK;
}

static int check_len(struct checked *checked)
{
	uint64_t len;

	if (checked->len < PHYR_RECORDING_HEAD_LEN)
		return wrong(checked, checked->len, "cut short inside the head");
	len = number(checked, PHYR_RECORDING_LEN_AT, 8);
	if (len < LEN_MIN || len & ALIGN_MASK)
		return wrong(checked, PHYR_RECORDING_LEN_AT, "a length that no recording has");
	if (len > checked->len)
		return wrong(checked, checked->len, "cut short: the head says that more follows");
	if (len < checked->len)
		return wrong(checked, len, "more bytes than the head says");
	return PHYR_OK;
}

static int check_head(struct checked *checked)
{
	uint64_t room;
	int err;

	err = check_magic(checked);
	if (!err)
		err = check_version(checked);
	if (!err)
		err = check_len(checked);
	if (err)
		return err;
	if (number(checked, PHYR_RECORDING_CRC_AT, 4) !=
	    phyr_recording_crc(checked->bytes, (size_t)checked->len))
		return wrong(checked, PHYR_RECORDING_CRC_AT, "damaged: the checksum is another");
	if (number(checked, PHYR_RECORDING_FLAGS_AT, 2))
		return wrong(checked, PHYR_RECORDING_FLAGS_AT, "flags that version 1 has not");
	room = (checked->len - PHYR_RECORDING_HEAD_LEN) / PHYR_RECORDING_ENTRY_LEN;
	checked->buffer_cnt = number(checked, PHYR_RECORDING_CNT_AT, 8);
	if (checked->buffer_cnt == 0)
		return wrong(checked, PHYR_RECORDING_CNT_AT, "no buffer");
	if (checked->buffer_cnt > room)
		return wrong(checked, PHYR_RECORDING_CNT_AT, "more buffers than have room");
	return PHYR_OK;
}

static uint64_t entry_at(uint64_t index)
{
	return PHYR_RECORDING_HEAD_LEN + index * PHYR_RECORDING_ENTRY_LEN;
}

static const char *title_at(const unsigned char *bytes, uint64_t index)
{
	return (const char *)(bytes + entry_at(index) + PHYR_RECORDING_TITLE_AT);
}

static int check_zero(struct checked *checked, uint64_t at, uint64_t end, const char *reason)
{
	for (; at < end; at++)
		if (checked->bytes[at])
			return wrong(checked, at, reason);
	return PHYR_OK;
}

static int check_title(struct checked *checked, uint64_t index)
{
	const char *title = title_at(checked->bytes, index);
	uint64_t at = entry_at(index) + PHYR_RECORDING_TITLE_AT;

	if (!phyr_recording_title_valid(title))
		return wrong(checked, at,
			     "a title that is empty, not printable, or has a space at an end");
	return check_zero(checked, at + strlen(title), at + PHYR_RECORDING_TITLE_LEN,
			  "a title with something behind its end");
}

/* Checks an entry, and that its list lies behind the one before it, which ends at *end. */
static int check_entry(struct checked *checked, uint64_t index, uint64_t *end)
{
	uint64_t at = entry_at(index);
	uint64_t first = number(checked, at + PHYR_RECORDING_SEAL_AT, 8);
	uint64_t len = number(checked, at + PHYR_RECORDING_SEAL_LEN_AT, 8);

	if (first != *end)
		return wrong(checked, at + PHYR_RECORDING_SEAL_AT,
			     "a list that is not behind the one before it");
	if (len == 0 || len > checked->len - first)
		return wrong(checked, at + PHYR_RECORDING_SEAL_LEN_AT,
			     "a list with no bytes, or with more than there are");
	/* Cannot exceed the total, which is a multiple as well. */
	*end = (first + len + ALIGN_MASK) & ~ALIGN_MASK;
	if (check_zero(checked, first + len, *end, "a gap that is not zero"))
		return PHYR_E_FORMAT;
	return check_title(checked, index);
}

static int check_all(struct checked *checked)
{
	uint64_t end;
	int err;

	err = check_head(checked);
	if (err)
		return err;
	end = entry_at(checked->buffer_cnt);
	for (uint64_t i = 0; !err && i < checked->buffer_cnt; i++)
		err = check_entry(checked, i, &end);
	if (!err && end != checked->len)
		return wrong(checked, end, "bytes that belong to no buffer");
	return err;
}

/* Reports what was refused; other errors have nothing to say. */
static int answer(int err, const struct checked *checked, struct phyr_recording_error *ret_error)
{
	if (ret_error && (err == PHYR_E_FORMAT || err == PHYR_E_VERSION))
		*ret_error = checked->error;
	return err;
}

int phyr_recording_attach(const void *bytes, size_t len, struct phyr_recording_image *ret_image,
			  struct phyr_recording_error *ret_error)
{
	struct checked checked = { .bytes = bytes, .len = len };
	int err;

	if (!bytes || !ret_image)
		return PHYR_E_INVAL;
	err = check_all(&checked);
	if (!err)
		*ret_image = (struct phyr_recording_image){ checked.bytes, checked.buffer_cnt };
	return answer(err, &checked, ret_error);
}

size_t phyr_recording_image_cnt(const struct phyr_recording_image *image)
{
	return (size_t)image->buffer_cnt; /* entries are bytes in memory, so it fits */
}

const char *phyr_recording_image_title(const struct phyr_recording_image *image, size_t index)
{
	return index < image->buffer_cnt ? title_at(image->bytes, index) : NULL;
}

static int attach_seal(struct checked *checked, size_t index, struct phyr_seal *seal)
{
	uint64_t at = entry_at(index);
	uint64_t first = number(checked, at + PHYR_RECORDING_SEAL_AT, 8);
	uint64_t len = number(checked, at + PHYR_RECORDING_SEAL_LEN_AT, 8);
	struct phyr_seal_error seal_error = { 0, NULL };
	int err = phyr_seal_attach(checked->bytes + first, (size_t)len, seal, &seal_error);

	if (err) {
		(void)wrong(checked, first + seal_error.offset, seal_error.reason);
		return err;
	}
	if (phyr_seal_bytes(seal) != len)
		return wrong(checked, first + phyr_seal_bytes(seal), "bytes behind a sealed list");
	if (phyr_seal_len(seal) == 0)
		return wrong(checked, first, "a buffer without runs");
	return PHYR_OK;
}

int phyr_recording_image_seal(const struct phyr_recording_image *image, size_t index,
			      struct phyr_seal *ret_seal, struct phyr_recording_error *ret_error)
{
	struct checked checked = { 0 };
	struct phyr_seal seal;
	int err;

	if (!image || !ret_seal)
		return PHYR_E_INVAL;
	if (index >= image->buffer_cnt)
		return PHYR_E_NOENT;
	checked.bytes = image->bytes;
	err = attach_seal(&checked, index, &seal);
	if (!err)
		*ret_seal = seal;
	return answer(err, &checked, ret_error);
}
