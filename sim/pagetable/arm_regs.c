/* SPDX-License-Identifier: MIT */
/*
 * What Arm's registers say about a table.
 *
 * As in the Arm ARM (DDI 0487), registers TCR_EL1 and VTCR_EL2. Arm counts levels from the top: its
 * level is 3 less ours, so a walk of n levels starts at 4 - n.
 */
#include <phyrsim/pagetable_arm.h>

#include "table.h"

/* The code of the least width that is enough; 52 bits are 6. */
static unsigned int ps_code(unsigned int pa_bits)
{
	static const unsigned int widths[] = { 32, 36, 40, 42, 44, 48 };
	unsigned int code = 0;

	while (code < 6 && widths[code] < pa_bits)
		code++;
	return code;
}

/* TG0, or TG1: 4K, 16K and 64K have other codes there. */
static unsigned int tg_code(unsigned int granule_lg2, bool upper)
{
	static const unsigned int codes[2][3] = { { 0, 2, 1 }, { 2, 1, 3 } };

	return codes[upper][(granule_lg2 - 12) / 2];
}

/* SL0 counts up from the lowest start that a granule has: level 2 with 4K, level 3 otherwise. */
static void place_start(const struct phyrsim_root *root, struct phyrsim_arm_regs *regs)
{
	unsigned int lowest_cnt = root->granule_lg2 == 12 ? 2 : 1;

	regs->sl0 = root->level_cnt - lowest_cnt;
	/* Level -1, with 4K alone. */
	if (root->level_cnt == 5) {
		regs->sl0 = 0;
		regs->sl2 = 1;
	}
}

/* Do the parts of a root go together? */
static bool is_arm_root(const struct phyrsim_root *root, bool wide)
{
	unsigned int granule_lg2 = root->granule_lg2, max = wide ? 52 : 48;
	unsigned int level_min = root->format == PHYRSIM_FORMAT_ARM_S2 && granule_lg2 == 12 ? 2 : 1;
	unsigned int level_max = granule_lg2 == 12 && wide ? 5 : granule_lg2 == 16 ? 3 : 4;

	/* A stage 2 that starts at level 0 with 16K needs LPA2. */
	if (root->format == PHYRSIM_FORMAT_ARM_S2 && granule_lg2 == 14 && !wide)
		level_max = 3;
	return (granule_lg2 == 12 || granule_lg2 == 14 || granule_lg2 == 16) &&
	       root->level_cnt >= level_min && root->level_cnt <= level_max &&
	       root->iova_bits > phyrsim_item_lg2(granule_lg2, root->level_cnt - 1) &&
	       root->iova_bits <= max && root->pa_bits > 0 && root->pa_bits <= max;
}

int phyrsim_pagetable_arm_regs(const struct phyrsim_root *root, struct phyrsim_arm_regs *ret_regs)
{
	struct phyrsim_arm_regs regs = { 0 };
	bool wide;

	if (!root || !ret_regs)
		return PHYR_E_INVAL;
	if (root->format != PHYRSIM_FORMAT_ARM_S1 && root->format != PHYRSIM_FORMAT_ARM_S2)
		return PHYR_E_UNSUPPORTED;
	wide = root->features & PHYRSIM_FEATURE_WIDE;
	if (!is_arm_root(root, wide))
		return PHYR_E_INVAL;
	regs.tsz = 64 - root->iova_bits;
	regs.tg = tg_code(root->granule_lg2, root->features & PHYRSIM_FEATURE_UPPER);
	regs.ps = ps_code(root->pa_bits);
	regs.ds = wide && root->granule_lg2 != 16;
	if (root->format == PHYRSIM_FORMAT_ARM_S1)
		regs.mair = PHYRSIM_ARM_MAIR;
	else
		place_start(root, &regs);
	*ret_regs = regs;
	return PHYR_OK;
}
