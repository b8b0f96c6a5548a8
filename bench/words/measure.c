/* SPDX-License-Identifier: MIT */
/*
 * What a list costs in a form: every entry that is counted is also read back and compared, by a
 * decoder that knows only what was decoded before.
 */
#include "words.h"

const struct words_form *const words_forms[WORDS_FORM_CNT] = {
	&words_phyr,	 &words_order, &words_escape, &words_counted, &words_fixed12,
	&words_addr_len, &words_rlist, &words_sg32,   &words_sg24,    &words_leb128,
};

struct measurement {
	const struct words_form *form;
	struct words_state writer;
	struct words_state reader;
	uint64_t piece_cnt;
	uint64_t piece_used; /* [bytes] of the last piece, its head not counted */
	struct words_cost cost;
};

/* An entry is never split over two pieces. */
static void store(struct measurement *m, size_t entry_len)
{
	const struct words_store *in = &m->form->store;
	uint64_t room = in->piece_len - in->head_len;

	m->cost.entry_cnt++;
	m->cost.len += entry_len;
	if (in->piece_len && (m->piece_cnt == 0 || m->piece_used + entry_len > room)) {
		m->piece_cnt++;
		m->piece_used = 0;
	}
	m->piece_used += entry_len;
}

/* The start of a run as one entry, there and back. */
static enum words_result put(struct measurement *m, struct phyr_range *run)
{
	uint64_t entry[WORDS_ENTRY_MAX / sizeof(uint64_t)];
	struct phyr_range left = *run, piece;
	size_t entry_len;

	memset(entry, 0xff, sizeof(entry));
	entry_len = m->form->encode(&m->writer, run, (unsigned char *)entry);
	if (entry_len == 0)
		return WORDS_NO_FORM;
	if (m->form->decode(&m->reader, (const unsigned char *)entry, &piece) != entry_len)
		return WORDS_WRONG;
	if (piece.pa.addr != left.pa.addr || piece.len == 0 || piece.len != left.len - run->len)
		return WORDS_WRONG;
	store(m, entry_len);
	return WORDS_OK;
}

/* What the pieces take when the last one is as long as its content. */
static uint64_t stored_len(const struct measurement *m)
{
	const struct words_store *in = &m->form->store;
	uint64_t head_len = in->links ? 0 : in->head_len;

	if (m->piece_cnt == 0)
		return m->cost.len;
	/* A last entry that is alone stands where the link to it would. */
	if (in->links && m->piece_cnt > 1 && m->piece_used == in->head_len)
		return (m->piece_cnt - 1) * in->piece_len;
	return (m->piece_cnt - 1) * in->piece_len + head_len + m->piece_used;
}

enum words_result words_measure(const struct words_form *form, const struct phyr_list *list,
				struct words_cost *ret_cost)
{
	struct measurement m = { .form = form };
	enum words_result result = WORDS_OK;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(list, &cursor);
	while (result == WORDS_OK && phyr_list_next(&cursor, &run)) {
		m.cost.run_cnt++;
		while (result == WORDS_OK && run.range.len)
			result = put(&m, &run.range);
	}
	if (result != WORDS_OK)
		return result;
	m.cost.stored_len = stored_len(&m);
	*ret_cost = m.cost;
	return WORDS_OK;
}

void words_write(const struct words_form *form, const struct phyr_list *list, unsigned char *to)
{
	struct words_state state = { 0 };
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	size_t len = 1;

	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run))
		for (; run.range.len && len; to += len)
			len = form->encode(&state, &run.range, to);
}
