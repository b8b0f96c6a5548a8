/* SPDX-License-Identifier: MIT */
/*
 * Three lists and naive models of them, arrays of runs, go through random sequences of every
 * operation. After each step a list must agree with its model, and in all its figures and words
 * with a list that gets the model's runs one by one. PHYR_SEED and PHYR_ITER choose the sequences;
 * sequence i of seed s is sequence 0 of seed s + i. Not here: what the figures are (prop_list.c),
 * sentences one by one (test_list_edit.c).
 */
#include <phyr/base.h>
#include <phyr/chunk.h>
#include <phyr/convert.h>
#include <phyr/list.h>

#include "list_world.h"

#define RUN_MAX 8000
#define BULK_MAX 1200
#define BUFFER_CNT 8

struct model {
	struct phyr_run runs[RUN_MAX];
	size_t run_cnt;
	uint64_t len;
};

/* A list, what it should be, and the memory it was supplied with. */
struct pair {
	struct test_mem mem;
	struct phyr_list list;
	struct model model;
	uint64_t preloaded; /* appends that may neither fail nor allocate */
	void *buffers[BUFFER_CNT];
	size_t buffer_cnt;
};

struct world {
	struct pair pairs[3];
	struct model next; /* what the model becomes if the call succeeds */
	struct model part; /* of a slice */
	struct phyr_range ranges[BULK_MAX];
	uint64_t pages[BULK_MAX];
	uint64_t seed;	/* of the sequence that runs */
	uint64_t state; /* of the random source */
	uint64_t step;
};

static uint64_t below(struct world *w, uint64_t end)
{
	return test_random(&w->state) % end;
}

static void model_clear(struct model *m)
{
	m->run_cnt = 0;
	m->len = 0;
}

static void pair_clear(struct pair *p)
{
	list_close(&p->list, &p->mem);
	while (p->buffer_cnt)
		free(p->buffers[--p->buffer_cnt]);
	model_clear(&p->model);
	p->preloaded = 0;
}

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	for (size_t i = 0; i < CNT(world.pairs); i++)
		list_open(&world.pairs[i].list, &world.pairs[i].mem);
	*state = &world;
	return 0;
}

/* A sequence that ran to its end clears the step. */
static int teardown(void **state)
{
	struct world *w = *state;

	if (w->step)
		print_error("failed at step %llu; again with PHYR_SEED=%llu PHYR_ITER=1\n",
			    (unsigned long long)w->step, (unsigned long long)w->seed);
	for (size_t i = 0; i < CNT(w->pairs); i++)
		pair_clear(&w->pairs[i]);
	return 0;
}

static void model_copy(struct model *to, const struct model *from)
{
	memcpy(to->runs, from->runs, from->run_cnt * sizeof(from->runs[0]));
	to->run_cnt = from->run_cnt;
	to->len = from->len;
}

static int model_append(struct model *m, struct phyr_range range, struct phyr_tag tag)
{
	struct phyr_run *end = m->run_cnt ? &m->runs[m->run_cnt - 1] : NULL;

	if (range.len == 0)
		return PHYR_OK;
	if (range.len - 1 > UINT64_MAX - range.pa.addr || range.len > TOTAL_MAX - m->len)
		return PHYR_E_RANGE;
	m->len += range.len;
	if (end && phyr_tag_equal(end->tag, tag) && range.pa.addr &&
	    end->range.pa.addr + (end->range.len - 1) == range.pa.addr - 1) {
		end->range.len += range.len;
		return PHYR_OK;
	}
	assert_true(m->run_cnt < RUN_MAX);
	m->runs[m->run_cnt++] = (struct phyr_run){ range, tag, m->len - range.len };
	return PHYR_OK;
}

/* The bytes from first on, up to end, of a model are appended to another. */
static int model_part(struct model *to, const struct model *from, uint64_t first, uint64_t end)
{
	int err = PHYR_OK;

	for (size_t i = 0; i < from->run_cnt && from->runs[i].offset < end && !err; i++) {
		struct phyr_range range = from->runs[i].range;
		uint64_t offset = from->runs[i].offset;
		uint64_t skip = offset < first ? first - offset : 0;

		if (skip >= range.len)
			continue;
		if (range.len > end - offset)
			range.len = end - offset;
		range.pa.addr += skip;
		range.len -= skip;
		err = model_append(to, range, from->runs[i].tag);
	}
	return err;
}

static void compare_run(const struct phyr_run *run, const struct phyr_run *expected)
{
	assert_int_equal(run->range.pa.addr, expected->range.pa.addr);
	assert_int_equal(run->range.len, expected->range.len);
	assert_int_equal(run->offset, expected->offset);
	assert_true(phyr_tag_equal(run->tag, expected->tag));
}

/* The next chunk of both lists, in a run of which so much was seen; the lists' outer pages may be
 * named whole. */
static uint64_t compare_chunk(struct phyr_list_cursor at[2], const struct phyr_run *run,
			      uint64_t seen, size_t *words_len)
{
	uint64_t first = run->range.pa.addr + seen;
	uint64_t last = run->range.pa.addr + (run->range.len - 1);
	struct phyr_range range;
	struct phyr_tag tag;
	uint64_t words[4];
	uint64_t chunk_last;
	unsigned int word_cnt = phyr_list_next_chunk(&at[0], words, &tag);

	assert_int_equal(phyr_chunk_check(words, word_cnt, NULL, NULL), PHYR_OK);
	assert_true(phyr_tag_equal(tag, run->tag));
	assert_int_equal(phyr_list_next_chunk(&at[1], words + 2, &tag), word_cnt);
	assert_memory_equal(words, words + 2, word_cnt * sizeof(words[0]));
	assert_true(phyr_tag_equal(tag, run->tag));
	*words_len += word_cnt * sizeof(words[0]);
	assert_int_equal(phyr_chunk_decode(words, &range), word_cnt);
	chunk_last = range.pa.addr + (range.len - 1);
	if (range.pa.addr != first) {
		assert_int_equal(run->offset + seen, 0);
		assert_int_equal(range.pa.addr, first / PAGE * PAGE);
	}
	if (chunk_last <= last)
		return seen + (chunk_last - first + 1);
	assert_int_equal(run->offset + run->range.len, phyr_list_len(at[0].list));
	assert_int_equal(chunk_last, last | (PAGE - 1));
	return run->range.len;
}

/* Every run comes whole by next(), and in the same canonical chunks from equal lists. */
static size_t compare_runs(const struct phyr_list *list, const struct phyr_list *same,
			   const struct model *m)
{
	struct phyr_list_cursor runs;
	struct phyr_list_cursor chunks[2];
	struct phyr_run run;
	size_t words_len = 0;

	phyr_list_begin(list, &runs);
	phyr_list_begin(list, &chunks[0]);
	phyr_list_begin(same, &chunks[1]);
	for (size_t i = 0; i < m->run_cnt; i++) {
		assert_true(phyr_list_next(&runs, &run));
		compare_run(&run, &m->runs[i]);
		for (uint64_t seen = 0; seen < run.range.len;)
			seen = compare_chunk(chunks, &run, seen, &words_len);
	}
	assert_false(phyr_list_next(&runs, &run));
	assert_int_equal(phyr_list_next_chunk(&chunks[0], (uint64_t[2]){ 0 }, &run.tag), 0);
	return words_len;
}

/* Only these bytes, with offsets of the whole. */
static void compare_slice(struct world *w, const struct pair *p, uint64_t offset, uint64_t len)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	model_clear(&w->part);
	assert_int_equal(model_part(&w->part, &p->model, offset, offset + len), PHYR_OK);
	assert_int_equal(phyr_list_slice(&p->list, offset, len, &cursor), PHYR_OK);
	for (size_t i = 0; i < w->part.run_cnt; i++) {
		w->part.runs[i].offset += offset;
		assert_true(phyr_list_next(&cursor, &run));
		compare_run(&run, &w->part.runs[i]);
	}
	assert_false(phyr_list_next(&cursor, &run));
}

static void compare(struct world *w, struct pair *p)
{
	struct phyr_list_cursor cursor;
	struct test_mem mem;
	struct phyr_list same;

	list_open(&same, &mem);
	for (const struct phyr_run *run = p->model.runs; run < p->model.runs + p->model.run_cnt;
	     run++)
		assert_int_equal(phyr_list_append(&same, run->range, run->tag), PHYR_OK);
	assert_true(phyr_list_validate(&p->list, NULL));
	assert_int_equal(stats_of(&p->list).words_len, compare_runs(&p->list, &same, &p->model));
	assert_int_equal(stats_of(&p->list).storage_len, p->mem.live_len);
	assert_same_figures(&p->list, &same);
	assert_true(phyr_list_equal(&p->list, &same));
	phyr_list_fini(&same);
	for (int i = 0; i < 2; i++) {
		uint64_t offset = below(w, p->model.len + 1);

		compare_slice(w, p, offset, below(w, p->model.len - offset + 1));
		assert_int_equal(
			phyr_list_slice(&p->list, offset, p->model.len - offset + 1, &cursor),
			PHYR_E_RANGE);
	}
}

static struct phyr_range random_range(struct world *w, const struct pair *p)
{
	struct phyr_range range = { { below(w, 64) * PAGE }, (1 + below(w, 3)) * PAGE };
	uint64_t kind = below(w, 64);

	if (p->model.run_cnt && kind < 16) /* behind the last run, or up to a page's end */
		range.pa.addr = p->model.runs[p->model.run_cnt - 1].range.pa.addr +
				p->model.runs[p->model.run_cnt - 1].range.len;
	if (kind % 16 == 1)
		range.len = PAGE - range.pa.addr % PAGE;
	else if (kind % 16 == 2)
		range.len = 1 + below(w, 3 * PAGE);
	else if (kind % 16 == 3)
		range.pa.addr += below(w, PAGE);
	else if (kind == 20)
		range.len = 4 * PIB + below(w, 5 * PAGE) - 2 * PAGE;
	else if (kind == 21)
		range.pa.addr = 0 - range.len;
	else if (kind == 22)
		range.len = below(w, 2000) << 14;
	return range;
}

static struct phyr_tag random_tag(struct world *w, const struct pair *p)
{
	const struct phyr_tag tag = { (enum phyr_kind)below(w, PHYR_KIND_CNT),
				      (uint32_t)below(w, 2) };

	return p->model.run_cnt && below(w, 4) ? p->model.runs[p->model.run_cnt - 1].tag : tag;
}

/* The next call may get less memory than it asks for. */
static void may_fail(struct world *w, struct pair *p)
{
	p->mem.alloc_cnt = 0;
	p->mem.failed = false;
	p->mem.fail_at = below(w, 4) ? SIZE_MAX : (size_t)below(w, 3);
	p->mem.sticky = below(w, 2);
}

/* A call came back that adds so many runs; w->next is the model if it had to succeed. */
static void settle(struct world *w, struct pair *p, int err, int expected, uint64_t run_cnt)
{
	if (run_cnt <= p->preloaded)
		assert_int_equal(p->mem.alloc_cnt, 0);
	if (p->mem.failed && err != expected) {
		assert_int_equal(err, PHYR_E_NOMEM);
		return;
	}
	assert_int_equal(err, expected);
	if (err)
		return;
	model_copy(&p->model, &w->next);
	p->preloaded -= run_cnt < p->preloaded ? run_cnt : p->preloaded;
}

/* What appending the first ranges to a pair has to answer; w->next is what it has to make. */
static int expect(struct world *w, struct pair *p, size_t cnt, struct phyr_tag tag)
{
	int err = PHYR_OK;

	model_copy(&w->next, &p->model);
	for (size_t i = 0; i < cnt && err == PHYR_OK; i++)
		err = model_append(&w->next, w->ranges[i], tag);
	may_fail(w, p);
	return err;
}

static void step_pages(struct world *w, struct pair *p)
{
	struct phyr_tag tag = random_tag(w, p);
	size_t cnt = (size_t)below(w, 1 + below(w, BULK_MAX));
	uint64_t contiguous = 1 + below(w, 40);
	uint64_t page = random_range(w, p).pa.addr / PAGE;
	uint64_t run_cnt = 1;
	int expected;

	for (size_t i = 0; i < cnt; i++, page++) {
		if (below(w, contiguous) == 0) {
			page = below(w, 400) ? below(w, 5000) : PAGE_MAX - below(w, 3);
			run_cnt++;
		}
		w->pages[i] = page;
		w->ranges[i] = (struct phyr_range){ { page * PAGE }, PAGE };
		if (page > PAGE_MAX)
			w->ranges[i] = (struct phyr_range){ { UINT64_MAX }, PAGE };
	}
	expected = expect(w, p, cnt, tag);
	settle(w, p, phyr_list_append_pages(&p->list, w->pages, cnt, tag), expected, run_cnt);
}

static void step_ranges(struct world *w, struct pair *p, size_t cnt)
{
	struct phyr_tag tag = random_tag(w, p);
	int expected;
	int err;

	for (size_t i = 0; i < cnt; i++) {
		w->ranges[i] = random_range(w, p);
		if (i && below(w, 4) == 0)
			w->ranges[i].pa.addr = w->ranges[i - 1].pa.addr + w->ranges[i - 1].len;
	}
	expected = expect(w, p, cnt, tag);
	if (cnt == 1 && w->ranges[0].len)
		err = phyr_list_append(&p->list, w->ranges[0], tag);
	else
		err = phyr_convert_ranges(&p->list, w->ranges, cnt, tag);
	settle(w, p, err, expected, cnt);
}

static void step_concat(struct world *w, struct pair *p, const struct pair *other)
{
	int expected;

	if (p->model.run_cnt + other->model.run_cnt > RUN_MAX / 2)
		return;
	model_copy(&w->next, &p->model);
	expected = model_part(&w->next, &other->model, 0, UINT64_MAX);
	may_fail(w, p);
	settle(w, p, phyr_list_concat(&p->list, &other->list), expected, other->model.run_cnt);
}

/* Cuts a list anywhere; another may get the rest, and it may come back from there. */
static void step_cut(struct world *w, struct pair *p, struct pair *other)
{
	uint64_t len = below(w, p->model.len + 1);
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	if (p->model.run_cnt && below(w, 2)) /* at a joint */
		len = p->model.runs[below(w, p->model.run_cnt)].offset;
	if (below(w, 2)) {
		pair_clear(other);
		assert_int_equal(model_part(&other->model, &p->model, len, UINT64_MAX), PHYR_OK);
		assert_int_equal(phyr_list_slice(&p->list, len, p->model.len - len, &cursor),
				 PHYR_OK);
		while (phyr_list_next(&cursor, &run))
			assert_int_equal(phyr_list_append(&other->list, run.range, run.tag),
					 PHYR_OK);
		compare(w, other);
	}
	model_clear(&w->next);
	assert_int_equal(model_part(&w->next, &p->model, 0, len), PHYR_OK);
	may_fail(w, p);
	phyr_list_truncate(&p->list, len);
	settle(w, p, PHYR_OK, PHYR_OK, 0);
	if (below(w, 2))
		step_concat(w, p, other);
}

static void step_clone(struct world *w, struct pair *p, const struct pair *other)
{
	int err;

	pair_clear(p);
	may_fail(w, p);
	memset(&p->list, 0xa5, sizeof(p->list));
	err = phyr_list_clone(&other->list, &p->mem.mem, &p->list);
	model_copy(&w->next, &other->model);
	settle(w, p, err, PHYR_OK, other->model.run_cnt);
}

static void step_storage(struct world *w, struct pair *p)
{
	uint64_t cnt = below(w, 1 + below(w, 1000));
	size_t len = (size_t)below(w, 3 * 4096);

	may_fail(w, p);
	if (below(w, 2)) {
		phyr_list_trim(&p->list);
		p->preloaded = 0;
	} else if (p->buffer_cnt < BUFFER_CNT && below(w, 2)) {
		p->buffers[p->buffer_cnt] = malloc(len + 1);
		assert_non_null(p->buffers[p->buffer_cnt]);
		phyr_list_supply(&p->list, (char *)p->buffers[p->buffer_cnt++] + len % 2, len);
	} else if (phyr_list_preload(&p->list, cnt) == PHYR_OK) {
		if (cnt > p->preloaded)
			p->preloaded = cnt;
	} else {
		assert_true(p->mem.failed);
	}
}

static void random_step(struct world *w)
{
	struct pair *p = &w->pairs[below(w, CNT(w->pairs))];
	struct pair *other = &w->pairs[below(w, CNT(w->pairs))];
	uint64_t kind = below(w, 64);

	if (kind == 0 || p->model.run_cnt > RUN_MAX / 2)
		pair_clear(p);
	else if (kind < 32)
		step_ranges(w, p, 1);
	else if (kind < 36)
		step_pages(w, p);
	else if (kind < 40)
		step_ranges(w, p, (size_t)below(w, 1 + below(w, BULK_MAX)));
	else if (kind < 50)
		step_storage(w, p);
	else if (p == other)
		return;
	else if (kind < 54)
		step_concat(w, p, other);
	else if (kind < 61)
		step_cut(w, p, other);
	else
		step_clone(w, p, other);
	p->mem.fail_at = SIZE_MAX;
	compare(w, p);
}

static void random_lists_agree_with_their_models(void **state)
{
	struct world *w = *state;
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t iter_cnt = test_number("PHYR_ITER", 100);

	for (uint64_t i = 0; i < iter_cnt; i++) {
		w->seed = seed + i;
		w->state = (w->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		for (size_t k = 0; k < CNT(w->pairs); k++)
			pair_clear(&w->pairs[k]);
		for (w->step = 1; w->step <= 200; w->step++)
			random_step(w);
	}
	w->step = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_lists_agree_with_their_models, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
