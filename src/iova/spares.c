/* SPDX-License-Identifier: MIT */
/*
 * Parts and nodes in store. A request gets what it may need before it takes the lock, so that
 * hooks never run under it; what is freed waits here for the next, up to a few.
 */

#include <string.h>

#include "space.h"

/* More than these are given back: enough for a range to come and go without the hooks. */
#define PARTS_KEPT 32
#define NODES_KEPT 16

static size_t len_of(const struct phyr_iova_space *space, bool is_node)
{
	return is_node ? node_len(&space->tree) : sizeof(struct part);
}

bool phyr_spares_suffice(struct phyr_iova_space *space, struct span span, size_t *ret_parts,
			 size_t *ret_nodes)
{
	const struct spares *spares = &space->tree.spares;
	size_t parts, nodes;

	if (!phyr_tree_need(&space->tree, span, &parts, &nodes))
		return true;
	*ret_parts = parts > spares->part_cnt ? parts - spares->part_cnt : 0;
	*ret_nodes = nodes > spares->node_cnt ? nodes - spares->node_cnt : 0;
	return !*ret_parts && !*ret_nodes;
}

static void free_list(const struct phyr_iova_space *space, void *list, bool is_node)
{
	const struct phyr_mem *mem = space->mem;

	while (list) {
		void *next;

		memcpy(&next, list, sizeof(next));
		mem->free(mem->ctx, list, len_of(space, is_node));
		list = next;
	}
}

/* Chains cnt more in front of a list; all or nothing. */
static bool alloc_list(const struct phyr_iova_space *space, size_t cnt, bool is_node,
		       void **ret_list)
{
	const struct phyr_mem *mem = space->mem;
	void *list = NULL;

	for (size_t i = 0; i < cnt; i++) {
		void *more = mem->alloc(mem->ctx, len_of(space, is_node));

		if (!more) {
			free_list(space, list, is_node);
			return false;
		}
		memset(more, 0, len_of(space, is_node));
		memcpy(more, &list, sizeof(list));
		list = more;
	}
	*ret_list = list;
	return true;
}

/* Moves a list to the spares. */
static void add_list(struct phyr_iova_space *space, void *list, bool is_node)
{
	while (list) {
		void *next;

		memcpy(&next, list, sizeof(next));
		phyr_tree_spare(&space->tree, list, is_node);
		space->stats.metadata_len += len_of(space, is_node);
		list = next;
	}
}

int phyr_spares_grow(struct phyr_iova_space *space, size_t part_cnt, size_t node_cnt)
{
	void *parts, *nodes;

	if (!alloc_list(space, part_cnt, false, &parts))
		return PHYR_E_NOMEM;
	if (!alloc_list(space, node_cnt, true, &nodes)) {
		free_list(space, parts, false);
		return PHYR_E_NOMEM;
	}
	phyr_space_lock(space);
	add_list(space, parts, false);
	add_list(space, nodes, true);
	phyr_space_unlock(space);
	return PHYR_OK;
}

/* Takes what is above `kept` from a list of spares. */
static void *cut_list(struct phyr_iova_space *space, size_t kept, bool is_node)
{
	void **list = is_node ? &space->tree.spares.nodes : &space->tree.spares.parts;
	size_t *cnt = is_node ? &space->tree.spares.node_cnt : &space->tree.spares.part_cnt;
	void *cut = NULL;

	for (; *cnt > kept; (*cnt)--) {
		void *next, *spare = *list;

		memcpy(&next, spare, sizeof(next));
		memcpy(spare, &cut, sizeof(cut));
		cut = spare;
		*list = next;
		space->stats.metadata_len -= len_of(space, is_node);
	}
	return cut;
}

void phyr_spares_unlock(struct phyr_iova_space *space)
{
	void *parts = cut_list(space, PARTS_KEPT, false);
	void *nodes = cut_list(space, NODES_KEPT, true);

	phyr_space_unlock(space);
	free_list(space, parts, false);
	free_list(space, nodes, true);
}

void phyr_spares_free(struct phyr_iova_space *space)
{
	free_list(space, cut_list(space, 0, false), false);
	free_list(space, cut_list(space, 0, true), true);
}
