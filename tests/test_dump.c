/* SPDX-License-Identifier: MIT */
/*
 * Tables as text and paths in words, for one small table of each format, compared byte for byte with
 * tests/dump/NAME.txt. The entries there are those that Linux and the reference models make of the
 * same requests; the sentences follow the specifications. Behind these, what a dump does when it is
 * called wrongly, refused by its sink, or led astray.
 */
#include <stdio.h>

#include "dump_world.h"

#define NOEXEC PHYRSIM_ATTR_NOEXEC
#define MMIO PHYRSIM_ATTR_MMIO
#define UNCACHED PHYRSIM_ATTR_UNCACHED
#define PRIVILEGED PHYRSIM_ATTR_PRIVILEGED
#define GIB UINT64_C(0x40000000)

struct request {
	uint64_t iova, pa, len;
	unsigned int perm, attrs;
};

/* One table, and accesses to it; a permission of 0 ends them. */
struct golden {
	const char *name;
	struct config config;
	struct request maps[10];
	struct phyrsim_access accesses[7];
};

static const struct golden goldens[] = {
	{ "vtd-ss",
	  { VTD, 4, 0, 0, 0 },
	  { { 0x1000, 0x12345000, 0x1000, RW, 0 },
	    { 0x2000, 0x12345000, 0x1000, RO, 0 },
	    { 0x3000, 0x12345000, 0x3000, WO, 0 },
	    { 0x200000, 0x40200000, 0x200000, RW, 0 },
	    { 0x80000000, 0x880000000, GIB, RW, 0 },
	    { 0xfffffffff000, 0xffffffffff000, 0x1000, RW, 0 } },
	  { { { 0x1abc }, RW, 0 },
	    { { 0x3abc }, RO, 0 },
	    { { 0x8abc }, WO, 0 },
	    { { 0x3fffff }, RO, 0 },
	    { { 0x80123456 }, RO, PHYRSIM_WALK_EXECUTE },
	    { { 0x1000000000000 }, RO, 0 } } },
	{ "amd-v1",
	  { AMD, 3, 0, 0, COHERENT },
	  { { 0x1000, 0x12345000, 0x1000, RW, 0 },
	    { 0x2000, 0x12345000, 0x1000, RO, 0 },
	    { 0x3000, 0x12345000, 0x1000, WO, 0 },
	    { 0x4000, 0x880000000, 0x2000, RW, 0 },
	    { 0x10000, 0x880000000, 0x10000, RW, 0 },
	    { 0x100000, 0x880000000, 0x100000, RW, 0 },
	    { 0x20000000, 0x880000000, 0x20000000, RW, 0 },
	    { 0x8000000000, 0x8000000000, GIB, RW, 0 },
	    { UINT64_C(0x1000000000000), UINT64_C(0x1000000000000), UINT64_C(0x1000000000000), RW,
	      0 } },
	  { { { 0x1abc }, RW, 0 },
	    { { 0x12345 }, RO, 0 },
	    { { 0x2abc }, WO, 0 },
	    { { 0x20000000 }, RO, 0 },
	    { { 0x8001 }, RO, 0 } } },
	{ "x86-fs",
	  { X86, 4, 0, 0, 0 },
	  { { 0x1000, 0x12345000, 0x1000, RW, 0 },
	    { 0x2000, 0x12345000, 0x1000, RO, 0 },
	    { 0x3000, 0x12345000, 0x1000, RW, NOEXEC | PRIVILEGED | UNCACHED },
	    { 0x200000, 0x40200000, 0x200000, RW, 0 },
	    { 0x80000000, 0x880000000, GIB, RO, 0 },
	    { UINT64_C(0xffffffffc0000000), 0x880000000, GIB, RW, 0 } },
	  { { { 0x1abc }, RW, 0 },
	    { { 0x2abc }, WO, 0 },
	    { { 0x3abc }, RO, 0 },
	    { { 0x3abc }, RO, PHYRSIM_WALK_PRIVILEGED },
	    { { UINT64_C(0xffffffffc0000000) }, RO, 0 },
	    { { UINT64_C(0x800000000000) }, RO, 0 } } },
	{ "arm-s1",
	  { ARM1, 0, 12, 48, CONT | PHYRSIM_FEATURE_DIRTY },
	  { { 0x1000, 0x12345000, 0x1000, RO, 0 },
	    { 0x2000, 0x12345000, 0x1000, RO, UNCACHED },
	    { 0x3000, 0x12345000, 0x1000, RW, MMIO | NOEXEC },
	    { 0x4000, 0x12345000, 0x1000, RW, PRIVILEGED },
	    { 0x10000, 0x40210000, 0x10000, RO, 0 },
	    { 0x200000, 0x40200000, 0x200000, RO, 0 },
	    { 0x80000000, 0x880000000, GIB, RO, 0 } },
	  { { { 0x1abc }, RO, 0 },
	    { { 0x3abc }, WO, 0 },
	    { { 0x4abc }, WO, 0 },
	    { { 0x1fabc }, RO, 0 },
	    { { 0x3fffff }, RO, 0 },
	    { { 0x40000000 }, RO, 0 } } },
	{ "arm-s1-64k",
	  { ARM1, 0, 16, 52, CONT | WIDE },
	  { { 0x10000, UINT64_C(0xf123456780000), 0x10000, RW, 0 },
	    { 0x20000000, 0x60000000, 0x20000000, RW, 0 },
	    { UINT64_C(0xc000000000000), UINT64_C(0xc000000000000), UINT64_C(0x40000000000), RW,
	      0 } },
	  { { { 0x12345 }, RW, 0 }, { { UINT64_C(0xc000000000001) }, RO, 0 } } },
	{ "arm-s2",
	  { ARM2, 0, 12, 40, 0 },
	  { { 0x1000, 0x12345000, 0x1000, RW, 0 },
	    { 0x2000, 0x12345000, 0x1000, RO, 0 },
	    { 0x3000, 0x12345000, 0x1000, WO, 0 },
	    { 0x4000, 0x12345000, 0x1000, RW, UNCACHED },
	    { 0x5000, 0x12345000, 0x1000, RW, MMIO | NOEXEC },
	    { 0x200000, 0x40200000, 0x200000, RW, 0 },
	    { UINT64_C(0x8080000000), 0x880000000, GIB, RW, 0 } },
	  { { { 0x1abc }, RW, 0 },
	    { { 0x3abc }, RO, 0 },
	    { { 0x5abc }, RO, PHYRSIM_WALK_EXECUTE },
	    { { UINT64_C(0x8080000000) }, RO, 0 } } },
	{ "riscv-s1",
	  { RV1, 4, 0, 0, CONT | PBMT },
	  { { 0x1000, 0x80201000, 0x1000, RW, NOEXEC },
	    { 0x2000, 0x80201000, 0x1000, RO, NOEXEC },
	    { 0x3000, 0x80201000, 0x1000, RW, 0 },
	    { 0x4000, 0x80201000, 0x1000, RO, MMIO },
	    { 0x10000, 0x80210000, 0x10000, RW, NOEXEC },
	    { 0x200000, 0x80200000, 0x200000, RW, NOEXEC },
	    { 0x80000000, 0x80000000, GIB, RW, NOEXEC },
	    { UINT64_C(0xffffff8000000000), UINT64_C(0x8000000000), UINT64_C(0x8000000000), RW,
	      NOEXEC },
	    { UINT64_C(0x7ffffffff000), UINT64_C(0xfffffffffff000), 0x1000, RW, NOEXEC } },
	  { { { 0x1abc }, RW, 0 },
	    { { 0x2abc }, WO, 0 },
	    { { 0x1fabc }, RO, 0 },
	    { { UINT64_C(0xffffff8000000000) }, WO, 0 },
	    { { 0x5000 }, RO, 0 } } },
	{ "riscv-s2",
	  { RV2, 3, 0, 0, 0 },
	  { { 0x1000, 0x80201000, 0x1000, RW, 0 },
	    { 0x200000, 0x80200000, 0x200000, RO, 0 },
	    { UINT64_C(0x1ffc0000000), 0x80000000, GIB, RW, 0 } },
	  { { { 0x1abc }, RW, 0 }, { { UINT64_C(0x1ffc0000000) }, RO, 0 } } },
};

static void open_golden(const struct golden *golden)
{
	open_config(&golden->config);
	for (const struct request *r = golden->maps; r->len; r++)
		assert_int_equal(map_attrs(r->iova, r->pa, r->len, r->perm, r->attrs), PHYR_OK);
}

/* All that a golden file holds: the text, then a paragraph for each access. */
static struct sunk looked_at(const struct golden *golden)
{
	struct phyrsim_root root = root_now();
	struct sunk sunk = sunk_text(w.mem, &root, PHYRSIM_DUMP_TABLES);

	sunk.sink.ctx = &sunk;
	for (size_t i = 0; i < CNT(golden->accesses) && golden->accesses[i].perm; i++) {
		assert_int_equal(sunk_write(&sunk, "\n", 1), PHYR_OK);
		assert_int_equal(
			phyrsim_dump_explain(w.mem, &root, &golden->accesses[i], &sunk.sink),
			PHYR_OK);
	}
	return sunk;
}

static char *read_file(const char *name)
{
	char path[512];
	char *bytes = calloc(1, 1 << 16);
	FILE *file;

	assert_non_null(bytes);
	assert_true(snprintf(path, sizeof(path), "%s/%s", PHYR_SOURCE_ROOT, name) <
		    (int)sizeof(path));
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_true(fread(bytes, 1, (1 << 16) - 1, file) > 0);
	assert_int_equal(fclose(file), 0);
	return bytes;
}

static void texts_are_as_they_are_written_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(goldens); i++) {
		struct sunk sunk;
		char *expected;
		char name[64];

		open_golden(&goldens[i]);
		sunk = looked_at(&goldens[i]);
		assert_true(snprintf(name, sizeof(name), "tests/dump/%s.txt", goldens[i].name) <
			    64);
		expected = read_file(name);
		if (strcmp(sunk.bytes, expected) != 0)
			printf("%s is now\n%s", goldens[i].name, sunk.bytes);
		assert_string_equal(sunk.bytes, expected);
		free(expected);
		sunk_drop(&sunk);
		close_config();
	}
}

static void the_example_of_the_document_is_one_of_them(void **state)
{
	char *document = read_file("docs/table-dump.md");
	struct phyrsim_root root;
	struct sunk sunk;

	(void)state;
	open_golden(&goldens[CNT(goldens) - 1]);
	root = root_now();
	sunk = sunk_text(w.mem, &root, PHYRSIM_DUMP_TABLES);
	assert_non_null(strstr(document, sunk.bytes));
	sunk_drop(&sunk);
	free(document);
	close_config();
}

static void the_same_table_elsewhere_is_the_same_text(void **state)
{
	struct phyrsim_root root;
	struct sunk once, again;

	(void)state;
	open_golden(&goldens[0]);
	root = root_now();
	once = sunk_text(w.mem, &root, PHYRSIM_DUMP_TABLES);
	close_config();
	open_golden(&goldens[0]);
	again = sunk_text(w.mem, &root, PHYRSIM_DUMP_TABLES);
	assert_string_equal(once.bytes, again.bytes);
	sunk_drop(&once);
	sunk_drop(&again);
	close_config();
}

static void wrong_arguments_write_nothing(void **state)
{
	struct phyrsim_access access = { { 0 }, RO, 0 },
			      update = { { 0 }, RO, PHYRSIM_WALK_UPDATE };
	struct phyrsim_root root, other;
	struct phyrsim_dump_walk path;
	struct sunk sunk;
	struct phyrsim_dump_sink none = { NULL, NULL };

	(void)state;
	open_golden(&goldens[0]);
	sunk_init(&sunk);
	root = root_now();
	other = root;
	other.level_cnt = 7;
	assert_int_equal(phyrsim_dump_text(NULL, &root, 0, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_text(w.mem, NULL, 0, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_text(w.mem, &other, 0, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_text(w.mem, &root, 2, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_text(w.mem, &root, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_text(w.mem, &root, 0, &none), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_path(w.mem, &root, NULL, &path), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_path(w.mem, &root, &access, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_path(w.mem, &root, &update, &path), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_path(w.mem, &other, &access, &path), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_explain(NULL, &root, &access, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &update, &sunk.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &access, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &access, &none), PHYR_E_INVAL);
	assert_int_equal(sunk.write_cnt, 0);
	close_config();
}

/* Whichever line is refused, the answer is the sink's, and nothing follows. */
static void a_sink_that_refuses_ends_the_text(void **state)
{
	struct phyrsim_access access = { { 0x1abc }, RW, 0 };
	struct phyrsim_root root;
	struct sunk sunk;
	int err = REFUSED;

	(void)state;
	open_golden(&goldens[0]);
	root = root_now();
	sunk_init(&sunk);
	for (size_t at = 0; err == REFUSED; at++) {
		sunk_drop(&sunk);
		sunk.refuse_at = at;
		err = phyrsim_dump_text(w.mem, &root, PHYRSIM_DUMP_TABLES, &sunk.sink);
		assert_int_equal(sunk.write_cnt, err ? at + 1 : at);
	}
	assert_int_equal(err, PHYR_OK);
	for (err = REFUSED, sunk.refuse_at = 0; err == REFUSED;) {
		size_t at = sunk.refuse_at + 1;

		sunk_drop(&sunk);
		sunk.refuse_at = at;
		err = phyrsim_dump_explain(w.mem, &root, &access, &sunk.sink);
		assert_int_equal(sunk.write_cnt, err ? at + 1 : at);
	}
	assert_int_equal(err, PHYR_OK);
	sunk_drop(&sunk);
	close_config();
}

static uint64_t *item_at(uint64_t pa)
{
	return phyrsim_mem_frame(w.mem, phyr_pa_at(pa)) + pa % KIB4 / 8;
}

/* The first of the tables, and the path of an access to it. */
static struct phyrsim_dump_walk open_path(const struct phyrsim_access *access)
{
	struct phyrsim_root root;
	struct phyrsim_dump_walk path;

	open_golden(&goldens[0]);
	root = root_now();
	assert_int_equal(phyrsim_dump_path(w.mem, &root, access, &path), PHYR_OK);
	return path;
}

static void spoiled_entries_have_lines_of_their_own(void **state)
{
	struct phyrsim_access access = { { 0x1abc }, RW, 0 };
	struct phyrsim_dump_walk path = open_path(&access);
	struct phyrsim_root root = root_now();
	struct sunk sunk;

	(void)state;
	*item_at(path.steps[3].entry_pa.addr) |= UINT64_C(1) << 62;
	*item_at(path.steps[2].entry_pa.addr + 8) |= 0x1000;
	*item_at(path.steps[1].entry_pa.addr + 8 * 5) = UINT64_C(0x700000000003);
	sunk = sunk_text(w.mem, &root, 0);
	assert_non_null(
		strstr(sunk.bytes, "0x0000000000001000 fault reserved 0 0x4000000012345003\n"));
	assert_non_null(
		strstr(sunk.bytes, "0x0000000000200000 fault align 1 0x0000000040201083\n"));
	assert_non_null(
		strstr(sunk.bytes, "0x0000000140000000 fault memory 1 0x0000700000000003\n"));
	assert_non_null(strstr(sunk.bytes, "end 16 6 3\n"));
	sunk_drop(&sunk);
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &access, &sunk.sink), PHYR_OK);
	assert_non_null(strstr(sunk.bytes, "  reserved bits set: 0x4000000000000000\n"));
	access.iova.addr = 0x140000000;
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &access, &sunk.sink), PHYR_OK);
	assert_non_null(strstr(sunk.bytes,
			       "level 1: item 0 at 0x0000700000000000, where there is no memory\n"
			       "fault memory at level 1: "));
	sunk_drop(&sunk);
	close_config();
}

/* Clean leaves may be written where hardware is told to mark them, read-only ones not. */
static void clean_leaves_are_writable_where_dirty_is_managed(void **state)
{
	static const struct config config = { ARM2, 0, 12, 40, PHYRSIM_FEATURE_DIRTY };
	struct phyrsim_leaf leaf;
	struct phyrsim_root root;
	struct sunk sunk;
	phyr_pa pa;

	(void)state;
	open_config(&config);
	for (unsigned int perm = RO; perm <= RW; perm++) {
		phyr_iova iova = phyr_iova_at(perm * 0x1000);

		assert_int_equal(map_attrs(iova.addr, 0x80000000, 0x1000, perm, 0), PHYR_OK);
		assert_int_equal(phyrsim_pagetable_translate(w.table, iova, &pa, &leaf), PHYR_OK);
		clean(&leaf);
	}
	root = root_now();
	sunk = sunk_text(w.mem, &root, 0);
	assert_non_null(strstr(sunk.bytes, "section leaves\n"
					   "0x0000000000001000 0x0000000080000000 0x1000 4K 1 r- "
					   "0x000000008000077f\n"
					   "0x0000000000002000 0x0000000080000000 0x1000 4K 1 -w "
					   "0x000800008000073f\n"
					   "0x0000000000003000 0x0000000080000000 0x1000 4K 1 rw "
					   "0x000800008000077f\n"
					   "end 12 3 0\n"));
	sunk_drop(&sunk);
	/* Hardware that is not told so goes by the permission alone. */
	root.features = 0;
	sunk = sunk_text(w.mem, &root, 0);
	assert_non_null(strstr(sunk.bytes, "fault read 0 0x000800008000073f\n"));
	assert_non_null(strstr(sunk.bytes, " r- 0x000800008000077f\n"));
	sunk_drop(&sunk);
	close_config();
}

/* Every item of every table points to the next table, so 2^36 pages are all one page. */
static void what_is_no_tree_is_given_up(void **state)
{
	struct phyrsim_access access = { { 0x1abc }, RW, 0 };
	struct phyrsim_dump_walk path = open_path(&access);
	struct phyrsim_root root = root_now();
	struct sunk sunk;

	(void)state;
	for (unsigned int step = 0; step < 4; step++) {
		for (unsigned int i = 0; i < 512; i++)
			*item_at(path.steps[step].table.addr + 8 * i) =
				path.steps[(step + 1) % 4].table.addr | 3;
	}
	sunk_init(&sunk);
	assert_int_equal(phyrsim_dump_text(w.mem, &root, 0, &sunk.sink), PHYR_E_LIMIT);
	sunk_drop(&sunk);
	assert_int_equal(phyrsim_dump_text(w.mem, &root, PHYRSIM_DUMP_TABLES, &sunk.sink),
			 PHYR_E_LIMIT);
	sunk_drop(&sunk);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &root, &sunk.sink), PHYR_E_LIMIT);
	assert_int_equal(sunk.write_cnt, 0);
	assert_int_equal(phyrsim_dump_explain(w.mem, &root, &access, &sunk.sink), PHYR_OK);
	sunk_drop(&sunk);
	close_config();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_as_they_are_written_down),
		cmocka_unit_test(the_example_of_the_document_is_one_of_them),
		cmocka_unit_test(the_same_table_elsewhere_is_the_same_text),
		cmocka_unit_test(wrong_arguments_write_nothing),
		cmocka_unit_test(a_sink_that_refuses_ends_the_text),
		cmocka_unit_test(spoiled_entries_have_lines_of_their_own),
		cmocka_unit_test(clean_leaves_are_writable_where_dirty_is_managed),
		cmocka_unit_test(what_is_no_tree_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
