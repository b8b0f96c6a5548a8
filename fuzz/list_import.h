/* SPDX-License-Identifier: MIT */
/*
 * Operations of the fuzz target that edits lists: those that append, a range or an array of some
 * form. Numbers of items are two bytes, a tag is a byte. Not here: lists into lists.
 */
#ifndef PHYR_FUZZ_LIST_IMPORT_H
#define PHYR_FUZZ_LIST_IMPORT_H

#include <phyr/convert.h>
#include <phyr/list.h>

#include "list_model.h"
#include "list_pair.h"

#define PAGES_MAX 1024
#define BULK_MAX 64
#define VECS_MAX 4

static inline void append(struct step *s)
{
	unsigned int byte = take_byte(s);
	struct phyr_range range = take_range(s->in, byte, &s->p->model);
	struct attempt a = attempt(s->p);

	if (s->p->model.cnt == RUN_MAX)
		return;
	a.item_cnt = 1;
	a.expected = model_append(&s->p->model, range, tag_of(byte));
	settle(s->p, &a, phyr_list_append(&s->p->list, range, tag_of(byte)));
}

/* How: 0 contiguous, 1 every second, 2 numbers of one byte, 3 numbers of eight. */
static inline void append_pages(struct step *s)
{
	static uint64_t pages[PAGES_MAX];
	struct phyr_tag tag = tag_of(take_byte(s));
	struct attempt a = attempt_tagged(s->p, tag);
	size_t cnt = take_cnt(s, PAGES_MAX);
	uint64_t first = end_of(&s->p->model) / PHYR_PAGE_SIZE;

	if (s->how < 2)
		first += take_byte(s);
	for (size_t i = 0; i < cnt; i++) {
		struct phyr_range range = { { UINT64_MAX }, PHYR_PAGE_SIZE }; /* is refused */

		pages[i] = s->how < 2 ? first + i * (s->how + 1) : take(s->in, s->how == 2 ? 1 : 8);
		if (pages[i] <= phyr_bits_mask(52))
			range.pa.addr = pages[i] * PHYR_PAGE_SIZE;
		attempt_range(&a, s->p, range, tag);
	}
	settle(s->p, &a, phyr_list_append_pages(&s->p->list, cnt ? pages : NULL, cnt, tag));
}

static inline struct phyr_range next_range(struct step *s)
{
	unsigned int byte = take_byte(s);

	return take_range(s->in, byte, &s->p->model);
}

static inline void ranges(struct step *s)
{
	struct phyr_range ranges[BULK_MAX];
	struct phyr_tag tag = tag_of(take_byte(s));
	struct attempt a = attempt_tagged(s->p, tag);
	size_t cnt = take_cnt(s, BULK_MAX);

	for (size_t i = 0; i < cnt; i++) {
		ranges[i] = next_range(s);
		attempt_range(&a, s->p, ranges[i], tag);
	}
	settle(s->p, &a, phyr_convert_ranges(&s->p->list, cnt ? ranges : NULL, cnt, tag));
}

static inline void rows(struct step *s)
{
	struct phyr_row rows[BULK_MAX];
	struct phyr_tag tag = tag_of(take_byte(s));
	struct attempt a = attempt_tagged(s->p, tag);
	size_t cnt = take_cnt(s, BULK_MAX);

	for (size_t i = 0; i < cnt; i++) {
		struct phyr_range range = next_range(s);

		rows[i] = (struct phyr_row){ range.pa, (uint32_t)range.len };
		range.len = rows[i].len;
		attempt_range(&a, s->p, range, tag);
	}
	settle(s->p, &a, phyr_convert_rows(&s->p->list, cnt ? rows : NULL, cnt, tag));
}

/* Where process memory is: what the input says, piece by piece. */
struct translator {
	struct step *s;
	struct attempt *a;
	struct phyr_tag tag;
	const unsigned char *at; /* the byte that has to be asked for next */
};

/* A piece is cut to what is asked for, unless bit 3 is set; bits 1:0 of 3 are an error. */
static inline int translate(void *ctx, const void *base, uint64_t len, struct phyr_range *ret_range)
{
	struct translator *t = ctx;
	struct pair *p = t->s->p;
	unsigned int byte = take_byte(t->s);

	require(base == t->at && len != 0 && t->a->expected == PHYR_OK);
	if ((byte & 3) == 3 || p->model.cnt == RUN_MAX)
		return t->a->expected = PHYR_E_PERM;
	*ret_range = take_range(t->s->in, byte, &p->model);
	if (ret_range->len > len && !(byte >> 3 & 1))
		ret_range->len = len;
	if (ret_range->len == 0 || ret_range->len > len)
		t->a->expected = PHYR_E_INVAL;
	attempt_range(t->a, p, *ret_range, t->tag);
	t->at += ret_range->len <= len ? ret_range->len : 0;
	return PHYR_OK;
}

/* Pieces of process memory that lie one behind the other. */
static inline void vecs(struct step *s)
{
	static unsigned char memory[VECS_MAX * UINT16_MAX];
	struct phyr_vec vecs[VECS_MAX];
	struct phyr_tag tag = tag_of(take_byte(s));
	struct attempt a = attempt_tagged(s->p, tag);
	struct translator t = { s, &a, tag, memory };
	size_t cnt = take_cnt(s, VECS_MAX), offset = 0;

	for (size_t i = 0; i < cnt; i++) {
		vecs[i] = (struct phyr_vec){ memory + offset, take(s->in, 2) };
		offset += (size_t)vecs[i].len;
	}
	settle(s->p, &a,
	       phyr_convert_vecs(&s->p->list, cnt ? vecs : NULL, cnt, tag, translate, &t));
}

#endif
