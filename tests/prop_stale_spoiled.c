/* SPDX-License-Identifier: MIT */
/*
 * Commands that are spoiled on their way leave something stale, and the shadow notices: under every
 * personality, with every format and configuration that its hardware has.
 */
#include <stdio.h>

#include "stale_run.h"

/* At most; something is found long before. */
#define STEP_CNT 2000

/* Of causes. */
#define SEEN(cause) (1u << PHYRSIM_STALE_##cause)
#define TABLES (SEEN(TABLE_GONE) | SEEN(TABLE_CHANGED))
#define LEAVES (SEEN(LEAF_GONE) | SEEN(LEAF_CHANGED))

static uint64_t seed;

/* What is found when commands are spoiled. */
static unsigned int causes_of(const struct phyrsim_inval_params *params, size_t config,
			      enum spoil spoil, enum mode mode)
{
	static struct run run;

	run_open(&run, &configs[config], params, false);
	run.world.spoil = spoil;
	run.until_stale = true;
	run_for(&run, mode, seed + config, STEP_CNT);
	world_close(&run.world);
	return run.causes & ~SEEN(NONE);
}

/*
 * Every configuration finds something, and nothing but what is allowed. What is flushed at once is
 * small; what is gathered becomes everything too often to be spoiled.
 */
static void expect_noticed(enum phyrsim_personality personality, enum spoil spoil,
			   unsigned int allowed)
{
	struct phyrsim_inval_params params = { .personality = personality };

	params.ordered = personality == PHYRSIM_INVAL_VTD_LINUX;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		unsigned int causes;

		if (!fits(personality, &configs[i]))
			continue;
		causes = causes_of(&params, i, spoil, MODE_STRICT);
		if (causes == 0 || (causes & ~allowed) != 0)
			fail_msg("spoil %u of personality %u, configuration %zu, seed %llu: %x",
				 spoil, personality, i, (unsigned long long)seed, causes);
	}
}

static void lost_commands_are_noticed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++)
		expect_noticed(i, SPOIL_SKIP, LEAVES | TABLES);
}

static void commands_that_spare_pointers_are_noticed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++)
		expect_noticed(i, SPOIL_WALK, TABLES);
}

static void commands_for_other_addresses_are_noticed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++)
		expect_noticed(i, SPOIL_SHIFT, LEAVES | TABLES);
}

/* Where each command names one leaf or everything, nothing is halved that matters. */
static void halved_windows_are_noticed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		if (i != PHYRSIM_INVAL_ARM_SINGLE && i != PHYRSIM_INVAL_RISCV)
			expect_noticed(i, SPOIL_HALF, LEAVES | TABLES);
	}
}

static void wrong_hints_are_noticed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++)
		expect_noticed(i, SPOIL_HINT, LEAVES | TABLES);
}

/* The driver does not know that absences are cached, or its commands get lost. */
static void maps_that_do_not_flush_absences_are_noticed(void **state)
{
	static struct run run;

	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD };

		if (!fits(params.personality, &configs[i]))
			continue;
		run_open(&run, &configs[i], &params, true);
		run.until_stale = true;
		run_for(&run, MODE_STRICT, seed, STEP_CNT);
		world_close(&run.world);
		assert_int_equal(run.causes & ~SEEN(NONE), SEEN(ABSENCE));
	}
}

/* Tables of a later piece, freed by the flush of an earlier one: translations are never stale. */
static void tables_that_linux_frees_early_are_noticed(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX };

	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		unsigned int causes;

		if (!fits(params.personality, &configs[i]))
			continue;
		causes = causes_of(&params, i, SPOIL_NOTHING, MODE_MANY);
		assert_int_not_equal(causes, 0);
		assert_int_equal(causes & ~TABLES, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_commands_are_noticed),
		cmocka_unit_test(commands_that_spare_pointers_are_noticed),
		cmocka_unit_test(commands_for_other_addresses_are_noticed),
		cmocka_unit_test(halved_windows_are_noticed),
		cmocka_unit_test(wrong_hints_are_noticed),
		cmocka_unit_test(maps_that_do_not_flush_absences_are_noticed),
		cmocka_unit_test(tables_that_linux_frees_early_are_noticed),
	};

	seed = test_number("PHYR_SEED", 1);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
