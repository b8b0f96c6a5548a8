/* SPDX-License-Identifier: MIT */
/* The way of one address through the tables. */
#ifndef PHYRSIM_STALE_PATH_H
#define PHYRSIM_STALE_PATH_H

#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#define PHYRSIM_LEVEL_MAX 6
#define PHYRSIM_INDEX_BITS 9

struct phyrsim_path {
	struct phyrsim_walk walk;
	bool mapped;			  /* walk is a translation */
	phyr_pa table[PHYRSIM_LEVEL_MAX]; /* from walk.level to the top: the table of each level */
};

/* PHYR_OK, _INVAL (no such root), _UNSUPPORTED (tables of another form) */
int phyrsim_path(struct phyrsim_mem *frames, const struct phyrsim_root *root, phyr_iova iova,
		 struct phyrsim_path *ret_path);

/* [log2 bytes] what an item of a level translates */
static inline unsigned int phyrsim_path_item_lg2(unsigned int level)
{
	return PHYR_PAGE_LG2 + PHYRSIM_INDEX_BITS * level;
}

/* The level whose items translate so much, or somewhat less. */
static inline unsigned int phyrsim_path_level(unsigned int lg2)
{
	return (lg2 - PHYR_PAGE_LG2) / PHYRSIM_INDEX_BITS;
}

#endif
