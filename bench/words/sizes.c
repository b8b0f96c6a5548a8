/* SPDX-License-Identifier: MIT */
/*
 * Entries of several sizes, the smallest that fits each run: those that were proposed for the
 * kernel in 2022 (8/12) and 2023 (8/16/24), and bytes as small as they get without packing bits.
 */
#include "words.h"

/*
 * 8/12: page 51:0, order 56:52, mode 63:62. Mode 0 is one block; mode 1 has a 32-bit count of
 * blocks behind it; mode 2 has the offset in the page, 11:0, and 20 of 25 bits of a length in
 * bytes behind it, the other 5 in place of the order.
 */
#define COUNTED_ORDER_BIT 52
#define COUNTED_ORDER_MAX 31
#define COUNTED_MODE_BIT 62
#define COUNTED_BYTES_MAX ((UINT64_C(1) << 25) - 1)

enum counted_mode { COUNTED_BLOCK, COUNTED_BLOCKS, COUNTED_BYTES };

static size_t counted_put(enum counted_mode mode, uint64_t page, uint64_t order, uint32_t more,
			  unsigned char *to)
{
	words_put(to, (uint64_t)mode << COUNTED_MODE_BIT | order << COUNTED_ORDER_BIT | page);
	if (mode == COUNTED_BLOCK)
		return 8;
	words_put32(to + 8, more);
	return 12;
}

static size_t counted_encode_bytes(struct phyr_range *run, unsigned char *to)
{
	uint64_t page = run->pa.addr >> PHYR_PAGE_LG2;
	uint64_t offset = run->pa.addr & phyr_bits_mask(PHYR_PAGE_LG2);
	uint64_t len = run->len < COUNTED_BYTES_MAX ? run->len : COUNTED_BYTES_MAX;
	uint32_t more = (uint32_t)(len << PHYR_PAGE_LG2 | offset);

	words_take(run, len);
	return counted_put(COUNTED_BYTES, page, len >> 20, more, to);
}

static size_t counted_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	unsigned int order = phyr_bits_ctz(run->pa.addr | run->len) - PHYR_PAGE_LG2;
	uint64_t page = run->pa.addr >> PHYR_PAGE_LG2;
	uint64_t count;

	(void)state;
	if (!words_whole_pages(*run))
		return counted_encode_bytes(run, to);
	order = order < COUNTED_ORDER_MAX ? order : COUNTED_ORDER_MAX;
	count = run->len >> PHYR_PAGE_LG2 >> order;
	count = count < UINT32_MAX ? count : UINT32_MAX;
	words_take(run, count << order << PHYR_PAGE_LG2);
	return counted_put(count == 1 ? COUNTED_BLOCK : COUNTED_BLOCKS, page, order,
			   (uint32_t)count, to);
}

static size_t counted_decode(struct words_state *state, const unsigned char *from,
			     struct phyr_range *ret_piece)
{
	uint64_t word = words_get(from);
	uint64_t page = word & phyr_bits_mask(COUNTED_ORDER_BIT);
	unsigned int order = word >> COUNTED_ORDER_BIT & 31;
	uint32_t more;

	(void)state;
	if (word >> COUNTED_MODE_BIT == COUNTED_BLOCK) {
		*ret_piece = words_pages(page, UINT64_C(1) << order);
		return 8;
	}
	more = words_get32(from + 8);
	if (word >> COUNTED_MODE_BIT == COUNTED_BLOCKS) {
		*ret_piece = words_pages(page, (uint64_t)more << order);
		return 12;
	}
	ret_piece->pa.addr = page << PHYR_PAGE_LG2 | (more & phyr_bits_mask(PHYR_PAGE_LG2));
	ret_piece->len = (uint64_t)order << 20 | more >> PHYR_PAGE_LG2;
	return 12;
}

WORDS_SCAN(counted)

const struct words_form words_counted = {
	"counted", "8/12 B", counted_encode, counted_decode, counted_scan, { 0, 0, false },
};

/*
 * 8/16/24, in pieces of 512 bytes: 2 bits tell the size, 2 the unit (bytes or pages), and then a
 * length and a base of 28 + 32, 36 + 64 or 60 + 64 bits. The offset and extra bits of the larger
 * ones are not needed here and stay zero.
 */
#define RLIST_LEN_BIT 4
#define RLIST_SHORT_BIT 32

static size_t rlist_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	unsigned int lg2 = words_whole_pages(*run) ? PHYR_PAGE_LG2 : 0;
	uint64_t base = run->pa.addr >> lg2;
	uint64_t len = run->len >> lg2;
	uint64_t size = base >> 32 == 0 && len >> 28 == 0 ? 0 : len >> 36 == 0 ? 1 : 2;
	uint64_t word = size | (uint64_t)(lg2 != 0) << 2 | len << RLIST_LEN_BIT;

	(void)state;
	if (len >> 60)
		return 0;
	words_put(to, size ? word : word | base << RLIST_SHORT_BIT);
	if (size > 0)
		words_put(to + 8, base);
	if (size > 1)
		words_put(to + 16, 0);
	words_take(run, run->len);
	return 8 * (size + 1);
}

static size_t rlist_decode(struct words_state *state, const unsigned char *from,
			   struct phyr_range *ret_piece)
{
	uint64_t word = words_get(from);
	unsigned int lg2 = word & 4 ? PHYR_PAGE_LG2 : 0;
	uint64_t size = word & 3;

	(void)state;
	if (size) {
		ret_piece->pa.addr = words_get(from + 8) << lg2;
		ret_piece->len = word >> RLIST_LEN_BIT << lg2;
	} else {
		ret_piece->pa.addr = word >> RLIST_SHORT_BIT << lg2;
		ret_piece->len = (word & phyr_bits_mask(RLIST_SHORT_BIT)) >> RLIST_LEN_BIT << lg2;
	}
	return 8 * (size + 1);
}

WORDS_SCAN(rlist)

const struct words_form words_rlist = {
	"rlist", "rlist-like, 8/16/24 B", rlist_encode, rlist_decode, rlist_scan, { 512, 8, false },
};

/*
 * LEB128, seven bits a byte: the zigzag distance from the page behind the run before, with a low
 * bit for "more than one page", and then the pages less 2. It can only be read from its start.
 * Whole pages only.
 */

static size_t leb128_put(uint64_t value, unsigned char *to)
{
	size_t len = 0;

	for (; value >> 7; value >>= 7)
		to[len++] = (unsigned char)(value | 0x80);
	to[len++] = (unsigned char)value;
	return len;
}

static inline size_t leb128_get(const unsigned char *from, uint64_t *ret_value)
{
	size_t len = 0;
	uint64_t value = 0;

	do
		value |= (uint64_t)(from[len] & 0x7f) << 7 * len;
	while (from[len++] & 0x80);
	*ret_value = value;
	return len;
}

static size_t leb128_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	uint64_t page = run->pa.addr >> PHYR_PAGE_LG2;
	uint64_t page_cnt = run->len >> PHYR_PAGE_LG2;
	uint64_t distance = page - state->page;
	uint64_t zigzag = distance << 1 ^ (0 - (distance >> 63));
	size_t len;

	if (!words_whole_pages(*run))
		return 0;
	len = leb128_put(zigzag << 1 | (page_cnt > 1), to);
	if (page_cnt > 1)
		len += leb128_put(page_cnt - 2, to + len);
	state->page = page + page_cnt;
	words_take(run, run->len);
	return len;
}

static size_t leb128_decode(struct words_state *state, const unsigned char *from,
			    struct phyr_range *ret_piece)
{
	uint64_t distance, page_cnt = 1;
	size_t len = leb128_get(from, &distance);

	if (distance & 1) {
		len += leb128_get(from + len, &page_cnt);
		page_cnt += 2;
	}
	distance >>= 1;
	distance = distance >> 1 ^ (0 - (distance & 1));
	*ret_piece = words_pages(state->page + distance, page_cnt);
	state->page += distance + page_cnt;
	return len;
}

WORDS_SCAN(leb128)

const struct words_form words_leb128 = {
	"leb128", "LEB128", leb128_encode, leb128_decode, leb128_scan, { 0, 0, false },
};
