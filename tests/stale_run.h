/* SPDX-License-Identifier: MIT */
/*
 * Random maps, unmaps, changes of permissions, splits, marks that are set and cleared, and flushes on a
 * simulated IOMMU of any format, with hardware that caches all it can. What was removed is not mapped
 * again before its flush.
 */
#ifndef PHYR_TEST_STALE_RUN_H
#define PHYR_TEST_STALE_RUN_H

#include <phyrsim/walker.h>

#include "stale_world.h"

#define CENTRE_CNT 5
#define AROUND 5 /* slots around each centre */
#define SLOT_CNT (CENTRE_CNT * AROUND)
#define GATHER_CNT 3

/* When what is removed is flushed. */
enum mode {
	MODE_STRICT, /* at once */
	MODE_BATCH,  /* all at once, in one gather */
	MODE_MANY,   /* in gathers that are flushed in any order */
	MODE_LAZY,   /* by one command for everything, after which gathers are released */
	MODE_CNT,
};

/* Twice what an item of level 1 translates; what was unmapped may not be mapped before the flush. */
struct slot {
	uint64_t base;
	uint64_t first;	      /* what is mapped */
	uint64_t len;	      /* 0 = nothing */
	unsigned int pending; /* bit i: something waits in gather i */
	unsigned int split;   /* bit i: of that, leaves that were split */
};

struct run {
	struct world world;
	struct phyr_gather gathers[GATHER_CNT];
	struct slot slots[SLOT_CNT];
	enum mode mode;
	bool until_stale; /* what was stale once ends the run */
	uint64_t granule;
	uint64_t slot_len;
	uint64_t random;
	unsigned int changed; /* bit i: something around centre i, not checked yet */
	uint64_t check_cnt;
	uint64_t stale_cnt;
	unsigned int causes;		   /* bit i: cause i was seen */
	struct phyrsim_stale_report found; /* the first */
};

/* What the hardware of a personality walks. */
static inline bool fits(enum phyrsim_personality personality, const struct config *config)
{
	enum phyrsim_format format = config->format;

	switch (personality) {
	case PHYRSIM_INVAL_GENERIC:
		return true;
	case PHYRSIM_INVAL_VTD:
	case PHYRSIM_INVAL_VTD_LINUX:
		return format == VTD || format == X86;
	case PHYRSIM_INVAL_AMD:
	case PHYRSIM_INVAL_AMD_EXACT:
		return format == AMD || format == X86;
	case PHYRSIM_INVAL_ARM:
	case PHYRSIM_INVAL_ARM_SINGLE:
		return format == ARM1 || format == ARM2;
	case PHYRSIM_INVAL_RISCV:
	case PHYRSIM_INVAL_RISCV_NL:
		return format == RV1 || format == RV2;
	}
	return false;
}

static inline uint64_t below(struct run *run, uint64_t end)
{
	return test_random(&run->random) % end;
}

static inline bool one_in(struct run *run, uint64_t cnt)
{
	return below(run, cnt) == 0;
}

static inline struct slot *any_slot(struct run *run)
{
	return &run->slots[below(run, SLOT_CNT)];
}

/* Both ends of the addresses, the middle, where tables grow or level 2 goes on, the upper half. */
static inline void place_slots(struct run *run, const struct config *config)
{
	uint64_t first = run->world.caps.iova.first.addr, last = run->world.caps.iova.last.addr;
	unsigned int lg2 = granule_lg2(&run->world), item2_lg2 = lg2 + 2 * (lg2 - 3);
	uint64_t half = (last - first) / 2 + 1, len = run->slot_len;
	uint64_t inner = config->format == AMD ? UINT64_C(1) << 39 : phyr_bits_size(item2_lg2);
	uint64_t centres[CENTRE_CNT] = {
		first + 2 * len,
		first + half,
		last + 1 - 3 * len,
		first + (inner < half ? inner : half / 2),
		config_signed(config) ? 0 - 3 * len : first + half / 2 + 8 * len,
	};

	for (size_t i = 0; i < SLOT_CNT; i++)
		run->slots[i].base = centres[i / AROUND] + (i % AROUND - 2) * len;
}

/* Two items of level 1; one with up to a table of small leaves before it; or behind it. */
static inline void choose_large(struct run *run, struct slot *slot)
{
	uint64_t item = run->slot_len / 2, small = below(run, 512) * run->granule;
	uint64_t what = below(run, 3);

	slot->first = slot->base + (what == 1 ? item - small : 0);
	slot->len = what == 0 ? run->slot_len : item + small;
}

/* Small and scattered, or large and of the same phase as the memory. */
static inline void map_slot(struct run *run, struct slot *slot)
{
	static const enum phyr_perm perms[] = { RW, RW, RO, WO };
	uint64_t item = run->slot_len / 2, granule = run->granule;
	uint64_t pa, phase;

	if (slot->pending || slot->len != 0)
		return;
	slot->first = slot->base + below(run, 4) * (run->slot_len / 8);
	slot->len = (1 + below(run, 24)) * granule;
	phase = below(run, item / granule) * granule;
	if (one_in(run, 3)) {
		choose_large(run, slot);
		phase = one_in(run, granule > K4 ? 64 : 8) ? phase : slot->first % item;
	}
	pa = below(run, 512) * item + phase;
	if (run->world.caps.pa_last.addr >> 51 != 0)
		pa |= below(run, 2) << 51;
	assert_int_equal(
		map_perm(&run->world, slot->first, pa, slot->len, perms[below(run, CNT(perms))]),
		PHYR_OK);
}

/*
 * A leaf that was split is invalidated before its pieces go or change, or together with them: so
 * these are for the gather that it waits in, if it waits.
 */
static inline size_t gather_of(const struct slot *slot, size_t gather)
{
	return slot->split ? phyr_bits_ctz(slot->split) : gather;
}

/* What changes a slot goes into the world's gather, which is then put back. */
static inline void begin(struct run *run, size_t gather)
{
	run->world.gather = run->gathers[gather];
}

static inline void end(struct run *run, size_t gather, const struct slot *slot)
{
	run->gathers[gather] = run->world.gather;
	run->changed |= 1u << (slot - run->slots) / AROUND;
}

/* All of it, or some granules of either end unless that would cut a leaf. */
static inline void unmap_slot(struct run *run, struct slot *slot, size_t gather)
{
	uint64_t len = slot->len;
	bool tail = one_in(run, 2);
	int err;

	if (len == 0)
		return;
	gather = gather_of(slot, gather);
	if (one_in(run, 2))
		len = (1 + below(run, len / run->granule)) * run->granule;
	begin(run, gather);
	err = unmap(&run->world, tail ? slot->first + slot->len - len : slot->first, len);
	end(run, gather, slot);
	if (err == PHYR_E_PARTIAL)
		return;
	assert_int_equal(err, PHYR_OK);
	slot->len -= len;
	slot->first += tail ? 0 : len;
	slot->pending |= 1u << gather;
}

/* Everything around a centre, holes and all. */
static inline void unmap_centre(struct run *run, size_t centre, size_t gather)
{
	struct slot *slots = &run->slots[centre * AROUND];
	struct phyr_iova_range range = { phyr_iova_at(slots->base), AROUND * run->slot_len };

	for (size_t i = 0; i < AROUND; i++) {
		if (slots[i].split & ~(1u << gather))
			return;
	}
	begin(run, gather);
	assert_int_equal(phyrsim_iommu_unmap_sparse(run->world.iommu, range, &run->world.gather),
			 PHYR_OK);
	end(run, gather, slots);
	for (size_t i = 0; i < AROUND; i++) {
		slots[i].pending |= slots[i].len ? 1u << gather : 0;
		slots[i].len = 0;
	}
}

/* Of some granules; the hardware may look at them again before the flush. */
static inline void protect_slot(struct run *run, struct slot *slot, size_t gather)
{
	uint64_t cnt = slot->len / run->granule;
	struct phyr_iova_range range;
	uint64_t skip;
	int err;

	if (cnt == 0)
		return;
	gather = gather_of(slot, gather);
	skip = one_in(run, 2) ? below(run, cnt) : 0;
	range.iova = phyr_iova_at(slot->first + skip * run->granule);
	range.len = (one_in(run, 2) ? cnt - skip : 1 + below(run, cnt - skip)) * run->granule;
	begin(run, gather);
	err = phyrsim_iommu_protect(run->world.iommu, range, one_in(run, 2) ? RW : RO,
				    one_in(run, 2) ? PHYRSIM_ATTR_NOEXEC : 0, &run->world.gather);
	end(run, gather, slot);
	if (err == PHYR_E_PARTIAL)
		return;
	assert_int_equal(err, PHYR_OK);
	slot->pending |= 1u << gather;
}

/* Anywhere in a slot; what stays of the leaf is looked at again before the flush. */
static inline void split_slot(struct run *run, struct slot *slot, size_t gather)
{
	uint64_t cnt = slot->len / run->granule;
	phyr_iova at = phyr_iova_at(slot->first);

	if (cnt == 0)
		return;
	gather = gather_of(slot, gather);
	at.addr += below(run, cnt) * run->granule;
	begin(run, gather);
	assert_int_equal(phyrsim_iommu_split(run->world.iommu, at, &run->world.gather), PHYR_OK);
	end(run, gather, slot);
	slot->pending |= 1u << gather;
	slot->split |= 1u << gather;
	if (one_in(run, 2))
		touch(&run->world, slot->first, slot->len);
}

/* Where the mark is a permission, hardware that sets it caches the new one instead of the old. */
static inline void renew_marked(struct run *run, phyr_iova iova)
{
	struct phyrsim_command own = { PHYR_FLUSH_RANGE, { iova, run->granule }, false, 0 };

	phyrsim_stale_apply(run->world.stale, &own);
	touch(&run->world, iova.addr, run->granule);
}

/* Hardware marks a few granules. */
static inline void mark_slot(struct run *run, const struct slot *slot)
{
	struct phyrsim_root root = root_of(&run->world);
	bool told = root.features & PHYRSIM_FEATURE_DIRTY;
	uint64_t cnt = slot->len / run->granule;

	for (unsigned int i = 0; i < 4 && cnt > 0; i++) {
		struct phyrsim_access access = { { slot->first + below(run, cnt) * run->granule },
						 one_in(run, 2) ? WO : RO,
						 PHYRSIM_WALK_UPDATE };
		struct phyrsim_walk walk;
		int err = phyrsim_walk(run->world.mem, &root, &access, &walk);

		assert_true(err == PHYR_OK || walk.fault == PHYRSIM_FAULT_READ ||
			    walk.fault == PHYRSIM_FAULT_WRITE);
		if (told && err == PHYR_OK && access.perm == WO)
			renew_marked(run, access.iova);
	}
}

/* Reads what is dirty around a centre and clears it. */
static inline void clean_centre(struct run *run, size_t centre, size_t gather)
{
	static uint64_t words[64];
	struct slot *slots = &run->slots[centre * AROUND];
	struct phyr_iova_range range = { phyr_iova_at(slots->base), AROUND * run->slot_len };
	struct phyrsim_dirty_bitmap bitmap = { words, 64 * 64, phyr_bits_ctz(run->slot_len / 8) };
	int err;

	begin(run, gather);
	err = phyrsim_iommu_read_dirty(run->world.iommu, range, 0, &bitmap, &run->world.gather);
	end(run, gather, slots);
	assert_true(err == PHYR_OK || err == PHYR_E_UNSUPPORTED);
	for (size_t i = 0; i < AROUND; i++)
		slots[i].pending |= slots[i].len ? 1u << gather : 0;
}

static inline void add_report(struct run *run, int err, const struct phyrsim_stale_report *report)
{
	assert_int_equal(err, report->cnt ? PHYR_E_FAULT : PHYR_OK);
	if (run->stale_cnt == 0)
		run->found = *report;
	run->stale_cnt += report->cnt;
	run->causes |= 1u << report->cause;
}

/* Where something changed; now and then everywhere. */
static inline void check_changed(struct run *run)
{
	struct phyrsim_root root = root_of(&run->world);
	struct phyrsim_stale_report report;

	for (size_t i = 0; i < CENTRE_CNT; i++) {
		struct phyr_iova_range range = { phyr_iova_at(run->slots[i * AROUND].base),
						 AROUND * run->slot_len };

		if (run->changed >> i & 1)
			add_report(
				run,
				phyrsim_stale_check_range(run->world.stale, &root, range, &report),
				&report);
	}
	run->changed = 0;
	if (run->check_cnt++ % 64 != 0)
		return;
	add_report(run, phyrsim_stale_check(run->world.stale, &root, &report), &report);
}

/* Nothing is to be stale once nothing waits, and no freed table is to be cached at any time. */
static inline void check_all(struct run *run)
{
	unsigned int pending = 0;
	struct phyrsim_stale_report report;

	add_report(run, phyrsim_stale_check_freed(run->world.stale, &report), &report);
	for (size_t i = 0; i < SLOT_CNT; i++)
		pending |= run->slots[i].pending;
	if (pending == 0)
		check_changed(run);
}

static inline void open_gather(struct run *run, size_t gather)
{
	phyr_gather_init(&run->gathers[gather]);
	run->gathers[gather].queued = run->mode == MODE_LAZY;
}

static inline void flush_gather(struct run *run, size_t gather)
{
	const struct phyr_iommu *backend = &run->world.backend;

	if (run->mode == MODE_LAZY)
		backend->ops->release(backend->ctx, &run->gathers[gather]);
	else
		backend->ops->flush(backend->ctx, &run->gathers[gather]);
	open_gather(run, gather);
	for (size_t i = 0; i < SLOT_CNT; i++) {
		run->slots[i].pending &= ~(1u << gather);
		run->slots[i].split &= ~(1u << gather);
	}
	check_all(run);
}

static inline void flush_all(struct run *run)
{
	size_t first = below(run, GATHER_CNT);

	if (run->mode == MODE_LAZY)
		run->world.backend.ops->flush_all(run->world.backend.ctx);
	for (size_t i = 0; i < GATHER_CNT; i++)
		flush_gather(run, (first + i) % GATHER_CNT);
}

static inline void step(struct run *run)
{
	size_t gather = run->mode < MODE_MANY ? 0 : below(run, GATHER_CNT);
	struct slot *slot = any_slot(run);
	uint64_t what = below(run, 38);

	if (what < 12)
		map_slot(run, slot);
	else if (what < 22)
		unmap_slot(run, slot, gather);
	else if (what < 23)
		unmap_centre(run, below(run, CENTRE_CNT), gather);
	else if (what < 26)
		protect_slot(run, slot, gather);
	else if (what < 28)
		touch(&run->world, slot->base, run->slot_len);
	else if (what < 31)
		split_slot(run, slot, gather);
	else if (what < 33)
		mark_slot(run, slot);
	else if (what < 34)
		clean_centre(run, below(run, CENTRE_CNT), gather);
	else if (run->mode == MODE_LAZY || one_in(run, 2))
		flush_all(run);
	else
		flush_gather(run, gather);
	if (run->mode == MODE_STRICT)
		flush_gather(run, gather);
}

static inline void run_open(struct run *run, const struct config *config,
			    const struct phyrsim_inval_params *inval, bool caching_mode)
{
	memset(run, 0, sizeof(*run));
	world_open_as(&run->world, config, inval, caching_mode);
	run->granule = phyr_bits_size(granule_lg2(&run->world));
	run->slot_len = run->granule * run->granule / 4; /* an item of level 1: granule² / 8 */
	place_slots(run, config);
}

static inline void run_for(struct run *run, enum mode mode, uint64_t seed, uint64_t cnt)
{
	run->mode = mode;
	run->random = seed;
	for (size_t i = 0; i < GATHER_CNT; i++)
		open_gather(run, i);
	for (uint64_t i = 0; i < cnt && !(run->until_stale && run->stale_cnt); i++)
		step(run);
	flush_all(run);
}

#endif
