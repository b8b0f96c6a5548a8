/* SPDX-License-Identifier: MIT */
/*
 * The form of lists that packing would not make smaller: their words, as docs/format.md has them.
 *
 * One form is added: a run of bytes that a list would cut into parts is a zero word, its address
 * and its length.
 */

#include <phyr/chunk.h>
#include <phyr/seal.h>

#include "pass.h"

#define WORD_LEN sizeof(uint64_t)
#define WORDS_MAX 4

size_t phyr_seal_words_put(const struct phyr_run *run, const struct phyr_tag *before,
			   struct seal_out *out)
{
	const struct phyr_range range = run->range;
	uint64_t words[WORDS_MAX];
	unsigned int cnt = 0;

	if (!phyr_tag_equal(run->tag, *before))
		words[cnt++] = phyr_chunk_encode_tag(run->tag);
	if (phyr_bits_aligned(range.pa.addr | range.len, PHYR_PAGE_LG2)) {
		cnt += phyr_chunk_encode_pages(range, words + cnt);
	} else if (range.len <= PHYR_CHUNK_BYTES_MAX) {
		cnt += phyr_chunk_encode_bytes(range, words + cnt);
	} else {
		words[cnt++] = 0;
		words[cnt++] = range.pa.addr;
		words[cnt++] = range.len;
	}
	for (unsigned int i = 0; out && i < cnt; i++)
		seal_put(out, words[i], 64);
	return cnt * WORD_LEN;
}

static size_t take_run(const uint64_t *words, unsigned int word_cnt, struct phyr_range *ret_run)
{
	enum phyr_chunk_form form = phyr_chunk_form(words[0]);

	if (form == PHYR_CHUNK_NONE && word_cnt == 3) {
		ret_run->pa.addr = words[1];
		ret_run->len = words[2];
		return 3 * WORD_LEN;
	}
	if (form == PHYR_CHUNK_BLOCKS ||
	    ((form == PHYR_CHUNK_RUN || form == PHYR_CHUNK_BYTES) && word_cnt > 1))
		return phyr_chunk_decode(words, ret_run) * WORD_LEN;
	return 0;
}

size_t phyr_seal_words_take(const unsigned char *bytes, size_t avail, struct phyr_range *ret_run,
			    struct phyr_tag *tag)
{
	uint64_t words[3] = { 0 };
	unsigned int cnt = 0;

	for (; cnt < 3 && avail >= (cnt + 1) * WORD_LEN; cnt++)
		words[cnt] = seal_load(bytes + cnt * WORD_LEN);
	if (cnt == 0)
		return 0;
	if (phyr_chunk_form(words[0]) == PHYR_CHUNK_TAG) {
		*tag = phyr_chunk_decode_tag(words[0]);
		ret_run->len = 0;
		return WORD_LEN;
	}
	return take_run(words, cnt, ret_run);
}
