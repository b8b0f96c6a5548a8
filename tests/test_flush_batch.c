/* SPDX-License-Identifier: MIT */
/* What waits without a ring: strict unmaps, and batches in the caller's own memory. */

#include "flush_world.h"

#define HELD 8

struct fixture {
	struct world w;
	struct phyr_flush_target target;
	struct phyr_flush_batch batch;
	struct phyr_iova_range held[HELD];
};

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	world_begin(&f->w);
	f->target.iommu = backend(&f->w);
	f->target.space = f->w.space;
	f->target.cache = NULL;
	phyr_flush_batch_init(&f->batch, &f->target, f->held, HELD);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	world_end(&f->w);
	free(f);
	return 0;
}

static struct phyr_iova_range add(struct fixture *f, uint64_t page_cnt, uintptr_t tables)
{
	struct phyr_iova_range range = take(&f->w, page_cnt * PAGE);

	unmap(&f->w, range, tables, &f->batch.gather);
	phyr_flush_batch_add(&f->batch, range);
	return range;
}

static void strict_costs_a_flush_each(void **state)
{
	struct fixture *f = *state;
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	for (size_t i = 0; i < 1000; i++) {
		struct phyr_iova_range range = take(&f->w, PAGE);

		unmap(&f->w, range, i % 3, &gather);
		assert_int_equal(phyr_flush_now(&f->target, range, &gather), PHYR_OK);
		assert_true(gather.empty);
		assert_false(is_live(&f->w, range));
		assert_int_equal(f->w.tables, 0);
	}
	assert_int_equal(f->w.flush_cnt, 1000);
	assert_int_equal(f->w.flush_all_cnt, 0);
}

static void strict_tells_of_addresses_that_are_not_taken_back(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_range range = take(&f->w, 2 * PAGE);
	struct phyr_iova_range part = { range.iova, PAGE };
	struct phyr_iova_range none = { range.iova, 0 };
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	unmap(&f->w, range, 1, &gather);
	assert_int_equal(phyr_flush_now(&f->target, part, &gather), PHYR_E_PARTIAL);
	assert_int_equal(f->w.tables, 0);
	assert_true(is_live(&f->w, range));
	assert_int_equal(phyr_flush_now(&f->target, none, &gather), PHYR_OK);
	assert_true(is_live(&f->w, range));
	assert_int_equal(phyr_flush_now(&f->target, range, &gather), PHYR_OK);
	assert_int_equal(phyr_flush_now(&f->target, range, &gather), PHYR_E_NOENT);
}

static void addresses_go_to_the_cache_of_the_target(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_cache_stats stats;
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_cache_create(f->w.space, NULL, &f->target.cache), PHYR_OK);
	assert_int_equal(phyr_iova_cache_alloc(f->target.cache, PAGE, &range), PHYR_OK);
	phyr_flush_batch_init(&f->batch, &f->target, f->held, HELD);
	unmap(&f->w, range, 0, &f->batch.gather);
	phyr_flush_batch_add(&f->batch, range);
	phyr_flush_batch_end(&f->batch);
	phyr_iova_cache_stats(f->target.cache, &stats);
	assert_int_equal(stats.own_cnt, 1);
	phyr_iova_cache_destroy(f->target.cache);
}

static void a_batch_costs_one_flush_at_its_end(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_range ranges[HELD];

	for (size_t i = 0; i < HELD; i++)
		ranges[i] = add(f, i + 1, i);
	assert_int_equal(f->w.flush_cnt, 0);
	assert_int_equal(f->batch.gather.unmap_cnt, HELD);
	for (size_t i = 0; i < HELD; i++)
		assert_true(is_live(&f->w, ranges[i]));
	assert_int_equal(f->batch.stats.held_len, 36 * PAGE);
	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(f->w.tables, 0);
	assert_int_equal(live_cnt(&f->w), 0);
	assert_int_equal(f->batch.stats.add_cnt, HELD);
	assert_int_equal(f->batch.stats.flush_cnt, 1);
	assert_int_equal(f->batch.stats.early_cnt, 0);
	assert_int_equal(f->batch.stats.held_len, 0);
	assert_int_equal(f->batch.stats.held_len_max, 36 * PAGE);
}

static void a_full_batch_is_flushed_early_with_what_is_added(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i <= HELD; i++)
		(void)add(f, 1, 1);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(live_cnt(&f->w), 0);
	assert_int_equal(f->w.tables, 0);
	assert_int_equal(f->batch.stats.early_cnt, 1);
	assert_int_equal(f->batch.stats.held_len_max, (HELD + 1) * PAGE);
	(void)add(f, 1, 1);
	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->batch.stats.early_cnt, 1);
	assert_int_equal(f->batch.stats.flush_cnt, 2);
}

static void a_batch_without_room_is_strict(void **state)
{
	struct fixture *f = *state;

	phyr_flush_batch_init(&f->batch, &f->target, NULL, 0);
	for (uint64_t i = 1; i <= 5; i++) {
		(void)add(f, 1, 2);
		assert_int_equal(f->w.flush_cnt, i);
		assert_int_equal(live_cnt(&f->w), 0);
	}
	assert_int_equal(f->batch.stats.early_cnt, 5);
}

static void what_has_no_address_needs_no_room(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_range theirs = { { PAGE }, PAGE };

	for (size_t i = 0; i < 3 * HELD; i++) {
		unmap(&f->w, theirs, 0, &f->batch.gather);
		phyr_flush_batch_add(&f->batch, (struct phyr_iova_range){ theirs.iova, 0 });
	}
	assert_int_equal(f->w.flush_cnt, 0);
	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->w.flush_cnt, 1);
	assert_int_equal(f->batch.stats.add_cnt, 3 * HELD);
	assert_int_equal(f->batch.stats.refused_cnt, 0);
}

static void a_batch_that_removed_nothing_flushes_nothing(void **state)
{
	struct fixture *f = *state;

	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->w.flush_cnt, 0);
	/* Addresses of a mapping that came to nothing. */
	phyr_flush_batch_add(&f->batch, take(&f->w, PAGE));
	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->w.flush_cnt, 0);
	assert_int_equal(live_cnt(&f->w), 0);
	assert_int_equal(f->batch.stats.flush_cnt, 0);
}

static void a_batch_counts_addresses_that_are_not_taken_back(void **state)
{
	struct fixture *f = *state;
	struct phyr_iova_range range = add(f, 1, 0);

	phyr_flush_batch_add(&f->batch, range);
	phyr_flush_batch_end(&f->batch);
	assert_int_equal(f->batch.stats.refused_cnt, 1);
	for (size_t i = 0; i <= HELD; i++)
		phyr_flush_batch_add(&f->batch, range);
	assert_int_equal(f->batch.stats.refused_cnt, 1 + HELD + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	CASE(strict_costs_a_flush_each),
	CASE(strict_tells_of_addresses_that_are_not_taken_back),
	CASE(addresses_go_to_the_cache_of_the_target),
	CASE(a_batch_costs_one_flush_at_its_end),
	CASE(a_full_batch_is_flushed_early_with_what_is_added),
	CASE(a_batch_without_room_is_strict),
	CASE(what_has_no_address_needs_no_room),
	CASE(a_batch_that_removed_nothing_flushes_nothing),
	CASE(a_batch_counts_addresses_that_are_not_taken_back),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
