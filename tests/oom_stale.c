/* SPDX-License-Identifier: MIT */
/*
 * The shadow of the caches when memory runs out: what was noted stays, noting goes on when there is
 * memory again, and all else needs none.
 */
#include "stale_world.h"

#define AT UINT64_C(0x40000000)

static const struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_VTD };

static void without_memory_no_shadow_is_made(void **state)
{
	struct phyrsim_stale_params params = { 0 };
	struct phyrsim_stale *stale = NULL;
	struct world w;

	(void)state;
	world_open(&w, &inval);
	params.mem = &w.host.mem;
	params.frames = w.mem;
	w.host.fail_at = w.host.alloc_cnt;
	assert_int_equal(phyrsim_stale_create(&params, &stale), PHYR_E_NOMEM);
	assert_null(stale);
	world_close(&w);
}

/* 512 pages under three pointers; commands and checks need no memory. Did nothing fail? */
static bool note_until_failure(struct world *w, size_t n, bool sticky)
{
	struct phyrsim_command all = { PHYR_FLUSH_DOMAIN, { { 0 }, 0 }, true, 0 };
	struct phyr_iova_range range = { { AT }, 512 * K4 };
	struct phyrsim_root root = root_of(w);
	uint64_t cnt;
	int err;

	w->host.sticky = sticky;
	w->host.fail_at = w->host.alloc_cnt + n;
	err = phyrsim_stale_note(w->stale, &root, range);
	cnt = phyrsim_stale_cnt(w->stale);
	assert_int_equal(check(w).cnt, 0);
	if (err != PHYR_OK) {
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_true(cnt < 512 + 3);
		w->host.fail_at = SIZE_MAX;
		w->host.sticky = false;
		assert_int_equal(phyrsim_stale_note(w->stale, &root, range), PHYR_OK);
	}
	w->host.fail_at = SIZE_MAX;
	w->host.sticky = false;
	assert_int_equal(phyrsim_stale_cnt(w->stale), 512 + 3);
	phyrsim_stale_apply(w->stale, &all);
	return err == PHYR_OK;
}

static void noting_survives_failed_allocations(void **state)
{
	(void)state;
	for (unsigned int sticky = 0; sticky < 2; sticky++) {
		bool done = false;

		for (size_t n = 0; !done; n++) {
			struct phyr_range run = { phyr_pa_at(0x7000), 512 * K4 };
			struct phyr_iommu_map pages = { .iova = { AT },
							.runs = &run,
							.run_cnt = 1,
							.perm = RW,
							.source.fd = -1 };
			struct world w;

			world_open(&w, &inval);
			assert_int_equal(w.backend.ops->map(w.backend.ctx, &pages), PHYR_OK);
			done = note_until_failure(&w, n, sticky != 0);
			world_close(&w);
		}
	}
}

/* Unmapping, flushing and releasing must work when nothing else does. */
static void without_memory_everything_is_flushed_and_released(void **state)
{
	struct phyr_iova_range rest = { { AT }, 4 * M2 };
	struct phyrsim_stale_report report;
	struct world w;

	(void)state;
	world_open(&w, &inval);
	assert_int_equal(map(&w, AT, 0x7000, 2 * M2), PHYR_OK);
	w.host.fail_at = w.host.alloc_cnt;
	w.host.sticky = true;
	w.gather.queued = true;
	assert_int_equal(unmap(&w, AT, M2), PHYR_OK);
	assert_int_equal(phyrsim_iommu_unmap_sparse(w.iommu, rest, &w.gather), PHYR_OK);
	w.backend.ops->flush_all(w.backend.ctx);
	assert_int_equal(phyrsim_stale_check_freed(w.stale, &report), PHYR_OK);
	w.backend.ops->release(w.backend.ctx, &w.gather);
	assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1);
	assert_int_equal(check(&w).cnt, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_no_shadow_is_made),
		cmocka_unit_test(noting_survives_failed_allocations),
		cmocka_unit_test(without_memory_everything_is_flushed_and_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
