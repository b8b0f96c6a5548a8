/* SPDX-License-Identifier: MIT */
/* The check of words from outside; the coding itself is inline in phyr/chunk.h. */

#include <phyr/chunk.h>

/* What is wrong with the words at hand, NULL if nothing. */
static const char *check_pages(const uint64_t *words, unsigned int used)
{
	struct phyr_range run;
	uint64_t again[2];
	uint64_t last;

	/* No 52-bit page number with an order marks more than order 51. */
	if (used == 1 && (~words[0] & phyr_bits_mask(PHYR_CHUNK_ORDER_MAX + 1)) == 0)
		return "order above 51";
	phyr_chunk_decode(words, &run);
	if (used == 1 && run.len >> PHYR_PAGE_LG2 >> phyr_bits_ctz(~words[0]) !=
				 words[0] >> PHYR_CHUNK_CODE_BITS)
		return "run longer than the address space";
	if (!phyr_bits_last(run.pa.addr, run.len, &last))
		return "run is empty or wraps";
	if (run.pa.addr == 0 && last == UINT64_MAX)
		return "run is the whole address space";
	if (phyr_chunk_encode_pages(run, again) != used || again[0] != words[0] ||
	    (used == 2 && again[1] != words[1]))
		return "not the canonical coding of its run";
	return NULL;
}

static const char *check_bytes(const uint64_t *words)
{
	struct phyr_range run;
	uint64_t last;

	phyr_chunk_decode(words, &run);
	if (!phyr_bits_last(run.pa.addr, run.len, &last))
		return "run wraps";
	if (phyr_bits_aligned(run.pa.addr | run.len, PHYR_PAGE_LG2))
		return "whole pages coded as bytes";
	return NULL;
}

static const char *check_tag(uint64_t word)
{
	struct phyr_tag tag = phyr_chunk_decode_tag(word);

	if ((unsigned int)tag.kind >= PHYR_KIND_CNT)
		return "unknown kind of memory";
	if (phyr_chunk_encode_tag(tag) != word)
		return "reserved bits of a tag are set";
	return NULL;
}

static const char *check(const uint64_t *words, size_t avail, unsigned int *ret_used)
{
	enum phyr_chunk_form form;

	if (avail == 0)
		return "no word";
	form = phyr_chunk_form(words[0]);
	*ret_used = form == PHYR_CHUNK_RUN || form == PHYR_CHUNK_BYTES ? 2 : 1;
	if (*ret_used > avail)
		return "second word missing";
	switch (form) {
	case PHYR_CHUNK_NONE:
		return "zero word";
	case PHYR_CHUNK_INVALID:
		return "reserved coding";
	case PHYR_CHUNK_TAG:
		return check_tag(words[0]);
	case PHYR_CHUNK_BYTES:
		return check_bytes(words);
	case PHYR_CHUNK_BLOCKS:
	case PHYR_CHUNK_RUN:
		break;
	}
	return check_pages(words, *ret_used);
}

int phyr_chunk_check(const uint64_t *words, size_t avail, unsigned int *ret_used,
		     const char **ret_reason)
{
	unsigned int used;
	const char *reason;

	if (!words && avail)
		return PHYR_E_INVAL;
	reason = check(words, avail, &used);
	if (reason) {
		if (ret_reason)
			*ret_reason = reason;
		return PHYR_E_FORMAT;
	}
	if (ret_used)
		*ret_used = used;
	return PHYR_OK;
}
