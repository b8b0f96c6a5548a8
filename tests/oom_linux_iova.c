/* SPDX-License-Identifier: MIT */
/*
 * Linux's allocator of I/O addresses without memory: each allocation fails in turn, once and from
 * then on, and the allocator does what the kernel does. And every call that is refused as wrong.
 */
#include "linux_iova_world.h"

/* Arms the n-th allocation from now; SIZE_MAX disarms. */
static void arm(struct fixture *f, size_t fail_at, bool sticky)
{
	f->t.alloc_cnt = 0;
	f->t.fail_at = fail_at;
	f->t.sticky = sticky;
	f->t.failed = false;
}

static void each_allocation_of_create_may_fail(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_linux_iova_params params = { .mem = &f->t.mem, .cpu_cnt = 3 };
	struct phyrsim_linux_iova *iova = NULL;
	size_t live_cnt = f->t.live_cnt, point;
	int err;

	for (int sticky = 0; sticky < 2; sticky++) {
		for (point = 0;; point++) {
			arm(f, point, sticky);
			err = phyrsim_linux_iova_create(&params, &iova);
			if (!f->t.failed)
				break;
			assert_int_equal(err, PHYR_E_NOMEM);
			assert_null(iova);
			assert_int_equal(f->t.live_cnt, live_cnt);
		}
		assert_int_equal(err, PHYR_OK);
		assert_int_equal(point, 1 + 12 * 3);
		phyrsim_linux_iova_destroy(iova);
		iova = NULL;
	}
}

static void without_memory_for_a_node_nothing_changes(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_iova_stats before, after;
	struct phyr_iova_range range = { { 5 }, 7 };

	take(f, 1);
	before = stats_of(f);
	arm(f, 0, true);
	assert_int_equal(phyrsim_linux_iova_alloc_tree(f->iova, 1, last_of(LOW_TOP), &range),
			 PHYR_E_NOMEM);
	assert_int_equal(range.iova.addr, 5);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(8, 1)), PHYR_E_NOMEM);
	after = stats_of(f);
	assert_memory_equal(&before, &after, sizeof(before));
	arm(f, SIZE_MAX, false);
	assert_int_equal(take(f, 1), LOW_TOP - 1);
}

/* Half of a range that is to be reserved is reserved: it may not grow when the rest fails. */
static void a_reservation_that_fails_leaves_others_as_they_are(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff8, 1)), PHYR_OK);
	arm(f, 0, true);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff0, 16)), PHYR_E_NOMEM);
	arm(f, SIZE_MAX, false);
	assert_int_equal(take(f, 16), 0xfffe0);
	assert_int_equal(take_below(f, 1, 0xffff7), 0xfffdf);
	give_to_tree(f, 0xfffdf);
	give_to_tree(f, 0xfffe0);
	assert_int_equal(take_below(f, 8, 0xffff7), 0xffff0);
}

static void a_failed_node_empties_the_caches_and_is_tried_again(void **state)
{
	struct phyrsim_linux_iova_request request = below(2, LOW_TOP);
	struct fixture *f = *state;
	struct phyr_iova_range range;

	give(f, take(f, 1), 1);
	request.flush = true;
	arm(f, 0, false);
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
	assert_int_equal(range.iova.addr >> PHYR_PAGE_LG2, 0xffffe);
	assert_int_equal(stats_of(f).flush_cnt, 1);
	assert_int_equal(stats_of(f).cached_len, 0);
	arm(f, 0, true);
	assert_refused(f, request, PHYR_E_NOMEM);
	arm(f, SIZE_MAX, false);
}

static void a_device_without_memory_leaves_the_low_addresses(void **state)
{
	struct phyrsim_linux_iova_device device = { last_of(0xfffffffff), true };
	struct fixture *f = *state;
	struct phyr_iova_range range = { { 5 }, 7 };

	arm(f, 0, false);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 0, 1, &range), PHYR_OK);
	assert_int_equal(range.iova.addr >> PHYR_PAGE_LG2, 0xfffffffff);
	assert_false(device.low_first);
	device.low_first = true;
	arm(f, 0, true);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 0, 1, &range), PHYR_E_NOMEM);
	assert_int_equal(range.iova.addr >> PHYR_PAGE_LG2, 0xfffffffff);
	assert_false(device.low_first);
}

/* The third magazine is the first that freeing needs memory for. */
static void a_range_without_a_magazine_goes_to_the_tree(void **state)
{
	struct fixture *f = *state;
	unsigned int cnt = 2 * PHYRSIM_LINUX_MAGAZINE_CNT + 1;

	for (unsigned int i = 0; i < cnt; i++)
		take(f, 1);
	arm(f, 0, true);
	for (unsigned int i = 0; i < cnt; i++)
		give(f, LOW_TOP - i, 1);
	assert_true(f->t.failed);
	assert_int_equal(f->t.alloc_cnt, 1);
	assert_int_equal(stats_of(f).tree_free_cnt, 1);
	assert_int_equal(stats_of(f).node_cnt, cnt - 1);
	assert_int_equal(stats_of(f).depot_push_cnt, 0);
	arm(f, SIZE_MAX, false);
}

/* Some of everything; whatever fails does so for want of memory. */
static void work(struct fixture *f)
{
	struct phyrsim_linux_iova_device device = { last_of(0xfffffffff), true };
	struct phyr_iova_range held[400];
	size_t held_cnt = 0;
	int err = phyrsim_linux_iova_reserve(f->iova, pages(8, 8));

	assert_true(err == PHYR_OK || err == PHYR_E_NOMEM);
	for (unsigned int i = 0; i < CNT(held); i++) {
		err = phyrsim_linux_iova_alloc(f->iova, &device, i % 2, 1 + (i % 9 == 0) * BYTES(3),
					       &held[held_cnt]);
		assert_true(err == PHYR_OK || err == PHYR_E_NOMEM);
		held_cnt += err == PHYR_OK;
	}
	for (size_t i = 0; i < held_cnt; i++)
		give_on(f, 0, held[i].iova.addr >> PHYR_PAGE_LG2, held[i].len >> PHYR_PAGE_LG2);
	assert_valid(f);
	assert_int_equal(stats_of(f).live_len, 0);
}

static void work_goes_on_whichever_allocation_fails(void **state)
{
	struct fixture *f = *state;
	bool failed;

	for (int sticky = 0; sticky < 2; sticky++) {
		for (size_t point = 0;; point++) {
			open_from(f, 1, 2);
			arm(f, point, sticky);
			work(f);
			failed = f->t.failed;
			arm(f, SIZE_MAX, false);
			work(f);
			if (!failed)
				break;
		}
	}
}

static void allocators_of_impossible_shape_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct phyr_mem no_free = { .alloc = test_mem_alloc, .ctx = &f->t };
	const struct phyr_window backwards = { phyr_iova_at(2), phyr_iova_at(1) };
	const struct {
		struct phyrsim_linux_iova_params params;
		int err;
	} wrong[] = {
		{ { .mem = NULL }, PHYR_E_INVAL },
		{ { .mem = &no_free }, PHYR_E_INVAL },
		{ { .mem = &f->t.mem, .granule_lg2 = 11 }, PHYR_E_INVAL },
		{ { .mem = &f->t.mem, .granule_lg2 = 31 }, PHYR_E_INVAL },
		{ { .mem = &f->t.mem, .cpu_cnt = 65537 }, PHYR_E_INVAL },
		{ { .mem = &f->t.mem, .aperture = backwards }, PHYR_E_RANGE },
	};
	struct phyrsim_linux_iova *iova = NULL;

	for (size_t i = 0; i < CNT(wrong); i++)
		assert_int_equal(phyrsim_linux_iova_create(&wrong[i].params, &iova), wrong[i].err);
	assert_int_equal(phyrsim_linux_iova_create(NULL, &iova), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_create(&wrong[0].params, NULL), PHYR_E_INVAL);
	assert_null(iova);
	phyrsim_linux_iova_destroy(NULL);
}

static void bad_requests_are_refused(void **state)
{
	struct phyrsim_linux_iova_request request = below(1, LOW_TOP);
	struct fixture *f = *state;
	struct phyr_iova_range range;

	assert_int_equal(phyrsim_linux_iova_alloc_fast(NULL, &request, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, NULL, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, NULL), PHYR_E_INVAL);
	request.cpu = 4;
	assert_refused(f, request, PHYR_E_INVAL);
	assert_refused(f, below(0, LOW_TOP), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc_tree(NULL, 1, last_of(8), &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc_tree(f->iova, 0, last_of(8), &range),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc_tree(f->iova, 1, last_of(8), NULL), PHYR_E_INVAL);
}

static void a_wrong_call_for_a_device_leaves_the_device_alone(void **state)
{
	struct phyrsim_linux_iova_device device = { last_of(0xfffffffff), true };
	struct fixture *f = *state;
	struct phyr_iova_range range;

	assert_int_equal(phyrsim_linux_iova_alloc(NULL, &device, 0, 1, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, NULL, 0, 1, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 4, 1, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 0, 0, &range), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &device, 0, 1, NULL), PHYR_E_INVAL);
	assert_true(device.low_first);
}

static void what_never_fits_is_a_limit(void **state)
{
	const uint64_t page_cnts[] = { 1, 4, 64, 0x100001, UINT64_MAX >> PHYR_PAGE_LG2 };
	const uint64_t last_pfns[] = { 0, 5, 62, LOW_TOP, LOW_TOP };
	struct fixture *f = *state;

	for (size_t i = 0; i < CNT(page_cnts); i++)
		assert_refused(f, below(page_cnts[i], last_pfns[i]), PHYR_E_LIMIT);
	open_from(f, 1, 1);
	assert_int_equal(take_below(f, 4, 7), 4);
	assert_int_equal(take_below(f, 1, 1), 1);
	assert_refused(f, below(1, 1), PHYR_E_NOSPACE);
}

static void only_what_is_allocated_can_be_freed(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_range inside = { phyr_iova_at(BYTES(0xffffc) + 1), 1 };

	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(8, 1)), PHYR_OK);
	assert_int_equal(take(f, 4), 0xffffc);
	assert_int_equal(phyrsim_linux_iova_free_fast(NULL, 0, pages(8, 1)), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 4, pages(8, 1)), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(8, 0)), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(8, 1)), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(9, 1)), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(0xffffd, 1)), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, inside), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(0xffffc, 5)), PHYR_E_RANGE);
	give(f, 0xffffc, 4);
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, 0, pages(0xffffc, 4)), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_tree(f->iova, inside.iova), PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_tree(f->iova, last_of(UINT64_MAX >> 12)),
			 PHYR_E_NOENT);
	assert_int_equal(phyrsim_linux_iova_free_tree(NULL, inside.iova), PHYR_E_INVAL);
}

static void what_is_allocated_or_cached_cannot_be_reserved(void **state)
{
	struct fixture *f = *state;

	take(f, 1);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff0, 16)), PHYR_E_EXISTS);
	give(f, 0xfffff, 1);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff0, 16)), PHYR_E_EXISTS);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(0xffff0, 15)), PHYR_OK);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(8, 0)), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_reserve(NULL, pages(8, 1)), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(UINT64_MAX >> 12, 2)),
			 PHYR_E_RANGE);
	assert_int_equal(phyrsim_linux_iova_reserve(f->iova, pages(UINT64_MAX >> 12, 1)), PHYR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_allocation_of_create_may_fail),
		CASE(without_memory_for_a_node_nothing_changes),
		CASE(a_reservation_that_fails_leaves_others_as_they_are),
		CASE(a_failed_node_empties_the_caches_and_is_tried_again),
		CASE(a_device_without_memory_leaves_the_low_addresses),
		CASE(a_range_without_a_magazine_goes_to_the_tree),
		CASE(work_goes_on_whichever_allocation_fails),
		CASE(allocators_of_impossible_shape_are_refused),
		CASE(bad_requests_are_refused),
		CASE(a_wrong_call_for_a_device_leaves_the_device_alone),
		CASE(what_never_fits_is_a_limit),
		CASE(only_what_is_allocated_can_be_freed),
		CASE(what_is_allocated_or_cached_cannot_be_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
