/* SPDX-License-Identifier: MIT */
/*
 * Random topologies against the rule as it is written down: both chains of nodes, the first of one
 * that is in the other, all redirecting nodes of both parts. Nodes, ACS bits and providers change
 * at random moments; clients, who ask often or seldom, are never told a type from before.
 * PHYR_SEED and PHYR_ITER choose which topologies and how many.
 */
#include "p2p_world.h"

#define NODES 24
#define BARS 6
#define SEEDS 300
#define STEPS 500
#define ABSENT INT64_MAX

struct model {
	struct phyr_p2p_node nodes[NODES + 1]; /* by id */
	uint32_t node_cnt;
	uint32_t providers[BARS], owners[BARS]; /* provider 0: none */
	struct phyr_p2p_client *clients[4];
	uint32_t client_nodes[4]; /* 0: no PCI device */
	uint64_t random;
};

struct answer {
	enum phyr_p2p_type type;
	unsigned int distance;
};

static uint32_t up_to(struct model *m, uint64_t n)
{
	return (uint32_t)(test_random(&m->random) % n);
}

/* The node and all above it but the host bridge; its id is returned. */
static uint32_t chain(const struct model *m, uint32_t node, uint32_t *ret_ids,
		      unsigned int *ret_cnt)
{
	*ret_cnt = 0;
	for (; m->nodes[node].parent; node = m->nodes[node].parent)
		ret_ids[(*ret_cnt)++] = node;
	return node;
}

static bool redirects(const struct model *m, const uint32_t *ids, unsigned int cnt)
{
	for (unsigned int i = 0; i < cnt; i++)
		if (m->nodes[ids[i]].acs & 0x2c)
			return true;
	return false;
}

static bool bridge_helps(const struct model *m, uint32_t a, uint32_t b)
{
	if (a == b)
		return m->nodes[a].forward != PHYR_P2P_FORWARD_NOTHING;
	return m->nodes[a].forward == PHYR_P2P_FORWARD_ACROSS &&
	       m->nodes[b].forward == PHYR_P2P_FORWARD_ACROSS;
}

static struct answer rule(const struct model *m, uint32_t a, uint32_t b)
{
	uint32_t a_ids[NODES], b_ids[NODES], a_host, b_host;
	struct answer answer = { PHYR_P2P_UNSUPPORTED, 0 };
	unsigned int a_cnt, b_cnt, i, j = 0;

	if (!b)
		return answer;
	a_host = chain(m, a, a_ids, &a_cnt);
	b_host = chain(m, b, b_ids, &b_cnt);
	for (i = 0; i < a_cnt; i++) {
		for (j = 0; j < b_cnt && b_ids[j] != a_ids[i]; j++)
			;
		if (j < b_cnt)
			break;
	}
	answer.distance = i < a_cnt ? i + j : a_cnt + b_cnt;
	if (i < a_cnt && !redirects(m, a_ids, i + 1) && !redirects(m, b_ids, j))
		answer.type = a == b ? PHYR_P2P_OWN : PHYR_P2P_BUS;
	else if (bridge_helps(m, a_host, b_host))
		answer.type = PHYR_P2P_BRIDGE;
	return answer;
}

static void add_node(struct world *w, struct model *m)
{
	struct phyr_p2p_node node = { 0 };
	uint32_t id = 0;

	if (m->node_cnt == NODES)
		return;
	node.parent = m->node_cnt && up_to(m, 8) ? 1 + up_to(m, m->node_cnt) : 0;
	if (node.parent)
		node.acs = up_to(m, 4) ? 0 : (uint16_t)up_to(m, 128);
	else
		node.forward = (enum phyr_p2p_forward)up_to(m, 3);
	assert_int_equal(phyr_p2p_add_node(w->p2p, &node, &id), PHYR_OK);
	assert_int_equal(id, ++m->node_cnt);
	m->nodes[id] = node;
}

/* A node that is no host bridge; 0 if the one that was picked is. */
static uint32_t pick(struct model *m)
{
	uint32_t id = 1 + up_to(m, m->node_cnt);

	return m->nodes[id].parent ? id : 0;
}

static void change_acs(struct world *w, struct model *m)
{
	uint32_t id = pick(m);

	if (!id)
		return;
	m->nodes[id].acs = up_to(m, 2) ? 0 : (uint16_t)up_to(m, 128);
	assert_int_equal(phyr_p2p_set_acs(w->p2p, id, m->nodes[id].acs), PHYR_OK);
}

/* Takes a slot's provider away, or gives it one. */
static void change_bar(struct world *w, struct model *m)
{
	uint32_t slot = up_to(m, BARS), owner = pick(m);

	if (m->providers[slot]) {
		assert_int_equal(phyr_p2p_remove(w->p2p, m->providers[slot]), PHYR_OK);
		m->providers[slot] = 0;
	} else if (owner) {
		m->providers[slot] = bar(w, owner, UINT64_C(0x1000) * slot, 0x1000);
		m->owners[slot] = owner;
	}
}

static void change_client(struct world *w, struct model *m, size_t i)
{
	phyr_p2p_client_destroy(m->clients[i]);
	m->client_nodes[i] = pick(m);
	assert_int_equal(
		phyr_p2p_client_create(&w->t.mem, w->p2p, m->client_nodes[i], &m->clients[i]),
		PHYR_OK);
}

static void ask(struct world *w, struct model *m, size_t i)
{
	uint32_t slot = up_to(m, BARS);
	uint32_t provider = m->providers[slot], node = m->client_nodes[i];
	struct answer right = { PHYR_P2P_NONE, 0 }, told = { PHYR_P2P_NONE, 0 };
	int err;

	if (provider)
		right = rule(m, m->owners[slot], node);
	assert_int_equal(phyr_p2p_type(m->clients[i], provider), right.type);
	assert_true(phyr_p2p_client_validate(m->clients[i], NULL));
	err = phyr_p2p_distance(w->p2p, provider, node, &told.type, &told.distance);
	if (!provider) {
		assert_int_equal(err, PHYR_E_NOENT);
	} else if (right.type == PHYR_P2P_UNSUPPORTED) {
		assert_int_equal(err, PHYR_E_UNREACHABLE);
	} else {
		assert_int_equal(err, PHYR_OK);
		assert_true(told.type == right.type && told.distance == right.distance);
	}
}

/* The sum of the distances to the first cnt clients; ABSENT if there is none. */
static int64_t sum_of(const struct model *m, uint32_t owner, size_t cnt)
{
	int64_t sum = 0;

	for (size_t i = 0; i < cnt; i++) {
		struct answer answer = rule(m, owner, m->client_nodes[i]);

		if (answer.type == PHYR_P2P_UNSUPPORTED)
			return ABSENT;
		sum += answer.distance;
	}
	return cnt ? sum : ABSENT;
}

static void ask_many(struct world *w, struct model *m)
{
	struct phyr_p2p_ids nodes = { m->client_nodes, up_to(m, 5) }, of = { NULL, 0 };
	uint32_t ids[BARS], best = 0, told = 0;
	int64_t best_sum = ABSENT;

	for (size_t slot = 0; slot < BARS; slot++) {
		uint32_t provider = m->providers[slot];
		int64_t sum = provider ? sum_of(m, m->owners[slot], nodes.cnt) : ABSENT;
		uint64_t told_sum = ABSENT;
		int err;

		if (!provider)
			continue;
		ids[of.cnt++] = provider;
		err = phyr_p2p_distance_many(w->p2p, provider, nodes, &told_sum);
		assert_int_equal(err, sum == ABSENT ? PHYR_E_UNREACHABLE : PHYR_OK);
		assert_int_equal(told_sum, sum);
		if (sum != ABSENT && (sum < best_sum || (sum == best_sum && provider < best))) {
			best = provider;
			best_sum = sum;
		}
	}
	of.ids = ids;
	assert_int_equal(phyr_p2p_find_nearest(w->p2p, of, nodes, &told),
			 best ? PHYR_OK : PHYR_E_UNREACHABLE);
	assert_int_equal(told, best);
}

static void step(struct world *w, struct model *m)
{
	switch (up_to(m, 8)) {
	case 0:
		add_node(w, m);
		break;
	case 1:
		change_acs(w, m);
		break;
	case 2:
		change_bar(w, m);
		break;
	case 3:
		if (!up_to(m, 4))
			change_client(w, m, up_to(m, 4));
		break;
	case 4:
		ask_many(w, m);
		break;
	default:
		/* Client 0 asks most, client 3 seldom. */
		ask(w, m, up_to(m, 1 + up_to(m, 4)));
		break;
	}
}

static void run(uint64_t seed)
{
	struct model m = { .random = seed * 77 + 1 };
	struct world w;

	world_open(&w);
	add_node(&w, &m);
	for (size_t i = 0; i < CNT(m.clients); i++)
		change_client(&w, &m, i);
	for (size_t i = 0; i < STEPS; i++)
		step(&w, &m);
	for (size_t i = 0; i < CNT(m.clients); i++)
		phyr_p2p_client_destroy(m.clients[i]);
	world_close(&w);
}

static void every_way_is_that_of_the_rule(void **state)
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
		cmocka_unit_test_teardown(every_way_is_that_of_the_rule, tell_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
