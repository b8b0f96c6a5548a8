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

	for (unsigned int run = 1; run < cnt;) {
		unsigned int step = run < cnt - run ? run : (unsigned int)cnt - run;

		free &= free >> step;
		run += step;
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

/* The last unit of the highest hole of cnt below a taken unit, which is `upto` or below that. */
static bool down(const struct part *part, uint64_t upto, uint64_t cnt, uint64_t *ret_last)
{
	unsigned int top = phyr_part_down(part, (unsigned int)upto, true), i = top / 64;
	uint64_t taken, end; /* end: of what is free at the bottom of the words above */

	if (top == UNIT_CNT || top < cnt)
		return false;
	taken = part->words[i].taken | UINT64_MAX << (top & 63);
	for (end = (i + 1) * 64;; taken = part->words[i].taken) {
		uint64_t found = 0;

		if (taken && end - (i * 64 + phyr_bits_log2(taken) + 1) >= cnt)
			break;
		if (part->inner[i] >= cnt)
			found = runs(taken, cnt);
		if (found) {
			end = i * 64 + phyr_bits_log2(found) + cnt;
			break;
		}
		if (taken)
			end = i * 64 + phyr_bits_ctz(taken);
		if (i-- == 0)
			break;
	}
	*ret_last = end - 1;
	return end >= cnt;
}

/* The first unit of the lowest hole of cnt from a unit on, which is taken or the first of all. */
static bool up(const struct part *part, uint64_t from, uint64_t cnt, uint64_t *ret_first)
{
	uint64_t below = bit_of((unsigned int)from) - 1;
	uint64_t first = from / 64 * 64; /* of what is free at the top of the words below */

	for (uint64_t i = from / 64; i < WORD_CNT; i++, below = 0) {
		uint64_t taken = part->words[i].taken | below, found = 0;

		if (!taken)
			continue;
		if (i * 64 + phyr_bits_ctz(taken) - first < cnt) {
			if (part->inner[i] >= cnt)
				found = runs(taken, cnt);
			first = i * 64 + (found ? phyr_bits_ctz(found) : phyr_bits_log2(taken) + 1);
			if (!found)
				continue;
		}
		*ret_first = first;
		return true;
	}
	return false;
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
