/* SPDX-License-Identifier: MIT */
/*
 * Bits of entries, by the lists of the specifications: whatever the ignored bits of a whole path
 * are, the translation is the same; and any one reserved bit in any one entry makes it fault.
 *
 * The lists are for walks that update nothing, of users, with permission to read and write.
 */
#include <stdio.h>

#include "walker_world.h"

#define WIDE PHYRSIM_FEATURE_WIDE

struct bits {
	uint64_t ignored;
	uint64_t reserved;
};

/* A root, and the levels that have leaves. */
struct shape {
	struct phyrsim_root root;
	unsigned int leaf_levels; /* [bit = level] */
};

/* Of an entry that is not of the lowest level, the address bits within its leaf. */
static uint64_t inside(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	unsigned int lg2 = leaf ? item_lg2(root, level) : root->granule_lg2;

	return lg2 > 12 ? BITS(lg2 - 1, 12) : 0;
}

static uint64_t beyond(const struct phyrsim_root *root)
{
	return root->pa_bits < 52 ? BITS(51, root->pa_bits) : 0;
}

static struct bits vtd_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
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

static struct bits amd_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = { BITS(8, 1) | BITS(60, 59) | BIT(63), BITS(58, 52) };

	bits.reserved |= beyond(root) | inside(root, level, leaf);
	return bits;
}

static struct bits x86_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
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
static struct bits arm_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	bool wide = (root->features & WIDE) != 0;
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

static struct bits arm_s1_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = arm_bits(root, level, leaf);

	bits.ignored |= leaf ? BIT(5) | BITS(63, 59) : 0;
	return bits;
}

static struct bits arm_s2_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = arm_bits(root, level, leaf);

	bits.ignored |= BITS(63, 59) | BIT(53);
	return bits;
}

static struct bits riscv_bits(const struct phyrsim_root *root, unsigned int level, bool leaf)
{
	struct bits bits = { BIT(5) | BITS(9, 8), BITS(60, 54) | BIT(63) };

	bits.reserved |= leaf ? inside(root, level, leaf) >> 2 : BIT(4) | BITS(7, 6) | BITS(62, 61);
	if ((root->features & PHYRSIM_FEATURE_PBMT) == 0)
		bits.reserved |= BITS(62, 61);
	if (root->pa_bits < 56)
		bits.reserved |= BITS(53, root->pa_bits - 2);
	return bits;
}

static struct bits bits_of(const struct phyrsim_root *root, unsigned int level, bool leaf)
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

/* A leaf that may be read and written, at an address below 2^46. */
static uint64_t leaf_of(const struct phyrsim_root *root, unsigned int level, uint64_t pa)
{
	static const uint64_t lowest[PHYRSIM_FORMAT_CNT] = {
		0x3, UINT64_C(0x6000000000000001), 0x67, 0x447, 0x4ff, 0xd7, 0xd7,
	};
	static const uint64_t large[PHYRSIM_FORMAT_CNT] = {
		0x83, UINT64_C(0x6000000000000001), 0xe7, 0x445, 0x4fd, 0xd7, 0xd7,
	};
	uint64_t word = level ? large[root->format] : lowest[root->format];

	return word | (root->format >= PHYRSIM_FORMAT_RISCV_S1 ? pa >> 2 : pa);
}

static void expect_same(struct world *w, uint64_t pa, unsigned int level)
{
	expect_pa(w, RW, pa);
	assert_int_equal(w->walk.perm, RW);
	assert_int_equal(w->walk.leaf_lg2, item_lg2(&w->root, level));
}

/* Random ignored bits on the whole path; then each reserved bit of each entry on top of them. */
static void check_path(struct world *w, unsigned int leaf_level, uint64_t *random)
{
	unsigned int lg2 = item_lg2(&w->root, leaf_level);
	uint64_t pa = test_random(random) & BITS(45, 0) & ~(BIT(lg2) - 1);
	uint64_t byte = pa | (w->iova & (BIT(lg2) - 1));
	uint64_t below = *entry(w, leaf_level);

	*entry(w, leaf_level) = leaf_of(&w->root, leaf_level, pa);
	expect_same(w, byte, leaf_level);
	for (unsigned int level = leaf_level; level < w->root.level_cnt; level++)
		*entry(w, level) ^= test_random(random) &
				    bits_of(&w->root, level, level == leaf_level).ignored;
	expect_same(w, byte, leaf_level);
	w->flags = PHYRSIM_WALK_AUDIT;
	expect_same(w, byte, leaf_level);
	w->flags = 0;
	for (unsigned int level = leaf_level; level < w->root.level_cnt; level++) {
		uint64_t reserved = bits_of(&w->root, level, level == leaf_level).reserved;
		uint64_t good = *entry(w, level);

		for (; reserved != 0; reserved &= reserved - 1) {
			*entry(w, level) = good ^ (reserved & (~reserved + 1));
			assert_int_equal(walk_at(w, w->iova, RO), PHYR_E_FAULT);
			assert_int_equal(w->walk.level, level);
			assert_true(w->walk.fault == PHYRSIM_FAULT_RESERVED ||
				    w->walk.fault == PHYRSIM_FAULT_ALIGN ||
				    w->walk.fault == PHYRSIM_FAULT_SIZE);
		}
		*entry(w, level) = good;
	}
	*entry(w, leaf_level) = below;
}

static void check_shape(const struct shape *shape, uint64_t *random, uint64_t iterations)
{
	uint64_t iova = test_random(random) & BITS(shape->root.iova_bits - 2, 0);
	struct world w;

	open_world(&w, shape->root, iova);
	for (uint64_t i = 0; i < iterations; i++) {
		for (unsigned int level = 0; level < shape->root.level_cnt; level++)
			if ((shape->leaf_levels >> level & 1) != 0)
				check_path(&w, level, random);
	}
	close_world(&w);
}

static struct shape plain(enum phyrsim_format format, unsigned int level_cnt, unsigned int features,
			  unsigned int leaf_levels, unsigned int pa_bits)
{
	struct shape shape = { root_of(format, level_cnt, features), leaf_levels };

	shape.root.pa_bits = pa_bits;
	return shape;
}

static struct shape arm(enum phyrsim_format format, unsigned int granule_lg2, unsigned int wide,
			unsigned int leaf_levels)
{
	unsigned int level_cnt = granule_lg2 == 12 ? 4 : 3, bits = granule_lg2 == 14 ? 47 : 48;
	struct shape shape;

	if (wide != 0) {
		level_cnt = granule_lg2 == 12 ? 5 : granule_lg2 == 14 ? 4 : 3;
		bits = 52;
	}
	shape.root = arm_root(format, granule_lg2, bits, level_cnt, wide);
	shape.leaf_levels = leaf_levels;
	return shape;
}

static void ignored_bits_change_nothing_and_reserved_bits_fault(void **state)
{
	const struct shape shapes[] = {
		plain(PHYRSIM_FORMAT_VTD_SS, 3, 0, 7, 52),
		plain(PHYRSIM_FORMAT_VTD_SS, 4, PHYRSIM_FEATURE_COHERENT, 7, 48),
		plain(PHYRSIM_FORMAT_VTD_SS, 5, 0, 7, 46),
		plain(PHYRSIM_FORMAT_AMD_V1, 3, 0, 7, 52),
		plain(PHYRSIM_FORMAT_AMD_V1, 6, PHYRSIM_FEATURE_COHERENT, 15, 48),
		plain(PHYRSIM_FORMAT_X86_FS, 4, 0, 7, 52),
		plain(PHYRSIM_FORMAT_X86_FS, 5, 0, 7, 46),
		plain(PHYRSIM_FORMAT_X86_FS, 4, PHYRSIM_FEATURE_UNSIGNED, 7, 50),
		plain(PHYRSIM_FORMAT_RISCV_S1, 3, 0, 7, 56),
		plain(PHYRSIM_FORMAT_RISCV_S1, 5, PHYRSIM_FEATURE_PBMT, 31, 50),
		plain(PHYRSIM_FORMAT_RISCV_S2, 4, 0, 15, 46),
		arm(PHYRSIM_FORMAT_ARM_S1, 12, 0, 7),
		arm(PHYRSIM_FORMAT_ARM_S1, 14, 0, 3),
		arm(PHYRSIM_FORMAT_ARM_S1, 16, 0, 3),
		arm(PHYRSIM_FORMAT_ARM_S1, 12, WIDE, 15),
		arm(PHYRSIM_FORMAT_ARM_S1, 14, WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S1, 16, WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 12, 0, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 14, WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 16, WIDE, 7),
	};
	uint64_t seed = test_number("PHYR_SEED", 1), random = seed;
	uint64_t iterations = test_number("PHYR_ITER", 50);

	(void)state;
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < CNT(shapes); i++)
		check_shape(&shapes[i], &random, iterations);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ignored_bits_change_nothing_and_reserved_bits_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
