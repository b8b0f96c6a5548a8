/* SPDX-License-Identifier: MIT */
/*
 * Writing the items of a piece: a part of the template in ops.h, which says what a format defines.
 * Nothing in the loops may change what they read, so that they are compiled to vector code. They go on by
 * several items at once: else counting takes longer than storing, and a sum waits for the one before.
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

#pragma GCC unroll 8
	for (size_t j = 0; j < cnt; j++)
		phyrsim_store(node->pa, items, first + j, prot | format_oa(place, runs[j].pa));
}

/* Pages, as a list has them. */
static void fill_pages(struct phyrsim_node *node, unsigned int first, const struct piece *piece,
		       const struct phyrsim_place *place, uint64_t prot)
{
	const uint64_t *restrict words = piece->words;
	uint64_t *restrict items = node->items;
	size_t cnt = (size_t)(piece->len >> piece->lg2);

#pragma GCC unroll 8
	for (size_t j = 0; j < cnt; j++)
		phyrsim_store(node->pa, items, first + j,
			      prot | format_oa(place, phyr_chunk_page(words[j])));
}

/* Neighbours in memory that are neighbours in the table: from one item to the next it is a sum. */
static void fill_series(struct phyrsim_node *node, size_t first, size_t cnt, uint64_t item,
			uint64_t step)
{
	const size_t block = 2 * PHYRSIM_PAIR_CNT, end = first + cnt;
	uint64_t *restrict items = node->items;
	phyrsim_pair sums[PHYRSIM_PAIR_CNT];

	for (size_t k = 0; k < PHYRSIM_PAIR_CNT; k++)
		sums[k] = (phyrsim_pair){ item + 2 * k * step, item + (2 * k + 1) * step };
	for (; end - first >= block; first += block) {
		for (size_t k = 0; k < PHYRSIM_PAIR_CNT; k++) {
			phyrsim_store_pair(node->pa, items, first + 2 * k, sums[k]);
			sums[k] += block * step;
		}
	}
	for (item = sums[0][0]; first < end; first++, item += step)
		phyrsim_store(node->pa, items, first, item);
}

/*
 * Leaves of one item each. Their bits of address are counted up as they lie in the item, until those
 * change that an item has somewhere else.
 */
static void fill_linear(struct phyrsim_node *node, size_t first, size_t cnt, phyr_pa pa,
			const struct phyrsim_place *place, uint64_t prot)
{
	const uint64_t step = format_oa(place, phyr_pa_at(phyr_bits_size(node->item_lg2)));

	while (cnt > 0) {
		size_t series = cnt;

		if (place->high_mask) {
			uint64_t rest = ((~pa.addr & place->mask) >> node->item_lg2) + 1;

			series = rest < cnt ? (size_t)rest : cnt;
		}
		fill_series(node, first, series, prot | format_oa(place, pa), step);
		first += series;
		cnt -= series;
		pa.addr += (uint64_t)series << node->item_lg2;
	}
}

/*
 * Much memory takes more tables than caches hold. The next one that is filled comes while this one is:
 * they lie anywhere, so hardware does not know which that is.
 */
static void prefetch_next(const struct phyrsim_node *node, const struct piece *piece)
{
	const struct phyrsim_node *parent = node->parent, *next = NULL;
	const struct phyrsim_items in = piece_items(node, piece);
	unsigned int i = parent ? phyrsim_index(parent, node->span.first) + 1 : 0;

	if (parent && i < parent->item_cnt)
		next = parent->child[i];
	for (size_t j = in.first; next && j <= in.last; j += 8)
		__builtin_prefetch(&next->items[j], 1);
}

/* Writes the items of a piece. */
static inline void write_piece(const struct phyrsim_pagetable *table, struct phyrsim_node *node,
			       const struct piece *piece, uint64_t prot)
{
	unsigned int item_lg2 = node->item_lg2;
	unsigned int first = phyrsim_index(node, piece->at);
	unsigned int cnt = (unsigned int)(piece->len >> item_lg2);
	const struct phyrsim_place place = table->geometry.place; /* no store changes it */
	uint64_t pa = piece->pa;

	prot |= format_shape(table, piece->lg2, piece->level);
	node->grouped |= piece->lg2 > item_lg2;
	if (piece->words)
		fill_pages(node, first, piece, &place, prot);
	else if (piece->runs)
		fill_scattered(node, first, piece, &place, prot);
	else if (FORMAT_REPEATS && piece->lg2 > item_lg2) {
		unsigned int own_cnt = 1u << (piece->lg2 - item_lg2);

		for (; cnt > 0; cnt -= own_cnt, first += own_cnt, pa += phyr_bits_size(piece->lg2))
			fill_repeated(node, first, own_cnt,
				      prot | format_oa(&place, phyr_pa_at(pa)));
	} else {
		fill_linear(node, first, cnt, phyr_pa_at(pa), &place, prot);
	}
}
