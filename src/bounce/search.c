/* SPDX-License-Identifier: MIT */
/*
 * Runs of free slots, as the bitmap says.
 *
 * A place is tried from its end: behind the last slot that is taken in it the next one may start. So
 * two tries get on by more than the run that is wanted, and full words are passed over at once.
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

/* The first free slot at or behind one; end if there is none before it. */
static uint64_t next_free(const struct phyr_bounce *pool, uint64_t at, uint64_t end)
{
	while (at < end) {
		uint64_t found = ~pool->taken[at / WORD_BITS] & bits(at, WORD_BITS - 1);

		if (found)
			return at / WORD_BITS * WORD_BITS + phyr_bits_ctz(found);
		at = (at / WORD_BITS + 1) * WORD_BITS;
	}
	return end;
}

/* The first place that starts at `from` or behind it, and ends before `end`. */
static bool search(const struct phyr_bounce *pool, const struct want *want, uint64_t from,
		   uint64_t end, uint32_t *ret_at)
{
	uint64_t at = from;

	for (;;) {
		uint64_t taken;

		at += (want->first - at) & want->mask;
		if (at >= end || want->cnt > end - at)
			return false;
		if (!last_taken(pool, at, at + want->cnt - 1, &taken))
			break;
		at = next_free(pool, taken + 1, end);
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
