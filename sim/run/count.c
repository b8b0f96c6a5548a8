/* SPDX-License-Identifier: MIT */
/*
 * A buffer mapped page by page, counted in closed form: every page has a leaf, a call, a flush and
 * an entry of its own, and its I/O address lies below that of the page before.
 */

#include <phyr/bits.h>

#include "run.h"

#define LOW_LAST UINT64_C(0xffffffff)

/* Tables of the levels below the top for pages that fill the space downwards from a byte. */
static uint64_t count_tables(uint64_t page_cnt, uint64_t last)
{
	uint64_t first = last - (page_cnt << PHYR_PAGE_LG2) + 1;

	return page_cnt ? phyr_bits_blocks(first, last, 21) + phyr_bits_blocks(first, last, 30) +
				  phyr_bits_blocks(first, last, 39) :
			  0;
}

static void count_region(const struct context *context, uint64_t page_cnt,
			 struct phyrsim_mtt_cost *cost)
{
	if (!(context->device_sizes.mask & PHYR_PAGE_SIZE))
		return;
	cost->entry_cnt = page_cnt;
	cost->len = page_cnt * PHYRSIM_MTT_ENTRY_LEN;
	cost->octword_len = (page_cnt + 1) / 2 * PHYRSIM_MTT_OCTWORD_LEN;
	cost->page_len = PHYR_PAGE_SIZE;
	cost->pages.cnt[PHYR_PAGE_LG2] = page_cnt;
}

void phyrsim_count_by_page(struct context *context)
{
	struct phyrsim_mapping *row = phyrsim_add_mapping(context, PHYRSIM_BY_PAGE);
	uint64_t page_cnt = context->result.describe.page_cnt;
	uint64_t low_cnt = (LOW_LAST - FIRST_IOVA + 1) >> PHYR_PAGE_LG2;

	low_cnt = page_cnt < low_cnt ? page_cnt : low_cnt;
	row->counted = true;
	row->reserved_len = page_cnt << PHYR_PAGE_LG2;
	row->leaves.cnt[PHYR_PAGE_LG2] = page_cnt;
	row->table_len =
		(1 + count_tables(low_cnt, LOW_LAST) + count_tables(page_cnt - low_cnt, LAST_IOVA))
		<< PHYR_PAGE_LG2;
	row->call_cnt = page_cnt;
	row->flush_cnt = page_cnt;
	for (int name = PHYRSIM_NAME_VA; name <= PHYRSIM_NAME_ZERO; name++) {
		struct phyrsim_translation *region =
			phyrsim_add_translation(context, row, (enum phyrsim_naming)name);

		count_region(context, page_cnt, &region->single);
		count_region(context, page_cnt, &region->cover);
		count_region(context, page_cnt, &region->mixed);
		region->mixed.page_len = 0;
	}
}
