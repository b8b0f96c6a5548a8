/* SPDX-License-Identifier: MIT */
/* Giving a range back to a strip of somebody else, under the lock of the space. */

#include "cache.h"

struct strip *phyr_strip_at(const struct part *leaf, uint64_t granule)
{
	struct strip *strip = leaf ? leaf->strips : NULL;

	while (strip && granule - strip->first >= strip->len)
		strip = strip->leaf_next;
	return strip;
}

/* Hands the strip to its owner to collect from, unless it waits there already. */
static void queue(struct strip *strip)
{
	uintptr_t *top = &strip->cache->away;
	uintptr_t next = atom_load(top);

	if (atom_swap(&strip->queued, 1))
		return;
	do
		strip->away_next = (struct strip *)next;
	while (!atom_swap_if(top, &next, (uintptr_t)strip));
}

int phyr_strip_return(struct strip *strip, struct span span)
{
	unsigned int slot, word;
	uintptr_t bit, before;

	if (!strip_slot(strip, span.first << strip->cache->space->granule_lg2, &slot))
		return PHYR_E_NOENT;
	word = strip_word(slot);
	bit = (uintptr_t)1 << slot % SLOT_BITS;
	if (atom_load(&strip->free[word]) & bit)
		return PHYR_E_NOENT;
	if (atom_load(&strip->away[word]) & bit)
		return PHYR_E_NOENT;
	if (span.last - span.first != strip->cnt - 1U)
		return PHYR_E_PARTIAL;
	before = atom_or(&strip->away[word], bit);
	PHYR_ASSERT(!(before & bit)); /* others need the lock, and the owner only clears bits */
	(void)before;
	queue(strip);
	return PHYR_OK;
}
