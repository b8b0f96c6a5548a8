/* SPDX-License-Identifier: MIT */
/* The inside of a registry: nodes by id, providers by id and by address. Private to src/p2p. */
#ifndef PHYR_P2P_P2P_H
#define PHYR_P2P_P2P_H

#include <phyr/p2p.h>

#include "../base/lock.h"

/* The low bits of a provider's id are its slot, the rest says how often that was used before. */
#define SLOT_BITS 20
/* So many nodes, and so many slots, as neither is 0. */
#define ID_MAX ((UINT32_C(1) << SLOT_BITS) - 1)
#define USE_ONE (UINT32_C(1) << SLOT_BITS)

/* Items of one type that lie one behind the other; whoever has it counts them. */
struct array {
	void *items;
	size_t cap; /* items that there is memory for */
};

/* Invariant: parent < own id; host and depth follow from the parent's. */
struct node {
	uint32_t parent; /* 0: a host bridge */
	uint32_t host;	 /* the host bridge above, or itself */
	uint32_t depth;	 /* 0 for a host bridge */
	uint16_t acs;
	uint8_t forward;
};

/*
 * A slot's provider. What is not live waits in the list of free slots, with the id that it will
 * have next; slots whose ids are used up wait nowhere.
 */
struct phyr_p2p_provider {
	struct phyr_p2p_bar bar;
	uint32_t id;
	uint32_t next_free; /* slot, 0: the last one */
	bool live;
	struct phyr_lock lock; /* of what follows, and of the links of its users */
	bool going;	       /* being removed: nobody attaches any more */
	struct phyr_p2p_user *users;
};

/* Where a provider ends; where it begins is in an array apart, which is all that a search reads. */
struct place {
	uint64_t last;
	uint32_t id;
};

/* Bytes that are one provider's, or nobody's (id 0), up to the borders; empty: first > last. */
struct stretch {
	uint64_t first, last;
	uint32_t id;
};

struct phyr_p2p {
	const struct phyr_mem *mem;
	uint64_t generation; /* how often something changed that clients may remember */
	struct array nodes;  /* of struct node, by id − 1 */
	uint32_t node_cnt;
	struct array slots; /* of struct phyr_p2p_provider *, by slot − 1 */
	uint32_t slot_cnt;
	uint32_t first_free; /* slot, 0: none */
	/* The providers in the order of their addresses. */
	struct array firsts; /* of uint64_t */
	struct array places; /* of struct place */
	size_t place_cnt;
};

/* A way from a provider's owner to a client. */
struct route {
	enum phyr_p2p_type type;
	unsigned int distance;
};

/* p2p.c: makes room for one item more; PHYR_OK or PHYR_E_NOMEM, with nothing changed. */
int phyr_p2p_room(const struct phyr_mem *mem, struct array *array, size_t cnt, size_t item_len);

/* topology.c */

/* PHYR_OK, NOENT when there is no such node, INVAL when it is a host bridge. */
int phyr_p2p_check_node(const struct phyr_p2p *p2p, uint32_t node);

/* The way from an owner to a client; both have passed the check, or the client is 0. */
struct route phyr_p2p_route(const struct phyr_p2p *p2p, uint32_t owner, uint32_t client);

/* provider.c: the live provider of an id, or NULL. */
struct phyr_p2p_provider *phyr_p2p_provider_at(const struct phyr_p2p *p2p, uint32_t provider);

/* order.c */

/* The stretch that an address lies in. */
struct stretch phyr_p2p_stretch(const struct phyr_p2p *p2p, uint64_t at);

/* Adds a range of nobody, for which there is room; takes one away. */
void phyr_p2p_order_add(struct phyr_p2p *p2p, uint64_t first, struct place place);
void phyr_p2p_order_remove(struct phyr_p2p *p2p, uint64_t first);

/* user.c: tells every user; PHYR_OK when all are gone and nobody can come, or PHYR_E_BUSY. */
int phyr_p2p_revoke(struct phyr_p2p_provider *provider);

static inline struct node *p2p_node(const struct phyr_p2p *p2p, uint32_t id)
{
	return (struct node *)p2p->nodes.items + (id - 1);
}

static inline struct phyr_p2p_provider **p2p_slot(const struct phyr_p2p *p2p, uint32_t slot)
{
	return (struct phyr_p2p_provider **)p2p->slots.items + (slot - 1);
}

static inline uint64_t *p2p_firsts(const struct phyr_p2p *p2p)
{
	return p2p->firsts.items;
}

static inline struct place *p2p_places(const struct phyr_p2p *p2p)
{
	return p2p->places.items;
}

#endif
