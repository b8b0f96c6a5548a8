/* SPDX-License-Identifier: MIT */
/*
 * Random maps, unmaps and changes of permissions in every configuration against a flat model
 * (pagetable_steps.h). In the end nothing but the root is left.
 *
 * PHYR_SEED and PHYR_ITER (calls for each configuration) repeat or lengthen a run.
 */
#include "pagetable_steps.h"

static void run_config(const struct config *config, uint64_t iter)
{
	open_config(config);
	model_init(&model, config, &w.caps, SPOT_LEN_MAX);
	for (uint64_t i = 0; i < iter; i++) {
		if (below(2) == 0)
			step_map();
		else
			step_unmap();
		step_protect();
		if (below(8) == 0)
			step_sparse();
		if (below(16) == 0)
			release();
		check_valid();
	}
	finish();
}

static void every_configuration_translates_as_the_model(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 600);

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	for (size_t i = 0; i < CNT(configs); i++)
		run_config(&configs[i], iter);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_configuration_translates_as_the_model),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
