/* SPDX-License-Identifier: MIT */
/* The audit of a list: storage word by word, then runs and statistics by counting again. */

#include <string.h>

#include <phyr/list.h>

#include "slab.h"

/* What the words come to, to compare with what the list has kept. */
struct words_sum {
	size_t words_len;
	size_t tags_len;
	struct phyr_tag tag; /* in force behind the last word */
};

/* Every word is part of a canonical chunk or a tag. */
static const char *check_words(const uint64_t *words, uint32_t word_cnt, struct words_sum *sum)
{
	const char *reason;
	unsigned int used;

	for (uint32_t i = 0; i < word_cnt; i += used) {
		if (phyr_chunk_check(words + i, word_cnt - i, &used, &reason))
			return reason;
		if (phyr_chunk_form(words[i]) == PHYR_CHUNK_TAG) {
			sum->tags_len += sizeof(*words);
			sum->tag = phyr_chunk_decode_tag(words[i]);
		} else {
			sum->words_len += used * sizeof(*words);
		}
	}
	return NULL;
}

static const char *check_slab(const struct phyr_slab *slab, const struct phyr_slab *prev,
			      struct words_sum *sum)
{
	if (slab->prev != prev || slab->depth != (prev ? prev->depth : 0) + 1)
		return "slab chain is broken";
	if (slab->word_cnt == 0 || slab->word_cnt > PHYR_SLAB_WORDS)
		return "slab is empty or overfull";
	return check_words(slab->words, slab->word_cnt, sum);
}

static const char *check_storage(const struct phyr_list *list)
{
	struct words_sum sum = { 0, 0, list->first_tag };
	const struct phyr_slab *prev = NULL;
	const char *reason = check_words(list->words, list->word_cnt, &sum);
	size_t len = 0;

	for (const struct phyr_slab *slab = list->first; slab && !reason; slab = slab->next) {
		reason = check_slab(slab, prev, &sum);
		len += PHYR_SLAB_LEN;
		prev = slab;
	}
	if (reason)
		return reason;
	if (prev != list->tail || len != list->stats.storage_len)
		return "slab chain does not end at the tail";
	if (sum.words_len != list->stats.words_len || sum.tags_len != list->stats.tags_len)
		return "bytes of words are miscounted";
	if (phyr_list_has_words(list) && !phyr_tag_equal(sum.tag, list->tag))
		return "the tag in force is not that of the last run";
	return NULL;
}

/* Counts again what the list has kept while it grew. */
static const char *recount(const struct phyr_list *list, struct phyr_list_stats *stats)
{
	struct phyr_list_cursor cursor;
	struct phyr_run prev = { .offset = 0 }, run;
	uint64_t last;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		if (!phyr_bits_last(run.range.pa.addr, run.range.len, &last))
			return "run is empty or wraps";
		if (run.offset != stats->len)
			return "offset of a run is not the sum of those before";
		if (stats->run_cnt && phyr_list_joins(prev.range, prev.tag, run.range, run.tag))
			return "neighbouring runs are not joined";
		if (stats->run_cnt)
			stats->joint_mask |= (prev.range.pa.addr + prev.range.len) |
					     run.range.pa.addr;
		phyr_list_note_run(stats, run.range, run.offset,
				   run.offset + run.range.len == list->stats.len);
		stats->len += run.range.len;
		stats->run_cnt++;
		stats->kind_mask |= 1U << run.tag.kind;
		prev = run;
	}
	stats->granular = !phyr_bits_aligned(stats->joint_mask, PHYR_PAGE_LG2);
	return NULL;
}

static bool same_stats(const struct phyr_list_stats *a, const struct phyr_list_stats *b)
{
	return a->len == b->len && a->run_cnt == b->run_cnt && a->shortest_len == b->shortest_len &&
	       a->longest_len == b->longest_len && a->joint_mask == b->joint_mask &&
	       a->phase == b->phase && a->block_lg2 == b->block_lg2 &&
	       a->kind_mask == b->kind_mask && a->granular == b->granular;
}

static const char *check(const struct phyr_list *list)
{
	struct phyr_list_stats counted, kept;
	const char *reason = check_storage(list);

	if (reason)
		return reason;
	memset(&counted, 0, sizeof(counted));
	reason = recount(list, &counted);
	if (reason)
		return reason;
	phyr_list_stats(list, &kept);
	return same_stats(&counted, &kept) ? NULL : "statistics are not those of the runs";
}

bool phyr_list_validate(const struct phyr_list *list, const char **ret_reason)
{
	const char *reason = check(list);

	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
