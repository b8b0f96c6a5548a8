/* SPDX-License-Identifier: MIT */
/* A device and its peers, reached in every way there is. */
#ifndef PHYR_TEST_FRONT_PEERS_H
#define PHYR_TEST_FRONT_PEERS_H

#include <phyr/p2p.h>

#include "test.h"

/** BARs, by how the device reaches them: by bus address, twice; through the bridge; not at all. */
#define BUS_PA UINT64_C(0x200000000000)
#define BUS_OFFSET (UINT64_C(0x80000000) - BUS_PA)
#define BUS2_PA UINT64_C(0x210000000000)
#define BRIDGE_PA UINT64_C(0x220000000000)
#define FAR_PA UINT64_C(0x230000000000)
#define BAR_LEN UINT64_C(0x1000000)

struct peers {
	struct phyr_p2p *p2p;
	uint32_t client;		 /* node: the device */
	uint32_t bus_node, bridge_node;	 /* owners of the BARs */
	uint32_t bus, bus2, bridge, far; /* providers */
};

static inline uint32_t node(struct phyr_p2p *p2p, uint32_t parent, enum phyr_p2p_forward forward)
{
	struct phyr_p2p_node params = { .parent = parent, .forward = forward };
	uint32_t id = 0;

	assert_int_equal(phyr_p2p_add_node(p2p, &params, &id), PHYR_OK);
	return id;
}

static inline uint32_t bar(struct phyr_p2p *p2p, uint32_t owner, uint64_t pa, uint64_t offset)
{
	struct phyr_p2p_bar params = { { { pa }, BAR_LEN }, offset, owner };
	uint32_t id = 0;

	assert_int_equal(phyr_p2p_register(p2p, &params, &id), PHYR_OK);
	return id;
}

/* Two peers on the device's switch, one below another root port, one below another bridge. */
static inline void peers_open(struct peers *peers, const struct phyr_mem *mem)
{
	struct phyr_p2p *p2p;
	uint32_t host, port;

	assert_int_equal(phyr_p2p_create(mem, &p2p), PHYR_OK);
	host = node(p2p, 0, PHYR_P2P_FORWARD_WITHIN);
	port = node(p2p, host, 0);
	peers->p2p = p2p;
	peers->client = node(p2p, port, 0);
	peers->bus_node = node(p2p, port, 0);
	peers->bridge_node = node(p2p, node(p2p, host, 0), 0);
	peers->bus = bar(p2p, peers->bus_node, BUS_PA, BUS_OFFSET);
	peers->bus2 = bar(p2p, node(p2p, port, 0), BUS2_PA, 0);
	peers->bridge = bar(p2p, peers->bridge_node, BRIDGE_PA, 0);
	host = node(p2p, 0, PHYR_P2P_FORWARD_NOTHING);
	peers->far = bar(p2p, node(p2p, host, 0), FAR_PA, 0);
}

#endif
