/* SPDX-License-Identifier: MIT */
/*
 * NVMe's PRP entries: pages of one size, named in the command and in chained list pages.
 *
 * The pages are those of a region that is named by its own offset in the first page, so the cut
 * into pages does all the checking; what is left is who names which page.
 */

#include <phyr/bits.h>
#include <phyr/segment.h>

#define OFFSET_ALIGN_LG2 2
#define PAGE_LG2_MAX 27 /* CC.MPS has four bits */
#define WORD_LG2 3

static const struct phyr_word_format host = { 0, PHYR_ENDIAN_HOST };
static const struct phyr_word_format little = { 0, PHYR_ENDIAN_LITTLE };

static uint64_t to_little(uint64_t word)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

/* Every list page but the last gives up one entry, to say where the next is. */
static uint64_t lists_for(uint64_t page_cnt, unsigned int lg2)
{
	uint64_t useful = phyr_bits_mask(lg2 - WORD_LG2);

	return page_cnt > 1 ? (page_cnt - 2) / useful + 1 : 0;
}

int phyr_segment_prp_begin(const struct phyr_list *list, unsigned int lg2,
			   struct phyr_segment_prp *prp)
{
	struct phyr_list_cursor cursor;
	struct phyr_pages pages;
	struct phyr_run run;
	uint64_t offset;
	int err;

	if (!list || !prp || lg2 < PHYR_PAGE_LG2 || lg2 > PAGE_LG2_MAX)
		return PHYR_E_INVAL;
	phyr_list_begin(list, &cursor);
	if (!phyr_list_next(&cursor, &run))
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(run.range.pa.addr, OFFSET_ALIGN_LG2))
		return PHYR_E_ALIGN;
	offset = run.range.pa.addr & phyr_bits_mask(lg2);
	err = phyr_split_pages_begin(list, offset, lg2, &pages);
	if (err)
		return err;
	prp->left_cnt = phyr_split_pages_cnt(&pages) - 1;
	prp->entries[1] = 0;
	prp->list_cnt = lists_for(prp->left_cnt, lg2);
	(void)phyr_split_fill(&pages, host, prp->entries, prp->list_cnt ? 1 : 2);
	prp->entries[0] += offset;
	if (prp->list_cnt == 0)
		prp->left_cnt = 0;
	prp->pages = pages;
	return PHYR_OK;
}

uint64_t phyr_segment_prp_lists(const struct phyr_segment_prp *prp)
{
	return prp->list_cnt;
}

void phyr_segment_prp_command(const struct phyr_segment_prp *prp, phyr_iova list,
			      uint64_t ret_entries[2])
{
	ret_entries[0] = to_little(prp->entries[0]);
	ret_entries[1] = to_little(prp->list_cnt ? list.addr : prp->entries[1]);
}

size_t phyr_segment_prp_fill(struct phyr_segment_prp *prp, phyr_iova next, uint64_t *words)
{
	size_t room = (size_t)phyr_bits_size(prp->pages.lg2 - WORD_LG2);
	bool last = prp->left_cnt <= room;
	size_t cnt = phyr_split_fill(&prp->pages, little, words, last ? room : room - 1);

	prp->left_cnt -= cnt;
	if (!last)
		words[cnt++] = to_little(next.addr);
	return cnt;
}
