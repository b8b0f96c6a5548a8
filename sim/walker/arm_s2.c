/* SPDX-License-Identifier: MIT */
/*
 * VMSAv8-64 stage 2: permissions (D8.4), memory types (D8.6), and up to sixteen tables side by side
 * at the top, which are one table with up to four index bits more.
 *
 * The hardware has no FEAT_XNX: bit 54 alone forbids execution. Pointers hold no attributes.
 */
#include "arm.h"

/* Bits of a leaf. 9:8 (SH), 11, 50, 53, 58:55, 63:59 change no translation. */
#define S2_TYPE_LG2 2 /* 5:2 MemAttr */
#define S2_AP_READ BIT(6)
#define S2_AP_WRITE BIT(7)
#define S2_XN BIT(54)

/* Log2 of the most tables at the top. */
#define S2_CONCAT_LG2 4

/*
 * MemAttr[3:2] outer and [1:0] inner: 01 non-cacheable, 10 write-through, 11 write-back. Outer 00 is
 * a device, with any inner; inner 00 under another outer is reserved.
 */
static bool combined_attrs(unsigned int type, unsigned int *ret_attrs)
{
	unsigned int outer = type >> 2, inner = type & 3;

	*ret_attrs = outer == 0		      ? PHYRSIM_ATTR_MMIO :
		     outer == 1 || inner == 1 ? PHYRSIM_ATTR_UNCACHED :
						0;
	return outer == 0 || inner != 0;
}

/*
 * With S2FWB, MemAttr[2] clear is a device; set, [1:0] are: 01 non-cacheable, 10 write-back, 11 as
 * stage 1 says, 00 reserved. MemAttr[3] is RES0.
 */
static bool forced_attrs(unsigned int type, unsigned int *ret_attrs)
{
	*ret_attrs = (type & 4) == 0 ? PHYRSIM_ATTR_MMIO : type == 5 ? PHYRSIM_ATTR_UNCACHED : 0;
	return type < 8 && type != 4;
}

static bool memory_attrs(const struct phyrsim_root *root, uint64_t word, unsigned int *ret_attrs)
{
	unsigned int type = word >> S2_TYPE_LG2 & 15;

	if ((root->features & PHYRSIM_FEATURE_FWB) != 0)
		return forced_attrs(type, ret_attrs);
	return combined_attrs(type, ret_attrs);
}

static enum phyrsim_fault decode_leaf(const struct phyrsim_stage *stage, uint64_t word,
				      struct phyrsim_entry *entry)
{
	bool dbm = phyrsim_walker_arm_dbm(stage, word);
	bool writable = (word & S2_AP_WRITE) != 0;
	unsigned int rights = 0;

	if (!memory_attrs(stage->root, word, &entry->attrs))
		return PHYRSIM_FAULT_RESERVED;
	entry->dirty = dbm && writable;
	entry->same = BITS(11, 0) & ~(ARM_AF | (dbm ? S2_AP_WRITE : 0));
	entry->same |= BITS(54, 51);
	/* Hardware that marks clean leaves dirty lets writes through. */
	if (dbm && !writable && phyrsim_walker_marks(stage)) {
		entry->dirty_set = S2_AP_WRITE;
		writable = true;
	}
	rights |= (word & S2_AP_READ) != 0 ? RIGHT_READ : 0;
	rights |= writable ? RIGHT_WRITE : 0;
	rights |= (word & S2_XN) == 0 ? RIGHT_EXECUTE : 0;
	entry->attrs |= (word & S2_XN) != 0 ? PHYRSIM_ATTR_NOEXEC : 0;
	entry->rights = phyrsim_walker_rights(rights);
	return PHYRSIM_FAULT_NONE;
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	enum phyrsim_fault fault = phyrsim_walker_arm_decode(stage, word, level, entry);

	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	if (entry->leaf)
		return decode_leaf(stage, word, entry);
	entry->rights = RIGHTS_ALL;
	return PHYRSIM_FAULT_NONE;
}

/*
 * SL0 and SL2 name no start at level -1 with more than one table, and none at level 0 for 16K
 * without LPA2: there are two tables of level 1 instead.
 */
static bool knows(const struct phyrsim_root *root)
{
	bool wide = (root->features & PHYRSIM_FEATURE_WIDE) != 0;

	if (root->granule_lg2 == 14 && root->level_cnt == 4 && !wide)
		return false;
	return phyrsim_walker_arm_knows(root, root->level_cnt == 5 ? 0 : S2_CONCAT_LG2);
}

const struct phyrsim_walker_format phyrsim_walker_arm_s2 = {
	.level_min = 1,
	.level_max = 5,
	.pa_bits_max = 52,
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_WIDE | PHYRSIM_FEATURE_FWB |
		    PHYRSIM_FEATURE_DIRTY | PHYRSIM_FEATURE_BBM2,
	.knows = knows,
	.reaches = phyrsim_walker_unsigned,
	.decode = decode,
};
