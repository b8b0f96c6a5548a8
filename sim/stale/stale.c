/* SPDX-License-Identifier: MIT */
/*
 * What may be cached after hardware has translated, what commands drop of it, and what of the rest
 * does not agree with the tables.
 *
 * Hardware may cache a leaf of several items item by item, or as one. Where a command drops what it
 * overlaps the items are harder to drop, and where it drops what lies in it whole the leaf is: the
 * harder is held.
 *
 * Not here: where it is kept (shadow.c); what tables say (the walker); caches that are smaller than
 * everything.
 */
#include <phyrsim/walker.h>

#include "shadow.h"

static bool drops_whole(const struct phyrsim_stale *stale)
{
	return stale->personality == PHYRSIM_INVAL_AMD ||
	       stale->personality == PHYRSIM_INVAL_AMD_EXACT;
}

/* [log2 bytes] what one item translates where a path ends */
static unsigned int item_lg2(const struct phyrsim_root *root, const struct phyrsim_path *path)
{
	return root->granule_lg2 + (root->granule_lg2 - 3) * path->level;
}

static struct phyrsim_cached pointer_of(const struct phyrsim_pointer *pointer)
{
	struct phyrsim_cached cached = { .kind = PHYRSIM_CACHED_TABLE };

	cached.first = pointer->first.addr;
	cached.pa = pointer->table.addr;
	cached.lg2 = (uint8_t)pointer->lg2;
	cached.level = (uint8_t)pointer->level;
	return cached;
}

static struct phyrsim_cached leaf_of(const struct phyrsim_stale *stale,
				     const struct phyrsim_root *root,
				     const struct phyrsim_path *path)
{
	struct phyrsim_cached cached = { .kind = PHYRSIM_CACHED_LEAF };
	unsigned int lg2 = item_lg2(root, path);

	cached.level = (uint8_t)path->level;
	cached.above_lg2 = (uint8_t)(lg2 + root->granule_lg2 - 3);
	cached.leaf_lg2 = (uint8_t)path->leaf_lg2;
	cached.lg2 = drops_whole(stale) ? cached.leaf_lg2 : (uint8_t)lg2;
	cached.first = phyr_bits_down(path->first.addr, cached.lg2);
	cached.pa = path->pa.addr - (path->first.addr - cached.first);
	cached.perm = (uint8_t)path->perm;
	cached.privileged = (uint8_t)path->privileged;
	cached.attrs = (uint8_t)path->attrs;
	return cached;
}

static struct phyrsim_cached absence_of(const struct phyrsim_root *root,
					const struct phyrsim_path *path)
{
	struct phyrsim_cached cached = { .kind = PHYRSIM_CACHED_ABSENCE };

	cached.first = path->first.addr;
	cached.lg2 = (uint8_t)item_lg2(root, path);
	cached.level = (uint8_t)path->level;
	return cached;
}

/* The pointers of a path but those that it shares with the one before. */
static int note_pointers(struct phyrsim_stale *stale, const struct phyrsim_path *path,
			 const struct phyrsim_path *before)
{
	int err = PHYR_OK;

	for (unsigned int i = 0; i < path->pointer_cnt && err == PHYR_OK; i++) {
		struct phyrsim_cached cached = pointer_of(&path->pointers[i]);

		if (i >= before->pointer_cnt ||
		    before->pointers[i].first.addr != path->pointers[i].first.addr)
			err = phyrsim_shadow_add(stale, &cached);
	}
	return err;
}

/* What a path ends in; the last byte of which that is known comes back. */
static int note_end(struct phyrsim_stale *stale, const struct phyrsim_root *root,
		    const struct phyrsim_path *path, uint64_t *ret_last)
{
	struct phyrsim_cached cached;

	*ret_last = path->last.addr;
	if (path->fault == PHYRSIM_FAULT_NONE)
		cached = leaf_of(stale, root, path);
	else if (path->fault == PHYRSIM_FAULT_NOT_PRESENT && stale->caching_mode)
		cached = absence_of(root, path);
	else
		return PHYR_OK;
	*ret_last = phyrsim_cached_last(&cached);
	return phyrsim_shadow_add(stale, &cached);
}

static int note_reach(struct phyrsim_stale *stale, const struct phyrsim_root *root,
		      struct phyrsim_reach reach)
{
	struct phyrsim_path paths[2];
	const struct phyrsim_path *before = &paths[1];
	struct phyrsim_path *path = &paths[0];
	uint64_t at = reach.first;
	uint64_t last;

	paths[1].pointer_cnt = 0;
	for (;;) {
		int err = phyrsim_walk_path(stale->frames, root, phyr_iova_at(at), path);

		if (err != PHYR_OK && err != PHYR_E_FAULT)
			return err;
		err = note_pointers(stale, path, before);
		if (err == PHYR_OK)
			err = note_end(stale, root, path, &last);
		if (err != PHYR_OK || last >= reach.last)
			return err;
		at = last + 1;
		before = path;
		path = path == &paths[0] ? &paths[1] : &paths[0];
	}
}

int phyrsim_stale_note(struct phyrsim_stale *stale, const struct phyrsim_root *root,
		       struct phyr_iova_range range)
{
	struct phyrsim_reach reach = { range.iova.addr, 0 };

	if (!stale || !root)
		return PHYR_E_INVAL;
	if (range.len == 0)
		return PHYR_OK;
	if (!phyr_bits_last(reach.first, range.len, &reach.last))
		return PHYR_E_RANGE;
	return note_reach(stale, root, reach);
}

/* Is a leaf one that a command means which overlaps it? */
static bool leaf_dropped(const struct phyrsim_stale *stale, const struct phyrsim_cached *leaf,
			 const struct phyrsim_command *command, struct phyrsim_reach reach)
{
	unsigned int hint = command->leaf_lg2;

	if (drops_whole(stale) &&
	    (leaf->first < reach.first || phyrsim_cached_last(leaf) > reach.last))
		return false;
	return hint == 0 || (hint >= leaf->lg2 && hint < leaf->above_lg2);
}

/* Is something one that a command means which overlaps it? */
static bool dropped(const struct phyrsim_stale *stale, const struct phyrsim_cached *cached,
		    const struct phyrsim_command *command, struct phyrsim_reach reach)
{
	switch (cached->kind) {
	case PHYRSIM_CACHED_LEAF:
		return leaf_dropped(stale, cached, command, reach);
	case PHYRSIM_CACHED_TABLE:
		/* Of the pointers, those on the way to leaves of the level. */
		return command->walk && command->leaf_lg2 < cached->lg2;
	default:
		return command->walk || cached->level == 0;
	}
}

void phyrsim_stale_apply(struct phyrsim_stale *stale, const struct phyrsim_command *command)
{
	struct phyrsim_reach reach = { 0, UINT64_MAX };
	struct phyrsim_cursor cursor;
	size_t i;

	if (command->kind != PHYR_FLUSH_DOMAIN) {
		reach.first = command->range.iova.addr;
		if (!phyr_bits_last(reach.first, command->range.len, &reach.last))
			return;
	}
	phyrsim_shadow_find(stale, reach, &cursor);
	while ((i = phyrsim_shadow_next(stale, &cursor)) != PHYRSIM_NOWHERE) {
		if (dropped(stale, &stale->links[i].cached, command, reach))
			phyrsim_shadow_drop(stale, i);
	}
}

static enum phyrsim_stale_cause table_cause(const struct phyrsim_cached *cached,
					    const struct phyrsim_path *path)
{
	unsigned int i = 0;

	while (i < path->pointer_cnt && path->pointers[i].lg2 != cached->lg2)
		i++;
	if (i == path->pointer_cnt)
		return PHYRSIM_STALE_TABLE_GONE;
	if (path->pointers[i].table.addr != cached->pa || path->pointers[i].level != cached->level)
		return PHYRSIM_STALE_TABLE_CHANGED;
	return PHYRSIM_STALE_NONE;
}

static enum phyrsim_stale_cause leaf_cause(const struct phyrsim_stale *stale,
					   const struct phyrsim_root *root,
					   const struct phyrsim_cached *cached,
					   const struct phyrsim_path *path)
{
	struct phyrsim_cached now;

	if (path->fault != PHYRSIM_FAULT_NONE)
		return PHYRSIM_STALE_LEAF_GONE;
	now = leaf_of(stale, root, path);
	return phyrsim_cached_equal(&now, cached) ? PHYRSIM_STALE_NONE : PHYRSIM_STALE_LEAF_CHANGED;
}

/* The item itself must be absent, or the table that it was in. */
static enum phyrsim_stale_cause absence_cause(const struct phyrsim_cached *cached,
					      const struct phyrsim_path *path)
{
	bool absent = path->fault == PHYRSIM_FAULT_NOT_PRESENT && path->level >= cached->level;

	return absent ? PHYRSIM_STALE_NONE : PHYRSIM_STALE_ABSENCE;
}

static enum phyrsim_stale_cause cause_of(const struct phyrsim_stale *stale,
					 const struct phyrsim_root *root,
					 const struct phyrsim_cached *cached,
					 const struct phyrsim_path *path)
{
	switch (cached->kind) {
	case PHYRSIM_CACHED_LEAF:
		return leaf_cause(stale, root, cached, path);
	case PHYRSIM_CACHED_TABLE:
		return table_cause(cached, path);
	default:
		return absence_cause(cached, path);
	}
}

/* Of two with one address the smaller is told. */
static void add_report(struct phyrsim_stale_report *report, const struct phyrsim_cached *cached,
		       enum phyrsim_stale_cause cause)
{
	if (cause == PHYRSIM_STALE_NONE)
		return;
	if (report->cnt++ > 0 &&
	    (report->iova.addr < cached->first ||
	     (report->iova.addr == cached->first && report->lg2 <= cached->lg2)))
		return;
	report->cause = cause;
	report->iova = phyr_iova_at(cached->first);
	report->lg2 = cached->lg2;
	report->pa = phyr_pa_at(cached->pa);
}

static int check_reach(const struct phyrsim_stale *stale, const struct phyrsim_root *root,
		       struct phyrsim_reach reach, struct phyrsim_stale_report *ret_report)
{
	struct phyrsim_stale_report report = { 0 };
	struct phyrsim_cursor cursor;
	size_t i;

	phyrsim_shadow_find(stale, reach, &cursor);
	while ((i = phyrsim_shadow_next(stale, &cursor)) != PHYRSIM_NOWHERE) {
		const struct phyrsim_cached *cached = &stale->links[i].cached;
		struct phyrsim_path path;
		int err =
			phyrsim_walk_path(stale->frames, root, phyr_iova_at(cached->first), &path);

		if (err != PHYR_OK && err != PHYR_E_FAULT)
			return err;
		add_report(&report, cached, cause_of(stale, root, cached, &path));
	}
	*ret_report = report;
	return report.cnt ? PHYR_E_FAULT : PHYR_OK;
}

int phyrsim_stale_check(const struct phyrsim_stale *stale, const struct phyrsim_root *root,
			struct phyrsim_stale_report *ret_report)
{
	struct phyrsim_reach everything = { 0, UINT64_MAX };

	if (!stale || !root || !ret_report)
		return PHYR_E_INVAL;
	return check_reach(stale, root, everything, ret_report);
}

int phyrsim_stale_check_range(const struct phyrsim_stale *stale, const struct phyrsim_root *root,
			      struct phyr_iova_range range, struct phyrsim_stale_report *ret_report)
{
	struct phyrsim_reach reach = { range.iova.addr, 0 };

	if (!stale || !root || !ret_report || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(reach.first, range.len, &reach.last))
		return PHYR_E_RANGE;
	return check_reach(stale, root, reach, ret_report);
}

int phyrsim_stale_check_freed(const struct phyrsim_stale *stale,
			      struct phyrsim_stale_report *ret_report)
{
	struct phyrsim_reach everything = { 0, UINT64_MAX };
	struct phyrsim_stale_report report = { 0 };
	struct phyrsim_cursor cursor;
	size_t i;

	if (!stale || !ret_report)
		return PHYR_E_INVAL;
	phyrsim_shadow_find(stale, everything, &cursor);
	while ((i = phyrsim_shadow_next(stale, &cursor)) != PHYRSIM_NOWHERE) {
		const struct phyrsim_cached *cached = &stale->links[i].cached;

		if (cached->kind == PHYRSIM_CACHED_TABLE &&
		    !phyrsim_mem_frame(stale->frames, phyr_pa_at(cached->pa)))
			add_report(&report, cached, PHYRSIM_STALE_TABLE_GONE);
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
	case PHYRSIM_STALE_ABSENCE:
		return "absence of what is there now";
	}
	return "?";
}
