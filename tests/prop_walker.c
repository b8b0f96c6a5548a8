/* SPDX-License-Identifier: MIT */
/*
 * Bits of entries, by the lists of the specifications: whatever the ignored bits of a whole path
 * are, the translation is the same; and any one reserved bit in any one entry makes it fault.
 *
 * The lists are for walks that update nothing, of users, with permission to read and write.
 */
#include <stdio.h>

#include "walker_world.h"

/* A root, and the levels that have leaves. */
struct shape {
	struct phyrsim_root root;
	unsigned int leaf_levels; /* [bit = level] */
};

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
		arm(PHYRSIM_FORMAT_ARM_S1, 12, PHYRSIM_FEATURE_WIDE, 15),
		arm(PHYRSIM_FORMAT_ARM_S1, 14, PHYRSIM_FEATURE_WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S1, 16, PHYRSIM_FEATURE_WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 12, 0, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 14, PHYRSIM_FEATURE_WIDE, 7),
		arm(PHYRSIM_FORMAT_ARM_S2, 16, PHYRSIM_FEATURE_WIDE, 7),
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
