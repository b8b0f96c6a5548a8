/* SPDX-License-Identifier: MIT */
/*
 * Distances as they are asked for when a provider is chosen: which one is nearest, and what is
 * refused. Also how many nodes and providers there can be. Not here: the distances themselves
 * (test_p2p_types.c).
 */
#include "p2p_world.h"

#define LIMIT ((UINT32_C(1) << 20) - 1)

/* A switch with four slots, and a device below another port of a bridge that forwards nothing. */
struct machine {
	struct world w;
	uint32_t host, ends[5];
	uint32_t near, twin, far, foreign; /* providers: of ends[0], again, of ends[1], ends[4] */
};

static void machine_open(struct machine *m)
{
	struct world *w = &m->w;
	uint32_t up;

	world_open(w);
	m->host = host(w, PHYR_P2P_FORWARD_NOTHING);
	up = below(w, below(w, m->host));
	for (size_t i = 0; i < 4; i++)
		m->ends[i] = below(w, below(w, up));
	m->ends[4] = below(w, below(w, m->host));
	m->far = bar(w, m->ends[1], 0x3000, 0x1000);
	m->near = bar(w, m->ends[0], 0x1000, 0x1000);
	m->twin = bar(w, m->ends[0], 0x2000, 0x1000);
	m->foreign = bar(w, m->ends[4], 0x4000, 0x1000);
}

static int nearest(const struct machine *m, const uint32_t *providers, size_t cnt, uint32_t node,
		   uint32_t *ret_provider)
{
	struct phyr_p2p_ids of = { providers, cnt }, to = { &node, 1 };

	return phyr_p2p_find_nearest(m->w.p2p, of, to, ret_provider);
}

static void the_nearest_provider_is_found(void **state)
{
	struct machine m;
	uint32_t all[4], id = 0;

	(void)state;
	machine_open(&m);
	all[0] = m.foreign;
	all[1] = m.far;
	all[2] = m.twin;
	all[3] = m.near;
	assert_int_equal(nearest(&m, all, 4, m.ends[1], &id), PHYR_OK);
	assert_int_equal(id, m.far);
	assert_int_equal(nearest(&m, all, 4, m.ends[4], &id), PHYR_OK);
	assert_int_equal(id, m.foreign);
	world_close(&m.w);
}

static void of_equally_near_providers_the_lowest_id_is_taken(void **state)
{
	struct machine m;
	uint32_t all[3], id = 0;

	(void)state;
	machine_open(&m);
	for (size_t first = 0; first < CNT(all); first++) {
		all[first] = m.twin;
		all[(first + 1) % 3] = m.near;
		all[(first + 2) % 3] = m.far;
		assert_int_equal(nearest(&m, all, 3, m.ends[0], &id), PHYR_OK);
		assert_int_equal(id, m.near);
		assert_int_equal(nearest(&m, all, 3, m.ends[2], &id), PHYR_OK);
		assert_int_equal(id, m.far); /* ids: far < near < twin, all 4 away */
	}
	world_close(&m.w);
}

static void all_devices_have_to_reach_the_nearest(void **state)
{
	struct machine m;
	struct phyr_p2p_ids of, to;
	uint32_t all[2], nodes[3], id = 7;

	(void)state;
	machine_open(&m);
	all[0] = m.far;
	all[1] = m.foreign;
	nodes[0] = m.ends[0];
	nodes[1] = m.ends[0];
	nodes[2] = m.ends[4];
	of = (struct phyr_p2p_ids){ all, 2 };
	to = (struct phyr_p2p_ids){ nodes, 3 };
	assert_int_equal(phyr_p2p_find_nearest(m.w.p2p, of, to, &id), PHYR_E_UNREACHABLE);
	to.cnt = 0;
	assert_int_equal(phyr_p2p_find_nearest(m.w.p2p, of, to, &id), PHYR_E_UNREACHABLE);
	to.cnt = 2;
	of.cnt = 0;
	assert_int_equal(phyr_p2p_find_nearest(m.w.p2p, of, to, &id), PHYR_E_UNREACHABLE);
	assert_int_equal(id, 7);
	of.cnt = 2;
	assert_int_equal(phyr_p2p_find_nearest(m.w.p2p, of, to, &id), PHYR_OK);
	assert_int_equal(id, m.far);
	world_close(&m.w);
}

static void choosing_refuses_what_is_not_there(void **state)
{
	struct machine m;
	uint32_t id = 7, gone = 99;

	(void)state;
	machine_open(&m);
	assert_int_equal(nearest(&m, &gone, 1, m.ends[0], &id), PHYR_E_NOENT);
	assert_int_equal(nearest(&m, &m.near, 1, 99, &id), PHYR_E_NOENT);
	assert_int_equal(nearest(&m, &m.near, 1, m.host, &id), PHYR_E_INVAL);
	assert_int_equal(nearest(&m, &m.near, 1, 0, &id), PHYR_E_UNREACHABLE);
	assert_int_equal(nearest(&m, NULL, 1, m.ends[0], &id), PHYR_E_INVAL);
	assert_int_equal(nearest(&m, &m.near, 1, m.ends[0], NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_find_nearest(NULL, (struct phyr_p2p_ids){ 0 },
					       (struct phyr_p2p_ids){ 0 }, &id),
			 PHYR_E_INVAL);
	assert_int_equal(id, 7);
	world_close(&m.w);
}

static void distances_refuse_what_is_not_there(void **state)
{
	struct machine m;
	enum phyr_p2p_type type = PHYR_P2P_NONE;
	struct phyr_p2p_ids none = { NULL, 1 }, mixed;
	unsigned int hops = 7;
	uint64_t sum = 7;
	uint32_t nodes[2];

	(void)state;
	machine_open(&m);
	nodes[0] = m.ends[4]; /* not reached */
	nodes[1] = 99;	      /* not there */
	mixed = (struct phyr_p2p_ids){ nodes, 2 };
	assert_int_equal(phyr_p2p_distance(NULL, m.near, m.ends[0], &type, &hops), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance(m.w.p2p, m.near, m.ends[0], NULL, &hops), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance(m.w.p2p, m.near, m.ends[0], &type, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance(m.w.p2p, m.near, m.host, &type, &hops), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance(m.w.p2p, m.near, 99, &type, &hops), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_distance(m.w.p2p, 99, m.ends[0], &type, &hops), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_distance_many(NULL, m.near, mixed, &sum), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.near, none, &sum), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.near, mixed, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.near, mixed, &sum), PHYR_E_NOENT);
	nodes[1] = m.host;
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.near, mixed, &sum), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, 99, mixed, &sum), PHYR_E_NOENT);
	assert_true(type == PHYR_P2P_NONE && hops == 7 && sum == 7);
	world_close(&m.w);
}

static void nodes_have_a_limit_and_a_chain_of_them_a_distance(void **state)
{
	struct phyr_p2p_node more = { 0 };
	enum phyr_p2p_type type;
	unsigned int hops;
	struct world w;
	uint32_t id, deep, provider;

	(void)state;
	world_open(&w);
	deep = host(&w, PHYR_P2P_FORWARD_NOTHING);
	while (deep < LIMIT)
		deep = below(&w, deep);
	more.parent = deep;
	assert_int_equal(phyr_p2p_add_node(w.p2p, &more, &id), PHYR_E_LIMIT);
	provider = bar(&w, 2, 0, 1);
	assert_int_equal(phyr_p2p_distance(w.p2p, provider, deep, &type, &hops), PHYR_OK);
	assert_true(type == PHYR_P2P_BUS && hops == LIMIT - 2);
	world_close(&w);
}

static void providers_have_a_limit(void **state)
{
	struct world w;
	uint32_t f, id = 7;

	(void)state;
	world_open(&w);
	f = below(&w, host(&w, PHYR_P2P_FORWARD_NOTHING));
	for (uint64_t i = 1; i <= LIMIT; i++)
		assert_int_equal(bar(&w, f, i << 12, 0x1000), i);
	assert_int_equal(try_bar(&w, f, 0, 1, &id), PHYR_E_LIMIT);
	assert_int_equal(id, 7);
	assert_int_equal(phyr_p2p_remove(w.p2p, 1234), PHYR_OK);
	assert_int_equal(bar(&w, f, UINT64_C(1234) << 12, 0x1000), 1234 + (1 << 20));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_provider_is_found),
		cmocka_unit_test(of_equally_near_providers_the_lowest_id_is_taken),
		cmocka_unit_test(all_devices_have_to_reach_the_nearest),
		cmocka_unit_test(choosing_refuses_what_is_not_there),
		cmocka_unit_test(distances_refuse_what_is_not_there),
		cmocka_unit_test(nodes_have_a_limit_and_a_chain_of_them_a_distance),
		cmocka_unit_test(providers_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
