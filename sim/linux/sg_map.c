/* SPDX-License-Identifier: MIT */
/*
 * dma_map_sg() behind an IOMMU, entry by entry: what it asks for, and what it gives the device.
 *
 * Not here: counting entries without making them (describe.c), mapping for real (map.c).
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyrsim/linux_sg.h>

static bool is_bus(const struct phyrsim_linux_sg *entry)
{
	return entry->type == PHYR_P2P_BUS || entry->type == PHYR_P2P_OWN;
}

static uint64_t inside(const struct phyrsim_linux_sg_limits *limits,
		       const struct phyrsim_linux_sg *entry)
{
	return entry->mem.pa.addr & phyr_bits_mask(limits->granule_lg2);
}

size_t phyrsim_linux_sg_fill(const struct phyr_list *list, uint64_t segment_max,
			     struct phyrsim_linux_sg *sg)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	size_t cnt = 0;

	if (phyrsim_linux_scatterlist(list, segment_max).entry_cnt == 0)
		return 0;
	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		while (run.range.len) {
			/* Whole pages: an offset in the first one does not move the cuts. */
			uint64_t len =
				segment_max - (run.range.pa.addr & phyr_bits_mask(PHYR_PAGE_LG2));

			len = len < run.range.len ? len : run.range.len;
			memset(&sg[cnt], 0, sizeof(sg[cnt]));
			sg[cnt].mem.pa = run.range.pa;
			sg[cnt++].mem.len = len;
			run.range.pa.addr += len;
			run.range.len -= len;
		}
	}
	return cnt;
}

/* An entry's I/O addresses in whole granules; 0 when that wraps. */
static uint64_t round_out(const struct phyrsim_linux_sg_limits *limits,
			  const struct phyrsim_linux_sg *entry)
{
	uint64_t last, len;

	if (!phyr_bits_last(entry->mem.pa.addr, entry->mem.len, &last) ||
	    !phyr_bits_up(inside(limits, entry) + entry->mem.len, limits->granule_lg2, &len))
		return 0;
	return len;
}

static int check(const struct phyrsim_linux_sg_limits *limits, const struct phyrsim_linux_sg *sg,
		 size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (sg[i].mem.len == 0)
			return PHYR_E_INVAL;
		if (sg[i].type == PHYR_P2P_UNSUPPORTED)
			return PHYR_E_UNREACHABLE;
		if (round_out(limits, &sg[i]) == 0)
			return PHYR_E_RANGE;
	}
	return PHYR_OK;
}

/* What the first pass carries from entry to entry. */
struct pass {
	const struct phyrsim_linux_sg_limits *limits;
	struct phyrsim_linux_sg *sg;
	size_t before; /* the last mapped entry; meaningless while iova_len is 0 */
	struct phyrsim_linux_sg_plan plan;
};

/* To where the next boundary is, if the entry would cross it. */
static uint64_t pad_before(const struct pass *pass, uint64_t len)
{
	uint64_t mask = pass->limits->boundary_mask;
	uint64_t pad = (mask - pass->plan.iova_len + 1) & mask;

	return pass->plan.iova_len && pad < len - 1 ? pad : 0;
}

static int add_mapped(struct pass *pass, size_t i)
{
	struct phyrsim_linux_sg *entry = &pass->sg[i];
	uint64_t pad;

	entry->extent = round_out(pass->limits, entry);
	pad = pad_before(pass, entry->extent);
	if (pad)
		pass->sg[pass->before].extent += pad;
	pass->plan.pad_len += pad;
	pass->before = i;
	return __builtin_add_overflow(pass->plan.iova_len, pad, &pass->plan.iova_len) ||
			       __builtin_add_overflow(pass->plan.iova_len, entry->extent,
						      &pass->plan.iova_len) ?
		       PHYR_E_RANGE :
		       PHYR_OK;
}

/* The first entry's length is that of its granules by now, unless it is a bus address itself. */
static void add_bus(struct pass *pass, struct phyrsim_linux_sg *entry)
{
	const struct phyrsim_linux_sg *head = pass->sg;

	entry->extent = entry->mem.len;
	if (pass->limits->quirks & PHYRSIM_LINUX_HEAD_LENGTH)
		entry->extent = is_bus(head) ? head->mem.len : head->extent;
	pass->plan.bus_cnt++;
}

/* Neighbours in memory, as they were rounded out and padded, are one call, also across a bus address. */
static uint64_t count_calls(const struct phyrsim_linux_sg_limits *limits,
			    const struct phyrsim_linux_sg *sg, size_t cnt)
{
	uint64_t call_cnt = 0, end = 0;

	for (size_t i = 0; i < cnt; i++) {
		uint64_t first = sg[i].mem.pa.addr - inside(limits, &sg[i]);

		if (is_bus(&sg[i]))
			continue;
		if (call_cnt == 0 || first != end)
			call_cnt++;
		end = first + sg[i].extent;
	}
	return call_cnt;
}

static bool is_limits(const struct phyrsim_linux_sg_limits *limits)
{
	return limits && limits->granule_lg2 >= 12 && limits->granule_lg2 <= 30 &&
	       (limits->boundary_mask & (limits->boundary_mask + 1)) == 0;
}

int phyrsim_linux_sg_plan(const struct phyrsim_linux_sg_limits *limits, struct phyrsim_linux_sg *sg,
			  size_t cnt, struct phyrsim_linux_sg_plan *ret_plan)
{
	struct pass pass = { .limits = limits, .sg = sg };
	int err;

	if (!is_limits(limits) || !sg || cnt == 0 || !ret_plan)
		return PHYR_E_INVAL;
	err = check(limits, sg, cnt);
	for (size_t i = 0; !err && i < cnt; i++) {
		if (is_bus(&sg[i]))
			add_bus(&pass, &sg[i]);
		else
			err = add_mapped(&pass, i);
	}
	if (err)
		return err;
	pass.plan.call_cnt = count_calls(limits, sg, cnt);
	*ret_plan = pass.plan;
	return PHYR_OK;
}

/* What the second pass carries. */
struct finish {
	const struct phyrsim_linux_sg_limits *limits;
	struct phyrsim_linux_sg *sg;
	size_t cnt;    /* ranges so far */
	uint64_t iova; /* of the next entry's granules */
	uint64_t len;  /* of the last range if it is open, else 0 */
};

static void put(struct finish *finish, phyr_iova iova, uint64_t len, bool bus)
{
	struct phyrsim_linux_sg *out = &finish->sg[finish->cnt++];

	out->dma.iova = iova;
	out->dma.len = len;
	out->bus = bus;
}

static bool joins(const struct finish *finish, const struct phyrsim_linux_sg *entry)
{
	const struct phyrsim_linux_sg_limits *limits = finish->limits;

	return finish->len && inside(limits, entry) == 0 &&
	       (finish->iova & limits->boundary_mask) != 0 && finish->len <= limits->segment_max &&
	       entry->mem.len <= limits->segment_max - finish->len;
}

static void finish_mapped(struct finish *finish, const struct phyrsim_linux_sg *entry)
{
	uint64_t offset = inside(finish->limits, entry);
	struct phyrsim_linux_sg in = *entry;

	if (joins(finish, entry)) {
		finish->len += in.mem.len;
		finish->sg[finish->cnt - 1].dma.len = finish->len;
	} else {
		finish->len = in.mem.len;
		put(finish, phyr_iova_at(finish->iova + offset), in.mem.len, false);
	}
	finish->iova += in.extent;
	if (offset + in.mem.len < in.extent)
		finish->len = 0;
}

size_t phyrsim_linux_sg_finish(const struct phyrsim_linux_sg_limits *limits,
			       struct phyrsim_linux_sg *sg, size_t cnt, phyr_iova base)
{
	struct finish finish = { limits, sg, 0, base.addr, 0 };
	struct phyrsim_linux_sg *entry;

	for (size_t i = 0; i < cnt; i++) {
		entry = &sg[i];
		if (!is_bus(entry)) {
			finish_mapped(&finish, entry);
			continue;
		}
		put(&finish, phyr_iova_at(entry->mem.pa.addr + entry->bus_offset), entry->extent,
		    true);
		finish.len = 0;
	}
	for (size_t i = finish.cnt; i < cnt; i++) {
		sg[i].dma = (struct phyr_iova_range){ { 0 }, 0 };
		sg[i].bus = false;
	}
	return finish.cnt;
}
