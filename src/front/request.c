/* SPDX-License-Identifier: MIT */
/*
 * A request mapped in the form that its survey found, and unmapped.
 *
 * Not here: the survey (survey.c), reading the result (request_cursor.c).
 */

#include "request.h"

#include <string.h>

#include "../base/check.h"

int phyr_front_queue_init(struct phyr_front_queue *queue, struct phyr_dma *dma,
			  const struct phyr_segment_limits *limits)
{
	if (!queue || !dma || !limits || limits->boundary_lg2 > 63 || limits->align_lg2 > 63 ||
	    limits->gap_lg2 > 63 ||
	    (limits->len_max && limits->len_max < phyr_bits_size(limits->align_lg2)) ||
	    (limits->boundary_lg2 && limits->boundary_lg2 < limits->align_lg2))
		return PHYR_E_INVAL;
	memset(queue, 0, sizeof(*queue));
	queue->dma = dma;
	queue->limits = *limits;
	phyr_dma_params(dma, &queue->params);
	queue->granule_lg2 = phyr_front_granule_lg2(&queue->params);
	return PHYR_OK;
}

/* What the registry calls when a provider goes whose bus addresses the request has. */
static void revoke(struct phyr_p2p_user *user)
{
	struct phyr_front_record *record = (struct phyr_front_record *)(void *)user;

	phyr_p2p_detach(user);
	record->revoked = true;
}

static void destroy_record(struct phyr_front_queue *queue, struct phyr_front_record *record)
{
	const struct phyr_mem *mem = queue->params.mem;

	if (!record)
		return;
	phyr_p2p_detach(&record->user);
	mem->free(mem->ctx, record, sizeof(*record));
	queue->stats.kept_len -= sizeof(*record);
}

/* For a list or a tie, or attached to its provider. */
static int create_record(struct phyr_front_queue *queue, const struct survey *survey,
			 struct phyr_front_record **ret_record)
{
	const struct phyr_mem *mem = queue->params.mem;
	struct phyr_front_record *record = mem->alloc(mem->ctx, sizeof(*record));
	int err = PHYR_OK;

	if (!record)
		return PHYR_E_NOMEM;
	memset(record, 0, sizeof(*record));
	queue->stats.kept_len += sizeof(*record);
	record->user.revoke = revoke;
	if (survey->tag.provider && survey->form == PHYR_FRONT_SEGMENTS)
		err = phyr_p2p_attach(queue->params.p2p, survey->tag.provider, &record->user);
	if (err) {
		destroy_record(queue, record);
		return err;
	}
	*ret_record = record;
	return PHYR_OK;
}

/* Links all runs; ret_done is how much of them. */
static int link_runs(struct phyr_front_queue *queue, struct phyr_front_input input,
		     struct phyr_front_request *request, struct phyr_tag tag, uint64_t *ret_done)
{
	struct phyr_range runs[FRONT_RUNS];
	struct phyr_dma_piece piece = { .runs = runs, .tag = tag, .perm = request->perm };
	int err = PHYR_OK;

	if (request->record)
		piece.tie = &request->record->tie;
	*ret_done = 0;
	while (!err && input.cnt) {
		uint64_t len = 0;

		for (piece.run_cnt = 0; input.cnt && piece.run_cnt < FRONT_RUNS; piece.run_cnt++) {
			runs[piece.run_cnt] = phyr_front_run(&input);
			len += runs[piece.run_cnt].len;
		}
		err = phyr_dma_link(queue->dma, &request->state, *ret_done, &piece);
		*ret_done += err ? 0 : len;
	}
	return err;
}

static int map_range(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		     const struct survey *survey, struct phyr_front_request *request)
{
	struct phyr_dma_want want = { .len = survey->len, .phase = input->segments->range.pa.addr };
	struct phyr_dma_state *state = &request->state;
	uint64_t done;
	int err = phyr_dma_reserve(queue->dma, &want, state);

	if (err)
		return err;
	err = link_runs(queue, *input, request, survey->tag, &done);
	if (!err)
		err = phyr_dma_sync(queue->dma, state, 0, survey->len);
	if (err && phyr_dma_destroy_state(queue->dma, state, done, request->perm))
		PHYR_ASSERT(false);
	return err;
}

static int map_list(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		    struct phyr_front_request *request)
{
	struct phyr_dma_batch *batch;
	int err = phyr_dma_batch_begin(queue->dma, &batch);

	if (err)
		return err;
	for (size_t i = 0; !err && i < input->cnt; i++)
		err = phyr_dma_batch_add(batch, input->segments[i].range, input->segments[i].tag);
	if (!err)
		err = phyr_dma_batch_end(batch, request->perm, NULL, &request->record->map);
	if (err)
		phyr_dma_batch_cancel(batch);
	return err;
}

static int map_as(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		  const struct survey *survey, struct phyr_front_request *request)
{
	switch (survey->form) {
	case PHYR_FRONT_RANGE:
		return map_range(queue, input, survey, request);
	case PHYR_FRONT_LIST:
		return map_list(queue, input, request);
	default:
		request->state.addr = survey->offset;
		return PHYR_OK;
	}
}

/* Ends what is mapped; the record is left. */
static int end(struct phyr_front_queue *queue, struct phyr_front_request *request)
{
	struct phyr_dma_state *state = &request->state;

	if (request->form == PHYR_FRONT_LIST)
		return phyr_dma_unmap(queue->dma, &request->record->map);
	if (request->form == PHYR_FRONT_RANGE)
		return phyr_dma_destroy_state(queue->dma, state, phyr_dma_state_len(state),
					      request->perm);
	return PHYR_OK;
}

/* What the device gets, counted and held to its limits. */
static int measure(const struct phyr_front_queue *queue, const struct phyr_front_input *input,
		   struct phyr_front_request *request)
{
	const struct phyr_segment_limits *limits = &queue->limits;
	struct phyr_front_cursor cursor;
	struct phyr_iova_range segment;
	uint64_t end_addr = 0;

	phyr_front_request_begin(queue, request, input, &cursor);
	for (request->segment_cnt = 0; phyr_front_request_next(&cursor, &segment);
	     request->segment_cnt++) {
		uint64_t first = segment.iova.addr;

		if (!phyr_bits_aligned(first | segment.len, limits->align_lg2))
			return PHYR_E_ALIGN;
		if (request->segment_cnt && first != end_addr &&
		    !phyr_bits_aligned(first | end_addr, limits->gap_lg2))
			return PHYR_E_ALIGN;
		end_addr = first + segment.len;
	}
	return limits->cnt_max && request->segment_cnt > limits->cnt_max ? PHYR_E_LIMIT : PHYR_OK;
}

static void count(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		  const struct survey *survey, const struct phyr_front_request *request)
{
	queue->stats.request_cnt++;
	queue->stats.in_cnt += input->cnt;
	queue->stats.out_cnt += request->segment_cnt;
	queue->stats.merge_cnt += survey->merge_cnt;
	queue->stats.gap_cnt += request->gap;
	queue->stats.coalesced_cnt += request->coalesced;
}

/* By the survey, and under the limits; whatever fails, the record is the caller's to destroy. */
static int map_surveyed(struct phyr_front_queue *queue, const struct phyr_front_input *input,
			const struct survey *survey, struct phyr_front_request *request)
{
	int err = PHYR_OK;

	if (survey->tag.provider || survey->form == PHYR_FRONT_LIST)
		err = create_record(queue, survey, &request->record);
	if (!err)
		err = map_as(queue, input, survey, request);
	if (err)
		return err;
	request->form = survey->form;
	request->gap = survey->form == PHYR_FRONT_LIST &&
		       !phyr_bits_aligned(survey->joints, queue->granule_lg2);
	request->coalesced = survey->form == PHYR_FRONT_RANGE && input->cnt - survey->merge_cnt > 1;
	err = measure(queue, input, request);
	if (err && end(queue, request))
		PHYR_ASSERT(false);
	return err;
}

int phyr_front_request_map(struct phyr_front_queue *queue, const struct phyr_front_input *input,
			   enum phyr_perm perm, struct phyr_front_request *ret_request)
{
	struct phyr_front_request request;
	struct survey survey;
	int err;

	if (!queue || !ret_request || perm < PHYR_PERM_READ || perm > PHYR_PERM_READ_WRITE ||
	    !input || !input->segments || input->cnt == 0)
		return PHYR_E_INVAL;
	err = phyr_front_survey(queue, input, &survey);
	if (err)
		return err;
	memset(&request, 0, sizeof(request));
	request.perm = perm;
	err = map_surveyed(queue, input, &survey, &request);
	if (err) {
		destroy_record(queue, request.record);
		return err;
	}
	count(queue, input, &survey, &request);
	*ret_request = request;
	return PHYR_OK;
}

int phyr_front_request_unmap(struct phyr_front_queue *queue, struct phyr_front_request *request)
{
	int err;

	if (!queue || !request)
		return PHYR_E_INVAL;
	if (request->form == PHYR_FRONT_NONE)
		return PHYR_E_NOENT;
	err = end(queue, request);
	if (err)
		return err;
	destroy_record(queue, request->record);
	memset(request, 0, sizeof(*request));
	queue->stats.unmap_cnt++;
	return PHYR_OK;
}
