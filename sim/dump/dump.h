/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the module share: the fields of entries, going through a table, lines of text.
 */
#ifndef PHYRSIM_DUMP_PRIVATE_H
#define PHYRSIM_DUMP_PRIVATE_H

#include <phyr/bits.h>
#include <phyrsim/dump.h>

/* What an entry is; a set of bits where fields are told apart by it. */
enum kind {
	KIND_ABSENT = 1,
	KIND_POINTER = 2,
	KIND_PAGE = 4,	/* a leaf of level 0 */
	KIND_BLOCK = 8, /* a leaf above it */
};
#define KIND_LEAF (KIND_PAGE | KIND_BLOCK)
#define KIND_PRESENT (KIND_POINTER | KIND_LEAF)
#define KIND_ANY (KIND_ABSENT | KIND_PRESENT)

/* What a field is for. */
enum use {
	USE_VALUE,    /* a number, with a meaning */
	USE_ADDRESS,  /* bits of the output address or of the next table's */
	USE_LEVEL,    /* AMD: one more than the level of the next table */
	USE_RESERVED, /* must be zero: said only when it is not */
};

/* Granules in which a field is there; a set of bits. */
#define G4K 1
#define G16K 2
#define G64K 4
#define G_ANY 7

/* Neighbouring bits of an entry, numbered as in the specifications. */
struct field {
	unsigned char hi, lo;
	unsigned char kinds;	/* of enum kind: in which it is */
	unsigned char use;	/* of enum use */
	unsigned char granules; /* of G4K ... */
	unsigned char shift;	/* address: how much higher its bits are there */
	unsigned short with;	/* of enum phyrsim_feature: all needed */
	unsigned short without; /* ... none allowed */
	const char *name;
	const char *meanings; /* by value, cut by "|"; the last one for all above; or NULL */
};

/* How the kind of an entry is told: the first rule that matches. */
struct rule {
	uint64_t mask;
	uint64_t value;
	unsigned char level_min, level_max;
	unsigned char kinds; /* a leaf is a page at level 0, a block above it */
};

/* The entries of a format, as data. */
struct shape {
	const char *name;
	const struct rule *rules;
	const struct field *fields;
	unsigned int field_cnt;
};

/* The shape of a format that the walker knows. */
const struct shape *phyrsim_dump_shape(enum phyrsim_format format);

extern const struct shape phyrsim_dump_arm_s1;
extern const struct shape phyrsim_dump_arm_s2;

/* What an entry of a level is, by its bits. */
enum kind phyrsim_dump_kind(const struct phyrsim_root *root, uint64_t entry, unsigned int level);

/* Is a field there, in entries of a kind of the tables of a root? */
bool phyrsim_dump_has(const struct phyrsim_root *root, const struct field *field, enum kind kind);

static inline uint64_t field_mask(const struct field *field)
{
	return UINT64_MAX >> (63 - field->hi) & UINT64_MAX << field->lo;
}

/* The bits that hold an address, at their place in the entry. */
uint64_t phyrsim_dump_address_bits(const struct phyrsim_root *root, enum kind kind);

/* The address that an entry holds. */
uint64_t phyrsim_dump_address(const struct phyrsim_root *root, uint64_t entry, enum kind kind);

/* [log2 bytes] what one item of a level translates */
static inline unsigned int item_lg2(const struct phyrsim_root *root, unsigned int level)
{
	return root->granule_lg2 + (root->granule_lg2 - 3) * level;
}

/* Bits of an address that choose an item of a table; the top takes what is left. */
static inline unsigned int index_bits(const struct phyrsim_root *root, unsigned int level)
{
	if (level + 1 == root->level_cnt)
		return root->iova_bits - item_lg2(root, level);
	return root->granule_lg2 - 3;
}

/*
 * Going through all addresses of a table: what ends at one item, at one leaf, at memory that is not
 * there, or at neighbouring items of zero is one stop.
 */
struct tour {
	struct phyrsim_mem *mem;
	const struct phyrsim_root *root;
	bool by_item; /* contiguous groups are as many stops */
	bool done;
	uint64_t next;	    /* the first address of the next stop */
	uint64_t stop_cnt;  /* so far */
	uint64_t first;	    /* of the current stop */
	unsigned int fresh; /* steps of the path from here on are in tables not seen before */
	struct phyrsim_dump_walk path;
};

/* PHYR_E_INVAL: the walker does not take the root. */
int phyrsim_tour_begin(struct tour *tour, struct phyrsim_mem *mem, const struct phyrsim_root *root,
		       bool by_item);

/* The next stop: PHYR_OK, PHYR_E_NOENT at the end, PHYR_E_LIMIT when this is no tree. */
int phyrsim_tour_next(struct tour *tour);

/* A line that is put together and then written whole. */
struct text {
	const struct phyrsim_dump_sink *sink;
	uint64_t line_cnt; /* written */
	size_t len;
	char line[256];
};

void phyrsim_text_add(struct text *text, const char *words);
void phyrsim_text_number(struct text *text, uint64_t number);
void phyrsim_text_hex(struct text *text, uint64_t number);
void phyrsim_text_address(struct text *text, uint64_t address); /* sixteen digits */
void phyrsim_text_size(struct text *text, unsigned int lg2);	/* "64K" */
/* Spaces up to a column, one at least. */
void phyrsim_text_column(struct text *text, size_t column);
/* "rw,noexec,dirty" */
void phyrsim_text_use(struct text *text, const struct phyrsim_walk *walk);
/* "contiguous,wide", "-" for none */
void phyrsim_text_features(struct text *text, unsigned int features);
/* "absent", "pointer", "leaf" */
void phyrsim_text_kind(struct text *text, enum kind kind);
int phyrsim_text_end(struct text *text);

#endif
