/* SPDX-License-Identifier: MIT */
/*
 * What Linux's calls refuse, and that a mapping which fails half way leaves nothing behind: no
 * memory, no call of the IOMMU that succeeds, or no I/O addresses, at every point in turn.
 */
#include <phyr/bits.h>
#include <phyrsim/iommu.h>
#include <phyrsim/linux.h>
#include <phyrsim/mem.h>

#include "linux_world.h"

/* The simulated IOMMU, whose n-th call of map or sync_map is made to fail. */
struct gate {
	struct phyr_iommu inner;
	size_t call_cnt, fail_at;
	bool sticky, failed;
};

struct fixture {
	struct test_mem own;   /* of the mapping */
	struct test_mem world; /* of the I/O addresses and the IOMMU */
	struct gate gate;
	struct phyrsim_mem *frames;
	struct phyrsim_iommu *sim;
	struct phyrsim_linux_target target;
	struct phyrsim_linux_iova_device device;
	struct phyr_list list;
};

static bool gate_fails(struct gate *gate)
{
	size_t call = gate->call_cnt++;
	bool fails = call == gate->fail_at || (gate->sticky && call > gate->fail_at);

	gate->failed = gate->failed || fails;
	return fails;
}

static int gate_map(void *ctx, const struct phyr_iommu_map *map)
{
	struct gate *gate = ctx;

	return gate_fails(gate) ? PHYR_E_NOMEM : gate->inner.ops->map(gate->inner.ctx, map);
}

static int gate_sync(void *ctx, struct phyr_iova_range range)
{
	struct gate *gate = ctx;

	return gate_fails(gate) ? PHYR_E_NOMEM : gate->inner.ops->sync_map(gate->inner.ctx, range);
}

static int gate_unmap(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather)
{
	struct gate *gate = ctx;

	return gate->inner.ops->unmap(gate->inner.ctx, range, gather);
}

static void gate_flush(void *ctx, struct phyr_gather *gather)
{
	struct gate *gate = ctx;

	gate->inner.ops->flush(gate->inner.ctx, gather);
}

static const struct phyr_iommu_ops gate_ops = {
	.map = gate_map,
	.sync_map = gate_sync,
	.unmap = gate_unmap,
	.flush = gate_flush,
};

static void open_iova(struct fixture *f, uint64_t first, uint64_t last)
{
	struct phyr_window window = { phyr_iova_at(first), phyr_iova_at(last) };

	renew_iova(&f->world.mem, window, &f->target.iova, &f->device);
}

static void open_iommu(struct fixture *f)
{
	struct phyrsim_iommu_params params = { 0 };

	assert_int_equal(phyrsim_mem_create(&f->world.mem, &f->frames), PHYR_OK);
	params.table.mem = &f->world.mem;
	params.table.frames = f->frames;
	assert_int_equal(phyrsim_iommu_create(&params, &f->sim), PHYR_OK);
	f->gate.inner = phyrsim_iommu_backend(f->sim);
	f->gate.fail_at = SIZE_MAX;
	f->target.iommu.ops = &gate_ops;
	f->target.iommu.ctx = &f->gate;
	f->target.device = &f->device;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->own);
	test_mem_init(&f->world);
	phyr_list_init(&f->list, &f->world.mem);
	open_iova(f, 0x1000, GIB(4) - 1);
	open_iommu(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	phyrsim_iommu_destroy(f->sim);
	phyrsim_mem_destroy(f->frames);
	phyrsim_linux_iova_destroy(f->target.iova);
	phyr_list_fini(&f->list);
	assert_int_equal(f->own.live_cnt, 0);
	assert_int_equal(f->world.live_cnt, 0);
	free(f);
	return 0;
}

static int try_map(struct fixture *f, enum phyrsim_linux_way way, struct phyrsim_linux_map **ret)
{
	f->device.low_first = true;
	return phyrsim_linux_map(&f->own.mem, &f->target, &f->list, way, ret);
}

static void assert_nothing_left(const struct fixture *f)
{
	struct phyrsim_iommu_stats stats;

	phyrsim_iommu_stats(f->sim, &stats);
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		assert_int_equal(stats.table.leaves.cnt[lg2], 0);
	assert_int_equal(iova_live_len(f->target.iova), 0);
	assert_true(phyrsim_linux_iova_validate(f->target.iova, NULL));
	assert_int_equal(f->own.live_cnt, 0);
}

static void assert_refuses(struct fixture *f, enum phyrsim_linux_way way, int err)
{
	struct phyrsim_linux_map *map = NULL;

	assert_int_equal(try_map(f, way, &map), err);
	assert_null(map);
	assert_nothing_left(f);
}

/* Where failures are injected. */
enum target { OWN, WORLD, CALLS };

static void arm(struct fixture *f, enum target target, size_t fail_at, bool sticky)
{
	f->own.alloc_cnt = f->world.alloc_cnt = f->gate.call_cnt = 0;
	f->own.failed = f->world.failed = f->gate.failed = false;
	f->own.sticky = f->world.sticky = f->gate.sticky = sticky;
	f->own.fail_at = target == OWN ? fail_at : SIZE_MAX;
	f->world.fail_at = target == WORLD ? fail_at : SIZE_MAX;
	f->gate.fail_at = target == CALLS ? fail_at : SIZE_MAX;
}

/* Fails at one point after the other, until there is no further one. */
static void each_point_fails(struct fixture *f, enum phyrsim_linux_way way, enum target target,
			     bool sticky)
{
	struct phyrsim_linux_map *map = NULL;
	size_t point = 0;
	int err;

	for (;; point++) {
		arm(f, target, point, sticky);
		err = try_map(f, way, &map);
		if (!f->own.failed && !f->world.failed && !f->gate.failed)
			break;
		if (err == PHYR_OK) { /* Linux did without, or tried again */
			assert_int_equal(target, WORLD);
			phyrsim_linux_unmap(map, NULL);
			map = NULL;
		} else {
			assert_int_equal(err, PHYR_E_NOMEM);
		}
		assert_null(map);
		assert_nothing_left(f);
	}
	assert_int_equal(err, PHYR_OK);
	assert_true(point > 0 || target == WORLD); /* a warm world may need nothing more */
	phyrsim_linux_unmap(map, NULL);
	assert_nothing_left(f);
	arm(f, target, SIZE_MAX, false);
}

static void every_point_fails(struct fixture *f, enum target target)
{
	append(&f->list, GIB(4) + 0x800, 0x1800);
	for (uint64_t i = 0; i < 600; i++)
		append(&f->list, GIB(5) + i * KIB(12), KIB(4));
	for (int sticky = 0; sticky < 2; sticky++) {
		each_point_fails(f, PHYRSIM_LINUX_SG, target, sticky);
		each_point_fails(f, PHYRSIM_LINUX_PAGES, target, sticky);
	}
}

static void mapping_survives_every_failed_allocation_of_its_own(void **state)
{
	every_point_fails(*state, OWN);
}

static void mapping_survives_every_failed_allocation_below_it(void **state)
{
	every_point_fails(*state, WORLD);
}

static void mapping_survives_every_failed_call_of_the_iommu(void **state)
{
	every_point_fails(*state, CALLS);
}

static void pages_that_run_out_of_addresses_are_all_unmapped(void **state)
{
	struct fixture *f = *state;

	open_iova(f, 0xffff0000, GIB(4) - 1);
	append(&f->list, GIB(4), KIB(68));
	assert_refuses(f, PHYRSIM_LINUX_PAGES, PHYR_E_NOSPACE);
	assert_refuses(f, PHYRSIM_LINUX_SG, PHYR_E_LIMIT);
}

/* A target with one thing missing. */
static void assert_target_refused(struct fixture *f, struct phyrsim_linux_target target)
{
	struct phyrsim_linux_map *map = NULL;

	assert_int_equal(phyrsim_linux_map(&f->own.mem, &target, &f->list, 0, &map), PHYR_E_INVAL);
	assert_null(map);
	assert_nothing_left(f);
}

static void bad_targets_are_refused(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_target target = f->target;

	append(&f->list, GIB(4), KIB(4));
	target.iommu.ops = NULL;
	assert_target_refused(f, target);
	target = f->target;
	target.iova = NULL;
	assert_target_refused(f, target);
	target = f->target;
	target.device = NULL;
	assert_target_refused(f, target);
	target = f->target;
	target.cpu = 1;
	assert_target_refused(f, target);
}

static void bad_mappings_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct phyr_mem *mem = &f->own.mem;
	struct phyrsim_linux_map *map = NULL;

	assert_refuses(f, PHYRSIM_LINUX_SG, PHYR_E_INVAL); /* the list is empty */
	append(&f->list, GIB(4), KIB(4));
	assert_refuses(f, (enum phyrsim_linux_way)2, PHYR_E_INVAL);
	assert_int_equal(try_map(f, PHYRSIM_LINUX_SG, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_map(NULL, &f->target, &f->list, 0, &map), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_map(mem, NULL, &f->list, 0, &map), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_map(mem, &f->target, NULL, 0, &map), PHYR_E_INVAL);
	assert_null(map);
	assert_nothing_left(f);
}

static void a_joint_inside_a_page_is_misaligned(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4), KIB(4));
	append(&f->list, GIB(5) + 1, KIB(4));
	assert_refuses(f, PHYRSIM_LINUX_SG, PHYR_E_ALIGN);
	assert_refuses(f, PHYRSIM_LINUX_PAGES, PHYR_E_ALIGN);
}

static void a_list_longer_than_the_window_is_a_limit(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4), GIB(4));
	assert_refuses(f, PHYRSIM_LINUX_SG, PHYR_E_LIMIT);
	phyr_list_fini(&f->list);
	append(&f->list, 1, UINT64_MAX - 4095); /* 2^64 bytes of pages */
	assert_refuses(f, PHYRSIM_LINUX_SG, PHYR_E_LIMIT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(mapping_survives_every_failed_allocation_of_its_own),
		CASE(mapping_survives_every_failed_allocation_below_it),
		CASE(mapping_survives_every_failed_call_of_the_iommu),
		CASE(pages_that_run_out_of_addresses_are_all_unmapped),
		CASE(bad_mappings_are_refused),
		CASE(bad_targets_are_refused),
		CASE(a_joint_inside_a_page_is_misaligned),
		CASE(a_list_longer_than_the_window_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
