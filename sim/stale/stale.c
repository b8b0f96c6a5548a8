/* SPDX-License-Identifier: MIT */
/*
 * What may be cached after hardware has translated, what commands drop of it, and what of the rest
 * does not agree with the tables.
 *
 * Not here: where it is kept (shadow.c); caches that are smaller than everything.
 */
#include "path.h"
#include "shadow.h"

/* A pointer to each table on the way but the top one, which no table points to. */
static int note_tables(struct phyrsim_stale *stale, const struct phyrsim_root *root, uint64_t at,
		       const struct phyrsim_path *path)
{
	int err = PHYR_OK;

	for (unsigned int level = path->walk.level; level + 1 < root->level_cnt && !err; level++) {
		struct phyrsim_cached cached = { 0 };

		cached.table = true;
		cached.lg2 = (uint8_t)phyrsim_path_item_lg2(level + 1);
		cached.first = phyr_bits_down(at, cached.lg2);
		cached.pa = path->table[level].addr;
		err = phyrsim_shadow_add(stale, &cached);
	}
	return err;
}

static struct phyrsim_cached leaf_of(uint64_t at, const struct phyrsim_walk *walk)
{
	struct phyrsim_cached cached = { 0 };

	cached.lg2 = (uint8_t)walk->leaf_lg2;
	cached.perm = (uint8_t)walk->perm;
	cached.first = phyr_bits_down(at, cached.lg2);
	cached.pa = phyr_bits_down(walk->pa.addr, cached.lg2);
	return cached;
}

/* One address; the last byte of what was looked at with it comes back. */
static int note_at(struct phyrsim_stale *stale, const struct phyrsim_root *root, uint64_t at,
		   uint64_t *ret_last)
{
	struct phyrsim_cached leaf;
	struct phyrsim_path path;
	int err = phyrsim_path(stale->frames, root, phyr_iova_at(at), &path);

	if (err != PHYR_OK)
		return err;
	*ret_last = at | phyr_bits_mask(phyrsim_path_item_lg2(path.walk.level));
	err = note_tables(stale, root, at, &path);
	if (err != PHYR_OK || !path.mapped)
		return err;
	leaf = leaf_of(at, &path.walk);
	*ret_last = phyrsim_cached_last(&leaf);
	return phyrsim_shadow_add(stale, &leaf);
}

int phyrsim_stale_note(struct phyrsim_stale *stale, const struct phyrsim_root *root,
		       struct phyr_iova_range range)
{
	uint64_t at = range.iova.addr;
	uint64_t last, seen;

	if (!stale || !root)
		return PHYR_E_INVAL;
	if (range.len == 0)
		return PHYR_OK;
	if (!phyr_bits_last(at, range.len, &last))
		return PHYR_E_RANGE;
	do {
		int err = note_at(stale, root, at, &seen);

		if (err != PHYR_OK)
			return err;
		at = seen + 1;
	} while (seen < last);
	return PHYR_OK;
}

static bool leaf_dropped(const struct phyrsim_stale *stale, const struct phyrsim_cached *leaf,
			 const struct phyrsim_command *command)
{
	unsigned int hint = command->leaf_lg2;

	if (stale->personality == PHYRSIM_INVAL_AMD ||
	    stale->personality == PHYRSIM_INVAL_AMD_EXACT)
		return leaf->first >= command->range.iova.addr &&
		       phyrsim_cached_last(leaf) - command->range.iova.addr < command->range.len;
	return hint == 0 || phyrsim_path_level(leaf->lg2) == phyrsim_path_level(hint);
}

static bool survives(const struct phyrsim_stale *stale, const struct phyrsim_cached *cached,
		     const void *ctx)
{
	const struct phyrsim_command *command = ctx;
	uint64_t first = command->range.iova.addr;
	uint64_t last;

	if (command->kind == PHYR_FLUSH_DOMAIN)
		return cached->table && !command->walk;
	if (!phyr_bits_last(first, command->range.len, &last))
		return true;
	if (cached->first > last || phyrsim_cached_last(cached) < first)
		return true;
	return cached->table ? !command->walk : !leaf_dropped(stale, cached, command);
}

void phyrsim_stale_apply(struct phyrsim_stale *stale, const struct phyrsim_command *command)
{
	phyrsim_shadow_filter(stale, survives, command);
}

static enum phyrsim_stale_cause table_cause(const struct phyrsim_cached *cached,
					    const struct phyrsim_path *path)
{
	unsigned int level = phyrsim_path_level(cached->lg2) - 1;

	if (path->walk.level > level)
		return PHYRSIM_STALE_TABLE_GONE;
	return path->table[level].addr == cached->pa ? PHYRSIM_STALE_NONE :
						       PHYRSIM_STALE_TABLE_CHANGED;
}

static enum phyrsim_stale_cause leaf_cause(const struct phyrsim_cached *cached,
					   const struct phyrsim_path *path)
{
	struct phyrsim_cached now;

	if (!path->mapped)
		return PHYRSIM_STALE_LEAF_GONE;
	now = leaf_of(cached->first, &path->walk);
	if (now.pa != cached->pa || now.lg2 != cached->lg2 || now.perm != cached->perm)
		return PHYRSIM_STALE_LEAF_CHANGED;
	return PHYRSIM_STALE_NONE;
}

static void add_report(struct phyrsim_stale_report *report, const struct phyrsim_cached *cached,
		       enum phyrsim_stale_cause cause)
{
	if (cause == PHYRSIM_STALE_NONE)
		return;
	if (report->cnt++ > 0 && report->iova.addr <= cached->first)
		return;
	report->cause = cause;
	report->iova = phyr_iova_at(cached->first);
	report->lg2 = cached->lg2;
	report->pa = phyr_pa_at(cached->pa);
}

int phyrsim_stale_check(const struct phyrsim_stale *stale, const struct phyrsim_root *root,
			struct phyrsim_stale_report *ret_report)
{
	struct phyrsim_stale_report report = { 0 };

	if (!stale || !root || !ret_report)
		return PHYR_E_INVAL;
	for (size_t i = 0; i < stale->cnt; i++) {
		const struct phyrsim_cached *cached = &stale->links[i].cached;
		struct phyrsim_path path;
		int err = phyrsim_path(stale->frames, root, phyr_iova_at(cached->first), &path);

		if (err != PHYR_OK)
			return err;
		add_report(&report, cached,
			   cached->table ? table_cause(cached, &path) : leaf_cause(cached, &path));
	}
	*ret_report = report;
	return report.cnt ? PHYR_E_FAULT : PHYR_OK;
}

const char *phyrsim_stale_cause_name(enum phyrsim_stale_cause cause)
{
	switch (cause) {
	case PHYRSIM_STALE_NONE:
		return "nothing";
	case PHYRSIM_STALE_LEAF_GONE:
		return "removed translation";
	case PHYRSIM_STALE_LEAF_CHANGED:
		return "changed translation";
	case PHYRSIM_STALE_TABLE_GONE:
		return "pointer to a removed table";
	case PHYRSIM_STALE_TABLE_CHANGED:
		return "pointer to a replaced table";
	}
	return "?";
}
