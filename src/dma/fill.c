/* SPDX-License-Identifier: MIT */
/*
 * A plain list put into its reservation: its runs go to the backend in batches, all or none.
 *
 * Not here: lists of which some is bounced or reached past the IOMMU (fill_pieces.c).
 */

#include "fill.h"

/*
 * Runs handed to the backend at a time. Where they are granules, a batch ends where a table of as many
 * items does, so that the backend can fill a table at once.
 */
#define BATCH_RUNS 512

int phyr_fill_call(struct phyr_dma *dma, const struct phyr_iommu_map *map)
{
	dma->stats.call_cnt++;
	dma->stats.run_cnt += map->run_cnt;
	return dma->params.iommu.ops->map(dma->params.iommu.ctx, map);
}

int phyr_fill_sync(struct phyr_dma *dma, struct phyr_iova_range mapped)
{
	dma->stats.sync_cnt++;
	return dma->params.iommu.ops->sync_map(dma->params.iommu.ctx, mapped);
}

/* Runs of the list that are to be mapped next. */
struct batch {
	struct phyr_range runs[BATCH_RUNS];
	size_t max; /* of them to be filled */
	size_t cnt;
	uint64_t len;
};

/* A word that is one page: count 1, order 0. What it has beside is the page's number. */
#define PAGE_WORD (UINT64_C(1) << PHYR_CHUNK_CODE_BITS)
#define PAGE_WORD_MASK (~((UINT64_C(1) << PHYR_CHUNK_CODE_BITS) - 1) | 1)
/* Words that are looked at together. */
#define BLOCK_WORDS 32

/* Lists of scattered pages are what takes time: no branch a page, in vector code. */
static bool take_pages(const uint64_t *restrict words, struct phyr_range *restrict runs)
{
	uint64_t other = 0;

	for (size_t i = 0; i < BLOCK_WORDS; i++)
		other |= (words[i] ^ PAGE_WORD) & PAGE_WORD_MASK;
	if (other)
		return false;
	for (size_t i = 0; i < BLOCK_WORDS; i++) {
		runs[i].pa.addr = words[i] << (64 - PHYR_CHUNK_CODE_BITS);
		runs[i].len = PHYR_PAGE_SIZE;
	}
	return true;
}

/* Runs that are one word each, as many as there are behind one another. */
static void take_words(struct phyr_list_cursor *cursor, struct batch *batch)
{
	size_t word_cnt;
	const uint64_t *words = phyr_list_words(cursor, &word_cnt);
	struct phyr_range *runs = &batch->runs[batch->cnt];
	uint64_t len = 0;
	size_t i = 0;

	if (word_cnt > batch->max - batch->cnt)
		word_cnt = batch->max - batch->cnt;
	while (i < word_cnt && words[i] >> PHYR_CHUNK_CODE_BITS) {
		if (word_cnt - i >= BLOCK_WORDS && take_pages(&words[i], &runs[i])) {
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

/* The next runs of a list, its two ends rounded out to granules. */
static void next_batch(struct phyr_list_cursor *cursor, const struct fill *fill, uint64_t done,
		       struct batch *batch)
{
	uint64_t mask = granule_mask(fill->dma);
	uint64_t tail;
	struct phyr_run run;

	batch->cnt = 0;
	batch->len = 0;
	batch->max = BATCH_RUNS -
		     ((fill->reserved.iova.addr + done) >> fill->dma->granule_lg2) % BATCH_RUNS;
	do {
		take_words(cursor, batch);
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
	tail = -batch->len & mask;
	batch->runs[batch->cnt - 1].len += tail;
	batch->len += tail;
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
	next_batch(&cursor, fill, 0, &batch);
	while (!err && batch.cnt) {
		map.runs = batch.runs;
		map.run_cnt = batch.cnt;
		map.iova = phyr_iova_at(done.iova.addr + done.len);
		map.source.va = va + done.len;
		err = phyr_fill_call(fill->dma, &map);
		if (err)
			break;
		done.len += batch.len;
		next_batch(&cursor, fill, done.len, &batch);
	}
	if (!err)
		err = phyr_fill_sync(fill->dma, fill->reserved);
	if (err && done.len &&
	    phyr_dma_remove_now(fill->dma, done, (struct phyr_iova_range){ { 0 }, 0 }))
		PHYR_ASSERT(false);
	return err;
}
