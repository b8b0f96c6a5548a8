/* SPDX-License-Identifier: MIT */
/*
 * A look at a request's segments: are they of one kind, where do they meet, what will become of them?
 *
 * Not here: mapping (request.c).
 */

#include <string.h>

#include "request.h"

/* A peer's segment: all of it is the provider's that the first one is of. */
static int check_peer(struct phyr_front_queue *queue, const struct phyr_front_segment *segment,
		      const struct survey *survey)
{
	struct phyr_dma_reach reach;
	int err = phyr_dma_peer(queue->dma, segment->range, &reach);

	if (err)
		return err;
	if (segment->tag.provider && segment->tag.provider != reach.provider)
		return PHYR_E_INVAL;
	return reach.provider == survey->tag.provider ? PHYR_OK : PHYR_E_KIND;
}

static bool is_segment(const struct phyr_front_segment *segment)
{
	return segment->range.len && (unsigned int)segment->tag.kind < PHYR_KIND_CNT;
}

static int check(struct phyr_front_queue *queue, const struct phyr_front_segment *segment,
		 const struct survey *survey)
{
	if (!is_segment(segment))
		return PHYR_E_INVAL;
	if (segment->tag.kind != survey->tag.kind)
		return PHYR_E_KIND;
	return segment->tag.kind == PHYR_KIND_P2P ? check_peer(queue, segment, survey) : PHYR_OK;
}

/* Can the device send the address that memory has without an IOMMU? */
static bool reaches(const struct phyr_front_queue *queue, struct phyr_range range)
{
	uint64_t last = queue->params.address_last ? queue->params.address_last : UINT64_MAX;
	uint64_t first = range.pa.addr + queue->params.bus_offset;

	return first <= last && range.len - 1 <= last - first;
}

static int add(struct phyr_front_queue *queue, const struct phyr_front_segment *segment,
	       uint64_t end, struct survey *survey)
{
	uint64_t pa = segment->range.pa.addr;
	uint64_t last;

	if (!phyr_bits_last(pa, segment->range.len, &last) ||
	    __builtin_add_overflow(survey->len, segment->range.len, &survey->len) ||
	    survey->len > PHYR_DMA_STATE_MAX)
		return PHYR_E_RANGE;
	/* Behind the last byte of all comes no neighbour. */
	if (end && end == pa)
		survey->merge_cnt++;
	else if (survey->len != segment->range.len)
		survey->joints |= end | pa;
	if (!queue->params.iommu.ops && !survey->tag.provider && !reaches(queue, segment->range))
		survey->form = PHYR_FRONT_LIST;
	return PHYR_OK;
}

/* What the first segment decides. */
static int begin(struct phyr_front_queue *queue, const struct phyr_front_segment *first,
		 struct survey *survey)
{
	struct phyr_dma_reach reach;
	int err;

	survey->tag.kind = first->tag.kind;
	survey->offset = queue->params.bus_offset;
	if (first->tag.kind != PHYR_KIND_P2P)
		return PHYR_OK;
	err = phyr_dma_peer(queue->dma, first->range, &reach);
	if (err)
		return err;
	survey->tag.provider = reach.provider;
	if (reach.type != PHYR_P2P_BRIDGE) {
		survey->form = PHYR_FRONT_SEGMENTS;
		survey->offset = reach.iova.addr - first->range.pa.addr;
	}
	return PHYR_OK;
}

/* What the form is, unless a look at the segments has told. */
static enum phyr_front_form form_of(const struct phyr_front_queue *queue,
				    const struct survey *survey)
{
	bool cached = survey->tag.kind == PHYR_KIND_SYSTEM &&
		      queue->params.traits & (unsigned int)PHYR_DMA_NONCOHERENT;

	if (survey->tag.kind == PHYR_KIND_ENCRYPTED)
		return PHYR_FRONT_LIST;
	if (!queue->params.iommu.ops)
		return cached ? PHYR_FRONT_LIST : PHYR_FRONT_SEGMENTS;
	return phyr_bits_aligned(survey->joints, queue->granule_lg2) ? PHYR_FRONT_RANGE :
								       PHYR_FRONT_LIST;
}

int phyr_front_survey(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		      struct survey *ret_survey)
{
	uint64_t end = 0;
	int err;

	memset(ret_survey, 0, sizeof(*ret_survey));
	if (!is_segment(&input->segments[0]))
		return PHYR_E_INVAL;
	err = begin(queue, &input->segments[0], ret_survey);
	for (size_t i = 0; !err && i < input->cnt; i++) {
		const struct phyr_front_segment *segment = &input->segments[i];

		err = check(queue, segment, ret_survey);
		if (!err)
			err = add(queue, segment, end, ret_survey);
		end = segment->range.pa.addr + segment->range.len;
	}
	if (!err && ret_survey->form == PHYR_FRONT_NONE)
		ret_survey->form = form_of(queue, ret_survey);
	return err;
}

struct phyr_range phyr_front_run(struct phyr_front_input *input)
{
	struct phyr_range run = input->segments->range;

	do {
		input->segments++;
		input->cnt--;
		if (input->cnt == 0 || run.pa.addr + run.len == 0 ||
		    input->segments->range.pa.addr != run.pa.addr + run.len)
			break;
		run.len += input->segments->range.len;
	} while (true);
	return run;
}
