/* SPDX-License-Identifier: MIT */
/*
 * Page tables in simulated memory: mapping page by page, mapping and unmapping buffers, filling
 * 512 MiB against the loop that anybody would write for a flat array, and walking.
 *
 * A table goes when its last leaf goes. A stake, one more page that stays mapped, keeps the tables
 * above it, so that a shape says which tables a pass makes and drops.
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/walker.h>

#include "bench.h"

#define PAGE PHYR_PAGE_SIZE
#define BASE UINT64_C(0x4000000000)
#define PAGES_2M 512
#define PAGES_1G 262144
#define SINGLE_CNT 32768
#define BUFFER_CNT 256
#define FILL_CNT 131072
#define WALK_CNT 4096

struct world {
	struct phyrsim_mem *frames;
	struct phyrsim_pagetable *table;
};

/* What is mapped at BASE in one call; the stake is the page of that number behind it. */
struct shape {
	const struct phyr_range *runs;
	size_t run_cnt;
	uint64_t page_cnt;
	uint64_t stake;
};

/* Which page is mapped next; none of them is the last one of a table. */
static uint32_t in_order[SINGLE_CNT], scattered[PAGES_1G - PAGES_1G / PAGES_2M];

static struct phyr_range pages[FILL_CNT];
static uint64_t flat[FILL_CNT];

static void make_inputs(void)
{
	const uint32_t cnt = sizeof(scattered) / sizeof(scattered[0]);
	uint64_t random = 1;

	for (uint32_t i = 0; i < cnt; i++)
		scattered[i] = i + i / (PAGES_2M - 1);
	memcpy(in_order, scattered, sizeof(in_order));
	for (uint32_t i = cnt; i > 1; i--) {
		uint32_t j = (uint32_t)(bench_random(&random) % i);
		uint32_t other = scattered[j];

		scattered[j] = scattered[i - 1];
		scattered[i - 1] = other;
	}
	for (size_t i = 0; i < FILL_CNT; i++) {
		pages[i].pa = phyr_pa_at(bench_random(&random) >> 24 << PHYR_PAGE_LG2);
		pages[i].len = PAGE;
	}
}

static phyr_iova iova_of(uint64_t page)
{
	return phyr_iova_at(BASE + page * PAGE);
}

static int map_page(const struct world *w, uint64_t page, struct phyr_range run)
{
	return phyrsim_pagetable_map(w->table, iova_of(page), &run, 1, PHYR_PERM_READ_WRITE, 0);
}

static int unmap(const struct world *w, uint64_t page, uint64_t page_cnt)
{
	const struct phyr_iova_range range = { iova_of(page), page_cnt * PAGE };
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	err = phyrsim_pagetable_unmap(w->table, range, &gather);
	phyrsim_pagetable_release(w->table, &gather);
	return err;
}

static void world_init(struct world *w)
{
	struct phyrsim_pagetable_params params = { 0 };

	bench_require(phyrsim_mem_create(phyr_heap_mem(), &w->frames) == PHYR_OK);
	params.mem = phyr_heap_mem();
	params.frames = w->frames;
	bench_require(phyrsim_pagetable_create(&params, &w->table) == PHYR_OK);
}

static void world_fini(struct world *w)
{
	phyrsim_pagetable_destroy(w->table);
	phyrsim_mem_destroy(w->frames);
}

/* Does hardware find the page there? */
static bool leads_to(const struct world *w, uint64_t page, uint64_t pa)
{
	struct phyrsim_access access = { iova_of(page), PHYR_PERM_READ, 0 };
	struct phyrsim_walk walk;
	struct phyrsim_root root;

	phyrsim_pagetable_root(w->table, &root);
	return phyrsim_walk(w->frames, &root, &access, &walk) == PHYR_OK && walk.pa.addr == pa;
}

static int map_singles(const struct world *w, const uint32_t *order)
{
	int err = 0;

	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= map_page(w, order[i], pages[i]);
	return err;
}

static int unmap_singles(const struct world *w, const uint32_t *order)
{
	int err = 0;

	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= unmap(w, order[i], 1);
	return err;
}

/* Single pages into tables that are there. */
static void map_single(struct bench *b, const void *arg)
{
	const uint32_t *order = arg;
	struct world w;
	int err = 0;

	world_init(&w);
	for (uint64_t page = PAGES_2M - 1; page < PAGES_1G; page += PAGES_2M)
		err |= map_page(&w, page, pages[0]);
	while (bench_running(b)) {
		err |= map_singles(&w, order);
		bench_pause(b);
		err |= unmap_singles(&w, order);
		bench_resume(b);
	}
	bench_require(!err && map_singles(&w, order) == PHYR_OK);
	bench_require(leads_to(&w, order[SINGLE_CNT - 1], pages[SINGLE_CNT - 1].pa.addr));
	bench_items(b, SINGLE_CNT);
	world_fini(&w);
}

static int map_shape(const struct world *w, const struct shape *shape)
{
	return phyrsim_pagetable_map(w->table, iova_of(0), shape->runs, shape->run_cnt,
				     PHYR_PERM_READ_WRITE, 0);
}

static void check_shape(const struct world *w, const struct shape *shape)
{
	const struct phyr_range *end = &shape->runs[shape->run_cnt - 1];

	bench_require(map_shape(w, shape) == PHYR_OK);
	bench_require(leads_to(w, 0, shape->runs[0].pa.addr));
	bench_require(leads_to(w, shape->page_cnt - 1, end->pa.addr + end->len - PAGE));
}

/* Maps and unmaps a buffer. */
static void pair(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	struct world w;
	int err;

	world_init(&w);
	err = map_page(&w, shape->stake, pages[0]);
	while (bench_running(b)) {
		err |= map_shape(&w, shape);
		err |= unmap(&w, 0, shape->page_cnt);
	}
	bench_require(!err);
	check_shape(&w, shape);
	bench_items(b, shape->page_cnt);
	world_fini(&w);
}

/* Maps a buffer in one call, with all tables of the lowest level made new. */
static void map_fill(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	struct world w;
	int err;

	world_init(&w);
	err = map_page(&w, shape->stake, pages[0]);
	while (bench_running(b)) {
		err |= map_shape(&w, shape);
		bench_pause(b);
		err |= unmap(&w, 0, shape->page_cnt);
		bench_resume(b);
	}
	bench_require(!err);
	check_shape(&w, shape);
	bench_items(b, shape->page_cnt);
	world_fini(&w);
}

/* What filling a table is at the very least: nothing may be there, then the entry is. */
static __attribute__((noinline)) bool fill_flat(const struct shape *shape)
{
	for (size_t i = 0; i < shape->run_cnt; i++) {
		if (flat[i])
			return false;
		flat[i] = shape->runs[i].pa.addr | PHYR_PERM_READ_WRITE;
	}
	return true;
}

static void flat_fill(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	bool filled = true;

	while (bench_running(b)) {
		filled &= fill_flat(shape);
		bench_pause(b);
		memset(flat, 0, sizeof(flat));
		bench_resume(b);
	}
	bench_require(filled);
	bench_items(b, shape->page_cnt);
}

static void walk(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	static uint32_t order[WALK_CNT];
	struct phyrsim_walk found = { 0 };
	struct phyrsim_root root;
	uint64_t random = 1;
	struct world w;
	int err;

	world_init(&w);
	err = map_shape(&w, shape);
	phyrsim_pagetable_root(w.table, &root);
	for (size_t i = 0; i < WALK_CNT; i++)
		order[i] = (uint32_t)(bench_random(&random) % shape->page_cnt);
	while (bench_running(b)) {
		for (size_t i = 0; i < WALK_CNT; i++) {
			struct phyrsim_access access = { iova_of(order[i]), PHYR_PERM_READ, 0 };

			err |= phyrsim_walk(w.frames, &root, &access, &found);
		}
	}
	bench_require(!err && found.pa.addr == shape->runs[order[WALK_CNT - 1]].pa.addr);
	bench_items(b, WALK_CNT);
	bench_counter(b, "reads/item", found.read_cnt);
	world_fini(&w);
}

int main(int argc, char **argv)
{
	static const struct phyr_range whole = { { UINT64_C(1) << 32 }, PAGES_2M * PAGE };
	static const struct phyr_range odd = { { (UINT64_C(1) << 32) + PAGE }, PAGES_2M * PAGE };
	static const struct shape warm = { pages, BUFFER_CNT, BUFFER_CNT, PAGES_2M - 1 };
	static const struct shape cold = { pages, BUFFER_CNT, BUFFER_CNT, PAGES_1G - 1 };
	static const struct shape leaf = { &whole, 1, PAGES_2M, PAGES_1G - 1 };
	static const struct shape leaves = { &odd, 1, PAGES_2M, PAGES_1G - 1 };
	static const struct shape large = { pages, FILL_CNT, FILL_CNT, PAGES_1G - 1 };

	make_inputs();
	bench_add("pagetable/map/4K_sequential", map_single, in_order);
	bench_add("pagetable/map/4K_random", map_single, scattered);
	bench_add("pagetable/pair/256x4K", pair, &warm);
	bench_add("pagetable/pair/256x4K_new_table", pair, &cold);
	bench_add("pagetable/pair/2M_aligned", pair, &leaf);
	bench_add("pagetable/pair/2M_4K_off", pair, &leaves);
	bench_add("pagetable/map/512MiB_of_4K", map_fill, &large);
	bench_add("array/fill/512MiB_of_4K", flat_fill, &large);
	bench_add("walker/walk/512MiB_of_4K", walk, &large);
	return bench_main(argc, argv);
}
