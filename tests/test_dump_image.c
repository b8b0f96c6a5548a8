/* SPDX-License-Identifier: MIT */
/*
 * Images of tables: their bytes are those of docs/table-dump.md, loading puts them back, and whatever
 * is wrong with them is refused with its place and reason, leaving nothing behind.
 */
#include "dump_world.h"

#define HEAD_LEN 56
#define FRAME_LEN 4104

static struct sunk image;
static struct phyrsim_root root;

/* A table of four frames: the last two hold leaves of 4K and 2M. */
static int setup(void **state)
{
	static const struct config vtd = { VTD, 4, 0, 0, COHERENT };

	(void)state;
	open_config(&vtd);
	assert_int_equal(map(0x1000, 0x12345000, 0x1000), PHYR_OK);
	assert_int_equal(map(0x200000, 0x40200000, 0x200000), PHYR_OK);
	root = root_now();
	image = image_of(w.mem, &root);
	image.sink.ctx = &image;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sunk_drop(&image);
	close_config();
	return 0;
}

static uint64_t number_at(size_t at, unsigned int len)
{
	uint64_t number = 0;

	while (len-- > 0)
		number = number << 8 | (unsigned char)image.bytes[at + len];
	return number;
}

static void put_number(size_t at, uint64_t number, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		image.bytes[at + i] = (char)(unsigned char)(number >> 8 * i);
}

/* Loads bytes that lie at an odd address, and ends where they end. */
static int load(size_t len, struct phyrsim_mem **ret_mem, struct phyrsim_root *ret_root,
		struct phyrsim_dump_error *ret_error)
{
	char *copy = malloc(len + 1);
	int err;

	assert_non_null(copy);
	memcpy(copy + 1, image.bytes, len);
	err = phyrsim_dump_load(&w.host.mem, copy + 1, len, ret_mem, ret_root, ret_error);
	free(copy);
	return err;
}

static void refuse_len(size_t len, int expected, uint64_t offset, const char *reason)
{
	struct phyrsim_dump_error error = { 0, NULL };
	struct phyrsim_root read, untouched;
	struct phyrsim_mem *mem = NULL;
	size_t live_cnt = w.host.live_cnt;

	memset(&untouched, 0x5a, sizeof(untouched));
	read = untouched;
	assert_int_equal(load(len, &mem, &read, &error), expected);
	assert_null(mem);
	assert_memory_equal(&read, &untouched, sizeof(read));
	assert_int_equal(error.offset, offset);
	assert_string_equal(error.reason, reason);
	assert_int_equal(w.host.live_cnt, live_cnt);
	assert_int_equal(load(len, &mem, &read, NULL), expected);
}

static void refuse(int expected, uint64_t offset, const char *reason)
{
	refuse_len(image.len, expected, offset, reason);
}

/* With one number changed. */
static void refuse_number(size_t at, unsigned int len, uint64_t number, int expected,
			  const char *reason)
{
	uint64_t good = number_at(at, len);

	put_number(at, number, len);
	refuse(expected, at, reason);
	put_number(at, good, len);
}

static void the_head_is_as_specified(void **state)
{
	static const unsigned char magic[8] = { 0x89, 0x50, 0x48, 0x59, 0x54, 0x44, 0x0a, 0x1a };

	(void)state;
	assert_int_equal(image.len, HEAD_LEN + 4 * FRAME_LEN);
	assert_memory_equal(image.bytes, magic, 8);
	assert_int_equal(number_at(8, 4), 1);
	assert_int_equal(number_at(12, 4), PHYRSIM_FORMAT_VTD_SS);
	assert_int_equal(number_at(16, 4), 4);
	assert_int_equal(number_at(20, 4), 12);
	assert_int_equal(number_at(24, 4), 48);
	assert_int_equal(number_at(28, 4), 52);
	assert_int_equal(number_at(32, 4), PHYRSIM_FEATURE_COHERENT);
	assert_int_equal(number_at(36, 4), 0);
	assert_int_equal(number_at(40, 8), root.table.addr);
	assert_int_equal(number_at(48, 8), 4);
}

static void frames_are_upward_and_little_endian(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(number_at(HEAD_LEN + i * FRAME_LEN, 8),
				 PHYRSIM_MEM_BASE + i * KIB4);
	assert_int_equal(number_at(HEAD_LEN + 8, 8), PHYRSIM_MEM_BASE + 0x1003);
	assert_int_equal(number_at(HEAD_LEN + 2 * FRAME_LEN + 16, 8), 0x40200883);
	assert_int_equal(number_at(HEAD_LEN + 3 * FRAME_LEN + 16, 8), 0x12345803);
}

static void loading_puts_everything_back(void **state)
{
	struct sunk here = sunk_text(w.mem, &root, PHYRSIM_DUMP_TABLES), there;
	struct phyrsim_root read;
	struct phyrsim_mem *mem;
	phyr_pa pa;

	(void)state;
	assert_int_equal(load(image.len, &mem, &read, NULL), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(mem), 4);
	assert_int_equal(phyrsim_mem_alloc(mem, &pa), PHYR_E_NOMEM);
	/* The text begins with all of the root. */
	there = sunk_text(mem, &read, PHYRSIM_DUMP_TABLES);
	assert_string_equal(here.bytes, there.bytes);
	phyrsim_mem_destroy(mem);
	sunk_drop(&here);
	sunk_drop(&there);
}

/* Tables of other programs lie anywhere, and walks mark them. */
static void frames_may_lie_anywhere(void **state)
{
	struct phyrsim_access access = { { 0x1abc }, RW, PHYRSIM_WALK_UPDATE };
	struct phyrsim_root read;
	struct phyrsim_walk walk;
	struct phyrsim_mem *mem;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		put_number(HEAD_LEN + i * FRAME_LEN, i == 3 ? 0xffffffffff000 : i * KIB4, 8);
	put_number(40, 0, 8);
	put_number(HEAD_LEN + 8, 0x1003, 8);
	put_number(HEAD_LEN + FRAME_LEN + 8, 0x2003, 8);
	put_number(HEAD_LEN + 2 * FRAME_LEN + 8, UINT64_C(0xffffffffff003), 8);
	assert_int_equal(load(image.len, &mem, &read, NULL), PHYR_OK);
	assert_int_equal(phyrsim_walk(mem, &read, &access, &walk), PHYR_OK);
	assert_int_equal(walk.pa.addr, 0x12345abc);
	assert_int_equal(walk.update_cnt, 4);
	phyrsim_mem_destroy(mem);
}

/* Frames that no walk reaches are memory like any other. */
static void frames_that_are_not_reached_are_allowed(void **state)
{
	struct phyrsim_root read;
	struct phyrsim_mem *mem;

	(void)state;
	put_number(HEAD_LEN + 2 * FRAME_LEN + 8, 0, 8);
	assert_int_equal(load(image.len, &mem, &read, NULL), PHYR_OK);
	assert_int_equal(phyrsim_mem_frame_cnt(mem), 4);
	phyrsim_mem_destroy(mem);
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < 8; len++)
		refuse_len(len, PHYR_E_FORMAT, len, "this is not an image of a page table");
	for (size_t len = 8; len < HEAD_LEN; len++)
		refuse_len(len, PHYR_E_FORMAT, len, "the head is cut short");
	for (size_t len = HEAD_LEN; len < image.len; len += 509)
		refuse_len(len, PHYR_E_FORMAT, len, "the frames are cut short");
	refuse_len(image.len - 1, PHYR_E_FORMAT, image.len - 1, "the frames are cut short");
}

static void bytes_behind_are_refused(void **state)
{
	(void)state;
	assert_int_equal(sunk_write(&image, "x", 1), PHYR_OK);
	refuse(PHYR_E_FORMAT, image.len - 1, "there are bytes behind the last frame");
	image.len--;
	put_number(48, 3, 8);
	refuse(PHYR_E_FORMAT, HEAD_LEN + 3 * FRAME_LEN, "there are bytes behind the last frame");
}

static void wrong_heads_are_refused(void **state)
{
	const char *const unknown = "the root is not one that hardware could be told of";

	(void)state;
	refuse_number(5, 1, 'x', PHYR_E_FORMAT, "this is not an image of a page table");
	refuse_number(8, 4, 0, PHYR_E_FORMAT, "the version is not one that is known");
	refuse_number(8, 4, 2, PHYR_E_VERSION, "the version is not one that is known");
	refuse_number(12, 4, 7, PHYR_E_FORMAT, "the format is not one that is known");
	refuse_number(12, 4, PHYRSIM_FORMAT_X86_FS, PHYR_E_FORMAT, unknown);
	refuse_number(36, 4, 1, PHYR_E_FORMAT, "bytes that must be zero are not");
	refuse_number(48, 8, 0, PHYR_E_FORMAT, "there are no frames");
	put_number(16, 3, 4);
	refuse(PHYR_E_FORMAT, 12, unknown);
	put_number(16, 4, 4);
	put_number(40, root.table.addr + 8, 8);
	refuse(PHYR_E_FORMAT, 12, unknown);
	put_number(40, root.table.addr, 8);
	put_number(48, UINT64_MAX, 8);
	refuse(PHYR_E_FORMAT, image.len, "the frames are cut short");
}

static void wrong_frames_are_refused(void **state)
{
	const size_t third = HEAD_LEN + 2 * FRAME_LEN;

	(void)state;
	refuse_number(third, 8, PHYRSIM_MEM_BASE + 0x2800, PHYR_E_FORMAT,
		      "a frame is not aligned to 4 KiB");
	refuse_number(third, 8, PHYRSIM_MEM_BASE + 0x1000, PHYR_E_FORMAT, "a frame is there twice");
	refuse_number(third, 8, PHYRSIM_MEM_BASE, PHYR_E_FORMAT,
		      "the frames are not in the order of addresses");
}

static void wrong_arguments_are_refused(void **state)
{
	struct phyrsim_dump_sink none = { NULL, NULL };
	struct phyrsim_root read, other = root;
	struct phyrsim_mem *mem = NULL;

	(void)state;
	other.level_cnt = 2;
	assert_int_equal(phyrsim_dump_load(NULL, image.bytes, image.len, &mem, &read, NULL),
			 PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_load(&w.host.mem, NULL, 0, &mem, &read, NULL), PHYR_E_INVAL);
	assert_int_equal(load(image.len, NULL, &read, NULL), PHYR_E_INVAL);
	assert_int_equal(load(image.len, &mem, NULL, NULL), PHYR_E_INVAL);
	assert_null(mem);
	sunk_drop(&image);
	assert_int_equal(phyrsim_dump_image(NULL, w.mem, &root, &image.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, NULL, &root, &image.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, NULL, &image.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &other, &image.sink), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &root, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &root, &none), PHYR_E_INVAL);
	other = root;
	other.table = phyr_pa_at(0);
	assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &other, &image.sink), PHYR_E_NOENT);
	assert_int_equal(image.write_cnt, 0);
}

static void a_sink_that_refuses_ends_the_image(void **state)
{
	(void)state;
	for (size_t at = 0; at < 5; at++) {
		sunk_drop(&image);
		image.refuse_at = at;
		assert_int_equal(phyrsim_dump_image(&w.host.mem, w.mem, &root, &image.sink),
				 REFUSED);
		assert_int_equal(image.write_cnt, at + 1);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_head_is_as_specified),
		CASE(frames_are_upward_and_little_endian),
		CASE(loading_puts_everything_back),
		CASE(frames_may_lie_anywhere),
		CASE(frames_that_are_not_reached_are_allowed),
		CASE(every_cut_is_refused),
		CASE(bytes_behind_are_refused),
		CASE(wrong_heads_are_refused),
		CASE(wrong_frames_are_refused),
		CASE(wrong_arguments_are_refused),
		CASE(a_sink_that_refuses_ends_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
