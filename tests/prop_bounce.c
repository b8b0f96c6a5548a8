/* SPDX-License-Identifier: MIT */
/*
 * Random requests next to an array of slots that is searched one by one: the address, the run and
 * "no space" are the same, no slot is in two requests, and keys find what was put under them.
 * PHYR_SEED and PHYR_ITER repeat and lengthen a run.
 */
#include "bounce_world.h"

#define SLOTS_MAX 300
#define LIVE_MAX 64
#define OPS 2000

struct live {
	struct phyr_bounce_request request; /* orig.len 0: none */
	uint64_t pa;
};

struct model {
	uint64_t slot_cnt;
	uint64_t base;
	uint64_t from;
	bool taken[SLOTS_MAX];
	struct live lives[LIVE_MAX];
};

struct answer {
	int err;
	uint64_t at, cnt, pa;
};

static bool all_free(const struct model *m, uint64_t at, uint64_t cnt)
{
	for (uint64_t i = at; i < at + cnt; i++) {
		if (m->taken[i])
			return false;
	}
	return true;
}

/* The lowest address in a place that has the bits, if the run starts there at all. */
static bool place(const struct model *m, const struct phyr_bounce_request *request, uint64_t at,
		  struct answer *answer)
{
	uint64_t unit = phyr_bits_size(request->align_lg2 > 11 ? request->align_lg2 : 11);
	uint64_t start = m->base + at * SLOT;
	uint64_t end = start;

	if (start % unit)
		return false;
	answer->pa = start;
	while ((answer->pa ^ request->orig.pa.addr) & phyr_bits_mask(request->keep_lg2)) {
		answer->pa++;
		if (answer->pa - start == unit)
			return false;
	}
	while (end < answer->pa + request->orig.len)
		end += unit;
	answer->at = at;
	answer->cnt = (end - start) / SLOT;
	return answer->cnt <= 128 && at + answer->cnt <= m->slot_cnt;
}

static struct answer expect(const struct model *m, const struct phyr_bounce_request *request)
{
	struct answer answer = { PHYR_E_LIMIT, 0, 0, 0 };

	for (uint64_t i = 0; i < 2 * m->slot_cnt; i++) {
		uint64_t at = i < m->slot_cnt ? i : i - m->slot_cnt;

		/* Up to the end from where the last run ended, then from the start. */
		if (i < m->slot_cnt && at < m->from)
			continue;
		if (!place(m, request, at, &answer))
			continue;
		answer.err = all_free(m, at, answer.cnt) ? PHYR_OK : PHYR_E_NOSPACE;
		if (answer.err == PHYR_OK)
			return answer;
	}
	return answer;
}

static void mark(struct model *m, const struct answer *answer, bool taken)
{
	for (uint64_t i = answer->at; i < answer->at + answer->cnt; i++) {
		assert_true(m->taken[i] != taken);
		m->taken[i] = taken;
	}
}

static void request_one(struct world *w, struct model *m, uint64_t number, uint64_t *random)
{
	struct live *live = &m->lives[number];
	uint64_t lens[] = { 0x10, SLOT, 3 * SLOT, 20 * SLOT, 140 * SLOT };
	struct answer want;
	uint64_t pa;

	live->request = request_of(test_random(random) % POOL,
				   1 + test_random(random) % lens[test_random(random) % 5]);
	live->request.key = key_of(number);
	live->request.keep_lg2 = (uint8_t)(test_random(random) % 20);
	live->request.align_lg2 = (uint8_t)(test_random(random) % 15);
	want = expect(m, &live->request);
	assert_int_equal(try_take(w, &live->request, &pa), want.err);
	if (want.err != PHYR_OK) {
		live->request.orig.len = 0;
		return;
	}
	assert_int_equal(pa, want.pa);
	live->pa = pa;
	mark(m, &want, true);
	m->from = want.at + want.cnt;
}

static void give_one(struct world *w, struct model *m, uint64_t number)
{
	struct live *live = &m->lives[number];
	struct phyr_bounce_slot slot;
	struct answer was;
	uint64_t at = (live->pa - m->base) / SLOT;

	assert_true(phyr_bounce_find(w->pool, key_of(number), &slot));
	assert_int_equal(slot.pa.addr, live->pa);
	assert_int_equal(slot.orig.pa.addr, live->request.orig.pa.addr);
	assert_int_equal(slot.orig.len, live->request.orig.len);
	while (!place(m, &live->request, at, &was) || was.pa != live->pa)
		at--;
	mark(m, &was, false);
	give(w, number);
	assert_int_equal(phyr_bounce_give(w->pool, key_of(number)), PHYR_E_NOENT);
	live->request.orig.len = 0;
}

static void run(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));
	struct model *m = calloc(1, sizeof(*m));
	struct phyr_bounce_params params;
	uint64_t random = seed;

	assert_non_null(w);
	assert_non_null(m);
	test_mem_init(&w->host);
	m->slot_cnt = 1 + test_random(&random) % SLOTS_MAX;
	params = params_of(w, m->slot_cnt);
	params.pool.pa.addr += test_random(&random) % 9 * SLOT;
	m->base = params.pool.pa.addr;
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	for (size_t i = 0; i < OPS; i++) {
		uint64_t number = test_random(&random) % LIVE_MAX;

		if (m->lives[number].request.orig.len)
			give_one(w, m, number);
		else
			request_one(w, m, number, &random);
	}
	phyr_bounce_destroy(w->pool);
	assert_int_equal(w->host.live_cnt, 0);
	free(m);
	free(w);
}

static void requests_get_what_a_slow_search_finds(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t iterations = test_number("PHYR_ITER", 20);

	(void)state;
	for (uint64_t i = 0; i < iterations; i++) {
		print_message("PHYR_SEED=%llu\n", (unsigned long long)(seed + i));
		run(seed + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_get_what_a_slow_search_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
