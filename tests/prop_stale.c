/* SPDX-License-Identifier: MIT */
/*
 * Under every personality, with every format and configuration that its hardware has, and with any
 * way of flushing, nothing is stale once all is flushed, and no freed table is ever cached.
 */
#include <stdio.h>

#include "stale_run.h"

static uint64_t seed, iter;

static void expect_clean(const struct phyrsim_inval_params *params, size_t config, enum mode mode)
{
	static struct run run;

	run_open(&run, &configs[config], params, params->caching_mode);
	run_for(&run, mode, seed + config, iter);
	if (run.stale_cnt)
		fail_msg("personality %u, configuration %zu, mode %u, seed %llu: %s at %llx, 2^%u",
			 params->personality, config, mode, (unsigned long long)seed,
			 phyrsim_stale_cause_name(run.found.cause),
			 (unsigned long long)run.found.iova.addr, run.found.lg2);
	world_close(&run.world);
}

static void expect_clean_mode(enum mode mode)
{
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		struct phyrsim_inval_params params = { .personality = i };

		params.ordered = params.personality == PHYRSIM_INVAL_VTD_LINUX;
		for (size_t j = 0; j < CONFIG_CNT; j++) {
			if (fits(params.personality, &configs[j]))
				expect_clean(&params, j, mode);
		}
	}
}

static void flushed_at_once_nothing_is_stale(void **state)
{
	(void)state;
	expect_clean_mode(MODE_STRICT);
}

static void flushed_in_one_gather_nothing_is_stale(void **state)
{
	(void)state;
	expect_clean_mode(MODE_BATCH);
}

static void flushed_in_several_gathers_nothing_is_stale(void **state)
{
	(void)state;
	expect_clean_mode(MODE_MANY);
}

static void flushed_with_everything_nothing_is_stale(void **state)
{
	(void)state;
	expect_clean_mode(MODE_LAZY);
}

static void where_absences_are_cached_maps_flush_them(void **state)
{
	(void)state;
	for (unsigned int i = PHYRSIM_INVAL_VTD; i <= PHYRSIM_INVAL_VTD_LINUX; i++) {
		struct phyrsim_inval_params params = { .personality = i, .caching_mode = true };

		params.ordered = params.personality == PHYRSIM_INVAL_VTD_LINUX;
		for (size_t j = 0; j < CONFIG_CNT; j++) {
			if (fits(params.personality, &configs[j]))
				expect_clean(&params, j, (enum mode)(j % MODE_CNT));
		}
	}
}

/* Small masks and few sizes: everything is dropped more often, and pieces are others. */
static void other_parameters_leave_nothing_stale_either(void **state)
{
	static const struct phyrsim_inval_params rows[] = {
		{ .personality = PHYRSIM_INVAL_VTD, .mask_max = 4 },
		{ .personality = PHYRSIM_INVAL_VTD, .mask_max = 51 },
		{ .personality = PHYRSIM_INVAL_VTD_LINUX, .ordered = true, .sizes = { K4 } },
		{ .personality = PHYRSIM_INVAL_VTD_LINUX, .ordered = true, .sizes = { M2 | K4 } },
	};

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		for (size_t j = 0; j < CONFIG_CNT; j++) {
			if (fits(rows[i].personality, &configs[j]))
				expect_clean(&rows[i], j, (enum mode)(j % MODE_CNT));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flushed_at_once_nothing_is_stale),
		cmocka_unit_test(flushed_in_one_gather_nothing_is_stale),
		cmocka_unit_test(flushed_in_several_gathers_nothing_is_stale),
		cmocka_unit_test(flushed_with_everything_nothing_is_stale),
		cmocka_unit_test(where_absences_are_cached_maps_flush_them),
		cmocka_unit_test(other_parameters_leave_nothing_stale_either),
	};

	seed = test_number("PHYR_SEED", 1);
	iter = test_number("PHYR_ITER", 150);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
