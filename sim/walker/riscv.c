/* SPDX-License-Identifier: MIT */
/*
 * RISC-V entries of both stages, from the RISC-V Privileged Architecture: "Sv39", "Sv48", "Sv57",
 * "Svnapot", "Svpbmt", "Svade" and "Svadu", and "Two-Stage Address Translation" for Sv39x4, Sv48x4
 * and Sv57x4. Our levels are those of the specification.
 *
 * Svnapot is PHYRSIM_FEATURE_CONTIGUOUS, Svpbmt is PHYRSIM_FEATURE_PBMT; there is no Svrsw60t59b. The
 * privileged may read and write what is for users (SUM), but never execute it.
 */
#include "format.h"

/* Bits of an entry. 5 (G) and 9:8 (RSW) change no translation. */
#define RV_V BIT(0)
#define RV_R BIT(1)
#define RV_W BIT(2)
#define RV_X BIT(3)
#define RV_U BIT(4)
#define RV_A BIT(6)
#define RV_D BIT(7)
#define RV_PPN BITS(53, 10)
#define RV_PPN_UP 2 /* the number of a page stands at bit 10, its address at 12 */
#define RV_RESERVED BITS(60, 54)
#define RV_PBMT_LG2 61 /* 62:61 */
#define RV_PBMT BITS(62, 61)
#define RV_N BIT(63)

/* Svnapot knows one size, 64 KiB: the low four bits of the page number are then 1000. */
#define RV_NAPOT_LG2 16
#define RV_NAPOT_PATTERN BITS(13, 10)
#define RV_NAPOT_64K BIT(13)

/* Values of PBMT. */
#define RV_PBMT_NC 1u
#define RV_PBMT_IO 2u
#define RV_PBMT_RESERVED 3u

static enum phyrsim_fault decode_pointer(const struct phyrsim_stage *stage, uint64_t word,
					 unsigned int level, struct phyrsim_entry *entry)
{
	if ((word & (RV_U | RV_A | RV_D | RV_PBMT | RV_N)) != 0)
		return PHYRSIM_FAULT_RESERVED;
	if (level == 0)
		return PHYRSIM_FAULT_LEVEL;
	entry->level = level - 1;
	entry->rights = RIGHTS_ALL;
	return phyrsim_walker_output(stage->root, entry->address, PHYR_PAGE_LG2);
}

static unsigned int rights_of(const struct phyrsim_stage *stage, uint64_t word)
{
	unsigned int rights = word >> 1 & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);

	if ((word & RV_U) == 0)
		return rights << RIGHTS_PRIVILEGED_LG2;
	/* Every access of the second stage is a user's. */
	if (!stage->format->first)
		return rights;
	return rights | (rights & ~RIGHT_EXECUTE) << RIGHTS_PRIVILEGED_LG2;
}

static unsigned int attrs_of(const struct phyrsim_stage *stage, uint64_t word)
{
	unsigned int pbmt = word >> RV_PBMT_LG2 & 3;
	unsigned int attrs = 0;

	attrs |= pbmt == RV_PBMT_NC ? PHYRSIM_ATTR_UNCACHED : 0;
	attrs |= pbmt == RV_PBMT_IO ? PHYRSIM_ATTR_MMIO : 0;
	attrs |= (word & RV_X) == 0 ? PHYRSIM_ATTR_NOEXEC : 0;
	attrs |= (word & RV_U) == 0 && stage->format->first ? PHYRSIM_ATTR_PRIVILEGED : 0;
	return attrs;
}

/* Is the memory type one that this hardware has? */
static bool pbmt_known(const struct phyrsim_root *root, uint64_t word)
{
	if ((root->features & PHYRSIM_FEATURE_PBMT) == 0)
		return (word & RV_PBMT) == 0;
	return (word & RV_PBMT) >> RV_PBMT_LG2 != RV_PBMT_RESERVED;
}

/* Is N something that this hardware and level have? Clear, it always is. */
static bool napot_known(const struct phyrsim_root *root, uint64_t word, unsigned int level)
{
	if ((word & RV_N) == 0)
		return true;
	return level == 0 && (root->features & PHYRSIM_FEATURE_CONTIGUOUS) != 0 &&
	       (word & RV_NAPOT_PATTERN) == RV_NAPOT_64K;
}

static enum phyrsim_fault decode_leaf(const struct phyrsim_stage *stage, uint64_t word,
				      unsigned int level, struct phyrsim_entry *entry)
{
	if ((word & (RV_R | RV_W)) == RV_W || !pbmt_known(stage->root, word))
		return PHYRSIM_FAULT_RESERVED;
	if (!napot_known(stage->root, word, level))
		return PHYRSIM_FAULT_RESERVED;
	entry->leaf = true;
	entry->lg2 = phyrsim_walker_lg2(stage->root, level);
	if ((word & RV_N) != 0) {
		entry->lg2 = RV_NAPOT_LG2;
		entry->address = phyr_bits_down(entry->address, RV_NAPOT_LG2);
	}
	entry->rights = rights_of(stage, word);
	entry->attrs = attrs_of(stage, word);
	entry->accessed = RV_A & ~word;
	entry->dirty_set = RV_D & ~word;
	entry->dirty = (word & RV_D) != 0;
	entry->required = RV_A | RV_D;
	entry->same = ~(RV_A | RV_D | BITS(9, 8));
	return phyrsim_walker_output(stage->root, entry->address, entry->lg2);
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	if ((word & RV_V) == 0)
		return PHYRSIM_FAULT_NOT_PRESENT;
	if ((word & RV_RESERVED) != 0)
		return PHYRSIM_FAULT_RESERVED;
	entry->address = (word & RV_PPN) << RV_PPN_UP;
	if ((word & (RV_R | RV_W | RV_X)) == 0)
		return decode_pointer(stage, word, level, entry);
	return decode_leaf(stage, word, level, entry);
}

static bool knows_s1(const struct phyrsim_root *root)
{
	return root->granule_lg2 == PHYR_PAGE_LG2 && root->iova_bits == 12 + 9 * root->level_cnt;
}

/* A root of 16 KiB takes two bits more. */
static bool knows_s2(const struct phyrsim_root *root)
{
	return root->granule_lg2 == PHYR_PAGE_LG2 && root->iova_bits == 14 + 9 * root->level_cnt;
}

const struct phyrsim_walker_format phyrsim_walker_riscv_s1 = {
	.first = true,
	.level_min = 3,
	.level_max = 5,
	.pa_bits_max = 56,
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_PBMT,
	.knows = knows_s1,
	.reaches = phyrsim_walker_signed,
	.decode = decode,
};

const struct phyrsim_walker_format phyrsim_walker_riscv_s2 = {
	.level_min = 3,
	.level_max = 5,
	.pa_bits_max = 56,
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_PBMT,
	.knows = knows_s2,
	.reaches = phyrsim_walker_unsigned,
	.decode = decode,
};
