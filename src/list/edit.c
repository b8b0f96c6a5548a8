/* SPDX-License-Identifier: MIT */
/* Lists made from lists: concatenated, copied, cut off, compared. */

#include <string.h>

#include <phyr/list.h>

#include "../base/check.h"
#include "slab.h"

int phyr_list_concat(struct phyr_list *list, const struct phyr_list *other)
{
	struct phyr_list_cursor cursor;
	struct phyr_list_mark mark;
	struct phyr_run run;
	int err = PHYR_OK;

	if (!list || !other || list == other)
		return PHYR_E_INVAL;
	phyr_list_mark(list, &mark);
	phyr_list_begin(other, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = phyr_list_append(list, run.range, run.tag);
	if (err)
		phyr_list_rollback(list, &mark);
	return err;
}

int phyr_list_clone(const struct phyr_list *list, const struct phyr_mem *mem,
		    struct phyr_list *ret_copy)
{
	int err;

	if (!ret_copy || list == ret_copy)
		return PHYR_E_INVAL;
	phyr_list_init(ret_copy, mem);
	err = phyr_list_concat(ret_copy, list);
	if (err)
		phyr_list_fini(ret_copy);
	else
		ret_copy->va = list->va;
	return err;
}

bool phyr_list_equal(const struct phyr_list *a, const struct phyr_list *b)
{
	struct phyr_list_cursor a_cursor, b_cursor;
	struct phyr_run a_run, b_run;

	if (a->stats.len != b->stats.len || a->stats.run_cnt != b->stats.run_cnt)
		return false;
	phyr_list_begin(a, &a_cursor);
	phyr_list_begin(b, &b_cursor);
	while (phyr_list_next(&a_cursor, &a_run) && phyr_list_next(&b_cursor, &b_run))
		if (a_run.range.pa.addr != b_run.range.pa.addr ||
		    a_run.range.len != b_run.range.len || !phyr_tag_equal(a_run.tag, b_run.tag))
			return false;
	return true;
}

/* Takes away the words of a run and all behind them; the cursor stands before the run. */
static void drop_words(struct phyr_list *list, const struct phyr_list_cursor *cursor)
{
	struct phyr_slab *slab = (struct phyr_slab *)(uintptr_t)cursor->slab;
	const uint64_t *words = slab ? slab->words : list->words;
	uint32_t word_cnt = (uint32_t)(cursor->next - words);

	if (!slab)
		list->word_cnt = word_cnt;
	else if (word_cnt)
		slab->word_cnt = (uint16_t)word_cnt;
	else
		slab = slab->prev; /* no slab is empty */
	phyr_list_drop_slabs(list, slab);
}

/* The list's last byte becomes one of this run, which becomes the open one. */
static void reopen(struct phyr_list *list, const struct phyr_list_cursor *before,
		   const struct phyr_run *run, uint64_t len)
{
	struct phyr_list_stats closed;
	size_t storage_len;

	drop_words(list, before);
	storage_len = list->stats.storage_len;
	list->tag = before->tag;
	list->open = run->range;
	list->open.len = len - run->offset;
	list->open_tag = run->tag;
	list->stats.len = len;
	phyr_list_recount(list, &closed);
	list->stats = closed;
	list->stats.storage_len = storage_len;
}

void phyr_list_truncate(struct phyr_list *list, uint64_t len)
{
	struct phyr_list_cursor before, cursor;
	struct phyr_run run;

	PHYR_ASSERT(list->borrow_cnt == 0);
	if (len >= list->stats.len)
		return;
	if (len == 0) {
		struct phyr_list empty;

		phyr_list_init(&empty, list->mem);
		phyr_list_drop_slabs(list, NULL);
		empty.va = list->va;
		empty.spare = list->spare;
		empty.stats.storage_len = list->stats.storage_len;
		*list = empty;
		return;
	}
	if (phyr_list_seek(list, len - 1, &before))
		return;
	cursor = before;
	if (phyr_list_next(&cursor, &run))
		reopen(list, &before, &run, len);
	PHYR_AUDIT(phyr_list_validate(list, NULL));
}
