/* SPDX-License-Identifier: MIT */
/*
 * Traces of a real kernel (tests/traces), as allocations and frees of I/O addresses.
 *
 * Two forms: lines of ftrace, and cuts that have kept of each line only what is read here; their
 * heads say how. Lines of other events are skipped.
 */
#ifndef PHYR_TEST_TRACE_READ_H
#define PHYR_TEST_TRACE_READ_H

#include <inttypes.h>
#include <stdio.h>

#include <phyr/bits.h>
#include <phyrsim/trace.h>

#include "test.h"

#define TRACE_CPU_CNT 2

enum trace_kind {
	TRACE_ALLOC,
	TRACE_FREE,  /* or, in a lazy trace, an unmap; the free comes later */
	TRACE_FLUSH, /* of the whole domain */
};

struct trace_event {
	enum trace_kind kind;
	unsigned int cpu;
	unsigned int pid; /* of the task that runs; 0 = idle */
	bool interrupt;	  /* not the task itself */
	bool searched;	  /* an allocation that is known to come from the tree */
	uint64_t iova;
	uint64_t len; /* [bytes] of whole pages; not rounded to a power of two */
};

struct trace {
	struct trace_event *events;
	size_t cnt;
	/* For probes of the allocator: what the call that has not returned yet asked for. */
	uint64_t asked_len[TRACE_CPU_CNT];
	bool searched[TRACE_CPU_CNT];
};

static inline void trace_add(struct trace *trace, const struct trace_event *event)
{
	size_t cnt = trace->cnt + 1;

	if ((cnt & (cnt - 1)) == 0) { /* a power of two: the room is used up */
		trace->events = realloc(trace->events, 2 * cnt * sizeof(*event));
		assert_non_null(trace->events);
	}
	trace->events[trace->cnt++] = *event;
}

/* Adds an event about bytes, rounded out to pages. */
static inline void trace_add_bytes(struct trace *trace, struct trace_event *event,
				   enum trace_kind kind, uint64_t first, uint64_t len)
{
	event->kind = kind;
	event->iova = phyr_bits_down(first, PHYR_PAGE_LG2);
	assert_true(phyr_bits_up(first + len, PHYR_PAGE_LG2, &event->len));
	event->len -= event->iova;
	trace_add(trace, event);
}

/* An event that sim/trace reads; of flushes those of the whole domain are of interest. */
static inline void trace_known(struct trace *trace, struct trace_event *event,
			       const struct phyrsim_trace_event *known)
{
	struct phyr_iova_range range = known->range;

	if (known->kind == PHYRSIM_TRACE_DMA_MAP) {
		trace_add_bytes(trace, event, TRACE_ALLOC, range.iova.addr, range.len);
	} else if (known->kind == PHYRSIM_TRACE_UNMAP) {
		trace_add_bytes(trace, event, TRACE_FREE, range.iova.addr, range.len);
	} else if (known->kind == PHYRSIM_TRACE_FLUSH && known->flush.whole) {
		event->kind = TRACE_FLUSH;
		trace_add(trace, event);
	}
}

/* Probes of the allocator itself: a call, its search if any, its return; and frees. */
static inline void trace_probe(struct trace *trace, struct trace_event *event, const char *name,
			       const char *args)
{
	const char *pfn = strstr(args, "pfn="), *pages = strstr(args, "pages=");
	uint64_t *asked_len = &trace->asked_len[event->cpu];
	bool *searched = &trace->searched[event->cpu];
	uint64_t first = pfn ? strtoull(pfn + 4, NULL, 16) << PHYR_PAGE_LG2 : 0;
	uint64_t len = pages ? strtoull(pages + 6, NULL, 10) << PHYR_PAGE_LG2 : 0;

	if (strcmp(name, "iova_alloc_fast") == 0) {
		*asked_len = len;
		*searched = false;
	} else if (strcmp(name, "iova_alloc_rbtree") == 0) {
		*searched = true;
	} else if (strcmp(name, "iova_alloc_fast_ret") == 0 && *asked_len) {
		event->searched = *searched;
		trace_add_bytes(trace, event, TRACE_ALLOC, first, *asked_len);
		*asked_len = 0;
	} else if (strcmp(name, "iova_free_fast") == 0) {
		trace_add_bytes(trace, event, TRACE_FREE, first, len);
	}
}

/* "   TASK-PID     [CPU] FLAGS  TIME: NAME: ARGUMENTS" */
static inline void trace_line(struct trace *trace, const char *line)
{
	struct trace_event event = { .kind = TRACE_ALLOC };
	struct phyrsim_trace_event known;
	struct phyrsim_trace reader;
	const char *cpu = strstr(line, " [");
	const char *task = cpu;
	char flags[8], name[32];
	int args = 0;

	assert_non_null(cpu);
	assert_int_equal(
		sscanf(cpu, " [%u] %7s %*[0-9.]: %31[a-z_]: %n", &event.cpu, flags, name, &args),
		3);
	assert_true(args > 0 && event.cpu < TRACE_CPU_CNT);
	while (task > line && *task != '-')
		task--;
	event.pid = (unsigned int)strtoul(task + 1, NULL, 10);
	event.interrupt = flags[2] != '.';
	phyrsim_trace_begin(&reader, line, strlen(line));
	if (phyrsim_trace_next(&reader, &known, NULL) == PHYR_OK)
		trace_known(trace, &event, &known);
	else
		trace_probe(trace, &event, name, cpu + args);
}

/* "CPU, what, page": a line of a cut; one task is all there is, and all lengths are a page. */
static inline void trace_short_line(struct trace *trace, const char *line)
{
	struct trace_event event = { .kind = TRACE_FREE, .pid = 1, .len = PHYR_PAGE_SIZE };
	uint64_t pfn;
	char what;

	assert_int_equal(sscanf(line, "%u%c%" SCNx64, &event.cpu, &what, &pfn), 3);
	assert_true(event.cpu < TRACE_CPU_CNT && strchr("+-~.!", what));
	event.iova = pfn << PHYR_PAGE_LG2;
	event.interrupt = what != '+';
	if (what == '+')
		event.kind = TRACE_ALLOC;
	if (what == '.' || what == '!')
		event.kind = TRACE_FLUSH;
	if (what == '.' || what == '-')
		event.pid = 0;
	trace_add(trace, &event);
}

/* Where whole traces lie, if anywhere, so that they can be replayed in place of the cuts. */
static inline const char *trace_dir(void)
{
	const char *dir = getenv("PHYR_TRACES");

	return dir ? dir : PHYR_SOURCE_ROOT "/tests/traces";
}

static inline void trace_read(struct trace *trace, const char *name)
{
	char path[4096], line[8192];
	FILE *file;

	memset(trace, 0, sizeof(*trace));
	assert_true(snprintf(path, sizeof(path), "%s/%s.txt", trace_dir(), name) <
		    (int)sizeof(path));
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] >= '0' && line[0] <= '9')
			trace_short_line(trace, line);
		else if (line[0] != '#')
			trace_line(trace, line);
	}
	fclose(file);
	assert_true(trace->cnt > 0);
}

static inline void trace_drop(struct trace *trace)
{
	free(trace->events);
	memset(trace, 0, sizeof(*trace));
}

#endif
