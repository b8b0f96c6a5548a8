/* SPDX-License-Identifier: MIT */
/*
 * Cutting lists into blocks: one huge run, where counting must not depend on its length, and two
 * million runs, where everything is the cost of a run. list/next over the same runs is what
 * walking them costs without looking at them. 1TiB_of_2M is 524,288 runs of one huge page.
 *
 * Filling a device's array with 4K pages; array/fill is the plain loop that writes as many words.
 */
#include <phyr/heap.h>
#include <phyr/split.h>

#include "bench.h"

#define RUN_CNT 2000000
#define PAGE PHYR_PAGE_SIZE
#define TIB_LG2 40
#define HUGE_LG2 21
/* Words of a filled array: a gigabyte of pages, twice as large as a second-level cache. */
#define WORD_CNT 262144
#define FLAGS UINT64_C(3)

static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

/* 4K, 2M and 1G. */
static const phyr_sizes sizes = { 1 << 12 | 1 << 21 | 1 << 30 };

/* Random single pages, and random runs of 1 … 4096 pages. */
static struct phyr_list pages, runs;

/* A tebibyte of huge pages, none next to the one before. */
static struct phyr_list huge;

/* WORD_CNT pages each: one run, runs of 64 pages, single pages, pages of big-endian devices. */
struct shape {
	struct phyr_list list;
	uint64_t run_pages;
	enum phyr_endian endian;
};

static struct shape one_run = { .run_pages = WORD_CNT };
static struct shape runs_of_64 = { .run_pages = 64 };
static struct shape singles = { .run_pages = 1 };
static struct shape swapped = { .run_pages = WORD_CNT, .endian = PHYR_ENDIAN_BIG };

static uint64_t words[WORD_CNT];

static void append(struct phyr_list *list, uint64_t page, uint64_t page_cnt)
{
	const struct phyr_range range = { phyr_pa_at(page * PAGE), page_cnt * PAGE };

	bench_require(phyr_list_append(list, range, ram) == PHYR_OK);
}

/* No two of the pages are neighbours: the lowest bit of their numbers is always 0. */
static void make_shape(struct shape *shape)
{
	uint64_t random = 1;

	phyr_list_init(&shape->list, phyr_heap_mem());
	for (uint64_t left = WORD_CNT; left; left -= shape->run_pages)
		append(&shape->list, bench_random(&random) >> 29 << 1, shape->run_pages);
}

static void make_huge(void)
{
	uint64_t random = 1;

	phyr_list_init(&huge, phyr_heap_mem());
	for (size_t i = 0; i < 1 << (TIB_LG2 - HUGE_LG2); i++)
		append(&huge, bench_random(&random) >> 38 << 10, 512);
}

static void make_lists(void)
{
	uint64_t random = 1;

	phyr_list_init(&pages, phyr_heap_mem());
	phyr_list_init(&runs, phyr_heap_mem());
	for (size_t i = 0; i < RUN_CNT; i++)
		append(&pages, bench_random(&random) >> 29 << 1, 1);
	for (size_t i = 0; i < RUN_CNT; i++)
		append(&runs, bench_random(&random) >> 28, 1 + bench_random(&random) % 4096);
}

static uint64_t run_cnt_of(const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	return stats.run_cnt;
}

/* Do the blocks make up the list? */
static bool adds_up(const struct phyr_list *list, const struct phyr_block_counts *counts)
{
	uint64_t len = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		len += counts->cnt[lg2] << lg2;
	return len == phyr_list_len(list);
}

static void count_one_run(struct bench *b, const void *arg)
{
	const uint64_t *pa = arg;
	struct phyr_block_counts counts = { { 0 } };
	struct phyr_list list;
	int err = 0;

	phyr_list_init(&list, NULL);
	append(&list, *pa / PAGE, UINT64_C(1) << (TIB_LG2 - PHYR_PAGE_LG2));
	while (bench_running(b))
		err |= phyr_split_count(&list, phyr_iova_at(*pa), sizes, &counts);
	bench_require(!err && adds_up(&list, &counts));
	bench_items(b, 1);
	phyr_list_fini(&list);
}

static void count(struct bench *b, const void *arg)
{
	const struct phyr_list *list = arg;
	struct phyr_block_counts counts = { { 0 } };
	int err = 0;

	while (bench_running(b))
		err |= phyr_split_count(list, phyr_iova_at(0), sizes, &counts);
	bench_require(!err && adds_up(list, &counts));
	bench_items(b, run_cnt_of(list));
}

static void next(struct bench *b, const void *arg)
{
	const struct phyr_list *list = arg;
	uint64_t call_cnt = 0;
	uint64_t len = 0;

	while (bench_running(b)) {
		struct phyr_blocks blocks;
		struct phyr_split split;

		call_cnt = 0;
		len = 0;
		bench_require(phyr_split_begin_physical(list, sizes, &split) == PHYR_OK);
		while (phyr_split_next(&split, &blocks)) {
			len += blocks.cnt << blocks.lg2;
			call_cnt++;
		}
	}
	bench_require(len == phyr_list_len(list));
	bench_items(b, call_cnt);
	bench_counter(b, "items/run", (double)call_cnt / (double)run_cnt_of(list));
}

/* The list's device addresses are its own offsets, so a page of 4K is the answer. */
static void best_size(struct bench *b, const void *arg)
{
	const struct phyr_list *list = arg;
	uint64_t size = 0;

	while (bench_running(b))
		size = phyr_split_best_size(list, 0, sizes, PHYR_COVER_FORBID);
	bench_require(size == PAGE);
	bench_items(b, run_cnt_of(list));
}

static void walk(struct bench *b, const void *arg)
{
	const struct phyr_list *list = arg;
	uint64_t len = 0;

	while (bench_running(b)) {
		struct phyr_list_cursor cursor;
		struct phyr_run run;

		len = 0;
		phyr_list_begin(list, &cursor);
		while (phyr_list_next(&cursor, &run)) {
			bench_use(run.range.pa.addr);
			len += run.range.len;
		}
	}
	bench_require(len == phyr_list_len(list));
	bench_items(b, run_cnt_of(list));
}

static void fill(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	const struct phyr_word_format format = { FLAGS, shape->endian };
	struct phyr_pages cut;
	size_t cnt = 0;

	while (bench_running(b)) {
		bench_require(phyr_split_pages_begin(&shape->list, 0, PHYR_PAGE_LG2, &cut) ==
			      PHYR_OK);
		cnt = phyr_split_fill(&cut, format, words, WORD_CNT);
		bench_stored(words);
	}
	bench_require(cnt == WORD_CNT);
	bench_items(b, WORD_CNT);
	bench_bytes(b, sizeof(words));
}

static void plain_fill(struct bench *b, const void *arg)
{
	const uint64_t *pa = arg;

	while (bench_running(b)) {
		for (uint64_t i = 0; i < WORD_CNT; i++)
			words[i] = (*pa + (i << PHYR_PAGE_LG2)) | FLAGS;
		bench_stored(words);
	}
	bench_require(words[WORD_CNT - 1] == ((*pa + (WORD_CNT - 1) * PAGE) | FLAGS));
	bench_items(b, WORD_CNT);
	bench_bytes(b, sizeof(words));
}

int main(int argc, char **argv)
{
	static const uint64_t aligned = UINT64_C(1) << TIB_LG2;
	static const uint64_t odd = (UINT64_C(1) << TIB_LG2) + PAGE;

	make_lists();
	make_huge();
	make_shape(&one_run);
	make_shape(&runs_of_64);
	make_shape(&singles);
	make_shape(&swapped);
	bench_add("array/fill/1GiB_of_4K", plain_fill, &aligned);
	bench_add("split/fill/1GiB_one_run", fill, &one_run);
	bench_add("split/fill/1GiB_runs_of_64", fill, &runs_of_64);
	bench_add("split/fill/1GiB_singles", fill, &singles);
	bench_add("split/fill/1GiB_one_run_swapped", fill, &swapped);
	bench_add("split/count/1TiB_aligned", count_one_run, &aligned);
	bench_add("split/count/1TiB_4K_off", count_one_run, &odd);
	bench_add("list/next/1TiB_of_2M", walk, &huge);
	bench_add("split/count/1TiB_of_2M", count, &huge);
	bench_add("list/next/2M_pages", walk, &pages);
	bench_add("split/count/2M_pages", count, &pages);
	bench_add("split/next/2M_pages", next, &pages);
	bench_add("split/best_size/2M_pages", best_size, &pages);
	bench_add("list/next/2M_runs", walk, &runs);
	bench_add("split/count/2M_runs", count, &runs);
	bench_add("split/next/2M_runs", next, &runs);
	bench_add("split/best_size/2M_runs", best_size, &runs);
	return bench_main(argc, argv);
}
