/* SPDX-License-Identifier: MIT */
/* Where words are kept: slabs from the hook or from the caller, in use or spare. */

#include <string.h>

#include <phyr/list.h>

#include "../base/check.h"
#include "slab.h"

/* The least that is worth being a slab: a handful of runs. [bytes] */
#define SUPPLY_MIN 256
/* Runs longer than one chunk holds take more words, but 2^64 bytes have room for only so many. */
#define LONG_RUNS_MAX 4096
/* Words of any other run and its tag. */
#define SHORT_RUN_WORDS 3

static size_t slab_len(const struct phyr_slab *slab)
{
	return sizeof(*slab) + slab->word_cap * sizeof(uint64_t);
}

static void put_spare(struct phyr_list *list, struct phyr_slab *slab)
{
	slab->next = list->spare;
	list->spare = slab;
}

/* Another slab from the hook, among the spare ones. */
static int get_spare(struct phyr_list *list)
{
	struct phyr_slab *slab = NULL;

	if (list->mem)
		slab = list->mem->alloc(list->mem->ctx, PHYR_SLAB_LEN);
	if (!slab)
		return PHYR_E_NOMEM;
	slab->word_cap = PHYR_SLAB_WORDS;
	slab->supplied = false;
	put_spare(list, slab);
	list->stats.storage_len += PHYR_SLAB_LEN;
	return PHYR_OK;
}

static uint32_t depth(const struct phyr_slab *slab)
{
	return slab ? slab->depth : 0;
}

static struct phyr_slab *jump(struct phyr_slab *slab)
{
	return slab ? slab->jump : NULL;
}

/* Makes the first spare slab the tail. */
static void use_spare(struct phyr_list *list)
{
	struct phyr_slab *slab = list->spare;
	struct phyr_slab *prev = list->tail;
	struct phyr_slab *over = jump(prev);

	list->spare = slab->next;
	slab->next = NULL;
	slab->prev = prev;
	slab->jump = depth(prev) - depth(over) == depth(over) - depth(jump(over)) ? jump(over) :
										    prev;
	slab->offset = list->stats.len - list->open.len;
	slab->tag = list->tag;
	slab->word_cnt = 0;
	slab->depth = (depth(prev) + 1) & 0x7fffffff;
	if (prev)
		prev->next = slab;
	else
		list->first = slab;
	list->tail = slab;
}

int phyr_list_make_room(struct phyr_list *list, uint32_t word_cnt)
{
	if (phyr_list_room(list).free_cnt >= word_cnt)
		return PHYR_OK;
	if (!list->spare && get_spare(list))
		return PHYR_E_NOMEM;
	use_spare(list);
	return PHYR_OK;
}

static void free_slab(struct phyr_list *list, struct phyr_slab *slab)
{
	list->stats.storage_len -= slab_len(slab);
	list->mem->free(list->mem->ctx, slab, slab_len(slab));
}

void phyr_list_drop_slabs(struct phyr_list *list, struct phyr_slab *tail)
{
	struct phyr_slab *slab = tail ? tail->next : list->first;

	while (slab) {
		struct phyr_slab *next = slab->next;

		/* One that was trimmed to a few words would not hold just any run. */
		if (slab->word_cap < PHYR_RUN_WORDS_MAX)
			free_slab(list, slab);
		else
			put_spare(list, slab);
		slab = next;
	}
	if (tail)
		tail->next = NULL;
	else
		list->first = NULL;
	list->tail = tail;
}

void phyr_list_free_spare(struct phyr_list *list)
{
	struct phyr_slab *slab = list->spare;

	list->spare = NULL;
	while (slab) {
		struct phyr_slab *next = slab->next;

		if (slab->supplied)
			put_spare(list, slab);
		else
			free_slab(list, slab);
		slab = next;
	}
}

void phyr_list_mark(const struct phyr_list *list, struct phyr_list_mark *ret_mark)
{
	ret_mark->list = *list;
	ret_mark->word_cnt = list->tail ? list->tail->word_cnt : 0;
}

/* Frees as many whole slabs as were got from the hook meanwhile. */
static void free_new(struct phyr_list *list, size_t len_before)
{
	struct phyr_slab **link = &list->spare;

	while (*link && list->stats.storage_len > len_before) {
		struct phyr_slab *slab = *link;

		if (slab->supplied || slab->word_cap < PHYR_SLAB_WORDS) {
			link = &slab->next;
			continue;
		}
		*link = slab->next;
		free_slab(list, slab);
	}
}

void phyr_list_rollback(struct phyr_list *list, const struct phyr_list_mark *mark)
{
	struct phyr_list now;

	phyr_list_drop_slabs(list, mark->list.tail);
	now = *list;
	*list = mark->list;
	/* What is no run is as it is now. */
	list->va = now.va;
	list->borrow_cnt = now.borrow_cnt;
	list->spare = now.spare;
	list->stats.storage_len = now.stats.storage_len;
	if (list->tail)
		list->tail->word_cnt = mark->word_cnt;
	free_new(list, mark->list.stats.storage_len);
	PHYR_AUDIT(phyr_list_validate(list, NULL));
}

/* Words that are sure to be usable: the last ones may be too few for the next run. */
static uint64_t sure_words(uint32_t free_cnt)
{
	return free_cnt >= PHYR_RUN_WORDS_MAX ? free_cnt - (PHYR_RUN_WORDS_MAX - 1) : 0;
}

int phyr_list_preload(struct phyr_list *list, uint64_t append_cnt)
{
	uint64_t long_cnt = append_cnt < LONG_RUNS_MAX ? append_cnt : LONG_RUNS_MAX;
	uint64_t have, need;

	if (!list)
		return PHYR_E_INVAL;
	if (append_cnt > UINT64_MAX / PHYR_RUN_WORDS_MAX)
		return PHYR_E_NOMEM;
	need = append_cnt * SHORT_RUN_WORDS + long_cnt * (PHYR_RUN_WORDS_MAX - SHORT_RUN_WORDS);
	have = sure_words(phyr_list_room(list).free_cnt);
	for (const struct phyr_slab *slab = list->spare; slab; slab = slab->next)
		have += sure_words(slab->word_cap);
	while (have < need) {
		if (get_spare(list))
			return PHYR_E_NOMEM;
		have += sure_words(PHYR_SLAB_WORDS);
	}
	return PHYR_OK;
}

void phyr_list_supply(struct phyr_list *list, void *buffer, size_t len)
{
	size_t skip = -(uintptr_t)buffer & (sizeof(uint64_t) - 1);
	unsigned char *at = (unsigned char *)buffer + skip;

	if (!buffer || len < skip)
		return;
	len = (len - skip) & ~(sizeof(uint64_t) - 1);
	while (len >= SUPPLY_MIN) {
		size_t part = len < PHYR_SLAB_LEN ? len : PHYR_SLAB_LEN;
		struct phyr_slab *slab = (struct phyr_slab *)(void *)at;

		slab->word_cap = (uint16_t)((part - sizeof(*slab)) / sizeof(uint64_t));
		slab->supplied = true;
		put_spare(list, slab);
		at += part;
		len -= part;
	}
}

void phyr_list_trim(struct phyr_list *list)
{
	struct phyr_slab *tail = list->tail;
	struct phyr_slab *shorter;
	size_t len;

	phyr_list_free_spare(list);
	if (!tail || tail->supplied || tail->word_cnt == tail->word_cap)
		return;
	len = sizeof(*tail) + tail->word_cnt * sizeof(uint64_t);
	shorter = list->mem->alloc(list->mem->ctx, len);
	if (!shorter)
		return;
	memcpy(shorter, tail, len);
	shorter->word_cap = tail->word_cnt;
	list->stats.storage_len += len;
	if (tail->prev)
		tail->prev->next = shorter;
	else
		list->first = shorter;
	list->tail = shorter;
	free_slab(list, tail);
	PHYR_AUDIT(phyr_list_validate(list, NULL));
}
