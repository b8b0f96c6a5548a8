/* SPDX-License-Identifier: MIT */
/*
 * A column: the addresses, or the lengths, of a block's runs, each in the same few bits.
 *
 * A window [base, base + 2^width) holds most of the values. Of every value's distance from the
 * base the low bits are stored, `width` of them; values outside of the window are exceptions,
 * whose high parts follow. docs/sealed-format.md specifies the bits.
 */
#ifndef PHYR_SEAL_COLUMN_H
#define PHYR_SEAL_COLUMN_H

#include <phyr/seal.h>

#include "bits.h"

#define SEAL_BLOCK_RUNS PHYR_SEAL_BLOCK_RUNS
/* Bits of the number of a run in its block. */
#define SEAL_PLACE_BITS 7

struct seal_column {
	bool is_signed;		 /* values near 0 may be below it */
	unsigned int value_cnt;	 /* 0 … SEAL_BLOCK_RUNS */
	uint64_t base;		 /* start of the window; all arithmetic is mod 2^64 */
	unsigned int width;	 /* [bits] 0 … SEAL_LOAD_BITS */
	unsigned int high_cnt;	 /* exceptions */
	unsigned int high_width; /* [bits] 0 … 64: of an exception's high part, less one */
};

/* What a value has above the low bits: 0 inside the window, else the zigzag of the high part. */
static inline uint64_t seal_high(uint64_t value, const struct seal_column *column)
{
	uint64_t up = value - column->base;

	return up >> 63 ? ~up >> column->width << 1 | 1 : up >> column->width << 1;
}

/* Chooses the window for the values of a column, whose is_signed and value_cnt are set. */
void phyr_seal_column_plan(struct seal_column *column, const uint64_t *values);
uint32_t phyr_seal_column_bits(const struct seal_column *column);

void phyr_seal_column_put_head(struct seal_out *out, const struct seal_column *column);
void phyr_seal_column_put_body(struct seal_out *out, const struct seal_column *column,
			       const uint64_t *values);

/* Reads the parameters of a column whose is_signed and value_cnt are set. */
void phyr_seal_column_take_head(struct seal_in *in, struct seal_column *column);

/* Reads the values; false when they do not fit or the parameters are impossible. */
bool phyr_seal_column_take_body(struct seal_in *in, const struct seal_column *column,
				uint64_t *ret_values);

#endif
