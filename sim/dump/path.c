/* SPDX-License-Identifier: MIT */
/*
 * The path of one address. The walker says where it ends and why; the tables before that are found
 * again by the addresses in their entries, which are pointers, or the walk would have ended there.
 */
#include "dump.h"

/* Reads the item of a step; only where the walk found no memory there is none. */
static void step_read(struct phyrsim_mem *mem, struct phyrsim_dump_step *step)
{
	const uint64_t *frame = phyrsim_mem_frame(mem, step->entry_pa);

	step->read = frame != NULL;
	step->entry = 0;
	if (frame)
		step->entry = frame[(step->entry_pa.addr & phyr_bits_mask(PHYR_PAGE_LG2)) / 8];
}

static struct phyrsim_dump_step step_at(const struct phyrsim_root *root, phyr_pa table,
					unsigned int level, uint64_t iova)
{
	struct phyrsim_dump_step step = { .level = level, .table = table };

	step.index = (unsigned int)(iova >> item_lg2(root, level) &
				    phyr_bits_mask(index_bits(root, level)));
	step.entry_pa.addr = table.addr + step.index * sizeof(uint64_t);
	return step;
}

/* The level below a pointer: AMD's say it. */
static unsigned int level_below(const struct phyrsim_root *root,
				const struct phyrsim_dump_step *step)
{
	const struct shape *shape = phyrsim_dump_shape(root->format);

	for (unsigned int i = 0; i < shape->field_cnt; i++) {
		const struct field *field = &shape->fields[i];

		if (field->use == USE_LEVEL)
			return (unsigned int)((step->entry & field_mask(field)) >> field->lo) - 1;
	}
	return step->level - 1;
}

static void follow(struct phyrsim_mem *mem, const struct phyrsim_root *root, uint64_t iova,
		   struct phyrsim_dump_walk *path)
{
	unsigned int missing = path->walk.fault == PHYRSIM_FAULT_MEMORY;
	unsigned int level = root->level_cnt - 1;
	phyr_pa table = root->table;

	path->step_cnt = path->walk.read_cnt + missing;
	for (unsigned int i = 0; i < path->step_cnt; i++) {
		struct phyrsim_dump_step *step = &path->steps[i];

		*step = step_at(root, table, level, iova);
		step_read(mem, step);
		if (i + 1 == path->step_cnt)
			break;
		table.addr = phyrsim_dump_address(root, step->entry, KIND_POINTER);
		level = level_below(root, step);
	}
}

int phyrsim_dump_path(struct phyrsim_mem *mem, const struct phyrsim_root *root,
		      const struct phyrsim_access *access, struct phyrsim_dump_walk *ret_path)
{
	struct phyrsim_dump_walk path = { .step_cnt = 0 };
	int err;

	if (!access || !ret_path || (access->flags & PHYRSIM_WALK_UPDATE) != 0)
		return PHYR_E_INVAL;
	err = phyrsim_walk(mem, root, access, &path.walk);
	if (err == PHYR_E_INVAL)
		return err;
	follow(mem, root, access->iova.addr, &path);
	*ret_path = path;
	return err;
}
