/* SPDX-License-Identifier: MIT */
/*
 * Page tables of much memory: does a page take as long in 64 GiB as in 1 GiB, and what is 1 TiB of
 * huge pages? VT-d, in simulated memory, with all tables made new: of frames that were tables before,
 * or, cold, of memory that the process never touched.
 *
 * Next to it the loop over a flat array of as many entries. What both lose when there are more is
 * the machine's: tables of 64 GiB take 128 MiB.
 *
 * Not here: what fits into caches (bench_pagetable.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagetable_world.h"

#define GIB_MAX 64
#define HUGE_CNT 524288 /* 1 TiB of 2 MiB */
#define MIB 1048576.0

/* malloc() that knows how much of it is in use. */
static size_t used_len, used_max;

static void *counted_alloc(void *ctx, size_t size)
{
	(void)ctx;
	used_len += size;
	if (used_len > used_max)
		used_max = used_len;
	return malloc(size);
}

static void counted_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	used_len -= size;
	free(ptr);
}

static const struct phyr_mem counted = { counted_alloc, counted_free, NULL };

static struct world open_world(void)
{
	struct world w;

	used_max = 0;
	world_init(&w, PHYRSIM_FORMAT_VTD_SS, &counted);
	return w;
}

/* One run whose addresses differ modulo 8K, so that there are only leaves of 4K. */
static void map_gibs(struct bench *b, const void *arg)
{
	const uint64_t page_cnt = *(const uint64_t *)arg * PAGES_1G;
	const struct phyr_range run = { { PAGE }, page_cnt * PAGE };
	struct world w = open_world();
	int err = map(&w, 0, &run, 1) | unmap(&w, 0, page_cnt);

	while (bench_running(b)) {
		err |= map(&w, 0, &run, 1);
		bench_pause(b);
		err |= unmap(&w, 0, page_cnt);
		bench_resume(b);
	}
	bench_require(!err && map(&w, 0, &run, 1) == PHYR_OK);
	bench_require(leads_to(&w, 0, PAGE) && leads_to(&w, page_cnt - 1, page_cnt * PAGE));
	bench_items(b, page_cnt);
	bench_counter(b, "MiB", (double)used_max / MIB);
	world_fini(&w);
}

/* The same in memory that the process never touched: what is measured is mostly page faults. */
static void map_gibs_cold(struct bench *b, const void *arg)
{
	const uint64_t page_cnt = *(const uint64_t *)arg * PAGES_1G;
	const struct phyr_range run = { { PAGE }, page_cnt * PAGE };
	int err = 0;

	while (bench_running(b)) {
		struct world w;

		bench_pause(b);
		w = open_world();
		bench_resume(b);
		err |= map(&w, 0, &run, 1);
		bench_pause(b);
		world_fini(&w);
		bench_resume(b);
	}
	bench_require(!err);
	bench_items(b, page_cnt);
}

static __attribute__((noinline)) bool fill_flat(uint64_t *flat, uint64_t page_cnt)
{
	for (uint64_t i = 0; i < page_cnt; i++) {
		if (flat[i])
			return false;
		flat[i] = (i + 1) << PHYR_PAGE_LG2 | PHYR_PERM_READ_WRITE;
	}
	return true;
}

static void flat_gibs(struct bench *b, const void *arg)
{
	static uint64_t flat[GIB_MAX * PAGES_1G]; /* one for all: it is touched once */
	const uint64_t page_cnt = *(const uint64_t *)arg * PAGES_1G;
	bool filled = true;

	memset(flat, 0, page_cnt * sizeof(*flat));
	while (bench_running(b)) {
		filled &= fill_flat(flat, page_cnt);
		bench_pause(b);
		memset(flat, 0, page_cnt * sizeof(*flat));
		bench_resume(b);
	}
	bench_require(filled);
	bench_items(b, page_cnt);
}

static void flat_gibs_cold(struct bench *b, const void *arg)
{
	const uint64_t page_cnt = *(const uint64_t *)arg * PAGES_1G;
	bool filled = true;

	while (bench_running(b)) {
		uint64_t *flat = calloc(page_cnt, sizeof(*flat));

		bench_require(flat);
		filled &= fill_flat(flat, page_cnt);
		bench_stored(flat);
		free(flat);
	}
	bench_require(filled);
	bench_items(b, page_cnt);
}

/* Huge pages, none next to the one before. */
static void map_tib(struct bench *b, const void *arg)
{
	const uint64_t page_cnt = (uint64_t)HUGE_CNT * PAGES_2M;
	struct phyr_range *runs = malloc(HUGE_CNT * sizeof(*runs));
	struct world w = open_world();
	int err = 0;

	(void)arg;
	bench_require(runs);
	for (uint64_t i = 0; i < HUGE_CNT; i++) {
		runs[i].pa = phyr_pa_at((i * 40503 % HUGE_CNT * 2 + 1) * PAGES_2M * PAGE);
		runs[i].len = PAGES_2M * PAGE;
	}
	while (bench_running(b)) {
		err |= map(&w, 0, runs, HUGE_CNT);
		bench_pause(b);
		err |= unmap(&w, 0, page_cnt);
		bench_resume(b);
	}
	bench_require(!err && map(&w, 0, runs, HUGE_CNT) == PHYR_OK);
	bench_require(leads_to(&w, page_cnt - PAGES_2M, runs[HUGE_CNT - 1].pa.addr));
	bench_items(b, HUGE_CNT);
	bench_counter(b, "MiB", (double)used_max / MIB);
	world_fini(&w);
	free(runs);
}

int main(int argc, char **argv)
{
	static const uint64_t gibs[] = { 1, 2, 4, 8, 16, 32, GIB_MAX };
	static const struct {
		const char *name;
		bench_fn *fn;
	} rows[] = {
		{ "vtd_ss/map/%uGiB_of_4K", map_gibs },
		{ "array/fill/%uGiB_of_4K", flat_gibs },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t j = 0; j < sizeof(gibs) / sizeof(gibs[0]); j++) {
			(void)snprintf(name, sizeof(name), rows[i].name, (unsigned int)gibs[j]);
			bench_add(name, rows[i].fn, &gibs[j]);
		}
	}
	/* Of less memory, malloc() gives some again that it had before. */
	bench_add("vtd_ss/map_cold/64GiB_of_4K", map_gibs_cold, &gibs[6]);
	bench_add("array/fill_cold/64GiB_of_4K", flat_gibs_cold, &gibs[6]);
	bench_add("vtd_ss/map/1TiB_of_2M", map_tib, NULL);
	return bench_main(argc, argv);
}
