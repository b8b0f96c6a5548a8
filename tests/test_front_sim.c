/* SPDX-License-Identifier: MIT */
/*
 * A window of pages over a real page table: leaves, tables, bytes.
 *
 * Not here: staleness (prop_front.c).
 */
#include <phyr/front_pages.h>

#include "stale_world.h"

struct fixture {
	struct world w;
	struct phyr_iova_space *space;
	struct phyr_dma *dma;
	struct phyr_front_pages *pages;
};

static struct fixture *open_pages(void **state, bool single)
{
	static const struct phyrsim_inval_params inval = { .personality = PHYRSIM_INVAL_VTD };
	static struct fixture f;
	struct phyr_iova_params space = { .mem = &f.w.host.mem };
	struct phyr_dma_params dma = { .mem = &f.w.host.mem };
	struct phyr_front_pages_params params = { .page_cnt = 131072, .page_lg2 = 12 };

	memset(&f, 0, sizeof(f));
	world_open(&f.w, &inval);
	space.window = f.w.caps.iova;
	assert_int_equal(phyr_iova_create(&space, &f.space), PHYR_OK);
	dma.iommu = f.w.backend;
	dma.space = f.space;
	assert_int_equal(phyr_dma_create(&dma, &f.dma), PHYR_OK);
	params.dma = f.dma;
	params.single = single;
	assert_int_equal(phyr_front_pages_create(&params, &f.pages), PHYR_OK);
	*state = &f;
	return &f;
}

static int after_case(void **state)
{
	struct fixture *f = *state;

	phyr_front_pages_destroy(f->pages);
	phyr_dma_destroy(f->dma);
	phyr_iova_destroy(f->space);
	world_close(&f->w);
	return 0;
}

static void map_pages(struct fixture *f, uint64_t first, uint64_t pa, uint64_t cnt)
{
	struct phyr_range range = { { pa }, cnt * K4 };
	struct phyr_front_pages_run run = { first, &range, 1, { 0 }, PHYR_PERM_READ_WRITE };

	assert_int_equal(phyr_front_pages_map(f->pages, &run), PHYR_OK);
}

static int unmap_pages(struct fixture *f, uint64_t first, uint64_t cnt)
{
	struct phyr_front_pages_part part = { first, cnt };

	return phyr_front_pages_unmap(f->pages, part);
}

/* C20's granule: 131,072 pages, a bit each. */
static void a_granule_of_512_mib_takes_16_kib_of_bits(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_front_pages_stats stats;

	assert_int_equal(phyr_front_pages_window(f->pages).len, UINT64_C(512) << 20);
	phyr_front_pages_stats(f->pages, &stats);
	assert_in_range(stats.state_len, 16384, 16384 + 256);
}

/* Where the window lies as its memory does; else no large leaf fits. */
static uint64_t leading(const struct fixture *f)
{
	uint64_t iova = phyr_front_pages_window(f->pages).iova.addr;

	return (0 - iova) % M2 / K4;
}

static void pages_of_one_leaf_go_together(void **state)
{
	struct fixture *f = open_pages(state, false);
	uint64_t first = leading(f);

	map_pages(f, first, 8 * M2, 512);
	assert_int_equal(unmap_pages(f, first + 7, 1), PHYR_E_PARTIAL);
	assert_int_equal(phyr_front_pages_at(f->pages, first + 7), PHYR_FRONT_PAGE_LINKED);
	assert_int_equal(unmap_pages(f, first, 512), PHYR_OK);
	assert_int_equal(phyr_front_pages_at(f->pages, first + 7), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(check(&f->w).cnt, 0);
}

static void single_pages_go_alone(void **state)
{
	struct fixture *f = open_pages(state, true);
	uint64_t first = leading(f);

	map_pages(f, first, 8 * M2, 512);
	touch(&f->w, phyr_front_pages_window(f->pages).iova.addr, 2 * M2);
	assert_int_equal(unmap_pages(f, first + 7, 1), PHYR_OK);
	assert_int_equal(phyr_front_pages_at(f->pages, first + 7), PHYR_FRONT_PAGE_NONE);
	assert_int_equal(phyr_front_pages_at(f->pages, first + 8), PHYR_FRONT_PAGE_LINKED);
	assert_int_equal(check(&f->w).cnt, 0);
}

/* 65,536 stretches, one flush: no array could have held them. */
static void every_other_page_of_the_granule_is_one_flush(void **state)
{
	struct fixture *f = open_pages(state, false);
	struct phyr_front_pages_stats stats;

	for (uint64_t i = 0; i < 131072; i += 2)
		map_pages(f, i, i * K4, 1);
	assert_int_equal(unmap_pages(f, 0, 131072), PHYR_OK);
	phyr_front_pages_stats(f->pages, &stats);
	assert_int_equal(stats.flush_cnt, 1);
	assert_int_equal(stats.linked_cnt, 0);
	assert_int_equal(check(&f->w).cnt, 0);
}

#define CASE(name) cmocka_unit_test_teardown(name, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_granule_of_512_mib_takes_16_kib_of_bits),
		CASE(pages_of_one_leaf_go_together),
		CASE(single_pages_go_alone),
		CASE(every_other_page_of_the_granule_is_one_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
