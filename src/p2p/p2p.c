/* SPDX-License-Identifier: MIT */
/*
 * Making and freeing a registry, and the arrays that it is made of.
 *
 * Not here: what is in them (topology.c, provider.c, order.c).
 */
#include "p2p.h"

#include <string.h>

#define CAP_MIN 8

int phyr_p2p_room(const struct phyr_mem *mem, struct array *array, size_t cnt, size_t item_len)
{
	size_t cap, len;
	void *items;

	if (cnt < array->cap)
		return PHYR_OK;
	cap = cnt < CAP_MIN ? CAP_MIN : cnt;
	if (__builtin_mul_overflow(cap, 2 * item_len, &len))
		return PHYR_E_NOMEM;
	items = mem->alloc(mem->ctx, len);
	if (!items)
		return PHYR_E_NOMEM;
	if (array->items) {
		memcpy(items, array->items, cnt * item_len);
		mem->free(mem->ctx, array->items, array->cap * item_len);
	}
	array->items = items;
	array->cap = 2 * cap;
	return PHYR_OK;
}

static void array_free(const struct phyr_mem *mem, struct array *array, size_t item_len)
{
	if (array->items)
		mem->free(mem->ctx, array->items, array->cap * item_len);
}

int phyr_p2p_create(const struct phyr_mem *mem, struct phyr_p2p **ret_p2p)
{
	struct phyr_p2p *p2p;

	if (!mem || !ret_p2p)
		return PHYR_E_INVAL;
	p2p = mem->alloc(mem->ctx, sizeof(*p2p));
	if (!p2p)
		return PHYR_E_NOMEM;
	*p2p = (struct phyr_p2p){ .mem = mem };
	*ret_p2p = p2p;
	return PHYR_OK;
}

void phyr_p2p_destroy(struct phyr_p2p *p2p)
{
	const struct phyr_mem *mem;

	if (!p2p)
		return;
	mem = p2p->mem;
	for (uint32_t slot = 1; slot <= p2p->slot_cnt; slot++)
		mem->free(mem->ctx, *p2p_slot(p2p, slot), sizeof(struct phyr_p2p_provider));
	array_free(mem, &p2p->nodes, sizeof(struct node));
	array_free(mem, &p2p->slots, sizeof(struct phyr_p2p_provider *));
	array_free(mem, &p2p->firsts, sizeof(uint64_t));
	array_free(mem, &p2p->places, sizeof(struct place));
	mem->free(mem->ctx, p2p, sizeof(*p2p));
}
