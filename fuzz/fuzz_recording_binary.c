/* SPDX-License-Identifier: MIT */
/*
 * Property: any bytes are a binary recording or are refused with a reason and an offset, and what
 * is accepted is what is written for it, byte for byte; so is what came from it as text.
 *
 * No mutation keeps a checksum right, so every input is tried as it is, and once more with its
 * magic, version, length and checksum made right.
 */
#include "fuzz_recording.h"

static void require_packs_to(const struct phyr_recording *recording, const uint8_t *data,
			     size_t size)
{
	struct phyr_recording_bytes image = { .mem = phyr_heap_mem() };

	for (size_t i = 0; i < phyr_recording_cnt(recording); i++)
		require(phyr_list_validate(&phyr_recording_buffer(recording, i)->list, NULL));
	require(phyr_recording_pack(recording, &image) == PHYR_OK);
	require(image.len == size && memcmp(image.bytes, data, size) == 0);
	phyr_recording_bytes_fini(&image);
}

static void check_accepted(const struct phyr_recording *recording, const uint8_t *data, size_t size)
{
	struct phyr_recording_bytes text = { .mem = phyr_heap_mem() };
	struct phyr_recording *copy = empty_recording();

	require(phyr_recording_cnt(recording) > 0);
	require_packs_to(recording, data, size);
	require(phyr_recording_print(recording, &text) == PHYR_OK);
	require(phyr_recording_parse(copy, (const char *)text.bytes, text.len, NULL) == PHYR_OK);
	require_packs_to(copy, data, size);
	phyr_recording_bytes_fini(&text);
	phyr_recording_destroy(copy);
}

/* What hides places keeps sizes. */
static void check_anonymous(struct phyr_recording *recording)
{
	size_t cnt = phyr_recording_cnt(recording);
	uint64_t len = phyr_list_len(&phyr_recording_buffer(recording, 0)->list);
	int err = phyr_recording_anonymise(recording);

	require(err == PHYR_OK || err == PHYR_E_RANGE);
	require(phyr_recording_cnt(recording) == cnt);
	require(phyr_list_len(&phyr_recording_buffer(recording, 0)->list) == len);
}

static void try(const uint8_t *data, size_t size)
{
	struct phyr_recording_error error = { 0, NULL, 0, UINT64_MAX };
	struct phyr_recording *recording = empty_recording();
	int err = phyr_recording_unpack(recording, data, size, &error);

	if (err) {
		require(err == PHYR_E_FORMAT || err == PHYR_E_VERSION);
		require(phyr_recording_cnt(recording) == 0);
		require(error.reason && error.offset <= size && error.line == 0);
	} else {
		require(!error.reason);
		check_accepted(recording, data, size);
		check_anonymous(recording);
	}
	phyr_recording_destroy(recording);
}

static void try_mended(const uint8_t *data, size_t size)
{
	uint8_t *mended = malloc(size);

	require(mended != NULL);
	memcpy(mended, data, size);
	memcpy(mended, PHYR_RECORDING_MAGIC, PHYR_RECORDING_MAGIC_LEN);
	phyr_recording_put(mended + PHYR_RECORDING_VERSION_AT, 2, PHYR_RECORDING_VERSION);
	phyr_recording_put(mended + PHYR_RECORDING_LEN_AT, 8, size);
	phyr_recording_put(mended + PHYR_RECORDING_CRC_AT, 4, phyr_recording_crc(mended, size));
	try(mended, size);
	free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(size ? data : (const uint8_t *)"", size);
	if (size >= PHYR_RECORDING_HEAD_LEN)
		try_mended(data, size);
	return 0;
}
