/* SPDX-License-Identifier: MIT */
/*
 * The stores of one call into page tables, as a test build of the writer tells of them before each:
 * taken back, done again one by one, and watched by the hardware walker after each.
 *
 * A device may look at any moment. At each watched address it must see what was there before the
 * call or what is there after it, nothing else, and go from one to the other once; where Arm breaks
 * before it makes, it may see nothing in between. What appears in
 * a place where there was no table appears all at once, so that a large mapping never looks as if
 * it had holes.
 */
#ifndef PHYR_PAGETABLE_STORES_H
#define PHYR_PAGETABLE_STORES_H

#include <phyrsim/walker.h>

#include "../sim/pagetable/store.h"
#include "pagetable_formats.h"

#define STORES_MAX 65536
#define WATCHES_MAX 96

struct store {
	phyr_pa item;
	uint64_t before, after;
};

/* What is seen at an address. */
struct view {
	bool there, broken; /* a translation; a fault that is not absence */
	uint64_t pa;
	unsigned int perm, attrs, lg2;
	uint64_t slot; /* [pa] the last item that was read; 0 = none */
};

struct watch {
	uint64_t iova;
	struct view old, new, now;
	size_t changed; /* by which store, from 1; 0 = not yet */
};

static struct {
	struct store stores[STORES_MAX];
	size_t store_cnt;
	struct watch watches[WATCHES_MAX];
	size_t watch_cnt;
	bool breaks; /* what is there may be absent before it is replaced */
	uint64_t seen_cnt, half_cnt, absent_cnt; /* looks; those at half a group, by an audit; at
						    what was absent so */
} call;

void phyrsim_pagetable_record(phyr_pa item, uint64_t value)
{
	const uint64_t *words = phyrsim_mem_frame(w.mem, item);
	struct store *store = &call.stores[call.store_cnt++];

	assert_non_null(words);
	assert_true(call.store_cnt < STORES_MAX);
	store->item = item;
	store->before = words[item.addr / sizeof(value) % 512];
	store->after = value;
}

static inline void watch(uint64_t iova)
{
	if (call.watch_cnt < WATCHES_MAX)
		call.watches[call.watch_cnt++].iova = iova;
}

/* Is the memory of an item still there? A call that failed may have given it back. */
static inline bool put(phyr_pa item, uint64_t value)
{
	uint64_t *words = phyrsim_mem_frame(w.mem, item);

	if (words)
		words[item.addr / sizeof(value) % 512] = value;
	return words != NULL;
}

/* How many of the stores went into memory that is still there; all are taken back. */
static inline size_t take_back(void)
{
	size_t cnt = 0;

	for (size_t i = call.store_cnt; i > 0; i--)
		cnt += put(call.stores[i - 1].item, call.stores[i - 1].before);
	return cnt;
}

/* What cannot be read: it is for writing alone, or until hardware marks it for nothing. */
static inline struct view look_unread(const struct phyrsim_root *root, uint64_t iova,
				      struct view view)
{
	struct phyrsim_path path;

	view.there = phyrsim_walk_path(w.mem, root, phyr_iova_at(iova), &path) == PHYR_OK;
	view.broken = !view.there;
	view.pa = path.pa.addr + (iova - path.first.addr);
	view.perm = path.privileged;
	view.attrs = path.attrs;
	view.lg2 = path.leaf_lg2;
	return view;
}

/* As hardware sees it that may do everything. */
static inline struct view look(const struct phyrsim_root *root, uint64_t iova, unsigned int flags)
{
	struct phyrsim_access access = { { iova }, RO, PHYRSIM_WALK_PRIVILEGED | flags };
	struct view view = { 0 };
	struct phyrsim_walk walk;
	int err = phyrsim_walk(w.mem, root, &access, &walk);

	view.slot = walk.entry_pa.addr;
	if (err == PHYR_E_FAULT && walk.fault == PHYRSIM_FAULT_READ)
		return look_unread(root, iova, view);
	view.there = err == PHYR_OK;
	view.broken = !view.there && walk.fault != PHYRSIM_FAULT_NOT_PRESENT &&
		      walk.fault != PHYRSIM_FAULT_WIDTH;
	if (!view.there)
		return view;
	view.pa = walk.pa.addr;
	view.perm = walk.perm;
	view.attrs = walk.attrs;
	view.lg2 = walk.leaf_lg2;
	return view;
}

static inline bool same_view(const struct view *a, const struct view *b)
{
	return a->there == b->there && !a->broken && !b->broken && a->pa == b->pa &&
	       a->perm == b->perm && a->attrs == b->attrs && a->lg2 == b->lg2;
}

/* Looks again behind store number `store`; false when that may not be seen. */
static inline bool look_again(const struct phyrsim_root *root, struct watch *at, size_t store)
{
	struct view now = look(root, at->iova, 0);
	bool once = at->changed == 0;

	call.seen_cnt++;
	if (now.there && look(root, at->iova, PHYRSIM_WALK_AUDIT).broken)
		call.half_cnt++;
	if (same_view(&now, &at->now))
		return true;
	at->now = now;
	if (call.breaks && once && at->old.there && !now.there && !now.broken) {
		call.absent_cnt++;
		return true;
	}
	at->changed = store;
	return once && same_view(&now, &at->new);
}

/* Watches whose walks ended at the same empty item before, and did not change together. */
static inline size_t count_apart(void)
{
	size_t cnt = 0;

	for (size_t i = 0; i < call.watch_cnt; i++) {
		const struct watch *a = &call.watches[i];

		for (size_t j = 0; j < i; j++) {
			const struct watch *b = &call.watches[j];

			cnt += !a->old.there && !b->old.there && a->new.there && b->new.there &&
			       a->old.slot == b->old.slot && a->changed != b->changed;
		}
	}
	return cnt;
}

/* What is there after the call. */
static inline void look_new(const struct phyrsim_root *root)
{
	for (size_t i = 0; i < call.watch_cnt; i++)
		call.watches[i].new = look(root, call.watches[i].iova, 0);
}

/* Does all stores again, in the order in which they stand. Returns how much is seen that may not. */
static inline size_t replay(const struct phyrsim_root *root)
{
	size_t wrong_cnt = 0;

	take_back();
	for (size_t i = 0; i < call.watch_cnt; i++) {
		struct watch *at = &call.watches[i];

		at->old = at->now = look(root, at->iova, 0);
		at->changed = 0;
		wrong_cnt += at->old.broken;
	}
	for (size_t i = 0; i < call.store_cnt; i++) {
		put(call.stores[i].item, call.stores[i].after);
		for (size_t j = 0; j < call.watch_cnt; j++)
			wrong_cnt += !look_again(root, &call.watches[j], i + 1);
	}
	for (size_t i = 0; i < call.watch_cnt; i++)
		wrong_cnt += !same_view(&call.watches[i].now, &call.watches[i].new);
	return wrong_cnt + count_apart();
}

#endif
