/* SPDX-License-Identifier: MIT */
/*
 * The ranges of Linux's address allocator in the order of their addresses: a tree to find them by,
 * and a list through the same nodes, because the allocator's search goes from node to node.
 *
 * The tree is a treap: ordered by address, and no node's priority is below its children's. The
 * priorities come from a generator of the object, so that equal calls give equal trees. The list
 * ends at the anchor, which is at the top of all addresses and not in the tree.
 *
 * Not here: who may have which addresses (iova.h).
 */
#ifndef PHYRSIM_LINUX_IOVA_TREE_H
#define PHYRSIM_LINUX_IOVA_TREE_H

#include <phyr/base.h>

/* Whose a range is. */
enum phyrsim_linux_owner {
	PHYRSIM_LINUX_LIVE,	/* the caller's */
	PHYRSIM_LINUX_CACHED,	/* a magazine's: free for callers, taken for the tree */
	PHYRSIM_LINUX_RESERVED, /* nobody's, for ever */
};

/* A range, both ends included. [pfn] */
struct phyrsim_linux_node {
	uint64_t first;
	uint64_t last;
	struct phyrsim_linux_node *left;
	struct phyrsim_linux_node *right;
	struct phyrsim_linux_node *prev; /* NULL at the lowest */
	struct phyrsim_linux_node *next; /* NULL at the anchor alone */
	uint64_t priority;
	enum phyrsim_linux_owner owner;
};

struct phyrsim_linux_tree {
	struct phyrsim_linux_node *root;
	struct phyrsim_linux_node anchor;
	uint64_t random;
	uint64_t node_cnt;
	uint64_t node_peak_cnt;
};

void phyrsim_linux_tree_init(struct phyrsim_linux_tree *tree);

/* Links a node whose first and last are set; it overlaps no other. */
void phyrsim_linux_tree_insert(struct phyrsim_linux_tree *tree, struct phyrsim_linux_node *node);

/* Takes a node out; its memory is the caller's again. */
void phyrsim_linux_tree_remove(struct phyrsim_linux_tree *tree, struct phyrsim_linux_node *node);

/* The lowest node that ends at a page or above; the anchor when no other does. */
struct phyrsim_linux_node *phyrsim_linux_tree_from(struct phyrsim_linux_tree *tree, uint64_t pfn);

/* What is wrong with the tree or the list; NULL when nothing is. */
const char *phyrsim_linux_tree_flaw(const struct phyrsim_linux_tree *tree);

#endif
