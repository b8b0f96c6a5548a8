/* SPDX-License-Identifier: MIT */
/*
 * VMSAv8-64 stage 1: permissions (D8.4), and memory types through MAIR as Linux sets it up.
 *
 * A root is one half of the addresses: the lower (TTBR0), or the upper (TTBR1) whose addresses
 * begin with ones. Attributes in pointers are honoured (no HPD); there is no PAN and no top byte
 * that is ignored. The privileged may not execute what users may write.
 */
#include "arm.h"

/* Bits of a leaf. 5 (NS), 9:8 (SH), 11 (nG), 50 (GP), 58:55, 63:59 change no translation. */
#define S1_ATTR_INDEX_LG2 2 /* 4:2 */
#define S1_AP_USER BIT(6)   /* AP[1]: for users too */
#define S1_AP_READ BIT(7)   /* AP[2]: read-only */
#define S1_PXN BIT(53)
#define S1_UXN BIT(54)

/* Bits of a pointer: they take away from all below. 63 (NSTable) changes no translation. */
#define S1_PXN_TABLE BIT(59)
#define S1_UXN_TABLE BIT(60)
#define S1_AP_TABLE_USER BIT(61) /* APTable[0]: not for users */
#define S1_AP_TABLE_READ BIT(62) /* APTable[1]: read-only */

/* MAIR 0xf404ff44: non-cacheable, write-back, Device-nGnRE, inner non-cacheable, Device-nGnRnE. */
static const unsigned int memory_types[8] = {
	PHYRSIM_ATTR_UNCACHED, 0,
	PHYRSIM_ATTR_MMIO,     PHYRSIM_ATTR_UNCACHED,
	PHYRSIM_ATTR_MMIO,     PHYRSIM_ATTR_MMIO,
	PHYRSIM_ATTR_MMIO,     PHYRSIM_ATTR_MMIO,
};

#define USER_EXECUTE RIGHT_EXECUTE
#define PRIVILEGED_EXECUTE (RIGHT_EXECUTE << RIGHTS_PRIVILEGED_LG2)

static unsigned int pointer_rights(uint64_t word)
{
	unsigned int rights = RIGHTS_ALL;

	if ((word & S1_AP_TABLE_USER) != 0)
		rights &= ~(RIGHT_READ | RIGHT_WRITE);
	if ((word & S1_AP_TABLE_READ) != 0)
		rights &= ~phyrsim_walker_rights(RIGHT_WRITE);
	if ((word & S1_UXN_TABLE) != 0)
		rights &= ~USER_EXECUTE;
	if ((word & S1_PXN_TABLE) != 0)
		rights &= ~PRIVILEGED_EXECUTE;
	return rights;
}

static unsigned int leaf_rights(uint64_t word, bool writable)
{
	unsigned int data = writable ? RIGHT_READ | RIGHT_WRITE : RIGHT_READ;
	unsigned int rights = data << RIGHTS_PRIVILEGED_LG2;

	if ((word & S1_AP_USER) != 0)
		rights |= data;
	if ((word & S1_UXN) == 0)
		rights |= USER_EXECUTE;
	if ((word & S1_PXN) == 0 && (rights & RIGHT_WRITE) == 0)
		rights |= PRIVILEGED_EXECUTE;
	return rights;
}

static unsigned int attrs_of(uint64_t word, unsigned int rights)
{
	unsigned int attrs = memory_types[word >> S1_ATTR_INDEX_LG2 & 7];

	if ((rights & (USER_EXECUTE | PRIVILEGED_EXECUTE)) == 0)
		attrs |= PHYRSIM_ATTR_NOEXEC;
	if ((word & S1_AP_USER) == 0)
		attrs |= PHYRSIM_ATTR_PRIVILEGED;
	return attrs;
}

static void decode_leaf(const struct phyrsim_stage *stage, uint64_t word,
			struct phyrsim_entry *entry)
{
	bool dbm = phyrsim_walker_arm_dbm(stage, word);
	bool writable = (word & S1_AP_READ) == 0;

	entry->dirty = dbm && writable;
	entry->same = BITS(11, 0) & ~(ARM_AF | (dbm ? S1_AP_READ : 0));
	entry->same |= BITS(54, 50);
	/* Hardware that marks clean leaves dirty lets writes through. */
	if (dbm && !writable && phyrsim_walker_marks(stage)) {
		entry->dirty_clear = S1_AP_READ;
		writable = true;
	}
	entry->rights = leaf_rights(word, writable);
	entry->attrs = attrs_of(word, entry->rights);
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	enum phyrsim_fault fault = phyrsim_walker_arm_decode(stage, word, level, entry);

	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	if (entry->leaf)
		decode_leaf(stage, word, entry);
	else
		entry->rights = pointer_rights(word);
	return PHYRSIM_FAULT_NONE;
}

static bool knows(const struct phyrsim_root *root)
{
	return phyrsim_walker_arm_knows(root, 0);
}

static bool reaches(const struct phyrsim_root *root, uint64_t iova)
{
	if ((root->features & PHYRSIM_FEATURE_UPPER) != 0)
		iova = ~iova;
	return phyrsim_walker_unsigned(root, iova);
}

const struct phyrsim_walker_format phyrsim_walker_arm_s1 = {
	.first = true,
	.level_min = 1,
	.level_max = 5,
	.pa_bits_max = 52,
	.features = PHYRSIM_FEATURE_CONTIGUOUS | PHYRSIM_FEATURE_WIDE | PHYRSIM_FEATURE_UPPER |
		    PHYRSIM_FEATURE_DIRTY | PHYRSIM_FEATURE_BBM2,
	.knows = knows,
	.reaches = reaches,
	.decode = decode,
};
