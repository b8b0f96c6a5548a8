/* SPDX-License-Identifier: MIT */
/*
 * Segments: each limit alone and all together, counted in closed form and cut one by one; what is
 * refused, and where.
 *
 * Not here: NVMe's PRP entries (test_prp.c).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyr/segment.h>

#include "split_world.h"

static const struct phyr_segment_limits no_limits = { 0, 0, 0, 0, 0 };

static uint64_t count(const struct phyr_list *list, const struct phyr_segment_limits *limits)
{
	struct phyr_segment_fit fit;

	assert_int_equal(phyr_segment_count(list, phyr_segment_whole(list), limits, &fit), PHYR_OK);
	assert_int_equal(fit.fit_len, phyr_list_len(list));
	assert_int_equal(fit.bad_offset, 0);
	return fit.cnt;
}

static void expect_segment(struct phyr_segments *segments, uint64_t addr, uint64_t len)
{
	struct phyr_iova_range segment;

	assert_true(phyr_segment_next(segments, &segment));
	assert_int_equal(segment.iova.addr, addr);
	assert_int_equal(segment.len, len);
}

static void expect_end(struct phyr_segments *segments)
{
	struct phyr_iova_range segment = { { 1 }, 2 };

	assert_false(phyr_segment_next(segments, &segment));
	assert_int_equal(segment.iova.addr, 1);
	assert_int_equal(segment.len, 2);
}

static void begin(const struct phyr_list *list, const struct phyr_segment_limits *limits,
		  struct phyr_segments *segments)
{
	assert_int_equal(phyr_segment_begin(list, phyr_segment_whole(list), limits, segments),
			 PHYR_OK);
}

static void without_limits_a_run_is_a_segment(void **state)
{
	const struct phyr_range runs[] = { { { 0x1003 }, 5 }, { { 0x20 }, 8 * G } };
	struct phyr_segments segments;
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	assert_int_equal(count(&list, &no_limits), 2);
	begin(&list, &no_limits, &segments);
	expect_segment(&segments, 0x1003, 5);
	expect_segment(&segments, 0x20, 8 * G);
	expect_end(&segments);
}

static void l1_two_megabytes_are_32_segments_of_64k_or_one_of_2g(void **state)
{
	struct phyr_segment_limits limits = { 64 * K, 0, 0, 0, 0 };
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x40000000, 512 * 4 * K);
	assert_int_equal(count(&list, &limits), 32);
	limits.len_max = 2 * G;
	assert_int_equal(count(&list, &limits), 1);
	limits.len_max = 1;
	assert_int_equal(count(&list, &limits), 2 * M);
}

static void no_segment_crosses_a_boundary(void **state)
{
	const struct phyr_segment_limits limits = { 0, 0, 12, 0, 0 };
	struct phyr_segments segments;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1ff0, 0x1020);
	assert_int_equal(count(&list, &limits), 3);
	begin(&list, &limits, &segments);
	expect_segment(&segments, 0x1ff0, 0x10);
	expect_segment(&segments, 0x2000, 0x1000);
	expect_segment(&segments, 0x3000, 0x10);
	expect_end(&segments);
}

static void length_and_boundary_limit_together(void **state)
{
	const struct phyr_segment_limits limits = { 0x600, 0, 12, 0, 0 };
	struct phyr_segments segments;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1800, 0x2000);
	assert_int_equal(count(&list, &limits), 7);
	begin(&list, &limits, &segments);
	expect_segment(&segments, 0x1800, 0x600);
	expect_segment(&segments, 0x1e00, 0x200);
	expect_segment(&segments, 0x2000, 0x600);
	expect_segment(&segments, 0x2600, 0x600);
	expect_segment(&segments, 0x2c00, 0x400);
	expect_segment(&segments, 0x3000, 0x600);
	expect_segment(&segments, 0x3600, 0x200);
	expect_end(&segments);
}

static void the_whole_space_is_counted_without_wrapping(void **state)
{
	struct phyr_segment_limits limits = { UINT64_C(1) << 32, 0, 63, 0, 0 };
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1000, UINT64_MAX - 0xfff);
	assert_int_equal(count(&list, &limits), UINT64_C(1) << 32);
	limits.len_max = 1;
	limits.boundary_lg2 = 1;
	assert_int_equal(count(&list, &limits), UINT64_MAX - 0xfff);
	limits.len_max = 0;
	limits.boundary_lg2 = 63;
	assert_int_equal(count(&list, &limits), 2);
}

static void a_length_that_is_no_multiple_of_the_alignment_is_cut_down(void **state)
{
	/* NVMe's 32-bit lengths in dwords. */
	const struct phyr_segment_limits limits = { UINT32_MAX, 0, 0, 2, 0 };
	struct phyr_segments segments;
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1000, 4 * G);
	assert_int_equal(count(&list, &limits), 2);
	begin(&list, &limits, &segments);
	expect_segment(&segments, 0x1000, 4 * G - 4);
	expect_segment(&segments, 4 * G + 0xffc, 4);
	expect_end(&segments);
}

/* A refusal at every door, with what the count says of it. */
static void refuse(const struct phyr_list *list, struct phyr_segment_part part,
		   const struct phyr_segment_limits *limits, int err,
		   const struct phyr_segment_fit *want)
{
	struct phyr_segment_fit fit = { 7, 7, 7 };
	struct phyr_segments segments;
	struct phyr_segments before;

	memset(&segments, 0x3c, sizeof(segments));
	memcpy(&before, &segments, sizeof(segments));
	assert_int_equal(phyr_segment_begin(list, part, limits, &segments), err);
	assert_memory_equal(&segments, &before, sizeof(segments));
	assert_int_equal(phyr_segment_count(list, part, limits, &fit), err);
	assert_int_equal(fit.cnt, want->cnt);
	assert_int_equal(fit.fit_len, want->fit_len);
	assert_int_equal(fit.bad_offset, want->bad_offset);
}

static void too_many_segments_are_refused_with_what_fits(void **state)
{
	const struct phyr_range runs[] = { { { 0x1000 }, 0x3000 }, { { 0x9800 }, 0x1800 } };
	struct phyr_segment_limits limits = { 0x1000, 0, 12, 0, 0 };
	struct phyr_list list;
	static const uint64_t fits[] = { 0x1000, 0x2000, 0x3000, 0x3800 };

	(void)state;
	list_of(&list, runs, 2);
	for (limits.cnt_max = 1; limits.cnt_max < 5; limits.cnt_max++) {
		const struct phyr_segment_fit want = { 5, fits[limits.cnt_max - 1], 0 };

		refuse(&list, phyr_segment_whole(&list), &limits, PHYR_E_LIMIT, &want);
	}
	assert_int_equal(count(&list, &limits), 5);
}

static void a_request_that_is_too_long_goes_on_where_it_stopped(void **state)
{
	const struct phyr_segment_limits limits = { 3 * K, 4, 13, 0, 0 };
	struct phyr_segment_part part;
	struct phyr_segment_fit fit;
	struct phyr_list list;
	unsigned int request_cnt = 0;
	int err;

	(void)state;
	list_of_one(&list, 0x1400, 99 * K);
	part = phyr_segment_whole(&list);
	while (part.len) {
		err = phyr_segment_count(&list, part, &limits, &fit);
		assert_true(err == (fit.cnt > 4 ? PHYR_E_LIMIT : PHYR_OK) && fit.fit_len > 0);
		part.offset += fit.fit_len;
		part.len -= fit.fit_len;
		request_cnt++;
	}
	/* 3 K to the first boundary, then 12 windows of three segments: 37. */
	assert_int_equal(request_cnt, 10);
}

static void runs_may_meet_only_on_the_multiples_of_the_gap(void **state)
{
	const struct phyr_range runs[] = { { { 0x1800 }, 0x800 },
					   { { 0x5000 }, 0x1200 },
					   { { 0x9000 }, 0x200 } };
	const struct phyr_segment_limits limits = { 0, 0, 0, 0, 12 };
	const struct phyr_segment_fit want = { 0, 0, 0x1a00 };
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 3);
	refuse(&list, phyr_segment_whole(&list), &limits, PHYR_E_ALIGN, &want);
	list_of(&list, runs, 2); /* the last may end anywhere */
	assert_int_equal(count(&list, &limits), 2);
}

static void an_address_or_a_length_off_the_alignment_is_refused(void **state)
{
	const struct phyr_range starts[] = { { { 0x1000 }, 0x200 }, { { 0x5080 }, 0x200 } };
	const struct phyr_range ends[] = { { { 0x1000 }, 0x200 }, { { 0x5000 }, 0x180 } };
	const struct phyr_segment_limits limits = { 0, 0, 0, 9, 0 };
	const struct phyr_segment_fit at_joint = { 0, 0, 0x200 };
	const struct phyr_segment_fit at_end = { 0, 0, 0x380 };
	struct phyr_list list;

	(void)state;
	list_of(&list, starts, 2);
	refuse(&list, phyr_segment_whole(&list), &limits, PHYR_E_ALIGN, &at_joint);
	list_of(&list, ends, 2);
	refuse(&list, phyr_segment_whole(&list), &limits, PHYR_E_ALIGN, &at_end);
}

static void no_segment_crosses_a_change_of_tag_and_it_leaves_no_gap(void **state)
{
	const struct phyr_segment_limits limits = { 0, 0, 0, 0, 12 };
	const struct phyr_range a = { { 0x1000 }, 0x800 }, b = { { 0x1800 }, 0x800 };
	struct phyr_tag peer = { PHYR_KIND_P2P, 1 };
	struct phyr_segments segments;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_append(&list, a, ram), PHYR_OK);
	assert_int_equal(phyr_list_append(&list, b, peer), PHYR_OK);
	assert_int_equal(count(&list, &limits), 2);
	begin(&list, &limits, &segments);
	expect_segment(&segments, 0x1000, 0x800);
	expect_segment(&segments, 0x1800, 0x800);
	expect_end(&segments);
}

static void a_part_is_cut_as_if_it_were_all(void **state)
{
	const struct phyr_range runs[] = { { { 0x1000 }, 0x3000 }, { { 0x9000 }, 0x2000 } };
	const struct phyr_segment_limits limits = { 0x1000, 3, 0, 9, 0 };
	const struct phyr_segment_part part = { 0x2200, 0x1600 };
	const struct phyr_segment_part nothing = { 0x5000, 0 };
	struct phyr_segments segments;
	struct phyr_segment_fit fit;
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	assert_int_equal(phyr_segment_begin(&list, part, &limits, &segments), PHYR_OK);
	expect_segment(&segments, 0x3200, 0xe00);
	expect_segment(&segments, 0x9000, 0x800);
	expect_end(&segments);
	assert_int_equal(phyr_segment_count(&list, nothing, &limits, &fit), PHYR_OK);
	assert_int_equal(fit.cnt, 0);
}

static void wrong_arguments_are_refused(void **state)
{
	const struct phyr_segment_limits wrong[] = { { 0, 0, 64, 0, 0 },
						     { 0, 0, 0, 64, 0 },
						     { 0, 0, 0, 0, 64 },
						     { 511, 0, 0, 9, 0 },
						     { 0, 0, 8, 9, 0 } };
	const struct phyr_segment_fit untouched = { 7, 7, 7 };
	const struct phyr_segment_part beyond = { 0xf00, 0x101 };
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1000, 0x1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refuse(&list, phyr_segment_whole(&list), &wrong[i], PHYR_E_INVAL, &untouched);
	refuse(&list, beyond, &no_limits, PHYR_E_RANGE, &untouched);
	refuse(NULL, beyond, &no_limits, PHYR_E_INVAL, &untouched);
	refuse(&list, beyond, NULL, PHYR_E_INVAL, &untouched);
	assert_int_equal(phyr_segment_begin(&list, beyond, &no_limits, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_segment_count(&list, beyond, &no_limits, NULL), PHYR_E_INVAL);
}

/* Random limits over random runs: the cut keeps them, is the fewest, and is what was counted. */

static void check_cut(const struct phyr_list *list, const struct phyr_segment_limits *limits)
{
	struct phyr_iova_range segment, previous = { { 0 }, 0 };
	struct phyr_segments segments;
	uint64_t len = 0, cnt = 0;

	begin(list, limits, &segments);
	for (; phyr_segment_next(&segments, &segment); cnt++) {
		uint64_t last = segment.iova.addr + segment.len - 1;
		uint64_t end = previous.iova.addr + previous.len;

		assert_true(segment.len && segment.len <= limits->len_max);
		assert_int_equal(segment.iova.addr >> limits->boundary_lg2,
				 last >> limits->boundary_lg2);
		/* Two that could have been one are too many. */
		if (cnt && end == segment.iova.addr)
			assert_true(previous.len == limits->len_max ||
				    phyr_bits_aligned(end, limits->boundary_lg2));
		previous = segment;
		len += segment.len;
	}
	assert_int_equal(len, phyr_list_len(list));
	assert_int_equal(cnt, count(list, limits));
}

static void check_fit(const struct phyr_list *list, struct phyr_segment_limits limits)
{
	uint64_t cnt = count(list, &limits);
	struct phyr_segment_fit fit;
	struct phyr_iova_range segment;
	struct phyr_segments segments;
	uint64_t len = 0;

	begin(list, &limits, &segments);
	for (limits.cnt_max = 1; limits.cnt_max < cnt; limits.cnt_max++) {
		assert_true(phyr_segment_next(&segments, &segment));
		len += segment.len;
		assert_int_equal(phyr_segment_count(list, phyr_segment_whole(list), &limits, &fit),
				 PHYR_E_LIMIT);
		assert_int_equal(fit.cnt, cnt);
		assert_int_equal(fit.fit_len, len);
	}
}

static void what_is_counted_is_what_is_cut(void **state)
{
	uint64_t random = test_number("PHYR_SEED", 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	struct phyr_list list;

	(void)state;
	for (uint64_t i = test_number("PHYR_ITER", 3000); i; i--) {
		struct phyr_segment_limits limits = { 1 + test_random(&random) % 40, 0, 0, 0, 0 };
		struct phyr_range runs[3];

		limits.boundary_lg2 = (uint8_t)(1 + test_random(&random) % 6);
		for (size_t j = 0; j < 3; j++) {
			runs[j].pa.addr = 1000 * (j + 1) + test_random(&random) % 64;
			runs[j].len = 1 + test_random(&random) % 300;
		}
		list_of(&list, runs, 3);
		check_cut(&list, &limits);
		check_fit(&list, limits);
		phyr_list_fini(&list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits_a_run_is_a_segment),
		cmocka_unit_test(l1_two_megabytes_are_32_segments_of_64k_or_one_of_2g),
		cmocka_unit_test(no_segment_crosses_a_boundary),
		cmocka_unit_test(length_and_boundary_limit_together),
		cmocka_unit_test(the_whole_space_is_counted_without_wrapping),
		cmocka_unit_test(a_length_that_is_no_multiple_of_the_alignment_is_cut_down),
		cmocka_unit_test(too_many_segments_are_refused_with_what_fits),
		cmocka_unit_test(a_request_that_is_too_long_goes_on_where_it_stopped),
		cmocka_unit_test(runs_may_meet_only_on_the_multiples_of_the_gap),
		cmocka_unit_test(an_address_or_a_length_off_the_alignment_is_refused),
		cmocka_unit_test(no_segment_crosses_a_change_of_tag_and_it_leaves_no_gap),
		cmocka_unit_test(a_part_is_cut_as_if_it_were_all),
		cmocka_unit_test(wrong_arguments_are_refused),
		cmocka_unit_test(what_is_counted_is_what_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
