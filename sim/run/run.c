/* SPDX-License-Identifier: MIT */
/* One run over one buffer: describe it, map it in every way, translate it under every name. */

#include "run.h"

#include <string.h>

#include <phyr/bits.h>
#include <phyr/place.h>

/* Of a VT-d second-stage table. */
#define LEAF_SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)
/* What mlx5 offers: every power of two from 4 KiB to 2 GiB. */
#define DEVICE_MIN_LG2 12
#define DEVICE_MAX_LG2 31
/* The longest entry that RDMA drivers ask a scatterlist for. */
#define SG_LONG (UINT64_C(2) << 30)

static void describe(const struct phyr_list *list, struct phyrsim_describe *describe)
{
	phyr_list_stats(list, &describe->list);
	describe->sg_default = phyrsim_linux_scatterlist(list, PHYRSIM_LINUX_SEGMENT_DEFAULT);
	describe->sg_long = phyrsim_linux_scatterlist(list, SG_LONG);
	describe->bio_vec = phyrsim_linux_bio_vec(list);
	describe->phys_vec = phyrsim_linux_phys_vec(list);
	/* One page an entry is the shortest that a scatterlist is cut. */
	describe->page_cnt = phyrsim_linux_scatterlist(list, PHYR_PAGE_SIZE).entry_cnt;
}

/* What can be seen at once not to fit: before anything large is begun. */
static int check_size(struct context *context)
{
	struct phyr_place_request request = { .policy = PHYR_PLACE_SIZE_ALIGNED };
	unsigned int kind_mask = context->result.describe.list.kind_mask;
	struct phyr_place_result where;
	uint64_t last;
	int err;

	context->report.error.step = "mapping";
	request.leaf_sizes.mask = LEAF_SIZES;
	request.window.first = phyr_iova_at(FIRST_IOVA);
	request.window.last = phyr_iova_at(LAST_IOVA);
	if (kind_mask & (kind_mask - 1))
		return PHYR_E_KIND;
	err = phyr_place_plan(context->list, &request, &where);
	if (err)
		return err;
	if (where.chosen.cost.leaf_cnt > PHYRSIM_LEAVES_MAX)
		return PHYR_E_LIMIT;
	context->report.error.step = "naming it by its VA";
	return phyr_bits_last(phyr_list_va(context->list), phyr_list_len(context->list), &last) ?
		       PHYR_OK :
		       PHYR_E_RANGE;
}

static int map_all(struct context *context)
{
	int err = check_size(context);

	if (err)
		return err;
	if (phyr_list_len(context->list) > context->by_page_max)
		phyrsim_count_by_page(context);
	else
		err = phyrsim_run_strategy(context, PHYRSIM_BY_PAGE, PHYRSIM_NAME_VA, false);
	if (!err)
		err = phyrsim_run_strategy(context, PHYRSIM_LINUX, PHYRSIM_NAME_VA, false);
	for (int i = 0; !err && i < 2 * PHYRSIM_NAMING_CNT; i++)
		err = phyrsim_run_strategy(context, PHYRSIM_PHASE, (enum phyrsim_naming)(i / 2),
					   i % 2);
	return err;
}

/* Is it the buffer that cannot be mapped, and not this program that failed? */
static bool is_refusal(int err)
{
	return err == PHYR_E_KIND || err == PHYR_E_ALIGN || err == PHYR_E_RANGE ||
	       err == PHYR_E_LIMIT || err == PHYR_E_NOSPACE;
}

static int run_all(struct context *context)
{
	struct phyrsim_result *result = &context->result;
	int err;

	context->report.error.step = "describing";
	if (phyr_list_len(context->list) == 0)
		return PHYR_E_INVAL;
	describe(context->list, &result->describe);
	err = map_all(context);
	if (!is_refusal(err))
		return err;
	result->map_err = err;
	result->map_step = context->report.error.step;
	result->mapping_cnt = 0;
	result->translation_cnt = 0;
	return PHYR_OK;
}

int phyrsim_run(const struct phyrsim_run_params *params, struct phyr_list *list,
		struct phyrsim_result *ret_result, struct phyrsim_run_error *ret_error)
{
	struct context context;
	int err = PHYR_E_INVAL;

	memset(&context, 0, sizeof(context));
	context.report.error.step = "checking arguments";
	context.list = list;
	if (params && params->mem && list && ret_result) {
		context.mem = params->mem;
		context.device_sizes = params->device_sizes.mask ?
					       params->device_sizes :
					       phyr_sizes_between(DEVICE_MIN_LG2, DEVICE_MAX_LG2);
		context.by_page_max = params->by_page_max ? params->by_page_max :
							    PHYRSIM_BY_PAGE_MAX;
		err = run_all(&context);
	}
	if (!err)
		*ret_result = context.result;
	else if (ret_error)
		*ret_error = context.report.error;
	return err;
}
