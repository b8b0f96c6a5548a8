/* SPDX-License-Identifier: MIT */
/*
 * A hardware table walker for VT-d second-stage tables, written from the specification (Intel VT-d
 * Architecture Specification, "Second-Stage Translation" and "Second-Stage Paging Entries"): the
 * names SS-PTE, SS-PDE, SS-PDPE, SS-PML4E and SS-PML5E are those of levels 0 to 4 there.
 *
 * It models hardware without snoop control, execute permission, accessed/dirty flags and device
 * TLBs, whose bits are therefore reserved or ignored.
 *
 * Not here: anything that the writer of the tables knows; caches of translations or of tables.
 */
#include <phyr/base.h>
#include <phyr/bits.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

/* A table is one page of 512 entries, so a level takes nine bits of the address. */
#define SS_INDEX_BITS 9

/* Bits of an entry: any level. Bits 2 (execute), 8 (A), 9 (D), 10, 61:52 and 63 are ignored. */
#define SS_PERM UINT64_C(3)	   /* bit 0 read, bit 1 write: enum phyr_perm */
#define SS_PS (UINT64_C(1) << 7)   /* leaf in SS-PDE and SS-PDPE; ignored in SS-PTE */
#define SS_SNP (UINT64_C(1) << 11) /* reserved without snoop control */
#define SS_ADDRESS (phyr_bits_mask(52) & ~phyr_bits_mask(PHYR_PAGE_LG2))
#define SS_TM (UINT64_C(1) << 62) /* reserved without device TLBs */

/* The highest level with leaves: the SS-PDPE maps 1 GiB. */
#define SS_LEAF_LEVEL_MAX 2

/* What one entry of a level maps, or the table below it. [log2 bytes] */
static unsigned int level_lg2(unsigned int level)
{
	return PHYR_PAGE_LG2 + SS_INDEX_BITS * level;
}

static bool is_leaf(uint64_t entry, unsigned int level)
{
	return level == 0 || (level <= SS_LEAF_LEVEL_MAX && (entry & SS_PS) != 0);
}

/* The address field ends at the host address width; the bits from there to 51 are reserved. */
static uint64_t beyond_width(unsigned int pa_bits)
{
	return pa_bits < 52 ? SS_ADDRESS & ~phyr_bits_mask(pa_bits) : 0;
}

static uint64_t reserved_bits(const struct phyrsim_root *root, uint64_t entry, unsigned int level)
{
	uint64_t reserved = SS_SNP | SS_TM | beyond_width(root->pa_bits);

	/* SS-PML4E and SS-PML5E are pointers only: bit 7 is reserved. */
	if (level > SS_LEAF_LEVEL_MAX)
		reserved |= SS_PS;
	/* A large leaf is aligned to its size: 20:12 of an SS-PDE, 29:12 of an SS-PDPE. */
	if (is_leaf(entry, level))
		reserved |= SS_ADDRESS & phyr_bits_mask(level_lg2(level));
	return reserved;
}

/* Of what makes one entry unusable, "not present" comes first: the rest is then not looked at. */
static enum phyrsim_fault check_entry(const struct phyrsim_root *root, uint64_t entry,
				      unsigned int level)
{
	/* There is no present bit: an entry that gives no permission is not present. */
	if ((entry & SS_PERM) == 0)
		return PHYRSIM_FAULT_NOT_PRESENT;
	if ((entry & reserved_bits(root, entry, level)) != 0)
		return PHYRSIM_FAULT_RESERVED;
	return PHYRSIM_FAULT_NONE;
}

/* An access needs its permission in every entry on the path, so they are combined at the leaf. */
static enum phyrsim_fault check_access(uint64_t perm, uint64_t access)
{
	uint64_t missing = access & ~perm;

	if ((missing & PHYR_PERM_READ) != 0)
		return PHYRSIM_FAULT_READ;
	return missing != 0 ? PHYRSIM_FAULT_WRITE : PHYRSIM_FAULT_NONE;
}

/* The entry of a table for an address; false where there is no memory. */
static bool read_entry(const struct phyrsim_mem *mem, phyr_pa table, phyr_iova iova,
		       struct phyrsim_walk *walk)
{
	const uint64_t *frame = phyrsim_mem_frame(mem, table);
	uint64_t idx = iova.addr >> level_lg2(walk->level) & phyr_bits_mask(SS_INDEX_BITS);

	if (!frame)
		return false;
	walk->entry = frame[idx];
	walk->read_cnt++;
	return true;
}

/* From the top down to a usable leaf. Each step goes a level down, so tables may form a loop. */
static enum phyrsim_fault find_leaf(const struct phyrsim_mem *mem, const struct phyrsim_root *root,
				    phyr_iova iova, struct phyrsim_walk *walk, uint64_t *perm)
{
	phyr_pa table = root->table;

	for (;; walk->level--) {
		enum phyrsim_fault fault;

		if (!read_entry(mem, table, iova, walk))
			return PHYRSIM_FAULT_MEMORY;
		fault = check_entry(root, walk->entry, walk->level);
		if (fault != PHYRSIM_FAULT_NONE)
			return fault;
		*perm &= walk->entry;
		if (is_leaf(walk->entry, walk->level))
			return PHYRSIM_FAULT_NONE;
		table = phyr_pa_at(walk->entry & SS_ADDRESS);
	}
}

static enum phyrsim_fault translate(const struct phyrsim_mem *mem, const struct phyrsim_root *root,
				    phyr_iova iova, enum phyr_perm access,
				    struct phyrsim_walk *walk)
{
	uint64_t perm = SS_PERM;
	enum phyrsim_fault fault;
	uint64_t offset;

	/* 39, 48 or 57 bits; there is no sign extension. */
	if (iova.addr >> level_lg2(root->level_cnt) != 0)
		return PHYRSIM_FAULT_WIDTH;
	fault = find_leaf(mem, root, iova, walk, &perm);
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	walk->perm = (enum phyr_perm)perm;
	fault = check_access(perm, (uint64_t)access);
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	walk->leaf_lg2 = level_lg2(walk->level);
	offset = iova.addr & phyr_bits_mask(walk->leaf_lg2);
	walk->pa = phyr_pa_at((walk->entry & SS_ADDRESS) | offset);
	return PHYRSIM_FAULT_NONE;
}

static bool known_root(const struct phyrsim_root *root)
{
	return root->format == PHYRSIM_FORMAT_VTD_SS && root->level_cnt >= 3 &&
	       root->level_cnt <= 5;
}

int phyrsim_walk(struct phyrsim_mem *mem, const struct phyrsim_root *root,
		 const struct phyrsim_access *access, struct phyrsim_walk *ret_walk)
{
	struct phyrsim_walk walk = { 0 };

	if (!mem || !root || !access || !ret_walk || !known_root(root) || access->flags != 0)
		return PHYR_E_INVAL;
	if (access->perm == 0 ||
	    ((unsigned int)access->perm & ~(unsigned int)PHYR_PERM_READ_WRITE) != 0)
		return PHYR_E_INVAL;
	walk.level = root->level_cnt - 1;
	walk.fault = translate(mem, root, access->iova, access->perm, &walk);
	*ret_walk = walk;
	return walk.fault == PHYRSIM_FAULT_NONE ? PHYR_OK : PHYR_E_FAULT;
}

const char *phyrsim_fault_name(enum phyrsim_fault fault)
{
	switch (fault) {
	case PHYRSIM_FAULT_NONE:
		return "none";
	case PHYRSIM_FAULT_WIDTH:
		return "width";
	case PHYRSIM_FAULT_NOT_PRESENT:
		return "not present";
	case PHYRSIM_FAULT_READ:
		return "read";
	case PHYRSIM_FAULT_WRITE:
		return "write";
	case PHYRSIM_FAULT_RESERVED:
		return "reserved";
	case PHYRSIM_FAULT_MEMORY:
		return "memory";
	default:
		return "?";
	}
}
