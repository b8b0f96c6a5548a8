/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever the memory, the sizes and their alignments, the splitter finds what trying
 * everything finds, unit by unit: which page sizes fit and which is best, every page's address, and
 * the least number of blocks of mixed sizes.
 *
 * Units are 1 KiB, so that a 4K page has four. An input is:
 *
 *	byte 0   sizes: bit n is 2^n units, 0 … 5
 *	byte 1   device address of byte 0, in units
 *	byte 2…3 for each size two bits: how much smaller its alignment is [log2]
 *	byte 4   bit 0 covering allowed; bit 1 start field scaled; bits 7:2 its width
 *	byte 5   unit of the start field [log2]
 *	byte 6   words filled at a time, less one
 *	then two bytes a run: where (255 = behind the one before), and length less one (bits 4:0) with
 *	provider (bits 7:5)
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/bits.h>
#include <phyr/heap.h>
#include <phyr/list.h>
#include <phyr/split.h>

#define UNIT_LG2 10
#define UNIT UINT64_C(1024)
#define SIZES 6
#define RUNS_MAX 8
#define UNITS_MAX 256
/* Memory and addresses start here, so that no page begins below 0. */
#define BASE (64 * UNIT)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct phyr_list list;
	struct phyr_split_sizes sizes; /* with alignments */
	struct phyr_start_field field;
	enum phyr_cover cover;
	uint64_t address;
	size_t piece;
	size_t unit_cnt;
	uint64_t pa[UNITS_MAX];	     /* of each unit */
	uint8_t provider[UNITS_MAX]; /* ditto */
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void add_run(struct world *w, uint8_t where, uint8_t what)
{
	struct phyr_tag tag = { PHYR_KIND_P2P, what >> 5 };
	struct phyr_range range = { { BASE + where * UNIT }, ((what & 31) + UINT64_C(1)) * UNIT };

	if (where == 255 && w->unit_cnt)
		range.pa.addr = w->pa[w->unit_cnt - 1] + UNIT;
	require(phyr_list_append(&w->list, range, tag) == PHYR_OK);
	for (uint64_t at = 0; at < range.len; at += UNIT) {
		w->provider[w->unit_cnt] = (uint8_t)tag.provider;
		w->pa[w->unit_cnt++] = range.pa.addr + at;
	}
}

static void make_world(struct world *w, const uint8_t head[7], const uint8_t *runs, size_t run_cnt)
{
	unsigned int loose = head[2] | (unsigned int)head[3] << 8;

	memset(w, 0, sizeof(*w));
	phyr_list_init(&w->list, phyr_heap_mem());
	w->sizes = phyr_split_sizes_natural((phyr_sizes){ 0 });
	w->sizes.sizes.mask = (uint64_t)(head[0] & 63) << UNIT_LG2;
	for (unsigned int i = 0; i < SIZES; i++) {
		unsigned int by = loose >> 2 * i & 3;

		w->sizes.align_lg2[UNIT_LG2 + i] = (uint8_t)(UNIT_LG2 + (by < i ? i - by : 0));
	}
	w->address = BASE + head[1] * UNIT;
	w->cover = head[4] & 1 ? PHYR_COVER_ALLOW : PHYR_COVER_FORBID;
	w->field = (struct phyr_start_field){ head[4] >> 2, head[5] & 63, head[4] >> 1 & 1 };
	w->piece = head[6] + (size_t)1;
	for (size_t i = 0; i < run_cnt && i < RUNS_MAX; i++)
		add_run(w, runs[2 * i], runs[2 * i + 1]);
}

/* One size, by trying each unit of each page. */

static uint64_t region_end(const struct world *w, uint64_t address)
{
	return address + w->unit_cnt * UNIT;
}

/* Where the page that holds a unit must be in memory. */
static uint64_t page_pa(const struct world *w, uint64_t address, size_t unit, unsigned int lg2)
{
	return w->pa[unit] - ((address + unit * UNIT) & phyr_bits_mask(lg2));
}

static bool stays_inside(const struct world *w, uint64_t address, unsigned int lg2)
{
	uint64_t end, region;

	require(phyr_bits_up(region_end(w, address), lg2, &end));
	require(phyr_bits_up(region_end(w, address), PHYR_PAGE_LG2, &region));
	return phyr_bits_down(address, lg2) >= phyr_bits_down(address, PHYR_PAGE_LG2) &&
	       end <= region;
}

static bool size_fits(const struct world *w, uint64_t address, unsigned int lg2,
		      unsigned int align_lg2, enum phyr_cover cover)
{
	for (size_t i = 0; i < w->unit_cnt; i++) {
		bool same_page = i && (address + i * UNIT) & phyr_bits_mask(lg2);

		if (!phyr_bits_aligned(page_pa(w, address, i, lg2), align_lg2) ||
		    (same_page && page_pa(w, address, i, lg2) != page_pa(w, address, i - 1, lg2)))
			return false;
	}
	return cover == PHYR_COVER_ALLOW || stays_inside(w, address, lg2);
}

static uint64_t pages_of(const struct world *w, uint64_t address, unsigned int lg2)
{
	return phyr_bits_blocks(address, region_end(w, address) - 1, lg2);
}

/* The smallest of the sizes that fit in the fewest pages; 0 for none. */
static uint64_t best_of(const struct world *w, uint64_t address, uint64_t fitting)
{
	uint64_t best = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (fitting >> lg2 & 1 &&
		    (best == 0 ||
		     pages_of(w, address, lg2) < pages_of(w, address, phyr_bits_log2(best))))
			best = phyr_bits_size(lg2);
	return best;
}

static void check_best_size(const struct world *w)
{
	uint64_t natural = 0, aligned = 0;

	for (unsigned int lg2 = UNIT_LG2; lg2 < UNIT_LG2 + SIZES; lg2++) {
		if (!(w->sizes.sizes.mask >> lg2 & 1))
			continue;
		if (size_fits(w, w->address, lg2, lg2, w->cover))
			natural |= phyr_bits_size(lg2);
		if (size_fits(w, w->address, lg2, w->sizes.align_lg2[lg2], w->cover))
			aligned |= phyr_bits_size(lg2);
	}
	require(phyr_split_best_size(&w->list, w->address, w->sizes.sizes, w->cover) ==
		best_of(w, w->address, natural));
	require(phyr_split_best_size_aligned(&w->list, w->address, &w->sizes, w->cover) ==
		best_of(w, w->address, aligned));
}

/* Can a field say an offset? By what the device computes of it. */
static bool says(struct phyr_start_field field, uint64_t offset, unsigned int lg2)
{
	unsigned int unit_lg2 = field.unit_lg2;

	if (field.scaled)
		unit_lg2 = unit_lg2 < lg2 ? lg2 - unit_lg2 : 0;
	return phyr_bits_aligned(offset, unit_lg2) &&
	       offset >> unit_lg2 <= phyr_bits_mask(field.bits);
}

static void check_offset(const struct world *w)
{
	uint64_t fitting = 0, offset = 0, size;

	for (unsigned int lg2 = UNIT_LG2; lg2 < UNIT_LG2 + SIZES; lg2++)
		if (w->sizes.sizes.mask >> lg2 & 1 && size_fits(w, w->pa[0], lg2, lg2, w->cover) &&
		    says(w->field, w->pa[0] & phyr_bits_mask(lg2), lg2))
			fitting |= phyr_bits_size(lg2);
	size = phyr_split_best_offset(&w->list, w->field, w->sizes.sizes, w->cover, &offset);
	require(size == best_of(w, w->pa[0], fitting));
	require(size == 0 || offset == (w->pa[0] & (size - 1)));
}

static void check_fill(const struct world *w, struct phyr_pages *pages, unsigned int lg2)
{
	const struct phyr_word_format format = { 5, PHYR_ENDIAN_HOST };
	uint64_t words[UNITS_MAX + 1];
	uint64_t first = phyr_bits_down(w->address, lg2);
	size_t done = 0, cnt;

	do {
		size_t room = UNITS_MAX - done < w->piece ? UNITS_MAX - done : w->piece;

		cnt = room ? phyr_split_fill(pages, format, words + done, room) : 0;
		done += cnt;
	} while (cnt);
	require(done == pages_of(w, w->address, lg2) && done == phyr_split_pages_cnt(pages));
	for (size_t i = 0; i < w->unit_cnt; i++) {
		uint64_t page = (w->address + i * UNIT - first) >> lg2;

		require(words[page] == (page_pa(w, w->address, i, lg2) | 5));
		require(phyr_split_pages_seek(pages, page) == PHYR_OK);
		require(phyr_split_fill(pages, format, &words[UNITS_MAX], 1) == 1);
		require(words[UNITS_MAX] == words[page]);
	}
}

static void check_pages(const struct world *w)
{
	struct phyr_pages pages;

	for (unsigned int lg2 = UNIT_LG2; lg2 < UNIT_LG2 + SIZES; lg2++) {
		unsigned int align_lg2 = w->sizes.align_lg2[lg2];
		bool fits = size_fits(w, w->address, lg2, align_lg2, PHYR_COVER_ALLOW);
		int err = phyr_split_pages_begin_aligned(&w->list, w->address, lg2, align_lg2,
							 &pages);

		require(err == (fits ? PHYR_OK : PHYR_E_ALIGN));
		if (fits)
			check_fill(w, &pages, lg2);
	}
}

/* Why is it not larger? What is said to help must help, and nothing else may. */
static void check_explanation(const struct world *w)
{
	struct phyr_explanation why;
	unsigned int lg2;
	bool helps = false;

	require(phyr_split_explain(&w->list, w->address, w->sizes.sizes, w->cover, &why) ==
		PHYR_OK);
	require(why.page_len ==
		phyr_split_best_size(&w->list, w->address, w->sizes.sizes, w->cover));
	if (why.larger_len == 0)
		return;
	lg2 = phyr_bits_log2(why.larger_len);
	require(why.obstacle_cnt && !size_fits(w, w->address, lg2, lg2, w->cover));
	require(why.larger_cnt == pages_of(w, w->address, lg2));
	for (uint64_t at = 0; at < why.larger_len; at += UNIT) {
		bool fits = size_fits(w, BASE + at, lg2, lg2, w->cover);

		require(!fits || (why.renaming_helps && why.other_address == at));
		helps |= fits;
	}
	require(helps == why.renaming_helps);
}

/* Mixed sizes, by dynamic programming over the units of a run, its outer pages rounded out. */

struct run {
	uint64_t pa; /* rounded out */
	uint64_t iova;
	size_t unit_cnt;
};

static uint64_t minimum(const struct world *w, const struct run *run)
{
	uint64_t least[2 * UNITS_MAX + 1] = { 0 };

	for (size_t end = 1; end <= run->unit_cnt; end++) {
		least[end] = UINT64_MAX;
		for (unsigned int i = 0; i < SIZES && (size_t)1 << i <= end; i++) {
			size_t start = end - ((size_t)1 << i);
			unsigned int lg2 = UNIT_LG2 + i;

			if (w->sizes.sizes.mask >> lg2 & 1 && least[start] < least[end] - 1 &&
			    phyr_bits_aligned(run->iova + start * UNIT, lg2) &&
			    phyr_bits_aligned(run->pa + start * UNIT, w->sizes.align_lg2[lg2]))
				least[end] = least[start] + 1;
		}
	}
	return least[run->unit_cnt];
}

/* The run that starts at a unit; where it ends is returned. */
static size_t run_at(const struct world *w, size_t start, unsigned int lg2, struct run *ret_run)
{
	uint64_t head_len = start ? 0 : w->address & phyr_bits_mask(lg2);
	uint64_t len;
	size_t end = start + 1;

	while (end < w->unit_cnt && w->pa[end] == w->pa[end - 1] + UNIT &&
	       w->provider[end] == w->provider[end - 1])
		end++;
	len = head_len + (end - start) * UNIT;
	if (end == w->unit_cnt)
		require(phyr_bits_up(len, lg2, &len));
	*ret_run = (struct run){ w->pa[start] - head_len, w->address + start * UNIT - head_len,
				 (size_t)(len / UNIT) };
	return end;
}

/* Takes the blocks of a run; they follow one another, aligned, in the least number. */
static void check_run(const struct world *w, struct phyr_split *split, const struct run *run)
{
	uint64_t done = 0, cnt = 0;
	struct phyr_blocks blocks;

	while (done < run->unit_cnt * UNIT) {
		require(phyr_split_next(split, &blocks) && blocks.cnt);
		require(blocks.pa.addr == run->pa + done && blocks.iova.addr == run->iova + done);
		require(w->sizes.sizes.mask >> blocks.lg2 & 1);
		require(phyr_bits_aligned(blocks.iova.addr, blocks.lg2));
		require(phyr_bits_aligned(blocks.pa.addr, w->sizes.align_lg2[blocks.lg2]));
		done += blocks.cnt << blocks.lg2;
		cnt += blocks.cnt;
	}
	require(done == run->unit_cnt * UNIT && cnt == minimum(w, run));
}

static void check_mixed(const struct world *w)
{
	unsigned int lg2 = phyr_sizes_min_lg2(w->sizes.sizes);
	struct phyr_block_counts counts = { { 0 } };
	struct phyr_split split, counted;
	struct phyr_blocks none;
	struct run run;
	int err = phyr_split_begin_aligned(&w->list, phyr_iova_at(w->address), &w->sizes, &split);
	bool fits = true;

	for (size_t at = 0, end; at < w->unit_cnt; at = end) {
		end = run_at(w, at, lg2, &run);
		fits &= phyr_bits_aligned(run.pa, w->sizes.align_lg2[lg2]) &&
			phyr_bits_aligned(run.iova | run.unit_cnt * UNIT, lg2);
	}
	require(err == (fits ? PHYR_OK : PHYR_E_ALIGN));
	if (!fits)
		return;
	counted = split;
	phyr_split_count_rest(&counted, &counts);
	for (size_t at = 0; at < w->unit_cnt;) {
		at = run_at(w, at, lg2, &run);
		check_run(w, &split, &run);
		counts.cnt[63] += minimum(w, &run);
	}
	require(!phyr_split_next(&split, &none) && !phyr_split_next(&counted, &none));
	for (unsigned int i = 0; i < 63; i++)
		counts.cnt[63] -= counts.cnt[i];
	require(counts.cnt[63] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;

	if (size < 9 || !(data[0] & 63))
		return 0;
	make_world(&w, data, data + 7, (size - 7) / 2);
	check_best_size(&w);
	check_offset(&w);
	check_pages(&w);
	check_explanation(&w);
	check_mixed(&w);
	phyr_list_fini(&w.list);
	return 0;
}
