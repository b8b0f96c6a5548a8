/* SPDX-License-Identifier: MIT */
/*
 * Every inline of bits.h against the naive loop or division that says what it means, on all
 * numbers around powers of two at both ends of the 64-bit space. Not here: anything with state.
 */
#include <phyr/base.h>
#include <phyr/bits.h>

#include "test.h"

/* What an output holds before a call that may not write it. */
#define UNTOUCHED UINT64_C(0x5aa55aa55aa55aa5)

/* 2^k − 1, 2^k and 2^k + 1 for k = 0 … 63, then the same counted down from 2^64 − 1. */
#define EDGE_CNT 384U

static uint64_t naive_size(unsigned int lg2)
{
	uint64_t size = 1;

	while (lg2--)
		size += size;
	return size;
}

static uint64_t edge(unsigned int i)
{
	uint64_t x = naive_size(i / 3 % 64) - 1 + i % 3;

	return i < EDGE_CNT / 2 ? x : UINT64_MAX - x;
}

static unsigned int naive_log2(uint64_t x)
{
	unsigned int lg2 = 0;

	while (x /= 2)
		lg2++;
	return lg2;
}

static void sizes_double_and_masks_are_one_less(void **state)
{
	(void)state;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		assert_int_equal(phyr_bits_size(lg2), naive_size(lg2));
		assert_int_equal(phyr_bits_mask(lg2), naive_size(lg2) - 1);
	}
	assert_int_equal(phyr_bits_size(63), UINT64_C(0x8000000000000000));
	assert_int_equal(phyr_bits_mask(0), 0);
}

static void ctz_finds_the_lowest_set_bit_and_64_in_zero(void **state)
{
	(void)state;
	assert_int_equal(phyr_bits_ctz(0), 64);
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		uint64_t x = edge(i);
		unsigned int lowest = 0;

		while (lowest < 64 && x % 2 == 0) {
			x /= 2;
			lowest++;
		}
		assert_int_equal(phyr_bits_ctz(edge(i)), lowest);
	}
}

static void log2_rounds_down(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		if (edge(i))
			assert_int_equal(phyr_bits_log2(edge(i)), naive_log2(edge(i)));
	}
}

static void log2_up_rounds_up_and_says_64_beyond_the_space(void **state)
{
	(void)state;
	assert_int_equal(phyr_bits_log2_up(1), 0);
	assert_int_equal(phyr_bits_log2_up(UINT64_C(1) << 63), 63);
	assert_int_equal(phyr_bits_log2_up((UINT64_C(1) << 63) + 1), 64);
	assert_int_equal(phyr_bits_log2_up(UINT64_MAX), 64);
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		uint64_t x = edge(i);
		unsigned int up = 0;

		while (up < 64 && naive_size(up) < x)
			up++;
		if (x)
			assert_int_equal(phyr_bits_log2_up(x), up);
	}
}

static void down_and_aligned_agree_with_division(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		uint64_t x = edge(i);

		for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
			uint64_t rest = x % naive_size(lg2);

			assert_int_equal(phyr_bits_down(x, lg2), x - rest);
			assert_int_equal(phyr_bits_aligned(x, lg2), rest == 0);
		}
	}
}

static void assert_up(uint64_t x, unsigned int lg2)
{
	uint64_t rest = x % naive_size(lg2);
	uint64_t gap = rest ? naive_size(lg2) - rest : 0;
	uint64_t up = UNTOUCHED;

	if (gap > UINT64_MAX - x) {
		assert_false(phyr_bits_up(x, lg2, &up));
		assert_int_equal(up, UNTOUCHED);
		return;
	}
	assert_true(phyr_bits_up(x, lg2, &up));
	assert_int_equal(up, x + gap);
}

static void up_reaches_the_next_multiple_or_refuses_2_to_the_64(void **state)
{
	uint64_t up = UNTOUCHED;

	(void)state;
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		for (unsigned int lg2 = 0; lg2 < 64; lg2++)
			assert_up(edge(i), lg2);
	}
	assert_true(phyr_bits_up(UINT64_MAX - 4095, 12, &up));
	assert_int_equal(up, UINT64_MAX - 4095);
	assert_false(phyr_bits_up(UINT64_MAX - 4094, 12, &up));
	assert_true(phyr_bits_up(UINT64_MAX, 0, &up));
	assert_int_equal(up, UINT64_MAX);
}

static void assert_last(uint64_t first, uint64_t len)
{
	uint64_t last = UNTOUCHED;

	if (len == 0 || len - 1 > UINT64_MAX - first) {
		assert_false(phyr_bits_last(first, len, &last));
		assert_int_equal(last, UNTOUCHED);
		return;
	}
	assert_true(phyr_bits_last(first, len, &last));
	assert_int_equal(last, first + (len - 1));
}

static void last_is_inclusive_and_refuses_empty_and_wrapping_ranges(void **state)
{
	uint64_t last = UNTOUCHED;

	(void)state;
	for (unsigned int i = 0; i < EDGE_CNT; i++) {
		for (unsigned int k = 0; k < EDGE_CNT; k++)
			assert_last(edge(i), edge(k));
	}
	assert_true(phyr_bits_last(1, UINT64_MAX, &last));
	assert_int_equal(last, UINT64_MAX);
	assert_false(phyr_bits_last(2, UINT64_MAX, &last));
	assert_false(phyr_bits_last(UINT64_MAX, 2, &last));
}

/* Walks every byte; the range is short. */
static uint64_t naive_blocks(uint64_t first, uint64_t last, unsigned int lg2)
{
	uint64_t cnt = 1;

	for (uint64_t at = first; at != last; at++)
		cnt += (at + 1) % naive_size(lg2) == 0;
	return cnt;
}

static void blocks_counts_every_block_that_is_touched(void **state)
{
	static const uint64_t more[] = { 0, 1, 2, 7, 33 };

	(void)state;
	for (unsigned int i = 0; i < EDGE_CNT * 5; i++) {
		uint64_t first = edge(i / 5);

		if (more[i % 5] > UINT64_MAX - first)
			continue;
		for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
			uint64_t last = first + more[i % 5];

			assert_int_equal(phyr_bits_blocks(first, last, lg2),
					 naive_blocks(first, last, lg2));
		}
	}
}

static void the_whole_space_has_2_to_the_64_less_lg2_blocks(void **state)
{
	(void)state;
	for (unsigned int lg2 = 1; lg2 < 64; lg2++)
		assert_int_equal(phyr_bits_blocks(0, UINT64_MAX, lg2), naive_size(64 - lg2));
	assert_int_equal(phyr_bits_blocks(0, UINT64_MAX, 0), 0);
	assert_int_equal(phyr_bits_blocks(1, UINT64_MAX, 0), UINT64_MAX);
	assert_int_equal(phyr_bits_blocks(4095, 4096, 12), 2);
}

static phyr_sizes sizes_of(uint64_t mask)
{
	phyr_sizes sizes = { mask };

	return sizes;
}

static void the_smallest_size_is_the_lowest_bit(void **state)
{
	(void)state;
	assert_int_equal(phyr_sizes_min_lg2(sizes_of(0)), 64);
	assert_int_equal(phyr_sizes_min_lg2(sizes_of(UINT64_C(0x40201000))), 12);
	assert_int_equal(phyr_sizes_min_lg2(sizes_of(UINT64_C(1) << 63)), 63);
	assert_int_equal(phyr_sizes_min_lg2(sizes_of(UINT64_MAX)), 0);
}

static unsigned int naive_best(uint64_t mask, unsigned int lg2)
{
	unsigned int best = 64;

	for (unsigned int k = 0; k < 64 && k <= lg2; k++) {
		if (mask / naive_size(k) % 2)
			best = k;
	}
	return best;
}

static void the_best_size_is_the_largest_that_fits(void **state)
{
	(void)state;
	for (unsigned int lg2 = 0; lg2 <= 64; lg2++) {
		for (unsigned int i = 0; i < EDGE_CNT; i++)
			assert_int_equal(phyr_sizes_best_lg2(sizes_of(edge(i)), lg2),
					 naive_best(edge(i), lg2));
		assert_int_equal(phyr_sizes_best_lg2(sizes_of(0x40201000), lg2),
				 naive_best(0x40201000, lg2));
	}
	assert_int_equal(phyr_sizes_best_lg2(sizes_of(0x40201000), 29), 21);
	assert_int_equal(phyr_sizes_best_lg2(sizes_of(0x40201000), 11), 64);
}

static void between_holds_both_ends_and_nothing_outside(void **state)
{
	(void)state;
	for (unsigned int min = 0; min < 64; min++) {
		uint64_t mask = 0;

		for (unsigned int max = min; max < 64; max++) {
			mask += naive_size(max);
			assert_int_equal(phyr_sizes_between(min, max).mask, mask);
		}
	}
	assert_int_equal(phyr_sizes_between(0, 63).mask, UINT64_MAX);
	assert_int_equal(phyr_sizes_between(63, 63).mask, UINT64_C(1) << 63);
}

static void the_largest_block_is_the_largest_that_fits_and_the_lowest_such(void **state)
{
	(void)state;
	for (uint64_t first = 0; first < 40; first++)
		for (uint64_t last = first; last < 80; last++) {
			unsigned int lg2 = 7;
			uint64_t block, want = 0;

			for (bool found = false; !found;)
				for (lg2--, want = 0; !found && want <= last; want += 1U << lg2)
					if (want >= first && want + (1U << lg2) - 1 <= last) {
						found = true;
						break;
					}
			assert_int_equal(phyr_bits_largest(first, last, &block), lg2);
			assert_int_equal(block, want);
		}
}

static void the_largest_block_of_the_whole_space_and_its_ends(void **state)
{
	uint64_t block = 1;

	(void)state;
	assert_int_equal(phyr_bits_largest(0, UINT64_MAX, &block), 63);
	assert_int_equal(block, 0);
	assert_int_equal(phyr_bits_largest(1, UINT64_MAX, &block), 63);
	assert_int_equal(block, UINT64_C(1) << 63);
	assert_int_equal(phyr_bits_largest(UINT64_MAX, UINT64_MAX, &block), 0);
	assert_int_equal(block, UINT64_MAX);
	assert_int_equal(phyr_bits_largest(UINT64_MAX - 2, UINT64_MAX, &block), 1);
	assert_int_equal(block, UINT64_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_double_and_masks_are_one_less),
		cmocka_unit_test(ctz_finds_the_lowest_set_bit_and_64_in_zero),
		cmocka_unit_test(log2_rounds_down),
		cmocka_unit_test(log2_up_rounds_up_and_says_64_beyond_the_space),
		cmocka_unit_test(down_and_aligned_agree_with_division),
		cmocka_unit_test(up_reaches_the_next_multiple_or_refuses_2_to_the_64),
		cmocka_unit_test(last_is_inclusive_and_refuses_empty_and_wrapping_ranges),
		cmocka_unit_test(blocks_counts_every_block_that_is_touched),
		cmocka_unit_test(the_whole_space_has_2_to_the_64_less_lg2_blocks),
		cmocka_unit_test(the_smallest_size_is_the_lowest_bit),
		cmocka_unit_test(the_best_size_is_the_largest_that_fits),
		cmocka_unit_test(the_largest_block_is_the_largest_that_fits_and_the_lowest_such),
		cmocka_unit_test(the_largest_block_of_the_whole_space_and_its_ends),
		cmocka_unit_test(between_holds_both_ends_and_nothing_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
