/* SPDX-License-Identifier: MIT */
/*
 * The life of a list and its growth at the end.
 *
 * The last run is open: it lives in the head as an address and a length and becomes words only
 * when a run starts that does not join it. Room for all of a run's words is found before anything
 * is written, so a failed append changes nothing.
 */

#include <string.h>

#include <phyr/list.h>

#include "../base/check.h"
#include "slab.h"

/* A total of more would make some length wrap to 0 when it is rounded up to pages. */
#define LEN_MAX (UINT64_MAX - PHYR_PAGE_SIZE + 1)

void phyr_list_init(struct phyr_list *list, const struct phyr_mem *mem)
{
	memset(list, 0, sizeof(*list));
	list->mem = mem;
}

void phyr_list_fini(struct phyr_list *list)
{
	PHYR_ASSERT(list->borrow_cnt == 0);
	phyr_list_drop_slabs(list, NULL);
	phyr_list_free_spare(list);
	phyr_list_init(list, list->mem);
}

/* Words of a run of bytes, which may be too long for one chunk. */
static unsigned int encode_bytes(struct phyr_range run, uint64_t *words)
{
	uint64_t head_len = -run.pa.addr & phyr_bits_mask(PHYR_PAGE_LG2);
	struct phyr_range part;
	unsigned int cnt = 0;

	if (run.len <= PHYR_CHUNK_BYTES_MAX)
		return phyr_chunk_encode_bytes(run, words);
	if (head_len) {
		part = (struct phyr_range){ run.pa, head_len };
		cnt = phyr_chunk_encode_bytes(part, words);
		run.pa.addr += head_len;
		run.len -= head_len;
	}
	part = (struct phyr_range){ run.pa, phyr_bits_down(run.len, PHYR_PAGE_LG2) };
	cnt += phyr_chunk_encode_pages(part, words + cnt);
	run.pa.addr += part.len;
	run.len -= part.len;
	if (run.len)
		cnt += phyr_chunk_encode_bytes(run, words + cnt);
	return cnt;
}

void phyr_list_encode(const struct phyr_list *list, struct phyr_range run, struct phyr_tag tag,
		      struct phyr_run_words *ret_words)
{
	bool first = !phyr_list_has_words(list);

	ret_words->cnt = 0;
	ret_words->skip = 0;
	ret_words->tagged = !first && !phyr_tag_equal(list->tag, tag);
	if (ret_words->tagged)
		ret_words->words[ret_words->cnt++] = phyr_chunk_encode_tag(tag);
	if (first && phyr_bits_aligned(run.pa.addr + run.len, PHYR_PAGE_LG2)) {
		/* The list's own start inside a page is kept in the head, not in the words. */
		ret_words->skip = (uint32_t)(run.pa.addr & phyr_bits_mask(PHYR_PAGE_LG2));
		run.pa.addr -= ret_words->skip;
		run.len += ret_words->skip;
	}
	if (phyr_bits_aligned(run.pa.addr | run.len, PHYR_PAGE_LG2))
		ret_words->cnt += phyr_chunk_encode_pages(run, ret_words->words + ret_words->cnt);
	else
		ret_words->cnt += encode_bytes(run, ret_words->words + ret_words->cnt);
}

/* Whole pages, no tag, and room at hand: nearly every run of nearly every list. */
static bool close_plain(struct phyr_list *list)
{
	struct phyr_room room = phyr_list_room(list);
	unsigned int cnt;

	if (!phyr_list_has_words(list) || !phyr_tag_equal(list->tag, list->open_tag) ||
	    !phyr_bits_aligned(list->open.pa.addr | list->open.len, PHYR_PAGE_LG2) ||
	    room.free_cnt < 2)
		return false;
	cnt = phyr_chunk_encode_pages(list->open, room.words);
	phyr_list_room_used(list, cnt);
	list->stats.words_len += cnt * sizeof(*room.words);
	return true;
}

/* Any run, with what belongs to it. */
static int close_any(struct phyr_list *list)
{
	struct phyr_run_words words;
	int err;

	phyr_list_encode(list, list->open, list->open_tag, &words);
	err = phyr_list_make_room(list, words.cnt);
	if (err)
		return err;
	memcpy(phyr_list_room(list).words, words.words, words.cnt * sizeof(*words.words));
	phyr_list_room_used(list, words.cnt);
	if (!phyr_list_has_words(list)) {
		list->first_tag = list->open_tag;
		list->first_skip = words.skip;
	}
	list->tag = list->open_tag;
	list->stats.tags_len += words.tagged * sizeof(*words.words);
	list->stats.words_len += (words.cnt - words.tagged) * sizeof(*words.words);
	list->cut = list->cut || words.cnt - words.tagged > 2;
	return PHYR_OK;
}

/* Turns the open run into words. */
static int close_open(struct phyr_list *list)
{
	int err = close_plain(list) ? PHYR_OK : close_any(list);

	if (!err)
		phyr_list_note_run(&list->stats, list->open, list->stats.len - list->open.len,
				   false);
	return err;
}

static int start_run(struct phyr_list *list, struct phyr_range range, struct phyr_tag tag)
{
	if (list->open.len) {
		uint64_t joint = (list->open.pa.addr + list->open.len) | range.pa.addr;
		int err = close_open(list);

		if (err)
			return err;
		list->stats.joint_mask |= joint;
		list->stats.granular = !phyr_bits_aligned(list->stats.joint_mask, PHYR_PAGE_LG2);
	}
	list->open = range;
	list->open_tag = tag;
	list->stats.run_cnt++;
	list->stats.kind_mask |= 1U << tag.kind;
	list->stats.len += range.len;
	return PHYR_OK;
}

int phyr_list_append(struct phyr_list *list, struct phyr_range range, struct phyr_tag tag)
{
	uint64_t last;

	if (!list || range.len == 0 || (unsigned int)tag.kind >= PHYR_KIND_CNT)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(range.pa.addr, range.len, &last) ||
	    range.len > LEN_MAX - list->stats.len)
		return PHYR_E_RANGE;
	if (list->borrow_cnt)
		return PHYR_E_BUSY;
	if (list->open.len == 0 || !phyr_list_joins(list->open, list->open_tag, range, tag))
		return start_run(list, range, tag);
	list->open.len += range.len;
	list->stats.len += range.len;
	return PHYR_OK;
}

void phyr_list_set_va(struct phyr_list *list, uint64_t va)
{
	list->va = va;
}

uint64_t phyr_list_va(const struct phyr_list *list)
{
	return list->va;
}

uint64_t phyr_list_len(const struct phyr_list *list)
{
	return list->stats.len;
}

void phyr_list_borrow(struct phyr_list *list)
{
	list->borrow_cnt++;
}

bool phyr_list_release(struct phyr_list *list)
{
	if (list->borrow_cnt == 0)
		return false;
	list->borrow_cnt--;
	return true;
}
