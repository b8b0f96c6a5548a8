/* SPDX-License-Identifier: MIT */
/*
 * Taking leaves out of the count: a part of the template in ops.h, which says what a format defines.
 */
/* Takes neighbouring leaves out of the count; the gather is told their sizes. */
static void uncount(struct phyrsim_pagetable *table, const struct phyrsim_node *node,
		    struct phyrsim_items in, struct phyr_gather *gather)
{
	phyr_sizes sizes = { 0 };
	size_t i = in.first;

	if (!FORMAT_GROUPS || !node->grouped) {
		sizes.mask = phyr_bits_size(node->item_lg2);
		table->stats.leaves.cnt[node->item_lg2] -= (uint64_t)in.last - in.first + 1;
		i = (size_t)in.last + 1;
	}
	while (i <= in.last) {
		unsigned int lg2 = format_leaf_lg2(table, node->items[i], node->level);
		size_t step = (size_t)1 << (lg2 - node->item_lg2);
		uint64_t cnt = 0;

		do {
			cnt++;
			i += step;
		} while (i <= in.last &&
			 format_leaf_lg2(table, node->items[i], node->level) == lg2);
		table->stats.leaves.cnt[lg2] -= cnt;
		sizes.mask |= phyr_bits_size(lg2);
	}
	phyr_gather_add_leaves(gather, sizes);
}
