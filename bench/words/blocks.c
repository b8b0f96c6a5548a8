/* SPDX-License-Identifier: MIT */
/*
 * A page number, the order of a block and a repeat count in one 64-bit word, and three ways to
 * divide its bits: the order marked by the lowest clear bit of the number (the library's own), the
 * order in a field, or the most common orders in the 12 bits that a page's address leaves free.
 */
#include "words.h"

/* The library's: 53 bits for page and order, 11 for the count; all else takes 16 bytes. */

static size_t phyr_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	uint64_t words[2];
	unsigned int cnt = words_whole_pages(*run) ? phyr_chunk_encode_pages(*run, words) :
						     phyr_chunk_encode_bytes(*run, words);

	(void)state;
	memcpy(to, words, cnt * sizeof(*words));
	words_take(run, run->len);
	return cnt * sizeof(*words);
}

static size_t phyr_decode(struct words_state *state, const unsigned char *from,
			  struct phyr_range *ret_piece)
{
	(void)state;
	/* The bytes are those of words, in memory aligned for them. */
	return phyr_chunk_decode((const void *)from, ret_piece) * sizeof(uint64_t);
}

WORDS_SCAN(phyr)

const struct words_form words_phyr = {
	"phyr", "53 + 11 bits, 8/16 B", phyr_encode, phyr_decode, phyr_scan, { 0, 0, false },
};

/*
 * Order field: page 51:0, order 57:52, count − 1 in 62:58. Bit 63: 16 bytes, an address and the
 * bytes or, by bit 62, the pages.
 */
#define ORDER_BIT 52
#define ORDER_COUNT_BIT 58
#define ORDER_COUNT_MAX 32
#define ORDER_LONG_BIT 63
#define ORDER_PAGES_BIT 62

static size_t order_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	uint64_t page = run->pa.addr >> PHYR_PAGE_LG2;
	uint64_t page_cnt = run->len >> PHYR_PAGE_LG2;
	bool pages = words_whole_pages(*run);
	unsigned int order = phyr_bits_ctz(page | page_cnt);

	(void)state;
	if (pages && page_cnt >> order <= ORDER_COUNT_MAX) {
		words_put(to, page | (uint64_t)order << ORDER_BIT |
				      ((page_cnt >> order) - 1) << ORDER_COUNT_BIT);
		words_take(run, run->len);
		return 8;
	}
	words_put(to, UINT64_C(1) << ORDER_LONG_BIT | (uint64_t)pages << ORDER_PAGES_BIT |
			      (pages ? page_cnt : run->len));
	words_put(to + 8, run->pa.addr);
	words_take(run, run->len);
	return 16;
}

static size_t order_decode(struct words_state *state, const unsigned char *from,
			   struct phyr_range *ret_piece)
{
	uint64_t word = words_get(from);

	(void)state;
	if (word >> ORDER_LONG_BIT) {
		ret_piece->pa.addr = words_get(from + 8);
		ret_piece->len = (word & phyr_bits_mask(ORDER_PAGES_BIT))
				 << (word >> ORDER_PAGES_BIT & 1 ? PHYR_PAGE_LG2 : 0);
		return 16;
	}
	*ret_piece = words_pages(word & phyr_bits_mask(ORDER_BIT),
				 ((word >> ORDER_COUNT_BIT) + 1) << (word >> ORDER_BIT & 63));
	return 8;
}

WORDS_SCAN(order)

const struct words_form words_order = {
	"order", "order field, 8/16 B", order_encode, order_decode, order_scan, { 0, 0, false },
};

/*
 * 12 bits below an address: bits 10:7 name one of 16 orders, 6:0 are count − 1. Bit 11: the other
 * 11 bits and 16 more are any order, 26:21, and count − 1. Whole pages only.
 */
#define ESCAPE_BIT 11
#define ESCAPE_ORDER_BIT 7
#define ESCAPE_COUNT_MAX 128
#define ESCAPE_LONG_BIT 21
#define ESCAPE_LONG_MAX (UINT64_C(1) << ESCAPE_LONG_BIT)

/* Up to 32M, 512M and 1G. */
static const unsigned char escape_orders[16] = { 0, 1, 2,  3,  4,  5,  6,  7,
						 8, 9, 10, 11, 12, 13, 17, 18 };

static size_t escape_encode_long(struct phyr_range *run, unsigned int order, unsigned char *to)
{
	uint64_t left = run->len >> PHYR_PAGE_LG2 >> order;
	uint64_t count = left < ESCAPE_LONG_MAX ? left : ESCAPE_LONG_MAX;
	uint64_t bits = (uint64_t)order << ESCAPE_LONG_BIT | (count - 1);
	uint16_t high = (uint16_t)(bits >> ESCAPE_BIT);

	words_put(to,
		  run->pa.addr | UINT64_C(1) << ESCAPE_BIT | (bits & phyr_bits_mask(ESCAPE_BIT)));
	memcpy(to + 8, &high, sizeof(high));
	words_take(run, count << order << PHYR_PAGE_LG2);
	return 10;
}

static size_t escape_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	unsigned int order = phyr_bits_ctz(run->pa.addr | run->len) - PHYR_PAGE_LG2;
	uint64_t index = 15, count;

	(void)state;
	if (!words_whole_pages(*run))
		return 0;
	while (escape_orders[index] > order)
		index--;
	count = run->len >> PHYR_PAGE_LG2 >> escape_orders[index];
	if (count > ESCAPE_COUNT_MAX)
		return escape_encode_long(run, order, to);
	words_put(to, run->pa.addr | index << ESCAPE_ORDER_BIT | (count - 1));
	words_take(run, run->len);
	return 8;
}

static size_t escape_decode(struct words_state *state, const unsigned char *from,
			    struct phyr_range *ret_piece)
{
	uint64_t word = words_get(from);
	uint64_t bits = word & phyr_bits_mask(ESCAPE_BIT);
	uint16_t high;

	(void)state;
	if (word >> ESCAPE_BIT & 1) {
		memcpy(&high, from + 8, sizeof(high));
		bits |= (uint64_t)high << ESCAPE_BIT;
		*ret_piece = words_pages(word >> PHYR_PAGE_LG2, ((bits & (ESCAPE_LONG_MAX - 1)) +
								 1) << (bits >> ESCAPE_LONG_BIT));
		return 10;
	}
	*ret_piece = words_pages(word >> PHYR_PAGE_LG2,
				 ((bits & (ESCAPE_COUNT_MAX - 1)) + 1)
					 << escape_orders[bits >> ESCAPE_ORDER_BIT]);
	return 8;
}

WORDS_SCAN(escape)

const struct words_form words_escape = {
	"escape", "12 bits, 8/10 B", escape_encode, escape_decode, escape_scan, { 0, 0, false },
};
