/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets of lists share: numbers and ranges out of bytes, an allocator that fails
 * when it is told to, and the model of a list, an array of merged runs.
 *
 * A range is a byte, and little-endian numbers as far as it asks for them:
 *
 *	bits 1:0  kind of memory, 3 is none
 *	bit  2    provider
 *	bit  3    the target's
 *	bits 5:4  where: 0 right behind the last run, 1 a page further, 2 at the end of the space,
 *		  3 a 64-bit address follows
 *	bits 7:6  how much: 0 a page, 1 a byte of pages follows, 2 a power of two whose log2
 *		  follows in a byte, 3 a 64-bit length follows
 */
#ifndef PHYR_FUZZ_LIST_MODEL_H
#define PHYR_FUZZ_LIST_MODEL_H

#include <stdlib.h>

#include <phyr/list.h>

#define LEN_MAX (UINT64_MAX - PHYR_PAGE_SIZE + 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *next;
	const uint8_t *end;
};

struct model {
	struct phyr_run *runs; /* room for them is the target's business */
	size_t cnt;
	uint64_t len;
};

struct memory {
	size_t live_len;
	size_t call_cnt;  /* of alloc, by one operation */
	size_t grant_cnt; /* so many calls get memory */
	bool failed;
};

static inline void require(bool holds)
{
	if (!holds)
		abort();
}

static inline void *memory_alloc(void *ctx, size_t size)
{
	struct memory *memory = ctx;

	memory->failed = memory->failed || memory->call_cnt >= memory->grant_cnt;
	memory->call_cnt++;
	if (memory->failed)
		return NULL;
	memory->live_len += size;
	return malloc(size);
}

static inline void memory_free(void *ctx, void *ptr, size_t size)
{
	struct memory *memory = ctx;

	require(ptr && memory->live_len >= size);
	memory->live_len -= size;
	free(ptr);
}

/* An operation starts that gets memory so many times. */
static inline void memory_grant(struct memory *memory, size_t grant_cnt)
{
	memory->call_cnt = 0;
	memory->grant_cnt = grant_cnt;
	memory->failed = false;
}

/* What is missing at the end of the input is zero. */
static inline uint64_t take(struct input *in, unsigned int byte_cnt)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < byte_cnt && in->next < in->end; i++)
		number |= (uint64_t)*in->next++ << 8 * i;
	return number;
}

static inline uint64_t take_len(struct input *in, unsigned int how)
{
	switch (how) {
	case 0:
		return PHYR_PAGE_SIZE;
	case 1:
		return take(in, 1) * PHYR_PAGE_SIZE;
	case 2:
		return phyr_bits_size((unsigned int)take(in, 1) % 64);
	default:
		return take(in, 8);
	}
}

static inline uint64_t end_of(const struct model *m)
{
	return m->cnt ? m->runs[m->cnt - 1].range.pa.addr + m->runs[m->cnt - 1].range.len : 0;
}

/* The rest of a range whose first byte was taken. */
static inline struct phyr_range take_range(struct input *in, unsigned int byte,
					   const struct model *m)
{
	struct phyr_range range = { { 0 }, take_len(in, byte >> 6) };
	unsigned int where = byte >> 4 & 3;

	if (where < 2)
		range.pa.addr = end_of(m) + where * PHYR_PAGE_SIZE;
	else
		range.pa.addr = where == 2 ? UINT64_C(0) - range.len : take(in, 8);
	return range;
}

static inline struct phyr_tag tag_of(unsigned int byte)
{
	return (struct phyr_tag){ (enum phyr_kind)(byte & 3), byte >> 2 & 1 };
}

static inline bool joins(const struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	const struct phyr_run *last = m->cnt ? &m->runs[m->cnt - 1] : NULL;

	return last && range.pa.addr != 0 && range.pa.addr == end_of(m) &&
	       phyr_tag_equal(last->tag, tag);
}

static inline int model_append(struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	uint64_t last;

	if (range.len == 0 || (unsigned int)tag.kind >= PHYR_KIND_CNT)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(range.pa.addr, range.len, &last) || range.len > LEN_MAX - m->len)
		return PHYR_E_RANGE;
	if (joins(m, range, tag))
		m->runs[m->cnt - 1].range.len += range.len;
	else
		m->runs[m->cnt++] = (struct phyr_run){ range, tag, m->len };
	m->len += range.len;
	return PHYR_OK;
}

/* Cuts it off behind bytes of which it has as many or more. */
static inline void model_truncate(struct model *m, uint64_t len)
{
	while (m->cnt && m->runs[m->cnt - 1].offset >= len)
		m->cnt--;
	if (m->cnt)
		m->runs[m->cnt - 1].range.len = len - m->runs[m->cnt - 1].offset;
	m->len = len;
}

/* The bytes from first to before end, of a run that has some of them. */
static inline struct phyr_run clip(struct phyr_run run, uint64_t first, uint64_t end)
{
	uint64_t skip = run.offset < first ? first - run.offset : 0;

	if (run.range.len > end - run.offset)
		run.range.len = end - run.offset;
	run.range.pa.addr += skip;
	run.range.len -= skip;
	run.offset += skip;
	return run;
}

static inline void require_run(struct phyr_list_cursor *cursor, const struct phyr_run *expected)
{
	struct phyr_run run;

	require(phyr_list_next(cursor, &run));
	require(run.range.pa.addr == expected->range.pa.addr);
	require(run.range.len == expected->range.len && run.offset == expected->offset);
	require(phyr_tag_equal(run.tag, expected->tag));
}

static inline void require_end(struct phyr_list_cursor *cursor)
{
	struct phyr_run run;

	require(!phyr_list_next(cursor, &run));
}

/* The run that holds a byte is found. */
static inline void require_found(const struct phyr_list *list, uint64_t offset,
				 const struct phyr_run *expected)
{
	struct phyr_list_cursor cursor;

	require(phyr_list_seek(list, offset, &cursor) == PHYR_OK);
	require_run(&cursor, expected);
}

static inline void require_stats(const struct phyr_list *list, const struct model *m,
				 const struct memory *memory)
{
	struct phyr_list_stats stats, sums = { .len = m->len };

	for (size_t i = 0; i < m->cnt; i++) {
		const struct phyr_run *run = &m->runs[i];

		if (i == 0 || run->range.len < sums.shortest_len)
			sums.shortest_len = run->range.len;
		if (run->range.len > sums.longest_len)
			sums.longest_len = run->range.len;
		if (i)
			sums.joint_mask |= (run[-1].range.pa.addr + run[-1].range.len) |
					   run->range.pa.addr;
		if (i && !phyr_tag_equal(run[-1].tag, run->tag))
			sums.tags_len += sizeof(uint64_t);
		sums.kind_mask |= 1U << run->tag.kind;
	}
	phyr_list_stats(list, &stats);
	require(stats.len == sums.len && phyr_list_len(list) == sums.len);
	require(stats.run_cnt == m->cnt && stats.storage_len == memory->live_len);
	require(stats.shortest_len == sums.shortest_len && stats.longest_len == sums.longest_len);
	require(stats.joint_mask == sums.joint_mask && stats.tags_len == sums.tags_len);
	require(stats.granular == (sums.joint_mask % PHYR_PAGE_SIZE != 0));
	require(stats.kind_mask == sums.kind_mask);
}

/* The list has the runs and the sums of the model, and validates. */
static inline void require_same(const struct phyr_list *list, const struct model *m,
				const struct memory *memory)
{
	struct phyr_list_cursor cursor;

	require(phyr_list_validate(list, NULL));
	require_stats(list, m, memory);
	phyr_list_begin(list, &cursor);
	for (size_t i = 0; i < m->cnt; i++)
		require_run(&cursor, &m->runs[i]);
	require_end(&cursor);
}

#endif
