/* SPDX-License-Identifier: MIT */
/*
 * Page-frame arrays in bulk: into a chunk list, into 32-byte rows the way that Linux makes a
 * scatterlist of them (two passes over the array, rows in pieces of 128 with a link), and, as the
 * least that can be done, copied. Storage is there beforehand: no allocator is measured, except in
 * the lines called cold, which get theirs from the C library.
 */
#include <stddef.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyr/list.h>

#include "bench.h"

#define PAGE_CNT 262144 /* 1 GiB of base pages */
#define SEGMENT_MAX (UINT64_C(2) << 30)
#define PIECE_ROWS 128

/* As wide as a scatterlist's row. */
struct row {
	uint64_t link;
	uint32_t offset;
	uint32_t len;
	uint64_t dma_address;
	uint32_t dma_len;
	uint32_t flags;
};

struct input {
	uint64_t pages[PAGE_CNT];
	uint64_t run_cnt;
};

static struct input contiguous, scattered, mixed;
static uint64_t copy[PAGE_CNT];
static struct row rows[PAGE_CNT + PAGE_CNT / (PIECE_ROWS - 1) + 1];
static _Alignas(64) unsigned char storage[4 * PAGE_CNT * sizeof(uint64_t)];
static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

static void make_input(struct input *in, uint64_t longest)
{
	uint64_t random = 1;
	size_t i = 0;

	while (i < PAGE_CNT) {
		uint64_t page = bench_random(&random) >> 30;
		uint64_t cnt = longest ? 1 + bench_random(&random) % longest : PAGE_CNT;

		for (uint64_t j = 0; j < cnt && i < PAGE_CNT; j++)
			in->pages[i++] = page + j;
		in->run_cnt++;
	}
}

static bool ends(const uint64_t *pages, size_t i, uint64_t len)
{
	return len >= SEGMENT_MAX || pages[i] != pages[i - 1] + 1;
}

/* Pass one: how many rows there will be. */
static size_t count_rows(const uint64_t *pages)
{
	uint64_t len = 0;
	size_t cnt = 1;

	for (size_t i = 1; i < PAGE_CNT; i++) {
		len += PHYR_PAGE_SIZE;
		if (ends(pages, i, len)) {
			cnt++;
			len = 0;
		}
	}
	return cnt;
}

/* Pass two: the rows, the last of each piece being a link to the next. */
static size_t make_rows(const uint64_t *pages)
{
	size_t cnt = count_rows(pages);
	size_t at = 0, first = 0;

	for (size_t i = 0; i < cnt; i++) {
		size_t end = first + 1;

		while (end < PAGE_CNT && !ends(pages, end, (end - first) << PHYR_PAGE_LG2))
			end++;
		if (at % PIECE_ROWS == PIECE_ROWS - 1)
			rows[at++].link = 1;
		rows[at++] = (struct row){
			pages[first] << 6, 0, (uint32_t)((end - first) << PHYR_PAGE_LG2), 0, 0, 0
		};
		first = end;
	}
	return cnt;
}

static void pages_rows(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	size_t cnt = 0;

	while (bench_running(b)) {
		cnt = make_rows(in->pages);
		bench_stored(rows);
	}
	bench_require(cnt == in->run_cnt);
	bench_items(b, PAGE_CNT);
}

static void pages_copy(struct bench *b, const void *arg)
{
	const struct input *in = arg;

	while (bench_running(b)) {
		memcpy(copy, in->pages, sizeof(copy));
		bench_stored(copy);
	}
	bench_items(b, PAGE_CNT);
}

static void check_list(const struct phyr_list *list, const struct input *in)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	bench_require(stats.run_cnt == in->run_cnt);
	bench_require(stats.len == (uint64_t)PAGE_CNT << PHYR_PAGE_LG2);
}

static void pages_list(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list list;
	int err = 0;

	phyr_list_init(&list, NULL);
	phyr_list_supply(&list, storage, sizeof(storage));
	while (bench_running(b)) {
		phyr_list_truncate(&list, 0);
		err |= phyr_list_append_pages(&list, in->pages, PAGE_CNT, ram);
	}
	bench_require(!err);
	check_list(&list, in);
	bench_items(b, PAGE_CNT);
	phyr_list_fini(&list);
}

static void pages_list_cold(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list list;
	int err = 0;

	phyr_list_init(&list, phyr_heap_mem());
	while (bench_running(b)) {
		phyr_list_fini(&list);
		err |= phyr_list_append_pages(&list, in->pages, PAGE_CNT, ram);
	}
	bench_require(!err);
	check_list(&list, in);
	bench_items(b, PAGE_CNT);
	phyr_list_fini(&list);
}

int main(int argc, char **argv)
{
	make_input(&contiguous, 0);
	make_input(&scattered, 1);
	make_input(&mixed, 64);
	bench_add("pages/list/contiguous", pages_list, &contiguous);
	bench_add("pages/rows/contiguous", pages_rows, &contiguous);
	bench_add("pages/copy/contiguous", pages_copy, &contiguous);
	bench_add("pages/list/random", pages_list, &scattered);
	bench_add("pages/rows/random", pages_rows, &scattered);
	bench_add("pages/list/runs_to_64", pages_list, &mixed);
	bench_add("pages/rows/runs_to_64", pages_rows, &mixed);
	bench_add("pages/list/contiguous_cold", pages_list_cold, &contiguous);
	bench_add("pages/list/random_cold", pages_list_cold, &scattered);
	return bench_main(argc, argv);
}
