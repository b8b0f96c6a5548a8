/* SPDX-License-Identifier: MIT */
/*
 * docs/sealed-format.md byte by byte: its example, and what a reader refuses, with the offset and
 * the reason it gives. Not here: damage by chance (prop_seal.c).
 */
#include <stdio.h>

#include <phyr/seal.h>

#include "seal_bytes.h"
#include "seal_world.h"
#include "test.h"

/* Where the header keeps what the tests spoil. */
#define AT_VERSION 8
#define AT_FORM 10
#define AT_KIND 11
#define AT_SIZE 16
#define AT_RUN_CNT 24
#define AT_LEN 32
#define AT_SKIP 48
#define AT_UNIT 52
#define AT_START_WIDTH 53
#define AT_ZERO 55
#define AT_BODY 56

/* A header field of which one byte is spoilt, and what is said of it. */
static const struct {
	size_t at;
	unsigned char byte;
	bool sign; /* with a checksum that is right */
	int err;
	size_t offset;
	const char *reason;
} spoilt[] = {
	{ 0, 'P', false, PHYR_E_FORMAT, 0, "not a sealed list" },
	{ 7, 'L', false, PHYR_E_FORMAT, 7, "not a sealed list" },
	{ AT_VERSION, 2, false, PHYR_E_VERSION, AT_VERSION, "sealed by a later version" },
	{ AT_VERSION, 0, false, PHYR_E_FORMAT, AT_VERSION, "version is 0" },
	{ AT_FORM, 2, true, PHYR_E_FORMAT, AT_FORM, "form is unknown" },
	{ AT_SIZE, 1, true, PHYR_E_FORMAT, AT_SIZE, "size is impossible" },
	{ AT_UNIT, 64, true, PHYR_E_FORMAT, AT_UNIT, "unit of the index is impossible" },
	{ AT_START_WIDTH, 65, true, PHYR_E_FORMAT, AT_START_WIDTH, "index does not fit" },
	{ AT_ZERO, 1, false, PHYR_E_FORMAT, 0, "checksum is wrong" },
	{ AT_ZERO, 1, true, PHYR_E_FORMAT, AT_ZERO, "header does not belong to the runs" },
	{ AT_LEN, 1, true, PHYR_E_FORMAT, AT_LEN, "header does not belong to the runs" },
	{ AT_SKIP, 1, true, PHYR_E_FORMAT, AT_LEN, "header does not belong to the runs" },
	{ AT_KIND, 3, true, PHYR_E_FORMAT, 0, "kind is unknown" },
	{ AT_RUN_CNT, 44, true, PHYR_E_FORMAT, 0, "runs cannot be unpacked" },
	{ AT_BODY + 2, 63, true, PHYR_E_FORMAT, 0, NULL },
};

static void what_was_spoilt_is_named(void **state)
{
	struct world *w = *state;
	unsigned char bytes[BYTES_MAX];
	size_t len;

	fill(w, 90);
	len = seal(w);
	assert_in_range(len, FIXED_LEN, 255);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		struct phyr_seal_error error = { SIZE_MAX, NULL };
		struct phyr_seal there = { .len = 77 };

		memcpy(bytes, w->bytes, len);
		bytes[spoilt[i].at] = spoilt[i].byte;
		if (spoilt[i].sign)
			seal_bytes_sign(bytes, len);
		assert_int_equal(phyr_seal_attach(bytes, len, &there, &error), spoilt[i].err);
		assert_int_equal(phyr_seal_attach(bytes, len, &there, NULL), spoilt[i].err);
		assert_int_equal(there.len, 77);
		assert_true(error.offset <= len);
		if (spoilt[i].reason)
			assert_string_equal(error.reason, spoilt[i].reason);
		if (spoilt[i].offset)
			assert_int_equal(error.offset, spoilt[i].offset);
	}
}

/* Seals of words that no list is written as: two runs, or one that is two words. */
static const struct {
	uint64_t words[4];
	unsigned int word_cnt;
	unsigned int run_cnt;
	uint64_t len;
	size_t offset;
	const char *reason;
} forged[] = {
	{ { 0x20000000000002, 0x20000000000004 },
	  2,
	  2,
	  2 * PAGE,
	  AT_BODY + 16,
	  "neighbouring runs are not joined" },
	{ { 0x10000000000001, UINT64_MAX }, 2, 1, 2, AT_BODY + 16, "run wraps" },
	{ { 0x40fffe00000004 }, 1, 1, 2 * PAGE, AT_BODY, "runs are not packed as they must be" },
	{ { 0x1fffffffffffff }, 1, 1, PAGE, AT_BODY, "runs cannot be unpacked" },
	{ { 0, 0x1800, 0 }, 3, 1, 0, AT_BODY + 24, "runs cannot be unpacked" },
	{ { 0x20000000000002, 0x2000300000000, 0x20000000000008 },
	  3,
	  2,
	  2 * PAGE,
	  AT_BODY + 24,
	  "kind is unknown" },
	{ { 0x20fffe00000004, 0x20000000000008 },
	  2,
	  1,
	  PAGE,
	  AT_SIZE,
	  "header does not belong to the runs" },
	{ { 0x20000000000002, 0x20000000000008, 0x20000000000010, 0x20000000000020 },
	  4,
	  4,
	  4 * PAGE,
	  AT_FORM,
	  "header does not belong to the runs" },
	{ { 0x1000000000000, 0x8, 0x1000000000000, 0x1008 },
	  4,
	  2,
	  0,
	  AT_BODY + 32,
	  "runs are longer than a list can be" },
};

static void put_number(unsigned char *to, uint64_t number)
{
	for (unsigned int i = 0; i < 8; i++)
		to[i] = (unsigned char)(number >> 8 * i);
}

static void runs_that_no_list_has_are_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		struct phyr_seal_error error = { SIZE_MAX, "none" };
		size_t len = FIXED_LEN + 8 * forged[i].word_cnt;

		memset(w->bytes, 0, len);
		memcpy(w->bytes, "phyrseal\1\0\1", 11);
		put_number(w->bytes + AT_SIZE, len);
		put_number(w->bytes + AT_RUN_CNT, forged[i].run_cnt);
		put_number(w->bytes + AT_LEN, forged[i].len);
		for (size_t j = 0; j < forged[i].word_cnt; j++)
			put_number(w->bytes + AT_BODY + 8 * j, forged[i].words[j]);
		seal_bytes_sign(w->bytes, len);
		assert_int_equal(phyr_seal_attach(w->bytes, len, &w->seal, &error), PHYR_E_FORMAT);
		assert_string_equal(error.reason, forged[i].reason);
		assert_int_equal(error.offset, forged[i].offset);
	}
}

/* A line of the document's table of runs: "| `0x…` | `0x…` | kind | provider |". */
static bool parse_run(const char *line, struct phyr_list *list)
{
	unsigned long long addr, len;
	unsigned int kind, provider;

	if (sscanf(line, "| `0x%llx` | `0x%llx` | %u | %u |", &addr, &len, &kind, &provider) != 4)
		return false;
	append_tagged(list, addr, len, (struct phyr_tag){ (enum phyr_kind)kind, provider });
	return true;
}

/* A line of the document's dump: an offset, and up to 16 bytes. */
static size_t parse_bytes(const char *line, unsigned char *bytes, size_t at)
{
	unsigned int offset, byte;
	int used, skip;
	size_t cnt = 0;

	if (sscanf(line, "%2x:%n", &offset, &skip) != 1 || line[2] != ':' || offset != at)
		return 0;
	for (line += skip; sscanf(line, " %2x%n", &byte, &used) == 1; line += used)
		bytes[at + cnt++] = (unsigned char)byte;
	return cnt;
}

static void the_example_of_the_document_is_sealed_so(void **state)
{
	struct world *w = *state;
	FILE *file = fopen(PHYR_SOURCE_ROOT "/docs/sealed-format.md", "r");
	unsigned char expected[BYTES_MAX] = { 0 };
	unsigned int run_cnt = 0;
	size_t len = 0;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		run_cnt += parse_run(line, &w->list);
		len += parse_bytes(line, expected, len);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(run_cnt, 6);
	phyr_list_set_va(&w->list, 0x7f0000000e00);
	assert_int_equal(seal(w), len);
	assert_memory_equal(w->bytes, expected, len);
	assert_int_equal(phyr_seal_attach(expected, len, &w->seal, NULL), PHYR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_spoilt_is_named),
		CASE(runs_that_no_list_has_are_refused),
		CASE(the_example_of_the_document_is_sealed_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
