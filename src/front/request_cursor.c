/* SPDX-License-Identifier: MIT */
/*
 * What the device gets of a request: runs of I/O addresses, cut by its limits.
 *
 * Cuts are as long as the limits allow, which is the fewest.
 */

#include <string.h>

#include "request.h"

void phyr_front_request_begin(const struct phyr_front_queue *queue,
			      const struct phyr_front_request *request,
			      const struct phyr_front_input *input,
			      struct phyr_front_cursor *cursor)
{
	const struct phyr_segment_limits *limits = &queue->limits;
	const struct phyr_front_record *record = request->record;

	memset(cursor, 0, sizeof(*cursor));
	cursor->len_max =
		phyr_bits_down(limits->len_max ? limits->len_max : UINT64_MAX, limits->align_lg2);
	cursor->boundary_lg2 = limits->boundary_lg2;
	if (request->form == PHYR_FRONT_LIST) {
		phyr_dma_begin(&record->map, &cursor->list);
	} else if (request->form == PHYR_FRONT_RANGE && !(record && record->tie.removed)) {
		cursor->one.iova = phyr_dma_state_iova(&request->state);
		cursor->one.len = phyr_dma_state_len(&request->state);
	} else if (request->form == PHYR_FRONT_SEGMENTS && !(record && record->revoked)) {
		cursor->offset = request->state.addr;
		cursor->input = *input;
	}
}

/* The next run, uncut. */
static bool next_run(struct phyr_front_cursor *cursor)
{
	struct phyr_range run;

	if (cursor->one.len) {
		cursor->rest = cursor->one;
		cursor->one.len = 0;
		return true;
	}
	if (cursor->input.cnt) {
		run = phyr_front_run(&cursor->input);
		cursor->rest.iova = phyr_iova_at(run.pa.addr + cursor->offset);
		cursor->rest.len = run.len;
		return true;
	}
	return phyr_dma_next(&cursor->list, &cursor->rest);
}

bool phyr_front_request_next(struct phyr_front_cursor *cursor, struct phyr_iova_range *ret_segment)
{
	uint64_t len, to_boundary;

	if (cursor->rest.len == 0 && !next_run(cursor))
		return false;
	to_boundary = ~cursor->rest.iova.addr & phyr_bits_mask(cursor->boundary_lg2);
	len = cursor->rest.len < cursor->len_max ? cursor->rest.len : cursor->len_max;
	if (cursor->boundary_lg2 && to_boundary < len - 1)
		len = to_boundary + 1;
	ret_segment->iova = cursor->rest.iova;
	ret_segment->len = len;
	cursor->rest.iova.addr += len;
	cursor->rest.len -= len;
	return true;
}
