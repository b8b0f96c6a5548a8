/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory: the order of its addresses, zeroed frames, what is absent, and that
 * nothing is lost when host memory runs out.
 */
#include <phyr/base.h>
#include <phyrsim/mem.h>

#include "test.h"

#define BASE PHYRSIM_MEM_BASE
#define PAGE PHYR_PAGE_SIZE
#define UNTOUCHED UINT64_C(0x123)

struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
};

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
	assert_int_equal(w->host.live_len, 0);
	free(w);
	return 0;
}

static uint64_t alloc(struct phyrsim_mem *mem)
{
	phyr_pa pa = phyr_pa_at(UNTOUCHED);

	assert_int_equal(phyrsim_mem_alloc(mem, &pa), PHYR_OK);
	return pa.addr;
}

static void assert_zeroed(const struct phyrsim_mem *mem, uint64_t pa)
{
	const uint64_t *words = phyrsim_mem_frame(mem, phyr_pa_at(pa));

	assert_non_null(words);
	for (int i = 0; i < 512; i++)
		assert_int_equal(words[i], 0);
}

static void creating_needs_both_arguments(void **state)
{
	struct phyrsim_mem *mem = NULL;
	struct test_mem host;

	(void)state;
	test_mem_init(&host);
	assert_int_equal(phyrsim_mem_create(NULL, &mem), PHYR_E_INVAL);
	assert_null(mem);
	assert_int_equal(phyrsim_mem_create(&host.mem, NULL), PHYR_E_INVAL);
	assert_int_equal(host.alloc_cnt, 0);
}

static void creating_without_host_memory_fails(void **state)
{
	struct phyrsim_mem *mem = NULL;
	struct test_mem host;

	(void)state;
	test_mem_init(&host);
	host.fail_at = 0;
	assert_int_equal(phyrsim_mem_create(&host.mem, &mem), PHYR_E_NOMEM);
	assert_null(mem);
	assert_int_equal(host.live_cnt, 0);
}

static void destroying_nothing_is_allowed(void **state)
{
	(void)state;
	phyrsim_mem_destroy(NULL);
}

static void new_frames_go_upward_from_the_base_without_gaps(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(alloc(w->mem), BASE + i * PAGE);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 2000);
}

static void a_frame_is_zeroed_when_it_is_new_and_when_it_comes_again(void **state)
{
	struct world *w = *state;
	uint64_t pa = alloc(w->mem);

	assert_zeroed(w->mem, pa);
	memset(phyrsim_mem_frame(w->mem, phyr_pa_at(pa)), 0xff, PAGE);
	phyrsim_mem_free(w->mem, phyr_pa_at(pa));
	assert_int_equal(alloc(w->mem), pa);
	assert_zeroed(w->mem, pa);
}

static void the_frame_freed_last_comes_back_first(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 4; i++)
		alloc(w->mem);
	phyrsim_mem_free(w->mem, phyr_pa_at(BASE + 1 * PAGE));
	phyrsim_mem_free(w->mem, phyr_pa_at(BASE + 3 * PAGE));
	phyrsim_mem_free(w->mem, phyr_pa_at(BASE));
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
	assert_int_equal(alloc(w->mem), BASE);
	assert_int_equal(alloc(w->mem), BASE + 3 * PAGE);
	assert_int_equal(alloc(w->mem), BASE + 1 * PAGE);
	assert_int_equal(alloc(w->mem), BASE + 4 * PAGE);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 5);
}

static void every_byte_of_a_frame_finds_it(void **state)
{
	struct world *w = *state;
	uint64_t pa = alloc(w->mem);
	const uint64_t *words = phyrsim_mem_frame(w->mem, phyr_pa_at(pa));

	assert_non_null(words);
	assert_ptr_equal(phyrsim_mem_frame(w->mem, phyr_pa_at(pa + 1)), words);
	assert_ptr_equal(phyrsim_mem_frame(w->mem, phyr_pa_at(pa + PAGE - 1)), words);
}

static void what_is_not_allocated_is_absent(void **state)
{
	static const uint64_t absent[] = { 0,		1,
					   PAGE,	BASE - 1,
					   BASE + PAGE, BASE + 512 * PAGE,
					   BASE * 2,	UINT64_C(1) << 63,
					   UINT64_MAX };
	struct world *w = *state;

	assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(BASE)));
	alloc(w->mem);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(absent[i])));
	phyrsim_mem_free(w->mem, phyr_pa_at(BASE));
	assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(BASE)));
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
}

static void freeing_needs_no_memory_and_gives_frames_without_any(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 600; i++)
		alloc(w->mem);
	w->host.alloc_cnt = 0;
	w->host.fail_at = 0;
	w->host.sticky = true;
	for (uint64_t i = 0; i < 600; i++)
		phyrsim_mem_free(w->mem, phyr_pa_at(BASE + i * PAGE));
	for (uint64_t i = 600; i-- > 0;)
		assert_int_equal(alloc(w->mem), BASE + i * PAGE);
	assert_int_equal(w->host.alloc_cnt, 0);
}

static void frames_stay_where_they_are_while_memory_grows(void **state)
{
	static uint64_t *words[5000];
	struct world *w = *state;

	for (uint64_t i = 0; i < 5000; i++) {
		words[i] = phyrsim_mem_frame(w->mem, phyr_pa_at(alloc(w->mem)));
		words[i][511] = i;
	}
	for (uint64_t i = 0; i < 5000; i++) {
		assert_ptr_equal(phyrsim_mem_frame(w->mem, phyr_pa_at(BASE + i * PAGE)), words[i]);
		assert_int_equal(words[i][511], i);
	}
}

static void a_failed_allocation_changes_nothing(void **state)
{
	struct world *w = *state;
	uint64_t failed_cnt = 0;

	for (uint64_t i = 0; i < 600; i++) {
		for (w->host.fail_at = 0;; w->host.fail_at++) {
			size_t live_len = w->host.live_len;
			phyr_pa pa = phyr_pa_at(UNTOUCHED);

			w->host.alloc_cnt = 0;
			if (phyrsim_mem_alloc(w->mem, &pa) == PHYR_OK)
				break;
			failed_cnt++;
			assert_int_equal(pa.addr, UNTOUCHED);
			assert_int_equal(w->host.live_len, live_len);
			assert_int_equal(phyrsim_mem_frame_cnt(w->mem), i);
			assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(BASE + i * PAGE)));
		}
		assert_zeroed(w->mem, BASE + i * PAGE);
	}
	assert_true(failed_cnt > 600);
}

static void without_memory_the_answer_is_nomem(void **state)
{
	struct world *w = *state;
	phyr_pa pa = phyr_pa_at(UNTOUCHED);

	w->host.alloc_cnt = 0;
	w->host.fail_at = 0;
	assert_int_equal(phyrsim_mem_alloc(w->mem, &pa), PHYR_E_NOMEM);
	assert_int_equal(alloc(w->mem), BASE);
}

static void a_random_mix_agrees_with_a_stack(void **state)
{
	static uint64_t used[1000], freed[1000];
	struct world *w = *state;
	uint64_t seed = test_number("PHYR_SEED", 1);
	size_t used_cnt = 0, freed_cnt = 0;
	uint64_t fresh = BASE;

	for (int i = 0; i < 20000; i++) {
		if (used_cnt > 0 && (used_cnt == 1000 || test_random(&seed) % 2)) {
			size_t which = (size_t)(test_random(&seed) % used_cnt);

			phyrsim_mem_free(w->mem, phyr_pa_at(used[which]));
			freed[freed_cnt++] = used[which];
			used[which] = used[--used_cnt];
		} else {
			used[used_cnt] = alloc(w->mem);
			assert_int_equal(used[used_cnt++], freed_cnt ? freed[--freed_cnt] : fresh);
			if (used[used_cnt - 1] == fresh)
				fresh += PAGE;
		}
		assert_int_equal(phyrsim_mem_frame_cnt(w->mem), used_cnt);
	}
}

static void blocks_are_aligned_and_in_one_piece(void **state)
{
	struct world *w = *state;
	uint64_t frame_cnt = 0;

	for (unsigned int lg2 = 12; lg2 <= 18; lg2++) {
		uint64_t size = UINT64_C(1) << lg2, *words;
		phyr_pa pa;

		assert_int_equal(phyrsim_mem_alloc_block(w->mem, lg2, &pa), PHYR_OK);
		assert_int_equal(pa.addr % size, 0);
		words = phyrsim_mem_frame(w->mem, pa);
		for (uint64_t at = 0; at < size; at += PAGE) {
			assert_ptr_equal(phyrsim_mem_frame(w->mem, phyr_pa_at(pa.addr + at)),
					 words + at / 8);
			assert_zeroed(w->mem, pa.addr + at);
		}
		frame_cnt += size / PAGE;
		assert_int_equal(phyrsim_mem_frame_cnt(w->mem), frame_cnt);
	}
	/* What the alignment of 8 KiB has skipped does not exist. */
	assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(BASE + PAGE)));
}

static void a_freed_block_is_absent_and_comes_back_for_its_size_alone(void **state)
{
	struct world *w = *state;
	phyr_pa first, other, again;

	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 14, &first), PHYR_OK);
	phyrsim_mem_frame(w->mem, first)[512] = 5;
	phyrsim_mem_free_block(w->mem, first, 14);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	assert_null(phyrsim_mem_frame(w->mem, phyr_pa_at(first.addr + 3 * PAGE)));
	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 16, &other), PHYR_OK);
	assert_int_not_equal(other.addr, first.addr);
	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 14, &again), PHYR_OK);
	assert_int_equal(again.addr, first.addr);
	assert_zeroed(w->mem, first.addr + PAGE);
}

static void a_block_of_another_size_is_refused(void **state)
{
	struct world *w = *state;
	phyr_pa pa = phyr_pa_at(UNTOUCHED);

	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 11, &pa), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 19, &pa), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_alloc_block(NULL, 12, &pa), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 12, NULL), PHYR_E_INVAL);
	w->host.alloc_cnt = w->host.fail_at = 0;
	assert_int_equal(phyrsim_mem_alloc_block(w->mem, 14, &pa), PHYR_E_NOMEM);
	assert_int_equal(pa.addr, UNTOUCHED);
}

static struct phyrsim_block take(struct phyrsim_mem *mem, unsigned int lg2)
{
	struct phyrsim_block block;

	assert_int_equal(phyrsim_mem_take_block(mem, lg2, &block), PHYR_OK);
	assert_ptr_equal(phyrsim_mem_frame(mem, block.pa), block.words);
	return block;
}

static void a_taken_block_is_what_an_allocated_one_would_be(void **state)
{
	struct world *w = *state;

	for (unsigned int lg2 = 12; lg2 <= 18; lg2++) {
		struct phyrsim_block block = take(w->mem, lg2);
		phyr_pa pa;

		phyrsim_mem_free_block(w->mem, block.pa, lg2);
		assert_int_equal(phyrsim_mem_alloc_block(w->mem, lg2, &pa), PHYR_OK);
		assert_int_equal(pa.addr, block.pa.addr);
		assert_zeroed(w->mem, pa.addr);
	}
}

static void only_what_was_freed_as_zeroed_is_taken_as_zeroed(void **state)
{
	struct world *w = *state;
	struct phyrsim_block block = take(w->mem, 14);

	assert_false(block.zeroed);
	block.words[3] = 5;
	phyrsim_mem_free_block(w->mem, block.pa, 14);
	block = take(w->mem, 14);
	assert_false(block.zeroed);
	memset(block.words, 0, 4 * PAGE);
	phyrsim_mem_free_zeroed(w->mem, block.pa, 14);
	block = take(w->mem, 14);
	assert_true(block.zeroed);
	for (uint64_t at = 0; at < 4 * PAGE; at += PAGE)
		assert_zeroed(w->mem, block.pa.addr + at);
	phyrsim_mem_free_block(w->mem, block.pa, 14);
	assert_false(take(w->mem, 14).zeroed);
}

static void frames_freed_as_zeroed_are_zeroed_when_they_are_allocated(void **state)
{
	struct world *w = *state;
	struct phyrsim_block first = take(w->mem, 12), second = take(w->mem, 12);

	memset(first.words, 0, PAGE);
	memset(second.words, 0, PAGE);
	phyrsim_mem_free_zeroed(w->mem, first.pa, 12);
	phyrsim_mem_free_zeroed(w->mem, second.pa, 12);
	assert_int_equal(alloc(w->mem), second.pa.addr);
	assert_int_equal(alloc(w->mem), first.pa.addr);
	assert_zeroed(w->mem, first.pa.addr);
	assert_zeroed(w->mem, second.pa.addr);
}

static void a_take_that_fails_writes_nothing(void **state)
{
	struct world *w = *state;
	struct phyrsim_block block = { { UNTOUCHED }, NULL, true };

	assert_int_equal(phyrsim_mem_take_block(w->mem, 11, &block), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_take_block(w->mem, 19, &block), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_take_block(NULL, 12, &block), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_take_block(w->mem, 12, NULL), PHYR_E_INVAL);
	w->host.alloc_cnt = w->host.fail_at = 0;
	assert_int_equal(phyrsim_mem_take_block(w->mem, 12, &block), PHYR_E_NOMEM);
	assert_int_equal(block.pa.addr, UNTOUCHED);
	assert_null(block.words);
	assert_true(block.zeroed);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const phyr_pa given[] = { { 0 }, { 0x5000 }, { UINT64_C(0xfffffffffffff000) } };

static void given_frames_are_all_there_is(void **state)
{
	struct phyrsim_mem *mem;
	struct test_mem host;
	phyr_pa pa = phyr_pa_at(UNTOUCHED);

	(void)state;
	test_mem_init(&host);
	assert_int_equal(phyrsim_mem_create_given(&host.mem, given, CNT(given), &mem), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(mem), 3);
	for (size_t i = 0; i < CNT(given); i++)
		assert_zeroed(mem, given[i].addr);
	phyrsim_mem_frame(mem, given[1])[511] = 7;
	assert_int_equal(phyrsim_mem_frame(mem, phyr_pa_at(0x5ff8))[511], 7);
	assert_zeroed(mem, 0);
	assert_null(phyrsim_mem_frame(mem, phyr_pa_at(0x1000)));
	assert_null(phyrsim_mem_frame(mem, phyr_pa_at(0x6000)));
	assert_null(phyrsim_mem_frame(mem, phyr_pa_at(BASE)));
	assert_int_equal(phyrsim_mem_alloc(mem, &pa), PHYR_E_NOMEM);
	assert_int_equal(phyrsim_mem_alloc_block(mem, 14, &pa), PHYR_E_NOMEM);
	assert_int_equal(pa.addr, UNTOUCHED);
	phyrsim_mem_destroy(mem);
	assert_int_equal(host.live_cnt, 0);
}

static void frames_are_given_upward_aligned_and_once(void **state)
{
	static const phyr_pa wrong[][2] = { { { 0x1000 }, { 0x1000 } },
					    { { 0x2000 }, { 0x1000 } },
					    { { 0x1000 }, { 0x2008 } } };
	struct phyrsim_mem *mem = NULL;
	struct test_mem host;

	(void)state;
	test_mem_init(&host);
	for (size_t i = 0; i < CNT(wrong); i++)
		assert_int_equal(phyrsim_mem_create_given(&host.mem, wrong[i], 2, &mem),
				 PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_create_given(NULL, given, 3, &mem), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_create_given(&host.mem, NULL, 3, &mem), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_create_given(&host.mem, given, 0, &mem), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mem_create_given(&host.mem, given, 3, NULL), PHYR_E_INVAL);
	assert_null(mem);
	assert_int_equal(host.alloc_cnt, 0);
}

static void giving_frames_without_host_memory_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		struct phyrsim_mem *mem = NULL;
		struct test_mem host;

		test_mem_init(&host);
		host.fail_at = i % 3;
		host.sticky = i >= 3;
		assert_int_equal(phyrsim_mem_create_given(&host.mem, given, 3, &mem), PHYR_E_NOMEM);
		assert_null(mem);
		assert_int_equal(host.live_cnt, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creating_needs_both_arguments),
		cmocka_unit_test(creating_without_host_memory_fails),
		cmocka_unit_test(destroying_nothing_is_allowed),
		CASE(new_frames_go_upward_from_the_base_without_gaps),
		CASE(a_frame_is_zeroed_when_it_is_new_and_when_it_comes_again),
		CASE(the_frame_freed_last_comes_back_first),
		CASE(every_byte_of_a_frame_finds_it),
		CASE(what_is_not_allocated_is_absent),
		CASE(freeing_needs_no_memory_and_gives_frames_without_any),
		CASE(frames_stay_where_they_are_while_memory_grows),
		CASE(a_failed_allocation_changes_nothing),
		CASE(without_memory_the_answer_is_nomem),
		CASE(a_random_mix_agrees_with_a_stack),
		CASE(blocks_are_aligned_and_in_one_piece),
		CASE(a_freed_block_is_absent_and_comes_back_for_its_size_alone),
		CASE(a_block_of_another_size_is_refused),
		cmocka_unit_test(given_frames_are_all_there_is),
		cmocka_unit_test(frames_are_given_upward_aligned_and_once),
		cmocka_unit_test(giving_frames_without_host_memory_leaves_nothing),
		CASE(a_taken_block_is_what_an_allocated_one_would_be),
		CASE(only_what_was_freed_as_zeroed_is_taken_as_zeroed),
		CASE(frames_freed_as_zeroed_are_zeroed_when_they_are_allocated),
		CASE(a_take_that_fails_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
