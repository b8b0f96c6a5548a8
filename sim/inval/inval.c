/* SPDX-License-Identifier: MIT */
/*
 * Invalidation personalities: which one is at work, what it is asked, what it has sent.
 *
 * Not here: the commands that each makes of a gather (one file each), how drivers cut (gather.c).
 */
#include <string.h>

#include "personality.h"

/* In the lowest three levels of tables whose entries are 8 bytes. */
#define LEVEL_CNT 3

/* The largest AM of common VT-d hardware: 1 GiB. */
#define MASK_MAX 18

const struct phyrsim_inval_ops *phyrsim_inval_ops_of(const struct phyrsim_inval *inval)
{
	static const struct phyrsim_inval_ops *const ops[PHYRSIM_PERSONALITY_CNT] = {
		[PHYRSIM_INVAL_GENERIC] = &phyrsim_inval_generic,
		[PHYRSIM_INVAL_VTD] = &phyrsim_inval_vtd,
		[PHYRSIM_INVAL_VTD_LINUX] = &phyrsim_inval_vtd_linux,
		[PHYRSIM_INVAL_AMD] = &phyrsim_inval_amd,
		[PHYRSIM_INVAL_AMD_EXACT] = &phyrsim_inval_amd_exact,
		[PHYRSIM_INVAL_ARM] = &phyrsim_inval_arm,
		[PHYRSIM_INVAL_ARM_SINGLE] = &phyrsim_inval_arm_single,
		[PHYRSIM_INVAL_RISCV] = &phyrsim_inval_riscv,
		[PHYRSIM_INVAL_RISCV_NL] = &phyrsim_inval_riscv_nl,
	};

	return ops[inval->params.personality];
}

static bool is_vtd(enum phyrsim_personality personality)
{
	return personality == PHYRSIM_INVAL_VTD || personality == PHYRSIM_INVAL_VTD_LINUX;
}

static bool is_arm(enum phyrsim_personality personality)
{
	return personality == PHYRSIM_INVAL_ARM || personality == PHYRSIM_INVAL_ARM_SINGLE;
}

static bool offered(const struct phyrsim_inval_params *params)
{
	unsigned int granule_lg2 = params->granule_lg2;

	if ((unsigned int)params->personality >= PHYRSIM_PERSONALITY_CNT)
		return false;
	if ((params->mask_max || params->caching_mode) && !is_vtd(params->personality))
		return false;
	if (params->ordered && params->personality != PHYRSIM_INVAL_VTD_LINUX)
		return false;
	if (params->mask_max >= 64 - PHYR_PAGE_LG2)
		return false;
	if (granule_lg2 != PHYR_PAGE_LG2 && granule_lg2 != 14 && granule_lg2 != 16)
		return false;
	if (granule_lg2 != PHYR_PAGE_LG2 && params->personality != PHYRSIM_INVAL_GENERIC &&
	    !is_arm(params->personality))
		return false;
	return (params->sizes.mask & phyr_bits_mask(granule_lg2)) == 0;
}

/* An entry is 8 bytes, so a level multiplies by an eighth of the granule. */
static phyr_sizes usual_sizes(unsigned int granule_lg2)
{
	phyr_sizes sizes = { 0 };

	for (unsigned int level = 0; level < LEVEL_CNT; level++)
		sizes.mask |= phyr_bits_size(granule_lg2 + level * (granule_lg2 - 3));
	return sizes;
}

int phyrsim_inval_init(const struct phyrsim_inval_params *params,
		       const struct phyrsim_command_sink *sink, struct phyrsim_inval *ret_inval)
{
	struct phyrsim_inval inval;

	if (!params || !ret_inval)
		return PHYR_E_INVAL;
	memset(&inval, 0, sizeof(inval));
	inval.params = *params;
	if (inval.params.granule_lg2 == 0)
		inval.params.granule_lg2 = PHYR_PAGE_LG2;
	if (!offered(&inval.params))
		return PHYR_E_INVAL;
	if (inval.params.mask_max == 0 && is_vtd(params->personality))
		inval.params.mask_max = MASK_MAX;
	if (inval.params.sizes.mask == 0)
		inval.params.sizes = usual_sizes(inval.params.granule_lg2);
	if (sink)
		inval.sink = *sink;
	*ret_inval = inval;
	return PHYR_OK;
}

static void add_len(uint64_t *sum, uint64_t len)
{
	if (__builtin_add_overflow(*sum, len, sum))
		*sum = UINT64_MAX;
}

void phyrsim_inval_send(struct phyrsim_inval *inval, const struct phyrsim_command *command)
{
	struct phyrsim_inval_stats *stats = &inval->stats;

	stats->command_cnt++;
	if (command->kind == PHYR_FLUSH_DOMAIN)
		stats->domain_cnt++;
	else
		stats->range_cnt++;
	if (command->walk)
		stats->walk_cnt++;
	add_len(&stats->invalidated_len, command->range.len);
	if (inval->sink.send)
		inval->sink.send(inval->sink.ctx, command);
}

void phyrsim_inval_send_all(struct phyrsim_inval *inval)
{
	struct phyrsim_command command = { PHYR_FLUSH_DOMAIN, { { 0 }, 0 }, true, 0 };

	phyrsim_inval_send(inval, &command);
}

void phyrsim_inval_send_range(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk)
{
	struct phyrsim_command command = { PHYR_FLUSH_RANGE, { { 0 }, 0 }, walk, 0 };

	command.range.iova = phyr_iova_at(range.first);
	command.range.len = range.last - range.first + 1;
	if (command.range.len == 0)
		phyrsim_inval_send_all(inval);
	else
		phyrsim_inval_send(inval, &command);
}

void phyrsim_inval_send_tiles(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk)
{
	struct phyrsim_stretch tile;

	do {
		uint64_t less_one = range.last - range.first;
		unsigned int align_lg2 = phyr_bits_ctz(range.first);
		unsigned int len_lg2 = less_one == UINT64_MAX ? 64 : phyr_bits_log2(less_one + 1);
		unsigned int lg2 = align_lg2 < len_lg2 ? align_lg2 : len_lg2;

		tile.first = range.first;
		tile.last = lg2 == 64 ? UINT64_MAX : range.first + phyr_bits_mask(lg2);
		phyrsim_inval_send_range(inval, tile, walk);
		range.first = tile.last + 1;
	} while (tile.last < range.last);
}

struct phyrsim_stretch phyrsim_inval_stretch(const struct phyrsim_inval *inval,
					     const struct phyr_gather *gather)
{
	struct phyrsim_stretch range;

	range.first = phyr_bits_down(gather->first, inval->params.granule_lg2);
	range.last = gather->last | phyr_bits_mask(inval->params.granule_lg2);
	return range;
}

void phyrsim_inval_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	if (gather->empty)
		return;
	add_len(&inval->stats.removed_len, gather->removed_len);
	inval->stats.wait_cnt++;
	phyrsim_inval_ops_of(inval)->flush(inval, gather);
}

void phyrsim_inval_flush_all(struct phyrsim_inval *inval)
{
	inval->stats.wait_cnt++;
	phyrsim_inval_send_all(inval);
}

void phyrsim_inval_map(struct phyrsim_inval *inval, struct phyr_iova_range range)
{
	struct phyr_gather mapped;

	if (!inval->params.caching_mode)
		return;
	phyr_gather_init(&mapped);
	phyr_gather_add(&mapped, range);
	if (mapped.empty)
		return;
	inval->stats.wait_cnt++;
	phyrsim_inval_send_psi(inval, phyrsim_inval_stretch(inval, &mapped), true);
}
