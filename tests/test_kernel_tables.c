/* SPDX-License-Identifier: MIT */
/*
 * Page tables next to a real kernel's: the recorded mappings and unmappings of its VT-d domain are
 * replayed, and at every marked point the leaves are those that were read from that kernel's
 * memory, entry for entry: I/O address, physical address, size, count, bits, first raw entry.
 *
 * The events say no permission; the mark behind each VFIO_MAP call does. It is the same line that
 * the program which made the calls reported. What no such mark follows is mapped for both.
 *
 * Our leaves are those of phyrsim_dump_text(), which walks the tables as hardware does.
 *
 * Tables are not the same: the kernel keeps empty ones. How many it has at each point is followed
 * in test_kernel_flushes.c; how many are here is compared with what the leaves need.
 *
 * Counts of whole traces: 1175 mappings, 1176 unmappings, 115 marks; all else as in the cuts.
 */
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#include "dump_sink.h"
#include "kernel_trace.h"

#define PENDING_MAX 1024
#define LINES_MAX 1024
#define VFIO_READ 1
#define VFIO_WRITE 2
#define ENTRY_LOW UINT64_C(0xfff)

/* One line of a dump: neighbouring leaves of one size with the same bits. */
struct line {
	uint64_t iova, pa, len;
	unsigned int lg2; /* [log2 bytes] of a leaf */
	uint64_t cnt;	  /* leaves */
	uint64_t low;	  /* the low 12 bits of each */
	uint64_t raw;	  /* the first entry */
};

struct dump {
	struct line lines[LINES_MAX];
	size_t cnt;
};

/* Where a dump was taken: at the first mark that begins with `at` behind one with `behind`. */
static const struct point {
	const char *name;
	const char *behind;
	const char *at;
	uint64_t line_cnt;
	uint64_t leaf_cnt;
	uint64_t kernel_table_cnt; /* as the dump says */
	uint64_t table_cnt;	   /* here, where no empty table stays */
} points[] = {
	{ "c01", "CASE c01_", "VFIO_MAP", 22, 16384, 35, 34 },
	{ "c02", "CASE c02_", "VFIO_MAP", 17, 32, 3, 2 },
	{ "c03", "CASE c03_", "VFIO_MAP", 17, 16384, 36, 35 },
	{ "c04", "CASE c04_", "VFIO_MAP", 17, 542, 5, 3 },
	{ "c07", "CASE c07_", "VFIO_MAP", 17, 32, 4, 2 },
	{ "c08", "CASE c08_", "VFIO_MAP", 0, 0, 4, 1 },
	{ "c10", "CASE c10_", "c10: mapped", 512, 512, 37, 3 },
	{ "c12", "CASE c12_", "VFIO_MAP", 8, 16, 38, 2 },
	{ "c13a", "CASE c13_", "VFIO_MAP", 1, 1, 38, 1 },
	{ "c13b", "CASE c13b_", "VFIO_MAP", 1, 512, 40, 3 },
	{ "c14h", "c14h ", "VFIO_MAP iova=0x30000000 size=0x200000 va_off_2m=0x0 flags=2", 1, 1, 42,
	  2 },
	{ "c16", "CASE c16_", "VFIO_MAP iova=0xc00000", 2, 2, 44, 3 },
};

static struct {
	struct test_mem host;
	struct phyrsim_mem *mem;
	struct phyrsim_pagetable *table;
	struct kernel_text text;
	struct phyrsim_trace trace;
	struct phyrsim_trace_event pending[PENDING_MAX]; /* mappings whose permission comes later */
	size_t pending_cnt;
	bool behind;  /* the mark in front of the next point has come */
	size_t point; /* the next one */
	struct dump here, there;
	uint64_t map_cnt, unmap_cnt, line_cnt, leaf_cnt, wrong_cnt;
} w;

/* What may be written may be read: a quirk of that kernel. */
static int open_world(bool write_reads)
{
	struct phyrsim_pagetable_params params = { .level_cnt = 3 };

	memset(&w, 0, sizeof(w));
	test_mem_init(&w.host);
	assert_int_equal(phyrsim_mem_create(&w.host.mem, &w.mem), PHYR_OK);
	params.mem = &w.host.mem;
	params.frames = w.mem;
	params.features = write_reads ? PHYRSIM_FEATURE_WRITE_READS : 0;
	assert_int_equal(phyrsim_pagetable_create(&params, &w.table), PHYR_OK);
	w.text = kernel_read(KERNEL_TRACE);
	phyrsim_trace_begin(&w.trace, w.text.at, w.text.len);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return open_world(true);
}

static int setup_without_quirk(void **state)
{
	(void)state;
	return open_world(false);
}

static int teardown(void **state)
{
	(void)state;
	kernel_drop(&w.text);
	phyrsim_pagetable_destroy(w.table);
	phyrsim_mem_destroy(w.mem);
	assert_int_equal(w.host.live_cnt, 0);
	return 0;
}

static enum phyr_perm perm_of(uint64_t flags)
{
	unsigned int perm = 0;

	if (flags & VFIO_READ)
		perm |= PHYR_PERM_READ;
	if (flags & VFIO_WRITE)
		perm |= PHYR_PERM_WRITE;
	return (enum phyr_perm)perm;
}

/* Maps what was held back, now that the permission is known. */
static void map_pending(uint64_t flags)
{
	for (size_t i = 0; i < w.pending_cnt; i++) {
		const struct phyrsim_trace_event *event = &w.pending[i];
		struct phyr_range run = { event->pa, event->range.len };

		assert_int_equal(phyrsim_pagetable_map(w.table, event->range.iova, &run, 1,
						       perm_of(flags), 0),
				 PHYR_OK);
	}
	w.pending_cnt = 0;
}

/* Every unmapping finds all of what it names, and is flushed at once. */
static void unmap(const struct phyrsim_trace_event *event)
{
	struct phyr_gather gather;

	phyr_gather_init(&gather);
	assert_int_equal(event->done_len, event->range.len);
	assert_int_equal(phyrsim_pagetable_unmap(w.table, event->range, &gather), PHYR_OK);
	phyrsim_pagetable_release(w.table, &gather);
}

/* The flags of "VFIO_MAP iova=… flags=3 -> 0 errno=0"; of other marks, both. */
static uint64_t flags_of(const struct phyrsim_trace_event *event)
{
	uint64_t flags;
	char words[256];

	if (!kernel_marks(event, "VFIO_MAP") || event->args.len >= sizeof(words))
		return VFIO_READ | VFIO_WRITE;
	memcpy(words, event->args.at, event->args.len);
	words[event->args.len] = 0;
	assert_int_equal(sscanf(words, "%*s %*s %*s %*s flags=%" SCNx64, &flags), 1);
	return flags;
}

static unsigned int lg2_of(const char *size)
{
	return strcmp(size, "1G") == 0 ? 30 : strcmp(size, "2M") == 0 ? 21 : 12;
}

/* Lines of leaves, which the recording program and phyrsim_dump_text() write alike. */
static void read_lines(struct dump *dump, const char *at, bool kernel)
{
	char size[8], bits[32];

	memset(dump, 0, sizeof(*dump));
	for (; *at == '0'; at = strchr(at, '\n') + 1) {
		struct line *line = &dump->lines[dump->cnt++];

		assert_true(dump->cnt <= LINES_MAX);
		assert_int_equal(sscanf(at,
					"%" SCNx64 " %" SCNx64 " %" SCNx64 " %7s %" SCNu64
					" %31s %" SCNx64,
					&line->iova, &line->pa, &line->len, size, &line->cnt, bits,
					&line->raw),
				 7);
		line->lg2 = lg2_of(size);
		/* The kernel's line has the bits of all leaves, ours what they say. */
		line->low = kernel ? strtoull(bits, NULL, 16) : line->raw & ENTRY_LOW;
	}
}

/* What the kernel had: the lines of the device's part. Returns how many tables it had. */
static uint64_t read_dump(struct dump *dump, const char *name)
{
	char path[64];
	struct kernel_text text;
	uint64_t table_cnt;
	const char *at;

	assert_true(snprintf(path, sizeof(path), "vfio_aw39__pt_%s", name) < (int)sizeof(path));
	text = kernel_read(path);
	at = strstr(text.at, "# dev 00:03.0: ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "%*[^=]=%" SCNu64, &table_cnt), 1);
	/* A line of column names follows. */
	read_lines(dump, strchr(strchr(at, '\n') + 1, '\n') + 1, true);
	kernel_drop(&text);
	return table_cnt;
}

/* The tables as they lie in memory now. */
static void read_here(struct dump *dump)
{
	struct phyrsim_root root;
	struct sunk text;

	phyrsim_pagetable_root(w.table, &root);
	text = sunk_text(w.mem, &root, 0);
	read_lines(dump, strchr(strstr(text.bytes, "section leaves"), '\n') + 1, false);
	sunk_drop(&text);
}

static bool same_line(const struct line *a, const struct line *b)
{
	return a->iova == b->iova && a->pa == b->pa && a->len == b->len && a->lg2 == b->lg2 &&
	       a->cnt == b->cnt && a->low == b->low && a->raw == b->raw;
}

/* Compares at a point; what differs is counted, and its first line is left in w.here, w.there. */
static void compare(const struct point *point)
{
	struct phyrsim_pagetable_stats stats;
	uint64_t leaf_cnt = 0;

	assert_int_equal(read_dump(&w.there, point->name), point->kernel_table_cnt);
	read_here(&w.here);
	assert_int_equal(w.here.cnt, w.there.cnt);
	for (size_t i = 0; i < w.there.cnt; i++) {
		w.wrong_cnt += !same_line(&w.here.lines[i], &w.there.lines[i]);
		leaf_cnt += w.there.lines[i].cnt;
	}
	phyrsim_pagetable_stats(w.table, &stats);
	assert_int_equal(stats.table_cnt, point->table_cnt);
	assert_int_equal(w.there.cnt, point->line_cnt);
	assert_int_equal(leaf_cnt, point->leaf_cnt);
	w.line_cnt += w.there.cnt;
	w.leaf_cnt += leaf_cnt;
}

/* Compares when this mark is the next point's; true when it is. */
static bool at_point(const struct phyrsim_trace_event *event)
{
	const struct point *point = &points[w.point];

	if (w.point == CNT(points))
		return false;
	if (kernel_marks(event, point->behind)) {
		w.behind = true;
		return false;
	}
	if (!w.behind || !kernel_marks(event, point->at))
		return false;
	compare(point);
	w.behind = false;
	w.point++;
	return true;
}

static void replay(const struct phyrsim_trace_event *event)
{
	if (event->kind == PHYRSIM_TRACE_MAP) {
		assert_true(w.pending_cnt < PENDING_MAX);
		w.pending[w.pending_cnt++] = *event;
		w.map_cnt++;
		return;
	}
	if (event->kind != PHYRSIM_TRACE_UNMAP && event->kind != PHYRSIM_TRACE_MARK)
		return;
	map_pending(flags_of(event));
	if (event->kind == PHYRSIM_TRACE_UNMAP) {
		unmap(event);
		w.unmap_cnt++;
	}
}

/* Goes on to behind a point of this name, or to the end. */
static void replay_to(const char *name)
{
	struct phyrsim_trace_event event;

	while (kernel_next(&w.trace, &event)) {
		replay(&event);
		if (at_point(&event) && name && strcmp(points[w.point - 1].name, name) == 0)
			return;
	}
}

static void at_every_point_all_leaves_are_the_kernels(void **state)
{
	(void)state;
	replay_to(NULL);
	assert_int_equal(w.point, 12);
	assert_int_equal(w.wrong_cnt, 0);
	assert_int_equal(w.line_cnt, 615);
	assert_int_equal(w.leaf_cnt, 34418);
	kernel_count("mappings", w.map_cnt, 791);
	kernel_count("unmappings", w.unmap_cnt, 792);
}

static void at_the_end_nothing_is_mapped(void **state)
{
	struct phyrsim_pagetable_stats stats;
	struct phyr_block_counts none = { .cnt = { 0 } };

	(void)state;
	replay_to(NULL);
	phyrsim_pagetable_stats(w.table, &stats);
	assert_memory_equal(&stats.leaves, &none, sizeof(none));
	assert_int_equal(stats.table_cnt, 1);
}

/* The one dump with a mapping for writing alone (c14h) shows it readable, and is the only one. */
static void without_the_quirk_one_leaf_is_not_the_kernels(void **state)
{
	(void)state;
	replay_to("c13b");
	assert_int_equal(w.wrong_cnt, 0);
	replay_to("c14h");
	assert_int_equal(w.wrong_cnt, 1);
	assert_int_equal(w.here.lines[0].raw, 0x15d400082);
	assert_int_equal(w.there.lines[0].raw, 0x15d400083);
	replay_to(NULL);
	assert_int_equal(w.wrong_cnt, 1);
}

/* A comparison that cannot fail proves nothing: one run at another place is seen. */
static void one_mapping_put_elsewhere_is_seen(void **state)
{
	struct phyrsim_trace_event event;

	(void)state;
	while (kernel_next(&w.trace, &event) && !kernel_marks(&event, "CASE c12_"))
		replay(&event);
	w.point = 7;
	w.behind = true;
	assert_true(kernel_next(&w.trace, &event));
	replay(&event);
	w.pending[0].pa.addr += PHYR_PAGE_SIZE << 9;
	replay_to("c12");
	assert_int_equal(w.wrong_cnt, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(at_every_point_all_leaves_are_the_kernels),
		CASE(at_the_end_nothing_is_mapped),
		cmocka_unit_test_setup_teardown(without_the_quirk_one_leaf_is_not_the_kernels,
						setup_without_quirk, teardown),
		CASE(one_mapping_put_elsewhere_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
