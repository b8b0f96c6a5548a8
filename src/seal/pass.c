/* SPDX-License-Identifier: MIT */
/*
 * The one encoder: gathers runs in blocks and measures, stores or compares both forms of them.
 *
 * A list's first page may be entered late and its last left early. Such pages are coded whole, and
 * the header keeps what is left out, as the head of a list does.
 */

#include "pass.h"

#include <string.h>

#include <phyr/seal.h>

/* Rounds the outer ends of the list to whole pages, where they are all that is not whole. */
static void round_ends(struct seal_sums *sums, struct phyr_run *run, uint64_t total)
{
	struct phyr_range *range = &run->range;
	uint64_t gap = -(range->pa.addr + range->len) & phyr_bits_mask(PHYR_PAGE_LG2);
	bool first = run->offset == 0;
	bool last = run->offset + range->len == total;
	/* 2^64 bytes would have no length. */
	bool whole_space = phyr_bits_down(range->pa.addr, PHYR_PAGE_LG2) == 0 &&
			   range->pa.addr + range->len + gap == 0;

	if (last && !whole_space && (first || phyr_bits_aligned(range->pa.addr, PHYR_PAGE_LG2))) {
		sums->cut = (uint32_t)gap;
		range->len += gap;
	}
	if (first && phyr_bits_aligned(range->pa.addr + range->len, PHYR_PAGE_LG2)) {
		sums->skip = (uint32_t)(range->pa.addr & phyr_bits_mask(PHYR_PAGE_LG2));
		range->pa.addr -= sums->skip;
		range->len += sums->skip;
	}
}

static void add_to_block(struct seal_block *block, const struct phyr_run *run,
			 struct phyr_tag before)
{
	if (!phyr_tag_equal(run->tag, before)) {
		struct seal_change *change = &block->changes[block->change_cnt++];

		change->place = (unsigned char)block->run_cnt;
		change->tag = run->tag;
	}
	block->runs[block->run_cnt++] = run->range;
}

static void take_run(const struct seal_source *source, struct seal_outs *outs,
		     struct seal_sums *sums, struct phyr_run *run)
{
	bool words = outs && outs->head->form == SEAL_WORDS;

	if (sums->run_cnt++ == 0)
		sums->first_tag = sums->tag = run->tag;
	sums->len += run->range.len;
	round_ends(sums, run, source->len);
	sums->words_len += phyr_seal_words_put(run, &sums->tag, words ? &outs->body : NULL);
	sums->tag = run->tag;
}

/* Fills a block; false when no run is left. */
static bool gather(const struct seal_source *source, struct seal_outs *outs, struct seal_sums *sums,
		   struct seal_block *block)
{
	struct phyr_tag tag = sums->first_tag;
	struct phyr_run run;

	block->run_cnt = 0;
	block->change_cnt = 0;
	while (block->run_cnt < PHYR_SEAL_BLOCK_RUNS && source->next(source->ctx, &run)) {
		take_run(source, outs, sums, &run);
		add_to_block(block, &run, sums->run_cnt == 1 ? run.tag : tag);
		tag = run.tag;
	}
	return block->run_cnt > 0;
}

/* An index entry says where a block starts: in the memory described, and among the blocks. */
static void note_start(struct seal_sums *sums, struct seal_outs *outs, uint64_t start)
{
	sums->starts |= start;
	sums->last_start = start;
	sums->last_place = sums->blocks_len;
	if (outs && outs->head->form == SEAL_BLOCKS) {
		seal_put(&outs->index, start >> outs->head->unit_lg2, outs->head->start_width);
		seal_put(&outs->index, sums->blocks_len, outs->head->place_width);
	}
}

void phyr_seal_pass(const struct seal_source *source, struct seal_outs *outs,
		    struct seal_sums *ret_sums)
{
	bool packs = outs && outs->head->form == SEAL_BLOCKS;
	struct seal_sums *sums = ret_sums;
	struct seal_block block;
	uint64_t start = 0;

	memset(sums, 0, sizeof(*sums));
	while (gather(source, outs, sums, &block)) {
		if (sums->run_cnt > PHYR_SEAL_BLOCK_RUNS)
			note_start(sums, outs, start);
		sums->blocks_len += phyr_seal_block_put(&block, packs ? &outs->body : NULL);
		start = sums->len + sums->skip;
	}
	if (packs)
		seal_put_end(&outs->index);
}
