/* SPDX-License-Identifier: MIT */
/*
 * The choice of a column's window.
 *
 * With the values sorted, the narrowest window that leaves out k of them is one of k + 1, so a few
 * k's are tried and the cheapest is taken. Not here: how a column is coded (column.c).
 */

#include <phyr/seal.h>

#include "column.h"

#define SIGN (UINT64_C(1) << 63)

/*
 * Merges two sorted neighbours of len each, from both ends at once: neither end can run out of
 * what it merges, so there are no bounds to look at, and two comparisons are under way.
 */
static void merge(const uint64_t *from, unsigned int len, uint64_t *to)
{
	const uint64_t *low_a = from, *low_b = from + len;
	const uint64_t *high_a = low_b - 1, *high_b = low_b + (len - 1);

	for (unsigned int i = 0; i < len; i++) {
		bool low = *low_b < *low_a;
		bool high = *high_b < *high_a;

		to[i] = low ? *low_b : *low_a;
		low_b += low;
		low_a += !low;
		to[2 * len - 1 - i] = high ? *high_a : *high_b;
		high_a -= high;
		high_b -= !high;
	}
}

/* Sorts a power of two of keys, to and fro between two arrays; returns the one with the result. */
static const uint64_t *sort(uint64_t *keys, uint64_t *spare, unsigned int cnt)
{
	for (unsigned int len = 1; len < cnt; len *= 2) {
		uint64_t *sorted = spare;

		for (unsigned int i = 0; i < cnt; i += 2 * len)
			merge(keys + i, len, sorted + i);
		spare = keys;
		keys = sorted;
	}
	return keys;
}

/* Puts the window on the narrowest place that leaves out k of the sorted keys. */
static void place_window(struct seal_column *column, const uint64_t *keys, unsigned int k)
{
	unsigned int last = column->value_cnt - k - 1;
	unsigned int at = 0;

	for (unsigned int i = 1; i <= k; i++)
		if (keys[i + last] - keys[i] < keys[at + last] - keys[at])
			at = i;
	column->base = keys[at] ^ (column->is_signed ? SIGN : 0);
	column->width = seal_width(keys[at + last] - keys[at]);
	if (column->width > SEAL_LOAD_BITS)
		column->width = SEAL_LOAD_BITS;
}

/*
 * Counts what is outside of the window: sorted, it is at the two ends. The largest high part may be
 * anywhere there, because distances of 2^63 and more count as negative.
 */
static void count_exceptions(struct seal_column *column, const uint64_t *keys)
{
	uint64_t sign = column->is_signed ? SIGN : 0;
	unsigned int end = column->value_cnt;
	unsigned int first = 0;
	uint64_t used = 0, high;

	/* A high part is never 0, so it is stored less one. */
	for (; first < end && (high = seal_high(keys[first] ^ sign, column)); first++)
		used |= high - 1;
	for (; end > first && (high = seal_high(keys[end - 1] ^ sign, column)); end--)
		used |= high - 1;
	column->high_cnt = first + (column->value_cnt - end);
	column->high_width = seal_width(used);
}

/* The narrowest windows that leave out k values each, as far as one is narrower than the last. */
static void plan_sorted(struct seal_column *column, const uint64_t *keys)
{
	static const unsigned char left_out[] = { 0,  1,  2,  3,  4,  5,  6,  8,  10, 12,
						  14, 16, 20, 24, 28, 32, 40, 48, 56, 64 };
	struct seal_column tried = *column;
	uint32_t least_bits = UINT32_MAX;
	unsigned int width = UINT32_MAX;

	for (unsigned int i = 0; i < sizeof(left_out); i++) {
		uint32_t bits;

		if (2U * left_out[i] > column->value_cnt)
			break;
		place_window(&tried, keys, left_out[i]);
		if (tried.width == width)
			continue;
		width = tried.width;
		count_exceptions(&tried, keys);
		bits = phyr_seal_column_bits(&tried);
		if (bits < least_bits) {
			least_bits = bits;
			*column = tried;
		}
	}
}

void phyr_seal_column_plan(struct seal_column *column, const uint64_t *values)
{
	uint64_t keys[SEAL_BLOCK_RUNS], spare[SEAL_BLOCK_RUNS];
	unsigned int cnt = column->value_cnt;
	uint64_t differ = 0;

	column->base = cnt ? values[0] : 0;
	column->width = 0;
	column->high_cnt = 0;
	column->high_width = 0;
	for (unsigned int i = 0; i < cnt; i++) {
		keys[i] = values[i] ^ (column->is_signed ? SIGN : 0);
		differ |= values[i] ^ values[0];
	}
	if (!differ)
		return;
	/* Padded to a power of two by what is sorted behind. */
	for (; cnt & (cnt - 1); cnt++)
		keys[cnt] = UINT64_MAX;
	plan_sorted(column, sort(keys, spare, cnt));
}
