/* SPDX-License-Identifier: MIT */
/*
 * Whatever the range: the commands reach all of it and wrap nowhere, windows are the smallest there
 * are, exact cuts are exact, and what Arm is told can be told.
 */
#include <stdio.h>

#include "inval_world.h"

static uint64_t seed;

/* Lengths and places of every magnitude, both ends of the space among them. */
static struct phyr_gather random_gather(uint64_t *random)
{
	static const uint64_t leaves[] = { 0, K4, M2, G1, K4 | M2 };
	uint64_t len = (test_random(random) >> (test_random(random) % 64)) | 1;
	uint64_t first = test_random(random) >> (test_random(random) % 64);
	uint64_t kind = test_random(random) % 8;
	struct phyr_gather gather;

	if (kind != 0) {
		first = phyr_bits_down(first, 12);
		len = phyr_bits_down(len, 12) | K4;
	}
	if (kind == 1 || len - 1 > UINT64_MAX - first)
		first = 0 - len;
	if (kind == 2)
		first = 0;
	gather = removed(first, first + len - 1, leaves[test_random(random) % CNT(leaves)]);
	if (test_random(random) % 4 == 0)
		with_tables(&gather, first, first + len - 1);
	return gather;
}

/* The last byte of a command; it does not wrap. */
static uint64_t last_of(const struct phyrsim_command *command)
{
	uint64_t last = 0;

	assert_true(phyr_bits_last(command->range.iova.addr, command->range.len, &last));
	return last;
}

static bool is_all(const struct world *w)
{
	return w->cnt == 1 && w->commands[0].kind == PHYR_FLUSH_DOMAIN;
}

/* They come in the order of addresses. */
static void assert_covered(const struct world *w, uint64_t first, uint64_t last)
{
	if (is_all(w))
		return;
	for (size_t i = 0; i < w->cnt; i++) {
		uint64_t reached = last_of(&w->commands[i]);

		assert_int_equal(w->commands[i].kind, PHYR_FLUSH_RANGE);
		assert_true(w->commands[i].range.iova.addr <= first);
		if (reached >= last)
			return;
		assert_true(reached >= first);
		first = reached + 1;
	}
	fail_msg("not covered from %llx, seed %llu", (unsigned long long)first,
		 (unsigned long long)seed);
}

/* By trying every size. */
static void assert_smallest_window(const struct world *w, const struct phyr_gather *gather)
{
	unsigned int lg2 = 12;

	while (lg2 < 64 && gather->first >> lg2 != gather->last >> lg2)
		lg2++;
	assert_int_equal(w->cnt, 1);
	if (is_all(w)) {
		assert_true(lg2 > 12 + 18);
		return;
	}
	assert_int_equal(w->commands[0].range.len, phyr_bits_size(lg2));
	assert_int_equal(w->commands[0].range.iova.addr, gather->first >> lg2 << lg2);
}

/* Aligned powers of two, none of which could be joined with the next. */
static void assert_tiles(const struct world *w, const struct phyr_gather *gather)
{
	uint64_t at = gather->first & ~(K4 - 1);

	if (is_all(w))
		return;
	for (size_t i = 0; i < w->cnt; i++) {
		uint64_t len = w->commands[i].range.len;

		assert_int_equal(w->commands[i].range.iova.addr, at);
		assert_int_equal(len & (len - 1), 0);
		assert_int_equal(at & (len - 1), 0);
		if (i > 0 && w->commands[i - 1].range.len == len)
			assert_int_not_equal(w->commands[i - 1].range.iova.addr & len, 0);
		at += len;
	}
	assert_int_equal(at - 1, gather->last | (K4 - 1));
}

static void assert_sayable(const struct world *w)
{
	for (size_t i = 0; i < w->cnt && !is_all(w); i++) {
		const struct phyrsim_command *command = &w->commands[i];
		uint64_t pages = command->range.len / K4;
		unsigned int scale = phyr_bits_ctz(pages) < 31 ? phyr_bits_ctz(pages) : 31;

		assert_int_equal(command->range.len % K4, 0);
		assert_in_range(pages >> scale, 1, 32);
		assert_true(pages > 1 || command->leaf_lg2 != 0);
	}
	assert_true(w->cnt <= 8);
}

static void assert_pointers(const struct world *w, const struct phyr_gather *gather)
{
	for (size_t i = 0; i < w->cnt; i++)
		assert_true(w->commands[i].walk || !gather->tables_removed);
}

static void check(const struct world *w, const struct phyr_gather *gather)
{
	assert_covered(w, gather->first, gather->last);
	assert_pointers(w, gather);
	switch (w->inval.params.personality) {
	case PHYRSIM_INVAL_VTD:
	case PHYRSIM_INVAL_VTD_LINUX:
		assert_smallest_window(w, gather);
		break;
	case PHYRSIM_INVAL_AMD_EXACT:
	case PHYRSIM_INVAL_RISCV_NL:
		assert_tiles(w, gather);
		break;
	case PHYRSIM_INVAL_ARM:
		assert_sayable(w);
		break;
	default:
		break;
	}
}

static void commands_reach_what_a_gather_holds(void **state)
{
	static struct world w;
	uint64_t iter = test_number("PHYR_ITER", 20000);
	uint64_t random = seed;

	(void)state;
	for (uint64_t i = 0; i < iter; i++) {
		struct phyr_gather gather = random_gather(&random);

		start(&w, (enum phyrsim_personality)(i % PHYRSIM_PERSONALITY_CNT));
		phyrsim_inval_flush(&w.inval, &gather);
		check(&w, &gather);
	}
}

/* Is a byte reached by any command? */
static bool reached(const struct world *w, uint64_t at)
{
	for (size_t i = 0; i < w->cnt; i++) {
		const struct phyrsim_command *command = &w->commands[i];

		if (command->kind == PHYR_FLUSH_DOMAIN ||
		    at - command->range.iova.addr < command->range.len)
			return true;
	}
	return false;
}

static void add_random(struct world *w, uint64_t *random, uint64_t *ret_first, uint64_t *ret_last)
{
	static const uint64_t leaves[] = { K4, M2, K4 | M2 };
	uint64_t len = (1 + test_random(random) % (M2 / K4 * 3)) * K4;
	uint64_t first = test_random(random) % 4096 * K4;
	struct phyr_gather gather;

	if (test_random(random) % 4 == 0)
		first = 0 - len;
	gather = removed(first, first + len - 1, leaves[test_random(random) % CNT(leaves)]);
	phyrsim_inval_add(&w->inval, &gather, &w->gather);
	*ret_first = first;
	*ret_last = first + len - 1;
}

static void whatever_is_flushed_early_nothing_is_lost(void **state)
{
	static struct world w;
	uint64_t iter = test_number("PHYR_ITER", 20000) / 4;
	uint64_t random = seed;

	(void)state;
	for (uint64_t i = 0; i < iter; i++) {
		enum phyrsim_personality p =
			(enum phyrsim_personality)(i % PHYRSIM_PERSONALITY_CNT);
		uint64_t ends[2][2];

		start(&w, p);
		add_random(&w, &random, &ends[0][0], &ends[0][1]);
		add_random(&w, &random, &ends[1][0], &ends[1][1]);
		flush(&w);
		for (size_t j = 0; j < 4; j++) {
			uint64_t at = ends[j / 2][j % 2];

			assert_true(reached(&w, at));
			at = ends[j / 2][0] +
			     test_random(&random) % (ends[j / 2][1] - ends[j / 2][0] + 1);
			assert_true(reached(&w, at));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_reach_what_a_gather_holds),
		cmocka_unit_test(whatever_is_flushed_early_nothing_is_lost),
	};

	seed = test_number("PHYR_SEED", 1);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
