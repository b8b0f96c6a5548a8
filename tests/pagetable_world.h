/* SPDX-License-Identifier: MIT */
/* What every case of the page-table tests works on, and what it reads there. */
#ifndef PHYR_PAGETABLE_WORLD_H
#define PHYR_PAGETABLE_WORLD_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/walker.h>

#include "test.h"

#define KIB4 UINT64_C(0x1000)
#define MIB2 UINT64_C(0x200000)
#define GIB1 UINT64_C(0x40000000)
#define TOP (UINT64_MAX - 0xfff)
#define RW PHYR_PERM_READ_WRITE
#define HOLE UINT64_MAX

/* What every case works on; made anew for each. */
static struct {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyrsim_root root;
	struct phyr_gather gather;
} w;

static inline void open_table(unsigned int level_cnt, unsigned int pa_bits)
{
	struct phyrsim_pagetable_params params = { .level_cnt = level_cnt, .pa_bits = pa_bits };

	test_mem_init(&w.host);
	assert_int_equal(phyrsim_mem_create(&w.host.mem, &w.mem), PHYR_OK);
	params.mem = &w.host.mem;
	params.frames = w.mem;
	assert_int_equal(phyrsim_pagetable_create(&params, &w.table), PHYR_OK);
	phyrsim_pagetable_root(w.table, &w.root);
	phyr_gather_init(&w.gather);
}

static inline int setup(void **state)
{
	(void)state;
	open_table(0, 0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	phyrsim_pagetable_release(w.table, &w.gather);
	phyrsim_pagetable_destroy(w.table);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 0);
	phyrsim_mem_destroy(w.mem);
	assert_int_equal(w.host.live_cnt, 0);
	return 0;
}

static inline void reopen_table(unsigned int level_cnt, unsigned int pa_bits)
{
	teardown(NULL);
	open_table(level_cnt, pa_bits);
}

static inline int map(uint64_t iova, uint64_t pa, uint64_t len, unsigned int perm)
{
	struct phyr_range run = { { pa }, len };

	return phyrsim_pagetable_map(w.table, phyr_iova_at(iova), &run, 1, (enum phyr_perm)perm, 0);
}

static inline int unmap(uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { { iova }, len };

	return phyrsim_pagetable_unmap(w.table, range, &w.gather);
}

static inline struct phyrsim_pagetable_stats stats(void)
{
	struct phyrsim_pagetable_stats ret;

	phyrsim_pagetable_stats(w.table, &ret);
	return ret;
}

static inline void expect_leaves(uint64_t kib4, uint64_t mib2, uint64_t gib1)
{
	struct phyrsim_pagetable_stats now = stats();
	struct phyr_block_counts expected = { .cnt = { [12] = kib4, [21] = mib2, [30] = gib1 } };

	assert_memory_equal(&now.leaves, &expected, sizeof(expected));
}

/* The raw entry of a level for an address; every pointer above it must be a table | 3. */
static inline uint64_t raw_entry(uint64_t iova, unsigned int level)
{
	uint64_t raw = w.root.table.addr | 3;

	for (unsigned int i = w.root.level_cnt; i-- > level;) {
		const uint64_t *frame = phyrsim_mem_frame(w.mem, phyr_pa_at(raw & ~UINT64_C(3)));

		assert_int_equal(raw & 0xfff, 3);
		assert_non_null(frame);
		raw = frame[iova >> (12 + 9 * i) & 511];
	}
	return raw;
}

/* FNV-1a over the words of a table and, behind each pointer, of the table below. */
static inline uint64_t checksum_table(uint64_t pa, unsigned int level, uint64_t sum)
{
	const uint64_t *frame = phyrsim_mem_frame(w.mem, phyr_pa_at(pa));

	assert_non_null(frame);
	for (size_t i = 0; i < 512; i++) {
		sum = (sum ^ frame[i]) * UINT64_C(0x100000001b3);
		if (level > 0 && frame[i] != 0 && (frame[i] & 0x80) == 0)
			sum = checksum_table(frame[i] & ~UINT64_C(0xfff), level - 1, sum);
	}
	return sum;
}

/* Everything that a failed call must leave as it was, as one number. */
static inline uint64_t checksum(void)
{
	struct phyrsim_pagetable_stats now = stats();
	uint64_t sum = phyrsim_mem_frame_cnt(w.mem) ^ now.table_cnt << 32;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		sum = (sum ^ now.leaves.cnt[lg2]) * UINT64_C(0x100000001b3);
	return checksum_table(w.root.table.addr, w.root.level_cnt - 1, sum);
}

/* Where hardware finds an address, or HOLE. */
static inline uint64_t pa_of(uint64_t iova)
{
	struct phyrsim_access access = { phyr_iova_at(iova), PHYR_PERM_READ, 0 };
	struct phyrsim_walk walk;

	if (phyrsim_walk(w.mem, &w.root, &access, &walk) == PHYR_OK)
		return walk.pa.addr;
	assert_int_equal(walk.fault, PHYRSIM_FAULT_NOT_PRESENT);
	return HOLE;
}

static inline void refuse_map(uint64_t iova, uint64_t pa, uint64_t len, unsigned int perm,
			      int result)
{
	uint64_t before = checksum();

	assert_int_equal(map(iova, pa, len, perm), result);
	assert_int_equal(checksum(), before);
}

/* The gather stays empty, too: nothing was removed. */
static inline void refuse_unmap(uint64_t iova, uint64_t len, int result)
{
	uint64_t before = checksum();

	assert_int_equal(unmap(iova, len), result);
	assert_int_equal(checksum(), before);
	assert_true(w.gather.empty && !w.gather.tables_removed);
	assert_int_equal(w.gather.unmap_cnt, 0);
	assert_null(w.gather.freed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
