/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief One run of physical memory as one or two 64-bit words.
 *
 * docs/format.md is the specification of the words; this is its code. A run of equal, naturally
 * aligned blocks costs one word; any other run of pages, or any run of bytes up to 4 PiB, costs
 * two. A tag word changes kind and provider of what follows. A zero word is never a chunk.
 *
 * Inline because list cursors decode in their inner loop, and because the words are frozen by
 * their own document, so inlining freezes nothing else. Not here: sequences of words (list.h).
 */
#ifndef PHYR_CHUNK_H
#define PHYR_CHUNK_H

#include <phyr/base.h>
#include <phyr/bits.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bits of the block code: 52-bit page number and one bit to mark the order. */
#define PHYR_CHUNK_CODE_BITS 53
/** What a word of one page has beside the page's number: count 1, order 0. */
#define PHYR_CHUNK_PAGE (UINT64_C(1) << PHYR_CHUNK_CODE_BITS)
/** Where in the word that is. */
#define PHYR_CHUNK_PAGE_MASK (~((UINT64_C(1) << PHYR_CHUNK_CODE_BITS) - 1) | 1)
/** Largest repeat count of the one-word form. */
#define PHYR_CHUNK_COUNT_MAX UINT64_C(2047)
/** Largest order of a block. [log2 pages] */
#define PHYR_CHUNK_ORDER_MAX 51
/** Bit of a two-word form's first word that marks a run of bytes. */
#define PHYR_CHUNK_BYTES_BIT 52
/** Lowest bit of the subtype of the other count-0 words. */
#define PHYR_CHUNK_SUBTYPE_BIT 48
/** Subtype of a two-word run of pages. */
#define PHYR_CHUNK_SUBTYPE_RUN UINT64_C(1)
/** Subtype of a tag word. */
#define PHYR_CHUNK_SUBTYPE_TAG UINT64_C(2)
/** The longest run of bytes that one chunk holds: 4 PiB. [bytes] */
#define PHYR_CHUNK_BYTES_MAX (UINT64_C(1) << 52)

/** What a word is. */
enum phyr_chunk_form {
	PHYR_CHUNK_NONE,    /**< a zero word: unused storage */
	PHYR_CHUNK_BLOCKS,  /**< one word: count × 2^order pages */
	PHYR_CHUNK_RUN,	    /**< two words: any run of whole pages */
	PHYR_CHUNK_BYTES,   /**< two words: any run of 1 … 2^52 bytes */
	PHYR_CHUNK_TAG,	    /**< one word: kind and provider of what follows */
	PHYR_CHUNK_INVALID, /**< no encoder writes this */
};

/**
 * @brief Tells what a word is by looking at it alone.
 *
 * PHYR_CHUNK_INVALID is what the first word alone shows; phyr_chunk_check() looks at everything.
 *
 * @param[in] word a first word
 * @return its form
 * @complexity O(1)
 * @threads any
 */
static inline enum phyr_chunk_form phyr_chunk_form(uint64_t word)
{
	if (word >> PHYR_CHUNK_CODE_BITS) {
		uint64_t code_max = phyr_bits_mask(PHYR_CHUNK_CODE_BITS);

		/* All ones would be order 53: it has no lowest clear bit to mark one. */
		return (word & code_max) == code_max ? PHYR_CHUNK_INVALID : PHYR_CHUNK_BLOCKS;
	}
	if (word >> PHYR_CHUNK_BYTES_BIT)
		return PHYR_CHUNK_BYTES;
	switch (word >> PHYR_CHUNK_SUBTYPE_BIT) {
	case PHYR_CHUNK_SUBTYPE_RUN:
		return PHYR_CHUNK_RUN;
	case PHYR_CHUNK_SUBTYPE_TAG:
		return PHYR_CHUNK_TAG;
	default:
		return word ? PHYR_CHUNK_INVALID : PHYR_CHUNK_NONE;
	}
}

/**
 * @brief Encodes a run of whole pages in its shortest (canonical) form.
 *
 * @param[in]  range     [bytes] pa and len multiples of 4096, len 4096 … 2^64 − 4096, no wrap
 * @param[out] ret_words one or two words
 * @return how many words: 1 or 2
 * @complexity O(1)
 * @threads any
 */
static inline unsigned int phyr_chunk_encode_pages(struct phyr_range range, uint64_t ret_words[2])
{
	uint64_t page = range.pa.addr >> PHYR_PAGE_LG2;
	uint64_t page_cnt = range.len >> PHYR_PAGE_LG2;
	unsigned int order = phyr_bits_ctz(page | page_cnt);
	uint64_t count = page_cnt >> order;

	if (count <= PHYR_CHUNK_COUNT_MAX) {
		ret_words[0] = count << PHYR_CHUNK_CODE_BITS | page << 1 | phyr_bits_mask(order);
		return 1;
	}
	ret_words[0] = PHYR_CHUNK_SUBTYPE_RUN << PHYR_CHUNK_SUBTYPE_BIT |
		       (page_cnt & phyr_bits_mask(PHYR_CHUNK_SUBTYPE_BIT));
	ret_words[1] = range.pa.addr | page_cnt >> PHYR_CHUNK_SUBTYPE_BIT;
	return 2;
}

/**
 * @brief Encodes a run of bytes.
 *
 * @param[in]  range     [bytes] len 1 … PHYR_CHUNK_BYTES_MAX, no wrap
 * @param[out] ret_words two words
 * @return how many words: 2
 * @complexity O(1)
 * @threads any
 */
static inline unsigned int phyr_chunk_encode_bytes(struct phyr_range range, uint64_t ret_words[2])
{
	ret_words[0] = UINT64_C(1) << PHYR_CHUNK_BYTES_BIT | (range.len - 1);
	ret_words[1] = range.pa.addr;
	return 2;
}

/**
 * @brief Encodes a tag.
 *
 * @param[in] tag kind 0 … PHYR_KIND_CNT − 1 and any provider
 * @return one word
 * @complexity O(1)
 * @threads any
 */
static inline uint64_t phyr_chunk_encode_tag(struct phyr_tag tag)
{
	return PHYR_CHUNK_SUBTYPE_TAG << PHYR_CHUNK_SUBTYPE_BIT | (uint64_t)tag.kind << 32 |
	       tag.provider;
}

/**
 * @brief Decodes a tag word.
 *
 * @param[in] word of form PHYR_CHUNK_TAG
 * @return the tag
 * @complexity O(1)
 * @threads any
 */
static inline struct phyr_tag phyr_chunk_decode_tag(uint64_t word)
{
	struct phyr_tag tag;

	tag.kind = (enum phyr_kind)(word >> 32 & 0xff);
	tag.provider = (uint32_t)word;
	return tag;
}

/**
 * @brief The page of a word that is one: of which the bits of PHYR_CHUNK_PAGE_MASK are PHYR_CHUNK_PAGE.
 *
 * @param[in] word such a word
 * @return its address
 * @complexity O(1)
 * @threads any
 */
static inline phyr_pa phyr_chunk_page(uint64_t word)
{
	return phyr_pa_at(word << (64 - PHYR_CHUNK_CODE_BITS));
}

/**
 * @brief Decodes the word or words of a run.
 *
 * @param[in]  words   one word of form PHYR_CHUNK_BLOCKS, or two of form _RUN or _BYTES
 * @param[out] ret_run the run
 * @return how many words were used: 1 or 2
 * @complexity O(1)
 * @threads any
 */
static inline unsigned int phyr_chunk_decode(const uint64_t *words, struct phyr_range *ret_run)
{
	uint64_t word = words[0];
	uint64_t code = word & phyr_bits_mask(PHYR_CHUNK_CODE_BITS);
	uint64_t page_cnt;

	if (word >> PHYR_CHUNK_CODE_BITS) {
		unsigned int order = phyr_bits_ctz(~code);

		/* Clearing the run of low ones leaves 2 × the page number. */
		ret_run->pa.addr = (code & (code + 1)) << (PHYR_PAGE_LG2 - 1);
		ret_run->len = (word >> PHYR_CHUNK_CODE_BITS) << order << PHYR_PAGE_LG2;
		return 1;
	}
	if (word >> PHYR_CHUNK_BYTES_BIT) {
		ret_run->pa.addr = words[1];
		ret_run->len = (word & phyr_bits_mask(PHYR_CHUNK_BYTES_BIT)) + 1;
		return 2;
	}
	page_cnt = (word & phyr_bits_mask(PHYR_CHUNK_SUBTYPE_BIT)) |
		   (words[1] & 15) << PHYR_CHUNK_SUBTYPE_BIT;
	ret_run->pa.addr = phyr_bits_down(words[1], PHYR_PAGE_LG2);
	ret_run->len = page_cnt << PHYR_PAGE_LG2;
	return 2;
}

/**
 * @brief Checks words from outside against every rule of docs/format.md.
 *
 * Accepts exactly what the encoders write: one canonical coding for every run and tag.
 *
 * @param[in]  words      the words; may be NULL when avail is 0
 * @param[in]  avail      [words] how many may be read
 * @param[out] ret_used   [words] 1 or 2; written only on PHYR_OK; may be NULL
 * @param[out] ret_reason a constant sentence; written only on PHYR_E_FORMAT; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL  words is NULL although avail is not 0
 * @return PHYR_E_FORMAT not a chunk: the reason says why
 * @complexity O(1)
 * @threads any
 * @source docs/format.md
 */
PHYR_API PHYR_NODISCARD int phyr_chunk_check(const uint64_t *words, size_t avail,
					     unsigned int *ret_used, const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
