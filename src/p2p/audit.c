/* SPDX-License-Identifier: MIT */
/* Is a registry as it should be? */
#include <phyr/bits.h>

#include "p2p.h"

static const char *audit_nodes(const struct phyr_p2p *p2p)
{
	for (uint32_t id = 1; id <= p2p->node_cnt; id++) {
		const struct node *node = p2p_node(p2p, id), *parent;

		if (node->parent >= id)
			return "a node is above one that came before it";
		if (!node->parent) {
			if (node->host != id || node->depth || node->acs)
				return "a host bridge is none";
			continue;
		}
		parent = p2p_node(p2p, node->parent);
		if (node->host != parent->host || node->depth != parent->depth + 1)
			return "a node is not where its parent is";
		if (node->forward)
			return "a node forwards that is no host bridge";
	}
	return NULL;
}

static const char *audit_users(const struct phyr_p2p_provider *provider)
{
	struct phyr_p2p_user *const *link = &provider->users;

	if (!provider->live && provider->users)
		return "a provider that is gone has users";
	for (const struct phyr_p2p_user *user = *link; user; user = user->next) {
		if (user->link != link || user->place != provider ||
		    user->provider != provider->id || !user->revoke)
			return "a user is not linked to its provider";
		link = &user->next;
	}
	return NULL;
}

/* How often slots stand in the list of free ones; more than there are: it has a loop. */
static uint32_t count_free(const struct phyr_p2p *p2p)
{
	uint32_t cnt = 0;

	for (uint32_t slot = p2p->first_free; slot && cnt <= p2p->slot_cnt; cnt++)
		slot = (*p2p_slot(p2p, slot))->next_free;
	return cnt;
}

static const char *audit_slots(const struct phyr_p2p *p2p)
{
	uint32_t free_cnt = 0;

	for (uint32_t slot = 1; slot <= p2p->slot_cnt; slot++) {
		const struct phyr_p2p_provider *provider = *p2p_slot(p2p, slot);
		const char *reason = audit_users(provider);

		if (reason)
			return reason;
		if ((provider->id & ID_MAX) != slot)
			return "a provider has the id of another slot";
		/* An id of the first use that is not live has gone through all of them. */
		free_cnt += !provider->live && provider->id >= USE_ONE;
	}
	return free_cnt == count_free(p2p) ? NULL : "a slot is lost";
}

static const char *audit_place(const struct phyr_p2p *p2p, size_t i)
{
	const struct phyr_p2p_provider *provider;
	const struct place *place = &p2p_places(p2p)[i];
	uint64_t first = p2p_firsts(p2p)[i], last;

	if (i && p2p_places(p2p)[i - 1].last >= first)
		return "providers overlap or are out of order";
	provider = phyr_p2p_provider_at(p2p, place->id);
	if (!provider || provider->bar.range.pa.addr != first ||
	    !phyr_bits_last(first, provider->bar.range.len, &last) || last != place->last)
		return "a place is not its provider's";
	return phyr_p2p_check_node(p2p, provider->bar.owner) ? "a provider is no function's" : NULL;
}

static const char *audit_places(const struct phyr_p2p *p2p)
{
	size_t live_cnt = 0;

	for (size_t i = 0; i < p2p->place_cnt; i++) {
		const char *reason = audit_place(p2p, i);

		if (reason)
			return reason;
	}
	for (uint32_t slot = 1; slot <= p2p->slot_cnt; slot++)
		live_cnt += (*p2p_slot(p2p, slot))->live;
	return live_cnt == p2p->place_cnt ? NULL : "a provider has no place";
}

bool phyr_p2p_validate(const struct phyr_p2p *p2p, const char **ret_reason)
{
	const char *reason = p2p ? audit_nodes(p2p) : "no registry";

	if (!reason)
		reason = audit_slots(p2p);
	if (!reason)
		reason = audit_places(p2p);
	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
