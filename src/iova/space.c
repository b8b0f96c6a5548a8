/* SPDX-License-Identifier: MIT */
/* The life of a space. */

#include "space.h"

#include <string.h>

/* Checks the parameters and finds the window in granules. */
static int check_params(const struct phyr_iova_params *params, unsigned int *ret_lg2,
			struct span *ret_window)
{
	unsigned int lg2;

	if (!params || !params->mem || !params->mem->alloc || !params->mem->free ||
	    (params->reserved_cnt && !params->reserved))
		return PHYR_E_INVAL;
	lg2 = params->granule_lg2 ? params->granule_lg2 : PHYR_PAGE_LG2;
	if (lg2 < 12 || lg2 > 16)
		return PHYR_E_INVAL;
	if (params->window.first.addr > params->window.last.addr)
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(params->window.first.addr, lg2) ||
	    !phyr_bits_aligned(params->window.last.addr + 1, lg2))
		return PHYR_E_ALIGN;
	*ret_lg2 = lg2;
	*ret_window =
		(struct span){ params->window.first.addr >> lg2, params->window.last.addr >> lg2 };
	return PHYR_OK;
}

static int take_outside(struct phyr_iova_space *space, struct span span)
{
	struct need need;

	if (!phyr_spares_suffice(space, span, &need)) {
		int err = phyr_spares_grow(space, &need);

		if (err)
			return err;
	}
	phyr_tree_take(&space->tree, span);
	space->outside_cnt++;
	return PHYR_OK;
}

static int take_all_outside(struct phyr_iova_space *space)
{
	uint64_t last = tree_last(&space->tree);
	int err = PHYR_OK;

	if (space->window.first > 0)
		err = take_outside(space, (struct span){ 0, space->window.first - 1 });
	if (!err && space->window.last < last)
		err = take_outside(space, (struct span){ space->window.last + 1, last });
	return err;
}

static int create_tree(struct phyr_iova_space *space)
{
	struct tree *tree = &space->tree;
	struct node *root;

	for (tree->level = 1; tree_last(tree) < space->window.last;)
		tree->level++;
	root = space->mem->alloc(space->mem->ctx, len_of(tree, NODE));
	if (!root)
		return PHYR_E_NOMEM;
	memset(root, 0, len_of(tree, NODE));
	root->part.is_node = true;
	phyr_part_init(&root->part, tree->level);
	tree->root = root;
	space->stats.metadata_len += len_of(tree, NODE);
	return take_all_outside(space);
}

static int reserve_all(struct phyr_iova_space *space, const struct phyr_iova_params *params)
{
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < params->reserved_cnt; i++)
		err = phyr_iova_reserve(space, params->reserved[i]);
	return err;
}

int phyr_iova_create(const struct phyr_iova_params *params, struct phyr_iova_space **ret_space)
{
	struct phyr_iova_space *space;
	unsigned int granule_lg2;
	struct span window;
	int err = ret_space ? check_params(params, &granule_lg2, &window) : PHYR_E_INVAL;

	if (err)
		return err;
	space = params->mem->alloc(params->mem->ctx, sizeof(*space));
	if (!space)
		return PHYR_E_NOMEM;
	memset(space, 0, sizeof(*space));
	space->mem = params->mem;
	space->window = window;
	space->granule_lg2 = granule_lg2;
	space->stats.metadata_len = sizeof(*space);
	err = create_tree(space);
	if (!err)
		err = reserve_all(space, params);
	if (err) {
		phyr_iova_destroy(space);
		return err;
	}
	*ret_space = space;
	return PHYR_OK;
}

/* Moves everything below a node to the spares. */
static void empty_node(struct tree *tree, struct node *node, unsigned int level)
{
	for (unsigned int unit = 0; unit < UNIT_CNT; unit++) {
		struct part *kid = kid_at(node, unit);

		if (kid && kind_of(kid, level - 1) == NODE)
			empty_node(tree, node_of(kid), level - 1);
		if (kid)
			phyr_tree_spare(tree, kid, kind_of(kid, level - 1));
	}
}

void phyr_iova_destroy(struct phyr_iova_space *space)
{
	const struct phyr_mem *mem;

	if (!space)
		return;
	mem = space->mem;
	if (space->tree.root) {
		empty_node(&space->tree, space->tree.root, space->tree.level);
		mem->free(mem->ctx, space->tree.root, len_of(&space->tree, NODE));
	}
	phyr_spares_free(space);
	mem->free(mem->ctx, space, sizeof(*space));
}

static uint64_t saturated_len(const struct phyr_iova_space *space, uint64_t granules)
{
	return granules >> (64 - space->granule_lg2) ? UINT64_MAX : granules << space->granule_lg2;
}

void phyr_iova_stats(struct phyr_iova_space *space, struct phyr_iova_stats *ret_stats)
{
	uint64_t largest;

	phyr_space_lock(space);
	*ret_stats = space->stats;
	largest = space->tree.root->part.sum.best;
	if (space->tree.root->part.sum.suf > largest)
		largest = space->tree.root->part.sum.suf;
	ret_stats->live_len = saturated_len(space, space->live);
	ret_stats->live_cnt = space->live_cnt;
	ret_stats->live_len_max = saturated_len(space, space->stats.live_len_max);
	ret_stats->cached_len = saturated_len(space, space->cached);
	phyr_space_unlock(space);
	ret_stats->largest_len = saturated_len(space, largest);
}

static struct phyr_iova_range told(const struct phyr_iova_space *space, struct span span)
{
	struct phyr_iova_range range = space_range(space, span);

	/* The whole 64-bit space has no length that a number could say. */
	if (range.len == 0)
		range.len = UINT64_MAX;
	return range;
}

/* The first granule of the window that is not below an address; false when there is none. */
static bool granule_from(const struct phyr_iova_space *space, phyr_iova from, uint64_t *ret_granule)
{
	uint64_t granule = from.addr >> space->granule_lg2;

	*ret_granule = granule > space->window.first ? granule : space->window.first;
	return granule <= space->window.last;
}

bool phyr_iova_next(struct phyr_iova_space *space, phyr_iova from,
		    struct phyr_iova_range *ret_range)
{
	uint64_t granule;
	struct span span;
	bool found;

	if (!space || !ret_range || !granule_from(space, from, &granule))
		return false;
	phyr_space_lock(space);
	found = phyr_tree_next_taken(&space->tree, granule, &span.first) &&
		span.first <= space->window.last;
	if (found) {
		span.last = phyr_tree_end(&space->tree, span.first);
		span.first = phyr_tree_start(&space->tree, span.first);
	}
	phyr_space_unlock(space);
	if (found)
		*ret_range = told(space, span);
	return found;
}

bool phyr_iova_next_hole(struct phyr_iova_space *space, phyr_iova from,
			 struct phyr_iova_range *ret_range)
{
	uint64_t granule;
	struct span hole;
	bool found;

	if (!space || !ret_range || !granule_from(space, from, &granule))
		return false;
	phyr_space_lock(space);
	found = phyr_tree_next_free(&space->tree, granule, &granule) &&
		phyr_tree_hole(&space->tree, granule, &hole);
	phyr_space_unlock(space);
	if (found)
		*ret_range = told(space, hole);
	return found;
}
