/* SPDX-License-Identifier: MIT */
/* The reader of ftrace's text: the lines of kernels and tools, one by one, and what it refuses. */
#include <phyrsim/trace.h>

#include "test.h"

#define UNMAP "unmap: IOMMU: iova=0x0000000000000000 - 0x0000000000001000 size=4096 unmapped_size="
#define MAP_8K "iova=0x0000000000000000 - 0x0000000000002000 paddr=0x0000000152178000 size=8192"

static struct phyrsim_trace trace;
static struct phyrsim_trace_event event;

static void begin(const char *text)
{
	phyrsim_trace_begin(&trace, text, strlen(text));
	memset(&event, 0xa5, sizeof(event));
}

/* The first event of a text. */
static void read_one(const char *text)
{
	begin(text);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_OK);
}

static struct phyrsim_trace_stats stats(void)
{
	struct phyrsim_trace_stats ret;

	phyrsim_trace_stats(&trace, &ret);
	return ret;
}

static void assert_text(struct phyrsim_trace_text text, const char *want)
{
	assert_int_equal(text.len, strlen(want));
	assert_true(phyrsim_trace_begins(text, want));
}

static void assert_range(uint64_t iova, uint64_t len)
{
	assert_int_equal(event.range.iova.addr, iova);
	assert_int_equal(event.range.len, len);
}

static void refuse(const char *text, const char *reason)
{
	struct phyrsim_trace_event before;
	struct phyrsim_trace_error error = { 0, NULL };

	begin(text);
	before = event;
	assert_int_equal(phyrsim_trace_next(&trace, &event, &error), PHYR_E_FORMAT);
	assert_string_equal(error.reason, reason);
	assert_int_equal(error.line, 1);
	assert_memory_equal(&event, &before, sizeof(event));
	assert_int_equal(stats().malformed_cnt, 1);
	assert_int_equal(phyrsim_trace_next(&trace, &event, &error), PHYR_E_NOENT);
	assert_int_equal(error.line, 1);
}

/* T1 of the vectors. */
static void a_mapping_is_a_run_and_its_place(void **state)
{
	(void)state;
	read_one("        vfiotest-229     [001] .....     8.869815: map: IOMMU: " MAP_8K "\n");
	assert_int_equal(event.kind, PHYRSIM_TRACE_MAP);
	assert_range(0, 8192);
	assert_int_equal(event.pa.addr, 0x152178000);
	assert_int_equal(event.cpu, 1);
	assert_int_equal(event.pid, 229);
	assert_int_equal(event.time, UINT64_C(8869815000));
	assert_int_equal(event.line, 1);
	assert_int_equal(event.order, 0);
	assert_false(event.interrupt || event.legacy);
	assert_text(event.name, "map");
}

static void a_mapping_whose_end_is_elsewhere_is_refused(void **state)
{
	(void)state;
	refuse("map: IOMMU: iova=0x0 - 0x3000 paddr=0x152178000 size=8192",
	       "the end is not the start and the size");
	refuse("unmap: IOMMU: iova=0x1000 - 0x1000 size=4096 unmapped_size=4096",
	       "the end is not the start and the size");
}

/* T2 of the vectors. */
static void old_and_new_lines_mix(void **state)
{
	(void)state;
	read_one("  map: IOMMU: iova=0x0000000ffff36000 paddr=0x00000001164d8000 size=4096\n"
		 "  unmap: IOMMU: iova=0x0000000ffff36000 size=4096 unmapped_size=4096\n"
		 "  map: IOMMU: " MAP_8K "\n");
	assert_true(event.legacy);
	assert_range(0xffff36000, 4096);
	assert_int_equal(event.pa.addr, 0x1164d8000);
	assert_int_equal(event.cpu, PHYRSIM_TRACE_NO_CPU);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_OK);
	assert_true(event.legacy && event.kind == PHYRSIM_TRACE_UNMAP);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_OK);
	assert_false(event.legacy);
	assert_int_equal(event.order, 2);
	assert_int_equal(event.line, 3);
	assert_int_equal(stats().legacy_cnt, 2);
}

static void an_unmapping_says_what_was_found(void **state)
{
	(void)state;
	read_one("   fio-269     [000] d.h1.    15.794285: " UNMAP "8192");
	assert_int_equal(event.kind, PHYRSIM_TRACE_UNMAP);
	assert_range(0, 4096);
	assert_int_equal(event.done_len, 8192);
	assert_true(event.interrupt);
}

static void the_top_of_64_bits_ends_at_zero(void **state)
{
	(void)state;
	read_one("map: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 "
		 "paddr=0xfffffffffffff000 size=4096");
	assert_range(0xfffffffffffff000, 4096);
	refuse("map: IOMMU: iova=0xfffffffffffff000 - 0x1000 paddr=0x1000 size=8192",
	       "the range is beyond 64 bits");
	refuse("map: IOMMU: iova=0x1000 - 0x3000 paddr=0xfffffffffffff000 size=8192",
	       "the physical range is beyond 64 bits");
}

/* What may stand before the name: flags of 4, 5 and 7 letters, a thread group, hard names. */
static const struct {
	const char *prefix;
	unsigned int cpu;
	uint64_t pid, time;
	bool interrupt;
} prefixes[] = {
	{ "        qemu-kvm-4575    [008] .......   438.308478: ", 8, 4575, 438308478000, false },
	{ "   (udev-worker)-532     [010] .....     4.878076: ", 10, 532, 4878076000, false },
	{ "   kworker/u64:0-12      [011] .....   327.747766: ", 11, 12, 327747766000, false },
	{ "   irq/24-AMD-Vi-48    [002] d.h.   978.554289: ", 2, 48, 978554289000, true },
	{ "            a b-7 (      7) [003] ..s1.     1.5: ", 3, 7, 1500000000, true },
	{ "          idle-0 (-------) [000]     1.000001: ", 0, 0, 1000001000, false },
	{ "     [x] [1] y-9  [000] .....  12345: ", 0, 9, 12345, false },
	{ "qemu-kvm  4575 [008]   438.308478123: iommu:", 8, 4575, 438308478123, false },
	{ "qemu-kvm-4575  [008]   438.3: iommu:", 8, 4575, 438300000000, false },
	{ "", PHYRSIM_TRACE_NO_CPU, 0, 0, false },
	{ "[    4.878076] ", PHYRSIM_TRACE_NO_CPU, 0, 0, false },
	{ "<6>[    4.878076] iommu:", PHYRSIM_TRACE_NO_CPU, 0, 0, false },
};

static void lines_of_every_carrier_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(prefixes); i++) {
		char line[256];

		strcpy(line, prefixes[i].prefix);
		strcat(line, UNMAP "4096\r\n");
		read_one(line);
		assert_int_equal(event.kind, PHYRSIM_TRACE_UNMAP);
		assert_int_equal(event.cpu, prefixes[i].cpu);
		assert_int_equal(event.pid, prefixes[i].pid);
		assert_int_equal(event.time, prefixes[i].time);
		assert_int_equal(event.interrupt, prefixes[i].interrupt);
		assert_int_equal(event.done_len, 4096);
	}
}

static void a_fault_names_the_device_and_the_access(void **state)
{
	(void)state;
	read_one("irq/26-AMD-Vi-154     [006] .....   327.753942: io_page_fault: IOMMU:ath12k_pci "
		 "0000:c2:00.0 iova=0x00000000fe980000 flags=0x0001");
	assert_int_equal(event.kind, PHYRSIM_TRACE_FAULT);
	assert_text(event.device, "0000:c2:00.0");
	assert_range(0xfe980000, 1);
	assert_true(event.write);
	read_one("   irq/24-AMD-Vi-48    [002] ....   978.554289: io_page_fault: IOMMU:[drv name] "
		 "0000:05:00.0 iova=0x0000000091482640 flags=0x0000");
	assert_text(event.device, "0000:05:00.0");
	assert_false(event.write);
}

static void a_device_may_stand_before_the_address(void **state)
{
	(void)state;
	read_one("map: IOMMU: dev=15000000.smmu iova=0x1000 - 0x2000 paddr=0x5000 size=4096");
	assert_text(event.device, "15000000.smmu");
	assert_range(0x1000, 0x1000);
	read_one("attach_device_to_domain: IOMMU: device=0000:00:03.0");
	assert_int_equal(event.kind, PHYRSIM_TRACE_ATTACH);
	assert_text(event.device, "0000:00:03.0");
}

static void dma_calls_have_device_direction_and_place(void **state)
{
	(void)state;
	read_one("   fio-269     [000] .....    15.793921: dma_map_page: 0000:00:01.0 "
		 "dir=FROM_DEVICE dma_addr=bf000000 size=131072 phys_addr=10ee55000 attrs=");
	assert_int_equal(event.kind, PHYRSIM_TRACE_DMA_MAP);
	assert_int_equal(event.dir, PHYRSIM_TRACE_FROM_DEVICE);
	assert_range(0xbf000000, 131072);
	assert_int_equal(event.pa.addr, 0x10ee55000);
	assert_int_equal(event.entry_cnt, 1);
	assert_text(event.device, "0000:00:01.0");
	read_one("dma_unmap_phys: 0000:00:01.0 dir=NONE dma_addr=fff26000 size=4096 attrs=");
	assert_int_equal(event.kind, PHYRSIM_TRACE_DMA_UNMAP);
	assert_int_equal(event.dir, PHYRSIM_TRACE_NONE);
	assert_true(event.pa.addr == PHYRSIM_TRACE_NO_PA);
	read_one("dma_alloc: 0000:00:01.0 dir=BIDIRECTIONAL dma_addr=ffe95000 size=512 "
		 "virt_addr=00000000261e3ae0 flags=GFP_ATOMIC attrs=");
	assert_int_equal(event.dir, PHYRSIM_TRACE_BIDIRECTIONAL);
	assert_range(0xffe95000, 512);
}

static void of_a_scatterlist_the_first_part_and_the_counts_are_read(void **state)
{
	(void)state;
	read_one("dma_map_sg: 0000:00:01.0 dir=TO_DEVICE nents=4/200 ents=2/3 [TRUNCATED] "
		 "dma_addrs={0xbefe8000,0xc0000000} sizes={0x4000,0x1000} "
		 "phys_addrs={0x10d8df000,0x10d8de000} attrs=NO_WARN");
	assert_range(0xbefe8000, 0x4000);
	assert_int_equal(event.pa.addr, 0x10d8df000);
	assert_int_equal(event.entry_cnt, 200);
	assert_int_equal(event.part_cnt, 3);
	read_one("dma_unmap_sg: 0000:00:01.0 dir=TO_DEVICE phys_addrs={0x10d8df000} attrs=");
	assert_range(0, 0);
	assert_int_equal(event.pa.addr, 0x10d8df000);
}

static void flushes_have_a_range_and_a_window(void **state)
{
	(void)state;
	read_one("cache_tag_flush_range: dmar0 dmar0[0] type iotlb did 5 [0x10004000-0x10072fff] "
		 "addr 0x10000000 pages 0x80 mask 0x7");
	assert_int_equal(event.kind, PHYRSIM_TRACE_FLUSH);
	assert_range(0x10004000, 0x6f000);
	assert_int_equal(event.flush.window.addr, 0x10000000);
	assert_int_equal(event.flush.mask, 7);
	assert_int_equal(event.flush.domain, 5);
	assert_false(event.flush.whole || event.flush.map_side || event.flush.device_tlb);
	read_one("cache_tag_flush_range_np: dmar0 0000:03:00.0[0] type devtlb did 3 "
		 "[0x1000-0x1fff] addr 0x1000 mask 0x0");
	assert_true(event.flush.map_side && event.flush.device_tlb);
	read_one("cache_tag_flush_range: dmar0 dmar0[0] type iotlb did 3 "
		 "[0x0-0xffffffffffffffff] addr 0x0 pages 0x0 mask 0x34");
	assert_true(event.flush.whole);
	assert_range(0, 0);
	read_one("cache_tag_flush_all: dmar0/dmar0 type iotlb did 3 pasid 0 ref 1");
	assert_true(event.flush.whole);
	assert_int_equal(event.flush.domain, 3);
}

static void descriptors_are_taken_apart(void **state)
{
	(void)state;
	read_one("qi_submit: iotlb_inv dmar0: 0x500f2 0x1000004e 0x0 0x7");
	assert_int_equal(event.kind, PHYRSIM_TRACE_COMMAND);
	assert_int_equal(event.words[0], 0x500f2);
	assert_int_equal(event.words[3], 7);
	assert_true(event.flush.iotlb && event.flush.leaf_only && !event.flush.whole);
	assert_int_equal(event.flush.domain, 5);
	assert_int_equal(event.flush.window.addr, 0x10000000);
	assert_int_equal(event.flush.mask, 14);
	read_one("qi_submit: iotlb_inv dmar0: 0x500e2 0x0 0x0 0x0");
	assert_true(event.flush.iotlb && event.flush.whole && !event.flush.leaf_only);
	read_one("qi_submit: cc_inv dmar0: 0x1800050031 0x0 0x0 0x0");
	assert_false(event.flush.iotlb);
	assert_int_equal(event.flush.domain, 0);
}

static void a_mark_is_its_words(void **state)
{
	(void)state;
	read_one("   vfiotest-229     [001] .....     8.883122: tracing_mark_write: CASE c01: a "
		 "b\n");
	assert_int_equal(event.kind, PHYRSIM_TRACE_MARK);
	assert_text(event.args, "CASE c01: a b");
	assert_false(phyrsim_trace_begins(event.args, "CASE c02"));
	assert_true(phyrsim_trace_begins(event.args, ""));
}

static void a_probe_tells_that_the_timer_runs(void **state)
{
	(void)state;
	read_one("             fio-506     [001] ..s1.    56.848302: fq_flush_timeout: "
		 "(fq_flush_timeout+0x4/0xd0)");
	assert_int_equal(event.kind, PHYRSIM_TRACE_TIMER);
	assert_int_equal(event.cpu, 1);
	assert_int_equal(event.time, UINT64_C(56848302000));
	assert_true(event.interrupt);
	assert_range(0, 0);
}

static void what_is_no_event_is_counted(void **state)
{
	struct phyrsim_trace_stats want = {
		.line_cnt = 11,
		.event_cnt = 1,
		.comment_cnt = 2,
		.unknown_cnt = 3,
		.zero_cnt = 2,
		.lost_mark_cnt = 2,
		.lost_cnt = 12,
		.missing_cnt = 7,
	};
	struct phyrsim_trace_stats got;

	(void)state;
	read_one("# tracer: nop\n"
		 "# entries-in-buffer/entries-written: 5/12   #P:2\n"
		 "\n"
		 "CPU:1 [LOST 12 EVENTS]\n"
		 "CPU:0 [EVENTS DROPPED]\n"
		 "  x-1 [000] ..... 1.0: fq_flush_iotlb: (fq_flush_iotlb+0x0/0x40)\n"
		 "  x-1 [000] ..... 1.0: fq_flush_timeout: of another kind\n"
		 "  x-1 [000] ..... 1.0: map: of another system\n"
		 "map: IOMMU: iova=0x1000 - 0x1000 paddr=0x0 size=0\n"
		 "unmap: IOMMU: iova=0x1000 - 0x1000 size=0 unmapped_size=0\n" UNMAP "4096");
	got = stats();
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(event.line, 11);
	assert_int_equal(event.order, 0);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_E_NOENT);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_E_NOENT);
}

static void reading_goes_on_behind_a_refused_line(void **state)
{
	struct phyrsim_trace_error error;

	(void)state;
	begin("map: IOMMU: " MAP_8K "\nnonsense\n" UNMAP "4096\n");
	assert_int_equal(phyrsim_trace_next(&trace, &event, &error), PHYR_OK);
	assert_int_equal(phyrsim_trace_next(&trace, &event, &error), PHYR_E_FORMAT);
	assert_int_equal(error.line, 2);
	assert_int_equal(phyrsim_trace_next(&trace, &event, &error), PHYR_OK);
	assert_int_equal(event.line, 3);
	assert_int_equal(event.order, 1);
}

static void an_empty_text_has_no_events(void **state)
{
	(void)state;
	phyrsim_trace_begin(&trace, NULL, 0);
	assert_int_equal(phyrsim_trace_next(&trace, &event, NULL), PHYR_E_NOENT);
	assert_int_equal(stats().line_cnt, 0);
}

static const char *const refused[][2] = {
	{ "nonsense", "no event" },
	{ "x-1 [000] ..... 1.0: ", "no event" },
	{ "map: IOMMU: paddr=0x0 size=8192", "no I/O address" },
	{ "map: IOMMU: iova=0x10000000000000000 - 0x0 paddr=0x0 size=8192", "no I/O address" },
	{ "map: IOMMU: iova=0x0 - nowhere paddr=0x0 size=8192", "no I/O address" },
	{ "map: IOMMU: iova=0x0 - 0x2000 size=8192", "no physical address" },
	{ "map: IOMMU: iova=0x0 - 0x2000 paddr=0x0 size=", "no size" },
	{ "map: IOMMU: iova=0x0 - 0x0 paddr=0x0 size=18446744073709551616", "no size" },
	{ "unmap: IOMMU: size=1", "no I/O address" },
	{ "unmap: IOMMU: iova=0x0 - 0x2000", "no size" },
	{ "unmap: IOMMU: iova=0x0 - 0x2000 size=8192", "no unmapped size" },
	{ "io_page_fault: IOMMU:drv dev", "no I/O address" },
	{ "io_page_fault: IOMMU:drv dev iova=0x0", "no flags" },
	{ "attach_device_to_domain: IOMMU: group=1", "no device" },
	{ "dma_map_page: ", "no device" },
	{ "dma_map_page: dev dir=SIDEWAYS dma_addr=0 size=1", "no direction" },
	{ "dma_map_page: dev dir=NONE phys_addr=0", "no DMA address" },
	{ "dma_map_page: dev dir=NONE dma_addr=0", "no size" },
	{ "dma_map_page: dev dir=NONE dma_addr=ffffffffffffffff size=2",
	  "the range is beyond 64 bits" },
	{ "dma_map_sg: dev dir=NONE dma_addrs={0x0} sizes={0x0}", "no count of entries" },
	{ "dma_map_sg: dev dir=NONE nents=1/1 dma_addrs={0x0}", "no count of parts" },
	{ "dma_map_sg: dev dir=NONE nents=1/1 ents=1/1 dma_addrs={0x0}", "no sizes" },
	{ "cache_tag_flush_all: dmar0", "no type of cache" },
	{ "cache_tag_flush_all: dmar0 type iotlb", "no domain" },
	{ "cache_tag_flush_all: dmar0 type iotlb did 4294967296", "no domain" },
	{ "cache_tag_flush_range: d type iotlb did 1", "no range" },
	{ "cache_tag_flush_range: d type iotlb did 1 [0x2-0x1]",
	  "the range ends before it begins" },
	{ "cache_tag_flush_range: d type iotlb did 1 [0x1-0x1]", "no address" },
	{ "cache_tag_flush_range: d type iotlb did 1 [0x1-0x1] addr 0x0", "no mask" },
	{ "cache_tag_flush_range: d type iotlb did 1 [0x1-0x1] addr 0x0 mask 0x35", "no mask" },
	{ "qi_submit: iotlb_inv dmar0", "no unit" },
	{ "qi_submit: iotlb_inv dmar0: 0x1 0x2 0x3", "no descriptor" },
};

static void what_breaks_its_own_form_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(refused); i++)
		refuse(refused[i][0], refused[i][1]);
}

/* Every beginning of good lines is an event, is refused, or is nothing; never read beyond. */
static void lines_may_end_anywhere(void **state)
{
	static const char line[] = "  a-1 [000] d.h1. 1.5: map: IOMMU: " MAP_8K;

	(void)state;
	for (size_t len = 0; len < sizeof(line); len++) {
		char *copy = malloc(len ? len : 1);
		int err;

		assert_non_null(copy);
		memcpy(copy, line, len);
		phyrsim_trace_begin(&trace, copy, len);
		err = phyrsim_trace_next(&trace, &event, NULL);
		assert_true(err == PHYR_E_FORMAT || err == PHYR_E_NOENT || len >= sizeof(line) - 1);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_is_a_run_and_its_place),
		cmocka_unit_test(a_mapping_whose_end_is_elsewhere_is_refused),
		cmocka_unit_test(old_and_new_lines_mix),
		cmocka_unit_test(an_unmapping_says_what_was_found),
		cmocka_unit_test(the_top_of_64_bits_ends_at_zero),
		cmocka_unit_test(lines_of_every_carrier_are_read),
		cmocka_unit_test(a_fault_names_the_device_and_the_access),
		cmocka_unit_test(a_device_may_stand_before_the_address),
		cmocka_unit_test(dma_calls_have_device_direction_and_place),
		cmocka_unit_test(of_a_scatterlist_the_first_part_and_the_counts_are_read),
		cmocka_unit_test(flushes_have_a_range_and_a_window),
		cmocka_unit_test(descriptors_are_taken_apart),
		cmocka_unit_test(a_mark_is_its_words),
		cmocka_unit_test(a_probe_tells_that_the_timer_runs),
		cmocka_unit_test(what_is_no_event_is_counted),
		cmocka_unit_test(reading_goes_on_behind_a_refused_line),
		cmocka_unit_test(an_empty_text_has_no_events),
		cmocka_unit_test(what_breaks_its_own_form_is_refused_with_the_reason),
		cmocka_unit_test(lines_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
