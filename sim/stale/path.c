/* SPDX-License-Identifier: MIT */
/*
 * The way of one address through the tables: the walker says where it ends, and the pointers above
 * are read here.
 *
 * Not here: what entries mean beyond the address of the next table; the walker knows.
 */
#include "path.h"

#include <phyr/bits.h>

#define ADDRESS (phyr_bits_mask(52) & ~phyr_bits_mask(PHYR_PAGE_LG2))

/* The one place that knows how a walk is asked for. */
static int walk_for(struct phyrsim_mem *frames, const struct phyrsim_root *root, phyr_iova iova,
		    enum phyr_perm perm, struct phyrsim_walk *ret_walk)
{
	struct phyrsim_access access = { iova, perm, 0 };

	return phyrsim_walk(frames, root, &access, ret_walk);
}

static bool known_form(const struct phyrsim_root *root)
{
	return root->format == PHYRSIM_FORMAT_VTD_SS || root->format == PHYRSIM_FORMAT_AMD_V1 ||
	       root->format == PHYRSIM_FORMAT_X86_FS;
}

static phyr_pa next_table(const struct phyrsim_mem *frames, phyr_pa table, phyr_iova iova,
			  unsigned int level)
{
	const uint64_t *items = phyrsim_mem_frame(frames, table);
	uint64_t i = iova.addr >> phyrsim_path_item_lg2(level) & phyr_bits_mask(PHYRSIM_INDEX_BITS);

	return phyr_pa_at(items ? items[i] & ADDRESS : 0);
}

int phyrsim_path(struct phyrsim_mem *frames, const struct phyrsim_root *root, phyr_iova iova,
		 struct phyrsim_path *ret_path)
{
	struct phyrsim_path path = { 0 };
	unsigned int level;
	int err;

	if (!known_form(root))
		return PHYR_E_UNSUPPORTED;
	err = walk_for(frames, root, iova, PHYR_PERM_READ, &path.walk);
	if (err == PHYR_E_FAULT && path.walk.fault == PHYRSIM_FAULT_READ)
		err = walk_for(frames, root, iova, PHYR_PERM_WRITE, &path.walk);
	if (err != PHYR_OK && err != PHYR_E_FAULT)
		return err;
	path.mapped = err == PHYR_OK;
	level = root->level_cnt - 1;
	path.table[level] = root->table;
	for (; level > path.walk.level; level--)
		path.table[level - 1] = next_table(frames, path.table[level], iova, level);
	*ret_path = path;
	return PHYR_OK;
}
