/* SPDX-License-Identifier: MIT */
/*
 * The sealed form against the list's own words and against a byte-wise variable-length code: what
 * a run takes, and what it costs to write, to check and to read.
 *
 * The variable-length code is LEB128 of the zigzag distance, in pages, from the end of the run
 * before, and of the page count. It is only counted: it cannot be sought in.
 */
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>
#include <phyr/recording.h>
#include <phyr/seal.h>

#include "bench.h"
#include "words/words.h"

#define SEEK_CNT 1024
#define NAME_LEN 64
#define RECORDINGS PHYR_SOURCE_ROOT "/sim/recordings/"

static const struct {
	const char *name;
	const char *path;
} recordings[] = {
	{ "base_fragmented", RECORDINGS "base-fragmented.txt" },
	{ "base_scattered", RECORDINGS "base-scattered.phyr" },
	{ "base_fresh", RECORDINGS "base-fresh.txt" },
	{ "thp", RECORDINGS "thp.txt" },
};
#define RECORDING_CNT (sizeof(recordings) / sizeof(recordings[0]))
#define INPUT_CNT (RECORDING_CNT + WORDS_INPUT_CNT)

struct input {
	const char *name;
	struct phyr_list *list;
	struct phyr_list_stats stats;
	void *bytes;
	size_t len; /* [bytes] of the seal */
	struct phyr_seal seal;
};

static struct phyr_list made[WORDS_INPUT_CNT];
static struct input inputs[INPUT_CNT];
static uint64_t offsets[SEEK_CNT];

static size_t varint_len(uint64_t value)
{
	size_t len = 1;

	for (; value >= 128; value >>= 7)
		len++;
	return len;
}

static size_t varints_len(const struct phyr_list *list)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t end = 0;
	size_t len = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t page = run.range.pa.addr >> PHYR_PAGE_LG2;
		uint64_t page_cnt = run.range.len >> PHYR_PAGE_LG2;
		uint64_t step = page - end;

		len += varint_len(step >> 63 ? ~step << 1 | 1 : step << 1) + varint_len(page_cnt);
		end = page + page_cnt;
	}
	return len;
}

static void prepare(struct input *in, const char *name, struct phyr_list *list)
{
	int err = phyr_seal_size(list, &in->len);

	in->name = name;
	in->list = list;
	phyr_list_stats(list, &in->stats);
	in->bytes = malloc(in->len);
	err |= phyr_seal_write(list, in->bytes, in->len, &in->seal);
	bench_require(!err);
}

static void prepare_all(void)
{
	uint64_t random = 1;
	int err = 0;

	for (size_t i = 0; i < RECORDING_CNT; i++) {
		struct phyr_recording *recording;

		err |= phyr_recording_create(phyr_heap_mem(), &recording);
		err |= phyr_recording_load(recording, recordings[i].path, NULL);
		bench_require(!err);
		prepare(&inputs[i], recordings[i].name, &phyr_recording_buffer(recording, 0)->list);
	}
	for (size_t i = 0; i < WORDS_INPUT_CNT; i++) {
		phyr_list_init(&made[i], phyr_heap_mem());
		err |= words_inputs[i].make(&made[i]);
		bench_require(!err);
		prepare(&inputs[RECORDING_CNT + i], words_inputs[i].name, &made[i]);
	}
	for (size_t i = 0; i < SEEK_CNT; i++)
		offsets[i] = bench_random(&random);
}

/* Sizes are counted with the header; the ratios are those that the design promises. */
static void seal_write(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	double runs = (double)in->stats.run_cnt, len = (double)in->len;
	double plain = (double)(in->stats.words_len + in->stats.tags_len);
	double varints = (double)varints_len(in->list);
	struct phyr_seal seal;
	int err = 0;

	while (bench_running(b))
		err |= phyr_seal_write(in->list, in->bytes, in->len, &seal);
	bench_require(!err && phyr_seal_bytes(&seal) == in->len);
	bench_items(b, in->stats.run_cnt);
	bench_counter(b, "B/run", len / runs);
	bench_counter(b, "plain_B/run", plain / runs);
	bench_counter(b, "of_plain", len / plain);
	if (in->stats.granular)
		return; /* pages are not enough for the other code */
	bench_counter(b, "leb128_B/run", varints / runs);
	bench_counter(b, "of_leb128", len / varints);
}

static void seal_attach(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_seal seal;
	int err = 0;

	while (bench_running(b))
		err |= phyr_seal_attach(in->bytes, in->len, &seal, NULL);
	bench_require(!err && phyr_seal_len(&seal) == in->stats.len);
	bench_items(b, in->stats.run_cnt);
}

static void seal_next(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	uint64_t len = 0;

	while (bench_running(b)) {
		struct phyr_seal_cursor cursor;
		struct phyr_run run;

		len = 0;
		phyr_seal_begin(&in->seal, &cursor);
		while (phyr_seal_next(&cursor, &run)) {
			bench_use(run.range.pa.addr);
			len += run.range.len;
		}
	}
	bench_require(len == in->stats.len);
	bench_items(b, in->stats.run_cnt);
}

static void list_next(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	uint64_t len = 0;

	while (bench_running(b)) {
		struct phyr_list_cursor cursor;
		struct phyr_run run;

		len = 0;
		phyr_list_begin(in->list, &cursor);
		while (phyr_list_next(&cursor, &run)) {
			bench_use(run.range.pa.addr);
			len += run.range.len;
		}
	}
	bench_require(len == in->stats.len);
	bench_items(b, in->stats.run_cnt);
}

static void seal_seek(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_seal_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	int err = 0;

	while (bench_running(b))
		for (size_t i = 0; i < SEEK_CNT; i++)
			err |= phyr_seal_seek(&in->seal, offsets[i] % in->stats.len, &cursor);
	bench_require(!err && phyr_seal_next(&cursor, &run));
	bench_require(offsets[SEEK_CNT - 1] % in->stats.len - run.offset < run.range.len);
	bench_items(b, SEEK_CNT);
}

static void list_seek(struct bench *b, const void *arg)
{
	const struct input *in = arg;
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	int err = 0;

	while (bench_running(b))
		for (size_t i = 0; i < SEEK_CNT; i++)
			err |= phyr_list_seek(in->list, offsets[i] % in->stats.len, &cursor);
	bench_require(!err && phyr_list_next(&cursor, &run));
	bench_require(offsets[SEEK_CNT - 1] % in->stats.len - run.offset < run.range.len);
	bench_items(b, SEEK_CNT);
}

static const struct {
	const char *name;
	bench_fn *fn;
} operations[] = {
	{ "seal/write/", seal_write }, { "seal/attach/", seal_attach }, { "seal/next/", seal_next },
	{ "list/next/", list_next },   { "seal/seek/", seal_seek },	{ "list/seek/", list_seek },
};

int main(int argc, char **argv)
{
	prepare_all();
	for (size_t op = 0; op < sizeof(operations) / sizeof(operations[0]); op++) {
		for (size_t i = 0; i < INPUT_CNT; i++) {
			char name[NAME_LEN];

			snprintf(name, sizeof(name), "%s%s", operations[op].name, inputs[i].name);
			bench_add(name, operations[op].fn, &inputs[i]);
		}
	}
	return bench_main(argc, argv);
}
