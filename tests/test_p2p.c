/* SPDX-License-Identifier: MIT */
/*
 * Whose memory a range is: providers, lookups, what is remembered. Not here: how it is reached
 * (test_p2p_types.c), who uses it (test_p2p_users.c).
 */
#include "p2p_world.h"

#define KIB UINT64_C(1024)
#define TOP UINT64_MAX

/* A host bridge, a port and a function. */
static uint32_t function(struct world *w)
{
	return below(w, below(w, host(w, PHYR_P2P_FORWARD_NOTHING)));
}

static int find(struct phyr_p2p_client *c, uint64_t first, uint64_t len)
{
	uint32_t provider = 77;
	int err = phyr_p2p_find(c, range_at(first, len), &provider);

	if (err)
		assert_int_equal(provider, 77);
	return err ? err : (int)provider;
}

static void a_range_inside_one_bar_is_found(void **state)
{
	struct world w;
	struct phyr_p2p_client *c;
	uint32_t f, a;

	(void)state;
	world_open(&w);
	f = function(&w);
	a = bar(&w, f, 0x10000, 0x1000);
	c = client(&w, f);
	assert_int_equal(find(c, 0x10000, 0x1000), a);
	assert_int_equal(find(c, 0x10000, 1), a);
	assert_int_equal(find(c, 0x10fff, 1), a);
	assert_int_equal(find(c, 0x107ff, 2), a);
	world_close(&w);
}

static void a_range_that_touches_no_bar_is_ordinary_memory(void **state)
{
	struct world w;
	struct phyr_p2p_client *c;

	(void)state;
	world_open(&w);
	c = client(&w, 0);
	assert_int_equal(find(c, 0, TOP), PHYR_E_NOENT);
	(void)bar(&w, function(&w), 0x10000, 0x1000);
	assert_int_equal(find(c, 0, 0x10000), PHYR_E_NOENT);
	assert_int_equal(find(c, 0xffff, 1), PHYR_E_NOENT);
	assert_int_equal(find(c, 0x11000, TOP - 0x11000 + 1), PHYR_E_NOENT);
	assert_int_equal(find(c, TOP, 1), PHYR_E_NOENT);
	world_close(&w);
}

static void a_range_that_crosses_a_border_is_partial(void **state)
{
	struct world w;
	struct phyr_p2p_client *c;
	uint32_t f;

	(void)state;
	world_open(&w);
	f = function(&w);
	(void)bar(&w, f, 0x10000, 0x1000);
	(void)bar(&w, f, 0x11000, 0x1000);
	c = client(&w, f);
	assert_int_equal(find(c, 0xffff, 2), PHYR_E_PARTIAL);	    /* memory, provider */
	assert_int_equal(find(c, 0x10fff, 2), PHYR_E_PARTIAL);	    /* two providers that touch */
	assert_int_equal(find(c, 0x11fff, 2), PHYR_E_PARTIAL);	    /* provider, memory */
	assert_int_equal(find(c, 0xf000, 0x10000), PHYR_E_PARTIAL); /* around both */
	assert_int_equal(find(c, 0, TOP), PHYR_E_PARTIAL);
	world_close(&w);
}

static void the_ends_of_the_address_space_can_be_bars(void **state)
{
	struct world w;
	struct phyr_p2p_client *c;
	uint32_t f, low, high, last;

	(void)state;
	world_open(&w);
	f = function(&w);
	last = bar(&w, f, TOP, 1);
	high = bar(&w, f, TOP - 1, 1);
	low = bar(&w, f, 0, 1);
	c = client(&w, f);
	assert_int_equal(find(c, 0, 1), low);
	assert_int_equal(find(c, TOP, 1), last);
	assert_int_equal(find(c, TOP - 1, 1), high);
	assert_int_equal(find(c, TOP - 1, 2), PHYR_E_PARTIAL);
	assert_int_equal(find(c, 1, TOP - 2), PHYR_E_NOENT);
	assert_int_equal(find(c, TOP - 2, 1), PHYR_E_NOENT);
	world_close(&w);
}

static void lookups_refuse_what_is_no_range(void **state)
{
	struct world w;
	struct phyr_range first = range_at(7, 7);
	struct phyr_p2p_client *c;
	uint32_t id = 7;

	(void)state;
	world_open(&w);
	c = client(&w, 0);
	assert_int_equal(find(c, 0x1000, 0), PHYR_E_INVAL);
	assert_int_equal(find(c, TOP, 2), PHYR_E_RANGE);
	assert_int_equal(phyr_p2p_find(NULL, range_at(0, 1), &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_find(c, range_at(0, 1), NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_split(c, range_at(0, 0), &first, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_split(c, range_at(2, TOP), &first, &id), PHYR_E_RANGE);
	assert_int_equal(phyr_p2p_split(NULL, range_at(0, 1), &first, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_split(c, range_at(0, 1), NULL, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_split(c, range_at(0, 1), &first, NULL), PHYR_E_INVAL);
	assert_true(id == 7 && first.pa.addr == 7 && first.len == 7);
	world_close(&w);
}

static void splitting_cuts_at_every_border(void **state)
{
	struct world w;
	struct phyr_range rest = range_at(0xf000, 0x4000), first;
	struct phyr_p2p_client *c;
	uint32_t f, expected[4] = { 0 }, id;

	(void)state;
	world_open(&w);
	f = function(&w);
	expected[2] = bar(&w, f, 0x11000, 0x1000);
	expected[1] = bar(&w, f, 0x10000, 0x1000);
	c = client(&w, f);
	for (size_t i = 0; i < CNT(expected); i++) {
		assert_int_equal(phyr_p2p_split(c, rest, &first, &id), PHYR_OK);
		assert_int_equal(id, expected[i]);
		assert_int_equal(first.pa.addr, rest.pa.addr);
		assert_int_equal(first.len, 0x1000);
		rest = range_at(rest.pa.addr + first.len, rest.len - first.len);
	}
	assert_int_equal(rest.len, 0);
	world_close(&w);
}

static void splitting_keeps_a_range_that_crosses_nothing(void **state)
{
	struct world w;
	struct phyr_range first;
	struct phyr_p2p_client *c;
	uint32_t id = 7;

	(void)state;
	world_open(&w);
	c = client(&w, 0);
	assert_int_equal(phyr_p2p_split(c, range_at(1, TOP), &first, &id), PHYR_OK);
	assert_true(first.pa.addr == 1 && first.len == TOP && id == 0);
	world_close(&w);
}

static void overlapping_bars_are_refused(void **state)
{
	static const struct phyr_range no[] = {
		{ { 0x10000 }, 0x1000 }, { { 0xffff }, 2 },	  { { 0x10fff }, 1 },
		{ { 0x107ff }, 1 },	 { { 0xf000 }, 0x3000 },  { { 0 }, TOP },
		{ { 0x1ffff }, 2 },	 { { 0x11000 }, 0xf001 }, { { 0x2ffff }, TOP - 0x2fffe },
	};
	struct world w;
	uint32_t f, id = 7;

	(void)state;
	world_open(&w);
	f = function(&w);
	(void)bar(&w, f, 0x10000, 0x1000);
	(void)bar(&w, f, 0x20000, 0x10000);
	for (size_t i = 0; i < CNT(no); i++)
		assert_int_equal(try_bar(&w, f, no[i].pa.addr, no[i].len, &id), PHYR_E_EXISTS);
	assert_int_equal(id, 7);
	(void)bar(&w, f, 0x11000, 0xf000); /* what is between them fits exactly */
	world_close(&w);
}

static void registering_refuses_what_is_no_bar(void **state)
{
	struct world w;
	struct phyr_p2p_bar wraps = { range_at(0x1000, 0x1000), 0, 0 };
	uint32_t h, f, id = 7;

	(void)state;
	world_open(&w);
	h = host(&w, PHYR_P2P_FORWARD_NOTHING);
	f = below(&w, h);
	assert_int_equal(try_bar(&w, f, 0x1000, 0, &id), PHYR_E_INVAL);
	assert_int_equal(try_bar(&w, f, 2, TOP, &id), PHYR_E_RANGE);
	assert_int_equal(try_bar(&w, h, 0x1000, 1, &id), PHYR_E_INVAL);
	assert_int_equal(try_bar(&w, f + 1, 0x1000, 1, &id), PHYR_E_NOENT);
	assert_int_equal(try_bar(&w, 0, 0x1000, 1, &id), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_register(NULL, &wraps, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_register(w.p2p, NULL, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_register(w.p2p, &wraps, NULL), PHYR_E_INVAL);
	/* On the bus it would reach from 2^64 − 0x800 beyond the top. */
	wraps.owner = f;
	wraps.bus_offset = -UINT64_C(0x1800);
	assert_int_equal(phyr_p2p_register(w.p2p, &wraps, &id), PHYR_E_RANGE);
	assert_int_equal(id, 7);
	wraps.bus_offset = -UINT64_C(0x2000);
	assert_int_equal(phyr_p2p_register(w.p2p, &wraps, &id), PHYR_OK);
	world_close(&w);
}

static void a_provider_is_told_as_it_was_registered(void **state)
{
	struct phyr_p2p_bar in = { range_at(0x1234, 0x21), 0x5678, 0 }, out;
	struct world w;
	uint32_t id;

	(void)state;
	world_open(&w);
	in.owner = function(&w);
	assert_int_equal(phyr_p2p_register(w.p2p, &in, &id), PHYR_OK);
	assert_int_equal(phyr_p2p_bar(w.p2p, id, &out), PHYR_OK);
	assert_true(out.range.pa.addr == 0x1234 && out.range.len == 0x21);
	assert_true(out.bus_offset == 0x5678 && out.owner == in.owner);
	assert_int_equal(phyr_p2p_bar(w.p2p, id + 1, &out), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_bar(w.p2p, 0, &out), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_bar(NULL, id, &out), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_bar(w.p2p, id, NULL), PHYR_E_INVAL);
	world_close(&w);
}

static void a_removed_provider_is_ordinary_memory(void **state)
{
	struct world w;
	struct phyr_p2p_client *c;
	struct phyr_p2p_bar out;
	uint32_t f, a;

	(void)state;
	world_open(&w);
	f = function(&w);
	a = bar(&w, f, 0x10000, 0x1000);
	c = client(&w, f);
	assert_int_equal(find(c, 0x10000, 1), a);
	assert_int_equal(phyr_p2p_type(c, a), PHYR_P2P_OWN);
	assert_int_equal(phyr_p2p_remove(w.p2p, a), PHYR_OK);
	assert_int_equal(find(c, 0x10000, 1), PHYR_E_NOENT);
	assert_int_equal(find(c, 0xf000, 0x3000), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_type(c, a), PHYR_P2P_UNSUPPORTED);
	assert_int_equal(phyr_p2p_bar(w.p2p, a, &out), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_remove(w.p2p, a), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_remove(w.p2p, 0), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_remove(NULL, a), PHYR_E_INVAL);
	world_close(&w);
}

static void ids_are_never_used_twice(void **state)
{
	struct world w;
	struct phyr_p2p_bar out;
	uint32_t f, id, first, before = 0;

	(void)state;
	world_open(&w);
	f = function(&w);
	first = bar(&w, f, 0x1000, 0x1000);
	assert_int_equal(first, 1);
	id = first;
	/* A slot has 4096 ids; after them another slot is taken. */
	for (size_t i = 0; i < 5000; i++) {
		before = id;
		assert_int_equal(phyr_p2p_remove(w.p2p, before), PHYR_OK);
		id = bar(&w, f, 0x1000, 0x1000);
		assert_int_not_equal(id, before);
		assert_int_not_equal(id, first);
		assert_int_equal(phyr_p2p_bar(w.p2p, before, &out), PHYR_E_NOENT);
		assert_int_equal(phyr_p2p_bar(w.p2p, id, &out), PHYR_OK);
	}
	assert_int_equal(id, 2 + ((5000 - 4096) << 20));
	world_close(&w);
}

static void an_id_is_of_no_provider_before_it_is_given(void **state)
{
	struct world w;
	struct phyr_p2p_bar out;
	uint32_t f, a, b, again;

	(void)state;
	world_open(&w);
	f = function(&w);
	a = bar(&w, f, 0x1000, 0x1000);
	b = bar(&w, f, 0x2000, 0x1000);
	assert_int_equal(phyr_p2p_remove(w.p2p, a), PHYR_OK);
	assert_int_equal(phyr_p2p_remove(w.p2p, b), PHYR_OK);
	for (uint32_t use = 0; use < 4096; use++)
		for (uint32_t slot = 0; slot < 4; slot++)
			assert_int_equal(phyr_p2p_bar(w.p2p, use << 20 | slot, &out), PHYR_E_NOENT);
	assert_true(phyr_p2p_validate(w.p2p, NULL));
	again = bar(&w, f, 0x1000, 0x1000);
	assert_int_equal(phyr_p2p_bar(w.p2p, again, &out), PHYR_OK);
	world_close(&w);
}

static void what_was_found_is_remembered_until_something_changes(void **state)
{
	struct phyr_p2p_stats stats;
	struct phyr_p2p_client *c;
	struct world w;
	uint32_t f, a;

	(void)state;
	world_open(&w);
	f = function(&w);
	a = bar(&w, f, 0x10000, 0x1000);
	c = client(&w, f);
	assert_int_equal(find(c, 0x10000, 1), a);	       /* found */
	assert_int_equal(find(c, 0x10800, 0x800), a);	       /* remembered */
	assert_int_equal(find(c, 0x20000, 1), PHYR_E_NOENT);   /* memory: found */
	assert_int_equal(find(c, 0x11000, 1), PHYR_E_NOENT);   /* memory: remembered */
	assert_int_equal(find(c, 0x11000, 0), PHYR_E_INVAL);   /* not counted */
	(void)bar(&w, f, 0x20000, 0x1000);		       /* forgets */
	assert_int_equal(find(c, 0x11000, 1), PHYR_E_NOENT);   /* found */
	assert_int_equal(find(c, 0x1ffff, 2), PHYR_E_PARTIAL); /* remembered */
	phyr_p2p_client_stats(c, &stats);
	assert_int_equal(stats.lookup_cnt, 6);
	assert_int_equal(stats.lookup_hit_cnt, 3);
	assert_int_equal(stats.type_cnt, 0);
	world_close(&w);
}

static void objects_refuse_missing_arguments(void **state)
{
	struct phyr_p2p_client *c = NULL;
	struct phyr_p2p *p2p = NULL;
	const char *reason = NULL;
	struct world w;
	uint32_t h;

	(void)state;
	world_open(&w);
	h = host(&w, PHYR_P2P_FORWARD_ACROSS);
	assert_int_equal(phyr_p2p_create(NULL, &p2p), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_create(&w.t.mem, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_client_create(NULL, w.p2p, 0, &c), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_client_create(&w.t.mem, NULL, 0, &c), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_client_create(&w.t.mem, w.p2p, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_client_create(&w.t.mem, w.p2p, h, &c), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_client_create(&w.t.mem, w.p2p, h + 1, &c), PHYR_E_NOENT);
	assert_true(!p2p && !c);
	phyr_p2p_destroy(NULL);
	phyr_p2p_client_destroy(NULL);
	assert_false(phyr_p2p_validate(NULL, &reason));
	assert_string_equal(reason, "no registry");
	assert_false(phyr_p2p_client_validate(NULL, &reason));
	assert_string_equal(reason, "no client");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_inside_one_bar_is_found),
		cmocka_unit_test(a_range_that_touches_no_bar_is_ordinary_memory),
		cmocka_unit_test(a_range_that_crosses_a_border_is_partial),
		cmocka_unit_test(the_ends_of_the_address_space_can_be_bars),
		cmocka_unit_test(lookups_refuse_what_is_no_range),
		cmocka_unit_test(splitting_cuts_at_every_border),
		cmocka_unit_test(splitting_keeps_a_range_that_crosses_nothing),
		cmocka_unit_test(overlapping_bars_are_refused),
		cmocka_unit_test(registering_refuses_what_is_no_bar),
		cmocka_unit_test(a_provider_is_told_as_it_was_registered),
		cmocka_unit_test(a_removed_provider_is_ordinary_memory),
		cmocka_unit_test(ids_are_never_used_twice),
		cmocka_unit_test(an_id_is_of_no_provider_before_it_is_given),
		cmocka_unit_test(what_was_found_is_remembered_until_something_changes),
		cmocka_unit_test(objects_refuse_missing_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
