/* SPDX-License-Identifier: MIT */
/*
 * x86-64 first-stage entries (VT-d "First-Stage Paging Entries", AMD v2), from the Intel 64 Software
 * Developer's Manual, volume 3, "4-Level Paging and 5-Level Paging": PTE, PDE, PDPTE, PML4E and
 * PML5E are levels 0 to 4.
 *
 * The hardware has execute-disable and write protection for all (CR0.WP, VT-d WPE), and neither
 * SMEP, SMAP nor protection keys.
 */
#include "format.h"

/* Bits of an entry. 3 (PWT), 8 (G), 11:9 and 62:52 change no translation. */
#define FS_P BIT(0)
#define FS_RW BIT(1)
#define FS_US BIT(2) /* for users too */
#define FS_PCD BIT(4)
#define FS_A BIT(5)
#define FS_D BIT(6)  /* in leaves; ignored in pointers */
#define FS_PS BIT(7) /* leaf in PDE and PDPTE; in a PTE it is PAT */
#define FS_ADDRESS BITS(51, 12)
#define FS_PAT_LARGE BIT(12) /* in large leaves: no part of the address */
#define FS_XD BIT(63)

/* The highest level with leaves: the PDPTE maps 1 GiB. */
#define FS_LEAF_LEVEL_MAX 2

static unsigned int rights_of(uint64_t word)
{
	unsigned int rights = RIGHT_READ;

	rights |= (word & FS_RW) != 0 ? RIGHT_WRITE : 0;
	rights |= (word & FS_XD) == 0 ? RIGHT_EXECUTE : 0;
	if ((word & FS_US) == 0)
		return rights << RIGHTS_PRIVILEGED_LG2;
	return phyrsim_walker_rights(rights);
}

static unsigned int attrs_of(uint64_t word)
{
	unsigned int attrs = 0;

	attrs |= (word & FS_PCD) != 0 ? PHYRSIM_ATTR_UNCACHED : 0;
	attrs |= (word & FS_XD) != 0 ? PHYRSIM_ATTR_NOEXEC : 0;
	attrs |= (word & FS_US) == 0 ? PHYRSIM_ATTR_PRIVILEGED : 0;
	return attrs;
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	if ((word & FS_P) == 0)
		return PHYRSIM_FAULT_NOT_PRESENT;
	/* PML4E and PML5E are pointers only. */
	if (level > FS_LEAF_LEVEL_MAX && (word & FS_PS) != 0)
		return PHYRSIM_FAULT_RESERVED;
	entry->leaf = level == 0 || (word & FS_PS) != 0;
	entry->rights = rights_of(word);
	entry->address = word & FS_ADDRESS;
	entry->accessed = FS_A & ~word;
	if (!entry->leaf) {
		entry->level = level - 1;
		return phyrsim_walker_output(stage->root, entry->address, PHYR_PAGE_LG2);
	}
	if (level > 0)
		entry->address &= ~FS_PAT_LARGE;
	entry->lg2 = phyrsim_walker_lg2(stage->root, level);
	entry->attrs = attrs_of(word);
	entry->dirty_set = FS_D & ~word;
	entry->dirty = (word & FS_D) != 0;
	return phyrsim_walker_output(stage->root, entry->address, entry->lg2);
}

/* 48 or 57 bits with the sign, or one less without. */
static bool knows(const struct phyrsim_root *root)
{
	unsigned int bits = 12 + 9 * root->level_cnt;

	if ((root->features & PHYRSIM_FEATURE_UNSIGNED) != 0)
		bits--;
	return root->granule_lg2 == PHYR_PAGE_LG2 && root->iova_bits == bits;
}

static bool reaches(const struct phyrsim_root *root, uint64_t iova)
{
	if ((root->features & PHYRSIM_FEATURE_UNSIGNED) != 0)
		return phyrsim_walker_unsigned(root, iova);
	return phyrsim_walker_signed(root, iova);
}

const struct phyrsim_walker_format phyrsim_walker_x86_fs = {
	.first = true,
	.level_min = 4,
	.level_max = 5,
	.pa_bits_max = 52,
	.features = PHYRSIM_FEATURE_UNSIGNED,
	.knows = knows,
	.reaches = reaches,
	.decode = decode,
};
