/* SPDX-License-Identifier: MIT */
/*
 * Which bits of an entry hardware ignores and which are reserved, by the lists of the specifications:
 * for walks that update nothing, of users, with permission to read and write, and for leaves that
 * are as large as their item.
 */
#ifndef PHYR_WALKER_BITS_H
#define PHYR_WALKER_BITS_H

#include <phyr/bits.h>
#include <phyrsim/pagetable.h>

#define BIT(n) (UINT64_C(1) << (n))
#define BITS(hi, lo) ((UINT64_MAX >> (63 - (hi))) & ~(BIT(lo) - 1))

/* [log2 bytes] what an item of a level translates */
static inline unsigned int item_lg2(const struct phyrsim_root *root, unsigned int level)
{
	return root->granule_lg2 + (root->granule_lg2 - 3) * level;
}

struct bits {
	uint64_t ignored;
	uint64_t reserved;
};

/* Of an entry that is not of the lowest level, the address bits within its leaf. */
static inline uint64_t inside(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	unsigned int lg2 = leaf ? item_lg2(root, level) : root->granule_lg2;

	return lg2 > 12 ? BITS(lg2 - 1, 12) : 0;
}

static inline uint64_t beyond(const struct phyrsim_root *root)
{
	return root->pa_bits < 52 ? BITS(51, root->pa_bits) : 0;
}

static inline struct bits vtd_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	bool snoop = leaf && (root->features & PHYRSIM_FEATURE_COHERENT) != 0;
	struct bits bits = { BITS(6, 2) | BITS(10, 8) | BITS(61, 52) | BIT(63), BIT(62) };

	*(snoop ? &bits.ignored : &bits.reserved) |= BIT(11);
	if (level == 0)
		bits.ignored |= BIT(7);
	if (level > 2)
		bits.reserved |= BIT(7);
	bits.reserved |= beyond(root) | inside(root, level, leaf);
	return bits;
}

static inline struct bits amd_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = { BITS(8, 1) | BITS(60, 59) | BIT(63), BITS(58, 52) };

	bits.reserved |= beyond(root) | inside(root, level, leaf);
	return bits;
}

static inline struct bits x86_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = { BIT(3) | BITS(6, 5) | BITS(11, 8) | BITS(62, 52), beyond(root) };

	if (leaf)
		bits.ignored |= level == 0 ? BIT(7) : BIT(12);
	else
		bits.ignored |= BIT(4);
	if (level > 2)
		bits.reserved |= BIT(7);
	if (leaf && level > 0)
		bits.reserved |= inside(root, level, leaf) & ~BIT(12);
	return bits;
}

/* What is no part of an address among bits 49 to 12, or 9:8. */
static inline struct bits arm_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	bool wide = (root->features & PHYRSIM_FEATURE_WIDE) != 0;
	struct bits bits = { 0, inside(root, level, leaf) };

	bits.ignored = leaf ? BITS(9, 8) | BIT(11) | BITS(52, 50) | BITS(58, 55) :
			      BITS(11, 2) | BITS(58, 51) | BIT(63);
	bits.reserved |= leaf ? 0 : BIT(50);
	if (!wide)
		bits.reserved |= BITS(49, 48);
	if (root->pa_bits < 48)
		bits.reserved |= BITS(47, root->pa_bits);
	if (wide && root->granule_lg2 == 16) {
		bits.reserved |= BITS(49, 48);
		bits.reserved &= ~BITS(15, 12);
	} else if (wide) {
		bits.ignored &= ~BITS(9, 8);
	}
	return bits;
}

static inline struct bits arm_s1_bits(const struct phyrsim_root *root, unsigned int level,
				      bool leaf)
{
	struct bits bits = arm_bits(root, level, leaf);

	bits.ignored |= leaf ? BIT(5) | BITS(63, 59) : 0;
	return bits;
}

static inline struct bits arm_s2_bits(const struct phyrsim_root *root, unsigned int level,
				      bool leaf)
{
	struct bits bits = arm_bits(root, level, leaf);

	bits.ignored |= BITS(63, 59) | BIT(53);
	return bits;
}

static inline struct bits riscv_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = { BIT(5) | BITS(9, 8), BITS(60, 54) | BIT(63) };

	bits.reserved |= leaf ? inside(root, level, leaf) >> 2 : BIT(4) | BITS(7, 6) | BITS(62, 61);
	if ((root->features & PHYRSIM_FEATURE_PBMT) == 0)
		bits.reserved |= BITS(62, 61);
	if (root->pa_bits < 56)
		bits.reserved |= BITS(53, root->pa_bits - 2);
	return bits;
}

static inline struct bits bits_of(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	switch (root->format) {
	case PHYRSIM_FORMAT_VTD_SS:
		return vtd_bits(root, level, leaf);
	case PHYRSIM_FORMAT_AMD_V1:
		return amd_bits(root, level, leaf);
	case PHYRSIM_FORMAT_X86_FS:
		return x86_bits(root, level, leaf);
	case PHYRSIM_FORMAT_ARM_S1:
		return arm_s1_bits(root, level, leaf);
	case PHYRSIM_FORMAT_ARM_S2:
		return arm_s2_bits(root, level, leaf);
	default:
		return riscv_bits(root, level, leaf);
	}
}

#endif
