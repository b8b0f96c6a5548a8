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

struct world {
	struct phyrsim_mem *frames;
	struct phyrsim_pagetable *table;
};

static inline void world_init(struct world *w, enum phyrsim_format format,
			      const struct phyr_mem *mem)
{
	struct phyrsim_pagetable_params params = { .format = format };

	bench_require(phyrsim_mem_create(mem, &w->frames) == PHYR_OK);
	params.mem = mem;
	params.frames = w->frames;
	bench_require(phyrsim_pagetable_create(&params, &w->table) == PHYR_OK);
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
