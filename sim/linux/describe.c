/* SPDX-License-Identifier: MIT */
/*
 * What Linux spends to describe memory: scatterlists, bio_vec and phys_vec arrays.
 *
 * Each run costs what a formula says; no entry is ever built. Not here: chunk words, whose cost a
 * list knows itself (list.h).
 */
#include <phyr/bits.h>
#include <phyrsim/linux.h>

/* Lengths of segments and bio_vecs are 32 bits wide: the longest whole pages below 4 GiB. */
#define LENGTH_MAX ((UINT64_C(1) << 32) - PHYR_PAGE_SIZE)

/* Entries of a piece that has a successor: the last one links to it. */
#define SG_LINKED_CNT (PHYRSIM_LINUX_SG_PIECE_CNT - 1)

/* How many entries a run takes when none may exceed max. */
typedef uint64_t entry_cnt_fn(struct phyr_range run, uint64_t max);

static uint64_t div_up(uint64_t x, uint64_t by)
{
	return x / by + (x % by != 0);
}

/* Segments are filled with whole pages: an offset in the first page does not move the cuts. */
static uint64_t cut_by_pages(struct phyr_range run, uint64_t max)
{
	uint64_t last = run.pa.addr + (run.len - 1);
	uint64_t page_cnt = phyr_bits_blocks(run.pa.addr, last, PHYR_PAGE_LG2);

	return div_up(page_cnt, max >> PHYR_PAGE_LG2);
}

static uint64_t cut_by_bytes(struct phyr_range run, uint64_t max)
{
	return div_up(run.len, max);
}

static uint64_t count(const struct phyr_list *list, entry_cnt_fn *entry_cnt, uint64_t max)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t cnt = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run))
		cnt += entry_cnt(run.range, max);
	return cnt;
}

/* Full pieces of 4 KiB as long as more is left than one piece holds; then just what is left. */
static uint64_t sg_len(uint64_t entry_cnt)
{
	uint64_t linked_cnt = 0;

	if (entry_cnt > PHYRSIM_LINUX_SG_PIECE_CNT)
		linked_cnt = div_up(entry_cnt - PHYRSIM_LINUX_SG_PIECE_CNT, SG_LINKED_CNT);
	return linked_cnt * PHYRSIM_LINUX_SG_PIECE_CNT * PHYRSIM_LINUX_SG_LEN +
	       (entry_cnt - linked_cnt * SG_LINKED_CNT) * PHYRSIM_LINUX_SG_LEN;
}

struct phyrsim_linux_cost phyrsim_linux_scatterlist(const struct phyr_list *list,
						    uint64_t segment_max)
{
	struct phyrsim_linux_cost cost = { 0, 0 };

	if (segment_max < PHYR_PAGE_SIZE || segment_max > LENGTH_MAX ||
	    !phyr_bits_aligned(segment_max, PHYR_PAGE_LG2))
		return cost;
	cost.entry_cnt = count(list, cut_by_pages, segment_max);
	cost.len = sg_len(cost.entry_cnt);
	return cost;
}

static struct phyrsim_linux_cost vec_cost(uint64_t entry_cnt)
{
	struct phyrsim_linux_cost cost = { entry_cnt, entry_cnt * PHYRSIM_LINUX_VEC_LEN };

	return cost;
}

struct phyrsim_linux_cost phyrsim_linux_bio_vec(const struct phyr_list *list)
{
	return vec_cost(count(list, cut_by_bytes, LENGTH_MAX));
}

struct phyrsim_linux_cost phyrsim_linux_phys_vec(const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	return vec_cost(stats.run_cnt);
}
