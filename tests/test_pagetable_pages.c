/* SPDX-License-Identifier: MIT */
/*
 * Pages as a list has them, one word each: they lead where the words say, in the same leaves as runs
 * of one page each; what else a word can be, and every other misuse, changes nothing.
 */
#include <phyr/chunk.h>

#include "pagetable_formats.h"

/* Across tables, and across a table of tables. */
#define PAGE_CNT 1100
#define AT (GIB1 - 515 * KIB4)
#define GIB1 (UINT64_C(1) << 30)

static uint64_t words[PAGE_CNT];

/* Any pages that the table can hold; no two in a row are neighbours. */
static void make_words(uint64_t seed)
{
	for (size_t i = 0; i < PAGE_CNT; i++) {
		uint64_t at = phyr_bits_down(test_random(&seed) & w.caps.pa_last.addr, 13);
		struct phyr_range page = { { at + i % 2 * KIB4 }, KIB4 };

		assert_int_equal(phyr_chunk_encode_pages(page, &words[i]), 1);
	}
}

static uint64_t base(void)
{
	return w.caps.iova.first.addr + AT;
}

static int map_pages(uint64_t iova, size_t cnt)
{
	return phyrsim_pagetable_map_pages(w.table, phyr_iova_at(iova), words, cnt, RW, 0);
}

static int map_runs(uint64_t iova)
{
	static struct phyr_range runs[PAGE_CNT];

	for (size_t i = 0; i < PAGE_CNT; i++)
		(void)phyr_chunk_decode(&words[i], &runs[i]);
	return phyrsim_pagetable_map(w.table, phyr_iova_at(iova), runs, PAGE_CNT, RW, 0);
}

/* Nothing is mapped, and nothing is allocated for it. */
static void expect_nothing(void)
{
	assert_int_equal(leaf_cnt(), 0);
	assert_int_equal(stats().table_cnt, 1);
}

static void pages_lead_where_their_words_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		open_config(&configs[i]);
		if (granule() == KIB4) {
			make_words(i);
			assert_int_equal(map_pages(base(), PAGE_CNT), PHYR_OK);
			for (size_t k = 0; k < PAGE_CNT; k++)
				assert_int_equal(find(base() + k * KIB4).pa,
						 phyr_chunk_page(words[k]).addr);
			assert_false(find(base() - KIB4).said.present);
			assert_false(find(base() + PAGE_CNT * KIB4).said.present);
			assert_int_equal(stats().leaves.cnt[12], PAGE_CNT);
			assert_int_equal(unmap(base(), PAGE_CNT * KIB4), PHYR_OK);
		}
		close_config();
	}
}

static void items_are_those_of_runs_of_a_page_each(void **state)
{
	static uint64_t items[PAGE_CNT];

	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		open_config(&configs[i]);
		make_words(i);
		if (granule() == KIB4) {
			assert_int_equal(map_runs(base()), PHYR_OK);
			for (size_t k = 0; k < PAGE_CNT; k++)
				items[k] = find(base() + k * KIB4).item;
			assert_int_equal(unmap(base(), PAGE_CNT * KIB4), PHYR_OK);
			assert_int_equal(map_pages(base(), PAGE_CNT), PHYR_OK);
			for (size_t k = 0; k < PAGE_CNT; k++)
				assert_true(find(base() + k * KIB4).item == items[k]);
			assert_int_equal(unmap(base(), PAGE_CNT * KIB4), PHYR_OK);
		}
		close_config();
	}
}

/* The first or the last is something else that a list has. */
static void other_words_are_refused(void **state)
{
	struct phyr_range others[] = {
		{ { KIB4 }, 2 * KIB4 }, { { 2 * KIB4 }, 2 * KIB4 }, { { 0 }, 64 * KIB4 },
		{ { 1 }, 5 },		{ { KIB4 }, 5001 * KIB4 },
	};
	uint64_t bad[CNT(others) + 2] = { 0, phyr_chunk_encode_tag((struct phyr_tag){ 1, 1 }) };

	(void)state;
	for (size_t i = 0; i < CNT(others); i++) {
		uint64_t both[2];

		if (others[i].len % KIB4)
			(void)phyr_chunk_encode_bytes(others[i], both);
		else
			(void)phyr_chunk_encode_pages(others[i], both);
		bad[i + 2] = both[0];
	}
	open_config(&configs[1]);
	for (size_t i = 0; i < 2 * CNT(bad); i++) {
		make_words(1);
		words[i % 2 ? PAGE_CNT - 1 : 0] = bad[i / 2];
		assert_int_equal(map_pages(base(), PAGE_CNT), PHYR_E_INVAL);
		expect_nothing();
	}
	close_config();
}

static void misuse_changes_nothing(void **state)
{
	phyr_iova iova;

	(void)state;
	open_config(&configs[1]);
	make_words(1);
	iova = phyr_iova_at(base());
	assert_int_equal(phyrsim_pagetable_map_pages(NULL, iova, words, 1, RW, 0), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map_pages(w.table, iova, NULL, 1, RW, 0), PHYR_E_INVAL);
	assert_int_equal(map_pages(base(), 0), PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map_pages(w.table, iova, words, 1, (enum phyr_perm)0, 0),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map_pages(w.table, iova, words, 1, (enum phyr_perm)4, 0),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_pagetable_map_pages(w.table, iova, words, 1, RW, ATTRS_ALL + 1),
			 PHYR_E_INVAL);
	assert_int_equal(map_pages(base() + 1, 1), PHYR_E_ALIGN);
	assert_int_equal(map_pages(w.caps.iova.last.addr - KIB4 + 1, 2), PHYR_E_RANGE);
	expect_nothing();
	assert_int_equal(map(base() + 7 * KIB4, 0, KIB4), PHYR_OK);
	assert_int_equal(map_pages(base(), PAGE_CNT), PHYR_E_EXISTS);
	assert_int_equal(leaf_cnt(), 1);
	assert_int_equal(unmap(base() + 7 * KIB4, KIB4), PHYR_OK);
	close_config();
}

/* The widest page that a word can say is beyond every width; granules larger than a page. */
static void what_a_table_cannot_hold_is_told(void **state)
{
	struct phyr_range page = { { 0 - KIB4 }, KIB4 };

	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		open_config(&configs[i]);
		make_words(i);
		(void)phyr_chunk_encode_pages(page, &words[5]);
		assert_int_equal(map_pages(base(), PAGE_CNT),
				 granule() == KIB4 ? PHYR_E_RANGE : PHYR_E_ALIGN);
		expect_nothing();
		close_config();
	}
}

/* Every allocation in turn; AMD grows by a level on the way. */
static void without_memory_none_is_mapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_CNT; i++) {
		uint64_t tables;
		size_t n = 0;
		int err;

		open_config(&configs[i]);
		make_words(i);
		tables = stats().table_cnt;
		do {
			w.host.alloc_cnt = 0;
			w.host.fail_at = n++;
			err = granule() == KIB4 ? map_pages(base(), PAGE_CNT) : PHYR_OK;
			assert_true(err == PHYR_OK || err == PHYR_E_NOMEM);
			if (err)
				assert_int_equal(stats().table_cnt, tables);
			assert_int_equal(leaf_cnt(), !err && granule() == KIB4 ? PAGE_CNT : 0);
		} while (err);
		w.host.fail_at = SIZE_MAX;
		assert_true(n > 3 || granule() > KIB4);
		if (granule() == KIB4)
			assert_int_equal(unmap(base(), PAGE_CNT * KIB4), PHYR_OK);
		close_config();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(pages_lead_where_their_words_say),
		cmocka_unit_test(items_are_those_of_runs_of_a_page_each),
		cmocka_unit_test(other_words_are_refused),
		cmocka_unit_test(misuse_changes_nothing),
		cmocka_unit_test(what_a_table_cannot_hold_is_told),
		cmocka_unit_test(without_memory_none_is_mapped),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
