/* SPDX-License-Identifier: MIT */
/*
 * What a real kernel's DMA calls did, in order: mappings with all their runs, unmappings, and the
 * invalidations that it sent (tests/traces/dma).
 *
 * A line for each run comes first, the line of the DMA call after them, with an interrupt between
 * the two at times: runs belong to the call of the same CPU whose addresses they lie in. Which
 * device an unmapping is of is told by the line of its DMA call alone, and of an invalidation by the
 * domain.
 *
 * The cuts have kept of each line what their heads say. With PHYR_TRACES=DIRECTORY whole files of
 * the same names are read from there.
 */
#ifndef PHYR_TEST_DMA_TRACE_H
#define PHYR_TEST_DMA_TRACE_H

#include "kernel_trace.h"

#define DMA_CPU_CNT 2
#define DMA_PAGE_CNT (1U << 20) /* all I/O addresses of these traces are below 4 GiB */

enum dma_what {
	DMA_MAP,
	DMA_UNMAP,
	DMA_FLUSH,
};

/* Something that happened. */
struct dma_op {
	enum dma_what what;
	unsigned int cpu;
	unsigned int unmap_cpu;	      /* MAP: where it will be unmapped */
	bool timer;		      /* FLUSH: the timer's */
	uint64_t order;		      /* of the event */
	struct phyr_iova_range range; /* MAP: as the device sees it; else whole pages */
	size_t run_first, run_cnt;    /* MAP: in the trace's runs */
	struct phyrsim_trace_text device;
	struct phyrsim_trace_flush flush;   /* FLUSH */
	struct phyrsim_trace_flush command; /* FLUSH: the descriptor behind it */
};

struct dma_trace {
	struct kernel_text text;
	struct dma_op *ops;
	size_t op_cnt;
	struct phyr_range *runs; /* of one mapping behind one another */
	size_t run_cnt;
	uint64_t timer_cnt;
	/* While it is read: runs whose call has not come yet, and timers whose flush has not. */
	struct phyrsim_trace_event *open;
	size_t open_cnt;
	bool timer[DMA_CPU_CNT];
};

static inline uint64_t dma_last(struct phyr_iova_range range)
{
	return range.iova.addr + (range.len - 1);
}

/* Rounded out to pages. */
static inline struct phyr_iova_range dma_pages(struct phyr_iova_range range)
{
	uint64_t first = phyr_bits_down(range.iova.addr, PHYR_PAGE_LG2);
	uint64_t last = dma_last(range) | phyr_bits_mask(PHYR_PAGE_LG2);
	struct phyr_iova_range pages = { { first }, last - first + 1 };

	return pages;
}

static inline struct dma_op *dma_add(struct dma_trace *trace, enum dma_what what,
				     const struct phyrsim_trace_event *event)
{
	struct dma_op op = { .what = what,
			     .cpu = event->cpu,
			     .unmap_cpu = event->cpu,
			     .order = event->order,
			     .range = event->range,
			     .device = event->device,
			     .flush = event->flush };

	assert_true(event->cpu < DMA_CPU_CNT);
	trace->ops[trace->op_cnt] = op;
	return &trace->ops[trace->op_cnt++];
}

static inline void dma_add_run(struct dma_trace *trace, struct dma_op *op,
			       const struct phyrsim_trace_event *event)
{
	struct phyr_range run = { event->pa, event->range.len };

	trace->runs[trace->run_cnt++] = run;
	op->run_cnt++;
	op->order = event->order;
}

/* A run that no DMA call claims is a mapping of its own. */
static inline void dma_close(struct dma_trace *trace)
{
	for (size_t i = 0; i < trace->open_cnt; i++) {
		struct dma_op *op = dma_add(trace, DMA_MAP, &trace->open[i]);

		op->run_first = trace->run_cnt;
		dma_add_run(trace, op, &trace->open[i]);
	}
	trace->open_cnt = 0;
}

/* The runs of a DMA call: exactly its pages. What it says of memory is where they lead. */
static inline void dma_call(struct dma_trace *trace, const struct phyrsim_trace_event *call)
{
	struct dma_op *op = dma_add(trace, DMA_MAP, call);
	uint64_t first = dma_pages(call->range).iova.addr, at = first;
	size_t left_cnt = 0;

	op->run_first = trace->run_cnt;
	for (size_t i = 0; i < trace->open_cnt; i++) {
		const struct phyrsim_trace_event *run = &trace->open[i];

		if (run->cpu != call->cpu || run->range.iova.addr != at ||
		    at > dma_last(call->range)) {
			trace->open[left_cnt++] = *run;
			continue;
		}
		if (at == first && call->pa.addr != PHYRSIM_TRACE_NO_PA && call->entry_cnt == 1)
			assert_int_equal(call->pa.addr - run->pa.addr,
					 call->range.iova.addr - first);
		dma_add_run(trace, op, run);
		at = dma_last(run->range) + 1;
	}
	trace->open_cnt = left_cnt;
	assert_int_equal(at, dma_last(dma_pages(call->range)) + 1);
}

/* The line of an unmapping's call, behind it: whose it is. Of a scatterlist's it comes before. */
static inline void dma_name(struct dma_trace *trace, const struct phyrsim_trace_event *call)
{
	uint64_t first = dma_pages(call->range).iova.addr;

	for (size_t i = trace->op_cnt; call->range.len && i-- > 0;) {
		struct dma_op *op = &trace->ops[i];

		if (op->what != DMA_UNMAP || op->cpu != call->cpu || op->range.iova.addr != first ||
		    op->device.len)
			continue;
		op->device = call->device;
		return;
	}
}

static inline void dma_flush(struct dma_trace *trace, const struct phyrsim_trace_event *event)
{
	dma_add(trace, DMA_FLUSH, event)->timer = trace->timer[event->cpu];
	trace->timer[event->cpu] = false;
}

/* A descriptor goes with the flush before it on its CPU. */
static inline void dma_command(struct dma_trace *trace, const struct phyrsim_trace_event *event)
{
	for (size_t i = trace->op_cnt; event->flush.iotlb && i-- > 0;) {
		struct dma_op *op = &trace->ops[i];

		if (op->what != DMA_FLUSH || op->cpu != event->cpu)
			continue;
		assert_false(op->command.iotlb);
		op->command = event->flush;
		return;
	}
}

static inline void dma_note(struct dma_trace *trace, const struct phyrsim_trace_event *event)
{
	switch (event->kind) {
	case PHYRSIM_TRACE_MAP:
		trace->open[trace->open_cnt++] = *event;
		break;
	case PHYRSIM_TRACE_DMA_MAP:
		dma_call(trace, event);
		break;
	case PHYRSIM_TRACE_UNMAP:
		assert_int_equal(event->done_len, event->range.len);
		dma_add(trace, DMA_UNMAP, event);
		break;
	case PHYRSIM_TRACE_DMA_UNMAP:
		dma_name(trace, event);
		break;
	case PHYRSIM_TRACE_FLUSH:
		dma_flush(trace, event);
		break;
	case PHYRSIM_TRACE_COMMAND:
		dma_command(trace, event);
		break;
	case PHYRSIM_TRACE_TIMER:
		assert_false(trace->timer[event->cpu]);
		trace->timer[event->cpu] = true;
		trace->timer_cnt++;
		break;
	default: /* devices that get their domains */
		break;
	}
}

static inline int dma_by_order(const void *a, const void *b)
{
	const struct dma_op *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

/* Where each mapping will be unmapped, going backwards. */
static inline void dma_look_ahead(struct dma_trace *trace)
{
	uint8_t *cpus = calloc(DMA_PAGE_CNT, 1); /* of the next unmapping, plus 1 */

	assert_non_null(cpus);
	for (size_t i = trace->op_cnt; i-- > 0;) {
		struct dma_op *op = &trace->ops[i];
		uint64_t page = op->range.iova.addr >> PHYR_PAGE_LG2;

		if (op->what == DMA_FLUSH)
			continue;
		assert_true(page < DMA_PAGE_CNT && dma_last(op->range) <= UINT32_MAX);
		if (op->what == DMA_UNMAP)
			cpus[page] = (uint8_t)(op->cpu + 1);
		else if (cpus[page])
			op->unmap_cpu = cpus[page] - 1U;
	}
	free(cpus);
}

/* Drops what is not of a device: its calls, and the flushes of its domain. */
static inline void dma_select(struct dma_trace *trace, const char *device, unsigned int domain)
{
	size_t cnt = 0;

	for (size_t i = 0; i < trace->op_cnt; i++) {
		const struct dma_op *op = &trace->ops[i];
		bool is;

		if (op->what == DMA_FLUSH) {
			is = op->flush.domain == domain;
		} else {
			assert_true(op->device.len > 0);
			is = phyrsim_trace_begins(op->device, device);
		}
		if (is)
			trace->ops[cnt++] = *op;
	}
	trace->op_cnt = cnt;
}

static inline void dma_read(struct dma_trace *trace, const char *name)
{
	struct phyrsim_trace_event event;
	struct phyrsim_trace reader;
	char path[256];
	size_t line_cnt = 1;

	memset(trace, 0, sizeof(*trace));
	(void)snprintf(path, sizeof(path), "%s%s", kernel_cut() ? "dma/" : "", name);
	trace->text = kernel_read(path);
	for (size_t i = 0; i < trace->text.len; i++)
		line_cnt += trace->text.at[i] == '\n';
	trace->ops = calloc(line_cnt, sizeof(*trace->ops));
	trace->runs = calloc(line_cnt, sizeof(*trace->runs));
	trace->open = calloc(line_cnt, sizeof(*trace->open));
	assert_true(trace->ops && trace->runs && trace->open);
	phyrsim_trace_begin(&reader, trace->text.at, trace->text.len);
	while (kernel_next(&reader, &event))
		dma_note(trace, &event);
	dma_close(trace);
	qsort(trace->ops, trace->op_cnt, sizeof(*trace->ops), dma_by_order);
}

static inline void dma_drop(struct dma_trace *trace)
{
	free(trace->ops);
	free(trace->runs);
	free(trace->open);
	kernel_drop(&trace->text);
}

#endif
