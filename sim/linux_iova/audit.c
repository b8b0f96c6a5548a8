/* SPDX-License-Identifier: MIT */
/*
 * What an allocator holds, and whether all that is known of it twice agrees.
 */
#include "iova.h"

/* What was counted again. */
struct recount {
	uint64_t live_len;
	uint64_t cached_len;
	uint64_t cached_cnt; /* nodes that say so */
	uint64_t stored_cnt; /* entries of magazines */
	uint64_t magazine_cnt;
};

static uint64_t depots_cnt(const struct phyrsim_linux_iova *iova)
{
	uint64_t cnt = 0;

	for (unsigned int bin = 0; bin < PHYRSIM_LINUX_BIN_CNT; bin++)
		cnt += iova->depots[bin].cnt;
	return cnt;
}

void phyrsim_linux_iova_stats(const struct phyrsim_linux_iova *iova,
			      struct phyrsim_linux_iova_stats *ret_stats)
{
	*ret_stats = iova->stats;
	ret_stats->node_cnt = iova->tree.node_cnt;
	ret_stats->node_peak_cnt = iova->tree.node_peak_cnt;
	ret_stats->depot_magazine_cnt = depots_cnt(iova);
}

/* Are both cursors in the list? */
static const char *nodes_flaw(const struct phyrsim_linux_iova *iova, struct recount *recount)
{
	const struct phyrsim_linux_node *node = &iova->tree.anchor;
	unsigned int cursor_cnt = 0;

	for (; node; node = node->prev) {
		uint64_t len = (node->last - node->first + 1) << iova->granule_lg2;

		cursor_cnt += node == iova->cursor;
		cursor_cnt += node == iova->low_cursor;
		recount->live_len += node->owner == PHYRSIM_LINUX_LIVE ? len : 0;
		recount->cached_len += node->owner == PHYRSIM_LINUX_CACHED ? len : 0;
		recount->cached_cnt += node->owner == PHYRSIM_LINUX_CACHED;
	}
	return cursor_cnt == 2 ? NULL : "a cursor points to no node";
}

static const char *magazine_flaw(const struct phyrsim_linux_magazine *magazine, uint64_t page_cnt,
				 struct recount *recount)
{
	for (unsigned int i = 0; i < magazine->cnt; i++) {
		const struct phyrsim_linux_node *node = magazine->nodes[i];

		if (node->owner != PHYRSIM_LINUX_CACHED)
			return "a magazine holds a range that is not cached";
		if (node->last - node->first + 1 <= page_cnt / 2)
			return "a range is too short for its bin";
	}
	recount->stored_cnt += magazine->cnt;
	recount->magazine_cnt++;
	return NULL;
}

static const char *caches_flaw(const struct phyrsim_linux_iova *iova, struct recount *recount)
{
	for (size_t i = 0; i < (size_t)iova->cpu_cnt * PHYRSIM_LINUX_BIN_CNT; i++) {
		const struct phyrsim_linux_cache *cache = &iova->caches[i];
		uint64_t page_cnt = phyr_bits_size((unsigned int)(i % PHYRSIM_LINUX_BIN_CNT));
		const char *flaw;

		if (cache->loaded->cnt > PHYRSIM_LINUX_MAGAZINE_CNT)
			return "a loaded magazine is more than full";
		if (cache->spare->cnt % PHYRSIM_LINUX_MAGAZINE_CNT != 0)
			return "a spare magazine is neither empty nor full";
		flaw = magazine_flaw(cache->loaded, page_cnt, recount);
		if (!flaw)
			flaw = magazine_flaw(cache->spare, page_cnt, recount);
		if (flaw)
			return flaw;
	}
	return NULL;
}

static const char *depots_flaw(const struct phyrsim_linux_iova *iova, struct recount *recount)
{
	for (unsigned int bin = 0; bin < PHYRSIM_LINUX_BIN_CNT; bin++) {
		const struct phyrsim_linux_magazine *magazine = iova->depots[bin].top;
		const char *flaw = NULL;
		uint64_t cnt = 0;

		for (; magazine && !flaw; magazine = magazine->next, cnt++) {
			if (magazine->cnt != PHYRSIM_LINUX_MAGAZINE_CNT)
				return "a magazine of a depot is not full";
			flaw = magazine_flaw(magazine, phyr_bits_size(bin), recount);
		}
		if (flaw)
			return flaw;
		if (cnt != iova->depots[bin].cnt)
			return "magazines of a depot are miscounted";
	}
	return NULL;
}

static const char *counts_flaw(const struct phyrsim_linux_iova *iova, const struct recount *recount)
{
	if (recount->cached_cnt != recount->stored_cnt)
		return "a cached range is in no magazine, or in two";
	if (recount->magazine_cnt != iova->stats.magazine_cnt)
		return "magazines are miscounted";
	if (recount->live_len != iova->stats.live_len ||
	    recount->cached_len != iova->stats.cached_len)
		return "lengths are miscounted";
	return iova->refused_cnt > iova->low_end ? "the refused length is too great" : NULL;
}

bool phyrsim_linux_iova_validate(const struct phyrsim_linux_iova *iova, const char **ret_reason)
{
	struct recount recount = { 0, 0, 0, 0, 0 };
	const char *flaw = phyrsim_linux_tree_flaw(&iova->tree);

	if (!flaw)
		flaw = nodes_flaw(iova, &recount);
	if (!flaw)
		flaw = caches_flaw(iova, &recount);
	if (!flaw)
		flaw = depots_flaw(iova, &recount);
	if (!flaw)
		flaw = counts_flaw(iova, &recount);
	if (flaw && ret_reason)
		*ret_reason = flaw;
	return !flaw;
}
