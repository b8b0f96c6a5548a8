/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Exact arithmetic on addresses and sizes; nothing here wraps unnoticed.
 *
 * Inline, no state. Sizes are powers of two named by their log2 (`lg2`, 0 … 63). The compiler
 * builtins used are those of gcc and clang.
 */
#ifndef PHYR_BITS_H
#define PHYR_BITS_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief 2^lg2.
 * @param[in] lg2 [log2 bytes, 0 … 63]
 * @return the power of two
 * @threads any
 */
static inline uint64_t phyr_bits_size(unsigned int lg2)
{
	return UINT64_C(1) << lg2;
}

/**
 * @brief 2^lg2 − 1.
 * @param[in] lg2 [log2 bytes, 0 … 63]
 * @return the mask of the bits below
 * @threads any
 */
static inline uint64_t phyr_bits_mask(unsigned int lg2)
{
	return (UINT64_C(1) << lg2) - 1;
}

/**
 * @brief Index of the lowest set bit.
 * @param[in] x any value
 * @return 0 … 63, or 64 when x is 0
 * @threads any
 */
static inline unsigned int phyr_bits_ctz(uint64_t x)
{
	return x ? (unsigned int)__builtin_ctzll(x) : 64;
}

/**
 * @brief Index of the highest set bit: floor(log2 x).
 * @param[in] x 1 … 2^64 − 1
 * @return 0 … 63
 * @threads any
 */
static inline unsigned int phyr_bits_log2(uint64_t x)
{
	/* Unlike 63 − n, compilers know it for one instruction of x86. */
	return 63 ^ (unsigned int)__builtin_clzll(x);
}

/**
 * @brief ceil(log2 x).
 * @param[in] x 1 … 2^64 − 1
 * @return 0 … 64; 64 means that the power of two does not fit 64 bits
 * @threads any
 */
static inline unsigned int phyr_bits_log2_up(uint64_t x)
{
	return x > 1 ? phyr_bits_log2(x - 1) + 1 : 0;
}

/**
 * @brief The largest multiple of 2^lg2 that is ≤ x.
 * @param[in] x   any value
 * @param[in] lg2 [log2 bytes, 0 … 63]
 * @return x rounded down
 * @threads any
 */
static inline uint64_t phyr_bits_down(uint64_t x, unsigned int lg2)
{
	return x & ~phyr_bits_mask(lg2);
}

/**
 * @brief Is x a multiple of 2^lg2?
 * @param[in] x   any value
 * @param[in] lg2 [log2 bytes, 0 … 63]
 * @return true when it is
 * @threads any
 */
static inline bool phyr_bits_aligned(uint64_t x, unsigned int lg2)
{
	return (x & phyr_bits_mask(lg2)) == 0;
}

/**
 * @brief Rounds x up to a multiple of 2^lg2, if that multiple is representable.
 * @param[in]  x      any value
 * @param[in]  lg2    [log2 bytes, 0 … 63]
 * @param[out] ret_up the multiple; written only when true is returned
 * @return false when the multiple would be 2^64
 * @threads any
 */
static inline bool phyr_bits_up(uint64_t x, unsigned int lg2, uint64_t *ret_up)
{
	uint64_t sum;

	if (__builtin_add_overflow(x, phyr_bits_mask(lg2), &sum))
		return false;
	*ret_up = phyr_bits_down(sum, lg2);
	return true;
}

/**
 * @brief The last byte of a range, if it has one and it is representable.
 * @param[in]  first    first byte
 * @param[in]  len      [bytes]
 * @param[out] ret_last inclusive end; written only when true is returned
 * @return false when len is 0 or the range reaches beyond 2^64 − 1
 * @threads any
 */
static inline bool phyr_bits_last(uint64_t first, uint64_t len, uint64_t *ret_last)
{
	uint64_t last;

	if (len == 0 || __builtin_add_overflow(first, len - 1, &last))
		return false;
	*ret_last = last;
	return true;
}

/**
 * @brief How many aligned blocks of 2^lg2 bytes a range touches.
 * @param[in] first first byte
 * @param[in] last  inclusive end, ≥ first
 * @param[in] lg2   [log2 bytes, 0 … 63]
 * @return the number of blocks; 0 only when it is 2^64 (lg2 0 and the whole space)
 * @threads any
 */
static inline uint64_t phyr_bits_blocks(uint64_t first, uint64_t last, unsigned int lg2)
{
	return (last >> lg2) - (first >> lg2) + 1;
}

/**
 * @brief The largest naturally aligned power-of-two block inside a range; the lowest such block.
 * @param[in]  first     first byte
 * @param[in]  last      inclusive end, ≥ first
 * @param[out] ret_block first byte of the block
 * @return [log2 bytes] 0 … 63; 63 for the whole 64-bit space too
 * @threads any
 */
static inline unsigned int phyr_bits_largest(uint64_t first, uint64_t last, uint64_t *ret_block)
{
	/* A block of half the length's power of two always fits, one of the power itself may. */
	uint64_t less_one = last - first;
	unsigned int lg2 = less_one == UINT64_MAX ? 63 : phyr_bits_log2(less_one + 1);

	if (!phyr_bits_up(first, lg2, ret_block) || *ret_block > last ||
	    last - *ret_block < phyr_bits_mask(lg2)) {
		lg2--;
		(void)phyr_bits_up(first, lg2, ret_block);
	}
	return lg2;
}

/**
 * @brief The smallest size of a set.
 * @param[in] sizes a set of sizes
 * @return [log2 bytes] 0 … 63, or 64 when the set is empty
 * @threads any
 */
static inline unsigned int phyr_sizes_min_lg2(phyr_sizes sizes)
{
	return phyr_bits_ctz(sizes.mask);
}

/**
 * @brief The sizes of a set that are at most 2^lg2 bytes.
 * @param[in] sizes a set of sizes
 * @param[in] lg2   [log2 bytes] 0 … 64
 * @return the smaller set
 * @threads any
 */
static inline phyr_sizes phyr_sizes_upto(phyr_sizes sizes, unsigned int lg2)
{
	if (lg2 < 63)
		sizes.mask &= phyr_bits_mask(lg2 + 1);
	return sizes;
}

/**
 * @brief The largest size of a set that is at most 2^lg2 bytes.
 * @param[in] sizes a set of sizes
 * @param[in] lg2   [log2 bytes] 0 … 64
 * @return [log2 bytes] 0 … 63, or 64 when there is none
 * @threads any
 */
static inline unsigned int phyr_sizes_best_lg2(phyr_sizes sizes, unsigned int lg2)
{
	sizes = phyr_sizes_upto(sizes, lg2);
	return sizes.mask ? phyr_bits_log2(sizes.mask) : 64;
}

/**
 * @brief The set of all powers of two from 2^min_lg2 to 2^max_lg2.
 * @param[in] min_lg2 [log2 bytes, 0 … 63]
 * @param[in] max_lg2 [log2 bytes, min_lg2 … 63]
 * @return the set
 * @threads any
 */
static inline phyr_sizes phyr_sizes_between(unsigned int min_lg2, unsigned int max_lg2)
{
	phyr_sizes sizes;

	sizes.mask = (UINT64_MAX >> (63 - max_lg2)) & ~phyr_bits_mask(min_lg2);
	return sizes;
}

#ifdef __cplusplus
}
#endif

#endif
