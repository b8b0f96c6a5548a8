/* SPDX-License-Identifier: MIT */
/*
 * VT-d second-stage entries, from the Intel VT-d Architecture Specification, "Second-Stage
 * Translation" and "Second-Stage Paging Entries": SS-PTE, SS-PDE, SS-PDPE, SS-PML4E and SS-PML5E
 * are levels 0 to 4.
 *
 * The hardware has no execute permission and no device TLBs, whose bits are therefore ignored or
 * reserved; snoop control is PHYRSIM_FEATURE_COHERENT.
 */
#include "format.h"

/* Bits of an entry: any level. Bits 2 (execute), 6:3 (memory type), 10, 61:52, 63 are ignored. */
#define SS_PERM BITS(1, 0) /* bit 0 read, bit 1 write: enum phyr_perm */
#define SS_PS BIT(7)	   /* leaf in SS-PDE and SS-PDPE; ignored in SS-PTE */
#define SS_A BIT(8)	   /* with SSADE */
#define SS_D BIT(9)	   /* with SSADE, in leaves; ignored in pointers */
#define SS_SNP BIT(11)	   /* reserved in pointers, and without snoop control */
#define SS_ADDRESS BITS(51, 12)
#define SS_TM BIT(62) /* reserved without device TLBs */

/* The highest level with leaves: the SS-PDPE maps 1 GiB. */
#define SS_LEAF_LEVEL_MAX 2

static bool is_leaf(uint64_t word, unsigned int level)
{
	return level == 0 || (level <= SS_LEAF_LEVEL_MAX && (word & SS_PS) != 0);
}

static uint64_t reserved_bits(const struct phyrsim_root *root, bool leaf, unsigned int level)
{
	uint64_t reserved = SS_TM;

	if (!leaf || (root->features & PHYRSIM_FEATURE_COHERENT) == 0)
		reserved |= SS_SNP;
	/* SS-PML4E and SS-PML5E are pointers only. */
	if (level > SS_LEAF_LEVEL_MAX)
		reserved |= SS_PS;
	return reserved;
}

/*
 * There is no present bit: an entry that gives no permission is not present, and the rest is not
 * looked at. Software that takes any entry but zero as present would be misled; an audit says so.
 */
static enum phyrsim_fault absent(const struct phyrsim_stage *stage, uint64_t word)
{
	if (word != 0 && (stage->flags & PHYRSIM_WALK_AUDIT) != 0)
		return PHYRSIM_FAULT_RESERVED;
	return PHYRSIM_FAULT_NOT_PRESENT;
}

static enum phyrsim_fault decode(const struct phyrsim_stage *stage, uint64_t word,
				 unsigned int level, struct phyrsim_entry *entry)
{
	unsigned int rights = word & SS_PERM;

	if (rights == 0)
		return absent(stage, word);
	entry->leaf = is_leaf(word, level);
	if ((word & reserved_bits(stage->root, entry->leaf, level)) != 0)
		return PHYRSIM_FAULT_RESERVED;
	/* What may be read may be executed. */
	rights |= (rights & RIGHT_READ) != 0 ? RIGHT_EXECUTE : 0;
	entry->rights = phyrsim_walker_rights(rights);
	entry->address = word & SS_ADDRESS;
	entry->accessed = SS_A & ~word;
	if (!entry->leaf) {
		entry->level = level - 1;
		return phyrsim_walker_output(stage->root, entry->address, PHYR_PAGE_LG2);
	}
	entry->lg2 = phyrsim_walker_lg2(stage->root, level);
	entry->dirty_set = SS_D & ~word;
	entry->dirty = (word & SS_D) != 0;
	return phyrsim_walker_output(stage->root, entry->address, entry->lg2);
}

/* 39, 48 or 57 bits. */
static bool knows(const struct phyrsim_root *root)
{
	return root->granule_lg2 == PHYR_PAGE_LG2 && root->iova_bits == 12 + 9 * root->level_cnt;
}

const struct phyrsim_walker_format phyrsim_walker_vtd_ss = {
	.level_min = 3,
	.level_max = 5,
	.pa_bits_max = 52,
	.features = PHYRSIM_FEATURE_COHERENT | PHYRSIM_FEATURE_WRITE_READS,
	.knows = knows,
	.reaches = phyrsim_walker_unsigned,
	.decode = decode,
};
