/* SPDX-License-Identifier: MIT */
/*
 * Arm's register fields: those of Linux's tables as they were seen, the codes of the specification
 * worked out by hand for every configuration, and what is no Arm table.
 */
#include <phyrsim/pagetable_arm.h>

#include "pagetable_formats.h"

struct row {
	struct config config;
	struct phyrsim_arm_regs regs;
};

/* Of configs[], in its order: mair, tsz, tg, ps, sl0, sl2, ds. */
static const struct row rows[] = {
	{ { ARM1, 0, 12, 48, 0 }, { 0xf404ff44, 16, 0, 5, 0, 0, 0 } },
	{ { ARM1, 0, 12, 48, CONT | PHYRSIM_FEATURE_UPPER }, { 0xf404ff44, 16, 2, 5, 0, 0, 0 } },
	{ { ARM1, 0, 12, 32, CONT | PHYRSIM_FEATURE_DIRTY }, { 0xf404ff44, 32, 0, 5, 0, 0, 0 } },
	{ { ARM1, 0, 12, 52, CONT | WIDE }, { 0xf404ff44, 12, 0, 6, 0, 0, 1 } },
	{ { ARM1, 0, 14, 48, CONT }, { 0xf404ff44, 16, 2, 5, 0, 0, 0 } },
	{ { ARM1, 0, 14, 47, PHYRSIM_FEATURE_UPPER }, { 0xf404ff44, 17, 1, 5, 0, 0, 0 } },
	{ { ARM1, 0, 14, 52, CONT | WIDE }, { 0xf404ff44, 12, 2, 6, 0, 0, 1 } },
	{ { ARM1, 0, 16, 48, CONT }, { 0xf404ff44, 16, 1, 5, 0, 0, 0 } },
	{ { ARM1, 0, 16, 52, CONT | WIDE }, { 0xf404ff44, 12, 1, 6, 0, 0, 0 } },
	{ { ARM1, 0, 16, 36, CONT | PHYRSIM_FEATURE_UPPER }, { 0xf404ff44, 28, 3, 5, 0, 0, 0 } },
	{ { ARM2, 0, 12, 40, CONT }, { 0, 24, 0, 5, 1, 0, 0 } },
	{ { ARM2, 0, 12, 42, 0 }, { 0, 22, 0, 5, 1, 0, 0 } },
	{ { ARM2, 0, 12, 48, CONT | PHYRSIM_FEATURE_FWB }, { 0, 16, 0, 5, 2, 0, 0 } },
	{ { ARM2, 0, 12, 52, CONT | WIDE }, { 0, 12, 0, 6, 2, 0, 1 } },
	{ { ARM2, 0, 14, 40, CONT }, { 0, 24, 2, 5, 1, 0, 0 } },
	{ { ARM2, 0, 14, 48, CONT | PHYRSIM_FEATURE_DIRTY }, { 0, 16, 2, 5, 2, 0, 0 } },
	{ { ARM2, 0, 16, 44, CONT }, { 0, 20, 1, 5, 1, 0, 0 } },
	{ { ARM2, 0, 16, 48, 0 }, { 0, 16, 1, 5, 2, 0, 0 } },
	{ { ARM2, 0, 16, 52, CONT | WIDE }, { 0, 12, 1, 6, 2, 0, 0 } },
};

static bool is_arm(const struct config *config)
{
	return config->format == ARM1 || config->format == ARM2;
}

static void expect_regs(const struct phyrsim_root *root, const struct phyrsim_arm_regs *expected)
{
	struct phyrsim_arm_regs regs;

	assert_int_equal(phyrsim_pagetable_arm_regs(root, &regs), PHYR_OK);
	assert_int_equal(regs.mair, expected->mair);
	assert_int_equal(regs.tsz, expected->tsz);
	assert_int_equal(regs.tg, expected->tg);
	assert_int_equal(regs.ps, expected->ps);
	assert_int_equal(regs.sl0, expected->sl0);
	assert_int_equal(regs.sl2, expected->sl2);
	assert_int_equal(regs.ds, expected->ds);
}

static void every_configuration_has_its_registers(void **state)
{
	size_t row = 0;

	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_arm_regs regs = { 7, 7, 7, 7, 7, 7, 7 };
		struct phyrsim_root root;

		open_config(&configs[i]);
		root = root_now();
		close_config();
		if (!is_arm(&configs[i])) {
			assert_int_equal(phyrsim_pagetable_arm_regs(&root, &regs),
					 PHYR_E_UNSUPPORTED);
			assert_int_equal(regs.mair, 7);
			continue;
		}
		assert_memory_equal(&configs[i], &rows[row].config, sizeof(configs[i]));
		expect_regs(&root, &rows[row++].regs);
	}
	assert_int_equal(row, CNT(rows));
}

/* X: what Linux writes for stage 1 and 48 bits; its MAIR has a sign that ours does not. */
static void stage_1_is_as_linux_writes_it_but_for_a_sign(void **state)
{
	(void)state;
	assert_int_equal(rows[0].regs.tsz, 16);
	assert_int_equal(rows[0].regs.ps, 5);
	assert_int_equal(rows[0].regs.tg, 0);
	assert_true(PHYRSIM_ARM_MAIR_LINUX == (uint64_t)(int32_t)PHYRSIM_ARM_MAIR);
	assert_int_equal(PHYRSIM_ARM_MAIR, rows[0].regs.mair);
}

/* Walks that start at the lowest and at the highest level, and every output width. */
static void roots_of_other_makers_have_theirs(void **state)
{
	static const unsigned int widths[] = { 1, 32, 33, 36, 37, 40, 42, 43, 44, 48, 49, 52 };
	static const unsigned int codes[] = { 0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 6 };
	struct phyrsim_root root = { ARM2, { 0 }, 5, 52, 12, 52, WIDE };
	struct phyrsim_arm_regs regs = { 0, 12, 0, 6, 0, 1, 1 };

	(void)state;
	expect_regs(&root, &regs);
	root = (struct phyrsim_root){ ARM2, { 0 }, 4, 52, 14, 52, WIDE };
	regs = (struct phyrsim_arm_regs){ 0, 12, 2, 6, 3, 0, 1 };
	expect_regs(&root, &regs);
	for (size_t i = 0; i < CNT(widths); i++) {
		root.pa_bits = widths[i];
		regs.ps = codes[i];
		expect_regs(&root, &regs);
	}
	root = (struct phyrsim_root){ ARM2, { 0 }, 1, 48, 16, 29, 0 };
	regs = (struct phyrsim_arm_regs){ 0, 35, 1, 5, 0, 0, 0 };
	expect_regs(&root, &regs);
}

static void what_no_arm_table_is_has_none(void **state)
{
	static const struct phyrsim_root bad[] = {
		{ ARM1, { 0 }, 4, 48, 13, 48, 0 }, { ARM1, { 0 }, 4, 48, 11, 48, 0 },
		{ ARM1, { 0 }, 4, 48, 18, 48, 0 }, { ARM1, { 0 }, 0, 48, 12, 48, 0 },
		{ ARM1, { 0 }, 5, 48, 12, 48, 0 }, { ARM1, { 0 }, 4, 48, 16, 52, WIDE },
		{ ARM2, { 0 }, 1, 48, 12, 20, 0 }, { ARM1, { 0 }, 4, 49, 12, 48, 0 },
		{ ARM1, { 0 }, 4, 0, 12, 48, 0 },  { ARM1, { 0 }, 4, 48, 12, 39, 0 },
		{ ARM1, { 0 }, 4, 48, 12, 49, 0 }, { ARM1, { 0 }, 5, 53, 12, 52, WIDE },
		{ ARM2, { 0 }, 4, 48, 14, 48, 0 },
	};
	struct phyrsim_arm_regs regs = { 7, 7, 7, 7, 7, 7, 7 };
	struct phyrsim_root good = { ARM1, { 0 }, 4, 48, 12, 48, 0 };

	(void)state;
	assert_int_equal(phyrsim_pagetable_arm_regs(NULL, &regs), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_arm_regs(&good, NULL), PHYR_E_INVAL);
	for (size_t i = 0; i < CNT(bad); i++)
		assert_int_equal(phyrsim_pagetable_arm_regs(&bad[i], &regs), PHYR_E_INVAL);
	assert_int_equal(regs.mair, 7);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_configuration_has_its_registers),
		cmocka_unit_test(stage_1_is_as_linux_writes_it_but_for_a_sign),
		cmocka_unit_test(roots_of_other_makers_have_theirs),
		cmocka_unit_test(what_no_arm_table_is_has_none),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
