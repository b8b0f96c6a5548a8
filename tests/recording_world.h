/* SPDX-License-Identifier: MIT */
/*
 * What the tests of recordings share: the worked example of docs/recording-format.md, and a
 * recording with a directory for files, binary recordings to be spoilt.
 */
#ifndef PHYR_RECORDING_WORLD_H
#define PHYR_RECORDING_WORLD_H

#include <stdio.h>
#include <unistd.h>

#include <phyr/recording.h>

#include "../src/recording/recording.h"
#include "test.h"

/* Pieces of texts. */
#define HEAD "phyr-recording 1\n"
#define OPEN HEAD "buffer a\nruns 1\n"
#define RUN "0x1000 0x1000 system\n"
#define SMALL OPEN RUN "end\n"

/* A line here is a thought, not a line of the text. */
/* clang-format off */
#define EXAMPLE \
	"# two buffers of one process\nphyr-recording 1\n\n" \
	"buffer receive ring\nva 0x7f1200000e00\nruns 3\n" \
	"0x108981e00 0x200 system\n0x108982000 0x1000 system\n0x2fe00000 0x200000 system\nend\n" \
	"\nbuffer peer BAR\nruns 2\n0xe0000000 0x10000 p2p 3\n0x180000000 4096 encrypted\nend\n"
/* As it is written: without comments, runs joined, numbers in one form. */
#define EXAMPLE_SAVED HEAD \
	"buffer receive ring\nva 0x7f1200000e00\nruns 2\n" \
	"0x108981e00 0x1200 system\n0x2fe00000 0x200000 system\nend\n" \
	"buffer peer BAR\nruns 2\n0xe0000000 0x10000 p2p 3\n0x180000000 0x1000 encrypted\nend\n"
/* clang-format on */

/* An empty recording, and a directory for files; what is left in either is a failure. */
struct fixture {
	struct test_mem mem;
	struct phyr_recording *recording;
	char dir[32];
	char path[64];
};

static inline int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	assert_int_equal(phyr_recording_create(&f->mem.mem, &f->recording), PHYR_OK);
	strcpy(f->dir, "/tmp/phyr-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/recording", f->dir);
	*state = f;
	return 0;
}

static inline int stop(void **state)
{
	struct fixture *f = *state;

	phyr_recording_destroy(f->recording);
	assert_int_equal(f->mem.live_cnt, 0);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* no temporary file stayed behind */
	free(f);
	return 0;
}

/* Parses a copy that ends where the text ends, so that a sanitizer sees a byte read beyond. */
static inline int parse(struct fixture *f, const char *text, size_t len,
			struct phyr_recording_error *ret_error)
{
	char *copy = malloc(len + !len);
	int err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = phyr_recording_parse(f->recording, copy, len, ret_error);
	free(copy);
	return err;
}

static inline int parse_string(struct fixture *f, const char *text)
{
	return parse(f, text, strlen(text), NULL);
}

/* The longest binary recording of a test. [bytes] */
#define IMAGE_MAX 2048
/* The first entry. */
#define ENTRY 32
/* Behind two entries. */
#define LISTS (ENTRY + 2 * PHYR_RECORDING_ENTRY_LEN)

struct image {
	unsigned char bytes[IMAGE_MAX];
	size_t len;
};

/* Packs what the fixture has. */
static inline void pack(struct fixture *f, struct image *image)
{
	struct phyr_recording_bytes bytes = { .mem = &f->mem.mem };

	assert_int_equal(phyr_recording_pack(f->recording, &bytes), PHYR_OK);
	assert_true(bytes.len <= IMAGE_MAX);
	memcpy(image->bytes, bytes.bytes, bytes.len);
	image->len = bytes.len;
	phyr_recording_bytes_fini(&bytes);
}

static inline void pack_example(struct fixture *f, struct image *image)
{
	assert_int_equal(parse_string(f, EXAMPLE), PHYR_OK);
	pack(f, image);
}

static inline void set(struct image *image, size_t at, unsigned int len, uint64_t value)
{
	phyr_recording_put(image->bytes + at, len, value);
}

static inline void mend_checksum(struct image *image)
{
	set(image, PHYR_RECORDING_CRC_AT, 4, phyr_recording_crc(image->bytes, image->len));
}

/* Two titled payloads, which need not be lists, by the rules of the layout. */
static inline void lay_out(struct image *image, const void *payload, size_t payload_len)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->bytes, "\x89PHYR\r\n\x1a\x01", 9);
	set(image, PHYR_RECORDING_CNT_AT, 8, 2);
	image->len = LISTS;
	for (size_t i = 0; i < 2; i++) {
		size_t at = ENTRY + i * PHYR_RECORDING_ENTRY_LEN;

		set(image, at, 8, image->len);
		set(image, at + 8, 8, payload_len);
		image->bytes[at + 16] = 't';
		memcpy(image->bytes + image->len, payload, payload_len);
		image->len += (payload_len + 7) / 8 * 8;
	}
	set(image, PHYR_RECORDING_LEN_AT, 8, image->len);
	mend_checksum(image);
}

/* Attaches to a copy that ends where the bytes end, and asks for every list. */
static inline int attach(const unsigned char *bytes, size_t len,
			 struct phyr_recording_error *ret_error)
{
	unsigned char *copy = malloc(len + !len);
	struct phyr_recording_image image;
	struct phyr_seal seal;
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = phyr_recording_attach(copy, len, &image, ret_error);
	for (size_t i = 0; !err && i < phyr_recording_image_cnt(&image); i++)
		err = phyr_recording_image_seal(&image, i, &seal, ret_error);
	free(copy);
	return err;
}

static inline void assert_runs(const struct phyr_list *list, const struct phyr_run *want,
			       size_t cnt)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(list, &cursor);
	for (size_t i = 0; i < cnt; i++) {
		assert_true(phyr_list_next(&cursor, &run));
		assert_memory_equal(&run, &want[i], sizeof(run)); /* it has no padding */
	}
	assert_false(phyr_list_next(&cursor, &run));
}

static inline void assert_example(const struct phyr_recording *recording, size_t first)
{
	static const struct phyr_run ring_runs[] = {
		{ { { 0x108981e00 }, 0x1200 }, { PHYR_KIND_SYSTEM, 0 }, 0 },
		{ { { 0x2fe00000 }, 0x200000 }, { PHYR_KIND_SYSTEM, 0 }, 0x1200 },
	};
	static const struct phyr_run bar_runs[] = {
		{ { { 0xe0000000 }, 0x10000 }, { PHYR_KIND_P2P, 3 }, 0 },
		{ { { 0x180000000 }, 0x1000 }, { PHYR_KIND_ENCRYPTED, 0 }, 0x10000 },
	};
	const struct phyr_recording_buffer *ring = phyr_recording_buffer(recording, first);
	const struct phyr_recording_buffer *bar = phyr_recording_buffer(recording, first + 1);

	assert_string_equal(ring->title, "receive ring");
	assert_int_equal(phyr_list_va(&ring->list), 0x7f1200000e00);
	assert_runs(&ring->list, ring_runs, 2);
	assert_string_equal(bar->title, "peer BAR");
	assert_int_equal(phyr_list_va(&bar->list), 0);
	assert_runs(&bar->list, bar_runs, 2);
}

#endif
