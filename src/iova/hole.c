/* SPDX-License-Identifier: MIT */
/*
 * Holes of at least so many granules in a part without kids: the highest, the lowest, the tightest.
 *
 * All of it is in units: of granules, a hole has whole units. Only holes below something taken:
 * those at the top belong to what is above.
 */

#include "tree.h"

/* Up to here words of places are faster than a look at every hole: there may be many. */
#define PLACES_MAX 8

/* The bits of `low` from which cnt ≤ 64 bits are ones, on into `high`. */
static uint64_t runs(uint64_t low, uint64_t high, unsigned int cnt)
{
	for (unsigned int run = 1; run < cnt;) {
		unsigned int step = run < cnt - run ? run : cnt - run;

		low &= low >> step | high << (64 - step);
		high &= high >> step;
		run += step;
	}
	return low;
}

/* Word i of the units from which cnt ≤ 64 are free. */
static uint64_t places(const struct part *part, unsigned int i, unsigned int cnt)
{
	uint64_t high = i + 1 < WORD_CNT ? ~part->words[i + 1].taken : 0;

	return part->words[i].taken == UINT64_MAX ? 0 : runs(~part->words[i].taken, high, cnt);
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

/* The last unit of the highest hole of cnt below a taken unit. */
static bool down_long(const struct part *part, unsigned int top, uint64_t cnt, uint64_t *ret_last)
{
	struct span hole = { top, 0 };

	while (hole_below(part, hole.first, &hole)) {
		if (hole.last - hole.first >= cnt - 1) {
			*ret_last = hole.last;
			return true;
		}
	}
	return false;
}

static bool down(const struct part *part, uint64_t upto, uint64_t cnt, uint64_t *ret_last)
{
	unsigned int top = phyr_part_down(part, (unsigned int)upto, true);
	uint64_t mask;

	if (top == UNIT_CNT || top < cnt)
		return false;
	if (cnt > PLACES_MAX)
		return down_long(part, top, cnt, ret_last);
	mask = bits_between(0, (top - cnt) & 63);
	for (unsigned int i = (unsigned int)(top - cnt) / 64 + 1; i-- > 0; mask = UINT64_MAX) {
		uint64_t found = places(part, i, (unsigned int)cnt) & mask;

		if (found) {
			*ret_last = i * 64 + phyr_bits_log2(found) + cnt - 1;
			return true;
		}
	}
	return false;
}

/* The first unit of the lowest hole of cnt from a unit on. */
static bool up(const struct part *part, uint64_t from, uint64_t cnt, uint64_t *ret_first)
{
	while (from < UNIT_CNT) {
		unsigned int first = phyr_part_up(part, (unsigned int)from, false);
		unsigned int taken = phyr_part_up(part, first, true);

		if (taken == UNIT_CNT)
			return false;
		if (taken - first >= cnt) {
			*ret_first = first;
			return true;
		}
		from = taken;
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
