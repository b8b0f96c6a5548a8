/* SPDX-License-Identifier: MIT */
/*
 * AMD host ("v1") entries, from the AMD I/O Virtualization Technology Specification, "I/O Page
 * Tables for Host Translations". Its level, the DTE's mode, is one more than ours.
 *
 * A pointer names the level of the table below and may skip levels, whose address bits must then be
 * zero. A leaf is as large as an item, or larger with a size that its address tells.
 */
#include "format.h"

/* Bits of an entry. 4:1, 8:7, 59 (U, for device TLBs), 60 (FC) and 63 change no translation. */
#define V1_PR BIT(0)
#define V1_A BIT(5)		 /* in leaves */
#define V1_D BIT(6)		 /* in leaves */
#define V1_NEXT_LEVEL_LG2 9	 /* 11:9 */
#define V1_NEXT_LEVEL_MASK 7u	 /* of three bits: */
#define V1_NEXT_LEVEL_LEAF 0u	 /* a leaf as large as an item */
#define V1_NEXT_LEVEL_ENCODED 7u /* a leaf that tells its size */
#define V1_ADDRESS BITS(51, 12)
#define V1_RESERVED BITS(58, 52)
#define V1_U_FC BITS(60, 59)
#define V1_IR_LG2 61 /* 61 IR, 62 IW: enum phyr_perm from there */

/* Items of level 5 translate 2^57 bytes: more than there are physical addresses. */
#define V1_LEAF_LEVEL_MAX 4
/* The largest size that an address can tell. [log2 bytes] */
#define V1_ENCODED_LG2_MAX 51

/* Low ones of the address field, closed by a zero, tell the size: none is 8 KiB. 64: no zero. */
static unsigned int encoded_lg2(uint64_t word)
{
	uint64_t zeros = ~word & V1_ADDRESS;

	return zeros != 0 ? phyr_bits_ctz(zeros) + 1 : 64;
}

static enum phyrsim_fault decode_leaf(const struct phyrsim_stage *stage, uint64_t word,
				      unsigned int level, struct phyrsim_entry *entry)
{
	unsigned int item_lg2 = phyrsim_walker_lg2(stage->root, level);
	unsigned int next = word >> V1_NEXT_LEVEL_LG2 & V1_NEXT_LEVEL_MASK;

	if (level > V1_LEAF_LEVEL_MAX)
		return PHYRSIM_FAULT_RESERVED;
	entry->leaf = true;
	entry->lg2 = item_lg2;
	if (next == V1_NEXT_LEVEL_ENCODED) {
		/* Larger than an item of this level, smaller than one of the next. */
		entry->lg2 = encoded_lg2(word);
		if (entry->lg2 <= item_lg2 || entry->lg2 >= item_lg2 + 9 ||
		    entry->lg2 > V1_ENCODED_LG2_MAX)
			return PHYRSIM_FAULT_RESERVED;
		entry->address = phyr_bits_down(entry->address, entry->lg2);
	}
	entry->accessed = V1_A & ~word;
	entry->dirty_set = V1_D & ~word;
	entry->dirty = (word & V1_D) != 0;
	/* The same value in all items; hardware marks the one that it uses. */
	entry->same = V1_PR | BITS(11, 9) | V1_ADDRESS | V1_RESERVED | V1_U_FC | BITS(62, 61);
	return phyrsim_walker_output(stage->root, entry->address, entry->lg2);
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	unsigned int next = word >> V1_NEXT_LEVEL_LG2 & V1_NEXT_LEVEL_MASK;
	unsigned int rights = word >> V1_IR_LG2 & (RIGHT_READ | RIGHT_WRITE);

	if ((word & V1_PR) == 0)
		return PHYRSIM_FAULT_NOT_PRESENT;
	if ((word & V1_RESERVED) != 0)
		return PHYRSIM_FAULT_RESERVED;
	rights |= (rights & RIGHT_READ) != 0 ? RIGHT_EXECUTE : 0;
	entry->rights = phyrsim_walker_rights(rights);
	entry->address = word & V1_ADDRESS;
	if (next == V1_NEXT_LEVEL_LEAF || next == V1_NEXT_LEVEL_ENCODED)
		return decode_leaf(stage, word, level, entry);
	/* Next level n is our n - 1; it must be below this one. */
	if (next > level)
		return PHYRSIM_FAULT_LEVEL;
	entry->level = next - 1;
	return phyrsim_walker_output(stage->root, entry->address, PHYR_PAGE_LG2);
}

/* Six levels have more bits than an address. */
static bool knows(const struct phyrsim_root *root)
{
	unsigned int bits = 12 + 9 * root->level_cnt;

	return root->granule_lg2 == PHYR_PAGE_LG2 && root->iova_bits == (bits < 64 ? bits : 64);
}

const struct phyrsim_walker_format phyrsim_walker_amd_v1 = {
	.level_min = 1,
	.level_max = 6,
	.pa_bits_max = 52,
	.features = PHYRSIM_FEATURE_COHERENT,
	.knows = knows,
	.reaches = phyrsim_walker_unsigned,
	.decode = decode,
};
