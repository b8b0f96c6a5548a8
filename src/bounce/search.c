/* SPDX-License-Identifier: MIT */
/*
 * Runs of free slots, as the bitmap says: where one may start is found for 64 slots at a time. A run
 * of more than 64 slots is looked at from its end then: the next may start behind the last slot that
 * is taken in it.
 */
#include "bounce.h"

#define WORD_BITS 64

/* Bits first … last of a word that holds both. */
static uint64_t bits(uint64_t first, uint64_t last)
{
	return UINT64_MAX >> (63 - last % WORD_BITS) & ~phyr_bits_mask(first % WORD_BITS);
}

/* The last taken slot of first … last. */
static bool last_taken(const struct phyr_bounce *pool, uint64_t first, uint64_t last,
		       uint64_t *ret_at)
{
	for (uint64_t word = last / WORD_BITS + 1; word-- > first / WORD_BITS;) {
		uint64_t from = word > first / WORD_BITS ? 0 : first;
		uint64_t to = word < last / WORD_BITS ? WORD_BITS - 1 : last;
		uint64_t found = pool->taken[word] & bits(from, to);

		if (found) {
			*ret_at = word * WORD_BITS + phyr_bits_log2(found);
			return true;
		}
	}
	return false;
}

static uint64_t free_bits(const struct phyr_bounce *pool, uint64_t word)
{
	return word * WORD_BITS < pool->slot_cnt ? ~pool->taken[word] : 0;
}

/* Slots of a word at which so many free ones begin, 64 at most. */
static uint64_t starts(const struct phyr_bounce *pool, uint64_t word, uint64_t cnt)
{
	uint64_t low = free_bits(pool, word);
	uint64_t high = free_bits(pool, word + 1);
	uint64_t more;

	/* Runs of `done` begin there; those of twice as many where two such follow one another. */
	for (uint64_t done = 1; done < cnt && done < WORD_BITS; done += more) {
		more = cnt - done < done ? cnt - done : done;
		low &= low >> more | high << (WORD_BITS - more);
		high &= high >> more;
	}
	return low;
}

/* Slots of a word at which a run may start, from `at` on, which is one. */
static uint64_t allowed(const struct want *want, uint64_t at)
{
	uint64_t bit = UINT64_C(1) << at % WORD_BITS;

	if (want->mask >= WORD_BITS - 1)
		return bit;
	return UINT64_MAX / phyr_bits_mask((unsigned int)want->mask + 1) * bit;
}

/* The first place that starts at `from` or behind it, and ends before `end`. */
static bool search(const struct phyr_bounce *pool, const struct want *want, uint64_t from,
		   uint64_t end, uint32_t *ret_at)
{
	uint64_t at = from;

	for (;;) {
		uint64_t taken, found;

		at += (want->first - at) & want->mask;
		if (at >= end)
			return false;
		found = starts(pool, at / WORD_BITS, want->cnt) & allowed(want, at);
		if (!found) {
			at = (at / WORD_BITS + 1) * WORD_BITS;
			continue;
		}
		at = at / WORD_BITS * WORD_BITS + phyr_bits_ctz(found);
		if (at >= end || want->cnt > end - at)
			return false;
		if (want->cnt <= WORD_BITS ||
		    !last_taken(pool, at + WORD_BITS, at + want->cnt - 1, &taken))
			break;
		at = taken + 1;
	}
	*ret_at = (uint32_t)at;
	return true;
}

bool phyr_bounce_search(const struct phyr_bounce *pool, const struct want *want, uint32_t *ret_at)
{
	uint64_t end = (uint64_t)pool->from + want->cnt - 1;

	if (search(pool, want, pool->from, pool->slot_cnt, ret_at))
		return true;
	return search(pool, want, 0, end < pool->slot_cnt ? end : pool->slot_cnt, ret_at);
}

void phyr_bounce_mark(struct phyr_bounce *pool, uint32_t at, uint32_t cnt, bool taken)
{
	uint64_t first = at;
	uint64_t last = first + cnt - 1;

	for (uint64_t word = first / WORD_BITS; word <= last / WORD_BITS; word++) {
		uint64_t from = word > first / WORD_BITS ? 0 : first;
		uint64_t to = word < last / WORD_BITS ? WORD_BITS - 1 : last;

		if (taken)
			pool->taken[word] |= bits(from, to);
		else
			pool->taken[word] &= ~bits(from, to);
	}
}

bool phyr_bounce_is_taken(const struct phyr_bounce *pool, uint32_t at)
{
	return pool->taken[at / WORD_BITS] >> at % WORD_BITS & 1;
}
