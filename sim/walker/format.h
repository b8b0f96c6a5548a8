/* SPDX-License-Identifier: MIT */
/*
 * What a format tells the walk: is a root one of its own, does an address fit, what does one entry
 * say. The walk itself (translate.c) is the same for all.
 *
 * Levels count from 0, the table of the smallest leaves, in every format; each format's file says
 * what its specification calls them.
 */
#ifndef PHYRSIM_WALKER_FORMAT_H
#define PHYRSIM_WALKER_FORMAT_H

#include <phyr/bits.h>
#include <phyrsim/mem.h>
#include <phyrsim/walker.h>

/* A bit, and neighbouring bits, of an entry: numbered as the specifications do. */
#define BIT(n) (UINT64_C(1) << (n))
#define BITS(hi, lo) (UINT64_MAX >> (63 - (hi)) & UINT64_MAX << (lo))

/*
 * What may be done; a set of bits. The lower three are for users, and the same three above them for
 * the privileged. READ and WRITE are those of enum phyr_perm.
 */
#define RIGHT_READ 1u
#define RIGHT_WRITE 2u
#define RIGHT_EXECUTE 4u
#define RIGHTS_USER 7u
#define RIGHTS_PRIVILEGED_LG2 3
#define RIGHTS_ALL 63u

/* What one entry says. */
struct phyrsim_entry {
	bool leaf;
	bool own;	    /* leaf: the address is the item's; else that of the whole group */
	bool dirty;	    /* leaf: marked dirty */
	unsigned int level; /* pointer: of the table below, less than the entry's */
	unsigned int lg2;   /* leaf: [log2 bytes] size, that of the whole group */
	unsigned int rights;
	unsigned int attrs;   /* leaf: of enum phyrsim_attr */
	uint64_t address;     /* of the table below, or of memory */
	uint64_t accessed;    /* bits that a use sets, as far as they are clear */
	uint64_t dirty_set;   /* bits that a write sets ... */
	uint64_t dirty_clear; /* ... and clears, to mark dirty what is clean */
	uint64_t required;    /* of the bits to be set: where hardware that sets none faults */
	uint64_t same;	      /* leaf: bits in which all items of a group agree */
};

/* One stage of a translation. */
struct phyrsim_stage {
	struct phyrsim_mem *mem;
	const struct phyrsim_root *root;
	const struct phyrsim_walker_format *format;
	const struct phyrsim_stage *second; /* translates this one's addresses; NULL: physical */
	unsigned int flags;		    /* of enum phyrsim_walk_flag */
	struct phyrsim_walk *walk;	    /* what is found */
	struct phyrsim_path *path;	    /* pointers that are followed; NULL: not kept */
};

struct phyrsim_walker_format {
	bool first; /* a first stage: knows users and the privileged */
	unsigned int level_min;
	unsigned int level_max;
	unsigned int pa_bits_max;
	unsigned int features; /* of enum phyrsim_feature: that a root may have */
	/* Is the rest of the root (granule, widths) one of the format's? */
	bool (*knows)(const struct phyrsim_root *root);
	/* Is the address one that the tables could translate? */
	bool (*reaches)(const struct phyrsim_root *root, uint64_t iova);
	/* Reads an entry of a level. ret_entry is zero before, and undefined after a fault. */
	enum phyrsim_fault (*decode)(const struct phyrsim_stage *stage, uint64_t word,
				     unsigned int level, struct phyrsim_entry *ret_entry);
};

/* Is it hardware that sets marks? */
static inline bool phyrsim_walker_marks(const struct phyrsim_stage *stage)
{
	return (stage->flags & (PHYRSIM_WALK_UPDATE | PHYRSIM_WALK_PEEK)) != 0;
}

extern const struct phyrsim_walker_format phyrsim_walker_vtd_ss;
extern const struct phyrsim_walker_format phyrsim_walker_amd_v1;
extern const struct phyrsim_walker_format phyrsim_walker_x86_fs;
extern const struct phyrsim_walker_format phyrsim_walker_arm_s1;
extern const struct phyrsim_walker_format phyrsim_walker_arm_s2;
extern const struct phyrsim_walker_format phyrsim_walker_riscv_s1;
extern const struct phyrsim_walker_format phyrsim_walker_riscv_s2;

/*
 * Translates an address through a stage and the one below it for an access, a set of rights; the
 * answer stands in the stage's walk.
 */
enum phyrsim_fault phyrsim_walker_translate(const struct phyrsim_stage *stage, uint64_t address,
					    unsigned int access);

/* Follows an address through the stage, with all of its rights, into the stage's path. */
enum phyrsim_fault phyrsim_walker_follow(const struct phyrsim_stage *stage, uint64_t address);

/* [log2 bytes] what one item of a level translates; a table is one granule of 8-byte items */
static inline unsigned int phyrsim_walker_lg2(const struct phyrsim_root *root, unsigned int level)
{
	return root->granule_lg2 + (root->granule_lg2 - 3) * level;
}

/* Bits of the address that choose the item of a level; the top takes all that is left. */
static inline unsigned int phyrsim_walker_index_bits(const struct phyrsim_root *root,
						     unsigned int level)
{
	if (level + 1 == root->level_cnt)
		return root->iova_bits - phyrsim_walker_lg2(root, level);
	return root->granule_lg2 - 3;
}

/* Is the address narrow enough, without sign extension? */
static inline bool phyrsim_walker_unsigned(const struct phyrsim_root *root, uint64_t iova)
{
	return root->iova_bits >= 64 || iova >> root->iova_bits == 0;
}

/* Is the address canonical: are all bits from the sign bit up the same? */
static inline bool phyrsim_walker_signed(const struct phyrsim_root *root, uint64_t iova)
{
	uint64_t upper = iova >> (root->iova_bits - 1);

	return upper == 0 || upper == UINT64_MAX >> (root->iova_bits - 1);
}

/* Users and the privileged may do the same. */
static inline unsigned int phyrsim_walker_rights(unsigned int rights)
{
	return rights | rights << RIGHTS_PRIVILEGED_LG2;
}

/* Is an address within the width, and a multiple of what lies there? */
static inline enum phyrsim_fault phyrsim_walker_output(const struct phyrsim_root *root,
						       uint64_t address, unsigned int lg2)
{
	if (address >> root->pa_bits != 0)
		return PHYRSIM_FAULT_SIZE;
	return phyr_bits_aligned(address, lg2) ? PHYRSIM_FAULT_NONE : PHYRSIM_FAULT_ALIGN;
}

#endif
