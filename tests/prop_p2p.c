/* SPDX-License-Identifier: MIT */
/*
 * Random registries against a map of bytes: a small piece of the address space, at its bottom, in
 * the middle or at its top, where every byte knows its provider. Two clients ask, one after every
 * change, one only now and then; a second registry gets the same bars in another order and has to
 * agree.
 */
#include "p2p_world.h"

#define BYTES 96
#define SEEDS 300
#define STEPS 400

struct map {
	uint64_t base;	       /* address of byte 0 */
	uint32_t owner[BYTES]; /* provider, 0: nobody */
	uint32_t live[BYTES];  /* providers in no order */
	size_t live_cnt;
	uint64_t random;
};

static uint64_t below_of(struct map *m, uint64_t n)
{
	return test_random(&m->random) % n;
}

/* A range inside the piece. */
static struct phyr_range pick(struct map *m)
{
	uint64_t at = below_of(m, BYTES);
	uint64_t len = 1 + below_of(m, 1 + below_of(m, BYTES - at));

	return range_at(m->base + at, len);
}

/* How many bytes from the first on have the first one's owner. */
static uint64_t equal_len(const struct map *m, struct phyr_range range)
{
	uint64_t at = range.pa.addr - m->base, len = 1;

	while (len < range.len && m->owner[at + len] == m->owner[at])
		len++;
	return len;
}

static bool is_free(const struct map *m, struct phyr_range range)
{
	return !m->owner[range.pa.addr - m->base] && equal_len(m, range) == range.len;
}

static void mark(struct map *m, struct phyr_range range, uint32_t provider)
{
	for (uint64_t i = 0; i < range.len; i++)
		m->owner[range.pa.addr - m->base + i] = provider;
}

static void try_register(struct world *w, struct map *m, uint32_t function)
{
	struct phyr_range range = pick(m);
	uint32_t id = 0;
	int err = try_bar(w, function, range.pa.addr, range.len, &id);

	assert_int_equal(err, is_free(m, range) ? PHYR_OK : PHYR_E_EXISTS);
	if (err)
		return;
	for (size_t i = 0; i < m->live_cnt; i++)
		assert_int_not_equal(m->live[i], id);
	mark(m, range, id);
	m->live[m->live_cnt++] = id;
}

static void try_remove(struct world *w, struct map *m)
{
	struct phyr_p2p_bar bar;
	size_t i;

	if (!m->live_cnt)
		return;
	i = (size_t)below_of(m, m->live_cnt);
	assert_int_equal(phyr_p2p_bar(w->p2p, m->live[i], &bar), PHYR_OK);
	assert_int_equal(phyr_p2p_remove(w->p2p, m->live[i]), PHYR_OK);
	mark(m, bar.range, 0);
	m->live[i] = m->live[--m->live_cnt];
}

static void try_find(struct phyr_p2p_client *c, struct map *m)
{
	struct phyr_range range = pick(m), first;
	uint32_t owner = m->owner[range.pa.addr - m->base], id = 0;
	uint64_t len = equal_len(m, range);
	int err = phyr_p2p_find(c, range, &id);

	if (len < range.len)
		assert_int_equal(err, PHYR_E_PARTIAL);
	else
		assert_int_equal(err, owner ? PHYR_OK : PHYR_E_NOENT);
	assert_int_equal(id, err ? 0 : owner);
	assert_int_equal(phyr_p2p_split(c, range, &first, &id), PHYR_OK);
	assert_true(first.pa.addr == range.pa.addr && first.len == len && id == owner);
}

/* The same bars in another order: the same stretches, under other ids. */
static void compare_orders(struct world *w, struct map *m)
{
	struct phyr_p2p_client *c, *other_c;
	struct world other;
	uint32_t function;

	world_open(&other);
	function = below(&other, host(&other, PHYR_P2P_FORWARD_NOTHING));
	for (size_t i = m->live_cnt; i > 1; i--) {
		size_t j = (size_t)below_of(m, i);
		uint32_t id = m->live[j];

		m->live[j] = m->live[i - 1];
		m->live[i - 1] = id;
	}
	for (size_t i = 0; i < m->live_cnt; i++) {
		struct phyr_p2p_bar in;

		assert_int_equal(phyr_p2p_bar(w->p2p, m->live[i], &in), PHYR_OK);
		(void)bar(&other, function, in.range.pa.addr, in.range.len);
	}
	assert_int_equal(phyr_p2p_client_create(&w->t.mem, w->p2p, 0, &c), PHYR_OK);
	other_c = client(&other, 0);
	for (size_t i = 0; i < 50; i++) {
		struct phyr_range range = pick(m), first = { 0 }, other_first = { 0 };
		uint32_t id, other_id;

		assert_int_equal(phyr_p2p_split(c, range, &first, &id), PHYR_OK);
		assert_int_equal(phyr_p2p_split(other_c, range, &other_first, &other_id), PHYR_OK);
		assert_int_equal(first.len, other_first.len);
		assert_int_equal(id ? m->live[other_id - 1] : 0, id);
	}
	phyr_p2p_client_destroy(c);
	world_close(&other);
}

static void run(uint64_t seed)
{
	static const uint64_t bases[] = { 0, 0x10000, UINT64_MAX - BYTES + 1 };
	struct map m = { .base = bases[seed % 3], .random = seed * 77 + 1 };
	struct phyr_p2p_client *always, *sometimes;
	struct world w;
	uint32_t function;

	world_open(&w);
	function = below(&w, host(&w, PHYR_P2P_FORWARD_NOTHING));
	always = client(&w, function);
	sometimes = client(&w, function);
	for (size_t i = 0; i < STEPS; i++) {
		uint64_t what = below_of(&m, 8);

		if (what < 3)
			try_register(&w, &m, function);
		else if (what < 5)
			try_remove(&w, &m);
		else if (what == 5)
			try_find(sometimes, &m);
		try_find(always, &m);
		assert_true(phyr_p2p_client_validate(sometimes, NULL));
	}
	assert_true(phyr_p2p_validate(w.p2p, NULL));
	compare_orders(&w, &m);
	world_close(&w);
}

static void every_byte_has_the_owner_of_the_map(void **state)
{
	static uint64_t seed;
	uint64_t first = test_number("PHYR_SEED", 1), cnt = test_number("PHYR_ITER", SEEDS);

	*state = &seed;
	for (seed = first; seed < first + cnt; seed++)
		run(seed);
	*state = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_byte_has_the_owner_of_the_map, tell_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
