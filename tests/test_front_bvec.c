/* SPDX-License-Identifier: MIT */
/*
 * Transfers of bvecs: what they take of an RDMA adapter, and why.
 *
 * Not here: what a request is (test_front_request.c).
 */
#include <phyr/front_bvec.h>

#include "front_world.h"

#define BVECS 64

struct fixture {
	struct world w;
	struct phyr_front_bvec_device device;
	struct phyr_front_segment segments[BVECS];
	struct phyr_front_bvec_transfer transfer;
	struct phyr_front_bvec bvec;
};

static const struct phyr_front_bvec_limits usual = { .sge_cnt_max = 30, .mr_page_max = 256 };

static int before_case(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.transfer.input.segments = f.segments;
	f.transfer.perm = PHYR_PERM_WRITE;
	*state = &f;
	return 0;
}

static int after_case(void **state)
{
	struct fixture *f = *state;

	if (f->bvec.path)
		assert_int_equal(phyr_front_bvec_unmap(&f->device, &f->bvec), PHYR_OK);
	assert_int_equal(f->bvec.path, 0);
	world_close(&f->w);
	return 0;
}

static void start(struct fixture *f, const struct phyr_front_bvec_limits *limits)
{
	assert_int_equal(phyr_front_bvec_init(&f->device, f->w.dma, limits), PHYR_OK);
}

static struct fixture *open_device(void **state, bool iommu)
{
	struct fixture *f = *state;

	world_open(&f->w, iommu);
	start(f, &usual);
	return f;
}

/* Whole pages, `step` pages from one to the next. */
static void add_pages(struct fixture *f, size_t cnt, uint64_t step)
{
	for (uint64_t i = 0; i < cnt; i++)
		f->segments[i].range = (struct phyr_range){ { 0x100000 + i * step * K4 }, K4 };
	f->transfer.input.cnt = cnt;
}

static void expect(struct fixture *f, enum phyr_front_bvec_path path, enum phyr_front_bvec_why why)
{
	if (f->bvec.path)
		assert_int_equal(phyr_front_bvec_unmap(&f->device, &f->bvec), PHYR_OK);
	assert_int_equal(phyr_front_bvec_map(&f->device, &f->transfer, &f->bvec), PHYR_OK);
	assert_int_equal(f->bvec.path, path);
	assert_int_equal(f->bvec.why, why);
	assert_true(f->device.stats.why_cnt[why] > 0);
}

static void expect_cnt(const struct fixture *f, uint64_t wr_cnt, uint64_t sge_cnt, uint64_t mr_cnt)
{
	assert_int_equal(f->bvec.wr_cnt, wr_cnt);
	assert_int_equal(f->bvec.sge_cnt, sge_cnt);
	assert_int_equal(f->bvec.mr_cnt, mr_cnt);
}

/* R1 */
static void aligned_bvecs_are_one_entry_of_one_work_request(void **state)
{
	struct fixture *f = open_device(state, true);

	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_ONE, PHYR_FRONT_BVEC_JOINED);
	expect_cnt(f, 1, 1, 0);
	assert_int_equal(f->w.run_cnt, 64);
	assert_int_equal(f->w.sync_cnt, 1);
	assert_int_equal(phyr_front_bvec_unmap(&f->device, &f->bvec), PHYR_OK);
	assert_int_equal(f->w.flush_cnt, 1);
}

/* R1 */
static void without_an_iommu_64_scattered_bvecs_are_3_work_requests(void **state)
{
	struct fixture *f = open_device(state, false);

	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_APART);
	expect_cnt(f, 3, 64, 0);
}

static void without_an_iommu_neighbours_are_one_entry(void **state)
{
	struct fixture *f = open_device(state, false);

	add_pages(f, 64, 1);
	expect(f, PHYR_FRONT_BVEC_ONE, PHYR_FRONT_BVEC_ADJACENT);
	expect_cnt(f, 1, 1, 0);
}

/* D9: Linux fails here. */
static void a_gap_makes_entries_and_no_error(void **state)
{
	struct fixture *f = open_device(state, true);

	add_pages(f, 4, 2);
	f->segments[2].range.len = 0x200;
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_GAP);
	/* Joints that fit are joined even so: three pages, the last not whole, and one. */
	expect_cnt(f, 1, 2, 0);
	assert_int_equal(f->w.sync_cnt, 1);
}

static void one_bvec_is_one_entry(void **state)
{
	struct fixture *f = open_device(state, true);

	add_pages(f, 1, 1);
	f->segments[0].range = (struct phyr_range){ { 0x1234 }, 77 };
	expect(f, PHYR_FRONT_BVEC_ONE, PHYR_FRONT_BVEC_ADJACENT);
	expect_cnt(f, 1, 1, 0);
}

static void a_range_longer_than_an_entry_is_several(void **state)
{
	struct fixture *f = open_device(state, true);
	struct phyr_front_bvec_limits limits = usual;

	limits.sge_len_max = 0x8000;
	start(f, &limits);
	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_LONG);
	expect_cnt(f, 1, 8, 0);
}

static void an_entry_holds_2_gib_unless_it_is_said(void **state)
{
	struct fixture *f = open_device(state, false);

	add_pages(f, 1, 1);
	f->segments[0].range.len = UINT64_C(1) << 33;
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_APART);
	expect_cnt(f, 1, 4, 0);
}

/* C18: contiguous pages without an IOMMU want no region, however many bvecs they are. */
static void regions_are_wanted_for_what_it_has_become(void **state)
{
	struct fixture *f = open_device(state, false);
	struct phyr_front_bvec_limits limits = usual;

	limits.read_sge_max = 16;
	start(f, &limits);
	f->transfer.read = true;
	add_pages(f, 64, 1);
	expect(f, PHYR_FRONT_BVEC_ONE, PHYR_FRONT_BVEC_ADJACENT);
	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_NO_MR);
	expect_cnt(f, 3, 64, 0);
	f->transfer.mr_free = 1;
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_MANY);
	expect_cnt(f, 1, 1, 1);
	add_pages(f, 16, 2);
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_APART);
	f->transfer.read = false;
	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_APART);
}

static void forced_regions_are_as_few_as_their_pages_allow(void **state)
{
	struct fixture *f = open_device(state, true);
	struct phyr_front_bvec_limits limits = usual;

	limits.force_mr = true;
	limits.mr_page_max = 16;
	start(f, &limits);
	f->transfer.mr_free = 4;
	add_pages(f, 64, 2);
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_FORCED);
	expect_cnt(f, 4, 4, 4);
	f->transfer.mr_free = 3;
	assert_int_equal(phyr_front_bvec_unmap(&f->device, &f->bvec), PHYR_OK);
	assert_int_equal(phyr_front_bvec_map(&f->device, &f->transfer, &f->bvec), PHYR_E_BUSY);
	assert_int_equal(mapped_cnt(&f->w), 0);
	assert_int_equal(f->device.stats.busy_cnt, 1);
}

static void a_region_ends_where_a_joint_is_inside_a_page(void **state)
{
	struct fixture *f = open_device(state, true);
	struct phyr_front_bvec_limits limits = usual;

	limits.iwarp = true;
	start(f, &limits);
	f->transfer.mr_free = 9;
	f->transfer.read = true;
	add_pages(f, 4, 2);
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_IWARP);
	expect_cnt(f, 1, 1, 1);
	f->segments[1].range.len = 0x200;
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_IWARP);
	expect_cnt(f, 2, 2, 2);
	f->transfer.read = false;
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_GAP);
}

static void pages_that_pieces_share_are_counted_once(void **state)
{
	struct fixture *f = open_device(state, false);
	struct phyr_front_bvec_limits limits = usual;

	limits.force_mr = true;
	limits.sge_len_max = 0x800;
	limits.mr_page_max = 2;
	start(f, &limits);
	f->transfer.mr_free = 9;
	add_pages(f, 1, 1);
	f->segments[0].range = (struct phyr_range){ { 0x1400 }, 0x1c00 };
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_FORCED);
	expect_cnt(f, 1, 1, 1);
	f->segments[0].range.len = 0x1c01;
	expect(f, PHYR_FRONT_BVEC_MR, PHYR_FRONT_BVEC_FORCED);
	expect_cnt(f, 2, 2, 2);
}

static void a_peer_past_the_iommu_is_entries(void **state)
{
	struct fixture *f = open_device(state, true);

	add_pages(f, 2, 1);
	f->segments[0].range.pa.addr = BUS_PA;
	f->segments[1].range.pa.addr = BUS_PA + 2 * K4;
	f->segments[0].tag.kind = f->segments[1].tag.kind = PHYR_KIND_P2P;
	expect(f, PHYR_FRONT_BVEC_SGES, PHYR_FRONT_BVEC_APART);
	f->segments[0].range.pa.addr = FAR_PA;
	f->segments[1].range.pa.addr = FAR_PA + K4;
	assert_int_equal(phyr_front_bvec_unmap(&f->device, &f->bvec), PHYR_OK);
	assert_int_equal(phyr_front_bvec_map(&f->device, &f->transfer, &f->bvec),
			 PHYR_E_UNREACHABLE);
}

static void wrong_calls_are_refused(void **state)
{
	struct fixture *f = open_device(state, true);
	struct phyr_front_bvec_limits limits = usual;
	struct phyr_front_bvec_device *device = &f->device;

	assert_int_equal(phyr_front_bvec_map(NULL, &f->transfer, &f->bvec), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_map(device, NULL, &f->bvec), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_map(device, &f->transfer, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_map(device, &f->transfer, &f->bvec), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_unmap(NULL, &f->bvec), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_unmap(device, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_unmap(device, &f->bvec), PHYR_E_NOENT);
	assert_int_equal(phyr_front_bvec_init(NULL, f->w.dma, &limits), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_init(device, NULL, &limits), PHYR_E_INVAL);
	assert_int_equal(phyr_front_bvec_init(device, f->w.dma, NULL), PHYR_E_INVAL);
	limits.sge_cnt_max = 0;
	assert_int_equal(phyr_front_bvec_init(device, f->w.dma, &limits), PHYR_E_INVAL);
	limits = usual;
	limits.mr_page_max = 0;
	assert_int_equal(phyr_front_bvec_init(device, f->w.dma, &limits), PHYR_E_INVAL);
	limits = usual;
	limits.mr_page_lg2 = 64;
	assert_int_equal(phyr_front_bvec_init(device, f->w.dma, &limits), PHYR_E_INVAL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(aligned_bvecs_are_one_entry_of_one_work_request),
		CASE(without_an_iommu_64_scattered_bvecs_are_3_work_requests),
		CASE(without_an_iommu_neighbours_are_one_entry),
		CASE(a_gap_makes_entries_and_no_error),
		CASE(one_bvec_is_one_entry),
		CASE(a_range_longer_than_an_entry_is_several),
		CASE(an_entry_holds_2_gib_unless_it_is_said),
		CASE(regions_are_wanted_for_what_it_has_become),
		CASE(forced_regions_are_as_few_as_their_pages_allow),
		CASE(a_region_ends_where_a_joint_is_inside_a_page),
		CASE(pages_that_pieces_share_are_counted_once),
		CASE(a_peer_past_the_iommu_is_entries),
		CASE(wrong_calls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
