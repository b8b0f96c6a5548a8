/* SPDX-License-Identifier: MIT */
/*
 * A block as bits, and back.
 *
 * Everything in a block is counted in the largest power of two of bytes that divides all of its
 * addresses and lengths, so whole pages, huge pages and runs of single bytes are one case. Not
 * here: sequences of blocks (pass.c).
 */

#include "block.h"

#include <phyr/seal.h>

#include "column.h"

#define UNIT_BITS 6
#define FIRST_WIDTH_BITS 7
#define KIND_BITS 8
#define PROVIDER_BITS 32
#define CHANGE_BITS (SEAL_PLACE_BITS + KIND_BITS + PROVIDER_BITS)

/* The parameters of a block, in the order of its first bits. */
struct plan {
	bool follows; /* addresses are counted from the end of the run before */
	bool tagged;
	unsigned int unit_lg2;
	unsigned int change_cnt;
	uint64_t first; /* [units] address of the first run; 0 unless follows */
	struct seal_column places;
	struct seal_column lens;
};

static unsigned int unit_of(const struct seal_block *block)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < block->run_cnt; i++)
		mask |= block->runs[i].pa.addr | block->runs[i].len;
	return mask ? phyr_bits_ctz(mask) : 63;
}

/* The column of addresses: as they are, or as distances from the end of the run before. */
static void fill_places(const struct seal_block *block, const struct plan *plan, uint64_t *values)
{
	const struct phyr_range *runs = block->runs;
	unsigned int unit = plan->unit_lg2;

	for (unsigned int i = plan->follows; i < block->run_cnt; i++) {
		uint64_t from = plan->follows ?
					(runs[i - 1].pa.addr >> unit) + (runs[i - 1].len >> unit) :
					0;

		values[i - plan->follows] = (runs[i].pa.addr >> unit) - from;
	}
}

static void fill_lens(const struct seal_block *block, const struct plan *plan, uint64_t *values)
{
	for (unsigned int i = 0; i < block->run_cnt; i++)
		values[i] = block->runs[i].len >> plan->unit_lg2;
}

static uint32_t places_cost(const struct plan *plan)
{
	uint32_t first = plan->follows ? FIRST_WIDTH_BITS + seal_width(plan->first) : 0;

	return first + phyr_seal_column_bits(&plan->places);
}

static void plan_places(const struct seal_block *block, bool follows, struct plan *plan)
{
	uint64_t values[SEAL_BLOCK_RUNS];

	plan->follows = follows;
	plan->first = follows ? block->runs[0].pa.addr >> plan->unit_lg2 : 0;
	plan->places.is_signed = follows;
	plan->places.value_cnt = block->run_cnt - follows;
	fill_places(block, plan, values);
	phyr_seal_column_plan(&plan->places, values);
}

static void plan_lens(const struct seal_block *block, struct plan *plan)
{
	uint64_t values[SEAL_BLOCK_RUNS];

	plan->lens.is_signed = false;
	plan->lens.value_cnt = block->run_cnt;
	fill_lens(block, plan, values);
	phyr_seal_column_plan(&plan->lens, values);
}

/* Both ways for the addresses are planned, and the cheaper is taken. */
static void plan_block(const struct seal_block *block, struct plan *plan)
{
	struct plan other;

	plan->unit_lg2 = unit_of(block);
	plan->change_cnt = block->change_cnt;
	plan->tagged = block->change_cnt > 0;
	plan_lens(block, plan);
	other = *plan;
	plan_places(block, true, plan);
	plan_places(block, false, &other);
	if (places_cost(&other) < places_cost(plan))
		*plan = other;
}

static size_t plan_len(const struct plan *plan)
{
	uint32_t bits = 2 + UNIT_BITS + places_cost(plan) + phyr_seal_column_bits(&plan->lens);

	if (plan->tagged)
		bits += SEAL_PLACE_BITS + plan->change_cnt * CHANGE_BITS;
	return (bits + 7) / 8;
}

static void put_plan(struct seal_out *out, const struct plan *plan)
{
	seal_put(out, plan->follows, 1);
	seal_put(out, plan->tagged, 1);
	seal_put(out, plan->unit_lg2, UNIT_BITS);
	if (plan->tagged)
		seal_put(out, plan->change_cnt - 1, SEAL_PLACE_BITS);
	if (plan->follows) {
		seal_put(out, seal_width(plan->first), FIRST_WIDTH_BITS);
		seal_put(out, plan->first, seal_width(plan->first));
	}
	phyr_seal_column_put_head(out, &plan->places);
	phyr_seal_column_put_head(out, &plan->lens);
}

static void take_plan(struct seal_in *in, unsigned int run_cnt, struct plan *plan)
{
	plan->follows = seal_take(in, 1);
	plan->tagged = seal_take(in, 1);
	plan->unit_lg2 = (unsigned int)seal_take(in, UNIT_BITS);
	plan->change_cnt = plan->tagged ? (unsigned int)seal_take(in, SEAL_PLACE_BITS) + 1 : 0;
	plan->first = 0;
	if (plan->follows) {
		unsigned int width = (unsigned int)seal_take(in, FIRST_WIDTH_BITS);

		plan->first = seal_take(in, width < 64 ? width : 64);
	}
	plan->places.is_signed = plan->follows;
	plan->places.value_cnt = run_cnt - plan->follows;
	plan->lens.is_signed = false;
	plan->lens.value_cnt = run_cnt;
	phyr_seal_column_take_head(in, &plan->places);
	phyr_seal_column_take_head(in, &plan->lens);
}

static void put_changes(struct seal_out *out, const struct seal_block *block)
{
	for (unsigned int i = 0; i < block->change_cnt; i++) {
		seal_put(out, block->changes[i].place, SEAL_PLACE_BITS);
		seal_put(out, block->changes[i].tag.kind, KIND_BITS);
		seal_put(out, block->changes[i].tag.provider, PROVIDER_BITS);
	}
}

uint32_t phyr_seal_change_take(const unsigned char *bytes, uint32_t bit,
			       struct seal_change *ret_change)
{
	uint64_t bits = seal_bits(bytes, bit, CHANGE_BITS);

	ret_change->place = (unsigned char)seal_low(bits, SEAL_PLACE_BITS);
	ret_change->tag.kind = (enum phyr_kind)seal_low(bits >> SEAL_PLACE_BITS, KIND_BITS);
	ret_change->tag.provider = (uint32_t)(bits >> (SEAL_PLACE_BITS + KIND_BITS));
	return bit + CHANGE_BITS;
}

size_t phyr_seal_block_put(const struct seal_block *block, struct seal_out *out)
{
	uint64_t values[SEAL_BLOCK_RUNS];
	struct plan plan;

	plan_block(block, &plan);
	if (out) {
		put_plan(out, &plan);
		fill_places(block, &plan, values);
		phyr_seal_column_put_body(out, &plan.places, values);
		fill_lens(block, &plan, values);
		phyr_seal_column_put_body(out, &plan.lens, values);
		put_changes(out, block);
		seal_put_end(out);
	}
	return plan_len(&plan);
}

/* Both columns, in units, become runs. */
static void join_columns(const struct plan *plan, const uint64_t *places, const uint64_t *lens,
			 struct phyr_range *runs)
{
	unsigned int cnt = plan->lens.value_cnt;
	unsigned int unit = plan->unit_lg2;
	uint64_t at = plan->first;

	if (!plan->follows) {
		for (unsigned int i = 0; i < cnt; i++) {
			runs[i].pa.addr = places[i] << unit;
			runs[i].len = lens[i] << unit;
		}
		return;
	}
	for (unsigned int i = 0; i < cnt; i++) {
		at += i ? places[i - 1] : 0;
		runs[i].pa.addr = at << unit;
		runs[i].len = lens[i] << unit;
		at += lens[i];
	}
}

bool phyr_seal_block_take(const unsigned char *bytes, size_t avail, unsigned int run_cnt,
			  struct phyr_range *ret_runs, struct seal_block_tail *ret_tail)
{
	uint64_t places[SEAL_BLOCK_RUNS], lens[SEAL_BLOCK_RUNS];
	uint32_t limit = 8 * (avail < SEAL_BLOCK_LEN ? (uint32_t)avail : SEAL_BLOCK_LEN);
	struct seal_in in = { bytes, 0, limit, false };
	struct plan plan;

	take_plan(&in, run_cnt, &plan);
	if (in.short_of || !phyr_seal_column_take_body(&in, &plan.places, places) ||
	    !phyr_seal_column_take_body(&in, &plan.lens, lens) ||
	    plan.change_cnt * CHANGE_BITS > in.limit - in.bit)
		return false;
	join_columns(&plan, places, lens, ret_runs);
	ret_tail->change_bit = in.bit;
	ret_tail->change_cnt = plan.change_cnt;
	ret_tail->len = (in.bit + plan.change_cnt * CHANGE_BITS + 7) / 8;
	return true;
}
