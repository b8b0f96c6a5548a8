/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are no binary recording: every truncation, every changed bit, and one line of the
 * table for each rule of docs/recording-format.md that bytes can break.
 *
 * Most rules are broken under a checksum that was made right again: it tells damage, and protects
 * from nobody.
 */
#define _XOPEN_SOURCE 700

#include <phyr/recording.h>

#include "../src/recording/recording.h"
#include "recording_world.h"
#include "test.h"

/* In a sealed list. [bytes] */
#define SEAL_VERSION_AT 8

static void assert_refused(const struct image *image, int code, uint64_t offset, const char *reason)
{
	struct phyr_recording_error error = { 7, NULL, 7, 0 };

	assert_int_equal(attach(image->bytes, image->len, &error), code);
	assert_int_equal(error.offset, offset);
	assert_memory_equal(error.reason, reason, strlen(reason));
	assert_int_equal(error.line, 0);
	assert_int_equal(error.os_errno, 0);
}

static void a_recording_cut_anywhere_is_refused_where_it_ends(void **state)
{
	struct phyr_recording_error error;
	struct image image;

	pack_example(*state, &image);
	for (size_t len = 0; len < image.len; len++) {
		assert_int_equal(attach(image.bytes, len, &error), PHYR_E_FORMAT);
		assert_int_equal(error.offset, len);
		assert_memory_equal(error.reason, "cut short", 9);
	}
}

static void every_changed_bit_is_noticed(void **state)
{
	struct phyr_recording_error error;
	struct image image;

	pack_example(*state, &image);
	for (size_t bit = 0; bit < 8 * image.len; bit++) {
		bool version = bit / 16 == PHYR_RECORDING_VERSION_AT / 2 && bit % 16 != 0;

		image.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(attach(image.bytes, image.len, &error),
				 version ? PHYR_E_VERSION : PHYR_E_FORMAT);
		assert_true(error.offset <= image.len && error.reason);
		image.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

/* A number that is put into two lists of "12345", at what is refused, and why. */
static const struct fault {
	size_t at;
	unsigned int len;
	uint64_t value;
	uint64_t offset;
	const char *reason;
} faults[] = {
	{ 0, 2, 0x4850, 0, "not a binary recording" },
	{ 5, 2, 0x1a0a, 5, "damaged in its first bytes" },
	{ 8, 2, 0, 8, "there is no version 0" },
	{ 10, 2, 0x8000, 10, "flags that" },
	{ 16, 8, 0, 16, "a length that no" },
	{ 16, 8, 144, 16, "a length that no" },
	{ 16, 8, LISTS + 9, 16, "a length that no" },
	{ 16, 8, LISTS + 8, LISTS + 8, "more bytes than" },
	{ 16, 8, LISTS + 24, LISTS + 16, "cut short" },
	{ 16, 8, UINT64_MAX - 7, LISTS + 16, "cut short" },
	{ 24, 8, 0, 24, "no buffer" },
	{ 24, 8, 3, 24, "more buffers" },
	{ 24, 8, UINT64_MAX, 24, "more buffers" },
	{ 24, 8, 1, ENTRY, "a list that is not behind" },
	{ ENTRY, 8, LISTS + 8, ENTRY, "a list that is not behind" },
	{ ENTRY, 8, UINT64_MAX, ENTRY, "a list that is not behind" },
	{ ENTRY + 112, 8, LISTS, ENTRY + 112, "a list that is not behind" },
	{ ENTRY + 8, 8, 0, ENTRY + 8, "a list with no bytes" },
	{ ENTRY + 8, 8, 17, ENTRY + 8, "a list with no bytes, or with more" },
	{ ENTRY + 8, 8, UINT64_MAX, ENTRY + 8, "a list with no bytes, or with more" },
	{ ENTRY + 8, 8, 16, ENTRY + 112, "a list that is not behind" },
	{ ENTRY + 8, 8, 4, LISTS + 4, "a gap that is not zero" },
	{ LISTS + 15, 1, 1, LISTS + 15, "a gap that is not zero" },
	{ ENTRY + 16, 1, 0, ENTRY + 16, "a title that is empty" },
	{ ENTRY + 16, 1, ' ', ENTRY + 16, "a title that is empty" },
	{ ENTRY + 17, 1, '\n', ENTRY + 16, "a title that is empty" },
	{ ENTRY + 112 + 16 + 95, 1, 'x', ENTRY + 112 + 16 + 95, "a title with something behind" },
};

static void every_fault_is_refused_with_its_offset_and_reason(void **state)
{
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		const struct fault *fault = &faults[i];

		lay_out(&image, "12345", 5);
		set(&image, fault->at, fault->len, fault->value);
		mend_checksum(&image);
		assert_refused(&image, PHYR_E_FORMAT, fault->offset, fault->reason);
	}
}

static void a_title_without_end_is_refused(void **state)
{
	struct image image;

	(void)state;
	lay_out(&image, "12345", 5);
	memset(image.bytes + ENTRY + 16, 'x', PHYR_RECORDING_TITLE_LEN);
	mend_checksum(&image);
	assert_refused(&image, PHYR_E_FORMAT, ENTRY + 16, "a title that is empty, not printable");
}

static void bytes_that_belong_to_no_buffer_are_refused(void **state)
{
	struct image image;
	size_t len;

	(void)state;
	lay_out(&image, "12345", 5);
	len = image.len;
	image.len += 8;
	set(&image, PHYR_RECORDING_LEN_AT, 8, image.len);
	mend_checksum(&image);
	assert_refused(&image, PHYR_E_FORMAT, len, "bytes that belong to no buffer");
}

static void a_later_version_is_told_apart_from_damage(void **state)
{
	struct image image;

	(void)state;
	lay_out(&image, "12345", 5);
	set(&image, PHYR_RECORDING_VERSION_AT, 2, 2);
	assert_refused(&image, PHYR_E_VERSION, 8, "a recording of a later version");
	image.len = 10; /* it may be of any length */
	assert_refused(&image, PHYR_E_VERSION, 8, "a recording of a later version");
}

static void what_is_no_list_is_refused_where_it_lies(void **state)
{
	struct phyr_recording_error error;
	struct image image;

	(void)state;
	lay_out(&image, "12345", 5);
	assert_int_equal(attach(image.bytes, image.len, &error), PHYR_E_FORMAT);
	assert_in_range(error.offset, LISTS, LISTS + 5);
}

static size_t seal_list(const struct phyr_list *list, unsigned char bytes[IMAGE_MAX])
{
	struct phyr_seal seal;
	size_t len;

	assert_int_equal(phyr_seal_size(list, &len), PHYR_OK);
	assert_int_equal(phyr_seal_write(list, bytes, IMAGE_MAX, &seal), PHYR_OK);
	return len;
}

static void a_list_that_is_empty_or_followed_by_more_is_refused(void **state)
{
	unsigned char bytes[IMAGE_MAX] = { 0 };
	struct fixture *f = *state;
	struct phyr_list empty;
	struct image image;
	size_t len;

	phyr_list_init(&empty, NULL);
	lay_out(&image, bytes, seal_list(&empty, bytes));
	assert_refused(&image, PHYR_E_FORMAT, LISTS, "a buffer without runs");
	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	len = seal_list(&phyr_recording_buffer(f->recording, 0)->list, bytes);
	bytes[len] = 0;
	lay_out(&image, bytes, len + 1);
	assert_refused(&image, PHYR_E_FORMAT, LISTS + len, "bytes behind a sealed list");
}

static void a_list_sealed_by_a_later_version_is_told_apart_from_damage(void **state)
{
	unsigned char bytes[IMAGE_MAX];
	struct fixture *f = *state;
	struct image image;
	size_t len;

	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	len = seal_list(&phyr_recording_buffer(f->recording, 0)->list, bytes);
	phyr_recording_put(bytes + SEAL_VERSION_AT, 2, PHYR_SEAL_VERSION + 1);
	lay_out(&image, bytes, len);
	assert_refused(&image, PHYR_E_VERSION, LISTS + SEAL_VERSION_AT, "");
}

static void a_faulty_list_leaves_nothing_behind(void **state)
{
	unsigned char bytes[IMAGE_MAX];
	struct phyr_recording_error error;
	struct fixture *f = *state;
	struct image image;
	size_t len;

	assert_int_equal(parse_string(f, SMALL), PHYR_OK);
	len = seal_list(&phyr_recording_buffer(f->recording, 0)->list, bytes);
	lay_out(&image, bytes, len);
	image.bytes[LISTS + (len + 7) / 8 * 8] ^= 0xff; /* of the second */
	mend_checksum(&image);
	assert_int_equal(phyr_recording_unpack(f->recording, image.bytes, image.len, &error),
			 PHYR_E_FORMAT);
	assert_int_equal(phyr_recording_cnt(f->recording), 1);
	assert_true(error.offset >= LISTS + len && error.offset <= image.len);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_recording_cut_anywhere_is_refused_where_it_ends),
		CASE(every_changed_bit_is_noticed),
		CASE(every_fault_is_refused_with_its_offset_and_reason),
		CASE(a_title_without_end_is_refused),
		CASE(bytes_that_belong_to_no_buffer_are_refused),
		CASE(a_later_version_is_told_apart_from_damage),
		CASE(what_is_no_list_is_refused_where_it_lies),
		CASE(a_list_that_is_empty_or_followed_by_more_is_refused),
		CASE(a_list_sealed_by_a_later_version_is_told_apart_from_damage),
		CASE(a_faulty_list_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
