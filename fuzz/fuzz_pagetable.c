/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is asked of a page table of any format, with valid arguments and others, and
 * when memory runs out: the answers are those of a flat model of granules, and in the end every
 * granule leads where the model says, by the writer and by the hardware walker, in the leaves and
 * with the tables that the model counts.
 *
 * The first byte chooses the configuration; an operation is a byte and what take_call() takes.
 */
#include "pagetable_input.h"

/* Of one run, or of two behind one another in I/O addresses. */
static void do_map(struct world *w, struct input *in, unsigned int op)
{
	struct call call = take_call(w, in, op);
	uint64_t cnt = call.range.len >> w->model.granule_lg2, answers;
	uint64_t cut = op & 0x80 && cnt > 1 ? cnt / 2 << w->model.granule_lg2 : call.range.len;
	struct phyr_range runs[2] = { { take_pa(w, in, call.range.iova.addr), cut },
				      { { 0 }, call.range.len - cut } };
	size_t run_cnt = runs[1].len ? 2 : 1;
	struct known known;
	struct part part;
	int err;

	if (run_cnt == 2)
		runs[1].pa = take_pa(w, in, call.range.iova.addr + cut);
	answers = range_answers(w, call.range) | use_answers(&call);
	for (size_t i = 0; i < run_cnt; i++)
		answers |= run_answers(w, runs[i]);
	if (answers == 0) {
		known = look_up(w, call.range);
		/* What would be mapped elsewhere the model cannot tell. */
		if (known.cnt < cnt)
			return;
		answers = known.mapped_cnt ? ANSWER(PHYR_E_EXISTS) : ANSWER(PHYR_OK);
	}
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
