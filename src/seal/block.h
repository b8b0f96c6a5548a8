/* SPDX-License-Identifier: MIT */
/* A block: up to 128 runs that are packed together, and the changes of tag among them. */
#ifndef PHYR_SEAL_BLOCK_H
#define PHYR_SEAL_BLOCK_H

#include <phyr/seal.h>

#include "bits.h"

/* More than any block takes. [bytes] */
#define SEAL_BLOCK_LEN 8192

/* From a run of the block on, the tag is another. */
struct seal_change {
	unsigned char place;
	struct phyr_tag tag;
};

/* Runs to be packed. Outer pages of the list are whole. */
struct seal_block {
	unsigned int run_cnt;	 /* 1 … PHYR_SEAL_BLOCK_RUNS */
	unsigned int change_cnt; /* a block starts with the tag of the list's first run */
	struct phyr_range runs[PHYR_SEAL_BLOCK_RUNS];
	struct seal_change changes[PHYR_SEAL_BLOCK_RUNS];
};

/* Packs a block; with out NULL it only measures. Returns the [bytes] it takes. */
size_t phyr_seal_block_put(const struct seal_block *block, struct seal_out *out);

/* Where a packed block's changes of tag are, and where it ends. */
struct seal_block_tail {
	uint32_t change_bit; /* [bits] from the start of the block */
	unsigned int change_cnt;
	size_t len; /* [bytes] of the block */
};

/*
 * Unpacks run_cnt runs from a block at bytes, of which avail may belong to it. False when no block
 * can look so; what is written then means nothing.
 */
bool phyr_seal_block_take(const unsigned char *bytes, size_t avail, unsigned int run_cnt,
			  struct phyr_range *ret_runs, struct seal_block_tail *ret_tail);

/* Reads one change of tag, and the bit behind it. */
uint32_t phyr_seal_change_take(const unsigned char *bytes, uint32_t bit,
			       struct seal_change *ret_change);

#endif
