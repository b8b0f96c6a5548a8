/* SPDX-License-Identifier: MIT */
/*
 * A client's questions: whose is a range, how is a provider reached, at which bus address.
 *
 * What was found is kept: the last stretch, be it a provider or memory, and types by a few bits of
 * the provider's id. A registry that has changed since voids all of it at the next question.
 *
 * Not here: how the answers are found (order.c, topology.c).
 */
#include <string.h>

#include <phyr/bits.h>

#include "p2p.h"

#define TYPE_CNT 64

/* A type that is remembered; provider 0: none is. */
struct known {
	uint32_t provider;
	enum phyr_p2p_type type;
};

struct phyr_p2p_client {
	const struct phyr_mem *mem;
	const struct phyr_p2p *p2p;
	uint32_t node;
	uint64_t generation; /* of the registry, when stretch and known were true */
	struct stretch stretch;
	struct phyr_p2p_stats stats;
	struct known known[TYPE_CNT];
};

static void forget(struct phyr_p2p_client *client)
{
	client->generation = client->p2p->generation;
	client->stretch = (struct stretch){ 1, 0, 0 };
	memset(client->known, 0, sizeof(client->known));
}

int phyr_p2p_client_create(const struct phyr_mem *mem, const struct phyr_p2p *p2p, uint32_t node,
			   struct phyr_p2p_client **ret_client)
{
	struct phyr_p2p_client *client;
	int err;

	if (!mem || !p2p || !ret_client)
		return PHYR_E_INVAL;
	err = node ? phyr_p2p_check_node(p2p, node) : PHYR_OK;
	if (err)
		return err;
	client = mem->alloc(mem->ctx, sizeof(*client));
	if (!client)
		return PHYR_E_NOMEM;
	*client = (struct phyr_p2p_client){ .mem = mem, .p2p = p2p, .node = node };
	forget(client);
	*ret_client = client;
	return PHYR_OK;
}

void phyr_p2p_client_destroy(struct phyr_p2p_client *client)
{
	if (client)
		client->mem->free(client->mem->ctx, client, sizeof(*client));
}

/* The stretch of the first byte of a range, and the last byte of the range. */
static int look_up(struct phyr_p2p_client *client, struct phyr_range range, uint64_t *ret_last)
{
	uint64_t first = range.pa.addr;

	if (!range.len)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(first, range.len, ret_last))
		return PHYR_E_RANGE;
	if (client->generation != client->p2p->generation)
		forget(client);
	client->stats.lookup_cnt++;
	if (first >= client->stretch.first && first <= client->stretch.last)
		client->stats.lookup_hit_cnt++;
	else
		client->stretch = phyr_p2p_stretch(client->p2p, first);
	return PHYR_OK;
}

int phyr_p2p_find(struct phyr_p2p_client *client, struct phyr_range range, uint32_t *ret_provider)
{
	uint64_t last;
	int err;

	if (!client || !ret_provider)
		return PHYR_E_INVAL;
	err = look_up(client, range, &last);
	if (err)
		return err;
	if (last > client->stretch.last)
		return PHYR_E_PARTIAL;
	if (!client->stretch.id)
		return PHYR_E_NOENT;
	*ret_provider = client->stretch.id;
	return PHYR_OK;
}

int phyr_p2p_split(struct phyr_p2p_client *client, struct phyr_range range,
		   struct phyr_range *ret_first, uint32_t *ret_provider)
{
	uint64_t last;
	int err;

	if (!client || !ret_first || !ret_provider)
		return PHYR_E_INVAL;
	err = look_up(client, range, &last);
	if (err)
		return err;
	ret_first->pa = range.pa;
	ret_first->len = range.len;
	if (last > client->stretch.last)
		ret_first->len = client->stretch.last - range.pa.addr + 1;
	*ret_provider = client->stretch.id;
	return PHYR_OK;
}

enum phyr_p2p_type phyr_p2p_type(struct phyr_p2p_client *client, uint32_t provider)
{
	struct known *known = &client->known[provider % TYPE_CNT];
	const struct phyr_p2p_provider *found;

	if (!provider)
		return PHYR_P2P_NONE;
	if (client->generation != client->p2p->generation)
		forget(client);
	if (known->provider == provider) {
		client->stats.type_cnt++;
		client->stats.type_hit_cnt++;
		return known->type;
	}
	found = phyr_p2p_provider_at(client->p2p, provider);
	if (!found)
		return PHYR_P2P_UNSUPPORTED;
	client->stats.type_cnt++;
	known->provider = provider;
	known->type = phyr_p2p_route(client->p2p, found->bar.owner, client->node).type;
	return known->type;
}

int phyr_p2p_bus(struct phyr_p2p_client *client, uint32_t provider, phyr_pa pa, phyr_iova *ret_bus)
{
	const struct phyr_p2p_provider *found;

	if (!client || !ret_bus)
		return PHYR_E_INVAL;
	found = phyr_p2p_provider_at(client->p2p, provider);
	if (!found)
		return PHYR_E_NOENT;
	if (pa.addr - found->bar.range.pa.addr >= found->bar.range.len)
		return PHYR_E_RANGE;
	switch (phyr_p2p_type(client, provider)) {
	case PHYR_P2P_BUS:
	case PHYR_P2P_OWN:
		*ret_bus = phyr_iova_at(pa.addr + found->bar.bus_offset);
		return PHYR_OK;
	case PHYR_P2P_BRIDGE:
		return PHYR_E_KIND;
	case PHYR_P2P_NONE:
	case PHYR_P2P_UNSUPPORTED:
		break;
	}
	return PHYR_E_UNREACHABLE;
}

void phyr_p2p_client_stats(const struct phyr_p2p_client *client, struct phyr_p2p_stats *ret_stats)
{
	*ret_stats = client->stats;
}

static const char *audit(const struct phyr_p2p_client *client)
{
	const struct phyr_p2p *p2p = client->p2p;
	struct stretch told = client->stretch, true_one = phyr_p2p_stretch(p2p, told.first);

	if (client->generation != p2p->generation)
		return NULL;
	if (told.first <= told.last &&
	    (told.first != true_one.first || told.last != true_one.last || told.id != true_one.id))
		return "the last stretch is none";
	for (uint32_t i = 0; i < TYPE_CNT; i++) {
		const struct known *known = &client->known[i];
		const struct phyr_p2p_provider *found;

		if (!known->provider)
			continue;
		found = phyr_p2p_provider_at(p2p, known->provider);
		if (!found || known->provider % TYPE_CNT != i)
			return "the type of no provider is known";
		if (known->type != phyr_p2p_route(p2p, found->bar.owner, client->node).type)
			return "a type is out of date";
	}
	return NULL;
}

bool phyr_p2p_client_validate(const struct phyr_p2p_client *client, const char **ret_reason)
{
	const char *reason = client ? audit(client) : "no client";

	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
