/* SPDX-License-Identifier: MIT */
/*
 * A plain list put into its reservation: its runs go to the backend in batches, all or none.
 *
 * Not here: lists of which some is bounced or reached past the IOMMU (fill_pieces.c).
 */

#include "fill.h"

#include <string.h>

/*
 * Runs or pages handed to the backend at a time. Where they are granules, a batch ends where a table
 * of as many items does, so that the backend can fill a table at once.
 */
#define BATCH_CNT 512

static void count_call(struct phyr_dma *dma, const struct phyr_iommu_map *map)
{
	dma->stats.call_cnt++;
	dma->stats.run_cnt += map->run_cnt;
}

int phyr_fill_call(struct phyr_dma *dma, const struct phyr_iommu_map *map)
{
	count_call(dma, map);
	return dma->params.iommu.ops->map(dma->params.iommu.ctx, map);
}

int phyr_fill_sync(struct phyr_dma *dma, struct phyr_iova_range mapped)
{
	dma->stats.sync_cnt++;
	return dma->params.iommu.ops->sync_map(dma->params.iommu.ctx, mapped);
}

/* What is to be mapped next. */
struct batch {
	union {
		struct phyr_range runs[BATCH_CNT];
		uint64_t words[BATCH_CNT]; /* pages, as the list has them */
	};
	size_t max; /* of them to be filled */
	size_t cnt;
	uint64_t len;
	bool pages;
};

/* Words that are looked at together. */
#define BLOCK_WORDS 32

/* Lists of scattered pages are what takes time: no branch a page, in vector code. */
static bool are_pages(const uint64_t *words, size_t cnt)
{
	uint64_t other = 0;

	for (size_t i = 0; i < cnt; i++)
		other |= (words[i] ^ PHYR_CHUNK_PAGE) & PHYR_CHUNK_PAGE_MASK;
	return !other;
}

/* The words before the cursor, as many as the batch takes. */
static const uint64_t *words_for(const struct batch *batch, const struct phyr_list_cursor *cursor,
				 size_t *ret_cnt)
{
	const uint64_t *words = phyr_list_words(cursor, ret_cnt);

	if (*ret_cnt > batch->max - batch->cnt)
		*ret_cnt = batch->max - batch->cnt;
	return words;
}

/* Does the backend take pages as they are? */
static bool takes_pages(const struct phyr_dma *dma)
{
	return dma->params.iommu.ops->map_pages && dma->granule_lg2 == PHYR_PAGE_LG2;
}

/* Are there many? Where the words of a slab end, those that are left are the first of more. */
static bool pages_follow(const struct batch *batch, const struct phyr_list_cursor *cursor)
{
	size_t word_cnt;
	const uint64_t *words = words_for(batch, cursor, &word_cnt);

	return word_cnt && are_pages(words, word_cnt < BLOCK_WORDS ? word_cnt : BLOCK_WORDS);
}

static size_t count_pages(const uint64_t *words, size_t word_cnt)
{
	size_t cnt = 0;

	while (word_cnt - cnt >= BLOCK_WORDS && are_pages(&words[cnt], BLOCK_WORDS))
		cnt += BLOCK_WORDS;
	while (cnt < word_cnt && are_pages(&words[cnt], 1))
		cnt++;
	return cnt;
}

/* A page that is not among the words before the cursor: the first behind the end of a slab. */
static bool take_page(struct batch *batch, struct phyr_list_cursor *cursor)
{
	const struct phyr_list_cursor before = *cursor;
	struct phyr_run run;

	if (!phyr_list_next(cursor, &run))
		return false;
	if (run.range.len != PHYR_PAGE_SIZE ||
	    !phyr_bits_aligned(run.range.pa.addr, PHYR_PAGE_LG2)) {
		*cursor = before;
		return false;
	}
	(void)phyr_chunk_encode_pages(run.range, &batch->words[batch->cnt++]);
	return true;
}

/* Pages up to something else. */
static void take_pages(struct batch *batch, struct phyr_list_cursor *cursor)
{
	size_t word_cnt, cnt;

	do {
		const uint64_t *words = words_for(batch, cursor, &word_cnt);

		cnt = count_pages(words, word_cnt);
		memcpy(&batch->words[batch->cnt], words, cnt * sizeof(*words));
		batch->cnt += cnt;
		phyr_list_words_taken(cursor, cnt, cnt * PHYR_PAGE_SIZE);
	} while (cnt == word_cnt && batch->cnt < batch->max && take_page(batch, cursor));
	batch->len = batch->cnt * PHYR_PAGE_SIZE;
}

static void decode_pages(const uint64_t *restrict words, struct phyr_range *restrict runs)
{
	for (size_t i = 0; i < BLOCK_WORDS; i++) {
		runs[i].pa = phyr_chunk_page(words[i]);
		runs[i].len = PHYR_PAGE_SIZE;
	}
}

/* Runs that are one word each, as many as there are behind one another. */
static void take_words(struct batch *batch, struct phyr_list_cursor *cursor)
{
	size_t word_cnt;
	const uint64_t *words = words_for(batch, cursor, &word_cnt);
	struct phyr_range *runs = &batch->runs[batch->cnt];
	uint64_t len = 0;
	size_t i = 0;

	while (i < word_cnt && words[i] >> PHYR_CHUNK_CODE_BITS) {
		if (word_cnt - i >= BLOCK_WORDS && are_pages(&words[i], BLOCK_WORDS)) {
			decode_pages(&words[i], &runs[i]);
			i += BLOCK_WORDS;
			len += BLOCK_WORDS * PHYR_PAGE_SIZE;
		} else {
			(void)phyr_chunk_decode(&words[i], &runs[i]);
			len += runs[i++].len;
		}
	}
	batch->cnt += i;
	batch->len += len;
	phyr_list_words_taken(cursor, i, len);
}

/* Runs, the two ends of the list rounded out to granules. */
static void take_runs(struct batch *batch, struct phyr_list_cursor *cursor, const struct fill *fill,
		      uint64_t done)
{
	uint64_t tail;
	struct phyr_run run;

	do {
		take_words(batch, cursor);
		if (batch->cnt == batch->max || !phyr_list_next(cursor, &run))
			break;
		batch->runs[batch->cnt++] = run.range;
		batch->len += run.range.len;
	} while (batch->cnt < batch->max);
	if (batch->cnt == 0)
		return;
	if (done == 0) {
		batch->runs[0].len += fill->plan->head_len;
		batch->runs[0].pa.addr -= fill->plan->head_len;
		batch->len += fill->plan->head_len;
	}
	tail = -batch->len & granule_mask(fill->dma);
	batch->runs[batch->cnt - 1].len += tail;
	batch->len += tail;
}

/* At the end of the list it is empty. */
static void next_batch(struct batch *batch, struct phyr_list_cursor *cursor,
		       const struct fill *fill, uint64_t done)
{
	batch->cnt = 0;
	batch->len = 0;
	batch->max = BATCH_CNT -
		     ((fill->reserved.iova.addr + done) >> fill->dma->granule_lg2) % BATCH_CNT;
	batch->pages = takes_pages(fill->dma) && pages_follow(batch, cursor);
	if (batch->pages)
		take_pages(batch, cursor);
	else
		take_runs(batch, cursor, fill, done);
}

static int fill_batch(struct phyr_dma *dma, const struct batch *batch, struct phyr_iommu_map *map)
{
	map->run_cnt = batch->cnt;
	map->runs = batch->runs;
	map->words = batch->words;
	if (!batch->pages)
		return phyr_fill_call(dma, map);
	count_call(dma, map);
	return dma->params.iommu.ops->map_pages(dma->params.iommu.ctx, map);
}

int phyr_fill_plain(const struct fill *fill)
{
	struct phyr_iova_range done = { fill->reserved.iova, 0 };
	struct phyr_iommu_map map = { .perm = fill->perm, .source = { .fd = -1 } };
	struct phyr_list_cursor cursor;
	struct batch batch;
	uint64_t va = phyr_list_va(fill->list) - fill->plan->head_len;
	int err = PHYR_OK;

	phyr_list_begin(fill->list, &cursor);
	next_batch(&batch, &cursor, fill, 0);
	while (!err && batch.cnt) {
		map.iova = phyr_iova_at(done.iova.addr + done.len);
		map.source.va = va + done.len;
		err = fill_batch(fill->dma, &batch, &map);
		if (err)
			break;
		done.len += batch.len;
		next_batch(&batch, &cursor, fill, done.len);
	}
	if (!err)
		err = phyr_fill_sync(fill->dma, fill->reserved);
	if (err && done.len &&
	    phyr_dma_remove_now(fill->dma, done, (struct phyr_iova_range){ { 0 }, 0 }))
		PHYR_ASSERT(false);
	return err;
}
