/* SPDX-License-Identifier: MIT */
/* The simulated IOMMU with a personality: what reaches its gathers, what it sends, what it counts. */
#include <phyrsim/walker.h>

#include "stale_world.h"

#define AT UINT64_C(0x40000000)

static struct phyrsim_iommu_stats stats(const struct world *w)
{
	struct phyrsim_iommu_stats now;

	phyrsim_iommu_stats(w->iommu, &now);
	return now;
}

static struct world *open_with(enum phyrsim_personality personality)
{
	struct phyrsim_inval_params params = { .personality = personality };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_open(w, &params);
	return w;
}

static void close_all(struct world *w)
{
	world_close(w);
	free(w);
}

static void an_unmap_tells_the_sizes_of_its_leaves(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_GENERIC);

	(void)state;
	assert_int_equal(map(w, AT, M2, 4 * M2 + 2 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, M2), PHYR_OK);
	assert_int_equal(w->gather.leaves.mask, M2);
	assert_int_equal(unmap(w, AT + 4 * M2, K4), PHYR_OK);
	assert_int_equal(w->gather.leaves.mask, M2 | K4);
	assert_int_equal(w->gather.removed_len, M2 + K4);
	assert_false(w->gather.tables_removed);
	close_all(w);
}

static void an_unmap_tells_what_its_tables_translated(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_GENERIC);

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 4 * M2), PHYR_OK);
	assert_int_equal(unmap(w, AT + M2, 2 * M2), PHYR_OK); /* two tables, whole */
	assert_true(w->gather.tables_removed);
	assert_int_equal(w->gather.tables_first, AT + M2);
	assert_int_equal(w->gather.tables_last, AT + 3 * M2 - 1);
	assert_int_equal(w->gather.leaves.mask, K4);
	flush(w);
	assert_int_equal(unmap(w, AT, M2 - K4), PHYR_OK);
	assert_false(w->gather.tables_removed);
	assert_int_equal(unmap(w, AT + M2 - K4, K4), PHYR_OK); /* the last page of one */
	assert_int_equal(w->gather.tables_first, AT);
	assert_int_equal(w->gather.tables_last, AT + M2 - 1);
	close_all(w);
}

static void flushes_are_counted_by_their_commands(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_AMD_EXACT);

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 8 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + 3 * K4, 4 * K4), PHYR_OK);
	flush(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_RANGE], 3);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_WALK], 3);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_DOMAIN], 0);
	assert_int_equal(stats(w).inval.wait_cnt, 1);
	assert_int_equal(stats(w).inval.removed_len, 4 * K4);
	assert_int_equal(stats(w).inval.invalidated_len, 4 * K4);
	assert_int_equal(stats(w).unmap_cnt, 1);
	close_all(w);
}

static void over_invalidation_is_counted(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD);

	(void)state;
	assert_int_equal(map(w, AT - K4, 0x7000, 2 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT - K4, 2 * K4), PHYR_OK);
	flush(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_DOMAIN], 1); /* across 1 GiB: mask 19 */
	assert_int_equal(map(w, AT + M2 - K4, 0x7000, 2 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + M2 - K4, 2 * K4), PHYR_OK);
	flush(w);
	assert_int_equal(stats(w).inval.invalidated_len, 2 * M2);
	assert_int_equal(stats(w).inval.removed_len, 4 * K4);
	close_all(w);
}

static void linux_flushes_in_the_middle_of_an_unmap(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD_LINUX);

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 8 * M2), PHYR_OK);
	assert_int_equal(unmap(w, AT + K4, 7 * M2), PHYR_OK);
	assert_int_equal(stats(w).inval.command_cnt, 2);
	assert_int_equal(w->gather.first, AT + 7 * M2);
	assert_int_equal(w->gather.last, AT + 7 * M2 + K4 - 1);
	flush(w);
	assert_int_equal(stats(w).inval.command_cnt, 3);
	assert_int_equal(stats(w).inval.removed_len, 7 * M2);
	close_all(w);
}

static void tables_wait_for_the_last_flush_of_an_unmap(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD_LINUX);
	uint64_t frame_cnt;

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 8 * M2), PHYR_OK);
	frame_cnt = phyrsim_mem_frame_cnt(w->mem);
	assert_int_equal(unmap(w, AT + K4, 7 * M2), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), frame_cnt);
	flush(w);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), frame_cnt - 6);
	close_all(w);
}

static void an_unmap_that_fails_flushes_nothing(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD_LINUX);
	struct phyr_gather before;

	(void)state;
	assert_int_equal(map(w, AT, M2, M2), PHYR_OK);
	assert_int_equal(map(w, AT + 2 * M2, 0x7000, 2 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + 2 * M2, K4), PHYR_OK);
	before = w->gather;
	assert_int_equal(unmap(w, AT, K4), PHYR_E_PARTIAL);
	assert_int_equal(unmap(w, AT + M2, K4), PHYR_E_NOENT);
	assert_memory_equal(&w->gather, &before, sizeof(before));
	assert_int_equal(stats(w).inval.command_cnt, 0);
	close_all(w);
}

static void in_caching_mode_showing_translations_flushes(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD,
					       .caching_mode = true };
	struct world w;

	(void)state;
	world_open(&w, &params);
	assert_int_equal(map(&w, AT, 0x7000, 3 * K4), PHYR_OK);
	assert_int_equal(stats(&w).flush_cnt[PHYR_FLUSH_RANGE], 1);
	assert_int_equal(stats(&w).flush_cnt[PHYR_FLUSH_WALK], 1);
	assert_int_equal(stats(&w).inval.invalidated_len, 4 * K4);
	world_close(&w);
}

static int split(struct world *w, uint64_t at)
{
	return phyrsim_iommu_split(w->iommu, phyr_iova_at(at), &w->gather);
}

static void a_split_is_gathered_like_an_unmap(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD);

	(void)state;
	assert_int_equal(map(w, AT, M2, M2), PHYR_OK);
	assert_int_equal(split(w, AT + K4 + 1), PHYR_E_ALIGN);
	assert_int_equal(split(w, AT), PHYR_OK);
	assert_true(w->gather.empty);
	assert_int_equal(split(w, AT + K4), PHYR_OK);
	assert_int_equal(w->gather.leaves.mask, M2);
	assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
	flush(w);
	assert_int_equal(check(w).cnt, 0);
	assert_int_equal(phyrsim_iommu_split(NULL, phyr_iova_at(AT), &w->gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_split(w->iommu, phyr_iova_at(AT), NULL), PHYR_E_INVAL);
	close_all(w);
}

/* Of the leaf nothing is cached when the first piece of it can be. */
static void arm_invalidates_between_break_and_make(void **state)
{
	static const struct config arm = { ARM1, 0, 12, 48, CONT };
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_ARM };
	struct world w;

	(void)state;
	world_open_as(&w, &arm, &params, false);
	assert_int_equal(map(&w, AT, M2, M2), PHYR_OK);
	assert_int_equal(split(&w, AT + K4), PHYR_OK);
	assert_true(w.gather.empty);
	assert_int_equal(stats(&w).inval.wait_cnt, 1);
	assert_int_equal(stats(&w).inval.removed_len, M2);
	assert_int_equal(stats(&w).table.broken_cnt, 1);
	assert_int_equal(check(&w).cnt, 0);
	world_close(&w);
}

static void what_is_read_and_cleared_is_gathered(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD);
	struct phyr_iova_range range = { phyr_iova_at(AT), 4 * K4 };
	uint64_t words[1] = { 0 };
	const struct phyrsim_dirty_bitmap bitmap = { words, 4, 12 };
	struct phyrsim_access access = { { AT + K4 }, WO, PHYRSIM_WALK_UPDATE };
	struct phyrsim_root root = root_of(w);
	struct phyrsim_walk walk;

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 4 * K4), PHYR_OK);
	assert_int_equal(phyrsim_walk(w->mem, &root, &access, &walk), PHYR_OK);
	assert_int_equal(phyrsim_iommu_read_dirty(w->iommu, range, 0, NULL, &w->gather),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_read_dirty(w->iommu, range, 0, &bitmap, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_read_dirty(NULL, range, 0, &bitmap, &w->gather),
			 PHYR_E_INVAL);
	assert_true(w->gather.empty && words[0] == 0);
	assert_int_equal(phyrsim_iommu_read_dirty(w->iommu, range, 0, &bitmap, &w->gather),
			 PHYR_OK);
	assert_int_equal(words[0], 2);
	assert_int_equal(w->gather.first, AT + K4);
	assert_int_equal(w->gather.last, AT + 2 * K4 - 1);
	flush(w);
	assert_int_equal(stats(w).inval.invalidated_len, K4);
	close_all(w);
}

static void what_one_personality_lacks_is_refused(void **state)
{
	struct phyrsim_iommu_params params = { .inval.caching_mode = true };
	struct world *w = open_with(PHYRSIM_INVAL_GENERIC);
	struct phyrsim_iommu *iommu = NULL;

	(void)state;
	params.table.mem = &w->host.mem;
	params.table.frames = w->mem;
	assert_int_equal(phyrsim_iommu_create(&params, &iommu), PHYR_E_INVAL);
	assert_null(iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1); /* the other one's */
	close_all(w);
}

static void flush_all(struct world *w)
{
	w->backend.ops->flush_all(w->backend.ctx);
}

static void release(struct world *w, struct phyr_gather *gather)
{
	w->backend.ops->release(w->backend.ctx, gather);
}

static void one_command_covers_what_any_gather_holds(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD);
	struct phyr_gather first;
	uint64_t frame_cnt;

	(void)state;
	assert_int_equal(map(w, AT, 0x7000, 2 * M2), PHYR_OK);
	frame_cnt = phyrsim_mem_frame_cnt(w->mem);
	assert_int_equal(unmap(w, AT, M2), PHYR_OK);
	first = w->gather;
	phyr_gather_init(&w->gather);
	assert_int_equal(unmap(w, AT + M2, M2), PHYR_OK);
	flush_all(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_DOMAIN], 1);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_WALK], 1);
	assert_int_equal(stats(w).inval.wait_cnt, 1);
	assert_int_equal(phyrsim_stale_cnt(w->stale), 0);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), frame_cnt); /* held until released */
	release(w, &first);
	release(w, &w->gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
	assert_true(first.empty);
	assert_null(first.freed);
	assert_int_equal(stats(w).inval.command_cnt, 1);
	close_all(w);
}

static void releasing_an_empty_gather_does_nothing(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD);

	(void)state;
	release(w, &w->gather);
	assert_true(w->gather.empty);
	assert_int_equal(stats(w).inval.command_cnt, 0);
	close_all(w);
}

/* Pieces of several lengths, leaves of several sizes, gaps: each makes some driver flush. */
static void a_queued_gather_is_never_flushed_early(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		for (unsigned int queued = 0; queued < 2; queued++) {
			struct world *w = open_with((enum phyrsim_personality)i);

			w->gather.queued = queued != 0;
			assert_int_equal(map(w, AT + M2 - K4, M2 - K4, 2 * M2), PHYR_OK);
			assert_int_equal(map(w, AT + 8 * M2, M2, M2), PHYR_OK);
			assert_int_equal(unmap(w, AT + M2 - K4, 2 * M2), PHYR_OK);
			assert_int_equal(unmap(w, AT + 8 * M2, M2), PHYR_OK);
			if (queued || i == PHYRSIM_INVAL_VTD)
				assert_int_equal(stats(w).inval.command_cnt, 0);
			if (!queued && i == PHYRSIM_INVAL_VTD_LINUX)
				assert_true(stats(w).inval.command_cnt > 0);
			flush(w);
			assert_int_equal(check(w).cnt, 0);
			assert_false(w->gather.queued);
			close_all(w);
		}
	}
}

static void a_sparse_unmap_gathers_as_an_unmap_does(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_VTD_LINUX);
	struct phyr_iova_range range = { { AT }, 8 * M2 }, part = { { AT + 4 * M2 }, K4 };

	(void)state;
	assert_int_equal(phyrsim_iommu_unmap_sparse(NULL, range, &w->gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_unmap_sparse(w->iommu, range, NULL), PHYR_E_INVAL);
	assert_int_equal(map(w, AT + K4, 0x7000, K4), PHYR_OK);
	assert_int_equal(map(w, AT + 4 * M2, M2, M2), PHYR_OK);
	assert_int_equal(phyrsim_iommu_unmap_sparse(w->iommu, part, &w->gather), PHYR_E_PARTIAL);
	assert_true(w->gather.empty);
	assert_int_equal(phyrsim_iommu_unmap_sparse(w->iommu, range, &w->gather), PHYR_OK);
	assert_int_equal(w->gather.last, AT + 5 * M2 - 1);
	assert_int_equal(w->gather.leaves.mask, K4 | M2);
	assert_int_equal(stats(w).unmap_cnt, 1);
	assert_int_equal(stats(w).inval.command_cnt, 1); /* pieces of two lengths */
	flush(w);
	assert_int_equal(stats(w).inval.command_cnt, 2);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
	close_all(w);
}

static void a_change_of_permissions_gathers_as_an_unmap_does(void **state)
{
	struct world *w = open_with(PHYRSIM_INVAL_ARM);
	struct phyr_iova_range range = { { AT }, M2 + K4 }, part = { { AT }, K4 };

	(void)state;
	assert_int_equal(phyrsim_iommu_protect(NULL, range, RO, 0, &w->gather), PHYR_E_INVAL);
	assert_int_equal(phyrsim_iommu_protect(w->iommu, range, RO, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(map(w, AT, M2, M2 + 2 * K4), PHYR_OK);
	assert_int_equal(phyrsim_iommu_protect(w->iommu, part, RO, 0, &w->gather), PHYR_E_PARTIAL);
	assert_int_equal(phyrsim_iommu_protect(w->iommu, range, RO, 16, &w->gather), PHYR_E_INVAL);
	assert_true(w->gather.empty);
	assert_int_equal(phyrsim_iommu_protect(w->iommu, range, RO, 0, &w->gather), PHYR_OK);
	assert_int_equal(stats(w).inval.command_cnt, 1); /* leaves of two sizes */
	assert_int_equal(check(w).cause, PHYRSIM_STALE_LEAF_CHANGED);
	flush(w);
	assert_int_equal(check(w).cnt, 0);
	assert_int_equal(stats(w).unmap_cnt, 0);
	assert_false(w->gather.tables_removed);
	close_all(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unmap_tells_the_sizes_of_its_leaves),
		cmocka_unit_test(an_unmap_tells_what_its_tables_translated),
		cmocka_unit_test(flushes_are_counted_by_their_commands),
		cmocka_unit_test(over_invalidation_is_counted),
		cmocka_unit_test(linux_flushes_in_the_middle_of_an_unmap),
		cmocka_unit_test(tables_wait_for_the_last_flush_of_an_unmap),
		cmocka_unit_test(an_unmap_that_fails_flushes_nothing),
		cmocka_unit_test(in_caching_mode_showing_translations_flushes),
		cmocka_unit_test(a_split_is_gathered_like_an_unmap),
		cmocka_unit_test(arm_invalidates_between_break_and_make),
		cmocka_unit_test(what_is_read_and_cleared_is_gathered),
		cmocka_unit_test(what_one_personality_lacks_is_refused),
		cmocka_unit_test(one_command_covers_what_any_gather_holds),
		cmocka_unit_test(releasing_an_empty_gather_does_nothing),
		cmocka_unit_test(a_queued_gather_is_never_flushed_early),
		cmocka_unit_test(a_sparse_unmap_gathers_as_an_unmap_does),
		cmocka_unit_test(a_change_of_permissions_gathers_as_an_unmap_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
