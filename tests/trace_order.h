/* SPDX-License-Identifier: MIT */
/*
 * From what a trace says to what happened: frees that waited for a flush, frees that no line was
 * written for, and allocations that came before the interrupt in front of their line.
 */
#ifndef PHYR_TEST_TRACE_ORDER_H
#define PHYR_TEST_TRACE_ORDER_H

#include "trace_read.h"

#define RING_CNT 255 /* of 256 entries one is never used */

/* The queue of one CPU: what was unmapped there and waits for a flush. */
struct trace_ring {
	struct trace_event events[RING_CNT];
	uint64_t start_cnts[RING_CNT]; /* flushes begun when the entry came */
	size_t first, cnt;
};

/* The lazy queue of a domain: one ring a CPU. */
struct trace_queue {
	struct trace_ring rings[TRACE_CPU_CNT];
	uint64_t flush_cnt; /* begun and finished: nothing comes between */
	uint64_t full_cnt;  /* of these, because a ring was full */
	bool announced[TRACE_CPU_CNT];
	struct trace out;
};

/* What a finished flush has made free, on the CPU of an event. */
static inline void ring_reap(struct trace_queue *queue, struct trace_ring *ring,
			     const struct trace_event *event)
{
	while (ring->cnt && ring->start_cnts[ring->first] < queue->flush_cnt) {
		struct trace_event freed = ring->events[ring->first];

		freed.cpu = event->cpu;
		freed.pid = event->pid;
		freed.interrupt = event->interrupt;
		trace_add(&queue->out, &freed);
		ring->first = (ring->first + 1) % RING_CNT;
		ring->cnt--;
	}
}

static inline void queue_unmap(struct trace_queue *queue, const struct trace_event *event)
{
	struct trace_ring *ring = &queue->rings[event->cpu];
	size_t at;

	ring_reap(queue, ring, event);
	if (ring->cnt == RING_CNT) {
		queue->flush_cnt++;
		queue->full_cnt++;
		queue->announced[event->cpu] = true; /* its line comes next */
		ring_reap(queue, ring, event);
	}
	at = (ring->first + ring->cnt++) % RING_CNT;
	ring->events[at] = *event;
	ring->start_cnts[at] = queue->flush_cnt;
}

/* A flush by the timer, which sees to all rings, unless a full ring has caused it. */
static inline void queue_flush(struct trace_queue *queue, const struct trace_event *event)
{
	if (queue->announced[event->cpu]) {
		queue->announced[event->cpu] = false;
		return;
	}
	queue->flush_cnt++;
	for (unsigned int cpu = 0; cpu < TRACE_CPU_CNT; cpu++)
		ring_reap(queue, &queue->rings[cpu], event);
}

/* Puts the frees of a lazy trace where they happen; returns how often a ring was full. */
static inline uint64_t trace_defer(struct trace *trace)
{
	struct trace_queue *queue = calloc(1, sizeof(*queue));
	uint64_t full_cnt;

	assert_non_null(queue);
	for (size_t i = 0; i < trace->cnt; i++) {
		const struct trace_event *event = &trace->events[i];

		if (event->kind == TRACE_FREE)
			queue_unmap(queue, event);
		else if (event->kind == TRACE_FLUSH)
			queue_flush(queue, event);
		else
			trace_add(&queue->out, event);
	}
	full_cnt = queue->full_cnt;
	trace_drop(trace);
	*trace = queue->out;
	free(queue);
	return full_cnt;
}

/* The last event about an address, if it is an allocation; or NULL. */
static inline const struct trace_event *trace_holder(const struct trace *trace, uint64_t iova)
{
	for (size_t i = trace->cnt; i-- > 0;) {
		const struct trace_event *event = &trace->events[i];

		if (event->iova == iova)
			return event->kind == TRACE_ALLOC ? event : NULL;
	}
	return NULL;
}

/*
 * A probe that is hit while another one is at work leaves no line: the interrupt that came during
 * an allocation's line freed unseen. Who is given what nobody has freed shows it. Returns how many.
 */
static inline size_t trace_recover(struct trace *trace)
{
	struct trace out = { .events = NULL };
	size_t recovered_cnt = 0;

	for (size_t i = 0; i < trace->cnt; i++) {
		struct trace_event event = trace->events[i];
		const struct trace_event *holder = NULL;

		if (event.kind == TRACE_ALLOC)
			holder = trace_holder(&out, event.iova);
		if (holder) {
			event.len = holder->len;
			event.kind = TRACE_FREE;
			event.interrupt = true;
			trace_add(&out, &event);
			recovered_cnt++;
		}
		trace_add(&out, &trace->events[i]);
	}
	trace_drop(trace);
	*trace = out;
	return recovered_cnt;
}

static inline unsigned int trace_bin(uint64_t len)
{
	return phyr_bits_log2_up(len >> PHYR_PAGE_LG2);
}

/*
 * Where in the events before its line an allocation happened, by the rule that what was freed last
 * is given first. A line is written after the fact; the interrupts right before it, of the same
 * task and CPU, may have come in between. If the last of them freed another address, they did.
 */
static inline size_t trace_place(const struct trace *trace, const struct trace_event *alloc)
{
	bool other_was_freed = false;
	size_t at = trace->cnt;

	for (size_t i = trace->cnt; i-- > 0;) {
		const struct trace_event *event = &trace->events[i];

		if (event->cpu != alloc->cpu)
			continue;
		if (event->kind != TRACE_FREE || !event->interrupt || event->pid != alloc->pid ||
		    event->iova == alloc->iova)
			break;
		if (trace_bin(event->len) == trace_bin(alloc->len))
			other_was_freed = true;
		at = i;
	}
	return other_was_freed ? at : trace->cnt;
}

/* Moves allocations in front of the interrupts that came before their lines; returns how many. */
static inline size_t trace_reorder(struct trace *trace)
{
	struct trace out = { .events = NULL };
	size_t moved_cnt = 0;

	for (size_t i = 0; i < trace->cnt; i++) {
		const struct trace_event *event = &trace->events[i];
		size_t at = out.cnt;

		if (event->kind == TRACE_ALLOC && !event->interrupt)
			at = trace_place(&out, event);
		moved_cnt += at < out.cnt;
		trace_add(&out, event);
		memmove(&out.events[at + 1], &out.events[at],
			(out.cnt - 1 - at) * sizeof(*out.events));
		out.events[at] = *event;
	}
	trace_drop(trace);
	*trace = out;
	return moved_cnt;
}

#endif
