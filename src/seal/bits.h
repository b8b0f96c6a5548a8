/* SPDX-License-Identifier: MIT */
/*
 * Streams of bits in bytes, lowest bit first, whatever the host's byte order.
 *
 * Reading takes eight bytes at once and may so look at up to seven bytes behind a field: the
 * trailer of a seal is there for that. Writing either stores bytes or compares them with what is
 * there already, so that checking a seal and writing one are the same code.
 */
#ifndef PHYR_SEAL_BITS_H
#define PHYR_SEAL_BITS_H

#include <phyr/bits.h>

/* The widest field that one load of eight bytes holds wherever it starts in its first byte. */
#define SEAL_LOAD_BITS 56

/* Little-endian numbers at any address; compilers make one load or store of the loop. */
static inline uint64_t seal_load(const unsigned char *from)
{
	return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 |
	       (uint64_t)from[3] << 24 | (uint64_t)from[4] << 32 | (uint64_t)from[5] << 40 |
	       (uint64_t)from[6] << 48 | (uint64_t)from[7] << 56;
}

static inline void seal_store(unsigned char *to, uint64_t value, unsigned int byte_cnt)
{
	for (unsigned int i = 0; i < byte_cnt; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* Bits that a number needs: 0 for 0. */
static inline unsigned int seal_width(uint64_t value)
{
	return value ? phyr_bits_log2(value) + 1 : 0;
}

/* The lowest bits of a number. */
static inline uint64_t seal_low(uint64_t value, unsigned int width)
{
	return width < 64 ? value & phyr_bits_mask(width) : value;
}

/* A field of 0 … 64 bits. */
static inline uint64_t seal_bits(const unsigned char *bytes, uint64_t bit, unsigned int width)
{
	const unsigned char *from = bytes + (size_t)(bit >> 3);
	unsigned int skip = bit & 7;
	uint64_t value = seal_load(from) >> skip;

	if (skip + width > 64)
		value |= (uint64_t)from[8] << (64 - skip);
	return seal_low(value, width);
}

/* Numbers of both signs as numbers that are small when they are near 0. */
static inline uint64_t seal_zigzag(uint64_t value)
{
	return value >> 63 ? ~value << 1 | 1 : value << 1;
}

static inline uint64_t seal_unzigzag(uint64_t code)
{
	return code >> 1 ^ (0 - (code & 1));
}

/* Fields read in order; what is behind the limit is never read. */
struct seal_in {
	const unsigned char *bytes;
	uint32_t bit;	/* of the next field */
	uint32_t limit; /* [bits] */
	bool short_of;	/* a field reached behind the limit, and was taken for 0 */
};

static inline uint64_t seal_take(struct seal_in *in, unsigned int width)
{
	uint64_t value;

	if (width > in->limit - in->bit) {
		in->short_of = true;
		return 0;
	}
	value = seal_bits(in->bytes, in->bit, width);
	in->bit += width;
	return value;
}

/* Fields written in order; at is that of the next whole byte. */
struct seal_out {
	unsigned char *bytes;	     /* stored to; NULL: compared instead */
	const unsigned char *expect; /* compared with */
	size_t at;		     /* [bytes] of the next byte */
	size_t end;		     /* [bytes] behind what may be touched */
	size_t wrong;		     /* [bytes] of the first that differs; SIZE_MAX = none */
	uint64_t held;		     /* bits that make no byte yet */
	unsigned int held_cnt;	     /* 0 … 7 */
};

static inline void seal_put_byte(struct seal_out *out, unsigned char byte)
{
	if (out->bytes)
		out->bytes[out->at] = byte;
	else if (out->wrong == SIZE_MAX && (out->at >= out->end || out->expect[out->at] != byte))
		out->wrong = out->at;
	out->at++;
}

/* Of the value, the lowest width bits: 0 … 64. */
static inline void seal_put(struct seal_out *out, uint64_t value, unsigned int width)
{
	if (width > SEAL_LOAD_BITS) {
		seal_put(out, value, 32);
		value >>= 32;
		width -= 32;
	}
	out->held |= seal_low(value, width) << out->held_cnt;
	out->held_cnt += width;
	for (; out->held_cnt >= 8; out->held_cnt -= 8) {
		seal_put_byte(out, (unsigned char)out->held);
		out->held >>= 8;
	}
}

/* Fills the last byte with zeros. */
static inline void seal_put_end(struct seal_out *out)
{
	seal_put(out, 0, -out->held_cnt & 7);
}

#endif
