/* SPDX-License-Identifier: MIT */
/*
 * Page tables in simulated memory: mapping page by page, mapping and unmapping buffers, filling
 * 512 MiB against the loop that anybody would write for a flat array, and walking.
 *
 * A table goes when its last leaf goes. A stake, one more page that stays mapped, keeps the tables
 * above it, so that a shape says which tables a pass makes and drops.
 *
 * Not here: more memory than caches hold (bench_pagetable_large.c), Linux (kernel/).
 */
#include <stdio.h>
#include <string.h>

#include "pagetable_world.h"

#define BUFFER_CNT 256
#define FILL_CNT 131072
#define WALK_CNT 4096

/* What is mapped at BASE in one call; the stake is the page of that number behind it. */
struct shape {
	const char *name;
	bench_fn *fn;
	const struct phyr_range *runs;
	size_t run_cnt;
	uint64_t page_cnt;
	uint64_t stake;
	const uint32_t *order; /* of single pages instead */
};

/* A shape in a format: what a benchmark gets. */
struct setting {
	const struct shape *shape;
	enum phyrsim_format format;
};

/* Which page is mapped next; none of them is the last one of a table. */
static uint32_t in_order[SINGLE_CNT], scattered[SCATTERED_CNT];

static struct phyr_range pages[FILL_CNT];
static uint64_t flat[FILL_CNT];

static void make_inputs(void)
{
	uint64_t random = 1;

	order_pages(in_order, SINGLE_CNT);
	order_pages(scattered, SCATTERED_CNT);
	shuffle_pages(scattered, SCATTERED_CNT, &random);
	scatter_pages(pages, FILL_CNT, &random);
}

static int map_singles(const struct world *w, const uint32_t *order)
{
	int err = 0;

	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= map(w, order[i], &pages[i], 1);
	return err;
}

static int unmap_singles(const struct world *w, const uint32_t *order)
{
	int err = 0;

	for (size_t i = 0; i < SINGLE_CNT; i++)
		err |= unmap(w, order[i], 1);
	return err;
}

static struct world open_world(const struct setting *setting)
{
	struct world w;

	world_init(&w, setting->format, phyr_heap_mem());
	return w;
}

/* A table in which each page of an order has a table that stays. */
static struct world open_singles(const struct setting *setting)
{
	struct world w = open_world(setting);

	for (uint64_t page = PAGES_2M - 1; page < PAGES_1G; page += PAGES_2M)
		bench_require(map(&w, page, pages, 1) == PHYR_OK);
	return w;
}

/* Single pages, into tables that are there. */
static void map_single(struct bench *b, const void *arg)
{
	const struct setting *setting = arg;
	const uint32_t *order = setting->shape->order;
	struct world w = open_singles(setting);
	int err = 0;

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

/* The same, out of tables that stay. */
static void unmap_single(struct bench *b, const void *arg)
{
	const struct setting *setting = arg;
	const uint32_t *order = setting->shape->order;
	struct world w = open_singles(setting);
	int err = 0;

	while (bench_running(b)) {
		bench_pause(b);
		err |= map_singles(&w, order);
		bench_resume(b);
		err |= unmap_singles(&w, order);
	}
	bench_require(!err && !leads_to(&w, order[0], pages[0].pa.addr));
	bench_items(b, SINGLE_CNT);
	world_fini(&w);
}

static int map_shape(const struct world *w, const struct shape *shape)
{
	return map(w, 0, shape->runs, shape->run_cnt);
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
	const struct setting *setting = arg;
	const struct shape *shape = setting->shape;
	struct world w = open_world(setting);
	int err = map(&w, shape->stake, pages, 1);

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
	const struct setting *setting = arg;
	const struct shape *shape = setting->shape;
	struct world w = open_world(setting);
	int err = map(&w, shape->stake, pages, 1);

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
	const struct setting *setting = arg;
	const struct shape *shape = setting->shape;
	static uint32_t order[WALK_CNT];
	struct phyrsim_walk found = { 0 };
	struct world w = open_world(setting);
	struct phyrsim_root root;
	uint64_t random = 1;
	int err = map_shape(&w, shape);

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

#define MIB4096 (UINT64_C(1) << 32)
static const struct phyr_range few = { { MIB4096 + PAGE }, BUFFER_CNT *PAGE };
static const struct phyr_range whole = { { MIB4096 }, PAGES_2M *PAGE };
static const struct phyr_range odd = { { MIB4096 + PAGE }, PAGES_2M *PAGE };

#define WARM (PAGES_2M - 1) /* the stake is in the last table that the shape uses, */
#define COLD (PAGES_1G - 1) /* or in another one */
#define NONE NULL, 0, 0, 0
static const struct shape shapes[] = {
	{ "map/4K_sequential", map_single, NONE, in_order },
	{ "map/4K_random", map_single, NONE, scattered },
	{ "unmap/4K_sequential", unmap_single, NONE, in_order },
	{ "unmap/4K_random", unmap_single, NONE, scattered },
	{ "pair/256x4K", pair, pages, BUFFER_CNT, BUFFER_CNT, WARM, NULL },
	{ "pair/256x4K_new_table", pair, pages, BUFFER_CNT, BUFFER_CNT, COLD, NULL },
	{ "pair/256x4K_one_run", pair, &few, 1, BUFFER_CNT, WARM, NULL },
	{ "pair/256x4K_one_run_new_table", pair, &few, 1, BUFFER_CNT, COLD, NULL },
	{ "pair/2M_aligned", pair, &whole, 1, PAGES_2M, COLD, NULL },
	{ "pair/2M_4K_off", pair, &odd, 1, PAGES_2M, COLD, NULL },
	{ "map/512MiB_of_4K", map_fill, pages, FILL_CNT, FILL_CNT, COLD, NULL },
	{ "walk/512MiB_of_4K", walk, pages, FILL_CNT, FILL_CNT, COLD, NULL },
};
static const struct shape flat_shape = { "", flat_fill, pages, FILL_CNT, FILL_CNT, COLD, NULL };

static const struct {
	const char *name;
	enum phyrsim_format format;
} formats[] = {
	{ "vtd_ss", PHYRSIM_FORMAT_VTD_SS },	 { "amd_v1", PHYRSIM_FORMAT_AMD_V1 },
	{ "x86_fs", PHYRSIM_FORMAT_X86_FS },	 { "arm_s1", PHYRSIM_FORMAT_ARM_S1 },
	{ "riscv_s1", PHYRSIM_FORMAT_RISCV_S1 },
};

#define SHAPE_CNT (sizeof(shapes) / sizeof(shapes[0]))
#define FORMAT_CNT (sizeof(formats) / sizeof(formats[0]))

int main(int argc, char **argv)
{
	static struct setting settings[FORMAT_CNT][SHAPE_CNT];
	char name[64];

	make_inputs();
	for (size_t i = 0; i < FORMAT_CNT; i++) {
		for (size_t j = 0; j < SHAPE_CNT; j++) {
			settings[i][j].shape = &shapes[j];
			settings[i][j].format = formats[i].format;
			(void)snprintf(name, sizeof(name), "%s/%s", formats[i].name,
				       shapes[j].name);
			bench_add(name, shapes[j].fn, &settings[i][j]);
		}
	}
	bench_add("array/fill/512MiB_of_4K", flat_fill, &flat_shape);
	return bench_main(argc, argv);
}
