/* SPDX-License-Identifier: MIT */
/*
 * Property: any bytes are lines of a trace or are refused with a line and a reason. Every line is
 * counted once, as what it is; an event points into the text, never wraps, and comes out the same
 * when its line is all there is.
 */
#include <stdlib.h>
#include <string.h>

#include <phyr/bits.h>
#include <phyrsim/trace.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_inside(struct phyrsim_trace_text piece, const char *text, size_t len)
{
	if (piece.len == 0)
		return;
	require(piece.at >= text && piece.len <= len);
	require((size_t)(piece.at - text) <= len - piece.len);
	require(!memchr(piece.at, '\n', piece.len));
}

static void check_range(struct phyr_iova_range range)
{
	uint64_t last;

	require(range.len == 0 || phyr_bits_last(range.iova.addr, range.len, &last));
}

static void check_event(const struct phyrsim_trace_event *event, const char *text, size_t len)
{
	require((unsigned int)event->kind < PHYRSIM_TRACE_KIND_CNT);
	require_inside(event->name, text, len);
	require_inside(event->args, text, len);
	require_inside(event->device, text, len);
	require(event->name.len > 0);
	check_range(event->range);
	if (event->kind == PHYRSIM_TRACE_MAP || event->kind == PHYRSIM_TRACE_UNMAP)
		require(event->range.len > 0);
	if (event->kind == PHYRSIM_TRACE_FLUSH && !event->flush.whole)
		require(event->flush.mask <= 52);
}

/* The line that ends where reading stands. */
static void check_alone(const struct phyrsim_trace *trace, const struct phyrsim_trace_event *event)
{
	size_t end = trace->at - (trace->text[trace->at - 1] == '\n');
	size_t first = end;
	struct phyrsim_trace_event again;
	struct phyrsim_trace alone;

	while (first > 0 && trace->text[first - 1] != '\n')
		first--;
	phyrsim_trace_begin(&alone, trace->text + first, end - first);
	require(phyrsim_trace_next(&alone, &again, NULL) == PHYR_OK);
	again.line = event->line;
	again.order = event->order;
	require(memcmp(&again, event, sizeof(again)) == 0);
	require(phyrsim_trace_next(&alone, &again, NULL) == PHYR_E_NOENT);
}

static void check_stats(const struct phyrsim_trace *trace, uint64_t event_cnt, uint64_t refused_cnt)
{
	struct phyrsim_trace_stats stats;

	phyrsim_trace_stats(trace, &stats);
	require(stats.event_cnt == event_cnt && stats.malformed_cnt == refused_cnt);
	require(stats.legacy_cnt <= event_cnt);
	require(event_cnt + refused_cnt + stats.comment_cnt + stats.unknown_cnt + stats.zero_cnt +
			stats.lost_mark_cnt <=
		stats.line_cnt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	uint64_t event_cnt = 0, refused_cnt = 0;
	struct phyrsim_trace_event event;
	struct phyrsim_trace trace;
	int err;

	phyrsim_trace_begin(&trace, text, size);
	for (;;) {
		struct phyrsim_trace_error error = { 0, NULL };

		err = phyrsim_trace_next(&trace, &event, &error);
		if (err == PHYR_E_NOENT)
			break;
		require(err == PHYR_OK || err == PHYR_E_FORMAT);
		if (err == PHYR_OK) {
			require(event.order == event_cnt++);
			check_event(&event, text, size);
			check_alone(&trace, &event);
		} else {
			require(error.line > 0 && error.reason);
			refused_cnt++;
		}
	}
	check_stats(&trace, event_cnt, refused_cnt);
	return 0;
}
