/* SPDX-License-Identifier: MIT */
/*
 * A list next to its model, for the fuzz target that edits lists: what calls that append must
 * answer and may cost, and which memory is promised. Not here: the model (list_model.h).
 */
#ifndef PHYR_FUZZ_LIST_PAIR_H
#define PHYR_FUZZ_LIST_PAIR_H

#include <stdlib.h>

#include <phyr/list.h>

#include "list_model.h"

#define RUN_MAX 2048
#define BUFFER_MAX 8

/* Appends that may neither fail for memory nor allocate. */
struct promise {
	uint64_t cnt;
	uint64_t left;
	uint64_t len; /* of the list when it was made: cut off to that, all of it is left */
};

struct marked {
	bool valid;
	struct phyr_list_mark mark;
	struct promise promise;
	uint64_t len;
	size_t live_len;
};

struct pair {
	struct phyr_list list;
	struct phyr_mem hooks;
	bool hooked; /* does the list know them? */
	struct memory memory;
	struct model model;
	struct promise promise;
	struct marked marked;
	void *buffers[BUFFER_MAX]; /* that the list was supplied with */
	size_t buffer_cnt;
};

/* One operation on a list; how it is done is a number up to 3. */
struct step {
	struct pair *p;
	struct pair *other;
	struct input *in;
	unsigned int how;
};

/* A call that appends: what was before, and what has to come out if there is memory. */
struct attempt {
	uint64_t len;
	size_t run_cnt;
	size_t live_len;
	size_t item_cnt; /* most runs that it may append */
	int expected;
};

static inline void pair_open(struct pair *p, struct phyr_run *runs)
{
	*p = (struct pair){ .hooked = true, .model.runs = runs };
	p->hooks = (struct phyr_mem){ memory_alloc, memory_free, &p->memory };
	phyr_list_init(&p->list, &p->hooks);
}

/* The list is empty afterwards, and everything is given back. */
static inline void pair_clear(struct pair *p)
{
	phyr_list_fini(&p->list);
	require(p->memory.live_len == 0);
	while (p->buffer_cnt)
		free(p->buffers[--p->buffer_cnt]);
	model_truncate(&p->model, 0);
	p->promise = (struct promise){ 0, 0, 0 };
	p->marked.valid = false;
}

static inline void pair_promise(struct pair *p, uint64_t cnt)
{
	if (cnt > p->promise.left)
		p->promise = (struct promise){ cnt, cnt, p->model.len };
}

/* What is cut off does not use a promise up. */
static inline void pair_truncate(struct pair *p, uint64_t len)
{
	struct promise *promise = &p->promise;

	if (len < p->model.len)
		model_truncate(&p->model, len);
	if (len <= promise->len)
		*promise = (struct promise){ promise->cnt, promise->cnt, p->model.len };
	p->marked.valid = false;
}

static inline struct attempt attempt(const struct pair *p)
{
	return (struct attempt){ p->model.len, p->model.cnt, p->memory.live_len, 0, PHYR_OK };
}

/* The same of a call with one tag for all, which it may have to refuse. */
static inline struct attempt attempt_tagged(const struct pair *p, struct phyr_tag tag)
{
	struct attempt a = attempt(p);

	if ((unsigned int)tag.kind >= PHYR_KIND_CNT)
		a.expected = PHYR_E_INVAL;
	return a;
}

/* One range more; an empty one adds nothing, and the first that is refused ends the call. */
static inline void attempt_range(struct attempt *a, struct pair *p, struct phyr_range range,
				 struct phyr_tag tag)
{
	a->item_cnt++;
	if (!a->expected && range.len)
		a->expected = model_append(&p->model, range, tag);
}

static inline void attempt_runs(struct attempt *a, struct pair *p, const struct model *from)
{
	for (size_t i = 0; i < from->cnt; i++)
		attempt_range(a, p, from->runs[i].range, from->runs[i].tag);
}

/* The call came back: it asked for memory at most once a run, and a failure left no trace. */
static inline void settle(struct pair *p, const struct attempt *a, int err)
{
	size_t run_cnt = p->model.cnt - a->run_cnt + 1; /* one may have joined */

	if (run_cnt > a->item_cnt)
		run_cnt = a->item_cnt;
	require(p->memory.call_cnt <= run_cnt);
	if (run_cnt <= p->promise.left)
		require(p->memory.call_cnt == 0 && err != PHYR_E_NOMEM);
	if (err == PHYR_E_NOMEM)
		require(p->memory.failed || !p->hooked);
	else
		require(err == a->expected);
	if (err) {
		model_truncate(&p->model, a->len);
		require(p->memory.live_len == a->live_len);
	} else {
		p->promise.left -= run_cnt < p->promise.left ? run_cnt : p->promise.left;
	}
}

static inline unsigned int take_byte(struct step *s)
{
	return (unsigned int)take(s->in, 1);
}

/* How many items, as long as the model has room for all of them. */
static inline size_t take_cnt(struct step *s, size_t max)
{
	size_t cnt = (size_t)take(s->in, 2) % (max + 1);
	size_t room = RUN_MAX - s->p->model.cnt;

	return cnt < room ? cnt : room;
}

#endif
