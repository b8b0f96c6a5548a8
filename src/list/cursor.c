/* SPDX-License-Identifier: MIT */
/* Reading a list: run by run, from the start or from the run that holds a byte. */

#include <phyr/list.h>

#include "slab.h"

static void enter(struct phyr_list_cursor *cursor, const struct phyr_slab *slab)
{
	const struct phyr_list *list = cursor->list;

	cursor->slab = slab;
	cursor->next = slab ? slab->words : list->words;
	cursor->end = cursor->next + (slab ? slab->word_cnt : list->word_cnt);
	cursor->tag = slab ? slab->tag : list->first_tag;
	cursor->offset = slab ? slab->offset : 0;
	cursor->skip = cursor->offset ? 0 : list->first_skip;
	cursor->fast = cursor->plain && cursor->skip == 0;
	cursor->open_done = false;
	cursor->open_used = 0;
}

static void start(const struct phyr_list *list, const struct phyr_slab *slab,
		  struct phyr_list_cursor *cursor)
{
	cursor->list = list;
	cursor->first = 0;
	cursor->last = UINT64_MAX;
	cursor->plain = !list->cut;
	enter(cursor, slab);
}

void phyr_list_begin(const struct phyr_list *list, struct phyr_list_cursor *cursor)
{
	start(list, NULL, cursor);
}

static const struct phyr_slab *slab_behind(const struct phyr_list_cursor *cursor)
{
	return cursor->slab ? cursor->slab->next : cursor->list->first;
}

static bool take_open(struct phyr_list_cursor *cursor, struct phyr_run *ret_run)
{
	const struct phyr_list *list = cursor->list;

	if (cursor->open_done || list->open.len == 0)
		return false;
	cursor->open_done = true;
	ret_run->range = list->open;
	ret_run->tag = list->open_tag;
	ret_run->offset = list->stats.len - list->open.len;
	return true;
}

static bool is_tag(uint64_t word)
{
	return word >> PHYR_CHUNK_SUBTYPE_BIT == PHYR_CHUNK_SUBTYPE_TAG;
}

/* Moves to the next word of a run; false when the words are at their end. */
static bool find_words(struct phyr_list_cursor *cursor)
{
	while (cursor->next == cursor->end || is_tag(*cursor->next)) {
		if (cursor->next != cursor->end)
			cursor->tag = phyr_chunk_decode_tag(*cursor->next++);
		else if (slab_behind(cursor))
			enter(cursor, slab_behind(cursor));
		else
			return false;
	}
	return true;
}

/* The next chunk, which is the next run unless that was too long for one chunk. */
static bool next_chunk(struct phyr_list_cursor *cursor, struct phyr_run *ret_run)
{
	if (!find_words(cursor))
		return take_open(cursor, ret_run);
	cursor->next += phyr_chunk_decode(cursor->next, &ret_run->range);
	ret_run->range.pa.addr += cursor->skip;
	ret_run->range.len -= cursor->skip;
	cursor->skip = 0;
	cursor->fast = cursor->plain;
	ret_run->tag = cursor->tag;
	ret_run->offset = cursor->offset;
	cursor->offset += ret_run->range.len;
	return true;
}

/* Chunks that follow one another without a joint are parts of one run. */
static void join_chunks(struct phyr_list_cursor *cursor, struct phyr_run *run)
{
	struct phyr_list_cursor ahead = *cursor;
	struct phyr_run next;

	while (next_chunk(&ahead, &next) &&
	       phyr_list_joins(run->range, run->tag, next.range, next.tag)) {
		run->range.len += next.range.len;
		*cursor = ahead;
	}
}

/* Cuts a run to the slice; false when it is behind it. */
static bool clip(const struct phyr_list_cursor *cursor, struct phyr_run *run)
{
	if (run->offset > cursor->last)
		return false;
	if (run->offset < cursor->first) {
		run->range.pa.addr += cursor->first - run->offset;
		run->range.len -= cursor->first - run->offset;
		run->offset = cursor->first;
	}
	if (run->range.len - 1 > cursor->last - run->offset)
		run->range.len = cursor->last - run->offset + 1;
	return true;
}

bool phyr_list_next_slow(struct phyr_list_cursor *cursor, struct phyr_run *ret_run)
{
	struct phyr_run run;

	if (cursor->plain)
		return next_chunk(cursor, ret_run);
	if (!next_chunk(cursor, &run))
		return false;
	join_chunks(cursor, &run);
	if (!clip(cursor, &run))
		return false;
	*ret_run = run;
	return true;
}

unsigned int phyr_list_next_chunk(struct phyr_list_cursor *cursor, uint64_t ret_words[2],
				  struct phyr_tag *ret_tag)
{
	const struct phyr_list *list = cursor->list;
	struct phyr_run_words open;
	struct phyr_range run;
	const uint64_t *words;
	unsigned int used;

	if (find_words(cursor)) {
		words = cursor->next;
		used = phyr_chunk_decode(words, &run);
		cursor->next += used;
		*ret_tag = cursor->tag;
	} else {
		if (list->open.len == 0)
			return 0;
		phyr_list_encode(list, phyr_list_finished(list), list->open_tag, &open);
		words = open.words + open.tagged + cursor->open_used;
		if (cursor->open_used == open.cnt - open.tagged)
			return 0;
		used = phyr_chunk_decode(words, &run);
		cursor->open_used += used;
		*ret_tag = list->open_tag;
	}
	for (unsigned int i = 0; i < used; i++)
		ret_words[i] = words[i];
	return used;
}

/* The last slab that starts at or before a byte; NULL is the head. */
static const struct phyr_slab *slab_of(const struct phyr_list *list, uint64_t offset)
{
	const struct phyr_slab *slab = list->tail;

	while (slab && slab->offset > offset)
		slab = slab->jump && slab->jump->offset > offset ? slab->jump : slab->prev;
	return slab;
}

int phyr_list_seek(const struct phyr_list *list, uint64_t offset, struct phyr_list_cursor *cursor)
{
	struct phyr_list_cursor here, ahead;
	struct phyr_run run;

	if (offset >= list->stats.len)
		return PHYR_E_RANGE;
	start(list, slab_of(list, offset), &ahead);
	do {
		here = ahead;
		if (!phyr_list_next(&ahead, &run))
			return PHYR_E_RANGE;
	} while (offset - run.offset >= run.range.len);
	*cursor = here;
	return PHYR_OK;
}

int phyr_list_slice(const struct phyr_list *list, uint64_t offset, uint64_t len,
		    struct phyr_list_cursor *cursor)
{
	uint64_t list_len = list->stats.len;

	if (offset > list_len || len > list_len - offset)
		return PHYR_E_RANGE;
	if (len == 0 || phyr_list_seek(list, offset, cursor)) {
		/* Nothing: as if everything had been returned. */
		start(list, list->tail, cursor);
		cursor->next = cursor->end;
		cursor->open_done = true;
		return PHYR_OK;
	}
	cursor->plain = false;
	cursor->fast = false;
	cursor->first = offset;
	cursor->last = offset + (len - 1);
	return PHYR_OK;
}
