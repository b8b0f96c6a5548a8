/* SPDX-License-Identifier: MIT */
/*
 * VMSAv8-64 descriptors as both stages have them, from the Arm Architecture Reference Manual for
 * A-profile, "The VMSAv8-64 translation table format descriptors" (D8.3).
 *
 * Not here: permissions and memory types, which differ (arm_s1.c, arm_s2.c).
 */
#include "arm.h"

/* Bits that hold parts of the address where it has 52. */
#define ARM_HIGH_64K BITS(15, 12) /* LPA: address bits 51:48 */
#define ARM_HIGH_LPA2 BITS(9, 8)  /* LPA2 (DS = 1): address bits 51:50, in place of SH */
#define ARM_RES0_HIGH BITS(49, 48)
#define ARM_RES0_POINTER BIT(50)

/* Log2 of granules. */
#define G4K 12
#define G16K 14
#define G64K 16

static bool is_wide(const struct phyrsim_root *root)
{
	return (root->features & PHYRSIM_FEATURE_WIDE) != 0;
}

/* Where the address of a granule stands in one piece: 47:g, or 49:g with LPA2. */
static uint64_t low_field(const struct phyrsim_root *root)
{
	unsigned int high = is_wide(root) && root->granule_lg2 != G64K ? 49 : 47;

	return BITS(high, 0) & ~phyr_bits_mask(root->granule_lg2);
}

static uint64_t address_of(const struct phyrsim_root *root, uint64_t word)
{
	uint64_t address = word & low_field(root);

	if (!is_wide(root))
		return address;
	if (root->granule_lg2 == G64K)
		return address | (word & ARM_HIGH_64K) << 36;
	return address | (word & ARM_HIGH_LPA2) << 42;
}

/* Bits between 12 and 49 that are not part of the address. */
static uint64_t reserved_bits(const struct phyrsim_root *root, bool leaf)
{
	uint64_t reserved = BITS(49, 12) & ~low_field(root);

	if (is_wide(root) && root->granule_lg2 == G64K)
		reserved &= ~ARM_HIGH_64K;
	return leaf ? reserved : reserved | ARM_RES0_POINTER;
}

/* Blocks: at level 1 always, above it as the granule and the width of addresses allow. */
static bool has_blocks(const struct phyrsim_root *root, unsigned int level)
{
	if (level == 1)
		return true;
	if (level == 2)
		return root->granule_lg2 == G4K || is_wide(root);
	return level == 3 && root->granule_lg2 == G4K && is_wide(root);
}

/* Log2 of the items of a contiguous group; 0: the level has none, and the bit is ignored. */
static unsigned int group_lg2(const struct phyrsim_root *root, unsigned int level)
{
	switch (root->granule_lg2) {
	case G4K:
		return 4;
	case G16K:
		return level == 0 ? 7 : level == 1 ? 5 : 0;
	default:
		return 5;
	}
}

/*
 * The contiguous bit is a hint, so hardware without it, or with a table too small for a group, goes
 * by the item alone.
 */
static enum phyrsim_fault decode_group(const struct phyrsim_stage *stage, uint64_t word,
				       unsigned int level, struct phyrsim_entry *entry)
{
	unsigned int lg2 = group_lg2(stage->root, level);

	if ((stage->root->features & PHYRSIM_FEATURE_CONTIGUOUS) == 0 ||
	    (word & ARM_CONTIGUOUS) == 0)
		return PHYRSIM_FAULT_NONE;
	if (lg2 > phyrsim_walker_index_bits(stage->root, level))
		return (stage->flags & PHYRSIM_WALK_AUDIT) != 0 ? PHYRSIM_FAULT_GROUP :
								  PHYRSIM_FAULT_NONE;
	entry->lg2 += lg2;
	return PHYRSIM_FAULT_NONE;
}

static enum phyrsim_fault decode_leaf(const struct phyrsim_stage *stage, uint64_t word,
				      unsigned int level, struct phyrsim_entry *entry)
{
	enum phyrsim_fault fault;

	entry->leaf = true;
	entry->own = true;
	entry->lg2 = phyrsim_walker_lg2(stage->root, level);
	entry->accessed = ARM_AF & ~word;
	entry->required = ARM_AF;
	fault = phyrsim_walker_output(stage->root, entry->address, entry->lg2);
	return fault != PHYRSIM_FAULT_NONE ? fault : decode_group(stage, word, level, entry);
}

enum phyrsim_fault phyrsim_walker_arm_decode(const struct phyrsim_stage *stage, uint64_t word,
					     unsigned int level, struct phyrsim_entry *entry)
{
	bool leaf = level == 0 || (word & ARM_TABLE) == 0;

	if ((word & ARM_VALID) == 0)
		return PHYRSIM_FAULT_NOT_PRESENT;
	/* A block at level 0, or where there are none, is a reserved encoding. */
	if (level == 0 ? (word & ARM_TABLE) == 0 : leaf && !has_blocks(stage->root, level))
		return PHYRSIM_FAULT_RESERVED;
	if ((word & reserved_bits(stage->root, leaf)) != 0)
		return PHYRSIM_FAULT_RESERVED;
	entry->address = address_of(stage->root, word);
	if (leaf)
		return decode_leaf(stage, word, level, entry);
	entry->level = level - 1;
	return phyrsim_walker_output(stage->root, entry->address, stage->root->granule_lg2);
}

/* Levels from the one that the specification calls 3 up to 0, or -1 with LPA2 and 4K. */
static unsigned int level_cnt_max(const struct phyrsim_root *root)
{
	switch (root->granule_lg2) {
	case G4K:
		return is_wide(root) ? 5 : 4;
	case G16K:
		return 4;
	case G64K:
		return 3;
	}
	return 0;
}

bool phyrsim_walker_arm_knows(const struct phyrsim_root *root, unsigned int concat_lg2)
{
	unsigned int bits_max = is_wide(root) ? 52 : 48;
	unsigned int below;

	if (root->level_cnt > level_cnt_max(root) || root->pa_bits > bits_max)
		return false;
	/* T0SZ is at most 39: an address has 25 bits or more. */
	if (root->iova_bits < 25 || root->iova_bits > bits_max)
		return false;
	below = phyrsim_walker_lg2(root, root->level_cnt - 1);
	return root->iova_bits > below &&
	       root->iova_bits - below <= root->granule_lg2 - 3 + concat_lg2;
}
