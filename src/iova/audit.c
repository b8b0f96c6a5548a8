/* SPDX-License-Identifier: MIT */
/* Whether a space and its caches are what they should be. */

#include <string.h>

#include "cache.h"

/* What an audit adds up on its way. */
struct tally {
	uint64_t taken;	 /* granules */
	uint64_t ranges; /* ends */
	uint64_t cached; /* granules in strips */
	uint64_t metadata_len;
};

/* Every range of a strip must be one range of the leaf. */
static const char *check_strip(const struct part *leaf, const struct strip *strip)
{
	unsigned int at = strip->first & (UNIT_CNT - 1);

	if (strip->len != (uint32_t)strip->slots * strip->cnt || at + strip->len > UNIT_CNT)
		return "a strip reaches beyond its leaf";
	if (at && is_taken(leaf, at - 1) && !is_end(leaf, at - 1))
		return "a range reaches into a strip";
	for (unsigned int i = 0; i < strip->len; i++) {
		if (!is_taken(leaf, at + i))
			return "a range of a strip is free in the space";
		if (is_end(leaf, at + i) != (i % strip->cnt == strip->cnt - 1U))
			return "a range of a strip has another length";
	}
	return NULL;
}

static const char *check_bits(const struct part *part, unsigned int level)
{
	for (unsigned int i = 0; i < UNIT_CNT; i++) {
		bool kid = has_kids(part, level) && is_kid(node_at(part), i);

		if ((is_end(part, i) || kid) && !is_taken(part, i))
			return "something is where nothing is taken";
		if (is_end(part, i) && kid)
			return "a unit is two things at once";
		if (level == 0 && i + 1 < UNIT_CNT && is_taken(part, i) && !is_end(part, i) &&
		    !is_taken(part, i + 1))
			return "a range has no end";
	}
	return NULL;
}

static const char *check_words(const struct part *part)
{
	unsigned int hole = 0;

	for (unsigned int i = 0; i < WORD_CNT; i++) {
		unsigned int longest = 0;

		for (unsigned int unit = i * 64; unit < i * 64 + 64; unit++) {
			if (is_taken(part, unit) && hole > longest)
				longest = hole;
			hole = is_taken(part, unit) ? 0 : hole + 1;
		}
		if (lanes_get(&part->holes, i) != longest)
			return "holes of a word are summed up wrongly";
		for (unsigned int order = 0; order <= 6; order++)
			if ((part->blocks >> (order * 8 + i) & 1) !=
			    (phyr_fold(~part->words[i].taken, order) != 0))
				return "blocks of a word are summed up wrongly";
	}
	return NULL;
}

static bool equal_bytes(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

/* Sums up a node anew, as if its kids had just come. */
static void sum_again(const struct node *node, unsigned int level, struct node *again)
{
	memset(again, 0, sizeof(*again) + ORDER_CNT(level) * sizeof(again->with[0]));
	again->part = node->part;
	memcpy(again->kids, node->kids, sizeof(again->kids));
	for (unsigned int unit = 0; unit < UNIT_CNT; unit++)
		again->children[unit].kid = node->children[unit].kid;
	memset(&again->part.sum, 0, sizeof(again->part.sum));
	if (again->part.kid_cnt)
		(void)phyr_node_first_kid(again, level);
	else
		phyr_part_sum(&again->part, level, &again->part.sum);
}

static const char *check_node(const struct node *node, unsigned int level)
{
	union {
		struct node node;
		unsigned char
			room[sizeof(struct node) + ORDER_CNT(LEVEL_MAX) * sizeof(node->with[0])];
	} again;

	sum_again(node, level, &again.node);
	if (sum_changed(&again.node.part.sum, &node->part.sum))
		return "a node is summed up wrongly";
	if (!equal_bytes(again.node.tops, node->tops, sizeof(node->tops)) ||
	    !equal_bytes(again.node.most, node->most, sizeof(node->most)) ||
	    !equal_bytes(again.node.best, node->best, sizeof(node->best)) ||
	    !equal_bytes(again.node.children, node->children, sizeof(node->children)) ||
	    !equal_bytes(again.node.words_with, node->words_with, ORDER_CNT(level)) ||
	    !equal_bytes(again.node.with, node->with, ORDER_CNT(level) * sizeof(node->with[0])))
		return "a child is summed up wrongly";
	return NULL;
}

static const char *check_sum(const struct part *part, unsigned int level)
{
	struct sum sum;

	if (kind_of(part, level) == NODE)
		return check_node(node_at(part), level);
	phyr_part_sum(part, level, &sum);
	return sum_changed(&sum, &part->sum) ? "a part is summed up wrongly" : NULL;
}

static const char *check_strips(const struct part *leaf, struct tally *tally)
{
	const char *reason = NULL;

	for (const struct strip *strip = leaf->strips; strip && !reason; strip = strip->leaf_next) {
		reason = check_strip(leaf, strip);
		tally->cached += strip->len;
	}
	return reason;
}

static const char *check_part(const struct tree *tree, const struct part *part, unsigned int level,
			      struct tally *tally)
{
	const char *reason = check_bits(part, level);
	unsigned int kid_cnt = 0;

	if (!reason)
		reason = check_words(part);
	if (!reason)
		reason = check_sum(part, level);
	if (!reason && level < tree->level && part->sum.pre == part_len(level))
		reason = "an empty part stays";
	if (!reason && level == 0)
		reason = check_strips(part, tally);
	tally->metadata_len += len_of(tree, kind_of(part, level));
	for (unsigned int unit = 0; unit < UNIT_CNT && !reason; unit++) {
		const struct part *kid = NULL;

		if (has_kids(part, level))
			kid = kid_at(node_at(part), unit);

		kid_cnt += kid != NULL;
		tally->ranges += is_end(part, unit);
		if (kid)
			reason = check_part(tree, kid, level - 1, tally);
		else if (is_taken(part, unit))
			tally->taken += phyr_bits_size(unit_lg2(level));
	}
	if (!reason && level && kid_cnt != part->kid_cnt)
		reason = "kids are miscounted";
	return reason;
}

static const char *check_space(const struct phyr_iova_space *space)
{
	const struct tree *tree = &space->tree;
	uint64_t inside = space->window.last - space->window.first + 1;
	struct tally tally;
	const char *reason;

	memset(&tally, 0, sizeof(tally));
	tally.metadata_len = sizeof(*space);
	for (enum kind kind = PART; kind < KIND_CNT; kind++)
		tally.metadata_len += tree->spares[kind].cnt * len_of(tree, kind);
	reason = check_part(tree, &tree->root->part, tree->level, &tally);
	if (reason)
		return reason;
	if (tally.ranges != space->live_cnt + space->outside_cnt)
		return "live ranges are miscounted";
	if (tally.taken + inside != space->live + tree_last(tree) + 1)
		return "live bytes are miscounted";
	if (tally.cached != space->cached)
		return "what caches hold is miscounted";
	if (space->stats.metadata_len != tally.metadata_len)
		return "metadata is miscounted";
	return NULL;
}

bool phyr_iova_validate(struct phyr_iova_space *space, const char **ret_reason)
{
	const char *reason;

	phyr_space_lock(space);
	reason = check_space(space);
	phyr_space_unlock(space);
	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}

static const char *check_held(const struct phyr_iova_cache *cache, const struct strip *strip)
{
	const struct part *leaf = phyr_tree_leaf(&cache->space->tree, strip->first);
	uint64_t free = strip_bits(strip->free);
	uint64_t away = strip_bits(strip->away);

	if (phyr_strip_at(leaf, strip->first) != strip || strip->cache != cache)
		return "the space does not know a strip";
	if (free & ~strip->all || free & away)
		return "a range is free twice";
	if (strip->open ? !free && strip->prev : free != 0)
		return "a strip is in the wrong list";
	for (uint64_t word = strip->first / 64; word <= (strip->first + strip->len - 1) / 64;
	     word++)
		if (phyr_table_find(&cache->table, word) != strip)
			return "a strip cannot be found";
	return check_strip(leaf, strip);
}

bool phyr_iova_cache_validate(struct phyr_iova_cache *cache, const char **ret_reason)
{
	const char *reason = NULL;
	size_t cnt = 0;

	phyr_space_lock(cache->space);
	for (const struct strip *strip = cache->all; strip && !reason; strip = strip->all_next) {
		reason = check_held(cache, strip);
		cnt++;
	}
	phyr_space_unlock(cache->space);
	if (!reason && cnt != cache->stats.strip_cnt)
		reason = "strips are miscounted";
	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}

void phyr_iova_cache_stats(struct phyr_iova_cache *cache, struct phyr_iova_cache_stats *ret_stats)
{
	uint64_t held = 0;

	for (const struct strip *strip = cache->all; strip; strip = strip->all_next) {
		uint64_t ranges = strip_bits(strip->free) | strip_bits(strip->away);

		held += (uint64_t)__builtin_popcountll(ranges) * strip->cnt;
	}
	*ret_stats = cache->stats;
	ret_stats->held_len = held << cache->space->granule_lg2;
}
