/* SPDX-License-Identifier: MIT */
/*
 * The arguments of what VT-d's driver prints (drivers/iommu/intel/trace.h): what it wants to
 * invalidate, and the descriptors that it queues for that, by the Intel VT-d specification,
 * "IOTLB Invalidate Descriptor".
 */
#include <phyr/bits.h>

#include "scan.h"

#define MASK_MAX 52 /* [log2 pages] 2^64 bytes */

/* Bits of the descriptor: 5:4 what it reaches, 31:16 domain; then 5:0 AM, 6 IH, 63:12 address. */
#define DESCRIPTOR_TYPE 0xf
#define DESCRIPTOR_IOTLB 2
#define DESCRIPTOR_REACH(word) ((word) >> 4 & 3)
#define DESCRIPTOR_PAGES 3
#define DESCRIPTOR_DOMAIN(word) ((unsigned int)((word) >> 16 & 0xffff))
#define DESCRIPTOR_AM 0x3f
#define DESCRIPTOR_IH 0x40

/* "… type iotlb did 5 " */
static const char *read_tag(struct scan *scan, struct phyrsim_trace_event *event)
{
	uint64_t domain;

	event->kind = PHYRSIM_TRACE_FLUSH;
	if (!phyrsim_scan_find(scan, "type "))
		return "no type of cache";
	event->flush.device_tlb = phyrsim_trace_begins(scan_rest(scan), "devtlb");
	if (!phyrsim_scan_find(scan, "did ") || !phyrsim_scan_number(scan, 10, &domain) ||
	    domain > UINT32_MAX)
		return "no domain";
	event->flush.domain = (unsigned int)domain;
	return NULL;
}

/* "[0x1000-0x1fff]"; all of 64 bits is everything, which has no length. */
static const char *read_bytes(struct scan *scan, struct phyrsim_trace_event *event)
{
	uint64_t first, last;

	if (!phyrsim_scan_field(scan, " [", 16, &first) ||
	    !phyrsim_scan_field(scan, "-", 16, &last) || !phyrsim_scan_words(scan, "]"))
		return "no range";
	if (last < first)
		return "the range ends before it begins";
	event->flush.whole = first == 0 && last == UINT64_MAX;
	event->range.iova.addr = first;
	event->range.len = last - first + 1;
	return NULL;
}

const char *phyrsim_trace_flush_range(struct scan scan, struct phyrsim_trace_event *event)
{
	const char *reason = read_tag(&scan, event);
	uint64_t pages, mask;

	event->flush.map_side = event->name.at[event->name.len - 1] == 'p';
	if (!reason)
		reason = read_bytes(&scan, event);
	if (reason)
		return reason;
	if (!phyrsim_scan_field(&scan, " addr ", 16, &event->flush.window.addr))
		return "no address";
	(void)phyrsim_scan_field(&scan, " pages ", 16, &pages);
	if (!phyrsim_scan_field(&scan, " mask ", 16, &mask) || mask > MASK_MAX)
		return "no mask";
	event->flush.mask = (unsigned int)mask;
	return NULL;
}

const char *phyrsim_trace_flush_all(struct scan scan, struct phyrsim_trace_event *event)
{
	event->flush.whole = true;
	return read_tag(&scan, event);
}

static void decode(struct phyrsim_trace_event *event)
{
	struct phyrsim_trace_flush *flush = &event->flush;
	uint64_t low = event->words[0], high = event->words[1];

	flush->iotlb = (low & DESCRIPTOR_TYPE) == DESCRIPTOR_IOTLB;
	if (!flush->iotlb)
		return;
	flush->domain = DESCRIPTOR_DOMAIN(low);
	flush->whole = DESCRIPTOR_REACH(low) != DESCRIPTOR_PAGES;
	flush->window = phyr_iova_at(phyr_bits_down(high, PHYR_PAGE_LG2));
	flush->mask = (unsigned int)(high & DESCRIPTOR_AM);
	flush->leaf_only = high & DESCRIPTOR_IH;
}

/* "iotlb_inv dmar0: 0x500f2 0x1040 0x0 0x0" */
const char *phyrsim_trace_command(struct scan scan, struct phyrsim_trace_event *event)
{
	event->kind = PHYRSIM_TRACE_COMMAND;
	if (!phyrsim_scan_find(&scan, ":"))
		return "no unit";
	for (unsigned int i = 0; i < 4; i++) {
		if (!phyrsim_scan_field(&scan, " ", 16, &event->words[i]))
			return "no descriptor";
	}
	decode(event);
	return NULL;
}
