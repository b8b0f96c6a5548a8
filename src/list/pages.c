/* SPDX-License-Identifier: MIT */
/*
 * Page-frame arrays, in bulk.
 *
 * Two shapes decide the speed: long contiguous stretches, found many numbers at a time without a
 * branch, and single scattered pages, whose words are written straight into the slab while the
 * statistics, which are the same for all of them, wait until the end of the stretch.
 */

#include <phyr/list.h>

#include "slab.h"

#define PAGE_MAX phyr_bits_mask(52)
/* Numbers compared at a time. */
#define STRIDE 16

/* How many numbers from the first on follow one another. */
static size_t contiguous(const uint64_t *pages, size_t cnt)
{
	uint64_t first = pages[0];
	size_t n = 1;

	if (cnt > 1 && pages[1] != first + 1)
		return 1;
	while (cnt - n >= STRIDE) {
		uint64_t differ = 0;

		for (size_t i = 0; i < STRIDE; i++)
			differ |= pages[n + i] ^ (first + n + i);
		if (differ)
			break;
		n += STRIDE;
	}
	while (n < cnt && pages[n] == first + n)
		n++;
	return n;
}

static uint64_t page_word(uint64_t page)
{
	return UINT64_C(1) << PHYR_CHUNK_CODE_BITS | page << 1;
}

/* Is the open run one whole page whose word needs no tag before it? */
static bool single_page_open(const struct phyr_list *list, struct phyr_tag tag)
{
	return list->open.len == PHYR_PAGE_SIZE && phyr_list_has_words(list) &&
	       phyr_bits_aligned(list->open.pa.addr, PHYR_PAGE_LG2) &&
	       phyr_tag_equal(list->open_tag, tag) && phyr_tag_equal(list->tag, tag);
}

/* Brings the statistics up to date after so many single pages were closed. */
static void note_singles(struct phyr_list *list, size_t cnt, uint64_t joint, uint64_t last_page)
{
	struct phyr_range first = list->open;

	phyr_list_note_run(&list->stats, first, list->stats.len - first.len, false);
	list->stats.run_cnt += cnt;
	list->stats.words_len += cnt * sizeof(uint64_t);
	list->stats.joint_mask |= joint << PHYR_PAGE_LG2;
	list->stats.len += cnt * PHYR_PAGE_SIZE;
	list->open.pa = phyr_pa_at(last_page << PHYR_PAGE_LG2);
}

/*
 * Appends scattered single pages behind an open one, as far as there is room in the slab and none
 * follows its predecessor. Returns how many; the last of them is open then.
 */
static size_t append_singles(struct phyr_list *list, const uint64_t *pages, size_t cnt)
{
	struct phyr_room room = phyr_list_room(list);
	uint64_t page = list->open.pa.addr >> PHYR_PAGE_LG2;
	uint64_t joint = 0;
	size_t n = 0;

	if (cnt > room.free_cnt)
		cnt = room.free_cnt;
	for (; n < cnt && pages[n] != page + 1 && pages[n] <= PAGE_MAX; n++) {
		room.words[n] = page_word(page);
		joint |= (page + 1) | pages[n];
		page = pages[n];
	}
	if (n) {
		phyr_list_room_used(list, (uint32_t)n);
		note_singles(list, n, joint, page);
	}
	return n;
}

static int append_run(struct phyr_list *list, uint64_t page, size_t cnt, struct phyr_tag tag)
{
	struct phyr_range range = { phyr_pa_at(page << PHYR_PAGE_LG2),
				    (uint64_t)cnt << PHYR_PAGE_LG2 };

	if (page > PAGE_MAX || cnt - 1 > PAGE_MAX - page)
		return PHYR_E_RANGE;
	return phyr_list_append(list, range, tag);
}

static int append_all(struct phyr_list *list, const uint64_t *pages, size_t cnt,
		      struct phyr_tag tag)
{
	int err = PHYR_OK;

	for (size_t done = 0; !err && done < cnt;) {
		size_t n = single_page_open(list, tag) ?
				   append_singles(list, pages + done, cnt - done) :
				   0;

		if (n == 0) {
			n = contiguous(pages + done, cnt - done);
			err = append_run(list, pages[done], n, tag);
		}
		done += n;
	}
	return err;
}

int phyr_list_append_pages(struct phyr_list *list, const uint64_t *pages, size_t page_cnt,
			   struct phyr_tag tag)
{
	struct phyr_list_mark mark;
	int err;

	if (!list || (!pages && page_cnt) || (unsigned int)tag.kind >= PHYR_KIND_CNT)
		return PHYR_E_INVAL;
	if (page_cnt > PAGE_MAX)
		return PHYR_E_RANGE;
	if (page_cnt == 0)
		return PHYR_OK;
	if (list->borrow_cnt)
		return PHYR_E_BUSY;
	if ((uint64_t)page_cnt << PHYR_PAGE_LG2 > UINT64_MAX - PHYR_PAGE_SIZE + 1 - list->stats.len)
		return PHYR_E_RANGE;
	phyr_list_mark(list, &mark);
	err = append_all(list, pages, page_cnt, tag);
	if (err)
		phyr_list_rollback(list, &mark);
	return err;
}
