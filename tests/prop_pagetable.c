/* SPDX-License-Identifier: MIT */
/*
 * Random maps and unmaps against a flat model that knows, for every page of a few stretches of
 * I/O address space, where it leads and in which leaf. The hardware walker must agree with the
 * model on every page, and a recount of the raw tables with the statistics. A refused call changes
 * no word of any table.
 *
 * PHYR_SEED and PHYR_ITER (calls for each number of levels) repeat or lengthen a run.
 */
#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/walker.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
#define GIB1 (UINT64_C(1) << 30)
#define PA_END (UINT64_C(1) << 52)
#define SPOT_CNT 4
#define RUN_MAX 3

/* A page of the model: pa | perm << 8 | log2 of its leaf; 0 is a hole. */
static unsigned int word_lg2(uint64_t word)
{
	return (unsigned int)(word & 63);
}

static unsigned int word_perm(uint64_t word)
{
	return (unsigned int)(word >> 8 & 3);
}

static uint64_t word_pa(uint64_t word)
{
	return phyr_bits_down(word, PHYR_PAGE_LG2);
}

/* A stretch of I/O address space that the model covers. */
struct spot {
	uint64_t first;
	uint64_t page_cnt;
	uint64_t *words;
};

struct world {
	uint64_t random;
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct phyrsim_root root;
	struct phyr_gather gather;
	struct spot spots[SPOT_CNT];
	struct phyr_block_counts leaves; /* what the model holds */
};

/* Pages of one spot: what a call is about. */
struct part {
	struct spot *spot;
	uint64_t page;
	uint64_t cnt;
};

/* Leaves and tables as the raw words have them, and a checksum of those words. */
struct recount {
	struct phyr_block_counts leaves;
	uint64_t table_cnt;
	uint64_t sum;
};

static uint64_t below(struct world *w, uint64_t end)
{
	return test_random(&w->random) % end;
}

static uint64_t iova_of(const struct spot *spot, uint64_t page)
{
	return spot->first + page * PAGE;
}

static void open_spot(struct spot *spot, uint64_t first, uint64_t len)
{
	spot->first = first;
	spot->page_cnt = len / PAGE;
	spot->words = calloc(spot->page_cnt, sizeof(spot->words[0]));
	assert_non_null(spot->words);
}

static void open_world(struct world *w, unsigned int level_cnt, uint64_t seed)
{
	struct phyrsim_pagetable_params params = { .level_cnt = level_cnt };
	uint64_t end = phyr_bits_size(12 + 9 * level_cnt), len = UINT64_C(8) << 20;

	memset(w, 0, sizeof(*w));
	w->random = seed + level_cnt;
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	params.mem = &w->host.mem;
	params.frames = w->mem;
	assert_int_equal(phyrsim_pagetable_create(&params, &w->table), PHYR_OK);
	phyrsim_pagetable_root(w->table, &w->root);
	phyr_gather_init(&w->gather);
	/* A window with two whole GiB; the bottom; across the two halves; the top. */
	open_spot(&w->spots[0], 5 * GIB1 - len, 2 * GIB1 + 2 * len);
	open_spot(&w->spots[1], 0, len);
	open_spot(&w->spots[2], end / 2 - len / 2, len);
	open_spot(&w->spots[3], end - len, len);
}

static void close_world(struct world *w)
{
	for (size_t i = 0; i < SPOT_CNT; i++)
		free(w->spots[i].words);
	phyrsim_pagetable_destroy(w->table);
	assert_int_equal(phyrsim_mem_frame_cnt(w->mem), 0);
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
}

/* Reads a table and what is below it by the rules of the format alone. */
static void recount_table(const struct world *w, uint64_t pa, unsigned int level,
			  struct recount *recount)
{
	const uint64_t *frame = phyrsim_mem_frame(w->mem, phyr_pa_at(pa));

	assert_non_null(frame);
	recount->table_cnt++;
	for (size_t i = 0; i < 512; i++) {
		recount->sum = (recount->sum ^ frame[i]) * UINT64_C(0x100000001b3);
		if (frame[i] == 0)
			continue;
		assert_int_not_equal(frame[i] & 3, 0);
		if (level == 0 || (frame[i] & 0x80) != 0)
			recount->leaves.cnt[12 + 9 * level]++;
		else
			recount_table(w, word_pa(frame[i]), level - 1, recount);
	}
}

static struct recount recount(const struct world *w)
{
	struct recount now = { 0 };

	recount_table(w, w->root.table.addr, w->root.level_cnt - 1, &now);
	return now;
}

/* Model, statistics and raw tables hold the same leaves. Returns the checksum of the tables. */
static uint64_t check_counts(const struct world *w)
{
	struct phyrsim_pagetable_stats stats;
	struct recount now = recount(w);

	phyrsim_pagetable_stats(w->table, &stats);
	assert_memory_equal(&stats.leaves, &w->leaves, sizeof(w->leaves));
	assert_memory_equal(&now.leaves, &w->leaves, sizeof(w->leaves));
	assert_true(now.table_cnt <= stats.table_cnt && stats.table_cnt <= stats.table_max);
	return now.sum;
}

static void check_access(const struct world *w, uint64_t iova, uint64_t word, enum phyr_perm access)
{
	uint64_t offset = iova & (PAGE - 1);
	bool allowed = (word_perm(word) & (unsigned int)access) == (unsigned int)access;
	struct phyrsim_access asked = { phyr_iova_at(iova), access, PHYRSIM_WALK_AUDIT };
	struct phyrsim_walk walk;

	assert_int_equal(phyrsim_walk(w->mem, &w->root, &asked, &walk),
			 allowed ? PHYR_OK : PHYR_E_FAULT);
	if (word == 0) {
		assert_int_equal(walk.fault, PHYRSIM_FAULT_NOT_PRESENT);
		return;
	}
	assert_int_equal(walk.perm, word_perm(word));
	if (!allowed) {
		assert_int_equal(walk.fault, access == PHYR_PERM_READ ? PHYRSIM_FAULT_READ :
									PHYRSIM_FAULT_WRITE);
		return;
	}
	assert_int_equal(walk.pa.addr, word_pa(word) + offset);
	assert_int_equal(walk.leaf_lg2, word_lg2(word));
}

/* One byte of a page, as both kinds of access see it; outside of the spots all is a hole. */
static void check_page(struct world *w, const struct spot *spot, uint64_t page)
{
	uint64_t iova = iova_of(spot, page) + below(w, PAGE);
	uint64_t word = page < spot->page_cnt ? spot->words[page] : 0;

	if (iova >> (12 + 9 * w->root.level_cnt) != 0)
		return;
	check_access(w, iova, word, PHYR_PERM_READ);
	check_access(w, iova, word, PHYR_PERM_WRITE);
}

/* Both ends of a part, its neighbours and some pages inside. */
static void check_part(struct world *w, struct part part)
{
	check_page(w, part.spot, part.page - (part.page > 0));
	check_page(w, part.spot, part.page);
	check_page(w, part.spot, part.page + part.cnt - 1);
	check_page(w, part.spot, part.page + part.cnt);
	for (unsigned int i = 0; i < 16; i++)
		check_page(w, part.spot, part.page + below(w, part.cnt));
}

static void check_everything(struct world *w)
{
	check_counts(w);
	for (size_t i = 0; i < SPOT_CNT; i++)
		for (uint64_t page = 0; page <= w->spots[i].page_cnt; page++)
			check_page(w, &w->spots[i], page);
}

/* Some pages, mostly few, sometimes whole large leaves. */
static struct part random_part(struct world *w)
{
	static const uint64_t scales[] = { 8, 600, 1536, 2048, 300000, 600000 };
	struct part part = { &w->spots[below(w, SPOT_CNT)], 0, 0 };
	uint64_t align = phyr_bits_size((unsigned int)(9 * below(w, 3)));
	uint64_t beyond, left;

	part.page = below(w, part.spot->page_cnt);
	beyond = (part.spot->first / PAGE + part.page) % align;
	part.page -= beyond <= part.page ? beyond : 0;
	part.cnt = 1 + below(w, scales[below(w, 6)]);
	part.cnt -= part.cnt > align ? part.cnt % align : 0;
	left = part.spot->page_cnt - part.page;
	part.cnt = part.cnt < left ? part.cnt : left;
	return part;
}

/* The first pages of a part, or behind it, that are all mapped or all holes; cnt 0 if none. */
static struct part uniform_part(struct part part, bool mapped)
{
	const uint64_t *words = part.spot->words;
	uint64_t cnt = part.cnt;

	while (part.page < part.spot->page_cnt && (words[part.page] != 0) != mapped)
		part.page++;
	for (part.cnt = 0; part.cnt < cnt; part.cnt++) {
		uint64_t at = part.page + part.cnt;

		if (at == part.spot->page_cnt || (words[at] != 0) != mapped)
			break;
	}
	return part;
}

/* Physical addresses that agree with the I/O address modulo 4 KiB, 2 MiB or 1 GiB. */
static uint64_t random_pa(struct world *w, uint64_t iova, uint64_t len)
{
	unsigned int phase_lg2 = 12 + 9 * (unsigned int)below(w, 3);
	uint64_t pa = phyr_bits_down(below(w, PA_END - len - GIB1), phase_lg2);

	return pa + (iova & phyr_bits_mask(phase_lg2) & ~(PAGE - 1));
}

/* The largest leaf at this point, by trying each. */
static unsigned int greedy_lg2(uint64_t iova, uint64_t pa, uint64_t len)
{
	for (unsigned int lg2 = 30; lg2 > 12; lg2 -= 9) {
		if (((iova | pa) & phyr_bits_mask(lg2)) == 0 && len >= phyr_bits_size(lg2))
			return lg2;
	}
	return 12;
}

static void model_map_run(struct world *w, struct part part, struct phyr_range run,
			  unsigned int perm)
{
	uint64_t *word = &part.spot->words[part.page];
	uint64_t iova = iova_of(part.spot, part.page), pa = run.pa.addr,
		 end = run.pa.addr + run.len;

	while (pa < end) {
		unsigned int lg2 = greedy_lg2(iova, pa, end - pa);

		w->leaves.cnt[lg2]++;
		for (uint64_t i = 0; i < phyr_bits_size(lg2); i += PAGE)
			*word++ = (pa + i) | perm << 8 | lg2;
		iova += phyr_bits_size(lg2);
		pa += phyr_bits_size(lg2);
	}
}

/* Cuts a part into runs at random; sometimes two of them touch. */
static size_t random_runs(struct world *w, struct part part, struct phyr_range *runs)
{
	size_t run_cnt = 0;

	while (part.cnt > 0) {
		bool rest = run_cnt == RUN_MAX - 1 || below(w, 2) == 0;
		uint64_t cnt = rest ? part.cnt : 1 + below(w, part.cnt);
		struct phyr_range *run = &runs[run_cnt];

		run->len = cnt * PAGE;
		run->pa = phyr_pa_at(random_pa(w, iova_of(part.spot, part.page), run->len));
		if (run_cnt > 0 && below(w, 4) == 0 &&
		    run[-1].pa.addr + run[-1].len + run->len < PA_END)
			run->pa = phyr_pa_at(run[-1].pa.addr + run[-1].len);
		part.page += cnt;
		part.cnt -= cnt;
		run_cnt++;
	}
	return run_cnt;
}

static void model_map(struct world *w, struct part part, const struct phyr_range *runs,
		      size_t run_cnt, unsigned int perm)
{
	for (size_t i = 0; i < run_cnt; i++) {
		model_map_run(w, part, runs[i], perm);
		part.page += runs[i].len / PAGE;
	}
}

static uint64_t mapped_cnt(struct part part)
{
	uint64_t cnt = 0;

	for (uint64_t i = 0; i < part.cnt; i++)
		cnt += part.spot->words[part.page + i] != 0;
	return cnt;
}

static void map_part(struct world *w, struct part part)
{
	unsigned int perm = 1 + (unsigned int)below(w, 3);
	phyr_iova iova = phyr_iova_at(iova_of(part.spot, part.page));
	struct phyr_range runs[RUN_MAX];
	size_t run_cnt = random_runs(w, part, runs);
	bool overlap = mapped_cnt(part) > 0;
	uint64_t before = overlap ? recount(w).sum : 0;
	int result = phyrsim_pagetable_map(w->table, iova, runs, run_cnt, (enum phyr_perm)perm, 0);

	assert_int_equal(result, overlap ? PHYR_E_EXISTS : PHYR_OK);
	if (overlap)
		assert_int_equal(check_counts(w), before);
	else
		model_map(w, part, runs, run_cnt, perm);
	check_part(w, part);
}

/* Mostly a hole, so that most maps succeed. */
static void step_map(struct world *w)
{
	struct part part = random_part(w);
	struct part hole = uniform_part(part, false);

	map_part(w, hole.cnt > 0 && below(w, 8) != 0 ? hole : part);
}

/* Does a leaf reach from one side of a page boundary to the other? */
static bool is_cut(const struct spot *spot, uint64_t page)
{
	uint64_t word = page < spot->page_cnt ? spot->words[page] : 0;

	return word != 0 && !phyr_bits_aligned(iova_of(spot, page), word_lg2(word));
}

/* Removes a part from the model; its ends are ends of leaves. */
static void model_unmap(struct world *w, struct part part)
{
	uint64_t *words = &part.spot->words[part.page];

	for (uint64_t i = 0; i < part.cnt; i++) {
		unsigned int lg2 = word_lg2(words[i]);

		if (phyr_bits_aligned(iova_of(part.spot, part.page + i), lg2))
			w->leaves.cnt[lg2]--;
	}
	memset(words, 0, part.cnt * sizeof(words[0]));
}

static void unmap_part(struct world *w, struct part part)
{
	struct phyr_iova_range range = { { iova_of(part.spot, part.page) }, part.cnt * PAGE };
	bool hole = mapped_cnt(part) < part.cnt;
	bool cut = is_cut(part.spot, part.page) || is_cut(part.spot, part.page + part.cnt);
	uint64_t before = hole || cut ? recount(w).sum : 0;
	int result = phyrsim_pagetable_unmap(w->table, range, &w->gather);

	if (!hole && !cut) {
		assert_int_equal(result, PHYR_OK);
		assert_true(!w->gather.empty && w->gather.first <= range.iova.addr &&
			    w->gather.last >= range.iova.addr + range.len - 1);
		model_unmap(w, part);
	} else {
		/* When both are so, either answer is right. */
		assert_true((hole && result == PHYR_E_NOENT) || (cut && result == PHYR_E_PARTIAL));
		assert_int_equal(check_counts(w), before);
	}
	check_part(w, part);
}

/* Makes a mapped part begin and end with whole leaves. */
static struct part whole_leaves(struct part part)
{
	while (is_cut(part.spot, part.page)) {
		part.page--;
		part.cnt++;
	}
	while (is_cut(part.spot, part.page + part.cnt))
		part.cnt++;
	return part;
}

/* Mostly a mapped part, and mostly of whole leaves, so that every answer comes up. */
static void step_unmap(struct world *w)
{
	struct part part = random_part(w);
	struct part mapped = uniform_part(part, true);

	if (mapped.cnt > 0 && below(w, 8) != 0)
		part = below(w, 4) == 0 ? mapped : whole_leaves(mapped);
	unmap_part(w, part);
}

/* Frames that wait for an invalidation are the only ones that are in no table. */
static void release(struct world *w)
{
	struct phyrsim_pagetable_stats stats;

	phyrsim_pagetable_release(w->table, &w->gather);
	assert_null(w->gather.freed);
	phyr_gather_init(&w->gather);
	phyrsim_pagetable_stats(w->table, &stats);
	assert_int_equal(stats.table_cnt, recount(w).table_cnt);
	assert_int_equal(stats.table_cnt, phyrsim_mem_frame_cnt(w->mem));
}

static void clear_spot(struct world *w, struct part whole)
{
	struct part part = uniform_part(whole, true);

	for (; part.cnt > 0; part = uniform_part(whole, true))
		unmap_part(w, part);
}

/* A spot as one mapping: that is where the largest leaves are. */
static void step_spot(struct world *w)
{
	struct spot *spot = &w->spots[below(w, SPOT_CNT)];
	struct part whole = { spot, 0, spot->page_cnt };

	clear_spot(w, whole);
	map_part(w, whole);
}

static void step(struct world *w)
{
	if (below(w, 2) == 0)
		step_map(w);
	else
		step_unmap(w);
	if (below(w, 64) == 0)
		step_spot(w);
	if (below(w, 16) == 0)
		release(w);
}

static void every_number_of_levels_translates_as_the_model(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 1500);
	struct world w;

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned int level_cnt = 3; level_cnt <= 5; level_cnt++) {
		open_world(&w, level_cnt, seed);
		for (uint64_t i = 0; i < iter; i++)
			step(&w);
		check_everything(&w);
		for (size_t i = 0; i < SPOT_CNT; i++)
			clear_spot(&w, (struct part){ &w.spots[i], 0, w.spots[i].page_cnt });
		release(&w);
		check_everything(&w);
		assert_int_equal(phyrsim_mem_frame_cnt(w.mem), 1); /* the top table */
		close_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_number_of_levels_translates_as_the_model),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
