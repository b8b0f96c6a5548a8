/* SPDX-License-Identifier: MIT */
/*
 * A table as text, version 1 of the form that docs/table-dump.md specifies: the root, runs of leaves,
 * and tables with their items if they are wanted.
 *
 * Not here: going through the table (tour.c), words and numbers (line.c).
 */
#include "dump.h"

/* Neighbouring leaves that lead to neighbouring memory and differ in nothing but their addresses. */
struct run {
	uint64_t iova;
	uint64_t cnt; /* of leaves; 0: none yet */
	uint64_t bits;
	struct phyrsim_walk walk; /* of the first */
};

/* Neighbouring items of one value. */
struct items {
	struct phyrsim_dump_step first;
	uint64_t cnt; /* 0: none yet */
	enum kind kind;
};

struct dump {
	struct text text;
	struct run run;
	struct items items;
	uint64_t leaf_cnt;
	uint64_t fault_cnt;
};

static int word_line(struct text *text, const char *name, const char *word)
{
	phyrsim_text_add(text, name);
	phyrsim_text_add(text, " ");
	phyrsim_text_add(text, word);
	return phyrsim_text_end(text);
}

static int number_line(struct text *text, const char *name, uint64_t number)
{
	phyrsim_text_add(text, name);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, number);
	return phyrsim_text_end(text);
}

static int write_root(struct text *text, const struct phyrsim_root *root)
{
	int err = word_line(text, "phyr-table", "1");

	if (!err)
		err = word_line(text, "format", phyrsim_dump_shape(root->format)->name);
	if (err)
		return err;
	phyrsim_text_add(text, "root ");
	phyrsim_text_address(text, root->table.addr);
	err = phyrsim_text_end(text);
	if (!err)
		err = number_line(text, "levels", root->level_cnt);
	if (err)
		return err;
	phyrsim_text_add(text, "granule ");
	phyrsim_text_size(text, root->granule_lg2);
	err = phyrsim_text_end(text);
	if (!err)
		err = number_line(text, "iova-bits", root->iova_bits);
	if (!err)
		err = number_line(text, "pa-bits", root->pa_bits);
	if (err)
		return err;
	phyrsim_text_add(text, "features ");
	phyrsim_text_features(text, root->features);
	return phyrsim_text_end(text);
}

/* Writes the run that has come to its end, if there is one. */
static int write_run(struct dump *dump)
{
	struct text *text = &dump->text;
	const struct run *run = &dump->run;
	uint64_t cnt = run->cnt;

	if (cnt == 0)
		return PHYR_OK;
	dump->run.cnt = 0;
	phyrsim_text_address(text, run->iova);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, run->walk.pa.addr);
	phyrsim_text_add(text, " ");
	phyrsim_text_hex(text, cnt << run->walk.leaf_lg2);
	phyrsim_text_add(text, " ");
	phyrsim_text_size(text, run->walk.leaf_lg2);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, cnt);
	phyrsim_text_add(text, " ");
	phyrsim_text_use(text, &run->walk);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, run->walk.entry);
	return phyrsim_text_end(text);
}

static bool goes_on(const struct run *run, const struct run *next)
{
	uint64_t len = run->cnt << run->walk.leaf_lg2;

	return run->cnt > 0 && run->walk.leaf_lg2 == next->walk.leaf_lg2 &&
	       run->iova + len == next->iova && run->walk.pa.addr + len == next->walk.pa.addr &&
	       run->bits == next->bits && run->walk.perm == next->walk.perm &&
	       run->walk.attrs == next->walk.attrs && run->walk.dirty == next->walk.dirty;
}

static int add_leaf(struct dump *dump, const struct tour *tour)
{
	const struct phyrsim_walk *walk = &tour->path.walk;
	enum kind kind = walk->level == 0 ? KIND_PAGE : KIND_BLOCK;
	struct run next = { tour->first, 1, 0, *walk };
	int err = PHYR_OK;

	next.bits = walk->entry & ~phyrsim_dump_address_bits(tour->root, kind);
	dump->leaf_cnt++;
	if (goes_on(&dump->run, &next)) {
		dump->run.cnt++;
		return PHYR_OK;
	}
	err = write_run(dump);
	dump->run = next;
	return err;
}

/* Something is there, and hardware or an audit would object. */
static int add_fault(struct dump *dump, const struct tour *tour)
{
	const struct phyrsim_walk *walk = &tour->path.walk;
	struct text *text = &dump->text;
	int err = write_run(dump);

	if (err)
		return err;
	dump->fault_cnt++;
	phyrsim_text_address(text, tour->first);
	phyrsim_text_add(text, " fault ");
	phyrsim_text_add(text, phyrsim_fault_name(walk->fault));
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, walk->level);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, walk->entry);
	return phyrsim_text_end(text);
}

/* Where a pointer skips levels, the addresses that it skips are a hole like any other. */
static bool is_hole(const struct phyrsim_walk *walk)
{
	return walk->fault == PHYRSIM_FAULT_NOT_PRESENT || walk->fault == PHYRSIM_FAULT_WIDTH;
}

static int write_leaves(struct dump *dump, struct tour *tour)
{
	int err = word_line(&dump->text, "section", "leaves");
	int end = PHYR_OK;

	while (!err && (end = phyrsim_tour_next(tour)) == PHYR_OK) {
		if (tour->path.walk.fault == PHYRSIM_FAULT_NONE)
			err = add_leaf(dump, tour);
		else if (!is_hole(&tour->path.walk))
			err = add_fault(dump, tour);
	}
	if (!err)
		err = write_run(dump);
	if (!err)
		err = end;
	return err == PHYR_E_NOENT ? PHYR_OK : err;
}

/* Writes the items that have come to their end, if there are any. */
static int write_items(struct dump *dump)
{
	const struct phyrsim_dump_step *first = &dump->items.first;
	struct text *text = &dump->text;

	if (dump->items.cnt == 0)
		return PHYR_OK;
	phyrsim_text_add(text, "item ");
	phyrsim_text_number(text, first->level);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, first->index);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, dump->items.cnt);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, first->entry);
	phyrsim_text_add(text, " ");
	phyrsim_text_kind(text, dump->items.kind);
	dump->items.cnt = 0;
	return phyrsim_text_end(text);
}

/* Neighbours with one value, as contiguous groups have it, are one line. */
static int add_item(struct dump *dump, const struct phyrsim_root *root,
		    const struct phyrsim_dump_step *step)
{
	struct items *items = &dump->items;
	int err;

	if (!step->read || step->entry == 0)
		return PHYR_OK;
	if (items->cnt > 0 && items->kind != KIND_POINTER && items->first.entry == step->entry &&
	    items->first.entry_pa.addr + items->cnt * sizeof(uint64_t) == step->entry_pa.addr) {
		items->cnt++;
		return PHYR_OK;
	}
	err = write_items(dump);
	items->first = *step;
	items->cnt = 1;
	items->kind = phyrsim_dump_kind(root, step->entry, step->level);
	return err;
}

static int write_table(struct dump *dump, const struct phyrsim_root *root,
		       const struct phyrsim_dump_step *step, uint64_t iova)
{
	unsigned int lg2 = item_lg2(root, step->level) + index_bits(root, step->level);
	struct text *text = &dump->text;
	int err = write_items(dump);

	if (err)
		return err;

	phyrsim_text_add(text, "table ");
	phyrsim_text_number(text, step->level);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, step->table.addr);
	phyrsim_text_add(text, " ");
	phyrsim_text_address(text, lg2 < 64 ? phyr_bits_down(iova, lg2) : 0);
	return phyrsim_text_end(text);
}

/* A table before its items, an item before the table that it points to. */
static int write_stop(struct dump *dump, const struct tour *tour)
{
	unsigned int from = tour->fresh > 0 ? tour->fresh - 1 : 0;
	int err = PHYR_OK;

	for (unsigned int i = from; !err && i < tour->path.step_cnt; i++) {
		const struct phyrsim_dump_step *step = &tour->path.steps[i];

		if (i >= tour->fresh && step->read)
			err = write_table(dump, tour->root, step, tour->first);
		if (!err)
			err = add_item(dump, tour->root, step);
	}
	return err;
}

static int write_tables(struct dump *dump, struct tour *tour)
{
	int err = word_line(&dump->text, "section", "tables");
	int end = PHYR_OK;

	while (!err && (end = phyrsim_tour_next(tour)) == PHYR_OK)
		err = write_stop(dump, tour);
	if (!err)
		err = write_items(dump);
	if (!err)
		err = end;
	return err == PHYR_E_NOENT ? PHYR_OK : err;
}

/* Lines before this one, leaves and faults: a text that was cut short has none. */
static int write_end(struct dump *dump)
{
	struct text *text = &dump->text;
	uint64_t line_cnt = text->line_cnt;

	phyrsim_text_add(text, "end ");
	phyrsim_text_number(text, line_cnt);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, dump->leaf_cnt);
	phyrsim_text_add(text, " ");
	phyrsim_text_number(text, dump->fault_cnt);
	return phyrsim_text_end(text);
}

int phyrsim_dump_text(struct phyrsim_mem *mem, const struct phyrsim_root *root, unsigned int flags,
		      const struct phyrsim_dump_sink *sink)
{
	struct dump dump = { .text = { .sink = sink } };
	struct tour tour;
	int err;

	if (!sink || !sink->write || (flags & ~(unsigned int)PHYRSIM_DUMP_TABLES) != 0)
		return PHYR_E_INVAL;
	err = phyrsim_tour_begin(&tour, mem, root, false);
	if (!err)
		err = write_root(&dump.text, root);
	if (!err)
		err = write_leaves(&dump, &tour);
	if (!err && (flags & PHYRSIM_DUMP_TABLES) != 0) {
		err = phyrsim_tour_begin(&tour, mem, root, true);
		if (!err)
			err = write_tables(&dump, &tour);
	}
	return err ? err : write_end(&dump);
}
