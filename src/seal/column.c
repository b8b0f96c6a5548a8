/* SPDX-License-Identifier: MIT */
/*
 * A column as bits, and back.
 *
 * The low bits of all values are read by a loop without branches; exceptions are added to what it
 * left. Not here: the choice of the window (window.c), what the values mean (block.c).
 */

#include "column.h"

#include <phyr/seal.h>

/* Fields of the parameters. */
#define WIDTH_BITS 6
#define BASE_WIDTH_BITS 7
#define HIGH_CNT_BITS 7
#define HIGH_WIDTH_BITS 7
/* A map of the exceptions is read in pieces of this size. */
#define MAP_BITS 32

/* Few exceptions are a list of places, many are a map with a bit for every value. */
static bool has_list(const struct seal_column *column)
{
	return column->high_cnt * SEAL_PLACE_BITS < column->value_cnt;
}

static uint32_t places_bits(const struct seal_column *column)
{
	if (column->high_cnt == 0)
		return 0;
	return has_list(column) ? column->high_cnt * SEAL_PLACE_BITS : column->value_cnt;
}

static uint64_t base_code(const struct seal_column *column)
{
	return column->is_signed ? seal_zigzag(column->base) : column->base;
}

/* [bits] of the values, and of the parameters with them. */
static uint32_t body_bits(const struct seal_column *column)
{
	return column->value_cnt * column->width + places_bits(column) +
	       column->high_cnt * column->high_width;
}

uint32_t phyr_seal_column_bits(const struct seal_column *column)
{
	uint32_t head = WIDTH_BITS + BASE_WIDTH_BITS + seal_width(base_code(column)) + 1;

	if (column->high_cnt)
		head += HIGH_CNT_BITS + HIGH_WIDTH_BITS;
	return head + body_bits(column);
}

void phyr_seal_column_put_head(struct seal_out *out, const struct seal_column *column)
{
	unsigned int base_width = seal_width(base_code(column));

	seal_put(out, column->width, WIDTH_BITS);
	seal_put(out, base_width, BASE_WIDTH_BITS);
	seal_put(out, base_code(column), base_width);
	seal_put(out, column->high_cnt > 0, 1);
	if (column->high_cnt) {
		seal_put(out, column->high_cnt - 1, HIGH_CNT_BITS);
		seal_put(out, column->high_width, HIGH_WIDTH_BITS);
	}
}

void phyr_seal_column_take_head(struct seal_in *in, struct seal_column *column)
{
	unsigned int base_width;

	column->width = (unsigned int)seal_take(in, WIDTH_BITS);
	base_width = (unsigned int)seal_take(in, BASE_WIDTH_BITS);
	if (base_width > 64)
		base_width = 64;
	column->base = seal_take(in, base_width);
	if (column->is_signed)
		column->base = seal_unzigzag(column->base);
	column->high_cnt = 0;
	column->high_width = 0;
	if (seal_take(in, 1)) {
		column->high_cnt = (unsigned int)seal_take(in, HIGH_CNT_BITS) + 1;
		column->high_width = (unsigned int)seal_take(in, HIGH_WIDTH_BITS);
	}
}

static void put_places(struct seal_out *out, const struct seal_column *column,
		       const uint64_t *values)
{
	bool list = has_list(column);

	for (unsigned int i = 0; i < column->value_cnt; i++) {
		bool outside = seal_high(values[i], column) != 0;

		if (!list)
			seal_put(out, outside, 1);
		else if (outside)
			seal_put(out, i, SEAL_PLACE_BITS);
	}
}

void phyr_seal_column_put_body(struct seal_out *out, const struct seal_column *column,
			       const uint64_t *values)
{
	for (unsigned int i = 0; i < column->value_cnt; i++)
		seal_put(out, values[i] - column->base, column->width);
	if (column->high_cnt == 0)
		return;
	put_places(out, column, values);
	for (unsigned int i = 0; i < column->value_cnt; i++) {
		uint64_t high = seal_high(values[i], column);

		if (high)
			seal_put(out, high - 1, column->high_width);
	}
}

static void take_low(struct seal_in *in, const struct seal_column *column, uint64_t *values)
{
	const uint64_t mask = phyr_bits_mask(column->width);
	const unsigned char *bytes = in->bytes;
	const uint64_t base = column->base;
	const uint32_t width = column->width;
	uint32_t bit = in->bit;

	/* Lengths are very often all the same. */
	for (unsigned int i = 0; width == 0 && i < column->value_cnt; i++)
		values[i] = base;
	for (unsigned int i = 0; width && i < column->value_cnt; i++, bit += width)
		values[i] = base + (seal_load(bytes + (bit >> 3)) >> (bit & 7) & mask);
	in->bit = bit;
}

/* Exceptions that are still to be added to the values they belong to. */
struct patches {
	const struct seal_column *column;
	struct seal_in *highs;
	unsigned int cnt;
};

static bool patch(struct patches *patches, uint64_t *values, unsigned int place)
{
	const struct seal_column *column = patches->column;
	uint64_t high;

	if (patches->cnt == column->high_cnt || place >= column->value_cnt)
		return false;
	high = seal_take(patches->highs, column->high_width) + 1;
	values[place] += seal_unzigzag(high) << column->width;
	patches->cnt++;
	return true;
}

static bool patch_mapped(struct patches *patches, uint64_t *values, unsigned int first,
			 uint64_t map)
{
	bool good = true;

	for (; map && good; map &= map - 1)
		good = patch(patches, values, first + phyr_bits_ctz(map));
	return good;
}

static bool take_exceptions(struct seal_in *in, const struct seal_column *column, uint64_t *values)
{
	struct seal_in highs = *in;
	struct patches patches = { column, &highs, 0 };
	bool good = true;

	highs.bit += places_bits(column);
	if (has_list(column)) {
		while (patches.cnt < column->high_cnt && good)
			good = patch(&patches, values,
				     (unsigned int)seal_take(in, SEAL_PLACE_BITS));
	} else {
		for (unsigned int i = 0; i < column->value_cnt && good; i += MAP_BITS) {
			unsigned int left = column->value_cnt - i;
			uint64_t map = seal_take(in, left < MAP_BITS ? left : MAP_BITS);

			good = patch_mapped(&patches, values, i, map);
		}
	}
	*in = highs;
	return good && patches.cnt == column->high_cnt;
}

bool phyr_seal_column_take_body(struct seal_in *in, const struct seal_column *column,
				uint64_t *ret_values)
{
	if (column->width > SEAL_LOAD_BITS || column->high_width > 64 ||
	    column->high_cnt > column->value_cnt)
		return false;
	if (body_bits(column) > in->limit - in->bit)
		return false;
	take_low(in, column, ret_values);
	return column->high_cnt == 0 || take_exceptions(in, column, ret_values);
}
