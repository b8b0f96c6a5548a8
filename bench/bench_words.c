/* SPDX-License-Identifier: MIT */
/*
 * Reading runs back in every form of bench/words: what a coding costs a cursor. The loops have the
 * decoder inlined and no container around the entries, so the library's own figure is that of its
 * words, not of its cursor (bench_list.c). The bytes are in words_table's tables.
 */
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>

#include "bench.h"
#include "words/words.h"

/* What is read; made once. */
struct shape {
	const struct words_input *input;
	struct phyr_list list;
	struct phyr_list_stats stats;
	uint64_t mixture; /* XOR of the addresses of the runs */
};

struct read_case {
	const struct words_form *form;
	const struct shape *shape;
	char name[64];
};

/* All single pages; none of them; blocks of every size, so that no branch is foreseen. */
static const char *const shape_names[] = { "pages", "runs", "huge_90", "misaligned" };

#define SHAPE_CNT (sizeof(shape_names) / sizeof(shape_names[0]))

static struct shape shapes[SHAPE_CNT];
static struct read_case cases[SHAPE_CNT * WORDS_FORM_CNT];

static const struct words_input *input_named(const char *name)
{
	for (size_t i = 0; i < WORDS_INPUT_CNT; i++)
		if (strcmp(words_inputs[i].name, name) == 0)
			return &words_inputs[i];
	return NULL;
}

static void make_shape(struct shape *shape, const char *name)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	shape->input = input_named(name);
	bench_require(shape->input);
	phyr_list_init(&shape->list, phyr_heap_mem());
	bench_require(!shape->input->make(&shape->list));
	phyr_list_stats(&shape->list, &shape->stats);
	phyr_list_begin(&shape->list, &cursor);
	while (phyr_list_next(&cursor, &run))
		shape->mixture ^= run.range.pa.addr;
}

static void read_all(struct bench *b, const void *arg)
{
	const struct read_case *c = arg;
	struct words_sum sum = { 0, 0, 0 };
	struct words_cost cost;
	unsigned char *bytes;

	bench_require(words_measure(c->form, &c->shape->list, &cost) == WORDS_OK);
	bytes = malloc((size_t)cost.len);
	bench_require(bytes);
	words_write(c->form, &c->shape->list, bytes);
	while (bench_running(b)) {
		sum = c->form->scan(bytes, (size_t)cost.len);
		bench_use(sum.mixture);
	}
	free(bytes);
	bench_require(sum.entry_cnt == cost.entry_cnt && sum.len == c->shape->stats.len);
	bench_require(sum.entry_cnt != cost.run_cnt || sum.mixture == c->shape->mixture);
	bench_items(b, cost.run_cnt);
	bench_counter(b, "B/run", (double)cost.len / (double)cost.run_cnt);
}

static void add_case(struct read_case *c, const struct words_form *form, const struct shape *shape)
{
	c->form = form;
	c->shape = shape;
	snprintf(c->name, sizeof(c->name), "words/next/%s/%s", shape->input->name, form->name);
	bench_add(c->name, read_all, c);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < SHAPE_CNT; i++) {
		make_shape(&shapes[i], shape_names[i]);
		for (size_t k = 0; k < WORDS_FORM_CNT; k++)
			add_case(&cases[i * WORDS_FORM_CNT + k], words_forms[k], &shapes[i]);
	}
	return bench_main(argc, argv);
}
