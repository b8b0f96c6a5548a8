/* SPDX-License-Identifier: MIT */
/* Giving a range back to a slab of somebody else, under the lock of the space. */

#include "cache.h"

struct slab *phyr_slab_at(const struct leaf *leaf, uint64_t granule)
{
	struct slab *slab = leaf ? leaf->slabs : NULL;

	while (slab && granule - slab->first >= slab->len)
		slab = slab->leaf_next;
	return slab;
}

/* Hands the slab to its owner to collect from, unless it waits there already. */
static void queue(struct slab *slab)
{
	uintptr_t *top = &slab->cache->away;
	uintptr_t next = atom_load(top);

	if (atom_swap(&slab->queued, 1))
		return;
	do
		slab->away_next = (struct slab *)next;
	while (!atom_swap_if(top, &next, (uintptr_t)slab));
}

int phyr_slab_return(struct slab *slab, struct span span)
{
	unsigned int slot;
	uintptr_t bit, before;

	if (!slab_slot(slab, span.first, &slot))
		return PHYR_E_NOENT;
	bit = (uintptr_t)1 << slot % SLOT_BITS;
	if (atom_load(&slab->free[slot / SLOT_BITS]) & bit)
		return PHYR_E_NOENT;
	if (atom_load(&slab->away[slot / SLOT_BITS]) & bit)
		return PHYR_E_NOENT;
	if (span.last - span.first != slab->cnt - 1U)
		return PHYR_E_PARTIAL;
	before = atom_or(&slab->away[slot / SLOT_BITS], bit);
	PHYR_ASSERT(!(before & bit)); /* others need the lock, and the owner only clears bits */
	(void)before;
	queue(slab);
	return PHYR_OK;
}
