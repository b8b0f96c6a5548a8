/* SPDX-License-Identifier: MIT */
/*
 * Nodes and the ways between them.
 *
 * A way is found by climbing from the deeper of its two ends until they meet, or until both are
 * host bridges: every node above the meeting point stays out of it, and each below is seen once.
 *
 * Not here: remembering what was found (client.c).
 */
#include <phyr/bits.h>

#include "p2p.h"

#define REDIRECTS (PHYR_P2P_ACS_RR | PHYR_P2P_ACS_CR | PHYR_P2P_ACS_EC)

static int check_new(const struct phyr_p2p *p2p, const struct phyr_p2p_node *node)
{
	/* An enumeration may be signed. */
	if ((unsigned int)node->forward > PHYR_P2P_FORWARD_ACROSS)
		return PHYR_E_INVAL;
	if (!node->parent)
		return node->acs ? PHYR_E_INVAL : PHYR_OK;
	if (node->forward)
		return PHYR_E_INVAL;
	return node->parent <= p2p->node_cnt ? PHYR_OK : PHYR_E_NOENT;
}

int phyr_p2p_add_node(struct phyr_p2p *p2p, const struct phyr_p2p_node *node, uint32_t *ret_node)
{
	uint32_t id;
	int err;

	if (!p2p || !node || !ret_node)
		return PHYR_E_INVAL;
	err = check_new(p2p, node);
	if (!err && p2p->node_cnt == ID_MAX)
		err = PHYR_E_LIMIT;
	if (!err)
		err = phyr_p2p_room(p2p->mem, &p2p->nodes, p2p->node_cnt, sizeof(struct node));
	if (err)
		return err;
	id = ++p2p->node_cnt;
	*p2p_node(p2p, id) = (struct node){
		.parent = node->parent,
		.host = node->parent ? p2p_node(p2p, node->parent)->host : id,
		.depth = node->parent ? p2p_node(p2p, node->parent)->depth + 1 : 0,
		.acs = node->acs,
		.forward = (uint8_t)node->forward,
	};
	*ret_node = id;
	return PHYR_OK;
}

int phyr_p2p_check_node(const struct phyr_p2p *p2p, uint32_t node)
{
	if (!node || node > p2p->node_cnt)
		return PHYR_E_NOENT;
	return p2p_node(p2p, node)->parent ? PHYR_OK : PHYR_E_INVAL;
}

int phyr_p2p_set_acs(struct phyr_p2p *p2p, uint32_t node, uint16_t acs)
{
	int err = p2p ? phyr_p2p_check_node(p2p, node) : PHYR_E_INVAL;

	if (err)
		return err;
	p2p_node(p2p, node)->acs = acs;
	p2p->generation++;
	return PHYR_OK;
}

/* May peers below these two host bridges, or this one, reach each other through them? */
static bool forwarded(const struct phyr_p2p *p2p, uint32_t a, uint32_t b)
{
	uint8_t needed = a == b ? PHYR_P2P_FORWARD_WITHIN : PHYR_P2P_FORWARD_ACROSS;

	return p2p_node(p2p, a)->forward >= needed && p2p_node(p2p, b)->forward >= needed;
}

struct route phyr_p2p_route(const struct phyr_p2p *p2p, uint32_t owner, uint32_t client)
{
	struct route route = { PHYR_P2P_UNSUPPORTED, 0 };
	uint32_t a = owner, b = client;
	unsigned int acs = 0;

	if (!client)
		return route;
	while (a != b && (p2p_node(p2p, a)->depth || p2p_node(p2p, b)->depth)) {
		uint32_t *deeper = p2p_node(p2p, a)->depth < p2p_node(p2p, b)->depth ? &b : &a;

		acs |= p2p_node(p2p, *deeper)->acs;
		*deeper = p2p_node(p2p, *deeper)->parent;
		route.distance++;
	}
	/* The common node redirects as well; host bridges are no common node. */
	acs |= p2p_node(p2p, a)->acs;
	if (p2p_node(p2p, a)->depth && !(acs & REDIRECTS))
		route.type = owner == client ? PHYR_P2P_OWN : PHYR_P2P_BUS;
	else if (forwarded(p2p, p2p_node(p2p, owner)->host, p2p_node(p2p, client)->host))
		route.type = PHYR_P2P_BRIDGE;
	return route;
}
