/* SPDX-License-Identifier: MIT */
/* A registry of peers with its own allocator, for tests; nodes, BARs, clients in a line each. */
#ifndef PHYR_TEST_P2P_WORLD_H
#define PHYR_TEST_P2P_WORLD_H

#include <phyr/p2p.h>

#include "test.h"

#define CLIENT_MAX 8
#define RR PHYR_P2P_ACS_RR

struct world {
	struct test_mem t;
	struct phyr_p2p *p2p;
	struct phyr_p2p_client *clients[CLIENT_MAX];
	size_t client_cnt;
};

static inline void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	test_mem_init(&w->t);
	assert_int_equal(phyr_p2p_create(&w->t.mem, &w->p2p), PHYR_OK);
}

static inline void world_close(struct world *w)
{
	const char *reason = NULL;

	for (size_t i = 0; i < w->client_cnt; i++) {
		if (!phyr_p2p_client_validate(w->clients[i], &reason))
			fail_msg("%s", reason);
		phyr_p2p_client_destroy(w->clients[i]);
	}
	if (!phyr_p2p_validate(w->p2p, &reason))
		fail_msg("%s", reason);
	phyr_p2p_destroy(w->p2p);
	assert_int_equal(w->t.live_cnt, 0);
	assert_int_equal(w->t.live_len, 0);
}

static inline uint32_t host(struct world *w, enum phyr_p2p_forward forward)
{
	struct phyr_p2p_node node = { .forward = forward };
	uint32_t id = 0;

	assert_int_equal(phyr_p2p_add_node(w->p2p, &node, &id), PHYR_OK);
	return id;
}

static inline uint32_t below(struct world *w, uint32_t parent)
{
	struct phyr_p2p_node node = { .parent = parent };
	uint32_t id = 0;

	assert_int_equal(phyr_p2p_add_node(w->p2p, &node, &id), PHYR_OK);
	return id;
}

static inline struct phyr_range range_at(uint64_t first, uint64_t len)
{
	struct phyr_range range = { phyr_pa_at(first), len };

	return range;
}

static inline int try_bar(struct world *w, uint32_t owner, uint64_t first, uint64_t len,
			  uint32_t *ret_provider)
{
	struct phyr_p2p_bar bar = { range_at(first, len), 0, owner };

	return phyr_p2p_register(w->p2p, &bar, ret_provider);
}

static inline uint32_t bar(struct world *w, uint32_t owner, uint64_t first, uint64_t len)
{
	uint32_t id = 0;

	assert_int_equal(try_bar(w, owner, first, len, &id), PHYR_OK);
	assert_int_not_equal(id, 0);
	return id;
}

static inline struct phyr_p2p_client *client(struct world *w, uint32_t node)
{
	struct phyr_p2p_client **client = &w->clients[w->client_cnt++];

	assert_true(w->client_cnt <= CLIENT_MAX);
	assert_int_equal(phyr_p2p_client_create(&w->t.mem, w->p2p, node, client), PHYR_OK);
	return *client;
}

/* A teardown: what a property test that did not end was at work on. */
static inline int tell_seed(void **state)
{
	if (*state)
		print_error("PHYR_SEED=%llu PHYR_ITER=1\n",
			    (unsigned long long)*(const uint64_t *)*state);
	return 0;
}

#endif
