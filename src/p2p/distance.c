/* SPDX-License-Identifier: MIT */
/*
 * Distances, and the provider that is nearest.
 *
 * Nothing is remembered: this is asked when providers are chosen, not when memory is mapped.
 */
#include "p2p.h"

/* From a provider to a device; nothing is written unless there is a way. */
static int way(const struct phyr_p2p *p2p, uint32_t provider, uint32_t node,
	       struct route *ret_route)
{
	const struct phyr_p2p_provider *found = phyr_p2p_provider_at(p2p, provider);
	int err = node ? phyr_p2p_check_node(p2p, node) : PHYR_OK;
	struct route route;

	if (!found)
		return PHYR_E_NOENT;
	if (err)
		return err;
	route = phyr_p2p_route(p2p, found->bar.owner, node);
	if (route.type == PHYR_P2P_UNSUPPORTED)
		return PHYR_E_UNREACHABLE;
	*ret_route = route;
	return PHYR_OK;
}

int phyr_p2p_distance(const struct phyr_p2p *p2p, uint32_t provider, uint32_t node,
		      enum phyr_p2p_type *ret_type, unsigned int *ret_distance)
{
	struct route route;
	int err;

	if (!p2p || !ret_type || !ret_distance)
		return PHYR_E_INVAL;
	err = way(p2p, provider, node, &route);
	if (err)
		return err;
	*ret_type = route.type;
	*ret_distance = route.distance;
	return PHYR_OK;
}

int phyr_p2p_distance_many(const struct phyr_p2p *p2p, uint32_t provider, struct phyr_p2p_ids nodes,
			   uint64_t *ret_distance)
{
	int result = nodes.cnt ? PHYR_OK : PHYR_E_UNREACHABLE;
	uint64_t sum = 0;

	if (!p2p || (nodes.cnt && !nodes.ids) || !ret_distance)
		return PHYR_E_INVAL;
	if (!phyr_p2p_provider_at(p2p, provider))
		return PHYR_E_NOENT;
	for (size_t i = 0; i < nodes.cnt; i++) {
		struct route route = { PHYR_P2P_NONE, 0 };
		int err = way(p2p, provider, nodes.ids[i], &route);

		/* Whether all nodes are nodes comes before whether all are reached. */
		if (err == PHYR_E_UNREACHABLE)
			result = err;
		else if (err)
			return err;
		sum += route.distance;
	}
	if (!result)
		*ret_distance = sum;
	return result;
}

int phyr_p2p_find_nearest(const struct phyr_p2p *p2p, struct phyr_p2p_ids providers,
			  struct phyr_p2p_ids nodes, uint32_t *ret_provider)
{
	uint64_t nearest = UINT64_MAX;
	uint32_t best = 0;

	if (!p2p || (providers.cnt && !providers.ids) || !ret_provider)
		return PHYR_E_INVAL;
	for (size_t i = 0; i < providers.cnt; i++) {
		uint32_t provider = providers.ids[i];
		uint64_t distance;
		int err = phyr_p2p_distance_many(p2p, provider, nodes, &distance);

		if (err == PHYR_E_UNREACHABLE)
			continue;
		if (err)
			return err;
		if (distance < nearest || (distance == nearest && provider < best)) {
			nearest = distance;
			best = provider;
		}
	}
	if (!best)
		return PHYR_E_UNREACHABLE;
	*ret_provider = best;
	return PHYR_OK;
}
