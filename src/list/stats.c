/* SPDX-License-Identifier: MIT */
/* What a list knows of itself: kept while runs close, completed by the open run when asked. */

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

/* The last run as the last of a finished list: outer pages are stored whole. */
static struct phyr_range finished(const struct phyr_list *list)
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
	phyr_list_encode(list, finished(list), list->open_tag, &words);
	ret_stats->tags_len += words.tagged * sizeof(*words.words);
	ret_stats->words_len += (words.cnt - words.tagged) * sizeof(*words.words);
}
