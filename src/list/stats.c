/* SPDX-License-Identifier: MIT */
/* What a list knows of itself: kept while runs close, completed by the open run when asked. */

#include <string.h>

#include <phyr/list.h>

#include "slab.h"

void phyr_list_note_run(struct phyr_list_stats *stats, struct phyr_range run, uint64_t offset,
			bool last)
{
	uint64_t first_byte = run.pa.addr;
	uint64_t last_byte = run.pa.addr + (run.len - 1);
	unsigned int lg2;
	uint64_t block;

	/* The outer pages of a list are mapped whole, so they count whole. */
	if (offset == 0)
		first_byte = phyr_bits_down(first_byte, PHYR_PAGE_LG2);
	if (last)
		last_byte |= phyr_bits_mask(PHYR_PAGE_LG2);
	lg2 = phyr_bits_largest(first_byte, last_byte, &block);

	if (stats->longest_len == 0 || run.len < stats->shortest_len)
		stats->shortest_len = run.len;
	if (stats->longest_len == 0 || lg2 > stats->block_lg2) {
		stats->block_lg2 = lg2;
		stats->phase = run.pa.addr - offset;
	}
	if (run.len > stats->longest_len)
		stats->longest_len = run.len;
}

/* Bytes of runs and of tags among some words. */
static void count_words(const uint64_t *words, uint32_t word_cnt, struct phyr_list_stats *stats)
{
	struct phyr_range run;

	for (uint32_t i = 0; i < word_cnt;) {
		unsigned int used = 1;

		if (phyr_chunk_form(words[i]) == PHYR_CHUNK_TAG) {
			stats->tags_len += sizeof(*words);
		} else {
			used = phyr_chunk_decode(words + i, &run);
			stats->words_len += used * sizeof(*words);
		}
		i += used;
	}
}

void phyr_list_recount(const struct phyr_list *list, struct phyr_list_stats *ret_stats)
{
	struct phyr_list_cursor cursor;
	struct phyr_list_stats stats;
	struct phyr_run run;
	uint64_t end = 0;

	memset(&stats, 0, sizeof(stats));
	count_words(list->words, list->word_cnt, &stats);
	for (const struct phyr_slab *slab = list->first; slab; slab = slab->next)
		count_words(slab->words, slab->word_cnt, &stats);
	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		if (stats.run_cnt)
			stats.joint_mask |= end | run.range.pa.addr;
		stats.run_cnt++;
		stats.kind_mask |= 1U << run.tag.kind;
		if (!cursor.open_done)
			phyr_list_note_run(&stats, run.range, stats.len, false);
		stats.len += run.range.len;
		end = run.range.pa.addr + run.range.len;
	}
	stats.granular = !phyr_bits_aligned(stats.joint_mask, PHYR_PAGE_LG2);
	*ret_stats = stats;
}

struct phyr_range phyr_list_finished(const struct phyr_list *list)
{
	struct phyr_range run = list->open;
	bool first = !phyr_list_has_words(list);
	uint64_t last = (run.pa.addr + (run.len - 1)) | phyr_bits_mask(PHYR_PAGE_LG2);
	bool whole = phyr_bits_down(run.pa.addr, PHYR_PAGE_LG2) == 0 && last == UINT64_MAX;

	if ((first || phyr_bits_aligned(run.pa.addr, PHYR_PAGE_LG2)) && !whole)
		run.len = last - run.pa.addr + 1;
	return run;
}

void phyr_list_stats(const struct phyr_list *list, struct phyr_list_stats *ret_stats)
{
	struct phyr_run_words words;

	*ret_stats = list->stats;
	if (list->open.len == 0)
		return;
	phyr_list_note_run(ret_stats, list->open, list->stats.len - list->open.len, true);
	phyr_list_encode(list, phyr_list_finished(list), list->open_tag, &words);
	ret_stats->tags_len += words.tagged * sizeof(*words.words);
	ret_stats->words_len += (words.cnt - words.tagged) * sizeof(*words.words);
}
