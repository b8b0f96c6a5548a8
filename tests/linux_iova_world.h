/* SPDX-License-Identifier: MIT */
/* What the tests of Linux's allocator of I/O addresses share: an allocator, and calls in pages. */
#ifndef PHYR_TEST_LINUX_IOVA_WORLD_H
#define PHYR_TEST_LINUX_IOVA_WORLD_H

#include <phyr/bits.h>
#include <phyrsim/linux_iova.h>

#include "test.h"

#define BYTES(pages) ((uint64_t)(pages) << PHYR_PAGE_LG2)
#define LOW_TOP 0xfffffu /* the last page below 4 GiB */

struct fixture {
	struct test_mem t;
	struct phyrsim_linux_iova *iova;
};

/* An allocator whose lowest page is the first, in place of the one before, if any. */
static inline void open_from(struct fixture *f, uint64_t first_pfn, unsigned int cpu_cnt)
{
	const struct phyrsim_linux_iova_params params = {
		.mem = &f->t.mem,
		.aperture = { phyr_iova_at(BYTES(first_pfn)), phyr_iova_at(UINT64_MAX) },
		.cpu_cnt = cpu_cnt,
	};

	phyrsim_linux_iova_destroy(f->iova);
	f->iova = NULL;
	assert_int_equal(phyrsim_linux_iova_create(&params, &f->iova), PHYR_OK);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->t);
	open_from(f, 1, 4);
	*state = f;
	return 0;
}

static inline void assert_valid(const struct fixture *f)
{
	const char *reason = "";

	if (!phyrsim_linux_iova_validate(f->iova, &reason))
		fail_msg("%s", reason);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->iova)
		assert_valid(f);
	phyrsim_linux_iova_destroy(f->iova);
	assert_int_equal(f->t.live_cnt, 0);
	free(f);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline struct phyrsim_linux_iova_stats stats_of(const struct fixture *f)
{
	struct phyrsim_linux_iova_stats stats;

	phyrsim_linux_iova_stats(f->iova, &stats);
	return stats;
}

/* The last byte of a page. */
static inline phyr_iova last_of(uint64_t pfn)
{
	return phyr_iova_at(BYTES(pfn) + (PHYR_PAGE_SIZE - 1));
}

static inline struct phyr_iova_range pages(uint64_t pfn, uint64_t page_cnt)
{
	struct phyr_iova_range range = { phyr_iova_at(BYTES(pfn)), BYTES(page_cnt) };

	return range;
}

static inline struct phyrsim_linux_iova_request below(uint64_t page_cnt, uint64_t last_pfn)
{
	struct phyrsim_linux_iova_request request = { .len = BYTES(page_cnt),
						      .last = last_of(last_pfn) };

	return request;
}

/* Takes pages on a CPU, as high as is allowed; returns the first. */
static inline uint64_t take_below(struct fixture *f, uint64_t page_cnt, uint64_t last_pfn)
{
	struct phyrsim_linux_iova_request request = below(page_cnt, last_pfn);
	struct phyr_iova_range range;

	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
	return range.iova.addr >> PHYR_PAGE_LG2;
}

static inline uint64_t take(struct fixture *f, uint64_t page_cnt)
{
	return take_below(f, page_cnt, LOW_TOP);
}

static inline uint64_t take_on(struct fixture *f, unsigned int cpu, uint64_t page_cnt)
{
	struct phyrsim_linux_iova_request request = below(page_cnt, LOW_TOP);
	struct phyr_iova_range range;

	request.cpu = cpu;
	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), PHYR_OK);
	return range.iova.addr >> PHYR_PAGE_LG2;
}

/* Nothing is taken, and nothing written. */
static inline void assert_refused(struct fixture *f, struct phyrsim_linux_iova_request request,
				  int err)
{
	struct phyr_iova_range range = { { 5 }, 7 };

	assert_int_equal(phyrsim_linux_iova_alloc_fast(f->iova, &request, &range), err);
	assert_int_equal(range.iova.addr, 5);
	assert_int_equal(range.len, 7);
}

static inline void give_on(struct fixture *f, unsigned int cpu, uint64_t pfn, uint64_t page_cnt)
{
	assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, cpu, pages(pfn, page_cnt)), PHYR_OK);
}

static inline void give(struct fixture *f, uint64_t pfn, uint64_t page_cnt)
{
	give_on(f, 0, pfn, page_cnt);
}

/* Past the caches. */
static inline void give_to_tree(struct fixture *f, uint64_t pfn)
{
	assert_int_equal(phyrsim_linux_iova_free_tree(f->iova, phyr_iova_at(BYTES(pfn))), PHYR_OK);
}

#endif
