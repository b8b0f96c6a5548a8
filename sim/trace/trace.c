/* SPDX-License-Identifier: MIT */
/*
 * Reading a trace: its lines, which of them are events, and what is counted of the others.
 *
 * A task, flags and a time may stand before an event (prefix.c); its arguments are in payload.c.
 */
#include <string.h>

#include "scan.h"

void phyrsim_trace_begin(struct phyrsim_trace *trace, const char *text, size_t len)
{
	memset(trace, 0, sizeof(*trace));
	trace->text = text;
	trace->len = len;
}

void phyrsim_trace_stats(const struct phyrsim_trace *trace, struct phyrsim_trace_stats *ret_stats)
{
	*ret_stats = trace->stats;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next line, without what ends it; false at the end of the text. */
static bool next_line(struct phyrsim_trace *trace, struct phyrsim_trace_text *ret_line)
{
	const char *at, *end;

	if (trace->at == trace->len)
		return false;
	at = trace->text + trace->at;
	end = memchr(at, '\n', trace->len - trace->at);
	ret_line->at = at;
	ret_line->len = end ? (size_t)(end - at) : trace->len - trace->at;
	trace->at += ret_line->len + (end != NULL);
	trace->stats.line_cnt++;
	while (ret_line->len > 0 && blank(at[ret_line->len - 1]))
		ret_line->len--;
	return true;
}

/* "# entries-in-buffer/entries-written: 5000/37812": the others were overwritten. */
static void read_comment(struct phyrsim_trace *trace, struct phyrsim_trace_text line)
{
	struct scan scan = scan_of(line);
	uint64_t kept, written;

	trace->stats.comment_cnt++;
	if (!phyrsim_scan_field(&scan, "# entries-in-buffer/entries-written: ", 10, &kept) ||
	    !phyrsim_scan_field(&scan, "/", 10, &written))
		return;
	trace->stats.missing_cnt = written > kept ? written - kept : 0;
}

/* "CPU:1 [LOST 12 EVENTS]", or "CPU:1 [EVENTS DROPPED]" */
static bool read_lost(struct phyrsim_trace *trace, struct phyrsim_trace_text line)
{
	struct scan scan = scan_of(line);
	uint64_t cpu, lost;

	if (!phyrsim_scan_field(&scan, "CPU:", 10, &cpu) || !phyrsim_scan_words(&scan, " ["))
		return false;
	trace->stats.lost_mark_cnt++;
	if (phyrsim_scan_field(&scan, "LOST ", 10, &lost))
		trace->stats.lost_cnt += lost;
	return true;
}

/* A line that is no event of any kind. */
static bool read_other(struct phyrsim_trace *trace, struct phyrsim_trace_text line)
{
	if (line.len == 0)
		return true;
	if (line.at[0] == '#') {
		read_comment(trace, line);
		return true;
	}
	return read_lost(trace, line);
}

/* Mappings of nothing are printed when errors are unwound. */
static bool nothing(const struct phyrsim_trace_event *event)
{
	return event->range.len == 0 &&
	       (event->kind == PHYRSIM_TRACE_MAP || event->kind == PHYRSIM_TRACE_UNMAP);
}

/* One line: an event, why it is refused, or neither. */
static const char *read_line(struct phyrsim_trace *trace, struct phyrsim_trace_text line,
			     struct phyrsim_trace_event *event, bool *ret_event)
{
	struct payload payload;

	*ret_event = false;
	if (read_other(trace, line))
		return NULL;
	memset(event, 0, sizeof(*event));
	if (!phyrsim_trace_prefix(line, event))
		return "no event";
	payload = phyrsim_trace_payload(event);
	if (!payload.known)
		trace->stats.unknown_cnt++;
	else if (!payload.reason && nothing(event))
		trace->stats.zero_cnt++;
	else
		*ret_event = !payload.reason;
	return payload.reason;
}

int phyrsim_trace_next(struct phyrsim_trace *trace, struct phyrsim_trace_event *ret_event,
		       struct phyrsim_trace_error *ret_error)
{
	struct phyrsim_trace_event event;
	struct phyrsim_trace_text line;
	bool found = false;

	while (next_line(trace, &line)) {
		const char *reason = read_line(trace, line, &event, &found);

		if (reason) {
			trace->stats.malformed_cnt++;
			if (ret_error) {
				ret_error->line = trace->stats.line_cnt;
				ret_error->reason = reason;
			}
			return PHYR_E_FORMAT;
		}
		if (found)
			break;
	}
	if (!found)
		return PHYR_E_NOENT;
	event.line = trace->stats.line_cnt;
	event.order = trace->stats.event_cnt++;
	trace->stats.legacy_cnt += event.legacy;
	*ret_event = event;
	return PHYR_OK;
}
