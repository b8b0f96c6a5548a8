/* SPDX-License-Identifier: MIT */
/* The worked examples of docs/format.md, parsed from the document and checked line by line. */

#include <stdio.h>

#include <phyr/chunk.h>

#include "test.h"

/* One example: what is coded, and its words. */
struct example {
	char what[16];
	uint64_t first;
	uint64_t second;
	uint64_t words[2];
	unsigned int word_cnt;
};

/* A line "| page 0x1, 3 pages | `0x…` |" or "| kind 1, provider 7 | `0x…` |"; false for others. */
static bool parse(const char *line, struct example *e)
{
	const char *comma = strchr(line, ',');
	const char *words = strstr(line, "`0x");
	char *end;

	if (!comma || !words || sscanf(line, "| %15s ", e->what) != 1)
		return false;
	e->first = strtoull(line + strlen("| ") + strlen(e->what), NULL, 0);
	e->second = strtoull(comma + strcspn(comma, "0123456789"), NULL, 0);
	e->words[0] = strtoull(words + 1, &end, 16);
	e->word_cnt = *end == ' ' ? 2 : 1;
	e->words[1] = e->word_cnt == 2 ? strtoull(end, NULL, 16) : 0;
	return true;
}

static unsigned int example_cnt(const char *what, void (*check)(const struct example *))
{
	FILE *file = fopen(PHYR_SOURCE_ROOT "/docs/format.md", "r");
	unsigned int cnt = 0;
	struct example e;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!parse(line, &e) || strcmp(e.what, what) != 0)
			continue;
		check(&e);
		cnt++;
	}
	assert_int_equal(fclose(file), 0);
	return cnt;
}

static void check_run(const struct example *e, struct phyr_range range, unsigned int word_cnt,
		      const uint64_t words[2])
{
	struct phyr_range again;
	unsigned int used;

	assert_int_equal(word_cnt, e->word_cnt);
	assert_memory_equal(words, e->words, word_cnt * sizeof(*words));
	assert_int_equal(phyr_chunk_check(e->words, word_cnt, &used, NULL), PHYR_OK);
	assert_int_equal(used, word_cnt);
	assert_int_equal(phyr_chunk_decode(e->words, &again), word_cnt);
	assert_int_equal(again.pa.addr, range.pa.addr);
	assert_int_equal(again.len, range.len);
}

static void check_pages(const struct example *e)
{
	struct phyr_range range = { { e->first << 12 }, e->second << 12 };
	uint64_t words[2];
	unsigned int word_cnt = phyr_chunk_encode_pages(range, words);

	check_run(e, range, word_cnt, words);
}

static void check_bytes(const struct example *e)
{
	struct phyr_range range = { { e->first }, e->second };
	uint64_t words[2];
	unsigned int word_cnt = phyr_chunk_encode_bytes(range, words);

	check_run(e, range, word_cnt, words);
}

static void check_tag(const struct example *e)
{
	struct phyr_tag tag = { (enum phyr_kind)e->first, (uint32_t)e->second };
	struct phyr_tag again = phyr_chunk_decode_tag(e->words[0]);

	assert_int_equal(e->word_cnt, 1);
	assert_int_equal(phyr_chunk_encode_tag(tag), e->words[0]);
	assert_int_equal(phyr_chunk_check(e->words, 1, NULL, NULL), PHYR_OK);
	assert_int_equal(again.kind, tag.kind);
	assert_int_equal(again.provider, tag.provider);
}

static void every_run_of_pages_in_the_document_is_coded_so(void **state)
{
	(void)state;
	assert_int_equal(example_cnt("page", check_pages), 13);
}

static void every_run_of_bytes_in_the_document_is_coded_so(void **state)
{
	(void)state;
	assert_int_equal(example_cnt("address", check_bytes), 2);
}

static void every_tag_in_the_document_is_coded_so(void **state)
{
	(void)state;
	assert_int_equal(example_cnt("kind", check_tag), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_of_pages_in_the_document_is_coded_so),
		cmocka_unit_test(every_run_of_bytes_in_the_document_is_coded_so),
		cmocka_unit_test(every_tag_in_the_document_is_coded_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
