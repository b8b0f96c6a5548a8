/* SPDX-License-Identifier: MIT */
/*
 * The cut into pages of one size, and the device's array of their addresses.
 *
 * A page belongs to the run that holds its first byte in the list. Where a run goes on from the
 * one before, under another tag, the page with the joint was that run's; it is not returned twice.
 *
 * Not here: which size (single.c).
 */

#include <phyr/bits.h>
#include <phyr/chunk.h>
#include <phyr/split.h>

#include "single.h"

/* Pieces that are still in the cache when their bytes are swapped. */
#define SWAP_WORDS 512

/*
 * Do statistics show that pages fit? Joints on pages of the memory and one agreement at the start
 * make all the others agree.
 */
static bool obviously_fits(const struct phyr_list *list, uint64_t address, unsigned int lg2)
{
	struct phyr_list_cursor cursor;
	struct phyr_list_stats stats;
	struct phyr_run run;

	phyr_list_stats(list, &stats);
	phyr_list_begin(list, &cursor);
	return phyr_bits_aligned(stats.joint_mask, lg2) && phyr_list_next(&cursor, &run) &&
	       phyr_bits_aligned(run.range.pa.addr ^ address, lg2);
}

static int check_list(const struct phyr_list *list, uint64_t address, unsigned int lg2,
		      unsigned int align_lg2)
{
	struct phyr_limits limits;
	uint64_t last;

	if (!phyr_bits_last(address, phyr_list_len(list), &last))
		return PHYR_E_RANGE;
	if (obviously_fits(list, address, lg2))
		return PHYR_OK;
	limits = phyr_limits_of(list, address);
	if (!phyr_bits_aligned(limits.phase, align_lg2) || !phyr_bits_aligned(limits.joint, lg2))
		return PHYR_E_ALIGN;
	if ((address & phyr_bits_mask(lg2)) > limits.pa_first ||
	    (~last & phyr_bits_mask(lg2)) > ~limits.pa_last)
		return PHYR_E_RANGE;
	return PHYR_OK;
}

int phyr_split_pages_begin_aligned(const struct phyr_list *list, uint64_t address, unsigned int lg2,
				   unsigned int align_lg2, struct phyr_pages *pages)
{
	int err;

	if (!list || !pages || lg2 > 63 || align_lg2 > lg2)
		return PHYR_E_INVAL;
	err = phyr_list_len(list) ? check_list(list, address, lg2, align_lg2) : PHYR_OK;
	if (err)
		return err;
	phyr_list_begin(list, &pages->cursor);
	pages->list = list;
	pages->left.cnt = 0;
	pages->address = address;
	pages->lg2 = lg2;
	pages->natural = align_lg2 == lg2;
	return PHYR_OK;
}

int phyr_split_pages_begin(const struct phyr_list *list, uint64_t address, unsigned int lg2,
			   struct phyr_pages *pages)
{
	return phyr_split_pages_begin_aligned(list, address, lg2, lg2, pages);
}

/* Takes the pages of a run, from the one at a device address on; false when there is none. */
static bool take_pages(struct phyr_pages *pages, const struct phyr_run *run, uint64_t start)
{
	uint64_t at = pages->address + run->offset;
	uint64_t last = at + (run->range.len - 1);

	if (start > last)
		return false;
	pages->left.pa.addr = run->range.pa.addr + (start - at);
	pages->left.iova.addr = start;
	pages->left.cnt = phyr_bits_blocks(start, last, pages->lg2);
	pages->left.lg2 = pages->lg2;
	return true;
}

/* Fetches the pages of the next run in which one starts. */
static bool next_pages(struct phyr_pages *pages)
{
	struct phyr_run run;

	while (phyr_list_next(&pages->cursor, &run)) {
		uint64_t start = pages->address + run.offset;

		if (run.offset == 0)
			start = phyr_bits_down(start, pages->lg2);
		else if (!phyr_bits_up(start, pages->lg2, &start))
			continue;
		if (take_pages(pages, &run, start))
			return true;
	}
	return false;
}

bool phyr_split_pages_next(struct phyr_pages *pages, struct phyr_blocks *ret_blocks)
{
	if (pages->left.cnt == 0 && !next_pages(pages))
		return false;
	*ret_blocks = pages->left;
	pages->left.cnt = 0;
	return true;
}

uint64_t phyr_split_pages_cnt(const struct phyr_pages *pages)
{
	uint64_t len = phyr_list_len(pages->list);
	uint64_t cnt;

	if (len == 0)
		return 0;
	cnt = phyr_bits_blocks(pages->address, pages->address + (len - 1), pages->lg2);
	return cnt ? cnt : UINT64_MAX;
}

int phyr_split_pages_seek(struct phyr_pages *pages, uint64_t index)
{
	uint64_t start = phyr_bits_down(pages->address, pages->lg2) + (index << pages->lg2);
	uint64_t offset = index ? start - pages->address : 0;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	if (index >= phyr_split_pages_cnt(pages) ||
	    phyr_list_seek(pages->list, offset, &cursor) != PHYR_OK ||
	    !phyr_list_next(&cursor, &run))
		return PHYR_E_RANGE;
	pages->cursor = cursor;
	(void)take_pages(pages, &run, start);
	return PHYR_OK;
}

/* Filling. */

static bool is_swapped(enum phyr_endian endian)
{
	enum phyr_endian host = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? PHYR_ENDIAN_LITTLE :
									    PHYR_ENDIAN_BIG;

	return endian != PHYR_ENDIAN_HOST && endian != host;
}

static void swap(uint64_t *words, size_t word_cnt)
{
	for (size_t i = 0; i < word_cnt; i++)
		words[i] = __builtin_bswap64(words[i]);
}

/* Neighbours, in the order of the host. */
static size_t fill_neighbours(struct phyr_blocks *blocks, uint64_t flags, uint64_t *words,
			      size_t word_cnt)
{
	size_t cnt = blocks->cnt < word_cnt ? (size_t)blocks->cnt : word_cnt;
	unsigned int lg2 = blocks->lg2;
	uint64_t pa = blocks->pa.addr;

	for (size_t i = 0; i < cnt; i++)
		words[i] = (pa + ((uint64_t)i << lg2)) | flags;
	blocks->pa.addr += (uint64_t)cnt << lg2;
	blocks->iova.addr += (uint64_t)cnt << lg2;
	blocks->cnt -= cnt;
	return cnt;
}

/*
 * Runs of a single page, each one word of the list: count 1, and the order of the page. Such a word
 * is the address, shifted, beside constant bits, so that words become words without a look at
 * runs. Begin found every one of them on its page. The cursor moves as phyr_list_next() would.
 */
static size_t fill_singles(struct phyr_pages *pages, uint64_t flags, uint64_t *words,
			   size_t word_cnt)
{
	size_t avail;
	const uint64_t *ahead = phyr_list_words(&pages->cursor, &avail);
	size_t cnt = 0;
	uint64_t order_mask, others;

	if (!pages->natural || pages->lg2 < PHYR_PAGE_LG2)
		return 0;
	order_mask = phyr_bits_mask(pages->lg2 - PHYR_PAGE_LG2);
	others = ~(phyr_bits_mask(PHYR_CHUNK_CODE_BITS) & ~(2 * order_mask + 1));
	if (avail > word_cnt)
		avail = word_cnt;
	while (cnt < avail &&
	       ((ahead[cnt] ^ order_mask) & others) == UINT64_C(1) << PHYR_CHUNK_CODE_BITS) {
		words[cnt] = (ahead[cnt] ^ order_mask) << (PHYR_PAGE_LG2 - 1) | flags;
		cnt++;
	}
	phyr_list_words_taken(&pages->cursor, cnt, (uint64_t)cnt << pages->lg2);
	return cnt;
}

static size_t fill_host(struct phyr_pages *pages, uint64_t flags, uint64_t *words, size_t word_cnt)
{
	size_t done = 0;

	while (done < word_cnt) {
		if (pages->left.cnt == 0) {
			done += fill_singles(pages, flags, words + done, word_cnt - done);
			if (done == word_cnt || !next_pages(pages))
				break;
		}
		done += fill_neighbours(&pages->left, flags, words + done, word_cnt - done);
	}
	return done;
}

size_t phyr_split_fill(struct phyr_pages *pages, struct phyr_word_format format, uint64_t *words,
		       size_t word_cnt)
{
	bool swapped = is_swapped(format.endian);
	size_t done = 0;
	size_t piece;

	do {
		size_t room = word_cnt - done;

		if (swapped && room > SWAP_WORDS)
			room = SWAP_WORDS;
		piece = fill_host(pages, format.flags, words + done, room);
		if (swapped)
			swap(words + done, piece);
		done += piece;
	} while (piece && done < word_cnt);
	return done;
}

size_t phyr_split_fill_blocks(struct phyr_blocks *blocks, struct phyr_word_format format,
			      uint64_t *words, size_t word_cnt)
{
	size_t cnt = fill_neighbours(blocks, format.flags, words, word_cnt);

	if (is_swapped(format.endian))
		swap(words, cnt);
	return cnt;
}
