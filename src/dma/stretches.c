/* SPDX-License-Identifier: MIT */
/*
 * The CPU's bytes of a mapping.
 *
 * A fixed array, so that a sync never needs memory. Not here: whose mapping it is (checker.c).
 */

#include "stretches.h"

/* Adds a stretch behind the others; one that goes on is made longer. */
static void push(struct stretches *to, struct stretch stretch)
{
	struct stretch *before = to->cnt ? &to->at[to->cnt - 1] : NULL;

	if (before && before->sure == stretch.sure && before->last + 1 == stretch.first)
		before->last = stretch.last;
	else
		to->at[to->cnt++] = stretch;
}

/* Joins the two that have the least between them. */
static void join_nearest(struct stretches *stretches)
{
	struct stretch *at = stretches->at;
	unsigned int best = 0;

	for (unsigned int i = 1; i + 1 < stretches->cnt; i++) {
		if (at[i + 1].first - at[i].last < at[best + 1].first - at[best].last)
			best = i;
	}
	at[best].last = at[best + 1].last;
	at[best].sure = false;
	stretches->cnt--;
	for (unsigned int i = best + 1; i < stretches->cnt; i++)
		at[i] = at[i + 1];
}

void phyr_stretches_set(struct stretches *stretches, uint64_t first, uint64_t last, bool cpu)
{
	const struct stretches old = *stretches;
	const struct stretch own = { first, last, true };
	bool due = cpu;

	stretches->cnt = 0;
	for (unsigned int i = 0; i < old.cnt; i++) {
		struct stretch left = old.at[i], right = old.at[i];

		if (left.first < first) {
			left.last = left.last < first ? left.last : first - 1;
			push(stretches, left);
		}
		if (right.last <= last)
			continue;
		if (due)
			push(stretches, own);
		due = false;
		right.first = right.first > last ? right.first : last + 1;
		push(stretches, right);
	}
	if (due)
		push(stretches, own);
	while (stretches->cnt > STRETCH_MAX)
		join_nearest(stretches);
}

bool phyr_stretches_may_hold(const struct stretches *stretches, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < stretches->cnt; i++) {
		const struct stretch *at = &stretches->at[i];

		if (at->last < first)
			continue;
		if (at->first > first || at->last >= last)
			return at->first <= first;
		first = at->last + 1;
	}
	return false;
}

bool phyr_stretches_touch(const struct stretches *stretches, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < stretches->cnt; i++) {
		const struct stretch *at = &stretches->at[i];

		if (at->sure && at->first <= last && at->last >= first)
			return true;
	}
	return false;
}
