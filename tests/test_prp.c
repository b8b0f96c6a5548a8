/* SPDX-License-Identifier: MIT */
/*
 * NVMe's PRP entries: the two of the command, list pages as a controller reads them, refusals.
 *
 * Not here: segments (test_segment.c).
 */
#include <phyr/list.h>
#include <phyr/segment.h>

#include "split_world.h"

/** Words of a 4K list page. */
#define LIST_WORDS 512

static const phyr_iova first_list = { 0xabc000 };

/* Little-endian on any host. */
static uint64_t read_word(const uint64_t *word)
{
	const unsigned char *bytes = (const unsigned char *)word;
	uint64_t value = 0;

	for (unsigned int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static void expect_command(const struct phyr_segment_prp *prp, uint64_t prp1, uint64_t prp2)
{
	uint64_t entries[2];

	phyr_segment_prp_command(prp, first_list, entries);
	assert_int_equal(read_word(&entries[0]), prp1);
	assert_int_equal(read_word(&entries[1]), prp2);
}

static void one_or_two_pages_need_no_list(void **state)
{
	struct phyr_segment_prp prp;
	struct phyr_list list;
	uint64_t words[1];

	(void)state;
	list_of_one(&list, 0x5ffc, 4);
	assert_int_equal(phyr_segment_prp_begin(&list, 12, &prp), PHYR_OK);
	assert_int_equal(phyr_segment_prp_lists(&prp), 0);
	expect_command(&prp, 0x5ffc, 0);
	assert_int_equal(phyr_segment_prp_fill(&prp, first_list, words), 0);
	list_of_one(&list, 0x5ffc, 5);
	assert_int_equal(phyr_segment_prp_begin(&list, 12, &prp), PHYR_OK);
	assert_int_equal(phyr_segment_prp_lists(&prp), 0);
	expect_command(&prp, 0x5ffc, 0x6000);
	assert_int_equal(phyr_segment_prp_fill(&prp, first_list, words), 0);
}

static void the_third_page_needs_a_list(void **state)
{
	const struct phyr_range runs[] = { { { 0x1800 }, 0x800 }, { { 0x9000 }, 0x1004 } };
	struct phyr_segment_prp prp;
	uint64_t words[LIST_WORDS];
	struct phyr_list list;

	(void)state;
	list_of(&list, runs, 2);
	assert_int_equal(phyr_segment_prp_begin(&list, 12, &prp), PHYR_OK);
	assert_int_equal(phyr_segment_prp_lists(&prp), 1);
	expect_command(&prp, 0x1800, first_list.addr);
	assert_int_equal(phyr_segment_prp_fill(&prp, first_list, words), 2);
	assert_int_equal(read_word(&words[0]), 0x9000);
	assert_int_equal(read_word(&words[1]), 0xa000);
	assert_int_equal(phyr_segment_prp_fill(&prp, first_list, words), 0);
}

/* How a controller reads page_cnt pages that start at 1 GiB. */
static void expect_chain(uint64_t page_cnt, uint64_t want_lists)
{
	uint64_t words[LIST_WORDS];
	struct phyr_segment_prp prp;
	struct phyr_list list;
	uint64_t left = page_cnt - 1;
	uint64_t pa = G;

	list_of_one(&list, G, page_cnt * 4 * K);
	assert_int_equal(phyr_segment_prp_begin(&list, 12, &prp), PHYR_OK);
	assert_int_equal(phyr_segment_prp_lists(&prp), want_lists);
	expect_command(&prp, G, first_list.addr);
	for (uint64_t i = 1; i <= want_lists; i++) {
		phyr_iova next = { i * 4 * K };
		size_t cnt = phyr_segment_prp_fill(&prp, next, words);
		size_t named = i < want_lists ? LIST_WORDS - 1 : cnt;

		assert_int_equal(cnt, i < want_lists ? LIST_WORDS : left);
		for (size_t j = 0; j < named; j++)
			assert_int_equal(read_word(&words[j]), pa += 4 * K);
		if (i < want_lists)
			assert_int_equal(read_word(&words[LIST_WORDS - 1]), next.addr);
		left -= named;
	}
	assert_int_equal(left, 0);
	assert_int_equal(phyr_segment_prp_fill(&prp, first_list, words), 0);
}

static void a_full_list_page_points_to_the_next(void **state)
{
	(void)state;
	expect_chain(3, 1);
	expect_chain(513, 1);
	expect_chain(514, 2);
	expect_chain(1 + 511 + 512, 2);
	expect_chain(1 + 511 + 513, 3);
	expect_chain(1 + 511 + 511 + 512, 3);
}

static void refuse_prp(const struct phyr_list *list, unsigned int lg2, int err)
{
	struct phyr_segment_prp prp;
	struct phyr_segment_prp before;

	memset(&prp, 0x3c, sizeof(prp));
	memcpy(&before, &prp, sizeof(prp));
	assert_int_equal(phyr_segment_prp_begin(list, lg2, &prp), err);
	assert_memory_equal(&prp, &before, sizeof(prp));
}

static void what_prp_cannot_say_is_refused(void **state)
{
	const struct phyr_range runs[] = { { { 0x1000 }, 0x800 }, { { 0x9000 }, 0x1000 } };
	const struct phyr_range space[] = { { { 0x7fff000 }, 0x1000 },
					    { { 0 }, UINT64_MAX - 0x1fff } };
	struct phyr_list list;

	(void)state;
	list_of_one(&list, 0x1000, 0x1000);
	refuse_prp(NULL, 12, PHYR_E_INVAL);
	refuse_prp(&list, 11, PHYR_E_INVAL);
	refuse_prp(&list, 28, PHYR_E_INVAL);
	assert_int_equal(phyr_segment_prp_begin(&list, 12, NULL), PHYR_E_INVAL);
	list_of(&list, NULL, 0);
	refuse_prp(&list, 12, PHYR_E_INVAL);
	list_of_one(&list, 0x1002, 0x1000);
	refuse_prp(&list, 12, PHYR_E_ALIGN);
	list_of(&list, runs, 2);
	refuse_prp(&list, 12, PHYR_E_ALIGN);
	list_of(&list, space, 2);
	refuse_prp(&list, 27, PHYR_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_or_two_pages_need_no_list),
		cmocka_unit_test(the_third_page_needs_a_list),
		cmocka_unit_test(a_full_list_page_points_to_the_next),
		cmocka_unit_test(what_prp_cannot_say_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
