/* SPDX-License-Identifier: MIT */
/*
 * What the data of a format (fields.c, fields_arm.c) says of an entry.
 */
#include "dump.h"

enum kind phyrsim_dump_kind(const struct phyrsim_root *root, uint64_t entry, unsigned int level)
{
	const struct rule *rule = phyrsim_dump_shape(root->format)->rules;

	/* The last rules of every format match all that is left. */
	while ((entry & rule->mask) != rule->value || level < rule->level_min ||
	       level > rule->level_max)
		rule++;
	if (rule->kinds == KIND_LEAF)
		return level == 0 ? KIND_PAGE : KIND_BLOCK;
	return (enum kind)rule->kinds;
}

bool phyrsim_dump_has(const struct phyrsim_root *root, const struct field *field, enum kind kind)
{
	unsigned int granule = 1u << (root->granule_lg2 - 12) / 2;

	return (field->kinds & kind) != 0 && (field->granules & granule) != 0 &&
	       (root->features & field->with) == field->with &&
	       (root->features & field->without) == 0;
}

uint64_t phyrsim_dump_address_bits(const struct phyrsim_root *root, enum kind kind)
{
	const struct shape *shape = phyrsim_dump_shape(root->format);
	uint64_t bits = 0;

	for (unsigned int i = 0; i < shape->field_cnt; i++) {
		const struct field *field = &shape->fields[i];

		if (field->use == USE_ADDRESS && phyrsim_dump_has(root, field, kind))
			bits |= field_mask(field);
	}
	return bits;
}

uint64_t phyrsim_dump_address(const struct phyrsim_root *root, uint64_t entry, enum kind kind)
{
	const struct shape *shape = phyrsim_dump_shape(root->format);
	uint64_t address = 0;

	for (unsigned int i = 0; i < shape->field_cnt; i++) {
		const struct field *field = &shape->fields[i];

		if (field->use == USE_ADDRESS && phyrsim_dump_has(root, field, kind))
			address |= (entry & field_mask(field)) << field->shift;
	}
	return address;
}
