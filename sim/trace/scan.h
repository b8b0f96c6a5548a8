/* SPDX-License-Identifier: MIT */
/*
 * A place in a line, and steps from there. A step that does not fit leaves the place as it was.
 *
 * The parts of sim/trace share this: scan.c steps, prefix.c reads what stands before an event's
 * name, payload.c and vtd.c what stands behind it, trace.c the lines.
 */
#ifndef PHYRSIM_TRACE_SCAN_H
#define PHYRSIM_TRACE_SCAN_H

#include <phyrsim/trace.h>

struct scan {
	const char *at;
	const char *end;
};

static inline struct scan scan_of(struct phyrsim_trace_text text)
{
	struct scan scan = { text.at, text.at + text.len };

	return scan;
}

static inline struct phyrsim_trace_text scan_rest(const struct scan *scan)
{
	struct phyrsim_trace_text text = { scan->at, (size_t)(scan->end - scan->at) };

	return text;
}

/* These words stand here: go behind them. */
bool phyrsim_scan_words(struct scan *scan, const char *words);

/* Goes behind the next place where these words stand. */
bool phyrsim_scan_find(struct scan *scan, const char *words);

void phyrsim_scan_blanks(struct scan *scan);

/* All that is not blank; false when that is nothing. */
bool phyrsim_scan_word(struct scan *scan, struct phyrsim_trace_text *ret_word);

/* A number of base 10 or 16; before one of base 16 may stand 0x. False when it is above 2^64. */
bool phyrsim_scan_number(struct scan *scan, unsigned int base, uint64_t *ret_number);

/* Words, and a number right behind them. */
bool phyrsim_scan_field(struct scan *scan, const char *words, unsigned int base,
			uint64_t *ret_number);

/* Reads a line up to behind the event's name; false when it names none. */
bool phyrsim_trace_prefix(struct phyrsim_trace_text line, struct phyrsim_trace_event *event);

/* The arguments of VT-d's events; NULL, or why they are refused. */
const char *phyrsim_trace_flush_range(struct scan scan, struct phyrsim_trace_event *event);
const char *phyrsim_trace_flush_all(struct scan scan, struct phyrsim_trace_event *event);
const char *phyrsim_trace_command(struct scan scan, struct phyrsim_trace_event *event);

/* What became of an event's arguments. */
struct payload {
	bool known;	    /* false: an event that is not read here */
	const char *reason; /* why it is refused; NULL: it is not */
};

/* Reads event->args by event->name. */
struct payload phyrsim_trace_payload(struct phyrsim_trace_event *event);

#endif
