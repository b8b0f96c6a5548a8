/* SPDX-License-Identifier: MIT */
/*
 * Ranges on several levels of an I/O address space: pages, 2 MiB and 1 GiB, which are units of one
 * level each.
 *
 * Not here: small spaces (test_iova_places.c), random ones (prop_iova.c).
 */
#include "iova_world.h"

#define MIB2 (UINT64_C(1) << 21)
#define GIB (UINT64_C(1) << 30)

static struct fixture *open_large(void **state)
{
	return open_space(state, 0, (UINT64_C(1) << 47) - 1);
}

static void expect_valid(const struct fixture *f)
{
	const char *reason = NULL;

	if (!phyr_iova_validate(f->space, &reason))
		fail_msg("%s", reason);
}

/* A few bits for each, as for single granules, also where few share a piece of metadata. */
static void large_ranges_cost_as_little_as_small_ones(void **state)
{
	struct fixture *f = open_large(state);
	size_t first;

	reserve(f, 0, 512);
	first = stats_of(f).metadata_len;
	/* In each GiB one range of 2 MiB, then all that there are in one of them. */
	for (uint64_t gib = 1; gib < 512; gib++)
		reserve(f, gib * GIB, 512);
	assert_in_range(stats_of(f).metadata_len - first, 1, 512 * 256);
	first = stats_of(f).metadata_len;
	for (uint64_t i = 1; i < 512; i++)
		reserve(f, i * MIB2, 512);
	assert_int_equal(stats_of(f).metadata_len, first);
	expect_valid(f);
}

/* What is known of whole units stays when one of them is cut, and when it is whole again. */
static void a_page_among_large_ranges_comes_and_goes(void **state)
{
	struct fixture *f = open_large(state);

	reserve(f, 3 * GIB, 512);
	reserve(f, 3 * GIB + 4 * MIB2, 512);
	for (unsigned int i = 0; i < 3; i++) {
		reserve(f, 3 * GIB + 2 * MIB2 + P(5), 1);
		expect_valid(f);
		refuse_reserve(f, 3 * GIB + 2 * MIB2, MIB2, PHYR_E_EXISTS);
		refuse_free(f, 3 * GIB + 2 * MIB2, MIB2, PHYR_E_NOENT);
		give_back(f, 3 * GIB + 2 * MIB2 + P(5), 1);
		expect_valid(f);
		reserve(f, 3 * GIB + 2 * MIB2, 512);
		refuse_free(f, 3 * GIB + 2 * MIB2 + P(5), PAGE, PHYR_E_NOENT);
		give_back(f, 3 * GIB + 2 * MIB2, 512);
		expect_valid(f);
	}
	give_back(f, 3 * GIB, 512);
	give_back(f, 3 * GIB + 4 * MIB2, 512);
	assert_int_equal(stats_of(f).live_cnt, 0);
	expect_valid(f);
}

/* All is taken; ranges of so many pages are the only ones that go. */
static void expect_highest_first(void **state, uint64_t page_cnt, struct phyr_placement placement)
{
	const uint64_t places[] = { 5 * GIB + 7 * MIB2, 5 * GIB + 9 * MIB2, 300 * GIB };
	const uint64_t len = page_cnt * PAGE;
	struct fixture *f = open_space(state, 0, 512 * GIB - 1);
	uint64_t from = 0;

	for (size_t i = 0; i < 3; i++) {
		reserve(f, from, (places[i] - from) / PAGE);
		reserve(f, places[i], page_cnt);
		from = places[i] + len;
	}
	reserve(f, from, (512 * GIB - from) / PAGE);
	/* Whichever went last, the one that is looked at first is not always the highest. */
	for (size_t first = 0; first < 3; first++) {
		for (size_t i = 0; i < 3; i++)
			give_back(f, places[(first + i) % 3], page_cnt);
		for (size_t i = 3; i-- > 0;)
			assert_int_equal(take(f, page_cnt, &placement), places[i]);
		refuse(f, len, &placement, PHYR_E_NOSPACE);
		expect_valid(f);
	}
}

static void the_highest_page_is_found_wherever_the_last_was(void **state)
{
	expect_highest_first(state, 1, phyr_placement_any());
}

static void the_highest_2m_is_found_wherever_the_last_was(void **state)
{
	struct phyr_placement aligned = phyr_placement_any();

	aligned.phase_lg2 = 21;
	expect_highest_first(state, 512, aligned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(large_ranges_cost_as_little_as_small_ones),
		CASE(a_page_among_large_ranges_comes_and_goes),
		CASE(the_highest_page_is_found_wherever_the_last_was),
		CASE(the_highest_2m_is_found_wherever_the_last_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
