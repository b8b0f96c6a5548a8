/* SPDX-License-Identifier: MIT */
/*
 * Random maps, unmaps and changes of permissions in every configuration against a flat model
 * (pagetable_model.h). Allocations fail at random too. In the end nothing but the root is left.
 *
 * PHYR_SEED and PHYR_ITER (calls for each configuration) repeat or lengthen a run.
 */
#include "pagetable_model.h"

/* Whatever is there goes, unless a leaf reaches out. */
static void step_sparse(void)
{
	struct part part = random_part();
	struct phyr_iova_range range = { { iova_of(part) }, (uint64_t)part.cnt << granule_lg2() };
	bool cut = is_cut(part) || is_cut((struct part){ part.spot, part.at + part.cnt, 1 });
	int result = phyrsim_pagetable_unmap_sparse(w.table, range, &w.gather);

	assert_int_equal(result, cut ? PHYR_E_PARTIAL : PHYR_OK);
	if (cut)
		return;
	for (unsigned int i = 0; i < part.cnt; i++) {
		struct part one = { part.spot, part.at + i, 1 };
		uint64_t word = spots[one.spot].words[one.at];

		if (word != 0 && !is_cut(one))
			leaves.cnt[word & 0xff]--;
	}
	memset(&spots[part.spot].words[part.at], 0, part.cnt * sizeof(uint64_t));
	check_part(part);
}

static void run_config(const struct config *config, uint64_t iter)
{
	open_config(config);
	open_spots();
	for (uint64_t i = 0; i < iter; i++) {
		if (below(2) == 0)
			step_map(config);
		else
			step_unmap();
		step_protect(config);
		if (below(8) == 0)
			step_sparse();
		if (below(16) == 0)
			release();
	}
	check_all();
	clear_all();
	check_all();
	release();
	assert_int_equal(stats().table_cnt, 1);
	close_config();
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
