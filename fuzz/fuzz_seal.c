/* SPDX-License-Identifier: MIT */
/*
 * Property: bytes that are accepted as a sealed list are, byte by byte, what the list that they
 * open to is sealed into; and that list is valid.
 *
 * Every input is tried as it is, and again with the size and the checksum that it would need, since
 * chance does not find those.
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyr/seal.h>

#include "../src/seal/pass.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_same_run(const struct phyr_run *a, const struct phyr_run *b)
{
	require(a->range.pa.addr == b->range.pa.addr && a->range.len == b->range.len);
	require(a->offset == b->offset && phyr_tag_equal(a->tag, b->tag));
}

/* Every run is found by its first and its last byte. */
static void require_seeks(const struct phyr_seal *seal)
{
	struct phyr_seal_cursor all, found;
	struct phyr_run run, again;

	phyr_seal_begin(seal, &all);
	while (phyr_seal_next(&all, &run)) {
		require(phyr_seal_seek(seal, run.offset, &found) == PHYR_OK);
		require(phyr_seal_next(&found, &again));
		require_same_run(&run, &again);
		require(phyr_seal_seek(seal, run.offset + (run.range.len - 1), &found) == PHYR_OK);
		require(phyr_seal_next(&found, &again));
		require_same_run(&run, &again);
	}
	require(all.offset == phyr_seal_len(seal));
	require(phyr_seal_seek(seal, phyr_seal_len(seal), &found) == PHYR_E_RANGE);
}

static void require_round_trip(const struct phyr_seal *seal, const uint8_t *data)
{
	size_t len = phyr_seal_bytes(seal), needed;
	uint8_t *bytes = malloc(len);
	struct phyr_seal again;
	struct phyr_list list;

	require(bytes != NULL);
	phyr_list_init(&list, phyr_heap_mem());
	require(phyr_seal_open(seal, &list) == PHYR_OK);
	require(phyr_list_validate(&list, NULL));
	require(phyr_seal_size(&list, &needed) == PHYR_OK && needed == len);
	require(phyr_seal_write(&list, bytes, len, &again) == PHYR_OK);
	require(memcmp(bytes, data, len) == 0);
	phyr_list_fini(&list);
	free(bytes);
}

static void attach(const uint8_t *data, size_t size)
{
	struct phyr_seal_error error = { SIZE_MAX, NULL };
	struct phyr_seal seal;
	int err = phyr_seal_attach(data, size, &seal, &error);

	if (err) {
		require(err == PHYR_E_FORMAT || err == PHYR_E_VERSION);
		require(error.reason && error.offset <= size);
		return;
	}
	require(phyr_seal_bytes(&seal) <= size);
	require_seeks(&seal);
	require_round_trip(&seal, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;

	attach(data, size);
	if (size < SEAL_HEAD_LEN + SEAL_TRAILER_LEN)
		return 0;
	bytes = malloc(size);
	require(bytes != NULL);
	memcpy(bytes, data, size);
	seal_store(bytes + SEAL_AT_SIZE, size, 8);
	size -= SEAL_TRAILER_LEN;
	seal_store(bytes + size, phyr_seal_crc(bytes, size), SEAL_TRAILER_LEN);
	attach(bytes, size + SEAL_TRAILER_LEN);
	free(bytes);
	return 0;
}
