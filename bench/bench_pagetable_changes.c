/* SPDX-License-Identifier: MIT */
/*
 * Page tables that change: leaves cut in two, dirty marks set, read and cleared, and what the lock
 * costs of a table that threads share, when nobody else wants it.
 *
 * Not here: mapping and unmapping otherwise (bench_pagetable.c).
 */
#include <stdio.h>
#include <string.h>

#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>

#include "pagetable_world.h"

#define LEAF_CNT 64
#define PAGE_CNT (LEAF_CNT * PAGES_2M)

static const struct phyr_range aligned = { { BASE }, PAGE_CNT *PAGE };
static const struct phyr_range odd = { { BASE + PAGE }, PAGE_CNT *PAGE };

static struct phyr_iova_range all_pages(void)
{
	struct phyr_iova_range range = { iova_of(0), PAGE_CNT * PAGE };

	return range;
}

static struct world open_world(const struct phyrsim_pagetable_params *params)
{
	struct world w;

	world_init_as(&w, params);
	/* A stake: the tables above stay. */
	bench_require(map(&w, PAGES_1G - 1, &odd, 1) == PHYR_OK);
	return w;
}

/* Leaves of 2 MiB, each cut behind its first page, with tables made before. */
static void split(struct bench *b, const void *arg)
{
	static struct phyrsim_pagetable_preload preloads[LEAF_CNT];
	struct world w = open_world(arg);
	struct phyr_gather gather;
	int err = 0;

	phyr_gather_init(&gather);
	for (size_t i = 0; i < LEAF_CNT; i++)
		phyrsim_pagetable_preload_init(&preloads[i]);
	while (bench_running(b)) {
		bench_pause(b);
		err |= map(&w, 0, &aligned, 1);
		for (size_t i = 0; i < LEAF_CNT; i++)
			err |= phyrsim_pagetable_preload_fill(w.table, &preloads[i]);
		bench_resume(b);
		for (size_t i = 0; i < LEAF_CNT; i++)
			err |= phyrsim_pagetable_split(w.table, iova_of(i * PAGES_2M + 1),
						       &preloads[i], &gather);
		bench_pause(b);
		err |= unmap(&w, 1, PAGE_CNT - 1) | unmap(&w, 0, 1);
		bench_resume(b);
	}
	bench_require(!err);
	for (size_t i = 0; i < LEAF_CNT; i++)
		phyrsim_pagetable_preload_fini(w.table, &preloads[i]);
	bench_items(b, LEAF_CNT);
	world_fini(&w);
}

static int read_dirty(const struct world *w, uint64_t *words)
{
	const struct phyrsim_dirty_bitmap bitmap = { words, PAGE_CNT, PHYR_PAGE_LG2 };
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	return phyrsim_pagetable_read_dirty(w->table, all_pages(), 0, &bitmap, &gather);
}

static int mark_all(const struct world *w)
{
	int err = 0;

	for (uint64_t i = 0; i < PAGE_CNT; i++)
		err |= phyrsim_pagetable_mark(w->table, iova_of(i), true);
	return err;
}

static void dirty_none(struct bench *b, const void *arg)
{
	static uint64_t words[PAGE_CNT / 64];
	struct world w = open_world(arg);
	int err = map(&w, 0, &odd, 1) | read_dirty(&w, words);

	memset(words, 0, sizeof(words));
	while (bench_running(b))
		err |= read_dirty(&w, words);
	bench_require(!err && words[0] == 0);
	bench_items(b, PAGE_CNT);
	world_fini(&w);
}

static void dirty_all(struct bench *b, const void *arg)
{
	static uint64_t words[PAGE_CNT / 64];
	struct world w = open_world(arg);
	int err = map(&w, 0, &odd, 1);

	while (bench_running(b)) {
		bench_pause(b);
		err |= mark_all(&w);
		memset(words, 0, sizeof(words));
		bench_resume(b);
		err |= read_dirty(&w, words);
	}
	bench_require(!err && words[0] == UINT64_MAX);
	bench_items(b, PAGE_CNT);
	world_fini(&w);
}

static void mark(struct bench *b, const void *arg)
{
	static uint64_t words[PAGE_CNT / 64];
	struct world w = open_world(arg);
	int err = map(&w, 0, &odd, 1);

	while (bench_running(b)) {
		bench_pause(b);
		err |= read_dirty(&w, words);
		bench_resume(b);
		err |= mark_all(&w);
	}
	bench_require(!err);
	bench_items(b, PAGE_CNT);
	world_fini(&w);
}

/* A page mapped and unmapped, with the release. */
static void pair(struct bench *b, const void *arg)
{
	const struct phyr_range page = { { BASE }, PAGE };
	struct world w = open_world(arg);
	int err = 0;

	bench_require(map(&w, PAGES_2M - 1, &page, 1) == PHYR_OK);
	while (bench_running(b)) {
		for (uint64_t i = 0; i < PAGES_2M - 1; i++)
			err |= map(&w, i, &page, 1) | unmap(&w, i, 1);
	}
	bench_require(!err);
	bench_items(b, PAGES_2M - 1);
	world_fini(&w);
}

static const struct {
	const char *name;
	struct phyrsim_pagetable_params params;
} formats[] = {
	{ "vtd_ss", { .format = PHYRSIM_FORMAT_VTD_SS } },
	{ "amd_v1", { .format = PHYRSIM_FORMAT_AMD_V1 } },
	{ "x86_fs", { .format = PHYRSIM_FORMAT_X86_FS } },
	{ "arm_s1", { .format = PHYRSIM_FORMAT_ARM_S1, .features = PHYRSIM_FEATURE_DIRTY } },
	{ "riscv_s1", { .format = PHYRSIM_FORMAT_RISCV_S1 } },
};

#define FORMAT_CNT (sizeof(formats) / sizeof(formats[0]))

static const struct {
	const char *name;
	bench_fn *fn;
	bool shared;
} shapes[] = {
	{ "split/2M_at_4K", split, false },
	{ "dirty/128MiB_clean", dirty_none, false },
	{ "dirty/128MiB_dirty", dirty_all, false },
	{ "mark/4K_sequential", mark, false },
	{ "pair/4K", pair, false },
	{ "pair/4K_shared", pair, true },
};

#define SHAPE_CNT (sizeof(shapes) / sizeof(shapes[0]))

int main(int argc, char **argv)
{
	static struct phyrsim_pagetable_params params[FORMAT_CNT][SHAPE_CNT];
	char name[64];

	for (size_t i = 0; i < FORMAT_CNT; i++) {
		for (size_t j = 0; j < SHAPE_CNT; j++) {
			params[i][j] = formats[i].params;
			params[i][j].mem = phyr_heap_mem();
			params[i][j].shared = shapes[j].shared;
			(void)snprintf(name, sizeof(name), "%s/%s", formats[i].name,
				       shapes[j].name);
			bench_add(name, shapes[j].fn, &params[i][j]);
		}
	}
	return bench_main(argc, argv);
}
