/* SPDX-License-Identifier: MIT */
/*
 * A table of any configuration to work on, and a reader of tables that knows nothing of the writer:
 * it finds an item from the root down, by the specifications alone.
 */
#ifndef PHYR_PAGETABLE_FORMATS_H
#define PHYR_PAGETABLE_FORMATS_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#include "pagetable_configs.h"
#include "test.h"
#include "walker_bits.h"

/* What every case works on. */
static struct {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyr_iommu_caps caps;
	struct phyr_gather gather;
} w;

static inline void open_config(const struct config *config)
{
	struct phyrsim_pagetable_params params;

	test_mem_init(&w.host);
	assert_int_equal(phyrsim_mem_create(&w.host.mem, &w.mem), PHYR_OK);
	params = config_params(config, &w.host.mem, w.mem);
	assert_int_equal(phyrsim_pagetable_create(&params, &w.table), PHYR_OK);
	phyrsim_pagetable_caps(w.table, &w.caps);
	phyr_gather_init(&w.gather);
}

static inline void close_config(void)
{
	phyrsim_pagetable_release(w.table, &w.gather);
	phyrsim_pagetable_destroy(w.table);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 0);
	phyrsim_mem_destroy(w.mem);
	assert_int_equal(w.host.live_cnt, 0);
}

static inline struct phyrsim_root root_now(void)
{
	struct phyrsim_root root;

	phyrsim_pagetable_root(w.table, &root);
	return root;
}

static inline struct phyrsim_pagetable_stats stats(void)
{
	struct phyrsim_pagetable_stats now;

	phyrsim_pagetable_stats(w.table, &now);
	return now;
}

/* Live leaves of all sizes. */
static inline uint64_t leaf_cnt(void)
{
	uint64_t cnt = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		cnt += stats().leaves.cnt[lg2];
	return cnt;
}

static inline int map_attrs(uint64_t iova, uint64_t pa, uint64_t len, unsigned int perm,
			    unsigned int attrs)
{
	struct phyr_range run = { { pa }, len };

	return phyrsim_pagetable_map(w.table, phyr_iova_at(iova), &run, 1, (enum phyr_perm)perm,
				     attrs);
}

static inline int map(uint64_t iova, uint64_t pa, uint64_t len)
{
	return map_attrs(iova, pa, len, RW, 0);
}

static inline int unmap(uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_unmap(w.table, range, &w.gather);
}

/* [bytes] the smallest leaf */
static inline uint64_t granule(void)
{
	return phyr_bits_size(phyr_sizes_min_lg2(w.caps.sizes));
}

/* Bits last … first of a word, at their place. */
static inline uint64_t field(uint64_t word, unsigned int last, unsigned int first)
{
	return word & (UINT64_MAX >> (63 - last)) & ~phyr_bits_mask(first);
}

/* What an item says. */
struct said {
	bool present, leaf;
	uint64_t address; /* of the table, or of the first byte of the leaf's own item */
	unsigned int lg2; /* of the leaf */
	unsigned int perm;
};

static inline struct said read_amd(uint64_t item, struct said said)
{
	unsigned int next = (unsigned int)(item >> 9 & 7), k = 12;

	said.leaf = next == 0 || next == 7;
	said.address = field(item, 51, 12);
	said.perm = (unsigned int)(item >> 61 & 3);
	if (next != 7)
		return said;
	for (; item >> k & 1; k++)
		said.address &= ~phyr_bits_size(k);
	said.lg2 = k + 1;
	return said;
}

static inline struct said read_arm(const struct phyrsim_root *root, uint64_t item,
				   unsigned int level, struct said said)
{
	static const unsigned int groups[3][4] = { { 4, 4, 4, 4 }, { 7, 5, 0, 0 }, { 5, 5, 5, 0 } };
	unsigned int granule_lg2 = root->granule_lg2;
	bool wide = root->features & WIDE;

	said.leaf = level == 0 || !(item & 2);
	assert_true(level > 0 || (item & 2));
	said.address = field(item, wide && granule_lg2 < 16 ? 49 : 47, granule_lg2);
	if (wide)
		said.address |= granule_lg2 < 16 ? field(item, 9, 8) << 42 :
						   field(item, 15, 12) << 36;
	if (said.leaf && item >> 52 & 1)
		said.lg2 += groups[(granule_lg2 - 12) / 2][level];
	said.perm = (unsigned int)(item >> 6 & 3);
	if (root->format == ARM1)
		said.perm = item >> 7 & 1 ? RO : RW;
	if (item >> 51 & 1)
		said.perm |= WO;
	return said;
}

static inline struct said read_riscv(uint64_t item, struct said said)
{
	said.leaf = item & 0xe;
	said.address = field(item, 53, 10) << 2;
	said.perm = item & 4 ? RW : RO;
	if (item >> 63 & 1) {
		said.lg2 = 16;
		assert_int_equal(field(said.address, 15, 12), 0x8000);
		said.address -= 0x8000;
	}
	return said;
}

/* An item by the rules of its format. */
static inline struct said read_item(const struct phyrsim_root *root, uint64_t item,
				    unsigned int level)
{
	struct said said = { item & 1, false, 0, item_lg2(root, level), 0 };

	if (root->format == VTD)
		said.present = item != 0;
	if (!said.present) {
		assert_int_equal(item, 0);
		return said;
	}
	if (root->format == AMD)
		return read_amd(item, said);
	if (root->format == ARM1 || root->format == ARM2)
		return read_arm(root, item, level, said);
	if (root->format == RV1 || root->format == RV2)
		return read_riscv(item, said);
	said.leaf = level == 0 || item >> 7 & 1;
	said.address = field(item, 51, 12);
	said.perm = (unsigned int)(item & 3);
	if (root->format == X86)
		said.perm = item & 2 ? RW : RO;
	return said;
}

/* Where the path of an address ends, and what stands there. */
struct found {
	uint64_t item;
	unsigned int level;
	struct said said;
	uint64_t pa; /* of the byte, when it is a leaf */
};

/* The slot of a table for an address; tables larger than a frame are frames in a row. */
static inline uint64_t slot(uint64_t table, uint64_t index)
{
	const uint64_t *words = phyrsim_mem_frame(w.mem, phyr_pa_at(table + index / 512 * KIB4));

	assert_non_null(words);
	return words[index % 512];
}

static inline struct found find(uint64_t iova)
{
	struct phyrsim_root root = root_now();
	uint64_t at = root.iova_bits < 64 ? iova & phyr_bits_mask(root.iova_bits) : iova;
	uint64_t table = root.table.addr;
	struct found found = { .level = root.level_cnt };

	/* An AMD table may not be that high yet. */
	if (root.format == AMD && at != iova)
		return found;
	for (;;) {
		unsigned int lg2 = item_lg2(&root, --found.level);

		found.item = slot(table, at >> lg2);
		found.said = read_item(&root, found.item, found.level);
		if (!found.said.present || found.said.leaf)
			break;
		table = found.said.address;
		assert_true(found.level > 0);
		at &= phyr_bits_mask(lg2);
	}
	if (root.format == ARM1 || root.format == ARM2)
		found.pa = found.said.address | (at & phyr_bits_mask(item_lg2(&root, found.level)));
	else
		found.pa = found.said.address | (at & phyr_bits_mask(found.said.lg2));
	return found;
}

#endif
