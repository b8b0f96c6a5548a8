/* SPDX-License-Identifier: MIT */
/*
 * The simulated IOMMU as the mapping layer sees it: through its backend, with translations read
 * back by the walker, and what it counts.
 */
#include <phyr/iommu.h>
#include <phyrsim/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define AT UINT64_C(0x40000000)

struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_iommu *iommu;
	struct phyr_iommu backend;
	struct phyr_gather gather;
};

static int setup(void **state)
{
	struct phyrsim_iommu_params params = { 0 };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	params.table.mem = &w->host.mem;
	params.table.frames = w->mem;
	assert_int_equal(phyrsim_iommu_create(&params, &w->iommu), PHYR_OK);
	w->backend = phyrsim_iommu_backend(w->iommu);
	phyr_gather_init(&w->gather);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	phyrsim_iommu_destroy(w->iommu);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
	free(w);
	return 0;
}

static int map_runs(struct world *w, uint64_t iova, const struct phyr_range *runs, size_t run_cnt)
{
	struct phyr_iommu_map map = { .iova = { iova },
				      .runs = runs,
				      .run_cnt = run_cnt,
				      .perm = PHYR_PERM_READ_WRITE,
				      .source.fd = -1 };

	return w->backend.ops->map(w->backend.ctx, &map);
}

static int map(struct world *w, uint64_t iova, uint64_t pa, uint64_t len)
{
	struct phyr_range run = { phyr_pa_at(pa), len };

	return map_runs(w, iova, &run, 1);
}

static int unmap(struct world *w, uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range = { phyr_iova_at(iova), len };

	return w->backend.ops->unmap(w->backend.ctx, range, &w->gather);
}

static void flush(struct world *w)
{
	w->backend.ops->flush(w->backend.ctx, &w->gather);
}

static struct phyrsim_iommu_stats stats(const struct world *w)
{
	struct phyrsim_iommu_stats now;

	phyrsim_iommu_stats(w->iommu, &now);
	return now;
}

static struct phyrsim_walk walk(const struct world *w, uint64_t iova)
{
	struct phyrsim_access access = { phyr_iova_at(iova), PHYR_PERM_READ, 0 };
	struct phyrsim_root root;
	struct phyrsim_walk walk;
	int err;

	phyrsim_iommu_root(w->iommu, &root);
	err = phyrsim_walk(w->mem, &root, &access, &walk);
	assert_int_equal(err, walk.fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT);
	return walk;
}

/* The item of level 0 for an address, found as hardware finds it. */
static uint64_t *item(const struct world *w, uint64_t iova)
{
	struct phyrsim_root root;
	uint64_t *words;

	phyrsim_iommu_root(w->iommu, &root);
	words = phyrsim_mem_frame(w->mem, root.table);
	for (unsigned int level = root.level_cnt - 1; level > 0; level--)
		words = phyrsim_mem_frame(w->mem,
					  phyr_pa_at(words[iova >> (12 + 9 * level) & 511]));
	return &words[iova >> 12 & 511];
}

static void creating_needs_its_arguments(void **state)
{
	struct phyrsim_iommu_params params = { 0 };
	struct phyrsim_iommu *iommu = NULL;
	struct world *w = *state;

	assert_int_equal(phyrsim_iommu_create(NULL, &iommu), PHYR_E_INVAL);
	params.table.frames = w->mem;
	assert_int_equal(phyrsim_iommu_create(&params, &iommu), PHYR_E_INVAL);
	params.table.mem = &w->host.mem;
	assert_int_equal(phyrsim_iommu_create(&params, NULL), PHYR_E_INVAL);
	params.table.level_cnt = 2;
	assert_int_equal(phyrsim_iommu_create(&params, &iommu), PHYR_E_INVAL);
	params.table.level_cnt = 0;
	params.inval.personality = (enum phyrsim_personality)PHYRSIM_PERSONALITY_CNT;
	assert_int_equal(phyrsim_iommu_create(&params, &iommu), PHYR_E_INVAL);
	params.inval.personality = PHYRSIM_INVAL_GENERIC;
	params.table.frames = NULL;
	assert_int_equal(phyrsim_iommu_create(&params, &iommu), PHYR_E_INVAL);
	assert_null(iommu);
}

static void each_failed_allocation_of_create_leaves_nothing(void **state)
{
	struct phyrsim_iommu_params params = { 0 };
	struct phyrsim_iommu *iommu = NULL;
	struct world *w = *state;
	uint64_t live_cnt = w->host.live_cnt;
	int err;

	params.table.mem = &w->host.mem;
	params.table.frames = w->mem;
	for (w->host.fail_at = 0;; w->host.fail_at++) {
		w->host.alloc_cnt = 0;
		err = phyrsim_iommu_create(&params, &iommu);
		if (err == PHYR_OK)
			break;
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_null(iommu);
		assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
		assert_int_equal(w->host.live_cnt, live_cnt);
	}
	assert_true(w->host.fail_at > 2);
	phyrsim_iommu_destroy(iommu);
}

static void destroying_nothing_is_allowed(void **state)
{
	(void)state;
	phyrsim_iommu_destroy(NULL);
}

static void the_capabilities_are_those_of_the_table(void **state)
{
	struct phyr_iommu_caps caps;
	struct world *w = *state;

	w->backend.ops->caps(w->backend.ctx, &caps);
	assert_int_equal(caps.sizes.mask, K4 | M2 | 1 << 30);
	assert_int_equal(caps.iova.first.addr, 0);
	assert_int_equal(caps.iova.last.addr, (UINT64_C(1) << 48) - 1);
	assert_int_equal(caps.pa_last.addr, (UINT64_C(1) << 52) - 1);
	assert_int_equal(caps.mapping_cnt_max, 0);
}

static void what_is_mapped_is_what_hardware_finds(void **state)
{
	static const struct phyr_range runs[] = { { { 0x7000 }, K4 }, { { M2 }, 2 * M2 } };
	struct world *w = *state;

	assert_int_equal(map_runs(w, AT - K4, runs, 2), PHYR_OK);
	assert_int_equal(walk(w, AT - K4 + 5).pa.addr, 0x7005);
	assert_int_equal(walk(w, AT - K4).leaf_lg2, 12);
	assert_int_equal(walk(w, AT + 2 * M2 - 1).pa.addr, 3 * M2 - 1);
	assert_int_equal(walk(w, AT).leaf_lg2, 21);
	assert_int_equal(walk(w, AT + 2 * M2).fault, PHYRSIM_FAULT_NOT_PRESENT);
	assert_int_equal(stats(w).map_cnt, 1);
	assert_int_equal(stats(w).table.leaves.cnt[12], 1);
	assert_int_equal(stats(w).table.leaves.cnt[21], 2);
}

static void memory_of_every_kind_is_mapped_alike(void **state)
{
	struct phyr_range run = { phyr_pa_at(0x7000), K4 };
	struct world *w = *state;

	for (uint64_t kind = 0; kind < PHYR_KIND_CNT; kind++) {
		struct phyr_iommu_map map = { .iova = { kind * K4 },
					      .runs = &run,
					      .run_cnt = 1,
					      .perm = PHYR_PERM_READ,
					      .kind = (enum phyr_kind)kind,
					      .source.fd = -1 };

		assert_int_equal(w->backend.ops->map(w->backend.ctx, &map), PHYR_OK);
		assert_int_equal(walk(w, kind * K4).perm, PHYR_PERM_READ);
		assert_int_equal(walk(w, kind * K4).pa.addr, 0x7000);
	}
}

static void a_map_that_fails_says_why_and_is_not_counted(void **state)
{
	struct world *w = *state;
	uint64_t unknown = PHYR_PA_UNKNOWN;

	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(map(w, AT, 0x7000, 0), PHYR_E_INVAL);
	assert_int_equal(map_runs(w, AT, NULL, 1), PHYR_E_INVAL);
	assert_int_equal(map(w, UINT64_C(1) << 48, 0x7000, K4), PHYR_E_RANGE);
	assert_int_equal(map(w, AT + K4, 0x7001, K4), PHYR_E_ALIGN);
	assert_int_equal(map(w, AT + K4, unknown, K4), PHYR_E_UNSUPPORTED);
	assert_int_equal(map(w, AT - K4, 0x7000, 2 * K4), PHYR_E_EXISTS);
	w->host.fail_at = w->host.alloc_cnt;
	assert_int_equal(map(w, 2 * AT, 0x7000, K4), PHYR_E_NOMEM);
	assert_int_equal(stats(w).map_cnt, 1);
	assert_int_equal(stats(w).table.leaves.cnt[12], 1);
}

static void showing_new_translations_invalidates_nothing(void **state)
{
	static const struct phyrsim_iommu_stats none;
	struct phyr_iova_range range = { phyr_iova_at(AT), K4 };
	struct world *w = *state;
	struct phyrsim_iommu_stats now;

	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(w->backend.ops->sync_map(w->backend.ctx, range), PHYR_OK);
	now = stats(w);
	assert_memory_equal(now.flush_cnt, none.flush_cnt, sizeof(none.flush_cnt));
}

static void an_unmap_that_fails_says_why_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct phyr_gather before = w->gather;

	assert_int_equal(map(w, AT, M2, M2), PHYR_OK);
	assert_int_equal(unmap(w, AT, 0), PHYR_E_INVAL);
	assert_int_equal(unmap(w, AT + 1, K4), PHYR_E_ALIGN);
	assert_int_equal(unmap(w, UINT64_C(1) << 48, K4), PHYR_E_RANGE);
	assert_int_equal(unmap(w, AT, 2 * M2), PHYR_E_NOENT);
	assert_int_equal(unmap(w, AT, K4), PHYR_E_PARTIAL);
	assert_memory_equal(&w->gather, &before, sizeof(before));
	assert_int_equal(stats(w).unmap_cnt, 0);
	assert_int_equal(walk(w, AT).pa.addr, M2);
}

static void a_flush_is_a_range_flush_alone_while_tables_stay(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, 3 * K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + 2 * K4, K4), PHYR_OK);
	assert_int_equal(w->gather.first, AT);
	assert_int_equal(w->gather.last, AT + 3 * K4 - 1);
	assert_int_equal(w->gather.unmap_cnt, 2);
	assert_false(w->gather.tables_removed);
	flush(w);
	assert_int_equal(stats(w).unmap_cnt, 2);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_RANGE], 1);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_WALK], 0);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_DOMAIN], 0);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_DEVICE], 0);
}

static void a_flush_is_a_walk_flush_too_when_tables_went(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, M2), PHYR_OK);
	assert_int_equal(unmap(w, AT, M2), PHYR_OK);
	assert_true(w->gather.tables_removed);
	flush(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_RANGE], 1);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_WALK], 1);
}

static void flushing_an_empty_gather_sends_nothing(void **state)
{
	struct world *w = *state;

	flush(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_RANGE], 0);
	assert_true(w->gather.empty);
}

static void a_flush_empties_the_gather(void **state)
{
	struct phyr_gather empty;
	struct world *w = *state;

	phyr_gather_init(&empty);
	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	assert_false(w->gather.empty);
	flush(w);
	assert_true(w->gather.empty);
	assert_null(w->gather.freed);
	assert_int_equal(w->gather.unmap_cnt, 0);
	assert_false(w->gather.tables_removed);
	flush(w);
	assert_int_equal(stats(w).flush_cnt[PHYR_FLUSH_RANGE], 1);
}

static void tables_are_held_back_until_the_flush(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, 4 * M2), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 7);
	assert_int_equal(unmap(w, AT, 4 * M2), PHYR_OK);
	assert_int_equal(stats(w).table.table_cnt, 1);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 7);
	assert_int_equal(map(w, 2 * AT, 0x7000, K4), PHYR_OK);
	assert_true(walk(w, AT).fault == PHYRSIM_FAULT_NOT_PRESENT);
	flush(w);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), stats(w).table.table_cnt);
	assert_int_equal(walk(w, 2 * AT).pa.addr, 0x7000);
}

static void a_held_back_table_that_walk_caches_know_is_used_again(void **state)
{
	struct world *w = *state;
	const uint64_t *cached;

	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	cached = item(w, AT);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	assert_int_equal(*cached, 0);
	assert_int_equal(map(w, AT + K4, 0x9000, K4), PHYR_OK);
	assert_ptr_equal(item(w, AT + K4), cached + 1);
	flush(w);
	assert_int_equal(walk(w, AT + K4).pa.addr, 0x9000);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), stats(w).table.table_cnt);
}

/* Empties one table twice, with a gather each; it is used again in between. */
static struct phyr_gather empty_twice(struct world *w)
{
	struct phyr_gather first;

	assert_int_equal(map(w, AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, K4), PHYR_OK);
	first = w->gather;
	phyr_gather_init(&w->gather);
	assert_int_equal(map(w, AT + K4, 0x9000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT + K4, K4), PHYR_OK);
	return first;
}

static void a_table_is_freed_by_the_flush_for_its_last_removal(void **state)
{
	struct world *w = *state;
	struct phyr_gather first = empty_twice(w);

	w->backend.ops->flush(w->backend.ctx, &first);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 4);
	flush(w);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 1);
}

static void flushes_may_come_in_any_order(void **state)
{
	struct world *w = *state;
	struct phyr_gather first = empty_twice(w);

	flush(w);
	assert_int_equal(map(w, AT + 2 * K4, 0xb000, K4), PHYR_OK);
	w->backend.ops->flush(w->backend.ctx, &first);
	assert_int_equal(walk(w, AT + 2 * K4).pa.addr, 0xb000);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 4);
}

static void destroying_needs_no_flush(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, AT, 0x7000, 4 * M2), PHYR_OK);
	assert_int_equal(map(w, 2 * AT, 0x7000, K4), PHYR_OK);
	assert_int_equal(unmap(w, AT, 4 * M2), PHYR_OK);
	assert_int_equal(unmap(w, 2 * AT, K4), PHYR_OK);
	assert_int_equal(map(w, 2 * AT + K4, 0x7000, K4), PHYR_OK);
	assert_non_null(w->gather.freed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(creating_needs_its_arguments),
		CASE(each_failed_allocation_of_create_leaves_nothing),
		CASE(destroying_nothing_is_allowed),
		CASE(the_capabilities_are_those_of_the_table),
		CASE(what_is_mapped_is_what_hardware_finds),
		CASE(memory_of_every_kind_is_mapped_alike),
		CASE(a_map_that_fails_says_why_and_is_not_counted),
		CASE(showing_new_translations_invalidates_nothing),
		CASE(an_unmap_that_fails_says_why_and_changes_nothing),
		CASE(a_flush_is_a_range_flush_alone_while_tables_stay),
		CASE(a_flush_is_a_walk_flush_too_when_tables_went),
		CASE(flushing_an_empty_gather_sends_nothing),
		CASE(a_flush_empties_the_gather),
		CASE(tables_are_held_back_until_the_flush),
		CASE(a_held_back_table_that_walk_caches_know_is_used_again),
		CASE(a_table_is_freed_by_the_flush_for_its_last_removal),
		CASE(flushes_may_come_in_any_order),
		CASE(destroying_needs_no_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
