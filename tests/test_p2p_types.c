/* SPDX-License-Identifier: MIT */
/*
 * How a client reaches a provider, and how far it is: the vectors P1 … P13 by their names, every
 * ACS bit at every node of a way, host bridges, changes. Not here: which real host bridges forward
 * (test_linux_bridge.c).
 */
#include "p2p_world.h"

/*
 *	hosts[0] ── ports[0] ── up ─┬─ downs[0] ─┬─ ends[0]
 *	   │                        │            └─ twin (another function of the same device)
 *	   │                        └─ downs[1] ─── ends[1]
 *	   └─────── ports[1] ─────────────────────── ends[2]
 *	hosts[1] ── ports[2] ─────────────────────── ends[3]
 */
struct machine {
	struct world w;
	uint32_t hosts[2], ports[3], up, downs[2], ends[4], twin;
	uint32_t provider; /* of ends[0] */
};

static void machine_open(struct machine *m, enum phyr_p2p_forward a, enum phyr_p2p_forward b)
{
	struct world *w = &m->w;

	world_open(w);
	m->hosts[0] = host(w, a);
	m->hosts[1] = host(w, b);
	m->ports[0] = below(w, m->hosts[0]);
	m->ports[1] = below(w, m->hosts[0]);
	m->ports[2] = below(w, m->hosts[1]);
	m->up = below(w, m->ports[0]);
	m->downs[0] = below(w, m->up);
	m->downs[1] = below(w, m->up);
	m->ends[0] = below(w, m->downs[0]);
	m->twin = below(w, m->downs[0]);
	m->ends[1] = below(w, m->downs[1]);
	m->ends[2] = below(w, m->ports[1]);
	m->ends[3] = below(w, m->ports[2]);
	m->provider = bar(w, m->ends[0], 0x1000000, 0x100000);
}

/* The type and distance from ends[0], asked in every way there is; −1: there is no distance. */
static void expect(struct machine *m, uint32_t node, enum phyr_p2p_type type, int distance)
{
	struct phyr_p2p_client *c;
	struct phyr_p2p_ids one = { &node, 1 };
	enum phyr_p2p_type told = PHYR_P2P_UNSUPPORTED;
	unsigned int hops = 0;
	uint64_t sum = 0;
	int err = distance < 0 ? PHYR_E_UNREACHABLE : PHYR_OK;

	assert_int_equal(phyr_p2p_client_create(&m->w.t.mem, m->w.p2p, node, &c), PHYR_OK);
	assert_int_equal(phyr_p2p_type(c, m->provider), type);
	assert_int_equal(phyr_p2p_type(c, m->provider), type);
	phyr_p2p_client_destroy(c);
	assert_int_equal(phyr_p2p_distance(m->w.p2p, m->provider, node, &told, &hops), err);
	assert_int_equal(phyr_p2p_distance_many(m->w.p2p, m->provider, one, &sum), err);
	assert_int_equal(told, type);
	assert_int_equal(hops, distance < 0 ? 0 : distance);
	assert_int_equal(sum, distance < 0 ? 0 : distance);
}

static void set_acs(struct machine *m, uint32_t node, uint16_t acs)
{
	assert_int_equal(phyr_p2p_set_acs(m->w.p2p, node, acs), PHYR_OK);
}

static void p1_the_same_function_uses_the_bus_address_at_distance_0(void **state)
{
	struct machine m;
	phyr_iova bus;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	expect(&m, m.ends[0], PHYR_P2P_OWN, 0);
	assert_int_equal(
		phyr_p2p_bus(client(&m.w, m.ends[0]), m.provider, phyr_pa_at(0x1000004), &bus),
		PHYR_OK);
	assert_int_equal(bus.addr, 0x1000004);
	world_close(&m.w);
}

static void p2_two_functions_of_a_device_are_2_apart(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	expect(&m, m.twin, PHYR_P2P_BUS, 2);
	world_close(&m.w);
}

static void p3_two_slots_of_a_switch_are_4_apart(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	expect(&m, m.ends[1], PHYR_P2P_BUS, 4);
	world_close(&m.w);
}

static void p5_a_redirect_below_a_bridge_that_forwards_nothing_is_unsupported(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_ACROSS);
	set_acs(&m, m.downs[1], RR);
	expect(&m, m.ends[1], PHYR_P2P_UNSUPPORTED, -1);
	world_close(&m.w);
}

static void p7_two_root_ports_go_through_a_bridge_that_forwards_within(void **state)
{
	struct machine m;
	uint32_t near;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_WITHIN, PHYR_P2P_FORWARD_ACROSS);
	near = below(&m.w, below(&m.w, m.hosts[0]));
	m.provider = bar(&m.w, near, 0x4000000, 0x1000);
	expect(&m, m.ends[2], PHYR_P2P_BRIDGE, 4);
	world_close(&m.w);
}

static void p9_what_is_no_pci_device_reaches_nothing(void **state)
{
	struct phyr_p2p_client *c;
	struct machine m;
	phyr_iova bus = { 7 };

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_ACROSS, PHYR_P2P_FORWARD_ACROSS);
	expect(&m, 0, PHYR_P2P_UNSUPPORTED, -1);
	c = client(&m.w, 0);
	assert_int_equal(phyr_p2p_type(c, 0), PHYR_P2P_NONE);
	assert_int_equal(phyr_p2p_bus(c, m.provider, phyr_pa_at(0x1000000), &bus),
			 PHYR_E_UNREACHABLE);
	assert_int_equal(bus.addr, 7);
	world_close(&m.w);
}

static void p10_a_bus_address_is_the_address_plus_the_offset(void **state)
{
	struct phyr_p2p_bar far = { { { 0x200000000000 }, 0x10000 }, 0, 0 };
	struct phyr_p2p_client *c;
	struct machine m;
	phyr_iova bus = { 7 };
	uint32_t id;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_WITHIN, PHYR_P2P_FORWARD_WITHIN);
	far.bus_offset = UINT64_C(0x80000000) - far.range.pa.addr;
	far.owner = m.ends[0];
	assert_int_equal(phyr_p2p_register(m.w.p2p, &far, &id), PHYR_OK);
	c = client(&m.w, m.ends[1]);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x200000001000), &bus), PHYR_OK);
	assert_int_equal(bus.addr, 0x80001000);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x20000000ffff), &bus), PHYR_OK);
	assert_int_equal(bus.addr, 0x8000ffff);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x200000010000), &bus), PHYR_E_RANGE);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x1fffffffffff), &bus), PHYR_E_RANGE);
	assert_int_equal(phyr_p2p_bus(c, id + 1, phyr_pa_at(0), &bus), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_bus(c, 0, phyr_pa_at(0), &bus), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_bus(NULL, id, phyr_pa_at(0), &bus), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x200000000000), NULL), PHYR_E_INVAL);
	c = client(&m.w, m.ends[2]);
	assert_int_equal(phyr_p2p_bus(c, id, phyr_pa_at(0x200000000000), &bus), PHYR_E_KIND);
	assert_int_equal(bus.addr, 0x8000ffff);
	world_close(&m.w);
}

static void p11_distances_to_several_clients_add_up(void **state)
{
	struct machine m;
	struct phyr_p2p_ids ids;
	uint32_t nodes[3];
	uint64_t sum = 7;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	nodes[0] = m.ends[1];
	nodes[1] = m.ends[1];
	nodes[2] = m.ends[2];
	ids.ids = nodes;
	ids.cnt = 3;
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.provider, ids, &sum),
			 PHYR_E_UNREACHABLE);
	ids.cnt = 0;
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.provider, ids, &sum),
			 PHYR_E_UNREACHABLE);
	assert_int_equal(sum, 7);
	ids.cnt = 2;
	assert_int_equal(phyr_p2p_distance_many(m.w.p2p, m.provider, ids, &sum), PHYR_OK);
	assert_int_equal(sum, 8);
	world_close(&m.w);
}

static void p12_other_acs_bits_do_not_count(void **state)
{
	struct machine m;
	uint16_t others = 0xffff & ~(PHYR_P2P_ACS_RR | PHYR_P2P_ACS_CR | PHYR_P2P_ACS_EC);

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	for (uint32_t node = m.ports[0]; node <= m.ends[3]; node++)
		set_acs(&m, node, others);
	expect(&m, m.ends[0], PHYR_P2P_OWN, 0);
	expect(&m, m.twin, PHYR_P2P_BUS, 2);
	expect(&m, m.ends[1], PHYR_P2P_BUS, 4);
	world_close(&m.w);
}

static void p13_a_request_of_memory_and_a_bar_is_nobodys(void **state)
{
	struct phyr_p2p_client *c;
	struct phyr_range first;
	struct machine m;
	uint32_t id = 7;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	c = client(&m.w, m.ends[1]);
	assert_int_equal(phyr_p2p_find(c, range_at(0xfff000, 0x2000), &id), PHYR_E_PARTIAL);
	assert_int_equal(phyr_p2p_split(c, range_at(0xfff000, 0x2000), &first, &id), PHYR_OK);
	assert_true(first.len == 0x1000 && id == 0);
	world_close(&m.w);
}

static void each_redirecting_bit_counts_at_each_node_of_the_way(void **state)
{
	static const uint16_t bits[] = { PHYR_P2P_ACS_RR, PHYR_P2P_ACS_CR, PHYR_P2P_ACS_EC };
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_WITHIN, PHYR_P2P_FORWARD_NOTHING);
	for (size_t i = 0; i < CNT(bits); i++) {
		const uint32_t on[] = { m.ends[0], m.downs[0], m.up, m.downs[1], m.ends[1] };
		const uint32_t off[] = { m.twin, m.ports[0], m.ports[1], m.ends[2], m.ends[3] };

		for (size_t j = 0; j < CNT(on); j++) {
			set_acs(&m, on[j], bits[i]);
			expect(&m, m.ends[1], PHYR_P2P_BRIDGE, 4);
			set_acs(&m, on[j], 0);
			set_acs(&m, off[j], bits[i]);
			expect(&m, m.ends[1], PHYR_P2P_BUS, 4);
			set_acs(&m, off[j], 0);
		}
	}
	world_close(&m.w);
}

static void a_function_that_redirects_reaches_its_own_bar_through_the_bridge(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_WITHIN, PHYR_P2P_FORWARD_NOTHING);
	set_acs(&m, m.ends[0], PHYR_P2P_ACS_CR);
	expect(&m, m.ends[0], PHYR_P2P_BRIDGE, 0);
	world_close(&m.w);
}

static void bridges_forward_to_each_other_only_if_both_do(void **state)
{
	static const enum phyr_p2p_forward no = PHYR_P2P_FORWARD_NOTHING;

	(void)state;
	for (int a = PHYR_P2P_FORWARD_NOTHING; a <= PHYR_P2P_FORWARD_ACROSS; a++) {
		for (int b = PHYR_P2P_FORWARD_NOTHING; b <= PHYR_P2P_FORWARD_ACROSS; b++) {
			bool across = a == PHYR_P2P_FORWARD_ACROSS && b == PHYR_P2P_FORWARD_ACROSS;
			bool within = a != (int)no;
			struct machine m;

			machine_open(&m, (enum phyr_p2p_forward)a, (enum phyr_p2p_forward)b);
			expect(&m, m.ends[3], across ? PHYR_P2P_BRIDGE : PHYR_P2P_UNSUPPORTED,
			       across ? 6 : -1);
			expect(&m, m.ends[2], within ? PHYR_P2P_BRIDGE : PHYR_P2P_UNSUPPORTED,
			       within ? 6 : -1);
			world_close(&m.w);
		}
	}
}

static void functions_right_below_a_host_bridge_have_no_common_node(void **state)
{
	struct machine m;
	uint32_t a, b;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_WITHIN, PHYR_P2P_FORWARD_NOTHING);
	a = below(&m.w, m.hosts[0]);
	b = below(&m.w, m.hosts[0]);
	m.provider = bar(&m.w, a, 0x4000000, 0x1000);
	expect(&m, b, PHYR_P2P_BRIDGE, 2);
	expect(&m, a, PHYR_P2P_OWN, 0);
	world_close(&m.w);
}

static void a_port_above_the_provider_is_a_client_like_others(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	expect(&m, m.up, PHYR_P2P_BUS, 2);
	m.provider = bar(&m.w, m.up, 0x4000000, 0x1000);
	expect(&m, m.ends[1], PHYR_P2P_BUS, 2);
	world_close(&m.w);
}

static void a_change_of_acs_is_seen_at_once(void **state)
{
	struct phyr_p2p_stats stats;
	struct phyr_p2p_client *c;
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	c = client(&m.w, m.ends[1]);
	assert_int_equal(phyr_p2p_type(c, m.provider), PHYR_P2P_BUS);
	assert_int_equal(phyr_p2p_type(c, m.provider), PHYR_P2P_BUS);
	set_acs(&m, m.up, RR);
	assert_int_equal(phyr_p2p_type(c, m.provider), PHYR_P2P_UNSUPPORTED);
	set_acs(&m, m.up, 0);
	assert_int_equal(phyr_p2p_type(c, m.provider), PHYR_P2P_BUS);
	assert_int_equal(phyr_p2p_type(c, m.provider), PHYR_P2P_BUS);
	assert_int_equal(phyr_p2p_type(c, m.provider + 1), PHYR_P2P_UNSUPPORTED);
	assert_int_equal(phyr_p2p_type(c, 0), PHYR_P2P_NONE);
	phyr_p2p_client_stats(c, &stats);
	assert_int_equal(stats.type_cnt, 5);
	assert_int_equal(stats.type_hit_cnt, 2);
	world_close(&m.w);
}

static void many_providers_are_not_taken_for_one_another(void **state)
{
	struct phyr_p2p_client *c;
	struct machine m;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	c = client(&m.w, m.ends[0]);
	/* Ids in a row, far more than a client remembers: one of its own, 99 of another device. */
	for (uint64_t i = 1; i < 500; i++)
		(void)bar(&m.w, i % 100 ? m.ends[1] : m.ends[0], 0x4000000 + (i << 12), 0x1000);
	for (size_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < 500; i++)
			assert_int_equal(phyr_p2p_type(c, m.provider + i),
					 i % 100 ? PHYR_P2P_BUS : PHYR_P2P_OWN);
	world_close(&m.w);
}

static void topology_refuses_what_makes_no_sense(void **state)
{
	struct phyr_p2p_node node = { 0 };
	struct machine m;
	uint32_t id = 7;

	(void)state;
	machine_open(&m, PHYR_P2P_FORWARD_NOTHING, PHYR_P2P_FORWARD_NOTHING);
	assert_int_equal(phyr_p2p_add_node(NULL, &node, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, NULL, &id), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, &node, NULL), PHYR_E_INVAL);
	node.acs = PHYR_P2P_ACS_SV;
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, &node, &id), PHYR_E_INVAL);
	node.parent = m.ends[3] + 1;
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, &node, &id), PHYR_E_NOENT);
	node.parent = m.up;
	node.forward = PHYR_P2P_FORWARD_WITHIN;
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, &node, &id), PHYR_E_INVAL);
	node.parent = 0;
	node.acs = 0;
	node.forward = (enum phyr_p2p_forward)3;
	assert_int_equal(phyr_p2p_add_node(m.w.p2p, &node, &id), PHYR_E_INVAL);
	assert_int_equal(id, 7);
	assert_int_equal(phyr_p2p_set_acs(NULL, m.up, 0), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_set_acs(m.w.p2p, m.hosts[0], 0), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_set_acs(m.w.p2p, m.ends[3] + 1, 0), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_set_acs(m.w.p2p, 0, 0), PHYR_E_NOENT);
	world_close(&m.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p1_the_same_function_uses_the_bus_address_at_distance_0),
		cmocka_unit_test(p2_two_functions_of_a_device_are_2_apart),
		cmocka_unit_test(p3_two_slots_of_a_switch_are_4_apart),
		cmocka_unit_test(p5_a_redirect_below_a_bridge_that_forwards_nothing_is_unsupported),
		cmocka_unit_test(p7_two_root_ports_go_through_a_bridge_that_forwards_within),
		cmocka_unit_test(p9_what_is_no_pci_device_reaches_nothing),
		cmocka_unit_test(p10_a_bus_address_is_the_address_plus_the_offset),
		cmocka_unit_test(p11_distances_to_several_clients_add_up),
		cmocka_unit_test(p12_other_acs_bits_do_not_count),
		cmocka_unit_test(p13_a_request_of_memory_and_a_bar_is_nobodys),
		cmocka_unit_test(each_redirecting_bit_counts_at_each_node_of_the_way),
		cmocka_unit_test(a_function_that_redirects_reaches_its_own_bar_through_the_bridge),
		cmocka_unit_test(bridges_forward_to_each_other_only_if_both_do),
		cmocka_unit_test(functions_right_below_a_host_bridge_have_no_common_node),
		cmocka_unit_test(a_port_above_the_provider_is_a_client_like_others),
		cmocka_unit_test(a_change_of_acs_is_seen_at_once),
		cmocka_unit_test(many_providers_are_not_taken_for_one_another),
		cmocka_unit_test(topology_refuses_what_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
