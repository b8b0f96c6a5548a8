/* SPDX-License-Identifier: MIT */
/*
 * What a walk is told: the root, which must be one that hardware could be told of, and the access.
 *
 * Not here: the walk itself (translate.c).
 */
#include "format.h"

static const struct phyrsim_walker_format *const formats[PHYRSIM_FORMAT_CNT] = {
	[PHYRSIM_FORMAT_VTD_SS] = &phyrsim_walker_vtd_ss,
	[PHYRSIM_FORMAT_AMD_V1] = &phyrsim_walker_amd_v1,
	[PHYRSIM_FORMAT_X86_FS] = &phyrsim_walker_x86_fs,
	[PHYRSIM_FORMAT_ARM_S1] = &phyrsim_walker_arm_s1,
	[PHYRSIM_FORMAT_ARM_S2] = &phyrsim_walker_arm_s2,
	[PHYRSIM_FORMAT_RISCV_S1] = &phyrsim_walker_riscv_s1,
	[PHYRSIM_FORMAT_RISCV_S2] = &phyrsim_walker_riscv_s2,
};

static bool known_access(const struct phyrsim_access *access)
{
	const unsigned int flags = PHYRSIM_WALK_AUDIT | PHYRSIM_WALK_UPDATE |
				   PHYRSIM_WALK_PRIVILEGED | PHYRSIM_WALK_EXECUTE |
				   PHYRSIM_WALK_PEEK;
	const unsigned int either = PHYRSIM_WALK_UPDATE | PHYRSIM_WALK_PEEK;

	if ((access->flags & ~flags) != 0 || (access->flags & either) == either)
		return false;
	if ((access->flags & PHYRSIM_WALK_EXECUTE) != 0)
		return access->perm == PHYR_PERM_READ;
	return access->perm != 0 &&
	       ((unsigned int)access->perm & ~(unsigned int)PHYR_PERM_READ_WRITE) == 0;
}

/* The format of a root; NULL when hardware could not be told so. */
static const struct phyrsim_walker_format *format_of(const struct phyrsim_root *root)
{
	const struct phyrsim_walker_format *format;

	if ((unsigned int)root->format >= PHYRSIM_FORMAT_CNT)
		return NULL;
	format = formats[root->format];
	if (root->level_cnt < format->level_min || root->level_cnt > format->level_max ||
	    root->pa_bits < 32 || root->pa_bits > format->pa_bits_max ||
	    (root->features & ~format->features) != 0 || !format->knows(root))
		return NULL;
	return format;
}

/* Is the top table aligned to its size, and to 64 bytes? Registers hold no lower bits. */
static bool root_aligned(const struct phyrsim_root *root)
{
	unsigned int lg2 = phyrsim_walker_index_bits(root, root->level_cnt - 1) + 3;

	return phyr_bits_aligned(root->table.addr, lg2 < 6 ? 6 : lg2);
}

static struct phyrsim_stage stage_of(struct phyrsim_mem *mem, const struct phyrsim_root *root,
				     unsigned int flags, struct phyrsim_walk *walk)
{
	struct phyrsim_stage stage = { mem, root, format_of(root), NULL, flags, walk, NULL };

	if (stage.format && !root_aligned(root))
		stage.format = NULL;
	/* The second stage knows nothing of who does the access. */
	if (stage.format && !stage.format->first)
		stage.flags &= ~(unsigned int)PHYRSIM_WALK_PRIVILEGED;
	return stage;
}

static int run(const struct phyrsim_stage *stage, const struct phyrsim_access *access)
{
	bool execute = (access->flags & PHYRSIM_WALK_EXECUTE) != 0;
	struct phyrsim_walk *walk = stage->walk;

	*walk = (struct phyrsim_walk){ .perm = PHYR_PERM_READ_WRITE, .leaf_lg2 = 64 };
	walk->fault = phyrsim_walker_translate(
		stage, access->iova.addr, execute ? RIGHT_EXECUTE : (unsigned int)access->perm);
	return walk->fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT;
}

int phyrsim_walk(struct phyrsim_mem *mem, const struct phyrsim_root *root,
		 const struct phyrsim_access *access, struct phyrsim_walk *ret_walk)
{
	struct phyrsim_stage stage;

	if (!mem || !root || !access || !ret_walk || !known_access(access))
		return PHYR_E_INVAL;
	stage = stage_of(mem, root, access->flags, ret_walk);
	return stage.format ? run(&stage, access) : PHYR_E_INVAL;
}

int phyrsim_walk_nested(struct phyrsim_mem *mem, const struct phyrsim_root *first,
			const struct phyrsim_root *second, const struct phyrsim_access *access,
			struct phyrsim_walk *ret_walk)
{
	struct phyrsim_stage upper, lower;

	if (!mem || !first || !second || !access || !ret_walk || !known_access(access))
		return PHYR_E_INVAL;
	upper = stage_of(mem, first, access->flags, ret_walk);
	lower = stage_of(mem, second, access->flags, ret_walk);
	if (!upper.format || !lower.format || !upper.format->first || lower.format->first)
		return PHYR_E_INVAL;
	upper.second = &lower;
	return run(&upper, access);
}

int phyrsim_walk_path(struct phyrsim_mem *mem, const struct phyrsim_root *root, phyr_iova iova,
		      struct phyrsim_path *ret_path)
{
	struct phyrsim_walk walk = { 0 };
	struct phyrsim_stage stage;

	if (!mem || !root || !ret_path)
		return PHYR_E_INVAL;
	stage = stage_of(mem, root, 0, &walk);
	if (!stage.format)
		return PHYR_E_INVAL;
	stage.path = ret_path;
	ret_path->pointer_cnt = 0;
	ret_path->fault = phyrsim_walker_follow(&stage, iova.addr);
	return ret_path->fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT;
}
