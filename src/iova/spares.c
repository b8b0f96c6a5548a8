/* SPDX-License-Identifier: MIT */
/*
 * Parts and nodes in store. A request gets what it may need before it takes the lock, so that
 * hooks never run under it; what is freed waits here for the next, up to a few.
 */

#include <string.h>

#include "space.h"

/* More than these are given back: enough for a range to come and go without the hooks. */
static const size_t kept[KIND_CNT] = { 32, 16 };

bool phyr_spares_suffice(struct phyr_iova_space *space, struct span span, struct need *ret_need)
{
	const struct spares *spares = space->tree.spares;
	bool lacks = false;

	if (!phyr_tree_need(&space->tree, span, ret_need))
		return true;
	for (enum kind kind = PART; kind < KIND_CNT; kind++) {
		size_t *cnt = &ret_need->cnt[kind];

		*cnt = *cnt > spares[kind].cnt ? *cnt - spares[kind].cnt : 0;
		lacks |= *cnt != 0;
	}
	return !lacks;
}

static void free_list(const struct phyr_iova_space *space, void *list, enum kind kind)
{
	const struct phyr_mem *mem = space->mem;

	while (list) {
		void *next;

		memcpy(&next, list, sizeof(next));
		mem->free(mem->ctx, list, len_of(&space->tree, kind));
		list = next;
	}
}

/* Chains cnt more; all or nothing. */
static bool alloc_list(const struct phyr_iova_space *space, size_t cnt, enum kind kind,
		       void **ret_list)
{
	const struct phyr_mem *mem = space->mem;
	const size_t len = len_of(&space->tree, kind);
	void *list = NULL;

	for (size_t i = 0; i < cnt; i++) {
		void *more = mem->alloc(mem->ctx, len);

		if (!more) {
			free_list(space, list, kind);
			return false;
		}
		memset(more, 0, len);
		memcpy(more, &list, sizeof(list));
		list = more;
	}
	*ret_list = list;
	return true;
}

/* Moves a list to the spares. */
static void add_list(struct phyr_iova_space *space, void *list, enum kind kind)
{
	while (list) {
		void *next;

		memcpy(&next, list, sizeof(next));
		phyr_tree_spare(&space->tree, list, kind);
		space->stats.metadata_len += len_of(&space->tree, kind);
		list = next;
	}
}

int phyr_spares_grow(struct phyr_iova_space *space, const struct need *need)
{
	void *parts, *nodes;

	if (!alloc_list(space, need->cnt[PART], PART, &parts))
		return PHYR_E_NOMEM;
	if (!alloc_list(space, need->cnt[NODE], NODE, &nodes)) {
		free_list(space, parts, PART);
		return PHYR_E_NOMEM;
	}
	phyr_space_lock(space);
	add_list(space, parts, PART);
	add_list(space, nodes, NODE);
	phyr_space_unlock(space);
	return PHYR_OK;
}

/* Takes out spares until so many are left. */
static void *cut_list(struct phyr_iova_space *space, size_t left, enum kind kind)
{
	struct spares *spares = &space->tree.spares[kind];
	void *cut = NULL;

	for (; spares->cnt > left; spares->cnt--) {
		void *next, *spare = spares->first;

		memcpy(&next, spare, sizeof(next));
		memcpy(spare, &cut, sizeof(cut));
		cut = spare;
		spares->first = next;
		space->stats.metadata_len -= len_of(&space->tree, kind);
	}
	return cut;
}

void phyr_spares_unlock(struct phyr_iova_space *space)
{
	void *parts = cut_list(space, kept[PART], PART);
	void *nodes = cut_list(space, kept[NODE], NODE);

	phyr_space_unlock(space);
	free_list(space, parts, PART);
	free_list(space, nodes, NODE);
}

void phyr_spares_free(struct phyr_iova_space *space)
{
	free_list(space, cut_list(space, 0, PART), PART);
	free_list(space, cut_list(space, 0, NODE), NODE);
}
