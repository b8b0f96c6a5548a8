/* SPDX-License-Identifier: MIT */
/*
 * Where a range goes: from a cursor downwards, node by node, until a gap takes it.
 *
 * The search knows no gap but by walking to it. This is what makes it long when the gaps below the
 * cursor are too short, and what leaves gaps above the cursor unused until a pass has failed.
 *
 * Not here: ranges that were freed and wait in magazines (cache.c).
 */
#include "iova.h"

/* A pass of a search. */
struct pass {
	struct phyrsim_linux_want want;
	unsigned int align_lg2;
	uint64_t low; /* [pfn] lowest that will do */
};

/* Walks down from a node; true with the first page of the gap, when there is one. */
static bool descend(const struct pass *pass, const struct phyrsim_linux_node *node,
		    uint64_t *visit_cnt, uint64_t *ret_first)
{
	uint64_t end = pass->want.end;
	uint64_t first;

	do {
		++*visit_cnt;
		if (end > node->first)
			end = node->first;
		if (end < pass->want.page_cnt)
			return false;
		first = phyr_bits_down(end - pass->want.page_cnt, pass->align_lg2);
		node = node->prev;
	} while (node && first <= node->last && first >= pass->low);
	*ret_first = first;
	return first >= pass->low;
}

/* Both passes: below the cursor, then from the top down to the cursor. */
static bool search(struct phyrsim_linux_iova *iova, struct pass *pass,
		   const struct phyrsim_linux_node *cursor, uint64_t *ret_first)
{
	uint64_t visit_cnt[2] = { 0, 0 };
	bool found = descend(pass, cursor, &visit_cnt[0], ret_first);

	if (!found && cursor->last < pass->want.end) {
		pass->low = cursor->last + 1;
		cursor = pass->want.end > iova->low_end ?
				 &iova->tree.anchor :
				 phyrsim_linux_tree_from(&iova->tree, pass->want.end);
		found = descend(pass, cursor, &visit_cnt[1], ret_first);
		iova->stats.second_pass_cnt++;
	}
	iova->stats.visit_cnt[0] += visit_cnt[0];
	iova->stats.visit_cnt[1] += visit_cnt[1];
	if (iova->stats.visit_max_cnt < visit_cnt[0] + visit_cnt[1])
		iova->stats.visit_max_cnt = visit_cnt[0] + visit_cnt[1];
	return found;
}

/* Finds the first page, or remembers that pages so many are refused. */
static bool find_room(struct phyrsim_linux_iova *iova, struct phyrsim_linux_want want,
		      uint64_t *ret_first)
{
	struct pass pass = { want, phyr_bits_log2_up(want.page_cnt), iova->start_pfn };
	bool low = want.end <= iova->low_end;

	if (low && want.page_cnt >= iova->refused_cnt) {
		iova->stats.reject_cnt++;
		return false;
	}
	if (search(iova, &pass, low ? iova->low_cursor : iova->cursor, ret_first))
		return true;
	/* Whatever the limit was: requests above 4 GiB are remembered as well. */
	iova->refused_cnt = want.page_cnt;
	iova->stats.refusal_cnt++;
	return false;
}

/* Why there is no room: is it so for all time? */
static int no_room(const struct phyrsim_linux_iova *iova, struct phyrsim_linux_want want)
{
	uint64_t first;

	if (want.page_cnt > want.end)
		return PHYR_E_LIMIT;
	first = phyr_bits_down(want.end - want.page_cnt, phyr_bits_log2_up(want.page_cnt));
	return first < iova->start_pfn ? PHYR_E_LIMIT : PHYR_E_NOSPACE;
}

int phyrsim_linux_place(struct phyrsim_linux_iova *iova, struct phyrsim_linux_want want,
			struct phyrsim_linux_node **ret_node)
{
	/* Memory comes first, as in the kernel: without it nothing is searched or remembered. */
	struct phyrsim_linux_node *node = iova->mem->alloc(iova->mem->ctx, sizeof(*node));

	if (!node)
		return PHYR_E_NOMEM;
	if (!find_room(iova, want, &node->first)) {
		iova->mem->free(iova->mem->ctx, node, sizeof(*node));
		return no_room(iova, want);
	}
	node->last = node->first + (want.page_cnt - 1);
	node->owner = PHYRSIM_LINUX_LIVE;
	phyrsim_linux_tree_insert(&iova->tree, node);
	if (node->last < iova->low_end)
		iova->low_cursor = node;
	else
		iova->cursor = node;
	iova->stats.live_len += want.page_cnt << iova->granule_lg2;
	iova->stats.tree_alloc_cnt++;
	*ret_node = node;
	return PHYR_OK;
}

static uint64_t *owned_len(struct phyrsim_linux_iova *iova, enum phyrsim_linux_owner owner)
{
	return owner == PHYRSIM_LINUX_LIVE ? &iova->stats.live_len : &iova->stats.cached_len;
}

void phyrsim_linux_hand_over(struct phyrsim_linux_iova *iova, struct phyrsim_linux_node *node,
			     enum phyrsim_linux_owner owner)
{
	uint64_t len = (node->last - node->first + 1) << iova->granule_lg2;

	*owned_len(iova, node->owner) -= len;
	*owned_len(iova, owner) += len;
	node->owner = owner;
}

void phyrsim_linux_displace(struct phyrsim_linux_iova *iova, struct phyrsim_linux_node *node)
{
	/* A free range at or above a cursor raises it; one below it is not seen until later. */
	if (node == iova->low_cursor ||
	    (node->last < iova->low_end && node->first >= iova->low_cursor->first))
		iova->low_cursor = node->next;
	if (node->first < iova->low_end)
		iova->refused_cnt = iova->low_end;
	if (node->first >= iova->cursor->first)
		iova->cursor = node->next;
	*owned_len(iova, node->owner) -= (node->last - node->first + 1) << iova->granule_lg2;
	iova->stats.tree_free_cnt++;
	phyrsim_linux_tree_remove(&iova->tree, node);
	iova->mem->free(iova->mem->ctx, node, sizeof(*node));
}
