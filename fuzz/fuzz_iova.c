/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is asked of an I/O address space, directly and through two caches, and whenever
 * memory runs out: answers and places are those of a table of granules, nothing is out twice, wrong
 * frees are refused, and once the caches are drained the space has what is out and nothing else.
 *
 * The first bytes make the space and its caches; an operation is a byte and what operate() takes for
 * it. Not here: wrong arguments (test_iova.c).
 */
#include "iova_input.h"

/* A place that is free and allowed, wherever "no space" and "limit" are not the answer. */
static void space_alloc(struct world *w, struct input *in, unsigned int op)
{
	uint64_t cnt = take_cnt(in, op);
	struct phyr_placement p = take_placement(in, &w->told);
	struct model_answer want = model_alloc_answer(&w->told, cnt, &p);
	struct phyr_iova_range range = { { 0 }, 0 };
	int err = phyr_iova_alloc(w->space, cnt << w->told.granule_lg2, &p, &range);

	if (err == PHYR_E_NOMEM) {
		require(w->memory.failed);
		return;
	}
	require(err == want.err);
	if (err == PHYR_OK) {
		require(model_may_take(&w->told, &p, range, cnt));
		require(!want.exact || range.iova.addr == model_address(&w->told, want.pos));
		bring_out(w, range);
	}
}

static void space_reserve(struct world *w, struct input *in)
{
	uint64_t pos = take(in, 2) % w->told.cnt;
	uint64_t cnt = take(in, 1) + 1;
	struct phyr_iova_range range = model_range(&w->told, pos, cnt);
	int err = phyr_iova_reserve(w->space, range);

	if (err == PHYR_E_NOMEM)
		require(w->memory.failed);
	else if (pos + cnt > w->told.cnt)
		require(err == PHYR_E_RANGE);
	else
		require(err == (model_all_free(&w->told, pos, cnt) ? PHYR_OK : PHYR_E_EXISTS));
	if (err == PHYR_OK)
		bring_out(w, range);
}

/* It says "no space" only when, itself drained, it is right. */
static void cache_alloc(struct world *w, struct input *in, unsigned int op)
{
	unsigned int c = op >> 3 & 1;
	uint64_t cnt = take_cnt(in, op);
	struct phyr_iova_range range = { { 0 }, 0 };
	uint64_t pos = 0;
	int err = phyr_iova_cache_alloc(w->caches[c], cnt << w->told.granule_lg2, &range);

	if (err == PHYR_OK) {
		require(range.len == cnt << w->told.granule_lg2);
		require(model_pos(&w->told, range.iova.addr, &pos) && pos + cnt <= w->told.cnt);
		require(model_allowed(&w->told, &w->placements[c], pos, cnt));
		bring_out(w, range);
		return;
	}
	require(!model_read(&w->told, w->space));
	if (err == PHYR_E_NOMEM)
		require(w->memory.failed);
	else
		require(err == model_alloc_answer(&w->told, cnt, &w->placements[c]).err);
}

/* The first range that is out at or above a position; what a cache notes of it is right. */
static void give_back(struct world *w, struct input *in, unsigned int op)
{
	uint64_t pos = take(in, 2) % w->out.cnt;

	while (pos < w->out.cnt && !w->out.lens[pos])
		pos++;
	if (pos == w->out.cnt)
		return;
	require(give(w, (op >> 3) % 3, model_range(&w->out, pos, w->out.lens[pos])) == PHYR_OK);
	model_give(&w->out, pos);
}

/* Any range at all, when what is out is all there is, so that the answer is known. */
static void give_any(struct world *w, struct input *in, unsigned int op)
{
	struct phyr_iova_range range = model_range(&w->out, take(in, 2) % w->out.cnt, take(in, 1));
	unsigned int to = (op >> 3) % 3;
	uint64_t pos;
	int want, err;

	range.iova.addr += op & 0x80 ? phyr_bits_size(w->out.granule_lg2 - 1) : 0;
	range.len += op & 0x40 ? PHYR_PAGE_SIZE - 1 : 0;
	for (unsigned int c = 0; c < CACHES; c++)
		require(phyr_iova_cache_drain(w->caches[c]) == PHYR_OK);
	want = model_free_answer(&w->out, range);
	err = give(w, to, range);
	if (to < CACHES) {
		require(err == PHYR_OK);
		err = phyr_iova_cache_drain(w->caches[to]);
	}
	require(err == want);
	if (want == PHYR_OK && model_pos(&w->out, range.iova.addr, &pos))
		model_give(&w->out, pos);
}

static void operate(struct world *w, struct input *in)
{
	unsigned int op = (unsigned int)take(in, 1);

	w->memory.empty = (op & 0x60) == 0x60;
	w->memory.failed = false;
	switch (op & 7) {
	case 0:
		space_alloc(w, in, op);
		break;
	case 1:
		space_reserve(w, in);
		break;
	case 2:
		require(phyr_iova_cache_drain(w->caches[op >> 3 & 1]) == PHYR_OK);
		break;
	case 3:
		give_any(w, in, op);
		break;
	case 4:
	case 5:
		cache_alloc(w, in, op);
		break;
	default:
		give_back(w, in, op);
	}
	w->memory.empty = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + (size < INPUT_MAX ? size : INPUT_MAX) };
	struct world w;

	world_begin(&w, &in);
	while (in.next < in.end) {
		operate(&w, &in);
		require_sound(&w);
	}
	world_end(&w);
	return 0;
}
