/* SPDX-License-Identifier: MIT */
/*
 * The I/O address allocator: one range taken and given back, and a thousand live ranges of mixed
 * sizes that come and go in no order.
 *
 * A pair may find an empty space, or a comb: a thousand ranges at the top of the window, with a
 * hole of one page below each. A page fits the first hole; a larger range has to pass by all.
 */
#include <phyr/bits.h>
#include <phyr/heap.h>
#include <phyr/iova.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
#define PAIR_CNT 1024
#define LIVE_CNT 1000
#define STEP_CNT 16384
#define LAST ((UINT64_C(1) << 48) - 1)

struct shape {
	uint64_t len;
	struct phyr_placement placement;
	size_t comb_cnt; /* ranges that stay all the time */
};

/* One step: range i goes, another of this length takes its place. */
struct step {
	uint32_t i;
	uint32_t page_cnt;
};

static struct step steps[STEP_CNT];

static void make_steps(void)
{
	uint64_t random = 1;

	for (size_t i = 0; i < STEP_CNT; i++) {
		steps[i].i = (uint32_t)(bench_random(&random) % LIVE_CNT);
		/* 4 KiB … 1 MiB, each power of two as often as any other. */
		steps[i].page_cnt = 1U << bench_random(&random) % 9;
	}
}

static struct phyr_iova_space *space_create(void)
{
	struct phyr_iova_params params = { 0 };
	struct phyr_iova_space *space;

	params.mem = phyr_heap_mem();
	params.window.last = phyr_iova_at(LAST);
	bench_require(phyr_iova_create(&params, &space) == PHYR_OK);
	return space;
}

static void check_and_destroy(struct phyr_iova_space *space, uint64_t live_cnt)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(space, &stats);
	bench_require(stats.live_cnt == live_cnt && phyr_iova_validate(space, NULL));
	phyr_iova_destroy(space);
}

static void reserve_comb(struct phyr_iova_space *space, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct phyr_iova_range range = { phyr_iova_at(LAST + 1 - (2 * i + 1) * PAGE),
						       PAGE };

		bench_require(phyr_iova_reserve(space, range) == PHYR_OK);
	}
}

static void pair(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	struct phyr_iova_space *space = space_create();
	int err = 0;

	reserve_comb(space, shape->comb_cnt);
	while (bench_running(b)) {
		for (size_t i = 0; i < PAIR_CNT; i++) {
			struct phyr_iova_range range = { 0 };

			err |= phyr_iova_alloc(space, shape->len, &shape->placement, &range);
			err |= phyr_iova_free(space, range);
		}
	}
	bench_require(!err);
	bench_items(b, PAIR_CNT);
	check_and_destroy(space, shape->comb_cnt);
}

static int take(struct phyr_iova_space *space, uint64_t page_cnt, bool size_aligned,
		struct phyr_iova_range *range)
{
	struct phyr_placement placement = phyr_placement_any();

	if (size_aligned)
		placement.phase_lg2 = (uint8_t)(PHYR_PAGE_LG2 + phyr_bits_log2(page_cnt));
	return phyr_iova_alloc(space, page_cnt * PAGE, &placement, range);
}

static void mixed(struct bench *b, const void *arg)
{
	const bool *size_aligned = arg;
	struct phyr_iova_space *space = space_create();
	struct phyr_iova_range live[LIVE_CNT];
	int err = 0;

	for (size_t i = 0; i < LIVE_CNT; i++)
		err |= take(space, steps[i].page_cnt, *size_aligned, &live[i]);
	while (bench_running(b)) {
		for (size_t i = 0; i < STEP_CNT; i++) {
			struct phyr_iova_range *range = &live[steps[i].i];

			err |= phyr_iova_free(space, *range);
			err |= take(space, steps[i].page_cnt, *size_aligned, range);
		}
	}
	bench_require(!err);
	bench_items(b, STEP_CNT);
	check_and_destroy(space, LIVE_CNT);
}

int main(int argc, char **argv)
{
	static const bool anywhere = false, size_aligned = true;
	static struct shape page = { .len = PAGE };
	static struct shape page_comb = { .len = PAGE, .comb_cnt = LIVE_CNT };
	static struct shape large_comb = { .len = 4 << 20, .comb_cnt = LIVE_CNT };

	page.placement = phyr_placement_any();
	page_comb.placement = page.placement;
	large_comb.placement = page.placement;
	large_comb.placement.phase_lg2 = 21;
	large_comb.placement.phase = PAGE;
	make_steps();
	bench_add("iova/pair/4K_empty", pair, &page);
	bench_add("iova/pair/4K_comb", pair, &page_comb);
	bench_add("iova/pair/4M_phase_2M_comb", pair, &large_comb);
	bench_add("iova/mixed/1000_live", mixed, &anywhere);
	bench_add("iova/mixed/1000_live_size_aligned", mixed, &size_aligned);
	return bench_main(argc, argv);
}
