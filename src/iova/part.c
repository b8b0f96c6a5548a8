/* SPDX-License-Identifier: MIT */
/* The bits of a part, and its sum where it has no kids. */

#include "tree.h"

/* The blocks of word 0 when it is free whole. */
#define ALL_BLOCKS UINT64_C(0x0001010101010101)

unsigned int phyr_part_up(const struct part *part, unsigned int from, bool taken)
{
	uint64_t invert = taken ? 0 : UINT64_MAX;
	unsigned int i = from / 64;
	uint64_t word;

	if (from >= UNIT_CNT)
		return UNIT_CNT;
	word = (part->words[i].taken ^ invert) & UINT64_MAX << (from & 63);
	while (!word) {
		if (++i == WORD_CNT)
			return UNIT_CNT;
		word = part->words[i].taken ^ invert;
	}
	return i * 64 + phyr_bits_ctz(word);
}

unsigned int phyr_part_down(const struct part *part, unsigned int from, bool taken)
{
	uint64_t invert = taken ? 0 : UINT64_MAX;
	unsigned int i = from / 64;
	uint64_t word = (part->words[i].taken ^ invert) & UINT64_MAX >> (63 - (from & 63));

	while (!word) {
		if (i-- == 0)
			return UNIT_CNT;
		word = part->words[i].taken ^ invert;
	}
	return i * 64 + phyr_bits_log2(word);
}

unsigned int phyr_part_free_from(const struct part *part, unsigned int unit)
{
	unsigned int below = unit ? phyr_part_down(part, unit - 1, true) : UNIT_CNT;

	return below == UNIT_CNT ? 0 : below + 1;
}

bool phyr_part_ends_with(const struct part *part, struct span units)
{
	uint64_t others = 0;

	for (uint64_t i = units.first / 64; i < units.last / 64; i++)
		others |= part->words[i].ends & bits_in(units, i);
	return !others && (part->words[units.last / 64].ends & bits_in(units, units.last / 64)) ==
				  bit_of((unsigned int)units.last);
}

/* The longest run of ones, at least one of 64 bits is 0: halving, without a branch to guess. */
static unsigned int longest_run(uint64_t ones)
{
	uint64_t runs[6] = { ones }; /* of 2^i ones, by their first */
	uint64_t found = UINT64_MAX;
	unsigned int run = 0;

	for (unsigned int i = 0; i < 5; i++)
		runs[i + 1] = runs[i] & runs[i] >> (1U << i);
	for (unsigned int i = 6; i-- > 0;) {
		uint64_t longer = found & runs[i] >> run;

		found = longer ? longer : found;
		run += longer ? 1U << i : 0;
	}
	return run;
}

/* The free units around some, as if those were free. */
struct hole {
	unsigned int first;
	unsigned int end; /* UNIT_CNT, or what is taken above */
};

static inline struct hole hole_around(const struct part *part, struct span units)
{
	return (struct hole){
		.first = phyr_part_free_from(part, (unsigned int)units.first),
		.end = phyr_part_up(part, (unsigned int)units.last + 1, true),
	};
}

/* A hole comes that ends below a unit. */
static void add_hole(struct part *part, unsigned int first, unsigned int end)
{
	if (end < UNIT_CNT && end - first > lanes_get(&part->holes, end / 64))
		lanes_set(&part->holes, end / 64, end - first);
}

/*
 * The longest hole below a taken unit of a word that has some; it may begin in a word below. None
 * is longer than `most`.
 */
static unsigned int longest_hole(const struct part *part, unsigned int i, unsigned int most)
{
	uint64_t taken = part->words[i].taken;
	unsigned int low = i * 64 + phyr_bits_ctz(taken), inside;
	uint64_t free = ~taken & bits_between(low & 63, phyr_bits_log2(taken));

	inside = most > 1 ? longest_run(free) : free != 0;
	low -= phyr_part_free_from(part, low);
	return inside > low ? inside : low;
}

/* One that ended below a unit has gone: of its word, another may be the longest now. */
static void drop_hole(struct part *part, unsigned int first, unsigned int end)
{
	unsigned int i = end / 64, cnt = end - first;

	if (first < end && end < UNIT_CNT && cnt == lanes_get(&part->holes, i))
		lanes_set(&part->holes, i, part->words[i].taken ? longest_hole(part, i, cnt) : 0);
}

static void sum_blocks(struct part *part, unsigned int i)
{
	/* Bit 8 k of number n: k < n. */
	static const uint64_t below[8] = {
		0,
		UINT64_C(0x1),
		UINT64_C(0x101),
		UINT64_C(0x10101),
		UINT64_C(0x1010101),
		UINT64_C(0x101010101),
		UINT64_C(0x10101010101),
		ALL_BLOCKS,
	};
	uint64_t groups = ~part->words[i].taken;
	unsigned int cnt = groups != 0;
	bool any = groups;

	/* Most words of a packed space are full. Of others, branches would be guessed wrongly. */
	for (unsigned int order = 0; any && order < 6; order++) {
		groups = phyr_fold_step(groups, order);
		cnt += groups != 0;
	}
	part->blocks = (part->blocks & ~(ALL_BLOCKS << i)) | below[cnt] << i;
}

static void set_bits(struct part *part, struct span units, bool ends)
{
	for (unsigned int i = (unsigned int)units.first / 64; i <= units.last / 64; i++) {
		part->words[i].taken |= bits_in(units, i);
		sum_blocks(part, i);
	}
	if (ends)
		part->words[units.last / 64].ends |= bit_of((unsigned int)units.last);
}

static void clear_bits(struct part *part, struct span units)
{
	for (unsigned int i = (unsigned int)units.first / 64; i <= units.last / 64; i++) {
		part->words[i].taken &= ~bits_in(units, i);
		part->words[i].ends &= ~bits_in(units, i);
		sum_blocks(part, i);
	}
}

/* Tells the hole in which the units were. */
static struct hole mark(struct part *part, struct span units, bool ends)
{
	struct hole hole = hole_around(part, units);

	set_bits(part, units, ends);
	drop_hole(part, hole.first, hole.end);
	add_hole(part, hole.first, (unsigned int)units.first);
	return hole;
}

/* Tells the hole in which the units are. */
static struct hole clear(struct part *part, struct span units)
{
	struct hole hole = hole_around(part, units);

	clear_bits(part, units);
	if (units.first / 64 != hole.end / 64)
		drop_hole(part, hole.first, (unsigned int)units.first);
	add_hole(part, hole.first, hole.end);
	return hole;
}

void phyr_part_mark(struct part *part, struct span units, bool ends)
{
	(void)mark(part, units, ends);
}

void phyr_part_clear(struct part *part, struct span units)
{
	(void)clear(part, units);
}

unsigned int phyr_part_order(const struct part *part)
{
	uint64_t whole = part->blocks >> 48;

	if (whole)
		return 7 + phyr_fold_order(whole);
	/* 0 if nothing is free. */
	return phyr_bits_log2(part->blocks << 8 | 1) / 8;
}

/* What is known without the bits. */
static void sum_rest(const struct part *part, unsigned int lg2, struct sum *sum)
{
	unsigned int order = phyr_part_order(part);

	sum->best = lanes_max(&part->holes) << lg2;
	sum->order = order + (order ? lg2 : 0);
}

void phyr_part_sum(const struct part *part, unsigned int level, struct sum *ret_sum)
{
	unsigned int high = phyr_part_down(part, UNIT_CNT - 1, true), lg2 = unit_lg2(level);

	ret_sum->pre = (uint64_t)phyr_part_up(part, 0, true) << lg2;
	ret_sum->suf = (uint64_t)(high == UNIT_CNT ? UNIT_CNT : UNIT_CNT - 1 - high) << lg2;
	sum_rest(part, lg2, ret_sum);
}

void phyr_part_init(struct part *part, unsigned int level)
{
	part->blocks = ALL_BLOCKS * 0xff;
	phyr_part_sum(part, level, &part->sum);
}

void phyr_part_take(struct part *part, unsigned int level, struct span units, bool ends)
{
	struct hole hole = mark(part, units, ends);
	unsigned int lg2 = unit_lg2(level);

	if (hole.first == 0)
		part->sum.pre = units.first << lg2;
	if (hole.end == UNIT_CNT)
		part->sum.suf = (UNIT_CNT - 1 - units.last) << lg2;
	sum_rest(part, lg2, &part->sum);
}

void phyr_part_give(struct part *part, unsigned int level, struct span units)
{
	struct hole hole = clear(part, units);
	unsigned int lg2 = unit_lg2(level);

	if (hole.first == 0)
		part->sum.pre = (uint64_t)hole.end << lg2;
	if (hole.end == UNIT_CNT)
		part->sum.suf = (uint64_t)(UNIT_CNT - hole.first) << lg2;
	sum_rest(part, lg2, &part->sum);
}
