/* SPDX-License-Identifier: MIT */
/*
 * A pass over runs that measures, writes or checks their sealed form.
 *
 * The runs come from a list or from sealed bytes; what becomes of them is measured, stored or
 * compared. So there is one encoder, and a seal is accepted exactly when it would be written.
 */
#ifndef PHYR_SEAL_PASS_H
#define PHYR_SEAL_PASS_H

#include <phyr/chunk.h>
#include <phyr/seal.h>

#include "bits.h"
#include "block.h"

#define SEAL_HEAD_LEN 56
#define SEAL_TRAILER_LEN 8
#define SEAL_MAGIC "phyrseal"
#define SEAL_MAGIC_LEN 8

/* Where numbers are in the header. [bytes] */
enum seal_field {
	SEAL_AT_VERSION = 8,
	SEAL_AT_FORM = 10,
	SEAL_AT_KIND = 11,
	SEAL_AT_PROVIDER = 12,
	SEAL_AT_SIZE = 16,
	SEAL_AT_RUN_CNT = 24,
	SEAL_AT_LEN = 32,
	SEAL_AT_VA = 40,
	SEAL_AT_SKIP = 48,
	SEAL_AT_CUT = 50,
	SEAL_AT_UNIT = 52,
	SEAL_AT_START_WIDTH = 53,
	SEAL_AT_PLACE_WIDTH = 54,
	SEAL_AT_ZERO = 55,
};

enum seal_form {
	SEAL_BLOCKS = 0,
	SEAL_WORDS = 1,
};

/* The header, but for magic and version. */
struct seal_head {
	enum seal_form form;
	struct phyr_tag tag;	  /* of the first run */
	uint64_t size;		  /* [bytes] of the whole seal */
	uint64_t run_cnt;	  /* */
	uint64_t len;		  /* [bytes] of memory */
	uint64_t va;		  /* */
	uint32_t skip;		  /* [bytes] of the first page that are before the first run */
	uint32_t cut;		  /* [bytes] of the last page that are behind the last run */
	unsigned int unit_lg2;	  /* [log2 bytes] of starts in the index */
	unsigned int start_width; /* [bits] of a start in the index */
	unsigned int place_width; /* [bits] of a block's place in the index */
};

void phyr_seal_head_put(unsigned char *bytes, const struct seal_head *head);
void phyr_seal_head_take(const unsigned char *bytes, struct seal_head *ret_head);

/* Blocks of a seal: none when it is words. */
static inline uint64_t seal_block_cnt(const struct seal_head *head)
{
	if (head->form == SEAL_WORDS)
		return 0;
	return head->run_cnt / PHYR_SEAL_BLOCK_RUNS + (head->run_cnt % PHYR_SEAL_BLOCK_RUNS != 0);
}

/* [bits] of an entry of the index: every block but the first has one. */
static inline unsigned int seal_entry_width(const struct seal_head *head)
{
	return head->start_width + head->place_width;
}

/* Where runs come from. */
struct seal_source {
	bool (*next)(void *ctx, struct phyr_run *ret_run);
	void *ctx;
	uint64_t len; /* [bytes] of all runs */
};

/* What a pass has learnt. */
struct seal_sums {
	uint64_t run_cnt;
	uint64_t len;	     /* [bytes] of memory */
	uint64_t blocks_len; /* [bytes] of all blocks */
	uint64_t words_len;  /* [bytes] of all words */
	uint64_t starts;     /* OR of where blocks but the first start, in whole pages */
	uint64_t last_start;
	uint64_t last_place;
	uint32_t skip;
	uint32_t cut;
	struct phyr_tag first_tag;
	struct phyr_tag tag; /* of the last run */
};

/* Where a pass writes to, or what it compares with. */
struct seal_outs {
	const struct seal_head *head;
	struct seal_out index;
	struct seal_out body;
};

/* Goes through all runs; outs NULL: measures. */
void phyr_seal_pass(const struct seal_source *source, struct seal_outs *outs,
		    struct seal_sums *ret_sums);

/* The header that belongs to the sums. */
void phyr_seal_head_of(const struct seal_sums *sums, uint64_t va, struct seal_head *ret_head);

/* Prepares outs for a seal of which the header is known. */
void phyr_seal_outs_init(struct seal_outs *outs, const struct seal_head *head, unsigned char *bytes,
			 const unsigned char *expect);

/* Fills in a seal of which header and size were checked. */
void phyr_seal_set(struct phyr_seal *seal, const unsigned char *bytes,
		   const struct seal_head *head);

/* Writes a run as words, a tag before it if it changes; out NULL: measures. The [bytes]. */
size_t phyr_seal_words_put(const struct phyr_run *run, const struct phyr_tag *before,
			   struct seal_out *out);

/*
 * Reads the words of one tag or run, of which avail bytes are there. Returns the [bytes] used; 0:
 * impossible. A tag leaves the run's length 0.
 */
size_t phyr_seal_words_take(const unsigned char *bytes, size_t avail, struct phyr_range *ret_run,
			    struct phyr_tag *tag);

uint64_t phyr_seal_crc(const unsigned char *bytes, size_t len);

#endif
