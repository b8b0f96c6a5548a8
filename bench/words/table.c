/* SPDX-License-Identifier: MIT */
/*
 * Prints what memory costs in every form, as tables for docs/performance.md. The same on every
 * machine. Its arguments are recordings; generated memory comes behind them.
 *
 * Exits with 1 when something is not read back as it was written, or a recording cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>
#include <phyr/recording.h>

#include "words.h"

#define ROW_MAX 64

struct row {
	char title[PHYR_RECORDING_TITLE_LEN];
	uint64_t page_cnt;
	uint64_t run_cnt;
	uint64_t list_len; /* [bytes] that the list itself has from its hook, trimmed */
	struct words_cost costs[WORDS_FORM_CNT]; /* run_cnt 0: the form cannot hold it */
};

static struct row rows[ROW_MAX];
static size_t row_cnt;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "words_table: %s: %s\n", what, why);
	exit(1);
}

static void add_row(const char *title, struct phyr_list *list)
{
	struct phyr_list_stats stats;
	struct row *row = &rows[row_cnt++];

	if (row_cnt > ROW_MAX)
		die(title, "too many rows");
	phyr_list_trim(list);
	phyr_list_stats(list, &stats);
	snprintf(row->title, sizeof(row->title), "%s", title);
	row->page_cnt = stats.len / PHYR_PAGE_SIZE;
	row->run_cnt = stats.run_cnt;
	row->list_len = stats.storage_len;
	for (size_t i = 0; i < WORDS_FORM_CNT; i++)
		if (words_measure(words_forms[i], list, &row->costs[i]) == WORDS_WRONG)
			die(title, words_forms[i]->title);
}

static void add_recording(const char *path)
{
	struct phyr_recording_error error = { .reason = "out of memory" };
	struct phyr_recording *recording;

	if (phyr_recording_create(phyr_heap_mem(), &recording) ||
	    phyr_recording_load(recording, path, &error))
		die(path, error.reason);
	for (size_t i = 0; i < phyr_recording_cnt(recording); i++) {
		struct phyr_recording_buffer *buffer = phyr_recording_buffer(recording, i);

		add_row(buffer->title, &buffer->list);
	}
	phyr_recording_destroy(recording);
}

static void add_generated(const struct words_input *input)
{
	struct phyr_list list;

	phyr_list_init(&list, phyr_heap_mem());
	if (input->make(&list))
		die(input->title, "out of memory");
	add_row(input->title, &list);
	phyr_list_fini(&list);
}

/* A figure of a row and a form; negative when there is none. */
typedef double figure_fn(const struct row *row, size_t form);

static double per_run(const struct row *row, size_t form)
{
	const struct words_cost *cost = &row->costs[form];

	return cost->run_cnt ? (double)cost->len / (double)row->run_cnt : -1;
}

static double per_page(const struct row *row, size_t form)
{
	const struct words_cost *cost = &row->costs[form];

	return cost->run_cnt ? (double)cost->len / (double)row->page_cnt : -1;
}

static double stored(const struct row *row, size_t form)
{
	const struct words_cost *cost = &row->costs[form];

	if (words_forms[form] == &words_phyr)
		return (double)row->list_len / (double)row->run_cnt;
	if (!words_forms[form]->store.piece_len)
		return -1;
	return (double)cost->stored_len / (double)row->run_cnt;
}

/* Three digits that count, or all before the point. */
static void print_value(double value)
{
	if (value < 0)
		printf(" – |");
	else if (value < 1)
		printf(" %.3g |", value);
	else
		printf(" %.*f |", value < 1000 ? 2 : 0, value);
}

static bool has_figures(figure_fn *figure, size_t form)
{
	for (size_t i = 0; i < row_cnt; i++)
		if (figure(&rows[i], form) >= 0)
			return true;
	return false;
}

static void print_head(const char *what, figure_fn *figure)
{
	printf("%s\n\n| memory | runs |", what);
	for (size_t i = 0; i < WORDS_FORM_CNT; i++)
		if (has_figures(figure, i))
			printf(" %s |", words_forms[i]->title);
	printf("\n|---|---|");
	for (size_t i = 0; i < WORDS_FORM_CNT; i++)
		if (has_figures(figure, i))
			printf("---|");
	printf("\n");
}

static void print_table(const char *what, figure_fn *figure)
{
	print_head(what, figure);
	for (const struct row *row = rows; row < rows + row_cnt; row++) {
		printf("| %s | %llu |", row->title, (unsigned long long)row->run_cnt);
		for (size_t i = 0; i < WORDS_FORM_CNT; i++)
			if (has_figures(figure, i))
				print_value(figure(row, i));
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		add_recording(argv[i]);
	for (size_t i = 0; i < WORDS_INPUT_CNT; i++)
		add_generated(&words_inputs[i]);
	print_table("Bytes a run:", per_run);
	print_table("\nBytes a page:", per_page);
	print_table("\nStorage, bytes a run:", stored);
	return 0;
}
