/* SPDX-License-Identifier: MIT */
/*
 * Which leaves a table takes for a range: the fewest. The minimum is found by dynamic programming
 * over every way to cut, in all small worlds with toy sizes, and in random ones in every
 * configuration.
 *
 * Sizes nest, so taking the largest first is minimal; more sizes never give more leaves; and only
 * the addresses modulo the largest size matter. A table's sizes do not change while it lives, and
 * there is always the granule.
 *
 * Not here: the splitter (prop_split_min.c), which does not know tables.
 *
 * PHYR_SEED and PHYR_ITER (ranges for each configuration) repeat or lengthen a run.
 */
#include "../sim/pagetable/cut.h"
#include "pagetable_formats.h"

#define TOY_LG2 12 /* [log2 bytes] the toy granule; toy sizes are 1, 2, 4 and 8 of them */
#define TOY_SETS 8 /* of sizes; the granule is in all */
#define TOY_LEN 20 /* granules */
#define TOY_STARTS 16
#define LEN_MAX 1200 /* granules */

static uint64_t random_state;

static unsigned int below(unsigned int end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

/* A range to be mapped, in granules. */
struct want {
	uint64_t at, pa;
	unsigned int len;
	uint64_t sizes; /* [bit = log2 granules] */
};

static unsigned int minimum(const struct want *want)
{
	static unsigned int least[LEN_MAX + 1];

	for (unsigned int end = 1; end <= want->len; end++) {
		least[end] = UINT32_MAX;
		for (uint64_t sizes = want->sizes; sizes != 0; sizes &= sizes - 1) {
			unsigned int lg2 = phyr_bits_ctz(sizes);
			unsigned int at = end - (unsigned int)phyr_bits_size(lg2);

			if (phyr_bits_size(lg2) > end)
				break;
			if (phyr_bits_aligned((want->at + at) | (want->pa + at), lg2) &&
			    least[at] + 1 < least[end])
				least[end] = least[at] + 1;
		}
	}
	return least[want->len];
}

/* The largest size at a granule of the range. */
static unsigned int best_lg2(const struct want *want, unsigned int at)
{
	unsigned int lg2 = 63;

	while (!(want->sizes >> lg2 & 1) || phyr_bits_size(lg2) > want->len - at ||
	       !phyr_bits_aligned((want->at + at) | (want->pa + at), lg2))
		lg2--;
	return lg2;
}

/* How many leaves the writer's cut has. They follow on, and each is the largest at its place. */
static unsigned int cut_cnt(const struct want *want)
{
	struct phyrsim_pagetable table = { .geometry.sizes = { want->sizes << TOY_LG2 } };
	struct phyr_range run = { { want->pa << TOY_LG2 }, (uint64_t)want->len << TOY_LG2 };
	struct phyrsim_span span = { want->at << TOY_LG2, (want->at << TOY_LG2) + (run.len - 1) };
	struct cut cut = cut_begin(&table, span, &run, 1);
	unsigned int cnt = 0, at = 0;
	struct piece piece;

	while (cut_next(&cut, TOY_LG2, &piece)) {
		uint64_t last = piece.at + (piece.len - 1);

		assert_int_equal(piece.at, (want->at + at) << TOY_LG2);
		assert_int_equal(piece.pa, (want->pa + at) << TOY_LG2);
		assert_int_equal(piece.level, (piece.lg2 - TOY_LG2) / 9);
		/* In one table of its level. */
		assert_int_equal(piece.at >> (TOY_LG2 + 9 * (piece.level + 1)),
				 last >> (TOY_LG2 + 9 * (piece.level + 1)));
		for (uint64_t left = piece.len; left > 0; left -= phyr_bits_size(piece.lg2)) {
			assert_int_equal(piece.lg2 - TOY_LG2, best_lg2(want, at));
			at += (unsigned int)phyr_bits_size(piece.lg2 - TOY_LG2);
			cnt++;
		}
	}
	assert_int_equal(at, want->len);
	return cnt;
}

/* In all sets of sizes; a set that has another in it has no more leaves. */
static void check_sets(struct want want)
{
	unsigned int cnts[TOY_SETS];

	for (unsigned int set = 0; set < TOY_SETS; set++) {
		want.sizes = set << 1 | 1;
		cnts[set] = cut_cnt(&want);
		assert_int_equal(cnts[set], minimum(&want));
		for (unsigned int less = 0; less < set; less++)
			if ((less & set) == less)
				assert_true(cnts[set] <= cnts[less]);
	}
	/* The same multiples of the largest size further on, in another table. */
	want.at += 640;
	want.pa += 8;
	assert_int_equal(cut_cnt(&want), cnts[TOY_SETS - 1]);
}

static void in_all_small_worlds_the_cut_is_minimal(void **state)
{
	struct want want = { 0 };

	(void)state;
	/* The addresses end in front of a table, so that ranges lie on both sides of its edge. */
	for (unsigned int at = 0; at < TOY_STARTS; at++)
		for (unsigned int pa = 0; pa < TOY_STARTS; pa++)
			for (want.len = 1; want.len <= TOY_LEN; want.len++) {
				want.at = 512 - TOY_STARTS + at;
				want.pa = pa;
				check_sets(want);
			}
}

/* In phase with memory at least modulo something, near the front of a table. */
static struct want random_want(void)
{
	unsigned int granule_lg2 = phyr_sizes_min_lg2(w.caps.sizes), phase_lg2 = below(12);
	struct want want = { 0 };

	want.at = (w.caps.iova.first.addr >> granule_lg2) + below(600);
	want.at += 8192 * below(2);
	want.len = 1 + below(LEN_MAX - 1);
	want.pa = test_random(&random_state) & (w.caps.pa_last.addr >> granule_lg2 >> 1);
	want.pa = phyr_bits_down(want.pa, phase_lg2) | (want.at & phyr_bits_mask(phase_lg2));
	if (below(2) == 0)
		want.at = phyr_bits_down(want.at, 4);
	want.sizes = w.caps.sizes.mask >> granule_lg2;
	return want;
}

static void in_every_configuration_a_table_has_the_fewest_leaves(void **state)
{
	uint64_t iter = test_number("PHYR_ITER", 100);

	(void)state;
	random_state = test_number("PHYR_SEED", 1);
	print_message("PHYR_SEED=%llu\n", (unsigned long long)random_state);
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		for (uint64_t j = 0; j < iter; j++) {
			struct want want = random_want();
			uint64_t iova = want.at * granule(), len = want.len * granule();

			assert_int_equal(map(iova, want.pa * granule(), len), PHYR_OK);
			assert_int_equal(leaf_cnt(), minimum(&want));
			assert_int_equal(unmap(iova, len), PHYR_OK);
		}
		close_config();
	}
}

/* Both addresses at their first and at their last bytes, all that fits but a granule. */
static void both_ends_of_both_spaces_can_be_mapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		uint64_t first, last, pa_last;

		open_config(&configs[i]);
		first = w.caps.iova.first.addr;
		last = w.caps.iova.last.addr - (granule() - 1);
		pa_last = w.caps.pa_last.addr - (granule() - 1);
		assert_int_equal(map(first, pa_last, granule()), PHYR_OK);
		assert_int_equal(map(last, 0, granule()), PHYR_OK);
		assert_int_equal(find(first).pa, pa_last);
		assert_int_equal(find(last).pa, 0);
		assert_int_equal(unmap(first, granule()), PHYR_OK);
		assert_int_equal(unmap(last, granule()), PHYR_OK);
		assert_int_equal(map(last, pa_last, granule()), PHYR_OK);
		assert_int_equal(map(first, 0, granule()), PHYR_OK);
		assert_int_equal(find(w.caps.iova.last.addr).pa, w.caps.pa_last.addr);
		assert_int_equal(find(first).pa, 0);
		close_config();
	}
}

/* 4096 runs of 2^52 bytes, the last of them a page short; with that page it would be 2^64. */
static void all_of_64_bits_but_a_page_can_be_mapped(void **state)
{
	static const struct config amd = { AMD, 6, 0, 0, COHERENT };
	static struct phyr_range runs[4096];
	struct phyr_iova_range range = { { 0 }, UINT64_MAX - 0xfff };

	(void)state;
	open_config(&amd);
	for (size_t i = 0; i < CNT(runs); i++)
		runs[i].len = UINT64_C(1) << 52;
	assert_int_equal(phyrsim_pagetable_map(w.table, range.iova, runs, CNT(runs), RW, 0),
			 PHYR_E_RANGE);
	runs[CNT(runs) - 1].len -= KIB4;
	assert_int_equal(phyrsim_pagetable_map(w.table, range.iova, runs, CNT(runs), RW, 0),
			 PHYR_OK);
	/* The last run: one of each size but 512G, for which there are two of 256G. */
	assert_int_equal(leaf_cnt(), 4095 * 2 + 39 + 2);
	assert_int_equal(stats().leaves.cnt[51], 4095 * 2 + 1);
	assert_int_equal(find(range.len - 1).pa, (UINT64_C(1) << 52) - KIB4 - 1);
	assert_false(find(range.len).said.present);
	assert_int_equal(phyrsim_pagetable_unmap(w.table, range, &w.gather), PHYR_OK);
	assert_int_equal(stats().table_cnt, 1);
	close_config();
}

/* A top may have fewer items than a contiguous group wants: of every width, each size is a leaf. */
static void a_small_top_has_no_group_that_it_cannot_hold(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < 2 * 3 * 17; number++) {
		struct config config = { number & 1 ? ARM2 : ARM1, 0, 0, 32 + number / 6, CONT };

		config.granule_lg2 = 12 + number / 2 % 3 * 2;
		open_config(&config);
		for (unsigned int lg2 = 12; lg2 <= 48; lg2++) {
			uint64_t len = phyr_bits_size(lg2);

			if (!(w.caps.sizes.mask & len))
				continue;
			assert_true(lg2 <= config.iova_bits);
			assert_int_equal(map(w.caps.iova.last.addr - (len - 1), 0, len), PHYR_OK);
			assert_int_equal(stats().leaves.cnt[lg2], 1);
			assert_int_equal(find(w.caps.iova.last.addr).pa, len - 1);
			assert_int_equal(unmap(w.caps.iova.last.addr - (len - 1), len), PHYR_OK);
		}
		close_config();
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(in_all_small_worlds_the_cut_is_minimal),
		cmocka_unit_test(in_every_configuration_a_table_has_the_fewest_leaves),
		cmocka_unit_test(both_ends_of_both_spaces_can_be_mapped),
		cmocka_unit_test(all_of_64_bits_but_a_page_can_be_mapped),
		cmocka_unit_test(a_small_top_has_no_group_that_it_cannot_hold),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
