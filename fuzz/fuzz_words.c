/* SPDX-License-Identifier: MIT */
/*
 * Property: phyr_chunk_check() accepts exactly what the encoders write. Any words are accepted and
 * come back the same from what they decode to, or are refused with a reason; and what is encoded
 * from any run or tag is accepted.
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/chunk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Encodes what words of a known form decode to. */
static unsigned int encode_again(const uint64_t *words, uint64_t again[2])
{
	enum phyr_chunk_form form = phyr_chunk_form(words[0]);
	struct phyr_range run;
	unsigned int used;
	uint64_t last;

	if (form == PHYR_CHUNK_TAG) {
		again[0] = phyr_chunk_encode_tag(phyr_chunk_decode_tag(words[0]));
		return 1;
	}
	used = phyr_chunk_decode(words, &run);
	require(phyr_bits_last(run.pa.addr, run.len, &last));
	if (form == PHYR_CHUNK_BYTES)
		require(phyr_chunk_encode_bytes(run, again) == used);
	else
		require(phyr_chunk_encode_pages(run, again) == used);
	return used;
}

/* How many words were taken; 1 when they were refused. */
static unsigned int check_words(const uint64_t *words, size_t avail)
{
	const char *reason = NULL;
	uint64_t again[2];
	unsigned int used = 0;
	int err = phyr_chunk_check(words, avail, &used, &reason);

	require(phyr_chunk_check(words, avail, NULL, NULL) == err);
	if (err) {
		require(err == PHYR_E_FORMAT && reason && used == 0);
		return 1;
	}
	require(!reason && (used == 1 || used == 2) && used <= avail);
	require(encode_again(words, again) == used);
	require(memcmp(words, again, used * sizeof(*words)) == 0);
	require(phyr_chunk_check(words, used - 1, NULL, NULL) == PHYR_E_FORMAT);
	return used;
}

static void require_accepted(const uint64_t *words, unsigned int cnt)
{
	unsigned int used;

	require(phyr_chunk_check(words, cnt, &used, NULL) == PHYR_OK && used == cnt);
}

static void check_encoders(uint64_t addr, uint64_t len)
{
	struct phyr_range bytes = { phyr_pa_at(addr), len % PHYR_CHUNK_BYTES_MAX + 1 };
	struct phyr_range pages = { phyr_pa_at(phyr_bits_down(addr, PHYR_PAGE_LG2)),
				    phyr_bits_down(len, PHYR_PAGE_LG2) };
	struct phyr_tag tag = { (enum phyr_kind)(addr % PHYR_KIND_CNT), (uint32_t)len };
	uint64_t words[2], last;

	words[0] = phyr_chunk_encode_tag(tag);
	require_accepted(words, 1);
	if (phyr_bits_last(pages.pa.addr, pages.len, &last))
		require_accepted(words, phyr_chunk_encode_pages(pages, words));
	if (phyr_bits_last(bytes.pa.addr, bytes.len, &last) &&
	    !phyr_bits_aligned(bytes.pa.addr | bytes.len, PHYR_PAGE_LG2))
		require_accepted(words, phyr_chunk_encode_bytes(bytes, words));
}

/* Little-endian, so that an input means the same everywhere. */
static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word = 0;

	for (unsigned int i = 8; i-- > 0;)
		word = word << 8 | bytes[i];
	return word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cnt = size / sizeof(uint64_t);
	uint64_t *words = malloc(cnt ? cnt * sizeof(*words) : 1);

	require(words != NULL);
	for (size_t i = 0; i < cnt; i++)
		words[i] = word_at(data + i * sizeof(*words));
	require(phyr_chunk_check(NULL, 0, NULL, NULL) == PHYR_E_FORMAT);
	for (size_t i = 0; i < cnt;)
		i += check_words(words + i, cnt - i);
	for (size_t i = 1; i < cnt; i++)
		check_encoders(words[i - 1], words[i]);
	free(words);
	return 0;
}
