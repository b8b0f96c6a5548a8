/* SPDX-License-Identifier: MIT */
/*
 * One log of operations means the same in every format: it is applied to every configuration, in
 * multiples of 64 KiB, which every granule takes, within the narrowest widths. The answers are the
 * same, and every 64 KiB lead to the same place with the same permissions and attributes, as far as
 * the format can say them. The writer and the hardware walker both say so.
 *
 * What differs between formats is how large leaves are, so that some can remove a part which others
 * can not. Who can not is helped as a user would: all of it goes, and what is to stay comes back. Or
 * it was cut before, which is the same everywhere: no leaf goes on there. What was written is dirty in
 * every format that has marks, and nothing is once all of it was read and cleared.
 *
 * PHYR_SEED and PHYR_ITER (operations) repeat or lengthen a run.
 */
#include <phyrsim/pagetable_dirty.h>
#include <phyrsim/pagetable_split.h>
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define STEP_LG2 16
#define STEP (UINT64_C(1) << STEP_LG2)
#define CELLS 2048
#define HALF (CELLS / 2)
#define HIGH_FIRST (UINT64_C(0x100000000) - HALF * STEP) /* the end of 32 bits */
#define PA_BITS 47
#define CHECK_EVERY 64

/* 64 KiB; nothing is mapped where perm is 0. */
struct cell {
	uint64_t pa;
	unsigned int perm, attrs;
	uint32_t first;	  /* 1: a mapping begins here */
	uint32_t written; /* 1: and was not cleaned since */
};

/* The first half of the cells lies at the bottom, the other at the top of the narrowest window. */
struct part {
	unsigned int at, cnt;
};

static const struct config *config;
static struct cell cells[CELLS];
static uint64_t random_state;
static uint64_t done_cnt, helped_cnt; /* operations that changed something; that needed help */

static unsigned int below(unsigned int end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

static uint64_t iova_of(unsigned int at)
{
	uint64_t offset = at < HALF ? at * STEP : HIGH_FIRST + (at - HALF) * STEP;

	return w.caps.iova.first.addr + offset;
}

static struct phyr_iova_range range_of(struct part part)
{
	struct phyr_iova_range range = { { iova_of(part.at) }, part.cnt * STEP };

	return range;
}

static struct part random_part(void)
{
	static const unsigned int scales[] = { 4, 40, 400, HALF };
	unsigned int half = below(2) * HALF, at = below(HALF);
	struct part part;

	if (below(2) == 0)
		at &= ~31u;
	part.at = half + at;
	part.cnt = 1 + below(scales[below(4)]);
	if (part.cnt > HALF - at)
		part.cnt = HALF - at;
	return part;
}

static unsigned int mapped_cnt(struct part part)
{
	unsigned int cnt = 0;

	for (unsigned int i = 0; i < part.cnt; i++)
		cnt += cells[part.at + i].perm != 0;
	return cnt;
}

/* A mapping goes on across the front of a cell. */
static bool goes_on(unsigned int at)
{
	return at % HALF != 0 && cells[at].perm != 0 && !cells[at].first;
}

/* A part with all of the mappings that begin before it or go on behind it. */
static struct part whole_of(struct part part)
{
	while (goes_on(part.at)) {
		part.at--;
		part.cnt++;
	}
	while (part.at + part.cnt < CELLS && goes_on(part.at + part.cnt))
		part.cnt++;
	return part;
}

/* As seen by hardware that marks what it accesses, for which clean leaves allow what they should. */
static void check_cell(unsigned int at)
{
	const struct cell *cell = &cells[at];
	unsigned int offset = below(STEP);
	struct phyrsim_root root = root_now();
	struct phyrsim_access access = { { iova_of(at) + offset },
					 RO,
					 PHYRSIM_WALK_PRIVILEGED | PHYRSIM_WALK_UPDATE };
	struct phyrsim_leaf leaf;
	struct phyrsim_walk walk;
	phyr_pa pa;

	assert_int_equal(phyrsim_pagetable_translate(w.table, access.iova, &pa, &leaf),
			 cell->perm ? PHYR_OK : PHYR_E_NOENT);
	if (cell->perm)
		access.perm = (enum phyr_perm)cell->perm;
	assert_int_equal(phyrsim_walk(w.mem, &root, &access, &walk),
			 cell->perm ? PHYR_OK : PHYR_E_FAULT);
	if (cell->perm == 0)
		return;
	assert_int_equal(pa.addr, cell->pa + offset);
	assert_int_equal(leaf.perm, perm_of(config, cell->perm));
	assert_int_equal(leaf.attrs, attrs_of(config, cell->attrs));
	assert_int_equal(walk.pa.addr, pa.addr);
	assert_int_equal(walk.perm, leaf.perm);
	assert_int_equal(walk.attrs, leaf.attrs);
}

static void check_part(struct part part)
{
	check_cell(part.at);
	check_cell(part.at + part.cnt - 1);
	if (part.at > 0)
		check_cell(part.at - 1);
	if (part.at + part.cnt < CELLS)
		check_cell(part.at + part.cnt);
	check_cell(part.at + below(part.cnt));
}

/* Maps a part as its cells say, a call for each mapping. */
static void map_cells(struct part part)
{
	while (part.cnt > 0) {
		const struct cell *cell = &cells[part.at];
		uint64_t pa = cell->pa;
		unsigned int cnt = 0;

		do
			cnt++;
		while (cnt < part.cnt && cell[cnt].perm == cell->perm && !cell[cnt].first);
		if (cell->perm)
			assert_int_equal(map_attrs(iova_of(part.at), pa, cnt * STEP, cell->perm,
						   cell->attrs),
					 PHYR_OK);
		part.at += cnt;
		part.cnt -= cnt;
	}
}

/*
 * Two runs in one call. Where they touch in I/O addresses there is no leaf across, so it is a
 * mapping each.
 */
static void step_map(void)
{
	struct part part = random_part();
	unsigned int perm = 1 + below(3), attrs = below(16), cut = below(part.cnt + 1);
	struct phyr_range runs[2];
	size_t run_cnt = 0;
	int result;

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int phase_lg2 = STEP_LG2 + below(15);
		uint64_t iova = iova_of(part.at + (i ? cut : 0));
		uint64_t pa = test_random(&random_state) & phyr_bits_mask(PA_BITS - 1);

		runs[run_cnt].pa.addr = phyr_bits_down(pa, phase_lg2) |
					(iova & phyr_bits_mask(phase_lg2));
		runs[run_cnt].len = (i ? part.cnt - cut : cut) * STEP;
		run_cnt += runs[run_cnt].len != 0;
	}
	result = phyrsim_pagetable_map(w.table, range_of(part).iova, runs, run_cnt,
				       (enum phyr_perm)perm, attrs);
	assert_int_equal(result, mapped_cnt(part) ? PHYR_E_EXISTS : PHYR_OK);
	done_cnt += result == PHYR_OK;
	for (unsigned int i = 0; result == PHYR_OK && i < part.cnt; i++) {
		const struct phyr_range *run = &runs[i >= cut && cut > 0 ? run_cnt - 1 : 0];
		unsigned int at = i >= cut ? i - cut : i;

		cells[part.at + i] = (struct cell){ run->pa.addr + at * STEP, perm, attrs, !at, 0 };
	}
	check_part(part);
}

/* Of what all configurations can do alike, mostly: whole mappings. */
static struct part mapped_part(void)
{
	struct part part = random_part();

	while (below(8) != 0 && mapped_cnt(part) < part.cnt)
		part.cnt = (part.cnt + 1) / 2 - (part.cnt == 1);
	if (part.cnt == 0)
		return random_part();
	return below(4) == 0 ? part : whole_of(part);
}

/* A leaf of this configuration reaches out of the part: all goes, the cells say what comes back. */
static void start_over(struct part part)
{
	struct part whole = whole_of(part);

	assert_true(whole.cnt > part.cnt);
	assert_int_equal(phyrsim_pagetable_unmap(w.table, range_of(whole), &w.gather), PHYR_OK);
}

/* Where it was cut, and that marks are lost of all that may have been mapped anew. */
static void set_edges(struct part part)
{
	struct part whole = whole_of(part);

	for (unsigned int i = 0; i < whole.cnt; i++)
		cells[whole.at + i].written = 0;
	if (part.at + part.cnt < CELLS)
		cells[part.at + part.cnt].first = 1;
	cells[part.at].first = 1;
}

static void step_unmap(void)
{
	struct part part = mapped_part(), whole = whole_of(part);
	bool hole = mapped_cnt(part) < part.cnt, sparse = below(4) == 0;
	int result = sparse ? phyrsim_pagetable_unmap_sparse(w.table, range_of(part), &w.gather) :
			      phyrsim_pagetable_unmap(w.table, range_of(part), &w.gather);

	if (hole && !sparse) {
		assert_int_equal(result, PHYR_E_NOENT);
		check_part(part);
		return;
	}
	if (hole && result == PHYR_E_PARTIAL) {
		/* Not what this is about: leave the holes out. */
		assert_true(whole.cnt > part.cnt);
		assert_int_equal(
			phyrsim_pagetable_unmap_sparse(w.table, range_of(whole), &w.gather),
			PHYR_OK);
	} else if (result == PHYR_E_PARTIAL) {
		start_over(part);
	} else {
		assert_int_equal(result, PHYR_OK);
	}
	done_cnt++;
	helped_cnt += result == PHYR_E_PARTIAL;
	set_edges(part);
	memset(&cells[part.at], 0, part.cnt * sizeof(cells[0]));
	if (result == PHYR_E_PARTIAL) {
		map_cells((struct part){ whole.at, part.at - whole.at });
		map_cells((struct part){ part.at + part.cnt,
					 whole.at + whole.cnt - part.at - part.cnt });
	}
	check_part(part);
}

static void step_protect(void)
{
	struct part part = mapped_part(), whole = whole_of(part);
	unsigned int perm = 1 + below(3), attrs = below(16);
	int result = phyrsim_pagetable_protect(w.table, range_of(part), (enum phyr_perm)perm, attrs,
					       &w.gather);

	if (mapped_cnt(part) < part.cnt) {
		assert_int_equal(result, PHYR_E_NOENT);
		return;
	}
	if (result == PHYR_E_PARTIAL)
		start_over(part);
	else
		assert_int_equal(result, PHYR_OK);
	done_cnt++;
	helped_cnt += result == PHYR_E_PARTIAL;
	set_edges(part);
	for (unsigned int i = 0; i < part.cnt; i++) {
		cells[part.at + i].perm = perm;
		cells[part.at + i].attrs = attrs;
	}
	if (result == PHYR_E_PARTIAL)
		map_cells(whole);
	check_part(part);
}

/* Anywhere: in the middle of a mapping, which begins anew there, or where nothing is to be cut. */
static void step_split(void)
{
	struct part part = random_part();
	struct cell *cell = &cells[part.at];

	assert_int_equal(phyrsim_pagetable_split(w.table, range_of(part).iova, NULL, &w.gather),
			 PHYR_OK);
	done_cnt += goes_on(part.at);
	cell->first |= cell->perm != 0;
	part.cnt = 1;
	check_part(part);
}

static void step_mark(void)
{
	struct part part = mapped_part();
	struct cell *cell = &cells[part.at];
	phyr_iova iova = phyr_iova_at(iova_of(part.at) + below(STEP));
	int result = phyrsim_pagetable_mark(w.table, iova, true);

	if (cell->perm & WO)
		assert_int_equal(result, PHYR_OK);
	else
		assert_int_equal(result, cell->perm ? PHYR_E_FAULT : PHYR_E_NOENT);
	cell->written |= result == PHYR_OK;
	check_cell(part.at);
}

/* Reads a whole mapping and clears it. Leaves are of different sizes, so more may be dirty. */
static void step_dirty(void)
{
	struct part part = whole_of(random_part());
	uint64_t words[CELLS / 64] = { 0 }, again[CELLS / 64] = { 0 };
	struct phyrsim_dirty_bitmap bitmap = { words, CELLS, STEP_LG2 };
	bool tracks = config_tracks(config);
	int result = phyrsim_pagetable_read_dirty(w.table, range_of(part), 0, &bitmap, &w.gather);

	assert_int_equal(result, tracks ? PHYR_OK : PHYR_E_UNSUPPORTED);
	for (unsigned int i = 0; i < part.cnt; i++) {
		struct cell *cell = &cells[part.at + i];
		bool dirty = words[i / 64] >> i % 64 & 1;

		assert_true(!tracks || dirty || !cell->written);
		assert_true(!dirty || (perm_of(config, cell->perm) & WO));
		cell->written = 0;
	}
	bitmap.words = again;
	if (tracks)
		assert_int_equal(phyrsim_pagetable_read_dirty(w.table, range_of(part), 0, &bitmap,
							      &w.gather),
				 PHYR_OK);
	for (size_t i = 0; i < CNT(again); i++)
		assert_int_equal(again[i], 0);
	check_part(part);
}

static void run_log(uint64_t seed, uint64_t iter)
{
	memset(cells, 0, sizeof(cells));
	for (uint64_t i = 0; i < iter; i++) {
		/* Each step has numbers of its own: one that takes more does not change the next. */
		random_state = (seed << 32) + i + 1;
		(void)below(1);
		switch (below(8)) {
		case 0:
		case 1:
			step_map();
			break;
		case 2:
			step_protect();
			break;
		case 3:
			step_split();
			break;
		case 4:
			step_mark();
			break;
		case 5:
			step_dirty();
			break;
		default:
			step_unmap();
		}
		if (i % 16 == 0)
			phyrsim_pagetable_release(w.table, &w.gather);
		for (unsigned int at = 0; i % CHECK_EVERY == 0 && at < CELLS; at++)
			check_cell(at);
	}
}

static void one_log_means_the_same_in_every_configuration(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 500);
	static struct cell first[CELLS];

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < CNT(configs); i++) {
		config = &configs[i];
		open_config(config);
		run_log(seed, iter);
		for (unsigned int at = 0; at < CELLS; at++)
			check_cell(at);
		/* The log itself does not depend on the configuration. */
		if (i == 0)
			memcpy(first, cells, sizeof(cells));
		assert_memory_equal(first, cells, sizeof(cells));
		close_config();
	}
	print_message("%llu operations, %llu of them with help\n", (unsigned long long)done_cnt,
		      (unsigned long long)helped_cnt);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(one_log_means_the_same_in_every_configuration),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
