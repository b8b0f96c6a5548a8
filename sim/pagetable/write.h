/* SPDX-License-Identifier: MIT */
/*
 * Writing the items of a piece: a part of the template in ops.h, which says what a format defines.
 * The loops are plain, and nothing in them may change what they read, so that they are compiled to
 * vector code.
 */
#include "cut.h"
#include "store.h"
#include "table.h"

/* Leaves of several items each, which all have the value of the first. */
static void fill_repeated(struct phyrsim_node *node, unsigned int first, unsigned int cnt,
			  uint64_t item)
{
	for (size_t j = 0; j < cnt; j++)
		phyrsim_store(node->pa, node->items, first + j, item);
}

/* Leaves that are all somewhere else. */
static void fill_scattered(struct phyrsim_node *node, unsigned int first, const struct piece *piece,
			   const struct phyrsim_place *place, uint64_t prot)
{
	const struct phyr_range *restrict runs = piece->runs;
	uint64_t *restrict items = node->items;
	size_t cnt = (size_t)(piece->len >> piece->lg2);

	for (size_t j = 0; j < cnt; j++)
		phyrsim_store(node->pa, items, first + j, prot | format_oa(place, runs[j].pa));
}

/* Writes the items of a piece. */
static inline void write_piece(const struct phyrsim_pagetable *table, struct phyrsim_node *node,
			       const struct piece *piece, uint64_t prot)
{
	unsigned int item_lg2 = node->item_lg2;
	unsigned int first = phyrsim_index(node, piece->at);
	unsigned int cnt = (unsigned int)(piece->len >> item_lg2);
	const struct phyrsim_place place = table->geometry.place; /* no store changes it */
	uint64_t *restrict items = node->items;
	uint64_t pa = piece->pa;

	prot |= format_shape(table, piece->lg2, piece->level);
	node->grouped |= piece->lg2 > item_lg2;
	if (piece->runs)
		fill_scattered(node, first, piece, &place, prot);
	else if (FORMAT_REPEATS && piece->lg2 > item_lg2) {
		unsigned int own_cnt = 1u << (piece->lg2 - item_lg2);

		for (; cnt > 0; cnt -= own_cnt, first += own_cnt, pa += phyr_bits_size(piece->lg2))
			fill_repeated(node, first, own_cnt,
				      prot | format_oa(&place, phyr_pa_at(pa)));
	} else {
		const uint64_t step = phyr_bits_size(item_lg2);

		for (size_t j = 0; j < cnt; j++, pa += step)
			phyrsim_store(node->pa, items, first + j,
				      prot | format_oa(&place, phyr_pa_at(pa)));
	}
}
