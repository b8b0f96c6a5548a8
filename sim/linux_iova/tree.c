/* SPDX-License-Identifier: MIT */
/*
 * A treap that is also a list (tree.h). Without recursion: trees of any depth cost no stack.
 */
#include "tree.h"

/* xorshift64*: any sequence without a pattern will do. */
static uint64_t next_priority(struct phyrsim_linux_tree *tree)
{
	uint64_t x = tree->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	tree->random = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

void phyrsim_linux_tree_init(struct phyrsim_linux_tree *tree)
{
	*tree = (struct phyrsim_linux_tree){
		.anchor = { .first = UINT64_MAX,
			    .last = UINT64_MAX,
			    .owner = PHYRSIM_LINUX_RESERVED },
		.random = UINT64_C(0x9e3779b97f4a7c15),
	};
}

/* The lowest node that ends at a page or above; NULL when none but the anchor does. */
static struct phyrsim_linux_node *find(const struct phyrsim_linux_tree *tree, uint64_t pfn)
{
	struct phyrsim_linux_node *found = NULL;
	struct phyrsim_linux_node *node = tree->root;

	while (node) {
		if (node->last >= pfn) {
			found = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

struct phyrsim_linux_node *phyrsim_linux_tree_from(struct phyrsim_linux_tree *tree, uint64_t pfn)
{
	struct phyrsim_linux_node *found = find(tree, pfn);

	return found ? found : &tree->anchor;
}

/* The link below a node that leads to an address. */
static struct phyrsim_linux_node **towards(struct phyrsim_linux_node *node, uint64_t pfn)
{
	return node->first < pfn ? &node->right : &node->left;
}

/* Deals the nodes below a root out to those below and those above a page. */
static void split(struct phyrsim_linux_node *root, uint64_t pfn, struct phyrsim_linux_node **left,
		  struct phyrsim_linux_node **right)
{
	while (root) {
		if (root->first < pfn) {
			*left = root;
			left = &root->right;
			root = root->right;
		} else {
			*right = root;
			right = &root->left;
			root = root->left;
		}
	}
	*left = NULL;
	*right = NULL;
}

/* Joins two trees, all of the left one below the right one, at a link. */
static void merge(struct phyrsim_linux_node *left, struct phyrsim_linux_node *right,
		  struct phyrsim_linux_node **link)
{
	while (left && right) {
		if (left->priority >= right->priority) {
			*link = left;
			link = &left->right;
			left = left->right;
		} else {
			*link = right;
			link = &right->left;
			right = right->left;
		}
	}
	*link = left ? left : right;
}

void phyrsim_linux_tree_insert(struct phyrsim_linux_tree *tree, struct phyrsim_linux_node *node)
{
	struct phyrsim_linux_node **link = &tree->root;

	node->next = phyrsim_linux_tree_from(tree, node->first);
	node->prev = node->next->prev;
	node->next->prev = node;
	if (node->prev)
		node->prev->next = node;

	node->priority = next_priority(tree);
	while (*link && (*link)->priority >= node->priority)
		link = towards(*link, node->first);
	split(*link, node->first, &node->left, &node->right);
	*link = node;

	tree->node_cnt++;
	if (tree->node_peak_cnt < tree->node_cnt)
		tree->node_peak_cnt = tree->node_cnt;
}

void phyrsim_linux_tree_remove(struct phyrsim_linux_tree *tree, struct phyrsim_linux_node *node)
{
	struct phyrsim_linux_node **link = &tree->root;

	while (*link != node)
		link = towards(*link, node->first);
	merge(node->left, node->right, link);

	node->next->prev = node->prev;
	if (node->prev)
		node->prev->next = node->next;
	tree->node_cnt--;
}

static bool above_children(const struct phyrsim_linux_node *node)
{
	return (!node->left || node->left->priority <= node->priority) &&
	       (!node->right || node->right->priority <= node->priority);
}

const char *phyrsim_linux_tree_flaw(const struct phyrsim_linux_tree *tree)
{
	const struct phyrsim_linux_node *node = &tree->anchor;
	uint64_t cnt = 0;

	for (; node->prev; node = node->prev, cnt++) {
		const struct phyrsim_linux_node *prev = node->prev;

		if (prev->next != node)
			return "the list is not the same in both directions";
		if (prev->first > prev->last || prev->last >= node->first)
			return "ranges overlap or are out of order";
		if (find(tree, prev->first) != prev)
			return "a range is not found in the tree";
		if (!above_children(prev))
			return "a node's priority is below its child's";
	}
	return cnt == tree->node_cnt ? NULL : "nodes are miscounted";
}
