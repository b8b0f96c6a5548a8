/* SPDX-License-Identifier: MIT */
/*
 * How a list's words are stored: six in the head, then slabs in a chain.
 *
 * Every slab knows its predecessor and one earlier slab to jump to, chosen so that any slab is
 * reached from the tail in O(log slabs) steps although slabs are only ever added (Myers' skew
 * binary jump pointers). NULL stands for the head, which is before every slab.
 *
 * Invariant: what is kept in list->stats are those of the closed runs, but for len, run_cnt and
 * kind_mask, which count the open run too; storage_len is the sum of all slabs from the hook.
 */
#ifndef PHYR_LIST_SLAB_H
#define PHYR_LIST_SLAB_H

#include <phyr/list.h>

#define PHYR_SLAB_LEN 4096
#define PHYR_SLAB_WORDS ((PHYR_SLAB_LEN - sizeof(struct phyr_slab)) / sizeof(uint64_t))

struct phyr_slab {
	struct phyr_slab *next;
	struct phyr_slab *prev;
	struct phyr_slab *jump;
	uint64_t offset;	      /* [bytes] of the list before the first word */
	struct phyr_tag tag;	      /* in force before the first word */
	uint16_t word_cnt;	      /* words used; all the words of one run are in one slab */
	uint16_t word_cap;	      /* words there is room for */
	uint32_t depth : 31;	      /* 1 = the first slab */
	uint32_t supplied : 1;	      /* the caller's memory, never freed */
	_Alignas(8) uint64_t words[]; /* no gap at the end, on any host */
};

/* A tag, and the head, the whole pages and the tail of a run too long for one chunk. */
#define PHYR_RUN_WORDS_MAX 7

/* Where the next words go: the tail slab, or the head while there is none. */
struct phyr_room {
	uint64_t *words;
	uint32_t free_cnt; /* [words] */
};

static inline struct phyr_room phyr_list_room(struct phyr_list *list)
{
	struct phyr_slab *tail = list->tail;

	if (!tail)
		return (struct phyr_room){ list->words + list->word_cnt,
					   PHYR_LIST_WORDS - list->word_cnt };
	return (struct phyr_room){ tail->words + tail->word_cnt,
				   (uint32_t)(tail->word_cap - tail->word_cnt) };
}

/* Says that words were written there. */
static inline void phyr_list_room_used(struct phyr_list *list, uint32_t word_cnt)
{
	if (list->tail)
		list->tail->word_cnt = (uint16_t)(list->tail->word_cnt + word_cnt);
	else
		list->word_cnt += word_cnt;
}

/* Makes room for the words of any one run; PHYR_E_NOMEM changes nothing. */
int phyr_list_make_room(struct phyr_list *list, uint32_t word_cnt);
/* Puts all slabs behind one (NULL: behind the head) among the spare ones. */
void phyr_list_drop_slabs(struct phyr_list *list, struct phyr_slab *tail);
/* Frees spare slabs that are the hook's. */
void phyr_list_free_spare(struct phyr_list *list);

/* What the last run is as words. */
struct phyr_run_words {
	uint64_t words[PHYR_RUN_WORDS_MAX];
	unsigned int cnt;
	bool tagged;   /* the first word is a tag */
	uint32_t skip; /* [bytes] that the first page has before the run */
};

/* Encodes a run as the one that follows the words of a list. */
void phyr_list_encode(const struct phyr_list *list, struct phyr_range run, struct phyr_tag tag,
		      struct phyr_run_words *ret_words);

/* The last run as that of a finished list: its outer page is stored whole. */
struct phyr_range phyr_list_finished(const struct phyr_list *list);

/* Does the list have words, or is the open run its first? */
static inline bool phyr_list_has_words(const struct phyr_list *list)
{
	return list->stats.len != list->open.len;
}

/* Counts the closed runs again: what list->stats should be, but for storage_len. */
void phyr_list_recount(const struct phyr_list *list, struct phyr_list_stats *ret_stats);

/* Does b start where a ends, in the same kind of memory? A run that ends at 2^64 precedes none. */
static inline bool phyr_list_joins(struct phyr_range a, struct phyr_tag a_tag, struct phyr_range b,
				   struct phyr_tag b_tag)
{
	return phyr_tag_equal(a_tag, b_tag) && b.pa.addr > a.pa.addr &&
	       b.pa.addr - a.pa.addr == a.len;
}

/* Adds a run to statistics; its offset is 0 for the first, and last says that none follows. */
void phyr_list_note_run(struct phyr_list_stats *stats, struct phyr_range run, uint64_t offset,
			bool last);

#endif
