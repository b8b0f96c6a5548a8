/* SPDX-License-Identifier: MIT */
/* The bits of a part, and its sum where it has no kids. */

#include "tree.h"

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

unsigned int phyr_part_end(const struct part *part, unsigned int from)
{
	unsigned int i = from / 64;
	uint64_t word = part->words[i].ends & UINT64_MAX << (from & 63);

	while (!word) {
		if (++i == WORD_CNT)
			return UNIT_CNT;
		word = part->words[i].ends;
	}
	return i * 64 + phyr_bits_ctz(word);
}

void phyr_part_mark(struct part *part, struct span units, bool ends)
{
	for (uint64_t i = units.first / 64; i <= units.last / 64; i++)
		part->words[i].taken |= bits_in(units, i);
	if (ends)
		part->words[units.last / 64].ends |= bit_of((unsigned int)units.last);
}

void phyr_part_clear(struct part *part, struct span units)
{
	for (uint64_t i = units.first / 64; i <= units.last / 64; i++) {
		part->words[i].taken &= ~bits_in(units, i);
		part->words[i].ends &= ~bits_in(units, i);
	}
}

/* The longest run of ones, if it is longer than best. */
static unsigned int longer_run(uint64_t ones, unsigned int best)
{
	unsigned int run = 1;

	while (ones && run < best + 1) {
		unsigned int step = run < best + 1 - run ? run : best + 1 - run;

		ones &= ones >> step;
		run += step;
	}
	for (; ones; ones &= ones >> 1)
		best++;
	return best;
}

/* [units] the longest hole below a taken unit; none is longer than limit. */
static unsigned int longest_hole(const struct part *part, unsigned int limit)
{
	unsigned int best = 0, run = 0;

	for (unsigned int i = 0; i < WORD_CNT && best < limit; i++) {
		uint64_t word = part->words[i].taken;
		unsigned int low, high;

		if (!word) {
			run += 64;
			continue;
		}
		low = phyr_bits_ctz(word);
		high = phyr_bits_log2(word);
		if (run + low > best)
			best = run + low;
		run = 63 - high;
		if (word != UINT64_MAX)
			best = longer_run(~word & bits_between(low, high), best);
	}
	return best;
}

unsigned int phyr_part_order(const struct part *part)
{
	uint64_t any[WORD_CNT], all = 0, whole = 0;
	unsigned int order;

	for (unsigned int i = 0; i < WORD_CNT; i++) {
		any[i] = ~part->words[i].taken;
		all |= any[i];
		whole |= (uint64_t)(part->words[i].taken == 0) << i;
	}
	if (whole)
		return 7 + phyr_fold_order(whole);
	for (order = 0; all; order++) {
		all = 0;
		for (unsigned int i = 0; i < WORD_CNT; i++) {
			any[i] = phyr_fold_step(any[i], order);
			all |= any[i];
		}
	}
	return order;
}

void phyr_part_sum(const struct part *part, unsigned int level, struct sum *ret_sum)
{
	unsigned int top = phyr_part_down(part, UNIT_CNT - 1, true), lg2 = unit_lg2(level);
	unsigned int order = phyr_part_order(part);

	ret_sum->pre = (uint64_t)phyr_part_up(part, 0, true) << lg2;
	ret_sum->suf = (uint64_t)(top == UNIT_CNT ? UNIT_CNT : UNIT_CNT - 1 - top) << lg2;
	ret_sum->best = (uint64_t)longest_hole(part, UNIT_CNT) << lg2;
	ret_sum->order = order ? order + lg2 : 0;
}

/* The free units around some, those included. */
static struct span around(const struct part *part, struct span units)
{
	struct span hole = { 0, phyr_part_up(part, (unsigned int)units.last + 1, true) - 1 };
	unsigned int below = UNIT_CNT;

	if (units.first)
		below = phyr_part_down(part, (unsigned int)units.first - 1, true);
	if (below != UNIT_CNT)
		hole.first = below + 1;
	return hole;
}

static bool is_full(const struct part *part)
{
	uint64_t all = UINT64_MAX;

	for (unsigned int i = 0; i < WORD_CNT; i++)
		all &= part->words[i].taken;
	return all == UINT64_MAX;
}

void phyr_part_take(struct part *part, unsigned int level, struct span units, bool ends)
{
	struct span hole = around(part, units);
	uint64_t cnt = hole.last - hole.first + 1, below = units.first - hole.first;
	unsigned int lg2 = unit_lg2(level);
	struct sum *sum = &part->sum;

	phyr_part_mark(part, units, ends);
	if (cnt == units.last - units.first + 1 && is_full(part)) {
		*sum = (struct sum){ 0, 0, 0, 0 };
		return;
	}
	if (hole.first == 0)
		sum->pre = units.first << lg2;
	if (hole.last == UNIT_CNT - 1) {
		/* It was above everything; what is left of it below the units is a hole now. */
		sum->suf = (UNIT_CNT - 1 - units.last) << lg2;
		if (below > sum->best >> lg2)
			sum->best = below << lg2;
	} else if (cnt == sum->best >> lg2) {
		sum->best = (uint64_t)longest_hole(part, (unsigned int)cnt) << lg2;
	}
	/* A shorter hole than the largest block did not hold that block. */
	if (cnt << lg2 >= phyr_bits_size((unsigned int)sum->order - 1)) {
		sum->order = phyr_part_order(part);
		sum->order += sum->order ? lg2 : 0;
	}
}

void phyr_part_give(struct part *part, unsigned int level, struct span units)
{
	unsigned int lg2 = unit_lg2(level), order;
	struct sum *sum = &part->sum;
	struct span hole;
	uint64_t block;

	phyr_part_clear(part, units);
	hole = around(part, units);
	if (hole.first == 0)
		sum->pre = (hole.last + 1) << lg2;
	if (hole.last < UNIT_CNT - 1) {
		if (hole.last - hole.first + 1 > sum->best >> lg2)
			sum->best = (hole.last - hole.first + 1) << lg2;
	} else {
		/* Nothing is above the units: the hole below them is part of the top now. */
		sum->suf = (UNIT_CNT - hole.first) << lg2;
		if (units.first - hole.first == sum->best >> lg2)
			sum->best = (uint64_t)longest_hole(part, (unsigned int)(sum->best >> lg2))
				    << lg2;
	}
	order = 1 + lg2 + phyr_bits_largest(hole.first, hole.last, &block);
	if (order > sum->order)
		sum->order = order;
}
