/* SPDX-License-Identifier: MIT */
/*
 * Holes of at least so many granules in a part without kids: the highest, the lowest, the tightest.
 *
 * All of it is in units: of granules, a hole has whole units. Only holes below something taken:
 * those at the top belong to what is above.
 */

#include "tree.h"

/* The bits of a word between its taken ones from which cnt are free. */
static uint64_t runs(uint64_t taken, uint64_t cnt)
{
	uint64_t free = ~taken & bits_between(phyr_bits_ctz(taken), phyr_bits_log2(taken));

	/* There are 62 at most; always as many steps, which are not to be guessed. */
	for (unsigned int i = 1, run = 1; i <= 6; i++) {
		unsigned int longer = cnt < 1U << i ? (unsigned int)cnt : 1U << i;

		free &= free >> (longer - run);
		run = longer;
	}
	return free;
}

/* The next hole below a unit that is not in it; false when there is none. */
static bool hole_below(const struct part *part, uint64_t unit, struct span *ret_hole)
{
	unsigned int last, taken;

	if (unit == 0)
		return false;
	last = phyr_part_down(part, (unsigned int)unit - 1, false);
	if (last == UNIT_CNT)
		return false;
	taken = phyr_part_down(part, last, true);
	*ret_hole = (struct span){ taken == UNIT_CNT ? 0 : taken + 1, last };
	return true;
}

/* The last unit of the highest hole of cnt below those of a word that are taken. */
static bool down_in(const struct part *part, unsigned int i, uint64_t taken, uint64_t cnt,
		    uint64_t *ret_last)
{
	unsigned int low = i * 64 + phyr_bits_ctz(taken);
	uint64_t found = runs(taken, cnt);

	*ret_last = found ? i * 64 + phyr_bits_log2(found) + cnt - 1 : (uint64_t)low - 1;
	return found || low - phyr_part_free_from(part, low) >= cnt;
}

/* The last unit of the highest hole of cnt below a taken unit, which is `upto` or below that. */
static bool down(const struct part *part, uint64_t upto, uint64_t cnt, uint64_t *ret_last)
{
	unsigned int top = phyr_part_down(part, (unsigned int)upto, true), i = top / 64;
	uint64_t words;

	if (top == UNIT_CNT || top < cnt)
		return false;
	words = lanes_reach(&part->holes, cnt) & bits_between(0, i * 8 + 7);
	/* The holes of this word may lie above. */
	if (words >> (i * 8) &&
	    down_in(part, i, part->words[i].taken | UINT64_MAX << (top & 63), cnt, ret_last))
		return true;
	words &= bit_of(i * 8) - 1;
	if (!words)
		return false;
	i = phyr_bits_log2(words) / 8;
	return down_in(part, i, part->words[i].taken, cnt, ret_last);
}

uint64_t phyr_part_highest(const struct part *part, unsigned int level, uint64_t cnt)
{
	unsigned int lg2 = unit_lg2(level), i;
	uint64_t units = (cnt + phyr_bits_mask(lg2)) >> lg2, last;

	i = phyr_bits_log2(lanes_reach(&part->holes, units)) / 8;
	(void)down_in(part, i, part->words[i].taken, units, &last);
	return ((last + 1) << lg2) - cnt;
}

/* The first unit of the lowest hole of cnt from a unit on, which is taken or the first of all. */
static bool up(const struct part *part, uint64_t from, uint64_t cnt, uint64_t *ret_first)
{
	unsigned int i = (unsigned int)from / 64, low;
	uint64_t words, found;

	if (cnt >= UNIT_CNT)
		return false;
	words = lanes_reach(&part->holes, cnt) & UINT64_MAX << (i * 8);
	if (from && words & bit_of(i * 8 + 7)) {
		/* The holes of this word may lie below. */
		found = runs(part->words[i].taken | (bit_of((unsigned int)from) - 1), cnt);
		*ret_first = i * 64 + (found ? phyr_bits_ctz(found) : 0);
		if (found)
			return true;
		words &= ~bit_of(i * 8 + 7);
	}
	if (!words)
		return false;
	i = phyr_bits_ctz(words) / 8;
	low = i * 64 + phyr_bits_ctz(part->words[i].taken);
	*ret_first = phyr_part_free_from(part, low);
	if (low - *ret_first < cnt)
		*ret_first = i * 64 + phyr_bits_ctz(runs(part->words[i].taken, cnt));
	return true;
}

/* The last unit of the shortest hole of cnt between two units. */
static bool tight(const struct part *part, struct span bounds, uint64_t cnt, uint64_t *ret_last)
{
	unsigned int top = phyr_part_down(part, (unsigned int)bounds.last, true);
	struct span hole = { top, 0 };
	uint64_t least = UNIT_CNT;

	if (top == UNIT_CNT)
		return false;
	while (least && hole_below(part, hole.first, &hole) && hole.first >= bounds.first) {
		uint64_t more = hole.last - hole.first + 1 - cnt;

		if (hole.last - hole.first >= cnt - 1 && more < least) {
			least = more;
			*ret_last = hole.last;
		}
	}
	return least < UNIT_CNT;
}

bool phyr_part_find(const struct part *part, unsigned int level, struct span bounds,
		    const struct want_hole *want, uint64_t *ret)
{
	unsigned int lg2 = unit_lg2(level);
	struct span units = { bounds.first >> lg2, bounds.last >> lg2 };
	uint64_t cnt = (want->cnt + phyr_bits_mask(lg2)) >> lg2, unit;

	if (want->which == LOWEST) {
		if (!up(part, units.first, cnt, &unit))
			return false;
		*ret = unit << lg2;
		return true;
	}
	if (want->which == HIGHEST ? !down(part, units.last, cnt, &unit) :
				     !tight(part, units, cnt, &unit))
		return false;
	*ret = ((unit + 1) << lg2) - want->cnt;
	return true;
}
