/* SPDX-License-Identifier: MIT */
/*
 * Splitting leaves: what it answers, what stands in the table afterwards, and that tables made in
 * advance are enough. In which order hardware sees it is the business of test_pagetable_stores.c.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define MIB2 UINT64_C(0x200000)
#define GIB1 UINT64_C(0x40000000)
#define TIB1 (UINT64_C(1) << 40)
#define END (UINT64_C(1) << 48)

static const struct config intel = { VTD, 4, 0, 0, 0 };
static const struct config amd = { AMD, 4, 0, 0, COHERENT };

/* The largest leaf at this point, by trying each. */
static unsigned int greedy_lg2(uint64_t iova, uint64_t pa, uint64_t len)
{
	unsigned int lg2 = 51;

	while (!(w.caps.sizes.mask >> lg2 & 1) || ((iova | pa) & phyr_bits_mask(lg2)) != 0 ||
	       len < phyr_bits_size(lg2))
		lg2--;
	return lg2;
}

static int split(uint64_t at)
{
	return phyrsim_pagetable_split(w.table, phyr_iova_at(at), NULL, &w.gather);
}

static uint64_t leaves_of(unsigned int lg2)
{
	return stats().leaves.cnt[lg2];
}

static int setup(void **state)
{
	(void)state;
	open_config(&intel);
	assert_int_equal(map(MIB2, MIB2, MIB2 + KIB4), PHYR_OK);
	assert_int_equal(map(END - KIB4, 0x5000, KIB4), PHYR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_config();
	return 0;
}

static void a_refused_split_changes_nothing(void **state)
{
	phyr_iova middle = phyr_iova_at(MIB2 + KIB4);

	(void)state;
	assert_int_equal(phyrsim_pagetable_split(NULL, middle, NULL, &w.gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_split(w.table, middle, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(split(MIB2 + 1), PHYR_E_ALIGN);
	assert_int_equal(split(MIB2 + KIB4 - 1), PHYR_E_ALIGN);
	assert_int_equal(split(END + KIB4), PHYR_E_RANGE);
	assert_int_equal(split(UINT64_MAX - 0xfff), PHYR_E_RANGE);
	assert_int_equal(phyrsim_pagetable_preload_fill(NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_preload_fill(w.table, NULL), PHYR_E_INVAL);
	phyrsim_pagetable_preload_fini(w.table, NULL);
	assert_int_equal(leaves_of(21), 1);
	assert_true(w.gather.empty);
}

static void where_no_leaf_lies_across_nothing_changes(void **state)
{
	uint64_t places[] = { 0, MIB2, 2 * MIB2, 2 * MIB2 + KIB4, 5 * MIB2, END - KIB4, END };

	(void)state;
	w.host.fail_at = w.host.alloc_cnt = 0;
	for (size_t i = 0; i < CNT(places); i++)
		assert_int_equal(split(places[i]), PHYR_OK);
	assert_int_equal(w.host.alloc_cnt, 0);
	assert_int_equal(leaves_of(21), 1);
	assert_int_equal(leaves_of(12), 2);
	assert_true(w.gather.empty && w.gather.leaves.mask == 0);
}

/* Of a table that has the upper half alone, the end is 0; of two halves, each has one. */
static void the_end_of_every_half_cuts_nothing(void **state)
{
	static const struct config upper = { ARM1, 0, 12, 48, PHYRSIM_FEATURE_UPPER };
	static const struct config halves = { X86, 4, 0, 0, 0 };

	(void)state;
	close_config();
	open_config(&upper);
	assert_int_equal(split(0), PHYR_OK);
	assert_int_equal(split(KIB4), PHYR_E_RANGE);
	close_config();
	open_config(&halves);
	assert_int_equal(split(END / 2), PHYR_OK);
	assert_int_equal(split(END / 2 + KIB4), PHYR_E_RANGE);
}

static void a_leaf_becomes_pages_and_the_gather_knows_the_leaf(void **state)
{
	struct found found;

	(void)state;
	assert_int_equal(split(MIB2 + 5 * KIB4), PHYR_OK);
	assert_int_equal(leaves_of(21), 0);
	assert_int_equal(leaves_of(12), 512 + 2);
	for (uint64_t page = 0; page < 512; page++) {
		found = find(MIB2 + page * KIB4);
		assert_int_equal(found.level, 0);
		assert_int_equal(found.item, (MIB2 + page * KIB4) | 3);
	}
	assert_int_equal(w.gather.first, MIB2);
	assert_int_equal(w.gather.last, 2 * MIB2 - 1);
	assert_int_equal(w.gather.leaves.mask, MIB2);
	assert_false(w.gather.tables_removed);
	assert_null(w.gather.freed);
}

/* B14: a leaf of 2 MiB was taken for a table, and its memory for entries. */
static void a_page_of_a_large_leaf_goes_and_memory_is_never_taken_for_a_table(void **state)
{
	uint64_t *data;
	phyr_pa page, pa;

	(void)state;
	assert_int_equal(phyrsim_mem_alloc(w.mem, &page), PHYR_OK);
	data = phyrsim_mem_frame(w.mem, page);
	for (size_t i = 0; i < 512; i++)
		data[i] = page.addr | 3;
	/* The page with the address's index would be entered, if it were a table. */
	assert_int_equal(map(4 * MIB2, page.addr & ~(MIB2 - 1), MIB2), PHYR_OK);
	assert_int_equal(unmap(4 * MIB2 + KIB4, KIB4), PHYR_E_PARTIAL);
	assert_int_equal(split(4 * MIB2 + KIB4), PHYR_OK);
	assert_int_equal(split(4 * MIB2 + 2 * KIB4), PHYR_OK);
	assert_int_equal(unmap(4 * MIB2 + KIB4, KIB4), PHYR_OK);
	for (size_t i = 0; i < 512; i++)
		assert_int_equal(data[i], page.addr | 3);
	assert_int_equal(
		phyrsim_pagetable_translate(w.table, phyr_iova_at(4 * MIB2 + KIB4), &pa, NULL),
		PHYR_E_NOENT);
	assert_int_equal(leaves_of(12), 511 + 2);
	phyrsim_mem_free(w.mem, page);
}

/* B15: the entries of a table of 1 GiB leaves were 4 KiB apart. */
static void leaves_of_every_level_are_as_far_apart_as_they_are_large(void **state)
{
	static const struct config riscv = { RV1, 5, 0, 0, 0 };
	uint64_t first = UINT64_C(1) << 49, at = first + GIB1 + MIB2 + KIB4;

	(void)state;
	close_config();
	open_config(&riscv);
	assert_int_equal(map(first, UINT64_C(1) << 48, UINT64_C(1) << 48), PHYR_OK);
	assert_int_equal(split(at), PHYR_OK);
	for (unsigned int lg2 = 12; lg2 <= 39; lg2 += 9) {
		assert_int_equal(leaves_of(lg2), lg2 == 12 ? 512 : 511);
		for (uint64_t i = 0; i < 512; i++) {
			uint64_t table = phyr_bits_down(at, lg2 + 9);
			struct found found = find(table + (i << lg2));

			if (found.said.lg2 != lg2)
				continue;
			assert_int_equal(found.pa, table + (i << lg2) - (UINT64_C(1) << 48));
		}
	}
	assert_int_equal(stats().table_cnt, 5);
}

static void pieces_of_a_group_are_the_largest_that_fit(void **state)
{
	static const uint64_t items[16] = {
		0x880001e01, 0x880001e01, 0x880001e01, 0x880001e01, /* 16K */
		0x880004001, 0x880005001, 0x880006e01, 0x880006e01, /* 4K, 4K, 8K */
		0x88000be01, 0x88000be01, 0x88000be01, 0x88000be01, /* 32K */
		0x88000be01, 0x88000be01, 0x88000be01, 0x88000be01,
	};

	(void)state;
	close_config();
	open_config(&amd);
	assert_int_equal(map(0x10000, UINT64_C(0x880000000), 0x10000), PHYR_OK);
	assert_int_equal(split(0x15000), PHYR_OK);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(find(0x10000 + i * KIB4).item,
				 items[i] | UINT64_C(0x7000000000000000));
	assert_int_equal(leaves_of(16), 0);
	assert_int_equal(stats().table_cnt, 4);
}

/* AMD has no leaves of 512 GiB: such a piece is two of 256 GiB in a table of its own. */
static void a_piece_of_a_size_that_is_left_out_takes_a_table(void **state)
{
	(void)state;
	close_config();
	open_config(&amd);
	assert_int_equal(map(0, TIB1, TIB1), PHYR_OK);
	assert_int_equal(leaves_of(40), 1);
	assert_int_equal(stats().table_cnt, 1);
	assert_int_equal(split(TIB1 / 2), PHYR_OK);
	assert_int_equal(leaves_of(40), 0);
	assert_int_equal(leaves_of(38), 4);
	assert_int_equal(stats().table_cnt, 3);
	assert_int_equal(find(TIB1 - 1).pa, 2 * TIB1 - 1);
	assert_int_equal(find(TIB1 / 2 - 1).pa, TIB1 + TIB1 / 2 - 1);
	/* One is emptied, and goes. */
	assert_int_equal(unmap(TIB1 / 2, TIB1 / 2), PHYR_OK);
	assert_int_equal(stats().table_cnt, 2);
}

static void arm_breaks_before_it_makes_unless_it_need_not(void **state)
{
	struct config arm = { ARM1, 0, 12, 48, CONT };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		close_config();
		open_config(&arm);
		assert_int_equal(map(MIB2, 0, MIB2), PHYR_OK);
		assert_int_equal(split(MIB2 + 0x10000), PHYR_OK);
		assert_int_equal(leaves_of(16), 32);
		assert_int_equal(split(MIB2 + 0x11000), PHYR_OK);
		assert_int_equal(leaves_of(16), 31);
		assert_int_equal(leaves_of(12), 16);
		assert_int_equal(find(MIB2 + 0x1f000).item, 0x1ff47);
		assert_int_equal(stats().broken_cnt, i == 0 ? 2 : 0);
		arm.features |= PHYRSIM_FEATURE_BBM2;
	}
}

/* What a breaker was told, and whether the leaf was absent then. */
static struct {
	struct phyr_gather gather;
	unsigned int cnt;
	bool absent;
} broken;

static void flush_broken(void *ctx, const struct phyr_gather *gather)
{
	broken.gather = *gather;
	broken.cnt++;
	broken.absent = !find(*(const uint64_t *)ctx).said.present;
}

static void open_with_breaker(const struct config *config, uint64_t *iova)
{
	struct phyrsim_pagetable_params params;

	memset(&broken, 0, sizeof(broken));
	open_config(config);
	phyrsim_pagetable_destroy(w.table);
	params = config_params(config, &w.host.mem, w.mem);
	params.breaker.flush = flush_broken;
	params.breaker.ctx = iova;
	assert_int_equal(phyrsim_pagetable_create(&params, &w.table), PHYR_OK);
}

static void a_breaker_gets_the_leaf_while_it_is_absent_and_the_gather_does_not(void **state)
{
	struct config arm = { ARM1, 0, 12, 48, CONT | PHYRSIM_FEATURE_UPPER };
	uint64_t iova = UINT64_MAX - 2 * MIB2 + 1;

	(void)state;
	close_config();
	open_with_breaker(&arm, &iova);
	assert_int_equal(map(iova, 0, MIB2), PHYR_OK);
	assert_int_equal(split(iova + 0x10000), PHYR_OK);
	assert_int_equal(broken.cnt, 1);
	assert_true(broken.absent && w.gather.empty);
	assert_int_equal(broken.gather.first, iova);
	assert_int_equal(broken.gather.last, iova + MIB2 - 1);
	assert_int_equal(broken.gather.leaves.mask, MIB2);
	/* Nothing lies across: nothing is broken. */
	assert_int_equal(split(iova + 0x10000), PHYR_OK);
	assert_int_equal(broken.cnt, 1);
	close_config();
	arm.features |= PHYRSIM_FEATURE_BBM2;
	open_with_breaker(&arm, &iova);
	assert_int_equal(map(iova, 0, MIB2), PHYR_OK);
	assert_int_equal(split(iova + 0x10000), PHYR_OK);
	assert_int_equal(broken.cnt, 0);
	assert_int_equal(w.gather.leaves.mask, MIB2);
}

static void software_bits_and_marks_of_any_item_stay(void **state)
{
	static const struct config riscv = { RV1, 3, 0, 0, CONT };
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	(void)state;
	close_config();
	open_config(&riscv);
	assert_int_equal(map_attrs(0x10000, 0x80210000, 0x10000, RW, PHYRSIM_ATTR_NOEXEC), 0);
	assert_int_equal(phyrsim_pagetable_translate(w.table, phyr_iova_at(0x10000), &pa, &leaf),
			 PHYR_OK);
	for (unsigned int i = 0; i < 16; i++)
		phyrsim_mem_frame(w.mem, leaf.entry_pa)[16 + i] ^= 0x1c0; /* RSW set, A and D not */
	phyrsim_mem_frame(w.mem, leaf.entry_pa)[20] |= 0x80;
	assert_int_equal(split(0x18000), PHYR_OK);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(find(0x10000 + i * KIB4).item, (0x20084000 + i * 0x400) | 0x197);
}

/* How many leaves a range takes. */
static void count_pieces(uint64_t iova, uint64_t pa, uint64_t len, struct phyr_block_counts *sum)
{
	while (len > 0) {
		unsigned int lg2 = greedy_lg2(iova, pa, len);

		sum->cnt[lg2]++;
		iova += phyr_bits_size(lg2);
		pa += phyr_bits_size(lg2);
		len -= phyr_bits_size(lg2);
	}
}

/* Some bytes of a leaf lead where they did, in every reader's eyes. */
static void check_bytes(uint64_t iova, uint64_t len, uint64_t at)
{
	const uint64_t bytes[] = { 0, len / 3, at - 1, at, at + granule() - 1, len - 1 };
	struct phyrsim_root root = root_now();

	for (size_t i = 0; i < CNT(bytes); i++) {
		struct phyrsim_access access = { { iova + bytes[i] }, RW, PHYRSIM_WALK_AUDIT };
		struct phyrsim_walk walk;
		phyr_pa pa;

		assert_int_equal(phyrsim_pagetable_translate(w.table, access.iova, &pa, NULL), 0);
		assert_int_equal(phyrsim_walk(w.mem, &root, &access, &walk), PHYR_OK);
		assert_int_equal(pa.addr, bytes[i]);
		assert_int_equal(find(access.iova.addr).pa, bytes[i]);
		assert_int_equal(walk.pa.addr, bytes[i]);
	}
}

/* Maps a leaf alone, cuts it without memory, and unmaps both parts. */
static void check_cut(uint64_t iova, unsigned int lg2, uint64_t at)
{
	struct phyr_block_counts expected = { .cnt = { 0 } };
	struct phyrsim_pagetable_preload preload;
	struct phyrsim_pagetable_stats now;
	uint64_t len = phyr_bits_size(lg2);

	assert_int_equal(map(iova, 0, len), PHYR_OK);
	phyrsim_pagetable_preload_init(&preload);
	assert_int_equal(phyrsim_pagetable_preload_fill(w.table, &preload), PHYR_OK);
	w.host.alloc_cnt = w.host.fail_at = 0;
	w.host.sticky = true;
	assert_int_equal(
		phyrsim_pagetable_split(w.table, phyr_iova_at(iova + at), &preload, &w.gather),
		PHYR_OK);
	assert_int_equal(w.host.alloc_cnt, 0);
	count_pieces(iova, 0, at, &expected);
	count_pieces(iova + at, at, len - at, &expected);
	now = stats();
	assert_memory_equal(&now.leaves, &expected, sizeof(expected));
	check_bytes(iova, len, at);
	assert_int_equal(unmap(iova, at), PHYR_OK);
	assert_int_equal(unmap(iova + at, len - at), PHYR_OK);
	phyrsim_pagetable_preload_fini(w.table, &preload);
	w.host.fail_at = SIZE_MAX;
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(stats().table_cnt, 1);
}

/* At the ends, in the middle, and beyond it at a place of every alignment. */
static void check_cuts(unsigned int lg2)
{
	uint64_t len = phyr_bits_size(lg2), iova = w.caps.iova.first.addr + len;

	check_cut(iova, lg2, granule());
	check_cut(iova, lg2, len / 2);
	check_cut(iova, lg2, len - granule());
	for (unsigned int align = phyr_sizes_min_lg2(w.caps.sizes); align < lg2; align++)
		check_cut(iova, lg2, phyr_bits_down(len / 3 * 2, align));
}

static void every_leaf_of_every_configuration_is_cut_without_memory(void **state)
{
	(void)state;
	close_config();
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		for (unsigned int lg2 = phyr_sizes_min_lg2(w.caps.sizes) + 1; lg2 < 64; lg2++)
			if (w.caps.sizes.mask & phyr_bits_size(lg2))
				check_cuts(lg2);
		close_config();
	}
	open_config(&intel);
}

/* Tables of a granule that a preload takes. */
static uint64_t preload_cnt(const struct config *config)
{
	struct phyrsim_pagetable_preload preload;
	uint64_t before, cnt;

	open_config(config);
	before = phyrsim_mem_frame_cnt(w.mem);
	phyrsim_pagetable_preload_init(&preload);
	assert_int_equal(phyrsim_pagetable_preload_fill(w.table, &preload), PHYR_OK);
	cnt = phyrsim_mem_frame_cnt(w.mem) - before;
	assert_int_equal(phyrsim_pagetable_preload_fill(w.table, &preload), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem) - before, cnt);
	phyrsim_pagetable_preload_fini(w.table, &preload);
	phyrsim_pagetable_preload_fini(w.table, &preload);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), before);
	cnt = cnt * KIB4 / granule();
	close_config();
	return cnt;
}

static void a_preload_holds_what_the_largest_leaf_may_need(void **state)
{
	static const struct {
		struct config config;
		uint64_t cnt;
	} rows[] = {
		{ { VTD, 3, 0, 0, 0 }, 2 },	  { { X86, 5, 0, 0, 0 }, 2 },
		{ { AMD, 3, 0, 0, 0 }, 5 },	  { { RV1, 3, 0, 0, CONT }, 2 },
		{ { RV2, 5, 0, 0, 0 }, 4 },	  { { ARM1, 0, 12, 48, CONT }, 2 },
		{ { ARM1, 0, 12, 52, WIDE }, 3 }, { { ARM2, 0, 14, 48, CONT }, 1 },
		{ { ARM2, 0, 14, 52, WIDE }, 2 }, { { ARM1, 0, 16, 48, CONT }, 1 },
	};

	(void)state;
	close_config();
	for (size_t i = 0; i < CNT(rows); i++)
		assert_int_equal(preload_cnt(&rows[i].config), rows[i].cnt);
	open_config(&intel);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_refused_split_changes_nothing),
		CASE(where_no_leaf_lies_across_nothing_changes),
		CASE(the_end_of_every_half_cuts_nothing),
		CASE(a_leaf_becomes_pages_and_the_gather_knows_the_leaf),
		CASE(a_page_of_a_large_leaf_goes_and_memory_is_never_taken_for_a_table),
		CASE(leaves_of_every_level_are_as_far_apart_as_they_are_large),
		CASE(pieces_of_a_group_are_the_largest_that_fit),
		CASE(a_piece_of_a_size_that_is_left_out_takes_a_table),
		CASE(arm_breaks_before_it_makes_unless_it_need_not),
		CASE(a_breaker_gets_the_leaf_while_it_is_absent_and_the_gather_does_not),
		CASE(software_bits_and_marks_of_any_item_stay),
		CASE(every_leaf_of_every_configuration_is_cut_without_memory),
		CASE(a_preload_holds_what_the_largest_leaf_may_need),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
