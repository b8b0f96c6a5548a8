/* SPDX-License-Identifier: MIT */
/*
 * Tables of any format, written word by word: one table a level, chained by pointers for one
 * address. A case then puts a leaf at some level, or spoils an entry. The formulas here are those
 * of the specifications, written a second time.
 */
#ifndef PHYR_WALKER_WORLD_H
#define PHYR_WALKER_WORLD_H

#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

#include "test.h"
#include "walker_bits.h"

#define LEVEL_MAX 6
#define RW PHYR_PERM_READ_WRITE
#define RO PHYR_PERM_READ
#define WO PHYR_PERM_WRITE

/* A chain of tables for one address, and what the last walk found. */
struct world {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_root root;
	struct phyrsim_walk walk;
	uint64_t iova;
	unsigned int flags;
	uint64_t tables[LEVEL_MAX]; /* by level */
};

/* Bytes of a table: a granule, and more or less at the top. */
static inline uint64_t table_len(const struct phyrsim_root *root, unsigned int level)
{
	if (level + 1 < root->level_cnt)
		return BIT(root->granule_lg2);
	return BIT(root->iova_bits - item_lg2(root, level) + 3);
}

static inline uint64_t *word_at(const struct phyrsim_mem *mem, uint64_t pa)
{
	uint64_t *frame = phyrsim_mem_frame(mem, phyr_pa_at(pa));

	assert_non_null(frame);
	return frame + (pa & 4095) / 8;
}

/* Where the entry of a table for an address is. */
static inline uint64_t slot_of(const struct phyrsim_root *root, uint64_t table, unsigned int level,
			       uint64_t iova)
{
	uint64_t cnt = table_len(root, level) / 8;

	return table + (iova >> item_lg2(root, level)) % cnt * 8;
}

/* The entry of the chain at a level. */
static inline uint64_t *entry(const struct world *w, unsigned int level)
{
	return word_at(w->mem, slot_of(&w->root, w->tables[level], level, w->iova));
}

/* An entry of a level that points to a table, as Linux writes it. */
static inline uint64_t pointer(enum phyrsim_format format, uint64_t pa, unsigned int level)
{
	switch (format) {
	case PHYRSIM_FORMAT_AMD_V1:
		return UINT64_C(0x6000000000000001) | pa | (uint64_t)level << 9;
	case PHYRSIM_FORMAT_X86_FS:
		return pa | 0x27;
	case PHYRSIM_FORMAT_RISCV_S1:
	case PHYRSIM_FORMAT_RISCV_S2:
		return pa >> 2 | 1;
	default:
		return pa | 3;
	}
}

/* Neighbouring frames, because nothing was freed before; aligned when the larger come first. */
static inline uint64_t make_table(struct phyrsim_mem *mem, uint64_t len)
{
	phyr_pa first, next;

	assert_int_equal(phyrsim_mem_alloc(mem, &first), PHYR_OK);
	for (uint64_t done = 4096; done < len; done += 4096) {
		assert_int_equal(phyrsim_mem_alloc(mem, &next), PHYR_OK);
		assert_int_equal(next.addr, first.addr + done);
	}
	return first.addr;
}

/* The root without its table. */
static inline struct phyrsim_root root_of(enum phyrsim_format format, unsigned int level_cnt,
					  unsigned int features)
{
	struct phyrsim_root root = { .format = format,
				     .level_cnt = level_cnt,
				     .features = features };

	root.pa_bits = format >= PHYRSIM_FORMAT_RISCV_S1 ? 56 : 52;
	root.granule_lg2 = 12;
	root.iova_bits = 12 + 9 * level_cnt;
	if (format == PHYRSIM_FORMAT_RISCV_S2)
		root.iova_bits += 2;
	if (format == PHYRSIM_FORMAT_AMD_V1 && level_cnt == 6)
		root.iova_bits = 64;
	if ((features & PHYRSIM_FEATURE_UNSIGNED) != 0)
		root.iova_bits--;
	return root;
}

static inline struct phyrsim_root arm_root(enum phyrsim_format format, unsigned int granule_lg2,
					   unsigned int iova_bits, unsigned int level_cnt,
					   unsigned int features)
{
	struct phyrsim_root root = { .format = format,
				     .level_cnt = level_cnt,
				     .features = features };

	root.granule_lg2 = granule_lg2;
	root.iova_bits = iova_bits;
	root.pa_bits = (features & PHYRSIM_FEATURE_WIDE) != 0 ? 52 : 48;
	return root;
}

/* The chain for w->iova below a root, without a leaf. */
static inline void make_chain(struct world *w)
{
	unsigned int top = w->root.level_cnt - 1;
	uint64_t len = table_len(&w->root, top);
	uint64_t granule = BIT(w->root.granule_lg2);

	w->tables[top] = make_table(w->mem, len < granule ? granule : len);
	for (unsigned int level = top; level-- > 0;) {
		w->tables[level] = make_table(w->mem, granule);
		*entry(w, level + 1) = pointer(w->root.format, w->tables[level], level + 1);
	}
	w->root.table = phyr_pa_at(w->tables[top]);
}

static inline void open_world(struct world *w, struct phyrsim_root root, uint64_t iova)
{
	memset(w, 0, sizeof(*w));
	test_mem_init(&w->host);
	assert_int_equal(phyrsim_mem_create(&w->host.mem, &w->mem), PHYR_OK);
	w->root = root;
	w->iova = iova;
	make_chain(w);
	memset(&w->walk, 0xa5, sizeof(w->walk));
}

static inline void close_world(struct world *w)
{
	phyrsim_mem_destroy(w->mem);
	assert_int_equal(w->host.live_cnt, 0);
}

static inline int walk_at(struct world *w, uint64_t iova, enum phyr_perm perm)
{
	struct phyrsim_access access = { phyr_iova_at(iova), perm, w->flags };

	return phyrsim_walk(w->mem, &w->root, &access, &w->walk);
}

static inline void expect_pa(struct world *w, enum phyr_perm perm, uint64_t pa)
{
	assert_int_equal(walk_at(w, w->iova, perm), PHYR_OK);
	assert_int_equal(w->walk.fault, PHYRSIM_FAULT_NONE);
	assert_int_equal(w->walk.pa.addr, pa);
}

static inline void expect_fault(struct world *w, enum phyr_perm perm, enum phyrsim_fault fault,
				unsigned int level)
{
	assert_int_equal(walk_at(w, w->iova, perm), PHYR_E_FAULT);
	assert_int_equal(w->walk.fault, fault);
	assert_int_equal(w->walk.level, level);
	assert_false(w->walk.second);
}

/* A leaf at a level: where it leads, what it allows, and how large it is. */
static inline void expect_leaf(struct world *w, unsigned int level, uint64_t word,
			       enum phyr_perm perm, uint64_t pa)
{
	*entry(w, level) = word;
	expect_pa(w, perm, pa);
	assert_int_equal(w->walk.perm, perm);
	assert_int_equal(w->walk.leaf_lg2, item_lg2(&w->root, level));
	assert_int_equal(w->walk.level, level);
	assert_int_equal(w->walk.read_cnt, w->root.level_cnt - level);
	assert_int_equal(w->walk.entry, word);
	assert_int_equal(w->walk.entry_pa.addr,
			 slot_of(&w->root, w->tables[level], level, w->iova));
	assert_int_equal(w->walk.update_cnt, 0);
	if (perm != RW)
		expect_fault(w, RW, perm == RO ? PHYRSIM_FAULT_WRITE : PHYRSIM_FAULT_READ, level);
}

/* Every single bit of the set, flipped in an otherwise good entry, has this result. */
static inline void expect_each_bit(struct world *w, unsigned int level, uint64_t bits,
				   enum phyrsim_fault fault)
{
	uint64_t good = *entry(w, level);

	for (; bits != 0; bits &= bits - 1) {
		*entry(w, level) = good ^ (bits & (~bits + 1));
		if (fault != PHYRSIM_FAULT_NONE)
			expect_fault(w, RO, fault, level);
		else
			assert_int_equal(walk_at(w, w->iova, RO), PHYR_OK);
	}
	*entry(w, level) = good;
}

#endif
