/* SPDX-License-Identifier: MIT */
/*
 * Going through all that a root translates, by walks alone: each ends at an item, and the next
 * begins behind what that item, or its leaf, translates. Items of zero are passed over together.
 *
 * In a tree every item ends a walk at most once, and a table that has no memory is come to once a
 * frame. Who stops more often is in something that is no tree, and might be there for ever.
 */
#include "dump.h"

#define FRAME_ITEMS 512

/* Has a root addresses with a sign: two halves? */
static bool is_signed(const struct phyrsim_root *root)
{
	return root->format == PHYRSIM_FORMAT_RISCV_S1 ||
	       (root->format == PHYRSIM_FORMAT_X86_FS &&
		(root->features & PHYRSIM_FEATURE_UNSIGNED) == 0);
}

static bool is_upper(const struct phyrsim_root *root)
{
	return (root->features & PHYRSIM_FEATURE_UPPER) != 0;
}

/* The last address of the lower half, or of all. */
static uint64_t lower_last(const struct phyrsim_root *root)
{
	unsigned int bits = root->iova_bits - is_signed(root);

	return bits < 64 ? phyr_bits_mask(bits) : UINT64_MAX;
}

/* Hardware that is told to mark leaves dirty does so, and what is clean may be written. */
static unsigned int flags_of(const struct phyrsim_root *root)
{
	bool marks = (root->features & PHYRSIM_FEATURE_DIRTY) != 0;

	return PHYRSIM_WALK_AUDIT | PHYRSIM_WALK_PRIVILEGED | (marks ? PHYRSIM_WALK_PEEK : 0);
}

/* Reading first; what may not be read may still be written. */
static int look(struct tour *tour, uint64_t iova, struct phyrsim_dump_walk *ret_path)
{
	struct phyrsim_access access = { phyr_iova_at(iova), PHYR_PERM_READ, 0 };
	struct phyrsim_dump_walk other;
	int err;

	access.flags = flags_of(tour->root);
	err = phyrsim_dump_path(tour->mem, tour->root, &access, ret_path);

	if (err != PHYR_E_FAULT || ret_path->walk.fault != PHYRSIM_FAULT_READ)
		return err;
	access.perm = PHYR_PERM_WRITE;
	err = phyrsim_dump_path(tour->mem, tour->root, &access, &other);
	if (err == PHYR_OK)
		*ret_path = other;
	return err;
}

int phyrsim_tour_begin(struct tour *tour, struct phyrsim_mem *mem, const struct phyrsim_root *root,
		       bool by_item)
{
	*tour = (struct tour){ .mem = mem, .root = root, .by_item = by_item };
	if (!mem || !root || look(tour, 0, &tour->path) == PHYR_E_INVAL)
		return PHYR_E_INVAL;
	tour->path.step_cnt = 0;
	if (is_upper(root))
		tour->next = ~phyr_bits_mask(root->iova_bits);
	return PHYR_OK;
}

/* How many neighbouring items are zero, in the same frame: nothing is present there in any format. */
static uint64_t zero_cnt(const struct tour *tour, const struct phyrsim_dump_walk *path)
{
	const struct phyrsim_dump_step *step = &path->steps[path->step_cnt - 1];
	uint64_t in_frame = (step->entry_pa.addr & phyr_bits_mask(PHYR_PAGE_LG2)) / 8;
	uint64_t end = phyr_bits_size(index_bits(tour->root, step->level)) - step->index;
	const uint64_t *items = phyrsim_mem_frame(tour->mem, step->entry_pa) + in_frame;
	uint64_t cnt = 1;

	if (end > FRAME_ITEMS - in_frame)
		end = FRAME_ITEMS - in_frame;
	while (cnt < end && items[cnt] == 0)
		cnt++;
	return cnt;
}

/* [log2 bytes] of addresses that are answered by a path. */
static unsigned int reach_lg2(const struct tour *tour, const struct phyrsim_dump_walk *path)
{
	unsigned int level = path->walk.level;
	unsigned int lg2 = item_lg2(tour->root, level), frame_lg2 = index_bits(tour->root, level);

	if (path->walk.fault == PHYRSIM_FAULT_NONE && !tour->by_item)
		return path->walk.leaf_lg2;
	if (path->walk.fault != PHYRSIM_FAULT_MEMORY)
		return lg2;
	return lg2 + (frame_lg2 < 9 ? frame_lg2 : 9);
}

/* How many steps two paths, one behind the other, have in the same tables. */
static unsigned int common_steps(const struct phyrsim_dump_walk *a,
				 const struct phyrsim_dump_walk *b)
{
	unsigned int cnt = 0;

	while (cnt < a->step_cnt && cnt < b->step_cnt &&
	       (cnt == 0 || a->steps[cnt - 1].entry_pa.addr == b->steps[cnt - 1].entry_pa.addr))
		cnt++;
	return cnt;
}

/* Behind the stop: over the hole between two halves, or to the end. */
static void step_on(struct tour *tour)
{
	unsigned int lg2 = reach_lg2(tour, &tour->path);
	uint64_t last = lg2 < 64 ? tour->first | phyr_bits_mask(lg2) : UINT64_MAX;
	bool lower = tour->first <= lower_last(tour->root) && !is_upper(tour->root);

	if (tour->path.walk.fault == PHYRSIM_FAULT_NOT_PRESENT && tour->path.walk.entry == 0)
		last += (zero_cnt(tour, &tour->path) - 1) << lg2;
	tour->done = last == UINT64_MAX || (lower && last >= lower_last(tour->root));
	tour->next = last + 1;
	if (lower && tour->done && is_signed(tour->root)) {
		tour->done = false;
		tour->next = ~lower_last(tour->root);
	}
}

/* For every item as many as a missing table has frames; a top that is missing has fewer than 512. */
static uint64_t stop_cnt_max(const struct tour *tour)
{
	uint64_t item_cnt = phyrsim_mem_frame_cnt(tour->mem) * FRAME_ITEMS;

	return (item_cnt << (tour->root->granule_lg2 - PHYR_PAGE_LG2)) + FRAME_ITEMS;
}

int phyrsim_tour_next(struct tour *tour)
{
	struct phyrsim_dump_walk path;

	if (tour->done)
		return PHYR_E_NOENT;
	if (tour->stop_cnt++ == stop_cnt_max(tour))
		return PHYR_E_LIMIT;
	(void)look(tour, tour->next, &path);
	tour->first = tour->next;
	tour->fresh = common_steps(&tour->path, &path);
	tour->path = path;
	step_on(tour);
	return PHYR_OK;
}
