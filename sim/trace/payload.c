/* SPDX-License-Identifier: MIT */
/*
 * The arguments of events, by the formats in Linux: include/trace/events/iommu.h (of now and of
 * before 5.17, and with the device that some vendors put first), include/trace/events/dma.h.
 * What only VT-d's driver prints is in vtd.c.
 */
#include <phyr/bits.h>

#include "scan.h"

/* A length that takes the range beyond 2^64 is no length. */
static bool fits(struct phyr_iova_range range)
{
	uint64_t last;

	return range.len == 0 || phyr_bits_last(range.iova.addr, range.len, &last);
}

/* "IOMMU: iova=0x… - 0x…", or the same without the end; then ret_end is not written. */
static bool read_start(struct scan *scan, struct phyrsim_trace_event *event, uint64_t *ret_end)
{
	(void)phyrsim_scan_words(scan, "IOMMU:");
	phyrsim_scan_blanks(scan);
	if (phyrsim_scan_words(scan, "dev=")) {
		(void)phyrsim_scan_word(scan, &event->device);
		phyrsim_scan_blanks(scan);
	}
	if (!phyrsim_scan_field(scan, "iova=", 16, &event->range.iova.addr))
		return false;
	event->legacy = !phyrsim_scan_words(scan, " - ");
	return event->legacy || phyrsim_scan_number(scan, 16, ret_end);
}

/* The end is exclusive, and 0 at the top of 64 bits. */
static const char *check_range(const struct phyrsim_trace_event *event, uint64_t end)
{
	if (!fits(event->range))
		return "the range is beyond 64 bits";
	if (!event->legacy && end != event->range.iova.addr + event->range.len)
		return "the end is not the start and the size";
	return NULL;
}

static const char *read_map(struct scan scan, struct phyrsim_trace_event *event)
{
	uint64_t end = 0, last;
	const char *reason;

	event->kind = PHYRSIM_TRACE_MAP;
	if (!read_start(&scan, event, &end))
		return "no I/O address";
	if (!phyrsim_scan_field(&scan, " paddr=", 16, &event->pa.addr))
		return "no physical address";
	if (!phyrsim_scan_field(&scan, " size=", 10, &event->range.len))
		return "no size";
	reason = check_range(event, end);
	if (!reason && event->range.len > 0 &&
	    !phyr_bits_last(event->pa.addr, event->range.len, &last))
		return "the physical range is beyond 64 bits";
	return reason;
}

static const char *read_unmap(struct scan scan, struct phyrsim_trace_event *event)
{
	uint64_t end = 0;

	event->kind = PHYRSIM_TRACE_UNMAP;
	if (!read_start(&scan, event, &end))
		return "no I/O address";
	if (!phyrsim_scan_field(&scan, " size=", 10, &event->range.len))
		return "no size";
	if (!phyrsim_scan_field(&scan, " unmapped_size=", 10, &event->done_len))
		return "no unmapped size";
	return check_range(event, end);
}

/* "IOMMU:DRIVER DEVICE iova=… flags=…": the driver's name may hold blanks. */
static const char *read_fault(struct scan scan, struct phyrsim_trace_event *event)
{
	struct phyrsim_trace_text word = { NULL, 0 };
	uint64_t flags;

	event->kind = PHYRSIM_TRACE_FAULT;
	(void)phyrsim_scan_words(&scan, "IOMMU:");
	while (!phyrsim_scan_field(&scan, "iova=", 16, &event->range.iova.addr)) {
		if (!phyrsim_scan_word(&scan, &word))
			return "no I/O address";
		phyrsim_scan_blanks(&scan);
	}
	event->device = word;
	if (!phyrsim_scan_field(&scan, " flags=", 16, &flags))
		return "no flags";
	event->range.len = 1;
	event->write = flags & 1;
	return NULL;
}

static const char *read_attach(struct scan scan, struct phyrsim_trace_event *event)
{
	event->kind = PHYRSIM_TRACE_ATTACH;
	if (!phyrsim_scan_words(&scan, "IOMMU: device=") ||
	    !phyrsim_scan_word(&scan, &event->device))
		return "no device";
	return NULL;
}

static const char *read_mark(struct scan scan, struct phyrsim_trace_event *event)
{
	(void)scan;
	event->kind = PHYRSIM_TRACE_MARK;
	return NULL;
}

/* "(fq_flush_timeout+0x4/0xd0)": a probe, of which there is nothing more to say. */
static const char *read_timer(struct scan scan, struct phyrsim_trace_event *event)
{
	(void)scan;
	event->kind = PHYRSIM_TRACE_TIMER;
	return NULL;
}

static bool read_dir(struct scan *scan, enum phyrsim_trace_dir *ret_dir)
{
	static const char *const names[] = {
		[PHYRSIM_TRACE_BIDIRECTIONAL] = "BIDIRECTIONAL",
		[PHYRSIM_TRACE_TO_DEVICE] = "TO_DEVICE",
		[PHYRSIM_TRACE_FROM_DEVICE] = "FROM_DEVICE",
		[PHYRSIM_TRACE_NONE] = "NONE",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (phyrsim_scan_words(scan, names[i])) {
			*ret_dir = (enum phyrsim_trace_dir)i;
			return true;
		}
	}
	return false;
}

/* "nents=32/32 ents=1/1" */
static const char *read_counts(struct scan *scan, struct phyrsim_trace_event *event)
{
	uint64_t shown;

	if (!phyrsim_scan_field(scan, " nents=", 10, &shown) ||
	    !phyrsim_scan_field(scan, "/", 10, &event->entry_cnt))
		return "no count of entries";
	if (!phyrsim_scan_field(scan, " ents=", 10, &shown) ||
	    !phyrsim_scan_field(scan, "/", 10, &event->part_cnt))
		return "no count of parts";
	(void)phyrsim_scan_words(scan, " [TRUNCATED]");
	return NULL;
}

/* Of lists between braces the first members; of one address that and the size. */
static const char *read_dma_range(struct scan *scan, struct phyrsim_trace_event *event)
{
	if (phyrsim_scan_field(scan, " dma_addrs={", 16, &event->range.iova.addr)) {
		if (!phyrsim_scan_find(scan, "}") ||
		    !phyrsim_scan_field(scan, " sizes={", 16, &event->range.len) ||
		    !phyrsim_scan_find(scan, "}"))
			return "no sizes";
	} else if (phyrsim_scan_field(scan, " dma_addr=", 16, &event->range.iova.addr)) {
		if (!phyrsim_scan_field(scan, " size=", 10, &event->range.len))
			return "no size";
	} else if (event->kind == PHYRSIM_TRACE_DMA_MAP) {
		return "no DMA address";
	}
	return fits(event->range) ? NULL : "the range is beyond 64 bits";
}

static const char *read_dma(struct scan scan, struct phyrsim_trace_event *event)
{
	const char *reason = NULL;

	event->entry_cnt = 1;
	event->part_cnt = 1;
	event->pa = phyr_pa_at(PHYRSIM_TRACE_NO_PA);
	if (!phyrsim_scan_word(&scan, &event->device))
		return "no device";
	if (!phyrsim_scan_words(&scan, " dir=") || !read_dir(&scan, &event->dir))
		return "no direction";
	if (phyrsim_trace_begins(event->name, "dma_map_sg"))
		reason = read_counts(&scan, event);
	if (!reason)
		reason = read_dma_range(&scan, event);
	if (reason)
		return reason;
	if (!phyrsim_scan_field(&scan, " phys_addr=", 16, &event->pa.addr))
		(void)phyrsim_scan_field(&scan, " phys_addrs={", 16, &event->pa.addr);
	return NULL;
}

static const char *read_dma_map(struct scan scan, struct phyrsim_trace_event *event)
{
	event->kind = PHYRSIM_TRACE_DMA_MAP;
	return read_dma(scan, event);
}

static const char *read_dma_unmap(struct scan scan, struct phyrsim_trace_event *event)
{
	event->kind = PHYRSIM_TRACE_DMA_UNMAP;
	return read_dma(scan, event);
}

/* The events that are read: their names, and what their arguments must begin with. */
static const struct {
	const char *name;
	const char *begin;
	const char *(*read)(struct scan scan, struct phyrsim_trace_event *event);
} events[] = {
	{ "map", "IOMMU:", read_map },
	{ "unmap", "IOMMU:", read_unmap },
	{ "io_page_fault", "IOMMU:", read_fault },
	{ "attach_device_to_domain", "IOMMU:", read_attach },
	{ "tracing_mark_write", "", read_mark },
	{ "dma_map_phys", "", read_dma_map },
	{ "dma_map_page", "", read_dma_map },
	{ "dma_map_resource", "", read_dma_map },
	{ "dma_map_sg", "", read_dma_map },
	{ "dma_alloc", "", read_dma_map },
	{ "dma_unmap_phys", "", read_dma_unmap },
	{ "dma_unmap_page", "", read_dma_unmap },
	{ "dma_unmap_resource", "", read_dma_unmap },
	{ "dma_unmap_sg", "", read_dma_unmap },
	{ "dma_free", "", read_dma_unmap },
	{ "cache_tag_flush_range", "", phyrsim_trace_flush_range },
	{ "cache_tag_flush_range_np", "", phyrsim_trace_flush_range },
	{ "cache_tag_flush_all", "", phyrsim_trace_flush_all },
	{ "qi_submit", "", phyrsim_trace_command },
	{ "fq_flush_timeout", "(", read_timer },
};

struct payload phyrsim_trace_payload(struct phyrsim_trace_event *event)
{
	struct payload payload = { false, NULL };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct scan name = scan_of(event->name);

		if (!phyrsim_scan_words(&name, events[i].name) || name.at != name.end ||
		    !phyrsim_trace_begins(event->args, events[i].begin))
			continue;
		payload.known = true;
		payload.reason = events[i].read(scan_of(event->args), event);
		break;
	}
	return payload;
}
