/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is asked of a page table of any format, with valid arguments and others, and
 * when memory runs out: the answers are those of a flat model of granules, and in the end every
 * granule leads where the model says and is as dirty, by the writer and by the hardware walker, in
 * the leaves and with the tables that the model counts.
 *
 * The first byte chooses the configuration; an operation is a byte and what take_call() takes.
 */
#include <phyr/chunk.h>

#include "pagetable_input.h"

#define PAGE_MAX (4 * SPOT_LEN) /* pages of a call */

/* Of one run, or of two behind one another in I/O addresses. */
static void do_map(struct world *w, struct input *in, unsigned int op)
{
	struct call call = take_call(w, in, op);
	uint64_t cnt = call.range.len >> w->model.granule_lg2, answers;
	uint64_t cut = op & 0x80 && cnt > 1 ? cnt / 2 << w->model.granule_lg2 : call.range.len;
	struct phyr_range runs[2] = { { take_pa(w, in, call.range.iova.addr), cut },
				      { { 0 }, call.range.len - cut } };
	size_t run_cnt = runs[1].len ? 2 : 1;
	struct part part;
	int err;

	if (run_cnt == 2)
		runs[1].pa = take_pa(w, in, call.range.iova.addr + cut);
	answers = range_answers(w, call.range) | use_answers(&call);
	for (size_t i = 0; i < run_cnt; i++)
		answers |= run_answers(w, runs[i]);
	if (answers == 0)
		answers = map_answers(w, call.range);
	if (answers == 0)
		return;
	err = phyrsim_pagetable_map(w->table, call.range.iova, runs, run_cnt,
				    (enum phyr_perm)call.perm, call.attrs);
	if (w->memory.failed)
		answers = ANSWER(PHYR_E_NOMEM);
	require(answers & ANSWER(err));
	for (size_t i = 0; err == PHYR_OK && i < run_cnt; i++) {
		struct phyr_iova_range range = { call.range.iova, runs[i].len };

		range.iova.addr += i ? cut : 0;
		for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++)
			if (model_clip(&w->model, spot, range, &part))
				model_map(&w->model, part, runs[i].pa.addr, call.perm, call.attrs);
	}
}

static void do_unmap(struct world *w, struct input *in, unsigned int op)
{
	struct call call = take_call(w, in, op);
	bool sparse = op & 0x80;
	uint64_t answers = range_answers(w, call.range);
	struct part part;
	int err;

	if (answers == 0 && sparse)
		answers = look_up(w, call.range).reaches_out ? ANSWER(PHYR_E_PARTIAL) :
							       ANSWER(PHYR_OK);
	else if (answers == 0)
		answers = whole_answers(w, call.range);
	err = sparse ? phyrsim_pagetable_unmap_sparse(w->table, call.range, &w->gather) :
		       phyrsim_pagetable_unmap(w->table, call.range, &w->gather);
	require(answers & ANSWER(err));
	for (unsigned int spot = 0; err == PHYR_OK && spot < w->model.spot_cnt; spot++)
		if (model_clip(&w->model, spot, call.range, &part))
			model_unmap(&w->model, part);
}

static void do_protect(struct world *w, struct input *in, unsigned int op)
{
	struct call call = take_call(w, in, op);
	uint64_t answers = range_answers(w, call.range) | use_answers(&call);
	struct part part;
	int err = phyrsim_pagetable_protect(w->table, call.range, (enum phyr_perm)call.perm,
					    call.attrs, &w->gather);

	require((answers ? answers : whole_answers(w, call.range)) & ANSWER(err));
	for (unsigned int spot = 0; err == PHYR_OK && spot < w->model.spot_cnt; spot++)
		if (model_clip(&w->model, spot, call.range, &part))
			model_protect(&w->model, part, call.perm, call.attrs);
}

static void do_next(struct world *w, struct input *in, unsigned int op)
{
	struct call call = take_call(w, in, op);
	uint64_t answers = range_answers(w, call.range) & ~ANSWER(PHYR_E_ALIGN), iova = 0;
	struct phyrsim_leaf leaf;
	int err = phyrsim_pagetable_next(w->table, call.range, &leaf);
	const struct cell *cell;

	if (answers) {
		require(answers & ANSWER(err));
		return;
	}
	cell = first_cell(w, call.range, &iova);
	require(err == (cell ? PHYR_OK : PHYR_E_NOENT));
	if (cell)
		require_leaf(cell, iova, &leaf);
}

/* Words for pages that are so many apart; one of them may be no page. */
static size_t take_words(struct input *in, phyr_pa pa, uint64_t cnt, unsigned int how,
			 uint64_t words[PAGE_MAX])
{
	uint64_t pages = pa.addr / KIB4, apart = how >> 2 & 15;

	if (cnt > PAGE_MAX)
		cnt = PAGE_MAX;
	for (uint64_t i = 0; i < cnt; i++)
		words[i] = PHYR_CHUNK_PAGE | ((pages + i * apart) & phyr_bits_mask(52)) << 1;
	if ((how & 0x80) && cnt > 0)
		words[take(in, 2) % cnt] ^= how & 0x40 ? 1 : PHYR_CHUNK_PAGE;
	return (size_t)cnt;
}

/* Every page is a run of its own. */
static uint64_t words_answers(const struct world *w, const uint64_t *words, size_t cnt)
{
	uint64_t answers = w->model.granule_lg2 > 12 ? ANSWER(PHYR_E_ALIGN) : 0;

	for (size_t i = 0; i < cnt; i++) {
		struct phyr_range run = { phyr_chunk_page(words[i]), KIB4 };

		if ((words[i] & PHYR_CHUNK_PAGE_MASK) == PHYR_CHUNK_PAGE)
			answers |= run_answers(w, run);
		else
			answers |= ANSWER(PHYR_E_INVAL);
	}
	return answers;
}

static void do_map_pages(struct world *w, struct input *in, unsigned int op, unsigned int how)
{
	static uint64_t words[PAGE_MAX];
	struct call call = take_call(w, in, op);
	phyr_pa pa = take_pa(w, in, call.range.iova.addr);
	size_t cnt = take_words(in, pa, call.range.len / KIB4, how, words);
	uint64_t answers = use_answers(&call) | words_answers(w, words, cnt);
	struct part part;
	int err;

	call.range.len = cnt * KIB4;
	answers |= range_answers(w, call.range);
	if (answers == 0)
		answers = map_answers(w, call.range);
	if (answers == 0)
		return;
	err = phyrsim_pagetable_map_pages(w->table, call.range.iova, words, cnt,
					  (enum phyr_perm)call.perm, call.attrs);
	if (w->memory.failed)
		answers = ANSWER(PHYR_E_NOMEM);
	require(answers & ANSWER(err));
	for (size_t i = 0; err == PHYR_OK && i < cnt; i++) {
		phyr_iova iova = { call.range.iova.addr + i * KIB4 };

		require(find_part(w, iova, &part));
		model_map(&w->model, part, phyr_chunk_page(words[i]).addr, call.perm, call.attrs);
	}
}

/* Tables made in advance, if they are wanted: then there is no memory, and a split needs none. */
static bool needs_memory(struct world *w, bool fill)
{
	int err;

	if (!fill)
		return true;
	err = phyrsim_pagetable_preload_fill(w->table, &w->preload);
	require(err == (w->memory.failed ? PHYR_E_NOMEM : PHYR_OK));
	w->memory.failed = false;
	w->memory.empty |= err == PHYR_OK;
	return err != PHYR_OK;
}

static void require_split(struct world *w, struct part at, struct part leaf)
{
	unsigned int places[] = { leaf.at, at.at - 1, at.at, leaf.at + leaf.cnt - 1 };

	require(!model_is_cut(&w->model, at));
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		require_granule(w, (struct part){ at.spot, places[i], 1 }, i);
}

static void do_split(struct world *w, struct input *in, unsigned int op, unsigned int how)
{
	struct phyrsim_pagetable_preload *preload = how & 4 ? &w->preload : NULL;
	phyr_iova at = take_call(w, in, op).range.iova;
	uint64_t answers = cut_answers(w, at), size = 0;
	struct part part = { 0 }, leaf = { 0 };
	bool needy = needs_memory(w, preload && (how & 8)), cut;
	struct phyr_gather gather;
	int err;

	phyr_gather_init(&gather);
	cut = find_part(w, at, &part) && model_is_cut(&w->model, part);
	err = phyrsim_pagetable_split(w->table, at, preload, &gather);
	if (w->memory.failed) {
		require(answers == 0 && cut && needy);
		answers = ANSWER(PHYR_E_NOMEM);
	}
	require((answers ? answers : ANSWER(PHYR_OK)) & ANSWER(err));
	cut &= err == PHYR_OK;
	if (cut) {
		leaf = model_leaf(&w->model, part);
		size = part_range(&w->model, leaf).len;
		model_split(&w->model, part);
		require_split(w, part, leaf);
	}
	require_gather(&gather, part_range(&w->model, leaf), size);
}

static void do_mark(struct world *w, struct input *in, unsigned int op, unsigned int how)
{
	struct phyr_iova_range byte = { take_call(w, in, op).range.iova, 1 };
	bool write = how & 4;
	int answer = PHYR_E_NOENT;
	struct part one;

	byte.iova.addr += how >> 3;
	if (!is_translatable(w, byte))
		answer = PHYR_E_RANGE;
	else if (find_part(w, byte.iova, &one))
		answer = model_mark_answer(&w->model, one, write);
	require(phyrsim_pagetable_mark(w->table, byte.iova, write) == answer);
	if (answer == PHYR_OK)
		model_mark(&w->model, one, write);
}

/* A bit for each dirty page, and those that were there before, of which one is every fifth. */
static void require_bits(struct world *w, struct phyr_iova_range range,
			 const struct phyrsim_dirty_bitmap *bitmap)
{
	uint64_t size = phyr_bits_size(bitmap->page_lg2 & 63);

	for (uint64_t i = 0; i < PAGE_MAX; i++, range.iova.addr += size) {
		struct phyr_iova_range page = { range.iova, size };
		bool set = i % 5 == 4 || (range.len > 0 && is_dirty(w, page));

		require((bitmap->words[i / 64] >> i % 64 & 1) == set);
		range.len -= range.len ? size : 0;
	}
}

/* Leaves that lie in a range whole are clean; returns their sizes and from where to where. */
static uint64_t clean(struct world *w, struct phyr_iova_range range,
		      struct phyr_iova_range *ret_cleaned)
{
	uint64_t head = -range.iova.addr & granule_mask(w), all = 0, sizes;
	struct part part, cleaned;
	struct phyr_iova_range now;

	if (range.len < head + granule_mask(w) + 1)
		return 0;
	range.iova.addr += head;
	range.len = (range.len - head) & ~granule_mask(w);
	for (unsigned int spot = 0; spot < w->model.spot_cnt; spot++) {
		if (!model_clip(&w->model, spot, range, &part))
			continue;
		sizes = model_clean(&w->model, part, &cleaned);
		if (sizes == 0)
			continue;
		now = part_range(&w->model, cleaned);
		if (all == 0)
			*ret_cleaned = now;
		ret_cleaned->len = now.iova.addr - ret_cleaned->iova.addr + now.len;
		all |= sizes;
	}
	return all;
}

static void do_dirty(struct world *w, struct input *in, unsigned int op, unsigned int how)
{
	static uint64_t bits[PAGE_MAX / 64];
	struct phyrsim_dirty_bitmap bitmap = { bits, PAGE_MAX, w->model.granule_lg2 - 2 };
	struct phyr_iova_range range = take_call(w, in, op).range, cleaned = { { 0 }, 0 };
	unsigned int flags = how >> 2 & 3;
	uint64_t answers, sizes = 0;
	struct phyr_gather gather;
	int err;

	bitmap.page_lg2 += how >> 4 & 7;
	if (how & 0x80)
		bitmap.page_lg2 = (unsigned int)take(in, 1) % 72;
	for (unsigned int i = 0; i < PAGE_MAX; i++)
		bits[i / 64] = (i % 64 ? bits[i / 64] : 0) | (uint64_t)(i % 5 == 4) << i % 64;
	phyr_gather_init(&gather);
	answers = dirty_answers(w, range, flags, &bitmap);
	err = phyrsim_pagetable_read_dirty(w->table, range, flags, &bitmap, &gather);
	require((answers ? answers : ANSWER(PHYR_OK)) & ANSWER(err));
	if (err != PHYR_OK)
		range.len = 0;
	require_bits(w, range, &bitmap);
	if (err == PHYR_OK && !(flags & PHYRSIM_DIRTY_NO_CLEAR))
		sizes = clean(w, range, &cleaned);
	require_gather(&gather, cleaned, sizes);
}

/* One more byte says what. */
static void operate_more(struct world *w, struct input *in, unsigned int op)
{
	unsigned int how = (unsigned int)take(in, 1);

	switch (how & 3) {
	case 0:
		do_split(w, in, op, how);
		break;
	case 1:
		do_mark(w, in, op, how);
		break;
	case 2:
		do_dirty(w, in, op, how);
		break;
	default:
		do_map_pages(w, in, op, how);
	}
}

static void operate(struct world *w, struct input *in)
{
	unsigned int op = (unsigned int)take(in, 1);

	w->memory.empty = (op & 0x60) == 0x60;
	w->memory.failed = false;
	switch (op & 7) {
	case 0:
	case 1:
	case 2:
		do_map(w, in, op);
		break;
	case 3:
	case 4:
		do_unmap(w, in, op);
		break;
	case 5:
		do_protect(w, in, op);
		break;
	case 6:
		do_next(w, in, op);
		break;
	default:
		if (op & 0x80)
			operate_more(w, in, op);
		else
			phyrsim_pagetable_release(w->table, &w->gather);
	}
	w->memory.empty = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w; /* large */
	struct input in = { data, data + (size < 4096 ? size : 4096) };

	world_begin(&w, &in);
	while (in.next < in.end)
		operate(&w, &in);
	require_same(&w);
	world_end(&w);
	return 0;
}
