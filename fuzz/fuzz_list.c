/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is appended, and whenever memory runs out, a list holds the runs of a model,
 * an array of merged runs, and validates.
 *
 * An operation is a range, as list_model.h has it; with bit 3 of its byte the allocator fails. Not
 * here: every other operation (fuzz_list_edit.c).
 */
#include <stdlib.h>

#include <phyr/list.h>

#include "list_model.h"

/* Only an append that started a run may have asked for memory, once. */
static void append(struct phyr_list *list, struct model *m, struct memory *memory, struct input *in)
{
	unsigned int op = (unsigned int)take(in, 1);
	struct phyr_tag tag = tag_of(op);
	struct phyr_range range = take_range(in, op, m);
	int err;

	memory_grant(memory, op >> 3 & 1 ? 0 : SIZE_MAX);
	err = phyr_list_append(list, range, tag);
	require(memory->call_cnt <= !joins(m, range, tag));
	if (memory->failed)
		require(err == PHYR_E_NOMEM);
	else
		require(err == model_append(m, range, tag));
	require(phyr_list_len(list) == m->len);
}

/* Runs are found by their first and their last byte. */
static void require_seeks(const struct phyr_list *list, const struct model *m)
{
	size_t stride = 1 + m->cnt / 64; /* seeking to every run would take most of the time */
	struct phyr_list_cursor cursor;

	for (size_t i = 0; i < m->cnt; i += stride) {
		const struct phyr_run *run = &m->runs[i];

		require_found(list, run->offset, run);
		require_found(list, run->offset + (run->range.len - 1), run);
	}
	require(phyr_list_seek(list, m->len, &cursor) == PHYR_E_RANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = { 0, 0, 0, false };
	const struct phyr_mem hooks = { memory_alloc, memory_free, &memory };
	struct model model = { malloc((size + 1) * sizeof(struct phyr_run)), 0, 0 };
	struct input in = { data, data + size };
	struct phyr_list list;

	require(model.runs != NULL);
	phyr_list_init(&list, &hooks);
	while (in.next < in.end)
		append(&list, &model, &memory, &in);
	require_same(&list, &model, &memory);
	require_seeks(&list, &model);
	phyr_list_fini(&list);
	require(memory.live_len == 0);
	free(model.runs);
	return 0;
}
