/* SPDX-License-Identifier: MIT */
/*
 * Property: any memory, taken as tables of any root, of one stage or two, is walked to an end within
 * the reads that the levels allow; only PHYRSIM_WALK_UPDATE changes it; what an audit finds in order
 * translates as it does for hardware; and the way of an address ends where its walk does.
 *
 * Bytes: 6 for each of two roots, 1 of flags, 1 for the permission, 8 for the address; the rest are
 * words that fill the memory over and over. Most of them lead back into it.
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyrsim/walker.h>

#define FRAME_CNT 8
#define WORD_CNT 512
#define HEAD_LEN 22

struct world {
	struct phyrsim_mem *mem;
	uint64_t before[FRAME_CNT][WORD_CNT];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t *frame(const struct world *w, unsigned int i)
{
	return phyrsim_mem_frame(w->mem, phyr_pa_at(PHYRSIM_MEM_BASE + i * PHYR_PAGE_SIZE));
}

/* Addresses in entries are made to lead into memory, but for some. */
static uint64_t folded(uint64_t word, enum phyrsim_format format, size_t i)
{
	const uint64_t field = UINT64_C(0x0000ffffffff8000);

	if (i % 4 == 3)
		return word;
	if (format >= PHYRSIM_FORMAT_RISCV_S1)
		return (word & ~(field >> 2)) | PHYRSIM_MEM_BASE >> 2;
	return (word & ~field) | PHYRSIM_MEM_BASE;
}

static uint64_t word_of(const uint8_t *data, size_t size, size_t i)
{
	uint64_t word = 0;

	for (size_t byte = 0; byte < 8; byte++)
		word = word << 8 | data[(i * 8 + byte) % size];
	return word;
}

static void make_world(struct world *w, enum phyrsim_format format, const uint8_t *data,
		       size_t size)
{
	size_t cnt = (size + 7) / 8;

	require(phyrsim_mem_create(phyr_heap_mem(), &w->mem) == PHYR_OK);
	for (unsigned int i = 0; i < FRAME_CNT; i++) {
		phyr_pa pa;

		require(phyrsim_mem_alloc(w->mem, &pa) == PHYR_OK);
		for (size_t j = 0; j < WORD_CNT; j++) {
			size_t n = (i * 7 + j) % cnt;

			frame(w, i)[j] = folded(word_of(data, size, n), format, n);
		}
	}
}

static struct phyrsim_root make_root(const uint8_t data[6])
{
	static const unsigned int granules[] = { 12, 14, 16, 12 };
	struct phyrsim_root root = { .format = data[0] % PHYRSIM_FORMAT_CNT };

	root.level_cnt = data[1] % 8;
	root.granule_lg2 = 12;
	root.iova_bits = 12 + 9 * root.level_cnt;
	root.pa_bits = 45 + data[2] % 12;
	root.features = data[3] | (data[5] & 0x80u) << 1;
	root.table = phyr_pa_at(PHYRSIM_MEM_BASE + data[4] % 16 * PHYR_PAGE_SIZE);
	if (root.format == PHYRSIM_FORMAT_RISCV_S2)
		root.iova_bits += 2;
	if (root.format == PHYRSIM_FORMAT_AMD_V1 && root.level_cnt == 6)
		root.iova_bits = 64;
	if ((root.features & PHYRSIM_FEATURE_UNSIGNED) != 0)
		root.iova_bits--;
	if (root.format == PHYRSIM_FORMAT_ARM_S1 || root.format == PHYRSIM_FORMAT_ARM_S2) {
		root.granule_lg2 = granules[data[4] / 16 % 4];
		root.iova_bits = 20 + data[5] % 40;
	}
	return root;
}

/* All that is known before a walk: one stage when second is NULL. */
struct question {
	struct phyrsim_root first;
	const struct phyrsim_root *second;
	struct phyrsim_access access;
};

static int ask(const struct world *w, const struct question *question, struct phyrsim_walk *walk)
{
	unsigned int levels = question->first.level_cnt;
	int err;

	if (question->second) {
		err = phyrsim_walk_nested(w->mem, &question->first, question->second,
					  &question->access, walk);
		levels += (levels + 1) * question->second->level_cnt;
	} else {
		err = phyrsim_walk(w->mem, &question->first, &question->access, walk);
	}
	if (err == PHYR_E_INVAL)
		return err;
	require(err == (walk->fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT));
	require((unsigned int)walk->fault < PHYRSIM_FAULT_CNT);
	require(walk->read_cnt <= levels && walk->update_cnt <= levels + 1);
	require((walk->leaf_lg2 >= 12) == (err == PHYR_OK));
	return err;
}

/* Every access that finds something finds it at the end of the way, whoever does it. */
static void check_path(const struct world *w, const struct question *question,
		       const struct phyrsim_walk *walk)
{
	uint64_t at = question->access.iova.addr;
	struct phyrsim_path path;
	int err = phyrsim_walk_path(w->mem, &question->first, question->access.iova, &path);

	require(err == (path.fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT));
	require(path.pointer_cnt < question->first.level_cnt);
	require(path.first.addr <= at && at <= path.last.addr);
	require(path.level == walk->level);
	if (walk->fault != PHYRSIM_FAULT_NONE)
		return;
	require(path.fault == PHYRSIM_FAULT_NONE && path.leaf_lg2 == walk->leaf_lg2);
	require(path.pa.addr + (at - path.first.addr) == walk->pa.addr);
	require(path.attrs == walk->attrs);
}

static bool same_end(const struct phyrsim_walk *a, const struct phyrsim_walk *b)
{
	return a->fault == b->fault && a->level == b->level && a->pa.addr == b->pa.addr &&
	       a->perm == b->perm && a->leaf_lg2 == b->leaf_lg2;
}

/* Marks that are set: in the tables of two stages they may change what comes later. */
static void check_marks(struct world *w, struct question *question,
			const struct phyrsim_walk *peeked)
{
	struct phyrsim_walk updated;

	question->access.flags ^= PHYRSIM_WALK_PEEK | PHYRSIM_WALK_UPDATE;
	(void)ask(w, question, &updated);
	question->access.flags &= ~(unsigned int)PHYRSIM_WALK_UPDATE;
	require(question->second || same_end(peeked, &updated));
}

static void check(struct world *w, struct question *question)
{
	unsigned int flags = question->access.flags;
	struct phyrsim_walk audit, hardware, peeked;
	int err;

	for (unsigned int i = 0; i < FRAME_CNT; i++)
		memcpy(w->before[i], frame(w, i), PHYR_PAGE_SIZE);
	question->access.flags = flags | PHYRSIM_WALK_AUDIT;
	err = ask(w, question, &audit);
	if (err == PHYR_E_INVAL)
		return;
	question->access.flags &= ~(unsigned int)PHYRSIM_WALK_AUDIT;
	if (ask(w, question, &hardware) == PHYR_OK && err == PHYR_OK)
		require(hardware.pa.addr == audit.pa.addr && hardware.perm == audit.perm &&
			hardware.leaf_lg2 == audit.leaf_lg2);
	require(err != PHYR_OK || hardware.fault == PHYRSIM_FAULT_NONE);
	if (!question->second)
		check_path(w, question, &hardware);
	question->access.flags = flags | PHYRSIM_WALK_PEEK;
	(void)ask(w, question, &peeked);
	require(peeked.update_cnt == 0);
	for (unsigned int i = 0; i < FRAME_CNT; i++)
		require(memcmp(w->before[i], frame(w, i), PHYR_PAGE_SIZE) == 0);
	check_marks(w, question, &peeked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phyrsim_root second;
	struct question question;
	struct world w;

	if (size <= HEAD_LEN)
		return 0;
	question.first = make_root(data);
	second = make_root(data + 6);
	question.access.flags = data[12] % 16 & ~(unsigned int)PHYRSIM_WALK_UPDATE;
	question.access.perm = (enum phyr_perm)(data[13] % 4);
	question.access.iova = phyr_iova_at(word_of(data + 14, 8, 0));
	make_world(&w, question.first.format, data + HEAD_LEN, size - HEAD_LEN);
	question.second = NULL;
	check(&w, &question);
	question.second = &second;
	check(&w, &question);
	phyrsim_mem_destroy(w.mem);
	return 0;
}
