/* SPDX-License-Identifier: MIT */
/*
 * The chunk list against an array of {address, length}: what it costs to build, to walk and to
 * find a byte. Both get the same ranges, join neighbours and store into memory that is there
 * already, so neither measures an allocator. Appending to the array is a call, as it is to the
 * list; walking the array is the bare loop.
 */
#include <stddef.h>

#include <phyr/list.h>

#include "bench.h"

#define RANGE_CNT 100000
#define SEEK_CNT 4096
#define ARRAY_SEEK_CNT 64
#define PAGE PHYR_PAGE_SIZE

struct input {
	struct phyr_range ranges[RANGE_CNT];
	uint64_t run_cnt; /* once neighbours are joined */
	uint64_t len;
};

static struct input contiguous, pages, mixed;
static uint64_t seeds[SEEK_CNT];

struct array {
	struct phyr_range runs[RANGE_CNT];
	size_t cnt;
};

/* Slabs for one list at a time; taken back all at once. */
struct arena {
	size_t used;
	_Alignas(max_align_t) unsigned char bytes[4 * RANGE_CNT * sizeof(uint64_t)];
};

static struct array array;
static struct arena arena;

static void *arena_alloc(void *ctx, size_t size)
{
	struct arena *from = ctx;
	void *ptr = from->bytes + from->used;

	if (size > sizeof(from->bytes) - from->used)
		return NULL;
	from->used += size;
	return ptr;
}

static void arena_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)ptr;
	(void)size;
}

static const struct phyr_mem arena_mem = { arena_alloc, arena_free, &arena };
static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

static void input_add(struct input *in, size_t i, uint64_t page, uint64_t page_cnt)
{
	const struct phyr_range range = { phyr_pa_at(page * PAGE), page_cnt * PAGE };
	const struct phyr_range *prev = &in->ranges[i - (i > 0)];

	in->ranges[i] = range;
	in->run_cnt += i == 0 || prev->pa.addr + prev->len != range.pa.addr;
	in->len += range.len;
}

static void make_inputs(void)
{
	uint64_t random = 1;

	for (size_t i = 0; i < RANGE_CNT; i++) {
		input_add(&contiguous, i, 0x12345 + i, 1);
		input_add(&pages, i, bench_random(&random) >> 28, 1);
		input_add(&mixed, i, bench_random(&random) >> 28, 1 + bench_random(&random) % 4096);
	}
	for (size_t i = 0; i < SEEK_CNT; i++)
		seeds[i] = bench_random(&random);
}

static void list_fill(struct phyr_list *list, const struct input *in)
{
	int err = 0;

	phyr_list_fini(list);
	arena.used = 0;
	for (size_t i = 0; i < RANGE_CNT; i++)
		err |= phyr_list_append(list, in->ranges[i], ram);
	bench_require(!err);
}

static __attribute__((noinline)) void array_append(struct array *to, struct phyr_range range)
{
	struct phyr_range *end = to->cnt ? &to->runs[to->cnt - 1] : NULL;

	if (end && end->pa.addr + end->len == range.pa.addr)
		end->len += range.len;
	else
		to->runs[to->cnt++] = range;
}

static void array_fill(struct array *to, const struct input *in)
{
	to->cnt = 0;
	for (size_t i = 0; i < RANGE_CNT; i++)
		array_append(to, in->ranges[i]);
}

static void list_append(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list_stats stats;
	struct phyr_list list;

	phyr_list_init(&list, &arena_mem);
	while (bench_running(b))
		list_fill(&list, in);
	phyr_list_stats(&list, &stats);
	bench_require(stats.run_cnt == in->run_cnt && stats.len == in->len);
	bench_items(b, RANGE_CNT);
	bench_counter(b, "B/run", (double)stats.storage_len / (double)stats.run_cnt);
}

static void append_to_array(struct bench *b, const void *arg)
{
	const struct input *in = arg;

	while (bench_running(b))
		array_fill(&array, in);
	bench_require(array.cnt == in->run_cnt);
	bench_items(b, RANGE_CNT);
	bench_counter(b, "B/run", sizeof(array.runs[0]));
}

static void list_next(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list list;
	uint64_t len = 0;

	phyr_list_init(&list, &arena_mem);
	list_fill(&list, in);
	while (bench_running(b)) {
		struct phyr_list_cursor cursor;
		struct phyr_run run;

		len = 0;
		phyr_list_begin(&list, &cursor);
		while (phyr_list_next(&cursor, &run)) {
			bench_use(run.range.pa.addr);
			len += run.range.len;
		}
	}
	bench_require(len == in->len);
	bench_items(b, in->run_cnt);
}

static void walk_array(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	uint64_t len = 0;

	array_fill(&array, in);
	while (bench_running(b)) {
		len = 0;
		bench_stored(&array);
		for (size_t i = 0; i < array.cnt; i++) {
			bench_use(array.runs[i].pa.addr);
			len += array.runs[i].len;
		}
	}
	bench_require(len == in->len);
	bench_items(b, in->run_cnt);
}

static void list_seek(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	struct phyr_list list;
	int err = 0;

	phyr_list_init(&list, &arena_mem);
	list_fill(&list, in);
	while (bench_running(b))
		for (size_t i = 0; i < SEEK_CNT; i++)
			err |= phyr_list_seek(&list, seeds[i] % in->len, &cursor);
	bench_require(!err && phyr_list_next(&cursor, &run));
	bench_require(seeds[SEEK_CNT - 1] % in->len - run.offset < run.range.len);
	bench_items(b, SEEK_CNT);
}

/* An array of {address, length} can only be walked to a byte. */
static size_t array_find(const struct array *in, uint64_t *offset)
{
	size_t i = 0;

	while (*offset >= in->runs[i].len)
		*offset -= in->runs[i++].len;
	return i;
}

static void seek_array(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	uint64_t left = 0;
	size_t found = 0;

	array_fill(&array, in);
	while (bench_running(b)) {
		for (size_t i = 0; i < ARRAY_SEEK_CNT; i++) {
			left = seeds[i] % in->len;
			found = array_find(&array, &left);
			bench_use(found);
		}
	}
	bench_require(left < array.runs[found].len);
	bench_items(b, ARRAY_SEEK_CNT);
}

int main(int argc, char **argv)
{
	make_inputs();
	bench_add("list/append/contiguous_pages", list_append, &contiguous);
	bench_add("array/append/contiguous_pages", append_to_array, &contiguous);
	bench_add("list/append/random_pages", list_append, &pages);
	bench_add("array/append/random_pages", append_to_array, &pages);
	bench_add("list/append/random_runs", list_append, &mixed);
	bench_add("array/append/random_runs", append_to_array, &mixed);
	bench_add("list/next/100k_pages", list_next, &pages);
	bench_add("array/next/100k_pages", walk_array, &pages);
	bench_add("list/next/100k_runs", list_next, &mixed);
	bench_add("array/next/100k_runs", walk_array, &mixed);
	bench_add("list/seek/100k_pages", list_seek, &pages);
	bench_add("array/seek/100k_pages", seek_array, &pages);
	return bench_main(argc, argv);
}
