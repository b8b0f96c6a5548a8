/* SPDX-License-Identifier: MIT */
/*
 * Ways to write down a run of memory, to compare: candidates for the words of a list, and what the
 * kernel uses. Each is an encoder and a decoder of entries one behind another in bytes, so that a
 * cost is that of a coding that can be read back. Integers are host-endian.
 *
 * Not here: containers with search, statistics and tags (those are the list's), sealed lists.
 */
#ifndef WORDS_H
#define WORDS_H

#include <string.h>

#include <phyr/list.h>

/* No entry of any form is longer. */
#define WORDS_ENTRY_MAX 32

/* What an entry may refer to: the page behind the entry before. */
struct words_state {
	uint64_t page;
};

/*
 * Writes one entry for the start of a run that is not empty, and leaves in *run what did not fit
 * it. Answers the bytes of the entry; 0 when the form has none for this run.
 */
typedef size_t words_encode_fn(struct words_state *state, struct phyr_range *run,
			       unsigned char *to);

/* Reads one entry; answers its bytes. */
typedef size_t words_decode_fn(struct words_state *state, const unsigned char *from,
			       struct phyr_range *ret_piece);

/* What reading all entries comes to. */
struct words_sum {
	uint64_t entry_cnt;
	uint64_t len;	  /* [bytes] of memory */
	uint64_t mixture; /* XOR of all addresses */
};

typedef struct words_sum words_scan_fn(const unsigned char *from, size_t len);

/* Where entries are kept: pieces of equal length; 0 is not known here, or one long array. */
struct words_store {
	uint32_t piece_len;
	uint32_t head_len; /* [bytes] of each that are no entries */
	bool links;	   /* the head is a link to the next piece: the last has none */
};

struct words_form {
	const char *name;
	const char *title;
	words_encode_fn *encode;
	words_decode_fn *decode;
	words_scan_fn *scan; /* decode, in a loop without calls */
	struct words_store store;
};

extern const struct words_form words_phyr, words_order, words_escape, words_counted, words_fixed12,
	words_addr_len, words_rlist, words_sg32, words_sg24, words_leb128;

/* All of them, in the order of the table. */
#define WORDS_FORM_CNT 10
extern const struct words_form *const words_forms[WORDS_FORM_CNT];

/* What a list costs in a form. */
struct words_cost {
	uint64_t run_cnt;
	uint64_t entry_cnt;
	uint64_t len; /* [bytes] of entries */
	uint64_t
		stored_len; /* [bytes] in pieces, with heads and unused ends; the last is cut to size */
};

enum words_result {
	WORDS_OK,
	WORDS_NO_FORM, /* the form cannot hold some run */
	WORDS_WRONG,   /* something was not read as it was written */
};

/* Encodes every run and decodes it again. */
enum words_result words_measure(const struct words_form *form, const struct phyr_list *list,
				struct words_cost *ret_cost);

/* The entries of a list that the form can hold, to scan; room for the measured cost's len. */
void words_write(const struct words_form *form, const struct phyr_list *list, unsigned char *to);

/* Memory that is generated, always the same. */
struct words_input {
	const char *name;
	const char *title;
	int (*make)(struct phyr_list *list); /* into an empty list; a code of the library */
};

#define WORDS_INPUT_CNT 10
extern const struct words_input words_inputs[WORDS_INPUT_CNT];

static inline void words_put(unsigned char *to, uint64_t value)
{
	memcpy(to, &value, sizeof(value));
}

static inline void words_put32(unsigned char *to, uint32_t value)
{
	memcpy(to, &value, sizeof(value));
}

static inline uint64_t words_get(const unsigned char *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint32_t words_get32(const unsigned char *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline struct phyr_range words_pages(uint64_t page, uint64_t page_cnt)
{
	return (struct phyr_range){ { page << PHYR_PAGE_LG2 }, page_cnt << PHYR_PAGE_LG2 };
}

static inline bool words_whole_pages(struct phyr_range run)
{
	return phyr_bits_aligned(run.pa.addr | run.len, PHYR_PAGE_LG2);
}

/* Takes the start of a run away from it. */
static inline void words_take(struct phyr_range *run, uint64_t len)
{
	run->pa.addr += len;
	run->len -= len;
}

/* Inlined with a decoder that the compiler knows, this is the loop of a cursor. */
static inline __attribute__((always_inline)) struct words_sum
words_scan(words_decode_fn *decode, const unsigned char *from, size_t len)
{
	struct words_state state = { 0 };
	struct words_sum sum = { 0, 0, 0 };
	struct phyr_range piece;

	for (const unsigned char *end = from + len; from != end; sum.entry_cnt++) {
		from += decode(&state, from, &piece);
		sum.len += piece.len;
		sum.mixture ^= piece.pa.addr;
	}
	return sum;
}

#define WORDS_SCAN(name)                                                           \
	static struct words_sum name##_scan(const unsigned char *from, size_t len) \
	{                                                                          \
		return words_scan(name##_decode, from, len);                       \
	}

#endif
