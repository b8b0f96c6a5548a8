/* SPDX-License-Identifier: MIT */
/*
 * The walk of one address in words: every field of every entry on the path, then what it comes to.
 *
 * Not here: the names of fields (fields.c, fields_arm.c); the verdict, which is the walker's.
 */
#include <string.h>

#include "dump.h"

#define COLUMN_NAME 10
#define COLUMN_VALUE 22
#define COLUMN_MEANING 42

static const char *const causes[PHYRSIM_FAULT_CNT] = {
	[PHYRSIM_FAULT_NONE] = "there is a translation",
	[PHYRSIM_FAULT_WIDTH] = "the table does not translate this address",
	[PHYRSIM_FAULT_NOT_PRESENT] = "the entry is not valid",
	[PHYRSIM_FAULT_READ] = "an entry on the path forbids reading",
	[PHYRSIM_FAULT_WRITE] = "an entry on the path forbids writing",
	[PHYRSIM_FAULT_RESERVED] = "the entry has a reserved bit or value",
	[PHYRSIM_FAULT_MEMORY] = "there is no memory where the table is said to be",
	[PHYRSIM_FAULT_ALIGN] = "the address in the entry is no multiple of what lies there",
	[PHYRSIM_FAULT_GROUP] = "the items of the contiguous group do not agree",
	[PHYRSIM_FAULT_ACCESSED] = "a mark is missing that hardware does not set",
	[PHYRSIM_FAULT_PRIVILEGE] =
		"an entry on the path is for the privileged, or forbids execution",
	[PHYRSIM_FAULT_SIZE] = "the address in the entry is wider than output addresses",
	[PHYRSIM_FAULT_LEVEL] = "the entry points to a table of no lower level",
};

/* The n-th of the meanings, or the last. */
static void add_meaning(struct text *text, const char *meanings, uint64_t value)
{
	char word[96];
	size_t len;

	for (; value > 0 && strchr(meanings, '|'); value--)
		meanings = strchr(meanings, '|') + 1;
	len = strcspn(meanings, "|");
	memcpy(word, meanings, len);
	word[len] = '\0';
	phyrsim_text_add(text, word);
}

/* "51:12", "7" */
static void add_bits(struct text *text, const struct field *field)
{
	phyrsim_text_add(text, "  ");
	phyrsim_text_number(text, field->hi);
	if (field->hi == field->lo)
		return;
	phyrsim_text_add(text, ":");
	phyrsim_text_number(text, field->lo);
}

static int write_field(struct text *text, const struct field *field, uint64_t entry)
{
	uint64_t value = (entry & field_mask(field)) >> field->lo;

	add_bits(text, field);
	phyrsim_text_column(text, COLUMN_NAME);
	phyrsim_text_add(text, field->name);
	phyrsim_text_column(text, COLUMN_VALUE);
	if (field->use == USE_ADDRESS)
		phyrsim_text_address(text, (entry & field_mask(field)) << field->shift);
	else
		phyrsim_text_hex(text, value);
	if (field->meanings) {
		phyrsim_text_column(text, COLUMN_MEANING);
		add_meaning(text, field->meanings, value);
	}
	return phyrsim_text_end(text);
}

static int write_bits(struct text *text, const char *words, uint64_t bits)
{
	if (bits == 0)
		return PHYR_OK;
	phyrsim_text_add(text, words);
	phyrsim_text_hex(text, bits);
	return phyrsim_text_end(text);
}

/* All fields; then the reserved bits that are set, and those that nobody looks at. */
static int write_fields(struct text *text, const struct phyrsim_root *root, uint64_t entry,
			enum kind kind)
{
	const struct shape *shape = phyrsim_dump_shape(root->format);
	uint64_t reserved = 0, known = 0;
	int err = PHYR_OK;

	for (unsigned int i = 0; !err && i < shape->field_cnt; i++) {
		const struct field *field = &shape->fields[i];

		if (!phyrsim_dump_has(root, field, kind))
			continue;
		known |= field_mask(field);
		if (field->use == USE_RESERVED)
			reserved |= field_mask(field);
		else
			err = write_field(text, field, entry);
	}
	if (!err)
		err = write_bits(text, "  reserved bits set: ", entry & reserved);
	if (!err)
		err = write_bits(text, "  ignored bits set: ", entry & ~known);
	return err;
}

static int write_step(struct text *text, const struct phyrsim_root *root,
		      const struct phyrsim_dump_step *step)
{
	enum kind kind = phyrsim_dump_kind(root, step->entry, step->level);
	int err;

	phyrsim_text_add(text, "level ");
	phyrsim_text_number(text, step->level);
	phyrsim_text_add(text, ": item ");
	phyrsim_text_number(text, step->index);
	phyrsim_text_add(text, " at ");
	phyrsim_text_address(text, step->entry_pa.addr);
	if (!step->read) {
		phyrsim_text_add(text, ", where there is no memory");
		return phyrsim_text_end(text);
	}
	phyrsim_text_add(text, " = ");
	phyrsim_text_address(text, step->entry);
	phyrsim_text_add(text, ", ");
	phyrsim_text_kind(text, kind);
	err = phyrsim_text_end(text);
	return err ? err : write_fields(text, root, step->entry, kind);
}

static int write_root(struct text *text, const struct phyrsim_root *root)
{
	phyrsim_text_add(text, phyrsim_dump_shape(root->format)->name);
	phyrsim_text_add(text, " table at ");
	phyrsim_text_address(text, root->table.addr);
	phyrsim_text_add(text, ": levels ");
	phyrsim_text_number(text, root->level_cnt);
	phyrsim_text_add(text, ", granule ");
	phyrsim_text_size(text, root->granule_lg2);
	phyrsim_text_add(text, ", iova bits ");
	phyrsim_text_number(text, root->iova_bits);
	phyrsim_text_add(text, ", pa bits ");
	phyrsim_text_number(text, root->pa_bits);
	phyrsim_text_add(text, ", features ");
	phyrsim_text_features(text, root->features);
	return phyrsim_text_end(text);
}

static int write_access(struct text *text, const struct phyrsim_access *access)
{
	bool execute = (access->flags & PHYRSIM_WALK_EXECUTE) != 0;

	if ((access->flags & PHYRSIM_WALK_PRIVILEGED) != 0)
		phyrsim_text_add(text, "privileged ");
	phyrsim_text_add(text, execute			       ? "execution" :
			       access->perm == PHYR_PERM_READ  ? "read" :
			       access->perm == PHYR_PERM_WRITE ? "write" :
								 "read and write");
	phyrsim_text_add(text, " of ");
	phyrsim_text_address(text, access->iova.addr);
	return phyrsim_text_end(text);
}

static int write_verdict(struct text *text, const struct phyrsim_walk *walk)
{
	if (walk->fault == PHYRSIM_FAULT_NONE) {
		phyrsim_text_add(text, "translates to ");
		phyrsim_text_address(text, walk->pa.addr);
		phyrsim_text_add(text, ": leaf of ");
		phyrsim_text_size(text, walk->leaf_lg2);
		phyrsim_text_add(text, ", ");
		phyrsim_text_use(text, walk);
		return phyrsim_text_end(text);
	}
	phyrsim_text_add(text, "fault ");
	phyrsim_text_add(text, phyrsim_fault_name(walk->fault));
	phyrsim_text_add(text, " at level ");
	phyrsim_text_number(text, walk->level);
	phyrsim_text_add(text, ": ");
	phyrsim_text_add(text, causes[walk->fault]);
	return phyrsim_text_end(text);
}

int phyrsim_dump_explain(struct phyrsim_mem *mem, const struct phyrsim_root *root,
			 const struct phyrsim_access *access, const struct phyrsim_dump_sink *sink)
{
	struct text text = { .sink = sink };
	struct phyrsim_dump_walk path;
	int err;

	if (!sink || !sink->write || phyrsim_dump_path(mem, root, access, &path) == PHYR_E_INVAL)
		return PHYR_E_INVAL;
	err = write_root(&text, root);
	if (!err)
		err = write_access(&text, access);
	for (unsigned int i = 0; !err && i < path.step_cnt; i++)
		err = write_step(&text, root, &path.steps[i]);
	return err ? err : write_verdict(&text, &path.walk);
}
