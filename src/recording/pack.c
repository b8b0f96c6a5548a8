/* SPDX-License-Identifier: MIT */
/*
 * Binary recordings, written, and turned back into lists; docs/recording-format.md is their
 * specification. Not here: what checks them (attach.c).
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "recording.h"

#define ALIGN (UINT64_C(1) << PHYR_RECORDING_ALIGN_LG2)

/* Adds zero bytes. */
static int pad(struct phyr_recording_bytes *image, size_t len)
{
	int err = phyr_recording_bytes_reserve(image, len);

	if (err)
		return err;
	memset(image->bytes + image->len, 0, len);
	image->len += len;
	return PHYR_OK;
}

/* Head and entries, as far as they are known before the lists are sealed. */
static int pack_heads(const struct phyr_recording *recording, struct phyr_recording_bytes *image)
{
	int err = pad(image, PHYR_RECORDING_HEAD_LEN);

	if (err)
		return err;
	memcpy(image->bytes, PHYR_RECORDING_MAGIC, PHYR_RECORDING_MAGIC_LEN);
	phyr_recording_put(image->bytes + PHYR_RECORDING_VERSION_AT, 2, PHYR_RECORDING_VERSION);
	phyr_recording_put(image->bytes + PHYR_RECORDING_CNT_AT, 8, recording->cnt);
	for (size_t i = 0; !err && i < recording->cnt; i++) {
		const char *title = recording->buffers[i]->title;
		size_t at = image->len + PHYR_RECORDING_TITLE_AT;

		err = pad(image, PHYR_RECORDING_ENTRY_LEN);
		if (!err)
			memcpy(image->bytes + at, title, strlen(title));
	}
	return err;
}

static int pack_list(const struct phyr_list *list, struct phyr_recording_bytes *image,
		     size_t entry_at)
{
	struct phyr_seal seal;
	size_t at = image->len;
	size_t len;
	int err;

	err = phyr_seal_size(list, &len);
	if (err || len > SIZE_MAX - ALIGN)
		return PHYR_E_NOMEM; /* more than can be addressed */
	err = phyr_recording_bytes_reserve(image, len + ALIGN);
	if (!err)
		err = phyr_seal_write(list, image->bytes + at, len, &seal);
	if (err)
		return err;
	image->len += len;
	phyr_recording_put(image->bytes + entry_at + PHYR_RECORDING_SEAL_AT, 8, at);
	phyr_recording_put(image->bytes + entry_at + PHYR_RECORDING_SEAL_LEN_AT, 8, len);
	return pad(image, (size_t)(-(uint64_t)image->len & (ALIGN - 1)));
}

int phyr_recording_pack(const struct phyr_recording *recording, struct phyr_recording_bytes *image)
{
	int err = pack_heads(recording, image);

	for (size_t i = 0; !err && i < recording->cnt; i++)
		err = pack_list(&recording->buffers[i]->list, image,
				PHYR_RECORDING_HEAD_LEN + i * PHYR_RECORDING_ENTRY_LEN);
	if (err)
		return err;
	phyr_recording_put(image->bytes + PHYR_RECORDING_LEN_AT, 8, image->len);
	phyr_recording_put(image->bytes + PHYR_RECORDING_CRC_AT, 4,
			   phyr_recording_crc(image->bytes, image->len));
	return PHYR_OK;
}

static int unpack_buffer(struct phyr_recording *recording, const struct phyr_recording_image *image,
			 size_t index, struct phyr_recording_error *ret_error)
{
	struct phyr_recording_buffer *buffer;
	struct phyr_seal seal;
	int err;

	err = phyr_recording_image_seal(image, index, &seal, ret_error);
	if (!err)
		err = phyr_recording_add(recording, phyr_recording_image_title(image, index),
					 &buffer);
	if (!err)
		err = phyr_seal_open(&seal, &buffer->list);
	return err;
}

int phyr_recording_unpack(struct phyr_recording *recording, const void *bytes, size_t len,
			  struct phyr_recording_error *ret_error)
{
	struct phyr_recording_image image;
	size_t cnt = recording->cnt;
	int err;

	err = phyr_recording_attach(bytes, len, &image, ret_error);
	if (err)
		return err;
	for (size_t i = 0; !err && i < phyr_recording_image_cnt(&image); i++)
		err = unpack_buffer(recording, &image, i, ret_error);
	if (err)
		phyr_recording_truncate(recording, cnt);
	return err;
}
