/* SPDX-License-Identifier: MIT */
/*
 * From page-map entries to runs, and from entries and a list to what has moved. The second reading
 * is compared with the list itself, so that no array of the first one has to be kept.
 *
 * Not here: reading the map, which is the platform's.
 */
#include "pagemap.h"

#include <phyr/bits.h>

/* Goes over one page, or what of it is in the range: how many bytes? */
static uint64_t step(struct phyr_pagemap *at)
{
	uint64_t page_last = at->va | phyr_bits_mask(at->page_lg2);
	uint64_t last = page_last < at->last ? page_last : at->last;
	uint64_t len = last - at->va + 1;

	at->va = last + 1;
	return len;
}

/* The physical address of the next byte, if the entry's page is there. */
static uint64_t address(const struct phyr_pagemap *at, uint64_t entry)
{
	return ((entry & PHYR_PAGEMAP_FRAME) << at->page_lg2) |
	       (at->va & phyr_bits_mask(at->page_lg2));
}

/* All pages are there and at least one shows its frame; only aliases of frame 0 really have 0. */
static int check_entries(struct phyr_pagemap *at, const uint64_t *entries, size_t cnt)
{
	uint64_t present = PHYR_PAGEMAP_PRESENT;
	uint64_t seen = 0;
	uint64_t i;

	for (i = 0; i < cnt; i++) {
		present &= entries[i];
		seen |= entries[i];
	}
	if (present)
		return seen & PHYR_PAGEMAP_FRAME ? PHYR_OK : PHYR_E_PERM;
	for (i = 0; entries[i] & PHYR_PAGEMAP_PRESENT; i++)
		;
	at->va = phyr_bits_down(at->va, at->page_lg2) + (i << at->page_lg2);
	return PHYR_E_NOENT;
}

int phyr_pagemap_take_end(struct phyr_pagemap_take *take)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

	return take->run.len ? phyr_list_append(take->list, take->run, ram) : PHYR_OK;
}

/* Appends runs and not pages: an add and a compare a page. */
int phyr_pagemap_take(struct phyr_pagemap_take *take, const uint64_t *entries, size_t cnt)
{
	int err = check_entries(&take->at, entries, cnt);

	for (size_t i = 0; !err && i < cnt; i++) {
		uint64_t pa = address(&take->at, entries[i]);

		if (take->run.len == 0 || take->run.pa.addr + take->run.len != pa) {
			err = phyr_pagemap_take_end(take);
			take->run = (struct phyr_range){ { pa }, 0 };
		}
		take->run.len += step(&take->at);
	}
	return err;
}

int phyr_pagemap_compare_begin(struct phyr_pagemap_compare *compare, const struct phyr_list *list,
			       uint64_t offset, struct phyr_pin_result *result)
{
	result->page_cnt = 0;
	result->moved_cnt = 0;
	result->moved_va = 0;
	compare->result = result;
	compare->offset = offset;
	compare->run = (struct phyr_run){ .offset = 0 };
	return phyr_list_seek(list, offset, &compare->cursor);
}

/* Is the list's next byte at the physical address? The run that holds it becomes the current. */
static bool is_at(struct phyr_pagemap_compare *compare, uint64_t pa)
{
	struct phyr_run *run = &compare->run;

	while (compare->offset - run->offset >= run->range.len)
		if (!phyr_list_next(&compare->cursor, run))
			return false;
	return run->range.pa.addr + (compare->offset - run->offset) == pa;
}

void phyr_pagemap_compare(struct phyr_pagemap_compare *compare, const uint64_t *entries, size_t cnt)
{
	struct phyr_pin_result *result = compare->result;

	for (size_t i = 0; i < cnt; i++) {
		bool there = entries[i] & PHYR_PAGEMAP_PRESENT &&
			     is_at(compare, address(&compare->at, entries[i]));

		if (!there && result->moved_cnt++ == 0)
			result->moved_va = phyr_bits_down(compare->at.va, compare->at.page_lg2);
		result->page_cnt++;
		compare->offset += step(&compare->at);
	}
}
