/* SPDX-License-Identifier: MIT */
/*
 * What the page-table writer puts into memory in each format, word by word. Entries marked X were
 * produced by executing Linux 7.0; D are derived by hand from the specifications.
 *
 * Not here: which calls are taken, and growth (test_pagetable_shapes.c); random sequences
 * (prop_pagetable_formats.c).
 */
#include "pagetable_formats.h"

#define NX PHYRSIM_ATTR_NOEXEC
#define NC PHYRSIM_ATTR_UNCACHED
#define IO PHYRSIM_ATTR_MMIO
#define PRIV PHYRSIM_ATTR_PRIVILEGED
#define FWB PHYRSIM_FEATURE_FWB
#define DBM PHYRSIM_FEATURE_DIRTY
#define U UINT64_C

/* One leaf, mapped at an I/O address of its alignment, and the first item of it. */
struct worked {
	struct config config;
	uint64_t pa;
	unsigned int lg2, perm, attrs, level;
	uint64_t entry;
};

static const struct worked amd[] = {
	/* X */
	{ { AMD, 0, 0, 0, COHERENT }, 0x12345000, 12, RW, 0, 0, U(0x7000000012345001) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x12345000, 12, RO, 0, 0, U(0x3000000012345001) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x12345000, 12, WO, 0, 0, U(0x5000000012345001) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 13, RW, 0, 0, U(0x7000000880000e01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 14, RW, 0, 0, U(0x7000000880001e01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 15, RW, 0, 0, U(0x7000000880003e01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 16, RW, 0, 0, U(0x7000000880007e01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 17, RW, 0, 0, U(0x700000088000fe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 18, RW, 0, 0, U(0x700000088001fe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 19, RW, 0, 0, U(0x700000088003fe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 20, RW, 0, 0, U(0x700000088007fe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 21, RW, 0, 1, U(0x7000000880000001) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 22, RW, 0, 1, U(0x70000008801ffe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 23, RW, 0, 1, U(0x70000008803ffe01) },
	{ { AMD, 0, 0, 0, COHERENT }, 0x880000000, 29, RW, 0, 1, U(0x700000088ffffe01) },
	{ { AMD, 0, 0, 0, COHERENT }, U(1) << 39, 30, RW, 0, 2, U(0x7000008000000001) },
	{ { AMD, 0, 0, 0, COHERENT }, U(1) << 39, 38, RW, 0, 2, U(0x7000009ffffffe01) },
	{ { AMD, 0, 0, 0, COHERENT }, U(1) << 40, 40, RW, 0, 3, U(0x7000017ffffffe01) },
	{ { AMD, 0, 0, 0, COHERENT }, U(1) << 48, 48, RW, 0, 4, U(0x7001000000000001) },
	{ { AMD, 0, 0, 0, COHERENT }, U(1) << 51, 51, RW, 0, 4, U(0x700bfffffffffe01) },
	/* D: without force coherent */
	{ { AMD, 0, 0, 0, 0 }, 0x12345000, 12, RW, IO | NX, 0, U(0x6000000012345001) },
};

static const struct worked intel[] = {
	/* X */
	{ { VTD, 0, 0, 0, 0 }, 0x12345000, 12, RW, 0, 0, 0x12345003 },
	{ { VTD, 0, 0, 0, 0 }, 0x12345000, 12, RO, 0, 0, 0x12345001 },
	{ { VTD, 0, 0, 0, 0 }, 0x12345000, 12, WO, 0, 0, 0x12345002 },
	{ { VTD, 0, 0, 0, 0 }, 0x40200000, 21, RW, 0, 1, 0x40200083 },
	{ { VTD, 0, 0, 0, 0 }, 0x880000000, 30, RW, 0, 2, 0x880000083 },
	{ { VTD, 0, 0, 0, 0 }, U(0xffffffffff000), 12, RW, 0, 0, U(0x000ffffffffff003) },
	/* D: snooping; the quirk */
	{ { VTD, 0, 0, 0, COHERENT }, 0x12345000, 12, RW, 0, 0, 0x12345803 },
	{ { VTD, 0, 0, 0, COHERENT }, 0x40200000, 21, RW, 0, 1, 0x40200883 },
	{ { VTD, 0, 0, 0, PHYRSIM_FEATURE_WRITE_READS }, 0x12345000, 12, WO, 0, 0, 0x12345003 },
	{ { VTD, 0, 0, 0, PHYRSIM_FEATURE_WRITE_READS }, 0x12345000, 12, RO, 0, 0, 0x12345001 },
	/* X */
	{ { X86, 0, 0, 0, 0 }, 0x12345000, 12, RW, 0, 0, 0x12345067 },
	{ { X86, 0, 0, 0, 0 }, 0x12345000, 12, RO, 0, 0, 0x12345025 },
	{ { X86, 0, 0, 0, 0 }, 0x40200000, 21, RW, 0, 1, 0x402000e7 },
	{ { X86, 0, 0, 0, 0 }, 0x880000000, 30, RO, 0, 2, 0x8800000a5 },
	/* D: write implies read; execute-disable; no user bit */
	{ { X86, 5, 0, 0, 0 }, 0x12345000, 12, WO, 0, 0, 0x12345067 },
	{ { X86, 0, 0, 0, 0 }, 0x12345000, 12, RW, NX, 0, U(0x8000000012345067) },
	{ { X86, 0, 0, 0, 0 }, 0x12345000, 12, RW, PRIV, 0, 0x12345063 },
};

static const struct worked riscv[] = {
	/* X */
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RW, NX, 0, 0x200804d7 },
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RO, NX, 0, 0x20080453 },
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RW, 0, 0, 0x200804df },
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RO, 0, 0, 0x2008045b },
	{ { RV1, 0, 0, 0, CONT }, 0x80210000, 16, RW, NX, 0, U(0x80000000200860d7) },
	{ { RV1, 0, 0, 0, 0 }, 0x80200000, 21, RW, NX, 1, 0x200800d7 },
	{ { RV1, 0, 0, 0, 0 }, 0x80000000, 30, RW, NX, 2, 0x200000d7 },
	{ { RV1, 0, 0, 0, 0 }, U(1) << 39, 39, RW, NX, 3, U(0x20000000d7) },
	{ { RV1, 0, 0, 0, 0 }, U(0xfffffffffff000), 12, RW, NX, 0, U(0x003ffffffffffcd7) },
	/* D: 256T; memory types; no user bit in the first stage, always in the second */
	{ { RV2, 5, 0, 0, 0 }, U(1) << 48, 48, RW, NX, 4, U(0x4000000000d7) },
	{ { RV1, 0, 0, 0, PBMT }, 0x80201000, 12, RW, NX | NC, 0, U(0x20000000200804d7) },
	{ { RV2, 0, 0, 0, PBMT }, 0x80201000, 12, RW, NX | NC | IO, 0, U(0x40000000200804d7) },
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RW, NX | NC, 0, 0x200804d7 },
	{ { RV2, 0, 0, 0, CONT }, 0x80201000, 12, RW, NX | IO, 0, 0x200804d7 },
	{ { RV1, 0, 0, 0, 0 }, 0x80201000, 12, RW, NX | PRIV, 0, 0x200804c7 },
	{ { RV2, 0, 0, 0, CONT }, 0x80210000, 16, RW, NX | PRIV, 0, U(0x80000000200860d7) },
};

static const struct worked arm[] = {
	/* X */
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RW, 0, 0, 0x12345f47 },
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RW, NC, 0, 0x12345e43 },
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RO, 0, 0, 0x12345fc7 },
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RW, IO | NX, 0, U(0x0060000012345e4b) },
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RW, NX, 0, U(0x0060000012345f47) },
	{ { ARM1, 0, 12, 0, 0 }, 0x12345000, 12, RW, PRIV, 0, 0x12345f07 },
	{ { ARM1, 0, 12, 0, DBM }, 0x12345000, 12, RW, 0, 0, U(0x0008000012345f47) },
	{ { ARM1, 0, 12, 0, 0 }, 0x40200000, 21, RW, 0, 1, 0x40200f45 },
	{ { ARM1, 0, 12, 0, 0 }, 0x880000000, 30, RW, 0, 2, 0x880000f45 },
	{ { ARM1, 0, 14, 0, 0 }, 0x12344000, 14, RW, 0, 0, 0x12344f47 },
	{ { ARM1, 0, 14, 0, 0 }, 0x42000000, 25, RW, 0, 1, 0x42000f45 },
	{ { ARM1, 0, 16, 0, 0 }, 0x12340000, 16, RW, 0, 0, 0x12340f47 },
	{ { ARM1, 0, 16, 0, 0 }, 0x60000000, 29, RW, 0, 1, 0x60000f45 },
	{ { ARM1, 0, 16, 52, WIDE }, U(0xf123456780000), 16, RW, 0, 0, U(0x000012345678ff47) },
	{ { ARM1, 0, 16, 52, WIDE }, U(0xc000000000000), 42, RW, 0, 2, U(0x000000000000cf45) },
	{ { ARM2, 0, 12, 0, 0 }, 0x12345000, 12, RW, 0, 0, 0x123457ff },
	{ { ARM2, 0, 12, 0, 0 }, 0x12345000, 12, RO, 0, 0, 0x1234577f },
	{ { ARM2, 0, 12, 0, 0 }, 0x12345000, 12, WO, 0, 0, 0x123457bf },
	{ { ARM2, 0, 12, 0, 0 }, 0x12345000, 12, RW, NC, 0, 0x123456d7 },
	{ { ARM2, 0, 12, 0, 0 }, 0x12345000, 12, RW, IO | NX, 0, U(0x00600000123456c7) },
	{ { ARM2, 0, 12, 0, FWB }, 0x12345000, 12, RW, 0, 0, 0x123457db },
	{ { ARM2, 0, 12, 0, 0 }, 0x40200000, 21, RW, 0, 1, 0x402007fd },
	{ { ARM2, 0, 12, 0, 0 }, 0x880000000, 30, RW, 0, 2, 0x8800007fd },
	/* D */
	{ { ARM1, 0, 12, 52, WIDE }, U(0xf123456789000), 12, RW, 0, 0, U(0x0003123456789f47) },
	{ { ARM1, 0, 12, 52, WIDE }, U(0x4008000000000), 39, RW, 0, 3, U(0x0000008000000d45) },
	{ { ARM2, 0, 12, 40, FWB }, 0x12345000, 12, RW, NC, 0, 0x123456d7 },
	{ { ARM1, 0, 12, 0, DBM }, 0x12345000, 12, RO, 0, 0, 0x12345fc7 },
	{ { ARM2, 0, 12, 40, DBM }, 0x12345000, 12, WO, 0, 0, U(0x00080000123457bf) },
};

/* Leaves of several items, D: the first item, how many there are, the second and the last. */
static const struct {
	struct worked first;
	unsigned int cnt;
	uint64_t second, last;
} groups[] = {
	{ { { ARM1, 0, 12, 0, CONT }, 0x40210000, 16, RW, 0, 0, U(0x0010000040210f47) },
	  16,
	  U(0x0010000040211f47),
	  U(0x001000004021ff47) },
	{ { { ARM1, 0, 12, 0, CONT }, 0x42000000, 25, RW, 0, 1, U(0x0010000042000f45) },
	  16,
	  U(0x0010000042200f45),
	  U(0x0010000043e00f45) },
	{ { { ARM1, 0, 14, 0, CONT }, 0x40200000, 21, RW, 0, 0, U(0x0010000040200f47) },
	  128,
	  U(0x0010000040204f47),
	  U(0x00100000403fcf47) },
	{ { { ARM1, 0, 14, 0, CONT }, 0x40000000, 30, RW, 0, 1, U(0x0010000040000f45) },
	  32,
	  U(0x0010000042000f45),
	  U(0x001000007e000f45) },
	{ { { ARM1, 0, 16, 0, CONT }, 0x40200000, 21, RW, 0, 0, U(0x0010000040200f47) },
	  32,
	  U(0x0010000040210f47),
	  U(0x00100000403f0f47) },
	{ { { ARM1, 0, 16, 0, CONT }, 0x400000000, 34, RW, 0, 1, U(0x0010000400000f45) },
	  32,
	  U(0x0010000420000f45),
	  U(0x00100007e0000f45) },
	/* Items that are all alike. */
	{ { { AMD, 0, 0, 0, COHERENT }, 0x880000000, 20, RW, 0, 0, U(0x700000088007fe01) },
	  256,
	  U(0x700000088007fe01),
	  U(0x700000088007fe01) },
	{ { { RV1, 0, 0, 0, CONT }, 0x80210000, 16, RW, NX, 0, U(0x80000000200860d7) },
	  16,
	  U(0x80000000200860d7),
	  U(0x80000000200860d7) },
};

/* Maps a leaf alone, at a place of its alignment; the place is returned. */
static uint64_t map_worked(const struct worked *worked)
{
	uint64_t len = phyr_bits_size(worked->lg2);

	open_config(&worked->config);
	assert_int_equal(map_attrs(len, worked->pa, len, worked->perm, worked->attrs), PHYR_OK);
	assert_int_equal(stats().leaves.cnt[worked->lg2], 1);
	return len;
}

/* Read back, an entry says what it was made of; made again from that, it is the same. */
static void check_read(const struct worked *worked, uint64_t iova)
{
	uint64_t len = phyr_bits_size(worked->lg2);
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(iova), &pa, &leaf), 0);
	assert_int_equal(pa.addr, worked->pa);
	assert_int_equal(leaf.pa.addr, worked->pa);
	assert_int_equal(leaf.lg2, worked->lg2);
	assert_int_equal(leaf.level, worked->level);
	assert_int_equal(leaf.entry, worked->entry);
	assert_int_equal(leaf.perm, perm_of(&worked->config, worked->perm));
	assert_int_equal(leaf.attrs & ~worked->attrs, 0);
	assert_int_equal(unmap(iova, len), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(iova), &pa, NULL),
			 PHYR_E_NOENT);
	assert_int_equal(map_attrs(iova, leaf.pa.addr, len, leaf.perm, leaf.attrs), PHYR_OK);
	assert_int_equal(find(iova).item, worked->entry);
}

static void check_worked(const struct worked *worked, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		uint64_t iova = map_worked(&worked[i]);
		struct found found = find(iova);

		assert_int_equal(found.item, worked[i].entry);
		assert_int_equal(found.level, worked[i].level);
		assert_int_equal(find(iova + phyr_bits_mask(worked[i].lg2)).pa,
				 worked[i].pa + phyr_bits_mask(worked[i].lg2));
		assert_int_equal(find(iova - 1).item, 0);
		check_read(&worked[i], iova);
		close_config();
	}
}

static void leaves_are_the_worked_entries_bit_for_bit(void **state)
{
	(void)state;
	check_worked(amd, CNT(amd));
	check_worked(intel, CNT(intel));
	check_worked(riscv, CNT(riscv));
	check_worked(arm, CNT(arm));
}

static void every_item_of_a_group_is_as_the_format_wants_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(groups); i++) {
		const struct worked *first = &groups[i].first;
		uint64_t iova = map_worked(first);
		uint64_t item_len = phyr_bits_size(first->lg2) / groups[i].cnt;

		for (uint64_t j = 0; j < groups[i].cnt; j++) {
			struct found found = find(iova + j * item_len + 1);

			assert_int_equal(found.said.lg2, first->lg2);
			assert_int_equal(found.pa, first->pa + j * item_len + 1);
		}
		assert_int_equal(find(iova).item, first->entry);
		assert_int_equal(find(iova + item_len).item, groups[i].second);
		assert_int_equal(find(iova + (groups[i].cnt - 1) * item_len).item, groups[i].last);
		close_config();
	}
}

/* The item of the top for an address. */
static uint64_t top_item(uint64_t iova)
{
	struct phyrsim_root root = root_now();
	uint64_t at = iova & phyr_bits_mask(root.iova_bits);

	return slot(root.table.addr, at >> item_lg2(&root, root.level_cnt - 1));
}

/* D: the table below the top is the second thing in memory. */
static void pointers_are_the_worked_entries_bit_for_bit(void **state)
{
	static const struct {
		struct config config;
		uint64_t entry;
	} pointers[] = {
		{ { AMD, 3, 0, 0, COHERENT }, U(0x6000100000001401) },
		{ { AMD, 4, 0, 0, 0 }, U(0x6000100000001601) },
		{ { VTD, 4, 0, 0, COHERENT }, U(0x100000001003) },
		{ { X86, 4, 0, 0, 0 }, U(0x100000001027) },
		{ { RV1, 4, 0, 0, 0 }, U(0x0000040000000401) },
		{ { RV2, 4, 0, 0, 0 }, U(0x0000040000001001) },
		{ { ARM1, 0, 12, 0, 0 }, U(0x100000001003) },
		{ { ARM2, 0, 12, 40, 0 }, U(0x100000002003) },
		{ { ARM1, 0, 16, 52, WIDE }, U(0x100000010003) },
	};

	(void)state;
	for (size_t i = 0; i < CNT(pointers); i++) {
		open_config(&pointers[i].config);
		assert_int_equal(map(0, 0, granule()), PHYR_OK);
		assert_int_equal(top_item(0), pointers[i].entry);
		close_config();
	}
}

/* X: tables at the addresses that they had when the entries were recorded; the tables in between. */
static void pointers_are_the_recorded_entries_bit_for_bit(void **state)
{
	static const struct {
		struct config config;
		unsigned int frame_cnt; /* in front of the tables below the top */
		unsigned int level;
		uint64_t entry;
	} pointers[] = {
		{ { AMD, 3, 0, 0, COHERENT }, 1, 1, U(0x6000100000003201) },
		{ { AMD, 3, 0, 0, COHERENT }, 3, 2, U(0x6000100000004401) },
		{ { AMD, 4, 0, 0, COHERENT }, 5, 3, U(0x6000100000006601) },
		{ { RV1, 4, 0, 0, 0 }, 0x11, 3, U(0x0000040000004801) },
	};

	(void)state;
	for (size_t i = 0; i < CNT(pointers); i++) {
		struct phyrsim_root root;
		uint64_t item;
		phyr_pa pa;

		open_config(&pointers[i].config);
		for (unsigned int j = 0; j < pointers[i].frame_cnt; j++)
			assert_int_equal(phyrsim_mem_alloc(w.mem, &pa), PHYR_OK);
		assert_int_equal(map(0, 0, granule()), PHYR_OK);
		root = root_now();
		item = slot(root.table.addr, 0);
		while (--root.level_cnt > pointers[i].level)
			item = slot(read_item(&root, item, root.level_cnt).address, 0);
		assert_int_equal(item, pointers[i].entry);
		for (unsigned int j = 1; j <= pointers[i].frame_cnt; j++)
			phyrsim_mem_free(w.mem, phyr_pa_at(root.table.addr + j * KIB4));
		close_config();
	}
}

/* X: what one request became. */
static void requests_are_the_recorded_entries_bit_for_bit(void **state)
{
	static const struct {
		struct config config;
		uint64_t iova, pa, len;
		unsigned int lg2, cnt;
		uint64_t entry;
	} requests[] = {
		/* Never a leaf of 512G. */
		{ { AMD, 4, 0, 0, COHERENT },
		  0,
		  U(1) << 39,
		  U(1) << 39,
		  38,
		  2,
		  U(0x7000009ffffffe01) },
		/* In the upper half. */
		{ { X86, 4, 0, 0, 0 },
		  U(0xffffffffc0000000),
		  0x880000000,
		  0x40000000,
		  30,
		  1,
		  0x8800000e7 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(requests); i++) {
		open_config(&requests[i].config);
		assert_int_equal(map(requests[i].iova, requests[i].pa, requests[i].len), PHYR_OK);
		assert_int_equal(stats().leaves.cnt[requests[i].lg2], requests[i].cnt);
		assert_int_equal(find(requests[i].iova).item, requests[i].entry);
		close_config();
	}
}

/* G and X: examples of Linux's cut, in the sizes of x86 and of AMD. */
static void cuts_are_the_worked_ones(void **state)
{
	static const struct {
		struct config config;
		uint64_t iova, pa, len, leaf_cnt;
	} cuts[] = {
		{ { X86, 0, 0, 0, 0 }, 0, 0, 0x200000, 1 },
		{ { X86, 0, 0, 0, 0 }, 0x1000, 0x1000, 0x3ff000, 512 },
		{ { X86, 0, 0, 0, 0 }, 0x1000, 0x1000, 0x3fe000, 1022 },
		{ { X86, 0, 0, 0, 0 }, 0x200000, 0x1000, 0x400000, 1024 },
		{ { X86, 0, 0, 0, 0 }, 0x80000000, 0x140000000, 0x80000000, 2 },
		{ { X86, 0, 0, 0, 0 }, 0x600000, 0x40001000, 0x400000, 1024 },
		{ { X86, 0, 0, 0, 0 }, 0x601000, 0x40001000, 0x400000, 513 },
		{ { X86, 0, 0, 0, 0 }, 0x3fe400000, 0x3fe400000, 0xc2200000, 20 },
		{ { X86, 0, 0, 0, 0 }, 0x1ff000, 0x1ff000, 0x402000, 4 },
		{ { X86, 0, 0, 0, 0 }, 0x1ff000, 0x2ff000, 0x402000, 1026 },
		{ { AMD, 0, 0, 0, COHERENT }, 0x1000, 0x1000, 0x3ff000, 10 },
		{ { AMD, 0, 0, 0, COHERENT }, 0xfef80000, 0x208b95d000, 0x20000, 32 },
		{ { AMD, 0, 0, 0, COHERENT }, 0, U(1) << 39, U(1) << 39, 2 },
		{ { ARM1, 0, 12, 0, CONT }, 0x1000, 0x1000, 0x3ff000, 15 + 31 + 1 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(cuts); i++) {
		open_config(&cuts[i].config);
		assert_int_equal(map(cuts[i].iova, cuts[i].pa, cuts[i].len), PHYR_OK);
		assert_int_equal(leaf_cnt(), cuts[i].leaf_cnt);
		assert_int_equal(find(cuts[i].iova + cuts[i].len - 1).pa,
				 cuts[i].pa + cuts[i].len - 1);
		assert_int_equal(unmap(cuts[i].iova, cuts[i].len), PHYR_OK);
		close_config();
	}
}

/* Addresses above 2^48 and 2^50 lie elsewhere in some items: one run may have both kinds. */
static void a_run_goes_on_where_its_address_becomes_longer(void **state)
{
	static const unsigned int borders[] = { 32, 40, 48, 50, 51 };

	(void)state;
	for (size_t i = 0; i < CNT(configs) * CNT(borders); i++) {
		uint64_t first = phyr_bits_size(borders[i % CNT(borders)]), iova, len;

		open_config(&configs[i / CNT(borders)]);
		iova = w.caps.iova.first.addr;
		len = 9 * granule();
		first -= 4 * granule();
		if (root_now().pa_bits > borders[i % CNT(borders)]) {
			assert_int_equal(map(iova, first, len), PHYR_OK);
			for (uint64_t at = 0; at < len; at += granule())
				assert_int_equal(find(iova + at).pa, first + at);
			assert_int_equal(unmap(iova, len), PHYR_OK);
		}
		close_config();
	}
}

/* The table of the page that is removed, as a window of I/O addresses. */
static void assert_told(uint64_t iova)
{
	struct phyrsim_root root = root_now();
	unsigned int lg2 = item_lg2(&root, 1);

	assert_int_equal(map(iova, 0, granule()), PHYR_OK);
	phyr_gather_init(&w.gather);
	assert_int_equal(unmap(iova, granule()), PHYR_OK);
	assert_true(w.gather.tables_removed);
	assert_true(w.gather.tables_first <= phyr_bits_down(iova, lg2));
	assert_true(w.gather.tables_last >= (iova | phyr_bits_mask(lg2)));
	assert_true(w.gather.tables_last - w.gather.tables_first <= w.caps.iova.last.addr);
	phyrsim_pagetable_release(w.table, &w.gather);
}

/* Both halves, where there are two, and addresses that begin with ones. */
static void tables_that_go_are_told_by_their_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		assert_told(w.caps.iova.first.addr + granule());
		if (config_signed(&configs[i]))
			assert_told(0 - (w.caps.iova.last.addr + 1) + granule());
		close_config();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(leaves_are_the_worked_entries_bit_for_bit),
		cmocka_unit_test(every_item_of_a_group_is_as_the_format_wants_it),
		cmocka_unit_test(pointers_are_the_worked_entries_bit_for_bit),
		cmocka_unit_test(pointers_are_the_recorded_entries_bit_for_bit),
		cmocka_unit_test(requests_are_the_recorded_entries_bit_for_bit),
		cmocka_unit_test(cuts_are_the_worked_ones),
		cmocka_unit_test(a_run_goes_on_where_its_address_becomes_longer),
		cmocka_unit_test(tables_that_go_are_told_by_their_addresses),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
