/* SPDX-License-Identifier: MIT */
/*
 * A mapping of scattered pages and a direct read of the page map that shares no code with the
 * library, for the tests of pinning. Linux alone.
 */
#ifndef PHYR_TEST_PIN_WORLD_H
#define PHYR_TEST_PIN_WORLD_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <phyr/pin.h>

#include "test.h"

/* Pages of the mapping: more than are looked up in one read, and no multiple of it. */
#define PAGE_CNT 2500
#define FRAME_MASK ((UINT64_C(1) << 55) - 1)
/* A user who owns nothing here. */
#define NOBODY 65534

/* A mapping whose pages are all there, and a list. */
struct pin_world {
	struct test_mem mem;
	struct phyr_list list;
	unsigned char *map;
	uint64_t va; /* of the mapping */
	uint64_t page_len;
	unsigned int pid; /* whose page map is read; 0: our own */
	uint64_t frames[PAGE_CNT];
	uint64_t frames_after[PAGE_CNT];
};

/* Out of order, so that frames make many runs. */
static inline void pin_world_touch(const struct pin_world *w)
{
	for (uint64_t i = 0; i < PAGE_CNT; i++)
		w->map[i * 7 % PAGE_CNT * w->page_len] = 1;
}

static inline int pin_world_start(void **state)
{
	struct pin_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	test_mem_init(&w->mem);
	phyr_list_init(&w->list, &w->mem.mem);
	w->page_len = (uint64_t)sysconf(_SC_PAGESIZE);
	w->map = mmap(NULL, PAGE_CNT * w->page_len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(w->map, MAP_FAILED);
	w->va = (uint64_t)(uintptr_t)w->map;
	(void)madvise(w->map, PAGE_CNT * w->page_len, MADV_NOHUGEPAGE);
	pin_world_touch(w);
	*state = w;
	return 0;
}

static inline int pin_world_stop(void **state)
{
	struct pin_world *w = *state;

	phyr_list_fini(&w->list);
	assert_int_equal(w->mem.live_cnt, 0);
	assert_int_equal(munmap(w->map, PAGE_CNT * w->page_len), 0);
	free(w);
	return 0;
}

static inline void pin_world_read(const struct pin_world *w, uint64_t *frames)
{
	char path[64] = "/proc/self/pagemap";
	int fd;

	if (w->pid)
		(void)snprintf(path, sizeof(path), "/proc/%u/pagemap", w->pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	for (uint64_t i = 0; i < PAGE_CNT; i++) {
		off_t at = (off_t)((w->va / w->page_len + i) * 8);

		assert_int_equal(pread(fd, &frames[i], 8, at), 8);
		frames[i] &= FRAME_MASK;
	}
	assert_int_equal(close(fd), 0);
}

static inline void pin_world_require_frames(struct pin_world *w)
{
	pin_world_read(w, w->frames);
	if (w->frames[0] != 0)
		return;
	print_message("skipped: frame numbers are hidden from this process\n");
	skip();
}

/* Every page of the range, looked up on its own, is where the page map said. */
static inline void pin_world_assert(const struct pin_world *w, uint64_t offset, uint64_t len)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	assert_true(phyr_list_validate(&w->list, NULL));
	assert_int_equal(phyr_list_len(&w->list), len);
	assert_int_equal(phyr_list_va(&w->list), w->va + offset);
	for (uint64_t at = offset; at < offset + len; at += w->page_len - at % w->page_len) {
		uint64_t pa = w->frames[at / w->page_len] * w->page_len + at % w->page_len;

		assert_int_equal(phyr_list_seek(&w->list, at - offset, &cursor), PHYR_OK);
		assert_true(phyr_list_next(&cursor, &run));
		assert_int_equal(run.range.pa.addr + (at - offset - run.offset), pa);
		assert_int_equal(run.tag.kind, PHYR_KIND_SYSTEM);
		assert_int_equal(run.tag.provider, 0);
	}
}

#endif
