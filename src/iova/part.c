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

/* The longest run of ones. */
static unsigned int longest_run(uint64_t ones)
{
	unsigned int run = 0;

	for (; ones; ones &= ones >> 1)
		run++;
	return run;
}

/* After bits of a word changed. */
static void sum_word(struct part *part, uint64_t i)
{
	uint64_t taken = part->words[i].taken, free = ~taken;

	part->inner[i] = part->orders[i] = 0;
	if (!taken || !free)
		return;
	free &= bits_between(phyr_bits_ctz(taken), phyr_bits_log2(taken));
	part->inner[i] = (uint8_t)longest_run(free);
	part->orders[i] = (uint8_t)(1 + phyr_fold_order(~taken));
}

void phyr_part_mark(struct part *part, struct span units, bool ends)
{
	for (uint64_t i = units.first / 64; i <= units.last / 64; i++) {
		part->words[i].taken |= bits_in(units, i);
		sum_word(part, i);
	}
	if (ends)
		part->words[units.last / 64].ends |= bit_of((unsigned int)units.last);
}

void phyr_part_clear(struct part *part, struct span units)
{
	for (uint64_t i = units.first / 64; i <= units.last / 64; i++) {
		part->words[i].taken &= ~bits_in(units, i);
		part->words[i].ends &= ~bits_in(units, i);
		sum_word(part, i);
	}
}

void phyr_part_sum(const struct part *part, unsigned int level, struct sum *ret_sum)
{
	unsigned int best = 0, run = 0, order = 0, whole = 0, lg2 = unit_lg2(level);

	for (unsigned int i = 0; i < WORD_CNT; i++) {
		uint64_t taken = part->words[i].taken;

		if (!taken) {
			run += 64;
			whole |= 1U << i;
			continue;
		}
		run += phyr_bits_ctz(taken);
		best = run > best ? run : best;
		best = part->inner[i] > best ? part->inner[i] : best;
		order = part->orders[i] > order ? part->orders[i] : order;
		run = 63 - phyr_bits_log2(taken);
	}
	ret_sum->pre = (uint64_t)phyr_part_up(part, 0, true) << lg2;
	ret_sum->suf = (uint64_t)run << lg2;
	ret_sum->best = (uint64_t)best << lg2;
	if (whole)
		order = 7 + phyr_fold_order(whole);
	ret_sum->order = order ? order + lg2 : 0;
}

unsigned int phyr_part_order(const struct part *part)
{
	unsigned int whole = 0, order = 0;

	for (unsigned int i = 0; i < WORD_CNT; i++) {
		whole |= (unsigned int)(part->words[i].taken == 0) << i;
		order = part->orders[i] > order ? part->orders[i] : order;
	}
	return whole ? 7 + phyr_fold_order(whole) : order;
}

void phyr_part_take(struct part *part, unsigned int level, struct span units, bool ends)
{
	phyr_part_mark(part, units, ends);
	phyr_part_sum(part, level, &part->sum);
}

void phyr_part_give(struct part *part, unsigned int level, struct span units)
{
	phyr_part_clear(part, units);
	phyr_part_sum(part, level, &part->sum);
}
