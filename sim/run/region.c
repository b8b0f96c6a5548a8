/* SPDX-License-Identifier: MIT */
/* A mapped buffer in the device's own table, under one name: what it costs, and is it right? */

#include <phyr/bits.h>

#include "run.h"

uint64_t phyrsim_name_of(const struct phyr_list *list, enum phyrsim_naming naming, uint64_t iova)
{
	switch (naming) {
	case PHYRSIM_NAME_VA:
		return phyr_list_va(list);
	case PHYRSIM_NAME_ZERO:
		return iova & phyr_bits_mask(PHYR_PAGE_LG2);
	case PHYRSIM_NAME_IOVA:
		break;
	}
	return iova;
}

struct phyrsim_mapping *phyrsim_add_mapping(struct context *context, enum phyrsim_strategy strategy)
{
	struct phyrsim_result *result = &context->result;
	struct phyrsim_mapping *row = &result->mapping[result->mapping_cnt++];

	row->strategy = strategy;
	return row;
}

struct phyrsim_translation *phyrsim_add_translation(struct context *context,
						    const struct phyrsim_mapping *mapping,
						    enum phyrsim_naming naming)
{
	struct phyrsim_result *result = &context->result;
	struct phyrsim_translation *row = &result->translation[result->translation_cnt++];

	row->strategy = mapping->strategy;
	row->for_mixed = mapping->for_mixed;
	row->naming = naming;
	return row;
}

/* Would the table be larger than what a run simulates? */
static bool too_many(const struct phyrsim_mtt_params *params, const struct phyr_list *bus,
		     uint64_t address)
{
	uint64_t last = address + (phyr_list_len(bus) - 1), cnt = 0;
	struct phyr_block_counts counts;
	uint64_t size;

	if (params->mixed) {
		if (phyr_split_count(bus, phyr_iova_at(address), params->sizes, &counts))
			return false;
		for (unsigned int lg2 = 0; lg2 < 64; lg2++)
			cnt += counts.cnt[lg2];
	} else {
		size = phyr_split_best_size(bus, address, params->sizes, params->cover);
		cnt = size ? phyr_bits_blocks(address, last, phyr_bits_log2(size)) : 0;
	}
	return cnt > PHYRSIM_LEAVES_MAX;
}

/* One way of registering; a device that has no fitting page size leaves the cost empty. */
static int register_region(struct context *context, const struct machine *machine,
			   const struct phyr_list *bus, uint64_t address,
			   const struct phyrsim_mtt_params *params)
{
	struct phyrsim_translation *row =
		&context->result.translation[context->result.translation_cnt - 1];
	struct phyrsim_mtt_cost *cost = params->mixed ? &row->mixed :
					params->cover ? &row->cover :
							&row->single;
	struct phyrsim_mtt_region *region;
	int err;

	if (too_many(params, bus, address))
		return PHYR_E_LIMIT;
	err = phyrsim_mtt_register_list(params, bus, address, &region);
	if (err == PHYR_E_LIMIT)
		return PHYR_OK;
	if (err)
		return err;
	phyrsim_mtt_cost(region, cost);
	err = phyrsim_check_region(machine, context->list, region, address, &context->report);
	phyrsim_mtt_drop(region);
	return err;
}

int phyrsim_translate(struct context *context, const struct machine *machine,
		      const struct phyr_list *bus, const struct phyrsim_mapping *mapping,
		      enum phyrsim_naming naming)
{
	struct phyrsim_mtt_params params = { .mem = context->mem };
	struct phyr_list_cursor cursor;
	struct phyr_run run = { .offset = 0 };
	uint64_t address;
	int err;

	context->report.error.step = "registering with the device";
	phyrsim_add_translation(context, mapping, naming);
	phyr_list_begin(bus, &cursor);
	(void)phyr_list_next(&cursor, &run);
	address = phyrsim_name_of(context->list, naming, run.range.pa.addr);
	params.sizes = context->device_sizes;
	err = register_region(context, machine, bus, address, &params);
	params.cover = PHYR_COVER_ALLOW;
	if (!err)
		err = register_region(context, machine, bus, address, &params);
	params.cover = PHYR_COVER_FORBID;
	params.mixed = true;
	return err ? err : register_region(context, machine, bus, address, &params);
}
