/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever sequence of operations two lists go through, and whenever memory runs out, a
 * list equals a model, an array of merged runs, validates, and gives all memory back; its stored
 * chunks, appended again, make an equal list.
 *
 * An operation is a byte, and numbers and ranges (list_model.h) as far as it asks for them:
 *
 *	bits 3:0  which, in the order of operations[]
 *	bit  4    of which list; concat and clone read the other
 *	bit  5    memory runs out: a byte says after how many allocations
 *	bits 7:6  how, as the operation says
 *
 * Not here: appending alone, for long (fuzz_list.c); borrowed lists (tests/test_list_edit.c).
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/chunk.h>
#include <phyr/heap.h>
#include <phyr/list.h>

#include "list_import.h"
#include "list_model.h"
#include "list_pair.h"

#define OP_MAX 256	       /* longer inputs show nothing else */
#define GRANT_MAX 64	       /* more than any call but a vast preload needs */
#define LIVE_MAX (1UL << 19)   /* [bytes] of preloads that add up */
#define SUPPLY_SURE (256 + 16) /* [bytes] one piece, wherever the buffer starts */

typedef void operation(struct step *s);

/* How: 0 anywhere, 1 at a joint, 2 at the end, 3 any number. */
static uint64_t take_offset(struct step *s)
{
	const struct model *m = &s->p->model;

	switch (s->how) {
	case 0:
		return take(s->in, 8) % (m->len + 1);
	case 1:
		return m->cnt ? m->runs[take(s->in, 2) % m->cnt].offset : 0;
	case 2:
		return m->len;
	default:
		return take(s->in, 8);
	}
}

/* How: 3 appends the list to itself, which is refused. */
static void concat(struct step *s)
{
	const struct pair *from = s->how == 3 ? s->p : s->other;
	struct attempt a = attempt(s->p);

	if (from->model.cnt > RUN_MAX - s->p->model.cnt)
		return;
	if (from == s->p)
		a.expected = PHYR_E_INVAL;
	else
		attempt_runs(&a, s->p, &from->model);
	settle(s->p, &a, phyr_list_concat(&s->p->list, &from->list));
}

/* How: 2 without hooks; 3 onto itself, which is refused. */
static void clone(struct step *s)
{
	struct pair *p = s->p;
	struct phyr_list *from = &s->other->list;
	struct attempt a;
	int err;

	if (s->how == 3) {
		require(phyr_list_clone(&p->list, &p->hooks, &p->list) == PHYR_E_INVAL);
		return;
	}
	pair_clear(p);
	p->hooked = s->how != 2;
	a = attempt(p);
	attempt_runs(&a, p, &s->other->model);
	phyr_list_set_va(from, take(s->in, 1));
	memset(&p->list, 0xa5, sizeof(p->list));
	err = phyr_list_clone(from, p->hooked ? &p->hooks : NULL, &p->list);
	settle(p, &a, err);
	if (!err)
		require(phyr_list_equal(&p->list, from) &&
			phyr_list_va(&p->list) == phyr_list_va(from));
}

static void truncate_list(struct step *s)
{
	uint64_t len = take_offset(s);

	phyr_list_truncate(&s->p->list, len);
	pair_truncate(s->p, len);
	require(s->p->memory.call_cnt == 0);
}

static void mark(struct step *s)
{
	struct pair *p = s->p;

	phyr_list_mark(&p->list, &p->marked.mark);
	p->marked.valid = true;
	p->marked.promise = p->promise;
	p->marked.len = p->model.len;
	p->marked.live_len = p->memory.live_len;
}

static void rollback(struct step *s)
{
	struct pair *p = s->p;

	if (!p->marked.valid)
		return;
	phyr_list_rollback(&p->list, &p->marked.mark);
	model_truncate(&p->model, p->marked.len);
	p->promise = p->marked.promise;
	require(p->memory.call_cnt == 0 && p->memory.live_len == p->marked.live_len);
}

/* How: 0 and 1 a byte of appends, 2 a byte of 16, 3 any number. */
static void preload(struct step *s)
{
	struct pair *p = s->p;
	uint64_t cnt = take(s->in, s->how == 3 ? 8 : 1) * (s->how == 2 ? 16 : 1);

	switch (phyr_list_preload(&p->list, cnt)) {
	case PHYR_OK:
		pair_promise(p, cnt);
		break;
	case PHYR_E_NOMEM:
		require(p->memory.failed || !p->hooked || cnt > UINT64_MAX / 8);
		require(cnt > p->promise.left);
		break;
	default:
		abort();
	}
}

/* How many bytes the buffer is out of alignment. */
static void supply(struct step *s)
{
	struct pair *p = s->p;
	size_t len = (size_t)take(s->in, 2) % (3 * 4096);
	char *buffer = p->buffer_cnt < BUFFER_MAX ? malloc(s->how + len + 1) : NULL;

	if (!buffer)
		return;
	p->buffers[p->buffer_cnt++] = buffer;
	phyr_list_supply(&p->list, buffer + s->how, len);
	if (len >= SUPPLY_SURE)
		pair_promise(p, 1);
	require(p->memory.call_cnt == 0);
}

static void trim(struct step *s)
{
	struct pair *p = s->p;
	size_t live_len = p->memory.live_len;

	phyr_list_trim(&p->list);
	p->promise = (struct promise){ 0, 0, 0 };
	p->marked.valid = false;
	require(p->memory.live_len <= live_len && p->memory.call_cnt <= 1);
	require(p->model.cnt > 1 || p->memory.live_len == 0);
}

static void seek(struct step *s)
{
	const struct model *m = &s->p->model;
	uint64_t offset = take_offset(s);
	struct phyr_list_cursor cursor;
	size_t i = 0;

	if (offset >= m->len) {
		require(phyr_list_seek(&s->p->list, offset, &cursor) == PHYR_E_RANGE);
		return;
	}
	while (offset - m->runs[i].offset >= m->runs[i].range.len)
		i++;
	require_found(&s->p->list, offset, &m->runs[i]);
}

/* From one offset to another, or with how 3 a first byte and a length, whatever they are. */
static void slice(struct step *s)
{
	const struct model *m = &s->p->model;
	uint64_t first = take_offset(s), len = take_offset(s), end;
	struct phyr_list_cursor cursor;
	int err;

	if (s->how != 3)
		len = len > first ? len - first : 0;
	err = phyr_list_slice(&s->p->list, first, len, &cursor);
	if (first > m->len || len > m->len - first) {
		require(err == PHYR_E_RANGE);
		return;
	}
	require(err == PHYR_OK);
	end = first + len;
	for (size_t i = 0; len && i < m->cnt && m->runs[i].offset < end; i++) {
		struct phyr_run run = m->runs[i];

		if (run.offset + run.range.len <= first)
			continue;
		run = clip(run, first, end);
		require_run(&cursor, &run);
	}
	require_end(&cursor);
}

/* Takes a chunk to a list that is made of them; the outer pages are named whole. */
static void take_chunk(struct phyr_list *made, const struct model *m, const uint64_t *words,
		       unsigned int word_cnt, struct phyr_tag tag)
{
	uint64_t left = m->len - phyr_list_len(made);
	struct phyr_range range;
	unsigned int used;

	require(phyr_chunk_check(words, word_cnt, &used, NULL) == PHYR_OK && used == word_cnt);
	require(phyr_chunk_decode(words, &range) == word_cnt);
	if (left == m->len) {
		uint64_t skip = m->runs[0].range.pa.addr - range.pa.addr;

		require(skip < PHYR_PAGE_SIZE && skip < range.len);
		range.pa.addr += skip;
		range.len -= skip;
	}
	require(left != 0 && (range.len <= left || range.len - left < PHYR_PAGE_SIZE));
	if (range.len > left)
		range.len = left;
	require(phyr_list_append(made, range, tag) == PHYR_OK);
}

static void chunks(struct step *s)
{
	struct phyr_list_stats stats;
	struct phyr_list_cursor cursor;
	struct phyr_list made;
	struct phyr_tag tag;
	uint64_t words[2];
	unsigned int word_cnt;
	size_t words_len = 0;

	phyr_list_init(&made, phyr_heap_mem());
	phyr_list_begin(&s->p->list, &cursor);
	while ((word_cnt = phyr_list_next_chunk(&cursor, words, &tag)) != 0) {
		take_chunk(&made, &s->p->model, words, word_cnt, tag);
		words_len += word_cnt * sizeof(words[0]);
	}
	phyr_list_stats(&s->p->list, &stats);
	require(phyr_list_equal(&made, &s->p->list) && words_len == stats.words_len);
	phyr_list_fini(&made);
}

static operation *const operations[16] = {
	append, append_pages, concat, clone, truncate_list, mark,   rollback, preload,
	supply, trim,	      slice,  seek,  chunks,	    ranges, rows,     vecs,
};

static void run_operation(struct pair pairs[2], struct input *in)
{
	unsigned int op = (unsigned int)take(in, 1);
	struct pair *p = &pairs[op >> 4 & 1];
	struct step s = { p, &pairs[!(op >> 4 & 1)], in, op >> 6 };
	size_t grant_cnt = p->memory.live_len < LIVE_MAX ? GRANT_MAX : 0;

	memory_grant(&p->memory, op >> 5 & 1 ? (size_t)take(in, 1) % 8 : grant_cnt);
	operations[op & 15](&s);
	require_same(&p->list, &p->model, &p->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phyr_run runs[2][RUN_MAX];
	struct input in = { data, data + size };
	struct pair pairs[2];

	for (int i = 0; i < 2; i++)
		pair_open(&pairs[i], runs[i]);
	for (int i = 0; i < OP_MAX && in.next < in.end; i++)
		run_operation(pairs, &in);
	for (int i = 0; i < 2; i++) {
		require_same(&pairs[i].list, &pairs[i].model, &pairs[i].memory);
		pair_clear(&pairs[i]);
	}
	return 0;
}
