/* SPDX-License-Identifier: MIT */
/*
 * A checker has nothing to say of what the front ends and batches of pieces do by themselves.
 *
 * Not here: what it says of mistakes (test_dma_check.c).
 */
#include <phyr/dma_check.h>
#include <phyr/front_pages.h>

#include "front_request_world.h"

static struct phyr_dma_checker *checker;

static void open_checked(struct fixture *f, bool iommu)
{
	struct phyr_dma_params params = world_begin(&f->w, iommu);
	struct phyr_dma_checker_params ours = { .mem = &f->w.t.mem };

	assert_int_equal(phyr_dma_checker_create(&ours, &checker), PHYR_OK);
	params.checker = checker;
	params.traits = PHYR_DMA_NONCOHERENT;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
}

static void close_checked(void)
{
	struct phyr_dma_checker_stats stats;

	phyr_dma_checker_destroy(checker, &stats);
	for (int i = 0; i < PHYR_DMA_MISTAKE_CNT; i++)
		assert_int_equal(stats.mistake_cnt[i], 0);
	assert_int_equal(stats.lost_cnt, 0);
}

/* The window does not know what its pages allow. */
static void pages_are_unmapped_whatever_they_allow(void **state)
{
	struct fixture *f = *state;
	struct phyr_front_pages_params params = { .page_cnt = 8, .page_lg2 = 12 };
	struct phyr_range range = { { 0x1000 }, K4 };
	struct phyr_front_pages_run run = { 0, &range, 1, { PHYR_KIND_SYSTEM, 0 }, 0 };
	struct phyr_front_pages *pages;

	open_checked(f, true);
	params.dma = f->w.dma;
	assert_int_equal(phyr_front_pages_create(&params, &pages), PHYR_OK);
	for (unsigned int perm = PHYR_PERM_READ; perm <= PHYR_PERM_READ_WRITE; perm++) {
		run.perm = (enum phyr_perm)perm;
		assert_int_equal(phyr_front_pages_map(pages, &run), PHYR_OK);
		run.first++;
	}
	assert_int_equal(phyr_front_pages_unmap(pages, (struct phyr_front_pages_part){ 0, 3 }),
			 PHYR_OK);
	phyr_front_pages_destroy(pages);
	close_checked();
}

/* The mapping of a batch that is borrowed has a record, which comes after the mapping. */
static void pieces_without_an_iommu_are_unmapped(void **state)
{
	struct fixture *f = *state;

	open_checked(f, false);
	add(f, 0x1000, K4);
	add(f, 0x8000, K4);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	unmap(f);
	close_checked();
}

static void a_request_ends_with_its_provider(void **state)
{
	struct fixture *f = *state;

	open_checked(f, true);
	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	assert_int_equal(phyr_front_request_map(&f->queue, &f->input, PHYR_PERM_READ, &f->request),
			 PHYR_OK);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_OK);
	unmap(f);
	close_checked();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pages_are_unmapped_whatever_they_allow),
		CASE(pieces_without_an_iommu_are_unmapped),
		CASE(a_request_ends_with_its_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
