/* SPDX-License-Identifier: MIT */
/*
 * Entries that are read as they stand: an address and a length in 12 or 16 bytes, and the kernel's
 * scatterlist of a device that said nothing of its segments.
 */
#include "words.h"

/* 12 bytes: an address and 31 bits of bytes or, by bit 31, of pages. */
#define FIXED12_PAGES (UINT32_C(1) << 31)
#define FIXED12_MAX (FIXED12_PAGES - 1)

static size_t fixed12_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	unsigned int lg2 = words_whole_pages(*run) ? PHYR_PAGE_LG2 : 0;
	uint64_t left = run->len >> lg2;
	uint32_t cnt = left < FIXED12_MAX ? (uint32_t)left : FIXED12_MAX;

	(void)state;
	words_put(to, run->pa.addr);
	words_put32(to + 8, lg2 ? cnt | FIXED12_PAGES : cnt);
	words_take(run, (uint64_t)cnt << lg2);
	return 12;
}

static size_t fixed12_decode(struct words_state *state, const unsigned char *from,
			     struct phyr_range *ret_piece)
{
	uint32_t cnt = words_get32(from + 8);

	(void)state;
	ret_piece->pa.addr = words_get(from);
	ret_piece->len = (uint64_t)(cnt & FIXED12_MAX) << (cnt & FIXED12_PAGES ? PHYR_PAGE_LG2 : 0);
	return 12;
}

WORDS_SCAN(fixed12)

const struct words_form words_fixed12 = {
	"fixed12", "12 B", fixed12_encode, fixed12_decode, fixed12_scan, { 0, 0, false },
};

/* 16 bytes: struct phys_vec, and struct phyr_range. */

static size_t addr_len_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	(void)state;
	words_put(to, run->pa.addr);
	words_put(to + 8, run->len);
	words_take(run, run->len);
	return 16;
}

static size_t addr_len_decode(struct words_state *state, const unsigned char *from,
			      struct phyr_range *ret_piece)
{
	(void)state;
	ret_piece->pa.addr = words_get(from);
	ret_piece->len = words_get(from + 8);
	return 16;
}

WORDS_SCAN(addr_len)

const struct words_form words_addr_len = {
	"addr_len",	 "{addr, len}, 16 B", addr_len_encode,
	addr_len_decode, addr_len_scan,	      { 0, 0, false },
};

/*
 * struct scatterlist: page and flags 8, offset 4, length 4, I/O address 8, and where the kernel is
 * configured for it, I/O length 4 and flags 4. Segments are filled up to 64 KiB of whole pages.
 * The I/O half is left zero: it describes no memory.
 */
#define SG_SEGMENT_MAX 65536

static size_t sg_encode(struct phyr_range *run, unsigned char *to, size_t entry_len)
{
	uint32_t offset = (uint32_t)(run->pa.addr & phyr_bits_mask(PHYR_PAGE_LG2));
	uint64_t len = run->len;

	if (len > SG_SEGMENT_MAX - offset)
		len = SG_SEGMENT_MAX - offset;
	memset(to, 0, entry_len);
	words_put(to, run->pa.addr >> PHYR_PAGE_LG2);
	words_put32(to + 8, offset);
	words_put32(to + 12, (uint32_t)len);
	words_take(run, len);
	return entry_len;
}

static inline void sg_decode(const unsigned char *from, struct phyr_range *ret_piece)
{
	ret_piece->pa.addr = (words_get(from) << PHYR_PAGE_LG2) + words_get32(from + 8);
	ret_piece->len = words_get32(from + 12);
}

static size_t sg32_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	(void)state;
	return sg_encode(run, to, 32);
}

static size_t sg32_decode(struct words_state *state, const unsigned char *from,
			  struct phyr_range *ret_piece)
{
	(void)state;
	sg_decode(from, ret_piece);
	return 32;
}

WORDS_SCAN(sg32)

const struct words_form words_sg32 = {
	"sg32", "scatterlist, 32 B", sg32_encode, sg32_decode, sg32_scan, { 4096, 32, true },
};

static size_t sg24_encode(struct words_state *state, struct phyr_range *run, unsigned char *to)
{
	(void)state;
	return sg_encode(run, to, 24);
}

static size_t sg24_decode(struct words_state *state, const unsigned char *from,
			  struct phyr_range *ret_piece)
{
	(void)state;
	sg_decode(from, ret_piece);
	return 24;
}

WORDS_SCAN(sg24)

const struct words_form words_sg24 = {
	"sg24", "scatterlist, 24 B", sg24_encode, sg24_decode, sg24_scan, { 4096, 24, true },
};
