/* SPDX-License-Identifier: MIT */
/* The audit of a list: storage word by word, then runs and statistics by counting again. */

#include <phyr/list.h>

#include "slab.h"

/* Every word is part of a canonical chunk or a tag; tag becomes the one in force behind them. */
static const char *check_words(const uint64_t *words, uint32_t word_cnt, struct phyr_tag *tag)
{
	const char *reason;
	unsigned int used;

	for (uint32_t i = 0; i < word_cnt; i += used) {
		if (phyr_chunk_check(words + i, word_cnt - i, &used, &reason))
			return reason;
		if (phyr_chunk_form(words[i]) == PHYR_CHUNK_TAG)
			*tag = phyr_chunk_decode_tag(words[i]);
	}
	return NULL;
}

static size_t slab_len(const struct phyr_slab *slab)
{
	return slab->supplied ? 0 : sizeof(*slab) + slab->word_cap * sizeof(uint64_t);
}

static const char *check_slab(const struct phyr_slab *slab, const struct phyr_slab *prev,
			      struct phyr_tag *tag)
{
	if (slab->prev != prev || slab->depth != (prev ? prev->depth : 0) + 1)
		return "slab chain is broken";
	if (!phyr_tag_equal(slab->tag, *tag))
		return "slab starts with a tag that is not in force";
	if (slab->word_cnt == 0 || slab->word_cnt > slab->word_cap)
		return "slab is empty or overfull";
	return check_words(slab->words, slab->word_cnt, tag);
}

static const char *check_storage(const struct phyr_list *list)
{
	struct phyr_tag tag = list->first_tag;
	const struct phyr_slab *prev = NULL;
	const char *reason = check_words(list->words, list->word_cnt, &tag);
	size_t len = 0;

	for (const struct phyr_slab *slab = list->first; slab && !reason; slab = slab->next) {
		reason = check_slab(slab, prev, &tag);
		len += slab_len(slab);
		prev = slab;
	}
	if (reason)
		return reason;
	for (const struct phyr_slab *slab = list->spare; slab; slab = slab->next)
		len += slab_len(slab);
	if (prev != list->tail || len != list->stats.storage_len)
		return "slab chain does not end at the tail, or slabs are miscounted";
	if (phyr_list_has_words(list) && !phyr_tag_equal(tag, list->tag))
		return "the tag in force is not that of the last run";
	return NULL;
}

/* Runs are whole, in place and maximal. */
static const char *check_runs(const struct phyr_list *list)
{
	struct phyr_run prev = { .offset = 0 }, run;
	struct phyr_list_cursor cursor;
	uint64_t last, len = 0;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		if (!phyr_bits_last(run.range.pa.addr, run.range.len, &last))
			return "run is empty or wraps";
		if (run.offset != len)
			return "offset of a run is not the sum of those before";
		if (len && phyr_list_joins(prev.range, prev.tag, run.range, run.tag))
			return "neighbouring runs are not joined";
		len += run.range.len;
		prev = run;
	}
	return NULL;
}

static bool same_stats(const struct phyr_list_stats *a, const struct phyr_list_stats *b)
{
	return a->len == b->len && a->run_cnt == b->run_cnt && a->shortest_len == b->shortest_len &&
	       a->longest_len == b->longest_len && a->joint_mask == b->joint_mask &&
	       a->phase == b->phase && a->block_lg2 == b->block_lg2 &&
	       a->kind_mask == b->kind_mask && a->words_len == b->words_len &&
	       a->tags_len == b->tags_len && a->granular == b->granular;
}

static const char *check(const struct phyr_list *list)
{
	struct phyr_list_stats counted;
	const char *reason = check_storage(list);

	if (!reason)
		reason = check_runs(list);
	if (reason)
		return reason;
	phyr_list_recount(list, &counted);
	return same_stats(&counted, &list->stats) ? NULL : "statistics are not those of the runs";
}

bool phyr_list_validate(const struct phyr_list *list, const char **ret_reason)
{
	const char *reason = check(list);

	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
