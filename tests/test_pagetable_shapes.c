/* SPDX-License-Identifier: MIT */
/*
 * Page tables of every configuration: which addresses and sizes they take, that groups of items are
 * all or nothing, and how an AMD table grows.
 *
 * Not here: single words (test_pagetable_formats.c); misuse that does not depend on the format
 * (test_pagetable_errors.c).
 */
#include "pagetable_formats.h"

#define U UINT64_C
#define LAST UINT64_MAX

static uint64_t digest_table(const struct phyrsim_root *root, uint64_t table, unsigned int level)
{
	unsigned int bits = root->granule_lg2 - 3, lg2 = item_lg2(root, level);
	uint64_t sum = 1;

	if (level == root->level_cnt - 1)
		bits = root->iova_bits - lg2;
	for (uint64_t i = 0; i < phyr_bits_size(bits); i++) {
		uint64_t item = slot(table, i);
		struct said said = read_item(root, item, level);

		sum = (sum ^ item) * U(0x100000001b3);
		if (said.present && !said.leaf)
			sum ^= digest_table(root, said.address, level - 1);
	}
	return sum;
}

/* Everything that a refused call must leave as it was, as one number. */
static uint64_t digest(void)
{
	struct phyrsim_root root = root_now();
	uint64_t sum = digest_table(&root, root.table.addr, root.level_cnt - 1);

	sum ^= phyrsim_mem_frame_cnt(w.mem) << 48 ^ stats().table_cnt << 32 ^ root.table.addr;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		sum = (sum ^ stats().leaves.cnt[lg2]) * U(0x100000001b3);
	return sum;
}

static void refuse_map(uint64_t iova, uint64_t pa, uint64_t len, int result)
{
	uint64_t before = digest();

	assert_int_equal(map(iova, pa, len), result);
	assert_int_equal(digest(), before);
}

static void refuse_unmap(uint64_t iova, uint64_t len, int result)
{
	uint64_t before = digest();

	assert_int_equal(unmap(iova, len), result);
	assert_int_equal(digest(), before);
}

static void expect_root_alone(void)
{
	struct phyrsim_root root = root_now();
	unsigned int lg2 = item_lg2(&root, root.level_cnt - 1);

	phyrsim_pagetable_release(w.table, &w.gather);
	phyr_gather_init(&w.gather);
	assert_int_equal(stats().table_cnt, 1);
	for (uint64_t i = 0; i < phyr_bits_size(root.iova_bits - lg2); i++)
		assert_int_equal(slot(root.table.addr, i), 0);
}

static void sizes_and_widths_are_those_of_the_configuration(void **state)
{
	static const struct {
		struct config config;
		uint64_t sizes, first, last, pa_last;
		unsigned int level_cnt, iova_bits, frames;
	} expected[] = {
		{ { AMD, 0, 0, 0, 0 }, U(0xfff7ffffff000), 0, LAST, LAST >> 12, 3, 39, 1 },
		{ { AMD, 6, 0, 0, 0 }, U(0xfff7ffffff000), 0, LAST, LAST >> 12, 6, 64, 1 },
		{ { VTD, 3, 0, 0, 0 }, 0x40201000, 0, LAST >> 25, LAST >> 12, 3, 39, 1 },
		{ { X86, 0, 0, 0, 0 }, 0x40201000, 0, LAST >> 17, LAST >> 12, 4, 48, 1 },
		{ { X86, 5, 0, 0, 8 }, 0x40201000, 0, LAST >> 8, LAST >> 12, 5, 56, 1 },
		{ { RV1, 3, 0, 0, 0 }, 0x40201000, 0, LAST >> 26, LAST >> 8, 3, 39, 1 },
		{ { RV1, 5, 0, 0, 2 }, U(0x1008040211000), 0, LAST >> 8, LAST >> 8, 5, 57, 1 },
		{ { RV2, 3, 0, 0, 0 }, 0x40201000, 0, LAST >> 23, LAST >> 8, 3, 41, 4 },
		{ { RV2, 4, 0, 0, 0 }, U(0x8040201000), 0, LAST >> 14, LAST >> 8, 4, 50, 4 },
		{ { ARM1, 0, 12, 0, 0 }, 0x40201000, 0, LAST >> 16, LAST >> 16, 4, 48, 1 },
		{ { ARM1, 0, 12, 48, 16 }, 0x40201000, LAST << 48, LAST, LAST >> 16, 4, 48, 1 },
		{ { ARM1, 0, 12, 32, 2 }, 0x42211000, 0, LAST >> 32, LAST >> 16, 3, 32, 1 },
		{ { ARM1, 0, 12, 52, 4 }, U(0x8040201000), 0, LAST >> 12, LAST >> 12, 5, 52, 1 },
		{ { ARM1, 0, 14, 48, 2 }, 0x42204000, 0, LAST >> 16, LAST >> 16, 4, 48, 1 },
		{ { ARM1, 0, 14, 52, 4 }, U(0x1002004000), 0, LAST >> 12, LAST >> 12, 4, 52, 1 },
		{ { ARM1, 0, 16, 48, 2 }, U(0x420210000), 0, LAST >> 16, LAST >> 16, 3, 48, 1 },
		{ { ARM1, 0, 16, 52, 6 }, U(0x840420210000), 0, LAST >> 12, LAST >> 12, 3, 52, 2 },
		/* Tops of Linux: 8 KiB, 32 KiB, 32 KiB, 256 KiB, 512 bytes. */
		{ { ARM2, 0, 12, 40, 0 }, 0x40201000, 0, LAST >> 24, LAST >> 16, 3, 40, 2 },
		{ { ARM2, 0, 12, 42, 0 }, 0x40201000, 0, LAST >> 22, LAST >> 16, 3, 42, 8 },
		{ { ARM2, 0, 14, 48, 0 }, 0x02004000, 0, LAST >> 16, LAST >> 16, 3, 48, 8 },
		{ { ARM2, 0, 14, 40, 0 }, 0x02004000, 0, LAST >> 24, LAST >> 16, 2, 40, 64 },
		{ { ARM2, 0, 16, 48, 0 }, 0x20010000, 0, LAST >> 16, LAST >> 16, 3, 48, 1 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(expected); i++) {
		open_config(&expected[i].config);
		assert_int_equal(w.caps.sizes.mask, expected[i].sizes);
		assert_int_equal(w.caps.iova.first.addr, expected[i].first);
		assert_int_equal(w.caps.iova.last.addr, expected[i].last);
		assert_int_equal(w.caps.pa_last.addr, expected[i].pa_last);
		assert_int_equal(root_now().level_cnt, expected[i].level_cnt);
		assert_int_equal(root_now().iova_bits, expected[i].iova_bits);
		assert_int_equal(root_now().features, expected[i].config.features);
		assert_int_equal(root_now().table.addr % (expected[i].frames * KIB4), 0);
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), expected[i].frames);
		close_config();
	}
}

/* One leaf of a size: every item of it leads there, no part of it goes, all of it does. */
static void check_size(unsigned int lg2)
{
	uint64_t len = phyr_bits_size(lg2), step = len > 64 * granule() ? len / 64 : granule();
	uint64_t iova = w.caps.iova.last.addr - (len - 1);
	uint64_t pa = w.caps.pa_last.addr - (len - 1);

	assert_int_equal(map(iova, pa, len), PHYR_OK);
	assert_int_equal(stats().leaves.cnt[lg2], 1);
	for (uint64_t at = 0; at < len; at += step) {
		struct found found = find(iova + at);

		assert_true(found.said.present && found.said.leaf);
		assert_int_equal(found.said.lg2, lg2);
		assert_int_equal(found.pa, pa + at);
		assert_int_equal(found.said.perm, RW);
	}
	assert_int_equal(map(iova + len - granule(), 0, granule()), PHYR_E_EXISTS);
	if (len > granule()) {
		assert_int_equal(unmap(iova, granule()), PHYR_E_PARTIAL);
		assert_int_equal(unmap(iova + granule(), len - granule()), PHYR_E_PARTIAL);
		assert_int_equal(unmap(iova, len - granule()), PHYR_E_PARTIAL);
	}
	assert_int_equal(stats().leaves.cnt[lg2], 1);
	assert_int_equal(unmap(iova, len), PHYR_OK);
	assert_int_equal(stats().leaves.cnt[lg2], 0);
	expect_root_alone();
}

static void every_size_of_every_configuration_is_one_leaf(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		for (unsigned int lg2 = 12; lg2 < 52; lg2++)
			if (w.caps.sizes.mask >> lg2 & 1)
				check_size(lg2);
		close_config();
	}
}

static void addresses_beyond_a_width_change_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t first, last, pa_last;

		open_config(&configs[i]);
		first = w.caps.iova.first.addr;
		last = w.caps.iova.last.addr;
		pa_last = w.caps.pa_last.addr;
		assert_int_equal(map(last + 1 - granule(), 0, granule()), PHYR_OK);
		refuse_map(first, pa_last + 1, granule(), PHYR_E_RANGE);
		refuse_map(first, pa_last + 1 - granule(), 2 * granule(), PHYR_E_RANGE);
		refuse_map(last + 1 - granule(), 0, 2 * granule(), PHYR_E_RANGE);
		refuse_unmap(last + 1 - granule(), 2 * granule(), PHYR_E_RANGE);
		refuse_map(first, 0, granule() / 2, PHYR_E_ALIGN);
		refuse_map(first + granule() / 2, 0, granule(), PHYR_E_ALIGN);
		refuse_map(first, granule() / 2, granule(), PHYR_E_ALIGN);
		if (last != LAST)
			refuse_map(LAST - granule() + 1, 0, 2 * granule(), PHYR_E_RANGE);
		if (first != 0) {
			refuse_map(0, 0, granule(), PHYR_E_RANGE);
			refuse_map(first - granule(), 0, 2 * granule(), PHYR_E_RANGE);
		}
		close_config();
	}
}

/* Of signed addresses there are two halves, with a hole between and none around zero. */
static void signed_addresses_have_two_halves(void **state)
{
	static const struct config with_sign[] = { { X86, 4, 0, 0, 0 },
						   { X86, 5, 0, 0, 0 },
						   { RV1, 3, 0, 0, 0 },
						   { RV1, 4, 0, 0, 0 },
						   { RV1, 5, 0, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < CNT(with_sign); i++) {
		uint64_t end, upper;

		open_config(&with_sign[i]);
		end = w.caps.iova.last.addr + 1;
		upper = 0 - end;
		refuse_map(end, 0x5000, KIB4, PHYR_E_RANGE);
		refuse_map(end - KIB4, 0x5000, 2 * KIB4, PHYR_E_RANGE);
		refuse_map(upper - KIB4, 0x5000, 2 * KIB4, PHYR_E_RANGE);
		refuse_map(0 - KIB4, 0x5000, 2 * KIB4, PHYR_E_RANGE);
		refuse_map(end - KIB4, 0x5000, 2 * (0 - end) + 2 * KIB4, PHYR_E_RANGE);
		assert_int_equal(map(upper, 0x5000, KIB4), PHYR_OK);
		assert_int_equal(map(U(0xffffffffc0000000), U(0x880000000), 0x40000000), PHYR_OK);
		assert_int_equal(stats().leaves.cnt[30], 1);
		assert_int_equal(find(upper).pa, 0x5000);
		assert_int_equal(find(LAST).pa, U(0x8bfffffff));
		assert_int_equal(unmap(U(0xffffffffc0000000), 0x40000000), PHYR_OK);
		assert_int_equal(w.gather.first, U(0xffffffffc0000000));
		assert_int_equal(w.gather.last, LAST);
		assert_int_equal(unmap(upper, KIB4), PHYR_OK);
		expect_root_alone();
		close_config();
	}
}

/* Linux's figures: levels for 2^40, 2^48 and the last page. */
static void an_amd_table_grows_as_addresses_need_it(void **state)
{
	static const struct config amd = { AMD, 0, 0, 0, COHERENT };
	uint64_t old;

	(void)state;
	open_config(&amd);
	assert_int_equal(map(0x1000, 0x5000, KIB4), PHYR_OK);
	old = root_now().table.addr;
	refuse_unmap(U(1) << 40, KIB4, PHYR_E_NOENT);
	assert_int_equal(map(U(1) << 40, 0x6000, KIB4), PHYR_OK);
	assert_int_equal(root_now().level_cnt, 4);
	assert_int_equal(slot(root_now().table.addr, 0), old | U(0x6000000000000601));
	assert_int_equal(map(U(1) << 48, 0x7000, KIB4), PHYR_OK);
	assert_int_equal(root_now().level_cnt, 5);
	assert_int_equal(map(LAST - 0xfff, 0x8000, KIB4), PHYR_OK);
	assert_int_equal(root_now().level_cnt, 6);
	assert_int_equal(root_now().iova_bits, 64);
	assert_int_equal(find(0x1000).pa, 0x5000);
	assert_int_equal(find(U(1) << 40).pa, 0x6000);
	assert_int_equal(find(U(1) << 48).pa, 0x7000);
	assert_int_equal(find(LAST).pa, 0x8fff);
	assert_int_equal(unmap(0x1000, KIB4), PHYR_OK);
	assert_int_equal(unmap(U(1) << 40, KIB4), PHYR_OK);
	assert_int_equal(unmap(U(1) << 48, KIB4), PHYR_OK);
	assert_int_equal(unmap(LAST - 0xfff, KIB4), PHYR_OK);
	expect_root_alone();
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	close_config();
}

/* An empty top is not linked below the new one: the largest leaves would meet it there. */
static void an_empty_amd_table_grows_without_an_empty_table_in_it(void **state)
{
	static const struct config amd = { AMD, 0, 0, 0, COHERENT };

	(void)state;
	open_config(&amd);
	assert_int_equal(map(U(1) << 51, U(1) << 51, U(1) << 51), PHYR_OK);
	assert_int_equal(root_now().level_cnt, 5);
	assert_int_equal(stats().table_cnt, 1);
	assert_int_equal(map(0, 0, U(1) << 51), PHYR_OK);
	assert_int_equal(stats().leaves.cnt[51], 2);
	assert_int_equal(stats().table_cnt, 1);
	assert_int_equal(find(0x1234).pa, 0x1234);
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	close_config();
}

static void a_map_that_cannot_grow_the_table_changes_nothing(void **state)
{
	static const struct config amd = { AMD, 0, 0, 0, COHERENT };
	uint64_t across = (U(1) << 39) - 0x2000, before;

	(void)state;
	for (int mapped = 0; mapped < 2; mapped++) {
		open_config(&amd);
		if (mapped)
			assert_int_equal(map(across, 0x5000, KIB4), PHYR_OK);
		if (mapped)
			refuse_map(across, 0, U(1) << 40, PHYR_E_EXISTS);
		before = digest();
		w.host.sticky = true;
		w.host.alloc_cnt = w.host.fail_at = 0;
		while (map(across + KIB4, across + KIB4, U(1) << 41) == PHYR_E_NOMEM) {
			assert_int_equal(digest(), before);
			w.host.alloc_cnt = 0;
			w.host.fail_at++;
		}
		w.host.fail_at = SIZE_MAX;
		assert_int_equal(find(across).pa, mapped ? 0x5000 : 0);
		assert_int_equal(unmap(across + KIB4, U(1) << 41), PHYR_OK);
		close_config();
	}
}

static void a_map_without_memory_is_unwound_and_unmap_needs_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t iova, len, before;

		open_config(&configs[i]);
		/* From the first table of level 0 over all of the second into the third. */
		iova = w.caps.iova.first.addr + granule();
		len = 2 * granule() * (granule() / 8);
		before = digest();
		w.host.sticky = true;
		w.host.alloc_cnt = w.host.fail_at = 0;
		while (map(iova, 2 * granule(), len) == PHYR_E_NOMEM) {
			assert_int_equal(digest(), before);
			w.host.alloc_cnt = 0;
			w.host.fail_at++;
		}
		assert_true(w.host.fail_at > 0);
		assert_int_equal(find(iova + len - 1).pa, 2 * granule() + len - 1);
		w.host.alloc_cnt = w.host.fail_at = 0;
		assert_int_equal(unmap(iova, len), PHYR_OK);
		phyrsim_pagetable_release(w.table, &w.gather);
		assert_int_equal(w.host.alloc_cnt, 0);
		w.host.fail_at = SIZE_MAX;
		expect_root_alone();
		close_config();
	}
}

static void parameters_that_a_format_does_not_offer_make_nothing(void **state)
{
	static const struct config bad[] = {
		{ AMD, 2, 0, 0, 0 },
		{ AMD, 7, 0, 0, 0 },
		{ X86, 3, 0, 0, 0 },
		{ X86, 6, 0, 0, 0 },
		{ RV1, 2, 0, 0, 0 },
		{ RV2, 6, 0, 0, 0 },
		{ ARM1, 3, 12, 48, 0 },
		{ ARM1, 0, 13, 48, 0 },
		{ ARM1, 0, 12, 31, 0 },
		{ ARM1, 0, 12, 49, 0 },
		{ ARM2, 0, 16, 53, WIDE },
		{ VTD, 4, 14, 0, 0 },
		{ RV1, 4, 0, 48, 0 },
		{ VTD, 4, 0, 0, CONT },
		{ AMD, 3, 0, 0, WIDE },
		{ X86, 4, 0, 0, COHERENT },
		{ RV1, 4, 0, 0, WIDE },
		{ ARM2, 0, 12, 48, 16 },
		{ ARM1, 0, 12, 48, PHYRSIM_FEATURE_FWB },
		{ VTD, 4, 0, 0, PBMT },
		{ RV1, 4, 0, 0, 1u << 31 },
	};

	(void)state;
	open_config(&configs[0]);
	for (size_t i = 0; i < CNT(bad); i++) {
		struct phyrsim_pagetable *table = w.table;
		struct phyrsim_pagetable_params params = config_params(&bad[i], &w.host.mem, w.mem);

		assert_int_equal(phyrsim_pagetable_create(&params, &table), PHYR_E_INVAL);
		assert_ptr_equal(table, w.table);
	}
	assert_int_equal(map_attrs(0, 0, KIB4, RW, 16), PHYR_E_INVAL);
	close_config();
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(sizes_and_widths_are_those_of_the_configuration),
		cmocka_unit_test(every_size_of_every_configuration_is_one_leaf),
		cmocka_unit_test(addresses_beyond_a_width_change_nothing),
		cmocka_unit_test(signed_addresses_have_two_halves),
		cmocka_unit_test(an_amd_table_grows_as_addresses_need_it),
		cmocka_unit_test(an_empty_amd_table_grows_without_an_empty_table_in_it),
		cmocka_unit_test(a_map_that_cannot_grow_the_table_changes_nothing),
		cmocka_unit_test(a_map_without_memory_is_unwound_and_unmap_needs_none),
		cmocka_unit_test(parameters_that_a_format_does_not_offer_make_nothing),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
