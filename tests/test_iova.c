/* SPDX-License-Identifier: MIT */
/*
 * The I/O address allocator: where ranges go, what is refused with which word, and what a space
 * says of itself.
 *
 * Not here: random operations (prop_iova.c), failing memory (oom_iova.c).
 */
#include <phyr/bits.h>
#include <phyr/iova.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
/** First byte of the highest page. */
#define TOP (UINT64_MAX - PAGE + 1)

struct fixture {
	struct test_mem mem;
	struct phyr_iova_space *space;
};

static struct phyr_window window(uint64_t first, uint64_t last)
{
	struct phyr_window between = { { first }, { last } };

	return between;
}

static struct phyr_iova_range pages_at(uint64_t iova, uint64_t page_cnt)
{
	struct phyr_iova_range range = { { iova }, page_cnt * PAGE };

	return range;
}

/* Makes the space of a case; after_case() ends it. */
static struct fixture *open_space(void **state, uint64_t first, uint64_t last)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem, .window = window(first, last) };

	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	return f;
}

static int before_case(void **state)
{
	static struct fixture f;

	f.space = NULL;
	test_mem_init(&f.mem);
	*state = &f;
	return 0;
}

/* Whatever a case did, its space, if it has one, is sound and leaves nothing behind. */
static int after_case(void **state)
{
	struct fixture *f = *state;
	const char *reason = "untouched";

	if (f->space)
		assert_true(phyr_iova_validate(f->space, &reason));
	assert_string_equal(reason, "untouched");
	phyr_iova_destroy(f->space);
	assert_int_equal(f->mem.live_cnt, 0);
	return 0;
}

static struct phyr_iova_stats stats_of(const struct fixture *f)
{
	struct phyr_iova_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_iova_stats(f->space, &stats);
	return stats;
}

/* Allocates and says where. */
static uint64_t take(struct fixture *f, uint64_t page_cnt, const struct phyr_placement *placement)
{
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_alloc(f->space, page_cnt * PAGE, placement, &range), PHYR_OK);
	assert_int_equal(range.len, page_cnt * PAGE);
	return range.iova.addr;
}

/* A refusal leaves everything as it was. */
static void expect_unchanged(const struct fixture *f, const struct phyr_iova_stats *before)
{
	struct phyr_iova_stats after = stats_of(f);

	assert_int_equal(after.live_len, before->live_len);
	assert_int_equal(after.live_cnt, before->live_cnt);
	assert_int_equal(after.hole_cnt, before->hole_cnt);
	assert_int_equal(after.alloc_cnt, before->alloc_cnt);
	assert_true(phyr_iova_validate(f->space, NULL));
}

static void refuse(struct fixture *f, uint64_t len, const struct phyr_placement *placement, int err)
{
	struct phyr_iova_range range = { { 0x123 }, 0x456 };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_alloc(f->space, len, placement, &range), err);
	assert_int_equal(range.iova.addr, 0x123);
	assert_int_equal(range.len, 0x456);
	assert_int_equal(stats_of(f).nospace_cnt - before.nospace_cnt, err == PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).limit_cnt - before.limit_cnt, err == PHYR_E_LIMIT);
	expect_unchanged(f, &before);
}

static void give_back(struct fixture *f, uint64_t iova, uint64_t page_cnt)
{
	assert_int_equal(phyr_iova_free(f->space, pages_at(iova, page_cnt)), PHYR_OK);
}

static void reserve(struct fixture *f, uint64_t iova, uint64_t page_cnt)
{
	assert_int_equal(phyr_iova_reserve(f->space, pages_at(iova, page_cnt)), PHYR_OK);
}

static void refuse_reserve(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_iova_range range = { { iova }, len };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_reserve(f->space, range), err);
	expect_unchanged(f, &before);
}

static void refuse_free(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_iova_range range = { { iova }, len };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_free(f->space, range), err);
	expect_unchanged(f, &before);
}

/* Making a space. */

static void refuse_space(const struct phyr_iova_params *params, int err)
{
	struct phyr_iova_space *space = NULL;

	assert_int_equal(phyr_iova_create(params, &space), err);
	assert_null(space);
}

static void a_space_needs_hooks_and_a_granule(void **state)
{
	struct fixture *f = *state;
	struct phyr_mem deaf = { NULL, test_mem_free, f };
	struct phyr_mem leaky = { test_mem_alloc, NULL, f };
	struct phyr_iova_params params = { .window = window(0, 0xffff) };

	refuse_space(NULL, PHYR_E_INVAL);
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &deaf;
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &leaky;
	refuse_space(&params, PHYR_E_INVAL);
	params.mem = &f->mem.mem;
	assert_int_equal(phyr_iova_create(&params, NULL), PHYR_E_INVAL);
	params.granule_lg2 = 11;
	refuse_space(&params, PHYR_E_INVAL);
	params.granule_lg2 = 17;
	refuse_space(&params, PHYR_E_INVAL);
}

static void a_window_ends_behind_its_beginning_and_on_granules(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem };

	params.window = window(0x3000, 0x1fff);
	refuse_space(&params, PHYR_E_RANGE);
	params.window = window(0x1800, 0xffff);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x1000, 0x10000);
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x1000, 0x1ffff);
	params.granule_lg2 = 16;
	refuse_space(&params, PHYR_E_ALIGN);
	params.window = window(0x10000, 0x1ffff);
	f->mem.fail_at = f->mem.alloc_cnt;
	refuse_space(&params, PHYR_E_NOMEM);
}

static void lengths_are_rounded_up_to_the_granule(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { &f->mem.mem, window(0, 0xfffff), 16 };
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	assert_int_equal(phyr_iova_alloc(f->space, 1, NULL, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, 0xf0000);
	assert_int_equal(range.len, 0x10000);
	assert_int_equal(phyr_iova_alloc(f->space, 0x10001, NULL, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, 0xd0000);
	assert_int_equal(range.len, 0x20000);
}

/* Where ranges go: A1 … A18 without the rounding. */

static void a1_to_a6_addresses_come_from_the_top_and_holes_are_used(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	assert_int_equal(take(f, 1, NULL), 0xfffff000);
	assert_int_equal(take(f, 1, NULL), 0xffffe000);
	assert_int_equal(take(f, 3, NULL), 0xffffb000);
	assert_int_equal(take(f, 33, NULL), 0xfffda000);
	give_back(f, 0xffffe000, 1);
	assert_int_equal(take(f, 1, NULL), 0xffffe000);
	give_back(f, 0xffffb000, 3);
	assert_int_equal(take(f, 2, NULL), 0xffffc000);
	assert_int_equal(take(f, 1, NULL), 0xffffb000);
}

static void three_pages_take_three_and_the_fourth_stays_usable(void **state)
{
	struct fixture *f = open_space(state, 0x10000, 0x13fff);

	assert_int_equal(take(f, 3, NULL), 0x11000);
	assert_int_equal(stats_of(f).live_len, 3 * PAGE);
	assert_int_equal(take(f, 1, NULL), 0x10000);
	assert_int_equal(stats_of(f).hole_cnt, 0);
	assert_int_equal(stats_of(f).largest_len, 0);
	refuse(f, 1, NULL, PHYR_E_NOSPACE);
}

static void a9_to_a11_no_space_now_is_not_a_limit_for_ever(void **state)
{
	struct fixture *f = open_space(state, 0xffff0000, 0xffffffff);

	assert_int_equal(take(f, 8, NULL), 0xffff8000);
	assert_int_equal(take(f, 4, NULL), 0xffff4000);
	refuse(f, 8 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 16 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 17 * PAGE, NULL, PHYR_E_LIMIT);
	assert_int_equal(take(f, 4, NULL), 0xffff0000);
}

static void a5_alignment_and_phase_are_met_exactly(void **state)
{
	struct phyr_placement huge = phyr_placement_any();
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	assert_int_equal(take(f, 8, NULL), 0xffff8000);
	huge.phase_lg2 = 18;
	assert_int_equal(take(f, 33, &huge), 0xfffc0000);
	assert_int_equal(take(f, 23, NULL), 0xfffe1000);
	huge.phase_lg2 = 21;
	huge.phase = 0x1000;
	assert_int_equal(take(f, 1024, &huge), 0xffa01000);
	assert_int_equal(take(f, 1, &huge), 0xffe01000);
	huge.bottom_up = true;
	assert_int_equal(take(f, 1, &huge), 0x1000);
	huge.phase = 0x1ff000;
	assert_int_equal(take(f, 2, &huge), 0x1ff000);
	huge.window = window(0x200000, 0x3fefff);
	refuse(f, PAGE, &huge, PHYR_E_LIMIT);
	huge.phase_lg2 = 63;
	huge.window = phyr_placement_any().window;
	refuse(f, PAGE, &huge, PHYR_E_NOSPACE);
}

static void a_boundary_is_never_crossed(void **state)
{
	struct phyr_placement inside = phyr_placement_any();
	struct fixture *f = open_space(state, 0, 0x3ffff);

	inside.boundary_lg2 = 16;
	reserve(f, 0x3e000, 2);
	assert_int_equal(take(f, 15, &inside), 0x21000);
	assert_int_equal(take(f, 16, &inside), 0x10000);
	assert_int_equal(take(f, 14, &inside), 0x30000);
	refuse(f, 17 * PAGE, &inside, PHYR_E_LIMIT);
	assert_int_equal(take(f, 16, &inside), 0);
	inside.boundary_lg2 = 11;
	refuse(f, PAGE, &inside, PHYR_E_LIMIT);
}

static void a18_a_limit_is_the_highest_byte_used(void **state)
{
	struct phyr_placement low = phyr_placement_any();
	struct phyr_placement zero = { 0 };
	struct fixture *f = open_space(state, 0x1000, 0xffffffff);

	low.window = window(0, 0x7fffffff);
	assert_int_equal(take(f, 1, NULL), 0xfffff000);
	assert_int_equal(take(f, 2, &low), 0x7fffe000);
	low.window = window(0x7fffd000, 0x7fffffff);
	assert_int_equal(take(f, 1, &low), 0x7fffd000);
	refuse(f, PAGE, &low, PHYR_E_NOSPACE);
	refuse(f, 4 * PAGE, &low, PHYR_E_LIMIT);
	low.window = window(UINT64_C(1) << 32, UINT64_MAX);
	refuse(f, PAGE, &low, PHYR_E_LIMIT);
	low.window = window(0x8000, 0x7fff);
	refuse(f, PAGE, &low, PHYR_E_LIMIT);
	refuse(f, PAGE, &zero, PHYR_E_LIMIT);
}

static void bottom_up_takes_the_lowest(void **state)
{
	struct phyr_placement up = phyr_placement_any();
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	up.bottom_up = true;
	assert_int_equal(take(f, 2, &up), 0x1000);
	assert_int_equal(take(f, 1, &up), 0x3000);
	give_back(f, 0x1000, 2);
	assert_int_equal(take(f, 3, &up), 0x4000);
	assert_int_equal(take(f, 1, &up), 0x1000);
	up.window = window(0x9001, 0xbffe);
	refuse(f, 2 * PAGE, &up, PHYR_E_LIMIT);
	assert_int_equal(take(f, 1, &up), 0xa000);
}

/* The whole 64-bit space. */

static void the_highest_and_the_lowest_page_are_usable(void **state)
{
	struct phyr_placement up = phyr_placement_any();
	struct fixture *f = open_space(state, 0, UINT64_MAX);

	up.bottom_up = true;
	assert_int_equal(stats_of(f).largest_len, UINT64_MAX);
	assert_int_equal(stats_of(f).hole_cnt, 1);
	assert_int_equal(take(f, 1, NULL), TOP);
	assert_int_equal(take(f, 1, &up), 0);
	assert_int_equal(stats_of(f).largest_len, TOP - PAGE);
	refuse_reserve(f, TOP, PAGE, PHYR_E_EXISTS);
	give_back(f, TOP, 1);
	give_back(f, 0, 1);
	reserve(f, TOP, 1);
	give_back(f, TOP, 1);
	assert_int_equal(stats_of(f).largest_len, UINT64_MAX);
	assert_int_equal(stats_of(f).hole_cnt, 1);
}

static void all_but_one_page_can_be_taken_at_once(void **state)
{
	struct phyr_iova_range range;
	struct fixture *f = open_space(state, 0, UINT64_MAX);

	assert_int_equal(phyr_iova_alloc(f->space, TOP, NULL, &range), PHYR_OK);
	assert_int_equal(range.iova.addr, PAGE);
	assert_int_equal(range.len, TOP);
	refuse(f, 2 * PAGE, NULL, PHYR_E_NOSPACE);
	assert_int_equal(phyr_iova_free(f->space, range), PHYR_OK);
	assert_int_not_equal(phyr_iova_alloc(f->space, TOP + 1, NULL, &range), PHYR_OK);
	assert_int_not_equal(phyr_iova_alloc(f->space, UINT64_MAX, NULL, &range), PHYR_OK);
	assert_int_equal(stats_of(f).live_cnt, 0);
}

/* Requests that are wrong in themselves. */

static void a_request_must_make_sense(void **state)
{
	static const struct {
		uint64_t phase;
		uint8_t phase_lg2;
		uint8_t boundary_lg2;
		int err;
	} wrong[] = {
		{ 0x2000, 13, 0, PHYR_E_INVAL }, { 0x1000, 0, 0, PHYR_E_INVAL },
		{ 0, 64, 0, PHYR_E_INVAL },	 { 0, 0, 64, PHYR_E_INVAL },
		{ 0x1800, 13, 0, PHYR_E_ALIGN }, { 1, 1, 0, PHYR_E_ALIGN },
	};
	struct phyr_placement odd = phyr_placement_any();
	struct phyr_iova_range range;
	struct fixture *f = open_space(state, 0, 0xfffff);

	refuse(f, 0, NULL, PHYR_E_INVAL);
	assert_int_equal(phyr_iova_alloc(f->space, PAGE, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_iova_alloc(NULL, PAGE, NULL, &range), PHYR_E_INVAL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		odd.phase = wrong[i].phase;
		odd.phase_lg2 = wrong[i].phase_lg2;
		odd.boundary_lg2 = wrong[i].boundary_lg2;
		refuse(f, PAGE, &odd, wrong[i].err);
	}
}

/* Reserving. */

static void a_reserved_range_is_taken_and_can_be_given_back(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	reserve(f, 0xf000, 1);
	reserve(f, 0x1000, 1);
	reserve(f, 0x8000, 2);
	assert_int_equal(stats_of(f).hole_cnt, 2);
	assert_int_equal(stats_of(f).live_cnt, 3);
	assert_int_equal(take(f, 6, NULL), 0x2000);
	refuse_reserve(f, 0x9000, PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, 0x9000, 2 * PAGE, PHYR_E_EXISTS);
	refuse_reserve(f, 0xa000, 6 * PAGE, PHYR_E_EXISTS);
	give_back(f, 0x8000, 2);
	assert_int_equal(take(f, 7, NULL), 0x8000);
}

static void what_cannot_be_reserved_changes_nothing(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	assert_int_equal(phyr_iova_reserve(NULL, pages_at(0x1000, 1)), PHYR_E_INVAL);
	refuse_reserve(f, 0x1000, 0, PHYR_E_INVAL);
	refuse_reserve(f, 0, PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0xf000, 2 * PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0x10000, PAGE, PHYR_E_RANGE);
	refuse_reserve(f, 0x2000, TOP, PHYR_E_RANGE);
	refuse_reserve(f, 0x2800, PAGE, PHYR_E_ALIGN);
	refuse_reserve(f, 0x2000, PAGE + 0x800, PHYR_E_ALIGN);
}

/* Giving back. */

static void only_whole_live_ranges_are_given_back(void **state)
{
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	reserve(f, 0x4000, 4);
	reserve(f, 0x8000, 2);
	assert_int_equal(phyr_iova_free(NULL, pages_at(0x4000, 4)), PHYR_E_INVAL);
	refuse_free(f, 0x4000, 2 * PAGE, PHYR_E_PARTIAL);
	refuse_free(f, 0x4000, 4 * PAGE - 1, PHYR_E_PARTIAL);
	refuse_free(f, 0x5000, 3 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x3000, 5 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0x4800, 4 * PAGE, PHYR_E_NOENT);
	refuse_free(f, 0xa000, PAGE, PHYR_E_NOENT);
	give_back(f, 0x4000, 4);
	refuse_free(f, 0x4000, 4 * PAGE, PHYR_E_NOENT);
	give_back(f, 0x8000, 2);
	assert_int_equal(stats_of(f).hole_cnt, 1);
}

/* What a space says of itself. */

static void statistics_count_what_happened(void **state)
{
	struct phyr_iova_stats stats;
	struct fixture *f = open_space(state, 0x1000, 0xffff);

	take(f, 4, NULL);
	take(f, 1, NULL);
	take(f, 2, NULL);
	give_back(f, 0xb000, 1);
	refuse(f, 12 * PAGE, NULL, PHYR_E_NOSPACE);
	refuse(f, 16 * PAGE, NULL, PHYR_E_LIMIT);
	stats = stats_of(f);
	assert_int_equal(stats.live_len, 6 * PAGE);
	assert_int_equal(stats.live_cnt, 2);
	assert_int_equal(stats.live_max, 3);
	assert_int_equal(stats.hole_cnt, 2);
	assert_int_equal(stats.largest_len, 8 * PAGE);
	assert_int_equal(stats.alloc_cnt, 3);
	assert_int_equal(stats.nospace_cnt, 1);
	assert_int_equal(stats.limit_cnt, 1);
	assert_int_equal(stats.metadata_len, f->mem.live_len);
}

/** Each case has a space of its own, which must be sound in the end. */
#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_space_needs_hooks_and_a_granule),
		CASE(a_window_ends_behind_its_beginning_and_on_granules),
		CASE(lengths_are_rounded_up_to_the_granule),
		CASE(a1_to_a6_addresses_come_from_the_top_and_holes_are_used),
		CASE(three_pages_take_three_and_the_fourth_stays_usable),
		CASE(a9_to_a11_no_space_now_is_not_a_limit_for_ever),
		CASE(a5_alignment_and_phase_are_met_exactly),
		CASE(a_boundary_is_never_crossed),
		CASE(a18_a_limit_is_the_highest_byte_used),
		CASE(bottom_up_takes_the_lowest),
		CASE(the_highest_and_the_lowest_page_are_usable),
		CASE(all_but_one_page_can_be_taken_at_once),
		CASE(a_request_must_make_sense),
		CASE(a_reserved_range_is_taken_and_can_be_given_back),
		CASE(what_cannot_be_reserved_changes_nothing),
		CASE(only_whole_live_ranges_are_given_back),
		CASE(statistics_count_what_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
