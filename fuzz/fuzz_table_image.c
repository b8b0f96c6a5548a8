/* SPDX-License-Identifier: MIT */
/*
 * Property: any bytes, read as an image of a page table, are refused with a place and a reason and
 * nothing left behind, or make a memory in which every walk ends, every explanation is written, an
 * audit agrees with hardware, and an image of which, read again, has the same text.
 *
 * Bytes: an image, frames as long or as short as in a file; in place of zeros behind the head, short
 * inputs are images whose frames repeat what there is (see grow()).
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyrsim/dump.h>

#define HEAD_LEN 56
#define FRAME_LEN 4104
#define FRAME_CNT_AT 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What is written, kept. */
struct kept {
	uint8_t *bytes;
	size_t len;
	size_t room;
	struct phyrsim_dump_sink sink;
};

static int keep(void *ctx, const void *bytes, size_t len)
{
	struct kept *kept = ctx;

	if (kept->len + len > kept->room) {
		kept->room = 2 * (kept->len + len);
		kept->bytes = realloc(kept->bytes, kept->room);
	}
	require(kept->bytes != NULL);
	memcpy(kept->bytes + kept->len, bytes, len);
	kept->len += len;
	return PHYR_OK;
}

static void kept_init(struct kept *kept)
{
	memset(kept, 0, sizeof(*kept));
	kept->sink.write = keep;
	kept->sink.ctx = kept;
}

static void check_walks(struct phyrsim_mem *mem, const struct phyrsim_root *root, uint64_t seed)
{
	for (unsigned int i = 0; i < 32; i++) {
		struct phyrsim_access access = { { seed }, (enum phyr_perm)(1 + i % 3), 0 };
		struct phyrsim_dump_walk hardware, audit;
		struct kept words;
		int err = phyrsim_dump_path(mem, root, &access, &hardware);

		require(err == PHYR_OK || err == PHYR_E_FAULT);
		access.flags = PHYRSIM_WALK_AUDIT;
		if (phyrsim_dump_path(mem, root, &access, &audit) == PHYR_OK)
			require(audit.walk.pa.addr == hardware.walk.pa.addr);
		kept_init(&words);
		require(phyrsim_dump_explain(mem, root, &access, &words.sink) == PHYR_OK);
		require(words.len > 0);
		free(words.bytes);
		/* Every item of small tables, then anywhere. */
		seed = i < 16 ? seed + (UINT64_C(0x8040201008040201) << i) :
				seed * UINT64_C(0x2545f4914f6cdd1d);
	}
}

/* Written and read again it is the same to a reader, unless it is no tree. */
static void check_text(struct phyrsim_mem *mem, const struct phyrsim_root *root)
{
	struct kept here, there, image;
	struct phyrsim_root read;
	struct phyrsim_mem *copy;
	int err;

	kept_init(&here);
	kept_init(&there);
	kept_init(&image);
	err = phyrsim_dump_text(mem, root, PHYRSIM_DUMP_TABLES, &here.sink);
	require(err == PHYR_OK || err == PHYR_E_LIMIT);
	if (err == PHYR_OK)
		err = phyrsim_dump_image(phyr_heap_mem(), mem, root, &image.sink);
	require(err == PHYR_OK || err == PHYR_E_LIMIT || err == PHYR_E_NOENT);
	if (err == PHYR_OK) {
		require(phyrsim_dump_load(phyr_heap_mem(), image.bytes, image.len, &copy, &read,
					  NULL) == PHYR_OK);
		err = phyrsim_dump_text(copy, &read, PHYRSIM_DUMP_TABLES, &there.sink);
		/* Fewer frames bound it sooner. */
		require(err == PHYR_E_LIMIT ||
			(here.len == there.len && memcmp(here.bytes, there.bytes, here.len) == 0));
		phyrsim_mem_destroy(copy);
	}
	free(here.bytes);
	free(there.bytes);
	free(image.bytes);
}

static void check(const uint8_t *data, size_t size)
{
	struct phyrsim_dump_error error = { 0, NULL };
	struct phyrsim_root root;
	struct phyrsim_mem *mem;
	int err = phyrsim_dump_load(phyr_heap_mem(), data, size, &mem, &root, &error);

	require(err == PHYR_OK || err == PHYR_E_FORMAT || err == PHYR_E_VERSION);
	require((err == PHYR_OK) == (error.reason == NULL) && error.offset <= size);
	if (err)
		return;
	check_walks(mem, &root, size);
	check_text(mem, &root);
	phyrsim_mem_destroy(mem);
}

/*
 * An input of a head, and of parts of 72 bytes, is the image of as many frames: of each part the
 * address, and eight words that fill the frame over and over.
 */
static void grow(const uint8_t *data, size_t size)
{
	size_t cnt = (size - HEAD_LEN) / 72;
	size_t len = HEAD_LEN + cnt * FRAME_LEN;
	uint8_t *image = malloc(len);

	require(image != NULL);
	memcpy(image, data, HEAD_LEN);
	memset(image + FRAME_CNT_AT, 0, 8);
	image[FRAME_CNT_AT] = (uint8_t)cnt;
	for (size_t i = 0; i < cnt; i++) {
		uint8_t *frame = image + HEAD_LEN + i * FRAME_LEN;
		const uint8_t *part = data + HEAD_LEN + i * 72;

		memcpy(frame, part, 8);
		for (size_t j = 0; j < FRAME_LEN - 8; j++)
			frame[8 + j] = part[8 + j % 64];
	}
	check(image, len);
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size);
	if (size >= HEAD_LEN + 72 && size <= HEAD_LEN + 8 * 72)
		grow(data, size);
	return 0;
}
