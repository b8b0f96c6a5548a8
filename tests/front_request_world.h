/* SPDX-License-Identifier: MIT */
/* A queue and one request, for tests: segments added, mapped, compared and unmapped in a line each. */
#ifndef PHYR_TEST_FRONT_REQUEST_WORLD_H
#define PHYR_TEST_FRONT_REQUEST_WORLD_H

#include <phyr/front_request.h>

#include "front_world.h"

#define SEGMENTS 64

struct fixture {
	struct world w;
	struct phyr_front_queue queue;
	struct phyr_front_segment segments[SEGMENTS];
	struct phyr_front_input input;
	struct phyr_front_request request;
};

static const struct phyr_segment_limits no_limits;

static inline int before_case(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.input.segments = f.segments;
	*state = &f;
	return 0;
}

static inline int after_case(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->queue.stats.request_cnt, f->queue.stats.unmap_cnt);
	assert_int_equal(f->queue.stats.kept_len, 0);
	world_close(&f->w);
	return 0;
}

static inline void start(struct fixture *f, const struct phyr_segment_limits *limits)
{
	assert_int_equal(phyr_front_queue_init(&f->queue, f->w.dma, limits), PHYR_OK);
}

static inline struct fixture *open_queue(void **state, bool iommu)
{
	struct fixture *f = *state;

	world_open(&f->w, iommu);
	start(f, &no_limits);
	return f;
}

static inline void add_kind(struct fixture *f, uint64_t pa, uint64_t len, enum phyr_kind kind)
{
	assert_true(f->input.cnt < SEGMENTS);
	f->segments[f->input.cnt++] = (struct phyr_front_segment){ { { pa }, len }, { kind, 0 } };
}

static inline void add(struct fixture *f, uint64_t pa, uint64_t len)
{
	add_kind(f, pa, len, PHYR_KIND_SYSTEM);
}

static inline void map(struct fixture *f)
{
	assert_int_equal(
		phyr_front_request_map(&f->queue, &f->input, PHYR_PERM_READ_WRITE, &f->request),
		PHYR_OK);
}

static inline void unmap(struct fixture *f)
{
	assert_int_equal(phyr_front_request_unmap(&f->queue, &f->request), PHYR_OK);
	assert_int_equal(f->request.form, PHYR_FRONT_NONE);
	assert_int_equal(phyr_front_request_unmap(&f->queue, &f->request), PHYR_E_NOENT);
}

/* Refused, with nothing changed. */
static inline void refuse(struct fixture *f, int err)
{
	struct phyr_front_request request = { .segment_cnt = 77 };

	assert_int_equal(
		phyr_front_request_map(&f->queue, &f->input, PHYR_PERM_READ_WRITE, &request), err);
	assert_int_equal(request.segment_cnt, 77);
	assert_int_equal(mapped_cnt(&f->w), 0);
	assert_int_equal(reserved_cnt(&f->w), 0);
	assert_int_equal(f->queue.stats.kept_len, 0);
}

/* The device gets these, and no more. */
static inline void expect(struct fixture *f, const struct phyr_iova_range *want, size_t cnt)
{
	struct phyr_iova_range segment = { { 0 }, 77 };
	struct phyr_front_cursor cursor;

	assert_int_equal(f->request.segment_cnt, cnt);
	phyr_front_request_begin(&f->queue, &f->request, &f->input, &cursor);
	for (size_t i = 0; i < cnt; i++) {
		assert_true(phyr_front_request_next(&cursor, &segment));
		assert_int_equal(segment.iova.addr, want[i].iova.addr);
		assert_int_equal(segment.len, want[i].len);
	}
	assert_false(phyr_front_request_next(&cursor, &segment));
}

/* Every byte that the device gets is the request's, in order. */
static inline void expect_translated(struct fixture *f)
{
	struct phyr_iova_range segment;
	struct phyr_front_cursor cursor;
	uint64_t in = 0, done = 0;

	phyr_front_request_begin(&f->queue, &f->request, &f->input, &cursor);
	while (phyr_front_request_next(&cursor, &segment)) {
		for (uint64_t at = 0; at < segment.len; at += 0x200, done += 0x200) {
			if (done == f->segments[in].range.len) {
				done = 0;
				in++;
			}
			assert_int_equal(behind(&f->w, segment.iova.addr + at),
					 f->segments[in].range.pa.addr + done);
		}
	}
	assert_int_equal(in, f->input.cnt - 1);
	assert_int_equal(done, f->segments[in].range.len);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

#endif
