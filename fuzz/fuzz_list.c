/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is appended, and whenever memory runs out, a list holds the runs of a model,
 * an array of merged runs, and validates.
 *
 * An operation is a byte, and little-endian numbers as far as it asks for them:
 *
 *	bits 1:0  kind of memory, 3 is none
 *	bit  2    provider
 *	bit  3    the allocator fails
 *	bits 5:4  where: 0 right behind the last run, 1 a page further, 2 at the end of the space,
 *		  3 a 64-bit address follows
 *	bits 7:6  how much: 0 a page, 1 a byte of pages follows, 2 a power of two whose log2
 *		  follows in a byte, 3 a 64-bit length follows
 */
#include <stdlib.h>

#include <phyr/list.h>

#define LEN_MAX (UINT64_MAX - PHYR_PAGE_SIZE + 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *next;
	const uint8_t *end;
};

struct model {
	struct phyr_run *runs;
	size_t cnt;
	uint64_t len;
};

struct memory {
	size_t live_len;
	unsigned int call_cnt; /* of alloc, by one append */
	bool fail;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void *memory_alloc(void *ctx, size_t size)
{
	struct memory *memory = ctx;

	memory->call_cnt++;
	if (memory->fail)
		return NULL;
	memory->live_len += size;
	return malloc(size);
}

static void memory_free(void *ctx, void *ptr, size_t size)
{
	struct memory *memory = ctx;

	require(ptr && memory->live_len >= size);
	memory->live_len -= size;
	free(ptr);
}

/* What is missing at the end of the input is zero. */
static uint64_t take(struct input *in, unsigned int byte_cnt)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < byte_cnt && in->next < in->end; i++)
		number |= (uint64_t)*in->next++ << 8 * i;
	return number;
}

static uint64_t take_len(struct input *in, unsigned int how)
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

static uint64_t end_of(const struct model *m)
{
	return m->cnt ? m->runs[m->cnt - 1].range.pa.addr + m->runs[m->cnt - 1].range.len : 0;
}

static struct phyr_range take_range(struct input *in, unsigned int op, const struct model *m)
{
	struct phyr_range range = { { 0 }, take_len(in, op >> 6) };
	unsigned int where = op >> 4 & 3;

	if (where < 2)
		range.pa.addr = end_of(m) + where * PHYR_PAGE_SIZE;
	else
		range.pa.addr = where == 2 ? UINT64_C(0) - range.len : take(in, 8);
	return range;
}

static bool joins(const struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	const struct phyr_run *last = m->cnt ? &m->runs[m->cnt - 1] : NULL;

	return last && range.pa.addr != 0 && range.pa.addr == end_of(m) &&
	       phyr_tag_equal(last->tag, tag);
}

static int model_append(struct model *m, struct phyr_range range, struct phyr_tag tag)
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

/* Only an append that started a run may have asked for memory, once. */
static void append(struct phyr_list *list, struct model *m, struct memory *memory, struct input *in)
{
	unsigned int op = (unsigned int)take(in, 1);
	struct phyr_tag tag = { (enum phyr_kind)(op & 3), op >> 2 & 1 };
	struct phyr_range range = take_range(in, op, m);
	int err;

	memory->fail = op >> 3 & 1;
	memory->call_cnt = 0;
	err = phyr_list_append(list, range, tag);
	require(memory->call_cnt <= !joins(m, range, tag));
	if (memory->fail && memory->call_cnt)
		require(err == PHYR_E_NOMEM);
	else
		require(err == model_append(m, range, tag));
	require(phyr_list_len(list) == m->len);
}

static void require_run(struct phyr_list_cursor *cursor, const struct phyr_run *expected)
{
	struct phyr_run run;

	require(phyr_list_next(cursor, &run));
	require(run.range.pa.addr == expected->range.pa.addr);
	require(run.range.len == expected->range.len && run.offset == expected->offset);
	require(phyr_tag_equal(run.tag, expected->tag));
}

static void require_found(const struct phyr_list *list, uint64_t offset,
			  const struct phyr_run *expected)
{
	struct phyr_list_cursor cursor;

	require(phyr_list_seek(list, offset, &cursor) == PHYR_OK);
	require_run(&cursor, expected);
}

static void compare(const struct phyr_list *list, const struct model *m,
		    const struct memory *memory)
{
	size_t stride = 1 + m->cnt / 64; /* seeking to every run would take most of the time */
	struct phyr_list_cursor cursor;
	struct phyr_list_stats stats;
	struct phyr_run run;

	require(phyr_list_validate(list, NULL));
	phyr_list_stats(list, &stats);
	require(stats.run_cnt == m->cnt && stats.storage_len == memory->live_len);
	phyr_list_begin(list, &cursor);
	for (size_t i = 0; i < m->cnt; i++) {
		const struct phyr_run *expected = &m->runs[i];

		require_run(&cursor, expected);
		if (i % stride == 0) {
			require_found(list, expected->offset, expected);
			require_found(list, expected->offset + (expected->range.len - 1), expected);
		}
	}
	require(!phyr_list_next(&cursor, &run));
	require(phyr_list_seek(list, m->len, &cursor) == PHYR_E_RANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = { 0, 0, false };
	const struct phyr_mem hooks = { memory_alloc, memory_free, &memory };
	struct model model = { malloc((size + 1) * sizeof(struct phyr_run)), 0, 0 };
	struct input in = { data, data + size };
	struct phyr_list list;

	require(model.runs != NULL);
	phyr_list_init(&list, &hooks);
	while (in.next < in.end)
		append(&list, &model, &memory, &in);
	compare(&list, &model, &memory);
	phyr_list_fini(&list);
	require(memory.live_len == 0);
	free(model.runs);
	return 0;
}
