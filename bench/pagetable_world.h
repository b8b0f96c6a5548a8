/* SPDX-License-Identifier: MIT */
/* What every benchmark of page tables works on: a table of a format, in simulated memory. */
#ifndef PAGETABLE_WORLD_H
#define PAGETABLE_WORLD_H

#include <phyr/heap.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/walker.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
#define BASE UINT64_C(0x4000000000)
#define PAGES_2M 512
#define PAGES_1G 262144

#define SINGLE_CNT 32768
/* All pages of 1 GiB but the last of each table, which are stakes. */
#define SCATTERED_CNT (PAGES_1G - PAGES_1G / PAGES_2M)

struct world {
	struct phyrsim_mem *frames;
	struct phyrsim_pagetable *table;
};

/* With frames of its own. */
static inline void world_init_as(struct world *w, const struct phyrsim_pagetable_params *like)
{
	struct phyrsim_pagetable_params params = *like;

	bench_require(phyrsim_mem_create(params.mem, &w->frames) == PHYR_OK);
	params.frames = w->frames;
	bench_require(phyrsim_pagetable_create(&params, &w->table) == PHYR_OK);
}

static inline void world_init(struct world *w, enum phyrsim_format format,
			      const struct phyr_mem *mem)
{
	const struct phyrsim_pagetable_params params = { .format = format, .mem = mem };

	world_init_as(w, &params);
}

static inline void world_fini(struct world *w)
{
	phyrsim_pagetable_destroy(w->table);
	phyrsim_mem_destroy(w->frames);
}

static inline phyr_iova iova_of(uint64_t page)
{
	return phyr_iova_at(BASE + page * PAGE);
}

static inline int map(const struct world *w, uint64_t page, const struct phyr_range *runs,
		      size_t run_cnt)
{
	return phyrsim_pagetable_map(w->table, iova_of(page), runs, run_cnt, PHYR_PERM_READ_WRITE,
				     0);
}

/* With what follows an invalidation, which itself is not simulated. */
static inline int unmap(const struct world *w, uint64_t page, uint64_t page_cnt)
{
	const struct phyr_iova_range range = { iova_of(page), page_cnt * PAGE };
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	err = phyrsim_pagetable_unmap(w->table, range, &gather);
	phyrsim_pagetable_release(w->table, &gather);
	return err;
}

/* Which page is mapped next, one after another; none is the last one of a table. */
static inline void order_pages(uint32_t *order, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		order[i] = i + i / (PAGES_2M - 1);
}

static inline void shuffle_pages(uint32_t *order, uint32_t cnt, uint64_t *random)
{
	for (uint32_t i = cnt; i > 1; i--) {
		uint32_t j = (uint32_t)(bench_random(random) % i);
		uint32_t other = order[j];

		order[j] = order[i - 1];
		order[i - 1] = other;
	}
}

/* Single pages anywhere below 2^48. */
static inline void scatter_pages(struct phyr_range *pages, size_t cnt, uint64_t *random)
{
	for (size_t i = 0; i < cnt; i++) {
		pages[i].pa = phyr_pa_at(bench_random(random) >> 28 << PHYR_PAGE_LG2);
		pages[i].len = PAGE;
	}
}

/* Does hardware find the page there? */
static inline bool leads_to(const struct world *w, uint64_t page, uint64_t pa)
{
	struct phyrsim_access access = { iova_of(page), PHYR_PERM_READ, 0 };
	struct phyrsim_walk walk;
	struct phyrsim_root root;

	phyrsim_pagetable_root(w->table, &root);
	return phyrsim_walk(w->frames, &root, &access, &walk) == PHYR_OK && walk.pa.addr == pa;
}

#endif
