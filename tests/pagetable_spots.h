/* SPDX-License-Identifier: MIT */
/*
 * A flat model of a page table of any configuration, granule by granule, with which the table, a
 * reader that shares nothing with its writer (pagetable_formats.h) and the walker must agree; and
 * random maps and unmaps.
 */
#ifndef PHYR_PAGETABLE_SPOTS_H
#define PHYR_PAGETABLE_SPOTS_H

#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define SPOT_LEN 2048 /* granules */
#define SPOT_CNT 3

#define DIRTY_BIT (UINT64_C(1) << 10)

/*
 * A stretch of I/O addresses; of each granule: address | is its leaf dirty? << 10 | permission << 8
 * | log2 of the leaf.
 */
static struct {
	uint64_t first;
	uint64_t words[SPOT_LEN];
} spots[SPOT_CNT];

static struct phyr_block_counts leaves; /* what the model holds */
static uint64_t random_state;

/* Granules of a spot. */
struct part {
	unsigned int spot, at, cnt;
};

static inline unsigned int below(unsigned int end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

static inline unsigned int granule_lg2(void)
{
	return phyr_sizes_min_lg2(w.caps.sizes);
}

static inline uint64_t iova_of(struct part part)
{
	return spots[part.spot].first + ((uint64_t)part.at << granule_lg2());
}

/* The first granules of the window, the last, and those on both sides of its middle. */
static inline void open_spots(void)
{
	uint64_t len = (uint64_t)SPOT_LEN << granule_lg2();
	uint64_t first = w.caps.iova.first.addr, last = w.caps.iova.last.addr;

	memset(spots, 0, sizeof(spots));
	memset(&leaves, 0, sizeof(leaves));
	spots[0].first = first;
	spots[1].first = first + (last - first) / 2 + 1 - len / 2;
	spots[2].first = last - (len - 1);
}

static struct part random_part(void)
{
	static const unsigned int scales[] = { 2, 20, 300, SPOT_LEN };
	struct part part = { below(SPOT_CNT), below(SPOT_LEN), 0 };

	if (below(2) == 0)
		part.at &= ~15u;
	part.cnt = 1 + below(scales[below(4)]);
	if (part.cnt > 16 && below(2) == 0)
		part.cnt &= ~15u;
	if (part.cnt > SPOT_LEN - part.at)
		part.cnt = SPOT_LEN - part.at;
	return part;
}

static inline unsigned int mapped_cnt(struct part part)
{
	unsigned int cnt = 0;

	for (unsigned int i = 0; i < part.cnt; i++)
		cnt += spots[part.spot].words[part.at + i] != 0;
	return cnt;
}

/* Does hardware mark what is written? */
static inline bool tracks(const struct config *config)
{
	return (config->format != ARM1 && config->format != ARM2) ||
	       (config->features & PHYRSIM_FEATURE_DIRTY);
}

/* Of the flags of a word, those that a new leaf has: VT-d and AMD begin clean. */
static inline uint64_t new_flags(const struct config *config, unsigned int perm)
{
	bool starts = config->format != VTD && config->format != AMD && tracks(config);

	return (uint64_t)perm << 8 | (starts && (perm & WO) ? DIRTY_BIT : 0);
}

/* The largest leaf at this point, by trying each. */
static inline unsigned int greedy_lg2(uint64_t iova, uint64_t pa, uint64_t len)
{
	unsigned int lg2 = 51;

	while (!(w.caps.sizes.mask >> lg2 & 1) || ((iova | pa) & phyr_bits_mask(lg2)) != 0 ||
	       len < phyr_bits_size(lg2))
		lg2--;
	return lg2;
}

/* Leaves from a granule on: as many bytes of memory, with flags. */
static inline void model_fill(struct part part, uint64_t pa, uint64_t flags)
{
	uint64_t left = (uint64_t)part.cnt << granule_lg2(), iova = iova_of(part);
	uint64_t *word = &spots[part.spot].words[part.at];

	while (left > 0) {
		unsigned int lg2 = greedy_lg2(iova, pa, left);

		leaves.cnt[lg2]++;
		for (uint64_t i = 0; i < phyr_bits_size(lg2); i += granule())
			*word++ = (pa + i) | flags | lg2;
		iova += phyr_bits_size(lg2);
		pa += phyr_bits_size(lg2);
		left -= phyr_bits_size(lg2);
	}
}

/*
 * What hardware that sets no marks allows for sure: a clean leaf may lack the permission, or the mark,
 * and so may an item of a group of which another was marked.
 */
static inline unsigned int perm_unmarked(const struct phyrsim_root *root, uint64_t word)
{
	unsigned int perm = word >> 8 & 3, lg2 = word & 0xff;
	bool needs_mark = root->format == RV1 || root->format == RV2 ||
			  (root->features & PHYRSIM_FEATURE_DIRTY);
	bool group = (lg2 - root->granule_lg2) % (root->granule_lg2 - 3) != 0;

	return needs_mark && (group || !(word & DIRTY_BIT)) ? perm & ~(unsigned int)WO : perm;
}

/* The walker agrees: where the granule is, how large its leaf, what it allows; or that it is not. */
static inline void check_walk(uint64_t iova, uint64_t word)
{
	struct phyrsim_root root = root_now();
	unsigned int perm = perm_unmarked(&root, word);
	struct phyrsim_access access = { { iova }, RO, PHYRSIM_WALK_AUDIT };
	struct phyrsim_walk walk;
	int err;

	/* Memory for the privileged alone is not for others. */
	access.flags |= PHYRSIM_WALK_PRIVILEGED;
	if (word)
		access.perm = (enum phyr_perm)(perm ? perm : WO);
	err = phyrsim_walk(w.mem, &root, &access, &walk);
	if (word == 0)
		assert_int_equal(err, PHYR_E_FAULT);
	else if (perm != 0 || walk.fault != PHYRSIM_FAULT_WRITE)
		assert_int_equal(err, PHYR_OK);
	if (word == 0) {
		/* A top that has not grown so far does not translate the address at all. */
		assert_true(walk.fault == PHYRSIM_FAULT_NOT_PRESENT ||
			    (root.format == AMD && walk.fault == PHYRSIM_FAULT_WIDTH));
		return;
	}
	if (err != PHYR_OK)
		return;
	assert_int_equal(walk.pa.addr, phyr_bits_down(word, 12));
	assert_int_equal(walk.leaf_lg2, word & 0xff);
	assert_int_equal(walk.perm & access.perm, access.perm);
	assert_int_equal(walk.dirty, (word & DIRTY_BIT) != 0);
}

static inline void check_granule(struct part part)
{
	uint64_t word = spots[part.spot].words[part.at];
	phyr_iova iova = phyr_iova_at(iova_of(part));
	struct found found = find(iova.addr);
	struct phyrsim_leaf leaf;
	phyr_pa pa;

	assert_int_equal(phyrsim_pagetable_translate(w.table, iova, &pa, &leaf),
			 word ? PHYR_OK : PHYR_E_NOENT);
	assert_int_equal(found.said.present && found.said.leaf, word != 0);
	check_walk(iova.addr, word);
	if (word == 0)
		return;
	assert_int_equal(found.pa, phyr_bits_down(word, 12));
	assert_int_equal(found.said.lg2, word & 0xff);
	assert_int_equal(found.said.perm, word >> 8 & 3);
	assert_int_equal(pa.addr, found.pa);
	assert_int_equal(leaf.lg2, found.said.lg2);
	assert_int_equal(leaf.perm, found.said.perm);
	assert_int_equal(leaf.dirty, (word & DIRTY_BIT) != 0);
	assert_int_equal(leaf.level, found.level);
	assert_int_equal(leaf.iova.addr, phyr_bits_down(iova.addr, leaf.lg2));
}

/* Leaf by leaf, a spot is as long as the model has it. */
static inline void check_leaves(unsigned int spot)
{
	struct phyr_iova_range rest = { { spots[spot].first },
					(uint64_t)SPOT_LEN << granule_lg2() };
	struct part whole = { spot, 0, SPOT_LEN };
	struct phyrsim_leaf leaf;
	uint64_t len = 0;

	while (rest.len > 0 && phyrsim_pagetable_next(w.table, rest, &leaf) == PHYR_OK) {
		uint64_t end = leaf.iova.addr + phyr_bits_size(leaf.lg2) - rest.iova.addr;

		assert_true(leaf.iova.addr >= rest.iova.addr);
		len += phyr_bits_size(leaf.lg2);
		rest.iova.addr += end;
		rest.len -= end;
	}
	assert_int_equal(len, (uint64_t)mapped_cnt(whole) << granule_lg2());
}

static inline void check_all(void)
{
	struct phyrsim_pagetable_stats now = stats();

	assert_memory_equal(&now.leaves, &leaves, sizeof(leaves));
	assert_true(phyrsim_pagetable_validate(w.table, NULL));
	for (unsigned int spot = 0; spot < SPOT_CNT; spot++)
		check_leaves(spot);
	for (unsigned int spot = 0; spot < SPOT_CNT; spot++)
		for (unsigned int at = 0; at < SPOT_LEN; at++)
			check_granule((struct part){ spot, at, 1 });
}

static inline void check_part(struct part part)
{
	check_granule((struct part){ part.spot, part.at, 1 });
	check_granule((struct part){ part.spot, part.at + part.cnt - 1, 1 });
	if (part.at > 0)
		check_granule((struct part){ part.spot, part.at - 1, 1 });
	if (part.at + part.cnt < SPOT_LEN)
		check_granule((struct part){ part.spot, part.at + part.cnt, 1 });
	for (unsigned int i = 0; i < 4; i++)
		check_granule((struct part){ part.spot, part.at + below(part.cnt), 1 });
}

static inline void step_map(const struct config *config)
{
	struct part part = random_part();
	unsigned int perm = 1 + below(3), phase_lg2 = granule_lg2() + below(10);
	uint64_t iova = iova_of(part), len = (uint64_t)part.cnt << granule_lg2();
	uint64_t pa = test_random(&random_state) & (w.caps.pa_last.addr >> 1);
	int result;

	pa = phyr_bits_down(pa, phase_lg2) | (iova & phyr_bits_mask(phase_lg2));
	if (below(8) == 0) {
		w.host.alloc_cnt = 0;
		w.host.fail_at = below(3);
	}
	result = map_attrs(iova, pa, len, perm, below(16));
	w.host.fail_at = SIZE_MAX;
	if (mapped_cnt(part) > 0)
		assert_int_equal(result, PHYR_E_EXISTS);
	else if (result != PHYR_E_NOMEM)
		assert_int_equal(result, PHYR_OK);
	if (result == PHYR_OK)
		model_fill(part, pa, new_flags(config, perm_of(config, perm)));
	check_part(part);
}

/* Does a leaf reach from one side of the front of a granule to the other? */
static inline bool is_cut(struct part part)
{
	uint64_t word = part.at < SPOT_LEN ? spots[part.spot].words[part.at] : 0;

	return word != 0 && !phyr_bits_aligned(iova_of(part), word & 0xff);
}

/* Removes a part, unless there is a hole in it or a leaf reaches out of it. */
static inline void unmap_part(struct part part)
{
	bool hole = mapped_cnt(part) < part.cnt;
	bool cut = is_cut(part) || is_cut((struct part){ part.spot, part.at + part.cnt, 1 });
	int result = unmap(iova_of(part), (uint64_t)part.cnt << granule_lg2());

	if (hole || cut) {
		assert_true((hole && result == PHYR_E_NOENT) || (cut && result == PHYR_E_PARTIAL));
		return;
	}
	assert_int_equal(result, PHYR_OK);
	for (unsigned int i = 0; i < part.cnt; i++) {
		struct part one = { part.spot, part.at + i, 1 };

		if (!is_cut(one))
			leaves.cnt[spots[one.spot].words[one.at] & 0xff]--;
	}
	memset(&spots[part.spot].words[part.at], 0, part.cnt * sizeof(uint64_t));
	check_part(part);
}

/* Mostly what is mapped around a granule, whole. */
static inline void step_unmap(void)
{
	struct part part = random_part();
	const uint64_t *words = spots[part.spot].words;

	if (below(4) != 0 && words[part.at] != 0) {
		while (is_cut(part))
			part.at--;
		for (part.cnt = 1; part.at + part.cnt < SPOT_LEN; part.cnt++)
			if (words[part.at + part.cnt] == 0 ||
			    (below(64) == 0 &&
			     !is_cut((struct part){ part.spot, part.at + part.cnt, 1 })))
				break;
	}
	unmap_part(part);
}

static inline void step_protect(const struct config *config)
{
	struct part part = random_part();
	struct phyr_iova_range range = { { iova_of(part) }, (uint64_t)part.cnt << granule_lg2() };
	unsigned int perm = 1 + below(3);
	bool hole = mapped_cnt(part) < part.cnt;
	bool cut = is_cut(part) || is_cut((struct part){ part.spot, part.at + part.cnt, 1 });
	int result = phyrsim_pagetable_protect(w.table, range, (enum phyr_perm)perm, below(16),
					       &w.gather);

	if (hole || cut) {
		assert_true((hole && result == PHYR_E_NOENT) || (cut && result == PHYR_E_PARTIAL));
		return;
	}
	assert_int_equal(result, PHYR_OK);
	for (unsigned int i = 0; i < part.cnt; i++) {
		uint64_t *word = &spots[part.spot].words[part.at + i];

		*word = (*word & ~UINT64_C(0x700)) | new_flags(config, perm_of(config, perm));
	}
	check_part(part);
}

static inline void clear_all(void)
{
	for (unsigned int spot = 0; spot < SPOT_CNT; spot++) {
		struct part part = { spot, 0, 1 };

		for (; part.at < SPOT_LEN; part.at += part.cnt) {
			part.cnt = 1;
			if (spots[spot].words[part.at] == 0)
				continue;
			while (part.at + part.cnt < SPOT_LEN &&
			       spots[spot].words[part.at + part.cnt] != 0)
				part.cnt++;
			unmap_part(part);
		}
	}
}

static inline void release(void)
{
	struct phyrsim_root root = root_now();
	unsigned int table_lg2 = root.granule_lg2 - 12;
	uint64_t top_cnt, frame_cnt;

	assert_true(phyrsim_pagetable_validate(w.table, NULL));
	phyrsim_pagetable_release(w.table, &w.gather);
	assert_true(phyrsim_pagetable_validate(w.table, NULL));
	phyr_gather_init(&w.gather);
	/* All tables but the top are as large as a granule. */
	frame_cnt = phyrsim_mem_frame_cnt(w.mem);
	top_cnt = frame_cnt - ((stats().table_cnt - 1) << table_lg2);
	assert_in_range(top_cnt, 1, 64);
}

#endif
