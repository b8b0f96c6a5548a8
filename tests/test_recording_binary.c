/* SPDX-License-Identifier: MIT */
/*
 * Binary recordings as docs/recording-format.md has them: the worked example to the byte, the
 * checksum, what is read where it lies and what is unpacked.
 *
 * Not here: bytes that are none (test_recording_damage.c).
 */
#define _XOPEN_SOURCE 700

#include <phyr/recording.h>

#include "../src/recording/recording.h"
#include "recording_world.h"
#include "test.h"

static void a_missing_argument_is_refused(void **state)
{
	struct fixture *f = *state;
	struct phyr_recording_image attached;
	struct image image;
	struct phyr_seal seal;

	pack_example(f, &image);
	assert_int_equal(phyr_recording_attach(NULL, 0, &attached, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_attach(image.bytes, image.len, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_attach(image.bytes, image.len, &attached, NULL), PHYR_OK);
	assert_int_equal(phyr_recording_image_seal(NULL, 0, &seal, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_recording_image_seal(&attached, 0, NULL, NULL), PHYR_E_INVAL);
}

static size_t take_hex(const char *line, unsigned char *bytes)
{
	size_t cnt = 0;
	unsigned int byte;
	int used;

	while (sscanf(line, " %2x%n", &byte, &used) == 1) {
		bytes[cnt++] = (unsigned char)byte;
		line += used;
	}
	return cnt;
}

/* The lines "0x0010: 68 01 …" of the document, one behind the other. */
static void read_document(struct image *image)
{
	FILE *file = fopen(PHYR_SOURCE_ROOT "/docs/recording-format.md", "r");
	unsigned int at;
	char line[256];
	int used;

	assert_non_null(file);
	image->len = 0;
	while (fgets(line, sizeof(line), file)) {
		used = 0;
		if (sscanf(line, "0x%x:%n", &at, &used) != 1 || !used)
			continue;
		assert_int_equal(at, image->len);
		assert_true(image->len + sizeof(line) / 2 < IMAGE_MAX);
		image->len += take_hex(line + used, image->bytes + image->len);
	}
	assert_int_equal(fclose(file), 0);
}

static void the_worked_example_of_the_specification_is_written(void **state)
{
	struct image image, want;

	read_document(&want);
	pack_example(*state, &image);
	assert_int_equal(image.len, want.len);
	assert_memory_equal(image.bytes, want.bytes, want.len);
}

static void assert_same_runs(const struct phyr_seal *seal, const struct phyr_list *list)
{
	struct phyr_seal_cursor at_seal;
	struct phyr_list_cursor at_list;
	struct phyr_run a, b;

	assert_int_equal(phyr_seal_va(seal), phyr_list_va(list));
	assert_int_equal(phyr_seal_len(seal), phyr_list_len(list));
	phyr_seal_begin(seal, &at_seal);
	phyr_list_begin(list, &at_list);
	while (phyr_list_next(&at_list, &a)) {
		assert_true(phyr_seal_next(&at_seal, &b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_false(phyr_seal_next(&at_seal, &b));
}

static void lists_are_read_where_they_lie_at_any_address(void **state)
{
	static unsigned char shifted[8 + IMAGE_MAX];
	struct fixture *f = *state;
	struct phyr_recording_image attached;
	struct phyr_seal seal;
	struct image image;

	pack_example(f, &image);
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(shifted + shift, image.bytes, image.len);
		assert_int_equal(phyr_recording_attach(shifted + shift, image.len, &attached, NULL),
				 PHYR_OK);
		assert_int_equal(phyr_recording_image_cnt(&attached), 2);
		for (size_t i = 0; i < 2; i++) {
			const struct phyr_recording_buffer *want;

			want = phyr_recording_buffer(f->recording, i);
			assert_string_equal(phyr_recording_image_title(&attached, i), want->title);
			assert_int_equal(phyr_recording_image_seal(&attached, i, &seal, NULL),
					 PHYR_OK);
			assert_same_runs(&seal, &want->list);
		}
	}
}

static void there_is_no_buffer_beyond_the_last(void **state)
{
	struct phyr_recording_error error = { 7, "untouched", 7, 7 };
	struct phyr_recording_image attached;
	struct phyr_seal seal = { .run_cnt = 7 };
	struct image image;

	pack_example(*state, &image);
	assert_int_equal(phyr_recording_attach(image.bytes, image.len, &attached, &error), PHYR_OK);
	assert_null(phyr_recording_image_title(&attached, 2));
	assert_null(phyr_recording_image_title(&attached, SIZE_MAX));
	assert_int_equal(phyr_recording_image_seal(&attached, 2, &seal, &error), PHYR_E_NOENT);
	assert_int_equal(seal.run_cnt, 7);
	assert_string_equal(error.reason, "untouched");
}

static void what_is_unpacked_is_what_was_packed(void **state)
{
	struct fixture *f = *state;
	struct image image, again;

	pack_example(f, &image);
	phyr_recording_truncate(f->recording, 0);
	assert_int_equal(phyr_recording_unpack(f->recording, image.bytes, image.len, NULL),
			 PHYR_OK);
	assert_example(f->recording, 0);
	assert_true(phyr_list_validate(&phyr_recording_buffer(f->recording, 0)->list, NULL));
	pack(f, &again);
	assert_int_equal(again.len, image.len);
	assert_memory_equal(again.bytes, image.bytes, image.len);
}

static uint32_t crc_bit_by_bit(uint32_t crc, const unsigned char *bytes, size_t len)
{
	crc = ~crc;
	for (size_t bit = 0; bit < 8 * len; bit++) {
		crc ^= (uint32_t)bytes[bit / 8] >> bit % 8 & 1;
		crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

static void the_checksum_is_crc32c_of_all_with_its_own_field_zero(void **state)
{
	unsigned char bytes[300], zeroed[300];
	uint64_t random = 1;

	(void)state;
	assert_int_equal(crc_bit_by_bit(0, (const unsigned char *)"123456789", 9), 0xe3069283);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)test_random(&random);
	memcpy(zeroed, bytes, sizeof(bytes));
	memset(zeroed + 12, 0, 4);
	for (size_t len = PHYR_RECORDING_HEAD_LEN; len <= sizeof(bytes); len++)
		assert_int_equal(phyr_recording_crc(bytes, len), crc_bit_by_bit(0, zeroed, len));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_missing_argument_is_refused),
		CASE(the_worked_example_of_the_specification_is_written),
		CASE(lists_are_read_where_they_lie_at_any_address),
		CASE(there_is_no_buffer_beyond_the_last),
		CASE(what_is_unpacked_is_what_was_packed),
		CASE(the_checksum_is_crc32c_of_all_with_its_own_field_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
