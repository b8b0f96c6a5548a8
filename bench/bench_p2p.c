/* SPDX-License-Identifier: MIT */
/*
 * Whose is a range: lookups among 16, 1000 and 100,000 BARs with memory between them. Random
 * ranges, which no memory of the last one helps; ranges in order, 16 in each BAR; memory alone, as
 * nearly all of what is mapped. tree/search is what any search costs that takes a step for each
 * halving and reads a node in each, over the same ranges. And how a client reaches a BAR,
 * remembered or not.
 */
#include <phyr/heap.h>
#include <phyr/p2p.h>

#include "bench.h"

#define LOOKUP_CNT 65536
#define BAR_LG2 20
#define LEN 4096

/* A BAR begins at each odd multiple of its size. */
struct shape {
	uint32_t bar_cnt;
	struct phyr_p2p *p2p;
	struct phyr_p2p_client *client;
	struct node *nodes;
	struct phyr_range random[LOOKUP_CNT];
	struct phyr_range sequential[LOOKUP_CNT];
};

/* A balanced binary tree of the same BARs. */
struct node {
	uint64_t first, last;
	uint32_t id;
	struct node *low, *high;
};

static struct shape few = { .bar_cnt = 16 };
static struct shape some = { .bar_cnt = 1000 };
static struct shape many = { .bar_cnt = 100000 };

static uint64_t address_of(uint64_t bar)
{
	return (2 * bar + 1) << BAR_LG2;
}

/* Of the BARs from one on; its top, or NULL. */
static struct node *make_tree(struct shape *shape, uint32_t from, uint32_t cnt)
{
	uint32_t half = cnt / 2;
	struct node *node = &shape->nodes[from + half];

	if (!cnt)
		return NULL;
	node->first = address_of(from + half);
	node->last = node->first + (UINT64_C(1) << BAR_LG2) - 1;
	node->id = from + half + 1;
	node->low = make_tree(shape, from, half);
	node->high = make_tree(shape, from + half + 1, cnt - half - 1);
	return node;
}

static void make_topology(struct shape *shape, uint32_t *ret_end, uint32_t *ret_client)
{
	struct phyr_p2p_node node = { 0, PHYR_P2P_FORWARD_NOTHING, 0 };
	uint32_t up;

	bench_require(phyr_p2p_add_node(shape->p2p, &node, &node.parent) == PHYR_OK);
	bench_require(phyr_p2p_add_node(shape->p2p, &node, &node.parent) == PHYR_OK);
	bench_require(phyr_p2p_add_node(shape->p2p, &node, &up) == PHYR_OK);
	node.parent = up;
	bench_require(phyr_p2p_add_node(shape->p2p, &node, &node.parent) == PHYR_OK);
	bench_require(phyr_p2p_add_node(shape->p2p, &node, ret_end) == PHYR_OK);
	node.parent = up;
	bench_require(phyr_p2p_add_node(shape->p2p, &node, &node.parent) == PHYR_OK);
	bench_require(phyr_p2p_add_node(shape->p2p, &node, ret_client) == PHYR_OK);
}

static void make(struct shape *shape)
{
	const struct phyr_mem *mem = phyr_heap_mem();
	struct phyr_p2p_bar bar = { { { 0 }, UINT64_C(1) << BAR_LG2 }, 0, 0 };
	uint64_t random = 1;
	uint32_t client, id;

	bench_require(phyr_p2p_create(mem, &shape->p2p) == PHYR_OK);
	make_topology(shape, &bar.owner, &client);
	for (uint32_t i = 0; i < shape->bar_cnt; i++) {
		bar.range.pa = phyr_pa_at(address_of(i));
		bench_require(phyr_p2p_register(shape->p2p, &bar, &id) == PHYR_OK && id == i + 1);
	}
	shape->nodes = mem->alloc(mem->ctx, shape->bar_cnt * sizeof(*shape->nodes));
	bench_require(shape->nodes != NULL);
	bench_require(make_tree(shape, 0, shape->bar_cnt) != NULL);
	bench_require(phyr_p2p_client_create(mem, shape->p2p, client, &shape->client) == PHYR_OK);
	for (uint32_t i = 0; i < LOOKUP_CNT; i++) {
		uint64_t inside = bench_random(&random) % 255 * LEN;

		shape->random[i].pa =
			phyr_pa_at(address_of(bench_random(&random) % shape->bar_cnt) + inside);
		shape->random[i].len = LEN;
		shape->sequential[i].pa =
			phyr_pa_at(address_of(i / 16 % shape->bar_cnt) + i % 16 * LEN);
		shape->sequential[i].len = LEN;
	}
}

static void find_in(struct bench *b, const struct shape *shape, const struct phyr_range *ranges)
{
	uint32_t id = 0;
	int err = 0;

	while (bench_running(b)) {
		for (size_t i = 0; i < LOOKUP_CNT; i++)
			err |= phyr_p2p_find(shape->client, ranges[i], &id);
	}
	bench_require(!err &&
		      address_of(id - 1) == ranges[LOOKUP_CNT - 1].pa.addr >> BAR_LG2 << BAR_LG2);
	bench_items(b, LOOKUP_CNT);
}

static void find_random(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;

	find_in(b, shape, shape->random);
}

static void find_sequential(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;

	find_in(b, shape, shape->sequential);
}

/* All of it below the first BAR. */
static void find_memory(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	int err = PHYR_E_NOENT;
	uint32_t id;

	while (bench_running(b)) {
		for (size_t i = 0; i < LOOKUP_CNT; i++) {
			struct phyr_range range = { phyr_pa_at(i * 8), LEN };

			err |= phyr_p2p_find(shape->client, range, &id);
		}
	}
	bench_require(err == PHYR_E_NOENT);
	bench_items(b, LOOKUP_CNT);
}

static void search_tree(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	const struct node *node = NULL;

	while (bench_running(b)) {
		for (size_t i = 0; i < LOOKUP_CNT; i++) {
			uint64_t at = shape->random[i].pa.addr;

			node = &shape->nodes[shape->bar_cnt / 2];
			while (node && (at < node->first || at > node->last))
				node = at < node->first ? node->low : node->high;
			bench_use(node ? node->id : 0);
		}
	}
	bench_require(node && node->first <= shape->random[LOOKUP_CNT - 1].pa.addr);
	bench_items(b, LOOKUP_CNT);
}

/* Of one provider, which is remembered. */
static void type_known(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	unsigned int types = 0;

	while (bench_running(b)) {
		for (size_t i = 0; i < LOOKUP_CNT; i++)
			types |= phyr_p2p_type(shape->client, 1);
	}
	bench_require(types == PHYR_P2P_BUS);
	bench_items(b, LOOKUP_CNT);
}

/* Of providers in turn, more than are remembered. */
static void type_new(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	unsigned int types = 0;

	while (bench_running(b)) {
		for (uint32_t i = 0; i < LOOKUP_CNT; i++)
			types |= phyr_p2p_type(shape->client, 1 + i % 1000);
	}
	bench_require(types == PHYR_P2P_BUS);
	bench_items(b, LOOKUP_CNT);
}

static void ignore(struct phyr_p2p_user *user)
{
	(void)user;
}

static void attach(struct bench *b, const void *arg)
{
	const struct shape *shape = arg;
	struct phyr_p2p_user user = { .revoke = ignore };
	int err = 0;

	while (bench_running(b)) {
		for (size_t i = 0; i < LOOKUP_CNT; i++) {
			err |= phyr_p2p_attach(shape->p2p, 1, &user);
			phyr_p2p_detach(&user);
		}
	}
	bench_require(!err);
	bench_items(b, LOOKUP_CNT);
}

int main(int argc, char **argv)
{
	make(&few);
	make(&some);
	make(&many);
	bench_add("p2p/find/random_of_16", find_random, &few);
	bench_add("p2p/find/random_of_1000", find_random, &some);
	bench_add("p2p/find/random_of_100000", find_random, &many);
	bench_add("tree/search/random_of_16", search_tree, &few);
	bench_add("tree/search/random_of_1000", search_tree, &some);
	bench_add("tree/search/random_of_100000", search_tree, &many);
	bench_add("p2p/find/sequential_of_16", find_sequential, &few);
	bench_add("p2p/find/sequential_of_1000", find_sequential, &some);
	bench_add("p2p/find/sequential_of_100000", find_sequential, &many);
	bench_add("p2p/find/memory", find_memory, &some);
	bench_add("p2p/type/known", type_known, &some);
	bench_add("p2p/type/new", type_new, &some);
	bench_add("p2p/attach/pair", attach, &some);
	return bench_main(argc, argv);
}
